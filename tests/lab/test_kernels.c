/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the patches in uml-patches/ repair that only a node with a network shows, and nodes with
 * different kernels in one lab.
 */
#include "lab_util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/link.h>

#define SECOND_NS UINT64_C(1000000000)

static const char pinger[] = "sleep 1; ping -c 5 10.0.0.%d; echo ping $?; sleep 1";

static struct ttb_port *add_pinger(struct ttb_lab *lab, const char *name, const char *kernel,
                                   const char *argument, int address, int peer)
{
    const char *arguments[] = {"loglevel=7", argument, NULL};
    char commands[128], text[32];
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = name,
        .kernel = kernel,
        .commands = commands,
        .kernel_arguments = arguments,
    };
    struct ttb_lab_interface_opts interface = {.size = sizeof(interface), .addresses = {text}};
    struct ttb_lab_node *node;
    struct ttb_port *port;

    snprintf(commands, sizeof(commands), pinger, peer);
    snprintf(text, sizeof(text), "10.0.0.%d/24", address);
    if (ttb_lab_add_node(lab, &opts, &node) || ttb_lab_node_add_interface(node, &interface, &port))
        fail_msg("%s", ttb_lab_error(lab));
    return port;
}

/* Two nodes ping each other over a link of 10 ms. Returns what they print, to be freed. */
static char *run_pingers(const char *kernel_a, const char *kernel_b, const char *argument)
{
    struct ttb_net_params params = {.size = sizeof(params), .delay_ns = SECOND_NS / 100};
    struct notes notes = {.keep = true};
    char *scratch = scratch_new();
    struct ttb_lab *lab = open_lab(scratch, NULL, NULL, &notes);
    struct ttb_net_end *end_a, *end_b;
    struct ttb_net *net;
    struct ttb_port *a = add_pinger(lab, "a", kernel_a, argument, 1, 2);
    struct ttb_port *b = add_pinger(lab, "b", kernel_b, argument, 2, 1);

    assert_int_equal(ttb_net_new(ttb_lab_bridge(lab), NULL, &net), 0);
    assert_int_equal(ttb_net_add_port(net, a, &end_a), 0);
    assert_int_equal(ttb_net_add_port(net, b, &end_b), 0);
    assert_int_equal(ttb_net_connect(net, end_a, end_b, &params, NULL, NULL), 0);
    if (ttb_net_run(net, TTB_TIME_NEVER))
        fail_msg("%s", ttb_net_error(net));
    ttb_net_free(net);
    ttb_lab_free(lab);
    scratch_free(scratch);
    return notes.text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (text = strstr(text, part); text; text = strstr(text + 1, part))
        n++;
    return n;
}

static void test_a_node_without_transmit_interrupts_powers_off_cleanly(void **state)
{
    char *text = run_pingers(NULL, NULL, "virtio_net.napi_tx=0");

    (void)state;
    assert_int_equal(count(text, "ping 0\n"), 2);
    if (strstr(text, "WARNING"))
        fail_msg("%.500s", strstr(text, "WARNING"));
    free(text);
}

static void test_a_carrier_that_goes_with_a_frame_is_seen_to_go(void **state)
{
    static const unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                            0,    0,    0,    0,    1,    0x88, 0xb5};
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = "node",
        .commands = "sleep 3; echo carrier $(cat /sys/class/net/eth0/carrier); sleep 3;\n"
                    "echo carrier $(cat /sys/class/net/eth0/carrier)",
    };
    struct ttb_lab_interface_opts interface = {.size = sizeof(interface),
                                               .addresses = {"10.0.0.1/24"}};
    struct notes notes = {.keep = true};
    char *scratch = scratch_new();
    struct ttb_lab *lab = open_lab(scratch, NULL, NULL, &notes);
    struct ttb_lab_node *node;
    struct ttb_port *port;

    (void)state;
    assert_int_equal(ttb_lab_add_node(lab, &opts, &node), 0);
    assert_int_equal(ttb_lab_node_add_interface(node, &interface, &port), 0);
    run_until(lab, 2 * SECOND_NS); /* 6.1 takes a second for its first random bytes */
    assert_int_equal(ttb_port_deliver(port, frame, sizeof(frame)), 0);
    assert_int_equal(ttb_port_set_carrier(port, false), 0);
    run_until(lab, 5 * SECOND_NS);
    assert_non_null(notes.text);
    assert_string_equal(notes.text, "carrier 0\n");
    assert_int_equal(ttb_port_set_carrier(port, true), 0);
    run_until(lab, TTB_TIME_NEVER);
    assert_contains(notes.text, "carrier 0\ncarrier 1\n");
    ttb_lab_free(lab);
    free(notes.text);
    scratch_free(scratch);
}

/* 6.1 has no shared memory: its clock goes by messages. */
static void test_nodes_with_different_kernels_share_one_clock(void **state)
{
    char path[4096], error[256], *first, *second;

    (void)state;
    if (ttb_lab_find_kernel("6.1", path, sizeof(path), error, sizeof(error))) {
        print_message("SKIPPED: %s\n", error);
        skip();
    }
    first = run_pingers("6.1", NULL, NULL);
    assert_int_equal(count(first, "ping 0\n"), 2);
    /* All but the first of each, which ARP comes before. */
    assert_int_equal(count(first, "time=20.0"), 8);
    second = run_pingers("6.1", NULL, NULL);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_node_without_transmit_interrupts_powers_off_cleanly),
        cmocka_unit_test(test_a_carrier_that_goes_with_a_frame_is_seen_to_go),
        cmocka_unit_test(test_nodes_with_different_kernels_share_one_clock),
    };

    need_kernel();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
