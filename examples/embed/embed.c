/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest program with ttbridge in it: two Linux nodes on a link of 10 ms ping each other.
 * See README.md.
 */
#include <stdio.h>
#include <string.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#define ONE_WAY_DELAY_NS UINT64_C(10000000)

/* Nodes print on their consoles; what ping says is worth showing, with the simulated time. */
static void print_rtt(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                      size_t len_bytes)
{
    const char *name = ttb_node_name(ttb_lab_node_as_node(node));

    (void)user;
    (void)len_bytes;
    if (strstr(text, "time="))
        printf("%13.9f s  %-5s  %s\n", (double)time_ns / 1e9, name, text);
}

/* A node that pings `peer`, and its port. It waits until the other is up, and stays to answer it. */
static int add_node(struct ttb_lab *lab, const char *name, const char *address, const char *peer,
                    struct ttb_lab_node **node, struct ttb_port **port)
{
    char commands[64];
    struct ttb_lab_node_opts opts = {.size = sizeof(opts), .name = name, .commands = commands};
    struct ttb_lab_interface_opts interface = {.size = sizeof(interface), .addresses = {address}};
    int rc;

    snprintf(commands, sizeof(commands), "sleep 1 && ping -c 3 %s && sleep 1", peer);
    rc = ttb_lab_add_node(lab, &opts, node);
    return rc ? rc : ttb_lab_node_add_interface(*node, &interface, port);
}

/* The network: both ports, joined by one link. */
static int add_link(struct ttb_net *net, struct ttb_port *a, struct ttb_port *b)
{
    struct ttb_net_params params = {.size = sizeof(params), .delay_ns = ONE_WAY_DELAY_NS};
    struct ttb_net_end *end_a, *end_b;
    int rc = ttb_net_add_port(net, a, &end_a);

    if (!rc)
        rc = ttb_net_add_port(net, b, &end_b);
    return rc ? rc : ttb_net_connect(net, end_a, end_b, &params, NULL, NULL);
}

/* The commands of a node must have ended well. */
static int check_node(const struct ttb_lab_node *lab_node)
{
    const struct ttb_node *node = ttb_lab_node_as_node(lab_node);
    int status;

    if (ttb_lab_node_exit_status(lab_node, &status) == 0 && status == 0)
        return 0;
    fprintf(stderr, "embed: node %s did not succeed: %s\n", ttb_node_name(node),
            ttb_node_failure(node));
    return 1;
}

int main(void)
{
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1};
    struct ttb_lab_node *alice, *bob;
    struct ttb_port *port_a, *port_b;
    struct ttb_net *net = NULL;
    struct ttb_lab *lab;
    char error[512];
    int rc;

    if (ttb_lab_new(&opts, &lab, error, sizeof(error))) {
        fprintf(stderr, "embed: %s\n", error);
        return 3;
    }
    ttb_lab_on_console_line(lab, print_rtt, NULL);
    rc = add_node(lab, "alice", "10.0.0.1/24", "10.0.0.2", &alice, &port_a);
    if (!rc)
        rc = add_node(lab, "bob", "10.0.0.2/24", "10.0.0.1", &bob, &port_b);
    if (!rc)
        rc = ttb_net_new(ttb_lab_bridge(lab), NULL, &net);
    if (!rc)
        rc = add_link(net, port_a, port_b);
    if (!rc)
        rc = ttb_net_run(net, TTB_TIME_NEVER); /* until both nodes have powered off */
    if (rc)
        fprintf(stderr, "embed: %s\n", net ? ttb_net_error(net) : ttb_lab_error(lab));
    else
        rc = check_node(alice) | check_node(bob);
    ttb_net_free(net);
    ttb_lab_free(lab);
    return rc < 0 ? 3 : rc;
}
