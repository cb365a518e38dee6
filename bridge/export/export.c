/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An export: which records get to the format, and reading a whole trace.
 */
#include "export/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* --------------------------------------------------------------------------------------- names */

static const struct {
    const char *name;
    const struct ttb__format *format;
} formats[] = {
    [TTB_EXPORT_PCAPNG] = {"pcapng", &ttb__format_pcapng},
    [TTB_EXPORT_CSV] = {"csv", &ttb__format_csv},
    [TTB_EXPORT_JSONL] = {"jsonl", &ttb__format_jsonl},
    [TTB_EXPORT_FLOWS] = {"flows", &ttb__format_flows},
    [TTB_EXPORT_FLOWMONITOR] = {"flowmonitor", &ttb__format_flowmonitor},
    [TTB_EXPORT_PERFETTO] = {"perfetto", &ttb__format_perfetto},
    [TTB_EXPORT_HTML] = {"html", &ttb__format_html},
    [TTB_EXPORT_NETANIM] = {"netanim", &ttb__format_netanim},
};

static const char *const tables_by_name[] = {
    [TTB_EXPORT_FRAMES] = "frames",   [TTB_EXPORT_GRANTS] = "grants",
    [TTB_EXPORT_CONSOLE] = "console", [TTB_EXPORT_STATES] = "states",
    [TTB_EXPORT_EVENTS] = "events",   [TTB_EXPORT_EXPECTATIONS] = "expectations",
    [TTB_EXPORT_QUEUES] = "queues",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *ttb_export_format_name(enum ttb_export_format format)
{
    return (size_t)format < COUNT(formats) ? formats[format].name : NULL;
}

int ttb_export_format_find(const char *name, enum ttb_export_format *format)
{
    for (size_t i = 0; i < COUNT(formats); i++) {
        if (formats[i].name && strcmp(formats[i].name, name) == 0) {
            *format = (enum ttb_export_format)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *ttb_export_table_name(enum ttb_export_table table)
{
    return (size_t)table < COUNT(tables_by_name) ? tables_by_name[table] : NULL;
}

int ttb_export_table_find(const char *name, enum ttb_export_table *table)
{
    for (size_t i = 0; i < COUNT(tables_by_name); i++) {
        if (tables_by_name[i] && strcmp(tables_by_name[i], name) == 0) {
            *table = (enum ttb_export_table)i;
            return 0;
        }
    }
    return -EINVAL;
}

enum ttb_export_table ttb__table_of(enum ttb_trace_kind kind)
{
    switch (kind) {
    case TTB_TRACE_FRAME:
        return TTB_EXPORT_FRAMES;
    case TTB_TRACE_GRANT:
        return TTB_EXPORT_GRANTS;
    case TTB_TRACE_CONSOLE:
        return TTB_EXPORT_CONSOLE;
    case TTB_TRACE_STATE:
        return TTB_EXPORT_STATES;
    case TTB_TRACE_EVENT:
        return TTB_EXPORT_EVENTS;
    case TTB_TRACE_EXPECTATION:
        return TTB_EXPORT_EXPECTATIONS;
    case TTB_TRACE_QUEUE:
        return TTB_EXPORT_QUEUES;
    default:
        return TTB_EXPORT_DEFAULT;
    }
}

void ttb__place_name(const struct ttb_trace_tables *tables, uint32_t id, char *text,
                     size_t size_bytes)
{
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, id);
    const struct ttb_trace_node *node =
        place && place->node != TTB_TRACE_NONE ? ttb_trace_find_node(tables, place->node) : NULL;

    if (!place && id == TTB_TRACE_NONE)
        snprintf(text, size_bytes, "network");
    else if (!place)
        snprintf(text, size_bytes, "place %" PRIu32, id);
    else if (node)
        snprintf(text, size_bytes, "%s.%s", node->name, place->name);
    else
        snprintf(text, size_bytes, "%s", place->name);
}

const char *ttb__record_words(const struct ttb_trace_tables *tables,
                              const struct ttb_trace_record *record, char *text, size_t size_bytes)
{
    static const char event[] = "event  ";
    const char *words;

    ttb_trace_describe(tables, record, text, size_bytes);
    words = strstr(text, " s  ");
    words = words ? strstr(words + 4, "  ") : NULL;
    words = words ? words + 2 : text;
    if (record->kind == TTB_TRACE_EVENT && strncmp(words, event, strlen(event)) == 0)
        words += strlen(event);
    return words;
}

uint64_t ttb__place_speed(const struct ttb_trace_tables *tables,
                          const struct ttb_trace_place *place)
{
    const struct ttb_trace_link *link;

    if (place->speed_bps || place->link == TTB_TRACE_NONE)
        return place->speed_bps;
    link = ttb_trace_find_link(tables, place->link);
    return link ? link->rate_bps : 0;
}

struct ttb_trace_bytes ttb__frame_reason(const struct ttb_trace_frame *frame)
{
    struct ttb_trace_bytes reason = frame->reason;

    if (!reason.len_bytes && frame->what == TTB_TRACE_DROPPED) {
        reason.data = ttb_drop_name(frame->port_reason);
        reason.len_bytes = strlen(reason.data);
    } else if (!reason.len_bytes && frame->what == TTB_TRACE_LOST) {
        reason.data = "lost";
        reason.len_bytes = strlen(reason.data);
    }
    return reason;
}

/* -------------------------------------------------------------------------------------- filter */

/* A node's own places are its ports: they have its point of view, and a device would show all that once
 * more. Those of switches, routers and hosts go by their names: "switch/lan". */
static bool is_of_node(const struct ttb_export *export, const struct ttb_trace_place *place)
{
    size_t len_bytes = strlen(export->opts.node);

    if (!place)
        return false;
    if (export->node != TTB_TRACE_NONE)
        return place->node == export->node;
    return place->kind == TTB_TRACE_DEVICE &&
           strncmp(place->name, export->opts.node, len_bytes) == 0 && place->name[len_bytes] == '/';
}

static void learn_names(struct ttb_export *export, const struct ttb_trace_tables *tables)
{
    for (; export->opts.node && export->known_nodes < tables->node_count; export->known_nodes++) {
        const struct ttb_trace_node *node = &tables->nodes[export->known_nodes];

        if (strcmp(node->name, export->opts.node) == 0)
            export->node = node->id;
    }
    for (; export->opts.node && export->known_places < tables->place_count; export->known_places++)
        export->owner_is_known |= is_of_node(export, &tables->places[export->known_places]);
    for (; export->opts.link && export->known_links < tables->link_count; export->known_links++) {
        const struct ttb_trace_link *link = &tables->links[export->known_links];

        if (strcmp(link->name, export->opts.link) == 0)
            export->link = link->id;
    }
}

bool ttb__export_wants_place(const struct ttb_export *export, const struct ttb_trace_tables *tables,
                             uint32_t id)
{
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, id);

    if (place && ((place->is_control && !export->opts.control && !export->format->commands) ||
                  (place->kind == TTB_TRACE_DEVICE && export->opts.ports_only)))
        return false;
    if (export->opts.node && !is_of_node(export, place))
        return false;
    if (export->opts.link &&
        (!place || export->link == TTB_TRACE_NONE || place->link != export->link))
        return false;
    return true;
}

/* The same, looked up: there are many frames, and few places. Until something is declared nothing changes. */
static bool wants_place(struct ttb_export *export, const struct ttb_trace_tables *tables,
                        uint32_t id)
{
    uint8_t verdict = id < export->verdict_count ? export->verdicts[id] : 0;

    if (!verdict) {
        verdict = ttb__export_wants_place(export, tables, id) ? 1 : 2;
        if (id < export->verdict_count)
            export->verdicts[id] = verdict;
    }
    return verdict == 1;
}

/* What is declared may be declared again, otherwise: verdicts are found anew. @return 0; -ENOMEM */
static int forget_verdicts(struct ttb_export *export, const struct ttb_trace_tables *tables)
{
    if (tables->place_count > export->verdict_count) {
        uint8_t *grown = realloc(export->verdicts, 2 * tables->place_count);

        if (!grown)
            return -ENOMEM;
        export->verdicts = grown;
        export->verdict_count = 2 * tables->place_count;
    }
    if (export->verdict_count)
        memset(export->verdicts, 0, export->verdict_count);
    return 0;
}

static bool is_about_link(const struct ttb_export *export, const struct ttb_trace_event *event)
{
    size_t len_bytes = strlen(export->opts.link);

    return event->target.len_bytes == len_bytes &&
           memcmp(event->target.data, export->opts.link, len_bytes) == 0;
}

static bool declares(const struct ttb_trace_record *record)
{
    return record->kind == TTB_TRACE_NODE_DECLARED || record->kind == TTB_TRACE_LINK_DECLARED ||
           record->kind == TTB_TRACE_PLACE_DECLARED;
}

static bool wants(struct ttb_export *export, const struct ttb_trace_tables *tables,
                  const struct ttb_trace_record *record)
{
    if (declares(record))
        return true;
    if (export->format->whole && record->kind == TTB_TRACE_FRAME) {
        const struct ttb_trace_place *place = ttb_trace_find_place(tables, record->frame.place);

        return !place || !place->is_control || export->opts.control;
    }
    if (record->time_ns < export->opts.from_ns ||
        (export->opts.to_ns && record->time_ns >= export->opts.to_ns))
        return false;
    if (record->kind == TTB_TRACE_FRAME)
        return wants_place(export, tables, record->frame.place);
    if (record->kind == TTB_TRACE_QUEUE)
        return wants_place(export, tables, record->queue.place);
    if (export->opts.node && (export->node == TTB_TRACE_NONE || record->node != export->node))
        return false;
    if (export->opts.link)
        return record->kind == TTB_TRACE_EVENT && is_about_link(export, &record->event);
    return true;
}

/* ------------------------------------------------------------------------------------- the API */

static int tell(char *text, size_t size_bytes, int rc, const char *sentence)
{
    if (text && size_bytes)
        snprintf(text, size_bytes, "%s", sentence);
    return rc;
}

static void export_free(struct ttb_export *export)
{
    if (export->state && export->format->clear)
        export->format->clear(export);
    free(export->state);
    ttb__stream_free(&export->stream);
    free(export->verdicts);
    free((char *)export->opts.node);
    free((char *)export->opts.link);
    free(export);
}

static int copy_opts(struct ttb_export *export, const struct ttb_export_opts *opts)
{
    size_t size = opts->size < sizeof(*opts) ? opts->size : sizeof(*opts);

    memcpy(&export->opts, opts, size);
    export->opts.node = export->opts.link = NULL;
    if (opts->node && !(export->opts.node = strdup(opts->node)))
        return -ENOMEM;
    if (opts->link && !(export->opts.link = strdup(opts->link)))
        return -ENOMEM;
    return 0;
}

int ttb_export_open(const struct ttb_export_opts *opts, const struct ttb_trace_header *header,
                    int fd, struct ttb_export **made, char *error, size_t error_size)
{
    struct ttb_export *export;
    int rc;

    *made = NULL;
    if (!opts || opts->size < offsetof(struct ttb_export_opts, flush) || !header)
        return tell(error, error_size, -EINVAL, "export: no options or no header");
    if (!ttb_export_format_name(opts->format))
        return tell(error, error_size, -EINVAL, "export: there is no such format");
    if (opts->to_ns && opts->to_ns <= opts->from_ns)
        return tell(error, error_size, -EINVAL,
                    "export: the end of the time range is not after "
                    "its beginning");
    export = calloc(1, sizeof(*export));
    if (!export)
        return tell(error, error_size, -ENOMEM, "export: out of memory");
    export->format = formats[opts->format].format;
    export->header = header;
    export->node = export->link = TTB_TRACE_NONE;
    rc = copy_opts(export, opts);
    if (!rc)
        rc = ttb__stream_open(&export->stream, fd);
    if (!rc && !(export->state = calloc(1, export->format->state_bytes)))
        rc = -ENOMEM;
    if (!rc && export->format->begin)
        rc = export->format->begin(export);
    if (!rc && export->opts.flush)
        rc = ttb__stream_flush(&export->stream);
    if (rc) {
        export_free(export);
        if (rc == -EOPNOTSUPP)
            return tell(error, error_size, rc,
                        "this ttb was built without the HTML report, because npm or its packages "
                        "could not be had: doc/report.md tells what building it needs");
        return tell(error, error_size, rc, strerror(-rc));
    }
    *made = export;
    return 0;
}

static size_t count_declared(const struct ttb_trace_tables *tables)
{
    return tables->node_count + tables->link_count + tables->place_count;
}

/* Something was declared that may change which records pass: a name, a place. @return 0; -ENOMEM */
static int learn(struct ttb_export *export, const struct ttb_trace_tables *tables)
{
    export->declared_count = count_declared(tables);
    learn_names(export, tables);
    return forget_verdicts(export, tables);
}

int ttb_export_feed(struct ttb_export *export, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record)
{
    if (export->status)
        return export->status;
    export->tables = tables;
    if ((export->declared_count != count_declared(tables) || declares(record)) &&
        learn(export, tables))
        return export->status = -ENOMEM;
    if (!wants(export, tables, record))
        return 0;
    if (record->time_ns > export->latest_ns)
        export->latest_ns = record->time_ns;
    export->status = export->format->record(export, tables, record);
    if (!export->status)
        export->status =
            export->opts.flush ? ttb__stream_flush(&export->stream) : export->stream.status;
    return export->status;
}

void ttb_export_sink(void *user, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    ttb_export_feed(user, tables, record);
}

int ttb_export_close(struct ttb_export *export, char *error, size_t error_size)
{
    char text[256];
    int rc;

    if (!export)
        return 0;
    if (!export->status && export->format->end)
        export->status = export->format->end(export);
    rc = export->status;
    if (!rc)
        rc = ttb__stream_flush(&export->stream);
    if (rc) {
        snprintf(text, sizeof(text), "export: cannot write: %s", strerror(-rc));
        tell(error, error_size, rc, text);
    } else if (export->opts.node && export->node == TTB_TRACE_NONE && !export->owner_is_known) {
        snprintf(text, sizeof(text), "export: the trace has no node \"%s\"", export->opts.node);
        rc = tell(error, error_size, -ESRCH, text);
    } else if (export->opts.link && export->link == TTB_TRACE_NONE) {
        snprintf(text, sizeof(text), "export: the trace has no link \"%s\"", export->opts.link);
        rc = tell(error, error_size, -ESRCH, text);
    } else if (export->is_partial) {
        snprintf(
            text, sizeof(text),
            "export: too much for one report, which says at its top what it leaves out: --from, "
            "--to and --node choose a part");
        rc = tell(error, error_size, -EFBIG, text);
    }
    export_free(export);
    return rc;
}

/* --------------------------------------------------------------------------------- whole traces */

/* Feed everything. @return 0; an error of the export, also in export->status; -ENODATA, -EBADMSG or
 * another error of the reader */
static int feed_all(struct ttb_export *export, struct ttb_trace_reader *reader)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(reader);
    struct ttb_trace_record record;
    int rc;

    if (learn(export, tables))
        return export->status = -ENOMEM;
    if (export->opts.from_ns) {
        /* In a pipe there is nothing to seek; the filter does it alone. */
        rc = ttb_trace_reader_seek(reader, export->opts.from_ns);
        if (rc && rc != -ESPIPE)
            return rc;
    }
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0) {
        rc = ttb_export_feed(export, tables, &record);
        if (rc)
            return rc;
    }
    if (!rc && ttb_trace_reader_end(reader, NULL) == TTB_TRACE_TRUNCATED)
        return -ENODATA;
    return rc;
}

