/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file flying.h
 * Frames that were sent, by packet id, to be found when they arrive. TTB_EXPORT_FLYING_MAX of them;
 * a new one takes the place of the oldest. They stay when they have arrived, since a frame may arrive
 * at several places.
 */
#ifndef TTB_EXPORT_FLYING_H
#define TTB_EXPORT_FLYING_H

#include <stdbool.h>
#include <stdint.h>

struct ttb__flying {
    uint64_t packet; /* 0: the entry is free */
    uint64_t time_ns;
    uint64_t sequence;  /* the caller's */
    uint32_t flow;      /* the caller's */
    uint32_t len_bytes; /* the caller's */
    bool arrived;       /* the caller's */
    uint32_t next;      /* in its bucket */
};

struct ttb__flying_table;

int ttb__flying_new(struct ttb__flying_table **table);
void ttb__flying_free(struct ttb__flying_table *table);

/* NULL: never sent, or too long ago. Valid until the next put(). */
struct ttb__flying *ttb__flying_find(struct ttb__flying_table *table, uint64_t packet);

/* An entry for a packet, which is not 0; zero but for its id. An older one of the same packet is
 * forgotten. *evicted gets the one whose place it took; its packet is 0 if there was none. */
struct ttb__flying *ttb__flying_put(struct ttb__flying_table *table, uint64_t packet,
                                    struct ttb__flying *evicted);

#endif
