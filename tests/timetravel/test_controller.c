/* SPDX-License-Identifier: BSD-3-Clause */
/* What the controller's functions do and refuse, beyond the pitfalls; in every flavour. */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "timetravel/wire.h"

#define S     1000000000ULL
#define NEVER ((uint64_t)INT64_MAX)

/* --------------------------------------------------------------------------- in every flavour */

static void states_follow_the_participants_life(struct rig *rig)
{
    assert_int_equal(rig->id, 7);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_RUNNING);
    rig_wait_for(rig, 10);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_WAITING);
    rig_run(rig, 10, 20);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_RUNNING);
    fake_uml_exit(&rig->uml);
    rig_turn(rig);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_CLOSED);
    assert_int_equal(rig->closed, 1);
    assert_int_equal(rig->closed_err, 0);
    assert_string_equal(rig->closed_why, "");
}

static void start_is_acknowledged_once(struct rig *rig)
{
    assert_int_equal(ttb__controller_start(rig->controller, 0), -EINVAL);
    rig_wait_for(rig, 10);
    assert_int_equal(ttb__controller_start(rig->controller, 0), -EINVAL);
}

static void a_running_participant_has_no_request(struct rig *rig)
{
    fake_uml_update_request(&rig->uml, 50);
    rig_turn(rig);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
    rig_wait_for(rig, 50);
    assert_int_equal(ttb__controller_request_ns(rig->controller), 50);
}

static void time_is_known_from_grants_kicks_and_interrupts(struct rig *rig)
{
    assert_int_equal(ttb__controller_time_ns(rig->controller), 0);
    rig_wait_for(rig, 100);
    assert_int_equal(ttb__controller_time_ns(rig->controller), 0);
    rig_run(rig, 100, 1000);
    assert_int_equal(ttb__controller_time_ns(rig->controller), 100);
    assert_true(fake_uml_pass_to(&rig->uml, 300));
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->kick_time_ns, 300);
    assert_true(fake_uml_kick(&rig->uml)); /* again at the same time: no UPDATE */
    assert_int_equal(rig->kick_time_ns, 300);
    rig_wait_for(rig, 5000);
    assert_int_equal(ttb__controller_time_ns(rig->controller), 300);
    rig_call(rig, 2000);
    assert_int_equal(ttb__controller_time_ns(rig->controller), 2000);
}

/* Before its first message on the time socket, even: nothing needs to be told at time 0. */
static void a_kick_at_time_zero_can_be_limited(struct rig *rig)
{
    rig->limit_ns = 1;
    assert_true(fake_uml_kick(&rig->uml));
    assert_int_equal(rig->kick_time_ns, 0);
    assert_int_equal(rig->limit_rc, 0);
    assert_int_equal(ttb__controller_is_shared(rig->controller), rig_is_shared(rig));
    rig_wait_for(rig, 1);
    rig_run(rig, 1, 2);
}

/* It is blocked, so it has set its capability bit if it ever will, and needs no message. */
static void a_limit_knows_the_mode_before_the_first_message(struct rig *rig)
{
    assert_int_equal(ttb__controller_limit(rig->controller, 5 * S), rig_is_shared(rig) ? 0 : 1);
    if (rig->uml.shm)
        assert_int_equal(fake_uml_peek_u64(&rig->uml, SHM_FREE_UNTIL), 0);
    assert_int_equal(ttb__controller_has_unacknowledged(rig->controller), !rig_is_shared(rig));
}

static void a_participant_passes_no_time_before_its_first_grant(struct rig *rig)
{
    rig->grant_ns = 1;
    assert_true(fake_uml_pass_to(&rig->uml, 1));
    assert_int_equal(rig->uml.waits, 1);
    rig_assert_well(rig);
}

