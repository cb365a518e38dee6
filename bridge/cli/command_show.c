/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <ttbridge/trace.h>

static const char help[] = "usage: ttb show [--records | --profile] RUN\n"
                           "\n"
                           "What happened in a run, given by its directory or trace: nodes, "
                           "traffic of each port, drops with\n"
                           "their reasons, the slowest nodes in wall time, events, expectations.\n"
                           "\n"
                           "  --records  every record, one line each, instead\n"
                           "  --profile  where the wall time went, from wall.ttb, instead\n"
                           "\n"
                           "Exit status: 0; 1 the trace is cut off, or its certificate is not that "
                           "of its records; 2 usage;\n"
                           "3 it cannot be read.\n";

/* Reasons of the bridge and of the network that are told apart; later ones share the last. */
#define REASONS_MAX 32
#define REASON_MAX  48

/* Nodes that are named as the slowest. */
#define SLOWEST 5

struct place_sums {
    uint64_t tx_frames, tx_bytes, rx_frames, rx_bytes, dropped;
};

struct reason {
    char text[REASON_MAX];
    uint64_t frames;
};

struct sums {
    struct place_sums *places;
    size_t place_count;
    struct reason reasons[REASONS_MAX];
    size_t reason_count;
    uint64_t *wall_ns; /* by position in the table of nodes; NULL: unknown */
};

/* What stands in a trace may come from anybody: nothing of it reaches a terminal as it is. */
static void print_text(const char *text, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (text[i] >= ' ' && text[i] < 0x7f)
            putchar(text[i]);
        else
            printf("\\x%02x", (unsigned char)text[i]);
    }
}

static void print_name(const char *name)
{
    print_text(name ? name : "", name ? strlen(name) : 0);
}

static void print_time(uint64_t time_ns)
{
    printf("%" PRIu64 ".%09" PRIu64 " s", time_ns / 1000000000, time_ns % 1000000000);
}

/* -------------------------------------------------------------------------------------- summing */

static int make_place(struct sums *sums, uint32_t place)
{
    struct place_sums *grown;

    if (place < sums->place_count)
        return 0;
    grown = realloc(sums->places, (place + 1) * sizeof(*grown));
    if (!grown)
        return -1;
    memset(grown + sums->place_count, 0, (place + 1 - sums->place_count) * sizeof(*grown));
    sums->places = grown;
    sums->place_count = place + 1;
    return 0;
}

static void count_reason(struct sums *sums, const char *what, const char *text, size_t len_bytes)
{
    char key[REASON_MAX];
    size_t i;

    snprintf(key, sizeof(key), "%s: %.*s", what,
             (int)(len_bytes < REASON_MAX ? len_bytes : REASON_MAX), text);
    for (i = 0; i < sums->reason_count && strcmp(sums->reasons[i].text, key) != 0; i++)
        ;
    if (i == REASONS_MAX) {
        i--;
        strcpy(sums->reasons[i].text, "other reasons");
    } else if (i == sums->reason_count) {
        sums->reason_count++;
        strcpy(sums->reasons[i].text, key);
    }
    sums->reasons[i].frames++;
}

