/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Header, index and declarations to and from the messages of proto/trace.proto. The footer is in
 * footer.c.
 */
#include "record/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/messages.h"
#include "record/wire.h"

/* ------------------------------------------------------------------------- memory for unpacking */

/* A message of a few MiB can describe objects of many GiB (an empty sub-message takes two bytes), so
 * what unpacking may use is bounded. */
static void *budget_alloc(void *user, size_t size_bytes)
{
    struct ttb__budget *budget = user;

    if (size_bytes > budget->left_bytes) {
        budget->exceeded = true;
        return NULL;
    }
    budget->left_bytes -= size_bytes;
    return malloc(size_bytes);
}

static void budget_free(void *user, void *data)
{
    (void)user;
    free(data);
}

void ttb__budget_init(struct ttb__budget *budget)
{
    *budget = (struct ttb__budget){
        .allocator = {.alloc = budget_alloc, .free = budget_free, .allocator_data = budget},
        .left_bytes = TTB__UNPACK_MEMORY_MAX,
    };
}

int ttb__unpack_failed(const struct ttb__budget *budget, const char *message,
                       struct ttb__error *error)
{
    if (budget->exceeded)
        return ttb__fail(error, -EBADMSG, "%s: describes more than %d MiB", message,
                         TTB__UNPACK_MEMORY_MAX >> 20);
    return ttb__fail(error, -EBADMSG, "%s: is no such message", message);
}

/* The message inside its length prefix. */
int ttb__unframe(const uint8_t *data, size_t len_bytes, const char *message, struct ttb__wire *wire,
                 struct ttb__error *error)
{
    uint64_t inside;

    *wire = (struct ttb__wire){.at = data, .end = data + len_bytes};
    if (!ttb__get_varint(wire, &inside) || inside > (uint64_t)(wire->end - wire->at))
        return ttb__fail(error, -EBADMSG, "%s: its length does not fit the block", message);
    wire->end = wire->at + inside;
    return 0;
}

int ttb__pack_framed(const ProtobufCMessage *message, uint8_t **data, size_t *len_bytes)
{
    size_t inside = protobuf_c_message_get_packed_size(message);
    uint8_t *at;

    *data = malloc(inside + 10);
    if (!*data)
        return -ENOMEM;
    at = ttb__put_varint(*data, inside);
    at += protobuf_c_message_pack(message, at);
    *len_bytes = (size_t)(at - *data);
    return 0;
}

/* -------------------------------------------------------------------------------- declarations */

void ttb__node_to_message(const struct ttb_trace_node *node, Ttb__TraceNode *message)
{
    ttb__trace_node__init(message);
    message->has_id = true;
    message->id = node->id;
    message->name = (char *)node->name;
    message->has_kernel = node->kernel != TTB_TRACE_NONE;
    message->kernel = node->kernel;
    message->has_image = node->image != TTB_TRACE_NONE;
    message->image = node->image;
    message->has_memory_bytes = node->memory_bytes != 0;
    message->memory_bytes = node->memory_bytes;
    message->has_start_ns = node->start_ns != 0;
    message->start_ns = node->start_ns;
}

void ttb__link_to_message(const struct ttb_trace_link *link, Ttb__TraceLink *message)
{
    ttb__trace_link__init(message);
    message->has_id = true;
    message->id = link->id;
    message->name = (char *)link->name;
    message->type = (char *)link->type;
    message->has_rate_bps = link->rate_bps != 0;
    message->rate_bps = link->rate_bps;
    message->has_delay_ns = link->delay_ns != 0;
    message->delay_ns = link->delay_ns;
}

