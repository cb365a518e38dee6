/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine ns-3 (ttbridge/ns3.h): every Linux node, switch, router and host is an ns-3 node, every
 * interface a device on the channel of its link. Objects are made in the scenario's order.
 */
#include <ttbridge/ns3.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/network.h"

/* Not in every version of the adapter: NULL where it has not got them (see check()). */
#pragma weak ttb_ns3_set_mobility
#pragma weak ttb_ns3_set_waypoints
#pragma weak ttb_ns3_set_position
#pragma weak ttb_ns3_create_wifi
#pragma weak ttb_ns3_install_wifi
#pragma weak ttb_ns3_install_ip
#pragma weak ttb_ns3_add_address
#pragma weak ttb_ns3_add_route
#pragma weak ttb_ns3_install_switch
#pragma weak ttb_ns3_compute_global_routes

/* Random streams of Wifi's propagation models: far from those that devices have from their addresses. */
#define WIFI_STREAMS   (UINT64_C(1) << 61)
#define STREAMS_A_LINK 1000

struct link {
    const Ttb__Scenario__Link *given;
    struct ttb_ns3_object *channel; /* NULL: devices that need none */

    struct ttb_ns3_object **devices;
    size_t device_count;
};

struct end {
    struct ttb_ns3_object *device;
    size_t link;
};

struct ttb__network {
    const Ttb__Scenario *scenario;
    const struct ttb__network_plan *plan;
    struct ttb_ns3 *ns3;
    struct link *links;
    struct end **ends; /* by Linux node and interface */
    bool any_global_routing;
    char error[TTB__NETWORK_ERROR_MAX];
};

__attribute__((format(printf, 3, 4))) static int fail(struct ttb__network *network, int code,
                                                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(network->error, sizeof(network->error), format, args);
    va_end(args);
    return code;
}

/* "links.lan: " and what ns-3 says. */
static int fail_ns3(struct ttb__network *network, int code, const char *where, const char *name)
{
    return fail(network, code, "%s.%s: %.400s", where, name, ttb_ns3_error(network->ns3));
}

static int refuse(char *error, size_t error_size, const char *where, const char *name,
                  const char *what)
{
    snprintf(error, error_size, "%s.%s: this build's ns-3 adapter has no %s", where, name, what);
    return -EOPNOTSUPP;
}

static int check(const Ttb__Scenario *scenario, char *error, size_t error_size)
{
    for (size_t i = 0; i < scenario->n_links; i++) {
        if (scenario->links[i]->type == TTB__SCENARIO__LINK__TYPE__WIFI &&
            (!ttb_ns3_create_wifi || !ttb_ns3_install_wifi || !ttb_ns3_set_position))
            return refuse(error, error_size, "links", scenario->links[i]->name,
                          "links of type wifi");
    }
    if (scenario->n_switches && !ttb_ns3_install_switch)
        return refuse(error, error_size, "switches", scenario->switches[0]->name, "switches");
    if (scenario->n_routers && (!ttb_ns3_install_ip || !ttb_ns3_add_route))
        return refuse(error, error_size, "routers", scenario->routers[0]->name, "routers");
    if (scenario->n_hosts && (!ttb_ns3_install_ip || !ttb_ns3_add_route))
        return refuse(error, error_size, "hosts", scenario->hosts[0]->name, "hosts");
    for (size_t i = 0; i < scenario->n_events; i++) {
        const Ttb__Scenario__Event *event = scenario->events[i];

        if (event->interface) {
            snprintf(error, error_size,
                     "events[%zu].interface: the engine ns3 can cut links only, not one of their "
                     "interfaces",
                     i);
            return -EOPNOTSUPP;
        }
    }
    return 0;
}

/* ---------------------------------------------------------------------------------- attributes */

