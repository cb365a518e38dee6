/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer: numbers records, gives frames their packet ids, and hands each record to the digest, the
 * file and the sink, in that order.
 */
#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record/host.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* ---------------------------------------------------------------------------------- open, free */

static void writer_free(struct ttb_trace_writer *writer)
{
    ttb__trace_header_free(&writer->header);
    ttb__trace_tables_free(&writer->tables);
    ttb__trace_digest_free(writer->digest);
    ttb__trace_packets_free(writer->packets);
    free(writer->nodes);
    free(writer->ports);
    free(writer);
}

/* The caller's header, completed by what this library and this machine know. */
static int make_header(struct ttb_trace_writer *writer, const struct ttb_trace_header *given)
{
    struct ttb_trace_header view = *given;
    const char **components;
    struct ttb__host host;
    int rc;

    ttb__trace_host_read(&host);
    components = calloc(given->component_count + 1, sizeof(*components));
    if (!components)
        return -ENOMEM;
    for (size_t i = 0; i < given->component_count; i++)
        components[i] = given->components[i];
    components[given->component_count] = host.zstd;
    view.components = components;
    view.component_count = given->component_count + 1;
    if (!view.ttb_version)
        view.ttb_version = ttb__trace_version();
    if (!view.cpu_model) {
        view.cpu_model = host.cpu_model;
        view.cpu_flags = host.cpu_flags;
        view.cpu_flag_count = host.cpu_flag_count;
    }
    if (!view.host_kernel)
        view.host_kernel = host.kernel;
    view.started_wall_ns = clock_ns(CLOCK_REALTIME);
    rc = ttb__trace_header_copy(&writer->header, &view);
    writer->tables.artifact_count = given->artifact_count;
    free(components);
    return rc;
}

static int open_files(struct ttb_trace_writer *writer, const struct ttb_trace_writer_opts *opts,
                      struct ttb__error *error)
{
    int level = opts->level ? opts->level : 1;
    int fd = open(opts->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0) {
        rc = -errno;
        return ttb__fail(error, rc, "run directory %s: %s", opts->directory, strerror(-rc));
    }
    rc = ttb__trace_out_open(fd, opts->directory, TTB_TRACE_RUN_FILE, level, &writer->run, error);
    if (!rc)
        rc = ttb__trace_out_open(fd, opts->directory, TTB_TRACE_WALL_FILE, level, &writer->wall,
                                 error);
    close(fd);
    return rc;
}

int ttb_trace_writer_open(const struct ttb_trace_writer_opts *opts, struct ttb_trace_writer **made,
                          char *error_text, size_t error_size)
{
    struct ttb__error error = {{0}};
    struct ttb_trace_writer *writer = NULL;
    int rc;

    *made = NULL;
    if (!opts || opts->size < sizeof(*opts) || !opts->header || opts->level < 0 ||
        opts->level > 19) {
        rc = ttb__fail(&error, -EINVAL, "trace: options: size, header or level is wrong");
        goto out;
    }
    writer = calloc(1, sizeof(*writer));
    if (!writer) {
        rc = ttb__fail(&error, -ENOMEM, "out of memory");
        goto out;
    }
    writer->failed = opts->failed;
    writer->failed_user = opts->failed_user;
    writer->started_mono_ns = clock_ns(CLOCK_MONOTONIC);
    writer->packets = ttb__trace_packets_new();
    rc = writer->packets ? make_header(writer, opts->header) : -ENOMEM;
    if (!rc)
        rc = ttb__trace_digest_new(opts->header->seed, &writer->digest);
    if (rc)
        ttb__fail(&error, rc, "trace: %s", strerror(-rc));
    else if (opts->directory)
        rc = open_files(writer, opts, &error);

out:
    if (rc) {
        if (writer) {
            ttb__trace_out_finish(writer->run, NULL, 0);
            ttb__trace_out_finish(writer->wall, NULL, 0);
            writer_free(writer);
        }
        if (error_text && error_size)
            snprintf(error_text, error_size, "%s", error.text);
        return rc;
    }
    *made = writer;
    return 0;
}

/* ------------------------------------------------------------------------------------- records */

/* The run goes on without its trace; whoever asked to know is told, once. */
static void tell_failure(struct ttb_trace_writer *writer, const char *why)
{
    if (writer->failed_told)
        return;
    writer->failed_told = true;
    ttb__fail(&writer->error, 0, "%s", why);
    if (writer->failed)
        writer->failed(writer->failed_user, writer->error.text);
}

