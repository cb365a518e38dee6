/* SPDX-License-Identifier: BSD-3-Clause */
/* Two Linux nodes over a link, recorded: each time the same bytes. */
#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/link.h>

#define SKIPPED 77

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

struct network {
    struct ttb_lab *lab;
    struct ttb_lab_node *nodes[2];
    struct ttb_port *ports[2];
    struct ttb_net *net;
};

static void make_network(struct network *network, const char *directory, uint64_t delay_ns)
{
    static const char *const names[] = {"alice", "bob"};
    static const char *const addresses[] = {"10.0.0.1/24", "10.0.0.2/24"};
    static const char *const commands[] = {"ping -c 3 10.0.0.2; exit 4", "sleep 5"};
    /* One at a time: recorded_activations() adds their times up. */
    const struct ttb_bridge_opts one = {.size = sizeof(one), .jobs = 1};
    struct ttb_lab_opts opts = {
        .size = sizeof(opts), .directory = directory, .seed = 1, .bridge = &one};
    struct ttb_net_params params = {.size = sizeof(params), .delay_ns = delay_ns};
    struct ttb_net_end *ends[2];
    char error[512];

    if (ttb_lab_new(&opts, &network->lab, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(ttb_net_new(ttb_lab_bridge(network->lab), NULL, &network->net), 0);
    for (int i = 0; i < 2; i++) {
        struct ttb_lab_node_opts node = {
            .size = sizeof(node), .name = names[i], .commands = commands[i]};
        struct ttb_lab_interface_opts interface = {.size = sizeof(interface),
                                                   .addresses = {addresses[i]}};

        if (ttb_lab_add_node(network->lab, &node, &network->nodes[i]) ||
            ttb_lab_node_add_interface(network->nodes[i], &interface, &network->ports[i]))
            fail_msg("%s", ttb_lab_error(network->lab));
        assert_int_equal(ttb_net_add_port(network->net, network->ports[i], &ends[i]), 0);
    }
    assert_int_equal(ttb_net_connect(network->net, ends[0], ends[1], &params, NULL, NULL), 0);
}

static void record_run(const char *directory, uint64_t delay_ns, ttb_trace_sink_fn sink, void *user)
{
    struct ttb_trace_header header = {.scenario_name = "two nodes", .seed = 1};
    struct ttb_trace_writer_opts opts = {.size = sizeof(opts), .header = &header};
    struct ttb_trace_end end = {.ending = TTB_TRACE_DONE};
    struct ttb_trace_writer *writer;
    struct network network;
    char error[512];

    make_network(&network, directory, delay_ns);
    opts.directory = ttb_lab_directory(network.lab);
    if (ttb_trace_writer_open(&opts, &writer, error, sizeof(error)))
        fail_msg("%s", error);
    ttb_trace_writer_set_sink(writer, sink, user);
    assert_int_equal(ttb_trace_writer_attach_lab(writer, network.lab), 0);
    if (ttb_net_run(network.net, TTB_TIME_NEVER))
        fail_msg("%s", ttb_net_error(network.net));
    end.end_ns = ttb_net_now_ns(network.net);
    assert_int_equal(ttb_trace_writer_close(writer, &end), 0);
    ttb_net_free(network.net);
    ttb_lab_free(network.lab);
}

static char *path_in(const char *directory, const char *name)
{
    char *path;

    assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
    return path;
}

static void set_up_directories(char first[32], char second[32])
{
    strcpy(first, "/tmp/ttb-record-XXXXXX");
    strcpy(second, "/tmp/ttb-record-XXXXXX");
    assert_non_null(mkdtemp(first));
    assert_non_null(mkdtemp(second));
}

static void tear_down_directories(const char *first, const char *second)
{
    assert_int_equal(nftw(first, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(nftw(second, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* How often nodes were let run, by wall.ttb; and that the time of nodes that run one at a time is that of
 * all of them, and the whole not more than there was. */
static uint64_t recorded_activations(const char *directory)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .wall = true};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    uint64_t activations = 0, each_ns = 0, all_ns = 0, whole_ns = 0, until_ns = 0;

    assert_int_equal(ttb_trace_reader_open(directory, &opts, &reader, NULL, 0), 0);
    while (ttb_trace_reader_next(reader, &record) > 0) {
        until_ns = record.cost.at_wall_ns;
        if (record.cost.part == TTB_TRACE_PART_NODE) {
            activations += record.cost.activations;
            each_ns += record.cost.wall_ns;
        } else {
            whole_ns += record.cost.wall_ns;
        }
        if (record.cost.part == TTB_TRACE_PART_NODES)
            all_ns += record.cost.wall_ns;
    }
    assert_int_equal(ttb_trace_reader_end(reader, NULL), TTB_TRACE_COMPLETE);
    assert_true(all_ns > 0);
    assert_int_equal(each_ns, all_ns);
    assert_in_range(whole_ns, all_ns, until_ns);
    ttb_trace_reader_free(reader);
    return activations;
}

static void two_runs_give_identical_files_with_all_that_happened(void **state)
{
    char directories[2][32], *paths[2], text[512];
    const struct ttb_trace_footer *footer;
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    bool replied = false, printed = false;
    uint8_t *data[2];
    size_t len_bytes[2];
    uint64_t echo_packet = 0, grants;

    (void)state;
    set_up_directories(directories[0], directories[1]);
    for (int i = 0; i < 2; i++) {
        record_run(directories[i], 7 * MS, NULL, NULL);
        paths[i] = path_in(directories[i], "run.ttb");
        data[i] = read_file(paths[i], &len_bytes[i]);
    }
    assert_int_equal(len_bytes[0], len_bytes[1]);
    assert_memory_equal(data[0], data[1], len_bytes[0]);
    if (ttb_trace_verify(directories[0], text, sizeof(text)))
        fail_msg("%s", text);

    reader = open_reader(directories[0], false);
    while (ttb_trace_reader_next(reader, &record) > 0) {
        ttb_trace_describe(ttb_trace_reader_tables(reader), &record, text, sizeof(text));
        if (record.kind == TTB_TRACE_FRAME && strstr(text, "alice.eth0  transmitted") &&
            strstr(text, "10.0.0.1 > 10.0.0.2: ICMP echo request") && strstr(text, "seq 2,"))
            echo_packet = record.frame.packet;
        if (record.kind == TTB_TRACE_FRAME && echo_packet && strstr(text, "bob.eth0  delivered") &&
            record.frame.packet == echo_packet)
            replied = true;
        if (record.kind == TTB_TRACE_CONSOLE &&
            strstr(text, "3 packets transmitted, 3 packets received"))
            printed = true;
    }
    assert_true(replied);
    assert_true(printed);
    footer = ttb_trace_reader_footer(reader);
    assert_non_null(footer);
    assert_int_equal(footer->node_count, 2);
    assert_int_equal(footer->nodes[0].state.state, TTB_NODE_STOPPED);
    assert_true(footer->nodes[0].state.has_exit_status);
    assert_int_equal(footer->nodes[0].state.exit_status, 4);
    assert_int_equal(footer->nodes[1].state.exit_status, 0);
    assert_int_equal(footer->counts.transmitted_frames,
                     footer->counts.delivered_frames + footer->counts.dropped_frames);
    assert_true(ttb_trace_reader_tables(reader)->places[0].has_mac);
    grants = footer->counts.grants;
    ttb_trace_reader_free(reader);
    /* And what it cost is beside it. */
    assert_int_equal(recorded_activations(directories[0]), grants);
    for (int i = 0; i < 2; i++) {
        free(paths[i]);
        free(data[i]);
    }
    tear_down_directories(directories[0], directories[1]);
}

static void a_changed_delay_shows_as_the_first_difference_while_it_runs(void **state)
{
    const struct ttb_trace_difference *difference;
    struct ttb_trace_reader *expected;
    struct ttb_trace_compare *compare;
    char directories[2][32];

    (void)state;
    set_up_directories(directories[0], directories[1]);
    record_run(directories[0], 7 * MS, NULL, NULL);

    expected = open_reader(directories[0], false);
    assert_int_equal(ttb_trace_compare_new(expected, NULL, &compare), 0);
    record_run(directories[1], 7 * MS, ttb_trace_compare_sink, compare);
    assert_int_equal(ttb_trace_compare_finish(compare), 0);
    ttb_trace_compare_free(compare);
    ttb_trace_reader_free(expected);

    expected = open_reader(directories[0], false);
    assert_int_equal(ttb_trace_compare_new(expected, NULL, &compare), 0);
    record_run(directories[1], 7 * MS + 1, ttb_trace_compare_sink, compare);
    assert_int_equal(ttb_trace_compare_result(compare), 1);
    difference = ttb_trace_compare_difference(compare);
    print_message("%s\n- %s\n+ %s\n", difference->summary, difference->expected,
                  difference->actual);
    /* The first frame of all arrives a nanosecond later. */
    assert_string_equal(difference->field, "time");
    assert_non_null(strstr(difference->expected, "delivered"));
    assert_true(difference->before_count > 0);
    assert_non_null(strstr(difference->before[difference->before_count - 1], "  "));
    ttb_trace_compare_free(compare);
    ttb_trace_reader_free(expected);
    tear_down_directories(directories[0], directories[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_give_identical_files_with_all_that_happened),
        cmocka_unit_test(a_changed_delay_shows_as_the_first_difference_while_it_runs),
    };

    if (!getenv("TTB_KERNEL") || !getenv("TTB_IMAGE")) {
        fprintf(stderr, "skipped: TTB_KERNEL and TTB_IMAGE are not set\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
