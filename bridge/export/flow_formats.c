/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow statistics as CSV and as FlowMonitor's XML (ns-3, flow-monitor module). Both are written at the
 * end: nothing is known of a flow before.
 */
#include <inttypes.h>
#include <stdio.h>

#include "export/flows.h"
#include "export/text.h"

static int flows_begin(struct ttb_export *export)
{
    return ttb__flows_begin(export->state);
}

static int flows_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    if (record->kind != TTB_TRACE_FRAME)
        return 0;
    return ttb__flows_add(export->state, export, tables, record);
}

static void flows_clear(struct ttb_export *export)
{
    ttb__flows_clear(export->state);
}

/* ----------------------------------------------------------------------------------------- CSV */

static void csv_number(struct ttb__stream *stream, bool is_known, uint64_t value)
{
    ttb__stream_char(stream, ',');
    if (is_known)
        ttb__stream_number(stream, value);
}

static void csv_place(struct ttb_export *export, uint32_t place)
{
    char name[512];

    ttb__place_name(export->tables, place, name, sizeof(name));
    ttb__stream_char(&export->stream, ',');
    ttb__csv_field(&export->stream, name, strlen(name));
}

static void csv_tuple(struct ttb__stream *stream, const struct ttb__tuple *tuple)
{
    const char *protocol = ttb__ip_protocol_name(tuple->protocol);
    char address[INET6_ADDRSTRLEN];
    bool has_ports = tuple->source_port || tuple->destination_port;

    ttb__stream_char(stream, ',');
    ttb__stream_text(stream, ttb__tuple_address(tuple, false, address));
    ttb__stream_char(stream, ',');
    ttb__stream_text(stream, ttb__tuple_address(tuple, true, address));
    if (protocol) {
        ttb__stream_char(stream, ',');
        ttb__stream_text(stream, protocol);
    } else {
        csv_number(stream, true, tuple->protocol);
    }
    csv_number(stream, has_ports, tuple->source_port);
    csv_number(stream, has_ports, tuple->destination_port);
}

static void csv_flow(struct ttb_export *export, size_t number, const struct ttb__flow *flow)
{
    struct ttb__stream *stream = &export->stream;
    bool arrived = flow->received_packets != 0;
    uint64_t lost = flow->sent_packets - flow->arrived_packets;

    ttb__stream_number(stream, number);
    csv_tuple(stream, &flow->tuple);
    csv_place(export, flow->from);
    if (flow->to_several)
        ttb__stream_text(stream, ",several");
    else if (arrived)
        csv_place(export, flow->to);
    else
        ttb__stream_char(stream, ',');
    csv_number(stream, true, flow->sent_packets);
    csv_number(stream, true, flow->sent_bytes);
    csv_number(stream, true, flow->received_packets);
    csv_number(stream, true, flow->received_bytes);
    csv_number(stream, true, lost);
    ttb__stream_format(stream, ",%.6f", (double)lost / (double)flow->sent_packets);
    csv_number(stream, true, flow->dropped_packets);
    csv_number(stream, true, flow->lost_packets);
    csv_number(stream, true, flow->first_sent_ns);
    csv_number(stream, true, flow->last_sent_ns);
    csv_number(stream, arrived, flow->first_received_ns);
    csv_number(stream, arrived, flow->last_received_ns);
    csv_number(stream, arrived,
               arrived ? (uint64_t)(flow->delay_sum_ns / flow->received_packets) : 0);
    csv_number(stream, arrived, flow->delay_min_ns);
    csv_number(stream, arrived, ttb__flow_quantile(flow, 500));
    csv_number(stream, arrived, ttb__flow_quantile(flow, 900));
    csv_number(stream, arrived, ttb__flow_quantile(flow, 990));
    csv_number(stream, arrived, flow->delay_max_ns);
    csv_number(stream, arrived, flow->jitter_16 >> 4);
    csv_number(stream, true, flow->reordered_packets);
    ttb__stream_char(stream, '\n');
}

static int flows_end(struct ttb_export *export)
{
    const struct ttb__flows *flows = export->state;

    ttb__stream_text(&export->stream,
                     "flow,source,destination,protocol,source_port,destination_port,from,to,"
                     "sent_packets,sent_bytes,received_packets,received_bytes,lost_packets,loss,"
                     "dropped_by_ports,lost_in_network,first_sent_ns,last_sent_ns,"
                     "first_received_ns,last_received_ns,delay_mean_ns,delay_min_ns,delay_p50_ns,"
                     "delay_p90_ns,delay_p99_ns,delay_max_ns,jitter_ns,reordered_packets\n");
    for (size_t i = 0; i < flows->count; i++) {
        if (ttb__flow_is_wanted(export, &flows->flows[i]))
            csv_flow(export, i + 1, &flows->flows[i]);
    }
    return 0;
}

const struct ttb__format ttb__format_flows = {
    .state_bytes = sizeof(struct ttb__flows),
    .whole = true,
    .begin = flows_begin,
    .record = flows_record,
    .end = flows_end,
    .clear = flows_clear,
};

/* ----------------------------------------------------------------------------------------- XML */

static void xml_time(struct ttb__stream *stream, const char *name, unsigned __int128 time_ns)
{
    /* As ns-3 prints Time; sums beyond 584 years do not fit it either. */
    ttb__stream_format(stream, " %s=\"+%" PRIu64 "ns\"", name,
                       time_ns > UINT64_MAX ? UINT64_MAX : (uint64_t)time_ns);
}

