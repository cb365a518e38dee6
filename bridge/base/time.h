/* SPDX-License-Identifier: BSD-3-Clause */
/* Simulated time in nanoseconds, of which the largest value means "never". */
#ifndef TTB_BASE_TIME_H
#define TTB_BASE_TIME_H

#include <stdint.h>

/* `span_ns` after `time_ns`; what never is, or would not fit, is never. */
static inline uint64_t ttb__time_after(uint64_t time_ns, uint64_t span_ns)
{
    return time_ns > UINT64_MAX - span_ns ? UINT64_MAX : time_ns + span_ns;
}

/* Of two times, or of two spans; never comes last. */
static inline uint64_t ttb__time_earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

#endif
