/* SPDX-License-Identifier: BSD-3-Clause */
/* Links of the engine ns-3: channels and devices. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/network_ns3.h"

/* Random streams of Wifi's propagation models: far from those that devices have from their addresses. */
#define WIFI_STREAMS   (UINT64_C(1) << 61)
#define STREAMS_A_LINK 1000

/* ---------------------------------------------------------------------------------- attributes */

/* The scenario's settings after `extra`, which end with a NULL name; to be freed. */
struct ttb_ns3_attribute *ttb__ns3_attributes(const struct ttb_ns3_attribute *extra,
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
    struct ttb_ns3_attribute *list = ttb__ns3_attributes(extra, settings, count);
    int rc = list ? ttb_ns3_create(network->ns3, type, list, object) : -ENOMEM;

    free(list);
    return rc;
}

/* -------------------------------------------------------------------------------------- links */

struct ttb__ns3_link *ttb__ns3_find_link(struct ttb__network *network, const char *name)
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
            ttb__ns3_attributes(NULL, objects[i]->attributes, objects[i]->n_attributes);
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

static int create_wifi(struct ttb__network *network, struct ttb__ns3_link *link)
{
    const Ttb__Scenario__Wifi *wifi = link->given->wifi;
    size_t number = (size_t)(link - network->links);
    Ttb__Scenario__Object *single[] = {wifi->rate_control, wifi->propagation_delay};
    struct ttb_ns3_object_spec *losses = NULL, *rate = NULL, *delay = NULL;
    struct ttb_ns3_attribute *phy =
        ttb__ns3_attributes(NULL, wifi->phy_attributes, wifi->n_phy_attributes);
    struct ttb_ns3_attribute *mac =
        ttb__ns3_attributes(NULL, wifi->mac_attributes, wifi->n_mac_attributes);
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

int ttb__ns3_create_channel(struct ttb__network *network, struct ttb__ns3_link *link)
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
    return rc ? ttb__ns3_fail_at(network, rc, "links", given->name) : 0;
}

static const char *print_mac(const Ttb__Scenario__Interface *interface, char text[18])
{
    const uint8_t *mac;

    if (!interface || !interface->has_mac || interface->mac.len != 6)
        return NULL;
    mac = interface->mac.data;
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
    return text;
}

static int install_device(const struct ttb__ns3_link *link, struct ttb_ns3_object *node,
                          const char *owner, const char *mac,
                          const struct ttb_ns3_attribute *attributes,
                          struct ttb_ns3_object **device)
{
    const Ttb__Scenario__Link *given = link->given;
    enum ttb_ns3_wifi_role role = TTB_NS3_WIFI_ADHOC;

    switch (given->type) {
    case TTB__SCENARIO__LINK__TYPE__CSMA:
        return ttb_ns3_install_csma(node, link->channel, mac, attributes, device);
    case TTB__SCENARIO__LINK__TYPE__ETHERNET:
        return ttb_ns3_install_ethernet(node, link->channel, mac, attributes, device);
    case TTB__SCENARIO__LINK__TYPE__WIFI:
        if (given->wifi->mode == TTB__SCENARIO__WIFI__MODE__INFRASTRUCTURE)
            role = strcmp(given->wifi->access_point, owner) == 0 ? TTB_NS3_WIFI_ACCESS_POINT
                                                                 : TTB_NS3_WIFI_STATION;
        return ttb_ns3_install_wifi(node, link->channel, role, mac, attributes, device);
    default:
        return ttb_ns3_install_device(node, given->device, link->channel, mac, attributes, device);
    }
}

static int set_error_model(const struct ttb__ns3_link *link, struct ttb_ns3_object *device)
{
    const Ttb__Scenario__Object *model = link->given->error_model;
    struct ttb_ns3_attribute *list;
    int rc;

    if (!model)
        return 0;
    list = ttb__ns3_attributes(NULL, model->attributes, model->n_attributes);
    rc = list ? ttb_ns3_set_error_model(device, model->type, list) : -ENOMEM;
    free(list);
    return rc;
}

