/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_BYTES 160

static const char *const flavour_names[FLAVOUR_COUNT] = {
    [FLAVOUR_SHARED] = "shared",
    [FLAVOUR_NOTIFY] = "shared, notifications",
    [FLAVOUR_MESSAGES] = "messages",
    [FLAVOUR_OLD] = "messages, 6.1",
};

/* --------------------------------------------------------------------- controller's callbacks */

static void on_started(void *user, uint64_t id)
{
    struct rig *rig = user;

    rig->started++;
    rig->id = id;
    if (rig->start_at_once)
        assert_int_equal(ttb__controller_start(rig->controller, 0), 0);
}

static void on_waiting(void *user)
{
    struct rig *rig = user;

    rig->waiting++;
    if (rig->grant_ns) {
        uint64_t time_ns = ttb__controller_request_ns(rig->controller);

        rig->now_ns = time_ns;
        assert_int_equal(ttb__controller_run(rig->controller, time_ns, time_ns + rig->grant_ns), 0);
    }
}

static void on_request(void *user)
{
    ((struct rig *)user)->requests++;
}

static void reply(struct rig *rig)
{
    rig->owes_reply = false;
    rig->acknowledged_at_reply = rig->acknowledged;
    assert_int_equal(send(rig->vhost_fd, "R", 1, MSG_NOSIGNAL), 1);
}

static void on_acknowledged(void *user)
{
    struct rig *rig = user;

    rig->acknowledged++;
    assert_false(ttb__controller_has_unacknowledged(rig->controller));
    if (rig->owes_reply)
        reply(rig);
    if (rig->run_when_acknowledged_ns)
        assert_int_equal(ttb__controller_run(rig->controller, rig->run_when_acknowledged_ns,
                                             rig->run_when_acknowledged_ns + 1000),
                         0);
}

static void on_broadcast(void *user, uint64_t value)
{
    struct rig *rig = user;

    rig->broadcasts++;
    rig->broadcast = value;
}

static void on_logged_kick(void *user, unsigned slot, uint64_t time_ns, uint16_t avail_idx)
{
    struct rig *rig = user;
    unsigned index = rig->logged++ % 8;

    rig->log[index].slot = slot;
    rig->log[index].time_ns = time_ns;
    rig->log[index].avail_idx = avail_idx;
    if (rig->logged_limit_ns)
        assert_int_equal(ttb__controller_limit(rig->controller, rig->logged_limit_ns), 0);
}

static uint64_t on_now(void *user)
{
    return ((struct rig *)user)->now_ns;
}

static uint64_t on_time_of_day(void *user)
{
    return ((struct rig *)user)->time_of_day_ns;
}

static void on_closed(void *user, int err, const char *why)
{
    struct rig *rig = user;

    rig->closed++;
    rig->closed_err = err;
    snprintf(rig->closed_why, sizeof(rig->closed_why), "%s", why);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_CLOSED);
}

static const struct ttb__controller_ops ops = {
    .started = on_started,
    .waiting = on_waiting,
    .request = on_request,
    .acknowledged = on_acknowledged,
    .broadcast = on_broadcast,
    .kick = on_logged_kick,
    .now_ns = on_now,
    .time_of_day_ns = on_time_of_day,
    .closed = on_closed,
};

/* ---------------------------------------------------------------------------------- the device */

static void on_vhost(void *user, uint32_t events)
{
    struct rig *rig = user;
    char byte;

    (void)events;
    assert_int_equal(recv(rig->vhost_fd, &byte, 1, MSG_DONTWAIT), 1);
    if (byte == 'R') {
        rig->replies++;
        return;
    }
    rig->kicks++;
    rig->kick_time_ns = ttb__controller_time_ns(rig->controller);
    rig->limit_rc = rig->limit_ns ? ttb__controller_limit(rig->controller, rig->limit_ns) : 0;
    if (rig->limit_rc == 1)
        rig->owes_reply = true;
    else
        reply(rig);
}

/* -------------------------------------------------------------------------------------- rigs */

static int pump(void *user)
{
    struct rig *rig = user;

    /* Elsewhere it does nothing. */
    if (rig->controller && ttb__controller_await(rig->controller, 0) == 1)
        return 1;
    return rig->loop.ops->turn(rig->loop.impl, 0);
}

void rig_turn(struct rig *rig)
{
    while (pump(rig) > 0)
        ;
}

bool rig_is_shared(const struct rig *rig)
{
    return rig->flavour == FLAVOUR_SHARED || rig->flavour == FLAVOUR_NOTIFY;
}

