/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Networks put together with the C functions, without nodes: CSMA that changes while it runs,
 * switches, routers of every kind, Wifi and positions; and that what a device draws does not depend
 * on what else there is, or was.
 */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include <ttbridge/ns3.h>

#include <ns3/core-module.h>
#include <ns3/csma-module.h>
#include <ns3/network-module.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <stdlib.h>
#include <string>
#include <unistd.h>
#include <vector>

/* Last, for it defines fail() as a macro; and it does not know C++. */
extern "C" {
#include <cmocka.h>
}

using namespace ns3;
using Object_ = struct ttb_ns3_object *;
using Bytes = std::vector<uint8_t>;

static constexpr uint64_t US = 1000, MS = 1000000, S = 1000000000;

struct Arrival {
    uint64_t time_ns;
    Bytes frame; /* Ethernet header and payload */
};

/* ------------------------------------------------------------------------------------ fixture */

struct Net {
    struct ttb_ns3 *ns3 = nullptr;
    std::vector<std::vector<Arrival> *> heard;

    Net()
    {
        struct ttb_ns3_opts opts = {};

        opts.size = sizeof(opts);
        if (ttb_ns3_new(&opts, &ns3))
            fail_msg("%s", ttb_ns3_error(nullptr));
    }

    ~Net()
    {
        ttb_ns3_free(ns3);
        for (auto arrivals : heard)
            delete arrivals;
    }

    Net(const Net &) = delete;

    void Ok(int rc)
    {
        if (rc)
            fail_msg("%d: %s", rc, ttb_ns3_error(ns3));
    }

    void Says(int rc, int expected, const char *part)
    {
        const char *text = ttb_ns3_error(ns3);

        if (rc != expected || !std::strstr(text, part))
            fail_msg("got %d: \"%s\", expected %d: \"...%s...\"", rc, text, expected, part);
    }

    Object_ Node()
    {
        Object_ node;

        Ok(ttb_ns3_create_node(ns3, &node));
        return node;
    }

    Object_ Channel(const char *type, const char *delay = "1us")
    {
        const struct ttb_ns3_attribute attributes[] = {{"Delay", delay}, {nullptr, nullptr}};
        Object_ channel;

        Ok(ttb_ns3_create(ns3, type, attributes, &channel));
        return channel;
    }

    /* On a channel of either kind. */
    Object_ Device(Object_ node, Object_ channel, const char *mac = nullptr)
    {
        char type[64];
        Object_ device;

        Ok(ttb_ns3_object_type(channel, type, sizeof(type)));
        if (std::string(type) == "ns3::CsmaChannel")
            Ok(ttb_ns3_install_csma(node, channel, mac, nullptr, &device));
        else
            Ok(ttb_ns3_install_ethernet(node, channel, mac, nullptr, &device));
        return device;
    }

    /* The ns-3 device that was made last. */
    static Ptr<NetDevice> Last()
    {
        Ptr<ns3::Node> node = NodeList::GetNode(NodeList::GetNNodes() - 1);

        return node->GetDevice(node->GetNDevices() - 1);
    }

    /* What a device hears, whoever it is for. */
    std::vector<Arrival> &Hear(Ptr<NetDevice> device)
    {
        auto arrivals = new std::vector<Arrival>;
        auto source = DynamicCast<CsmaNetDevice>(device) ? "MacPromiscRx" : "PhyRxEnd";
        auto fcs = DynamicCast<CsmaNetDevice>(device) ? 4 : 0;

        heard.push_back(arrivals);
        device->SetPromiscReceiveCallback([](Ptr<NetDevice>, Ptr<const Packet>, uint16_t,
                                             const Address &, const Address &,
                                             NetDevice::PacketType) { return true; });
        assert_true(device->TraceConnectWithoutContext(
            source, Callback<void, Ptr<const Packet>>([=](Ptr<const Packet> packet) {
                Bytes frame(packet->GetSize());

                packet->CopyData(frame.data(), frame.size());
                frame.resize(frame.size() - fcs);
                arrivals->push_back({Now(), frame});
            })));
        return *arrivals;
    }

    static uint64_t Now()
    {
        return Simulator::Now().GetNanoSeconds();
    }

    void At(uint64_t time_ns, std::function<void()> what)
    {
        Simulator::Schedule(NanoSeconds(time_ns) - Simulator::Now(), what);
    }

    void Send(uint64_t time_ns, Ptr<NetDevice> device, const Bytes &frame)
    {
        At(time_ns, [device, frame]() {
            Mac48Address to, from;

            to.CopyFrom(&frame[0]);
            from.CopyFrom(&frame[6]);
            device->SendFrom(Create<Packet>(&frame[14], frame.size() - 14), from, to,
                             frame[12] << 8 | frame[13]);
        });
    }

    void Set(Object_ link, unsigned fields, uint64_t value)
    {
        struct ttb_ns3_link_params params = {};

        params.size = sizeof(params);
        params.fields = fields;
        params.rate_bps = params.delay_ns = value;
        params.loss_ppb = params.queue_frames = value;
        Ok(ttb_ns3_link_set(link, &params));
    }

    struct ttb_ns3_link_stats Stats(Object_ link)
    {
        struct ttb_ns3_link_stats stats;

        Ok(ttb_ns3_link_get_stats(link, &stats));
        return stats;
    }