static void start_output(struct ttb_trace_writer *writer, struct ttb__trace_out *output, bool wall)
{
    uint8_t *data = NULL;
    size_t len_bytes = 0;
    int rc;

    if (!output || ttb__trace_out_is_open(output))
        return;
    rc = ttb__pack_header(&writer->header.view, &writer->tables, wall, &data, &len_bytes);
    if (rc)
        tell_failure(writer, "trace: out of memory");
    else if (ttb__trace_out_start(output, data, len_bytes))
        tell_failure(writer, ttb__trace_out_error(output));
    free(data);
}

static void begin(struct ttb_trace_writer *writer)
{
    if (writer->begun)
        return;
    writer->begun = true;
    start_output(writer, writer->run, false);
    start_output(writer, writer->wall, true);
}

static bool is_declaration(enum ttb_trace_kind kind)
{
    return kind == TTB_TRACE_NODE_DECLARED || kind == TTB_TRACE_LINK_DECLARED ||
           kind == TTB_TRACE_PLACE_DECLARED;
}

static size_t encode_declaration(struct ttb_trace_writer *writer,
                                 const struct ttb_trace_record *record, uint8_t *to)
{
    uint8_t *data = NULL;
    size_t len_bytes = 0;

    if (ttb__pack_declaration(record, &data, &len_bytes)) {
        tell_failure(writer, "trace: out of memory");
        return 0;
    }
    /* Names are bounded when they are added. */
    if (len_bytes > TTB__RECORD_MAX)
        len_bytes = 0;
    memcpy(to, data, len_bytes);
    free(data);
    return len_bytes;
}

/* @return true if the block being collected holds the frame's payload already */
static bool identify(struct ttb_trace_writer *writer, struct ttb_trace_frame *frame)
{
    const uint8_t *base = NULL;
    uint64_t block = writer->run ? ttb__trace_out_block(writer->run, &base) : 0;

    return ttb__trace_packets_identify(writer->packets, frame, block, base);
}

static void put_to_file(struct ttb_trace_writer *writer, struct ttb_trace_record *record,
                        bool with_payload)
{
    struct ttb__trace_out *output = record->kind == TTB_TRACE_COST ? writer->wall : writer->run;
    const uint8_t *base = NULL;
    uint64_t block = output ? ttb__trace_out_block(output, &base) : 0;
    size_t len_bytes, payload_offset = 0;
    uint8_t *to;

    if (!output)
        return;
    to = ttb__trace_out_reserve(output);
    if (!to) {
        writer->lost_records += output == writer->run;
        return;
    }
    if (is_declaration(record->kind))
        len_bytes = encode_declaration(writer, record, to);
    else
        len_bytes = ttb__encode_record(record, with_payload, to, &payload_offset);
    if (payload_offset)
        ttb__trace_packets_note_payload(writer->packets, block,
                                        (size_t)(to - base) + payload_offset,
                                        record->frame.payload.len_bytes);
    if (len_bytes && ttb__trace_out_commit(output, len_bytes, record->time_ns))
        tell_failure(writer, ttb__trace_out_error(output));
}

void ttb__writer_put(struct ttb_trace_writer *writer, struct ttb_trace_record *record)
{
    bool is_frame = record->kind == TTB_TRACE_FRAME, is_there = false;
    const struct ttb_trace_place *place = NULL;

    begin(writer);
    if (record->kind == TTB_TRACE_COST) {
        put_to_file(writer, record, false);
        return;
    }
    record->number = writer->number++;
    if (record->time_ns > writer->latest_ns)
        writer->latest_ns = record->time_ns;
    if (is_frame) {
        place = ttb_trace_find_place(&writer->tables.view, record->frame.place);
        is_there = identify(writer, &record->frame);
    }
    if (ttb__trace_digest_add(writer->digest, record, place, is_frame ? writer->packets : NULL))
        tell_failure(writer, "trace: out of memory; its digests are wrong");
    put_to_file(writer, record, !is_there);
    if (writer->sink)
        writer->sink(writer->sink_user, &writer->tables.view, record);
}

static void cut(struct ttb_trace_bytes *text)
{
    if (text->len_bytes > TTB_TRACE_TEXT_MAX)
        text->len_bytes = TTB_TRACE_TEXT_MAX;
}

