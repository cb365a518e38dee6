/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace-callback.h"

#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/uml-node.h>

#include <ns3/address.h>
#include <ns3/data-rate.h>
#include <ns3/mac48-address.h>
#include <ns3/mobility-model.h>
#include <ns3/net-device.h>
#include <ns3/packet-burst.h>
#include <ns3/queue-disc.h>
#include <ns3/queue-item.h>
#include <ns3/spectrum-value.h>

/**
 * @file
 * Signatures of trace sources that many modules share, the commonest first.
 */

namespace ttb
{

using namespace ns3;

namespace
{

using P = Ptr<const Packet>;

const TraceMaker MAKERS[] = {
    &MakeTrace<P>,
    &MakeTrace<uint32_t, uint32_t>,
    &MakeTrace<Ptr<const QueueDiscItem>>,
    &MakeTrace<uint64_t, uint64_t>,
    &MakeTrace<double, double>,
    &MakeTrace<Mac48Address>,
    &MakeTrace<P, const Address&>,
    &MakeTrace<P, const Address&, const Address&>,
    &MakeTrace<Time>,
    &MakeTrace<Time, Time>,
    &MakeTrace<bool, bool>,
    &MakeTrace<Ptr<const MobilityModel>>,
    &MakeTrace<P, double>,
    &MakeTrace<uint64_t, uint16_t, uint16_t>,
    &MakeTrace<Ptr<const PacketBurst>>,
    &MakeTrace<Ptr<const QueueDiscItem>, const char*>,
    &MakeTrace<>,
    &MakeTrace<bool>,
    &MakeTrace<uint8_t, uint8_t>,
    &MakeTrace<uint16_t, uint16_t>,
    &MakeTrace<int32_t, int32_t>,
    &MakeTrace<int64_t, int64_t>,
    &MakeTrace<uint8_t>,
    &MakeTrace<uint16_t>,
    &MakeTrace<uint32_t>,
    &MakeTrace<uint64_t>,
    &MakeTrace<double>,
    &MakeTrace<uint64_t, Mac48Address>,
    &MakeTrace<double, double, Mac48Address>,
    &MakeTrace<DataRate, DataRate, Mac48Address>,
    &MakeTrace<DataRate, DataRate>,
    &MakeTrace<Address, Address>,
    &MakeTrace<const Time&, const Address&>,
    &MakeTrace<P, Ptr<NetDevice>, Ptr<NetDevice>, Time, Time>,
    &MakeTrace<Ptr<Packet>>,
    &MakeTrace<Ptr<PacketBurst>>,
    &MakeTrace<Ptr<const QueueItem>>,
    &MakeTrace<const std::string&, const std::string&>,
    &MakeTrace<uint16_t, Mac48Address>,
    &MakeTrace<uint8_t, Mac48Address>,
    &MakeTrace<uint32_t, uint8_t>,
    &MakeTrace<Time, Time, uint8_t>,
    // ours
    &MakeTrace<P, NodePort::DropReason>,
    &MakeTrace<Ptr<const UmlNode>, Time, const std::string&>,
    &MakeTrace<Ptr<const UmlNode>, Time, const std::string&, const std::string&>,
    // LTE, WiMAX, mesh, ..., whose arguments are of general types
    &MakeTrace<P, uint32_t>,
    &MakeTrace<P, uint16_t>,
    &MakeTrace<P, Mac48Address>,
    &MakeTrace<P, const Mac48Address&>,
    &MakeTrace<P, uint8_t, uint8_t>,
    &MakeTrace<Mac48Address, Mac48Address>,
    &MakeTrace<Time, Time, uint32_t, uint32_t, double, uint32_t, double>,
    &MakeTrace<uint64_t, uint16_t>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, uint8_t>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, uint16_t>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, std::string>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, std::string, uint8_t>,
    &MakeTrace<uint64_t, bool, uint8_t, uint8_t>,
    &MakeTrace<uint32_t, uint32_t, double>,
    &MakeTrace<uint32_t, uint32_t, uint16_t, uint8_t, uint16_t, uint8_t>,
    &MakeTrace<uint16_t, uint8_t, uint32_t>,
    &MakeTrace<uint16_t, uint8_t, uint32_t, uint64_t>,
    &MakeTrace<uint16_t, uint16_t, double>,
    &MakeTrace<uint16_t, uint16_t, double, uint8_t>,
    &MakeTrace<uint16_t, uint16_t, double, double, uint8_t>,
    &MakeTrace<uint16_t, uint16_t, double, double, bool, uint8_t>,
    &MakeTrace<uint16_t, const std::vector<int>&>,
};

} // namespace

const TraceSignatures GENERAL_SIGNATURES = {MAKERS, sizeof(MAKERS) / sizeof(MAKERS[0])};

} // namespace ttb
