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
#define TTB__SCHEDSHM_CAPA_CALLS      2u /* capa: I take calls from the notification area */
#define TTB__SCHEDSHM_CAPA_KICKS      4u /* capa: I log kicks in the notification area */
#define TTB__SCHEDSHM_CAPA_HANDOVER   8u /* capa: I wait without a message if I am watched */
#define TTB__SCHEDSHM_FLAG_REQ_RUN    1u /* flags: req_time is valid */

struct ttb__schedshm_client {
    uint32_t capa;     /* written by the participant, once, before its first message */
    uint32_t flags;    /* written by the participant */
    uint64_t req_time; /* written by the participant */
    uint64_t name;     /* the id of its START */
    uint32_t notify;   /* offset of its notification area; 0: none. Written by the calendar */
    uint8_t reserved[100];
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

/*
 * The notification area: calls and kicks of virtqueues in shared memory. An extension of the kernel patches
 * in uml-patches/, which describe it; a participant that knows nothing of it leaves it alone.
 */
#define TTB__NOTIFY_CALLS    1u /* features: calls may be left here */
#define TTB__NOTIFY_KICKS    2u /* features: the log of kicks is served */
#define TTB__NOTIFY_HANDOVER 4u /* features: `watched` may be set */

#define TTB__NOTIFY_QUEUE_LOG   1u /* flags: kicks may be logged */
#define TTB__NOTIFY_QUEUE_REARM 2u /* flags: who logs a kick asks itself for the next one */

struct ttb__notify_queue {
    uint64_t ring; /* of the descriptor table, as in SET_VRING_ADDR; 0: free. By the participant */
    uint64_t horizon; /* nothing comes of a kick earlier than this after it. By the calendar */
    uint32_t flags;   /* by the calendar */
    uint32_t reserved[3];
};
static_assert(sizeof(struct ttb__notify_queue) == 32, "layout");

struct ttb__notify_kick {
    uint64_t time;
    uint16_t queue;     /* its slot */
    uint16_t avail_idx; /* what was made available before is kicked */
    uint32_t reserved;
};
static_assert(sizeof(struct ttb__notify_kick) == 16, "layout");

/* After it: the slots of the queues, the list of calls (a u16 for each slot), and the log. */
struct ttb__notify_header {
    uint32_t features;    /* written by the calendar, once */
    uint16_t queue_count; /* the same; a multiple of 4 */
    uint16_t kick_count;  /* the same; a power of two */
    uint32_t call_count;  /* written by the calendar, cleared by the participant */
    uint32_t kick_head;   /* written by the participant: kicks that were ever logged */
    uint32_t kick_tail;   /* written by the calendar: those that have been served */
    uint32_t run;     /* futex; counted up by the calendar: a participant that waits has to look */
    uint32_t rings;   /* futex; counted up by the participant: the calendar has to look */
    uint32_t waiting; /* set by a participant that waits without a message; cleared to let it run */
    uint32_t watched; /* written by the calendar: it looks at nothing but `rings` */
    uint32_t reserved[7];
};
static_assert(sizeof(struct ttb__notify_header) == 64, "layout");

#endif
