/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file virtqueue.h
 * The device's side of a split virtqueue (virtio 1.2, 2.7).
 *
 * The rings lie in memory that the driver may change at any moment, lawfully (eventfd mode) or not.
 * Hence: every value is read once, into a copy, and the copy is checked; nothing read is ever trusted
 * again later; and work per call is bounded by the ring's size.
 *
 * Chains are marked used in the order in which they were popped, and none stays in flight between
 * calls from above. So "used index == last popped available index" holds whenever nobody is inside,
 * and stopping a ring (GET_VRING_BASE) loses nothing.
 *
 * All functions that touch the ring are called between ttb__memory_enter() and _leave().
 */
#ifndef TTB_VHOST_VIRTQUEUE_H
#define TTB_VHOST_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "vhost/memory.h"
#include "vhost/wire.h"

/* A chain of descriptors, translated: first what the device reads, then what it writes. Reused from
 * pop to pop; zero-initialised it is empty; ttb__chain_free() ends it. */
struct ttb__chain {
    uint16_t head;
    struct iovec *parts;
    unsigned capacity;
    unsigned out_parts, in_parts; /* parts[0..out), parts[out..out+in) */
    uint64_t out_bytes, in_bytes;
};

void ttb__chain_free(struct ttb__chain *chain);

/* A place in the readable or the writable part of a chain. */
struct ttb__chain_cursor {
    const struct iovec *part, *end;
    size_t offset;
};

struct ttb__chain_cursor ttb__chain_out(const struct ttb__chain *chain);
struct ttb__chain_cursor ttb__chain_in(const struct ttb__chain *chain);
/* Copy at the cursor and advance it. @return bytes copied: less than len_bytes at the end. */
size_t ttb__chain_read(struct ttb__chain_cursor *cursor, void *data, size_t len_bytes);
size_t ttb__chain_write(struct ttb__chain_cursor *cursor, const void *data, size_t len_bytes);
size_t ttb__chain_skip(struct ttb__chain_cursor *cursor, size_t len_bytes);

struct ttb__virtqueue {
    uint32_t num; /* 0: not set */
    bool has_addr;
    uint64_t desc_addr, avail_addr, used_addr; /* the front end's user addresses */
    bool event_idx, indirect;                  /* negotiated; latched when the ring starts */

    struct ttb__ring_desc *desc; /* valid while the ring runs */
    uint16_t *avail;             /* flags, idx, ring[num], used_event */
    uint16_t *used;              /* flags, idx, elements[num], avail_event */

    uint16_t next_avail;     /* next entry of the available ring to pop */
    uint16_t seen_avail;     /* the driver's index when it was last read, or the limit */
    bool limited;            /* see ttb__virtqueue_limit() */
    uint16_t next_used;      /* our used index */
    uint16_t signalled_used; /* our used index when a call was last decided upon */
};

/* Translate the ring's addresses. -EINVAL with a sentence. */
int ttb__virtqueue_map(struct ttb__virtqueue *queue, const struct ttb__memory *memory,
                       struct ttb__error *error);

/* Take up the ring where it stands. */
void ttb__virtqueue_start(struct ttb__virtqueue *queue);

/* True if the driver has made a chain available. An index beyond the ring counts as available: the
 * next pop tells what is wrong. */
bool ttb__virtqueue_has_avail(struct ttb__virtqueue *queue);

/* Until ttb__virtqueue_unlimit(), chains at and after this available index do not exist. -EINVAL with a
 * sentence: the driver has not come so far. */
int ttb__virtqueue_limit(struct ttb__virtqueue *queue, uint16_t avail_idx,
                         struct ttb__error *error);
void ttb__virtqueue_unlimit(struct ttb__virtqueue *queue);

/* Take the next chain.
 * @return 1 and *chain, 0 if there is none, -EINVAL (malformed) or -ENOMEM with a sentence */
int ttb__virtqueue_pop(struct ttb__virtqueue *queue, const struct ttb__memory *memory,
                       struct ttb__chain *chain, struct ttb__error *error);

/* Put the last `count` popped chains back. */
void ttb__virtqueue_unpop(struct ttb__virtqueue *queue, unsigned count);

/* Mark chains used, all at once as far as the driver can see. */
void ttb__virtqueue_push(struct ttb__virtqueue *queue, const struct ttb__ring_used_elem *elems,
                         unsigned count);

/* Decide whether the driver wants a call for what was marked used since the last decision. */
bool ttb__virtqueue_wants_call(struct ttb__virtqueue *queue);

/* Ask the driver for a kick when it makes the next chain available, or for none. When asking, look
 * once more afterwards (ttb__virtqueue_has_avail()): the driver may just have added one. */
void ttb__virtqueue_ask_kicks(struct ttb__virtqueue *queue, bool on);

#endif
