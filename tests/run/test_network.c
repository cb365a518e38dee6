/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb run on ns-3, with real nodes: every kind of link and element, and what changes meanwhile. */
#include "rig.h"

static void the_same_holds_for_ns3_with_a_link_that_changes(void **state)
{
    struct said said;

    (void)state;
    write_scenario(
        "duration: 30s\n"
        "links: {lan: {type: csma, rate: 100Mbps, delay: 1ms, pcap: true}}\n"
        "nodes:\n"
        "  server: {interfaces: [{link: lan, address: 10.0.0.3/24}]}\n"
        "  n1:\n"
        "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
        "    run: [{command: ping -c 2 server, at: 1s, exit: 0},\n"
        "          {command: ping -c 2 server, at: 6s, exit: 0}, ping -c 9 -i 0.1 server]\n"
        "events:\n"
        "  - {at: 5s, link: lan, set: {delay: 5ms}}\n"
        "  - {at: 7500ms, link: lan, set: {loss: 50%}}\n"
        "expect:\n"
        "  - {node: n1, console_matches: 'seq=1 .* time=[2-4]\\.', before: 5s}\n"
        "  - {node: n1, console_matches: 'seq=1 .* time=10\\.', after: 5s}\n"
        "  - {link: lan, dropped: \">=1\", drop: loss}\n");
    run_in_work("$TTB run s.yaml -o 1 && $TTB run s.yaml -o 2 && $TTB replay 1", &said);
    expect_status(&said, 0);
    run_in_work("cmp 1/run.ttb 2/run.ttb && cmp 1/lan.pcap 2/lan.pcap", &said);
    expect_status(&said, 0);
}

/* ------------------------------------------------------------------------------- links and plugs */

static void a_csma_link_is_cut_and_one_plug_of_it_is_pulled(void **state)
{
    (void)state;
    expect_twice_the_same("duration: 30s\n"
                          "links: {lan: {type: csma, rate: 100Mbps, delay: 1ms}}\n"
                          "nodes:\n"
                          "  a:\n"
                          "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                          "    run:\n"
                          "      - {command: ping -c 1 c, at: 1s, exit: 0}\n"
                          "      - {command: ping -c 1 -W 1 c, at: 5s, exit: 1}\n"
                          "      - {command: ping -c 1 -W 1 b, exit: 0}\n"
                          "      - {command: ping -c 1 -W 1 b, at: 9s, exit: 1}\n"
                          "      - {command: ping -c 1 -W 1 b, at: 13s, exit: 0}\n"
                          "      - {command: ping -c 1 -W 1 c, exit: 1}\n"
                          "      - {command: ping -c 1 -W 1 c, at: 17s, exit: 0}\n"
                          "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n"
                          "  c:\n"
                          "    interfaces: [{link: lan, address: 10.0.0.3/24}]\n"
                          "    run: [{command: 'cat /sys/class/net/eth0/carrier', at: 5s},\n"
                          "          {command: 'cat /sys/class/net/eth0/carrier', at: 18s}]\n"
                          "events:\n"
                          "  - {at: 4s, node: c, interface: eth0, set: {up: false}}\n"
                          "  - {at: 8s, link: lan, set: {up: false}}\n"
                          "  - {at: 12s, link: lan, set: {up: true}}\n" /* but c stays unplugged */
                          "  - {at: 16s, node: c, interface: eth0, set: {up: true}}\n"
                          "expect:\n"
                          "  - {node: c, console_matches: '^0$', times: 1, before: 6s}\n"
                          "  - {node: c, console_matches: '^1$', times: 1, after: 18s}\n");
}

