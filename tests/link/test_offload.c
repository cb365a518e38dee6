/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real nodes that leave checksums and segmentation to their ports, and whose interrupts are moderated:
 * what is on the wire is what a card would send, what arrives is what was sent, every frame is seen at
 * the time that the port's options say, and runs are equal however they are carried out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#include "same.h"

#define US          UINT64_C(1000)
#define MS          UINT64_C(1000000)
#define FRAME_BYTES 1514
#define BOOTED_NS   (900 * MS)

struct run {
    const char *client, *server; /* commands */
    bool offload;
    uint64_t coalesce_ns;
    uint32_t coalesce_frames;
    uint32_t jobs;
    bool no_look_ahead;
    struct ttb_net_params params;

    struct ttb_lab *lab;
    struct ttb_net_end *ends[2];
    FILE *log; /* every event of every frame, and what the client printed */
    char *text;
    size_t text_bytes;
    FILE *said; /* by the client */
    char *said_text;
    size_t said_bytes;
    uint64_t sent_ns[2]; /* last, by each end */
    double said_ms[8];   /* by ping */
    unsigned said_count;
    unsigned full_frames, packets; /* frames of full length; TCP and UDP packets */
    struct ttb_port *ports[2];
    uint64_t grants, frames; /* after BOOTED_NS */
};

/* ------------------------------------------------------------------------------- on the wire */

static uint32_t add(uint32_t sum, const uint8_t *data, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    return sum;
}

static unsigned fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* As a receiver would look at it (RFC 1071): lengths and checksums. */
static void check_packet(struct run *run, const uint8_t *frame, size_t len_bytes)
{
    bool ipv6 = frame[12] == 0x86 && frame[13] == 0xdd;
    const uint8_t *ip = frame + 14, *data;
    unsigned protocol;
    size_t data_bytes;
    uint32_t sum;

    if (!ipv6 && (frame[12] != 0x08 || frame[13] != 0x00))
        return;
    protocol = ipv6 ? ip[6] : ip[9];
    data = ip + (ipv6 ? 40 : 20);
    data_bytes = ipv6 ? (size_t)(ip[4] << 8 | ip[5]) : (size_t)(ip[2] << 8 | ip[3]) - 20;
    if (protocol != 6 && protocol != 17)
        return;
    assert_true(len_bytes <= FRAME_BYTES);
    assert_int_equal((size_t)(data - frame) + data_bytes, len_bytes);
    if (!ipv6)
        assert_int_equal(fold(add(0, ip, 20)), 0xffff);
    sum = add(protocol + (uint32_t)data_bytes, ipv6 ? ip + 8 : ip + 12, ipv6 ? 32 : 8);
    assert_int_equal(fold(add(sum, data, data_bytes)), 0xffff);
    run->packets++;
    run->full_frames += len_bytes == FRAME_BYTES;
}

static void on_tap(void *user, const struct ttb_net_tap_record *record)
{
    struct run *run = user;

    /* After a frame has left the next leave together, and so on. */
    if (record->event == TTB_NET_TAP_SEND && run->coalesce_ns) {
        uint64_t *last_ns = &run->sent_ns[record->end == run->ends[1]];

        if (record->time_ns != *last_ns && record->time_ns < *last_ns + run->coalesce_ns)
            fail_msg("%s sent at %llu ns, and at %llu ns again", ttb_net_end_name(record->end),
                     (unsigned long long)*last_ns, (unsigned long long)record->time_ns);
        *last_ns = record->time_ns;
    }
    fprintf(run->log, "%llu %s %d %s %zu %016llx\n", (unsigned long long)record->time_ns,
            ttb_net_end_name(record->end), record->event, ttb_net_drop_name(record->reason),
            record->len_bytes, (unsigned long long)hash_of(record->frame, record->len_bytes));
    if (record->event == TTB_NET_TAP_SEND)
        check_packet(run, record->frame, record->len_bytes);
}