void ttb__place_to_message(const struct ttb_trace_place *place, Ttb__TracePlace *message)
{
    ttb__trace_place__init(message);
    message->has_id = true;
    message->id = place->id;
    message->has_kind = true;
    message->kind = (Ttb__TracePlace__Kind)place->kind;
    message->name = (char *)place->name;
    message->has_node = place->node != TTB_TRACE_NONE;
    message->node = place->node;
    message->has_mac = place->has_mac;
    message->mac.len = place->has_mac ? 6 : 0;
    message->mac.data = (uint8_t *)place->mac;
    message->has_mtu_bytes = place->mtu_bytes != 0;
    message->mtu_bytes = place->mtu_bytes;
    message->has_link = place->link != TTB_TRACE_NONE;
    message->link = place->link;
    message->has_speed_bps = place->speed_bps != 0;
    message->speed_bps = place->speed_bps;
    message->description = (char *)place->description;
    message->has_way_back_ns = place->has_way_back;
    message->way_back_ns = place->way_back_ns;
    message->has_nearest_ns = place->has_way_back;
    message->nearest_ns = place->nearest_ns;
    message->has_is_control = place->is_control;
    message->is_control = place->is_control;
}

static int set_node(struct ttb__tables *tables, const Ttb__TraceNode *message,
                    struct ttb__error *error)
{
    struct ttb_trace_node node = {
        .id = message->id,
        .name = message->name,
        .kernel = message->has_kernel ? message->kernel : TTB_TRACE_NONE,
        .image = message->has_image ? message->image : TTB_TRACE_NONE,
        .memory_bytes = message->memory_bytes,
        .start_ns = message->start_ns,
    };
    int rc;

    if (!message->has_id)
        return ttb__fail(error, -EBADMSG, "node: it has no id");
    if (message->has_kernel && message->kernel >= tables->artifact_count)
        return ttb__fail(error, -EBADMSG, "node.kernel: there is no artifact %u of %zu",
                         message->kernel, tables->artifact_count);
    if (message->has_image && message->image >= tables->artifact_count)
        return ttb__fail(error, -EBADMSG, "node.image: there is no artifact %u of %zu",
                         message->image, tables->artifact_count);
    rc = ttb__trace_tables_set_node(tables, &node);
    if (rc == -EINVAL)
        return ttb__fail(error, -EBADMSG, "node.id: %u is not below %d", node.id,
                         TTB_TRACE_TABLE_MAX);
    return rc ? ttb__fail(error, rc, "out of memory") : 0;
}

static int set_link(struct ttb__tables *tables, const Ttb__TraceLink *message,
                    struct ttb__error *error)
{
    struct ttb_trace_link link = {
        .id = message->id,
        .name = message->name,
        .type = message->type,
        .rate_bps = message->rate_bps,
        .delay_ns = message->delay_ns,
    };
    int rc;

    if (!message->has_id)
        return ttb__fail(error, -EBADMSG, "link: it has no id");
    rc = ttb__trace_tables_set_link(tables, &link);
    if (rc == -EINVAL)
        return ttb__fail(error, -EBADMSG, "link.id: %u is not below %d", link.id,
                         TTB_TRACE_TABLE_MAX);
    return rc ? ttb__fail(error, rc, "out of memory") : 0;
}

static int set_place(struct ttb__tables *tables, const Ttb__TracePlace *message,
                     struct ttb__error *error)
{
    struct ttb_trace_place place = {
        .id = message->id,
        .kind = (enum ttb_trace_place_kind)message->kind,
        .name = message->name,
        .node = message->has_node ? message->node : TTB_TRACE_NONE,
        .has_mac = message->has_mac,
        .mtu_bytes = message->mtu_bytes,
        .link = message->has_link ? message->link : TTB_TRACE_NONE,
        .speed_bps = message->speed_bps,
        .description = message->description,
        .has_way_back = message->has_way_back_ns,
        .way_back_ns = message->way_back_ns,
        /* Traces of older versions do not have it. */
        .nearest_ns = message->has_nearest_ns ? message->nearest_ns : 0,
        .is_control = message->is_control,
    };
    int rc;

