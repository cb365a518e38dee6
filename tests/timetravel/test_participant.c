/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The participant: against a calendar that is a script (what it makes of each message, lawful or
 * not), and, one thread each, against controllers and a calendar of ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ttbridge/participant.h>

#include "base/socket.h"
#include "calendar/calendar.h"
#include "timetravel/controller.h"
#include "timetravel/wire.h"

/* ------------------------------------------------------------------- a calendar that is a script */

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

/* ------------------------------------------------------- against controllers and a calendar of ours */

#define MEMBERS_MAX 3
#define LOG_BYTES   1024

struct bench;

struct member {
    struct ttb__calendar_entry entry;
    struct bench *bench;
    struct ttb__controller *controller;
    uint32_t id;
    bool is_over;
    unsigned grants;
    int err;
    /* The participant's side, in a thread of its own. */
    pthread_t thread;
    int fd;
    char name;
    void (*life)(struct member *, struct ttb_participant *);
    uint64_t period_ns, end_ns, join_ns;
};

/* Members never run at the same time, but in different threads: the mutex orders their memory. */
struct bench {
    struct ttb_loop loop;
    struct ttb__calendar calendar;
    struct member members[MEMBERS_MAX];
    size_t member_count, started;
    uint64_t now_ns, time_of_day_ns;
    pthread_mutex_t mutex;
    sem_t happens, is_served;
    char log[LOG_BYTES];
};

static void note(struct member *member, uint64_t local_ns)
{
    struct bench *bench = member->bench;
    size_t len_bytes;

    pthread_mutex_lock(&bench->mutex);
    len_bytes = strlen(bench->log);
    snprintf(bench->log + len_bytes, sizeof(bench->log) - len_bytes, "%c%llu ", member->name,
             (unsigned long long)local_ns);
    pthread_mutex_unlock(&bench->mutex);
}

static void on_started(void *user, uint64_t id)
{
    struct member *member = user;
    struct bench *bench = member->bench;

    assert_int_equal(id, member->id);
    bench->started++;
    assert_int_equal(ttb__calendar_insert(&bench->calendar, &member->entry, member->join_ns,
                                          TTB__CLASS_NODE, member->id),
                     0);
}

static void on_waiting(void *user)
{
    struct member *member = user;
    struct bench *bench = member->bench;

    assert_int_equal(ttb__calendar_insert(&bench->calendar, &member->entry,
                                          ttb__controller_request_ns(member->controller),
                                          TTB__CLASS_NODE, member->id),
                     0);
}

static void on_request(void *user)
{
    struct member *member = user;

    ttb__calendar_move(&member->bench->calendar, &member->entry,
                       ttb__controller_request_ns(member->controller));
}

static void on_broadcast(void *user, uint64_t value)
{
    struct bench *bench = ((struct member *)user)->bench;

    for (size_t i = 0; i < bench->member_count; i++) {
        struct member *member = &bench->members[i];

        if (member != user && !member->is_over)
            ttb__controller_broadcast(member->controller, value);
    }
}

static uint64_t on_now(void *user)
{
    return ((struct member *)user)->bench->now_ns;
}

static uint64_t on_time_of_day(void *user)
{
    struct bench *bench = ((struct member *)user)->bench;

    return bench->time_of_day_ns + bench->now_ns;
}

static void on_closed(void *user, int err, const char *why)
{
    struct member *member = user;

    (void)why;
    member->is_over = true;
    member->err = err;
    ttb__calendar_remove(&member->bench->calendar, &member->entry);
}

static const struct ttb__controller_ops ops = {
    .started = on_started,
    .waiting = on_waiting,
    .request = on_request,
    .broadcast = on_broadcast,
    .now_ns = on_now,
    .time_of_day_ns = on_time_of_day,
    .closed = on_closed,
};

static void *live(void *user)
{
    struct member *member = user;
    struct ttb_participant *me;

    if (ttb_participant_attach(member->fd, member->id, &me) == 0) {
        member->life(member, me);
        ttb_participant_free(me);
    }
    return NULL;
}

static void add_member(struct bench *bench, char name,
                       void (*life)(struct member *, struct ttb_participant *), uint64_t period_ns,
                       uint64_t end_ns, uint64_t join_ns)
{
    struct member *member = &bench->members[bench->member_count];
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *member = (struct member){.bench = bench,
                              .id = (uint32_t)bench->member_count++,
                              .fd = fds[1],
                              .name = name,
                              .life = life,
                              .period_ns = period_ns,
                              .end_ns = end_ns,
                              .join_ns = join_ns};
    assert_int_equal(ttb__controller_new(&bench->loop, fds[0], (char[]){name, 0},
                                         TTB__CONTROLLER_AUTO, &ops, member, &member->controller),
                     0);
}

