/* SPDX-License-Identifier: BSD-3-Clause */
/* What a report holds besides rows, as JSON. Numbers that may exceed 2^53 are strings. */
#include <inttypes.h>
#include <stdio.h>

#include "export/histogram.h"
#include "export/hostnames.h"
#include "export/html.h"
#include "export/json.h"
#include "export/text.h"

static void large(struct ttb__stream *stream, const char *name, uint64_t value, bool *first)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    ttb__json_text(stream, name, text, first);
}

static void sha256(struct ttb__stream *stream, const char *name, const uint8_t *digest, bool *first)
{
    char text[65];

    ttb_trace_hex(digest, text);
    ttb__json_text(stream, name, text, first);
}

static void id(struct ttb__stream *stream, const char *name, uint32_t value, bool *first)
{
    if (value != TTB_TRACE_NONE)
        ttb__json_number(stream, name, value, first);
}

/* -------------------------------------------------------------------------------------- tables */

static void write_nodes(struct ttb__stream *stream, const struct ttb_trace_tables *tables)
{
    for (size_t i = 0; i < tables->node_count; i++) {
        const struct ttb_trace_node *node = &tables->nodes[i];
        bool first = true;

        ttb__stream_text(stream, i ? ",\n{" : "{");
        ttb__json_number(stream, "id", node->id, &first);
        ttb__json_text(stream, "name", node->name, &first);
        id(stream, "kernel", node->kernel, &first);
        id(stream, "image", node->image, &first);
        ttb__json_number(stream, "memory_bytes", node->memory_bytes, &first);
        ttb__json_number(stream, "start_ns", node->start_ns, &first);
        ttb__stream_char(stream, '}');
    }
}

static void write_links(struct ttb__stream *stream, const struct ttb_trace_tables *tables)
{
    for (size_t i = 0; i < tables->link_count; i++) {
        const struct ttb_trace_link *link = &tables->links[i];
        bool first = true;

        ttb__stream_text(stream, i ? ",\n{" : "{");
        ttb__json_number(stream, "id", link->id, &first);
        ttb__json_text(stream, "name", link->name, &first);
        ttb__json_text(stream, "type", link->type, &first);
        ttb__json_number(stream, "rate_bps", link->rate_bps, &first);
        ttb__json_number(stream, "delay_ns", link->delay_ns, &first);
        ttb__stream_char(stream, '}');
    }
}

static void write_places(struct ttb__stream *stream, const struct ttb_trace_tables *tables)
{
    for (size_t i = 0; i < tables->place_count; i++) {
        const struct ttb_trace_place *place = &tables->places[i];
        bool first = true;

        ttb__stream_text(stream, i ? ",\n{" : "{");
        ttb__json_number(stream, "kind", place->kind, &first);
        ttb__json_text(stream, "name", place->name, &first);
        id(stream, "node", place->node, &first);
        id(stream, "link", place->link, &first);
        if (place->has_mac) {
            ttb__json_key(stream, "mac", &first);
            ttb__stream_char(stream, '"');
            ttb__stream_hex(stream, place->mac, sizeof(place->mac));
            ttb__stream_char(stream, '"');
        }
        ttb__json_number(stream, "mtu_bytes", place->mtu_bytes, &first);
        ttb__json_number(stream, "speed_bps", ttb__place_speed(tables, place), &first);
        ttb__json_text(stream, "description", place->description, &first);
        ttb__stream_char(stream, '}');
    }
}

struct hosts {
    struct ttb__stream *stream;
    bool first;
};

static void write_host(void *user, const struct ttb__hostname *name)
{
    struct hosts *hosts = user;
    char address[INET6_ADDRSTRLEN];

    if (!inet_ntop(name->v6 ? AF_INET6 : AF_INET, name->address, address, sizeof(address)))
        return;
    ttb__json_separate(hosts->stream, &hosts->first);
    ttb__stream_char(hosts->stream, '[');
    ttb__html_json_string(hosts->stream, address, strlen(address));
    ttb__stream_char(hosts->stream, ',');
    ttb__html_json_string(hosts->stream, name->name, strlen(name->name));
    ttb__stream_char(hosts->stream, ']');
}

/* ------------------------------------------------------------------------------ header, footer */

