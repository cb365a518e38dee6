/* SPDX-License-Identifier: BSD-3-Clause */
/* Linux nodes, switches, routers and hosts, as ns-3 sees them. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "run/network_ns3.h"

static struct ttb_ns3_position position_of(const Ttb__Scenario__Position *position)
{
    if (!position)
        return (struct ttb_ns3_position){0};
    return (struct ttb_ns3_position){
        .x_mm = position->x_mm, .y_mm = position->y_mm, .z_mm = position->z_mm};
}

static int put_waypoints(struct ttb_ns3_object *node, const Ttb__Scenario__Place *place,
                         const struct ttb_ns3_position *start)
{
    struct ttb_ns3_waypoint *list = calloc(place->n_waypoints + 1, sizeof(*list));
    size_t count = 0;
    int rc;

    if (!list)
        return -ENOMEM;
    if (place->waypoints[0]->at_ns > 0)
        list[count++] = (struct ttb_ns3_waypoint){.position = *start};
    for (size_t i = 0; i < place->n_waypoints; i++)
        list[count++] =
            (struct ttb_ns3_waypoint){.at_ns = place->waypoints[i]->at_ns,
                                      .position = position_of(place->waypoints[i]->position)};
    rc = ttb_ns3_set_waypoints(node, list, count);
    free(list);
    return rc;
}

static int put_somewhere(struct ttb_ns3_object *node, const Ttb__Scenario__Place *place)
{
    struct ttb_ns3_position start;
    struct ttb_ns3_attribute *list;
    int rc;

    if (!place)
        return 0; /* 0, 0, 0 for those links that care */
    start = position_of(place->position);
    if (place->n_waypoints)
        return put_waypoints(node, place, &start);
    if (!place->model)
        return ttb_ns3_set_position(node, &start);
    list = ttb__ns3_attributes(NULL, place->model->attributes, place->model->n_attributes);
    rc = list ? ttb_ns3_set_mobility(node, place->model->type, list, &start, NULL) : -ENOMEM;
    free(list);
    return rc;
}

static int create_node(struct ttb__network *network, const char *where, const char *name,
                       const Ttb__Scenario__Place *place, struct ttb_ns3_object **node)
{
    int rc = ttb_ns3_create_node(network->ns3, node);

    if (!rc)
        rc = put_somewhere(*node, place);
    return rc ? ttb__ns3_fail_at(network, rc, where, name) : 0;
}

int ttb__ns3_add_linux_node(struct ttb__network *network, size_t number)
{
    const Ttb__Scenario__Node *given = network->scenario->nodes[number];
    struct ttb_ns3_object *node;
    int rc = create_node(network, "nodes", given->name, given->place, &node);

    network->ends[number] = calloc(given->n_interfaces + 1, sizeof(struct ttb__ns3_end));
    if (!network->ends[number])
        return ttb__ns3_fail(network, -ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < given->n_interfaces; i++) {
        const Ttb__Scenario__Interface *interface = given->interfaces[i];
        struct ttb__ns3_link *link = ttb__ns3_find_link(network, interface->link);
        struct ttb__ns3_end *end = &network->ends[number][i];

        rc = ttb__ns3_install(network, link, node, given->name, interface, 0, &end->device);
        if (rc)
            return rc;
        end->link = link;
        end->port = network->plan->port(network->plan->user, number, i);
        rc = ttb_ns3_attach_port(end->device, end->port, NULL);
        if (rc)
            ttb__ns3_fail_at(network, rc, "nodes", given->name);
        else
            rc = ttb__ns3_watch(network, link, given->name);
    }
    return rc;
}

int ttb__ns3_add_switch(struct ttb__network *network, const Ttb__Scenario__Switch *given)
{
    struct ttb_ns3_object **devices = calloc(given->n_links + 1, sizeof(struct ttb_ns3_object *));
    struct ttb_ns3_attribute *list =
        ttb__ns3_attributes(NULL, given->attributes, given->n_attributes);
    struct ttb_ns3_object *node;
    int rc = create_node(network, "switches", given->name, given->place, &node);

    for (size_t i = 0; !rc && devices && i < given->n_links; i++) {
        struct ttb__ns3_link *link = ttb__ns3_find_link(network, given->links[i]);

        rc = ttb__ns3_install(network, link, node, given->name, NULL, 0, &devices[i]);
        if (!rc)
            rc = ttb__ns3_watch(network, link, given->name);
    }
    if (!rc) {
        rc = devices && list ? ttb_ns3_install_switch(node, devices, given->n_links, list, NULL)
                             : -ENOMEM;
        if (rc)
            ttb__ns3_fail_at(network, rc, "switches", given->name);
    }
    free(devices);
    free(list);
    return rc;
}

