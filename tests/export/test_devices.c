/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames at the devices of ns-3: each is told at every device on its way, under one id; the runs repeat
 * with them, and are the same without.
 */
#include "tshark_util.h"

#include "../cli/work.h"

/* Every kind of wire, a switch, and two routers that lead a packet on with other addresses. */
static const char scenario[] =
    "engine: ns3\n"
    "duration: 9s\n"
    "links:\n"
    "  lan: {type: csma, rate: 100Mbps, delay: 5us}\n"
    "  up: {type: ethernet, rate: 10Mbps, delay: 1ms, queue: 4}\n"
    "  wide:\n"
    "    type: ns3::PointToPointNetDevice\n"
    "    channel: {type: ns3::PointToPointChannel, attributes: {Delay: 3ms}}\n"
    "    attributes: {DataRate: 20Mbps}\n"
    "  far: {type: ethernet, rate: 10Mbps, delay: 2ms, loss: 5%}\n"
    "switches:\n"
    "  sw: {links: [lan, up]}\n"
    "routers:\n"
    "  r1:\n"
    "    interfaces:\n"
    "      - {link: up, address: 10.0.0.254/24}\n"
    "      - {link: wide, address: 10.2.0.1/24}\n"
    "    routing: global\n"
    "  r2:\n"
    "    interfaces:\n"
    "      - {link: wide, address: 10.2.0.2/24}\n"
    "      - {link: far, address: 10.1.0.254/24}\n"
    "    routing: global\n"
    "nodes:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24, gateway: 10.0.0.254}]\n"
    "    run: [\"ping -c 40 -i 0.1 10.1.0.2; ping -c 3 -i 0.1 -s 9000 -W 1 10.1.0.2; true\"]\n"
    "  b:\n"
    "    interfaces: [{link: far, address: 10.1.0.2/24, gateway: 10.1.0.254}]\n"
    "    run: [\"sleep 6; ping -c 2 -i 0.1 -s 5000 -W 1 10.0.0.1; true\"]\n";

static void run_well(const char *line, struct said *said)
{
    run_in_work(line, said);
    expect_status(said, 0);
}

static unsigned number_of(const char *line)
{
    struct said said;

    run_well(line, &said);
    return (unsigned)atoi(said.out);
}

static int run_once(void **state)
{
    struct said said;

    if (fresh_folder(state))
        return -1;
    write_scenario(scenario);
    run_well("$TTB run s.yaml -o run -q", &said);
    return 0;
}

#define FRAMES "$TTB export run -f jsonl --table frames | jq -s "

static void a_packet_has_one_id_from_sender_to_receiver(void **state)
{
    static const char *const ways[] = {
        "a.eth0 a/eth0 sw/lan sw/up r1/eth0 r1/eth1 r2/eth0 r2/eth1 b/eth0 b.eth0",
        "b.eth0 b/eth0 r2/eth1 r2/eth0 r1/eth1 r1/eth0 sw/up sw/lan a/eth0 a.eth0",
    };
    unsigned delivered = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        char line[1024];

        /* In the trace's order; a device that sends and receives the packet is there once. */
        snprintf(line, sizeof(line),
                 FRAMES "'[.[] | select(.protocol == \"icmp\")] | group_by(.packet) | "
                        "[.[] | select(.[-1].place == \"%s\" and .[-1].what == \"delivered\") | "
                        "[.[].place] | join(\" \") | select(. == \"%s\")] | length'",
                 i ? "a.eth0" : "b.eth0", ways[i]);
        delivered += number_of(line);
    }
    assert_true(delivered > 10);
    assert_int_equal(number_of(FRAMES "'[.[] | select(.what == \"delivered\" and "
                                      ".protocol == \"icmp\")] | length'"),
                     delivered);
    /* What ended on the way was sent before, and under its id. */
    assert_int_equal(
        number_of(FRAMES "'[.[] | select(.what == \"transmitted\") | .packet] as $sent | [.[] | "
                         "select(.what == \"lost\" and (.packet | IN($sent[]) | not))] | length'"),
        0);
    assert_true(number_of(FRAMES "'[.[] | select(.what == \"lost\")] | length'") > 0);
}

