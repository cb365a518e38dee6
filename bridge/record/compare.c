/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two runs, record by record: one read from a trace, the other from a trace or as it happens.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/internal.h"

#define CONTEXT_DEFAULT 5
#define CONTEXT_MAX     100

/* Enough of a frame or a line to describe it. */
#define KEPT_BYTES 512

/* Longest line about a record. */
#define LINE_BYTES 1024

/* A record that outlives its call. */
struct kept {
    struct ttb_trace_record record;
    uint8_t data[KEPT_BYTES];
};

struct ttb_trace_compare {
    struct ttb_trace_reader *expected;
    struct ttb_trace_compare_opts opts;
    struct kept *ring; /* of `context` equal records */
    uint64_t compared;
    int result;
    bool different;
    struct ttb_trace_difference difference;
    char expected_line[LINE_BYTES], actual_line[LINE_BYTES];
    char summary[2 * LINE_BYTES];
    const char **before;
    char *before_text;
    struct ttb__error error;
};

/* ---------------------------------------------------------------------------------- new, free */

int ttb_trace_compare_new(struct ttb_trace_reader *expected,
                          const struct ttb_trace_compare_opts *opts,
                          struct ttb_trace_compare **made)
{
    struct ttb_trace_compare *compare;

    *made = NULL;
    if (opts && (opts->size < sizeof(*opts) || opts->context > CONTEXT_MAX))
        return -EINVAL;
    compare = calloc(1, sizeof(*compare));
    if (!compare)
        return -ENOMEM;
    compare->expected = expected;
    if (opts)
        compare->opts = *opts;
    if (!compare->opts.context)
        compare->opts.context = CONTEXT_DEFAULT;
    compare->ring = calloc(compare->opts.context, sizeof(*compare->ring));
    compare->before = calloc(compare->opts.context, sizeof(*compare->before));
    compare->before_text = malloc(compare->opts.context * (size_t)LINE_BYTES);
    if (!compare->ring || !compare->before || !compare->before_text) {
        ttb_trace_compare_free(compare);
        return -ENOMEM;
    }
    *made = compare;
    return 0;
}

void ttb_trace_compare_free(struct ttb_trace_compare *compare)
{
    if (!compare)
        return;
    free(compare->ring);
    free(compare->before);
    free(compare->before_text);
    free(compare);
}

/* ------------------------------------------------------------------------------------- context */

static void keep_bytes(struct kept *kept, struct ttb_trace_bytes *bytes)
{
    if (bytes->len_bytes > KEPT_BYTES)
        bytes->len_bytes = KEPT_BYTES;
    if (bytes->len_bytes)
        memcpy(kept->data, bytes->data, bytes->len_bytes);
    bytes->data = kept->data;
}

/* Of several texts, the first that matters is kept. */
static void keep(struct kept *kept, const struct ttb_trace_record *record)
{
    const struct ttb_trace_bytes none = {0};

    kept->record = *record;
    switch (record->kind) {
    case TTB_TRACE_FRAME:
        keep_bytes(kept, &kept->record.frame.payload);
        kept->record.frame.reason = none;
        break;
    case TTB_TRACE_CONSOLE:
        keep_bytes(kept, &kept->record.console.data);
        break;
    case TTB_TRACE_STATE:
        keep_bytes(kept, &kept->record.state.why);
        break;
    case TTB_TRACE_EVENT:
        keep_bytes(kept, &kept->record.event.action);
        kept->record.event.target = none;
        kept->record.event.detail = none;
        break;
    default:
        break;
    }
}

static void describe_before(struct ttb_trace_compare *compare,
                            const struct ttb_trace_tables *tables)
{
    unsigned context = compare->opts.context;
    size_t count = compare->compared < context ? (size_t)compare->compared : context;

    for (size_t i = 0; i < count; i++) {
        const struct kept *kept = &compare->ring[(compare->compared - count + i) % context];
        char *line = compare->before_text + i * LINE_BYTES;

        ttb_trace_describe(tables, &kept->record, line, LINE_BYTES);
        compare->before[i] = line;
    }
    compare->difference.before = compare->before;
    compare->difference.before_count = count;
}

/* ---------------------------------------------------------------------------------- comparison */

static bool same_bytes(const struct ttb_trace_bytes *a, const struct ttb_trace_bytes *b)
{
    return a->len_bytes == b->len_bytes &&
           (!a->len_bytes || memcmp(a->data, b->data, a->len_bytes) == 0);
}

