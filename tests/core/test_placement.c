/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Automatic jobs: rounds with the wall times that a test says nodes took, and what follows for where
 * they run. No node runs here; that it makes no difference to a run is shown by link_look_ahead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/internal.h"

#define NODES 4
#define MS    UINT64_C(1000000)

struct fixture {
    char directory[64];
    struct ttb_bridge *bridge;
    struct ttb_node *nodes[NODES];
    struct place {
        unsigned calls, core;
    } places[NODES];
};

static int note_place(void *user, struct ttb_node *node, unsigned core)
{
    struct place *place = user;

    (void)node;
    place->calls++;
    place->core = core;
    return 0;
}

static int pretend_launch(void *user, struct ttb_node *node)
{
    (void)user;
    (void)node;
    return 0;
}

static const struct ttb_node_ops ops = {.launch = pretend_launch, .place = note_place};

/* Of two cores, whatever this machine has, and on one of them now. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ttb_bridge_opts opts = {.size = sizeof(opts), .directory = f->directory, .no_pin = true};
    struct ttb__placement *placement;

    strcpy(f->directory, "/tmp/ttb-place-XXXXXX");
    if (!mkdtemp(f->directory) || ttb_bridge_new(&opts, &f->bridge))
        return -1;
    placement = &f->bridge->placement;
    placement->automatic = true;
    placement->lane_count = 2;
    placement->core_count = 2;
    placement->cores[0] = 0;
    placement->cores[1] = 1;
    f->bridge->jobs = 1;
    for (unsigned i = 0; i < NODES; i++) {
        struct ttb_node_opts node_opts = {.size = sizeof(node_opts),
                                          .name = (char[]){(char)('a' + i), 0},
                                          .ops = &ops,
                                          .ops_user = &f->places[i]};

        if (ttb_bridge_add_node(f->bridge, &node_opts, &f->nodes[i]))
            return -1;
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->bridge->round);
    f->bridge->round = NULL;
    ttb_bridge_free(f->bridge);
    rmdir(f->directory);
    free(f);
    return 0;
}

/* A round in which the nodes ran so long, one after the other if they are on one core, else as much at
 * the same time as the lanes allow; 0: the node was not in it. */
static void round_of(struct fixture *f, const uint64_t times_ns[NODES], uint64_t hand_overs)
{
    struct ttb_bridge *bridge = f->bridge;
    uint64_t sum_ns = 0, lanes_ns[2] = {0}, wall_ns;

    free(bridge->round);
    bridge->round = calloc(NODES, sizeof(struct ttb_node *));
    bridge->round_count = 0;
    for (unsigned i = 0; i < NODES; i++) {
        if (times_ns[i] == 0)
            continue;
        bridge->round[bridge->round_count++] = f->nodes[i];
        f->nodes[i]->round_ns = times_ns[i];
        sum_ns += times_ns[i];
        lanes_ns[f->nodes[i]->lane] += times_ns[i];
    }
    wall_ns = sum_ns;
    if (bridge->jobs > 1) {
        wall_ns = lanes_ns[0] > lanes_ns[1] ? lanes_ns[0] : lanes_ns[1];
        bridge->placement.busy_ns = wall_ns;
    }
    bridge->placement.window.hand_overs += hand_overs;
    ttb__placement_note_round(bridge, wall_ns);
}

static bool is_spread(const struct fixture *f)
{
    return f->bridge->jobs > 1;
}

static void computing_nodes_are_spread(void **state)
{
    struct fixture *f = *state;

    round_of(f, (uint64_t[NODES]){40 * MS, 40 * MS}, 4);
    assert_true(is_spread(f));
    for (int i = 0; i < 10; i++)
        round_of(f, (uint64_t[NODES]){40 * MS, 40 * MS}, 4);
    assert_true(is_spread(f));
}

static void nodes_that_hand_over_much_stay_on_one_core(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++)
        round_of(f, (uint64_t[NODES]){8 * MS, 8 * MS}, 1000);
    assert_false(is_spread(f));
}

static void nodes_that_run_by_turns_stay_on_one_core(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++)
        round_of(f, (uint64_t[NODES]){i % 2 ? 40 * MS : 0, i % 2 ? 0 : 40 * MS}, 1);
    assert_false(is_spread(f));
}

static void what_no_longer_pays_is_left_after_two_windows(void **state)
{
    struct fixture *f = *state;

    round_of(f, (uint64_t[NODES]){40 * MS, 40 * MS}, 4);
    round_of(f, (uint64_t[NODES]){40 * MS, 40 * MS}, 4);
    round_of(f, (uint64_t[NODES]){40 * MS}, 4);
    assert_true(is_spread(f));
    round_of(f, (uint64_t[NODES]){40 * MS}, 4);
    assert_false(is_spread(f));
    /* It has paid, so it may again at once. */
    round_of(f, (uint64_t[NODES]){40 * MS, 40 * MS}, 4);
    assert_true(is_spread(f));
}

/* Looks like a gain from one core each time, and is none. */
static void what_never_pays_is_tried_less_and_less(void **state)
{
    struct fixture *f = *state;
    unsigned windows = 0, spread = 0;

    for (; windows < 2000; windows++) {
        spread += is_spread(f);
        if (is_spread(f))
            round_of(f, (uint64_t[NODES]){10 * MS, 10 * MS}, 2000);
        else
            round_of(f, (uint64_t[NODES]){5 * MS, 5 * MS}, 0);
    }
    assert_true(spread > 0);
    assert_true(spread < windows / 20);
}

static void lanes_share_the_load(void **state)
{
    struct fixture *f = *state;

    /* a and c are in one lane, and so would not run at the same time. */
    assert_int_equal(f->nodes[0]->lane, f->nodes[2]->lane);
    round_of(f, (uint64_t[NODES]){40 * MS, 0, 40 * MS, 0}, 4);
    assert_false(is_spread(f));
    assert_int_not_equal(f->nodes[0]->lane, f->nodes[2]->lane);
    round_of(f, (uint64_t[NODES]){40 * MS, 0, 40 * MS, 0}, 4);
    assert_true(is_spread(f));
}

static void processes_follow(void **state)
{
    struct fixture *f = *state;

    f->bridge->placement.pinned = true;
    sched_getaffinity(0, sizeof(f->bridge->placement.before), &f->bridge->placement.before);
    f->nodes[0]->launched = f->nodes[1]->launched = true;
    round_of(f, (uint64_t[NODES]){40 * MS, 40 * MS}, 4);
    assert_int_equal(f->places[0].calls, 1);
    assert_int_equal(f->places[0].core, 0);
    assert_int_equal(f->places[1].calls, 1);
    assert_int_equal(f->places[1].core, 1);
    assert_int_equal(f->places[2].calls, 0); /* has no process */
    round_of(f, (uint64_t[NODES]){40 * MS}, 4);
    round_of(f, (uint64_t[NODES]){40 * MS}, 4);
    assert_int_equal(f->places[0].core, 0);
    assert_int_equal(f->places[1].core, 0);
    f->nodes[0]->launched = f->nodes[1]->launched = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(computing_nodes_are_spread),
        TEST(nodes_that_hand_over_much_stay_on_one_core),
        TEST(nodes_that_run_by_turns_stay_on_one_core),
        TEST(what_no_longer_pays_is_left_after_two_windows),
        TEST(what_never_pays_is_tried_less_and_less),
        TEST(lanes_share_the_load),
        TEST(processes_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
