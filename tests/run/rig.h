/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of "ttb run": each has a folder of its own, with the scenario s.yaml in it. */
#ifndef RUN_RIG_H
#define RUN_RIG_H

#include "../cli/run.h"

#include <dirent.h>
#include <limits.h>

static const char *program;
static char work[] = "/tmp/ttb-run-XXXXXX";

static inline void write_scenario(const char *text)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/s.yaml", work);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* In the work folder; the scenario is s.yaml. */
static inline void run_in_work(const char *line, struct said *said)
{
    char whole[1024];

    snprintf(whole, sizeof(whole), "cd %s && %s", work, line);
    run(program, whole, said);
}

static inline void expect_status(const struct said *said, int status)
{
    if (said->status != status)
        fail_msg("status %d, not %d\n%s\n%s", said->status, status, said->out, said->err);
}

static inline int fresh_folder(void **state)
{
    (void)state;
    strcpy(work + strlen(work) - 6, "XXXXXX");
    return mkdtemp(work) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    struct said said;
    char line[64];

    (void)state;
    snprintf(line, sizeof(line), "rm -rf %s", work);
    run(program, line, &said);
    return said.status;
}

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

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)

#endif
