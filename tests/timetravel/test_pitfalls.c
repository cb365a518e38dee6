/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a controller must respect so that a UML kernel neither panics nor hangs nor loses time. Each
 * pitfall has a test here, and each test runs in every flavour of the protocol: with the segment,
 * with messages, and with a kernel that has never heard of segments.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "timetravel/wire.h"

#define S 1000000000ULL

/* Whatever is refused sends nothing: the client's socket stays empty. */
static void assert_nothing_sent(struct rig *rig)
{
    char byte;

    assert_int_equal(recv(rig->uml.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    assert_int_equal(errno, EAGAIN);
}

static void pitfall_1_run_goes_only_to_a_client_that_waits(struct rig *rig)
{
    assert_int_equal(ttb__controller_run(rig->controller, 0, 10), -EINVAL);
    assert_true(fake_uml_update_request(&rig->uml, 5));
    rig_turn(rig);
    assert_int_equal(ttb__controller_run(rig->controller, 5, 10), -EINVAL);
    assert_nothing_sent(rig);
    rig_wait_for(rig, 5);
    rig_run(rig, 5, 10);
    assert_int_equal(ttb__controller_run(rig->controller, 5, 10), -EINVAL);
    assert_nothing_sent(rig);
}

/* The grant is then in the same send() as the ACK of WAIT, behind it. */
static void pitfall_1_run_from_within_the_wait_callback_follows_the_ack(struct rig *rig)
{
    rig->grant_ns = 10;
    for (uint64_t time = 100; time < 1000; time += 100)
        assert_true(fake_uml_pass_to(&rig->uml, time));
    rig_assert_well(rig);
    assert_int_equal(rig->waiting, 9);
    assert_int_equal(rig->uml.runs, 9);
}

static void pitfall_1_run_after_an_interrupt_waits_for_its_reply(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_call(rig, 40); /* GET and REQUEST are served in here, and answered before the reply */
    assert_nothing_sent(rig);
    rig_run(rig, 40, 41);
    assert_int_equal(rig->uml.time, 40);
}

static void pitfall_2_run_is_refused_unless_it_equals_the_request(struct rig *rig)
{
    rig_wait_for(rig, 100);
    assert_int_equal(ttb__controller_run(rig->controller, 99, 200), -EINVAL);
    assert_int_equal(ttb__controller_run(rig->controller, 101, 200), -EINVAL);
    assert_int_equal(ttb__controller_run(rig->controller, 0, 200), -EINVAL);
    assert_nothing_sent(rig);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_WAITING);
    rig_run(rig, 100, 200);
    assert_int_equal(rig->uml.time, 100);
}

static void pitfall_2_the_newest_request_counts(struct rig *rig)
{
    fake_uml_add_event(&rig->uml, 50);
    fake_uml_add_event(&rig->uml, 30);
    fake_uml_del_event(&rig->uml, 30);
    rig_wait_for(rig, 50);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 50);
    assert_int_equal(ttb__controller_run(rig->controller, 30, 200), -EINVAL);
    rig_run(rig, 50, 60);
}

static void pitfall_3_a_lowered_bound_holds_before_the_kick_is_answered(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 1000);
    assert_true(fake_uml_pass_to(&rig->uml, 150));
    rig->limit_ns = 160;
    assert_true(fake_uml_kick(&rig->uml));
    rig_assert_well(rig);
    assert_int_equal(rig->limit_rc, rig_is_shared(rig) ? 0 : 1);
    if (!rig_is_shared(rig)) /* grant's ACKs, then the bound's, and only then the reply */
        assert_int_equal(rig->acknowledged_at_reply, 2);
    /* The client has the new bound: it runs to 159 and asks for 160. */
    assert_true(fake_uml_pass_to(&rig->uml, 159));
    assert_int_equal(rig->uml.waits, 1);
    rig_wait_for(rig, 160);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 160);
}

