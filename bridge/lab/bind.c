/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving a node to a core. What its kernel starts from then on inherits the core from it; what it has
 * started, one process for each address space of the guest, must be moved one by one.
 */
#include "lab/process.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* UML's processes are children of its kernel; what is deeper than this is not UML's. */
#define DEPTH_MAX 4

static int bind_tree(pid_t pid, const cpu_set_t *set, int depth);

static int bind_children(pid_t pid, int thread, const cpu_set_t *set, int depth)
{
    char path[64];
    FILE *children;
    int child, rc = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, thread);
    children = fopen(path, "re");
    if (!children)
        return -errno;
    while (fscanf(children, "%d", &child) == 1) {
        int failed = bind_tree(child, set, depth + 1);

        rc = rc ? rc : failed;
    }
    fclose(children);
    return rc;
}

/* As far as possible; the first error counts. */
static int bind_tree(pid_t pid, const cpu_set_t *set, int depth)
{
    const struct dirent *entry;
    char path[32];
    DIR *threads;
    int rc = 0;

    if (depth == DEPTH_MAX)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    threads = opendir(path);
    if (!threads)
        return -errno;
    while ((entry = readdir(threads))) {
        int thread = atoi(entry->d_name), failed;

        if (thread == 0)
            continue; /* . and .. */
        failed = bind_children(pid, thread, set, depth);
        rc = rc ? rc : failed;
        if (sched_setaffinity(thread, sizeof(*set), set) < 0 && rc == 0)
            rc = -errno;
    }
    closedir(threads);
    return rc;
}

int ttb__process_bind(const struct ttb__process *process, unsigned core)
{
    cpu_set_t set;

    if (process->pid <= 0)
        return -ENOENT;
    if (core >= CPU_SETSIZE)
        return -EINVAL;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return bind_tree(process->pid, &set, 0);
}
