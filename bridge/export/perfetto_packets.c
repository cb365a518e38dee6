/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/perfetto.h"

#include "export/text.h"

#define PACKET_MAX (2 * TTB__EVENT_NAME_MAX + 2048)

void ttb__perfetto_put(struct ttb_export *export, const Ttb__Perfetto__TracePacket *packet)
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

uint64_t ttb__track_uuid(enum ttb__track kind, uint32_t id)
{
    return (uint64_t)kind << 32 | (id + 1);
}

static uint32_t sequence_of(enum ttb__track kind, uint32_t id)
{
    /* Ids, TTB__TRACK_NETWORK included, have 21 bits. */
    return (uint32_t)kind << 22 | (id + 1);
}

void ttb__event_annotate(struct ttb__event *event, const char *name, uint64_t value,
                         const char *text)
{
    Ttb__Perfetto__DebugAnnotation *annotation = &event->annotations[event->annotation_count++];

    ttb__perfetto__debug_annotation__init(annotation);
    annotation->name = (char *)name;
    annotation->has_uint_value = !text;
    annotation->uint_value = value;
    annotation->string_value = (char *)text;
}

void ttb__event_write(struct ttb_export *export, const struct ttb__event *event)
{
    Ttb__Perfetto__TracePacket packet = TTB__PERFETTO__TRACE_PACKET__INIT;
    Ttb__Perfetto__TrackEvent track_event = TTB__PERFETTO__TRACK_EVENT__INIT;
    Ttb__Perfetto__DebugAnnotation *annotations[TTB__ANNOTATION_MAX];
    char *category = (char *)event->category;
    uint64_t flow = event->flow;

    for (unsigned i = 0; i < event->annotation_count; i++)
        annotations[i] = (Ttb__Perfetto__DebugAnnotation *)&event->annotations[i];
    track_event.has_type = true;
    track_event.type = event->type;
    track_event.has_track_uuid = true;
    track_event.track_uuid = ttb__track_uuid(event->kind, event->id);
    track_event.name = (char *)event->name;
    track_event.n_categories = category != NULL;
    track_event.categories = &category;
    track_event.n_flow_ids = event->flow != 0;
    track_event.flow_ids = &flow;
    track_event.has_counter_value = event->type == TTB__EVENT_COUNTER && !event->has_ratio;
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
    ttb__perfetto_put(export, &packet);
}

/* -------------------------------------------------------------------------------------- tracks */

void ttb__track_describe(struct ttb_export *export, enum ttb__track kind, uint32_t id,
                         uint64_t parent, const char *name)
{
    Ttb__Perfetto__TracePacket packet = TTB__PERFETTO__TRACE_PACKET__INIT;
    Ttb__Perfetto__TrackDescriptor track = TTB__PERFETTO__TRACK_DESCRIPTOR__INIT;
    Ttb__Perfetto__ProcessDescriptor process = TTB__PERFETTO__PROCESS_DESCRIPTOR__INIT;
    Ttb__Perfetto__CounterDescriptor counter = TTB__PERFETTO__COUNTER_DESCRIPTOR__INIT;
    char plain[TTB__EVENT_NAME_MAX];

    plain[ttb__text_plain(name, strlen(name), plain, sizeof(plain) - 1)] = 0;
    track.has_uuid = true;
    track.uuid = ttb__track_uuid(kind, id);
    if (kind == TTB__TRACK_PROCESS) {
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
    if (kind >= TTB__TRACK_FLYING) {
        counter.has_unit =
            kind == TTB__TRACK_FLYING || kind == TTB__TRACK_UNDER_WAY || kind == TTB__TRACK_QUEUE;
        counter.unit = kind == TTB__TRACK_FLYING
                           ? TTB__PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_SIZE_BYTES
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
    ttb__perfetto_put(export, &packet);
}
