/* SPDX-License-Identifier: BSD-3-Clause */
/* A real TCP connection over a lossy link, as other tools see it. */
#include "tshark_util.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/link.h>

#include "export/tuple.h"

#define SENT_BYTES 400000

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

/* The link knows what it lost; its tap tells the trace. */
static void on_tap(void *user, const struct ttb_net_tap_record *tapped)
{
    const char *reason = ttb_net_drop_name(tapped->reason);
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_FRAME,
        .time_ns = tapped->time_ns,
        .node = TTB_TRACE_NONE,
        .frame = {.what = TTB_TRACE_LOST,
                  .place = TTB_TRACE_NONE,
                  .len_bytes = (uint32_t)tapped->len_bytes,
                  .payload = {.data = tapped->frame, .len_bytes = tapped->len_bytes},
                  .reason = {.data = reason, .len_bytes = strlen(reason)}},
    };

    if (tapped->event == TTB_NET_TAP_DROP && tapped->reason != TTB_NET_DROP_RECEIVER)
        ttb_trace_write(user, &record);
}

static void record_run(const char *directory)
{
    static const char *const names[] = {"client", "server"};
    static const char *const addresses[] = {"10.0.0.1/24", "10.0.0.2/24"};
    static const char *const commands[] = {
        "sleep 1; head -c 400000 /dev/zero | nc 10.0.0.2 5001; sleep 20",
        "sleep 20 | nc -l -p 5001 | wc -c",
    };
    struct ttb_lab_opts lab_opts = {.size = sizeof(lab_opts), .directory = directory, .seed = 1};
    struct ttb_net_opts net_opts = {.size = sizeof(net_opts), .seed = 3};
    struct ttb_net_params params = {
        .size = sizeof(params), .rate_bps = 10000000, .delay_ns = 5 * MS, .loss = 0.02};
    struct ttb_trace_header header = {.scenario_name = "lossy", .seed = 1, .epoch_ns = 1000 * S};
    struct ttb_trace_writer_opts opts = {.size = sizeof(opts), .header = &header};
    struct ttb_trace_end end = {.ending = TTB_TRACE_DONE};
    struct ttb_trace_writer *writer;
    struct ttb_net_end *ends[2];
    struct ttb_net *net;
    struct ttb_lab *lab;
    char error[512];

    if (ttb_lab_new(&lab_opts, &lab, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(ttb_net_new(ttb_lab_bridge(lab), &net_opts, &net), 0);
    for (int i = 0; i < 2; i++) {
        struct ttb_lab_node_opts node = {
            .size = sizeof(node), .name = names[i], .commands = commands[i]};
        struct ttb_lab_interface_opts interface = {.size = sizeof(interface),
                                                   .addresses = {addresses[i]}};
        struct ttb_lab_node *lab_node;
        struct ttb_port *port;

        if (ttb_lab_add_node(lab, &node, &lab_node) ||
            ttb_lab_node_add_interface(lab_node, &interface, &port))
            fail_msg("%s", ttb_lab_error(lab));
        assert_int_equal(ttb_net_add_port(net, port, &ends[i]), 0);
    }
    assert_int_equal(ttb_net_connect(net, ends[0], ends[1], &params, NULL, NULL), 0);
    opts.directory = ttb_lab_directory(lab);
    if (ttb_trace_writer_open(&opts, &writer, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(ttb_trace_writer_attach_lab(writer, lab), 0);
    ttb_net_set_tap(net, on_tap, writer);
    if (ttb_net_run(net, TTB_TIME_NEVER))
        fail_msg("%s", ttb_net_error(net));
    end.end_ns = ttb_net_now_ns(net);
    ttb_net_set_tap(net, NULL, NULL);
    assert_int_equal(ttb_trace_writer_close(writer, &end), 0);
    ttb_net_free(net);
    ttb_lab_free(lab);
}

/* What the trace says about the client's segments that carry data. */
struct segments {
    unsigned sent, lost, again; /* again: with a sequence number that was sent before */
    bool arrived;               /* the server counted all bytes */
};

static uint32_t sequence_of(const struct ttb_trace_frame *frame, size_t *data_bytes)
{
    const uint8_t *ip = frame->payload.data, *tcp;
    struct ttb__tuple tuple;
    struct ttb__tuple_info info;

    *data_bytes = 0;
    if (!ttb__tuple_of(frame->payload.data, frame->payload.len_bytes, &tuple, &info) ||
        tuple.protocol != TTB__IP_TCP || tuple.destination_port != 5001)
        return 0;
    ip += 14;
    tcp = ip + (ip[0] & 15) * 4;
    *data_bytes = info.ip_bytes - (size_t)(ip[0] & 15) * 4 - (size_t)(tcp[12] >> 4) * 4;
    return (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
}

static void count_segments(const char *directory, struct segments *segments)
{
    struct ttb_trace_reader *reader = open_reader(directory, false);
    struct ttb_trace_record record;
    uint32_t seen[4096], count = 0;

    *segments = (struct segments){.sent = 0};
    while (ttb_trace_reader_next(reader, &record) > 0) {
        size_t data_bytes;
        uint32_t sequence;

        if (record.kind == TTB_TRACE_CONSOLE && record.node == 1 &&
            memmem(record.console.data.data, record.console.data.len_bytes, "400000", 6))
            segments->arrived = true;
        if (record.kind != TTB_TRACE_FRAME)
            continue;
        sequence = sequence_of(&record.frame, &data_bytes);
        if (!data_bytes)
            continue;
        if (record.frame.what == TTB_TRACE_LOST)
            segments->lost++;
        if (record.frame.what != TTB_TRACE_TRANSMITTED)
            continue;
        segments->sent++;
        for (uint32_t i = 0; i < count; i++) {
            if (seen[i] == sequence) {
                segments->again++;
                break;
            }
        }
        assert_true(count < 4096);
        seen[count++] = sequence;
    }
    ttb_trace_reader_free(reader);
}

static void compare_flows(const char *directory, const struct segments *segments)
{
    struct exported exported;
    unsigned sent = 0, received = 0, lost = 0;
    const char *at;

    export_format(directory, TTB_EXPORT_FLOWS, &exported);
    print_message("%s", exported.data);
    at = strstr((const char *)exported.data, ",5001,client.eth0,server.eth0,");
    assert_non_null(at);
    assert_int_equal(
        sscanf(at, ",5001,client.eth0,server.eth0,%u,%*u,%u,%*u,%u,", &sent, &received, &lost), 3);
    assert_int_equal(sent, received + lost);
    assert_true(lost >= segments->lost);
    free(exported.data);
}

static void what_tshark_finds_lost_is_what_the_trace_lost(void **state)
{
    struct ttb_export_opts opts = {
        .size = sizeof(opts), .format = TTB_EXPORT_PCAPNG, .node = "client", .frames_only = true};
    char directory[] = "/tmp/ttb-export-XXXXXX", capture[128], line[512], *output;
    struct segments segments;
    unsigned frames, again;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(directory));
    record_run(directory);
    count_segments(directory, &segments);
    assert_true(segments.arrived);
    assert_true(segments.lost > 0);

    make_capture(directory, capture);
    frames = compare_capture(directory, capture);
    print_message("%u frames; %u segments with data, %u of them sent before, %u lost\n", frames,
                  segments.sent, segments.again, segments.lost);
    /* Each frame that was lost is in the capture, with the reason. */
    assert_true(count_matches(capture, "frame.comment == \"lost\"") >= segments.lost);
    /* The client's side alone, as if captured there: tshark follows the connection by itself. */
    file = fopen(capture, "w");
    assert_non_null(file);
    assert_int_equal(ttb_export_trace(directory, &opts, fileno(file), line, sizeof(line)), 0);
    fclose(file);
    /* Frames alone stand in the order of their times; journal entries know microseconds only. */
    snprintf(line, sizeof(line), "capinfos -o %s", capture);
    run_program(line, &output);
    if (!strstr(output, "Strict time order:   True"))
        fail_msg("%s", output);
    free(output);
    again = count_matches(capture, "tcp.dstport == 5001 && tcp.len > 0 && "
                                   "(tcp.analysis.retransmission || tcp.analysis.out_of_order)");
    assert_int_equal(again, segments.again);
    assert_true(again >= segments.lost);
    compare_flows(directory, &segments);
    unlink(capture);
    if (!getenv("TTB_KEEP_RUN"))
        assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    else
        print_message("kept %s\n", directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tshark_finds_lost_is_what_the_trace_lost),
    };

    if (!have_nodes_and_wireshark())
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
