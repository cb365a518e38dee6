/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real kernels on every kind of device: they reach each other, runs repeat frame for frame, times on an
 * Ethernet link are exact, a cut takes the carrier away; and what a device cannot do is refused.
 *
 * Every run is a process of its own, as in test_nodes.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ttbridge/lab.h>
#include <ttbridge/ns3.h>

#define SECOND_NS UINT64_C(1000000000)

/* ------------------------------------------------------------------- one run, in a process of its own */

struct run {
    char directory[64];
    const char *commands[2];
    void (*build)(struct run *run);
    void (*check)(struct run *run);
    uint64_t
        one_way_delay_ns; /* of an idle 1 Gbit/s Ethernet link; 0: frames' times are not checked */
    struct ttb_lab *lab;
    struct ttb_ns3 *ns3;
    struct ttb_lab_node *nodes[2];
    struct ttb_port *ports[2];
    struct ttb_ns3_object *link;
    char macs[2][18];
    unsigned running;
    FILE *frames;
    uint64_t sent_ns, sent_len;
    unsigned exact;
};

static void die(const struct run *run, const char *what, int rc, const char *why)
{
    fprintf(stderr, "%s: %s: %s: %s\n", run->directory, what, strerror(-rc), why);
    _exit(1);
}

#define CHECK(run, condition)                     \
    do {                                          \
        if (!(condition))                         \
            die(run, #condition, 0, "is not so"); \
    } while (0)

/* Of a call of the adapter's. */
#define OK(run, call)                                      \
    do {                                                   \
        int rc_ = (call);                                  \
        if (rc_)                                           \
            die(run, #call, rc_, ttb_ns3_error(run->ns3)); \
    } while (0)

static void refused(struct run *run, int rc, int expected, const char *part)
{
    const char *text = ttb_ns3_error(run->ns3);

    if (rc != expected || !strstr(text, part)) {
        fprintf(stderr, "%d \"%s\" instead of %d \"...%s...\"\n", rc, text, expected, part);
        _exit(1);
    }
}

static void note(struct run *run, const char *what, const struct ttb_port *port, uint64_t time_ns,
                 const void *frame, size_t len_bytes)
{
    const uint8_t *bytes = frame;

    fprintf(run->frames, "%s %d %" PRIu64 " ", what, port == run->ports[1], time_ns);
    for (size_t i = 0; i < len_bytes; i++)
        fprintf(run->frames, "%02x", bytes[i]);
    fprintf(run->frames, "\n");
}

static void on_transmitted(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                           size_t len_bytes)
{
    struct run *run = user;

    note(run, "sent", port, time_ns, frame, len_bytes);
    run->sent_ns = time_ns;
    run->sent_len = len_bytes < 60 ? 60 : len_bytes;
}

static void on_delivered(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                         size_t len_bytes, enum ttb_drop drop)
{
    struct run *run = user;

    note(run, drop ? "dropped" : "got", port, time_ns, frame, len_bytes);
    if (run->one_way_delay_ns && !drop) {
        uint64_t expected = run->sent_ns + (8 + run->sent_len + 4) * 8 + run->one_way_delay_ns;

        if (time_ns != expected) {
            fprintf(stderr, "%s: a frame of %zu bytes arrived at %" PRIu64 ", not %" PRIu64 "\n",
                    run->directory, len_bytes, time_ns, expected);
            _exit(1);
        }
        run->exact++;
    }
}

static void on_state(void *user, struct ttb_node *node, enum ttb_node_state state, uint64_t time_ns,
                     const char *why)
{
    struct run *run = user;

    (void)time_ns;
    if (state == TTB_NODE_FAILED)
        fprintf(stderr, "%s: node %s: %s\n", run->directory, ttb_node_name(node), why);
    if ((state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED) && --run->running == 0)
        ttb_ns3_stop(run->ns3);
}

static void add_nodes(struct run *run)
{
    static const char *const names[] = {"a", "b"};
    static const char *const addresses[] = {"10.0.0.1/24", "10.0.0.2/24"};
    static const char *const arguments[] = {"ipv6.disable=1", NULL};
    uint8_t mac[6];
    int rc;

    for (int i = 0; i < 2; i++) {
        struct ttb_lab_node_opts node_opts = {.size = sizeof(node_opts),
                                              .name = names[i],
                                              .commands = run->commands[i],
                                              .kernel_arguments = arguments};
        struct ttb_lab_interface_opts interface_opts = {.size = sizeof(interface_opts),
                                                        .addresses = {addresses[i]}};

        rc = ttb_lab_add_node(run->lab, &node_opts, &run->nodes[i]);
        if (!rc)
            rc = ttb_lab_node_add_interface(run->nodes[i], &interface_opts, &run->ports[i]);
        if (rc)
            die(run, names[i], rc, ttb_lab_error(run->lab));
        ttb_port_get_mac(run->ports[i], mac);
        snprintf(run->macs[i], sizeof(run->macs[i]), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
                 mac[1], mac[2], mac[3], mac[4], mac[5]);
        run->running++;
    }
}

static void one_run(struct run *run)
{
    const struct ttb_observer observer = {
        .size = sizeof(observer), .transmitted = on_transmitted, .delivered = on_delivered};
    struct ttb_lab_opts lab_opts = {
        .size = sizeof(lab_opts), .directory = run->directory, .seed = 7};
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .seed = 3, .run = 5};
    char error[1024], path[128];
    int rc = ttb_lab_new(&lab_opts, &run->lab, error, sizeof(error)), status = -1;

    if (rc)
        die(run, "lab", rc, error);
    snprintf(path, sizeof(path), "%s/frames", run->directory);
    run->frames = fopen(path, "w");
    CHECK(run, run->frames != NULL);
    add_nodes(run);
    ttb_bridge_on_node_state(ttb_lab_bridge(run->lab), on_state, run);
    ttb_bridge_observe(ttb_lab_bridge(run->lab), &observer, run);
    opts.bridge = ttb_lab_bridge(run->lab);
    rc = ttb_ns3_new(&opts, &run->ns3);
    if (rc)
        die(run, "ns-3", rc, ttb_ns3_error(NULL));
    run->build(run);
    OK(run, ttb_ns3_run(run->ns3, 100 * SECOND_NS));
    CHECK(run, run->running == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(run, ttb_lab_node_exit_status(run->nodes[i], &status) == 0);
        CHECK(run, status == 0);
    }
    if (run->check)
        run->check(run);
    OK(run, ttb_ns3_destroy(run->ns3));
    ttb_ns3_free(run->ns3);
    ttb_lab_free(run->lab);
    CHECK(run, fclose(run->frames) == 0);
}

/* Run in a process of its own, with a new directory. */
static void in_process(struct run *run)
{
    int status;
    pid_t pid;

    strcpy(run->directory, "/tmp/ttb-ns3-XXXXXX");
    assert_non_null(mkdtemp(run->directory));
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        one_run(run);
        fflush(NULL);
        exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("%s: wait status %#x; its files are kept", run->directory, status);
}

static void command(const char *format, const struct run *first, const struct run *second)
{
    char text[512];

    snprintf(text, sizeof(text), format, first->directory, second->directory);
    if (system(text) != 0)
        fail_msg("%s", text);
}

/* `count` equal runs. */
static void repeat(const struct run *run, unsigned count)
{
    struct run first = *run, next = *run;

    in_process(&first);
    command("test -s %s/frames", &first, &first);
    for (unsigned i = 1; i < count; i++) {
        next = *run;
        in_process(&next);
        command("cmp %s/frames %s/frames", &first, &next);
        command("cmp %s/nodes/a/console.log %s/nodes/a/console.log", &first, &next);
        command("cmp %s/nodes/b/console.log %s/nodes/b/console.log", &first, &next);
        command("rm -rf %s", &next, &next);
    }
    command("rm -rf %s", &first, &first);
}

#define PING   "ping -c 5 -i 0.2 10.0.0.2\n"
#define ANSWER "sleep 5\n"

/* ------------------------------------------------------------------------------------ networks */

static struct ttb_ns3_object *new_node(struct run *run)
{
    struct ttb_ns3_object *node;

    OK(run, ttb_ns3_create_node(run->ns3, &node));
    return node;
}

static struct ttb_ns3_object *new_cable(struct run *run)
{
    const struct ttb_ns3_attribute attributes[] = {{"Delay", "1ms"}, {NULL, NULL}};
    struct ttb_ns3_object *cable;

    OK(run, ttb_ns3_create(run->ns3, "ttb::EthernetLinkChannel", attributes, &cable));
    return cable;
}

static struct ttb_ns3_object *new_end(struct run *run, struct ttb_ns3_object *node,
                                      struct ttb_ns3_object *cable)
{
    struct ttb_ns3_object *device;

    OK(run, ttb_ns3_install_ethernet(node, cable, NULL, NULL, &device));
    return device;
}

static void build_ethernet(struct run *run)
{
    run->link = new_cable(run);
    for (int i = 0; i < 2; i++)
        OK(run, ttb_ns3_attach_port(new_end(run, new_node(run), run->link), run->ports[i], NULL));
}

static void check_exact(struct run *run)
{
    struct ttb_ns3_link_stats stats;

    OK(run, ttb_ns3_link_get_stats(run->link, &stats));
    CHECK(run, run->exact >= 12); /* ARP and five pings, there and back */
    CHECK(run, stats.sent_frames == run->exact && stats.received_frames == run->exact);
}

static void nodes_meet_on_an_ethernet_link_at_exact_times(void **state)
{
    struct run run = {.commands = {PING, ANSWER},
                      .build = build_ethernet,
                      .check = check_exact,
                      .one_way_delay_ns = 1000000};

    (void)state;
    repeat(&run, 2);
}

/* Each on a cable of its own to a switch. */
static void build_switch(struct run *run)
{
    struct ttb_ns3_object *sw = new_node(run), *ports[2];

    for (int i = 0; i < 2; i++) {
        struct ttb_ns3_object *cable = new_cable(run);

        ports[i] = new_end(run, sw, cable);
        OK(run, ttb_ns3_attach_port(new_end(run, new_node(run), cable), run->ports[i], NULL));
    }
    OK(run, ttb_ns3_install_switch(sw, ports, 2, NULL, NULL));
}

static void nodes_meet_across_a_switch(void **state)
{
    struct run run = {.commands = {PING, ANSWER}, .build = build_switch};

    (void)state;
    repeat(&run, 2);
}

/* One of them is the switch itself. */
static void build_bridge(struct run *run)
{
    struct ttb_ns3_object *sw = new_node(run), *cable = new_cable(run), *port, *bridge;

    port = new_end(run, sw, cable);
    OK(run, ttb_ns3_install_switch(sw, &port, 1, NULL, &bridge));
    OK(run, ttb_ns3_attach_port(bridge, run->ports[0], NULL));
    OK(run, ttb_ns3_attach_port(new_end(run, new_node(run), cable), run->ports[1], NULL));
}

static void a_node_on_a_switchs_own_device_reaches_its_ports(void **state)
{
    struct run run = {.commands = {PING, ANSWER}, .build = build_bridge};

    (void)state;
    repeat(&run, 2);
}

static void build_simple(struct run *run)
{
    struct ttb_ns3_object *channel, *device;

    OK(run, ttb_ns3_create(run->ns3, "ns3::SimpleChannel",
                           (struct ttb_ns3_attribute[]){{"Delay", "1ms"}, {NULL, NULL}}, &channel));
    for (int i = 0; i < 2; i++) {
        OK(run, ttb_ns3_install_device(new_node(run), "ns3::SimpleNetDevice", channel, NULL, NULL,
                                       &device));
        OK(run, ttb_ns3_attach_port(device, run->ports[i], NULL));
    }
}

static void nodes_meet_on_simple_devices(void **state)
{
    struct run run = {.commands = {PING, ANSWER}, .build = build_simple};

    (void)state;
    repeat(&run, 2);
}

static void build_wifi(struct run *run, bool infrastructure)
{
    struct ttb_ns3_wifi_opts opts = {.size = sizeof(opts), .infrastructure = infrastructure};
    struct ttb_ns3_object *wifi, *device, *other;

    OK(run, ttb_ns3_create_wifi(run->ns3, &opts, &wifi));
    for (int i = 0; i < 2; i++) {
        struct ttb_ns3_object *node = new_node(run);
        struct ttb_ns3_position position = {.x_mm = 20000 * i};
        enum ttb_ns3_wifi_role role = !infrastructure ? TTB_NS3_WIFI_ADHOC
                                      : i             ? TTB_NS3_WIFI_ACCESS_POINT
                                                      : TTB_NS3_WIFI_STATION;

        OK(run, ttb_ns3_set_position(node, &position));
        if (role != TTB_NS3_WIFI_ACCESS_POINT) {
            OK(run, ttb_ns3_install_wifi(new_node(run), wifi, role, NULL, NULL, &other));
            refused(run, ttb_ns3_attach_port(other, run->ports[i], NULL), -EOPNOTSUPP,
                    "sends with its own address only");
        }
        /* An access point may have an address of its own. */
        OK(run, ttb_ns3_install_wifi(node, wifi, role,
                                     role == TTB_NS3_WIFI_ACCESS_POINT ? NULL : run->macs[i], NULL,
                                     &device));
        OK(run, ttb_ns3_attach_port(device, run->ports[i], NULL));
        refused(run, ttb_ns3_attach_port(device, run->ports[i], NULL), -EOPNOTSUPP,
                "it has a port already");
    }
}

static void build_adhoc(struct run *run)
{
    build_wifi(run, false);
}

static void build_infrastructure(struct run *run)
{
    build_wifi(run, true);
}

static void nodes_meet_on_an_ad_hoc_wifi(void **state)
{
    struct run run = {.commands = {PING, ANSWER}, .build = build_adhoc};

    (void)state;
    repeat(&run, 5);
}

static void a_station_reaches_the_node_at_its_access_point(void **state)
{
    struct run run = {.commands = {"sleep 1\n" PING, ANSWER}, .build = build_infrastructure};

    (void)state;
    repeat(&run, 5);
}

/* ------------------------------------------------------------------------------------- changes */

static void cut(void *user, uint64_t time_ns)
{
    struct run *run = user;

    OK(run, ttb_ns3_link_set_up(run->link, time_ns >= 4 * SECOND_NS));
}

static void build_cut(struct run *run)
{
    build_ethernet(run);
    OK(run, ttb_ns3_schedule(run->ns3, 2 * SECOND_NS, cut, run));
    OK(run, ttb_ns3_schedule(run->ns3, 4 * SECOND_NS, cut, run));
}

static void a_node_sees_its_carrier_go_and_come(void **state)
{
    struct run run = {.commands = {"set -e\n"
                                   "sleep 1\n"
                                   "test $(cat /sys/class/net/eth0/carrier) = 1\n"
                                   "ping -c 1 10.0.0.2\n"
                                   "sleep 2\n"
                                   "test $(cat /sys/class/net/eth0/carrier) = 0\n"
                                   "if ping -c 1 -W 0.5 10.0.0.2; then false; fi\n"
                                   "sleep 3\n"
                                   "test $(cat /sys/class/net/eth0/carrier) = 1\n"
                                   "ping -c 1 10.0.0.2\n",
                                   "sleep 20\n"},
                      .build = build_cut};

    (void)state;
    repeat(&run, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_meet_on_an_ethernet_link_at_exact_times),
        cmocka_unit_test(nodes_meet_across_a_switch),
        cmocka_unit_test(a_node_on_a_switchs_own_device_reaches_its_ports),
        cmocka_unit_test(nodes_meet_on_simple_devices),
        cmocka_unit_test(nodes_meet_on_an_ad_hoc_wifi),
        cmocka_unit_test(a_station_reaches_the_node_at_its_access_point),
        cmocka_unit_test(a_node_sees_its_carrier_go_and_come),
    };
    char path[4096], error[1024];

    if (ttb_lab_find_kernel(NULL, path, sizeof(path), error, sizeof(error)) ||
        ttb_lab_find_image(NULL, path, sizeof(path), error, sizeof(error))) {
        printf("skipped: %s\n", error);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
