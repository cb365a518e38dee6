/* SPDX-License-Identifier: BSD-3-Clause */
/* The network's event loop, timers, switches and taps. No node, no kernel. */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------- event loop and order */

static void note_timer(void *user, uint64_t time_ns)
{
    struct fixture *fixture = user;

    assert_int_equal(time_ns, ttb_net_now_ns(fixture->net));
    fixture->records[fixture->record_count++] = (struct record){.time_ns = time_ns, .host = -1};
}

static void stop_run(void *user, uint64_t time_ns)
{
    struct fixture *fixture = user;

    note_timer(user, time_ns);
    assert_int_equal(ttb_net_run(fixture->net, TTB_TIME_NEVER), -EBUSY);
    ttb_net_stop(fixture->net);
}

static void a_run_does_what_lies_strictly_before_its_end(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ttb_net_call_at(fixture->net, 99, note_timer, fixture, NULL), 0);
    assert_int_equal(ttb_net_call_at(fixture->net, 100, note_timer, fixture, NULL), 0);
    run_until(fixture, 100);
    assert_int_equal(fixture->record_count, 1);
    assert_int_equal(ttb_net_now_ns(fixture->net), 100);
    assert_int_equal(ttb_bridge_now_ns(fixture->bridge), 100);
    run_until(fixture, 101);
    assert_int_equal(fixture->record_count, 2);
    assert_int_equal(ttb_net_run(fixture->net, 50), -EINVAL);
    run_until(fixture, 1000); /* a usage error breaks nothing */
}

static void a_run_without_end_ends_when_nothing_is_left(void **state)
{
    struct fixture *fixture = *state;

    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(ttb_net_now_ns(fixture->net), 0);
    assert_int_equal(ttb_net_call_at(fixture->net, 12345, note_timer, fixture, NULL), 0);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(ttb_net_now_ns(fixture->net), 12345);
}

static void stop_ends_a_run_after_the_event(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ttb_net_call_at(fixture->net, 10, stop_run, fixture, NULL), 0);
    assert_int_equal(ttb_net_call_at(fixture->net, 10, note_timer, fixture, NULL), 0);
    run_until(fixture, 20);
    assert_int_equal(fixture->record_count, 1);
    assert_int_equal(ttb_net_now_ns(fixture->net), 10);
    run_until(fixture, 20);
    assert_int_equal(fixture->record_count, 2);
    assert_int_equal(ttb_net_now_ns(fixture->net), 20);
}

static void a_cancelled_timer_does_not_fire(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_timer *timers[3];

    for (int i = 0; i < 3; i++)
        assert_int_equal(ttb_net_call_at(fixture->net, 5, note_timer, fixture, &timers[i]), 0);
    ttb_net_timer_cancel(timers[1]);
    ttb_net_timer_cancel(NULL);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 2);
}

static void a_timer_in_the_past_is_refused(void **state)
{
    struct fixture *fixture = *state;

    run_until(fixture, 100);
    assert_int_equal(ttb_net_call_at(fixture->net, 99, note_timer, fixture, NULL), -EINVAL);
    assert_int_equal(ttb_net_call_at(fixture->net, TTB_TIME_NEVER, note_timer, fixture, NULL),
                     -EINVAL);
    assert_int_equal(ttb_net_call_at(fixture->net, 100, NULL, fixture, NULL), -EINVAL);
    assert_int_equal(ttb_net_call_at(fixture->net, 100, note_timer, fixture, NULL), 0);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 1);
}

/* Links made in the order 0-1, 2-3, 4-5; all frames arrive at the same instant, having been sent at
 * different times and in another order. */
