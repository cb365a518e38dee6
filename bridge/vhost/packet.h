/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file packet.h
 * TCP packets in Ethernet frames, as far as segmenting and merging them needs: where the headers are,
 * and the Internet checksum. Pure: no I/O, no state.
 *
 * Every length is checked against the frame before it is used; frames come from guests and networks.
 */
#ifndef TTB_VHOST_PACKET_H
#define TTB_VHOST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

/* Longest headers that are understood, all together. */
#define TTB__PACKET_HEADERS_MAX 256u

/* Offsets in the TCP header (RFC 9293, 3.1). */
#define TTB__TCP_SEQ    4u
#define TTB__TCP_ACK    8u
#define TTB__TCP_FLAGS  13u
#define TTB__TCP_WINDOW 14u
#define TTB__TCP_CHECK  16u

#define TTB__TCP_FIN      0x01u
#define TTB__TCP_SYN      0x02u
#define TTB__TCP_RST      0x04u
#define TTB__TCP_PSH      0x08u
#define TTB__TCP_ACK_FLAG 0x10u
#define TTB__TCP_ECE      0x40u
#define TTB__TCP_CWR      0x80u

/* Offsets in the IPv4 header (RFC 791, 3.1) and in the IPv6 header (RFC 8200, 3). */
#define TTB__IPV4_LENGTH    2u
#define TTB__IPV4_ID        4u
#define TTB__IPV4_FRAGMENT  6u
#define TTB__IPV4_CHECK     10u
#define TTB__IPV4_ADDRESSES 12u
#define TTB__IPV6_LENGTH    4u
#define TTB__IPV6_NEXT      6u
#define TTB__IPV6_ADDRESSES 8u
#define TTB__IPV6_HEADER    40u

/* Invariant: l3 < l4 < payload <= end <= length of the frame; payload <= TTB__PACKET_HEADERS_MAX. */
struct ttb__packet {
    bool ipv6;
    size_t l3, l4, payload; /* where the IP header, the TCP header and the data begin */
    size_t end;             /* of the packet by its IP header; a frame may be padded */
};

/* Find the headers of a TCP packet that is no fragment.
 * @return 0; -EINVAL and a sentence that names field and value (`why` may be NULL) */
int ttb__packet_parse(const uint8_t *frame, size_t len_bytes, struct ttb__packet *packet,
                      struct ttb__error *why);

static inline uint16_t ttb__get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void ttb__put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline uint32_t ttb__get32(const uint8_t *at)
{
    return (uint32_t)ttb__get16(at) << 16 | ttb__get16(at + 2);
}

static inline void ttb__put32(uint8_t *at, uint32_t value)
{
    ttb__put16(at, (uint16_t)(value >> 16));
    ttb__put16(at + 2, (uint16_t)value);
}

/* Ones' complement sum (RFC 1071) of so many bytes, not complemented, added to `sum`. */
uint16_t ttb__checksum_add(uint16_t sum, const uint8_t *data, size_t len_bytes);
static inline uint16_t ttb__checksum_plus(uint16_t sum, uint16_t value)
{
    uint32_t total = (uint32_t)sum + value;

    return (uint16_t)((total & 0xffff) + (total >> 16));
}

/* The sum of a packet's pseudo-header: addresses, protocol, and length from the TCP header on. For
 * IPv6 with a routing header this is not what the receiver sums up. */
uint16_t ttb__packet_pseudo_sum(const uint8_t *frame, const struct ttb__packet *packet);

/* Write the IPv4 header's checksum anew. */
void ttb__packet_check_ipv4(uint8_t *frame, const struct ttb__packet *packet);

#endif
