/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two Linux nodes and an ns-3 host on an ns-3 LAN, on one simulated clock. See README.md.
 *
 *     alice 10.0.0.1 (Linux) --+-- ns-3 CSMA, 100 Mbit/s, 1 ms --+-- host 10.0.0.3 (ns-3)
 *     bob   10.0.0.2 (Linux) --+                                  answers pings, echoes UDP
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ttbridge/lab.h>
#include <ttbridge/ns3.h>

#include "measure.h"

#define SECOND_NS UINT64_C(1000000000)
/* What the nodes have to do takes about 20 s; they are not waited for longer than this. */
#define LIMIT_NS (300 * SECOND_NS)

enum {
    EXIT_EXPECTATION = 1,
    EXIT_USAGE = 2,
    EXIT_BROKEN = 3
};

/* Exchanges with known times: 5 pings to bob, 5 to the ns-3 host, 5 datagrams. A short ping before finds
 * out the Ethernet address, and so takes longer. */
#define EXCHANGES 15

static const char alice_commands[] =
    "set -e\n"
    "cd /root\n"
    "dd if=/dev/urandom of=payload bs=65536 count=160 2>/dev/null\n"
    "echo \"sent $(sha256sum < payload)\"\n"
    "sync\n"
    "sleep 1\n"
    "ping -s 8 -c 1 10.0.0.2 > /dev/null\n"
    "ping -s 8 -c 1 10.0.0.3 > /dev/null\n"
    "ping -c 5 -i 0.2 10.0.0.2\n"
    "ping -c 5 -i 0.2 10.0.0.3\n"
    "/run/ttb/udp-echo 10.0.0.3 9 5 1000\n"
    "nc 10.0.0.2 5000 < payload &\n"
    "dd if=/dev/urandom of=scratch bs=4096 count=512 conv=fsync 2>/dev/null\n"
    "written=$(sha256sum < scratch)\n"
    "sync\n"
    "echo 3 > /proc/sys/vm/drop_caches\n"
    "[ \"$(sha256sum < scratch)\" = \"$written\" ] && echo 'disk holds what was written'\n"
    "wait\n"
    "echo done\n";

/* nc ends when its input does or the peer has finished: the pipe keeps its input open. */
static const char bob_commands[] = "set -e\n"
                                   "cd /root\n"
                                   "mkfifo /tmp/open\n"
                                   "nc -l -p 5000 < /tmp/open > received &\n"
                                   "exec 3> /tmp/open\n"
                                   "wait\n"
                                   "sync\n"
                                   "echo 3 > /proc/sys/vm/drop_caches\n"
                                   "echo \"received $(sha256sum < received)\"\n"
                                   "echo \"bytes $(wc -c < received)\"\n";

struct demo {
    struct ttb_lab *lab;
    struct ttb_ns3 *ns3;
    struct ttb_lab_node *alice, *bob;
    struct measure measure;
    unsigned running;
    bool node_failed;
    bool disk_good;
    char sent[80], received[80]; /* digests */
    unsigned long received_bytes;
};

/* ------------------------------------------------------------------------------ what nodes say */

static void on_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct demo *demo = user;

    (void)time_ns;
    (void)len_bytes;
    if (node == demo->alice) {
        measure_line(&demo->measure, text);
        demo->disk_good |= strcmp(text, "disk holds what was written") == 0;
        sscanf(text, "sent %79s", demo->sent);
    } else {
        sscanf(text, "received %79s", demo->received);
        sscanf(text, "bytes %lu", &demo->received_bytes);
    }
}

static void on_state(void *user, struct ttb_node *node, enum ttb_node_state state, uint64_t time_ns,
                     const char *why)
{
    struct demo *demo = user;

    (void)time_ns;
    if (state == TTB_NODE_FAILED) {
        fprintf(stderr, "two-nodes: %s failed: %s\n", ttb_node_name(node), why);
        demo->node_failed = true;
    }
    if ((state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED) && --demo->running == 0)
        ttb_ns3_stop(demo->ns3);
}

/* ------------------------------------------------------------------------------------- set-up */