static int count_frame(struct sums *sums, const struct ttb_trace_frame *frame)
{
    struct place_sums none, *place = &none;

    if (frame->place != TTB_TRACE_NONE) {
        if (make_place(sums, frame->place))
            return -1;
        place = &sums->places[frame->place];
    }
    switch (frame->what) {
    case TTB_TRACE_TRANSMITTED:
    case TTB_TRACE_SENT:
        place->tx_frames++;
        place->tx_bytes += frame->len_bytes;
        break;
    case TTB_TRACE_DELIVERED:
    case TTB_TRACE_RECEIVED:
        place->rx_frames++;
        place->rx_bytes += frame->len_bytes;
        break;
    case TTB_TRACE_DROPPED:
        place->dropped++;
        count_reason(sums, "dropped at a port", ttb_drop_name(frame->port_reason),
                     strlen(ttb_drop_name(frame->port_reason)));
        break;
    case TTB_TRACE_LOST:
        place->dropped++;
        count_reason(sums, "lost in the network", frame->reason.data, frame->reason.len_bytes);
        break;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------- printing */

static void print_header(const struct ttb_trace_header *header)
{
    printf("run          ");
    print_name(header->scenario_name);
    printf(", seed %" PRIu64 "\nmade by      ttb ", header->seed);
    print_name(header->ttb_version);
    if (header->ns3_version) {
        printf(", ns-3 ");
        print_name(header->ns3_version);
    }
    printf(", on ");
    print_name(header->cpu_model);
    printf("%s\n", header->no_look_ahead ? ", without look-ahead" : "");
    for (size_t i = 0; i < header->artifact_count; i++) {
        const struct ttb_trace_artifact *artifact = &header->artifacts[i];
        char hex[65];

        ttb_trace_hex(artifact->sha256, hex);
        printf("%-13s", artifact->kind == TTB_TRACE_KERNEL  ? "kernel"
                        : artifact->kind == TTB_TRACE_IMAGE ? "image"
                                                            : "file");
        print_name(artifact->path);
        if (artifact->version) {
            printf(" (");
            print_name(artifact->version);
            printf(")");
        }
        printf(", sha256 %.16s\n", hex);
    }
}

static void print_state(const struct ttb_trace_state *state)
{
    printf("  %s", state->state == TTB_NODE_WAITING ? "up" : ttb_node_state_name(state->state));
    if (state->has_exit_status)
        printf(", commands exited with %d", state->exit_status);
    else if (state->has_wait_status && WIFSIGNALED(state->wait_status))
        printf(", killed by signal %d", WTERMSIG(state->wait_status));
    else if (state->has_wait_status)
        printf(", process exited with %d", WEXITSTATUS(state->wait_status));
    if (state->why.len_bytes) {
        printf(": ");
        print_text(state->why.data, state->why.len_bytes);
    }
}

static void print_nodes(struct ttb_trace_reader *reader, const struct sums *sums)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(reader);
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(reader);

    printf("\n%-16s %10s %10s %10s %10s  state\n", "node", "grants", "sent", "received", "wall ms");
    for (size_t i = 0; i < tables->node_count; i++) {
        const struct ttb_trace_node *node = &tables->nodes[i];
        struct ttb_trace_counts counts = {0};

        ttb_trace_reader_get_digest(reader, node->id, NULL, &counts);
        print_name(node->name);
        printf("%*s %10" PRIu64 " %10" PRIu64 " %10" PRIu64,
               strlen(node->name) < 16 ? (int)(16 - strlen(node->name)) : 0, "", counts.grants,
               counts.transmitted_frames, counts.delivered_frames);
        if (sums->wall_ns)
            printf(" %10.1f", (double)sums->wall_ns[i] / 1e6);
        else
            printf(" %10s", "-");
        for (size_t k = 0; footer && k < footer->node_count; k++) {
            if (footer->nodes[k].id == node->id)
                print_state(&footer->nodes[k].state);
        }
        printf("\n");
    }
}

/* Of which node the run takes long, where there are many. */
static void print_slowest(const struct ttb_trace_tables *tables, const struct sums *sums)
{
    uint64_t total_ns = 0, last_ns = UINT64_MAX;
    size_t last = 0;

    for (size_t i = 0; sums->wall_ns && i < tables->node_count; i++)
        total_ns += sums->wall_ns[i];
    if (!total_ns)
        return;
    printf("\nslowest     ");
    for (unsigned count = 0; count < SLOWEST && count < tables->node_count; count++) {
        size_t next = tables->node_count;

        /* The longest after the one before, of equal ones in their order. */
        for (size_t i = 0; i < tables->node_count; i++) {
            uint64_t wall_ns = sums->wall_ns[i];

            if (wall_ns > last_ns || (wall_ns == last_ns && i <= last && count > 0))
                continue;
            if (next == tables->node_count || wall_ns > sums->wall_ns[next])
                next = i;
        }
        if (next == tables->node_count)
            break;
        last = next;
        last_ns = sums->wall_ns[next];
        printf("%s", count ? ", " : " ");
        print_name(tables->nodes[next].name);
        printf(" %.1f ms (%.0f %%)", (double)last_ns / 1e6,
               (double)last_ns / (double)total_ns * 100);
    }
    printf(" of the nodes' wall time\n");
}

/* The least time from a port to another node, as the network promised last. */
static void format_nearest(const struct ttb_trace_place *place, char *text, size_t size)
{
    if (place->kind != TTB_TRACE_PORT || place->node == TTB_TRACE_NONE || !place->has_way_back)
        snprintf(text, size, "-");
    else if (place->nearest_ns == TTB_TIME_NEVER)
        snprintf(text, size, "no way");
    else
        snprintf(text, size, "%.6f ms", (double)place->nearest_ns / 1e6);
}

static void print_places(struct ttb_trace_reader *reader, const struct sums *sums)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(reader);

    printf("\n%-24s %10s %12s %10s %12s %8s %15s\n", "port", "sent", "bytes", "received", "bytes",
           "dropped", "look-ahead");
    for (size_t i = 0; i < sums->place_count && i < tables->place_count; i++) {
        const struct ttb_trace_place *place = &tables->places[i];
        const struct place_sums *counted = &sums->places[i];
        const struct ttb_trace_node *node = ttb_trace_find_node(tables, place->node);
        size_t width = strlen(place->name) + (node ? strlen(node->name) + 1 : 0);
        char nearest[32];

        /* A link that lost nothing, a switch's queue in the built-in network. */
        if (place->kind != TTB_TRACE_PORT && !counted->tx_frames && !counted->rx_frames &&
            !counted->dropped)
            continue;
        if (node) {
            print_name(node->name);
            putchar('.');
        }
        print_name(place->name);
        format_nearest(place, nearest, sizeof(nearest));
        printf("%*s %10" PRIu64 " %12" PRIu64 " %10" PRIu64 " %12" PRIu64 " %8" PRIu64 " %15s\n",
               width < 24 ? (int)(24 - width) : 0, "", counted->tx_frames, counted->tx_bytes,
               counted->rx_frames, counted->rx_bytes, counted->dropped, nearest);
    }
    if (sums->reason_count)
        printf("\n");
    for (size_t i = 0; i < sums->reason_count; i++) {
        printf("%10" PRIu64 "  ", sums->reasons[i].frames);
        print_name(sums->reasons[i].text);
        printf("\n");
    }
}

