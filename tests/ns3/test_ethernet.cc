/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The full-duplex Ethernet link: exact times, both directions at once, order, queues, losses, cuts;
 * and that it agrees with the built-in network, frame for frame.
 */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include <ttbridge/link.h>
#include <ttbridge/ns3.h>
#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>

#include <ns3/core-module.h>
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
using ttb::EthernetLinkChannel;
using ttb::EthernetLinkDevice;
using Bytes = std::vector<uint8_t>;

static constexpr uint64_t SECOND_NS = 1000000000;

struct Arrival {
    uint64_t time_ns;
    Bytes frame;
};

/* ------------------------------------------------------------------------------------ fixture */

struct Line {
    struct ttb_ns3 *ns3 = nullptr;
    struct ttb_ns3_object *cable = nullptr;
    struct ttb_ns3_object *handles[2];
    Ptr<EthernetLinkDevice> devices[2];
    std::vector<Arrival> arrivals[2];

    explicit Line(uint64_t rate_bps, uint64_t delay_ns, unsigned queue = 1000)
    {
        struct ttb_ns3_opts opts = {};
        struct ttb_ns3_link_params params = {};

        opts.size = sizeof(opts);
        if (ttb_ns3_new(&opts, &ns3))
            fail_msg("%s", ttb_ns3_error(nullptr));
        Ok(ttb_ns3_create(ns3, "ttb::EthernetLinkChannel", nullptr, &cable));
        for (int i = 0; i < 2; i++) {
            struct ttb_ns3_object *node;
            std::string mac = "02:00:00:00:00:0" + std::to_string(i + 1);

            Ok(ttb_ns3_create_node(ns3, &node));
            Ok(ttb_ns3_install_ethernet(node, cable, mac.c_str(), nullptr, &handles[i]));
            devices[i] = DynamicCast<EthernetLinkDevice>(NodeList::GetNode(i)->GetDevice(0));
            devices[i]->TraceConnectWithoutContext(
                "PromiscSniffer", Callback<void, Ptr<const Packet>>([](Ptr<const Packet>) {}));
            devices[i]->SetPromiscReceiveCallback(
                [this, i](Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t type,
                          const Address &from, const Address &to, NetDevice::PacketType) {
                    Bytes frame(14 + packet->GetSize());

                    Mac48Address::ConvertFrom(to).CopyTo(&frame[0]);
                    Mac48Address::ConvertFrom(from).CopyTo(&frame[6]);
                    frame[12] = type >> 8;
                    frame[13] = type & 0xff;
                    packet->CopyData(&frame[14], packet->GetSize());
                    arrivals[i].push_back({Now(), frame});
                    return true;
                });
        }
        params.size = sizeof(params);
        params.fields = TTB_NS3_LINK_RATE | TTB_NS3_LINK_DELAY | TTB_NS3_LINK_QUEUE;
        params.rate_bps = rate_bps;
        params.delay_ns = delay_ns;
        params.queue_frames = queue;
        Ok(ttb_ns3_link_set(cable, &params));
    }

    ~Line()
    {
        for (auto &device : devices)
            device = nullptr;
        ttb_ns3_free(ns3);
    }

    Line(const Line &) = delete;

    void Ok(int rc)
    {
        if (rc)
            fail_msg("%d: %s", rc, ttb_ns3_error(ns3));
    }

    static uint64_t Now()
    {
        return Simulator::Now().GetNanoSeconds();
    }

    void At(uint64_t time_ns, std::function<void()> what)
    {
        Simulator::Schedule(NanoSeconds(time_ns) - Simulator::Now(), what);
    }

    void SendNow(int end, const Bytes &frame)
    {
        Mac48Address to, from;

        to.CopyFrom(&frame[0]);
        from.CopyFrom(&frame[6]);
        devices[end]->SendFrom(Create<Packet>(&frame[14], frame.size() - 14), from, to,
                               frame[12] << 8 | frame[13]);
    }

    void Send(uint64_t time_ns, int end, const Bytes &frame)
    {
        At(time_ns, [this, end, frame]() { SendNow(end, frame); });
    }

    void Run(uint64_t until_ns = 1000000 * SECOND_NS)
    {
        Ok(ttb_ns3_run(ns3, until_ns));
    }

