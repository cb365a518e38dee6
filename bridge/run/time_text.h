/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file time_text.h
 * Simulated times as people type them on command lines and at prompts.
 */
#ifndef TTB_RUN_TIME_TEXT_H
#define TTB_RUN_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* "1.5s", "20ms", "7us", "100ns", "3" (seconds): exact, no floating point. False: is no time, or not a
 * whole number of nanoseconds. */
bool ttb__time_parse(const char *text, uint64_t *time_ns);

#endif
