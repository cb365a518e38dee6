/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/problems.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/yaml.h"

/* Kept for sorting; of those beyond only the number is known. */
#define KEPT_MAX 1000

/* Longest path that is shown, and deepest that is looked up. */
#define PATH_TEXT  512
#define PATH_DEPTH 48

struct ttb__problem_item {
    struct ttb__position position;
    size_t sequence;
    enum ttb_scenario_severity severity;
    char path[PATH_TEXT];
    char text[TTB__ERROR_MAX];
};

/* Names that would be mistaken for more than one step are quoted. */
static bool needs_quotes(const char *name)
{
    return !*name || strpbrk(name, ".[]\" \t\n") != NULL;
}

struct place {
    struct ttb__position position;
    bool found;
    char text[PATH_TEXT];
};

static void append_name(struct place *place, const char *name)
{
    size_t used = strlen(place->text);
    const char *quote = needs_quotes(name) ? "\"" : "";

    snprintf(place->text + used, sizeof(place->text) - used, "%s%s%s%s", used ? "." : "", quote,
             name, quote);
}

static void append_index(struct place *place, size_t index)
{
    size_t used = strlen(place->text);

    snprintf(place->text + used, sizeof(place->text) - used, "[%zu]", index);
}

/* Walks from the root to the end of the path, in the text and in words. Where the text has a short form
 * (one value for a list of one, a scalar for a mapping) the steps that it saves are left out. */
static void locate(const struct ttb__problems *problems, const struct ttb__path *path,
                   unsigned flags, struct place *place)
{
    const struct ttb__path *steps[PATH_DEPTH];
    const struct ttb__yaml *node = problems->root;
    const struct ttb__yaml_pair *pair;
    size_t count = 0;

    *place = (struct place){.found = problems->root != NULL};
    for (; path && count < PATH_DEPTH; path = path->up)
        steps[count++] = path;
    if (node)
        place->position = node->position;
    while (count > 0) {
        const struct ttb__path *step = steps[--count];

        if (step->name) {
            pair = ttb__yaml_find(node, step->name);
            if (place->found && node->type != TTB__YAML_MAPPING && !ttb__yaml_is_null(node))
                continue;
            append_name(place, step->name);
            if (!pair) {
                place->found = false;
                node = NULL;
                continue;
            }
            node = pair->value;
            place->position = count == 0 && (flags & TTB__AT_KEY) ? pair->position : node->position;
            /* An empty value has no place of its own. */
            if (node->position.line == 0 && node->position.source == 0)
                place->position = pair->position;
        } else {
            if (place->found && node->type != TTB__YAML_SEQUENCE)
                continue;
            append_index(place, step->index);
            if (!node || step->index >= node->count) {
                place->found = false;
                node = NULL;
                continue;
            }
            node = node->items[step->index];
            place->position = node->position;
        }
    }
}

bool ttb__problems_has_text(const struct ttb__problems *problems, const struct ttb__path *path)
{
    struct place place;

    locate(problems, path, 0, &place);
    return place.found;
}

static void add(struct ttb__problems *problems, enum ttb_scenario_severity severity,
                struct ttb__position position, const char *path, const char *text)
{
    struct ttb__problem_item *item;

    /* What stands once in the text is reported once, however many fields it was used for. */
    for (size_t i = 0; i < problems->count && position.line > 0; i++) {
        item = &problems->items[i];
        if (memcmp(&item->position, &position, sizeof(position)) == 0 &&
            strcmp(item->text, text) == 0)
            return;
    }
    problems->errors += severity == TTB_SCENARIO_ERROR;
    if (problems->count == KEPT_MAX) {
        problems->left_out += severity == TTB_SCENARIO_ERROR;
        return;
    }
    if (problems->count == problems->capacity) {
        size_t capacity = problems->capacity ? 2 * problems->capacity : 8;

        item = realloc(problems->items, capacity * sizeof(*item));
        if (!item) {
            problems->no_memory = true;
            return;
        }
        problems->items = item;
        problems->capacity = capacity;
    }
    item = &problems->items[problems->count];
    *item = (struct ttb__problem_item){
        .position = position, .sequence = problems->count, .severity = severity};
    snprintf(item->path, sizeof(item->path), "%s", path);
    snprintf(item->text, sizeof(item->text), "%s", text);
    problems->count++;
}

/* Control characters would garble a terminal. */
static void sanitize(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
    }
}

