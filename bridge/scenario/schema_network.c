/* SPDX-License-Identifier: BSD-3-Clause */
/* Links, switches, routers and hosts. */
#include "scenario/schema_tables.h"

static const struct ttb__word link_types[] = {
    {"csma", TTB__SCENARIO__LINK__TYPE__CSMA,
     "one shared half-duplex medium (`ns3::CsmaChannel`) with any number of ends"},
    {"ethernet", TTB__SCENARIO__LINK__TYPE__ETHERNET, "full duplex between exactly two ends"},
    {"wifi", TTB__SCENARIO__LINK__TYPE__WIFI, "radio, see `wifi`"},
    {NULL, 0, NULL},
};

static const struct ttb__word wifi_modes[] = {
    {"adhoc", TTB__SCENARIO__WIFI__MODE__ADHOC, "all stations are alike"},
    {"infrastructure", TTB__SCENARIO__WIFI__MODE__INFRASTRUCTURE,
     "all stations talk to the access point"},
    {NULL, 0, NULL},
};

static const struct ttb__word wifi_standards[] = {
    {"a", TTB__SCENARIO__WIFI__STANDARD__DOT11A, "802.11a, 5 GHz"},
    {"b", TTB__SCENARIO__WIFI__STANDARD__DOT11B, "802.11b, 2.4 GHz"},
    {"g", TTB__SCENARIO__WIFI__STANDARD__DOT11G, "802.11g, 2.4 GHz"},
    {"n-2.4", TTB__SCENARIO__WIFI__STANDARD__DOT11N_2_4, "802.11n, 2.4 GHz"},
    {"n-5", TTB__SCENARIO__WIFI__STANDARD__DOT11N_5, "802.11n, 5 GHz"},
    {"ac", TTB__SCENARIO__WIFI__STANDARD__DOT11AC, "802.11ac, 5 GHz"},
    {"ax-2.4", TTB__SCENARIO__WIFI__STANDARD__DOT11AX_2_4, "802.11ax, 2.4 GHz"},
    {"ax-5", TTB__SCENARIO__WIFI__STANDARD__DOT11AX_5, "802.11ax, 5 GHz"},
    {"ax-6", TTB__SCENARIO__WIFI__STANDARD__DOT11AX_6, "802.11ax, 6 GHz"},
    {NULL, 0, NULL},
};

static const struct ttb__word routing_words[] = {
    {"static", TTB__SCENARIO__HOST__ROUTING__STATIC, "the routes given"},
    {"global", TTB__SCENARIO__HOST__ROUTING__GLOBAL,
     "and those that ns-3's global routing computes (IPv4)"},
    {"rip", TTB__SCENARIO__HOST__ROUTING__RIP, "and those that RIP and RIPng learn"},
    {"olsr", TTB__SCENARIO__HOST__ROUTING__OLSR, "and those that OLSR learns (IPv4)"},
    {NULL, 0, NULL},
};