static void put_console(struct ttb_trace_writer *writer, const struct ttb_trace_record *record)
{
    struct ttb_trace_bytes left = record->console.data;
    struct ttb_trace_record part;

    do {
        part = *record;
        part.console.data = left;
        if (left.len_bytes > TTB_TRACE_CONSOLE_MAX) {
            part.console.data.len_bytes = TTB_TRACE_CONSOLE_MAX;
            part.console.line_end = false;
        }
        left.data = (const char *)left.data + part.console.data.len_bytes;
        left.len_bytes -= part.console.data.len_bytes;
        ttb__writer_put(writer, &part);
    } while (left.len_bytes);
}

static int put_frame(struct ttb_trace_writer *writer, struct ttb_trace_record *record)
{
    struct ttb_trace_frame *frame = &record->frame;

    if (frame->what < TTB_TRACE_TRANSMITTED || frame->what > TTB_TRACE_LOST ||
        frame->len_bytes > TTB_FRAME_MAX || frame->payload.len_bytes > frame->len_bytes ||
        (frame->place != TTB_TRACE_NONE && frame->place >= writer->tables.view.place_count))
        return -EINVAL;
    cut(&frame->reason);
    ttb__writer_put(writer, record);
    return 0;
}

static int write_checked(struct ttb_trace_writer *writer, const struct ttb_trace_record *given)
{
    struct ttb_trace_record record = *given;

    if (record.node != TTB_TRACE_NONE && !ttb__trace_tables_node(&writer->tables, record.node))
        return -EINVAL;
    switch (record.kind) {
    case TTB_TRACE_FRAME:
        return put_frame(writer, &record);
    case TTB_TRACE_CONSOLE:
        put_console(writer, &record);
        return 0;
    case TTB_TRACE_STATE:
        cut(&record.state.why);
        break;
    case TTB_TRACE_EVENT:
        cut(&record.event.action);
        cut(&record.event.target);
        cut(&record.event.detail);
        break;
    case TTB_TRACE_EXPECTATION:
        cut(&record.expectation.text);
        break;
    case TTB_TRACE_COST:
        if (!record.cost.at_wall_ns)
            record.cost.at_wall_ns = clock_ns(CLOCK_MONOTONIC) - writer->started_mono_ns;
        break;
    case TTB_TRACE_GRANT:
        break;
    case TTB_TRACE_QUEUE:
        if (record.queue.place >= writer->tables.view.place_count)
            return -EINVAL;
        break;
    default:
        return -EINVAL;
    }
    ttb__writer_put(writer, &record);
    return 0;
}

int ttb_trace_write(struct ttb_trace_writer *writer, const struct ttb_trace_record *record)
{
    enum ttb_wall_part part;
    int rc;

    if (!writer->bridge)
        return write_checked(writer, record);
    /* The bridge does not know of this, e.g. of what the network records. */
    part = ttb_bridge_spend(writer->bridge, TTB_WALL_RECORDING);
    rc = write_checked(writer, record);
    ttb_bridge_spend(writer->bridge, part);
    return rc;
}

/* -------------------------------------------------------------------------------- declarations */

static int table_error(int rc)
{
    return rc == -EINVAL ? -ENOSPC : rc;
}

static bool is_long(const char *text)
{
    return text && strlen(text) > TTB_TRACE_TEXT_MAX;
}

int ttb__writer_declare_node(struct ttb_trace_writer *writer, const struct ttb_trace_node *node)
{
    struct ttb_trace_record record = {.kind = TTB_TRACE_NODE_DECLARED, .node = TTB_TRACE_NONE};
    int rc = ttb__trace_tables_set_node(&writer->tables, node);

    if (rc)
        return table_error(rc);
    if (writer->begun) {
        record.time_ns = writer->latest_ns;
        record.declared_node = ttb__trace_tables_node(&writer->tables, node->id);
        ttb__writer_put(writer, &record);
    }
    return 0;
}

int ttb_trace_writer_add_node(struct ttb_trace_writer *writer, const struct ttb_trace_node *node)
{
    size_t artifacts = writer->tables.artifact_count;

    if (node->id == TTB_TRACE_NONE || is_long(node->name) ||
        (node->kernel != TTB_TRACE_NONE && node->kernel >= artifacts) ||
        (node->image != TTB_TRACE_NONE && node->image >= artifacts))
        return -EINVAL;
    if (writer->begun && ttb__trace_tables_node(&writer->tables, node->id))
        return -EEXIST;
    return ttb__writer_declare_node(writer, node);
}

