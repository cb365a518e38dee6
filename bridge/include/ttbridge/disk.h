/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file disk.h
 * Disks that lose power: what is left of the writes that a node had not flushed.
 *
 * A real disk keeps writes in a volatile cache until a FLUSH (fsync(2) in the guest) makes them
 * permanent. When power fails, any of those that were not flushed may be gone, whatever their order.
 * A node's disk behaves like that if its kernel keeps an undo file (ubd<n>.undo=, see
 * doc/uml-patches.md): the node writes to its image at once, and afterwards this takes some of it
 * back. The choice depends on nothing but the file and the seed.
 *
 *     struct ttb_disk_loss loss = {.size = sizeof(loss)};
 *     ttb_disk_lose_power("nodes/db/cow", "nodes/db/undo", TTB_DISK_SOME, seed, &loss, error, 256);
 *
 * The lab does this by itself to nodes that ask for it (struct ttb_lab_disk_opts). Threading: none of
 * this has any state.
 */
#ifndef TTBRIDGE_DISK_H
#define TTBRIDGE_DISK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which of the writes since the last completed FLUSH survive. What was flushed always does. */
enum ttb_disk_survivors {
    TTB_DISK_ALL = 0, /**< all: a disk without a volatile cache */
    TTB_DISK_NONE,    /**< none: the disk is as the last FLUSH left it */
    TTB_DISK_SOME,    /**< each request does or does not, with equal chances */
    TTB_DISK_TORN, /**< each request does, does not, or is torn, with equal chances; of a torn one
                           each 512-byte sector does or does not */
};

/** "all", "none", "some", "torn". */
const char *ttb_disk_survivors_name(enum ttb_disk_survivors survivors);

/** What was done. Set `size`. */
struct ttb_disk_loss {
    size_t size;          /**< sizeof(struct ttb_disk_loss) */
    uint64_t requests;    /**< that were not flushed: writes, discards, zeroing */
    uint64_t sectors;     /**< different ones in them, of 512 bytes */
    uint64_t old_sectors; /**< of these, those that do not hold what was written last */
};

/**
 * Take back writes, and empty the undo file. The node must have ended.
 * @param image  what the node writes to: the copy-on-write file if it has one
 * @param undo   its undo file. None, an empty one, or one of a node that has not written since a FLUSH
 *               means that there is nothing to do
 * @param loss   what was done; may be NULL
 * @param error  gets a sentence on failure; may be NULL. Calling it again then does the rest.
 * @return 0; -EINVAL: the undo file is damaged, nothing was changed; -ENOMEM, -EIO, ...
 */
int ttb_disk_lose_power(const char *image, const char *undo, enum ttb_disk_survivors survivors,
                        uint64_t seed, struct ttb_disk_loss *loss, char *error, size_t error_size);

#ifdef __cplusplus
}
#endif
#endif
