/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts that know nothing of us run as they do under ns-3's default implementation: the same
 * events, in the same order, with the same times, contexts and uids; with and without a bridge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *scenario_program;

/* Run a scenario in a directory of its own; what it prints goes to a temporary file. */
static FILE *run(const char *name, const char *how)
{
    char directory[] = "/tmp/ttb-ns3-XXXXXX";
    FILE *out = tmpfile();
    int status;
    pid_t pid;

    assert_non_null(out);
    assert_non_null(mkdtemp(directory));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(directory) < 0 || dup2(fileno(out), STDOUT_FILENO) < 0)
            _exit(127);
        execl(scenario_program, scenario_program, name, how, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(rmdir(directory), 0);
    if (status != 0)
        fail_msg("%s %s: wait status %#x", name, how, status);
    rewind(out);
    return out;
}

static void compare(const char *name, const char *how, unsigned lines_min)
{
    FILE *expected = run(name, "default"), *got = run(name, how);
    char expected_line[512], got_line[512];
    unsigned line = 0;

    for (;;) {
        char *a = fgets(expected_line, sizeof(expected_line), expected);
        char *b = fgets(got_line, sizeof(got_line), got);

        line++;
        if (!a && !b)
            break;
        if (!a || !b || strcmp(a, b) != 0) {
            fail_msg("%s %s, line %u:\nexpected %sgot      %s", name, how, line,
                     a ? a : "nothing\n", b ? b : "nothing\n");
        }
    }
    /* Two empty files are equal as well. */
    if (line < lines_min)
        fail_msg("%s: only %u lines", name, line);
    fclose(expected);
    fclose(got);
}

static void csma_contention_is_identical(void **state)
{
    (void)state;
    compare("csma", "ours", 2000);
    compare("csma", "ours-with-bridge", 2000);
}

static void tcp_with_loss_is_identical(void **state)
{
    (void)state;
    compare("tcp", "ours", 2000);
    compare("tcp", "ours-with-bridge", 2000);
}

static void moving_wifi_nodes_are_identical(void **state)
{
    (void)state;
    compare("wifi", "ours", 400);
    compare("wifi", "ours-with-bridge", 400);
}

static void scheduling_stopping_removing_and_destroying_are_identical(void **state)
{
    (void)state;
    compare("semantics", "ours", 40);
    compare("semantics", "ours-with-bridge", 40);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csma_contention_is_identical),
        cmocka_unit_test(tcp_with_loss_is_identical),
        cmocka_unit_test(moving_wifi_nodes_are_identical),
        cmocka_unit_test(scheduling_stopping_removing_and_destroying_are_identical),
    };

    if (argc != 2)
        return 2;
    scenario_program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
