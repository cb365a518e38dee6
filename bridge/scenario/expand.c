/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values in all that was expanded, and bytes of their texts. */
#define VALUES_MAX 500000
#define BYTES_MAX  (16 * 1024 * 1024)

#define NUMBER_MAX UINT64_C(1000000000000)

struct expander {
    struct ttb__arena *arena;
    struct ttb__problems *problems;
    size_t values, bytes;
    bool stopped;
};

/* Reads at most twelve digits. */
static bool parse_number(const char **at, const char *end, uint64_t *value)
{
    const char *start = *at;

    *value = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - start < 12)
        *value = *value * 10 + (uint64_t)(*(*at)++ - '0');
    return *at > start;
}

/* {n}, {n*10+5}, {n:02} at `at`, which points behind the brace. False: it is something else. */
static bool parse_placeholder(const char *at, const char *end, uint64_t n, uint64_t *value,
                              unsigned *width, const char **next)
{
    uint64_t operand;

    if (at == end || *at++ != 'n')
        return false;
    *value = n;
    *width = 0;
    while (at < end && (*at == '+' || *at == '-' || *at == '*')) {
        char sign = *at++;

        if (!parse_number(&at, end, &operand))
            return false;
        if ((sign == '-' && operand > *value) ||
            (sign == '*' && operand > 0 && *value > NUMBER_MAX / operand))
            return false;
        *value = sign == '+' ? *value + operand : sign == '-' ? *value - operand : *value * operand;
        if (*value > NUMBER_MAX)
            return false;
    }
    if (at < end && *at == ':') {
        at++;
        if (at == end || *at != '0' || !parse_number(&at, end, &operand) || operand > 12)
            return false;
        *width = (unsigned)operand;
    }
    if (at == end || *at != '}')
        return false;
    *next = at + 1;
    return true;
}

/* The text with its placeholders replaced; itself if it has none. */
static const char *substitute(struct expander *expander, const char *text, size_t *len_bytes,
                              uint64_t n)
{
    const char *at = text, *end = text + *len_bytes, *brace, *next;
    size_t length = 0, capacity = 0;
    char *result = NULL;
    uint64_t value;
    unsigned width;

    /* Twice: to measure, and to write. */
    for (int pass = 0; pass < 2; pass++) {
        bool any = false;

        length = 0;
        for (at = text; (brace = memchr(at, '{', (size_t)(end - at))) != NULL;) {
            if (result)
                memcpy(result + length, at, (size_t)(brace - at));
            length += (size_t)(brace - at);
            if (parse_placeholder(brace + 1, end, n, &value, &width, &next)) {
                any = true;
                length += (size_t)snprintf(result ? result + length : NULL,
                                           result ? capacity - length : 0, "%0*" PRIu64, (int)width,
                                           value);
                at = next;
            } else {
                if (result)
                    result[length] = '{';
                length++;
                at = brace + 1;
            }
        }
        if (!any)
            return text;
        if (result)
            memcpy(result + length, at, (size_t)(end - at));
        length += (size_t)(end - at);
        if (pass == 0) {
            capacity = length + 1;
            result = ttb__arena_alloc(expander->arena, capacity);
            if (!result)
                return NULL;
        }
    }
    result[length] = 0;
    *len_bytes = length;
    return result;
}

static const struct ttb__yaml *copy_tree(struct expander *expander, const struct ttb__yaml *node,
                                         uint64_t n)
{
    struct ttb__yaml *copy = ttb__arena_alloc(expander->arena, sizeof(*copy));
    const struct ttb__yaml **items = NULL;
    struct ttb__yaml_pair *pairs = NULL;

    if (!copy)
        return NULL;
    *copy = *node;
    expander->values++;
    expander->bytes += node->len_bytes;
    if (expander->values > VALUES_MAX || expander->bytes > BYTES_MAX) {
        if (!expander->stopped)
            ttb__problem_at(expander->problems, node->position,
                            "what is repeated here is too much: more than %d values or %d bytes",
                            VALUES_MAX, BYTES_MAX);
        expander->stopped = true;
        return node;
    }
    if (node->type == TTB__YAML_SCALAR) {
        copy->text = substitute(expander, node->text, &copy->len_bytes, n);
        return copy->text ? copy : NULL;
    }
    if (node->type == TTB__YAML_SEQUENCE)
        items = ttb__arena_alloc(expander->arena, node->count * sizeof(const struct ttb__yaml *));
    else
        pairs = ttb__arena_alloc(expander->arena, node->count * sizeof(*pairs));
    if (!items && !pairs)
        return NULL;
    for (size_t i = 0; i < node->count && !expander->stopped; i++) {
        if (items) {
            items[i] = copy_tree(expander, node->items[i], n);
        } else {
            size_t length = strlen(node->pairs[i].key);

            pairs[i] = node->pairs[i];
            pairs[i].key = substitute(expander, pairs[i].key, &length, n);
            pairs[i].value = copy_tree(expander, node->pairs[i].value, n);
        }
        if (expander->arena->failed)
            return NULL;
    }
    /* Incomplete, and so not used any more but for being looked at: keep it whole. */
    if (expander->stopped)
        return node;
    copy->items = items;
    copy->pairs = pairs;
    return copy;
}

