/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every kind of device that a Linux node's port can be attached to, and every kind of frame: both ways,
 * each frame arrives once and as it was sent, padded at most, or is counted for the reason that is
 * expected. And every kind of device that cannot be attached to, with the reason.
 */
#include "stand_in.h"

#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/bridge-module.h>
#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/internet-module.h>
#include <ns3/mesh-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/sixlowpan-net-device.h>
#include <ns3/virtual-net-device-module.h>
#include <ns3/wifi-module.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
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
using ttb::NodePort;
using ttb::TimeTravelSimulatorImpl;

static constexpr uint64_t SECOND_NS = 1000000000;

/* Time to associate with an access point, or to find the other mesh points. */
static constexpr uint64_t BEGIN_S = 5;

/* ---------------------------------------------------------------------------------------- frames */

static void PutMac(Frame &frame, size_t at, Mac48Address mac)
{
    mac.CopyTo(&frame[at]);
}

struct Kind {
    const char *name;
    Mac48Address to;             /* all zero: the other end */
    std::vector<uint8_t> header; /* from the type or length field on */
    size_t payload_bytes;        /* in all, after the type or length field */
};

static std::vector<Kind> Kinds(uint16_t mtu)
{
    const Mac48Address other("00:00:00:00:00:00"), all = Mac48Address::GetBroadcast();
    return {
        {"ARP", all, {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1}, 28},
        {"IPv4", other, {0x08, 0x00, 0x45}, 84},
        {"empty payload", other, {0x88, 0xb5}, 0},
        {"IPv6 multicast", Mac48Address("33:33:00:00:00:01"), {0x86, 0xdd, 0x60}, 72},
        {"VLAN", other, {0x81, 0x00, 0x00, 0x05, 0x08, 0x00, 0x45}, 104},
        {"VLAN in VLAN", other, {0x88, 0xa8, 0, 9, 0x81, 0, 0, 5, 0x08, 0, 0x45}, 104},
        {"LLDP", Mac48Address("01:80:c2:00:00:0e"), {0x88, 0xcc, 2, 7, 4}, 60},
        {"largest", other, {0x08, 0x00, 0x45}, mtu},
        {"jumbo", other, {0x08, 0x00, 0x45}, mtu + size_t{1}},
        {"largest VLAN", other, {0x81, 0x00, 0x00, 0x05, 0x08, 0x00}, mtu + size_t{4}},
        {"spanning tree", Mac48Address("01:80:c2:00:00:00"), {0, 38, 0x42, 0x42, 3}, 38},
        {"802.3 with SNAP", all, {0, 60, 0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0}, 60},
    };
}

static Frame MakeFrame(const Kind &kind, Mac48Address from, Mac48Address to, uint8_t fill)
{
    Frame frame(14 + kind.payload_bytes, fill);
    PutMac(frame, 0, kind.to == Mac48Address("00:00:00:00:00:00") ? to : kind.to);
    PutMac(frame, 6, from);
    std::copy(kind.header.begin(), kind.header.end(), frame.begin() + 12);
    return frame;
}

/* -------------------------------------------------------------------------------------- the rig */

struct Rig {
    ttb_bridge bridge;
    std::vector<std::unique_ptr<ttb_port>> ports;
    std::vector<Ptr<NodePort>> attached;

    Rig()
    {
        std::string why;
        GlobalValue::Bind("SimulatorImplementationType",
                          StringValue("ttb::TimeTravelSimulatorImpl"));
        if (!TimeTravelSimulatorImpl::Get()->AttachBridge(&bridge, why))
            fail_msg("%s", why.c_str());
    }

    ~Rig()
    {
        attached.clear();
        Simulator::Destroy();
    }

    /* A port with the device's address. */
    ttb_port *NewPort(Ptr<NetDevice> device)
    {
        ports.push_back(std::make_unique<ttb_port>());
        ttb_port *port = ports.back().get();
        port->bridge = &bridge;
        port->name = "port" + std::to_string(ports.size() - 1);
        port->mtu = std::min<uint16_t>(device->GetMtu(), 1500);
        if (Mac48Address::IsMatchingType(device->GetAddress()))
            Mac48Address::ConvertFrom(device->GetAddress()).CopyTo(port->mac);
        return port;
    }

