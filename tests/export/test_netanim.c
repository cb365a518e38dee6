/* SPDX-License-Identifier: BSD-3-Clause */
/* Animations for NetAnim: valid, and with what the trace has. argv[1]: the DTD of what NetAnim reads. */
#include "export_util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ttbridge/scenario.h>

#define SKIPPED 77

static const char *dtd;

static const char scenario_text[] =
    "duration: 10s\n"
    "links: {lan: {type: ethernet, rate: 1Mbps}, air: {type: wifi}}\n"
    "nodes:\n"
    "  client:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}, {link: air, address: fd00::1/64}]\n"
    "    place:\n"
    "      position: [1m, 2m]\n"
    "      waypoints: [{at: 1s, position: [1m, 2m]}, {at: 2s, position: [5m, -2m]}]\n"
    "  server:\n"
    "    interfaces: [{link: lan, address: 10.0.0.2/24}, {link: air, address: fd00::2/64}]\n";

static void export_animation(struct fixture *f, struct ttb_export_opts opts,
                             struct exported *exported)
{
    char path[128], line[512], *output;

    opts.format = TTB_EXPORT_NETANIM;
    export_trace(f->directory, opts, exported);
    snprintf(path, sizeof(path), "%s/anim.xml", f->directory);
    write_file(path, exported->data, exported->len_bytes);
    snprintf(line, sizeof(line), "xmllint --noout --dtdvalid %s %s 2>&1", dtd, path);
    if (run_program(line, &output) != 0)
        fail_msg("%s", output);
    free(output);
    unlink(path);
}

static unsigned count(const struct exported *exported, const char *part)
{
    unsigned found = 0;

    for (const char *at = (const char *)exported->data; (at = strstr(at, part)); at += strlen(part))
        found++;
    return found;
}

static struct ttb_trace_writer *open_with_scenario(struct fixture *f)
{
    struct ttb_trace_header header = {.scenario_name = "walk", .seed = 1};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = f->directory, .header = &header};
    struct ttb_scenario_opts scenario_opts = {.size = sizeof(scenario_opts)};
    struct ttb_trace_writer *writer;
    Ttb__Scenario *scenario;
    uint8_t *packed;
    size_t len_bytes;
    char error[256];

    assert_int_equal(
        ttb_scenario_parse(scenario_text, strlen(scenario_text), &scenario_opts, &scenario), 0);
    assert_int_equal(ttb_scenario_pack(scenario, &packed, &len_bytes), 0);
    header.scenario = (struct ttb_trace_bytes){packed, len_bytes};
    if (ttb_trace_writer_open(&opts, &writer, error, sizeof(error)))
        fail_msg("%s", error);
    for (uint32_t i = 0; i < 2; i++) {
        struct ttb_trace_node node = {.id = i,
                                      .name = i ? "server" : "client",
                                      .kernel = TTB_TRACE_NONE,
                                      .image = TTB_TRACE_NONE};
        struct ttb_trace_place place = {.kind = TTB_TRACE_PORT,
                                        .name = "eth0",
                                        .node = i,
                                        .link = TTB_TRACE_NONE,
                                        .speed_bps = 1000000};

        assert_int_equal(ttb_trace_writer_add_node(writer, &node), 0);
        assert_int_equal(ttb_trace_writer_add_place(writer, &place, NULL), 0);
    }
    ttb_scenario_free(scenario);
    free(packed);
    return writer;
}