static void pitfall_3_a_limit_never_raises_the_bound(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 200);
    rig->limit_ns = 300;
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->limit_rc, 0);
    rig->limit_ns = 200;
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->limit_rc, 0);
    assert_true(fake_uml_pass_to(&rig->uml, 199));
    assert_int_equal(rig->uml.waits, 1);
    rig_wait_for(rig, 200);
}

static void pitfall_3_a_limit_in_the_past_stops_the_client_where_it_is(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 200);
    assert_true(fake_uml_pass_to(&rig->uml, 150));
    rig->limit_ns = 120;
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->limit_rc, rig_is_shared(rig) ? 0 : 1);
    /* It cannot be stopped any more than that: no second message. */
    rig->limit_ns = 110;
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->limit_rc, 0);
    rig_wait_for(rig, 151);
    rig_run(rig, 151, 152);
}

static void pitfall_4_the_bound_comes_anew_with_each_grant(struct rig *rig)
{
    rig_wait_for(rig, 10);
    rig_run(rig, 10, 20);
    assert_true(fake_uml_pass_to(&rig->uml, 15));
    assert_true(fake_uml_pass_to(&rig->uml, 19));
    assert_int_equal(rig->uml.waits, 1);
    rig_wait_for(rig, 25);
    rig_run(rig, 25, 40);
    assert_true(fake_uml_pass_to(&rig->uml, 39));
    assert_int_equal(rig->uml.waits, 2);
    /* A narrower one as well: nothing of the last bound is left. */
    rig_wait_for(rig, 50);
    rig_run(rig, 50, 51);
    rig_wait_for(rig, 51);
}

static void pitfall_4_an_interrupt_in_the_wait_does_not_narrow_the_next_bound(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_call(rig, 40); /* in the segment, the client lowers free_until to 40 */
    rig_run(rig, 40, 90);
    assert_true(fake_uml_pass_to(&rig->uml, 89));
    assert_int_equal(rig->uml.waits, 1);
}

static void pitfall_5_an_interrupt_gets_the_time_and_requests_now_before_its_reply(struct rig *rig)
{
    rig_wait_for(rig, 100);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 100);
    rig_call(rig, 40);
    assert_int_equal(rig->uml.time, 40);
    assert_int_equal(ttb__controller_time_ns(rig->controller), 40);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 40);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_WAITING);
    assert_int_equal(rig->requests, rig_is_shared(rig) ? 0 : 1);
    /* Two interrupts at one instant. */
    rig_call(rig, 40);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 40);
    rig_run(rig, 40, 41);
}

static void pitfall_5_an_interrupt_when_an_event_is_due_keeps_the_request(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_call(rig, 100);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 100);
    rig_run(rig, 100, 101);
}

/* What happens in a wait of the client's, once. */
static void interrupt_at_40_and_grant(void *user)
{
    struct rig *rig = user;

    rig_turn(rig);
    if (ttb__controller_request_ns(rig->controller) != 100 || rig->uml.waits > 1) {
        uint64_t time_ns = ttb__controller_request_ns(rig->controller);

        rig->now_ns = time_ns;
        assert_int_equal(ttb__controller_run(rig->controller, time_ns, time_ns + 1), 0);
        return;
    }
    rig_call(rig, 40);
    assert_int_equal(ttb__controller_run(rig->controller, 40, 41), 0);
}

static void pitfall_6_a_grant_covers_all_of_its_instant(struct rig *rig)
{
    /* The client waits for its event at 100, is interrupted at 40, and serves the interrupt at 40
     * without a second REQUEST(40) and WAIT, because 40 < 41. Then it waits for 100 again. */
    rig->uml.while_waiting = interrupt_at_40_and_grant;
    assert_true(fake_uml_add_event(&rig->uml, 100));
    assert_true(fake_uml_pass_to(&rig->uml, 100));
    rig_turn(rig);
    rig_assert_well(rig);
    assert_int_equal(rig->uml.irqs, 1);
    assert_int_equal(rig->uml.waits, 2);
    assert_int_equal(rig->uml.time, 100);
}

