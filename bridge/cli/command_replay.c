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

struct replay {
    struct ttb_trace_reader *recorded;
    struct ttb_trace_compare *compare;
    struct ttb__run *run;
};

static void help(void)
{
    fputs("usage: ttb replay RUN [-o DIR] [--quiet]\n"
          "\n"
          "Repeats a run, given by its directory or trace: the scenario, seed, kernels and images\n"
          "are taken from the trace. Compares all that happens with what was recorded, and stops\n"
          "at the first difference.\n"
          "\n"
          "  -o, --output DIR  keep the repeated run in DIR\n"
          "  -q, --quiet       no progress line, and say nothing if it is the same\n"
          "\n"
          "Exit status: 0 identical, as far as the recording goes; 1 it differs; 2 usage; 3 the\n"
          "trace cannot be read, or the run broke.\n",
          stdout);
}

/* Kernels and images by the paths that were recorded, as long as there is something: if it is another
 * file by now, that is among what differs. */
static int use_artifacts(Ttb__Scenario *scenario, const struct ttb_trace_header *header,
                         const struct ttb_trace_tables *tables)
{
    for (size_t i = 0; i < tables->node_count && i < scenario->n_nodes; i++) {
        const struct ttb_trace_node *node = &tables->nodes[i];
        char **fields[] = {&scenario->nodes[i]->kernel, &scenario->nodes[i]->image};
        const uint32_t artifacts[] = {node->kernel, node->image};

        for (unsigned j = 0; j < 2; j++) {
            const char *path;
            char *copy;

            if (artifacts[j] >= header->artifact_count)
                continue;
            path = header->artifacts[artifacts[j]].path;
            if (!path || !strchr(path, '/') || access(path, R_OK) < 0)
                continue;
            copy = strdup(path);
            if (!copy)
                return -ENOMEM;
            free(*fields[j]);
            *fields[j] = copy;
        }
    }
    return 0;
}

static void on_record(void *user, const struct ttb_trace_tables *tables,
                      const struct ttb_trace_record *record)
{
    struct replay *replay = user;

    if (ttb_trace_compare_result(replay->compare) == 0)
        ttb_trace_compare_feed(replay->compare, tables, record);
    if (ttb_trace_compare_result(replay->compare) != 0 && replay->run)
        ttb__run_interrupt(replay->run);
}

static void print_line(void *user, const char *text)
{
    bool *any = user;

    if (!*any)
        puts("\nWhat the runs were made of differs:");
    *any = true;
    printf("  %s\n", text);
}

static void print_difference(const struct replay *replay)
{
    const struct ttb_trace_difference *difference = ttb_trace_compare_difference(replay->compare);
    struct ttb_trace_reader *repeated;
    bool any = false;

    printf("differs at %.9f s, after %" PRIu64 " equal records: %s\n",
           (double)difference->time_ns / 1e9, difference->compared, difference->summary);
    for (size_t i = 0; i < difference->before_count; i++)
        printf("            %s\n", difference->before[i]);
    printf("  recorded  %s\n", difference->expected ? difference->expected : "(nothing more)");
    printf("  repeated  %s\n", difference->actual ? difference->actual : "(nothing more)");
    if (ttb_trace_reader_open(ttb__run_directory(replay->run), NULL, &repeated, NULL, 0) == 0) {
        ttb_trace_diff_headers(ttb_trace_reader_header(replay->recorded),
                               ttb_trace_reader_header(repeated), print_line, &any);
        ttb_trace_reader_free(repeated);
    }
}

/* The recording itself was cut off: it is the same as far as it goes. */
static bool recording_was_cut(const struct replay *replay)
{
    const struct ttb_trace_difference *difference = ttb_trace_compare_difference(replay->compare);
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(replay->recorded);

    if (difference->expected)
        return false;
    return !footer || footer->ending == TTB_TRACE_STOPPED || footer->ending == TTB_TRACE_FAILED ||
           footer->lost_records > 0;
}

