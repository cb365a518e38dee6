/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ttbridge/ns3/node-port.h>

#include <ns3/application.h>
#include <ns3/csma-channel.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-interface-address.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6.h>
#include <ns3/mac48-address.h>
#include <ns3/simulator.h>

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>

/**
 * @file
 * ttbridge/ns3.h: nodes, devices, hosts, and what ns-3 has helper classes for.
 */

using namespace ns3;
using namespace ttb;

namespace
{

Ipv4InterfaceAddress
ParseIpv4(const char* text)
{
    std::string address = text ? text : "";
    auto slash = address.find('/');
    struct in_addr parsed;
    if (slash != std::string::npos)
    {
        const char* digits = text + slash + 1;
        char* end = nullptr;
        unsigned long bits = std::strtoul(digits, &end, 10);
        address.resize(slash);
        if (inet_pton(AF_INET, address.c_str(), &parsed) == 1 && *digits >= '0' && *digits <= '9' &&
            *end == 0 && bits <= 32)
        {
            uint32_t mask = bits ? ~uint32_t(0) << (32 - bits) : 0;
            return Ipv4InterfaceAddress(Ipv4Address(ntohl(parsed.s_addr)), Ipv4Mask(mask));
        }
    }
    Fail(-EINVAL,
         "\"" + std::string(text ? text : "") +
             "\" is no IPv4 address with prefix length (such as 10.0.0.3/24)");
}

} // namespace

namespace ttb
{

Mac48Address
ParseDeviceMac(const char* text)
{
    uint8_t bytes[6];
    if (!ParseMac(text, bytes))
    {
        Fail(-EINVAL,
             "\"" + std::string(text) + "\" is no Ethernet address (such as 02:00:00:00:00:07)");
    }
    if (bytes[0] & 1)
    {
        Fail(-EINVAL, "\"" + std::string(text) + "\" is a group address, no device's");
    }
    Mac48Address mac;
    mac.CopyFrom(bytes);
    return mac;
}

} // namespace ttb

int
ttb_ns3_create_node(struct ttb_ns3* ns3, struct ttb_ns3_object** node)
{
    Clear(node);
    return Call(ns3, [&]() {
        Need(node, "room for the result");
        *node = NewHandle(CreateObject<Node>());
    });
}

int
ttb_ns3_install_csma(struct ttb_ns3_object* node,
                     struct ttb_ns3_object* channel,
                     const char* mac,
                     const struct ttb_ns3_attribute* attributes,
                     struct ttb_ns3_object** device)
{
    Clear(device);
    return Call(node, [&]() {
        Need(device, "room for the result");
        Ptr<Node> owner = AsExactly<Node>(node);
        Ptr<CsmaChannel> medium = AsExactly<CsmaChannel>(channel);
        *device = NewHandle(InstallDevice(owner, "ns3::CsmaNetDevice", medium, mac, attributes));
    });
}

int
ttb_ns3_attach_port(struct ttb_ns3_object* device,
                    struct ttb_port* port,
                    struct ttb_ns3_object** attachment)
{
    Clear(attachment);
    return Call(device, [&]() {
        Ptr<NodePort> made = NodePort::Install(AsExactly<NetDevice>(device), port);
        if (attachment)
        {
            *attachment = NewHandle(made);
        }
    });
}

int
ttb_ns3_port_get_stats(struct ttb_ns3_object* attachment, struct ttb_ns3_port_stats* stats)
{
    return Call(attachment, [&]() {
        Need(stats, "room for the result");
        *stats = {};
        Ptr<NodePort> port = As<NodePort>(attachment);
        stats->tx_frames = port->GetTransmitted();
        stats->rx_frames = port->GetReceived();
        for (int i = 0; i < NodePort::N_DROP_REASONS; i++)
        {
            uint64_t count = port->GetDropped(static_cast<NodePort::DropReason>(i));
            (i < NodePort::RX_PORT_DOWN ? stats->tx_dropped : stats->rx_dropped) += count;
        }
    });
}

int
ttb_ns3_install_internet(struct ttb_ns3_object* node, unsigned int protocols)
{
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        if (!protocols || (protocols & ~(TTB_NS3_IPV4 | TTB_NS3_IPV6)))
        {
            Fail(-EINVAL, "TTB_NS3_IPV4, TTB_NS3_IPV6 or both are needed");
        }
        if (owner->GetObject<Ipv4>() || owner->GetObject<Ipv6>())
        {
            Fail(-EEXIST,
                 "ns-3 node " + std::to_string(owner->GetId()) + " has an IP stack already");
        }
        InternetStackHelper stack;
        stack.SetIpv4StackInstall(protocols & TTB_NS3_IPV4);
        stack.SetIpv6StackInstall(protocols & TTB_NS3_IPV6);
        stack.Install(owner);
    });
}

int
ttb_ns3_add_ipv4(struct ttb_ns3_object* device, const char* address)
{
    return Call(device, [&]() {
        Ptr<NetDevice> target = AsExactly<NetDevice>(device);
        Ptr<Node> node = target->GetNode();
        Ptr<Ipv4> ipv4 = node ? node->GetObject<Ipv4>() : nullptr;
        if (!ipv4)
        {
            Fail(-ENODEV,
                 "the device's node has no IPv4 stack (ttb_ns3_install_internet() comes first)");
        }
        Ipv4InterfaceAddress parsed = ParseIpv4(address);
        int32_t interface = ipv4->GetInterfaceForDevice(target);
        if (interface < 0)
        {
            interface = static_cast<int32_t>(ipv4->AddInterface(target));
        }
        ipv4->AddAddress(interface, parsed);
        ipv4->SetMetric(interface, 1);
        ipv4->SetUp(interface);
        AssignStackStreams(target);
    });
}

int
ttb_ns3_install_application(struct ttb_ns3_object* node,
                            const char* type,
                            const struct ttb_ns3_attribute* attributes,
                            uint64_t start_ns,
                            uint64_t stop_ns,
                            struct ttb_ns3_object** application)
{
    Clear(application);
    return Call(node, [&]() {
        Ptr<Node> owner = AsExactly<Node>(node);
        Ptr<Application> made =
            DynamicCast<Application>(CreateChecked(type, attributes, Application::GetTypeId()));
        made->SetStartTime(ToTime(start_ns));
        if (stop_ns != TTB_TIME_NEVER)
        {
            made->SetStopTime(ToTime(stop_ns));
        }
        owner->AddApplication(made);
        if (application)
        {
            *application = NewHandle(made);
        }
    });
}
