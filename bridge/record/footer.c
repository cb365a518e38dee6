/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The footer to and from its message.
 */
#include "record/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/messages.h"
#include "record/wire.h"

#define DIGEST_VERSION 1

/* ---------------------------------------------------------------------------------------- pack */

static void set_bytes(protobuf_c_boolean *has, ProtobufCBinaryData *to,
                      const uint8_t sha256[TTB_TRACE_SHA256_BYTES])
{
    *has = true;
    to->len = TTB_TRACE_SHA256_BYTES;
    to->data = (uint8_t *)sha256;
}

static void digest_to_message(const struct ttb_trace_digest *digest, Ttb__TraceDigest *message)
{
    ttb__trace_digest__init(message);
    set_bytes(&message->has_all, &message->all, digest->all);
    set_bytes(&message->has_behaviour, &message->behaviour, digest->behaviour);
    set_bytes(&message->has_schedule, &message->schedule, digest->schedule);
    set_bytes(&message->has_network, &message->network, digest->network);
}

/* Every count of one struct to or from the other: X(name). */
#define COUNTS(X)         \
    X(records)            \
    X(grants)             \
    X(transmitted_frames) \
    X(transmitted_bytes)  \
    X(delivered_frames)   \
    X(delivered_bytes)    \
    X(dropped_frames)     \
    X(lost_frames)        \
    X(network_frames)     \
    X(console_bytes)      \
    X(console_lines)      \
    X(events)

static void counts_to_message(const struct ttb_trace_counts *counts, Ttb__TraceCounts *message)
{
    ttb__trace_counts__init(message);
#define PUT(name)                            \
    message->has_##name = counts->name != 0; \
    message->name = counts->name;
    COUNTS(PUT)
#undef PUT
}

static void counts_from_message(const Ttb__TraceCounts *message, struct ttb_trace_counts *counts)
{
#define GET(name) counts->name = message->name;
    COUNTS(GET)
#undef GET
}

/* A node's summary and the messages in it. */
struct summary {
    Ttb__TraceNodeSummary message;
    Ttb__TraceDigest digest;
    Ttb__TraceCounts counts;
    Ttb__TraceState state;
    char *why;
};

static int summary_to_message(const struct ttb_trace_node_summary *from, struct summary *to)
{
    const struct ttb_trace_state *state = &from->state;

    ttb__trace_node_summary__init(&to->message);
    to->message.has_id = true;
    to->message.id = from->id;
    to->message.digest = &to->digest;
    digest_to_message(&from->digest, &to->digest);
    to->message.counts = &to->counts;
    counts_to_message(&from->counts, &to->counts);
    to->message.state = &to->state;
    ttb__trace_state__init(&to->state);
    to->state.has_state = true;
    to->state.state = (Ttb__TraceState__State)state->state;
    to->state.has_wait_status = state->has_wait_status;
    to->state.wait_status = state->wait_status;
    to->state.has_exit_status = state->has_exit_status;
    to->state.exit_status = state->exit_status;
    if (state->why.len_bytes) {
        to->why = strndup(state->why.data, state->why.len_bytes);
        if (!to->why)
            return -ENOMEM;
        to->state.why = to->why;
    }
    to->message.has_state_ns = true;
    to->message.state_ns = from->state_ns;
    return 0;
}

int ttb__pack_footer(const struct ttb_trace_footer *footer, const struct ttb__tables *tables,
                     uint8_t **data, size_t *len_bytes)
{
    Ttb__TraceFooter message = TTB__TRACE_FOOTER__INIT;
    struct summary *summaries = calloc(footer->node_count + 1, sizeof(*summaries));
    Ttb__TraceNodeSummary **list = calloc(footer->node_count + 1, sizeof(*list));
    struct ttb__messages messages = {0};
    Ttb__TraceDigest digest;
    Ttb__TraceCounts counts;
    int rc = summaries && list ? ttb__trace_messages_make(&messages, &tables->view) : -ENOMEM;

    for (size_t i = 0; !rc && i < footer->node_count; i++) {
        list[i] = &summaries[i].message;
        rc = summary_to_message(&footer->nodes[i], &summaries[i]);
    }
    if (!rc) {
        message.has_end_ns = true;
        message.end_ns = footer->end_ns;
        message.has_ending = true;
        message.ending = (Ttb__TraceFooter__Ending)footer->ending;
        message.why = footer->why && footer->why[0] ? (char *)footer->why : NULL;
        message.has_digest_version = true;
        message.digest_version = DIGEST_VERSION;
        message.digest = &digest;
        digest_to_message(&footer->digest, &digest);
        message.counts = &counts;
        counts_to_message(&footer->counts, &counts);
        message.n_nodes = footer->node_count;
        message.nodes = list;
        message.has_lost_records = footer->lost_records != 0;
        message.lost_records = footer->lost_records;
        message.lost_why =
            footer->lost_why && footer->lost_why[0] ? (char *)footer->lost_why : NULL;
        message.n_all_nodes = tables->view.node_count;
        message.all_nodes = messages.node_list;
        message.n_all_links = tables->view.link_count;
        message.all_links = messages.link_list;
        message.n_all_places = tables->view.place_count;
        message.all_places = messages.place_list;
        rc = ttb__pack_framed(&message.base, data, len_bytes);
    }
    for (size_t i = 0; summaries && i < footer->node_count; i++)
        free(summaries[i].why);
    free(summaries);
    free(list);
    ttb__trace_messages_free(&messages);
    return rc;
}

