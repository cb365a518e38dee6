/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Running the build scripts. They clean up when they are interrupted, so signals that end us are
 * passed on, and we stay until they have done so.
 */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns the child's wait status. Signals of `set`, which are blocked, are passed on; those that a
 * terminal sends (SI_KERNEL) have reached the child already. */
static int wait_passing_signals(pid_t pid, const sigset_t *set)
{
    int status;

    for (;;) {
        siginfo_t info;
        int number;

        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        number = sigwaitinfo(set, &info);
        if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
            kill(pid, number);
    }
}

static int convert(int status)
{
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    if (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EXIT_USAGE || WEXITSTATUS(status) > 128)
        return WEXITSTATUS(status);
    return EXIT_BROKEN;
}

int run_script(const char *name, char **argv)
{
    char path[PATH_MAX];
    sigset_t set, before;
    int status;
    pid_t pid;

    if (!find_data(name, path, sizeof(path)))
        return EXIT_BROKEN;
    argv[0] = path;
    fflush(NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would not be sent */
    sigprocmask(SIG_BLOCK, &set, &before);
    pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        execv(path, argv);
        fprintf(stderr, "ttb: cannot run %s: %s\n", path, strerror(errno));
        _exit(EXIT_BROKEN);
    }
    if (pid < 0) {
        fprintf(stderr, "ttb: cannot fork: %s\n", strerror(errno));
        status = EXIT_BROKEN;
    } else {
        status = convert(wait_passing_signals(pid, &set));
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
