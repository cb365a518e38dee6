/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ttbridge/trace.h>

static const char help[] =
    "usage: ttb diff [--behaviour] A B\n"
    "\n"
    "The first difference between two runs, given by their directories or traces: what they were\n"
    "made of that differs (scenario, seed, kernels, images, machine), the record on both sides, "
    "and\n"
    "those before it; once for all records, and once for what nodes did alone.\n"
    "\n"
    "  --behaviour  leave out how nodes were scheduled and what happened inside the network\n"
    "\n"
    "Exit status: 0 the runs are the same; 1 they differ, or one trace is cut off and they are "
    "the\n"
    "same as far as it goes; 2 usage; 3 a trace cannot be read.\n";

static void print_difference(const struct ttb_trace_difference *difference)
{
    printf("%s\n", difference->summary);
    printf("after %llu equal records\n", (unsigned long long)difference->compared);
    for (size_t i = 0; i < difference->before_count; i++)
        printf("  %s\n", difference->before[i]);
    printf("- %s\n", difference->expected ? difference->expected : "(the run has ended)");
    printf("+ %s\n", difference->actual ? difference->actual : "(the run has ended)");
}

static int print_same(const struct ttb_trace_reader *expected,
                      const struct ttb_trace_reader *actual, bool behaviour)
{
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(expected);
    char hex[65];

    /* Digests begin with the seed. */
    if (ttb_trace_reader_header(expected)->seed != ttb_trace_reader_header(actual)->seed) {
        printf("the same records, although the seeds differ\n");
        return EXIT_DIFFERS;
    }
    if (footer) {
        ttb_trace_hex(behaviour ? footer->digest.behaviour : footer->digest.all, hex);
        printf("the same %s: %s\n", behaviour ? "behaviour" : "run", hex);
    }
    return EXIT_AS_EXPECTED;
}

static int diff(const char *a, const char *b, const struct ttb_trace_compare_opts *opts,
                bool with_headers)
{
    struct ttb_trace_reader *expected = NULL, *actual = NULL;
    struct ttb_trace_compare *compare = NULL;
    char error[512];
    int status = EXIT_BROKEN, rc;

    if (ttb_trace_reader_open(a, NULL, &expected, error, sizeof(error)) ||
        ttb_trace_reader_open(b, NULL, &actual, error, sizeof(error))) {
        fprintf(stderr, "ttb diff: %s\n", error);
        goto out;
    }
    if (with_headers)
        if (print_made_of(ttb_trace_reader_header(expected), ttb_trace_reader_header(actual),
                          "What the runs were made of differs:"))
            putchar('\n');
    rc = ttb_trace_diff(expected, actual, opts, &compare);
    if (rc == 0) {
        status = print_same(expected, actual, opts->without_schedule);
    } else if (rc == 1) {
        print_difference(ttb_trace_compare_difference(compare));
        status = EXIT_DIFFERS;
    } else if (rc == -ENODATA) {
        printf("the same as far as both go: %s\n", ttb_trace_compare_error(compare));
        status = EXIT_DIFFERS;
    } else {
        fprintf(stderr, "ttb diff: %s\n",
                compare ? ttb_trace_compare_error(compare) : strerror(-rc));
    }
out:
    ttb_trace_compare_free(compare);
    ttb_trace_reader_free(expected);
    ttb_trace_reader_free(actual);
    return status;
}

int command_diff(int argc, char **argv)
{
    struct ttb_trace_compare_opts opts = {.size = sizeof(opts)};
    bool behaviour = false;
    int first = 1, status;

    for (; first < argc && argv[first][0] == '-'; first++) {
        if (is_help(argv[first])) {
            fputs(help, stdout);
            return EXIT_AS_EXPECTED;
        }
        if (strcmp(argv[first], "--behaviour") != 0)
            return usage_error("diff", "there is no option \"%s\"", argv[first]);
        opts.without_schedule = opts.without_network = behaviour = true;
    }
    if (argc - first < 2)
        return usage_error("diff", "which two runs?");
    if (argc - first > 2)
        return usage_error("diff", "\"%s\" is one argument too many", argv[first + 2]);
    status = diff(argv[first], argv[first + 1], &opts, true);
    if (status != EXIT_DIFFERS || behaviour)
        return status;
    /* Which node was let run when says little to those who look for what a change has done. */
    puts("\nLeaving out how nodes were scheduled and what happened inside the network:");
    opts.without_schedule = opts.without_network = true;
    return diff(argv[first], argv[first + 1], &opts, false) == EXIT_BROKEN ? EXIT_BROKEN : status;
}
