/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far nodes may run ahead of each other, computed from ns-3's network: against what was worked out by
 * hand, against what the shortest frame really takes, and as the bridge has been told it.
 *
 * The bridge's nodes are never switched on. Their ports drop what arrives, at the time at which it does.
 */
#include <ns3/applications-module.h>
#include <ns3/bridge-module.h>
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/virtual-net-device-module.h>
#include <ns3/wifi-module.h>

#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/look-ahead.h>
#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <stdlib.h>
#include <string>
#include <unistd.h>
#include <vector>

/* Last, for it defines fail() as a macro; and it does not know C++. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace ns3;
using ttb::EthernetLinkChannel;
using ttb::EthernetLinkDevice;
using ttb::LookAhead;
using ttb::NodePort;
using ttb::TimeTravelSimulatorImpl;

/* A simulation with a bridge, and nodes of that at devices. */
class Net
{
  public:
    Net()
    {
        strcpy(m_directory, "/tmp/ttb-look-XXXXXX");
        assert_non_null(mkdtemp(m_directory));
        GlobalValue::Bind("SimulatorImplementationType",
                          StringValue("ttb::TimeTravelSimulatorImpl"));
        struct ttb_bridge_opts opts = {};
        opts.size = sizeof(opts);
        opts.directory = m_directory;
        opts.no_pin = true;
        assert_int_equal(ttb_bridge_new(&opts, &bridge), 0);
        std::string why;
        assert_true(TimeTravelSimulatorImpl::Get()->AttachBridge(bridge, why));
    }

    ~Net()
    {
        Simulator::Destroy();
        ttb_bridge_free(bridge);
        rmdir(m_directory);
    }

    /* A node of the bridge, which has `device` for a network card, with the device's address. */
    void Attach(Ptr<NetDevice> device)
    {
        std::string name = "n" + std::to_string(nodes.size());
        struct ttb_node_opts nodeOpts = {};
        struct ttb_port_opts portOpts = {};
        struct ttb_node *node;
        struct ttb_port *port;
        nodeOpts.size = sizeof(nodeOpts);
        nodeOpts.name = name.c_str();
        nodeOpts.start_ns = UINT64_C(1) << 60;
        assert_int_equal(ttb_bridge_add_node(bridge, &nodeOpts, &node), 0);
        portOpts.size = sizeof(portOpts);
        portOpts.name = "eth0";
        Mac48Address::ConvertFrom(device->GetAddress()).CopyTo(portOpts.mac);
        assert_int_equal(ttb_node_add_port(node, &portOpts, &port), 0);
        nodes.push_back(node);
        ports.push_back(NodePort::Install(device, port));
    }

    void Run(Time until)
    {
        Simulator::Stop(until - Simulator::Now());
        Simulator::Run();
    }

    uint64_t Compute(std::size_t from, std::size_t to)
    {
        LookAhead computed = LookAhead::Compute();
        assert_int_equal(computed.GetN(), nodes.size());
        return computed.Get(Number(computed, from), Number(computed, to));
    }

    /* What was computed, and what the bridge knows after a run. */
    void Expect(std::size_t from, std::size_t to, uint64_t latency_ns)
    {
        uint64_t told_ns;
        assert_int_equal(Compute(from, to), latency_ns);
        Run(Simulator::Now() + NanoSeconds(1));
        assert_int_equal(ttb_bridge_latency(bridge, nodes[from], nodes[to], &told_ns), 0);
        assert_int_equal(told_ns, latency_ns);
    }

    /* Send the shortest frame from one node's device at `at`. @return when it has arrived, after */
    uint64_t Measure(std::size_t from, std::size_t to, Time at)
    {
        m_arrived_ns = UINT64_MAX;
        ports[to]->TraceConnectWithoutContext("Drop", MakeCallback(&Net::Dropped, this));
        Simulator::Schedule(at - Simulator::Now(), &Net::Send, this, from, ports[to]->GetDevice());
        Run(at + Seconds(1));
        ports[to]->TraceDisconnectWithoutContext("Drop", MakeCallback(&Net::Dropped, this));
        assert_true(m_arrived_ns != UINT64_MAX);
        return m_arrived_ns - at.GetNanoSeconds();
    }

    struct ttb_bridge *bridge;
    std::vector<struct ttb_node *> nodes;
    std::vector<Ptr<NodePort>> ports;

  private:
    /* Ports are numbered in the order of ns-3's nodes. */
    std::size_t Number(const LookAhead &computed, std::size_t node)
    {
        std::size_t number = 0;
        while (computed.GetPort(number) != ports[node])
            number++;
        return number;
    }

    void Send(std::size_t from, Ptr<NetDevice> to)
    {
        ports[from]->GetDevice()->Send(Create<Packet>(1), to->GetAddress(), 0x88b5);
    }