static void say_numbers(struct ttb__trace_text *text, const char *field, int64_t expected,
                        int64_t actual)
{
    ttb__trace_text_add(text, "%s: expected %" PRId64 ", found %" PRId64, field, expected, actual);
}

static void say_times(struct ttb__trace_text *text, uint64_t expected, uint64_t actual)
{
    ttb__trace_text_add(
        text, "time: expected %" PRIu64 ".%09" PRIu64 " s, found %" PRIu64 ".%09" PRIu64 " s",
        expected / 1000000000, expected % 1000000000, actual / 1000000000, actual % 1000000000);
}

/* Where two texts differ, and how they go on there. */
static void say_bytes(struct ttb__trace_text *text, const char *field,
                      const struct ttb_trace_bytes *expected, const struct ttb_trace_bytes *actual)
{
    size_t shorter =
        expected->len_bytes < actual->len_bytes ? expected->len_bytes : actual->len_bytes;
    size_t at = 0, show = 40;
    const uint8_t *a = expected->data, *b = actual->data;

    while (at < shorter && a[at] == b[at])
        at++;
    ttb__trace_text_add(text, "%s: from byte %zu on, expected \"", field, at);
    if (at < expected->len_bytes)
        ttb__trace_text_add_bytes(
            text, a + at, expected->len_bytes - at < show ? expected->len_bytes - at : show);
    ttb__trace_text_add(text, "\", found \"");
    if (at < actual->len_bytes)
        ttb__trace_text_add_bytes(text, b + at,
                                  actual->len_bytes - at < show ? actual->len_bytes - at : show);
    ttb__trace_text_add(text, "\"");
}

static const char *place_name(const struct ttb_trace_tables *tables, uint32_t id)
{
    const struct ttb_trace_place *place = tables ? ttb_trace_find_place(tables, id) : NULL;

    return place ? place->name : "";
}

/* A sentence on the first field that differs, and its name; NULL if none does. */
static const char *frame_difference(const struct ttb_trace_tables *tables_a,
                                    const struct ttb_trace_frame *a,
                                    const struct ttb_trace_tables *tables_b,
                                    const struct ttb_trace_frame *b, struct ttb__trace_text *text)
{
    const char *place_a = place_name(tables_a, a->place), *place_b = place_name(tables_b, b->place);

    if (a->what != b->what) {
        ttb__trace_text_add(text, "what: expected %s, found %s", ttb_trace_what_name(a->what),
                            ttb_trace_what_name(b->what));
        return "what";
    }
    if (strcmp(place_a, place_b) != 0) {
        ttb__trace_text_add(text, "place: expected ");
        ttb__trace_text_add_bytes(text, place_a, strlen(place_a));
        ttb__trace_text_add(text, ", found ");
        ttb__trace_text_add_bytes(text, place_b, strlen(place_b));
        return "place";
    }
    if (a->len_bytes != b->len_bytes) {
        say_numbers(text, "length", a->len_bytes, b->len_bytes);
        return "length";
    }
    if (!same_bytes(&a->payload, &b->payload)) {
        say_bytes(text, "payload", &a->payload, &b->payload);
        return "payload";
    }
    if (a->port_reason != b->port_reason) {
        ttb__trace_text_add(text, "reason: expected %s, found %s", ttb_drop_name(a->port_reason),
                            ttb_drop_name(b->port_reason));
        return "reason";
    }
    if (ttb__is_internal(a) && !same_bytes(&a->reason, &b->reason)) {
        say_bytes(text, "reason", &a->reason, &b->reason);
        return "reason";
    }
    return NULL;
}

static const char *state_difference(const struct ttb_trace_state *a,
                                    const struct ttb_trace_state *b, struct ttb__trace_text *text)
{
    int wait_a = a->has_wait_status ? a->wait_status : -1;
    int wait_b = b->has_wait_status ? b->wait_status : -1;
    int exit_a = a->has_exit_status ? a->exit_status : -1;
    int exit_b = b->has_exit_status ? b->exit_status : -1;

    if (a->state != b->state) {
        ttb__trace_text_add(text, "state: expected %s, found %s", ttb_node_state_name(a->state),
                            ttb_node_state_name(b->state));
        return "state";
    }
    if (exit_a != exit_b || a->has_exit_status != b->has_exit_status) {
        say_numbers(text, "exit status (-1: none)", exit_a, exit_b);
        return "exit status";
    }
    if (wait_a != wait_b || a->has_wait_status != b->has_wait_status) {
        say_numbers(text, "wait status (-1: none)", wait_a, wait_b);
        return "wait status";
    }
    return NULL;
}

