/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow statistics against values worked out by hand. */
#include "export_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/histogram.h"

static const char head[] =
    "flow,source,destination,protocol,source_port,destination_port,from,to,sent_packets,sent_bytes,"
    "received_packets,received_bytes,lost_packets,loss,dropped_by_ports,lost_in_network,"
    "first_sent_ns,last_sent_ns,first_received_ns,last_received_ns,delay_mean_ns,delay_min_ns,"
    "delay_p50_ns,delay_p90_ns,delay_p99_ns,delay_max_ns,jitter_ns,reordered_packets\n";

/* Five datagrams of 142 bytes from client to server, 1 ms apart. Delays: 100 ns, 132 ns, never (lost
 * in the network), never (dropped by the port), 116 ns; and one of another flow that is on its way.
 * The second overtakes nobody; a sixth, sent before the fifth, comes after it. */
static void write_flow(struct fixture *f)
{
    struct ttb_trace_writer *writer = open_writer(f, 9);
    uint8_t frame[1514], other[1514];
    size_t len_bytes = make_udp(frame, 1, 2, 1000, 2000, 100);
    size_t other_bytes = make_udp(other, 2, 1, 2000, 1000, 10);

    write_packet(writer, 1 * MS, 0, TTB_TRACE_TRANSMITTED, 1, frame, len_bytes);
    write_packet(writer, 1 * MS + 100, 1, TTB_TRACE_DELIVERED, 1, frame, len_bytes);
    write_packet(writer, 2 * MS, 0, TTB_TRACE_TRANSMITTED, 2, frame, len_bytes);
    write_packet(writer, 2 * MS + 132, 1, TTB_TRACE_DELIVERED, 2, frame, len_bytes);
    write_packet(writer, 3 * MS, 0, TTB_TRACE_TRANSMITTED, 3, frame, len_bytes);
    write_packet(writer, 3 * MS + 50, 0, TTB_TRACE_LOST, 3, frame, len_bytes);
    write_packet(writer, 4 * MS, 0, TTB_TRACE_TRANSMITTED, 4, frame, len_bytes);
    write_packet(writer, 4 * MS + 100, 1, TTB_TRACE_DROPPED, 4, frame, len_bytes);
    write_packet(writer, 5 * MS, 0, TTB_TRACE_TRANSMITTED, 5, frame, len_bytes);
    write_packet(writer, 6 * MS, 0, TTB_TRACE_TRANSMITTED, 6, frame, len_bytes);
    write_packet(writer, 6 * MS + 116, 1, TTB_TRACE_DELIVERED, 6, frame, len_bytes);
    write_packet(writer, 6 * MS + 148, 1, TTB_TRACE_DELIVERED, 5, frame, len_bytes);
    /* The sender's own port sees it pass: not for it. */
    write_packet(writer, 6 * MS + 148, 0, TTB_TRACE_DELIVERED, 5, frame, len_bytes);
    write_packet(writer, 7 * MS, 1, TTB_TRACE_TRANSMITTED, 7, other, other_bytes);
    close_writer(writer, 7 * MS);
}

static void each_figure_is_right(void **state)
{
    struct fixture *f = *state;
    struct exported exported;

    write_flow(f);
    export_format(f->directory, TTB_EXPORT_FLOWS, &exported);
    assert_memory_equal(exported.data, head, sizeof(head) - 1);
    /* Delays 100, 132, 116 and 1000148: mean 250124. Differences 32, 16, 1000032:
     * J16: 32, then 32 + 16 - 2 = 46, then 46 + 1000032 - 3 = 1000075; >> 4 = 62504. */
    assert_string_equal((char *)exported.data + sizeof(head) - 1,
                        "1,10.0.0.1,10.0.0.2,udp,1000,2000,client.eth0,server.eth0,6,852,4,568,2,"
                        "0.333333,1,1,1000000,6000000,1000100,6000148,250124,100,116,1000148,"
                        "1000148,1000148,62504,1\n"
                        "2,10.0.0.2,10.0.0.1,udp,2000,1000,server.eth0,,1,52,0,0,1,1.000000,0,0,"
                        "7000000,7000000,,,,,,,,,,0\n");
    free(exported.data);
}

static void filters_choose_flows_and_the_time_of_sending(void **state)
{
    struct fixture *f = *state;
    struct exported exported;

    write_flow(f);
    /* Sent in the range, received after it. */
    export_trace(f->directory,
                 (struct ttb_export_opts){
                     .format = TTB_EXPORT_FLOWS, .from_ns = 2 * MS, .to_ns = 2 * MS + 1},
                 &exported);
    assert_contains(exported.data, ",client.eth0,server.eth0,1,142,1,142,0,0.000000,0,0,");
    free(exported.data);
    export_trace(
        f->directory,
        (struct ttb_export_opts){.format = TTB_EXPORT_FLOWS, .node = "server", .from_ns = 7 * MS},
        &exported);
    assert_int_equal(exported.rc, 0);
    assert_string_equal((char *)exported.data + sizeof(head) - 1,
                        "1,10.0.0.2,10.0.0.1,udp,2000,1000,server.eth0,,1,52,0,0,1,1.000000,0,0,"
                        "7000000,7000000,,,,,,,,,,0\n");
    free(exported.data);
}

