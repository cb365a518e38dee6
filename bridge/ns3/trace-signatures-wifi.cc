/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace-callback.h"

#include <ns3/mobility-model.h>
#include <ns3/originator-block-ack-agreement.h>
#include <ns3/spectrum-phy.h>
#include <ns3/spectrum-signal-parameters.h>
#include <ns3/spectrum-value.h>
#include <ns3/wifi-mac-header.h>
#include <ns3/wifi-mac.h>
#include <ns3/wifi-mode.h>
#include <ns3/wifi-phy-common.h>
#include <ns3/wifi-phy-state.h>
#include <ns3/wifi-phy.h>
#include <ns3/wifi-psdu.h>
#include <ns3/wifi-tx-vector.h>

/**
 * @file
 * Signatures of trace sources of Wifi and of spectrum models.
 */

namespace ttb
{

using namespace ns3;

namespace
{

using P = Ptr<const Packet>;

const TraceMaker MAKERS[] = {
    &MakeTrace<Ptr<const WifiMpdu>>,
    &MakeTrace<const WifiMacHeader&>,
    &MakeTrace<Time, Time, WifiPhyState>,
    &MakeTrace<P, double, WifiMode, WifiPreamble>,
    &MakeTrace<P, WifiMode, WifiPreamble, uint8_t>,
    &MakeTrace<P, WifiPhyRxfailureReason>,
    &MakeTrace<P, RxPowerWattPerChannelBand>,
    &MakeTrace<WifiTxVector, Time>,
    &MakeTrace<WifiConstPsduMap, WifiTxVector, double>,
    &MakeTrace<P, uint16_t, WifiTxVector, MpduInfo, uint16_t>,
    &MakeTrace<P, uint16_t, WifiTxVector, MpduInfo, SignalNoiseDbm, uint16_t>,
    &MakeTrace<WifiMacDropReason, Ptr<const WifiMpdu>>,
    &MakeTrace<uint8_t, Ptr<const WifiMpdu>, const WifiTxVector&>,
    &MakeTrace<uint8_t, Ptr<const WifiPsdu>, const WifiTxVector&>,
    &MakeTrace<uint8_t, WifiPsduMap*, const std::set<Mac48Address>*, std::size_t>,
    &MakeTrace<Time, Mac48Address, uint8_t, OriginatorBlockAckAgreement::State>,
    &MakeTrace<uint8_t, double, bool, double, double>,
    &MakeTrace<bool, uint32_t, double, Time>,
    &MakeTrace<Ptr<SpectrumSignalParameters>>,
    &MakeTrace<Ptr<const SpectrumPhy>, Ptr<const SpectrumPhy>, double>,
    &MakeTrace<Ptr<const MobilityModel>, Ptr<const MobilityModel>, double, double, double, double>,
    &MakeTrace<Ptr<const SpectrumValue>>,
    &MakeTrace<Ptr<SpectrumValue>>,
    &MakeTrace<uint16_t, Ptr<SpectrumValue>>,
};

} // namespace

const TraceSignatures WIFI_SIGNATURES = {MAKERS, sizeof(MAKERS) / sizeof(MAKERS[0])};

} // namespace ttb
