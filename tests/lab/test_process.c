/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How processes are started and ended, seen from a program that plays the kernel: what it is given,
 * what is said when it misbehaves, and that nothing of it is left.
 */
#include "lab_util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/process.h"

static const char *fake_kernel, *victim;

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

/* A node that is played in the given mode, and has ended or been ended when this returns. */
static struct ttb_lab_node *play(struct fixture *fixture, const char *argument)
{
    struct ttb_lab_opts opts = {.kernel = fake_kernel, .image = "/bin/busybox", .seed = 42};
    /* Short for the one that never connects; the others shall not be cut on a busy machine. */
    bool stays = strcmp(argument, "fake=stay") == 0;
    struct ttb_bridge_opts bridge_opts = {.connect_timeout_ms = stays ? 300 : 60000};
    struct ttb_lab_interface_opts interface_opts = {.size = sizeof(interface_opts)};
    struct ttb_lab_node *node;
    struct ttb_port *port;

    fixture->lab = open_lab(fixture->scratch, &opts, &bridge_opts, &fixture->notes);
    node = add_node(fixture->lab, "a", "true", argument);
    assert_int_equal(ttb_lab_node_add_interface(node, &interface_opts, &port), 0);
    run_until(fixture->lab, 1000);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_FAILED);
    return node;
}

static const char *failure(const struct ttb_lab_node *node)
{
    return ttb_node_failure(ttb_lab_node_as_node(node));
}

static void test_surroundings_are_the_same_everywhere(void **state)
{
    static const char *const expected[] = {
        "argument linux\nargument mem=64M\n"
        "argument ubd0=nodes/a/cow,nodes/a/image\n"
        "argument ubd1r=nodes/a/input.tar\n"
        "argument ubd2=nodes/a/result\n",
        "\nargument ttb.name=a\n",
        "\nargument time-travel=ext:0:calendar.sock\n",
        "\nargument time-travel-start=1735689600000000000\n",
        "\nargument time-travel-seed=42:0\n",
        "\nargument virtio_uml.device=a.eth0:1\nargument fake=report\n"
        "environment HOME=/\nenvironment PATH=/usr/bin:/bin\n"
        "environment LC_ALL=C\nenvironment TMPDIR=/dev/shm\ndirectory ",
        "\nrandomised 0\ndeath signal 9\nsession leader 1 group leader 1\ndescriptors 4\n"
        "blocked 0\npipe ignored 0\ncore 0 0\numask 077\ninput ends 1\n",
    };
    struct fixture *fixture = *state;
    int inherited[20];
    sigset_t mask;

    /* None of this may reach it. */
    for (int i = 0; i < 20; i++)
        inherited[i] = dup(0);
    setenv("TTB_TEST_VARIABLE", "leak", 1);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    play(fixture, "fake=report");
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 20; i++)
        close(inherited[i]);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_contains(fixture->notes.text, expected[i]);
    assert_contains(fixture->notes.text, fixture->scratch);
    assert_null(strstr(fixture->notes.text, "leak"));
}

static void test_one_that_dies_at_boot_is_quoted(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = play(fixture, "fake=panic");
    int status;

    assert_contains(failure(node), "exited with status 7");
    assert_contains(failure(node), "last console line: \"Kernel panic - not syncing: VFS: Unable "
                                   "to mount root fs\"");
    assert_contains(fixture->notes.log, "node a");
    assert_int_equal(ttb_lab_node_exit_status(node, &status), -ENODATA);
    assert_string_equal(ttb_lab_node_last_line(node),
                        "Kernel panic - not syncing: VFS: Unable to mount root fs");
}

static void test_a_signal_is_named(void **state)
{
    struct ttb_lab_node *node = play(*state, "fake=crash");

    assert_contains(failure(node), "killed by signal 11");
    assert_contains(failure(node), "last console line: \"about to crash\"");
}

static pid_t group_of(const struct fixture *fixture)
{
    const char *said = strstr(fixture->notes.text, "pid ");

    assert_non_null(said);
    return (pid_t)atol(said + 4);
}

static void test_one_that_never_connects_is_ended_with_its_children(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = play(fixture, "fake=stay");

    assert_contains(failure(node), "300 ms");
    assert_contains(failure(node), "last console line: \"sleeping\"");
    assert_int_equal(wait_no_processes(group_of(fixture), 1000), 0);
}

static void test_children_that_are_left_behind_are_ended(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = play(fixture, "fake=leave");

    assert_contains(failure(node), "exited with status 9");
    assert_int_equal(wait_no_processes(group_of(fixture), 1000), 0);
}

static void test_locks_of_one_that_has_ended_are_gone(void **state)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = play(fixture, "fake=share");
    char *held = in(fixture->scratch, "held");
    int fd = open(held, O_RDWR);

    assert_contains(failure(node), "exited with status 8");
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETLK, &lock), 0);
    close(fd);
    free(held);
}

