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

#include <ttbridge/perfetto.pb-c.h>

#include "export/flying.h"
#include "export/text.h"

typedef Ttb__Perfetto__TracePacket Packet;
typedef Ttb__Perfetto__TrackEvent Event;
typedef Ttb__Perfetto__DebugAnnotation Annotation;

#define BEGIN   TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN
#define END     TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END
#define INSTANT TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT
#define COUNTER TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER

/* Longest name of an event; a longer console line is cut. */
#define NAME_MAX_BYTES 1024
#define PACKET_MAX     (2 * NAME_MAX_BYTES + 2048)
#define ANNOTATION_MAX 4

/* Kinds of tracks. A track's uuid is its kind in the upper half, and the id of its node or place, from 1,
 * in the lower one. Readers order the tracks of a process as they like: by the schema's own words they
 * ignore an order that is asked for there. */
enum track {
    PROCESS = 1,
    RUNNING = 2,
    STATES = 3,
    CONSOLE = 4,
    EVENTS = 5,
    OUTBOUND = 6,
    INBOUND = 7,
    DROPS = 8,
    FLYING = 9,
    COST = 9, /* the first of these kinds is COST + 1: one for each part of the program */
    UNDER_WAY = COST + TTB_TRACE_PART_BARRIER + 1,
    QUEUE,
    TRACK_KINDS,
};

/* The network's id among the nodes', and "no place" among the places'. */
#define NETWORK TTB_TRACE_TABLE_MAX

