/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine ns-3 (ttbridge/ns3.h): every Linux node, switch, router and host is an ns-3 node, every
 * interface a device on the channel of its link. Objects are made in the scenario's order.
 */
#include "run/network_ns3.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ttb__ns3_fail(struct ttb__network *network, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(network->error, sizeof(network->error), format, args);
    va_end(args);
    return code;
}

int ttb__ns3_fail_at(struct ttb__network *network, int code, const char *where, const char *name)
{
    return ttb__ns3_fail(network, code, "%s.%s: %.400s", where, name, ttb_ns3_error(network->ns3));
}

static const Ttb__Scenario__Link *find_given(const Ttb__Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->n_links; i++) {
        if (strcmp(scenario->links[i]->name, name) == 0)
            return scenario->links[i];
    }
    return NULL;
}

static const Ttb__Scenario__Link *link_of(const Ttb__Scenario *scenario, const char *node,
                                          const char *interface)
{
    for (size_t i = 0; i < scenario->n_nodes; i++) {
        const Ttb__Scenario__Node *given = scenario->nodes[i];

        for (size_t j = 0; j < given->n_interfaces && strcmp(given->name, node) == 0; j++) {
            if (strcmp(given->interfaces[j]->name, interface) == 0)
                return find_given(scenario, given->interfaces[j]->link);
        }
    }
    return NULL;
}

/* Whether ns-3 knows the types and attributes shows when they are made: before anything is started. */
static int check(const Ttb__Scenario *scenario, char *error, size_t error_size)
{
    for (size_t i = 0; i < scenario->n_events; i++) {
        const Ttb__Scenario__Event *event = scenario->events[i];
        const Ttb__Scenario__Link *link =
            event->interface ? link_of(scenario, event->node, event->interface) : NULL;

        if (link && link->type == TTB__SCENARIO__LINK__TYPE__WIFI) {
            snprintf(error, error_size,
                     "events[%zu].interface: %s is on radio (link %s) and has no plug: let it move "
                     "out of range, or set the link's loss",
                     i, event->interface, link->name);
            return -EOPNOTSUPP;
        }
    }
    return 0;
}

/* --------------------------------------------------------------------------------------- build */

static int apply_settings(struct ttb__network *network, const Ttb__Scenario__Ns3Settings *given)
{
    int rc = 0;

    for (size_t i = 0; given && i < given->n_modules && !rc; i++)
        rc = ttb_ns3_load_module(network->ns3, given->modules[i]);
    for (size_t i = 0; given && i < given->n_globals && !rc; i++)
        rc = ttb_ns3_set_global(network->ns3, given->globals[i]->name, given->globals[i]->value);
    for (size_t i = 0; given && i < given->n_defaults && !rc; i++)
        rc = ttb_ns3_set_default(network->ns3, given->defaults[i]->name, given->defaults[i]->value);
    return rc ? ttb__ns3_fail(network, rc, "ns3: %.400s", ttb_ns3_error(network->ns3)) : 0;
}

static size_t ends_of(const Ttb__Scenario *scenario)
{
    size_t count = 0;

    for (size_t i = 0; i < scenario->n_nodes; i++)
        count += scenario->nodes[i]->n_interfaces;
    for (size_t i = 0; i < scenario->n_switches; i++)
        count += scenario->switches[i]->n_links;
    for (size_t i = 0; i < scenario->n_routers; i++)
        count += scenario->routers[i]->n_interfaces;
    for (size_t i = 0; i < scenario->n_hosts; i++)
        count += scenario->hosts[i]->n_interfaces;
    return count;
}

static int add_everybody(struct ttb__network *network)
{
    const Ttb__Scenario *scenario = network->scenario;
    int rc = 0;

    for (size_t i = 0; i < scenario->n_nodes && !rc; i++)
        rc = ttb__ns3_add_linux_node(network, i);
    for (size_t i = 0; i < scenario->n_switches && !rc; i++)
        rc = ttb__ns3_add_switch(network, scenario->switches[i]);
    for (size_t i = 0; i < scenario->n_routers && !rc; i++)
        rc = ttb__ns3_add_host(network, scenario->routers[i], "routers", true);
    for (size_t i = 0; i < scenario->n_hosts && !rc; i++)
        rc = ttb__ns3_add_host(network, scenario->hosts[i], "hosts", false);
    return rc;
}

static int finish_ends(struct ttb__network *network)
{
    const Ttb__Scenario *scenario = network->scenario;
    int rc = 0;

    for (size_t i = 0; i < scenario->n_links && !rc; i++)
        rc = ttb__ns3_finish_link(network, &network->links[i]);
    if (!rc && network->any_global_routing && ttb_ns3_compute_global_routes(network->ns3))
        rc = ttb__ns3_fail(network, -EIO, "routers: %.400s", ttb_ns3_error(network->ns3));
    return rc;
}

/* What ns-3 refuses while the network is built is the scenario's mistake; the rest is the host's. */
static int tell_apart(int rc)
{
    switch (rc) {
    case -ENOENT:
    case -EPERM:
    case -EEXIST:
    case -ENETUNREACH:
    case -ENODEV:
    case -ENOTCONN:
    case -EIO:
        return -EINVAL;
    default:
        return rc;
    }
}

