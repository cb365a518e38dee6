/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/yaml.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "scenario/utf8.h"

struct anchor {
    struct anchor *next;
    const char *name;
    const struct ttb__yaml *node;
};

struct context {
    struct ttb__arena *arena;
    struct ttb__problems *problems;
    yaml_parser_t parser;
    const char *text; /* all of it, for messages */
    size_t len_bytes;
    unsigned source;
    unsigned depth;
    size_t values;
    size_t anchor_count;
    struct anchor *anchors; /* the newest first: a name may be used again */
};

/* Growing list in the making. */
struct list {
    void *data;
    size_t count, capacity;
};

static int list_push(struct list *list, const void *element, size_t size)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        void *data = realloc(list->data, capacity * size);

        if (!data)
            return -ENOMEM;
        list->data = data;
        list->capacity = capacity;
    }
    memcpy((char *)list->data + size * list->count++, element, size);
    return 0;
}

/* Moves the list to the arena. */
static const void *list_finish(struct ttb__arena *arena, struct list *list, size_t size)
{
    void *data = ttb__arena_alloc(arena, list->count * size);

    if (data && list->count)
        memcpy(data, list->data, list->count * size);
    free(list->data);
    *list = (struct list){0};
    return data;
}

static struct ttb__position position_of(const struct context *ctx, yaml_mark_t mark)
{
    struct ttb__position position = {.source = ctx->source};

    /* In an override, line and column would count from its "=". */
    if (ctx->source == 0) {
        position.line = (unsigned)mark.line + 1;
        position.column = (unsigned)mark.column + 1;
    }
    return position;
}

/* ------------------------------------------------------------------------------------ errors */

/* True if the line (from 1) begins with blanks among which there is a tab. */
static bool indented_by_tab(const struct context *ctx, unsigned line)
{
    const char *at = ctx->text, *end = ctx->text + ctx->len_bytes;

    for (; line > 1 && at < end; at++)
        line -= *at == '\n';
    for (; at < end && (*at == ' ' || *at == '\t'); at++) {
        if (*at == '\t')
            return true;
    }
    return false;
}

static int syntax_error(struct context *ctx)
{
    const yaml_parser_t *parser = &ctx->parser;
    struct ttb__position position = position_of(ctx, parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    /* What libyaml says when a line begins in a column where nothing else does. */
    bool is_indentation = strcmp(problem, "did not find expected key") == 0 ||
                          strcmp(problem, "did not find expected '-' indicator") == 0;
    char from[160] = "";

    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->context && position.line &&
        parser->context_mark.index != parser->problem_mark.index)
        snprintf(from, sizeof(from), ", %s (from %zu:%zu)", parser->context,
                 parser->context_mark.line + 1, parser->context_mark.column + 1);
    if (position.line && indented_by_tab(ctx, position.line))
        ttb__problem_at(ctx->problems, position, "tabs cannot indent in YAML, only spaces can");
    else
        ttb__problem_at(ctx->problems, position, "it is not YAML: %s%s%s", problem, from,
                        is_indentation ? "; is it indented like what stands before it?" : "");
    return -EINVAL;
}

static int refuse(struct context *ctx, struct ttb__position position, const char *what)
{
    ttb__problem_at(ctx->problems, position, "%s", what);
    return -EINVAL;
}

static int count_value(struct context *ctx, struct ttb__position position)
{
    char text[96];

    if (++ctx->values <= TTB__YAML_VALUES_MAX)
        return 0;
    snprintf(text, sizeof(text), "there are more than %d values in it", TTB__YAML_VALUES_MAX);
    return refuse(ctx, position, text);
}

/* ------------------------------------------------------------------------------------ values */

static int parse_node(struct context *ctx, const yaml_event_t *event,
                      const struct ttb__yaml **node);

/* The next event, to be deleted. @return 0 or a negative errno; a problem was reported */
static int next_event(struct context *ctx, yaml_event_t *event)
{
    return yaml_parser_parse(&ctx->parser, event) ? 0 : syntax_error(ctx);
}

static int remember_anchor(struct context *ctx, const yaml_char_t *name,
                           struct ttb__position position, const struct ttb__yaml *node)
{
    struct anchor *anchor;

