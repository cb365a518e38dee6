/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator implementation and the node port, with nodes that do what the test has written down:
 * times, order, frames, refusals.
 */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "stand_in.h"

#include "fatal-trap.h"
#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/bridge-module.h>
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

/* Last, for it defines fail() as a macro; and it does not know C++. */
extern "C" {
#include <cmocka.h>
}

using namespace ns3;
using ttb::NodePort;
using ttb::TimeTravelSimulatorImpl;

static constexpr uint64_t US = 1000;
static constexpr uint64_t DELAY_NS = 1000000;

/* ------------------------------------------------------------------------------------ fixture */

/* A CSMA LAN, 100 Mbit/s and 1 ms, with Linux nodes on it. */
struct Lan {
    ttb_bridge bridge;
    std::vector<std::unique_ptr<ttb_port>> ports;
    Ptr<CsmaChannel> channel;
    std::vector<Ptr<CsmaNetDevice>> devices;
    std::vector<Ptr<NodePort>> attached;

    explicit Lan(unsigned count = 2)
    {
        std::string why;

        if (!TimeTravelSimulatorImpl::Get()->AttachBridge(&bridge, why))
            fail_msg("%s", why.c_str());
        channel = CreateObject<CsmaChannel>();
        channel->SetAttribute("DataRate", StringValue("100Mbps"));
        channel->SetAttribute("Delay", StringValue("1ms"));
        for (unsigned i = 0; i < count; i++) {
            devices.push_back(NewDevice(CreateObject<Node>()));
            attached.push_back(NodePort::Install(devices[i], NewPort()));
        }
    }

    ~Lan()
    {
        attached.clear();
        devices.clear();
        channel = nullptr;
        Simulator::Destroy();
    }

    ttb_port *NewPort()
    {
        ports.push_back(std::make_unique<ttb_port>());
        ports.back()->bridge = &bridge;
        ports.back()->name = "port" + std::to_string(ports.size() - 1);
        return ports.back().get();
    }

    Ptr<CsmaNetDevice> NewDevice(Ptr<Node> node)
    {
        Ptr<CsmaNetDevice> device = CreateObject<CsmaNetDevice>();

        device->SetAddress(Mac48Address::Allocate());
        device->SetQueue(CreateObject<DropTailQueue<Packet>>());
        node->AddDevice(device);
        device->Attach(channel);
        return device;
    }
};

/* To, from, type, and a payload that counts. */
static Frame MakeFrame(uint16_t type, size_t payload_bytes, uint8_t to = 0xff)
{
    Frame frame(14 + payload_bytes);

    std::memset(frame.data(), to, 6);
    if (to != 0xff)
        frame[0] = 2;
    const uint8_t from[6] = {2, 0x74, 0x74, 0, 0, 1};
    std::memcpy(&frame[6], from, 6);
    frame[12] = type >> 8;
    frame[13] = type & 0xff;
    for (size_t i = 0; i < payload_bytes; i++)
        frame[14 + i] = (uint8_t)(i + 1);
    return frame;
}

static Frame Padded(Frame frame)
{
    if (frame.size() < 60)
        frame.resize(60, 0);
    return frame;
}

static uint64_t OneWay(const Frame &frame)
{
    return (Padded(frame).size() + 4) * 80 + DELAY_NS;
}

static void assert_frames_equal(const Frame &got, const Frame &expected)
{
    assert_int_equal(got.size(), expected.size());
    assert_memory_equal(got.data(), expected.data(), expected.size());
}

/* What the error of a piece of code says; "" if there is none. */
template <typename F> static std::string Error(F &&code)
{
    try {
        ttb::FatalTrap trap;
        code();
        return "";
    } catch (const ttb::FatalError &error) {
        return error.what();
    }
}

static void assert_says(const std::string &text, const char *part)
{
    if (text.find(part) == std::string::npos)
        fail_msg("\"%s\" does not say \"%s\"", text.c_str(), part);
}

/* ------------------------------------------------------------------------------------- frames */

