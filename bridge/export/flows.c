/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING UINT32_MAX

_Static_assert((TTB_EXPORT_FLOWS_MAX & (TTB_EXPORT_FLOWS_MAX - 1)) == 0, "a power of two");

int ttb__flows_begin(struct ttb__flows *flows)
{
    flows->buckets = malloc(TTB_EXPORT_FLOWS_MAX * sizeof(*flows->buckets));
    if (!flows->buckets)
        return -ENOMEM;
    memset(flows->buckets, 0xff, TTB_EXPORT_FLOWS_MAX * sizeof(*flows->buckets));
    return ttb__flying_new(&flows->flying);
}

void ttb__flows_clear(struct ttb__flows *flows)
{
    for (size_t i = 0; i < flows->count; i++)
        ttb__histogram_clear(&flows->flows[i].delays);
    free(flows->flows);
    free(flows->buckets);
    ttb__flying_free(flows->flying);
}

/* ------------------------------------------------------------------------------- finding flows */

static uint32_t *bucket_of(struct ttb__flows *flows, const struct ttb__tuple *tuple, uint32_t from)
{
    uint64_t words[5], hash = from;

    _Static_assert(sizeof(*tuple) == sizeof(words), "a tuple is hashed as words");
    memcpy(words, tuple, sizeof(words));
    for (size_t i = 0; i < 5; i++) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 32;
    }
    return &flows->buckets[hash & (TTB_EXPORT_FLOWS_MAX - 1)];
}

/* *index: of the flow, or NOTHING if there are too many */
static int find_flow(struct ttb__flows *flows, const struct ttb__tuple *tuple, uint32_t from,
                     uint32_t *index)
{
    uint32_t *bucket = bucket_of(flows, tuple, from);

    for (*index = *bucket; *index != NOTHING; *index = flows->flows[*index].next) {
        const struct ttb__flow *flow = &flows->flows[*index];

        if (flow->from == from && memcmp(&flow->tuple, tuple, sizeof(*tuple)) == 0)
            return 0;
    }
    if (flows->count == TTB_EXPORT_FLOWS_MAX)
        return 0;
    if (flows->count == flows->room) {
        size_t room = flows->room ? 2 * flows->room : 64;
        struct ttb__flow *grown = realloc(flows->flows, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        flows->flows = grown;
        flows->room = room;
    }
    *index = (uint32_t)flows->count++;
    memset(&flows->flows[*index], 0, sizeof(flows->flows[*index]));
    flows->flows[*index].tuple = *tuple;
    flows->flows[*index].from = from;
    flows->flows[*index].to = TTB_TRACE_NONE;
    flows->flows[*index].next = *bucket;
    *bucket = *index;
    return 0;
}

/* ------------------------------------------------------------------------------------- counting */

static int add_sent(struct ttb__flows *flows, const struct ttb_trace_record *record)
{
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb__flying *flying, evicted;
    struct ttb__tuple_info info;
    struct ttb__tuple tuple;
    struct ttb__flow *flow;
    uint32_t index = NOTHING;

    if (ttb__tuple_of(frame->payload.data, frame->payload.len_bytes, &tuple, &info) &&
        find_flow(flows, &tuple, frame->place, &index))
        return -ENOMEM;
    if (index == NOTHING) {
        flows->other_packets++;
        return 0;
    }
    flow = &flows->flows[index];
    if (!flow->sent_packets)
        flow->first_sent_ns = record->time_ns;
    if (info.is_syn) {
        flow->has_several_syns |= flow->has_syn && flow->syn_sequence != info.sequence;
        flow->has_syn = true;
        flow->syn_sequence = info.sequence;
    }
    flow->last_sent_ns = record->time_ns;
    flow->sent_packets++;
    flow->sent_bytes += frame->len_bytes;
    flow->sent_ip_bytes += info.ip_bytes;
    if (frame->packet) {
        flying = ttb__flying_put(flows->flying, frame->packet, &evicted);
        flying->time_ns = record->time_ns;
        flying->flow = index;
        flying->len_bytes = info.ip_bytes;
        flying->sequence = flow->sent_packets;
    }
    return 0;
}

static void add_jitter(struct ttb__flow *flow, uint64_t delay_ns)
{
    uint64_t difference_ns = delay_ns > flow->last_delay_ns ? delay_ns - flow->last_delay_ns
                                                            : flow->last_delay_ns - delay_ns;

    if (flow->received_packets > 1) {
        flow->jitter_sum_ns += difference_ns;
        flow->jitter_16 += difference_ns - ((flow->jitter_16 + 8) >> 4);
    }
    flow->last_delay_ns = delay_ns;
}

static int add_received(struct ttb__flow *flow, struct ttb__flying *flying,
                        const struct ttb_trace_record *record)
{
    uint64_t delay_ns = record->time_ns > flying->time_ns ? record->time_ns - flying->time_ns : 0;
    uint32_t place = record->frame.place;

    if (!flow->received_packets)
        flow->first_received_ns = record->time_ns;
    flow->last_received_ns = record->time_ns;
    flow->received_packets++;
    flow->received_bytes += record->frame.len_bytes;
    flow->received_ip_bytes += flying->len_bytes;
    if (!flying->arrived)
        flow->arrived_packets++;
    flying->arrived = true;
    if (flow->to != TTB_TRACE_NONE && flow->to != place)
        flow->to_several = true;
    flow->to = place;
    if (flow->received_packets == 1 || delay_ns < flow->delay_min_ns)
        flow->delay_min_ns = delay_ns;
    if (delay_ns > flow->delay_max_ns)
        flow->delay_max_ns = delay_ns;
    flow->delay_sum_ns += delay_ns;
    add_jitter(flow, delay_ns);
    if (flying->sequence < flow->highest_sequence)
        flow->reordered_packets++;
    else
        flow->highest_sequence = flying->sequence;
    return ttb__histogram_add(&flow->delays, delay_ns);
}

/* False if the frame passes this port by: a medium that all share shows it to all. */
static bool is_for_place(const struct ttb_trace_tables *tables, const struct ttb_trace_frame *frame)
{
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, frame->place);
    const uint8_t *mac = frame->payload.data;

    return !place || !place->has_mac || frame->payload.len_bytes < 6 || (mac[0] & 1) ||
           memcmp(mac, place->mac, 6) == 0;
}

