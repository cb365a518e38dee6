/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What SIGKILL takes at most: the process may be in the middle of writing to a slow disk. */
#define KILL_TIMEOUT_MS 20000

/* The kernel reads the end of its address space from where the host put its stack; the limit has a
 * say in that (mmap_base). arch/um/os-Linux/main.c lowers it to this value itself. */
#define STACK_BYTES (8UL * 1024 * 1024)

#define DESCRIPTORS_MAX 65536

/* What the program has besides the standard descriptors: see ttb__process.alive_fd. */
#define ALIVE_FD  (STDERR_FILENO + 1)
#define REPORT_FD (STDERR_FILENO + 2) /* until exec only */

void ttb__close_from(int first)
{
    struct rlimit limit;

    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > DESCRIPTORS_MAX)
        limit.rlim_cur = DESCRIPTORS_MAX;
    for (int fd = first; fd < (int)limit.rlim_cur; fd++)
        close(fd);
}

/* ------------------------------------------------------------------------- in the forked child */

/* Steps between fork and exec, told to the parent with the errno of the one that failed. */
enum step {
    STEP_PERSONALITY,
    STEP_PARENT,
    STEP_SESSION,
    STEP_GUARD,
    STEP_DIRECTORY,
    STEP_DESCRIPTORS,
    STEP_EXEC,
};

struct report {
    enum step step;
    int err;
};

static const char *step_name(enum step step)
{
    static const char *const names[] = {
        [STEP_PERSONALITY] = "switching off address space randomisation (personality)",
        [STEP_PARENT] = "asking to be ended with the parent (prctl)",
        [STEP_SESSION] = "making a session (setsid)",
        [STEP_GUARD] = "telling the guard",
        [STEP_DIRECTORY] = "entering the run directory",
        [STEP_DESCRIPTORS] = "setting up standard input and output",
        [STEP_EXEC] = "executing it",
    };

    return names[step];
}