    void Dropped(Ptr<const Packet>, NodePort::DropReason reason)
    {
        if (reason == NodePort::RX_PORT_DOWN && m_arrived_ns == UINT64_MAX)
            m_arrived_ns = Simulator::Now().GetNanoSeconds();
    }

    char m_directory[32];
    uint64_t m_arrived_ns;
};

static Ptr<EthernetLinkDevice> End(Ptr<Node> node, Ptr<EthernetLinkChannel> cable,
                                   const char *rate = "1Gbps")
{
    Ptr<EthernetLinkDevice> device = CreateObject<EthernetLinkDevice>();
    device->SetAttribute("DataRate", StringValue(rate));
    device->SetAddress(Mac48Address::Allocate());
    device->SetQueue(CreateObject<DropTailQueue<Packet>>());
    node->AddDevice(device);
    assert_true(device->Attach(cable));
    return device;
}

static Ptr<EthernetLinkChannel> Cable(const char *delay)
{
    return CreateObjectWithAttributes<EthernetLinkChannel>("Delay", StringValue(delay));
}

static CsmaHelper Csma(const char *rate, const char *delay)
{
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue(rate));
    csma.SetChannelAttribute("Delay", StringValue(delay));
    return csma;
}

static Ptr<Node> NewNode()
{
    return CreateObject<Node>();
}

static NodeContainer Nodes(uint32_t count)
{
    NodeContainer nodes;
    nodes.Create(count);
    return nodes;
}

/* ------------------------------------------------------------------------------------------ tests */

static void csma_takes_64_bytes_and_the_delay(void **)
{
    for (const char *mode : {"Dix", "Llc"}) {
        Net net;
        CsmaHelper csma = Csma("10Mbps", "20us");
        csma.SetDeviceAttribute("EncapsulationMode", StringValue(mode));
        NetDeviceContainer devices = csma.Install(Nodes(3));
        for (uint32_t i = 0; i < 3; i++)
            net.Attach(devices.Get(i));
        net.Expect(0, 1, 64 * 800 + 20000);
        net.Expect(2, 0, 64 * 800 + 20000);
        /* There and back, by a host of ns-3's that answers at once. */
        assert_int_equal(net.Compute(1, 1), 2 * (64 * 800 + 20000));
        assert_int_equal(net.Measure(0, 1, Seconds(1)), 64 * 800 + 20000);
    }
}

static void a_csma_device_sends_at_its_own_rate(void **)
{
    Net net;
    NetDeviceContainer devices = Csma("100Mbps", "0ns").Install(Nodes(2));
    net.Attach(devices.Get(0));
    net.Attach(devices.Get(1));
    /* It has copied the rate when it was attached. */
    devices.Get(0)->GetChannel()->SetAttribute("DataRate", StringValue("1Mbps"));
    net.Expect(0, 1, 64 * 80);
    assert_int_equal(net.Measure(0, 1, Seconds(1)), 64 * 80);
}

static void an_ethernet_link_takes_preamble_frame_and_delay(void **)
{
    Net net;
    Ptr<EthernetLinkChannel> cable = Cable("5us");
    Ptr<EthernetLinkDevice> slow = End(NewNode(), cable, "3Mbps"), fast = End(NewNode(), cable);
    net.Attach(slow);
    net.Attach(fast);
    net.Expect(0, 1, 192000 + 5000); /* 72 bytes at 3 Mbit/s */
    net.Expect(1, 0, 576 + 5000);
    assert_int_equal(net.Measure(0, 1, Seconds(1)), 197000);
    assert_int_equal(net.Measure(1, 0, Seconds(3)), 5576);
    fast->SetAttribute("DataRate", StringValue("7Mbps"));
    net.Expect(1, 0, 82286 + 5000); /* 82285.7, rounded up as an arrival is */
    assert_int_equal(net.Measure(1, 0, Seconds(5)), 87286);
    fast->SetAttribute("DataRate", StringValue("0bps"));
    net.Expect(1, 0, 5000);
    assert_int_equal(net.Measure(1, 0, Seconds(7)), 5000);
    fast->SetAttribute("Delay", StringValue("7us"));
    net.Expect(1, 0, 7000);
    net.Expect(0, 1, 197000);
    /* Not to be taken for "the channel's". */
    fast->SetAttribute("Delay", StringValue("0ns"));
    net.Expect(1, 0, 0);
    assert_int_equal(net.Measure(1, 0, Seconds(9)), 0);
}

static void simple_devices_take_the_delay(void **)
{
    Net net;
    SimpleNetDeviceHelper helper;
    helper.SetChannelAttribute("Delay", StringValue("40us"));
    helper.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
    NetDeviceContainer devices = helper.Install(Nodes(2));
    for (uint32_t i = 0; i < 2; i++) {
        devices.Get(i)->SetMtu(1500);
        net.Attach(devices.Get(i));
    }
    net.Expect(0, 1, 40000);
    assert_true(net.Measure(0, 1, Seconds(1)) >= 40000);
}

