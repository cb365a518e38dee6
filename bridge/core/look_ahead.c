/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far a node may run: look-ahead from the latencies that the network has promised.
 *
 * The network promises for pairs of ports how long whatever one sends takes, at least, to have any
 * influence on the other. A node may forward in no simulated time, so between nodes the shortest path
 * counts, through other nodes as well: the closure. Then node i may run strictly before
 *
 *     the network's next event,
 *     e_k + D_ki for every other node k, e_k being the earliest time at which k may act or has sent,
 *     t + R_p for every frame of its own that it sent at t on port p and that the network has not seen,
 *
 * where R_p is the shortest way from port p back to the node. What comes out of the minimum does not
 * depend on how the calendar's heap is arranged, so neither do grants.
 */
#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define SLOTS_MIN 16
#define SLOTS_MAX 8192

void ttb__look_ahead_clear(struct ttb_bridge *bridge)
{
    free(bridge->look_ahead.promised);
    free(bridge->look_ahead.closure);
    free(bridge->look_ahead.nearest);
    bridge->look_ahead = (struct ttb__look_ahead){0};
}

/* ---------------------------------------------------------------------------- what was promised */

static int make_room(struct ttb_bridge *bridge)
{
    struct ttb__look_ahead *look = &bridge->look_ahead;
    uint32_t room = look->room ? look->room : SLOTS_MIN;
    uint64_t *promised;

    while (room < bridge->port_slots)
        room *= 2;
    if (room == look->room)
        return 0;
    if (bridge->port_slots > SLOTS_MAX)
        return -E2BIG;
    promised = calloc((size_t)room * room, sizeof(*promised));
    if (!promised)
        return -ENOMEM;
    for (uint32_t from = 0; from < look->room; from++) {
        memcpy(promised + (size_t)from * room, look->promised + (size_t)from * look->room,
               look->room * sizeof(*promised));
    }
    free(look->promised);
    look->promised = promised;
    look->room = room;
    return 0;
}

/* Ports that were added after the last promise are in no slot: nothing is known about them. */
static uint64_t promised_ns(const struct ttb__look_ahead *look, const struct ttb_port *from,
                            const struct ttb_port *to)
{
    if (from != to && (from->isolated || to->isolated))
        return TTB_TIME_NEVER;
    if (from->slot >= look->room || to->slot >= look->room)
        return 0;
    return look->promised[(size_t)from->slot * look->room + to->slot];
}

/* No more than was asked for, unless there is no way at all. */
static uint64_t allowed_ns(const struct ttb_port *from, const struct ttb_port *to)
{
    uint64_t promise_ns = promised_ns(&from->bridge->look_ahead, from, to);

    return promise_ns == TTB_TIME_NEVER
               ? promise_ns
               : ttb__time_earlier(promise_ns, from->bridge->look_ahead_ns);
}

/* What was asked for may lower what the network allows, not raise it. */
static int check_from(struct ttb_bridge *bridge, const struct ttb_port *from)
{
    for (uint32_t i = 0; i < bridge->node_count; i++) {
        const struct ttb_node *other = bridge->nodes[i];

        for (uint32_t k = 0; k < other->port_count && other != from->node; k++) {
            const struct ttb_port *to = other->ports[k];
            uint64_t promise_ns = promised_ns(&bridge->look_ahead, from, to);

            if (promise_ns >= bridge->look_ahead_ns)
                continue;
            return ttb__bridge_fail(bridge, -EINVAL,
                                    "look-ahead of %" PRIu64
                                    " ns is more than the network allows, and can only be "
                                    "lowered: what port %s of node %s sends may have an influence "
                                    "on port %s of node %s "
                                    "after %" PRIu64 " ns",
                                    bridge->look_ahead_ns, from->name, from->node->name, to->name,
                                    other->name, promise_ns);
        }
    }
    return 0;
}

static int check_once(struct ttb_bridge *bridge)
{
    int rc = 0;

    if (bridge->look_ahead_ns == TTB_TIME_NEVER || bridge->look_ahead_checked)
        return 0;
    for (uint32_t i = 0; i < bridge->node_count && !rc; i++) {
        const struct ttb_node *node = bridge->nodes[i];

        for (uint32_t k = 0; k < node->port_count && !rc; k++)
            rc = check_from(bridge, node->ports[k]);
    }
    bridge->look_ahead_checked = !rc;
    return rc;
}