/* A process and its child; both end with the pipe. */
static pid_t fork_two(int *end_fd, pid_t *below)
{
    int ends[2], told[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(told), 0);
    pid = fork();
    if (pid == 0) {
        char byte;
        pid_t child = fork();

        close(ends[1]);
        if (child > 0 && write(told[1], &child, sizeof(child)) != sizeof(child))
            _exit(1);
        if (read(ends[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(read(told[0], below, sizeof(*below)), sizeof(*below));
    close(ends[0]);
    close(told[0]);
    close(told[1]);
    *end_fd = ends[1];
    return pid;
}

static int only_core_of(pid_t pid)
{
    cpu_set_t set;
    int core = 0;

    assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
    if (CPU_COUNT(&set) != 1)
        return -1;
    while (!CPU_ISSET(core, &set))
        core++;
    return core;
}

static void test_a_node_is_moved_to_a_core_as_a_whole(void **state)
{
    struct ttb__process process = {.pidfd = -1, .alive_fd = -1};
    cpu_set_t allowed;
    pid_t below;
    int end_fd;

    (void)state;
    sched_getaffinity(0, sizeof(allowed), &allowed);
    process.pid = fork_two(&end_fd, &below);
    for (unsigned core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &allowed))
            continue;
        assert_int_equal(ttb__process_bind(&process, core), 0);
        assert_int_equal(only_core_of(process.pid), core);
        assert_int_equal(only_core_of(below), core);
    }
    close(end_fd);
    assert_int_equal(waitpid(process.pid, NULL, 0), process.pid);
    assert_int_equal(ttb__process_bind(&process, 0), -ENOENT);
    process.pid = 0;
    assert_int_equal(ttb__process_bind(&process, 0), -ENOENT);
}

static void test_a_flood_comes_whole_in_order_and_lines(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node;
    struct rusage before, after;
    char piece[64];

    fixture->notes.keep = false;
    getrusage(RUSAGE_SELF, &before);
    node = play(fixture, "fake=flood");
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(fixture->notes.lines, 1000000);
    assert_string_equal(ttb_lab_node_last_line(node), "line 999999 of the flood");
    assert_int_equal(ttb_lab_node_console_len_bytes(node), 24888890);
    assert_int_equal(ttb_lab_node_read_console(node, 0, piece, 20), 20);
    assert_memory_equal(piece, "line 0 of the flood\n", 20);
    assert_int_equal(ttb_lab_node_read_console(node, 24888880, piece, 64), 10);
    assert_int_equal(ttb_lab_node_read_console(node, 24888890, piece, 64), 0);
#ifndef __SANITIZE_ADDRESS__
    assert_true(after.ru_maxrss - before.ru_maxrss < 4096); /* KiB */
#endif
}

static void test_lines_are_cut_at_their_ends_and_at_the_limit(void **state)
{
    struct fixture *fixture = *state;
    const char *text;

    play(fixture, "fake=noise");
    text = fixture->notes.text;
    assert_memory_equal(text, "one\n\0two\n\n", 10);
    text += 10;
    assert_int_equal(strcspn(text, "\n"), TTB_LAB_LINE_MAX);
    text += TTB_LAB_LINE_MAX + 1;
    assert_int_equal(strcspn(text, "\n"), TTB_LAB_LINE_MAX);
    text += TTB_LAB_LINE_MAX + 1;
    assert_int_equal(strcspn(text, "\n"), 10000 - 2 * TTB_LAB_LINE_MAX);
    text += 10000 - 2 * TTB_LAB_LINE_MAX + 1;
    assert_string_equal(text, "no end of line\n");
    assert_int_equal(fixture->notes.lines, 7);
}

static void test_memory_that_does_not_fit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_opts opts = {
        .kernel = fake_kernel, .image = "/bin/busybox", .memory_directory = fixture->scratch};
    struct ttb_bridge_opts bridge_opts = {.connect_timeout_ms = 300};
    struct ttb_lab_node *node;
    char options[] = "size=20m", *run = in(fixture->scratch, "run");

    if (mount("none", fixture->scratch, "tmpfs", 0, options) < 0) {
        free(run);
        print_message("needs the right to mount\n");
        skip();
    }
    fixture->lab = open_lab(run, &opts, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", NULL, "fake=report");
    run_until(fixture->lab, 1000);
    assert_contains(failure(node), "64 MiB of memory do not fit into");
    assert_contains(failure(node), fixture->scratch);
    assert_contains(failure(node), "of 20 MiB free");
    assert_contains(failure(node), "--shm-size");
    ttb_lab_free(fixture->lab);

    fixture->notes.log[0] = 0;
    assert_int_equal(mount("none", fixture->scratch, "tmpfs", MS_REMOUNT | MS_NOEXEC, "size=80m"),
                     0);
    fixture->lab = open_lab(run, &opts, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", NULL, "fake=report");
    run_until(fixture->lab, 1000);
    assert_contains(failure(node), "mounted noexec");
    ttb_lab_free(fixture->lab);

    fixture->notes.log[0] = 0;
    assert_int_equal(mount("none", fixture->scratch, "tmpfs", MS_REMOUNT, "size=80m"), 0);
    fixture->lab = open_lab(run, &opts, &bridge_opts, &fixture->notes);
    add_node(fixture->lab, "a", NULL, "fake=stay");
    add_node(fixture->lab, "b", NULL, "fake=report");
    run_until(fixture->lab, 1000);
    assert_contains(fixture->notes.log, "the nodes' memories together (128 MiB) are larger than");
    ttb_lab_free(fixture->lab);
    fixture->lab = NULL;
    free(run);
    assert_int_equal(umount2(fixture->scratch, MNT_DETACH), 0);
}

static void test_a_memory_directory_that_is_not_there_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_opts opts = {
        .kernel = fake_kernel, .image = "/bin/busybox", .memory_directory = "/nowhere"};
    struct ttb_lab_node *node;

    fixture->lab = open_lab(fixture->scratch, &opts, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", NULL, "fake=report");
    run_until(fixture->lab, 1000);
    assert_contains(failure(node), "memory directory /nowhere: No such file");
}

static void test_a_command_line_that_is_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static char argument[4000];
    struct ttb_lab_node *node;

    memset(argument, 'x', sizeof(argument) - 1);
    node = play(fixture, argument);
    assert_contains(failure(node), "kernel command line would have");
}

static void test_a_failed_node_can_be_started_again(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node = play(fixture, "fake=panic");

    assert_int_equal(ttb_node_restart(ttb_lab_node_as_node(node), 2000), 0);
    run_until(fixture->lab, 5000);
    assert_contains(failure(node), "exited with status 7");
    assert_int_equal(fixture->notes.lines, 4);
    assert_int_equal(fixture->notes.last_ns, 2000);
}

static pid_t start_victim(const struct fixture *fixture, const char *argument)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("TTB_KERNEL", fake_kernel, 1);
        setenv("TTB_IMAGE", "/bin/busybox", 1);
        execl(victim, victim, fixture->scratch, argument, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void test_nothing_is_left_of_a_killed_program(void **state)
{
    struct fixture *fixture = *state;
    char *console = in(fixture->scratch, "nodes/a/console.log");
    pid_t pid = start_victim(fixture, "fake=stay"), group;

    group = (pid_t)wait_number(console, "pid ", 10000);
    assert_true(group > 1);
    assert_int_equal(count_processes(group), 4);
    assert_int_equal(count_sockets(fixture->scratch), 2);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(wait_no_processes(group, 1000), 0);
    /* The guard cleans up while it holds the lock: once we get it, all is done. */
    for (int i = 0; i < 100; i++) {
        struct ttb_lab_opts opts = {.size = sizeof(opts), .directory = fixture->scratch};

        if (count_sockets(fixture->scratch) == 0 && ttb_lab_new(&opts, &fixture->lab, NULL, 0) == 0)
            break;
        usleep(10000);
    }
    assert_non_null(fixture->lab);
    free(console);
}

static void test_nothing_is_left_of_a_program_whose_guard_was_killed(void **state)
{
    struct fixture *fixture = *state;
    char *console = in(fixture->scratch, "nodes/a/console.log"), path[64], *children;
    pid_t pid = start_victim(fixture, "fake=stay"), group, guard;
    int status;

    group = (pid_t)wait_number(console, "pid ", 10000);
    assert_true(group > 1);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    children = read_text(path);
    if (!children) {
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
        free(console);
        skip();
    }
    /* It was the first child. */
    guard = (pid_t)atol(children);
    assert_int_not_equal(guard, group);
    assert_int_equal(kill(guard, SIGKILL), 0);
    usleep(50000);
    /* The program lives on, and an orderly end cleans up without it. */
    assert_int_equal(count_processes(group), 4);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    /* The kernel itself dies by its death signal; what it traces nobody can reach any more, which
     * is why there is a guard. End them here. */
    usleep(100000);
    assert_true(count_processes(group) < 4);
    kill(-group, SIGKILL);
    assert_int_equal(wait_no_processes(group, 1000), 0);
    free(children);
    free(console);
}

int main(int argc, char **argv)
{
#define LAB_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        LAB_TEST(test_surroundings_are_the_same_everywhere),
        LAB_TEST(test_one_that_dies_at_boot_is_quoted),
        LAB_TEST(test_a_signal_is_named),
        LAB_TEST(test_one_that_never_connects_is_ended_with_its_children),
        LAB_TEST(test_children_that_are_left_behind_are_ended),
        LAB_TEST(test_locks_of_one_that_has_ended_are_gone),
        cmocka_unit_test(test_a_node_is_moved_to_a_core_as_a_whole),
        LAB_TEST(test_a_flood_comes_whole_in_order_and_lines),
        LAB_TEST(test_lines_are_cut_at_their_ends_and_at_the_limit),
        LAB_TEST(test_memory_that_does_not_fit_is_refused),
        LAB_TEST(test_a_memory_directory_that_is_not_there_is_named),
        LAB_TEST(test_a_command_line_that_is_too_long_is_refused),
        LAB_TEST(test_a_failed_node_can_be_started_again),
        LAB_TEST(test_nothing_is_left_of_a_killed_program),
        LAB_TEST(test_nothing_is_left_of_a_program_whose_guard_was_killed),
    };

    if (argc < 3)
        return 2;
    fake_kernel = argv[1];
    victim = argv[2];
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