    if (!name)
        return 0;
    if (++ctx->anchor_count > TTB__YAML_ANCHORS_MAX)
        return refuse(ctx, position, "there are too many anchors");
    anchor = ttb__arena_alloc(ctx->arena, sizeof(*anchor));
    if (!anchor)
        return -ENOMEM;
    *anchor = (struct anchor){
        .next = ctx->anchors,
        .name = ttb__arena_copy(ctx->arena, (const char *)name, strlen((const char *)name)),
        .node = node};
    ctx->anchors = anchor;
    return anchor->name ? 0 : -ENOMEM;
}

static int parse_alias(struct context *ctx, const yaml_event_t *event,
                       const struct ttb__yaml **node)
{
    const char *name = (const char *)event->data.alias.anchor;
    char text[96];

    for (const struct anchor *anchor = ctx->anchors; anchor; anchor = anchor->next) {
        if (strcmp(anchor->name, name) == 0) {
            *node = anchor->node;
            return 0;
        }
    }
    snprintf(text, sizeof(text), "there is no anchor \"&%.40s\" before this alias", name);
    return refuse(ctx, position_of(ctx, event->start_mark), text);
}

static int parse_scalar(struct context *ctx, const yaml_event_t *event, struct ttb__yaml *node)
{
    node->type = TTB__YAML_SCALAR;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = ttb__arena_copy(ctx->arena, (const char *)event->data.scalar.value,
                                 event->data.scalar.length);
    node->len_bytes = event->data.scalar.length;
    return node->text ? 0 : -ENOMEM;
}

static int too_many_items(struct context *ctx, struct ttb__position position)
{
    char text[64];

    snprintf(text, sizeof(text), "it has more than %d elements", TTB__YAML_ITEMS_MAX);
    return refuse(ctx, position, text);
}

static int parse_sequence(struct context *ctx, struct ttb__yaml *node)
{
    struct list items = {0};
    yaml_event_t event;
    bool end = false;
    int rc = 0;

    node->type = TTB__YAML_SEQUENCE;
    while (rc == 0 && !end) {
        const struct ttb__yaml *item;

        rc = next_event(ctx, &event);
        if (rc < 0)
            break;
        end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end && items.count == TTB__YAML_ITEMS_MAX)
            rc = too_many_items(ctx, node->position);
        if (rc == 0 && !end)
            rc = parse_node(ctx, &event, &item);
        yaml_event_delete(&event);
        if (rc == 0 && !end)
            rc = list_push(&items, &item, sizeof(item));
    }
    node->count = items.count;
    node->items = list_finish(ctx->arena, &items, sizeof(const struct ttb__yaml *));
    return rc < 0 ? rc : node->items ? 0 : -ENOMEM;
}

static const struct ttb__yaml_pair *find_pair(const struct ttb__yaml_pair *pairs, size_t count,
                                              const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].key, key) == 0)
            return &pairs[i];
    }
    return NULL;
}

/* Adds the pairs of `from` whose keys are not there yet. */
static int merge_mapping(struct context *ctx, struct list *pairs, const struct ttb__yaml *from,
                         struct ttb__position position)
{
    int rc = 0;

    if (from->type != TTB__YAML_MAPPING)
        return refuse(ctx, position, "\"<<\" takes a mapping, or a list of mappings");
    for (size_t i = 0; i < from->count && rc == 0; i++) {
        /* Keys of earlier merges win, too, as the merge key's specification says. */
        if (find_pair(pairs->data, pairs->count, from->pairs[i].key))
            continue;
        if (pairs->count == TTB__YAML_ITEMS_MAX)
            return too_many_items(ctx, position);
        rc = count_value(ctx, position);
        if (rc == 0)
            rc = list_push(pairs, &from->pairs[i], sizeof(from->pairs[i]));
    }
    return rc;
}

static int merge(struct context *ctx, struct list *pairs, const struct ttb__yaml *from,
                 struct ttb__position position)
{
    int rc = 0;

    if (from->type != TTB__YAML_SEQUENCE)
        return merge_mapping(ctx, pairs, from, position);
    for (size_t i = 0; i < from->count && rc == 0; i++)
        rc = merge_mapping(ctx, pairs, from->items[i], position);
    return rc;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct ttb__yaml_pair *const *x = a, *const *y = b;
    int order = strcmp((*x)->key, (*y)->key);

    return order ? order : *x < *y ? -1 : *x > *y;
}

