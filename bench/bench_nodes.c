/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What runs of real nodes cost in wall time, against floors measured in the same run. Each figure is the
 * median of a few interleaved runs; README.md says how each floor comes about.
 *
 *   bench_nodes [NAME...]   only some: ping, bulk, idle, boot, scale, parallel
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "rig.h"

#define REPEAT 3
#define PINGS  3000

/* ----------------------------------------------------------------------------------------- ping */

/* A byte there and back between two processes on one core, microseconds. */
static double round_trip_us(void)
{
    enum {
        TRIPS = 50000
    };
    cpu_set_t before, one;
    char byte = 0;
    int pair[2];
    double start_s;
    pid_t child;

    sched_getaffinity(0, sizeof(before), &before);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || (child = fork()) < 0) {
        perror("bench: socketpair");
        exit(3);
    }
    if (child == 0) {
        close(pair[0]);
        while (read(pair[1], &byte, 1) == 1 && write(pair[1], &byte, 1) == 1)
            ;
        _exit(0);
    }
    close(pair[1]);
    start_s = now_s();
    for (int i = 0; i < TRIPS; i++) {
        if (write(pair[0], &byte, 1) != 1 || read(pair[0], &byte, 1) != 1)
            break;
    }
    start_s = now_s() - start_s;
    close(pair[0]);
    waitpid(child, NULL, 0);
    sched_setaffinity(0, sizeof(before), &before);
    return start_s * 1e6 / TRIPS;
}

static void ping_commands(unsigned i, char *text, size_t size_bytes)
{
    if (i % 2 == 0)
        snprintf(text, size_bytes, "sleep 1; ping -q -i 0.02 -c %d 10.0.%u.%u > /dev/null", PINGS,
                 (i + 1) / 250, (i + 1) % 250 + 1);
    else
        snprintf(text, size_bytes, "sleep %d", PINGS / 50 + 2);
}

static void loopback_commands(unsigned i, char *text, size_t size_bytes)
{
    (void)i;
    snprintf(text, size_bytes, "sleep 1; ping -q -i 0.02 -c %d 127.0.0.1 > /dev/null", PINGS);
}

static void bench_ping(void)
{
    const struct setup loopback = {
        .node_count = 1, .topology = ALONE, .commands = loopback_commands, .from_ns = 900 * MS};
    struct setup pair = {
        .node_count = 2,
        .topology = PAIRS,
        .params = {.size = sizeof(pair.params), .delay_ns = 5 * MS},
        .commands = ping_commands,
        .from_ns = 900 * MS,
    };
    double floors[REPEAT], with[REPEAT], without[REPEAT], messages[REPEAT], floor;
    struct outcome outcome, slow;

    for (int i = 0; i < REPEAT; i++) {
        rig_run(&loopback, &outcome);
        floors[i] = outcome.wall_s * 1e6 / PINGS + 3 * round_trip_us();
        pair.no_look_ahead = true;
        rig_run(&pair, &slow);
        without[i] = slow.wall_s * 1e6 / PINGS;
        pair.no_look_ahead = false;
        pair.no_shared_notifications = true;
        rig_run(&pair, &outcome);
        messages[i] = outcome.wall_s * 1e6 / PINGS;
        pair.no_shared_notifications = false;
        rig_run(&pair, &outcome);
        with[i] = outcome.wall_s * 1e6 / PINGS;
    }
    floor = bench_median(floors, REPEAT);
    bench_row("ping, 5 ms link", bench_median(with, REPEAT), "us", floor,
              outcome.shared ? 1.1 : 1.6);
    bench_row("ping, kicks and calls are messages", bench_median(messages, REPEAT), "us", floor,
              1.6);
    bench_row("ping, without look-ahead", bench_median(without, REPEAT), "us", floor, 0);
    bench_row("  grants per ping", (double)outcome.grants / PINGS, "", 3, 1.2);
    bench_row("  grants per ping, without look-ahead", (double)slow.grants / PINGS, "", 3, 0);
    bench_row("  kicks per ping", (double)outcome.kicks / PINGS, "", 2, 0);
    bench_row("  calls per ping", (double)outcome.calls / PINGS, "", 2, 0);
    bench_row("  kicks and calls per ping in shared memory", (double)outcome.shared / PINGS, "", 4,
              0);
}

