/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the network to the guest: receive buffers, and frames that wait for them.
 *
 * A frame goes into the ring at once, or waits in the backlog: for buffers; with segments to be merged,
 * for those that may follow at the same instant; and if the device is told to hold what comes, for
 * ttb__netdev_release(). What waits is in one list, in order; its last `held_frames` are not to be
 * touched yet, and of the others the last `fresh_frames` have not been tried yet.
 */
#include "vhost/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Frames of one instant that are collected before they are merged: a few packets of 64 KiB. */
#define FRESH_FRAMES_MAX 128u

static struct ttb_frame *waiting(const struct ttb__backlog *backlog, uint32_t index)
{
    return backlog->frames[(backlog->first + index) & (backlog->room - 1)];
}

static void shift_backlog(struct ttb__backlog *backlog, uint32_t count)
{
    while (count--) {
        ttb_frame_release(waiting(backlog, 0));
        backlog->first = (backlog->first + 1) & (backlog->room - 1);
        backlog->count--;
    }
}

void ttb__netdev_drop_backlog(struct ttb__netdev *netdev)
{
    shift_backlog(&netdev->backlog, netdev->backlog.count);
    netdev->held_frames = netdev->fresh_frames = 0;
}

static int make_room(struct ttb__backlog *backlog)
{
    uint32_t room = backlog->room ? 2 * backlog->room : 16;
    struct ttb_frame **frames = malloc(room * sizeof(struct ttb_frame *));

    if (!frames)
        return -ENOBUFS;
    for (uint32_t i = 0; i < backlog->count; i++)
        frames[i] = waiting(backlog, i);
    free(backlog->frames);
    *backlog = (struct ttb__backlog){.frames = frames, .count = backlog->count, .room = room};
    return 0;
}

