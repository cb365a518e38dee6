/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3-network.h
 * ns-3 from C: nodes, devices, links, switches, hosts, addresses, routes, applications. Include
 * <ttbridge/ns3.h>, which says what holds for all of them.
 */
#ifndef TTBRIDGE_NS3_NETWORK_H
#define TTBRIDGE_NS3_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>
#include <ttbridge/ns3-object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------ nodes and devices */

/** Create an ns-3 node. @return 0 and *node */
int ttb_ns3_create_node(struct ttb_ns3 *ns3, struct ttb_ns3_object **node);

/**
 * Create a CSMA device (ns3::CsmaNetDevice with a drop-tail queue), add it to a node, and attach it
 * to a channel (ns3::CsmaChannel).
 * @param mac         "02:00:00:00:00:07"; NULL: the next of ns-3's own numbering
 * @param attributes  of the device; NULL: none
 * @return 0 and *device; -EINVAL; -ENOENT
 */
int ttb_ns3_install_csma(struct ttb_ns3_object *node, struct ttb_ns3_object *channel,
                         const char *mac, const struct ttb_ns3_attribute *attributes,
                         struct ttb_ns3_object **device);

/**
 * Plug a Linux node's port into a device that has been added to an ns-3 node: the node's frames are
 * sent by the device, and all frames that the device sees reach the node.
 * @param attachment  gets the ttb::NodePort, for its trace sources; may be NULL
 * @return 0; -EOPNOTSUPP: the device cannot carry it: the sentence says why and what can
 */
int ttb_ns3_attach_port(struct ttb_ns3_object *device, struct ttb_port *port,
                        struct ttb_ns3_object **attachment);

/** Counters of an attached port, in frames; "tx" is from the Linux node's view. */
struct ttb_ns3_port_stats {
    uint64_t tx_frames;  /**< taken by the device */
    uint64_t rx_frames;  /**< taken by the node's port */
    uint64_t tx_dropped; /**< from the node, not sent */
    uint64_t rx_dropped; /**< from the network, not taken by the port */
};

/** Read the counters of what ttb_ns3_attach_port() gave. @return 0; -EINVAL: it is no such object */
int ttb_ns3_port_get_stats(struct ttb_ns3_object *attachment, struct ttb_ns3_port_stats *stats);

/* ------------------------------------------------------------------- hosts inside the network */

/** Which protocols ttb_ns3_install_internet() gives a node; both may be or-ed. */
enum ttb_ns3_internet {
    TTB_NS3_IPV4 = 1,
    TTB_NS3_IPV6 = 2, /**< announces itself on every link: neighbour and router solicitations */
};

/** Give a node ns-3's IP stack, with ICMP, UDP and TCP. @return 0; -EEXIST; -EINVAL */
int ttb_ns3_install_internet(struct ttb_ns3_object *node, unsigned int protocols);

/**
 * Give a device of a node with an IPv4 stack an address, and bring the interface up.
 * @param address  "10.0.0.3/24"
 * @return 0; -EINVAL: malformed; -ENODEV: the device's node has no IPv4 stack
 */
int ttb_ns3_add_ipv4(struct ttb_ns3_object *device, const char *address);

/**
 * Install an application on a node, by the name of its type, e.g. "ns3::UdpEchoServer".
 * @param attributes  ends with a NULL name; NULL: none
 * @param stop_ns     TTB_TIME_NEVER: it is not stopped
 * @param application may be NULL
 * @return 0; as ttb_ns3_create()
 */
int ttb_ns3_install_application(struct ttb_ns3_object *node, const char *type,
                                const struct ttb_ns3_attribute *attributes, uint64_t start_ns,
                                uint64_t stop_ns, struct ttb_ns3_object **application);

/* ------------------------------------------------------------------------------ Ethernet links */

/**
 * Create a full-duplex Ethernet device (ttb::EthernetLinkDevice with a drop-tail queue), add it to a
 * node, and attach it to a channel (ttb::EthernetLinkChannel), which has room for two:
 *
 *     ttb_ns3_create(ns3, "ttb::EthernetLinkChannel",
 *                    (struct ttb_ns3_attribute[]){{"Delay", "1ms"}, {0}}, &cable);
 *     ttb_ns3_install_ethernet(node, cable, NULL,
 *                    (struct ttb_ns3_attribute[]){{"DataRate", "1Gbps"}, {0}}, &device);
 *
 * Times are those of TTB_NET_FRAMING_ETHERNET in link.h, to the nanosecond. The link is down until it
 * has both ends.
 * @param mac         as for ttb_ns3_install_csma()
 * @param attributes  of the device, e.g. DataRate, Mtu; NULL: none
 * @return 0 and *device; -ENOSPC: the channel has two devices; -EINVAL; -ENOENT
 */
