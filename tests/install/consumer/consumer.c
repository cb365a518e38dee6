/* SPDX-License-Identifier: BSD-3-Clause */
/* A program outside the tree: sends one frame from host to host, and says when it arrived. */
#include <inttypes.h>
#include <stdio.h>

#include <ttbridge/link.h>

static void received(void *user, struct ttb_net_end *host, uint64_t time_ns, const void *frame,
                     size_t len_bytes)
{
    (void)user;
    (void)host;
    (void)frame;
    printf("%zu bytes at %" PRIu64 " ns\n", len_bytes, time_ns);
}

int main(void)
{
    const struct ttb_net_params params = {
        .size = sizeof(params), .rate_bps = 1000000000, .delay_ns = 5000};
    const struct ttb_bridge_opts opts = {.size = sizeof(opts)};
    const unsigned char frame[60] = {0};
    struct ttb_bridge *bridge;
    struct ttb_net *net;
    struct ttb_net_end *a, *b;
    int failed;

    if (ttb_bridge_new(&opts, &bridge))
        return 1;
    failed = ttb_net_new(bridge, NULL, &net) || ttb_net_add_host(net, "a", NULL, NULL, &a) ||
             ttb_net_add_host(net, "b", received, NULL, &b) ||
             ttb_net_connect(net, a, b, &params, NULL, NULL) ||
             ttb_net_host_send(a, frame, sizeof(frame)) || ttb_net_run(net, TTB_TIME_NEVER);
    ttb_net_free(net);
    ttb_bridge_free(bridge);
    return failed;
}
