/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts that are made to break readers: long, deep, growing, cut, and changed at random. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"

/* Longest that a hostile text may take, far more than any does: what grows without bound is caught. */
#define SECONDS_MAX 60

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Parses; the result is freed. What was said is in the report. */
static int try_text(const char *text, size_t len_bytes, struct report *report)
{
    struct ttb_scenario_opts opts = report_into(report);
    Ttb__Scenario *scenario;
    int rc = ttb_scenario_parse(text, len_bytes, &opts, &scenario);

    assert_true((rc == 0) == (scenario != NULL));
    assert_true(rc == 0 || rc == -EINVAL);
    assert_true(rc == 0 || report->count > 0);
    assert_true(report->count <= TTB_SCENARIO_PROBLEMS_MAX + 1);
    ttb_scenario_free(scenario);
    return rc;
}

static void assert_said(const char *text, size_t len_bytes, const char *problems)
{
    struct report report;

    assert_int_equal(try_text(text, len_bytes, &report), -EINVAL);
    assert_string_equal(report.text, problems);
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    assert_said("", 0, "there is nothing in it\n");
    assert_said("\xef\xbb\xbf", 3, "there is nothing in it\n");
    assert_said("a: \xff\n", 5, "1:4: it is not UTF-8: byte 0xff\n");
    assert_said("\xc3\xa4\n\xc3\xa4: \xc3", 9, "2:4: it is not UTF-8: byte 0xc3\n");
    assert_said("a: \xc0\x80\n", 6, "1:4: it is not UTF-8: byte 0xc0\n");
    assert_said("a: \xed\xa0\x80\n", 7, "1:4: it is not UTF-8: byte 0xed\n");
    assert_said("a: \xf4\x90\x80\x80\n", 8, "1:4: it is not UTF-8: byte 0xf4\n");
    assert_said("a: \0b\n", 6, "1:4: the control character 0x00 is not allowed in a text\n");
    assert_said("\xff\xfe"
                "a\0:\0",
                6, "1:1: it is not UTF-8: byte 0xff\n");
    assert_said("a\x1b[31m: 1", 9, "1:2: the control character 0x1b is not allowed in a text\n");
}

static void a_byte_order_mark_and_dos_lines_are_taken(void **state)
{
    struct report report;
    static const char text[] = "\xef\xbb\xbfnodes:\r\n  a:\r\n    run: |\r\n      x\r\n      y\r\n";

    (void)state;
    assert_int_equal(try_text(text, sizeof(text) - 1, &report), 0);
}

/* `unit`, many times, to `size` bytes; between `before` and `after`. */
static char *repeat(const char *before, const char *unit, const char *after, size_t size)
{
    size_t used = strlen(before), length = strlen(unit);
    char *text = malloc(size + strlen(before) + strlen(after) + 1);

    assert_non_null(text);
    memcpy(text, before, used);
    while (used + length + strlen(after) <= size) {
        memcpy(text + used, unit, length);
        used += length;
    }
    strcpy(text + used, after);
    return text;
}

static void long_and_deep_texts_end_in_time(void **state)
{
    static const struct {
        const char *before, *unit, *after;
    } shapes[] = {
        {"", "[", ""},
        {"", "{", ""},
        {"", "- ", ""},
        {"", "? ", ""},
        {"", "a: ", ""},
        {"", "a: {", ""},
        {"", "[a,", ""},
        {"", "a\n", ""},
        {"", "a: b\n", ""},
        {"", "&a ", ""},
        {"", "!!str ", ""},
        {"", "*a\n", ""},
        {"\"", "x", ""},
        {"\"", "\\", "\""},
        {"'", "''", "'"},
        {"a: |\n", " x\n", ""},
        {"a: >\n", " x\n", ""},
        {"", "#x\n", ""},
        {"", "---\n", ""},
        {"", "...\n", ""},
        {"", "%X\n", ""},
        {"", " ", ""},
        {"", "\n", ""},
        {"", "\t", ""},
        {"a: [", "x, ", "]"},
        {"a: [", "[], ", "]"},
        {"a: [", "x: y, ", "]"},
        {"", "- x\n", ""},
        {"", "\"a\" ", ""},
        {"a: ", "x ", ""},
        {"nodes: {a: {run: [", "x,", "]}}"},
        {"nodes: {a: {files: {", "/x: y, ", "}}}"},
        {"", "-\n", ""},
        {"", "?\n", ""},
        {"", ":\n", ""},
        {"", "{}: ", ""},
        {"{", "\"\":,", "}"},
        {"", "- - - -\n", ""},
        {"", "a:\n ", ""},
        {"", "\xc3\xa4", ""},
        {"a: \"", "\\u00e4", "\""},
        {"", "<<: {}\n", ""},
        {"a: [", "&a x,", "]"},
        {"", ">\n", ""},
    };
    struct report report;

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
        char *text =
            repeat(shapes[i].before, shapes[i].unit, shapes[i].after, TTB_SCENARIO_FILE_MAX);
        double before_s = now_s();

        try_text(text, strlen(text), &report);
        free(text);
        if (now_s() - before_s > SECONDS_MAX)
            fail_msg("\"%s\" many times takes %.0f s", shapes[i].unit, now_s() - before_s);
    }
}

