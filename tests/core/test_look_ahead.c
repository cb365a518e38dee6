/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from promised latencies: shortest paths between nodes. No node runs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ttbridge/bridge.h>

#include "base/random.h"

#define NODES 6

struct fixture {
    char directory[64];
    struct ttb_bridge *bridge;
    struct ttb_node *nodes[NODES];
    struct ttb_port *ports[NODES];
};

static void quiet(void *user, enum ttb_log_level level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

static struct ttb_node *add_node(struct fixture *f, const char *name)
{
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = name};
    struct ttb_node *node;

    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), 0);
    return node;
}

static struct ttb_port *add_port(struct ttb_node *node, const char *name)
{
    struct ttb_port_opts opts = {.size = sizeof(opts), .name = name};
    struct ttb_port *port;

    assert_int_equal(ttb_node_add_port(node, &opts, &port), 0);
    return port;
}

static int set_up_limited(void **state, uint64_t look_ahead_ns)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ttb_bridge_opts opts = {.size = sizeof(opts),
                                   .directory = f->directory,
                                   .log = quiet,
                                   .look_ahead_ns = look_ahead_ns};

    strcpy(f->directory, "/tmp/ttb-look-XXXXXX");
    if (!mkdtemp(f->directory) || ttb_bridge_new(&opts, &f->bridge))
        return -1;
    for (unsigned i = 0; i < NODES; i++) {
        f->nodes[i] = add_node(f, (char[]){(char)('a' + i), 0});
        f->ports[i] = add_port(f->nodes[i], "eth0");
    }
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_limited(state, 0);
}

static int set_up_with_300(void **state)
{
    return set_up_limited(state, 300);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_bridge_free(f->bridge);
    rmdir(f->directory);
    free(f);
    return 0;
}

static void promise(struct fixture *f, struct ttb_port *from, struct ttb_port *to, uint64_t ns)
{
    assert_int_equal(ttb_bridge_set_latency(f->bridge, from, to, ns), 0);
}

static void nothing_reaches_anybody(struct fixture *f)
{
    for (unsigned i = 0; i < NODES; i++) {
        for (unsigned j = 0; j < NODES; j++)
            promise(f, f->ports[i], f->ports[j], TTB_TIME_NEVER);
    }
}

static uint64_t latency(struct fixture *f, const struct ttb_node *from, const struct ttb_node *to)
{
    uint64_t ns;

    assert_int_equal(ttb_bridge_latency(f->bridge, from, to, &ns), 0);
    return ns;
}

static void without_a_promise_everything_is_at_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 0);
    promise(f, f->ports[0], f->ports[1], 500);
    /* through c, about which nothing is promised */
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 0);
}

static void the_shortest_way_through_other_nodes_counts(void **state)
{
    struct fixture *f = *state;

    nothing_reaches_anybody(f);
    promise(f, f->ports[0], f->ports[1], 500);
    promise(f, f->ports[0], f->ports[2], 100);
    promise(f, f->ports[2], f->ports[3], 30);
    promise(f, f->ports[3], f->ports[1], 7);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 137);
    assert_true(latency(f, f->nodes[1], f->nodes[0]) == TTB_TIME_NEVER);
    promise(f, f->ports[3], f->ports[1], 1000);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 500);
    promise(f, f->ports[0], f->ports[1], 20);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 20);
}

static void an_isolated_port_reaches_nobody(void **state)
{
    struct fixture *f = *state;
    struct ttb_port *line;

    nothing_reaches_anybody(f);
    line = add_port(f->nodes[0], "line");
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 0);
    ttb_port_set_isolated(line);
    assert_true(latency(f, f->nodes[0], f->nodes[1]) == TTB_TIME_NEVER);
    assert_true(latency(f, f->nodes[1], f->nodes[0]) == TTB_TIME_NEVER);
}

static void a_node_that_is_added_is_near_to_all_until_something_is_promised(void **state)
{
    struct fixture *f = *state;
    struct ttb_port *port;

    nothing_reaches_anybody(f);
    promise(f, f->ports[0], f->ports[1], 500);
    port = add_port(add_node(f, "late"), "eth0");
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 0);
    for (unsigned i = 0; i < NODES; i++) {
        promise(f, f->ports[i], port, 9);
        promise(f, port, f->ports[i], 8);
    }
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 17);
}

static void a_wall_clock_port_ends_all_look_ahead(void **state)
{
    struct fixture *f = *state;
    struct ttb_port_opts opts = {.size = sizeof(opts), .name = "outside"};
    struct ttb_port *port;

    nothing_reaches_anybody(f);
    promise(f, f->ports[0], f->ports[1], 500);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 500);
    assert_int_equal(ttb_bridge_add_wall_clock_port(f->bridge, &opts, &port), 0);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 0);
    assert_int_equal(ttb_bridge_set_latency(f->bridge, f->ports[0], port, 5), -EINVAL);
    assert_non_null(strstr(ttb_bridge_error(f->bridge), "outside"));
}

