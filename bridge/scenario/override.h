/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file override.h
 * KEY=VALUE of the command line.
 */
#ifndef TTB_SCENARIO_OVERRIDE_H
#define TTB_SCENARIO_OVERRIDE_H

#include "scenario/yaml.h"

/**
 * Apply one override to a tree. KEY is a path as in messages: names and [INDEX], names with dots in double
 * quotes. VALUE is YAML.
 * @param source  index of this override's name in problems->sources
 * @return the new tree; the old one if a problem was reported; NULL: the arena has failed
 */
const struct ttb__yaml *ttb__override(struct ttb__arena *arena, const struct ttb__yaml *root,
                                      const char *text, unsigned source,
                                      struct ttb__problems *problems);

#endif