static void at_one_instant_timers_come_first_then_links_in_the_order_they_were_made(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 6; i++)
        add_host(fixture);
    connect_ends(fixture, fixture->hosts[0], fixture->hosts[1], PARAMS(.delay_ns = 100));
    connect_ends(fixture, fixture->hosts[3], fixture->hosts[2], PARAMS(.delay_ns = 200));
    connect_ends(fixture, fixture->hosts[4], fixture->hosts[5], PARAMS(.delay_ns = 300));
    send_frame_at(fixture, 0, 4, 5, 50, 60);
    send_frame_at(fixture, 0, 4, 5, 51, 60);
    send_frame_at(fixture, 100, 2, 3, 30, 60);
    send_frame_at(fixture, 100, 3, 2, 20, 60);
    send_frame_at(fixture, 200, 1, 0, 1, 60);
    send_frame_at(fixture, 200, 0, 1, 10, 60);
    assert_int_equal(ttb_net_call_at(fixture->net, 300, note_timer, fixture, NULL), 0);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 7);
    expect_record(fixture, 0, 300, -1, 0);
    expect_record(fixture, 1, 300, 1, 10);
    expect_record(fixture, 2, 300, 0, 1);
    expect_record(fixture, 3, 300, 2, 20); /* the link's first end is host 3 */
    expect_record(fixture, 4, 300, 3, 30);
    expect_record(fixture, 5, 300, 5, 50);
    expect_record(fixture, 6, 300, 5, 51);
}

/* -------------------------------------------------------------------------------------- hosts */

static void echo(void *user, struct ttb_net_end *host, uint64_t time_ns, const void *frame,
                 size_t len_bytes)
{
    unsigned char answer[64];
    int *left = user;

    (void)time_ns;
    assert_int_equal(len_bytes, sizeof(answer));
    memcpy(answer, (const char *)frame + 6, 6);
    memcpy(answer + 6, frame, 6);
    memcpy(answer + 12, (const char *)frame + 12, sizeof(answer) - 12);
    if ((*left)-- > 0)
        assert_int_equal(ttb_net_host_send(host, answer, sizeof(answer)), 0);
}

static void a_host_may_answer_from_within_its_callback(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *echoer;
    int left = 1;

    add_host(fixture);
    assert_int_equal(ttb_net_add_host(fixture->net, "echo", echo, &left, &echoer), 0);
    connect_ends(fixture, fixture->hosts[0], echoer, PARAMS(.delay_ns = 5000));
    send_frame_at(fixture, 1, 0, 1, 9, 64);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 10001, 0, 9);
}

static void frames_that_circulate_in_no_time_end_the_run_with_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *ends[2];
    int left = INT32_MAX;

    for (int i = 0; i < 2; i++)
        assert_int_equal(ttb_net_add_host(fixture->net, "echo", echo, &left, &ends[i]), 0);
    connect_ends(fixture, ends[0], ends[1], PARAMS(0));
    assert_int_equal(ttb_net_host_send(ends[0], (char[64]){0}, 64), 0);
    assert_int_equal(ttb_net_run(fixture->net, TTB_TIME_NEVER), -ELOOP);
    assert_non_null(strstr(ttb_net_error(fixture->net), "without time passing"));
    assert_int_equal(ttb_net_run(fixture->net, TTB_TIME_NEVER), -ELOOP);
}

static void an_end_without_a_link_drops_what_it_sends(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_stats stats;

    add_host(fixture);
    send_frame(fixture, 0, 1, 0, 60);
    ttb_net_end_get_stats(fixture->hosts[0], &stats);
    assert_int_equal(stats.dropped[TTB_NET_DROP_NO_LINK], 1);
}