/* The scenario's settings after `extra`, which end with a NULL name; to be freed. */
static struct ttb_ns3_attribute *attributes_of(const struct ttb_ns3_attribute *extra,
                                               Ttb__Scenario__Setting **settings, size_t count)
{
    struct ttb_ns3_attribute *list;
    size_t extra_count = 0;

    while (extra && extra[extra_count].name)
        extra_count++;
    list = calloc(extra_count + count + 1, sizeof(*list));
    if (!list)
        return NULL;
    for (size_t i = 0; i < extra_count; i++)
        list[i] = extra[i];
    for (size_t i = 0; i < count; i++) {
        list[extra_count + i].name = settings[i]->name;
        list[extra_count + i].value = settings[i]->value;
    }
    return list;
}

static int create(struct ttb__network *network, const char *type,
                  const struct ttb_ns3_attribute *extra, Ttb__Scenario__Setting **settings,
                  size_t count, struct ttb_ns3_object **object)
{
    struct ttb_ns3_attribute *list = attributes_of(extra, settings, count);
    int rc = list ? ttb_ns3_create(network->ns3, type, list, object) : -ENOMEM;

    free(list);
    return rc;
}

/* -------------------------------------------------------------------------------------- links */

static struct link *find_link(struct ttb__network *network, const char *name)
{
    for (size_t i = 0; i < network->scenario->n_links; i++) {
        if (strcmp(network->links[i].given->name, name) == 0)
            return &network->links[i];
    }
    return NULL; /* a complete scenario has no dangling names */
}

static int specs_of(Ttb__Scenario__Object **objects, size_t count,
                    struct ttb_ns3_object_spec **specs)
{
    *specs = calloc(count + 1, sizeof(**specs));
    if (!*specs)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        (*specs)[i].type = objects[i]->type;
        (*specs)[i].attributes =
            attributes_of(NULL, objects[i]->attributes, objects[i]->n_attributes);
        if (!(*specs)[i].attributes)
            return -ENOMEM;
    }
    return 0;
}

static void free_specs(struct ttb_ns3_object_spec *specs, size_t count)
{
    for (size_t i = 0; specs && i < count; i++)
        free((void *)specs[i].attributes);
    free(specs);
}

static int create_wifi(struct ttb__network *network, struct link *link)
{
    const Ttb__Scenario__Wifi *wifi = link->given->wifi;
    size_t number = (size_t)(link - network->links);
    Ttb__Scenario__Object *single[] = {wifi->rate_control, wifi->propagation_delay};
    struct ttb_ns3_object_spec *losses = NULL, *rate = NULL, *delay = NULL;
    struct ttb_ns3_attribute *phy =
        attributes_of(NULL, wifi->phy_attributes, wifi->n_phy_attributes);
    struct ttb_ns3_attribute *mac =
        attributes_of(NULL, wifi->mac_attributes, wifi->n_mac_attributes);
    struct ttb_ns3_wifi_opts opts = {
        .size = sizeof(opts),
        .standard = (enum ttb_ns3_wifi_standard)wifi->standard,
        .infrastructure = wifi->mode == TTB__SCENARIO__WIFI__MODE__INFRASTRUCTURE,
        .ssid = wifi->ssid,
        .phy_attributes = phy,
        .mac_attributes = mac,
        .stream = WIFI_STREAMS + number * STREAMS_A_LINK,
    };
    int rc =
        phy && mac ? specs_of(wifi->propagation_loss, wifi->n_propagation_loss, &losses) : -ENOMEM;

    if (!rc)
        rc = specs_of(&single[0], single[0] != NULL, &rate);
    if (!rc)
        rc = specs_of(&single[1], single[1] != NULL, &delay);
    if (!rc) {
        if (single[0])
            opts.rate_control = rate[0];
        if (single[1])
            opts.propagation_delay = delay[0];
        opts.propagation_loss = wifi->n_propagation_loss ? losses : NULL;
        opts.propagation_loss_count = wifi->n_propagation_loss;
        rc = ttb_ns3_create_wifi(network->ns3, &opts, &link->channel);
    }
    free_specs(losses, wifi->n_propagation_loss);
    free_specs(rate, single[0] != NULL);
    free_specs(delay, single[1] != NULL);
    free(phy);
    free(mac);
    return rc;
}

