/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A timeline for Perfetto. A node is a process; what it does, prints and sends are tracks of it. The
 * network is a process too. A frame's packet id is its flow id, so that the frame can be followed from
 * place to place.
 *
 * Every track is a packet sequence of its own and is written in the order of its times: what a slice
 * needs to know is known when it ends, and both ends are written then.
 */
#include "export/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/flying.h"
#include "export/perfetto.h"
#include "export/text.h"

struct node {
    uint32_t tracks; /* bits of those that have been described */
    bool is_up, is_granted;
    bool is_waiting;                     /* since end_ns: it ran before, and has not ended */
    uint64_t begin_ns, end_ns, until_ns; /* of the grant, so far; or of the last one */
    uint64_t frames;                     /* sent since it began */
    /* The first frame that has come since then: its packet, and the place that had sent it. */
    bool has_come;
    uint64_t came;
    uint32_t came_from;
    /* by part of the program */
    struct cost {
        uint64_t from_ns, wall_ns, activations, kicks, calls, waited_ns, awaited_ns;
    } costs[TTB__TRACK_UNDER_WAY - TTB__TRACK_COST];
};

struct place {
    uint32_t tracks;
    uint64_t out_ns, in_ns; /* ends of the last slices */
    int64_t under_way;      /* frames that it has sent, and that have not come to an end yet */
};

struct state {
    struct node *nodes;
    struct place *places;
    size_t node_room, place_room;
    struct node network;
    struct place nowhere;
    struct ttb__flying_table *flying;
    int64_t flying_bytes;
};

/* -------------------------------------------------------------------------------------- tracks */

static int grow(void *array, size_t *room, size_t element_bytes, uint32_t id)
{
    size_t wanted = *room ? *room : 16;
    void *grown;

    while (wanted <= id)
        wanted *= 2;
    grown = realloc(*(void **)array, wanted * element_bytes);
    if (!grown)
        return -ENOMEM;
    memset((char *)grown + *room * element_bytes, 0, (wanted - *room) * element_bytes);
    *(void **)array = grown;
    *room = wanted;
    return 0;
}

/* A node's entry, its process and one of its tracks. NULL: no memory. *id becomes TTB__TRACK_NETWORK for none. */
static struct node *node_track(struct ttb_export *export, const struct ttb_trace_tables *tables,
                               uint32_t *id, enum ttb__track kind, const char *name)
{
    struct state *state = export->state;
    const struct ttb_trace_node *declared =
        *id < TTB__TRACK_NETWORK ? ttb_trace_find_node(tables, *id) : NULL;
    struct node *node = &state->network;

    if (*id >= TTB__TRACK_NETWORK) {
        *id = TTB__TRACK_NETWORK;
    } else {
        if (*id >= state->node_room &&
            grow(&state->nodes, &state->node_room, sizeof(*state->nodes), *id))
            return NULL;
        node = &state->nodes[*id];
    }
    if (!(node->tracks & 1u << TTB__TRACK_PROCESS)) {
        ttb__track_describe(export, TTB__TRACK_PROCESS, *id, 0,
                            *id == TTB__TRACK_NETWORK ? "network"
                            : declared                ? declared->name
                                                      : "node");
        node->tracks |= 1u << TTB__TRACK_PROCESS;
    }
    if (!(node->tracks & 1u << kind)) {
        ttb__track_describe(export, kind, *id, ttb__track_uuid(TTB__TRACK_PROCESS, *id), name);
        node->tracks |= 1u << kind;
    }
    return node;
}

