/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file tuple.h
 * The five-tuple of a frame.
 */
#ifndef TTB_EXPORT_TUPLE_H
#define TTB_EXPORT_TUPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>

#define TTB__IP_TCP  6
#define TTB__IP_UDP  17
#define TTB__IP_SCTP 132

/* No padding that is not named: tuples are hashed and compared as bytes. */
struct ttb__tuple {
    uint8_t source[16], destination[16]; /* IPv4: the first four bytes */
    uint16_t source_port, destination_port;
    uint8_t protocol;
    uint8_t v6; /* 0 or 1 */
    uint8_t reserved[2];
};

struct ttb__tuple_info {
    uint8_t dscp;
    bool has_ports;    /* not of later fragments, nor of protocols without ports */
    bool is_syn;       /* a TCP segment that opens a connection */
    uint32_t sequence; /* of that */
    uint32_t ip_bytes; /* IP header and what follows */
};

/* @param known_bytes  of the frame, from the Ethernet header on; VLAN tags are passed over
 * @return false if it holds no IP */
bool ttb__tuple_of(const void *frame, size_t known_bytes, struct ttb__tuple *tuple,
                   struct ttb__tuple_info *info);

/* "tcp", "udp", "icmp", ...; NULL: only its number is known. */
const char *ttb__ip_protocol_name(uint8_t protocol);

/* @return text, of INET6_ADDRSTRLEN bytes */
const char *ttb__tuple_address(const struct ttb__tuple *tuple, bool destination,
                               char text[INET6_ADDRSTRLEN]);

#endif
