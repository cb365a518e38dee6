/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb replay --node, as a user sees it, with real nodes. */
#include "work.h"

#include <limits.h>

/* All that can be done to a node, with output in which its past shows. */
static const char eventful[] =
    "engine: builtin\n"
    "duration: 6s\n"
    "links: {lan: {type: ethernet, rate: 10Mbps, delay: 1ms, loss: 5%}}\n"
    "nodes:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
    "    run: [cat /proc/version, ping -c 30 -i 0.1 b]\n"
    "    collect: [/etc/hosts]\n"
    "  b:\n"
    "    interfaces: [{link: lan, address: 10.0.0.2/24}]\n"
    "    run: ['while :; do date; cat /root/x; echo $RANDOM >> /root/x; sync; sleep 0.3; done']\n"
    "events:\n"
    "  - {at: 1s, link: lan, set: {up: false}}\n"
    "  - {at: 1300ms, link: lan, set: {up: true}}\n"
    "  - {at: 1500ms, node: b, action: pause}\n"
    "  - {at: 2s, node: b, action: resume}\n"
    "  - {at: 2500ms, node: a, exec: {command: 'ip link; cat /proc/uptime'}}\n"
    "  - {at: 3s, node: b, action: kill}\n"
    "  - {at: 3500ms, node: b, action: restart}\n"
    "  - {at: 4s, node: b, action: stop}\n"
    "  - {at: 5s, node: b, action: restart}\n";

static void expect(const char *line, int status, struct said *said)
{
    char whole[1536];

    snprintf(whole, sizeof(whole), "{ %s; }", line);
    run_in_work(whole, said);
    if (said->status != status)
        fail_msg("%s: status %d, not %d\n%s\n%s", line, said->status, status, said->out, said->err);
}

/* --------------------------------------------------------------------------------- the same */

static void a_node_alone_lives_through_the_same_again(void **state)
{
    struct said said;

    (void)state;
    write_scenario(eventful);
    expect("$TTB run -q s.yaml -o 1 && mkdir elsewhere && mv 1/run.ttb elsewhere && rm -r 1", 0,
           &said);
    expect("$TTB show --records elsewhere | grep '  b  event'", 0, &said);
    assert_says(said.out, "1.000000000 s  b  event  carrier-off eth0\n");
    assert_says(said.out, "1.300000000 s  b  event  carrier-on eth0\n");
    assert_says(said.out, "1.500000000 s  b  event  pause\n");
    assert_says(said.out, "2.000000000 s  b  event  resume\n");
    assert_says(said.out, "3.000000000 s  b  event  power-off\n");
    assert_says(said.out, "3.500000000 s  b  event  power-on\n");
    expect("$TTB replay elsewhere --node a -o a", 0, &said);
    assert_says(said.out, "node a alone: identical, to 6.0");
    expect("$TTB replay elsewhere -n b -o b", 0, &said);
    assert_says(said.out, "node b alone: identical, to 6.0");
    /* Its own recording says so, too; frames have other numbers where there are fewer, and there is no
     * network in which they wait. */
    expect("of_b() { $TTB show --records $1 | grep -E '  b(\\.eth0|\\.ttb)?  ' |"
           "         grep -v ' frames wait$' | sed 's/#[0-9]* //'; }; "
           "of_b elsewhere > whole && of_b b > alone && "
           "[ $(wc -l < whole) -gt 200 ] && cmp whole alone",
           0, &said);
    expect("$TTB replay elsewhere -n b --until 2.75s -o c", 0, &said);
    assert_says(said.out, "node b alone: identical, to 2.750000000 s");
    expect("$TTB show c | grep '^ended'", 0, &said);
    assert_says(said.out, "at 2.750000000 s");
}

static void with_messages_as_well(void **state)
{
    struct said said;

    (void)state;
    write_scenario(eventful);
    expect("$TTB run -q s.yaml -o 1 --set defaults.clock=messages && $TTB replay 1 -n b", 0, &said);
    assert_says(said.out, "node b alone: identical, to 6.0");
}

