/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * The network's objects, shared by the files of this folder only.
 *
 *   net.c     network, event loop, timers, ends
 *   lane.c    one direction of a link: queue, line, losses, arrivals
 *   link.c    links: two lanes, parameters, up and down
 *   switch.c  learning switch
 *
 * Every object is owned by its network and lives as long; only frames and timers come and go.
 */
#ifndef TTB_LINK_INTERNAL_H
#define TTB_LINK_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/link.h>

#include "base/error.h"
#include "base/random.h"
#include "calendar/calendar.h"

/* Limits that a loop of switches meets before time or memory end. */
#define TTB__NET_FRAMES_MAX      (1u << 20)
#define TTB__NET_INSTANT_MAX     1000000u
#define TTB__NET_RATE_MAX_BPS    UINT64_C(1000000000000000000)
#define TTB__ETHERNET_HEADER     14
#define TTB__ETHERNET_ADDRESS    6
#define TTB__NET_ID_TIMER        0 /* timers come first at an instant; lanes count from 1 */
#define TTB__NET_ID_LANE(number) (1 + (number))

/* A frame; copies of a flooded frame share it. */
struct ttb__frame {
    unsigned references;
    uint64_t mark; /* 0: none */
    struct ttb_frame *content;
    size_t len_bytes;
    const uint8_t *data;
};

/* A frame in one place: in a lane's list of frames to come, waiting, or on their way. */
struct ttb__flight {
    struct ttb__frame *frame;
    uint64_t time_ns; /* to come: when it was sent; on its way: when it arrives */
    struct ttb__flight *next;
};

struct ttb__flights {
    struct ttb__flight *first, **end; /* end: NULL while never used */
};

/* A moment of simulated time between two nanoseconds: ns + part / whole, part < whole. */
struct ttb__moment {
    uint64_t ns, part, whole;
};

/*
 * One direction of a link. Invariants:
 * - The times in `coming` and in `flying` never decrease, so only their first frames matter.
 * - `entry` stays in the calendar, at the earliest time at which the lane has something to do, or at
 *   TTB_TIME_NEVER: so keeping it up to date needs no memory.
 */
struct ttb__lane {
    struct ttb_net_link *link;
    struct ttb_net_end *from, *to;
    struct ttb_net_params params;
    struct ttb__random random;
    struct ttb__calendar_entry entry;
    struct ttb__flights coming;  /* sent by a node, within advance() */
    struct ttb__flights waiting; /* for the line */
    struct ttb__flights flying;  /* transmission has begun */
    struct ttb__moment free;     /* when the line becomes free */
    uint64_t last_arrival_ns;
};

struct ttb_net_link {
    struct ttb_net *net;
    struct ttb__lane lanes[2]; /* a to b, b to a */
    bool up;
    struct ttb_net_link *next;
};

enum ttb__end_kind {
    TTB__END_PORT,
    TTB__END_HOST,
    TTB__END_SWITCH,
};

struct ttb_net_end {
    struct ttb_net *net;
    enum ttb__end_kind kind;
    char name[TTB_NET_NAME_MAX + 1];
    struct ttb_port *port;      /* TTB__END_PORT */
    ttb_net_receive_fn receive; /* TTB__END_HOST */
    void *receive_user;
    struct ttb_net_switch *sw; /* TTB__END_SWITCH */
    struct ttb_net_end *next_in_switch;
    struct ttb__lane *lane;           /* the one that starts here; NULL: no link */
    struct ttb__calendar_entry reach; /* scratch of promise.c */
    bool reached;
    uint64_t reached_ns;
    struct ttb_net_stats stats;
    struct ttb_net_end *next;
};

struct ttb_net_timer {
    struct ttb_net *net;
    struct ttb__calendar_entry entry;
    ttb_net_timer_fn fn;
    void *user;
    struct ttb_net_timer *next, **link;
};

struct ttb_net {
    struct ttb_bridge *bridge;
    uint64_t seed;
    uint64_t now_ns;
    struct ttb__calendar calendar;
    struct ttb_net_timer *timers;
    struct ttb_net_end *ends;
    struct ttb_net_link *links;
    struct ttb_net_switch *switches;
    uint32_t lane_count;
    uint32_t flight_count;
    bool running, stopping;
    bool promises_stale; /* what the bridge was promised does not follow from the links */
    int failed;          /* 0 or what ttb_net_run() returns from now on */
    ttb_net_tap_fn tap;
    void *tap_user;
    struct ttb_net_marks marks;
    void *marks_user;
    ttb_net_queue_fn queue_told;
    void *queue_user;
    struct ttb__error error;
};

#define TTB__CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* net.c */
int ttb__net_fail(struct ttb_net *net, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As above, for what a callback cannot return: the run ends with it. */
void ttb__net_break(struct ttb_net *net, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ttb__net_new_end(struct ttb_net *net, enum ttb__end_kind kind, struct ttb_net_end **end);
/* Hand a frame to an end. @return true if it took it */
bool ttb__end_receive(struct ttb_net_end *end, struct ttb__frame *frame);
/* Send a frame from an end now; the caller keeps its reference. */
void ttb__end_send(struct ttb_net_end *end, struct ttb__frame *frame);
void ttb__net_tap(struct ttb_net *net, enum ttb_net_tap_event event, enum ttb_net_drop reason,
                  const struct ttb_net_end *end, uint64_t time_ns, const struct ttb__frame *frame);

/* promise.c */
/* Tell the bridge the latencies between ports if they may have changed. */
int ttb__net_promise(struct ttb_net *net);

/* lane.c */
/* What the shortest frame takes on an idle line, in whole nanoseconds. */
uint64_t ttb__lane_least_ns(const struct ttb__lane *lane);
/* Takes over the reference to the content, also when it fails (NULL: no memory). */
struct ttb__frame *ttb__frame_new(struct ttb_frame *content);
void ttb__frame_release(struct ttb__frame *frame);
int ttb__lane_init(struct ttb__lane *lane, struct ttb_net_link *link, struct ttb_net_end *from,
                   struct ttb_net_end *to, const struct ttb_net_params *params);
/* Forget all frames, without a word. */
void ttb__lane_clear(struct ttb__lane *lane);
/* A frame enters the lane now. */
void ttb__lane_send(struct ttb__lane *lane, struct ttb__frame *frame);
/* A node sent a frame at time_ns, which lies not before the network's clock. */
void ttb__lane_send_at(struct ttb__lane *lane, struct ttb__frame *frame, uint64_t time_ns);
/* Do the one thing that is due now. */
void ttb__lane_step(struct ttb__lane *lane);
/* The link was cut: everything on it is lost. */
void ttb__lane_cut(struct ttb__lane *lane);
/* The parameters have been changed. */
void ttb__lane_set(struct ttb__lane *lane, const struct ttb_net_params *params);

/* link.c */
void ttb__link_free_all(struct ttb_net *net);

/* switch.c */
void ttb__switch_receive(struct ttb_net_end *port, struct ttb__frame *frame);
/* The first of its ports; the others follow by next_in_switch. */
struct ttb_net_end *ttb__switch_ports(const struct ttb_net_switch *sw);
void ttb__switch_free_all(struct ttb_net *net);

#endif
