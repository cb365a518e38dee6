/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Look-ahead, the number of jobs and how the clock is shared change nothing but the wall time: random
 * networks of real nodes, with loads and faults, run in every variant. Every frame at every place and
 * time, all consoles and all exits are equal.
 *
 * TTB_LOOK_AHEAD_SEEDS=FIRST-LAST runs other networks than the few of the test suite.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#include "base/random.h"
#include "core/internal.h"

#include "same.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

#define NODES_MAX 5
#define LINKS_MAX (NODES_MAX + 1)
#define SEEDS     2

enum variant {
    WITHOUT_LOOK_AHEAD,
    WITH_LOOK_AHEAD,
    TWO_JOBS,
    THREE_JOBS,
    FOUR_JOBS,
    FOUR_JOBS_BY_MESSAGES,
    AUTOMATIC_JOBS,
    CHANGING_JOBS,
    NOTIFICATIONS_ARE_MESSAGES,
    VARIANTS,
};

static const struct {
    uint32_t jobs;
    uint32_t flap_rounds; /* change between one core and several so often */
    bool no_look_ahead;
    bool no_pin; /* the host puts nodes where it likes: who ends first is another one */
    bool no_shared_notifications; /* of kernels that can have them in shared memory */
    enum ttb_clock_mode clock_mode;
} variants[VARIANTS] = {
    [WITHOUT_LOOK_AHEAD] = {.jobs = 1, .no_look_ahead = true},
    [WITH_LOOK_AHEAD] = {.jobs = 1},
    [TWO_JOBS] = {.jobs = 2},
    [THREE_JOBS] = {.jobs = 3},
    [FOUR_JOBS] = {.jobs = 4, .no_pin = true},
    [FOUR_JOBS_BY_MESSAGES] = {.jobs = 4, .clock_mode = TTB_CLOCK_MESSAGES},
    [AUTOMATIC_JOBS] = {.jobs = TTB_JOBS_AUTO},
    [CHANGING_JOBS] = {.jobs = TTB_JOBS_AUTO, .flap_rounds = 3},
    [NOTIFICATIONS_ARE_MESSAGES] = {.jobs = 1, .no_shared_notifications = true},
};

struct trial {
    uint64_t seed;
    enum variant variant;
    struct ttb__random random; /* what is drawn from it must not depend on the variant */
    struct ttb_lab *lab;
    struct ttb_net *net;
    unsigned node_count, switch_count;
    struct ttb_lab_node *nodes[NODES_MAX];
    FILE *consoles[NODES_MAX];
    char *console_texts[NODES_MAX];
    size_t console_bytes[NODES_MAX];
    struct ttb_net_link *links[LINKS_MAX];
    unsigned link_count;
    FILE *frames; /* all that the network saw */
    char *frames_text;
    size_t frames_bytes;
    uint64_t grants;
    char ends[NODES_MAX * 64];
};

static uint32_t pick(struct trial *trial, uint32_t count)
{
    return ttb__random_u32(&trial->random) % count;
}

static void on_tap(void *user, const struct ttb_net_tap_record *record)
{
    struct trial *trial = user;

    fprintf(trial->frames, "%llu %s %d %s %zu %016llx\n", (unsigned long long)record->time_ns,
            ttb_net_end_name(record->end), record->event, ttb_net_drop_name(record->reason),
            record->len_bytes, (unsigned long long)hash_of(record->frame, record->len_bytes));
}

/* Without times: a line is stamped with the beginning of the grant in which it was printed. */
static void on_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct trial *trial = user;

    (void)time_ns;
    fprintf(trial->consoles[ttb_node_id(ttb_lab_node_as_node(node))], "%.*s\n", (int)len_bytes,
            text);
}

/* ------------------------------------------------------------------------- a random network */

