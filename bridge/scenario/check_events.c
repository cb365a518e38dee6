/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: who, when, and whether it can be done then. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/check.h"

/* What is known of a node's state from the events alone; it may have ended by itself. */
enum power {
    POWER_ON,
    POWER_OFF,
    POWER_PAUSED,
};

struct state {
    enum power power;
    uint64_t since_ns;
};

struct order {
    uint64_t at_ns;
    size_t index;
};

static int by_time(const void *x, const void *y)
{
    const struct order *a = x, *b = y;

    if (a->at_ns != b->at_ns)
        return a->at_ns < b->at_ns ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static bool changes_anything(const Ttb__Scenario__Change *set)
{
    return set->has_rate_bps || set->has_delay_ns || set->has_loss_ppb || set->has_queue_frames ||
           set->has_up;
}

/* True if something in the event could not be read: then what is missing may be that. */
static bool is_damaged(const struct ttb__model *model, const struct ttb__path *path,
                       const Ttb__Scenario__Event *event)
{
    return (!event->link && ttb__problems_has_text(model->problems, TTB__FIELD(path, "link"))) ||
           (!event->node && ttb__problems_has_text(model->problems, TTB__FIELD(path, "node"))) ||
           (!event->set && ttb__problems_has_text(model->problems, TTB__FIELD(path, "set"))) ||
           (!event->exec && ttb__problems_has_text(model->problems, TTB__FIELD(path, "exec"))) ||
           (!event->has_action &&
            ttb__problems_has_text(model->problems, TTB__FIELD(path, "action")));
}

/* Exactly one of the forms that an event has. False: it has none of them. */
static bool check_form(const struct ttb__model *model, const Ttb__Scenario__Event *event,
                       const struct ttb__path *path)
{
    int deeds = (event->set != NULL) + event->has_action + (event->exec != NULL);

    if (is_damaged(model, path, event))
        return false;
    if (event->link && event->node) {
        ttb__problem(model->problems, path, 0, "it is about a link or a node, not about both");
        return false;
    }
    if (!event->link && !event->node) {
        ttb__problem_missing(model->problems, path, "\"link\" or \"node\" is missing");
        return false;
    }
    if (event->link && event->interface) {
        ttb__problem(model->problems, TTB__FIELD(path, "interface"), TTB__AT_KEY,
                     "interfaces are named with their node, not with a link");
        return false;
    }
    if (deeds > 1) {
        ttb__problem(model->problems, path, 0, "it does several things: make it several events");
        return false;
    }
    if ((event->link || event->interface) && !event->set) {
        if (deeds == 0)
            ttb__problem_missing(model->problems, path, "\"set\" is missing");
        else
            ttb__problem(model->problems, path, 0, "%s can only be \"set\"",
                         event->link ? "a link" : "an interface");
        return false;
    }
    if (event->node && event->set && !event->interface) {
        ttb__problem(model->problems, TTB__FIELD(path, "set"), TTB__AT_KEY,
                     "a node cannot be set; one of its interfaces can (interface: eth0)");
        return false;
    }
    if (deeds == 0) {
        ttb__problem_missing(model->problems, path, "\"action\" or \"exec\" is missing");
        return false;
    }
    return true;
}

static void check_link_event(const struct ttb__model *model, const Ttb__Scenario__Event *event,
                             const struct ttb__path *path)
{
    size_t index =
        ttb__model_find(model, &model->links, event->link, "link", TTB__FIELD(path, "link"));
    const struct ttb__path *at = TTB__FIELD(path, "set");
    const Ttb__Scenario__Change *set = event->set;
    const Ttb__Scenario__Link *link;
    const struct {
        const char *key;
        bool present;
    } keys[] = {{"rate", set->has_rate_bps},
                {"delay", set->has_delay_ns},
                {"queue", set->has_queue_frames}};

    if (index == TTB__NO_NAME)
        return;
    link = model->scenario->links[index];
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (keys[i].present && (link->type == TTB__SCENARIO__LINK__TYPE__WIFI ||
                                link->type == TTB__SCENARIO__LINK__TYPE__OTHER))
            ttb__problem(model->problems, TTB__FIELD(at, keys[i].key), TTB__AT_KEY,
                         "link \"%s\" has no %s", link->name, keys[i].key);
    }
    if (set->has_loss_ppb && link->error_model)
        ttb__problem(model->problems, TTB__FIELD(at, "loss"), TTB__AT_KEY,
                     "link \"%s\" has an error model, which excludes loss", link->name);
}

static void check_interface_event(const struct ttb__model *model, const Ttb__Scenario__Event *event,
                                  const Ttb__Scenario__Node *node, const struct ttb__path *path)
{
    const Ttb__Scenario__Change *set = event->set;
    bool found = false;

    for (size_t i = 0; i < node->n_interfaces && !found; i++)
        found =
            node->interfaces[i]->name && strcmp(node->interfaces[i]->name, event->interface) == 0;
    if (!found)
        ttb__problem(model->problems, TTB__FIELD(path, "interface"), 0,
                     "%s has no interface \"%.80s\"", node->name, event->interface);
    if (set->has_rate_bps || set->has_delay_ns || set->has_loss_ppb || set->has_queue_frames)
        ttb__problem(model->problems, TTB__FIELD(path, "set"), 0,
                     "of an interface, only \"up\" can be set");
}

/* Finds a Linux node, or says what it is instead. */
static size_t find_node(const struct ttb__model *model, const char *name, const char *what_for,
                        const struct ttb__path *path)
{
    size_t vertex = ttb__model_find(model, &model->owners, name, "node", path);

    if (vertex == TTB__NO_NAME || vertex < model->scenario->n_nodes)
        return vertex;
    ttb__problem(model->problems, path, 0, "\"%s\" is a %s: only Linux nodes %s", name,
                 ttb__owner_word(ttb__vertex_owner(model->scenario, vertex)), what_for);
    return TTB__NO_NAME;
}

