/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a lab in the directory that is its first argument until somebody kills it. The second is an
 * extra argument for the kernel, the rest are commands for the node.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ttbridge/lab.h>

int main(int argc, char **argv)
{
    struct ttb_bridge_opts bridge_opts = {
        .size = sizeof(bridge_opts),
        .connect_timeout_ms = 60000,
        .hang_report_ms = 60000,
        .hang_kill_ms = 120000,
        .no_pin = true,
    };
    struct ttb_lab_opts opts = {
        .size = sizeof(opts),
        .directory = argv[1],
        .bridge = &bridge_opts,
    };
    const char *arguments[] = {argc > 2 && argv[2][0] ? argv[2] : NULL, NULL};
    struct ttb_lab_node_opts node_opts = {
        .size = sizeof(node_opts),
        .name = "a",
        .commands = argc > 3 ? argv[3] : "",
        .kernel_arguments = arguments,
    };
    struct ttb_lab_interface_opts interface_opts = {.size = sizeof(interface_opts)};
    struct ttb_lab_node *node;
    struct ttb_port *port;
    struct ttb_lab *lab;
    char error[512];
    uint64_t now_ns;

    if (argc < 2)
        return 2;
    if (ttb_lab_new(&opts, &lab, error, sizeof(error))) {
        fprintf(stderr, "victim: %s\n", error);
        return 3;
    }
    if (ttb_lab_add_node(lab, &node_opts, &node) ||
        ttb_lab_node_add_interface(node, &interface_opts, &port)) {
        fprintf(stderr, "victim: %s\n", ttb_lab_error(lab));
        ttb_lab_free(lab);
        return 3;
    }
    for (;;) {
        if (ttb_bridge_advance(ttb_lab_bridge(lab), TTB_TIME_NEVER, &now_ns))
            break;
        if (now_ns == TTB_TIME_NEVER)
            pause();
    }
    ttb_lab_free(lab);
    return 1;
}
