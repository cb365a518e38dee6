/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file link.h
 * A small network of its own: links, switches, timers. For programs that need no ns-3.
 *
 * A network connects *ends*: ports of nodes, ports of switches, and hosts, which are a C function
 * that gets frames and may send. A link joins two ends and has a rate, a delay, a queue limit and a
 * loss for each direction. The network owns the event loop: ttb_net_run() executes its events in the
 * order of simulated time and lets the nodes run in between.
 *
 *     ttb_net_new(bridge, &(struct ttb_net_opts){.size = sizeof(struct ttb_net_opts), .seed = 1}, &net);
 *     ttb_net_add_port(net, port_a, &a);
 *     ttb_net_add_port(net, port_b, &b);
 *     ttb_net_connect(net, a, b, &(struct ttb_net_params){.size = sizeof(struct ttb_net_params),
 *                                    .rate_bps = 100000000, .delay_ns = 10000000}, NULL, &link);
 *     ttb_net_run(net, TTB_TIME_NEVER);      // until no node will act any more
 *     ttb_net_free(net);
 *
 * Order. At one instant: timers in the order in which they were set, then the directions of links in
 * the order in which the links were made (first the one that starts at the end named first), each
 * with its frames in the order in which they were sent; then the nodes (bridge.h). Two runs that make
 * the same calls with the same seed are the same.
 *
 * Threading. A network belongs to its bridge's thread. Free it before the bridge.
 *
 * Errors. Functions return 0 or a negative errno; ttb_net_error() has the sentence for people.
 */
#ifndef TTBRIDGE_LINK_H
#define TTBRIDGE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest name of an end, in bytes without the terminating zero: NODE.PORT. */
#define TTB_NET_NAME_MAX (2 * TTB_NAME_MAX + 1)

/** Longest one-way delay: 1,000,000,000 s. */
#define TTB_NET_DELAY_MAX_NS UINT64_C(1000000000000000000)

struct ttb_net;
struct ttb_net_end;
struct ttb_net_link;
struct ttb_net_switch;
struct ttb_net_timer;

/* ----------------------------------------------------------------------------------- network */

/** Options of a network. Set `size`; everything else may be zero. */
struct ttb_net_opts {
    size_t size;   /**< sizeof(struct ttb_net_opts) */
    uint64_t seed; /**< of losses; 0 is a seed as well */
};

/**
 * Make a network over a bridge. The network then drives the bridge: nobody else may call
 * ttb_bridge_advance() on it.
 * @param opts  NULL: defaults
 * @return 0 and *net, owned by the caller (ttb_net_free()); -EINVAL; -ENOMEM
 */
int ttb_net_new(struct ttb_bridge *bridge, const struct ttb_net_opts *opts, struct ttb_net **net);

/** End a network: frames on their way and timers are forgotten, ports are let go. The bridge must
 * still be there. Not from a callback. NULL is allowed. */
void ttb_net_free(struct ttb_net *net);

/** The sentence that goes with the last error of this network or its bridge's; "" if there was none.
 * Valid until the next call into the network. Never NULL. */
const char *ttb_net_error(const struct ttb_net *net);

/**
 * Run network and nodes up to simulated time `until_ns`: all that happens strictly before it is done
 * when this returns 0, unless a callback has called ttb_net_stop(). TTB_TIME_NEVER: until nothing
 * will ever happen any more; the clock then stays where the last event was.
 * @return 0; -EINVAL if until_ns lies before the clock; -EBUSY from a callback; -ELOOP if frames
 *         circulate without simulated time passing, or multiply without end (switches connected in a
 *         loop); -ENOMEM; or what ttb_bridge_advance() returned. After an error other than -EINVAL and
 *         -EBUSY the network is good for being freed only.
 */
int ttb_net_run(struct ttb_net *net, uint64_t until_ns);

/** Make ttb_net_run() return after the current event. Callable from every callback; from one that is
 * made within ttb_bridge_advance() (node states, consoles) it takes effect when that returns. */
void ttb_net_stop(struct ttb_net *net);

/** The network's clock: the time of the event being executed, or of the last one. */
uint64_t ttb_net_now_ns(const struct ttb_net *net);

/** The bridge under this network. */
struct ttb_bridge *ttb_net_bridge(const struct ttb_net *net);

/* ------------------------------------------------------------------------------------- timers */

/** Called at the time of the timer, from within ttb_net_run() and outside ttb_bridge_advance(): it
 * may change network and bridge (parameters of links, stop and restart nodes, add nodes). */
