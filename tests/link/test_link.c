/* SPDX-License-Identifier: BSD-3-Clause */
/* Links between hosts: times, queues, losses, changes. No node, no kernel. */
#include "fixture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

static struct ttb_net_stats stats_of(const struct ttb_net_end *end)
{
    struct ttb_net_stats stats;

    ttb_net_end_get_stats(end, &stats);
    return stats;
}

static void two_hosts(struct fixture *fixture, const struct ttb_net_params *params)
{
    struct ttb_net_end *a = add_host(fixture), *b = add_host(fixture);

    fixture->link = connect_ends(fixture, a, b, params);
}

/* ---------------------------------------------------------------------------------------- time */

static void a_perfect_line_takes_no_time(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(0));
    send_frame_at(fixture, 77, 0, 1, 1, 1514);
    send_frame_at(fixture, 77, 0, 1, 2, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 2);
    expect_record(fixture, 0, 77, 1, 1);
    expect_record(fixture, 1, 77, 1, 2);
    assert_int_equal(ttb_net_now_ns(fixture->net), 77);
}

static void a_frame_takes_preamble_frame_and_fcs_at_the_rate_and_the_delay(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 100000000, .delay_ns = 10 * MS));
    send_frame_at(fixture, 1000, 0, 1, 1, 1014);
    run_until(fixture, TTB_TIME_NEVER);
    /* (8 + 1014 + 4) bytes at 80 ns */
    expect_record(fixture, 0, 1000 + 1026 * 80 + 10 * MS, 1, 1);
    assert_int_equal(fixture->records[0].len_bytes, 1014);
}

static void a_short_frame_is_padded_to_60_bytes_on_the_line_only(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000));
    send_frame_at(fixture, 0, 0, 1, 1, 42);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 72 * 8, 1, 1);
    assert_int_equal(fixture->records[0].len_bytes, 42);
}

static void frames_follow_each_other_after_the_gap(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000, .delay_ns = 5));
    for (uint32_t i = 0; i < 10; i++)
        send_frame_at(fixture, 0, 0, 1, i, 1014);
    run_until(fixture, TTB_TIME_NEVER);
    for (uint32_t i = 0; i < 10; i++)
        expect_record(fixture, i, i * 1038 * 8 + 1026 * 8 + 5, 1, i);
}

static void the_line_is_busy_during_the_gap(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t sent_ns = 72 * 8, free_ns = 84 * 8;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000));
    send_frame_at(fixture, 0, 0, 1, 1, 60);
    send_frame_at(fixture, sent_ns + 1, 0, 1, 2, 60); /* in the gap: waits */
    send_frame_at(fixture, 3 * free_ns, 0, 1, 3, 60); /* on an idle line: does not */
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, sent_ns, 1, 1);
    expect_record(fixture, 1, free_ns + sent_ns, 1, 2);
    expect_record(fixture, 2, 3 * free_ns + sent_ns, 1, 3);
}

static void without_framing_only_the_frame_counts(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 8000000, .framing = TTB_NET_FRAMING_NONE));
    send_frame_at(fixture, 0, 0, 1, 1, 20);
    send_frame_at(fixture, 0, 0, 1, 2, 100);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 20000, 1, 1);
    expect_record(fixture, 1, 120000, 1, 2);
}

static void fractions_of_a_nanosecond_are_not_lost_on_a_busy_line(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 7000000, .framing = TTB_NET_FRAMING_NONE));
    for (uint32_t i = 0; i < 1000; i++)
        send_frame_at(fixture, 0, 0, 1, i, 100);
    run_until(fixture, TTB_TIME_NEVER);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t exact = (i + 1) * 800 * UINT64_C(1000000000);

        expect_record(fixture, i, (exact + 6999999) / 7000000, 1, (uint32_t)i);
    }
}

static void a_line_that_was_idle_forgets_fractions(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 3000000, .framing = TTB_NET_FRAMING_NONE));
    send_frame_at(fixture, 0, 0, 1, 1, 100); /* 266,666.67 ns */
    send_frame_at(fixture, 266667, 0, 1, 2, 100);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 266667, 1, 1);
    expect_record(fixture, 1, 2 * 266667, 1, 2);
}

static void the_two_directions_have_their_own_line_and_parameters(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *a = add_host(fixture), *b = add_host(fixture);
    struct ttb_net_params got;
    struct ttb_net_link *link;

    assert_int_equal(ttb_net_connect(fixture->net, a, b, PARAMS(.delay_ns = 100),
                                     PARAMS(.rate_bps = 1000000000, .delay_ns = 7), &link),
                     0);
    send_frame_at(fixture, 0, 0, 1, 1, 60);
    send_frame_at(fixture, 0, 1, 0, 2, 60);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 100, 1, 1);
    expect_record(fixture, 1, 576 + 7, 0, 2);
    assert_int_equal(ttb_net_link_get(link, b, &got), 0);
    assert_int_equal(got.delay_ns, 7);
    assert_int_equal(ttb_net_link_get(link, NULL, &got), -EINVAL);
}

