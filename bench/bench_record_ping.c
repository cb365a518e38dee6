/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What recording adds to the ping benchmark: pings with and without a trace, in turns. Medians are told.
 * Which of the two comes first changes from pair to pair, so that a load that comes and goes is in both
 * sides. Processor time is told as well, which suffers less from other load: of this process (bridge and
 * recording), and of all, nodes and their boot included, where a cache that recording takes from the
 * nodes would show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <ttbridge/link.h>
#include <ttbridge/trace.h>

#include "clock.h"
#include "row.h"

#define PINGS 5000
#define TURNS 11

struct cost {
    double wall_us, cpu_us, all_cpu_us; /* per ping */
};

static double cpu_s(int whose)
{
    struct rusage usage;

    getrusage(whose, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct run {
    struct ttb_lab *lab;
    struct ttb_net *net;
    struct ttb_lab_node *nodes[2];
    struct ttb_trace_writer *writer;
    double start_s, start_cpu_s;
    long long trace_bytes;
};

static void note_start(void *user, uint64_t time_ns)
{
    struct run *run = user;

    (void)time_ns;
    run->start_s = now_s();
    run->start_cpu_s = cpu_s(RUSAGE_SELF);
}

static int make_network(struct run *run)
{
    const struct ttb_net_params params = {.size = sizeof(params), .delay_ns = 5000000};
    struct ttb_net_end *ends[2];
    char commands[128];
    int rc;

    snprintf(commands, sizeof(commands), "sleep 1; ping -q -i 0.02 -c %d 10.0.0.2 > /dev/null",
             PINGS);
    rc = ttb_net_new(ttb_lab_bridge(run->lab), NULL, &run->net);
    for (int i = 0; i < 2 && !rc; i++) {
        struct ttb_lab_node_opts node = {.size = sizeof(node),
                                         .name = i ? "bob" : "alice",
                                         .commands = i ? "sleep 1000" : commands};
        struct ttb_lab_interface_opts interface = {
            .size = sizeof(interface), .addresses = {i ? "10.0.0.2/24" : "10.0.0.1/24"}};
        struct ttb_port *port;

        rc = ttb_lab_add_node(run->lab, &node, &run->nodes[i]);
        if (!rc)
            rc = ttb_lab_node_add_interface(run->nodes[i], &interface, &port);
        if (!rc)
            rc = ttb_net_add_port(run->net, port, &ends[i]);
    }
    if (!rc)
        rc = ttb_net_connect(run->net, ends[0], ends[1], &params, NULL, NULL);
    if (!rc)
        rc = ttb_net_call_at(run->net, 900000000, note_start, run, NULL);
    return rc;
}

static int attach(struct run *run)
{
    struct ttb_trace_header header = {.scenario_name = "ping", .seed = 1};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = ttb_lab_directory(run->lab), .header = &header};
    int rc = ttb_trace_writer_open(&opts, &run->writer, NULL, 0);

    return rc ? rc : ttb_trace_writer_attach_lab(run->writer, run->lab);
}

static int finish_trace(struct run *run)
{
    struct ttb_trace_end end = {.end_ns = ttb_net_now_ns(run->net), .ending = TTB_TRACE_DONE};
    int rc = ttb_trace_writer_close(run->writer, &end);
    char path[4096];
    struct stat status;

    run->writer = NULL;
    snprintf(path, sizeof(path), "%s/" TTB_TRACE_RUN_FILE, ttb_lab_directory(run->lab));
    if (stat(path, &status) == 0)
        run->trace_bytes = (long long)status.st_size;
    return rc;
}

/* trace_bytes is left as it is if there is no trace. */
static int ping(bool record, struct cost *cost, long long *trace_bytes)
{
    const struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1};
    double before_s = cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN);
    struct run run = {0};
    char error[512];
    int rc, status = -1;

    rc = ttb_lab_new(&opts, &run.lab, error, sizeof(error));
    if (rc) {
        fprintf(stderr, "bench_record_ping: %s\n", error);
        return rc;
    }
    rc = make_network(&run);
    if (!rc && record)
        rc = attach(&run);
    if (!rc)
        rc = ttb_net_run(run.net, TTB_TIME_NEVER);
    if (!rc && record)
        rc = finish_trace(&run);
    cost->wall_us = (now_s() - run.start_s) * 1e6 / PINGS;
    cost->cpu_us = (cpu_s(RUSAGE_SELF) - run.start_cpu_s) * 1e6 / PINGS;
    if (!rc)
        rc = ttb_lab_node_exit_status(run.nodes[0], &status);
    if (rc || status)
        fprintf(stderr, "bench_record_ping: %s\n", ttb_lab_error(run.lab));
    if (record)
        *trace_bytes = run.trace_bytes;
    ttb_trace_writer_close(run.writer, NULL);
    ttb_net_free(run.net);
    ttb_lab_free(run.lab);
    /* Nodes count when they have been waited for. */
    cost->all_cpu_us = (cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN) - before_s) * 1e6 / PINGS;
    return rc || status ? -1 : 0;
}

/* With recording, against without; the ratio is of the medians. */
static void row(const char *figure, double values[2][TURNS])
{
    double without = bench_median(values[0], TURNS);

    bench_row(figure, bench_median(values[1], TURNS), "us", without, 0);
}

int main(void)
{
    double wall_us[2][TURNS], cpu_us[2][TURNS], all_cpu_us[2][TURNS], of_all[TURNS];
    long long trace_bytes = 0;

    for (int turn = 0; turn < 2 * TURNS; turn++) {
        /* Which one of a pair comes first changes from pair to pair. */
        int pair = turn / 2, record = turn % 2 != pair % 2;
        struct cost cost;

        if (ping(record, &cost, &trace_bytes))
            return 3;
        wall_us[record][pair] = cost.wall_us;
        cpu_us[record][pair] = cost.cpu_us;
        all_cpu_us[record][pair] = cost.all_cpu_us;
    }
    for (int i = 0; i < TURNS; i++)
        of_all[i] = (cpu_us[1][i] - cpu_us[0][i]) / all_cpu_us[0][i] * 100;
    row("recording, a ping's wall time", wall_us);
    row("  processor time of the bridge", cpu_us);
    row("  processor time of bridge and nodes", all_cpu_us);
    bench_row("  processor time of the bridge, of all", bench_median(of_all, TURNS), "%", 0, 0);
    bench_row("  trace, per ping", (double)trace_bytes / PINGS, "bytes", 0, 0);
    return 0;
}
