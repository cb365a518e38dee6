/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt moderation, and the same for sending. Frames that reach a port which coalesces are held by its device, where the
 * driver does not see them; the node's turn comes when the first of them is due, unless its own request
 * is earlier, and then it does not run beyond that time. A frame that a node sends leaves at once; after
 * it the node does not kick for some time, at the end of which what it has sent meanwhile leaves
 * together, and so on until there is none. So what a node does depends on simulated times only.
 */
#include "core/internal.h"

#include "base/time.h"

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

uint64_t ttb__coalesce_sent(struct ttb_port *port, uint64_t time_ns)
{
    if (!ttb__netdev_is_quiet(port->netdev))
        return TTB_TIME_NEVER;
    if (port->tx_due_ns == TTB_TIME_NEVER)
        port->tx_due_ns = time_ns + port->coalesce_ns;
    update(port->node);
    return port->tx_due_ns;
}

static void look_for_sent(struct ttb_port *port, uint64_t time_ns)
{
    struct ttb_node *node = port->node;

    node->kick_ns = time_ns;
    if (ttb__netdev_poll(port->netdev) > 0)
        node->bound_ns = ttb__time_earlier(node->bound_ns, ttb__port_return_ns(port, time_ns));
    if (ttb__netdev_is_quiet(port->netdev))
        port->tx_due_ns = time_ns + port->coalesce_ns;
}

static void settle(struct ttb_port *port, uint64_t time_ns)
{
    bool release = port->due_ns <= time_ns, look = port->tx_due_ns <= time_ns;

    if (release)
        port->due_ns = TTB_TIME_NEVER;
    if (look)
        port->tx_due_ns = TTB_TIME_NEVER;
    if (!port->netdev || port->closed)
        return;
    if (release)
        ttb__netdev_release(port->netdev);
    if (look)
        look_for_sent(port, time_ns);
    if ((release || look) && !port->closed)
        ttb__port_queue_call(port, time_ns);
}

void ttb__coalesce_settle(struct ttb_node *node, uint64_t time_ns)
{
    if (node->due_ns > time_ns || node->ending)
        return;
    for (uint32_t i = 0; i < node->port_count; i++)
        settle(node->ports[i], time_ns);
    update(node);
    node->bound_ns = ttb__time_earlier(node->bound_ns, ttb__coalesce_next_ns(node, time_ns));
}

uint64_t ttb__coalesce_next_ns(const struct ttb_node *node, uint64_t time_ns)
{
    uint64_t next_ns = TTB_TIME_NEVER;

    for (uint32_t i = 0; i < node->port_count; i++) {
        const struct ttb_port *port = node->ports[i];

        if (port->due_ns > time_ns)
            next_ns = ttb__time_earlier(next_ns, port->due_ns);
        if (port->tx_due_ns > time_ns)
            next_ns = ttb__time_earlier(next_ns, port->tx_due_ns);
    }
    return next_ns;
}

void ttb__coalesce_clear(struct ttb_port *port)
{
    if (port->due_ns == TTB_TIME_NEVER && port->tx_due_ns == TTB_TIME_NEVER)
        return;
    port->due_ns = port->tx_due_ns = TTB_TIME_NEVER;
    update(port->node);
}

void ttb__coalesce_resume(struct ttb_port *port)
{
    uint64_t now_ns = port->bridge->now_ns;

    if (port->due_ns < now_ns)
        port->due_ns = now_ns;
    if (port->tx_due_ns < now_ns)
        port->tx_due_ns = now_ns;
    if (port->node)
        update(port->node);
}