    void Run(uint64_t until_ns)
    {
        Ok(ttb_ns3_run(ns3, until_ns));
    }

    /* A client that sends `count` datagrams from `start_ns` on, a server, and the times of echoes. */
    std::vector<Arrival> &Echo(Object_ client, Object_ server, const char *address, unsigned count,
                               uint64_t start_ns, const char *interval = "100ms")
    {
        const std::string packets = std::to_string(count);
        const struct ttb_ns3_attribute to[] = {{"RemoteAddress", address},
                                               {"RemotePort", "9"},
                                               {"MaxPackets", packets.c_str()},
                                               {"Interval", interval},
                                               {nullptr, nullptr}};
        const struct ttb_ns3_attribute port[] = {{"Port", "9"}, {nullptr, nullptr}};
        auto arrivals = new std::vector<Arrival>;

        heard.push_back(arrivals);
        Ok(ttb_ns3_install_application(server, "ns3::UdpEchoServer", port, 0, TTB_TIME_NEVER,
                                       nullptr));
        Ok(ttb_ns3_install_application(client, "ns3::UdpEchoClient", to, start_ns, TTB_TIME_NEVER,
                                       nullptr));
        assert_true(Config::ConnectWithoutContextFailSafe(
            "/NodeList/*/ApplicationList/*/$ns3::UdpEchoClient/Rx",
            Callback<void, Ptr<const Packet>>([arrivals](Ptr<const Packet>) {
                arrivals->push_back({Now(), {}});
            })));
        return *arrivals;
    }
};

static Bytes MakeFrame(size_t len, uint16_t type = 0x0800, uint8_t to = 0xff, uint8_t from = 0x51)
{
    Bytes frame(len);
    const uint8_t addresses[12] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from};

    std::memcpy(frame.data(), addresses, 12);
    if (to == 0xff)
        std::memset(frame.data(), 0xff, 6);
    frame[12] = type >> 8;
    frame[13] = type & 0xff;
    for (size_t i = 14; i < len; i++)
        frame[i] = (uint8_t)(i * 5 + 1);
    return frame;
}

static void assert_frames_equal(const Bytes &got, Bytes expected)
{
    expected.resize(std::max<size_t>(expected.size(), 60));
    assert_int_equal(got.size(), expected.size());
    assert_memory_equal(got.data(), expected.data(), expected.size());
}

/* --------------------------------------------------------------------------------------- CSMA */

struct Lan : Net {
    Object_ channel = Channel("ns3::CsmaChannel");
    Object_ handles[3];
    Ptr<NetDevice> devices[3];
    std::vector<Arrival> *arrivals[3];

    Lan()
    {
        Set100();
        for (int i = 0; i < 3; i++) {
            std::string mac = "02:00:00:00:00:0" + std::to_string(i + 1);

            handles[i] = Device(Node(), channel, mac.c_str());
            devices[i] = Last();
            arrivals[i] = &Hear(devices[i]);
        }
    }

    ~Lan()
    {
        for (auto &device : devices)
            device = nullptr;
    }

    void Set100()
    {
        Ok(ttb_ns3_object_set(channel, "DataRate", "100Mbps"));
    }
};

static void csma_changes_hold_for_the_next_frame(void **)
{
    Lan lan;

    lan.Send(1 * MS, lan.devices[0], MakeFrame(1014));
    lan.At(2 * MS, [&] { lan.Set(lan.channel, TTB_NS3_LINK_RATE, 10000000); });
    lan.Send(3 * MS, lan.devices[1], MakeFrame(1014));
    lan.At(5 * MS, [&] { lan.Set(lan.channel, TTB_NS3_LINK_DELAY, 7 * MS); });
    lan.Send(6 * MS, lan.devices[0], MakeFrame(60));
    lan.Run(1 * S);
    assert_int_equal(lan.arrivals[2]->size(), 3);
    assert_int_equal((*lan.arrivals[2])[0].time_ns, 1 * MS + 1018 * 80 + 1 * US);
    assert_int_equal((*lan.arrivals[2])[1].time_ns, 3 * MS + 1018 * 800 + 1 * US);
    assert_int_equal((*lan.arrivals[2])[2].time_ns, 6 * MS + 64 * 800 + 7 * MS);
}

static void a_csma_frame_keeps_the_rate_it_began_with(void **)
{
    Lan lan;

    lan.Send(1 * MS, lan.devices[0], MakeFrame(1014));
    lan.At(1 * MS + 40 * US, [&] { lan.Set(lan.channel, TTB_NS3_LINK_RATE, 1000000000); });
    lan.Run(1 * S);
    assert_int_equal((*lan.arrivals[2])[0].time_ns, 1 * MS + 1018 * 80 + 1 * US);
}

