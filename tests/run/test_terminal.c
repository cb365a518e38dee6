/* SPDX-License-Identifier: BSD-3-Clause */
/* A human's terminal is attached to a real node; what was typed is repeated by a replay. */
#include "rig.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "talk.h"

#define ESCAPE "\x1d"

static const char scenario[] = "duration: 100000s\n"
                               "links: {lan: {type: %s, rate: 10Mbps, delay: 1ms}}\n"
                               "engine: %s\n"
                               "defaults: {clock: %s}\n"
                               "nodes:\n"
                               "  a:\n"
                               "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                               "    run: [echo on the console]\n"
                               "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n";

static void write_network(bool ns3, const char *clock)
{
    char text[1024];

    snprintf(text, sizeof(text), scenario, ns3 ? "csma" : "ethernet", ns3 ? "ns3" : "builtin",
             clock);
    write_scenario(text);
}

static void start(struct talk *talk, bool terminal, const char *options)
{
    char line[256];

    snprintf(line, sizeof(line), "exec \"$TTB\" run s.yaml -o 1 --console a %s", options);
    talk_start(talk, terminal, program, work, line);
}

static void expect_signal(struct talk *talk, int number)
{
    int got = talk_finish(talk);

    if (!WIFSIGNALED(got) || WTERMSIG(got) != number)
        fail_msg("wait status 0x%x, not signal %d; said: %s", (unsigned)got, number, talk->heard);
}

static void expect_replay(void)
{
    struct said said;

    run_in_work("$TTB replay 1", &said);
    expect_status(&said, 0);
    assert_says(said.out, "identical");
}

/* --------------------------------------------------------------------------------- what is typed */

/* Sums, so that what the shell answers is not what was typed. */
static void type_and_repeat(bool ns3, const char *clock)
{
    struct said said;
    struct talk talk;

    write_network(ns3, clock);
    start(&talk, false, "");
    talk_await(&talk, "on the console");
    talk_say(&talk, "echo a $((20000 + 22))\n");
    talk_await(&talk, "a 20022");
    talk_say(&talk, "ping -c 3 -i 0.1 b; echo b $((30000 + 33))\n");
    talk_await(&talk, "3 packets received");
    talk_await(&talk, "b 30033");
    talk_say(&talk, "echo '\\back\\slash'; exit 3\n");
    talk_await(&talk, "\\back\\slash");
    talk_await(&talk, "[a: the shell has ended]");
    talk_await(&talk, "as expected after ");
    talk_await(&talk, "interactive: a console was attached, ");
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
    run_in_work("jq -e '.interactive.typed_bytes == 93 and .interactive.actions >= 4' "
                "1/summary.json && $TTB show --records 1 | grep -F 'console-input a: echo a'",
                &said);
    expect_status(&said, 0);
    expect_replay();
}

static void what_is_typed_reaches_the_node_and_is_repeated_by_a_replay(void **state)
{
    (void)state;
    type_and_repeat(false, "auto");
}

static void also_when_clocks_are_kept_by_messages(void **state)
{
    (void)state;
    type_and_repeat(false, "messages");
}

static void also_with_ns3(void **state)
{
    (void)state;
    type_and_repeat(true, "auto");
}

static void the_end_of_a_pipe_is_the_end_of_the_shells_input(void **state)
{
    struct said said;

    (void)state;
    write_network(false, "auto");
    run_in_work(
        "printf 'read x; echo got $x\\nword\\n' | $TTB run s.yaml -o 1 --console a --pace max",
        &said);
    expect_status(&said, 0);
    assert_says(said.out, "got word");
    expect_replay();
}

static void without_pace_an_idle_hour_passes_at_once(void **state)
{
    struct talk talk;

    (void)state;
    write_network(false, "auto");
    start(&talk, false, "--pace max --set duration=3600s");
    talk_await(&talk, "as expected after 3600.0");
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
    expect_replay();
}

/* ------------------------------------------------------------------------------------ a terminal */

static void get_settings(const struct talk *talk, struct termios *settings)
{
    assert_int_equal(tcgetattr(talk->in, settings), 0);
}

static void expect_settings(const struct talk *talk, const struct termios *before)
{
    struct termios after;

    get_settings(talk, &after);
    assert_int_equal(after.c_iflag, before->c_iflag);
    assert_int_equal(after.c_oflag, before->c_oflag);
    assert_int_equal(after.c_cflag, before->c_cflag);
    assert_int_equal(after.c_lflag, before->c_lflag);
    assert_memory_equal(after.c_cc, before->c_cc, sizeof(after.c_cc));
}

/* Until the shell answers, the terminal is raw. */
static void attach(struct talk *talk, struct termios *before)
{
    struct termios now;

    write_network(false, "auto");
    start(talk, true, "");
    get_settings(talk, before);
    talk_await(talk, "on the console");
    talk_say(talk, "echo x $((10000 + 11))\r");
    talk_await(talk, "x 10011");
    get_settings(talk, &now);
    assert_false(now.c_lflag & (ICANON | ECHO | ISIG));
}

static void a_terminal_is_raw_while_attached_and_then_as_before(void **state)
{
    struct termios before;
    struct talk talk;
    struct winsize size = {.ws_row = 42, .ws_col = 123};

    (void)state;
    attach(&talk, &before);
    talk_say(&talk, "echo $TERM; stty size\r");
    talk_await(&talk, "\nvt100\r\n31 97");
    /* Ctrl-C is the node's. Typed when the shell has left its line editor, which would swallow it. */
    talk_say(&talk, "echo star''ted; sleep 100000\r");
    talk_await(&talk, "\nstarted");
    talk_say(&talk, "\x03");
    talk_await(&talk, "^C");
    assert_int_equal(ioctl(talk.in, TIOCSWINSZ, &size), 0);
    talk_say(&talk, "while stty size | grep 97; do sleep 0.1; done; stty size\r");
    talk_await(&talk, "\n42 123");
    talk_say(&talk, "exit\r");
    talk_await(&talk, "[a: the shell has ended]");
    expect_settings(&talk, &before);
    talk_await(&talk, "as expected after ");
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
    expect_replay();
}

