/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file merge.h
 * What a network card does to frames for a driver that takes several TCP segments as one: those that
 * follow each other become one packet, with which the driver can tell what they were (virtio 1.2,
 * 5.1.6.4). The rules are those of Linux's own merging (net/ipv4/tcp_offload.c), so what comes out
 * can be segmented again into exactly what went in. Pure: no I/O.
 */
#ifndef TTB_VHOST_MERGE_H
#define TTB_VHOST_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vhost/packet.h"
#include "vhost/wire.h"

/* Segments that are merged to one, at most: of an MTU of 1500 a packet of 64 KiB has 45. */
#define TTB__MERGE_MAX 256u

/* Segments that are being merged. No data is copied. */
struct ttb__merger {
    const uint8_t *first;
    size_t len_bytes; /* of what has been merged so far */
    bool open;        /* the next segment may join */
    bool first_is_checked;
    unsigned count;   /* segments so far */
    size_t gso_bytes; /* data of each segment but the last */
    uint8_t flags;    /* of TCP, of all of them */
    struct ttb__packet packet;
    uint8_t headers[TTB__PACKET_HEADERS_MAX];
    struct iovec parts[1 + TTB__MERGE_MAX]; /* the headers, and each segment's data */
};

/*
 * Begin with a frame, which, as all that join it, is used as long as what ttb__merge_finish() has returned.
 * @param features  that the driver acknowledged: TTB__VIRTIO_NET_F_GUEST_*
 * @param is_checked  TCP's checksum is known to be right
 */
void ttb__merge_begin(struct ttb__merger *merger, uint64_t features, const uint8_t *frame,
                      size_t len_bytes, bool is_checked);

/* True if the frame continues what is there, and has joined it. */
bool ttb__merge_add(struct ttb__merger *merger, const uint8_t *frame, size_t len_bytes,
                    bool is_checked);

/* What is to be given to the driver: the first frame as it came, or the merged ones, in *part_count parts, with a
 * header that says which (num_buffers is left alone). Host's byte order. */
const struct iovec *ttb__merge_finish(struct ttb__merger *merger, struct ttb__net_header *header,
                                      unsigned *part_count, size_t *len_bytes);

#endif
