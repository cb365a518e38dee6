/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a human does to a node: attach a terminal, type, detach. It becomes an action like those of the
 * scenario, at a simulated time, and an event of the trace that has all of it. A replay puts in the same
 * actions from the start, so it needs no human.
 *
 * For both to be the same run, the time of an action must be one that no node has reached when it is
 * put in: until then a node's grants were bounded by what was known, in the replay they are bounded by
 * the action as well, and that makes no difference to a grant that ended before it.
 */
#include "run/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_names[TTB__INPUT_KINDS] = {
    [TTB__INPUT_ATTACH] = "console-attach",
    [TTB__INPUT_TYPED] = "console-input",
    [TTB__INPUT_RESIZE] = "console-resize",
    [TTB__INPUT_DETACH] = "console-detach",
};

uint64_t ttb__input_time_ns(const struct ttb__run *run)
{
    uint64_t time_ns = ttb__run_now_ns(run) + 1, present_ns = ttb__freeze_present_ns(run);

    if (present_ns > time_ns)
        time_ns = present_ns;

    for (size_t i = 0; i < run->node_count; i++) {
        struct ttb_node_outlook outlook = {.size = sizeof(outlook)};

        if (ttb_node_get_outlook(run->nodes[i].node, &outlook) == 0 && outlook.ran_to_ns > time_ns)
            time_ns = outlook.ran_to_ns;
    }
    return time_ns;
}

int ttb__input_add(struct ttb__run *run, const struct ttb__input *input)
{
    struct ttb__action action = {
        .time_ns = input->time_ns, .kind = TTB__ACTION_INPUT, .number = run->input_count};
    struct ttb__input **grown =
        realloc(run->inputs, (run->input_count + 1) * sizeof(struct ttb__input *));
    struct ttb__input *copy = malloc(sizeof(*copy));

    if (grown)
        run->inputs = grown;
    if (!grown || !copy) {
        free(copy);
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    }
    *copy = *input;
    run->inputs[run->input_count++] = copy;
    run->inputs_left++;
    return ttb__action_add(run, &action);
}

void ttb__input_free(struct ttb__run *run)
{
    for (size_t i = 0; i < run->input_count; i++)
        free(run->inputs[i]);
    free(run->inputs);
}

/* ----------------------------------------------------------------------------------- as events */

/* Printable, and reversible: \xNN, and \\ for a backslash. */
static void escape(const char *data, size_t len_bytes, char *text)
{
    for (size_t i = 0; i < len_bytes; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '\\')
            text += sprintf(text, "\\\\");
        else if (c < ' ' || c > '~')
            text += sprintf(text, "\\x%02x", c);
        else
            *text++ = (char)c;
    }
    *text = 0;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

static int unescape(const char *text, size_t text_bytes, char *data, size_t *len_bytes)
{
    size_t used = 0;

    for (size_t i = 0; i < text_bytes; i++) {
        if (used == TTB__INPUT_MAX)
            return -EINVAL;
        if (text[i] != '\\') {
            data[used++] = text[i];
        } else if (i + 1 < text_bytes && text[i + 1] == '\\') {
            data[used++] = '\\';
            i++;
        } else if (i + 3 < text_bytes && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
                   hex_digit(text[i + 3]) >= 0) {
            data[used++] = (char)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));
            i += 3;
        } else {
            return -EINVAL;
        }
    }
    data[used] = 0;
    *len_bytes = used;
    return 0;
}

static void record(struct ttb__run *run, const struct ttb__input *input)
{
    char detail[4 * TTB__INPUT_MAX + 1] = "";

    switch (input->kind) {
    case TTB__INPUT_ATTACH:
        snprintf(detail, sizeof(detail), "%ux%u %s", TTB__CONTROL_COLUMNS(input->size),
                 TTB__CONTROL_ROWS(input->size), input->data);
        break;
    case TTB__INPUT_RESIZE:
        snprintf(detail, sizeof(detail), "%ux%u", TTB__CONTROL_COLUMNS(input->size),
                 TTB__CONTROL_ROWS(input->size));
        break;
    case TTB__INPUT_TYPED:
        escape(input->data, input->len_bytes, detail);
        break;
    default:
        break;
    }
    ttb__run_record_event(run, event_names[input->kind], run->nodes[input->node].given->name,
                          detail);
}