static void flow_monitor_gets_its_xml(void **state)
{
    struct fixture *f = *state;
    struct exported exported;

    write_flow(f);
    export_format(f->directory, TTB_EXPORT_FLOWMONITOR, &exported);
    assert_contains(
        exported.data,
        "<Flow flowId=\"1\" timeFirstTxPacket=\"+1000000ns\" timeFirstRxPacket=\"+1000100ns\" "
        "timeLastTxPacket=\"+6000000ns\" timeLastRxPacket=\"+6000148ns\" delaySum=\"+1000496ns\" "
        "jitterSum=\"+1000080ns\" lastDelay=\"+1000148ns\" maxDelay=\"+1000148ns\" "
        "minDelay=\"+100ns\" txBytes=\"768\" rxBytes=\"512\" txPackets=\"6\" rxPackets=\"4\" "
        "lostPackets=\"2\" timesForwarded=\"0\">");
    assert_contains(exported.data, "<bin index=\"0\" start=\"0.000000100\" width=\"0.000000002\" "
                                   "count=\"1\" />");
    assert_contains(exported.data,
                    "<Ipv4FlowClassifier>\n    <Flow flowId=\"1\" sourceAddress=\"10.0.0.1\" "
                    "destinationAddress=\"10.0.0.2\" protocol=\"17\" sourcePort=\"1000\" "
                    "destinationPort=\"2000\" />");
    free(exported.data);
}

/* Frames come in hundreds of thousands; of those that arrive too late, and of flows that are too many,
 * nothing is kept. */
static void memory_stays_bounded(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    uint8_t frame[1514];
    uint64_t packet = 1;
    unsigned lines = 0;

    for (unsigned i = 0; i < TTB_EXPORT_FLOWS_MAX + 10; i++) {
        size_t len_bytes =
            make_udp(frame, 1, 2, (uint16_t)(1 + i % 60000), (uint16_t)(1 + i / 60000), 1);

        write_packet(writer, i, 0, TTB_TRACE_TRANSMITTED, packet++, frame, len_bytes);
    }
    for (unsigned i = 0; i < TTB_EXPORT_FLYING_MAX; i++)
        write_packet(writer, 1000000 + i, 0, TTB_TRACE_TRANSMITTED, packet++, frame,
                     make_udp(frame, 1, 2, 1, 1, 1));
    /* Number 1 was pushed out, the last one was not. */
    write_packet(writer, 2000000, 1, TTB_TRACE_DELIVERED, 1, frame, make_udp(frame, 1, 2, 1, 1, 1));
    write_packet(writer, 2000000, 1, TTB_TRACE_DELIVERED, packet - 1, frame, 43);
    close_writer(writer, 2000000);
    export_format(f->directory, TTB_EXPORT_FLOWS, &exported);
    for (size_t i = 0; i < exported.len_bytes; i++)
        lines += exported.data[i] == '\n';
    assert_int_equal(lines, 1 + TTB_EXPORT_FLOWS_MAX);
    assert_contains(exported.data, "\n1,10.0.0.1,10.0.0.2,udp,1,1,client.eth0,server.eth0,131073,"
                                   "5636139,1,43,131072,");
    free(exported.data);
}

static void a_histogram_is_exact_to_one_in_64(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int off = -1; off <= 1; off++) {
            uint64_t value = (1ULL << bit) + (uint64_t)off, found;
            struct ttb__histogram histogram = {.count = 0};

            assert_int_equal(ttb__histogram_add(&histogram, value), 0);
            found = ttb__histogram_quantile(&histogram, 500);
            if (value < 64)
                assert_int_equal(found, value);
            else
                assert_true((found > value ? found - value : value - found) <= value / 64);
            ttb__histogram_clear(&histogram);
        }
    }
}

static void quantiles_are_by_nearest_rank(void **state)
{
    struct ttb__histogram histogram = {.count = 0};

    (void)state;
    assert_int_equal(ttb__histogram_quantile(&histogram, 500), 0);
    for (uint64_t i = 1; i <= 50; i++)
        assert_int_equal(ttb__histogram_add(&histogram, i), 0);
    assert_int_equal(ttb__histogram_quantile(&histogram, 0), 1);
    assert_int_equal(ttb__histogram_quantile(&histogram, 500), 25);
    assert_int_equal(ttb__histogram_quantile(&histogram, 900), 45);
    assert_int_equal(ttb__histogram_quantile(&histogram, 990), 50);
    assert_int_equal(ttb__histogram_quantile(&histogram, 1000), 50);
    ttb__histogram_clear(&histogram);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_figure_is_right),
        TEST(filters_choose_flows_and_the_time_of_sending),
        TEST(flow_monitor_gets_its_xml),
        TEST(memory_stays_bounded),
        cmocka_unit_test(a_histogram_is_exact_to_one_in_64),
        cmocka_unit_test(quantiles_are_by_nearest_rank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
