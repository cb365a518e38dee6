/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3-wifi.h
 * ns-3 from C: positions, movement, Wifi. Include <ttbridge/ns3.h>, which says what holds for all of
 * them.
 */
#ifndef TTBRIDGE_NS3_WIFI_H
#define TTBRIDGE_NS3_WIFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/ns3-object.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/**
 * Let a node move on from where it is with a velocity, in millimetres per second.
 * @return 0; as ttb_ns3_set_position()
 */
int ttb_ns3_set_velocity(struct ttb_ns3_object *node, const struct ttb_ns3_position *mm_per_s);

/**
 * Put nodes where one of ns-3's position allocators says, e.g. "ns3::GridPositionAllocator".
 * @param stream  first random stream of the allocator, as for ttb_ns3_assign_streams()
 * @return 0; as ttb_ns3_create() and ttb_ns3_set_position()
 */
int ttb_ns3_set_positions(struct ttb_ns3_object *const *nodes, size_t node_count,
                          const struct ttb_ns3_object_spec *allocator, uint64_t stream);

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
