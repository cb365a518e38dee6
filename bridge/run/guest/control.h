/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file control.h
 * What the runner and the agent in a node say to each other, in Ethernet frames on a port that only
 * they use.
 *
 * Why frames: a frame is the one thing that reaches a node, and leaves it, at an exact simulated time
 * and in the run's order. So the runner knows when a command ended to the nanosecond without asking a
 * guest for its clock, a trace that has the frames of all ports has the commands as well, and a node
 * that is replayed alone needs nobody who knows the scenario.
 *
 * A frame is one message. Both ends are programs of the same build on the same machine type (the node
 * is a process of the host), so there is no byte order and no version; what arrives is checked all
 * the same, since programs in the node can send on any interface they find.
 */
#ifndef TTB_RUN_CONTROL_H
#define TTB_RUN_CONTROL_H

#include <stdint.h>

/* IEEE 802 local experimental EtherType 1. */
#define TTB__CONTROL_ETHERTYPE 0x88b5

/* Name of the port, and of its socket NODE.PORT. */
#define TTB__CONTROL_PORT "ttb"

/* In the node. */
#define TTB__GUEST_FOLDER   "/run/ttb/"
#define TTB__GUEST_AGENT    "agent"
#define TTB__GUEST_COMMANDS "command" /* folder: a script for each command, named by its number */
#define TTB__GUEST_COLLECT  "collect" /* paths, each ended by a zero byte */
#define TTB__GUEST_OUTPUT   "/dev/ubdd"

enum ttb__control_op {
    /* runner to agent */
    TTB__CONTROL_RUN = 1,  /* start the command `number` */
    TTB__CONTROL_COLLECT,  /* write the files to the output disk */
    TTB__CONTROL_SHUTDOWN, /* end everything, write the files, power off */
    TTB__CONTROL_ATTACH, /* start a shell on a terminal; number: its size; data: its type (TERM) */
    TTB__CONTROL_INPUT,  /* bytes for it; number: how many */
    TTB__CONTROL_RESIZE, /* number: its size */
    TTB__CONTROL_HANGUP, /* the terminal is gone */
    /* agent to runner */
    TTB__CONTROL_HELLO = 16, /* it listens; the interfaces are up */
    TTB__CONTROL_ENDED,      /* the command `number` has ended with `value`, as $? would be */
    TTB__CONTROL_COLLECTED,  /* value: 0, or an errno: the output disk could not be written */
    TTB__CONTROL_OUTPUT,     /* bytes that the terminal shows; number: how many */
    TTB__CONTROL_CLOSED,     /* the shell has ended with `value`, as $? would be */
};

/* Size of a terminal. */
#define TTB__CONTROL_SIZE(rows, columns) ((uint32_t)(rows) << 16 | (uint32_t)(columns))
#define TTB__CONTROL_ROWS(size)          ((uint16_t)((size) >> 16))
#define TTB__CONTROL_COLUMNS(size)       ((uint16_t)(size))

/* Bytes after a message: fits into the frames of the port. */
#define TTB__CONTROL_DATA_MAX 1400

struct ttb__control_message {
    uint8_t destination[6], source[6];
    uint8_t ethertype[2]; /* network byte order */
    uint8_t op;
    uint8_t zero;
    uint32_t number;
    uint32_t value;
};

/* INPUT, OUTPUT and ATTACH. A message without data ends before it. */
struct ttb__control_data {
    struct ttb__control_message message;
    uint8_t data[TTB__CONTROL_DATA_MAX];
};

/* The output disk: for every path of the list a header and then the content, padded to 8 bytes; at the
 * end a header with number TTB__OUTPUT_END. */
#define TTB__OUTPUT_MAGIC 0x31656c6966627474ull /* "ttbfile1" */
#define TTB__OUTPUT_END   UINT32_MAX
struct ttb__output_header {
    uint64_t magic;
    uint32_t number; /* position in the list, or TTB__OUTPUT_END */
    uint32_t error;  /* errno; 0: the content follows */
    uint64_t len_bytes;
    uint32_t mode;
    uint32_t zero;
};

#endif