    void Attach(Ptr<NetDevice> device)
    {
        std::string why = NodePort::Check(device, NewPort(device));
        if (!why.empty())
            fail_msg("%s", why.c_str());
        attached.push_back(NodePort::Install(device, ports.back().get()));
    }

    void Refuse(Ptr<NetDevice> device, const char *reason)
    {
        std::string why = NodePort::Check(device, NewPort(device));
        if (why.find(reason) == std::string::npos)
            fail_msg("\"%s\" does not say \"%s\"", why.c_str(), reason);
        ports.pop_back();
    }

    uint64_t Drops() const
    {
        uint64_t drops = 0;
        for (const auto &port : attached)
            for (int i = 0; i < NodePort::N_DROP_REASONS; i++)
                drops += port->GetDropped(NodePort::DropReason(i));
        return drops;
    }
};

/* What does not arrive, and why. */
struct Drop {
    const char *kind;
    NodePort::DropReason reason;
};

static bool Equal(const Frame &sent, const Frame &got)
{
    return got.size() >= sent.size() && got.size() <= std::max<size_t>(sent.size(), 60) &&
           std::equal(sent.begin(), sent.end(), got.begin()) &&
           std::all_of(got.begin() + sent.size(), got.end(),
                       [](uint8_t byte) { return byte == 0; });
}

/* Two ports, each kind of frame both ways. */
static void Exchange(const std::function<void(Rig &)> &build, std::vector<Drop> exceptions)
{
    Rig rig;
    build(rig);
    assert_int_equal(rig.ports.size(), 2);
    /* Devices that know no limit are given the usual one here. */
    uint16_t mtu = std::min<uint16_t>(rig.attached[0]->GetDevice()->GetMtu(), 2304);
    exceptions.push_back({"jumbo", NodePort::TX_TOO_LONG});
    uint64_t time_ns = BEGIN_S * SECOND_NS, drops = 0;
    for (int from = 0; from < 2; from++) {
        for (const Kind &kind : Kinds(mtu)) {
            ttb_port *sender = rig.ports[from].get(), *receiver = rig.ports[1 - from].get();
            Mac48Address source, destination;
            source.CopyFrom(sender->mac);
            destination.CopyFrom(receiver->mac);
            Frame frame = MakeFrame(kind, source, destination, uint8_t(0xa0 + from));
            auto exception =
                std::find_if(exceptions.begin(), exceptions.end(),
                             [&](const Drop &one) { return strcmp(one.kind, kind.name) == 0; });
            bool passes = exception == exceptions.end();

            sender->deliveries.clear();
            receiver->deliveries.clear();
            uint64_t dropped = passes ? 0 : rig.attached[from]->GetDropped(exception->reason);
            sender->Send(time_ns, frame);
            time_ns += SECOND_NS / 2;
            Simulator::Stop(NanoSeconds(time_ns) - Simulator::Now());
            Simulator::Run();
            if (receiver->deliveries.size() != passes || !sender->deliveries.empty())
                fail_msg("%s from %d: %zu frames arrived, %zu came back, instead of %d and 0",
                         kind.name, from, receiver->deliveries.size(), sender->deliveries.size(),
                         passes);
            if (passes && !Equal(frame, receiver->deliveries[0].frame))
                fail_msg("%s from %d: what arrived is not what was sent", kind.name, from);
            if (!passes && rig.attached[from]->GetDropped(exception->reason) != dropped + 1)
                fail_msg("%s from %d: not counted as \"%s\"", kind.name, from,
                         NodePort::GetDropReasonName(exception->reason));
            drops += !passes;
            if (rig.Drops() != drops)
                fail_msg("%s from %d: %llu frames counted as dropped instead of %llu", kind.name,
                         from, (unsigned long long)rig.Drops(), (unsigned long long)drops);
        }
    }
}

/* --------------------------------------------------------------------------------------- devices */