/* The same for a place; *id likewise. */
static struct place *place_track(struct ttb_export *export, const struct ttb_trace_tables *tables,
                                 uint32_t *id, enum ttb__track kind)
{
    static const char *const suffixes[] = {[TTB__TRACK_OUTBOUND] = "out",
                                           [TTB__TRACK_INBOUND] = "in",
                                           [TTB__TRACK_DROPS] = "drops",
                                           [TTB__TRACK_UNDER_WAY] = "under way",
                                           [TTB__TRACK_QUEUE] = "queue"};
    struct state *state = export->state;
    const struct ttb_trace_place *declared = ttb_trace_find_place(tables, *id);
    uint32_t owner = declared ? declared->node : TTB_TRACE_NONE;
    struct place *place = &state->nowhere;
    char name[256];

    if (!declared) {
        *id = TTB__TRACK_NETWORK;
    } else {
        if (*id >= state->place_room &&
            grow(&state->places, &state->place_room, sizeof(*state->places), *id))
            return NULL;
        place = &state->places[*id];
    }
    if (!(place->tracks & 1u << kind)) {
        /* The process goes first. */
        if (!node_track(export, tables, &owner, TTB__TRACK_PROCESS, ""))
            return NULL;
        snprintf(name, sizeof(name), "%s %s", declared ? declared->name : "frames", suffixes[kind]);
        ttb__track_describe(export, kind, *id, ttb__track_uuid(TTB__TRACK_PROCESS, owner), name);
        place->tracks |= 1u << kind;
    }
    return place;
}

/* --------------------------------------------------------------------------------------- nodes */

static void name_cause(const struct ttb_trace_tables *tables, uint32_t id, char *text,
                       size_t size_bytes)
{
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, id);
    const struct ttb_trace_node *node =
        place && place->node != TTB_TRACE_NONE ? ttb_trace_find_node(tables, place->node) : NULL;
    const char *name = node ? node->name : "the network"; /* an application in it, say */
    size_t used;

    if (place && place->is_control) {
        snprintf(text, size_bytes, "a command of ttb's");
        return;
    }
    used = (size_t)snprintf(text, size_bytes, "a frame from ");

    text[used + ttb__text_plain(name, strlen(name), text + used, size_bytes - used - 1)] = 0;
}

/* It waited until time_ns. `tables`: it was let run then, and it is told because of what; NULL: it was not. */
static void end_waiting(struct ttb_export *export, const struct ttb_trace_tables *tables,
                        uint32_t id, struct node *node, uint64_t time_ns)
{
    struct ttb__event event = {.kind = TTB__TRACK_RUNNING,
                               .id = id,
                               .type = TTB__EVENT_BEGIN,
                               .time_ns = node->end_ns,
                               .name = "waits",
                               .category = "wait"};
    char because[256] = "its clock";

    if (!node->is_waiting || time_ns <= node->end_ns)
        return;
    if (tables) {
        if (node->has_come)
            name_cause(tables, node->came_from, because, sizeof(because));
        ttb__event_annotate(&event, "because_of", 0, because);
        if (node->has_come)
            ttb__event_annotate(&event, "packet", node->came, NULL);
    }
    ttb__event_write(export, &event);
    event = (struct ttb__event){
        .kind = TTB__TRACK_RUNNING, .id = id, .type = TTB__EVENT_END, .time_ns = time_ns};
    ttb__event_write(export, &event);
}

static void end_grant(struct ttb_export *export, uint32_t id, struct node *node)
{
    struct ttb__event event = {.kind = TTB__TRACK_RUNNING,
                               .id = id,
                               .type = TTB__EVENT_BEGIN,
                               .time_ns = node->begin_ns,
                               .name = "runs",
                               .category = "grant"};

    if (!node->is_granted)
        return;
    node->is_granted = false;
    node->is_waiting = true;
    if (node->until_ns)
        ttb__event_annotate(&event, "until_ns", node->until_ns, NULL);
    ttb__event_annotate(&event, "frames_sent", node->frames, NULL);
    ttb__event_write(export, &event);
    event = (struct ttb__event){
        .kind = TTB__TRACK_RUNNING, .id = id, .type = TTB__EVENT_END, .time_ns = node->end_ns};
    ttb__event_write(export, &event);
}

static int add_grant(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    uint32_t id = record->node;
    struct node *node = node_track(export, tables, &id, TTB__TRACK_RUNNING, "activity");

    if (!node)
        return -ENOMEM;
    if (node->end_ns > record->time_ns)
        node->end_ns = record->time_ns;
    end_grant(export, id, node);
    end_waiting(export, tables, id, node, record->time_ns);
    node->is_waiting = false;
    node->has_come = false;
    node->is_granted = true;
    node->begin_ns = node->end_ns = record->time_ns;
    node->until_ns = record->grant.until_ns;
    node->frames = 0;
    return 0;
}

