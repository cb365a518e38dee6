/* SPDX-License-Identifier: BSD-3-Clause */
/* Real Linux nodes on the built-in network: times on the line, repetition, changes under way. */
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

#define MS          UINT64_C(1000000)
#define S           UINT64_C(1000000000)
#define DELAY_NS    (10 * MS)
#define RATE_BPS    100000000
#define FRAME_BYTES 98                                      /* ping: 14 + 20 + 8 + 56 */
#define FRAME_NS    ((8 + FRAME_BYTES + 4) * 80 + DELAY_NS) /* one way, IEEE 802.3 */
#define PINGS_MAX   64

/* What one run showed. */
struct run {
    const char *commands; /* of the client; the server waits */
    const char *wait;     /* of the server */
    enum ttb_clock_mode mode;
    uint64_t seed;
    void (*script)(struct run *run); /* may set timers */
    struct ttb_net_params params;
    struct ttb_lab *lab;
    struct ttb_net *net;
    struct ttb_net_end *ends[2];
    struct ttb_net_link *link;
    FILE *log; /* every event of every frame, and every console line */
    char *text;
    size_t text_bytes;
    uint64_t request_ns[PINGS_MAX], reply_ns[PINGS_MAX]; /* at the client's port */
    double said_ms[PINGS_MAX];                           /* what ping printed */
    int requests, replies, said, status;
    uint64_t end_ns;
    struct ttb_net_stats stats;
};

static void on_tap(void *user, const struct ttb_net_tap_record *record)
{
    struct run *run = user;
    const uint8_t *frame = record->frame;
    bool icmp =
        record->len_bytes == FRAME_BYTES && frame[12] == 8 && frame[13] == 0 && frame[23] == 1;

    fprintf(run->log, "%llu %s %d %s %zu %016llx\n", (unsigned long long)record->time_ns,
            ttb_net_end_name(record->end), record->event, ttb_net_drop_name(record->reason),
            record->len_bytes, (unsigned long long)hash_of(frame, record->len_bytes));
    if (!icmp || record->end != run->ends[0])
        return;
    if (record->event == TTB_NET_TAP_SEND && run->requests < PINGS_MAX)
        run->request_ns[run->requests++] = record->time_ns;
    if (record->event == TTB_NET_TAP_RECEIVE && run->replies < PINGS_MAX)
        run->reply_ns[run->replies++] = record->time_ns;
}

static void on_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct run *run = user;
    const char *time = strstr(text, "time=");

    fprintf(run->log, "%llu %s: %.*s\n", (unsigned long long)time_ns,
            ttb_node_name(ttb_lab_node_as_node(node)), (int)len_bytes, text);
    if (time && run->said < PINGS_MAX)
        run->said_ms[run->said++] = strtod(time + strlen("time="), NULL);
}

static struct ttb_port *add_node(struct run *run, const char *name, const char *address,
                                 const char *commands, struct ttb_lab_node **node)
{
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts), .name = name, .commands = commands, .clock_mode = run->mode};
    struct ttb_lab_interface_opts interface = {.size = sizeof(interface), .addresses = {address}};
    struct ttb_port *port;

    if (ttb_lab_add_node(run->lab, &opts, node) ||
        ttb_lab_node_add_interface(*node, &interface, &port))
        fail_msg("%s", ttb_lab_error(run->lab));
    return port;
}

static void run_nodes(struct run *run)
{
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = run->seed};
    struct ttb_net_opts net_opts = {.size = sizeof(net_opts), .seed = run->seed};
    struct ttb_lab_node *client, *server;
    struct ttb_port *ports[2];
    char error[512];

    run->params.size = sizeof(run->params);
    run->log = open_memstream(&run->text, &run->text_bytes);
    assert_non_null(run->log);
    if (ttb_lab_new(&opts, &run->lab, error, sizeof(error)))
        fail_msg("%s", error);
    ttb_lab_on_console_line(run->lab, on_line, run);
    ports[0] = add_node(run, "client", "10.0.0.1/24", run->commands, &client);
    ports[1] = add_node(run, "server", "10.0.0.2/24", run->wait ? run->wait : "sleep 12", &server);
    assert_int_equal(ttb_net_new(ttb_lab_bridge(run->lab), &net_opts, &run->net), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ttb_net_add_port(run->net, ports[i], &run->ends[i]), 0);
    assert_int_equal(
        ttb_net_connect(run->net, run->ends[0], run->ends[1], &run->params, NULL, &run->link), 0);
    ttb_net_set_tap(run->net, on_tap, run);
    if (run->script)
        run->script(run);
    if (ttb_net_run(run->net, TTB_TIME_NEVER))
        fail_msg("%s", ttb_net_error(run->net));
    run->end_ns = ttb_net_now_ns(run->net);
    if (ttb_lab_node_exit_status(client, &run->status))
        fail_msg("client: %s", ttb_node_failure(ttb_lab_node_as_node(client)));
    ttb_net_end_get_stats(run->ends[0], &run->stats);
    ttb_net_free(run->net);
    ttb_lab_free(run->lab);
    fclose(run->log);
}

static void assert_same_log(const struct run *a, const struct run *b)
{
    assert_same_text("log", a->text, b->text);
}

static const struct run ping = {
    .commands = "sleep 1; ping -c 8 10.0.0.2",
    .seed = 1,
    .params = {.rate_bps = RATE_BPS, .delay_ns = DELAY_NS},
};