static void frames_cross_an_idle_lan_in_exactly_the_time_of_their_bits(void **)
{
    const size_t payloads[] = {0, 1, 28, 45, 46, 47, 1000, 1499, 1500};
    Lan lan;
    uint64_t time_ns = 1;

    for (size_t payload : payloads) {
        lan.ports[0]->Send(time_ns, MakeFrame(0x0800, payload));
        time_ns += 10 * DELAY_NS + 1;
    }
    Simulator::Run();
    assert_int_equal(lan.ports[1]->deliveries.size(), sizeof(payloads) / sizeof(payloads[0]));
    time_ns = 1;
    for (size_t i = 0; i < lan.ports[1]->deliveries.size(); i++) {
        Frame frame = MakeFrame(0x0800, payloads[i]);

        assert_int_equal(lan.ports[1]->deliveries[i].time_ns, time_ns + OneWay(frame));
        assert_frames_equal(lan.ports[1]->deliveries[i].frame, Padded(frame));
        time_ns += 10 * DELAY_NS + 1;
    }
    /* Measured with ns-3 alone: 1014 bytes, without the delay. */
    assert_int_equal(OneWay(MakeFrame(0x0800, 1000)) - DELAY_NS, 81440);
}

static void every_other_port_gets_one_copy_and_the_sender_none(void **)
{
    Lan lan(4);

    lan.ports[1]->Send(10, MakeFrame(0x0800, 100));
    lan.ports[1]->Send(20 * DELAY_NS, MakeFrame(0x86dd, 100, 7));
    Simulator::Run();
    assert_int_equal(lan.ports[0]->deliveries.size(), 2);
    assert_int_equal(lan.ports[1]->deliveries.size(), 0);
    assert_int_equal(lan.ports[2]->deliveries.size(), 2);
    assert_int_equal(lan.ports[3]->deliveries.size(), 2);
    assert_int_equal(lan.attached[1]->GetTransmitted(), 2);
    assert_int_equal(lan.attached[3]->GetReceived(), 2);
}

static void an_answer_within_the_instant_takes_the_same_way_back(void **)
{
    Lan lan;
    Frame frame = MakeFrame(0x0800, 84);

    /* As a Linux node does: when the network is done with the instant. */
    lan.ports[1]->on_delivery = [&](const Frame &got) {
        lan.ports[1]->Send(lan.bridge.now_ns, got);
    };
    lan.ports[0]->Send(5, frame);
    Simulator::Run();
    assert_int_equal(lan.ports[0]->deliveries.size(), 1);
    assert_int_equal(lan.ports[0]->deliveries[0].time_ns, 5 + 2 * OneWay(frame));
}

static void frames_with_a_length_keep_their_llc_header_and_padding(void **)
{
    Lan lan;
    Frame spanning_tree = MakeFrame(38, 38), snap = MakeFrame(200, 200), netbios = MakeFrame(8, 8);
    Frame trailer = MakeFrame(30, 46); /* padded by the sender, not with zeros */
    const uint8_t snap_header[] = {0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00};

    std::memcpy(&snap[14], snap_header, sizeof(snap_header));
    spanning_tree[14] = spanning_tree[15] = 0x42;
    for (const Frame &frame : {spanning_tree, snap, netbios, trailer})
        lan.ports[0]->Send(lan.bridge.actions.size() * 5 * DELAY_NS, frame);
    Simulator::Run();
    assert_int_equal(lan.ports[1]->deliveries.size(), 4);
    assert_frames_equal(lan.ports[1]->deliveries[0].frame, Padded(spanning_tree));
    assert_frames_equal(lan.ports[1]->deliveries[1].frame, snap);
    assert_frames_equal(lan.ports[1]->deliveries[2].frame, Padded(netbios));
    assert_frames_equal(lan.ports[1]->deliveries[3].frame, trailer);
}

static void a_tagged_frame_may_be_longer_by_its_tag(void **)
{
    Lan lan;

    lan.ports[0]->Send(1, MakeFrame(0x8100, 1504));
    lan.ports[0]->Send(10 * DELAY_NS, MakeFrame(0x8100, 1505));
    Simulator::Run();
    assert_int_equal(lan.ports[1]->deliveries.size(), 1);
    assert_frames_equal(lan.ports[1]->deliveries[0].frame, MakeFrame(0x8100, 1504));
    assert_int_equal(lan.attached[0]->GetDropped(NodePort::TX_TOO_LONG), 1);
}

static unsigned g_txTraced, g_rxTraced;
static std::vector<NodePort::DropReason> g_dropsTraced;

static void CountTx(Ptr<const Packet>)
{
    g_txTraced++;
}

static void CountRx(Ptr<const Packet>)
{
    g_rxTraced++;
}

static void CountDrop(Ptr<const Packet> frame, NodePort::DropReason reason)
{
    assert_true(frame->GetSize() > 0);
    g_dropsTraced.push_back(reason);
}

