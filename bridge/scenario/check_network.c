/* SPDX-License-Identifier: BSD-3-Clause */
/* Links and what is on them: types, ends, loops, islands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/check.h"

static const struct ttb__path *link_path(const Ttb__Scenario__Link *link, struct ttb__path room[2])
{
    room[0] = (struct ttb__path){.name = "links"};
    room[1] = (struct ttb__path){.up = &room[0], .name = link->name ? link->name : ""};
    return &room[1];
}

static const char *type_word(const Ttb__Scenario__Link *link)
{
    switch (link->type) {
    case TTB__SCENARIO__LINK__TYPE__CSMA:
        return "csma";
    case TTB__SCENARIO__LINK__TYPE__ETHERNET:
        return "ethernet";
    case TTB__SCENARIO__LINK__TYPE__WIFI:
        return "wifi";
    default:
        return "ns3:";
    }
}

/* ------------------------------------------------------------------------ links by themselves */

static void check_object(const struct ttb__model *model, const Ttb__Scenario__Object *object,
                         const struct ttb__path *path)
{
    if (object && !object->type &&
        !ttb__problems_has_text(model->problems, TTB__FIELD(path, "type")))
        ttb__problem_missing(model->problems, path, "\"type\" is missing");
}

static void check_wifi(const struct ttb__model *model, const Ttb__Scenario__Link *link,
                       const struct ttb__path *path)
{
    const Ttb__Scenario__Wifi *wifi = link->wifi;
    bool has_mode = wifi && wifi->mode == TTB__SCENARIO__WIFI__MODE__INFRASTRUCTURE;
    const struct ttb__path *at = TTB__FIELD(path, "wifi");

    if (!wifi)
        return;
    if (link->type != TTB__SCENARIO__LINK__TYPE__WIFI) {
        ttb__problem(model->problems, at, TTB__AT_KEY, "a link of type %s has no wifi",
                     type_word(link));
        return;
    }
    if (has_mode && !wifi->access_point &&
        !ttb__problems_has_text(model->problems, TTB__FIELD(at, "access_point")))
        ttb__problem_missing(
            model->problems, at,
            "\"access_point\" is missing: in infrastructure mode something has to be it");
    if (!has_mode && wifi->access_point)
        ttb__problem(model->problems, TTB__FIELD(at, "access_point"), TTB__AT_KEY,
                     "there is no access point in adhoc mode (mode: infrastructure)");
    for (size_t i = 0; i < wifi->n_propagation_loss; i++)
        check_object(model, wifi->propagation_loss[i],
                     TTB__ELEMENT(TTB__FIELD(at, "propagation_loss"), i));
}

/* Keys that only cables have. */
static void check_cable(const struct ttb__model *model, const Ttb__Scenario__Link *link,
                        const struct ttb__path *path)
{
    const struct {
        const char *key;
        bool present;
    } keys[] = {{"rate", link->has_rate_bps},
                {"delay", link->has_delay_ns},
                {"queue", link->has_queue_frames}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (keys[i].present)
            ttb__problem(model->problems, TTB__FIELD(path, keys[i].key), TTB__AT_KEY,
                         "a link of type %s has no %s of its own: %s", type_word(link), keys[i].key,
                         link->type == TTB__SCENARIO__LINK__TYPE__WIFI
                             ? "that follows from wifi"
                             : "attributes of its devices and channel say");
    }
}