static NodeContainer Nodes(uint32_t count)
{
    NodeContainer nodes;
    nodes.Create(count);
    return nodes;
}

static void AttachAll(Rig &rig, const NetDeviceContainer &devices)
{
    for (uint32_t i = 0; i < devices.GetN(); i++)
        rig.Attach(devices.Get(i));
}

static Ptr<EthernetLinkDevice> End(Ptr<Node> node, Ptr<EthernetLinkChannel> cable)
{
    Ptr<EthernetLinkDevice> device = CreateObject<EthernetLinkDevice>();
    device->SetAddress(Mac48Address::Allocate());
    device->SetQueue(CreateObject<DropTailQueue<Packet>>());
    node->AddDevice(device);
    assert_true(device->Attach(cable));
    return device;
}

static void csma(void **)
{
    Exchange([](Rig &rig) { AttachAll(rig, CsmaHelper().Install(Nodes(2))); }, {});
}

static void csma_in_llc_mode(void **)
{
    Exchange(
        [](Rig &rig) {
            CsmaHelper helper;
            helper.SetDeviceAttribute("EncapsulationMode", StringValue("Llc"));
            helper.SetDeviceAttribute("Mtu", UintegerValue(1492));
            AttachAll(rig, helper.Install(Nodes(2)));
        },
        {{"spanning tree", NodePort::TX_LLC},
         {"802.3 with SNAP", NodePort::TX_LLC},
         {"largest VLAN", NodePort::TX_TOO_LONG}});
}

static void csma_with_jumbo_frames(void **)
{
    Exchange(
        [](Rig &rig) {
            CsmaHelper helper;
            helper.SetDeviceAttribute("Mtu", UintegerValue(2200));
            AttachAll(rig, helper.Install(Nodes(2)));
        },
        {});
}

static void ethernet_link(void **)
{
    Exchange(
        [](Rig &rig) {
            Ptr<EthernetLinkChannel> cable = CreateObject<EthernetLinkChannel>();
            rig.Attach(End(CreateObject<Node>(), cable));
            rig.Attach(End(CreateObject<Node>(), cable));
        },
        {});
}

static void simple(void **)
{
    Exchange(
        [](Rig &rig) {
            SimpleNetDeviceHelper helper;
            NetDeviceContainer devices = helper.Install(Nodes(2));
            devices.Get(0)->SetMtu(1500);
            devices.Get(1)->SetMtu(1500);
            AttachAll(rig, devices);
        },
        {{"largest VLAN", NodePort::TX_TOO_LONG}});
}

static void bridge_of_ethernet_links(void **)
{
    Exchange(
        [](Rig &rig) {
            Ptr<EthernetLinkChannel> cables[2];
            NetDeviceContainer switches;
            NodeContainer nodes = Nodes(3);
            for (auto &cable : cables)
                cable = CreateObject<EthernetLinkChannel>();
            NetDeviceContainer ports(End(nodes.Get(0), cables[0]));
            switches.Add(BridgeHelper().Install(nodes.Get(0), ports));
            NetDeviceContainer others(End(nodes.Get(1), cables[0]));
            others.Add(End(nodes.Get(1), cables[1]));
            BridgeHelper().Install(nodes.Get(1), others);
            /* The first switch itself, and a card at the second. */
            rig.Attach(switches.Get(0));
            rig.Attach(End(nodes.Get(2), cables[1]));
        },
        {});
}

/* Not a Ptr: two devices that hold each other are never freed. */
static bool Tunnel(VirtualNetDevice *other, Ptr<Packet> packet, const Address &from,
                   const Address &to, uint16_t protocol)
{
    Simulator::Schedule(MilliSeconds(1), [=]() {
        NetDevice::PacketType type =
            to == other->GetAddress() ? NetDevice::PACKET_HOST : NetDevice::PACKET_OTHERHOST;
        other->Receive(packet, protocol, from, to, type);
    });
    return true;
}