static void frames_of_impossible_length_and_sender_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *host = add_host(fixture), *port;
    struct ttb_net_switch *sw;
    char *frame = calloc(1, TTB_FRAME_MAX + 1);

    assert_non_null(frame);
    assert_int_equal(ttb_net_host_send(host, frame, 13), -EINVAL);
    assert_int_equal(ttb_net_host_send(host, frame, 14), 0);
    assert_int_equal(ttb_net_host_send(host, frame, TTB_FRAME_MAX), 0);
    assert_int_equal(ttb_net_host_send(host, frame, TTB_FRAME_MAX + 1), -EMSGSIZE);
    assert_int_equal(ttb_net_add_switch(fixture->net, NULL, &sw), 0);
    assert_int_equal(ttb_net_switch_add_port(sw, &port), 0);
    assert_string_equal(ttb_net_end_name(port), "switch.0");
    assert_null(ttb_net_end_port(port));
    assert_int_equal(ttb_net_host_send(port, frame, 60), -EINVAL);
    assert_int_equal(ttb_net_add_host(fixture->net, "", NULL, NULL, &port), -EINVAL);
    free(frame);
}

/* ------------------------------------------------------------------------------------- switches */

/* Hosts on a switch, by links of 10 ns without rate. */
static struct ttb_net_switch *star(struct fixture *fixture, int hosts, uint64_t ageing_ns,
                                   uint32_t addresses)
{
    struct ttb_net_switch_opts opts = {
        .size = sizeof(opts), .name = "sw", .ageing_ns = ageing_ns, .addresses = addresses};
    struct ttb_net_switch *sw;
    struct ttb_net_end *port;

    assert_int_equal(ttb_net_add_switch(fixture->net, &opts, &sw), 0);
    for (int i = 0; i < hosts; i++) {
        assert_int_equal(ttb_net_switch_add_port(sw, &port), 0);
        connect_ends(fixture, port, add_host(fixture), PARAMS(.delay_ns = 10));
    }
    return sw;
}

static void a_switch_floods_until_it_has_learned(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 4, 0, 0);
    struct ttb_net_switch_stats stats;

    send_frame_at(fixture, 0, 0, 1, 1, 60);
    run_until(fixture, 100);
    assert_int_equal(fixture->record_count, 3);
    for (int i = 0; i < 3; i++)
        expect_record(fixture, (size_t)i, 20, i + 1, 1);
    send_frame_at(fixture, 100, 1, 0, 2, 60); /* 0 is known, and 1 becomes so */
    send_frame_at(fixture, 200, 0, 1, 3, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 5);
    expect_record(fixture, 3, 120, 0, 2);
    expect_record(fixture, 4, 220, 1, 3);
    ttb_net_switch_get_stats(sw, &stats);
    assert_int_equal(stats.flooded, 1);
    assert_int_equal(stats.forwarded, 2);
}

static void broadcast_goes_to_all_others_and_teaches(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 3, 0, 0);
    const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t first[6] = {2};

    send_frame_at(fixture, 0, 0, 255, 1, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 2);
    assert_null(ttb_net_switch_find(sw, broadcast));
    assert_non_null(ttb_net_switch_find(sw, first));
    assert_string_equal(ttb_net_end_name(ttb_net_switch_find(sw, first)), "sw.0");
}

static void a_switch_forgets_addresses_that_have_aged(void **state)
{
    struct fixture *fixture = *state;

    star(fixture, 3, 1000, 0);
    send_frame_at(fixture, 0, 1, 255, 1, 60);  /* at the switch at 10 */
    send_frame_at(fixture, 999, 0, 1, 2, 60);  /* at 1009: known */
    send_frame_at(fixture, 1000, 0, 1, 3, 60); /* at 1010: forgotten */
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 2 + 1 + 2);
    expect_record(fixture, 2, 1019, 1, 2);
}

static void an_address_is_where_it_was_seen_last(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 3, 0, 0);
    unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0};

    send_frame_at(fixture, 0, 0, 255, 1, 60);
    run_until(fixture, 50);
    assert_string_equal(ttb_net_end_name(ttb_net_switch_find(sw, (uint8_t[6]){2})), "sw.0");
    assert_int_equal(ttb_net_host_send(fixture->hosts[2], frame, sizeof(frame)), 0);
    run_until(fixture, 100);
    assert_string_equal(ttb_net_end_name(ttb_net_switch_find(sw, (uint8_t[6]){2})), "sw.2");
}

