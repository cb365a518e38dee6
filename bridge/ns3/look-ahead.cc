/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/look-ahead.h>

#include "csma-rate.h"
#include "fatal-trap.h"

#include <ns3/channel-list.h>
#include <ns3/channel.h>
#include <ns3/csma-channel.h>
#include <ns3/csma-net-device.h>
#include <ns3/node-list.h>
#include <ns3/node.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <queue>
#include <tuple>

/**
 * @file
 * ttb::LookAhead implementation.
 */

namespace ttb
{

using namespace ns3;

namespace
{

/// CsmaNetDevice pads to this, FCS included, in both of its modes.
constexpr uint32_t CSMA_MIN_BYTES = 64;

/// IEEE 802.11-2020, 17.3.2: short and long training fields and SIGNAL, at 20 MHz. Other PHYs'
/// preambles and headers are longer, narrower channels' as well.
constexpr uint64_t WIFI_PREAMBLE_NS = 20000;

uint64_t
Sum(uint64_t a, uint64_t b)
{
    return a > LookAhead::NEVER - b ? LookAhead::NEVER : a + b;
}

bool
IsWifi(Ptr<NetDevice> device)
{
    return device->GetInstanceTypeId().GetName() == "ns3::WifiNetDevice";
}

/**
 * The network as a graph. A frame that a device sends is at OUT(device), one that it receives at
 * IN(device). Channels lead from OUT to IN of all other devices, ns-3 nodes from IN to OUT of all
 * their devices. What has no channel, e.g. a bridge's own device, is connected with its node alone.
 */
class Graph
{
  public:
    Graph()
    {
        FindChannels();
        for (auto node = NodeList::Begin(); node != NodeList::End(); ++node)
        {
            for (uint32_t i = 0; i < (*node)->GetNDevices(); i++)
            {
                AddDevice((*node)->GetDevice(i), *node);
            }
        }
    }

    /** @return numbers of the devices that have a port */
    const std::vector<std::size_t>& GetPorts() const
    {
        return m_ports;
    }

    /** @return the device */
    Ptr<NetDevice> GetDevice(std::size_t i) const
    {
        return m_devices[i].device;
    }

    /** @return for each device, the time from OUT(from) to its IN */
    std::vector<uint64_t> Search(std::size_t from) const
    {
        Search_ search(*this);
        search.Out(from, 0);
        search.Run();
        return search.in;
    }

  private:
    /** A device. */
    struct Vertex
    {
        Ptr<NetDevice> device;             //!< it
        std::size_t node;                  //!< its node's number
        std::vector<std::size_t> channels; //!< numbers of its channels
        uint64_t latency;                  //!< to the others on them
        bool internal;                     //!< what it sends is received by its node
    };

    /** One search for shortest ways. */
    struct Search_
    {
        /// Time; 0: node, 1: channel; number; device that sent, of a channel
        using Step = std::tuple<uint64_t, int, std::size_t, std::size_t>;

        explicit Search_(const Graph& searched)
            : graph(searched),
              in(searched.m_devices.size(), LookAhead::NEVER),
              nodes(searched.m_nodes.size(), false),
              senders(searched.m_channels.size())
        {
        }

        /** A device sends. */
        void Out(std::size_t i, uint64_t time)
        {
            const Vertex& vertex = graph.m_devices[i];
            for (std::size_t channel : vertex.channels)
            {
                steps.emplace(Sum(time, vertex.latency), 1, channel, i);
            }
            if (vertex.internal)
            {
                steps.emplace(time, 0, vertex.node, 0);
            }
        }

        /** A device receives. */
        void In(std::size_t i, uint64_t time)
        {
            if (time < in[i])
            {
                in[i] = time;
                steps.emplace(time, 0, graph.m_devices[i].node, 0);
            }
        }

        /** Something happens at a node. */
        void AtNode(std::size_t node, uint64_t time)
        {
            if (nodes[node])
            {
                return;
            }
            nodes[node] = true;
            for (std::size_t i : graph.m_nodes[node])
            {
                if (graph.m_devices[i].internal)
                {
                    in[i] = std::min(in[i], time);
                }
                Out(i, time);
            }
        }

