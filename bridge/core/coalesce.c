/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt moderation. Frames that reach a port which coalesces are held by its device, where the
 * driver does not see them; the node's turn comes when the first of them is due, unless its own request
 * is earlier, and then it does not run beyond that time. So what a node does depends on simulated
 * times only.
 */
#include "core/internal.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void update(struct ttb_node *node)
{
    node->due_ns = ttb__coalesce_next_ns(node, 0);
    ttb__node_schedule(node);
}

void ttb__coalesce_note(struct ttb_port *port)
{
    uint64_t now_ns = port->bridge->now_ns;
    uint32_t held = ttb__netdev_held(port->netdev);

    if (held >= port->coalesce_frames) {
        /* The caller calls the node, in its turn at this instant. */
        ttb__netdev_release(port->netdev);
        port->due_ns = TTB_TIME_NEVER;
    } else if (held && port->due_ns == TTB_TIME_NEVER) {
        port->due_ns = now_ns + port->coalesce_ns;
    }
    update(port->node);
}

void ttb__coalesce_settle(struct ttb_node *node, uint64_t time_ns)
{
    if (node->due_ns > time_ns)
        return;
    for (uint32_t i = 0; i < node->port_count; i++) {
        struct ttb_port *port = node->ports[i];

        if (port->due_ns > time_ns)
            continue;
        port->due_ns = TTB_TIME_NEVER;
        if (port->netdev && !port->closed) {
            ttb__netdev_release(port->netdev);
            ttb__port_queue_call(port, time_ns);
        }
    }
    update(node);
}

uint64_t ttb__coalesce_next_ns(const struct ttb_node *node, uint64_t time_ns)
{
    uint64_t next_ns = TTB_TIME_NEVER;

    for (uint32_t i = 0; i < node->port_count; i++) {
        if (node->ports[i]->due_ns > time_ns)
            next_ns = least(next_ns, node->ports[i]->due_ns);
    }
    return next_ns;
}

void ttb__coalesce_clear(struct ttb_port *port)
{
    if (port->due_ns == TTB_TIME_NEVER)
        return;
    port->due_ns = TTB_TIME_NEVER;
    update(port->node);
}

void ttb__coalesce_resume(struct ttb_port *port)
{
    if (port->due_ns < port->bridge->now_ns) {
        port->due_ns = port->bridge->now_ns;
        update(port->node);
    }
}