static void a_cut_csma_channel_carries_nothing_old_or_new(void **)
{
    Lan lan;
    struct ttb_ns3_link_stats stats;

    lan.Set(lan.channel, TTB_NS3_LINK_DELAY, 1 * MS);
    /* On its way when the channel is cut, and still when it has been repaired. */
    lan.Send(1 * MS, lan.devices[0], MakeFrame(60));
    lan.At(1100 * US, [&] { lan.Ok(ttb_ns3_link_set_up(lan.channel, false)); });
    lan.At(1200 * US, [&] { lan.Ok(ttb_ns3_link_set_up(lan.handles[2], true)); });
    lan.Send(5 * MS, lan.devices[0], MakeFrame(60));
    /* Being sent when the channel is repaired. */
    lan.At(9 * MS, [&] { lan.Ok(ttb_ns3_link_set_up(lan.channel, false)); });
    lan.Send(10 * MS, lan.devices[1], MakeFrame(1014));
    lan.At(10 * MS + 10 * US, [&] { lan.Ok(ttb_ns3_link_set_up(lan.channel, true)); });
    lan.Send(15 * MS, lan.devices[1], MakeFrame(60));
    lan.Run(1 * S);
    assert_int_equal(lan.arrivals[2]->size(), 2);
    assert_int_equal((*lan.arrivals[2])[0].time_ns, 5 * MS + 64 * 80 + 1 * MS);
    assert_int_equal((*lan.arrivals[2])[1].time_ns, 15 * MS + 64 * 80 + 1 * MS);
    stats = lan.Stats(lan.channel);
    assert_int_equal(stats.sent_frames, 4);
    assert_int_equal(stats.dropped_down, 4); /* two frames, two receivers each */
    assert_int_equal(stats.received_frames, 4);
}

static void csma_loss_is_for_each_receiver_on_its_own(void **)
{
    Lan lan;

    lan.Set(lan.handles[1], TTB_NS3_LINK_LOSS, 1000000000);
    lan.Set(lan.handles[2], TTB_NS3_LINK_LOSS, 500000000);
    for (unsigned i = 0; i < 1000; i++)
        lan.Send((i + 1) * MS, lan.devices[0], MakeFrame(60));
    lan.Run(10 * S);
    assert_int_equal(lan.arrivals[1]->size(), 0);
    assert_in_range(lan.arrivals[2]->size(), 430, 570);
    assert_int_equal(lan.Stats(lan.channel).dropped_loss, 2000 - lan.arrivals[2]->size());
    assert_int_equal(lan.Stats(lan.channel).sent_frames, 1000);
}

static void a_queue_that_is_made_shorter_keeps_what_waits(void **)
{
    Lan lan;

    for (unsigned i = 0; i < 10; i++)
        lan.Send(1 * MS, lan.devices[0], MakeFrame(1014));
    lan.At(1 * MS + 1, [&] { lan.Set(lan.handles[0], TTB_NS3_LINK_QUEUE, 3); });
    lan.Send(1 * MS + 2, lan.devices[0], MakeFrame(1014)); /* nine wait: dropped */
    for (unsigned i = 0; i < 10; i++)
        lan.Send(100 * MS, lan.devices[0], MakeFrame(1014)); /* one is sent, three wait */
    lan.Run(1 * S);
    assert_int_equal(lan.arrivals[1]->size(), 10 + 4);
    assert_int_equal(lan.Stats(lan.handles[0]).dropped_queue, 1 + 6);
}

static void a_simple_device_can_be_installed(void **)
{
    Net net;
    Object_ channel, device;

    net.Ok(ttb_ns3_create(net.ns3, "ns3::SimpleChannel", nullptr, &channel));
    net.Ok(ttb_ns3_install_device(net.Node(), "ns3::SimpleNetDevice", channel, nullptr, nullptr,
                                  &device));
    auto first = Net::Last();
    net.Ok(ttb_ns3_install_device(net.Node(), "ns3::SimpleNetDevice", channel, nullptr, nullptr,
                                  &device));
    net.Send(5, first, MakeFrame(100));
    net.Run(1 * S);
    assert_int_equal(net.Stats(device).received_frames, 1);
    assert_int_equal(net.Stats(channel).sent_frames, 1);
    net.Says(ttb_ns3_link_set_up(channel, false), -EOPNOTSUPP, "only CSMA and Ethernet");
}

/* ------------------------------------------------------------------------------------ switches */

static void a_switch_forwards_every_kind_of_frame_between_every_kind_of_port(void **)
{
    for (const char *in : {"ns3::CsmaChannel", "ttb::EthernetLinkChannel"}) {
        for (const char *out : {"ns3::CsmaChannel", "ttb::EthernetLinkChannel"}) {
            Net net;
            Object_ channels[3] = {net.Channel(in), net.Channel(out), net.Channel(out)};
            Object_ sw = net.Node(), ports[3], device;
            std::vector<Arrival> *heard[3];
            Ptr<NetDevice> ends[3];
            Bytes bpdu = MakeFrame(14 + 38, 38), group = MakeFrame(1014);
            const uint8_t address[6] = {1, 0x80, 0xc2, 0, 0, 0};
            const Bytes frames[] = {bpdu,
                                    MakeFrame(14 + 38, 38),
                                    MakeFrame(14 + 100, 100, 9),
                                    MakeFrame(14 + 28, 0x0806),
                                    MakeFrame(14 + 1504, 0x8100),
                                    MakeFrame(14 + 1500, 0x86dd, 9)};
            unsigned i = 0;

            std::memcpy(bpdu.data(), address, 6);
            for (int k = 0; k < 3; k++)
                ports[k] = net.Device(sw, channels[k]);
            net.Ok(ttb_ns3_install_switch(sw, ports, 3, nullptr, &device));
            for (int k = 0; k < 3; k++) {
                net.Device(net.Node(), channels[k]);
                ends[k] = Net::Last();
                heard[k] = &net.Hear(ends[k]);
            }
            for (const Bytes &frame : frames)
                net.Send(++i * MS, ends[0], frame);
            /* Learned: an answer goes to one port, length field or not. */
            net.Send(50 * MS, ends[1], MakeFrame(100, 0x0800, 0x51, 9));
            net.Send(51 * MS, ends[1], MakeFrame(114, 100, 0x51, 9));
            net.Run(1 * S);
            assert_int_equal(heard[1]->size(), 6);
            assert_int_equal(heard[2]->size(), 6);
            assert_int_equal(heard[0]->size(), 2);
            for (i = 0; i < 6; i++) {
                assert_frames_equal((*heard[1])[i].frame, frames[i]);
                assert_frames_equal((*heard[2])[i].frame, frames[i]);
            }
            assert_frames_equal((*heard[0])[1].frame, MakeFrame(114, 100, 0x51, 9));
            for (auto &end : ends)
                end = nullptr;
        }
    }
}

