/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3.h
 * ns-3 from C: a network for Linux nodes, or a network alone.
 *
 *     struct ttb_ns3_opts opts = {.size = sizeof(opts), .bridge = bridge, .seed = 1, .run = 1};
 *     ttb_ns3_new(&opts, &ns3);
 *     ttb_ns3_create(ns3, "ns3::CsmaChannel",
 *                    (struct ttb_ns3_attribute[]){{"DataRate", "100Mbps"}, {"Delay", "1ms"}, {0}},
 *                    &lan);
 *     ttb_ns3_create_node(ns3, &host);
 *     ttb_ns3_install_csma(host, lan, NULL, NULL, &device);
 *     ttb_ns3_attach_port(device, port, NULL);        // a Linux node's port
 *     ttb_ns3_run(ns3, 10000000000);                  // until 10 s
 *     ttb_ns3_free(ns3);
 *
 * This header is the simulation as a whole, its clock and its end, and includes the others:
 *
 *     ns3-object.h   objects by type name: attributes, paths, names, defaults, random streams, and
 *                    what types there are
 *     ns3-trace.h    trace sources, connected to C functions
 *     ns3-network.h  nodes, devices, links, switches, hosts, addresses, routes, applications
 *     ns3-wifi.h     positions, movement, Wifi
 *     ns3-output.h   pcap, ASCII traces, flow statistics, NetAnim
 *
 * Objects. Everything in ns-3 that has a TypeId is a struct ttb_ns3_object here: created by the name
 * of its type, its attributes set and read as strings, as ns-3's manual lists them. What ns-3 does
 * with helper classes (attaching, addresses, files) has functions.
 *
 * Ownership. A handle keeps its object alive. It is valid until ttb_ns3_object_release() or
 * ttb_ns3_destroy(), which releases all that are left. Handles are numbers, not addresses, and no
 * number comes twice in a process: a handle that is no longer valid is an error (-EBADF), also after a
 * second simulation has begun. Strings are copied. Results that are asked for in a pointer which is
 * NULL are -EINVAL, unless it says "may be NULL".
 *
 * Errors. Functions return 0 or a negative errno, and ttb_ns3_error() has the sentence for people.
 * Those that concern every function are listed here and not there: -EINVAL: NULL where something is
 * needed; -EBADF: a handle that is not, or no longer, valid; -ESHUTDOWN: after ttb_ns3_destroy();
 * -EIO: an error that ns-3 reports; -ENOMEM.
 * Errors that would make ns-3 end the program are trapped and returned as -EIO. That needs the
 * dynamic linker to find this library before ns-3's: link the program with it, ahead of any ns-3
 * library. It cannot help against errors in destructors; after -EIO from ttb_ns3_run() only looking
 * and ttb_ns3_free() make sense.
 *
 * Threading, and how many. ns-3 keeps its state in global variables: one simulation at a time in a
 * process, on one thread. A second simulation in the same process is possible after the first was
 * freed, but its random streams and packet numbers go on where the first's ended: what is to be
 * repeated exactly needs a process of its own.
 *
 * Time is simulated time in nanoseconds, as in bridge.h.
 */
#ifndef TTBRIDGE_NS3_H
#define TTBRIDGE_NS3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>
#include <ttbridge/ns3-network.h>
#include <ttbridge/ns3-object.h>
#include <ttbridge/ns3-output.h>
#include <ttbridge/ns3-trace.h>
#include <ttbridge/ns3-wifi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------------------- simulation */

/** Options of a simulation. Set `size`; everything else may be zero. */
struct ttb_ns3_opts {
    size_t size;               /**< sizeof(struct ttb_ns3_opts) */
    struct ttb_bridge *bridge; /**< the nodes; stays the caller's, and must exist until
                                    ttb_ns3_free(). NULL: ns-3 alone */
    const char *simulator;     /**< TypeId of the simulator implementation; NULL:
                                    "ttb::TimeTravelSimulatorImpl", the only one that can have a
                                    bridge */
    uint32_t seed;             /**< of ns-3's random streams; 0: 1, ns-3's own default */
    uint64_t run;              /**< ns-3's run number */
    bool no_checksums;         /**< leave out IP, TCP and UDP checksums and the FCS, as ns-3 does
                                    unless told otherwise. Linux drops such packets. */
};

