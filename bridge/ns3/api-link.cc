/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"
#include "csma-rate.h"
#include "link-control.h"

#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/csma-channel.h>
#include <ns3/csma-net-device.h>
#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/net-device-queue-interface.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/point-to-point-net-device.h>
#include <ns3/pointer.h>
#include <ns3/simple-channel.h>
#include <ns3/simple-net-device.h>
#include <ns3/simulator.h>

#include <cerrno>

/**
 * @file
 * ttbridge/ns3.h: Ethernet and Simple links; changing and counting links while they run.
 */

using namespace ns3;
using namespace ttb;

namespace
{

constexpr uint64_t RATE_MAX_BPS = 1000000000000000;
constexpr uint64_t DELAY_MAX_NS = 1000000000000000000;
constexpr uint32_t LOSS_MAX_PPB = 1000000000;
constexpr uint32_t QUEUE_MAX_FRAMES = 1000000;

/** A queue for a device that has none, seen by queue disciplines, as ns-3's helpers do it. */
template <typename T>
void
AddQueue(Ptr<T> device)
{
    Ptr<Queue<Packet>> queue = device->GetQueue();
    if (!queue)
    {
        queue = CreateObject<DropTailQueue<Packet>>();
        device->SetQueue(queue);
    }
    Ptr<NetDeviceQueueInterface> interface = CreateObject<NetDeviceQueueInterface>();
    interface->GetTxQueue(0)->ConnectQueueTraces(queue);
    device->AggregateObject(interface);
}

/** What a handle means to the functions here. */
struct Link
{
    Ptr<Channel> channel;                //!< of the device, if it is one
    Ptr<NetDevice> device;               //!< or nullptr: the whole channel
    Ptr<CsmaChannel> csma;               //!< the channel, if it is such
    Ptr<EthernetLinkChannel> ethernet;   //!< the channel, if it is such
    std::vector<Ptr<NetDevice>> devices; //!< on the channel, or the one
};

Link
FindLink(struct ttb_ns3_object* handle)
{
    Link link;
    if (auto device = DynamicCast<NetDevice>(Resolve(handle)))
    {
        link.device = device;
        link.channel = device->GetChannel();
        link.devices = {device};
    }
    else
    {
        link.channel = AsExactly<Channel>(handle);
        for (std::size_t i = 0; i < link.channel->GetNDevices(); i++)
        {
            link.devices.push_back(link.channel->GetDevice(i));
        }
    }
    link.csma = DynamicCast<CsmaChannel>(link.channel);
    link.ethernet = DynamicCast<EthernetLinkChannel>(link.channel);
    return link;
}

[[noreturn]] void
Refuse(struct ttb_ns3_object* handle, const std::string& why)
{
    Fail(-EOPNOTSUPP, Resolve(handle)->GetInstanceTypeId().GetName() + ": " + why);
}

void
CheckRange(const std::string& what, uint64_t value, uint64_t min, uint64_t max)
{
    if (value < min || value > max)
    {
        Fail(-EINVAL,
             what + " " + std::to_string(value) + " is not between " + std::to_string(min) +
                 " and " + std::to_string(max));
    }
}

/** Refuse what cannot be done, before anything is done. */
void
CheckParams(struct ttb_ns3_object* handle,
            const Link& link,
            const struct ttb_ns3_link_params* params)
{
    const unsigned int all =
        TTB_NS3_LINK_RATE | TTB_NS3_LINK_DELAY | TTB_NS3_LINK_LOSS | TTB_NS3_LINK_QUEUE;
    unsigned int fields = params->fields;
    if (!fields || (fields & ~all))
    {
        Fail(-EINVAL, "fields says what to set: TTB_NS3_LINK_RATE and so on");
    }
    if (fields & TTB_NS3_LINK_RATE)
    {
        CheckRange("rate_bps", params->rate_bps, 1, RATE_MAX_BPS);
    }
    if (fields & TTB_NS3_LINK_DELAY)
    {
        CheckRange("delay_ns", params->delay_ns, 0, DELAY_MAX_NS);
    }
    if (fields & TTB_NS3_LINK_LOSS)
    {
        CheckRange("loss_ppb", params->loss_ppb, 0, LOSS_MAX_PPB);
    }
    if (fields & TTB_NS3_LINK_QUEUE)
    {
        CheckRange("queue_frames", params->queue_frames, 1, QUEUE_MAX_FRAMES);
    }
    if ((fields & (TTB_NS3_LINK_RATE | TTB_NS3_LINK_DELAY)) && !link.csma && !link.ethernet)
    {
        Refuse(handle, "rate and delay can be set on CSMA and Ethernet links only");
    }
    if ((fields & (TTB_NS3_LINK_RATE | TTB_NS3_LINK_DELAY)) && link.csma && link.device)
    {
        Refuse(handle, "rate and delay of CSMA are those of the channel, not of a device");
    }
    for (const auto& device : link.devices)
    {
        Ptr<LinkEnd> end = LinkEnd::Of(device);
        if ((fields & TTB_NS3_LINK_QUEUE) && !end->HasQueue())
        {
            Refuse(handle, "its queue cannot be set here, only those of CSMA, Ethernet and Simple");
        }
    }
    if ((fields & TTB_NS3_LINK_LOSS) && link.ethernet && link.device &&
        link.ethernet->GetNDevices() < 2)
    {
        Fail(-ENOTCONN, "the link has one end so far, and loss happens at the other");
    }
}

void
SetChannelRate(Ptr<CsmaChannel> channel, uint64_t rateBps)
{
    channel->SetAttribute("DataRate", DataRateValue(DataRate(rateBps)));
    for (std::size_t i = 0; i < channel->GetNDevices(); i++)
    {
        SetCsmaRate(channel->GetCsmaDevice(i), DataRate(rateBps));
    }
}

void
SetParams(const Link& link, const struct ttb_ns3_link_params* params)
{
    if (params->fields & TTB_NS3_LINK_RATE)
    {
        if (link.csma)
        {
            SetChannelRate(link.csma, params->rate_bps);
        }
        else
        {
            for (const auto& device : link.devices)
            {
                device->SetAttribute("DataRate", DataRateValue(DataRate(params->rate_bps)));
            }
        }
    }
    if (params->fields & TTB_NS3_LINK_DELAY)
    {
        TimeValue delay(NanoSeconds(params->delay_ns));
        if (link.device)
        {
            link.device->SetAttribute("Delay", delay);
        }
        else
        {
            link.channel->SetAttribute("Delay", delay);
            for (const auto& device : link.devices)
            {
                if (link.ethernet) // what was said for one direction holds no longer
                {
                    device->SetAttribute("Delay", TimeValue(NanoSeconds(-1)));
                }
            }
        }
    }
    for (const auto& device : link.devices)
    {
        if (params->fields & TTB_NS3_LINK_QUEUE)
        {
            LinkEnd::Of(device)->SetQueueLimit(params->queue_frames);
        }
        if (params->fields & TTB_NS3_LINK_LOSS)
        {
            Ptr<NetDevice> receiver = device;
            if (link.ethernet && link.device)
            {
                auto sender = DynamicCast<EthernetLinkDevice>(device);
                receiver = link.ethernet->GetPeer(PeekPointer(sender));
            }
            LinkEnd::Of(receiver)->GetErrorModel()->SetLoss(params->loss_ppb);
        }
    }
}

void
SetCarrier(Ptr<NetDevice> device, bool up)
{
    if (Ptr<NodePort> port = device->GetObject<NodePort>())
    {
        port->SetCarrier(up);
    }
}

} // namespace

