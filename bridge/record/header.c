/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header to and from its message.
 */
#include "record/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/host.h"
#include "record/messages.h"
#include "record/wire.h"

#define FORMAT 1

const char *ttb__trace_version(void)
{
    return TTB__VERSION;
}

/* ---------------------------------------------------------------------------------------- copy */

/* A copy that lives as long as the header; NULL stays NULL. */
static const char *keep(struct ttb__header *header, const char *text, int *rc)
{
    char *copy;

    if (!text || *rc)
        return NULL;
    if (header->string_count == header->string_room) {
        size_t room = header->string_room ? header->string_room * 2 : 16;
        char **grown = realloc(header->strings, room * sizeof(*grown));

        if (!grown) {
            *rc = -ENOMEM;
            return NULL;
        }
        header->strings = grown;
        header->string_room = room;
    }
    copy = strdup(text);
    if (!copy)
        *rc = -ENOMEM;
    else
        header->strings[header->string_count++] = copy;
    return copy;
}

static const char **keep_list(struct ttb__header *header, const char *const *list, size_t count,
                              int *rc)
{
    const char **copy = calloc(count + 1, sizeof(*copy));

    if (!copy) {
        *rc = -ENOMEM;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = keep(header, list[i] ? list[i] : "", rc);
    return copy;
}

int ttb__trace_header_copy(struct ttb__header *to, const struct ttb_trace_header *from)
{
    int rc = 0;

    *to = (struct ttb__header){.view = *from};
    to->view.ttb_version = keep(to, from->ttb_version, &rc);
    to->view.scenario_name = keep(to, from->scenario_name, &rc);
    to->view.cpu_model = keep(to, from->cpu_model, &rc);
    to->view.host_kernel = keep(to, from->host_kernel, &rc);
    to->view.ns3_version = keep(to, from->ns3_version, &rc);
    to->cpu_flags = keep_list(to, from->cpu_flags, from->cpu_flag_count, &rc);
    to->components = keep_list(to, from->components, from->component_count, &rc);
    to->artifacts = calloc(from->artifact_count + 1, sizeof(*to->artifacts));
    to->scenario = malloc(from->scenario.len_bytes + 1);
    if (rc || !to->artifacts || !to->scenario) {
        ttb__trace_header_free(to);
        return -ENOMEM;
    }
    if (from->scenario.len_bytes)
        memcpy(to->scenario, from->scenario.data, from->scenario.len_bytes);
    for (size_t i = 0; i < from->artifact_count; i++) {
        to->artifacts[i] = from->artifacts[i];
        to->artifacts[i].path = keep(to, from->artifacts[i].path, &rc);
        to->artifacts[i].version = keep(to, from->artifacts[i].version, &rc);
    }
    to->view.cpu_flags = to->cpu_flags;
    to->view.components = to->components;
    to->view.artifacts = to->artifacts;
    to->view.scenario.data = to->scenario;
    if (rc)
        ttb__trace_header_free(to);
    return rc;
}

void ttb__trace_header_free(struct ttb__header *header)
{
    for (size_t i = 0; i < header->string_count; i++)
        free(header->strings[i]);
    free(header->strings);
    free(header->scenario);
    free(header->artifacts);
    free(header->cpu_flags);
    free(header->components);
    *header = (struct ttb__header){0};
}

/* ---------------------------------------------------------------------------------------- pack */

static bool is_zero(const uint8_t *data, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (data[i])
            return false;
    }
    return true;
}

static void artifact_to_message(const struct ttb_trace_artifact *artifact,
                                Ttb__TraceArtifact *message)
{
    ttb__trace_artifact__init(message);
    message->has_kind = true;
    message->kind = (Ttb__TraceArtifact__Kind)artifact->kind;
    message->path = (char *)artifact->path;
    message->has_len_bytes = artifact->len_bytes != 0;
    message->len_bytes = artifact->len_bytes;
    message->has_sha256 = !is_zero(artifact->sha256, sizeof(artifact->sha256));
    message->sha256.len = sizeof(artifact->sha256);
    message->sha256.data = (uint8_t *)artifact->sha256;
    message->version = (char *)artifact->version;
}

int ttb__pack_header(const struct ttb_trace_header *header, const struct ttb__tables *tables,
                     bool wall, uint8_t **data, size_t *len_bytes)
{
    Ttb__TraceHeader message = TTB__TRACE_HEADER__INIT;
    Ttb__TraceHost host = TTB__TRACE_HOST__INIT;
    Ttb__TraceArtifact *artifacts, **artifact_list;
    struct ttb__messages messages;
    int rc = ttb__trace_messages_make(&messages, &tables->view);

    if (rc)
        return rc;
    artifacts = calloc(header->artifact_count + 1, sizeof(*artifacts));
    artifact_list = calloc(header->artifact_count + 1, sizeof(*artifact_list));
    if (!artifacts || !artifact_list) {
        rc = -ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < header->artifact_count; i++) {
        artifact_to_message(&header->artifacts[i], &artifacts[i]);
        artifact_list[i] = &artifacts[i];
    }
    message.has_format = true;
    message.format = FORMAT;
    message.has_content = true;
    message.content = wall ? TTB__TRACE_HEADER__CONTENT__WALL : TTB__TRACE_HEADER__CONTENT__RUN;
    message.ttb_version = (char *)header->ttb_version;
    message.scenario_name = (char *)header->scenario_name;
    message.has_scenario = header->scenario.len_bytes != 0;
    message.scenario.len = header->scenario.len_bytes;
    message.scenario.data = (uint8_t *)header->scenario.data;
    message.has_seed = true;
    message.seed = header->seed;
    message.has_epoch_ns = header->epoch_ns != 0;
    message.epoch_ns = header->epoch_ns;
    message.n_artifacts = header->artifact_count;
    message.artifacts = artifact_list;
    message.host = &host;
    host.cpu_model = (char *)header->cpu_model;
    host.n_cpu_flags = header->cpu_flag_count;
    host.cpu_flags = (char **)header->cpu_flags;
    host.kernel = (char *)header->host_kernel;
    message.ns3_version = (char *)header->ns3_version;
    message.n_nodes = tables->view.node_count;
    message.nodes = messages.node_list;
    message.n_links = tables->view.link_count;
    message.links = messages.link_list;
    message.n_places = tables->view.place_count;
    message.places = messages.place_list;
    message.n_components = header->component_count;
    message.components = (char **)header->components;
    message.has_started_wall_ns = wall;
    message.started_wall_ns = header->started_wall_ns;
    message.has_no_look_ahead = message.no_look_ahead = header->no_look_ahead;
    message.has_ports_only = message.ports_only = header->ports_only;
    rc = ttb__pack_framed(&message.base, data, len_bytes);

out:
    free(artifacts);
    free(artifact_list);
    ttb__trace_messages_free(&messages);
    return rc;
}

