/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file network_ns3.h
 * The engine ns-3, shared by its files only:
 *
 *   network_ns3.c        the engine: what is made in which order, running, changes, counting
 *   network_ns3_links.c  channels and devices
 *   network_ns3_nodes.c  Linux nodes, switches, routers and hosts, as ns-3 sees them
 *   network_ns3_frames.c what the trace gets from inside ns-3
 */
#ifndef TTB_RUN_NETWORK_NS3_H
#define TTB_RUN_NETWORK_NS3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/ns3.h>

#include "run/network.h"
#include "run/queues.h"

struct ttb__ns3_device {
    struct ttb_ns3_object *object;
    const Ttb__Scenario__Interface *given; /* NULL: of a switch */
    struct ttb__ns3_link *link;
    uint32_t place; /* in the trace; TTB_TRACE_NONE: its frames are not recorded */
    struct ttb__queue queue;
};

struct ttb__ns3_link {
    struct ttb__network *network;
    const Ttb__Scenario__Link *given;
    struct ttb_ns3_object *channel; /* NULL: devices that need none */
    struct ttb__ns3_device *devices;
    size_t device_count;
    bool is_down;                       /* cut by an event */
    uint32_t loss_ppb;                  /* while it is up */
    struct ttb__link_counters counters; /* when the run was over */
};

/* A Linux node's interface. */
struct ttb__ns3_end {
    struct ttb_ns3_object *device;
    struct ttb_port *port;
    struct ttb__ns3_link *link;
    bool is_unplugged; /* by an event */
};

struct ttb__network {
    const Ttb__Scenario *scenario;
    const struct ttb__network_plan *plan; /* while it is built */
    struct ttb_trace_writer *writer;      /* NULL: none, or it is over */
    struct ttb_ns3 *ns3;
    struct ttb__ns3_link *links;
    struct ttb__ns3_end **ends;      /* by Linux node and interface */
    struct ttb__ns3_packet *packets; /* which packet of ns-3 is which of the trace */
    struct ttb__queues queues;
    bool any_global_routing;
    bool is_over; /* nothing but freeing makes sense with what is ns-3's */
    char error[TTB__NETWORK_ERROR_MAX];
};

/* network_ns3.c. Both return `code`. */
int ttb__ns3_fail(struct ttb__network *network, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "links.lan: " and what ns-3 says. */
int ttb__ns3_fail_at(struct ttb__network *network, int code, const char *where, const char *name);

/* network_ns3_links.c */

/* The scenario's settings after `extra`, which end with a NULL name; to be freed. NULL: no memory. */
struct ttb_ns3_attribute *ttb__ns3_attributes(const struct ttb_ns3_attribute *extra,
                                              Ttb__Scenario__Setting **settings, size_t count);
struct ttb__ns3_link *ttb__ns3_find_link(struct ttb__network *network, const char *name);
int ttb__ns3_create_channel(struct ttb__network *network, struct ttb__ns3_link *link);
/* A device of `owner`, whose name tells an access point; `given` NULL: of a switch. `mtu_bytes` 0: the
 * link's. */
int ttb__ns3_install(struct ttb__network *network, struct ttb__ns3_link *link,
                     struct ttb_ns3_object *node, const char *owner,
                     const Ttb__Scenario__Interface *given, uint32_t mtu_bytes,
                     struct ttb_ns3_object **device);
/* What is set when all devices are there. */
int ttb__ns3_finish_link(struct ttb__network *network, struct ttb__ns3_link *link);

/* network_ns3_frames.c: the link's newest device, once it has its port, and before it is a switch's. */
int ttb__ns3_watch(struct ttb__network *network, struct ttb__ns3_link *link, const char *owner);

/* network_ns3_nodes.c */
int ttb__ns3_add_linux_node(struct ttb__network *network, size_t number);
int ttb__ns3_add_switch(struct ttb__network *network, const Ttb__Scenario__Switch *given);
/* `where`: "routers" or "hosts". */
int ttb__ns3_add_host(struct ttb__network *network, const Ttb__Scenario__Host *given,
                      const char *where, bool forwards);

#endif