static void a_frame_for_the_port_it_came_from_is_filtered(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 3, 0, 0);
    struct ttb_net_switch_stats stats;

    send_frame_at(fixture, 0, 0, 255, 1, 60);
    send_frame_at(fixture, 100, 0, 0, 2, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 2);
    ttb_net_switch_get_stats(sw, &stats);
    assert_int_equal(stats.filtered, 1);
}

static void a_full_table_learns_again_when_addresses_have_aged(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 4, 1000, 2);
    struct ttb_net_switch_stats stats;

    send_frame_at(fixture, 0, 0, 255, 1, 60);
    send_frame_at(fixture, 100, 1, 255, 2, 60);
    send_frame_at(fixture, 200, 2, 255, 3, 60); /* no room */
    run_until(fixture, 900);
    ttb_net_switch_get_stats(sw, &stats);
    assert_int_equal(stats.unlearned, 1);
    assert_null(ttb_net_switch_find(sw, (uint8_t[6]){2, 0, 0, 0, 0, 2}));
    send_frame_at(fixture, 900, 1, 255, 4, 60); /* refreshed: not the oldest any more */
    send_frame_at(fixture, 1500, 2, 255, 5, 60);
    run_until(fixture, 1600);
    assert_null(ttb_net_switch_find(sw, (uint8_t[6]){2}));
    assert_non_null(ttb_net_switch_find(sw, (uint8_t[6]){2, 0, 0, 0, 0, 1}));
    assert_non_null(ttb_net_switch_find(sw, (uint8_t[6]){2, 0, 0, 0, 0, 2}));
}

static void a_table_finds_each_of_many_addresses(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 3, 0, 3000);
    unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};

    for (unsigned i = 0; i < 3000; i++) {
        frame[10] = (unsigned char)(i >> 8);
        frame[11] = (unsigned char)i;
        assert_int_equal(ttb_net_host_send(fixture->hosts[i % 3], frame, sizeof(frame)), 0);
        run_until(fixture, (i + 1) * 100);
        fixture->record_count = 0;
    }
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t mac[6] = {2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        struct ttb_net_end *end = ttb_net_switch_find(sw, mac);

        assert_non_null(end);
        assert_int_equal(ttb_net_end_name(end)[3] - '0', (int)(i % 3));
    }
}

/* What the table should hold, kept the simplest way. */
struct model {
    bool known[16];
    uint64_t seen_ns[16];
    int port[16];
};

static void model_learn(struct model *model, int address, int port, uint64_t now_ns, int room)
{
    int oldest = -1, used = 0;

    for (int i = 0; i < 16; i++) {
        used += model->known[i];
        if (model->known[i] && (oldest < 0 || model->seen_ns[i] < model->seen_ns[oldest]))
            oldest = i;
    }
    if (!model->known[address] && used == room) {
        if (now_ns - model->seen_ns[oldest] < 1000)
            return;
        model->known[oldest] = false;
    }
    model->known[address] = true;
    model->seen_ns[address] = now_ns;
    model->port[address] = port;
}

static void a_table_agrees_with_a_simple_model_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw = star(fixture, 3, 1000, 5);
    unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
    struct model model = {0};
    uint32_t random = 12345;

    for (int step = 0; step < 5000; step++) {
        int address, port;
        uint64_t at_ns;

        random = random * 1664525 + 1013904223;
        address = (int)(random >> 28);
        port = (int)((random >> 16) % 3);
        at_ns = ttb_net_now_ns(fixture->net) + 10;
        frame[11] = (unsigned char)address;
        assert_int_equal(ttb_net_host_send(fixture->hosts[port], frame, sizeof(frame)), 0);
        run_until(fixture, at_ns + 11 + (random >> 8) % 300);
        model_learn(&model, address, port, at_ns, 5);
        fixture->record_count = 0;
        for (int i = 0; i < 16; i++) {
            struct ttb_net_end *end =
                ttb_net_switch_find(sw, (uint8_t[6]){2, 0, 0, 0, 0, (uint8_t)i});
            bool fresh = model.known[i] && ttb_net_now_ns(fixture->net) - model.seen_ns[i] < 1000;

            assert_int_equal(end != NULL, fresh);
            if (end)
                assert_int_equal(ttb_net_end_name(end)[3] - '0', model.port[i]);
        }
    }
}

