/* SPDX-License-Identifier: BSD-3-Clause */
/* The network device: frames in and out of the rings, the backlog, calls, and the object's life. */
#include "vhost/device.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETH_HEADER_BYTES 14u
#define VLAN_TAG_BYTES   4u

int ttb__netdev_fail(struct ttb__netdev *netdev, int err, const char *format, ...)
{
    struct ttb__error why;
    va_list args;

    va_start(args, format);
    vsnprintf(why.text, sizeof(why.text), format, args);
    va_end(args);
    ttb__connection_fail(&netdev->connection, err, "%s", why.text);
    return err;
}

static bool usable(const struct ttb__netdev *netdev)
{
    return netdev->connection.fd >= 0 && !netdev->connection.failed;
}

uint64_t ttb__netdev_features(const struct ttb__netdev *netdev)
{
    (void)netdev;
    return TTB__BIT(TTB__VIRTIO_NET_F_MTU) | TTB__BIT(TTB__VIRTIO_NET_F_MAC) |
           TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF) | TTB__BIT(TTB__VIRTIO_NET_F_STATUS) |
           TTB__BIT(TTB__VIRTIO_F_ANY_LAYOUT) | TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC) |
           TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX) | TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES) |
           TTB__BIT(TTB__VIRTIO_F_VERSION_1);
}

uint64_t ttb__netdev_protocol_features(const struct ttb__netdev *netdev)
{
    uint64_t common = TTB__BIT(TTB__VHOST_P_REPLY_ACK) | TTB__BIT(TTB__VHOST_P_NET_MTU) |
                      TTB__BIT(TTB__VHOST_P_BACKEND_REQ) | TTB__BIT(TTB__VHOST_P_CONFIG) |
                      TTB__BIT(TTB__VHOST_P_RESET_DEVICE) |
                      TTB__BIT(TTB__VHOST_P_CONFIGURE_MEM_SLOTS);

    /* RARP: the frame that it asks for has no simulated time. */
    return common | (netdev->wall_clock ? TTB__BIT(TTB__VHOST_P_RARP)
                                        : TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS));
}

/* ------------------------------------------------------------------------- from guest to network */

static size_t frame_limit(const struct ttb__netdev *netdev, const uint8_t *frame, size_t len_bytes)
{
    size_t limit = netdev->mtu + ETH_HEADER_BYTES;

    if (len_bytes > ETH_HEADER_BYTES &&
        ((frame[12] == 0x81 && frame[13] == 0x00) || (frame[12] == 0x88 && frame[13] == 0xa8)))
        limit += VLAN_TAG_BYTES;
    return limit;
}

