/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file writer.h
 * The writer's object, shared by writer.c, attach.c and attach_lab.c.
 */
#ifndef TTB_RECORD_WRITER_H
#define TTB_RECORD_WRITER_H

#include "record/internal.h"

struct ttb__seen_node {
    struct ttb_node *node;       /* NULL: not seen yet */
    struct ttb_node_stats stats; /* at the last cost record */
};

/*
 * Invariants:
 * - `begun` is set before the first record gets its number; from then on declarations are records.
 * - run and wall are both NULL or both not.
 */
struct ttb_trace_writer {
    struct ttb__header header;
    struct ttb__tables tables;
    struct ttb__digest *digest;
    struct ttb__packets *packets;
    struct ttb__trace_out *run, *wall;
    bool begun;
    uint64_t number; /* of the next record */
    uint64_t lost_records;
    uint64_t next_packet;
    uint64_t started_mono_ns;
    uint64_t latest_ns;

    ttb_trace_sink_fn sink;
    void *sink_user;
    void (*failed)(void *user, const char *why);
    void *failed_user;
    bool failed_told;
    struct ttb__error error;

    /* what it is attached to */
    struct ttb_bridge *bridge;
    struct ttb_lab *lab;
    void (*detach_lab)(struct ttb_lab *lab);
    int (*exit_status)(struct ttb_lab *lab, const struct ttb_node *node, int *status);
    struct ttb__seen_node *nodes; /* by id */
    size_t node_room;
    struct {
        const struct ttb_port *port;
        uint32_t place;
        uint64_t way_back_ns, nearest_ns; /* as recorded */
    } * ports; /* a hash by address, which decides nothing but where we look */
    size_t port_room, port_count;
    uint64_t next_sample_ns;
    struct ttb_bridge_wall spent; /* at the last cost records */
};

/* Make a record out of what is checked already. */
void ttb__writer_put(struct ttb_trace_writer *writer, struct ttb_trace_record *record);
/* As ttb_trace_writer_add_node(), and a record if there have been records. */
int ttb__writer_declare_node(struct ttb_trace_writer *writer, const struct ttb_trace_node *node);

#endif
