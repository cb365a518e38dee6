/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real kernels on an ns-3 LAN: times are those of the link, to the nanosecond; runs repeat, byte for
 * byte, however the clock is shared; idle time costs next to nothing.
 *
 * Every run is a process of its own, for a second ns-3 simulation in a process is not the first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ttbridge/lab.h>
#include <ttbridge/ns3.h>

#define SECOND_NS UINT64_C(1000000000)
#define DELAY_NS  UINT64_C(1000000)
#define BYTE_NS   80

/* ------------------------------------------------------------------- one run, in a process of its own */

#define FRAMES_MAX 256

struct sighting {
    const struct ttb_port *port;
    uint64_t time_ns;
    size_t len_bytes;
    uint8_t bytes[1514];
};

struct run {
    char directory[64];
    enum ttb_clock_mode clock;
    const char *commands[2];
    struct ttb_lab *lab;
    struct ttb_ns3 *ns3;
    struct ttb_lab_node *nodes[2];
    struct ttb_port *ports[2];
    unsigned running;
    struct sighting sent[FRAMES_MAX], got[FRAMES_MAX];
    unsigned sent_count, got_count;
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

static void see(struct sighting *sightings, unsigned *count, const struct ttb_port *port,
                uint64_t time_ns, const void *frame, size_t len_bytes)
{
    struct sighting *sighting = &sightings[*count];

    if (*count == FRAMES_MAX || len_bytes > sizeof(sighting->bytes))
        return;
    sighting->port = port;
    sighting->time_ns = time_ns;
    sighting->len_bytes = len_bytes;
    memcpy(sighting->bytes, frame, len_bytes);
    ++*count;
}

static void on_transmitted(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                           size_t len_bytes)
{
    struct run *run = user;

    see(run->sent, &run->sent_count, port, time_ns, frame, len_bytes);
}

static void on_delivered(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                         size_t len_bytes, enum ttb_drop drop)
{
    struct run *run = user;

    if (drop == TTB_DROP_NONE)
        see(run->got, &run->got_count, port, time_ns, frame, len_bytes);
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
    int rc;

    for (int i = 0; i < 2; i++) {
        struct ttb_lab_node_opts node_opts = {.size = sizeof(node_opts),
                                              .name = names[i],
                                              .clock_mode = run->clock,
                                              .commands = run->commands[i],
                                              .kernel_arguments = arguments};
        struct ttb_lab_interface_opts interface_opts = {.size = sizeof(interface_opts),
                                                        .addresses = {addresses[i]}};

        rc = ttb_lab_add_node(run->lab, &node_opts, &run->nodes[i]);
        if (!rc)
            rc = ttb_lab_node_add_interface(run->nodes[i], &interface_opts, &run->ports[i]);
        if (rc)
            die(run, names[i], rc, ttb_lab_error(run->lab));
        run->running++;
    }
}

/* Two Linux nodes, and an ns-3 host at 10.0.0.3. */
static void build(struct run *run)
{
    const struct ttb_observer observer = {
        .size = sizeof(observer), .transmitted = on_transmitted, .delivered = on_delivered};
    const struct ttb_ns3_attribute lan_attributes[] = {
        {"DataRate", "100Mbps"}, {"Delay", "1ms"}, {NULL, NULL}};
    struct ttb_lab_opts lab_opts = {
        .size = sizeof(lab_opts), .directory = run->directory, .seed = 7};
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .seed = 3, .run = 5};
    struct ttb_ns3_object *lan, *node, *device;
    char error[1024], path[128];
    int rc = ttb_lab_new(&lab_opts, &run->lab, error, sizeof(error));

    if (rc)
        die(run, "lab", rc, error);
    add_nodes(run);
    ttb_bridge_on_node_state(ttb_lab_bridge(run->lab), on_state, run);
    ttb_bridge_observe(ttb_lab_bridge(run->lab), &observer, run);
    opts.bridge = ttb_lab_bridge(run->lab);
    rc = ttb_ns3_new(&opts, &run->ns3);
    if (rc)
        die(run, "ns-3", rc, ttb_ns3_error(NULL));
    rc = ttb_ns3_create(run->ns3, "ns3::CsmaChannel", lan_attributes, &lan);
    for (int i = 0; i < 3 && !rc; i++) {
        snprintf(path, sizeof(path), "%s/%d.pcap", run->directory, i);
        rc = ttb_ns3_create_node(run->ns3, &node);
        if (!rc)
            rc = ttb_ns3_install_csma(node, lan, NULL, NULL, &device);
        if (!rc)
            rc = ttb_ns3_pcap(device, path, true);
        if (!rc && i < 2)
            rc = ttb_ns3_attach_port(device, run->ports[i], NULL);
    }
    if (!rc)
        rc = ttb_ns3_install_internet(node, TTB_NS3_IPV4);
    if (!rc)
        rc = ttb_ns3_add_ipv4(device, "10.0.0.3/24");
    if (rc)
        die(run, "network", rc, ttb_ns3_error(run->ns3));
}