static int add_state(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record, const char *name)
{
    enum ttb_node_state node_state = record->state.state;
    uint32_t id = record->node;
    struct node *node = node_track(export, tables, &id, TTB__TRACK_STATES, "state");
    struct ttb__event event = {.kind = TTB__TRACK_STATES, .id = id, .time_ns = record->time_ns};

    if (!node)
        return -ENOMEM;
    if (node->is_up) {
        event.type = TTB__EVENT_END;
        ttb__event_write(export, &event);
    }
    node->is_up = node_state == TTB_NODE_WAITING || node_state == TTB_NODE_RUNNING;
    if (!node->is_up) {
        if (node->end_ns > record->time_ns)
            node->end_ns = record->time_ns;
        end_grant(export, id, node);
        end_waiting(export, NULL, id, node, record->time_ns);
        node->is_waiting = false;
    }
    event.type = node->is_up ? TTB__EVENT_BEGIN : TTB__EVENT_INSTANT;
    event.id = id;
    event.name = node->is_up ? "up" : name;
    event.category = "state";
    ttb__event_write(export, &event);
    return 0;
}

static int add_note(struct ttb_export *export, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record, enum ttb__track kind, const char *track,
                    const char *name)
{
    uint32_t id = record->node;
    struct ttb__event event = {.kind = kind,
                               .type = TTB__EVENT_INSTANT,
                               .time_ns = record->time_ns,
                               .name = name,
                               .category = ttb_export_table_name(ttb__table_of(record->kind))};

    if (!node_track(export, tables, &id, kind, track))
        return -ENOMEM;
    event.id = id;
    ttb__event_write(export, &event);
    return 0;
}

/* ------------------------------------------------------------------------------------- frames */

static uint64_t duration_ns(const struct ttb_trace_tables *tables, uint32_t place,
                            uint32_t len_bytes)
{
    const struct ttb_trace_place *declared = ttb_trace_find_place(tables, place);
    uint64_t speed_bps = declared ? ttb__place_speed(tables, declared) : 0;

    return speed_bps ? (uint64_t)((unsigned __int128)len_bytes * 8 * 1000000000 / speed_bps) : 0;
}

static void frame_slice(struct ttb_export *export, struct ttb__event *event, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct ttb__event end = {
        .kind = event->kind, .id = event->id, .type = TTB__EVENT_END, .time_ns = end_ns};

    event->type = TTB__EVENT_BEGIN;
    event->time_ns = begin_ns;
    ttb__event_write(export, event);
    ttb__event_write(export, &end);
}

/* Frames of a place that wait in its queue or are on their way. */
static int count_under_way(struct ttb_export *export, const struct ttb_trace_tables *tables,
                           uint32_t id, uint64_t time_ns, int change)
{
    struct place *place = place_track(export, tables, &id, TTB__TRACK_UNDER_WAY);
    struct ttb__event event = {
        .kind = TTB__TRACK_UNDER_WAY, .id = id, .type = TTB__EVENT_COUNTER, .time_ns = time_ns};

    if (!place)
        return -ENOMEM;
    place->under_way += change;
    event.value = place->under_way;
    ttb__event_write(export, &event);
    return 0;
}

/* What waits in a device: as it says itself. */
static int add_queue(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    uint32_t id = record->queue.place;
    struct ttb__event event = {
        .kind = TTB__TRACK_QUEUE, .type = TTB__EVENT_COUNTER, .time_ns = record->time_ns};

    if (!place_track(export, tables, &id, TTB__TRACK_QUEUE))
        return -ENOMEM;
    event.id = id;
    event.value = record->queue.frames;
    ttb__event_write(export, &event);
    return 0;
}

