/* SPDX-License-Identifier: BSD-3-Clause */
/* Real nodes: they boot, get their files and interfaces, run, and report; every run is the same. */
#include "lab_util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ULL

struct fixture {
    char *scratch;
    struct notes notes;
    struct ttb_lab *lab;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->scratch = scratch_new();
    fixture->notes.keep = true;
    fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    ttb_lab_free(fixture->lab);
    free(fixture->notes.text);
    scratch_free(fixture->scratch);
    free(fixture);
    return 0;
}

static void run_all(struct fixture *fixture)
{
    run_until(fixture->lab, TTB_TIME_NEVER);
}

static void assert_exit(const struct ttb_lab_node *node, int wanted)
{
    const struct ttb_node *base = ttb_lab_node_as_node(node);
    int status = -1;

    if (ttb_node_get_state(base) != TTB_NODE_STOPPED)
        fail_msg("node is %s: %s", ttb_node_state_name(ttb_node_get_state(base)),
                 ttb_node_failure(base));
    assert_int_equal(ttb_lab_node_exit_status(node, &status), 0);
    assert_int_equal(status, wanted);
}

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void test_commands_run_and_their_status_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node =
        add_node(fixture->lab, "alice", "hostname\ndate -u +%s\necho \"[$1]\"\nexit 3\n", NULL);
    char *uml = in(fixture->scratch, "nodes/alice/uml"), *console;

    run_all(fixture);
    assert_exit(node, 3);
    assert_contains(fixture->notes.text, "alice\n1735689600\n[]\n");
    console = read_text(ttb_lab_node_console_path(node));
    assert_contains(console, "alice\n1735689600\n");
    assert_string_equal(fixture->notes.log, "");
    assert_int_equal(access(uml, F_OK), -1);
    free(console);
    free(uml);
}

static void test_a_node_without_commands_boots_and_ends(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = add_node(fixture->lab, "a", NULL, NULL);

    run_all(fixture);
    assert_exit(node, 0);
}

static void test_the_status_cannot_be_mistaken(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *liar =
        add_node(fixture->lab, "liar", "echo 'ttb-init: exit 0'; exit 5", NULL);
    struct ttb_lab_node *cut = add_node(fixture->lab, "cut", "echo 'exit 0'; poweroff -f", NULL);
    struct ttb_lab_node *again = add_node(fixture->lab, "again", "reboot -f", NULL);
    int status;

    run_all(fixture);
    assert_exit(liar, 5);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(cut)), TTB_NODE_STOPPED);
    assert_int_equal(ttb_lab_node_exit_status(cut, &status), -ENODATA);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(again)), TTB_NODE_STOPPED);
    assert_int_equal(ttb_lab_node_exit_status(again, &status), -ENODATA);
}

static void test_files_go_where_they_are_said_to(void **state)
{
    struct fixture *fixture = *state;
    char *host = in(fixture->scratch, "tool");
    const struct ttb_lab_file files[] = {
        {.path = "/etc/deep/er/it's here", .content = "quoted\n", .len_bytes = 7, .mode = 0600},
        {.path = "data/x", .content = "relative\n", .len_bytes = 9},
        {.path = "/usr/bin/tool", .host_path = host},
    };
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = "a",
        .files = files,
        .file_count = 3,
        .commands = "cat \"/etc/deep/er/it's here\" /run/ttb/data/x\n"
                    "stat -c '%a %u:%g' \"/etc/deep/er/it's here\" /run/ttb/data/x /usr/bin/tool\n"
                    "tool && stat -c %a /etc /tmp\n",
    };
    struct ttb_lab_node *node;

    write_file(host, "#!/bin/sh\necho tool runs\n", 25, 0750);
    assert_int_equal(ttb_lab_add_node(fixture->lab, &opts, &node), 0);
    /* The node has its own copy by now. */
    unlink(host);
    run_all(fixture);
    assert_exit(node, 0);
    assert_contains(fixture->notes.text, "quoted\nrelative\n600 0:0\n644 0:0\n755 0:0\ntool runs\n"
                                         "755\n1777\n");
    free(host);
}

static void add_interface(struct ttb_lab *lab, struct ttb_lab_node *node,
                          struct ttb_lab_interface_opts opts)
{
    struct ttb_port *port;

    opts.size = sizeof(opts);
    if (ttb_lab_node_add_interface(node, &opts, &port))
        fail_msg("%s", ttb_lab_error(lab));
}

