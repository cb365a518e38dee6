/* SPDX-License-Identifier: BSD-3-Clause */
/* What the built-in network promises the bridge. The nodes are never started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define US UINT64_C(1000)

/* 100 Mbit/s: preamble, the shortest frame, FCS. */
#define LEAST_NS ((8 + 60 + 4) * UINT64_C(80))

static struct ttb_net_end *add_node(struct fixture *f, const char *name)
{
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = name};
    struct ttb_port_opts port_opts = {.size = sizeof(port_opts), .name = "eth0"};
    struct ttb_net_end *end;
    struct ttb_node *node;
    struct ttb_port *port;

    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), 0);
    assert_int_equal(ttb_node_add_port(node, &port_opts, &port), 0);
    assert_int_equal(ttb_net_add_port(f->net, port, &end), 0);
    return end;
}

static uint64_t latency(struct fixture *f, const struct ttb_net_end *from,
                        const struct ttb_net_end *to)
{
    uint64_t ns;

    run_until(f, 0);
    assert_int_equal(ttb_bridge_latency(f->bridge, ttb_port_node(ttb_net_end_port(from)),
                                        ttb_port_node(ttb_net_end_port(to)), &ns),
                     0);
    return ns;
}

static void a_link_promises_its_delay_and_the_shortest_frame(void **state)
{
    struct fixture *f = *state;
    struct ttb_net_end *a = add_node(f, "a"), *b = add_node(f, "b");

    assert_int_equal(ttb_net_connect(f->net, a, b, PARAMS(.delay_ns = 5 * US),
                                     PARAMS(.delay_ns = 7 * US, .rate_bps = 100000000), &f->link),
                     0);
    assert_int_equal(latency(f, a, b), 5 * US);
    assert_int_equal(latency(f, b, a), 7 * US + LEAST_NS);
    assert_int_equal(ttb_net_link_set(f->link, a, PARAMS(.delay_ns = 0)), 0);
    assert_int_equal(latency(f, a, b), 0);
    assert_int_equal(latency(f, b, a), 7 * US + LEAST_NS);
}

static void what_is_not_connected_is_out_of_reach(void **state)
{
    struct fixture *f = *state;
    struct ttb_net_end *a = add_node(f, "a"), *b = add_node(f, "b"), *c = add_node(f, "c");

    connect_ends(f, a, b, PARAMS(.delay_ns = 5 * US));
    assert_true(latency(f, a, c) == TTB_TIME_NEVER);
    assert_true(latency(f, c, b) == TTB_TIME_NEVER);
    assert_int_equal(latency(f, a, b), 5 * US);
}

static struct ttb_net_end *switch_port(struct ttb_net_switch *sw)
{
    struct ttb_net_end *end;

    assert_int_equal(ttb_net_switch_add_port(sw, &end), 0);
    return end;
}

static void through_switches_the_shortest_way_counts(void **state)
{
    struct fixture *f = *state;
    struct ttb_net_end *a = add_node(f, "a"), *b = add_node(f, "b");
    struct ttb_net_switch *one, *two;

    assert_int_equal(ttb_net_add_switch(f->net, NULL, &one), 0);
    assert_int_equal(ttb_net_add_switch(f->net, NULL, &two), 0);
    connect_ends(f, a, switch_port(one), PARAMS(.delay_ns = 1 * US));
    connect_ends(f, b, switch_port(two), PARAMS(.delay_ns = 2 * US));
    /* two lines between them: a loop */
    connect_ends(f, switch_port(one), switch_port(two), PARAMS(.delay_ns = 50 * US));
    connect_ends(f, switch_port(one), switch_port(two), PARAMS(.delay_ns = 40 * US));
    assert_int_equal(latency(f, a, b), 43 * US);
    assert_int_equal(latency(f, b, a), 43 * US);
}

/* A host is a function of the program, which may do anything when a frame has come. */
static void a_host_may_answer_anybody_at_once(void **state)
{
    struct fixture *f = *state;
    struct ttb_net_end *a = add_node(f, "a"), *b = add_node(f, "b"), *c = add_node(f, "c");
    struct ttb_net_switch *sw;

    assert_int_equal(ttb_net_add_switch(f->net, NULL, &sw), 0);
    connect_ends(f, a, switch_port(sw), PARAMS(.delay_ns = 10 * US));
    connect_ends(f, b, switch_port(sw), PARAMS(.delay_ns = 10 * US));
    assert_int_equal(latency(f, a, b), 20 * US);
    assert_true(latency(f, a, c) == TTB_TIME_NEVER);
    connect_ends(f, add_host(f), switch_port(sw), PARAMS(.delay_ns = 3 * US));
    assert_int_equal(latency(f, a, b), 13 * US);
    assert_int_equal(latency(f, a, c), 13 * US);
    assert_true(latency(f, c, a) == TTB_TIME_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_promises_its_delay_and_the_shortest_frame,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_connected_is_out_of_reach, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(through_switches_the_shortest_way_counts, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_host_may_answer_anybody_at_once, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
