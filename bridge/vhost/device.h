/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file device.h
 * Inside of struct ttb__netdev, shared by the files of this folder: netdev.c (frames from the guest, calls, life),
 * receive.c (frames to the guest), queue.c (starting, stopping and notifying queues) and requests.c (messages).
 */
#ifndef TTB_VHOST_DEVICE_H
#define TTB_VHOST_DEVICE_H

#include "vhost/connection.h"
#include "vhost/memory.h"
#include "vhost/merge.h"
#include "vhost/netdev.h"
#include "vhost/segment.h"
#include "vhost/virtqueue.h"

#define TTB__ETH_HEADER_BYTES 14u

#define TTB__QUEUES 2
#define TTB__RX     0 /* what the guest receives: virtio 1.2, 5.1.2 */
#define TTB__TX     1

/* Longest frame that can be carried: 65535 bytes of payload, Ethernet header and VLAN tag. */
#define TTB__FRAME_BYTES_MAX (65535u + 18u)

struct ttb__queue {
    struct ttb__virtqueue ring;
    bool enabled; /* SET_VRING_ENABLE, or always without VHOST_F_PROTOCOL_FEATURES */
    bool started; /* SET_VRING_KICK; in-band: from SET_VRING_ENABLE to GET_VRING_BASE */
    bool running; /* enabled, started, and mapped: the only state in which the ring is touched */
    bool call;    /* the driver wants a call that has not been sent */

    struct ttb__netdev *netdev;
    int kick_fd, call_fd, err_fd; /* -1: none */
    struct ttb_watch *kick_watch;
};

/* Frames that wait, oldest first: `count` of them from `first` on, in a ring of `room` places (a power of two). */
struct ttb__backlog {
    struct ttb_frame **frames;
    uint32_t first, count, room;
};

struct ttb__netdev {
    struct ttb__connection connection;
    const struct ttb__netdev_ops *ops;
    void *user;

    struct ttb__net_config config;
    uint16_t mtu;
    bool wall_clock;

    uint64_t features;          /* acknowledged */
    uint64_t protocol_features; /* acknowledged */
    struct ttb__memory memory;
    struct ttb__queue queues[TTB__QUEUES];
    bool link_up;
    bool config_changed; /* a notice is to be sent */

    bool reply_held; /* to reply_request, until ttb__netdev_reply() */
    uint32_t reply_request;

    /* Frames that wait, oldest first; see receive.c. */
    struct ttb__backlog backlog;
    uint32_t backlog_frames_max;
    uint32_t held_frames, fresh_frames;
    bool hold;  /* what comes waits for ttb__netdev_release() */
    bool quiet; /* the guest is asked for no kicks when it sends */

    /* Scratch. A frame may be received while one is being transmitted, so nothing is shared. */
    struct ttb__chain tx_chain, rx_first, rx_next;
    struct ttb__ring_used_elem *rx_used; /* as many as the receive ring has descriptors */
    struct ttb__frame_pool *pool;
    uint8_t *tx_whole; /* a frame that is still to be segmented; NULL: offloads are not offered */
    struct ttb__merger *rx_merger; /* likewise */

    /* Wall-clock mode: goes on where a long turn stopped, and polls queues without a kick
     * descriptor. */
    int timer_fd;
    struct ttb_watch *timer_watch;

    struct ttb__netdev_stats stats;
    struct ttb__error error; /* scratch for sentences of lower files */
};

/* End the device with a sentence. Returns `err`. */
int ttb__netdev_fail(struct ttb__netdev *netdev, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool ttb__netdev_has(const struct ttb__netdev *netdev, unsigned feature_bit)
{
    return netdev->features & TTB__BIT(feature_bit);
}

static inline bool ttb__netdev_has_protocol(const struct ttb__netdev *netdev, unsigned bit)
{
    return netdev->protocol_features & TTB__BIT(bit);
}

static inline unsigned ttb__netdev_header_bytes(const struct ttb__netdev *netdev)
{
    return ttb__netdev_has(netdev, TTB__VIRTIO_NET_F_MRG_RXBUF) ||
                   ttb__netdev_has(netdev, TTB__VIRTIO_F_VERSION_1)
               ? TTB__NET_HEADER_LONG
               : TTB__NET_HEADER_SHORT;
}

static inline unsigned ttb__queue_index(const struct ttb__queue *queue)
{
    return (unsigned)(queue - queue->netdev->queues);
}

/* netdev.c */
uint64_t ttb__netdev_features(const struct ttb__netdev *netdev);
uint64_t ttb__netdev_protocol_features(const struct ttb__netdev *netdev);
/* The guest has kicked this queue: do what it asks for. Called outside of ttb__memory_enter().
 * @return true if the layer above wants the reply held back */
bool ttb__netdev_serve(struct ttb__netdev *netdev, struct ttb__queue *queue);
/* Neither closed nor failed. */
bool ttb__netdev_is_usable(const struct ttb__netdev *netdev);
/* Longest frame that the port's MTU allows, VLAN tag included if this one has one. */
size_t ttb__netdev_frame_limit(const struct ttb__netdev *netdev, const uint8_t *frame,
                               size_t len_bytes);
/* Leave guest memory; -ECONNRESET if it was taken away meanwhile. */
int ttb__netdev_leave(struct ttb__netdev *netdev, struct ttb__memory_guard *guard);
/* Hand a frame that no ring produced (a RARP) to the layer above. */
void ttb__netdev_send_rarp(struct ttb__netdev *netdev, const uint8_t mac[6]);

/* receive.c */
/* As many frames of the backlog as fit, but not those that are held. A kick is asked for only while frames
 * wait for buffers, so that a driver which refills in time makes none. 0; -ECONNRESET */
int ttb__netdev_drain_backlog(struct ttb__netdev *netdev);
void ttb__netdev_drop_backlog(struct ttb__netdev *netdev);

/* queue.c */
void ttb__queue_init(struct ttb__netdev *netdev, struct ttb__queue *queue);
/* Let `running` follow from enabled and started. Negative: the device has failed. */
int ttb__queue_update(struct ttb__queue *queue);
/* Translate the addresses of a running queue again: memory table or addresses have changed. */
int ttb__queue_remap(struct ttb__queue *queue);
/* Stop and forget everything but the descriptors for calls and errors. */
void ttb__queue_reset(struct ttb__queue *queue);
/* Stop and close everything. */
void ttb__queue_close(struct ttb__queue *queue);
/* Take over descriptors; -1 for none. Negative: refused, the descriptor stays the caller's. */
int ttb__queue_set_kick_fd(struct ttb__queue *queue, int fd);
int ttb__queue_set_call_fd(struct ttb__queue *queue, int fd);
int ttb__queue_set_err_fd(struct ttb__queue *queue, int fd);
/* Tell through a descriptor (event, pipe or socket): one 8-byte 1. Never waits. */
void ttb__queue_notify_fd(int fd);
/* Wall-clock mode: come back soon. */
void ttb__netdev_resume_later(struct ttb__netdev *netdev);
void ttb__netdev_close_timer(struct ttb__netdev *netdev);

/* requests.c */
void ttb__netdev_on_message(void *user, struct ttb__vhost_message *message);

#endif