static void an_ethernet_link_has_two_directions_and_is_cut_by_either_plug(void **state)
{
    (void)state;
    expect_twice_the_same(
        "duration: 60s\n"
        "links: {line: {type: ethernet, rate: 1Gbps, delay: 8ms}}\n"
        "nodes:\n"
        "  home:\n"
        "    interfaces: [{link: line, address: 10.0.0.1/30, rate: 100kbps, queue: 20}]\n"
        "    run:\n"
        "      - {command: ping -c 2 provider, at: 1s, exit: 0}\n"
        "      - {command: ping -c 1 -W 1 provider, at: 5s, exit: 1}\n"
        "      - {command: ping -c 2 provider, at: 9s, exit: 0}\n"
        "      - {command: ping -c 20 -i 0.1 -W 1 provider, at: 15s}\n"
        "hosts:\n" /* the host's own delay */
        "  provider: {interfaces: [{link: line, address: 10.0.0.2/30, rate: 1Mbps, delay: "
        "100ms}]}\n"
        "events:\n"
        "  - {at: 4s, node: home, interface: eth0, set: {up: false}}\n"
        "  - {at: 8s, node: home, interface: eth0, set: {up: true}}\n"
        "  - {at: 8s, link: line, set: {rate: 1Mbps, delay: 1ms}}\n" /* both directions now */
        "  - {at: 14s, link: line, set: {loss: 50%}}\n"
        "expect:\n"
        /* 122 bytes on the line with preamble and FCS at 100 kbit/s, 8 ms, at 1 Mbit/s, 100 ms */
        "  - {node: home, console_matches: 'seq=1 .*time=117\\.', times: 1, before: 4s}\n"
        "  - {node: home, console_matches: 'seq=1 .*time=3\\.', times: 1, after: 9s}\n"
        "  - {link: line, dropped: \">=5\", drop: loss}\n");
}

static void radio_and_other_links_can_be_cut_as_well(void **state)
{
    (void)state;
    expect_twice_the_same(
        "duration: 60s\n"
        "links:\n"
        "  air: {type: wifi, wifi: {mode: infrastructure, access_point: ap}}\n"
        "  adhoc: {type: wifi}\n"
        "  sim: {type: \"ns3:SimpleNetDevice\", attributes: {DataRate: 1Mbps},\n"
        "        channel: {type: ns3::SimpleChannel, attributes: {Delay: 3ms}}}\n"
        "nodes:\n"
        "  ap: {interfaces: [{link: air, address: 10.0.0.1/24}, {link: adhoc, address: "
        "10.1.0.1/24},\n"
        "                    {link: sim, address: 10.2.0.1/24}]}\n"
        "  phone:\n"
        "    interfaces: [{link: air, address: 10.0.0.2/24}, {link: adhoc, address: 10.1.0.2/24},\n"
        "                 {link: sim, address: 10.2.0.2/24}]\n"
        "    place: {position: [10m, 0m]}\n"
        "    run:\n"
        "      - {at: 2s, exit: 0, command: 'for i in 0 1 2; do ping -c 2 10.$i.0.1 || exit 1; "
        "done'}\n"
        "      - {at: 11s, exit: 0,\n"
        "         command: 'for i in 0 1 2; do ping -c 1 -W 1 10.$i.0.1 && exit 1; done; true'}\n"
        "      - {at: 24s, exit: 0,\n"
        "         command: 'for i in 0 1; do ping -c 2 -W 1 10.$i.0.1 || exit 1; done'}\n"
        "      - {exit: 1, command: ping -c 1 -W 1 10.2.0.1}\n"
        "      - {exit: 0, at: 41s, command: ping -c 1 -W 1 10.2.0.1}\n"
        "events:\n"
        "  - {at: 10s, link: air, set: {up: false}}\n"
        "  - {at: 10s, link: adhoc, set: {up: false}}\n"
        "  - {at: 10s, link: sim, set: {up: false}}\n"
        "  - {at: 11s, link: adhoc, set: {loss: 0}}\n" /* it stays down */
        "  - {at: 12s, node: phone, interface: eth2, set: {up: false}}\n"
        "  - {at: 20s, link: air, set: {up: true}}\n"
        "  - {at: 20s, link: adhoc, set: {up: true}}\n"
        "  - {at: 20s, link: sim, set: {up: true}}\n"
        "  - {at: 40s, node: phone, interface: eth2, set: {up: true}}\n"
        "expect:\n"
        /* twice 126 bytes at 1 Mbit/s and 3 ms: no preamble, no gap */
        "  - {node: phone, console_matches: '10\\.2\\.0\\.1: seq=1 .*time=7\\.', times: 1}\n");
}

/* ------------------------------------------------------------------------------------- elements */

