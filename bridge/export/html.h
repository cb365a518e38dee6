/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file html.h
 * What a report collects while the trace is read.
 */
#ifndef TTB_EXPORT_HTML_H
#define TTB_EXPORT_HTML_H

#include <stdint.h>

#include "export/columns.h"
#include "export/flows.h"
#include "export/flying.h"
#include "export/internal.h"

/* Different reasons that frames were lost for; further ones are all "other". */
#define TTB__HTML_REASONS_MAX 255

struct ttb__html {
    struct ttb__columns frames, heads, grants, texts, costs, queues;
    struct ttb__flows flows;
    struct ttb__flying_table *seen; /* which head a packet had: sequence; its hash: flow */
    uint64_t omitted[6];            /* rows beyond the limit, of each table in this order */
    uint64_t last_ns[6];            /* of each table's row before */
    uint64_t last_packet, last_cost_wall_ns;
    uint64_t latest_ns; /* of what the report holds */
    unsigned reason_count;
    struct ttb_trace_bytes reasons[TTB__HTML_REASONS_MAX];
};

/* Everything that is not a row: names, header, footer, flows; JSON inside a <script>. */
void ttb__html_write_facts(struct ttb_export *export, const struct ttb__html *html);

/* Links, who is on them, and where; of a serialised scenario, or of none. */
void ttb__html_write_scenario(struct ttb__stream *stream, const struct ttb_trace_bytes *serialised);

#endif
