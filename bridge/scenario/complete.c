/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/complete.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/message.h"
#include "scenario/names.h"
#include "scenario/schema.h"
#include "scenario/values.h"

#define CSMA_RATE_BPS     UINT64_C(100000000)
#define ETHERNET_RATE_BPS UINT64_C(1000000000)
#define CABLE_DELAY_NS    UINT64_C(1000) /* about 200 m */
#define QUEUE_FRAMES      100            /* ns-3's drop-tail queue has as many */

/* Sets an absent string; the first error sticks. */
static void default_string(char **field, const char *value, int *rc)
{
    if (*field)
        return;
    *field = strdup(value ? value : "");
    if (!*field)
        *rc = -ENOMEM;
}

static void default_object(Ttb__Scenario__Object **field, const char *type, int *rc)
{
    if (!*field)
        *field = (Ttb__Scenario__Object *)ttb__message_new(&ttb__scenario__object__descriptor);
    if (!*field)
        *rc = -ENOMEM;
    else
        default_string(&(*field)->type, type, rc);
}

static void default_u64(protobuf_c_boolean *has, uint64_t *field, uint64_t value)
{
    if (!*has) {
        *has = 1;
        *field = value;
    }
}

static void default_u32(protobuf_c_boolean *has, uint32_t *field, uint32_t value)
{
    if (!*has) {
        *has = 1;
        *field = value;
    }
}

/* ----------------------------------------------------------------------- what the table says */

static int fill_object(const struct ttb__object *object, ProtobufCMessage *message);

static int fill_position(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    static const char *const axes[] = {"x_mm", "y_mm", "z_mm"};
    ProtobufCMessage *position = ttb__message_child(message, field);

    if (!position) {
        position = ttb__message_new(&ttb__scenario__position__descriptor);
        if (!position)
            return -ENOMEM;
        ttb__message_put_child(message, field, position);
    }
    for (size_t i = 0; i < 3; i++) {
        const ProtobufCFieldDescriptor *axis = ttb__message_field(position, axes[i]);

        if (!ttb__message_has(position, axis))
            ttb__message_set_number(position, axis, 0);
    }
    return 0;
}

static int fill_key(const struct ttb__key *key, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);
    const char *fallback = key->fallback;
    int rc = 0;

    if (key->kind == TTB__OBJECT) {
        if (field->label != PROTOBUF_C_LABEL_REPEATED)
            return ttb__message_has(message, field)
                       ? fill_object(key->object, ttb__message_child(message, field))
                       : 0;
        for (size_t i = 0; i < ttb__message_count(message, field) && rc == 0; i++)
            rc = fill_object(key->object, ttb__message_element(message, field, i));
        return rc;
    }
    /* All that has a position is somewhere. */
    if (key->kind == TTB__POSITION)
        return fill_position(message, field);
    if (!fallback || ttb__message_has(message, field))
        return 0;
    if (strcmp(fallback, "\"\"") == 0)
        fallback = "";
    return ttb__value_put(message, key, fallback, strlen(fallback), NULL);
}

static int fill_object(const struct ttb__object *object, ProtobufCMessage *message)
{
    int rc = 0;

    for (const struct ttb__key *key = object->keys; key->key && rc == 0; key++)
        rc = fill_key(key, message);
    return rc;
}

/* -------------------------------------------------------------------------- what depends */

static int complete_wifi(Ttb__Scenario__Link *link)
{
    Ttb__Scenario__Wifi *wifi = link->wifi;
    Ttb__Scenario__Object *loss;
    int rc = 0;

    if (!wifi) {
        wifi = (Ttb__Scenario__Wifi *)ttb__message_new(&ttb__scenario__wifi__descriptor);
        link->wifi = wifi;
    }
    if (!wifi)
        return -ENOMEM;
    default_string(&wifi->ssid, link->name, &rc);
    default_object(&wifi->rate_control, "ns3::IdealWifiManager", &rc);
    default_object(&wifi->propagation_delay, "ns3::ConstantSpeedPropagationDelayModel", &rc);
    if (wifi->n_propagation_loss == 0) {
        loss = (Ttb__Scenario__Object *)ttb__message_new(&ttb__scenario__object__descriptor);
        if (!loss)
            return -ENOMEM;
        rc |= ttb__message_put_child(
            &wifi->base, ttb__message_field(&wifi->base, "propagation_loss"), &loss->base);
        if (rc == 0)
            default_string(&loss->type, "ns3::LogDistancePropagationLossModel", &rc);
    }
    return rc;
}

