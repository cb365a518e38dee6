/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file queues.h
 * How many frames wait in the network's queues, as the trace tells it.
 *
 * A frame that finds its line idle may go through the queue, and leave it at the same instant: what is
 * recorded is how many wait when an instant is over. That is known when the next thing happens.
 */
#ifndef TTB_RUN_QUEUES_H
#define TTB_RUN_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

#include <ttbridge/trace.h>

/* One queue. Zero but for its place before anything waits. */
struct ttb__queue {
    uint32_t place; /* in the trace */
    uint32_t recorded_frames, frames;
    bool is_noted; /* in the list of those that may have something to be recorded */
    struct ttb__queue *next;
};

/* All queues of a network. Those in the list have changed at one instant, time_ns. Zero at first. */
struct ttb__queues {
    struct ttb_trace_writer *writer; /* NULL: nothing is recorded */
    uint64_t time_ns;
    struct ttb__queue *first, **end;
};

/* So many frames wait now. */
void ttb__queues_note(struct ttb__queues *queues, struct ttb__queue *queue, uint64_t time_ns,
                      uint32_t frames);
/* It is time_ns: what was before is over. */
void ttb__queues_settle_before(struct ttb__queues *queues, uint64_t time_ns);
/* Everything is over. */
void ttb__queues_settle(struct ttb__queues *queues);

#endif