/* -------------------------------------------------------------------------------------- unpack */

static int unpack_artifacts(const Ttb__TraceHeader *message, struct ttb_trace_artifact *artifacts,
                            struct ttb__error *error)
{
    for (size_t i = 0; i < message->n_artifacts; i++) {
        const Ttb__TraceArtifact *from = message->artifacts[i];

        artifacts[i] = (struct ttb_trace_artifact){
            .kind = (enum ttb_trace_artifact_kind)from->kind,
            .path = from->path,
            .len_bytes = from->len_bytes,
            .version = from->version,
        };
        if (from->has_sha256) {
            if (from->sha256.len != TTB_TRACE_SHA256_BYTES)
                return ttb__fail(error, -EBADMSG,
                                 "header.artifacts[%zu].sha256: %zu bytes are not %d", i,
                                 from->sha256.len, TTB_TRACE_SHA256_BYTES);
            memcpy(artifacts[i].sha256, from->sha256.data, TTB_TRACE_SHA256_BYTES);
        }
    }
    return 0;
}

static int check(const Ttb__TraceHeader *message, struct ttb__error *error)
{
    if (!message->has_format || message->format != FORMAT) {
        return ttb__fail(error, -EPROTONOSUPPORT,
                         "header.format: %u; this version of ttb reads format %d", message->format,
                         FORMAT);
    }
    if (!message->has_content || (message->content != TTB__TRACE_HEADER__CONTENT__RUN &&
                                  message->content != TTB__TRACE_HEADER__CONTENT__WALL)) {
        return ttb__fail(error, -EPROTONOSUPPORT,
                         "header.content: %d is neither 1 (run) nor 2 (wall)",
                         (int)message->content);
    }
    return 0;
}

int ttb__unpack_header(const uint8_t *data, size_t len_bytes, struct ttb__header *header,
                       struct ttb__tables *tables, bool *wall, struct ttb__error *error)
{
    struct ttb_trace_artifact *artifacts = NULL;
    struct ttb_trace_header view;
    struct ttb__budget budget;
    struct ttb__wire wire;
    Ttb__TraceHeader *message;
    int rc = ttb__unframe(data, len_bytes, "header", &wire, error);

    *header = (struct ttb__header){0};
    if (rc)
        return rc;
    ttb__budget_init(&budget);
    message = ttb__trace_header__unpack(&budget.allocator, (size_t)(wire.end - wire.at), wire.at);
    if (!message)
        return ttb__unpack_failed(&budget, "header", error);
    rc = check(message, error);
    if (rc)
        goto out;
    artifacts = calloc(message->n_artifacts + 1, sizeof(*artifacts));
    if (!artifacts) {
        rc = ttb__fail(error, -ENOMEM, "out of memory");
        goto out;
    }
    rc = unpack_artifacts(message, artifacts, error);
    if (rc)
        goto out;
    *wall = message->content == TTB__TRACE_HEADER__CONTENT__WALL;
    view = (struct ttb_trace_header){
        .ttb_version = message->ttb_version,
        .scenario_name = message->scenario_name,
        .scenario = {.data = message->scenario.data, .len_bytes = message->scenario.len},
        .seed = message->seed,
        .epoch_ns = message->epoch_ns,
        .artifacts = artifacts,
        .artifact_count = message->n_artifacts,
        .ns3_version = message->ns3_version,
        .components = (const char *const *)message->components,
        .component_count = message->n_components,
        .started_wall_ns = message->started_wall_ns,
        .no_look_ahead = message->no_look_ahead,
        .ports_only = message->ports_only,
    };
    if (message->host) {
        view.cpu_model = message->host->cpu_model;
        view.cpu_flags = (const char *const *)message->host->cpu_flags;
        view.cpu_flag_count = message->host->n_cpu_flags;
        view.host_kernel = message->host->kernel;
    }
    if (ttb__trace_header_copy(header, &view)) {
        rc = ttb__fail(error, -ENOMEM, "out of memory");
        goto out;
    }
    tables->artifact_count = message->n_artifacts;
    rc = ttb__unpack_tables(tables, message->nodes, message->n_nodes, message->links,
                            message->n_links, message->places, message->n_places, error);
    if (rc)
        ttb__trace_header_free(header);

out:
    free(artifacts);
    ttb__trace_header__free_unpacked(message, &budget.allocator);
    return rc;
}