    struct ttb_ns3_link_stats Stats(struct ttb_ns3_object *link)
    {
        struct ttb_ns3_link_stats stats;

        Ok(ttb_ns3_link_get_stats(link, &stats));
        return stats;
    }

    void Set(struct ttb_ns3_object *link, unsigned fields, uint64_t value)
    {
        struct ttb_ns3_link_params params = {};

        params.size = sizeof(params);
        params.fields = fields;
        params.rate_bps = params.delay_ns = value;
        params.loss_ppb = params.queue_frames = value;
        Ok(ttb_ns3_link_set(link, &params));
    }
};

/* A frame of `len` bytes, the header included; `number` is in it. */
static Bytes MakeFrame(size_t len, uint16_t type = 0x0800, uint16_t number = 0)
{
    Bytes frame(len);
    const uint8_t addresses[12] = {2, 0, 0, 0, 0, 9, 2, 0x74, 0x74, 0, 0, 1};

    std::memcpy(frame.data(), addresses, 12);
    frame[12] = type >> 8;
    frame[13] = type & 0xff;
    for (size_t i = 14; i < len; i++)
        frame[i] = (uint8_t)(i * 7 + 1);
    if (len >= 16) {
        frame[14] = number >> 8;
        frame[15] = number & 0xff;
    }
    return frame;
}

static Bytes Padded(Bytes frame)
{
    frame.resize(std::max<size_t>(frame.size(), 60));
    return frame;
}

static void assert_frames_equal(const Bytes &got, const Bytes &expected)
{
    assert_int_equal(got.size(), expected.size());
    assert_memory_equal(got.data(), expected.data(), expected.size());
}

/* Time of so many bytes, rounded up. */
static uint64_t TimeOf(uint64_t bytes, uint64_t rate_bps)
{
    auto bits = (unsigned __int128)bytes * 8 * SECOND_NS;

    return (uint64_t)((bits + rate_bps - 1) / rate_bps);
}

/* -------------------------------------------------------------------------------------- times */

static const uint64_t RATES[] = {9600,       10000000,    100000000,   999999937,
                                 1000000000, 10000000000, 40000000000, 100000000000};
static const size_t SIZES[] = {14, 15, 59, 60, 61, 64, 100, 1014, 1513, 1514};

static void a_frame_takes_exactly_the_time_of_its_bits_and_the_delay(void **)
{
    /* By hand: 8 + 1014 + 4 bytes at 100 Mbit/s are 82,080 ns; 8 + 60 + 4 at 1 Gbit/s are 576. */
    assert_int_equal(TimeOf(8 + 1014 + 4, 100000000), 82080);
    assert_int_equal(TimeOf(8 + 60 + 4, 1000000000), 576);
    for (uint64_t rate : RATES) {
        Line line(rate, 12345);
        uint64_t time_ns = 3;
        unsigned i = 0;

        for (size_t size : SIZES) {
            line.Send(time_ns, 0, MakeFrame(size));
            time_ns += 10 * SECOND_NS + 1;
        }
        line.Run();
        assert_int_equal(line.arrivals[1].size(), sizeof(SIZES) / sizeof(SIZES[0]));
        time_ns = 3;
        for (size_t size : SIZES) {
            uint64_t bytes = 8 + std::max<size_t>(size, 60) + 4;

            assert_int_equal(line.arrivals[1][i].time_ns, time_ns + TimeOf(bytes, rate) + 12345);
            assert_frames_equal(line.arrivals[1][i].frame, Padded(MakeFrame(size)));
            time_ns += 10 * SECOND_NS + 1;
            i++;
        }
    }
}

static void frames_follow_each_other_at_the_gap_and_no_fraction_is_lost(void **)
{
    for (uint64_t rate : RATES) {
        for (size_t size : SIZES) {
            Line line(rate, 777);
            uint64_t len = std::max<size_t>(size, 60);

            for (unsigned k = 0; k < 100; k++)
                line.Send(5, 0, MakeFrame(size, 0x0800, k));
            line.Run();
            assert_int_equal(line.arrivals[1].size(), 100);
            for (unsigned k = 0; k < 100; k++) {
                uint64_t bytes = k * (8 + len + 4 + 12) + 8 + len + 4;

                assert_int_equal(line.arrivals[1][k].time_ns, 5 + TimeOf(bytes, rate) + 777);
                assert_frames_equal(line.arrivals[1][k].frame, Padded(MakeFrame(size, 0x0800, k)));
            }
        }
    }
}

