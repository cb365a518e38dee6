/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records as text, one line each.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "record/internal.h"

void ttb__trace_text_add(struct ttb__trace_text *text, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text->at, text->room_bytes, format, args);
    va_end(args);
    if (len < 0)
        return;
    if ((size_t)len >= text->room_bytes)
        len = (int)text->room_bytes - 1;
    text->at += len;
    text->room_bytes -= (size_t)len;
}

void ttb__trace_text_add_bytes(struct ttb__trace_text *text, const void *data, size_t len_bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len_bytes; i++) {
        bool plain = bytes[i] >= ' ' && bytes[i] < 0x7f;

        if (text->room_bytes <= (plain ? 1 : 4))
            break;
        if (plain) {
            *text->at++ = (char)bytes[i];
            text->room_bytes--;
        } else {
            *text->at++ = '\\';
            *text->at++ = 'x';
            *text->at++ = digits[bytes[i] >> 4];
            *text->at++ = digits[bytes[i] & 15];
            text->room_bytes -= 4;
        }
    }
    *text->at = 0;
}

/* --------------------------------------------------------------------------------------- names */

#define NAME(table, value)                                                                   \
    ((size_t)(value) < sizeof(table) / sizeof((table)[0]) && (table)[value] ? (table)[value] \
                                                                            : "unknown")

const char *ttb_trace_kind_name(enum ttb_trace_kind kind)
{
    static const char *const names[] = {
        [TTB_TRACE_GRANT] = "grant",          [TTB_TRACE_FRAME] = "frame",
        [TTB_TRACE_CONSOLE] = "console line", [TTB_TRACE_STATE] = "state",
        [TTB_TRACE_EVENT] = "event",          [TTB_TRACE_EXPECTATION] = "expectation",
        [TTB_TRACE_NODE_DECLARED] = "node",   [TTB_TRACE_LINK_DECLARED] = "link",
        [TTB_TRACE_PLACE_DECLARED] = "place", [TTB_TRACE_COST] = "cost",
        [TTB_TRACE_QUEUE] = "queue length",
    };

    return NAME(names, kind);
}

const char *ttb_trace_what_name(enum ttb_trace_what what)
{
    static const char *const names[] = {
        [TTB_TRACE_TRANSMITTED] = "transmitted", [TTB_TRACE_DELIVERED] = "delivered",
        [TTB_TRACE_DROPPED] = "dropped",         [TTB_TRACE_SENT] = "sent",
        [TTB_TRACE_RECEIVED] = "received",       [TTB_TRACE_LOST] = "lost",
    };

    return NAME(names, what);
}

const char *ttb_trace_part_name(enum ttb_trace_part part)
{
    static const char *const names[] = {
        [TTB_TRACE_PART_NODE] = "node",       [TTB_TRACE_PART_NETWORK] = "network",
        [TTB_TRACE_PART_BRIDGE] = "bridge",   [TTB_TRACE_PART_RECORDING] = "recording",
        [TTB_TRACE_PART_WAITING] = "waiting", [TTB_TRACE_PART_NODES] = "nodes",
        [TTB_TRACE_PART_BARRIER] = "barrier",
    };

    return NAME(names, part);
}

const char *ttb_trace_ending_name(enum ttb_trace_ending ending)
{
    static const char *const names[] = {
        [TTB_TRACE_DONE] = "done",         [TTB_TRACE_DURATION] = "duration reached",
        [TTB_TRACE_STOPPED] = "stopped",   [TTB_TRACE_FAILED] = "failed",
        [TTB_TRACE_DIFFERED] = "differed",
    };

    return NAME(names, ending);
}

/* ------------------------------------------------------------------------------------- records */

static void add_node(struct ttb__trace_text *text, const struct ttb_trace_tables *tables,
                     uint32_t id)
{
    const struct ttb_trace_node *node = tables ? ttb_trace_find_node(tables, id) : NULL;

    if (node)
        ttb__trace_text_add_bytes(text, node->name, strlen(node->name));
    else
        ttb__trace_text_add(text, "node %u", id);
}

static void add_where(struct ttb__trace_text *text, const struct ttb_trace_tables *tables,
                      const struct ttb_trace_record *record)
{
    uint32_t id = record->kind == TTB_TRACE_FRAME   ? record->frame.place
                  : record->kind == TTB_TRACE_QUEUE ? record->queue.place
                                                    : TTB_TRACE_NONE;
    const struct ttb_trace_place *place =
        id != TTB_TRACE_NONE && tables ? ttb_trace_find_place(tables, id) : NULL;
    uint32_t node = record->node;

    /* What waits at a node's port waits in the network. */
    if (record->kind == TTB_TRACE_QUEUE && place)
        node = place->node;
    if (node != TTB_TRACE_NONE)
        add_node(text, tables, node);
    if (id != TTB_TRACE_NONE) {
        ttb__trace_text_add(text, "%s", node != TTB_TRACE_NONE ? "." : "");
        if (place)
            ttb__trace_text_add_bytes(text, place->name, strlen(place->name));
        else
            ttb__trace_text_add(text, "place %u", id);
    } else if (record->node == TTB_TRACE_NONE) {
        ttb__trace_text_add(text, "-");
    }
    ttb__trace_text_add(text, "  ");
}

