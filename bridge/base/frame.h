/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file frame.h
 * Frames that are held by reference (ttbridge/frame.h), inside, and where their memory comes from: a bridge makes
 * and forgets thousands of them of nearly the same size, so it keeps some.
 */
#ifndef TTB_BASE_FRAME_H
#define TTB_BASE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <ttbridge/frame.h>

struct ttb__frame_pool;

struct ttb_frame {
    unsigned references;
    bool is_checked; /* its TCP or UDP checksum is right: we have made it ourselves */
    size_t len_bytes;
    struct ttb__frame_pool *pool; /* NULL: none */
    struct ttb_frame *next;       /* in the pool */
    uint8_t data[];
};

/* Make a pool, which lives until it has been closed and its last frame released. NULL: no memory. */
struct ttb__frame_pool *ttb__frame_pool_new(void);
/* NULL is allowed. */
void ttb__frame_pool_close(struct ttb__frame_pool *pool);

/* A frame to be written, held by the caller. `pool` may be NULL. NULL: no memory. */
struct ttb_frame *ttb__frame_alloc(struct ttb__frame_pool *pool, size_t len_bytes);

#endif
