/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls, kicks and the clock itself in a participant's shared memory, instead of messages. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#define RING_A 0x10000
#define RING_B 0x20000

/* At 100, with a bound of 1000; queue A in slot 3, B in slot 5, whose kicks may be logged. */
static void open_running(struct rig *rig, uint64_t horizon_ns)
{
    const struct ttb__controller_queue queue = {.may_log = true, .horizon_ns = horizon_ns};

    rig_open_booted(rig, FLAVOUR_NOTIFY, 0);
    fake_uml_add_queue(&rig->uml, 3, RING_A);
    fake_uml_add_queue(&rig->uml, 5, RING_B);
    assert_int_equal(ttb__controller_find_queue(rig->controller, RING_A), 3);
    assert_int_equal(ttb__controller_find_queue(rig->controller, RING_B), 5);
    ttb__controller_set_queue(rig->controller, 5, &queue);
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 1000);
}

static void a_queue_is_known_by_its_address(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    assert_int_equal(ttb__controller_find_queue(rig.controller, 0x30000), -ENOENT);
    assert_int_equal(ttb__controller_find_queue(rig.controller, 0), -ENOENT);
    rig_close(&rig);
}

static void who_does_not_know_of_it_uses_messages(void **state)
{
    static const enum flavour flavours[] = {FLAVOUR_SHARED, FLAVOUR_MESSAGES, FLAVOUR_OLD};

    (void)state;
    for (size_t i = 0; i < sizeof(flavours) / sizeof(*flavours); i++) {
        struct rig rig;

        rig_open(&rig, flavours[i],
                 flavours[i] == FLAVOUR_MESSAGES ? TTB__CONTROLLER_MESSAGES : TTB__CONTROLLER_AUTO);
        ttb__controller_offer_notifications(rig.controller);
        rig_boot(&rig, 7, 0);
        assert_int_equal(ttb__controller_find_queue(rig.controller, RING_A), -ENOENT);
        rig_wait_for(&rig, 100);
        assert_false(ttb__controller_takes_calls(rig.controller));
        assert_int_equal(ttb__controller_call(rig.controller, 3), -EINVAL);
        assert_false(ttb__controller_watch(rig.controller, true));
        rig_run(&rig, 100, 1000);
        assert_int_equal(ttb__controller_await(rig.controller, 0), -ENOTCONN);
        rig_close(&rig);
    }
}

/* A patched kernel under a controller that does not offer it, as an older one. */
static void who_is_not_offered_it_uses_messages(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, FLAVOUR_SHARED, TTB__CONTROLLER_AUTO);
    rig.uml.knows_notify = true;
    rig_boot(&rig, 7, 0);
    assert_null(rig.uml.notify);
    rig_wait_for(&rig, 100);
    rig_run(&rig, 100, 1000);
    assert_true(fake_uml_kick(&rig.uml));
    rig_assert_well(&rig);
    rig_close(&rig);
}

static void logged_kicks_are_served_when_it_waits(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 500);
    assert_true(fake_uml_log_kick(&rig.uml, 5, 7));
    assert_true(fake_uml_pass_to(&rig.uml, 140));
    assert_true(fake_uml_log_kick(&rig.uml, 5, 9));
    assert_int_equal(rig.logged, 0);
    rig_wait_for(&rig, 700);
    assert_int_equal(rig.logged, 2);
    assert_int_equal(rig.log[0].slot, 5);
    assert_int_equal(rig.log[0].time_ns, 100);
    assert_int_equal(rig.log[0].avail_idx, 7);
    assert_int_equal(rig.log[1].time_ns, 140);
    assert_int_equal(rig.log[1].avail_idx, 9);
    rig_close(&rig);
}

static void they_are_served_when_it_ends(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 500);
    assert_true(fake_uml_log_kick(&rig.uml, 5, 7));
    fake_uml_exit(&rig.uml);
    rig_turn(&rig);
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.closed_err, 0);
    assert_int_equal(rig.logged, 1);
    rig_close(&rig);
}

static void they_are_served_on_demand_and_once(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 500);
    assert_true(fake_uml_log_kick(&rig.uml, 5, 7));
    assert_int_equal(ttb__controller_serve_kicks(rig.controller), 0);
    assert_int_equal(rig.logged, 1);
    assert_int_equal(ttb__controller_serve_kicks(rig.controller), 0);
    rig_wait_for(&rig, 600);
    assert_int_equal(rig.logged, 1);
    rig_close(&rig);
}

