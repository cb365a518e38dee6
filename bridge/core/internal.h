/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * The bridge's objects, shared by the files of this folder only.
 *
 *   bridge.c     advance(): who runs next, until when; waiting with a watchdog
 *   node.c       life of a node: due, started, running, waiting, ended
 *   join.c       connections to calendar sockets, matched to nodes by START's id
 *   port.c       ports: frames in and out, kicks and calls
 *   placement.c  binding the run to one core
 *
 * Nothing is torn down inside a callback of the layers below: ends are noted (node->ending,
 * port->closed) and carried out by ttb__bridge_sweep() at points where no callback is on the stack.
 */
#ifndef TTB_CORE_INTERNAL_H
#define TTB_CORE_INTERNAL_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>

#include "base/error.h"
#include "calendar/calendar.h"
#include "timetravel/controller.h"
#include "vhost/netdev.h"

/* Most nodes and ports: limits that a mistake meets before memory does. */
#define TTB__NODES_MAX 65535
#define TTB__PORTS_MAX 64

/* A grant never reaches further than this past its start, so that simulated progress of a node that
 * runs by itself shows often enough for the watchdog to tell it from a node that hangs. */
#define TTB__GRANT_MAX_NS 100000000ULL

/* Wall time after which a look at the sockets of nodes that nobody waits for is due: one that was
 * killed is noticed. */
#define TTB__LOOK_AROUND_MS 100

/* A listening unix socket and its watch. */
struct ttb__listener {
    int fd; /* -1: none */
    struct ttb_watch *watch;
    char *path;
};

/* A connection to a calendar socket whose START has not told yet whose it is. */
struct ttb__joiner {
    struct ttb_bridge *bridge;
    struct ttb_node *own; /* the node whose own socket it came through, or NULL */
    struct ttb__controller *controller;
    bool over; /* to be freed at the next sweep; the controller as well if it is still here */
    struct ttb__joiner *next;
};

struct ttb_port {
    struct ttb_bridge *bridge;
    struct ttb_node *node; /* NULL: wall-clock port */
    uint32_t index;        /* in the node, or among the wall-clock ports */
    char name[TTB_NAME_MAX + 1];
    uint8_t mac[6];
    uint16_t mtu;
    uint32_t backlog_frames;
    bool carrier;
    struct ttb__listener listener;
    struct ttb__netdev *netdev; /* NULL: nobody is attached */
    bool closed;                /* netdev is over: to be freed at the next sweep */
    bool calling;               /* a call of it is unanswered */
    bool queued;                /* in bridge->calls */
    struct ttb_port *next_call;
    ttb_transmit_fn transmit;
    void *transmit_user;
    struct ttb_port_stats stats;
    uint64_t kicks, calls; /* of connections that are over */
};

/*
 * Invariants:
 * - `entry` is in the calendar iff the node is due or waiting: at its start time in state IDLE, at
 *   its request in state WAITING unless it is paused. While it runs it is in no calendar.
 * - At most one node is RUNNING (sequential mode).
 */
struct ttb_node {
    struct ttb_bridge *bridge;
    uint32_t id;
    char name[TTB_NAME_MAX + 1];
    enum ttb_node_state state;
    enum ttb_clock_mode clock_mode;
    const struct ttb_node_ops *ops;
    void *ops_user;
    struct ttb__listener listener; /* own_socket */
    struct ttb__calendar_entry entry;
    struct ttb__controller *controller; /* NULL: not connected */
    bool connected;                     /* START seen, ACK held back */
    bool launched;                      /* ops->launch() succeeded and reap() is due */
    bool up;                            /* has been WAITING in this life */
    bool paused;                        /* WAITING, in no calendar, and gets no calls */
    uint64_t paused_ns;                 /* since when */
    uint64_t granted_ns;                /* start of the grant it runs in, or ran in last */
    uint64_t bound_ns;                  /* of that grant; lowered when it transmits */
    uint64_t wall_start_ns;
    struct ttb_port *ports[TTB__PORTS_MAX];
    uint32_t port_count;
    struct ttb_node_stats stats;
    int exit_status;
    struct ttb__error failure;
    /* noted by callbacks, carried out by the sweep */
    bool ending;
    int ending_err;
    struct ttb__error ending_why;
};