static int count_flying(struct ttb_export *export, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    struct state *state = export->state;
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb__event event = {.kind = TTB__TRACK_FLYING,
                               .id = TTB__TRACK_NETWORK,
                               .type = TTB__EVENT_COUNTER,
                               .time_ns = record->time_ns};
    struct ttb__flying *flying, evicted = {.packet = 0};
    uint32_t id = TTB__TRACK_NETWORK;
    int rc = 0;

    /* Of a part of the places, or of the time, it would be wrong. */
    if (!frame->packet || export->opts.node || export->opts.link)
        return 0;
    if (frame->what == TTB_TRACE_TRANSMITTED) {
        flying = ttb__flying_put(state->flying, frame->packet, &evicted);
        flying->len_bytes = frame->len_bytes;
        flying->flow = frame->place;
        state->flying_bytes += frame->len_bytes;
        if (evicted.packet && !evicted.arrived) {
            state->flying_bytes -= evicted.len_bytes;
            rc = count_under_way(export, tables, evicted.flow, record->time_ns, -1);
        }
        if (!rc)
            rc = count_under_way(export, tables, frame->place, record->time_ns, 1);
    } else if (frame->what == TTB_TRACE_DELIVERED || frame->what == TTB_TRACE_DROPPED ||
               frame->what == TTB_TRACE_LOST) {
        flying = ttb__flying_find(state->flying, frame->packet);
        if (!flying || flying->arrived)
            return 0;
        flying->arrived = true;
        state->flying_bytes -= flying->len_bytes;
        rc = count_under_way(export, tables, flying->flow, record->time_ns, -1);
    } else {
        return 0;
    }
    if (rc || !node_track(export, tables, &id, TTB__TRACK_FLYING, "bytes in flight"))
        return -ENOMEM;
    event.value = state->flying_bytes;
    ttb__event_write(export, &event);
    return 0;
}

static void note_activity(struct state *state, const struct ttb_trace_record *record)
{
    struct node *node;

    if (record->node >= state->node_room)
        return;
    node = &state->nodes[record->node];
    if (!node->is_granted)
        return;
    if (record->time_ns > node->end_ns)
        node->end_ns = record->time_ns;
    node->frames++;
}

/* What lets a node run next: the first frame that comes for it; the others find it awake, or about to be. */
static void note_arrival(struct state *state, const struct ttb_trace_record *record,
                         bool is_command)
{
    const struct ttb__flying *flying = ttb__flying_find(state->flying, record->frame.packet);
    struct node *node;

    if (record->frame.what != TTB_TRACE_DELIVERED || record->node >= state->node_room)
        return;
    node = &state->nodes[record->node];
    if (node->has_come)
        return;
    node->has_come = true;
    node->came = record->frame.packet;
    node->came_from = is_command ? record->frame.place : flying ? flying->flow : TTB_TRACE_NONE;
}

static int add_frame(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb_trace_bytes reason = ttb__frame_reason(frame);
    uint64_t on_wire_ns = duration_ns(tables, frame->place, frame->len_bytes), begin_ns;
    uint64_t now_ns = record->time_ns;
    char name[256], why[256];
    struct ttb__event event = {.name = name,
                               .category = ttb_trace_what_name(frame->what),
                               .flow = frame->packet,
                               .time_ns = now_ns};
    const struct ttb_trace_place *declared = ttb_trace_find_place(tables, frame->place);
    uint32_t id = frame->place;
    struct place *place;

    if (declared && declared->is_control && !export->opts.control) {
        note_arrival(export->state, record, true);
        return 0;
    }
    switch (frame->what) {
    case TTB_TRACE_TRANSMITTED:
    case TTB_TRACE_SENT:
        event.kind = TTB__TRACK_OUTBOUND;
        break;
    case TTB_TRACE_DELIVERED:
    case TTB_TRACE_RECEIVED:
        event.kind = TTB__TRACK_INBOUND;
        break;
    default:
        event.kind = TTB__TRACK_DROPS;
        break;
    }
    place = place_track(export, tables, &id, event.kind);
    if (!place)
        return -ENOMEM;
    event.id = id;
    ttb_trace_describe_frame(frame->payload.data, frame->payload.len_bytes, frame->len_bytes, name,
                             sizeof(name));
    ttb__event_annotate(&event, "packet", frame->packet, NULL);
    ttb__event_annotate(&event, "len_bytes", frame->len_bytes, NULL);
    ttb__event_annotate(&event, "time_ns", now_ns, NULL);
    if (event.kind == TTB__TRACK_DROPS) {
        why[ttb__text_plain(reason.data, reason.len_bytes, why, sizeof(why) - 1)] = 0;
        ttb__event_annotate(&event, "reason", 0, why);
        event.type = TTB__EVENT_INSTANT;
        ttb__event_write(export, &event);
    } else if (event.kind == TTB__TRACK_OUTBOUND) {
        /* Frames of one instant leave one after the other. */
        begin_ns = now_ns > place->out_ns ? now_ns : place->out_ns;
        place->out_ns = begin_ns + on_wire_ns;
        frame_slice(export, &event, begin_ns, place->out_ns);
        note_activity(export->state, record);
    } else {
        begin_ns = now_ns > on_wire_ns ? now_ns - on_wire_ns : 0;
        if (begin_ns < place->in_ns)
            begin_ns = place->in_ns;
        place->in_ns = now_ns > begin_ns ? now_ns : begin_ns;
        frame_slice(export, &event, begin_ns, place->in_ns);
        note_arrival(export->state, record, declared && declared->is_control);
    }
    return count_flying(export, tables, record);
}

