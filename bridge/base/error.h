/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file error.h
 * A sentence for people that goes with a negative errno.
 */
#ifndef TTB_BASE_ERROR_H
#define TTB_BASE_ERROR_H

#include <stdarg.h>

#define TTB__ERROR_MAX 512

/* Lives in the object it is about; zero-initialised it is "". Cut, never overrun. */
struct ttb__error {
    char text[TTB__ERROR_MAX];
};

/* Write the sentence and return `code` (a negative errno), so that `return ttb__fail(...)` reads
 * well. `error` may be NULL. */
int ttb__fail(struct ttb__error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
