/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CSV (RFC 4180 but for the ends of lines, which are a mere LF) and JSON lines. Both are made by one
 * description of each table, so that they have the same columns; the head of a CSV is the same
 * description of an empty record.
 */
#include "export/internal.h"

#include <stdio.h>

#include "export/text.h"
#include "export/tuple.h"

enum mode {
    CSV_HEAD,
    CSV_ROW,
    JSON_ROW,
};

struct row {
    struct ttb__stream *stream;
    enum mode mode;
    bool begun;
};

/* ------------------------------------------------------------------------------------- columns */

/* Separator and name. @return true if the value is to follow */
static bool begin_column(struct row *row, const char *name, bool is_there)
{
    if (row->mode == JSON_ROW && !is_there)
        return false;
    if (row->begun)
        ttb__stream_char(row->stream, ',');
    row->begun = true;
    if (row->mode == CSV_HEAD) {
        ttb__stream_text(row->stream, name);
    } else if (row->mode == JSON_ROW) {
        ttb__stream_char(row->stream, '"');
        ttb__stream_text(row->stream, name);
        ttb__stream_text(row->stream, "\":");
    }
    return is_there && row->mode != CSV_HEAD;
}

static void number(struct row *row, const char *name, bool is_there, uint64_t value)
{
    if (begin_column(row, name, is_there))
        ttb__stream_number(row->stream, value);
}

static void truth(struct row *row, const char *name, bool value)
{
    if (begin_column(row, name, true))
        ttb__stream_text(row->stream, value ? "true" : "false");
}

static void bytes(struct row *row, const char *name, bool is_there, struct ttb_trace_bytes value)
{
    if (!begin_column(row, name, is_there))
        return;
    if (row->mode == JSON_ROW)
        ttb__json_string(row->stream, value.data, value.len_bytes);
    else
        ttb__csv_field(row->stream, value.data, value.len_bytes);
}

static void text(struct row *row, const char *name, const char *value)
{
    bytes(row, name, value != NULL,
          (struct ttb_trace_bytes){.data = value, .len_bytes = value ? strlen(value) : 0});
}

static void hex(struct row *row, const char *name, bool is_there, struct ttb_trace_bytes value)
{
    if (!begin_column(row, name, is_there))
        return;
    if (row->mode == JSON_ROW)
        ttb__stream_char(row->stream, '"');
    ttb__stream_hex(row->stream, value.data, value.len_bytes);
    if (row->mode == JSON_ROW)
        ttb__stream_char(row->stream, '"');
}

/* -------------------------------------------------------------------------------------- tables */

static void address_columns(struct row *row, const struct ttb_trace_frame *frame)
{
    struct ttb__tuple tuple;
    struct ttb__tuple_info info;
    bool is_ip = ttb__tuple_of(frame->payload.data, frame->payload.len_bytes, &tuple, &info);
    char address[INET6_ADDRSTRLEN], protocol[8];
    const char *name = ttb__ip_protocol_name(tuple.protocol);

    snprintf(protocol, sizeof(protocol), "%u", tuple.protocol);
    text(row, "source", is_ip ? ttb__tuple_address(&tuple, false, address) : NULL);
    text(row, "destination", is_ip ? ttb__tuple_address(&tuple, true, address) : NULL);
    text(row, "protocol", is_ip ? (name ? name : protocol) : NULL);
    number(row, "source_port", info.has_ports, tuple.source_port);
    number(row, "destination_port", info.has_ports, tuple.destination_port);
}

static void place_columns(struct row *row, const struct ttb_trace_tables *tables, uint32_t id)
{
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, id);
    const struct ttb_trace_link *link =
        place && place->link != TTB_TRACE_NONE ? ttb_trace_find_link(tables, place->link) : NULL;
    char name[512];

    ttb__place_name(tables, id, name, sizeof(name));
    text(row, "place", name);
    text(row, "link", link ? link->name : NULL);
}

static void frame_columns(struct row *row, const struct ttb_export *export,
                          const struct ttb_trace_tables *tables,
                          const struct ttb_trace_frame *frame)
{
    struct ttb_trace_bytes reason = ttb__frame_reason(frame);
    char description[256];

    ttb_trace_describe_frame(frame->payload.data, frame->payload.len_bytes, frame->len_bytes,
                             description, sizeof(description));
    place_columns(row, tables, frame->place);
    text(row, "what", ttb_trace_what_name(frame->what));
    number(row, "packet", frame->packet != 0, frame->packet);
    number(row, "len_bytes", true, frame->len_bytes);
    bytes(row, "reason", reason.len_bytes != 0, reason);
    address_columns(row, frame);
    text(row, "description", description);
    if (export->opts.payload)
        hex(row, "payload", true, frame->payload);
}

