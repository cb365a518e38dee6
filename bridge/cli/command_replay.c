/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb replay: repeat a run from its trace alone, and compare while it runs. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ttbridge/scenario.h>
#include <ttbridge/trace.h>

#include "cli.h"
#include "run/run.h"
#include "run/time_text.h"
#include "what_if.h"

struct request {
    const char *path;
    const char *directory;
    const char *node; /* NULL: all */
    uint64_t until_ns;
    uint32_t jobs;
    const char **overrides; /* ends with NULL */
    const char *const *gdb; /* its arguments; NULL: no gdb */
    bool quiet;
};

/* One sequence of records that shall be the same. */
struct stream {
    struct ttb_trace_reader *recorded;
    struct ttb_trace_compare *compare;
};

struct replay {
    const struct request *request;
    struct ttb_trace_reader *recorded; /* for header and footer */
    /* Of a run: all. Of a node alone: what it did, and what was seen of it, which a node that ran ahead
     * of the others did earlier (run/play.c). */
    struct stream streams[2];
    unsigned stream_count;
    struct ttb__run *run;
    bool stopped; /* at --until: what is said while the run is cleared away is no part of it */
};

static void help(void)
{
    fputs("usage: ttb replay RUN [OPTION...]\n"
          "       ttb replay RUN --node NAME [OPTION...] [--gdb [-- GDB-ARGUMENT...]]\n"
          "\n"
          "Repeats a run, given by its directory or trace: the scenario, seed, kernels and images\n"
          "are taken from the trace. Compares all that happens with what was recorded, and stops\n"
          "at the first difference.\n"
          "\n"
          "      --until TIME  stop at this simulated time, e.g. 3.2s, 20ms: compare what came\n"
          "                    before\n"
          "  -n, --node NAME   this node alone, without the others and their network: it gets the\n"
          "                    frames that it got, and what was done to it is done again\n"
          "      --gdb         with --node: run gdb on the node's kernel, attached at the time of\n"
          "                    --until (else where the node starts). Simulated time stands still\n"
          "                    while gdb does; what follows \"--\" goes to gdb\n"
          "      --set KEY=VALUE\n"
          "                    what if: repeat it with this field of the scenario changed, e.g.\n"
          "                    links.lan.delay=5ms, and see what differs first; may be repeated\n"
          "      --jobs N      let up to N nodes run at the same time; default: auto. It changes\n"
          "                    nothing, however many there were when it was recorded\n"
          "  -o, --output DIR  keep the repeated run in DIR\n"
          "  -q, --quiet       no progress line, and say nothing if it is the same\n"
          "\n"
          "Exit status: 0 identical, as far as the recording goes; 1 it differs; 2 usage; 3 the\n"
          "trace cannot be read, or the run broke.\n",
          stdout);
}

static void on_record(void *user, const struct ttb_trace_tables *tables,
                      const struct ttb_trace_record *record)
{
    struct replay *replay = user;

    for (unsigned i = 0; i < replay->stream_count && !replay->stopped; i++) {
        if (ttb_trace_compare_feed(replay->streams[i].compare, tables, record) != 0 && replay->run)
            ttb__run_interrupt(replay->run);
    }
}

/* Worth knowing, whether it made a difference or not. */
static void print_origins(const struct replay *replay)
{
    struct ttb_trace_reader *repeated;

    if (ttb_trace_reader_open(ttb__run_directory(replay->run), NULL, &repeated, NULL, 0) != 0)
        return;
    print_made_of(ttb_trace_reader_header(replay->recorded), ttb_trace_reader_header(repeated),
                  "\nWhat the runs were made of differs:");
    ttb_trace_reader_free(repeated);
}

static void print_difference(const struct replay *replay,
                             const struct ttb_trace_difference *difference)
{
    printf("differs at %.9f s, after %" PRIu64 " equal records: %s\n",
           (double)difference->time_ns / 1e9, difference->compared, difference->summary);
    for (size_t i = 0; i < difference->before_count; i++)
        printf("            %s\n", difference->before[i]);
    printf("  recorded  %s\n", difference->expected ? difference->expected : "(nothing more)");
    printf("  repeated  %s\n", difference->actual ? difference->actual : "(nothing more)");
    print_origins(replay);
}