/* Reports every key that was there before, and takes it out. */
static int drop_duplicates(struct context *ctx, struct list *pairs)
{
    struct ttb__yaml_pair *all = pairs->data;
    const struct ttb__yaml_pair **sorted, *first;
    size_t kept = 0;

    if (pairs->count < 2)
        return 0;
    sorted = malloc(pairs->count * sizeof(const struct ttb__yaml_pair *));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < pairs->count; i++)
        sorted[i] = &all[i];
    qsort(sorted, pairs->count, sizeof(const struct ttb__yaml_pair *), compare_pairs);
    first = sorted[0];
    for (size_t i = 1; i < pairs->count; i++) {
        if (strcmp(sorted[i]->key, first->key) != 0) {
            first = sorted[i];
            continue;
        }
        if (ctx->source == 0)
            ttb__problem_at(ctx->problems, sorted[i]->position,
                            "the key \"%s\" was given before, in line %u", sorted[i]->key,
                            first->position.line);
        else
            ttb__problem_at(ctx->problems, sorted[i]->position, "the key \"%s\" is given twice",
                            sorted[i]->key);
        all[sorted[i] - all].value = NULL;
    }
    free(sorted);
    for (size_t i = 0; i < pairs->count; i++) {
        if (all[i].value)
            all[kept++] = all[i];
    }
    pairs->count = kept;
    return 0;
}

static int parse_key(struct context *ctx, const yaml_event_t *event, struct ttb__yaml_pair *pair,
                     bool *is_merge)
{
    struct ttb__yaml key = {0};
    int rc;

    pair->position = position_of(ctx, event->start_mark);
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(ctx, pair->position, "a key must be a word");
    if (event->data.scalar.anchor || event->data.scalar.tag)
        return refuse(ctx, pair->position, "keys have no anchors and no tags here");
    rc = parse_scalar(ctx, event, &key);
    if (rc < 0)
        return rc;
    if (memchr(key.text, 0, key.len_bytes))
        return refuse(ctx, pair->position, "a key must not contain a zero byte");
    pair->key = key.text;
    *is_merge = key.plain && strcmp(key.text, "<<") == 0;
    return 0;
}

/* A key, unless it is the end of the mapping, and its value. */
static int parse_pair(struct context *ctx, struct ttb__yaml_pair *pair, bool *is_merge, bool *end)
{
    yaml_event_t event;
    int rc = next_event(ctx, &event);

    if (rc < 0)
        return rc;
    *end = event.type == YAML_MAPPING_END_EVENT;
    if (!*end)
        rc = parse_key(ctx, &event, pair, is_merge);
    yaml_event_delete(&event);
    if (rc < 0 || *end)
        return rc;
    rc = next_event(ctx, &event);
    if (rc < 0)
        return rc;
    rc = parse_node(ctx, &event, &pair->value);
    yaml_event_delete(&event);
    return rc;
}

static int parse_mapping(struct context *ctx, struct ttb__yaml *node)
{
    struct list pairs = {0}, merges = {0};
    bool end = false;
    int rc = 0;

    node->type = TTB__YAML_MAPPING;
    while (rc == 0) {
        struct ttb__yaml_pair pair = {0};
        bool is_merge = false;

        rc = parse_pair(ctx, &pair, &is_merge, &end);
        if (rc < 0 || end)
            break;
        if (pairs.count + merges.count == TTB__YAML_ITEMS_MAX)
            rc = too_many_items(ctx, node->position);
        if (rc == 0)
            rc = list_push(is_merge ? &merges : &pairs, &pair, sizeof(pair));
    }
    if (rc == 0)
        rc = drop_duplicates(ctx, &pairs);
    for (size_t i = 0; i < merges.count && rc == 0; i++) {
        const struct ttb__yaml_pair *pair = (const struct ttb__yaml_pair *)merges.data + i;

        rc = merge(ctx, &pairs, pair->value, pair->position);
    }
    free(merges.data);
    node->count = pairs.count;
    node->pairs = list_finish(ctx->arena, &pairs, sizeof(struct ttb__yaml_pair));
    return rc < 0 ? rc : node->pairs ? 0 : -ENOMEM;
}