static int add_node(struct demo *demo, const char *name, const char *address, const char *commands,
                    enum ttb_clock_mode clock, struct ttb_lab_node **node, struct ttb_port **port)
{
    /* No IPv6: its announcements would be on the LAN at the same time as a ping. */
    static const char *const arguments[] = {"ipv6.disable=1", NULL};
    const struct ttb_lab_file file = {
        .path = "udp-echo", .host_path = TWO_NODES_UDP_ECHO, .mode = 0755};
    const struct ttb_lab_node_opts node_opts = {.size = sizeof(node_opts),
                                                .name = name,
                                                .commands = commands,
                                                .clock_mode = clock,
                                                .files = &file,
                                                .file_count = 1,
                                                .kernel_arguments = arguments};
    const struct ttb_lab_interface_opts interface_opts = {.size = sizeof(interface_opts),
                                                          .addresses = {address}};
    int rc = ttb_lab_add_node(demo->lab, &node_opts, node);

    if (!rc)
        rc = ttb_lab_node_add_interface(*node, &interface_opts, port);
    if (!rc)
        demo->running++;
    return rc;
}

/* A station on the LAN: an ns-3 node with a device, whose frames go to NAME.pcap. */
static int add_station(struct demo *demo, struct ttb_ns3_object *lan, const char *name,
                       struct ttb_ns3_object **node, struct ttb_ns3_object **device)
{
    char path[4096];
    int rc;

    snprintf(path, sizeof(path), "%s/%s.pcap", ttb_lab_directory(demo->lab), name);
    rc = ttb_ns3_create_node(demo->ns3, node);
    if (!rc)
        rc = ttb_ns3_install_csma(*node, lan, NULL, NULL, device);
    return rc ? rc : ttb_ns3_pcap(*device, path, true);
}

static int build_network(struct demo *demo, struct ttb_port *alice, struct ttb_port *bob)
{
    const struct ttb_ns3_opts opts = {
        .size = sizeof(opts), .bridge = ttb_lab_bridge(demo->lab), .seed = 1, .run = 1};
    const struct ttb_ns3_attribute lan_attributes[] = {
        {"DataRate", LAN_RATE}, {"Delay", LAN_DELAY}, {NULL, NULL}};
    const struct ttb_ns3_attribute echo_attributes[] = {{"Port", "9"}, {NULL, NULL}};
    struct ttb_ns3_object *lan, *node, *device;
    int rc = ttb_ns3_new(&opts, &demo->ns3);

    if (!rc)
        rc = ttb_ns3_create(demo->ns3, "ns3::CsmaChannel", lan_attributes, &lan);
    if (!rc)
        rc = add_station(demo, lan, "alice", &node, &device);
    if (!rc)
        rc = ttb_ns3_attach_port(device, alice, NULL);
    if (!rc)
        rc = add_station(demo, lan, "bob", &node, &device);
    if (!rc)
        rc = ttb_ns3_attach_port(device, bob, NULL);
    if (!rc)
        rc = add_station(demo, lan, "host", &node, &device);
    if (!rc)
        rc = ttb_ns3_install_internet(node, TTB_NS3_IPV4);
    if (!rc)
        rc = ttb_ns3_add_ipv4(device, "10.0.0.3/24");
    if (!rc)
        rc = ttb_ns3_install_application(node, "ns3::UdpEchoServer", echo_attributes, 0,
                                         TTB_TIME_NEVER, NULL);
    return rc;
}

/* ------------------------------------------------------------------------------------- results */

static int expect(bool good, const char *what)
{
    printf("%-5s  %s\n", good ? "ok" : "WRONG", what);
    return good ? 0 : 1;
}

static bool ended_well(struct ttb_lab_node *node)
{
    int status;

    return ttb_lab_node_exit_status(node, &status) == 0 && status == 0 &&
           ttb_node_get_state(ttb_lab_node_as_node(node)) == TTB_NODE_STOPPED;
}