static int build(const struct ttb__network_plan *plan, struct ttb__network **made)
{
    /* The run number is what ns-3 means to be changed from run to run, the seed being its own. */
    const struct ttb_ns3_opts opts = {
        .size = sizeof(opts), .bridge = plan->bridge, .seed = 1, .run = plan->scenario->seed};
    struct ttb__network *network = calloc(1, sizeof(*network));
    size_t end_count = ends_of(plan->scenario);
    int rc;

    *made = network;
    if (!network)
        return -ENOMEM;
    network->scenario = plan->scenario;
    network->plan = plan;
    network->writer = plan->writer;
    network->queues.writer = plan->record_devices ? plan->writer : NULL;
    network->links = calloc(plan->scenario->n_links + 1, sizeof(*network->links));
    network->ends = calloc(plan->scenario->n_nodes + 1, sizeof(struct ttb__ns3_end *));
    if (!network->links || !network->ends)
        return ttb__ns3_fail(network, -ENOMEM, "out of memory");
    rc = ttb_ns3_new(&opts, &network->ns3);
    if (rc)
        return ttb__ns3_fail(network, rc, "%.400s", ttb_ns3_error(NULL));
    rc = apply_settings(network, plan->scenario->ns3);
    for (size_t i = 0; i < plan->scenario->n_links && !rc; i++) {
        network->links[i].network = network;
        network->links[i].given = plan->scenario->links[i];
        network->links[i].devices = calloc(end_count + 1, sizeof(struct ttb__ns3_device));
        if (!network->links[i].devices)
            return ttb__ns3_fail(network, -ENOMEM, "out of memory");
        rc = ttb__ns3_create_channel(network, &network->links[i]);
    }
    if (!rc)
        rc = add_everybody(network);
    if (!rc)
        rc = finish_ends(network);
    network->plan = NULL; /* the caller's, and gone from now on */
    return tell_apart(rc);
}

/* ------------------------------------------------------------------------------------------ run */

static int run(struct ttb__network *network, uint64_t until_ns)
{
    int rc = ttb_ns3_run(network->ns3, until_ns);

    return rc ? ttb__ns3_fail(network, rc, "%.400s", ttb_ns3_error(network->ns3)) : 0;
}

static void stop(struct ttb__network *network)
{
    ttb_ns3_stop(network->ns3);
}

static uint64_t now_ns(const struct ttb__network *network)
{
    return ttb_ns3_now_ns(network->ns3);
}

static int change_device(struct ttb__network *network, const struct ttb__ns3_link *link,
                         struct ttb_ns3_object *device, const Ttb__Scenario__Change *change)
{
    struct ttb_ns3_link_params params = {.size = sizeof(params),
                                         .rate_bps = change->rate_bps,
                                         .delay_ns = change->delay_ns,
                                         .loss_ppb = change->loss_ppb,
                                         .queue_frames = change->queue_frames};
    int rc;

    params.fields = (change->has_rate_bps ? TTB_NS3_LINK_RATE : 0) |
                    (change->has_delay_ns ? TTB_NS3_LINK_DELAY : 0) |
                    (change->has_loss_ppb ? TTB_NS3_LINK_LOSS : 0) |
                    (change->has_queue_frames ? TTB_NS3_LINK_QUEUE : 0);
    if (!params.fields)
        return 0;
    rc = ttb_ns3_link_set(device, &params);
    return rc ? ttb__ns3_fail_at(network, rc, "links", link->given->name) : 0;
}

static bool is_unplugged(const struct ttb__network *network, const struct ttb__ns3_link *link)
{
    const Ttb__Scenario *scenario = network->scenario;

    for (size_t i = 0; i < scenario->n_nodes; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_interfaces; j++) {
            if (network->ends[i][j].link == link && network->ends[i][j].is_unplugged)
                return true;
        }
    }
    return false;
}

/* Frames on it and carriers, for links that ns-3 can cut. */
static int cut_wire(struct ttb__network *network, struct ttb__ns3_link *link, bool up)
{
    int rc = link->device_count ? ttb_ns3_link_set_up(link->devices[0].object, up) : 0;

    return rc ? ttb__ns3_fail_at(network, rc, "links", link->given->name) : 0;
}

/* Others cannot be cut: nobody hears anybody then. */
static int cut_reception(struct ttb__network *network, struct ttb__ns3_link *link, bool up)
{
    const struct ttb_ns3_link_params params = {.size = sizeof(params),
                                               .fields = TTB_NS3_LINK_LOSS,
                                               .loss_ppb = up ? link->loss_ppb : TTB_SCENARIO_PPB};
    int rc = 0;

    for (size_t i = 0; i < link->device_count && !rc; i++)
        rc = ttb_ns3_link_set(link->devices[i].object, &params);
    return rc ? ttb__ns3_fail_at(network, rc, "links", link->given->name) : 0;
}