/* What the run cost, if that is known. It is a trace of its own, so what is wrong with it says nothing
 * about the run, and truncated it is as good as far as it goes. */
static void feed_costs(struct ttb_export *export, const char *path)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .wall = true};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    struct stat status;

    if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode) ||
        ttb_trace_reader_open(path, &opts, &reader, NULL, 0))
        return;
    while (ttb_trace_reader_next(reader, &record) > 0) {
        if (record.kind == TTB_TRACE_COST &&
            ttb_export_feed(export, ttb_trace_reader_tables(reader), &record))
            break;
    }
    export->tables = NULL;
    ttb_trace_reader_free(reader);
}

/* A run holds the lock of its directory (lab.h) as long as it goes on. */
static bool goes_on(const char *path)
{
    char lock[4096];
    int fd;
    bool is_held;

    if ((size_t)snprintf(lock, sizeof(lock), "%s/lock", path) >= sizeof(lock))
        return false;
    fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    is_held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    close(fd);
    return is_held;
}

static void say_where_it_ends(struct ttb_export *export, struct ttb_trace_reader *reader,
                              const char *path, char *text, size_t size_bytes)
{
    uint64_t until_ns;

    export->goes_on =
        ttb_trace_reader_end(reader, &until_ns) == TTB_TRACE_TRUNCATED && goes_on(path);
    snprintf(text, size_bytes, "%s%s; exported up to %" PRIu64 ".%09" PRIu64 " s",
             export->goes_on ? path : ttb_trace_reader_error(reader),
             export->goes_on ? ": the run goes on" : "", until_ns / 1000000000,
             until_ns % 1000000000);
}

