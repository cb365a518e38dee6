/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A report: one page that shows a run in a browser. The page is a fixed text; the trace is put into it
 * as tables (columns.h), which the page's script unpacks when it shows them. doc/report.md tells the
 * columns.
 */
#include "export/html.h"

#include <errno.h>
#include <stdlib.h>

#include "export/html_page.h"

enum table {
    FRAMES,
    HEADS,
    GRANTS,
    TEXTS,
    COSTS,
    QUEUES
};

/* What is kept of a frame: enough for all headers; more of protocols whose messages are decoded. */
#define HEAD_BYTES    128
#define MESSAGE_BYTES 512

static int html_begin(struct ttb_export *export)
{
    struct ttb__html *html = export->state;
    struct ttb_trace_bytes before, after;
    int rc;

    if (!ttb__html_page(&before, &after))
        return -EOPNOTSUPP;
    ttb__columns_begin(&html->frames, "frames", &export->stream);
    ttb__columns_begin(&html->heads, "heads", &export->stream);
    ttb__columns_begin(&html->grants, "grants", &export->stream);
    ttb__columns_begin(&html->texts, "texts", &export->stream);
    ttb__columns_begin(&html->costs, "costs", &export->stream);
    ttb__columns_begin(&html->queues, "queues", &export->stream);
    rc = ttb__flows_begin(&html->flows);
    if (!rc)
        rc = ttb__flying_new(&html->seen);
    if (!rc)
        ttb__stream_put(&export->stream, before.data, before.len_bytes);
    return rc;
}

/* True if the table takes another row; else that is counted. */
static bool has_room(struct ttb__html *html, enum table table, const struct ttb__columns *columns)
{
    bool is_text = table == TEXTS || table == COSTS;

    if (columns->all_rows < (is_text ? TTB_EXPORT_REPORT_TEXTS_MAX : TTB_EXPORT_REPORT_FRAMES_MAX))
        return true;
    html->omitted[table]++;
    return false;
}

static void add_time(struct ttb__html *html, enum table table, struct ttb__columns *columns,
                     uint64_t time_ns)
{
    /* Times may go back a little. */
    ttb__columns_signed(columns, 0, (int64_t)(time_ns - html->last_ns[table]));
    html->last_ns[table] = time_ns;
    if (time_ns > html->latest_ns)
        html->latest_ns = time_ns;
}

/* 0: none */
static uint64_t id_or_none(uint32_t id)
{
    return id == TTB_TRACE_NONE ? 0 : (uint64_t)id + 1;
}

/* -------------------------------------------------------------------------------------- frames */

static size_t head_bytes(const struct ttb_trace_frame *frame)
{
    static const uint16_t ports[] = {53, 67, 68, 546, 547, 5353};
    size_t wanted = HEAD_BYTES;
    struct ttb__tuple_info info;
    struct ttb__tuple tuple;

    if (frame->payload.len_bytes <= HEAD_BYTES)
        return frame->payload.len_bytes;
    if (ttb__tuple_of(frame->payload.data, frame->payload.len_bytes, &tuple, &info) &&
        tuple.protocol == TTB__IP_UDP) {
        for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
            if (tuple.source_port == ports[i] || tuple.destination_port == ports[i])
                wanted = MESSAGE_BYTES;
        }
    }
    return frame->payload.len_bytes < wanted ? frame->payload.len_bytes : wanted;
}

/* FNV-1a, 32 bits. */
static uint32_t hash_of(const uint8_t *data, size_t len_bytes)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len_bytes; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

/* Number of the frame's head, from 1; one that the packet had before is not stored again. 0: none. */
static uint64_t add_head(struct ttb__html *html, const struct ttb_trace_frame *frame)
{
    size_t len_bytes = head_bytes(frame);
    uint32_t hash = hash_of(frame->payload.data, len_bytes);
    struct ttb__flying *seen, evicted;

    if (!len_bytes)
        return 0;
    seen = ttb__flying_find(html->seen, frame->packet);
    if (seen && seen->flow == hash && seen->len_bytes == len_bytes)
        return seen->sequence;
    ttb__columns_number(&html->heads, 0, len_bytes);
    ttb__columns_bytes(&html->heads, 1, frame->payload.data, len_bytes);
    ttb__columns_end_row(&html->heads);
    if (frame->packet) {
        seen = ttb__flying_put(html->seen, frame->packet, &evicted);
        seen->flow = hash;
        seen->len_bytes = (uint32_t)len_bytes;
        seen->sequence = html->heads.all_rows;
    }
    return html->heads.all_rows;
}

