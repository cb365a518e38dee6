/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file front_end.h
 * A scripted vhost-user front end with memory and a split-ring network driver of its own. It plays
 * Linux's virtio_uml and virtio_net, and, where a test says so, breaks the rules.
 *
 * Front end and device live in one thread: a request is written, the loop turns, the reply is read.
 */
#ifndef TTB_TESTS_VHOST_FRONT_END_H
#define TTB_TESTS_VHOST_FRONT_END_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <ttbridge/loop.h>

#include "vhost/netdev.h"
#include "vhost/wire.h"

#define FE_QUEUES       2
#define FE_RX           0
#define FE_TX           1
#define FE_FRAMES_MAX   1024
#define FE_REGIONS_MAX  TTB__VHOST_REGIONS_MAX
#define FE_FILE_OFFSET  0x3000u /* where the memory begins in its file */
#define FE_MEMORY_BYTES (16u << 20)

#define FE_DEFAULT_PROTOCOL                                                  \
    (TTB__BIT(TTB__VHOST_P_REPLY_ACK) | TTB__BIT(TTB__VHOST_P_BACKEND_REQ) | \
     TTB__BIT(TTB__VHOST_P_CONFIG) | TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS))

/* How a chain in flight looks to the driver. */
struct fe_chain {
    uint16_t head;
    unsigned descs;
    struct fe_buffer {
        uint64_t addr;
        uint32_t len_bytes;
    } * buffers; /* owned */
    unsigned buffer_count;
};

struct fe_queue {
    uint16_t num;
    uint64_t desc_addr, avail_addr, used_addr; /* guest addresses */
    struct ttb__ring_desc *desc;
    uint16_t *avail, *used;
    uint16_t avail_idx, kicked_idx, last_used;
    unsigned next_desc, free_descs;
    struct fe_chain *chains; /* by head */
    int kick_fd, call_fd;    /* our ends, eventfd mode */
};

struct fe_frame {
    size_t len_bytes;
    uint8_t *data;
};

struct front_end {
    /* set before fe_connect() */
    uint64_t features, protocol_features; /* wanted; fe_connect() narrows them to what is offered */
    uint16_t num;                         /* ring size */
    bool wall_clock;
    bool call_by_pipe;
    unsigned region_count; /* the memory is cut in so many regions */
    struct ttb__netdev_opts opts;
    struct ttb__net_header tx_header; /* of frames that are queued */
    bool hold;                        /* kicked() has the reply held back */

    struct ttb_loop loop;
    struct ttb__netdev *netdev;
    int socket, backend;
    int fds_before; /* -1: fe_close() does not compare */

    int memory_fd;
    uint8_t *memory;
    uint64_t next_free;
    struct ttb__vhost_region regions[FE_REGIONS_MAX];

    struct fe_queue queues[FE_QUEUES];
    uint64_t offered, offered_protocol;

    /* what the device told the layer above */
    struct fe_frame sent[FE_FRAMES_MAX];
    unsigned sent_count;
    unsigned kicks, kicked, last_sent, links_up, links_down, calls_done, closed, tx_dropped;
    bool last_calls_wanted;
    int closed_err;
    char closed_why[512];
    char dropped_why[512];
    void (*on_transmit)(struct front_end *fe, const void *frame, size_t len_bytes);

    struct ttb__net_header rx_header; /* of the frame that was taken last */

    /* what the front end got on the backend channel */
    unsigned calls[FE_QUEUES], config_changes;
};

/* Options as UML has them, nothing connected yet. */
void fe_init(struct front_end *fe);
/* A socket pair and a device at its other end. */
void fe_open(struct front_end *fe);
/* vhost_user_init() of virtio_uml.c, then finalize_features. */
void fe_negotiate(struct front_end *fe);
/* vu_find_vqs(): memory table, rings, enable. */
void fe_start(struct front_end *fe);
/* vu_del_vqs(). */
void fe_stop(struct front_end *fe);
/* All three. */
void fe_connect(struct front_end *fe);
/* Free everything; fails the test if a descriptor or mapping was leaked. */
void fe_close(struct front_end *fe);
/* Let the device work. */
void fe_turn(struct front_end *fe);
/* Turn until the device has closed. */
void fe_expect_closed(struct front_end *fe, int err, const char *why);

/* --- messages */
void fe_send_raw(struct front_end *fe, const void *data, size_t len_bytes, const int *fds,
                 size_t fd_count);
void fe_send(struct front_end *fe, uint32_t request, uint32_t flags, const void *payload,
             size_t len_bytes, const int *fds, size_t fd_count);
