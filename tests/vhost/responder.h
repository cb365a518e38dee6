/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file responder.h
 * A host that a real front end can talk to: answers ARP and pings for one IPv4 address, gives out one
 * lease by DHCP, advertises that it routes no IPv6, and counts TFTP requests. Just enough to see that frames go both ways.
 */
#ifndef TTB_TESTS_VHOST_RESPONDER_H
#define TTB_TESTS_VHOST_RESPONDER_H

#include <stddef.h>
#include <stdint.h>

struct responder {
    uint8_t mac[6];
    uint8_t address[4];
    uint8_t lease[4];      /* the address that DHCP gives out */
    const char *boot_file; /* that DHCP tells; NULL: no DHCP */

    unsigned arps, pings, discovers, requests, tftp_reads;
    char tftp_file[128]; /* of the last read request */
};

/* Look at a frame; make the answer. Returns its length, 0 if there is none. `answer` has room for
 * 1514 bytes. */
size_t responder_answer(struct responder *responder, const void *frame, size_t len_bytes,
                        void *answer);

#endif
