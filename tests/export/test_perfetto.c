/* SPDX-License-Identifier: BSD-3-Clause */
/* The timeline, decoded again. */
#include "export_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/perfetto.pb-c.h>

typedef Ttb__Perfetto__Trace Trace;
typedef Ttb__Perfetto__TracePacket Packet;
typedef Ttb__Perfetto__TrackEvent Event;
typedef Ttb__Perfetto__TrackDescriptor Track;

#define BEGIN   TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN
#define END     TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END
#define INSTANT TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT
#define COUNTER TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER

static Trace *decode(const char *path)
{
    struct exported exported;
    Trace *trace;

    export_format(path, TTB_EXPORT_PERFETTO, &exported);
    trace = ttb__perfetto__trace__unpack(NULL, exported.len_bytes, exported.data);
    assert_non_null(trace);
    /* Nothing that the schema does not have. */
    for (size_t i = 0; i < trace->n_packet; i++)
        assert_int_equal(trace->packet[i]->base.n_unknown_fields, 0);
    free(exported.data);
    return trace;
}

/* The track with a name, of the process with a name; NULL: there is none. */
static const Track *find_track(const Trace *trace, const char *process, const char *name)
{
    uint64_t parent = 0;

    for (size_t i = 0; i < trace->n_packet; i++) {
        const Track *track = trace->packet[i]->track_descriptor;

        if (!track)
            continue;
        if (track->process && strcmp(track->process->process_name, process) == 0) {
            parent = track->uuid;
            if (!name)
                return track;
        }
        if (name && parent && track->parent_uuid == parent && strcmp(track->name, name) == 0)
            return track;
    }
    return NULL;
}

/* The n-th event of a track, from 0, and its time. */
static const Event *find_event(const Trace *trace, const Track *track, unsigned n,
                               uint64_t *time_ns)
{
    assert_non_null(track);
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Packet *packet = trace->packet[i];

        if (packet->track_event && packet->track_event->track_uuid == track->uuid && n-- == 0) {
            *time_ns = packet->timestamp;
            return packet->track_event;
        }
    }
    return NULL;
}

static void expect_event(const Trace *trace, const Track *track, unsigned n, int type,
                         uint64_t time_ns, const char *name, uint64_t flow)
{
    uint64_t found_ns = 0;
    const Event *event = find_event(trace, track, n, &found_ns);

    if (!event)
        fail_msg("track %s has no event %u", track->name, n);
    assert_int_equal(event->type, type);
    assert_int_equal(found_ns, time_ns);
    if (name)
        assert_string_equal(event->name, name);
    assert_int_equal(event->n_flow_ids, flow != 0);
    if (flow)
        assert_int_equal(event->flow_ids[0], flow);
}

/* What every trace owes its reader: tracks are described before they are used, once; ids are unique;
 * each sequence is ordered by time; slices open and close in pairs; processes go before their tracks. */
static void check_form(const Trace *trace)
{
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Packet *packet = trace->packet[i];
        const Event *event = packet->track_event;
        uint64_t uuid = event ? event->track_uuid : 0, described = 0;
        int depth = 0;

        assert_true(packet->trusted_packet_sequence_id != 0);
        if (packet->track_descriptor) {
            const Track *track = packet->track_descriptor;
            bool has_parent = !track->has_parent_uuid;

            assert_true(packet->sequence_flags & 1);
            assert_int_not_equal(track->uuid, 0);
            for (size_t j = 0; j < i; j++) {
                const Track *other = trace->packet[j]->track_descriptor;

                assert_true(!other || other->uuid != track->uuid);
                has_parent = has_parent || (other && other->uuid == track->parent_uuid);
                assert_int_not_equal(trace->packet[j]->trusted_packet_sequence_id,
                                     packet->trusted_packet_sequence_id);
            }
            assert_true(has_parent);
        }
        if (!event)
            continue;
        assert_true(packet->has_timestamp && event->has_type);
        for (size_t j = 0; j <= i; j++) {
            const Packet *earlier = trace->packet[j];

            described += earlier->track_descriptor && earlier->track_descriptor->uuid == uuid;
            if (!earlier->track_event || earlier->track_event->track_uuid != uuid)
                continue;
            assert_int_equal(earlier->trusted_packet_sequence_id,
                             packet->trusted_packet_sequence_id);
            assert_true(earlier->timestamp <= packet->timestamp);
            depth += (earlier->track_event->type == BEGIN) - (earlier->track_event->type == END);
        }
        assert_int_equal(described, 1);
        assert_in_range(depth, 0, 1);
    }
}

