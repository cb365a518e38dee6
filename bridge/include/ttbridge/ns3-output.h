/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3-output.h
 * ns-3 from C: files that ns-3 writes. Include <ttbridge/ns3.h>, which says what holds for all of
 * them.
 */
#ifndef TTBRIDGE_NS3_OUTPUT_H
#define TTBRIDGE_NS3_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/ns3-object.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Write the frames that a device sees (promiscuous) or is concerned with to a pcap file with
 * nanosecond time stamps: sent frames when the device begins to send them, received ones when their
 * last bit has arrived. A file that exists is replaced.
 * @return 0; -EOPNOTSUPP: not this kind of device; or why the file cannot be written
 */
int ttb_ns3_pcap(struct ttb_ns3_object *device, const char *path, bool promiscuous);

/**
 * Write what a device's queue and receiver do, one line for each packet, in ns-3's ASCII format: "+"
 * queued, "-" taken from the queue, "d" dropped, "r" received; Wifi: "t" sent, "r" received. A file that
 * exists is replaced.
 * @return as ttb_ns3_pcap()
 */
int ttb_ns3_ascii(struct ttb_ns3_object *device, const char *path);

/* ------------------------------------------------------------------------------ flow statistics */

/**
 * Count the flows (equal addresses, ports and protocol) between ns-3's own hosts, from now on
 * (ns3::FlowMonitor). It looks at their IP stacks, so flows of Linux nodes are not among them: those are
 * in the trace of the run. It looks for lost packets every second of simulated time, for ever: a run
 * without an end does not end.
 * @param nodes  with IP stacks, all of them installed before
 * @param node_count  0: all nodes that there are; those without IP stacks count nothing
 * @param flows  gets a handle for the functions below
 * @return 0; -ENODEV: a node has no IP stack
 */
int ttb_ns3_monitor_flows(struct ttb_ns3 *ns3, struct ttb_ns3_object *const *nodes,
                          size_t node_count, struct ttb_ns3_object **flows);

/** A flow. Strings are valid until the function returns that gets it. */
struct ttb_ns3_flow {
    uint32_t id;                      /**< counted from 1, in order of appearance */
    const char *source, *destination; /**< addresses */
    uint16_t source_port, destination_port;
    uint8_t protocol;                 /**< 6 TCP, 17 UDP */
    uint64_t tx_packets, tx_bytes;    /**< IP packets, with their headers */
    uint64_t rx_packets, rx_bytes;    /**< that arrived */
    uint64_t lost_packets;            /**< dropped, or not seen for 10 s */
    uint64_t forwarded;               /**< by routers, all packets together */
    uint64_t delay_sum_ns;            /**< of those that arrived */
    uint64_t jitter_sum_ns;           /**< differences of successive delays */
    uint64_t first_tx_ns, last_rx_ns; /**< simulated time */
};

/** Gets a flow. */
typedef void (*ttb_ns3_flow_fn)(void *user, const struct ttb_ns3_flow *flow);

/** Go through all flows, by number. @return 0; -EINVAL: not what ttb_ns3_monitor_flows() gave */
int ttb_ns3_each_flow(struct ttb_ns3_object *flows, ttb_ns3_flow_fn fn, void *user);

/** Write what there is now as ns-3's XML, with histograms. @return 0; as above; or why the file cannot be
 * written */
int ttb_ns3_write_flows(struct ttb_ns3_object *flows, const char *path);

/* ------------------------------------------------------------------------------------- NetAnim */

/** An animation. Set `size` and `path`. */
struct ttb_ns3_animation_opts {
    size_t size;         /**< sizeof(struct ttb_ns3_animation_opts) */
    const char *path;    /**< of the file; one that exists is replaced */
    uint64_t poll_ns;    /**< how often positions are written of nodes that move; 0: every 250 ms */
    bool packet_headers; /**< write packets' headers as text; makes the run slower */
    bool no_packets;     /**< write positions only */
};

/**
 * Write a file for NetAnim: where nodes are, and the packets between them. To be called when all nodes,
 * devices and positions are there. Nodes that are nowhere get places in a row, 10 m apart. It looks at
 * positions for as long as there is anything else to do in the network. The file is complete after
 * ttb_ns3_destroy().
 * @return 0; -EEXIST: there is one already; -EINVAL: there are no nodes; or why the file cannot be written
 */
int ttb_ns3_animate(struct ttb_ns3 *ns3, const struct ttb_ns3_animation_opts *opts);

/** How a node looks. Set `size`; the rest may be zero. */
struct ttb_ns3_animation_node {
    size_t size;       /**< sizeof(struct ttb_ns3_animation_node) */
    const char *label; /**< beside the node; NULL: as it was */
    bool colour;       /**< set the colour to `rgb` */
    uint32_t rgb;      /**< 0xff0000 is red */
    uint32_t size_mm;  /**< of its circle; 0: as it was */
};

/** Change how a node looks, from now on. @return 0; -ENODEV: there is no animation; -EINVAL */
int ttb_ns3_animate_node(struct ttb_ns3_object *node, const struct ttb_ns3_animation_node *look);

#ifdef __cplusplus
}
#endif
#endif
