/* SPDX-License-Identifier: BSD-3-Clause */
#include <ttbridge/scenario.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/arena.h"
#include "scenario/check.h"
#include "scenario/complete.h"
#include "scenario/expand.h"
#include "scenario/files.h"
#include "scenario/message.h"
#include "scenario/override.h"
#include "scenario/read.h"
#include "scenario/validate.h"
#include "scenario/yaml.h"

#define FORMAT 1

/* Options of a caller that may be older or newer than we are. */
static struct ttb_scenario_opts options(const struct ttb_scenario_opts *opts)
{
    struct ttb_scenario_opts result = {0};

    if (opts)
        memcpy(&result, opts, opts->size < sizeof(result) ? opts->size : sizeof(result));
    result.size = sizeof(result);
    return result;
}

/* A text on its way to a scenario. */
struct input {
    const char *text;
    size_t len_bytes;
    const char *source;       /* its name in problems */
    const char *name;         /* default of the scenario's name */
    const char *directory;    /* NULL: host files are not looked at */
    struct ttb__arena *arena; /* for everything that lives as long as the work */
};

/* Names of the sources: the text, then the overrides, then the seed. */
static const char **name_sources(const struct input *input, const struct ttb_scenario_opts *opts)
{
    const char **names;
    size_t count = 0;

    while (opts->overrides && opts->overrides[count])
        count++;
    names = ttb__arena_alloc(input->arena, (count + 2) * sizeof(const char *));
    if (!names)
        return NULL;
    names[0] = input->source;
    for (size_t i = 0; i < count; i++)
        names[i + 1] = ttb__arena_printf(input->arena, "--set %.200s", opts->overrides[i]);
    names[count + 1] = ttb__arena_printf(input->arena, "--seed %" PRIu64, opts->seed);
    return input->arena->failed ? NULL : names;
}

static const struct ttb__yaml *apply_overrides(const struct input *input,
                                               const struct ttb_scenario_opts *opts,
                                               const struct ttb__yaml *root,
                                               struct ttb__problems *problems)
{
    char seed[40];
    unsigned source = 0;

    for (; opts->overrides && opts->overrides[source] && root; source++)
        root = ttb__override(input->arena, root, opts->overrides[source], source + 1, problems);
    if (!opts->has_seed || !root)
        return root;
    snprintf(seed, sizeof(seed), "seed=%" PRIu64, opts->seed);
    return ttb__override(input->arena, root, seed, source + 1, problems);
}

static int parse_tree(const struct input *input, const struct ttb_scenario_opts *opts,
                      struct ttb__problems *problems, const struct ttb__yaml **root)
{
    size_t errors;
    int rc = ttb__yaml_parse(input->arena, input->text, input->len_bytes, 0, problems, root);

    if (rc < 0)
        return rc;
    if (ttb__yaml_is_null(*root)) {
        ttb__problem_at(problems, (struct ttb__position){0}, "there is nothing in it");
        return -EINVAL;
    }
    errors = problems->errors;
    *root = ttb__expand(input->arena, *root, problems);
    if (*root)
        *root = apply_overrides(input, opts, *root, problems);
    if (!*root)
        return -ENOMEM;
    /* Without what was meant to be there, all else would be guesswork. */
    return problems->errors > errors ? -EINVAL : 0;
}

/* Reads one host file; what is wrong with it is reported. @return 0 or -ENOMEM */
static int embed_file(Ttb__Scenario__File *file, const char *directory, size_t *room,
                      struct ttb__problems *problems, const struct ttb__path *path)
{
    struct ttb__host_file host = {0};
    struct ttb__error error = {0};
    int rc = ttb__host_file_read(directory, file->from, *room, &host, &error);

    if (rc == -ENOMEM)
        return rc;
    if (rc < 0) {
        ttb__problem(problems, path, 0, "%s", error.text);
        return 0;
    }
    *room -= host.len_bytes;
    rc = ttb__message_put_bytes(&file->base, ttb__message_field(&file->base, "content"), host.data,
                                host.len_bytes);
    free(host.data);
    if (!file->has_mode) {
        file->has_mode = 1;
        file->mode = host.mode & 0100 ? 0755 : 0644;
    }
    return rc;
}

static int embed_files(Ttb__Scenario *scenario, const char *directory,
                       struct ttb__problems *problems)
{
    size_t room = TTB_SCENARIO_EMBEDDED_MAX;
    int rc = 0;