static void broadcasts_go_both_ways(struct rig *rig)
{
    assert_true(fake_uml_req(&rig->uml, TTB__OP_BROADCAST, 0xabcdef0123456789, NULL));
    assert_int_equal(rig->broadcasts, 1);
    assert_true(rig->broadcast == 0xabcdef0123456789);

    rig_wait_for(rig, 50);
    assert_int_equal(ttb__controller_broadcast(rig->controller, UINT64_MAX), 0);
    assert_true(ttb__controller_has_unacknowledged(rig->controller));
    rig_run(rig, 50, 60); /* it reads the broadcast before RUN */
    assert_false(ttb__controller_has_unacknowledged(rig->controller));
    assert_int_equal(rig->uml.broadcasts, 1);
    assert_true(rig->uml.broadcast == UINT64_MAX);
    assert_int_equal(rig->acknowledged, 1);
}

static void a_broadcast_while_it_kicks_is_acknowledged_before_the_reply_can_be(struct rig *rig)
{
    rig_wait_for(rig, 50);
    rig_run(rig, 50, 100);
    assert_int_equal(ttb__controller_broadcast(rig->controller, 5), 0);
    assert_true(fake_uml_kick(&rig->uml) || rig->uml.panic[0]);
    rig_wait_for(rig, 100);
    assert_int_equal(rig->uml.broadcasts, 1);
    assert_false(ttb__controller_has_unacknowledged(rig->controller));
}

static void broadcasts_that_are_never_acknowledged_are_limited(struct rig *rig)
{
    int count = 0, rc;

    rig_wait_for(rig, 50);
    while ((rc = ttb__controller_broadcast(rig->controller, 5)) == 0)
        assert_true(++count < 1000);
    assert_int_equal(rc, -ENOBUFS);
    rig_run(rig, 50, 60); /* a grant still fits */
    assert_int_equal(rig->uml.broadcasts, count);
    assert_int_equal(ttb__controller_broadcast(rig->controller, 5), 0);
}

static void set_time_is_for_waiting_participants_between_their_time_and_their_request(
    struct rig *rig)
{
    assert_int_equal(ttb__controller_set_time(rig->controller, 0), -EINVAL);
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 200);
    assert_int_equal(ttb__controller_set_time(rig->controller, 100), -EINVAL);
    rig_wait_for(rig, 300);
    assert_int_equal(ttb__controller_set_time(rig->controller, 99), -EINVAL);
    assert_int_equal(ttb__controller_set_time(rig->controller, 301), -EINVAL);
    assert_int_equal(ttb__controller_set_time(rig->controller, 200), 0);
    assert_int_equal(ttb__controller_set_time(rig->controller, 200), 0);
    assert_int_equal(ttb__controller_set_time(rig->controller, 300), 0);
    rig_run(rig, 300, 301);
}

static void limit_is_for_running_participants(struct rig *rig)
{
    rig_wait_for(rig, 100);
    assert_int_equal(ttb__controller_limit(rig->controller, 50), -EINVAL);
}

static void times_before_the_participants_start_are_refused(struct rig *rig)
{
    rig_wait_for(rig, 100);
    assert_int_equal(ttb__controller_set_time(rig->controller, 5 * S - 1), -EINVAL);
    assert_int_equal(ttb__controller_run(rig->controller, 5 * S - 1, 9 * S), -EINVAL);
    assert_int_equal(ttb__controller_set_time(rig->controller, 5 * S), 0);
    rig_run(rig, 5 * S + 100, 9 * S);
}

static void a_request_past_the_end_of_the_bridges_time_is_never(struct rig *rig)
{
    /* Origin: 1000 ns before the last possible time. */
    rig_wait_for(rig, 5000);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
    rig_call(rig, UINT64_MAX - 3);
    assert_true(ttb__controller_request_ns(rig->controller) == UINT64_MAX - 3);
    rig_run(rig, UINT64_MAX - 3, UINT64_MAX);
    assert_int_equal(rig->uml.time, 998);
    assert_true(fake_uml_pass_to(&rig->uml, 5000)); /* no bound but the end of its own time */
    rig_wait_for(rig, NEVER);
    assert_true(ttb__controller_request_ns(rig->controller) == TTB__TIME_NEVER);
}