static int create_channel(struct ttb__network *network, struct link *link)
{
    const Ttb__Scenario__Link *given = link->given;
    const Ttb__Scenario__Object *channel = given->channel;
    Ttb__Scenario__Setting **settings = channel ? channel->attributes : NULL;
    size_t count = channel ? channel->n_attributes : 0;
    char rate[32], delay[32];
    const struct ttb_ns3_attribute csma[] = {{"DataRate", rate}, {"Delay", delay}, {NULL, NULL}};
    const struct ttb_ns3_attribute cable[] = {{"Delay", delay}, {NULL, NULL}};
    int rc = 0;

    snprintf(rate, sizeof(rate), "%" PRIu64 "bps", given->rate_bps);
    snprintf(delay, sizeof(delay), "%" PRIu64 "ns", given->delay_ns);
    switch (given->type) {
    case TTB__SCENARIO__LINK__TYPE__CSMA:
        rc = create(network, "ns3::CsmaChannel", csma, settings, count, &link->channel);
        break;
    case TTB__SCENARIO__LINK__TYPE__ETHERNET:
        rc = create(network, "ttb::EthernetLinkChannel", cable, NULL, 0, &link->channel);
        break;
    case TTB__SCENARIO__LINK__TYPE__WIFI:
        rc = create_wifi(network, link);
        break;
    default:
        if (channel)
            rc = create(network, channel->type, NULL, settings, count, &link->channel);
        break;
    }
    return rc ? fail_ns3(network, rc, "links", given->name) : 0;
}

/* `mtu_bytes` 0: the link's. */
static int install(struct ttb__network *network, struct link *link, struct ttb_ns3_object *node,
                   const char *owner, const char *mac, uint32_t mtu_bytes,
                   struct ttb_ns3_object **device)
{
    const Ttb__Scenario__Link *given = link->given;
    char rate[32], mtu[16];
    const struct ttb_ns3_attribute csma[] = {{"Mtu", mtu}, {NULL, NULL}};
    const struct ttb_ns3_attribute cable[] = {{"DataRate", rate}, {"Mtu", mtu}, {NULL, NULL}};
    const struct ttb_ns3_attribute *extra = given->type == TTB__SCENARIO__LINK__TYPE__ETHERNET
                                                ? cable
                                            : given->type == TTB__SCENARIO__LINK__TYPE__CSMA ? csma
                                                                                             : NULL;
    struct ttb_ns3_attribute *list = attributes_of(extra, given->attributes, given->n_attributes);
    enum ttb_ns3_wifi_role role = TTB_NS3_WIFI_ADHOC;
    int rc;

    if (!list)
        return fail(network, -ENOMEM, "out of memory");
    snprintf(rate, sizeof(rate), "%" PRIu64 "bps", given->rate_bps);
    snprintf(mtu, sizeof(mtu), "%" PRIu32, mtu_bytes ? mtu_bytes : given->mtu_bytes);
    if (given->wifi && given->wifi->mode == TTB__SCENARIO__WIFI__MODE__INFRASTRUCTURE)
        role = strcmp(given->wifi->access_point, owner) == 0 ? TTB_NS3_WIFI_ACCESS_POINT
                                                             : TTB_NS3_WIFI_STATION;
    switch (given->type) {
    case TTB__SCENARIO__LINK__TYPE__CSMA:
        rc = ttb_ns3_install_csma(node, link->channel, mac, list, device);
        break;
    case TTB__SCENARIO__LINK__TYPE__ETHERNET:
        rc = ttb_ns3_install_ethernet(node, link->channel, mac, list, device);
        break;
    case TTB__SCENARIO__LINK__TYPE__WIFI:
        rc = ttb_ns3_install_wifi(node, link->channel, role, mac, list, device);
        break;
    default:
        rc = ttb_ns3_install_device(node, given->device, link->channel, mac, list, device);
        break;
    }
    free(list);
    if (!rc && given->error_model) {
        list =
            attributes_of(NULL, given->error_model->attributes, given->error_model->n_attributes);
        rc = list ? ttb_ns3_set_error_model(*device, given->error_model->type, list) : -ENOMEM;
        free(list);
    }
    if (rc)
        return fail_ns3(network, rc, "links", given->name);
    link->devices[link->device_count++] = *device;
    return 0;
}