/* The recording itself was cut off: it is the same as far as it goes. */
static bool recording_was_cut(const struct stream *stream)
{
    const struct ttb_trace_difference *difference = ttb_trace_compare_difference(stream->compare);
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(stream->recorded);

    if (difference->expected)
        return false;
    return !footer || footer->ending == TTB_TRACE_STOPPED || footer->ending == TTB_TRACE_FAILED ||
           footer->lost_records > 0;
}

/* Not at its end, but where it was told to; gdb may have ended it as well. */
static bool was_stopped(const struct replay *replay)
{
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(replay->streams[0].recorded);

    if (!replay->request->node)
        return replay->stopped;
    if (replay->request->gdb)
        return !footer || ttb__run_now_ns(replay->run) < footer->end_ns;
    return replay->request->until_ns != TTB_TIME_NEVER;
}

/* To where that was. A whole run stands still at the last act before that. */
static uint64_t stop_ns(const struct replay *replay)
{
    return replay->stopped ? replay->request->until_ns : ttb__run_now_ns(replay->run);
}

static int finish(const struct replay *replay, struct ttb_trace_compare *compare)
{
    int rc = ttb_trace_compare_result(compare);

    if (rc)
        return rc;
    return was_stopped(replay) ? ttb_trace_compare_finish_at(compare, stop_ns(replay))
                               : ttb_trace_compare_finish(compare);
}

/* The earliest difference, if there is one. @return 0, -ENODATA: the recording was cut off, or another
 * error, *error telling */
static int find_difference(const struct replay *replay,
                           const struct ttb_trace_difference **difference, const char **error)
{
    bool cut = false;

    *difference = NULL;
    for (unsigned i = 0; i < replay->stream_count; i++) {
        const struct stream *stream = &replay->streams[i];
        const struct ttb_trace_difference *found;
        int rc = finish(replay, stream->compare);

        *error = ttb_trace_compare_error(stream->compare);
        if (rc < 0 && rc != -ENODATA)
            return rc;
        if (rc != 1) {
            cut = cut || rc == -ENODATA;
            continue;
        }
        if (recording_was_cut(stream)) {
            cut = true;
            continue;
        }
        found = ttb_trace_compare_difference(stream->compare);
        if (!*difference || found->time_ns < (*difference)->time_ns)
            *difference = found;
    }
    return cut ? -ENODATA : 0;
}

static uint64_t compared_until_ns(const struct replay *replay, bool cut)
{
    uint64_t until_ns = ttb__run_now_ns(replay->run), read_ns;

    if (was_stopped(replay) && !cut)
        return stop_ns(replay);
    for (unsigned i = 0; i < replay->stream_count; i++) {
        ttb_trace_reader_end(replay->streams[i].recorded, &read_ns);
        if (i == 0 || read_ns > until_ns)
            until_ns = read_ns;
    }
    return until_ns;
}

static int report(const struct replay *replay)
{
    const struct ttb_trace_difference *difference;
    const char *error;
    int rc = find_difference(replay, &difference, &error);

    if (rc && rc != -ENODATA) {
        fprintf(stderr, "ttb replay: %s\n", error);
        return EXIT_BROKEN;
    }
    if (difference) {
        print_difference(replay, difference);
        return EXIT_DIFFERS;
    }
    if (replay->request->quiet)
        return EXIT_AS_EXPECTED;
    if (replay->request->node)
        printf("node %s alone: ", replay->request->node);
    printf("identical%s, to %.9f s of simulated time\n", rc ? " as far as was recorded" : "",
           (double)compared_until_ns(replay, rc != 0) / 1e9);
    print_origins(replay);
    return EXIT_AS_EXPECTED;
}

static int play(struct replay *replay)
{
    const struct ttb__play_opts opts = {
        .trace = replay->request->path,
        .until_ns = replay->request->until_ns,
        .gdb = replay->request->gdb,
    };

    if (ttb__run_play(replay->run, &opts) == 0)
        return 0;
    fprintf(stderr, "ttb replay: %s\n", ttb__run_error(replay->run));
    return EXIT_BROKEN;
}