        /** A channel brings what a device sent: not to that device, so two senders are of interest.
         */
        void OnChannel(std::size_t channel, uint64_t time, std::size_t sender)
        {
            std::vector<std::size_t>& seen = senders[channel];
            if (seen.size() == 2 || (seen.size() == 1 && seen[0] == sender))
            {
                return;
            }
            seen.push_back(sender);
            for (std::size_t i : graph.m_channels[channel])
            {
                if (i != sender && (seen.size() == 1 || i == seen[0]))
                {
                    In(i, time);
                }
            }
        }

        void Run()
        {
            while (!steps.empty())
            {
                auto [time, kind, number, sender] = steps.top();
                steps.pop();
                if (kind == 0)
                {
                    AtNode(number, time);
                }
                else
                {
                    OnChannel(number, time, sender);
                }
            }
        }

        const Graph& graph;                                                     //!< searched
        std::priority_queue<Step, std::vector<Step>, std::greater<Step>> steps; //!< to be taken
        std::vector<uint64_t> in;                                               //!< by device
        std::vector<bool> nodes;                                                //!< reached
        std::vector<std::vector<std::size_t>> senders; //!< of each channel, at most two
    };

    /** Find the channels that list Wifi devices. */
    void FindChannels()
    {
        for (auto it = ChannelList::Begin(); it != ChannelList::End(); ++it)
        {
            for (std::size_t i = 0; i < (*it)->GetNDevices(); i++)
            {
                Ptr<NetDevice> device = (*it)->GetDevice(i);
                if (device && IsWifi(device))
                {
                    auto& channels = m_wifiChannels[PeekPointer(device)];
                    if (channels.empty() || channels.back() != *it)
                    {
                        channels.push_back(*it);
                    }
                }
            }
        }
    }

    /**
     * @return the channels that a device sends on. Wifi devices have several if they have several
     * links; they are not asked as such, so that the adapter can do without that module of ns-3.
     */
    std::vector<Ptr<Channel>> ChannelsOf(Ptr<NetDevice> device) const
    {
        if (IsWifi(device))
        {
            auto found = m_wifiChannels.find(PeekPointer(device));
            return found == m_wifiChannels.end() ? std::vector<Ptr<Channel>>() : found->second;
        }
        Ptr<Channel> channel = device->GetChannel();
        return channel ? std::vector<Ptr<Channel>>{channel} : std::vector<Ptr<Channel>>();
    }

    void AddDevice(Ptr<NetDevice> device, Ptr<Node> node)
    {
        std::string type = device->GetInstanceTypeId().GetName();
        if (type == "ns3::LoopbackNetDevice")
        {
            return;
        }
        Vertex vertex{device, node->GetId(), {}, LookAhead::GetDeviceLatency(device), false};
        std::vector<Ptr<Channel>> channels = ChannelsOf(device);
        for (const auto& channel : channels)
        {
            // What bridges and mesh points show for a channel stands for their ports' channels.
            if (channel->GetInstanceTypeId().GetName() == "ns3::BridgeChannel")
            {
                vertex.internal = true;
                continue;
            }
            vertex.channels.push_back(NumberOf(PeekPointer(channel)));
        }
        if (channels.empty())
        {
            // Whatever it does, e.g. call a function of the script's: it may lead anywhere.
            vertex.internal = true;
            vertex.channels.push_back(NumberOf(nullptr));
        }
        std::size_t number = m_devices.size();
        for (std::size_t channel : vertex.channels)
        {
            m_channels[channel].push_back(number);
        }
        m_nodes.resize(std::max<std::size_t>(m_nodes.size(), vertex.node + 1));
        m_nodes[vertex.node].push_back(number);
        if (device->GetObject<NodePort>())
        {
            m_ports.push_back(number);
        }
        m_devices.push_back(vertex);
    }

    std::size_t NumberOf(const Channel* channel)
    {
        auto found = m_channelNumbers.emplace(channel, m_channels.size());
        if (found.second)
        {
            m_channels.emplace_back();
        }
        return found.first->second;
    }

