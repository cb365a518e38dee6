/* SPDX-License-Identifier: BSD-3-Clause */
/* Simulated time stands still at a prompt, with real nodes, and nothing of it shows in the run. */
#include "rig.h"

#include <signal.h>
#include <time.h>

#include "talk.h"

static const char scenario[] =
    "duration: 20s\n"
    "links: {lan: {type: %s, rate: 10Mbps, delay: 1ms, loss: 10%%}}\n"
    "engine: %s\n"
    "nodes:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
    "    run: [ping -c 8 -i 0.1 b, {at: 3s, command: echo late, name: late}]\n"
    "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n"
    "events:\n"
    "  - {at: 2s, link: lan, set: {delay: 5ms}}\n"
    "  - {at: 4s, node: b, action: pause}\n";

static void write_network(bool ns3)
{
    char text[1024];

    snprintf(text, sizeof(text), scenario, ns3 ? "csma" : "ethernet", ns3 ? "ns3" : "builtin");
    write_scenario(text);
}

static void start(struct talk *talk, bool terminal, const char *options)
{
    char line[256];

    snprintf(line, sizeof(line), "exec \"$TTB\" run s.yaml -o 1 %s", options);
    talk_start(talk, terminal, program, work, line);
}

/* ------------------------------------------------------------------------------------- the same */

static void freeze_and_compare(bool ns3)
{
    struct said said;

    write_network(ns3);
    run_in_work("$TTB run s.yaml -o 1 && "
                "printf 'step\\n\\n\\nnodes\\nevents\\nstep\\nrun +10ms\\nconsole a\\nrun "
                "1.1s\\nc\\nc\\n' |"
                "$TTB run s.yaml -o 2 --pause-at 2s --pause-at 0.2s --pause-at 0ns",
                &said);
    expect_status(&said, 0);
    assert_says(said.out, "frozen at 0.000000000 s");
    assert_says(said.out, "frozen at 0.200000000 s");
    run_in_work("cmp 1/run.ttb 2/run.ttb && cmp 1/nodes/a/console.log 2/nodes/a/console.log",
                &said);
    expect_status(&said, 0);
}

static void a_frozen_run_is_the_same_as_one_that_was_not(void **state)
{
    (void)state;
    freeze_and_compare(false);
}

static void the_same_holds_for_ns3(void **state)
{
    (void)state;
    freeze_and_compare(true);
}