static void a_run_becomes_tracks_slices_and_flows(void **state)
{
    static const char ping[] = "10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, 98 bytes";
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    const Track *track;
    uint64_t time_ns;
    Trace *trace;

    write_sample(writer, 2);
    close_writer(writer, 6 * S);
    trace = decode(f->directory);
    check_form(trace);

    track = find_track(trace, "client", NULL);
    assert_non_null(track);
    assert_int_equal(track->process->pid, 1);
    /* Granted at 0, 10 and 20 ms; it sent at the begin of the last two, and waited until its end. */
    track = find_track(trace, "client", "activity");
    for (unsigned i = 0; i < 3; i++) {
        expect_event(trace, track, 4 * i, BEGIN, i * 10 * MS, "runs", 0);
        expect_event(trace, track, 4 * i + 1, END, i * 10 * MS, NULL, 0);
        expect_event(trace, track, 4 * i + 2, BEGIN, i * 10 * MS, "waits", 0);
        expect_event(trace, track, 4 * i + 3, END, i < 2 ? (i + 1) * 10 * MS : 6 * S, NULL, 0);
    }
    assert_null(find_event(trace, track, 12, &time_ns));
    track = find_track(trace, "client", "state");
    expect_event(trace, track, 0, BEGIN, 0, "up", 0);
    expect_event(trace, track, 1, END, 6 * S, NULL, 0);
    expect_event(trace, track, 2, INSTANT, 6 * S,
                 "stopped, process exited with 0, commands exited with 3", 0);
    track = find_track(trace, "client", "console");
    expect_event(trace, track, 0, INSTANT, 1 * MS, "hello \xc3\xa9 \\x01", 0);
    track = find_track(trace, "server", "events");
    expect_event(trace, track, 0, INSTANT, 5 * S, "kill server: as told", 0);

    /* 98 bytes at 100 Mbit/s are 7840 ns. Sending takes them, and they have gone by on arrival. */
    track = find_track(trace, "client", "eth0 out");
    expect_event(trace, track, 0, BEGIN, 10 * MS, ping, 1);
    expect_event(trace, track, 1, END, 10 * MS + 7840, NULL, 0);
    track = find_track(trace, "server", "eth0 in");
    expect_event(trace, track, 0, BEGIN, 11 * MS - 7840, ping, 1);
    expect_event(trace, track, 1, END, 11 * MS, NULL, 0);
    expect_event(trace, track, 2, BEGIN, 21 * MS - 7840, NULL, 2);
    track = find_track(trace, "server", "eth0 drops");
    expect_event(trace, track, 0, INSTANT, 3 * S, NULL, 3);
    track = find_track(trace, "network", "frames drops");
    expect_event(trace, track, 0, INSTANT, 4 * S, NULL, 4);
    ttb__perfetto__trace__free_unpacked(trace, NULL);
}

static const char *argument(const Event *event, const char *name)
{
    assert_non_null(event);
    for (size_t i = 0; i < event->n_debug_annotations; i++) {
        if (strcmp(event->debug_annotations[i]->name, name) == 0)
            return event->debug_annotations[i]->string_value;
    }
    return NULL;
}

static uint64_t number(const Event *event, const char *name)
{
    assert_non_null(event);
    for (size_t i = 0; i < event->n_debug_annotations; i++) {
        if (strcmp(event->debug_annotations[i]->name, name) == 0)
            return event->debug_annotations[i]->uint_value;
    }
    return UINT64_MAX;
}

