/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file flows.h
 * Flows: the frames with one five-tuple that one port has sent. A flow that a Linux node forwards is
 * another one from there on, since the frame that leaves is another frame.
 */
#ifndef TTB_EXPORT_FLOWS_H
#define TTB_EXPORT_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "export/flying.h"
#include "export/histogram.h"
#include "export/internal.h"
#include "export/tuple.h"

struct ttb__flow {
    struct ttb__tuple tuple;
    uint32_t from; /* place */
    uint32_t to;   /* the place where frames arrived; TTB_TRACE_NONE: nowhere */
    bool to_several;
    /* TCP: the sequence number that its SYN had, if it had one only. */
    bool has_syn, has_several_syns;
    uint32_t syn_sequence;
    uint32_t next; /* in its bucket */
    uint64_t sent_packets, sent_bytes, sent_ip_bytes;
    uint64_t arrived_packets;                                     /* at one place at least */
    uint64_t received_packets, received_bytes, received_ip_bytes; /* at all places */
    uint64_t dropped_packets;                                     /* by ports */
    uint64_t lost_packets;                                        /* as the network says */
    uint64_t first_sent_ns, last_sent_ns, first_received_ns, last_received_ns;
    unsigned __int128 delay_sum_ns;
    uint64_t delay_min_ns, delay_max_ns, last_delay_ns;
    uint64_t jitter_16; /* RFC 3550, section 6.4.1 and appendix A.8: 16 times the jitter, ns */
    unsigned __int128 jitter_sum_ns; /* sum of differences of successive delays */
    uint64_t highest_sequence;       /* of frames received */
    uint64_t reordered_packets; /* received after one that was sent later: RFC 4737, section 3 */
    struct ttb__histogram delays;
};

struct ttb__flows {
    struct ttb__flow *flows; /* in the order of their first frames */
    size_t count, room;
    uint32_t *buckets;
    struct ttb__flying_table *flying;
    uint64_t other_packets; /* sent, and of no flow: not IP, or more than TTB_EXPORT_FLOWS_MAX */
};

int ttb__flows_begin(struct ttb__flows *flows);
void ttb__flows_clear(struct ttb__flows *flows);

/* Count a frame if it was sent within the export's time range. @return 0; -ENOMEM */
int ttb__flows_add(struct ttb__flows *flows, const struct ttb_export *export,
                   const struct ttb_trace_tables *tables, const struct ttb_trace_record *record);

/* Of its delays: an estimate from classes, but within what was measured. */
uint64_t ttb__flow_quantile(const struct ttb__flow *flow, unsigned permille);

/* True if a flow passes the filter by node and link: from there or to there. */
bool ttb__flow_is_wanted(const struct ttb_export *export, const struct ttb__flow *flow);

#endif
