/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer as observer of a bridge.
 */
#include "record/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Wall time between two samples of what the nodes cost. */
#define SAMPLE_NS 100000000ULL

/* -------------------------------------------------------------------------------- nodes, ports */

/* @return the node's id, or TTB_TRACE_NONE when there is no memory for it */
static uint32_t know_node(struct ttb_trace_writer *writer, struct ttb_node *node)
{
    uint32_t id;

    if (!node)
        return TTB_TRACE_NONE;
    id = ttb_node_id(node);
    if (id < writer->node_room && writer->nodes[id].node == node)
        return id;
    if (id >= writer->node_room) {
        size_t room = writer->node_room ? writer->node_room : 16;
        struct ttb__seen_node *grown;

        while (room <= id)
            room *= 2;
        grown = realloc(writer->nodes, room * sizeof(*grown));
        if (!grown)
            return TTB_TRACE_NONE;
        memset(grown + writer->node_room, 0, (room - writer->node_room) * sizeof(*grown));
        writer->nodes = grown;
        writer->node_room = room;
    }
    if (!ttb__trace_tables_node(&writer->tables, id)) {
        struct ttb_trace_node declared = {
            .id = id,
            .name = ttb_node_name(node),
            .kernel = TTB_TRACE_NONE,
            .image = TTB_TRACE_NONE,
        };

        if (ttb__writer_declare_node(writer, &declared))
            return TTB_TRACE_NONE;
    }
    writer->nodes[id] = (struct ttb__seen_node){.node = node};
    return id;
}

static size_t port_slot(const struct ttb_trace_writer *writer, const struct ttb_port *port)
{
    size_t slot = ((uintptr_t)port >> 4) * 0x9e3779b97f4a7c15ULL >> 32;

    for (slot &= writer->port_room - 1;
         writer->ports[slot].port && writer->ports[slot].port != port;)
        slot = (slot + 1) & (writer->port_room - 1);
    return slot;
}

static int grow_ports(struct ttb_trace_writer *writer)
{
    size_t old_room = writer->port_room, room = old_room ? 2 * old_room : 64;
    __typeof__(writer->ports) old = writer->ports, grown = calloc(room, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    writer->ports = grown;
    writer->port_room = room;
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].port)
            writer->ports[port_slot(writer, old[i].port)] = old[i];
    }
    free(old);
    return 0;
}

/* @return the port's place, or TTB_TRACE_NONE when there is no memory for it */
static uint32_t know_port(struct ttb_trace_writer *writer, struct ttb_port *port)
{
    struct ttb_trace_place place = {.kind = TTB_TRACE_PORT, .link = TTB_TRACE_NONE};
    size_t slot;

    if (2 * writer->port_count >= writer->port_room && grow_ports(writer))
        return TTB_TRACE_NONE;
    slot = port_slot(writer, port);
    if (writer->ports[slot].port)
        return writer->ports[slot].place;
    place.name = ttb_port_name(port);
    place.node = know_node(writer, ttb_port_node(port));
    place.has_mac = true;
    ttb_port_get_mac(port, place.mac);
    place.mtu_bytes = ttb_port_mtu(port);
    place.has_way_back = place.node != TTB_TRACE_NONE;
    place.way_back_ns = place.has_way_back ? ttb_port_way_back_ns(port) : 0;
    place.nearest_ns = place.has_way_back ? ttb_port_nearest_ns(port) : 0;
    if (ttb_trace_writer_add_place(writer, &place, &writer->ports[slot].place))
        return TTB_TRACE_NONE;
    writer->ports[slot].port = port;
    writer->ports[slot].way_back_ns = place.way_back_ns;
    writer->ports[slot].nearest_ns = place.nearest_ns;
    writer->port_count++;
    return writer->ports[slot].place;
}

/* What bounds the node besides its grant. */
static void note_way_back(struct ttb_trace_writer *writer, struct ttb_port *port)
{
    struct ttb_trace_place place = {
        .kind = TTB_TRACE_PORT,
        .link = TTB_TRACE_NONE,
        .name = ttb_port_name(port),
        .has_way_back = true,
        .way_back_ns = ttb_port_way_back_ns(port),
        .nearest_ns = ttb_port_nearest_ns(port),
    };
    size_t slot;

    if (know_port(writer, port) == TTB_TRACE_NONE)
        return;
    slot = port_slot(writer, port);
    if (writer->ports[slot].way_back_ns == place.way_back_ns &&
        writer->ports[slot].nearest_ns == place.nearest_ns)
        return;
    writer->ports[slot].way_back_ns = place.way_back_ns;
    writer->ports[slot].nearest_ns = place.nearest_ns;
    place.node = know_node(writer, ttb_port_node(port));
    ttb_trace_writer_add_place(writer, &place, NULL);
}

