/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file memory.h
 * The front end's memory, mapped here: regions of files whose descriptors it sent.
 *
 * Addresses are the front end's, and untrusted: a translation yields a pointer and the number of
 * bytes that are contiguous there, so that a buffer may span regions.
 *
 * The file behind a region stays the front end's. If it makes the file shorter while it is mapped,
 * touching the missing pages raises SIGBUS. Therefore every access lies between
 * ttb__memory_enter() and ttb__memory_leave(): in between, a fault in one of the regions puts zeroed
 * pages in its place, and ttb__memory_leave() tells. See memory_guard.c.
 */
#ifndef TTB_VHOST_MEMORY_H
#define TTB_VHOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>

#include "base/error.h"
#include "vhost/wire.h"

/* Invariant: guest_addr + size_bytes and user_addr + size_bytes do not overflow; host points to
 * size_bytes bytes within [map, map + map_bytes). */
struct ttb__memory_region {
    uint64_t guest_addr, user_addr, size_bytes, mmap_offset;
    uint8_t *host;
    void *map;
    size_t map_bytes;
    uint64_t device, inode; /* of the file: aliases of one file may share user addresses */
    volatile sig_atomic_t lost;
};

struct ttb__memory {
    struct ttb__memory_region regions[TTB__VHOST_REGIONS_MAX];
    unsigned count;
};

/* Map one region of `fd` (which stays the caller's) into a free slot. `error` names the field.
 * @return 0; -EINVAL, -ENOSPC (no slot), -EEXIST (overlap), or what fstat and mmap say */
int ttb__memory_add(struct ttb__memory *memory, const struct ttb__vhost_region *region, int fd,
                    struct ttb__error *error);

/* Unmap the region with these addresses and size. -ENOENT if there is none. */
int ttb__memory_remove(struct ttb__memory *memory, const struct ttb__vhost_region *region,
                       struct ttb__error *error);

/* Unmap everything. */
void ttb__memory_clear(struct ttb__memory *memory);

/* Translate. *len_bytes becomes the number of bytes from `addr` to the end of its region. NULL if
 * no region holds it. The pointer is valid until the table changes. */
void *ttb__memory_guest(const struct ttb__memory *memory, uint64_t addr, uint64_t *len_bytes);
void *ttb__memory_user(const struct ttb__memory *memory, uint64_t addr, uint64_t *len_bytes);

/* Copy from guest memory, across regions if need be. False if a byte lies outside of them. */
bool ttb__memory_read_guest(const struct ttb__memory *memory, uint64_t addr, void *data,
                            size_t len_bytes);

/* One stretch of code that touches the regions of `memory`. Lives on the stack; stretches of
 * different memories may nest (a frame of one device goes to another). */
struct ttb__memory_guard {
    struct ttb__memory *memory;
    struct ttb__memory_guard *outer;
};

void ttb__memory_enter(struct ttb__memory_guard *guard, struct ttb__memory *memory);
/* @return 0, or -EFAULT with a sentence when the front end has taken mapped memory away */
int ttb__memory_leave(struct ttb__memory_guard *guard, struct ttb__error *error);

/* Make SIGBUS handling ready; called before the first region is mapped. */
int ttb__memory_guard_init(void);

#endif