static void impossible_frames_are_dropped_with_their_reason(void **)
{
    Lan lan(3);
    ttb_port *from = lan.ports[0].get();

    g_txTraced = g_rxTraced = 0;
    g_dropsTraced.clear();
    lan.attached[0]->TraceConnectWithoutContext("Tx", MakeCallback(&CountTx));
    lan.attached[0]->TraceConnectWithoutContext("Drop", MakeCallback(&CountDrop));
    lan.attached[1]->TraceConnectWithoutContext("Rx", MakeCallback(&CountRx));
    from->Send(1, Frame(13, 0xff));
    from->Send(2, MakeFrame(0x0800, 1501));
    from->Send(3, MakeFrame(7, 46));      /* no room for ns-3's LLC/SNAP header */
    from->Send(4, MakeFrame(61, 60));     /* longer than the frame */
    from->Send(5, MakeFrame(1500, 1499)); /* the same, large */
    from->Send(6, MakeFrame(10, 500));    /* more trailer than any padding */
    from->Send(7, MakeFrame(0x0800, 60));
    Simulator::Run();
    const std::vector<NodePort::DropReason> expected = {
        NodePort::TX_TOO_SHORT,  NodePort::TX_TOO_LONG,   NodePort::TX_BAD_LENGTH,
        NodePort::TX_BAD_LENGTH, NodePort::TX_BAD_LENGTH, NodePort::TX_BAD_LENGTH};
    assert_true(g_dropsTraced == expected);
    assert_int_equal(lan.attached[0]->GetDropped(NodePort::TX_BAD_LENGTH), 4);
    assert_int_equal(lan.ports[1]->deliveries.size(), 1);
    assert_int_equal(g_txTraced, 1);
    assert_int_equal(g_rxTraced, 1);
}

static void a_device_without_link_sends_nothing(void **)
{
    Lan lan(1);
    Ptr<CsmaNetDevice> lonely = CreateObject<CsmaNetDevice>();

    lonely->SetAddress(Mac48Address::Allocate());
    CreateObject<Node>()->AddDevice(lonely);
    Ptr<NodePort> attached = NodePort::Install(lonely, lan.NewPort());
    lan.ports[1]->Send(1, MakeFrame(0x0800, 100));
    Simulator::Run();
    assert_int_equal(attached->GetDropped(NodePort::TX_LINK_DOWN), 1);
    assert_int_equal(attached->GetTransmitted(), 0);
}

static void a_port_is_let_go_when_the_network_is_destroyed(void **)
{
    Lan lan;

    assert_non_null(lan.ports[0]->transmit);
    lan.ports[0]->Send(DELAY_NS, MakeFrame(0x0800, 100));
    Simulator::Stop(NanoSeconds(10));
    Simulator::Run();
    Simulator::Destroy();
    assert_null(lan.ports[0]->transmit);
    assert_null(lan.ports[1]->transmit);
    assert_null(lan.attached[0]->GetPort());
}

static void a_full_device_queue_is_counted(void **)
{
    Lan lan;

    lan.devices[0]->GetQueue()->SetAttribute("MaxSize", StringValue("3p"));
    for (int i = 0; i < 10; i++)
        lan.ports[0]->Send(100, MakeFrame(0x0800, 100));
    Simulator::Run();
    /* One is being sent, three wait. */
    assert_int_equal(lan.ports[1]->deliveries.size(), 4);
    assert_int_equal(lan.attached[0]->GetDropped(NodePort::TX_REFUSED), 6);
    assert_int_equal(lan.attached[0]->GetTransmitted(), 4);
}

static void what_a_port_does_not_take_is_counted_with_its_reason(void **)
{
    Lan lan;
    const struct {
        int rc;
        NodePort::DropReason reason;
    } cases[] = {{-ENETDOWN, NodePort::RX_PORT_DOWN},
                 {-ENOBUFS, NodePort::RX_NO_BUFFER},
                 {-EMSGSIZE, NodePort::RX_TOO_LONG}};

    for (const auto &refusal : cases) {
        lan.ports[1]->refuses = refusal.rc;
        lan.ports[0]->Send(lan.bridge.now_ns + 1, MakeFrame(0x0800, 100));
        Simulator::Run();
        assert_int_equal(lan.attached[1]->GetDropped(refusal.reason), 1);
    }
    assert_int_equal(lan.attached[1]->GetReceived(), 0);
}