static void make_params(struct trial *trial, struct ttb_net_params *params)
{
    static const uint64_t delays_ns[] = {0, 1, 10 * US, 300 * US, 2 * MS, 30 * MS};
    static const uint64_t rates_bps[] = {0, 1000000, 100000000, 1000000000};

    *params = (struct ttb_net_params){
        .size = sizeof(*params),
        .delay_ns = delays_ns[pick(trial, 6)],
        .rate_bps = rates_bps[pick(trial, 4)],
        .loss = pick(trial, 4) == 0 ? 0.02 : 0,
    };
    /* On a line without any delay two TCP ends can go on for ever at one instant. */
    if (params->delay_ns == 0 && params->rate_bps == 0)
        params->delay_ns = US;
}

static void make_commands(struct trial *trial, unsigned i, char *text, size_t size_bytes)
{
    unsigned peer = (i + 1 + pick(trial, trial->node_count - 1)) % trial->node_count + 1;

    switch (pick(trial, 5)) {
    case 0:
        snprintf(text, size_bytes, "ping -c %u -i 0.%02u 10.0.0.%u", 5 + pick(trial, 30),
                 1 + pick(trial, 20), peer);
        break;
    case 1: /* as fast as it can answer */
        snprintf(text, size_bytes, "ping -A -c %u 10.0.0.%u", 5 + pick(trial, 20), peer);
        break;
    case 2: /* a server of TCP for others, and perhaps a client of one */
        snprintf(text, size_bytes,
                 "dd if=/dev/urandom of=/tmp/data bs=1k count=%u 2>/dev/null; httpd -p 80 -h /tmp; "
                 "sleep 0.%02u; wget -q -T 3 -O - http://10.0.0.%u/data | md5sum; sleep 5",
                 20 + pick(trial, 500), 20 + pick(trial, 60), peer);
        break;
    case 3: /* writes to its disk meanwhile */
        snprintf(text, size_bytes,
                 "ping -q -c 10 -i 0.1 10.0.0.%u & dd if=/dev/urandom of=/data bs=4k count=%u "
                 "conv=fsync 2>/dev/null; md5sum /data; wait",
                 peer, 10 + pick(trial, 100));
        break;
    default:
        snprintf(text, size_bytes, "sleep 0.%02u; arping -c 3 -I eth0 10.0.0.%u; sleep 1",
                 1 + pick(trial, 90), peer);
        break;
    }
}

/* The bridging node forwards in no simulated time. */
static const char bridge_commands[] =
    "brctl addbr br0; brctl addif br0 eth0; brctl addif br0 eth1\n"
    "ip link set br0 up; sleep 4";

static void add_nodes(struct trial *trial)
{
    char name[8], address[32], commands[512];

    for (unsigned i = 0; i < trial->node_count; i++) {
        struct ttb_lab_node_opts opts = {.size = sizeof(opts),
                                         .name = name,
                                         .commands = commands,
                                         .clock_mode = variants[trial->variant].clock_mode};

        snprintf(name, sizeof(name), "n%u", i);
        make_commands(trial, i, commands, sizeof(commands));
        if (trial->switch_count == 2 && i + 1 == trial->node_count)
            strcpy(commands, bridge_commands);
        opts.start_ns = pick(trial, 3) == 0 ? pick(trial, 1000) * MS : 0;
        if (ttb_lab_add_node(trial->lab, &opts, &trial->nodes[i]))
            fail_msg("%s", ttb_lab_error(trial->lab));
        snprintf(address, sizeof(address), "10.0.0.%u/24", i + 1);
        trial->consoles[i] = open_memstream(&trial->console_texts[i], &trial->console_bytes[i]);
        assert_non_null(trial->consoles[i]);
    }
}

static struct ttb_net_end *add_port(struct trial *trial, unsigned node, const char *address)
{
    /* Drawn from nothing, so that the networks of a seed are those without these options. */
    static const uint64_t coalesce_ns[] = {0, 20 * US, 700 * US};
    struct ttb_lab_interface_opts opts = {
        .size = sizeof(opts),
        .addresses = {address},
        .offload = (trial->seed + node) % 2,
        .coalesce_ns = coalesce_ns[(trial->seed + node) % 3],
    };
    struct ttb_port *port;
    struct ttb_net_end *end;

