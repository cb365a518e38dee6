/* SPDX-License-Identifier: GPL-2.0-only */
#include "animation.h"
#include "api.h"
#include "place-model.h"

#include <ttbridge/ns3/ethernet-link-device.h>

#include <ns3/csma-net-device.h>
#include <ns3/flow-monitor-helper.h>
#include <ns3/flow-monitor.h>
#include <ns3/ipv4-flow-classifier.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6-flow-classifier.h>
#include <ns3/ipv6.h>
#include <ns3/node-list.h>
#include <ns3/output-stream-wrapper.h>
#include <ns3/pcap-file-wrapper.h>
#include <ns3/point-to-point-net-device.h>
#include <ns3/pointer.h>
#include <ns3/queue.h>
#include <ns3/simple-net-device.h>
#include <ns3/simulator.h>
#include <ns3/trace-helper.h>
#include <ns3/wifi-net-device.h>
#include <ns3/yans-wifi-helper.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>

/**
 * @file
 * ttbridge/ns3-output.h: pcap, ASCII traces, flow statistics, NetAnim.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// How far from each other nodes are shown that are nowhere, in metres.
constexpr double ANIMATION_STEP = 10;

/// ns-3 ends the program if it cannot open a file, and does not say why.
void
CheckWritable(const char* path)
{
    Need(path, "a path");
    std::FILE* probe = std::fopen(path, "we");
    if (!probe)
    {
        Fail(-errno, std::string(path) + ": " + std::strerror(errno));
    }
    std::fclose(probe);
}

void
WritePcap(Ptr<PcapFileWrapper> file, Ptr<const Packet> frame)
{
    file->Write(Simulator::Now(), frame);
}

void
EnableWifiPcap(Ptr<NetDevice> device, const char* path, bool promiscuous)
{
    YansWifiPhyHelper helper;
    helper.SetPcapDataLinkType(WifiPhyHelper::DLT_IEEE802_11_RADIO);
    helper.EnablePcap(path, device, promiscuous, true);
}

/// @return whether a device is of a kind whose queue and trace sources are called as CSMA's are
bool
IsWired(Ptr<NetDevice> device)
{
    return DynamicCast<CsmaNetDevice>(device) || DynamicCast<EthernetLinkDevice>(device) ||
           DynamicCast<PointToPointNetDevice>(device);
}

[[noreturn]] void
RefuseDevice(const char* what, Ptr<NetDevice> device)
{
    Fail(-EOPNOTSUPP,
         std::string("no ") + what + " of devices of type " +
             device->GetInstanceTypeId().GetName() +
             ": only of CSMA, Ethernet, point-to-point and Wifi devices");
}

/// Flow statistics; the helper disposes of its monitor when it goes.
class FlowStatistics : public Object
{
  public:
    static TypeId GetTypeId()
    {
        static TypeId tid = TypeId("ttb::FlowStatistics").SetParent<Object>();
        return tid;
    }

    FlowMonitorHelper helper; //!< has the classifiers
    Ptr<FlowMonitor> monitor; //!< counts

  protected:
    void DoDispose() override
    {
        monitor = nullptr;
        Object::DoDispose();
    }
};

NS_OBJECT_ENSURE_REGISTERED(FlowStatistics);

template <typename T>
void
SetAddresses(const T& tuple, struct ttb_ns3_flow& flow, std::string& source, std::string& target)
{
    std::ostringstream from;
    std::ostringstream to;
    from << tuple.sourceAddress;
    to << tuple.destinationAddress;
    source = from.str();
    target = to.str();
    flow.source_port = tuple.sourcePort;
    flow.destination_port = tuple.destinationPort;
    flow.protocol = tuple.protocol;
}

/// @return whether the flow is one of this classifier's
bool
Classify(Ptr<FlowClassifier> classifier,
         FlowId id,
         struct ttb_ns3_flow& flow,
         std::string& source,
         std::string& target)
{
    // Flow numbers are counted through both, and FindFlow() ends the program for the other's.
    try
    {
        if (auto four = DynamicCast<Ipv4FlowClassifier>(classifier))
        {
            SetAddresses(four->FindFlow(id), flow, source, target);
            return true;
        }
        if (auto six = DynamicCast<Ipv6FlowClassifier>(classifier))
        {
            SetAddresses(six->FindFlow(id), flow, source, target);
            return true;
        }
    }
    catch (const FatalError&)
    {
    }
    return false;
}

Ptr<FlowStatistics>
Statistics(struct ttb_ns3_object* handle)
{
    auto statistics = DynamicCast<FlowStatistics>(Resolve(handle));
    if (!statistics)
    {
        Fail(-EINVAL, "this is not what ttb_ns3_monitor_flows() gave");
    }
    return statistics;
}

/// @return the function that makes an animation, from the library beside this one
AnimationNew*
LoadAnimation()
{
    Dl_info self;
    std::string path = TTB_NS3_ANIMATION_LIBRARY;
    if (dladdr(reinterpret_cast<void*>(&ttb_ns3_animate), &self) && self.dli_fname)
    {
        std::string own = self.dli_fname;
        auto slash = own.rfind('/');
        if (slash != std::string::npos)
        {
            path = own.substr(0, slash + 1) + path;
        }
    }
    // It stays loaded: ns-3 keeps pointers to what modules have registered.
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = library ? dlsym(library, TTB_NS3_ANIMATION_NEW) : nullptr;
    if (!symbol)
    {
        const char* why = dlerror();
        Fail(-ENOSYS, "ns-3's NetAnim cannot be loaded: " + std::string(why ? why : path));
    }
    return reinterpret_cast<AnimationNew*>(symbol);
}

} // namespace

int
ttb_ns3_pcap(struct ttb_ns3_object* device, const char* path, bool promiscuous)
{
    return Call(device, [&]() {
        Ptr<NetDevice> target = AsExactly<NetDevice>(device);
        Need(path, "a path");
        if (!IsWired(target) && !DynamicCast<WifiNetDevice>(target))
        {
            RefuseDevice("pcap", target);
        }
        CheckWritable(path);
        if (DynamicCast<WifiNetDevice>(target))
        {
            EnableWifiPcap(target, path, promiscuous);
            return;
        }
        PcapHelper helper;
        Ptr<PcapFileWrapper> file =
            helper.CreateFile(path,
                              std::ios::out,
                              DynamicCast<PointToPointNetDevice>(target) ? PcapHelper::DLT_PPP
                                                                         : PcapHelper::DLT_EN10MB);
        if (!target->TraceConnectWithoutContext(promiscuous ? "PromiscSniffer" : "Sniffer",
                                                MakeBoundCallback(&WritePcap, file)))
        {
            Fail(-EOPNOTSUPP, "the device has no trace source to write pcap files from");
        }
        GetSimulation()->files.push_back(
            {path, [file]() { return file->Fail(); }, [file]() { file->Close(); }});
    });
}

int
ttb_ns3_ascii(struct ttb_ns3_object* device, const char* path)
{
    return Call(device, [&]() {
        Ptr<NetDevice> target = AsExactly<NetDevice>(device);
        Need(path, "a path");
        if (!IsWired(target) && !DynamicCast<WifiNetDevice>(target))
        {
            RefuseDevice("ASCII trace", target);
        }
        CheckWritable(path);
        AsciiTraceHelper ascii;
        Ptr<OutputStreamWrapper> stream = ascii.CreateFileStream(path);
        if (DynamicCast<WifiNetDevice>(target))
        {
            YansWifiPhyHelper().EnableAscii(stream, target);
        }
        else
        {
            PointerValue pointer;
            target->GetAttribute("TxQueue", pointer);
            Ptr<Queue<Packet>> queue = pointer.Get<Queue<Packet>>();
            Packet::EnablePrinting();
            ascii.HookDefaultEnqueueSinkWithoutContext<Queue<Packet>>(queue, "Enqueue", stream);
            ascii.HookDefaultDequeueSinkWithoutContext<Queue<Packet>>(queue, "Dequeue", stream);
            ascii.HookDefaultDropSinkWithoutContext<Queue<Packet>>(queue, "Drop", stream);
            ascii.HookDefaultReceiveSinkWithoutContext<NetDevice>(target, "MacRx", stream);
        }
        GetSimulation()->files.push_back({path,
                                          [stream]() { return !stream->GetStream()->good(); },
                                          [stream]() { stream->GetStream()->flush(); }});
    });
}

int
ttb_ns3_monitor_flows(struct ttb_ns3* ns3,
                      struct ttb_ns3_object* const* nodes,
                      size_t node_count,
                      struct ttb_ns3_object** flows)
{
    Clear(flows);
    return Call(ns3, [&]() {
        Need(flows, "room for the result");
        NodeContainer chosen;
        if (node_count)
        {
            Need(nodes, "a list of nodes");
        }
        for (std::size_t i = 0; i < node_count; i++)
        {
            Ptr<Node> node = AsExactly<Node>(nodes[i]);
            if (!node->GetObject<Ipv4>() && !node->GetObject<Ipv6>())
            {
                Fail(-ENODEV,
                     "ns-3 node " + std::to_string(node->GetId()) +
                         " has no IP stack, where flows are counted; those of Linux nodes are in "
                         "the trace");
            }
            chosen.Add(node);
        }
        if (!node_count)
        {
            chosen = NodeContainer::GetGlobal();
        }
        Ptr<FlowStatistics> made = CreateObject<FlowStatistics>();
        made->monitor = made->helper.Install(chosen);
        *flows = NewHandle(made);
    });
}

int
ttb_ns3_each_flow(struct ttb_ns3_object* flows, ttb_ns3_flow_fn fn, void* user)
{
    return Call(flows, [&]() {
        Ptr<FlowStatistics> statistics = Statistics(flows);
        Need(fn, "a function to be called");
        statistics->monitor->CheckForLostPackets();
        for (const auto& [id, stats] : statistics->monitor->GetFlowStats())
        {
            struct ttb_ns3_flow flow = {};
            std::string source;
            std::string target;
            if (!Classify(statistics->helper.GetClassifier(), id, flow, source, target))
            {
                Classify(statistics->helper.GetClassifier6(), id, flow, source, target);
            }
            flow.id = id;
            flow.source = source.c_str();
            flow.destination = target.c_str();
            flow.tx_packets = stats.txPackets;
            flow.tx_bytes = stats.txBytes;
            flow.rx_packets = stats.rxPackets;
            flow.rx_bytes = stats.rxBytes;
            flow.lost_packets = stats.lostPackets;
            flow.forwarded = stats.timesForwarded;
            flow.delay_sum_ns = static_cast<uint64_t>(stats.delaySum.GetNanoSeconds());
            flow.jitter_sum_ns = static_cast<uint64_t>(stats.jitterSum.GetNanoSeconds());
            flow.first_tx_ns = static_cast<uint64_t>(stats.timeFirstTxPacket.GetNanoSeconds());
            flow.last_rx_ns = static_cast<uint64_t>(stats.timeLastRxPacket.GetNanoSeconds());
            fn(user, &flow);
        }
    });
}

int
ttb_ns3_write_flows(struct ttb_ns3_object* flows, const char* path)
{
    return Call(flows, [&]() {
        Ptr<FlowStatistics> statistics = Statistics(flows);
        CheckWritable(path);
        statistics->monitor->SerializeToXmlFile(path, true, true);
    });
}

int
ttb_ns3_animate(struct ttb_ns3* ns3, const struct ttb_ns3_animation_opts* opts)
{
    return Call(ns3, [&]() {
        Simulation& sim = *GetSimulation();
        Need(opts, "a struct ttb_ns3_animation_opts");
        if (opts->size < sizeof(*opts))
        {
            Fail(-EINVAL, "the options' size is not set");
        }
        Need(opts->path, "a path");
        if (sim.animation)
        {
            Fail(-EEXIST, "there is an animation already, and ns-3 can write one only");
        }
        if (NodeList::GetNNodes() == 0)
        {
            Fail(-EINVAL, "there are no nodes yet, and those made later would not be in the file");
        }
        CheckWritable(opts->path);
        // ns-3 would put nodes that are nowhere at random places.
        for (auto node = NodeList::Begin(); node != NodeList::End(); ++node)
        {
            if (!(*node)->GetObject<MobilityModel>())
            {
                PlaceModel::Of(*node)->SetPosition(Vector(ANIMATION_STEP * (*node)->GetId(), 0, 0));
            }
        }
        sim.animation.reset(LoadAnimation()(opts->path));
        if (opts->poll_ns)
        {
            sim.animation->SetPollInterval(ToTime(opts->poll_ns));
        }
        if (opts->packet_headers)
        {
            sim.animation->WriteHeaders();
        }
        if (opts->no_packets)
        {
            sim.animation->SkipPackets();
        }
    });
}

int
ttb_ns3_animate_node(struct ttb_ns3_object* node, const struct ttb_ns3_animation_node* look)
{
    return Call(node, [&]() {
        Simulation& sim = *GetSimulation();
        Ptr<Node> target = AsExactly<Node>(node);
        Need(look, "a struct ttb_ns3_animation_node");
        if (look->size < sizeof(*look))
        {
            Fail(-EINVAL, "the look's size is not set");
        }
        if (!sim.animation)
        {
            Fail(-ENODEV, "there is no animation (ttb_ns3_animate() comes first)");
        }
        if (look->rgb > 0xffffff)
        {
            Fail(-EINVAL, "the colour " + std::to_string(look->rgb) + " is beyond 0xffffff");
        }
        if (look->label)
        {
            for (const char* c = look->label; *c; c++)
            {
                // ns-3 writes it into an XML attribute as it is.
                if (std::strchr("<>&\"", *c) || static_cast<unsigned char>(*c) < ' ')
                {
                    Fail(-EINVAL,
                         "the label \"" + std::string(look->label) +
                             "\" has characters that XML has other uses for");
                }
            }
            sim.animation->Describe(target, look->label);
        }
        if (look->colour)
        {
            sim.animation->Colour(target,
                                  static_cast<uint8_t>(look->rgb >> 16),
                                  static_cast<uint8_t>(look->rgb >> 8),
                                  static_cast<uint8_t>(look->rgb));
        }
        if (look->size_mm)
        {
            sim.animation->Resize(target, static_cast<double>(look->size_mm) / 1000);
        }
    });
}
