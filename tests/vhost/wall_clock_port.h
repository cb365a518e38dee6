/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file wall_clock_port.h
 * A socket in a private directory, a device for whoever connects, and a responder behind it: what
 * the tests with real front ends have in common.
 */
#ifndef TTB_TESTS_VHOST_WALL_CLOCK_PORT_H
#define TTB_TESTS_VHOST_WALL_CLOCK_PORT_H

#include <stdbool.h>
#include <sys/types.h>

#include <ttbridge/loop.h>

#include "responder.h"
#include "vhost/netdev.h"

struct wall_clock_port {
    char directory[64], path[96], output[96];
    struct ttb_loop loop;
    struct ttb_watch *watch;
    int listener;
    bool in_band; /* set after port_open(): offer in-band notifications */
    struct ttb__netdev *netdev;
    struct responder responder;
    unsigned frames, dropped, links_up, links_down;
    int closed; /* times */
    int closed_err;
    char closed_why[512];
    pid_t child;
};

void port_open(struct wall_clock_port *port);
/* Start a program; its output goes to port->output. */
void port_launch(struct wall_clock_port *port, const char *const argv[]);
/* Serve until `done` says so, the program ends, or time is over. True if `done`. */
bool port_serve(struct wall_clock_port *port, bool (*done)(struct wall_clock_port *port),
                unsigned timeout_s);
/* End the program. *status as from wait(2). */
void port_end_child(struct wall_clock_port *port, int *status);
/* Show the program's output, for a test that fails. */
void port_show_output(struct wall_clock_port *port);
void port_close(struct wall_clock_port *port);

#endif
