/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file participant.h
 * Be a participant of somebody else's calendar.
 *
 * The other side of the protocol that bridge.h speaks: your program (a simulator with a bridge in
 * it, a model, a test) connects to a time-travel calendar as a UML kernel does, asks for times at
 * which it wants to run, and blocks until they are granted. Message mode; a calendar that offers
 * shared memory is told, by leaving the capability bit clear, that messages are used.
 *
 *     struct ttb_participant *me;
 *     ttb_participant_connect("run/calendar.sock", 7, &me);
 *     for (uint64_t t = 0; t < end_ns; t += 1000000) {
 *         ttb_participant_run_to(me, t);      // returns when the calendar's clock is t
 *         do_my_work(t);
 *     }
 *     ttb_participant_free(me);
 *
 * Threading: one thread per participant; calls block, for as long as the calendar wants.
 * Times are nanoseconds in this participant's time domain, which is 0 at connection.
 */
#ifndef TTBRIDGE_PARTICIPANT_H
#define TTBRIDGE_PARTICIPANT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ttb_participant;

/** The id of a participant that does not say who it is. */
#define TTB_PARTICIPANT_ANONYMOUS UINT64_MAX

/**
 * Connect and START; returns when the calendar acknowledges, that is when the simulation begins.
 * @param path  the calendar's unix socket
 * @return 0 and *participant (free with ttb_participant_free()), or a negative errno
 */
int ttb_participant_connect(const char *path, uint64_t id, struct ttb_participant **participant);

/** The same over a connected stream socket, which the participant then owns (also on failure). */
int ttb_participant_attach(int fd, uint64_t id, struct ttb_participant **participant);

/** Disconnect; the calendar sees the participant end. NULL is allowed. */
void ttb_participant_free(struct ttb_participant *participant);

/** Ask to run at `time_ns`; replaces the request before. @return 0 or a negative errno */
int ttb_participant_request(struct ttb_participant *participant, uint64_t time_ns);

/** Block until the calendar lets us run. *now_ns is the time of the grant, at most the request.
 * @return 0; -ECONNRESET when the calendar has gone; -EPROTO when it breaks the protocol */
int ttb_participant_wait(struct ttb_participant *participant, uint64_t *now_ns);

/**
 * Begin to wait, and return: for programs that have descriptors of their own to serve meanwhile.
 * While waiting, ttb_participant_get() and ttb_participant_request() may be called (something has
 * happened: ask for "now"). End with ttb_participant_wait(), or look with ttb_participant_try_wait()
 * whenever ttb_participant_fd() is readable. Does nothing if we wait already.
 */
int ttb_participant_begin_wait(struct ttb_participant *participant);

/** As ttb_participant_wait(), but -EAGAIN instead of blocking while there is no grant. */
int ttb_participant_try_wait(struct ttb_participant *participant, uint64_t *now_ns);

/** Let time pass until `time_ns`: freely if the calendar's bound allows, else request and wait.
 * @return 0; -EINVAL if time_ns lies in the past; as ttb_participant_wait() */
int ttb_participant_run_to(struct ttb_participant *participant, uint64_t time_ns);

/** This participant's clock, without asking. */
uint64_t ttb_participant_now_ns(const struct ttb_participant *participant);

/** Strict bound up to which we may run without asking; equals now if there is none. */
uint64_t ttb_participant_free_until_ns(const struct ttb_participant *participant);

/** Ask the calendar what time it is (after an event from outside while waiting). */
int ttb_participant_get(struct ttb_participant *participant, uint64_t *now_ns);

/** Tell the calendar our time, before something of ours reaches another participant. */
int ttb_participant_update(struct ttb_participant *participant);

/** Time of day, nanoseconds since 1970, as the calendar has it now. */
int ttb_participant_time_of_day(struct ttb_participant *participant, uint64_t *time_ns);

/** Send a broadcast to everybody. */
int ttb_participant_broadcast(struct ttb_participant *participant, uint64_t value);

/** Called when a broadcast arrives (from within any of the calls above). */
typedef void (*ttb_participant_broadcast_fn)(void *user, uint64_t value);
void ttb_participant_on_broadcast(struct ttb_participant *participant,
                                  ttb_participant_broadcast_fn fn, void *user);

/** The socket, for poll(2) beside descriptors of your own while waiting. Not to be read. */
int ttb_participant_fd(const struct ttb_participant *participant);

#ifdef __cplusplus
}
#endif
#endif
