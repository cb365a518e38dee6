/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of two runs differs that they were made of, fields of their scenarios included. For those both are
 * printed in their canonical form, which has one field a line, and taken apart again into paths and
 * values: so a field that is added to the language needs nothing here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.h>

#include "cli.h"

#define DEPTH_MAX 32

/* More are counted. */
#define LINES_MAX 20

struct field {
    char *path;
    const char *value; /* in the text */
};

struct fields {
    char *text;
    struct field *list;
    size_t count, room;
};

/* The path to a line: a key, or a position in a list, for each level of indentation. */
struct level {
    size_t indent;
    const char *key; /* NULL: an item of a list */
    unsigned position;
};

static void free_fields(struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        free(fields->list[i].path);
    free(fields->list);
    free(fields->text);
}

static bool add_field(struct fields *fields, const struct level *levels, size_t depth,
                      const char *value)
{
    char *path = NULL;
    size_t len_bytes;
    FILE *out;

    if (fields->count == fields->room) {
        size_t room = fields->room ? 2 * fields->room : 256;
        struct field *grown = realloc(fields->list, room * sizeof(*grown));

        if (!grown)
            return false;
        fields->list = grown;
        fields->room = room;
    }
    out = open_memstream(&path, &len_bytes);
    if (!out)
        return false;
    for (size_t i = 0; i < depth; i++) {
        if (levels[i].key)
            fprintf(out, "%s%s", i ? "." : "", levels[i].key);
        else
            fprintf(out, "[%u]", levels[i].position);
    }
    if (fclose(out) != 0)
        return false;
    fields->list[fields->count++] = (struct field){.path = path, .value = value};
    return true;
}

/* An item of a list, or a line of a text: the next one after those at the same depth. */
static void enter_item(struct level *levels, size_t *depth, size_t indent)
{
    bool follows = *depth && levels[*depth - 1].indent == indent && !levels[*depth - 1].key;

    if (follows)
        levels[*depth - 1].position++;
    else if (*depth < DEPTH_MAX)
        levels[(*depth)++] = (struct level){.indent = indent};
}

static bool take_line(struct fields *fields, struct level *levels, size_t *depth, char *line)
{
    size_t indent = strspn(line, " ");
    char *value;

    line += indent;
    while (*depth && (levels[*depth - 1].indent > indent ||
                      (levels[*depth - 1].indent == indent && levels[*depth - 1].key)))
        (*depth)--;
    while (strncmp(line, "- ", 2) == 0) {
        enter_item(levels, depth, indent);
        line += 2;
        indent += 2;
    }
    value = *line == '"' ? NULL : strchr(line, ':');
    if (!value || (value[1] != ' ' && value[1] != 0) || *depth == DEPTH_MAX) {
        if (!*depth || levels[*depth - 1].key)
            enter_item(levels, depth, indent);
        return add_field(fields, levels, *depth, line);
    }
    *value++ = 0;
    levels[(*depth)++] = (struct level){.indent = indent, .key = line};
    return *value == 0 || add_field(fields, levels, *depth, value + 1);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct field *)a)->path, ((const struct field *)b)->path);
}

static bool take_apart(const struct ttb_trace_bytes *packed, struct fields *fields)
{
    const struct ttb_scenario_opts opts = {.size = sizeof(opts)};
    struct level levels[DEPTH_MAX];
    size_t depth = 0;
    Ttb__Scenario *scenario;
    char *rest;
    bool good;

    if (!packed->len_bytes ||
        ttb_scenario_unpack(packed->data, packed->len_bytes, &opts, &scenario) < 0)
        return false;
    good = ttb_scenario_print(scenario, &fields->text, NULL) == 0;
    ttb_scenario_free(scenario);
    rest = fields->text;
    while (good && rest && *rest) {
        char *line = strsep(&rest, "\n");

        good = take_line(fields, levels, &depth, line);
    }
    if (good && fields->count)
        qsort(fields->list, fields->count, sizeof(*fields->list), by_path);
    return good;
}

static void say(unsigned *count, ttb_trace_line_fn fn, void *user, const char *path,
                const char *expected, const char *actual)
{
    char line[512];

    if ((*count)++ >= LINES_MAX)
        return;
    snprintf(line, sizeof(line), "scenario: %.150s: expected %.120s, found %.120s", path,
             expected ? expected : "nothing", actual ? actual : "nothing");
    fn(user, line);
}

static unsigned diff_scenarios(const struct ttb_trace_header *expected,
                               const struct ttb_trace_header *actual, ttb_trace_line_fn fn,
                               void *user)
{
    struct fields a = {0}, b = {0};
    unsigned count = 0;
    char line[64];
    size_t i = 0, j = 0;

    if (!take_apart(&expected->scenario, &a) || !take_apart(&actual->scenario, &b))
        a.count = b.count = 0;
    while (i < a.count || j < b.count) {
        int order = i == a.count ? 1 : j == b.count ? -1 : by_path(&a.list[i], &b.list[j]);

        if (order < 0)
            say(&count, fn, user, a.list[i].path, a.list[i].value, NULL);
        else if (order > 0)
            say(&count, fn, user, b.list[j].path, NULL, b.list[j].value);
        else if (strcmp(a.list[i].value, b.list[j].value) != 0)
            say(&count, fn, user, a.list[i].path, a.list[i].value, b.list[j].value);
        i += order <= 0;
        j += order >= 0;
    }
    if (count > LINES_MAX) {
        snprintf(line, sizeof(line), "scenario: and %u more", count - LINES_MAX);
        fn(user, line);
    }
    free_fields(&a);
    free_fields(&b);
    return count;
}

struct made_of {
    const char *title; /* NULL: it has been printed */
    bool by_field;     /* fields of the scenario have been told */
};

static void print_line(void *user, const char *text)
{
    struct made_of *made_of = user;

    if (made_of->by_field && strcmp(text, "scenario: its content differs") == 0)
        return;
    if (made_of->title)
        puts(made_of->title);
    made_of->title = NULL;
    printf("  %s\n", text);
}

bool print_made_of(const struct ttb_trace_header *expected, const struct ttb_trace_header *actual,
                   const char *title)
{
    struct made_of made_of = {.title = title};

    made_of.by_field = diff_scenarios(expected, actual, print_line, &made_of) > 0;
    ttb_trace_diff_headers(expected, actual, print_line, &made_of);
    return !made_of.title;
}