/* ----------------------------------------------------------------------------------------- bulk */

#define BULK_MIB 64

#define SERVE "truncate -s %dM /tmp/zeros; httpd -p 80 -h /tmp; "
#define FETCH "sleep 1; wget -q -O /dev/null http://%s/zeros"

static void bulk_commands(unsigned i, char *text, size_t size_bytes)
{
    if (i == 0)
        snprintf(text, size_bytes, FETCH, "10.0.0.2");
    else
        snprintf(text, size_bytes, SERVE "sleep 60", BULK_MIB);
}

static void bulk_loopback_commands(unsigned i, char *text, size_t size_bytes)
{
    (void)i;
    snprintf(text, size_bytes, SERVE FETCH, BULK_MIB, "127.0.0.1");
}

static void bulk_counts(const struct outcome *outcome)
{
    double frames = (double)outcome->frames;

    bench_row("  grants per frame", (double)outcome->grants / frames, "", 0.05, 1);
    bench_row("  kicks per frame", (double)outcome->kicks / frames, "", 0, 0);
    bench_row("  calls per frame", (double)outcome->calls / frames, "", 0, 0);
    bench_row("  frames per MiB", frames / BULK_MIB, "", 0, 0);
}

static void bench_bulk(void)
{
    const struct setup loopback = {.node_count = 1,
                                   .topology = ALONE,
                                   .commands = bulk_loopback_commands,
                                   .from_ns = 900 * MS};
    struct setup pair = {
        .node_count = 2,
        .topology = PAIRS,
        .params = {.size = sizeof(pair.params), .delay_ns = MS, .queue_frames = 1000000},
        .commands = bulk_commands,
        .from_ns = 900 * MS,
    };
    double floors[REPEAT], one[REPEAT], two[REPEAT], automatic[REPEAT], offload[REPEAT], floor;
    struct outcome outcome, offloaded;
    struct setup card;

    for (int i = 0; i < REPEAT; i++) {
        rig_run(&loopback, &outcome);
        floors[i] = outcome.wall_s * 1e3 / BULK_MIB;
        card = pair;
        card.jobs = 1;
        card.offload = true;
        card.coalesce_ns = 50 * US;
        rig_run(&card, &offloaded);
        offload[i] = offloaded.wall_s * 1e3 / BULK_MIB;
        pair.jobs = TTB_JOBS_AUTO;
        rig_run(&pair, &outcome);
        automatic[i] = outcome.wall_s * 1e3 / BULK_MIB;
        pair.jobs = 2;
        rig_run(&pair, &outcome);
        two[i] = outcome.wall_s * 1e3 / BULK_MIB;
        pair.jobs = 1;
        rig_run(&pair, &outcome);
        one[i] = outcome.wall_s * 1e3 / BULK_MIB;
    }
    floor = bench_median(floors, REPEAT);
    bench_row("TCP, 1 ms link, per MiB", bench_median(one, REPEAT), "ms", floor, 2);
    bench_row("TCP, automatic jobs, per MiB", bench_median(automatic, REPEAT), "ms",
              bench_median(one, REPEAT), 1.05);
    bench_row("TCP, two jobs, per MiB", bench_median(two, REPEAT), "ms", bench_median(one, REPEAT),
              0);
    bulk_counts(&outcome);
    bench_row("TCP, offload, 50 us moderation, per MiB", bench_median(offload, REPEAT), "ms", floor,
              2);
    bulk_counts(&offloaded);
}

/* -------------------------------------------------------------------------- many nodes: idle, boot */

static void bench_idle(void)
{
    const struct setup setup = {
        .node_count = 100,
        .topology = STAR,
        .params = {.size = sizeof(setup.params), .delay_ns = MS},
        .from_ns = 2 * S,
        .until_ns = 3602 * S,
    };
    struct outcome outcome;

    rig_run(&setup, &outcome);
    bench_row("100 idle nodes, a simulated hour", outcome.wall_s, "s", 20, 1);
    bench_row("  grants per node and simulated second", (double)outcome.grants / 100 / 3600, "", 0,
              0);
}

