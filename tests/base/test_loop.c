/* SPDX-License-Identifier: BSD-3-Clause */
/* The owned epoll loop: who is called, and who must not be called any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ttbridge/loop.h>

#define CHANNELS 3

/* One end is watched, the other makes it readable. */
struct channel {
    struct fixture *fixture;
    int ours, theirs;
    struct ttb_watch *watch;
    unsigned calls;
    uint32_t events;
};

struct fixture {
    struct ttb_loop loop;
    struct channel channels[CHANNELS];
    unsigned nested_calls;
};

static void count(void *user, uint32_t events)
{
    struct channel *channel = user;

    channel->calls++;
    channel->events = events;
}

static void watch(struct channel *channel, ttb_watch_fn fn)
{
    struct ttb_loop *loop = &channel->fixture->loop;

    assert_int_equal(
        loop->ops->add(loop->impl, channel->ours, POLLIN, fn, channel, &channel->watch), 0);
}

static void unwatch(struct channel *channel)
{
    struct ttb_loop *loop = &channel->fixture->loop;

    if (channel->watch)
        loop->ops->remove(loop->impl, channel->watch);
    channel->watch = NULL;
}

static void make_ready(struct channel *channel)
{
    assert_int_equal(write(channel->theirs, "x", 1), 1);
}

static void drain(struct channel *channel)
{
    char bytes[16];

    assert_true(recv(channel->ours, bytes, sizeof(bytes), MSG_DONTWAIT) > 0);
}

static int turn(struct fixture *fixture, int timeout_ms)
{
    return fixture->loop.ops->turn(fixture->loop.impl, timeout_ms);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){0};
    assert_int_equal(ttb_loop_open_epoll(&fixture.loop), 0);
    for (int i = 0; i < CHANNELS; i++) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        fixture.channels[i] =
            (struct channel){.fixture = &fixture, .ours = fds[0], .theirs = fds[1]};
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < CHANNELS; i++) {
        unwatch(&fixture->channels[i]);
        close(fixture->channels[i].ours);
        close(fixture->channels[i].theirs);
    }
    ttb_loop_close(&fixture->loop);
    return 0;
}

static void a_turn_calls_every_watch_that_is_ready_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct channel *channels = fixture->channels;

    for (int i = 0; i < CHANNELS; i++)
        watch(&channels[i], count);
    make_ready(&channels[0]);
    make_ready(&channels[2]);
    assert_int_equal(turn(fixture, -1), 2);
    assert_int_equal(channels[0].calls, 1);
    assert_int_equal(channels[1].calls, 0);
    assert_int_equal(channels[2].calls, 1);
    assert_int_equal(channels[0].events, POLLIN);
}

static void a_turn_without_anything_ready_times_out_with_zero(void **state)
{
    struct fixture *fixture = *state;

    watch(&fixture->channels[0], count);
    assert_int_equal(turn(fixture, 0), 0);
    assert_int_equal(turn(fixture, 1), 0);
    assert_int_equal(fixture->channels[0].calls, 0);
}

static void readiness_is_reported_until_it_is_gone(void **state)
{
    struct fixture *fixture = *state;
    struct channel *channel = &fixture->channels[0];

    watch(channel, count);
    make_ready(channel);
    assert_int_equal(turn(fixture, 0), 1);
    assert_int_equal(turn(fixture, 0), 1);
    drain(channel);
    assert_int_equal(turn(fixture, 0), 0);
}

static void a_peer_that_hangs_up_is_reported(void **state)
{
    struct fixture *fixture = *state;
    struct channel *channel = &fixture->channels[0];

    watch(channel, count);
    assert_int_equal(shutdown(channel->theirs, SHUT_RDWR), 0);
    assert_int_equal(turn(fixture, -1), 1);
    assert_int_equal(channel->events & POLLHUP, POLLHUP);
}

static void modify_changes_what_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct channel *channel = &fixture->channels[0];
    const struct ttb_loop_ops *ops = fixture->loop.ops;

    watch(channel, count);
    make_ready(channel);
    assert_int_equal(ops->modify(fixture->loop.impl, channel->watch, 0), 0);
    assert_int_equal(turn(fixture, 0), 0);
    assert_int_equal(ops->modify(fixture->loop.impl, channel->watch, POLLOUT), 0);
    assert_int_equal(turn(fixture, 0), 1);
    assert_int_equal(channel->events, POLLOUT);
}

static void remove_itself(void *user, uint32_t events)
{
    count(user, events);
    unwatch(user);
}

static void a_watch_may_remove_itself_in_its_callback(void **state)
{
    struct fixture *fixture = *state;
    struct channel *channel = &fixture->channels[0];

    watch(channel, remove_itself);
    make_ready(channel);
    assert_int_equal(turn(fixture, 0), 1);
    assert_int_equal(turn(fixture, 0), 0);
    assert_int_equal(channel->calls, 1);
}