/* The smallest latency between any two ports: how far nodes may run ahead of each other everywhere. */
static void print_look_ahead(struct ttb_trace_reader *reader)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(reader);
    const struct ttb_trace_place *least = NULL;
    char nearest[32];

    for (size_t i = 0; i < tables->place_count; i++) {
        const struct ttb_trace_place *place = &tables->places[i];

        if (place->kind == TTB_TRACE_PORT && place->node != TTB_TRACE_NONE && place->has_way_back &&
            (!least || place->nearest_ns < least->nearest_ns))
            least = place;
    }
    if (!least || least->nearest_ns == TTB_TIME_NEVER)
        return;
    format_nearest(least, nearest, sizeof(nearest));
    printf("\nlook-ahead   %s: from no port is another node nearer\n", nearest);
}

static int print_end(struct ttb_trace_reader *reader)
{
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(reader);
    struct ttb_trace_digest digest;
    char hex[65];

    if (ttb_trace_reader_end(reader, NULL) != TTB_TRACE_COMPLETE || !footer) {
        printf("\n");
        print_name(ttb_trace_reader_error(reader));
        printf("\n");
        return EXIT_DIFFERS;
    }
    printf("\nended        at ");
    print_time(footer->end_ns);
    printf(": %s", ttb_trace_ending_name(footer->ending));
    if (footer->why[0]) {
        printf(": ");
        print_name(footer->why);
    }
    ttb_trace_hex(footer->digest.all, hex);
    printf("\ncertificate  %s\n", hex);
    if (ttb_trace_reader_get_digest(reader, TTB_TRACE_NONE, &digest, NULL) ||
        memcmp(&digest, &footer->digest, sizeof(digest)) != 0) {
        printf("             which is NOT that of the records\n");
        return EXIT_DIFFERS;
    }
    return EXIT_AS_EXPECTED;
}

