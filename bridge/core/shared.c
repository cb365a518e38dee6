/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kicks and calls in a node's shared memory, where its kernel has that (uml-patches), instead of messages: a
 * call is left for when the node is let run; a kick is written down with its time, the node stops by itself
 * where something may come of it, and we look at what it was for when the node is blocked.
 *
 * What happens in simulated time is the same as with messages: frames leave at the time of the kick, the node
 * runs as far, and sees an interrupt at the same time.
 */
#include "core/internal.h"

#include "base/time.h"

#define NO_SLOT (-1)

/* Nothing comes of a kick earlier than this after it; what comes at the same instant finds the node there. */
static uint64_t horizon_ns(const struct ttb_port *port)
{
    uint64_t horizon_ns = port->way_back_ns ? port->way_back_ns : 1;

    /* When it is looked for what has been sent without a further kick. */
    return port->coalesce_ns ? ttb__time_earlier(horizon_ns, port->coalesce_ns) : horizon_ns;
}

static void tell_queue(struct ttb_port *port)
{
    const struct ttb__controller_queue queue = {
        .may_log = true,
        /* One that moderates wants no kicks for a while. */
        .rearm = port->coalesce_ns == 0,
        .horizon_ns = horizon_ns(port),
    };

    port->horizon_ns = queue.horizon_ns;
    ttb__controller_set_queue(port->node->controller, (unsigned)port->tx_slot, &queue);
}

void ttb__shared_attach(struct ttb_port *port)
{
    struct ttb__controller *controller = port->node ? port->node->controller : NULL;

    ttb__shared_detach(port);
    if (!controller)
        return;
    port->rx_slot = ttb__controller_find_queue(controller, ttb__netdev_rx_ring(port->netdev));
    port->tx_slot = ttb__controller_find_queue(controller, ttb__netdev_tx_ring(port->netdev));
    if (port->tx_slot >= 0)
        tell_queue(port);
}

void ttb__shared_detach(struct ttb_port *port)
{
    static const struct ttb__controller_queue none;

    if (port->tx_slot >= 0 && port->node->controller)
        ttb__controller_set_queue(port->node->controller, (unsigned)port->tx_slot, &none);
    port->rx_slot = port->tx_slot = NO_SLOT;
}

void ttb__shared_update(struct ttb_node *node)
{
    for (uint32_t i = 0; i < node->port_count; i++) {
        struct ttb_port *port = node->ports[i];

        if (port->tx_slot >= 0 && port->horizon_ns != horizon_ns(port))
            tell_queue(port);
    }
}

bool ttb__shared_call(struct ttb_port *port)
{
    struct ttb_node *node = port->node;
    bool rx, tx;

    if (port->rx_slot < 0 || port->tx_slot < 0 || !ttb__controller_takes_calls(node->controller))
        return false;
    if (!ttb__netdev_take_calls(port->netdev, &rx, &tx))
        return false;
    /* In the order in which messages would say so. Cannot fail: a slot is that of one queue, and the node
     * waits. */
    if (rx)
        ttb__controller_call(node->controller, (unsigned)port->rx_slot);
    if (tx)
        ttb__controller_call(node->controller, (unsigned)port->tx_slot);
    if (rx || tx) {
        node->called = true;
        node->stats.calls++;
        node->stats.shared_calls++;
    }
    return true;
}

void ttb__shared_kicked(struct ttb_node *node, unsigned slot, uint64_t time_ns, uint16_t avail_idx)
{
    for (uint32_t i = 0; i < node->port_count; i++) {
        struct ttb_port *port = node->ports[i];

        if (port->tx_slot != (int)slot || !port->netdev || port->closed)
            continue;
        node->stats.kicks++;
        node->stats.shared_kicks++;
        node->kick_ns = time_ns;
        node->serving = true;
        ttb__netdev_serve_kick(port->netdev, avail_idx);
        node->serving = false;
        return;
    }
    /* Of a queue that is gone, or was never found: the same as a kick of one that does not run. */
}

void ttb__shared_waiting(struct ttb_node *node)
{
    uint64_t stopped_ns =
        ttb__time_earlier(node->bound_ns, ttb__controller_request_ns(node->controller));

    for (uint32_t i = 0; i < node->port_count; i++) {
        struct ttb_port *port = node->ports[i];

        if (port->tx_slot >= 0)
            ttb__port_queue_call(port, stopped_ns);
    }
}
