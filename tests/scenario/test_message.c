/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios as messages: built by hand, encoded, decoded, kept for later. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Ttb__Scenario__Interface *interface_on(Ttb__Scenario__Interface *interface, char *link,
                                              char **addresses)
{
    *interface = (Ttb__Scenario__Interface)TTB__SCENARIO__INTERFACE__INIT;
    interface->link = link;
    interface->n_addresses = addresses ? 1 : 0;
    interface->addresses = addresses;
    return interface;
}

static char lan[] = "lan", client[] = "client", server[] = "server", ping[] = "ping -c 1 10.0.0.2";
static char address_1[] = "10.0.0.1/24", address_2[] = "10.0.0.2/24";

/* Two nodes on a link, made of structures on the stack: everything lives as long as the rig. */
struct by_hand {
    Ttb__Scenario scenario;
    Ttb__Scenario__Link link, *links[1];
    Ttb__Scenario__Node node[2], *nodes[2];
    Ttb__Scenario__Interface interface[2], *interfaces[2];
    Ttb__Scenario__Command command, *commands[1];
    char *addresses[2];
};

static void build(struct by_hand *by_hand)
{
    by_hand->scenario = (Ttb__Scenario)TTB__SCENARIO__INIT;
    by_hand->link = (Ttb__Scenario__Link)TTB__SCENARIO__LINK__INIT;
    by_hand->command = (Ttb__Scenario__Command)TTB__SCENARIO__COMMAND__INIT;
    by_hand->addresses[0] = address_1;
    by_hand->addresses[1] = address_2;
    by_hand->link.name = lan;
    by_hand->command.command = ping;
    by_hand->commands[0] = &by_hand->command;
    for (size_t i = 0; i < 2; i++) {
        by_hand->node[i] = (Ttb__Scenario__Node)TTB__SCENARIO__NODE__INIT;
        by_hand->interfaces[i] = interface_on(&by_hand->interface[i], lan, &by_hand->addresses[i]);
        by_hand->node[i].name = i ? server : client;
        by_hand->node[i].n_interfaces = 1;
        by_hand->node[i].interfaces = &by_hand->interfaces[i];
        by_hand->nodes[i] = &by_hand->node[i];
    }
    by_hand->node[0].n_run = 1;
    by_hand->node[0].run = by_hand->commands;
    by_hand->links[0] = &by_hand->link;
    by_hand->scenario.n_links = 1;
    by_hand->scenario.links = by_hand->links;
    by_hand->scenario.n_nodes = 2;
    by_hand->scenario.nodes = by_hand->nodes;
}

static void one_built_by_hand_equals_one_from_a_file(void **state)
{
    Ttb__Scenario *complete,
        *parsed = parse_ok("links: {lan: {}}\n"
                           "nodes:\n"
                           "  client:\n"
                           "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                           "    run: [ping -c 1 10.0.0.2]\n"
                           "  server:\n"
                           "    interfaces: [{link: lan, address: 10.0.0.2/24}]\n");
    struct by_hand by_hand;

    (void)state;
    build(&by_hand);
    assert_int_equal(ttb_scenario_complete(&by_hand.scenario, NULL, &complete), 0);
    assert_same_scenario(complete, parsed);
    /* The original is as it was. */
    assert_false(by_hand.link.has_rate_bps);
    assert_null(by_hand.node[0].image);
    ttb_scenario_free(complete);
    ttb_scenario_free(parsed);
}

static void mistakes_in_one_built_by_hand_are_named_by_path(void **state)
{
    static char wan[] = "wan", bad_address[] = "10.0.0.2";
    struct by_hand by_hand;
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *complete;

    (void)state;
    build(&by_hand);
    by_hand.interface[0].link = wan;
    by_hand.addresses[1] = bad_address;
    by_hand.scenario.has_duration_ns = 1;
    by_hand.scenario.duration_ns = 0;
    by_hand.link.has_loss_ppb = 1;
    by_hand.link.loss_ppb = TTB_SCENARIO_PPB + 1;
    by_hand.node[1].has_memory_bytes = 1;
    by_hand.node[1].memory_bytes = (64 << 20) + 1;
    by_hand.node[0].has_clock = 1;
    by_hand.node[0].clock = (Ttb__Scenario__Clock)77;
    assert_int_equal(ttb_scenario_complete(&by_hand.scenario, &opts, &complete), -EINVAL);
    assert_null(complete);
    assert_string_equal(
        report.text,
        "duration: 0s is less than 1ns\n"
        "links.lan.loss: 100.0000001% is more than 100%\n"
        "nodes.client.clock: this version of ttb does not know the value 77\n"
        "nodes.server.interfaces[0].address[0]: \"10.0.0.2\": the prefix length is missing, such "
        "as "
        "\"10.0.0.2/24\"\n"
        "nodes.client.interfaces[0].link: there is no link \"wan\"; did you mean \"lan\"?\n"
        "nodes.client.start: the run ends at 0s (duration)\n"
        "nodes.server.memory: 67108865 bytes are not a whole number of MiB; \"64M\" is 64 MiB\n"
        "nodes.server.start: the run ends at 0s (duration)\n");
}

