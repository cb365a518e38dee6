/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns-3 from C, without nodes: what is refused is refused with a sentence and changes nothing, and what
 * would end the program does not.
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
#include <unistd.h>

#include <ttbridge/ns3.h>

#define MS UINT64_C(1000000)

static const struct ttb_ns3_attribute LAN[] = {
    {"DataRate", "100Mbps"}, {"Delay", "1ms"}, {NULL, NULL}};

/* ------------------------------------------------------------------------------------ fixture */

struct fixture {
    struct ttb_ns3 *ns3;
    char directory[64];
};

static int set_up(void **state)
{
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .seed = 1, .run = 1};
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/ttb-ns3-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    if (ttb_ns3_new(&opts, &f->ns3)) {
        print_error("%s\n", ttb_ns3_error(NULL));
        return -1;
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ttb_ns3_free(f->ns3);
    if (rmdir(f->directory) < 0)
        return -1;
    free(f);
    return 0;
}

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

static struct ttb_ns3_object *new_lan(struct fixture *f)
{
    struct ttb_ns3_object *lan;

    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::CsmaChannel", LAN, &lan));
    return lan;
}

static struct ttb_ns3_object *new_host(struct fixture *f, struct ttb_ns3_object *lan,
                                       const char *address, struct ttb_ns3_object **device)
{
    struct ttb_ns3_object *node;

    assert_ok(f, ttb_ns3_create_node(f->ns3, &node));
    assert_ok(f, ttb_ns3_install_csma(node, lan, NULL, NULL, device));
    assert_ok(f, ttb_ns3_install_internet(node, TTB_NS3_IPV4));
    assert_ok(f, ttb_ns3_add_ipv4(*device, address));
    return node;
}

/* ---------------------------------------------------------------------------------- simulation */

static void a_process_has_one_simulation(void **state)
{
    struct ttb_ns3_opts opts = {.size = sizeof(opts)};
    struct ttb_ns3 *other;

    (void)state;
    assert_int_equal(ttb_ns3_new(&opts, &other), -EBUSY);
    assert_null(other);
    assert_non_null(strstr(ttb_ns3_error(NULL), "one only"));
}

static void impossible_options_are_refused(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .simulator = "ns3::NoSuchSimulatorImpl"};

    ttb_ns3_free(f->ns3);
    assert_int_equal(ttb_ns3_new(&opts, &f->ns3), -ENOENT);
    assert_non_null(strstr(ttb_ns3_error(NULL), "\"ns3::NoSuchSimulatorImpl\""));
    opts.simulator = "ns3::Node";
    assert_int_equal(ttb_ns3_new(&opts, &f->ns3), -EINVAL);
    assert_non_null(strstr(ttb_ns3_error(NULL), "no simulator implementation"));
    opts.simulator = "ns3::DefaultSimulatorImpl";
    opts.bridge = (struct ttb_bridge *)&opts; /* not looked at */
    assert_int_equal(ttb_ns3_new(&opts, &f->ns3), -EINVAL);
    assert_non_null(strstr(ttb_ns3_error(NULL), "ttb::TimeTravelSimulatorImpl"));
    opts.size = 0;
    assert_int_equal(ttb_ns3_new(&opts, &f->ns3), -EINVAL);
    /* None of them is left behind. */
    opts = (struct ttb_ns3_opts){.size = sizeof(opts), .simulator = "ns3::DefaultSimulatorImpl"};
    assert_int_equal(ttb_ns3_new(&opts, &f->ns3), 0);
    assert_ok(f, ttb_ns3_run(f->ns3, 5));
    assert_int_equal(ttb_ns3_now_ns(f->ns3), 5);
}

struct calls {
    struct ttb_ns3 *ns3;
    uint64_t times[8];
    int count;
    int rc;
};

static void note_call(void *user, uint64_t time_ns)
{
    struct calls *calls = user;

    assert_true(calls->count < 8);
    assert_int_equal(ttb_ns3_now_ns(calls->ns3), time_ns);
    calls->times[calls->count++] = time_ns;
}

