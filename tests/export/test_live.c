/* SPDX-License-Identifier: BSD-3-Clause */
/* "ttb run --pcap": real nodes, and a capture that is read while they run. */
#include "tshark_util.h"

#include "../cli/work.h"

#include <sys/stat.h>
#include <time.h>

/* Longer than 2^32 ns. The long pings make the capture longer than a pipe holds. */
static const char scenario[] =
    "engine: builtin\n"
    "duration: 30s\n"
    "links: {lan: {type: ethernet, rate: 10Mbps, delay: 1ms, loss: 5%}}\n"
    "nodes:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
    "    run: [ping -c 100 -i 0.01 -s 1400 b, ping -c 5 -i 1.3 b]\n"
    "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n";

/* Every test's run is the one of this group's set-up. */
static void assert_same_run(const char *directory)
{
    struct said said;
    char line[256];

    snprintf(line, sizeof(line),
             "cmp plain/run.ttb %s/run.ttb && cmp plain/nodes/a/console.log "
             "%s/nodes/a/console.log",
             directory, directory);
    run_in_work(line, &said);
    expect_status(&said, 0);
}

static int set_up(void **state)
{
    struct said said;

    assert_int_equal(fresh_folder(state), 0);
    write_scenario(scenario);
    run_in_work("$TTB run s.yaml -o plain", &said);
    expect_status(&said, 0);
    return 0;
}

static void tshark_reads_the_run_from_a_pipe(void **state)
{
    struct said said;

    (void)state;
    run_in_work("$TTB run s.yaml -o piped --pcap - 2> said | tshark -n -r - > live 2> /dev/null && "
                "$TTB export piped -f pcapng -o after.pcapng && "
                "tshark -n -r after.pcapng 2> /dev/null | cmp - live && test -s live",
                &said);
    expect_status(&said, 0);
    /* The result goes elsewhere. */
    run_in_work("cat said", &said);
    assert_says(said.out, "as expected after ");
    assert_same_run("piped");
}

static void a_file_has_every_frame_of_the_trace(void **state)
{
    char directory[64], capture[128];
    struct said said;

    (void)state;
    run_in_work("$TTB run s.yaml -o filed --pcap live.pcapng", &said);
    expect_status(&said, 0);
    assert_says(said.out, "as expected after ");
    snprintf(directory, sizeof(directory), "%s/filed", work);
    snprintf(capture, sizeof(capture), "%s/live.pcapng", work);
    assert_true(compare_capture(directory, capture) > 300);
    assert_true(count_matches(capture, "frame.time_relative > 4.294967296") > 0);
    assert_same_run("filed");
}

static void a_fifo_gets_one_nodes_frames_of_a_time(void **state)
{
    struct said said;

    (void)state;
    run_in_work("mkfifo fifo && { tshark -n -r fifo > live 2> /dev/null & } && "
                "$TTB run s.yaml -q -o filtered --pcap fifo --pcap-node a --pcap-from 1s "
                "--pcap-to 1500ms --pcap-frames-only && wait && "
                "$TTB export filtered -f pcapng --node a --from 1s --to 1.5s --frames-only | "
                "tshark -n -r - 2> /dev/null | cmp - live && test -s live",
                &said);
    expect_status(&said, 0);
    assert_string_equal(said.out, "");
    assert_same_run("filtered");
}

static void a_reader_that_goes_away_costs_one_warning(void **state)
{
    struct said said;
    const char *warning;

    (void)state;
    run_in_work("{ $TTB run s.yaml -o alone --pcap - 2> said; echo $? > status; } | "
                "head -c 3000 > /dev/null; cat said status",
                &said);
    warning = strstr(said.out, "its reader has gone; the run goes on");
    assert_non_null(warning);
    assert_null(strstr(warning + 1, "its reader has gone"));
    assert_says(said.out, "as expected after ");
    assert_string_equal(said.out + strlen(said.out) - 3, "\n0\n");
    assert_same_run("alone");
}

