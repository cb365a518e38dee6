/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file host.h
 * What of this machine belongs in a header.
 */
#ifndef TTB_RECORD_HOST_H
#define TTB_RECORD_HOST_H

#include <stddef.h>

#include <ttbridge/trace.h>

#define TTB__HOST_FLAGS_MAX 64

struct ttb__host {
    char cpu_model[128];
    const char *cpu_flags[TTB__HOST_FLAGS_MAX]; /* sorted; constants */
    size_t cpu_flag_count;
    char kernel[256];
    char zstd[64]; /* this library's share in the bytes of a trace */
};

/* What cannot be found out is left empty. */
void ttb__trace_host_read(struct ttb__host *host);

#endif