static void stop_run(void *user, uint64_t time_ns)
{
    note_call(user, time_ns);
    ttb_ns3_stop(((struct calls *)user)->ns3);
}

static void a_run_ends_at_its_time_and_goes_on_from_there(void **state)
{
    struct fixture *f = *state;
    struct calls calls = {.ns3 = f->ns3};

    assert_ok(f, ttb_ns3_schedule(f->ns3, 30, note_call, &calls));
    assert_ok(f, ttb_ns3_schedule(f->ns3, 10, note_call, &calls));
    assert_ok(f, ttb_ns3_schedule(f->ns3, 20, note_call, &calls));
    assert_ok(f, ttb_ns3_run(f->ns3, 20));
    assert_int_equal(calls.count, 2);
    assert_int_equal(ttb_ns3_now_ns(f->ns3), 20);
    assert_error(f, ttb_ns3_schedule(f->ns3, 19, note_call, &calls), -EINVAL,
                 "it is 20 ns already");
    assert_error(f, ttb_ns3_run(f->ns3, 19), -EINVAL, "it is 20 ns already");
    assert_error(f, ttb_ns3_run(f->ns3, UINT64_C(1) << 63), -EINVAL, "beyond the end");
    assert_ok(f, ttb_ns3_run(f->ns3, TTB_TIME_NEVER));
    assert_int_equal(calls.count, 3);
    assert_int_equal(ttb_ns3_now_ns(f->ns3), 30);
}

static void a_stopped_run_leaves_no_end_behind(void **state)
{
    struct fixture *f = *state;
    struct calls calls = {.ns3 = f->ns3};

    assert_ok(f, ttb_ns3_schedule(f->ns3, 10, stop_run, &calls));
    assert_ok(f, ttb_ns3_schedule(f->ns3, 200, note_call, &calls));
    assert_ok(f, ttb_ns3_run(f->ns3, 100));
    assert_int_equal(ttb_ns3_now_ns(f->ns3), 10);
    /* The end at 100 was the first run's. */
    assert_ok(f, ttb_ns3_run(f->ns3, 300));
    assert_int_equal(calls.count, 2);
    assert_int_equal(ttb_ns3_now_ns(f->ns3), 300);
}

static void run_within_run(void *user, uint64_t time_ns)
{
    struct calls *calls = user;

    calls->rc = ttb_ns3_run(calls->ns3, time_ns + 10);
    if (calls->rc == -EBUSY)
        calls->rc = ttb_ns3_destroy(calls->ns3);
}

static void runs_do_not_nest(void **state)
{
    struct fixture *f = *state;
    struct calls calls = {.ns3 = f->ns3};

    assert_ok(f, ttb_ns3_schedule(f->ns3, 10, run_within_run, &calls));
    assert_ok(f, ttb_ns3_run(f->ns3, 100));
    assert_error(f, calls.rc, -EBUSY, "from within ttb_ns3_run()");
}

static void call_again(void *user, uint64_t time_ns)
{
    struct calls *calls = user;

    ttb_ns3_schedule(calls->ns3, time_ns, call_again, calls);
}

static void an_endless_instant_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct calls calls = {.ns3 = f->ns3};
    struct ttb_ns3_object *simulator;

    assert_ok(f, ttb_ns3_get_simulator(f->ns3, &simulator));
    assert_ok(f, ttb_ns3_object_set(simulator, "MaxEventsPerInstant", "5000"));
    assert_ok(f, ttb_ns3_schedule(f->ns3, 7, call_again, &calls));
    assert_error(f, ttb_ns3_run(f->ns3, 100), -ELOOP, "more than 5000 events at 7 ns");
}

static void nothing_works_after_destroy(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *node;

    assert_ok(f, ttb_ns3_destroy(f->ns3));
    assert_error(f, ttb_ns3_create_node(f->ns3, &node), -ESHUTDOWN, "destroyed");
    assert_error(f, ttb_ns3_run(f->ns3, 5), -ESHUTDOWN, "destroyed");
    assert_int_equal(ttb_ns3_destroy(f->ns3), -ESHUTDOWN);
}

