/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(void *user, const struct ttb_scenario_problem *problem)
{
    struct report *report = user;
    struct ttb_scenario_problem shown = *problem;
    char line[2048];
    size_t used = strlen(report->text);

    /* Overrides keep their names, for they have no positions. */
    if (strncmp(problem->file, "--", 2) != 0)
        shown.file = "";
    ttb_scenario_format_problem(&shown, line, sizeof(line));
    snprintf(report->text + used, sizeof(report->text) - used, "%s\n",
             line[0] == ':' ? line + 1 : line);
    report->count++;
}

struct ttb_scenario_opts report_into(struct report *report)
{
    *report = (struct report){.count = 0};
    return (struct ttb_scenario_opts){
        .size = sizeof(struct ttb_scenario_opts), .problem = add, .problem_user = report};
}

Ttb__Scenario *parse_ok(const char *text)
{
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *scenario;
    int rc = ttb_scenario_parse(text, strlen(text), &opts, &scenario);

    if (rc < 0)
        fail_msg("%s", report.text);
    return scenario;
}

void assert_refused(const char *text, const char *problems)
{
    struct report report;
    struct ttb_scenario_opts opts = report_into(&report);
    Ttb__Scenario *scenario;

    assert_int_equal(ttb_scenario_parse(text, strlen(text), &opts, &scenario), -EINVAL);
    assert_null(scenario);
    assert_string_equal(report.text, problems);
}

void assert_same_scenario(const Ttb__Scenario *a, const Ttb__Scenario *b)
{
    uint8_t *data_a, *data_b;
    size_t len_a, len_b;
    char *text_a, *text_b;

    assert_int_equal(ttb_scenario_print(a, &text_a, NULL), 0);
    assert_int_equal(ttb_scenario_print(b, &text_b, NULL), 0);
    assert_string_equal(text_a, text_b);
    free(text_a);
    free(text_b);
    assert_int_equal(ttb_scenario_pack(a, &data_a, &len_a), 0);
    assert_int_equal(ttb_scenario_pack(b, &data_b, &len_b), 0);
    assert_int_equal(len_a, len_b);
    assert_memory_equal(data_a, data_b, len_a);
    free(data_a);
    free(data_b);
}

char *read_file(const char *path, size_t *len_bytes)
{
    FILE *in = fopen(path, "r");
    char *text = malloc(TTB_SCENARIO_FILE_MAX + 2);

    if (!in || !text)
        fail_msg("%s cannot be read", path);
    *len_bytes = fread(text, 1, TTB_SCENARIO_FILE_MAX + 1, in);
    text[*len_bytes] = 0;
    fclose(in);
    return text;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t list_files(const char *folder, char ***paths)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    *paths = NULL;
    if (!directory)
        fail_msg("%s cannot be read", folder);
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);

        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        *paths = realloc(*paths, (count + 1) * sizeof(char *));
        assert_non_null(*paths);
        assert_true(asprintf(&(*paths)[count], "%s/%s", folder, entry->d_name) > 0);
        count++;
    }
    closedir(directory);
    assert_true(count > 0);
    qsort(*paths, count, sizeof(char *), compare);
    return count;
}

void free_files(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}