static void what_is_too_long_is_not_looked_at(void **state)
{
    char *text = repeat("nodes: {a: }", "\n", "", TTB_SCENARIO_FILE_MAX + 1);
    struct report report;

    (void)state;
    assert_int_equal(try_text(text, TTB_SCENARIO_FILE_MAX, &report), 0);
    assert_said(text, TTB_SCENARIO_FILE_MAX + 1, "it is longer than 1048576 bytes\n");
    free(text);
}

static void aliases_cannot_grow_without_bound(void **state)
{
    char text[8192];
    size_t used;
    struct report report;

    (void)state;
    /* Lists of lists: 10^9 values. */
    used = (size_t)snprintf(text, sizeof(text), "a: &l0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "b%d: &l%d [", i, i);
        for (int k = 0; k < 10; k++)
            used +=
                (size_t)snprintf(text + used, sizeof(text) - used, "%s*l%d", k ? "," : "", i - 1);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "]\n");
    }
    snprintf(text + used, sizeof(text) - used, "nodes: {a: {run: *l8}}\n");
    assert_int_equal(try_text(text, strlen(text), &report), -EINVAL);

    /* Nodes of nodes of files: values that count. */
    used = (size_t)snprintf(text, sizeof(text), "nodes:\n  n0: &n {run: &r [");
    for (int i = 0; i < 500; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "x,");
    used += (size_t)snprintf(text + used, sizeof(text) - used, "]}\n  \"n{1..1000}\": *n\n");
    assert_int_equal(try_text(text, used, &report), -EINVAL);
    assert_non_null(strstr(report.text, "is too much: more than 500000 values"));
    used = (size_t)snprintf(text, sizeof(text), "x: &r [");
    for (int i = 0; i < 600; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "y,");
    used += (size_t)snprintf(text + used, sizeof(text) - used, "]\nnodes:\n");
    for (int i = 0; i < 900 && used < 8000; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " n%d: {run: *r}\n", i);
    assert_int_equal(try_text(text, used, &report), -EINVAL);
}

static void long_texts_by_alias_are_bounded(void **state)
{
    size_t length = 100000, used;
    char *text = malloc(length + 200000);
    struct report report;

    (void)state;
    assert_non_null(text);
    used = (size_t)sprintf(text, "nodes:\n a: {run: [&c \"");
    memset(text + used, 'x', length);
    used += length;
    used += (size_t)sprintf(text + used, "\"");
    for (int i = 0; i < 9000; i++)
        used += (size_t)sprintf(text + used, ",*c");
    used += (size_t)sprintf(text + used, "]}\n");
    assert_int_equal(try_text(text, used, &report), -EINVAL);
    assert_non_null(strstr(report.text, "16777216 bytes"));
    free(text);
}

static void merges_cannot_grow_without_bound(void **state)
{
    size_t size = 700000, used;
    char *text = malloc(size + 100000);
    struct report report;

    (void)state;
    assert_non_null(text);
    used = (size_t)sprintf(text, "a: &m {");
    for (int i = 0; i < 9000; i++)
        used += (size_t)sprintf(text + used, "k%d: ,", i);
    used += (size_t)sprintf(text + used, "}\nb:\n");
    while (used < size)
        used += (size_t)sprintf(text + used, "- {<<: *m}\n");
    assert_int_equal(try_text(text, used, &report), -EINVAL);
    assert_non_null(strstr(report.text, "more than 100000 values"));
    free(text);
}

/* Cut off anywhere, a good file is an error or a scenario, and nothing else. */
static void prefixes_of_good_files_do_no_harm(void **state)
{
    char folder[4096], **paths;
    size_t count, length;

    snprintf(folder, sizeof(folder), "%s/valid", (const char *)*state);
    count = list_files(folder, &paths);
    for (size_t i = 0; i < count; i++) {
        char *text = read_file(paths[i], &length);

        for (size_t end = 0; end < length; end += 1 + length / 400) {
            /* A copy of that length, so that reading beyond it is noticed. */
            char *cut = malloc(end ? end : 1);
            struct report report;

            assert_non_null(cut);
            memcpy(cut, text, end);
            try_text(cut, end, &report);
            free(cut);
        }
        free(text);
    }
    free_files(paths, count);
}

