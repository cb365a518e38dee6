/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a run needs of the host's limits. Shells give 1024 open files, which is enough for some sixty
 * nodes; more are usually allowed to those who ask.
 */
#include "run/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

/* Counted in a run of 21 nodes and 61 ports: 4 and 3, and 16 for all; at the start of a node some more. */
#define FILES_OF_ALL    128
#define FILES_OF_A_NODE 8
#define FILES_OF_A_PORT 4

static rlim_t files_needed(const Ttb__Scenario *scenario)
{
    rlim_t files = FILES_OF_ALL + scenario->n_links; /* captures */

    for (size_t i = 0; i < scenario->n_nodes; i++)
        files += FILES_OF_A_NODE + FILES_OF_A_PORT * (scenario->nodes[i]->n_interfaces + 1);
    return files;
}

int ttb__limits_raise(struct ttb__run *run)
{
    rlim_t needed = files_needed(run->scenario);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= needed)
        return 0;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed)
        return ttb__run_fail(run, -EMFILE,
                             "%zu nodes need up to %" PRIu64 " open files, and only %" PRIu64
                             " are allowed here (ulimit -Hn)",
                             run->scenario->n_nodes, (uint64_t)needed, (uint64_t)limit.rlim_max);
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return ttb__run_fail(run, -errno, "cannot raise the limit of open files to %" PRIu64 ": %s",
                             (uint64_t)needed, strerror(errno));
    return 0;
}