static void BuildVirtual(Rig &rig, bool sendFrom)
{
    Ptr<VirtualNetDevice> devices[2];
    for (auto &device : devices) {
        device = CreateObject<VirtualNetDevice>();
        device->SetAddress(Mac48Address::Allocate());
        device->SetSupportsSendFrom(sendFrom);
        device->SetIsPointToPoint(!sendFrom);
        device->SetMtu(1500);
        CreateObject<Node>()->AddDevice(device);
    }
    devices[0]->SetSendCallback(MakeBoundCallback(&Tunnel, PeekPointer(devices[1])));
    devices[1]->SetSendCallback(MakeBoundCallback(&Tunnel, PeekPointer(devices[0])));
    rig.Attach(devices[0]);
    rig.Attach(devices[1]);
}

static void virtual_device(void **)
{
    Exchange([](Rig &rig) { BuildVirtual(rig, true); }, {});
}

static void virtual_device_without_send_from(void **)
{
    Exchange([](Rig &rig) { BuildVirtual(rig, false); }, {});
}

static YansWifiPhyHelper Phy()
{
    YansWifiPhyHelper phy;
    phy.SetChannel(YansWifiChannelHelper::Default().Create());
    return phy;
}

static void wifi_ad_hoc(void **)
{
    Exchange(
        [](Rig &rig) {
            NodeContainer nodes = Nodes(2);
            WifiMacHelper mac;
            mac.SetType("ns3::AdhocWifiMac");
            NetDeviceContainer devices = WifiHelper().Install(Phy(), mac, nodes);
            MobilityHelper().Install(nodes);
            AttachAll(rig, devices);
        },
        {});
}

static void wifi_station_and_access_point(void **)
{
    Exchange(
        [](Rig &rig) {
            NodeContainer nodes = Nodes(2);
            YansWifiPhyHelper phy = Phy();
            WifiMacHelper mac;
            mac.SetType("ns3::StaWifiMac");
            NetDeviceContainer devices = WifiHelper().Install(phy, mac, nodes.Get(0));
            mac.SetType("ns3::ApWifiMac");
            devices.Add(WifiHelper().Install(phy, mac, nodes.Get(1)));
            MobilityHelper().Install(nodes);
            AttachAll(rig, devices);
        },
        {});
}

/* In a row, such that the ends hear each other through the middle only. */
static NetDeviceContainer BuildMesh(const char *stack, NodeContainer nodes)
{
    MeshHelper helper = MeshHelper::Default();
    helper.SetStackInstaller(stack);
    helper.SetNumberOfInterfaces(1);
    MobilityHelper mobility;
    mobility.SetPositionAllocator("ns3::GridPositionAllocator", "DeltaX", DoubleValue(30),
                                  "GridWidth", UintegerValue(10));
    mobility.Install(nodes);
    return helper.Install(Phy(), nodes);
}

static void on_its_way_through_a_mesh_a_frame_is_nobody_elses(void **)
{
    Rig rig;
    NetDeviceContainer devices = BuildMesh("ns3::Dot11sStack", Nodes(3));
    AttachAll(rig, devices);
    Kind kind = Kinds(1500)[1];
    Mac48Address ends[2];
    ends[0].CopyFrom(rig.ports[0]->mac);
    ends[1].CopyFrom(rig.ports[2]->mac);
    for (uint64_t i = 0; i < 3; i++)
        rig.ports[0]->Send((BEGIN_S + i) * SECOND_NS, MakeFrame(kind, ends[0], ends[1], 0xaa));
    Simulator::Stop(Seconds(BEGIN_S + 5));
    Simulator::Run();
    assert_int_equal(rig.ports[2]->deliveries.size(), 3);
    assert_int_equal(rig.ports[1]->deliveries.size(), 0);
}

/* -------------------------------------------------------------------------------------- refusals */