static void xml_number(struct ttb__stream *stream, const char *name, uint64_t value)
{
    ttb__stream_format(stream, " %s=\"%" PRIu64 "\"", name, value);
}

static void xml_histogram(struct ttb__stream *stream, const struct ttb__histogram *histogram)
{
    unsigned count = 0, index = 0;

    for (unsigned row = 0; row < TTB__HISTOGRAM_ROWS; row++) {
        for (unsigned at = 0; histogram->rows[row] && at < TTB__HISTOGRAM_CLASSES; at++)
            count += histogram->rows[row][at] != 0;
    }
    ttb__stream_format(stream, "      <delayHistogram nBins=\"%u\">\n", count);
    for (unsigned row = 0; row < TTB__HISTOGRAM_ROWS; row++) {
        for (unsigned at = 0; histogram->rows[row] && at < TTB__HISTOGRAM_CLASSES; at++) {
            uint64_t width = row > 1 ? 1ULL << (row - 1) : 1;
            uint64_t start = row ? (uint64_t)(TTB__HISTOGRAM_CLASSES + at) << (row - 1) : at;

            if (histogram->rows[row][at])
                ttb__stream_format(stream,
                                   "        <bin index=\"%u\" start=\"%.9f\" width=\"%.9f\" "
                                   "count=\"%" PRIu32 "\" />\n",
                                   index++, (double)start / 1e9, (double)width / 1e9,
                                   histogram->rows[row][at]);
        }
    }
    ttb__stream_text(stream, "      </delayHistogram>\n");
}

static void xml_stats(struct ttb__stream *stream, size_t number, const struct ttb__flow *flow)
{
    ttb__stream_text(stream, "    <Flow");
    xml_number(stream, "flowId", number);
    xml_time(stream, "timeFirstTxPacket", flow->first_sent_ns);
    xml_time(stream, "timeFirstRxPacket", flow->first_received_ns);
    xml_time(stream, "timeLastTxPacket", flow->last_sent_ns);
    xml_time(stream, "timeLastRxPacket", flow->last_received_ns);
    xml_time(stream, "delaySum", flow->delay_sum_ns);
    xml_time(stream, "jitterSum", flow->jitter_sum_ns);
    xml_time(stream, "lastDelay", flow->last_delay_ns);
    xml_time(stream, "maxDelay", flow->delay_max_ns);
    xml_time(stream, "minDelay", flow->delay_min_ns);
    xml_number(stream, "txBytes", flow->sent_ip_bytes);
    xml_number(stream, "rxBytes", flow->received_ip_bytes);
    xml_number(stream, "txPackets", flow->sent_packets);
    xml_number(stream, "rxPackets", flow->received_packets);
    xml_number(stream, "lostPackets", flow->sent_packets - flow->arrived_packets);
    xml_number(stream, "timesForwarded", 0);
    ttb__stream_text(stream, ">\n");
    xml_histogram(stream, &flow->delays);
    ttb__stream_text(stream, "    </Flow>\n");
}

static void xml_tuple(struct ttb__stream *stream, size_t number, const struct ttb__tuple *tuple)
{
    char address[INET6_ADDRSTRLEN];

    ttb__stream_text(stream, "    <Flow");
    xml_number(stream, "flowId", number);
    ttb__stream_format(stream, " sourceAddress=\"%s\"", ttb__tuple_address(tuple, false, address));
    ttb__stream_format(stream, " destinationAddress=\"%s\"",
                       ttb__tuple_address(tuple, true, address));
    xml_number(stream, "protocol", tuple->protocol);
    xml_number(stream, "sourcePort", tuple->source_port);
    xml_number(stream, "destinationPort", tuple->destination_port);
    ttb__stream_text(stream, " />\n");
}

static int flowmonitor_end(struct ttb_export *export)
{
    const struct ttb__flows *flows = export->state;
    struct ttb__stream *stream = &export->stream;

    ttb__stream_text(stream, "<?xml version=\"1.0\" ?>\n<FlowMonitor>\n  <FlowStats>\n");
    for (size_t i = 0; i < flows->count; i++) {
        if (ttb__flow_is_wanted(export, &flows->flows[i]))
            xml_stats(stream, i + 1, &flows->flows[i]);
    }
    ttb__stream_text(stream, "  </FlowStats>\n");
    for (uint8_t v6 = 0; v6 < 2; v6++) {
        ttb__stream_format(stream, "  <Ipv%uFlowClassifier>\n", v6 ? 6 : 4);
        for (size_t i = 0; i < flows->count; i++) {
            if (flows->flows[i].tuple.v6 == v6 && ttb__flow_is_wanted(export, &flows->flows[i]))
                xml_tuple(stream, i + 1, &flows->flows[i].tuple);
        }
        ttb__stream_format(stream, "  </Ipv%uFlowClassifier>\n", v6 ? 6 : 4);
    }
    ttb__stream_text(stream, "  <FlowProbes>\n  </FlowProbes>\n</FlowMonitor>\n");
    return 0;
}

const struct ttb__format ttb__format_flowmonitor = {
    .state_bytes = sizeof(struct ttb__flows),
    .whole = true,
    .begin = flows_begin,
    .record = flows_record,
    .end = flowmonitor_end,
    .clear = flows_clear,
};
