/* SPDX-License-Identifier: BSD-3-Clause */
/* Real nodes in trouble: what is said, and that nothing is left. */
#include "lab_util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *victim;

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

static const char *failure(const struct ttb_lab_node *node)
{
    return ttb_node_failure(ttb_lab_node_as_node(node));
}

static void test_a_busy_loop_is_reported_and_ended(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_bridge_opts bridge_opts = {.hang_report_ms = 300, .hang_kill_ms = 1500};
    struct ttb_lab_node *node;

    fixture->lab = open_lab(fixture->scratch, NULL, &bridge_opts, &fixture->notes);
    node = add_node(fixture->lab, "busy", "echo entering; sleep 1 & while :; do :; done", NULL);
    run_until(fixture->lab, TTB_TIME_NEVER);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_FAILED);
    assert_contains(failure(node), "hung");
    assert_contains(failure(node), "last console line: \"entering\"");
    assert_contains(fixture->notes.log, "s of wall time without simulated progress, running");
    assert_contains(fixture->notes.log, "node busy: ");
    assert_contains(fixture->notes.text, "entering\n");
}

/* Holds a process as a debugger does, for some seconds; tells when it does by closing `tell`. Exits 1 if it
 * must not. */
static void hold(pid_t pid, unsigned ms, int tell)
{
    int status;

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
        _exit(1);
    if (waitpid(pid, &status, __WALL) != pid)
        _exit(2);
    close(tell);
    usleep(1000 * ms);
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    _exit(0);
}

static void test_a_node_that_a_debugger_holds_does_not_hang(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_bridge_opts bridge_opts = {.hang_report_ms = 100, .hang_kill_ms = 1000};
    struct ttb_lab_node *node;
    int told[2], status;
    pid_t debugger;
    char byte;

    fixture->lab = open_lab(fixture->scratch, NULL, &bridge_opts, &fixture->notes);
    node = add_node(fixture->lab, "held", "sleep 2; echo well", NULL);
    run_until(fixture->lab, 1000000000);
    assert_true(ttb_lab_node_pid(node) > 0);
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    debugger = fork();
    assert_true(debugger >= 0);
    if (debugger == 0)
        hold(ttb_lab_node_pid(node), 2000, told[1]); /* until about when somebody looks */
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 0);
    close(told[0]);
    run_until(fixture->lab, TTB_TIME_NEVER);
    assert_int_equal(waitpid(debugger, &status, 0), debugger);
    if (WEXITSTATUS(status) == 1)
        skip(); /* a process may trace its descendants only (yama) */
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_contains(fixture->notes.log, "s of wall time without simulated progress");
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_STOPPED);
    assert_contains(fixture->notes.text, "well\n");
    assert_int_equal(ttb_lab_node_pid(node), 0);
}

static void test_an_image_that_is_none_is_seen_in_the_last_line(void **state)
{
    struct fixture *fixture = *state;
    char *image = in(fixture->scratch, "garbage"), *data = calloc(1, 1 << 20);
    struct ttb_lab_opts opts = {.image = image};
    struct ttb_lab_node *node;

    write_file(image, data, 1 << 20, 0600);
    fixture->lab = open_lab(fixture->scratch, &opts, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", NULL, NULL);
    run_until(fixture->lab, TTB_TIME_NEVER);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_FAILED);
    assert_contains(fixture->notes.text,
                    "Kernel panic - not syncing: VFS: Unable to mount root fs");
    assert_contains(failure(node), "last console line: \"");
    free(data);
    free(image);
}

static void test_a_guest_panic_is_a_failure(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node;

    fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", "sleep 2; echo c > /proc/sysrq-trigger; sleep 1; kill -9 1",
                    "init=/bin/false");
    run_until(fixture->lab, TTB_TIME_NEVER);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_FAILED);
    assert_contains(fixture->notes.text, "Attempted to kill init");
}

static void test_bad_kernel_arguments_do_not_hang(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node;

    fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", NULL, "mem=nonsense");
    run_until(fixture->lab, TTB_TIME_NEVER);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_FAILED);
}

/* As in a container without the right to trace: ptrace(2) gives EPERM, for us and all children. */
static int forbid_ptrace(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0
               ? -errno
               : 0;
}