static void it_stops_by_itself_where_something_may_come_of_a_kick(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 50);
    rig.logged_limit_ns = 150;
    assert_true(fake_uml_log_kick(&rig.uml, 5, 1));
    assert_true(fake_uml_pass_to(&rig.uml, 149));
    assert_int_equal(rig.uml.waits, 1);
    rig_wait_for(&rig, 150);
    assert_int_equal(rig.logged, 1);
    rig_run(&rig, 150, 1000);
    /* The next grant begins anew. */
    assert_true(fake_uml_pass_to(&rig.uml, 999));
    rig_close(&rig);
}

static void a_watchdogs_look_ahead_of_the_log_does_no_harm(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 500);
    assert_true(fake_uml_log_kick(&rig.uml, 5, 1));
    assert_true(fake_uml_pass_to(&rig.uml, 200));
    assert_true(fake_uml_log_kick(&rig.uml, 5, 2));
    assert_int_equal(ttb__controller_time_ns(rig.controller), 200);
    rig_wait_for(&rig, 700);
    assert_int_equal(rig.logged, 2);
    assert_int_equal(rig.log[0].time_ns, 100);
    rig_close(&rig);
}

static void a_full_log_sends_messages(void **state)
{
    struct rig rig;
    unsigned count = 0;

    (void)state;
    open_running(&rig, 500);
    while (count < 10000 && fake_uml_log_kick(&rig.uml, 5, (uint16_t)count))
        count++;
    assert_int_equal(count, 256);
    assert_int_equal(ttb__controller_serve_kicks(rig.controller), 0);
    assert_int_equal(rig.logged, 256);
    assert_true(fake_uml_log_kick(&rig.uml, 5, 0));
    rig_wait_for(&rig, 900);
    assert_int_equal(rig.logged, 257);
    rig_close(&rig);
}

static void a_queue_nobody_has_vouched_for_may_not_log(void **state)
{
    static const struct ttb__controller_queue none;
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    assert_false(fake_uml_log_kick(&rig.uml, 3, 1));
    ttb__controller_set_queue(rig.controller, 5, &none);
    assert_false(fake_uml_log_kick(&rig.uml, 5, 1));
    rig_close(&rig);
}

static void calls_are_taken_in_order_at_the_time_of_the_run(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    rig_wait_for(&rig, 5000);
    assert_true(ttb__controller_takes_calls(rig.controller));
    assert_int_equal(ttb__controller_call(rig.controller, 5), 0);
    assert_int_equal(ttb__controller_call(rig.controller, 3), 0);
    /* Earlier than it has asked for, which nothing else allows. */
    rig_run(&rig, 1200, 2000);
    assert_int_equal(rig.uml.time, 1200);
    assert_int_equal(rig.uml.calls, 2);
    assert_int_equal(rig.uml.called[0], 5);
    assert_int_equal(rig.uml.called[1], 3);
    assert_true(fake_uml_pass_to(&rig.uml, 1200));
    assert_int_equal(rig.uml.irqs, 2);
    /* They are told once. */
    rig_wait_for(&rig, 2000);
    assert_int_equal(ttb__controller_run(rig.controller, 1500, 3000), -EINVAL);
    rig_run(&rig, 2000, 3000);
    assert_int_equal(rig.uml.calls, 2);
    rig_close(&rig);
}

static void calls_do_not_let_it_run_later_than_it_asked_nor_in_its_past(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    rig_wait_for(&rig, 1500);
    assert_int_equal(ttb__controller_call(rig.controller, 5), 0);
    assert_int_equal(ttb__controller_run(rig.controller, 1501, 2000), -EINVAL);
    assert_int_equal(ttb__controller_run(rig.controller, 99, 2000), -EINVAL);
    rig_run(&rig, 1500, 2000);
    assert_int_equal(rig.uml.calls, 1);
    rig_close(&rig);
}

static void only_a_participant_that_waits_is_called(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    assert_int_equal(ttb__controller_call(rig.controller, 5), -EINVAL);
    rig_wait_for(&rig, 1500);
    for (int i = 0; i < 128; i++)
        assert_int_equal(ttb__controller_call(rig.controller, 5), 0);
    assert_int_equal(ttb__controller_call(rig.controller, 5), -ENOBUFS);
    rig_close(&rig);
}

static void who_waits_without_a_message_hears_messages(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    rig_wait_for(&rig, 1500);
    assert_true(rig.uml.waits_quietly);
    assert_int_equal(ttb__controller_broadcast(rig.controller, 0xabc), 0);
    assert_int_equal(ttb__controller_broadcast(rig.controller, 0xdef), 0);
    rig.run_when_acknowledged_ns = 1500;
    assert_int_equal(rig.uml.broadcasts, 0);
    assert_true(fake_uml_end_wait(&rig.uml));
    rig_assert_well(&rig);
    assert_int_equal(rig.uml.broadcasts, 2);
    assert_int_equal(rig.uml.broadcast, 0xdef);
    assert_int_equal(rig.uml.time, 1500);
    rig_close(&rig);
}