void rig_open(struct rig *rig, enum flavour flavour, enum ttb__controller_mode mode)
{
    int time[2], vhost[2];

    *rig = (struct rig){.flavour = flavour};
    assert_int_equal(ttb_loop_open_epoll(&rig->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, time), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, vhost), 0);
    fake_uml_init(&rig->uml, time[1], flavour != FLAVOUR_OLD, pump, rig);
    rig->uml.knows_notify = flavour == FLAVOUR_NOTIFY;
    rig->uml.vhost_fd = vhost[1];
    rig->vhost_fd = vhost[0];
    assert_int_equal(
        rig->loop.ops->add(rig->loop.impl, rig->vhost_fd, POLLIN, on_vhost, rig, &rig->vhost_watch),
        0);
    assert_int_equal(
        ttb__controller_new(&rig->loop, time[0], "a", mode, &ops, rig, &rig->controller), 0);
    if (flavour == FLAVOUR_NOTIFY)
        ttb__controller_offer_notifications(rig->controller);
}

void rig_boot(struct rig *rig, uint64_t id, uint64_t origin_ns)
{
    rig->now_ns = origin_ns;
    assert_true(fake_uml_send_start(&rig->uml, id));
    rig_turn(rig);
    assert_int_equal(rig->started, 1);
    assert_int_equal(ttb__controller_start(rig->controller, origin_ns), 0);
    fake_uml_finish_start(&rig->uml);
    rig_assert_well(rig);
}

void rig_open_booted(struct rig *rig, enum flavour flavour, uint64_t origin_ns)
{
    rig_open(rig, flavour,
             flavour == FLAVOUR_MESSAGES ? TTB__CONTROLLER_MESSAGES : TTB__CONTROLLER_AUTO);
    rig_boot(rig, 7, origin_ns);
}

void rig_close(struct rig *rig)
{
    rig->loop.ops->remove(rig->loop.impl, rig->vhost_watch);
    close(rig->vhost_fd);
    close(rig->uml.vhost_fd);
    fake_uml_exit(&rig->uml);
    ttb__controller_free(rig->controller);
    ttb_loop_close(&rig->loop);
}

void rig_wait_for(struct rig *rig, uint64_t local)
{
    unsigned waiting = rig->waiting;

    fake_uml_update_request(&rig->uml, local);
    fake_uml_begin_wait(&rig->uml);
    rig_turn(rig);
    rig_assert_well(rig);
    assert_int_equal(rig->waiting, waiting + 1);
}

void rig_run(struct rig *rig, uint64_t time_ns, uint64_t free_until_ns)
{
    rig->now_ns = time_ns;
    assert_int_equal(ttb__controller_watch(rig->controller, true), rig->flavour == FLAVOUR_NOTIFY);
    assert_int_equal(ttb__controller_run(rig->controller, time_ns, free_until_ns), 0);
    assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_RUNNING);
    fake_uml_end_wait(&rig->uml);
    rig_turn(rig);
    rig_assert_well(rig);
}

void rig_call(struct rig *rig, uint64_t now_ns)
{
    unsigned replies = rig->replies;

    rig->now_ns = now_ns;
    assert_int_equal(ttb__controller_set_time(rig->controller, now_ns), 0);
    fake_uml_take_call(&rig->uml);
    while (rig->replies == replies)
        assert_true(pump(rig) > 0);
    rig_assert_well(rig);
}

void rig_assert_well(const struct rig *rig)
{
    assert_string_equal(rig->uml.panic, "");
    assert_string_equal(rig->closed_why, "");
    assert_int_equal(rig->closed, 0);
}

/* ------------------------------------------------------------------------ in every flavour */

struct case_state {
    const struct rig_test *test;
    enum flavour flavour;
};

static void run_body(void **state)
{
    const struct case_state *one = *state;
    struct rig rig;

    rig_open_booted(&rig, one->flavour, one->test->origin_ns);
    one->test->body(&rig);
    rig_close(&rig);
}

int rig_run_tests(const char *group, const struct rig_test *tests, size_t count)
{
    size_t total = count * FLAVOUR_COUNT;
    struct CMUnitTest *units = calloc(total, sizeof(*units));
    struct case_state *states = calloc(total, sizeof(*states));
    char(*names)[NAME_BYTES] = calloc(total, sizeof(*names));
    int failures;

    if (!units || !states || !names)
        abort();
    for (size_t i = 0; i < total; i++) {
        const struct rig_test *test = &tests[i / FLAVOUR_COUNT];

        states[i] = (struct case_state){test, i % FLAVOUR_COUNT};
        snprintf(names[i], sizeof(names[i]), "%s (%s)", test->name,
                 flavour_names[states[i].flavour]);
        units[i] = (struct CMUnitTest){
            .name = names[i], .test_func = run_body, .initial_state = &states[i]};
    }
    failures = _cmocka_run_group_tests(group, units, total, NULL, NULL);
    free(units);
    free(states);
    free(names);
    return failures;
}
