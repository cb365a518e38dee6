/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns-3 from C: objects hang together, have names and paths, report to C functions; scheduled calls can be
 * cancelled; a handle that is no longer valid is told from all others.
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

#define MS UINT64_C(1000000)

struct fixture {
    struct ttb_ns3 *ns3;
    struct ttb_ns3_object *lan, *nodes[2], *devices[2];
};

static void assert_error(const struct fixture *f, int rc, int expected, const char *part)
{
    const char *text = ttb_ns3_error(f->ns3);

    if (rc != expected || !strstr(text, part) || strchr(text, '\n'))
        fail_msg("got %d: \"%s\", expected %d: \"...%s...\"", rc, text, expected, part);
}

static void assert_ok(const struct fixture *f, int rc)
{
    if (rc)
        fail_msg("%d: %s", rc, ttb_ns3_error(f->ns3));
}

/* Two hosts on a LAN; the first sends three datagrams to the second, from 1 s on. */
static int set_up(void **state)
{
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .seed = 1, .run = 1};
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f || ttb_ns3_new(&opts, &f->ns3)) {
        print_error("%s\n", ttb_ns3_error(NULL));
        return -1;
    }
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::CsmaChannel", NULL, &f->lan));
    for (int i = 0; i < 2; i++) {
        assert_ok(f, ttb_ns3_create_node(f->ns3, &f->nodes[i]));
        assert_ok(f, ttb_ns3_install_csma(f->nodes[i], f->lan, NULL, NULL, &f->devices[i]));
        assert_ok(f, ttb_ns3_install_internet(f->nodes[i], TTB_NS3_IPV4));
        assert_ok(f, ttb_ns3_add_address(f->devices[i], i ? "10.0.0.2/24" : "10.0.0.1/24"));
    }
    assert_ok(f,
              ttb_ns3_install_application(f->nodes[1], "ns3::UdpEchoServer",
                                          (struct ttb_ns3_attribute[]){{"Port", "9"}, {NULL, NULL}},
                                          0, TTB_TIME_NEVER, NULL));
    assert_ok(
        f, ttb_ns3_install_application(f->nodes[0], "ns3::UdpEchoClient",
                                       (struct ttb_ns3_attribute[]){{"RemoteAddress", "10.0.0.2:9"},
                                                                    {"PacketSize", "100"},
                                                                    {"MaxPackets", "3"},
                                                                    {NULL, NULL}},
                                       1000 * MS, TTB_TIME_NEVER, NULL));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_ns3_free(f->ns3);
    free(f);
    return 0;
}

/* -------------------------------------------------------------------------------- trace sources */

struct log {
    const struct fixture *f;
    struct ttb_ns3_trace *trace; /* to be disconnected by its own callback */
    unsigned records, datagrams;
    char text[1024];
    const struct ttb_ns3_record *kept;
};

static void on_packet(void *user, const struct ttb_ns3_record *record)
{
    struct log *log = user;
    unsigned char bytes[2048];
    size_t len_bytes;

    log->records++;
    assert_int_equal(record->value_count, 1);
    assert_int_equal(record->values[0].kind, TTB_NS3_PACKET);
    assert_string_equal(record->signature, "ns3::Packet::TracedCallback");
    assert_ok(log->f, ttb_ns3_record_packet(record, 0, bytes, sizeof(bytes), &len_bytes));
    assert_int_equal(len_bytes, record->values[0].packet.len_bytes);
    /* Ethernet, IPv4 */
    if (len_bytes > 34 && bytes[12] == 8 && bytes[13] == 0)
        log->datagrams++;
    assert_error(log->f, ttb_ns3_record_packet(record, 1, bytes, sizeof(bytes), &len_bytes),
                 -ERANGE, "no value 1");
    log->kept = record;
}

static void packets_of_a_trace_source_can_be_looked_at(void **state)
{
    struct fixture *f = *state;
    struct log log = {.f = f};
    struct ttb_ns3_trace *trace;
    char text[64];

    assert_ok(f, ttb_ns3_trace_connect(f->devices[0], "MacTx", on_packet, &log, &trace));
    assert_ok(f, ttb_ns3_run(f->ns3, 2500 * MS));
    assert_int_equal(log.datagrams, 2);
    assert_error(f, ttb_ns3_record_text(log.kept, 0, text, sizeof(text)), -EBADF,
                 "until the callback returns");
    assert_ok(f, ttb_ns3_trace_disconnect(trace));
    assert_error(f, ttb_ns3_trace_disconnect(trace), -EBADF, "released");
    assert_ok(f, ttb_ns3_run(f->ns3, 5000 * MS));
    assert_int_equal(log.datagrams, 2);
}