static void a_slow_reader_changes_nothing(void **state)
{
    struct timespec pause = {.tv_nsec = 5000000};
    char line[256], piece[4096];
    size_t got, total = 0;
    FILE *pipe;

    (void)state;
    snprintf(line, sizeof(line), "cd %s && exec %s run s.yaml -q -o slow --pcap -", work, program);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    while ((got = fread(piece, 1, sizeof(piece), pipe)) > 0) {
        total += got;
        nanosleep(&pause, NULL);
    }
    assert_int_equal(pclose(pipe), 0);
    /* The run had to wait for it. */
    assert_true(total > 4 * 65536);
    assert_same_run("slow");
}

static void every_format_has_what_there_is_while_the_run_goes_on(void **state)
{
    struct said said;

    (void)state;
    /* It stands still in the middle until all have been made; "html" needs a build with npm. */
    run_in_work("mkfifo hold && { $TTB run s.yaml -o going --pause-at 1.5s < hold > frozen & } && "
                "exec 3> hold; until grep -q 'frozen at 1.5' frozen; do sleep 0.1; done; "
                "formats='pcapng csv jsonl flows flowmonitor perfetto netanim'; "
                "! $TTB export plain -f html > /dev/null 2>&1 || formats=\"$formats html\"; "
                "for f in $formats; do $TTB export going -f $f -o early.$f 2> said; "
                "echo $? $(grep -c 'going: the run goes on; exported up to 1.[0-9]* s' said) "
                "$(test -s early.$f && echo there); done | uniq; "
                "echo c >&3; exec 3>&-; wait; "
                "tshark -r early.pcapng 2> /dev/null | grep -q ICMP && "
                "xmllint --noout early.flowmonitor early.netanim",
                &said);
    expect_status(&said, 0);
    assert_string_equal(said.out, "1 1 there\n");
    assert_same_run("going");
    run_in_work("$TTB export going -f csv > /dev/null", &said);
    expect_status(&said, 0);
}

static void what_cannot_be_captured_is_said_before_the_run(void **state)
{
    struct said said;

    (void)state;
    run_in_work("$TTB run s.yaml -o none --pcap x.pcapng --pcap-node c", &said);
    expect_status(&said, 2);
    assert_says(said.err, "--pcap-node: s.yaml has no node \"c\"");
    run_in_work("$TTB run s.yaml -o none --pcap x.pcapng --pcap-link c", &said);
    expect_status(&said, 2);
    run_in_work("$TTB run s.yaml -o none --pcap-node a", &said);
    expect_status(&said, 2);
    run_in_work("$TTB run s.yaml -o none --pcap x.pcapng --pcap-from 2s --pcap-to 1s", &said);
    expect_status(&said, 2);
    run_in_work("$TTB run s.yaml -o none --pcap /nowhere/x.pcapng", &said);
    expect_status(&said, 3);
    assert_says(said.err, "/nowhere/x.pcapng: No such file");
    run_in_work("test ! -e none && test ! -e x.pcapng", &said);
    expect_status(&said, 0);
    run_in_work("$TTB run s.yaml -o full --pcap /dev/full", &said);
    expect_status(&said, 3);
    assert_says(said.err, "/dev/full: No space left on device; the run goes on");
    assert_says(said.out, "as expected after ");
    assert_same_run("full");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tshark_reads_the_run_from_a_pipe),
        cmocka_unit_test(a_file_has_every_frame_of_the_trace),
        cmocka_unit_test(a_fifo_gets_one_nodes_frames_of_a_time),
        cmocka_unit_test(a_reader_that_goes_away_costs_one_warning),
        cmocka_unit_test(a_slow_reader_changes_nothing),
        cmocka_unit_test(every_format_has_what_there_is_while_the_run_goes_on),
        cmocka_unit_test(what_cannot_be_captured_is_said_before_the_run),
    };

    if (argc < 2)
        return 2;
    if (!have_nodes_and_wireshark())
        return SKIPPED;
    program = argv[1];
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