static const char *event_difference(const struct ttb_trace_event *a,
                                    const struct ttb_trace_event *b, struct ttb__trace_text *text)
{
    if (!same_bytes(&a->action, &b->action)) {
        say_bytes(text, "action", &a->action, &b->action);
        return "action";
    }
    if (!same_bytes(&a->target, &b->target)) {
        say_bytes(text, "target", &a->target, &b->target);
        return "target";
    }
    if (!same_bytes(&a->detail, &b->detail)) {
        say_bytes(text, "detail", &a->detail, &b->detail);
        return "detail";
    }
    return NULL;
}

/* What is of one kind, from one node, is looked at for its content first: a frame that is another one
 * says more than that it came at another time. */
static const char *find_difference(const struct ttb_trace_compare *compare,
                                   const struct ttb_trace_tables *tables_a,
                                   const struct ttb_trace_record *a,
                                   const struct ttb_trace_tables *tables_b,
                                   const struct ttb_trace_record *b, struct ttb__trace_text *text)
{
    const char *field = NULL;

    if (a->kind != b->kind) {
        ttb__trace_text_add(text, "kind: expected a %s, found a %s", ttb_trace_kind_name(a->kind),
                            ttb_trace_kind_name(b->kind));
        return "kind";
    }
    if (a->node != b->node) {
        say_numbers(text, "node (-1: none)", (int32_t)a->node, (int32_t)b->node);
        return "node";
    }
    switch (a->kind) {
    case TTB_TRACE_FRAME:
        field = frame_difference(tables_a, &a->frame, tables_b, &b->frame, text);
        break;
    case TTB_TRACE_CONSOLE:
        if (!same_bytes(&a->console.data, &b->console.data) ||
            a->console.line_end != b->console.line_end) {
            say_bytes(text, "console", &a->console.data, &b->console.data);
            field = "console";
        }
        break;
    case TTB_TRACE_STATE:
        field = state_difference(&a->state, &b->state, text);
        break;
    case TTB_TRACE_EVENT:
        field = event_difference(&a->event, &b->event, text);
        break;
    default:
        break;
    }
    if (!field && !compare->opts.without_times && a->time_ns != b->time_ns) {
        say_times(text, a->time_ns, b->time_ns);
        field = "time";
    }
    return field;
}

/* -------------------------------------------------------------------------------------- feeding */

static bool is_compared(const struct ttb_trace_compare *compare,
                        const struct ttb_trace_record *record)
{
    if (compare->opts.one_node && record->node != compare->opts.only_node)
        return false;
    if (compare->opts.kinds && !(compare->opts.kinds >> record->kind & 1))
        return false;
    switch (record->kind) {
    case TTB_TRACE_GRANT:
        return !compare->opts.without_schedule;
    case TTB_TRACE_FRAME:
        return !(compare->opts.without_network && ttb__is_internal(&record->frame));
    case TTB_TRACE_CONSOLE:
    case TTB_TRACE_STATE:
    case TTB_TRACE_EVENT:
        return true;
    default:
        return false;
    }
}

/* @return as ttb_trace_reader_next() */
static int next_expected(struct ttb_trace_compare *compare, struct ttb_trace_record *record)
{
    int rc;

    do
        rc = ttb_trace_reader_next(compare->expected, record);
    while (rc > 0 && !is_compared(compare, record));
    return rc;
}

static int say_difference(struct ttb_trace_compare *compare, const char *field,
                          const struct ttb_trace_record *expected,
                          const struct ttb_trace_tables *tables,
                          const struct ttb_trace_record *actual)
{
    struct ttb_trace_difference *difference = &compare->difference;

    difference->field = field;
    difference->summary = compare->summary;
    difference->compared = compare->compared;
    difference->time_ns = UINT64_MAX;
    if (expected) {
        ttb_trace_describe(ttb_trace_reader_tables(compare->expected), expected,
                           compare->expected_line, sizeof(compare->expected_line));
        difference->expected = compare->expected_line;
        difference->expected_number = expected->number;
        difference->time_ns = expected->time_ns;
    }
    if (actual) {
        ttb_trace_describe(tables, actual, compare->actual_line, sizeof(compare->actual_line));
        difference->actual = compare->actual_line;
        difference->actual_number = actual->number;
        if (actual->time_ns < difference->time_ns)
            difference->time_ns = actual->time_ns;
    }
    describe_before(compare, tables ? tables : ttb_trace_reader_tables(compare->expected));
    compare->different = true;
    compare->result = 1;
    return 1;
}