static void a_run_that_keeps_pace_is_the_same_and_takes_its_time(void **state)
{
    struct timespec before, after;
    struct said said;

    (void)state;
    write_network(false);
    run_in_work("$TTB run s.yaml -o 1", &said);
    expect_status(&said, 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    run_in_work("$TTB run s.yaml -o 2 --pace 4", &said);
    clock_gettime(CLOCK_MONOTONIC, &after);
    expect_status(&said, 0);
    /* The run ends at 4 s; its nodes begin when they have booted. */
    assert_true((double)(after.tv_sec - before.tv_sec) +
                    (double)(after.tv_nsec - before.tv_nsec) / 1e9 >
                0.9);
    run_in_work("cmp 1/run.ttb 2/run.ttb", &said);
    expect_status(&said, 0);
}

/* -------------------------------------------------------------------------------------- the prompt */

static void it_stops_where_it_is_told_and_shows_what_is_there(void **state)
{
    struct talk talk;

    (void)state;
    write_network(false);
    start(&talk, false, "--pause-at 1.05s --pause-at 500ms");
    talk_await(&talk, "frozen at 0.500000000 s; next: ");
    talk_await(&talk, "ttb> ");
    talk_say(&talk, "nodes\n");
    talk_await(&talk, "acts at");
    talk_await(&talk, "\na ");
    talk_await(&talk, "waiting");
    talk_await(&talk, "\nb ");
    talk_await(&talk, "waiting");
    talk_say(&talk, "events\n");
    talk_await(&talk, "2.000000000 s  event: link lan: delay 5000000 ns");
    talk_await(&talk, "4.000000000 s  event: node b: pause");
    talk_await(&talk, "20.000000000 s  the run's duration is over");
    talk_say(&talk, "console a 1\n");
    talk_await(&talk, "ttb> 64 bytes from 10.0.0.2: seq=");
    talk_say(&talk, "gdb b\n");
    talk_await(&talk, "gdb -p ");
    talk_await(&talk, "handle SIGSEGV");
    talk_say(&talk, "step\n");
    talk_await(&talk, "runs\n");
    talk_await(&talk, "frozen at 0.5");
    talk_say(&talk, "\n"); /* another */
    talk_await(&talk, "frozen at 0.5");
    talk_say(&talk, "run +100ms\n");
    talk_await(&talk, "frozen at 0.");
    talk_say(&talk, "run 800ms\n");
    talk_await(&talk, "frozen at 0.800000000 s");
    talk_say(&talk, "run 900s\n"); /* the next pause comes first */
    talk_await(&talk, "frozen at 1.050000000 s");
    talk_say(&talk, "c\n");
    talk_await(&talk, "as expected after 4.0");
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
}

static void frames_under_way_are_counted(void **state)
{
    struct said said;

    (void)state;
    write_network(false);
    /* What asks for b's address is sent when a has booted, at some 10 ms. */
    run_in_work("echo events | $TTB run s.yaml -o 1 --pause-at 150ms --set links.lan.delay=300ms "
                "--set links.lan.loss=0%",
                &said);
    expect_status(&said, 3);
    assert_says(said.out, "under way");
    assert_says(said.out, "link lan: ");
}

static void a_time_that_was_not_reached_is_told(void **state)
{
    struct said said;

    (void)state;
    write_network(false);
    run_in_work("$TTB run s.yaml -o 1 --pause-at 19s", &said);
    expect_status(&said, 0);
    assert_says(said.err, "the run was over before 19.000000000 s, where it was to be frozen");
}

static void mistakes_get_precise_answers(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"frobnicate\n", "there is no command \"frobnicate\"; \"help\" lists them"},
        {"\x1b[A\n", "there is no command \"?[A\""},
        {"run\n", "run: until when?"},
        {"run soon\n", "run: \"soon\" is no time; e.g. 1.5s, 20ms, +7us"},
        {"run 1.5parsecs\n", "run: \"1.5parsecs\" is no time"},
        {"run 0.1s\n", "run: \"0.1s\" is over: it is 0.200000000 s"},
        {"run +0s\n", "run: \"+0s\" is over"},
        {"run +18446744073.6s\n", "run: \"+18446744073.6s\" is no time"},
        {"step 5\n", "step: takes nothing after it, not \"5\""},
        {"continue please\n", "continue: takes nothing after it, not \"please\""},
        {"gdb\n", "gdb: which node? \"nodes\" lists them"},
        {"gdb c\n", "gdb: there is no node \"c\"; \"nodes\" lists them"},
        {"console\n", "console: which node?"},
        {"console nobody\n", "console: there is no node \"nobody\""},
        {"console a many\n", "console: \"many\" is no number of lines"},
        {"console a -1\n", "console: \"-1\" is no number of lines"},
        {"  \t \n", "ttb> "},
        {"help\n", "quit "},
    };
    struct talk talk;
    char line[1001];

    (void)state;
    write_network(false);
    start(&talk, false, "--pause-at 200ms");
    talk_await(&talk, "ttb> ");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        talk_say(&talk, cases[i].line);
        talk_await(&talk, cases[i].says);
    }
    memset(line, 'x', sizeof(line) - 2);
    strcpy(line + sizeof(line) - 2, "\n");
    talk_say(&talk, line);
    talk_await(&talk, "a line of more than 255 bytes is no command");
    talk_say(&talk, "continue\n");
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
}

/* -------------------------------------------------------------------------------------- its ends */

static void expect_complete(const char *ending)
{
    struct said said;
    char line[200];

    snprintf(line, sizeof(line), "$TTB show 1 && jq -r .ending 1/summary.json | grep -x %s",
             ending);
    run_in_work(line, &said);
    expect_status(&said, 0);
    assert_int_equal(count_nodes(), 0);
}

static void quit_ends_the_run_with_its_trace_complete(void **state)
{
    struct talk talk;

    (void)state;
    write_network(false);
    start(&talk, false, "--pause-at 300ms");
    talk_await(&talk, "ttb> ");
    talk_say(&talk, "quit\n");
    talk_await(&talk, "interrupted at 0.");
    talk_expect_exit(&talk, 3);
    expect_complete("stopped");
    talk_free(&talk);
}