    if (!message->has_id)
        return ttb__fail(error, -EBADMSG, "place: it has no id");
    if (message->has_mac) {
        if (message->mac.len != sizeof(place.mac))
            return ttb__fail(error, -EBADMSG, "place.mac: %zu bytes are not 6", message->mac.len);
        memcpy(place.mac, message->mac.data, sizeof(place.mac));
    }
    rc = ttb__trace_tables_set_place(tables, &place);
    if (rc == -EINVAL)
        return ttb__fail(error, -EBADMSG, "place.id: %u does not follow on %zu places", place.id,
                         tables->view.place_count);
    return rc ? ttb__fail(error, rc, "out of memory") : 0;
}

int ttb__unpack_tables(struct ttb__tables *tables, Ttb__TraceNode **nodes, size_t node_count,
                       Ttb__TraceLink **links, size_t link_count, Ttb__TracePlace **places,
                       size_t place_count, struct ttb__error *error)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < node_count; i++)
        rc = set_node(tables, nodes[i], error);
    for (size_t i = 0; !rc && i < link_count; i++)
        rc = set_link(tables, links[i], error);
    for (size_t i = 0; !rc && i < place_count; i++)
        rc = set_place(tables, places[i], error);
    return rc;
}

int ttb__trace_messages_make(struct ttb__messages *messages, const struct ttb_trace_tables *tables)
{
    size_t count = tables->node_count + tables->link_count + tables->place_count;

    *messages = (struct ttb__messages){0};
    /* One more, so that none is an error nowhere. */
    messages->nodes = calloc(tables->node_count + 1, sizeof(*messages->nodes));
    messages->links = calloc(tables->link_count + 1, sizeof(*messages->links));
    messages->places = calloc(tables->place_count + 1, sizeof(*messages->places));
    messages->pointers = calloc(count + 1, sizeof(*messages->pointers));
    if (!messages->nodes || !messages->links || !messages->places || !messages->pointers) {
        ttb__trace_messages_free(messages);
        return -ENOMEM;
    }
    messages->node_list = (Ttb__TraceNode **)messages->pointers;
    messages->link_list = (Ttb__TraceLink **)(messages->pointers + tables->node_count);
    messages->place_list =
        (Ttb__TracePlace **)(messages->pointers + tables->node_count + tables->link_count);
    for (size_t i = 0; i < tables->node_count; i++) {
        ttb__node_to_message(&tables->nodes[i], &messages->nodes[i]);
        messages->node_list[i] = &messages->nodes[i];
    }
    for (size_t i = 0; i < tables->link_count; i++) {
        ttb__link_to_message(&tables->links[i], &messages->links[i]);
        messages->link_list[i] = &messages->links[i];
    }
    for (size_t i = 0; i < tables->place_count; i++) {
        ttb__place_to_message(&tables->places[i], &messages->places[i]);
        messages->place_list[i] = &messages->places[i];
    }
    return 0;
}

void ttb__trace_messages_free(struct ttb__messages *messages)
{
    free(messages->nodes);
    free(messages->links);
    free(messages->places);
    free(messages->pointers);
    *messages = (struct ttb__messages){0};
}

int ttb__pack_declaration(const struct ttb_trace_record *record, uint8_t **data, size_t *len_bytes)
{
    Ttb__TraceRecord message = TTB__TRACE_RECORD__INIT;
    Ttb__TraceNode node;
    Ttb__TraceLink link;
    Ttb__TracePlace place;

    message.has_time_ns = true;
    message.time_ns = record->time_ns;
    message.has_node = record->node != TTB_TRACE_NONE;
    message.node = record->node;
    if (record->kind == TTB_TRACE_NODE_DECLARED) {
        ttb__node_to_message(record->declared_node, &node);
        message.node_declared = &node;
    } else if (record->kind == TTB_TRACE_LINK_DECLARED) {
        ttb__link_to_message(record->declared_link, &link);
        message.link_declared = &link;
    } else {
        ttb__place_to_message(record->declared_place, &place);
        message.place_declared = &place;
    }
    return ttb__pack_framed(&message.base, data, len_bytes);
}

int ttb__unpack_declaration(const struct ttb_trace_bytes *bytes, struct ttb_trace_record *record,
                            struct ttb__tables *tables, struct ttb__error *error)
{
    const ProtobufCMessageDescriptor *descriptor = &ttb__trace_place__descriptor;
    const char *name = "place_declared";
    struct ttb__budget budget;
    ProtobufCMessage *message;
    uint32_t id;
    int rc;

