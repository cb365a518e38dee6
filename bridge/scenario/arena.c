/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536
#define ALIGNMENT   _Alignof(max_align_t)

struct ttb__arena_block {
    struct ttb__arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

void *ttb__arena_alloc(struct ttb__arena *arena, size_t size)
{
    struct ttb__arena_block *block = arena->blocks;
    void *result;

    if (size > SIZE_MAX / 2)
        goto failed;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES;

        block = calloc(1, sizeof(*block) + room);
        if (!block)
            goto failed;
        block->size = room;
        /* A block of its own for a large piece goes behind the one that has room left. */
        if (room == size && arena->blocks) {
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    result = block->data + block->used;
    block->used += size;
    return result;
failed:
    arena->failed = true;
    return NULL;
}

char *ttb__arena_copy(struct ttb__arena *arena, const char *text, size_t len_bytes)
{
    char *copy = ttb__arena_alloc(arena, len_bytes + 1);

    if (copy && len_bytes)
        memcpy(copy, text, len_bytes);
    return copy;
}

char *ttb__arena_printf(struct ttb__arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = length < 0 ? NULL : ttb__arena_alloc(arena, (size_t)length + 1);
    if (!text) {
        arena->failed = true;
        return NULL;
    }
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

void ttb__arena_free(struct ttb__arena *arena)
{
    struct ttb__arena_block *next;

    for (struct ttb__arena_block *block = arena->blocks; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct ttb__arena){0};
}
