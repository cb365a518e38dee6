/* SPDX-License-Identifier: BSD-3-Clause */
/* The network device: frames out of the rings, kicks, calls, and the object's life. */
#include "vhost/device.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VLAN_TAG_BYTES 4u

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

bool ttb__netdev_is_usable(const struct ttb__netdev *netdev)
{
    return netdev->connection.fd >= 0 && !netdev->connection.failed;
}

size_t ttb__netdev_frame_limit(const struct ttb__netdev *netdev, const uint8_t *frame,
                               size_t len_bytes)
{
    size_t limit = netdev->mtu + TTB__ETH_HEADER_BYTES;

    if (len_bytes > TTB__ETH_HEADER_BYTES &&
        ((frame[12] == 0x81 && frame[13] == 0x00) || (frame[12] == 0x88 && frame[13] == 0xa8)))
        limit += VLAN_TAG_BYTES;
    return limit;
}

int ttb__netdev_leave(struct ttb__netdev *netdev, struct ttb__memory_guard *guard)
{
    int rc = ttb__memory_leave(guard, &netdev->error);

    if (!rc)
        return 0;
    ttb__netdev_fail(netdev, rc, "%s", netdev->error.text);
    return -ECONNRESET;
}

static const uint64_t offloads =
    TTB__BIT(TTB__VIRTIO_NET_F_CSUM) | TTB__BIT(TTB__VIRTIO_NET_F_GUEST_CSUM) |
    TTB__BIT(TTB__VIRTIO_NET_F_GUEST_TSO4) | TTB__BIT(TTB__VIRTIO_NET_F_GUEST_TSO6) |
    TTB__BIT(TTB__VIRTIO_NET_F_HOST_TSO4) | TTB__BIT(TTB__VIRTIO_NET_F_HOST_TSO6) |
    TTB__BIT(TTB__VIRTIO_NET_F_HOST_ECN);

uint64_t ttb__netdev_features(const struct ttb__netdev *netdev)
{
    return (netdev->rx_merger ? offloads : 0) | TTB__BIT(TTB__VIRTIO_NET_F_MTU) |
           TTB__BIT(TTB__VIRTIO_NET_F_MAC) | TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF) |
           TTB__BIT(TTB__VIRTIO_NET_F_STATUS) | TTB__BIT(TTB__VIRTIO_F_ANY_LAYOUT) |
           TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC) | TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX) |
           TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES) | TTB__BIT(TTB__VIRTIO_F_VERSION_1);
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

static struct ttb_frame *new_frame(struct ttb__netdev *netdev, size_t len_bytes)
{
    struct ttb_frame *frame = ttb__frame_alloc(netdev->pool, len_bytes);

    if (!frame)
        ttb__netdev_fail(netdev, -ENOMEM, "out of memory: a frame of %zu bytes", len_bytes);
    return frame;
}

static void pass_on(struct ttb__netdev *netdev, struct ttb_frame *frame)
{
    netdev->ops->transmit(netdev->user, frame);
    ttb_frame_release(frame);
}

static bool is_longer_than_any(struct ttb__netdev *netdev, uint64_t len_bytes)
{
    if (len_bytes <= TTB__FRAME_BYTES_MAX)
        return false;
    dropped(netdev, "a frame of %llu bytes is longer than any can be",
            (unsigned long long)len_bytes);
    return true;
}

/* A frame of which the card does a part. @return frames passed on */
static int transmit_offloaded(struct ttb__netdev *netdev, const struct ttb__net_header *header,
                              struct ttb__chain_cursor *cursor, size_t len_bytes)
{
    struct ttb__segmenter segmenter;
    struct ttb__error why;
    size_t limit_bytes = 0, segment_bytes;
    int sent = 0;