int ttb_ns3_install_ethernet(struct ttb_ns3_object *node, struct ttb_ns3_object *channel,
                             const char *mac, const struct ttb_ns3_attribute *attributes,
                             struct ttb_ns3_object **device);

/**
 * The same for ns3::SimpleNetDevice on an ns3::SimpleChannel, ns3::PointToPointNetDevice on an
 * ns3::PointToPointChannel (for ns-3's own hosts and routers: it speaks PPP and takes no port), and for
 * the types that have functions of their own above, by name. Simple devices have no serialisation unless their attribute DataRate
 * says so, and one medium that everybody hears.
 * @return as ttb_ns3_install_csma(); -EOPNOTSUPP: a type that needs more than a channel
 */
int ttb_ns3_install_device(struct ttb_ns3_object *node, const char *type,
                           struct ttb_ns3_object *channel, const char *mac,
                           const struct ttb_ns3_attribute *attributes,
                           struct ttb_ns3_object **device);

/* ------------------------------------------------------------------------- links while they run */

/** Which fields of struct ttb_ns3_link_params are to be set. */
enum ttb_ns3_link_field {
    TTB_NS3_LINK_RATE = 1,
    TTB_NS3_LINK_DELAY = 2,
    TTB_NS3_LINK_LOSS = 4,
    TTB_NS3_LINK_QUEUE = 8,
};

/** What can be changed on a link. Set `size` and `fields`. */
struct ttb_ns3_link_params {
    size_t size;           /**< sizeof(struct ttb_ns3_link_params) */
    unsigned int fields;   /**< enum ttb_ns3_link_field, or-ed; the others stay as they are */
    uint64_t rate_bps;     /**< 1 to 10^15 bit/s */
    uint64_t delay_ns;     /**< propagation, one way; at most 10^18 */
    uint32_t loss_ppb;     /**< probability that a receiver does not get a frame, in parts in
                                1,000,000,000; independent for each frame and receiver */
    uint32_t queue_frames; /**< frames that may wait in a device; 1 to 1,000,000 */
};

/**
 * Set a link's parameters, before the run or from a scheduled call, from now on.
 *
 * `link` is a channel, or a device of one: of an Ethernet link this is the direction that begins at
 * the device. A CSMA device has a queue of its own, and a loss of what it receives; rate and delay are
 * those of the channel.
 *
 * Ethernet: a frame that is being transmitted keeps its rate and delay. CSMA: it keeps its rate, and
 * meets the delay that holds when its last bit is sent. Loss is drawn, one number for each frame and
 * receiver whatever the loss is, when a frame arrives, so changing it changes no other frame's fate.
 * Frames that wait keep their places even if the new limit is lower. A link never reorders.
 *
 * Wifi devices have a loss only: of what their receivers decode.
 * @return 0; -EINVAL: out of range; -EOPNOTSUPP: not this kind of link: nothing has been changed then
 */
int ttb_ns3_link_set(struct ttb_ns3_object *link, const struct ttb_ns3_link_params *params);

/**
 * Cut a link, given by its channel or one of its devices, or repair it. When it is cut all frames on it
 * or waiting for it are lost, and so are those sent until it is repaired; attached ports lose their
 * carrier. A frame for which a CSMA device is backing off waits on.
 * @return 0, also when nothing changes; -EOPNOTSUPP: only CSMA and Ethernet can be cut
 */
int ttb_ns3_link_set_up(struct ttb_ns3_object *link, bool up);

/** What a device is. Set `size`. */
struct ttb_ns3_device_info {
    size_t size;  /**< sizeof(struct ttb_ns3_device_info) */
    bool has_mac; /**< its address is one of Ethernet's */
    uint8_t mac[6];
    uint32_t mtu_bytes;
    uint64_t rate_bps; /**< 0: unlimited, or it has none of its own (Wifi) */
    char type[128];    /**< "ns3::CsmaNetDevice" */
};

/** Read what a device is. @return 0; -EINVAL: no device, or the size is not set */
int ttb_ns3_device_get_info(struct ttb_ns3_object *device, struct ttb_ns3_device_info *info);