int ttb_export_trace(const char *path, const struct ttb_export_opts *opts, int fd, char *text,
                     size_t size_bytes)
{
    struct ttb_trace_reader_opts reader_opts = {.size = sizeof(reader_opts), .ahead = true};
    struct ttb_trace_reader *reader;
    struct ttb_export *export;
    char warning[1024];
    int rc, closed;

    rc = ttb_trace_reader_open(path, &reader_opts, &reader, text, size_bytes);
    if (rc)
        return rc;
    rc = ttb_export_open(opts, ttb_trace_reader_header(reader), fd, &export, text, size_bytes);
    if (rc) {
        ttb_trace_reader_free(reader);
        return rc;
    }
    rc = feed_all(export, reader);
    if (rc && !export->status) {
        say_where_it_ends(export, reader, path, warning, sizeof(warning));
        tell(text, size_bytes, rc, warning);
        export->warning = warning;
    }
    if (export->format->costs && !export->status)
        feed_costs(export, path);
    export->tables = ttb_trace_reader_tables(reader);
    export->footer = ttb_trace_reader_footer(reader);
    if (rc && !export->status) {
        closed = ttb_export_close(export, NULL, 0);
        if (closed && closed != -ESRCH && closed != -EFBIG) {
            rc = closed;
            tell(text, size_bytes, rc, strerror(-rc));
        }
    } else {
        rc = ttb_export_close(export, text, size_bytes);
    }
    ttb_trace_reader_free(reader);
    return rc;
}
