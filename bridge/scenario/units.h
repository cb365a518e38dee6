/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file units.h
 * Quantities as people write them: "1.5ms", "100Mbps", "64M", "10%", "2.5km".
 *
 * All arithmetic is exact: a value that is no whole number of the smallest unit is refused, never
 * rounded, so that what a scenario says is what the run does.
 */
#ifndef TTB_SCENARIO_UNITS_H
#define TTB_SCENARIO_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum ttb__quantity {
    TTB__QUANTITY_TIME,     /* in ns */
    TTB__QUANTITY_RATE,     /* in bit/s */
    TTB__QUANTITY_BYTES,    /* in bytes; K, M, G are powers of 1024 */
    TTB__QUANTITY_FRACTION, /* in parts of 10^9; at most 1 */
    TTB__QUANTITY_LENGTH,   /* in mm */
    TTB__QUANTITY_COUNT     /* a whole number */
};

/* Room for what ttb__quantity_print() and ttb__date_print() write. */
#define TTB__QUANTITY_TEXT 48
#define TTB__RANGE_TEXT    (2 * TTB__QUANTITY_TEXT + 4)

/* Parse a number and its unit. `negative` gets whether there was a minus sign (with a value that is not
 * 0); NULL: none is allowed.
 * @return 0; -EINVAL with a sentence that begins with the text */
int ttb__quantity_parse(enum ttb__quantity quantity, const char *text, bool *negative,
                        uint64_t *value, struct ttb__error *error);

/* Write a value so that parsing gives it back: the largest unit in which it is whole. */
void ttb__quantity_print(enum ttb__quantity quantity, bool negative, uint64_t value,
                         char text[TTB__QUANTITY_TEXT]);

/* Parse "2025-01-01T00:00:00Z", with up to nine decimals, from 1970 to 2255. */
int ttb__date_parse(const char *text, uint64_t *time_ns, struct ttb__error *error);
void ttb__date_print(uint64_t time_ns, char text[TTB__QUANTITY_TEXT]);

/* Parse "5", "==5", ">=5", "<=5", ">5", "<5" or "2..5" into the closed interval that it means. */
int ttb__range_parse(enum ttb__quantity quantity, const char *text, uint64_t *min, uint64_t *max,
                     struct ttb__error *error);
void ttb__range_print(enum ttb__quantity quantity, uint64_t min, uint64_t max,
                      char text[TTB__RANGE_TEXT]);

/* A regular expression (ECMA 262, as JSON Schema has it) that all lawful texts match. */
const char *ttb__quantity_regex(enum ttb__quantity quantity);

#endif
