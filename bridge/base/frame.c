/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/frame.h"

#include <stdlib.h>
#include <string.h>

/* What is kept has room for frames of an MTU of 1500, with a VLAN tag; longer ones come and go. */
#define POOLED_BYTES 1518u

/* Most that are kept: a window of TCP. */
#define POOLED_MAX 4096u

struct ttb__frame_pool {
    struct ttb_frame *free;
    unsigned free_count;
    size_t out; /* frames of this pool that somebody holds */
    bool closed;
};

struct ttb__frame_pool *ttb__frame_pool_new(void)
{
    return calloc(1, sizeof(struct ttb__frame_pool));
}

void ttb__frame_pool_close(struct ttb__frame_pool *pool)
{
    if (!pool)
        return;
    while (pool->free) {
        struct ttb_frame *frame = pool->free;

        pool->free = frame->next;
        free(frame);
    }
    pool->closed = true;
    if (!pool->out)
        free(pool);
}

struct ttb_frame *ttb__frame_alloc(struct ttb__frame_pool *pool, size_t len_bytes)
{
    struct ttb_frame *frame;

    if (pool && len_bytes > POOLED_BYTES)
        pool = NULL;
    if (pool && pool->free) {
        frame = pool->free;
        pool->free = frame->next;
        pool->free_count--;
    } else {
        frame = malloc(sizeof(*frame) + (pool ? POOLED_BYTES : len_bytes));
        if (!frame)
            return NULL;
    }
    if (pool)
        pool->out++;
    frame->references = 1;
    frame->is_checked = false;
    frame->len_bytes = len_bytes;
    frame->pool = pool;
    return frame;
}

struct ttb_frame *ttb_frame_new(const void *data, size_t len_bytes)
{
    struct ttb_frame *frame = ttb__frame_alloc(NULL, len_bytes);

    if (frame)
        memcpy(frame->data, data, len_bytes);
    return frame;
}

struct ttb_frame *ttb_frame_hold(struct ttb_frame *frame)
{
    frame->references++;
    return frame;
}

void ttb_frame_release(struct ttb_frame *frame)
{
    struct ttb__frame_pool *pool;

    if (!frame || --frame->references > 0)
        return;
    pool = frame->pool;
    if (!pool) {
        free(frame);
        return;
    }
    pool->out--;
    if (pool->closed || pool->free_count == POOLED_MAX) {
        free(frame);
        if (pool->closed && !pool->out)
            free(pool);
        return;
    }
    frame->next = pool->free;
    pool->free = frame;
    pool->free_count++;
}

const void *ttb_frame_data(const struct ttb_frame *frame)
{
    return frame->data;
}

size_t ttb_frame_len_bytes(const struct ttb_frame *frame)
{
    return frame->len_bytes;
}
