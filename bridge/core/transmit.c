/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames between the node that has sent them and the network. A node may be ahead of the bridge's
 * clock when it sends; its frames wait here, in the order of its ring, and enter the network when no
 * node can send an earlier one any more: as an entry of the calendar, before its sender's next turn.
 */
#include "core/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/time.h"

struct ttb__sent_frame {
    struct ttb__sent_frame *next;
    struct ttb_port *port;
    uint64_t time_ns;
    struct ttb_frame *frame;
};

int ttb__transmit_add(struct ttb_port *port, uint64_t time_ns, struct ttb_frame *content)
{
    struct ttb_node *node = port->node;
    struct ttb__sent_frame *frame = malloc(sizeof(*frame));

    if (!frame)
        return -ENOMEM;
    if (!node->sent && ttb__calendar_insert(&node->bridge->calendar, &node->sent_entry, time_ns,
                                            TTB__CLASS_NODE, TTB__ENTRY_SENT(node))) {
        free(frame);
        return -ENOMEM;
    }
    frame->next = NULL;
    frame->port = port;
    frame->time_ns = time_ns;
    frame->frame = ttb_frame_hold(content);
    if (node->sent)
        *node->sent_end = frame;
    else
        node->sent = frame;
    node->sent_end = &frame->next;
    return 0;
}

/* Looking at the clock for each frame would take longer than what is done with it. */
static void hand_over(struct ttb_bridge *bridge, const struct ttb__sent_frame *sent)
{
    const struct ttb_observer *observer = &bridge->observer;
    struct ttb_frame *frame = sent->frame;
    struct ttb_port *port = sent->port;

    bridge->transmitting = frame;
    if (observer->transmitted) {
        ttb__wall_enter(bridge, TTB_WALL_RECORDING);
        observer->transmitted(bridge->observer_user, port, sent->time_ns, frame->data,
                              frame->len_bytes);
        ttb__wall_enter(bridge, TTB_WALL_NETWORK);
    }
    if (port->transmit)
        port->transmit(port->transmit_user, port, sent->time_ns, frame->data, frame->len_bytes);
    bridge->transmitting = NULL;
}

static void forget_first(struct ttb_node *node)
{
    struct ttb__sent_frame *sent = node->sent;

    node->sent = sent->next;
    ttb_frame_release(sent->frame);
    free(sent);
}

void ttb__transmit_release(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;
    uint64_t time_ns = node->sent->time_ns;
    enum ttb_wall_part part;

    bridge->now_ns = time_ns;
    bridge->transmitted = true;
    part = ttb__wall_enter(bridge, TTB_WALL_NETWORK);
    while (node->sent && node->sent->time_ns == time_ns) {
        hand_over(bridge, node->sent);
        forget_first(node);
    }
    ttb__wall_enter(bridge, part);
    if (node->sent) {
        ttb__calendar_move(&bridge->calendar, &node->sent_entry, node->sent->time_ns);
        return;
    }
    ttb__calendar_remove(&bridge->calendar, &node->sent_entry);
    if (node->ending)
        bridge->sweep_due = true; /* its end has waited for its frames */
}

void ttb__transmit_discard(struct ttb_node *node)
{
    while (node->sent)
        forget_first(node);
    ttb__calendar_remove(&node->bridge->calendar, &node->sent_entry);
}

uint64_t ttb__port_return_ns(const struct ttb_port *port, uint64_t time_ns)
{
    /* What comes back at the same instant finds the node there, not beyond. */
    return ttb__time_after(time_ns, port->way_back_ns ? port->way_back_ns : 1);
}

uint64_t ttb__transmit_return_ns(const struct ttb_node *node)
{
    uint64_t first_ns = TTB_TIME_NEVER;

    for (const struct ttb__sent_frame *sent = node->sent; sent; sent = sent->next) {
        uint64_t return_ns = ttb__port_return_ns(sent->port, sent->time_ns);

        if (return_ns < first_ns)
            first_ns = return_ns;
    }
    return first_ns;
}