/** The ns-3 that the library was built with, e.g. "3.37"; "" if that is not known. */
const char *ttb_ns3_version(void);

/**
 * Begin a simulation. pcap files get nanosecond time stamps from now on.
 * @return 0 and *ns3, to be ended with ttb_ns3_free(); -EBUSY: there is one in this process;
 *         -ENOENT: no such simulator implementation; -EINVAL. For the sentence ask
 *         ttb_ns3_error(NULL).
 */
int ttb_ns3_new(const struct ttb_ns3_opts *opts, struct ttb_ns3 **ns3);

/**
 * End a simulation's network: events scheduled for its end happen, nodes and devices are disposed
 * of, ports are detached from their devices, files are written and closed. Afterwards only
 * ttb_ns3_error() and ttb_ns3_free() may be called. May be left out, if no error is of interest.
 * @return 0; -EIO: a file could not be written, or ns-3 reported an error
 */
int ttb_ns3_destroy(struct ttb_ns3 *ns3);

/** ttb_ns3_destroy() if it has not been called, and release everything. NULL is allowed, and from
 * within ttb_ns3_run() nothing happens. */
void ttb_ns3_free(struct ttb_ns3 *ns3);

/** The sentence that goes with the last error, "" if there was none; valid until the next call.
 * NULL, or a simulation that has been freed: that of the last call on this thread that failed for want
 * of a simulation, such as ttb_ns3_new(). Never NULL. */
const char *ttb_ns3_error(const struct ttb_ns3 *ns3);

/** Simulated time; 0 after ttb_ns3_destroy(). */
uint64_t ttb_ns3_now_ns(const struct ttb_ns3 *ns3);

/** Number of events that ns-3 has executed; 0 after ttb_ns3_destroy(). */
uint64_t ttb_ns3_event_count(const struct ttb_ns3 *ns3);

/**
 * Run until simulated time `until_ns`, or until ttb_ns3_stop(), or until there is nothing more to
 * do. All that nodes do strictly before until_ns is done then. TTB_TIME_NEVER: no end is set. May be
 * called again to go on.
 * @return 0, ttb_ns3_now_ns() says how far it came; -EINVAL: until_ns lies in the past; -EBUSY: from
 *         within a run; -ELOOP: time does not go on; -EIO: ns-3 reported an error; or an error of
 *         ttb_bridge_advance()
 */
int ttb_ns3_run(struct ttb_ns3 *ns3, uint64_t until_ns);

/** End ttb_ns3_run() after the current event. To be called from within it. @return 0; -EINVAL: there is
 * no run */
int ttb_ns3_stop(struct ttb_ns3 *ns3);

/** A scheduled call. It may call everything here but run, destroy and free, and ttb_port_deliver(). */
typedef void (*ttb_ns3_event_fn)(void *user, uint64_t time_ns);

/**
 * Call `fn` at simulated time `time_ns`, after all that has been scheduled for that time before.
 * @return 0; -EINVAL: time_ns lies in the past or beyond 2^63 ns
 */
int ttb_ns3_schedule(struct ttb_ns3 *ns3, uint64_t time_ns, ttb_ns3_event_fn fn, void *user);

/** The same, so many nanoseconds from now. @return as ttb_ns3_schedule() */
int ttb_ns3_schedule_after(struct ttb_ns3 *ns3, uint64_t delay_ns, ttb_ns3_event_fn fn, void *user);

/** A scheduled call that can be cancelled. */
struct ttb_ns3_event;

/**
 * The same as ttb_ns3_schedule(), and give a handle.
 * @param event  gets the handle, valid until the call happens or is cancelled
 * @return as ttb_ns3_schedule()
 */
int ttb_ns3_schedule_event(struct ttb_ns3 *ns3, uint64_t time_ns, ttb_ns3_event_fn fn, void *user,
                           struct ttb_ns3_event **event);

/** Let a scheduled call not happen. @return 0; -EBADF: it has happened, or was cancelled */
int ttb_ns3_event_cancel(struct ttb_ns3_event *event);

/** A handle of the simulator implementation, for its attributes, e.g. MaxEventsPerInstant.
 * @return 0 and *object */
int ttb_ns3_get_simulator(struct ttb_ns3 *ns3, struct ttb_ns3_object **object);

#ifdef __cplusplus
}
#endif
#endif
