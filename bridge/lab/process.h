/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file process.h
 * Starts a program the way a UML kernel needs it, and ends it.
 */
#ifndef TTB_LAB_PROCESS_H
#define TTB_LAB_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "lab/guard.h"

struct ttb__process {
    pid_t pid; /* 0: none */
    int pidfd; /* readable when it has ended */
    /*
     * A pipe of which the program and its children hold the other end, so it hangs up when the last
     * of them is gone. That matters with UML: the processes of the guest share the descriptors of
     * their kernel (CLONE_FILES in start_userspace(), arch/um/os-Linux/skas/process.c), and so the
     * locks on its disks, which outlive the kernel until the last of them has died as well. A kernel
     * that is started too early finds its disk locked.
     */
    int alive_fd;
};

struct ttb__spawn {
    const char *program; /* path */
    char *const *arguments;
    const char *const *environment;
    int directory; /* descriptor: becomes the current directory */
    int output;    /* descriptor: standard output and error; standard input is /dev/null */
    const struct ttb__guard *guard; /* NULL: none */
    bool debuggable; /* may be traced by any process of its user, where Yama would not have it */
};

/*
 * Start a program in a session (and process group) of its own, without address space randomisation,
 * with default signal handling, no other descriptors (but alive_fd's), a fixed stack limit, no core dumps; it is killed
 * when the calling thread ends.
 * @return 0, or a negative errno: `error` says which step failed. -EPERM and "ptrace" stay for later:
 *         see ttb_lab_probe_ptrace().
 */
int ttb__process_start(const struct ttb__spawn *spawn, struct ttb__process *process,
                       struct ttb__error *error);

/*
 * Wait until the process has ended, at most timeout_ms of wall time; then, or with timeout_ms 0 at
 * once, kill it. Its whole group is killed in any case, and taken from the guard; when this returns
 * they have closed their files.
 * @return 0 and *status; -ETIMEDOUT if even SIGKILL does not end it (the host's
 *         kernel holds it); -ECHILD if there is none
 */
int ttb__process_end(struct ttb__process *process, const struct ttb__guard *guard, int timeout_ms,
                     int *status);

/*
 * Bind it and all that descend from it, threads included, to a core. None of them may be running, or
 * what is forked meanwhile is missed.
 * @return 0; -ENOENT if it has ended, or the host does not tell children (CONFIG_PROC_CHILDREN)
 */
int ttb__process_bind(const struct ttb__process *process, unsigned core);

/* Close all descriptors from `first` on. Async-signal-safe. */
void ttb__close_from(int first);

#endif