/* "worker{1..20}": the text before, both numbers, how wide the first is written, the text after. */
struct range {
    size_t before_len;
    uint64_t first, last;
    unsigned width;
    const char *after;
};

static bool parse_range(const char *name, struct range *range)
{
    const char *brace = strchr(name, '{'), *at, *end, *digits;

    if (!brace)
        return false;
    end = name + strlen(name);
    at = digits = brace + 1;
    range->before_len = (size_t)(brace - name);
    if (!parse_number(&at, end, &range->first))
        return false;
    range->width = *digits == '0' ? (unsigned)(at - digits) : 0;
    if (strncmp(at, "..", 2) != 0)
        return false;
    at += 2;
    if (!parse_number(&at, end, &range->last) || *at != '}')
        return false;
    range->after = at + 1;
    return true;
}

static bool has_range(const struct ttb__yaml *node)
{
    struct range range;

    if (!node || node->type != TTB__YAML_MAPPING)
        return false;
    for (size_t i = 0; i < node->count; i++) {
        if (parse_range(node->pairs[i].key, &range))
            return true;
    }
    return false;
}

static size_t count_pairs(struct expander *expander, const struct ttb__yaml *node)
{
    size_t count = 0;
    struct range range;

    for (size_t i = 0; i < node->count; i++) {
        const struct ttb__yaml_pair *pair = &node->pairs[i];

        if (!parse_range(pair->key, &range)) {
            count++;
        } else if (range.last < range.first || range.last - range.first >= TTB__EXPAND_MAX) {
            ttb__problem_at(expander->problems, pair->position, "\"%.80s\" stands for %s",
                            pair->key,
                            range.last < range.first ? "nothing: the first number is the larger one"
                                                     : "more than 1000 names");
            count++;
        } else {
            count += range.last - range.first + 1;
        }
    }
    return count;
}

/* Names that two patterns make, or a pattern and a name. */
static int compare_keys(const void *a, const void *b)
{
    const struct ttb__yaml_pair *const *x = a, *const *y = b;
    int order = strcmp((*x)->key, (*y)->key);

    return order ? order : *x < *y ? -1 : *x > *y;
}

static bool check_unique(struct expander *expander, const struct ttb__yaml_pair *pairs,
                         size_t count)
{
    const struct ttb__yaml_pair **sorted =
        ttb__arena_alloc(expander->arena, count * sizeof(const struct ttb__yaml_pair *));
    bool unique = true;

    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &pairs[i];
    qsort(sorted, count, sizeof(const struct ttb__yaml_pair *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i]->key, sorted[i - 1]->key) != 0)
            continue;
        ttb__problem_at(expander->problems, sorted[i]->position, "the name \"%.80s\" is made twice",
                        sorted[i]->key);
        unique = false;
    }
    return unique;
}

static const struct ttb__yaml *expand_mapping(struct expander *expander,
                                              const struct ttb__yaml *node)
{
    size_t count = count_pairs(expander, node), at = 0;
    struct ttb__yaml *copy = ttb__arena_alloc(expander->arena, sizeof(*copy));
    struct ttb__yaml_pair *pairs;
    struct range range;

    if (count > TTB__YAML_ITEMS_MAX) {
        ttb__problem_at(expander->problems, node->position, "there are more than %d names in it",
                        TTB__YAML_ITEMS_MAX);
        return node;
    }
    pairs = ttb__arena_alloc(expander->arena, count * sizeof(*pairs));
    if (!copy || !pairs)
        return NULL;
    for (size_t i = 0; i < node->count; i++) {
        const struct ttb__yaml_pair *pair = &node->pairs[i];

        if (!parse_range(pair->key, &range) || range.last < range.first ||
            range.last - range.first >= TTB__EXPAND_MAX) {
            pairs[at++] = *pair;
            continue;
        }
        for (uint64_t n = range.first; n <= range.last; n++) {
            pairs[at] = *pair;
            pairs[at].key =
                ttb__arena_printf(expander->arena, "%.*s%0*" PRIu64 "%s", (int)range.before_len,
                                  pair->key, (int)range.width, n, range.after);
            pairs[at].value = copy_tree(expander, pair->value, n);
            at++;
            if (expander->arena->failed)
                return NULL;
            if (expander->stopped)
                return node;
        }
    }
    *copy = *node;
    copy->pairs = pairs;
    copy->count = at;
    return check_unique(expander, pairs, at) ? copy : expander->arena->failed ? NULL : node;
}

const struct ttb__yaml *ttb__expand(struct ttb__arena *arena, const struct ttb__yaml *root,
                                    struct ttb__problems *problems)
{
    static const char *const keys[] = {"links", "nodes", "switches", "routers", "hosts"};
    struct expander expander = {.arena = arena, .problems = problems};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const struct ttb__yaml_pair *pair = ttb__yaml_find(root, keys[i]);
        const struct ttb__yaml *expanded;

        if (!pair || !has_range(pair->value))
            continue;
        expanded = expand_mapping(&expander, pair->value);
        if (!expanded)
            return NULL;
        root = ttb__yaml_set(arena, root, &keys[i], 1, expanded, NULL);
        if (!root)
            return NULL;
    }
    return root;
}