/* What is set when all devices are there. */
static int finish_link(struct ttb__network *network, struct link *link)
{
    const Ttb__Scenario__Link *given = link->given;
    struct ttb_ns3_link_params params = {
        .size = sizeof(params), .loss_ppb = given->loss_ppb, .queue_frames = given->queue_frames};
    char path[4200];
    int rc = 0;

    if (given->has_queue_frames)
        params.fields |= TTB_NS3_LINK_QUEUE;
    if (given->loss_ppb)
        params.fields |= TTB_NS3_LINK_LOSS;
    for (size_t i = 0; params.fields && i < link->device_count && !rc; i++)
        rc = ttb_ns3_link_set(link->devices[i], &params);
    if (!rc && given->pcap && link->device_count) {
        snprintf(path, sizeof(path), "%s/%s.pcap", network->plan->directory, given->name);
        rc = ttb_ns3_pcap(link->devices[0], path, true);
    }
    return rc ? fail_ns3(network, rc, "links", given->name) : 0;
}

/* An end's own values, for what it sends; loss is counted where frames arrive, so at the other end. */
static int finish_end(struct ttb__network *network, const struct end *end,
                      const Ttb__Scenario__Interface *given)
{
    struct ttb_ns3_link_params params = {.size = sizeof(params),
                                         .rate_bps = given->rate_bps,
                                         .delay_ns = given->delay_ns,
                                         .loss_ppb = given->loss_ppb,
                                         .queue_frames = given->queue_frames};
    int rc;

    params.fields = (given->has_rate_bps ? TTB_NS3_LINK_RATE : 0) |
                    (given->has_delay_ns ? TTB_NS3_LINK_DELAY : 0) |
                    (given->has_loss_ppb ? TTB_NS3_LINK_LOSS : 0) |
                    (given->has_queue_frames ? TTB_NS3_LINK_QUEUE : 0);
    if (!params.fields)
        return 0;
    rc = ttb_ns3_link_set(end->device, &params);
    return rc ? fail_ns3(network, rc, "links", given->link) : 0;
}

/* --------------------------------------------------------------------------------------- nodes */

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

    if (!place || !ttb_ns3_set_position)
        return 0; /* no link of this build cares */
    start = position_of(place->position);
    if (place->n_waypoints)
        return put_waypoints(node, place, &start);
    if (!place->model)
        return ttb_ns3_set_position(node, &start);
    list = attributes_of(NULL, place->model->attributes, place->model->n_attributes);
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
    return rc ? fail_ns3(network, rc, where, name) : 0;
}

static const char *print_mac(const Ttb__Scenario__Interface *interface, char text[18])
{
    const uint8_t *mac = interface->mac.data;

    if (!interface->has_mac || interface->mac.len != 6)
        return NULL;
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
    return text;
}

static int add_linux_node(struct ttb__network *network, size_t number)
{
    const Ttb__Scenario__Node *given = network->scenario->nodes[number];
    struct ttb_ns3_object *node;
    int rc = create_node(network, "nodes", given->name, given->place, &node);

    network->ends[number] = calloc(given->n_interfaces + 1, sizeof(struct end));
    if (!network->ends[number])
        return fail(network, -ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < given->n_interfaces; i++) {
        const Ttb__Scenario__Interface *interface = given->interfaces[i];
        struct link *link = find_link(network, interface->link);
        struct end *end = &network->ends[number][i];
        char mac[18];

        rc = install(network, link, node, given->name, print_mac(interface, mac), 0, &end->device);
        if (rc)
            return rc;
        end->link = (size_t)(link - network->links);
        rc = ttb_ns3_attach_port(end->device, network->plan->port(network->plan->user, number, i),
                                 NULL);
        if (rc)
            fail_ns3(network, rc, "nodes", given->name);
    }
    return rc;
}