static void test_forbidden_ptrace_is_said_with_the_remedy(void **state)
{
    struct fixture *fixture = *state;
    int fds[2], status;
    char said[1024] = "";
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ttb_lab_node *node;
        const char *why;

        if (forbid_ptrace())
            _exit(77);
        fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
        node = add_node(fixture->lab, "a", NULL, NULL);
        run_until(fixture->lab, TTB_TIME_NEVER);
        why = failure(node);
        status = write(fds[1], why, strlen(why)) > 0 ? 0 : 1;
        ttb_lab_free(fixture->lab);
        _exit(status);
    }
    close(fds[1]);
    assert_true(read(fds[0], said, sizeof(said) - 1) >= 0);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
    assert_contains(said, "ptrace is not permitted here (Operation not permitted)");
    assert_contains(said, "--cap-add=SYS_PTRACE");
    assert_contains(said, "ptrace_scope");
}

/* The pid file that UML makes while it lives. */
static pid_t uml_pid(const struct fixture *fixture)
{
    char *path = in(fixture->scratch, "nodes/a/uml/a/pid");
    long pid = wait_number(path, "", 10000);

    free(path);
    return (pid_t)pid;
}

static void kill_program(struct fixture *fixture, const char *commands)
{
    char *console = in(fixture->scratch, "nodes/a/console.log");
    pid_t group, pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        execl(victim, victim, fixture->scratch, "", commands, (char *)NULL);
        _exit(127);
    }
    group = uml_pid(fixture);
    assert_true(group > 1);
    assert_int_not_equal(wait_number(console, "up ", 10000), -1);
    assert_true(count_processes(group) > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(wait_no_processes(group, 1000), 0);
    for (int i = 0; i < 100 && count_sockets(fixture->scratch); i++)
        usleep(10000);
    assert_int_equal(count_sockets(fixture->scratch), 0);
    free(console);
}

static void test_nothing_is_left_of_a_killed_program_with_a_busy_node(void **state)
{
    kill_program(*state, "echo up 1; sleep 1000 & while :; do :; done");
}

static void test_nothing_is_left_of_a_killed_program_with_an_idle_node(void **state)
{
    /* A sleep would be over in no time. */
    kill_program(*state, "echo up 1; mkfifo /tmp/never; cat /tmp/never");
}

static void test_stopping_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node;
    pid_t group;

    fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", "(while :; do sleep 1; done)& sleep 1000", NULL);
    run_until(fixture->lab, 3000000000ULL);
    group = uml_pid(fixture);
    assert_true(group > 1);
    assert_true(count_processes(group) > 1);
    assert_int_equal(ttb_node_stop(ttb_lab_node_as_node(node)), 0);
    assert_int_equal(wait_no_processes(group, 1000), 0);
}

static void test_freeing_a_lab_with_running_nodes_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    pid_t group;

    fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
    add_node(fixture->lab, "a", "sleep 1000", NULL);
    run_until(fixture->lab, 3000000000ULL);
    group = uml_pid(fixture);
    assert_true(count_processes(group) > 1);
    ttb_lab_free(fixture->lab);
    fixture->lab = NULL;
    assert_int_equal(wait_no_processes(group, 1000), 0);
    assert_int_equal(count_sockets(fixture->scratch), 0);
}

static void test_a_node_killed_from_outside_is_a_failure(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_lab_node *node;
    pid_t group;

    fixture->lab = open_lab(fixture->scratch, NULL, NULL, &fixture->notes);
    node = add_node(fixture->lab, "a", "sleep 1000", NULL);
    run_until(fixture->lab, 3000000000ULL);
    group = uml_pid(fixture);
    assert_true(group > 1);
    assert_int_equal(kill(group, SIGKILL), 0);
    run_until(fixture->lab, TTB_TIME_NEVER);
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(node)), TTB_NODE_FAILED);
    assert_contains(failure(node), "killed by signal 9");
    assert_int_equal(wait_no_processes(group, 1000), 0);
}

int main(int argc, char **argv)
{
#define LAB_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        LAB_TEST(test_a_busy_loop_is_reported_and_ended),
        LAB_TEST(test_an_image_that_is_none_is_seen_in_the_last_line),
        LAB_TEST(test_a_guest_panic_is_a_failure),
        LAB_TEST(test_a_node_that_a_debugger_holds_does_not_hang),
        LAB_TEST(test_bad_kernel_arguments_do_not_hang),
        LAB_TEST(test_forbidden_ptrace_is_said_with_the_remedy),
        LAB_TEST(test_nothing_is_left_of_a_killed_program_with_a_busy_node),
        LAB_TEST(test_nothing_is_left_of_a_killed_program_with_an_idle_node),
        LAB_TEST(test_stopping_leaves_nothing),
        LAB_TEST(test_freeing_a_lab_with_running_nodes_leaves_nothing),
        LAB_TEST(test_a_node_killed_from_outside_is_a_failure),
    };

    need_kernel();
    if (argc < 2)
        return 2;
    victim = argv[1];
    return cmocka_run_group_tests_name("boot_errors", tests, NULL, NULL);
}