static void an_interrupt_by_message_finds_who_waits_without_one(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    rig_wait_for(&rig, 1500);
    assert_true(rig.uml.waits_quietly);
    rig_call(&rig, 1300);
    assert_int_equal(ttb__controller_request_ns(rig.controller), 1300);
    rig_run(&rig, 1300, 2000);
    assert_true(fake_uml_pass_to(&rig.uml, 1300));
    assert_int_equal(rig.uml.irqs, 1);
    rig_close(&rig);
}

static void a_kick_by_message_rings(void **state)
{
    struct rig rig;
    uint32_t rings;

    (void)state;
    open_running(&rig, 10);
    rings = fake_uml_peek_u32(&rig.uml, SHM_NOTIFY + NOTIFY_RINGS);
    assert_true(fake_uml_req(&rig.uml, 9, 5, NULL)); /* BROADCAST */
    assert_int_equal(fake_uml_peek_u32(&rig.uml, SHM_NOTIFY + NOTIFY_RINGS), rings + 1);
    rig_turn(&rig);
    assert_int_equal(rig.broadcasts, 1);
    rig_close(&rig);
}

static void who_is_no_longer_watched_waits_by_message(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    rig_wait_for(&rig, 1500);
    assert_true(rig.uml.waits_quietly);
    assert_false(ttb__controller_watch(rig.controller, false));
    rig.now_ns = 1500;
    assert_int_equal(ttb__controller_run(rig.controller, 1500, 2000), 0);
    assert_true(fake_uml_end_wait(&rig.uml));
    rig_wait_for(&rig, 2500);
    assert_false(rig.uml.waits_quietly);
    rig_run(&rig, 2500, 3000);
    rig_close(&rig);
}

/* time_travel_end_watch() */
static void who_ends_is_looked_at_again(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    assert_int_equal(ttb__controller_await(rig.controller, 0), 0);
    fake_uml_poke_u32(&rig.uml, SHM_NOTIFY + NOTIFY_WATCHED, 0);
    fake_uml_poke_u32(&rig.uml, SHM_NOTIFY + NOTIFY_RINGS, 99);
    assert_int_equal(ttb__controller_await(rig.controller, 60000), -ENOTCONN);
    fake_uml_exit(&rig.uml);
    rig_turn(&rig);
    assert_int_equal(rig.closed, 1);
    rig_close(&rig);
}

/* ------------------------------------------------------------------------------------ nonsense */

static void expect_end(struct rig *rig, const char *sentence)
{
    fake_uml_begin_wait(&rig->uml);
    rig_turn(rig);
    assert_int_equal(rig->closed, 1);
    assert_int_equal(rig->closed_err, -EPROTO);
    assert_string_equal(rig->closed_why, sentence);
    rig_close(rig);
}

static void log_kick(struct rig *rig, uint64_t time_ns, uint16_t slot)
{
    size_t kick = fake_uml_kick_at(&rig->uml, 0);

    assert_true(fake_uml_log_kick(&rig->uml, 5, 1));
    fake_uml_poke_u64(&rig->uml, kick + KICK_TIME, time_ns);
    memcpy(rig->uml.shm + kick + KICK_QUEUE, &slot, sizeof(slot));
}

static void a_log_that_makes_no_sense_ends_the_connection(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    log_kick(&rig, 99, 5);
    expect_end(&rig, "a: a logged kick is of 99 ns, but it has run since 100 ns");
    open_running(&rig, 10);
    log_kick(&rig, 1000, 5);
    expect_end(&rig, "a: a logged kick is of 1000 ns, but it may run only before 1000 ns");
    open_running(&rig, 10);
    log_kick(&rig, 100, 128);
    expect_end(&rig, "a: logged kick 0 is of queue 128 of 128");
    open_running(&rig, 10);
    fake_uml_poke_u32(&rig.uml, SHM_NOTIFY + NOTIFY_KICK_HEAD, 257);
    expect_end(&rig, "a: kick_head in the segment went from 0 to 257, in a log of 256 kicks");
    open_running(&rig, 10);
    fake_uml_poke_u32(&rig.uml, SHM_NOTIFY + NOTIFY_KICK_HEAD, UINT32_MAX);
    expect_end(&rig,
               "a: kick_head in the segment went from 0 to 4294967295, in a log of 256 kicks");
}

