/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"
#include "link-control.h"
#include "wifi-network.h"

#include <ns3/application.h>
#include <ns3/boolean.h>
#include <ns3/error-model.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-global-routing-helper.h>
#include <ns3/ipv4-interface-address.h>
#include <ns3/ipv4-list-routing-helper.h>
#include <ns3/ipv4-static-routing-helper.h>
#include <ns3/ipv4-static-routing.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6-interface-address.h>
#include <ns3/ipv6-list-routing-helper.h>
#include <ns3/ipv6-static-routing-helper.h>
#include <ns3/ipv6-static-routing.h>
#include <ns3/ipv6.h>
#include <ns3/mobility-model.h>
#include <ns3/olsr-helper.h>
#include <ns3/node-list.h>
#include <ns3/onoff-application.h>
#include <ns3/propagation-loss-model.h>
#include <ns3/random-variable-stream.h>
#include <ns3/rip-helper.h>
#include <ns3/ripng-helper.h>
#include <ns3/yans-wifi-channel.h>

#include <arpa/inet.h>
#include <cstring>

/**
 * @file
 * ttbridge/ns3.h: addresses, routes, routing protocols, random streams.
 */

using namespace ns3;
using namespace ttb;

namespace
{

constexpr uint64_t STREAM_MAX = uint64_t(1) << 62;

/** An address with the length of its prefix, of either family. */
struct IpAddress
{
    bool six;                //!< IPv6
    unsigned char bytes[16]; //!< network order; IPv4: the first four
    unsigned int bits;       //!< of the prefix

    Ipv4Address Four() const
    {
        uint32_t number;
        std::memcpy(&number, bytes, 4);
        return Ipv4Address(ntohl(number));
    }

    Ipv6Address Six() const
    {
        unsigned char copy[16];
        std::memcpy(copy, bytes, 16);
        return Ipv6Address(copy);
    }

    Ipv4Mask Mask() const
    {
        return Ipv4Mask(bits ? ~uint32_t(0) << (32 - bits) : 0);
    }

