/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sequential run hands one baton from process to process: exactly one of them works at a time.
 * On one core a hand-over is a context switch; across cores it is an inter-processor interrupt and a
 * wake-up from idle, which costs about four times as much.
 */
#include "core/internal.h"

#include <errno.h>
#include <string.h>

void ttb__placement_pin(struct ttb_bridge *bridge)
{
    cpu_set_t one;
    int cpu;

    if (bridge->no_pin || bridge->pinned)
        return;
    if (sched_getaffinity(0, sizeof(bridge->affinity_before), &bridge->affinity_before) < 0)
        goto unpinned;
    cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &bridge->affinity_before))
        goto unpinned;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) < 0)
        goto unpinned;
    bridge->pinned = true;
    return;

unpinned:
    ttb_bridge_log(bridge, TTB_LOG_WARNING,
                   "cannot bind the run to one core (%s): it will be slower, nothing else changes",
                   strerror(errno));
    bridge->no_pin = true;
}

void ttb__placement_restore(struct ttb_bridge *bridge)
{
    if (bridge->pinned)
        sched_setaffinity(0, sizeof(bridge->affinity_before), &bridge->affinity_before);
    bridge->pinned = false;
}