/* The server is let run at 1, 5 and 9 ms: a frame had come, then its own clock, then two frames. */
static void a_node_waits_for_its_clock_or_for_a_frame(void **state)
{
    const struct ttb_trace_place commands = {.kind = TTB_TRACE_PORT,
                                             .name = "ttb",
                                             .node = 1,
                                             .link = TTB_TRACE_NONE,
                                             .is_control = true};
    uint32_t place;
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    uint8_t frame[1514];
    size_t len_bytes = make_udp(frame, 1, 2, 1, 2, 100);
    const Track *track;
    const Event *event;
    uint64_t time_ns;
    Trace *trace;

    write_grant(writer, 0, 1);
    write_packet(writer, 0, 0, TTB_TRACE_TRANSMITTED, 1, frame, len_bytes);
    write_packet(writer, 1 * MS, 1, TTB_TRACE_DELIVERED, 1, frame, len_bytes);
    write_grant(writer, 1 * MS, 1);
    write_packet(writer, 2 * MS, 1, TTB_TRACE_TRANSMITTED, 2, frame, len_bytes);
    write_grant(writer, 5 * MS, 1);
    write_packet(writer, 6 * MS, 0, TTB_TRACE_TRANSMITTED, 3, frame, len_bytes);
    write_packet(writer, 8 * MS, 1, TTB_TRACE_DELIVERED, 4, frame, len_bytes); /* nobody's */
    write_packet(writer, 9 * MS, 1, TTB_TRACE_DELIVERED, 3, frame, len_bytes);
    write_grant(writer, 9 * MS, 1);
    /* Last a command: that is not shown, but it is why. */
    assert_int_equal(ttb_trace_writer_add_place(writer, &commands, &place), 0);
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = 10 * MS,
                             .node = 1,
                             .frame = {.what = TTB_TRACE_DELIVERED,
                                       .place = place,
                                       .packet = 5,
                                       .len_bytes = (uint32_t)len_bytes,
                                       .payload = {.data = frame, .len_bytes = len_bytes}}});
    write_grant(writer, 10 * MS, 1);
    close_writer(writer, 10 * MS);
    trace = decode(f->directory);
    check_form(trace);

    track = find_track(trace, "server", "activity");
    event = find_event(trace, track, 2, &time_ns);
    assert_string_equal(event->name, "waits");
    assert_int_equal(time_ns, 0);
    assert_string_equal(argument(event, "because_of"), "a frame from client");
    assert_int_equal(number(event, "packet"), 1);
    /* It ran until it had sent. */
    expect_event(trace, track, 4, BEGIN, 1 * MS, "runs", 0);
    assert_int_equal(number(find_event(trace, track, 4, &time_ns), "frames_sent"), 1);
    expect_event(trace, track, 5, END, 2 * MS, NULL, 0);
    event = find_event(trace, track, 6, &time_ns);
    assert_int_equal(time_ns, 2 * MS);
    assert_string_equal(argument(event, "because_of"), "its clock");
    event = find_event(trace, track, 10, &time_ns);
    assert_int_equal(time_ns, 5 * MS);
    assert_string_equal(argument(event, "because_of"), "a frame from the network");
    assert_int_equal(number(event, "packet"), 4);
    event = find_event(trace, track, 14, &time_ns);
    assert_int_equal(time_ns, 9 * MS);
    assert_string_equal(argument(event, "because_of"), "a command of ttb's");
    assert_null(find_track(trace, "server", "ttb in"));
    ttb__perfetto__trace__free_unpacked(trace, NULL);
}

