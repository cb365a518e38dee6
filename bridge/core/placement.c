/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sequential run hands one baton from process to process: exactly one of them works at a time.
 * On one core a hand-over is a context switch; across cores it is an inter-processor interrupt and a
 * wake-up from idle, which costs about four times as much.
 *
 * With several jobs there are so many lanes: of the nodes in a lane one runs at a time. Each lane has a
 * core, so a node's kernel and user-space processes are on one core together, and lanes are dealt to the
 * cores in turn.
 *
 * With automatic jobs a run is in one of two modes, all on one core, or spread over a lane for each core.
 * Wall time decides, window by window, and so nothing that the simulation can see may depend on it: what
 * of the nodes' work overlaps, or would, against what hand-overs cost more. A run begins spread, because
 * booting is computing.
 */
#include "core/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So much wall time of rounds is looked at before something is decided. */
#define WINDOW_NS 10000000ULL

/* What a hand-over costs more across cores, measured as bench/README.md says. */
#define ACROSS_NS 30000ULL

/* How long nothing is tried again after spreading has not paid: doubled each time up to this. */
#define HOLD_MAX_NS (64 * WINDOW_NS)

/* ---------------------------------------------------------------------------------- cores, lanes */

/* The first `count` cores of the caller's mask, beginning with the one it is on. */
static bool choose_cores(struct ttb_bridge *bridge, uint32_t count)
{
    struct ttb__placement *placement = &bridge->placement;
    int cpu = sched_getcpu();

    if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &placement->before))
        return false;
    if (count > TTB__LANES_MAX)
        count = TTB__LANES_MAX;
    for (int i = 0; i < CPU_SETSIZE && placement->core_count < count; i++) {
        if (CPU_ISSET(cpu, &placement->before))
            placement->cores[placement->core_count++] = (uint16_t)cpu;
        cpu = (cpu + 1) % CPU_SETSIZE;
    }
    return true;
}