static void reset_signals(void)
{
    struct sigaction action;
    sigset_t none;

    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_limits(void)
{
    struct rlimit limit;

    /* Best effort: a hard limit that is lower stays. */
    if (getrlimit(RLIMIT_STACK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < STACK_BYTES ? limit.rlim_max : STACK_BYTES;
        setrlimit(RLIMIT_STACK, &limit);
    }
    /* Both: the kernel prints them at boot, and the console is part of the run. */
    limit.rlim_cur = limit.rlim_max = 0;
    setrlimit(RLIMIT_CORE, &limit);
}

/* Returns the step that failed with errno set, or does not return. Async-signal-safe throughout: the
 * parent may have threads. */
static enum step become(const struct ttb__spawn *spawn, pid_t parent, int report_fd, int alive_fd)
{
    int null;

    if (personality(ADDR_NO_RANDOMIZE) < 0)
        return STEP_PERSONALITY;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return STEP_PARENT;
    if (getppid() != parent) {
        /* It died before it could be watched. */
        errno = ESRCH;
        return STEP_PARENT;
    }
    /* The relation belongs to the process and outlives exec (security/yama/yama_lsm.c). A host without
     * Yama refuses this, and need not be asked. */
    if (spawn->debuggable)
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    if (setsid() < 0)
        return STEP_SESSION;
    if (spawn->guard) {
        int rc = ttb__guard_add(spawn->guard, getpid());

        if (rc) {
            errno = -rc;
            return STEP_GUARD;
        }
    }
    if (fchdir(spawn->directory) < 0)
        return STEP_DIRECTORY;
    null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(spawn->output, STDOUT_FILENO) < 0 ||
        dup2(spawn->output, STDERR_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0)
        return STEP_DESCRIPTORS;
    /* The report's descriptor closes itself on exec. */
    if (dup2(alive_fd, ALIVE_FD) < 0 || dup3(report_fd, REPORT_FD, O_CLOEXEC) < 0)
        return STEP_DESCRIPTORS;
    ttb__close_from(REPORT_FD + 1);
    set_limits();
    umask(077);
    reset_signals();
    execve(spawn->program, spawn->arguments, (char *const *)spawn->environment);
    return STEP_EXEC;
}

static _Noreturn void child(const struct ttb__spawn *spawn, pid_t parent, int report_fd,
                            int alive_fd)
{
    struct report report;
    ssize_t ignored;

    /* High, so that the low descriptors can be put in place. */
    report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, REPORT_FD + 1);
    alive_fd = fcntl(alive_fd, F_DUPFD_CLOEXEC, REPORT_FD + 1);
    report.step = report_fd < 0 || alive_fd < 0 ? STEP_DESCRIPTORS
                                                : become(spawn, parent, report_fd, alive_fd);
    report.err = errno;
    /* Late steps have moved it, early ones have not. */
    if (report.step == STEP_EXEC)
        report_fd = REPORT_FD;
    ignored = write(report_fd, &report, sizeof(report));
    (void)ignored;
    _exit(127);
}

/* ------------------------------------------------------------------------------- in the parent */

/* The child's verdict: true if a step failed. Ends when the program is executed or the child dies. */
static bool read_report(int fd, struct report *report)
{
    ssize_t got;

    do {
        got = read(fd, report, sizeof(*report));
    } while (got < 0 && errno == EINTR);
    return got == sizeof(*report);
}

int ttb__process_start(const struct ttb__spawn *spawn, struct ttb__process *process,
                       struct ttb__error *error)
{
    struct report report;
    sigset_t all, before;
    pid_t pid, parent = getpid();
    bool failed;
    int fds[2], alive[2], err;

    *process = (struct ttb__process){.pidfd = -1, .alive_fd = -1};
    if (pipe2(fds, O_CLOEXEC) < 0)
        return ttb__fail(error, -errno, "cannot make a pipe: %s", strerror(errno));
    if (pipe2(alive, O_CLOEXEC) < 0) {
        err = errno;
        close(fds[0]);
        close(fds[1]);
        return ttb__fail(error, -err, "cannot make a pipe: %s", strerror(err));
    }
    /* No signal handler of ours shall run in the child. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        child(spawn, parent, fds[1], alive[1]);
    err = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fds[1]);
    close(alive[1]);
    if (pid < 0) {
        close(fds[0]);
        close(alive[0]);
        return ttb__fail(error, -err, "cannot fork: %s", strerror(err));
    }
    failed = read_report(fds[0], &report);
    close(fds[0]);
    process->pid = pid;
    process->alive_fd = alive[0];
    if (failed) {
        int status;

        ttb__process_end(process, spawn->guard, KILL_TIMEOUT_MS, &status);
        return ttb__fail(error, -report.err, "%s failed: %s", step_name(report.step),
                         strerror(report.err));
    }
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process->pidfd < 0) {
        int status;

        err = errno;
        ttb__process_end(process, spawn->guard, 0, &status);
        return ttb__fail(error, -err, "pidfd_open failed: %s (Linux 5.3 or later is needed)",
                         strerror(err));
    }
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* True when the process has ended; it is left to be waited for. */
static bool wait_end(const struct ttb__process *process, int timeout_ms)
{
    uint64_t end_ms = now_ms() + (uint64_t)timeout_ms;

    for (;;) {
        siginfo_t info = {0};
        uint64_t at_ms = now_ms();
        int left_ms = at_ms < end_ms ? (int)(end_ms - at_ms) : 0;

        if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
            return errno == ECHILD; /* somebody else has waited for it */
        if (info.si_pid == process->pid)
            return true;
        if (left_ms == 0)
            return false;
        if (process->pidfd >= 0) {
            struct pollfd ready = {.fd = process->pidfd, .events = POLLIN};

            poll(&ready, 1, left_ms);
        } else {
            struct timespec pause = {.tv_nsec = 1000000};

            nanosleep(&pause, NULL);
        }
    }
}

/* All that share its descriptors have let go of them, or something keeps them from dying. */
static void wait_alone(const struct ttb__process *process)
{
    uint64_t end_ms = now_ms() + KILL_TIMEOUT_MS;
    struct pollfd alive = {.fd = process->alive_fd};

    if (process->alive_fd < 0)
        return;
    for (;;) {
        uint64_t at_ms = now_ms();
        int rc = poll(&alive, 1, at_ms < end_ms ? (int)(end_ms - at_ms) : 0);

        if (rc > 0 || (rc == 0 && at_ms >= end_ms) || (rc < 0 && errno != EINTR))
            return;
    }
}

int ttb__process_end(struct ttb__process *process, const struct ttb__guard *guard, int timeout_ms,
                     int *status)
{
    int rc = 0;

    if (process->pid <= 0)
        return -ECHILD;
    if (timeout_ms == 0 || !wait_end(process, timeout_ms)) {
        kill(process->pid, SIGKILL);
        if (!wait_end(process, KILL_TIMEOUT_MS))
            rc = -ETIMEDOUT;
    }
    /* Before its number is given back by waiting: the group is surely still the one we mean. */
    kill(-process->pid, SIGKILL);
    wait_alone(process);
    if (guard && !rc)
        ttb__guard_remove(guard, process->pid);
    if (!rc && waitpid(process->pid, status, WNOHANG) != process->pid)
        rc = -ECHILD;
    if (process->pidfd >= 0)
        close(process->pidfd);
    if (process->alive_fd >= 0)
        close(process->alive_fd);
    *process = (struct ttb__process){.pidfd = -1, .alive_fd = -1};
    return rc;
}