static void each_port_of_a_switch_has_its_own_queue(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw;
    struct ttb_net_end *ports[3];

    assert_int_equal(ttb_net_add_switch(fixture->net, NULL, &sw), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ttb_net_switch_add_port(sw, &ports[i]), 0);
        add_host(fixture);
    }
    connect_ends(fixture, fixture->hosts[0], ports[0], PARAMS(0));
    /* A slow link does not hold up the frames for the other one. */
    connect_ends(fixture, fixture->hosts[1], ports[1],
                 PARAMS(.rate_bps = 1000000, .framing = TTB_NET_FRAMING_NONE, .queue_frames = 1));
    connect_ends(fixture, fixture->hosts[2], ports[2], PARAMS(0));
    for (uint32_t i = 0; i < 3; i++)
        send_frame_at(fixture, 0, 0, 255, i, 100);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 5);
    for (uint32_t i = 0; i < 3; i++)
        expect_record(fixture, i, 0, 2, i);
    expect_record(fixture, 3, 800000, 1, 0);
    expect_record(fixture, 4, 1600000, 1, 1);
    expect_balance(ports[1]);
}

static void a_loop_of_switches_ends_the_run_with_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_switch *sw[2];
    struct ttb_net_end *ports[2];

    add_host(fixture);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ttb_net_add_switch(fixture->net, NULL, &sw[i]), 0);
    assert_int_equal(ttb_net_switch_add_port(sw[0], &ports[0]), 0);
    connect_ends(fixture, fixture->hosts[0], ports[0], PARAMS(0));
    for (int i = 0; i < 3; i++) { /* each frame comes back on two others: they double */
        assert_int_equal(ttb_net_switch_add_port(sw[0], &ports[0]), 0);
        assert_int_equal(ttb_net_switch_add_port(sw[1], &ports[1]), 0);
        connect_ends(fixture, ports[0], ports[1], PARAMS(.delay_ns = 1000));
    }
    send_frame(fixture, 0, 255, 0, 60);
    /* The host would get copies as well, more than a test writes down. */
    assert_int_equal(ttb_net_link_set(ttb_net_end_link(fixture->hosts[0]), NULL, PARAMS(.loss = 1)),
                     0);
    assert_int_equal(ttb_net_run(fixture->net, TTB_TIME_NEVER), -ELOOP);
    assert_non_null(strstr(ttb_net_error(fixture->net), "loop of switches"));
}

/* ----------------------------------------------------------------------------------------- tap */

static void note_tap(void *user, const struct ttb_net_tap_record *record)
{
    struct fixture *fixture = user;
    struct record *noted = &fixture->records[fixture->record_count++];

    *noted = (struct record){
        .time_ns = record->time_ns,
        .host = record->end == fixture->hosts[1],
        .tag = (uint32_t)record->event * 100 + record->reason,
        .len_bytes = record->len_bytes,
    };
}

