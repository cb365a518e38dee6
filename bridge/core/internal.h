/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * The bridge's objects, shared by the files of this folder only.
 *
 *   bridge.c     advance(): what comes next; waiting with a watchdog
 *   round.c      which nodes run next, and their running
 *   look_ahead.c how far each may run: latencies between ports, their closure, the bound
 *   transmit.c   frames between their sender and the network
 *   node.c       life of a node: due, started, running, waiting, ended
 *   join.c       connections to calendar sockets, matched to nodes by START's id
 *   port.c       ports: frames in and out, kicks and calls
 *   coalesce.c   interrupt moderation: frames that wait in a port
 *   shared.c     kicks and calls in the nodes' shared memory instead of messages
 *   inspect.c    standing still, and what is to come
 *   placement.c  which core what runs on
 *   wall.c       where the wall time goes
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
#include "base/frame.h"
#include "calendar/calendar.h"
#include "timetravel/controller.h"
#include "vhost/netdev.h"

/* Most nodes and ports: limits that a mistake meets before memory does. */
#define TTB__NODES_MAX 65535
#define TTB__PORTS_MAX 64

/* A grant never reaches further than this past its start, so that simulated progress of a node that
 * runs by itself shows often enough for the watchdog to tell it from a node that hangs. */
#define TTB__GRANT_MAX_NS 100000000ULL

/* Most nodes at a time that automatic jobs let run. */
#define TTB__LANES_MAX 64

/* While a node says in shared memory when it is done, nothing else is looked at for so long. */
#define TTB__WATCH_MS 20

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
    uint32_t slot;         /* among the ports of all nodes */
    bool isolated;         /* ttb_port_set_isolated() */
    uint64_t way_back_ns;  /* no frame of it has any influence on its own node sooner */
    uint64_t nearest_ns;   /* nor on any other node */
    char name[TTB_NAME_MAX + 1];
    uint8_t mac[6];
    uint16_t mtu;
    uint32_t backlog_frames;
    bool offload;
    uint64_t coalesce_ns; /* 0: a node is interrupted for every frame */
    uint32_t coalesce_frames;
    uint64_t due_ns;    /* when the frames that are held are due; TTB_TIME_NEVER: none is */
    uint64_t tx_due_ns; /* when a look for frames that were sent without a kick is due, likewise */
    bool carrier;
    struct ttb__listener listener;
    struct ttb__netdev *netdev; /* NULL: nobody is attached */
    bool closed;                /* netdev is over: to be freed at the next sweep */
    bool calling;               /* a call of it is unanswered */
    bool queued;                /* in node->calls */
    int rx_slot, tx_slot; /* of its queues in the controller's notification area; negative: none */
    uint64_t horizon_ns;  /* of its kicks, as told to the node */
    struct ttb_port *next_call;
    ttb_transmit_fn transmit;
    void *transmit_user;
    struct ttb_port_stats stats;
};

struct ttb__sent_frame;

/*
 * Invariants:
 * - `entry` is in the calendar iff the node is due or waiting: at its start time in state IDLE, and
 *   in state WAITING unless it is paused, at its request, the time of its calls, or of held frames that
 *   become due, whichever is earliest. While it runs it is in no calendar.
 * - `sent_entry` is in the calendar iff `sent` is not empty, at the time of the first of its frames.
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
    bool runs;                          /* has a grant: counted in bridge->running_count */
    bool granted, blocked; /* in this round, and ttb__node_tell() has not told it yet */
    bool was_held;         /* by a debugger, when it was last found to take too long */
    uint64_t granted_ns;   /* start of the grant it runs in, or ran in last */
    uint64_t bound_ns;     /* of that grant; lowered when it transmits */
    uint64_t ran_to_ns;    /* bound of its last grant: where it is before that, only it knows */
    uint64_t kick_ns;      /* its time in the kick that is being served */
    bool serving;          /* kicks that it did not wait for; kick_ns is that of the one */
    struct ttb_port *calls, **calls_end; /* ports with calls to send, in the order they arose */
    uint64_t call_ns;                    /* when */
    bool called;     /* there are calls in its shared memory: it is let run at call_ns */
    uint64_t due_ns; /* earliest due_ns or tx_due_ns of its ports */
    struct ttb__sent_frame *sent, **sent_end; /* frames that the network has not seen */
    struct ttb__calendar_entry sent_entry;
    uint64_t wall_start_ns, wall_stop_ns; /* of the grant it runs in, or ran in last */
    uint32_t lane;                        /* see placement.c */
    struct ttb_node *next_in_lane;        /* of those that have not run yet in this round */
    uint64_t round_ns, window_ns;         /* wall time it ran, in this round, in this window */
    uint64_t
        patience_ms; /* without progress until it is reported; doubles, as some only compute long */
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