int ttb__ns3_install(struct ttb__network *network, struct ttb__ns3_link *link,
                     struct ttb_ns3_object *node, const char *owner,
                     const Ttb__Scenario__Interface *interface, uint32_t mtu_bytes,
                     struct ttb_ns3_object **device)
{
    const Ttb__Scenario__Link *given = link->given;
    char rate[32], mtu[16], mac[18];
    const struct ttb_ns3_attribute csma[] = {{"Mtu", mtu}, {NULL, NULL}};
    const struct ttb_ns3_attribute cable[] = {{"DataRate", rate}, {"Mtu", mtu}, {NULL, NULL}};
    const struct ttb_ns3_attribute *extra = NULL;
    struct ttb_ns3_attribute *list;
    int rc;

    snprintf(rate, sizeof(rate), "%" PRIu64 "bps", given->rate_bps);
    snprintf(mtu, sizeof(mtu), "%" PRIu32, mtu_bytes ? mtu_bytes : given->mtu_bytes);
    if (given->type == TTB__SCENARIO__LINK__TYPE__ETHERNET)
        extra = cable;
    else if (given->type == TTB__SCENARIO__LINK__TYPE__CSMA)
        extra = csma;
    list = ttb__ns3_attributes(extra, given->attributes, given->n_attributes);
    if (!list)
        return ttb__ns3_fail(network, -ENOMEM, "out of memory");
    rc = install_device(link, node, owner, print_mac(interface, mac), list, device);
    free(list);
    if (!rc)
        rc = set_error_model(link, *device);
    if (rc)
        return ttb__ns3_fail_at(network, rc, "links", given->name);
    link->devices[link->device_count++] =
        (struct ttb__ns3_device){.object = *device, .given = interface};
    return 0;
}

/* An end's own values, for what it sends. */
static int finish_device(const struct ttb__ns3_device *device)
{
    const Ttb__Scenario__Interface *given = device->given;
    struct ttb_ns3_link_params params = {.size = sizeof(params)};

    if (!given)
        return 0;
    params.rate_bps = given->rate_bps;
    params.delay_ns = given->delay_ns;
    params.loss_ppb = given->loss_ppb;
    params.queue_frames = given->queue_frames;
    params.fields = (given->has_rate_bps ? TTB_NS3_LINK_RATE : 0) |
                    (given->has_delay_ns ? TTB_NS3_LINK_DELAY : 0) |
                    (given->has_loss_ppb ? TTB_NS3_LINK_LOSS : 0) |
                    (given->has_queue_frames ? TTB_NS3_LINK_QUEUE : 0);
    return params.fields ? ttb_ns3_link_set(device->object, &params) : 0;
}

int ttb__ns3_finish_link(struct ttb__network *network, struct ttb__ns3_link *link)
{
    const Ttb__Scenario__Link *given = link->given;
    struct ttb_ns3_link_params params = {
        .size = sizeof(params), .loss_ppb = given->loss_ppb, .queue_frames = given->queue_frames};
    char path[4200];
    int rc = 0;

    link->loss_ppb = given->loss_ppb;
    if (given->has_queue_frames)
        params.fields |= TTB_NS3_LINK_QUEUE;
    if (given->loss_ppb)
        params.fields |= TTB_NS3_LINK_LOSS;
    for (size_t i = 0; params.fields && i < link->device_count && !rc; i++)
        rc = ttb_ns3_link_set(link->devices[i].object, &params);
    for (size_t i = 0; i < link->device_count && !rc; i++)
        rc = finish_device(&link->devices[i]);
    if (!rc && given->pcap && link->device_count) {
        snprintf(path, sizeof(path), "%s/%s.pcap", network->plan->directory, given->name);
        rc = ttb_ns3_pcap(link->devices[0].object, path, true);
    }
    return rc ? ttb__ns3_fail_at(network, rc, "links", given->name) : 0;
}
