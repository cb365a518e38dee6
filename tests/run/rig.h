/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of "ttb run": each has a folder of its own. */
#ifndef RUN_RIG_H
#define RUN_RIG_H

#include "../cli/work.h"

#include <dirent.h>
#include <limits.h>

/* Processes that have the run directory as their working directory: nodes, that is. */
static inline unsigned count_nodes(void)
{
    struct dirent *entry;
    DIR *processes = opendir("/proc");
    unsigned count = 0;

    assert_non_null(processes);
    while ((entry = readdir(processes))) {
        char path[300], target[PATH_MAX];
        ssize_t got;

        snprintf(path, sizeof(path), "/proc/%s/cwd", entry->d_name);
        got = readlink(path, target, sizeof(target) - 1);
        target[got > 0 ? got : 0] = 0;
        count += strncmp(target, work, strlen(work)) == 0 && strstr(target, "/1");
    }
    closedir(processes);
    return count;
}

/* The scenario runs as it says, twice with one trace, into 1 and 2. */
static inline void expect_twice_the_same(const char *text)
{
    struct said said;

    write_scenario(text);
    run_in_work("$TTB run s.yaml -o 1 && $TTB run s.yaml -o 2 > /dev/null", &said);
    expect_status(&said, 0);
    run_in_work("cmp 1/run.ttb 2/run.ttb", &said);
    expect_status(&said, 0);
}

#endif
