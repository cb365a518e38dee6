/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost/merge.h"

#define IPV4_HEADER  20u
#define IP_BYTES_MAX 65535u

/* All ones is what a sum over a packet with its checksum comes to. */
static bool checksums_are_right(const uint8_t *frame, const struct ttb__packet *packet,
                                bool tcp_is_right)
{
    const uint8_t *ip = frame + packet->l3, *tcp = frame + packet->l4;
    uint16_t sum;

    if (!packet->ipv6 && ttb__checksum_add(0, ip, packet->l4 - packet->l3) != 0xffff)
        return false;
    if (tcp_is_right)
        return true;
    sum = ttb__packet_pseudo_sum(frame, packet);
    return ttb__checksum_add(sum, tcp, packet->end - packet->l4) == 0xffff;
}

/* Plain headers, data, and nothing in the flags that needs looking after. */
static bool is_plain(const uint8_t *frame, size_t len_bytes, const struct ttb__packet *packet)
{
    const unsigned allowed = TTB__TCP_ACK_FLAG | TTB__TCP_PSH | TTB__TCP_FIN | TTB__TCP_ECE;
    unsigned flags = frame[packet->l4 + TTB__TCP_FLAGS];
    size_t ip_bytes = packet->l4 - packet->l3;

    if (packet->end != len_bytes || packet->end == packet->payload)
        return false;
    if (ip_bytes != (packet->ipv6 ? TTB__IPV6_HEADER : IPV4_HEADER))
        return false;
    return (flags & TTB__TCP_ACK_FLAG) && !(flags & ~allowed);
}

static bool ends_here(const uint8_t *frame, const struct ttb__packet *packet)
{
    return frame[packet->l4 + TTB__TCP_FLAGS] & (TTB__TCP_PSH | TTB__TCP_FIN);
}

static void add_part(struct ttb__merger *merger, unsigned index, const uint8_t *data,
                     size_t len_bytes)
{
    merger->parts[index] = (struct iovec){.iov_base = (void *)data, .iov_len = len_bytes};
}