static void both_directions_are_used_at_once(void **)
{
    Line line(10000000, 100);

    for (unsigned k = 0; k < 50; k++) {
        line.Send(1, 0, MakeFrame(1514, 0x0800, k));
        line.Send(1, 1, MakeFrame(1514, 0x0800, k));
    }
    line.Run();
    for (int end = 0; end < 2; end++) {
        assert_int_equal(line.arrivals[end].size(), 50);
        for (unsigned k = 0; k < 50; k++)
            assert_int_equal(line.arrivals[end][k].time_ns,
                             1 + TimeOf(k * 1538 + 1526, 10000000) + 100);
    }
}

static void each_direction_has_the_rate_and_delay_of_its_sender(void **)
{
    Line line(1000000000, 100);

    line.Set(line.handles[1], TTB_NS3_LINK_RATE, 1000000);
    line.Set(line.handles[1], TTB_NS3_LINK_DELAY, 5000);
    line.Send(10, 0, MakeFrame(60));
    line.Send(10, 1, MakeFrame(60));
    line.Run();
    assert_int_equal(line.arrivals[1][0].time_ns, 10 + 576 + 100);
    assert_int_equal(line.arrivals[0][0].time_ns, 10 + 576000 + 5000);
}

/* ------------------------------------------------------- the same as in the built-in network */

struct BuiltIn {
    struct ttb_bridge *bridge = nullptr;
    struct ttb_net *net = nullptr;
    struct ttb_net_end *ends[2] = {};
    struct ttb_net_link *link = nullptr;
    struct ttb_net_params params = {};
    std::vector<Arrival> arrivals[2];
    std::vector<std::pair<BuiltIn *, std::function<void()>> *> calls;
    char directory[32] = "/tmp/ttb-eth-XXXXXX";