    Ipv6Prefix Prefix() const
    {
        return Ipv6Prefix(static_cast<uint8_t>(bits));
    }
};

IpAddress
ParseAddress(const char* text)
{
    IpAddress address = {};
    address.six = text && std::strchr(text, ':');
    if (!text || inet_pton(address.six ? AF_INET6 : AF_INET, text, address.bytes) != 1)
    {
        Fail(-EINVAL, "\"" + std::string(text ? text : "") + "\" is no IP address");
    }
    return address;
}

IpAddress
ParsePrefix(const char* text)
{
    std::string whole = text ? text : "";
    auto slash = whole.find('/');
    if (slash != std::string::npos)
    {
        std::string digits = whole.substr(slash + 1);
        std::string front = whole.substr(0, slash);
        unsigned char bytes[16];
        bool six = front.find(':') != std::string::npos;
        bool number = !digits.empty() && digits.size() <= 3 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
        if (number && std::stoul(digits) <= (six ? 128 : 32) &&
            inet_pton(six ? AF_INET6 : AF_INET, front.c_str(), bytes) == 1)
        {
            IpAddress address = ParseAddress(front.c_str());
            address.bits = static_cast<unsigned int>(std::stoul(digits));
            return address;
        }
    }
    Fail(-EINVAL,
         "\"" + whole +
             "\" is no IP address with prefix length (such as 10.0.0.3/24 or 2001:db8::3/64)");
}

/** @return true if bits after the prefix are set */
bool
HasHostBits(const IpAddress& address)
{
    for (unsigned int bit = address.bits; bit < (address.six ? 128u : 32u); bit++)
    {
        if (address.bytes[bit / 8] & (0x80 >> bit % 8))
        {
            return true;
        }
    }
    return false;
}

template <typename T>
Ptr<T>
StackOf(Ptr<Node> node)
{
    Ptr<T> stack = node ? node->GetObject<T>() : nullptr;
    if (!stack)
    {
        Fail(-ENODEV,
             "the device's node has no IPv" +
                 std::string(T::GetTypeId() == Ipv4::GetTypeId() ? "4" : "6") +
                 " stack (ttb_ns3_install_internet() or ttb_ns3_install_ip() comes first)");
    }
    return stack;
}

template <typename T>
uint32_t
InterfaceFor(Ptr<T> stack, Ptr<NetDevice> device)
{
    int32_t interface = stack->GetInterfaceForDevice(device);
    return interface < 0 ? stack->AddInterface(device) : static_cast<uint32_t>(interface);
}

void
AddIpv4(Ptr<NetDevice> device, const IpAddress& address)
{
    Ptr<Ipv4> ipv4 = StackOf<Ipv4>(device->GetNode());
    if (ipv4->GetInterfaceForAddress(address.Four()) >= 0)
    {
        Fail(-EEXIST, "the node has this address already");
    }
    uint32_t interface = InterfaceFor(ipv4, device);
    ipv4->AddAddress(interface, Ipv4InterfaceAddress(address.Four(), address.Mask()));
    ipv4->SetMetric(interface, 1);
    ipv4->SetUp(interface);
}

void
AddIpv6(Ptr<NetDevice> device, const IpAddress& address)
{
    Ptr<Ipv6> ipv6 = StackOf<Ipv6>(device->GetNode());
    if (ipv6->GetInterfaceForAddress(address.Six()) >= 0)
    {
        Fail(-EEXIST, "the node has this address already");
    }
    BooleanValue forwards;
    ipv6->GetAttribute("IpForward", forwards);
    if (forwards.Get() && address.Six().IsDocumentation())
    {
        Fail(-EOPNOTSUPP,
             "ns-3's routers drop packets for addresses of 2001:db8::/32, the prefix for "
             "documentation; use others, such as those of fd00::/8");
    }
    uint32_t interface = InterfaceFor(ipv6, device);
    ipv6->SetMetric(interface, 1);
    ipv6->AddAddress(interface, Ipv6InterfaceAddress(address.Six(), address.Prefix()));
    ipv6->SetUp(interface);
}

/** The interface to use for a route: that of the device, or the one whose subnet `via` is in. */
uint32_t
RouteInterface(Ptr<Ipv4> ipv4, Ptr<NetDevice> device, const IpAddress* via)
{
    for (uint32_t i = 1; i < ipv4->GetNInterfaces(); i++)
    {
        for (uint32_t k = 0; k < ipv4->GetNAddresses(i); k++)
        {
            Ipv4InterfaceAddress own = ipv4->GetAddress(i, k);
            if (device ? ipv4->GetNetDevice(i) == device
                       : own.GetMask().IsMatch(own.GetLocal(), via->Four()))
            {
                return i;
            }
        }
    }
    Fail(device ? -ENODEV : -ENETUNREACH,
         device ? "the device has no IPv4 address yet"
                : "the next hop is in no subnet of the node");
}

uint32_t
RouteInterface(Ptr<Ipv6> ipv6, Ptr<NetDevice> device, const IpAddress* via)
{
    for (uint32_t i = 1; i < ipv6->GetNInterfaces(); i++)
    {
        for (uint32_t k = 0; k < ipv6->GetNAddresses(i); k++)
        {
            Ipv6InterfaceAddress own = ipv6->GetAddress(i, k);
            if (device ? ipv6->GetNetDevice(i) == device
                       : !via->Six().IsLinkLocal() &&
                             own.GetPrefix().IsMatch(own.GetAddress(), via->Six()))
            {
                return i;
            }
        }
    }
    Fail(device ? -ENODEV : -ENETUNREACH,
         device ? "the device has no IPv6 address yet"
                : "the next hop is in no subnet of the node (a link-local one needs the device)");
}

void
AddRoute4(Ptr<Node> node,
          const IpAddress& to,
          const IpAddress* via,
          Ptr<NetDevice> device,
          uint32_t metric)
{
    Ptr<Ipv4> ipv4 = StackOf<Ipv4>(node);
    uint32_t interface = RouteInterface(ipv4, device, via);
    auto routing = Ipv4RoutingHelper::GetRouting<Ipv4StaticRouting>(ipv4->GetRoutingProtocol());
    if (!routing)
    {
        Fail(-EOPNOTSUPP, "the node has no static routing for IPv4");
    }
    if (via)
    {
        routing->AddNetworkRouteTo(to.Four(), to.Mask(), via->Four(), interface, metric);
    }
    else
    {
        routing->AddNetworkRouteTo(to.Four(), to.Mask(), interface, metric);
    }
}

void
AddRoute6(Ptr<Node> node,
          const IpAddress& to,
          const IpAddress* via,
          Ptr<NetDevice> device,
          uint32_t metric)
{
    Ptr<Ipv6> ipv6 = StackOf<Ipv6>(node);
    uint32_t interface = RouteInterface(ipv6, device, via);
    auto routing = Ipv6RoutingHelper::GetRouting<Ipv6StaticRouting>(ipv6->GetRoutingProtocol());
    if (!routing)
    {
        Fail(-EOPNOTSUPP, "the node has no static routing for IPv6");
    }
    if (via)
    {
        routing->AddNetworkRouteTo(to.Six(), to.Prefix(), via->Six(), interface, metric);
    }
    else
    {
        routing->AddNetworkRouteTo(to.Six(), to.Prefix(), interface, metric);
    }
}

/** Routing protocols' priorities: connected and static routes first, except under OLSR, whose
 * routes to hosts lie within the connected subnet. */
void
SetRouting(InternetStackHelper& stack, int routing)
{
    Ipv4ListRoutingHelper four;
    Ipv6ListRoutingHelper six;
    four.Add(Ipv4StaticRoutingHelper(), 0);
    six.Add(Ipv6StaticRoutingHelper(), 0);
    switch (routing)
    {
    case TTB_NS3_ROUTING_STATIC:
        break;
    case TTB_NS3_ROUTING_GLOBAL:
        four.Add(Ipv4GlobalRoutingHelper(), -10);
        break;
    case TTB_NS3_ROUTING_RIP:
        four.Add(RipHelper(), -10);
        six.Add(RipNgHelper(), -10);
        break;
    case TTB_NS3_ROUTING_OLSR:
        four.Add(OlsrHelper(), 10);
        break;
    default:
        Fail(-EINVAL, "there is no routing with number " + std::to_string(routing));
    }
    stack.SetRoutingHelper(four);
    stack.SetRoutingHelper(six);
}

int64_t
AssignNodeStreams(Ptr<Node> node, int64_t first)
{
    NodeContainer nodes(node);
    int64_t used = 0;
    if (node->GetObject<Ipv4>() || node->GetObject<Ipv6>())
    {
        used += InternetStackHelper().AssignStreams(nodes, first);
    }
    if (node->GetObject<Ipv4>())
    {
        used += RipHelper().AssignStreams(nodes, first + used);
        used += OlsrHelper().AssignStreams(nodes, first + used);
    }
    if (node->GetObject<Ipv6>())
    {
        used += RipNgHelper().AssignStreams(nodes, first + used);
    }
    if (auto mobility = node->GetObject<MobilityModel>())
    {
        used += mobility->AssignStreams(first + used);
    }
    return used;
}

/// By name: ns-3's class has become two, in 3.48 at the latest.
bool
TakesPartInGlobalRouting(Ptr<Node> node)
{
    for (const char* name : {"ns3::GlobalRouter", "ns3::Ipv4GlobalRouter"})
    {
        TypeId type;
        if (TypeId::LookupByNameFailSafe(name, &type) && node->GetObject<Object>(type))
        {
            return true;
        }
    }
    return false;
}

} // namespace

