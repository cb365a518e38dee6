/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file complete.h
 * Defaults.
 */
#ifndef TTB_SCENARIO_COMPLETE_H
#define TTB_SCENARIO_COMPLETE_H

#include <ttbridge/scenario.h>

/* Fill in everything that is absent and has a default. What is there is not looked at: it may be wrong.
 * @param name  default of the scenario's name
 * @return 0 or -ENOMEM */
int ttb__complete(Ttb__Scenario *scenario, const char *name);

#endif