static void each_port_knows_the_nearest_of_other_nodes(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ttb_port_nearest_ns(f->ports[0]), 0);
    nothing_reaches_anybody(f);
    promise(f, f->ports[0], f->ports[0], 1);
    promise(f, f->ports[0], f->ports[1], 500);
    promise(f, f->ports[0], f->ports[2], 400);
    promise(f, f->ports[1], f->ports[0], 900);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 500);
    assert_int_equal(ttb_port_nearest_ns(f->ports[0]), 400);
    assert_int_equal(ttb_port_nearest_ns(f->ports[1]), 900);
    assert_true(ttb_port_nearest_ns(f->ports[2]) == TTB_TIME_NEVER);
}

static void look_ahead_can_be_lowered(void **state)
{
    struct fixture *f = *state;

    nothing_reaches_anybody(f);
    promise(f, f->ports[0], f->ports[1], 500);
    promise(f, f->ports[1], f->ports[0], 300);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 300);
    assert_int_equal(ttb_port_nearest_ns(f->ports[0]), 300);
    assert_int_equal(ttb_port_way_back_ns(f->ports[0]), 600);
    assert_true(latency(f, f->nodes[0], f->nodes[2]) == TTB_TIME_NEVER);
    /* What becomes shorter afterwards counts, and is no mistake. */
    promise(f, f->ports[1], f->ports[0], 20);
    assert_int_equal(latency(f, f->nodes[1], f->nodes[0]), 20);
}

static void look_ahead_cannot_be_raised(void **state)
{
    struct fixture *f = *state;
    uint64_t latency_ns;

    nothing_reaches_anybody(f);
    promise(f, f->ports[0], f->ports[1], 500);
    promise(f, f->ports[4], f->ports[2], 299);
    assert_int_equal(ttb_bridge_latency(f->bridge, f->nodes[0], f->nodes[1], &latency_ns), -EINVAL);
    assert_string_equal(
        ttb_bridge_error(f->bridge),
        "look-ahead of 300 ns is more than the network allows, and can only be "
        "lowered: what port eth0 of node e sends may have an influence on port eth0 "
        "of node c after 299 ns");
    promise(f, f->ports[4], f->ports[2], 300);
    assert_int_equal(latency(f, f->nodes[0], f->nodes[1]), 300);
}

/* Against the definition: the least over all paths, found by trying them. */
static uint64_t by_trying(uint64_t direct[NODES][NODES], unsigned from, unsigned to, unsigned seen)
{
    uint64_t best = direct[from][to];

    for (unsigned via = 0; via < NODES; via++) {
        uint64_t first = direct[from][via], rest;

        if (via == from || via == to || (seen & 1u << via) || first == TTB_TIME_NEVER)
            continue;
        rest = by_trying(direct, via, to, seen | 1u << from);
        if (rest != TTB_TIME_NEVER && first + rest < best)
            best = first + rest;
    }
    return best;
}

static void random_promises_close_to_the_least_over_all_paths(void **state)
{
    struct fixture *f = *state;
    struct ttb__random random;

    ttb__random_seed(&random, 7, 0);
    for (unsigned round = 0; round < 200; round++) {
        uint64_t direct[NODES][NODES];

        for (unsigned i = 0; i < NODES; i++) {
            for (unsigned j = 0; j < NODES; j++) {
                uint32_t draw = ttb__random_u32(&random) % 100;

                direct[i][j] = draw < 40 ? TTB_TIME_NEVER : draw;
                promise(f, f->ports[i], f->ports[j], direct[i][j]);
            }
        }
        for (unsigned i = 0; i < NODES; i++) {
            for (unsigned j = 0; j < NODES; j++) {
                if (i != j)
                    assert_true(latency(f, f->nodes[i], f->nodes[j]) ==
                                by_trying(direct, i, j, 1u << i));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_promise_everything_is_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_shortest_way_through_other_nodes_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_isolated_port_reaches_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_node_that_is_added_is_near_to_all_until_something_is_promised, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wall_clock_port_ends_all_look_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_port_knows_the_nearest_of_other_nodes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(look_ahead_can_be_lowered, set_up_with_300, tear_down),
        cmocka_unit_test_setup_teardown(look_ahead_cannot_be_raised, set_up_with_300, tear_down),
        cmocka_unit_test_setup_teardown(random_promises_close_to_the_least_over_all_paths, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