static void dropped(struct ttb__netdev *netdev, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void dropped(struct ttb__netdev *netdev, const char *format, ...)
{
    struct ttb__error why;
    va_list args;

    if (!netdev->ops->transmit_dropped)
        return;
    va_start(args, format);
    vsnprintf(why.text, sizeof(why.text), format, args);
    va_end(args);
    netdev->ops->transmit_dropped(netdev->user, why.text);
}

/* True if the chain held a frame that was passed on. The frame is copied before it is looked at: the
 * guest's memory may change at any time. */
static bool transmit_chain(struct ttb__netdev *netdev, const struct ttb__chain *chain)
{
    unsigned header_bytes = ttb__netdev_header_bytes(netdev);
    struct ttb__chain_cursor cursor = ttb__chain_out(chain);
    struct ttb__net_header header = {0};
    size_t len_bytes;

    if (chain->out_bytes < header_bytes) {
        dropped(netdev, "a buffer of %llu bytes is shorter than its header of %u",
                (unsigned long long)chain->out_bytes, header_bytes);
        return false;
    }
    ttb__chain_read(&cursor, &header, header_bytes);
    if ((header.flags & TTB__NET_F_NEEDS_CSUM) || header.gso_type != TTB__NET_GSO_NONE) {
        dropped(netdev,
                "the header asks for an offload that was not offered (flags 0x%x, gso_type %u)",
                header.flags, header.gso_type);
        return false;
    }
    if (chain->out_bytes - header_bytes > TTB__FRAME_BYTES_MAX) {
        dropped(netdev, "a frame of %llu bytes is longer than any can be",
                (unsigned long long)(chain->out_bytes - header_bytes));
        return false;
    }
    len_bytes = (size_t)(chain->out_bytes - header_bytes);
    ttb__chain_read(&cursor, netdev->tx_frame, len_bytes);
    if (len_bytes < ETH_HEADER_BYTES) {
        dropped(netdev, "a frame of %zu bytes is shorter than an Ethernet header", len_bytes);
        return false;
    }
    if (len_bytes > frame_limit(netdev, netdev->tx_frame, len_bytes)) {
        dropped(netdev, "a frame of %zu bytes is too long for an MTU of %u", len_bytes,
                netdev->mtu);
        return false;
    }
    netdev->ops->transmit(netdev->user, netdev->tx_frame, len_bytes);
    return true;
}

/* Pop, pass on and mark used what the guest has sent; at most one ring full.
 * @return frames passed on, or a negative errno: the device has failed */
static int drain_transmit(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    struct ttb__virtqueue *ring = &queue->ring;
    unsigned budget = ring->num;
    int sent = 0;

    if (!ring->event_idx)
        ttb__virtqueue_ask_kicks(ring, false);
    for (;;) {
        struct ttb__ring_used_elem used;
        int rc;

        rc = ttb__virtqueue_pop(ring, &netdev->memory, &netdev->tx_chain, &netdev->error);
        if (rc == 0) {
            ttb__virtqueue_ask_kicks(ring, true);
            if (!ttb__virtqueue_has_avail(ring))
                break;
            if (!ring->event_idx)
                ttb__virtqueue_ask_kicks(ring, false);
            continue;
        }
        if (rc == 1 && netdev->tx_chain.in_parts)
            rc = ttb__fail(&netdev->error, -EINVAL,
                           "chain at descriptor %u has device-writable descriptors",
                           netdev->tx_chain.head);
        if (rc < 0)
            return ttb__netdev_fail(netdev, rc, "transmit queue: %s", netdev->error.text);
        if (transmit_chain(netdev, &netdev->tx_chain))
            sent++;
        /* The callback may have ended or stopped us. */
        if (!usable(netdev) || !queue->running)
            return sent;
        used = (struct ttb__ring_used_elem){.id = netdev->tx_chain.head};
        ttb__virtqueue_push(ring, &used, 1);
        if (--budget == 0) {
            /* Only a guest that goes on sending meanwhile comes here: let others have a turn. */
            ttb__virtqueue_ask_kicks(ring, true);
            if (ttb__virtqueue_has_avail(ring) && netdev->wall_clock)
                ttb__netdev_resume_later(netdev);
            break;
        }
    }
    if (ttb__virtqueue_wants_call(ring))
        queue->call = true;
    return sent;
}

/* ------------------------------------------------------------------------- from network to guest */

void ttb__netdev_drop_backlog(struct ttb__netdev *netdev)
{
    while (netdev->backlog) {
        struct ttb__backlog_frame *frame = netdev->backlog;

        netdev->backlog = frame->next;
        free(frame);
    }
    netdev->backlog_tail = &netdev->backlog;
    netdev->backlog_frames = 0;
}

static int append_backlog(struct ttb__netdev *netdev, const void *frame, size_t len_bytes)
{
    struct ttb__backlog_frame *copy;

    if (netdev->backlog_frames >= netdev->backlog_frames_max)
        return -ENOBUFS;
    copy = malloc(sizeof(*copy) + len_bytes);
    if (!copy)
        return -ENOBUFS;
    copy->next = NULL;
    copy->len_bytes = len_bytes;
    memcpy(copy->data, frame, len_bytes);
    *netdev->backlog_tail = copy;
    netdev->backlog_tail = &copy->next;
    netdev->backlog_frames++;
    return 0;
}

static int pop_receive(struct ttb__netdev *netdev, struct ttb__chain *chain)
{
    struct ttb__virtqueue *ring = &netdev->queues[TTB__RX].ring;
    int rc = ttb__virtqueue_pop(ring, &netdev->memory, chain, &netdev->error);

    if (rc == 1 && chain->out_parts)
        rc = ttb__fail(&netdev->error, -EINVAL,
                       "chain at descriptor %u has device-readable descriptors", chain->head);
    /* virtio 1.2, 5.1.6.3.1: every buffer holds at least the header. Also bounds their number. */
    if (rc == 1 && chain->in_bytes < ttb__netdev_header_bytes(netdev))
        rc = ttb__fail(&netdev->error, -EINVAL,
                       "chain at descriptor %u has %llu bytes, less than a "
                       "header of %u",
                       chain->head, (unsigned long long)chain->in_bytes,
                       ttb__netdev_header_bytes(netdev));
    if (rc < 0)
        ttb__netdev_fail(netdev, rc, "receive queue: %s", netdev->error.text);
    return rc < 0 ? -ECONNRESET : rc;
}

/* Put one frame into the ring, or leave the ring as it was.
 * @return 0; -EAGAIN: not enough buffers now; -EMSGSIZE: no buffer of this driver will ever do;
 *         -ECONNRESET: the device has failed */
static int fill(struct ttb__netdev *netdev, const uint8_t *frame, size_t len_bytes)
{
    struct ttb__virtqueue *ring = &netdev->queues[TTB__RX].ring;
    unsigned header_bytes = ttb__netdev_header_bytes(netdev);
    bool mergeable = ttb__netdev_has(netdev, TTB__VIRTIO_NET_F_MRG_RXBUF);
    struct ttb__net_header header = {.gso_type = TTB__NET_GSO_NONE};
    struct ttb__chain_cursor cursor;
    size_t done_bytes = 0;
    unsigned count = 0;

    while (count == 0 || done_bytes < len_bytes) {
        struct ttb__chain *chain = count == 0 ? &netdev->rx_first : &netdev->rx_next;
        size_t skip_bytes = count == 0 ? header_bytes : 0;
        size_t part_bytes;
        int rc;

        if (count == ring->num) {
            /* All the driver's buffers together are too small: waiting for more is no use. (And it
             * is what bounds rx_used when the index rises while we look.) */
            ttb__virtqueue_unpop(ring, count);
            return -EMSGSIZE;
        }
        rc = pop_receive(netdev, chain);
        if (rc <= 0) {
            ttb__virtqueue_unpop(ring, count);
            return rc < 0 ? rc : -EAGAIN;
        }
        count++;
        cursor = ttb__chain_in(chain);
        ttb__chain_skip(&cursor, skip_bytes);
        part_bytes = ttb__chain_write(&cursor, frame + done_bytes, len_bytes - done_bytes);
        done_bytes += part_bytes;
        netdev->rx_used[count - 1] = (struct ttb__ring_used_elem){
            .id = chain->head,
            .len_bytes = (uint32_t)(skip_bytes + part_bytes),
        };
        if (done_bytes < len_bytes && !mergeable) {
            ttb__virtqueue_unpop(ring, count);
            return -EMSGSIZE;
        }
    }
    header.num_buffers = (uint16_t)count;
    cursor = ttb__chain_in(&netdev->rx_first);
    ttb__chain_write(&cursor, &header, header_bytes);
    ttb__virtqueue_push(ring, netdev->rx_used, count);
    return 0;
}

/* No buffers for the oldest frame: ask for a kick when there are more.
 * @return true if the driver has added some just now, so that it is worth another look */
static bool ask_for_buffers(struct ttb__virtqueue *ring)
{
    uint16_t seen = ring->seen_avail;

    ttb__virtqueue_ask_kicks(ring, true);
    ttb__virtqueue_has_avail(ring);
    return ring->seen_avail != seen;
}

/* As many frames of the backlog as fit. A kick is asked for only while frames wait for buffers, so
 * that a driver which refills in time makes none. */
static int drain_backlog(struct ttb__netdev *netdev)
{
    struct ttb__queue *queue = &netdev->queues[TTB__RX];
    unsigned looks_left = queue->ring.num;

    while (netdev->backlog) {
        struct ttb__backlog_frame *frame = netdev->backlog;
        int rc = fill(netdev, frame->data, frame->len_bytes);

        if (rc == -ECONNRESET)
            return rc;
        if (rc == -EAGAIN) {
            if (!ask_for_buffers(&queue->ring) || --looks_left == 0)
                break;
            continue;
        }
        /* Delivered, or too long for this driver's buffers: dropped. */
        netdev->backlog = frame->next;
        if (!netdev->backlog)
            netdev->backlog_tail = &netdev->backlog;
        netdev->backlog_frames--;
        free(frame);
    }
    if (!netdev->backlog)
        ttb__virtqueue_ask_kicks(&queue->ring, false);
    if (ttb__virtqueue_wants_call(&queue->ring))
        queue->call = true;
    return 0;
}

/* Leave guest memory; -ECONNRESET if it was taken away meanwhile. */
static int leave(struct ttb__netdev *netdev, struct ttb__memory_guard *guard)
{
    int rc = ttb__memory_leave(guard, &netdev->error);

    if (!rc)
        return 0;
    ttb__netdev_fail(netdev, rc, "%s", netdev->error.text);
    return -ECONNRESET;
}

int ttb__netdev_receive(struct ttb__netdev *netdev, const void *frame, size_t len_bytes)
{
    struct ttb__queue *queue = &netdev->queues[TTB__RX];
    struct ttb__memory_guard guard;
    int rc = 0, left;

    if (!usable(netdev) || !queue->running)
        return -ENETDOWN;
    if (len_bytes < ETH_HEADER_BYTES)
        return -EINVAL;
    if (len_bytes > frame_limit(netdev, frame, len_bytes))
        return -EMSGSIZE;
    ttb__memory_enter(&guard, &netdev->memory);
    if (netdev->backlog)
        rc = drain_backlog(netdev);
    if (!rc)
        rc = netdev->backlog ? -EAGAIN : fill(netdev, frame, len_bytes);
    if (rc == -EAGAIN) {
        rc = append_backlog(netdev, frame, len_bytes);
        /* Asks for a kick, and looks whether the driver was just refilling. */
        if (!rc)
            rc = drain_backlog(netdev);
    } else if (!rc) {
        ttb__virtqueue_ask_kicks(&queue->ring, false);
        if (ttb__virtqueue_wants_call(&queue->ring))
            queue->call = true;
    }
    left = leave(netdev, &guard);
    return left ? left : rc;
}

/* ---------------------------------------------------------------------------------------- kicks */

bool ttb__netdev_serve(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    struct ttb__memory_guard guard;
    int sent = 0;

    if (netdev->ops->kick)
        netdev->ops->kick(netdev->user);
    if (!usable(netdev))
        return false;
    if (queue->running) {
        ttb__memory_enter(&guard, &netdev->memory);
        if (ttb__queue_index(queue) == TTB__TX)
            sent = drain_transmit(netdev, queue);
        else
            drain_backlog(netdev);
        leave(netdev, &guard);
        if (!usable(netdev))
            return false;
    }
    return netdev->ops->kicked && netdev->ops->kicked(netdev->user, (unsigned)sent, queue->call);
}

int ttb__netdev_reply(struct ttb__netdev *netdev)
{
    const uint64_t success = 0;

    if (!netdev->reply_held)
        return -EALREADY;
    netdev->reply_held = false;
    ttb__connection_pause(&netdev->connection, false);
    return ttb__connection_reply(&netdev->connection, netdev->reply_request, &success,
                                 sizeof(success));
}

bool ttb__netdev_owes_reply(const struct ttb__netdev *netdev)
{
    return netdev->reply_held && usable(netdev);
}

/* ---------------------------------------------------------------------------------------- calls */

bool ttb__netdev_has_calls(const struct ttb__netdev *netdev)
{
    if (!usable(netdev))
        return false;
    for (unsigned i = 0; i < TTB__QUEUES; i++) {
        if (netdev->queues[i].call)
            return true;
    }
    return netdev->config_changed;
}

static void add_call(struct ttb__netdev *netdev, struct ttb__queue *queue, struct ttb__call *calls,
                     unsigned *count)
{
    queue->call = false;
    if (ttb__netdev_has_protocol(netdev, TTB__VHOST_P_INBAND_NOTIFICATIONS) &&
        netdev->connection.backend_fd >= 0) {
        calls[(*count)++] = (struct ttb__call){
            .request = TTB__VHOST_BACKEND_VRING_CALL,
            .index = ttb__queue_index(queue),
        };
        netdev->stats.calls++;
    } else if (queue->call_fd >= 0) {
        ttb__queue_notify_fd(queue->call_fd);
        netdev->stats.calls++;
    }
    /* Else the driver polls. */
}

int ttb__netdev_flush_calls(struct ttb__netdev *netdev)
{
    struct ttb__call calls[TTB__CALLS_MAX];
    struct ttb__memory_guard guard;
    unsigned count = 0;
    int rc = 0;

    if (!usable(netdev))
        return -ENOTCONN;
    if (netdev->backlog && netdev->queues[TTB__RX].running) {
        ttb__memory_enter(&guard, &netdev->memory);
        drain_backlog(netdev);
        leave(netdev, &guard);
        if (!usable(netdev))
            return -ECONNRESET;
    }
    if (netdev->config_changed && netdev->connection.backend_fd >= 0)
        calls[count++] = (struct ttb__call){.request = TTB__VHOST_BACKEND_CONFIG_CHANGE};
    netdev->config_changed = false;
    for (unsigned i = 0; i < TTB__QUEUES; i++) {
        if (netdev->queues[i].call)
            add_call(netdev, &netdev->queues[i], calls, &count);
    }
    /* In wall-clock time nobody waits for the guest to notice. */
    if (count)
        rc = ttb__connection_call(&netdev->connection, calls, count,
                                  !netdev->wall_clock &&
                                      ttb__netdev_has_protocol(netdev, TTB__VHOST_P_REPLY_ACK));
    return rc ? rc : (int)netdev->connection.outstanding;
}

bool ttb__netdev_is_calling(const struct ttb__netdev *netdev)
{
    return usable(netdev) && netdev->connection.outstanding > 0;
}

static void on_calls_answered(void *user)
{
    struct ttb__netdev *netdev = user;

    if (netdev->ops->calls_done)
        netdev->ops->calls_done(netdev->user);
}

/* ----------------------------------------------------------------------------------------- life */

void ttb__netdev_set_carrier(struct ttb__netdev *netdev, bool on)
{
    uint16_t status = on ? TTB__NET_S_LINK_UP : 0;

    if (status == netdev->config.status)
        return;
    netdev->config.status = status;
    if (netdev->link_up && ttb__netdev_has(netdev, TTB__VIRTIO_NET_F_STATUS))
        netdev->config_changed = true;
}

bool ttb__netdev_is_up(const struct ttb__netdev *netdev)
{
    const struct ttb__queue *queue = &netdev->queues[TTB__RX];

    return usable(netdev) && queue->running;
}

void ttb__netdev_get_stats(const struct ttb__netdev *netdev, struct ttb__netdev_stats *stats)
{
    *stats = netdev->stats;
}

void ttb__netdev_send_rarp(struct ttb__netdev *netdev, const uint8_t mac[6])
{
    /* RFC 903 request "reverse" (3) about ourselves, padded to the shortest Ethernet frame. */
    static const uint8_t fixed[] = {0x80, 0x35, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x03};
    uint8_t frame[60] = {0};

    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(frame + 12, fixed, sizeof(fixed));
    memcpy(frame + 22, mac, 6);
    memcpy(frame + 32, mac, 6);
    netdev->ops->transmit(netdev->user, frame, sizeof(frame));
}

/* Give back everything that the connection brought. */
static void release(struct ttb__netdev *netdev)
{
    for (unsigned i = 0; i < TTB__QUEUES; i++)
        ttb__queue_close(&netdev->queues[i]);
    ttb__netdev_close_timer(netdev);
    ttb__memory_clear(&netdev->memory);
    ttb__netdev_drop_backlog(netdev);
    netdev->config_changed = false;
    netdev->reply_held = false;
}

static void on_lost(void *user, int err, const char *why)
{
    struct ttb__netdev *netdev = user;

    for (unsigned i = 0; i < TTB__QUEUES && err; i++) {
        if (netdev->queues[i].err_fd >= 0)
            ttb__queue_notify_fd(netdev->queues[i].err_fd);
    }
    release(netdev);
    if (netdev->ops->closed)
        netdev->ops->closed(netdev->user, err, why);
}

static const struct ttb__connection_ops connection_ops = {
    .message = ttb__netdev_on_message,
    .calls_answered = on_calls_answered,
    .lost = on_lost,
};

int ttb__netdev_new(const struct ttb_loop *loop, int fd, const struct ttb__netdev_opts *opts,
                    const struct ttb__netdev_ops *ops, void *user, struct ttb__netdev **netdev)
{
    struct ttb__netdev *made = calloc(1, sizeof(*made));
    int rc;

    assert(ops->transmit);
    if (!made)
        return -ENOMEM;
    made->tx_frame = malloc(TTB__FRAME_BYTES_MAX);
    if (!made->tx_frame) {
        free(made);
        return -ENOMEM;
    }
    made->ops = ops;
    made->user = user;
    memcpy(made->config.mac, opts->mac, sizeof(opts->mac));
    made->config.status = opts->carrier ? TTB__NET_S_LINK_UP : 0;
    made->config.max_virtqueue_pairs = 1;
    made->config.mtu = opts->mtu;
    made->mtu = opts->mtu;
    made->wall_clock = opts->wall_clock;
    made->backlog_tail = &made->backlog;
    made->backlog_frames_max = opts->backlog_frames;
    made->timer_fd = -1;
    rc = ttb__connection_open(&made->connection, loop, fd, &connection_ops, made);
    if (rc) {
        free(made->tx_frame);
        free(made);
        return rc;
    }
    for (unsigned i = 0; i < TTB__QUEUES; i++)
        ttb__queue_init(made, &made->queues[i]);
    *netdev = made;
    return 0;
}

static const struct ttb__netdev_ops no_ops;

void ttb__netdev_free(struct ttb__netdev *netdev)
{
    if (!netdev)
        return;
    netdev->ops = &no_ops; /* no callback is made */
    release(netdev);
    ttb__connection_close(&netdev->connection);
    ttb__chain_free(&netdev->tx_chain);
    ttb__chain_free(&netdev->rx_first);
    ttb__chain_free(&netdev->rx_next);
    free(netdev->rx_used);
    free(netdev->tx_frame);
    free(netdev);
}
