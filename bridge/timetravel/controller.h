/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file controller.h
 * The calendar's end of one participant's connection: UML's time-travel wire protocol
 * (include/uapi/linux/um_timetravel.h, arch/um/kernel/time.c), one object per connection.
 *
 * It knows the protocol and one participant. It does not know who else exists nor who may run next:
 * that is the bridge's business (core/). Times in this interface are bridge times; the participant
 * lives in its own time domain that is 0 at its START, whatever the mode.
 *
 * Modes. In message mode everything is a message with an ACK. In shared mode a private schedshm
 * segment (version 2) carries requests, current time and the bound. A participant that does not take
 * the segment (no capability bit after START's ACK) stays in message mode.
 *
 * States of a participant as seen here:
 *
 *     NEW -> (START) STARTED -> ttb__controller_start() RUNNING <-> WAITING
 *
 * Rules the implementation keeps, each forced by arch/um/kernel/time.c:
 * - RUN goes only to a WAITING participant to which nothing is unacknowledged from its side, at
 *   exactly the time of its request.
 * - FREE_UNTIL is sent anew with each RUN (message mode), before it.
 * - No answer ever lets the participant's time go backwards, nor reach INT64_MAX.
 * - A malformed, unexpected or impossible message fails the connection with a sentence that names
 *   the operation, the field and the value; it never crashes, loops, or blocks.
 */
#ifndef TTB_TIMETRAVEL_CONTROLLER_H
#define TTB_TIMETRAVEL_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include <ttbridge/loop.h>

#define TTB__TIME_NEVER UINT64_MAX

enum ttb__controller_mode {
    TTB__CONTROLLER_AUTO,     /* offer the segment, take messages */
    TTB__CONTROLLER_MESSAGES, /* opt out: a segment of another version */
    TTB__CONTROLLER_SHARED,   /* fail a participant that does not take the segment */
};

enum ttb__controller_state {
    TTB__CONTROLLER_NEW,     /* connected, START not seen */
    TTB__CONTROLLER_STARTED, /* START seen, ACK held back */
    TTB__CONTROLLER_RUNNING,
    TTB__CONTROLLER_WAITING,
    TTB__CONTROLLER_CLOSED, /* EOF or failed; the descriptor is closed */
};

struct ttb__controller;

/* What a kick of a virtqueue is like that a participant may log; see notify.h. */
struct ttb__controller_queue {
    bool may_log;
    bool rearm;          /* who logs one asks itself for the next */
    uint64_t horizon_ns; /* nothing comes of a kick earlier than this after it; at least 1 */
};

/* Callbacks are made from the loop's turn; those that an owner does not need may be NULL (`started`,
 * `waiting`, `request`, `acknowledged`, `broadcast`). A callback may call any function of this file
 * for its own controller except ttb__controller_free(), which only `closed` may call. It must not
 * turn the loop: answers go out together when all that has arrived has been handled. */
struct ttb__controller_ops {
    /* START: the participant says who it is (UINT64_MAX: it does not). It blocks until
     * ttb__controller_start(). */
    void (*started)(void *user, uint64_t id);
    /* The participant blocks; ttb__controller_request_ns() tells until when. */
    void (*waiting)(void *user);
    /* Its request changed while it was waiting (an interrupt in message mode). In shared mode there
     * is no such message: read the request after the interrupt's reply. */
    void (*request)(void *user);
    /* Everything that was sent to it (FREE_UNTIL, BROADCAST, RUN) is acknowledged now. */
    void (*acknowledged)(void *user);
    void (*broadcast)(void *user, uint64_t value);
    /* It has kicked the queue in a slot at time_ns, for what its driver had made available before
     * avail_idx, and did not wait for anything. It is blocked, or has ended, later than that. Only
     * after ttb__controller_offer_notifications(), and then it must be there. */
    void (*kick)(void *user, unsigned slot, uint64_t time_ns, uint16_t avail_idx);
    /* The bridge's clock, for GET. Must not lie before this participant's time. */
    uint64_t (*now_ns)(void *user);
    /* Time of day at the bridge's clock, ns since 1970, for GET_TOD. */
    uint64_t (*time_of_day_ns)(void *user);
    /* The connection is over: err 0 and why "" for EOF in the RUNNING or WAITING state (it ended),
     * else a negative errno and a sentence that names the connection. Called once, last. */
    void (*closed)(void *user, int err, const char *why);
};

/*
 * Take over a connected stream socket (made non-blocking, closed with the controller, also when this
 * fails). `name` is for messages and copied, at most 63 bytes of it. `loop` is copied, `ops` is not.
 */
int ttb__controller_new(const struct ttb_loop *loop, int fd, const char *name,
                        enum ttb__controller_mode mode, const struct ttb__controller_ops *ops,
                        void *user, struct ttb__controller **controller);
/* Close and free; no callback is made. NULL is allowed. */
void ttb__controller_free(struct ttb__controller *controller);
/* Give it another name and owner: a connection becomes a node's only after START told whose. To be
 * called in state STARTED (also from within `started`), else -EINVAL. */
int ttb__controller_adopt(struct ttb__controller *controller, const char *name,
                          enum ttb__controller_mode mode, const struct ttb__controller_ops *ops,
                          void *user);

enum ttb__controller_state ttb__controller_get_state(const struct ttb__controller *controller);
/* True in shared mode: the participant set its capability bit. Known from its first message after
 * START's ACK on. */
bool ttb__controller_is_shared(const struct ttb__controller *controller);

/* Offer calls and kicks in shared memory (notify.h). Before ttb__controller_start(). */
void ttb__controller_offer_notifications(struct ttb__controller *controller);

/* Acknowledge START: the participant's time 0 is origin_ns, and it runs. It may not pass any time
 * before its first WAIT (its bound is origin_ns + 1; in message mode it has none and asks). */
int ttb__controller_start(struct ttb__controller *controller, uint64_t origin_ns);

/* Let a WAITING participant run: at its request, which must be time_ns, or not after it if there are calls
 * for it (ttb__controller_call()), and freely strictly before free_until_ns (> time_ns). -EINVAL and no
 * message if a rule above would be broken. */
int ttb__controller_run(struct ttb__controller *controller, uint64_t time_ns,
                        uint64_t free_until_ns);

/* Lower the bound of a RUNNING participant (never raises it). The participant must be blocked on us
 * (awaiting a vhost-user reply). Returns 1 if the new bound holds only after `acknowledged` (message
 * mode), 0 if it holds already, or a negative errno: -EINVAL unless it is RUNNING, -ENOBUFS if it has
 * some 60 messages to acknowledge, or what has just ended the connection. */
int ttb__controller_limit(struct ttb__controller *controller, uint64_t free_until_ns);

/* Set the clock that a WAITING participant sees when it is interrupted (shared mode; in message mode
 * GET asks ops->now_ns). To be called before each vhost-user call to it. -EINVAL unless it is WAITING
 * and now_ns lies between its time and its request, both included. */
int ttb__controller_set_time(struct ttb__controller *controller, uint64_t now_ns);

/* Find the slot in which a participant has entered a virtqueue, by the address of its descriptor table. To be
 * called when it has enabled the queue and is blocked. @return the slot; -ENOENT: messages are used */
int ttb__controller_find_queue(struct ttb__controller *controller, uint64_t ring);
/* Say what its kicks are like; at first none may be logged. The participant must be blocked. */
void ttb__controller_set_queue(struct ttb__controller *controller, unsigned slot,
                               const struct ttb__controller_queue *queue);
/* Whether calls may be left for a participant, instead of being messages. */
bool ttb__controller_takes_calls(const struct ttb__controller *controller);
/* Leave a call of the queue in a slot for a WAITING participant: it takes those that have been left, in their
 * order, when it is let run next. -EINVAL unless it waits and takes calls; -ENOBUFS: more than queues. */
int ttb__controller_call(struct ttb__controller *controller, unsigned slot);
/* Have ops->kick called for what a RUNNING participant has logged, oldest first. It must be blocked, or gone.
 * Done by itself when it waits and when it ends; to be done before messages of its devices are
 * looked at. 0, or the connection has failed. */
int ttb__controller_serve_kicks(struct ttb__controller *controller);

/* Say that from its next ttb__controller_run() on a participant's owner looks at nothing but
 * ttb__controller_await(), which is cheaper than messages, or that it turns the loop again.
 * @return false: it has to turn the loop, this participant only knows messages, or is too new to tell */
bool ttb__controller_watch(struct ttb__controller *controller, bool on);
/* Wait until a RUNNING participant that is watched has something to say, or so much wall time is over.
 * @return 1: it waits, ops->waiting has been called; 0: the loop is to be turned, without waiting, until nothing
 *         happens, and then this called again; -ENOTCONN: it is no longer watched, what it says is in
 *         the loop only */
int ttb__controller_await(struct ttb__controller *controller, unsigned timeout_ms);

/* Its time 0 has been by `by_ns` later than it was: a WAITING participant has been left out of so much
 * bridge time, and does not notice. */
void ttb__controller_shift(struct ttb__controller *controller, uint64_t by_ns);

/* Send a BROADCAST; `acknowledged` follows. -ENOBUFS if it has some 60 messages to acknowledge. */
int ttb__controller_broadcast(struct ttb__controller *controller, uint64_t value);

/* The latest time at which the participant is known to have been: of its last RUN, UPDATE or GET, or
 * current_time in the segment. While it is blocked in a kick this is the time of the kick. In shared
 * mode the value comes from the participant: one that goes backwards or reaches the bound fails the
 * connection, and the last valid time is returned. */
uint64_t ttb__controller_time_ns(struct ttb__controller *controller);

/* When the WAITING participant wants to run: never before its time; TTB__TIME_NEVER when it sleeps
 * until an interrupt. */
uint64_t ttb__controller_request_ns(struct ttb__controller *controller);

/* True while something sent to it is not acknowledged. */
bool ttb__controller_has_unacknowledged(const struct ttb__controller *controller);

#endif
