/* SPDX-License-Identifier: BSD-3-Clause */
/* What links lose in a run is in its trace, with its reason and the packet's id, in either engine. */
#include "tshark_util.h"

#include "../cli/work.h"

/* Two links that differ; the second loses, overflows, and is cut while frames come. */
static const char scenario[] =
    "duration: 12s\n"
    "links:\n"
    "  lan: {type: ethernet, rate: 10Mbps, delay: 1ms, loss: 10%, queue: 5}\n"
    "  cable: {type: ethernet, rate: 10Mbps, delay: 1ms, loss: 5%, queue: 4}\n"
    "nodes:\n"
    "  a:\n"
    "    interfaces: [{link: lan, address: 10.0.0.1/24}, {link: cable, address: 10.1.0.1/24}]\n"
    "    run:\n"
    /* The same frame again and again, also while the link is cut. */
    "      - {command: arping -c 11 -I eth1 10.1.0.9, background: true}\n"
    "      - ping -c 8 -i 0.2 10.0.0.2 ; true\n"
    "      - ping -c 20 -i 0.01 -s 1400 10.1.0.2 ; true\n"
    "      - ping -c 5 -i 0.1 -s 9000 -W 1 10.1.0.2 ; true\n"
    "      - {at: 8s, command: 'ping -c 10 -i 0.01 -s 1400 -W 1 10.1.0.2 ; true'}\n"
    "  b:\n"
    "    interfaces: [{link: lan, address: 10.0.0.2/24}, {link: cable, address: 10.1.0.2/24}]\n"
    "events:\n"
    "  - {at: 8053ms, link: cable, set: {up: false}}\n"
    "  - {at: 9s, link: cable, set: {up: true}}\n";

static unsigned number_of(const char *line)
{
    struct said said;

    run_in_work(line, &said);
    expect_status(&said, 0);
    return (unsigned)atoi(said.out);
}

/* Frames that the trace says `link` lost for this reason, or a longer one that begins like it. */
static unsigned lost(const char *link, const char *reason)
{
    char line[512];

    snprintf(
        line, sizeof(line),
        "$TTB export run -f jsonl --table frames --link %s | "
        "jq -s '[.[] | select(.what == \"lost\" and (.reason | startswith(\"%s\")))] | length'",
        link, reason);
    return number_of(line);
}

static unsigned counted(const char *link, const char *why)
{
    char line[512];

    snprintf(line, sizeof(line),
             "jq '.links[] | select(.name == \"%s\") | .dropped_frames.%s' run/summary.json", link,
             why);
    return number_of(line);
}

static void check_losses(void)
{
    char directory[64], capture[128];
    unsigned all;

    assert_true(counted("cable", "loss") + counted("lan", "loss") > 0);
    assert_true(counted("cable", "queue") > 0);
    for (int i = 0; i < 2; i++) {
        const char *link = i ? "cable" : "lan";

        assert_int_equal(lost(link, "lost"), counted(link, "loss"));
        assert_int_equal(lost(link, "queue full"), counted(link, "queue"));
        assert_int_equal(lost(link, "link down"), counted(link, "down"));
    }
    all = lost("lan", "") + lost("cable", "");
    /* Each was sent before, under the same id. */
    assert_int_equal(
        number_of("$TTB export run -f jsonl --table frames | "
                  "jq -s '[.[] | select(.what == \"transmitted\") | .packet] as $sent | "
                  "[.[] | select(.what == \"lost\" and (.packet | IN($sent[])))] | length'"),
        all);
    /* On links with two ends, none was lost and arrived. */
    assert_int_equal(
        number_of("$TTB export run -f jsonl --table frames | "
                  "jq -s '[.[] | select(.what == \"lost\") | .packet] as $lost | "
                  "[.[] | select(.what == \"delivered\" and (.packet | IN($lost[])))] | length'"),
        0);
    assert_true(lost("cable", "link down") > 0);
    snprintf(directory, sizeof(directory), "%s/run", work);
    make_capture(directory, capture);
    compare_capture(directory, capture);
    assert_int_equal(count_matches(capture, "frame.comment contains \"lost\""), all);
    assert_int_equal(count_matches(capture, "frame.interface_name == \"cable\" && "
                                            "frame.comment contains \"queue full\""),
                     counted("cable", "queue"));
    unlink(capture);
}

static void run_engine(const char *engine)
{
    char path[64];
    struct said said;
    FILE *file;

    snprintf(path, sizeof(path), "%s/s.yaml", work);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "engine: %s\n%s", engine, scenario);
    assert_int_equal(fclose(file), 0);
    run_in_work("$TTB run s.yaml --check > /dev/null", &said);
    if (said.status != 0)
        skip(); /* a build without ns-3 */
    run_in_work("rm -rf run && $TTB run s.yaml -o run", &said);
    expect_status(&said, 0);
}

static void the_built_in_network_tells_what_it_lost(void **state)
{
    (void)state;
    run_engine("builtin");
    check_losses();
}

static void ns3_tells_what_it_lost(void **state)
{
    (void)state;
    run_engine("ns3");
    check_losses();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_network_tells_what_it_lost),
        cmocka_unit_test(ns3_tells_what_it_lost),
    };

    if (argc < 2)
        return 2;
    if (!have_nodes_and_wireshark())
        return SKIPPED;
    program = argv[1];
    return cmocka_run_group_tests(tests, fresh_folder, remove_folder);
}