/* --------------------------------------------------------------------------------------- queue */

static void what_the_queue_cannot_hold_is_dropped_at_the_tail(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_stats stats;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000, .queue_frames = 3));
    for (uint32_t i = 0; i < 10; i++)
        send_frame_at(fixture, 0, 0, 1, i, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 4); /* one on the line, three behind it */
    for (uint32_t i = 0; i < 4; i++)
        expect_record(fixture, i, i * 672 + 576, 1, i);
    stats = stats_of(fixture->hosts[0]);
    assert_int_equal(stats.offered_frames, 10);
    assert_int_equal(stats.offered_bytes, 600);
    assert_int_equal(stats.delivered_frames, 4);
    assert_int_equal(stats.delivered_bytes, 240);
    assert_int_equal(stats.dropped[TTB_NET_DROP_QUEUE_FRAMES], 6);
    assert_int_equal(stats.peak_frames, 3);
    assert_int_equal(stats.peak_bytes, 180);
    assert_int_equal(stats.waiting_frames, 0);
}

static void the_queue_has_a_limit_in_bytes_too(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_stats stats;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000, .queue_bytes = 1000));
    send_frame_at(fixture, 0, 0, 1, 0, 1500); /* on the line: does not count */
    send_frame_at(fixture, 0, 0, 1, 1, 600);
    send_frame_at(fixture, 0, 0, 1, 2, 401); /* one byte too much */
    send_frame_at(fixture, 0, 0, 1, 3, 400); /* fits */
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 3);
    assert_int_equal(fixture->records[2].tag, 3);
    stats = stats_of(fixture->hosts[0]);
    assert_int_equal(stats.dropped[TTB_NET_DROP_QUEUE_BYTES], 1);
    assert_int_equal(stats.peak_bytes, 1000);
}

static void a_link_may_have_no_queue(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000, .queue_frames = TTB_NET_NO_QUEUE));
    send_frame_at(fixture, 0, 0, 1, 0, 60);
    send_frame_at(fixture, 671, 0, 1, 1, 60); /* the gap ends at 672 */
    send_frame_at(fixture, 672, 0, 1, 2, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 2);
    expect_record(fixture, 1, 672 + 576, 1, 2);
}

static void the_default_queue_has_room_for_1000_frames(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000));
    for (uint32_t i = 0; i < 1100; i++)
        send_frame_at(fixture, 0, 0, 1, i, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 1001);
}

static void a_frame_leaves_the_queue_before_one_that_comes_at_the_same_instant(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000, .queue_frames = 1));
    send_frame_at(fixture, 672, 0, 1, 2, 60); /* set first, so its timer fires before the line's */
    send_frame_at(fixture, 0, 0, 1, 0, 60);
    send_frame_at(fixture, 0, 0, 1, 1, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 3);
    expect_record(fixture, 2, 2 * 672 + 576, 1, 2);
}

/* ---------------------------------------------------------------------------------------- loss */

/* A bit for each of 2000 frames sent from `from`: did it arrive? */
static void fates(uint64_t seed, int from, double loss, double loss_of_first_half, bool *arrived)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture_open(fixture, seed);
    two_hosts(fixture, PARAMS(.loss = loss_of_first_half, .delay_ns = 3));
    for (uint32_t i = 0; i < 1000; i++)
        send_frame_at(fixture, i, from, !from, i, 60);
    run_until(fixture, 1000);
    assert_int_equal(ttb_net_link_set(fixture->link, NULL, PARAMS(.loss = loss, .delay_ns = 3)), 0);
    for (uint32_t i = 1000; i < 2000; i++)
        send_frame_at(fixture, i, from, !from, i, 60);
    run_until(fixture, TTB_TIME_NEVER);
    memset(arrived, 0, 2000 * sizeof(*arrived));
    for (size_t i = 0; i < fixture->record_count; i++)
        arrived[fixture->records[i].tag] = true;
    assert_int_equal(stats_of(fixture->hosts[from]).dropped[TTB_NET_DROP_LOSS],
                     2000 - fixture->record_count);
    fixture_close(fixture);
    free(fixture);
}

static int lost(const bool *arrived, int from, int to)
{
    int count = 0;

    for (int i = from; i < to; i++)
        count += !arrived[i];
    return count;
}