    /* What was not offered cannot have been negotiated: that is found before the frame is looked at. */
    if (netdev->tx_whole) {
        ttb__chain_read(cursor, netdev->tx_whole, len_bytes);
        limit_bytes = ttb__netdev_frame_limit(netdev, netdev->tx_whole, len_bytes);
    }
    if (netdev->tx_whole && header->gso_type == TTB__NET_GSO_NONE && len_bytes > limit_bytes) {
        dropped(netdev, "a frame of %zu bytes is too long for an MTU of %u", len_bytes,
                netdev->mtu);
        return 0;
    }
    if (ttb__segment_begin(&segmenter, header, netdev->features, netdev->tx_whole, len_bytes,
                           limit_bytes, &why)) {
        dropped(netdev, "the virtio header: %s", why.text);
        return 0;
    }
    while (ttb__netdev_is_usable(netdev) &&
           (segment_bytes = ttb__segment_next_bytes(&segmenter)) > 0) {
        struct ttb_frame *frame = new_frame(netdev, segment_bytes);

        if (!frame)
            break;
        ttb__segment_next(&segmenter, frame->data);
        frame->is_checked = header->gso_type != TTB__NET_GSO_NONE;
        pass_on(netdev, frame);
        sent++;
    }
    return sent;
}

static int transmit_plain(struct ttb__netdev *netdev, struct ttb__chain_cursor *cursor,
                          size_t len_bytes)
{
    struct ttb_frame *frame = new_frame(netdev, len_bytes);

    if (!frame)
        return 0;
    ttb__chain_read(cursor, frame->data, len_bytes);
    if (len_bytes > ttb__netdev_frame_limit(netdev, frame->data, len_bytes)) {
        dropped(netdev, "a frame of %zu bytes is too long for an MTU of %u", len_bytes,
                netdev->mtu);
        ttb_frame_release(frame);
        return 0;
    }
    pass_on(netdev, frame);
    return 1;
}

/* Pass on what the chain holds. The frame is copied before it is looked at: the guest's memory may change
 * at any time.
 * @return frames passed on */
static int transmit_chain(struct ttb__netdev *netdev, const struct ttb__chain *chain)
{
    unsigned header_bytes = ttb__netdev_header_bytes(netdev);
    struct ttb__chain_cursor cursor = ttb__chain_out(chain);
    struct ttb__net_header header = {0};
    size_t len_bytes;

    if (chain->out_bytes < header_bytes) {
        dropped(netdev, "a buffer of %llu bytes is shorter than its header of %u",
                (unsigned long long)chain->out_bytes, header_bytes);
        return 0;
    }
    ttb__chain_read(&cursor, &header, header_bytes);
    if (is_longer_than_any(netdev, chain->out_bytes - header_bytes))
        return 0;
    len_bytes = (size_t)(chain->out_bytes - header_bytes);
    if (len_bytes < TTB__ETH_HEADER_BYTES) {
        dropped(netdev, "a frame of %zu bytes is shorter than an Ethernet header", len_bytes);
        return 0;
    }
    if (!(header.flags & TTB__NET_F_NEEDS_CSUM) && header.gso_type == TTB__NET_GSO_NONE)
        return transmit_plain(netdev, &cursor, len_bytes);
    return transmit_offloaded(netdev, &header, &cursor, len_bytes);
}

/* Pop, pass on and mark used what the guest has sent; at most one ring full.
 * @return frames passed on, or a negative errno: the device has failed */
