/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Five simulations with the topologies and parameters of examples that come with ns-3, written here:
 * csma-ping, wifi-simple-adhoc, tcp-bulk-send, csma-bridge, simple-point-to-point-olsr. They write the
 * pcap files and ASCII traces that those do into the current folder.
 *
 *     ns3_stock NAME [--SimulatorImplementationType=TYPE]
 *
 * The scripts themselves know nothing of us: the simulator implementation is chosen as ns-3's manual says.
 */
#include <ns3/applications-module.h>
#include <ns3/bridge-module.h>
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/olsr-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/wifi-module.h>

#include <cstdio>
#include <cstring>

using namespace ns3;

static void ConstantOnOff(Ptr<Node> node, const char *protocol, const Address &remote,
                          const char *rate, uint32_t size, double start, double stop)
{
    OnOffHelper onOff(protocol, remote);
    onOff.SetConstantRate(DataRate(rate));
    onOff.SetAttribute("PacketSize", UintegerValue(size));
    ApplicationContainer applications = onOff.Install(node);
    applications.Start(Seconds(start));
    applications.Stop(Seconds(stop));
}

/* ns-3 has exchanged its ping application. */
static void Ping(Ptr<Node> node, const char *remote, double start, double stop)
{
    TypeId type;
    ObjectFactory factory;
    bool old = TypeId::LookupByNameFailSafe("ns3::V4Ping", &type);
    factory.SetTypeId(old ? "ns3::V4Ping" : "ns3::Ping");
    if (old)
        factory.Set("Remote", Ipv4AddressValue(remote));
    else
        factory.Set("Destination", AddressValue(Ipv4Address(remote)));
    Ptr<Application> ping = factory.Create<Application>();
    ping->SetStartTime(Seconds(start));
    ping->SetStopTime(Seconds(stop));
    node->AddApplication(ping);
}

/* Four nodes on a segment: raw packets, and three that ping one. */
static void CsmaPing()
{
    NodeContainer nodes;
    nodes.Create(4);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", DataRateValue(DataRate(5000000)));
    csma.SetChannelAttribute("Delay", TimeValue(MilliSeconds(2)));
    csma.SetDeviceAttribute("EncapsulationMode", StringValue("Llc"));
    NetDeviceContainer devices = csma.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper("192.168.1.0", "255.255.255.0").Assign(devices);
    InetSocketAddress sink("192.168.1.3");
    Config::SetDefault("ns3::Ipv4RawSocketImpl::Protocol", StringValue("2"));
    ConstantOnOff(nodes.Get(0), "ns3::Ipv4RawSocketFactory", sink, "15000b/s", 1200, 1, 10);
    PacketSinkHelper("ns3::Ipv4RawSocketFactory", sink).Install(nodes.Get(2)).Start(Seconds(0));
    for (uint32_t i : {0, 1, 3})
        Ping(nodes.Get(i), "192.168.1.3", 2, 5);
    csma.EnablePcapAll("csma-ping", false);
    Simulator::Run();
}

/* Two ad hoc stations, a fixed signal strength, one broadcast. */
static void Receive(Ptr<Socket> socket)
{
    while (socket->Recv())
        std::printf("received at %lld ns\n", (long long)Simulator::Now().GetNanoSeconds());
}

static void WifiSimpleAdhoc()
{
    NodeContainer nodes;
    nodes.Create(2);
    Config::SetDefault("ns3::WifiRemoteStationManager::NonUnicastMode",
                       StringValue("DsssRate1Mbps"));
    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211b);
    wifi.SetRemoteStationManager("ns3::ConstantRateWifiManager", "DataMode",
                                 StringValue("DsssRate1Mbps"), "ControlMode",
                                 StringValue("DsssRate1Mbps"));
    YansWifiPhyHelper phy;
    phy.Set("RxGain", DoubleValue(0));
    phy.SetPcapDataLinkType(WifiPhyHelper::DLT_IEEE802_11_RADIO);
    YansWifiChannelHelper channel;
    channel.SetPropagationDelay("ns3::ConstantSpeedPropagationDelayModel");
    channel.AddPropagationLoss("ns3::FixedRssLossModel", "Rss", DoubleValue(-80));
    phy.SetChannel(channel.Create());
    WifiMacHelper mac;
    mac.SetType("ns3::AdhocWifiMac");
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes);
    MobilityHelper mobility;
    Ptr<ListPositionAllocator> positions = CreateObject<ListPositionAllocator>();
    positions->Add(Vector(0, 0, 0));
    positions->Add(Vector(5, 0, 0));
    mobility.SetPositionAllocator(positions);
    mobility.SetMobilityModel("ns3::ConstantPositionMobilityModel");
    mobility.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper("10.1.1.0", "255.255.255.0").Assign(devices);
    TypeId udp = TypeId::LookupByName("ns3::UdpSocketFactory");
    Ptr<Socket> sink = Socket::CreateSocket(nodes.Get(0), udp);
    sink->Bind(InetSocketAddress(Ipv4Address::GetAny(), 80));
    sink->SetRecvCallback(MakeCallback(&Receive));
    Ptr<Socket> source = Socket::CreateSocket(nodes.Get(1), udp);
    source->SetAllowBroadcast(true);
    source->Connect(InetSocketAddress(Ipv4Address("255.255.255.255"), 80));
    phy.EnablePcap("wifi-simple-adhoc", devices);
    Simulator::Schedule(Seconds(1), [source]() { source->Send(Create<Packet>(1000)); });
    Simulator::Run();
}

