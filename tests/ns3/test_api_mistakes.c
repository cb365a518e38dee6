/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mistakes, each with the error and the words that it gets (mistakes.def), and every function with handles
 * that are not valid (calls.def). None of them ends the program or changes the simulation, which then runs
 * as if nothing had been.
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

#include <ttbridge/ns3.h>

struct fixture {
    struct ttb_ns3 *ns3;
    struct ttb_ns3_object *lan, *cable, *full_cable, *node, *device, *host, *host_device, *wifi;
    struct ttb_ns3_object *queue, *variable;
    struct ttb_ns3_object *gone; /* released */
    uint64_t events;
};

/* What calls need; nothing is to be left in it. */
static const struct ttb_ns3_record no_such_record = {0};
static const struct ttb_ns3_wifi_opts air = {.size = sizeof(air)};
static const struct ttb_ns3_animation_opts animation = {.size = sizeof(animation),
                                                        .path = "/nowhere/x.xml"};
static const struct ttb_ns3_animation_node look = {.size = sizeof(look)};
static const struct ttb_ns3_object_spec grid = {.type = "ns3::GridPositionAllocator"};
static const struct ttb_ns3_waypoint waypoint = {.at_ns = 1};
static const struct ttb_ns3_link_params params = {
    .size = sizeof(params), .fields = TTB_NS3_LINK_LOSS, .loss_ppb = 1};

static void never(void *user, uint64_t time_ns)
{
    (void)user;
    fail_msg("called at %llu ns", (unsigned long long)time_ns);
}

static void no_type(void *user, const struct ttb_ns3_type_info *type)
{
    (void)user;
    fail_msg("called for %s", type->name);
}

static void no_attribute(void *user, const struct ttb_ns3_attribute_info *attribute)
{
    (void)user;
    fail_msg("called for %s", attribute->name);
}

static void no_source(void *user, const struct ttb_ns3_trace_info *source)
{
    (void)user;
    fail_msg("called for %s", source->name);
}

static void no_record(void *user, const struct ttb_ns3_record *record)
{
    (void)user;
    fail_msg("called for %s", record->source);
}

static void no_flow(void *user, const struct ttb_ns3_flow *flow)
{
    (void)user;
    fail_msg("called for %s", flow->source);
}

#define NS3               (f->ns3)
#define A(name, value)    ((struct ttb_ns3_attribute[]){{name, value}, {NULL, NULL}})
#define NAME2(prefix, at) prefix##at
#define NAME(prefix, at)  NAME2(prefix, at)

#define LOCALS                                                \
    struct ttb_ns3_object *object = NULL;                     \
    struct ttb_ns3_event *event = NULL;                       \
    struct ttb_ns3_link_stats link_stats;                     \
    struct ttb_ns3_port_stats port_stats;                     \
    struct ttb_ns3_position place = {0};                      \
    char text[64] = "";                                       \
    size_t size = 0;                                          \
    double number = 0;                                        \
    int rc;                                                   \
    (void)f, (void)event, (void)link_stats, (void)port_stats; \
    (void)place, (void)text, (void)size, (void)number;

#define END                                                      \
    /* A call that fails gives no handle. */                     \
    if (object || event)                                         \
        fail_msg("\"%s\" left a handle", ttb_ns3_error(f->ns3)); \
    return rc;

/* A function for each call, and a table of them. */
#define MISTAKE(code, words, call)                          \
    static int NAME(mistake_, __LINE__)(struct fixture * f) \
    {                                                       \
        LOCALS                                              \
        rc = call;                                          \
        END                                                 \
    }
#include "mistakes.def"
#undef MISTAKE

static const struct mistake {
    int code;
    const char *words, *call;
    int (*make)(struct fixture *f);
} mistakes[] = {
#define MISTAKE(code, words, call) {code, words, #call, NAME(mistake_, __LINE__)},
#include "mistakes.def"
#undef MISTAKE
};

#define OF_SIMULATION(call)                                                     \
    static int NAME(of_simulation_, __LINE__)(struct fixture * f, void *handle) \
    {                                                                           \
        struct ttb_ns3 *S = handle;                                             \
        LOCALS                                                                  \
        rc = call;                                                              \
        END                                                                     \
    }
