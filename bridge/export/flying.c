/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/flying.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/export.h>

#define NOTHING UINT32_MAX

_Static_assert((TTB_EXPORT_FLYING_MAX & (TTB_EXPORT_FLYING_MAX - 1)) == 0, "a power of two");

struct ttb__flying_table {
    uint32_t oldest; /* the entry that the next one takes */
    uint32_t *buckets;
    struct ttb__flying *entries; /* a ring */
};

int ttb__flying_new(struct ttb__flying_table **made)
{
    struct ttb__flying_table *table = calloc(1, sizeof(*table));

    *made = NULL;
    if (!table)
        return -ENOMEM;
    table->buckets = malloc(TTB_EXPORT_FLYING_MAX * sizeof(*table->buckets));
    table->entries = calloc(TTB_EXPORT_FLYING_MAX, sizeof(*table->entries));
    if (!table->buckets || !table->entries) {
        ttb__flying_free(table);
        return -ENOMEM;
    }
    memset(table->buckets, 0xff, TTB_EXPORT_FLYING_MAX * sizeof(*table->buckets));
    *made = table;
    return 0;
}

void ttb__flying_free(struct ttb__flying_table *table)
{
    if (!table)
        return;
    free(table->buckets);
    free(table->entries);
    free(table);
}

static uint32_t *bucket_of(struct ttb__flying_table *table, uint64_t packet)
{
    uint64_t hash = packet * 0x9e3779b97f4a7c15ULL >> 32;

    return &table->buckets[hash & (TTB_EXPORT_FLYING_MAX - 1)];
}

struct ttb__flying *ttb__flying_find(struct ttb__flying_table *table, uint64_t packet)
{
    uint32_t at = packet ? *bucket_of(table, packet) : NOTHING;

    while (at != NOTHING && table->entries[at].packet != packet)
        at = table->entries[at].next;
    return at == NOTHING ? NULL : &table->entries[at];
}

static void forget(struct ttb__flying_table *table, struct ttb__flying *entry)
{
    uint32_t *link = bucket_of(table, entry->packet), at = (uint32_t)(entry - table->entries);

    while (*link != at)
        link = &table->entries[*link].next;
    *link = entry->next;
    entry->packet = 0;
}

struct ttb__flying *ttb__flying_put(struct ttb__flying_table *table, uint64_t packet,
                                    struct ttb__flying *evicted)
{
    struct ttb__flying *older = ttb__flying_find(table, packet);
    struct ttb__flying *entry = &table->entries[table->oldest];
    uint32_t *bucket = bucket_of(table, packet);

    if (older)
        forget(table, older);
    *evicted = *entry;
    if (entry->packet)
        forget(table, entry);
    *entry = (struct ttb__flying){.packet = packet, .next = *bucket};
    *bucket = table->oldest;
    table->oldest = (table->oldest + 1) & (TTB_EXPORT_FLYING_MAX - 1);
    return entry;
}