static int report(struct demo *demo, double wall_s)
{
    double simulated_s = (double)ttb_ns3_now_ns(demo->ns3) / 1e9;
    int failed = measure_report(&demo->measure, EXCHANGES);

    printf("\n");
    failed += expect(demo->disk_good, "alice read back from her disk what she wrote meanwhile");
    failed += expect(demo->received_bytes == 10485760, "bob received 10 MiB over TCP");
    failed += expect(demo->sent[0] && strcmp(demo->sent, demo->received) == 0,
                     "what bob received has the SHA-256 of what alice sent");
    failed += expect(ended_well(demo->alice), "alice ended with status 0");
    failed += expect(ended_well(demo->bob), "bob ended with status 0");
    printf("\n%-16s %10.6f s\n%-16s %10.2f s\n%-16s %10" PRIu64 "\n%-16s %10" PRIu64 "\n",
           "simulated time", simulated_s, "wall time", wall_s, "frames of nodes",
           demo->measure.frames, "ns-3 events", ttb_ns3_event_count(demo->ns3));
    return failed;
}

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(struct demo *demo, const char *directory, enum ttb_clock_mode clock)
{
    const struct ttb_lab_opts lab_opts = {
        .size = sizeof(lab_opts), .directory = directory, .seed = 1};
    struct ttb_port *alice, *bob;
    char error[1024];
    double start_s = wall_s();
    int rc = ttb_lab_new(&lab_opts, &demo->lab, error, sizeof(error));

    if (rc) {
        fprintf(stderr, "two-nodes: %s\n", error);
        return EXIT_BROKEN;
    }
    ttb_lab_on_console_line(demo->lab, on_line, demo);
    ttb_bridge_on_node_state(ttb_lab_bridge(demo->lab), on_state, demo);
    rc = add_node(demo, "alice", "10.0.0.1/24", alice_commands, clock, &demo->alice, &alice);
    if (!rc)
        rc = add_node(demo, "bob", "10.0.0.2/24", bob_commands, clock, &demo->bob, &bob);
    if (rc) {
        fprintf(stderr, "two-nodes: %s\n", ttb_lab_error(demo->lab));
        return EXIT_BROKEN;
    }
    demo->measure.alice = alice;
    demo->measure.bob = bob;
    rc = measure_begin(&demo->measure, ttb_lab_bridge(demo->lab));
    if (!rc)
        rc = build_network(demo, alice, bob);
    if (!rc)
        rc = ttb_ns3_run(demo->ns3, LIMIT_NS);
    if (rc) {
        fprintf(stderr, "two-nodes: %s\n", ttb_ns3_error(demo->ns3));
        return EXIT_BROKEN;
    }
    rc = report(demo, wall_s() - start_s) ? EXIT_EXPECTATION : EXIT_SUCCESS;
    if (ttb_ns3_destroy(demo->ns3)) {
        fprintf(stderr, "two-nodes: %s\n", ttb_ns3_error(demo->ns3));
        return EXIT_BROKEN;
    }
    return demo->node_failed ? EXIT_BROKEN : rc;
}

static void usage(FILE *out)
{
    fputs("usage: two-nodes [-o DIR] [--clock messages|shared]\n"
          "Two Linux nodes and an ns-3 host on an ns-3 LAN, on one simulated clock.\n"
          "  -o DIR         keep the run's files (pcap, consoles, disks) in DIR\n"
          "  --clock MODE   how nodes share the clock: messages or shared (default: shared\n"
          "                 where the kernel can, else messages)\n"
          "Kernel and image: $TTB_KERNEL and $TTB_IMAGE, else what \"ttb kernel build\" and\n"
          "\"ttb image build\" made.\n"
          "Exit status: 0 all as expected, 1 something was not, 2 usage, 3 the run broke\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"clock", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    enum ttb_clock_mode clock = TTB_CLOCK_AUTO;
    const char *directory = NULL;
    struct demo demo = {0};
    int option, status;

    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        if (option == 'o') {
            directory = optarg;
        } else if (option == 'c' && strcmp(optarg, "messages") == 0) {
            clock = TTB_CLOCK_MESSAGES;
        } else if (option == 'c' && strcmp(optarg, "shared") == 0) {
            clock = TTB_CLOCK_SHARED;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_SUCCESS : EXIT_USAGE;
        }
    }
    if (optind != argc) {
        usage(stderr);
        return EXIT_USAGE;
    }
    status = run(&demo, directory, clock);
    ttb_ns3_free(demo.ns3);
    ttb_lab_free(demo.lab);
    return status;
}
