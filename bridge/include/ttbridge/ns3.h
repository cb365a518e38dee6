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
 * Objects. Everything in ns-3 that has a TypeId is a struct ttb_ns3_object here: created by the name
 * of its type, its attributes set and read as strings, as ns-3's manual lists them. What ns-3 does
 * with helper classes (attaching, addresses, files) has functions.
 *
 * Ownership. A handle keeps its object alive. It is valid until ttb_ns3_object_release() or
 * ttb_ns3_free(), which releases all that are left. Strings are copied.
 *
 * Errors. Functions return 0 or a negative errno, and ttb_ns3_error() has the sentence for people.
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

#ifdef __cplusplus
extern "C" {
#endif

/** The simulation. */
struct ttb_ns3;

/** A handle of an ns3::Object. */
struct ttb_ns3_object;

/**
 * An attribute and its value; lists of them end with a NULL name. Values are written as in ns-3's
 * manual: "100Mbps", "1ms", "10p", "true", "ns3::TcpSocketFactory"; numbers and addresses have to be
 * one from the first character to the last. Where ns-3 takes an address of any kind ("Remote",
 * "RemoteAddress", "Local"), it is written "10.0.0.1", "10.0.0.1:9", "2001:db8::1",
 * "[2001:db8::1]:9" or "02:00:00:00:00:07".
 */
struct ttb_ns3_attribute {
    const char *name;
    const char *value;
};

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

/** ttb_ns3_destroy() if it has not been called, and release everything. NULL is allowed. */
void ttb_ns3_free(struct ttb_ns3 *ns3);

/** The sentence that goes with the last error, "" if there was none; valid until the next call.
 * NULL: that of the last ttb_ns3_new() that failed on this thread. Never NULL. */
const char *ttb_ns3_error(const struct ttb_ns3 *ns3);

/** Simulated time. */
uint64_t ttb_ns3_now_ns(const struct ttb_ns3 *ns3);

/** Number of events that ns-3 has executed. */
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

/** End ttb_ns3_run() after the current event. To be called from within it. */
void ttb_ns3_stop(struct ttb_ns3 *ns3);

/** A scheduled call. It may call everything here but run, destroy and free, and ttb_port_deliver(). */
typedef void (*ttb_ns3_event_fn)(void *user, uint64_t time_ns);

/**
 * Call `fn` at simulated time `time_ns`, after all that has been scheduled for that time before.
 * @return 0; -EINVAL: time_ns lies in the past or beyond 2^63 ns
 */
int ttb_ns3_schedule(struct ttb_ns3 *ns3, uint64_t time_ns, ttb_ns3_event_fn fn, void *user);

/* ---------------------------------------------------------------------- types and attributes */

/**
 * Load a module of ns-3 that this library is not linked with, so that its types are known; e.g.
 * "point-to-point". Linked are core, network, csma, bridge, internet, applications, mobility,
 * propagation, wifi and olsr.
 * @return 0, also if it is loaded already; -ENOENT: it is not installed
 */
int ttb_ns3_load_module(struct ttb_ns3 *ns3, const char *module);

/** Set a default that objects created later begin with: "ns3::CsmaNetDevice::Mtu", "9000".
 * @return as ttb_ns3_object_set() */
int ttb_ns3_set_default(struct ttb_ns3 *ns3, const char *name, const char *value);

/** Set one of ns-3's global values, e.g. "SchedulerType". @return as ttb_ns3_object_set() */
int ttb_ns3_set_global(struct ttb_ns3 *ns3, const char *name, const char *value);

/**
 * Create an object by the name of its type.
 * @param attributes  ends with a NULL name; NULL: none
 * @return 0 and *object; -ENOENT: unknown type or attribute; -EINVAL: type without constructor, or
 *         a value that does not suit its attribute
 */
int ttb_ns3_create(struct ttb_ns3 *ns3, const char *type,
                   const struct ttb_ns3_attribute *attributes, struct ttb_ns3_object **object);

/**
 * Set an attribute. The value is checked first: a value that is refused changes nothing.
 * @return 0; -ENOENT: no such attribute; -EPERM: it cannot be set, or only when created; -EINVAL
 */
int ttb_ns3_object_set(struct ttb_ns3_object *object, const char *name, const char *value);

/**
 * Read an attribute as a string.
 * @param value  gets the string, zero terminated
 * @return 0; -ENOENT: no such attribute; -EPERM: it cannot be read; -ENOSPC: `size` is too small
 */
int ttb_ns3_object_get(struct ttb_ns3_object *object, const char *name, char *value, size_t size);

/** A handle of the simulator implementation, for its attributes, e.g. MaxEventsPerInstant.
 * @return 0 and *object */
int ttb_ns3_get_simulator(struct ttb_ns3 *ns3, struct ttb_ns3_object **object);

/** Copy the name of an object's type, e.g. "ns3::CsmaChannel". @return 0; -ENOSPC */
int ttb_ns3_object_type(struct ttb_ns3_object *object, char *type, size_t size);

/** Give a handle back early; the object lives on as long as ns-3 needs it. NULL is allowed. */
void ttb_ns3_object_release(struct ttb_ns3_object *object);

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

/**
 * Write the frames that a device sees (promiscuous) or is concerned with to a pcap file with
 * nanosecond time stamps: sent frames when the device begins to send them, received ones when their
 * last bit has arrived. A file that exists is replaced.
 * @return 0; -EOPNOTSUPP: not this kind of device; or why the file cannot be written
 */
int ttb_ns3_pcap(struct ttb_ns3_object *device, const char *path, bool promiscuous);

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
 * The same for ns3::SimpleNetDevice on an ns3::SimpleChannel, and for the types that have functions
 * of their own above, by name. Simple devices have no serialisation unless their attribute DataRate
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

/**
 * Give random streams to an object, `first` and those after it, so that what it draws depends on
 * nothing else in the simulation or the process. Devices have streams made from their MAC addresses
 * as they are installed, and the IP stacks of hosts from that of the first device with an address:
 * this is for other choices, and for other objects (channels, error models, mobility models,
 * applications, nodes with all that is aggregated to them).
 * @param first  0 to 2^62
 * @param count  gets the number of streams used; may be NULL
 * @return 0; -EINVAL; -EOPNOTSUPP: objects of its type draw nothing that could be assigned
 */
int ttb_ns3_assign_streams(struct ttb_ns3_object *object, uint64_t first, uint64_t *count);

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

/* ---------------------------------------------------------------------------- positions */

/** A place, in millimetres. */
struct ttb_ns3_position {
    int64_t x_mm, y_mm, z_mm; /**< each -10^12 to 10^12 */
};

/** A place, and when to be there. */
struct ttb_ns3_waypoint {
    uint64_t at_ns;
    struct ttb_ns3_position position;
};

/**
 * Put a node somewhere, now, whatever moved it before. Positions have a model of their own
 * (ttb::PlaceModel), so all of this can be changed at any time.
 * @return 0; -EINVAL; -EEXIST: the program gave the node another ns3::MobilityModel
 */
int ttb_ns3_set_position(struct ttb_ns3_object *node, const struct ttb_ns3_position *position);

/**
 * Let a node move from place to place in straight lines.
 * @param waypoints  times rise; before the first the node is at its place, after the last it stays.
 *                   Copied.
 * @return 0; as ttb_ns3_set_position()
 */
int ttb_ns3_set_waypoints(struct ttb_ns3_object *node, const struct ttb_ns3_waypoint *waypoints,
                          size_t waypoint_count);

/**
 * Let a model move a node, e.g. "ns3::RandomWalk2dMobilityModel", beginning at a position. That has to
 * lie within the bounds of models that have some: in a corner ns-3's turn for ever without time going
 * on, which ttb_ns3_run() reports as -ELOOP.
 * @param start  NULL: 0, 0, 0
 * @param model  gets the model; may be NULL
 * @return 0; as ttb_ns3_create() and ttb_ns3_set_position()
 */
int ttb_ns3_set_mobility(struct ttb_ns3_object *node, const char *type,
                         const struct ttb_ns3_attribute *attributes,
                         const struct ttb_ns3_position *start, struct ttb_ns3_object **model);

/** Where a node is now. @return 0; -ENODEV: it has no mobility model */
int ttb_ns3_get_position(struct ttb_ns3_object *node, struct ttb_ns3_position *position);

/* ---------------------------------------------------------------------------- Wifi */

/** Amendments of IEEE 802.11, with the band where there is a choice. */
enum ttb_ns3_wifi_standard {
    TTB_NS3_WIFI_A = 1,
    TTB_NS3_WIFI_B,
    TTB_NS3_WIFI_G,
    TTB_NS3_WIFI_N_2_4,
    TTB_NS3_WIFI_N_5,
    TTB_NS3_WIFI_AC,
    TTB_NS3_WIFI_AX_2_4,
    TTB_NS3_WIFI_AX_5,
    TTB_NS3_WIFI_AX_6,
};

/** An object to be made: its type and attributes. */
struct ttb_ns3_object_spec {
    const char *type;
    const struct ttb_ns3_attribute *attributes; /**< NULL: none */
};

/** A Wifi network: what all its devices share. Set `size`; everything else may be zero. */
struct ttb_ns3_wifi_opts {
    size_t size;                             /**< sizeof(struct ttb_ns3_wifi_opts) */
    enum ttb_ns3_wifi_standard standard;     /**< 0: TTB_NS3_WIFI_G */
    bool infrastructure;                     /**< stations and access points; false: ad hoc */
    const char *ssid;                        /**< 1 to 32 bytes; NULL: "ttbridge" */
    struct ttb_ns3_object_spec rate_control; /**< type NULL: ns3::IdealWifiManager */
    /** How signals fade: each takes what the one before leaves; NULL: one
     * ns3::LogDistancePropagationLossModel */
    const struct ttb_ns3_object_spec *propagation_loss;
    size_t propagation_loss_count;
    struct ttb_ns3_object_spec propagation_delay;   /**< type NULL:
                                                       ns3::ConstantSpeedPropagationDelayModel */
    const struct ttb_ns3_attribute *phy_attributes; /**< of every ns3::YansWifiPhy; NULL: none */
    const struct ttb_ns3_attribute *mac_attributes; /**< of every MAC; NULL: none */
    uint64_t stream; /**< first random stream of the propagation models */
};

/** Make a Wifi network (ns3::YansWifiChannel). @return 0 and *wifi; as ttb_ns3_create() */
int ttb_ns3_create_wifi(struct ttb_ns3 *ns3, const struct ttb_ns3_wifi_opts *opts,
                        struct ttb_ns3_object **wifi);

/** What a device is in its Wifi network. */
enum ttb_ns3_wifi_role {
    TTB_NS3_WIFI_ADHOC,        /**< in a network that is not `infrastructure` */
    TTB_NS3_WIFI_STATION,      /**< in one that is */
    TTB_NS3_WIFI_ACCESS_POINT, /**< in one that is */
};

/**
 * Create a Wifi device (ns3::WifiNetDevice), add it to a node, and put it on the air. The node is at
 * 0, 0, 0 unless it has a position.
 *
 * An access point sends for other addresses, so it can be a port of a switch or have any Linux node
 * attached. Stations and ad hoc devices send with their own address only: the Linux node's interface
 * must have the same (else ttb_ns3_attach_port() says so), and cannot be part of a bridge in it.
 * @param mac         as for ttb_ns3_install_csma(); for a device with a port: the interface's
 * @param attributes  of ns3::WifiNetDevice; NULL: none
 * @return 0 and *device; -EINVAL: a role that the network does not have; as ttb_ns3_create()
 */
int ttb_ns3_install_wifi(struct ttb_ns3_object *node, struct ttb_ns3_object *wifi,
                         enum ttb_ns3_wifi_role role, const char *mac,
                         const struct ttb_ns3_attribute *attributes,
                         struct ttb_ns3_object **device);

#ifdef __cplusplus
}
#endif
#endif