static void test_interfaces_are_up_with_their_names_and_addresses(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = add_node(
        fixture->lab, "a",
        "for i in eth1 eth0 wan; do cat /sys/class/net/$i/address /sys/class/net/$i/mtu\n"
        "ip -o addr show dev $i | sed 's/  */ /g'; done; ip route; ip -6 route show default\n",
        NULL);

    add_interface(fixture->lab, node,
                  (struct ttb_lab_interface_opts){
                      .name = "eth1", .addresses = {"10.1.0.1/24", "10.1.0.2/32"}, .mtu = 1280});
    add_interface(fixture->lab, node,
                  (struct ttb_lab_interface_opts){.name = "eth0",
                                                  .addresses = {"2001:db8::1/64"},
                                                  .gateway = "2001:db8::ffff",
                                                  .mac = {2, 0, 0, 0, 0, 0x42}});
    add_interface(fixture->lab, node,
                  (struct ttb_lab_interface_opts){
                      .name = "wan", .addresses = {"192.168.7.1/30"}, .gateway = "192.168.7.2"});
    run_all(fixture);
    assert_exit(node, 0);
    assert_contains(fixture->notes.text, "02:74:74:00:00:00\n1280\n");
    assert_contains(fixture->notes.text, "eth1 inet 10.1.0.1/24 brd 10.1.0.255 ");
    assert_contains(fixture->notes.text, "eth1 inet 10.1.0.2/32 ");
    assert_contains(fixture->notes.text, "02:00:00:00:00:42\n1500\n");
    assert_contains(fixture->notes.text, "eth0 inet6 2001:db8::1/64 scope global");
    assert_contains(fixture->notes.text, "wan inet 192.168.7.1/30 brd 192.168.7.3 ");
    assert_contains(fixture->notes.text, "default via 192.168.7.2 dev wan");
    assert_contains(fixture->notes.text, "default via 2001:db8::ffff dev eth0");
    assert_null(strstr(fixture->notes.text, "global tentative"));
}

static void test_an_address_that_the_guest_refuses_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = add_node(fixture->lab, "a", "echo never", NULL);
    int status;

    add_interface(
        fixture->lab, node,
        (struct ttb_lab_interface_opts){.addresses = {"10.0.0.1/24"}, .gateway = "172.16.0.1"});
    run_all(fixture);
    assert_contains(fixture->notes.text,
                    "ttb-start: cannot route through the gateway 172.16.0.1 of eth0\n");
    assert_null(strstr(fixture->notes.text, "never"));
    assert_int_equal(ttb_lab_node_exit_status(node, &status), -ENODATA);
}

/* Time of the line `text` in the notes of a run; ~0 if it was not printed. */
struct when {
    const char *text;
    uint64_t time_ns;
};

static void note_when(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                      size_t len_bytes)
{
    struct when *when = user;

    (void)node;
    (void)len_bytes;
    for (; when->text; when++) {
        if (strcmp(when->text, text) == 0)
            when->time_ns = time_ns;
    }
}

static void assert_about(uint64_t time_ns, uint64_t wanted_ns)
{
    /* Boot and the shell cost clock reads and failing calls, microseconds each. */
    if (time_ns < wanted_ns || time_ns > wanted_ns + SECOND_NS / 10)
        fail_msg("%" PRIu64 " ns is not about %" PRIu64 " ns", time_ns, wanted_ns);
}

static void test_lines_have_simulated_times_and_sleep_costs_nothing(void **state)
{
    struct when when[] = {{"first", 0}, {"second", 0}, {"third", 0}, {NULL, 0}};
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = add_node(
        fixture->lab, "a", "echo first; sleep 10; echo second; sleep 1000; echo third", NULL);
    double start_s = wall_s();

    ttb_lab_on_console_line(fixture->lab, note_when, when);
    run_all(fixture);
    assert_exit(node, 0);
    assert_about(when[0].time_ns, 0);
    assert_about(when[1].time_ns, 10 * SECOND_NS);
    assert_about(when[2].time_ns, 1010 * SECOND_NS);
    assert_true(wall_s() - start_s < 20);
}

static void test_a_late_node_is_switched_on_at_its_time(void **state)
{
    struct when when[] = {{"1735689605", 0}, {"0", 0}, {NULL, 0}};
    struct fixture *fixture = *state;
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = "late",
        .start_ns = 5 * SECOND_NS,
        .commands = "date +%s; cut -d. -f1 /proc/uptime",
    };
    struct ttb_lab_node *node;

    ttb_lab_on_console_line(fixture->lab, note_when, when);
    assert_int_equal(ttb_lab_add_node(fixture->lab, &opts, &node), 0);
    run_all(fixture);
    assert_exit(node, 0);
    assert_about(when[0].time_ns, 5 * SECOND_NS);
    assert_about(when[1].time_ns, 5 * SECOND_NS);
}

static void test_a_node_keeps_its_disk_when_started_again(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node =
        add_node(fixture->lab, "a",
                 "if [ -f /root/mark ]; then cat /root/mark; exit 7; fi\n"
                 "echo from the first life > /root/mark; sync; echo written; sleep 1000",
                 NULL);
    struct ttb_node *base = ttb_lab_node_as_node(node);
    int status;

    run_until(fixture->lab, 2 * SECOND_NS);
    assert_contains(fixture->notes.text, "written\n");
    assert_int_equal(ttb_node_stop(base), 0);
    assert_int_equal(ttb_lab_node_exit_status(node, &status), -ENODATA);
    assert_int_equal(ttb_node_restart(base, 3 * SECOND_NS), 0);
    run_all(fixture);
    assert_exit(node, 7);
    assert_contains(fixture->notes.text, "written\n");
    assert_contains(fixture->notes.text, "from the first life\n");
}

