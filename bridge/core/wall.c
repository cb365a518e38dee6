/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the wall time of a run goes: at each moment to one part, from the first advance() on. The clock is
 * read when the part changes, some twenty nanoseconds each time. Nothing is decided by what is counted here.
 */
#include "core/internal.h"

#include <errno.h>

enum ttb_wall_part ttb__wall_enter(struct ttb_bridge *bridge, enum ttb_wall_part part)
{
    struct ttb__wall *wall = &bridge->wall;
    enum ttb_wall_part before = wall->part;
    uint64_t now_ns;

    if (part == before && wall->begun)
        return before;
    now_ns = ttb__wall_ns();
    if (wall->begun) {
        wall->spent_ns[before] += now_ns - wall->since_ns;
        wall->entered[part]++;
    }
    wall->since_ns = now_ns;
    wall->part = part;
    return before;
}

/* A frame of a burst takes less than two looks at the clock: of those that nobody observes one in so many is
 * timed, and stands for all. */
#define DELIVERIES_TIMED 8u

bool ttb__wall_delivery_begins(struct ttb_bridge *bridge, enum ttb_wall_part *before)
{
    *before = bridge->wall.part;
    if (!bridge->observer.delivered && bridge->wall.deliveries++ % DELIVERIES_TIMED != 0)
        return false;
    ttb__wall_enter(bridge, TTB_WALL_BRIDGE);
    return true;
}

void ttb__wall_delivery_ends(struct ttb_bridge *bridge, enum ttb_wall_part before)
{
    struct ttb__wall *wall = &bridge->wall;
    uint64_t from_ns = wall->since_ns, others_ns;

    ttb__wall_enter(bridge, before);
    if (bridge->observer.delivered || before == TTB_WALL_BRIDGE || !wall->begun)
        return;
    others_ns = (DELIVERIES_TIMED - 1) * (wall->since_ns - from_ns);
    if (others_ns > wall->spent_ns[before])
        others_ns = wall->spent_ns[before];
    wall->spent_ns[before] -= others_ns;
    wall->spent_ns[TTB_WALL_BRIDGE] += others_ns;
    wall->entered[TTB_WALL_BRIDGE] += DELIVERIES_TIMED - 1;
    wall->entered[before] += DELIVERIES_TIMED - 1;
}

void ttb__wall_begin(struct ttb_bridge *bridge)
{
    struct ttb__wall *wall = &bridge->wall;

    if (wall->begun)
        return;
    wall->since_ns = ttb__wall_ns();
    wall->begun = true;
}

/* A node of the round has begun or ended to run. Those that may run at the same time do, unless some have
 * come to the end of their window and nobody is left to take their place.
 * @return the time */
static uint64_t note_round(struct ttb_bridge *bridge)
{
    struct ttb__wall *wall = &bridge->wall;
    enum ttb_wall_part part = TTB_WALL_NODES;

    if (bridge->running_count == 0)
        part = TTB_WALL_BRIDGE;
    else if (bridge->round_left == 0 && bridge->running_count < bridge->round_slots)
        part = TTB_WALL_BARRIER;
    /* A node that is made to end outside of a round, e.g. after an error, changes nothing. */
    if (!bridge->in_round || part == wall->part)
        return ttb__wall_ns();
    ttb__wall_enter(bridge, part);
    if (part == TTB_WALL_BARRIER)
        wall->barrier_ns = wall->since_ns;
    return wall->since_ns;
}

void ttb__wall_node_runs(struct ttb_node *node)
{
    node->wall_start_ns = note_round(node->bridge);
}

void ttb__wall_node_stops(struct ttb_node *node)
{
    node->wall_stop_ns = note_round(node->bridge);
    node->stats.wall_ns += node->wall_stop_ns - node->wall_start_ns;
}

void ttb__wall_round_begins(struct ttb_bridge *bridge)
{
    bridge->in_round = true;
    bridge->round_left = bridge->round_can_run = bridge->round_count;
    bridge->round_slots = bridge->jobs < bridge->round_count ? bridge->jobs : bridge->round_count;
    bridge->wall.barrier_ns = 0;
}

void ttb__wall_round_ends(struct ttb_bridge *bridge)
{
    uint64_t from_ns = bridge->wall.barrier_ns, end_ns;

    bridge->in_round = false;
    ttb__wall_enter(bridge, TTB_WALL_BRIDGE);
    if (!from_ns)
        return;
    end_ns = bridge->wall.since_ns;
    for (uint32_t i = 0; i < bridge->round_count; i++) {
        struct ttb_node *node = bridge->round[i];
        uint64_t stop_ns = node->wall_stop_ns;

        if (!node->granted || node->runs || stop_ns > end_ns)
            continue;
        if (stop_ns > from_ns)
            node->stats.awaited_ns += stop_ns - from_ns;
        node->stats.waited_ns += end_ns - (stop_ns > from_ns ? stop_ns : from_ns);
    }
}

enum ttb_wall_part ttb_bridge_spend(struct ttb_bridge *bridge, enum ttb_wall_part part)
{
    return (unsigned)part < TTB_WALL_PARTS ? ttb__wall_enter(bridge, part) : bridge->wall.part;
}

int ttb_bridge_get_wall(const struct ttb_bridge *bridge, struct ttb_bridge_wall *spent)
{
    const struct ttb__wall *wall = &bridge->wall;
    size_t size = spent->size;

    if (size < sizeof(*spent))
        return -EINVAL;
    *spent = (struct ttb_bridge_wall){.size = size};
    for (unsigned part = 0; part < TTB_WALL_PARTS; part++) {
        spent->parts[part].wall_ns = wall->spent_ns[part];
        spent->parts[part].entered = wall->entered[part];
    }
    if (wall->begun)
        spent->parts[wall->part].wall_ns += ttb__wall_ns() - wall->since_ns;
    return 0;
}