namespace ttb
{

Ptr<NetDevice>
InstallDevice(Ptr<Node> node,
              const char* type,
              Ptr<Object> channel,
              const char* mac,
              const struct ttb_ns3_attribute* attributes)
{
    // Everything that may be refused comes before the device is visible to anybody.
    Ptr<NetDevice> device =
        DynamicCast<NetDevice>(CreateChecked(type, attributes, NetDevice::GetTypeId()));
    auto csma = DynamicCast<CsmaNetDevice>(device);
    auto ethernet = DynamicCast<EthernetLinkDevice>(device);
    auto simple = DynamicCast<SimpleNetDevice>(device);
    auto csmaChannel = DynamicCast<CsmaChannel>(channel);
    auto cable = DynamicCast<EthernetLinkChannel>(channel);
    auto simpleChannel = DynamicCast<SimpleChannel>(channel);
    auto ppp = DynamicCast<PointToPointNetDevice>(device);
    auto pppChannel = DynamicCast<PointToPointChannel>(channel);
    if (!csma && !ethernet && !simple && !ppp)
    {
        Fail(-EOPNOTSUPP,
             std::string("devices of type ") + type +
                 " need more than a channel to be put together: there are ns3::CsmaNetDevice, "
                 "ttb::EthernetLinkDevice, ns3::SimpleNetDevice and ns3::PointToPointNetDevice "
                 "here, "
                 "and "
                 "ttb_ns3_install_wifi()");
    }
    if ((csma && !csmaChannel) || (ethernet && !cable) || (simple && !simpleChannel) ||
        (ppp && !pppChannel))
    {
        Fail(-EINVAL,
             std::string("a device of type ") + type + " needs a channel of type " +
                 (csma       ? "ns3::CsmaChannel"
                  : ethernet ? "ttb::EthernetLinkChannel"
                  : ppp      ? "ns3::PointToPointChannel"
                             : "ns3::SimpleChannel") +
                 ", this one is of type " + channel->GetInstanceTypeId().GetName());
    }
    if (cable && cable->GetNDevices() == 2)
    {
        Fail(-ENOSPC,
             "the Ethernet link has two ends already; for more devices connect each by a link of "
             "its own to a switch (ttb_ns3_install_switch()), or use ns3::CsmaChannel");
    }
    if (pppChannel && pppChannel->GetNDevices() == 2)
    {
        Fail(-ENOSPC, "the point-to-point link has two ends already");
    }
    device->SetAddress(mac ? ParseDeviceMac(mac) : Mac48Address::Allocate());
    if (csma)
    {
        AddQueue(csma);
    }
    else if (ethernet)
    {
        AddQueue(ethernet);
    }
    else if (ppp)
    {
        AddQueue(ppp);
    }
    else
    {
        AddQueue(simple);
    }
    node->AddDevice(device);
    if (csma)
    {
        csma->Attach(csmaChannel);
    }
    else if (ethernet)
    {
        ethernet->Attach(cable);
    }
    else if (ppp)
    {
        ppp->Attach(pppChannel);
    }
    else
    {
        simple->SetChannel(simpleChannel);
    }
    LinkEnd::Install(device);
    return device;
}

} // namespace ttb

