/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file bridge.h
 * Linux nodes, their network ports, and one simulated clock.
 *
 * To a simulator, all Linux nodes together are one object with two operations: let the nodes run up
 * to a time (ttb_bridge_advance()), and hand one of them a frame (ttb_port_deliver()). Frames that
 * nodes send come back through a callback.
 *
 *     struct ttb_bridge_opts opts = {.size = sizeof(opts), .directory = "run"};
 *     ttb_bridge_new(&opts, &bridge);
 *     ttb_bridge_add_node(bridge, &(struct ttb_node_opts){.size = ..., .name = "a"}, &node);
 *     ttb_node_add_port(node, &(struct ttb_port_opts){.size = ..., .name = "eth0"}, &port);
 *     ttb_port_on_transmit(port, frame_sent, my_network);
 *     while (my_network_next(&event)) {
 *         ttb_bridge_advance(bridge, event.time_ns, &now_ns);
 *         if (now_ns == event.time_ns)
 *             my_network_execute(&event);          // may call ttb_port_deliver()
 *     }
 *
 * Time is simulated time in nanoseconds since the bridge was made; TTB_TIME_NEVER is "no time".
 *
 * Order. Things that happen at one simulated instant happen in this order: the network's events
 * first, then the nodes in the order in which they were added. Nothing else (who connected first,
 * what the host's scheduler did) has any influence.
 *
 * Threading. A bridge, its nodes and ports belong to one thread. Different bridges share nothing.
 *
 * Errors. Functions return 0 or a negative errno; ttb_bridge_error() has the sentence for people.
 */
#ifndef TTBRIDGE_BRIDGE_H
#define TTBRIDGE_BRIDGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/frame.h>
#include <ttbridge/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/** "At no time": later than everything. */
#define TTB_TIME_NEVER UINT64_MAX

/** Longest name of a node or port, in bytes without the terminating zero. */
#define TTB_NAME_MAX 31

/** Largest frame that a port carries, in bytes: Ethernet header and payload, no FCS. */
#define TTB_FRAME_MAX 65535

struct ttb_bridge;
struct ttb_node;
struct ttb_port;

/** Severity of a log line. */
enum ttb_log_level {
    TTB_LOG_DEBUG,
    TTB_LOG_INFO,
    TTB_LOG_WARNING,
    TTB_LOG_ERROR,
};

/** Receives log lines: one sentence, no newline, valid during the call only. */
typedef void (*ttb_log_fn)(void *user, enum ttb_log_level level, const char *text);

/** See struct ttb_bridge_opts. */
#define TTB_JOBS_AUTO 0

/** Options of a bridge. Set `size`; everything else may be zero. */
struct ttb_bridge_opts {
    size_t size;                 /**< sizeof(struct ttb_bridge_opts) */
    const struct ttb_loop *loop; /**< copied; NULL: the bridge owns an epoll loop */
    const char *directory;       /**< where sockets are made: an existing directory of the caller's,
                                      best of mode 0700; NULL: the current one. Copied. */
    uint64_t epoch_ns;           /**< nodes' time of day at simulated time 0, in ns since 1970;
                                      0: 2025-01-01T00:00:00Z */
    uint32_t connect_timeout_ms; /**< wall time for a node to connect; 0: 10,000 ms */
    uint32_t hang_report_ms; /**< wall time without simulated progress after which a running node
                                      is reported; 0: 1,000 ms */
    uint32_t hang_kill_ms;   /**< the same, after which it is ended; 0: 30,000 ms */
    uint32_t jobs; /**< nodes that may run at the same time, on as many cores, where latencies allow
                        it (ttb_bridge_set_latency()); TTB_JOBS_AUTO, 0: by turns one, and as many
                        as the caller may use cores, whichever takes less wall time just then. The
                        run is the same with any number */
    bool no_pin;   /**< do not bind the calling thread and the nodes to cores (see
                        ttb_bridge_advance()) */
    bool no_look_ahead; /**< ignore ttb_bridge_set_latency(): slower, the same frames at the
                                      same times */
    ttb_log_fn log;     /**< NULL: warnings and errors go to stderr */
    void *log_user;
    uint64_t look_ahead_ns; /**< nodes run ahead of each other no further than this; 0: as far as
                                 ttb_bridge_set_latency() allows. It only lowers: if it is more than the
                                 smallest latency between ports of different nodes as first promised, the
                                 first ttb_bridge_advance() or ttb_bridge_latency() after that fails
                                 with -EINVAL */
    bool
        no_shared_notifications; /**< kicks and calls are messages, even of nodes whose kernel can have
                                      them in shared memory: slower, the same frames at the same
                                      times */
};

/**
 * Make a bridge.
 * @return 0 and *bridge, owned by the caller (ttb_bridge_free()); -EINVAL for impossible options;
 *         -ENAMETOOLONG if `directory` leaves no room for socket names; or what the system says
 */
int ttb_bridge_new(const struct ttb_bridge_opts *opts, struct ttb_bridge **bridge);

/** End a bridge: nodes are ended (see struct ttb_node_ops), sockets removed. NULL is allowed. */
void ttb_bridge_free(struct ttb_bridge *bridge);

/** The sentence that goes with the last error of this bridge; "" if there was none. Valid until the
 * next call into the bridge. Never NULL. */
const char *ttb_bridge_error(const struct ttb_bridge *bridge);

/**
 * Run the nodes up to simulated time `until_ns`: all they do strictly before it is done when this
 * returns with *now_ns == until_ns, and every node is blocked.
 *
 * Returns early, with *now_ns < until_ns, when a node has transmitted: *now_ns is the time of the
 * frame, the transmit callback has been called, no node can send an earlier one any more, the
 * network's clock may go to *now_ns, and the simulator then asks again.
 *
 * `until_ns` may be TTB_TIME_NEVER: then it returns when a node transmits, or with *now_ns ==
 * TTB_TIME_NEVER (the clock itself stays where it is) when no node will ever act again by itself.
 *
 * The first call is the start barrier: it waits for the nodes that start at time 0 to connect.
 * Unless opts.no_pin, it also binds the calling thread to one core of its affinity mask (with
 * opts.jobs to so many), and nodes launched from then on inherit it (with opts.jobs each gets one of
 * these cores): a wake-up across cores costs four times as much as one on the same core. With automatic
 * jobs both are bound anew when what costs less changes.
 * ttb_bridge_free() restores the mask.
 *
 * @return 0; -EINVAL if until_ns lies before the bridge's clock; -EBUSY when called from a callback;
 *         or an error of the host. Nodes that fail do not end the run: see ttb_bridge_on_node_state().
 */
int ttb_bridge_advance(struct ttb_bridge *bridge, uint64_t until_ns, uint64_t *now_ns);

/** Make ttb_bridge_advance() return early, when the node that runs now has blocked: as if it had
 * transmitted. Callable from every callback; without effect outside of advance(). */
void ttb_bridge_interrupt(struct ttb_bridge *bridge);

/** The bridge's clock. */
uint64_t ttb_bridge_now_ns(const struct ttb_bridge *bridge);

/** The earliest time at which a node will act by itself, TTB_TIME_NEVER if none will. A simulator
 * need not call advance() for times up to and including this one. */
uint64_t ttb_bridge_next_ns(const struct ttb_bridge *bridge);

/** The loop that the bridge waits in (its own or the injected one). */
const struct ttb_loop *ttb_bridge_loop(const struct ttb_bridge *bridge);

/** Path of the calendar's unix socket, to be given to nodes (time-travel=ext:ID:PATH); relative if
 * opts.directory was. Valid as long as the bridge. */
const char *ttb_bridge_socket_path(const struct ttb_bridge *bridge);

/** Write a log line as the bridge does. */
void ttb_bridge_log(struct ttb_bridge *bridge, enum ttb_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ------------------------------------------------------------------------------------- nodes */

/** Life of a node. */
enum ttb_node_state {
    TTB_NODE_IDLE,     /**< added; not due to start yet, or stopped and not started again */
    TTB_NODE_STARTING, /**< due; launched, but has not connected yet */
    TTB_NODE_WAITING,  /**< blocked until its request or a frame */
    TTB_NODE_RUNNING,  /**< has a grant */
    TTB_NODE_STOPPED,  /**< ended as it should: powered off, or stopped by ttb_node_stop() */
    TTB_NODE_FAILED,   /**< died, hung, or broke the protocol */
};

/** Name of a state, e.g. "waiting". */
const char *ttb_node_state_name(enum ttb_node_state state);

/** How a node shares the clock with us (FACTS: Linux 6.12 has both, 6.1 only messages). */
enum ttb_clock_mode {
    TTB_CLOCK_AUTO,     /**< offer shared memory, use messages where it is not taken */
    TTB_CLOCK_MESSAGES, /**< messages only */
    TTB_CLOCK_SHARED,   /**< a node that does not take the shared memory is refused */
};

/**
 * How the process behind a node is started and ended. All may be NULL: then somebody else starts
 * it, and ending it means closing its connections. The lab (lab.h) implements them for UML.
 */
struct ttb_node_ops {
    /** Start the process; called once per life of the node, at its start time.
     * @return 0 or a negative errno: then the node has failed */
    int (*launch)(void *user, struct ttb_node *node);
    /** End the process now, wait for it, and forget it. Called whenever a node that was launched has
     * ended, for whatever reason. *exit_status gets its wait status if there is one.
     * @param force  true: kill it; false: it closed its time socket by itself, so it is exiting
     * @return 0 or -ECHILD when there is no process */
    int (*reap)(void *user, struct ttb_node *node, bool force, int *exit_status);
    /** The node is blocked after having run from `time_ns`: whatever it wrote has been written. */
    void (*blocked)(void *user, struct ttb_node *node, uint64_t time_ns);
    /** Bind the processes of a node, which is blocked, to a core (a number as in sched_setaffinity(2)).
     * NULL: they stay where they were launched. @return 0 or a negative errno, which is ignored */
    int (*place)(void *user, struct ttb_node *node, unsigned core);
    /** Whether somebody has stopped the process on purpose, e.g. with a debugger: it is not ended for
     * making no simulated progress. */
    bool (*is_held)(void *user, struct ttb_node *node);
    /** Say something about a node in trouble, e.g. its last console line, into `text`. */
    void (*describe)(void *user, struct ttb_node *node, char *text, size_t size_bytes);
};

/** Options of a node. Set `size` and `name`. */
struct ttb_node_opts {
    size_t size;                    /**< sizeof(struct ttb_node_opts) */
    const char *name;               /**< unique; 1 to TTB_NAME_MAX of [A-Za-z0-9_-]. Copied. */
    uint64_t start_ns;              /**< when it starts; it sees this time as its time 0 */
    enum ttb_clock_mode clock_mode; /**< */
    bool own_socket;                /**< listen on a calendar socket of its own, `name`.tt: for
                                         programs that cannot say who they are (START ID -1) */
    const struct ttb_node_ops *ops; /**< not copied; NULL: none */
    void *ops_user;
};

/**
 * Add a node. Its id, the ID in time-travel=ext:ID:PATH, is the number of nodes added before it.
 * May be called at any time; start_ns must not lie before the bridge's clock.
 * @return 0 and *node, owned by the bridge; -EINVAL, -EEXIST (name), -ENOMEM
 */
int ttb_bridge_add_node(struct ttb_bridge *bridge, const struct ttb_node_opts *opts,
                        struct ttb_node **node);

/** End a node now, as a power cut would: its process is killed. The node can be started again.
 * @return 0; -EALREADY if it does not run; -EBUSY from a callback */
int ttb_node_stop(struct ttb_node *node);

/** Start a node that has ended or was stopped, at the bridge's time `start_ns` (not before now).
 * @return 0; -EBUSY if it has not ended; -EINVAL */
int ttb_node_restart(struct ttb_node *node, uint64_t start_ns);

/**
 * Stop a node's clock: it does nothing until ttb_node_resume(), and does not notice, since its own time
 * stands still as well (so its time of day lags behind afterwards). Frames for it are kept as for a
 * driver that is slow: in its ring and then in the backlog of its port, beyond which they are dropped.
 * @return 0; -EALREADY if it does not run or is paused; -EBUSY from a callback
 */
int ttb_node_pause(struct ttb_node *node);

/** Let a paused node go on. @return 0; -EALREADY if it is not paused; -EBUSY from a callback */
int ttb_node_resume(struct ttb_node *node);

/**
 * Tell the bridge that the process behind a node has ended, so that one that dies before it has
 * connected is noticed at once (afterwards its sockets tell). To be called by whoever implements
 * struct ttb_node_ops, e.g. from a watch on a pidfd. Callable at any time, also from callbacks.
 */
void ttb_node_process_ended(struct ttb_node *node);
/** Id (order of adding, from 0), name (valid as long as the node), state and bridge of a node. */
uint32_t ttb_node_id(const struct ttb_node *node);
const char *ttb_node_name(const struct ttb_node *node);
enum ttb_node_state ttb_node_get_state(const struct ttb_node *node);
struct ttb_bridge *ttb_node_bridge(const struct ttb_node *node);

/** Path of the socket that this node's calendar connection goes to. Valid as long as the node. */
const char *ttb_node_socket_path(const struct ttb_node *node);

/** The process' wait(2) status of the life that ended last; -1 if there is none. */
int ttb_node_exit_status(const struct ttb_node *node);

/** The time strictly before which a node that has been let run comes back by itself: of its grant now
 * (lowered when it transmits), else of the last one; 0: it has had none. */
uint64_t ttb_node_bound_ns(const struct ttb_node *node);

/** Why the node failed, "" if it did not. Valid until the node is started again. */
const char *ttb_node_failure(const struct ttb_node *node);

/** Node by name, NULL if there is none. */
struct ttb_node *ttb_bridge_find_node(struct ttb_bridge *bridge, const char *name);

/**
 * Called when a node's state becomes WAITING for the first time (it is up), STOPPED or FAILED.
 * @param time_ns  the bridge's clock, or, if the node was ahead of it, the time from which it ran last
 * @param why  a sentence for FAILED, else ""
 * The callback may read anything, and call nothing that changes the bridge.
 */
typedef void (*ttb_node_state_fn)(void *user, struct ttb_node *node, enum ttb_node_state state,
                                  uint64_t time_ns, const char *why);
void ttb_bridge_on_node_state(struct ttb_bridge *bridge, ttb_node_state_fn fn, void *user);

/** What a node cost so far; every figure but those of wall time repeats exactly. */
struct ttb_node_stats {
    uint64_t grants;     /**< times it was let run */
    uint64_t kicks;      /**< virtqueue kicks it made */
    uint64_t calls;      /**< virtqueue calls (interrupts) it got */
    uint64_t wall_ns;    /**< wall time it ran */
    uint64_t waited_ns;  /**< wall time it waited at barriers (TTB_WALL_BARRIER), its window done */
    uint64_t awaited_ns; /**< part of wall_ns in which others waited there for it */
    uint64_t shared_kicks; /**< of the kicks, those that were no messages, but in shared memory */
    uint64_t shared_calls; /**< of the calls, likewise */
};
void ttb_node_get_stats(const struct ttb_node *node, struct ttb_node_stats *stats);

/** Whom the wall time of a run goes to: at each moment one of these, from the first
 * ttb_bridge_advance() on. */
enum ttb_wall_part {
    /** The network's simulator: between two calls of ttb_bridge_advance(), and while transmit
     * callbacks run. Whatever else the program does there is in it, too. */
    TTB_WALL_NETWORK,
    /** Nodes run, as many as the round and ttb_bridge_opts.jobs allow. */
    TTB_WALL_NODES,
    /** Nodes run, and fewer than could: others have come to the end of their window and wait for
     * them. Never with one job. */
    TTB_WALL_BARRIER,
    /** The bridge itself. */
    TTB_WALL_BRIDGE,
    /** Functions of the observer and of ttb_bridge_on_node_state(). */
    TTB_WALL_RECORDING,
    /** For nodes' processes to start and connect, and in the gate: pauses, prompts, pace. */
    TTB_WALL_WAITING,
    TTB_WALL_PARTS
};

/** What was spent so far. Set `size`. */
struct ttb_bridge_wall {
    size_t size; /**< sizeof(struct ttb_bridge_wall) */
    struct {
        uint64_t wall_ns;
        uint64_t entered; /**< times that it became this part's turn */
    } parts[TTB_WALL_PARTS];
};

/** @return 0; -EINVAL: the size is too small. Costs one look at the clock. */
int ttb_bridge_get_wall(const struct ttb_bridge *bridge, struct ttb_bridge_wall *wall);

/**
 * Say that from now on wall time goes to another part: for a program that records, or waits, where the
 * bridge cannot see it. May be called from callbacks.
 * @return the part before, to be said again afterwards
 */
enum ttb_wall_part ttb_bridge_spend(struct ttb_bridge *bridge, enum ttb_wall_part part);

/* ------------------------------------------------------------------------------------- ports */

/** Options of a port. Set `size` and `name`. */
struct ttb_port_opts {
    size_t size;      /**< sizeof(struct ttb_port_opts) */
    const char *name; /**< unique in the node; the socket is NODE.NAME in the bridge's directory */
    uint8_t mac[6];   /**< all zero: made from node id and port index, 02:74:74:NN:NN:PP (tt) */
    uint16_t mtu;     /**< told to the driver; 0: 1500. Frames above are dropped and counted. */
    uint32_t backlog_frames; /**< frames kept when the driver has no buffer; 0: 1000 */
    /** Let the driver leave checksums and the segmentation of TCP to the port, and take several
     * segments as one, as it does with a network card that offers this. It is up to the driver
     * whether it does (in Linux: ethtool -K). What is on the network are the segments in either case:
     * the transmit callback is called for each of them, at the time at which the driver handed over
     * the whole, and ttb_port_deliver() takes them one by one. Segments that come at one instant
     * are given to the driver as one. A guest that hands over 64 KiB at once takes less processor time
     * and sends at other times than one that makes 45 frames of it, so a run is another one. */
    bool offload;
    /** Interrupt moderation (in Linux: ethtool -C, rx-usecs): a frame for the node waits in the port, where
     * its driver does not see it, until this time has passed since the first that waits, or
     * coalesce_frames wait. Then all are given to the driver at once. In the other direction a frame leaves
     * at once, and what the node sends within this time after it leaves together at its end, and so on.
     * Fewer activations of nodes, later arrival of frames, as with a card that does this. What a node has
     * sent and has not left when it is switched off is lost. 0: none. At most 1 s. Not for wall-clock ports. */
    uint64_t coalesce_ns;
    uint32_t coalesce_frames; /**< 0: 256; never more than backlog_frames. Only with coalesce_ns */
};

/**
 * Add a network port to a node, before the node starts. The node's driver attaches to it with
 * virtio_uml.device=PATH:1, PATH from ttb_port_socket_path().
 * @return 0 and *port, owned by the bridge; -EINVAL, -EEXIST, -EBUSY (node has started), ...
 */
int ttb_node_add_port(struct ttb_node *node, const struct ttb_port_opts *opts,
                      struct ttb_port **port);

/**
 * Add a port that is attached to no node: any vhost-user front end (QEMU, DPDK, a UML without time
 * travel) may use it. It lives in wall-clock time: its frames enter the simulation whenever they
 * come, so a run with such a port cannot be repeated. Kicks and calls go by eventfd.
 * Socket: NAME in the bridge's directory.
 */
int ttb_bridge_add_wall_clock_port(struct ttb_bridge *bridge, const struct ttb_port_opts *opts,
                                   struct ttb_port **port);

/**
 * A node put a frame on its port at `time_ns`, the bridge's clock. Called from within advance(), in the
 * order (time, node, port, position in the ring).
 * @param frame  Ethernet header and payload, no FCS; valid during the call only
 * The callback may not call back into the bridge, but for reading the clock and names.
 */
typedef void (*ttb_transmit_fn)(void *user, struct ttb_port *port, uint64_t time_ns,
                                const void *frame, size_t len_bytes);
void ttb_port_on_transmit(struct ttb_port *port, ttb_transmit_fn fn, void *user);

/** The frame for which a transmit callback (or struct ttb_observer.transmitted) is being called, for one that
 * keeps it (ttb_frame_hold()) instead of copying it. NULL at other times. */
struct ttb_frame *ttb_bridge_transmitting(const struct ttb_bridge *bridge);

/** Why a frame did not get through a port. */
enum ttb_drop {
    TTB_DROP_NONE,
    TTB_DROP_PORT_DOWN, /**< node not started or ended, or its interface is down */
    TTB_DROP_NO_BUFFER, /**< the driver has no buffers and the backlog is full */
    TTB_DROP_TOO_LONG,  /**< longer than the port's MTU allows */
    TTB_DROP_TOO_SHORT, /**< shorter than an Ethernet header */
    TTB_DROP_COUNT
};
const char *ttb_drop_name(enum ttb_drop reason);

/**
 * Promise that whatever node port `from` sends at a time t has no influence on node port `to` before
 * t + latency_ns: no frame arrives there because of it, and nothing else happens to its node. This is
 * what lets nodes run ahead of each other, and so makes a run fast: without a promise every node stops
 * wherever any other may act. The shortest path over all networks between the two ports counts, with
 * nothing else in flight and the shortest frame; paths through other nodes need not be considered, nor
 * the reactions of programs. TTB_TIME_NEVER: no influence at all. A port's promise to itself is about
 * what comes back to it. 0, the default, is always right.
 *
 * Between advance()'s early returns nodes may so be ahead of the bridge's clock, but never beyond the
 * network's next event (until_ns). Thus a promise may be taken back, e.g. because a link becomes
 * shorter, by an event of the network at the time of the change.
 *
 * Takes memory for the square of the number of ports once it is used.
 * @return 0; -EINVAL (a port of no node, or of another bridge); -EBUSY from a callback; -ENOMEM;
 *         -E2BIG: more than 8192 ports
 */
int ttb_bridge_set_latency(struct ttb_bridge *bridge, struct ttb_port *from, struct ttb_port *to,
                           uint64_t latency_ns);

/** What follows from the promises for a port: how long whatever its node sends there takes, at least,
 * to have any influence on that node again, by whatever way. */
uint64_t ttb_port_way_back_ns(const struct ttb_port *port);

/** The smallest latency that was promised from a port to one of another node, no more than
 * struct ttb_bridge_opts.look_ahead_ns; 0: none was; TTB_TIME_NEVER: no way leads to another node. */
uint64_t ttb_port_nearest_ns(const struct ttb_port *port);

/** Promise that this port is connected with none of the others: what its node sends there comes back
 * to this port only, if at all (e.g. a line between a node and a program that controls it). */
void ttb_port_set_isolated(struct ttb_port *port);

/** The look-ahead that follows from the promises: the shortest path from one node to another, through
 * other nodes as well. @return 0 and *latency_ns (TTB_TIME_NEVER: none); -ENOMEM */
int ttb_bridge_latency(struct ttb_bridge *bridge, const struct ttb_node *from,
                       const struct ttb_node *to, uint64_t *latency_ns);

/**
 * Hand a frame to a port at the bridge's current time. The frame is copied.
 * @return 0: it has reached the driver or the backlog; -ENETDOWN, -ENOBUFS, -EMSGSIZE: dropped and
 *         counted (ttb_port_get_stats()), which is no error of the run; -ETIME: the frame comes
 *         earlier than ttb_bridge_set_latency() promised, and was not delivered
 */
int ttb_port_deliver(struct ttb_port *port, const void *frame, size_t len_bytes);
/** The same, without a copy where one would be made: the port holds the frame for as long as it needs it. */
int ttb_port_deliver_frame(struct ttb_port *port, struct ttb_frame *frame);

/** Carrier on or off, as the driver sees it (a link that goes down). Ports start with carrier. */
int ttb_port_set_carrier(struct ttb_port *port, bool on);

/** What is done to a node or a port from outside, besides delivering frames. */
enum ttb_action_kind {
    TTB_ACTION_STOP,        /**< ttb_node_stop() */
    TTB_ACTION_START,       /**< ttb_node_restart(): it will start at `start_ns` */
    TTB_ACTION_PAUSE,       /**< ttb_node_pause() */
    TTB_ACTION_RESUME,      /**< ttb_node_resume() */
    TTB_ACTION_CARRIER_ON,  /**< ttb_port_set_carrier(), where it changed something */
    TTB_ACTION_CARRIER_OFF, /**< */
    TTB_ACTION_COUNT
};
/** "power-off", "power-on", "pause", "resume", "carrier-on", "carrier-off": as traces have it. */
const char *ttb_action_name(enum ttb_action_kind kind);
struct ttb_action {
    enum ttb_action_kind kind;
    struct ttb_node *node; /**< NULL: `port` is a wall-clock port */
    struct ttb_port *port; /**< NULL: it was done to the node */
    uint64_t time_ns;
    uint64_t start_ns; /**< of TTB_ACTION_START; else 0 */
};

/**
 * Watches a run, e.g. to record it. Every callback may be NULL; they are made from within advance()
 * and deliver(), in the run's order, may read anything and change nothing.
 */
struct ttb_observer {
    size_t size; /**< sizeof(struct ttb_observer) */
    /** A node is let run from `time_ns` on; the first time is its start. */
    void (*granted)(void *user, struct ttb_node *node, uint64_t time_ns);
    /** A node put a frame on its port; called before the port's own transmit callback. */
    void (*transmitted)(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                        size_t len_bytes);
    /** A frame was handed to a port; `drop` tells whether it got through. */
    void (*delivered)(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                      size_t len_bytes, enum ttb_drop drop);
    /** Something is done to a node or port, and will succeed; what follows from it comes later. */
    void (*acted)(void *user, const struct ttb_action *action);
};
/** Install an observer (copied), or take it away with NULL. One at a time. */
int ttb_bridge_observe(struct ttb_bridge *bridge, const struct ttb_observer *observer, void *user);

/**
 * Asked before simulated time goes on: `next_ns` is the time of what comes next, the act of a node or
 * `until_ns`, which ttb_bridge_advance() was asked for. Everything before it is done, and every node is
 * blocked. A node that acts by itself for a while (its own timers, between two frames) may have been
 * further than `next_ns` already, see struct ttb_node_outlook.
 * @return true: go on. False: ttb_bridge_advance() returns at once, early (*now_ns < until_ns) and
 *         with nothing done; the callback has told the network's simulator to stop (ttb_net_stop(),
 *         ttb_ns3_stop()), as it would ask again. What advance() is asked for next happens as if it
 *         had not been interrupted: where a run is held and for how long is in no trace.
 * Made from within advance(): the callback may read anything and change nothing.
 */
typedef bool (*ttb_gate_fn)(void *user, uint64_t next_ns, uint64_t until_ns);
/** Install a gate, or take it away with NULL. One at a time; before the run, or while it is held. While
 * there is one, ttb_bridge_next_ns() is the present, so that simulators ask for every event. */
void ttb_bridge_set_gate(struct ttb_bridge *bridge, ttb_gate_fn gate, void *user);

/** What a blocked node is about to do. Set `size`. */
struct ttb_node_outlook {
    size_t size;         /**< sizeof(struct ttb_node_outlook) */
    uint64_t time_ns;    /**< its clock when it last told, as bridge time; may lie ahead of the
                              bridge's. 0: has none */
    uint64_t ran_to_ns;  /**< it has done nothing at or after this time; 0: has not run. Later than
                              `time_ns` */
    uint64_t request_ns; /**< when it will act by itself; its start, if it is due to start;
                              TTB_TIME_NEVER: only when it gets a frame, or not at all */
    uint64_t sent_ns;    /**< the earliest frame that it has sent and the network does not have yet,
                              because others may still send earlier ones; TTB_TIME_NEVER: none */
    bool is_paused;      /**< by ttb_node_pause() */
    bool has_calls;      /**< it acts at `request_ns` because of an interrupt */
};

/** Look at a node between two calls of ttb_bridge_advance(). @return 0; -EINVAL: `size`; -EBUSY: from
 * within advance() while it runs */
int ttb_node_get_outlook(struct ttb_node *node, struct ttb_node_outlook *outlook);

/** A node's ports in the order in which they were added; NULL beyond the last. */
struct ttb_port *ttb_node_port(const struct ttb_node *node, uint32_t index);
/** Name, node (NULL: wall-clock port), socket and address of a port; valid as long as the port. */
const char *ttb_port_name(const struct ttb_port *port);
struct ttb_node *ttb_port_node(const struct ttb_port *port);
const char *ttb_port_socket_path(const struct ttb_port *port);
void ttb_port_get_mac(const struct ttb_port *port, uint8_t mac[6]);
/** The port's MTU in bytes: payload of the longest Ethernet frame. */
uint16_t ttb_port_mtu(const struct ttb_port *port);
/** True if the driver can take a frame now. */
bool ttb_port_is_up(const struct ttb_port *port);

/** Counters of a port; "tx" is from the node's view: sent by the node. */
struct ttb_port_stats {
    uint64_t tx_frames, tx_bytes;
    uint64_t rx_frames, rx_bytes;
    uint64_t dropped[TTB_DROP_COUNT]; /**< frames by reason */
    uint64_t tx_dropped;              /**< frames of the node that were malformed or too long */
};
void ttb_port_get_stats(const struct ttb_port *port, struct ttb_port_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