static void check_power(const struct ttb__model *model, const Ttb__Scenario__Event *event,
                        const char *name, struct state *state, const struct ttb__path *path)
{
    bool is_exec = event->exec != NULL;
    int action = event->has_action ? (int)event->action : 0;
    const struct ttb__path *at = TTB__FIELD(path, is_exec ? "exec" : "action");
    enum power next = state->power;
    char text[TTB__QUANTITY_TEXT];

    ttb__time_text(state->since_ns, text);
    if (action == TTB__SCENARIO__EVENT__ACTION__RESTART) {
        next = POWER_ON;
    } else if (state->power == POWER_OFF) {
        ttb__problem(model->problems, at, 0, "%s is off since %s", name, text);
        return;
    } else if (action == TTB__SCENARIO__EVENT__ACTION__KILL) {
        next = POWER_OFF;
    } else if (action == TTB__SCENARIO__EVENT__ACTION__RESUME) {
        if (state->power != POWER_PAUSED)
            ttb__problem(model->problems, at, 0, "%s is not paused", name);
        next = POWER_ON;
    } else if (state->power == POWER_PAUSED) {
        ttb__problem(model->problems, at, 0, "%s is paused since %s", name, text);
        return;
    } else if (action == TTB__SCENARIO__EVENT__ACTION__STOP) {
        next = POWER_OFF;
    } else if (action == TTB__SCENARIO__EVENT__ACTION__PAUSE) {
        next = POWER_PAUSED;
    }
    if (next != state->power)
        *state = (struct state){.power = next, .since_ns = event->at_ns};
}

static void check_node_event(const struct ttb__model *model, const Ttb__Scenario__Event *event,
                             struct state *states, const struct ttb__path *path)
{
    size_t index = find_node(model, event->node, "can be acted on", TTB__FIELD(path, "node"));
    const Ttb__Scenario__Node *node;
    char text[TTB__QUANTITY_TEXT];

    if (index == TTB__NO_NAME)
        return;
    node = model->scenario->nodes[index];
    if (event->interface) {
        check_interface_event(model, event, node, path);
        return;
    }
    if (event->has_at_ns && event->at_ns < node->start_ns) {
        ttb__problem(model->problems, TTB__FIELD(path, "at"), 0,
                     "%s is switched on later, at %s (start)", node->name,
                     ttb__time_text(node->start_ns, text));
        return;
    }
    if (event->exec && event->exec->has_at_ns)
        ttb__problem(model->problems, TTB__FIELD(TTB__FIELD(path, "exec"), "at"), TTB__AT_KEY,
                     "the event has the time");
    if (event->has_at_ns)
        check_power(model, event, node->name, &states[index], path);
}

/* Names of commands are unique in a node, those of events included. */
static int check_exec_names(const struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;

    for (size_t i = 0; i < s->n_events; i++) {
        const Ttb__Scenario__Event *event = s->events[i];
        size_t index = ttb__names_find(&model->nodes, event->node);
        const char *name = event->exec ? event->exec->name : NULL;
        bool twice = false;

        if (!name || index == TTB__NO_NAME)
            continue;
        for (size_t k = 0; k < s->nodes[index]->n_run && !twice; k++)
            twice =
                s->nodes[index]->run[k]->name && strcmp(s->nodes[index]->run[k]->name, name) == 0;
        for (size_t k = 0; k < i && !twice; k++)
            twice = s->events[k]->exec && s->events[k]->exec->name && s->events[k]->node &&
                    strcmp(s->events[k]->node, event->node) == 0 &&
                    strcmp(s->events[k]->exec->name, name) == 0;
        if (twice)
            ttb__problem(
                model->problems,
                TTB__FIELD(TTB__FIELD(TTB__ELEMENT(TTB__FIELD(NULL, "events"), i), "exec"), "name"),
                0, "another command of %s has the name \"%s\"", event->node, name);
    }
    return 0;
}

int ttb__check_events(const struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;
    struct order *order = calloc(s->n_events ? s->n_events : 1, sizeof(*order));
    struct state *states = calloc(s->n_nodes ? s->n_nodes : 1, sizeof(*states));
    char text[TTB__QUANTITY_TEXT];

    if (!order || !states) {
        free(order);
        free(states);
        return -ENOMEM;
    }
    for (size_t i = 0; i < s->n_events; i++)
        order[i] = (struct order){.at_ns = s->events[i]->at_ns, .index = i};
    qsort(order, s->n_events, sizeof(*order), by_time);
    for (size_t i = 0; i < s->n_events; i++) {
        const Ttb__Scenario__Event *event = s->events[order[i].index];
        const struct ttb__path *path = TTB__ELEMENT(TTB__FIELD(NULL, "events"), order[i].index);

        if (event->has_at_ns && event->at_ns > s->duration_ns)
            ttb__problem(model->problems, TTB__FIELD(path, "at"), 0,
                         "the run ends before, at %s (duration)",
                         ttb__time_text(s->duration_ns, text));
        if (event->set && !changes_anything(event->set) && model->problems->errors == 0)
            ttb__problem(model->problems, TTB__FIELD(path, "set"), 0, "it changes nothing");
        if (!check_form(model, event, path))
            continue;
        if (event->link)
            check_link_event(model, event, path);
        else
            check_node_event(model, event, states, path);
    }
    free(order);
    free(states);
    return check_exec_names(model);
}
