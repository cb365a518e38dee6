/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file rig.h
 * A controller and a fake UML on one loop, in one thread, with a record of the callbacks.
 *
 * The same test bodies run in every flavour of the protocol: see rig_run().
 */
#ifndef TTB_TESTS_RIG_H
#define TTB_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ttbridge/loop.h>

#include "fake_uml.h"
#include "timetravel/controller.h"

enum flavour {
    FLAVOUR_SHARED,   /* 6.12 takes the segment */
    FLAVOUR_NOTIFY,   /* 6.12 with our patches: the notification area as well, and it is watched */
    FLAVOUR_MESSAGES, /* 6.12, but the controller opts out */
    FLAVOUR_OLD,      /* 6.1: offered the segment, does not know what it is */
    FLAVOUR_COUNT
};

struct rig {
    enum flavour flavour;
    struct ttb_loop loop;
    struct ttb__controller *controller;
    struct fake_uml uml;
    struct ttb_watch *vhost_watch;
    int vhost_fd; /* the device's end */

    /* What the callbacks were told. */
    unsigned started, waiting, requests, acknowledged, broadcasts, closed, replies;
    uint64_t id, broadcast;
    int closed_err;
    char closed_why[512];

    /* What the callbacks answer. */
    uint64_t now_ns, time_of_day_ns;
    /* START is acknowledged from within its callback, with origin 0. */
    bool start_at_once;
    /* If set, WAIT is answered from within its callback: RUN at the request, until request + this. */
    uint64_t grant_ns;
    /* If set, it is let run at this time, until a bound of 1000 ns later, when all is acknowledged. */
    uint64_t run_when_acknowledged_ns;

    /* On a kick: lower the bound to this (0: leave it), and reply when it holds. */
    uint64_t limit_ns;
    int limit_rc;
    unsigned kicks;
    uint64_t kick_time_ns;
    bool owes_reply;
    unsigned acknowledged_at_reply;

    /* Kicks from the log: how many, and the last ones. After each, the bound is lowered to logged_limit_ns
     * if that is set. */
    unsigned logged;
    struct {
        unsigned slot;
        uint64_t time_ns;
        uint16_t avail_idx;
    } log[8];
    uint64_t logged_limit_ns;
};

/* Make loop, connection and controller; the client has not sent anything. */
void rig_open(struct rig *rig, enum flavour flavour, enum ttb__controller_mode mode);
void rig_close(struct rig *rig);
/* START, ACK with this origin, and the rest of START. */
void rig_boot(struct rig *rig, uint64_t id, uint64_t origin_ns);
/* rig_open() in the flavour's mode, and rig_boot(). */
void rig_open_booted(struct rig *rig, enum flavour flavour, uint64_t origin_ns);

/* Turn the loop until nothing is ready. */
void rig_turn(struct rig *rig);
bool rig_is_shared(const struct rig *rig);

/* The client asks for `local` and waits; the controller has seen it when this returns. */
void rig_wait_for(struct rig *rig, uint64_t local);
/* Grant, and let the client take it. */
void rig_run(struct rig *rig, uint64_t time_ns, uint64_t free_until_ns);
/* As core/ does before a call: set the time; then the client takes it and replies. */
void rig_call(struct rig *rig, uint64_t now_ns);

/* The client is in good health and the connection open. */
void rig_assert_well(const struct rig *rig);

/* A body that runs in every flavour: reads the flavour through rig_flavour(state). */
struct rig_test {
    const char *name;
    void (*body)(struct rig *rig);
    uint64_t origin_ns; /* of the client's time 0 */
};

/* Run the bodies in every flavour, with a booted rig each. @return number of failures */
int rig_run_tests(const char *group, const struct rig_test *tests, size_t count);

#endif