/* Read a reply if there is one. False: none yet. */
bool fe_reply(struct front_end *fe, uint32_t request, union ttb__vhost_payload *payload,
              size_t *len_bytes);
/* Turn the loop until it is there. */
void fe_await_reply(struct front_end *fe, uint32_t request, union ttb__vhost_payload *payload,
                    size_t *len_bytes);
/* Were in-band notifications accepted? */
bool fe_in_band(const struct front_end *fe);
/* Send with NEED_REPLY (if negotiated) and expect status 0. */
void fe_request(struct front_end *fe, uint32_t request, const void *payload, size_t len_bytes,
                const int *fds, size_t fd_count);
/* The same, and return the status. */
uint64_t fe_request_status(struct front_end *fe, uint32_t request, const void *payload,
                           size_t len_bytes, const int *fds, size_t fd_count);
uint64_t fe_get_u64(struct front_end *fe, uint32_t request);
void fe_vring_state(struct front_end *fe, uint32_t request, uint32_t index, uint32_t num);
void fe_send_mem_table(struct front_end *fe);
void fe_send_vring_addr(struct front_end *fe, unsigned index);
void fe_get_config(struct front_end *fe, uint32_t offset, void *data, uint32_t len_bytes);
/* Read calls from the backend channel and answer them. Returns how many. */
unsigned fe_answer_calls(struct front_end *fe);

/* --- memory and rings */
uint64_t fe_alloc(struct front_end *fe, uint64_t len_bytes, uint64_t align);
/* Guest address -> our pointer (contiguous: one file, mapped once). */
void *fe_at(struct front_end *fe, uint64_t guest_addr);
uint64_t fe_user_addr(struct front_end *fe, uint64_t guest_addr);
/* Guest address of byte `offset` of the file. */
uint64_t fe_guest_addr(struct front_end *fe, uint64_t offset);
void fe_ring_init(struct front_end *fe, unsigned index, uint16_t num);
void fe_ring_free(struct front_end *fe, unsigned index);
/* Add a chain: `out` buffers for the device to read, then `in` for it to write. */
uint16_t fe_add(struct front_end *fe, unsigned index, const struct fe_buffer *buffers, unsigned out,
                unsigned in, bool indirect);
/* Would Linux kick now? (virtqueue_kick_prepare()) */
bool fe_needs_kick(struct front_end *fe, unsigned index);
/* Kick, and wait for the reply if there is one. */
void fe_kick(struct front_end *fe, unsigned index);
/* Kick without waiting. */
void fe_kick_async(struct front_end *fe, unsigned index);
/* Next used element; false: none. The chain's descriptors are free again; the caller frees
 * chain->buffers. */
bool fe_get_used(struct front_end *fe, unsigned index, struct fe_chain *chain, uint32_t *len_bytes);
/* Want a call for the next used element (virtqueue_enable_cb()); or for one further on. */
void fe_set_used_event(struct front_end *fe, unsigned index, uint16_t value);
void fe_set_no_interrupt(struct front_end *fe, unsigned index, bool on);

/* --- network driver */
unsigned fe_header_bytes(const struct front_end *fe);
/* How a frame is cut into descriptors. */
enum fe_layout {
    FE_HEADER_ALONE, /* header | data */
    FE_TOGETHER,     /* header and data */
    FE_BYTES,        /* one byte each */
    FE_HEADER_SPLIT, /* 3 bytes of header | the rest with data in odd pieces */
    FE_LAYOUTS
};
/* Queue a frame for sending; no kick. */
void fe_queue_frame(struct front_end *fe, const void *frame, size_t len_bytes,
                    enum fe_layout layout, bool indirect);
/* Queue and kick. */
void fe_transmit(struct front_end *fe, const void *frame, size_t len_bytes);
/* Free the descriptors of what has been sent; returns how many chains. */
unsigned fe_reap_transmitted(struct front_end *fe);
/* Give the device one receive buffer, cut as told. */
void fe_post(struct front_end *fe, size_t len_bytes, enum fe_layout layout, bool indirect);
/* Take a received frame (merged, if that was negotiated). False: none. */
bool fe_take_frame(struct front_end *fe, struct fe_frame *frame, unsigned *buffers);
/* A frame with an Ethernet header and a recognisable content. */
void fe_make_frame(uint8_t *frame, size_t len_bytes, unsigned seed);
void fe_assert_sent(struct front_end *fe, unsigned which, const void *frame, size_t len_bytes);
void fe_forget_sent(struct front_end *fe);

int fe_count_fds(void);

#endif
