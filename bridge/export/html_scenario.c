/* SPDX-License-Identifier: BSD-3-Clause */
/* What a report takes from the scenario: who is on which link, and where. Traces of runs name their
 * ports, not their links. */
#include <stdio.h>

#include <ttbridge/scenario.pb-c.h>

#include "export/html.h"
#include "export/json.h"

typedef Ttb__Scenario__Interface Interface;

static const char *const link_types[] = {
    [TTB__SCENARIO__LINK__TYPE__CSMA] = "csma",
    [TTB__SCENARIO__LINK__TYPE__ETHERNET] = "ethernet",
    [TTB__SCENARIO__LINK__TYPE__WIFI] = "wifi",
};

static void write_link(struct ttb__stream *stream, const Ttb__Scenario__Link *link)
{
    const char *type = (size_t)link->type < sizeof(link_types) / sizeof(link_types[0])
                           ? link_types[link->type]
                           : NULL;
    bool first = true;

    ttb__stream_char(stream, '{');
    ttb__json_text(stream, "name", link->name ? link->name : "", &first);
    ttb__json_text(stream, "type", type ? type : link->device, &first);
    ttb__json_number(stream, "rate_bps", link->rate_bps, &first);
    ttb__json_number(stream, "delay_ns", link->delay_ns, &first);
    ttb__json_number(stream, "loss_ppb", link->loss_ppb, &first);
    ttb__json_number(stream, "queue_frames", link->queue_frames, &first);
    ttb__stream_char(stream, '}');
}

struct member {
    const char *kind, *name;
    size_t interface_count;
    Interface *const *interfaces; /* of nodes, routers, hosts */
    size_t link_count;
    char *const *links; /* of switches */
    const Ttb__Scenario__Place *place;
};

static void write_member(struct ttb__stream *stream, const struct member *member,
                         bool *first_member)
{
    const Ttb__Scenario__Position *position = member->place ? member->place->position : NULL;
    bool first = true;
    char name[24];

    ttb__json_separate(stream, first_member);
    ttb__stream_text(stream, "\n{");
    ttb__json_text(stream, "kind", member->kind, &first);
    ttb__json_text(stream, "name", member->name ? member->name : "", &first);
    if (position) {
        ttb__json_key(stream, "at_mm", &first);
        ttb__stream_format(stream, "[%lld,%lld]", (long long)position->x_mm,
                           (long long)position->y_mm);
    }
    ttb__json_key(stream, "interfaces", &first);
    ttb__stream_char(stream, '[');
    for (size_t i = 0; i < member->interface_count + member->link_count; i++) {
        const Interface *interface = i < member->interface_count ? member->interfaces[i] : NULL;
        const char *link = interface ? interface->link : member->links[i - member->interface_count];
        bool inner = true;

        snprintf(name, sizeof(name), "eth%zu", i);
        ttb__stream_text(stream, i ? ",{" : "{");
        ttb__json_text(stream, "link", link ? link : "", &inner);
        if (interface)
            ttb__json_text(stream, "name", interface->name ? interface->name : name, &inner);
        ttb__stream_char(stream, '}');
    }
    ttb__stream_text(stream, "]}");
}

void ttb__html_write_scenario(struct ttb__stream *stream, const struct ttb_trace_bytes *serialised)
{
    Ttb__Scenario *scenario = NULL;
    bool first = true;

    if (serialised->len_bytes)
        scenario = ttb__scenario__unpack(NULL, serialised->len_bytes, serialised->data);
    ttb__stream_text(stream, "{\"links\":[");
    for (size_t i = 0; scenario && i < scenario->n_links; i++) {
        ttb__stream_text(stream, i ? ",\n" : "\n");
        write_link(stream, scenario->links[i]);
    }
    ttb__stream_text(stream, "],\n\"members\":[");
    for (size_t i = 0; scenario && i < scenario->n_nodes; i++) {
        const Ttb__Scenario__Node *node = scenario->nodes[i];
        struct member member = {.kind = "node",
                                .name = node->name,
                                .interface_count = node->n_interfaces,
                                .interfaces = node->interfaces,
                                .place = node->place};

        write_member(stream, &member, &first);
    }
    for (size_t i = 0; scenario && i < scenario->n_switches; i++) {
        const Ttb__Scenario__Switch *bridge = scenario->switches[i];
        struct member member = {.kind = "switch",
                                .name = bridge->name,
                                .link_count = bridge->n_links,
                                .links = bridge->links,
                                .place = bridge->place};

        write_member(stream, &member, &first);
    }
    for (int is_host = 0; scenario && is_host < 2; is_host++) {
        size_t count = is_host ? scenario->n_hosts : scenario->n_routers;

        for (size_t i = 0; i < count; i++) {
            const Ttb__Scenario__Host *host = is_host ? scenario->hosts[i] : scenario->routers[i];
            struct member member = {.kind = is_host ? "host" : "router",
                                    .name = host->name,
                                    .interface_count = host->n_interfaces,
                                    .interfaces = host->interfaces,
                                    .place = host->place};

            write_member(stream, &member, &first);
        }
    }
    ttb__stream_text(stream, "]}");
    if (scenario)
        ttb__scenario__free_unpacked(scenario, NULL);
}