static void what_cannot_be_a_switchs_port_is_refused(void **)
{
    Net net;
    struct ttb_ns3_wifi_opts opts = {};
    Object_ lan = net.Channel("ns3::CsmaChannel"), sw = net.Node(), ports[2], wifi, device;

    ports[0] = ports[1] = net.Device(sw, lan);
    net.Says(ttb_ns3_install_switch(sw, ports, 0, nullptr, &device), -EINVAL, "at least one");
    net.Says(ttb_ns3_install_switch(sw, nullptr, 2, nullptr, &device), -EINVAL, "at least one");
    net.Says(ttb_ns3_install_switch(sw, ports, 2, nullptr, &device), -EEXIST, "twice");
    net.Says(ttb_ns3_install_switch(lan, ports, 1, nullptr, &device), -EINVAL, "ns3::Node");
    net.Says(ttb_ns3_install_switch(net.Node(), ports, 1, nullptr, &device), -EINVAL,
             "belongs to another node");
    net.Says(ttb_ns3_install_switch(sw, &lan, 1, nullptr, &device), -EINVAL, "ns3::NetDevice");
    opts.size = sizeof(opts);
    opts.infrastructure = true;
    net.Ok(ttb_ns3_create_wifi(net.ns3, &opts, &wifi));
    net.Ok(ttb_ns3_install_wifi(sw, wifi, TTB_NS3_WIFI_STATION, nullptr, nullptr, &ports[1]));
    net.Says(ttb_ns3_install_switch(sw, ports, 2, nullptr, &device), -EOPNOTSUPP,
             "only access points");
    net.Ok(ttb_ns3_install_switch(sw, ports, 1, nullptr, &device));
    net.Says(ttb_ns3_install_switch(sw, ports, 1, nullptr, nullptr), -EEXIST, "already");
    net.Says(ttb_ns3_install_switch(sw, &device, 1, nullptr, nullptr), -EOPNOTSUPP,
             "cannot be the port of another");
}

/* ------------------------------------------------------------------------------------- routing */

/* client - r1 - r2 - server, Ethernet links. */
struct Chain : Net {
    Object_ nodes[4];
    Object_ devices[3][2]; /* of the links: left end, right end */
    std::vector<Arrival> *echoes = nullptr;

    void Build(enum ttb_ns3_routing routing, bool six, bool forwarding = true)
    {
        for (int i = 0; i < 4; i++) {
            nodes[i] = Node();
            Ok(ttb_ns3_install_ip(nodes[i], six ? TTB_NS3_IPV6 : TTB_NS3_IPV4, routing,
                                  forwarding && (i == 1 || i == 2)));
        }
        for (int i = 0; i < 3; i++) {
            Object_ cable = Channel("ttb::EthernetLinkChannel", "1ms");

            for (int k = 0; k < 2; k++) {
                std::string mac =
                    "02:00:00:00:0" + std::to_string(i) + ":0" + std::to_string(k + 1);
                std::string n = std::to_string(i), h = std::to_string(k + 1);
                std::string address =
                    six ? "fd00:0:0:" + n + "::" + h + "/64" : "10.0." + n + "." + h + "/24";

                devices[i][k] = Device(nodes[i + k], cable, mac.c_str());
                Ok(ttb_ns3_add_address(devices[i][k], address.c_str()));
            }
        }
    }

    void Ping(bool six)
    {
        echoes = &Echo(nodes[0], nodes[3], six ? "fd00:0:0:2::2" : "10.0.2.2", 10, 60 * S);
        Run(100 * S);
    }

    void Default(int node, const char *via)
    {
        Ok(ttb_ns3_add_route(nodes[node], std::strchr(via, ':') ? "::/0" : "0.0.0.0/0", via,
                             nullptr, 1));
    }
};

