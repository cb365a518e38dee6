/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What came out of the run, and what should have: every frame at every port with its time, the times
 * that programs in the nodes printed, and the times that the link's parameters imply.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>

/* The LAN, as ns-3 is told and as times are computed. */
#define LAN_RATE     "100Mbps"
#define LAN_BYTE_NS  80
#define LAN_DELAY    "1ms"
#define LAN_DELAY_NS 1000000

/* A clock read costs a UML kernel so much simulated time, and is as coarse
 * (TIMER_MULTIPLIER in arch/um/kernel/time.c). */
#define CLOCK_READ_NS 256

/* CsmaNetDevice finds the channel still busy with the frame it answers at once, and backs off for
 * one slot: ns-3 hosts answer at once, Linux nodes when the instant is over. */
#define CSMA_SLOT_NS 1000

#define EXCHANGES_MAX 64

/* A request that alice sent and its answer. */
struct exchange {
    uint8_t protocol; /* IPPROTO_ICMP or IPPROTO_UDP */
    uint8_t peer;     /* last byte of the peer's address */
    uint16_t len_bytes;
    uint64_t sent_ns;    /* at alice's port */
    uint64_t arrived_ns; /* at the peer's port, 0 if the peer has none */
    uint64_t turned_ns;  /* the answer, at the peer's port */
    uint64_t back_ns;    /* the answer, at alice's port */
    uint64_t said_ns;    /* what the program in the node printed */
    uint64_t said_resolution_ns;
};

struct measure {
    const struct ttb_port *alice, *bob;
    struct exchange exchanges[EXCHANGES_MAX];
    unsigned count;
    unsigned said; /* exchanges that the node has printed the time of */
    uint64_t frames, bytes;
};

/* Watch the ports of a bridge. */
int measure_begin(struct measure *measure, struct ttb_bridge *bridge);

/* A line that alice printed; lines that are not about an exchange are ignored. */
void measure_line(struct measure *measure, const char *text);

/* Time on the LAN of a frame of so many bytes, without FCS: padding, FCS, delay. */
uint64_t measure_one_way_ns(size_t len_bytes);

/* Print a table of the exchanges, and compare. @return number of expectations that failed */
int measure_report(const struct measure *measure, unsigned exchanges_wanted);

#endif