static void write_header(struct ttb__stream *stream, const struct ttb_trace_header *header,
                         bool *first)
{
    static const char *const kinds[] = {
        [TTB_TRACE_KERNEL] = "kernel", [TTB_TRACE_IMAGE] = "image", [TTB_TRACE_FILE] = "file"};

    ttb__json_text(stream, "ttb", header->ttb_version, first);
    ttb__json_text(stream, "scenario", header->scenario_name, first);
    large(stream, "seed", header->seed, first);
    large(stream, "epoch_ns", header->epoch_ns, first);
    ttb__json_text(stream, "cpu", header->cpu_model, first);
    ttb__json_text(stream, "host", header->host_kernel, first);
    ttb__json_text(stream, "ns3", header->ns3_version, first);
    if (header->ports_only) {
        ttb__json_key(stream, "ports_only", first);
        ttb__stream_text(stream, "true");
    }
    ttb__json_key(stream, "components", first);
    ttb__stream_char(stream, '[');
    for (size_t i = 0; i < header->component_count; i++) {
        if (i)
            ttb__stream_char(stream, ',');
        ttb__html_json_string(stream, header->components[i], strlen(header->components[i]));
    }
    ttb__stream_char(stream, ']');
    ttb__json_key(stream, "artifacts", first);
    ttb__stream_char(stream, '[');
    for (size_t i = 0; i < header->artifact_count; i++) {
        const struct ttb_trace_artifact *artifact = &header->artifacts[i];
        bool inner = true;

        ttb__stream_text(stream, i ? ",\n{" : "{");
        if ((size_t)artifact->kind < sizeof(kinds) / sizeof(kinds[0]))
            ttb__json_text(stream, "kind", kinds[artifact->kind], &inner);
        ttb__json_text(stream, "path", artifact->path, &inner);
        ttb__json_number(stream, "len_bytes", artifact->len_bytes, &inner);
        ttb__json_text(stream, "version", artifact->version, &inner);
        sha256(stream, "sha256", artifact->sha256, &inner);
        ttb__stream_char(stream, '}');
    }
    ttb__stream_char(stream, ']');
}

static void write_digest(struct ttb__stream *stream, const struct ttb_trace_digest *digest,
                         bool *first)
{
    sha256(stream, "all", digest->all, first);
    sha256(stream, "behaviour", digest->behaviour, first);
    sha256(stream, "schedule", digest->schedule, first);
    sha256(stream, "network", digest->network, first);
}

static void write_footer(struct ttb__stream *stream, const struct ttb_trace_footer *footer)
{
    bool first = true;

    ttb__stream_char(stream, '{');
    ttb__json_number(stream, "end_ns", footer->end_ns, &first);
    ttb__json_text(stream, "ending", ttb_trace_ending_name(footer->ending), &first);
    ttb__json_text(stream, "why", footer->why, &first);
    ttb__json_number(stream, "records", footer->counts.records, &first);
    ttb__json_number(stream, "lost_records", footer->lost_records, &first);
    write_digest(stream, &footer->digest, &first);
    ttb__json_key(stream, "nodes", &first);
    ttb__stream_char(stream, '[');
    for (size_t i = 0; i < footer->node_count; i++) {
        const struct ttb_trace_node_summary *node = &footer->nodes[i];
        bool inner = true;

        ttb__stream_text(stream, i ? ",\n{" : "{");
        ttb__json_number(stream, "id", node->id, &inner);
        write_digest(stream, &node->digest, &inner);
        ttb__stream_char(stream, '}');
    }
    ttb__stream_text(stream, "]}");
}

/* --------------------------------------------------------------------------------------- flows */