int
ttb_ns3_install_device(struct ttb_ns3_object* node,
                       const char* type,
                       struct ttb_ns3_object* channel,
                       const char* mac,
                       const struct ttb_ns3_attribute* attributes,
                       struct ttb_ns3_object** device)
{
    Clear(device);
    return Call(node, [&]() {
        Need(device, "room for the result");
        Ptr<Node> owner = AsExactly<Node>(node);
        Ptr<Channel> medium = AsExactly<Channel>(channel);
        *device = NewHandle(InstallDevice(owner, type, medium, mac, attributes));
    });
}

int
ttb_ns3_install_ethernet(struct ttb_ns3_object* node,
                         struct ttb_ns3_object* channel,
                         const char* mac,
                         const struct ttb_ns3_attribute* attributes,
                         struct ttb_ns3_object** device)
{
    Clear(device);
    return Call(node, [&]() {
        Need(device, "room for the result");
        Ptr<Node> owner = AsExactly<Node>(node);
        Ptr<EthernetLinkChannel> medium = AsExactly<EthernetLinkChannel>(channel);
        *device =
            NewHandle(InstallDevice(owner, "ttb::EthernetLinkDevice", medium, mac, attributes));
    });
}

int
ttb_ns3_link_set(struct ttb_ns3_object* link, const struct ttb_ns3_link_params* params)
{
    return Call(link, [&]() {
        if (!params || params->size < sizeof(*params))
        {
            Fail(-EINVAL, "the parameters' size is not set");
        }
        Link found = FindLink(link);
        CheckParams(link, found, params);
        SetParams(found, params);
        if (Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get())
        {
            simulator->UpdateLookAhead();
        }
    });
}

int
ttb_ns3_link_set_up(struct ttb_ns3_object* link, bool up)
{
    return Call(link, [&]() {
        Link found = FindLink(link);
        if (found.ethernet)
        {
            found.ethernet->SetUp(up); // ports follow the devices
            return;
        }
        if (!found.csma)
        {
            Refuse(link, "only CSMA and Ethernet links can be cut; move a Wifi node out of range");
        }
        Ptr<CsmaLinkState> state = CsmaLinkState::Of(found.csma);
        if (state->IsUp() == up)
        {
            return;
        }
        std::vector<Ptr<NetDevice>> devices;
        for (std::size_t i = 0; i < found.csma->GetNDevices(); i++)
        {
            devices.push_back(found.csma->GetDevice(i));
            LinkEnd::Of(devices.back());
        }
        state->SetUp(up);
        for (const auto& device : devices)
        {
            LinkEnd::Of(device)->FlushQueue();
            SetCarrier(device, up);
        }
    });
}

int
ttb_ns3_set_error_model(struct ttb_ns3_object* device,
                        const char* type,
                        const struct ttb_ns3_attribute* attributes)
{
    return Call(device, [&]() {
        Ptr<LinkEnd> end = LinkEnd::Of(AsExactly<NetDevice>(device));
        Ptr<ErrorModel> model;
        if (type)
        {
            model =
                DynamicCast<ErrorModel>(CreateChecked(type, attributes, ErrorModel::GetTypeId()));
        }
        end->GetErrorModel()->SetModel(model);
    });
}

int
ttb_ns3_link_get_stats(struct ttb_ns3_object* link, struct ttb_ns3_link_stats* stats)
{
    return Call(link, [&]() {
        Need(stats, "room for the result");
        *stats = {};
        Link found = FindLink(link);
        for (const auto& device : found.devices)
        {
            LinkEnd::Counters counters = LinkEnd::Of(device)->GetCounters();
            stats->sent_frames += counters.sent;
            stats->received_frames += counters.received;
            stats->dropped_loss += counters.loss;
            stats->dropped_queue += counters.queue;
            stats->dropped_down += counters.down;
            stats->dropped_other += counters.other;
        }
    });
}
