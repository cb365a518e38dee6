/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scenario/message.h"
#include "scenario/nearest.h"
#include "scenario/schema.h"
#include "scenario/values.h"

struct reader {
    struct ttb__problems *problems;
    size_t values, bytes;
    bool stopped; /* too many of them: said once */
    bool no_memory;
};

static ProtobufCMessage *read_object(struct reader *reader, const struct ttb__object *object,
                                     const struct ttb__yaml *node, const struct ttb__path *path);

/* False when enough has been read. */
static bool count_value(struct reader *reader, const struct ttb__yaml *node,
                        const struct ttb__path *path)
{
    if (reader->stopped || reader->no_memory)
        return false;
    reader->values++;
    if (node && node->type == TTB__YAML_SCALAR)
        reader->bytes += node->len_bytes;
    if (reader->values <= TTB__READ_VALUES_MAX && reader->bytes <= TTB__READ_BYTES_MAX)
        return true;
    reader->stopped = true;
    ttb__problem(
        reader->problems, path, 0,
        "the scenario has more than %d values or %d bytes (what an alias stands for counts "
        "each time)",
        TTB__READ_VALUES_MAX, TTB__READ_BYTES_MAX);
    return false;
}

static void put_text(struct reader *reader, ProtobufCMessage *message, const struct ttb__key *key,
                     const char *text, size_t len_bytes, const struct ttb__path *path)
{
    struct ttb__error error = {0};
    int rc = ttb__value_put(message, key, text, len_bytes, &error);

    if (rc == -ENOMEM)
        reader->no_memory = true;
    else if (rc < 0)
        ttb__problem(reader->problems, path, 0, "%s", error.text);
}

static void put_child(struct reader *reader, ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field, ProtobufCMessage *child)
{
    if (!child || ttb__message_put_child(message, field, child) < 0)
        reader->no_memory = true;
}

/* A scalar with something in it? Else says what is there instead. */
static bool is_scalar(struct reader *reader, const struct ttb__yaml *node,
                      const struct ttb__path *path)
{
    if (ttb__yaml_is_null(node)) {
        ttb__problem(reader->problems, path, 0, "a value is missing");
        return false;
    }
    if (node->type != TTB__YAML_SCALAR) {
        ttb__problem(reader->problems, path, 0, "there is %s where one value belongs",
                     ttb__yaml_describe(node));
        return false;
    }
    return true;
}

static void read_settings(struct reader *reader, ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *field, const struct ttb__yaml *node,
                          const struct ttb__path *path)
{
    if (ttb__yaml_is_null(node))
        return;
    if (node->type != TTB__YAML_MAPPING) {
        ttb__problem(reader->problems, path, 0, "there is %s where a mapping of names belongs",
                     ttb__yaml_describe(node));
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct ttb__yaml_pair *pair = &node->pairs[i];
        const struct ttb__path *below = TTB__FIELD(path, pair->key);
        ProtobufCMessage *setting;

        if (!count_value(reader, pair->value, below))
            return;
        if (!is_scalar(reader, pair->value, below))
            continue;
        if (memchr(pair->value->text, 0, pair->value->len_bytes)) {
            ttb__problem(reader->problems, below, 0, "it contains a zero byte");
            continue;
        }
        setting = ttb__message_new(&ttb__scenario__setting__descriptor);
        if (setting &&
            (ttb__message_put_string(setting, ttb__message_field(setting, "name"), pair->key) < 0 ||
             ttb__message_put_string(setting, ttb__message_field(setting, "value"),
                                     pair->value->text) < 0)) {
            protobuf_c_message_free_unpacked(setting, NULL);
            setting = NULL;
        }
        put_child(reader, message, field, setting);
    }
}

/* [x, y, z] or [x, y]. */
static void read_position(struct reader *reader, ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *field, const struct ttb__key *key,
                          const struct ttb__yaml *node, const struct ttb__path *path)
{
    static const char *const axes[] = {"x_mm", "y_mm", "z_mm"};
    ProtobufCMessage *position;

    if (!node || node->type != TTB__YAML_SEQUENCE || node->count < 2 || node->count > 3) {
        ttb__problem(reader->problems, path, 0,
                     "a position is a list of two or three lengths, such as [2.5m, 10m, 0m]");
        return;
    }
    position = ttb__message_new(&ttb__scenario__position__descriptor);
    for (size_t i = 0; i < node->count && position; i++) {
        const struct ttb__path *below = TTB__ELEMENT(path, i);
        struct ttb__key axis = {.key = key->key,
                                .field = axes[i],
                                .kind = TTB__SIGNED,
                                .quantity = TTB__QUANTITY_LENGTH,
                                .max = key->max};

        if (count_value(reader, node->items[i], below) && is_scalar(reader, node->items[i], below))
            put_text(reader, position, &axis, node->items[i]->text, node->items[i]->len_bytes,
                     below);
    }
    put_child(reader, message, field, position);
}