static void losses_repeat_with_the_seed_and_have_the_right_rate(void **state)
{
    bool one[2000], again[2000], other[2000], back[2000];

    (void)state;
    fates(42, 0, 0.1, 0.1, one);
    fates(42, 0, 0.1, 0.1, again);
    fates(43, 0, 0.1, 0.1, other);
    fates(42, 1, 0.1, 0.1, back);
    assert_memory_equal(one, again, sizeof(one));
    assert_memory_not_equal(one, other, sizeof(one));
    assert_memory_not_equal(one, back, sizeof(one));
    /* 200 expected, standard deviation 13.4: four of them */
    assert_in_range(lost(one, 0, 2000), 147, 253);
    assert_in_range(lost(other, 0, 2000), 147, 253);
    assert_in_range(lost(back, 0, 2000), 147, 253);
}

static void a_changed_loss_does_not_change_the_fate_of_later_frames(void **state)
{
    bool lossy[2000], calm[2000];

    (void)state;
    fates(7, 0, 0.3, 0.3, lossy);
    fates(7, 0, 0.3, 0.0, calm);
    assert_int_equal(lost(calm, 0, 1000), 0);
    assert_in_range(lost(lossy, 0, 1000), 242, 358);
    assert_memory_equal(lossy + 1000, calm + 1000, 1000 * sizeof(bool));
}

static void loss_1_loses_everything_and_takes_time_on_the_line(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.loss = 1, .rate_bps = 1000000000));
    send_frame(fixture, 0, 1, 0, 60);
    assert_int_equal(ttb_net_link_set(fixture->link, fixture->hosts[0],
                                      PARAMS(.loss = 0, .rate_bps = 1000000000)),
                     0);
    send_frame(fixture, 0, 1, 1, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 1);
    expect_record(fixture, 0, 672 + 576, 1, 1);
}

/* ------------------------------------------------------------------------------------- changes */

static void frames_on_their_way_keep_their_arrival_when_the_delay_grows(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.delay_ns = 1000));
    send_frame_at(fixture, 0, 0, 1, 1, 60);
    run_until(fixture, 500);
    assert_int_equal(ttb_net_link_set(fixture->link, NULL, PARAMS(.delay_ns = 5000)), 0);
    send_frame_at(fixture, 600, 0, 1, 2, 60);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 1000, 1, 1);
    expect_record(fixture, 1, 5600, 1, 2);
}

static void frames_do_not_overtake_when_the_delay_shrinks(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.delay_ns = 5000));
    send_frame_at(fixture, 0, 0, 1, 1, 60);
    run_until(fixture, 500);
    assert_int_equal(ttb_net_link_set(fixture->link, NULL, PARAMS(.delay_ns = 10)), 0);
    send_frame_at(fixture, 600, 0, 1, 2, 60);
    send_frame_at(fixture, 6000, 0, 1, 3, 60);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 5000, 1, 1);
    expect_record(fixture, 1, 5000, 1, 2);
    expect_record(fixture, 2, 6010, 1, 3);
}

static void a_frame_being_transmitted_keeps_its_rate_and_waiting_ones_get_the_new(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 8000000, .framing = TTB_NET_FRAMING_NONE));
    send_frame_at(fixture, 0, 0, 1, 1, 100);
    send_frame_at(fixture, 0, 0, 1, 2, 100);
    run_until(fixture, 500);
    assert_int_equal(
        ttb_net_link_set(fixture->link, NULL,
                         PARAMS(.rate_bps = 16000000, .framing = TTB_NET_FRAMING_NONE)),
        0);
    run_until(fixture, TTB_TIME_NEVER);
    expect_record(fixture, 0, 100000, 1, 1);
    expect_record(fixture, 1, 150000, 1, 2);
}

static void a_cut_loses_what_is_on_the_line_and_what_waits(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_stats stats;

    two_hosts(fixture, PARAMS(.rate_bps = 1000000000, .delay_ns = 10000));
    for (uint32_t i = 0; i < 10; i++)
        send_frame_at(fixture, 0, 0, 1, i, 60);
    run_until(fixture, 672 * 3 + 1);
    stats = stats_of(fixture->hosts[0]);
    assert_int_equal(stats.flying_frames, 4);
    assert_int_equal(stats.waiting_frames, 6);
    assert_true(ttb_net_link_is_up(fixture->link));
    assert_int_equal(ttb_net_link_set_up(fixture->link, false), 0);
    assert_false(ttb_net_link_is_up(fixture->link));
    send_frame(fixture, 0, 1, 100, 60);
    stats = stats_of(fixture->hosts[0]);
    assert_int_equal(stats.dropped[TTB_NET_DROP_LINK_DOWN], 11);
    assert_int_equal(stats.flying_frames, 0);
    assert_int_equal(stats.waiting_bytes, 0);
    run_until(fixture, 672 * 3 + 2); /* while the line would still be busy */
    assert_int_equal(ttb_net_link_set_up(fixture->link, true), 0);
    send_frame(fixture, 0, 1, 101, 60);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 1);
    expect_record(fixture, 0, 672 * 3 + 2 + 576 + 10000, 1, 101);
}