static void names_are_needed_and_unique(void **state)
{
    struct by_hand by_hand;
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *complete;

    (void)state;
    build(&by_hand);
    by_hand.node[1].name = NULL;
    assert_int_equal(ttb_scenario_complete(&by_hand.scenario, &opts, &complete), -EINVAL);
    assert_string_equal(report.text, "nodes.\"\": a name is empty\n");
    build(&by_hand);
    opts = report_into(&report);
    by_hand.node[1].name = client;
    assert_int_equal(ttb_scenario_complete(&by_hand.scenario, &opts, &complete), -EINVAL);
    assert_string_equal(report.text, "nodes.client: it is given twice\n");
}

static void packed_ones_are_unpacked_as_the_same(void **state)
{
    char path[4096];
    uint8_t *data;
    size_t length;
    Ttb__Scenario *scenario, *again;

    snprintf(path, sizeof(path), "%s/valid/every-key.yaml", (const char *)*state);
    assert_int_equal(ttb_scenario_load(path, NULL, &scenario), 0);
    assert_int_equal(ttb_scenario_pack(scenario, &data, &length), 0);
    assert_int_equal(ttb_scenario_unpack(data, length, NULL, &again), 0);
    assert_same_scenario(scenario, again);
    ttb_scenario_free(again);
    ttb_scenario_free(scenario);
    free(data);
}

static void damaged_ones_are_refused(void **state)
{
    static const uint8_t junk[] = {0xff, 0xff, 0xff, 0xff, 0x07};
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *scenario;

    (void)state;
    assert_int_equal(ttb_scenario_unpack(junk, sizeof(junk), &opts, &scenario), -EINVAL);
    assert_null(scenario);
    assert_string_equal(report.text, "this is no scenario, or it is damaged\n");
}

/* What a newer version may have written: a field, a value, a format that this one does not know. */
static void unknown_parts_are_refused(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t length;
        const char *why;
    } news[] = {
        /* field 1000, varint 1 */
        {{0xc0, 0x3e, 0x01}, 3, "this version of ttb does not know the field with number 1000\n"},
        /* format 2 */
        {{0x08, 0x02}, 2, "format: this version of ttb does not know format 2\n"},
        /* engine 9 */
        {{0x40, 0x09}, 2, "engine: this version of ttb does not know the value 9\n"},
        /* nodes[0].field 99, varint 1 */
        {{0x62, 0x03, 0x98, 0x06, 0x01},
         5,
         "nodes[0]: this version of ttb does not know the field with number 99\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(news) / sizeof(*news); i++) {
        struct report report;
        struct ttb_scenario_opts opts = report_into(&report);
        Ttb__Scenario *scenario;

        assert_int_equal(ttb_scenario_unpack(news[i].bytes, news[i].length, &opts, &scenario),
                         -EINVAL);
        assert_string_equal(report.text, news[i].why);
    }
}

static void embedded_files_need_no_host(void **state)
{
    static const char text[] =
        "nodes: {a: {files: {/x: {from: data}, /y: {from: run, mode: 0600}}}}";
    char folder[] = "/tmp/ttb-scenario-XXXXXX", path[64];
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *scenario, *at_once;
    Ttb__Scenario__File **files;
    FILE *out;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/data", folder);
    out = fopen(path, "w");
    assert_non_null(out);
    fwrite("a\0b", 1, 3, out);
    fclose(out);
    chmod(path, 0744);
    opts.directory = folder;
    assert_int_equal(ttb_scenario_parse(text, strlen(text), &opts, &scenario), -EINVAL);
    assert_non_null(strstr(report.text, "nodes.a.files./y.from: \"/tmp/ttb-scenario-"));
    assert_int_equal(report.count, 1);

    opts = report_into(&report);
    assert_int_equal(ttb_scenario_parse(text, strlen(text), &opts, &scenario), 0);
    opts.directory = folder;
    assert_int_equal(ttb_scenario_embed_files(scenario, &opts), -EINVAL);
    assert_int_equal(report.count, 1);
    snprintf(path, sizeof(path), "%s/run", folder);
    out = fopen(path, "w");
    assert_non_null(out);
    fclose(out);
    assert_int_equal(ttb_scenario_embed_files(scenario, &opts), 0);
    files = scenario->nodes[0]->files;
    assert_true(files[0]->has_content && files[1]->has_content);
    assert_int_equal(files[0]->content.len, 3);
    assert_memory_equal(files[0]->content.data, "a\0b", 3);
    /* With a folder, reading the text does all of it. */
    assert_int_equal(ttb_scenario_parse(text, strlen(text), &opts, &at_once), 0);
    assert_same_scenario(scenario, at_once);
    ttb_scenario_free(at_once);
    assert_int_equal(files[0]->mode, 0755);
    assert_int_equal(files[1]->content.len, 0);
    assert_int_equal(files[1]->mode, 0600);
    ttb_scenario_free(scenario);
    unlink(path);
    snprintf(path, sizeof(path), "%s/data", folder);
    unlink(path);
    rmdir(folder);
}