/* As much TCP as goes through a slow link in 10 s. */
static void TcpBulkSend()
{
    NodeContainer nodes;
    nodes.Create(2);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", StringValue("500Kbps"));
    link.SetChannelAttribute("Delay", StringValue("5ms"));
    NetDeviceContainer devices = link.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4InterfaceContainer interfaces =
        Ipv4AddressHelper("10.1.1.0", "255.255.255.0").Assign(devices);
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(interfaces.GetAddress(1), 9));
    source.SetAttribute("MaxBytes", UintegerValue(0));
    ApplicationContainer applications = source.Install(nodes.Get(0));
    applications.Start(Seconds(0));
    applications.Stop(Seconds(10));
    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), 9));
    applications = sink.Install(nodes.Get(1));
    applications.Start(Seconds(0));
    applications.Stop(Seconds(10));
    AsciiTraceHelper ascii;
    link.EnableAsciiAll(ascii.CreateFileStream("tcp-bulk-send.tr"));
    link.EnablePcapAll("tcp-bulk-send", false);
    Simulator::Stop(Seconds(10));
    Simulator::Run();
    std::printf("received %llu bytes\n",
                (unsigned long long)DynamicCast<PacketSink>(applications.Get(0))->GetTotalRx());
}

/* Four stations at a switch, two constant flows. */
static void CsmaBridge()
{
    NodeContainer terminals, sw;
    terminals.Create(4);
    sw.Create(1);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", DataRateValue(DataRate(5000000)));
    csma.SetChannelAttribute("Delay", TimeValue(MilliSeconds(2)));
    NetDeviceContainer devices, ports;
    for (uint32_t i = 0; i < 4; i++) {
        NetDeviceContainer link = csma.Install(NodeContainer(terminals.Get(i), sw));
        devices.Add(link.Get(0));
        ports.Add(link.Get(1));
    }
    BridgeHelper().Install(sw.Get(0), ports);
    InternetStackHelper().Install(terminals);
    Ipv4AddressHelper("10.1.1.0", "255.255.255.0").Assign(devices);
    const char *udp = "ns3::UdpSocketFactory";
    PacketSinkHelper sink(udp, InetSocketAddress(Ipv4Address::GetAny(), 9));
    ConstantOnOff(terminals.Get(0), udp, InetSocketAddress("10.1.1.2", 9), "500kb/s", 512, 1, 10);
    sink.Install(terminals.Get(1)).Start(Seconds(0));
    ConstantOnOff(terminals.Get(3), udp, InetSocketAddress("10.1.1.1", 9), "500kb/s", 512, 1.1, 10);
    sink.Install(terminals.Get(0)).Start(Seconds(0));
    AsciiTraceHelper ascii;
    csma.EnableAsciiAll(ascii.CreateFileStream("csma-bridge.tr"));
    csma.EnablePcapAll("csma-bridge", false);
    Simulator::Run();
}

/* Five nodes that find their routes, two constant flows. */
static void SimpleOlsr()
{
    NodeContainer nodes;
    nodes.Create(5);
    Ipv4ListRoutingHelper list;
    list.Add(Ipv4StaticRoutingHelper(), 0);
    list.Add(OlsrHelper(), 10);
    InternetStackHelper stack;
    stack.SetRoutingHelper(list);
    stack.Install(nodes);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", StringValue("5Mbps"));
    link.SetChannelAttribute("Delay", StringValue("2ms"));
    const uint32_t ends[][2] = {{0, 2}, {1, 2}, {2, 3}, {3, 4}};
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces[4];
    for (int i = 0; i < 4; i++) {
        interfaces[i] =
            addresses.Assign(link.Install(nodes.Get(ends[i][0]), nodes.Get(ends[i][1])));
        addresses.NewNetwork();
    }
    const char *udp = "ns3::UdpSocketFactory";
    PacketSinkHelper sink(udp, InetSocketAddress(Ipv4Address::GetAny(), 9));
    ConstantOnOff(nodes.Get(0), udp, InetSocketAddress(interfaces[3].GetAddress(1), 9), "448kb/s",
                  210, 10, 30);
    sink.Install(nodes.Get(4)).Start(Seconds(1));
    ConstantOnOff(nodes.Get(3), udp, InetSocketAddress(interfaces[1].GetAddress(0), 9), "448kb/s",
                  210, 10.1, 30);
    sink.Install(nodes.Get(1)).Start(Seconds(1));
    AsciiTraceHelper ascii;
    link.EnableAsciiAll(ascii.CreateFileStream("simple-point-to-point-olsr.tr"));
    link.EnablePcapAll("simple-point-to-point-olsr");
    Simulator::Stop(Seconds(30));
    Simulator::Run();
}

static const struct {
    const char *name;
    void (*run)();
} scripts[] = {
    {"csma-ping", CsmaPing},
    {"wifi-simple-adhoc", WifiSimpleAdhoc},
    {"tcp-bulk-send", TcpBulkSend},
    {"csma-bridge", CsmaBridge},
    {"simple-point-to-point-olsr", SimpleOlsr},
};

int main(int argc, char **argv)
{
    std::string name;
    CommandLine command;
    command.AddNonOption("name", "which", name);
    command.Parse(argc, argv);
    for (const auto &script : scripts) {
        if (name != script.name)
            continue;
        script.run();
        std::printf("%llu events, by %s\n", (unsigned long long)Simulator::GetEventCount(),
                    Simulator::GetImplementation()->GetInstanceTypeId().GetName().c_str());
        Simulator::Destroy();
        return 0;
    }
    return 2;
}