    for (size_t i = 0; i < scenario->n_nodes; i++) {
        const Ttb__Scenario__Node *node = scenario->nodes[i];
        const struct ttb__path *path =
            TTB__FIELD(TTB__FIELD(TTB__FIELD(NULL, "nodes"), node->name), "files");

        for (size_t k = 0; k < node->n_files && rc == 0; k++) {
            Ttb__Scenario__File *file = node->files[k];

            if (file->from && !file->has_content)
                rc = embed_file(file, directory, &room, problems,
                                TTB__FIELD(TTB__FIELD(path, file->path), "from"));
        }
    }
    return rc;
}

static int parse_input(const struct input *input, const struct ttb_scenario_opts *opts,
                       Ttb__Scenario **scenario)
{
    struct ttb__problems problems = {0};
    const struct ttb__yaml *root = NULL;
    Ttb__Scenario *result = NULL;
    int rc, flushed;

    problems.sources = name_sources(input, opts);
    if (!problems.sources)
        return -ENOMEM;
    if (input->len_bytes > TTB_SCENARIO_FILE_MAX) {
        ttb__problem_at(&problems, (struct ttb__position){0}, "it is longer than %d bytes",
                        TTB_SCENARIO_FILE_MAX);
        return ttb__problems_flush(&problems, opts);
    }
    rc = parse_tree(input, opts, &problems, &root);
    if (rc == 0) {
        problems.root = root;
        result = ttb__read(root, &problems);
        rc = result ? 0 : -ENOMEM;
    }
    if (rc == 0)
        ttb__validate(result, &problems);
    if (rc == 0)
        rc = ttb__complete(result, input->name);
    if (rc == 0)
        rc = ttb__check(result, input->directory, &problems);
    if (rc == 0 && problems.errors == 0 && input->directory)
        rc = embed_files(result, input->directory, &problems);
    flushed = ttb__problems_flush(&problems, opts);
    if (rc == 0)
        rc = flushed;
    if (rc < 0) {
        ttb_scenario_free(result);
        return rc;
    }
    *scenario = result;
    return 0;
}

/* "dir/two-nodes.yaml" is called "two-nodes"; what cannot be in a name becomes '_'. */
static const char *name_from_path(struct ttb__arena *arena, const char *path)
{
    const char *base = strrchr(path, '/'), *dot;
    size_t length;
    char *name;

    base = base ? base + 1 : path;
    dot = strrchr(base, '.');
    length = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    if (length == 0 || strcmp(path, "-") == 0)
        return "scenario";
    name = ttb__arena_copy(arena, base, length > 63 ? 63 : length);
    for (char *at = name; at && *at; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            *at = '_';
    }
    return name;
}

static const char *folder_of(struct ttb__arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return ".";
    return slash == path ? "/" : ttb__arena_copy(arena, path, (size_t)(slash - path));
}

int ttb_scenario_load(const char *path, const struct ttb_scenario_opts *opts,
                      Ttb__Scenario **scenario)
{
    struct ttb_scenario_opts all = options(opts);
    struct ttb__arena arena = {0};
    struct ttb__host_file file = {0};
    struct ttb__problems problems = {0};
    struct ttb__error error = {0};
    struct input input = {.arena = &arena};
    const char *sources[1] = {strcmp(path, "-") == 0 ? "standard input" : path};
    int rc = ttb__host_file_read(NULL, path, TTB_SCENARIO_FILE_MAX, &file, &error);

    *scenario = NULL;
    if (rc < 0) {
        problems.sources = sources;
        ttb__problem_at(&problems, (struct ttb__position){0}, "%s", error.text);
        ttb__problems_flush(&problems, &all);
        return rc;
    }
    input.text = (const char *)file.data;
    input.len_bytes = file.len_bytes;
    input.source = sources[0];
    input.name = name_from_path(&arena, path);
    input.directory = all.directory ? all.directory : folder_of(&arena, path);
    rc = arena.failed ? -ENOMEM : parse_input(&input, &all, scenario);
    free(file.data);
    ttb__arena_free(&arena);
    return rc;
}

int ttb_scenario_parse(const char *text, size_t len_bytes, const struct ttb_scenario_opts *opts,
                       Ttb__Scenario **scenario)
{
    struct ttb_scenario_opts all = options(opts);
    struct ttb__arena arena = {0};
    struct input input = {.text = text,
                          .len_bytes = len_bytes,
                          .source = all.name ? all.name : "scenario",
                          .name = "scenario",
                          .directory = all.directory,
                          .arena = &arena};
    int rc;

    *scenario = NULL;
    rc = parse_input(&input, &all, scenario);
    ttb__arena_free(&arena);
    return rc;
}

