/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/nearest.h"

int ttb__names_add(struct ttb__names *names, const char *name, size_t index)
{
    if (!name)
        return 0;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 16;
        struct ttb__name *entries = realloc(names->entries, capacity * sizeof(*entries));

        if (!entries)
            return -ENOMEM;
        names->entries = entries;
        names->capacity = capacity;
    }
    names->entries[names->count++] = (struct ttb__name){.name = name, .index = index};
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct ttb__name *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

void ttb__names_sort(struct ttb__names *names)
{
    if (names->count > 1)
        qsort(names->entries, names->count, sizeof(*names->entries), compare);
}

size_t ttb__names_find(const struct ttb__names *names, const char *name)
{
    size_t low = 0, high = names->count;

    while (name && low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!name || low == names->count || strcmp(names->entries[low].name, name) != 0)
        return TTB__NO_NAME;
    return names->entries[low].index;
}

const char *ttb__names_hint(const struct ttb__names *names, const char *name, char *text,
                            size_t size)
{
    struct ttb__nearest nearest;

    ttb__nearest_init(&nearest, name);
    for (size_t i = 0; i < names->count; i++)
        ttb__nearest_try(&nearest, names->entries[i].name);
    return ttb__nearest_hint(&nearest, text, size);
}

void ttb__names_free(struct ttb__names *names)
{
    free(names->entries);
    *names = (struct ttb__names){0};
}
