/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost/packet.h"

#include <errno.h>

#define ETHERNET_HEADER 14u
#define VLAN_TAG        4u
#define TYPE_IPV4       0x0800u
#define TYPE_IPV6       0x86ddu
#define TYPE_VLAN       0x8100u
#define TYPE_SERVICE    0x88a8u /* the outer tag of two */
#define IPV4_HEADER     20u
#define TCP_HEADER      20u
#define PROTOCOL_TCP    6u
#define MORE_FRAGMENTS  0x2000u
#define FRAGMENT_OFFSET 0x1fffu

/* Headers that may stand between IPv6's and TCP's and have a length (RFC 8200, 4.3, 4.4, 4.6). */
static bool is_extension(uint8_t next)
{
    return next == 0 || next == 43 || next == 60;
}

static int find_ip(const uint8_t *frame, size_t len_bytes, struct ttb__packet *packet,
                   struct ttb__error *why)
{
    size_t at = ETHERNET_HEADER;
    unsigned type;

    if (len_bytes < at)
        return ttb__fail(why, -EINVAL, "a frame of %zu bytes is shorter than an Ethernet header",
                         len_bytes);
    type = ttb__get16(frame + at - 2);
    for (int tags = 0; tags < 2 && (type == TYPE_VLAN || type == TYPE_SERVICE); tags++) {
        at += VLAN_TAG;
        if (len_bytes < at)
            return ttb__fail(why, -EINVAL, "a frame of %zu bytes ends within its VLAN tag",
                             len_bytes);
        type = ttb__get16(frame + at - 2);
    }
    if (type != TYPE_IPV4 && type != TYPE_IPV6)
        return ttb__fail(why, -EINVAL, "the Ethernet type is 0x%04x, neither IPv4 nor IPv6", type);
    packet->l3 = at;
    packet->ipv6 = type == TYPE_IPV6;
    return 0;
}

static int parse_ipv4(const uint8_t *frame, size_t len_bytes, struct ttb__packet *packet,
                      struct ttb__error *why)
{
    const uint8_t *ip = frame + packet->l3;
    size_t left_bytes = len_bytes - packet->l3, header_bytes, total_bytes;
    unsigned fragment;

    if (left_bytes < IPV4_HEADER)
        return ttb__fail(why, -EINVAL, "%zu bytes are left for the IPv4 header", left_bytes);
    if (ip[0] >> 4 != 4)
        return ttb__fail(why, -EINVAL, "IPv4's version is %u", ip[0] >> 4);
    header_bytes = (size_t)(ip[0] & 0xf) * 4;
    total_bytes = ttb__get16(ip + TTB__IPV4_LENGTH);
    if (header_bytes < IPV4_HEADER || header_bytes > left_bytes)
        return ttb__fail(why, -EINVAL, "IPv4's header length is %zu of %zu bytes", header_bytes,
                         left_bytes);
    if (total_bytes < header_bytes || total_bytes > left_bytes)
        return ttb__fail(why, -EINVAL, "IPv4's total length is %zu of %zu bytes", total_bytes,
                         left_bytes);
    fragment = ttb__get16(ip + TTB__IPV4_FRAGMENT);
    if (fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET))
        return ttb__fail(why, -EINVAL, "IPv4's fragment field is 0x%04x: a fragment", fragment);
    if (ip[9] != PROTOCOL_TCP)
        return ttb__fail(why, -EINVAL, "IPv4's protocol is %u, not TCP", ip[9]);
    packet->l4 = packet->l3 + header_bytes;
    packet->end = packet->l3 + total_bytes;
    return 0;
}

static int parse_ipv6(const uint8_t *frame, size_t len_bytes, struct ttb__packet *packet,
                      struct ttb__error *why)
{
    const uint8_t *ip = frame + packet->l3;
    size_t left_bytes = len_bytes - packet->l3, at, end, payload_bytes;
    uint8_t next;

