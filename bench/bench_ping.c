/* SPDX-License-Identifier: BSD-3-Clause */
/* Two Linux nodes, many pings over 5 ms one way: what a ping costs in wall time. */
#include <stdio.h>
#include <time.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#define PINGS "10000"

struct bench {
    struct ttb_bridge *bridge;
    double up_s; /* when the last node was up */
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void note_start(void *user, uint64_t time_ns)
{
    struct bench *bench = user;

    (void)time_ns;
    bench->up_s = now_s();
}

static int add_node(struct ttb_lab *lab, const char *name, const char *address,
                    const char *commands, struct ttb_lab_node **node, struct ttb_port **port)
{
    struct ttb_lab_node_opts opts = {.size = sizeof(opts), .name = name, .commands = commands};
    struct ttb_lab_interface_opts interface = {.size = sizeof(interface), .addresses = {address}};
    int rc = ttb_lab_add_node(lab, &opts, node);

    return rc ? rc : ttb_lab_node_add_interface(*node, &interface, port);
}

int main(void)
{
    const struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1};
    const struct ttb_net_params params = {.size = sizeof(params), .delay_ns = 5000000};
    struct bench bench = {0};
    struct ttb_lab_node *nodes[2];
    struct ttb_port *ports[2];
    struct ttb_net_end *ends[2];
    struct ttb_net *net = NULL;
    struct ttb_node_stats stats[2];
    struct ttb_lab *lab;
    char error[512];
    double took_s;
    int rc, status = -1;

    if (ttb_lab_new(&opts, &lab, error, sizeof(error))) {
        fprintf(stderr, "bench_ping: %s\n", error);
        return 3;
    }
    rc = add_node(lab, "alice", "10.0.0.1/24",
                  "sleep 1; ping -q -i 0.02 -c " PINGS " 10.0.0.2 > /dev/null", &nodes[0],
                  &ports[0]);
    if (!rc)
        rc = add_node(lab, "bob", "10.0.0.2/24", "sleep 1000", &nodes[1], &ports[1]);
    if (!rc)
        rc = ttb_net_new(ttb_lab_bridge(lab), NULL, &net);
    for (int i = 0; i < 2 && !rc; i++)
        rc = ttb_net_add_port(net, ports[i], &ends[i]);
    if (!rc)
        rc = ttb_net_connect(net, ends[0], ends[1], &params, NULL, NULL);
    if (!rc)
        rc = ttb_net_call_at(net, 900000000, note_start, &bench, NULL);
    if (!rc)
        rc = ttb_net_run(net, TTB_TIME_NEVER);
    took_s = now_s() - bench.up_s;
    if (rc)
        fprintf(stderr, "bench_ping: %s\n", net ? ttb_net_error(net) : ttb_lab_error(lab));
    else
        rc = ttb_lab_node_exit_status(nodes[0], &status);
    if (rc == 0 && status == 0) {
        for (int i = 0; i < 2; i++)
            ttb_node_get_stats(ttb_lab_node_as_node(nodes[i]), &stats[i]);
        printf("ping: " PINGS " pings in %.2f s: %.0f us, %.1f grants, %.1f kicks, %.1f calls per "
               "ping\n",
               took_s, took_s * 1e6 / 10000, (double)(stats[0].grants + stats[1].grants) / 10000,
               (double)(stats[0].kicks + stats[1].kicks) / 10000,
               (double)(stats[0].calls + stats[1].calls) / 10000);
    } else if (rc == 0) {
        fprintf(stderr, "bench_ping: ping ended with status %d\n", status);
    }
    ttb_net_free(net);
    ttb_lab_free(lab);
    return rc || status ? 3 : 0;
}