/* ------------------------------------------------------------------------- types and attributes */

static void unknown_names_are_named(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *object = NULL, *lan = new_lan(f);
    const struct ttb_ns3_attribute misspelt[] = {{"DatRate", "1Mbps"}, {NULL, NULL}};

    assert_error(f, ttb_ns3_create(f->ns3, "ns3::CsmaChanel", NULL, &object), -ENOENT,
                 "no type \"ns3::CsmaChanel\": misspelt, or in a module that is not loaded");
    assert_null(object);
    assert_error(f, ttb_ns3_create(f->ns3, "ns3::CsmaChannel", misspelt, &object), -ENOENT,
                 "type ns3::CsmaChannel has no attribute \"DatRate\"; it has: DataRate, Delay, Id");
    assert_null(object);
    assert_error(f, ttb_ns3_object_set(lan, "Deley", "1ms"), -ENOENT, "no attribute \"Deley\"");
    assert_error(f, ttb_ns3_create(f->ns3, "ns3::NetDevice", NULL, &object), -EINVAL, "abstract");
    assert_error(f, ttb_ns3_load_module(f->ns3, "nosuchmodule"), -ENOENT,
                 "module nosuchmodule cannot be loaded");
    assert_error(f, ttb_ns3_set_default(f->ns3, "ns3::CsmaNetDevice::Mtuu", "1"), -ENOENT, "Mtuu");
    assert_error(f, ttb_ns3_set_default(f->ns3, "Mtu", "1"), -EINVAL, "TYPE::ATTRIBUTE");
    assert_error(f, ttb_ns3_set_global(f->ns3, "RngSead", "1"), -ENOENT, "\"RngSead\"");
}

static void values_that_do_not_suit_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *node, *device;
    char value[64];
    const char *const no_rates[] = {"100Mbananas", "", "fast", "-1"};
    const char *const no_times[] = {"1msx", "soon", "", "1 fortnight"};
    const char *const no_mtus[] = {"15OO", "1500x", "-1", "70000", "", "1e3"};

    assert_ok(f, ttb_ns3_create_node(f->ns3, &node));
    assert_ok(f, ttb_ns3_install_csma(node, lan, NULL, NULL, &device));
    for (unsigned i = 0; i < sizeof(no_rates) / sizeof(no_rates[0]); i++)
        assert_error(f, ttb_ns3_object_set(lan, "DataRate", no_rates[i]), -EINVAL,
                     "is no value for ns3::CsmaChannel::DataRate");
    for (unsigned i = 0; i < sizeof(no_times) / sizeof(no_times[0]); i++)
        assert_error(f, ttb_ns3_object_set(lan, "Delay", no_times[i]), -EINVAL,
                     "is no value for ns3::CsmaChannel::Delay");
    for (unsigned i = 0; i < sizeof(no_mtus) / sizeof(no_mtus[0]); i++)
        assert_error(f, ttb_ns3_object_set(device, "Mtu", no_mtus[i]), -EINVAL,
                     "is no value for ns3::CsmaNetDevice::Mtu");
    assert_ok(f, ttb_ns3_object_get(lan, "DataRate", value, sizeof(value)));
    assert_string_equal(value, "100000000bps");
    assert_ok(f, ttb_ns3_object_get(device, "Mtu", value, sizeof(value)));
    assert_string_equal(value, "1500");
    assert_error(f, ttb_ns3_object_get(device, "Mtu", value, 4), -ENOSPC, "5 bytes");
    assert_error(f, ttb_ns3_object_set(lan, "Id", "3"), -EPERM, "cannot be set");
    assert_error(f, ttb_ns3_set_global(f->ns3, "RngRun", "many"), -EINVAL, "global value RngRun");
}

