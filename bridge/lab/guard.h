/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file guard.h
 * A small process that outlives ours by a moment, to clean up after a program that was killed.
 *
 * PR_SET_PDEATHSIG ends a UML process whose parent dies, but not the processes that UML traces to run
 * guest programs: without their tracer they go on as ordinary host processes, executing guest code
 * (arch/um/os-Linux/skas/process.c sets no PTRACE_O_EXITKILL). Nobody but a process that is still
 * alive can end those. The guard knows the process groups; when its parent is gone it kills them and
 * removes the sockets in the run directory.
 */
#ifndef TTB_LAB_GUARD_H
#define TTB_LAB_GUARD_H

#include <sys/types.h>

struct ttb__guard {
    int fd;    /* our end of a socket pair, close-on-exec; -1: no guard */
    pid_t pid; /* our child */
};

/*
 * Fork the guard. `directory` is the run directory and `lock` the lock on it; the guard has duplicates
 * of both, so that nobody else gets the directory before it is clean.
 * @return 0 or a negative errno
 */
int ttb__guard_start(struct ttb__guard *guard, int directory, int lock);

/* Entrust a process group, or take it back (before its leader is waited for: until then its number
 * cannot be given to others). Both are async-signal-safe and may be called in a forked child. */
int ttb__guard_add(const struct ttb__guard *guard, pid_t group);
int ttb__guard_remove(const struct ttb__guard *guard, pid_t group);

/* End the guard, which then kills nobody, and wait for it. */
void ttb__guard_stop(struct ttb__guard *guard);

#endif
