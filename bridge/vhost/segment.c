/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost/segment.h"

#include <errno.h>

#define ETHERNET_HEADER  14u
#define UDP_CHECK_OFFSET 6u

static bool has(uint64_t features, unsigned bit)
{
    return features & TTB__BIT(bit);
}

static int check_checksum(struct ttb__segmenter *segmenter, const struct ttb__net_header *header,
                          uint64_t features, struct ttb__error *why)
{
    size_t len_bytes = segmenter->len_bytes;

    if (!(header->flags & TTB__NET_F_NEEDS_CSUM))
        return 0;
    if (!has(features, TTB__VIRTIO_NET_F_CSUM))
        return ttb__fail(why, -EINVAL,
                         "flags 0x%x asks for a checksum, an offload that was not negotiated",
                         header->flags);
    segmenter->checksum = true;
    segmenter->from = header->csum_start;
    segmenter->check = segmenter->from + header->csum_offset;
    if (segmenter->from < ETHERNET_HEADER || segmenter->from >= len_bytes)
        return ttb__fail(why, -EINVAL, "csum_start %u lies outside of the frame of %zu bytes",
                         header->csum_start, len_bytes);
    if (segmenter->check + 2 > len_bytes)
        return ttb__fail(why, -EINVAL,
                         "csum_offset %u behind csum_start %u lies outside of the frame of %zu "
                         "bytes",
                         header->csum_offset, header->csum_start, len_bytes);
    return 0;
}

static int check_type(const struct ttb__net_header *header, uint64_t features, bool *ipv6,
                      struct ttb__error *why)
{
    unsigned type = header->gso_type & ~TTB__NET_GSO_ECN;

    *ipv6 = type == TTB__NET_GSO_TCPV6;
    if ((type != TTB__NET_GSO_TCPV4 && type != TTB__NET_GSO_TCPV6) ||
        !has(features, *ipv6 ? TTB__VIRTIO_NET_F_HOST_TSO6 : TTB__VIRTIO_NET_F_HOST_TSO4) ||
        (header->gso_type != type && !has(features, TTB__VIRTIO_NET_F_HOST_ECN)))
        return ttb__fail(why, -EINVAL, "gso_type 0x%x is an offload that was not negotiated",
                         header->gso_type);
    return 0;
}

/* The frame itself must be what the header says it is. */
static int check_packet(struct ttb__segmenter *segmenter, const struct ttb__net_header *header,
                        bool ipv6, struct ttb__error *why)
{
    struct ttb__packet *packet = &segmenter->packet;
    struct ttb__error what;
    unsigned flags;

    if (ttb__packet_parse(segmenter->frame, segmenter->len_bytes, packet, &what))
        return ttb__fail(why, -EINVAL, "gso_type 0x%x, but %s", header->gso_type, what.text);
    if (packet->ipv6 != ipv6)
        return ttb__fail(why, -EINVAL, "gso_type 0x%x, but the packet is IPv%d", header->gso_type,
                         packet->ipv6 ? 6 : 4);
    if (packet->end != segmenter->len_bytes)
        return ttb__fail(why, -EINVAL, "the IP packet has %zu bytes, but %zu follow the headers",
                         packet->end - packet->l3, segmenter->len_bytes - packet->l3);
    if (segmenter->from != packet->l4 || header->csum_offset != TTB__TCP_CHECK)
        return ttb__fail(why, -EINVAL,
                         "csum_start %u and csum_offset %u, but TCP has them at %zu and %u",
                         header->csum_start, header->csum_offset, packet->l4, TTB__TCP_CHECK);
    flags = segmenter->frame[packet->l4 + TTB__TCP_FLAGS];
    if (flags & (TTB__TCP_SYN | TTB__TCP_RST))
        return ttb__fail(why, -EINVAL, "TCP's flags are 0x%02x: SYN and RST cannot be segmented",
                         flags);
    return 0;
}

static int check_sizes(const struct ttb__segmenter *segmenter, const struct ttb__net_header *header,
                       size_t frame_bytes_max, struct ttb__error *why)
{
    size_t data_bytes = segmenter->packet.end - segmenter->packet.payload;

    /* A hint of how long the headers are, that a device must not rely upon; Linux sends what is
     * contiguous of the frame. drivers/net/tun.c refuses what lies outside as well. */
    if (header->hdr_len > segmenter->len_bytes)
        return ttb__fail(why, -EINVAL, "hdr_len %u exceeds the frame's %zu bytes", header->hdr_len,
                         segmenter->len_bytes);
    if (header->gso_size == 0)
        return ttb__fail(why, -EINVAL, "gso_size 0 with gso_type 0x%x", header->gso_type);
    if (segmenter->packet.payload + header->gso_size > frame_bytes_max &&
        segmenter->len_bytes > frame_bytes_max)
        return ttb__fail(why, -EINVAL,
                         "gso_size %u and headers of %zu bytes make frames longer than %zu",
                         header->gso_size, segmenter->packet.payload, frame_bytes_max);
    if (data_bytes > (size_t)header->gso_size * TTB__SEGMENTS_MAX)
        return ttb__fail(why, -EINVAL, "gso_size %u cuts %zu bytes into more than %u segments",
                         header->gso_size, data_bytes, TTB__SEGMENTS_MAX);
    return 0;
}

