/* SPDX-License-Identifier: BSD-3-Clause */
/* What the trace knows of the network besides the nodes' ports: links, and frames lost on them. */
#include "run/traced.h"

#include <string.h>

static int declare_link(struct ttb_trace_writer *writer, const Ttb__Scenario__Link *given, size_t i)
{
    static const char *const types[] = {[TTB__SCENARIO__LINK__TYPE__CSMA] = "csma",
                                        [TTB__SCENARIO__LINK__TYPE__ETHERNET] = "ethernet",
                                        [TTB__SCENARIO__LINK__TYPE__WIFI] = "wifi"};
    const struct ttb_trace_link link = {
        .id = (uint32_t)i,
        .name = given->name,
        .type = given->device ? given->device : types[given->type],
        .rate_bps = given->rate_bps,
        .delay_ns = given->delay_ns,
    };

    return ttb_trace_writer_add_link(writer, &link);
}

static int declare_port(struct ttb_trace_writer *writer, const Ttb__Scenario *scenario,
                        const Ttb__Scenario__Interface *given, uint32_t node, struct ttb_port *port)
{
    struct ttb_trace_place place = {
        .kind = TTB_TRACE_PORT,
        .name = ttb_port_name(port),
        .node = node,
        .has_mac = true,
        .mtu_bytes = ttb_port_mtu(port),
        .link = TTB_TRACE_NONE,
        .speed_bps = given->rate_bps,
    };

    ttb_port_get_mac(port, place.mac);
    for (size_t i = 0; i < scenario->n_links; i++) {
        if (given->link && strcmp(scenario->links[i]->name, given->link) == 0)
            place.link = (uint32_t)i;
    }
    return ttb_trace_writer_add_place(writer, &place, NULL);
}

int ttb__traced_declare(struct ttb_trace_writer *writer, const Ttb__Scenario *scenario,
                        struct ttb_port *(*port)(void *user, size_t node, size_t interface),
                        void *user)
{
    int rc = 0;

    for (size_t i = 0; i < scenario->n_links && !rc; i++)
        rc = declare_link(writer, scenario->links[i], i);
    for (size_t i = 0; i < scenario->n_nodes && !rc; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_interfaces && !rc; j++) {
            struct ttb_port *its_port = port(user, i, j);

            rc = declare_port(writer, scenario, scenario->nodes[i]->interfaces[j],
                              ttb_node_id(ttb_port_node(its_port)), its_port);
        }
    }
    /* A place for each link itself, in the links' order: see ttb__traced_lost(). */
    for (size_t i = 0; i < scenario->n_links && !rc; i++) {
        const struct ttb_trace_place place = {.kind = TTB_TRACE_LINK_PLACE,
                                              .name = scenario->links[i]->name,
                                              .node = TTB_TRACE_NONE,
                                              .link = (uint32_t)i};

        rc = ttb_trace_writer_add_place(writer, &place, NULL);
    }
    return rc;
}

/* Links are few, and losses too. */
static uint32_t place_of_link(const struct ttb_trace_tables *tables, size_t link)
{
    for (size_t i = 0; i < tables->place_count; i++) {
        if (tables->places[i].kind == TTB_TRACE_LINK_PLACE && tables->places[i].link == link)
            return tables->places[i].id;
    }
    return TTB_TRACE_NONE;
}

void ttb__traced_lost(struct ttb_trace_writer *writer, size_t link, uint64_t time_ns,
                      const char *reason, uint64_t packet, const void *frame, size_t len_bytes)
{
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_FRAME,
        .time_ns = time_ns,
        .node = TTB_TRACE_NONE,
        .frame = {.what = TTB_TRACE_LOST,
                  .packet = packet,
                  .len_bytes = (uint32_t)len_bytes,
                  .payload = {.data = frame, .len_bytes = len_bytes},
                  .reason = {.data = reason, .len_bytes = strlen(reason)}},
    };

    if (!writer || len_bytes > TTB_FRAME_MAX)
        return;
    record.frame.place = place_of_link(ttb_trace_writer_tables(writer), link);
    ttb_trace_write(writer, &record);
}
