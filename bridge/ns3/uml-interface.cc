/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/uml-interface.h>
#include <ttbridge/ns3/uml-node.h>

#include "fatal-trap.h"

#include <ns3/ipv4.h>
#include <ns3/ipv6.h>
#include <ns3/log.h>
#include <ns3/node.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <sstream>

/**
 * @file
 * ttb::UmlInterface implementation.
 */

namespace ttb
{

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("UmlInterface");

NS_OBJECT_ENSURE_REGISTERED(UmlInterface);

namespace
{

/// What Linux's Wifi interfaces have, whatever the frame could carry; also used where ns-3 says
/// that there is no limit.
constexpr uint16_t USUAL_MTU = 1500;

/// The largest jumbo frames that Ethernet cards have.
constexpr uint16_t JUMBO_MTU = 9216;

template <typename T>
std::string
ToText(const T& value)
{
    std::ostringstream text;
    text << value;
    return text.str();
}

} // namespace

TypeId
UmlInterface::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::UmlInterface")
            .SetParent<Object>()
            .SetGroupName("Network")
            .AddConstructor<UmlInterface>()
            .AddAttribute("Mode",
                          "ConfigureLocal, UseLocal or UseBridge: whose addresses it has.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue("ConfigureLocal"),
                          MakeStringAccessor(&UmlInterface::m_mode),
                          MakeStringChecker())
            .AddAttribute("DeviceName",
                          "Its name in the Linux node; empty: eth0, eth1, ...",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlInterface::m_deviceName),
                          MakeStringChecker())
            .AddAttribute("IpAddress",
                          "Its IPv4 address; 255.255.255.255: see Mode.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          Ipv4AddressValue("255.255.255.255"),
                          MakeIpv4AddressAccessor(&UmlInterface::m_ipAddress),
                          MakeIpv4AddressChecker())
            .AddAttribute("Netmask",
                          "That of IpAddress.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          Ipv4MaskValue("255.255.255.0"),
                          MakeIpv4MaskAccessor(&UmlInterface::m_netmask),
                          MakeIpv4MaskChecker())
            .AddAttribute("Gateway",
                          "The node's default route; 255.255.255.255: none.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          Ipv4AddressValue("255.255.255.255"),
                          MakeIpv4AddressAccessor(&UmlInterface::m_gateway),
                          MakeIpv4AddressChecker())
            .AddAttribute("MacAddress",
                          "Its Ethernet address; ff:ff:ff:ff:ff:ff: see Mode.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          Mac48AddressValue(Mac48Address::GetBroadcast()),
                          MakeMac48AddressAccessor(&UmlInterface::m_macAddress),
                          MakeMac48AddressChecker())
            .AddAttribute(
                "Mtu",
                "Its MTU; 0: the device's, but 1500 on Wifi and where that is above 9216.",
                TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                UintegerValue(0),
                MakeUintegerAccessor(&UmlInterface::m_mtu),
                MakeUintegerChecker<uint16_t>());
    return tid;
}

UmlInterface::UmlInterface()
    : m_mtu(0)
{
    NS_LOG_FUNCTION(this);
}

UmlInterface::~UmlInterface()
{
    NS_LOG_FUNCTION(this);
}

std::vector<std::string>
UmlInterface::FindAddresses(Ptr<NetDevice> device) const
{
    std::vector<std::string> addresses;
    if (m_ipAddress != Ipv4Address::GetBroadcast())
    {
        return {ToText(m_ipAddress) + "/" + std::to_string(m_netmask.GetPrefixLength())};
    }
    if (m_mode != "ConfigureLocal")
    {
        return addresses;
    }
    Ptr<Ipv4> ipv4 = device->GetNode()->GetObject<Ipv4>();
    int32_t index = ipv4 ? ipv4->GetInterfaceForDevice(device) : -1;
    for (uint32_t i = 0; index >= 0 && i < ipv4->GetNAddresses(index); i++)
    {
        Ipv4InterfaceAddress address = ipv4->GetAddress(index, i);
        addresses.push_back(ToText(address.GetLocal()) + "/" +
                            std::to_string(address.GetMask().GetPrefixLength()));
    }
    Ptr<Ipv6> ipv6 = device->GetNode()->GetObject<Ipv6>();
    index = ipv6 ? ipv6->GetInterfaceForDevice(device) : -1;
    for (uint32_t i = 0; index >= 0 && i < ipv6->GetNAddresses(index); i++)
    {
        Ipv6InterfaceAddress address = ipv6->GetAddress(index, i);
        if (!address.GetAddress().IsLinkLocal()) // Linux makes its own
        {
            addresses.push_back(ToText(address.GetAddress()) + "/" +
                                std::to_string(address.GetPrefix().GetPrefixLength()));
        }
    }
    return addresses;
}

uint16_t
UmlInterface::FindMtu(Ptr<NetDevice> device) const
{
    if (m_mtu)
    {
        return m_mtu;
    }
    uint16_t mtu = device->GetMtu();
    bool wifi = device->GetInstanceTypeId().GetName() == "ns3::WifiNetDevice";
    return wifi || mtu > JUMBO_MTU ? std::min(mtu, USUAL_MTU) : mtu;
}

bool
UmlInterface::Discard(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&)
{
    return true;
}

Ptr<NodePort>
UmlInterface::Attach(Ptr<UmlNode> node, Ptr<NetDevice> device)
{
    NS_LOG_FUNCTION(this << node << device);
    if (!device || !device->GetNode() || device->GetNode() != node->GetObject<Node>())
    {
        RaiseFatal(-EINVAL,
                   "node " + node->GetName() +
                       " cannot have this device as a network card: it is not its ns-3 node's");
    }
    if (m_mode != "ConfigureLocal" && m_mode != "UseLocal" && m_mode != "UseBridge")
    {
        RaiseFatal(-EINVAL,
                   "node " + node->GetName() + ": attribute Mode is \"" + m_mode +
                       "\", and can be ConfigureLocal, UseLocal or UseBridge");
    }
    struct ttb_lab_interface_opts opts = {};
    std::vector<std::string> addresses = FindAddresses(device);
    if (addresses.size() > TTB_LAB_ADDRESSES_MAX)
    {
        RaiseFatal(-E2BIG,
                   "node " + node->GetName() + ": the device has " +
                       std::to_string(addresses.size()) + " addresses, a network card can have " +
                       std::to_string(TTB_LAB_ADDRESSES_MAX));
    }
    opts.size = sizeof(opts);
    opts.name = m_deviceName.empty() ? nullptr : m_deviceName.c_str();
    for (std::size_t i = 0; i < addresses.size(); i++)
    {
        opts.addresses[i] = addresses[i].c_str();
    }
    std::string gateway = ToText(m_gateway);
    opts.gateway = m_gateway == Ipv4Address::GetBroadcast() ? nullptr : gateway.c_str();
    if (m_macAddress != Mac48Address::GetBroadcast())
    {
        m_macAddress.CopyTo(opts.mac);
    }
    else if (m_mode != "UseBridge" && Mac48Address::IsMatchingType(device->GetAddress()))
    {
        Mac48Address::ConvertFrom(device->GetAddress()).CopyTo(opts.mac);
    }
    opts.mtu = FindMtu(device);

    Ptr<NodePort> port = NodePort::Install(device, node->AddInterface(opts));
    // As with a tap bridge: one stack answers, and it is Linux's.
    device->SetReceiveCallback(MakeCallback(&UmlInterface::Discard));
    device->AggregateObject(this);
    return port;
}

} // namespace ttb
