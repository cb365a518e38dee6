/* SPDX-License-Identifier: BSD-3-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "scenario/pattern.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

/* What one match may cost: far more than an honest expression needs. (Compiled ones are at most 64 KiB,
 * PCRE2 sees to that.) */
#define MATCH_LIMIT    1000000
#define HEAP_LIMIT_KIB 20000

struct ttb__pattern {
    pcre2_code *code;
    pcre2_match_context *context;
};

int ttb__pattern_compile(const char *text, struct ttb__pattern **pattern, struct ttb__error *error)
{
    struct ttb__pattern *result = calloc(1, sizeof(*result));
    PCRE2_UCHAR why[128];
    PCRE2_SIZE offset;
    int code;

    if (!result)
        return -ENOMEM;
    /* \C and callouts have no place here; JIT would make the limits depend on the machine. */
    result->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                 PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code,
                                 &offset, NULL);
    if (!result->code) {
        free(result);
        pcre2_get_error_message(code, why, sizeof(why));
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" is not a regular expression: %s (after %zu characters)", text,
                         (const char *)why, (size_t)offset);
    }
    result->context = pcre2_match_context_create(NULL);
    if (!result->context) {
        ttb__pattern_free(result);
        return -ENOMEM;
    }
    pcre2_set_match_limit(result->context, MATCH_LIMIT);
    pcre2_set_heap_limit(result->context, HEAP_LIMIT_KIB);
    *pattern = result;
    return 0;
}

int ttb__pattern_match(const struct ttb__pattern *pattern, const char *text, size_t len_bytes)
{
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    int rc;

    if (!match)
        return -ENOMEM;
    rc = pcre2_match(pattern->code, (PCRE2_SPTR)text, len_bytes, 0, 0, match, pattern->context);
    pcre2_match_data_free(match);
    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    return rc == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -ELOOP;
}

void ttb__pattern_free(struct ttb__pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->context);
    pcre2_code_free(pattern->code);
    free(pattern);
}
