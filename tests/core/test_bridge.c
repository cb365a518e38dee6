/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bridge with participants that are threads of this program: who runs when, start and end of
 * life, trouble. What needs ports and kernels is tested with real kernels (tests/link, tests/ns3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <ttbridge/bridge.h>
#include <ttbridge/participant.h>

#define MS 1000000ULL

/* ------------------------------------------------------------------------------------ fixture */

#define LOG_LINES 4096

struct fixture {
    char directory[64];
    struct ttb_bridge *bridge;
    char lines[LOG_LINES][48]; /* what participants did, in the order they did it */
    atomic_uint line_count;
    char events[16][TTB_NAME_MAX + 96]; /* node states */
    unsigned event_count;
    char said[4096]; /* the bridge's log */
};

static void collect_log(void *user, enum ttb_log_level level, const char *text)
{
    struct fixture *f = user;
    size_t used = strlen(f->said);

    if (level >= TTB_LOG_WARNING)
        snprintf(f->said + used, sizeof(f->said) - used, "%s\n", text);
}

static void collect_state(void *user, struct ttb_node *node, enum ttb_node_state state,
                          uint64_t time_ns, const char *why)
{
    struct fixture *f = user;

    assert_true(f->event_count < 16);
    snprintf(f->events[f->event_count++], sizeof(f->events[0]), "%s %s at %llu%s%.60s",
             ttb_node_name(node), ttb_node_state_name(state), (unsigned long long)time_ns,
             why[0] ? ": " : "", why);
}

static void new_bridge(struct fixture *f, const struct ttb_loop *loop)
{
    struct ttb_bridge_opts opts = {
        .size = sizeof(opts),
        .loop = loop,
        .directory = f->directory,
        .connect_timeout_ms = 2000,
        .hang_report_ms = 100,
        .hang_kill_ms = 300,
        .log = collect_log,
        .log_user = f,
    };

    assert_int_equal(ttb_bridge_new(&opts, &f->bridge), 0);
    ttb_bridge_on_node_state(f->bridge, collect_state, f);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/ttb-core-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    new_bridge(f, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_bridge_free(f->bridge);
    /* Fails if the bridge left a socket behind. */
    if (rmdir(f->directory) < 0) {
        print_error("%s is not empty\n", f->directory);
        return -1;
    }
    free(f);
    return 0;
}

static struct ttb_node *add_node(struct fixture *f, const char *name, uint64_t start_ns)
{
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = name, .start_ns = start_ns};
    struct ttb_node *node;

    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), 0);
    return node;
}

static void advance_to(struct fixture *f, uint64_t until_ns)
{
    uint64_t now_ns;
    int rc = ttb_bridge_advance(f->bridge, until_ns, &now_ns);

    if (rc)
        fail_msg("advance: %s: %s", strerror(-rc), ttb_bridge_error(f->bridge));
    assert_int_equal(now_ns, until_ns);
}

/* ------------------------------------------------------------------------------ participants */

/* What a participant's thread does. */
struct actor {
    struct fixture *f;
    const char *name;
    const char *path;
    uint64_t id;
    uint64_t period_ns;
    unsigned ticks;
    unsigned connect_delay_ms;
    enum {
        END_CLOSE,      /* disconnect after the last tick, while running */
        END_SLEEP,      /* wait for ever */
        END_HANG,       /* run for ever, without asking */
        END_DIE_ASLEEP, /* disconnect while waiting */
    } end;
    bool broadcasts;
    uint64_t time_of_day_ns;
    atomic_uint broadcasts_heard;
    uint64_t broadcast_value;
    atomic_bool release; /* for END_HANG: may go */
    pthread_t thread;
};

static void note(struct fixture *f, const char *name, uint64_t local_ns)
{
    unsigned line = atomic_fetch_add(&f->line_count, 1);

    if (line < LOG_LINES) {
        snprintf(f->lines[line], sizeof(f->lines[0]), "%s %llu", name,
                 (unsigned long long)(local_ns / MS));
    }
}

static void hear(void *user, uint64_t value)
{
    struct actor *actor = user;

    actor->broadcast_value = value;
    atomic_fetch_add(&actor->broadcasts_heard, 1);
}