/* -------------------------------------------------------------------------------------- unpack */

static int get_sha256(const char *what, protobuf_c_boolean has, const ProtobufCBinaryData *from,
                      uint8_t to[TTB_TRACE_SHA256_BYTES], struct ttb__error *error)
{
    if (!has || from->len != TTB_TRACE_SHA256_BYTES) {
        return ttb__fail(error, -EBADMSG, "footer: digest.%s: %zu bytes are not %d", what,
                         has ? from->len : 0, TTB_TRACE_SHA256_BYTES);
    }
    memcpy(to, from->data, TTB_TRACE_SHA256_BYTES);
    return 0;
}

static int get_digest(const Ttb__TraceDigest *message, struct ttb_trace_digest *digest,
                      struct ttb__error *error)
{
    int rc;

    if (!message)
        return ttb__fail(error, -EBADMSG, "footer: a digest is missing");
    rc = get_sha256("all", message->has_all, &message->all, digest->all, error);
    if (!rc)
        rc = get_sha256("behaviour", message->has_behaviour, &message->behaviour, digest->behaviour,
                        error);
    if (!rc)
        rc = get_sha256("schedule", message->has_schedule, &message->schedule, digest->schedule,
                        error);
    if (!rc)
        rc = get_sha256("network", message->has_network, &message->network, digest->network, error);
    return rc;
}

static int get_summary(const Ttb__TraceNodeSummary *message, struct ttb_trace_node_summary *to,
                       char **why, struct ttb__error *error)
{
    int rc = get_digest(message->digest, &to->digest, error);

    if (rc)
        return rc;
    to->id = message->id;
    to->state_ns = message->state_ns;
    if (message->counts)
        counts_from_message(message->counts, &to->counts);
    if (message->state) {
        to->state.state = (enum ttb_node_state)message->state->state;
        to->state.has_wait_status = message->state->has_wait_status;
        to->state.wait_status = message->state->wait_status;
        to->state.has_exit_status = message->state->has_exit_status;
        to->state.exit_status = message->state->exit_status;
        if (message->state->why) {
            *why = strdup(message->state->why);
            if (!*why)
                return ttb__fail(error, -ENOMEM, "out of memory");
            to->state.why = (struct ttb_trace_bytes){.data = *why, .len_bytes = strlen(*why)};
        }
    }
    return 0;
}

static int get_footer(const Ttb__TraceFooter *message, struct ttb__footer *footer,
                      struct ttb__error *error)
{
    struct ttb_trace_footer *view = &footer->view;
    int rc;

    /* Digests of another version cannot be compared with those that are recomputed. */
    if (message->digest_version != DIGEST_VERSION) {
        return ttb__fail(error, -EPROTONOSUPPORT,
                         "footer.digest_version: %u; this version of ttb knows version %d",
                         message->digest_version, DIGEST_VERSION);
    }
    footer->why = strdup(message->why ? message->why : "");
    footer->lost_why = strdup(message->lost_why ? message->lost_why : "");
    footer->nodes = calloc(message->n_nodes + 1, sizeof(*footer->nodes));
    footer->node_whys = calloc(message->n_nodes + 1, sizeof(*footer->node_whys));
    if (!footer->why || !footer->lost_why || !footer->nodes || !footer->node_whys)
        return ttb__fail(error, -ENOMEM, "out of memory");
    *view = (struct ttb_trace_footer){
        .end_ns = message->end_ns,
        .ending = (enum ttb_trace_ending)message->ending,
        .why = footer->why,
        .lost_records = message->lost_records,
        .lost_why = footer->lost_why,
        .nodes = footer->nodes,
    };
    if (message->counts)
        counts_from_message(message->counts, &view->counts);
    rc = get_digest(message->digest, &view->digest, error);
    for (size_t i = 0; !rc && i < message->n_nodes; i++) {
        view->node_count = i + 1;
        rc = get_summary(message->nodes[i], &footer->nodes[i], &footer->node_whys[i], error);
    }
    return rc;
}

int ttb__unpack_footer(const uint8_t *data, size_t len_bytes, struct ttb__footer *footer,
                       struct ttb__tables *tables, struct ttb__error *error)
{
    struct ttb__budget budget;
    Ttb__TraceFooter *message;
    struct ttb__wire wire;
    int rc = ttb__unframe(data, len_bytes, "footer", &wire, error);

    *footer = (struct ttb__footer){0};
    if (rc)
        return rc;
    ttb__budget_init(&budget);
    message = ttb__trace_footer__unpack(&budget.allocator, (size_t)(wire.end - wire.at), wire.at);
    if (!message)
        return ttb__unpack_failed(&budget, "footer", error);
    rc = get_footer(message, footer, error);
    if (!rc)
        rc = ttb__unpack_tables(tables, message->all_nodes, message->n_all_nodes,
                                message->all_links, message->n_all_links, message->all_places,
                                message->n_all_places, error);
    ttb__trace_footer__free_unpacked(message, &budget.allocator);
    if (rc)
        ttb__trace_footer_free(footer);
    return rc;
}

void ttb__trace_footer_free(struct ttb__footer *footer)
{
    for (size_t i = 0; footer->node_whys && i < footer->view.node_count; i++)
        free(footer->node_whys[i]);
    free(footer->node_whys);
    free(footer->nodes);
    free(footer->why);
    free(footer->lost_why);
    *footer = (struct ttb__footer){0};
}