static const struct ttb__key type_keys[] = {
    {.key = "type",
     .field = "type",
     .kind = TTB__TEXT,
     .max = 200,
     .check = ttb__check_type_id,
     .pattern = TTB__TYPE_ID_PATTERN,
     .value_doc = "TypeId",
     .doc = "The type's name, e.g. `ns3::BurstErrorModel`."},
    {.key = "attributes",
     .field = "attributes",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Attributes that differ from the type's defaults."},
    {.key = NULL},
};

const struct ttb__object ttb__type_object = {
    .title = "ns-3 object",
    .message = &ttb__scenario__object__descriptor,
    .keys = type_keys,
    .shorthand = "type",
    .doc = "An object of ns-3, by its type and attributes. A text alone is its type.",
};

static const struct ttb__key waypoint_keys[] = {
    {.key = "at",
     .field = "at_ns",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_TIME,
     .max = TTB__TIME_MAX,
     .required = true,
     .doc = "When it is there."},
    {.key = "position",
     .field = "position",
     .kind = TTB__POSITION,
     .max = TTB__LENGTH_MAX,
     .required = true,
     .doc = "Where."},
    {.key = NULL},
};

static const struct ttb__object waypoint_object = {
    .title = "waypoint",
    .message = &ttb__scenario__waypoint__descriptor,
    .keys = waypoint_keys,
    .doc = "A point on the way.",
};

static const struct ttb__key place_keys[] = {
    {.key = "position",
     .field = "position",
     .kind = TTB__POSITION,
     .max = TTB__LENGTH_MAX,
     .fallback_doc = "`[0m, 0m, 0m]`",
     .doc = "Where it is at time 0."},
    {.key = "waypoints",
     .field = "waypoints",
     .kind = TTB__OBJECT,
     .shape = TTB__LIST,
     .object = &waypoint_object,
     .doc =
         "From there it moves in straight lines from one to the next, and stays at the last. Times "
         "rise."},
    {.key = "model",
     .field = "model",
     .kind = TTB__OBJECT,
     .object = &ttb__type_object,
     .doc = "A mobility model of ns-3 that takes over instead, e.g. "
            "`ns3::RandomWalk2dMobilityModel`."},
    {.key = NULL},
};

const struct ttb__object ttb__place_object = {
    .title = "place",
    .message = &ttb__scenario__place__descriptor,
    .keys = place_keys,
    .doc = "Where something is, and how it moves. Only `wifi` links and some `ns3:` ones care.",
};

static const struct ttb__key wifi_keys[] = {
    {.key = "mode",
     .field = "mode",
     .kind = TTB__WORD,
     .words = wifi_modes,
     .fallback = "adhoc",
     .doc = "How stations are organised."},
    {.key = "standard",
     .field = "standard",
     .kind = TTB__WORD,
     .words = wifi_standards,
     .fallback = "g",
     .doc = "Amendment of IEEE 802.11, and band."},
    {.key = "ssid",
     .field = "ssid",
     .kind = TTB__TEXT,
     .min = 1,
     .max = 32,
     .check = ttb__check_line,
     .fallback_doc = "the link's name",
     .doc = "The network's name."},
    {.key = "access_point",
     .field = "access_point",
     .kind = TTB__TEXT,
     .max = 31,
     .check = ttb__check_name,
     .pattern = TTB__NAME_PATTERN,
     .value_doc = "name",
     .doc = "The node, switch, router or host on this link that is the access point; for "
            "`infrastructure`, and needed there."},
    {.key = "rate_control",
     .field = "rate_control",
     .kind = TTB__OBJECT,
     .object = &ttb__type_object,
     .fallback_doc = "`ns3::IdealWifiManager`",
     .doc = "How stations choose their rate."},
    {.key = "propagation_loss",
     .field = "propagation_loss",
     .kind = TTB__OBJECT,
     .shape = TTB__LIST,
     .object = &ttb__type_object,
     .count_max = 16,
     .fallback_doc = "`ns3::LogDistancePropagationLossModel`",
     .doc = "How signals fade; each model takes what the one before leaves."},
    {.key = "propagation_delay",
     .field = "propagation_delay",
     .kind = TTB__OBJECT,
     .object = &ttb__type_object,
     .fallback_doc = "`ns3::ConstantSpeedPropagationDelayModel`",
     .doc = "How long signals travel."},
    {.key = "phy_attributes",
     .field = "phy_attributes",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Attributes of every station's `ns3::YansWifiPhy`, e.g. `TxPowerStart`."},
    {.key = "mac_attributes",
     .field = "mac_attributes",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Attributes of every station's MAC, e.g. `QosSupported`."},
    {.key = NULL},
};

static const struct ttb__object wifi_object = {
    .title = "wifi",
    .message = &ttb__scenario__wifi__descriptor,
    .keys = wifi_keys,
    .doc = "A radio network.",
};

static const struct ttb__key link_keys[] = {
    {.key = "type",
     .field = "type",
     .kind = TTB__LINK_TYPE,
     .words = link_types,
     .fallback = "csma",
     .value_doc = "word, or `ns3:` and a TypeId",
     .doc = "What kind of link. `ns3:` and the type of a device, e.g. `ns3:SimpleNetDevice`, gives "
            "each end such a device, on a common `channel`."},
    {.key = "rate",
     .field = "rate_bps",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_RATE,
     .min = 1,
     .max = TTB__RATE_MAX,
     .fallback_doc = "`csma` 100Mbps, `ethernet` 1Gbps",
     .doc = "How fast bits are sent. For `csma` and `ethernet`."},
    {.key = "delay",
     .field = "delay_ns",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_TIME,
     .max = TTB__TIME_MAX,
     .fallback_doc = "`csma`, `ethernet` 1us",
     .doc = "How long a bit travels, one way. For `csma` and `ethernet`."},
    {.key = "loss",
     .field = "loss_ppb",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_FRACTION,
     .max = TTB_SCENARIO_PPB,
     .fallback = "0",
     .doc = "Probability that a receiver does not get a frame, independently for each."},
    {.key = "queue",
     .field = "queue_frames",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_COUNT,
     .min = 1,
     .max = TTB__QUEUE_MAX,
     .fallback_doc = "`csma`, `ethernet` 100",
     .doc =
         "Frames that may wait at an end besides the one being sent; more are dropped. For `csma` "
         "and `ethernet`."},
    {.key = "mtu",
     .field = "mtu_bytes",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_COUNT,
     .min = TTB__MTU_MIN,
     .max = TTB__MTU_MAX,
     .fallback = "1500",
     .doc = "Longest payload of a frame, in bytes."},
    {.key = "error_model",
     .field = "error_model",
     .kind = TTB__OBJECT,
     .object = &ttb__type_object,
     .doc = "A model of errors of ns-3 for every receiver, instead of `loss`."},
    {.key = "attributes",
     .field = "attributes",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Attributes of every device on the link."},
    {.key = "channel",
     .field = "channel",
     .kind = TTB__OBJECT,
     .object = &ttb__type_object,
     .doc = "The channel; its type for `ns3:` links, its attributes for all."},
    {.key = "wifi",
     .field = "wifi",
     .kind = TTB__OBJECT,
     .object = &wifi_object,
     .doc = "The radio network, for `wifi`."},
    {.key = "pcap",
     .field = "pcap",
     .kind = TTB__BOOL,
     .fallback_doc = "`defaults.pcap`",
     .doc = "Write what passes to `LINK.pcap` in the run directory."},
    {.key = NULL},
};

const struct ttb__object ttb__link_object = {
    .title = "link",
    .message = &ttb__scenario__link__descriptor,
    .keys = link_keys,
    .name_field = "name",
    .name_check = ttb__check_name,
    .name_pattern = TTB__NAME_PATTERN,
    .name_doc = "1 to 31 letters, digits, `_` and `-`",
    .doc = "What interfaces are connected by.",
};

static const struct ttb__key switch_keys[] = {
    {.key = "links",
     .field = "links",
     .kind = TTB__TEXT,
     .shape = TTB__LIST,
     .count_max = 1024,
     .max = 31,
     .required = true,
     .check = ttb__check_name,
     .pattern = TTB__NAME_PATTERN,
     .value_doc = "names",
     .doc = "The links that it connects. Switches must not be connected in a loop: they speak no "
            "spanning tree protocol."},
    {.key = "attributes",
     .field = "attributes",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Attributes of its `ns3::BridgeNetDevice`."},
    {.key = "place",
     .field = "place",
     .kind = TTB__OBJECT,
     .object = &ttb__place_object,
     .doc = "Where it is."},
    {.key = NULL},
};

const struct ttb__object ttb__switch_object = {
    .title = "switch",
    .message = &ttb__scenario__switch__descriptor,
    .keys = switch_keys,
    .name_field = "name",
    .name_check = ttb__check_name,
    .name_pattern = TTB__NAME_PATTERN,
    .name_doc = "as a node's",
    .doc = "A learning Ethernet switch.",
};

static const struct ttb__key application_keys[] = {
    {.key = "type",
     .field = "type",
     .kind = TTB__TEXT,
     .max = 200,
     .required = true,
     .check = ttb__check_type_id,
     .pattern = TTB__TYPE_ID_PATTERN,
     .value_doc = "TypeId",
     .doc = "The application's type, e.g. `ns3::UdpEchoServer`."},
    {.key = "attributes",
     .field = "attributes",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Attributes that differ from the type's defaults."},
    {.key = "start",
     .field = "start_ns",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_TIME,
     .max = TTB__TIME_MAX,
     .fallback = "0s",
     .doc = "When it starts."},
    {.key = "stop",
     .field = "stop_ns",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_TIME,
     .max = TTB__TIME_MAX,
     .fallback_doc = "the end",
     .doc = "When it stops."},
    {.key = NULL},
};

static const struct ttb__object application_object = {
    .title = "application",
    .message = &ttb__scenario__application__descriptor,
    .keys = application_keys,
    .shorthand = "type",
    .doc = "A program of ns-3 on a router or host. A text alone is its type.",
};

#define HOST_KEYS                                            \
    {.key = "interfaces",                                    \
     .field = "interfaces",                                  \
     .kind = TTB__OBJECT,                                    \
     .shape = TTB__LIST,                                     \
     .object = &ttb__interface_object,                       \
     .count_max = 256,                                       \
     .required = true,                                       \
     .doc = "Its network interfaces."},                      \
        {.key = "routes",                                    \
         .field = "routes",                                  \
         .kind = TTB__OBJECT,                                \
         .shape = TTB__LIST,                                 \
         .object = &ttb__route_object,                       \
         .count_max = 1000,                                  \
         .doc = "Routes besides those that gateways make."}, \
        {.key = "routing",                                   \
         .field = "routing",                                 \
         .kind = TTB__WORD,                                  \
         .words = routing_words,                             \
         .fallback = "static",                               \
         .doc = "Where routes come from."},                  \
        {.key = "applications",                              \
         .field = "applications",                            \
         .kind = TTB__OBJECT,                                \
         .shape = TTB__LIST,                                 \
         .object = &application_object,                      \
         .doc = "What runs on it."},                         \
        {.key = "place",                                     \
         .field = "place",                                   \
         .kind = TTB__OBJECT,                                \
         .object = &ttb__place_object,                       \
         .doc = "Where it is."},                             \
    {                                                        \
        .key = NULL                                          \
    }

static const struct ttb__key host_keys[] = {HOST_KEYS};

const struct ttb__object ttb__router_object = {
    .title = "router",
    .message = &ttb__scenario__host__descriptor,
    .keys = host_keys,
    .name_field = "name",
    .name_check = ttb__check_name,
    .name_pattern = TTB__NAME_PATTERN,
    .name_doc = "as a node's",
    .doc =
        "A node of ns-3 that forwards IP packets between its interfaces. Linux nodes can route as "
        "well (`forwarding`).",
};

const struct ttb__object ttb__host_object = {
    .title = "host",
    .message = &ttb__scenario__host__descriptor,
    .keys = host_keys,
    .name_field = "name",
    .name_check = ttb__check_name,
    .name_pattern = TTB__NAME_PATTERN,
    .name_doc = "as a node's",
    .doc = "A node of ns-3 with an IP stack.",
};
