/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A round: all nodes that may run, by what is known when it begins, run once.
 *
 * Nothing that a node does before its bound can be influenced by what another does in the same round,
 * so it makes no difference in which order, or whether at the same time, they run: grants, frames and
 * everything derived from them are the same. Without look-ahead a round is one node.
 */
#include "core/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/time.h"

struct choice {
    struct ttb_bridge *bridge;
    uint64_t end_ns; /* nobody whose turn comes at or after this can be in the round */
    uint64_t until_ns;
    int err;
};

static int add(struct ttb_bridge *bridge, struct ttb_node *node)
{
    if (bridge->round_count == bridge->round_room) {
        uint32_t room = bridge->round_room ? 2 * bridge->round_room : 16;
        struct ttb_node **grown = reallocarray(bridge->round, room, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        bridge->round = grown;
        bridge->round_room = room;
    }
    bridge->round[bridge->round_count++] = node;
    return 0;
}

static uint64_t bound_of(const struct ttb_node *node, uint64_t until_ns)
{
    uint64_t limit_ns = node->entry.key.time_ns + TTB__GRANT_MAX_NS;
    uint64_t due_ns = TTB_TIME_NEVER;

    if (node->due_ns != TTB_TIME_NEVER)
        due_ns = ttb__coalesce_next_ns(node, node->entry.key.time_ns);
    if (due_ns < limit_ns)
        limit_ns = due_ns;
    return ttb__look_ahead_bound(node, ttb__time_earlier(until_ns, limit_ns));
}

static bool choose(void *user, struct ttb__calendar_entry *entry)
{
    struct choice *choice = user;
    struct ttb_node *node = ttb__entry_node(choice->bridge, entry);

    if (entry->key.time_ns >= choice->end_ns)
        return false;
    if (entry != &node->entry || node->state == TTB_NODE_IDLE)
        return true;
    node->bound_ns = bound_of(node, choice->until_ns);
    if (entry->key.time_ns < node->bound_ns && add(choice->bridge, node))
        choice->err = -ENOMEM;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct ttb_node *const *left = a, *const *right = b;

    return ttb__key_compare(&(*left)->entry.key, &(*right)->entry.key);
}

static int gather(struct ttb_bridge *bridge, const struct ttb__calendar_entry *first,
                  uint64_t until_ns)
{
    uint64_t widest_ns = bridge->look_ahead.closure ? bridge->look_ahead.widest_ns : 0;
    struct choice choice = {.bridge = bridge, .until_ns = until_ns, .end_ns = until_ns};

    bridge->round_count = 0;
    if (widest_ns == 0) {
        struct ttb_node *node = ttb__entry_node(bridge, first);

        node->bound_ns = bound_of(node, until_ns);
        return add(bridge, node);
    }
    if (widest_ns < until_ns && first->key.time_ns < until_ns - widest_ns)
        choice.end_ns = first->key.time_ns + widest_ns;
    ttb__calendar_visit(&bridge->calendar, choose, &choice);
    /* The first may always run: its bound lies behind the times of all others. */
    qsort(bridge->round, bridge->round_count, sizeof(struct ttb_node *), by_key);
    return choice.err;
}

static bool has_room(const struct ttb_bridge *bridge)
{
    return bridge->running_count < bridge->running_limit;
}

static bool is_running(const struct ttb_node *node)
{
    return node->runs;
}

/* It may have ended, and after an interrupt its own next act may come later than was thought. */
static bool let_run(struct ttb_node *node)
{
    if (node->ending || (node->state != TTB_NODE_WAITING && node->state != TTB_NODE_STARTING))
        return false;
    if (node->state == TTB_NODE_WAITING && !node->called &&
        ttb__controller_request_ns(node->controller) >= node->bound_ns) {
        ttb__node_enter_calendar(node);
        return false;
    }
    ttb__node_grant(node);
    return true;
}

static void let_next_run(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;

    bridge->round_left--;
    if (!let_run(node) && --bridge->round_can_run < bridge->round_slots)
        bridge->round_slots = bridge->round_can_run;
}

/* One of each lane at a time. */
static int run_lanes(struct ttb_bridge *bridge)
{
    struct ttb_node *waiting[TTB__LANES_MAX] = {0}, *running[TTB__LANES_MAX] = {0};

    for (uint32_t i = bridge->round_count; i-- > 0;) {
        struct ttb_node *node = bridge->round[i];

        node->next_in_lane = waiting[node->lane];
        waiting[node->lane] = node;
    }
    for (;;) {
        bool left = false;
        int rc;

        for (uint32_t lane = 0; lane < bridge->placement.lane_count; lane++) {
            while (waiting[lane] && !(running[lane] && running[lane]->runs)) {
                running[lane] = waiting[lane];
                waiting[lane] = running[lane]->next_in_lane;
                let_next_run(running[lane]);
            }
            left = left || waiting[lane];
        }
        bridge->running_limit = left ? bridge->running_count : 1;
        rc = ttb__bridge_wait(bridge, has_room, is_running);
        if (rc || !left)
            return rc;
    }
}

/* As many at a time as there are jobs. */
static int run_all(struct ttb_bridge *bridge)
{
    if (bridge->placement.automatic && bridge->jobs > 1)
        return run_lanes(bridge);
    for (uint32_t i = 0; i < bridge->round_count; i++) {
        int rc;

        bridge->running_limit = bridge->jobs;
        rc = ttb__bridge_wait(bridge, has_room, is_running);
        if (rc)
            return rc;
        let_next_run(bridge->round[i]);
    }
    bridge->running_limit = 1; /* room for one: nobody runs */
    return ttb__bridge_wait(bridge, has_room, is_running);
}

int ttb__round_run(struct ttb_bridge *bridge, const struct ttb__calendar_entry *first,
                   uint64_t until_ns)
{
    uint64_t wall_start_ns = ttb__wall_ns();
    int rc;

    bridge->now_ns = first->key.time_ns;
    rc = gather(bridge, first, until_ns);
    if (rc)
        return ttb__bridge_fail(bridge, rc, "out of memory");
    for (uint32_t i = 0; i < bridge->round_count; i++) {
        ttb__calendar_remove(&bridge->calendar, &bridge->round[i]->entry);
        bridge->round[i]->round_ns = 0;
    }
    rc = ttb__port_settle_calls(bridge);
    if (rc)
        return rc;
    /* Who ends or blocks first is the host's business: what is to be told is told in order, below. */
    bridge->sweep_held = true;
    ttb__wall_round_begins(bridge);
    rc = run_all(bridge);
    ttb__wall_round_ends(bridge);
    bridge->sweep_held = false;
    for (uint32_t i = 0; i < bridge->round_count; i++)
        ttb__node_tell(bridge->round[i]);
    if (!rc)
        ttb__placement_note_round(bridge, ttb__wall_ns() - wall_start_ns);
    return rc;
}