static void remove_all(void *user, uint32_t events)
{
    struct channel *channel = user;

    count(user, events);
    for (int i = 0; i < CHANNELS; i++)
        unwatch(&channel->fixture->channels[i]);
}

static void a_watch_removed_by_another_that_was_ready_too_is_not_called(void **state)
{
    struct fixture *fixture = *state;
    unsigned calls = 0;

    for (int i = 0; i < CHANNELS; i++) {
        watch(&fixture->channels[i], remove_all);
        make_ready(&fixture->channels[i]);
    }
    assert_int_equal(turn(fixture, 0), 1);
    for (int i = 0; i < CHANNELS; i++)
        calls += fixture->channels[i].calls;
    assert_int_equal(calls, 1);
    assert_int_equal(turn(fixture, 0), 0);
}

static void pause_all(void *user, uint32_t events)
{
    struct fixture *fixture = ((struct channel *)user)->fixture;

    count(user, events);
    for (int i = 0; i < CHANNELS; i++) {
        fixture->loop.ops->modify(fixture->loop.impl, fixture->channels[i].watch, POLLOUT);
    }
}

static void a_watch_that_no_longer_wants_what_was_ready_is_not_called(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < CHANNELS; i++) {
        watch(&fixture->channels[i], pause_all);
        make_ready(&fixture->channels[i]);
    }
    assert_int_equal(turn(fixture, 0), 1);
}

static void turn_again_and_remove(void *user, uint32_t events)
{
    struct channel *channel = user;
    struct fixture *fixture = channel->fixture;

    count(user, events);
    drain(channel);
    /* The second turn sees the others, whose callbacks remove all; the first holds pointers to
     * what is removed now. */
    fixture->nested_calls += (unsigned)turn(fixture, 0);
}

static void a_callback_may_turn_the_loop_and_watches_may_go_meanwhile(void **state)
{
    struct fixture *fixture = *state;

    watch(&fixture->channels[0], turn_again_and_remove);
    watch(&fixture->channels[1], remove_all);
    watch(&fixture->channels[2], remove_all);
    for (int i = 0; i < CHANNELS; i++)
        make_ready(&fixture->channels[i]);
    assert_true(turn(fixture, 0) >= 1);
    assert_int_equal(fixture->channels[1].calls + fixture->channels[2].calls, 1);
    assert_int_equal(turn(fixture, 0), 0);
}

static void add_another(void *user, uint32_t events)
{
    struct channel *channel = user;

    count(user, events);
    drain(channel);
    watch(&channel->fixture->channels[1], count);
}

static void a_watch_added_in_a_callback_is_called_from_the_next_turn_on(void **state)
{
    struct fixture *fixture = *state;

    watch(&fixture->channels[0], add_another);
    make_ready(&fixture->channels[0]);
    make_ready(&fixture->channels[1]);
    assert_int_equal(turn(fixture, 0), 1);
    assert_int_equal(fixture->channels[1].calls, 0);
    assert_int_equal(turn(fixture, 0), 1);
    assert_int_equal(fixture->channels[1].calls, 1);
}

static void adding_a_descriptor_that_cannot_be_watched_fails(void **state)
{
    struct fixture *fixture = *state;
    struct ttb_watch *made;

    assert_int_equal(fixture->loop.ops->add(fixture->loop.impl, -1, POLLIN, count, NULL, &made),
                     -EBADF);
}

static void poll_and_epoll_agree_on_the_event_bits(void **state)
{
    (void)state;
    assert_int_equal(POLLIN, 0x001); /* EPOLLIN, ... in uapi/linux/eventpoll.h */
    assert_int_equal(POLLOUT, 0x004);
    assert_int_equal(POLLERR, 0x008);
    assert_int_equal(POLLHUP, 0x010);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_turn_calls_every_watch_that_is_ready_and_no_other),
        TEST(a_turn_without_anything_ready_times_out_with_zero),
        TEST(readiness_is_reported_until_it_is_gone),
        TEST(a_peer_that_hangs_up_is_reported),
        TEST(modify_changes_what_is_waited_for),
        TEST(a_watch_may_remove_itself_in_its_callback),
        TEST(a_watch_removed_by_another_that_was_ready_too_is_not_called),
        TEST(a_watch_that_no_longer_wants_what_was_ready_is_not_called),
        TEST(a_callback_may_turn_the_loop_and_watches_may_go_meanwhile),
        TEST(a_watch_added_in_a_callback_is_called_from_the_next_turn_on),
        TEST(adding_a_descriptor_that_cannot_be_watched_fails),
        cmocka_unit_test(poll_and_epoll_agree_on_the_event_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