static void go(struct run *run, uint64_t until_ns)
{
    int rc = ttb_ns3_run(run->ns3, until_ns);

    if (rc)
        die(run, "run", rc, ttb_ns3_error(run->ns3));
}

static void expect_good_end(struct run *run)
{
    int status = -1;

    for (int i = 0; i < 2; i++) {
        CHECK(run, ttb_lab_node_exit_status(run->nodes[i], &status) == 0);
        CHECK(run, status == 0);
    }
}

static void end(struct run *run)
{
    int rc = ttb_ns3_destroy(run->ns3);

    if (rc)
        die(run, "destroy", rc, ttb_ns3_error(run->ns3));
    ttb_ns3_free(run->ns3);
    ttb_lab_free(run->lab);
}

/* Run `body` in a process of its own, with a new directory. */
static void in_process(struct run *run, void (*body)(struct run *))
{
    int status;
    pid_t pid;

    strcpy(run->directory, "/tmp/ttb-ns3-XXXXXX");
    assert_non_null(mkdtemp(run->directory));
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body(run);
        fflush(NULL);
        exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("%s: wait status %#x; its files are kept", run->directory, status);
}

static void remove_directory(const struct run *run)
{
    char command[sizeof("rm -rf ") + sizeof(run->directory)];

    strcat(strcpy(command, "rm -rf "), run->directory);
    assert_int_equal(system(command), 0);
}

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------------------------- exact times */

static uint64_t one_way_ns(size_t len_bytes)
{
    return ((len_bytes < 60 ? 60 : len_bytes) + 4) * BYTE_NS + DELAY_NS;
}

/* Its copy at the other Linux node. */
static const struct sighting *find(const struct run *run, const struct sighting *sent)
{
    for (unsigned i = 0; i < run->got_count; i++) {
        const struct sighting *got = &run->got[i];

        if (got->port != sent->port && got->time_ns > sent->time_ns &&
            got->len_bytes >= sent->len_bytes &&
            memcmp(got->bytes, sent->bytes, sent->len_bytes) == 0)
            return got;
    }
    return NULL;
}

static void check_times(struct run *run)
{
    unsigned pings = 0;

    build(run);
    go(run, 100 * SECOND_NS);
    expect_good_end(run);
    CHECK(run, run->sent_count < FRAMES_MAX && run->got_count < FRAMES_MAX);
    for (unsigned i = 0; i < run->sent_count; i++) {
        const struct sighting *sent = &run->sent[i], *got = find(run, sent);

        CHECK(run, got != NULL);
        if (got->time_ns - sent->time_ns != one_way_ns(sent->len_bytes)) {
            fprintf(stderr, "%zu bytes took %" PRIu64 " ns instead of %" PRIu64 "\n",
                    sent->len_bytes, got->time_ns - sent->time_ns, one_way_ns(sent->len_bytes));
            CHECK(run, !"exact times");
        }
        CHECK(run, got->len_bytes == (sent->len_bytes < 60 ? 60 : sent->len_bytes));
        for (size_t k = sent->len_bytes; k < got->len_bytes; k++)
            CHECK(run, got->bytes[k] == 0);
        pings += sent->bytes[12] == 8 && sent->bytes[13] == 0 && sent->bytes[23] == IPPROTO_ICMP;
    }
    /* Six sizes, five of each, there and back. */
    CHECK(run, pings == 60 && run->sent_count == 60);
    /* Each frame once, and none to its sender. */
    CHECK(run, run->got_count == run->sent_count);
    end(run);
}

static void frames_take_exactly_as_long_as_the_link_says(void **state)
{
    const enum ttb_clock_mode modes[] = {TTB_CLOCK_MESSAGES, TTB_CLOCK_SHARED};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct run run = {
            .clock = modes[i],
            /* Addresses are known: a question for one would make the channel busy for a ping. */
            .commands = {"set -e\n"
                         "arp -s 10.0.0.2 02:74:74:00:01:00\n"
                         "for size in 0 4 18 56 1000 1472; do\n"
                         "    ping -c 5 -i 0.1 -s $size 10.0.0.2\n"
                         "done\n",
                         "arp -s 10.0.0.1 02:74:74:00:00:00 && sleep 10\n"},
        };

        in_process(&run, check_times);
        remove_directory(&run);
    }
}

/* ------------------------------------------------------------------------------------- repeating */

#define REPETITIONS 10

static void run_to_the_end(struct run *run)
{
    build(run);
    go(run, 300 * SECOND_NS);
    expect_good_end(run);
    end(run);
}

