/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file wire.h
 * What goes over a time-travel socket and what lies in a schedshm segment: UML's external time
 * travel as Linux 6.12 speaks it (include/uapi/linux/um_timetravel.h). Byte order and alignment are
 * the host's, since both sides are on one machine. doc/timetravel-protocol.md explains the rules.
 */
#ifndef TTB_TIMETRAVEL_WIRE_H
#define TTB_TIMETRAVEL_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum ttb__op {
    TTB__OP_ACK,        /* both ways: answers the message whose sequence number it repeats */
    TTB__OP_START,      /* from the participant: first message, time is its id */
    TTB__OP_REQUEST,    /* from the participant: wants to run at time */
    TTB__OP_WAIT,       /* from the participant: blocks until RUN */
    TTB__OP_GET,        /* from the participant: what time is it? */
    TTB__OP_UPDATE,     /* from the participant: my time is */
    TTB__OP_RUN,        /* to the participant: it is time, run */
    TTB__OP_FREE_UNTIL, /* to the participant: do not ask before this time (exclusive) */
    TTB__OP_GET_TOD,    /* from the participant: what time of day is it? */
    TTB__OP_BROADCAST,  /* both ways: 64 bits for everybody */
    TTB__OP_COUNT
};

struct ttb__message {
    uint32_t op;
    uint32_t seq;
    uint64_t time;
};
static_assert(sizeof(struct ttb__message) == 16, "size on the wire");

/* A participant that sleeps with no timer asks for this time; nobody may ever be there: UML panics
 * when its clock is set to it (time_travel_set_time()). */
#define TTB__LOCAL_NEVER ((uint64_t)INT64_MAX)

/* Descriptors with the ACK of START. UML's receive buffer has room for two, and it closes two. */
#define TTB__START_FDS 2

/* The ACK of START carries the index of the participant's slot in its low 16 bits. */
#define TTB__START_ACK_ID_MASK 0xffffu

#define TTB__SCHEDSHM_VERSION 2

/* Any other version makes UML unmap the segment and use messages. */
#define TTB__SCHEDSHM_VERSION_NONE 0

#define TTB__SCHEDSHM_CAPA_TIME_SHARE 1u /* capa: I use the segment */
#define TTB__SCHEDSHM_FLAG_REQ_RUN    1u /* flags: req_time is valid */

struct ttb__schedshm_client {
    uint32_t capa;     /* written by the participant, once, before its first message */
    uint32_t flags;    /* written by the participant */
    uint64_t req_time; /* written by the participant */
    uint64_t name;     /* the id of its START */
    uint8_t reserved[104];
};
static_assert(sizeof(struct ttb__schedshm_client) == 128, "layout");

struct ttb__schedshm {
    uint32_t version;
    uint32_t len;        /* bytes of header and slots */
    uint64_t free_until; /* written by the calendar; lowered by a participant that is waiting */
    uint64_t
        current_time; /* written by the calendar before RUN, by the participant before a kick */
    uint16_t running_id;
    uint16_t max_clients;
    uint8_t reserved[4068];
    struct ttb__schedshm_client clients[];
};
static_assert(offsetof(struct ttb__schedshm, free_until) == 8, "layout");
static_assert(offsetof(struct ttb__schedshm, current_time) == 16, "layout");
static_assert(offsetof(struct ttb__schedshm, running_id) == 24, "layout");
static_assert(offsetof(struct ttb__schedshm, max_clients) == 26, "layout");
static_assert(sizeof(struct ttb__schedshm) == 4096, "one page, then the slots");

#endif