/* ---------------------------------------------------------------------------------------- cost */

/* What others than nodes have cost, and all nodes together. */
static void sample_parts(struct ttb_trace_writer *writer, uint64_t time_ns)
{
    static const enum ttb_trace_part parts[TTB_WALL_PARTS] = {
        [TTB_WALL_NETWORK] = TTB_TRACE_PART_NETWORK,
        [TTB_WALL_NODES] = TTB_TRACE_PART_NODES,
        [TTB_WALL_BARRIER] = TTB_TRACE_PART_BARRIER,
        [TTB_WALL_BRIDGE] = TTB_TRACE_PART_BRIDGE,
        [TTB_WALL_RECORDING] = TTB_TRACE_PART_RECORDING,
        [TTB_WALL_WAITING] = TTB_TRACE_PART_WAITING,
    };
    struct ttb_bridge_wall now = {.size = sizeof(now)};

    ttb_bridge_get_wall(writer->bridge, &now);
    for (unsigned i = 0; i < TTB_WALL_PARTS; i++) {
        struct ttb_trace_record record = {
            .kind = TTB_TRACE_COST,
            .time_ns = time_ns,
            .node = TTB_TRACE_NONE,
            .cost = {.part = parts[i],
                     .wall_ns = now.parts[i].wall_ns - writer->spent.parts[i].wall_ns,
                     .activations = now.parts[i].entered - writer->spent.parts[i].entered},
        };

        if (record.cost.wall_ns || record.cost.activations)
            ttb_trace_write(writer, &record);
    }
    writer->spent = now;
}

static void sample(struct ttb_trace_writer *writer, uint64_t time_ns)
{
    sample_parts(writer, time_ns);
    for (uint32_t id = 0; id < writer->node_room; id++) {
        struct ttb__seen_node *seen = &writer->nodes[id];
        struct ttb_trace_record record = {
            .kind = TTB_TRACE_COST,
            .time_ns = time_ns,
            .node = id,
            .cost = {.part = TTB_TRACE_PART_NODE},
        };
        struct ttb_node_stats stats;

        if (!seen->node)
            continue;
        ttb_node_get_stats(seen->node, &stats);
        if (stats.grants == seen->stats.grants && stats.wall_ns == seen->stats.wall_ns)
            continue;
        record.cost.wall_ns = stats.wall_ns - seen->stats.wall_ns;
        record.cost.activations = stats.grants - seen->stats.grants;
        record.cost.kicks = stats.kicks - seen->stats.kicks;
        record.cost.calls = stats.calls - seen->stats.calls;
        record.cost.waited_ns = stats.waited_ns - seen->stats.waited_ns;
        record.cost.awaited_ns = stats.awaited_ns - seen->stats.awaited_ns;
        seen->stats = stats;
        ttb_trace_write(writer, &record);
    }
}

static void sample_now_and_then(struct ttb_trace_writer *writer, uint64_t time_ns)
{
    struct timespec now;
    uint64_t now_ns;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    now_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
    if (now_ns < writer->next_sample_ns)
        return;
    writer->next_sample_ns = now_ns + SAMPLE_NS;
    sample(writer, time_ns);
}

/* ----------------------------------------------------------------------------------- callbacks */

static void on_granted(void *user, struct ttb_node *node, uint64_t time_ns)
{
    struct ttb_trace_writer *writer = user;
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_GRANT,
        .time_ns = time_ns,
        .node = know_node(writer, node),
        .grant = {.until_ns = ttb_node_bound_ns(node)},
    };
    struct ttb_port *port;

    for (uint32_t i = 0; (port = ttb_node_port(node, i)); i++)
        note_way_back(writer, port);
    ttb__writer_put(writer, &record);
    sample_now_and_then(writer, time_ns);
}

