/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file problems.h
 * What is wrong with a scenario, where, collected and sorted.
 */
#ifndef TTB_SCENARIO_PROBLEMS_H
#define TTB_SCENARIO_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include <ttbridge/scenario.h>

#include "base/error.h"

struct ttb__yaml;

struct ttb__position {
    unsigned source;       /* 0: the file; n: the nth override */
    unsigned line, column; /* from 1; 0: none */
};

/* A field, by the way to it from the root: linked upwards, so that it costs nothing while nothing is
 * wrong. NULL is the root. */
struct ttb__path {
    const struct ttb__path *up;
    const char *name; /* NULL: an element of a list */
    size_t index;
};

#define TTB__FIELD(path, field) (&(const struct ttb__path){.up = (path), .name = (field)})
#define TTB__ELEMENT(path, at)  (&(const struct ttb__path){.up = (path), .index = (at)})

/* Flags of a problem. */
enum {
    TTB__WARNING = 1,
    TTB__AT_KEY = 2, /* it is about the name of the field, not about its value */
};

struct ttb__problem_item;

/* Zero-initialised it is empty. */
struct ttb__problems {
    const struct ttb__yaml *root; /* where positions are looked up; NULL: there are none */
    const char *const *sources;   /* names of sources, for positions */
    struct ttb__problem_item *items;
    size_t count, capacity;
    size_t errors;
    size_t left_out; /* beyond what is kept */
    bool no_memory;
};

/* Report a problem of the field at `path`. */
void ttb__problem(struct ttb__problems *problems, const struct ttb__path *path, unsigned flags,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Report that the object at `path` lacks something, unless it has an unknown key: that may be it. */
void ttb__problem_missing(struct ttb__problems *problems, const struct ttb__path *path,
                          const char *text);

/* Report a problem of a place in the text. */
void ttb__problem_at(struct ttb__problems *problems, struct ttb__position position,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));

/* True if the text has something at `path`, lawful or not. */
bool ttb__problems_has_text(const struct ttb__problems *problems, const struct ttb__path *path);

/* Hand everything to opts->problem in the order of the text and forget it. Warnings are kept back when
 * there are errors: they may be due to them.
 * @return 0; -EINVAL if there were errors; -ENOMEM if some could not be kept */
int ttb__problems_flush(struct ttb__problems *problems, const struct ttb_scenario_opts *opts);

/* Forget everything. */
void ttb__problems_clear(struct ttb__problems *problems);

#endif