/* --------------------------------------------------------------------------------------- costs */

/* What it was is known at its end: a slice as long as the simulated time that it paid for. */
static int cost_slice(struct ttb_export *export, const struct ttb_trace_tables *tables,
                      const struct cost *cost, enum ttb_trace_part part, uint32_t id,
                      uint64_t time_ns)
{
    struct ttb__event event = {.kind = (enum ttb__track)(TTB__TRACK_WALL + (unsigned)part),
                               .type = TTB__EVENT_BEGIN,
                               .time_ns = cost->from_ns,
                               .category = "wall"};
    char track[64] = "wall time", name[32];

    if (part != TTB_TRACE_PART_NODE)
        snprintf(track, sizeof(track), "wall time: %s", ttb_trace_part_name(part));
    if (!node_track(export, tables, &id, event.kind, track))
        return -ENOMEM;
    snprintf(name, sizeof(name), "%.3f ms", (double)cost->wall_ns / 1e6);
    event.id = id;
    event.name = name;
    ttb__event_annotate(&event, "wall_ns", cost->wall_ns, NULL);
    ttb__event_annotate(&event, "activations", cost->activations, NULL);
    if (part == TTB_TRACE_PART_NODE) {
        ttb__event_annotate(&event, "kicks", cost->kicks, NULL);
        ttb__event_annotate(&event, "calls", cost->calls, NULL);
        ttb__event_annotate(&event, "waited_ns", cost->waited_ns, NULL);
        ttb__event_annotate(&event, "awaited_ns", cost->awaited_ns, NULL);
    }
    frame_slice(export, &event, cost->from_ns, time_ns);
    return 0;
}

/* Wall time for each unit of simulated time. The value stands from where the count began. */
static int add_cost(struct ttb_export *export, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record)
{
    const struct ttb_trace_cost *cost = &record->cost;
    unsigned part = (unsigned)cost->part;
    struct ttb__event event = {.type = TTB__EVENT_COUNTER, .has_ratio = true};
    uint32_t id = record->node;
    char name[64];
    struct node *node;
    struct cost *sum;
    int rc;

    if (!part || part >= TTB__TRACK_UNDER_WAY - TTB__TRACK_COST)
        return 0;
    event.kind = (enum ttb__track)(TTB__TRACK_COST + part);
    snprintf(name, sizeof(name), "wall time per simulated time: %s",
             ttb_trace_part_name(cost->part));
    node = node_track(export, tables, &id, event.kind, name);
    if (!node)
        return -ENOMEM;
    sum = &node->costs[part];
    sum->wall_ns += cost->wall_ns;
    sum->activations += cost->activations;
    sum->kicks += cost->kicks;
    sum->calls += cost->calls;
    sum->waited_ns += cost->waited_ns;
    sum->awaited_ns += cost->awaited_ns;
    if (record->time_ns <= sum->from_ns)
        return 0;
    event.id = id;
    event.time_ns = sum->from_ns;
    event.ratio = (double)sum->wall_ns / (double)(record->time_ns - event.time_ns);
    ttb__event_write(export, &event);
    rc = cost_slice(export, tables, sum, cost->part, id, record->time_ns);
    *sum = (struct cost){.from_ns = record->time_ns};
    return rc;
}

/* ------------------------------------------------------------------------------------ the whole */