static void a_tap_sees_sending_arrival_and_drops_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *a = add_host(fixture), *b;

    assert_int_equal(ttb_net_add_host(fixture->net, "quiet", NULL, NULL, &b), 0);
    fixture->hosts[1] = b;
    connect_ends(fixture, a, b, PARAMS(.rate_bps = 1000000000, .queue_frames = TTB_NET_NO_QUEUE));
    ttb_net_set_tap(fixture->net, note_tap, fixture);
    send_frame_at(fixture, 10, 0, 1, 0, 60);
    send_frame_at(fixture, 10, 0, 1, 0, 61);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 4);
    expect_record(fixture, 0, 10, 0, TTB_NET_TAP_SEND * 100);
    expect_record(fixture, 1, 10, 0, TTB_NET_TAP_SEND * 100);
    expect_record(fixture, 2, 10, 0, TTB_NET_TAP_DROP * 100 + TTB_NET_DROP_QUEUE_FRAMES);
    assert_int_equal(fixture->records[2].len_bytes, 61);
    expect_record(fixture, 3, 586, 1, TTB_NET_TAP_RECEIVE * 100);
    ttb_net_set_tap(fixture->net, NULL, NULL);
    send_frame_at(fixture, 20000, 0, 1, 0, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 4);
}

struct marker {
    struct fixture *fixture;
    uint64_t next, seen[8];
    size_t count;
};

static uint64_t mark_sent(void *user, const struct ttb_net_end *end)
{
    struct marker *marker = user;

    assert_ptr_equal(end, marker->fixture->hosts[0]);
    return marker->next++;
}

static void note_mark(void *user, const struct ttb_net_tap_record *record)
{
    struct marker *marker = user;

    if (record->event != TTB_NET_TAP_SEND)
        marker->seen[marker->count++] = record->mark;
}

static void a_frame_keeps_its_mark_through_a_switch_and_where_it_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct marker marker = {.fixture = fixture, .next = 7};
    struct ttb_net_marks marks = {.sent = mark_sent};
    struct ttb_net_switch *sw;

    assert_int_equal(ttb_net_add_switch(fixture->net, NULL, &sw), 0);
    for (int i = 0; i < 3; i++) {
        struct ttb_net_end *port;

        add_host(fixture);
        assert_int_equal(ttb_net_switch_add_port(sw, &port), 0);
        connect_ends(fixture, fixture->hosts[i], port,
                     PARAMS(.rate_bps = 1000000000, .queue_frames = TTB_NET_NO_QUEUE));
    }
    assert_int_equal(ttb_net_set_marks(fixture->net, &marks, &marker), -EINVAL);
    marks.size = sizeof(marks);
    assert_int_equal(ttb_net_set_marks(fixture->net, &marks, &marker), 0);
    ttb_net_set_tap(fixture->net, note_mark, &marker);
    /* To all: the switch has it, then both others. The second finds the line busy. */
    send_frame_at(fixture, 10, 0, 255, 0, 60);
    send_frame_at(fixture, 10, 0, 255, 1, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(marker.count, 4);
    assert_int_equal(marker.seen[0], 8);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(marker.seen[i], 7);
    assert_int_equal(ttb_net_set_marks(fixture->net, NULL, NULL), 0);
    send_frame_at(fixture, 20000, 0, 255, 2, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(marker.count, 7);
    assert_int_equal(marker.seen[6], 0);
}

static void note_queue(void *user, const struct ttb_net_end *end, uint64_t time_ns, uint64_t frames)
{
    struct fixture *fixture = user;
    struct ttb_net_stats stats;

    ttb_net_end_get_stats(end, &stats);
    assert_int_equal(stats.waiting_frames, frames);
    fixture->records[fixture->record_count++] = (struct record){
        .time_ns = time_ns, .host = end == fixture->hosts[1], .tag = (uint32_t)frames};
}

static void cut_link(void *user, uint64_t time_ns)
{
    struct fixture *fixture = user;

    (void)time_ns;
    assert_int_equal(ttb_net_link_set_up(fixture->link, false), 0);
}

static void who_watches_queues_is_told_whenever_more_or_fewer_frames_wait(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *a = add_host(fixture), *b;

    assert_int_equal(ttb_net_add_host(fixture->net, "quiet", NULL, NULL, &b), 0);
    fixture->hosts[1] = b;
    /* 60 bytes and what is around them take 672 ns. */
    fixture->link = connect_ends(fixture, a, b, PARAMS(.rate_bps = 1000000000, .queue_frames = 2));
    ttb_net_watch_queues(fixture->net, note_queue, fixture);
    for (unsigned i = 0; i < 4; i++) /* one is sent, two wait, one is too much */
        send_frame_at(fixture, 10, 0, 1, i, 60);
    send_frame_at(fixture, 2000, 0, 1, 4, 60);
    send_frame_at(fixture, 2000, 0, 1, 5, 60);
    send_frame_at(fixture, 2000, 0, 1, 6, 60);
    assert_int_equal(ttb_net_call_at(fixture->net, 2100, cut_link, fixture, NULL), 0);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 8);
    expect_record(fixture, 0, 10, 0, 1);
    expect_record(fixture, 1, 10, 0, 2);
    expect_record(fixture, 2, 682, 0, 1);
    expect_record(fixture, 3, 1354, 0, 0);
    expect_record(fixture, 4, 2000, 0, 1); /* the line is busy until 2026 */
    expect_record(fixture, 5, 2000, 0, 2);
    expect_record(fixture, 6, 2026, 0, 1);
    expect_record(fixture, 7, 2100, 0, 0);
}