static void pitfall_6_a_grant_without_room_is_refused(struct rig *rig)
{
    rig_wait_for(rig, 40);
    assert_int_equal(ttb__controller_run(rig->controller, 40, 40), -EINVAL);
    assert_int_equal(ttb__controller_run(rig->controller, 40, 39), -EINVAL);
    assert_int_equal(ttb__controller_run(rig->controller, 40, 0), -EINVAL);
    assert_nothing_sent(rig);
    rig_run(rig, 40, 41);
}

static void pitfall_7_the_ack_of_start_has_two_descriptors_and_a_segment(struct rig *rig)
{
    /* The fake has checked sizes and slots; 6.1 reads the ACK without looking for descriptors. */
    assert_int_equal(rig->uml.start_fds, rig->flavour == FLAVOUR_OLD ? 0 : 2);
    assert_int_equal(rig->uml.start_ack & TTB__START_ACK_ID_MASK, 0);
    assert_int_equal(rig->uml.shm != NULL, rig_is_shared(rig));
    rig_wait_for(rig, 1);
    assert_int_equal(ttb__controller_is_shared(rig->controller), rig_is_shared(rig));
}

static void pitfall_8_a_late_joiner_starts_at_local_time_zero(struct rig *rig)
{
    uint64_t start_ns = 0;

    assert_int_equal(ttb__controller_time_ns(rig->controller), 5 * S);
    if (rig->uml.shm)
        assert_int_equal(rig->uml.shm_offset, 0);
    /* Time of day is that of the bridge's clock; the client subtracts its own time, zero. */
    rig->time_of_day_ns = 1700000005 * S;
    assert_true(fake_uml_set_start(&rig->uml, &start_ns));
    assert_int_equal(rig->uml.time, 0);
    assert_true(start_ns == 1700000005 * S);

    rig_wait_for(rig, 100);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 5 * S + 100);
    assert_int_equal(ttb__controller_run(rig->controller, 100, 200), -EINVAL);
    rig_run(rig, 5 * S + 100, 5 * S + 200);
    assert_int_equal(rig->uml.time, 100);
    assert_true(fake_uml_pass_to(&rig->uml, 199));
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->kick_time_ns, 5 * S + 199);
    assert_int_equal(rig->uml.waits, 1);

    rig_wait_for(rig, S);
    rig_call(rig, 5 * S + 300);
    assert_int_equal(rig->uml.time, 300);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 5 * S + 300);
    rig_run(rig, 5 * S + 300, 5 * S + 301);
}

static void pitfall_8_two_clients_have_nothing_in_common(struct rig *rig)
{
    struct rig other;

    rig_open_booted(&other, rig->flavour, 3 * S);
    rig_wait_for(rig, 100);
    rig_wait_for(&other, 70);
    /* Both run at once, each with its own clock, bound and licence to set the time. */
    rig_run(rig, 5 * S + 100, 5 * S + 200);
    rig_run(&other, 3 * S + 70, 3 * S + 90);
    assert_true(fake_uml_pass_to(&rig->uml, 150));
    assert_true(fake_uml_pass_to(&other.uml, 80));
    assert_true(fake_uml_kick(&rig->uml));
    assert_true(fake_uml_kick(&other.uml));
    assert_int_equal(rig->kick_time_ns, 5 * S + 150);
    assert_int_equal(other.kick_time_ns, 3 * S + 80);
    rig_wait_for(rig, 200);
    rig_wait_for(&other, 90);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 5 * S + 200);
    assert_int_equal(ttb__controller_request_ns(other.controller), 3 * S + 90);
    rig_close(&other);
}

static void pitfall_9_clock_reads_pass_time_and_stop_at_the_bound(struct rig *rig)
{
    rig_wait_for(rig, 1000);
    rig_run(rig, 1000, 2000);
    for (int i = 0; i < 3; i++)
        assert_true(fake_uml_read_clock(&rig->uml));
    assert_int_equal(rig->uml.time, 1768);
    assert_int_equal(rig->uml.waits, 1);
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->kick_time_ns, 1768);
    /* The next would be at 2024: not before 2000, so it asks. */
    rig->grant_ns = 1;
    assert_true(fake_uml_read_clock(&rig->uml));
    assert_int_equal(rig->uml.time, 2024);
    assert_int_equal(rig->uml.waits, 2);
}

