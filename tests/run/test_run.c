/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb run, as a user sees it, with real nodes on the built-in network. */
#include "rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static const char two_nodes[] =
    "engine: builtin\n"
    "duration: 20s\n"
    "links: {lan: {type: ethernet, rate: 10Mbps, delay: 1ms, loss: 10%, pcap: true}}\n"
    "nodes:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
    "    run: [ping -c 8 -i 0.1 b, head -c 8 /dev/urandom | od -x]\n"
    "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n";

/* ------------------------------------------------------------------------------------- the same */

static void equal_runs_are_equal_byte_for_byte(void **state)
{
    struct said said;

    (void)state;
    write_scenario(two_nodes);
    run_in_work("$TTB run s.yaml -o 1 && $TTB run s.yaml -o 2", &said);
    expect_status(&said, 0);
    run_in_work("cmp 1/run.ttb 2/run.ttb && cmp 1/lan.pcap 2/lan.pcap && "
                "cmp 1/nodes/a/console.log 2/nodes/a/console.log && $TTB diff 1 2",
                &said);
    expect_status(&said, 0);
}

static void another_seed_gives_another_digest(void **state)
{
    struct said said;

    (void)state;
    write_scenario(two_nodes);
    run_in_work("$TTB run s.yaml -o 1 && $TTB run s.yaml -o 2 --seed 7", &said);
    expect_status(&said, 0);
    run_in_work("cmp -s 1/nodes/a/console.log 2/nodes/a/console.log", &said);
    expect_status(&said, 1);
    run_in_work("jq -r .digest.all 1/summary.json 2/summary.json | uniq | wc -l", &said);
    assert_string_equal(said.out, "2\n");
}

static void a_copied_run_replays_identically(void **state)
{
    struct said said;

    (void)state;
    write_scenario(two_nodes);
    run_in_work(
        "$TTB run s.yaml -o 1 && mkdir elsewhere && mv 1/run.ttb elsewhere && rm -r 1 s.yaml",
        &said);
    expect_status(&said, 0);
    run_in_work("$TTB replay elsewhere", &said);
    expect_status(&said, 0);
    assert_says(said.out, "identical, to ");
}

static void replay_names_the_first_difference_and_the_image_that_changed(void **state)
{
    struct said said;

    (void)state;
    write_scenario(two_nodes);
    /* A byte of busybox's text in the image: what ping says last. */
    run_in_work("cp --sparse=always \"$($TTB image path)\" image.ext4 && chmod u+w image.ext4 && "
                "$TTB run s.yaml -o 1 --set defaults.image=./image.ext4 > /dev/null && "
                "at=$(grep -abo 'packets transmitted' image.ext4 | head -n 1 | cut -d: -f1) && "
                "printf P | dd of=image.ext4 bs=1 seek=$at conv=notrunc 2> /dev/null && "
                "$TTB replay 1",
                &said);
    expect_status(&said, 1);
    assert_says(said.out, "differs at ");
    assert_says(said.out, "8 packets transmitted");
    assert_says(said.out, "8 Packets transmitted");
    assert_says(said.out, "image.ext4");
}

/* ------------------------------------------------------------------------------- what is run */

static void commands_run_in_order_with_their_times_and_environment(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes:\n"
                   "  a:\n"
                   "    env: {WHO: node, HOW: \"it's\"}\n"
                   "    files: {/etc/given: {content: \"given\\n\", mode: 0640}}\n"
                   "    run:\n"
                   "      - {name: long, command: sleep 5, background: true}\n"
                   "      - {name: first, command: 'echo \"$WHO $HOW\"; cat /etc/given'}\n"
                   "      - {name: second, command: 'echo \"$WHO\"; exit 4', env: {WHO: mine},\n"
                   "         at: 2s, exit: 4}\n"
                   "      - {name: third, command: 'kill -9 $$', exit: 137}\n"
                   "      - echo over > /root/out\n"
                   "    collect: [/root/out, {path: /root/none, optional: true}]\n"
                   "events:\n"
                   "  - {at: 1s, node: a, exec: {name: beside, command: echo beside, exit: 0}}\n"
                   "expect:\n"
                   "  - {node: a, exit: 0}\n"
                   "  - {node: a, console: \"node it's\", times: 1}\n"
                   "  - {node: a, console: given, before: 1s}\n"
                   "  - {node: a, console: beside, after: 1s, before: 1001ms}\n"
                   "  - {node: a, console: mine, after: 2s, before: 2001ms}\n"
                   "  - {node: a, command: second, exit: 4, after: 2s, before: 2001ms}\n"
                   "  - {node: a, file: /root/out, contains: over, size: \"5\"}\n"
                   "  - {after: 2s, before: 3s}\n");
    run_in_work("$TTB run s.yaml -o 1 --junit j.xml && cat 1/nodes/a/files/root/out && "
                "grep -c '<testcase' j.xml",
                &said);
    expect_status(&said, 0);
    assert_says(said.out, "as expected after 2.0");
    assert_says(said.out, "over\n");
}