typedef void (*ttb_net_timer_fn)(void *user, uint64_t time_ns);

/**
 * Call a function once, at a simulated time that is not over.
 * @param timer  gets the timer, which belongs to the network and lives until it fires; may be NULL
 * @return 0; -EINVAL if time_ns is over or TTB_TIME_NEVER; -ENOMEM
 */
int ttb_net_call_at(struct ttb_net *net, uint64_t time_ns, ttb_net_timer_fn fn, void *user,
                    struct ttb_net_timer **timer);

/** Take back a timer that has not fired. NULL is allowed. */
void ttb_net_timer_cancel(struct ttb_net_timer *timer);

/* --------------------------------------------------------------------------------------- ends */

/**
 * Make an end of a node's port. The network takes the port's transmit callback.
 * @return 0 and *end, owned by the network; -EINVAL (a port of another bridge); -EEXIST (it has an
 *         end already); -ENOMEM
 */
int ttb_net_add_port(struct ttb_net *net, struct ttb_port *port, struct ttb_net_end **end);

/**
 * A host got a frame. Called from within ttb_net_run(), outside ttb_bridge_advance(): it may send
 * (ttb_net_host_send()), set timers, and change the network.
 * @param frame  Ethernet header and payload, no FCS; valid during the call only
 */
typedef void (*ttb_net_receive_fn)(void *user, struct ttb_net_end *host, uint64_t time_ns,
                                   const void *frame, size_t len_bytes);

/**
 * Make a host: an end that is no Linux node but a function of the program.
 * @param name     1 to TTB_NET_NAME_MAX bytes; for people. Copied.
 * @param receive  NULL: frames are taken and forgotten
 * @return 0 and *end, owned by the network; -EINVAL; -ENOMEM
 */
int ttb_net_add_host(struct ttb_net *net, const char *name, ttb_net_receive_fn receive, void *user,
                     struct ttb_net_end **end);

/**
 * Send a frame from a host at the network's current time. It is copied.
 * @return 0, also if the link then drops the frame (see ttb_net_end_get_stats()); -EINVAL if the end is
 *         no host or the frame shorter than an Ethernet header (14 bytes); -EMSGSIZE above
 *         TTB_FRAME_MAX; -ENOMEM
 */
int ttb_net_host_send(struct ttb_net_end *host, const void *frame, size_t len_bytes);

/** Name of an end: NODE.PORT for a node's port, SWITCH.INDEX for a switch's. */
const char *ttb_net_end_name(const struct ttb_net_end *end);

/** The port behind an end, NULL if it is not a node's. */
struct ttb_port *ttb_net_end_port(const struct ttb_net_end *end);

/* -------------------------------------------------------------------------------------- links */

/** Which bits of a frame take time on a link. */
enum ttb_net_framing {
    /**
     * IEEE 802.3: preamble and start delimiter (8 bytes), the frame, padded to 60 bytes if shorter,
     * and FCS (4 bytes) are transmitted; then the line is silent for the inter-frame gap (12 bytes)
     * before the next frame begins. A frame arrives when the last bit of its FCS has.
     * So a frame of 14 + 1000 bytes takes 1026 byte times to transmit, and follows the one before it
     * by at least 1038.
     */
    TTB_NET_FRAMING_ETHERNET,
    /** The bytes of the frame as the port handed it out (header and payload) and nothing else: no
     * preamble, padding, FCS or gap. */
    TTB_NET_FRAMING_NONE,
};

/** For ttb_net_params.queue_frames: no frame may wait. */
#define TTB_NET_NO_QUEUE UINT32_MAX

/** Frames that may wait if ttb_net_params.queue_frames is 0. */
#define TTB_NET_QUEUE_FRAMES_DEFAULT 1000

/** One direction of a link. Set `size`; all zero is a perfect line. */
struct ttb_net_params {
    size_t size;                  /**< sizeof(struct ttb_net_params) */
    uint64_t rate_bps;            /**< bit/s; 0: infinite, frames take no time to transmit */
    uint64_t delay_ns;            /**< propagation, one way; at most TTB_NET_DELAY_MAX_NS */
    enum ttb_net_framing framing; /**< */
    uint32_t queue_frames; /**< frames that may wait for the line, besides the one being sent; 0:
                                TTB_NET_QUEUE_FRAMES_DEFAULT; TTB_NET_NO_QUEUE: none */
    uint64_t queue_bytes;  /**< bytes of frames (header and payload) that may wait; 0: no limit */
    double loss;           /**< probability that a frame is lost, 0 to 1; independent for each */
};

