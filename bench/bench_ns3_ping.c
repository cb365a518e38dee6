/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ping between two nodes over links of ns-3, against the built-in link and what ns-3 itself takes for
 * its events: the same traffic between two of its own hosts. What a run of many pings takes longer than
 * one of few, by "ttb run", trace included; medians of interleaved runs.
 *
 *     bench_ns3_ping TTB [ROUNDS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "row.h"

#define ROUNDS_MAX 99
#define MANY       2020
#define FEW        20

static const char nodes[] =
    "nodes:\n"
    "  a: {interfaces: [{link: lan, address: 10.0.0.1/24}],\n"
    "      run: [\"ping -q -i 0.02 -c %d 10.0.0.2\"]}\n"
    "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}], run: [\"sleep %d\"]}\n";

/* A datagram of 64 bytes there and back is what a ping is, too. */
static const char hosts[] =
    "end: duration\n"
    "hosts:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
    "    applications:\n"
    "      - type: ns3::UdpEchoClient\n"
    "        start: 1s\n"
    "        attributes: {RemoteAddress: 10.0.0.2, RemotePort: \"9\", MaxPackets: \"%d\",\n"
    "                     Interval: 20ms, PacketSize: \"64\"}\n"
    "  b:\n"
    "    interfaces: [{link: lan, address: 10.0.0.2/24}]\n"
    "    applications: [{type: ns3::UdpEchoServer, attributes: {Port: \"9\"}}]\n";

enum network {
    BUILT_IN,
    ETHERNET,
    CSMA,
    ETHERNET_HOSTS,
    CSMA_HOSTS,
    NETWORKS,
};

static const struct {
    const char *engine, *type;
    const char *ends;
} networks[NETWORKS] = {
    [BUILT_IN] = {"builtin", "ethernet", nodes},
    [ETHERNET] = {"ns3", "ethernet", nodes},
    [CSMA] = {"ns3", "csma", nodes},
    [ETHERNET_HOSTS] = {"ns3", "ethernet", hosts},
    [CSMA_HOSTS] = {"ns3", "csma", hosts},
};

static int write_scenario(const char *path, enum network network, int pings)
{
    FILE *file = fopen(path, "we");

    if (!file)
        return -1;
    fprintf(file,
            "name: bench\nseed: 1\nengine: %s\nduration: %ds\n"
            "links: {lan: {type: %s, rate: 100Mbps, delay: 5ms}}\n",
            networks[network].engine, pings / 50 + 3, networks[network].type);
    fprintf(file, networks[network].ends, pings, pings / 50 + 2);
    return fclose(file);
}

static double run_s(const char *ttb, const char *directory, enum network network, int pings)
{
    char scenario[128], output[128];
    double start_s = now_s();
    int status;
    pid_t pid;

    snprintf(scenario, sizeof(scenario), "%s/scenario.yaml", directory);
    snprintf(output, sizeof(output), "%s/run", directory);
    if (write_scenario(scenario, network, pings))
        return -1;
    pid = fork();
    if (pid == 0) {
        execl(ttb, ttb, "run", "-q", "-o", output, scenario, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_ns3_ping: ttb run failed, %s over %s\n", networks[network].type,
                networks[network].engine);
        return -1;
    }
    return now_s() - start_s;
}

static int measure(const char *ttb, const char *directory, int rounds)
{
    double us[NETWORKS][ROUNDS_MAX], medians[NETWORKS];

    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < NETWORKS; i++) {
            double few_s = run_s(ttb, directory, (enum network)i, FEW);
            double many_s = run_s(ttb, directory, (enum network)i, MANY);

            if (few_s < 0 || many_s < 0)
                return -1;
            us[i][round] = (many_s - few_s) * 1e6 / (MANY - FEW);
        }
    }
    for (int i = 0; i < NETWORKS; i++)
        medians[i] = bench_median(us[i], (size_t)rounds);
    bench_row("ping by ttb run, built-in link", medians[BUILT_IN], "us", 0, 0);
    bench_row("ping by ttb run, ns-3's Ethernet link", medians[ETHERNET], "us",
              medians[BUILT_IN] + medians[ETHERNET_HOSTS], 1);
    bench_row("ping by ttb run, CSMA", medians[CSMA], "us", medians[BUILT_IN] + medians[CSMA_HOSTS],
              1);
    bench_row("  between ns-3's own hosts, Ethernet link", medians[ETHERNET_HOSTS], "us", 0, 0);
    bench_row("  between ns-3's own hosts, CSMA", medians[CSMA_HOSTS], "us", 0, 0);
    return 0;
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/ttb-bench-XXXXXX", command[128];
    int rounds = argc > 2 ? atoi(argv[2]) : 5, rc;

    if (argc < 2 || argc > 3 || rounds < 1 || rounds > ROUNDS_MAX) {
        fputs("usage: bench_ns3_ping TTB [ROUNDS]\n", stderr);
        return 2;
    }
    if (!mkdtemp(directory))
        return 3;
    rc = measure(argv[1], directory, rounds);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command) || rc ? 3 : 0;
}
