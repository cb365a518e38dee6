/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of options that several commands have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/bridge.h>

#include "cli.h"

/* Nodes that may run at the same time. */
#define JOBS_MAX 1024

bool parse_number(const char *text, uint64_t *value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && *end == 0;
}

int parse_jobs(const char *command, const char *text, uint32_t *jobs)
{
    uint64_t value;

    *jobs = TTB_JOBS_AUTO;
    if (strcmp(text, "auto") == 0)
        return 0;
    if (!parse_number(text, &value) || value < 1 || value > JOBS_MAX)
        return usage_error(command, "--jobs: \"%s\" is not a number from 1 to %d, nor auto", text,
                           JOBS_MAX);
    *jobs = (uint32_t)value;
    return 0;
}
