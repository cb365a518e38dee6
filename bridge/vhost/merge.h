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

#include "vhost/packet.h"
#include "vhost/wire.h"

/* Longest packet that segments are merged to: what an IPv4 header can say, behind a VLAN tag each. */
#define TTB__MERGED_BYTES_MAX (65535u + 22u)

/* Segments that are being merged. */
struct ttb__merger {
    uint8_t *merged; /* the caller's, TTB__MERGED_BYTES_MAX bytes */
    const uint8_t *first;
    size_t len_bytes; /* of the first, or so far in `merged` */
    bool open;        /* the next segment may join */
    unsigned count;   /* segments so far */
    size_t gso_bytes; /* data of each segment but the last */
    struct ttb__packet packet;
};

/*
 * Begin with a frame, which is used until ttb__merge_finish().
 * @param features  that the driver acknowledged: TTB__VIRTIO_NET_F_GUEST_*
 */
void ttb__merge_begin(struct ttb__merger *merger, uint8_t *merged, uint64_t features,
                      const uint8_t *frame, size_t len_bytes);

/* True if the frame continues what is there, and has joined it. */
bool ttb__merge_add(struct ttb__merger *merger, const uint8_t *frame, size_t len_bytes);

/* What is to be given to the driver: the first frame as it came, or the merged ones, with a header
 * that says which (num_buffers is left alone). Host's byte order. */
const uint8_t *ttb__merge_finish(struct ttb__merger *merger, struct ttb__net_header *header,
                                 size_t *len_bytes);

#endif