static void counters_tell_bytes_in_flight_and_what_simulated_time_cost(void **state)
{
    static const int64_t bytes[] = {142, 284, 142, 0};
    static const uint64_t times_ns[] = {1000, 1500, 2000, 2500};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct ttb_trace_record cost = {.kind = TTB_TRACE_COST,
                                    .node = 1,
                                    .time_ns = 2 * S,
                                    .cost = {.part = TTB_TRACE_PART_NODE,
                                             .wall_ns = S,
                                             .activations = 7,
                                             .kicks = 5,
                                             .awaited_ns = 3,
                                             .at_wall_ns = 1}};
    const Event *event;
    const Track *track;
    uint8_t frame[1514];
    size_t len_bytes = make_udp(frame, 1, 2, 1, 2, 100);
    uint64_t time_ns;
    Trace *trace;

    write_packet(writer, 1000, 0, TTB_TRACE_TRANSMITTED, 1, frame, len_bytes);
    write_packet(writer, 1500, 0, TTB_TRACE_TRANSMITTED, 2, frame, len_bytes);
    write_packet(writer, 2000, 1, TTB_TRACE_DELIVERED, 1, frame, len_bytes);
    /* Again: it has arrived already. */
    write_packet(writer, 2100, 1, TTB_TRACE_DELIVERED, 1, frame, len_bytes);
    write_packet(writer, 2500, 1, TTB_TRACE_LOST, 2, frame, len_bytes);
    write_record(writer, &cost);
    cost.time_ns = 3 * S;
    cost.cost.wall_ns = 3 * S;
    write_record(writer, &cost);
    cost.node = TTB_TRACE_NONE;
    cost.cost = (struct ttb_trace_cost){
        .part = TTB_TRACE_PART_BRIDGE, .wall_ns = S / 4, .activations = 1, .at_wall_ns = 1};
    write_record(writer, &cost);
    close_writer(writer, 3 * S);
    trace = decode(f->directory);
    check_form(trace);

    track = find_track(trace, "network", "bytes in flight");
    assert_non_null(track->counter);
    for (unsigned i = 0; i < 4; i++) {
        event = find_event(trace, track, i, &time_ns);
        assert_non_null(event);
        assert_int_equal(event->type, COUNTER);
        assert_int_equal(event->counter_value, bytes[i]);
        assert_int_equal(time_ns, times_ns[i]);
    }
    assert_null(find_event(trace, track, 4, &time_ns));

    /* Half a second of wall time per second up to 2 s, then three. */
    track = find_track(trace, "server", "wall time per simulated time: node");
    event = find_event(trace, track, 0, &time_ns);
    assert_int_equal(time_ns, 0);
    assert_true(event->double_counter_value == 0.5);
    event = find_event(trace, track, 1, &time_ns);
    assert_int_equal(time_ns, 2 * S);
    assert_true(event->double_counter_value == 3.0);
    assert_null(find_event(trace, track, 2, &time_ns));
    /* The same as slices, which have arguments. */
    track = find_track(trace, "server", "wall time");
    expect_event(trace, track, 0, BEGIN, 0, "1000.000 ms", 0);
    event = find_event(trace, track, 0, &time_ns);
    assert_int_equal(number(event, "wall_ns"), S);
    assert_int_equal(number(event, "activations"), 7);
    assert_int_equal(number(event, "kicks"), 5);
    assert_int_equal(number(event, "awaited_ns"), 3);
    expect_event(trace, track, 1, END, 2 * S, NULL, 0);
    expect_event(trace, track, 2, BEGIN, 2 * S, "3000.000 ms", 0);
    expect_event(trace, track, 3, END, 3 * S, NULL, 0);
    track = find_track(trace, "network", "wall time: bridge");
    expect_event(trace, track, 0, BEGIN, 0, "250.000 ms", 0);
    ttb__perfetto__trace__free_unpacked(trace, NULL);
}

static void frames_of_one_instant_leave_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    uint8_t frame[1514];
    size_t len_bytes = make_udp(frame, 1, 2, 1, 2, 83); /* 125 bytes: 10 us */
    const Track *track;
    Trace *trace;

    for (unsigned i = 0; i < 3; i++)
        write_packet(writer, 5000, 0, TTB_TRACE_TRANSMITTED, i + 1, frame, len_bytes);
    close_writer(writer, 5000);
    trace = decode(f->directory);
    check_form(trace);
    track = find_track(trace, "client", "eth0 out");
    for (unsigned i = 0; i < 3; i++) {
        expect_event(trace, track, 2 * i, BEGIN, 5000 + i * 10000, NULL, i + 1);
        expect_event(trace, track, 2 * i + 1, END, 5000 + (i + 1) * 10000, NULL, 0);
    }
    ttb__perfetto__trace__free_unpacked(trace, NULL);
}