namespace ttb
{

void
AssignStackStreams(Ptr<NetDevice> device)
{
    Ptr<Node> node = device->GetNode();
    uint32_t interfaces = 0;
    // The loopback interface is the first of each family.
    for (uint32_t i = 0; i < node->GetNDevices(); i++)
    {
        Ptr<Ipv4> ipv4 = node->GetObject<Ipv4>();
        Ptr<Ipv6> ipv6 = node->GetObject<Ipv6>();
        int32_t four = ipv4 ? ipv4->GetInterfaceForDevice(node->GetDevice(i)) : -1;
        int32_t six = ipv6 ? ipv6->GetInterfaceForDevice(node->GetDevice(i)) : -1;
        interfaces += four > 0 || six > 0;
    }
    if (interfaces == 1 && Mac48Address::IsMatchingType(device->GetAddress()))
    {
        AssignNodeStreams(node,
                          StreamsOf(Mac48Address::ConvertFrom(device->GetAddress())) +
                              STACK_STREAMS);
    }
}

} // namespace ttb

int
ttb_ns3_install_ip(struct ttb_ns3_object* node,
                   unsigned int protocols,
                   enum ttb_ns3_routing routing,
                   bool forwarding)
{
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        InternetStackHelper stack;
        int number = Number(routing);
        SetRouting(stack, number);
        if (!protocols || (protocols & ~(TTB_NS3_IPV4 | TTB_NS3_IPV6)))
        {
            Fail(-EINVAL, "TTB_NS3_IPV4, TTB_NS3_IPV6 or both are needed");
        }
        if (!(protocols & TTB_NS3_IPV4) &&
            (number == TTB_NS3_ROUTING_GLOBAL || number == TTB_NS3_ROUTING_OLSR))
        {
            Fail(-EINVAL, "global routing and OLSR are for IPv4 only; use static routes or RIP");
        }
        if (owner->GetObject<Ipv4>() || owner->GetObject<Ipv6>())
        {
            Fail(-EEXIST,
                 "ns-3 node " + std::to_string(owner->GetId()) + " has an IP stack already");
        }
        stack.SetIpv4StackInstall(protocols & TTB_NS3_IPV4);
        stack.SetIpv6StackInstall(protocols & TTB_NS3_IPV6);
        stack.Install(owner);
        if (Ptr<Ipv4> ipv4 = owner->GetObject<Ipv4>())
        {
            ipv4->SetAttribute("IpForward", BooleanValue(forwarding));
        }
        if (Ptr<Ipv6> ipv6 = owner->GetObject<Ipv6>())
        {
            ipv6->SetAttribute("IpForward", BooleanValue(forwarding));
        }
    });
}