static void devices_tell_as_many_frames_as_ns3_counts(void **state)
{
    static const char *const links[] = {"lan", "up", "far"};

    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        char line[512];

        /* Counted as sent is what devices are given, dropped or not. */
        snprintf(line, sizeof(line),
                 "jq '.links[] | select(.name == \"%s\") | "
                 ".sent_frames - .dropped_frames.queue' run/summary.json",
                 links[i]);
        unsigned sent = number_of(line);

        snprintf(line, sizeof(line),
                 FRAMES "'[.[] | select(.link == \"%s\" and .what == \"sent\")] | length'",
                 links[i]);
        assert_int_equal(number_of(line), sent);
        snprintf(line, sizeof(line),
                 FRAMES "'[.[] | select(.link == \"%s\" and "
                        "(.what == \"received\" or .reason == \"lost\"))] | length'",
                 links[i]);
        assert_int_equal(number_of(line), sent);
    }
}

static void the_capture_has_every_device(void **state)
{
    char directory[64], capture[128], filter[128];
    static const char *const places[] = {"a/eth0",  "sw/lan",  "sw/up", "r1/eth0",
                                         "r1/eth1", "r2/eth0", "b/eth0"};

    (void)state;
    snprintf(directory, sizeof(directory), "%s/run", work);
    make_capture(directory, capture);
    compare_capture(directory, capture);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(filter, sizeof(filter), "frame.interface_name == \"%s\" && frame.packet_id",
                 places[i]);
        assert_true(count_matches(capture, filter) > 0);
    }
    assert_int_equal(count_matches(capture, "eth.type == 0x88b5"), 0);
    unlink(capture);
}

static void filters_choose_devices(void **state)
{
    (void)state;
    /* A node's own point of view, which its device would only repeat. */
    assert_int_equal(number_of("$TTB export run -f csv --node a | grep -c a/eth0 || :"), 0);
    assert_true(number_of("$TTB export run -f csv --node a | grep -c a.eth0") > 0);
    assert_true(number_of("$TTB export run -f csv --node sw | grep -c sw/lan") > 0);
    assert_int_equal(number_of("$TTB export run -f csv --node sw | grep -vc ,sw/"), 1);
    assert_true(number_of("$TTB export run -f csv --link up | grep -c ,r1/eth0,") > 0);
    assert_int_equal(number_of("$TTB export run -f csv --link up | grep -c ,sw/lan, || :"), 0);
    assert_int_equal(number_of("$TTB export run -f csv --ports | grep -c / || :"), 0);
    assert_true(number_of("$TTB export run -f csv --control | grep -c ,b.ttb,") > 0);
}

static void runs_repeat_and_are_the_same_without(void **state)
{
    struct said said;

    (void)state;
    run_well("$TTB run s.yaml -o jobs -q --jobs 2 && cmp run/run.ttb jobs/run.ttb", &said);
    run_well("$TTB replay run", &said);
    assert_non_null(strstr(said.out, "identical"));
    run_well("$TTB run s.yaml -o ports -q --record ports && $TTB replay ports -q", &said);
    assert_int_equal(number_of("$TTB export ports -f csv | grep -c / || :"), 0);
    run_well("$TTB export run -f csv --ports | cut -d, -f 2-4,6,8- > with.csv && "
             "$TTB export ports -f csv | cut -d, -f 2-4,6,8- | diff with.csv -",
             &said);
    run_in_work("$TTB run s.yaml --record nothing", &said);
    expect_status(&said, 2);
}