static void on_any(void *user, const struct ttb_ns3_record *record)
{
    struct log *log = user;
    size_t at = strlen(log->text);

    log->records++;
    for (size_t i = 0; i < record->value_count; i++) {
        char text[128];

        assert_ok(log->f, ttb_ns3_record_text(record, i, text, sizeof(text)));
        at += (size_t)snprintf(log->text + at, sizeof(log->text) - at, "%d %s|",
                               (int)record->values[i].kind, text);
    }
    snprintf(log->text + at, sizeof(log->text) - at, "%s\n", record->context);
}

static void paths_connect_all_that_they_match_and_say_which(void **state)
{
    struct fixture *f = *state;
    struct log log = {.f = f};

    assert_ok(f, ttb_ns3_trace_connect_path(f->ns3,
                                            "/NodeList/*/ApplicationList/*/"
                                            "$ns3::UdpEchoServer/RxWithAddresses",
                                            on_any, &log, NULL));
    assert_ok(f, ttb_ns3_run(f->ns3, 1500 * MS));
    assert_string_equal(log.text,
                        "6 100 bytes|0 10.0.0.1:49153|0 0.0.0.0:9|"
                        "/NodeList/1/ApplicationList/0/$ns3::UdpEchoServer/RxWithAddresses\n");
    assert_error(
        f, ttb_ns3_trace_connect_path(f->ns3, "/NodeList/7/DeviceList/*/MacTx", on_any, &log, NULL),
        -ENOENT, "nothing matches \"/NodeList/7/DeviceList/*\"");
    assert_error(f, ttb_ns3_trace_connect(f->devices[0], "MacTxx", on_any, &log, NULL), -ENOENT,
                 "no trace source \"MacTxx\"; it has: MacTx, ");
}

static void disconnect_itself(void *user, const struct ttb_ns3_record *record)
{
    struct log *log = user;

    (void)record;
    log->records++;
    assert_ok(log->f, ttb_ns3_trace_disconnect(log->trace));
}

static void a_callback_may_disconnect_itself(void **state)
{
    struct fixture *f = *state;
    struct log first = {.f = f}, second = {.f = f};

    assert_ok(
        f, ttb_ns3_trace_connect(f->devices[0], "MacTx", disconnect_itself, &first, &first.trace));
    assert_ok(f, ttb_ns3_trace_connect(f->devices[0], "MacTx", on_packet, &second, NULL));
    assert_ok(f, ttb_ns3_run(f->ns3, 5000 * MS));
    assert_int_equal(first.records, 1);
    assert_int_equal(second.datagrams, 3);
}

static void numbers_objects_and_states_have_their_kinds(void **state)
{
    struct fixture *f = *state;
    struct log log = {.f = f};
    const struct ttb_ns3_position place = {.x_mm = 5000};
    struct ttb_ns3_object *mobility, *queue;

    assert_ok(f, ttb_ns3_set_position(f->nodes[0], &(struct ttb_ns3_position){0}));
    assert_ok(f, ttb_ns3_object_find(f->nodes[0], "ns3::MobilityModel", &mobility));
    assert_ok(f, ttb_ns3_trace_connect(mobility, "CourseChange", on_any, &log, NULL));
    assert_ok(f, ttb_ns3_set_position(f->nodes[0], &place));
    assert_string_equal(log.text, "7 ttb::PlaceModel|\n");
    log.text[0] = 0;
    assert_ok(f, ttb_ns3_object_get_object(f->devices[0], "TxQueue", &queue));
    assert_ok(f, ttb_ns3_trace_connect(queue, "PacketsInQueue", on_any, &log, NULL));
    assert_ok(f, ttb_ns3_run(f->ns3, 1500 * MS));
    log.text[18] = 0;
    assert_string_equal(log.text, "3 0|3 1|\n3 1|3 0|\n");
}

/* --------------------------------------------------------------------------------------- objects */

