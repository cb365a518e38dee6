/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file yaml.h
 * YAML as a tree with positions.
 *
 * libyaml parses; the tree is ours, so that what a hostile file can cost is bounded here: its length,
 * its depth, and its values. Aliases are shared, not copied. Merge keys ("<<") are resolved. What
 * scenarios have no use for (tags, several documents, keys that are no scalars) is refused.
 *
 * Why libyaml: libfyaml 0.7.12, which Debian 12 has, changes the text of some quoted and folded scalars
 * (two quotes next to each other in single quotes, a line that ends in a backslash in double ones).
 */
#ifndef TTB_SCENARIO_YAML_H
#define TTB_SCENARIO_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "scenario/arena.h"
#include "scenario/problems.h"

/* Values in one text. */
#define TTB__YAML_VALUES_MAX 100000

/* Sequences and mappings in each other. */
#define TTB__YAML_DEPTH_MAX 32

/* Items of one sequence or mapping. */
#define TTB__YAML_ITEMS_MAX 10000

/* Anchors in one text. */
#define TTB__YAML_ANCHORS_MAX 1000

enum ttb__yaml_type {
    TTB__YAML_SCALAR,
    TTB__YAML_SEQUENCE,
    TTB__YAML_MAPPING,
};

/* All of a tree lives in an arena and is not changed once it is made. */
struct ttb__yaml {
    enum ttb__yaml_type type;
    struct ttb__position position;
    bool plain;       /* scalar without quotes: may mean "null" */
    const char *text; /* scalar: zero terminated; may contain zeros */
    size_t len_bytes;
    size_t count; /* of items or pairs */
    const struct ttb__yaml *const *items;
    const struct ttb__yaml_pair *pairs; /* keys are unique */
};

struct ttb__yaml_pair {
    const char *key; /* zero terminated, without other zeros */
    struct ttb__position position;
    const struct ttb__yaml *value;
};

/**
 * Parse a text.
 * @param source  index for positions; see struct ttb__problems
 * @return 0 and *root, in the arena; -EINVAL: a problem was reported; -ENOMEM
 */
int ttb__yaml_parse(struct ttb__arena *arena, const char *text, size_t len_bytes, unsigned source,
                    struct ttb__problems *problems, const struct ttb__yaml **root);

/* True for a missing node, an empty one, ~ and null. */
bool ttb__yaml_is_null(const struct ttb__yaml *node);

/* The pair of a mapping, NULL if there is none or the node is no mapping. */
const struct ttb__yaml_pair *ttb__yaml_find(const struct ttb__yaml *node, const char *key);

/* "a mapping", "a list", "nothing" or "text", for messages. */
const char *ttb__yaml_describe(const struct ttb__yaml *node);

/**
 * The tree with the value at a path replaced; mappings on the way are made, the rest is shared.
 * @param keys  count of them; one that starts with '[' is an index in a list, as in "[0]"; the index behind
 *              the last appends
 * @return the new root, or NULL: `error` says why (a list that is too short, a scalar on the way), or the
 *         arena has failed
 */
const struct ttb__yaml *ttb__yaml_set(struct ttb__arena *arena, const struct ttb__yaml *root,
                                      const char *const *keys, size_t count,
                                      const struct ttb__yaml *value, struct ttb__error *error);

#endif