static bool somebody_runs(const struct bench *bench)
{
    for (size_t i = 0; i < bench->member_count; i++) {
        const struct member *member = &bench->members[i];

        if (!member->is_over && !ttb__calendar_holds(&member->entry))
            return true;
    }
    return false;
}

static void grant(struct bench *bench, struct member *member)
{
    uint64_t time_ns = member->entry.key.time_ns, bound_ns = TTB__TIME_NEVER;
    struct ttb__calendar_entry *other;

    ttb__calendar_remove(&bench->calendar, &member->entry);
    other = ttb__calendar_first(&bench->calendar);
    if (other)
        bound_ns = other->key.time_ns > time_ns ? other->key.time_ns : time_ns + 1;
    bench->now_ns = time_ns;
    member->grants++;
    if (ttb__controller_get_state(member->controller) == TTB__CONTROLLER_STARTED)
        assert_int_equal(ttb__controller_start(member->controller, time_ns), 0);
    else
        assert_int_equal(ttb__controller_run(member->controller, time_ns, bound_ns), 0);
}

/* A calendar in a dozen lines: the earliest runs, until the next one's time. */
static void run_bench(struct bench *bench)
{
    for (size_t i = 0; i < bench->member_count; i++)
        assert_int_equal(pthread_create(&bench->members[i].thread, NULL, live, &bench->members[i]),
                         0);
    for (;;) {
        struct ttb__calendar_entry *first;

        while (somebody_runs(bench))
            assert_true(bench->loop.ops->turn(bench->loop.impl, 10000) > 0);
        first = ttb__calendar_first(&bench->calendar);
        if (!first || first->key.time_ns == TTB__TIME_NEVER)
            break;
        grant(bench, (struct member *)first);
    }
    for (size_t i = 0; i < bench->member_count; i++) {
        ttb__controller_free(bench->members[i].controller);
        pthread_join(bench->members[i].thread, NULL);
    }
    ttb__calendar_clear(&bench->calendar);
    ttb_loop_close(&bench->loop);
    pthread_mutex_destroy(&bench->mutex);
    sem_destroy(&bench->happens);
    sem_destroy(&bench->is_served);
}

static void open_bench(struct bench *bench)
{
    *bench = (struct bench){.time_of_day_ns = 5000000};
    assert_int_equal(pthread_mutex_init(&bench->mutex, NULL), 0);
    assert_int_equal(sem_init(&bench->happens, 0, 0), 0);
    assert_int_equal(sem_init(&bench->is_served, 0, 0), 0);
    assert_int_equal(ttb_loop_open_epoll(&bench->loop), 0);
}

static void tick(struct member *member, struct ttb_participant *me)
{
    for (uint64_t t = 0; t <= member->end_ns; t += member->period_ns) {
        if (ttb_participant_run_to(me, t))
            return;
        note(member, ttb_participant_now_ns(me));
    }
}

static void two_participants_run_in_the_order_of_the_calendar(void **state)
{
    struct bench bench;

    (void)state;
    /* Twenty times, since a race would not show every time. */
    for (int i = 0; i < 20; i++) {
        open_bench(&bench);
        add_member(&bench, 'a', tick, 10, 60, 0);
        add_member(&bench, 'b', tick, 15, 60, 0);
        run_bench(&bench);
        assert_string_equal(bench.log, "a0 b0 a10 b15 a20 a30 b30 a40 b45 a50 a60 b60 ");
        assert_int_equal(bench.members[0].err, 0);
        assert_int_equal(bench.members[1].err, 0);
    }
}

static void a_participant_alone_is_granted_only_once(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    add_member(&bench, 'a', tick, 1, 100, 0);
    run_bench(&bench);
    assert_int_equal(bench.members[0].grants, 2); /* START and RUN */
    assert_non_null(strstr(bench.log, "a99 a100 "));
}

static void a_late_joiner_counts_from_its_own_zero(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    add_member(&bench, 'a', tick, 10, 50, 0);
    add_member(&bench, 'b', tick, 10, 30, 25);
    run_bench(&bench);
    assert_string_equal(bench.log, "a0 a10 a20 b0 a30 b10 a40 b20 a50 b30 ");
}