struct node {
    uint32_t tracks; /* bits of those that have been described */
    bool is_up, is_granted;
    uint64_t begin_ns, end_ns, until_ns; /* of the grant, so far */
    uint64_t frames;                     /* sent since it began */
    /* by part of the program */
    struct {
        uint64_t from_ns, wall_ns, activations, waited_ns, awaited_ns;
    } costs[UNDER_WAY - COST];
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

/* ------------------------------------------------------------------------------------- packets */

static void write_packet(struct ttb_export *export, const Packet *packet)
{
    uint8_t data[PACKET_MAX];
    size_t len_bytes = ttb__perfetto__trace_packet__get_packed_size(packet);
    uint8_t head[11] = {1 << 3 | 2}; /* Trace.packet */
    size_t head_bytes = 1;

    if (len_bytes > sizeof(data))
        return; /* does not happen: texts are cut */
    for (size_t left = len_bytes;; left >>= 7) {
        head[head_bytes++] = (uint8_t)(left < 0x80 ? left : (left & 0x7f) | 0x80);
        if (left < 0x80)
            break;
    }
    ttb__perfetto__trace_packet__pack(packet, data);
    ttb__stream_put(&export->stream, head, head_bytes);
    ttb__stream_put(&export->stream, data, len_bytes);
}

static uint64_t uuid_of(enum track kind, uint32_t id)
{
    return (uint64_t)kind << 32 | (id + 1);
}

static uint32_t sequence_of(enum track kind, uint32_t id)
{
    /* Ids, NETWORK included, have 21 bits. */
    return (uint32_t)kind << 22 | (id + 1);
}

/* An event to be written. */
struct event {
    enum track kind;
    uint32_t id;
    Ttb__Perfetto__TrackEvent__Type type;
    uint64_t time_ns;
    const char *name;     /* NULL: none */
    const char *category; /* NULL: none */
    uint64_t flow;        /* 0: none */
    int64_t value;
    double ratio;
    bool has_ratio;
    unsigned annotation_count;
    Annotation annotations[ANNOTATION_MAX];
};

static void annotate(struct event *event, const char *name, uint64_t value, const char *text)
{
    Annotation *annotation = &event->annotations[event->annotation_count++];

    ttb__perfetto__debug_annotation__init(annotation);
    annotation->name = (char *)name;
    annotation->has_uint_value = !text;
    annotation->uint_value = value;
    annotation->string_value = (char *)text;
}

static void write_event(struct ttb_export *export, struct event *event)
{
    Packet packet = TTB__PERFETTO__TRACE_PACKET__INIT;
    Event track_event = TTB__PERFETTO__TRACK_EVENT__INIT;
    Annotation *annotations[ANNOTATION_MAX];
    char *category = (char *)event->category;

    for (unsigned i = 0; i < event->annotation_count; i++)
        annotations[i] = &event->annotations[i];
    track_event.has_type = true;
    track_event.type = event->type;
    track_event.has_track_uuid = true;
    track_event.track_uuid = uuid_of(event->kind, event->id);
    track_event.name = (char *)event->name;
    track_event.n_categories = category != NULL;
    track_event.categories = &category;
    track_event.n_flow_ids = event->flow != 0;
    track_event.flow_ids = &event->flow;
    track_event.has_counter_value = event->type == COUNTER && !event->has_ratio;
    track_event.counter_value = event->value;
    track_event.has_double_counter_value = event->has_ratio;
    track_event.double_counter_value = event->ratio;
    track_event.n_debug_annotations = event->annotation_count;
    track_event.debug_annotations = annotations;
    packet.has_timestamp = true;
    packet.timestamp = event->time_ns;
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = sequence_of(event->kind, event->id);
    packet.track_event = &track_event;
    write_packet(export, &packet);
}

/* -------------------------------------------------------------------------------------- tracks */

static void describe_track(struct ttb_export *export, enum track kind, uint32_t id, uint64_t parent,
                           const char *name)
{
    Packet packet = TTB__PERFETTO__TRACE_PACKET__INIT;
    Ttb__Perfetto__TrackDescriptor track = TTB__PERFETTO__TRACK_DESCRIPTOR__INIT;
    Ttb__Perfetto__ProcessDescriptor process = TTB__PERFETTO__PROCESS_DESCRIPTOR__INIT;
    Ttb__Perfetto__CounterDescriptor counter = TTB__PERFETTO__COUNTER_DESCRIPTOR__INIT;
    char plain[NAME_MAX_BYTES];

    plain[ttb__text_plain(name, strlen(name), plain, sizeof(plain) - 1)] = 0;
    track.has_uuid = true;
    track.uuid = uuid_of(kind, id);
    if (kind == PROCESS) {
        /* Process 0 is the idle task's. */
        process.has_pid = true;
        process.pid = (int32_t)id + 1;
        process.process_name = plain;
        track.process = &process;
    } else {
        track.name = plain;
        track.has_parent_uuid = true;
        track.parent_uuid = parent;
    }
    if (kind >= FLYING) {
        counter.has_unit = kind == FLYING || kind == UNDER_WAY || kind == QUEUE;
        counter.unit = kind == FLYING ? TTB__PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_SIZE_BYTES
                                      : TTB__PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_COUNT;
        counter.unit_name = counter.has_unit ? NULL : (char *)"s/s";
        track.counter = &counter;
    }
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = sequence_of(kind, id);
    packet.has_sequence_flags = true;
    packet.sequence_flags =
        TTB__PERFETTO__TRACE_PACKET__SEQUENCE_FLAGS__SEQ_INCREMENTAL_STATE_CLEARED;
    packet.track_descriptor = &track;
    write_packet(export, &packet);
}

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

/* A node's entry, its process and one of its tracks. NULL: no memory. *id becomes NETWORK for none. */
static struct node *node_track(struct ttb_export *export, const struct ttb_trace_tables *tables,
                               uint32_t *id, enum track kind, const char *name)
{
    struct state *state = export->state;
    const struct ttb_trace_node *declared = *id < NETWORK ? ttb_trace_find_node(tables, *id) : NULL;
    struct node *node = &state->network;

    if (*id >= NETWORK) {
        *id = NETWORK;
    } else {
        if (*id >= state->node_room &&
            grow(&state->nodes, &state->node_room, sizeof(*state->nodes), *id))
            return NULL;
        node = &state->nodes[*id];
    }
    if (!(node->tracks & 1u << PROCESS)) {
        describe_track(export, PROCESS, *id, 0,
                       *id == NETWORK ? "network"
                       : declared     ? declared->name
                                      : "node");
        node->tracks |= 1u << PROCESS;
    }
    if (!(node->tracks & 1u << kind)) {
        describe_track(export, kind, *id, uuid_of(PROCESS, *id), name);
        node->tracks |= 1u << kind;
    }
    return node;
}

/* The same for a place; *id likewise. */
static struct place *place_track(struct ttb_export *export, const struct ttb_trace_tables *tables,
                                 uint32_t *id, enum track kind)
{
    static const char *const suffixes[] = {[OUTBOUND] = "out",
                                           [INBOUND] = "in",
                                           [DROPS] = "drops",
                                           [UNDER_WAY] = "under way",
                                           [QUEUE] = "queue"};
    struct state *state = export->state;
    const struct ttb_trace_place *declared = ttb_trace_find_place(tables, *id);
    uint32_t owner = declared ? declared->node : TTB_TRACE_NONE;
    struct place *place = &state->nowhere;
    char name[256];

    if (!declared) {
        *id = NETWORK;
    } else {
        if (*id >= state->place_room &&
            grow(&state->places, &state->place_room, sizeof(*state->places), *id))
            return NULL;
        place = &state->places[*id];
    }
    if (!(place->tracks & 1u << kind)) {
        /* The process goes first. */
        if (!node_track(export, tables, &owner, PROCESS, ""))
            return NULL;
        snprintf(name, sizeof(name), "%s %s", declared ? declared->name : "frames", suffixes[kind]);
        describe_track(export, kind, *id, uuid_of(PROCESS, owner), name);
        place->tracks |= 1u << kind;
    }
    return place;
}

/* --------------------------------------------------------------------------------------- nodes */

static void end_grant(struct ttb_export *export, uint32_t id, struct node *node)
{
    struct event event = {.kind = RUNNING,
                          .id = id,
                          .type = BEGIN,
                          .time_ns = node->begin_ns,
                          .name = "runs",
                          .category = "grant"};

    if (!node->is_granted)
        return;
    node->is_granted = false;
    if (node->until_ns)
        annotate(&event, "until_ns", node->until_ns, NULL);
    annotate(&event, "frames_sent", node->frames, NULL);
    write_event(export, &event);
    event = (struct event){.kind = RUNNING, .id = id, .type = END, .time_ns = node->end_ns};
    write_event(export, &event);
}

static int add_grant(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    uint32_t id = record->node;
    struct node *node = node_track(export, tables, &id, RUNNING, "runs");

    if (!node)
        return -ENOMEM;
    if (node->end_ns > record->time_ns)
        node->end_ns = record->time_ns;
    end_grant(export, id, node);
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
    struct node *node = node_track(export, tables, &id, STATES, "state");
    struct event event = {.kind = STATES, .id = id, .time_ns = record->time_ns};

    if (!node)
        return -ENOMEM;
    if (node->is_up) {
        event.type = END;
        write_event(export, &event);
    }
    node->is_up = node_state == TTB_NODE_WAITING || node_state == TTB_NODE_RUNNING;
    event.type = node->is_up ? BEGIN : INSTANT;
    event.id = id;
    event.name = node->is_up ? "up" : name;
    event.category = "state";
    write_event(export, &event);
    return 0;
}

static int add_note(struct ttb_export *export, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record, enum track kind, const char *track,
                    const char *name)
{
    uint32_t id = record->node;
    struct event event = {.kind = kind,
                          .type = INSTANT,
                          .time_ns = record->time_ns,
                          .name = name,
                          .category = ttb_export_table_name(ttb__table_of(record->kind))};

    if (!node_track(export, tables, &id, kind, track))
        return -ENOMEM;
    event.id = id;
    write_event(export, &event);
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

static void frame_slice(struct ttb_export *export, struct event *event, uint64_t begin_ns,
                        uint64_t end_ns)
{
    struct event end = {.kind = event->kind, .id = event->id, .type = END, .time_ns = end_ns};

    event->type = BEGIN;
    event->time_ns = begin_ns;
    write_event(export, event);
    write_event(export, &end);
}

/* Frames of a place that wait in its queue or are on their way. */
static int count_under_way(struct ttb_export *export, const struct ttb_trace_tables *tables,
                           uint32_t id, uint64_t time_ns, int change)
{
    struct place *place = place_track(export, tables, &id, UNDER_WAY);
    struct event event = {.kind = UNDER_WAY, .id = id, .type = COUNTER, .time_ns = time_ns};

    if (!place)
        return -ENOMEM;
    place->under_way += change;
    event.value = place->under_way;
    write_event(export, &event);
    return 0;
}

/* What waits in a device: as it says itself. */
static int add_queue(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    uint32_t id = record->queue.place;
    struct event event = {.kind = QUEUE, .type = COUNTER, .time_ns = record->time_ns};

    if (!place_track(export, tables, &id, QUEUE))
        return -ENOMEM;
    event.id = id;
    event.value = record->queue.frames;
    write_event(export, &event);
    return 0;
}

static int count_flying(struct ttb_export *export, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    struct state *state = export->state;
    const struct ttb_trace_frame *frame = &record->frame;
    struct event event = {
        .kind = FLYING, .id = NETWORK, .type = COUNTER, .time_ns = record->time_ns};
    struct ttb__flying *flying, evicted = {.packet = 0};
    uint32_t id = NETWORK;
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
    if (rc || !node_track(export, tables, &id, FLYING, "bytes in flight"))
        return -ENOMEM;
    event.value = state->flying_bytes;
    write_event(export, &event);
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

static int add_frame(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb_trace_bytes reason = ttb__frame_reason(frame);
    uint64_t on_wire_ns = duration_ns(tables, frame->place, frame->len_bytes), begin_ns;
    uint64_t now_ns = record->time_ns;
    char name[256], why[256];
    struct event event = {.name = name,
                          .category = ttb_trace_what_name(frame->what),
                          .flow = frame->packet,
                          .time_ns = now_ns};
    uint32_t id = frame->place;
    struct place *place;

    switch (frame->what) {
    case TTB_TRACE_TRANSMITTED:
    case TTB_TRACE_SENT:
        event.kind = OUTBOUND;
        break;
    case TTB_TRACE_DELIVERED:
    case TTB_TRACE_RECEIVED:
        event.kind = INBOUND;
        break;
    default:
        event.kind = DROPS;
        break;
    }
    place = place_track(export, tables, &id, event.kind);
    if (!place)
        return -ENOMEM;
    event.id = id;
    ttb_trace_describe_frame(frame->payload.data, frame->payload.len_bytes, frame->len_bytes, name,
                             sizeof(name));
    annotate(&event, "packet", frame->packet, NULL);
    annotate(&event, "len_bytes", frame->len_bytes, NULL);
    annotate(&event, "time_ns", now_ns, NULL);
    if (event.kind == DROPS) {
        why[ttb__text_plain(reason.data, reason.len_bytes, why, sizeof(why) - 1)] = 0;
        annotate(&event, "reason", 0, why);
        event.type = INSTANT;
        write_event(export, &event);
    } else if (event.kind == OUTBOUND) {
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
    }
    return count_flying(export, tables, record);
}

/* --------------------------------------------------------------------------------------- costs */

/* Wall time for each unit of simulated time. The value stands from where the count began. */
static int add_cost(struct ttb_export *export, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record)
{
    const struct ttb_trace_cost *cost = &record->cost;
    unsigned part = (unsigned)cost->part;
    struct event event = {.type = COUNTER, .has_ratio = true};
    uint32_t id = record->node;
    char name[64];
    struct node *node;
    __typeof__(node->costs[0]) *sum;

    if (!part || part >= UNDER_WAY - COST)
        return 0;
    event.kind = (enum track)(COST + part);
    snprintf(name, sizeof(name), "wall time per simulated time: %s",
             ttb_trace_part_name(cost->part));
    node = node_track(export, tables, &id, event.kind, name);
    if (!node)
        return -ENOMEM;
    sum = &node->costs[part];
    sum->wall_ns += cost->wall_ns;
    sum->activations += cost->activations;
    sum->waited_ns += cost->waited_ns;
    sum->awaited_ns += cost->awaited_ns;
    if (record->time_ns <= sum->from_ns)
        return 0;
    event.id = id;
    event.time_ns = sum->from_ns;
    event.ratio = (double)sum->wall_ns / (double)(record->time_ns - event.time_ns);
    annotate(&event, "wall_ns", sum->wall_ns, NULL);
    annotate(&event, "activations", sum->activations, NULL);
    if (sum->waited_ns || sum->awaited_ns) {
        annotate(&event, "waited_ns", sum->waited_ns, NULL);
        annotate(&event, "awaited_ns", sum->awaited_ns, NULL);
    }
    write_event(export, &event);
    memset(sum, 0, sizeof(*sum));
    sum->from_ns = record->time_ns;
    return 0;
}

/* ------------------------------------------------------------------------------------ the whole */

/* What a record says, behind its time and node. */
static void describe(const struct ttb_trace_tables *tables, const struct ttb_trace_record *record,
                     char name[NAME_MAX_BYTES])
{
    char *rest;

    if (record->kind == TTB_TRACE_CONSOLE) {
        name[ttb__text_plain(record->console.data.data, record->console.data.len_bytes, name,
                             NAME_MAX_BYTES - 1)] = 0;
        return;
    }
    ttb_trace_describe(tables, record, name, NAME_MAX_BYTES);
    rest = strstr(name, " s  ");
    rest = rest ? strstr(rest + 4, "  ") : NULL;
    if (rest)
        memmove(name, rest + 2, strlen(rest + 2) + 1);
}

static int perfetto_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                           const struct ttb_trace_record *record)
{
    char name[NAME_MAX_BYTES];

    switch (record->kind) {
    case TTB_TRACE_GRANT:
        return add_grant(export, tables, record);
    case TTB_TRACE_FRAME:
        return add_frame(export, tables, record);
    case TTB_TRACE_STATE:
        describe(tables, record, name);
        return add_state(export, tables, record, name);
    case TTB_TRACE_CONSOLE:
        describe(tables, record, name);
        return add_note(export, tables, record, CONSOLE, "console", name);
    case TTB_TRACE_EVENT:
    case TTB_TRACE_EXPECTATION:
        describe(tables, record, name);
        return add_note(export, tables, record, EVENTS, "events", name);
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
    Packet packet = TTB__PERFETTO__TRACE_PACKET__INIT;
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
    write_packet(export, &packet);
    return ttb__flying_new(&state->flying);
}

static int perfetto_end(struct ttb_export *export)
{
    struct state *state = export->state;

    for (uint32_t id = 0; id < state->node_room; id++) {
        struct event event = {.kind = STATES, .id = id, .type = END, .time_ns = export->latest_ns};

        end_grant(export, id, &state->nodes[id]);
        if (state->nodes[id].is_up)
            write_event(export, &event);
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
    .begin = perfetto_begin,
    .record = perfetto_record,
    .end = perfetto_end,
    .clear = perfetto_clear,
};