struct ttb__look_ahead {
    uint64_t *promised; /* [from slot][to slot], room x room; NULL: nothing is promised */
    uint32_t room;
    uint64_t *closure; /* [from node][to node], count x count; NULL: all zero */
    uint64_t *nearest; /* by node: what the nearest other node takes to reach it */
    uint32_t count;
    uint64_t widest_ns; /* largest of the closure */
    bool stale;         /* closure does not follow from promised */
};

struct ttb__wall {
    bool begun;              /* advance() has been called */
    enum ttb_wall_part part; /* that time goes to now */
    uint64_t since_ns;       /* when it changed last */
    uint64_t barrier_ns;     /* since when somebody in the round waits for others; 0: nobody has */
    uint64_t spent_ns[TTB_WALL_PARTS], entered[TTB_WALL_PARTS];
    uint32_t deliveries;
};

/* Wall time that automatic jobs look at before they decide. */
struct ttb__placement_window {
    uint64_t wall_ns;    /* of rounds */
    uint64_t work_ns;    /* that nodes ran, added up */
    uint64_t alone_ns;   /* that at least one of them ran, or would have if they were spread */
    uint64_t hand_overs; /* grants, kicks, calls */
};

struct ttb__placement {
    bool no_pin, pinned;
    cpu_set_t before;               /* the caller's affinity */
    uint16_t cores[TTB__LANES_MAX]; /* that the run is bound to, if it is pinned */
    uint32_t core_count;
    uint32_t lane_count; /* jobs, while the run is spread */
    bool automatic;
    struct ttb__placement_window window;
    uint64_t busy_from_ns, busy_ns; /* at least one node runs since; had run in this round */
    bool paid;                      /* since the run was spread */
    uint32_t in_vain;               /* windows in a row that did not pay */
    uint64_t hold_ns, left_ns;      /* wall time before spreading is tried again, at first; now */
    uint32_t flap_rounds, rounds;   /* ttb__placement_flap() */
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
    ttb_gate_fn gate; /* NULL: always open */
    void *gate_user;

    uint64_t now_ns;
    struct ttb__calendar calendar;
    struct ttb_node **nodes; /* by id */
    uint32_t node_count, node_capacity;
    struct ttb_port **wall_ports;
    uint32_t wall_port_count;
    struct ttb__joiner *joiners;

    struct ttb__look_ahead look_ahead;
    uint32_t port_slots;
    bool no_look_ahead, look_ahead_checked, no_shared_notifications;
    uint64_t look_ahead_ns;  /* the most that nodes may; checked: against what was promised first */
    struct ttb_node **round; /* nodes of the round that is under way, in their order */
    uint32_t round_count, round_room;
    uint32_t jobs;            /* nodes that may run at the same time, now */
    uint32_t running_count;   /* nodes that have a grant */
    struct ttb_node *watched; /* the one that has, if it says in shared memory when it is done */
    uint32_t running_limit;   /* ttb__round_run() waits until fewer run */
    uint32_t round_slots;     /* nodes of the round that can run at the same time */
    uint32_t round_left;      /* nodes of the round that have not been let run yet */
    uint32_t round_can_run;   /* nodes of the round that run in it, as far as is known */
    bool in_round;            /* its nodes are run */
    unsigned calls_unanswered;
    struct ttb__frame_pool *frames;
    struct ttb_frame *transmitting; /* a transmit callback or the observer is being called for it */
    bool transmitted; /* the network has got a frame since advance() was called, at now_ns */
    bool sweep_due, sweep_held;
    bool busy;             /* in advance() or a callback: the bridge may be read only */
    uint64_t last_look_ms; /* when the loop was turned last, in wall time */
    struct ttb__wall wall;

