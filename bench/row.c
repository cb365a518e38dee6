/* SPDX-License-Identifier: BSD-3-Clause */
#include "row.h"

#include <stdio.h>
#include <stdlib.h>

void bench_row(const char *figure, double value, const char *unit, double floor,
               double target_ratio)
{
    printf("%-44s %10.2f %-8s", figure, value, unit);
    if (floor > 0)
        printf(" %10.2f %7.2f", floor, value / floor);
    else
        printf(" %10s %7s", "", "");
    if (target_ratio > 0)
        printf("  %s %.2f", floor > 0 && value / floor > target_ratio ? "MISSED" : "met   ",
               target_ratio);
    putchar('\n');
    fflush(stdout);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), ascending);
    return values[count / 2];
}
