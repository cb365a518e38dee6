/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file read.h
 * From the tree of a text to the message, as the schema says.
 */
#ifndef TTB_SCENARIO_READ_H
#define TTB_SCENARIO_READ_H

#include <ttbridge/scenario.h>

#include "scenario/problems.h"
#include "scenario/yaml.h"

/* Values, and bytes of texts, that may be put into one message. Aliases count as often as they are used:
 * this is what bounds what a small text can make. */
#define TTB__READ_VALUES_MAX 500000
#define TTB__READ_BYTES_MAX  (16 * 1024 * 1024)

/* @return *scenario (also when problems were reported: all that could be read), NULL: no memory */
Ttb__Scenario *ttb__read(const struct ttb__yaml *root, struct ttb__problems *problems);

#endif
