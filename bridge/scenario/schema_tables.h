/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file schema_tables.h
 * The parts of the table, for each other. Everybody else begins at ttb__scenario_object.
 */
#ifndef TTB_SCENARIO_SCHEMA_TABLES_H
#define TTB_SCENARIO_SCHEMA_TABLES_H

#include <ttbridge/scenario.h>

#include "scenario/schema.h"
#include "scenario/texts.h"

/* Bounds that several keys share. */
#define TTB__TIME_MAX            UINT64_C(1000000000000000000) /* 10^18 ns; ns-3's clock has 63 bits */
#define TTB__RATE_MAX            UINT64_C(1000000000000000) /* 10^15 bit/s: a bit takes a femtosecond */
#define TTB__LENGTH_MAX          UINT64_C(1000000000000) /* a million km */
#define TTB__MTU_MIN             68                      /* RFC 791 */
#define TTB__MTU_MAX             65521 /* TTB_FRAME_MAX less the Ethernet header */
#define TTB__QUEUE_MAX           1000000
#define TTB__COALESCE_MAX        UINT64_C(1000000000) /* struct ttb_port_opts */
#define TTB__COALESCE_FRAMES_MAX 1000
#define TTB__MIB                 (UINT64_C(1) << 20)

extern const struct ttb__object ttb__defaults_object;
extern const struct ttb__object ttb__ns3_object;
extern const struct ttb__object ttb__link_object;
extern const struct ttb__object ttb__type_object; /* Object: an ns-3 type with attributes */
extern const struct ttb__object ttb__place_object;
extern const struct ttb__object ttb__interface_object;
extern const struct ttb__object ttb__route_object;
extern const struct ttb__object ttb__command_object;
extern const struct ttb__object ttb__disk_object;
extern const struct ttb__object ttb__node_object;
extern const struct ttb__object ttb__switch_object;
extern const struct ttb__object ttb__router_object;
extern const struct ttb__object ttb__host_object;
extern const struct ttb__object ttb__event_object;
extern const struct ttb__object ttb__expectation_object;

extern const struct ttb__word ttb__clock_words[];

#endif