/* Numbers of fields as in Perfetto's published schema, byte by byte: a schema of ours that is wrong would
 * read what it has written itself. */
static void bytes_are_those_of_the_published_schema(void **state)
{
    /* TracePacket{timestamp: 5, trusted_packet_sequence_id: 7, track_event{debug_annotations{
     * string_value "s", name "n"}, type INSTANT, track_uuid 3, categories "c", name "e", flow_ids 1}} */
    static const uint8_t expected[] = {
        0x40, 5,                                        /* 8, varint */
        0x50, 7,                                        /* 10, varint */
        0x5a, 30,                                       /* 11, message */
        0x22, 6,    0x32, 1,   's', 0x52, 1, 'n',       /* 4: 6, 10 */
        0x48, 3,                                        /* 9, varint */
        0x58, 3,                                        /* 11, varint */
        0xb2, 0x01, 1,    'c',                          /* 22 */
        0xba, 0x01, 1,    'e',                          /* 23 */
        0xf9, 0x02, 1,    0,   0,   0,    0, 0,   0, 0, /* 47, 64 bit */
    };
    Packet packet = TTB__PERFETTO__TRACE_PACKET__INIT;
    Event event = TTB__PERFETTO__TRACK_EVENT__INIT;
    Ttb__Perfetto__DebugAnnotation annotation = TTB__PERFETTO__DEBUG_ANNOTATION__INIT;
    Ttb__Perfetto__DebugAnnotation *annotations = &annotation;
    char *category = (char[]){"c"};
    uint64_t flow = 1;
    uint8_t data[128];

    (void)state;
    annotation.string_value = (char[]){"s"};
    annotation.name = (char[]){"n"};
    event.n_debug_annotations = 1;
    event.debug_annotations = &annotations;
    event.has_type = true;
    event.type = INSTANT;
    event.has_track_uuid = true;
    event.track_uuid = 3;
    event.n_categories = 1;
    event.categories = &category;
    event.name = (char[]){"e"};
    event.n_flow_ids = 1;
    event.flow_ids = &flow;
    packet.has_timestamp = true;
    packet.timestamp = 5;
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = 7;
    packet.track_event = &event;
    assert_int_equal(ttb__perfetto__trace_packet__get_packed_size(&packet), sizeof(expected));
    ttb__perfetto__trace_packet__pack(&packet, data);
    assert_memory_equal(data, expected, sizeof(expected));
}

/* A frame's slices, wherever they are, have its packet id as their flow, and none is earlier than where it
 * was sent. */
static void flows_begin_where_the_frame_was_sent(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    unsigned with_flow = 0, joined = 0;
    Trace *trace;

    write_sample(writer, 20);
    close_writer(writer, 20 * S);
    trace = decode(f->directory);
    check_form(trace);
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Event *event = trace->packet[i]->track_event, *other;

        if (!event || !event->n_flow_ids)
            continue;
        assert_int_equal(event->n_flow_ids, 1);
        assert_string_equal(event->debug_annotations[0]->name, "packet");
        assert_int_equal(event->debug_annotations[0]->uint_value, event->flow_ids[0]);
        with_flow++;
        if (strcmp(event->categories[0], "delivered") != 0)
            continue;
        for (size_t j = 0; j < trace->n_packet; j++) {
            other = trace->packet[j]->track_event;
            if (!other || !other->n_flow_ids || other->flow_ids[0] != event->flow_ids[0] ||
                strcmp(other->categories[0], "transmitted") != 0)
                continue;
            assert_true(trace->packet[j]->timestamp <= trace->packet[i]->timestamp);
            joined++;
        }
    }
    /* 20 pings, sent and delivered, and two frames that went nowhere. */
    assert_int_equal(with_flow, 42);
    assert_int_equal(joined, 20);
    ttb__perfetto__trace__free_unpacked(trace, NULL);
}

