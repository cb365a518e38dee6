/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file model.h
 * Nodes that follow a small script, below the real bridge: this file's functions stand in for the layers
 * timetravel and vhost, and for sockets, and check what the bridge asks of them. Whenever the bridge waits,
 * somebody else decides which of those that could answer does.
 */
#ifndef TTB_TESTS_CORE_MODEL_H
#define TTB_TESTS_CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>

#define MODEL_NODES_MAX  3
#define MODEL_EVENTS_MAX 64

/* What a node sends says who began it and how often it may still be answered. */
struct model_frame {
    uint8_t header[14];
    uint8_t origin, sender, ttl;
};

struct model_script {
    uint32_t timers;     /* bit t: sends a frame at t ns */
    uint8_t ttl;         /* of those */
    uint8_t think_ns;    /* between a frame and the answer to it */
    uint8_t coalesce_ns; /* frames are held back for so long, or until there are two */
    bool late; /* an interrupt is served 1 ns after it came, as if something else were first */
    bool by_messages; /* a lowered bound holds only when the node has said so */
    bool shares;      /* calls and kicks are in shared memory, if the bridge wants that */
    bool mixes;       /* with that: every other kick is a message nevertheless */
};

/* A kick that is written down. */
struct model_kick {
    uint64_t time_ns;
    struct model_frame frame;
};

struct model_event {
    uint64_t time_ns;
    uint8_t origin, ttl;
};

/* Of one node, and what the bridge knows as its controller and its device. */
struct ttb__controller;
struct ttb__netdev;

struct model_node {
    struct model *model;
    unsigned index;
    struct ttb_node *node;
    struct ttb_port *port;
    struct model_script script;
    struct model_event events[MODEL_EVENTS_MAX]; /* in the order of their times */
    unsigned event_count;
    struct model_frame ring[MODEL_EVENTS_MAX]; /* frames that it has not read */
    unsigned ring_count;
    unsigned held_count;                         /* of these, the last: it does not see them yet */
    struct model_frame unseen[MODEL_EVENTS_MAX]; /* that it has sent without a kick */
    unsigned unseen_count;
    bool quiet;                              /* it does not kick */
    bool offered;                            /* shared memory for calls and kicks */
    bool may_log, rearms, is_called;         /* in it */
    uint64_t horizon_ns, read_ns;            /* of its kicks; when it looks into its ring */
    struct model_kick log[MODEL_EVENTS_MAX]; /* kicks that nobody has looked at */
    unsigned log_count, kick_count;
    struct ttb__controller *controller;
    struct ttb__netdev *netdev;
    enum model_does {
        MODEL_NOTHING,  /* not switched on, or waits */
        MODEL_CONNECTS, /* was switched on */
        MODEL_RUNS,
        MODEL_OBEYS,   /* has to say that a lowered bound holds */
        MODEL_ANSWERS, /* an interrupt */
    } does;
    uint64_t now_ns, bound_ns, request_ns;
    ttb_watch_fn accept; /* of the port's listener */
    void *accept_user;
    bool connecting;
    char *said; /* what it saw: compared between runs */
    size_t said_bytes;
};

struct model {
    struct model_node nodes[MODEL_NODES_MAX];
    unsigned node_count;
    struct ttb_loop loop;
    /* Which of `count` agents answers next. */
    unsigned (*choose)(void *user, unsigned count);
    void *choose_user;
    uint32_t listeners; /* made so far */
};

/* The scripts are set; the rest is zero. */
void model_begin(struct model *model, unsigned node_count);
void model_end(struct model *model);
/* Add the nodes and their ports to a bridge that was made with model->loop. */
void model_add_nodes(struct model *model, struct ttb_bridge *bridge);
/* Earliest time at which the node has something to do by itself. */
uint64_t model_next_ns(const struct model_node *node);
/* All that decides what can happen next. */
uint64_t model_hash(const struct model *model, uint64_t seed);
/* What to say when the bridge has broken a rule; does not return. */
_Noreturn void model_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