static void test_nodes_do_not_share_what_they_write(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *nodes[2];

    nodes[0] = add_node(fixture->lab, "a", "echo a > /root/x; sync; sleep 2; cat /root/x", NULL);
    nodes[1] = add_node(fixture->lab, "b", "sleep 1; test ! -e /root/x", NULL);
    run_all(fixture);
    assert_exit(nodes[0], 0);
    assert_exit(nodes[1], 0);
}

/* One run of a node that prints random and machine-dependent things; returns its console. */
static char *record(uint64_t seed, enum ttb_clock_mode mode, const char *folder)
{
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = seed};
    struct ttb_lab_node_opts node_opts = {
        .size = sizeof(node_opts),
        .name = "a",
        .clock_mode = mode,
        .commands = "head -c 32 /dev/urandom | sha256sum; cat /proc/sys/kernel/random/uuid\n"
                    "cat /proc/self/maps /proc/meminfo; ls -lan / /proc/self/fd; mktemp\n"
                    "sleep 3; date; cat /proc/uptime; dmesg",
    };
    char *scratch = scratch_new(), *run = in(scratch, folder), *console;
    struct notes notes = {.keep = true};
    struct ttb_lab_node *node;
    struct ttb_lab *lab = open_lab(run, &opts, NULL, &notes);

    assert_int_equal(ttb_lab_add_node(lab, &node_opts, &node), 0);
    run_until(lab, TTB_TIME_NEVER);
    assert_exit(node, 0);
    console = read_text(ttb_lab_node_console_path(node));
    assert_non_null(console);
    ttb_lab_free(lab);
    free(notes.text);
    free(run);
    scratch_free(scratch);
    return console;
}

static void test_runs_are_equal_wherever_they_are(void **state)
{
    char *first = record(7, TTB_CLOCK_AUTO, "x");

    (void)state;
    for (int i = 0; i < 5; i++) {
        static const char *const folders[] = {"y", "a-much-longer-name-of-a-directory"};
        char variable[64], *again;

        snprintf(variable, sizeof(variable), "%0*d", 10 * i + 1, i);
        setenv("TTB_TEST_NOISE", variable, 1);
        again = record(7, TTB_CLOCK_AUTO, folders[i % 2]);
        assert_string_equal(again, first);
        free(again);
    }
    unsetenv("TTB_TEST_NOISE");
    free(first);
}

static void test_another_seed_is_another_run(void **state)
{
    char *one = record(1, TTB_CLOCK_AUTO, "x"), *two = record(2, TTB_CLOCK_AUTO, "x");

    (void)state;
    assert_string_not_equal(one, two);
    free(one);
    free(two);
}

static void test_both_ways_to_share_the_clock_give_one_run(void **state)
{
    char *shared = record(1, TTB_CLOCK_SHARED, "x"), *messages = record(1, TTB_CLOCK_MESSAGES, "x");

    (void)state;
    assert_string_equal(shared, messages);
    free(shared);
    free(messages);
}

static void test_a_hundred_megabytes_of_output(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = add_node(
        fixture->lab, "a",
        "stty -F /dev/console -opost\n"
        "yes 0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789"
        "abcdefghijklmnopqrstuvwxyz | dd bs=100k count=1000 iflag=fullblock",
        NULL);

    fixture->notes.keep = false;
    run_all(fixture);
    assert_exit(node, 0);
    assert_true(ttb_lab_node_console_len_bytes(node) > 102400000);
    assert_true(fixture->notes.lines >= 102400000 / 109);
}

int main(void)
{
#define LAB_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        LAB_TEST(test_commands_run_and_their_status_comes_back),
        LAB_TEST(test_a_node_without_commands_boots_and_ends),
        LAB_TEST(test_the_status_cannot_be_mistaken),
        LAB_TEST(test_files_go_where_they_are_said_to),
        LAB_TEST(test_interfaces_are_up_with_their_names_and_addresses),
        LAB_TEST(test_an_address_that_the_guest_refuses_is_said),
        LAB_TEST(test_lines_have_simulated_times_and_sleep_costs_nothing),
        LAB_TEST(test_a_late_node_is_switched_on_at_its_time),
        LAB_TEST(test_a_node_keeps_its_disk_when_started_again),
        LAB_TEST(test_nodes_do_not_share_what_they_write),
        cmocka_unit_test(test_runs_are_equal_wherever_they_are),
        cmocka_unit_test(test_another_seed_is_another_run),
        cmocka_unit_test(test_both_ways_to_share_the_clock_give_one_run),
        LAB_TEST(test_a_hundred_megabytes_of_output),
    };

    need_kernel();
    return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
