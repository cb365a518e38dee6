/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file export.h
 * Traces in the formats of other tools: packet captures, tables, flow statistics, timelines.
 * What each format holds is told in doc/traces.md.
 *
 * A whole run:
 *
 *     struct ttb_export_opts opts = {.size = sizeof(opts), .format = TTB_EXPORT_PCAPNG};
 *     rc = ttb_export_trace("run", &opts, fd, text, sizeof(text));
 *     if (rc) fprintf(stderr, "%s\n", text);
 *
 * While a run goes on, as the writer's sink:
 *
 *     opts.flush = true;
 *     ttb_export_open(&opts, &header, fd, &export, error, sizeof(error));
 *     ttb_trace_writer_set_sink(writer, ttb_export_sink, export);
 *     ... the run ...
 *     ttb_export_close(export, error, sizeof(error));      // before the writer
 *
 * Memory. Whatever is written is written at once: an export uses a few MiB however long the trace is.
 * Flow statistics keep TTB_EXPORT_FLOWS_MAX flows and TTB_EXPORT_FLYING_MAX frames on their way.
 *
 * Threading: one object, one thread at a time; different objects share nothing.
 */
#ifndef TTBRIDGE_EXPORT_H
#define TTBRIDGE_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ttb_export_format {
    TTB_EXPORT_PCAPNG = 1,      /**< frames, console lines and events for Wireshark */
    TTB_EXPORT_CSV = 2,         /**< one table */
    TTB_EXPORT_JSONL = 3,       /**< one JSON object a line: one table or all of them */
    TTB_EXPORT_FLOWS = 4,       /**< statistics of flows, as CSV */
    TTB_EXPORT_FLOWMONITOR = 5, /**< the same as ns-3's FlowMonitor writes them, XML */
    TTB_EXPORT_PERFETTO = 6,    /**< a timeline for Perfetto */
    TTB_EXPORT_HTML = 7,    /**< a page that shows everything in a browser; absent from libraries
                                     that were built without npm */
    TTB_EXPORT_NETANIM = 8, /**< an animation for ns-3's NetAnim, XML */
};

/** "pcapng" and so on; NULL for other values. */
const char *ttb_export_format_name(enum ttb_export_format format);

/** @return 0 and *format; -EINVAL: there is no such format */
int ttb_export_format_find(const char *name, enum ttb_export_format *format);

/** What of a trace goes into a table. */
enum ttb_export_table {
    TTB_EXPORT_DEFAULT = 0, /**< CSV: frames; JSON lines: all of them */
    TTB_EXPORT_FRAMES = 1,
    TTB_EXPORT_GRANTS = 2,
    TTB_EXPORT_CONSOLE = 3,
    TTB_EXPORT_STATES = 4,
    TTB_EXPORT_EVENTS = 5,
    TTB_EXPORT_EXPECTATIONS = 6,
    TTB_EXPORT_QUEUES = 7,
};
const char *ttb_export_table_name(enum ttb_export_table table);
int ttb_export_table_find(const char *name, enum ttb_export_table *table);

/** Most flows told apart; frames of further ones are counted together, as those of no flow. */
#define TTB_EXPORT_FLOWS_MAX 65536

/** Most frames on their way of which flow statistics and timelines know; a frame that arrives after so
 * many others were sent counts as lost. */
#define TTB_EXPORT_FLYING_MAX 131072

/** What an HTML report holds at most: frames; grants as many; console lines and other texts; costs as
 * many. */
#define TTB_EXPORT_REPORT_FRAMES_MAX UINT64_C(4000000)
#define TTB_EXPORT_REPORT_TEXTS_MAX  UINT64_C(500000)

/** Options of an export. Set `size` and `format`; everything else may be zero. */
struct ttb_export_opts {
    size_t size; /**< sizeof(struct ttb_export_opts) */
    enum ttb_export_format format;
    enum ttb_export_table table; /**< CSV and JSON lines */
    const char *node;            /**< only this node's, by name; NULL: all */
    const char *link;            /**< only frames at places on this link, and events about it */
    uint64_t from_ns;            /**< nothing earlier */
    uint64_t to_ns;              /**< only what is earlier; 0: to the end */
    bool frames_only; /**< pcapng: neither console lines nor events, for tools that know no other
                           blocks than frames */
    bool payload;     /**< CSV and JSON lines: frames with their bytes, in hexadecimal */
    bool flush;       /**< after each record, for a pipe that somebody watches */
    bool
        ports_only; /**< of frames, only those at ports, and those lost: not at devices in between */
    bool control;   /**< also what the runner and its agents in the nodes say to each other */
};

struct ttb_export;

/**
 * Begin an export.
 * @param opts    `node` and `link` are copied
 * @param header  of the trace; must be valid as long as the export
 * @param fd      is written to from its present position; stays the caller's
 * @param error   gets the sentence on failure; may be NULL
 * @return 0 and *made, owned by the caller (ttb_export_close()); -EINVAL: impossible options;
 *         -EOPNOTSUPP: the format is absent from this library; or what the system says
 */
int ttb_export_open(const struct ttb_export_opts *opts, const struct ttb_trace_header *header,
                    int fd, struct ttb_export **made, char *error, size_t error_size);

/**
 * Add a record, in the trace's order. Perfetto, HTML: those of wall.ttb may follow those of run.ttb.
 * @return 0; or why it cannot be written, now and from now on (-EPIPE, -ENOSPC, -ENOMEM, ...)
 */
int ttb_export_feed(struct ttb_export *exporter, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record);

/** feed() as a sink, `user` being the export. What goes wrong is told by ttb_export_close(). */
void ttb_export_sink(void *user, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record);

/**
 * Write what stands at the end and free the export. The reader or writer whose tables feed() got last
 * must still be there.
 * @return 0; -ESRCH: the node or link that was asked for has not occurred; -EFBIG: more than
 *         an HTML report holds, the rest was left out; or what feed() returned.
 *         The export is gone in any case. NULL is allowed.
 */
int ttb_export_close(struct ttb_export *exporter, char *error, size_t error_size);

/**
 * Export a trace.
 * @param path  a run directory or a trace
 * @param text  gets a sentence when the result is not 0; may be NULL
 * @return 0; -ENODATA: the trace was truncated, or its run goes on, -EBADMSG: it is damaged: what is
 *         there has been exported, and the sentence says up to which simulated time; -EFBIG: as
 *         ttb_export_close(); -ESRCH: there is no such node or link; or what ttb_export_open(),
 *         ttb_export_feed() or ttb_trace_reader_open() returned
 */
int ttb_export_trace(const char *path, const struct ttb_export_opts *opts, int fd, char *text,
                     size_t size_bytes);

#ifdef __cplusplus
}
#endif
#endif