static void a_kick_beyond_what_an_earlier_one_allows_ends_the_connection(void **state)
{
    struct rig rig;
    size_t kick;

    (void)state;
    open_running(&rig, 10);
    rig.logged_limit_ns = 110;
    assert_true(fake_uml_log_kick(&rig.uml, 5, 1));
    assert_true(fake_uml_log_kick(&rig.uml, 5, 2));
    kick = fake_uml_kick_at(&rig.uml, 1);
    fake_uml_poke_u64(&rig.uml, kick + KICK_TIME, 110);
    expect_end(&rig, "a: a logged kick is of 110 ns, but it may run only before 110 ns");
}

/* Whatever it writes where only we write: what we have offered is not read back. */
static void what_it_writes_elsewhere_means_nothing(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 500);
    assert_true(fake_uml_log_kick(&rig.uml, 5, 7));
    for (size_t offset = NOTIFY_FEATURES; offset < NOTIFY_BYTES; offset += 4) {
        if (offset != NOTIFY_KICK_HEAD && offset != NOTIFY_RINGS && offset != NOTIFY_WAITING &&
            offset != NOTIFY_WATCHED)
            fake_uml_poke_u32(&rig.uml, SHM_NOTIFY + offset, 0xdeadbeef);
    }
    fake_uml_poke_u32(&rig.uml, SHM_CLIENTS + CLIENT_NOTIFY, 0xfffffff0);
    rig_wait_for(&rig, 700);
    assert_int_equal(rig.logged, 1);
    assert_int_equal(rig.log[0].avail_idx, 7);
    assert_int_equal(ttb__controller_call(rig.controller, 3), 0);
    assert_int_equal(ttb__controller_run(rig.controller, 700, 800), 0);
    rig_close(&rig);
}

/* It says that it waits, and goes on. */
static void who_claims_to_wait_again_and_again_gets_nothing_for_it(void **state)
{
    struct rig rig;

    (void)state;
    open_running(&rig, 10);
    rig_wait_for(&rig, 1500);
    for (int i = 0; i < 100; i++) {
        fake_uml_poke_u32(&rig.uml, SHM_NOTIFY + NOTIFY_RINGS, (uint32_t)i + 1000);
        assert_int_equal(ttb__controller_await(rig.controller, 0), -ENOTCONN);
    }
    assert_int_equal(rig.waiting, 2);
    rig_close(&rig);
}

static void bits_that_were_not_offered_mean_nothing(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, FLAVOUR_SHARED, TTB__CONTROLLER_AUTO);
    rig_boot(&rig, 7, 0);
    fake_uml_poke_u32(&rig.uml, SHM_CAPA, UINT32_MAX);
    rig_wait_for(&rig, 100);
    assert_false(ttb__controller_takes_calls(rig.controller));
    assert_int_equal(ttb__controller_find_queue(rig.controller, RING_A), -ENOENT);
    assert_false(ttb__controller_watch(rig.controller, true));
    rig_run(&rig, 100, 200);
    rig_wait_for(&rig, 200);
    assert_int_equal(rig.logged, 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_is_known_by_its_address),
        cmocka_unit_test(who_does_not_know_of_it_uses_messages),
        cmocka_unit_test(who_is_not_offered_it_uses_messages),
        cmocka_unit_test(logged_kicks_are_served_when_it_waits),
        cmocka_unit_test(they_are_served_when_it_ends),
        cmocka_unit_test(they_are_served_on_demand_and_once),
        cmocka_unit_test(it_stops_by_itself_where_something_may_come_of_a_kick),
        cmocka_unit_test(a_watchdogs_look_ahead_of_the_log_does_no_harm),
        cmocka_unit_test(a_full_log_sends_messages),
        cmocka_unit_test(a_queue_nobody_has_vouched_for_may_not_log),
        cmocka_unit_test(calls_are_taken_in_order_at_the_time_of_the_run),
        cmocka_unit_test(calls_do_not_let_it_run_later_than_it_asked_nor_in_its_past),
        cmocka_unit_test(only_a_participant_that_waits_is_called),
        cmocka_unit_test(who_waits_without_a_message_hears_messages),
        cmocka_unit_test(an_interrupt_by_message_finds_who_waits_without_one),
        cmocka_unit_test(a_kick_by_message_rings),
        cmocka_unit_test(who_is_no_longer_watched_waits_by_message),
        cmocka_unit_test(who_ends_is_looked_at_again),
        cmocka_unit_test(a_log_that_makes_no_sense_ends_the_connection),
        cmocka_unit_test(a_kick_beyond_what_an_earlier_one_allows_ends_the_connection),
        cmocka_unit_test(what_it_writes_elsewhere_means_nothing),
        cmocka_unit_test(who_claims_to_wait_again_and_again_gets_nothing_for_it),
        cmocka_unit_test(bits_that_were_not_offered_mean_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