int ttb__flows_add(struct ttb__flows *flows, const struct ttb_export *export,
                   const struct ttb_trace_tables *tables, const struct ttb_trace_record *record)
{
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb__flying *flying;
    struct ttb__flow *flow;

    if (frame->what == TTB_TRACE_TRANSMITTED) {
        if (record->time_ns < export->opts.from_ns ||
            (export->opts.to_ns && record->time_ns >= export->opts.to_ns))
            return 0;
        return add_sent(flows, record);
    }
    flying = ttb__flying_find(flows->flying, frame->packet);
    if (!flying)
        return 0;
    flow = &flows->flows[flying->flow];
    switch (frame->what) {
    case TTB_TRACE_DELIVERED:
        return is_for_place(tables, frame) ? add_received(flow, flying, record) : 0;
    case TTB_TRACE_DROPPED:
        flow->dropped_packets += is_for_place(tables, frame);
        return 0;
    case TTB_TRACE_LOST:
        flow->lost_packets++;
        return 0;
    default:
        return 0;
    }
}

uint64_t ttb__flow_quantile(const struct ttb__flow *flow, unsigned permille)
{
    uint64_t value = ttb__histogram_quantile(&flow->delays, permille);

    if (value < flow->delay_min_ns)
        return flow->delay_min_ns;
    return value > flow->delay_max_ns ? flow->delay_max_ns : value;
}

bool ttb__flow_is_wanted(const struct ttb_export *export, const struct ttb__flow *flow)
{
    return ttb__export_wants_place(export, export->tables, flow->from) ||
           (flow->to != TTB_TRACE_NONE &&
            ttb__export_wants_place(export, export->tables, flow->to));
}