static void switches_routers_and_hosts_of_ns3_carry_linux_nodes(void **state)
{
    (void)state;
    expect_twice_the_same(
        "duration: 60s\n"
        "links:\n"
        "  desk1: {type: ethernet}\n"
        "  desk2: {type: ethernet}\n"
        "  office: {type: csma}\n"
        "  wan: {type: ethernet, delay: 5ms, error_model: {type: ns3::RateErrorModel,\n"
        "        attributes: {ErrorUnit: ERROR_UNIT_PACKET, ErrorRate: 0.05}}}\n"
        "  home: {type: csma}\n"
        "switches: {sw: {links: [desk1, desk2, office], attributes: {ExpirationTime: 10s}}}\n"
        "routers:\n"
        "  r1: {routing: global, interfaces: [{link: office, address: [10.1.0.254/24, "
        "\"fd01::fe/64\"]},\n"
        "                                     {link: wan, address: [10.0.0.1/30, "
        "\"fd00::1/64\"]}],\n"
        "       routes: [{to: \"fd02::/64\", via: \"fd00::2\"}]}\n"
        "  r2: {routing: global, interfaces: [{link: home, address: [10.2.0.254/24, "
        "\"fd02::fe/64\"]},\n"
        "                                     {link: wan, address: [10.0.0.2/30, "
        "\"fd00::2/64\"]}],\n"
        "       routes: [{to: \"fd01::/64\", via: \"fd00::1\"}]}\n"
        "hosts:\n"
        "  sink:\n"
        "    interfaces: [{link: home, address: 10.2.0.7/24, gateway: 10.2.0.254}]\n"
        "    applications: [{type: ns3::PacketSink, start: 1s,\n"
        "      attributes: {Protocol: ns3::TcpSocketFactory, Local: \"0.0.0.0:9\"}}]\n"
        "nodes:\n"
        "  a:\n"
        "    interfaces: [{link: desk1, address: [10.1.0.1/24, \"fd01::1/64\"],\n"
        "                  gateway: [10.1.0.254, \"fd01::fe\"]}]\n"
        "    run:\n"
        "      - {command: ping -c 2 b, at: 1s, exit: 0}\n" /* through the switch */
        "      - {command: head -c 50000 /dev/zero | nc sink 9, exit: 0}\n"
        "      - {command: ping -c 10 -i 0.1 far, exit: 0}\n"
        "      - {command: ping -6 -c 3 fd02::1, exit: 0}\n"
        "  b: {interfaces: [{link: desk2, address: 10.1.0.2/24}]}\n"
        "  far: {interfaces: [{link: home, address: [10.2.0.1/24, \"fd02::1/64\"],\n"
        "                      gateway: [10.2.0.254, \"fd02::fe\"]}]}\n"
        "expect:\n"
        "  - {node: a, console_matches: 'from 10\\.2\\.0\\.1: seq=\\d+ ttl=62 time=10\\.', times: "
        "\">=5\"}\n"
        "  - {link: wan, dropped: \">=1\", drop: loss}\n");
}

static void radio_depends_on_places(void **state)
{
    (void)state;
    expect_twice_the_same(
        "duration: 40s\n"
        "links:\n"
        "  air: {type: wifi, pcap: true, wifi: {standard: g,\n"
        "        rate_control: {type: ns3::ConstantRateWifiManager, attributes: {DataMode: "
        "ErpOfdmRate6Mbps}},\n"
        "        propagation_loss: [ns3::FriisPropagationLossModel,\n"
        "                           {type: ns3::RangePropagationLossModel, attributes: {MaxRange: "
        "200}}]}}\n"
        "nodes:\n"
        "  a:\n"
        "    interfaces: [{link: air, address: 10.0.0.1/24}]\n"
        "    run:\n"
        "      - {command: ping -c 3 b, at: 1s, exit: 0}\n"
        "      - {command: ping -c 2 -W 1 b, at: 11s, exit: 1}\n"
        "      - {command: ping -c 3 b, at: 25s, exit: 0}\n"
        "  b:\n"
        "    interfaces: [{link: air, address: 10.0.0.2/24}]\n"
        "    place: {position: [10m, 0m], waypoints: [{at: 5s, position: [10m, 0m]},\n"
        "            {at: 10s, position: [300m, 0m]}, {at: 14s, position: [300m, 0m]},\n"
        "            {at: 20s, position: [5m, 0m]}]}\n"
        "  wanderer:\n" /* moved by a model of ns-3, within its bounds */
        "    interfaces: [{link: air, address: 10.0.0.3/24}]\n"
        "    place: {position: [0m, 0m], model: {type: ns3::RandomWalk2dMobilityModel,\n"
        "            attributes: {Bounds: \"-50|50|-50|50\"}}}\n"
        "    run: [{command: ping -c 20 -i 0.2 a, at: 26s, exit: 0}]\n");
}