static void *act(void *user)
{
    struct actor *actor = user;
    struct ttb_participant *me;
    uint64_t now_ns;
    int rc;

    usleep(actor->connect_delay_ms * 1000);
    rc = ttb_participant_connect(actor->path, actor->id, &me);
    if (rc)
        return (void *)(intptr_t)rc;
    ttb_participant_on_broadcast(me, hear, actor);
    for (unsigned i = 0; i < actor->ticks && !rc; i++) {
        rc = ttb_participant_run_to(me, i * actor->period_ns);
        if (rc)
            break;
        note(actor->f, actor->name, ttb_participant_now_ns(me));
        if (i == 0)
            rc = ttb_participant_time_of_day(me, &actor->time_of_day_ns);
        if (i == 0 && actor->broadcasts)
            rc = ttb_participant_broadcast(me, 0xb0adca57);
    }
    if (!rc) {
        switch (actor->end) {
        case END_CLOSE:
            break;
        case END_SLEEP:
            rc = ttb_participant_wait(me, &now_ns);
            break;
        case END_HANG:
            while (!actor->release)
                usleep(1000);
            break;
        case END_DIE_ASLEEP:
            rc = ttb_participant_request(me, 1000000 * MS);
            /* A WAIT of its own making: after it nothing may be said. */
            if (!rc) {
                struct {
                    uint32_t op, seq;
                    uint64_t time;
                } wait = {3, 0x7fffffff, UINT64_MAX};

                if (write(ttb_participant_fd(me), &wait, sizeof(wait)) != sizeof(wait))
                    rc = -errno;
                usleep(200 * 1000);
            }
            break;
        }
    }
    ttb_participant_free(me);
    return (void *)(intptr_t)rc;
}

static void enter(struct fixture *f, struct actor *actor, struct ttb_node *node, const char *name)
{
    actor->f = f;
    actor->name = name;
    actor->path = ttb_node_socket_path(node);
    if (!actor->id)
        actor->id = ttb_node_id(node);
    assert_int_equal(pthread_create(&actor->thread, NULL, act, actor), 0);
}

static int leave(struct actor *actor)
{
    void *result;

    assert_int_equal(pthread_join(actor->thread, &result), 0);
    return (int)(intptr_t)result;
}

static void assert_lines(struct fixture *f, const char *const *expected, unsigned count)
{
    assert_int_equal(atomic_load(&f->line_count), count);
    for (unsigned i = 0; i < count; i++)
        assert_string_equal(f->lines[i], expected[i]);
}

/* -------------------------------------------------------------------------------------- tests */

static void nodes_run_in_order_of_time_then_id_whoever_connects_first(void **state)
{
    struct fixture *f = *state;
    static const char *const expected[] = {"a 0",  "b 0",  "c 0",  "a 10", "b 10", "c 15",
                                           "a 20", "b 20", "a 30", "b 30", "c 30"};
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0), *c = add_node(f, "c", 0);
    struct actor actors[] = {
        {.period_ns = 10 * MS, .ticks = 4, .connect_delay_ms = 60},
        {.period_ns = 10 * MS, .ticks = 4, .connect_delay_ms = 30},
        {.period_ns = 15 * MS, .ticks = 3},
    };

    enter(f, &actors[0], a, "a");
    enter(f, &actors[1], b, "b");
    enter(f, &actors[2], c, "c");
    advance_to(f, 100 * MS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(leave(&actors[i]), 0);
    assert_lines(f, expected, 11);
}

static void nodes_run_strictly_before_until(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0);
    struct actor actor = {.period_ns = 10 * MS, .ticks = 3};

    enter(f, &actor, a, "a");
    advance_to(f, 20 * MS);
    assert_int_equal(atomic_load(&f->line_count), 2);
    assert_int_equal(ttb_bridge_next_ns(f->bridge), 20 * MS);
    advance_to(f, 20 * MS); /* again: nothing to do */
    assert_int_equal(atomic_load(&f->line_count), 2);
    advance_to(f, 20 * MS + 1);
    assert_int_equal(atomic_load(&f->line_count), 3);
    assert_int_equal(leave(&actor), 0);
}