int ttb_scenario_complete(const Ttb__Scenario *scenario, const struct ttb_scenario_opts *opts,
                          Ttb__Scenario **complete)
{
    struct ttb_scenario_opts all = options(opts);
    struct ttb__problems problems = {0};
    const char *sources[1] = {all.name ? all.name : ""};
    Ttb__Scenario *copy = (Ttb__Scenario *)ttb__message_copy(&scenario->base);
    int rc, flushed;

    *complete = NULL;
    if (!copy)
        return -ENOMEM;
    problems.sources = sources;
    ttb__validate(copy, &problems);
    rc = ttb__complete(copy, "scenario");
    if (rc == 0)
        rc = ttb__check(copy, all.directory, &problems);
    flushed = ttb__problems_flush(&problems, &all);
    if (rc == 0)
        rc = flushed;
    if (rc < 0) {
        ttb_scenario_free(copy);
        return rc;
    }
    *complete = copy;
    return 0;
}

int ttb_scenario_embed_files(Ttb__Scenario *scenario, const struct ttb_scenario_opts *opts)
{
    struct ttb_scenario_opts all = options(opts);
    struct ttb__problems problems = {0};
    const char *sources[1] = {all.name ? all.name : ""};
    int rc, flushed;

    problems.sources = sources;
    rc = embed_files(scenario, all.directory ? all.directory : ".", &problems);
    flushed = ttb__problems_flush(&problems, &all);
    return rc < 0 ? rc : flushed;
}

void ttb_scenario_free(Ttb__Scenario *scenario)
{
    if (scenario)
        protobuf_c_message_free_unpacked(&scenario->base, NULL);
}

/* ---------------------------------------------------------------------------------- encoding */

int ttb_scenario_pack(const Ttb__Scenario *scenario, uint8_t **data, size_t *len_bytes)
{
    size_t size = protobuf_c_message_get_packed_size(&scenario->base);

    *data = malloc(size ? size : 1);
    if (!*data)
        return -ENOMEM;
    *len_bytes = protobuf_c_message_pack(&scenario->base, *data);
    return 0;
}

/* A field or value that a newer version has made. True if there is one; it has been reported. */
static bool has_unknown(const ProtobufCMessage *message, struct ttb__problems *problems,
                        const struct ttb__path *path)
{
    if (message->n_unknown_fields > 0) {
        ttb__problem(problems, path, 0,
                     "this version of ttb does not know the field with number %" PRIu32,
                     message->unknown_fields[0].tag);
        return true;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const struct ttb__path *below = TTB__FIELD(path, field->name);
        bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;

        if (!ttb__message_has(message, field))
            continue;
        if (field->type == PROTOBUF_C_TYPE_ENUM) {
            int value = (int)ttb__message_number(message, field);

            if (!protobuf_c_enum_descriptor_get_value(field->descriptor, value)) {
                ttb__problem(problems, below, 0, "this version of ttb does not know the value %d",
                             value);
                return true;
            }
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && repeated) {
            for (size_t k = 0; k < ttb__message_count(message, field); k++) {
                if (has_unknown(ttb__message_element(message, field, k), problems,
                                TTB__ELEMENT(below, k)))
                    return true;
            }
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            if (has_unknown(ttb__message_child(message, field), problems, below))
                return true;
        }
    }
    return false;
}

int ttb_scenario_unpack(const uint8_t *data, size_t len_bytes, const struct ttb_scenario_opts *opts,
                        Ttb__Scenario **scenario)
{
    struct ttb_scenario_opts all = options(opts);
    struct ttb__problems problems = {0};
    const char *sources[1] = {all.name ? all.name : ""};
    Ttb__Scenario *result = (Ttb__Scenario *)protobuf_c_message_unpack(&ttb__scenario__descriptor,
                                                                       NULL, len_bytes, data);
    int rc;

    *scenario = NULL;
    problems.sources = sources;
    if (!result)
        ttb__problem(&problems, NULL, 0, "this is no scenario, or it is damaged");
    else if (result->has_format && result->format != FORMAT)
        ttb__problem(&problems, TTB__FIELD(NULL, "format"), 0,
                     "this version of ttb does not know format %" PRIu32, result->format);
    else
        has_unknown(&result->base, &problems, NULL);
    rc = ttb__problems_flush(&problems, &all);
    if (rc < 0) {
        ttb_scenario_free(result);
        return rc;
    }
    *scenario = result;
    return 0;
}