static void wifi_takes_more_than_its_preamble(void **)
{
    for (WifiStandard standard : {WIFI_STANDARD_80211a, WIFI_STANDARD_80211b, WIFI_STANDARD_80211g,
                                  WIFI_STANDARD_80211n, WIFI_STANDARD_80211ax}) {
        Net net;
        NodeContainer nodes = Nodes(2);
        WifiHelper wifi;
        wifi.SetStandard(standard);
        WifiMacHelper mac;
        mac.SetType("ns3::AdhocWifiMac");
        YansWifiPhyHelper phy;
        phy.SetChannel(YansWifiChannelHelper::Default().Create());
        NetDeviceContainer devices = wifi.Install(phy, mac, nodes);
        MobilityHelper().Install(nodes);
        net.Attach(devices.Get(0));
        net.Attach(devices.Get(1));
        net.Expect(0, 1, 20000);
        for (int i = 1; i < 6; i++) {
            uint64_t took_ns = net.Measure(0, 1, Seconds(2 * i));
            assert_in_range(took_ns, 20000, 1000000);
        }
    }
}

static void ways_through_switches_and_routers_are_sums(void **)
{
    Net net;
    NodeContainer middle = Nodes(3);
    Ptr<Node> left = NewNode(), right = NewNode(), lonely = NewNode();
    /* left - switch - router = router - right */
    Ptr<EthernetLinkDevice> leftEnd = End(left, Cable("1us"));
    Ptr<EthernetLinkDevice> port0 =
        End(middle.Get(0), DynamicCast<EthernetLinkChannel>(leftEnd->GetChannel()));
    NetDeviceContainer lan =
        Csma("100Mbps", "3us").Install(NodeContainer(middle.Get(0), middle.Get(1)));
    NetDeviceContainer sw = BridgeHelper().Install(
        middle.Get(0), NetDeviceContainer(NetDeviceContainer(port0), lan.Get(0)));
    PointToPointHelper line;
    line.SetChannelAttribute("Delay", StringValue("10ms"));
    line.Install(middle.Get(1), middle.Get(2));
    Ptr<EthernetLinkDevice> rightEnd = End(right, Cable("2us"));
    End(middle.Get(2), DynamicCast<EthernetLinkChannel>(rightEnd->GetChannel()), "100Mbps");
    Ptr<EthernetLinkDevice> lonelyEnd = End(lonely, Cable("1ms"));
    net.Attach(leftEnd);
    net.Attach(rightEnd);
    net.Attach(sw.Get(0)); /* the switch itself */
    net.Attach(lonelyEnd);
    const uint64_t cable_ns = 576 + 1000, lan_ns = 5120 + 3000, line_ns = 10000000;
    net.Expect(0, 1, cable_ns + lan_ns + line_ns + 5760 + 2000);
    net.Expect(1, 0, 576 + 2000 + line_ns + lan_ns + cable_ns);
    net.Expect(0, 2, cable_ns);
    net.Expect(2, 0, cable_ns);
    net.Expect(2, 1, lan_ns + line_ns + 5760 + 2000);
    net.Expect(0, 3, LookAhead::NEVER);
    net.Expect(3, 1, LookAhead::NEVER);
    assert_int_equal(net.Compute(3, 3), LookAhead::NEVER);
    std::string table = LookAhead::Compute().Print();
    assert_true(table.find("n0.eth0 -> n2.eth0: 0.001576 ms\n") != std::string::npos);
    assert_true(table.find("n0.eth0 -> n3.eth0: no way\n") != std::string::npos);
}

static void devices_that_scripts_connect_take_no_time(void **)
{
    Net net;
    for (int i = 0; i < 2; i++) {
        Ptr<VirtualNetDevice> device = CreateObject<VirtualNetDevice>();
        device->SetAddress(Mac48Address::Allocate());
        device->SetSupportsSendFrom(true);
        device->SetMtu(1500);
        NewNode()->AddDevice(device);
        net.Attach(device);
    }
    net.Expect(0, 1, 0);
}

static void a_stranger_among_the_devices_is_no_short_cut(void **)
{
    Net net;
    NetDeviceContainer devices = Csma("100Mbps", "1ms").Install(Nodes(2));
    InternetStackHelper().Install(devices.Get(0)->GetNode()); /* with its loopback device */
    InternetStackHelper().Install(devices.Get(1)->GetNode());
    net.Attach(devices.Get(0));
    net.Attach(devices.Get(1));
    net.Expect(0, 1, 5120 + 1000000);
}

