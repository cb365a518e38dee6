/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard is forked, not executed: it needs no program file. The parent may have threads, so the
 * child calls async-signal-safe functions only.
 */
#include "lab/guard.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/process.h"

/* As many as a bridge may have nodes. */
#define GROUPS_MAX 65536

enum operation {
    GUARD_ADD,
    GUARD_REMOVE,
    GUARD_QUIT,
};

/* One packet. */
struct message {
    int32_t operation;
    int32_t group;
};

struct table {
    pid_t *groups;
    size_t count;
};

static void add(struct table *table, pid_t group)
{
    if (table->count < GROUPS_MAX && group > 1)
        table->groups[table->count++] = group;
}

static void drop(struct table *table, pid_t group)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->groups[i] == group) {
            table->groups[i] = table->groups[--table->count];
            return;
        }
    }
}

/* readdir(3) allocates; getdents64(2) does not. */
struct entry {
    uint64_t ino;
    int64_t off;
    unsigned short reclen;
    unsigned char type;
    char name[];
};

static void remove_sockets(int directory)
{
    _Alignas(struct entry) char data[4096];
    long got;

    while ((got = syscall(SYS_getdents64, directory, data, sizeof(data))) > 0) {
        for (long at = 0; at < got;) {
            const struct entry *entry = (const struct entry *)(data + at);

            if (entry->type == DT_SOCK)
                unlinkat(directory, entry->name, 0);
            at += entry->reclen;
        }
    }
}

/* True when the parent said that all is well. */
static bool serve(struct table *table, int fd, int parent_fd)
{
    for (;;) {
        struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = parent_fd, .events = POLLIN}};
        struct message message;
        ssize_t got;

        if (poll(ready, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        /* What the parent wrote before it died counts; others of its children may hold the socket
         * open, so its end alone does not tell. */
        if (!(ready[0].revents & (POLLIN | POLLHUP)))
            return false;
        got = read(fd, &message, sizeof(message));
        if (got < 0 && errno == EINTR)
            continue;
        if (got != sizeof(message))
            return false;
        if (message.operation == GUARD_ADD)
            add(table, message.group);
        else if (message.operation == GUARD_REMOVE)
            drop(table, message.group);
        else
            return true;
    }
}

static void keep_only(const int *fds, size_t count)
{
    int high = -1;

    for (size_t i = 0; i < count; i++)
        high = fds[i] > high ? fds[i] : high;
    for (int fd = 0; fd < high; fd++) {
        bool keep = false;

        for (size_t i = 0; i < count; i++)
            keep = keep || fds[i] == fd;
        if (!keep)
            close(fd);
    }
    ttb__close_from(high + 1);
}

static _Noreturn void guard_main(struct table *table, int fd, int parent_fd, int directory,
                                 int lock)
{
    const int fds[] = {fd, parent_fd, directory, lock};
    sigset_t all;

    /* Signals that are sent to the program's process group are not meant for us. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    prctl(PR_SET_NAME, "ttb-guard");
    keep_only(fds, sizeof(fds) / sizeof(fds[0]));
    if (!serve(table, fd, parent_fd)) {
        for (size_t i = 0; i < table->count; i++)
            kill(-table->groups[i], SIGKILL);
        remove_sockets(directory);
    }
    _exit(0);
}

int ttb__guard_start(struct ttb__guard *guard, int directory, int lock)
{
    struct table table = {0};
    int fds[2], parent_fd = -1, rc = 0;
    pid_t pid;

    *guard = (struct ttb__guard){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    table.groups = mmap(NULL, GROUPS_MAX * sizeof(pid_t), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table.groups == MAP_FAILED) {
        rc = -errno;
        goto error;
    }
    /* Before the fork: the parent cannot be gone yet. Without pidfds the socket's end has to do. */
    parent_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid = fork();
    if (pid == 0)
        guard_main(&table, fds[0], parent_fd, directory, lock);
    if (pid < 0)
        rc = -errno;
    munmap(table.groups, GROUPS_MAX * sizeof(pid_t));
    if (parent_fd >= 0)
        close(parent_fd);
    if (rc)
        goto error;
    close(fds[0]);
    *guard = (struct ttb__guard){.fd = fds[1], .pid = pid};
    return 0;

error:
    close(fds[0]);
    close(fds[1]);
    return rc;
}

static int tell(const struct ttb__guard *guard, enum operation operation, pid_t group)
{
    struct message message = {.operation = operation, .group = group};

    if (guard->fd < 0)
        return -EBADF;
    while (send(guard->fd, &message, sizeof(message), MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int ttb__guard_add(const struct ttb__guard *guard, pid_t group)
{
    return tell(guard, GUARD_ADD, group);
}

int ttb__guard_remove(const struct ttb__guard *guard, pid_t group)
{
    return tell(guard, GUARD_REMOVE, group);
}

void ttb__guard_stop(struct ttb__guard *guard)
{
    if (guard->fd < 0)
        return;
    if (tell(guard, GUARD_QUIT, 0))
        kill(guard->pid, SIGKILL);
    close(guard->fd);
    while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *guard = (struct ttb__guard){.fd = -1};
}