/* Number of a reason, from 1; 0: none. */
static int find_reason(struct ttb__html *html, struct ttb_trace_bytes reason, unsigned *number)
{
    char *copy;

    *number = 0;
    if (!reason.len_bytes)
        return 0;
    for (unsigned i = 0; i < html->reason_count; i++) {
        if (html->reasons[i].len_bytes == reason.len_bytes &&
            memcmp(html->reasons[i].data, reason.data, reason.len_bytes) == 0) {
            *number = i + 1;
            return 0;
        }
    }
    if (html->reason_count + 1 >= TTB__HTML_REASONS_MAX) {
        html->reason_count = TTB__HTML_REASONS_MAX;
        *number = TTB__HTML_REASONS_MAX;
        return 0;
    }
    copy = malloc(reason.len_bytes);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, reason.data, reason.len_bytes);
    html->reasons[html->reason_count].data = copy;
    html->reasons[html->reason_count].len_bytes = reason.len_bytes;
    *number = ++html->reason_count;
    return 0;
}

static int add_frame(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb__html *html = export->state;
    struct ttb__columns *columns = &html->frames;
    uint64_t head, heads_before = html->heads.all_rows;
    uint8_t what = (uint8_t)frame->what;
    unsigned reason;
    int rc;

    rc = ttb__flows_add(&html->flows, export, tables, record);
    if (rc)
        return rc;
    /* The flows needed those that the filter leaves out, too. */
    if (record->time_ns < export->opts.from_ns ||
        (export->opts.to_ns && record->time_ns >= export->opts.to_ns) ||
        !ttb__export_wants_place(export, tables, frame->place) || !has_room(html, FRAMES, columns))
        return 0;
    rc = find_reason(html, ttb__frame_reason(frame), &reason);
    if (rc)
        return rc;
    head = add_head(html, frame);
    /* 0: none; 1: a new one; else how far back, since most are among the newest. */
    if (html->heads.all_rows != heads_before)
        head = 1;
    else if (head)
        head = html->heads.all_rows - head + 2;
    add_time(html, FRAMES, columns, record->time_ns);
    ttb__columns_bytes(columns, 1, &what, 1);
    ttb__columns_number(columns, 2, id_or_none(frame->place));
    ttb__columns_signed(columns, 3, (int64_t)(frame->packet - html->last_packet));
    ttb__columns_number(columns, 4, frame->len_bytes);
    ttb__columns_number(columns, 5, head);
    ttb__columns_number(columns, 6, reason);
    html->last_packet = frame->packet;
    ttb__columns_end_row(columns);
    return html->heads.status ? html->heads.status : columns->status;
}

/* ------------------------------------------------------------------------------- everything else */

static int add_grant(struct ttb__html *html, const struct ttb_trace_record *record)
{
    struct ttb__columns *columns = &html->grants;
    uint64_t until_ns = record->grant.until_ns;

    if (!has_room(html, GRANTS, columns))
        return 0;
    add_time(html, GRANTS, columns, record->time_ns);
    ttb__columns_number(columns, 1, id_or_none(record->node));
    ttb__columns_number(columns, 2, until_ns > record->time_ns ? until_ns - record->time_ns : 0);
    return ttb__columns_end_row(columns);
}

static void add_text(struct ttb__columns *columns, const struct ttb_trace_bytes *parts,
                     unsigned count)
{
    size_t len_bytes = count - 1;

    for (unsigned i = 0; i < count; i++)
        len_bytes += parts[i].len_bytes;
    ttb__columns_number(columns, 6, len_bytes);
    for (unsigned i = 0; i < count; i++) {
        if (i)
            ttb__columns_bytes(columns, 7, "", 1);
        ttb__columns_bytes(columns, 7, parts[i].data, parts[i].len_bytes);
    }
}