    if (ttb_lab_node_add_interface(trial->nodes[node], &opts, &port))
        fail_msg("%s", ttb_lab_error(trial->lab));
    assert_int_equal(ttb_net_add_port(trial->net, port, &end), 0);
    return end;
}

static void connect(struct trial *trial, struct ttb_net_end *a, struct ttb_net_end *b)
{
    struct ttb_net_params there, back;

    make_params(trial, &there);
    make_params(trial, &back);
    assert_int_equal(
        ttb_net_connect(trial->net, a, b, &there, &back, &trial->links[trial->link_count++]), 0);
}

/* A star, or two stars that the last node, a bridge, connects. */
static void add_links(struct trial *trial)
{
    struct ttb_net_switch *switches[2];
    unsigned count = trial->switch_count;
    struct ttb_net_end *end;
    char address[32];

    for (unsigned i = 0; i < count; i++)
        assert_int_equal(ttb_net_add_switch(trial->net, NULL, &switches[i]), 0);
    for (unsigned i = 0; i < trial->node_count; i++) {
        bool bridges = count == 2 && i + 1 == trial->node_count;

        snprintf(address, sizeof(address), "10.0.0.%u/24", i + 1);
        for (unsigned j = 0; j < (bridges ? 2 : 1); j++) {
            assert_int_equal(ttb_net_switch_add_port(switches[bridges ? j : i % count], &end), 0);
            connect(trial, add_port(trial, i, bridges ? NULL : address), end);
        }
    }
}

/* --------------------------------------------------------------------------------- faults */

static void change_a_link(void *user, uint64_t time_ns)
{
    struct trial *trial = user;
    struct ttb_net_params params;

    (void)time_ns;
    make_params(trial, &params);
    assert_int_equal(ttb_net_link_set(trial->links[pick(trial, trial->link_count)], NULL, &params),
                     0);
}

static void flip_a_link(void *user, uint64_t time_ns)
{
    struct trial *trial = user;
    struct ttb_net_link *link = trial->links[pick(trial, trial->link_count)];

    (void)time_ns;
    assert_int_equal(ttb_net_link_set_up(link, !ttb_net_link_is_up(link)), 0);
}

static void pause_or_resume(void *user, uint64_t time_ns)
{
    struct trial *trial = user;
    struct ttb_node *node = ttb_lab_node_as_node(trial->nodes[pick(trial, trial->node_count)]);

    (void)time_ns;
    if (ttb_node_resume(node))
        ttb_node_pause(node);
}

static void resume_all(void *user, uint64_t time_ns)
{
    struct trial *trial = user;

    (void)time_ns;
    for (unsigned i = 0; i < trial->node_count; i++)
        ttb_node_resume(ttb_lab_node_as_node(trial->nodes[i]));
}

static void stop_and_restart(void *user, uint64_t time_ns)
{
    struct trial *trial = user;
    struct ttb_node *node = ttb_lab_node_as_node(trial->nodes[pick(trial, trial->node_count)]);

    if (ttb_node_stop(node) == 0)
        ttb_node_restart(node, time_ns + 50 * MS);
}

static void plan_faults(struct trial *trial)
{
    static const ttb_net_timer_fn faults[] = {change_a_link, flip_a_link, pause_or_resume,
                                              stop_and_restart};
    unsigned count = pick(trial, 6);

    for (unsigned i = 0; i < count; i++) {
        uint64_t time_ns = pick(trial, 2000000) * US;

        assert_int_equal(ttb_net_call_at(trial->net, time_ns, faults[pick(trial, 4)], trial, NULL),
                         0);
    }
    assert_int_equal(ttb_net_call_at(trial->net, 3 * S, resume_all, trial, NULL), 0);
}

/* ------------------------------------------------------------------------------------ trials */