/* @return what a record says; it lies in `name` */
static const char *describe(const struct ttb_trace_tables *tables,
                            const struct ttb_trace_record *record, char name[TTB__EVENT_NAME_MAX])
{
    if (record->kind != TTB_TRACE_CONSOLE)
        return ttb__record_words(tables, record, name, TTB__EVENT_NAME_MAX);
    name[ttb__text_plain(record->console.data.data, record->console.data.len_bytes, name,
                         TTB__EVENT_NAME_MAX - 1)] = 0;
    return name;
}

static int perfetto_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                           const struct ttb_trace_record *record)
{
    char name[TTB__EVENT_NAME_MAX];

    switch (record->kind) {
    case TTB_TRACE_GRANT:
        return add_grant(export, tables, record);
    case TTB_TRACE_FRAME:
        return add_frame(export, tables, record);
    case TTB_TRACE_STATE:
        return add_state(export, tables, record, describe(tables, record, name));
    case TTB_TRACE_CONSOLE:
        return add_note(export, tables, record, TTB__TRACK_CONSOLE, "console",
                        describe(tables, record, name));
    case TTB_TRACE_EVENT:
    case TTB_TRACE_EXPECTATION:
        return add_note(export, tables, record, TTB__TRACK_EVENTS, "events",
                        describe(tables, record, name));
    case TTB_TRACE_QUEUE:
        return add_queue(export, tables, record);
    case TTB_TRACE_COST:
        return add_cost(export, tables, record);
    default:
        return 0;
    }
}

static int perfetto_begin(struct ttb_export *export)
{
    struct state *state = export->state;
    Ttb__Perfetto__TracePacket packet = TTB__PERFETTO__TRACE_PACKET__INIT;
    Ttb__Perfetto__ClockSnapshot snapshot = TTB__PERFETTO__CLOCK_SNAPSHOT__INIT;
    Ttb__Perfetto__ClockSnapshot__Clock clocks[2] = {
        TTB__PERFETTO__CLOCK_SNAPSHOT__CLOCK__INIT,
        TTB__PERFETTO__CLOCK_SNAPSHOT__CLOCK__INIT,
    };
    Ttb__Perfetto__ClockSnapshot__Clock *both[2] = {&clocks[0], &clocks[1]};

    /* BOOTTIME, the clock of all that follows, is simulated time; REALTIME nodes' time of day. */
    clocks[0].has_clock_id = clocks[1].has_clock_id = true;
    clocks[0].has_timestamp = clocks[1].has_timestamp = true;
    clocks[0].clock_id = TTB__PERFETTO__CLOCK_SNAPSHOT__CLOCK__BUILTIN_CLOCKS__BOOTTIME;
    clocks[1].clock_id = TTB__PERFETTO__CLOCK_SNAPSHOT__CLOCK__BUILTIN_CLOCKS__REALTIME;
    clocks[1].timestamp = export->header->epoch_ns;
    snapshot.n_clocks = 2;
    snapshot.clocks = both;
    packet.has_timestamp = true;
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = 1;
    packet.clock_snapshot = &snapshot;
    ttb__perfetto_put(export, &packet);
    return ttb__flying_new(&state->flying);
}

static int perfetto_end(struct ttb_export *export)
{
    struct state *state = export->state;

    for (uint32_t id = 0; id < state->node_room; id++) {
        struct ttb__event event = {.kind = TTB__TRACK_STATES,
                                   .id = id,
                                   .type = TTB__EVENT_END,
                                   .time_ns = export->latest_ns};

        end_grant(export, id, &state->nodes[id]);
        end_waiting(export, NULL, id, &state->nodes[id], export->latest_ns);
        if (state->nodes[id].is_up)
            ttb__event_write(export, &event);
    }
    return 0;
}

static void perfetto_clear(struct ttb_export *export)
{
    struct state *state = export->state;

    free(state->nodes);
    free(state->places);
    ttb__flying_free(state->flying);
}

const struct ttb__format ttb__format_perfetto = {
    .state_bytes = sizeof(struct state),
    .costs = true,
    .commands = true,
    .begin = perfetto_begin,
    .record = perfetto_record,
    .end = perfetto_end,
    .clear = perfetto_clear,
};
