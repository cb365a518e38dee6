/* SPDX-License-Identifier: BSD-3-Clause */
#include "responder.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ETH_BYTES           14
#define IP_BYTES            20
#define IP6_BYTES           40
#define ADVERTISEMENT_BYTES 16
#define UDP_BYTES           8
#define DHCP_FIXED          240 /* BOOTP header and magic cookie, RFC 2131 */
#define FRAME_BYTES         1514

#define DHCP_DISCOVER 1
#define DHCP_OFFER    2
#define DHCP_REQUEST  3
#define DHCP_ACK      5

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint16_t checksum(const uint8_t *data, size_t len_bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len_bytes; i++)
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void ethernet_back(const struct responder *responder, const uint8_t *in, uint8_t *out)
{
    memcpy(out, in + 6, 6);
    memcpy(out + 6, responder->mac, 6);
    memcpy(out + 12, in + 12, 2);
}

static size_t answer_arp(struct responder *responder, const uint8_t *in, size_t len_bytes,
                         uint8_t *out)
{
    static const uint8_t request[] = {0, 1, 8, 0, 6, 4, 0, 1};

    if (len_bytes < 42 || memcmp(in + 14, request, sizeof(request)) ||
        memcmp(in + 38, responder->address, 4))
        return 0;
    responder->arps++;
    memset(out, 0, 60);
    ethernet_back(responder, in, out);
    memcpy(out + 14, request, sizeof(request));
    out[21] = 2; /* reply */
    memcpy(out + 22, responder->mac, 6);
    memcpy(out + 28, responder->address, 4);
    memcpy(out + 32, in + 22, 10);
    return 60;
}

static void ip_header(const struct responder *responder, uint8_t *out, unsigned protocol,
                      const uint8_t *to, size_t payload_bytes)
{
    uint8_t *ip = out + ETH_BYTES;

    memset(ip, 0, IP_BYTES);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(IP_BYTES + payload_bytes));
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    memcpy(ip + 12, responder->address, 4);
    memcpy(ip + 16, to, 4);
    put16(ip + 10, checksum(ip, IP_BYTES));
}

static size_t answer_ping(struct responder *responder, const uint8_t *in, size_t payload_bytes,
                          uint8_t *out)
{
    const uint8_t *icmp = in + ETH_BYTES + IP_BYTES;
    uint8_t *back = out + ETH_BYTES + IP_BYTES;

    if (payload_bytes < 8 || icmp[0] != ICMP_ECHO)
        return 0;
    responder->pings++;
    ethernet_back(responder, in, out);
    ip_header(responder, out, IPPROTO_ICMP, in + ETH_BYTES + 12, payload_bytes);
    memcpy(back, icmp, payload_bytes);
    back[0] = ICMP_ECHOREPLY;
    back[2] = back[3] = 0;
    put16(back + 2, checksum(back, payload_bytes));
    return ETH_BYTES + IP_BYTES + payload_bytes;
}

static uint8_t *put_option(uint8_t *at, unsigned code, const void *value, unsigned len_bytes)
{
    at[0] = (uint8_t)code;
    at[1] = (uint8_t)len_bytes;
    memcpy(at + 2, value, len_bytes);
    return at + 2 + len_bytes;
}

static unsigned dhcp_type(const uint8_t *dhcp, size_t len_bytes)
{
    for (size_t i = DHCP_FIXED; i + 2 < len_bytes && dhcp[i] != 255;) {
        if (dhcp[i] == 0) {
            i++;
            continue;
        }
        if (dhcp[i] == 53)
            return dhcp[i + 2];
        i += 2u + dhcp[i + 1];
    }
    return 0;
}

static size_t answer_dhcp(struct responder *responder, const uint8_t *in, const uint8_t *dhcp,
                          size_t dhcp_bytes, uint8_t *out)
{
    static const uint8_t everybody[4] = {255, 255, 255, 255}, mask[4] = {255, 255, 255, 0};
    static const uint8_t lease_s[4] = {0, 0, 0x0e, 0x10};
    uint8_t *udp = out + ETH_BYTES + IP_BYTES, *back = udp + UDP_BYTES, *at, type;
    unsigned asked = dhcp_bytes > DHCP_FIXED ? dhcp_type(dhcp, dhcp_bytes) : 0;

    if (!responder->boot_file || (asked != DHCP_DISCOVER && asked != DHCP_REQUEST))
        return 0;
    responder->discovers += asked == DHCP_DISCOVER;
    responder->requests += asked == DHCP_REQUEST;
    type = asked == DHCP_DISCOVER ? DHCP_OFFER : DHCP_ACK;
    memset(out, 0, FRAME_BYTES);
    ethernet_back(responder, in, out);
    memset(out, 0xff, 6);
    memcpy(back, dhcp, DHCP_FIXED);
    back[0] = 2; /* reply */
    memcpy(back + 16, responder->lease, 4);
    memcpy(back + 20, responder->address, 4);
    memset(back + 44, 0, 192);
    snprintf((char *)back + 108, 128, "%s", responder->boot_file);
    at = put_option(back + DHCP_FIXED, 53, &type, 1);
    at = put_option(at, 54, responder->address, 4);
    at = put_option(at, 51, lease_s, 4);
    at = put_option(at, 1, mask, 4);
    *at++ = 255;
    if (at < back + 300)
        at = back + 300;
    put16(udp, 67);
    put16(udp + 2, 68);
    put16(udp + 4, (unsigned)(at - udp));
    ip_header(responder, out, IPPROTO_UDP, everybody, (size_t)(at - udp));
    return (size_t)(at - out);
}

