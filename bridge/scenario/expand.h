/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file expand.h
 * Many of a kind: a name such as "worker{1..20}" under links, nodes, switches, routers or hosts stands
 * for worker1 to worker20. In what is below it, {n} is the number; {n+100}, {n*10}, {n-1}, {n*10+5} are
 * computed from left to right; {n:02} has two digits at least. All else in braces is left as it is.
 */
#ifndef TTB_SCENARIO_EXPAND_H
#define TTB_SCENARIO_EXPAND_H

#include "scenario/yaml.h"

/* Most that one name stands for. */
#define TTB__EXPAND_MAX 1000

/* @return the tree with all such names expanded (the same tree if there are none); problems are
 *         reported. NULL: the arena has failed */
const struct ttb__yaml *ttb__expand(struct ttb__arena *arena, const struct ttb__yaml *root,
                                    struct ttb__problems *problems);

#endif