/* ---------------------------------------------------------------------------------- the closure */

static uint64_t node_to_node_ns(const struct ttb_node *from, const struct ttb_node *to)
{
    uint64_t shortest_ns = TTB_TIME_NEVER;

    for (uint32_t i = 0; i < from->port_count; i++) {
        for (uint32_t j = 0; j < to->port_count; j++)
            shortest_ns = ttb__time_earlier(shortest_ns, allowed_ns(from->ports[i], to->ports[j]));
    }
    return shortest_ns;
}

static uint64_t port_to_node_ns(const struct ttb_port *from, const struct ttb_node *to)
{
    uint64_t shortest_ns = TTB_TIME_NEVER;

    for (uint32_t i = 0; i < to->port_count; i++)
        shortest_ns = ttb__time_earlier(shortest_ns, allowed_ns(from, to->ports[i]));
    return shortest_ns;
}

static void close_over_paths(uint64_t *closure, uint32_t count)
{
    for (uint32_t via = 0; via < count; via++) {
        const uint64_t *onward = closure + (size_t)via * count;

        for (uint32_t from = 0; from < count; from++) {
            uint64_t *row = closure + (size_t)from * count;
            uint64_t first_ns = row[via];

            if (first_ns == TTB_TIME_NEVER)
                continue;
            for (uint32_t to = 0; to < count; to++)
                row[to] = ttb__time_earlier(row[to], ttb__time_after(first_ns, onward[to]));
        }
    }
}

static uint64_t way_back_ns(const struct ttb_bridge *bridge, const struct ttb_port *port)
{
    const struct ttb_node *node = port->node;
    uint64_t shortest_ns = port_to_node_ns(port, node);

    for (uint32_t i = 0; i < bridge->node_count; i++) {
        const struct ttb_node *other = bridge->nodes[i];

        if (other != node) {
            shortest_ns = ttb__time_earlier(
                shortest_ns, ttb__time_after(port_to_node_ns(port, other),
                                             ttb__look_ahead_ns(bridge, other, node)));
        }
    }
    return shortest_ns;
}

static uint64_t nearest_ns(const struct ttb_bridge *bridge, const struct ttb_port *port)
{
    uint64_t shortest_ns = TTB_TIME_NEVER;

    for (uint32_t i = 0; i < bridge->node_count; i++) {
        if (bridge->nodes[i] != port->node)
            shortest_ns = ttb__time_earlier(shortest_ns, port_to_node_ns(port, bridge->nodes[i]));
    }
    return shortest_ns;
}

static void derive(struct ttb_bridge *bridge)
{
    struct ttb__look_ahead *look = &bridge->look_ahead;
    uint32_t count = bridge->node_count;

    for (uint32_t from = 0; from < count; from++) {
        for (uint32_t to = 0; to < count; to++) {
            look->closure[(size_t)from * count + to] =
                from == to ? 0 : node_to_node_ns(bridge->nodes[from], bridge->nodes[to]);
        }
    }
    close_over_paths(look->closure, count);
    look->widest_ns = 0;
    for (uint32_t to = 0; to < count; to++) {
        struct ttb_node *node = bridge->nodes[to];

        look->nearest[to] = TTB_TIME_NEVER;
        for (uint32_t from = 0; from < count; from++) {
            uint64_t way_ns = look->closure[(size_t)from * count + to];

            if (from != to)
                look->nearest[to] = ttb__time_earlier(look->nearest[to], way_ns);
            if (from != to && way_ns > look->widest_ns)
                look->widest_ns = way_ns;
        }
        for (uint32_t i = 0; i < node->port_count; i++) {
            node->ports[i]->way_back_ns = way_back_ns(bridge, node->ports[i]);
            node->ports[i]->nearest_ns = nearest_ns(bridge, node->ports[i]);
        }
    }
}