static void escape_keys_detach_and_freeze(void **state)
{
    struct termios before;
    struct talk talk;

    (void)state;
    attach(&talk, &before);
    talk_say(&talk, ESCAPE "?");
    talk_await(&talk, "d detach, p freeze and prompt, q end the run");
    talk_say(&talk, ESCAPE "p");
    talk_await(&talk, "frozen at ");
    talk_await(&talk, "ttb> ");
    expect_settings(&talk, &before);
    talk_say(&talk, "nodes\n");
    talk_await(&talk, "\nb ");
    talk_say(&talk, "continue\n");
    talk_say(&talk, "echo y $((20000 + 22))\r");
    talk_await(&talk, "y 20022");
    talk_say(&talk, ESCAPE "d");
    talk_await(&talk, "[detached from a; the run goes on]");
    talk_await(&talk, "as expected after ");
    expect_settings(&talk, &before);
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
    expect_replay();
}

/* -------------------------------------------------------------------------------------- its ends */

static void expect_ended_cleanly(struct talk *talk)
{
    struct said said;

    talk_expect_exit(talk, 3);
    talk_free(talk);
    assert_int_equal(count_nodes(), 0);
    run_in_work("$TTB show 1 && jq -r .ending 1/summary.json | grep -x stopped", &said);
    expect_status(&said, 0);
    expect_replay();
}

static void an_escape_key_ends_the_run(void **state)
{
    struct termios before;
    struct talk talk;

    (void)state;
    attach(&talk, &before);
    talk_say(&talk, ESCAPE "q");
    talk_await(&talk, "interrupted at ");
    expect_settings(&talk, &before);
    expect_ended_cleanly(&talk);
}

static void a_signal_ends_the_run_and_gives_the_terminal_back(void **state)
{
    struct termios before;
    struct talk talk;

    (void)state;
    attach(&talk, &before);
    assert_int_equal(kill(talk.pid, SIGTERM), 0);
    talk_await(&talk, "interrupted at ");
    expect_settings(&talk, &before);
    expect_ended_cleanly(&talk);
}

static void wait_for_no_nodes(void)
{
    for (int i = 0; i < 600 && count_nodes() > 0; i++)
        usleep(100000);
    assert_int_equal(count_nodes(), 0);
}

static void a_crash_gives_it_back_as_well(void **state)
{
    struct termios before;
    struct talk talk;
    siginfo_t info;

    (void)state;
    attach(&talk, &before);
    assert_int_equal(kill(talk.pid, SIGQUIT), 0);
    assert_int_equal(waitid(P_PID, (id_t)talk.pid, &info, WEXITED | WNOWAIT), 0);
    expect_settings(&talk, &before);
    expect_signal(&talk, SIGQUIT);
    talk_free(&talk);
    wait_for_no_nodes();
}

static void a_terminal_that_is_gone_ends_the_run(void **state)
{
    struct termios before;
    struct talk talk;

    (void)state;
    attach(&talk, &before);
    talk_hang_up(&talk);
    expect_ended_cleanly(&talk);
}

static void one_can_leave_a_node_that_computes_without_end(void **state)
{
    struct termios before;
    struct talk talk;

    (void)state;
    attach(&talk, &before);
    talk_say(&talk, "while :; do :; done\r");
    talk_await(&talk, "without simulated progress");
    talk_say(&talk, ESCAPE "q" ESCAPE "q");
    expect_signal(&talk, SIGTERM);
    talk_free(&talk);
    wait_for_no_nodes();
}

static void a_node_that_powers_off_ends_the_session(void **state)
{
    struct termios before;
    struct talk talk;

    (void)state;
    attach(&talk, &before);
    talk_say(&talk, "poweroff -f\r");
    talk_await(&talk, "[a: the node has ended]");
    talk_await(&talk, "as expected after ");
    expect_settings(&talk, &before);
    talk_expect_exit(&talk, 0);
    talk_free(&talk);
    expect_replay();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest builtin[] = {
        WITH_FOLDER(what_is_typed_reaches_the_node_and_is_repeated_by_a_replay),
        WITH_FOLDER(also_when_clocks_are_kept_by_messages),
        WITH_FOLDER(the_end_of_a_pipe_is_the_end_of_the_shells_input),
        WITH_FOLDER(without_pace_an_idle_hour_passes_at_once),
        WITH_FOLDER(a_terminal_is_raw_while_attached_and_then_as_before),
        WITH_FOLDER(escape_keys_detach_and_freeze),
        WITH_FOLDER(an_escape_key_ends_the_run),
        WITH_FOLDER(a_signal_ends_the_run_and_gives_the_terminal_back),
        WITH_FOLDER(a_crash_gives_it_back_as_well),
        WITH_FOLDER(a_terminal_that_is_gone_ends_the_run),
        WITH_FOLDER(one_can_leave_a_node_that_computes_without_end),
        WITH_FOLDER(a_node_that_powers_off_ends_the_session),
    };
    const struct CMUnitTest ns3[] = {
        WITH_FOLDER(also_with_ns3),
    };

    if (argc != 3) {
        fputs("usage: test_terminal TTB builtin|ns3\n", stderr);
        return 2;
    }
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[2], "ns3") == 0)
        return cmocka_run_group_tests(ns3, NULL, NULL);
    return cmocka_run_group_tests(builtin, NULL, NULL);
}