static void packets_follow_static_routes(void **)
{
    for (bool six : {false, true}) {
        Chain chain;

        chain.Build(TTB_NS3_ROUTING_STATIC, six);
        chain.Default(0, six ? "fd00::2" : "10.0.0.2");
        chain.Default(1, six ? "fd00:0:0:1::2" : "10.0.1.2");
        chain.Ok(ttb_ns3_add_route(chain.nodes[2], six ? "fd00::/64" : "10.0.0.0/24",
                                   six ? "fd00:0:0:1::1" : "10.0.1.1", chain.devices[1][1], 5));
        chain.Default(3, six ? "fd00:0:0:2::1" : "10.0.2.1");
        chain.Ping(six);
        assert_int_equal(chain.echoes->size(), 10);
        /* Three links there and back; the first has to wait for addresses. */
        uint64_t size = 100 + 8 + (six ? 40 : 20) + 14;
        assert_int_equal((*chain.echoes)[9].time_ns,
                         60 * S + 900 * MS + 6 * (1 * MS + (8 + size + 4) * 8));
    }
}

static void a_host_that_does_not_forward_does_not(void **)
{
    Chain chain;

    chain.Build(TTB_NS3_ROUTING_GLOBAL, false, false);
    chain.Default(0, "10.0.0.2");
    chain.Default(1, "10.0.1.2");
    chain.Default(2, "10.0.1.1");
    chain.Default(3, "10.0.2.1");
    chain.Says(ttb_ns3_compute_global_routes(chain.ns3), -EOPNOTSUPP, "does not forward");
    chain.Ping(false);
    assert_int_equal(chain.echoes->size(), 0);
}

static void global_routes_are_found(void **)
{
    Chain chain;

    chain.Build(TTB_NS3_ROUTING_GLOBAL, false);
    chain.Ok(ttb_ns3_compute_global_routes(chain.ns3));
    chain.Ok(ttb_ns3_compute_global_routes(chain.ns3));
    chain.Ping(false);
    assert_int_equal(chain.echoes->size(), 10);
}

static void rip_learns_routes(void **)
{
    for (bool six : {false, true}) {
        Chain chain;

        chain.Build(TTB_NS3_ROUTING_RIP, six);
        chain.Ping(six);
        assert_int_equal(chain.echoes->size(), 10);
    }
}

static void olsr_learns_routes(void **)
{
    Chain chain;

    chain.Build(TTB_NS3_ROUTING_OLSR, false);
    chain.Ping(false);
    assert_int_equal(chain.echoes->size(), 10);
}

static void malformed_addresses_and_routes_are_refused(void **)
{
    Chain chain;
    Object_ alone = chain.Node(), lan = chain.Channel("ns3::CsmaChannel"), bare;
    const char *const bad[] = {"10.0.0.banana/24",
                               "10.0.0.1",
                               "10.0.0.1/33",
                               "10.0.0.1/",
                               "10.0.0.1/+4",
                               "2001:db8::1/129",
                               "2001:db8::g/64",
                               "2001:db8::1",
                               "",
                               "/",
                               "10.0.0.1/24/24",
                               "10.0.0.1/99999999999"};

    chain.Build(TTB_NS3_ROUTING_STATIC, false);
    bare = chain.Device(alone, lan);
    for (const char *text : bad) {
        chain.Says(ttb_ns3_add_address(chain.devices[0][0], text), -EINVAL, "is no IP address");
        chain.Says(ttb_ns3_add_route(chain.nodes[0], text, "10.0.0.2", nullptr, 1), -EINVAL,
                   "is no IP address");
    }
    chain.Says(ttb_ns3_add_address(chain.devices[0][0], nullptr), -EINVAL, "is no IP address");
    chain.Says(ttb_ns3_add_address(chain.devices[0][0], "10.0.0.1/24"), -EEXIST, "already");
    chain.Says(ttb_ns3_add_address(chain.devices[0][0], "2001:db8::1/64"), -ENODEV, "no IPv6");
    chain.Says(ttb_ns3_add_address(bare, "10.0.0.1/24"), -ENODEV, "no IPv4 stack");
    chain.Says(ttb_ns3_add_address(lan, "10.0.0.1/24"), -EINVAL, "NetDevice is needed");
    chain.Says(ttb_ns3_add_route(chain.nodes[0], "10.9.0.1/16", "10.0.0.2", nullptr, 1), -EINVAL,
               "bits after the prefix");
    chain.Says(ttb_ns3_add_route(chain.nodes[0], "10.9.0.0/16", "::1", nullptr, 1), -EINVAL,
               "different families");
    chain.Says(ttb_ns3_add_route(chain.nodes[0], "10.9.0.0/16", "10.0.0", nullptr, 1), -EINVAL,
               "is no IP address");
    chain.Says(ttb_ns3_add_route(chain.nodes[0], "10.9.0.0/16", nullptr, nullptr, 1), -EINVAL,
               "next hop or a device");
    chain.Says(ttb_ns3_add_route(chain.nodes[0], "10.9.0.0/16", "10.7.0.1", nullptr, 1),
               -ENETUNREACH, "no subnet");
    chain.Says(ttb_ns3_add_route(chain.nodes[0], "10.9.0.0/16", nullptr, chain.devices[2][0], 1),
               -EINVAL, "another node");
    chain.Says(ttb_ns3_add_route(alone, "10.9.0.0/16", nullptr, bare, 1), -ENODEV, "no IPv4");
    chain.Ok(ttb_ns3_install_ip(alone, TTB_NS3_IPV6, TTB_NS3_ROUTING_STATIC, true));
    /* ns-3's routers drop what is for addresses of examples. */
    chain.Says(ttb_ns3_add_address(bare, "2001:db8::1/64"), -EOPNOTSUPP, "fd00::/8");
    chain.Ok(ttb_ns3_create_node(chain.ns3, &alone));
    chain.Says(ttb_ns3_install_ip(alone, 0, TTB_NS3_ROUTING_STATIC, true), -EINVAL, "IPV4");
    chain.Says(ttb_ns3_install_ip(alone, 4, TTB_NS3_ROUTING_STATIC, true), -EINVAL, "IPV4");
    chain.Says(ttb_ns3_install_ip(alone, TTB_NS3_IPV6, TTB_NS3_ROUTING_OLSR, true), -EINVAL,
               "IPv4 only");
    chain.Says(ttb_ns3_install_ip(alone, TTB_NS3_IPV4, (enum ttb_ns3_routing)9, true), -EINVAL,
               "number 9");
    chain.Says(ttb_ns3_install_ip(chain.nodes[0], TTB_NS3_IPV4, TTB_NS3_ROUTING_STATIC, true),
               -EEXIST, "already");
    chain.Says(ttb_ns3_install_ip(lan, TTB_NS3_IPV4, TTB_NS3_ROUTING_STATIC, true), -EINVAL,
               "ns3::Node");
}

