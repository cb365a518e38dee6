/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ttb show --profile`: where the wall time of a run went, from wall.ttb; and from run.ttb how much nodes
 * sent and got, and because of whom each was let run: a frame that had come for it, and whose it was, or
 * else its own clock.
 */
#include "cli.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ttbridge/trace.h>

/* Of those that a node was let run for, so many are named. */
#define CAUSES_SHOWN 3

#define PARTS (TTB_TRACE_PART_BARRIER + 1)

struct sum {
    uint64_t wall_ns, activations, kicks, calls, waited_ns, awaited_ns;
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
    sum->waited_ns += cost->waited_ns;
    sum->awaited_ns += cost->awaited_ns;
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

static void plain_label(char *label)
{
    /* What stands in a trace may come from anybody. */
    for (; *label; label++) {
        if ((unsigned char)*label < ' ' || *label == 0x7f)
            *label = '?';
    }
}

static void print_sum(const struct profile *profile, const char *kind, const char *name,
                      const struct sum *sum, bool is_node)
{
    char label[64];

    snprintf(label, sizeof(label), "%s%s", kind, name);
    plain_label(label);
    printf("%-28.28s %10.1f %5.1f%%", label, (double)sum->wall_ns / 1e6,
           profile->until_wall_ns ? 100.0 * (double)sum->wall_ns / (double)profile->until_wall_ns
                                  : 0.0);
    if (sum->activations)
        printf(" %12" PRIu64 " %8.1f", sum->activations,
               (double)sum->wall_ns / 1e3 / (double)sum->activations);
    if (is_node && sum->activations)
        printf(" %10" PRIu64 " %10" PRIu64, sum->kicks, sum->calls);
    if (is_node && profile->parts[TTB_TRACE_PART_BARRIER].wall_ns)
        printf(" %10.1f %10.1f", (double)sum->waited_ns / 1e6, (double)sum->awaited_ns / 1e6);
    printf("\n");
}

static void print_nodes(const struct profile *profile, const struct ttb_trace_tables *tables,
                        const char *kind)
{
    for (size_t i = 0; i < profile->node_count; i++)
        print_sum(profile, kind, tables->nodes[i].name, &profile->nodes[i], true);
}

static void print(const struct profile *profile, const struct ttb_trace_header *header,
                  const struct ttb_trace_tables *tables)
{
    static const struct {
        enum ttb_trace_part part;
        const char *name;
    } lines[] = {
        {TTB_TRACE_PART_NODES, "nodes run"},
        {TTB_TRACE_PART_BARRIER, "waiting at window barriers"},
        {TTB_TRACE_PART_NETWORK, "network"},
        {TTB_TRACE_PART_BRIDGE, "the bridge itself"},
        {TTB_TRACE_PART_RECORDING, "recording"},
        {TTB_TRACE_PART_WAITING, "nodes start, and pauses"},
    };
    const struct sum *parts = profile->parts;
    bool is_split = parts[TTB_TRACE_PART_NODES].activations > 0;
    struct sum rest = {.wall_ns = profile->until_wall_ns};

    printf("wall time      %.3f s for %.3f s of simulated time\n\n",
           (double)profile->until_wall_ns / 1e9, (double)profile->until_ns / 1e9);
    printf("%-28s %10s %6s %12s %8s %10s %10s", "", "wall ms", "", "activations", "us each",
           "kicks", "calls");
    if (parts[TTB_TRACE_PART_BARRIER].wall_ns)
        printf(" %10s %10s", "waited ms", "awaited ms");
    printf("\n");
    if (!is_split) {
        /* Of a run that another program has recorded, or an older ttb. */
        print_nodes(profile, tables, "node ");
        rest.wall_ns -= parts[TTB_TRACE_PART_NODE].wall_ns < rest.wall_ns
                            ? parts[TTB_TRACE_PART_NODE].wall_ns
                            : rest.wall_ns;
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const struct sum *sum = &parts[lines[i].part];
        const char *name = lines[i].part == TTB_TRACE_PART_NETWORK && header->ns3_version
                               ? "network: ns-3"
                               : lines[i].name;

        rest.wall_ns -= sum->wall_ns < rest.wall_ns ? sum->wall_ns : rest.wall_ns;
        if (sum->wall_ns || sum->activations)
            print_sum(profile, "", name, sum, false);
        if (is_split && lines[i].part == TTB_TRACE_PART_NODES)
            print_nodes(profile, tables, "  ");
    }
    print_sum(profile, "", is_split ? "before and after the run" : "the rest", &rest, false);
}

/* ----------------------------------------------------------------------------- what made them run */

/* Whose frame came for a node since it was let run last. */
#define NOTHING_CAME UINT32_MAX
#define NOT_A_NODE   (UINT32_MAX - 1)
#define COMMANDS     (UINT32_MAX - 2)

struct cause {
    uint32_t
        node; /* NOT_A_NODE: e.g. an ns-3 application, or a port on the wall clock; COMMANDS: ttb,
                      through the port that it has for them */
    uint64_t count;
};

struct traffic {
    uint64_t grants, own_clock, sent_bytes, received_bytes;
    struct cause *causes;
    size_t cause_count;
    uint32_t came; /* the first of them counts: the others found it awake, or about to be */
};

/* Frames whose sender is remembered: ids are given one after the other, so the latest of them. */
#define SENT_MAX 131072

struct sent {
    uint64_t packet;
    uint32_t node;
};

struct causes {
    struct traffic *nodes; /* by position in the table */
    size_t node_count;
    struct sent *sent; /* SENT_MAX, by packet */
};

static int count_cause(struct traffic *traffic, uint32_t node)
{
    struct cause *grown;

    for (size_t i = 0; i < traffic->cause_count; i++) {
        if (traffic->causes[i].node == node) {
            traffic->causes[i].count++;
            return 0;
        }
    }
    grown = realloc(traffic->causes, (traffic->cause_count + 1) * sizeof(*grown));
    if (!grown)
        return -1;
    traffic->causes = grown;
    traffic->causes[traffic->cause_count++] = (struct cause){.node = node, .count = 1};
    return 0;
}

static int count_grant(struct traffic *traffic)
{
    uint32_t came = traffic->came;

    traffic->grants++;
    traffic->came = NOTHING_CAME;
    if (came != NOTHING_CAME)
        return count_cause(traffic, came);
    traffic->own_clock++;
    return 0;
}

static void count_frame(struct causes *causes, struct traffic *traffic,
                        const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    const struct ttb_trace_frame *frame = &record->frame;
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, frame->place);
    struct sent *sent = &causes->sent[frame->packet % SENT_MAX];

    if (frame->what == TTB_TRACE_TRANSMITTED) {
        traffic->sent_bytes += frame->len_bytes;
        *sent = (struct sent){.packet = frame->packet, .node = record->node};
    } else if (frame->what == TTB_TRACE_DELIVERED) {
        traffic->received_bytes += frame->len_bytes;
        if (traffic->came != NOTHING_CAME)
            return;
        if (place && place->is_control)
            traffic->came = COMMANDS;
        else
            traffic->came =
                frame->packet && sent->packet == frame->packet ? sent->node : NOT_A_NODE;
    }
}

static int count_record(struct causes *causes, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    const struct ttb_trace_node *node = ttb_trace_find_node(tables, record->node);
    struct traffic *traffic;

    if (tables->node_count > causes->node_count) {
        struct traffic *grown = realloc(causes->nodes, tables->node_count * sizeof(*grown));

        if (!grown)
            return -1;
        causes->nodes = grown;
        for (; causes->node_count < tables->node_count; causes->node_count++)
            grown[causes->node_count] = (struct traffic){.came = NOTHING_CAME};
    }
    if (!node)
        return 0;
    traffic = &causes->nodes[node - tables->nodes];
    if (record->kind == TTB_TRACE_GRANT)
        return count_grant(traffic);
    if (record->kind == TTB_TRACE_FRAME)
        count_frame(causes, traffic, tables, record);
    return 0;
}

static int by_count(const void *a, const void *b)
{
    const struct cause *left = a, *right = b;

    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return left->node < right->node ? -1 : left->node > right->node;
}

static void print_causes(const struct causes *causes, const struct ttb_trace_tables *tables)
{
    printf("\n%-28s %10s %10s %10s   %s\n", "", "bytes sent", "received", "let run", "because of");
    for (size_t i = 0; i < causes->node_count; i++) {
        struct traffic *traffic = &causes->nodes[i];
        uint64_t others = 0;
        char label[64];

        snprintf(label, sizeof(label), "node %s", tables->nodes[i].name);
        plain_label(label);
        printf("%-28.28s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "   its clock %" PRIu64, label,
               traffic->sent_bytes, traffic->received_bytes, traffic->grants, traffic->own_clock);
        if (traffic->cause_count)
            qsort(traffic->causes, traffic->cause_count, sizeof(*traffic->causes), by_count);
        for (size_t j = 0; j < traffic->cause_count; j++) {
            const struct ttb_trace_node *from =
                ttb_trace_find_node(tables, traffic->causes[j].node);

            if (j >= CAUSES_SHOWN) {
                others += traffic->causes[j].count;
                continue;
            }
            snprintf(label, sizeof(label), "%s",
                     from                                  ? from->name
                     : traffic->causes[j].node == COMMANDS ? "commands"
                                                           : "the network");
            plain_label(label);
            printf(", %s %" PRIu64, label, traffic->causes[j].count);
        }
        if (others)
            printf(", others %" PRIu64, others);
        printf("\n");
    }
}

/* The trace of what happened is large, and may be missing where wall.ttb alone was kept. */
static int show_causes(const char *path)
{
    struct causes causes = {.nodes = NULL};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    int rc = 0, status = EXIT_AS_EXPECTED;
    char error[512];

    if (ttb_trace_reader_open(path, NULL, &reader, error, sizeof(error))) {
        fprintf(stderr, "ttb show: %s\n", error);
        return EXIT_BROKEN;
    }
    causes.sent = calloc(SENT_MAX, sizeof(*causes.sent));
    if (!causes.sent)
        rc = -1;
    while (!rc && ttb_trace_reader_next(reader, &record) > 0)
        rc = count_record(&causes, ttb_trace_reader_tables(reader), &record);
    if (rc) {
        fprintf(stderr, "ttb show: out of memory\n");
        status = EXIT_BROKEN;
    } else {
        print_causes(&causes, ttb_trace_reader_tables(reader));
        if (ttb_trace_reader_end(reader, NULL) != TTB_TRACE_COMPLETE) {
            printf("\n%s\n", ttb_trace_reader_error(reader));
            status = EXIT_DIFFERS;
        }
    }
    for (size_t i = 0; i < causes.node_count; i++)
        free(causes.nodes[i].causes);
    free(causes.nodes);
    free(causes.sent);
    ttb_trace_reader_free(reader);
    return status;
}

/* ------------------------------------------------------------------------------------ the command */

int show_profile(const char *path)
{
    struct stat about;
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
    print(&profile, ttb_trace_reader_header(reader), ttb_trace_reader_tables(reader));
    if (rc < 0) {
        fprintf(stderr, "ttb show: %s\n", ttb_trace_reader_error(reader));
    } else if (ttb_trace_reader_end(reader, NULL) != TTB_TRACE_COMPLETE) {
        printf("\n%s\n", ttb_trace_reader_error(reader));
        status = EXIT_DIFFERS;
    } else {
        status = EXIT_AS_EXPECTED;
    }
    /* Given wall.ttb itself, there is nothing else. */
    if (status != EXIT_BROKEN && stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        int causes = show_causes(path);

        status = causes > status ? causes : status;
    }
out:
    free(profile.nodes);
    ttb_trace_reader_free(reader);
    return status;
}
