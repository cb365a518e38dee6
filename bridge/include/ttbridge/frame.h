/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file frame.h
 * An Ethernet frame that several hold at a time, without copies: from a node's ring through the network to the
 * rings of others. What is in it does not change.
 *
 * A frame belongs to the thread of the bridge that it came from. It may be held for longer than the bridge lives.
 */
#ifndef TTBRIDGE_FRAME_H
#define TTBRIDGE_FRAME_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ttb_frame;

/** Make one of a copy of `data`: Ethernet header and payload, no FCS.
 * @return it, held by the caller (ttb_frame_release()); NULL: no memory */
struct ttb_frame *ttb_frame_new(const void *data, size_t len_bytes);

/** Hold it, too. @return the frame */
struct ttb_frame *ttb_frame_hold(struct ttb_frame *frame);

/** Hold it no longer: whoever does so last frees it. NULL is allowed. */
void ttb_frame_release(struct ttb_frame *frame);

/** What is in it, for as long as it is held. */
const void *ttb_frame_data(const struct ttb_frame *frame);
size_t ttb_frame_len_bytes(const struct ttb_frame *frame);

#ifdef __cplusplus
}
#endif
#endif