/* ---------------------------------------------------------------------------- Wifi, positions */

struct Air : Net {
    Object_ wifi, hosts[2], devices[3];
    std::vector<Arrival> *echoes = nullptr;

    /* Two hosts; with an access point between them if there is one. */
    void Build(enum ttb_ns3_wifi_standard standard, bool infrastructure)
    {
        struct ttb_ns3_wifi_opts opts = {};

        opts.size = sizeof(opts);
        opts.standard = standard;
        opts.infrastructure = infrastructure;
        Ok(ttb_ns3_create_wifi(ns3, &opts, &wifi));
        for (int i = 0; i < 2; i++) {
            std::string n = std::to_string(i + 1);

            hosts[i] = Node();
            Place(hosts[i], i * 10000);
            Ok(ttb_ns3_install_wifi(hosts[i], wifi,
                                    infrastructure ? TTB_NS3_WIFI_STATION : TTB_NS3_WIFI_ADHOC,
                                    ("02:00:00:00:00:0" + n).c_str(), nullptr, &devices[i]));
            Ok(ttb_ns3_install_ip(hosts[i], TTB_NS3_IPV4, TTB_NS3_ROUTING_STATIC, false));
            Ok(ttb_ns3_add_address(devices[i], ("10.0.0." + n + "/24").c_str()));
        }
        if (infrastructure)
            Ok(ttb_ns3_install_wifi(Node(), wifi, TTB_NS3_WIFI_ACCESS_POINT, "02:00:00:00:00:03",
                                    nullptr, &devices[2]));
    }

    void Place(Object_ node, int64_t x_mm)
    {
        const struct ttb_ns3_position position = {x_mm, 0, 0};

        Ok(ttb_ns3_set_position(node, &position));
    }

    std::vector<uint64_t> Ping(unsigned count = 20)
    {
        std::vector<uint64_t> times;

        echoes = &Echo(hosts[0], hosts[1], "10.0.0.2", count, 2 * S);
        Run(60 * S);
        for (const Arrival &echo : *echoes)
            times.push_back(echo.time_ns);
        return times;
    }
};

static void wifi_works_in_every_standard_and_mode(void **)
{
    for (int standard = TTB_NS3_WIFI_A; standard <= TTB_NS3_WIFI_AX_6; standard++) {
        for (bool infrastructure : {false, true}) {
            Air air;

            air.Build((enum ttb_ns3_wifi_standard)standard, infrastructure);
            if (air.Ping(5).size() != 5)
                fail_msg("standard %d, infrastructure %d: %zu of 5 echoes", standard,
                         infrastructure, air.echoes->size());
        }
    }
}

static void wifi_draws_the_same_whatever_else_there_is_or_was(void **)
{
    for (bool infrastructure : {false, true}) {
        std::vector<uint64_t> first;

        for (unsigned run = 0; run < 5; run++) {
            Air air;
            std::vector<uint64_t> times;

            /* More of everything, made before. */
            for (unsigned i = 0; i < run; i++) {
                Object_ lan = air.Channel("ns3::CsmaChannel");
                struct ttb_ns3_wifi_opts opts = {};
                Object_ other, device;

                air.Device(air.Node(), lan);
                opts.size = sizeof(opts);
                air.Ok(ttb_ns3_create_wifi(air.ns3, &opts, &other));
                air.Ok(ttb_ns3_install_wifi(air.Node(), other, TTB_NS3_WIFI_ADHOC, nullptr, nullptr,
                                            &device));
            }
            air.Build(TTB_NS3_WIFI_G, infrastructure);
            times = air.Ping();
            assert_int_equal(times.size(), 20);
            if (run == 0)
                first = times;
            for (size_t i = 0; i < times.size(); i++)
                assert_int_equal(times[i], first[i]);
        }
    }
}