static int add_switch(struct ttb__network *network, const Ttb__Scenario__Switch *given)
{
    struct ttb_ns3_object **devices = calloc(given->n_links + 1, sizeof(struct ttb_ns3_object *));
    struct ttb_ns3_attribute *list = attributes_of(NULL, given->attributes, given->n_attributes);
    struct ttb_ns3_object *node;
    int rc = create_node(network, "switches", given->name, given->place, &node);

    for (size_t i = 0; !rc && devices && i < given->n_links; i++)
        rc = install(network, find_link(network, given->links[i]), node, given->name, NULL, 0,
                     &devices[i]);
    if (!rc) {
        rc = devices && list ? ttb_ns3_install_switch(node, devices, given->n_links, list, NULL)
                             : -ENOMEM;
        if (rc)
            fail_ns3(network, rc, "switches", given->name);
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
            attributes_of(NULL, application->attributes, application->n_attributes);

        rc = list ? ttb_ns3_install_application(
                        node, application->type, list, application->start_ns,
                        application->has_stop_ns ? application->stop_ns : TTB_TIME_NEVER, NULL)
                  : -ENOMEM;
        free(list);
    }
    return rc;
}

static int add_host(struct ttb__network *network, const Ttb__Scenario__Host *given,
                    const char *where, bool forwards)
{
    struct ttb_ns3_object **devices =
        calloc(given->n_interfaces + 1, sizeof(struct ttb_ns3_object *));
    struct ttb_ns3_object *node;
    char mac[18];
    int rc = create_node(network, where, given->name, given->place, &node);

    if (!devices)
        return fail(network, -ENOMEM, "out of memory");
    for (size_t i = 0; !rc && i < given->n_interfaces; i++)
        rc = install(network, find_link(network, given->interfaces[i]->link), node, given->name,
                     print_mac(given->interfaces[i], mac), given->interfaces[i]->mtu_bytes,
                     &devices[i]);
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
    return rc ? fail_ns3(network, rc, where, given->name) : 0;
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
    return rc ? fail(network, rc, "ns3: %.400s", ttb_ns3_error(network->ns3)) : 0;
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
        rc = add_linux_node(network, i);
    for (size_t i = 0; i < scenario->n_switches && !rc; i++)
        rc = add_switch(network, scenario->switches[i]);
    for (size_t i = 0; i < scenario->n_routers && !rc; i++)
        rc = add_host(network, scenario->routers[i], "routers", true);
    for (size_t i = 0; i < scenario->n_hosts && !rc; i++)
        rc = add_host(network, scenario->hosts[i], "hosts", false);
    return rc;
}

static int finish_ends(struct ttb__network *network)
{
    const Ttb__Scenario *scenario = network->scenario;
    int rc = 0;

    for (size_t i = 0; i < scenario->n_links && !rc; i++)
        rc = finish_link(network, &network->links[i]);
    for (size_t i = 0; i < scenario->n_nodes; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_interfaces && !rc; j++)
            rc = finish_end(network, &network->ends[i][j], scenario->nodes[i]->interfaces[j]);
    }
    if (!rc && network->any_global_routing && ttb_ns3_compute_global_routes(network->ns3))
        rc = fail(network, -EIO, "routers: %.400s", ttb_ns3_error(network->ns3));
    return rc;
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
    network->links = calloc(plan->scenario->n_links + 1, sizeof(*network->links));
    network->ends = calloc(plan->scenario->n_nodes + 1, sizeof(struct end *));
    if (!network->links || !network->ends)
        return fail(network, -ENOMEM, "out of memory");
    rc = ttb_ns3_new(&opts, &network->ns3);
    if (rc)
        return fail(network, rc, "%.400s", ttb_ns3_error(NULL));
    rc = apply_settings(network, plan->scenario->ns3);
    for (size_t i = 0; i < plan->scenario->n_links && !rc; i++) {
        network->links[i].given = plan->scenario->links[i];
        network->links[i].devices = calloc(end_count + 1, sizeof(struct ttb_ns3_object *));
        if (!network->links[i].devices)
            return fail(network, -ENOMEM, "out of memory");
        rc = create_channel(network, &network->links[i]);
    }
    if (!rc)
        rc = add_everybody(network);
    if (!rc)
        rc = finish_ends(network);
    network->plan = NULL; /* the caller's, and gone from now on */
    return rc;
}