static void what_is_computed_can_be_lowered_only(void **)
{
    Net net;
    NetDeviceContainer devices = Csma("100Mbps", "1ms").Install(Nodes(2));
    Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get();
    uint64_t told_ns;
    net.Attach(devices.Get(0));
    net.Attach(devices.Get(1));
    for (auto [max, expected_ns] : std::vector<std::pair<const char *, uint64_t>>{
             {"1h", 1005120}, {"7us", 7000}, {"0s", 0}, {"1h", 1005120}}) {
        simulator->SetAttribute("MaxLookAhead", StringValue(max));
        net.Run(Simulator::Now() + Seconds(1));
        assert_int_equal(ttb_bridge_latency(net.bridge, net.nodes[0], net.nodes[1], &told_ns), 0);
        assert_int_equal(told_ns, expected_ns);
    }
    assert_false(simulator->SetAttributeFailSafe("MaxLookAhead", StringValue("-1ns")));
}

/* In an event, as a script would. */
static uint64_t TellNow(Net *net)
{
    uint64_t told_ns;
    assert_int_equal(ttb_bridge_latency(net->bridge, net->nodes[0], net->nodes[1], &told_ns), 0);
    return told_ns;
}

static void Shorten(Net *net, Ptr<Object> what, const char *name, const char *value, bool tell,
                    uint64_t *told_ns)
{
    what->SetAttribute(name, StringValue(value));
    if (tell)
        TimeTravelSimulatorImpl::Get()->UpdateLookAhead();
    *told_ns = TellNow(net);
}

static void links_that_are_shortened_meanwhile_are_known_at_once(void **)
{
    {
        Net net;
        Ptr<EthernetLinkChannel> cable = Cable("1ms");
        uint64_t told_ns[4] = {};
        Ptr<EthernetLinkDevice> a = End(NewNode(), cable), b = End(NewNode(), cable);
        net.Attach(a);
        net.Attach(b);
        Simulator::Schedule(Seconds(1), &Shorten, &net, cable, "Delay", "1us", false, &told_ns[0]);
        Simulator::Schedule(Seconds(2), &Shorten, &net, a, "DataRate", "10Gbps", false,
                            &told_ns[1]);
        Simulator::Schedule(Seconds(3), &Shorten, &net, a, "Preamble", "0", false, &told_ns[2]);
        Simulator::Schedule(Seconds(4), &Shorten, &net, a, "Delay", "5ns", false, &told_ns[3]);
        net.Run(Seconds(5));
        assert_int_equal(told_ns[0], 1576);
        assert_int_equal(told_ns[1], 1058);
        assert_int_equal(told_ns[2], 1052);
        assert_int_equal(told_ns[3], 57);
    }
    {
        Net net;
        NetDeviceContainer devices = Csma("100Mbps", "1ms").Install(Nodes(2));
        uint64_t told_ns = 0;
        net.Attach(devices.Get(0));
        net.Attach(devices.Get(1));
        Simulator::Schedule(Seconds(1), &Shorten, &net, devices.Get(0)->GetChannel(), "Delay",
                            "1us", true, &told_ns);
        net.Run(Seconds(5));
        assert_int_equal(told_ns, 6120);
    }
}

static void LateAttach(Net *net, Ptr<NetDevice> device, uint64_t *told_ns)
{
    net->Attach(device);
    assert_int_equal(ttb_bridge_latency(net->bridge, net->nodes[0], net->nodes.back(), told_ns), 0);
}

static void a_port_that_is_attached_meanwhile_is_known_at_once(void **)
{
    Net net;
    NetDeviceContainer devices = Csma("100Mbps", "1ms").Install(Nodes(3));
    uint64_t told_ns = 0;
    net.Attach(devices.Get(0));
    net.Attach(devices.Get(1));
    Simulator::Schedule(Seconds(1), &LateAttach, &net, devices.Get(2), &told_ns);
    net.Run(Seconds(2));
    assert_int_equal(told_ns, 1005120);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csma_takes_64_bytes_and_the_delay),
        cmocka_unit_test(a_csma_device_sends_at_its_own_rate),
        cmocka_unit_test(an_ethernet_link_takes_preamble_frame_and_delay),
        cmocka_unit_test(simple_devices_take_the_delay),
        cmocka_unit_test(wifi_takes_more_than_its_preamble),
        cmocka_unit_test(ways_through_switches_and_routers_are_sums),
        cmocka_unit_test(devices_that_scripts_connect_take_no_time),
        cmocka_unit_test(a_stranger_among_the_devices_is_no_short_cut),
        cmocka_unit_test(what_is_computed_can_be_lowered_only),
        cmocka_unit_test(links_that_are_shortened_meanwhile_are_known_at_once),
        cmocka_unit_test(a_port_that_is_attached_meanwhile_is_known_at_once),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