int ttb_trace_writer_add_link(struct ttb_trace_writer *writer, const struct ttb_trace_link *link)
{
    struct ttb_trace_record record = {.kind = TTB_TRACE_LINK_DECLARED, .node = TTB_TRACE_NONE};
    int rc;

    if (link->id == TTB_TRACE_NONE || is_long(link->name) || is_long(link->type))
        return -EINVAL;
    if (ttb__trace_tables_link(&writer->tables, link->id))
        return -EEXIST;
    rc = ttb__trace_tables_set_link(&writer->tables, link);
    if (rc)
        return table_error(rc);
    if (writer->begun) {
        record.time_ns = writer->latest_ns;
        record.declared_link = ttb__trace_tables_link(&writer->tables, link->id);
        ttb__writer_put(writer, &record);
    }
    return 0;
}

static const struct ttb_trace_place *find_port(const struct ttb_trace_writer *writer,
                                               const struct ttb_trace_place *like)
{
    const struct ttb_trace_tables *tables = &writer->tables.view;

    if (like->kind != TTB_TRACE_PORT)
        return NULL;
    for (size_t i = 0; i < tables->place_count; i++) {
        const struct ttb_trace_place *place = &tables->places[i];

        if (place->kind == TTB_TRACE_PORT && place->node == like->node &&
            strcmp(place->name, like->name ? like->name : "") == 0)
            return place;
    }
    return NULL;
}

/* What is unknown in `place` is taken from what is known already. */
static bool merge(const struct ttb_trace_place *old, struct ttb_trace_place *place)
{
    place->id = old->id;
    if (!place->has_mac) {
        place->has_mac = old->has_mac;
        memcpy(place->mac, old->mac, sizeof(place->mac));
    }
    if (!place->mtu_bytes)
        place->mtu_bytes = old->mtu_bytes;
    if (place->link == TTB_TRACE_NONE)
        place->link = old->link;
    if (!place->speed_bps)
        place->speed_bps = old->speed_bps;
    if (!place->description)
        place->description = old->description;
    if (!place->has_way_back) {
        place->has_way_back = old->has_way_back;
        place->way_back_ns = old->way_back_ns;
        place->nearest_ns = old->nearest_ns;
    }
    place->is_control |= old->is_control;
    return place->has_mac != old->has_mac || memcmp(place->mac, old->mac, 6) != 0 ||
           place->mtu_bytes != old->mtu_bytes || place->link != old->link ||
           place->speed_bps != old->speed_bps || place->has_way_back != old->has_way_back ||
           place->way_back_ns != old->way_back_ns || place->nearest_ns != old->nearest_ns ||
           place->is_control != old->is_control ||
           strcmp(place->description ? place->description : "",
                  old->description ? old->description : "") != 0;
}

int ttb_trace_writer_add_place(struct ttb_trace_writer *writer, const struct ttb_trace_place *given,
                               uint32_t *id)
{
    struct ttb_trace_record record = {.kind = TTB_TRACE_PLACE_DECLARED, .node = TTB_TRACE_NONE};
    struct ttb_trace_place place = *given;
    const struct ttb_trace_place *old;
    bool changed = true;
    int rc;

    if (place.kind < TTB_TRACE_PORT || place.kind > TTB_TRACE_LINK_PLACE || is_long(place.name) ||
        is_long(place.description))
        return -EINVAL;
    place.id = (uint32_t)writer->tables.view.place_count;
    old = find_port(writer, &place);
    if (old)
        changed = merge(old, &place);
    if (changed) {
        rc = ttb__trace_tables_set_place(&writer->tables, &place);
        if (rc)
            return table_error(rc);
        if (writer->begun) {
            record.time_ns = writer->latest_ns;
            record.declared_place = &writer->tables.places[place.id];
            ttb__writer_put(writer, &record);
        }
    }
    if (id)
        *id = place.id;
    return 0;
}

const struct ttb_trace_header *ttb_trace_writer_header(const struct ttb_trace_writer *writer)
{
    return &writer->header.view;
}

const struct ttb_trace_tables *ttb_trace_writer_tables(const struct ttb_trace_writer *writer)
{
    return &writer->tables.view;
}

/* --------------------------------------------------------------------------------------- state */