/**
 * Join two ends by a link. It starts up.
 *
 * How a frame fares: it waits until the line is free (drop tail at the queue limits), is transmitted
 * for its length divided by the rate, is then lost or not, and arrives after the delay. Times are exact:
 * a fraction of a nanosecond is carried over while the line is busy, and an arrival is rounded up.
 * At one instant the line becomes free before a new frame is looked at. Each direction draws its losses
 * from a stream of its own, one number for each frame transmitted whatever the loss is, so changing
 * the loss of one link or one interval changes no other frame's fate.
 *
 * @param to_b  parameters from a to b
 * @param to_a  parameters from b to a; NULL: as to_b
 * @param link  gets the link, owned by the network; may be NULL
 * @return 0; -EINVAL; -EBUSY if an end has a link already; -ENOMEM
 */
int ttb_net_connect(struct ttb_net *net, struct ttb_net_end *a, struct ttb_net_end *b,
                    const struct ttb_net_params *to_b, const struct ttb_net_params *to_a,
                    struct ttb_net_link **link);

/**
 * Change the parameters from now on (to change them at a time, do it in a timer).
 * Frames that have been transmitted keep the arrival time that they have; the one that is being
 * transmitted keeps its rate, delay and loss; those that wait get the new ones, and keep their places
 * even if the new limits are lower. A link never reorders: when its delay becomes shorter, frames
 * arrive no earlier than those sent before them.
 * @param from  the end at which the direction starts; NULL: both directions
 * @return 0; -EINVAL
 */
int ttb_net_link_set(struct ttb_net_link *link, const struct ttb_net_end *from,
                     const struct ttb_net_params *params);

/** The parameters of the direction that starts at `from`. @return 0; -EINVAL: no end of this link */
int ttb_net_link_get(const struct ttb_net_link *link, const struct ttb_net_end *from,
                     struct ttb_net_params *params);

/**
 * Cut a link or repair it. When it is cut, all frames on it and waiting for it are lost, and so are
 * those sent until it is repaired. Nodes see the carrier go and come (ttb_port_set_carrier()).
 * @return 0, also when nothing changes; or what ttb_port_set_carrier() returned
 */
int ttb_net_link_set_up(struct ttb_net_link *link, bool up);
/** True unless ttb_net_link_set_up() has cut it. */
bool ttb_net_link_is_up(const struct ttb_net_link *link);

/** The link of an end, NULL if it has none. */
struct ttb_net_link *ttb_net_end_link(const struct ttb_net_end *end);

/* ----------------------------------------------------------------------------------- switches */

/** Options of a switch. Set `size`; everything else may be zero. */
struct ttb_net_switch_opts {
    size_t size;        /**< sizeof(struct ttb_net_switch_opts) */
    const char *name;   /**< 1 to TTB_NAME_MAX bytes; for people. NULL: "switch". Copied. */
    uint64_t ageing_ns; /**< an address that was not seen for so long is forgotten; 0: 300 s */
    uint32_t addresses; /**< most addresses known at a time; 0: 4096 */
};

/**
 * Make a learning switch. It stores and forwards, in no time of its own; what its ports send waits in
 * the queues of their links. An address is learned where it was seen last; frames to an unknown
 * address, and to all group addresses without exception (spanning tree frames too), go to all other
 * ports. When the table is full, new addresses are not learned until old ones have aged. VLAN tags are
 * passed on and mean nothing to it. It speaks no spanning tree: do not connect switches in a loop.
 * @return 0 and *sw, owned by the network; -EINVAL; -ENOMEM
 */
int ttb_net_add_switch(struct ttb_net *net, const struct ttb_net_switch_opts *opts,
                       struct ttb_net_switch **sw);

/** Make another port of a switch. @return 0 and *end, owned by the network; -ENOMEM */
int ttb_net_switch_add_port(struct ttb_net_switch *sw, struct ttb_net_end **end);

/** Where a switch would send frames for `mac` now; NULL if to all. */
struct ttb_net_end *ttb_net_switch_find(const struct ttb_net_switch *sw, const uint8_t mac[6]);