static void without_nodes_only_the_clock_moves(void **state)
{
    struct fixture *f = *state;
    uint64_t now_ns;

    assert_int_equal(ttb_bridge_next_ns(f->bridge), TTB_TIME_NEVER);
    advance_to(f, 5 * MS);
    assert_int_equal(ttb_bridge_now_ns(f->bridge), 5 * MS);
    advance_to(f, TTB_TIME_NEVER);
    assert_int_equal(ttb_bridge_now_ns(f->bridge), 5 * MS);
    assert_int_equal(ttb_bridge_advance(f->bridge, 4 * MS, &now_ns), -EINVAL);
    assert_non_null(strstr(ttb_bridge_error(f->bridge), "4000000 lies before the clock (5000000)"));
}

static void a_late_joiner_starts_at_local_time_zero(void **state)
{
    struct fixture *f = *state;
    static const char *const expected[] = {"a 0", "a 10", "late 0", "late 3", "late 6", "a 20"};
    struct ttb_node *a = add_node(f, "a", 0), *late = add_node(f, "late", 12 * MS);
    struct actor first = {.period_ns = 10 * MS, .ticks = 3};
    struct actor second = {.period_ns = 3 * MS, .ticks = 3};

    enter(f, &first, a, "a");
    enter(f, &second, late, "late"); /* connects early, and is held back */
    advance_to(f, 100 * MS);
    assert_int_equal(leave(&first), 0);
    assert_int_equal(leave(&second), 0);
    assert_lines(f, expected, 6);
    /* time of day goes on, though */
    assert_int_equal(first.time_of_day_ns, 1735689600000000000ULL);
    assert_int_equal(second.time_of_day_ns, 1735689600000000000ULL + 12 * MS);
}

static void a_node_that_ends_by_itself_has_stopped_and_may_start_again(void **state)
{
    struct fixture *f = *state;
    static const char *const expected[] = {"a 0", "a 1", "again 0", "again 1"};
    struct ttb_node *a = add_node(f, "a", 0);
    struct actor first = {.period_ns = MS, .ticks = 2}, second = first;

    enter(f, &first, a, "a");
    advance_to(f, 10 * MS);
    assert_int_equal(leave(&first), 0);
    assert_int_equal(ttb_node_get_state(a), TTB_NODE_STOPPED);
    assert_int_equal(ttb_node_restart(a, 5 * MS), -EINVAL);
    assert_int_equal(ttb_node_restart(a, 20 * MS), 0);
    enter(f, &second, a, "again");
    advance_to(f, 30 * MS);
    assert_int_equal(leave(&second), 0);
    assert_lines(f, expected, 4);
    assert_int_equal(f->event_count, 4);
    assert_string_equal(f->events[0], "a waiting at 0");
    assert_string_equal(f->events[1], "a stopped at 1000000");
    assert_string_equal(f->events[2], "a waiting at 20000000");
    assert_string_equal(f->events[3], "a stopped at 21000000");
}

static void a_stopped_node_leaves_the_others_alone(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0);
    struct actor one = {.period_ns = 10 * MS, .ticks = 100},
                 two = {.period_ns = 10 * MS, .ticks = 4};

    enter(f, &one, a, "a");
    enter(f, &two, b, "b");
    advance_to(f, 15 * MS);
    assert_int_equal(ttb_node_stop(a), 0);
    assert_int_equal(ttb_node_stop(a), -EALREADY);
    advance_to(f, 100 * MS);
    assert_int_equal(leave(&one), -ECONNRESET);
    assert_int_equal(leave(&two), 0);
    assert_int_equal(ttb_node_get_state(a), TTB_NODE_STOPPED);
    assert_int_equal(atomic_load(&f->line_count), 2 + 4);
}

static void a_node_that_dies_asleep_is_reported_within_a_second_and_the_rest_goes_on(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0);
    struct actor one = {.period_ns = MS, .ticks = 1, .end = END_DIE_ASLEEP};
    struct actor two = {.period_ns = 10 * MS, .ticks = 3, .end = END_SLEEP};

    enter(f, &one, a, "a");
    enter(f, &two, b, "b");
    advance_to(f, 15 * MS);
    usleep(600 * 1000);
    advance_to(f, 16 * MS);
    assert_int_equal(ttb_node_get_state(a), TTB_NODE_FAILED);
    assert_non_null(
        strstr(f->said, "node a failed: it closed its connection while it was waiting"));
    advance_to(f, 100 * MS);
    assert_int_equal(ttb_node_get_state(b), TTB_NODE_WAITING);
    assert_int_equal(leave(&one), 0);
    assert_int_equal(ttb_node_stop(b), 0);
    assert_int_equal(leave(&two), -ECONNRESET);
}

