/* SPDX-License-Identifier: BSD-3-Clause */
/* --set KEY=VALUE and --seed. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "links: {lan: &link {rate: 10Mbps}, wan: *link}\n"
                           "nodes:\n"
                           "  a: {interfaces: [lan, {link: wan}], run: [{command: one}, two]}\n"
                           "  b: {interfaces: [lan, wan], sysctls: {net.ipv4.ip_forward: 1}}\n";

/* Parse `text` with overrides; NULL and a report if that fails. */
static Ttb__Scenario *parse_with(const char *const *overrides, struct report *report)
{
    struct ttb_scenario_opts opts = report_into(report);
    Ttb__Scenario *scenario;

    opts.overrides = overrides;
    ttb_scenario_parse(text, sizeof(text) - 1, &opts, &scenario);
    return scenario;
}

static void overrides_replace_and_add(void **state)
{
    static const char *const overrides[] = {"duration=5s",
                                            "links.lan.delay=7ms",
                                            "nodes.a.interfaces[1].address=[10.0.0.1/24]",
                                            "nodes.a.run[0].command=three",
                                            "nodes.b.sysctls.\"net.ipv4.ip_forward\"=0",
                                            "nodes.b.env.HOME=",
                                            "nodes.c.interfaces={link: lan}",
                                            "expect=[{node: a, exit: 0}]",
                                            "nodes.c.memory=32M",
                                            "nodes.c.memory=16M",
                                            "nodes.a.run[2]=four",
                                            NULL};
    struct report report;
    Ttb__Scenario *scenario;

    (void)state;
    /* A value that is left out is no value. */
    scenario = parse_with(overrides, &report);
    assert_null(scenario);
    assert_string_equal(report.text,
                        "--set nodes.b.env.HOME=: nodes.b.env.HOME: a value is missing\n");

    scenario = parse_with(
        (const char *const[]){overrides[0], overrides[1], overrides[2], overrides[3], overrides[4],
                              overrides[6], overrides[7], overrides[8], overrides[9], overrides[10],
                              "nodes.c.interfaces[0].mtu=1400", "nodes.c.run[0]=five", NULL},
        &report);
    if (!scenario)
        fail_msg("%s", report.text);
    assert_int_equal(scenario->duration_ns, UINT64_C(5000000000));
    assert_int_equal(scenario->links[0]->delay_ns, 7000000);
    /* What an alias shares is not changed with it. */
    assert_int_equal(scenario->links[1]->delay_ns, 1000);
    assert_int_equal(scenario->links[0]->rate_bps, 10000000);
    assert_string_equal(scenario->nodes[0]->interfaces[1]->addresses[0], "10.0.0.1/24");
    assert_string_equal(scenario->nodes[0]->run[0]->command, "three");
    assert_string_equal(scenario->nodes[0]->run[1]->command, "two");
    assert_string_equal(scenario->nodes[0]->run[2]->command, "four");
    assert_string_equal(scenario->nodes[2]->run[0]->command, "five");
    assert_int_equal(scenario->nodes[2]->interfaces[0]->mtu_bytes, 1400);
    assert_string_equal(scenario->nodes[1]->sysctls[0]->value, "0");
    assert_string_equal(scenario->nodes[2]->name, "c");
    assert_int_equal(scenario->nodes[2]->memory_bytes, 16 << 20);
    assert_int_equal(scenario->n_expect, 1);
    ttb_scenario_free(scenario);
}

static void wrong_overrides_are_named(void **state)
{
    static const struct {
        const char *override, *problem;
    } wrong[] = {
        {"links.lan.delay=banana", "links.lan.delay: \"banana\" is not a time, such as \"10ms\""},
        {"links.lan.dely=1ms", "links.lan.dely: unknown key; did you mean \"delay\"?"},
        {"link.lan.delay=1ms", "link: unknown key; did you mean \"links\"?"},
        {"duration", "an override is KEY=VALUE, such as links.lan.delay=5ms or "
                     "nodes.a.interfaces[0].link=lan"},
        {"=5", "an override is KEY=VALUE, such as links.lan.delay=5ms or "
               "nodes.a.interfaces[0].link=lan"},
        {"nodes.a.run[x]=5", "an override is KEY=VALUE, such as links.lan.delay=5ms or "
                             "nodes.a.interfaces[0].link=lan"},
        {"nodes.\"a.run=5", "an override is KEY=VALUE, such as links.lan.delay=5ms or "
                            "nodes.a.interfaces[0].link=lan"},
        {"nodes.a.run[7]=x", "there is no element [7]"},
        {"nodes.a.run[0][1]=x", "there is no element [1]"},
        {"nodes.a.interfaces[0].link=wan", "there is text where \"link\" is looked for"},
        {"nodes.a.run.first=x", "there is a list where \"first\" is looked for"},
        {"links.lan=!x {}", "tags are not used here"},
        {"nodes.a.interfaces[1].link=lna",
         "nodes.a.interfaces[1].link: there is no link \"lna\"; did you mean \"lan\"?"},
        {"nodes.a=[]", "nodes.a: there is a list where a mapping belongs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        const char *const overrides[] = {wrong[i].override, NULL};
        char expected[512];
        struct report report;

        assert_null(parse_with(overrides, &report));
        snprintf(expected, sizeof(expected), "--set %s: %s\n", wrong[i].override, wrong[i].problem);
        assert_string_equal(report.text, expected);
    }
}

static void the_seed_has_the_last_word(void **state)
{
    struct ttb_scenario_opts opts = {.size = sizeof(opts),
                                     .overrides = (const char *const[]){"seed=3", NULL},
                                     .has_seed = true,
                                     .seed = UINT64_MAX};
    Ttb__Scenario *scenario;

    (void)state;
    assert_int_equal(ttb_scenario_parse(text, sizeof(text) - 1, &opts, &scenario), 0);
    assert_int_equal(scenario->seed, UINT64_MAX);
    ttb_scenario_free(scenario);
}

static void one_of_many_can_be_overridden(void **state)
{
    static const char many[] = "nodes: {\"w{1..3}\": {memory: 32M}}";
    struct ttb_scenario_opts opts = {
        .size = sizeof(opts), .overrides = (const char *const[]){"nodes.w2.memory=64M", NULL}};
    Ttb__Scenario *scenario;

    (void)state;
    assert_int_equal(ttb_scenario_parse(many, sizeof(many) - 1, &opts, &scenario), 0);
    assert_int_equal(scenario->n_nodes, 3);
    assert_int_equal(scenario->nodes[0]->memory_bytes, 32 << 20);
    assert_int_equal(scenario->nodes[1]->memory_bytes, 64 << 20);
    assert_int_equal(scenario->nodes[2]->memory_bytes, 32 << 20);
    ttb_scenario_free(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overrides_replace_and_add),
        cmocka_unit_test(wrong_overrides_are_named),
        cmocka_unit_test(the_seed_has_the_last_word),
        cmocka_unit_test(one_of_many_can_be_overridden),
    };

    return cmocka_run_group_tests_name("scenario overrides", tests, NULL, NULL);
}
