/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file row.h
 * The rows of the table that `make bench` prints; tools/bench.sh reads them by their columns.
 */
#ifndef TTB_BENCH_ROW_H
#define TTB_BENCH_ROW_H

#include <stddef.h>

/* One row: what was measured, against its floor; floor and target (of the ratio) may be 0: none. */
void bench_row(const char *figure, double value, const char *unit, double floor,
               double target_ratio);

/* Sorts them. */
double bench_median(double *values, size_t count);

#endif
