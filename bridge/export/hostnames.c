/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/hostnames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.pb-c.h>

/* ---------------------------------------------------------------------------- from the scenario */

static unsigned name_interfaces(const char *owner, size_t count,
                                Ttb__Scenario__Interface *const *interfaces, ttb__hostname_fn fn,
                                void *user)
{
    unsigned named = 0;

    for (size_t i = 0; i < count; i++) {
        const Ttb__Scenario__Interface *interface = interfaces[i];
        char full_name[160];

        /* One that has several interfaces has as many names. */
        if (count > 1 && interface->name)
            snprintf(full_name, sizeof(full_name), "%s.%s", owner, interface->name);
        else if (count > 1)
            snprintf(full_name, sizeof(full_name), "%s.eth%zu", owner, i);
        else
            snprintf(full_name, sizeof(full_name), "%s", owner);
        for (size_t j = 0; j < interface->n_addresses; j++) {
            struct ttb__hostname name = {.name = full_name};
            char text[64];
            char *slash;

            snprintf(text, sizeof(text), "%s", interface->addresses[j]);
            slash = strchr(text, '/');
            if (slash)
                *slash = 0;
            name.v6 = strchr(text, ':') != NULL;
            if (inet_pton(name.v6 ? AF_INET6 : AF_INET, text, name.address) != 1)
                continue;
            fn(user, &name);
            named++;
        }
    }
    return named;
}

unsigned ttb__hostnames_of_scenario(const struct ttb_trace_bytes *serialised, ttb__hostname_fn fn,
                                    void *user)
{
    Ttb__Scenario *scenario;
    unsigned named = 0;

    if (!serialised->len_bytes)
        return 0;
    scenario = ttb__scenario__unpack(NULL, serialised->len_bytes, serialised->data);
    if (!scenario)
        return 0;
    for (size_t i = 0; i < scenario->n_nodes; i++) {
        const Ttb__Scenario__Node *node = scenario->nodes[i];

        named += name_interfaces(node->name ? node->name : "", node->n_interfaces, node->interfaces,
                                 fn, user);
    }
    for (int kind = 0; kind < 2; kind++) {
        size_t count = kind ? scenario->n_hosts : scenario->n_routers;
        Ttb__Scenario__Host **hosts = kind ? scenario->hosts : scenario->routers;

        for (size_t i = 0; i < count; i++)
            named += name_interfaces(hosts[i]->name ? hosts[i]->name : "", hosts[i]->n_interfaces,
                                     hosts[i]->interfaces, fn, user);
    }
    ttb__scenario__free_unpacked(scenario, NULL);
    return named;
}

/* ------------------------------------------------------------------------------ from the frames */

/* Most addresses of one place. */
#define LEARNED_MAX 8

struct learned {
    unsigned count;
    struct {
        bool v6;
        uint8_t address[16];
    } addresses[LEARNED_MAX];
};

struct ttb__hostnames {
    struct learned *places; /* by id */
    size_t room;
};

int ttb__hostnames_new(struct ttb__hostnames **names)
{
    *names = calloc(1, sizeof(**names));
    return *names ? 0 : -ENOMEM;
}

void ttb__hostnames_free(struct ttb__hostnames *names)
{
    if (!names)
        return;
    free(names->places);
    free(names);
}

/* The address that the sender of a frame says is its own. */
static bool own_address(const struct ttb_trace_place *place, const uint8_t *frame, size_t len_bytes,
                        struct ttb__hostname *name)
{
    static const uint8_t nothing[16];
    const uint8_t *from;

    /* ARP over Ethernet for IPv4, with the port's own hardware address; a probe has no sender. Replies
     * do not count: they may be another's, by proxy. */
    if (len_bytes >= 42 &&
        memcmp(frame + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10) == 0) {
        from = frame + 28;
        name->v6 = false;
        memcpy(name->address, from, 4);
        return memcmp(frame + 22, place->mac, 6) == 0 && memcmp(from, nothing, 4) != 0;
    }
    /* A neighbour solicitation from nowhere: the sender tries whether the address that it wants is
     * free, RFC 4862, section 5.4.2. */
    if (len_bytes >= 78 && memcmp(frame + 12, "\x86\xdd", 2) == 0 && frame[20] == 58 &&
        frame[54] == 135 && memcmp(frame + 22, nothing, 16) == 0) {
        name->v6 = true;
        memcpy(name->address, frame + 62, 16);
        return memcmp(frame + 6, place->mac, 6) == 0;
    }
    return false;
}

static int grow(struct ttb__hostnames *names, uint32_t place)
{
    size_t room = names->room ? names->room : 64;
    struct learned *grown;

    while (room <= place)
        room *= 2;
    grown = realloc(names->places, room * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + names->room, 0, (room - names->room) * sizeof(*grown));
    names->places = grown;
    names->room = room;
    return 0;
}

static bool has_several_places(const struct ttb_trace_tables *tables, uint32_t node)
{
    unsigned count = 0;

    for (size_t i = 0; i < tables->place_count && count < 2; i++)
        count += tables->places[i].node == node && tables->places[i].kind == TTB_TRACE_PORT;
    return count > 1;
}

int ttb__hostnames_learn(struct ttb__hostnames *names, const struct ttb_trace_tables *tables,
                         const struct ttb_trace_place *place, const struct ttb_trace_frame *frame,
                         ttb__hostname_fn fn, void *user)
{
    const struct ttb_trace_node *node;
    struct ttb__hostname name = {.v6 = false};
    struct learned *learned;
    char full_name[160];

    if (!place->has_mac || place->node == TTB_TRACE_NONE ||
        !own_address(place, frame->payload.data, frame->payload.len_bytes, &name))
        return 0;
    node = ttb_trace_find_node(tables, place->node);
    if (!node)
        return 0;
    if (place->id >= names->room && grow(names, place->id))
        return -ENOMEM;
    learned = &names->places[place->id];
    for (unsigned i = 0; i < learned->count; i++) {
        if (learned->addresses[i].v6 == name.v6 &&
            memcmp(learned->addresses[i].address, name.address, name.v6 ? 16 : 4) == 0)
            return 0;
    }
    if (learned->count == LEARNED_MAX)
        return 0;
    learned->addresses[learned->count].v6 = name.v6;
    memcpy(learned->addresses[learned->count++].address, name.address, 16);
    if (has_several_places(tables, node->id))
        snprintf(full_name, sizeof(full_name), "%s.%s", node->name, place->name);
    else
        snprintf(full_name, sizeof(full_name), "%s", node->name);
    name.name = full_name;
    fn(user, &name);
    return 0;
}
