/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the network promises the bridge: how long a frame takes from port to port at least. From each
 * port the shortest paths (Dijkstra) over lanes and switches, with nothing else in flight and the
 * shortest frame. A frame that reaches a host reaches the program, which may do anything at once.
 *
 * Whether links are up is not looked at: they are as short when they come up again. Queues and losses
 * only make things later.
 */
#include "link/internal.h"

#include <errno.h>

#include "base/time.h"

struct walk {
    struct ttb_net *net;
    struct ttb__calendar due; /* ends that a frame can reach, by when it does */
    uint64_t host_ns;         /* when it reaches the first host */
    int err;
};

static void reach_through(struct walk *walk, const struct ttb_net_end *from, uint64_t time_ns)
{
    struct ttb_net_end *to = from->lane ? from->lane->to : NULL;

    if (!to || to->reached)
        return;
    time_ns = ttb__time_after(time_ns, ttb__lane_least_ns(from->lane));
    if (!ttb__calendar_holds(&to->reach)) {
        if (ttb__calendar_insert(&walk->due, &to->reach, time_ns, TTB__CLASS_NETWORK, 0))
            walk->err = -ENOMEM;
    } else if (time_ns < to->reach.key.time_ns) {
        ttb__calendar_move(&walk->due, &to->reach, time_ns);
    }
}

/* A switch sends through all its ports but the one it received from: so the first time through all
 * others, and the second time through that one. */
static void reach_switch(struct walk *walk, struct ttb_net_end *in, uint64_t time_ns)
{
    struct ttb_net_end *ports = ttb__switch_ports(in->sw), *first = NULL;

    for (struct ttb_net_end *port = ports; port; port = port->next_in_switch) {
        if (port != in && port->reached)
            first = first && first->reached_ns <= port->reached_ns ? first : port;
    }
    if (first) {
        reach_through(walk, first, time_ns);
        return;
    }
    for (struct ttb_net_end *port = ports; port; port = port->next_in_switch) {
        if (port != in)
            reach_through(walk, port, time_ns);
    }
}

static void walk_from(struct walk *walk, const struct ttb_net_end *source)
{
    struct ttb__calendar_entry *entry;

    for (struct ttb_net_end *end = walk->net->ends; end; end = end->next)
        end->reached = false;
    walk->host_ns = TTB_TIME_NEVER;
    reach_through(walk, source, 0);
    while ((entry = ttb__calendar_first(&walk->due))) {
        struct ttb_net_end *end = TTB__CONTAINER(entry, struct ttb_net_end, reach);

        end->reached = true;
        end->reached_ns = entry->key.time_ns;
        ttb__calendar_remove(&walk->due, entry);
        if (end->kind == TTB__END_SWITCH)
            reach_switch(walk, end, end->reached_ns);
        else if (end->kind == TTB__END_HOST && end->reached_ns < walk->host_ns)
            walk->host_ns = end->reached_ns;
    }
}

static int promise_from(struct walk *walk, const struct ttb_net_end *source)
{
    struct ttb_net *net = walk->net;

    walk_from(walk, source);
    if (walk->err)
        return ttb__net_fail(net, walk->err, "no memory for the look-ahead");
    for (const struct ttb_net_end *end = net->ends; end; end = end->next) {
        uint64_t latency_ns = end->reached ? end->reached_ns : TTB_TIME_NEVER;
        int rc;

        if (!end->port || !ttb_port_node(end->port))
            continue;
        if (walk->host_ns < latency_ns)
            latency_ns = walk->host_ns;
        rc = ttb_bridge_set_latency(net->bridge, source->port, end->port, latency_ns);
        if (rc)
            return ttb__net_fail(net, rc, "%s", ttb_bridge_error(net->bridge));
    }
    return 0;
}

int ttb__net_promise(struct ttb_net *net)
{
    struct walk walk = {.net = net};
    int rc = 0;

    if (!net->promises_stale)
        return 0;
    net->promises_stale = false;
    for (const struct ttb_net_end *end = net->ends; end && !rc; end = end->next) {
        if (end->port && ttb_port_node(end->port))
            rc = promise_from(&walk, end);
    }
    ttb__calendar_clear(&walk.due);
    return rc;
}