static void a_node_that_moves_away_is_heard_again_when_it_is_back(void **)
{
    Air air;
    std::vector<uint64_t> times;
    const struct ttb_ns3_waypoint way[] = {{0, {10000, 0, 0}},
                                           {4 * S, {10000, 0, 0}},
                                           {5 * S, {100000000, 0, 0}},
                                           {8 * S, {100000000, 0, 0}},
                                           {9 * S, {10000, 0, 0}}};
    unsigned before = 0, away = 0, after = 0;

    air.Build(TTB_NS3_WIFI_G, false);
    air.Ok(ttb_ns3_set_waypoints(air.hosts[1], way, 5));
    times = air.Ping(100);
    for (uint64_t time : times) {
        before += time < 4 * S;
        away += time > 5 * S && time < 8 * S;
        after += time > 9 * S;
    }
    assert_int_equal(before, 20);
    assert_int_equal(away, 0);
    assert_in_range(after, 25, 31);
}

static void loss_on_the_air_is_counted_and_made_up_for(void **)
{
    Air air;

    char path[] = "/tmp/ttb-wifi-XXXXXX";
    uint32_t head[6];
    int file = mkstemp(path);

    assert_true(file >= 0);
    air.Build(TTB_NS3_WIFI_G, false);
    air.Ok(ttb_ns3_pcap(air.devices[1], path, true));
    air.Set(air.devices[1], TTB_NS3_LINK_LOSS, 300000000);
    assert_in_range(air.Ping().size(), 18, 20); /* frames are sent again */
    assert_int_equal(read(file, head, sizeof(head)), sizeof(head));
    assert_int_equal(head[5], 127); /* IEEE 802.11 with radiotap headers */
    assert_true(lseek(file, 0, SEEK_END) > 20 * 100);
    close(file);
    unlink(path);
    assert_true(air.Stats(air.devices[1]).dropped_loss > 5);
    assert_true(air.Stats(air.devices[0]).sent_frames >= 20);
    assert_int_equal(air.Stats(air.devices[0]).dropped_loss, 0);
}

static void positions_are_exact_and_do_not_depend_on_who_asks(void **)
{
    Net net;
    Object_ node = net.Node();
    struct ttb_ns3_position position = {1500, -2000, 3}, got;
    const struct ttb_ns3_waypoint way[] = {{1 * S, {0, 0, 0}}, {3 * S, {1000, -500, 0}}};

    net.Says(ttb_ns3_get_position(node, &got), -ENODEV, "no mobility model");
    net.Ok(ttb_ns3_set_position(node, &position));
    net.Ok(ttb_ns3_get_position(node, &got));
    assert_memory_equal(&got, &position, sizeof(got));
    net.Ok(ttb_ns3_set_waypoints(node, way, 2));
    for (uint64_t t = 1; t <= 4000; t++) {
        int64_t expected = t <= 1000 ? 0 : t >= 3000 ? 1000 : ((int64_t)t - 1000) / 2;

        net.Run(t * MS);
        net.Ok(ttb_ns3_get_position(node, &got));
        if (t % 2 == 0)
            assert_int_equal(got.x_mm, expected);
    }
    net.Ok(ttb_ns3_set_mobility(node, "ns3::ConstantPositionMobilityModel", nullptr, &position,
                                nullptr));
    net.Ok(ttb_ns3_get_position(node, &got));
    assert_memory_equal(&got, &position, sizeof(got));
    position = {50000, 50000, 0};
    net.Ok(
        ttb_ns3_set_mobility(node, "ns3::RandomWalk2dMobilityModel", nullptr, &position, nullptr));
    net.Run(20 * S);
    net.Ok(ttb_ns3_get_position(node, &got));
    assert_true(got.x_mm != 50000 || got.y_mm != 50000);
}