static void values_that_suit_can_be_read_back(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *queue, *other;
    char value[64];

    assert_ok(f, ttb_ns3_object_set(lan, "Delay", "25us"));
    assert_ok(f, ttb_ns3_object_get(lan, "Delay", value, sizeof(value)));
    assert_string_equal(value, "+25000ns");
    assert_ok(f, ttb_ns3_object_type(lan, value, sizeof(value)));
    assert_string_equal(value, "ns3::CsmaChannel");
    assert_error(f, ttb_ns3_object_type(lan, value, 5), -ENOSPC, "17 bytes");
    assert_ok(f, ttb_ns3_set_default(f->ns3, "ns3::CsmaChannel::Delay", "3us"));
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::CsmaChannel", NULL, &other));
    assert_ok(f, ttb_ns3_object_get(other, "Delay", value, sizeof(value)));
    assert_string_equal(value, "+3000ns");
    ttb_ns3_object_release(other);
    /* Defaults outlive the simulation. */
    assert_ok(f, ttb_ns3_set_default(f->ns3, "ns3::CsmaChannel::Delay", "0ns"));
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::DropTailQueue<Packet>",
                                (struct ttb_ns3_attribute[]){{"MaxSize", "7p"}, {NULL, NULL}},
                                &queue));
    assert_ok(f, ttb_ns3_object_get(queue, "MaxSize", value, sizeof(value)));
    assert_string_equal(value, "7p");
}

static void a_module_can_be_loaded_later(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *object;

    assert_int_equal(ttb_ns3_create(f->ns3, "ns3::aodv::RoutingProtocol", NULL, &object), -ENOENT);
    assert_ok(f, ttb_ns3_load_module(f->ns3, "aodv"));
    assert_ok(f, ttb_ns3_create(f->ns3, "ns3::aodv::RoutingProtocol", NULL, &object));
}

/* ------------------------------------------------------------------------------------- network */

static void addresses_are_parsed_strictly(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *node, *device, *refused;
    const char *const no_addresses[] = {"10.0.0.banana/24", "10.0.0.1",     "10.0.0.1/33",
                                        "10.0.0.1/",        "10.0.0.1/24x", "/24",
                                        "10.0.0.1/-1",      "10.0.1/24",    "fe80::1/64"};
    const char *const no_macs[] = {"02:00:00:00:00", "02:00:00:00:00:0g", "02:00:00:00:00:001",
                                   "2:0:0:0:0:1", ""};
    const char *const no_remotes[] = {
        "10.0.0.banana", "10.0.0.1:99999", "10.0.0.1:", "10.0.0.1:9x", "[::1:9", ""};

    assert_ok(f, ttb_ns3_create_node(f->ns3, &node));
    for (unsigned i = 0; i < sizeof(no_macs) / sizeof(no_macs[0]); i++)
        assert_error(f, ttb_ns3_install_csma(node, lan, no_macs[i], NULL, &refused), -EINVAL,
                     "is no Ethernet address");
    assert_error(f, ttb_ns3_install_csma(node, lan, "01:00:5e:00:00:01", NULL, &refused), -EINVAL,
                 "group address");
    assert_ok(f, ttb_ns3_install_csma(node, lan, "02:00:00:00:00:07", NULL, &device));
    assert_error(f, ttb_ns3_add_ipv4(device, "10.0.0.1/24"), -ENODEV, "no IPv4 stack");
    assert_ok(f, ttb_ns3_install_internet(node, TTB_NS3_IPV4));
    assert_error(f, ttb_ns3_install_internet(node, TTB_NS3_IPV4), -EEXIST, "already");
    for (unsigned i = 0; i < sizeof(no_addresses) / sizeof(no_addresses[0]); i++)
        assert_error(f, ttb_ns3_add_ipv4(device, no_addresses[i]), -EINVAL, "is no IPv4 address");
    for (unsigned i = 0; i < sizeof(no_remotes) / sizeof(no_remotes[0]); i++)
        assert_error(f,
                     ttb_ns3_create(f->ns3, "ns3::UdpEchoClient",
                                    (struct ttb_ns3_attribute[]){{"RemoteAddress", no_remotes[i]},
                                                                 {NULL, NULL}},
                                    &refused),
                     -EINVAL, "is no value for ns3::UdpEchoClient::RemoteAddress");
    assert_error(f, ttb_ns3_object_set(device, "Address", "02:00:00:00:00:0"), -EINVAL, "Address");
    assert_error(f, ttb_ns3_install_csma(lan, node, NULL, NULL, &refused), -EINVAL,
                 "an object of type ns3::Node is needed, this one is of type ns3::CsmaChannel");
}

