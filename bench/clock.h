/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TTB_BENCH_CLOCK_H
#define TTB_BENCH_CLOCK_H

#include <time.h>

/* Wall time in seconds, from some point on. */
static inline double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
