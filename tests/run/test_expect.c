/* SPDX-License-Identifier: BSD-3-Clause */
/* What is expected of a run, met and not met; and how the result is told. */
#include "rig.h"

#include <libxml/parser.h>

/* sha256sum of "given\n", and of nothing. */
#define GIVEN   "c046b871119bced3d18f16bf6382333a764fe04d8f157c0a32f6c20f232d0bf9"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Expectations come in pairs: the first is met, the second is not. */
struct pair {
    const char *met, *unmet;
    const char *found; /* told of the second */
};

static const struct pair pairs[] = {
    {"node: a, exit: 0", "node: b, exit: 0", "exit 3 of \"three\""},
    {"node: b, exit: 3", "node: a, exit: 3", "exit 0"},
    {"node: b, command: three, exit: 3", "node: b, command: three, exit: 0", "exit 3"},
    {"node: a, command: word, after: 2s, before: 2100ms", "node: a, command: word, before: 1s",
     "at 2.0"},
    {"node: a, command: word, before: 3s", "node: a, command: word, after: 3s", "at 2.0"},
    {"node: a, after: 2s, before: 5s", "node: a, before: 1s", "at "},
    {"node: a, console: word one", "node: a, console: word three", "lines 0"},
    {"node: a, console: word one, times: 1", "node: a, console: word, times: 1", "lines 2"},
    {"node: a, console: word three, times: 0", "node: a, console: word one, times: 0", "lines 1"},
    {"node: a, console: word one, after: 2s", "node: a, console: word one, before: 1s", "at 2.0"},
    {"node: a, console_matches: '^word \\w+$', times: 2", "node: a, console_matches: '^word \\d+$'",
     "lines 0"},
    {"node: a, console_matches: 'seq=\\d ', before: 3s",
     "node: a, console_matches: 'seq=\\d ', after: 3s", "at "},
    {"node: a, file: /root/given, sha256: " GIVEN, "node: a, file: /root/given, sha256: " NOTHING,
     "sha256 " GIVEN},
    {"node: a, file: /root/given, contains: ive", "node: a, file: /root/given, contains: live",
     "does not contain it"},
    {"node: a, file: /root/given, size: \"6\"", "node: a, file: /root/given, size: \"<6\"", "6"},
    {"node: a, file: /root/empty, sha256: " NOTHING, "node: a, file: /root/none, size: \"0\"",
     "No such file"},
    {"node: a, interface: eth0, sent: \">=4\"", "node: a, interface: eth0, sent: \"<4\"", ""},
    {"node: a, interface: eth0, received: 2..20", "node: a, interface: eth0, received: \">1000\"",
     ""},
    {"node: a, interface: eth0, dropped: 0", "node: a, interface: eth0, dropped: \">=1\"", "0"},
    {"link: lan, sent: \">=8\"", "link: lan, sent: \"1\"", ""},
    {"link: lan, received: \">=4\"", "link: lan, received: 0", ""},
    {"link: lan, dropped: \">=1\", drop: down", "link: lan, dropped: 0, drop: down", ""},
    {"link: lan, dropped: 0, drop: queue", "link: lan, dropped: \">=1\", drop: queue", "0"},
    {"node: b, state: stopped", "node: a, state: stopped", "running"},
    {"node: c, state: paused", "node: c, state: running", "paused"},
    {"after: 2s", "after: 19s", "at "},
    {"before: 30s", "before: 1s", "at "},
};

#define PAIR_COUNT (sizeof(pairs) / sizeof(pairs[0]))

static void write_pairs(void)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/s.yaml", work);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("name: pairs & <things>\n"
          "engine: builtin\n"
          "duration: 20s\n"
          "links: {lan: {type: ethernet, rate: 10Mbps, delay: 60ms}}\n"
          "nodes:\n"
          "  a:\n"
          "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
          "    run:\n"
          "      - {name: file, command: 'echo given > /root/given; : > /root/empty'}\n"
          "      - {name: word, at: 2s, command: 'echo word one; echo word two', exit: 0}\n"
          "      - {name: ping, command: ping -c 6 -i 0.1 -W 1 10.0.0.2; true}\n"
          "  b:\n"
          "    interfaces: [{link: lan, address: 10.0.0.2/24}]\n"
          "    run: [{name: three, at: 4s, command: exit 3}]\n"
          "    poweroff: true\n"
          "  c: {}\n"
          "events:\n"
          "  - {at: 2450ms, link: lan, set: {up: false}}\n"
          "  - {at: 3s, node: a, exec: 'arp -d 10.0.0.2; ping -c 1 -W 1 10.0.0.2'}\n"
          "  - {at: 4s, node: c, action: pause}\n"
          "expect:\n",
          file);
    for (size_t i = 0; i < PAIR_COUNT; i++)
        fprintf(file, "  - {%s}\n  - {%s}\n", pairs[i].met, pairs[i].unmet);
    assert_int_equal(fclose(file), 0);
}

