/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file rig.h
 * Networks of real nodes to measure.
 */
#ifndef TTB_BENCH_RIG_H
#define TTB_BENCH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#include "row.h"

#define RIG_NODES_MAX 1024

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

enum topology {
    ALONE, /* no network */
    PAIRS, /* nodes 2i and 2i+1 by a link */
    STAR,  /* all on one switch */
};

struct setup {
    unsigned node_count;
    enum topology topology;
    struct ttb_net_params params; /* of every link */
    bool offload;                 /* of every port, and the next two: struct ttb_port_opts */
    uint64_t coalesce_ns;
    uint32_t coalesce_frames;
    uint32_t jobs;
    bool no_look_ahead, no_shared_notifications;
    /* The commands of node i, into `text`; NULL: "sleep 1000000". */
    void (*commands)(unsigned i, char *text, size_t size_bytes);
    const char *kernel_argument; /* NULL: none */
    uint64_t from_ns, until_ns;  /* what lies between counts; until_ns 0: until all is done */
};

struct outcome {
    double wall_s;      /* from from_ns on */
    double boot_s;      /* until from_ns */
    double processor_s; /* of this program and all nodes that have ended, all of the run */
    uint64_t grants, kicks, calls, frames, bytes;
    uint64_t shared; /* of kicks and calls: in shared memory */
    uint64_t simulated_ns;
    double pss_mib; /* of all nodes' processes at from_ns */
};

/* Run it; ends the program with a sentence if that is not possible, or a node's commands fail. */
void rig_run(const struct setup *setup, struct outcome *outcome);

#endif
