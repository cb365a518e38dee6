/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sequential run hands one baton from process to process: exactly one of them works at a time.
 * On one core a hand-over is a context switch; across cores it is an inter-processor interrupt and a
 * wake-up from idle, which costs about four times as much.
 *
 * With several jobs each node has a core of its own, kernel and user-space processes together, and
 * nodes are dealt to as many cores as there are jobs, in turn.
 */
#include "core/internal.h"

#include <errno.h>
#include <string.h>

/* The first `count` cores of the caller's mask, beginning with the one it is on. */
static bool choose_cores(struct ttb_bridge *bridge, uint32_t count)
{
    int cpu = sched_getcpu();

    if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &bridge->affinity_before))
        return false;
    CPU_ZERO(&bridge->affinity);
    for (int i = 0; i < CPU_SETSIZE && count > 0; i++, cpu = (cpu + 1) % CPU_SETSIZE) {
        if (!CPU_ISSET(cpu, &bridge->affinity_before))
            continue;
        CPU_SET(cpu, &bridge->affinity);
        count--;
    }
    return true;
}

void ttb__placement_pin(struct ttb_bridge *bridge)
{
    if (bridge->no_pin || bridge->pinned)
        return;
    if (sched_getaffinity(0, sizeof(bridge->affinity_before), &bridge->affinity_before) == 0 &&
        choose_cores(bridge, bridge->jobs) &&
        sched_setaffinity(0, sizeof(bridge->affinity), &bridge->affinity) == 0) {
        bridge->pinned = true;
        return;
    }
    ttb_bridge_log(bridge, TTB_LOG_WARNING,
                   "cannot bind the run to cores (%s): it will be slower, nothing else changes",
                   strerror(errno));
    bridge->no_pin = true;
}

void ttb__placement_begin_launch(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;
    uint32_t cores, turn;
    cpu_set_t one;

    if (!bridge->pinned || bridge->jobs == 1)
        return;
    cores = (uint32_t)CPU_COUNT(&bridge->affinity);
    turn = node->id % cores;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &bridge->affinity) || turn-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        break;
    }
    sched_setaffinity(0, sizeof(one), &one);
}

void ttb__placement_end_launch(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;

    if (bridge->pinned && bridge->jobs > 1)
        sched_setaffinity(0, sizeof(bridge->affinity), &bridge->affinity);
}

void ttb__placement_restore(struct ttb_bridge *bridge)
{
    if (bridge->pinned)
        sched_setaffinity(0, sizeof(bridge->affinity_before), &bridge->affinity_before);
    bridge->pinned = false;
}