static int parse_node(struct context *ctx, const yaml_event_t *event,
                      const struct ttb__yaml **result)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    struct ttb__yaml *node;
    int rc;

    *result = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return parse_alias(ctx, event, result);
    node = ttb__arena_alloc(ctx->arena, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->position = position_of(ctx, event->start_mark);
    rc = count_value(ctx, node->position);
    if (rc < 0)
        return rc;
    if (ctx->depth == TTB__YAML_DEPTH_MAX)
        return refuse(ctx, node->position, "it is nested too deeply");
    ctx->depth++;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        rc = parse_scalar(ctx, event, node);
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        rc = tag ? 0 : parse_sequence(ctx, node);
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        rc = tag ? 0 : parse_mapping(ctx, node);
        break;
    default:
        rc = refuse(ctx, node->position, "it is not YAML");
        break;
    }
    ctx->depth--;
    if (rc == 0 && tag)
        rc = refuse(ctx, node->position, "tags are not used here");
    if (rc == 0)
        rc = remember_anchor(ctx, anchor, node->position, node);
    *result = node;
    return rc;
}

/* --------------------------------------------------------------------------------- documents */

static int parse_document(struct context *ctx, const struct ttb__yaml **root)
{
    bool end = false;
    int rc = 0;

    while (rc == 0 && !end) {
        yaml_event_t event;

        rc = next_event(ctx, &event);
        if (rc < 0)
            break;
        end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && *root)
            rc = refuse(ctx, position_of(ctx, event.start_mark), "a second document begins here");
        else if (event.type != YAML_STREAM_START_EVENT && !end &&
                 event.type != YAML_DOCUMENT_START_EVENT && event.type != YAML_DOCUMENT_END_EVENT)
            rc = parse_node(ctx, &event, root);
        yaml_event_delete(&event);
    }
    return rc;
}

static int check_text(struct context *ctx)
{
    struct ttb__position position = {.source = ctx->source};
    size_t bad = ttb__utf8_check(ctx->text, ctx->len_bytes);
    unsigned line, column;

    if (bad == ctx->len_bytes)
        return 0;
    ttb__utf8_position(ctx->text, bad, &line, &column);
    if (ctx->source == 0) {
        position.line = line;
        position.column = column;
    }
    ttb__problem_at(ctx->problems, position,
                    (unsigned char)ctx->text[bad] < 0x80
                        ? "the control character 0x%02x is not allowed in a text"
                        : "it is not UTF-8: byte 0x%02x",
                    (unsigned char)ctx->text[bad]);
    return -EINVAL;
}

int ttb__yaml_parse(struct ttb__arena *arena, const char *text, size_t len_bytes, unsigned source,
                    struct ttb__problems *problems, const struct ttb__yaml **root)
{
    struct context ctx = {.arena = arena,
                          .problems = problems,
                          .text = text,
                          .len_bytes = len_bytes,
                          .source = source};
    int rc;

    *root = NULL;
    /* A byte order mark: "UTF-8", which it has to be in any case. */
    if (len_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        ctx.text += 3;
        ctx.len_bytes -= 3;
    }
    rc = check_text(&ctx);
    if (rc < 0)
        return rc;
    if (!yaml_parser_initialize(&ctx.parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&ctx.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&ctx.parser, (const unsigned char *)ctx.text, ctx.len_bytes);
    rc = parse_document(&ctx, root);
    yaml_parser_delete(&ctx.parser);
    return arena->failed ? -ENOMEM : rc;
}

/* ------------------------------------------------------------------------------------ access */

bool ttb__yaml_is_null(const struct ttb__yaml *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (!node)
        return true;
    if (node->type != TTB__YAML_SCALAR || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(node->text, words[i]) == 0)
            return true;
    }
    return false;
}

const struct ttb__yaml_pair *ttb__yaml_find(const struct ttb__yaml *node, const char *key)
{
    if (!node || node->type != TTB__YAML_MAPPING)
        return NULL;
    return find_pair(node->pairs, node->count, key);
}

const char *ttb__yaml_describe(const struct ttb__yaml *node)
{
    if (ttb__yaml_is_null(node))
        return "nothing";
    return node->type == TTB__YAML_MAPPING    ? "a mapping"
           : node->type == TTB__YAML_SEQUENCE ? "a list"
                                              : "text";
}