static void nothing_of_ttb_shows_among_a_nodes_interfaces(void **state)
{
    struct said said;

    (void)state;
    write_scenario(
        "engine: builtin\n"
        "links: {l: {type: ethernet}}\n"
        "nodes:\n"
        "  a:\n"
        "    interfaces: [{link: l, name: eth1, address: 10.0.0.1/24}]\n"
        "    run: [{command: '[ ! -e /sys/class/net/eth0 ] && [ -e /sys/class/net/eth1 ]',\n"
        "           exit: 0}]\n"
        "  b: {interfaces: [l]}\n");
    run_in_work("$TTB run s.yaml -o 1", &said);
    expect_status(&said, 0);
}

/* --------------------------------------------------------------------------------------- events */

static void a_paused_nodes_clock_stands_still(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "links: {l: {type: ethernet, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a:\n"
                   "    interfaces: [{link: l, address: 10.0.0.1/24}]\n"
                   "    run: [{name: sleep, at: 1500ms, command: 'date +%s; sleep 2; date +%s'}]\n"
                   "  b:\n"
                   "    interfaces: [{link: l, address: 10.0.0.2/24}]\n"
                   "    run: [{name: ping, at: 3s, command: ping -c 1 a, exit: 0}]\n"
                   "events:\n"
                   "  - {at: 2s, node: a, action: pause}\n"
                   "  - {at: 6s, node: a, action: resume}\n"
                   "expect:\n"
                   "  - {node: a, command: sleep, exit: 0, after: 7500ms, before: 7501ms}\n"
                   "  - {node: a, console: '1735689601', times: 1}\n"
                   "  - {node: a, console: '1735689603', times: 1}\n"
                   /* the frame waits for the node */
                   "  - {node: b, command: ping, exit: 0, after: 6s, before: 6100ms}\n");
    run_in_work("$TTB run s.yaml -o 1 && $TTB run s.yaml -o 2 --set defaults.clock=messages",
                &said);
    expect_status(&said, 0);
}

static void a_node_is_stopped_in_order_and_started_again(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "duration: 30s\n"
                   "nodes:\n"
                   "  a:\n"
                   "    run:\n"
                   "      - command: \"trap 'echo told > /root/told; sync; exit 0' TERM\\n\n"
                   "          echo boot; cat /root/told\\n\n"
                   "          while :; do sleep 0.1; done\"\n"
                   "events:\n"
                   "  - {at: 2s, node: a, action: stop}\n"
                   "  - {at: 5s, node: a, action: restart}\n"
                   "  - {at: 7s, node: a, action: kill}\n"
                   "expect:\n"
                   "  - {node: a, state: stopped}\n"
                   "  - {node: a, console_matches: '^boot$', times: 2}\n"
                   "  - {node: a, console_matches: '^told', times: 1, after: 5s}\n"
                   "  - {before: 8s}\n");
    run_in_work("$TTB run s.yaml -o 1", &said);
    expect_status(&said, 0);
    assert_says(said.out, "cut short");
}

/* ------------------------------------------------------------------------------ exit statuses */

static void an_unmet_expectation_says_what_was_found(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes: {a: {run: [exit 3]}}\n"
                   "expect: [{node: a, exit: 0}, {node: a, console: nothing}]\n");
    run_in_work("$TTB run --quiet s.yaml -o 1", &said);
    expect_status(&said, 1);
    assert_says(said.out, "FAILED  a: exit 0 (found: exit 3 of \"exit 3\")");
    assert_says(said.out, "FAILED  a: console \"nothing\", lines at least 1 (found: lines 0)");
    run_in_work("jq -e '.exit_status == 1 and .expectations[0].met == false' 1/summary.json",
                &said);
    expect_status(&said, 0);
}

static void a_node_whose_kernel_panics_breaks_the_run_unless_that_is_expected(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes: {a: {kernel_args: [rootfstype=none]}}\n");
    run_in_work("$TTB run s.yaml -o 1", &said);
    expect_status(&said, 3);
    assert_says(said.out, "BROKEN  node a failed:");
    write_scenario("engine: builtin\n"
                   "nodes: {a: {kernel_args: [rootfstype=none]}}\n"
                   "expect: [{node: a, state: failed}]\n");
    run_in_work("$TTB run s.yaml -o 2", &said);
    expect_status(&said, 0);
}

static void wrong_use_is_told_before_anything_is_made(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"$TTB run", "which scenario?"},
        {"$TTB run s.yaml s.yaml", "one scenario at a time"},
        {"$TTB run --jobs 0 s.yaml", "--jobs: \"0\" is not a number from 1"},
        {"$TTB run --jobs many s.yaml", "nor auto"},
        {"$TTB run --seed x s.yaml", "--seed: \"x\""},
        {"$TTB run --set nonsense s.yaml", "is not KEY=VALUE"},
        {"$TTB run --nonsense s.yaml", "--nonsense"},
        {"$TTB run none.yaml", "none.yaml"},
        {"$TTB run --set links.lan.type=csma s.yaml", "ethernet only"},
        {"$TTB run --set nodes.a.interfaces=nothing s.yaml", "nothing"},
    };

    (void)state;
    write_scenario(two_nodes);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct said said;

        run_in_work(cases[i].line, &said);
        expect_status(&said, 2);
        assert_says(said.err, cases[i].says);
        run_in_work("ls runs", &said);
        assert_int_not_equal(said.status, 0);
    }
}

