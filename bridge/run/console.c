/* SPDX-License-Identifier: BSD-3-Clause */
/* Text on consoles that somebody expects: counted while it is printed, with the time of the first. */
#include "run/internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct ttb__console_watch {
    const Ttb__Scenario__Expectation *given; /* NULL: not about a console */
    pcre2_code *code;                        /* NULL: plain text */
    uint64_t count, first_ns;
};

int ttb__console_watch_new(struct ttb__run *run)
{
    run->watches = calloc(run->scenario->n_expect + 1, sizeof(*run->watches));
    if (!run->watches)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    for (size_t i = 0; i < run->scenario->n_expect; i++) {
        const Ttb__Scenario__Expectation *given = run->scenario->expect[i];
        size_t offset;
        int code;

        if (!given->console && !given->console_matches)
            continue;
        run->watches[i].given = given;
        if (!given->console_matches)
            continue;
        run->watches[i].code =
            pcre2_compile((PCRE2_SPTR)given->console_matches, PCRE2_ZERO_TERMINATED,
                          PCRE2_MULTILINE, &code, &offset, NULL);
        if (!run->watches[i].code)
            return ttb__run_fail(run, -EINVAL, "expect[%zu].console_matches: not a pattern", i);
    }
    return 0;
}

static bool matches(const struct ttb__console_watch *watch, const char *text, size_t len_bytes)
{
    pcre2_match_data *data;
    int rc;

    if (!watch->code)
        return memmem(text, len_bytes, watch->given->console, strlen(watch->given->console)) !=
               NULL;
    data = pcre2_match_data_create_from_pattern(watch->code, NULL);
    if (!data)
        return false;
    rc = pcre2_match(watch->code, (PCRE2_SPTR)text, len_bytes, 0, 0, data, NULL);
    pcre2_match_data_free(data);
    return rc >= 0;
}

void ttb__console_watch_line(struct ttb__run *run, const struct ttb__run_node *node,
                             uint64_t time_ns, const char *text, size_t len_bytes)
{
    for (size_t i = 0; i < run->scenario->n_expect; i++) {
        struct ttb__console_watch *watch = &run->watches[i];

        if (!watch->given || strcmp(watch->given->node, node->given->name) != 0 ||
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

void ttb__console_watch_free(struct ttb__run *run)
{
    for (size_t i = 0; run->watches && i < run->scenario->n_expect; i++)
        pcre2_code_free(run->watches[i].code);
    free(run->watches);
}
