/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file debugger.h
 * gdb on a node's kernel. The node is stopped by the host, so nobody in the simulation notices.
 */
#ifndef TTB_RUN_DEBUGGER_H
#define TTB_RUN_DEBUGGER_H

#include <stdbool.h>
#include <sys/types.h>

struct ttb__debugger {
    pid_t gdb;    /* 0: none, or it has ended */
    int pidfd;    /* of gdb, readable when it has ended; -1 */
    pid_t target; /* the node's process */
};

/*
 * Start gdb on this terminal, attached to the process. What a kernel of UML uses signals for passes by.
 * @param kernel     its symbols
 * @param arguments  further ones for gdb, ending with NULL
 * @return 0, or a negative errno: it cannot be executed
 */
int ttb__debugger_start(struct ttb__debugger *debugger, pid_t target, const char *kernel,
                        const char *const *arguments);

/* Wait until gdb lets the process go on. One that it has detached from does not: gdb will end, or come
 * back. @return true: it goes on; false: gdb has ended */
bool ttb__debugger_hold(struct ttb__debugger *debugger);

/* True if gdb has ended. */
bool ttb__debugger_is_over(struct ttb__debugger *debugger);

/* Give the prompt back, if the process runs, and wait until gdb has ended. */
void ttb__debugger_finish(struct ttb__debugger *debugger);

#endif