static void note_frame(struct ttb_trace_writer *writer, struct ttb_port *port, uint64_t time_ns,
                       const void *frame, size_t len_bytes, enum ttb_trace_what what,
                       enum ttb_drop drop)
{
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_FRAME,
        .time_ns = time_ns,
        .frame =
            {
                .what = what,
                .packet = what == TTB_TRACE_TRANSMITTED ? 0 : writer->next_packet,
                .len_bytes = (uint32_t)len_bytes,
                .payload = {.data = frame, .len_bytes = len_bytes},
                .port_reason = drop,
            },
    };

    if (len_bytes > TTB_FRAME_MAX) {
        record.frame.len_bytes = TTB_FRAME_MAX;
        record.frame.payload.len_bytes = TTB_FRAME_MAX;
    }
    record.frame.place = know_port(writer, port);
    record.node = know_node(writer, ttb_port_node(port));
    if (what != TTB_TRACE_TRANSMITTED)
        writer->next_packet = 0;
    ttb__writer_put(writer, &record);
}

static void on_transmitted(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                           size_t len_bytes)
{
    note_frame(user, port, time_ns, frame, len_bytes, TTB_TRACE_TRANSMITTED, TTB_DROP_NONE);
}

static void on_delivered(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                         size_t len_bytes, enum ttb_drop drop)
{
    note_frame(user, port, time_ns, frame, len_bytes,
               drop == TTB_DROP_NONE ? TTB_TRACE_DELIVERED : TTB_TRACE_DROPPED, drop);
}

static struct ttb_trace_bytes as_bytes(const char *text)
{
    return (struct ttb_trace_bytes){.data = text, .len_bytes = strlen(text)};
}

static void on_acted(void *user, const struct ttb_action *action)
{
    struct ttb_trace_writer *writer = user;
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_EVENT,
        .time_ns = action->time_ns,
        .node = know_node(writer, action->node),
        .event = {.action = as_bytes(ttb_action_name(action->kind))},
    };
    char detail[48];

    if (action->port)
        record.event.target = as_bytes(ttb_port_name(action->port));
    if (action->start_ns > action->time_ns) {
        snprintf(detail, sizeof(detail), "start_ns=%" PRIu64, action->start_ns);
        record.event.detail = as_bytes(detail);
    }
    ttb_trace_write(writer, &record);
}

void ttb_trace_note_state(void *user, struct ttb_node *node, enum ttb_node_state state,
                          uint64_t time_ns, const char *why)
{
    struct ttb_trace_writer *writer = user;
    bool ended = state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED;
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_STATE,
        .time_ns = time_ns,
        .node = know_node(writer, node),
        .state = {.state = state, .why = {.data = why, .len_bytes = why ? strlen(why) : 0}},
    };

    if (ended) {
        record.state.wait_status = ttb_node_exit_status(node);
        record.state.has_wait_status = record.state.wait_status >= 0;
        if (writer->exit_status &&
            writer->exit_status(writer->lab, node, &record.state.exit_status) == 0)
            record.state.has_exit_status = true;
        sample(writer, time_ns);
    }
    ttb_trace_write(writer, &record);
}

/* ------------------------------------------------------------------------------------- public */

int ttb_trace_writer_attach_bridge(struct ttb_trace_writer *writer, struct ttb_bridge *bridge)
{
    struct ttb_observer observer = {
        .size = sizeof(observer),
        .granted = on_granted,
        .transmitted = on_transmitted,
        .delivered = on_delivered,
        .acted = on_acted,
    };
    int rc;

    if (writer->bridge)
        return -EBUSY;
    rc = ttb_bridge_observe(bridge, &observer, writer);
    if (rc)
        return rc;
    ttb_bridge_on_node_state(bridge, ttb_trace_note_state, writer);
    writer->bridge = bridge;
    return 0;
}

void ttb_trace_writer_detach(struct ttb_trace_writer *writer)
{
    if (!writer->bridge)
        return;
    sample(writer, ttb_bridge_now_ns(writer->bridge));
    ttb_bridge_observe(writer->bridge, NULL, NULL);
    ttb_bridge_on_node_state(writer->bridge, NULL, NULL);
    if (writer->detach_lab)
        writer->detach_lab(writer->lab);
    free(writer->nodes);
    free(writer->ports);
    writer->nodes = NULL;
    writer->ports = NULL;
    writer->node_room = writer->port_room = writer->port_count = 0;
    writer->bridge = NULL;
    writer->lab = NULL;
    writer->detach_lab = NULL;
    writer->exit_status = NULL;
}