static void bounds_beyond_local_time_end_at_its_end(struct rig *rig)
{
    rig_wait_for(rig, 100);
    rig_run(rig, 100, UINT64_MAX - 1);
    assert_true(fake_uml_pass_to(&rig->uml, NEVER - 1));
    assert_int_equal(rig->uml.waits, 1);
}

static void freeing_makes_no_callback(struct rig *rig)
{
    rig_wait_for(rig, 100);
    ttb__controller_free(rig->controller);
    rig->controller = NULL;
    rig_turn(rig);
    assert_int_equal(rig->closed, 0);
    assert_false(fake_uml_end_wait(&rig->uml));
    assert_string_equal(rig->uml.panic, "time-travel external link is broken");
}

/* Until a kernel has taken the segment it could be any kernel. */
static void the_segment_is_private_to_its_controller(struct rig *rig)
{
    if (!rig->uml.shm)
        return;
    assert_int_equal(fake_uml_peek_u32(&rig->uml, SHM_VERSION), 2);
    if (rig->flavour == FLAVOUR_NOTIFY)
        assert_true(fake_uml_peek_u32(&rig->uml, SHM_LEN) > SHM_NOTIFY + NOTIFY_BYTES);
    else
        assert_int_equal(fake_uml_peek_u32(&rig->uml, SHM_LEN), 4096 + 128);
    assert_int_equal(fake_uml_peek_u64(&rig->uml, SHM_CURRENT_TIME), 0);
    assert_int_equal(fake_uml_peek_u64(&rig->uml, SHM_FREE_UNTIL), 1);
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 300);
    assert_int_equal(fake_uml_peek_u64(&rig->uml, SHM_CURRENT_TIME), 100);
    assert_int_equal(fake_uml_peek_u64(&rig->uml, SHM_FREE_UNTIL), 300);
    assert_int_equal(fake_uml_peek_u32(&rig->uml, SHM_FLAGS), 0);
}

/* ------------------------------------------------------------------------- of messages alone */