/** What became of a frame at a device. */
enum ttb_ns3_frame_what {
    TTB_NS3_FRAME_TAKEN = 1, /**< a port's node has sent it: told at once, when ns-3's clock may not
                                     be there yet */
    TTB_NS3_FRAME_SENT = 2,  /**< its transmission begins */
    TTB_NS3_FRAME_RECEIVED = 3, /**< it was taken from the medium */
    TTB_NS3_FRAME_GIVEN = 4,    /**< the port is about to get it for its node */
    TTB_NS3_FRAME_LOST = 5,     /**< it goes no further: reason */
};

/** A frame at a device. Valid until the function returns. */
struct ttb_ns3_frame {
    enum ttb_ns3_frame_what what;
    uint64_t time_ns; /**< ns-3's clock */
    uint64_t uid; /**< ns-3's number of the packet: copies have the same, and so has what a router
                             passes on */
    const void *data; /**< Ethernet header and payload, no FCS; len_bytes of them */
    size_t len_bytes;
    const char *reason; /**< LOST: "lost", "queue full", ...; it lives for ever */
};

typedef void (*ttb_ns3_frame_fn)(void *user, const struct ttb_ns3_frame *frame);

/**
 * Be told which frames a device sends, receives and loses.
 *
 * Frames are as they are on the wire, with the padding that the device has added; lost ones are without
 * it. Wifi frames and those of point-to-point links are told as the Ethernet frames that would say the
 * same. On CSMA a device takes from the medium what is for it or for a group; all, if it has a port or is
 * a switch's port.
 *
 * Lost, with these reasons:
 *   - Ethernet: "queue full", "link down", "too long" where it is sent, "lost" where it should arrive.
 *   - CSMA: the same, and "collisions" (too many back-offs); "lost" at those it is for.
 *   - Point-to-point: "queue full", "lost".
 *   - Wifi, where it is sent: "retries exhausted", "queue full", "waited too long", "too old to be sent
 *     again", "not associated" (frames of ports only). A frame for one receiver is sent again until then,
 *     so SENT may come several times, and one that was received may be lost all the same, if its
 *     acknowledgement was. Where a group's frame should arrive: "lost" (ttb_ns3_link_set()), "bit errors",
 *     "header not decoded", "not decoded", "receiver busy with another frame", "receiver was sending",
 *     "receiver off". What is too weak to be noticed is not told.
 *   - any, from a port: what ttb::NodePort does not let pass, e.g. a source address that a Wifi device
 *     cannot send with.
 *   - Simple and other devices tell what they receive, not what they send or lose; those of a mesh
 *     neither tell the hops between them nor what is lost there.
 *
 * Call it after ttb_ns3_attach_port(), and before the device becomes a switch's port. The function must
 * change nothing, neither in ns-3 nor in the bridge; it may be called whenever ns-3 is, until
 * ttb_ns3_destroy(). Being told makes no difference to what the network does.
 * @param fn  NULL: nobody any more
 * @return 0
 */
int ttb_ns3_watch_frames(struct ttb_ns3_object *device, ttb_ns3_frame_fn fn, void *user);

/** Gets the number of frames that wait in a device, whenever it changes, also when a frame only passes
 * through. */
typedef void (*ttb_ns3_queue_fn)(void *user, uint64_t time_ns, uint32_t frames);

/**
 * Be told how many frames wait in a device's queue: not the one being transmitted. Wifi: in the queues of
 * all access categories, those that are not acknowledged yet included.
 * @param fn  as ttb_ns3_watch_frames()
 * @return 0; -EOPNOTSUPP: it has no queue
 */
int ttb_ns3_watch_queue(struct ttb_ns3_object *device, ttb_ns3_queue_fn fn, void *user);

/**
 * Let a model of errors decide which received frames a device loses, besides its loss, e.g.
 * "ns3::BurstErrorModel". Counted as loss.
 * @param type  NULL: none any more
 * @return 0; as ttb_ns3_create(); -EOPNOTSUPP: not this kind of device
 */
int ttb_ns3_set_error_model(struct ttb_ns3_object *device, const char *type,
                            const struct ttb_ns3_attribute *attributes);

/** What became of frames, at a device, or the sum of a channel's devices. */
struct ttb_ns3_link_stats {
    uint64_t sent_frames;     /**< given to devices to be sent, those that they dropped included */
    uint64_t received_frames; /**< got through, whoever they were for: on CSMA once per receiver */
    uint64_t dropped_loss; /**< by loss or an error model: counted where they should have arrived */
    uint64_t dropped_queue; /**< the queue was full */
    uint64_t dropped_down;  /**< the link was cut */
    uint64_t dropped_other; /**< e.g. too many back-offs, longer than the MTU */
};

