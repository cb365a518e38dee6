/* SPDX-License-Identifier: BSD-3-Clause */
#include "run/debugger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often the state of a process that gdb holds is looked at. */
#define LOOK_MS 20

/* The signals by which a UML kernel learns of the host, and of its processes: arch/um/os-Linux/signal.c,
 * arch/um/os-Linux/skas/process.c. */
static const char *const passing[] = {"SIGSEGV", "SIGUSR1",   "SIGUSR2", "SIGIO",   "SIGALRM",
                                      "SIGCHLD", "SIGVTALRM", "SIGBUS",  "SIGWINCH"};

#define PASSING (sizeof(passing) / sizeof(passing[0]))

/* ------------------------------------------------------------------------------ starting gdb */

static _Noreturn void become_gdb(char **words, int report_fd)
{
    const struct sigaction fatal = {.sa_handler = SIG_DFL};
    int err;

    /* It asks the network for symbols, and a question for permission in the midst of a script. */
    unsetenv("DEBUGINFOD_URLS");
    sigaction(SIGINT, &fatal, NULL);
    sigaction(SIGQUIT, &fatal, NULL);
    execvp(words[0], words);
    err = errno;
    if (write(report_fd, &err, sizeof(err)) < 0)
        err = errno; /* nobody listens: the exit status is all there is */
    _exit(127);
}

static int spawn_gdb(struct ttb__debugger *debugger, char **words)
{
    int report[2], err = 0;

    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    debugger->gdb = fork();
    if (debugger->gdb == 0)
        become_gdb(words, report[1]);
    if (debugger->gdb < 0)
        err = errno;
    close(report[1]);
    if (!err && read(report[0], &err, sizeof(err)) > 0)
        waitpid(debugger->gdb, NULL, 0);
    close(report[0]);
    if (!err) {
        debugger->pidfd = (int)syscall(SYS_pidfd_open, debugger->gdb, 0);
        return debugger->pidfd < 0 ? -errno : 0;
    }
    debugger->gdb = 0;
    return -err;
}

int ttb__debugger_start(struct ttb__debugger *debugger, pid_t target, const char *kernel,
                        const char *const *arguments)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    char pid[16], handles[PASSING][48];
    size_t given = 0, count = 0;
    char **words;
    int rc;

    *debugger = (struct ttb__debugger){.pidfd = -1, .target = target};
    while (arguments[given])
        given++;
    words = calloc(2 * PASSING + given + 8, sizeof(*words));
    if (!words)
        return -ENOMEM;
    snprintf(pid, sizeof(pid), "%ld", (long)target);
    words[count++] = (char *)"gdb";
    words[count++] = (char *)"-q";
    words[count++] = (char *)kernel;
    words[count++] = (char *)"-p";
    words[count++] = pid;
    for (size_t i = 0; i < PASSING; i++) {
        snprintf(handles[i], sizeof(handles[i]), "handle %s nostop noprint pass", passing[i]);
        words[count++] = (char *)"-ex";
        words[count++] = handles[i];
    }
    for (size_t i = 0; i < given; i++)
        words[count++] = (char *)arguments[i];
    /* Ctrl-C is gdb's. */
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGQUIT, &ignore, NULL);
    rc = spawn_gdb(debugger, words);
    free(words);
    return rc;
}

/* ------------------------------------------------------------------------------------ waiting */

enum state {
    FREE,    /* nobody traces it */
    STOPPED, /* by its tracer */
    RUNNING, /* under its tracer */
    GONE,
};

static enum state state_of(pid_t pid)
{
    const char *letter, *tracer;
    char path[48], text[4096];
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return GONE;
    got = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    letter = strstr(text, "\nState:\t");
    tracer = strstr(text, "\nTracerPid:\t");
    if (!letter || !tracer)
        return GONE;
    if (tracer[strlen("\nTracerPid:\t")] == '0')
        return FREE;
    return letter[strlen("\nState:\t")] == 't' ? STOPPED : RUNNING;
}

bool ttb__debugger_is_over(struct ttb__debugger *debugger)
{
    if (debugger->gdb && waitpid(debugger->gdb, NULL, WNOHANG) == debugger->gdb) {
        close(debugger->pidfd);
        *debugger = (struct ttb__debugger){.pidfd = -1, .target = debugger->target};
    }
    return debugger->gdb == 0;
}

static void wait_a_little(const struct ttb__debugger *debugger)
{
    struct pollfd ended = {.fd = debugger->pidfd, .events = POLLIN};

    poll(&ended, 1, LOOK_MS);
}

bool ttb__debugger_hold(struct ttb__debugger *debugger)
{
    bool held = false;

    while (!ttb__debugger_is_over(debugger)) {
        enum state state = state_of(debugger->target);

        if (state == GONE || (held && state == RUNNING))
            return true;
        held = held || state == STOPPED;
        wait_a_little(debugger);
    }
    return false;
}

void ttb__debugger_finish(struct ttb__debugger *debugger)
{
    if (!debugger->gdb)
        return;
    /* It would wait for ever for a process that is let run no more. */
    if (state_of(debugger->target) == RUNNING)
        kill(debugger->target, SIGINT);
    while (!ttb__debugger_is_over(debugger))
        wait_a_little(debugger);
}