static uint32_t read_u32(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void hosts_talk_and_pcap_has_nanoseconds(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *client, *server, *client_device, *server_device;
    char path[128];
    unsigned char file[4096];
    size_t len_bytes, at = 24;
    uint32_t first_s, first_ns;
    unsigned frames = 0;
    FILE *pcap;

    client = new_host(f, lan, "10.0.0.1/24", &client_device);
    server = new_host(f, lan, "10.0.0.2/24", &server_device);
    assert_ok(f,
              ttb_ns3_install_application(server, "ns3::UdpEchoServer",
                                          (struct ttb_ns3_attribute[]){{"Port", "9"}, {NULL, NULL}},
                                          0, TTB_TIME_NEVER, NULL));
    assert_ok(
        f, ttb_ns3_install_application(client, "ns3::UdpEchoClient",
                                       (struct ttb_ns3_attribute[]){{"RemoteAddress", "10.0.0.2"},
                                                                    {"RemotePort", "9"},
                                                                    {"MaxPackets", "3"},
                                                                    {NULL, NULL}},
                                       1000 * MS + 7, TTB_TIME_NEVER, NULL));
    snprintf(path, sizeof(path), "%s/server.pcap", f->directory);
    assert_ok(f, ttb_ns3_pcap(server_device, path, true));
    assert_ok(f, ttb_ns3_run(f->ns3, 10000 * MS));
    assert_true(ttb_ns3_event_count(f->ns3) > 20);
    assert_ok(f, ttb_ns3_destroy(f->ns3));

    pcap = fopen(path, "r");
    assert_non_null(pcap);
    len_bytes = fread(file, 1, sizeof(file), pcap);
    fclose(pcap);
    assert_int_equal(unlink(path), 0);
    assert_true(len_bytes > 24 + 16);
    assert_int_equal(read_u32(file), 0xa1b23c4d);
    first_s = read_u32(file + 24);
    first_ns = read_u32(file + 28);
    while (at + 16 <= len_bytes) {
        const unsigned char *frame = file + at + 16;

        /* IPv4: Linux would not take it without checksums. */
        if (frame[12] == 8 && frame[13] == 0) {
            assert_true(frame[24] || frame[25]);
            assert_true(frame[40] || frame[41]);
        }
        at += 16 + read_u32(file + at + 8);
        frames++;
    }
    assert_int_equal(at, len_bytes);
    /* ARP there and back, perhaps the other way round as well, three datagrams, three echoes. */
    assert_in_range(frames, 8, 10);
    /* ARP requests wait up to 10 ms, at random. Then 64 bytes at 80 ns, and 1 ms. */
    assert_int_equal(first_s, 1);
    assert_true(first_ns >= 7 + 64 * 80 + MS && first_ns < 12 * MS);
}

/* NetAnim is a library of its own, loaded here. */
static void an_animation_has_nodes_as_they_look_and_packets(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *client, *device;
    struct ttb_ns3_animation_opts film = {.size = sizeof(film)};
    struct ttb_ns3_animation_node look = {
        .size = sizeof(look), .label = "the client", .colour = true, .rgb = 0xff8001};
    static char text[65536];
    char path[128];
    size_t len_bytes;
    FILE *file;

    client = new_host(f, lan, "10.0.0.1/24", &device);
    new_host(f, lan, "10.0.0.2/24", &device);
    assert_ok(f, ttb_ns3_install_application(
                     client, "ns3::UdpEchoClient",
                     (struct ttb_ns3_attribute[]){
                         {"RemoteAddress", "10.0.0.2"}, {"RemotePort", "9"}, {NULL, NULL}},
                     5 * MS, TTB_TIME_NEVER, NULL));
    snprintf(path, sizeof(path), "%s/film.xml", f->directory);
    film.path = path;
    assert_ok(f, ttb_ns3_animate(f->ns3, &film));
    assert_error(f, ttb_ns3_animate(f->ns3, &film), -EEXIST, "animation already");
    assert_ok(f, ttb_ns3_animate_node(client, &look));
    assert_ok(f, ttb_ns3_run(f->ns3, 100 * MS));
    assert_ok(f, ttb_ns3_destroy(f->ns3));
    file = fopen(path, "r");
    assert_non_null(file);
    len_bytes = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    assert_int_equal(unlink(path), 0);
    text[len_bytes] = 0;
    assert_non_null(strstr(text, "descr=\"the client\""));
    assert_non_null(strstr(text, "r=\"255\" g=\"128\" b=\"1\""));
    assert_non_null(strstr(text, "<p fId="));
    assert_non_null(strstr(text, "</anim>"));
}

static void a_file_that_cannot_be_written_is_said_so(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *device, *node;
    char path[128];

    node = new_host(f, lan, "10.0.0.1/24", &device);
    snprintf(path, sizeof(path), "%s/none/x.pcap", f->directory);
    assert_error(f, ttb_ns3_pcap(device, path, true), -ENOENT, "none/x.pcap: No such file");
    assert_error(f, ttb_ns3_pcap(node, path, true), -EINVAL, "ns3::NetDevice is needed");
    if (access("/dev/full", W_OK) != 0)
        return;
    assert_ok(f, ttb_ns3_pcap(device, "/dev/full", true));
    assert_ok(f, ttb_ns3_run(f->ns3, 100 * MS));
    assert_error(f, ttb_ns3_destroy(f->ns3), -EIO, "/dev/full: could not be written completely");
}

static void a_fatal_error_of_ns3_ends_the_run_and_not_the_program(void **state)
{
    struct fixture *f = *state;
    struct ttb_ns3_object *lan = new_lan(f), *device, *node;
    const struct ttb_ns3_attribute port[] = {{"Port", "9"}, {NULL, NULL}};

    node = new_host(f, lan, "10.0.0.1/24", &device);
    /* The second one finds the port taken, and ns-3 calls that fatal. */
    assert_ok(f, ttb_ns3_install_application(node, "ns3::UdpEchoServer", port, 5 * MS,
                                             TTB_TIME_NEVER, NULL));
    assert_ok(f, ttb_ns3_install_application(node, "ns3::UdpEchoServer", port, 6 * MS,
                                             TTB_TIME_NEVER, NULL));
    assert_error(f, ttb_ns3_run(f->ns3, 100 * MS), -EIO,
                 "ns-3: Failed to bind socket (udp-echo-server.cc:");
    assert_int_equal(ttb_ns3_now_ns(f->ns3), 6 * MS);
    assert_ok(f, ttb_ns3_destroy(f->ns3));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_has_one_simulation),
        TEST(impossible_options_are_refused),
        TEST(a_run_ends_at_its_time_and_goes_on_from_there),
        TEST(a_stopped_run_leaves_no_end_behind),
        TEST(runs_do_not_nest),
        TEST(an_endless_instant_is_an_error),
        TEST(nothing_works_after_destroy),
        TEST(unknown_names_are_named),
        TEST(values_that_do_not_suit_change_nothing),
        TEST(values_that_suit_can_be_read_back),
        TEST(a_module_can_be_loaded_later),
        TEST(addresses_are_parsed_strictly),
        TEST(hosts_talk_and_pcap_has_nanoseconds),
        TEST(an_animation_has_nodes_as_they_look_and_packets),
        TEST(a_file_that_cannot_be_written_is_said_so),
        TEST(a_fatal_error_of_ns3_ends_the_run_and_not_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