/** Read the counters of a channel or device. @return 0; -EOPNOTSUPP: not this kind of link */
int ttb_ns3_link_get_stats(struct ttb_ns3_object *link, struct ttb_ns3_link_stats *stats);

/* ------------------------------------------------------------------------------ traffic control */

/**
 * Give a device of an ns-3 host a queue disc, e.g. "ns3::FqCoDelQueueDisc", before the simulation begins.
 * It has the packets of the host's IP stack; frames of a Linux node's port go straight to the device, and
 * the node has queue discs of its own.
 * @param type  NULL: none any more
 * @param disc  gets a handle, for attributes and trace sources; may be NULL
 * @return 0; -ENODEV: the node has no IP stack; -EBUSY: the simulation has begun; -EOPNOTSUPP: not this
 *         kind of device; as ttb_ns3_create()
 */
int ttb_ns3_set_queue_disc(struct ttb_ns3_object *device, const char *type,
                           const struct ttb_ns3_attribute *attributes,
                           struct ttb_ns3_object **disc);

/* ---------------------------------------------------------------------------- switches */

/**
 * Make a node a learning switch: a ttb::EthernetSwitch (an ns3::BridgeNetDevice) over devices of that
 * node. Frames are forwarded in no time of its own; all Ethernet frames are, those with VLAN tags and
 * 802.3 length fields (spanning tree) included. It speaks no spanning tree: do not make loops.
 * @param devices     CSMA, Ethernet or Simple devices, or Wifi access points, of `node`, in use by
 *                    nothing else
 * @param attributes  of ns3::BridgeNetDevice; NULL: none
 * @param device      gets the bridge device; a port may be attached to it; may be NULL
 * @return 0; -EINVAL; -EOPNOTSUPP: one of the devices cannot send for others; the sentence says more
 */
int ttb_ns3_install_switch(struct ttb_ns3_object *node, struct ttb_ns3_object *const *devices,
                           size_t device_count, const struct ttb_ns3_attribute *attributes,
                           struct ttb_ns3_object **device);

/* --------------------------------------------------------------------------- routers and hosts */

/** How routers find routes. */
enum ttb_ns3_routing {
    TTB_NS3_ROUTING_STATIC, /**< ttb_ns3_add_route() only */
    TTB_NS3_ROUTING_GLOBAL, /**< and ttb_ns3_compute_global_routes(); IPv4 only */
    TTB_NS3_ROUTING_RIP,    /**< and RIP for IPv4, RIPng for IPv6 */
    TTB_NS3_ROUTING_OLSR,   /**< and OLSR; IPv4 only */
};

/**
 * Give a node ns-3's IP stack, as ttb_ns3_install_internet(), with a routing protocol and saying
 * whether it forwards. (ttb_ns3_install_internet(): global routing, forwards IPv4.)
 * @return 0; -EEXIST; -EINVAL
 */
int ttb_ns3_install_ip(struct ttb_ns3_object *node, unsigned int protocols,
                       enum ttb_ns3_routing routing, bool forwarding);

/**
 * Give a device of a node with an IP stack another address, IPv4 or IPv6, and bring the interface up.
 * @param address  "10.0.0.3/24", "fd00::3/64"
 * @return 0; -EINVAL: malformed; -EEXIST; -ENODEV: the device's node has no stack for it;
 *         -EOPNOTSUPP: 2001:db8::/32 on a node that forwards, for ns-3's routers drop packets for it
 */
int ttb_ns3_add_address(struct ttb_ns3_object *device, const char *address);

/**
 * Add a static route to a node.
 * @param to      "10.1.0.0/16", "::/0": bits after the prefix must be 0
 * @param via     next hop, of the same family; NULL: destinations are on the device's link
 * @param device  of the node, the one to send by; NULL: the one whose subnet `via` is in
 * @param metric  the lower the better
 * @return 0; -EINVAL; -ENETUNREACH: `via` is in no subnet of the node; -ENODEV: no stack, or the device
 *         has no address of this family
 */
int ttb_ns3_add_route(struct ttb_ns3_object *node, const char *to, const char *via,
                      struct ttb_ns3_object *device, uint32_t metric);

/** Compute the routes of all nodes with global routing, from addresses and links as they are now. May be
 * called again. @return 0; -EOPNOTSUPP: a node with several interfaces takes part but does not forward;
 *         -EIO */
int ttb_ns3_compute_global_routes(struct ttb_ns3 *ns3);

#ifdef __cplusplus
}
#endif
#endif