static void check_link(const struct ttb__model *model, const Ttb__Scenario__Link *link)
{
    struct ttb__path room[2];
    const struct ttb__path *path = link_path(link, room);
    bool is_other = link->type == TTB__SCENARIO__LINK__TYPE__OTHER;

    if (is_other && !link->device)
        ttb__problem(model->problems, TTB__FIELD(path, "type"), 0,
                     "the type of the device is "
                     "missing");
    if (is_other)
        check_object(model, link->channel, TTB__FIELD(path, "channel"));
    if (is_other || link->type == TTB__SCENARIO__LINK__TYPE__WIFI)
        check_cable(model, link, path);
    check_wifi(model, link, path);
    check_object(model, link->error_model, TTB__FIELD(path, "error_model"));
    if (link->error_model && link->loss_ppb > 0)
        ttb__problem(model->problems, TTB__FIELD(path, "error_model"), TTB__AT_KEY,
                     "either loss or an error model loses frames, not both");
    if (link->channel && link->type == TTB__SCENARIO__LINK__TYPE__CSMA &&
        strcmp(link->channel->type, "ns3::CsmaChannel") != 0)
        ttb__problem(model->problems, TTB__FIELD(path, "channel"), 0,
                     "the channel of a csma link is ns3::CsmaChannel");
    if (link->channel && link->type == TTB__SCENARIO__LINK__TYPE__WIFI &&
        strcmp(link->channel->type, "ns3::YansWifiChannel") != 0)
        ttb__problem(model->problems, TTB__FIELD(path, "channel"), 0,
                     "the channel of a wifi link is ns3::YansWifiChannel");
    if (link->channel && link->type == TTB__SCENARIO__LINK__TYPE__ETHERNET)
        ttb__problem(model->problems, TTB__FIELD(path, "channel"), TTB__AT_KEY,
                     "an ethernet link has no channel to be set");
}

/* -------------------------------------------------------------------------- ends and their links */

static void check_end(const struct ttb__model *model, const struct ttb__end *end)
{
    const Ttb__Scenario__Interface *interface = end->interface;
    const Ttb__Scenario__Link *link = model->scenario->links[end->link];
    struct ttb__end_path room;
    const struct ttb__path *path = ttb__end_path(end, &room);

    if (interface && interface->has_mtu_bytes && link->has_mtu_bytes &&
        interface->mtu_bytes > link->mtu_bytes)
        ttb__problem(model->problems, TTB__FIELD(path, "mtu"), 0,
                     "%u is more than the link carries, %u (links.%s.mtu)", interface->mtu_bytes,
                     link->mtu_bytes, link->name);
    if (interface && link->type != TTB__SCENARIO__LINK__TYPE__ETHERNET) {
        const struct {
            const char *key;
            bool present;
        } keys[] = {{"rate", interface->has_rate_bps},
                    {"delay", interface->has_delay_ns},
                    {"loss", interface->has_loss_ppb},
                    {"queue", interface->has_queue_frames}};

        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
            if (keys[i].present)
                ttb__problem(model->problems, TTB__FIELD(path, keys[i].key), TTB__AT_KEY,
                             "only ends of ethernet links have a %s of their own", keys[i].key);
        }
    }
    if (interface && end->owner != TTB__OWNER_NODE) {
        const struct {
            const char *key;
            bool present;
        } keys[] = {{"offload", interface->has_offload},
                    {"coalesce", interface->has_coalesce_ns},
                    {"coalesce_frames", interface->has_coalesce_frames}};

        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
            if (keys[i].present)
                ttb__problem(model->problems, TTB__FIELD(path, keys[i].key), TTB__AT_KEY,
                             "only interfaces of Linux nodes have this");
        }
    }
    if (interface && interface->has_loss_ppb && interface->loss_ppb > 0 && link->error_model)
        ttb__problem(model->problems, TTB__FIELD(path, "loss"), TTB__AT_KEY,
                     "the link has an error model, which excludes loss");
    if (end->owner == TTB__OWNER_SWITCH && link->type == TTB__SCENARIO__LINK__TYPE__WIFI &&
        (!link->wifi || !link->wifi->access_point || !end->owner_name ||
         strcmp(link->wifi->access_point, end->owner_name) != 0))
        ttb__problem(model->problems, path, 0,
                     "a switch can be on a wifi link only as its access point: others cannot send "
                     "in the name of somebody else");
}

/* Interface names within their owner. */
static void check_interface_names(const struct ttb__model *model)
{
    for (size_t i = 0; i < model->end_count; i++) {
        const struct ttb__end *end = &model->ends[i];
        struct ttb__end_path room;

        for (size_t j = i; j-- > 0 && model->ends[j].vertex == end->vertex;) {
            const struct ttb__end *other = &model->ends[j];

            if (end->interface && other->interface && end->interface->name &&
                other->interface->name &&
                strcmp(end->interface->name, other->interface->name) == 0) {
                ttb__problem(model->problems, TTB__FIELD(ttb__end_path(end, &room), "name"), 0,
                             "interfaces[%zu] has the name \"%s\", too", other->index,
                             end->interface->name);
                break;
            }
            if (!end->interface && end->link != TTB__NO_NAME && end->link == other->link) {
                ttb__problem(model->problems, ttb__end_path(end, &room), 0,
                             "the switch is on this link already");
                break;
            }
        }
    }
}