static void what_makes_no_wifi_is_refused(void **)
{
    Net net;
    struct ttb_ns3_wifi_opts opts = {};
    struct ttb_ns3_position far = {INT64_MAX, 0, 0};
    const struct ttb_ns3_waypoint back[] = {{5, {0, 0, 0}}, {5, {0, 0, 0}}};
    const struct ttb_ns3_attribute unknown[] = {{"NoSuch", "1"}, {nullptr, nullptr}};
    const struct ttb_ns3_attribute beacon[] = {{"BeaconInterval", "204800us"}, {nullptr, nullptr}};
    const struct ttb_ns3_object_spec no_loss = {"ns3::Node", nullptr};
    Object_ node = net.Node(), adhoc, infrastructure, device, lan = net.Channel("ns3::CsmaChannel");
    uint64_t count;

    net.Says(ttb_ns3_create_wifi(net.ns3, nullptr, &adhoc), -EINVAL, "size");
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &adhoc), -EINVAL, "size");
    opts.size = sizeof(opts);
    net.Ok(ttb_ns3_create_wifi(net.ns3, &opts, &adhoc));
    opts.standard = (enum ttb_ns3_wifi_standard)77;
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -EINVAL, "77");
    opts.standard = TTB_NS3_WIFI_G;
    opts.ssid = "";
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -EINVAL, "1 to 32 bytes");
    opts.ssid = "123456789012345678901234567890123";
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -EINVAL, "1 to 32 bytes");
    opts.ssid = nullptr;
    opts.phy_attributes = unknown;
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -ENOENT, "NoSuch");
    opts.phy_attributes = nullptr;
    opts.mac_attributes = unknown;
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -ENOENT, "NoSuch");
    opts.mac_attributes = nullptr;
    opts.rate_control.type = "ns3::Node";
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -EINVAL, "WifiRemoteStationManager");
    opts.rate_control.type = nullptr;
    opts.propagation_loss_count = 1;
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -EINVAL, "propagation_loss is NULL");
    opts.propagation_loss = &no_loss;
    net.Says(ttb_ns3_create_wifi(net.ns3, &opts, &device), -EINVAL, "PropagationLossModel");
    opts.propagation_loss_count = 0;
    opts.infrastructure = true;
    opts.mac_attributes = beacon; /* only access points have it */
    net.Ok(ttb_ns3_create_wifi(net.ns3, &opts, &infrastructure));
    net.Says(ttb_ns3_install_wifi(node, adhoc, TTB_NS3_WIFI_STATION, nullptr, nullptr, &device),
             -EINVAL, "ad hoc");
    net.Says(
        ttb_ns3_install_wifi(node, infrastructure, TTB_NS3_WIFI_ADHOC, nullptr, nullptr, &device),
        -EINVAL, "cannot be ad hoc");
    net.Says(
        ttb_ns3_install_wifi(node, adhoc, (enum ttb_ns3_wifi_role)9, nullptr, nullptr, &device),
        -EINVAL, "number 9");
    net.Says(ttb_ns3_install_wifi(node, lan, TTB_NS3_WIFI_ADHOC, nullptr, nullptr, &device),
             -EINVAL, "ttb::WifiNetwork is needed");
    net.Says(ttb_ns3_install_wifi(adhoc, adhoc, TTB_NS3_WIFI_ADHOC, nullptr, nullptr, &device),
             -EINVAL, "ns3::Node is needed");
    net.Says(ttb_ns3_install_wifi(node, adhoc, TTB_NS3_WIFI_ADHOC, "nonsense", nullptr, &device),
             -EINVAL, "no Ethernet address");
    net.Says(ttb_ns3_install_wifi(node, adhoc, TTB_NS3_WIFI_ADHOC, nullptr, unknown, &device),
             -ENOENT, "NoSuch");
    net.Says(ttb_ns3_set_position(node, nullptr), -EINVAL, "not NULL");
    net.Says(ttb_ns3_set_position(node, &far), -EINVAL, "coordinate");
    net.Says(ttb_ns3_set_position(lan, &far), -EINVAL, "ns3::Node");
    net.Says(ttb_ns3_set_waypoints(node, back, 2), -EINVAL, "not after");
    net.Says(ttb_ns3_set_waypoints(node, back, 0), -EINVAL, "waypoints are needed");
    net.Says(ttb_ns3_set_waypoints(node, nullptr, 2), -EINVAL, "waypoints are needed");
    net.Says(ttb_ns3_set_mobility(node, "ns3::Node", nullptr, nullptr, nullptr), -EINVAL,
             "MobilityModel");
    net.Says(
        ttb_ns3_set_mobility(node, "ns3::HierarchicalMobilityModel", nullptr, nullptr, nullptr),
        -EINVAL, "not complete");
    net.Ok(ttb_ns3_install_wifi(node, adhoc, TTB_NS3_WIFI_ADHOC, nullptr, nullptr, &device));
    net.Says(ttb_ns3_link_set_up(device, false), -EOPNOTSUPP, "out of range");
    net.Says(ttb_ns3_assign_streams(lan, 5, nullptr), -EOPNOTSUPP, "CsmaChannel");
    net.Says(ttb_ns3_assign_streams(device, UINT64_MAX, nullptr), -EINVAL, "2^62");
    net.Ok(ttb_ns3_assign_streams(device, 5, &count));
    assert_true(count > 0);
    net.Ok(ttb_ns3_assign_streams(adhoc, 5, &count));
    net.Ok(ttb_ns3_assign_streams(node, 5, &count));
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csma_changes_hold_for_the_next_frame),
        cmocka_unit_test(a_csma_frame_keeps_the_rate_it_began_with),
        cmocka_unit_test(a_cut_csma_channel_carries_nothing_old_or_new),
        cmocka_unit_test(csma_loss_is_for_each_receiver_on_its_own),
        cmocka_unit_test(a_queue_that_is_made_shorter_keeps_what_waits),
        cmocka_unit_test(a_simple_device_can_be_installed),
        cmocka_unit_test(a_switch_forwards_every_kind_of_frame_between_every_kind_of_port),
        cmocka_unit_test(what_cannot_be_a_switchs_port_is_refused),
        cmocka_unit_test(packets_follow_static_routes),
        cmocka_unit_test(a_host_that_does_not_forward_does_not),
        cmocka_unit_test(global_routes_are_found),
        cmocka_unit_test(rip_learns_routes),
        cmocka_unit_test(olsr_learns_routes),
        cmocka_unit_test(malformed_addresses_and_routes_are_refused),
        cmocka_unit_test(wifi_works_in_every_standard_and_mode),
        cmocka_unit_test(wifi_draws_the_same_whatever_else_there_is_or_was),
        cmocka_unit_test(a_node_that_moves_away_is_heard_again_when_it_is_back),
        cmocka_unit_test(loss_on_the_air_is_counted_and_made_up_for),
        cmocka_unit_test(positions_are_exact_and_do_not_depend_on_who_asks),
        cmocka_unit_test(what_makes_no_wifi_is_refused),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