static int add_texts(struct ttb__html *html, const struct ttb_trace_record *record)
{
    struct ttb__columns *columns = &html->texts;
    struct ttb_trace_bytes parts[3] = {{.data = NULL}};
    unsigned parts_used = 1;
    uint64_t code = 0, exit_status = 0, wait_status = 0;

    if (!has_room(html, TEXTS, columns))
        return 0;
    switch (record->kind) {
    case TTB_TRACE_CONSOLE:
        parts[0] = record->console.data;
        code = record->console.line_end;
        break;
    case TTB_TRACE_STATE:
        parts[0] = record->state.why;
        code = (uint64_t)record->state.state;
        exit_status =
            record->state.has_exit_status ? (uint64_t)(record->state.exit_status & 0xff) + 1 : 0;
        wait_status =
            record->state.has_wait_status ? (uint64_t)(uint32_t)record->state.wait_status + 1 : 0;
        break;
    case TTB_TRACE_EVENT:
        parts[0] = record->event.action;
        parts[1] = record->event.target;
        parts[2] = record->event.detail;
        parts_used = 3;
        break;
    case TTB_TRACE_EXPECTATION:
        parts[0] = record->expectation.text;
        code = record->expectation.met;
        exit_status = (uint64_t)record->expectation.number + 1;
        break;
    default:
        return 0;
    }
    add_time(html, TEXTS, columns, record->time_ns);
    ttb__columns_number(columns, 1, id_or_none(record->node));
    ttb__columns_number(columns, 2, record->kind);
    ttb__columns_number(columns, 3, code);
    ttb__columns_number(columns, 4, exit_status);
    ttb__columns_number(columns, 5, wait_status);
    add_text(columns, parts, parts_used);
    return ttb__columns_end_row(columns);
}

static int add_cost(struct ttb__html *html, const struct ttb_trace_record *record)
{
    const struct ttb_trace_cost *cost = &record->cost;
    struct ttb__columns *columns = &html->costs;

    if (!has_room(html, COSTS, columns))
        return 0;
    add_time(html, COSTS, columns, record->time_ns);
    ttb__columns_number(columns, 1, id_or_none(record->node));
    ttb__columns_number(columns, 2, cost->part);
    ttb__columns_signed(columns, 3, (int64_t)(cost->at_wall_ns - html->last_cost_wall_ns));
    ttb__columns_number(columns, 4, cost->wall_ns);
    ttb__columns_number(columns, 5, cost->activations);
    ttb__columns_number(columns, 6, cost->kicks);
    ttb__columns_number(columns, 7, cost->calls);
    ttb__columns_number(columns, 8, cost->waited_ns);
    ttb__columns_number(columns, 9, cost->awaited_ns);
    html->last_cost_wall_ns = cost->at_wall_ns;
    return ttb__columns_end_row(columns);
}

static int add_queue(struct ttb__html *html, const struct ttb_trace_record *record)
{
    struct ttb__columns *columns = &html->queues;

    if (!has_room(html, QUEUES, columns))
        return 0;
    add_time(html, QUEUES, columns, record->time_ns);
    ttb__columns_number(columns, 1, id_or_none(record->queue.place));
    ttb__columns_number(columns, 2, record->queue.frames);
    return ttb__columns_end_row(columns);
}

static int html_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                       const struct ttb_trace_record *record)
{
    switch (record->kind) {
    case TTB_TRACE_FRAME:
        return add_frame(export, tables, record);
    case TTB_TRACE_GRANT:
        return add_grant(export->state, record);
    case TTB_TRACE_COST:
        return add_cost(export->state, record);
    case TTB_TRACE_QUEUE:
        return add_queue(export->state, record);
    default:
        return add_texts(export->state, record);
    }
}

static int html_end(struct ttb_export *export)
{
    struct ttb__html *html = export->state;
    struct ttb__columns *all[] = {&html->frames, &html->heads, &html->grants,
                                  &html->texts,  &html->costs, &html->queues};
    struct ttb_trace_bytes before, after;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int rc = ttb__columns_flush(all[i]);

        if (rc)
            return rc;
        export->is_partial |= html->omitted[i] != 0;
    }
    ttb__html_write_facts(export, html);
    ttb__html_page(&before, &after);
    ttb__stream_put(&export->stream, after.data, after.len_bytes);
    return 0;
}

static void html_clear(struct ttb_export *export)
{
    struct ttb__html *html = export->state;

    ttb__columns_clear(&html->frames);
    ttb__columns_clear(&html->heads);
    ttb__columns_clear(&html->grants);
    ttb__columns_clear(&html->texts);
    ttb__columns_clear(&html->costs);
    ttb__columns_clear(&html->queues);
    ttb__flows_clear(&html->flows);
    ttb__flying_free(html->seen);
    for (unsigned i = 0; i < html->reason_count; i++)
        free((void *)html->reasons[i].data);
}

const struct ttb__format ttb__format_html = {
    .state_bytes = sizeof(struct ttb__html),
    .whole = true,
    .costs = true,
    .begin = html_begin,
    .record = html_record,
    .end = html_end,
    .clear = html_clear,
};
