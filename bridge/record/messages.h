/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file messages.h
 * What header and footer share on their way to and from the generated messages.
 */
#ifndef TTB_RECORD_MESSAGES_H
#define TTB_RECORD_MESSAGES_H

#include "record/internal.h"

struct ttb__wire;

/* Memory that unpacking a message may use. Free what it gave with the same allocator. */
struct ttb__budget {
    ProtobufCAllocator allocator;
    size_t left_bytes;
    bool exceeded;
};
void ttb__budget_init(struct ttb__budget *budget);
int ttb__unpack_failed(const struct ttb__budget *budget, const char *message,
                       struct ttb__error *error);

/* A message with its length in front. */
int ttb__unframe(const uint8_t *data, size_t len_bytes, const char *message, struct ttb__wire *wire,
                 struct ttb__error *error);
int ttb__pack_framed(const ProtobufCMessage *message, uint8_t **data, size_t *len_bytes);

/* Messages that point to what they were made of. */
void ttb__node_to_message(const struct ttb_trace_node *node, Ttb__TraceNode *message);
void ttb__link_to_message(const struct ttb_trace_link *link, Ttb__TraceLink *message);
void ttb__place_to_message(const struct ttb_trace_place *place, Ttb__TracePlace *message);

/* The messages of whole tables, and the lists of pointers that the generated code wants. */
struct ttb__messages {
    Ttb__TraceNode *nodes;
    Ttb__TraceLink *links;
    Ttb__TracePlace *places;
    void **pointers;
    Ttb__TraceNode **node_list;
    Ttb__TraceLink **link_list;
    Ttb__TracePlace **place_list;
};
int ttb__trace_messages_make(struct ttb__messages *messages, const struct ttb_trace_tables *tables);
void ttb__trace_messages_free(struct ttb__messages *messages);

int ttb__unpack_tables(struct ttb__tables *tables, Ttb__TraceNode **nodes, size_t node_count,
                       Ttb__TraceLink **links, size_t link_count, Ttb__TracePlace **places,
                       size_t place_count, struct ttb__error *error);

#endif
