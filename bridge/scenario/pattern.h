/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file pattern.h
 * Regular expressions of expectations: PCRE2, byte by byte, ^ and $ match at lines.
 *
 * What a match may cost is bounded (PCRE2's match limit): an expression that backtracks for ever is an
 * error, not a hang.
 */
#ifndef TTB_SCENARIO_PATTERN_H
#define TTB_SCENARIO_PATTERN_H

#include <stddef.h>

#include "base/error.h"

struct ttb__pattern;

/* @return 0 and *pattern, owned by the caller; -EINVAL: the sentence begins with the expression;
 *         -ENOMEM */
int ttb__pattern_compile(const char *text, struct ttb__pattern **pattern, struct ttb__error *error);

/* @return 1: it matches somewhere in the text; 0: nowhere; -ELOOP: beyond the limit; -ENOMEM */
int ttb__pattern_match(const struct ttb__pattern *pattern, const char *text, size_t len_bytes);

/* NULL is allowed. */
void ttb__pattern_free(struct ttb__pattern *pattern);

#endif
