/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in network by itself: frames from host to host through a switch. */
#include <stdio.h>

#include <ttbridge/link.h>

#include "clock.h"
#include "row.h"

#define HOSTS  16
#define FRAMES 1000000

struct bench {
    uint64_t left;
};

struct host {
    struct bench *bench;
    struct ttb_net_end *end;
    unsigned char index;
};

/* A frame to the host's neighbour. */
static int send_on(const struct host *host)
{
    const unsigned char frame[1014] = {2, 0, 0, 0, 0, (unsigned char)((host->index + 1) % HOSTS),
                                       2, 0, 0, 0, 0, host->index};

    return ttb_net_host_send(host->end, frame, sizeof(frame));
}

/* Each host passes on what it gets, until so many have been sent. */
static void received(void *user, struct ttb_net_end *end, uint64_t time_ns, const void *frame,
                     size_t len_bytes)
{
    struct host *host = user;

    (void)end;
    (void)time_ns;
    (void)len_bytes;
    if (((const unsigned char *)frame)[5] != host->index || host->bench->left == 0)
        return; /* flooded, or done */
    host->bench->left--;
    send_on(host);
}

int main(void)
{
    const struct ttb_bridge_opts opts = {.size = sizeof(opts)};
    const struct ttb_net_params params = {
        .size = sizeof(params), .rate_bps = 1000000000, .delay_ns = 5000};
    struct bench bench = {.left = FRAMES};
    struct host hosts[HOSTS];
    struct ttb_bridge *bridge;
    struct ttb_net *net = NULL;
    struct ttb_net_switch *sw;
    int failed;
    double start_s, took_s;

    if (ttb_bridge_new(&opts, &bridge))
        return 3;
    failed = ttb_net_new(bridge, NULL, &net) || ttb_net_add_switch(net, NULL, &sw);
    for (unsigned i = 0; i < HOSTS && !failed; i++) {
        struct ttb_net_end *port;

        hosts[i] = (struct host){.bench = &bench, .index = (unsigned char)i};
        failed = ttb_net_switch_add_port(sw, &port) ||
                 ttb_net_add_host(net, "host", received, &hosts[i], &hosts[i].end) ||
                 ttb_net_connect(net, port, hosts[i].end, &params, NULL, NULL);
    }
    for (unsigned i = 0; i < HOSTS && !failed; i++)
        failed = send_on(&hosts[i]);
    start_s = now_s();
    if (!failed)
        failed = ttb_net_run(net, TTB_TIME_NEVER);
    took_s = now_s() - start_s;
    if (failed || bench.left > 0)
        fprintf(stderr, "bench_net: failed: %s\n", net ? ttb_net_error(net) : "");
    else
        bench_row("built-in network, a frame on a link", took_s * 1e9 / FRAMES / 2, "ns", 0, 0);
    ttb_net_free(net);
    ttb_bridge_free(bridge);
    return failed || bench.left > 0 ? 3 : 0;
}
