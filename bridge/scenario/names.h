/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file names.h
 * Things by name.
 */
#ifndef TTB_SCENARIO_NAMES_H
#define TTB_SCENARIO_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define TTB__NO_NAME SIZE_MAX

struct ttb__name {
    const char *name;
    size_t index;
};

/* Zero-initialised it is empty. Names are not copied. */
struct ttb__names {
    struct ttb__name *entries;
    size_t count, capacity;
};

/* Add; a name that is NULL is left out. @return 0 or -ENOMEM */
int ttb__names_add(struct ttb__names *names, const char *name, size_t index);

/* After the last was added, before the first is looked for. */
void ttb__names_sort(struct ttb__names *names);

/* The index that was added with the name (the lowest of several), TTB__NO_NAME if there is none. NULL is
 * no name. */
size_t ttb__names_find(const struct ttb__names *names, const char *name);

/* Write "; did you mean \"BEST\"?", or nothing. Returns `text`. */
const char *ttb__names_hint(const struct ttb__names *names, const char *name, char *text,
                            size_t size);

void ttb__names_free(struct ttb__names *names);

#endif