static struct ttb__yaml *copy_node(struct ttb__arena *arena, const struct ttb__yaml *node,
                                   size_t extra)
{
    struct ttb__yaml *copy = ttb__arena_alloc(arena, sizeof(*copy));
    struct ttb__yaml_pair *pairs;
    const struct ttb__yaml **items;

    if (!copy)
        return NULL;
    if (node)
        *copy = *node;
    else
        copy->type = TTB__YAML_MAPPING;
    if (copy->type == TTB__YAML_MAPPING) {
        pairs = ttb__arena_alloc(arena, (copy->count + extra) * sizeof(*pairs));
        if (!pairs)
            return NULL;
        if (copy->count)
            memcpy(pairs, copy->pairs, copy->count * sizeof(*pairs));
        copy->pairs = pairs;
    } else if (copy->type == TTB__YAML_SEQUENCE) {
        items = ttb__arena_alloc(arena, (copy->count + extra) * sizeof(const struct ttb__yaml *));
        if (!items)
            return NULL;
        if (copy->count)
            memcpy(items, copy->items, copy->count * sizeof(const struct ttb__yaml *));
        copy->items = items;
    }
    return copy;
}

static const struct ttb__yaml *set_item(struct ttb__arena *arena, const struct ttb__yaml *root,
                                        const char *const *keys, size_t count,
                                        const struct ttb__yaml *value, struct ttb__error *error)
{
    size_t index = strtoul(keys[0] + 1, NULL, 10), length;
    const struct ttb__yaml **items;
    const struct ttb__yaml *below;
    struct ttb__yaml *copy;

    /* One value stands for a list of one. */
    if (!ttb__yaml_is_null(root) && root->type != TTB__YAML_SEQUENCE && index == 0)
        return ttb__yaml_set(arena, root, keys + 1, count - 1, value, error);
    length = root && root->type == TTB__YAML_SEQUENCE ? root->count : 0;
    if ((root && root->type != TTB__YAML_SEQUENCE && !ttb__yaml_is_null(root)) || index > length) {
        ttb__fail(error, -EINVAL, "there is no element %s", keys[0]);
        return NULL;
    }
    /* The one behind the last is appended. */
    if (length > 0) {
        copy = copy_node(arena, root, 1);
    } else {
        static const struct ttb__yaml empty = {.type = TTB__YAML_SEQUENCE};

        copy = copy_node(arena, &empty, 1);
    }
    below = ttb__yaml_set(arena, index < length ? root->items[index] : NULL, keys + 1, count - 1,
                          value, error);
    if (!copy || !below)
        return NULL;
    items = (const struct ttb__yaml **)(uintptr_t)copy->items;
    items[index] = below;
    copy->count = index < length ? length : length + 1;
    if (length == 0)
        copy->position = value->position;
    return copy;
}

const struct ttb__yaml *ttb__yaml_set(struct ttb__arena *arena, const struct ttb__yaml *root,
                                      const char *const *keys, size_t count,
                                      const struct ttb__yaml *value, struct ttb__error *error)
{
    const struct ttb__yaml_pair *found;
    const struct ttb__yaml *below;
    struct ttb__yaml_pair *pairs;
    struct ttb__yaml *copy;
    size_t index;

    if (count == 0)
        return value;
    if (keys[0][0] == '[')
        return set_item(arena, root, keys, count, value, error);
    if (ttb__yaml_is_null(root))
        root = NULL;
    if (root && root->type != TTB__YAML_MAPPING) {
        ttb__fail(error, -EINVAL, "there is %s where \"%s\" is looked for",
                  ttb__yaml_describe(root), keys[0]);
        return NULL;
    }
    found = ttb__yaml_find(root, keys[0]);
    copy = copy_node(arena, root, 1);
    below = ttb__yaml_set(arena, found ? found->value : NULL, keys + 1, count - 1, value, error);
    if (!copy || !below)
        return NULL;
    pairs = (struct ttb__yaml_pair *)(uintptr_t)copy->pairs;
    index = found ? (size_t)(found - root->pairs) : copy->count++;
    pairs[index].key = ttb__arena_copy(arena, keys[0], strlen(keys[0]));
    pairs[index].position = value->position;
    pairs[index].value = below;
    if (found && count > 1)
        pairs[index].position = found->position;
    if (!root)
        copy->position = value->position;
    return pairs[index].key ? copy : NULL;
}