/** Counters of a switch. */
struct ttb_net_switch_stats {
    uint64_t forwarded; /**< frames sent to one port */
    uint64_t flooded;   /**< frames sent to all other ports */
    uint64_t filtered;  /**< frames whose destination is on the port they came from */
    uint64_t unlearned; /**< frames whose sender's address found no room in the table */
};
void ttb_net_switch_get_stats(const struct ttb_net_switch *sw, struct ttb_net_switch_stats *stats);

/* ----------------------------------------------------------------------------- what happened */

/** Why a frame did not get through. */
enum ttb_net_drop {
    TTB_NET_DROP_NONE,
    TTB_NET_DROP_NO_LINK,      /**< the sending end has no link */
    TTB_NET_DROP_LINK_DOWN,    /**< the link is cut, or was cut while the frame was on it */
    TTB_NET_DROP_QUEUE_FRAMES, /**< as many frames as may wait did */
    TTB_NET_DROP_QUEUE_BYTES,  /**< as many bytes as may wait did */
    TTB_NET_DROP_LOSS,         /**< lost on the line; counted when its transmission begins */
    TTB_NET_DROP_RECEIVER,     /**< the receiving port did not take it: see its ttb_port_stats */
    TTB_NET_DROP_COUNT
};
const char *ttb_net_drop_name(enum ttb_net_drop reason);

/** Counters of one direction, the one that starts at an end. At any time:
 * offered = delivered + sum of dropped + waiting + being transmitted or on their way. */
struct ttb_net_stats {
    uint64_t offered_frames, offered_bytes;     /**< what the end sent */
    uint64_t delivered_frames, delivered_bytes; /**< what the other end took */
    uint64_t dropped[TTB_NET_DROP_COUNT];       /**< frames by reason */
    uint64_t flying_frames;                     /**< now being transmitted or on their way */
    uint64_t waiting_frames, waiting_bytes;     /**< now in the queue */
    uint64_t peak_frames, peak_bytes;           /**< most that ever waited */
};
void ttb_net_end_get_stats(const struct ttb_net_end *end, struct ttb_net_stats *stats);

/** What a tap sees. */
enum ttb_net_tap_event {
    TTB_NET_TAP_SEND,    /**< the end sent a frame, whatever becomes of it */
    TTB_NET_TAP_RECEIVE, /**< the end took a frame */
    TTB_NET_TAP_DROP, /**< a frame that `end` had sent was dropped; of a frame that the receiving port
                              did not take, `end` is the receiving one */
};

struct ttb_net_tap_record {
    uint64_t time_ns;
    enum ttb_net_tap_event event;
    enum ttb_net_drop reason; /**< of TTB_NET_TAP_DROP */
    const struct ttb_net_end *end;
    const void *frame; /**< valid during the call only */
    size_t len_bytes;
    uint64_t mark; /**< see ttb_net_set_marks(); 0: none */
};

/** Called for everything that happens to frames, in order. It may read anything and change nothing. */
typedef void (*ttb_net_tap_fn)(void *user, const struct ttb_net_tap_record *record);

/** Set the tap; NULL: none. */
void ttb_net_set_tap(struct ttb_net *net, ttb_net_tap_fn fn, void *user);

/**
 * Which frame is which: a number for each frame, which it keeps on its way, through switches and where it is
 * multiplied, until it is told where it ends. Equal frames cannot be told apart otherwise. Both are called
 * from within ttb_net_run(); they may read anything and change nothing.
 */
struct ttb_net_marks {
    size_t size; /**< sizeof(struct ttb_net_marks) */
    /** A port (within ttb_bridge_advance()) or a host has sent a frame. @return its number; 0: none */
    uint64_t (*sent)(void *user, const struct ttb_net_end *end);
    /** The frame with this number is about to be given to a port, by ttb_port_deliver(). */
    void (*arrives)(void *user, const struct ttb_net_end *end, uint64_t mark);
};

/** Set both; NULL: frames have no numbers. @return 0; -EINVAL: `size` is not set */
int ttb_net_set_marks(struct ttb_net *net, const struct ttb_net_marks *marks, void *user);

/** Gets the number of frames that wait at an end for its line (ttb_net_stats.waiting_frames), whenever it
 * changes. As a tap, it may read anything and change nothing. */
typedef void (*ttb_net_queue_fn)(void *user, const struct ttb_net_end *end, uint64_t time_ns,
                                 uint64_t frames);

/** Be told of all queues; NULL: of none. */
void ttb_net_watch_queues(struct ttb_net *net, ttb_net_queue_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