static void pitfall_10_no_request_means_until_an_interrupt(struct rig *rig)
{
    assert_true(fake_uml_begin_wait(&rig->uml));
    rig_turn(rig);
    assert_int_equal(rig->waiting, 1);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
    assert_int_equal(ttb__controller_run(rig->controller, 50, 60), -EINVAL);
    assert_nothing_sent(rig);
    rig_call(rig, 50);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 50);
    rig_run(rig, 50, 60);
}

static void pitfall_10_a_request_for_the_end_of_time_is_none(struct rig *rig)
{
    rig_wait_for(rig, INT64_MAX);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
    assert_int_equal(ttb__controller_run(rig->controller, INT64_MAX, UINT64_MAX), -EINVAL);
    assert_int_equal(ttb__controller_run(rig->controller, UINT64_MAX - 1, UINT64_MAX), -EINVAL);
    assert_int_equal(ttb__controller_set_time(rig->controller, TTB__TIME_NEVER), -EINVAL);
    assert_nothing_sent(rig);
    rig_call(rig, 50);
    rig_run(rig, 50, TTB__TIME_NEVER);
    /* Free for ever, and still asks before the end of time. */
    assert_true(fake_uml_pass_to(&rig->uml, (uint64_t)INT64_MAX - 1));
    rig_wait_for(rig, INT64_MAX);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
}

/* After RUN the old request is gone, also in the segment, where the client clears its flag. */
static void pitfall_10_a_request_ends_with_its_run(struct rig *rig)
{
    rig_wait_for(rig, 50);
    rig_run(rig, 50, 60);
    assert_true(fake_uml_begin_wait(&rig->uml));
    rig_turn(rig);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
}

#define TEST(name)     \
    {                  \
#name, name, 0 \
    }
#define LATE(name)         \
    {                      \
#name, name, 5 * S \
    }

int main(void)
{
    static const struct rig_test tests[] = {
        TEST(pitfall_1_run_goes_only_to_a_client_that_waits),
        TEST(pitfall_1_run_from_within_the_wait_callback_follows_the_ack),
        TEST(pitfall_1_run_after_an_interrupt_waits_for_its_reply),
        TEST(pitfall_2_run_is_refused_unless_it_equals_the_request),
        TEST(pitfall_2_the_newest_request_counts),
        TEST(pitfall_3_a_lowered_bound_holds_before_the_kick_is_answered),
        TEST(pitfall_3_a_limit_never_raises_the_bound),
        TEST(pitfall_3_a_limit_in_the_past_stops_the_client_where_it_is),
        TEST(pitfall_4_the_bound_comes_anew_with_each_grant),
        TEST(pitfall_4_an_interrupt_in_the_wait_does_not_narrow_the_next_bound),
        TEST(pitfall_5_an_interrupt_gets_the_time_and_requests_now_before_its_reply),
        TEST(pitfall_5_an_interrupt_when_an_event_is_due_keeps_the_request),
        TEST(pitfall_6_a_grant_covers_all_of_its_instant),
        TEST(pitfall_6_a_grant_without_room_is_refused),
        TEST(pitfall_7_the_ack_of_start_has_two_descriptors_and_a_segment),
        LATE(pitfall_8_a_late_joiner_starts_at_local_time_zero),
        LATE(pitfall_8_two_clients_have_nothing_in_common),
        TEST(pitfall_9_clock_reads_pass_time_and_stop_at_the_bound),
        TEST(pitfall_10_no_request_means_until_an_interrupt),
        TEST(pitfall_10_a_request_for_the_end_of_time_is_none),
        TEST(pitfall_10_a_request_ends_with_its_run),
    };

    return rig_run_tests("pitfalls", tests, sizeof(tests) / sizeof(tests[0]));
}
