/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/pointer.h>
#include <ns3/simulator-impl.h>
#include <ns3/traffic-control-layer.h>
#include <ns3/wifi-net-device.h>

/**
 * @file
 * What the files behind ttbridge/ns3.h share: what ns-3 follows null pointers for, or waits for the
 * host for, and is refused instead. tests/ns3/test_api_types.c found these.
 */

using namespace ns3;
using namespace ttb;

namespace
{

const char ALONE[] =
    "consists of parts that only ns-3's C++ helpers can put together, and ns-3 cannot "
    "dispose of one without them";
const char HOST[] =
    "exchanges frames with the host in wall-clock time: attach a node's port instead "
    "(ttb_ns3_attach_port())";

/// Types that cannot be created here, and why.
const struct
{
    const char* type;
    const char* why;
} UNMAKEABLE[] = {
    {"ns3::SimulatorImpl", "is a clock, and there is one: choose it by ttb_ns3_opts.simulator"},
    {"ns3::EmuEpcHelper", HOST},
    {"ns3::FdNetDevice", HOST},
    {"ns3::TapBridge", HOST},
    {"ns3::LrWpanCsmaCa", ALONE},
    {"ns3::LrWpanNetDevice", ALONE},
    {"ns3::RrMultiUserScheduler", ALONE},
    {"ns3::ComponentCarrierUe", ALONE},
    {"ns3::LteEnbNetDevice", ALONE},
    {"ns3::LteUeNetDevice", ALONE},
    {"ns3::ThreeGppV2vHighwayPropagationLossModel", ALONE},
    {"ns3::ThreeGppV2vUrbanPropagationLossModel", ALONE},
    {"ns3::WaveNetDevice", ALONE},
    {"ns3::dsr::DsrRouting", ALONE},
    {"ns3::Radvd",
     "cannot be configured by attributes, and ns-3 cannot dispose of one that is not"},
    {"ns3::Rip", "is made by ttb_ns3_install_ip() with TTB_NS3_ROUTING_RIP"},
    {"ns3::RipNg", "is made by ttb_ns3_install_ip() with TTB_NS3_ROUTING_RIP"},
};

/// Attributes that are read from an object which another attribute points to.
const struct
{
    const char* type;
    const char* attribute;
    const char* pointer;
} INDIRECT[] = {
    {"ns3::WimaxNetDevice", "Channel", "Phy"},
    {"ns3::HierarchicalMobilityModel", "Position", "Child"},
    {"ns3::HierarchicalMobilityModel", "Velocity", "Child"},
};

} // namespace

namespace ttb
{

void
CheckMakeable(TypeId type)
{
    for (const auto& entry : UNMAKEABLE)
    {
        TypeId refused;
        if (TypeId::LookupByNameFailSafe(entry.type, &refused) &&
            (type == refused || type.IsChildOf(refused)))
        {
            Fail(-EOPNOTSUPP, type.GetName() + " " + entry.why);
        }
    }
}

void
CheckReadable(Ptr<Object> object, const std::string& name)
{
    if (auto wifi = DynamicCast<WifiNetDevice>(object))
    {
        if (name == "Channel" && wifi->GetNPhys() == 0)
        {
            Fail(-ENODATA, "the device has no channel yet");
        }
    }
    for (const auto& entry : INDIRECT)
    {
        TypeId type;
        PointerValue pointer;
        TypeId own = object->GetInstanceTypeId();
        if (name == entry.attribute && TypeId::LookupByNameFailSafe(entry.type, &type) &&
            (own == type || own.IsChildOf(type)) &&
            object->GetAttributeFailSafe(entry.pointer, pointer) && !pointer.GetObject())
        {
            Fail(-ENODATA, name + " is that of " + entry.pointer + ", which is not set yet");
        }
    }
    if (DynamicCast<TrafficControlLayer>(object) && name == "RootQueueDiscList" &&
        !object->GetObject<Node>())
    {
        Fail(-ENODATA, "the traffic control layer is not part of a node yet");
    }
}

} // namespace ttb