#define OF_OBJECT(call)                                                     \
    static int NAME(of_object_, __LINE__)(struct fixture * f, void *handle) \
    {                                                                       \
        struct ttb_ns3_object *H = handle;                                  \
        LOCALS                                                              \
        rc = call;                                                          \
        END                                                                 \
    }
#include "calls.def"
#undef OF_SIMULATION
#undef OF_OBJECT

static const struct call {
    const char *text;
    int (*make)(struct fixture *f, void *handle);
    bool of_simulation;
} calls[] = {
#define OF_SIMULATION(call) {#call, NAME(of_simulation_, __LINE__), true},
#define OF_OBJECT(call)     {#call, NAME(of_object_, __LINE__), false},
#include "calls.def"
#undef OF_SIMULATION
#undef OF_OBJECT
};

/* ------------------------------------------------------------------------------------ fixture */

static void ok(const struct fixture *f, int rc)
{
    if (rc)
        fail_msg("%d: %s", rc, ttb_ns3_error(f->ns3));
}

static void add_host(struct fixture *f, const char *address, struct ttb_ns3_object **host,
                     struct ttb_ns3_object **device)
{
    ok(f, ttb_ns3_create_node(NS3, host));
    ok(f, ttb_ns3_install_csma(*host, f->lan, NULL, NULL, device));
    ok(f, ttb_ns3_install_internet(*host, TTB_NS3_IPV4));
    ok(f, ttb_ns3_add_address(*device, address));
}

/* An echo client and server on a LAN, and other things beside them. */
static int set_up(void **state)
{
    struct ttb_ns3_opts opts = {.size = sizeof(opts)};
    const struct ttb_ns3_wifi_opts infrastructure = {.size = sizeof(infrastructure),
                                                     .infrastructure = true};
    struct fixture *f = calloc(1, sizeof(*f));
    struct ttb_ns3_object *other, *other_device;

    if (!f || ttb_ns3_new(&opts, &f->ns3))
        return -1;
    *state = f;
    ok(f, ttb_ns3_create(NS3, "ns3::CsmaChannel", A("Delay", "2000ns"), &f->lan));
    ok(f, ttb_ns3_create(NS3, "ttb::EthernetLinkChannel", NULL, &f->cable));
    ok(f, ttb_ns3_create(NS3, "ttb::EthernetLinkChannel", NULL, &f->full_cable));
    ok(f, ttb_ns3_create(NS3, "ns3::DropTailQueue<Packet>", NULL, &f->queue));
    ok(f, ttb_ns3_create(NS3, "ns3::UniformRandomVariable", NULL, &f->variable));
    ok(f, ttb_ns3_create_wifi(NS3, &infrastructure, &f->wifi));
    ok(f, ttb_ns3_create_node(NS3, &f->node));
    ok(f, ttb_ns3_install_csma(f->node, f->lan, NULL, NULL, &f->device));
    for (int i = 0; i < 2; i++) {
        ok(f, ttb_ns3_create_node(NS3, &other));
        ok(f, ttb_ns3_install_ethernet(other, f->full_cable, NULL, NULL, &other_device));
    }
    add_host(f, "10.0.0.1/24", &f->host, &f->host_device);
    ok(f, ttb_ns3_name_add(f->host, "host"));
    add_host(f, "10.0.0.2/24", &other, &other_device);
    ok(f, ttb_ns3_install_application(other, "ns3::UdpEchoServer", A("Port", "9"), 0,
                                      TTB_TIME_NEVER, NULL));
    ok(f,
       ttb_ns3_install_application(f->host, "ns3::UdpEchoClient", A("RemoteAddress", "10.0.0.2:9"),
                                   1000, TTB_TIME_NEVER, NULL));
    ok(f, ttb_ns3_create_node(NS3, &f->gone));
    ok(f, ttb_ns3_object_release(f->gone));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_ns3_free(f->ns3);
    free(f);
    return 0;
}

static bool is_as_expected(const char *call, int rc, int code, const char *text, const char *words)
{
    if (rc == code && strstr(text, words) && *text && !strchr(text, '\n'))
        return true;
    print_error("%s\n  gave %d \"%s\"\n  instead of %d \"...%s...\"\n", call, rc, text, code,
                words);
    return false;
}

/* --------------------------------------------------------------------------------------- tests */

static void count_event(void *user, const struct ttb_ns3_record *record)
{
    (void)record;
    ++*(unsigned *)user;
}

