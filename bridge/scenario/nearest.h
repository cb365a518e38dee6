/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file nearest.h
 * "Did you mean ...?": the candidate that a mistyped word is nearest to.
 */
#ifndef TTB_SCENARIO_NEAREST_H
#define TTB_SCENARIO_NEAREST_H

#include <stddef.h>

struct ttb__nearest {
    const char *word;
    const char *best; /* NULL: none is near enough */
    unsigned distance;
};

/* Begin; `word` and candidates must stay. */
void ttb__nearest_init(struct ttb__nearest *nearest, const char *word);

/* Look at a candidate. Of equally near ones the first wins. */
void ttb__nearest_try(struct ttb__nearest *nearest, const char *candidate);

/* Write "; did you mean \"BEST\"?", or nothing. Returns `text`. */
const char *ttb__nearest_hint(const struct ttb__nearest *nearest, char *text, size_t size);

#endif