static void a_node_of_an_ns3_network_needs_no_ns3(void **state)
{
    struct said said;

    (void)state;
    write_scenario(
        "duration: 30s\n"
        "links: {lan: {type: csma, rate: 100Mbps, delay: 1ms}}\n"
        "nodes:\n"
        "  server: {interfaces: [{link: lan, address: 10.0.0.3/24}]}\n"
        "  n1:\n"
        "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
        "    run: [ping -c 9 -i 0.1 server]\n"
        "  n2: {interfaces: [{link: lan, address: 10.0.0.2/24}], run: [ping -c 5 n1]}\n");
    expect("$TTB run -q s.yaml -o 1 && $TTB replay 1 -n n2", 0, &said);
    assert_says(said.out, "node n2 alone: identical, to ");
}

/* A recording says how it was made as far as that shows in it, and nothing else matters. */
static void however_it_was_recorded(const char *options)
{
    struct said said;
    char line[400];

    snprintf(line, sizeof(line), "rm -rf 1 && $TTB run -q s.yaml -o 1 %s", options);
    expect(line, 0, &said);
    expect("$TTB replay 1 && $TTB replay 1 --jobs 2 && $TTB replay 1 --until 2.1s && "
           "$TTB replay 1 --node a && $TTB replay 1 --node b",
           0, &said);
}

static void a_run_without_look_ahead_is_repeated_without(void **state)
{
    struct said said;

    (void)state;
    write_scenario(eventful);
    however_it_was_recorded("--no-look-ahead");
    expect("$TTB show 1 && $TTB run -q s.yaml -o 2", 0, &said);
    assert_says(said.out, ", without look-ahead\n");
    expect("$TTB diff 1 2", 1, &said);
    assert_says(said.out, "  look-ahead: expected off, found on\n");
    /* Each node alone has it in its grants. */
    expect("$TTB replay 1 --node b -o 3 && $TTB show 3", 0, &said);
    assert_says(said.out, ", without look-ahead\n");
}

static void how_many_nodes_ran_at_a_time_does_not_matter(void **state)
{
    (void)state;
    write_scenario(eventful);
    however_it_was_recorded("--jobs 2");
}

static void the_same_holds_for_ns3(void **state)
{
    (void)state;
    write_scenario("duration: 30s\n"
                   "links: {lan: {type: csma, rate: 10Mbps, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a:\n"
                   "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                   "    run: ['for i in 1 2 3 4; do date; ping -c 6 -i 0.1 b; done']\n"
                   "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n"
                   "events: [{at: 1s, link: lan, set: {delay: 3ms}}]\n");
    however_it_was_recorded("");
    however_it_was_recorded("--no-look-ahead");
    however_it_was_recorded("--jobs 2");
}

/* What is kept is the beginning of what was recorded. */
static void expect_beginning(const char *until)
{
    struct said said;
    char line[600];

    snprintf(line, sizeof(line),
             "rm -rf kept && $TTB replay 1 --until %s -o kept && "
             "$TTB show --records kept | sed '/^$/,$d' > kept.txt && "
             "$TTB show --records 1 > 1.txt && "
             "head -n $(wc -l < kept.txt) 1.txt | cmp - kept.txt",
             until);
    expect(line, 0, &said);
    assert_says(said.out, "identical, to ");
}

static void a_whole_run_is_repeated_up_to_a_time(void **state)
{
    struct said said;

    (void)state;
    write_scenario(eventful);
    expect("$TTB run -q s.yaml -o 1", 0, &said);
    expect("$TTB replay 1 --until 2.75s", 0, &said);
    assert_string_equal(said.out, "identical, to 2.750000000 s of simulated time\n");
    expect_beginning("0");
    expect_beginning("11.1ms"); /* while nodes boot */
    expect_beginning("1.5s");   /* something is done at this time */
    expect_beginning("1.500000001s");
    expect_beginning("3.7s");
    expect("[ $(wc -l < kept.txt) -gt 200 ] && $TTB show kept | grep '^ended'", 0, &said);
    assert_says(said.out, "at 3.");
    assert_says(said.out, "s: stopped\n");
    expect("$TTB replay 1 --until 10s", 0, &said); /* the recording's end comes first */
    assert_says(said.out, "identical, to 6.0");
}