static void a_hung_node_is_reported_then_ended_and_the_rest_goes_on(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0);
    struct actor one = {.period_ns = MS, .ticks = 2, .end = END_HANG};
    struct actor two = {.period_ns = 10 * MS, .ticks = 3};

    enter(f, &one, a, "a");
    enter(f, &two, b, "b");
    advance_to(f, 100 * MS);
    one.release = true;
    leave(&one);
    assert_int_equal(leave(&two), 0);
    assert_int_equal(ttb_node_get_state(a), TTB_NODE_FAILED);
    assert_int_equal(ttb_node_get_state(b), TTB_NODE_STOPPED);
    assert_non_null(strstr(f->said, "node a: 0.1 s of wall time without simulated progress"));
    assert_non_null(strstr(f->said, "node a failed: hung: no simulated progress for 0.3 s"));
}

/* Whoever looks first finds it held, and by the next look it has been let go. */
struct debugger {
    unsigned looks, held_for_looks;
    struct actor *goes_on; /* when it is let go; NULL: hangs by itself */
};

static bool is_held(void *user, struct ttb_node *node)
{
    struct debugger *debugger = user;

    (void)node;
    if (debugger->looks++ < debugger->held_for_looks)
        return true;
    if (debugger->goes_on)
        debugger->goes_on->release = true;
    return false;
}

static enum ttb_node_state run_held(struct fixture *f, const char *name, struct debugger *debugger,
                                    struct actor *actor)
{
    static const struct ttb_node_ops ops = {.is_held = is_held};
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = name, .ops = &ops};
    uint64_t now_ns = ttb_bridge_now_ns(f->bridge);
    struct ttb_node *node;

    opts.ops_user = debugger;
    opts.start_ns = now_ns;
    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), 0);
    enter(f, actor, node, name);
    advance_to(f, now_ns + 100 * MS);
    actor->release = true;
    leave(actor);
    return ttb_node_get_state(node);
}

static void a_node_that_a_debugger_let_go_just_now_has_its_time_again(void **state)
{
    struct fixture *f = *state;
    struct actor one = {.period_ns = MS, .ticks = 2, .end = END_HANG}, two = one;
    struct debugger lets_go = {.held_for_looks = 2, .goes_on = &one};
    struct debugger in_vain = {.held_for_looks = 1};

    assert_int_equal(run_held(f, "a", &lets_go, &one), TTB_NODE_STOPPED);
    assert_int_equal(lets_go.looks, 3);
    assert_int_equal(run_held(f, "b", &in_vain, &two), TTB_NODE_FAILED);
    assert_int_equal(in_vain.looks, 3);
}

static void a_node_that_never_connects_fails_and_the_rest_goes_on(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0);
    struct actor two = {.period_ns = 10 * MS, .ticks = 3};

    enter(f, &two, b, "b");
    advance_to(f, 100 * MS);
    assert_int_equal(leave(&two), 0);
    assert_int_equal(ttb_node_get_state(a), TTB_NODE_FAILED);
    assert_non_null(strstr(f->said, "node a failed: did not connect within 2000 ms"));
}

static void ids_that_are_nobodys_and_second_participants_are_refused(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0);
    struct actor good = {.period_ns = 10 * MS, .ticks = 2};
    struct actor stranger = {.id = 77, .period_ns = MS, .ticks = 1, .connect_delay_ms = 20};
    struct actor nobody = {.id = UINT64_MAX, .period_ns = MS, .ticks = 1, .connect_delay_ms = 20};

    enter(f, &stranger, a, "stranger");
    enter(f, &nobody, a, "nobody");
    usleep(50 * 1000);
    good.connect_delay_ms = 50;
    enter(f, &good, a, "a");
    advance_to(f, 50 * MS);
    assert_int_equal(leave(&good), 0);
    assert_int_equal(leave(&stranger), -ECONNRESET);
    assert_int_equal(leave(&nobody), -ECONNRESET);
    assert_non_null(strstr(f->said, "START id 77 is no node's"));
    assert_non_null(strstr(f->said, "START id 18446744073709551615 is no node's"));
}