    if (left_bytes < TTB__IPV6_HEADER)
        return ttb__fail(why, -EINVAL, "%zu bytes are left for the IPv6 header", left_bytes);
    if (ip[0] >> 4 != 6)
        return ttb__fail(why, -EINVAL, "IPv6's version is %u", ip[0] >> 4);
    payload_bytes = ttb__get16(ip + TTB__IPV6_LENGTH);
    if (payload_bytes > left_bytes - TTB__IPV6_HEADER)
        return ttb__fail(why, -EINVAL, "IPv6's payload length is %zu of %zu bytes", payload_bytes,
                         left_bytes - TTB__IPV6_HEADER);
    at = packet->l3 + TTB__IPV6_HEADER;
    end = at + payload_bytes;
    next = ip[TTB__IPV6_NEXT];
    while (is_extension(next)) {
        size_t header_bytes;

        if (end - at < 8)
            return ttb__fail(why, -EINVAL, "IPv6's extension header %u ends behind the packet",
                             next);
        next = frame[at];
        header_bytes = ((size_t)frame[at + 1] + 1) * 8;
        if (header_bytes > end - at)
            return ttb__fail(why, -EINVAL, "IPv6's extension header has %zu of %zu bytes",
                             header_bytes, end - at);
        at += header_bytes;
    }
    if (next != PROTOCOL_TCP)
        return ttb__fail(why, -EINVAL, "IPv6's next header is %u, not TCP", next);
    packet->l4 = at;
    packet->end = end;
    return 0;
}

int ttb__packet_parse(const uint8_t *frame, size_t len_bytes, struct ttb__packet *packet,
                      struct ttb__error *why)
{
    size_t header_bytes;
    int rc = find_ip(frame, len_bytes, packet, why);

    if (!rc)
        rc = packet->ipv6 ? parse_ipv6(frame, len_bytes, packet, why)
                          : parse_ipv4(frame, len_bytes, packet, why);
    if (rc)
        return rc;
    if (packet->end - packet->l4 < TCP_HEADER)
        return ttb__fail(why, -EINVAL, "%zu bytes are left for the TCP header",
                         packet->end - packet->l4);
    header_bytes = (size_t)(frame[packet->l4 + 12] >> 4) * 4;
    if (header_bytes < TCP_HEADER || header_bytes > packet->end - packet->l4)
        return ttb__fail(why, -EINVAL, "TCP's header length is %zu of %zu bytes", header_bytes,
                         packet->end - packet->l4);
    packet->payload = packet->l4 + header_bytes;
    if (packet->payload > TTB__PACKET_HEADERS_MAX)
        return ttb__fail(why, -EINVAL, "the headers have %zu bytes, more than %u", packet->payload,
                         TTB__PACKET_HEADERS_MAX);
    return 0;
}

/* ------------------------------------------------------------------------------------ checksums */

/* Summed up as numbers of the machine's byte order: the sum of a ones' complement comes out in the
 * order in which it went in (RFC 1071, 2 (B)). */
uint16_t ttb__checksum_add(uint16_t sum, const uint8_t *data, size_t len_bytes)
{
    uint64_t halves[4] = {0}, total;
    uint8_t bytes[4] = {0};
    uint32_t part;
    uint16_t word;

    /* Four sums at a time, which the compiler can keep in one register. */
    for (; len_bytes >= 16; data += 16, len_bytes -= 16) {
        uint32_t parts[4];

        memcpy(parts, data, sizeof(parts));
        for (int i = 0; i < 4; i++)
            halves[i] += parts[i];
    }
    total = halves[0] + halves[1] + halves[2] + halves[3];
    for (; len_bytes >= 4; data += 4, len_bytes -= 4) {
        memcpy(&part, data, sizeof(part));
        total += part;
    }
    if (len_bytes) {
        memcpy(bytes, data, len_bytes);
        memcpy(&part, bytes, sizeof(part));
        total += part;
    }
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    word = (uint16_t)total;
    memcpy(bytes, &word, sizeof(word));
    return ttb__checksum_plus(sum, ttb__get16(bytes));
}

uint16_t ttb__packet_pseudo_sum(const uint8_t *frame, const struct ttb__packet *packet)
{
    const uint8_t *ip = frame + packet->l3;
    uint16_t sum = PROTOCOL_TCP;

    sum = ttb__checksum_plus(sum, (uint16_t)(packet->end - packet->l4));
    return packet->ipv6 ? ttb__checksum_add(sum, ip + TTB__IPV6_ADDRESSES, 32)
                        : ttb__checksum_add(sum, ip + TTB__IPV4_ADDRESSES, 8);
}

void ttb__packet_check_ipv4(uint8_t *frame, const struct ttb__packet *packet)
{
    uint8_t *ip = frame + packet->l3;

    ttb__put16(ip + TTB__IPV4_CHECK, 0);
    ttb__put16(ip + TTB__IPV4_CHECK, (uint16_t)~ttb__checksum_add(0, ip, packet->l4 - packet->l3));
}