/* Of a link with many ends, one that is unplugged has no carrier whatever the link does. Those of radio
 * are the radio's own business. */
static int set_carriers(struct ttb__network *network, const struct ttb__ns3_link *link)
{
    const Ttb__Scenario *scenario = network->scenario;
    int rc = 0;

    for (size_t i = 0; i < scenario->n_nodes; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_interfaces && !rc; j++) {
            const struct ttb__ns3_end *end = &network->ends[i][j];

            if (end->link == link)
                rc = ttb_port_set_carrier(end->port, !link->is_down && !end->is_unplugged);
        }
    }
    return rc ? ttb__ns3_fail(network, rc, "links.%s: its carrier cannot be changed now",
                              link->given->name)
              : 0;
}

/* Let a link be up or down, as events and plugs want it. */
static int settle(struct ttb__network *network, struct ttb__ns3_link *link)
{
    int rc;

    switch (link->given->type) {
    case TTB__SCENARIO__LINK__TYPE__ETHERNET:
        return cut_wire(network, link, !link->is_down && !is_unplugged(network, link));
    case TTB__SCENARIO__LINK__TYPE__WIFI:
        return cut_reception(network, link, !link->is_down);
    case TTB__SCENARIO__LINK__TYPE__CSMA:
        rc = cut_wire(network, link, !link->is_down);
        break;
    default:
        rc = cut_reception(network, link, !link->is_down);
        break;
    }
    return rc ? rc : set_carriers(network, link);
}

static int change_link(struct ttb__network *network, size_t number,
                       const Ttb__Scenario__Change *change)
{
    struct ttb__ns3_link *link = &network->links[number];
    int rc = 0;

    if (link->channel && link->given->type != TTB__SCENARIO__LINK__TYPE__WIFI)
        rc = change_device(network, link, link->channel, change);
    else
        for (size_t i = 0; i < link->device_count && !rc; i++)
            rc = change_device(network, link, link->devices[i].object, change);
    if (change->has_loss_ppb)
        link->loss_ppb = change->loss_ppb;
    if (change->has_up)
        link->is_down = !change->up;
    /* A link that is down stays so, whatever loss it is given. */
    return rc || (!change->has_up && !link->is_down) ? rc : settle(network, link);
}

/* A cable is cut wherever its plug is pulled. Of a link with many ends only the one is off: its node
 * has no carrier, and so neither sends nor gets anything. */
static int set_interface(struct ttb__network *network, size_t node, size_t interface, bool up)
{
    struct ttb__ns3_end *end = &network->ends[node][interface];

    end->is_unplugged = !up;
    return settle(network, end->link);
}

static void count_devices(const struct ttb__ns3_link *link, struct ttb__link_counters *counters)
{
    memset(counters, 0, sizeof(*counters));
    for (size_t i = 0; i < link->device_count; i++) {
        struct ttb_ns3_link_stats stats;

        if (ttb_ns3_link_get_stats(link->devices[i].object, &stats))
            continue; /* not this kind of link: 0 */
        counters->sent += stats.sent_frames;
        counters->received += stats.received_frames;
        counters->lost += stats.dropped_loss;
        counters->queue_full += stats.dropped_queue;
        counters->down += stats.dropped_down;
        counters->other += stats.dropped_other;
    }
}

static void count_link(struct ttb__network *network, size_t number,
                       struct ttb__link_counters *counters)
{
    const struct ttb__ns3_link *link = &network->links[number];

    if (network->is_over)
        *counters = link->counters;
    else
        count_devices(link, counters);
}

/* pcap files are ns-3's: only when it takes its network down it is known whether they are whole. */
static int finish(struct ttb__network *network, bool whole)
{
    int rc;

    for (size_t i = 0; i < network->scenario->n_links; i++)
        count_devices(&network->links[i], &network->links[i].counters);
    network->is_over = true;
    if (whole)
        ttb__queues_settle(&network->queues);
    network->writer = network->queues.writer = NULL;
    rc = ttb_ns3_destroy(network->ns3);
    return rc ? ttb__ns3_fail(network, rc, "%.400s", ttb_ns3_error(network->ns3)) : 0;
}

static const char *get_error(const struct ttb__network *network)
{
    return network->error;
}

static void free_network(struct ttb__network *network)
{
    network->writer = network->queues.writer = NULL; /* what is lost from now on is lost by us */
    ttb_ns3_free(network->ns3);
    for (size_t i = 0; network->links && i < network->scenario->n_links; i++)
        free(network->links[i].devices);
    for (size_t i = 0; network->ends && i < network->scenario->n_nodes; i++)
        free(network->ends[i]);
    free(network->links);
    free(network->ends);
    free(network->packets);
    free(network);
}

const struct ttb__network_ops ttb__network_ns3 = {
    .name = "ns3",
    .ns3_version = ttb_ns3_version,
    .check = check,
    .build = build,
    .run = run,
    .stop = stop,
    .now_ns = now_ns,
    .change_link = change_link,
    .set_interface = set_interface,
    .count_link = count_link,
    .finish = finish,
    .error = get_error,
    .free = free_network,
};
