/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file histogram.h
 * How often which value occurred, to a relative error of 1/64: 32 equal classes for each power of two,
 * exact below 64. Only powers of two that occur take memory.
 */
#ifndef TTB_EXPORT_HISTOGRAM_H
#define TTB_EXPORT_HISTOGRAM_H

#include <stdint.h>

#define TTB__HISTOGRAM_CLASSES 32
#define TTB__HISTOGRAM_ROWS    60

struct ttb__histogram {
    uint64_t count;
    uint32_t *rows[TTB__HISTOGRAM_ROWS]; /* TTB__HISTOGRAM_CLASSES each; NULL: all zero */
};

/* @return 0; -ENOMEM */
int ttb__histogram_add(struct ttb__histogram *histogram, uint64_t value);
void ttb__histogram_clear(struct ttb__histogram *histogram);

/* The middle of the class below or in which `permille` of 1000 values are; 0 if there are none. */
uint64_t ttb__histogram_quantile(const struct ttb__histogram *histogram, unsigned permille);

#endif