void ttb__problem(struct ttb__problems *problems, const struct ttb__path *path, unsigned flags,
                  const char *format, ...)
{
    struct place place;
    char text[TTB__ERROR_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sanitize(text);
    locate(problems, path, flags, &place);
    sanitize(place.text);
    add(problems, flags & TTB__WARNING ? TTB_SCENARIO_WARNING : TTB_SCENARIO_ERROR, place.position,
        place.text, text);
}

/* Has an unknown key of this very object been reported? */
static bool has_unknown_key(const struct ttb__problems *problems, const char *path)
{
    static const char unknown[] = "unknown key";
    size_t length = strlen(path);

    for (size_t i = 0; i < problems->count; i++) {
        const char *below = problems->items[i].path;

        if (strncmp(problems->items[i].text, unknown, sizeof(unknown) - 1) != 0 ||
            strncmp(below, path, length) != 0)
            continue;
        below += length + (length > 0);
        if (!strpbrk(below, ".["))
            return true;
    }
    return false;
}

void ttb__problem_missing(struct ttb__problems *problems, const struct ttb__path *path,
                          const char *text)
{
    struct place place;

    locate(problems, path, 0, &place);
    sanitize(place.text);
    if (!has_unknown_key(problems, place.text))
        ttb__problem(problems, path, 0, "%s", text);
}

void ttb__problem_at(struct ttb__problems *problems, struct ttb__position position,
                     const char *format, ...)
{
    char text[TTB__ERROR_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sanitize(text);
    add(problems, TTB_SCENARIO_ERROR, position, "", text);
}

static int compare(const void *a, const void *b)
{
    const struct ttb__problem_item *x = a, *y = b;

    if (x->position.source != y->position.source)
        return x->position.source < y->position.source ? -1 : 1;
    if (x->position.line != y->position.line)
        return x->position.line < y->position.line ? -1 : 1;
    if (x->position.column != y->position.column)
        return x->position.column < y->position.column ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static void emit(const struct ttb_scenario_opts *opts, const struct ttb_scenario_problem *problem)
{
    char line[PATH_TEXT + TTB__ERROR_MAX + 256];

    if (opts && opts->problem) {
        opts->problem(opts->problem_user, problem);
        return;
    }
    ttb_scenario_format_problem(problem, line, sizeof(line));
    fprintf(stderr, "%s\n", line);
}

int ttb__problems_flush(struct ttb__problems *problems, const struct ttb_scenario_opts *opts)
{
    size_t shown = 0, left_out = problems->left_out;
    bool failed = problems->errors > 0, no_memory = problems->no_memory;
    char text[64];

    if (problems->count > 1)
        qsort(problems->items, problems->count, sizeof(*problems->items), compare);
    for (size_t i = 0; i < problems->count; i++) {
        const struct ttb__problem_item *item = &problems->items[i];
        struct ttb_scenario_problem problem = {
            .severity = item->severity,
            .file = problems->sources ? problems->sources[item->position.source] : "",
            .line = item->position.line,
            .column = item->position.column,
            .path = item->path,
            .text = item->text,
        };

        if (failed && item->severity == TTB_SCENARIO_WARNING)
            continue;
        if (shown == TTB_SCENARIO_PROBLEMS_MAX)
            left_out++;
        else {
            emit(opts, &problem);
            shown++;
        }
    }
    if (left_out > 0) {
        snprintf(text, sizeof(text), "and %zu more", left_out);
        emit(opts, &(struct ttb_scenario_problem){
                       .severity = failed ? TTB_SCENARIO_ERROR : TTB_SCENARIO_WARNING,
                       .file = problems->sources ? problems->sources[0] : "",
                       .path = "",
                       .text = text});
    }
    ttb__problems_clear(problems);
    return no_memory ? -ENOMEM : failed ? -EINVAL : 0;
}

void ttb__problems_clear(struct ttb__problems *problems)
{
    free(problems->items);
    problems->items = NULL;
    problems->count = problems->capacity = problems->errors = problems->left_out = 0;
    problems->no_memory = false;
}

int ttb_scenario_format_problem(const struct ttb_scenario_problem *problem, char *line, size_t size)
{
    char position[32] = "";

    if (problem->line > 0)
        snprintf(position, sizeof(position), ":%u:%u", problem->line, problem->column);
    return snprintf(line, size, "%s%s%s%s%s%s%s", problem->file, position,
                    *problem->file || *position ? ": " : "",
                    problem->severity == TTB_SCENARIO_WARNING ? "warning: " : "", problem->path,
                    *problem->path ? ": " : "", problem->text);
}