/* Programs that were built against an older or newer header. */
static void options_of_any_size_are_taken(void **state)
{
    struct {
        struct ttb_scenario_opts opts;
        uint64_t more;
    } newer = {.opts = {.size = sizeof(newer), .has_seed = true, .seed = 7}, .more = 1};
    struct ttb_scenario_opts older = {
        .size = offsetof(struct ttb_scenario_opts, has_seed), .has_seed = true, .seed = 7};
    Ttb__Scenario *scenario;

    (void)state;
    assert_int_equal(ttb_scenario_parse("nodes: {a: }", 12, &newer.opts, &scenario), 0);
    assert_int_equal(scenario->seed, 7);
    ttb_scenario_free(scenario);
    assert_int_equal(ttb_scenario_parse("nodes: {a: }", 12, &older, &scenario), 0);
    assert_int_equal(scenario->seed, 1);
    ttb_scenario_free(scenario);
}

static void defaults_are_those_of_the_reference(void **state)
{
    Ttb__Scenario *scenario = parse_ok("links: {c: {}, e: {type: ethernet}, w: {type: wifi}}\n"
                                       "nodes:\n"
                                       "  a: {interfaces: [c, e, w]}\n"
                                       "  b: {interfaces: [c, e, w]}\n");
    const Ttb__Scenario__Node *b = scenario->nodes[1];
    const Ttb__Scenario__Link *c = scenario->links[0], *e = scenario->links[1],
                              *w = scenario->links[2];
    static const uint8_t mac[] = {2, 0x74, 0x74, 0, 1, 2};

    (void)state;
    assert_int_equal(scenario->format, 1);
    assert_string_equal(scenario->name, "scenario");
    assert_int_equal(scenario->seed, 1);
    assert_int_equal(scenario->duration_ns, UINT64_C(60000000000));
    assert_int_equal(scenario->end, TTB__SCENARIO__END__WHEN_DONE);
    assert_int_equal(scenario->engine, TTB__SCENARIO__ENGINE__NS3);
    assert_int_equal(scenario->epoch_ns, UINT64_C(1735689600000000000));
    assert_string_equal(b->kernel, "");
    assert_string_equal(b->image, "busybox");
    assert_int_equal(b->memory_bytes, 64 << 20);
    assert_true(b->etc_hosts && b->has_start_ns && !b->poweroff && !b->forwarding);
    assert_int_equal(c->rate_bps, 100000000);
    assert_int_equal(e->rate_bps, 1000000000);
    assert_int_equal(c->delay_ns, 1000);
    assert_int_equal(e->delay_ns, 1000);
    assert_int_equal(c->queue_frames, 100);
    assert_int_equal(c->mtu_bytes, 1500);
    assert_false(w->has_rate_bps || w->has_delay_ns || w->has_queue_frames || c->pcap);
    assert_string_equal(w->wifi->ssid, "w");
    assert_string_equal(w->wifi->propagation_loss[0]->type, "ns3::LogDistancePropagationLossModel");
    assert_string_equal(b->interfaces[2]->name, "eth2");
    assert_int_equal(b->interfaces[2]->mac.len, 6);
    assert_memory_equal(b->interfaces[2]->mac.data, mac, 6);
    ttb_scenario_free(scenario);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_built_by_hand_equals_one_from_a_file),
        cmocka_unit_test(mistakes_in_one_built_by_hand_are_named_by_path),
        cmocka_unit_test(names_are_needed_and_unique),
        cmocka_unit_test_prestate(packed_ones_are_unpacked_as_the_same, argv[1]),
        cmocka_unit_test(damaged_ones_are_refused),
        cmocka_unit_test(unknown_parts_are_refused),
        cmocka_unit_test(embedded_files_need_no_host),
        cmocka_unit_test(options_of_any_size_are_taken),
        cmocka_unit_test(defaults_are_those_of_the_reference),
    };

    if (argc != 2)
        return 2;
    return cmocka_run_group_tests_name("scenario message", tests, NULL, NULL);
}