int
ttb_ns3_add_address(struct ttb_ns3_object* device, const char* address)
{
    return Call(device, [&]() {
        Ptr<NetDevice> target = AsExactly<NetDevice>(device);
        IpAddress parsed = ParsePrefix(address);
        if (parsed.six)
        {
            AddIpv6(target, parsed);
        }
        else
        {
            AddIpv4(target, parsed);
        }
        AssignStackStreams(target);
    });
}

int
ttb_ns3_add_route(struct ttb_ns3_object* node,
                  const char* to,
                  const char* via,
                  struct ttb_ns3_object* device,
                  uint32_t metric)
{
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        Ptr<NetDevice> target = device ? AsExactly<NetDevice>(device) : nullptr;
        IpAddress network = ParsePrefix(to);
        IpAddress hop = via ? ParseAddress(via) : IpAddress{};
        if (HasHostBits(network))
        {
            Fail(-EINVAL, "route to \"" + std::string(to) + "\": bits after the prefix are not 0");
        }
        if (via && hop.six != network.six)
        {
            Fail(-EINVAL, "the route and its next hop are of different families");
        }
        if (!via && !target)
        {
            Fail(-EINVAL, "a route needs a next hop or a device");
        }
        if (target && target->GetNode() != owner)
        {
            Fail(-EINVAL, "the device belongs to another node");
        }
        (network.six ? AddRoute6 : AddRoute4)(owner, network, via ? &hop : nullptr, target, metric);
    });
}