static void a_counter_tells_how_many_frames_of_a_port_are_under_way(void **state)
{
    static const int64_t values[] = {1, 2, 3, 2, 1, 0};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    uint8_t frame[1514];
    size_t len_bytes = make_udp(frame, 1, 2, 1, 2, 100);
    const Track *track;
    Trace *trace;

    for (unsigned i = 0; i < 3; i++)
        write_packet(writer, 1000 + i, 0, TTB_TRACE_TRANSMITTED, i + 1, frame, len_bytes);
    write_packet(writer, 2000, 1, TTB_TRACE_DELIVERED, 1, frame, len_bytes);
    write_packet(writer, 2001, TTB_TRACE_NONE, TTB_TRACE_LOST, 2, frame, len_bytes);
    write_packet(writer, 2002, 1, TTB_TRACE_DROPPED, 3, frame, len_bytes);
    close_writer(writer, 3000);
    trace = decode(f->directory);
    check_form(trace);
    track = find_track(trace, "client", "eth0 under way");
    assert_non_null(track);
    assert_int_equal(track->counter->unit, 2);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t time_ns;
        const Event *event = find_event(trace, track, i, &time_ns);

        assert_non_null(event);
        assert_int_equal(event->counter_value, values[i]);
    }
    ttb__perfetto__trace__free_unpacked(trace, NULL);
}

/* The published schema, as it stands in Perfetto's repository in protos/perfetto/trace, looked up message by
 * message: trace.proto, trace_packet.proto, clock_snapshot.proto, and in track_event/ process_descriptor,
 * track_descriptor, track_event, debug_annotation and counter_descriptor.proto. Only CounterDescriptor's
 * unit_name was read in the bindings that Perfetto generates of that file (contrib/rust-sdk). What matters
 * on the wire is here: a field's number, its type, and whether it repeats; of enumerations all values. */
struct published {
    const char *name;
    unsigned number;
    ProtobufCType type;
    bool repeats;
};

static void check_message(const ProtobufCMessageDescriptor *ours, const struct published *published)
{
    unsigned count = 0;

    for (; published->name; published++, count++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(ours, published->name);

        if (!field)
            fail_msg("%s.%s is not there", ours->name, published->name);
        if (field->id != published->number || field->type != published->type)
            fail_msg("%s.%s is number %u, type %d", ours->name, field->name, field->id,
                     (int)field->type);
        if (field->label !=
            (published->repeats ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_OPTIONAL))
            fail_msg("%s.%s: label %d", ours->name, field->name, (int)field->label);
    }
    assert_int_equal(count, ours->n_fields);
}

struct published_value {
    const char *name;
    int value;
};

static void check_enum(const ProtobufCEnumDescriptor *ours, const struct published_value *published)
{
    unsigned count = 0;

    for (; published->name; published++, count++) {
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value_by_name(ours, published->name);

        if (!value || value->value != published->value)
            fail_msg("%s.%s is not %d", ours->name, published->name, published->value);
    }
    assert_int_equal(count, ours->n_values);
}

#define U32     PROTOBUF_C_TYPE_UINT32
#define I32     PROTOBUF_C_TYPE_INT32
#define U64     PROTOBUF_C_TYPE_UINT64
#define ENUM    PROTOBUF_C_TYPE_ENUM
#define TEXT    PROTOBUF_C_TYPE_STRING
#define MESSAGE PROTOBUF_C_TYPE_MESSAGE

