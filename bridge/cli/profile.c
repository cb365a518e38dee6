/* SPDX-License-Identifier: BSD-3-Clause */
/* `ttb show --profile`: where the wall time of a run went, from wall.ttb. */
#include "cli.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/trace.h>

#define PARTS (TTB_TRACE_PART_WAITING + 1)

struct sum {
    uint64_t wall_ns, activations, kicks, calls;
};

struct profile {
    struct sum *nodes; /* by position in the table */
    size_t node_count;
    struct sum parts[PARTS]; /* nodes: all together */
    uint64_t until_wall_ns, until_ns;
};

static void add(struct sum *sum, const struct ttb_trace_cost *cost)
{
    sum->wall_ns += cost->wall_ns;
    sum->activations += cost->activations;
    sum->kicks += cost->kicks;
    sum->calls += cost->calls;
}

static int count(struct profile *profile, const struct ttb_trace_tables *tables,
                 const struct ttb_trace_record *record)
{
    const struct ttb_trace_node *node = ttb_trace_find_node(tables, record->node);

    if (record->kind != TTB_TRACE_COST || (unsigned)record->cost.part >= PARTS)
        return 0;
    if (tables->node_count > profile->node_count) {
        struct sum *grown = realloc(profile->nodes, tables->node_count * sizeof(*grown));

        if (!grown)
            return -1;
        memset(grown + profile->node_count, 0,
               (tables->node_count - profile->node_count) * sizeof(*grown));
        profile->nodes = grown;
        profile->node_count = tables->node_count;
    }
    add(&profile->parts[record->cost.part], &record->cost);
    if (record->cost.part == TTB_TRACE_PART_NODE && node)
        add(&profile->nodes[node - tables->nodes], &record->cost);
    if (record->cost.at_wall_ns > profile->until_wall_ns)
        profile->until_wall_ns = record->cost.at_wall_ns;
    if (record->time_ns > profile->until_ns)
        profile->until_ns = record->time_ns;
    return 0;
}

static void print_sum(const struct profile *profile, const char *kind, const char *name,
                      const struct sum *sum)
{
    char label[64];

    snprintf(label, sizeof(label), "%s%s", kind, name);
    /* What stands in a trace may come from anybody. */
    for (char *at = label; *at; at++) {
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    printf("%-28.28s %10.1f %5.1f%%", label, (double)sum->wall_ns / 1e6,
           profile->until_wall_ns ? 100.0 * (double)sum->wall_ns / (double)profile->until_wall_ns
                                  : 0.0);
    if (sum->activations)
        printf(" %12" PRIu64 " %8.1f %10" PRIu64 " %10" PRIu64, sum->activations,
               (double)sum->wall_ns / 1e3 / (double)sum->activations, sum->kicks, sum->calls);
    printf("\n");
}

static void print(const struct profile *profile, const struct ttb_trace_tables *tables)
{
    struct sum rest = {.wall_ns = profile->until_wall_ns};
    bool has_others = false;

    printf("wall time      %.3f s for %.3f s of simulated time\n\n",
           (double)profile->until_wall_ns / 1e9, (double)profile->until_ns / 1e9);
    printf("%-28s %10s %6s %12s %8s %10s %10s\n", "", "wall ms", "", "activations", "us each",
           "kicks", "calls");
    for (size_t i = 0; i < profile->node_count; i++)
        print_sum(profile, "node ", tables->nodes[i].name, &profile->nodes[i]);
    for (unsigned part = 1; part < PARTS; part++) {
        uint64_t wall_ns = profile->parts[part].wall_ns;

        /* Nodes that run at the same time use more than there is. */
        rest.wall_ns -= wall_ns < rest.wall_ns ? wall_ns : rest.wall_ns;
        if (part != TTB_TRACE_PART_NODE && (wall_ns || profile->parts[part].activations)) {
            print_sum(profile, "", ttb_trace_part_name((enum ttb_trace_part)part),
                      &profile->parts[part]);
            has_others = true;
        }
    }
    print_sum(profile, has_others ? "the rest" : "network, bridge, recording", "", &rest);
}

int show_profile(const char *path)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .wall = true};
    struct profile profile = {.nodes = NULL};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    int rc, status = EXIT_BROKEN;
    char error[512];

    if (ttb_trace_reader_open(path, &opts, &reader, error, sizeof(error))) {
        fprintf(stderr, "ttb show: %s\n", error);
        return EXIT_BROKEN;
    }
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0) {
        if (count(&profile, ttb_trace_reader_tables(reader), &record)) {
            fprintf(stderr, "ttb show: out of memory\n");
            goto out;
        }
    }
    print(&profile, ttb_trace_reader_tables(reader));
    if (rc < 0) {
        fprintf(stderr, "ttb show: %s\n", ttb_trace_reader_error(reader));
    } else if (ttb_trace_reader_end(reader, NULL) != TTB_TRACE_COMPLETE) {
        printf("\n%s\n", ttb_trace_reader_error(reader));
        status = EXIT_DIFFERS;
    } else {
        status = EXIT_AS_EXPECTED;
    }
out:
    free(profile.nodes);
    ttb_trace_reader_free(reader);
    return status;
}
