/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small ns-3 simulations that write down every event, in order: time, context, uid.
 *
 *     ns3_scenario NAME default|ours|ours-with-bridge
 *
 * test_identity.c compares what is printed. The scripts themselves know nothing of us: the simulator
 * implementation is chosen as ns-3's manual says, and events are seen by a scheduler, also chosen by
 * name.
 */
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/olsr-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/wifi-module.h>

#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

using namespace ns3;

/* Prints what it gives out. */
class WatchedScheduler : public MapScheduler
{
  public:
    static TypeId GetTypeId()
    {
        static TypeId tid = TypeId("test::WatchedScheduler")
                                .SetParent<MapScheduler>()
                                .AddConstructor<WatchedScheduler>();
        return tid;
    }

    Event RemoveNext() override
    {
        Event event = MapScheduler::RemoveNext();
        std::printf("%llu %u %u\n", (unsigned long long)event.key.m_ts, event.key.m_context,
                    event.key.m_uid);
        return event;
    }
};

NS_OBJECT_ENSURE_REGISTERED(WatchedScheduler);

static void PrintTx(std::string context, Ptr<const Packet> packet)
{
    std::printf("tx %s %u bytes, packet %llu at %lld\n", context.c_str(), packet->GetSize(),
                (unsigned long long)packet->GetUid(), (long long)Simulator::Now().GetNanoSeconds());
}

/* Four hosts on one segment that contend for it, and an echo server. */
static void Csma()
{
    NodeContainer nodes;
    nodes.Create(4);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("10Mbps"));
    csma.SetChannelAttribute("Delay", StringValue("20us"));
    NetDeviceContainer devices = csma.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
    UdpEchoServerHelper server(9);
    server.Install(nodes.Get(3)).Start(Seconds(0.5));
    for (uint32_t i = 0; i < 3; i++) {
        UdpEchoClientHelper client(interfaces.GetAddress(3), 9);
        client.SetAttribute("MaxPackets", UintegerValue(40));
        client.SetAttribute("Interval", TimeValue(MilliSeconds(7)));
        client.SetAttribute("PacketSize", UintegerValue(700));
        client.Install(nodes.Get(i)).Start(Seconds(1));
    }
    Config::Connect("/NodeList/*/DeviceList/*/$ns3::CsmaNetDevice/MacTx", MakeCallback(&PrintTx));
    Simulator::Stop(Seconds(5));
    Simulator::Run();
}

/* TCP over a lossy link; ends by itself. */
static void Tcp()
{
    NodeContainer nodes;
    nodes.Create(2);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", StringValue("5Mbps"));
    link.SetChannelAttribute("Delay", StringValue("3ms"));
    NetDeviceContainer devices = link.Install(nodes);
    Ptr<RateErrorModel> errors = CreateObject<RateErrorModel>();
    errors->SetAttribute("ErrorRate", DoubleValue(0.00002));
    devices.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(errors));
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(interfaces.GetAddress(1), 80));
    source.SetAttribute("MaxBytes", UintegerValue(300000));
    source.Install(nodes.Get(0)).Start(Seconds(0.1));
    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), 80));
    sink.Install(nodes.Get(1));
    Config::Connect("/NodeList/*/DeviceList/*/$ns3::PointToPointNetDevice/MacTx",
                    MakeCallback(&PrintTx));
    Simulator::Run();
}

/* Wireless nodes that move, route and cancel many timers. */
static void Wifi()
{
    NodeContainer nodes;
    nodes.Create(5);
    YansWifiChannelHelper channel = YansWifiChannelHelper::Default();
    YansWifiPhyHelper phy;
    phy.SetChannel(channel.Create());
    WifiMacHelper mac;
    mac.SetType("ns3::AdhocWifiMac");
    WifiHelper wifi;
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes);
    MobilityHelper mobility;
    mobility.SetPositionAllocator("ns3::GridPositionAllocator", "DeltaX", DoubleValue(60),
                                  "GridWidth", UintegerValue(5));
    mobility.SetMobilityModel("ns3::RandomWalk2dMobilityModel", "Bounds",
                              RectangleValue(Rectangle(-100, 400, -100, 100)));
    mobility.Install(nodes);
    OlsrHelper olsr;
    InternetStackHelper stack;
    stack.SetRoutingHelper(olsr);
    stack.Install(nodes);
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
    UdpEchoServerHelper(9).Install(nodes.Get(4));
    UdpEchoClientHelper client(interfaces.GetAddress(4), 9);
    client.SetAttribute("MaxPackets", UintegerValue(20));
    client.SetAttribute("Interval", TimeValue(MilliSeconds(200)));
    client.Install(nodes.Get(0)).Start(Seconds(3));
    Simulator::Stop(Seconds(8));
    Simulator::Run();
}

/* ------------------------------------------------- what a simulator implementation must get right */

static void Say(const char *what)
{
    std::printf("%s at %lld in %u, %llu events, finished %d\n", what,
                (long long)Simulator::Now().GetTimeStep(), Simulator::GetContext(),
                (unsigned long long)Simulator::GetEventCount(), (int)Simulator::IsFinished());
}

static void SayExpired(const char *what, const EventId &id)
{
    std::printf("%s: ts %llu uid %u context %u expired %d left %lld\n", what,
                (unsigned long long)id.GetTs(), id.GetUid(), id.GetContext(),
                (int)Simulator::IsExpired(id),
                (long long)Simulator::GetDelayLeft(id).GetTimeStep());
}

static EventId g_removed, g_cancelled, g_destroy, g_destroyRemoved, g_self;

static void Self()
{
    SayExpired("an event that is being executed", g_self);
    Simulator::Cancel(g_self);
    Simulator::Remove(g_self);
}