static void every_field_is_that_of_the_published_schema(void **state)
{
    (void)state;
    check_message(&ttb__perfetto__trace__descriptor,
                  (const struct published[]){{"packet", 1, MESSAGE, true}, {0}});
    check_message(&ttb__perfetto__trace_packet__descriptor,
                  (const struct published[]){{"clock_snapshot", 6, MESSAGE, false},
                                             {"timestamp", 8, U64, false},
                                             {"trusted_packet_sequence_id", 10, U32, false},
                                             {"track_event", 11, MESSAGE, false},
                                             {"sequence_flags", 13, U32, false},
                                             {"track_descriptor", 60, MESSAGE, false},
                                             {0}});
    check_message(&ttb__perfetto__clock_snapshot__descriptor,
                  (const struct published[]){{"clocks", 1, MESSAGE, true}, {0}});
    check_message(
        &ttb__perfetto__clock_snapshot__clock__descriptor,
        (const struct published[]){{"clock_id", 1, U32, false}, {"timestamp", 2, U64, false}, {0}});
    check_message(&ttb__perfetto__track_descriptor__descriptor,
                  (const struct published[]){{"uuid", 1, U64, false},
                                             {"name", 2, TEXT, false},
                                             {"process", 3, MESSAGE, false},
                                             {"parent_uuid", 5, U64, false},
                                             {"counter", 8, MESSAGE, false},
                                             {0}});
    check_message(
        &ttb__perfetto__process_descriptor__descriptor,
        (const struct published[]){{"pid", 1, I32, false}, {"process_name", 6, TEXT, false}, {0}});
    check_message(
        &ttb__perfetto__counter_descriptor__descriptor,
        (const struct published[]){{"unit", 3, ENUM, false}, {"unit_name", 6, TEXT, false}, {0}});
    check_message(
        &ttb__perfetto__track_event__descriptor,
        (const struct published[]){{"debug_annotations", 4, MESSAGE, true},
                                   {"type", 9, ENUM, false},
                                   {"track_uuid", 11, U64, false},
                                   {"categories", 22, TEXT, true},
                                   {"name", 23, TEXT, false},
                                   {"counter_value", 30, PROTOBUF_C_TYPE_INT64, false},
                                   {"double_counter_value", 44, PROTOBUF_C_TYPE_DOUBLE, false},
                                   {"flow_ids", 47, PROTOBUF_C_TYPE_FIXED64, true},
                                   {0}});
    check_message(&ttb__perfetto__debug_annotation__descriptor,
                  (const struct published[]){{"uint_value", 3, U64, false},
                                             {"string_value", 6, TEXT, false},
                                             {"name", 10, TEXT, false},
                                             {0}});
}

static void every_value_of_an_enumeration_is_that_of_the_published_schema(void **state)
{
    (void)state;
    check_enum(&ttb__perfetto__track_event__type__descriptor,
               (const struct published_value[]){{"TYPE_UNSPECIFIED", 0},
                                                {"TYPE_SLICE_BEGIN", 1},
                                                {"TYPE_SLICE_END", 2},
                                                {"TYPE_INSTANT", 3},
                                                {"TYPE_COUNTER", 4},
                                                {0}});
    check_enum(&ttb__perfetto__counter_descriptor__unit__descriptor,
               (const struct published_value[]){{"UNIT_UNSPECIFIED", 0},
                                                {"UNIT_TIME_NS", 1},
                                                {"UNIT_COUNT", 2},
                                                {"UNIT_SIZE_BYTES", 3},
                                                {0}});
    check_enum(&ttb__perfetto__trace_packet__sequence_flags__descriptor,
               (const struct published_value[]){
                   {"SEQ_UNSPECIFIED", 0}, {"SEQ_INCREMENTAL_STATE_CLEARED", 1}, {0}});
    check_enum(
        &ttb__perfetto__clock_snapshot__clock__builtin_clocks__descriptor,
        (const struct published_value[]){{"UNKNOWN", 0}, {"REALTIME", 1}, {"BOOTTIME", 6}, {0}});
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_run_becomes_tracks_slices_and_flows),
        TEST(a_node_waits_for_its_clock_or_for_a_frame),
        TEST(counters_tell_bytes_in_flight_and_what_simulated_time_cost),
        TEST(frames_of_one_instant_leave_one_after_the_other),
        TEST(flows_begin_where_the_frame_was_sent),
        TEST(a_counter_tells_how_many_frames_of_a_port_are_under_way),
        cmocka_unit_test(every_field_is_that_of_the_published_schema),
        cmocka_unit_test(every_value_of_an_enumeration_is_that_of_the_published_schema),
        cmocka_unit_test(bytes_are_those_of_the_published_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
