/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ids are bounded, so an array by id serves as index however they are chosen. */
static int grow_at(uint32_t **at, size_t *room, uint32_t id)
{
    size_t wanted = *room ? *room : 64;
    uint32_t *grown;

    while (wanted <= id)
        wanted *= 2;
    if (wanted == *room)
        return 0;
    grown = realloc(*at, wanted * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + *room, 0, (wanted - *room) * sizeof(*grown));
    *at = grown;
    *room = wanted;
    return 0;
}

static int grow(void **list, size_t *room, size_t count, size_t size_bytes)
{
    size_t wanted = *room ? *room * 2 : 16;
    void *grown;

    if (count < *room)
        return 0;
    grown = realloc(*list, wanted * size_bytes);
    if (!grown)
        return -ENOMEM;
    *list = grown;
    *room = wanted;
    return 0;
}

/* Copies up to two strings, both or none. NULL stays NULL. */
static int copy_strings(const char *a, const char *b, char **a_copy, char **b_copy)
{
    *a_copy = a ? strdup(a) : NULL;
    *b_copy = b ? strdup(b) : NULL;
    if ((a && !*a_copy) || (b && !*b_copy)) {
        free(*a_copy);
        free(*b_copy);
        return -ENOMEM;
    }
    return 0;
}

int ttb__trace_tables_set_node(struct ttb__tables *tables, const struct ttb_trace_node *node)
{
    struct ttb_trace_node *at;
    char *name, *none;

    if (node->id >= TTB_TRACE_TABLE_MAX)
        return -EINVAL;
    if (grow_at(&tables->node_at, &tables->node_at_room, node->id) ||
        grow((void **)&tables->nodes, &tables->node_room, tables->view.node_count, sizeof(*at)) ||
        copy_strings(node->name ? node->name : "", NULL, &name, &none))
        return -ENOMEM;
    if (tables->node_at[node->id]) {
        at = &tables->nodes[tables->node_at[node->id] - 1];
        free((char *)at->name);
    } else {
        at = &tables->nodes[tables->view.node_count++];
        tables->node_at[node->id] = (uint32_t)tables->view.node_count;
    }
    *at = *node;
    at->name = name;
    tables->view.nodes = tables->nodes;
    return 0;
}

int ttb__trace_tables_set_link(struct ttb__tables *tables, const struct ttb_trace_link *link)
{
    struct ttb_trace_link *at;
    char *name, *type;

    if (link->id >= TTB_TRACE_TABLE_MAX)
        return -EINVAL;
    if (grow_at(&tables->link_at, &tables->link_at_room, link->id) ||
        grow((void **)&tables->links, &tables->link_room, tables->view.link_count, sizeof(*at)) ||
        copy_strings(link->name ? link->name : "", link->type, &name, &type))
        return -ENOMEM;
    if (tables->link_at[link->id]) {
        at = &tables->links[tables->link_at[link->id] - 1];
        free((char *)at->name);
        free((char *)at->type);
    } else {
        at = &tables->links[tables->view.link_count++];
        tables->link_at[link->id] = (uint32_t)tables->view.link_count;
    }
    *at = *link;
    at->name = name;
    at->type = type;
    tables->view.links = tables->links;
    return 0;
}

int ttb__trace_tables_set_place(struct ttb__tables *tables, const struct ttb_trace_place *place)
{
    struct ttb_trace_place *at;
    char *name, *description;

    if (place->id > tables->view.place_count || place->id >= TTB_TRACE_TABLE_MAX)
        return -EINVAL;
    if (grow((void **)&tables->places, &tables->place_room, tables->view.place_count,
             sizeof(*at)) ||
        copy_strings(place->name ? place->name : "", place->description, &name, &description))
        return -ENOMEM;
    at = &tables->places[place->id];
    if (place->id < tables->view.place_count) {
        free((char *)at->name);
        free((char *)at->description);
    } else {
        tables->view.place_count++;
    }
    *at = *place;
    at->name = name;
    at->description = description;
    tables->view.places = tables->places;
    return 0;
}

void ttb__trace_tables_free(struct ttb__tables *tables)
{
    for (size_t i = 0; i < tables->view.node_count; i++)
        free((char *)tables->nodes[i].name);
    for (size_t i = 0; i < tables->view.link_count; i++) {
        free((char *)tables->links[i].name);
        free((char *)tables->links[i].type);
    }
    for (size_t i = 0; i < tables->view.place_count; i++) {
        free((char *)tables->places[i].name);
        free((char *)tables->places[i].description);
    }
    free(tables->nodes);
    free(tables->links);
    free(tables->places);
    free(tables->node_at);
    free(tables->link_at);
    *tables = (struct ttb__tables){0};
}

/* The public ones know only the view. Ids mostly are positions. */

const struct ttb_trace_node *ttb_trace_find_node(const struct ttb_trace_tables *tables, uint32_t id)
{
    if (id < tables->node_count && tables->nodes[id].id == id)
        return &tables->nodes[id];
    for (size_t i = 0; i < tables->node_count; i++) {
        if (tables->nodes[i].id == id)
            return &tables->nodes[i];
    }
    return NULL;
}

const struct ttb_trace_link *ttb_trace_find_link(const struct ttb_trace_tables *tables, uint32_t id)
{
    if (id < tables->link_count && tables->links[id].id == id)
        return &tables->links[id];
    for (size_t i = 0; i < tables->link_count; i++) {
        if (tables->links[i].id == id)
            return &tables->links[i];
    }
    return NULL;
}

const struct ttb_trace_place *ttb_trace_find_place(const struct ttb_trace_tables *tables,
                                                   uint32_t id)
{
    return id < tables->place_count ? &tables->places[id] : NULL;
}
