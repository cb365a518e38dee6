/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file what_if.h
 * The scenario of a recorded run, to be run again: as it was, or with something changed.
 */
#ifndef TTB_CLI_WHAT_IF_H
#define TTB_CLI_WHAT_IF_H

#include <ttbridge/scenario.h>
#include <ttbridge/trace.h>

struct what_if {
    Ttb__Scenario *scenario; /* with the kernels and images by the paths that were recorded */
    uint8_t *packed;         /* what the trace of the repeated run shall have as its scenario */
    size_t packed_bytes;
};

/*
 * @param path       the recording, for sentences
 * @param overrides  "KEY=VALUE", as in ttb_scenario_opts; ends with NULL
 * @return 0, or an exit status after a sentence on standard error. Either way what_if_close() is to
 *         be called.
 */
int what_if_open(struct what_if *what_if, const char *path, struct ttb_trace_reader *recorded,
                 const char *const *overrides);
void what_if_close(struct what_if *what_if);

#endif