/* ------------------------------------------------------------------------------------- showing */

/* Wall time of each node, if wall.ttb is there. */
static void read_wall(const char *path, const struct ttb_trace_tables *tables, struct sums *sums)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .wall = true};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;

    if (ttb_trace_reader_open(path, &opts, &reader, NULL, 0))
        return;
    sums->wall_ns = calloc(tables->node_count + 1, sizeof(*sums->wall_ns));
    while (sums->wall_ns && ttb_trace_reader_next(reader, &record) > 0) {
        const struct ttb_trace_node *node = ttb_trace_find_node(tables, record.node);

        if (node && record.kind == TTB_TRACE_COST && record.cost.part == TTB_TRACE_PART_NODE)
            sums->wall_ns[node - tables->nodes] += record.cost.wall_ns;
    }
    ttb_trace_reader_free(reader);
}

static int use_record(struct ttb_trace_reader *reader, const struct ttb_trace_record *record,
                      bool lines, struct sums *sums)
{
    char line[1024];

    if (lines || record->kind == TTB_TRACE_EVENT || record->kind == TTB_TRACE_EXPECTATION) {
        ttb_trace_describe(ttb_trace_reader_tables(reader), record, line, sizeof(line));
        puts(line);
    }
    if (record->kind == TTB_TRACE_FRAME)
        return count_frame(sums, &record->frame);
    return 0;
}

static int show(const char *path, bool lines)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .digests = true};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    struct sums sums = {0};
    char error[512];
    int rc, status = EXIT_BROKEN;

    if (ttb_trace_reader_open(path, &opts, &reader, error, sizeof(error))) {
        fprintf(stderr, "ttb show: %s\n", error);
        return EXIT_BROKEN;
    }
    if (!lines) {
        print_header(ttb_trace_reader_header(reader));
        printf("\n");
    }
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0) {
        if (use_record(reader, &record, lines, &sums)) {
            fprintf(stderr, "ttb show: out of memory\n");
            goto out;
        }
    }
    if (!lines) {
        read_wall(path, ttb_trace_reader_tables(reader), &sums);
        print_nodes(reader, &sums);
        print_slowest(ttb_trace_reader_tables(reader), &sums);
        print_places(reader, &sums);
        print_look_ahead(reader);
    }
    if (rc < 0)
        fprintf(stderr, "ttb show: %s\n", ttb_trace_reader_error(reader));
    else
        status = print_end(reader);
out:
    free(sums.places);
    free(sums.wall_ns);
    ttb_trace_reader_free(reader);
    return status;
}

int command_show(int argc, char **argv)
{
    bool lines = false, profile = false;
    int first = 1;

    for (; first < argc && argv[first][0] == '-'; first++) {
        if (is_help(argv[first])) {
            fputs(help, stdout);
            return EXIT_AS_EXPECTED;
        }
        if (strcmp(argv[first], "--records") == 0)
            lines = true;
        else if (strcmp(argv[first], "--profile") == 0)
            profile = true;
        else
            return usage_error("show", "there is no option \"%s\"", argv[first]);
    }
    if (first == argc)
        return usage_error("show", "which run?");
    if (argc - first > 1)
        return usage_error("show", "\"%s\" is one argument too many", argv[first + 1]);
    if (lines && profile)
        return usage_error("show", "--records or --profile?");
    return profile ? show_profile(argv[first]) : show(argv[first], lines);
}
