/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file rig.h
 * What the tests of scenarios share: problems as text, messages compared.
 */
#ifndef TTB_TESTS_SCENARIO_RIG_H
#define TTB_TESTS_SCENARIO_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ttbridge/scenario.h>

/* Problems, one line each, without the name of the file. Zero-initialised it is empty. */
struct report {
    char text[16384];
    size_t count;
};

/* Options that report into `report`. */
struct ttb_scenario_opts report_into(struct report *report);

/* Parse a text that must be right. */
Ttb__Scenario *parse_ok(const char *text);

/* Parse a text that must be wrong, and compare what is said about it. */
void assert_refused(const char *text, const char *problems);

/* Fails unless both are the same, field by field. */
void assert_same_scenario(const Ttb__Scenario *a, const Ttb__Scenario *b);

/* The content of a file, zero terminated, to be freed. */
char *read_file(const char *path, size_t *len_bytes);

/* The files of a folder that end in .yaml, sorted; paths to be freed. Fails if there are none. */
size_t list_files(const char *folder, char ***paths);
void free_files(char **paths, size_t count);

#endif
