/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the adapter costs ns-3 when there are no nodes: the same simulations (tests/ns3/scenario.cc) with
 * ns-3's own simulator implementation and with ours, in turns, by CPU time.
 *
 *     bench_ns3 [ROUNDS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "row.h"

#define ROUNDS_MAX 101

static double cpu_s(const char *program, const char *scenario, const char *how,
                    unsigned long *events)
{
    struct rusage usage;
    char text[64] = "";
    int ends[2], status;
    pid_t pid;

    if (pipe(ends) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(127);
        execl(program, program, scenario, how, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0 ||
        read(ends[0], text, sizeof(text) - 1) <= 0) {
        close(ends[0]);
        return -1;
    }
    close(ends[0]);
    *events = strtoul(text, NULL, 10);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const char *const scenarios[] = {"ticks", "echoes"}, *const hows[] = {"default", "ours"};
    int rounds = argc > 1 ? atoi(argv[1]) : 11;

    if (argc > 2 || rounds < 1 || rounds > ROUNDS_MAX) {
        fputs("usage: bench_ns3 [ROUNDS]\n", stderr);
        return 2;
    }
    for (int s = 0; s < 2; s++) {
        double times[2][ROUNDS_MAX];
        unsigned long events[2];

        for (int round = 0; round < rounds; round++) {
            for (int how = 0; how < 2; how++) {
                times[how][round] = cpu_s(NS3_SCENARIO, scenarios[s], hows[how], &events[how]);
                if (times[how][round] < 0) {
                    fprintf(stderr, "bench_ns3: %s %s failed\n", scenarios[s], hows[how]);
                    return 1;
                }
            }
        }
        for (int how = 0; how < 2; how++) {
            qsort(times[how], (size_t)rounds, sizeof(double), compare);
            times[how][0] *= 1e9 / (double)events[how];
        }
        /* Of the runs that were disturbed least. */
        bench_row(s == 0 ? "ns-3 with our simulator, an event of ticks"
                         : "ns-3 with our simulator, an event of echoes",
                  times[1][0], "ns", times[0][0], 1.1);
    }
    return 0;
}
