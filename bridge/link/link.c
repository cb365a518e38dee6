/* SPDX-License-Identifier: BSD-3-Clause */
/* Links: two lanes, their parameters, up and down. */
#include "link/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static int check_params(struct ttb_net *net, const struct ttb_net_params *params)
{
    if (!params || params->size < sizeof(*params))
        return ttb__net_fail(net, -EINVAL, "link parameters: size is not set");
    if (params->rate_bps > TTB__NET_RATE_MAX_BPS) {
        return ttb__net_fail(net, -EINVAL, "link parameters: rate_bps %" PRIu64 " exceeds %" PRIu64,
                             params->rate_bps, TTB__NET_RATE_MAX_BPS);
    }
    if (params->delay_ns > TTB_NET_DELAY_MAX_NS) {
        return ttb__net_fail(net, -EINVAL, "link parameters: delay_ns %" PRIu64 " exceeds %" PRIu64,
                             params->delay_ns, TTB_NET_DELAY_MAX_NS);
    }
    if (params->framing != TTB_NET_FRAMING_ETHERNET && params->framing != TTB_NET_FRAMING_NONE) {
        return ttb__net_fail(net, -EINVAL, "link parameters: framing %d is unknown",
                             (int)params->framing);
    }
    if (!isfinite(params->loss) || params->loss < 0 || params->loss > 1) {
        return ttb__net_fail(net, -EINVAL, "link parameters: loss %g is not between 0 and 1",
                             params->loss);
    }
    return 0;
}

static int check_ends(struct ttb_net *net, const struct ttb_net_end *a, const struct ttb_net_end *b)
{
    if (!a || !b || a == b || a->net != net || b->net != net)
        return ttb__net_fail(net, -EINVAL,
                             "connect: two different ends of this network are needed");
    if (a->lane || b->lane) {
        return ttb__net_fail(net, -EBUSY, "connect: %s has a link already",
                             a->lane ? a->name : b->name);
    }
    return 0;
}

int ttb_net_connect(struct ttb_net *net, struct ttb_net_end *a, struct ttb_net_end *b,
                    const struct ttb_net_params *to_b, const struct ttb_net_params *to_a,
                    struct ttb_net_link **link)
{
    struct ttb_net_link *made;
    int rc = check_ends(net, a, b);

    if (!to_a)
        to_a = to_b;
    if (!rc)
        rc = check_params(net, to_b);
    if (!rc)
        rc = check_params(net, to_a);
    if (rc)
        return rc;
    made = calloc(1, sizeof(*made));
    if (!made)
        return ttb__net_fail(net, -ENOMEM, "no memory for a link");
    made->net = net;
    made->up = true;
    rc = ttb__lane_init(&made->lanes[0], made, a, b, to_b);
    if (!rc) {
        rc = ttb__lane_init(&made->lanes[1], made, b, a, to_a);
        if (rc)
            ttb__lane_clear(&made->lanes[0]);
    }
    if (rc) {
        free(made);
        return ttb__net_fail(net, rc, "no memory for a link");
    }
    a->lane = &made->lanes[0];
    b->lane = &made->lanes[1];
    made->next = net->links;
    net->links = made;
    net->promises_stale = true;
    if (link)
        *link = made;
    return 0;
}

void ttb__link_free_all(struct ttb_net *net)
{
    while (net->links) {
        struct ttb_net_link *link = net->links;

        net->links = link->next;
        for (int i = 0; i < 2; i++) {
            link->lanes[i].from->lane = NULL;
            ttb__lane_clear(&link->lanes[i]);
        }
        free(link);
    }
}

int ttb_net_link_set(struct ttb_net_link *link, const struct ttb_net_end *from,
                     const struct ttb_net_params *params)
{
    int rc = check_params(link->net, params);

    if (rc)
        return rc;
    if (from && from != link->lanes[0].from && from != link->lanes[1].from)
        return ttb__net_fail(link->net, -EINVAL, "%s is no end of this link", from->name);
    for (int i = 0; i < 2; i++) {
        if (!from || from == link->lanes[i].from)
            ttb__lane_set(&link->lanes[i], params);
    }
    return 0;
}

int ttb_net_link_get(const struct ttb_net_link *link, const struct ttb_net_end *from,
                     struct ttb_net_params *params)
{
    for (int i = 0; i < 2; i++) {
        if (from == link->lanes[i].from) {
            *params = link->lanes[i].params;
            return 0;
        }
    }
    return -EINVAL;
}

int ttb_net_link_set_up(struct ttb_net_link *link, bool up)
{
    int rc = 0;

    if (link->up == up)
        return 0;
    link->up = up;
    for (int i = 0; i < 2; i++) {
        struct ttb_net_end *end = link->lanes[i].from;
        int port_rc = end->port ? ttb_port_set_carrier(end->port, up) : 0;

        if (!up)
            ttb__lane_cut(&link->lanes[i]);
        if (port_rc && !rc) {
            rc = ttb__net_fail(link->net, port_rc, "%s: the carrier cannot be set: %s", end->name,
                               ttb_bridge_error(link->net->bridge));
        }
    }
    return rc;
}

bool ttb_net_link_is_up(const struct ttb_net_link *link)
{
    return link->up;
}

struct ttb_net_link *ttb_net_end_link(const struct ttb_net_end *end)
{
    return end->lane ? end->lane->link : NULL;
}