static void bench_boot(void)
{
    const struct setup setup = {
        .node_count = 100,
        .topology = STAR,
        .params = {.size = sizeof(setup.params), .delay_ns = MS},
        .jobs = 2,
        .from_ns = 500 * MS,
        .until_ns = 501 * MS,
    };
    struct outcome outcome;

    rig_run(&setup, &outcome);
    bench_row("100 nodes up, two jobs", outcome.boot_s, "s", 4, 1);
    bench_row("  memory per node (PSS)", outcome.pss_mib / 100, "MiB", 8, 1);
}

/* ----------------------------------------------------------------------------------------- scale */

static double us_per_grant(unsigned node_count, uint64_t until_ns)
{
    const struct setup setup = {
        .node_count = node_count,
        .topology = PAIRS,
        .params = {.size = sizeof(setup.params), .delay_ns = 5 * MS},
        .commands = ping_commands,
        .from_ns = 2 * S,
        .until_ns = until_ns,
    };
    struct outcome outcome;

    rig_run(&setup, &outcome);
    return outcome.wall_s * 1e6 / (double)outcome.grants;
}

static void bench_scale(void)
{
    double two[REPEAT], many[REPEAT];

    for (int i = 0; i < REPEAT; i++) {
        two[i] = us_per_grant(2, 42 * S);
        many[i] = us_per_grant(256, 3 * S);
    }
    bench_row("a grant, 256 nodes in pairs that ping", bench_median(many, REPEAT), "us",
              bench_median(two, REPEAT), 1.1);
}

/* -------------------------------------------------------------------------------------- parallel */

static void compute_commands(unsigned i, char *text, size_t size_bytes)
{
    (void)i;
    snprintf(text, size_bytes,
             "sleep 1; for i in $(seq 40); do dd if=/dev/zero bs=64k count=64 2> /dev/null | "
             "sha256sum > /dev/null; sleep 0.001; done");
}

static void bench_parallel(void)
{
    struct setup setup = {
        .node_count = 2,
        .topology = PAIRS,
        .params = {.size = sizeof(setup.params), .delay_ns = 5 * MS},
        .commands = compute_commands,
        .from_ns = 900 * MS,
    };
    double one[REPEAT], two[REPEAT], automatic[REPEAT], ratio[REPEAT];
    struct outcome outcome;

    for (int i = 0; i < REPEAT; i++) {
        setup.jobs = 1;
        rig_run(&setup, &outcome);
        one[i] = outcome.wall_s;
        setup.jobs = 2;
        rig_run(&setup, &outcome);
        two[i] = outcome.wall_s;
        setup.jobs = TTB_JOBS_AUTO;
        rig_run(&setup, &outcome);
        automatic[i] = outcome.wall_s;
        ratio[i] = one[i] / automatic[i];
    }
    bench_row("two computing nodes, one job", bench_median(one, REPEAT), "s", 0, 0);
    bench_row("two computing nodes, two jobs", bench_median(two, REPEAT), "s",
              bench_median(one, REPEAT), 1 / 1.85);
    bench_row("two computing nodes, automatic jobs", bench_median(automatic, REPEAT), "s",
              bench_median(one, REPEAT), 1 / 1.85);
    bench_row("  times faster", bench_median(ratio, REPEAT), "", 0, 0);
}

/* ----------------------------------------------------------------------------------------- main */

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {
    {"ping", bench_ping}, {"bulk", bench_bulk},   {"parallel", bench_parallel},
    {"boot", bench_boot}, {"scale", bench_scale}, {"idle", bench_idle},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++) {
        bool wanted = argc == 1;

        for (int j = 1; j < argc; j++)
            wanted |= strcmp(argv[j], benches[i].name) == 0;
        if (wanted)
            benches[i].run();
    }
    return 0;
}