static void what_cannot_carry_ethernet_frames_is_refused_with_the_alternative(void **)
{
    Rig rig;
    NodeContainer nodes = Nodes(3);
    rig.Refuse(PointToPointHelper().Install(nodes).Get(0), "use a ttb::EthernetLinkDevice");
    InternetStackHelper().Install(nodes);
    rig.Refuse(nodes.Get(0)->GetDevice(nodes.Get(0)->GetNDevices() - 1),
               "Linux has a loopback device of its own");
    /* Its namespace depends on the version of ns-3. */
    TypeId wpanType;
    if (!TypeId::LookupByNameFailSafe("ns3::LrWpanNetDevice", &wpanType))
        wpanType = TypeId::LookupByName("ns3::lrwpan::LrWpanNetDevice");
    ObjectFactory wpanFactory;
    wpanFactory.SetTypeId(wpanType);
    Ptr<NetDevice> wpan = wpanFactory.Create<NetDevice>();
    nodes.Get(0)->AddDevice(wpan);
    rig.Refuse(wpan, "no room for an EtherType");
    Ptr<SixLowPanNetDevice> sixLowPan = CreateObject<SixLowPanNetDevice>();
    nodes.Get(0)->AddDevice(sixLowPan);
    sixLowPan->SetNetDevice(CsmaHelper().Install(nodes.Get(0)).Get(0));
    rig.Refuse(sixLowPan, "carries nothing but IPv6");
    rig.Refuse(BuildMesh("ns3::FlameStack", Nodes(2)).Get(0), "use a mesh with ns3::Dot11sStack");
    NetDeviceContainer lan = CsmaHelper().Install(nodes);
    lan.Get(0)->SetMtu(1000);
    ttb_port *port = rig.NewPort(lan.Get(1));
    std::string why = NodePort::Check(lan.Get(0), port);
    assert_true(why.find("the port's MTU is 1500, the device's 1000") != std::string::npos);
}

static void a_device_that_sends_with_its_own_address_wants_that_one(void **)
{
    Rig rig;
    NodeContainer nodes = Nodes(2);
    WifiMacHelper mac;
    mac.SetType("ns3::AdhocWifiMac");
    NetDeviceContainer devices = WifiHelper().Install(Phy(), mac, nodes);
    devices.Add(BuildMesh("ns3::Dot11sStack", Nodes(1)));
    Ptr<VirtualNetDevice> device = CreateObject<VirtualNetDevice>();
    device->SetAddress(Mac48Address::Allocate());
    device->SetSupportsSendFrom(false);
    CreateObject<Node>()->AddDevice(device);
    devices.Add(device);
    for (uint32_t i = 0; i < devices.GetN(); i++) {
        ttb_port *port = rig.NewPort(devices.Get(i));
        port->mac[3] ^= 1;
        std::string why = NodePort::Check(devices.Get(i), port);
        assert_true(why.find("it sends with its own address only") != std::string::npos);
        port->mac[3] ^= 1;
        if (i != 1) /* the other one of the ad hoc devices */
            rig.Attach(devices.Get(i));
    }
    /* At run time the frame decides. */
    Frame foreign = MakeFrame(Kinds(1500)[0], Mac48Address("02:00:00:00:00:99"),
                              Mac48Address("ff:ff:ff:ff:ff:ff"), 0);
    ttb_port *port = rig.attached[0]->GetPort();
    port->Send(SECOND_NS, foreign);
    Simulator::Stop(Seconds(2));
    Simulator::Run();
    assert_int_equal(rig.attached[0]->GetDropped(NodePort::TX_SOURCE), 1);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csma),
        cmocka_unit_test(csma_in_llc_mode),
        cmocka_unit_test(csma_with_jumbo_frames),
        cmocka_unit_test(ethernet_link),
        cmocka_unit_test(simple),
        cmocka_unit_test(bridge_of_ethernet_links),
        cmocka_unit_test(virtual_device),
        cmocka_unit_test(virtual_device_without_send_from),
        cmocka_unit_test(wifi_ad_hoc),
        cmocka_unit_test(wifi_station_and_access_point),
        cmocka_unit_test(on_its_way_through_a_mesh_a_frame_is_nobody_elses),
        cmocka_unit_test(what_cannot_carry_ethernet_frames_is_refused_with_the_alternative),
        cmocka_unit_test(a_device_that_sends_with_its_own_address_wants_that_one),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
