/* SPDX-License-Identifier: BSD-3-Clause */
/* One line on the terminal while the run goes on. It looks at the wall clock and tells nobody. */
#include "run/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_NS UINT64_C(200000000)

struct ttb__progress {
    uint64_t shown_wall_ns, shown_now_ns;
};

int ttb__progress_new(struct ttb__run *run)
{
    run->progress = calloc(1, sizeof(*run->progress));
    if (!run->progress)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    run->progress->shown_wall_ns = ttb__run_wall_ns();
    return 0;
}

static size_t alive(const struct ttb__run *run)
{
    size_t count = 0;

    for (size_t i = 0; i < run->node_count; i++)
        count += run->nodes[i].listening;
    return count;
}

void ttb__progress_show(struct ttb__run *run)
{
    struct ttb__progress *progress = run->progress;
    uint64_t wall_ns, now_ns;

    if (!progress)
        return;
    wall_ns = ttb__run_wall_ns();
    if (wall_ns - progress->shown_wall_ns < INTERVAL_NS)
        return;
    now_ns = ttb__run_now_ns(run);
    fprintf(stderr,
            "\r\033[K%.3f s of %.3f s simulated, %.1f x wall time, %zu of %zu nodes, %" PRIu64
            " frames",
            (double)now_ns / 1e9, (double)run->scenario->duration_ns / 1e9,
            (double)(now_ns - progress->shown_now_ns) / (double)(wall_ns - progress->shown_wall_ns),
            alive(run), run->node_count, run->frames);
    fflush(stderr);
    progress->shown_wall_ns = wall_ns;
    progress->shown_now_ns = now_ns;
}

void ttb__progress_hide(struct ttb__run *run)
{
    if (!run->progress)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

/* The line goes; also before something else is printed, after which there is none any more. */
void ttb__progress_free(struct ttb__run *run)
{
    ttb__progress_hide(run);
    free(run->progress);
    run->progress = NULL;
}
