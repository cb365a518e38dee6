/* SPDX-License-Identifier: BSD-3-Clause */
/* `ttb export`: what it says and how it exits. */
#include "../cli/run.h"

#include <ttbridge/export.h>
#include "../record/fixture.h"

static const char *program;

static void expect(const char *directory, const char *arguments, int status, const char *out,
                   const char *err)
{
    struct said said;
    char line[512];

    snprintf(line, sizeof(line), "cd %s && $TTB export %s", directory, arguments);
    run(program, line, &said);
    assert_said(arguments, &said, status, out, err);
    if (!*err)
        assert_string_equal(said.err, "");
}

static void write_run(struct fixture *f, bool complete)
{
    struct ttb_trace_writer *writer = open_writer(f, 9);

    write_sample(writer, 10);
    if (complete)
        close_writer(writer, 6 * S);
    else
        assert_int_equal(ttb_trace_writer_close(writer, NULL), 0);
}

static void each_format_comes_out(void **state)
{
    struct fixture *f = *state;

    write_run(f, true);
    expect(f->directory, ". -f csv", 0, "record,time_ns,node,place,", "");
    expect(f->directory, "run.ttb --format=csv", 0, "record,time_ns,node,place,", "");
    expect(f->directory, ". -f csv --table console --node client -o -", 0, "hello", "");
    expect(f->directory, ". -f jsonl --from 5s --to 5000000001ns", 0, "\"action\":\"kill\"", "");
    expect(f->directory, ". -f jsonl --from 0.02 --to 20.000001ms", 0, "\"time_ns\":20000000,", "");
    expect(f->directory, ". -f flows", 0, "1,10.0.0.1,10.0.0.2,icmp,,,client.eth0,server.eth0,10,",
           "");
    expect(f->directory, ". -f flowmonitor", 0, "<FlowMonitor>", "");
    expect(f->directory, ". -f perfetto | head -c 1 | od -c", 0, "\\n", "");
    expect(f->directory, ". -f pcapng | head -c 1 | od -c", 0, "\\n", "");
    expect(f->directory, ". -f pcapng -o out && wc -c out && rm out", 0, " out", "");
}

static void a_truncated_trace_is_a_warning_and_status_1(void **state)
{
    struct fixture *f = *state;

    write_run(f, false);
    expect(f->directory, ". -f csv --table expectations", 1, ",exit 3\n",
           "ttb export: warning: trace ./run.ttb");
    expect(f->directory, ". -f csv", 1, "", "exported up to 6.000000000 s");
}

static void every_format_goes_as_far_as_a_truncated_trace(void **state)
{
    struct fixture *f = *state;

    write_run(f, false);
    for (int format = 1; format < 16; format++) {
        const char *name = ttb_export_format_name((enum ttb_export_format)format), *end = "";
        char line[256];

        if (!name || format == TTB_EXPORT_HTML)
            continue;
        /* XML is closed, and the last line of text is a whole one. */
        if (format == TTB_EXPORT_FLOWMONITOR || format == TTB_EXPORT_NETANIM)
            end = format == TTB_EXPORT_NETANIM ? "</anim>" : "</FlowMonitor>";
        else if (format != TTB_EXPORT_PCAPNG && format != TTB_EXPORT_PERFETTO)
            end = "lines 1";
        snprintf(line, sizeof(line),
                 ". -f %s > out; s=$?; test -s out || s=9; tail -n 1 out | tr -d '\\000'; "
                 "echo lines $(tail -c 1 out | wc -l); rm out; exit $s",
                 name);
        expect(f->directory, line, 1, end, "exported up to 6.000000000 s");
    }
}

static void a_profile_says_because_of_whom_a_node_was_let_run(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    const struct ttb_trace_place commands = {.kind = TTB_TRACE_PORT,
                                             .name = "ttb",
                                             .node = 0,
                                             .link = TTB_TRACE_NONE,
                                             .is_control = true};
    uint8_t frame[PING_BYTES];
    uint32_t place;

    /* The client runs at 0 by its clock and sends; the server runs because of that, and later of itself. */
    make_ping(frame, 1);
    write_grant(writer, 0, 0);
    write_frame(writer, 0, 0, TTB_TRACE_TRANSMITTED, frame, sizeof(frame));
    write_frame(writer, 1 * MS, 1, TTB_TRACE_DELIVERED, frame, sizeof(frame));
    write_grant(writer, 1 * MS, 1);
    write_grant(writer, 2 * MS, 1);
    /* A command comes for the client. */
    assert_int_equal(ttb_trace_writer_add_place(writer, &commands, &place), 0);
    make_ping(frame, 2);
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = 3 * MS,
                             .node = 0,
                             .frame = {.what = TTB_TRACE_DELIVERED,
                                       .place = place,
                                       .len_bytes = sizeof(frame),
                                       .payload = {.data = frame, .len_bytes = sizeof(frame)}}});
    write_grant(writer, 3 * MS, 0);
    close_writer(writer, 2 * S);
    expect(
        f->directory, ". -f csv > /dev/null; $TTB show --profile .", 0,
        "node client                          98         98          2   its clock 1, commands 1\n"
        "node server                           0         98          2   its clock 1, client 1\n",
        "");
}

