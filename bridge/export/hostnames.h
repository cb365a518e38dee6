/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file hostnames.h
 * Which address is whose: as the scenario says or, without one, as nodes say in ARP and neighbour
 * discovery.
 */
#ifndef TTB_EXPORT_HOSTNAMES_H
#define TTB_EXPORT_HOSTNAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <ttbridge/trace.h>

struct ttb__hostname {
    bool v6;
    uint8_t address[16];
    const char *name; /* valid during the call only */
};

typedef void (*ttb__hostname_fn)(void *user, const struct ttb__hostname *name);

/* Calls fn for each address in a serialised scenario. @return their number; 0 too if it cannot be
 * read */
unsigned ttb__hostnames_of_scenario(const struct ttb_trace_bytes *scenario, ttb__hostname_fn fn,
                                    void *user);

struct ttb__hostnames;

int ttb__hostnames_new(struct ttb__hostnames **names);
void ttb__hostnames_free(struct ttb__hostnames *names);

/* Calls fn if a frame that a port has sent names an address of its node that is new. @return 0;
 * -ENOMEM */
int ttb__hostnames_learn(struct ttb__hostnames *names, const struct ttb_trace_tables *tables,
                         const struct ttb_trace_place *place, const struct ttb_trace_frame *frame,
                         ttb__hostname_fn fn, void *user);

#endif