static unsigned count_elements(const xmlNode *parent, const char *name)
{
    unsigned count = 0;

    for (const xmlNode *child = parent->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        count += strcmp((const char *)child->name, name) == 0;
        count += count_elements(child, name);
    }
    return count;
}

static unsigned attribute(xmlNode *node, const char *name)
{
    xmlChar *text = xmlGetProp(node, (const xmlChar *)name);
    unsigned value;

    assert_non_null(text);
    value = (unsigned)strtoul((const char *)text, NULL, 10);
    xmlFree(text);
    return value;
}

/* What CI systems check: well-formed, and the counts are those of the elements. */
static void expect_valid_junit(const char *file, unsigned failures, unsigned errors)
{
    char path[100];
    xmlDoc *document;
    xmlNode *suite;

    snprintf(path, sizeof(path), "%s/%s", work, file);
    document = xmlReadFile(path, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    suite = xmlDocGetRootElement(document);
    assert_string_equal((const char *)suite->name, "testsuite");
    assert_int_equal(attribute(suite, "tests"), count_elements(suite, "testcase"));
    assert_int_equal(attribute(suite, "failures"), count_elements(suite, "failure"));
    assert_int_equal(attribute(suite, "errors"), count_elements(suite, "error"));
    assert_int_equal(count_elements(suite, "failure"), failures);
    assert_int_equal(count_elements(suite, "error"), errors);
    xmlFreeDoc(document);
}

static void every_expectation_can_be_met_and_not_met(void **state)
{
    struct said said;

    (void)state;
    write_pairs();
    run_in_work("$TTB run s.yaml -o 1 --junit j.xml", &said);
    expect_status(&said, 1);
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        char line[300];

        snprintf(line, sizeof(line),
                 "jq -r '.expectations[%zu,%zu] | \"\\(.met) \\(.expected): \\(.found)\"' "
                 "1/summary.json",
                 2 * i, 2 * i + 1);
        run_in_work(line, &said);
        if (strncmp(said.out, "true ", 5) != 0 || !strstr(said.out, "\nfalse "))
            fail_msg("{%s} and {%s}: %s", pairs[i].met, pairs[i].unmet, said.out);
        if (!strstr(strstr(said.out, "\nfalse "), pairs[i].found))
            fail_msg("{%s}: \"%s\" is not told: %s", pairs[i].unmet, pairs[i].found, said.out);
    }
    expect_valid_junit("j.xml", PAIR_COUNT, 0);
}

static void a_pattern_that_takes_too_long_is_given_up_and_told(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes:\n"
                   "  a: {run: [\"for i in 1 2 3; do head -c 2000 /dev/zero | tr '\\\\0' a; echo; "
                   "done\"]}\n"
                   "expect: [{node: a, console_matches: '^(a+)+[bc]$'},\n"
                   "         {node: a, console_matches: '^a{2000}$', times: 3}]\n");
    run_in_work("$TTB run s.yaml -o 1", &said);
    expect_status(&said, 1);
    assert_says(said.out, "gave up on a line that takes the pattern too long: match limit");
    assert_says(said.out, "ok      a: console matches \"^a{2000}$\", lines 3");
}

static void a_broken_run_is_an_error_for_ci(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes: {a: {kernel_args: [rootfstype=none]}}\n"
                   "expect: [{before: 1s}]\n");
    run_in_work("$TTB run s.yaml -o 1 --junit j.xml", &said);
    expect_status(&said, 3);
    expect_valid_junit("j.xml", 0, 1);
}

static void more_open_files_are_asked_for_when_a_run_needs_them(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "links: {\"l{1..6}\": {type: ethernet}}\n"
                   "switches: {s: {links: [l1, l2, l3, l4, l5, l6]}}\n"
                   "nodes: {\"n{1..6}\": {interfaces: [\"l{n}\"], run: [echo on]}}\n"
                   "expect: [{node: n6, exit: 0}]\n");
    run_in_work("ulimit -Sn 40 && $TTB run s.yaml -o 1", &said);
    expect_status(&said, 0);
    run_in_work("ulimit -n 40 && $TTB run s.yaml -o 2", &said);
    expect_status(&said, 3);
    assert_says(said.err, "6 nodes need up to ");
    assert_says(said.err, "only 40 are allowed here (ulimit -Hn)");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(every_expectation_can_be_met_and_not_met),
        WITH_FOLDER(a_pattern_that_takes_too_long_is_given_up_and_told),
        WITH_FOLDER(a_broken_run_is_an_error_for_ci),
        WITH_FOLDER(more_open_files_are_asked_for_when_a_run_needs_them),
    };

    if (argc != 2) {
        fputs("usage: test_expect TTB\n", stderr);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
