/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * What the formats share: an export, its output, its filter.
 */
#ifndef TTB_EXPORT_INTERNAL_H
#define TTB_EXPORT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/export.h>

#include "base/error.h"
#include "export/stream.h"

struct ttb_export;

/* A format. Each function may be NULL and returns 0 or -ENOMEM; what goes wrong with the output is
 * found there (ttb__stream_status()). `state` is the format's own, of state_bytes, zero at first. */
struct ttb__format {
    size_t state_bytes;
    bool whole;    /* it filters frames itself: it needs those of other places and times too */
    bool costs;    /* it wants the records of wall.ttb, after those of run.ttb */
    bool commands; /* it gets frames at control ports as well, though it may have to hide them */
    int (*begin)(struct ttb_export *export);
    /* Only those that passed the filter, and declarations. */
    int (*record)(struct ttb_export *export, const struct ttb_trace_tables *tables,
                  const struct ttb_trace_record *record);
    int (*end)(struct ttb_export *export);
    /* Frees what `state` holds. */
    void (*clear)(struct ttb_export *export);
};

extern const struct ttb__format ttb__format_pcapng, ttb__format_csv, ttb__format_jsonl,
    ttb__format_flows, ttb__format_flowmonitor, ttb__format_perfetto, ttb__format_html,
    ttb__format_netanim;

struct ttb_export {
    struct ttb_export_opts opts; /* node and link are its own copies */
    const struct ttb_trace_header *header;
    const struct ttb__format *format;
    struct ttb__stream stream;
    /* What the filter's names mean; TTB_TRACE_NONE: not declared so far. */
    uint32_t node, link;
    size_t known_nodes, known_links, known_places; /* entries of the tables that were looked at */
    bool
        owner_is_known; /* opts.node is the name of something else in the network: a switch, a router */
    uint8_t *verdicts; /* by place: 1 it passes the filter, 2 it does not, 0 not known yet */
    size_t verdict_count, declared_count;
    /* The tables of the record at hand, or of the last one. */
    const struct ttb_trace_tables *tables;
    uint64_t latest_ns; /* of all records that passed */
    /* Of a whole trace that has been read; else NULL. */
    const struct ttb_trace_footer *footer;
    const char *warning; /* why the trace ends too early */
    bool goes_on;        /* it does because the run has not ended yet */
    bool is_partial;     /* the format has left out what was too much for it */
    int status;
    void *state;
};

/* True if records of this place pass the filter, times apart. */
bool ttb__export_wants_place(const struct ttb_export *export, const struct ttb_trace_tables *tables,
                             uint32_t place);

/* "client.eth0", "lan", "network"; always zero terminated. */
void ttb__place_name(const struct ttb_trace_tables *tables, uint32_t place, char *text,
                     size_t size_bytes);

/* Its speed, or its link's; 0: not known. */
uint64_t ttb__place_speed(const struct ttb_trace_tables *tables,
                          const struct ttb_trace_place *place);

/* What a record says, as ttb_trace_describe() has it, but without its time, its node and the word "event".
 * @return it; the words lie in `text` */
const char *ttb__record_words(const struct ttb_trace_tables *tables,
                              const struct ttb_trace_record *record, char *text, size_t size_bytes);

/* Why a frame went no further: "no buffer", "queue full"; empty if it did. */
struct ttb_trace_bytes ttb__frame_reason(const struct ttb_trace_frame *frame);

/* The table that a kind of record belongs to; TTB_EXPORT_DEFAULT: none. */
enum ttb_export_table ttb__table_of(enum ttb_trace_kind kind);

static inline bool ttb__wants_table(const struct ttb_export *export, enum ttb_trace_kind kind)
{
    enum ttb_export_table table = ttb__table_of(kind);

    return table && (!export->opts.table || export->opts.table == table);
}

#endif