static void look_at_clocks(struct member *member, struct ttb_participant *me)
{
    uint64_t now_ns = 0, time_of_day_ns = 0;

    if (ttb_participant_run_to(me, 30) || ttb_participant_get(me, &now_ns) ||
        ttb_participant_time_of_day(me, &time_of_day_ns))
        return;
    note(member, now_ns);
    note(member, time_of_day_ns);
    /* Time that we have passed freely is told before we ask. */
    if (ttb_participant_run_to(me, 35) || ttb_participant_get(me, &now_ns) ||
        ttb_participant_update(me))
        return;
    note(member, now_ns);
}

static void clocks_are_translated_and_time_of_day_is_not(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    add_member(&bench, 'a', look_at_clocks, 0, 0, 1000);
    run_bench(&bench);
    assert_string_equal(bench.log, "a30 a5001030 a35 ");
    assert_int_equal(bench.members[0].err, 0);
}

static void call_out(struct member *member, struct ttb_participant *me)
{
    if (ttb_participant_run_to(me, 10) || ttb_participant_broadcast(me, 77))
        return;
    note(member, ttb_participant_now_ns(me));
}

static void hear_it(void *user, uint64_t value)
{
    note(user, value);
}

static void listen_out(struct member *member, struct ttb_participant *me)
{
    ttb_participant_on_broadcast(me, hear_it, member);
    if (ttb_participant_run_to(me, 20))
        return;
    note(member, ttb_participant_now_ns(me));
}

static void a_broadcast_reaches_the_others(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    add_member(&bench, 'a', call_out, 0, 0, 0);
    add_member(&bench, 'b', listen_out, 0, 0, 0);
    add_member(&bench, 'c', listen_out, 0, 0, 0);
    run_bench(&bench);
    /* Each hears it before it runs again; b and c both wait, and may hear it in either order. */
    assert_non_null(strstr(bench.log, "a10 "));
    assert_non_null(strstr(bench.log, "b77 "));
    assert_non_null(strstr(bench.log, "c77 "));
    assert_true(strstr(bench.log, "b77 ") < strstr(bench.log, "b20 "));
    assert_true(strstr(bench.log, "c77 ") < strstr(bench.log, "c20 "));
    assert_true(strstr(bench.log, "b20 ") < strstr(bench.log, "c20 "));
}

/* Something outside of the simulation happens to a while it waits and b runs. */
static void ask_for_sooner(struct member *member, struct ttb_participant *me)
{
    struct bench *bench = member->bench;
    uint64_t now_ns = 0;
    int rc = ttb_participant_request(me, 1000);

    if (!rc)
        rc = ttb_participant_begin_wait(me);
    sem_wait(&bench->happens);
    if (!rc)
        rc = ttb_participant_get(me, &now_ns);
    if (!rc)
        rc = ttb_participant_request(me, now_ns + 5);
    sem_post(&bench->is_served);
    if (!rc && ttb_participant_wait(me, &now_ns) == 0)
        note(member, now_ns);
}

static void make_it_happen(struct member *member, struct ttb_participant *me)
{
    (void)me;
    sem_post(&member->bench->happens);
    sem_wait(&member->bench->is_served);
    note(member, 0);
}

static void a_waiting_participant_may_ask_for_an_earlier_time(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    add_member(&bench, 'a', ask_for_sooner, 0, 0, 0);
    add_member(&bench, 'b', make_it_happen, 0, 0, 0);
    run_bench(&bench);
    assert_string_equal(bench.log, "b0 a5 ");
    assert_int_equal(bench.members[0].err, 0);
}

static void vanish(struct member *member, struct ttb_participant *me)
{
    ttb_participant_run_to(me, 10);
    note(member, 10);
}

static void one_that_leaves_does_not_stop_the_other(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    add_member(&bench, 'a', vanish, 0, 0, 0);
    add_member(&bench, 'b', tick, 10, 30, 0);
    run_bench(&bench);
    assert_string_equal(bench.log, "b0 a10 b10 b20 b30 ");
    assert_true(bench.members[0].is_over);
    assert_int_equal(bench.members[0].err, 0);
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
        cmocka_unit_test(two_participants_run_in_the_order_of_the_calendar),
        cmocka_unit_test(a_participant_alone_is_granted_only_once),
        cmocka_unit_test(a_late_joiner_counts_from_its_own_zero),
        cmocka_unit_test(clocks_are_translated_and_time_of_day_is_not),
        cmocka_unit_test(a_broadcast_reaches_the_others),
        cmocka_unit_test(a_waiting_participant_may_ask_for_an_earlier_time),
        cmocka_unit_test(one_that_leaves_does_not_stop_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