uint64_t ttb_trace_writer_last_packet(const struct ttb_trace_writer *writer)
{
    return ttb__trace_packets_last(writer->packets);
}

uint64_t ttb_trace_writer_new_packet(struct ttb_trace_writer *writer)
{
    return ttb__trace_packets_new_id(writer->packets);
}

void ttb_trace_writer_next_packet(struct ttb_trace_writer *writer, uint64_t packet)
{
    writer->next_packet = packet;
}

void ttb_trace_writer_set_sink(struct ttb_trace_writer *writer, ttb_trace_sink_fn fn, void *user)
{
    writer->sink = fn;
    writer->sink_user = user;
}

int ttb_trace_writer_get_digest(struct ttb_trace_writer *writer, uint32_t node,
                                struct ttb_trace_digest *digest, struct ttb_trace_counts *counts)
{
    if (node != TTB_TRACE_NONE && !ttb__trace_tables_node(&writer->tables, node))
        return -ENOENT;
    return ttb__trace_digest_get(writer->digest, node, digest, counts);
}

const char *ttb_trace_writer_error(const struct ttb_trace_writer *writer)
{
    return writer->error.text;
}

/* --------------------------------------------------------------------------------------- close */

static int by_id(const void *a, const void *b)
{
    const struct ttb_trace_node_summary *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static int make_summaries(struct ttb_trace_writer *writer, struct ttb_trace_node_summary *nodes)
{
    const struct ttb_trace_tables *tables = &writer->tables.view;
    int rc = 0;

    for (size_t i = 0; !rc && i < tables->node_count; i++) {
        nodes[i].id = tables->nodes[i].id;
        ttb__trace_digest_get_state(writer->digest, nodes[i].id, &nodes[i].state,
                                    &nodes[i].state_ns);
        rc = ttb__trace_digest_get(writer->digest, nodes[i].id, &nodes[i].digest, &nodes[i].counts);
    }
    qsort(nodes, tables->node_count, sizeof(*nodes), by_id);
    return rc;
}

static int pack_footer(struct ttb_trace_writer *writer, const struct ttb_trace_end *end,
                       uint8_t **data, size_t *len_bytes)
{
    struct ttb_trace_footer footer = {
        .end_ns = end->end_ns,
        .ending = end->ending,
        .why = end->why,
        .lost_records = writer->lost_records,
        .lost_why = writer->lost_records ? writer->error.text : NULL,
        .node_count = writer->tables.view.node_count,
    };
    struct ttb_trace_node_summary *nodes = calloc(footer.node_count + 1, sizeof(*nodes));
    int rc = nodes ? make_summaries(writer, nodes) : -ENOMEM;

    footer.nodes = nodes;
    if (!rc)
        rc = ttb__trace_digest_get(writer->digest, TTB_TRACE_NONE, &footer.digest, &footer.counts);
    if (!rc)
        rc = ttb__pack_footer(&footer, &writer->tables, data, len_bytes);
    free(nodes);
    return rc;
}

static int finish(struct ttb_trace_writer *writer, const struct ttb_trace_end *end)
{
    uint8_t *footer = NULL;
    size_t len_bytes = 0;
    int rc, wall_rc;

    begin(writer);
    if (!writer->run)
        return 0;
    /* First, so that the footer can say what was lost. */
    rc = ttb__trace_out_flush(writer->run);
    if (!rc)
        rc = pack_footer(writer, end, &footer, &len_bytes);
    rc = ttb__trace_out_finish(writer->run, rc ? NULL : footer, len_bytes) ?: rc;
    free(footer);
    /* wall.ttb's footer holds how it ended only. */
    footer = NULL;
    wall_rc = pack_footer(writer, end, &footer, &len_bytes);
    wall_rc = ttb__trace_out_finish(writer->wall, wall_rc ? NULL : footer, len_bytes) ?: wall_rc;
    free(footer);
    return rc ? rc : wall_rc;
}

int ttb_trace_writer_close(struct ttb_trace_writer *writer, const struct ttb_trace_end *end)
{
    int rc = 0;

    if (!writer)
        return 0;
    ttb_trace_writer_detach(writer);
    if (end) {
        rc = finish(writer, end);
        if (!rc && writer->lost_records)
            rc = -EIO;
    } else {
        begin(writer);
        ttb__trace_out_finish(writer->run, NULL, 0);
        ttb__trace_out_finish(writer->wall, NULL, 0);
    }
    writer_free(writer);
    return rc;
}