static void write_flow(struct ttb__stream *stream, const struct ttb__flow *flow)
{
    const char *protocol = ttb__ip_protocol_name(flow->tuple.protocol);
    char address[INET6_ADDRSTRLEN], by_number[8];
    bool first = true;

    snprintf(by_number, sizeof(by_number), "%u", flow->tuple.protocol);
    ttb__stream_char(stream, '{');
    ttb__json_text(stream, "protocol", protocol ? protocol : by_number, &first);
    ttb__json_text(stream, "source", ttb__tuple_address(&flow->tuple, false, address), &first);
    ttb__json_text(stream, "destination", ttb__tuple_address(&flow->tuple, true, address), &first);
    ttb__json_number(stream, "source_port", flow->tuple.source_port, &first);
    ttb__json_number(stream, "destination_port", flow->tuple.destination_port, &first);
    id(stream, "from", flow->from, &first);
    id(stream, "to", flow->to, &first);
    ttb__json_number(stream, "sent_packets", flow->sent_packets, &first);
    ttb__json_number(stream, "sent_bytes", flow->sent_bytes, &first);
    ttb__json_number(stream, "arrived_packets", flow->arrived_packets, &first);
    ttb__json_number(stream, "received_packets", flow->received_packets, &first);
    ttb__json_number(stream, "received_bytes", flow->received_bytes, &first);
    ttb__json_number(stream, "first_ns", flow->first_sent_ns, &first);
    ttb__json_number(stream, "last_ns", flow->last_sent_ns, &first);
    if (flow->received_packets) {
        ttb__json_number(stream, "delay_mean_ns",
                         (uint64_t)(flow->delay_sum_ns / flow->received_packets), &first);
        ttb__json_number(stream, "delay_p50_ns", ttb__flow_quantile(flow, 500), &first);
        ttb__json_number(stream, "delay_p99_ns", ttb__flow_quantile(flow, 990), &first);
        ttb__json_number(stream, "delay_max_ns", flow->delay_max_ns, &first);
        ttb__json_number(stream, "jitter_ns", flow->jitter_16 >> 4, &first);
    }
    ttb__json_number(stream, "reordered", flow->reordered_packets, &first);
    if (flow->has_syn && !flow->has_several_syns)
        ttb__json_number(stream, "syn", flow->syn_sequence, &first);
    ttb__stream_char(stream, '}');
}

/* The largest ones first would need sorting: the page sorts. */
static void write_flows(struct ttb_export *export, const struct ttb__flows *flows)
{
    bool first = true;

    for (size_t i = 0; i < flows->count; i++) {
        if (!ttb__flow_is_wanted(export, &flows->flows[i]))
            continue;
        ttb__json_separate(&export->stream, &first);
        ttb__stream_char(&export->stream, '\n');
        write_flow(&export->stream, &flows->flows[i]);
    }
}

/* ------------------------------------------------------------------------------------ together */

static void write_reasons(struct ttb__stream *stream, const struct ttb__html *html)
{
    for (unsigned i = 0; i < html->reason_count; i++) {
        if (i)
            ttb__stream_char(stream, ',');
        if (html->reasons[i].data)
            ttb__html_json_string(stream, html->reasons[i].data, html->reasons[i].len_bytes);
        else
            ttb__stream_text(stream, "\"other\"");
    }
}

void ttb__html_write_facts(struct ttb_export *export, const struct ttb__html *html)
{
    static const char *const tables[] = {"frames", "heads", "grants", "texts", "costs", "queues"};
    struct ttb__stream *stream = &export->stream;
    struct hosts hosts = {.stream = stream, .first = true};
    bool first = true, inner = true;

    ttb__stream_text(stream, "<script type=\"application/json\" id=\"facts\">{");
    write_header(stream, export->header, &first);
    ttb__json_text(stream, "node_filter", export->opts.node, &first);
    ttb__json_text(stream, "link_filter", export->opts.link, &first);
    ttb__json_number(stream, "from_ns", export->opts.from_ns, &first);
    ttb__json_number(stream, "to_ns", export->opts.to_ns, &first);
    ttb__json_number(stream, "latest_ns", html->latest_ns, &first);
    ttb__json_text(stream, "warning", export->warning, &first);
    if (export->goes_on) {
        ttb__json_key(stream, "goes_on", &first);
        ttb__stream_text(stream, "true");
    }
    ttb__json_key(stream, "omitted", &first);
    ttb__stream_char(stream, '{');
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (html->omitted[i])
            ttb__json_number(stream, tables[i], html->omitted[i], &inner);
    }
    ttb__stream_text(stream, "},\n\"nodes\":[");
    if (export->tables)
        write_nodes(stream, export->tables);
    ttb__stream_text(stream, "],\n\"links\":[");
    if (export->tables)
        write_links(stream, export->tables);
    ttb__stream_text(stream, "],\n\"places\":[");
    if (export->tables)
        write_places(stream, export->tables);
    ttb__stream_text(stream, "],\n\"hosts\":[");
    ttb__hostnames_of_scenario(&export->header->scenario, write_host, &hosts);
    ttb__stream_text(stream, "],\n\"topology\":");
    ttb__html_write_scenario(stream, &export->header->scenario);
    ttb__stream_text(stream, ",\n\"reasons\":[");
    write_reasons(stream, html);
    ttb__stream_text(stream, "],\n\"flows\":[");
    if (export->tables)
        write_flows(export, &html->flows);
    ttb__stream_char(stream, ']');
    if (export->footer) {
        ttb__json_key(stream, "footer", &first);
        write_footer(stream, export->footer);
    }
    ttb__stream_text(stream, "}</script>\n");
}
