/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames as text, one line each. Whatever does not fit what its headers say is shown as far as it
 * goes.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "record/internal.h"

#define ETHERTYPE_IPV4   0x0800
#define ETHERTYPE_ARP    0x0806
#define ETHERTYPE_VLAN   0x8100
#define ETHERTYPE_QINQ   0x88a8
#define ETHERTYPE_IPV6   0x86dd
#define PROTOCOL_ICMP    1
#define PROTOCOL_TCP     6
#define PROTOCOL_UDP     17
#define PROTOCOL_ICMPV6  58
#define IPV6_EXTENSIONS  8 /* most that are passed over */
#define ADDRESS_TEXT_MAX INET6_ADDRSTRLEN

/* What is left of the frame. */
struct rest {
    const uint8_t *at;
    size_t len_bytes;
};

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static void skip(struct rest *rest, size_t len_bytes)
{
    rest->at += len_bytes;
    rest->len_bytes -= len_bytes;
}

static void add_mac(struct ttb__trace_text *text, const uint8_t *mac)
{
    ttb__trace_text_add(text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                        mac[4], mac[5]);
}

static void add_ipv4(struct ttb__trace_text *text, const uint8_t *address)
{
    ttb__trace_text_add(text, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
}

static void describe_arp(struct ttb__trace_text *text, struct rest rest)
{
    uint16_t operation;

    if (rest.len_bytes < 28 || be16(rest.at) != 1 || be16(rest.at + 2) != ETHERTYPE_IPV4 ||
        rest.at[4] != 6 || rest.at[5] != 4) {
        ttb__trace_text_add(text, "ARP, not of Ethernet and IPv4");
        return;
    }
    operation = be16(rest.at + 6);
    if (operation == 1) {
        ttb__trace_text_add(text, "ARP request, who has ");
        add_ipv4(text, rest.at + 24);
        ttb__trace_text_add(text, ", tell ");
        add_ipv4(text, rest.at + 14);
    } else if (operation == 2) {
        ttb__trace_text_add(text, "ARP reply, ");
        add_ipv4(text, rest.at + 14);
        ttb__trace_text_add(text, " is at ");
        add_mac(text, rest.at + 8);
    } else {
        ttb__trace_text_add(text, "ARP operation %u", operation);
    }
}

static const char *icmp_name(uint8_t type)
{
    switch (type) {
    case 0:
        return "echo reply";
    case 3:
        return "destination unreachable";
    case 5:
        return "redirect";
    case 8:
        return "echo request";
    case 11:
        return "time exceeded";
    case 12:
        return "parameter problem";
    default:
        return NULL;
    }
}

static const char *icmpv6_name(uint8_t type)
{
    switch (type) {
    case 1:
        return "destination unreachable";
    case 2:
        return "packet too big";
    case 3:
        return "time exceeded";
    case 4:
        return "parameter problem";
    case 128:
        return "echo request";
    case 129:
        return "echo reply";
    case 130:
        return "multicast listener query";
    case 131:
        return "multicast listener report";
    case 133:
        return "router solicitation";
    case 134:
        return "router advertisement";
    case 135:
        return "neighbour solicitation";
    case 136:
        return "neighbour advertisement";
    case 143:
        return "multicast listener report v2";
    default:
        return NULL;
    }
}

static void describe_icmp(struct ttb__trace_text *text, struct rest rest, bool v6)
{
    const char *name, *protocol = v6 ? "ICMPv6" : "ICMP";
    char address[ADDRESS_TEXT_MAX];
    uint8_t type;

    if (rest.len_bytes < 4) {
        ttb__trace_text_add(text, "%s, cut off", protocol);
        return;
    }
    type = rest.at[0];
    name = v6 ? icmpv6_name(type) : icmp_name(type);
    if (name)
        ttb__trace_text_add(text, "%s %s", protocol, name);
    else
        ttb__trace_text_add(text, "%s type %u code %u", protocol, type, rest.at[1]);
    if ((v6 ? type == 128 || type == 129 : type == 0 || type == 8) && rest.len_bytes >= 8)
        ttb__trace_text_add(text, ", id %u, seq %u", be16(rest.at + 4), be16(rest.at + 6));
    else if (v6 && (type == 135 || type == 136) && rest.len_bytes >= 24 &&
             inet_ntop(AF_INET6, rest.at + 8, address, sizeof(address)))
        ttb__trace_text_add(text, " for %s", address);
    else if (name && (v6 ? type < 5 : type == 3 || type == 11))
        ttb__trace_text_add(text, ", code %u", rest.at[1]);
}

static void describe_udp(struct ttb__trace_text *text, struct rest rest)
{
    if (rest.len_bytes < 8)
        ttb__trace_text_add(text, "UDP, cut off");
    else if (be16(rest.at + 4) < 8)
        ttb__trace_text_add(text, "UDP, malformed");
    else
        ttb__trace_text_add(text, "UDP, data %d bytes", be16(rest.at + 4) - 8);
}

static void describe_tcp(struct ttb__trace_text *text, struct rest rest, size_t segment_bytes)
{
    static const char letters[] = "FSRPAUEC";
    char flags[9];
    unsigned count = 0, header_bytes;

    if (rest.len_bytes < 20) {
        ttb__trace_text_add(text, "TCP, cut off");
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (rest.at[13] & 1u << i)
            flags[count++] = letters[i];
    }
    flags[count] = 0;
    header_bytes = (unsigned)(rest.at[12] >> 4) * 4;
    ttb__trace_text_add(text, "TCP [%s], seq %u", flags, be32(rest.at + 4));
    if (rest.at[13] & 0x10)
        ttb__trace_text_add(text, ", ack %u", be32(rest.at + 8));
    ttb__trace_text_add(text, ", window %u", be16(rest.at + 14));
    if (header_bytes >= 20 && header_bytes <= segment_bytes)
        ttb__trace_text_add(text, ", data %zu bytes", segment_bytes - header_bytes);
}

/* "a:1 > b:2: ", or without ports where there are none. */
static void add_ends(struct ttb__trace_text *text, const char *from, const char *to, bool v6,
                     const struct rest *ports)
{
    if (!ports)
        ttb__trace_text_add(text, "%s > %s: ", from, to);
    else if (v6)
        ttb__trace_text_add(text, "[%s]:%u > [%s]:%u: ", from, be16(ports->at), to,
                            be16(ports->at + 2));
    else
        ttb__trace_text_add(text, "%s:%u > %s:%u: ", from, be16(ports->at), to,
                            be16(ports->at + 2));
}

/* @param payload_bytes  what the IP header says */
static void describe_transport(struct ttb__trace_text *text, const char *from, const char *to,
                               bool v6, uint8_t protocol, struct rest rest, size_t payload_bytes)
{
    bool has_ports = (protocol == PROTOCOL_UDP || protocol == PROTOCOL_TCP) && rest.len_bytes >= 4;

    add_ends(text, from, to, v6, has_ports ? &rest : NULL);
    switch (protocol) {
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
        describe_icmp(text, rest, protocol == PROTOCOL_ICMPV6);
        break;
    case PROTOCOL_UDP:
        describe_udp(text, rest);
        break;
    case PROTOCOL_TCP:
        describe_tcp(text, rest, payload_bytes);
        break;
    default:
        ttb__trace_text_add(text, "IP protocol %u", protocol);
        break;
    }
}

static void describe_ipv4(struct ttb__trace_text *text, struct rest rest)
{
    char from[ADDRESS_TEXT_MAX], to[ADDRESS_TEXT_MAX];
    unsigned header_bytes, total_bytes, fragment;
    uint8_t protocol;

    if (rest.len_bytes < 20 || rest.at[0] >> 4 != 4) {
        ttb__trace_text_add(text, "IPv4, malformed");
        return;
    }
    header_bytes = (rest.at[0] & 15u) * 4;
    total_bytes = be16(rest.at + 2);
    fragment = be16(rest.at + 6);
    protocol = rest.at[9];
    inet_ntop(AF_INET, rest.at + 12, from, sizeof(from));
    inet_ntop(AF_INET, rest.at + 16, to, sizeof(to));
    if (header_bytes < 20 || header_bytes > rest.len_bytes || total_bytes < header_bytes) {
        ttb__trace_text_add(text, "%s > %s: IPv4, malformed", from, to);
        return;
    }
    if (fragment & 0x1fff) {
        ttb__trace_text_add(text, "%s > %s: IP protocol %u, fragment at %u", from, to, protocol,
                            (fragment & 0x1fff) * 8);
        return;
    }
    skip(&rest, header_bytes);
    describe_transport(text, from, to, false, protocol, rest, total_bytes - header_bytes);
}

static void describe_ipv6(struct ttb__trace_text *text, struct rest rest)
{
    char from[ADDRESS_TEXT_MAX], to[ADDRESS_TEXT_MAX];
    size_t payload_bytes;
    uint8_t next;

    if (rest.len_bytes < 40 || rest.at[0] >> 4 != 6) {
        ttb__trace_text_add(text, "IPv6, malformed");
        return;
    }
    payload_bytes = be16(rest.at + 4);
    next = rest.at[6];
    inet_ntop(AF_INET6, rest.at + 8, from, sizeof(from));
    inet_ntop(AF_INET6, rest.at + 24, to, sizeof(to));
    skip(&rest, 40);
    /* Hop-by-hop, routing, destination options: RFC 8200, section 4. */
    for (int i = 0; i < IPV6_EXTENSIONS && (next == 0 || next == 43 || next == 60); i++) {
        size_t len_bytes = rest.len_bytes >= 2 ? ((size_t)rest.at[1] + 1) * 8 : SIZE_MAX;

        if (len_bytes > rest.len_bytes || len_bytes > payload_bytes)
            break;
        next = rest.at[0];
        skip(&rest, len_bytes);
        payload_bytes -= len_bytes;
    }
    describe_transport(text, from, to, true, next, rest, payload_bytes);
}

void ttb_trace_describe_frame(const void *frame, size_t known_bytes, size_t len_bytes, char *buffer,
                              size_t size_bytes)
{
    struct ttb__trace_text text = {.at = buffer, .room_bytes = size_bytes};
    struct rest rest = {.at = frame, .len_bytes = known_bytes};
    const uint8_t *macs = frame;
    uint16_t type;

    if (!size_bytes)
        return;
    buffer[0] = 0;
    if (rest.len_bytes < 14) {
        ttb__trace_text_add(&text, "%s, %zu bytes",
                            known_bytes < len_bytes ? "content not recorded" : "no Ethernet header",
                            len_bytes);
        return;
    }
    type = be16(rest.at + 12);
    skip(&rest, 14);
    while ((type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) && rest.len_bytes >= 4) {
        ttb__trace_text_add(&text, "VLAN %u, ", be16(rest.at) & 0xfff);
        type = be16(rest.at + 2);
        skip(&rest, 4);
    }
    switch (type) {
    case ETHERTYPE_ARP:
        describe_arp(&text, rest);
        break;
    case ETHERTYPE_IPV4:
        describe_ipv4(&text, rest);
        break;
    case ETHERTYPE_IPV6:
        describe_ipv6(&text, rest);
        break;
    default:
        add_mac(&text, macs + 6);
        ttb__trace_text_add(&text, " > ");
        add_mac(&text, macs);
        ttb__trace_text_add(&text, type < 1536 ? ": 802.3 length %u" : ": Ethernet type 0x%04x",
                            type);
        break;
    }
    ttb__trace_text_add(&text, ", %zu bytes", len_bytes);
}