static void stations_reach_others_by_an_access_point_that_is_a_switch(void **state)
{
    struct said said;

    (void)state;
    expect_twice_the_same(
        "duration: 30s\n"
        "links:\n"
        "  air: {type: wifi, loss: 1%, wifi: {mode: infrastructure, standard: ax-5,\n"
        "        access_point: ap, ssid: lobby, rate_control: ns3::MinstrelHtWifiManager,\n"
        "        phy_attributes: {TxPowerStart: 20, TxPowerEnd: 20}}}\n"
        "  lan: {type: ethernet, delay: 1ms}\n"
        "switches: {ap: {links: [air, lan], place: {position: [0m, 0m, 3m]}}}\n"
        "nodes:\n"
        "  phone:\n"
        "    interfaces: [{link: air, address: 10.0.0.1/24}]\n"
        "    place: {position: [5m, 0m]}\n"
        "    run:\n"
        "      - {command: ping -c 2 server, at: 3s, exit: 0}\n"
        "      - {command: ping -c 2 laptop, exit: 0}\n"
        "      - {command: wget -q -O /dev/null http://server/file, exit: 0}\n"
        "  laptop: {interfaces: [{link: air, address: 10.0.0.3/24}], place: {position: [0m, "
        "7m]}}\n"
        "  server:\n"
        "    interfaces: [{link: lan, address: 10.0.0.2/24}]\n"
        "    run: ['mkdir /srv && head -c 200000 /dev/urandom > /srv/file',\n"
        "          {background: true, command: httpd -f -h /srv}]\n");
    run_in_work("$TTB replay 1", &said);
    expect_status(&said, 0);
    assert_says(said.out, "identical, to ");
}

/* ------------------------------------------------------------------------------------- refusals */

static void what_ns3_cannot_do_is_told_before_anything_starts(void **state)
{
    static const struct {
        const char *set, *says;
    } cases[] = {
        {"links.l.type=ns3:NoSuchDevice", "links.l: "},
        {"links.l={type: 'ns3:PointToPointNetDevice', channel: ns3::PointToPointChannel}",
         "nodes.a: port a.eth0 cannot be attached to a device of type ns3::PointToPointNetDevice"},
        {"links.l.attributes={Nonsense: 1}", "Nonsense"},
        {"links.l.channel={attributes: {Nonsense: 1}}", "Nonsense"},
        {"links.l.attributes={Mtu: many}", "many"},
        {"links.l.error_model=ns3::NoSuchModel", "ns3::NoSuchModel"},
        {"links.l={type: wifi, wifi: {rate_control: ns3::CsmaChannel}}", "ns3::CsmaChannel"},
        {"links.l={type: wifi, wifi: {standard: b, phy_attributes: {TxGain: high}}}", "high"},
        {"hosts.h.applications=[ns3::NoSuchServer]", "hosts.h: "},
        {"hosts.h.applications=[{type: ns3::UdpEchoServer, attributes: {Port: 70000}}]", "70000"},
        {"ns3={modules: [no-such-module]}", "no-such-module"},
        {"ns3={defaults: {'ns3::Rip::Nonsense': 1}}", "no attribute \"Nonsense\""},
        {"ns3={globals: {Nonsense: 1}}", "Nonsense"},
        {"nodes.a.place={model: ns3::NoSuchModel}", "nodes.a: "},
    };

    (void)state;
    write_scenario("duration: 5s\n"
                   "links: {l: {}}\n"
                   "nodes: {a: {interfaces: [{link: l, address: 10.0.0.1/24}], run: [echo on]}}\n"
                   "hosts: {h: {interfaces: [{link: l, address: 10.0.0.2/24}]}}\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct said said;
        char line[300];

        snprintf(line, sizeof(line), "$TTB run -q s.yaml -o 1 --set \"%s\"", cases[i].set);
        run_in_work(line, &said);
        if (said.status != 2 || !strstr(said.err, cases[i].says))
            fail_msg("%s: status %d\n%s\n%s", line, said.status, said.out, said.err);
        run_in_work("[ ! -s 1/nodes/a/console.log ]", &said);
        expect_status(&said, 0);
    }
}