    std::vector<Vertex> m_devices;                          //!< by number
    std::vector<std::vector<std::size_t>> m_channels;       //!< devices on each
    std::vector<std::vector<std::size_t>> m_nodes;          //!< devices of each
    std::vector<std::size_t> m_ports;                       //!< devices with a port
    std::map<const Channel*, std::size_t> m_channelNumbers; //!< only looked up

    /// Only looked up.
    std::map<const NetDevice*, std::vector<Ptr<Channel>>> m_wifiChannels;
};

} // namespace

uint64_t
LookAhead::GetDeviceLatency(Ptr<NetDevice> device)
{
    if (auto ethernet = DynamicCast<EthernetLinkDevice>(device))
    {
        return ethernet->GetMinLatency().GetTimeStep();
    }
    if (auto csma = DynamicCast<CsmaNetDevice>(device))
    {
        auto channel = DynamicCast<CsmaChannel>(csma->GetChannel());
        return channel
                   ? (GetCsmaRate(csma).CalculateBytesTxTime(CSMA_MIN_BYTES) + channel->GetDelay())
                         .GetTimeStep()
                   : 0;
    }
    // Before it is asked for its channel: one with several links has not one.
    if (IsWifi(device))
    {
        return WIFI_PREAMBLE_NS;
    }
    std::string type = device->GetInstanceTypeId().GetName();
    Ptr<Channel> channel = device->GetChannel();
    if (channel && (type == "ns3::SimpleNetDevice" || type == "ns3::PointToPointNetDevice"))
    {
        std::string channelType = channel->GetInstanceTypeId().GetName();
        TimeValue delay;
        if ((channelType == "ns3::SimpleChannel" || channelType == "ns3::PointToPointChannel") &&
            channel->GetAttributeFailSafe("Delay", delay))
        {
            return delay.Get().GetTimeStep();
        }
    }
    return 0;
}

LookAhead
LookAhead::Compute()
{
    Graph graph;
    LookAhead result;
    for (std::size_t device : graph.GetPorts())
    {
        result.m_ports.push_back(graph.GetDevice(device)->GetObject<NodePort>());
    }
    for (std::size_t from : graph.GetPorts())
    {
        std::vector<uint64_t> found = graph.Search(from);
        for (std::size_t to : graph.GetPorts())
        {
            result.m_latencies.push_back(found[to]);
        }
    }
    return result;
}

std::size_t
LookAhead::GetN() const
{
    return m_ports.size();
}

Ptr<NodePort>
LookAhead::GetPort(std::size_t i) const
{
    return m_ports[i];
}

uint64_t
LookAhead::Get(std::size_t from, std::size_t to) const
{
    return m_latencies[from * m_ports.size() + to];
}

void
LookAhead::Apply(struct ttb_bridge* bridge, uint64_t maxNs) const
{
    for (std::size_t from = 0; from < m_ports.size(); from++)
    {
        for (std::size_t to = 0; to < m_ports.size(); to++)
        {
            struct ttb_port* sender = m_ports[from]->GetPort();
            struct ttb_port* receiver = m_ports[to]->GetPort();
            if (!sender || !receiver || !ttb_port_node(sender) || !ttb_port_node(receiver))
            {
                continue; // in wall-clock time, or disposed of
            }
            int rc =
                ttb_bridge_set_latency(bridge, sender, receiver, std::min(Get(from, to), maxNs));
            if (rc && rc != -E2BIG) // of so many, none is known: right, and slow
            {
                RaiseFatal(rc, ttb_bridge_error(bridge));
            }
        }
    }
}

std::string
LookAhead::Print() const
{
    std::string text;
    for (std::size_t from = 0; from < m_ports.size(); from++)
    {
        for (std::size_t to = 0; to < m_ports.size(); to++)
        {
            char time[64] = "no way";
            if (from == to)
            {
                continue;
            }
            if (Get(from, to) != NEVER)
            {
                std::snprintf(time,
                              sizeof(time),
                              "%.6f ms",
                              static_cast<double>(Get(from, to)) / 1e6);
            }
            text += m_ports[from]->GetName() + " -> " + m_ports[to]->GetName() + ": " + time + "\n";
        }
    }
    return text;
}

} // namespace ttb