static void note_ends(struct trial *trial)
{
    size_t used = 0;

    for (unsigned i = 0; i < trial->node_count; i++) {
        struct ttb_node *node = ttb_lab_node_as_node(trial->nodes[i]);
        struct ttb_node_stats stats;
        int status = -1;

        ttb_lab_node_exit_status(trial->nodes[i], &status);
        ttb_node_get_stats(node, &stats);
        trial->grants += stats.grants;
        used += (size_t)snprintf(trial->ends + used, sizeof(trial->ends) - used, "n%u %s %d; ", i,
                                 ttb_node_state_name(ttb_node_get_state(node)), status);
        if (ttb_node_get_state(node) == TTB_NODE_FAILED)
            fail_msg("seed %llu: n%u failed: %s", (unsigned long long)trial->seed, i,
                     ttb_node_failure(node));
    }
}

static void run_trial(struct trial *trial)
{
    struct ttb_bridge_opts bridge = {
        .size = sizeof(bridge),
        .no_look_ahead = variants[trial->variant].no_look_ahead,
        .no_pin = variants[trial->variant].no_pin,
        .no_shared_notifications = variants[trial->variant].no_shared_notifications,
        .jobs = variants[trial->variant].jobs,
    };
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = trial->seed, .bridge = &bridge};
    struct ttb_net_opts net_opts = {.size = sizeof(net_opts), .seed = trial->seed};
    char error[512];

    ttb__random_seed(&trial->random, trial->seed, 0);
    trial->node_count = 2 + pick(trial, NODES_MAX - 1);
    trial->switch_count = 1 + (trial->node_count > 3 && pick(trial, 2));
    trial->frames = open_memstream(&trial->frames_text, &trial->frames_bytes);
    assert_non_null(trial->frames);
    if (ttb_lab_new(&opts, &trial->lab, error, sizeof(error)))
        fail_msg("%s", error);
    if (variants[trial->variant].flap_rounds)
        ttb__placement_flap(ttb_lab_bridge(trial->lab), variants[trial->variant].flap_rounds);
    ttb_lab_on_console_line(trial->lab, on_line, trial);
    assert_int_equal(ttb_net_new(ttb_lab_bridge(trial->lab), &net_opts, &trial->net), 0);
    add_nodes(trial);
    add_links(trial);
    plan_faults(trial);
    ttb_net_set_tap(trial->net, on_tap, trial);
    if (ttb_net_run(trial->net, 20 * S))
        fail_msg("seed %llu: %s", (unsigned long long)trial->seed, ttb_net_error(trial->net));
    note_ends(trial);
    ttb_net_free(trial->net);
    ttb_lab_free(trial->lab);
    fclose(trial->frames);
    for (unsigned i = 0; i < trial->node_count; i++)
        fclose(trial->consoles[i]);
}

static void forget(struct trial *trial)
{
    free(trial->frames_text);
    for (unsigned i = 0; i < trial->node_count; i++)
        free(trial->console_texts[i]);
}

static void compare(const struct trial *first, const struct trial *other)
{
    char what[80];
    int used = snprintf(what, sizeof(what), "seed %llu, variant %d, ",
                        (unsigned long long)other->seed, (int)other->variant);

    snprintf(what + used, sizeof(what) - (size_t)used, "frames");
    assert_same_text(what, first->frames_text, other->frames_text);
    for (unsigned i = 0; i < first->node_count; i++) {
        snprintf(what + used, sizeof(what) - (size_t)used, "console of n%u", i);
        assert_same_text(what, first->console_texts[i], other->console_texts[i]);
    }
    assert_string_equal(first->ends, other->ends);
}