static void objects_are_found_by_pointer_list_part_path_and_name(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *found[4], *object, *queue;
    char text[96];
    size_t count;

    assert_ok(f, ttb_ns3_object_get_object(f->devices[0], "TxQueue", &object));
    assert_ok(f, ttb_ns3_object_type(object, text, sizeof(text)));
    assert_string_equal(text, "ns3::DropTailQueue<Packet>");
    assert_ok(f, ttb_ns3_object_get(f->devices[0], "TxQueue", text, sizeof(text)));
    assert_string_equal(text, "ns3::DropTailQueue<Packet>");
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::DropTailQueue<Packet>", NULL, &queue));
    assert_ok(f, ttb_ns3_object_set_object(f->devices[0], "TxQueue", queue));
    assert_error(
        f, ttb_ns3_object_set_object(f->devices[0], "TxQueue", f->lan), -EINVAL,
        "needs an object of type ns3::Queue<Packet>, this one is of type ns3::CsmaChannel");
    assert_error(f, ttb_ns3_object_get_object(f->devices[0], "ReceiveErrorModel", &object), 0, "");
    assert_ok(f, ttb_ns3_object_get_count(f->nodes[0], "DeviceList", &count));
    assert_int_equal(count, 2); /* and loopback */
    assert_ok(f, ttb_ns3_object_get_item(f->nodes[0], "DeviceList", 1, &object));
    assert_ok(f, ttb_ns3_object_type(object, text, sizeof(text)));
    assert_string_equal(text, "ns3::LoopbackNetDevice");
    assert_error(f, ttb_ns3_object_get_item(f->nodes[0], "DeviceList", 2, &object), -ERANGE,
                 "no item 2");
    assert_ok(f, ttb_ns3_object_find(f->nodes[0], "ns3::Ipv4", &object));
    assert_error(f, ttb_ns3_object_find(f->nodes[0], "ns3::Ipv6", &object), -ENODATA, "no part");
    assert_ok(f, ttb_ns3_config_find(f->ns3, "/NodeList/*/DeviceList/0", found, 4, &count));
    assert_int_equal(count, 2);

    assert_ok(f, ttb_ns3_name_add(f->nodes[0], "client"));
    assert_ok(f, ttb_ns3_name_add(f->devices[0], "client/eth0"));
    assert_error(f, ttb_ns3_name_add(f->devices[1], "client/eth0"), -EEXIST, "already");
    assert_error(f, ttb_ns3_name_add(f->devices[0], "eth0"), -EEXIST,
                 "is called /Names/client/eth0");
    assert_error(f, ttb_ns3_name_add(f->devices[1], "server/eth0"), -ENOENT, "no /Names/server");
    assert_ok(f, ttb_ns3_name_find(f->ns3, "client/eth0", &object));
    assert_ok(f, ttb_ns3_object_name(object, text, sizeof(text)));
    assert_string_equal(text, "/Names/client/eth0");
    assert_ok(f, ttb_ns3_config_set(f->ns3, "/Names/client/eth0/Mtu", "1400", &count));
    assert_int_equal(count, 1);
    assert_ok(f, ttb_ns3_object_get(f->devices[0], "Mtu", text, sizeof(text)));
    assert_string_equal(text, "1400");
    /* None of them, if not all. */
    assert_error(f, ttb_ns3_config_set(f->ns3, "/NodeList/*/DeviceList/*/Mtu", "1300", NULL),
                 -ENOENT, "no attribute \"Mtu\"");
    assert_ok(f, ttb_ns3_object_get(f->devices[0], "Mtu", text, sizeof(text)));
    assert_string_equal(text, "1400");
}

static void an_attribute_can_describe_the_object_that_it_points_to(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *model;
    char text[64];

    assert_ok(f, ttb_ns3_object_set(f->devices[0], "ReceiveErrorModel",
                                    "ns3::RateErrorModel[ErrorRate=0.25|RanVar="
                                    "ns3::UniformRandomVariable[Min=0|Max=1]]"));
    assert_ok(f, ttb_ns3_object_get_object(f->devices[0], "ReceiveErrorModel", &model));
    assert_ok(f, ttb_ns3_object_get(model, "ErrorRate", text, sizeof(text)));
    assert_string_equal(text, "0.25");
    assert_error(f, ttb_ns3_object_set(f->devices[0], "ReceiveErrorModel", "ns3::RateErrorModel["),
                 -EINVAL, "closing bracket");
    assert_error(
        f,
        ttb_ns3_object_set(f->devices[0], "ReceiveErrorModel", "ns3::RateErrorModel[ErrorRat=1]"),
        -EINVAL, "no attribute \"ErrorRat\"");
}

