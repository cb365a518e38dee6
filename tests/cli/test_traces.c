/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb show and ttb diff, on traces made without a kernel. */
#include "run.h"

#include "../record/fixture.h"

static const char *program;

/* In the shell, $RUN is the fixture's directory. */
static void expect(struct fixture *f, const char *line, int status, const char *out,
                   const char *err)
{
    struct said said;

    setenv("RUN", f->directory, 1);
    run(program, line, &said);
    assert_said(line, &said, status, out, err);
}

static void write_run(struct fixture *f, unsigned rounds)
{
    struct ttb_trace_writer *writer = open_writer(f, 1);

    write_sample(writer, rounds);
    close_writer(writer, 6 * S);
}

static void show_tells_nodes_ports_drops_and_the_certificate(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes;
    uint8_t *data;

    write_run(f, 4);
    expect(f, "$TTB show $RUN", 0, "run          sample, seed 1\n", "");
    expect(f, "$TTB show $RUN", 0, "kernel       linux (6.12.48), sha256 0102030000000000\n", "");
    expect(f, "$TTB show $RUN", 0, "5.000000000 s  server  event  kill server: as told\n", "");
    expect(f, "$TTB show $RUN", 0, "6.000000000 s  -  expectation 0 met: exit 3\n", "");
    expect(f, "$TTB show $RUN | grep '^client  '", 0,
           "client                    5          4          0        0.0  stopped, commands exited "
           "with 3\n",
           "");
    expect(f, "$TTB show $RUN | grep '^server  '", 0, "failed, killed by signal 9: it was killed\n",
           "");
    expect(f, "$TTB show $RUN | grep '^server.eth0'", 0,
           "server.eth0                       0            0          4          392        1      "
           "         -\n",
           "");
    expect(f, "$TTB show $RUN", 0, "         1  dropped at a port: too short\n", "");
    expect(f, "$TTB show $RUN", 0, "         1  lost in the network: queue full\n", "");
    expect(f, "$TTB show $RUN | tail -n 2", 0, "ended        at 6.000000000 s: done\ncertificate  ",
           "");
    expect(f, "$TTB show --records $RUN/run.ttb | sed -n 6p", 0,
           "0.010000000 s  client.eth0  transmitted  #1 10.0.0.1 > 10.0.0.2: ICMP echo request",
           "");

    data = read_file(f->run, &len_bytes);
    write_file(f->run, data, len_bytes / 2);
    expect(f, "$TTB show $RUN", 1, "run.ttb: is truncated: it ends at ", "");
    free(data);
    write_file(f->run, "x", 1);
    expect(f, "$TTB show $RUN", 3, "", "run.ttb: offset 0: is no trace");
    expect(f, "$TTB show $RUN/nothing", 3, "", "No such file or directory");
}

static void show_names_the_slowest_nodes(void **state)
{
    static const uint64_t wall_ms[] = {5, 40, 5, 0, 30, 15, 5};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);

    for (uint32_t i = 0; i < 7; i++) {
        char name[] = {'n', (char)('0' + i), 0};
        const struct ttb_trace_node node = {
            .id = 10 + i, .name = name, .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};

        assert_int_equal(ttb_trace_writer_add_node(writer, &node), 0);
        write_record(writer, &(struct ttb_trace_record){.kind = TTB_TRACE_COST,
                                                        .node = node.id,
                                                        .cost = {.part = TTB_TRACE_PART_NODE,
                                                                 .wall_ns = wall_ms[i] * MS}});
    }
    close_writer(writer, 6 * S);
    expect(
        f, "$TTB show $RUN", 0,
        "\nslowest      n1 40.0 ms (40 %), n4 30.0 ms (30 %), n5 15.0 ms (15 %), n0 5.0 ms (5 %), "
        "n2 5.0 ms (5 %) of the nodes' wall time\n",
        "");
}

/* What a trace says does not reach the terminal as control characters. */
static void names_in_traces_are_harmless(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_header header = {.scenario_name = "a\x1b[2Jb\n"};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = f->directory, .header = &header};
    struct ttb_trace_node node = {
        .name = "n\x1b]0;x\x07", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
    struct ttb_trace_writer *writer;
    struct said said;

    assert_int_equal(ttb_trace_writer_open(&opts, &writer, NULL, 0), 0);
    assert_int_equal(ttb_trace_writer_add_node(writer, &node), 0);
    write_grant(writer, 0, 0);
    write_line(writer, 0, 0, "\x1b[31m");
    close_writer(writer, 0);
    setenv("RUN", f->directory, 1);
    run(program, "$TTB show $RUN; $TTB show --records $RUN; $TTB diff $RUN $RUN", &said);
    assert_int_equal(said.status, 0);
    assert_null(strchr(said.out, 0x1b));
    assert_null(strchr(said.out, 0x07));
    assert_says(said.out, "a\\x1b[2Jb\\x0a");
    assert_says(said.out, "n\\x1b]0;x\\x07");
}

