/* SPDX-License-Identifier: BSD-3-Clause */
/* Where wall time goes. Nothing here depends on how fast the machine is: what is asserted are lower bounds
 * of what somebody has slept, and sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ttbridge/bridge.h>
#include <ttbridge/participant.h>

#define MS       1000000ULL
#define SLEEP_NS (20 * MS)

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void sleep_ns(void)
{
    uint64_t until_ns = clock_ns() + SLEEP_NS;

    while (clock_ns() < until_ns)
        usleep(1000);
}

/* ------------------------------------------------------------------------------------ fixture */

struct actor {
    struct fixture *f;
    struct ttb_node *node;
    bool is_slow;
    atomic_bool is_done; /* with what it had to do at 10 ms */
    pthread_t thread;
};

struct fixture {
    char directory[64];
    struct ttb_loop inner, loop;
    struct ttb_bridge *bridge;
    struct actor fast, slow;
    atomic_bool released; /* the slow one may go on */
};

static int add_watch(void *impl, int fd, uint32_t events, ttb_watch_fn fn, void *user,
                     struct ttb_watch **watch)
{
    struct fixture *f = impl;

    return f->inner.ops->add(f->inner.impl, fd, events, fn, user, watch);
}

static int modify_watch(void *impl, struct ttb_watch *watch, uint32_t events)
{
    struct fixture *f = impl;

    return f->inner.ops->modify(f->inner.impl, watch, events);
}

static void remove_watch(void *impl, struct ttb_watch *watch)
{
    struct fixture *f = impl;

    f->inner.ops->remove(f->inner.impl, watch);
}

/* The slow node goes on only when the bridge has seen that the fast one is done. */
static int turn(void *impl, int timeout_ms)
{
    struct fixture *f = impl;
    int rc = f->inner.ops->turn(f->inner.impl, timeout_ms);

    if (f->fast.is_done && ttb_node_get_state(f->fast.node) == TTB_NODE_WAITING)
        f->released = true;
    return rc;
}

static const struct ttb_loop_ops loop_ops = {add_watch, modify_watch, remove_watch, turn};

static struct ttb_port *add_node(struct fixture *f, struct actor *actor, const char *name)
{
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = name};
    struct ttb_port_opts port_opts = {.size = sizeof(port_opts), .name = "eth0"};
    struct ttb_port *port;

    actor->f = f;
    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &actor->node), 0);
    assert_int_equal(ttb_node_add_port(actor->node, &port_opts, &port), 0);
    return port;
}