static void Busy()
{
    Say("busy");
    Simulator::ScheduleNow(&Say, "now, after what is already due");
    Simulator::Schedule(Time(0), &Say, "no delay, after that");
    Simulator::ScheduleWithContext(7, NanoSeconds(1), &Say, "context 7");
    Simulator::Remove(g_removed);
    Simulator::Cancel(g_cancelled);
    SayExpired("removed", g_removed);
    SayExpired("cancelled", g_cancelled);
    Simulator::Remove(g_removed);
    ObjectFactory heap;
    heap.SetTypeId("ns3::HeapScheduler");
    ObjectFactory watched;
    watched.SetTypeId("test::WatchedScheduler");
    Simulator::SetScheduler(heap);
    Simulator::SetScheduler(watched);
}

static void OtherThread()
{
    std::thread([]() {
        Simulator::ScheduleWithContext(3, NanoSeconds(5), &Say, "from another thread");
    }).join();
}

static void Semantics()
{
    std::printf("maximum %lld\n", (long long)Simulator::GetMaximumSimulationTime().GetTimeStep());
    std::printf("system id %u\n", Simulator::GetSystemId());
    Say("before");
    g_destroy = Simulator::ScheduleDestroy(&Say, "destroyed");
    g_destroyRemoved = Simulator::ScheduleDestroy(&Say, "never");
    EventId cancelled = Simulator::ScheduleDestroy(&Say, "never either");
    SayExpired("destroy event", g_destroyRemoved);
    Simulator::Remove(g_destroyRemoved);
    Simulator::Cancel(cancelled);
    SayExpired("destroy event, removed", g_destroyRemoved);
    SayExpired("destroy event, cancelled", cancelled);
    Simulator::Schedule(NanoSeconds(10), &Busy);
    Simulator::Schedule(NanoSeconds(10), &Say, "the same time");
    g_removed = Simulator::Schedule(NanoSeconds(20), &Say, "never: removed");
    g_cancelled = Simulator::Schedule(NanoSeconds(20), &Say, "never: cancelled");
    g_self = Simulator::Schedule(NanoSeconds(25), &Self);
    SayExpired("pending", g_removed);
    Simulator::Schedule(NanoSeconds(30), &OtherThread);
    Simulator::Schedule(NanoSeconds(40), &Say, "scheduled before the stop");
    Simulator::Stop(NanoSeconds(40));
    Simulator::Schedule(NanoSeconds(40), &Say, "scheduled after the stop: in the next run");
    Simulator::Schedule(NanoSeconds(50), &Say, "in the next run");
    Simulator::Run();
    Say("stopped");
    Simulator::Stop(NanoSeconds(100));
    Simulator::Run();
    Say("stopped again");
    Simulator::Run();
    Say("nothing left");
    SayExpired("destroy event", g_destroy);
}

/* Raw speed: nothing but events. */
static uint64_t g_left;

static void Tick(uint32_t i)
{
    if (g_left > 0) {
        g_left--;
        Simulator::Schedule(NanoSeconds(100 + i % 7), &Tick, i);
    }
}

static void Ticks()
{
    g_left = 3000000;
    for (uint32_t i = 0; i < 100; i++)
        Simulator::Schedule(NanoSeconds(i), &Tick, i);
    Simulator::Run();
}

/* CSMA echoes without printing: speed as real scripts see it. */
static void Echoes()
{
    NodeContainer nodes;
    nodes.Create(2);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("1Gbps"));
    csma.SetChannelAttribute("Delay", StringValue("1us"));
    NetDeviceContainer devices = csma.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
    UdpEchoServerHelper(9).Install(nodes.Get(1));
    UdpEchoClientHelper client(interfaces.GetAddress(1), 9);
    client.SetAttribute("MaxPackets", UintegerValue(60000));
    client.SetAttribute("Interval", TimeValue(MicroSeconds(50)));
    client.Install(nodes.Get(0)).Start(Seconds(1));
    Simulator::Run();
}

static const struct {
    const char *name;
    void (*run)();
    bool watched;
} scenarios[] = {
    {"csma", Csma, true},           {"tcp", Tcp, true},      {"wifi", Wifi, true},
    {"semantics", Semantics, true}, {"ticks", Ticks, false}, {"echoes", Echoes, false},
};

int main(int argc, char **argv)
{
    struct ttb_bridge *bridge = nullptr;
    std::string how = argc == 3 ? argv[2] : "";
    std::string why;

    if (how != "default" && how != "ours" && how != "ours-with-bridge")
        return 2;
    for (const auto &scenario : scenarios) {
        if (std::strcmp(scenario.name, argv[1]) != 0)
            continue;
        if (how != "default")
            GlobalValue::Bind("SimulatorImplementationType",
                              StringValue("ttb::TimeTravelSimulatorImpl"));
        if (scenario.watched)
            GlobalValue::Bind("SchedulerType", StringValue("test::WatchedScheduler"));
        if (how == "ours-with-bridge") {
            struct ttb_bridge_opts opts = {};
            opts.size = sizeof(opts);
            opts.no_pin = true;
            if (ttb_bridge_new(&opts, &bridge) ||
                !ttb::TimeTravelSimulatorImpl::Get()->AttachBridge(bridge, why)) {
                std::fprintf(stderr, "no bridge: %s\n", why.c_str());
                return 3;
            }
            /* Attaching switches it on, which would be a difference. */
            GlobalValue::Bind("ChecksumEnabled", BooleanValue(false));
        }
        scenario.run();
        if (scenario.watched)
            Say("end");
        std::fprintf(stderr, "%llu\n", (unsigned long long)Simulator::GetEventCount());
        Simulator::Destroy();
        ttb_bridge_free(bridge);
        return 0;
    }
    return 2;
}