static void impossible_parameters_are_refused_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_net_end *a = add_host(fixture), *b = add_host(fixture), *c = add_host(fixture);
    struct ttb_net *net = fixture->net;
    static const struct {
        struct ttb_net_params params;
        const char *name;
    } wrong[] = {
        {{.size = 0}, "size"},
        {{.size = sizeof(struct ttb_net_params), .loss = 1.01}, "loss"},
        {{.size = sizeof(struct ttb_net_params), .loss = -0.01}, "loss"},
        {{.size = sizeof(struct ttb_net_params), .loss = NAN}, "loss"},
        {{.size = sizeof(struct ttb_net_params), .delay_ns = UINT64_MAX}, "delay_ns"},
        {{.size = sizeof(struct ttb_net_params), .rate_bps = UINT64_MAX}, "rate_bps"},
        {{.size = sizeof(struct ttb_net_params), .framing = 99}, "framing"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ttb_net_connect(net, a, b, &wrong[i].params, NULL, NULL), -EINVAL);
        assert_non_null(strstr(ttb_net_error(net), wrong[i].name));
        assert_int_equal(ttb_net_connect(net, a, b, PARAMS(0), &wrong[i].params, NULL), -EINVAL);
    }
    assert_int_equal(ttb_net_connect(net, a, a, PARAMS(0), NULL, NULL), -EINVAL);
    fixture->link = connect_ends(fixture, a, b, PARAMS(0));
    assert_ptr_equal(ttb_net_end_link(a), fixture->link);
    assert_null(ttb_net_end_link(c));
    assert_int_equal(ttb_net_connect(net, c, b, PARAMS(0), NULL, NULL), -EBUSY);
    assert_non_null(strstr(ttb_net_error(net), "host1"));
    assert_int_equal(ttb_net_link_set(fixture->link, c, PARAMS(0)), -EINVAL);
    assert_int_equal(ttb_net_link_set(fixture->link, a, PARAMS(.loss = 2)), -EINVAL);
}

/* A link's times stay right at the end of time: what would arrive after it never does. */
static void a_frame_with_the_longest_delay_and_slowest_rate_does_not_overflow(void **state)
{
    struct fixture *fixture = *state;

    two_hosts(fixture, PARAMS(.rate_bps = 1, .delay_ns = TTB_NET_DELAY_MAX_NS));
    send_frame_at(fixture, UINT64_MAX - 10, 0, 1, 1, TTB_FRAME_MAX);
    send_frame_at(fixture, UINT64_MAX - 10, 0, 1, 2, TTB_FRAME_MAX);
    run_until(fixture, UINT64_MAX - 1);
    run_until(fixture, TTB_TIME_NEVER);
    assert_int_equal(fixture->record_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_perfect_line_takes_no_time),
        TEST(a_frame_takes_preamble_frame_and_fcs_at_the_rate_and_the_delay),
        TEST(a_short_frame_is_padded_to_60_bytes_on_the_line_only),
        TEST(frames_follow_each_other_after_the_gap),
        TEST(the_line_is_busy_during_the_gap),
        TEST(without_framing_only_the_frame_counts),
        TEST(fractions_of_a_nanosecond_are_not_lost_on_a_busy_line),
        TEST(a_line_that_was_idle_forgets_fractions),
        TEST(the_two_directions_have_their_own_line_and_parameters),
        TEST(what_the_queue_cannot_hold_is_dropped_at_the_tail),
        TEST(the_queue_has_a_limit_in_bytes_too),
        TEST(a_link_may_have_no_queue),
        TEST(the_default_queue_has_room_for_1000_frames),
        TEST(a_frame_leaves_the_queue_before_one_that_comes_at_the_same_instant),
        TEST(losses_repeat_with_the_seed_and_have_the_right_rate),
        TEST(a_changed_loss_does_not_change_the_fate_of_later_frames),
        TEST(loss_1_loses_everything_and_takes_time_on_the_line),
        TEST(frames_on_their_way_keep_their_arrival_when_the_delay_grows),
        TEST(frames_do_not_overtake_when_the_delay_shrinks),
        TEST(a_frame_being_transmitted_keeps_its_rate_and_waiting_ones_get_the_new),
        TEST(a_cut_loses_what_is_on_the_line_and_what_waits),
        TEST(impossible_parameters_are_refused_by_name),
        TEST(a_frame_with_the_longest_delay_and_slowest_rate_does_not_overflow),
#undef TEST
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