static void defaults_globals_and_random_numbers_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *one, *two;
    double first, second;
    char text[64];

    assert_ok(f, ttb_ns3_get_default(f->ns3, "ns3::CsmaNetDevice::Mtu", text, sizeof(text)));
    assert_string_equal(text, "1500");
    assert_ok(f, ttb_ns3_get_global(f->ns3, "RngRun", text, sizeof(text)));
    assert_string_equal(text, "1");
    assert_error(f, ttb_ns3_get_global(f->ns3, "RngRum", text, sizeof(text)), -ENOENT, "RngSeed");
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::UniformRandomVariable", NULL, &one));
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::UniformRandomVariable", NULL, &two));
    assert_ok(f, ttb_ns3_assign_streams(one, 77, NULL));
    assert_ok(f, ttb_ns3_assign_streams(two, 77, NULL));
    assert_ok(f, ttb_ns3_random_value(one, &first));
    assert_ok(f, ttb_ns3_random_value(two, &second));
    assert_true(first == second && first > 0 && first < 1);
    assert_error(f, ttb_ns3_random_value(f->lan, &first), -EINVAL, "RandomVariableStream");
}

/* --------------------------------------------------------------------------------------- handles */

static void count_call(void *user, uint64_t time_ns)
{
    (void)time_ns;
    ++*(unsigned *)user;
}

static void scheduled_calls_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_event *first, *second;
    unsigned calls = 0;

    assert_ok(f, ttb_ns3_schedule_event(f->ns3, 10, count_call, &calls, &first));
    assert_ok(f, ttb_ns3_schedule_event(f->ns3, 20, count_call, &calls, &second));
    assert_ok(f, ttb_ns3_schedule_after(f->ns3, 30, count_call, &calls));
    assert_ok(f, ttb_ns3_event_cancel(second));
    assert_error(f, ttb_ns3_event_cancel(second), -EBADF, "released");
    assert_ok(f, ttb_ns3_run(f->ns3, 100));
    assert_int_equal(calls, 2);
    assert_error(f, ttb_ns3_event_cancel(first), -EBADF, "released");
    assert_error(f, ttb_ns3_schedule_after(f->ns3, UINT64_MAX, count_call, &calls), -EINVAL,
                 "beyond the end");
}

static void handles_that_are_not_valid_are_told_from_all_others(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_opts opts = {.size = sizeof(opts)};
    struct ttb_ns3_object *old = f->devices[0], *node;
    struct ttb_ns3 *gone = f->ns3;
    char text[64];
    int something = 0;

    assert_ok(f, ttb_ns3_object_release(f->devices[1]));
    assert_error(f, ttb_ns3_object_release(f->devices[1]), -EBADF, "has been released");
    assert_error(f, ttb_ns3_object_get(f->devices[1], "Mtu", text, sizeof(text)), -EBADF,
                 "has been released");
    assert_error(f,
                 ttb_ns3_object_get((struct ttb_ns3_object *)&something, "Mtu", text, sizeof(text)),
                 -EBADF, "no handle");
    assert_error(f, ttb_ns3_object_get((struct ttb_ns3_object *)f->ns3, "Mtu", text, sizeof(text)),
                 -EBADF, "is the simulation");
    assert_error(f, ttb_ns3_install_csma(f->nodes[0], f->devices[1], NULL, NULL, &node), -EBADF,
                 "has been released");
    ttb_ns3_free(gone);
    ttb_ns3_free(gone);
    assert_int_equal(ttb_ns3_object_get(old, "Mtu", text, sizeof(text)), -EBADF);
    assert_int_equal(ttb_ns3_run(gone, 5), -EBADF);
    assert_non_null(strstr(ttb_ns3_error(gone), "has been freed"));
    assert_int_equal(ttb_ns3_now_ns(gone), 0);
    /* A second simulation's handles are others, wherever its memory is. */
    f->ns3 = NULL;
    assert_int_equal(ttb_ns3_new(&opts, &f->ns3), 0);
    assert_ok(f, ttb_ns3_create_node(f->ns3, &node));
    assert_error(f, ttb_ns3_object_get(old, "Mtu", text, sizeof(text)), -EBADF, "released");
    assert_int_equal(ttb_ns3_create_node(gone, &node), -EBADF);
    ttb_ns3_free(gone);
    assert_ok(f, ttb_ns3_run(f->ns3, 5));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packets_of_a_trace_source_can_be_looked_at),
        TEST(paths_connect_all_that_they_match_and_say_which),
        TEST(a_callback_may_disconnect_itself),
        TEST(numbers_objects_and_states_have_their_kinds),
        TEST(objects_are_found_by_pointer_list_part_path_and_name),
        TEST(an_attribute_can_describe_the_object_that_it_points_to),
        TEST(defaults_globals_and_random_numbers_can_be_read),
        TEST(scheduled_calls_can_be_cancelled),
        TEST(handles_that_are_not_valid_are_told_from_all_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