static int complete_link(Ttb__Scenario__Link *link, const Ttb__Scenario__Defaults *defaults)
{
    bool is_csma, is_ethernet;
    int rc = 0;

    if (!link->has_type) {
        link->has_type = 1;
        link->type = TTB__SCENARIO__LINK__TYPE__CSMA;
    }
    is_csma = link->type == TTB__SCENARIO__LINK__TYPE__CSMA;
    is_ethernet = link->type == TTB__SCENARIO__LINK__TYPE__ETHERNET;
    if (is_csma || is_ethernet) {
        default_u64(&link->has_rate_bps, &link->rate_bps,
                    is_csma ? CSMA_RATE_BPS : ETHERNET_RATE_BPS);
        default_u64(&link->has_delay_ns, &link->delay_ns, CABLE_DELAY_NS);
        default_u32(&link->has_queue_frames, &link->queue_frames, QUEUE_FRAMES);
    }
    if (!link->has_pcap) {
        link->has_pcap = 1;
        link->pcap = defaults->pcap;
    }
    if (link->channel && is_csma)
        default_string(&link->channel->type, "ns3::CsmaChannel", &rc);
    if (link->channel && link->type == TTB__SCENARIO__LINK__TYPE__WIFI)
        default_string(&link->channel->type, "ns3::YansWifiChannel", &rc);
    if (rc == 0 && link->type == TTB__SCENARIO__LINK__TYPE__WIFI)
        rc = complete_wifi(link);
    return rc;
}

static int complete_interfaces(const Ttb__Scenario *scenario, const struct ttb__names *links,
                               size_t node_index, Ttb__Scenario__Interface **interfaces,
                               size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++) {
        Ttb__Scenario__Interface *interface = interfaces[i];
        size_t found = ttb__names_find(links, interface->link);
        const Ttb__Scenario__Link *link = found == TTB__NO_NAME ? NULL : scenario->links[found];
        uint8_t mac[6] = {0x02,      0x74, 0x74, (uint8_t)(node_index >> 8), (uint8_t)node_index,
                          (uint8_t)i};
        char name[16];

        snprintf(name, sizeof(name), "eth%u", (unsigned)i);
        default_string(&interface->name, name, &rc);
        if (!interface->has_mac && rc == 0)
            rc = ttb__message_put_bytes(&interface->base,
                                        ttb__message_field(&interface->base, "mac"), mac, 6);
        if (link && link->has_mtu_bytes)
            default_u32(&interface->has_mtu_bytes, &interface->mtu_bytes, link->mtu_bytes);
    }
    return rc;
}

/* All or nothing: a disk of which half was written elsewhere would be hard to see through. */
static int complete_disk(Ttb__Scenario__Node *node, const Ttb__Scenario__Disk *given)
{
    Ttb__Scenario__Disk *disk;

    if (node->disk || !given)
        return 0;
    disk = (Ttb__Scenario__Disk *)ttb__message_new(&ttb__scenario__disk__descriptor);
    node->disk = disk;
    if (!disk)
        return -ENOMEM;
    default_u64(&disk->has_latency_ns, &disk->latency_ns, given->latency_ns);
    default_u64(&disk->has_per_kib_ns, &disk->per_kib_ns, given->per_kib_ns);
    default_u64(&disk->has_jitter_ns, &disk->jitter_ns, given->jitter_ns);
    if (given->has_flush_ns)
        default_u64(&disk->has_flush_ns, &disk->flush_ns, given->flush_ns);
    disk->has_unflushed = 1;
    disk->unflushed = given->unflushed;
    return 0;
}

