/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file validate.h
 * Is every field of a message what the schema says, each by itself?
 */
#ifndef TTB_SCENARIO_VALIDATE_H
#define TTB_SCENARIO_VALIDATE_H

#include <ttbridge/scenario.h>

#include "scenario/problems.h"

/* For messages from anywhere: files, programs, traces. Problems are reported. */
void ttb__validate(const Ttb__Scenario *scenario, struct ttb__problems *problems);

#endif