static void look_ahead_is_shown_and_can_only_be_lowered(void **state)
{
    static const char *const engines[] = {"ns3", "builtin"};
    struct said said;

    (void)state;
    write_scenario("links: {line: {type: ethernet, rate: 100Mbps, delay: 1ms, pcap: true}}\n"
                   "nodes:\n"
                   "  a:\n"
                   "    interfaces: [{link: line, address: 10.0.0.1/24}]\n"
                   "    run: [{command: ping -c 3 b, exit: 0}]\n"
                   "  b: {interfaces: [{link: line, address: 10.0.0.2/24}]}\n");
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        char line[512];

        snprintf(line, sizeof(line),
                 "rm -rf ? && $TTB run s.yaml --set engine=%s -o 1 >&2 && $TTB show 1", engines[i]);
        run_in_work(line, &said);
        expect_status(&said, 0);
        /* Preamble, 60 bytes, FCS: 72 * 80 ns, and the delay. */
        assert_says(said.out, "look-ahead   1.005760 ms: from no port");
        snprintf(line, sizeof(line),
                 "$TTB run s.yaml --set engine=%s --set look_ahead=2us -o 2 >&2 && $TTB show 2 &&"
                 " cmp 1/line.pcap 2/line.pcap && $TTB replay 2 >&2",
                 engines[i]);
        run_in_work(line, &said);
        expect_status(&said, 0);
        assert_says(said.out, "look-ahead   0.002000 ms: from no port");
        snprintf(line, sizeof(line), "$TTB run s.yaml --set engine=%s --set look_ahead=2ms -o 3",
                 engines[i]);
        run_in_work(line, &said);
        expect_status(&said, 3);
        assert_says(said.out, "look-ahead of 2000000 ns is more than the network allows, and can "
                              "only be lowered");
        assert_says(said.out, "after 1005760 ns");
    }
    run_in_work("$TTB run s.yaml --set look_ahead=0s -o 4 >&2 && $TTB show 4", &said);
    expect_status(&said, 0);
    assert_says(said.out, ", without look-ahead");
}

static void radio_has_no_plug(void **state)
{
    struct said said;

    (void)state;
    write_scenario("links: {air: {type: wifi}}\n"
                   "nodes: {a: {interfaces: [air]}, b: {interfaces: [air]}}\n"
                   "events: [{at: 1s, node: a, interface: eth0, set: {up: false}}]\n");
    run_in_work("$TTB run --check s.yaml", &said);
    expect_status(&said, 2);
    assert_says(said.err, "has no plug");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest links[] = {
        WITH_FOLDER(the_same_holds_for_ns3_with_a_link_that_changes),
        WITH_FOLDER(a_csma_link_is_cut_and_one_plug_of_it_is_pulled),
        WITH_FOLDER(an_ethernet_link_has_two_directions_and_is_cut_by_either_plug),
        WITH_FOLDER(radio_and_other_links_can_be_cut_as_well),
        WITH_FOLDER(what_ns3_cannot_do_is_told_before_anything_starts),
        WITH_FOLDER(radio_has_no_plug),
        WITH_FOLDER(look_ahead_is_shown_and_can_only_be_lowered),
    };
    const struct CMUnitTest elements[] = {
        WITH_FOLDER(switches_routers_and_hosts_of_ns3_carry_linux_nodes),
        WITH_FOLDER(radio_depends_on_places),
        WITH_FOLDER(stations_reach_others_by_an_access_point_that_is_a_switch),
    };

    if (argc != 3) {
        fputs("usage: test_run_network TTB links|elements\n", stderr);
        return 2;
    }
    program = argv[1];
    if (strcmp(argv[2], "links") == 0)
        return cmocka_run_group_tests(links, NULL, NULL);
    return cmocka_run_group_tests(elements, NULL, NULL);
}
