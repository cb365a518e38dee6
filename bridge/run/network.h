/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file network.h
 * What carries the frames of a run: the built-in network, or ns-3. One interface for both.
 */
#ifndef TTB_RUN_NETWORK_H
#define TTB_RUN_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include <ttbridge/bridge.h>
#include <ttbridge/scenario.h>
#include <ttbridge/trace.h>

struct ttb__network;

#define TTB__NETWORK_ERROR_MAX 512

/* What a network is made of. */
struct ttb__network_plan {
    const Ttb__Scenario *scenario;
    struct ttb_bridge *bridge;
    const char *directory;           /* for pcap files */
    struct ttb_trace_writer *writer; /* what happens inside is recorded here; NULL: not */
    bool record_devices;             /* frames at devices inside it as well, not only lost ones */
    /* The port of a Linux node's interface, by their positions in the scenario. */
    struct ttb_port *(*port)(void *user, size_t node, size_t interface);
    void *user;
};

/* Frames on a link since the run began. */
struct ttb__link_counters {
    uint64_t sent, received;
    uint64_t lost, queue_full, down, other; /* dropped, by reason */
};

struct ttb__network_ops {
    const char *name;
    const char *(*ns3_version)(void); /* NULL: it is not ns-3 */
    /* Whether it can carry this scenario. @return 0; -EOPNOTSUPP and a sentence */
    int (*check)(const Ttb__Scenario *scenario, char *error, size_t error_size);
    /* @return 0 and *network, to be freed with free() below even if this fails; or a negative errno,
     * and error(*network) tells */
    int (*build)(const struct ttb__network_plan *plan, struct ttb__network **network);
    /* Run until until_ns, or until stop(). @return 0 or a negative errno */
    int (*run)(struct ttb__network *network, uint64_t until_ns);
    /* From callbacks made within run(): make it return. */
    void (*stop)(struct ttb__network *network);
    uint64_t (*now_ns)(const struct ttb__network *network);
    /* Between two run(): change a link, by its position in the scenario. */
    int (*change_link)(struct ttb__network *network, size_t link,
                       const Ttb__Scenario__Change *change);
    /* Cut an interface of a Linux node off, or put it back. */
    int (*set_interface)(struct ttb__network *network, size_t node, size_t interface, bool up);
    void (*count_link)(struct ttb__network *network, size_t link,
                       struct ttb__link_counters *counters);
    /* Frames that were sent on a link, and neither received nor dropped yet. NULL: it cannot tell */
    uint64_t (*under_way)(struct ttb__network *network, size_t link);
    /* Write and close files. `whole`: the run has come to its end; if it was stopped on the way, its trace
     * is the beginning of a whole run's, and what is not known yet is not in it.
     * @return 0 or a negative errno */
    int (*finish)(struct ttb__network *network, bool whole);
    const char *(*error)(const struct ttb__network *network);
    void (*free)(struct ttb__network *network);
};

extern const struct ttb__network_ops ttb__network_built_in;
/* Only in builds with ns-3. */
extern const struct ttb__network_ops ttb__network_ns3;

#endif
