/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of the program with files: a work folder, with the scenario s.yaml in it. */
#ifndef CLI_WORK_H
#define CLI_WORK_H

#include "run.h"

static const char *program;
static char work[] = "/tmp/ttb-test-XXXXXX";

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

/* In the work folder. */
static inline void run_in_work(const char *line, struct said *said)
{
    char whole[2048];

    snprintf(whole, sizeof(whole), "cd %s && { %s; }", work, line);
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

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)

#endif
