/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace-callback.h"

#include <ns3/ipv4-header.h>
#include <ns3/ipv4-l3-protocol.h>
#include <ns3/ipv6-header.h>
#include <ns3/ipv6-l3-protocol.h>
#include <ns3/mac8-address.h>
#include <ns3/olsr-routing-protocol.h>
#include <ns3/seq-ts-size-header.h>
#include <ns3/sequence-number.h>
#include <ns3/tcp-header.h>
#include <ns3/tcp-rate-ops.h>
#include <ns3/tcp-socket-base.h>

/**
 * @file
 * Signatures of trace sources of ns-3's IP stack.
 */

namespace ttb
{

using namespace ns3;

namespace
{

using P = Ptr<const Packet>;

const TraceMaker MAKERS[] = {
    &MakeTrace<SequenceNumber32, SequenceNumber32>,
    &MakeTrace<const Ipv4Header&, P, uint32_t>,
    &MakeTrace<const Ipv6Header&, P, uint32_t>,
    &MakeTrace<P, Ptr<Ipv4>, uint32_t>,
    &MakeTrace<P, Ptr<Ipv6>, uint32_t>,
    &MakeTrace<const Ipv4Header&, P, Ipv4L3Protocol::DropReason, Ptr<Ipv4>, uint32_t>,
    &MakeTrace<const Ipv6Header&, P, Ipv6L3Protocol::DropReason, Ptr<Ipv6>, uint32_t>,
    &MakeTrace<P, const Address&, const Address&, const SeqTsSizeHeader&>,
    &MakeTrace<P, const TcpHeader&, Ptr<const TcpSocketBase>>,
    &MakeTrace<TcpSocket::TcpStates_t, TcpSocket::TcpStates_t>,
    &MakeTrace<TcpSocketState::TcpCongState_t, TcpSocketState::TcpCongState_t>,
    &MakeTrace<TcpSocketState::EcnState_t, TcpSocketState::EcnState_t>,
    &MakeTrace<const TcpRateOps::TcpRateSample&>,
    &MakeTrace<const TcpRateOps::TcpRateConnection&>,
    &MakeTrace<const Ipv4Address&>,
    &MakeTrace<const olsr::PacketHeader&, const olsr::MessageList&>,
    &MakeTrace<P, Mac8Address>,
};

} // namespace

const TraceSignatures INTERNET_SIGNATURES = {MAKERS, sizeof(MAKERS) / sizeof(MAKERS[0])};

} // namespace ttb