static void a_round_trip_takes_what_the_link_says_to_the_nanosecond(void **state)
{
    struct run run = ping;

    (void)state;
    run_nodes(&run);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.requests, 8);
    assert_int_equal(run.replies, 8);
    assert_int_equal(run.said, 8);
    for (int i = 0; i < 8; i++) {
        double exact_ms = 2.0 * FRAME_NS / MS;

        assert_int_equal(run.reply_ns[i] - run.request_ns[i], 2 * FRAME_NS);
        /* ping adds its own clock reads, and for the first ARP's round trip */
        if (i > 0 && (run.said_ms[i] < exact_ms - 0.001 || run.said_ms[i] > exact_ms + 0.004))
            fail_msg("ping %d said %.3f ms instead of %.3f", i, run.said_ms[i], exact_ms);
    }
    free(run.text);
}

static void both_clock_modes_give_the_same_run(void **state)
{
    struct run messages = ping, shared = ping;

    (void)state;
    messages.mode = TTB_CLOCK_MESSAGES;
    shared.mode = TTB_CLOCK_SHARED;
    run_nodes(&messages);
    run_nodes(&shared);
    assert_int_equal(messages.replies, 8);
    assert_same_log(&messages, &shared);
    free(messages.text);
    free(shared.text);
}

static void ten_repetitions_are_the_same_and_another_seed_is_not(void **state)
{
    struct run first = ping;

    (void)state;
    /* Entropy ends up in the traffic: random payload, ports, and TCP's initial sequence numbers. */
    first.commands = "sleep 1; head -c 3000 /dev/urandom | nc -w 5 10.0.0.2 99; "
                     "ping -c 4 10.0.0.2; cat /proc/sys/kernel/random/boot_id";
    first.wait = "nc -l -p 99 | md5sum; sleep 9";
    first.params.loss = 0.05;
    run_nodes(&first);
    assert_true(first.stats.offered_frames > 10);
    assert_true(first.stats.dropped[TTB_NET_DROP_LOSS] > 0);
    assert_non_null(strstr(first.text, "  -\n")); /* md5sum has said something */
    for (int i = 1; i < 10; i++) {
        struct run again = ping;

        again.commands = first.commands;
        again.wait = first.wait;
        again.params = first.params;
        run_nodes(&again);
        assert_same_log(&first, &again);
        free(again.text);
    }
    {
        struct run other = ping;

        other.commands = first.commands;
        other.wait = first.wait;
        other.params = first.params;
        other.seed = 2;
        run_nodes(&other);
        assert_string_not_equal(first.text, other.text);
        free(other.text);
    }
    free(first.text);
}

static void shorten(void *user, uint64_t time_ns)
{
    struct run *run = user;
    struct ttb_net_params params = run->params;

    (void)time_ns;
    params.delay_ns = 3 * MS;
    assert_int_equal(ttb_net_link_set(run->link, run->ends[0], &params), 0);
}

static void shorten_at_4_s(struct run *run)
{
    assert_int_equal(ttb_net_call_at(run->net, 4 * S, shorten, run, NULL), 0);
}

static void a_delay_changed_by_a_timer_shows_from_the_next_frame_on(void **state)
{
    struct run run = ping;

    (void)state;
    run.script = shorten_at_4_s;
    run_nodes(&run);
    assert_int_equal(run.replies, 8);
    for (int i = 0; i < 8; i++) {
        uint64_t rtt_ns = 2 * FRAME_NS - (run.request_ns[i] >= 4 * S ? 7 * MS : 0);

        assert_int_equal(run.reply_ns[i] - run.request_ns[i], rtt_ns);
    }
    assert_true(run.request_ns[0] < 4 * S && run.request_ns[7] > 4 * S);
    free(run.text);
}

static void cut(void *user, uint64_t time_ns)
{
    struct run *run = user;

    (void)time_ns;
    assert_int_equal(ttb_net_link_set_up(run->link, false), 0);
}

static void repair(void *user, uint64_t time_ns)
{
    struct run *run = user;

    (void)time_ns;
    assert_int_equal(ttb_net_link_set_up(run->link, true), 0);
}

static void cut_from_3_5_to_5_5_s(struct run *run)
{
    assert_int_equal(ttb_net_call_at(run->net, 3500 * MS, cut, run, NULL), 0);
    assert_int_equal(ttb_net_call_at(run->net, 5500 * MS, repair, run, NULL), 0);
}

static void nodes_see_the_carrier_of_a_cut_link_and_talk_again_when_it_is_repaired(void **state)
{
    struct run run = ping;

    (void)state;
    run.commands =
        "cd /sys/class/net/eth0; cat carrier; sleep 4; cat carrier; sleep 4; cat carrier;"
        "ping -c 2 10.0.0.2";
    run.script = cut_from_3_5_to_5_5_s;
    run_nodes(&run);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.replies, 2);
    assert_non_null(strstr(run.text, "client: 0\n"));
    assert_true(strstr(run.text, "client: 1\n") < strstr(run.text, "client: 0\n"));
    assert_non_null(strstr(strstr(run.text, "client: 0\n"), "client: 1\n"));
    free(run.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_trip_takes_what_the_link_says_to_the_nanosecond),
        cmocka_unit_test(both_clock_modes_give_the_same_run),
        cmocka_unit_test(ten_repetitions_are_the_same_and_another_seed_is_not),
        cmocka_unit_test(a_delay_changed_by_a_timer_shows_from_the_next_frame_on),
        cmocka_unit_test(nodes_see_the_carrier_of_a_cut_link_and_talk_again_when_it_is_repaired),
    };
    char path[4096], error[512];

    if (ttb_lab_find_kernel(NULL, path, sizeof(path), error, sizeof(error)) ||
        ttb_lab_find_image(NULL, path, sizeof(path), error, sizeof(error))) {
        printf("skipped: %s\n", error);
        return 77;
    }
    return cmocka_run_group_tests_name("link_nodes", tests, NULL, NULL);
}