static void a_difference_is_found_where_it_is_only(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes: {a: {run: [echo early, {at: 2s, command: busybox}]}}\n");
    expect("cp --sparse=always \"$($TTB image path)\" image.ext4 && chmod u+w image.ext4 && "
           "$TTB run -q s.yaml -o 1 --set defaults.image=./image.ext4 && "
           "at=$(grep -abo 'multi-call binary' image.ext4 | head -n 1 | cut -d: -f1) && "
           "printf M | dd of=image.ext4 bs=1 seek=$at conv=notrunc",
           0, &said);
    expect("$TTB replay 1 --until 1.9s", 0, &said);
    assert_says(said.out, "identical, to 1.900000000 s");
    assert_says(said.out, "\n  image: expected ");
    expect("$TTB replay 1 --until 2.1s", 1, &said);
    assert_says(said.out, "differs at 2.0");
    assert_says(said.out, "Multi-call binary");
}

/* -------------------------------------------------------------------------------- different */

static void the_first_difference_of_a_node_alone_is_shown(void **state)
{
    struct said said;

    (void)state;
    write_scenario(eventful);
    /* A byte of what the kernel says of itself. */
    expect("cp \"$($TTB kernel path 2> /dev/null || echo $TTB_KERNEL)\" linux && chmod +w linux && "
           "$TTB run -q s.yaml -o 1 --set defaults.kernel=./linux",
           0, &said);
    expect("for at in $(grep -abo 'ttbridge@ttbridge' linux | cut -d: -f1); do "
           "printf T | dd of=linux bs=1 seek=$at conv=notrunc 2> /dev/null; done; "
           "$TTB replay 1 --node a",
           1, &said);
    assert_says(said.out, "differs at ");
    assert_says(said.out, "ttbridge@ttbridge");
    assert_says(said.out, "Ttbridge@ttbridge");
    assert_says(said.out, "kernel: expected ");
    expect("$TTB replay 1", 1, &said);
    assert_says(said.out, "Ttbridge@ttbridge");
    assert_says(said.out, "kernel: expected ");
}

/* Between two runs: what was changed, field by field, and what came of it. */
static void a_changed_delay_and_a_changed_kernel_option_are_named(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "links: {lan: {type: ethernet, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a: {interfaces: [{link: lan, address: 10.0.0.1/24}], run: [ping -c 2 b]}\n"
                   "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n");
    expect("$TTB run -q s.yaml -o 1 && $TTB run -q s.yaml -o 2 --set links.lan.delay=2ms && "
           "$TTB run -q s.yaml -o 3 --set 'nodes.b.kernel_args=[loglevel=7]' && $TTB diff 1 2",
           1, &said);
    assert_says(said.out, "  scenario: links.lan.delay: expected 1ms, found 2ms\n\n");
    assert_says(said.out, "\nLeaving out how nodes were scheduled");
    assert_says(said.out, "b.eth0  delivered  #4 ARP request, who has 10.0.0.2");
    expect("$TTB diff --behaviour 1 3", 1, &said);
    assert_says(said.out,
                "  scenario: nodes.b.kernel_args[0]: expected nothing, found loglevel=7\n\n");
    assert_says(said.out, "\n+ 0.000000");
    assert_says(said.out, "  b  prints  [    0.000000] Linux version ");
}

