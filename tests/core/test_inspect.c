/* SPDX-License-Identifier: BSD-3-Clause */
/* Holding a bridge, and what it shows then. With nodes that run: tests/run/test_freeze.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ttbridge/bridge.h>

#define MS 1000000ULL

struct fixture {
    char directory[64];
    struct ttb_bridge *bridge;
    uint64_t stop_ns; /* the gate is open for what comes before */
    unsigned asked;
    uint64_t next_ns, until_ns; /* what it was asked last */
};

static bool gate(void *user, uint64_t next_ns, uint64_t until_ns)
{
    struct fixture *f = user;

    f->asked++;
    f->next_ns = next_ns;
    f->until_ns = until_ns;
    return next_ns < f->stop_ns;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ttb_bridge_opts opts = {.size = sizeof(opts), .no_pin = true, .connect_timeout_ms = 1};

    strcpy(f->directory, "/tmp/ttb-core-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    opts.directory = f->directory;
    assert_int_equal(ttb_bridge_new(&opts, &f->bridge), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_bridge_free(f->bridge);
    if (rmdir(f->directory) < 0)
        return -1;
    free(f);
    return 0;
}

static struct ttb_node *add_node(struct fixture *f, uint64_t start_ns)
{
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = "a", .start_ns = start_ns};
    struct ttb_node *node;

    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), 0);
    return node;
}

static uint64_t advance(struct fixture *f, uint64_t until_ns)
{
    uint64_t now_ns;

    assert_int_equal(ttb_bridge_advance(f->bridge, until_ns, &now_ns), 0);
    assert_int_equal(now_ns, ttb_bridge_now_ns(f->bridge));
    return now_ns;
}

static void a_closed_gate_holds_time_before_what_comes_next(void **state)
{
    struct fixture *f = *state;

    ttb_bridge_set_gate(f->bridge, gate, f);
    f->stop_ns = 5 * MS;
    assert_int_equal(advance(f, 4 * MS), 4 * MS);
    assert_int_equal(advance(f, 6 * MS), 4 * MS);
    assert_int_equal(f->next_ns, 6 * MS);
    assert_int_equal(f->until_ns, 6 * MS);
    assert_int_equal(advance(f, 6 * MS), 4 * MS); /* as often as it is asked */
    f->stop_ns = 7 * MS;
    assert_int_equal(advance(f, 6 * MS), 6 * MS);
}

static void a_gate_is_asked_for_what_a_node_does(void **state)
{
    struct fixture *f = *state;

    add_node(f, 3 * MS);
    ttb_bridge_set_gate(f->bridge, gate, f);
    f->stop_ns = 3 * MS;
    assert_int_equal(advance(f, 9 * MS), 0);
    assert_int_equal(f->next_ns, 3 * MS);
    assert_int_equal(f->until_ns, 9 * MS);
}

static void a_simulator_asks_for_every_event_while_there_is_a_gate(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ttb_bridge_next_ns(f->bridge), TTB_TIME_NEVER);
    f->stop_ns = TTB_TIME_NEVER;
    ttb_bridge_set_gate(f->bridge, gate, f);
    assert_int_equal(ttb_bridge_next_ns(f->bridge), 0);
    advance(f, 2 * MS);
    assert_int_equal(ttb_bridge_next_ns(f->bridge), 2 * MS);
    assert_int_equal(f->asked, 1);
    ttb_bridge_set_gate(f->bridge, NULL, NULL);
    assert_int_equal(ttb_bridge_next_ns(f->bridge), TTB_TIME_NEVER);
    advance(f, 3 * MS);
    assert_int_equal(f->asked, 1);
}

static void a_node_that_is_due_shows_when(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *node = add_node(f, 3 * MS);
    struct ttb_node_outlook outlook = {.size = sizeof(outlook) - 1};

    assert_int_equal(ttb_node_get_outlook(node, &outlook), -EINVAL);
    outlook.size = sizeof(outlook);
    assert_int_equal(ttb_node_get_outlook(node, &outlook), 0);
    assert_int_equal(outlook.size, sizeof(outlook));
    assert_int_equal(outlook.request_ns, 3 * MS);
    assert_int_equal(outlook.sent_ns, TTB_TIME_NEVER);
    assert_int_equal(outlook.time_ns, 0);
    assert_int_equal(outlook.ran_to_ns, 0);
    assert_false(outlook.is_paused);
    assert_false(outlook.has_calls);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_closed_gate_holds_time_before_what_comes_next),
        TEST(a_gate_is_asked_for_what_a_node_does),
        TEST(a_simulator_asks_for_every_event_while_there_is_a_gate),
        TEST(a_node_that_is_due_shows_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