static int report(struct replay *replay, bool quiet)
{
    int rc = ttb_trace_compare_result(replay->compare);
    uint64_t until_ns;

    if (rc == 0)
        rc = ttb_trace_compare_finish(replay->compare);
    if (rc < 0 && rc != -ENODATA) { /* that: the recording was cut off */
        fprintf(stderr, "ttb replay: %s\n", ttb_trace_compare_error(replay->compare));
        return EXIT_BROKEN;
    }
    if (rc == 1 && !recording_was_cut(replay)) {
        print_difference(replay);
        return EXIT_DIFFERS;
    }
    ttb_trace_reader_end(replay->recorded, &until_ns);
    if (!quiet)
        printf("identical%s, to %.9f s of simulated time\n",
               rc != 0 ? " as far as was recorded" : "", (double)until_ns / 1e9);
    return EXIT_AS_EXPECTED;
}

static int repeat(struct replay *replay, const Ttb__Scenario *scenario, const char *path,
                  const char *directory, bool quiet)
{
    struct ttb__run_opts opts = {
        .scenario = scenario,
        .directory = directory,
        .progress = !quiet && isatty(STDERR_FILENO),
        .sink = on_record,
        .sink_user = replay,
    };
    char error[1200];
    int status;

    if (ttb__run_new(&opts, &replay->run, error, sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        return EXIT_BROKEN;
    }
    if (ttb__run_repeat_input(replay->run, path, error, sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        ttb__run_free(replay->run);
        return EXIT_BROKEN;
    }
    ttb__run_execute(replay->run);
    ttb__run_conclude(replay->run);
    status = report(replay, quiet);
    ttb__run_free(replay->run);
    return status;
}

static int replay_trace(const char *path, const char *directory, bool quiet)
{
    const struct ttb_scenario_opts scenario_opts = {.size = sizeof(scenario_opts), .name = path};
    struct replay replay = {0};
    const struct ttb_trace_header *header;
    Ttb__Scenario *scenario = NULL;
    char error[1200];
    int status = EXIT_BROKEN;

    if (ttb_trace_reader_open(path, NULL, &replay.recorded, error, sizeof(error))) {
        fprintf(stderr, "ttb replay: %s\n", error);
        return EXIT_BROKEN;
    }
    header = ttb_trace_reader_header(replay.recorded);
    if (!header->scenario.len_bytes)
        fprintf(stderr, "ttb replay: %s: has no scenario, so it cannot be repeated\n", path);
    else if (ttb_scenario_unpack(header->scenario.data, header->scenario.len_bytes, &scenario_opts,
                                 &scenario))
        fprintf(stderr, "ttb replay: %s: its scenario cannot be read\n", path);
    else if (use_artifacts(scenario, header, ttb_trace_reader_tables(replay.recorded)) ||
             ttb_trace_compare_new(replay.recorded, NULL, &replay.compare))
        fputs("ttb replay: out of memory\n", stderr);
    else
        status = repeat(&replay, scenario, path, directory, quiet);
    ttb_trace_compare_free(replay.compare);
    ttb_scenario_free(scenario);
    ttb_trace_reader_free(replay.recorded);
    return status;
}

int command_replay(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *directory = NULL;
    bool quiet = false;
    int option;

    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "o:qh", options, NULL)) != -1) {
        if (option == 'h') {
            help();
            return EXIT_AS_EXPECTED;
        }
        if (option == 'o')
            directory = optarg;
        else if (option == 'q')
            quiet = true;
        else
            return usage_error("replay", "there is no option \"%s\", or it lacks its value",
                               argv[optind - 1]);
    }
    if (optind == argc)
        return usage_error("replay", "which run?");
    if (optind + 1 != argc)
        return usage_error("replay", "one run at a time, not also \"%s\"", argv[optind + 1]);
    return replay_trace(argv[optind], directory, quiet);
}