static void wrong_usage_is_named(void **state)
{
    struct fixture *f = *state;

    write_run(f, true);
    expect(f->directory, "--help", 0, "usage: ttb export", "");
    expect(f->directory, "", 2, "", "which run directory?");
    expect(f->directory, ".", 2, "", "which --format?");
    expect(f->directory, ". -f doc", 2, "", "there is no format \"doc\"");
    expect(f->directory, ". . -f csv", 2, "", "\".\" is one argument too many");
    expect(f->directory, ". -f csv --frob", 2, "", "there is no option \"--frob\"");
    expect(f->directory, ". -f", 2, "", "-f needs an argument");
    expect(f->directory, ". -f csv --table cost", 2, "", "there is no table \"cost\"");
    expect(f->directory, ". -f pcapng --table frames", 2, "", "--table is for csv and jsonl");
    expect(f->directory, ". -f csv --from yesterday", 2, "", "\"yesterday\" is no time");
    expect(f->directory, ". -f csv --from 1.5ns", 2, "", "\"1.5ns\" is no time");
    expect(f->directory, ". -f csv --from 99999999999s", 2, "", "is no time");
    expect(f->directory, ". -f csv --from 2s --to 2s", 2, "", "--to is not after --from");
    expect(f->directory, ". -f csv --node nobody", 2, "", "the trace has no node \"nobody\"");
    expect(f->directory, ". -f pcapng -o run.ttb", 2, "", "\"run.ttb\" is the trace itself");
    expect(f->directory, ". -f csv", 0, "record,", "");
    expect(f->directory, ". -f csv -o /dev/full", 3, "", "No space left on device");
    expect(f->directory, "nowhere -f csv", 3, "", "nowhere");
    /* What is there is not given up for nothing. */
    expect(f->directory, "nowhere -f csv -o new; s=$?; test -e new && s=9; exit $s", 3, "",
           "ttb export: trace nowhere: No such file");
    expect(f->directory,
           ". -f csv > kept; echo no trace > none; $TTB export none -f csv -o kept; s=$?; "
           "test -s kept || s=9; rm kept none; exit $s",
           3, "", "trace none: offset 0: is no trace");
    expect(f->directory, ". -f csv > /dev/null; cat run.ttb | $TTB export /dev/stdin -f csv", 0,
           "record,", "");
}

static void a_profile_says_where_the_wall_time_went(void **state)
{
    struct ttb_trace_record cost = {.kind = TTB_TRACE_COST,
                                    .time_ns = 2 * S,
                                    .cost = {.part = TTB_TRACE_PART_NODE,
                                             .at_wall_ns = S,
                                             .wall_ns = S / 4,
                                             .activations = 1000,
                                             .kicks = 7,
                                             .calls = 9}};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);

    write_record(writer, &cost);
    cost.node = 1;
    cost.cost.wall_ns = S / 2;
    write_record(writer, &cost);
    close_writer(writer, 2 * S);
    expect(f->directory, ". -f csv && $TTB show --profile .", 0,
           "wall time      1.000 s for 2.000 s of simulated time", "");
    expect(
        f->directory, ". -f csv && $TTB show --profile .", 0,
        "node client                       250.0  25.0%         1000    250.0          7          "
        "9\nnode server                       500.0  50.0%         1000    500.0          7        "
        "  "
        "9\nthe rest                          250.0  25.0%\n",
        "");
}

static void a_profile_tells_network_bridge_and_barriers_apart(void **state)
{
    static const struct {
        enum ttb_trace_part part;
        uint64_t wall_ns;
    } parts[] = {
        {TTB_TRACE_PART_NETWORK, S / 10},    {TTB_TRACE_PART_BRIDGE, S / 20},
        {TTB_TRACE_PART_RECORDING, S / 100}, {TTB_TRACE_PART_WAITING, S / 50},
        {TTB_TRACE_PART_NODES, S / 2},       {TTB_TRACE_PART_BARRIER, S / 5},
    };
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct ttb_trace_record cost = {.kind = TTB_TRACE_COST, .time_ns = 2 * S};

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        cost.node = TTB_TRACE_NONE;
        cost.cost = (struct ttb_trace_cost){
            .part = parts[i].part, .at_wall_ns = S, .wall_ns = parts[i].wall_ns, .activations = 10};
        write_record(writer, &cost);
    }
    /* Two nodes at the same time have more than there is of it. */
    for (uint32_t node = 0; node < 2; node++) {
        cost.node = node;
        cost.cost = (struct ttb_trace_cost){.part = TTB_TRACE_PART_NODE,
                                            .at_wall_ns = S,
                                            .wall_ns = node ? S * 7 / 10 : S / 2,
                                            .activations = 100,
                                            .kicks = 7,
                                            .calls = 9,
                                            .waited_ns = node ? 0 : S / 5,
                                            .awaited_ns = node ? S / 5 : 0};
        write_record(writer, &cost);
    }
    close_writer(writer, 2 * S);
    expect(f->directory, ". -f csv > /dev/null; $TTB show --profile . | tr -s ' '", 0,
           " wall ms activations us each kicks calls waited ms awaited ms\n"
           "nodes run 500.0 50.0% 10 50000.0\n"
           " client 500.0 50.0% 100 5000.0 7 9 200.0 0.0\n"
           " server 700.0 70.0% 100 7000.0 7 9 0.0 200.0\n"
           "waiting at window barriers 200.0 20.0% 10 20000.0\n"
           "network: ns-3 100.0 10.0% 10 10000.0\n"
           "the bridge itself 50.0 5.0% 10 5000.0\n"
           "recording 10.0 1.0% 10 1000.0\n"
           "nodes start, and pauses 20.0 2.0% 10 2000.0\n"
           "before and after the run 120.0 12.0%\n",
           "");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_format_comes_out),
        TEST(a_truncated_trace_is_a_warning_and_status_1),
        TEST(wrong_usage_is_named),
        TEST(every_format_goes_as_far_as_a_truncated_trace),
        TEST(a_profile_says_because_of_whom_a_node_was_let_run),
        TEST(a_profile_says_where_the_wall_time_went),
        TEST(a_profile_tells_network_bridge_and_barriers_apart),
    };

    if (argc != 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