static void nodes_stand_and_walk_where_the_scenario_says(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_with_scenario(f);
    uint8_t frame[PING_BYTES];
    struct exported exported;

    make_ping(frame, 1);
    write_packet(writer, 1500 * MS, 0, TTB_TRACE_TRANSMITTED, 1, frame, sizeof(frame));
    write_packet(writer, 1510 * MS, 1, TTB_TRACE_DELIVERED, 1, frame, sizeof(frame));
    close_writer(writer, 10 * S);
    export_animation(f, (struct ttb_export_opts){.node = NULL}, &exported);
    assert_int_equal(exported.rc, 0);
    assert_contains(exported.data, "<node id=\"0\" sysId=\"0\" locX=\"1.000\" locY=\"2.000\" />");
    assert_contains(exported.data, "descr=\"client\"");
    /* Half way, and not before it goes. */
    assert_contains(exported.data,
                    "<nu p=\"p\" t=\"1.500000000\" id=\"0\" x=\"3.000\" y=\"0.000\" />");
    assert_null(strstr((const char *)exported.data, "<nu p=\"p\" t=\"0."));
    /* A line between the two, and no line in the air. */
    assert_contains(exported.data, "<link fromId=\"0\" toId=\"1\" fd=\"10.0.0.1/24\" "
                                   "td=\"10.0.0.2/24\" ld=\"lan\" />");
    assert_int_equal(count(&exported, "channelType=\"air\""), 2);
    assert_contains(exported.data, "<ipv6 n=\"1\" ><address>fd00::2</address></ipv6>");
    /* 98 bytes take 784 us. */
    assert_contains(exported.data, "<p fId=\"0\" fbTx=\"1.500000000\" lbTx=\"1.500784000\"");
    assert_contains(exported.data, "tId=\"1\" fbRx=\"1.509216000\" lbRx=\"1.510000000\" />");
    free(exported.data);
}

static void every_frame_that_arrives_and_every_drop_is_there(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    struct exported exported;
    unsigned delivered = 0;

    write_sample(writer, 100);
    close_writer(writer, 20 * S);
    reader = open_reader(f->directory, false);
    while (ttb_trace_reader_next(reader, &record) > 0)
        delivered += record.kind == TTB_TRACE_FRAME && record.frame.what == TTB_TRACE_DELIVERED;
    ttb_trace_reader_free(reader);
    export_animation(f, (struct ttb_export_opts){.node = NULL}, &exported);
    assert_true(delivered > 0);
    assert_int_equal(count(&exported, "<p fId="), delivered);
    assert_contains(exported.data, "descr=\"server\"");
    free(exported.data);

    /* Nobody sends to a node that there is not. */
    export_animation(f, (struct ttb_export_opts){.node = "nobody"}, &exported);
    assert_int_equal(exported.rc, -ESRCH);
    assert_int_equal(count(&exported, "<p fId="), 0);
    free(exported.data);
}

static void what_is_lost_counts_for_its_sender(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    uint8_t frame[PING_BYTES];
    struct exported exported;

    make_ping(frame, 1);
    for (unsigned i = 1; i <= 3; i++) {
        write_packet(writer, i * MS, 0, TTB_TRACE_TRANSMITTED, i, frame, sizeof(frame));
        write_packet(writer, i * MS + 1, TTB_TRACE_NONE, TTB_TRACE_LOST, i, frame, sizeof(frame));
    }
    close_writer(writer, S);
    export_animation(f, (struct ttb_export_opts){.node = NULL}, &exported);
    assert_contains(exported.data, "<nc c=\"0\" i=\"0\" t=\"0.003000001\" v=\"3\" />");
    assert_int_equal(count(&exported, "<p fId="), 0);
    free(exported.data);
}

static void names_cannot_break_the_animation(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct ttb_trace_node node = {
        .id = 7, .name = "<\"&\x01\xff>", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
    struct exported exported;

    assert_int_equal(ttb_trace_writer_add_node(writer, &node), 0);
    write_sample(writer, 1);
    close_writer(writer, 20 * S);
    export_animation(f, (struct ttb_export_opts){.node = NULL}, &exported);
    assert_contains(exported.data, "descr=\"&lt;&quot;&amp;");
    free(exported.data);
}

static void a_truncated_run_is_an_animation_as_far_as_it_goes(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;

    write_sample(writer, 100);
    ttb_trace_writer_close(writer, NULL);
    export_animation(f, (struct ttb_export_opts){.node = NULL}, &exported);
    assert_int_equal(exported.rc, -ENODATA);
    assert_contains(exported.text, "exported up to ");
    assert_int_equal(count(&exported, "</anim>"), 1);
    free(exported.data);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nodes_stand_and_walk_where_the_scenario_says),
        TEST(every_frame_that_arrives_and_every_drop_is_there),
        TEST(what_is_lost_counts_for_its_sender),
        TEST(names_cannot_break_the_animation),
        TEST(a_truncated_run_is_an_animation_as_far_as_it_goes),
    };

    if (argc < 2 || !have_program("xmllint")) {
        fprintf(stderr, "skipped: xmllint is missing\n");
        return SKIPPED;
    }
    dtd = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
