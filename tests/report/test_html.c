/* SPDX-License-Identifier: BSD-3-Clause */
/* `ttb export --format html`: what gets into the page, and what does not. */
#include "../cli/run.h"
#include "../record/fixture.h"

static const char *program, *traces;

static void in_directory(struct fixture *f, const char *line, struct said *said)
{
    char full[1024];

    snprintf(full, sizeof(full), "cd %s && TRACES=%s && %s", f->directory, traces, line);
    run(program, full, said);
}

static void expect(struct fixture *f, const char *line, int status, const char *out,
                   const char *err)
{
    struct said said;

    in_directory(f, line, &said);
    assert_said(line, &said, status, out, err);
}

static int clean_up(void **state)
{
    struct said said;

    in_directory(*state, "rm -rf t s r.html s.html x", &said);
    return fixture_tear_down(state);
}

#ifdef HAVE_PAGE

static void a_run_becomes_one_page(void **state)
{
    struct fixture *f = *state;

    expect(f, "$TRACES sample t && $TTB export t -f html -o r.html && head -c 15 r.html", 0,
           "<!DOCTYPE html>", "");
    expect(f, "grep -c 'data-table=\"frames\" data-rows=\"290\"' r.html", 0, "1\n", "");
    expect(f, "tail -c 8 r.html", 0, "</html>\n", "");
    /* Nothing that a browser would fetch. */
    expect(f, "grep -oE '(src|href)=\"[^\"]*' r.html | grep -v '\"#\\|\"data:,' | wc -l", 0, "0\n",
           "");
    /* Twice the same bytes. */
    expect(f, "$TTB export t -f html | cmp - r.html && echo same", 0, "same", "");
}

static void nothing_of_the_trace_is_html(void **state)
{
    struct fixture *f = *state;

    expect(f,
           "$TRACES hostile t && $TTB export t -f html -o r.html; $TRACES sample s && "
           "$TTB export s -f html -o s.html",
           0, "", "");
    expect(f, "grep -c onerror=.window.pwned r.html", 1, "0\n", "");
    /* As many tags as a harmless run has, apart from one script for each table. */
    expect(f,
           "for i in r s; do sed 's/<script type=.text.plain[^>]*>[^<]*<.script>//' $i.html | "
           "sed '/<script type=.application.json/d' | tr -dc '<' | wc -c; done | uniq | wc -l",
           0, "1\n", "");
    expect(f, "sed -n '/id=\"facts\"/,/<.script>/p' r.html | tr -dc '<' | wc -c", 0, "2\n", "");
}

static void a_part_of_a_run_is_a_report_too(void **state)
{
    struct fixture *f = *state;

    expect(f,
           "$TRACES sample t && $TTB export t -f html --node client | grep -o 'data-table=.frames. "
           "data-rows=.[0-9]*'",
           0, "data-rows=\"40", "");
    expect(f,
           "$TTB export t -f html --from 900ms --to 1s | grep -o 'data-table=.frames. "
           "data-rows=.[0-9]*'",
           0, "data-rows=\"20", "");
    expect(f,
           "$TTB export t -f html --link right | grep -o 'data-table=.frames. data-rows=.[0-9]*'",
           0, "data-rows=\"210", "");
    expect(f, "$TTB export t -f html --node nobody -o x", 2, "", "the trace has no node");
}

static void a_truncated_trace_gives_what_is_there_and_says_so(void **state)
{
    struct fixture *f = *state;

    expect(f, "$TRACES truncated t; $TTB export t -f html -o r.html", 1, "",
           "ttb export: warning: trace t/run.ttb");
    expect(f, "grep -c 'data-rows=\"290\"' r.html; grep -o '\"warning\":\"[^\"]*' r.html", 0,
           "exported up to 2.000000000 s", "");
    expect(f, "tail -c 8 r.html", 0, "</html>\n", "");
}

static void what_is_too_much_is_left_out_and_named(void **state)
{
    struct fixture *f = *state;

    expect(f, "$TRACES chatty t 500007; $TTB export t -f html -o r.html", 1, "",
           "ttb export: warning: export: too much for one report");
    expect(f, "grep -o '\"omitted\":{\"texts\":7}' r.html && tail -c 8 r.html", 0, "</html>\n", "");
    expect(f, "$TTB export t -f html --to 100ns -o r.html", 0, "", "");
}

static void a_full_disk_is_an_error(void **state)
{
    struct fixture *f = *state;

    expect(f, "$TRACES sample t; $TTB export t -f html -o /dev/full", 3, "", "No space left");
}

static void memory_does_not_grow_with_the_trace(void **state)
{
    struct fixture *f = *state;

#ifdef __SANITIZE_ADDRESS__
    skip(); /* its shadow takes terabytes of address space */
#endif
    /* What a small trace takes of address space, libraries included, and 30 MB: the bytes of half a
     * million frames that the report keeps are 65 MB. */
    expect(f,
           "$TRACES sample s && $TRACES large t 1000000 && kb=50000 && "
           "until (ulimit -v $kb; $TTB export s -f html -o s.html) 2> x; do kb=$((kb + 10000)); "
           "[ $kb -lt 2000000 ] || exit 9; done && "
           "(ulimit -v $((kb + 30000)); $TTB export t -f html -o r.html)",
           0, "", "");
}

#else

static void a_build_without_npm_says_so(void **state)
{
    struct fixture *f = *state;

    expect(f, "$TRACES sample t; $TTB export t -f html -o r.html", 3, "",
           "built without the HTML report");
}

#endif

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, clean_up)
    const struct CMUnitTest tests[] = {
#ifdef HAVE_PAGE
        TEST(a_run_becomes_one_page),
        TEST(nothing_of_the_trace_is_html),
        TEST(a_part_of_a_run_is_a_report_too),
        TEST(a_truncated_trace_gives_what_is_there_and_says_so),
        TEST(what_is_too_much_is_left_out_and_named),
        TEST(a_full_disk_is_an_error),
        TEST(memory_does_not_grow_with_the_trace),
#else
        TEST(a_build_without_npm_says_so),
#endif
    };

    if (argc != 3) {
        fprintf(stderr, "usage: %s TTB REPORT-TRACES\n", argv[0]);
        return 2;
    }
    program = argv[1];
    traces = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