/* From the trace alone, with one thing changed: files of the host are in it. */
static void what_a_change_would_change_is_shown(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "links: {lan: {type: ethernet, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a:\n"
                   "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                   "    files: {/etc/given: {from: given}, /etc/own: \"text\\n\"}\n"
                   "    run: [cat /etc/given /etc/own, ping -c 2 b]\n"
                   "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}], run: [uname -r]}\n");
    expect("printf 'a\\000b\\n' > given && $TTB run -q s.yaml -o 1 && rm given", 0, &said);
    expect("$TTB replay 1 --set links.lan.delay=1ms", 0, &said);
    assert_says(said.out, "identical, to ");
    expect("$TTB replay 1 --set links.lan.delay=2ms", 1, &said);
    assert_says(said.out, "differs at 0.01");
    assert_says(said.out, "\n  scenario: links.lan.delay: expected 1ms, found 2ms\n");
    expect("$TTB replay 1 --set 'nodes.b.kernel_args=[loglevel=7]'", 1, &said);
    assert_says(said.out, "\n  repeated  0.000000");
    assert_says(said.out, "  b  prints  [    0.000000] Linux version ");
    assert_says(said.out,
                "  scenario: nodes.b.kernel_args[0]: expected nothing, found loglevel=7\n");
    expect("$TTB replay 1 --node b --set 'nodes.b.kernel_args=[loglevel=7]'", 1, &said);
    assert_says(said.out, "  b  prints  [    0.000000] Linux version ");
    /* The other node does not take part. */
    expect("$TTB replay 1 --node a --set 'nodes.b.kernel_args=[loglevel=7]'", 0, &said);
    expect("$TTB replay 1 --set seed=2", 1, &said);
    assert_says(said.out, "\n  seed: expected 1, found 2\n");
    expect("$TTB replay 1 --set links.lan.dely=2ms", 2, &said);
    assert_says(said.err,
                "--set links.lan.dely=2ms: links.lan.dely: unknown key; did you mean \"delay\"?");
    expect("$TTB replay 1 --set defaults.memory=32M", 2, &said);
    assert_says(said.err, "a recorded scenario has its defaults in its nodes and links");
    expect("$TTB replay 1 --set nonsense", 2, &said);
    assert_says(said.err, "--set: \"nonsense\" is not KEY=VALUE");
}

static void a_recording_that_was_cut_off_is_played_as_far_as_it_goes(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "duration: 100000s\n"
                   "links: {lan: {type: ethernet, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a:\n"
                   "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                   "    run: [ping -q -i 0.01 b]\n"
                   "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n");
    expect("$TTB run -q s.yaml -o 1 & killed=$!; "
           "for i in $(seq 300); do sleep 0.1; "
           "$TTB show --records 1 2> /dev/null | grep -q 'echo reply' && break; done; "
           "kill -KILL $killed; wait $killed; "
           "$TTB show --records 1 | grep -c 'echo reply'",
           0, &said);
    expect("$TTB replay 1 && $TTB replay 1 -n a", 0, &said);
    assert_says(said.out, "\nnode a alone: identical as far as was recorded, to ");
    assert_true(strncmp(said.out, "identical as far as was recorded, to ", 37) == 0);
}

/* ------------------------------------------------------------------------------------ typed */

/* Into the node that is played, it is typed again; of another one, what came of it is seen. */
static void typed_input_reaches_a_node_alone_again(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "links: {lan: {type: ethernet, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a: {interfaces: [{link: lan, address: 10.0.0.1/24}], run: [uname -v]}\n"
                   "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n");
    expect("cp \"$($TTB kernel path 2> /dev/null || echo $TTB_KERNEL)\" linux && chmod +w linux && "
           "printf 'read x; echo got $x; cat /proc/version\\nword\\nping -c 3 -i 0.1 b\\n' | "
           "$TTB run -q s.yaml -o 1 --console a --pace max --set nodes.a.kernel=./linux",
           0, &said);
    assert_says(said.out, "got word");
    expect("$TTB show --records 1 | grep -F 'console-input a: read x; echo got $x'", 0, &said);
    expect("$TTB replay 1 --node a -o a", 0, &said);
    assert_says(said.out, "node a alone: identical, to ");
    expect("$TTB replay 1 --node b", 0, &said);
    assert_says(said.out, "node b alone: identical, to ");
    /* All that the terminal showed is among what was compared. */
    expect(
        "shown() { $TTB show --records $1 | grep '  a.ttb  transmitted' | sed 's/#[0-9]* //'; }; "
        "shown 1 > whole && shown a > alone && [ $(wc -l < whole) -ge 4 ] && cmp whole alone",
        0, &said);
    /* Nothing but what the shell shows differs: that is compared, too. */
    expect("for at in $(grep -abo 'ttbridge@ttbridge' linux | cut -d: -f1); do "
           "printf T | dd of=linux bs=1 seek=$at conv=notrunc 2> /dev/null; done; "
           "$TTB replay 1 --node a",
           1, &said);
    assert_says(said.out, "differs at ");
}

/* -------------------------------------------------------------------------------------- gdb */

static void need_gdb(void)
{
    struct said said;

    run(program, "gdb --version", &said);
    if (said.status != 0)
        skip();
}

