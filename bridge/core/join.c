/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections to the calendar's sockets. Who somebody is, START tells (its id), or the socket it came
 * through; the order in which they connect means nothing.
 */
#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/socket.h"

static struct ttb_node *whose(struct ttb__joiner *joiner, uint64_t id)
{
    struct ttb_bridge *bridge = joiner->bridge;
    struct ttb_node *node = joiner->own;

    if (!node && id < bridge->node_count && bridge->nodes[id]->listener.fd < 0)
        node = bridge->nodes[id];
    if (!node) {
        ttb_bridge_log(bridge, TTB_LOG_WARNING,
                       "calendar: refused a participant: START id %" PRIu64
                       " is no node's (nodes on this socket: 0 to %" PRIu32 ")",
                       id, bridge->node_count ? bridge->node_count - 1 : 0);
        return NULL;
    }
    if (node->controller || (node->state != TTB_NODE_IDLE && node->state != TTB_NODE_STARTING)) {
        ttb_bridge_log(bridge, TTB_LOG_WARNING,
                       "calendar: refused a second participant for node %s (START id %" PRIu64
                       "): the node is %s",
                       node->name, id, ttb_node_state_name(node->state));
        return NULL;
    }
    return node;
}

static void joiner_over(struct ttb__joiner *joiner)
{
    joiner->over = true;
    joiner->bridge->sweep_due = true;
}

static void joiner_started(void *user, uint64_t id)
{
    struct ttb__joiner *joiner = user;
    struct ttb_node *node = joiner->over ? NULL : whose(joiner, id);

    if (node) {
        ttb__node_join(node, joiner->controller);
        joiner->controller = NULL;
    }
    joiner_over(joiner);
}

static void joiner_closed(void *user, int err, const char *why)
{
    struct ttb__joiner *joiner = user;

    if (err)
        ttb_bridge_log(joiner->bridge, TTB_LOG_WARNING, "calendar: a connection failed: %s", why);
    joiner_over(joiner);
}

/* The callbacks that can only come once the connection is a node's are the node's. */
static void accept_one(struct ttb_bridge *bridge, struct ttb_node *own, int fd)
{
    /* The controller belongs to the joiner until START, then to the node. It is made with the
     * operations of both: `started` and `closed` look at whose it is. */
    static const struct ttb__controller_ops ops = {
        .started = joiner_started,
        .closed = joiner_closed,
    };
    struct ttb__joiner *joiner = calloc(1, sizeof(*joiner));
    int rc;

    if (!joiner) {
        close(fd);
        return;
    }
    *joiner = (struct ttb__joiner){.bridge = bridge, .own = own};
    rc = ttb__controller_new(&bridge->loop, fd, own ? own->name : "new participant",
                             TTB__CONTROLLER_AUTO, &ops, joiner, &joiner->controller);
    if (rc) {
        ttb_bridge_log(bridge, TTB_LOG_WARNING, "calendar: cannot take a connection: %s",
                       strerror(-rc));
        free(joiner);
        return;
    }
    joiner->next = bridge->joiners;
    bridge->joiners = joiner;
}

static void accept_all(struct ttb_bridge *bridge, struct ttb_node *own, int listener)
{
    for (;;) {
        int fd = ttb__socket_accept(listener);

        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            ttb_bridge_log(bridge, TTB_LOG_WARNING, "calendar: cannot accept a connection: %s",
                           strerror(-fd));
            return;
        }
        accept_one(bridge, own, fd);
    }
}

void ttb__join_accept(void *user, uint32_t events)
{
    struct ttb_bridge *bridge = user;

    (void)events;
    accept_all(bridge, NULL, bridge->listener.fd);
}

void ttb__join_accept_own(void *user, uint32_t events)
{
    struct ttb_node *node = user;

    (void)events;
    accept_all(node->bridge, node, node->listener.fd);
}

void ttb__join_sweep(struct ttb_bridge *bridge, bool all)
{
    struct ttb__joiner **link = &bridge->joiners;

    while (*link) {
        struct ttb__joiner *joiner = *link;

        if (!joiner->over && !all) {
            link = &joiner->next;
            continue;
        }
        *link = joiner->next;
        ttb__controller_free(joiner->controller);
        free(joiner);
    }
}