static void checking_runs_nothing(void **state)
{
    struct said said;

    (void)state;
    write_scenario(two_nodes);
    run_in_work("$TTB run --check s.yaml && [ ! -e runs ]", &said);
    expect_status(&said, 0);
    assert_says(said.out, "engine: builtin"); /* what was understood */
}

static void run_directories_are_numbered(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\nname: a name/with all\nnodes: {a: {run: [echo x]}}\n");
    run_in_work("$TTB run -q s.yaml && $TTB run -q s.yaml && ls runs", &said);
    expect_status(&said, 0);
    assert_string_equal(said.out, "a-name-with-all-1\na-name-with-all-2\n");
}

/* ------------------------------------------------------------------------------------- violence */

static const char endless[] = "engine: builtin\n"
                              "duration: 100000s\n"
                              "links: {lan: {type: ethernet, delay: 1ms}}\n"
                              "nodes:\n"
                              "  a:\n"
                              "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                              "    run: [ping -q -i 0.01 b]\n"
                              "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n";

static void nap(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* Starts the endless scenario, waits until its trace has a reply, sends a signal; returns the wait status. */
static int end_by(int signal_number)
{
    char scenario[64], directory[64];
    int status;
    pid_t pid;

    write_scenario(endless);
    snprintf(scenario, sizeof(scenario), "%s/s.yaml", work);
    snprintf(directory, sizeof(directory), "%s/1", work);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char out[64];

        snprintf(out, sizeof(out), "%s/out", work);
        if (!freopen(out, "w", stdout))
            _exit(125);
        execl(program, "ttb", "run", scenario, "-o", directory, (char *)NULL);
        _exit(126);
    }
    for (int i = 0; i < 200; i++) {
        struct said said;

        nap(100);
        run_in_work("$TTB show --records 1 2> /dev/null | grep -q 'echo reply'", &said);
        if (said.status == 0)
            break;
    }
    assert_true(count_nodes() >= 2);
    assert_int_equal(kill(pid, signal_number), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < 50 && count_nodes() > 0; i++)
        nap(100);
    assert_int_equal(count_nodes(), 0);
    return status;
}

static void killing_ttb_leaves_no_node_and_a_readable_trace(void **state)
{
    struct said said;

    (void)state;
    assert_true(WIFSIGNALED(end_by(SIGKILL)));
    run_in_work("$TTB show --records 1 | grep -c 'echo reply'", &said);
    assert_true(atoi(said.out) > 0);
}

static void an_interrupt_closes_the_trace_and_names_the_time(void **state)
{
    struct said said;
    int status;

    (void)state;
    status = end_by(SIGINT);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    run_in_work("cat out && $TTB show 1 > /dev/null && jq -r .ending 1/summary.json", &said);
    expect_status(&said, 0);
    assert_says(said.out, "interrupted at ");
    assert_says(said.out, "stopped");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest repeat[] = {
        WITH_FOLDER(equal_runs_are_equal_byte_for_byte),
        WITH_FOLDER(another_seed_gives_another_digest),
        WITH_FOLDER(a_copied_run_replays_identically),
        WITH_FOLDER(replay_names_the_first_difference_and_the_image_that_changed),
        WITH_FOLDER(run_directories_are_numbered),
        WITH_FOLDER(checking_runs_nothing),
    };
    const struct CMUnitTest nodes[] = {
        WITH_FOLDER(commands_run_in_order_with_their_times_and_environment),
        WITH_FOLDER(nothing_of_ttb_shows_among_a_nodes_interfaces),
        WITH_FOLDER(a_paused_nodes_clock_stands_still),
        WITH_FOLDER(a_node_is_stopped_in_order_and_started_again),
    };
    const struct CMUnitTest ends[] = {
        WITH_FOLDER(an_unmet_expectation_says_what_was_found),
        WITH_FOLDER(a_node_whose_kernel_panics_breaks_the_run_unless_that_is_expected),
        WITH_FOLDER(wrong_use_is_told_before_anything_is_made),
        WITH_FOLDER(killing_ttb_leaves_no_node_and_a_readable_trace),
        WITH_FOLDER(an_interrupt_closes_the_trace_and_names_the_time),
    };

    if (argc != 3) {
        fputs("usage: test_run TTB repeat|nodes|ends\n", stderr);
        return 2;
    }
    program = argv[1];
    if (strcmp(argv[2], "repeat") == 0)
        return cmocka_run_group_tests(repeat, NULL, NULL);
    if (strcmp(argv[2], "nodes") == 0)
        return cmocka_run_group_tests(nodes, NULL, NULL);
    return cmocka_run_group_tests(ends, NULL, NULL);
}