static void add_frame(struct ttb__trace_text *text, const struct ttb_trace_frame *frame)
{
    char described[256];

    ttb__trace_text_add(text, "%s", ttb_trace_what_name(frame->what));
    if (frame->what == TTB_TRACE_DROPPED)
        ttb__trace_text_add(text, " (%s)", ttb_drop_name(frame->port_reason));
    if (frame->reason.len_bytes) {
        ttb__trace_text_add(text, " (");
        ttb__trace_text_add_bytes(text, frame->reason.data, frame->reason.len_bytes);
        ttb__trace_text_add(text, ")");
    }
    ttb__trace_text_add(text, "  ");
    if (frame->packet)
        ttb__trace_text_add(text, "#%" PRIu64 " ", frame->packet);
    ttb_trace_describe_frame(frame->payload.data, frame->payload.len_bytes, frame->len_bytes,
                             described, sizeof(described));
    ttb__trace_text_add(text, "%s", described);
}

static void add_state(struct ttb__trace_text *text, const struct ttb_trace_state *state)
{
    ttb__trace_text_add(
        text, "%s", state->state == TTB_NODE_WAITING ? "is up" : ttb_node_state_name(state->state));
    if (state->has_wait_status && WIFSIGNALED(state->wait_status))
        ttb__trace_text_add(text, ", process killed by signal %d", WTERMSIG(state->wait_status));
    else if (state->has_wait_status)
        ttb__trace_text_add(text, ", process exited with %d", WEXITSTATUS(state->wait_status));
    if (state->has_exit_status)
        ttb__trace_text_add(text, ", commands exited with %d", state->exit_status);
    if (state->why.len_bytes) {
        ttb__trace_text_add(text, ": ");
        ttb__trace_text_add_bytes(text, state->why.data, state->why.len_bytes);
    }
}

static void add_event(struct ttb__trace_text *text, const struct ttb_trace_event *event)
{
    ttb__trace_text_add(text, "event  ");
    ttb__trace_text_add_bytes(text, event->action.data, event->action.len_bytes);
    if (event->target.len_bytes) {
        ttb__trace_text_add(text, " ");
        ttb__trace_text_add_bytes(text, event->target.data, event->target.len_bytes);
    }
    if (event->detail.len_bytes) {
        ttb__trace_text_add(text, ": ");
        ttb__trace_text_add_bytes(text, event->detail.data, event->detail.len_bytes);
    }
}

static void add_cost(struct ttb__trace_text *text, const struct ttb_trace_cost *cost)
{
    ttb__trace_text_add(text,
                        "cost  %s: %" PRIu64 " ns of wall time, %" PRIu64 " activations, %" PRIu64
                        " kicks, %" PRIu64 " calls, at %" PRIu64 " ns",
                        ttb_trace_part_name(cost->part), cost->wall_ns, cost->activations,
                        cost->kicks, cost->calls, cost->at_wall_ns);
}

static void add_declared(struct ttb__trace_text *text, const char *what, uint32_t id,
                         const char *name)
{
    ttb__trace_text_add(text, "declares %s %u ", what, id);
    ttb__trace_text_add_bytes(text, name, strlen(name));
}

void ttb_trace_describe(const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record, char *buffer, size_t size_bytes)
{
    struct ttb__trace_text text = {.at = buffer, .room_bytes = size_bytes};

    if (!size_bytes)
        return;
    ttb__trace_text_add(&text, "%" PRIu64 ".%09" PRIu64 " s  ", record->time_ns / 1000000000,
                        record->time_ns % 1000000000);
    add_where(&text, tables, record);
    switch (record->kind) {
    case TTB_TRACE_GRANT:
        ttb__trace_text_add(&text, "runs");
        break;
    case TTB_TRACE_FRAME:
        add_frame(&text, &record->frame);
        break;
    case TTB_TRACE_CONSOLE:
        ttb__trace_text_add(&text, "prints  ");
        ttb__trace_text_add_bytes(&text, record->console.data.data, record->console.data.len_bytes);
        break;
    case TTB_TRACE_STATE:
        add_state(&text, &record->state);
        break;
    case TTB_TRACE_EVENT:
        add_event(&text, &record->event);
        break;
    case TTB_TRACE_EXPECTATION:
        ttb__trace_text_add(&text, "expectation %u %s: ", record->expectation.number,
                            record->expectation.met ? "met" : "not met");
        ttb__trace_text_add_bytes(&text, record->expectation.text.data,
                                  record->expectation.text.len_bytes);
        break;
    case TTB_TRACE_QUEUE:
        ttb__trace_text_add(&text, "%u frames wait", record->queue.frames);
        break;
    case TTB_TRACE_NODE_DECLARED:
        add_declared(&text, "node", record->declared_node->id, record->declared_node->name);
        break;
    case TTB_TRACE_LINK_DECLARED:
        add_declared(&text, "link", record->declared_link->id, record->declared_link->name);
        break;
    case TTB_TRACE_PLACE_DECLARED:
        add_declared(&text, "place", record->declared_place->id, record->declared_place->name);
        break;
    case TTB_TRACE_COST:
        add_cost(&text, &record->cost);
        break;
    default:
        ttb__trace_text_add(&text, "record of kind %d", (int)record->kind);
        break;
    }
}