static int drain_transmit(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    struct ttb__virtqueue *ring = &queue->ring;
    unsigned budget = ring->num;
    int sent = 0;

    netdev->quiet = false;
    if (!ring->event_idx)
        ttb__virtqueue_ask_kicks(ring, false);
    for (;;) {
        struct ttb__ring_used_elem used;
        int rc;

        rc = ttb__virtqueue_pop(ring, &netdev->memory, &netdev->tx_chain, &netdev->error);
        if (rc == 0 && netdev->hold && sent) {
            ttb__virtqueue_ask_kicks(ring, false);
            netdev->quiet = true;
            break;
        }
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
        sent += transmit_chain(netdev, &netdev->tx_chain);
        /* The callback may have ended or stopped us. */
        if (!ttb__netdev_is_usable(netdev) || !queue->running)
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

/* ---------------------------------------------------------------------------------------- kicks */

bool ttb__netdev_serve(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    struct ttb__memory_guard guard;
    int sent = 0;

    if (netdev->ops->kick)
        netdev->ops->kick(netdev->user);
    if (!ttb__netdev_is_usable(netdev))
        return false;
    if (queue->running) {
        ttb__memory_enter(&guard, &netdev->memory);
        if (ttb__queue_index(queue) == TTB__TX)
            sent = drain_transmit(netdev, queue);
        else
            ttb__netdev_drain_backlog(netdev);
        ttb__netdev_leave(netdev, &guard);
        if (!ttb__netdev_is_usable(netdev))
            return false;
    }
    return netdev->ops->kicked && netdev->ops->kicked(netdev->user, (unsigned)sent, queue->call);
}

static uint64_t ring_of(const struct ttb__netdev *netdev, unsigned index)
{
    const struct ttb__queue *queue = &netdev->queues[index];

    return ttb__netdev_is_usable(netdev) && queue->running ? queue->ring.desc_addr : 0;
}

uint64_t ttb__netdev_rx_ring(const struct ttb__netdev *netdev)
{
    return ring_of(netdev, TTB__RX);
}

uint64_t ttb__netdev_tx_ring(const struct ttb__netdev *netdev)
{
    return ring_of(netdev, TTB__TX);
}

void ttb__netdev_serve_kick(struct ttb__netdev *netdev, uint16_t avail_idx)
{
    struct ttb__queue *queue = &netdev->queues[TTB__TX];
    struct ttb__memory_guard guard;
    int sent = 0;

    if (!ttb__netdev_is_usable(netdev) || !queue->running)
        return;
    netdev->stats.kicks++;
    ttb__memory_enter(&guard, &netdev->memory);
    if (ttb__virtqueue_limit(&queue->ring, avail_idx, &netdev->error)) {
        ttb__netdev_fail(netdev, -EINVAL, "transmit queue: %s", netdev->error.text);
    } else {
        sent = drain_transmit(netdev, queue);
        ttb__virtqueue_unlimit(&queue->ring);
    }
    ttb__netdev_leave(netdev, &guard);
    if (ttb__netdev_is_usable(netdev) && netdev->ops->kicked)
        netdev->ops->kicked(netdev->user, sent > 0 ? (unsigned)sent : 0, queue->call);
}

bool ttb__netdev_is_quiet(const struct ttb__netdev *netdev)
{
    return netdev->quiet && ttb__netdev_is_usable(netdev) && netdev->queues[TTB__TX].running;
}

int ttb__netdev_poll(struct ttb__netdev *netdev)
{
    struct ttb__memory_guard guard;
    int sent = 0;

    if (!ttb__netdev_is_quiet(netdev))
        return 0;
    ttb__memory_enter(&guard, &netdev->memory);
    sent = drain_transmit(netdev, &netdev->queues[TTB__TX]);
    ttb__netdev_leave(netdev, &guard);
    return sent > 0 ? sent : 0;
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
    return netdev->reply_held && ttb__netdev_is_usable(netdev);
}

/* ---------------------------------------------------------------------------------------- calls */

bool ttb__netdev_has_calls(const struct ttb__netdev *netdev)
{
    if (!ttb__netdev_is_usable(netdev))
        return false;
    for (unsigned i = 0; i < TTB__QUEUES; i++) {
        if (netdev->queues[i].call)
            return true;
    }
    return netdev->config_changed || netdev->fresh_frames;
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

/* What waits for the guest to be blocked goes into its ring. */
static int fill_ring(struct ttb__netdev *netdev)
{
    struct ttb__memory_guard guard;

    if (!ttb__netdev_is_usable(netdev))
        return -ENOTCONN;
    if (netdev->backlog.count == netdev->held_frames || !netdev->queues[TTB__RX].running)
        return 0;
    ttb__memory_enter(&guard, &netdev->memory);
    ttb__netdev_drain_backlog(netdev);
    ttb__netdev_leave(netdev, &guard);
    return ttb__netdev_is_usable(netdev) ? 0 : -ECONNRESET;
}

bool ttb__netdev_take_calls(struct ttb__netdev *netdev, bool *rx, bool *tx)
{
    *rx = *tx = false;
    if (fill_ring(netdev))
        return true;
    if (netdev->config_changed)
        return false;
    *rx = netdev->queues[TTB__RX].call;
    *tx = netdev->queues[TTB__TX].call;
    netdev->queues[TTB__RX].call = netdev->queues[TTB__TX].call = false;
    netdev->stats.calls += *rx + *tx;
    return true;
}

int ttb__netdev_flush_calls(struct ttb__netdev *netdev)
{
    struct ttb__call calls[TTB__CALLS_MAX];
    unsigned count = 0;
    int rc = fill_ring(netdev);

    if (rc)
        return rc;
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
    return ttb__netdev_is_usable(netdev) && netdev->connection.outstanding > 0;
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

    return ttb__netdev_is_usable(netdev) && queue->running;
}

void ttb__netdev_get_stats(const struct ttb__netdev *netdev, struct ttb__netdev_stats *stats)
{
    *stats = netdev->stats;
}

void ttb__netdev_send_rarp(struct ttb__netdev *netdev, const uint8_t mac[6])
{
    /* RFC 903 request "reverse" (3) about ourselves, padded to the shortest Ethernet frame. */
    static const uint8_t fixed[] = {0x80, 0x35, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x03};
    struct ttb_frame *frame = new_frame(netdev, 60);

    if (!frame)
        return;
    memset(frame->data, 0, frame->len_bytes);
    memset(frame->data, 0xff, 6);
    memcpy(frame->data + 6, mac, 6);
    memcpy(frame->data + 12, fixed, sizeof(fixed));
    memcpy(frame->data + 22, mac, 6);
    memcpy(frame->data + 32, mac, 6);
    pass_on(netdev, frame);
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

static void on_arrived(void *user)
{
    struct ttb__netdev *netdev = user;

    if (netdev->ops->arrived)
        netdev->ops->arrived(netdev->user);
}

static const struct ttb__connection_ops connection_ops = {
    .arrived = on_arrived,
    .message = ttb__netdev_on_message,
    .calls_answered = on_calls_answered,
    .lost = on_lost,
};

static void free_made(struct ttb__netdev *netdev)
{
    free(netdev->backlog.frames);
    free(netdev->rx_merger);
    free(netdev->tx_whole);
    free(netdev);
}

int ttb__netdev_new(const struct ttb_loop *loop, int fd, const struct ttb__netdev_opts *opts,
                    const struct ttb__netdev_ops *ops, void *user, struct ttb__netdev **netdev)
{
    struct ttb__netdev *made = calloc(1, sizeof(*made));
    int rc;

    assert(ops->transmit);
    if (!made)
        return -ENOMEM;
    if (opts->offload) {
        made->tx_whole = malloc(TTB__FRAME_BYTES_MAX);
        made->rx_merger = malloc(sizeof(*made->rx_merger));
        if (!made->tx_whole || !made->rx_merger) {
            free_made(made);
            return -ENOMEM;
        }
    }
    made->pool = opts->pool;
    made->ops = ops;
    made->user = user;
    memcpy(made->config.mac, opts->mac, sizeof(opts->mac));
    made->config.status = opts->carrier ? TTB__NET_S_LINK_UP : 0;
    made->config.max_virtqueue_pairs = 1;
    made->config.mtu = opts->mtu;
    made->mtu = opts->mtu;
    made->wall_clock = opts->wall_clock;
    made->backlog_frames_max = opts->backlog_frames;
    made->hold = opts->hold;
    made->timer_fd = -1;
    rc = ttb__connection_open(&made->connection, loop, fd, &connection_ops, made);
    if (rc) {
        free_made(made);
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
    free_made(netdev);
}