int
ttb_ns3_compute_global_routes(struct ttb_ns3* ns3)
{
    return Call(ns3, []() {
        // ns-3 follows null pointers where a node takes part but does not forward, so all of them
        // do while it computes. That makes no difference to nodes with one interface.
        std::vector<Ptr<Ipv4>> hosts;
        for (auto node = NodeList::Begin(); node != NodeList::End(); ++node)
        {
            Ptr<Ipv4> ipv4 = (*node)->GetObject<Ipv4>();
            BooleanValue forwards(true);
            if (ipv4 && TakesPartInGlobalRouting(*node))
            {
                ipv4->GetAttribute("IpForward", forwards);
            }
            if (forwards.Get())
            {
                continue;
            }
            if (ipv4->GetNInterfaces() > 2) // loopback is one
            {
                Fail(-EOPNOTSUPP,
                     "ns-3 node " + std::to_string((*node)->GetId()) +
                         " has global routing and several interfaces but does not forward, and "
                         "ns-3 would compute routes through it; give it static routing");
            }
            hosts.push_back(ipv4);
        }
        for (const auto& ipv4 : hosts)
        {
            ipv4->SetAttribute("IpForward", BooleanValue(true));
        }
        // Recompute: it deletes what was computed before, if anything.
        Ipv4GlobalRoutingHelper::RecomputeRoutingTables();
        for (const auto& ipv4 : hosts)
        {
            ipv4->SetAttribute("IpForward", BooleanValue(false));
        }
    });
}

int
ttb_ns3_assign_streams(struct ttb_ns3_object* object, uint64_t first, uint64_t* count)
{
    return Call(object, [&]() {
        Ptr<Object> target = Resolve(object);
        auto stream = static_cast<int64_t>(first);
        int64_t used = 0;
        if (first > STREAM_MAX)
        {
            Fail(-EINVAL, "stream " + std::to_string(first) + " is beyond 2^62");
        }
        if (auto node = DynamicCast<Node>(target))
        {
            used = AssignNodeStreams(node, stream);
        }
        else if (auto device = DynamicCast<NetDevice>(target))
        {
            used = LinkEnd::Of(device)->AssignStreams(stream);
        }
        else if (auto mobility = DynamicCast<MobilityModel>(target))
        {
            used = mobility->AssignStreams(stream);
        }
        else if (auto wifi = DynamicCast<WifiNetwork>(target))
        {
            used = wifi->channel->AssignStreams(stream);
        }
        else if (auto air = DynamicCast<YansWifiChannel>(target))
        {
            used = air->AssignStreams(stream);
        }
        else if (auto loss = DynamicCast<PropagationLossModel>(target))
        {
            used = loss->AssignStreams(stream);
        }
        else if (auto rate = DynamicCast<RateErrorModel>(target))
        {
            used = rate->AssignStreams(stream);
        }
        else if (auto burst = DynamicCast<BurstErrorModel>(target))
        {
            used = burst->AssignStreams(stream);
        }
        else if (auto onOff = DynamicCast<OnOffApplication>(target))
        {
            used = onOff->AssignStreams(stream);
        }
        else if (auto variable = DynamicCast<RandomVariableStream>(target))
        {
            variable->SetStream(stream);
            used = 1;
        }
        else
        {
            Fail(-EOPNOTSUPP,
                 "objects of type " + target->GetInstanceTypeId().GetName() +
                     " have no random streams that could be assigned");
        }
        if (count)
        {
            *count = static_cast<uint64_t>(used);
        }
    });
}
