/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Standing still, and what is to come. Nothing here changes what happens: a gate is asked where advance()
 * is between two acts anyway, and leaves all of it as it is.
 */
#include "core/internal.h"

#include <errno.h>

#include "base/time.h"

void ttb_bridge_set_gate(struct ttb_bridge *bridge, ttb_gate_fn gate, void *user)
{
    bridge->gate = gate;
    bridge->gate_user = user;
}

bool ttb__gate_is_open(struct ttb_bridge *bridge, uint64_t until_ns)
{
    const struct ttb__calendar_entry *first;
    uint64_t next_ns = until_ns;
    enum ttb_wall_part part;
    bool open;

    if (!bridge->gate)
        return true;
    first = ttb__calendar_first(&bridge->calendar);
    if (first && first->key.time_ns < next_ns)
        next_ns = first->key.time_ns;
    part = ttb__wall_enter(bridge, TTB_WALL_WAITING);
    open = bridge->gate(bridge->gate_user, next_ns, until_ns);
    ttb__wall_enter(bridge, part);
    return open;
}

static uint64_t request_ns(const struct ttb_node *node)
{
    if (ttb__calendar_holds(&node->entry))
        return node->entry.key.time_ns;
    /* A paused one is in no calendar; its request moves on until it is resumed. */
    if (node->paused) {
        uint64_t request = ttb__controller_request_ns(node->controller);
        uint64_t paused_ns = node->bridge->now_ns - node->paused_ns;

        return ttb__time_after(request, paused_ns);
    }
    return TTB_TIME_NEVER;
}

int ttb_node_get_outlook(struct ttb_node *node, struct ttb_node_outlook *outlook)
{
    size_t size = outlook->size;

    if (size < sizeof(*outlook))
        return -EINVAL;
    if (node->runs)
        return -EBUSY;
    *outlook = (struct ttb_node_outlook){
        .size = size,
        .request_ns = request_ns(node),
        .sent_ns =
            ttb__calendar_holds(&node->sent_entry) ? node->sent_entry.key.time_ns : TTB_TIME_NEVER,
    };
    if (node->state != TTB_NODE_WAITING || node->ending)
        return 0;
    outlook->time_ns = ttb__controller_time_ns(node->controller);
    /* It may have gone on by itself since it told its time. */
    outlook->ran_to_ns =
        node->ran_to_ns > outlook->time_ns ? node->ran_to_ns : outlook->time_ns + 1;
    outlook->is_paused = node->paused;
    outlook->has_calls =
        node->calls || (node->due_ns != TTB_TIME_NEVER && node->due_ns <= outlook->request_ns);
    return 0;
}