/* ------------------------------------------------------------------------------------------ run */

static int run(struct ttb__network *network, uint64_t until_ns)
{
    int rc = ttb_ns3_run(network->ns3, until_ns);

    return rc ? fail(network, rc, "%.400s", ttb_ns3_error(network->ns3)) : 0;
}

static void stop(struct ttb__network *network)
{
    ttb_ns3_stop(network->ns3);
}

static uint64_t now_ns(const struct ttb__network *network)
{
    return ttb_ns3_now_ns(network->ns3);
}

static int change_device(struct ttb__network *network, const struct link *link,
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
    return rc ? fail_ns3(network, rc, "links", link->given->name) : 0;
}

static int change_link(struct ttb__network *network, size_t number,
                       const Ttb__Scenario__Change *change)
{
    struct link *link = &network->links[number];
    int rc = 0;

    if (link->channel && link->given->type != TTB__SCENARIO__LINK__TYPE__WIFI)
        rc = change_device(network, link, link->channel, change);
    else
        for (size_t i = 0; i < link->device_count && !rc; i++)
            rc = change_device(network, link, link->devices[i], change);
    if (!rc && change->has_up && link->device_count) {
        rc = ttb_ns3_link_set_up(link->devices[0], change->up);
        if (rc)
            fail_ns3(network, rc, "links", link->given->name);
    }
    return rc;
}

static int set_interface(struct ttb__network *network, size_t node, size_t interface, bool up)
{
    (void)node;
    (void)interface;
    (void)up;
    return fail(network, -EOPNOTSUPP, "an interface cannot be cut off"); /* see check() */
}

static void count_link(struct ttb__network *network, size_t number,
                       struct ttb__link_counters *counters)
{
    const struct link *link = &network->links[number];

    memset(counters, 0, sizeof(*counters));
    for (size_t i = 0; i < link->device_count; i++) {
        struct ttb_ns3_link_stats stats;

        if (ttb_ns3_link_get_stats(link->devices[i], &stats))
            continue; /* not this kind of link: 0 */
        counters->sent += stats.sent_frames;
        counters->received += stats.received_frames;
        counters->lost += stats.dropped_loss;
        counters->queue_full += stats.dropped_queue;
        counters->down += stats.dropped_down;
        counters->other += stats.dropped_other;
    }
}

/* pcap files are closed when the network is freed; what they hold is complete before that only
 * as far as ns-3 has flushed it, so freeing comes before anybody looks. */
static int finish(struct ttb__network *network)
{
    (void)network;
    return 0;
}

static const char *get_error(const struct ttb__network *network)
{
    return network->error;
}

static void free_network(struct ttb__network *network)
{
    ttb_ns3_free(network->ns3);
    for (size_t i = 0; network->links && i < network->scenario->n_links; i++)
        free(network->links[i].devices);
    for (size_t i = 0; network->ends && i < network->scenario->n_nodes; i++)
        free(network->ends[i]);
    free(network->links);
    free(network->ends);
    free(network);
}

const struct ttb__network_ops ttb__network_ns3 = {
    .name = "ns3",
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
