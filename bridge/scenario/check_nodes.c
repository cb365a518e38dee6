/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes, routers and hosts, each by itself: memory, times, commands, files. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/check.h"
#include "scenario/files.h"
#include "scenario/schema_tables.h"

static void check_place(const struct ttb__model *model, const Ttb__Scenario__Place *place,
                        const struct ttb__path *owner)
{
    const struct ttb__path *path = TTB__FIELD(owner, "place");

    if (!place)
        return;
    if (place->model && !place->model->type &&
        !ttb__problems_has_text(model->problems, TTB__FIELD(TTB__FIELD(path, "model"), "type")))
        ttb__problem_missing(model->problems, TTB__FIELD(path, "model"), "\"type\" is missing");
    if (place->model && place->n_waypoints > 0)
        ttb__problem(model->problems, TTB__FIELD(path, "model"), TTB__AT_KEY,
                     "either waypoints or a model move it, not both");
    for (size_t i = 0; i < place->n_waypoints; i++) {
        uint64_t before = i ? place->waypoints[i - 1]->at_ns : 0;
        char text[TTB__QUANTITY_TEXT];

        if (place->waypoints[i]->has_at_ns && place->waypoints[i]->at_ns <= before)
            ttb__problem(model->problems,
                         TTB__FIELD(TTB__ELEMENT(TTB__FIELD(path, "waypoints"), i), "at"), 0,
                         "times of waypoints rise: it must be later than %s",
                         ttb__time_text(before, text));
    }
}

/* A time that must lie within the run. */
static void check_before_end(const struct ttb__model *model, uint64_t time_ns,
                             const struct ttb__path *path)
{
    char text[TTB__QUANTITY_TEXT];

    if (time_ns >= model->scenario->duration_ns)
        ttb__problem(model->problems, path, 0, "the run ends at %s (duration)",
                     ttb__time_text(model->scenario->duration_ns, text));
}

static int check_commands(const struct ttb__model *model, const Ttb__Scenario__Node *node,
                          const struct ttb__path *owner)
{
    struct ttb__names names = {0};
    int rc = 0;

    for (size_t i = 0; i < node->n_run && rc == 0; i++)
        rc = ttb__names_add(&names, node->run[i]->name, i);
    ttb__names_sort(&names);
    for (size_t i = 0; i < node->n_run && rc == 0; i++) {
        const Ttb__Scenario__Command *command = node->run[i];
        const struct ttb__path *path = TTB__ELEMENT(TTB__FIELD(owner, "run"), i);
        size_t first = ttb__names_find(&names, command->name);
        char text[TTB__QUANTITY_TEXT];

        if (first != TTB__NO_NAME && first != i)
            ttb__problem(model->problems, TTB__FIELD(path, "name"), 0,
                         "run[%zu] has the name \"%s\", too", first, command->name);
        if (!command->has_at_ns)
            continue;
        check_before_end(model, command->at_ns, TTB__FIELD(path, "at"));
        if (command->at_ns < node->start_ns)
            ttb__problem(model->problems, TTB__FIELD(path, "at"), 0,
                         "the node is switched on later, at %s (start)",
                         ttb__time_text(node->start_ns, text));
    }
    ttb__names_free(&names);
    return rc;
}

static void check_file(const struct ttb__model *model, const Ttb__Scenario__File *file,
                       const struct ttb__path *path)
{
    struct ttb__error error = {0};

    /* With both, `from` is where the content came from (ttb_scenario_embed_files()). In a text it is a
     * mistake. */
    if (file->from && file->has_content && model->problems->root)
        ttb__problem(model->problems, TTB__FIELD(path, "from"), TTB__AT_KEY,
                     "its content is given as well: one of the two is enough");
    else if (!file->from && !file->has_content &&
             !ttb__problems_has_text(model->problems, TTB__FIELD(path, "content")) &&
             !ttb__problems_has_text(model->problems, TTB__FIELD(path, "base64")) &&
             !ttb__problems_has_text(model->problems, TTB__FIELD(path, "from")))
        ttb__problem_missing(model->problems, path, "\"content\" or \"from\" is missing");
    else if (file->from && *file->from && !file->has_content && model->directory &&
             ttb__host_file_check(model->directory, file->from, &error) < 0)
        ttb__problem(model->problems, TTB__FIELD(path, "from"), 0, "%s", error.text);
}