static char *read_file(const struct run *run, const char *name, size_t *len_bytes)
{
    char path[128], *content = NULL;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", run->directory, name);
    file = fopen(path, "r");
    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len_bytes = (size_t)ftell(file);
    rewind(file);
    content = malloc(*len_bytes + 1);
    assert_non_null(content);
    assert_int_equal(fread(content, 1, *len_bytes, file), *len_bytes);
    fclose(file);
    return content;
}

static void assert_equal_files(const struct run *first, const struct run *second, const char *name,
                               size_t len_min_bytes)
{
    size_t expected_bytes, got_bytes, at;
    char *expected = read_file(first, name, &expected_bytes);
    char *got = read_file(second, name, &got_bytes);

    assert_true(expected_bytes >= len_min_bytes);
    for (at = 0; at < expected_bytes && at < got_bytes && expected[at] == got[at]; at++)
        ;
    if (at < expected_bytes || at < got_bytes)
        fail_msg("%s/%s and %s/%s (%zu and %zu bytes) differ at %zu", first->directory, name,
                 second->directory, name, expected_bytes, got_bytes, at);
    free(expected);
    free(got);
}

static void ten_runs_are_equal_byte_for_byte_in_both_clock_modes(void **state)
{
    static struct run runs[REPETITIONS];

    (void)state;
    for (int i = 0; i < REPETITIONS; i++) {
        runs[i] = (struct run){
            .clock = i % 2 ? TTB_CLOCK_MESSAGES : TTB_CLOCK_SHARED,
            .commands = {"set -e\n"
                         "dd if=/dev/urandom of=/root/data bs=1000 count=300 2> /dev/null\n"
                         "sleep 1\n"
                         "ping -c 3 -i 0.2 10.0.0.3\n"
                         "nc 10.0.0.2 5000 < /root/data\n"
                         "sha256sum < /root/data\n",
                         "set -e\n"
                         "mkfifo /tmp/open\n"
                         "nc -l -p 5000 < /tmp/open > /root/data &\n"
                         "exec 3> /tmp/open\n"
                         "ping -c 3 -i 0.3 10.0.0.1\n"
                         "wait\n"
                         "sync\n"
                         "sha256sum < /root/data\n"},
        };
        in_process(&runs[i], run_to_the_end);
        if (i == 0)
            continue;
        assert_equal_files(&runs[0], &runs[i], "0.pcap", 300000);
        assert_equal_files(&runs[0], &runs[i], "1.pcap", 300000);
        assert_equal_files(&runs[0], &runs[i], "2.pcap", 300000);
        assert_equal_files(&runs[0], &runs[i], "nodes/a/console.log", 200);
        assert_equal_files(&runs[0], &runs[i], "nodes/b/console.log", 200);
    }
    for (int i = 0; i < REPETITIONS; i++)
        remove_directory(&runs[i]);
}

/* ----------------------------------------------------------------------------------- idle, stop */

static void idle(struct run *run)
{
    double start_s;

    build(run);
    go(run, 5 * SECOND_NS);
    CHECK(run, ttb_ns3_now_ns(run->ns3) == 5 * SECOND_NS);
    CHECK(run, ttb_bridge_now_ns(ttb_lab_bridge(run->lab)) == 5 * SECOND_NS);
    start_s = wall_s();
    go(run, 1005 * SECOND_NS);
    CHECK(run, ttb_ns3_now_ns(run->ns3) == 1005 * SECOND_NS);
    CHECK(run, run->running == 2);
    start_s = wall_s() - start_s;
    printf("1000 idle seconds of two nodes (%s): %.3f s of wall time\n",
           run->clock == TTB_CLOCK_SHARED ? "shared memory" : "messages", start_s);
    CHECK(run, start_s < 20); /* 0.1 s or so; this is for machines that do other things as well */
    go(run, 2000 * SECOND_NS);
    CHECK(run, run->running == 0);
    expect_good_end(run);
    end(run);
}

static void a_run_stops_at_its_time_and_idle_nodes_cost_little(void **state)
{
    const enum ttb_clock_mode modes[] = {TTB_CLOCK_MESSAGES, TTB_CLOCK_SHARED};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct run run = {.clock = modes[i], .commands = {"sleep 1010\n", "sleep 1020\n"}};

        in_process(&run, idle);
        remove_directory(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_take_exactly_as_long_as_the_link_says),
        cmocka_unit_test(ten_runs_are_equal_byte_for_byte_in_both_clock_modes),
        cmocka_unit_test(a_run_stops_at_its_time_and_idle_nodes_cost_little),
    };
    char path[4096], error[1024];

    if (ttb_lab_find_kernel(NULL, path, sizeof(path), error, sizeof(error)) ||
        ttb_lab_find_image(NULL, path, sizeof(path), error, sizeof(error))) {
        printf("skipped: %s\n", error);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