/* One of many changes that a text may have. */
static size_t mutate(struct ttb__random *random, char *text, size_t length, size_t capacity)
{
    static const char *const pieces[] = {
        "{",      "}",   "[",    "]",    ": ",       "- ",   "\n",  "  ",
        "\"",     "'",   "&a ",  "*a",   "<<: ",     "!!x ", "|\n", ">\n",
        "#",      "%",   "\t",   "~",    "null",     "0",    "-1",  "99999999999999999999",
        "{1..3}", "{n}", "ns3:", "\xff", "\xc3\xa4", "\\"};
    size_t at = length ? ttb__random_u32(random) % length : 0;
    size_t span = ttb__random_u32(random) % 16;
    const char *piece;

    switch (ttb__random_u32(random) % 5) {
    case 0: /* change a byte */
        if (length)
            text[at] = (char)ttb__random_u32(random);
        return length;
    case 1: /* take something out */
        span = span < length - at ? span : length - at;
        memmove(text + at, text + at + span, length - at - span);
        return length - span;
    case 2: /* put something in */
        piece = pieces[ttb__random_u32(random) % (sizeof(pieces) / sizeof(*pieces))];
        span = strlen(piece);
        if (length + span > capacity)
            return length;
        memmove(text + at + span, text + at, length - at);
        memcpy(text + at, piece, span);
        return length + span;
    case 3: /* copy something elsewhere */
        span = 8 * span < length - at ? 8 * span : length - at;
        if (length + span > capacity || !length)
            return length;
        memmove(text + at + span, text + at, length - at);
        return length + span;
    default: /* cut */
        return length - (length ? ttb__random_u32(random) % (length / 8 + 1) : 0);
    }
}

static void random_changes_do_no_harm(void **state)
{
    struct ttb__random random;
    static const char *const folders[] = {"valid", "invalid"};
    char folder[4096], *text = malloc(65536), **paths;
    size_t tried = 0, lawful = 0;

    assert_non_null(text);
    ttb__random_seed(&random, 20250101, 0);
    for (size_t f = 0; f < 2; f++) {
        size_t count;

        snprintf(folder, sizeof(folder), "%s/%s", (const char *)*state, folders[f]);
        count = list_files(folder, &paths);
        for (size_t i = 0; i < count; i++) {
            size_t whole_length;
            char *whole = read_file(paths[i], &whole_length);

            for (size_t k = 0; k < (f == 0 ? 400 : 15); k++) {
                size_t length = whole_length < 60000 ? whole_length : 60000;
                size_t changes = 1 + ttb__random_u32(&random) % 6;
                struct report report;
                char *exact;

                memcpy(text, whole, length);
                while (changes-- > 0)
                    length = mutate(&random, text, length, 65536);
                exact = malloc(length ? length : 1);
                assert_non_null(exact);
                memcpy(exact, text, length);
                lawful += try_text(exact, length, &report) == 0;
                tried++;
                free(exact);
            }
            free(whole);
        }
        free_files(paths, count);
    }
    free(text);
    /* Some changes are only to comments: both ways are gone. */
    assert_true(lawful > 0 && lawful < tried);
}

/* Encoded scenarios come from traces, that is from files. */
static void random_changes_of_messages_do_no_harm(void **state)
{
    struct ttb__random random;
    char path[4096];
    Ttb__Scenario *scenario;
    uint8_t *data, *changed;
    size_t length;

    snprintf(path, sizeof(path), "%s/valid/every-key.yaml", (const char *)*state);
    assert_int_equal(ttb_scenario_load(path, NULL, &scenario), 0);
    assert_int_equal(ttb_scenario_pack(scenario, &data, &length), 0);
    ttb_scenario_free(scenario);
    changed = malloc(length);
    assert_non_null(changed);
    ttb__random_seed(&random, 7, 0);
    for (size_t i = 0; i < 3000; i++) {
        struct report report;
        struct ttb_scenario_opts opts = report_into(&report);
        Ttb__Scenario *unpacked, *complete;
        char *text;

        memcpy(changed, data, length);
        for (size_t k = 0; k <= i % 4; k++)
            changed[ttb__random_u32(&random) % length] = (uint8_t)ttb__random_u32(&random);
        if (ttb_scenario_unpack(changed, length, &opts, &unpacked) < 0)
            continue;
        assert_int_equal(ttb_scenario_print(unpacked, &text, NULL), 0);
        free(text);
        if (ttb_scenario_complete(unpacked, &opts, &complete) == 0)
            ttb_scenario_free(complete);
        ttb_scenario_free(unpacked);
    }
    free(changed);
    free(data);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(a_byte_order_mark_and_dos_lines_are_taken),
        cmocka_unit_test(long_and_deep_texts_end_in_time),
        cmocka_unit_test(what_is_too_long_is_not_looked_at),
        cmocka_unit_test(aliases_cannot_grow_without_bound),
        cmocka_unit_test(long_texts_by_alias_are_bounded),
        cmocka_unit_test(merges_cannot_grow_without_bound),
        cmocka_unit_test_prestate(prefixes_of_good_files_do_no_harm, argv[1]),
        cmocka_unit_test_prestate(random_changes_do_no_harm, argv[1]),
        cmocka_unit_test_prestate(random_changes_of_messages_do_no_harm, argv[1]),
    };

    if (argc != 2)
        return 2;
    return cmocka_run_group_tests_name("scenario hostile", tests, NULL, NULL);
}