static void the_end_of_input_does_the_same(void **state)
{
    struct talk talk;

    (void)state;
    write_network(false);
    start(&talk, false, "--pause-at 300ms");
    talk_await(&talk, "ttb> ");
    talk_hang_up(&talk);
    talk_await(&talk, "end of input: the run ends");
    talk_expect_exit(&talk, 3);
    expect_complete("stopped");
    talk_free(&talk);
}

static void so_does_ctrl_c(void **state)
{
    struct talk talk;

    (void)state;
    write_network(false);
    start(&talk, true, "--pause-at 300ms");
    talk_await(&talk, "ttb> ");
    talk_say(&talk, "nod\x03");
    talk_await(&talk, "interrupted at 0.");
    talk_expect_exit(&talk, 3);
    expect_complete("stopped");
    talk_free(&talk);
}

static void so_does_a_terminal_that_is_gone(void **state)
{
    struct talk talk;

    (void)state;
    write_network(false);
    start(&talk, true, "--pause-at 300ms");
    talk_await(&talk, "ttb> ");
    talk_hang_up(&talk);
    talk_expect_exit(&talk, 3);
    expect_complete("stopped");
    talk_free(&talk);
}

static void a_node_that_dies_meanwhile_is_reported_at_once(void **state)
{
    struct talk talk;
    char *entry;
    int pid;

    (void)state;
    write_network(false);
    start(&talk, false, "--pause-at 300ms");
    talk_await(&talk, "ttb> ");
    talk_say(&talk, "nodes\n");
    talk_await(&talk, "\nb ");
    talk_await(&talk, "ttb> ");
    entry = strstr(talk.heard, "\nb ");
    assert_int_equal(sscanf(entry, " b %*s %d", &pid), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    talk_await(&talk, "node b has died while time stands still: killed by signal 9 (Killed)");
    talk_await(&talk, "ttb> ");
    talk_say(&talk, "continue\n");
    talk_await(&talk, "BROKEN  node b failed: killed by signal 9 (Killed)");
    talk_expect_exit(&talk, 3);
    talk_free(&talk);
}

static void wrong_options_are_told(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"$TTB run s.yaml --pause-at soon", "--pause-at: \"soon\" is no time"},
        {"$TTB run s.yaml --pause-at -1s", "--pause-at: \"-1s\" is no time"},
        {"$TTB run s.yaml --pace 0", "--pace: \"0\" is neither"},
        {"$TTB run s.yaml --pace 1e3", "--pace: \"1e3\" is neither"},
        {"$TTB run s.yaml --pace fast", "--pace: \"fast\" is neither"},
        {"$TTB run s.yaml --console a --console b", "--console: one node at a time"},
        {"$TTB run s.yaml --console c", "there is no node \"c\""},
        {"$TTB run --pause-at 1s - < s.yaml", "cannot be both"},
    };

    (void)state;
    write_network(false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct said said;

        run_in_work(cases[i].line, &said);
        expect_status(&said, 2);
        assert_says(said.err, cases[i].says);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest prompt[] = {
        WITH_FOLDER(a_frozen_run_is_the_same_as_one_that_was_not),
        WITH_FOLDER(a_run_that_keeps_pace_is_the_same_and_takes_its_time),
        WITH_FOLDER(it_stops_where_it_is_told_and_shows_what_is_there),
        WITH_FOLDER(frames_under_way_are_counted),
        WITH_FOLDER(a_time_that_was_not_reached_is_told),
        WITH_FOLDER(mistakes_get_precise_answers),
        WITH_FOLDER(wrong_options_are_told),
        WITH_FOLDER(quit_ends_the_run_with_its_trace_complete),
        WITH_FOLDER(the_end_of_input_does_the_same),
        WITH_FOLDER(so_does_ctrl_c),
        WITH_FOLDER(so_does_a_terminal_that_is_gone),
        WITH_FOLDER(a_node_that_dies_meanwhile_is_reported_at_once),
    };
    const struct CMUnitTest ns3[] = {
        WITH_FOLDER(the_same_holds_for_ns3),
    };

    if (argc != 3) {
        fputs("usage: test_freeze TTB builtin|ns3\n", stderr);
        return 2;
    }
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[2], "ns3") == 0)
        return cmocka_run_group_tests(ns3, NULL, NULL);
    return cmocka_run_group_tests(prompt, NULL, NULL);
}
