/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file traced.h
 * What the trace knows of the network besides the nodes' ports.
 */
#ifndef TTB_RUN_TRACED_H
#define TTB_RUN_TRACED_H

#include <ttbridge/bridge.h>
#include <ttbridge/scenario.h>
#include <ttbridge/trace.h>

/* Declare the scenario's links, the ports on them and a place for each link, before the first record.
 * @return 0 or a negative errno */
int ttb__traced_declare(struct ttb_trace_writer *writer, const Ttb__Scenario *scenario,
                        struct ttb_port *(*port)(void *user, size_t node, size_t interface),
                        void *user);

/* A frame went no further than this link, by its position in the scenario. writer: NULL: nothing.
 * packet: its id in the trace, 0: not known. */
void ttb__traced_lost(struct ttb_trace_writer *writer, size_t link, uint64_t time_ns,
                      const char *reason, uint64_t packet, const void *frame, size_t len_bytes);

#endif