static int bind_to(const struct ttb__placement *placement, uint32_t first, uint32_t count)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (uint32_t i = first; i < first + count; i++)
        CPU_SET(placement->cores[i], &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

/* The thread that runs the bridge: on every core that nodes may be on. */
static int bind_bridge(const struct ttb_bridge *bridge)
{
    return bind_to(&bridge->placement, 0, bridge->jobs > 1 ? bridge->placement.core_count : 1);
}

/* Position of its core in placement->cores. */
static uint32_t core_of(const struct ttb_node *node)
{
    const struct ttb_bridge *bridge = node->bridge;

    return bridge->jobs > 1 ? node->lane % bridge->placement.core_count : 0;
}

static uint32_t allowed_cores(struct ttb_bridge *bridge)
{
    struct ttb__placement *placement = &bridge->placement;
    int count;

    if (sched_getaffinity(0, sizeof(placement->before), &placement->before) < 0)
        return 1;
    count = CPU_COUNT(&placement->before);
    if (count > TTB__LANES_MAX)
        return TTB__LANES_MAX;
    return count > 0 ? (uint32_t)count : 1;
}

/* Whether it is automatic, and how many lanes there are; what comes first in a bridge's life. */
void ttb__placement_init(struct ttb_bridge *bridge, uint32_t jobs, bool no_pin)
{
    struct ttb__placement *placement = &bridge->placement;
    uint32_t cores = allowed_cores(bridge);

    placement->no_pin = no_pin;
    placement->automatic = jobs == TTB_JOBS_AUTO && cores > 1;
    placement->lane_count = jobs == TTB_JOBS_AUTO ? cores : jobs;
    bridge->jobs = placement->lane_count;
}

void ttb__placement_pin(struct ttb_bridge *bridge)
{
    struct ttb__placement *placement = &bridge->placement;

    if (placement->no_pin || placement->pinned)
        return;
    if (placement->automatic && bridge->node_count < 2 && !placement->flap_rounds)
        bridge->jobs = 1;
    placement->core_count = 0;
    if (sched_getaffinity(0, sizeof(placement->before), &placement->before) == 0 &&
        choose_cores(bridge, placement->lane_count) && bind_bridge(bridge) == 0) {
        placement->pinned = true;
        return;
    }
    ttb_bridge_log(bridge, TTB_LOG_WARNING,
                   "cannot bind the run to cores (%s): it will be slower, nothing else changes",
                   strerror(errno));
    placement->no_pin = true;
}

void ttb__placement_begin_launch(struct ttb_node *node)
{
    if (node->bridge->placement.pinned && node->bridge->jobs > 1)
        bind_to(&node->bridge->placement, core_of(node), 1);
}

void ttb__placement_end_launch(struct ttb_node *node)
{
    if (node->bridge->placement.pinned && node->bridge->jobs > 1)
        bind_bridge(node->bridge);
}

void ttb__placement_restore(struct ttb_bridge *bridge)
{
    struct ttb__placement *placement = &bridge->placement;

    if (placement->pinned)
        sched_setaffinity(0, sizeof(placement->before), &placement->before);
    placement->pinned = false;
}

/* -------------------------------------------------------------------------------- one core, spread */

/* All nodes are blocked. That a process cannot be moved costs wall time, nothing else. */
static void move_nodes(struct ttb_bridge *bridge)
{
    const struct ttb__placement *placement = &bridge->placement;

    if (!placement->pinned)
        return;
    bind_bridge(bridge);
    for (uint32_t i = 0; i < bridge->node_count; i++) {
        struct ttb_node *node = bridge->nodes[i];

        if (node->launched && !node->ending && node->ops->place)
            node->ops->place(node->ops_user, node, placement->cores[core_of(node)]);
    }
}

static void begin_window(struct ttb_bridge *bridge)
{
    struct ttb__placement *placement = &bridge->placement;

    placement->window = (struct ttb__placement_window){0};
    for (uint32_t i = 0; i < bridge->node_count; i++)
        bridge->nodes[i]->window_ns = 0;
}

static void change_mode(struct ttb_bridge *bridge)
{
    bridge->jobs = bridge->jobs > 1 ? 1 : bridge->placement.lane_count;
    move_nodes(bridge);
    begin_window(bridge);
}

static int by_load(const void *a, const void *b)
{
    const struct ttb_node *const *left = a, *const *right = b;

    if ((*left)->window_ns != (*right)->window_ns)
        return (*left)->window_ns > (*right)->window_ns ? -1 : 1;
    return (*left)->id < (*right)->id ? -1 : 1;
}

/* The busiest node first, each to the lane with the least to do. */
static void deal_lanes(struct ttb_bridge *bridge)
{
    uint64_t loads[TTB__LANES_MAX] = {0};
    struct ttb_node **nodes = calloc(bridge->node_count, sizeof(struct ttb_node *));

    if (!nodes)
        return; /* the lanes stay as they are */
    memcpy(nodes, bridge->nodes, bridge->node_count * sizeof(struct ttb_node *));
    qsort(nodes, bridge->node_count, sizeof(struct ttb_node *), by_load);
    for (uint32_t i = 0; i < bridge->node_count; i++) {
        uint32_t best = 0;

        for (uint32_t lane = 1; lane < bridge->placement.lane_count; lane++)
            best = loads[lane] < loads[best] ? lane : best;
        nodes[i]->lane = best;
        loads[best] += nodes[i]->window_ns + 1;
    }
    free(nodes);
}

/* ---------------------------------------------------------------------------------------- deciding */

/* What of a round's work would not have overlapped if each lane had a core: its longest lane. */
static uint64_t longest_lane_ns(const struct ttb_bridge *bridge)
{
    uint64_t loads[TTB__LANES_MAX] = {0}, longest_ns = 0;

    for (uint32_t i = 0; i < bridge->round_count; i++) {
        uint64_t *load = &loads[bridge->round[i]->lane];

        *load += bridge->round[i]->round_ns;
        longest_ns = *load > longest_ns ? *load : longest_ns;
    }
    return longest_ns;
}

static void leave_spread(struct ttb_bridge *bridge)
{
    struct ttb__placement *placement = &bridge->placement;

    /* One that is left at once was a mistake. */
    placement->hold_ns = placement->paid ? 0 : 2 * placement->hold_ns + WINDOW_NS;
    if (placement->hold_ns > HOLD_MAX_NS)
        placement->hold_ns = HOLD_MAX_NS;
    placement->left_ns = placement->hold_ns;
    placement->paid = false;
    deal_lanes(bridge);
    change_mode(bridge);
}

/* Two windows in a row that do not pay: one may be what lies between two computations. */
static void decide_spread(struct ttb_bridge *bridge, uint64_t gain_ns, uint64_t cost_ns)
{
    struct ttb__placement *placement = &bridge->placement;

    if (gain_ns >= cost_ns + placement->window.wall_ns / 20) {
        placement->paid = true;
        placement->in_vain = 0;
    } else if (++placement->in_vain == 2) {
        placement->in_vain = 0;
        leave_spread(bridge);
        return;
    }
    begin_window(bridge);
}

static void decide_one_core(struct ttb_bridge *bridge, uint64_t gain_ns, uint64_t cost_ns)
{
    struct ttb__placement *placement = &bridge->placement;
    uint64_t wall_ns = placement->window.wall_ns;

    if (placement->left_ns == 0 && gain_ns > cost_ns + wall_ns / 10) {
        change_mode(bridge);
        return;
    }
    placement->left_ns -= wall_ns < placement->left_ns ? wall_ns : placement->left_ns;
    deal_lanes(bridge);
    begin_window(bridge);
}

static void decide(struct ttb_bridge *bridge)
{
    const struct ttb__placement_window *window = &bridge->placement.window;
    uint64_t gain_ns = window->work_ns - window->alone_ns;
    uint64_t cost_ns = window->hand_overs * ACROSS_NS;

    if (bridge->jobs > 1)
        decide_spread(bridge, gain_ns, cost_ns);
    else
        decide_one_core(bridge, gain_ns, cost_ns);
}

void ttb__placement_note_round(struct ttb_bridge *bridge, uint64_t wall_ns)
{
    struct ttb__placement *placement = &bridge->placement;
    struct ttb__placement_window *window = &placement->window;

    if (!placement->automatic)
        return;
    window->wall_ns += wall_ns;
    for (uint32_t i = 0; i < bridge->round_count; i++) {
        struct ttb_node *node = bridge->round[i];

        window->work_ns += node->round_ns;
        node->window_ns += node->round_ns;
    }
    if (bridge->jobs > 1)
        window->alone_ns += placement->busy_ns;
    else
        window->alone_ns += longest_lane_ns(bridge);
    placement->busy_ns = 0;
    if (placement->flap_rounds) {
        if (++placement->rounds % placement->flap_rounds == 0)
            change_mode(bridge);
    } else if (window->wall_ns >= WINDOW_NS) {
        decide(bridge);
    }
}

void ttb__placement_flap(struct ttb_bridge *bridge, uint32_t rounds)
{
    struct ttb__placement *placement = &bridge->placement;

    placement->automatic = true;
    placement->flap_rounds = rounds;
    if (placement->lane_count == 1) /* where there is one core only */
        placement->lane_count = 2;
    bridge->jobs = placement->lane_count;
}