/* What its port has sent and it has not begun to send waits in a device: at the end of each instant. */
static void queues_are_as_long_as_what_waits_in_them(void **state)
{
    (void)state;
    assert_int_equal(
        number_of(
            "$TTB export run -f jsonl | jq -s '"
            "([.[] | if .place == \"b.eth0\" and .what == \"transmitted\" then {t: .time_ns, d: 1} "
            "elif .place == \"b/eth0\" and .what == \"sent\" then {t: .time_ns, d: -1} "
            "else empty end] | group_by(.t) | map({t: .[0].t, d: (map(.d) | add)}) | "
            "reduce .[] as $e ({n: 0, out: []}; .n += $e.d | "
            "if $e.d != 0 then .out += [[$e.t, .n]] else . end) | .out) as $expected | "
            "[.[] | select(.table == \"queues\" and .place == \"b/eth0\") | "
            "[.time_ns, .frames]] | if . == $expected then length else 0 end'") > 4,
        true);
    /* Full is full, and at the end all are empty. */
    assert_int_equal(number_of("$TTB export run -f csv --table queues | grep ,sw/up, | "
                               "cut -d, -f 6 | sort -n | tail -n 1"),
                     4);
    assert_int_equal(number_of("$TTB export run -f jsonl --table queues | "
                               "jq -s 'group_by(.place) | map(.[-1].frames) | add'"),
                     0);
}

/* Both engines model the same links: what waits in one waits in the other, to the nanosecond. Without losses,
 * which are drawn by different generators. */