void ttb__merge_begin(struct ttb__merger *merger, uint64_t features, const uint8_t *frame,
                      size_t len_bytes, bool is_checked)
{
    struct ttb__packet *packet = &merger->packet;

    merger->first = frame;
    merger->first_is_checked = is_checked;
    merger->len_bytes = len_bytes;
    merger->count = 1;
    merger->open = false;
    if (ttb__packet_parse(frame, len_bytes, packet, NULL) || !is_plain(frame, len_bytes, packet))
        return;
    merger->gso_bytes = packet->end - packet->payload;
    merger->open = (features & TTB__BIT(packet->ipv6 ? TTB__VIRTIO_NET_F_GUEST_TSO6
                                                     : TTB__VIRTIO_NET_F_GUEST_TSO4)) &&
                   !ends_here(frame, packet);
    merger->flags = frame[packet->l4 + TTB__TCP_FLAGS];
    add_part(merger, 1, frame + packet->payload, merger->gso_bytes);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

/* Everything of the Ethernet and IP headers but lengths, identification and checksum. */
static bool same_path(const struct ttb__merger *merger, const uint8_t *frame)
{
    const uint8_t *first = merger->first;
    size_t l3 = merger->packet.l3;

    if (!same(first, frame, 0, l3))
        return false;
    if (merger->packet.ipv6)
        return same(first, frame, l3, l3 + TTB__IPV6_LENGTH) &&
               same(first, frame, l3 + TTB__IPV6_NEXT, merger->packet.l4);
    return same(first, frame, l3, l3 + TTB__IPV4_LENGTH) &&
           same(first, frame, l3 + TTB__IPV4_FRAGMENT, l3 + TTB__IPV4_CHECK) &&
           same(first, frame, l3 + TTB__IPV4_ADDRESSES, merger->packet.l4) &&
           ttb__get16(frame + l3 + TTB__IPV4_ID) ==
               (uint16_t)(ttb__get16(first + l3 + TTB__IPV4_ID) + merger->count);
}

/* Everything of the TCP header but sequence number, checksum, and what may stand in the last only. */
static bool same_connection(const struct ttb__merger *merger, const uint8_t *frame)
{
    const uint8_t *first = merger->first;
    size_t tcp = merger->packet.l4, data = merger->packet.payload;
    uint32_t done_bytes = (uint32_t)(merger->len_bytes - data);
    unsigned differ = first[tcp + TTB__TCP_FLAGS] ^ frame[tcp + TTB__TCP_FLAGS];

    return same(first, frame, tcp, tcp + TTB__TCP_SEQ) &&
           ttb__get32(frame + tcp + TTB__TCP_SEQ) ==
               ttb__get32(first + tcp + TTB__TCP_SEQ) + done_bytes &&
           same(first, frame, tcp + TTB__TCP_ACK, tcp + TTB__TCP_FLAGS) &&
           !(differ & ~(TTB__TCP_PSH | TTB__TCP_FIN)) &&
           same(first, frame, tcp + TTB__TCP_WINDOW, tcp + TTB__TCP_CHECK) &&
           same(first, frame, tcp + TTB__TCP_CHECK + 2, data);
}

bool ttb__merge_add(struct ttb__merger *merger, const uint8_t *frame, size_t len_bytes,
                    bool is_checked)
{
    struct ttb__packet packet;
    size_t data_bytes;

    if (!merger->open || merger->count == TTB__MERGE_MAX ||
        ttb__packet_parse(frame, len_bytes, &packet, NULL) || !is_plain(frame, len_bytes, &packet))
        return false;
    if (packet.ipv6 != merger->packet.ipv6 || packet.l3 != merger->packet.l3 ||
        packet.l4 != merger->packet.l4 || packet.payload != merger->packet.payload)
        return false;
    data_bytes = packet.end - packet.payload;
    if (data_bytes > merger->gso_bytes || merger->len_bytes - packet.l3 + data_bytes > IP_BYTES_MAX)
        return false;
    if (!same_path(merger, frame) || !same_connection(merger, frame))
        return false;
    /* What is wrong is for the driver to find. */
    if (merger->count == 1 &&
        !checksums_are_right(merger->first, &merger->packet, merger->first_is_checked)) {
        merger->open = false;
        return false;
    }
    if (!checksums_are_right(frame, &packet, is_checked))
        return false;
    merger->flags |= frame[packet.l4 + TTB__TCP_FLAGS];
    merger->len_bytes += data_bytes;
    add_part(merger, ++merger->count, frame + packet.payload, data_bytes);
    merger->open = data_bytes == merger->gso_bytes && !ends_here(frame, &packet);
    return true;
}

static void write_headers(struct ttb__merger *merger)
{
    struct ttb__packet *packet = &merger->packet;
    uint8_t *headers = merger->headers;

    memcpy(headers, merger->first, packet->payload);
    headers[packet->l4 + TTB__TCP_FLAGS] = merger->flags;
    packet->end = merger->len_bytes;
    if (packet->ipv6) {
        ttb__put16(headers + packet->l3 + TTB__IPV6_LENGTH,
                   (uint16_t)(packet->end - packet->l3 - TTB__IPV6_HEADER));
    } else {
        ttb__put16(headers + packet->l3 + TTB__IPV4_LENGTH, (uint16_t)(packet->end - packet->l3));
        ttb__packet_check_ipv4(headers, packet);
    }
    ttb__put16(headers + packet->l4 + TTB__TCP_CHECK, ttb__packet_pseudo_sum(headers, packet));
}

const struct iovec *ttb__merge_finish(struct ttb__merger *merger, struct ttb__net_header *header,
                                      unsigned *part_count, size_t *len_bytes)
{
    const struct ttb__packet *packet = &merger->packet;

    *len_bytes = merger->len_bytes;
    header->flags = 0;
    header->gso_type = TTB__NET_GSO_NONE;
    header->hdr_len = header->gso_size = header->csum_start = header->csum_offset = 0;
    if (merger->count == 1) {
        add_part(merger, 0, merger->first, merger->len_bytes);
        *part_count = 1;
        return merger->parts;
    }
    write_headers(merger);
    add_part(merger, 0, merger->headers, packet->payload);
    *part_count = 1 + merger->count;
    header->flags = TTB__NET_F_NEEDS_CSUM;
    header->gso_type = packet->ipv6 ? TTB__NET_GSO_TCPV6 : TTB__NET_GSO_TCPV4;
    header->hdr_len = (uint16_t)packet->payload;
    header->gso_size = (uint16_t)merger->gso_bytes;
    header->csum_start = (uint16_t)packet->l4;
    header->csum_offset = TTB__TCP_CHECK;
    return merger->parts;
}