static void a_participant_that_does_not_say_who_it_is_may_have_a_socket_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = "model", .own_socket = true};
    struct ttb_node *model;
    struct actor actor = {.id = TTB_PARTICIPANT_ANONYMOUS, .period_ns = 10 * MS, .ticks = 2};

    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &model), 0);
    assert_non_null(strstr(ttb_node_socket_path(model), "/model.tt"));
    enter(f, &actor, model, "model");
    advance_to(f, 50 * MS);
    assert_int_equal(leave(&actor), 0);
    assert_int_equal(atomic_load(&f->line_count), 2);
}

static void a_broadcast_reaches_all_others(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0), *c = add_node(f, "c", 0);
    struct actor actors[] = {
        {.period_ns = 10 * MS, .ticks = 3},
        {.period_ns = 10 * MS, .ticks = 3},
        {.period_ns = 10 * MS, .ticks = 3, .broadcasts = true},
    };

    enter(f, &actors[0], a, "a");
    enter(f, &actors[1], b, "b");
    enter(f, &actors[2], c, "c");
    advance_to(f, 50 * MS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(leave(&actors[i]), 0);
    assert_int_equal(atomic_load(&actors[0].broadcasts_heard), 1);
    assert_int_equal(atomic_load(&actors[1].broadcasts_heard), 1);
    assert_int_equal(atomic_load(&actors[2].broadcasts_heard), 0);
    assert_int_equal(actors[0].broadcast_value, 0xb0adca57);
}

static void wrong_options_are_named(void **state)
{
    struct fixture *f = *state;
    struct ttb_node_opts opts = {.size = sizeof(opts), .name = "has space"};
    struct ttb_port_opts port_opts = {.size = sizeof(port_opts), .name = "eth0", .mac = {1}};
    struct ttb_bridge_opts bridge_opts = {.size = sizeof(bridge_opts),
                                          .directory = "/nonexistent",
                                          .log = collect_log,
                                          .log_user = f};
    struct ttb_bridge *none;
    struct ttb_node *node;
    struct ttb_port *port;

    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), -EINVAL);
    assert_non_null(strstr(ttb_bridge_error(f->bridge), "\"has space\""));
    opts.name = "n";
    opts.size = 1;
    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), -EINVAL);
    opts.size = sizeof(opts);
    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), 0);
    assert_int_equal(ttb_bridge_add_node(f->bridge, &opts, &node), -EEXIST);
    assert_string_equal(ttb_bridge_error(f->bridge), "there is a node n already");
    assert_int_equal(ttb_node_add_port(node, &port_opts, &port), -EINVAL);
    assert_non_null(strstr(ttb_bridge_error(f->bridge), "group address"));
    port_opts.mac[0] = 0;
    assert_int_equal(ttb_node_add_port(node, &port_opts, &port), 0);
    assert_int_equal(ttb_node_add_port(node, &port_opts, &port), -EEXIST);
    assert_int_equal(ttb_bridge_new(&bridge_opts, &none), -ENOENT);
    assert_null(none);
    assert_non_null(strstr(f->said, "directory /nonexistent: No such file"));
}

