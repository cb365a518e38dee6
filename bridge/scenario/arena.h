/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file arena.h
 * Memory that is freed all at once.
 */
#ifndef TTB_SCENARIO_ARENA_H
#define TTB_SCENARIO_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct ttb__arena_block;

/* Zero-initialised it is empty. */
struct ttb__arena {
    struct ttb__arena_block *blocks;
    bool
        failed; /* an allocation was refused; sticky, so that it can be looked at once at the end */
};

/* Zeroed memory, aligned for anything; NULL when there is none. */
void *ttb__arena_alloc(struct ttb__arena *arena, size_t size);

/* A copy with a zero after it. */
char *ttb__arena_copy(struct ttb__arena *arena, const char *text, size_t len_bytes);

char *ttb__arena_printf(struct ttb__arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void ttb__arena_free(struct ttb__arena *arena);

#endif