    if (record->kind == TTB_TRACE_NODE_DECLARED) {
        descriptor = &ttb__trace_node__descriptor;
        name = "node_declared";
    } else if (record->kind == TTB_TRACE_LINK_DECLARED) {
        descriptor = &ttb__trace_link__descriptor;
        name = "link_declared";
    }
    ttb__budget_init(&budget);
    message =
        protobuf_c_message_unpack(descriptor, &budget.allocator, bytes->len_bytes, bytes->data);
    if (!message)
        return ttb__unpack_failed(&budget, name, error);
    if (record->kind == TTB_TRACE_NODE_DECLARED) {
        id = ((Ttb__TraceNode *)message)->id;
        rc = set_node(tables, (Ttb__TraceNode *)message, error);
        if (!rc)
            record->declared_node = ttb__trace_tables_node(tables, id);
    } else if (record->kind == TTB_TRACE_LINK_DECLARED) {
        id = ((Ttb__TraceLink *)message)->id;
        rc = set_link(tables, (Ttb__TraceLink *)message, error);
        if (!rc)
            record->declared_link = ttb__trace_tables_link(tables, id);
    } else {
        id = ((Ttb__TracePlace *)message)->id;
        rc = set_place(tables, (Ttb__TracePlace *)message, error);
        if (!rc)
            record->declared_place = &tables->places[id];
    }
    protobuf_c_message_free_unpacked(message, &budget.allocator);
    return rc;
}

/* --------------------------------------------------------------------------------------- index */

void ttb__trace_index_free(struct ttb__index *index)
{
    free(index->offset_bytes);
    free(index->before_ns);
    free(index->record);
    *index = (struct ttb__index){0};
}

int ttb__pack_index(const struct ttb__index *index, uint8_t **data, size_t *len_bytes)
{
    Ttb__TraceIndex message = TTB__TRACE_INDEX__INIT;

    message.n_offset_bytes = message.n_before_ns = message.n_record = index->count;
    message.offset_bytes = index->offset_bytes;
    message.before_ns = index->before_ns;
    message.record = index->record;
    return ttb__pack_framed(&message.base, data, len_bytes);
}

static int copy_list(uint64_t **to, const uint64_t *from, size_t count)
{
    *to = malloc((count + 1) * sizeof(**to));
    if (!*to)
        return -ENOMEM;
    if (count)
        memcpy(*to, from, count * sizeof(**to));
    return 0;
}

int ttb__unpack_index(const uint8_t *data, size_t len_bytes, struct ttb__index *index,
                      struct ttb__error *error)
{
    struct ttb__budget budget;
    struct ttb__wire wire;
    Ttb__TraceIndex *message;
    int rc = ttb__unframe(data, len_bytes, "index", &wire, error);

    *index = (struct ttb__index){0};
    if (rc)
        return rc;
    ttb__budget_init(&budget);
    message = ttb__trace_index__unpack(&budget.allocator, (size_t)(wire.end - wire.at), wire.at);
    if (!message)
        return ttb__unpack_failed(&budget, "index", error);
    if (message->n_offset_bytes != message->n_before_ns ||
        message->n_offset_bytes != message->n_record) {
        rc = ttb__fail(error, -EBADMSG, "index: its lists have %zu, %zu and %zu entries",
                       message->n_offset_bytes, message->n_before_ns, message->n_record);
    } else {
        index->count = message->n_record;
        if (copy_list(&index->offset_bytes, message->offset_bytes, index->count) ||
            copy_list(&index->before_ns, message->before_ns, index->count) ||
            copy_list(&index->record, message->record, index->count)) {
            ttb__trace_index_free(index);
            rc = ttb__fail(error, -ENOMEM, "out of memory");
        }
    }
    ttb__trace_index__free_unpacked(message, &budget.allocator);
    return rc;
}
