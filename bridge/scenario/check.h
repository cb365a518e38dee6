/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file check.h
 * Does a scenario make sense as a whole? What no field says by itself: references, addresses, times.
 */
#ifndef TTB_SCENARIO_CHECK_H
#define TTB_SCENARIO_CHECK_H

#include <ttbridge/scenario.h>

#include "scenario/names.h"
#include "scenario/problems.h"
#include "scenario/texts.h"
#include "scenario/units.h"

/**
 * Check a scenario that has been validated and completed; fields that are wrong or absent nevertheless
 * have been reported and are passed over.
 * @param directory  where relative host paths start; NULL: host files are not looked at
 * @return 0, problems being reported, or -ENOMEM
 */
int ttb__check(const Ttb__Scenario *scenario, const char *directory,
               struct ttb__problems *problems);

/* ------------------------------------------------------------ between the files of the checker */

enum ttb__owner {
    TTB__OWNER_NODE,
    TTB__OWNER_SWITCH,
    TTB__OWNER_ROUTER,
    TTB__OWNER_HOST,
};

/* Something that is on a link: an interface, or a port of a switch. */
struct ttb__end {
    enum ttb__owner owner;
    size_t owner_index; /* in its list */
    size_t vertex;      /* of all owners: nodes, switches, routers, hosts, in this order */
    const char *owner_name;
    size_t index;                              /* of the interface or the switch's link */
    const Ttb__Scenario__Interface *interface; /* NULL for a switch */
    size_t link;                               /* TTB__NO_NAME: there is no such link */
};

/* What the parts of the checker look things up in. */
struct ttb__model {
    const Ttb__Scenario *scenario;
    const char *directory;
    struct ttb__problems *problems;
    struct ttb__names links, owners, nodes; /* owners: vertices */
    struct ttb__end *ends;                  /* by owner */
    size_t end_count;
    size_t vertex_count;
    size_t *domain; /* by link: the lowest link that it shares broadcasts with */
};

/* The path to an end; valid as long as `room`. */
struct ttb__end_path {
    struct ttb__path steps[4];
};
const struct ttb__path *ttb__end_path(const struct ttb__end *end, struct ttb__end_path *room);

/* Find a name, or report that there is no such `what`. */
size_t ttb__model_find(const struct ttb__model *model, const struct ttb__names *names,
                       const char *name, const char *what, const struct ttb__path *path);

/* "node", "switch", "router", "host" and the key that they are under. */
const char *ttb__owner_word(enum ttb__owner owner);
const char *ttb__owner_key(enum ttb__owner owner);
enum ttb__owner ttb__vertex_owner(const Ttb__Scenario *scenario, size_t vertex);

/* Write a time as people do. */
const char *ttb__time_text(uint64_t time_ns, char text[TTB__QUANTITY_TEXT]);

int ttb__check_nodes(const struct ttb__model *model);
int ttb__check_network(struct ttb__model *model); /* sets model->domain */
int ttb__check_addresses(const struct ttb__model *model);
int ttb__check_events(const struct ttb__model *model);
int ttb__check_expectations(const struct ttb__model *model);

#endif