/* What comes of the simulation: events and frames. */
static uint64_t outcome(struct fixture *f)
{
    unsigned frames = 0;

    ok(f, ttb_ns3_trace_connect(f->host_device, "MacRx", count_event, &frames, NULL));
    ok(f, ttb_ns3_run(NS3, UINT64_C(5000000000)));
    assert_true(frames > 3);
    return ttb_ns3_event_count(NS3) * 1000 + frames;
}

static void mistakes_are_errors_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t undisturbed = outcome(f);
    size_t good = 0;

    ttb_ns3_free(f->ns3);
    free(f);
    assert_int_equal(set_up(state), 0);
    f = *state;
    assert_true(sizeof(mistakes) / sizeof(mistakes[0]) >= 200);
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const struct mistake *mistake = &mistakes[i];
        int rc = mistake->make(f);

        good +=
            is_as_expected(mistake->call, rc, mistake->code, ttb_ns3_error(NS3), mistake->words);
    }
    assert_int_equal(good, sizeof(mistakes) / sizeof(mistakes[0]));
    assert_int_equal(outcome(f), undisturbed);
}

static void each_call(struct fixture *f, bool of_simulation, void *handle, int code,
                      const char *words)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *text;
        int rc;

        if (calls[i].of_simulation != of_simulation)
            continue;
        rc = calls[i].make(f, handle);
        text = ttb_ns3_error(of_simulation ? handle : f->ns3);
        wrong += !is_as_expected(calls[i].text, rc, code, text, words);
    }
    assert_int_equal(wrong, 0);
}

static void every_function_tells_handles_that_are_not_valid(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3 *ns3 = f->ns3;
    int something = 0;

    each_call(f, true, NULL, -EINVAL, "a simulation is needed, not NULL");
    each_call(f, false, NULL, -EINVAL, "is needed, not NULL");
    each_call(f, true, &something, -EBADF, "is no simulation");
    each_call(f, false, &something, -EBADF, "is no handle");
    each_call(f, true, f->node, -EBADF, "is no simulation but an object");
    each_call(f, false, f->ns3, -EBADF, "is the simulation, not an object");
    each_call(f, false, f->gone, -EBADF, "has been released");
    ok(f, ttb_ns3_destroy(NS3));
    each_call(f, true, ns3, -ESHUTDOWN, "has been destroyed");
    each_call(f, false, f->node, -ESHUTDOWN, "has been destroyed");
    ttb_ns3_free(ns3);
    each_call(f, true, ns3, -EBADF, "has been freed");
    each_call(f, false, f->node, -EBADF, "has been freed");
    /* Another simulation is another one. */
    {
        struct ttb_ns3_opts opts = {.size = sizeof(opts)};

        assert_int_equal(ttb_ns3_new(&opts, &f->ns3), 0);
    }
    each_call(f, true, ns3, -EBADF, "has been freed");
    each_call(f, false, f->node, -EBADF, "has been released");
    ok(f, ttb_ns3_run(NS3, 5));
}

static void release_within(void *user, const struct ttb_ns3_record *record)
{
    struct fixture *f = user;
    struct ttb_ns3_object *object;

    (void)record;
    if (f->events++)
        return;
    /* Everything that is known of what calls this. */
    assert_int_equal(ttb_ns3_run(NS3, TTB_TIME_NEVER), -EBUSY);
    assert_int_equal(ttb_ns3_destroy(NS3), -EBUSY);
    ttb_ns3_free(NS3);
    ok(f, ttb_ns3_object_release(f->host_device));
    ok(f, ttb_ns3_object_release(f->host));
    ok(f, ttb_ns3_object_release(f->lan));
    assert_int_equal(ttb_ns3_create(NS3, "ns3::Nod", NULL, &object), -ENOENT);
}

static void callbacks_may_do_what_they_should_not(void **state)
{
    struct fixture *f = *state;

    ok(f, ttb_ns3_trace_connect(f->host_device, "MacTx", release_within, f, NULL));
    ok(f, ttb_ns3_run(NS3, UINT64_C(5000000000)));
    assert_true(f->events > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mistakes_are_errors_and_change_nothing),
        TEST(every_function_tells_handles_that_are_not_valid),
        TEST(callbacks_may_do_what_they_should_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
