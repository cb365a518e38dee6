/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scenario files: every one in invalid/ and warnings/ gives exactly the messages in its comments, every
 * one in valid/ none, and what was understood, written as YAML, is understood as the same again.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPECT "# expect: "

/* The lines "# expect: PROBLEM" of a file. */
static void expected_problems(const char *path, char *text, size_t size)
{
    size_t length, used = 0;
    char *content = read_file(path, &length);

    text[0] = 0;
    for (char *line = content; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, EXPECT, strlen(EXPECT)) == 0)
            used +=
                (size_t)snprintf(text + used, size - used, "%.*s\n",
                                 (int)strcspn(line + strlen(EXPECT), "\n"), line + strlen(EXPECT));
    }
    free(content);
    assert_true(used < size);
}

static void check_folder(const char *folder, int expected_rc, size_t least)
{
    char **paths;
    size_t count = list_files(folder, &paths);

    assert_true(count >= least);
    for (size_t i = 0; i < count; i++) {
        struct report report;
        struct ttb_scenario_opts opts = report_into(&report);
        Ttb__Scenario *scenario;
        char expected[16384];
        int rc;

        /* Paths in messages are relative to the file's folder: name it as "." */
        opts.directory = ".";
        assert_int_equal(chdir(folder), 0);
        rc = ttb_scenario_load(paths[i], &opts, &scenario);
        assert_int_equal(chdir(".."), 0);
        expected_problems(paths[i], expected, sizeof(expected));
        if (rc != expected_rc || strcmp(report.text, expected) != 0)
            fail_msg("%s: status %d\n--- expected\n%s--- got\n%s", paths[i], rc, expected,
                     report.text);
        if (expected_rc < 0)
            assert_null(scenario);
        else if (strstr(folder, "warnings"))
            assert_true(report.count > 0);
        ttb_scenario_free(scenario);
    }
    free_files(paths, count);
}

static void each_mistake_has_its_own_message(void **state)
{
    char folder[4096];

    snprintf(folder, sizeof(folder), "%s/invalid", (const char *)*state);
    check_folder(folder, -EINVAL, 50);
}

static void odd_scenarios_give_warnings(void **state)
{
    char folder[4096];

    snprintf(folder, sizeof(folder), "%s/warnings", (const char *)*state);
    check_folder(folder, 0, 5);
}

static void good_scenarios_are_loaded_without_a_word(void **state)
{
    char folder[4096];

    snprintf(folder, sizeof(folder), "%s/valid", (const char *)*state);
    check_folder(folder, 0, 5);
}

static void printed_scenarios_are_understood_as_the_same(void **state)
{
    char folder[4096], **paths;
    size_t count;

    snprintf(folder, sizeof(folder), "%s/valid", (const char *)*state);
    count = list_files(folder, &paths);
    for (size_t i = 0; i < count; i++) {
        struct report report;
        struct ttb_scenario_opts opts = report_into(&report);
        Ttb__Scenario *scenario, *again, *complete;
        size_t length;
        char *text;

        assert_int_equal(ttb_scenario_load(paths[i], &opts, &scenario), 0);
        assert_int_equal(ttb_scenario_print(scenario, &text, &length), 0);
        assert_int_equal(length, strlen(text));
        opts.directory = folder;
        if (ttb_scenario_parse(text, length, &opts, &again) < 0)
            fail_msg("%s: %s\n%s", paths[i], report.text, text);
        assert_same_scenario(scenario, again);
        /* A complete scenario has nothing more to be filled in. */
        assert_int_equal(ttb_scenario_complete(scenario, &opts, &complete), 0);
        assert_same_scenario(scenario, complete);
        free(text);
        ttb_scenario_free(scenario);
        ttb_scenario_free(again);
        ttb_scenario_free(complete);
    }
    free_files(paths, count);
}

/* The examples of the guide, each by itself; those that show events or expectations alone are about these nodes. */
static void examples_of_the_guide_are_good(void **state)
{
    static const char base[] = "links: {lan: {}}\n"
                               "nodes:\n"
                               "  client:\n"
                               "    interfaces: [{link: lan, address: 10.0.0.1/24}]\n"
                               "    run: [{command: x, name: probe}]\n"
                               "  server: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n";
    static const char fence[] = "```yaml\n";
    char path[4096], *document, *block, *end, *text;
    size_t length, count = 0;

    snprintf(path, sizeof(path), "%s/../../doc/scenario.md", (const char *)*state);
    document = read_file(path, &length);
    for (block = document; (block = strstr(block, fence)) != NULL; block = end) {
        struct report report;
        struct ttb_scenario_opts opts = report_into(&report);
        bool is_part = false;
        Ttb__Scenario *scenario;

        block += strlen(fence);
        end = strstr(block, "\n```");
        assert_non_null(end);
        *end++ = 0;
        if (block[0] == '#')
            continue;
        is_part = !strstr(block, "nodes:");
        assert_true(asprintf(&text, "%s%s\n", is_part ? base : "", block) > 0);
        if (ttb_scenario_parse(text, strlen(text), &opts, &scenario) < 0)
            fail_msg("%s\n%s", text, report.text);
        ttb_scenario_free(scenario);
        free(text);
        count++;
    }
    free(document);
    assert_true(count >= 7);
}

static void a_file_that_is_not_there_is_a_problem(void **state)
{
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *scenario = NULL;

    (void)state;
    assert_int_equal(ttb_scenario_load("/no/such.yaml", &opts, &scenario), -ENOENT);
    assert_null(scenario);
    assert_string_equal(report.text,
                        "\"/no/such.yaml\" cannot be read: No such file or directory\n");
    opts = report_into(&report);
    assert_int_equal(ttb_scenario_load("/", &opts, &scenario), -EISDIR);
    assert_string_equal(report.text, "\"/\" is a folder, not a file\n");
    opts = report_into(&report);
    assert_int_equal(ttb_scenario_load("/dev/null", &opts, &scenario), -EINVAL);
    assert_string_equal(report.text, "\"/dev/null\" is something else, not a file\n");
}

static void the_name_is_that_of_the_file(void **state)
{
    char path[4096];
    Ttb__Scenario *scenario;

    snprintf(path, sizeof(path), "%s/valid/routers-and-hosts.yaml", (const char *)*state);
    assert_int_equal(ttb_scenario_load(path, NULL, &scenario), 0);
    assert_string_equal(scenario->name, "routers-and-hosts");
    ttb_scenario_free(scenario);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(each_mistake_has_its_own_message, argv[1]),
        cmocka_unit_test_prestate(odd_scenarios_give_warnings, argv[1]),
        cmocka_unit_test_prestate(good_scenarios_are_loaded_without_a_word, argv[1]),
        cmocka_unit_test_prestate(printed_scenarios_are_understood_as_the_same, argv[1]),
        cmocka_unit_test_prestate(examples_of_the_guide_are_good, argv[1]),
        cmocka_unit_test_prestate(a_file_that_is_not_there_is_a_problem, argv[1]),
        cmocka_unit_test_prestate(the_name_is_that_of_the_file, argv[1]),
    };

    if (argc != 2)
        return 2;
    return cmocka_run_group_tests_name("scenario files", tests, NULL, NULL);
}
