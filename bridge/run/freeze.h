/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file freeze.h
 * Simulated time that stands still, for the files that let it: freeze.c, prompt.c, look.c.
 */
#ifndef TTB_RUN_FREEZE_H
#define TTB_RUN_FREEZE_H

#include <poll.h>

#include "run/internal.h"

/* Why everything stands still. */
enum ttb__hold {
    TTB__HOLD_NONE,
    TTB__HOLD_STOP,   /* the run ends here */
    TTB__HOLD_FROZEN, /* the human has the word */
    TTB__HOLD_EARLY,  /* what comes next is not due by the pace */
    TTB__HOLD_LOOK,   /* for a look at the terminal */
};

/*
 * Invariants:
 * - pauses is sorted; those before `pause` are over.
 * - next_ns and until_ns are those of the last question to the gate, see ttb_gate_fn.
 */
struct ttb__freeze {
    uint64_t *pauses;
    size_t pause_count, pause;
    uint64_t stop_ns;   /* where the run ends; TTB_TIME_NEVER: nowhere */
    bool stopped;       /* there */
    uint64_t target_ns; /* of "run" and "step"; TTB_TIME_NEVER: none */
    bool now;           /* freeze as soon as possible */
    bool stepping;      /* records are shown as they are made */
    bool was_step;      /* the last command was "step" */
    double pace;        /* simulated time in wall time; 0: as fast as it can */
    bool pace_stays;    /* also when no terminal is attached */
    uint64_t base_ns, base_wall_ns;
    uint64_t looked_wall_ns;
    enum ttb__hold hold;
    uint64_t next_ns, until_ns;
    uint64_t frozen_ns; /* where the human is told to be: all before it is done */
};

/* Wait for descriptors, at most timeout_ns (TTB_TIME_NEVER: no limit), unless the run is interrupted or
 * gets a signal. @return as poll(2) does */
int ttb__freeze_wait(struct ttb__run *run, struct pollfd *polled, nfds_t count,
                     uint64_t timeout_ns);

/* prompt.c: talk to the human until time may go on. */
int ttb__prompt(struct ttb__run *run);

/* look.c: print on standard output. */
void ttb__look_at_nodes(struct ttb__run *run);
int ttb__look_at_events(struct ttb__run *run);
void ttb__look_at_console(const struct ttb__run_node *node, unsigned lines);
void ttb__look_with_gdb(const struct ttb__run_node *node);
/* "1.500000000 s" */
#define TTB__TIME_TEXT 32
const char *ttb__look_time(uint64_t time_ns, char text[TTB__TIME_TEXT]);
/* What will happen at freeze->next_ns. */
void ttb__look_next(struct ttb__run *run, char *text, size_t size_bytes);

#endif
