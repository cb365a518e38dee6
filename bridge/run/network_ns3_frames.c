/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the trace gets from inside ns-3: frames at devices, those that are lost, and which is which. ns-3
 * numbers its packets and a copy keeps the number, as does what a router passes on; so a frame has one id
 * from the node that sent it to those that got it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/network_ns3.h"
#include "run/traced.h"

/* ------------------------------------------------------------------------------------ identity */

/* ns-3 numbers its packets one after the other, so this many of the newest are known; of older ones
 * the trace's writer goes by their content. A power of two. */
#define KNOWN_PACKETS 65536

struct ttb__ns3_packet {
    uint64_t uid, packet;
};

static struct ttb__ns3_packet *slot_of(struct ttb__network *network, uint64_t uid)
{
    return &network->packets[uid % KNOWN_PACKETS];
}

static void learn(struct ttb__network *network, uint64_t uid, uint64_t packet)
{
    *slot_of(network, uid) = (struct ttb__ns3_packet){.uid = uid, .packet = packet};
}

/* 0: not known */
static uint64_t find(struct ttb__network *network, uint64_t uid)
{
    const struct ttb__ns3_packet *slot = slot_of(network, uid);

    return slot->uid == uid ? slot->packet : 0;
}

/* Of what begins inside the network: sent, or lost when it was to be sent, by somebody in it. */
static uint64_t find_or_begin(struct ttb__network *network, uint64_t uid)
{
    uint64_t packet = find(network, uid);

    if (!packet) {
        packet = ttb_trace_writer_new_packet(network->writer);
        learn(network, uid, packet);
    }
    return packet;
}

/* -------------------------------------------------------------------------------------- queues */

static void on_queue(void *user, uint64_t time_ns, uint32_t frames)
{
    struct ttb__ns3_device *device = user;

    ttb__queues_note(&device->link->network->queues, &device->queue, time_ns, frames);
}

/* -------------------------------------------------------------------------------------- frames */

static void record(const struct ttb__ns3_device *device, const struct ttb_ns3_frame *frame,
                   enum ttb_trace_what what, uint64_t packet)
{
    const struct ttb_trace_record record = {
        .kind = TTB_TRACE_FRAME,
        .time_ns = frame->time_ns,
        .node = TTB_TRACE_NONE,
        .frame = {.what = what,
                  .place = device->place,
                  .packet = packet,
                  .len_bytes = (uint32_t)frame->len_bytes,
                  .payload = {.data = frame->data, .len_bytes = frame->len_bytes}},
    };

    if (device->place != TTB_TRACE_NONE && frame->len_bytes <= TTB_FRAME_MAX)
        ttb_trace_write(device->link->network->writer, &record);
}

static void on_frame(void *user, const struct ttb_ns3_frame *frame)
{
    const struct ttb__ns3_device *device = user;
    struct ttb__network *network = device->link->network;

    if (!network->writer)
        return;
    ttb__queues_settle_before(&network->queues, frame->time_ns);
    switch (frame->what) {
    case TTB_NS3_FRAME_TAKEN:
        learn(network, frame->uid, ttb_trace_writer_last_packet(network->writer));
        break;
    case TTB_NS3_FRAME_GIVEN:
        ttb_trace_writer_next_packet(network->writer, find(network, frame->uid));
        break;
    case TTB_NS3_FRAME_SENT:
        record(device, frame, TTB_TRACE_SENT, find_or_begin(network, frame->uid));
        break;
    case TTB_NS3_FRAME_RECEIVED:
        record(device, frame, TTB_TRACE_RECEIVED, find(network, frame->uid));
        break;
    case TTB_NS3_FRAME_LOST:
        ttb__traced_lost(network->writer, (size_t)(device->link - network->links), frame->time_ns,
                         frame->reason, find_or_begin(network, frame->uid), frame->data,
                         frame->len_bytes);
        break;
    }
}

/* -------------------------------------------------------------------------------------- devices */

static int declare(struct ttb__network *network, struct ttb__ns3_device *device, const char *owner)
{
    const struct ttb__ns3_link *link = device->link;
    struct ttb_ns3_device_info info = {.size = sizeof(info)};
    struct ttb_trace_place place = {
        .kind = TTB_TRACE_DEVICE,
        .node = TTB_TRACE_NONE,
        .link = (uint32_t)(link - network->links),
    };
    char name[2 * TTB_NAME_MAX + 2];
    int rc = ttb_ns3_device_get_info(device->object, &info);

    if (rc)
        return rc;
    snprintf(name, sizeof(name), "%s/%s", owner,
             device->given ? device->given->name : link->given->name);
    place.name = name;
    place.has_mac = info.has_mac;
    memcpy(place.mac, info.mac, sizeof(place.mac));
    place.mtu_bytes = info.mtu_bytes;
    place.speed_bps = info.rate_bps;
    place.description = info.type;
    return ttb_trace_writer_add_place(network->writer, &place, &device->place);
}

int ttb__ns3_watch(struct ttb__network *network, struct ttb__ns3_link *link, const char *owner)
{
    struct ttb__ns3_device *device = &link->devices[link->device_count - 1];
    int rc = 0;

    device->link = link;
    device->place = TTB_TRACE_NONE;
    if (!network->writer)
        return 0;
    if (!network->packets)
        network->packets = calloc(KNOWN_PACKETS, sizeof(*network->packets));
    if (!network->packets)
        return ttb__ns3_fail(network, -ENOMEM, "out of memory");
    if (network->plan->record_devices) {
        rc = declare(network, device, owner);
        device->queue.place = device->place;
        if (!rc)
            rc = ttb_ns3_watch_queue(device->object, on_queue, device);
        if (rc == -EOPNOTSUPP) /* it has none */
            rc = 0;
    }
    if (!rc)
        rc = ttb_ns3_watch_frames(device->object, on_frame, device);
    return rc ? ttb__ns3_fail_at(network, rc, "links", link->given->name) : 0;
}