static void every_variant_gives_the_same_frames_consoles_and_exits(void **state)
{
    unsigned long first_seed = 1, last_seed = SEEDS;
    const char *wanted = getenv("TTB_LOOK_AHEAD_SEEDS");

    (void)state;
    if (wanted && sscanf(wanted, "%lu-%lu", &first_seed, &last_seed) != 2)
        fail_msg("TTB_LOOK_AHEAD_SEEDS is \"%s\", not FIRST-LAST", wanted);
    for (unsigned long seed = first_seed; seed <= last_seed; seed++) {
        struct trial trials[VARIANTS] = {0};

        for (int i = 0; i < VARIANTS; i++) {
            trials[i].seed = seed;
            trials[i].variant = (enum variant)i;
            run_trial(&trials[i]);
            if (i > 0)
                compare(&trials[0], &trials[i]);
        }
        print_message("seed %lu: %u nodes, %zu bytes about frames, %llu grants, with look-ahead "
                      "%llu; %s\n",
                      seed, trials[0].node_count, trials[0].frames_bytes,
                      (unsigned long long)trials[0].grants, (unsigned long long)trials[1].grants,
                      trials[0].ends);
        for (int i = 0; i < VARIANTS; i++)
            forget(&trials[i]);
    }
}

/* ------------------------------------------------------------------------- broken promises */

struct liar {
    struct ttb_port *ports[2];
    uint64_t sent_ns;
};

static void note_time(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                      size_t len_bytes)
{
    struct liar *liar = user;

    (void)port;
    (void)frame;
    (void)len_bytes;
    liar->sent_ns = time_ns;
}

static void a_frame_that_comes_before_it_can_is_refused_with_both_times(void **state)
{
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1};
    const char *const commands[] = {"sleep 1; arping -c 1 -I eth0 10.0.0.9",
                                    "while :; do usleep 500; done"};
    const char *const names[] = {"sender", "busy"};
    struct liar liar = {0};
    struct ttb_bridge *bridge;
    struct ttb_lab *lab;
    uint64_t now_ns;
    char frame[60] = {0}, times[96];

    (void)state;
    assert_int_equal(ttb_lab_new(&opts, &lab, NULL, 0), 0);
    bridge = ttb_lab_bridge(lab);
    for (int i = 0; i < 2; i++) {
        struct ttb_lab_node_opts node_opts = {
            .size = sizeof(node_opts), .name = names[i], .commands = commands[i]};
        struct ttb_lab_interface_opts interface = {.size = sizeof(interface)};
        struct ttb_lab_node *node;

        assert_int_equal(ttb_lab_add_node(lab, &node_opts, &node), 0);
        assert_int_equal(ttb_lab_node_add_interface(node, &interface, &liar.ports[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            ttb_bridge_set_latency(bridge, liar.ports[i], liar.ports[i], TTB_TIME_NEVER), 0);
        assert_int_equal(ttb_bridge_set_latency(bridge, liar.ports[i], liar.ports[1 - i], 50 * MS),
                         0);
    }
    ttb_port_on_transmit(liar.ports[0], note_time, &liar);
    while (liar.sent_ns < S) /* IPv6 says something when the interface comes up */
        assert_int_equal(ttb_bridge_advance(bridge, 2 * S, &now_ns), 0);
    assert_true(now_ns == liar.sent_ns);
    assert_int_equal(ttb_port_deliver(liar.ports[1], frame, sizeof(frame)), -ETIME);
    snprintf(times, sizeof(times),
             "node busy port eth0: a frame at %llu ns, but the node may have run up to ",
             (unsigned long long)now_ns);
    assert_non_null(strstr(ttb_bridge_error(bridge), times));
    /* When it comes as late as was promised it is taken. */
    assert_int_equal(ttb_bridge_advance(bridge, liar.sent_ns + 50 * MS, &now_ns), 0);
    assert_true(now_ns == liar.sent_ns + 50 * MS);
    assert_int_equal(ttb_port_deliver(liar.ports[1], frame, sizeof(frame)), 0);
    ttb_lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_that_comes_before_it_can_is_refused_with_both_times),
        cmocka_unit_test(every_variant_gives_the_same_frames_consoles_and_exits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