static void on_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct run *run = user;

    const char *time = strstr(text, "time=");

    (void)time_ns;
    (void)node;
    if (time && run->said_count < 8)
        run->said_ms[run->said_count++] = strtod(time + strlen("time="), NULL);
    if (strncmp(text, "equal", 5) == 0)
        fprintf(run->said, "%.*s\n", (int)len_bytes, text);
}

/* --------------------------------------------------------------------------------------- a run */

static struct ttb_port *add_node(struct run *run, const char *name, const char *const *addresses,
                                 const char *commands, struct ttb_lab_node **node)
{
    const struct ttb_lab_node_opts opts = {
        .size = sizeof(opts), .name = name, .commands = commands};
    const struct ttb_lab_interface_opts interface = {
        .size = sizeof(interface),
        .addresses = {addresses[0], addresses[1]},
        .offload = run->offload,
        .coalesce_ns = run->coalesce_ns,
        .coalesce_frames = run->coalesce_frames,
    };
    struct ttb_port *port;

    if (ttb_lab_add_node(run->lab, &opts, node) ||
        ttb_lab_node_add_interface(*node, &interface, &port))
        fail_msg("%s", ttb_lab_error(run->lab));
    return port;
}

static void count(struct run *run, uint64_t sign)
{
    for (int i = 0; i < 2; i++) {
        struct ttb_node_stats stats;
        struct ttb_port_stats port;

        ttb_node_get_stats(ttb_port_node(run->ports[i]), &stats);
        ttb_port_get_stats(run->ports[i], &port);
        run->grants += sign * stats.grants;
        run->frames += sign * port.tx_frames;
        assert_int_equal(port.tx_dropped, 0);
    }
}

static void booted(void *user, uint64_t time_ns)
{
    (void)time_ns;
    count(user, UINT64_MAX);
}

static void run_nodes(struct run *run)
{
    static const char *const addresses[2][2] = {{"10.0.0.1/24", "fd00::1/64"},
                                                {"10.0.0.2/24", "fd00::2/64"}};
    struct ttb_bridge_opts bridge = {
        .size = sizeof(bridge), .jobs = run->jobs, .no_look_ahead = run->no_look_ahead};
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1, .bridge = &bridge};
    struct ttb_lab_node *nodes[2];
    struct ttb_net *net;
    char error[512];
    int status;

    run->params.size = sizeof(run->params);
    run->log = open_memstream(&run->text, &run->text_bytes);
    run->said = open_memstream(&run->said_text, &run->said_bytes);
    assert_true(run->log && run->said);
    if (ttb_lab_new(&opts, &run->lab, error, sizeof(error)))
        fail_msg("%s", error);
    ttb_lab_on_console_line(run->lab, on_line, run);
    run->ports[0] = add_node(run, "client", addresses[0], run->client, &nodes[0]);
    run->ports[1] = add_node(run, "server", addresses[1], run->server, &nodes[1]);
    assert_int_equal(ttb_net_new(ttb_lab_bridge(run->lab), NULL, &net), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ttb_net_add_port(net, run->ports[i], &run->ends[i]), 0);
    assert_int_equal(ttb_net_connect(net, run->ends[0], run->ends[1], &run->params, NULL, NULL), 0);
    ttb_net_set_tap(net, on_tap, run);
    assert_int_equal(ttb_net_call_at(net, BOOTED_NS, booted, run, NULL), 0);
    if (ttb_net_run(net, TTB_TIME_NEVER))
        fail_msg("%s", ttb_net_error(net));
    if (ttb_lab_node_exit_status(nodes[0], &status))
        fail_msg("client: %s", ttb_node_failure(ttb_lab_node_as_node(nodes[0])));
    count(run, 1);
    ttb_net_free(net);
    ttb_lab_free(run->lab);
    fclose(run->log);
    fclose(run->said);
    assert_int_equal(status, 0);
}