static bool is_ipv6(const char *address)
{
    return strchr(address, ':') != NULL;
}

static unsigned int protocols_of(const Ttb__Scenario__Host *given)
{
    unsigned int protocols = 0;

    for (size_t i = 0; i < given->n_interfaces; i++) {
        for (size_t j = 0; j < given->interfaces[i]->n_addresses; j++)
            protocols |= is_ipv6(given->interfaces[i]->addresses[j]) ? TTB_NS3_IPV6 : TTB_NS3_IPV4;
    }
    return protocols ? protocols : TTB_NS3_IPV4;
}

static enum ttb_ns3_routing routing_of(Ttb__Scenario__Host__Routing routing)
{
    switch (routing) {
    case TTB__SCENARIO__HOST__ROUTING__GLOBAL:
        return TTB_NS3_ROUTING_GLOBAL;
    case TTB__SCENARIO__HOST__ROUTING__RIP:
        return TTB_NS3_ROUTING_RIP;
    case TTB__SCENARIO__HOST__ROUTING__OLSR:
        return TTB_NS3_ROUTING_OLSR;
    default:
        return TTB_NS3_ROUTING_STATIC;
    }
}

static int add_addresses(struct ttb_ns3_object *device, const Ttb__Scenario__Interface *given)
{
    int rc = 0;

    for (size_t i = 0; i < given->n_addresses && !rc; i++)
        rc = ttb_ns3_add_address(device, given->addresses[i]);
    return rc;
}

static int add_routes(struct ttb_ns3_object *node, const Ttb__Scenario__Host *given,
                      struct ttb_ns3_object **devices)
{
    int rc = 0;

    for (size_t i = 0; i < given->n_interfaces; i++) {
        const Ttb__Scenario__Interface *interface = given->interfaces[i];

        for (size_t j = 0; j < interface->n_gateways && !rc; j++)
            rc = ttb_ns3_add_route(node, is_ipv6(interface->gateways[j]) ? "::/0" : "0.0.0.0/0",
                                   interface->gateways[j], devices[i], 0);
    }
    for (size_t i = 0; i < given->n_routes && !rc; i++) {
        const Ttb__Scenario__Route *route = given->routes[i];
        struct ttb_ns3_object *device = NULL;

        for (size_t j = 0; route->interface && j < given->n_interfaces; j++) {
            if (strcmp(given->interfaces[j]->name, route->interface) == 0)
                device = devices[j];
        }
        rc = ttb_ns3_add_route(node, route->to, route->via, device, route->metric);
    }
    return rc;
}

static int add_applications(struct ttb_ns3_object *node, const Ttb__Scenario__Host *given)
{
    int rc = 0;

    for (size_t i = 0; i < given->n_applications && !rc; i++) {
        const Ttb__Scenario__Application *application = given->applications[i];
        struct ttb_ns3_attribute *list =
            ttb__ns3_attributes(NULL, application->attributes, application->n_attributes);

        rc = list ? ttb_ns3_install_application(
                        node, application->type, list, application->start_ns,
                        application->has_stop_ns ? application->stop_ns : TTB_TIME_NEVER, NULL)
                  : -ENOMEM;
        free(list);
    }
    return rc;
}

int ttb__ns3_add_host(struct ttb__network *network, const Ttb__Scenario__Host *given,
                      const char *where, bool forwards)
{
    struct ttb_ns3_object **devices =
        calloc(given->n_interfaces + 1, sizeof(struct ttb_ns3_object *));
    struct ttb_ns3_object *node;
    int rc = create_node(network, where, given->name, given->place, &node);

    if (!devices)
        return ttb__ns3_fail(network, -ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < given->n_interfaces; i++) {
        const Ttb__Scenario__Interface *interface = given->interfaces[i];
        struct ttb__ns3_link *link = ttb__ns3_find_link(network, interface->link);

        rc = ttb__ns3_install(network, link, node, given->name, interface, interface->mtu_bytes,
                              &devices[i]);
        if (!rc)
            rc = ttb__ns3_watch(network, link, given->name);
    }
    if (rc) {
        free(devices);
        return rc;
    }
    rc = ttb_ns3_install_ip(node, protocols_of(given), routing_of(given->routing), forwards);
    for (size_t i = 0; !rc && i < given->n_interfaces; i++)
        rc = add_addresses(devices[i], given->interfaces[i]);
    if (!rc)
        rc = add_routes(node, given, devices);
    if (!rc)
        rc = add_applications(node, given);
    network->any_global_routing |= given->routing == TTB__SCENARIO__HOST__ROUTING__GLOBAL;
    free(devices);
    return rc ? ttb__ns3_fail_at(network, rc, where, given->name) : 0;
}
