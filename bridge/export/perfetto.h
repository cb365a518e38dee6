/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file perfetto.h
 * What a timeline is made of in Perfetto's format: tracks, and events on them.
 */
#ifndef TTB_EXPORT_PERFETTO_H
#define TTB_EXPORT_PERFETTO_H

#include <stdbool.h>
#include <stdint.h>

#include <ttbridge/perfetto.pb-c.h>

#include "export/internal.h"

#define TTB__EVENT_BEGIN   TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN
#define TTB__EVENT_END     TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END
#define TTB__EVENT_INSTANT TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT
#define TTB__EVENT_COUNTER TTB__PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER

/* Longest name of an event; a longer console line is cut. */
#define TTB__EVENT_NAME_MAX 1024
#define TTB__ANNOTATION_MAX 6

/* Kinds of tracks. A track's uuid is its kind in the upper half, and the id of its node or place, from 1,
 * in the lower one. Readers order the tracks of a process as they like: by the schema's own words they
 * ignore an order that is asked for there. */
enum ttb__track {
    TTB__TRACK_PROCESS = 1,
    TTB__TRACK_RUNNING = 2,
    TTB__TRACK_STATES = 3,
    TTB__TRACK_CONSOLE = 4,
    TTB__TRACK_EVENTS = 5,
    TTB__TRACK_OUTBOUND = 6,
    TTB__TRACK_INBOUND = 7,
    TTB__TRACK_DROPS = 8,
    /* The first of these kinds is WALL + 1: there is one for each part of the program. */
    TTB__TRACK_WALL = 8,
    /* From here on they are counters. */
    TTB__TRACK_FLYING = TTB__TRACK_WALL + TTB_TRACE_PART_BARRIER + 1,
    TTB__TRACK_COST = TTB__TRACK_FLYING, /* as WALL */
    TTB__TRACK_UNDER_WAY = TTB__TRACK_COST + TTB_TRACE_PART_BARRIER + 1,
    TTB__TRACK_QUEUE,
    TTB__TRACK_KINDS,
};

_Static_assert(TTB__TRACK_KINDS <= 32, "kinds are bits of a word");

/* The network's id among the nodes', and "no place" among the places'. */
#define TTB__TRACK_NETWORK TTB_TRACE_TABLE_MAX

/* An event to be written. */
struct ttb__event {
    enum ttb__track kind;
    uint32_t id;
    Ttb__Perfetto__TrackEvent__Type type;
    uint64_t time_ns;
    const char *name;     /* NULL: none */
    const char *category; /* NULL: none */
    uint64_t flow;        /* 0: none */
    int64_t value;
    double ratio;
    bool has_ratio;
    unsigned annotation_count;
    Ttb__Perfetto__DebugAnnotation annotations[TTB__ANNOTATION_MAX];
};

/* Another argument of the event: text, or a number if text is NULL. What it points to stays the caller's. */
void ttb__event_annotate(struct ttb__event *event, const char *name, uint64_t value,
                         const char *text);
void ttb__event_write(struct ttb_export *export, const struct ttb__event *event);

uint64_t ttb__track_uuid(enum ttb__track kind, uint32_t id);
/* To be written before the first event of a track. parent: uuid of its process; of a process itself 0. */
void ttb__track_describe(struct ttb_export *export, enum ttb__track kind, uint32_t id,
                         uint64_t parent, const char *name);

void ttb__perfetto_put(struct ttb_export *export, const Ttb__Perfetto__TracePacket *packet);

#endif