static unsigned g_answers;

static void CountAnswer(Ptr<Socket> socket)
{
    while (socket->Recv())
        g_answers++;
}

static void a_port_leaves_the_ns3_stack_on_its_device_alone(void **)
{
    Lan lan;
    Ptr<Node> client = CreateObject<Node>(), server = lan.devices[1]->GetNode();
    Ptr<CsmaNetDevice> clientDevice = lan.NewDevice(client);

    InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.Install(client);
    stack.Install(server);
    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
    NetDeviceContainer devices(clientDevice);
    devices.Add(lan.devices[1]);
    addresses.Assign(devices);
    Ptr<Socket> echo = Socket::CreateSocket(server, UdpSocketFactory::GetTypeId());
    echo->Bind(InetSocketAddress(Ipv4Address::GetAny(), 9));
    echo->SetRecvCallback(MakeCallback(+[](Ptr<Socket> socket) {
        Address from;
        while (Ptr<Packet> packet = socket->RecvFrom(from))
            socket->SendTo(packet, 0, from);
    }));
    Ptr<Socket> socket = Socket::CreateSocket(client, UdpSocketFactory::GetTypeId());
    socket->Connect(InetSocketAddress(Ipv4Address("10.0.0.2"), 9));
    socket->SetRecvCallback(MakeCallback(&CountAnswer));
    g_answers = 0;
    for (int i = 1; i <= 3; i++)
        Simulator::Schedule(Seconds(i), [&socket]() { socket->Send(Create<Packet>(100)); });
    Simulator::Run();
    assert_int_equal(g_answers, 3);
    /* The port beside the server has heard the client's ARP request and three datagrams, but not what
     * the server's device sent; an ARP request of the server's would be such. */
    unsigned datagrams = 0;
    for (const Delivery &delivery : lan.ports[1]->deliveries)
        datagrams += delivery.frame[12] == 8 && delivery.frame[13] == 0;
    assert_int_equal(datagrams, 3);
    /* The port elsewhere has heard everything: there and back. */
    datagrams = 0;
    for (const Delivery &delivery : lan.ports[0]->deliveries)
        datagrams += delivery.frame[12] == 8 && delivery.frame[13] == 0;
    assert_int_equal(datagrams, 6);
}

static void other_devices_that_can_send_for_others_carry_frames_too(void **)
{
    Lan lan(0);
    Ptr<SimpleChannel> wire = CreateObject<SimpleChannel>();
    Ptr<SimpleNetDevice> ends[2];

    for (int i = 0; i < 2; i++) {
        ends[i] = CreateObject<SimpleNetDevice>();
        ends[i]->SetAddress(Mac48Address::Allocate());
        ends[i]->SetChannel(wire);
        CreateObject<Node>()->AddDevice(ends[i]);
    }
    /* One end is a port of a switch, whose other port is a CSMA LAN with a station. */
    Ptr<Node> node = ends[1]->GetNode();
    Ptr<CsmaNetDevice> uplink = lan.NewDevice(node);
    Ptr<BridgeNetDevice> bridge = CreateObject<BridgeNetDevice>();
    node->AddDevice(bridge);
    bridge->AddBridgePort(ends[1]);
    bridge->AddBridgePort(uplink);
    Ptr<CsmaNetDevice> station = lan.NewDevice(CreateObject<Node>());
    ttb_port *port = lan.NewPort(), *onBridge = lan.NewPort(), *onLan = lan.NewPort();
    NodePort::Install(ends[0], port);
    NodePort::Install(bridge, onBridge);
    NodePort::Install(station, onLan);

    port->Send(1000, MakeFrame(0x0806, 28));
    Simulator::Run();
    assert_int_equal(onBridge->deliveries.size(), 1);
    assert_frames_equal(onBridge->deliveries[0].frame, MakeFrame(0x0806, 28));
    assert_int_equal(onLan->deliveries.size(), 1);
    assert_frames_equal(onLan->deliveries[0].frame, Padded(MakeFrame(0x0806, 28)));
    onBridge->Send(lan.bridge.now_ns + 1, MakeFrame(0x0806, 60));
    Simulator::Run();
    assert_int_equal(port->deliveries.size(), 1);
    assert_int_equal(onLan->deliveries.size(), 2);
    assert_int_equal(onBridge->deliveries.size(), 1);
}