static void forget(struct run *run)
{
    free(run->text);
    free(run->said_text);
}

/* -------------------------------------------------------------------------------------- tests */

#define SERVE                                                                             \
    "dd if=/dev/urandom of=/tmp/data bs=64k count=64 2> /dev/null; httpd -p 80 -h /tmp; " \
    "httpd -p [::]:81 -h /tmp; sha256sum < /tmp/data > /tmp/sum; sleep 8"
#define FETCH(address)                                                              \
    "[ \"$(wget -q -O - http://" address "/data | sha256sum)\" = \"$(wget -q -O - " \
    "http://" address "/sum)\" ] && echo equal " address "\n"

static const struct run transfer = {
    .client = "sleep 1\n" FETCH("10.0.0.2") FETCH("[fd00::2]:81") "exit 0",
    .server = SERVE,
    .offload = true,
    .coalesce_ns = 50 * US,
    .params = {.delay_ns = MS, .queue_frames = 10000},
};

static void what_is_sent_arrives_in_frames_that_a_card_would_send(void **state)
{
    struct run run = transfer;

    (void)state;
    run_nodes(&run);
    assert_string_equal(run.said_text, "equal 10.0.0.2\nequal [fd00::2]:81\n");
    /* Two times 4 MiB, and acknowledgements. */
    assert_in_range(run.full_frames, 5700, 6300);
    assert_in_range(run.packets, run.full_frames, 2 * run.full_frames);
    print_message("%llu grants, %llu frames: %.4f grants per frame\n",
                  (unsigned long long)run.grants, (unsigned long long)run.frames,
                  (double)run.grants / (double)run.frames);
    assert_true((double)run.grants <= 0.05 * (double)run.frames);
    forget(&run);
}

static void a_run_is_the_same_however_it_is_carried_out(void **state)
{
    struct run runs[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        runs[i] = transfer;
        /* Losses, so that frames come out of order, and a queue that overflows. */
        runs[i].params.loss = 0.005;
        runs[i].params.queue_frames = 100;
        runs[i].params.rate_bps = 1000000000;
        runs[i].client = "sleep 1\n" FETCH("10.0.0.2") "exit 0";
        runs[i].jobs = i % 2 ? 2 : 1;
        runs[i].no_look_ahead = i / 2;
        run_nodes(&runs[i]);
        assert_string_equal(runs[i].said_text, "equal 10.0.0.2\n");
        assert_same_text("log", runs[0].text, runs[i].text);
    }
    for (unsigned i = 0; i < 4; i++)
        forget(&runs[i]);
}

static void an_interrupt_comes_when_the_first_frame_has_waited(void **state)
{
    static const struct {
        uint64_t coalesce_ns;
        uint32_t coalesce_frames;
        double ms; /* there and back */
    } cases[] = {{0, 0, 2}, {50 * US, 0, 2.1}, {300 * US, 0, 2.6}, {300 * US, 1, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run run = {
            .client = "sleep 1; ping -c 5 10.0.0.2",
            .server = "sleep 8",
            .offload = i % 2,
            .coalesce_ns = cases[i].coalesce_ns,
            .coalesce_frames = cases[i].coalesce_frames,
            .params = {.delay_ns = MS},
        };

        run_nodes(&run);
        assert_int_equal(run.said_count, 5);
        /* The first has to ask for the address. A clock that is read takes time in a node. */
        for (unsigned j = 1; j < 5; j++) {
            if (run.said_ms[j] < cases[i].ms || run.said_ms[j] > cases[i].ms + 0.01)
                fail_msg("case %zu: a ping took %.3f ms, not %.3f", i, run.said_ms[j], cases[i].ms);
        }
        forget(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_arrives_in_frames_that_a_card_would_send),
        cmocka_unit_test(an_interrupt_comes_when_the_first_frame_has_waited),
        cmocka_unit_test(a_run_is_the_same_however_it_is_carried_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