static void every_drop_reason_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < TTB_NET_DROP_COUNT; i++) {
        assert_non_null(ttb_net_drop_name(i));
        assert_string_not_equal(ttb_net_drop_name(i), "unknown");
    }
    assert_string_equal(ttb_net_drop_name(TTB_NET_DROP_COUNT), "unknown");
}

static void a_network_may_be_freed_with_frames_and_timers_in_it(void **state)
{
    struct fixture *fixture = *state;

    add_host(fixture);
    add_host(fixture);
    connect_ends(fixture, fixture->hosts[0], fixture->hosts[1],
                 PARAMS(.rate_bps = 1000, .delay_ns = 1000));
    for (uint32_t i = 0; i < 5; i++)
        send_frame(fixture, 0, 1, i, 60);
    assert_int_equal(ttb_net_call_at(fixture->net, 100, note_timer, fixture, NULL), 0);
    run_until(fixture, 50);
    assert_int_equal(fixture->record_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_run_does_what_lies_strictly_before_its_end),
        TEST(a_run_without_end_ends_when_nothing_is_left),
        TEST(stop_ends_a_run_after_the_event),
        TEST(a_cancelled_timer_does_not_fire),
        TEST(a_timer_in_the_past_is_refused),
        TEST(at_one_instant_timers_come_first_then_links_in_the_order_they_were_made),
        TEST(a_host_may_answer_from_within_its_callback),
        TEST(frames_that_circulate_in_no_time_end_the_run_with_an_error),
        TEST(an_end_without_a_link_drops_what_it_sends),
        TEST(frames_of_impossible_length_and_sender_are_refused),
        TEST(a_switch_floods_until_it_has_learned),
        TEST(broadcast_goes_to_all_others_and_teaches),
        TEST(a_switch_forgets_addresses_that_have_aged),
        TEST(an_address_is_where_it_was_seen_last),
        TEST(a_frame_for_the_port_it_came_from_is_filtered),
        TEST(a_full_table_learns_again_when_addresses_have_aged),
        TEST(a_table_finds_each_of_many_addresses),
        TEST(a_table_agrees_with_a_simple_model_of_it),
        TEST(each_port_of_a_switch_has_its_own_queue),
        TEST(a_loop_of_switches_ends_the_run_with_an_error),
        TEST(a_tap_sees_sending_arrival_and_drops_in_order),
        TEST(a_frame_keeps_its_mark_through_a_switch_and_where_it_is_dropped),
        TEST(who_watches_queues_is_told_whenever_more_or_fewer_frames_wait),
        TEST(every_drop_reason_has_a_name),
        TEST(a_network_may_be_freed_with_frames_and_timers_in_it),
#undef TEST
    };

    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