static void a_csma_device_in_llc_mode_carries_what_it_can(void **)
{
    Lan lan;

    for (const auto &device : lan.devices)
        device->SetEncapsulationMode(CsmaNetDevice::LLC);
    lan.ports[0]->Send(1, MakeFrame(0x0800, 100));
    lan.ports[0]->Send(2, MakeFrame(38, 38));
    Simulator::Run();
    assert_int_equal(lan.ports[1]->deliveries.size(), 1);
    assert_frames_equal(lan.ports[1]->deliveries[0].frame, MakeFrame(0x0800, 100));
    assert_int_equal(lan.attached[0]->GetDropped(NodePort::TX_LLC), 1);
}

static void devices_that_cannot_carry_a_port_are_refused_with_the_reason(void **)
{
    Lan lan(1);
    ttb_port *port = lan.NewPort();
    Ptr<PointToPointNetDevice> ppp = CreateObject<PointToPointNetDevice>();
    Ptr<CsmaNetDevice> lonely = CreateObject<CsmaNetDevice>();

    assert_says(NodePort::Check(lonely, port), "has not been added to an ns-3 node");
    assert_says(NodePort::Check(lan.devices[0], port), "has a port already");
    CreateObject<Node>()->AddDevice(ppp);
    ppp->SetAddress(Mac48Address::Allocate());
    assert_says(NodePort::Check(ppp, port), "PPP");
    assert_says(NodePort::Check(ppp, port), "use a ttb::EthernetLinkDevice");
    Ptr<CsmaNetDevice> small = lan.NewDevice(CreateObject<Node>());
    small->SetMtu(1400);
    assert_says(NodePort::Check(small, port), "MTU is 1500, the device's 1400");
    assert_says(Error([&]() { NodePort::Install(ppp, port); }), "port port1 cannot be attached");
    TimeTravelSimulatorImpl::Get()->DetachBridge();
    assert_says(NodePort::Check(small, port), "no bridge is attached");
}

/* ---------------------------------------------------------------------------------------- time */

static std::vector<std::string> g_log;

static void Log(std::string what)
{
    g_log.push_back(what + " " + std::to_string(Simulator::Now().GetNanoSeconds()) + " " +
                    std::to_string((int32_t)Simulator::GetContext()));
}

static void assert_logged(const std::vector<std::string> &expected)
{
    for (size_t i = 0; i < std::max(expected.size(), g_log.size()); i++) {
        std::string got = i < g_log.size() ? g_log[i] : "nothing";
        std::string wanted = i < expected.size() ? expected[i] : "nothing";

        assert_string_equal(got.c_str(), wanted.c_str());
    }
}

static void LogTx(Ptr<const Packet>)
{
    Log("frame");
}

static void a_frame_is_an_event_at_its_time_after_the_network_of_that_instant(void **)
{
    Lan lan;

    g_log.clear();
    lan.attached[1]->TraceConnectWithoutContext("Tx", MakeCallback(&LogTx));
    for (uint64_t us : {1, 2, 3})
        Simulator::Schedule(MicroSeconds(us), &Log, "event");
    lan.ports[1]->Send(2 * US, MakeFrame(0x0800, 46));
    lan.ports[1]->Send(2 * US + 1, MakeFrame(0x0800, 46));
    Simulator::Stop(MicroSeconds(10));
    Simulator::Run();
    assert_logged(
        {"event 1000 -1", "event 2000 -1", "frame 2000 1", "frame 2001 1", "event 3000 -1"});
}

static void stop_lets_nodes_run_up_to_its_time_exactly(void **)
{
    Lan lan;

    g_log.clear();
    lan.attached[0]->TraceConnectWithoutContext("Tx", MakeCallback(&LogTx));
    lan.ports[0]->Send(4 * US, MakeFrame(0x0800, 46));
    lan.ports[0]->Send(5 * US, MakeFrame(0x0800, 46));
    lan.ports[0]->Send(6 * US, MakeFrame(0x0800, 46));
    Simulator::Stop(MicroSeconds(5));
    Simulator::Run();
    assert_int_equal(lan.bridge.now_ns, 5 * US);
    assert_int_equal(Simulator::Now().GetNanoSeconds(), 5 * US);
    assert_logged({"frame 4000 0"});
    Simulator::Stop(MicroSeconds(1));
    Simulator::Run();
    assert_int_equal(lan.bridge.now_ns, 6 * US);
    assert_logged({"frame 4000 0", "frame 5000 0"});
}