static void diff_tells_the_first_difference_and_exits_with_1(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer;
    size_t len_bytes;
    uint8_t *data;

    write_run(f, 4);
    expect(f, "cp $RUN/run.ttb $RUN/other; $TTB diff $RUN $RUN/other", 0, "the same run: ", "");
    data = read_file(f->run, &len_bytes);
    write_run(f, 5);
    expect(f, "$TTB diff $RUN/other $RUN", 1,
           "kind: expected a frame, found a grant\n"
           "after 16 equal records\n"
           "  0.030000000 s  client.eth0  transmitted  #3 10.0.0.1 > 10.0.0.2: ICMP echo",
           "");
    writer = open_writer(f, 2);
    write_sample(writer, 4);
    close_writer(writer, 6 * S);
    expect(f, "$TTB diff $RUN/other $RUN", 1,
           "What the runs were made of differs:\n"
           "  seed: expected 1, found 2\n"
           "\n"
           "the same records, although the seeds differ\n",
           "");
    write_file(f->run, data, len_bytes - 20);
    expect(f, "$TTB diff $RUN/other $RUN", 0, "the same run", "");
    write_file(f->run, data, len_bytes / 2);
    expect(f, "$TTB diff $RUN/other $RUN", 1, "the same as far as both go: ", "");
    data[len_bytes / 2] ^= 1;
    write_file(f->run, data, len_bytes);
    expect(f, "$TTB diff $RUN/other $RUN; s=$?; rm $RUN/other; exit $s", 3, "", "offset ");
    expect(f, "$TTB diff $RUN/other $RUN", 3, "", "No such file or directory");
    free(data);
}

static void grants_can_be_left_out(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer;

    write_run(f, 4);
    expect(f, "mv $RUN/run.ttb $RUN/other", 0, "", "");
    writer = open_writer(f, 1);
    write_grant(writer, 0, 1);
    write_sample(writer, 4);
    close_writer(writer, 6 * S);
    expect(f, "$TTB diff $RUN/other $RUN", 1, "+ 0.000000000 s  server  runs\n", "");
    expect(f, "$TTB diff --behaviour $RUN/other $RUN", 0, "the same", "");
    expect(f, "rm $RUN/other", 0, "", "");
}

static void wrong_usage_is_named(void **state)
{
    struct fixture *f = *state;

    expect(f, "$TTB show", 2, "", "ttb show: which run?");
    expect(f, "$TTB show a b", 2, "", "\"b\" is one argument too many");
    expect(f, "$TTB show --frob a", 2, "", "there is no option \"--frob\"");
    expect(f, "$TTB show --help", 0, "usage: ttb show", "");
    expect(f, "$TTB replay", 2, "", "ttb replay: which run?");
    expect(f, "$TTB replay a b", 2, "", "one run at a time, not also \"b\"");
    expect(f, "$TTB replay a --gdb", 2, "", "--gdb: of which node? (--node NAME)");
    expect(f, "$TTB replay a --jobs 0", 2, "", "--jobs: \"0\" is not a number from 1 to 1024");
    expect(f, "$TTB replay a -n b --until x", 2, "", "--until: \"x\" is no time");
    expect(f, "$TTB replay a -n b -- -batch", 2, "", "what follows \"--\" is for gdb");
    expect(f, "$TTB replay --help", 0, "usage: ttb replay", "");
    expect(f, "$TTB diff a", 2, "", "ttb diff: which two runs?");
    expect(f, "$TTB diff a b c", 2, "", "\"c\" is one argument too many");
    expect(f, "$TTB diff --frob", 2, "", "there is no option \"--frob\"");
    expect(f, "$TTB diff --help", 0, "usage: ttb diff", "");
}

int main(int argc, char **argv)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(show_tells_nodes_ports_drops_and_the_certificate),
        T(show_names_the_slowest_nodes),
        T(names_in_traces_are_harmless),
        T(diff_tells_the_first_difference_and_exits_with_1),
        T(grants_can_be_left_out),
        T(wrong_usage_is_named),
    };

    if (argc < 2) {
        fprintf(stderr, "usage: test_cli_traces TTB\n");
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
