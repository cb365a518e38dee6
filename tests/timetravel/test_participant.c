/* SPDX-License-Identifier: BSD-3-Clause */
/* The participant against a calendar that is a script: what it makes of each message, lawful or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ttbridge/participant.h>

#include "base/socket.h"
#include "timetravel/wire.h"

/* What the calendar says lies in the socket before the participant asks, so nothing blocks. The
 * participant's messages are numbered from 1. */
struct script {
    struct ttb_participant *me;
    int fd;
};

static void say(struct script *script, uint32_t op, uint32_t seq, uint64_t time)
{
    struct ttb__message message = {op, seq, time};

    assert_int_equal(send(script->fd, &message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
}

static void assert_hear(struct script *script, uint32_t op, uint32_t seq, uint64_t time)
{
    struct ttb__message message;

    assert_int_equal(recv(script->fd, &message, sizeof(message), MSG_DONTWAIT), sizeof(message));
    assert_int_equal(message.op, op);
    assert_int_equal(message.seq, seq);
    assert_true(message.time == time);
}

static void assert_silence(struct script *script)
{
    char byte;

    assert_int_equal(recv(script->fd, &byte, 1, MSG_DONTWAIT), -1);
}

static int begin(void **state)
{
    static struct script script;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    script = (struct script){.fd = fds[0]};
    say(&script, TTB__OP_ACK, 1, 0);
    assert_int_equal(ttb_participant_attach(fds[1], 42, &script.me), 0);
    assert_hear(&script, TTB__OP_START, 1, 42);
    *state = &script;
    return 0;
}

static int end(void **state)
{
    struct script *script = *state;

    ttb_participant_free(script->me);
    close(script->fd);
    return 0;
}

/* REQUEST (2), WAIT (3), and a grant. */
static void come_to(struct script *script, uint64_t time_ns, uint64_t free_until_ns)
{
    say(script, TTB__OP_ACK, 2, 0);
    say(script, TTB__OP_ACK, 3, 0);
    say(script, TTB__OP_FREE_UNTIL, 90, free_until_ns);
    say(script, TTB__OP_RUN, 91, time_ns);
    assert_int_equal(ttb_participant_run_to(script->me, time_ns), 0);
    assert_hear(script, TTB__OP_REQUEST, 2, time_ns);
    assert_hear(script, TTB__OP_WAIT, 3, UINT64_MAX);
    assert_hear(script, TTB__OP_ACK, 90, 0);
    assert_hear(script, TTB__OP_ACK, 91, 0);
    assert_silence(script);
}

static void a_participant_starts_at_zero_and_may_not_pass_time(void **state)
{
    struct script *script = *state;

    assert_int_equal(ttb_participant_now_ns(script->me), 0);
    assert_int_equal(ttb_participant_free_until_ns(script->me), 0);
    assert_int_equal(ttb_participant_run_to(script->me, 0), 0);
    assert_silence(script);
}

static void it_asks_waits_and_runs(void **state)
{
    struct script *script = *state;

    come_to(script, 100, 200);
    assert_int_equal(ttb_participant_now_ns(script->me), 100);
    assert_int_equal(ttb_participant_free_until_ns(script->me), 200);
}

static void before_its_bound_it_passes_time_without_asking(void **state)
{
    struct script *script = *state;

    come_to(script, 100, 200);
    assert_int_equal(ttb_participant_run_to(script->me, 199), 0);
    assert_int_equal(ttb_participant_now_ns(script->me), 199);
    assert_silence(script);
    /* The bound itself is not before it. */
    say(script, TTB__OP_ACK, 4, 0);
    say(script, TTB__OP_ACK, 5, 0);
    say(script, TTB__OP_RUN, 92, 200);
    assert_int_equal(ttb_participant_run_to(script->me, 200), 0);
    assert_hear(script, TTB__OP_REQUEST, 4, 200);
    /* The wait has ended the old bound, and no new one has come. */
    assert_int_equal(ttb_participant_free_until_ns(script->me), 200);
}

static void waiting_ends_the_bound_and_the_request(void **state)
{
    struct script *script = *state;
    uint64_t now_ns = 0;

    come_to(script, 100, 500);
    say(script, TTB__OP_ACK, 4, 0);
    say(script, TTB__OP_ACK, 5, 0);
    say(script, TTB__OP_RUN, 92, 150);
    assert_int_equal(ttb_participant_request(script->me, 150), 0);
    assert_int_equal(ttb_participant_wait(script->me, &now_ns), 0);
    assert_int_equal(ttb_participant_free_until_ns(script->me), 150);
    /* To wait without a request is to wait for whatever comes. */
    say(script, TTB__OP_ACK, 6, 0);
    say(script, TTB__OP_RUN, 93, 7000);
    assert_int_equal(ttb_participant_wait(script->me, &now_ns), 0);
    assert_int_equal(now_ns, 7000);
}

static void time_does_not_go_backwards_by_our_own_wish(void **state)
{
    struct script *script = *state;

    come_to(script, 100, 200);
    assert_int_equal(ttb_participant_run_to(script->me, 99), -EINVAL);
    assert_int_equal(ttb_participant_request(script->me, 99), -EINVAL);
    assert_int_equal(ttb_participant_run_to(script->me, INT64_MAX), -EINVAL);
    assert_silence(script);
}

static void requests_beyond_local_time_are_for_its_end(void **state)
{
    struct script *script = *state;

    say(script, TTB__OP_ACK, 2, 0);
    assert_int_equal(ttb_participant_request(script->me, UINT64_MAX), 0);
    assert_hear(script, TTB__OP_REQUEST, 2, INT64_MAX);
}

static void an_update_is_sent_only_when_time_has_passed(void **state)
{
    struct script *script = *state;

    assert_int_equal(ttb_participant_update(script->me), 0);
    come_to(script, 100, 200);
    assert_int_equal(ttb_participant_update(script->me), 0);
    assert_silence(script);
    assert_int_equal(ttb_participant_run_to(script->me, 150), 0);
    say(script, TTB__OP_ACK, 4, 0);
    assert_int_equal(ttb_participant_update(script->me), 0);
    assert_hear(script, TTB__OP_UPDATE, 4, 150);
    assert_int_equal(ttb_participant_update(script->me), 0);
    assert_silence(script);
}

static void get_tells_our_time_first_and_takes_the_calendars(void **state)
{
    struct script *script = *state;
    uint64_t now_ns = 0;

    come_to(script, 100, 200);
    assert_int_equal(ttb_participant_run_to(script->me, 150), 0);
    say(script, TTB__OP_ACK, 4, 0);
    say(script, TTB__OP_ACK, 5, 160);
    assert_int_equal(ttb_participant_get(script->me, &now_ns), 0);
    assert_hear(script, TTB__OP_UPDATE, 4, 150);
    assert_hear(script, TTB__OP_GET, 5, UINT64_MAX);
    assert_int_equal(now_ns, 160);
    assert_int_equal(ttb_participant_now_ns(script->me), 160);
}

static void time_of_day_is_not_translated(void **state)
{
    struct script *script = *state;
    uint64_t time_ns = 0;

    say(script, TTB__OP_ACK, 2, 1700000000000000000);
    assert_int_equal(ttb_participant_time_of_day(script->me, &time_ns), 0);
    assert_hear(script, TTB__OP_GET_TOD, 2, UINT64_MAX);
    assert_true(time_ns == 1700000000000000000);
    assert_int_equal(ttb_participant_now_ns(script->me), 0);
}

static void count_broadcast(void *user, uint64_t value)
{
    *(uint64_t *)user += value;
}

static void messages_while_an_ack_is_awaited_are_handled(void **state)
{
    struct script *script = *state;
    uint64_t sum = 0, time_ns;

    ttb_participant_on_broadcast(script->me, count_broadcast, &sum);
    say(script, TTB__OP_FREE_UNTIL, 90, 500);
    say(script, TTB__OP_BROADCAST, 91, 7);
    say(script, TTB__OP_ACK, 2, 0);
    assert_int_equal(ttb_participant_time_of_day(script->me, &time_ns), 0);
    assert_int_equal(sum, 7);
    assert_int_equal(ttb_participant_free_until_ns(script->me), 500);
    assert_hear(script, TTB__OP_GET_TOD, 2, UINT64_MAX);
    assert_hear(script, TTB__OP_ACK, 90, 0);
    assert_hear(script, TTB__OP_ACK, 91, 0);
}

static void it_may_serve_others_while_it_waits(void **state)
{
    struct script *script = *state;
    uint64_t now_ns = 0;

    say(script, TTB__OP_ACK, 2, 0);
    assert_int_equal(ttb_participant_request(script->me, 100), 0);
    say(script, TTB__OP_ACK, 3, 0);
    assert_int_equal(ttb_participant_begin_wait(script->me), 0);
    assert_int_equal(ttb_participant_begin_wait(script->me), 0);
    assert_int_equal(ttb_participant_try_wait(script->me, &now_ns), -EAGAIN);
    /* Something has happened: what time is it? Now, please. */
    say(script, TTB__OP_ACK, 4, 40);
    assert_int_equal(ttb_participant_get(script->me, &now_ns), 0);
    say(script, TTB__OP_ACK, 5, 0);
    assert_int_equal(ttb_participant_request(script->me, 40), 0);
    assert_int_equal(ttb_participant_try_wait(script->me, &now_ns), -EAGAIN);
    say(script, TTB__OP_RUN, 90, 40);
    assert_int_equal(ttb_participant_try_wait(script->me, &now_ns), 0);
    assert_int_equal(now_ns, 40);
    assert_hear(script, TTB__OP_REQUEST, 2, 100);
    assert_hear(script, TTB__OP_WAIT, 3, UINT64_MAX);
    assert_hear(script, TTB__OP_GET, 4, UINT64_MAX);
    assert_hear(script, TTB__OP_REQUEST, 5, 40);
    assert_hear(script, TTB__OP_ACK, 90, 0);
    assert_silence(script);
}

/* Where UML would hang. */
static void a_grant_that_crosses_another_message_is_not_lost(void **state)
{
    struct script *script = *state;
    uint64_t now_ns = 0;

    say(script, TTB__OP_ACK, 2, 0);
    assert_int_equal(ttb_participant_request(script->me, 100), 0);
    say(script, TTB__OP_ACK, 3, 0);
    assert_int_equal(ttb_participant_begin_wait(script->me), 0);
    say(script, TTB__OP_RUN, 90, 100);
    say(script, TTB__OP_ACK, 4, 0);
    assert_int_equal(ttb_participant_request(script->me, 60), 0);
    assert_int_equal(ttb_participant_wait(script->me, &now_ns), 0);
    assert_int_equal(now_ns, 100);
}

static void the_segment_is_declined_and_its_descriptors_closed(void **state)
{
    struct script *script = *state;
    struct ttb__message message = {TTB__OP_ACK, 2, 0};
    int fds[2] = {script->fd, script->fd}, before = dup(script->fd), after;

    close(before);
    assert_int_equal(ttb__socket_send(script->fd, &message, sizeof(message), fds, 2, 0), 0);
    assert_int_equal(ttb_participant_request(script->me, 5), 0);
    after = dup(script->fd);
    close(after);
    assert_int_equal(after, before);
}

static void a_message_that_comes_in_pieces_is_whole(void **state)
{
    struct script *script = *state;
    struct ttb__message messages[2] = {{TTB__OP_ACK, 2, 0}, {TTB__OP_ACK, 3, 0}};

    assert_int_equal(send(script->fd, messages, 21, 0), 21);
    assert_int_equal(ttb_participant_request(script->me, 5), 0);
    assert_int_equal(send(script->fd, (char *)messages + 21, 11, 0), 11);
    assert_int_equal(ttb_participant_request(script->me, 6), 0);
}

/* A calendar that breaks the protocol. */
static void assert_broken(struct script *script, int rc, int expected)
{
    uint64_t ignored;

    assert_int_equal(rc, expected);
    /* And it stays broken, without another message. */
    assert_int_equal(ttb_participant_get(script->me, &ignored), expected);
    assert_int_equal(ttb_participant_wait(script->me, &ignored), expected);
    assert_int_equal(ttb_participant_update(script->me), expected);
    assert_int_equal(ttb_participant_run_to(script->me, 5000), expected);
}

static void an_ack_with_another_number_breaks(void **state)
{
    struct script *script = *state;

    say(script, TTB__OP_ACK, 7, 0);
    assert_broken(script, ttb_participant_request(script->me, 5), -EPROTO);
}

static void a_run_that_nobody_waits_for_breaks(void **state)
{
    struct script *script = *state;

    say(script, TTB__OP_RUN, 7, 0);
    say(script, TTB__OP_ACK, 2, 0);
    assert_broken(script, ttb_participant_request(script->me, 5), -EPROTO);
}

static void a_run_after_the_request_breaks(void **state)
{
    struct script *script = *state;

    say(script, TTB__OP_ACK, 2, 0);
    say(script, TTB__OP_ACK, 3, 0);
    say(script, TTB__OP_RUN, 7, 101);
    assert_broken(script, ttb_participant_run_to(script->me, 100), -EPROTO);
}

static void a_run_in_the_past_breaks(void **state)
{
    struct script *script = *state;

    come_to(script, 100, 101);
    say(script, TTB__OP_ACK, 4, 0);
    say(script, TTB__OP_ACK, 5, 0);
    say(script, TTB__OP_RUN, 7, 99);
    assert_broken(script, ttb_participant_run_to(script->me, 300), -EPROTO);
}

static void a_run_at_the_end_of_time_breaks(void **state)
{
    struct script *script = *state;
    uint64_t now_ns;

    say(script, TTB__OP_ACK, 2, 0);
    say(script, TTB__OP_RUN, 7, INT64_MAX);
    assert_broken(script, ttb_participant_wait(script->me, &now_ns), -EPROTO);
}

static void a_get_that_goes_backwards_breaks(void **state)
{
    struct script *script = *state;
    uint64_t now_ns;

    come_to(script, 100, 200);
    say(script, TTB__OP_ACK, 4, 99);
    assert_broken(script, ttb_participant_get(script->me, &now_ns), -EPROTO);
}

static void an_operation_that_no_calendar_sends_breaks(void **state)
{
    struct script *script = *state;

    say(script, TTB__OP_UPDATE, 7, 3);
    assert_broken(script, ttb_participant_request(script->me, 5), -EPROTO);
}

static void a_calendar_that_goes_away_is_a_reset(void **state)
{
    struct script *script = *state;

    shutdown(script->fd, SHUT_RDWR);
    assert_broken(script, ttb_participant_request(script->me, 5), -ECONNRESET);
}

static void a_calendar_that_goes_away_during_start_is_a_reset(void **state)
{
    struct ttb_participant *me = NULL;
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    shutdown(fds[0], SHUT_WR);
    assert_int_equal(ttb_participant_attach(fds[1], 1, &me), -ECONNRESET);
    assert_null(me);
    close(fds[0]);
    assert_int_equal(ttb_participant_connect("/nonexistent/socket", 1, &me), -ENOENT);
    ttb_participant_free(NULL);
}

#define SCRIPTED(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPTED(a_participant_starts_at_zero_and_may_not_pass_time),
        SCRIPTED(it_asks_waits_and_runs),
        SCRIPTED(before_its_bound_it_passes_time_without_asking),
        SCRIPTED(waiting_ends_the_bound_and_the_request),
        SCRIPTED(time_does_not_go_backwards_by_our_own_wish),
        SCRIPTED(requests_beyond_local_time_are_for_its_end),
        SCRIPTED(an_update_is_sent_only_when_time_has_passed),
        SCRIPTED(get_tells_our_time_first_and_takes_the_calendars),
        SCRIPTED(time_of_day_is_not_translated),
        SCRIPTED(messages_while_an_ack_is_awaited_are_handled),
        SCRIPTED(it_may_serve_others_while_it_waits),
        SCRIPTED(a_grant_that_crosses_another_message_is_not_lost),
        SCRIPTED(the_segment_is_declined_and_its_descriptors_closed),
        SCRIPTED(a_message_that_comes_in_pieces_is_whole),
        SCRIPTED(an_ack_with_another_number_breaks),
        SCRIPTED(a_run_that_nobody_waits_for_breaks),
        SCRIPTED(a_run_after_the_request_breaks),
        SCRIPTED(a_run_in_the_past_breaks),
        SCRIPTED(a_run_at_the_end_of_time_breaks),
        SCRIPTED(a_get_that_goes_backwards_breaks),
        SCRIPTED(an_operation_that_no_calendar_sends_breaks),
        SCRIPTED(a_calendar_that_goes_away_is_a_reset),
        cmocka_unit_test(a_calendar_that_goes_away_during_start_is_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