static void the_clock_of_a_stopped_run_is_the_bridges_even_if_nodes_do_nothing(void **)
{
    Lan lan;

    Simulator::Stop(MicroSeconds(7));
    Simulator::Run();
    assert_int_equal(lan.bridge.now_ns, 7 * US);
    assert_int_equal(Simulator::Now().GetNanoSeconds(), 7 * US);
}

static void without_events_nodes_run_until_they_stop_acting(void **)
{
    Lan lan;

    lan.ports[0]->Send(3 * DELAY_NS, MakeFrame(0x0800, 46));
    assert_false(Simulator::IsFinished());
    Simulator::Run();
    assert_true(Simulator::IsFinished());
    assert_int_equal(lan.ports[1]->deliveries.size(), 1);
    /* Asked without an end both before the frame and after its consequences. */
    assert_int_equal(std::count(lan.bridge.asked.begin(), lan.bridge.asked.end(), TTB_TIME_NEVER),
                     2);
    assert_int_equal(lan.bridge.asked.back(), TTB_TIME_NEVER);
}

static void a_node_that_will_act_keeps_the_simulation_unfinished(void **)
{
    Lan lan;

    Simulator::Run();
    assert_true(Simulator::IsFinished());
    lan.ports[0]->Send(lan.bridge.now_ns + 5, MakeFrame(0x0800, 46));
    assert_false(Simulator::IsFinished());
}

static void a_frame_that_nobody_waits_for_does_not_end_the_run(void **)
{
    Lan lan;
    ttb_port *unconnected = lan.NewPort();

    unconnected->Send(5 * DELAY_NS, MakeFrame(0x0800, 46));
    lan.ports[0]->Send(10 * DELAY_NS, MakeFrame(0x0800, 46));
    Simulator::Run();
    assert_int_equal(lan.ports[1]->deliveries.size(), 1);
}

static void a_callback_of_the_bridge_may_stop_the_run(void **)
{
    Lan lan;
    ttb_port *port = lan.NewPort();

    port->transmit = [](void *, struct ttb_port *, uint64_t, const void *, size_t) {
        Simulator::Stop();
    };
    port->Send(5 * US, MakeFrame(0x0800, 46));
    Simulator::Schedule(MicroSeconds(9), []() {});
    Simulator::Run();
    assert_int_equal(lan.bridge.now_ns, 5 * US);
    assert_int_equal(Simulator::Now().GetNanoSeconds(), 5 * US);
    Simulator::Run();
    assert_int_equal(Simulator::Now().GetNanoSeconds(), 9 * US);
}

static void idle_nodes_are_rarely_asked(void **)
{
    Lan lan;

    for (int i = 1; i <= 6400; i++)
        Simulator::Schedule(NanoSeconds(i), []() {});
    Simulator::Run();
    assert_in_range(lan.bridge.asked.size(), 50, 110);
    for (size_t i = 1; i < lan.bridge.asked.size(); i++)
        assert_true(lan.bridge.asked[i] > lan.bridge.asked[i - 1]);
}

static void CallAgain()
{
    Simulator::ScheduleNow(&CallAgain);
}

static void an_endless_instant_is_an_error(void **)
{
    Lan lan;
    Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get();

    simulator->SetAttribute("MaxEventsPerInstant", UintegerValue(1000));
    Simulator::ScheduleWithContext(7, MicroSeconds(3), &CallAgain);
    std::string said = Error([]() { Simulator::Run(); });
    assert_says(said, "time does not go on: more than 1000 events at 3000 ns");
    assert_says(said, "ns-3 node 7");
    assert_in_range(Simulator::GetEventCount(), 1000, 1100);
}

static void many_events_at_many_instants_are_none(void **)
{
    Lan lan;
    Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get();

    simulator->SetAttribute("MaxEventsPerInstant", UintegerValue(100));
    for (int i = 0; i < 1000; i++)
        Simulator::Schedule(NanoSeconds(1000 + i / 100), []() {});
    assert_string_equal(Error([]() { Simulator::Run(); }).c_str(), "");
    assert_true(Simulator::GetEventCount() >= 1000);
}

