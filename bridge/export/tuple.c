/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/tuple.h"

#include <string.h>

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void take_ports(const uint8_t *at, size_t len_bytes, struct ttb__tuple *tuple,
                       struct ttb__tuple_info *info)
{
    switch (tuple->protocol) {
    case TTB__IP_TCP:
    case TTB__IP_UDP:
    case TTB__IP_SCTP:
        if (len_bytes < 4)
            return;
        tuple->source_port = be16(at);
        tuple->destination_port = be16(at + 2);
        info->has_ports = true;
        break;
    default:
        break;
    }
    /* RFC 9293, section 3.1. */
    if (tuple->protocol == TTB__IP_TCP && len_bytes >= 14 && (at[13] & 2)) {
        info->is_syn = true;
        info->sequence = (uint32_t)be16(at + 4) << 16 | be16(at + 6);
    }
}

static bool take_ipv4(const uint8_t *at, size_t len_bytes, struct ttb__tuple *tuple,
                      struct ttb__tuple_info *info)
{
    size_t header_bytes;

    if (len_bytes < 20 || at[0] >> 4 != 4)
        return false;
    header_bytes = (at[0] & 15u) * 4;
    if (header_bytes < 20)
        return false;
    info->ip_bytes = be16(at + 2);
    info->dscp = at[1] >> 2;
    tuple->protocol = at[9];
    memcpy(tuple->source, at + 12, 4);
    memcpy(tuple->destination, at + 16, 4);
    if (header_bytes <= len_bytes && !(be16(at + 6) & 0x1fff))
        take_ports(at + header_bytes, len_bytes - header_bytes, tuple, info);
    return true;
}

static bool take_ipv6(const uint8_t *at, size_t len_bytes, struct ttb__tuple *tuple,
                      struct ttb__tuple_info *info)
{
    uint8_t next;

    if (len_bytes < 40 || at[0] >> 4 != 6)
        return false;
    info->ip_bytes = 40u + be16(at + 4);
    info->dscp = (uint8_t)(be16(at) >> 6 & 0x3f);
    tuple->v6 = 1;
    next = at[6];
    memcpy(tuple->source, at + 8, 16);
    memcpy(tuple->destination, at + 24, 16);
    at += 40;
    len_bytes -= 40;
    /* Hop-by-hop, routing, destination options, fragment: RFC 8200, section 4. */
    while ((next == 0 || next == 43 || next == 60 || next == 44) && len_bytes >= 8) {
        size_t header_bytes = next == 44 ? 8 : ((size_t)at[1] + 1) * 8;
        bool later_fragment = next == 44 && be16(at + 2) >> 3;

        next = at[0];
        if (header_bytes > len_bytes || later_fragment) {
            len_bytes = 0;
            break;
        }
        at += header_bytes;
        len_bytes -= header_bytes;
    }
    tuple->protocol = next;
    take_ports(at, len_bytes, tuple, info);
    return true;
}

bool ttb__tuple_of(const void *frame, size_t known_bytes, struct ttb__tuple *tuple,
                   struct ttb__tuple_info *info)
{
    const uint8_t *at = frame;
    size_t len_bytes = known_bytes;
    uint16_t type;

    memset(tuple, 0, sizeof(*tuple));
    memset(info, 0, sizeof(*info));
    if (len_bytes < 14)
        return false;
    type = be16(at + 12);
    at += 14;
    len_bytes -= 14;
    while ((type == 0x8100 || type == 0x88a8) && len_bytes >= 4) {
        type = be16(at + 2);
        at += 4;
        len_bytes -= 4;
    }
    if (type == 0x0800)
        return take_ipv4(at, len_bytes, tuple, info);
    if (type == 0x86dd)
        return take_ipv6(at, len_bytes, tuple, info);
    return false;
}

const char *ttb__ip_protocol_name(uint8_t protocol)
{
    switch (protocol) {
    case 1:
        return "icmp";
    case 2:
        return "igmp";
    case TTB__IP_TCP:
        return "tcp";
    case TTB__IP_UDP:
        return "udp";
    case 47:
        return "gre";
    case 50:
        return "esp";
    case 58:
        return "icmpv6";
    case 89:
        return "ospf";
    case TTB__IP_SCTP:
        return "sctp";
    default:
        return NULL;
    }
}

const char *ttb__tuple_address(const struct ttb__tuple *tuple, bool destination,
                               char text[INET6_ADDRSTRLEN])
{
    const uint8_t *address = destination ? tuple->destination : tuple->source;

    if (!inet_ntop(tuple->v6 ? AF_INET6 : AF_INET, address, text, INET6_ADDRSTRLEN))
        text[0] = 0;
    return text;
}