    struct ttb__placement placement;
    struct ttb__error error;
};

/* bridge.c */
int ttb__bridge_fail(struct ttb_bridge *bridge, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Tell the observer, if any, that something is done from outside. */
void ttb__bridge_tell(struct ttb_bridge *bridge, const struct ttb_action *action);
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
/* Give a node that is due its first grant, or a waiting one its next, up to node->bound_ns. It is in
 * no calendar. */
void ttb__node_grant(struct ttb_node *node);
/* Tell observers and owners what a node has done in the round: that it ran, that it is blocked, that it
 * has ended. */
void ttb__node_tell(struct ttb_node *node);
/* A node that ran is blocked or has ended. */
void ttb__node_stops_running(struct ttb_node *node);
/* Put a waiting node that is in no calendar into it. */
int ttb__node_enter_calendar(struct ttb_node *node);
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
/* Send the collected calls of the round's nodes and wait for the answers. */
int ttb__port_settle_calls(struct ttb_bridge *bridge);
/* Send the replies that were held back until a bound was acknowledged. */
void ttb__port_release_replies(struct ttb_node *node);

/* shared.c */
/* The port's driver has attached, or detached: find its queues in the node's shared memory. */
void ttb__shared_attach(struct ttb_port *port);
void ttb__shared_detach(struct ttb_port *port);
/* Tell the node how far a kick of its ports lets it run. It is blocked. */
void ttb__shared_update(struct ttb_node *node);
/* Leave the port's calls in the node's shared memory, for when it is let run. False: not possible. */
bool ttb__shared_call(struct ttb_port *port);
/* The node has kicked a queue without waiting for anything. */
void ttb__shared_kicked(struct ttb_node *node, unsigned slot, uint64_t time_ns, uint16_t avail_idx);
/* It waits: what is to be told about such kicks it is told where it has stopped. */
void ttb__shared_waiting(struct ttb_node *node);

/* Remember that the port has calls to send at time_ns, if it has. */
void ttb__port_queue_call(struct ttb_port *port, uint64_t time_ns);

/* A node's clock stops: calls that are due wait until it goes on. */
void ttb__port_pause(struct ttb_port *port);
void ttb__port_resume(struct ttb_port *port);

/* coalesce.c */
/* A frame has been handed to a port that holds what comes. */
void ttb__coalesce_note(struct ttb_port *port);
/* The port's node has sent, and will not kick for more. @return when that is looked for; TTB_TIME_NEVER */
uint64_t ttb__coalesce_sent(struct ttb_port *port, uint64_t time_ns);
/* The node's turn has come: release what is due by then, and lower its bound by what comes of it. */
void ttb__coalesce_settle(struct ttb_node *node, uint64_t time_ns);
/* When held frames become due after time_ns; TTB_TIME_NEVER: none. A node does not run beyond it. */
uint64_t ttb__coalesce_next_ns(const struct ttb_node *node, uint64_t time_ns);
/* Nothing is held any more. */
void ttb__coalesce_clear(struct ttb_port *port);
/* The node's clock stood still. */
void ttb__coalesce_resume(struct ttb_port *port);

/* round.c */
/* Run the first node of the calendar, and with it all others that may run by now. */
int ttb__round_run(struct ttb_bridge *bridge, const struct ttb__calendar_entry *first,
                   uint64_t until_ns);

/* look_ahead.c */
/* The node may run strictly before the result, which is limit_ns or earlier. It is itself in the
 * calendar, or not. */
uint64_t ttb__look_ahead_bound(const struct ttb_node *node, uint64_t limit_ns);
/* Shortest path between two nodes, 0 if nothing is known. */
uint64_t ttb__look_ahead_ns(const struct ttb_bridge *bridge, const struct ttb_node *from,
                            const struct ttb_node *to);
/* Derive the closure anew if what it follows from has changed. */
int ttb__look_ahead_update(struct ttb_bridge *bridge);
void ttb__look_ahead_clear(struct ttb_bridge *bridge);

/* transmit.c */
/* The port's node has sent: keep the frame until the network may have it. 0, -ENOMEM */
int ttb__transmit_add(struct ttb_port *port, uint64_t time_ns, struct ttb_frame *frame);
/* Set the clock to the time of the node's first frames and hand over all of that time. */
void ttb__transmit_release(struct ttb_node *node);
/* Forget frames that the network has not seen: the node was stopped before it sent them. */
void ttb__transmit_discard(struct ttb_node *node);
/* The earliest time at which what a port sends at time_ns may have an influence on its own node. */
uint64_t ttb__port_return_ns(const struct ttb_port *port, uint64_t time_ns);
/* The same for all frames of a node that the network has not seen. */
uint64_t ttb__transmit_return_ns(const struct ttb_node *node);

/* A node has two entries in the calendar: its frames come before its next turn. */
#define TTB__ENTRY_SENT(node) (2 * (node)->id)
#define TTB__ENTRY_TURN(node) (2 * (node)->id + 1)

static inline struct ttb_node *ttb__entry_node(const struct ttb_bridge *bridge,
                                               const struct ttb__calendar_entry *entry)
{
    return bridge->nodes[entry->key.id / 2];
}

/* inspect.c: whether time may go on to what comes next, a node's act or until_ns. */
bool ttb__gate_is_open(struct ttb_bridge *bridge, uint64_t until_ns);

/* placement.c */
/* First thing in a bridge's life: how many lanes there are. */
void ttb__placement_init(struct ttb_bridge *bridge, uint32_t jobs, bool no_pin);
void ttb__placement_pin(struct ttb_bridge *bridge);
/* What is started between these runs on the node's core. */
void ttb__placement_begin_launch(struct ttb_node *node);
void ttb__placement_end_launch(struct ttb_node *node);
void ttb__placement_restore(struct ttb_bridge *bridge);
/* A round that took so much wall time is over: time to change between one core and several? */
void ttb__placement_note_round(struct ttb_bridge *bridge, uint64_t wall_ns);
/* For tests: automatic jobs, with a change after every so many rounds instead of by wall time. Before
 * the run begins. */
void ttb__placement_flap(struct ttb_bridge *bridge, uint32_t rounds);

/* wall.c */
/* From now on time goes to a part. @return where it went before, to go back to */
enum ttb_wall_part ttb__wall_enter(struct ttb_bridge *bridge, enum ttb_wall_part part);
/* Around what is done with a frame for a node. True: it is timed, and the second is to be called. */
bool ttb__wall_delivery_begins(struct ttb_bridge *bridge, enum ttb_wall_part *before);
void ttb__wall_delivery_ends(struct ttb_bridge *bridge, enum ttb_wall_part before);
/* Before it, nothing is counted. */
void ttb__wall_begin(struct ttb_bridge *bridge);
/* A node has got the clock; it is counted in running_count. */
void ttb__wall_node_runs(struct ttb_node *node);
/* It has given it back; it is no longer counted there. */
void ttb__wall_node_stops(struct ttb_node *node);
/* Around the running of a round's nodes. */
void ttb__wall_round_begins(struct ttb_bridge *bridge);
void ttb__wall_round_ends(struct ttb_bridge *bridge);

#endif
