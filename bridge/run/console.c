/* SPDX-License-Identifier: BSD-3-Clause */
/* Text on consoles that somebody expects: counted while it is printed, with the time of the first. */
#include "run/internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* A pattern may need time that is exponential in the line's length. These bound it to some hundredths of a
 * second and some MiB; what a line of TTB_LAB_LINE_MAX bytes reasonably needs is far below. */
#define STEPS_MAX    1000000
#define HEAP_MAX_KIB 16384

struct ttb__console_watch {
    const Ttb__Scenario__Expectation *given; /* NULL: not about a console */
    pcre2_code *code;                        /* NULL: plain text */
    pcre2_match_context *limits;
    uint64_t count, first_ns;
    int gave_up; /* PCRE2's error; nothing is matched any more then */
};

static int compile(struct ttb__console_watch *watch)
{
    size_t offset;
    int code;

    watch->code = pcre2_compile((PCRE2_SPTR)watch->given->console_matches, PCRE2_ZERO_TERMINATED,
                                PCRE2_MULTILINE, &code, &offset, NULL);
    if (!watch->code)
        return -EINVAL;
    watch->limits = pcre2_match_context_create(NULL);
    if (!watch->limits)
        return -ENOMEM;
    pcre2_set_match_limit(watch->limits, STEPS_MAX);
    pcre2_set_depth_limit(watch->limits, STEPS_MAX);
    pcre2_set_heap_limit(watch->limits, HEAP_MAX_KIB);
    return 0;
}

int ttb__console_watch_new(struct ttb__run *run)
{
    run->watches = calloc(run->scenario->n_expect + 1, sizeof(*run->watches));
    if (!run->watches)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    for (size_t i = 0; i < run->scenario->n_expect; i++) {
        const Ttb__Scenario__Expectation *given = run->scenario->expect[i];
        int rc = 0;

        if (!given->console && !given->console_matches)
            continue;
        run->watches[i].given = given;
        if (given->console_matches)
            rc = compile(&run->watches[i]);
        if (rc)
            return ttb__run_fail(run, rc, "expect[%zu].console_matches: %s", i,
                                 rc == -EINVAL ? "not a pattern" : "out of memory");
    }
    return 0;
}

static bool matches(struct ttb__console_watch *watch, const char *text, size_t len_bytes)
{
    pcre2_match_data *data;
    int rc;

    if (!watch->given->console_matches)
        return memmem(text, len_bytes, watch->given->console, strlen(watch->given->console)) !=
               NULL;
    data = pcre2_match_data_create_from_pattern(watch->code, NULL);
    rc = data ? pcre2_match(watch->code, (PCRE2_SPTR)text, len_bytes, 0, 0, data, watch->limits)
              : PCRE2_ERROR_NOMEMORY;
    pcre2_match_data_free(data);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        watch->gave_up = rc;
    return rc >= 0;
}

void ttb__console_watch_line(struct ttb__run *run, const struct ttb__run_node *node,
                             uint64_t time_ns, const char *text, size_t len_bytes)
{
    for (size_t i = 0; i < run->scenario->n_expect; i++) {
        struct ttb__console_watch *watch = &run->watches[i];

        if (!watch->given || watch->gave_up || strcmp(watch->given->node, node->given->name) != 0 ||
            !matches(watch, text, len_bytes))
            continue;
        if (watch->count++ == 0)
            watch->first_ns = time_ns;
    }
}

uint64_t ttb__console_watch_count(const struct ttb__run *run, size_t expectation,
                                  uint64_t *first_ns)
{
    *first_ns = run->watches[expectation].first_ns;
    return run->watches[expectation].count;
}

bool ttb__console_watch_gave_up(const struct ttb__run *run, size_t expectation, char *why,
                                size_t size_bytes)
{
    const struct ttb__console_watch *watch = &run->watches[expectation];

    if (watch->gave_up)
        pcre2_get_error_message(watch->gave_up, (PCRE2_UCHAR *)why, size_bytes);
    return watch->gave_up != 0;
}

void ttb__console_watch_free(struct ttb__run *run)
{
    for (size_t i = 0; run->watches && i < run->scenario->n_expect; i++) {
        pcre2_match_context_free(run->watches[i].limits);
        pcre2_code_free(run->watches[i].code);
    }
    free(run->watches);
}