static void check_end_counts(const struct ttb__model *model, const size_t *counts,
                             const struct ttb__end *const *firsts)
{
    for (size_t i = 0; i < model->scenario->n_links; i++) {
        const Ttb__Scenario__Link *link = model->scenario->links[i];
        struct ttb__path room[2];
        const struct ttb__path *path = link_path(link, room);

        if (link->type == TTB__SCENARIO__LINK__TYPE__ETHERNET && counts[i] != 2)
            ttb__problem(model->problems, path, TTB__AT_KEY,
                         "an ethernet link has two ends, this one has %zu%s", counts[i],
                         counts[i] > 2 ? "; use a switch, or type csma" : "");
        else if (counts[i] == 0)
            ttb__problem(model->problems, path, TTB__AT_KEY | TTB__WARNING, "nothing is on it");
        else if (counts[i] == 1)
            ttb__problem(model->problems, path, TTB__AT_KEY | TTB__WARNING,
                         "only %s is on it, so nobody hears what is sent", firsts[i]->owner_name);
    }
}

static void check_access_points(const struct ttb__model *model)
{
    for (size_t i = 0; i < model->scenario->n_links; i++) {
        const Ttb__Scenario__Link *link = model->scenario->links[i];
        struct ttb__path room[2];
        const struct ttb__path *path = link_path(link, room);
        size_t vertex;
        bool found = false;

        if (link->type != TTB__SCENARIO__LINK__TYPE__WIFI || !link->wifi ||
            !link->wifi->access_point ||
            link->wifi->mode != TTB__SCENARIO__WIFI__MODE__INFRASTRUCTURE)
            continue;
        path = TTB__FIELD(TTB__FIELD(path, "wifi"), "access_point");
        vertex = ttb__model_find(model, &model->owners, link->wifi->access_point,
                                 "node, switch, router or host", path);
        if (vertex == TTB__NO_NAME)
            continue;
        for (size_t j = 0; j < model->end_count && !found; j++)
            found = model->ends[j].vertex == vertex && model->ends[j].link == i;
        if (!found)
            ttb__problem(model->problems, path, 0, "\"%s\" is not on this link",
                         link->wifi->access_point);
    }
}

/* -------------------------------------------------------------------------- what is connected */