int ttb__look_ahead_update(struct ttb_bridge *bridge)
{
    struct ttb__look_ahead *look = &bridge->look_ahead;
    size_t count = bridge->node_count;
    int rc;

    if (!look->promised || !look->stale)
        return 0;
    rc = check_once(bridge);
    if (rc)
        return rc;
    free(look->closure);
    free(look->nearest);
    look->closure = look->nearest = NULL;
    look->stale = false;
    if (bridge->wall_port_count) /* may deliver at any time */
        return 0;
    look->count = bridge->node_count;
    look->closure = malloc(count * count * sizeof(*look->closure));
    look->nearest = malloc(count * sizeof(*look->nearest));
    if (!look->closure || !look->nearest)
        return ttb__bridge_fail(bridge, -ENOMEM, "out of memory: look-ahead of %zu nodes", count);
    derive(bridge);
    return 0;
}

uint64_t ttb__look_ahead_ns(const struct ttb_bridge *bridge, const struct ttb_node *from,
                            const struct ttb_node *to)
{
    const struct ttb__look_ahead *look = &bridge->look_ahead;

    return look->closure ? look->closure[(size_t)from->id * look->count + to->id] : 0;
}

/* ------------------------------------------------------------------------------------- the bound */

struct search {
    const struct ttb_bridge *bridge;
    const struct ttb_node *node;
    uint64_t nearest_ns; /* nobody is nearer to the node than this */
    uint64_t bound_ns;
};

static bool bounds(void *user, struct ttb__calendar_entry *entry)
{
    struct search *search = user;
    const struct ttb_node *node = search->node, *other = ttb__entry_node(search->bridge, entry);
    uint64_t time_ns = entry->key.time_ns, way_ns;

    if (ttb__time_after(time_ns, search->nearest_ns) >= search->bound_ns)
        return false;
    if (other == node)
        return true;
    way_ns = ttb__look_ahead_ns(search->bridge, other, node);
    /* At the same instant the one with the lower id goes first. */
    if (way_ns == 0 && node->id < other->id)
        way_ns = 1;
    search->bound_ns = ttb__time_earlier(search->bound_ns, ttb__time_after(time_ns, way_ns));
    return true;
}

uint64_t ttb__look_ahead_bound(const struct ttb_node *node, uint64_t limit_ns)
{
    const struct ttb_bridge *bridge = node->bridge;
    struct search search = {
        .bridge = bridge,
        .node = node,
        .nearest_ns = bridge->look_ahead.closure ? bridge->look_ahead.nearest[node->id] : 0,
        .bound_ns = ttb__time_earlier(limit_ns, ttb__transmit_return_ns(node)),
    };

    ttb__calendar_visit(&bridge->calendar, bounds, &search);
    return search.bound_ns;
}

/* -------------------------------------------------------------------------------------- public */

int ttb_bridge_set_latency(struct ttb_bridge *bridge, struct ttb_port *from, struct ttb_port *to,
                           uint64_t latency_ns)
{
    struct ttb__look_ahead *look = &bridge->look_ahead;
    uint64_t *promised;
    int rc;

    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "latency of port %s: set from a callback",
                                from->name);
    if (from->bridge != bridge || to->bridge != bridge || !from->node || !to->node) {
        return ttb__bridge_fail(bridge, -EINVAL,
                                "latency from port %s to port %s: both must be ports of nodes of "
                                "this bridge",
                                from->name, to->name);
    }
    if (bridge->no_look_ahead)
        return 0;
    rc = make_room(bridge);
    if (rc) {
        return ttb__bridge_fail(bridge, rc, "look-ahead between %" PRIu32 " ports: %s",
                                bridge->port_slots, rc == -E2BIG ? "too many" : "out of memory");
    }
    promised = &look->promised[(size_t)from->slot * look->room + to->slot];
    if (*promised != latency_ns)
        look->stale = true;
    *promised = latency_ns;
    return 0;
}

void ttb_port_set_isolated(struct ttb_port *port)
{
    port->isolated = true;
    port->bridge->look_ahead.stale = true;
}

int ttb_bridge_latency(struct ttb_bridge *bridge, const struct ttb_node *from,
                       const struct ttb_node *to, uint64_t *latency_ns)
{
    int rc = ttb__look_ahead_update(bridge);

    *latency_ns = rc ? 0 : ttb__look_ahead_ns(bridge, from, to);
    return rc;
}