struct ttb_bridge {
    struct ttb_loop loop;
    bool owns_loop;
    char *directory;
    struct ttb__listener listener;
    uint64_t epoch_ns;
    uint32_t connect_timeout_ms, hang_report_ms, hang_kill_ms;
    ttb_log_fn log;
    void *log_user;
    ttb_node_state_fn node_state;
    void *node_state_user;
    struct ttb_observer observer; /* all NULL: none */
    void *observer_user;

    uint64_t now_ns;
    struct ttb__calendar calendar;
    struct ttb_node **nodes; /* by id */
    uint32_t node_count, node_capacity;
    struct ttb_port **wall_ports;
    uint32_t wall_port_count;
    struct ttb__joiner *joiners;

    struct ttb_node *running;            /* the one node that has a grant, or NULL */
    struct ttb_port *calls, **calls_end; /* ports with calls to send, in the order they arose */
    unsigned calls_unanswered;
    bool transmitted; /* a node has sent since advance() was called; now_ns is the time */
    bool sweep_due;
    bool busy; /* in advance() or a callback: the bridge may be read only */
    uint64_t last_turn_ms;

    bool no_pin, pinned;
    cpu_set_t affinity_before;
    struct ttb__error error;
};

/* bridge.c */
int ttb__bridge_fail(struct ttb_bridge *bridge, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ttb__bridge_listen(struct ttb_bridge *bridge, struct ttb__listener *listener, const char *name,
                       ttb_watch_fn accept, void *user);
void ttb__listener_close(struct ttb_bridge *bridge, struct ttb__listener *listener);
bool ttb__name_is_valid(const char *name);
uint64_t ttb__wall_ns(void);
/* Carry out the ends that callbacks have noted. */
void ttb__bridge_sweep(struct ttb_bridge *bridge);
/* Turn the loop until done(bridge); reports and ends nodes that `suspect` names when they make no
 * simulated progress. */
int ttb__bridge_wait(struct ttb_bridge *bridge, bool (*done)(const struct ttb_bridge *),
                     bool (*suspect)(const struct ttb_node *));

/* node.c */
const struct ttb__controller_ops *ttb__node_controller_ops(void);
/* Make the due nodes that start at the bridge's clock connect. */
int ttb__node_bring_up(struct ttb_bridge *bridge);
/* Give a node that is due its first grant, or a waiting one its next. */
int ttb__node_grant(struct ttb_node *node, uint64_t until_ns);
/* Note that a node's life is over; err 0: it ended by itself. */
void ttb__node_note_end(struct ttb_node *node, int err, const char *why);
/* Carry it out. Not inside a callback. */
void ttb__node_end(struct ttb_node *node, enum ttb_node_state state, const char *why);
void ttb__node_free(struct ttb_node *node);
void ttb__node_sweep(struct ttb_node *node);
/* The node's request may have changed: put it into the calendar accordingly. */
void ttb__node_schedule(struct ttb_node *node);
/* Attach a connection that said START. */
void ttb__node_join(struct ttb_node *node, struct ttb__controller *controller);

/* join.c */
void ttb__join_accept(void *bridge, uint32_t events);
void ttb__join_accept_own(void *node, uint32_t events);
void ttb__join_sweep(struct ttb_bridge *bridge, bool all);

/* port.c */
void ttb__port_close(struct ttb_port *port);
void ttb__port_free(struct ttb_port *port);
void ttb__port_sweep(struct ttb_port *port);
/* Send the collected calls of blocked nodes and wait for the answers. */
int ttb__port_settle_calls(struct ttb_bridge *bridge);
/* Send the replies that were held back until a bound was acknowledged. */
void ttb__port_release_replies(struct ttb_node *node);

/* A node's clock stops: calls that are due wait until it goes on. */
void ttb__port_pause(struct ttb_port *port);
void ttb__port_resume(struct ttb_port *port);

/* placement.c */
void ttb__placement_pin(struct ttb_bridge *bridge);
void ttb__placement_restore(struct ttb_bridge *bridge);

#endif