static size_t set_find(size_t *parent, size_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The lower root stays: which one it is depends on nothing but the order in the file. False if they
 * were one set before. */
static bool set_join(size_t *parent, size_t a, size_t b)
{
    a = set_find(parent, a);
    b = set_find(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
    return a != b;
}

static size_t *new_sets(size_t count)
{
    size_t *parent = malloc((count ? count : 1) * sizeof(*parent));

    for (size_t i = 0; i < count && parent; i++)
        parent[i] = i;
    return parent;
}

/* Joins links by switches; one that closes a circle is reported. */
static int find_domains(struct ttb__model *model)
{
    size_t links = model->scenario->n_links;
    size_t *sets = new_sets(links + model->vertex_count);

    model->domain = malloc((links ? links : 1) * sizeof(*model->domain));
    if (!sets || !model->domain) {
        free(sets);
        return -ENOMEM;
    }
    for (size_t i = 0; i < model->end_count; i++) {
        const struct ttb__end *end = &model->ends[i];
        struct ttb__end_path room;
        bool again = false;

        if (end->owner != TTB__OWNER_SWITCH || end->link == TTB__NO_NAME)
            continue;
        /* A switch that is on a link twice has been reported as just that. */
        for (size_t j = i; j-- > 0 && model->ends[j].vertex == end->vertex;)
            again = again || model->ends[j].link == end->link;
        if (!again && !set_join(sets, end->link, links + end->vertex))
            ttb__problem(model->problems, ttb__end_path(end, &room), 0,
                         "switches form a loop here: frames would circulate for ever, as switches "
                         "speak no spanning tree protocol");
    }
    for (size_t i = 0; i < links; i++)
        model->domain[i] = set_find(sets, i);
    free(sets);
    return 0;
}

/* Owners that no way leads to from the first one. */
static int check_islands(const struct ttb__model *model)
{
    size_t links = model->scenario->n_links, first = TTB__NO_NAME;
    size_t *sets = new_sets(links + model->vertex_count);

    if (!sets)
        return -ENOMEM;
    for (size_t i = 0; i < model->end_count; i++) {
        if (model->ends[i].link != TTB__NO_NAME)
            set_join(sets, model->ends[i].link, links + model->ends[i].vertex);
    }
    for (size_t i = 0; i < model->end_count; i++) {
        const struct ttb__end *end = &model->ends[i];

        if (end->link == TTB__NO_NAME || !end->owner_name)
            continue;
        if (first == TTB__NO_NAME)
            first = i;
        if (set_find(sets, end->link) == set_find(sets, model->ends[first].link))
            continue;
        ttb__problem(model->problems,
                     TTB__FIELD(TTB__FIELD(NULL, ttb__owner_key(end->owner)), end->owner_name),
                     TTB__AT_KEY | TTB__WARNING, "no links lead from here to \"%s\"",
                     model->ends[first].owner_name);
        /* Once for each island. */
        set_join(sets, end->link, model->ends[first].link);
    }
    free(sets);
    return 0;
}

/* ------------------------------------------------------------------------ the built-in network */

static void check_built_in(const struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;

    if (s->engine != TTB__SCENARIO__ENGINE__BUILT_IN)
        return;
    for (size_t i = 0; i < s->n_links; i++) {
        const Ttb__Scenario__Link *link = s->links[i];
        struct ttb__path room[2];
        const struct ttb__path *path = link_path(link, room);

        if (link->type != TTB__SCENARIO__LINK__TYPE__ETHERNET)
            ttb__problem(model->problems, TTB__FIELD(path, "type"), 0,
                         "the built-in network (engine: builtin) has links of type ethernet only");
        if (link->error_model)
            ttb__problem(model->problems, TTB__FIELD(path, "error_model"), TTB__AT_KEY,
                         "the built-in network (engine: builtin) has no error models");
        if (link->n_attributes > 0)
            ttb__problem(model->problems, TTB__FIELD(path, "attributes"), TTB__AT_KEY,
                         "the built-in network (engine: builtin) has no attributes");
    }
    for (size_t i = 0; i < s->n_switches; i++) {
        if (s->switches[i]->n_attributes > 0)
            ttb__problem(model->problems,
                         TTB__FIELD(TTB__FIELD(TTB__FIELD(NULL, "switches"), s->switches[i]->name),
                                    "attributes"),
                         TTB__AT_KEY, "the built-in network (engine: builtin) has no attributes");
    }
    if (s->n_routers > 0)
        ttb__problem(model->problems, TTB__FIELD(NULL, "routers"), TTB__AT_KEY,
                     "the built-in network (engine: builtin) has no routers");
    if (s->n_hosts > 0)
        ttb__problem(model->problems, TTB__FIELD(NULL, "hosts"), TTB__AT_KEY,
                     "the built-in network (engine: builtin) has no hosts");
    if (s->ns3)
        ttb__problem(model->problems, TTB__FIELD(NULL, "ns3"), TTB__AT_KEY,
                     "the built-in network (engine: builtin) is not ns-3");
}

int ttb__check_network(struct ttb__model *model)
{
    size_t links = model->scenario->n_links;
    size_t *counts = calloc(links ? links : 1, sizeof(*counts));
    const struct ttb__end **firsts = calloc(links ? links : 1, sizeof(const struct ttb__end *));
    int rc = 0;

    if (!counts || !firsts) {
        free(counts);
        free(firsts);
        return -ENOMEM;
    }
    for (size_t i = 0; i < links; i++)
        check_link(model, model->scenario->links[i]);
    for (size_t i = 0; i < model->end_count; i++) {
        const struct ttb__end *end = &model->ends[i];

        if (end->link == TTB__NO_NAME)
            continue;
        if (counts[end->link]++ == 0)
            firsts[end->link] = end;
        check_end(model, end);
    }
    check_end_counts(model, counts, firsts);
    check_interface_names(model);
    check_access_points(model);
    check_built_in(model);
    rc = find_domains(model);
    if (rc == 0)
        rc = check_islands(model);
    free(counts);
    free(firsts);
    return rc;
}
