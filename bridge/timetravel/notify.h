/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file notify.h
 * The notification area of a participant's segment: calls that are left for it, and the log of its kicks.
 *
 * The controller is the back end of the participant's virtqueues as well, so a call need not be a message that
 * interrupts a participant which waits: it finds it when it is let run. And a kick need not be one that it
 * waits for, if it is written down when it was, and the participant stops by itself where something may
 * come of it. A queue is known to both by the address of its descriptor table.
 *
 * As in all of the segment, the participant can write anything anywhere at any time: each value is loaded
 * once and checked. Times are the participant's own.
 */
#ifndef TTB_TIMETRAVEL_NOTIFY_H
#define TTB_TIMETRAVEL_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "timetravel/wire.h"

/* Queues of a participant that can use the area; what others notify are messages. */
#define TTB__NOTIFY_QUEUES 128

/* Kicks between two waits; whoever makes more sends messages. */
#define TTB__NOTIFY_KICKS_LOGGED 256

/* What an area takes, in bytes. */
#define TTB__NOTIFY_BYTES                                                                        \
    (sizeof(struct ttb__notify_header) + TTB__NOTIFY_QUEUES * sizeof(struct ttb__notify_queue) + \
     TTB__NOTIFY_KICKS_LOGGED * sizeof(struct ttb__notify_kick) +                                \
     TTB__NOTIFY_QUEUES * sizeof(uint16_t))

struct ttb__notify {
    struct ttb__notify_header *header; /* NULL: there is no area */
    struct ttb__notify_queue *queues;
    uint16_t *calls;
    struct ttb__notify_kick *kicks;
    uint32_t call_count; /* as last written */
    uint32_t kick_tail;
    uint32_t run;   /* as last written */
    uint32_t rings; /* as last seen */
};

/* Set up the area in zeroed memory of TTB__NOTIFY_BYTES, aligned to 8 bytes. */
void ttb__notify_open(struct ttb__notify *notify, void *memory);

/* The slot of the queue with this descriptor table. @return -ENOENT */
int ttb__notify_find(const struct ttb__notify *notify, uint64_t ring);
/* What a kick of the queue in a slot is like. The participant must be blocked. */
void ttb__notify_set_queue(struct ttb__notify *notify, unsigned slot, uint32_t flags,
                           uint64_t horizon);

/* Leave a call, after those that were left since the participant ran last. It must be waiting.
 * @return -ENOBUFS: each of the queues has one already */
int ttb__notify_call(struct ttb__notify *notify, unsigned slot);
/* The participant is let run, and takes the calls. */
void ttb__notify_calls_taken(struct ttb__notify *notify);
/* How many calls wait for it. */
static inline uint32_t ttb__notify_calls(const struct ttb__notify *notify)
{
    return notify->call_count;
}

/* Whether the participant is to ring, and to wait without a message. Before it is let run. It may end that. */
void ttb__notify_watch(struct ttb__notify *notify, bool on);
bool ttb__notify_is_watched(const struct ttb__notify *notify);
/* Wait until the participant has rung since the last call, or waits, or so much wall time is over. It may have
 * rung although nothing is there, and be silent although it is gone.
 * @return true if it waits without a message */
bool ttb__notify_await(struct ttb__notify *notify, unsigned timeout_ms);
/* Wake a participant that waits without a message: let it run, or have it look for a message. */
void ttb__notify_hand_over(struct ttb__notify *notify);
void ttb__notify_wake(struct ttb__notify *notify);

/* Take the oldest kick that was not taken yet. The participant must be blocked or gone.
 * @return 1 and *kick, whose slot is one of a queue; 0: there is none; -EPROTO with a sentence */
int ttb__notify_take_kick(struct ttb__notify *notify, struct ttb__notify_kick *kick,
                          struct ttb__error *error);

#endif