    explicit BuiltIn(uint64_t rate_bps, uint64_t delay_ns, unsigned queue)
    {
        struct ttb_bridge_opts opts = {};

        assert_non_null(mkdtemp(directory));
        opts.size = sizeof(opts);
        opts.directory = directory;
        assert_int_equal(ttb_bridge_new(&opts, &bridge), 0);
        assert_int_equal(ttb_net_new(bridge, nullptr, &net), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(ttb_net_add_host(net, "host", Receive, &arrivals[i], &ends[i]), 0);
        params.size = sizeof(params);
        params.rate_bps = rate_bps;
        params.delay_ns = delay_ns;
        params.queue_frames = queue;
        assert_int_equal(ttb_net_connect(net, ends[0], ends[1], &params, nullptr, &link), 0);
    }

    ~BuiltIn()
    {
        ttb_net_free(net);
        ttb_bridge_free(bridge);
        for (auto call : calls)
            delete call;
        rmdir(directory);
    }

    BuiltIn(const BuiltIn &) = delete;

    static void Receive(void *user, struct ttb_net_end *, uint64_t time_ns, const void *frame,
                        size_t len_bytes)
    {
        auto bytes = static_cast<const uint8_t *>(frame);

        static_cast<std::vector<Arrival> *>(user)->push_back(
            {time_ns, Bytes(bytes, bytes + len_bytes)});
    }

    void At(uint64_t time_ns, std::function<void()> what)
    {
        auto call = new std::pair<BuiltIn *, std::function<void()>>(this, what);

        calls.push_back(call);
        assert_int_equal(
            ttb_net_call_at(
                net, time_ns,
                [](void *user, uint64_t) {
                    static_cast<std::pair<BuiltIn *, std::function<void()>> *>(user)->second();
                },
                call, nullptr),
            0);
    }
};

/* A small generator of its own, so that the workload is the same everywhere. */
struct Numbers {
    uint64_t state;
    uint64_t Below(uint64_t limit)
    {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return (state >> 33) % limit;
    }
};

static void random_traffic_fares_as_in_the_built_in_network(void **)
{
    uint64_t total = 0;

    for (unsigned seed = 1; seed <= 20; seed++) {
        const uint64_t rates[] = {1000000, 33333333, 100000000, 999999937};
        Numbers numbers = {seed};
        uint64_t rate = rates[numbers.Below(4)], delay = numbers.Below(200000);
        unsigned queue = 1 + numbers.Below(20);
        Line line(rate, delay, queue);
        BuiltIn other(rate, delay, queue);
        uint64_t time_ns = 0;
        unsigned number = 0;

        /* Changes and frames never at one instant: which comes first there is not the link's choice,
         * but that of whoever calls it. */
        for (unsigned i = 0; i < 400; i++) {
            int end = numbers.Below(2);
            unsigned what = numbers.Below(40);

            time_ns += 1 + numbers.Below(numbers.Below(10) ? 30000 : 3000000);
            if (what == 0) {
                uint64_t changed = rates[numbers.Below(4)];

                line.At(time_ns,
                        [&, changed] { line.Set(line.cable, TTB_NS3_LINK_RATE, changed); });
                other.At(time_ns, [&, changed] {
                    other.params.rate_bps = changed;
                    ttb_net_link_set(other.link, nullptr, &other.params);
                });
            } else if (what == 1) {
                uint64_t changed = numbers.Below(400000);

                line.At(time_ns,
                        [&, changed] { line.Set(line.cable, TTB_NS3_LINK_DELAY, changed); });
                other.At(time_ns, [&, changed] {
                    other.params.delay_ns = changed;
                    ttb_net_link_set(other.link, nullptr, &other.params);
                });
            } else if (what == 2) {
                unsigned changed = 1 + numbers.Below(20);

                line.At(time_ns,
                        [&, changed] { line.Set(line.cable, TTB_NS3_LINK_QUEUE, changed); });
                other.At(time_ns, [&, changed] {
                    other.params.queue_frames = changed;
                    ttb_net_link_set(other.link, nullptr, &other.params);
                });
            } else if (what == 3) {
                uint64_t repaired_ns = time_ns + 1 + numbers.Below(200000);

                for (bool up : {false, true}) {
                    uint64_t at_ns = up ? repaired_ns : time_ns;

                    line.At(at_ns, [&, up] { line.Ok(ttb_ns3_link_set_up(line.cable, up)); });
                    other.At(at_ns, [&, up] { ttb_net_link_set_up(other.link, up); });
                }
                time_ns = repaired_ns;
            } else {
                size_t len = numbers.Below(4) ? 14 + numbers.Below(1501) : 14 + numbers.Below(60);
                unsigned burst = 1 + numbers.Below(6);

                for (unsigned k = 0; k < burst; k++) {
                    Bytes frame = MakeFrame(std::max<size_t>(len, 16), 0x0800, ++number);

                    line.Send(time_ns, end, frame);
                    other.At(time_ns, [&other, end, frame] {
                        ttb_net_host_send(other.ends[end], frame.data(), frame.size());
                    });
                }
            }
        }
        line.Run();
        assert_int_equal(ttb_net_run(other.net, 1000000 * SECOND_NS), 0);
        total += line.arrivals[0].size() + line.arrivals[1].size();
        for (int end = 0; end < 2; end++) {
            struct ttb_net_stats expected;
            struct ttb_ns3_link_stats got = line.Stats(line.handles[end]);

            assert_int_equal(line.arrivals[end].size(), other.arrivals[end].size());
            for (size_t i = 0; i < line.arrivals[end].size(); i++) {
                assert_int_equal(line.arrivals[end][i].time_ns, other.arrivals[end][i].time_ns);
                assert_frames_equal(line.arrivals[end][i].frame,
                                    Padded(other.arrivals[end][i].frame));
            }
            ttb_net_end_get_stats(other.ends[end], &expected);
            assert_int_equal(got.sent_frames, expected.offered_frames);
            assert_int_equal(got.dropped_queue, expected.dropped[TTB_NET_DROP_QUEUE_FRAMES]);
            assert_int_equal(got.dropped_down, expected.dropped[TTB_NET_DROP_LINK_DOWN]);
            assert_int_equal(got.dropped_loss + got.dropped_other, 0);
        }
    }
    assert_true(total > 10000); /* two networks that lose everything agree as well */
}

/* ------------------------------------------------------------------------------------- frames */

static void every_kind_of_frame_crosses_unchanged(void **)
{
    Line line(1000000000, 0);
    std::vector<Bytes> frames;
    Bytes bpdu = MakeFrame(14 + 38, 38);

    bpdu[14] = bpdu[15] = 0x42; /* LLC of the spanning tree protocol */
    bpdu[16] = 0x03;
    frames.push_back(bpdu);
    frames.push_back(MakeFrame(14 + 28, 0x0806));
    frames.push_back(MakeFrame(14 + 1500, 0x86dd));
    frames.push_back(MakeFrame(14 + 1504, 0x8100)); /* tag and a full payload */
    frames.push_back(MakeFrame(14 + 1504, 0x88a8));
    frames.push_back(MakeFrame(14 + 1500, 1500));
    frames.push_back(MakeFrame(14 + 60, 0)); /* what no protocol handler would call sensible */
    frames.push_back(MakeFrame(14, 0xffff));
    for (size_t i = 0; i < frames.size(); i++)
        line.Send(i * SECOND_NS, 0, frames[i]);
    line.Run();
    assert_int_equal(line.arrivals[1].size(), frames.size());
    for (size_t i = 0; i < frames.size(); i++)
        assert_frames_equal(line.arrivals[1][i].frame, Padded(frames[i]));
}

static void frames_above_the_mtu_are_dropped_and_counted(void **)
{
    Line line(1000000000, 0);

    line.Send(1, 0, MakeFrame(14 + 1501));
    line.Send(2, 0, MakeFrame(14 + 1505, 0x8100));
    line.Send(3, 0, MakeFrame(14 + 1500));
    line.Run();
    assert_int_equal(line.arrivals[1].size(), 1);
    assert_int_equal(line.Stats(line.handles[0]).dropped_other, 2);
    assert_int_equal(line.Stats(line.handles[0]).sent_frames, 3);
}

static void a_jumbo_mtu_carries_jumbo_frames(void **)
{
    Line line(1000000000, 0);

    for (auto device : line.handles)
        line.Ok(ttb_ns3_object_set(device, "Mtu", "9000"));
    line.Send(1, 0, MakeFrame(14 + 9000));
    line.Run();
    assert_int_equal(line.arrivals[1][0].time_ns, 1 + TimeOf(8 + 9014 + 4, 1000000000));
}

/* ------------------------------------------------------------------------------ drops and cuts */

static void what_does_not_fit_into_the_queue_is_counted(void **)
{
    Line line(1000000, 0, 3);

    for (unsigned k = 0; k < 10; k++)
        line.Send(5, 0, MakeFrame(100, 0x0800, k));
    line.Run();
    /* One being sent, three waiting: the first four. */
    assert_int_equal(line.arrivals[1].size(), 4);
    for (unsigned k = 0; k < 4; k++)
        assert_frames_equal(line.arrivals[1][k].frame, MakeFrame(100, 0x0800, k));
    assert_int_equal(line.Stats(line.cable).sent_frames, 10);
    assert_int_equal(line.Stats(line.cable).dropped_queue, 6);
    assert_int_equal(line.Stats(line.cable).received_frames, 4);
}

static std::vector<uint16_t> Survivors(bool with_other_traffic, uint32_t other_loss_ppb)
{
    Line line(1000000000, 1000);
    std::vector<uint16_t> numbers;

    line.Set(line.handles[0], TTB_NS3_LINK_LOSS, 300000000);
    /* From the other end, and a loss of its own: changes nothing here. */
    line.Set(line.handles[1], TTB_NS3_LINK_LOSS, other_loss_ppb);
    for (unsigned k = 0; k < 10000; k++) {
        line.Send(k * 10000, 0, MakeFrame(60, 0x0800, k));
        if (with_other_traffic)
            line.Send(k * 10000 + 7, 1, MakeFrame(60));
    }
    /* No loss for a while: that shifts nobody's fate before or after. */
    line.At(20000000, [&] { line.Set(line.handles[0], TTB_NS3_LINK_LOSS, 0); });
    line.At(30000000, [&] { line.Set(line.handles[0], TTB_NS3_LINK_LOSS, 300000000); });
    line.Run();
    for (const Arrival &arrival : line.arrivals[1])
        numbers.push_back(arrival.frame[14] << 8 | arrival.frame[15]);
    assert_int_equal(line.Stats(line.handles[1]).received_frames, numbers.size());
    assert_int_equal(line.Stats(line.handles[1]).dropped_loss, 10000 - numbers.size());
    if (with_other_traffic)
        assert_int_equal(line.arrivals[0].size(), 10000 - line.Stats(line.handles[0]).dropped_loss);
    return numbers;
}

static void loss_strikes_the_same_frames_whatever_else_happens(void **)
{
    std::vector<uint16_t> first = Survivors(false, 0);
    std::vector<uint16_t> second = Survivors(true, 500000000);
    unsigned lossless = 0;

    /* 1000 lossless frames, 9000 at 70 %: 7300, standard deviation 43. */
    assert_in_range(first.size(), 7100, 7500);
    assert_true(first == second);
    for (uint16_t number : first)
        lossless += number >= 2000 && number < 3000;
    assert_int_equal(lossless, 1000);
}

static void certain_loss_and_no_loss_are_exact(void **)
{
    Line line(1000000000, 1000);

    line.Set(line.handles[0], TTB_NS3_LINK_LOSS, 1000000000);
    for (unsigned k = 0; k < 1000; k++) {
        line.Send(k * 10000, 0, MakeFrame(60));
        line.Send(k * 10000, 1, MakeFrame(60));
    }
    line.Run();
    assert_int_equal(line.arrivals[1].size(), 0);
    assert_int_equal(line.arrivals[0].size(), 1000);
}

static void a_model_of_errors_can_be_put_in_and_taken_out(void **)
{
    Line line(1000000000, 0);
    const struct ttb_ns3_attribute always[] = {
        {"ErrorRate", "1"}, {"ErrorUnit", "ERROR_UNIT_PACKET"}, {nullptr, nullptr}};

    line.Ok(ttb_ns3_set_error_model(line.handles[1], "ns3::RateErrorModel", always));
    line.Send(10, 0, MakeFrame(60));
    line.Run(1000000);
    assert_int_equal(line.arrivals[1].size(), 0);
    assert_int_equal(line.Stats(line.cable).dropped_loss, 1);
    line.Ok(ttb_ns3_set_error_model(line.handles[1], nullptr, nullptr));
    line.Send(2000000, 0, MakeFrame(60));
    line.Run();
    assert_int_equal(line.arrivals[1].size(), 1);
}

static void a_cut_loses_what_is_on_the_link_and_what_waits(void **)
{
    Line line(1000000, 10000000);
    struct ttb_ns3_link_stats stats;

    /* 1 Mbit/s: 124 bytes take 992 us. At 5 ms five are on their way, the others wait. */
    for (unsigned k = 0; k < 10; k++)
        line.Send(0, 0, MakeFrame(100, 0x0800, k));
    line.At(5000000, [&] { line.Ok(ttb_ns3_link_set_up(line.cable, false)); });
    line.Send(5500000, 0, MakeFrame(100));
    line.At(6000000, [&] { line.Ok(ttb_ns3_link_set_up(line.cable, true)); });
    line.Send(6000001, 0, MakeFrame(100, 0x0800, 99));
    line.Run();
    assert_int_equal(line.arrivals[1].size(), 1);
    assert_int_equal(line.arrivals[1][0].time_ns, 6000001 + TimeOf(112, 1000000) + 10000000);
    stats = line.Stats(line.cable);
    assert_int_equal(stats.sent_frames, 12);
    assert_int_equal(stats.dropped_down, 11);
    assert_int_equal(stats.received_frames, 1);
}

static void devices_say_when_the_link_comes_and_goes(void **)
{
    Line line(1000000, 0);
    std::vector<bool> seen;
    auto device = line.devices[0];

    assert_true(device->IsLinkUp());
    device->AddLinkChangeCallback(
        [&seen, device = PeekPointer(device)] { seen.push_back(device->IsLinkUp()); });
    line.Ok(ttb_ns3_link_set_up(line.handles[1], false)); /* either end will do */
    line.Ok(ttb_ns3_link_set_up(line.cable, false));      /* no change */
    line.Ok(ttb_ns3_link_set_up(line.cable, true));
    assert_true(seen == (std::vector<bool>{false, true}));
}

static void trace_sources_see_frames_at_their_times(void **)
{
    Line line(1000000000, 500);
    std::vector<std::pair<std::string, uint64_t>> seen;
    const char *const names[] = {"MacTx",   "PhyTxBegin",     "PhyTxEnd", "PhyRxEnd",
                                 "Sniffer", "PromiscSniffer", "MacRx",    "MacPromiscRx"};

    for (int i = 0; i < 2; i++) {
        for (const char *name : names) {
            std::string what = std::to_string(i) + name;

            assert_true(line.devices[i]->TraceConnectWithoutContext(
                name, Callback<void, Ptr<const Packet>>([&seen, what](Ptr<const Packet> frame) {
                    assert_true(frame->GetSize() == 60);
                    seen.push_back({what, Line::Now()});
                })));
        }
    }
    line.Send(7, 0,
              MakeFrame(60)); /* for 02:..:09, so for neither: MacRx and Sniffer say nothing */
    line.Run();
    std::vector<std::pair<std::string, uint64_t>> expected = {{"0MacTx", 7},
                                                              {"0Sniffer", 7},
                                                              {"0PromiscSniffer", 7},
                                                              {"0PhyTxBegin", 7},
                                                              {"0PhyTxEnd", 7 + 576},
                                                              {"1PhyRxEnd", 7 + 1076},
                                                              {"1PromiscSniffer", 7 + 1076},
                                                              {"1MacPromiscRx", 7 + 1076}};
    assert_true(seen == expected);
}

static void a_pcap_file_has_the_frames_at_their_times(void **)
{
    char path[] = "/tmp/ttb-eth-XXXXXX";
    uint32_t head[6 + 4];
    uint8_t frame[60];
    int file = mkstemp(path);

    assert_true(file >= 0);
    {
        Line line(1000000000, 500);

        line.Ok(ttb_ns3_pcap(line.handles[1], path, true));
        line.Send(3 * SECOND_NS + 7, 0, MakeFrame(60));
        line.Run();
        line.Ok(ttb_ns3_destroy(line.ns3));
    }
    assert_int_equal(read(file, head, sizeof(head)), sizeof(head));
    assert_int_equal(head[0], 0xa1b23c4d); /* nanoseconds */
    assert_int_equal(head[5], 1);          /* Ethernet */
    assert_int_equal(head[6], 3);
    assert_int_equal(head[7], 7 + 576 + 500);
    assert_int_equal(head[8], 60);
    assert_int_equal(read(file, frame, sizeof(frame)), sizeof(frame));
    assert_memory_equal(frame, MakeFrame(60).data(), sizeof(frame));
    assert_int_equal(read(file, frame, sizeof(frame)), 0);
    close(file);
    unlink(path);
}

/* ------------------------------------------------------------------------------------ refusals */

static void says(Line &line, int rc, int expected, const char *part)
{
    const char *text = ttb_ns3_error(line.ns3);

    if (rc != expected || !std::strstr(text, part))
        fail_msg("got %d: \"%s\", expected %d: \"...%s...\"", rc, text, expected, part);
}

static void what_cannot_be_is_refused_with_the_reason(void **)
{
    Line line(1000000, 0);
    struct ttb_ns3_object *node, *device, *other;
    struct ttb_ns3_link_params params = {};
    struct ttb_ns3_link_stats stats;

    line.Ok(ttb_ns3_create_node(line.ns3, &node));
    says(line, ttb_ns3_install_ethernet(node, line.cable, nullptr, nullptr, &device), -ENOSPC,
         "two ends already");
    assert_null(device);
    says(line, ttb_ns3_install_ethernet(line.cable, node, nullptr, nullptr, &device), -EINVAL,
         "ns3::Node is needed");
    says(line, ttb_ns3_install_ethernet(node, node, nullptr, nullptr, &device), -EINVAL,
         "ttb::EthernetLinkChannel is needed");
    says(line, ttb_ns3_install_ethernet(node, nullptr, nullptr, nullptr, &device), -EINVAL,
         "not NULL");
    assert_int_equal(ttb_ns3_install_ethernet(nullptr, line.cable, nullptr, nullptr, &device),
                     -EINVAL);
    line.Ok(ttb_ns3_create(line.ns3, "ttb::EthernetLinkChannel", nullptr, &other));
    says(line, ttb_ns3_install_ethernet(node, other, "01:00:00:00:00:01", nullptr, &device),
         -EINVAL, "group address");
    const struct ttb_ns3_attribute bad[] = {{"Mtu", "20"}, {nullptr, nullptr}};
    says(line, ttb_ns3_install_ethernet(node, other, nullptr, bad, &device), -EINVAL, "Mtu");
    const struct ttb_ns3_attribute negative[] = {{"Delay", "-1ms"}, {nullptr, nullptr}};
    says(line, ttb_ns3_create(line.ns3, "ttb::EthernetLinkChannel", negative, &device), -EINVAL,
         "Delay");
    says(line,
         ttb_ns3_install_device(node, "ns3::LoopbackNetDevice", other, nullptr, nullptr, &device),
         -EOPNOTSUPP, "need more than a channel");
    says(line, ttb_ns3_install_device(node, "ns3::CsmaNetDevice", other, nullptr, nullptr, &device),
         -EINVAL, "needs a channel of type ns3::CsmaChannel");
    says(line, ttb_ns3_install_device(node, "ns3::Node", other, nullptr, nullptr, &device), -EINVAL,
         "is no ns3::NetDevice");

    says(line, ttb_ns3_link_set(line.cable, nullptr), -EINVAL, "size");
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "size");
    params.size = sizeof(params);
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "fields");
    params.fields = 16;
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "fields");
    params.fields = TTB_NS3_LINK_RATE;
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "rate_bps 0");
    params.rate_bps = UINT64_MAX;
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "rate_bps 1844");
    params.fields = TTB_NS3_LINK_DELAY;
    params.delay_ns = UINT64_MAX;
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "delay_ns");
    params.fields = TTB_NS3_LINK_LOSS;
    params.loss_ppb = 1000000001;
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "loss_ppb 1000000001");
    params.fields = TTB_NS3_LINK_QUEUE;
    says(line, ttb_ns3_link_set(line.cable, &params), -EINVAL, "queue_frames 0");
    params.queue_frames = 1;
    says(line, ttb_ns3_link_set(node, &params), -EINVAL, "ns3::Channel is needed");
    assert_int_equal(ttb_ns3_link_set(nullptr, &params), -EINVAL);
    says(line, ttb_ns3_link_set_up(node, false), -EINVAL, "ns3::Channel is needed");
    says(line, ttb_ns3_link_get_stats(node, &stats), -EINVAL, "ns3::Channel is needed");
    says(line, ttb_ns3_set_error_model(node, nullptr, nullptr), -EINVAL, "NetDevice is needed");
    says(line, ttb_ns3_set_error_model(line.handles[0], "ns3::Node", nullptr), -EINVAL,
         "is no ns3::ErrorModel");
    params.fields = TTB_NS3_LINK_LOSS;
    params.loss_ppb = 1;
    line.Ok(ttb_ns3_install_ethernet(node, other, nullptr, nullptr, &device));
    says(line, ttb_ns3_link_set(device, &params), -ENOTCONN, "one end so far");
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_takes_exactly_the_time_of_its_bits_and_the_delay),
        cmocka_unit_test(frames_follow_each_other_at_the_gap_and_no_fraction_is_lost),
        cmocka_unit_test(both_directions_are_used_at_once),
        cmocka_unit_test(each_direction_has_the_rate_and_delay_of_its_sender),
        cmocka_unit_test(random_traffic_fares_as_in_the_built_in_network),
        cmocka_unit_test(every_kind_of_frame_crosses_unchanged),
        cmocka_unit_test(frames_above_the_mtu_are_dropped_and_counted),
        cmocka_unit_test(a_jumbo_mtu_carries_jumbo_frames),
        cmocka_unit_test(what_does_not_fit_into_the_queue_is_counted),
        cmocka_unit_test(loss_strikes_the_same_frames_whatever_else_happens),
        cmocka_unit_test(certain_loss_and_no_loss_are_exact),
        cmocka_unit_test(a_model_of_errors_can_be_put_in_and_taken_out),
        cmocka_unit_test(a_cut_loses_what_is_on_the_link_and_what_waits),
        cmocka_unit_test(devices_say_when_the_link_comes_and_goes),
        cmocka_unit_test(trace_sources_see_frames_at_their_times),
        cmocka_unit_test(a_pcap_file_has_the_frames_at_their_times),
        cmocka_unit_test(what_cannot_be_is_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
