/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace-callback.h"

#include <ns3/socket.h>
#include <ns3/sta-wifi-mac.h>
#include <ns3/three-gpp-http-client.h>
#include <ns3/three-gpp-http-server.h>

// An ns-3 that was built without one of these modules has no trace source for it either.
#if __has_include(<ns3/lte-ue-rrc.h>)
#include <ns3/epc-ue-nas.h>
#include <ns3/lte-common.h>
#include <ns3/lte-enb-mac.h>
#include <ns3/lte-enb-rrc.h>
#include <ns3/lte-ue-phy.h>
#include <ns3/lte-ue-rrc.h>
#define HAVE_LTE
#endif
#if __has_include(<ns3/hwmp-protocol.h>)
#include <ns3/hwmp-protocol.h>
#define HAVE_MESH
#endif
#if __has_include(<ns3/sixlowpan-net-device.h>)
#include <ns3/sixlowpan-net-device.h>
#define HAVE_SIXLOWPAN
#endif

/**
 * @file
 * Signatures with types of modules that this library is not linked with: no function of theirs may
 * be called here. Therefore those are missing whose values have functions outside their headers:
 * ns3::UanTxMode, ns3::dsr::DsrOptionSRHeader.
 */

namespace ns3
{
// LrWpan's enumerations, which have been renamed: a callback is told by the names of its types.
enum LrWpanMacState : unsigned int;
enum LrWpanPhyEnumeration : unsigned int;
enum SuperframeStatus : unsigned int;

namespace lrwpan
{
enum MacState : unsigned int;
enum PhyEnumeration : unsigned int;
enum SuperframeStatus : unsigned int;
} // namespace lrwpan
} // namespace ns3

namespace ttb
{

using namespace ns3;

namespace
{

using P = Ptr<const Packet>;

const TraceMaker MAKERS[] = {
    &MakeTrace<StaWifiMac::ApInfo>,
    &MakeTrace<Ptr<const ThreeGppHttpClient>>,
    &MakeTrace<Ptr<const ThreeGppHttpClient>, P>,
    &MakeTrace<Ptr<const ThreeGppHttpServer>, Ptr<Socket>>,
    &MakeTrace<LrWpanMacState, LrWpanMacState>,
    &MakeTrace<LrWpanPhyEnumeration, LrWpanPhyEnumeration>,
    &MakeTrace<Time, LrWpanPhyEnumeration, LrWpanPhyEnumeration>,
    &MakeTrace<ns3::SuperframeStatus, ns3::SuperframeStatus>,
    &MakeTrace<lrwpan::MacState, lrwpan::MacState>,
    &MakeTrace<lrwpan::PhyEnumeration, lrwpan::PhyEnumeration>,
    &MakeTrace<Time, lrwpan::PhyEnumeration, lrwpan::PhyEnumeration>,
    &MakeTrace<lrwpan::SuperframeStatus, lrwpan::SuperframeStatus>,
#ifdef HAVE_LTE
    &MakeTrace<EpcUeNas::State, EpcUeNas::State>,
    &MakeTrace<DlSchedulingCallbackInfo>,
    &MakeTrace<PhyTransmissionStatParameters>,
    &MakeTrace<PhyReceptionStatParameters>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, LteRrcSap::MeasurementReport>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, UeManager::State, UeManager::State>,
    &MakeTrace<uint64_t, uint16_t, uint16_t, LteUeRrc::State, LteUeRrc::State>,
    &MakeTrace<uint16_t, uint16_t, LteUePhy::State, LteUePhy::State>,
    &MakeTrace<Ptr<LteUeRrc>, std::list<LteRrcSap::SCellToAddMod>>,
#endif
#ifdef HAVE_MESH
    &MakeTrace<dot11s::RouteChange>,
#endif
#ifdef HAVE_SIXLOWPAN
    &MakeTrace<P, Ptr<SixLowPanNetDevice>, uint32_t>,
    &MakeTrace<SixLowPanNetDevice::DropReason, P, Ptr<SixLowPanNetDevice>, uint32_t>,
#endif
};

} // namespace

const TraceSignatures OTHER_SIGNATURES = {MAKERS, sizeof(MAKERS) / sizeof(MAKERS[0])};

} // namespace ttb