int ttb__input_carry_out(struct ttb__run *run, size_t number)
{
    const struct ttb__input *input = run->inputs[number];
    struct ttb__run_node *node = &run->nodes[input->node];

    run->inputs_left--;
    record(run, input);
    switch (input->kind) {
    case TTB__INPUT_ATTACH:
        node->console_open = node->listening && !node->stopping;
        if (node->console_open)
            ttb__command_tell_data(node, TTB__CONTROL_ATTACH, input->size, input->data,
                                   input->len_bytes);
        break;
    case TTB__INPUT_TYPED:
        run->input_bytes += input->len_bytes;
        ttb__command_tell_data(node, TTB__CONTROL_INPUT, (uint32_t)input->len_bytes, input->data,
                               input->len_bytes);
        break;
    case TTB__INPUT_RESIZE:
        ttb__command_tell(node, TTB__CONTROL_RESIZE, input->size);
        break;
    default:
        node->console_open = false;
        ttb__command_tell(node, TTB__CONTROL_HANGUP, 0);
        break;
    }
    return 0;
}

/* -------------------------------------------------------------------------------- once more */

static bool is(const struct ttb_trace_bytes *bytes, const char *text)
{
    return bytes->len_bytes == strlen(text) && memcmp(bytes->data, text, bytes->len_bytes) == 0;
}

static int find_node(const struct ttb__run *run, const struct ttb_trace_bytes *name, size_t *node)
{
    for (*node = 0; *node < run->node_count; (*node)++) {
        if (is(name, run->nodes[*node].given->name))
            return 0;
    }
    return -EINVAL;
}

static int parse_detail(const struct ttb_trace_event *event, struct ttb__input *input)
{
    char text[4 * TTB__INPUT_MAX + 1];
    unsigned columns, rows;
    int end = 0;

    if (event->detail.len_bytes >= sizeof(text))
        return -EINVAL;
    if (event->detail.len_bytes)
        memcpy(text, event->detail.data, event->detail.len_bytes);
    text[event->detail.len_bytes] = 0;
    if (input->kind == TTB__INPUT_TYPED)
        return unescape(text, event->detail.len_bytes, input->data, &input->len_bytes);
    if (input->kind == TTB__INPUT_DETACH)
        return 0;
    if (sscanf(text, "%5ux%5u%n", &columns, &rows, &end) != 2 || columns > UINT16_MAX ||
        rows > UINT16_MAX)
        return -EINVAL;
    input->size = TTB__CONTROL_SIZE(rows, columns);
    if (input->kind == TTB__INPUT_RESIZE)
        return 0;
    if (text[end] != ' ' || strlen(text + end + 1) > TTB__INPUT_MAX)
        return -EINVAL;
    input->len_bytes = (size_t)snprintf(input->data, sizeof(input->data), "%s", text + end + 1);
    return 0;
}

static int repeat(struct ttb__run *run, const struct ttb_trace_record *recorded)
{
    const struct ttb_trace_event *event = &recorded->event;
    struct ttb__input input = {.time_ns = recorded->time_ns};

    while (input.kind < TTB__INPUT_KINDS && !is(&event->action, event_names[input.kind]))
        input.kind++;
    if (input.kind == TTB__INPUT_KINDS)
        return 0;
    if (find_node(run, &event->target, &input.node) || parse_detail(event, &input))
        return ttb__run_fail(run, -EINVAL,
                             "record %" PRIu64 ": %s of \"%.*s\": \"%.*s\" is not what ttb records",
                             recorded->number, event_names[input.kind],
                             (int)event->target.len_bytes, (const char *)event->target.data,
                             (int)event->detail.len_bytes, (const char *)event->detail.data);
    return ttb__input_add(run, &input);
}

int ttb__run_repeat_input(struct ttb__run *run, const char *trace, char *error, size_t error_size)
{
    struct ttb_trace_reader *reader;
    const struct ttb_trace_footer *footer;
    struct ttb_trace_record record;
    int rc = ttb_trace_reader_open(trace, NULL, &reader, error, error_size);

    if (rc)
        return rc;
    footer = ttb_trace_reader_footer(reader);
    if (!footer || footer->counts.events > 0) {
        while (rc == 0 && ttb_trace_reader_next(reader, &record) > 0) {
            if (record.kind == TTB_TRACE_EVENT)
                rc = repeat(run, &record);
        }
    }
    if (rc)
        snprintf(error, error_size, "%s: %s", trace, run->error);
    ttb_trace_reader_free(reader);
    return rc;
}
