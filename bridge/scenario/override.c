/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/override.h"

#include <errno.h>
#include <string.h>

/* Steps of a path; a scenario is not so deep. */
#define STEPS_MAX 16

/* Splits KEY at the start of the text. Returns the place behind it, NULL if it is malformed. */
static const char *split_key(struct ttb__arena *arena, const char *text,
                             const char *steps[STEPS_MAX], size_t *count)
{
    const char *at = text;
    size_t length;

    *count = 0;
    for (;;) {
        if (*count == STEPS_MAX)
            return NULL;
        if (*at == '"') {
            const char *end = strchr(at + 1, '"');

            if (!end)
                return NULL;
            steps[(*count)++] = ttb__arena_copy(arena, at + 1, (size_t)(end - at - 1));
            at = end + 1;
        } else {
            length = strcspn(at, ".[]=\" ");
            if (length == 0)
                return NULL;
            steps[(*count)++] = ttb__arena_copy(arena, at, length);
            at += length;
        }
        while (*at == '[') {
            length = 1 + strspn(at + 1, "0123456789");
            if (length < 2 || length > 8 || at[length] != ']' || *count == STEPS_MAX)
                return NULL;
            steps[(*count)++] = ttb__arena_copy(arena, at, length + 1);
            at += length + 1;
        }
        if (*at == '=')
            return at + 1;
        if (*at++ != '.')
            return NULL;
    }
}

const struct ttb__yaml *ttb__override(struct ttb__arena *arena, const struct ttb__yaml *root,
                                      const char *text, unsigned source,
                                      struct ttb__problems *problems)
{
    static const struct ttb__yaml nothing = {.type = TTB__YAML_SCALAR, .plain = true, .text = ""};
    struct ttb__position position = {.source = source};
    const char *steps[STEPS_MAX];
    const struct ttb__yaml *value, *result;
    struct ttb__yaml *empty;
    struct ttb__error error = {0};
    const char *behind;
    size_t count;
    int rc;

    behind = split_key(arena, text, steps, &count);
    if (arena->failed)
        return NULL;
    if (!behind) {
        ttb__problem_at(problems, position,
                        "an override is KEY=VALUE, such as links.lan.delay=5ms or "
                        "nodes.a.interfaces[0].link=lan");
        return root;
    }
    rc = ttb__yaml_parse(arena, behind, strlen(behind), source, problems, &value);
    if (rc == -ENOMEM)
        return NULL;
    if (rc < 0)
        return root;
    if (!value) {
        empty = ttb__arena_alloc(arena, sizeof(*empty));
        if (!empty)
            return NULL;
        *empty = nothing;
        empty->position = position;
        value = empty;
    }
    result = ttb__yaml_set(arena, root, steps, count, value, &error);
    if (result || arena->failed)
        return result;
    ttb__problem_at(problems, position, "%s", error.text);
    return root;
}