static void a_trap_keeps_back_nothing_but_the_fatal_error(void **)
{
    std::ostringstream seen, logged;
    std::streambuf *error = std::cerr.rdbuf(seen.rdbuf()), *log = std::clog.rdbuf(logged.rdbuf());

    std::string said = Error([]() {
        std::cerr << "half a line, ";
        std::cerr << "msg=\"in the middle\"" << std::endl;
        std::cerr << "msg=\"not fatal\", file=x, line=3" << std::endl;
        std::cerr << "message\n";
        std::clog << "log\n";
        NS_FATAL_ERROR("two " << 2);
    });
    bool restored = std::cerr.rdbuf(error) == seen.rdbuf();
    restored = std::clog.rdbuf(log) == logged.rdbuf() && restored;
    assert_true(restored);
    assert_string_equal(seen.str().c_str(), "half a line, msg=\"in the middle\"\n"
                                            "msg=\"not fatal\", file=x, line=3\nmessage\n");
    assert_string_equal(logged.str().c_str(), "log\n");
    assert_says(said, "ns-3: two 2 (test_adapter.cc:");
}

static void an_error_of_the_bridge_ends_the_run(void **)
{
    Lan lan;

    lan.bridge.broken = -ETIMEDOUT;
    assert_says(Error([]() { Simulator::Run(); }), "the stand-in was told to fail");
}

static void clocks_that_disagree_are_not_coupled(void **)
{
    ttb_bridge bridge;
    std::string why;

    bridge.now_ns = 5;
    assert_false(TimeTravelSimulatorImpl::Get()->AttachBridge(&bridge, why));
    assert_says(why, "the bridge's clock shows 5 ns, ns-3's 0 ns");
    Simulator::Destroy();
}

/* The resolution can be set once per process, and only before times are used. */
static void a_resolution_other_than_nanoseconds_is_refused(void **)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        ttb_bridge bridge;
        std::string why;

        Time::SetResolution(Time::PS);
        bool attached = TimeTravelSimulatorImpl::Get()->AttachBridge(&bridge, why);
        _exit(!attached && why.find("resolution is not nanoseconds") != std::string::npos ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resolution_other_than_nanoseconds_is_refused),
        cmocka_unit_test(frames_cross_an_idle_lan_in_exactly_the_time_of_their_bits),
        cmocka_unit_test(every_other_port_gets_one_copy_and_the_sender_none),
        cmocka_unit_test(an_answer_within_the_instant_takes_the_same_way_back),
        cmocka_unit_test(frames_with_a_length_keep_their_llc_header_and_padding),
        cmocka_unit_test(a_tagged_frame_may_be_longer_by_its_tag),
        cmocka_unit_test(impossible_frames_are_dropped_with_their_reason),
        cmocka_unit_test(a_device_without_link_sends_nothing),
        cmocka_unit_test(a_port_is_let_go_when_the_network_is_destroyed),
        cmocka_unit_test(a_full_device_queue_is_counted),
        cmocka_unit_test(what_a_port_does_not_take_is_counted_with_its_reason),
        cmocka_unit_test(a_port_leaves_the_ns3_stack_on_its_device_alone),
        cmocka_unit_test(other_devices_that_can_send_for_others_carry_frames_too),
        cmocka_unit_test(a_csma_device_in_llc_mode_carries_what_it_can),
        cmocka_unit_test(devices_that_cannot_carry_a_port_are_refused_with_the_reason),
        cmocka_unit_test(a_frame_is_an_event_at_its_time_after_the_network_of_that_instant),
        cmocka_unit_test(stop_lets_nodes_run_up_to_its_time_exactly),
        cmocka_unit_test(the_clock_of_a_stopped_run_is_the_bridges_even_if_nodes_do_nothing),
        cmocka_unit_test(without_events_nodes_run_until_they_stop_acting),
        cmocka_unit_test(a_node_that_will_act_keeps_the_simulation_unfinished),
        cmocka_unit_test(a_frame_that_nobody_waits_for_does_not_end_the_run),
        cmocka_unit_test(a_callback_of_the_bridge_may_stop_the_run),
        cmocka_unit_test(idle_nodes_are_rarely_asked),
        cmocka_unit_test(an_endless_instant_is_an_error),
        cmocka_unit_test(many_events_at_many_instants_are_none),
        cmocka_unit_test(a_trap_keeps_back_nothing_but_the_fatal_error),
        cmocka_unit_test(an_error_of_the_bridge_ends_the_run),
        cmocka_unit_test(clocks_that_disagree_are_not_coupled),
    };

    GlobalValue::Bind("SimulatorImplementationType", StringValue("ttb::TimeTravelSimulatorImpl"));
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
