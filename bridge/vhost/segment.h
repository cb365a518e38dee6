/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file segment.h
 * What a network card does to a frame whose driver has left checksums and segmentation to it: the
 * frames that are then on the wire (virtio 1.2, 5.1.6.2). Pure: no I/O.
 *
 * The frame and its virtio header come from a guest and are not trusted. What makes no sense is
 * refused with a sentence that names field and value.
 */
#ifndef TTB_VHOST_SEGMENT_H
#define TTB_VHOST_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost/packet.h"
#include "vhost/wire.h"

/* Most frames that one is cut into. A guest that asks for more, with a gso_size of a few bytes, would
 * have us make thousands of times of what it makes. Linux needs 46 at an MTU of 1500. */
#define TTB__SEGMENTS_MAX 2048u

/* One frame that is being cut up. */
struct ttb__segmenter {
    const uint8_t *frame;
    size_t len_bytes;
    bool checksum; /* to be filled in at `check`, over what lies from `from` on */
    size_t from, check;
    size_t gso_bytes; /* data of each segment but the last; 0: the frame is not cut */
    struct ttb__packet packet;
    size_t next;    /* where the data of the next segment begins */
    unsigned count; /* segments made so far */
};

/*
 * Begin with a frame, which is used until the last segment has been made.
 * @param header  as the driver wrote it, in the host's byte order
 * @param features  that the driver acknowledged: TTB__VIRTIO_NET_F_CSUM and HOST_*
 * @param frame_bytes_max  longest frame that the wire takes
 * @return 0; -EINVAL and a sentence
 */
int ttb__segment_begin(struct ttb__segmenter *segmenter, const struct ttb__net_header *header,
                       uint64_t features, const uint8_t *frame, size_t len_bytes,
                       size_t frame_bytes_max, struct ttb__error *why);

/* How long the next frame for the wire is; 0: there is none left. */
size_t ttb__segment_next_bytes(const struct ttb__segmenter *segmenter);
/* Write it, so many bytes. */
void ttb__segment_next(struct ttb__segmenter *segmenter, uint8_t *frame);

#endif