/* A path of which another one is a folder. */
static int check_file_paths(const struct ttb__model *model, const Ttb__Scenario__Node *node,
                            const struct ttb__path *owner)
{
    struct ttb__names paths = {0};
    int rc = 0;

    for (size_t i = 0; i < node->n_files && rc == 0; i++)
        rc = ttb__names_add(&paths, node->files[i]->path, i);
    ttb__names_sort(&paths);
    for (size_t i = 0; i < node->n_files && rc == 0; i++) {
        char folder[1024];
        const char *path = node->files[i]->path;

        if (!path || strlen(path) >= sizeof(folder))
            continue;
        strcpy(folder, path);
        for (char *slash = strrchr(folder, '/'); slash && slash != folder;
             slash = strrchr(folder, '/')) {
            *slash = 0;
            if (ttb__names_find(&paths, folder) != TTB__NO_NAME)
                ttb__problem(model->problems, TTB__FIELD(TTB__FIELD(owner, "files"), path),
                             TTB__AT_KEY, "\"%.200s\" is a file, not a folder", folder);
        }
    }
    ttb__names_free(&paths);
    return rc;
}

static int check_collected(const struct ttb__model *model, const Ttb__Scenario__Node *node,
                           const struct ttb__path *owner)
{
    struct ttb__names paths = {0};
    int rc = 0;

    for (size_t i = 0; i < node->n_collect && rc == 0; i++)
        rc = ttb__names_add(&paths, node->collect[i]->path, i);
    ttb__names_sort(&paths);
    for (size_t i = 0; i < node->n_collect && rc == 0; i++) {
        size_t first = ttb__names_find(&paths, node->collect[i]->path);

        if (first != TTB__NO_NAME && first != i)
            ttb__problem(model->problems,
                         TTB__FIELD(TTB__ELEMENT(TTB__FIELD(owner, "collect"), i), "path"), 0,
                         "it is collected already, by collect[%zu]", first);
    }
    ttb__names_free(&paths);
    return rc;
}

static void refuse_memory(const struct ttb__model *model, uint64_t bytes,
                          const struct ttb__path *path)
{
    ttb__problem(model->problems, path, 0,
                 "%" PRIu64 " bytes are not a whole number of MiB; \"64M\" is 64 MiB", bytes);
}

static int check_node(const struct ttb__model *model, const Ttb__Scenario__Node *node)
{
    const struct ttb__path *path =
        TTB__FIELD(TTB__FIELD(NULL, "nodes"), node->name ? node->name : "");
    int rc;

    if (node->memory_bytes % TTB__MIB != 0 &&
        (!model->problems->root ||
         ttb__problems_has_text(model->problems, TTB__FIELD(path, "memory"))))
        refuse_memory(model, node->memory_bytes, TTB__FIELD(path, "memory"));
    check_before_end(model, node->start_ns, TTB__FIELD(path, "start"));
    check_place(model, node->place, path);
    for (size_t i = 0; i < node->n_files; i++)
        check_file(model, node->files[i],
                   TTB__FIELD(TTB__FIELD(path, "files"),
                              node->files[i]->path ? node->files[i]->path : ""));
    rc = check_file_paths(model, node, path);
    if (rc == 0)
        rc = check_collected(model, node, path);
    if (rc == 0)
        rc = check_commands(model, node, path);
    return rc;
}

static void check_host(const struct ttb__model *model, const Ttb__Scenario__Host *host,
                       enum ttb__owner owner)
{
    const struct ttb__path *path =
        TTB__FIELD(TTB__FIELD(NULL, ttb__owner_key(owner)), host->name ? host->name : "");

    if (owner == TTB__OWNER_ROUTER && host->n_interfaces == 1)
        ttb__problem(model->problems, TTB__FIELD(path, "interfaces"), TTB__WARNING,
                     "a router with one interface has nothing to forward between");
    for (size_t i = 0; i < host->n_applications; i++) {
        const Ttb__Scenario__Application *application = host->applications[i];
        const struct ttb__path *at = TTB__ELEMENT(TTB__FIELD(path, "applications"), i);
        char text[TTB__QUANTITY_TEXT];

        check_before_end(model, application->start_ns, TTB__FIELD(at, "start"));
        if (application->has_stop_ns && application->stop_ns <= application->start_ns)
            ttb__problem(model->problems, TTB__FIELD(at, "stop"), 0,
                         "it starts later, at %s (start)",
                         ttb__time_text(application->start_ns, text));
    }
    check_place(model, host->place, path);
}

int ttb__check_nodes(const struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;
    int rc = 0;

    if (s->defaults && s->defaults->memory_bytes % TTB__MIB != 0)
        refuse_memory(model, s->defaults->memory_bytes,
                      TTB__FIELD(TTB__FIELD(NULL, "defaults"), "memory"));
    for (size_t i = 0; i < s->n_nodes && rc == 0; i++)
        rc = check_node(model, s->nodes[i]);
    for (size_t i = 0; i < s->n_routers; i++)
        check_host(model, s->routers[i], TTB__OWNER_ROUTER);
    for (size_t i = 0; i < s->n_hosts; i++)
        check_host(model, s->hosts[i], TTB__OWNER_HOST);
    for (size_t i = 0; i < s->n_switches; i++)
        check_place(model, s->switches[i]->place,
                    TTB__FIELD(TTB__FIELD(NULL, "switches"),
                               s->switches[i]->name ? s->switches[i]->name : ""));
    return rc;
}
