/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file netdev.h
 * A virtio network device that a vhost-user front end drives: one object per connection.
 *
 * What the layers above see of vhost: frames in, frames out, kicks and calls. Below it are
 * connection.h (messages), memory.h (the front end's memory) and virtqueue.h (split rings).
 * Sources: vhost-user protocol (QEMU docs/interop/vhost-user), virtio 1.2 sections 2.7 and 5.1, and
 * arch/um/drivers/virtio_uml.c for what UML expects.
 *
 * It knows no time. When a guest may see a change of its rings is decided above:
 * - The device touches the rings only inside a kick (the guest blocks for the reply), inside
 *   ttb__netdev_receive() and ttb__netdev_flush_calls(), which are called when the guest is blocked.
 * - Calls are collected, and go out when ttb__netdev_flush_calls() is called.
 *
 * Two ways to notify, chosen by the front end: in-band messages (INBAND_NOTIFICATIONS, the one for
 * simulated time: kick and call are messages with replies), and eventfds (wall-clock mode).
 *
 * Everything that comes from the front end is untrusted: a message, address, index, length or chain
 * that makes no sense ends the connection with a sentence that names field and value.
 */
#ifndef TTB_VHOST_NETDEV_H
#define TTB_VHOST_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/loop.h>

#include "base/frame.h"

struct ttb__netdev;

/* Callbacks are made from the loop's turn; in wall-clock mode also from an eventfd. A callback may
 * call any function of this file for its own device except ttb__netdev_free(). */
struct ttb__netdev_ops {
    /* Something has come from the front end, a message or its end, and will be looked at now. The guest is
     * blocked, or gone; its memory is still there. May be NULL. */
    void (*arrived)(void *user);
    /* The guest kicked a queue and is blocked for the reply (in-band), or just kicked (eventfd).
     * Called before anything is taken from the ring. */
    void (*kick)(void *user);
    /* One frame the guest sent, to be held if it is to be kept. In ring order. */
    void (*transmit)(void *user, struct ttb_frame *frame);
    /* A frame was malformed or too long, and was discarded. */
    void (*transmit_dropped)(void *user, const char *why);
    /* The kick has been served: `sent` frames were transmitted, `calls_wanted` tells whether the
     * guest wants a call for a completion. In-band: return true to have the reply (which lets the
     * guest go on) held back until ttb__netdev_reply(); that is ignored when the front end asked
     * for no reply (ttb__netdev_owes_reply() tells). */
    bool (*kicked)(void *user, unsigned sent, bool calls_wanted);
    /* All calls of the last ttb__netdev_flush_calls() have been answered. Never called from within
     * that function. */
    void (*calls_done)(void *user);
    /* The driver has attached (rings usable) or detached. */
    void (*link)(void *user, bool up);
    /* The connection is over: err 0 for EOF, else a negative errno; a sentence in either case, which
     * does not name the port. Called once, last. */
    void (*closed)(void *user, int err, const char *why);
};

struct ttb__netdev_opts {
    struct ttb__frame_pool
        *pool; /* of the frames that the guest sends; NULL: none. Outlives the device */
    uint8_t mac[6];
    uint16_t mtu;            /* frames are at most mtu + 14 (+4 with a VLAN tag) bytes */
    bool carrier;            /* VIRTIO_NET_S_LINK_UP at start */
    bool wall_clock;         /* do not offer in-band notifications */
    uint32_t backlog_frames; /* limit of frames waiting for receive buffers */
    bool offload; /* offer checksum and segmentation offload in both directions: frames that come
                     from the guest are those that a card would put on the wire, and segments for it
                     that wait may be merged */
    bool
        hold; /* frames for the guest wait for ttb__netdev_release(); and once the guest has sent, it
                     is asked for no kicks until ttb__netdev_poll() finds nothing */
};

/* Take over a connected stream socket (made non-blocking, closed with the device). */
int ttb__netdev_new(const struct ttb_loop *loop, int fd, const struct ttb__netdev_opts *opts,
                    const struct ttb__netdev_ops *ops, void *user, struct ttb__netdev **netdev);
/* Close, unmap, free; no callback is made. NULL is allowed. */
void ttb__netdev_free(struct ttb__netdev *netdev);

/* Put a frame into the guest's receive ring, or into the backlog if it has no buffers now.
 * 0; -ENETDOWN if no driver has its receive ring enabled; -ENOBUFS if the backlog is full; -EMSGSIZE
 * (longer than the MTU allows, or than what the driver's buffers can ever hold); -EINVAL (shorter than
 * an Ethernet header). A broken ring closes the device: -ECONNRESET.
 * With opts.offload or opts.hold it goes into the backlog first, and into the ring in
 * ttb__netdev_flush_calls(), which is then to be called before the guest goes on. */
int ttb__netdev_receive(struct ttb__netdev *netdev, struct ttb_frame *frame);
/* The same of a frame that is to be copied if it has to wait. */
int ttb__netdev_receive_copy(struct ttb__netdev *netdev, const void *data, size_t len_bytes);

/* opts.hold: frames that wait to be released; release them all. */
uint32_t ttb__netdev_held(const struct ttb__netdev *netdev);
void ttb__netdev_release(struct ttb__netdev *netdev);

/* opts.hold: whether the guest may have sent without a kick since; and take what it has sent so. To be
 * called when the guest is blocked, and again later for as long as it is quiet.
 * @return frames sent (through ops->transmit); what calls come of it is collected */
bool ttb__netdev_is_quiet(const struct ttb__netdev *netdev);
int ttb__netdev_poll(struct ttb__netdev *netdev);

/* True if calls (or config change notices) are to be sent, or frames wait to go into the ring. */
bool ttb__netdev_has_calls(const struct ttb__netdev *netdev);

/* Send the collected calls. Returns how many replies are outstanding; 0: nothing to wait for
 * (eventfd, or no calls); `calls_done` follows if > 0; negative errno on failure. */
int ttb__netdev_flush_calls(struct ttb__netdev *netdev);

/* Notifications by other means than messages. A queue's name is the address of its descriptor table; 0: it
 * does not run. */
uint64_t ttb__netdev_rx_ring(const struct ttb__netdev *netdev);
uint64_t ttb__netdev_tx_ring(const struct ttb__netdev *netdev);
/* What ttb__netdev_flush_calls() would send. True, and who must be called: the calls are the caller's now. False:
 * they have to be messages, because not only queues have something to tell. The guest is blocked. */
bool ttb__netdev_take_calls(struct ttb__netdev *netdev, bool *rx, bool *tx);
/* The guest, which is blocked or gone, has kicked its transmit queue for what it had made available before
 * this index. ops->transmit and ops->kicked as in a kick that is a message, without ops->kick. */
void ttb__netdev_serve_kick(struct ttb__netdev *netdev, uint16_t avail_idx);

/* True between ttb__netdev_flush_calls() > 0 and calls_done. */
bool ttb__netdev_is_calling(const struct ttb__netdev *netdev);

/* Send the reply to a kick that was held back. */
int ttb__netdev_reply(struct ttb__netdev *netdev);

/* True while a kick's reply is held back. */
bool ttb__netdev_owes_reply(const struct ttb__netdev *netdev);

/* Carrier on or off; marks a config change notice if a driver is there. */
void ttb__netdev_set_carrier(struct ttb__netdev *netdev, bool on);

/* True if the driver's receive ring is enabled and has, or had, buffers. */
bool ttb__netdev_is_up(const struct ttb__netdev *netdev);

struct ttb__netdev_stats {
    uint64_t kicks, calls;
};
void ttb__netdev_get_stats(const struct ttb__netdev *netdev, struct ttb__netdev_stats *stats);

#endif