static int append_backlog(struct ttb__netdev *netdev, struct ttb_frame *frame)
{
    struct ttb__backlog *backlog = &netdev->backlog;

    if (backlog->count >= netdev->backlog_frames_max)
        return -ENOBUFS;
    if (backlog->count == backlog->room && make_room(backlog))
        return -ENOBUFS;
    backlog->frames[(backlog->first + backlog->count++) & (backlog->room - 1)] =
        ttb_frame_hold(frame);
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

/* Where of several parts of a frame the next byte is taken from. */
struct source {
    const struct iovec *part;
    size_t offset;
};

/* Write as much of the frame as the chain takes. @return bytes */
static size_t write_chain(struct ttb__chain_cursor *cursor, struct source *source,
                          size_t left_bytes)
{
    size_t done_bytes = 0;

    while (done_bytes < left_bytes) {
        const uint8_t *from = (const uint8_t *)source->part->iov_base + source->offset;
        size_t want_bytes = source->part->iov_len - source->offset;
        size_t written = ttb__chain_write(cursor, from, want_bytes);

        done_bytes += written;
        if (written < want_bytes) {
            source->offset += written;
            break;
        }
        source->part++;
        source->offset = 0;
    }
    return done_bytes;
}

/* Put one frame, in parts, into the ring, or leave the ring as it was. Of the header, num_buffers is set here.
 * @return 0; -EAGAIN: not enough buffers now; -EMSGSIZE: no buffer of this driver will ever do;
 *         -ECONNRESET: the device has failed */
static int fill(struct ttb__netdev *netdev, struct ttb__net_header header,
                const struct iovec *parts, size_t len_bytes)
{
    struct source source = {.part = parts};
    struct ttb__virtqueue *ring = &netdev->queues[TTB__RX].ring;
    unsigned header_bytes = ttb__netdev_header_bytes(netdev);
    bool mergeable = ttb__netdev_has(netdev, TTB__VIRTIO_NET_F_MRG_RXBUF);
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
        part_bytes = write_chain(&cursor, &source, len_bytes - done_bytes);
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

static int fill_frame(struct ttb__netdev *netdev, const void *data, size_t len_bytes)
{
    const struct iovec part = {.iov_base = (void *)data, .iov_len = len_bytes};

    return fill(netdev, (struct ttb__net_header){0}, &part, len_bytes);
}

/* Put what is first in the backlog into the ring: a frame, or as many as can be merged into one.
 * @return as fill(); *count becomes how many frames that was */
static int fill_first(struct ttb__netdev *netdev, unsigned ready, unsigned *count)
{
    const struct ttb_frame *first = waiting(&netdev->backlog, 0), *next;
    struct ttb__merger *merger = netdev->rx_merger;
    struct ttb__net_header header = {0};
    const struct iovec *parts;
    unsigned part_count;
    size_t len_bytes;
    int rc;

    *count = 1;
    if (!merger)
        return fill_frame(netdev, first->data, first->len_bytes);
    ttb__merge_begin(merger, netdev->features, first->data, first->len_bytes, first->is_checked);
    while (*count < ready) {
        next = waiting(&netdev->backlog, *count);
        if (!ttb__merge_add(merger, next->data, next->len_bytes, next->is_checked))
            break;
        ++*count;
    }
    parts = ttb__merge_finish(merger, &header, &part_count, &len_bytes);
    rc = fill(netdev, header, parts, len_bytes);
    if (rc != -EMSGSIZE || *count == 1)
        return rc;
    /* All buffers of the driver are too small for the merged ones. */
    *count = 1;
    return fill_frame(netdev, first->data, first->len_bytes);
}

int ttb__netdev_drain_backlog(struct ttb__netdev *netdev)
{
    struct ttb__queue *queue = &netdev->queues[TTB__RX];
    unsigned looks_left = queue->ring.num;

    netdev->fresh_frames = 0;
    while (netdev->backlog.count > netdev->held_frames) {
        unsigned count;
        int rc = fill_first(netdev, netdev->backlog.count - netdev->held_frames, &count);

        if (rc == -ECONNRESET)
            return rc;
        if (rc == -EAGAIN) {
            if (!ask_for_buffers(&queue->ring) || --looks_left == 0)
                break;
            continue;
        }
        /* Delivered, or too long for this driver's buffers: dropped. */
        shift_backlog(&netdev->backlog, count);
    }
    if (netdev->backlog.count == netdev->held_frames)
        ttb__virtqueue_ask_kicks(&queue->ring, false);
    if (ttb__virtqueue_wants_call(&queue->ring))
        queue->call = true;
    return 0;
}

/* Into the ring now. @return -EAGAIN: there is no room, or others wait */
static int receive_now(struct ttb__netdev *netdev, const void *data, size_t len_bytes)
{
    struct ttb__queue *queue = &netdev->queues[TTB__RX];
    int rc = 0;

    if (netdev->backlog.count)
        rc = ttb__netdev_drain_backlog(netdev);
    if (!rc)
        rc = netdev->backlog.count ? -EAGAIN : fill_frame(netdev, data, len_bytes);
    if (!rc) {
        ttb__virtqueue_ask_kicks(&queue->ring, false);
        if (ttb__virtqueue_wants_call(&queue->ring))
            queue->call = true;
    }
    return rc;
}

static int wait_for_room(struct ttb__netdev *netdev, struct ttb_frame *frame)
{
    int rc = append_backlog(netdev, frame);

    /* Asks for a kick, and looks whether the driver was just refilling. */
    return rc ? rc : ttb__netdev_drain_backlog(netdev);
}

/* Into the backlog, for others may follow. */
static int receive_later(struct ttb__netdev *netdev, struct ttb_frame *frame)
{
    int rc = append_backlog(netdev, frame);

    if (rc && netdev->fresh_frames) {
        rc = ttb__netdev_drain_backlog(netdev);
        if (!rc)
            rc = append_backlog(netdev, frame);
    }
    if (rc)
        return rc;
    if (netdev->hold)
        netdev->held_frames++;
    else if (++netdev->fresh_frames >= FRESH_FRAMES_MAX)
        return ttb__netdev_drain_backlog(netdev);
    return 0;
}

static int check_frame(const struct ttb__netdev *netdev, const void *data, size_t len_bytes)
{
    if (!ttb__netdev_is_usable(netdev) || !netdev->queues[TTB__RX].running)
        return -ENETDOWN;
    if (len_bytes < TTB__ETH_HEADER_BYTES)
        return -EINVAL;
    return len_bytes > ttb__netdev_frame_limit(netdev, data, len_bytes) ? -EMSGSIZE : 0;
}

/* What cannot go into the ring at once: `frame`, or a copy of the data if there is none. */
static int receive_waiting(struct ttb__netdev *netdev, struct ttb_frame *frame, const void *data,
                           size_t len_bytes)
{
    struct ttb_frame *copy = frame ? NULL : ttb__frame_alloc(netdev->pool, len_bytes);
    int rc;

    if (!frame && !copy)
        return -ENOBUFS;
    if (copy)
        memcpy(copy->data, data, len_bytes);
    frame = copy ? copy : frame;
    if (netdev->hold || netdev->rx_merger)
        rc = receive_later(netdev, frame);
    else
        rc = wait_for_room(netdev, frame);
    ttb_frame_release(copy);
    return rc;
}

static int receive(struct ttb__netdev *netdev, struct ttb_frame *frame, const void *data,
                   size_t len_bytes)
{
    struct ttb__memory_guard guard;
    int left, rc = check_frame(netdev, data, len_bytes);

    if (rc)
        return rc;
    ttb__memory_enter(&guard, &netdev->memory);
    rc = netdev->hold || netdev->rx_merger ? -EAGAIN : receive_now(netdev, data, len_bytes);
    if (rc == -EAGAIN)
        rc = receive_waiting(netdev, frame, data, len_bytes);
    left = ttb__netdev_leave(netdev, &guard);
    return left ? left : rc;
}

int ttb__netdev_receive(struct ttb__netdev *netdev, struct ttb_frame *frame)
{
    return receive(netdev, frame, frame->data, frame->len_bytes);
}

int ttb__netdev_receive_copy(struct ttb__netdev *netdev, const void *data, size_t len_bytes)
{
    return receive(netdev, NULL, data, len_bytes);
}

uint32_t ttb__netdev_held(const struct ttb__netdev *netdev)
{
    return netdev->held_frames;
}

void ttb__netdev_release(struct ttb__netdev *netdev)
{
    netdev->fresh_frames += netdev->held_frames;
    netdev->held_frames = 0;
}