static int complete_node(Ttb__Scenario__Node *node, const Ttb__Scenario__Defaults *defaults)
{
    int rc = complete_disk(node, defaults->disk);

    default_string(&node->kernel, defaults->kernel, &rc);
    default_string(&node->image, defaults->image, &rc);
    default_u64(&node->has_memory_bytes, &node->memory_bytes, defaults->memory_bytes);
    if (!node->has_clock) {
        node->has_clock = 1;
        node->clock = defaults->clock;
    }
    if (!node->has_etc_hosts) {
        node->has_etc_hosts = 1;
        node->etc_hosts = defaults->etc_hosts;
    }
    if (!node->has_trusted) {
        node->has_trusted = 1;
        node->trusted = defaults->trusted;
    }
    for (size_t i = 0; i < node->n_files; i++) {
        if (!node->files[i]->from)
            default_u32(&node->files[i]->has_mode, &node->files[i]->mode, 0644);
    }
    return rc;
}

static void complete_range(Ttb__Scenario__Range *range)
{
    if (range) {
        default_u64(&range->has_min, &range->min, 0);
        default_u64(&range->has_max, &range->max, UINT64_MAX);
    }
}

static int complete_expectation(Ttb__Scenario__Expectation *expectation)
{
    if ((expectation->console || expectation->console_matches) && !expectation->times) {
        expectation->times =
            (Ttb__Scenario__Range *)ttb__message_new(&ttb__scenario__range__descriptor);
        if (!expectation->times)
            return -ENOMEM;
        default_u64(&expectation->times->has_min, &expectation->times->min, 1);
    }
    complete_range(expectation->times);
    complete_range(expectation->size_bytes);
    complete_range(expectation->sent_frames);
    complete_range(expectation->received_frames);
    complete_range(expectation->dropped_frames);
    if (expectation->dropped_frames && expectation->link && !expectation->has_drop) {
        expectation->has_drop = 1;
        expectation->drop = TTB__SCENARIO__EXPECTATION__DROP__ANY;
    }
    return 0;
}

int ttb__complete(Ttb__Scenario *scenario, const char *name)
{
    Ttb__Scenario__Defaults *defaults = scenario->defaults;
    struct ttb__names links = {0};
    size_t index = 0;
    int rc = 0;

    default_string(&scenario->name, name, &rc);
    if (!defaults) {
        defaults =
            (Ttb__Scenario__Defaults *)ttb__message_new(&ttb__scenario__defaults__descriptor);
        scenario->defaults = defaults;
    }
    /* Links before the rest of the table: their parts are made here and filled in by it. */
    rc = !defaults || rc < 0
             ? -ENOMEM
             : fill_object(ttb__schema_field(&ttb__scenario_object, "defaults")->object,
                           &defaults->base);
    for (size_t i = 0; i < scenario->n_links && rc == 0; i++)
        rc = complete_link(scenario->links[i], defaults);
    if (rc == 0)
        rc = fill_object(&ttb__scenario_object, &scenario->base);
    for (size_t i = 0; i < scenario->n_links && rc == 0; i++)
        rc = ttb__names_add(&links, scenario->links[i]->name, i);
    ttb__names_sort(&links);
    for (size_t i = 0; i < scenario->n_nodes && rc == 0; i++) {
        rc = complete_node(scenario->nodes[i], defaults);
        if (rc == 0)
            rc = complete_interfaces(scenario, &links, index++, scenario->nodes[i]->interfaces,
                                     scenario->nodes[i]->n_interfaces);
    }
    for (size_t i = 0; i < scenario->n_routers && rc == 0; i++)
        rc = complete_interfaces(scenario, &links, index++, scenario->routers[i]->interfaces,
                                 scenario->routers[i]->n_interfaces);
    for (size_t i = 0; i < scenario->n_hosts && rc == 0; i++)
        rc = complete_interfaces(scenario, &links, index++, scenario->hosts[i]->interfaces,
                                 scenario->hosts[i]->n_interfaces);
    for (size_t i = 0; i < scenario->n_expect && rc == 0; i++)
        rc = complete_expectation(scenario->expect[i]);
    ttb__names_free(&links);
    return rc;
}