int ttb__segment_begin(struct ttb__segmenter *segmenter, const struct ttb__net_header *header,
                       uint64_t features, const uint8_t *frame, size_t len_bytes,
                       size_t frame_bytes_max, struct ttb__error *why)
{
    bool ipv6;
    int rc;

    segmenter->frame = frame;
    segmenter->len_bytes = len_bytes;
    segmenter->checksum = false;
    segmenter->gso_bytes = 0;
    segmenter->count = 0;
    rc = check_checksum(segmenter, header, features, why);
    if (rc || header->gso_type == TTB__NET_GSO_NONE)
        return rc;
    rc = check_type(header, features, &ipv6, why);
    if (rc)
        return rc;
    if (!segmenter->checksum)
        return ttb__fail(why, -EINVAL, "gso_type 0x%x without NEEDS_CSUM (flags 0x%x)",
                         header->gso_type, header->flags);
    rc = check_packet(segmenter, header, ipv6, why);
    if (!rc)
        rc = check_sizes(segmenter, header, frame_bytes_max, why);
    if (rc)
        return rc;
    segmenter->gso_bytes = header->gso_size;
    segmenter->next = segmenter->packet.payload;
    return 0;
}

/* What the driver left in the field is the sum of the pseudo-header; the rest is ours. */
static void fill_in_checksum(const struct ttb__segmenter *segmenter, uint8_t *frame,
                             size_t len_bytes)
{
    uint16_t sum =
        (uint16_t)~ttb__checksum_add(0, frame + segmenter->from, len_bytes - segmenter->from);

    /* UDP writes a sum of 0 in its other form, since 0 means that there is none (RFC 768). */
    if (sum == 0 && segmenter->check - segmenter->from == UDP_CHECK_OFFSET)
        sum = 0xffff;
    ttb__put16(frame + segmenter->check, sum);
}

static void write_lengths(const struct ttb__segmenter *segmenter, uint8_t *frame, size_t len_bytes)
{
    const struct ttb__packet *whole = &segmenter->packet;
    uint8_t *ip = frame + whole->l3, *check = frame + whole->l4 + TTB__TCP_CHECK;
    uint16_t sum;

    if (whole->ipv6) {
        ttb__put16(ip + TTB__IPV6_LENGTH, (uint16_t)(len_bytes - whole->l3 - TTB__IPV6_HEADER));
    } else {
        uint16_t id = ttb__get16(ip + TTB__IPV4_ID);

        ttb__put16(ip + TTB__IPV4_LENGTH, (uint16_t)(len_bytes - whole->l3));
        ttb__put16(ip + TTB__IPV4_ID, (uint16_t)(id + segmenter->count));
        ttb__packet_check_ipv4(frame, whole);
    }
    /* The driver's sum is that of the whole packet's pseudo-header: another length. (Not made anew:
     * with a routing header of IPv6 the driver knows the destination, the packet does not.) */
    sum = ttb__get16(check);
    sum = ttb__checksum_plus(sum, (uint16_t) ~(uint16_t)(whole->end - whole->l4));
    sum = ttb__checksum_plus(sum, (uint16_t)(len_bytes - whole->l4));
    ttb__put16(check, sum);
}

static void write_tcp(const struct ttb__segmenter *segmenter, uint8_t *frame, bool last)
{
    uint8_t *tcp = frame + segmenter->packet.l4;
    uint32_t done_bytes = (uint32_t)(segmenter->next - segmenter->packet.payload);

    ttb__put32(tcp + TTB__TCP_SEQ, ttb__get32(tcp + TTB__TCP_SEQ) + done_bytes);
    if (!last)
        tcp[TTB__TCP_FLAGS] &= (uint8_t) ~(TTB__TCP_FIN | TTB__TCP_PSH);
    if (segmenter->count > 0)
        tcp[TTB__TCP_FLAGS] &= (uint8_t)~TTB__TCP_CWR;
}

static size_t data_bytes_of_next(const struct ttb__segmenter *segmenter)
{
    size_t data_bytes = segmenter->len_bytes - segmenter->next;

    return data_bytes < segmenter->gso_bytes ? data_bytes : segmenter->gso_bytes;
}

size_t ttb__segment_next_bytes(const struct ttb__segmenter *segmenter)
{
    if (!segmenter->gso_bytes)
        return segmenter->count ? 0 : segmenter->len_bytes;
    /* A packet without data is one segment. */
    if (segmenter->next == segmenter->len_bytes && segmenter->count)
        return 0;
    return segmenter->packet.payload + data_bytes_of_next(segmenter);
}

void ttb__segment_next(struct ttb__segmenter *segmenter, uint8_t *frame)
{
    size_t headers_bytes = segmenter->packet.payload, data_bytes;

    if (!segmenter->gso_bytes) {
        memcpy(frame, segmenter->frame, segmenter->len_bytes);
        if (segmenter->checksum)
            fill_in_checksum(segmenter, frame, segmenter->len_bytes);
        segmenter->count++;
        return;
    }
    data_bytes = data_bytes_of_next(segmenter);
    memcpy(frame, segmenter->frame, headers_bytes);
    memcpy(frame + headers_bytes, segmenter->frame + segmenter->next, data_bytes);
    write_tcp(segmenter, frame, segmenter->next + data_bytes == segmenter->len_bytes);
    write_lengths(segmenter, frame, headers_bytes + data_bytes);
    fill_in_checksum(segmenter, frame, headers_bytes + data_bytes);
    segmenter->next += data_bytes;
    segmenter->count++;
}