static void console_columns(struct row *row, const struct ttb_trace_console *console)
{
    truth(row, "line_end", console->line_end);
    bytes(row, "text", true, console->data);
    /* JSON knows no bytes. */
    if (row->mode == JSON_ROW && !ttb__is_utf8(console->data.data, console->data.len_bytes))
        hex(row, "text_hex", true, console->data);
}

static void state_columns(struct row *row, const struct ttb_trace_state *state)
{
    text(row, "state", ttb_node_state_name(state->state));
    number(row, "wait_status", state->has_wait_status && state->wait_status >= 0,
           (uint64_t)state->wait_status);
    number(row, "exit_status", state->has_exit_status && state->exit_status >= 0,
           (uint64_t)state->exit_status);
    bytes(row, "why", state->why.len_bytes != 0, state->why);
}

static void record_columns(struct row *row, const struct ttb_export *export,
                           const struct ttb_trace_tables *tables,
                           const struct ttb_trace_record *record)
{
    const struct ttb_trace_node *node =
        record->node != TTB_TRACE_NONE ? ttb_trace_find_node(tables, record->node) : NULL;

    if (row->mode == JSON_ROW)
        text(row, "table", ttb_export_table_name(ttb__table_of(record->kind)));
    number(row, "record", true, record->number);
    number(row, "time_ns", true, record->time_ns);
    text(row, "node", node ? node->name : NULL);
    switch (record->kind) {
    case TTB_TRACE_FRAME:
        frame_columns(row, export, tables, &record->frame);
        break;
    case TTB_TRACE_GRANT:
        number(row, "until_ns", record->grant.until_ns != 0, record->grant.until_ns);
        break;
    case TTB_TRACE_CONSOLE:
        console_columns(row, &record->console);
        break;
    case TTB_TRACE_STATE:
        state_columns(row, &record->state);
        break;
    case TTB_TRACE_EVENT:
        bytes(row, "action", true, record->event.action);
        bytes(row, "target", record->event.target.len_bytes != 0, record->event.target);
        bytes(row, "detail", record->event.detail.len_bytes != 0, record->event.detail);
        break;
    case TTB_TRACE_EXPECTATION:
        number(row, "number", true, record->expectation.number);
        truth(row, "met", record->expectation.met);
        bytes(row, "text", true, record->expectation.text);
        break;
    case TTB_TRACE_QUEUE:
        place_columns(row, tables, record->queue.place);
        number(row, "frames", true, record->queue.frames);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------------------------- formats */

static int csv_begin(struct ttb_export *export)
{
    static const enum ttb_trace_kind kinds[] = {
        [TTB_EXPORT_FRAMES] = TTB_TRACE_FRAME,    [TTB_EXPORT_GRANTS] = TTB_TRACE_GRANT,
        [TTB_EXPORT_CONSOLE] = TTB_TRACE_CONSOLE, [TTB_EXPORT_STATES] = TTB_TRACE_STATE,
        [TTB_EXPORT_EVENTS] = TTB_TRACE_EVENT,    [TTB_EXPORT_EXPECTATIONS] = TTB_TRACE_EXPECTATION,
        [TTB_EXPORT_QUEUES] = TTB_TRACE_QUEUE,
    };
    const struct ttb_trace_tables none = {.nodes = NULL};
    struct row row = {.stream = &export->stream, .mode = CSV_HEAD};
    struct ttb_trace_record record = {.node = TTB_TRACE_NONE};

    if (!export->opts.table)
        export->opts.table = TTB_EXPORT_FRAMES;
    record.kind = kinds[export->opts.table];
    if (record.kind == TTB_TRACE_FRAME)
        record.frame.place = TTB_TRACE_NONE;
    record_columns(&row, export, &none, &record);
    ttb__stream_char(&export->stream, '\n');
    return 0;
}

static int csv_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                      const struct ttb_trace_record *record)
{
    struct row row = {.stream = &export->stream, .mode = CSV_ROW};

    if (!ttb__wants_table(export, record->kind))
        return 0;
    record_columns(&row, export, tables, record);
    ttb__stream_char(&export->stream, '\n');
    return 0;
}

static int jsonl_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    struct row row = {.stream = &export->stream, .mode = JSON_ROW};

    if (!ttb__wants_table(export, record->kind))
        return 0;
    ttb__stream_char(&export->stream, '{');
    record_columns(&row, export, tables, record);
    ttb__stream_text(&export->stream, "}\n");
    return 0;
}

const struct ttb__format ttb__format_csv = {
    .state_bytes = 1,
    .begin = csv_begin,
    .record = csv_record,
};

const struct ttb__format ttb__format_jsonl = {
    .state_bytes = 1,
    .record = jsonl_record,
};