static void read_one(struct reader *reader, ProtobufCMessage *message, const struct ttb__key *key,
                     const struct ttb__yaml *node, const struct ttb__path *path)
{
    const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);
    ProtobufCMessage *child;

    if (!count_value(reader, node, path))
        return;
    switch (key->kind) {
    case TTB__SETTINGS:
        read_settings(reader, message, field, node, path);
        break;
    case TTB__POSITION:
        read_position(reader, message, field, key, node, path);
        break;
    case TTB__OBJECT:
        child = read_object(reader, key->object, node, path);
        if (child)
            put_child(reader, message, field, child);
        break;
    default:
        /* An empty text is one where a text is meant, if it was written as one. */
        if (is_scalar(reader, node, path))
            put_text(reader, message, key, node->text, node->len_bytes, path);
        break;
    }
}

static void read_list(struct reader *reader, ProtobufCMessage *message, const struct ttb__key *key,
                      const struct ttb__yaml *node, const struct ttb__path *path)
{
    if (ttb__yaml_is_null(node))
        return;
    if (node->type != TTB__YAML_SEQUENCE) {
        read_one(reader, message, key, node, TTB__ELEMENT(path, 0));
        return;
    }
    for (size_t i = 0; i < node->count && !reader->stopped; i++)
        read_one(reader, message, key, node->items[i], TTB__ELEMENT(path, i));
}

static void read_map(struct reader *reader, ProtobufCMessage *message, const struct ttb__key *key,
                     const struct ttb__yaml *node, const struct ttb__path *path)
{
    const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);

    if (ttb__yaml_is_null(node))
        return;
    if (node->type != TTB__YAML_MAPPING) {
        ttb__problem(reader->problems, path, 0, "there is %s where a mapping of names belongs",
                     ttb__yaml_describe(node));
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct ttb__path *below = TTB__FIELD(path, node->pairs[i].key);
        ProtobufCMessage *child;

        if (!count_value(reader, NULL, below))
            return;
        child = read_object(reader, key->object, node->pairs[i].value, below);
        if (!child)
            continue;
        if (ttb__message_put_string(child, ttb__message_field(child, key->object->name_field),
                                    node->pairs[i].key) < 0)
            reader->no_memory = true;
        put_child(reader, message, field, child);
    }
}

static void unknown_key(struct reader *reader, const struct ttb__object *object, const char *name,
                        const struct ttb__path *path)
{
    struct ttb__nearest nearest;
    char hint[64], list[320] = "";
    size_t used = 0;

    ttb__nearest_init(&nearest, name);
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        ttb__nearest_try(&nearest, key->key);
        if (used < sizeof(list))
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
                                     key->key);
    }
    if (nearest.best)
        ttb__problem(reader->problems, path, TTB__AT_KEY, "unknown key%s",
                     ttb__nearest_hint(&nearest, hint, sizeof(hint)));
    else
        ttb__problem(reader->problems, path, TTB__AT_KEY, "unknown key; there are %s", list);
}

static void read_key(struct reader *reader, ProtobufCMessage *message, const struct ttb__key *key,
                     const struct ttb__yaml *node, const struct ttb__path *path)
{
    /* Two keys may be two ways to write one field. */
    if (key->shape == TTB__ONE && key->kind != TTB__SETTINGS &&
        ttb__message_has(message, ttb__message_field(message, key->field))) {
        ttb__problem(reader->problems, path, TTB__AT_KEY,
                     "only one of content, base64 may be given");
        return;
    }
    if (key->shape == TTB__LIST)
        read_list(reader, message, key, node, path);
    else if (key->shape == TTB__MAP)
        read_map(reader, message, key, node, path);
    else
        read_one(reader, message, key, node, path);
}

/* NULL: not an object; a problem was reported, or there is no memory. */
static ProtobufCMessage *read_object(struct reader *reader, const struct ttb__object *object,
                                     const struct ttb__yaml *node, const struct ttb__path *path)
{
    ProtobufCMessage *message;

    if (!ttb__yaml_is_null(node) && node->type != TTB__YAML_MAPPING &&
        (node->type != TTB__YAML_SCALAR || !object->shorthand)) {
        ttb__problem(reader->problems, path, 0, "there is %s where a mapping belongs",
                     ttb__yaml_describe(node));
        return NULL;
    }
    message = ttb__message_new(object->message);
    if (!message) {
        reader->no_memory = true;
        return NULL;
    }
    if (ttb__yaml_is_null(node))
        return message;
    if (node->type == TTB__YAML_SCALAR) {
        read_key(reader, message, ttb__schema_key(object, object->shorthand), node,
                 TTB__FIELD(path, object->shorthand));
        return message;
    }
    for (size_t i = 0; i < node->count && !reader->stopped; i++) {
        const struct ttb__yaml_pair *pair = &node->pairs[i];
        const struct ttb__key *key = ttb__schema_key(object, pair->key);

        if (key)
            read_key(reader, message, key, pair->value, TTB__FIELD(path, pair->key));
        else
            unknown_key(reader, object, pair->key, TTB__FIELD(path, pair->key));
    }
    return message;
}

Ttb__Scenario *ttb__read(const struct ttb__yaml *root, struct ttb__problems *problems)
{
    struct reader reader = {.problems = problems};
    ProtobufCMessage *message = read_object(&reader, &ttb__scenario_object, root, NULL);

    if (!message && !reader.no_memory)
        message = ttb__message_new(&ttb__scenario__descriptor);
    if (reader.no_memory && message) {
        protobuf_c_message_free_unpacked(message, NULL);
        message = NULL;
    }
    return (Ttb__Scenario *)message;
}