static const char queues[] = "duration: 9s\n"
                             "links:\n"
                             "  lan: {type: ethernet, rate: 10Mbps, delay: 1ms, queue: 6}\n"
                             "  up: {type: ethernet, rate: 2Mbps, delay: 3ms, queue: 8}\n"
                             "switches:\n"
                             "  sw: {links: [lan, up]}\n"
                             "nodes:\n"
                             "  a:\n"
                             "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                             "    run: [\"ping -c 5 -i 0.1 -s 9000 -W 1 10.0.0.2; sleep 1; "
                             "head -c 100000 /dev/zero | nc 10.0.0.2 5001; true\"]\n"
                             "  b:\n"
                             "    interfaces: [{link: up, address: 10.0.0.2/24}]\n"
                             "    run: [\"nc -l -p 5001 | wc -c\"]\n"
                             "events:\n"
                             "  - {at: 1600ms, link: up, set: {up: false}}\n"
                             "  - {at: 2s, link: up, set: {up: true}}\n";

static void frames_wait_in_the_built_in_network_as_in_ns3(void **state)
{
    struct said said;

    (void)state;
    write_scenario(queues);
    run_well("for engine in builtin ns3; do "
             "$TTB run s.yaml --set engine=$engine -o $engine -q || exit 1; "
             "$TTB export $engine -f csv --table queues | cut -d, -f 2,4-6 | "
             "sed 's,\\([ab]\\)/eth0,\\1.eth0,' > $engine.csv; "
             "done; cmp builtin.csv ns3.csv",
             &said);
    for (int i = 0; i < 2; i++) {
        static const char *const places[] = {",a.eth0,", ",sw/up,"};
        char line[256];

        snprintf(line, sizeof(line), "grep %s builtin.csv | cut -d, -f 4 | sort -n | tail -n 1",
                 places[i]);
        assert_int_equal(number_of(line), i ? 8 : 6);
    }
    /* All that waited for the link is gone when it is cut. */
    assert_int_equal(number_of("grep -c ^1600000000,sw/up,up,0 builtin.csv"), 1);
    assert_true(number_of("$TTB show --records builtin | grep -c '  a.eth0  6 frames wait$'") > 0);
    /* A queue is no place where frames are seen. */
    run_well("$TTB export builtin -f pcapng -o q.pcapng", &said);
    assert_int_equal(number_of("capinfos -I q.pcapng | grep -c 'Interface #'"), 4);
    run_well("$TTB run s.yaml --set engine=builtin -o again -q --jobs 2 && "
             "$TTB run s.yaml --set engine=builtin -o ports -q --record ports && "
             "cmp builtin/run.ttb again/run.ttb && $TTB diff builtin ports",
             &said);
    assert_int_equal(number_of("$TTB export ports -f csv --table queues | wc -l"), 1);
}

/* ------------------------------------------------------------------------------------------ Wifi */

/* Frames for one are sent again until they arrive, or until the sender gives up: then somebody has gone. */
static const char radio[] =
    "engine: ns3\n"
    "duration: 9s\n"
    "links:\n"
    "  air: {type: wifi, loss: 40%, wifi: {mode: infrastructure, access_point: ap}}\n"
    "  lan: {type: ethernet, rate: 100Mbps, delay: 1ms}\n"
    "switches:\n"
    "  ap: {links: [air, lan], place: {position: [0m, 0m]}}\n"
    "nodes:\n"
    "  phone:\n"
    "    interfaces: [{link: air, address: 10.0.0.2/24}]\n"
    "    place:\n"
    "      position: [5m, 0m]\n"
    "      waypoints: [{at: 5s, position: [5m, 0m]}, {at: 5.5s, position: [9km, 0m]}]\n"
    "    run: [\"sleep 2; ping -c 10 -i 0.1 10.0.0.1; true\"]\n"
    "  server:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
    "    run: [\"sleep 6; ping -c 2 -W 1 10.0.0.2; sleep 1; arping -c 4 -I eth0 10.0.0.9; "
    "true\"]\n";

static int run_radio(void **state)
{
    struct said said;

    if (fresh_folder(state))
        return -1;
    write_scenario(radio);
    run_well("$TTB run s.yaml -o run -q", &said);
    return 0;
}

static void wifi_tells_what_it_sends_again_and_loses(void **state)
{
    struct said said;

    (void)state;
    /* One packet, several times on the air and once received, with the bytes that it was sent with. */
    assert_true(number_of(FRAMES "'[.[] | select(.protocol == \"icmp\")] | group_by(.packet) | "
                                 "[.[] | select(.[0].place == \"phone.eth0\" and "
                                 ".[-1].place == \"server.eth0\" and "
                                 "([.[] | select(.place == \"phone/eth0\")] | length) > 1 and "
                                 "([.[] | select(.place == \"ap/air\")] | length) == 1 and "
                                 "(map(.len_bytes) | unique) == [98])] | length'") > 0);
    assert_true(number_of(FRAMES "'[.[] | select(.what == \"lost\" and .link == \"air\" and "
                                 ".reason == \"retries exhausted\")] | length'") > 0);
    /* Every loss is of a packet that somebody sent. */
    assert_int_equal(
        number_of(FRAMES "'[.[] | select(.what == \"transmitted\") | .packet] as $sent | [.[] | "
                         "select(.what == \"lost\" and (.packet | IN($sent[]) | not))] | length'"),
        0);
    run_well("$TTB run s.yaml -o again -q --jobs 2 && cmp run/run.ttb again/run.ttb", &said);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_has_one_id_from_sender_to_receiver),
        cmocka_unit_test(devices_tell_as_many_frames_as_ns3_counts),
        cmocka_unit_test(the_capture_has_every_device),
        cmocka_unit_test(filters_choose_devices),
        cmocka_unit_test(queues_are_as_long_as_what_waits_in_them),
        cmocka_unit_test(runs_repeat_and_are_the_same_without),
        cmocka_unit_test(frames_wait_in_the_built_in_network_as_in_ns3),
    };
    const struct CMUnitTest radio_tests[] = {
        cmocka_unit_test(wifi_tells_what_it_sends_again_and_loses),
    };

    if (argc < 2)
        return 2;
    if (!have_nodes_and_wireshark())
        return SKIPPED;
    program = argv[1];
    return cmocka_run_group_tests_name("wires", tests, run_once, remove_folder) +
           cmocka_run_group_tests_name("radio", radio_tests, run_radio, remove_folder);
}
