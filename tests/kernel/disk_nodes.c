/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two nodes side by side, on one clock and one link, that ping each other while each of them puts its
 * disks under a load that verifies its data (disk_load.c). Run by test_disk_nodes.sh:
 *
 *     disk_nodes DIRECTORY DISK_LOAD BASE OPERATIONS LATENCY KERNEL_A KERNEL_B
 *
 * BASE is a disk image below DIRECTORY that both nodes have a layer on; LATENCY is 1 if accesses shall
 * take simulated time. Prints what the nodes print, with simulated times. What the disks hold at the
 * end is in DIRECTORY/nodes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#define MIB (1024 * 1024)

static const char commands[] =
    "load=/run/ttb/disk_load\n"
    "ping -i 0.01 -c 300 -q 10.0.0.%u > /root/pings 2>&1 &\n"
    "dd if=/dev/urandom of=/root/file bs=256k count=16 2>/dev/null; sync\n"
    "$load /root/file 4194304 %u %u1 || exit 1\n"
    "$load /dev/ubdd 4194304 %u %u2 discard || exit 1\n"
    "$load /dev/ubde 4194304 %u %u3 discard || exit 1\n"
    "cat /proc/uptime\n"
    "wait; cat /root/pings\n"
    "sha256sum /root/file /dev/ubdd /dev/ubde; sync\n"
    /* The other one may still ping. */
    "sleep 5\n";

struct arguments {
    const char *directory, *load, *base, *kernels[2];
    unsigned operations;
    bool latency;
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "disk_nodes: %s: %s\n", what, why);
    return 1;
}

static void print_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                       size_t len_bytes)
{
    (void)user;
    printf("%" PRIu64 " %s %.*s\n", time_ns, ttb_node_name(ttb_lab_node_as_node(node)),
           (int)len_bytes, text);
}

/* An empty disk nodes/NAME/plain; nodes/NAME/layer makes itself. */
static int make_plain_disk(const struct ttb_lab_node *node)
{
    char path[4096];
    int fd, rc;

    snprintf(path, sizeof(path), "%s", ttb_lab_node_console_path(node));
    *strrchr(path, '/') = 0;
    strcat(path, "/plain");
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    rc = fd < 0 || ftruncate(fd, 4 * MIB) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int add_node(struct ttb_lab *lab, const struct arguments *arguments, unsigned number,
                    struct ttb_lab_node **node, struct ttb_port **port)
{
    const char *name = number == 1 ? "a" : "b";
    char text[1024], address[32], plain[64], layer[4200], plain_latency[64], layer_latency[64],
        undo[64];
    const char *words[] = {plain, layer, NULL, NULL, NULL, NULL};
    struct ttb_lab_file file = {.path = "disk_load", .host_path = arguments->load, .mode = 0755};
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = name,
        .kernel = arguments->kernels[number - 1],
        .commands = text,
        .files = &file,
        .file_count = 1,
        .kernel_arguments = words,
    };
    struct ttb_lab_interface_opts interface = {.size = sizeof(interface), .addresses = {address}};
    int rc;

    snprintf(text, sizeof(text), commands, 3 - number, arguments->operations, number,
             arguments->operations, number, arguments->operations, number);
    snprintf(address, sizeof(address), "10.0.0.%u/24", number);
    snprintf(plain, sizeof(plain), "ubd3d=nodes/%s/plain", name);
    snprintf(layer, sizeof(layer), "ubd4=nodes/%s/layer,%s", name, arguments->base);
    if (arguments->latency) {
        opts.disk = (struct ttb_lab_disk_opts){
            .latency_ns = 100000,
            .per_kib_ns = 1000,
            .jitter_ns = 50000,
            .flush_ns = 2000000,
        };
        snprintf(plain_latency, sizeof(plain_latency), "ubd3.latency=100000:1000:50000:2000000");
        snprintf(layer_latency, sizeof(layer_latency), "ubd4.latency=1000000:0:1000000");
        snprintf(undo, sizeof(undo), "ubd4.undo=nodes/%s/layer-undo", name);
        words[2] = plain_latency;
        words[3] = layer_latency;
        words[4] = undo;
    }
    rc = ttb_lab_add_node(lab, &opts, node);
    if (!rc)
        rc = ttb_lab_node_add_interface(*node, &interface, port);
    return rc ? rc : make_plain_disk(*node);
}

static int run(struct ttb_lab *lab, const struct arguments *arguments)
{
    struct ttb_net_params params = {.size = sizeof(params), .delay_ns = 1000000};
    struct ttb_lab_node *nodes[2];
    struct ttb_net_end *ends[2];
    struct ttb_port *ports[2];
    struct ttb_net *net;
    int rc = 0;

    if (ttb_net_new(ttb_lab_bridge(lab), NULL, &net))
        return fail("link", "out of memory");
    for (unsigned i = 0; i < 2 && !rc; i++) {
        rc = add_node(lab, arguments, i + 1, &nodes[i], &ports[i]);
        if (rc)
            fail("node", ttb_lab_error(lab));
        else
            rc = ttb_net_add_port(net, ports[i], &ends[i]);
    }
    if (!rc)
        rc = ttb_net_connect(net, ends[0], ends[1], &params, NULL, NULL);
    if (!rc)
        rc = ttb_net_run(net, TTB_TIME_NEVER);
    if (rc)
        fail("run", ttb_net_error(net));
    for (unsigned i = 0; i < 2 && !rc; i++) {
        int status;

        if (ttb_lab_node_exit_status(nodes[i], &status) || status != 0)
            rc = fail(ttb_node_name(ttb_lab_node_as_node(nodes[i])), "did not end as it should");
    }
    ttb_net_free(net);
    return rc;
}

int main(int argc, char **argv)
{
    struct ttb_bridge_opts bridge_opts = {.size = sizeof(bridge_opts), .no_pin = true};
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1, .bridge = &bridge_opts};
    struct arguments arguments;
    struct ttb_lab *lab;
    char error[512];
    int rc;

    if (argc != 8) {
        fprintf(stderr, "usage: disk_nodes DIRECTORY DISK_LOAD BASE OPERATIONS LATENCY KERNEL_A "
                        "KERNEL_B\n");
        return 2;
    }
    arguments = (struct arguments){
        .directory = argv[1],
        .load = argv[2],
        .base = argv[3],
        .operations = (unsigned)strtoul(argv[4], NULL, 10),
        .latency = strcmp(argv[5], "1") == 0,
        .kernels = {argv[6], argv[7]},
    };
    opts.directory = arguments.directory;
    if (ttb_lab_new(&opts, &lab, error, sizeof(error)))
        return fail("lab", error);
    ttb_lab_on_console_line(lab, print_line, NULL);
    rc = run(lab, &arguments);
    ttb_lab_free(lab);
    return rc != 0;
}
