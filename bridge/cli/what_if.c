/* SPDX-License-Identifier: BSD-3-Clause */
#include "what_if.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* What is read from a trace has all defaults filled in: those of a scenario have no effect any more. */
static int check_overrides(const char *const *overrides)
{
    for (; *overrides; overrides++) {
        if (strncmp(*overrides, "defaults", 8) == 0 && strchr(".=", (*overrides)[8]))
            return usage_error(
                "replay",
                "--set: \"%s\": a recorded scenario has its defaults in its nodes and "
                "links; say nodes.NAME... or links.NAME...",
                *overrides);
    }
    return 0;
}

/* Warnings were given when it was recorded. */
static void print_error(void *user, const struct ttb_scenario_problem *problem)
{
    char line[1024];

    (void)user;
    if (problem->severity != TTB_SCENARIO_ERROR)
        return;
    ttb_scenario_format_problem(problem, line, sizeof(line));
    fprintf(stderr, "%s\n", line);
}

/* A trace may come from anywhere. */
static int unpack(const struct ttb_trace_bytes *packed, const char *path, Ttb__Scenario **scenario)
{
    const struct ttb_scenario_opts opts = {
        .size = sizeof(opts), .name = path, .problem = print_error};
    Ttb__Scenario *unchecked = NULL;
    int rc = ttb_scenario_unpack(packed->data, packed->len_bytes, &opts, &unchecked);

    if (!rc)
        rc = ttb_scenario_complete(unchecked, &opts, scenario);
    ttb_scenario_free(unchecked);
    return rc;
}

/* ---------------------------------------------------------------------------------- host files */

static const Ttb__Scenario__File *find_file(const Ttb__Scenario *scenario, const char *node,
                                            const Ttb__Scenario__File *wanted)
{
    for (size_t i = 0; i < scenario->n_nodes; i++) {
        const Ttb__Scenario__Node *given = scenario->nodes[i];

        for (size_t j = 0; strcmp(given->name, node) == 0 && j < given->n_files; j++) {
            const Ttb__Scenario__File *file = given->files[j];

            if (strcmp(file->path, wanted->path) == 0 && file->from &&
                strcmp(file->from, wanted->from) == 0)
                return file;
        }
    }
    return NULL;
}

/* Files of the host were recorded with their content, which a scenario's text does not repeat. */
static int take_files(Ttb__Scenario *scenario, const Ttb__Scenario *recorded)
{
    for (size_t i = 0; i < scenario->n_nodes; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_files; j++) {
            Ttb__Scenario__File *file = scenario->nodes[i]->files[j];
            const Ttb__Scenario__File *from =
                file->from && !file->has_content
                    ? find_file(recorded, scenario->nodes[i]->name, file)
                    : NULL;

            if (!from || !from->has_content)
                continue;
            file->content.data = malloc(from->content.len + 1);
            if (!file->content.data)
                return -ENOMEM;
            memcpy(file->content.data, from->content.data, from->content.len);
            file->content.len = from->content.len;
            file->has_content = 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------------------------- changes */

/* Fields are changed in the text that means the same. @return 0; -EINVAL after a sentence; -ENOMEM */
static int change(struct what_if *what_if, const char *path, const char *const *overrides)
{
    const struct ttb_scenario_opts opts = {
        .size = sizeof(opts), .name = path, .overrides = overrides, .problem = print_error};
    Ttb__Scenario *changed = NULL;
    size_t len_bytes;
    char *text;
    int rc = ttb_scenario_print(what_if->scenario, &text, &len_bytes);

    if (rc)
        return rc;
    rc = ttb_scenario_parse(text, len_bytes, &opts, &changed);
    free(text);
    if (!rc)
        rc = take_files(changed, what_if->scenario);
    if (!rc)
        rc = ttb_scenario_embed_files(changed, &opts);
    if (rc) {
        ttb_scenario_free(changed);
        return rc;
    }
    ttb_scenario_free(what_if->scenario);
    what_if->scenario = changed;
    return ttb_scenario_pack(changed, &what_if->packed, &what_if->packed_bytes);
}

/* ------------------------------------------------------------------------- kernels and images */

/* The path under which it was used, as long as there is something: if it is another file by now, that is
 * among what differs. */
static int use_artifact(char **field, const char *before, const struct ttb_trace_header *header,
                        uint32_t artifact)
{
    const char *path = artifact < header->artifact_count ? header->artifacts[artifact].path : NULL;
    char *copy;

    if (strcmp(*field, before) != 0 || !path || !strchr(path, '/') || access(path, R_OK) < 0)
        return 0;
    copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

static int use_artifacts(Ttb__Scenario *scenario, const Ttb__Scenario *recorded,
                         const struct ttb_trace_header *header,
                         const struct ttb_trace_tables *tables)
{
    int rc = 0;

    for (size_t i = 0; i < tables->node_count && i < recorded->n_nodes && !rc; i++) {
        const Ttb__Scenario__Node *before = recorded->nodes[i];

        for (size_t j = 0; j < scenario->n_nodes && !rc; j++) {
            Ttb__Scenario__Node *node = scenario->nodes[j];

            if (strcmp(node->name, before->name) != 0)
                continue;
            rc = use_artifact(&node->kernel, before->kernel, header, tables->nodes[i].kernel);
            if (!rc)
                rc = use_artifact(&node->image, before->image, header, tables->nodes[i].image);
        }
    }
    return rc;
}

/* -------------------------------------------------------------------------------------- public */

int what_if_open(struct what_if *what_if, const char *path, struct ttb_trace_reader *recorded,
                 const char *const *overrides)
{
    const struct ttb_trace_header *header = ttb_trace_reader_header(recorded);
    const struct ttb_trace_bytes *packed = &header->scenario;
    Ttb__Scenario *original = NULL;
    int rc;

    *what_if = (struct what_if){0};
    if (check_overrides(overrides))
        return EXIT_USAGE;
    if (!packed->len_bytes) {
        fprintf(stderr, "ttb replay: %s: has no scenario, so it cannot be repeated\n", path);
        return EXIT_BROKEN;
    }
    rc = unpack(packed, path, &original);
    if (!rc)
        rc = unpack(packed, path, &what_if->scenario);
    if (rc) {
        fprintf(stderr, "ttb replay: %s: its scenario cannot be read\n", path);
        ttb_scenario_free(original);
        return EXIT_BROKEN;
    }
    if (*overrides) {
        rc = change(what_if, path, overrides);
    } else {
        what_if->packed = malloc(packed->len_bytes);
        what_if->packed_bytes = packed->len_bytes;
        if (what_if->packed)
            memcpy(what_if->packed, packed->data, packed->len_bytes);
        else
            rc = -ENOMEM;
    }
    if (!rc)
        rc = use_artifacts(what_if->scenario, original, header, ttb_trace_reader_tables(recorded));
    ttb_scenario_free(original);
    if (rc == -ENOMEM)
        fputs("ttb replay: out of memory\n", stderr);
    return !rc ? 0 : rc == -EINVAL ? EXIT_USAGE : EXIT_BROKEN;
}

void what_if_close(struct what_if *what_if)
{
    ttb_scenario_free(what_if->scenario);
    free(what_if->packed);
}