/* What it means that the expected trace has no more records. */
static int expected_ended(struct ttb_trace_compare *compare, int rc)
{
    if (rc == 0 && ttb_trace_reader_end(compare->expected, NULL) == TTB_TRACE_TRUNCATED)
        rc = -ENODATA;
    if (rc < 0) {
        compare->result = rc;
        ttb__fail(&compare->error, rc, "%s", ttb_trace_reader_error(compare->expected));
    }
    return rc;
}

int ttb_trace_compare_feed(struct ttb_trace_compare *compare, const struct ttb_trace_tables *tables,
                           const struct ttb_trace_record *record)
{
    struct ttb__trace_text text = {.at = compare->summary, .room_bytes = sizeof(compare->summary)};
    struct ttb_trace_record expected;
    const char *field;
    int rc;

    if (compare->result)
        return compare->result;
    if (!is_compared(compare, record))
        return 0;
    rc = next_expected(compare, &expected);
    if (rc <= 0) {
        rc = expected_ended(compare, rc);
        if (rc)
            return rc;
        ttb__trace_text_add(&text, "end: the expected run has ended, this one goes on");
        return say_difference(compare, "end", NULL, tables, record);
    }
    field = find_difference(compare, ttb_trace_reader_tables(compare->expected), &expected, tables,
                            record, &text);
    if (field)
        return say_difference(compare, field, &expected, tables, record);
    keep(&compare->ring[compare->compared++ % compare->opts.context], record);
    return 0;
}

static int finish(struct ttb_trace_compare *compare, bool stopped, uint64_t time_ns)
{
    struct ttb__trace_text text = {.at = compare->summary, .room_bytes = sizeof(compare->summary)};
    struct ttb_trace_record expected;
    int rc;

    if (compare->result)
        return compare->result;
    do
        rc = next_expected(compare, &expected);
    while (rc > 0 && stopped && expected.kind == TTB_TRACE_CONSOLE);
    if (rc <= 0)
        return expected_ended(compare, rc);
    if (stopped && expected.time_ns >= time_ns)
        return 0;
    ttb__trace_text_add(&text, "end: this run has ended, the expected one goes on");
    return say_difference(compare, "end", &expected, NULL, NULL);
}

int ttb_trace_compare_finish(struct ttb_trace_compare *compare)
{
    return finish(compare, false, 0);
}

int ttb_trace_compare_finish_at(struct ttb_trace_compare *compare, uint64_t time_ns)
{
    return finish(compare, true, time_ns);
}

void ttb_trace_compare_sink(void *user, const struct ttb_trace_tables *tables,
                            const struct ttb_trace_record *record)
{
    ttb_trace_compare_feed(user, tables, record);
}

int ttb_trace_compare_result(const struct ttb_trace_compare *compare)
{
    return compare->result;
}

const struct ttb_trace_difference *ttb_trace_compare_difference(
    const struct ttb_trace_compare *compare)
{
    return compare->different ? &compare->difference : NULL;
}

const char *ttb_trace_compare_error(const struct ttb_trace_compare *compare)
{
    return compare->error.text;
}

int ttb_trace_diff(struct ttb_trace_reader *expected, struct ttb_trace_reader *actual,
                   const struct ttb_trace_compare_opts *opts, struct ttb_trace_compare **made)
{
    struct ttb_trace_compare *compare;
    struct ttb_trace_record record;
    int rc = ttb_trace_compare_new(expected, opts, made);

    if (rc)
        return rc;
    compare = *made;
    while ((rc = ttb_trace_reader_next(actual, &record)) > 0) {
        rc = ttb_trace_compare_feed(compare, ttb_trace_reader_tables(actual), &record);
        if (rc)
            return rc;
    }
    if (rc == 0 && ttb_trace_reader_end(actual, NULL) == TTB_TRACE_TRUNCATED)
        rc = -ENODATA;
    if (rc < 0) {
        compare->result = rc;
        return ttb__fail(&compare->error, rc, "%s", ttb_trace_reader_error(actual));
    }
    return ttb_trace_compare_finish(compare);
}