/* The recorded run was one of "--record ports". Older traces do not say so, but have no devices then. */
static bool has_ports_only(const struct replay *replay)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(replay->recorded);
    const struct ttb_trace_header *header = ttb_trace_reader_header(replay->recorded);

    if (header->ports_only || !header->ns3_version)
        return header->ports_only;
    for (size_t i = 0; i < tables->place_count; i++) {
        if (tables->places[i].kind == TTB_TRACE_DEVICE)
            return false;
    }
    return true;
}

static int repeat(struct replay *replay, const struct what_if *what_if)
{
    const struct request *request = replay->request;
    struct ttb__run_opts opts = {
        .scenario = what_if->scenario,
        .directory = request->directory,
        .progress = !request->quiet && !request->gdb && isatty(STDERR_FILENO),
        .packed = {what_if->packed, what_if->packed_bytes},
        .only_node = request->node,
        .debuggable = request->gdb != NULL,
        .has_stop = !request->node && request->until_ns != TTB_TIME_NEVER,
        .stop_ns = request->until_ns,
        .jobs = request->jobs,
        .no_look_ahead = ttb_trace_reader_header(replay->recorded)->no_look_ahead,
        .ports_only = has_ports_only(replay),
        .sink = on_record,
        .sink_user = replay,
    };
    char error[1200];
    int status = 0;

    if (ttb__run_new(&opts, &replay->run, error, sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        return EXIT_BROKEN;
    }
    if (request->node) {
        status = play(replay);
    } else if (ttb__run_repeat_input(replay->run, request->path, error, sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        status = EXIT_BROKEN;
    } else {
        ttb__run_execute(replay->run);
        replay->stopped = ttb__run_has_come_to_stop(replay->run);
        ttb__run_conclude(replay->run);
    }
    if (!status)
        status = report(replay);
    ttb__run_free(replay->run);
    return status;
}

/* ------------------------------------------------------------------------------------- set-up */

static int find_node(const struct replay *replay, const Ttb__Scenario *scenario, uint32_t *id)
{
    const char *name = replay->request->node;

    for (size_t i = 0; i < scenario->n_nodes; i++) {
        *id = (uint32_t)i; /* nodes are added in the scenario's order */
        if (strcmp(scenario->nodes[i]->name, name) == 0)
            return 0;
    }
    fprintf(stderr, "ttb replay: --node: there is no node \"%s\"; nodes of this run:", name);
    for (size_t i = 0; i < scenario->n_nodes; i++)
        fprintf(stderr, " %s", scenario->nodes[i]->name);
    fputc('\n', stderr);
    return -ENOENT;
}

static int add_stream(struct replay *replay, const struct ttb_trace_compare_opts *opts)
{
    struct stream *stream = &replay->streams[replay->stream_count];
    char error[600];

    if (ttb_trace_reader_open(replay->request->path, NULL, &stream->recorded, error,
                              sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        return -EIO;
    }
    if (ttb_trace_compare_new(stream->recorded, opts, &stream->compare)) {
        ttb_trace_reader_free(stream->recorded);
        fputs("ttb replay: out of memory\n", stderr);
        return -ENOMEM;
    }
    replay->stream_count++;
    return 0;
}

static int add_streams(struct replay *replay, uint32_t node)
{
    struct ttb_trace_compare_opts opts = {.size = sizeof(opts)};
    int rc;

    if (!replay->request->node)
        return add_stream(replay, &opts);
    opts.one_node = true;
    opts.only_node = node;
    opts.without_network = true;
    opts.kinds = 1U << TTB_TRACE_FRAME | 1U << TTB_TRACE_EVENT;
    rc = add_stream(replay, &opts);
    opts.kinds = 1U << TTB_TRACE_GRANT | 1U << TTB_TRACE_CONSOLE | 1U << TTB_TRACE_STATE;
    /* A stop in the midst of a grant makes two of it, and what it printed bears their times. */
    opts.without_schedule = opts.without_times =
        replay->request->gdb && replay->request->until_ns != TTB_TIME_NEVER;
    return rc ? rc : add_stream(replay, &opts);
}

static int compare_and_repeat(struct replay *replay, const struct what_if *what_if)
{
    int status = EXIT_BROKEN;
    uint32_t node = 0;

    if (replay->request->node && find_node(replay, what_if->scenario, &node))
        return EXIT_USAGE;
    if (!add_streams(replay, node))
        status = repeat(replay, what_if);
    for (unsigned i = 0; i < replay->stream_count; i++) {
        ttb_trace_compare_free(replay->streams[i].compare);
        ttb_trace_reader_free(replay->streams[i].recorded);
    }
    return status;
}

static int replay_trace(const struct request *request)
{
    struct replay replay = {.request = request};
    struct what_if what_if;
    char error[1200];
    int status = EXIT_BROKEN;

    if (ttb_trace_reader_open(request->path, NULL, &replay.recorded, error, sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        return EXIT_BROKEN;
    }
    status = what_if_open(&what_if, request->path, replay.recorded, request->overrides);
    if (!status)
        status = compare_and_repeat(&replay, &what_if);
    what_if_close(&what_if);
    ttb_trace_reader_free(replay.recorded);
    return status;
}

/* ------------------------------------------------------------------------------- command line */

/* Returns 0, or EXIT_USAGE; -1: help was asked for. */
static int parse(int argc, char **argv, struct request *request)
{
    enum {
        UNTIL = 256,
        GDB,
        JOBS,
        SET
    };
    static const struct option options[] = {
        {"node", required_argument, NULL, 'n'},
        {"until", required_argument, NULL, UNTIL},
        {"gdb", no_argument, NULL, GDB},
        {"jobs", required_argument, NULL, JOBS},
        {"set", required_argument, NULL, SET},
        {"output", required_argument, NULL, 'o'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const char *const none[] = {NULL};
    int option, status, count = 1, override_count = 0;
    bool gdb = false;

    while (count < argc && strcmp(argv[count], "--") != 0)
        count++;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(count, argv, "n:o:qh", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            request->node = optarg;
            break;
        case UNTIL:
            if (!ttb__time_parse(optarg, &request->until_ns))
                return usage_error("replay", "--until: \"%s\" is no time, such as 3.2s or 20ms",
                                   optarg);
            break;
        case GDB:
            gdb = true;
            break;
        case SET:
            if (!strchr(optarg, '=') || *optarg == '=')
                return usage_error("replay", "--set: \"%s\" is not KEY=VALUE", optarg);
            request->overrides[override_count++] = optarg;
            break;
        case JOBS:
            status = parse_jobs("replay", optarg, &request->jobs);
            if (status)
                return status;
            break;
        case 'o':
            request->directory = optarg;
            break;
        case 'q':
            request->quiet = true;
            break;
        case 'h':
            help();
            return -1;
        default:
            return usage_error("replay", "there is no option \"%s\", or it lacks its value",
                               argv[optind - 1]);
        }
    }
    if (optind == count)
        return usage_error("replay", "which run?");
    if (optind + 1 != count)
        return usage_error("replay", "one run at a time, not also \"%s\"", argv[optind + 1]);
    if (gdb && !request->node)
        return usage_error("replay", "--gdb: of which node? (--node NAME)");
    if (count < argc && !gdb)
        return usage_error("replay",
                           "what follows \"--\" is for gdb: without --gdb, there is none");
    request->path = argv[optind];
    if (gdb)
        request->gdb = count < argc ? (const char *const *)argv + count + 1 : none;
    return 0;
}

int command_replay(int argc, char **argv)
{
    struct request request = {.until_ns = TTB_TIME_NEVER};
    int status;

    request.overrides = calloc((size_t)argc + 1, sizeof(*request.overrides));
    if (!request.overrides) {
        fputs("ttb replay: out of memory\n", stderr);
        return EXIT_BROKEN;
    }
    status = parse(argc, argv, &request);
    if (!status)
        status = replay_trace(&request);
    free(request.overrides);
    return status < 0 ? EXIT_AS_EXPECTED : status;
}
