/* SPDX-License-Identifier: GPL-2.0-only */
#include "ethernet-switch.h"

#include "api.h"
#include "frame-watch.h"
#include "link-control.h"

#include <ttbridge/ns3/node-port.h>

#include <ns3/csma-net-device.h>
#include <ns3/ethernet-header.h>
#include <ns3/wifi-net-device.h>

#include <algorithm>

/**
 * @file
 * ttb::EthernetSwitch implementation, and the function of ttbridge/ns3.h that makes them.
 */

namespace ttb
{

using namespace ns3;

NS_OBJECT_ENSURE_REGISTERED(EthernetSwitch);

TypeId
EthernetSwitch::GetTypeId()
{
    static TypeId tid = TypeId("ttb::EthernetSwitch")
                            .SetParent<BridgeNetDevice>()
                            .SetGroupName("Bridge")
                            .AddConstructor<EthernetSwitch>();
    return tid;
}

void
EthernetSwitch::AddPort(Ptr<NetDevice> port)
{
    if (auto watch = port->GetObject<FrameWatch>())
    {
        watch->BecomesSwitchPort();
    }
    AddBridgePort(port);
    auto csma = DynamicCast<CsmaNetDevice>(port);
    if (csma && csma->GetEncapsulationMode() == CsmaNetDevice::DIX)
    {
        NetDevice* device = PeekPointer(port);
        LinkEnd::Of(port)->GetErrorModel()->SetLengthFrames(
            [this, device](Ptr<const Packet> frame) { ReceiveLengthFrame(device, frame); });
    }
}

void
EthernetSwitch::ReceiveLengthFrame(NetDevice* port, Ptr<const Packet> frame)
{
    constexpr uint32_t FCS_BYTES = 4;
    Ptr<Packet> payload = frame->Copy();
    EthernetHeader header(false);
    payload->RemoveAtEnd(FCS_BYTES);
    payload->RemoveHeader(header);
    if (header.GetDestination().IsGroup())
    {
        ForwardBroadcast(port,
                         payload,
                         header.GetLengthType(),
                         header.GetSource(),
                         header.GetDestination());
    }
    else
    {
        ForwardUnicast(port,
                       payload,
                       header.GetLengthType(),
                       header.GetSource(),
                       header.GetDestination());
    }
}

} // namespace ttb

using namespace ns3;
using namespace ttb;

namespace
{

void
CheckPort(Ptr<Node> node, Ptr<NetDevice> port)
{
    std::string type = port->GetInstanceTypeId().GetName();
    if (port->GetNode() != node)
    {
        Fail(-EINVAL, "a device of type " + type + " belongs to another node than the switch");
    }
    if (!port->SupportsSendFrom())
    {
        Fail(-EOPNOTSUPP,
             "a device of type " + type +
                 " cannot be a switch's port: it sends with its own address only" +
                 (DynamicCast<WifiNetDevice>(port)
                      ? "; of Wifi devices only access points can"
                      : "; use ttb::EthernetLinkDevice or ns3::CsmaNetDevice"));
    }
    if (!Mac48Address::IsMatchingType(port->GetAddress()))
    {
        Fail(-EOPNOTSUPP, "addresses of a device of type " + type + " are not Ethernet's");
    }
    if (port->IsBridge())
    {
        Fail(-EOPNOTSUPP, "a switch cannot be the port of another; connect two nodes by a link");
    }
    if (port->GetObject<NodePort>())
    {
        Fail(-EOPNOTSUPP,
             "a Linux node's port is attached to the device; attach it to the switch's own device, "
             "or to one at the other end of a link");
    }
    for (uint32_t i = 0; i < node->GetNDevices(); i++)
    {
        auto bridge = DynamicCast<BridgeNetDevice>(node->GetDevice(i));
        for (uint32_t k = 0; bridge && k < bridge->GetNBridgePorts(); k++)
        {
            if (bridge->GetBridgePort(k) == port)
            {
                Fail(-EEXIST, "the device is a port of a switch already");
            }
        }
    }
}

} // namespace

int
ttb_ns3_install_switch(struct ttb_ns3_object* node,
                       struct ttb_ns3_object* const* devices,
                       size_t device_count,
                       const struct ttb_ns3_attribute* attributes,
                       struct ttb_ns3_object** device)
{
    Clear(device);
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        std::vector<Ptr<NetDevice>> ports;
        if (!devices || !device_count)
        {
            Fail(-EINVAL, "a switch needs at least one device");
        }
        for (std::size_t i = 0; i < device_count; i++)
        {
            Ptr<NetDevice> port = AsExactly<NetDevice>(devices[i]);
            CheckPort(owner, port);
            if (std::find(ports.begin(), ports.end(), port) != ports.end())
            {
                Fail(-EEXIST, "device " + std::to_string(i) + " of the switch is there twice");
            }
            ports.push_back(port);
        }
        Ptr<EthernetSwitch> made = DynamicCast<EthernetSwitch>(
            CreateChecked("ttb::EthernetSwitch", attributes, EthernetSwitch::GetTypeId()));
        owner->AddDevice(made);
        for (const auto& port : ports)
        {
            made->AddPort(port);
        }
        if (device)
        {
            *device = NewHandle(made);
        }
    });
}