static size_t answer_udp(struct responder *responder, const uint8_t *in, size_t payload_bytes,
                         uint8_t *out)
{
    const uint8_t *udp = in + ETH_BYTES + IP_BYTES;

    if (payload_bytes < UDP_BYTES)
        return 0;
    if (get16(udp + 2) == 67)
        return answer_dhcp(responder, in, udp + UDP_BYTES, payload_bytes - UDP_BYTES, out);
    if (get16(udp + 2) == 69 && payload_bytes > UDP_BYTES + 3 && get16(udp + UDP_BYTES) == 1) {
        responder->tftp_reads++;
        snprintf(responder->tftp_file, sizeof(responder->tftp_file), "%.*s",
                 (int)(payload_bytes - UDP_BYTES - 2), (const char *)udp + UDP_BYTES + 2);
    }
    return 0;
}

/* A router solicitation (RFC 4861): there is a router, and it has nothing to offer. iPXE waits twelve
 * seconds for one before it goes on. */
static size_t answer_solicitation(const struct responder *responder, const uint8_t *in,
                                  size_t len_bytes, uint8_t *out)
{
    static const uint8_t from[16] = {0xfe, 0x80, [15] = 0xfe};
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
    static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
    const uint8_t *icmp = in + ETH_BYTES + IP6_BYTES;
    uint8_t pseudo[IP6_BYTES + ADVERTISEMENT_BYTES] = {0};
    uint8_t *ip = out + ETH_BYTES, *back = ip + IP6_BYTES;

    if (len_bytes < ETH_BYTES + IP6_BYTES + 8 || in[ETH_BYTES + 6] != IPPROTO_ICMPV6 ||
        icmp[0] != 133)
        return 0;
    memset(out, 0, ETH_BYTES + IP6_BYTES + ADVERTISEMENT_BYTES);
    ethernet_back(responder, in, out);
    memcpy(out, all_nodes_mac, 6);
    ip[0] = 0x60;
    put16(ip + 4, ADVERTISEMENT_BYTES);
    ip[6] = IPPROTO_ICMPV6;
    ip[7] = 255;
    memcpy(ip + 8, from, 16);
    memcpy(ip + 24, all_nodes, 16);
    back[0] = 134;
    back[4] = 64; /* hop limit; lifetime 0: no default router */
    memcpy(pseudo, ip + 8, 32);
    put16(pseudo + 34, ADVERTISEMENT_BYTES);
    pseudo[39] = IPPROTO_ICMPV6;
    memcpy(pseudo + IP6_BYTES, back, ADVERTISEMENT_BYTES);
    put16(back + 2, checksum(pseudo, sizeof(pseudo)));
    return ETH_BYTES + IP6_BYTES + ADVERTISEMENT_BYTES;
}

size_t responder_answer(struct responder *responder, const void *frame, size_t len_bytes,
                        void *answer)
{
    const uint8_t *in = frame, *ip = in + ETH_BYTES;
    size_t total_bytes;

    if (len_bytes >= ETH_BYTES && get16(in + 12) == 0x0806)
        return answer_arp(responder, in, len_bytes, answer);
    if (len_bytes >= ETH_BYTES && get16(in + 12) == 0x86dd)
        return answer_solicitation(responder, in, len_bytes, answer);
    if (len_bytes < ETH_BYTES + IP_BYTES || get16(in + 12) != 0x0800 || ip[0] != 0x45)
        return 0;
    total_bytes = get16(ip + 2);
    if (total_bytes < IP_BYTES || total_bytes > len_bytes - ETH_BYTES)
        return 0;
    if (ip[9] == IPPROTO_ICMP && !memcmp(ip + 16, responder->address, 4))
        return answer_ping(responder, in, total_bytes - IP_BYTES, answer);
    if (ip[9] == IPPROTO_UDP)
        return answer_udp(responder, in, total_bytes - IP_BYTES, answer);
    return 0;
}
