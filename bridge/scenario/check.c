/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/units.h"

/* Looking for what was meant takes time; nobody sees more hints than this. */
#define HINTS_MAX 200

const char *ttb__owner_word(enum ttb__owner owner)
{
    static const char *const words[] = {"node", "switch", "router", "host"};

    return words[owner];
}

const char *ttb__owner_key(enum ttb__owner owner)
{
    static const char *const keys[] = {"nodes", "switches", "routers", "hosts"};

    return keys[owner];
}

enum ttb__owner ttb__vertex_owner(const Ttb__Scenario *scenario, size_t vertex)
{
    if (vertex < scenario->n_nodes)
        return TTB__OWNER_NODE;
    vertex -= scenario->n_nodes;
    if (vertex < scenario->n_switches)
        return TTB__OWNER_SWITCH;
    vertex -= scenario->n_switches;
    return vertex < scenario->n_routers ? TTB__OWNER_ROUTER : TTB__OWNER_HOST;
}

const char *ttb__time_text(uint64_t time_ns, char text[TTB__QUANTITY_TEXT])
{
    ttb__quantity_print(TTB__QUANTITY_TIME, false, time_ns, text);
    return text;
}

const struct ttb__path *ttb__end_path(const struct ttb__end *end, struct ttb__end_path *room)
{
    struct ttb__path *steps = room->steps;

    steps[0] = (struct ttb__path){.name = ttb__owner_key(end->owner)};
    steps[1] = (struct ttb__path){.up = &steps[0], .name = end->owner_name ? end->owner_name : ""};
    steps[2] = (struct ttb__path){.up = &steps[1],
                                  .name = end->owner == TTB__OWNER_SWITCH ? "links" : "interfaces"};
    steps[3] = (struct ttb__path){.up = &steps[2], .index = end->index};
    return &steps[3];
}

size_t ttb__model_find(const struct ttb__model *model, const struct ttb__names *names,
                       const char *name, const char *what, const struct ttb__path *path)
{
    size_t index = ttb__names_find(names, name);
    char hint[64] = "";

    if (!name || index != TTB__NO_NAME)
        return index;
    if (model->problems->count < HINTS_MAX)
        ttb__names_hint(names, name, hint, sizeof(hint));
    ttb__problem(model->problems, path, 0, "there is no %s \"%.80s\"%s", what, name, hint);
    return TTB__NO_NAME;
}

/* ----------------------------------------------------------------------------------- the model */

struct owner_view {
    enum ttb__owner owner;
    const char *name;
    Ttb__Scenario__Interface **interfaces;
    size_t interface_count;
    char **links; /* of a switch */
    size_t link_count;
};

static struct owner_view view_vertex(const Ttb__Scenario *scenario, size_t vertex)
{
    struct owner_view view = {.owner = ttb__vertex_owner(scenario, vertex)};
    const Ttb__Scenario__Host *host;

    if (view.owner == TTB__OWNER_NODE) {
        view.name = scenario->nodes[vertex]->name;
        view.interfaces = scenario->nodes[vertex]->interfaces;
        view.interface_count = scenario->nodes[vertex]->n_interfaces;
        return view;
    }
    vertex -= scenario->n_nodes;
    if (view.owner == TTB__OWNER_SWITCH) {
        view.name = scenario->switches[vertex]->name;
        view.links = scenario->switches[vertex]->links;
        view.link_count = scenario->switches[vertex]->n_links;
        return view;
    }
    vertex -= scenario->n_switches;
    host = view.owner == TTB__OWNER_ROUTER ? scenario->routers[vertex]
                                           : scenario->hosts[vertex - scenario->n_routers];
    view.name = host->name;
    view.interfaces = host->interfaces;
    view.interface_count = host->n_interfaces;
    return view;
}

static int make_names(struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;
    int rc = 0;

    for (size_t i = 0; i < s->n_links && rc == 0; i++)
        rc = ttb__names_add(&model->links, s->links[i]->name, i);
    for (size_t i = 0; i < s->n_nodes && rc == 0; i++)
        rc = ttb__names_add(&model->nodes, s->nodes[i]->name, i);
    for (size_t i = 0; i < model->vertex_count && rc == 0; i++)
        rc = ttb__names_add(&model->owners, view_vertex(s, i).name, i);
    ttb__names_sort(&model->links);
    ttb__names_sort(&model->nodes);
    ttb__names_sort(&model->owners);
    return rc;
}

/* Nodes, switches, routers and hosts share one space of names. Within each kind, names are unique. */
static void check_names(const struct ttb__model *model)
{
    for (size_t i = 0; i < model->vertex_count; i++) {
        struct owner_view view = view_vertex(model->scenario, i);
        size_t first = ttb__names_find(&model->owners, view.name);
        enum ttb__owner other;

        if (first == TTB__NO_NAME || first == i)
            continue;
        other = ttb__vertex_owner(model->scenario, first);
        if (other != view.owner)
            ttb__problem(model->problems,
                         TTB__FIELD(TTB__FIELD(NULL, ttb__owner_key(view.owner)), view.name),
                         TTB__AT_KEY, "there is a %s of that name", ttb__owner_word(other));
    }
}

static int make_ends(struct ttb__model *model)
{
    size_t count = 0, owner_index = 0;
    enum ttb__owner last = TTB__OWNER_NODE;

    for (size_t i = 0; i < model->vertex_count; i++) {
        struct owner_view view = view_vertex(model->scenario, i);

        count += view.interface_count + view.link_count;
    }
    model->ends = calloc(count ? count : 1, sizeof(*model->ends));
    if (!model->ends)
        return -ENOMEM;
    for (size_t i = 0; i < model->vertex_count; i++, owner_index++) {
        struct owner_view view = view_vertex(model->scenario, i);

        if (view.owner != last)
            owner_index = 0;
        last = view.owner;
        for (size_t k = 0; k < view.interface_count + view.link_count; k++) {
            struct ttb__end *end = &model->ends[model->end_count++];
            struct ttb__end_path room;
            const struct ttb__path *path;
            const char *link;

            *end = (struct ttb__end){.owner = view.owner,
                                     .owner_index = owner_index,
                                     .vertex = i,
                                     .owner_name = view.name,
                                     .index = k,
                                     .interface = view.links ? NULL : view.interfaces[k]};
            link = end->interface ? end->interface->link : view.links[k];
            path = ttb__end_path(end, &room);
            end->link = ttb__model_find(model, &model->links, link, "link",
                                        end->interface ? TTB__FIELD(path, "link") : path);
        }
    }
    return 0;
}

int ttb__check(const Ttb__Scenario *scenario, const char *directory, struct ttb__problems *problems)
{
    struct ttb__model model = {.scenario = scenario,
                               .directory = directory,
                               .problems = problems,
                               .vertex_count = scenario->n_nodes + scenario->n_switches +
                                               scenario->n_routers + scenario->n_hosts};
    int rc;

    if (model.vertex_count == 0 && problems->errors == 0)
        ttb__problem(problems, NULL, 0, "there are no nodes in it");
    rc = make_names(&model);
    check_names(&model);
    if (rc == 0)
        rc = make_ends(&model);
    if (rc == 0)
        rc = ttb__check_nodes(&model);
    if (rc == 0)
        rc = ttb__check_network(&model);
    if (rc == 0)
        rc = ttb__check_addresses(&model);
    if (rc == 0)
        rc = ttb__check_events(&model);
    if (rc == 0)
        rc = ttb__check_expectations(&model);
    free(model.domain);
    free(model.ends);
    ttb__names_free(&model.links);
    ttb__names_free(&model.nodes);
    ttb__names_free(&model.owners);
    return rc;
}
