/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file state.h
 * Inside of struct ttb__controller, shared by controller.c (messages and states) and shared.c (what the segment
 * says).
 *
 * All times in it are the participant's own (local): 0 at its START. They are translated at the functions of
 * controller.h, so that messages and segment never hold bridge times.
 */
#ifndef TTB_TIMETRAVEL_STATE_H
#define TTB_TIMETRAVEL_STATE_H

#include "base/error.h"
#include "timetravel/codec.h"
#include "timetravel/controller.h"
#include "timetravel/segment.h"

#define TTB__NAME_BYTES 64

/* Messages to the participant that it has not acknowledged. A grant takes two places, which limits
 * and broadcasts leave free. */
#define TTB__UNACKNOWLEDGED_MAX 64
#define TTB__GRANT_MESSAGES     2

struct ttb__sent {
    uint32_t op, seq;
};

/*
 * Invariants:
 * - time is where the participant is known to have been; it may be anywhere in [time, bound) while it
 *   runs, and is at time once it has been read while it waits.
 * - request is TTB__LOCAL_NEVER if there is none; unused in shared mode, where it is in the segment.
 * - unacknowledged[0..unacknowledged_count) in the order sent.
 * - out is empty outside of a batch.
 */
struct ttb__controller {
    struct ttb_loop loop;
    struct ttb_watch *watch;
    int fd;
    char name[TTB__NAME_BYTES];
    enum ttb__controller_mode mode;
    const struct ttb__controller_ops *ops;
    void *user;

    enum ttb__controller_state state;
    bool is_shared, mode_is_known;
    uint64_t id;
    uint32_t start_seq;
    uint64_t origin_ns;
    uint64_t time, bound, request;
    uint64_t time_before_run; /* what a request that crossed our RUN is compared with */
    struct ttb__segment segment;

    struct ttb__inbox inbox;
    struct ttb__message out[TTB__BATCH];
    size_t out_count;
    struct ttb__sent unacknowledged[TTB__UNACKNOWLEDGED_MAX];
    size_t unacknowledged_count;
    uint32_t next_seq;
    bool in_batch;
    bool is_gone; /* sending says that nobody is there: EOF will follow */

    bool offers_notify, takes_calls, logs_kicks, hands_over; /* see notify.h */
    bool is_watched;                                         /* in this run */
    bool waits_quietly;                                      /* WAITING, without a message */
    bool serving;                                            /* the log of kicks */
    uint64_t kick_time; /* of the last kick in the log that was served, at least of the last RUN */

    int closed_err;
    struct ttb__error closed_why;
};

static inline uint64_t ttb__to_local(const struct ttb__controller *controller, uint64_t time_ns)
{
    uint64_t local = time_ns <= controller->origin_ns ? 0 : time_ns - controller->origin_ns;

    if (time_ns == TTB__TIME_NEVER || local > TTB__LOCAL_NEVER)
        return TTB__LOCAL_NEVER;
    return local;
}

static inline uint64_t ttb__to_bridge(const struct ttb__controller *controller, uint64_t local)
{
    if (local >= TTB__LOCAL_NEVER || local > TTB__TIME_NEVER - controller->origin_ns)
        return TTB__TIME_NEVER;
    return controller->origin_ns + local;
}

/* controller.c: end the connection with a sentence. Returns `err`, so that `return ttb__controller_fail(...)`
 * reads well. The first failure counts. */
int ttb__controller_fail(struct ttb__controller *controller, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* controller.c: it waits. */
void ttb__controller_note_wait(struct ttb__controller *controller);

/* shared.c */
/* Find out whether the participant uses the segment; is_last_chance: it has done something since START. */
void ttb__controller_learn_mode(struct ttb__controller *controller, bool is_last_chance);
/* `time` is where the participant says it is. 0, or the connection has failed; likewise below. */
int ttb__controller_check_time(struct ttb__controller *controller, const char *what, uint64_t time);
/* Take over current_time from the segment of a participant that is blocked. */
int ttb__controller_read_time(struct ttb__controller *controller);
int ttb__controller_check_request(struct ttb__controller *controller, const char *what,
                                  uint64_t time, uint64_t floor);
/* The request of a WAITING participant. */
int ttb__controller_read_request(struct ttb__controller *controller, uint64_t *request);

#endif