static void ports_have_fixed_macs_and_private_sockets(void **state)
{
    struct fixture *f = *state;
    struct ttb_node *a = add_node(f, "a", 0), *b = add_node(f, "b", 0);
    struct ttb_port_opts opts = {.size = sizeof(opts), .name = "eth0"};
    struct ttb_port *port;
    struct stat status;
    uint8_t mac[6];

    assert_int_equal(ttb_node_add_port(a, &opts, &port), 0);
    assert_int_equal(ttb_node_add_port(b, &opts, &port), 0);
    opts.name = "eth1";
    assert_int_equal(ttb_node_add_port(b, &opts, &port), 0);
    ttb_port_get_mac(port, mac);
    assert_memory_equal(mac, ((uint8_t[]){2, 0x74, 0x74, 0, 1, 1}), 6);
    assert_int_equal(ttb_port_mtu(port), 1500);
    assert_int_equal(stat(ttb_port_socket_path(port), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(ttb_port_deliver(port, "0123456789abcdef", 16), -ENETDOWN);
    assert_int_equal(ttb_port_deliver(port, "0123", 4), -EINVAL);
}

/* ---------------------------------------------------------------------- a loop of one's own */

struct poll_watch {
    int fd;
    short events;
    ttb_watch_fn fn;
    void *user;
};

struct poll_loop {
    struct poll_watch watches[64];
    unsigned turns;
};

static int poll_add(void *impl, int fd, uint32_t events, ttb_watch_fn fn, void *user,
                    struct ttb_watch **watch)
{
    struct poll_loop *loop = impl;

    for (int i = 0; i < 64; i++) {
        if (loop->watches[i].fn)
            continue;
        loop->watches[i] = (struct poll_watch){fd, (short)events, fn, user};
        *watch = (struct ttb_watch *)&loop->watches[i];
        return 0;
    }
    return -ENOSPC;
}

static int poll_modify(void *impl, struct ttb_watch *watch, uint32_t events)
{
    (void)impl;
    ((struct poll_watch *)watch)->events = (short)events;
    return 0;
}

static void poll_remove(void *impl, struct ttb_watch *watch)
{
    (void)impl;
    ((struct poll_watch *)watch)->fn = NULL;
}

static int poll_turn(void *impl, int timeout_ms)
{
    struct poll_loop *loop = impl;
    struct pollfd fds[64];
    int called = 0;

    loop->turns++;
    for (int i = 0; i < 64; i++) {
        fds[i] = (struct pollfd){.fd = loop->watches[i].fn ? loop->watches[i].fd : -1,
                                 .events = loop->watches[i].events};
    }
    if (poll(fds, 64, timeout_ms) < 0)
        return -errno;
    for (int i = 0; i < 64; i++) {
        if (!fds[i].revents || !loop->watches[i].fn || loop->watches[i].fd != fds[i].fd)
            continue;
        loop->watches[i].fn(loop->watches[i].user, (uint32_t)fds[i].revents);
        called++;
    }
    return called;
}

static void the_loop_can_be_the_embedders(void **state)
{
    struct fixture *f = *state;
    static const struct ttb_loop_ops ops = {poll_add, poll_modify, poll_remove, poll_turn};
    struct poll_loop impl = {0};
    struct ttb_loop loop = {&ops, &impl};
    struct actor actor = {.period_ns = 10 * MS, .ticks = 5};

    ttb_bridge_free(f->bridge);
    new_bridge(f, &loop);
    enter(f, &actor, add_node(f, "a", 0), "a");
    advance_to(f, 100 * MS);
    assert_int_equal(leave(&actor), 0);
    assert_int_equal(atomic_load(&f->line_count), 5);
    assert_true(impl.turns > 0);
    ttb_bridge_free(f->bridge);
    for (int i = 0; i < 64; i++)
        assert_null(impl.watches[i].fn); /* nothing of ours stays in it */
    new_bridge(f, NULL);
}

static void two_bridges_in_one_process_do_not_know_each_other(void **state)
{
    struct fixture *f = *state;
    struct fixture *g;
    void *other = NULL;
    struct actor one = {.period_ns = 10 * MS, .ticks = 3}, two = {.period_ns = 7 * MS, .ticks = 3};

    assert_int_equal(set_up(&other), 0);
    g = other;
    enter(f, &one, add_node(f, "a", 0), "a");
    enter(g, &two, add_node(g, "a", 0), "a");
    advance_to(f, 15 * MS);
    advance_to(g, 8 * MS);
    assert_int_equal(ttb_bridge_now_ns(f->bridge), 15 * MS);
    assert_int_equal(ttb_bridge_now_ns(g->bridge), 8 * MS);
    advance_to(f, 50 * MS);
    advance_to(g, 50 * MS);
    assert_int_equal(leave(&one), 0);
    assert_int_equal(leave(&two), 0);
    assert_int_equal(atomic_load(&f->line_count), 3);
    assert_int_equal(atomic_load(&g->line_count), 3);
    assert_int_equal(tear_down(&other), 0);
}

/* A whole bridge that takes its time from somebody else's calendar. */
static void *inner_simulation(void *user)
{
    struct fixture *inner = user;
    struct ttb_participant *me;
    int rc = ttb_participant_connect(inner->said, 0, &me); /* the outer calendar's path */

    inner->said[0] = 0;
    while (!rc) {
        uint64_t next_ns = ttb_bridge_next_ns(inner->bridge), now_ns;

        if (next_ns == TTB_TIME_NEVER)
            break;
        rc = ttb_participant_run_to(me, next_ns);
        if (!rc)
            rc = ttb_bridge_advance(inner->bridge, next_ns + 1, &now_ns);
    }
    ttb_participant_free(me);
    return (void *)(intptr_t)rc;
}

static void a_bridge_can_be_a_participant_of_another_calendar(void **state)
{
    struct fixture *f = *state, *inner;
    static const char *const expected[] = {"in 0",   "out 0", "out 10", "in 15",
                                           "out 20", "in 30", "out 30"};
    struct ttb_node *gate = add_node(f, "gate", 0), *out = add_node(f, "out", 0);
    struct actor outside = {.period_ns = 10 * MS, .ticks = 4};
    struct actor inside = {.period_ns = 15 * MS, .ticks = 3};
    void *other = NULL, *result;
    pthread_t thread;

    assert_int_equal(set_up(&other), 0);
    inner = other;
    enter(f, &outside, out, "out");
    enter(inner, &inside, add_node(inner, "in", 0), "in");
    inside.f = f; /* one log for both */
    snprintf(inner->said, sizeof(inner->said), "%s", ttb_node_socket_path(gate));
    assert_int_equal(pthread_create(&thread, NULL, inner_simulation, inner), 0);
    advance_to(f, 100 * MS);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    assert_int_equal(leave(&outside), 0);
    assert_int_equal(leave(&inside), 0);
    assert_lines(f, expected, 7);
    assert_int_equal(tear_down(&other), 0);
}

static void the_run_is_bound_to_one_core_and_the_mask_comes_back(void **state)
{
    struct fixture *f = *state;
    struct actor actor = {.period_ns = 10 * MS, .ticks = 2};
    cpu_set_t before, during, after;

    sched_getaffinity(0, sizeof(before), &before);
    enter(f, &actor, add_node(f, "a", 0), "a");
    advance_to(f, 50 * MS);
    sched_getaffinity(0, sizeof(during), &during);
    assert_int_equal(CPU_COUNT(&during), 1);
    assert_int_equal(leave(&actor), 0);
    ttb_bridge_free(f->bridge);
    sched_getaffinity(0, sizeof(after), &after);
    assert_true(CPU_EQUAL(&before, &after));
    new_bridge(f, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_run_in_order_of_time_then_id_whoever_connects_first),
        TEST(nodes_run_strictly_before_until),
        TEST(without_nodes_only_the_clock_moves),
        TEST(a_late_joiner_starts_at_local_time_zero),
        TEST(a_node_that_ends_by_itself_has_stopped_and_may_start_again),
        TEST(a_stopped_node_leaves_the_others_alone),
        TEST(a_node_that_dies_asleep_is_reported_within_a_second_and_the_rest_goes_on),
        TEST(a_hung_node_is_reported_then_ended_and_the_rest_goes_on),
        TEST(a_node_that_a_debugger_let_go_just_now_has_its_time_again),
        TEST(a_node_that_never_connects_fails_and_the_rest_goes_on),
        TEST(ids_that_are_nobodys_and_second_participants_are_refused),
        TEST(a_participant_that_does_not_say_who_it_is_may_have_a_socket_of_its_own),
        TEST(a_broadcast_reaches_all_others),
        TEST(wrong_options_are_named),
        TEST(ports_have_fixed_macs_and_private_sockets),
        TEST(the_loop_can_be_the_embedders),
        TEST(two_bridges_in_one_process_do_not_know_each_other),
        TEST(a_bridge_can_be_a_participant_of_another_calendar),
        TEST(the_run_is_bound_to_one_core_and_the_mask_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
