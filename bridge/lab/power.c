/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Different for every life of every node; lab seeds that differ by little must not collide. */
static uint64_t power_seed(const struct ttb_lab_node *node)
{
    uint64_t seed = node->lab->seed * UINT64_C(0x9e3779b97f4a7c15);

    return seed + ((uint64_t)ttb_node_id(node->node) << 32) + node->lives;
}

void ttb__power_cut(struct ttb_lab_node *node)
{
    struct ttb_disk_loss loss = {.size = sizeof(loss)};
    struct ttb_bridge *bridge = node->lab->bridge;
    char *image, *undo = NULL;
    struct ttb__error why;

    if (node->disk.survivors == TTB_DISK_ALL)
        return;
    if (asprintf(&image, "%s/cow", node->directory) < 0)
        image = NULL;
    if (asprintf(&undo, "%s/undo", node->directory) < 0)
        undo = NULL;
    if (!image || !undo) {
        ttb_bridge_log(bridge, TTB_LOG_ERROR, "node %s: disk: out of memory", node->name);
    } else if (ttb_disk_lose_power(image, undo, node->disk.survivors, power_seed(node), &loss,
                                   why.text, sizeof(why.text))) {
        ttb_bridge_log(bridge, TTB_LOG_ERROR, "node %s: %s", node->name, why.text);
    } else if (loss.requests) {
        ttb_bridge_log(bridge, TTB_LOG_INFO,
                       "node %s: power lost: %" PRIu64 " requests were not flushed, %" PRIu64
                       " of their %" PRIu64 " sectors hold older data",
                       node->name, loss.requests, loss.old_sectors, loss.sectors);
    }
    free(image);
    free(undo);
}
