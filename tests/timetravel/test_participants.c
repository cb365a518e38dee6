/* SPDX-License-Identifier: BSD-3-Clause */
/* Participants, in a thread each, against controllers and a calendar of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ttbridge/participant.h>

#include "calendar/calendar.h"
#include "timetravel/controller.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