static void gdb_sees_the_kernel_at_the_time_that_was_asked_for(void **state)
{
    struct said said;
    unsigned long long seen_ns;
    const char *at;

    (void)state;
    need_gdb();
    write_scenario(eventful);
    expect("$TTB run -q s.yaml -o 1", 0, &said);
    expect("$TTB replay 1 --node a --gdb --until 700ms -- -batch -ex bt "
           "-ex 'printf \"[%llu]\\n\", time_travel_time'",
           0, &said);
    assert_says(said.out, "start_kernel");
    assert_says(said.out, "node a alone: identical, to 0.700000000 s");
    at = strchr(said.out, '[');
    while (at && sscanf(at, "[%llu]", &seen_ns) != 1)
        at = strchr(at + 1, '[');
    assert_non_null(at);
    /* It is idle since the latest thing that it did, and pings ten times a second. */
    assert_in_range(seen_ns, 500000000, 700000000);
}

static void the_node_goes_on_under_gdb_and_does_the_same(void **state)
{
    struct said said;

    (void)state;
    need_gdb();
    write_scenario(eventful);
    /* A script that never comes to a breakpoint gets its prompt back at the end. */
    expect(
        "$TTB run -q s.yaml -o 1 && "
        "printf 'break icmp_rcv\\ncontinue\\nbt 3\\ndelete\\ncontinue\\necho over\\\\n\\n' > x && "
        "$TTB replay 1 --node a --gdb -- -batch -x x",
        0, &said);
    assert_says(said.out, "#0  icmp_rcv ");
    assert_says(said.err, "the recording ends here, at 6.0");
    assert_says(said.out, "over\n");
    assert_says(said.out, "node a alone: identical, to 6.0");
}

static void wrong_use_is_named(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\nnodes: {a: {run: [echo x]}, b: {}}\n");
    expect("$TTB run -q s.yaml -o 1", 0, &said);
    expect("$TTB replay 1 --node c", 2, &said);
    assert_says(said.err, "there is no node \"c\"; nodes of this run: a b\n");
    expect("PATH= $TTB replay 1 --node a --gdb", 3, &said);
    assert_says(said.err, "gdb: No such file or directory (on Debian: apt-get install gdb)");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest alone[] = {
        WITH_FOLDER(a_node_alone_lives_through_the_same_again),
        WITH_FOLDER(with_messages_as_well),
        WITH_FOLDER(typed_input_reaches_a_node_alone_again),
        WITH_FOLDER(the_first_difference_of_a_node_alone_is_shown),
        WITH_FOLDER(a_changed_delay_and_a_changed_kernel_option_are_named),
        WITH_FOLDER(a_recording_that_was_cut_off_is_played_as_far_as_it_goes),
        WITH_FOLDER(wrong_use_is_named),
    };
    const struct CMUnitTest whole[] = {
        WITH_FOLDER(a_run_without_look_ahead_is_repeated_without),
        WITH_FOLDER(how_many_nodes_ran_at_a_time_does_not_matter),
        WITH_FOLDER(a_whole_run_is_repeated_up_to_a_time),
        WITH_FOLDER(a_difference_is_found_where_it_is_only),
        WITH_FOLDER(what_a_change_would_change_is_shown),
    };
    const struct CMUnitTest gdb[] = {
        WITH_FOLDER(gdb_sees_the_kernel_at_the_time_that_was_asked_for),
        WITH_FOLDER(the_node_goes_on_under_gdb_and_does_the_same),
    };
    const struct CMUnitTest ns3[] = {
        WITH_FOLDER(a_node_of_an_ns3_network_needs_no_ns3),
        WITH_FOLDER(the_same_holds_for_ns3),
    };

    if (argc != 3) {
        fputs("usage: test_replay TTB alone|whole|gdb|ns3\n", stderr);
        return 2;
    }
    program = argv[1];
    if (strcmp(argv[2], "ns3") == 0)
        return cmocka_run_group_tests(ns3, NULL, NULL);
    if (strcmp(argv[2], "whole") == 0)
        return cmocka_run_group_tests(whole, NULL, NULL);
    if (strcmp(argv[2], "gdb") == 0)
        return cmocka_run_group_tests(gdb, NULL, NULL);
    return cmocka_run_group_tests(alone, NULL, NULL);
}