static void say(struct rig *rig, uint32_t op, uint32_t seq, uint64_t time)
{
    struct ttb__message message = {op, seq, time};

    assert_int_equal(send(rig->uml.fd, &message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
    rig_turn(rig);
}

static struct ttb__message hear(struct rig *rig)
{
    struct ttb__message message;

    assert_int_equal(recv(rig->uml.fd, &message, sizeof(message), MSG_DONTWAIT), sizeof(message));
    return message;
}

static void open_waiting(struct rig *rig, uint64_t request)
{
    rig_open_booted(rig, FLAVOUR_MESSAGES, 0);
    rig_wait_for(rig, request);
}

static void a_request_that_crosses_the_grant_is_no_request_in_the_past(void **state)
{
    struct rig rig;

    (void)state;
    open_waiting(&rig, 100);
    assert_int_equal(ttb__controller_run(rig.controller, 100, 200), 0);
    /* Made at time 0, before it has seen the grant for 100. */
    say(&rig, TTB__OP_REQUEST, 50, 60);
    assert_int_equal(rig.closed, 0);
    assert_int_equal(rig.requests, 0);
    assert_int_equal(hear(&rig).op, TTB__OP_FREE_UNTIL);
    assert_int_equal(hear(&rig).op, TTB__OP_RUN);
    assert_int_equal(hear(&rig).seq, 50);
    say(&rig, TTB__OP_ACK, 0, 0);
    say(&rig, TTB__OP_ACK, 1, 0);
    say(&rig, TTB__OP_WAIT, 51, 0);
    /* Its time has passed: now is the earliest. */
    assert_int_equal(ttb__controller_request_ns(rig.controller), 100);
    rig_close(&rig);
}

static void acks_are_told_by_their_sequence_numbers_not_their_order(void **state)
{
    struct rig rig;

    (void)state;
    open_waiting(&rig, 100);
    assert_int_equal(ttb__controller_run(rig.controller, 100, 200), 0);
    say(&rig, TTB__OP_ACK, 1, 0);
    assert_int_equal(rig.acknowledged, 0);
    say(&rig, TTB__OP_ACK, 0, 0);
    assert_int_equal(rig.acknowledged, 1);
    /* Each answers once. */
    say(&rig, TTB__OP_ACK, 0, 0);
    assert_string_equal(rig.closed_why, "a: ACK has sequence number 0, which no message waits for");
    rig_close(&rig);
}

static void bound_and_grant_leave_together(void **state)
{
    struct rig rig;
    struct ttb__message messages[4];

    (void)state;
    open_waiting(&rig, 100);
    assert_int_equal(ttb__controller_run(rig.controller, 100, 200), 0);
    assert_int_equal(recv(rig.uml.fd, messages, sizeof(messages), MSG_DONTWAIT), 32);
    assert_int_equal(messages[0].op, TTB__OP_FREE_UNTIL);
    assert_int_equal(messages[0].time, 200);
    assert_int_equal(messages[1].op, TTB__OP_RUN);
    assert_int_equal(messages[1].time, 100);
    assert_int_equal(messages[1].seq, messages[0].seq + 1);
    rig_close(&rig);
}

static void get_is_answered_within_what_the_participant_can_bear(void **state)
{
    struct rig rig;

    (void)state;
    open_waiting(&rig, 100);
    rig_run(&rig, 100, 200);
    rig_wait_for(&rig, 300);
    rig.now_ns = 50; /* before its time */
    say(&rig, TTB__OP_GET, 70, 0);
    assert_int_equal(hear(&rig).time, 100);
    rig.now_ns = 250;
    say(&rig, TTB__OP_GET, 71, 0);
    assert_int_equal(hear(&rig).time, 250);
    rig.now_ns = 400; /* after its request */
    say(&rig, TTB__OP_GET, 72, 0);
    assert_int_equal(hear(&rig).time, 300);
    rig_close(&rig);

    rig_open_booted(&rig, FLAVOUR_MESSAGES, 0);
    rig_wait_for(&rig, NEVER);
    rig.now_ns = TTB__TIME_NEVER;
    say(&rig, TTB__OP_GET, 73, 0);
    assert_true(hear(&rig).time == NEVER - 1);
    rig_close(&rig);
}

static void bounds_that_are_never_acknowledged_are_limited(void **state)
{
    struct rig rig;
    uint64_t bound_ns = 1000;
    int rc;

    (void)state;
    open_waiting(&rig, 100);
    rig_run(&rig, 100, 1000);
    while ((rc = ttb__controller_limit(rig.controller, --bound_ns)) == 1)
        assert_true(bound_ns > 800);
    assert_int_equal(rc, -ENOBUFS);
    rig_close(&rig);
}

/* -------------------------------------------------------------------------------- ownership */

static void count_one(void *user)
{
    ++*(unsigned *)user;
}

static void count_end(void *user, int err, const char *why)
{
    (void)err;
    assert_string_equal(why, "node b: unknown operation 99 (sequence number 9, time 0)");
    ++*(unsigned *)user;
}

static void an_adopted_controller_has_another_name_and_owner(void **state)
{
    static const struct ttb__controller_ops other_ops = {.waiting = count_one, .closed = count_end};
    struct rig rig;
    unsigned calls = 0;

    (void)state;
    rig_open(&rig, FLAVOUR_MESSAGES, TTB__CONTROLLER_AUTO);
    assert_int_equal(ttb__controller_adopt(rig.controller, "node b", TTB__CONTROLLER_MESSAGES,
                                           &other_ops, &calls),
                     -EINVAL);
    fake_uml_send_start(&rig.uml, 3);
    rig_turn(&rig);
    assert_int_equal(ttb__controller_adopt(rig.controller, "node b", TTB__CONTROLLER_MESSAGES,
                                           &other_ops, &calls),
                     0);
    assert_int_equal(ttb__controller_start(rig.controller, 0), 0);
    fake_uml_finish_start(&rig.uml);
    assert_null(rig.uml.shm); /* the mode is the new one */
    fake_uml_begin_wait(&rig.uml);
    rig_turn(&rig);
    assert_int_equal(calls, 1);
    assert_int_equal(rig.waiting, 0);
    say(&rig, 99, 9, 0);
    assert_int_equal(calls, 2);
    rig_close(&rig);
}

struct self_freeing {
    struct ttb__controller *controller;
    unsigned closed;
};

static void free_it(void *user, int err, const char *why)
{
    struct self_freeing *owner = user;

    (void)err;
    (void)why;
    owner->closed++;
    ttb__controller_free(owner->controller);
    owner->controller = NULL;
}

static void a_controller_may_be_freed_when_it_is_closed(void **state)
{
    static const struct ttb__controller_ops ops = {.closed = free_it};
    struct self_freeing owner = {0};
    struct ttb_loop loop;
    int fds[2];

    (void)state;
    assert_int_equal(ttb_loop_open_epoll(&loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(ttb__controller_new(&loop, fds[0], "x", TTB__CONTROLLER_AUTO, &ops, &owner,
                                         &owner.controller),
                     0);
    close(fds[1]);
    assert_int_equal(loop.ops->turn(loop.impl, -1), 1);
    assert_int_equal(owner.closed, 1);
    ttb_loop_close(&loop);
}

static void freeing_nothing_is_allowed(void **state)
{
    (void)state;
    ttb__controller_free(NULL);
}

static void a_descriptor_that_is_no_good_is_an_error(void **state)
{
    static const struct ttb__controller_ops ops = {.closed = free_it};
    struct ttb__controller *controller = NULL;
    struct ttb_loop loop;

    (void)state;
    assert_int_equal(ttb_loop_open_epoll(&loop), 0);
    assert_int_equal(
        ttb__controller_new(&loop, -1, "x", TTB__CONTROLLER_AUTO, &ops, NULL, &controller), -EBADF);
    assert_null(controller);
    ttb_loop_close(&loop);
}

#define EACH(name)     \
    {                  \
#name, name, 0 \
    }
#define EACH_AT(name, origin) \
    {                         \
#name, name, origin   \
    }

int main(void)
{
    static const struct rig_test in_every_flavour[] = {
        EACH(states_follow_the_participants_life),
        EACH(start_is_acknowledged_once),
        EACH(a_running_participant_has_no_request),
        EACH(time_is_known_from_grants_kicks_and_interrupts),
        EACH(a_kick_at_time_zero_can_be_limited),
        EACH_AT(a_limit_knows_the_mode_before_the_first_message, 5 * S),
        EACH(a_participant_passes_no_time_before_its_first_grant),
        EACH(broadcasts_go_both_ways),
        EACH(a_broadcast_while_it_kicks_is_acknowledged_before_the_reply_can_be),
        EACH(broadcasts_that_are_never_acknowledged_are_limited),
        EACH(set_time_is_for_waiting_participants_between_their_time_and_their_request),
        EACH(limit_is_for_running_participants),
        EACH_AT(times_before_the_participants_start_are_refused, 5 * S),
        EACH_AT(a_request_past_the_end_of_the_bridges_time_is_never, UINT64_MAX - 1001),
        EACH(bounds_beyond_local_time_end_at_its_end),
        EACH(freeing_makes_no_callback),
        EACH(the_segment_is_private_to_its_controller),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_crosses_the_grant_is_no_request_in_the_past),
        cmocka_unit_test(acks_are_told_by_their_sequence_numbers_not_their_order),
        cmocka_unit_test(bound_and_grant_leave_together),
        cmocka_unit_test(get_is_answered_within_what_the_participant_can_bear),
        cmocka_unit_test(bounds_that_are_never_acknowledged_are_limited),
        cmocka_unit_test(an_adopted_controller_has_another_name_and_owner),
        cmocka_unit_test(a_controller_may_be_freed_when_it_is_closed),
        cmocka_unit_test(freeing_nothing_is_allowed),
        cmocka_unit_test(a_descriptor_that_is_no_good_is_an_error),
    };

    return rig_run_tests("controller", in_every_flavour,
                         sizeof(in_every_flavour) / sizeof(in_every_flavour[0])) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