static void open_bridge(struct fixture *f, uint32_t jobs)
{
    struct ttb_bridge_opts opts = {.size = sizeof(opts),
                                   .directory = f->directory,
                                   .loop = &f->loop,
                                   .no_pin = true,
                                   .jobs = jobs};
    struct ttb_port *fast, *slow;

    assert_int_equal(ttb_bridge_new(&opts, &f->bridge), 0);
    fast = add_node(f, &f->fast, "fast");
    slow = add_node(f, &f->slow, "slow");
    f->slow.is_slow = true;
    /* Neither ever reaches the other: their windows are the same. */
    assert_int_equal(ttb_bridge_set_latency(f->bridge, fast, slow, TTB_TIME_NEVER), 0);
    assert_int_equal(ttb_bridge_set_latency(f->bridge, slow, fast, TTB_TIME_NEVER), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/ttb-wall-XXXXXX");
    if (!mkdtemp(f->directory) || ttb_loop_open_epoll(&f->inner))
        return -1;
    f->loop = (struct ttb_loop){&loop_ops, f};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_bridge_free(f->bridge);
    ttb_loop_close(&f->inner);
    rmdir(f->directory);
    free(f);
    return 0;
}

/* Acts at 0 and at 10 ms. */
static void *act(void *user)
{
    struct actor *actor = user;
    struct ttb_participant *me;
    int rc =
        ttb_participant_connect(ttb_node_socket_path(actor->node), ttb_node_id(actor->node), &me);

    if (rc)
        return (void *)(intptr_t)rc;
    rc = ttb_participant_run_to(me, 10 * MS);
    if (!rc && actor->is_slow) {
        while (!actor->f->released)
            usleep(100);
        sleep_ns();
    }
    actor->is_done = true;
    if (!rc)
        rc = ttb_participant_run_to(me, 50 * MS);
    ttb_participant_free(me);
    return (void *)(intptr_t)rc;
}

static void begin(struct actor *actor)
{
    assert_int_equal(pthread_create(&actor->thread, NULL, act, actor), 0);
}

static void end(struct actor *actor)
{
    void *result;

    assert_int_equal(pthread_join(actor->thread, &result), 0);
    assert_null(result);
}

static void advance_to(struct fixture *f, uint64_t until_ns)
{
    uint64_t now_ns;

    assert_int_equal(ttb_bridge_advance(f->bridge, until_ns, &now_ns), 0);
    assert_int_equal(now_ns, until_ns);
}

static struct ttb_bridge_wall wall_of(struct fixture *f)
{
    struct ttb_bridge_wall wall = {.size = sizeof(wall)};

    assert_int_equal(ttb_bridge_get_wall(f->bridge, &wall), 0);
    return wall;
}

static uint64_t sum_of(const struct ttb_bridge_wall *wall)
{
    uint64_t sum_ns = 0;

    for (unsigned part = 0; part < TTB_WALL_PARTS; part++)
        sum_ns += wall->parts[part].wall_ns;
    return sum_ns;
}

/* -------------------------------------------------------------------------------------- tests */

static void a_node_that_is_done_waits_at_the_barrier_for_one_that_is_not(void **state)
{
    struct fixture *f = *state;
    struct ttb_node_stats fast, slow;
    struct ttb_bridge_wall wall;
    uint64_t barrier_ns;

    open_bridge(f, 2);
    begin(&f->fast);
    begin(&f->slow);
    advance_to(f, 20 * MS);
    wall = wall_of(f);
    barrier_ns = wall.parts[TTB_WALL_BARRIER].wall_ns;
    ttb_node_get_stats(f->fast.node, &fast);
    ttb_node_get_stats(f->slow.node, &slow);
    assert_true(barrier_ns >= SLEEP_NS);
    assert_true(fast.waited_ns >= SLEEP_NS && slow.awaited_ns >= SLEEP_NS);
    assert_true(slow.awaited_ns <= slow.wall_ns);
    /* Whenever one waits, the other is waited for: each moment at the barrier has one of each. */
    assert_int_equal(fast.waited_ns + slow.waited_ns, barrier_ns);
    assert_int_equal(fast.awaited_ns + slow.awaited_ns, barrier_ns);
    advance_to(f, 100 * MS);
    end(&f->fast);
    end(&f->slow);
}

static void with_one_job_nobody_waits_and_the_time_of_nodes_adds_up(void **state)
{
    struct fixture *f = *state;
    struct ttb_node_stats fast, slow;
    struct ttb_bridge_wall wall;

    open_bridge(f, 1);
    f->released = true;
    begin(&f->fast);
    begin(&f->slow);
    advance_to(f, 100 * MS);
    end(&f->fast);
    end(&f->slow);
    wall = wall_of(f);
    ttb_node_get_stats(f->fast.node, &fast);
    ttb_node_get_stats(f->slow.node, &slow);
    assert_int_equal(wall.parts[TTB_WALL_BARRIER].wall_ns, 0);
    assert_int_equal(fast.waited_ns + slow.waited_ns + fast.awaited_ns + slow.awaited_ns, 0);
    assert_true(slow.wall_ns >= SLEEP_NS);
    assert_int_equal(wall.parts[TTB_WALL_NODES].wall_ns, fast.wall_ns + slow.wall_ns);
}

static bool wait_in_gate(void *user, uint64_t next_ns, uint64_t until_ns)
{
    (void)next_ns;
    (void)until_ns;
    if (*(unsigned *)user && (*(unsigned *)user)-- == 1)
        sleep_ns();
    return true;
}

static void record(void *user, struct ttb_node *node, uint64_t time_ns)
{
    (void)node;
    if (time_ns == 0 && user)
        sleep_ns();
}

static void each_moment_goes_to_one_part(void **state)
{
    struct fixture *f = *state;
    struct ttb_observer observer = {.size = sizeof(observer), .granted = record};
    struct ttb_bridge_wall before, after;
    uint64_t clocks_ns[4];
    unsigned gates = 1;

    open_bridge(f, 1);
    f->released = true;
    sleep_ns(); /* before the run: nobody's */
    assert_int_equal((before = wall_of(f), sum_of(&before)), 0);
    assert_int_equal(ttb_bridge_observe(f->bridge, &observer, f), 0);
    ttb_bridge_set_gate(f->bridge, wait_in_gate, &gates);
    begin(&f->fast);
    begin(&f->slow);
    advance_to(f, 1 * MS);
    before = wall_of(f);
    assert_true(before.parts[TTB_WALL_WAITING].wall_ns >= SLEEP_NS);       /* the gate */
    assert_true(before.parts[TTB_WALL_RECORDING].wall_ns >= 2 * SLEEP_NS); /* each node's first */
    clocks_ns[0] = clock_ns();
    before = wall_of(f);
    clocks_ns[1] = clock_ns();
    sleep_ns(); /* the network */
    assert_int_equal(ttb_bridge_spend(f->bridge, TTB_WALL_WAITING), TTB_WALL_NETWORK);
    sleep_ns();
    assert_int_equal(ttb_bridge_spend(f->bridge, TTB_WALL_NETWORK), TTB_WALL_WAITING);
    advance_to(f, 100 * MS);
    end(&f->fast);
    end(&f->slow);
    clocks_ns[2] = clock_ns();
    after = wall_of(f);
    clocks_ns[3] = clock_ns();
    assert_true(after.parts[TTB_WALL_NETWORK].wall_ns - before.parts[TTB_WALL_NETWORK].wall_ns >=
                SLEEP_NS);
    assert_true(after.parts[TTB_WALL_WAITING].wall_ns - before.parts[TTB_WALL_WAITING].wall_ns >=
                SLEEP_NS);
    /* And nothing is counted twice or not at all. */
    assert_in_range(sum_of(&after) - sum_of(&before), clocks_ns[2] - clocks_ns[1],
                    clocks_ns[3] - clocks_ns[0]);
}

static void an_answer_that_does_not_fit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ttb_bridge_wall wall = {.size = sizeof(wall) - 1};

    open_bridge(f, 1);
    assert_int_equal(ttb_bridge_get_wall(f->bridge, &wall), -EINVAL);
    assert_int_equal(ttb_bridge_spend(f->bridge, TTB_WALL_PARTS), TTB_WALL_NETWORK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_node_that_is_done_waits_at_the_barrier_for_one_that_is_not),
        TEST(with_one_job_nobody_waits_and_the_time_of_nodes_adds_up),
        TEST(each_moment_goes_to_one_part),
        TEST(an_answer_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
