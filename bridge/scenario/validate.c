/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/validate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario/message.h"
#include "scenario/schema.h"
#include "scenario/utf8.h"
#include "scenario/values.h"
#include "scenario/yaml.h"

static void validate_object(struct ttb__problems *problems, const struct ttb__object *object,
                            const ProtobufCMessage *message, const struct ttb__path *path);

static void check_text(struct ttb__problems *problems, const struct ttb__key *key, const char *text,
                       const struct ttb__path *path)
{
    struct ttb__error error = {0};
    size_t length = strlen(text);

    if (length < key->min)
        ttb__problem(problems, path, 0, "it is empty");
    else if (key->check && key->check(text, &error) == -EINVAL)
        ttb__problem(problems, path, 0, "%s", error.text);
    else if (length > key->max)
        ttb__problem(problems, path, 0, "it is longer than %" PRIu64 " bytes", key->max);
    /* Texts of a file have been looked at as a part of it, but escapes make any character. */
    else if (ttb__utf8_check(text, length) != length)
        ttb__problem(problems, path, 0, "it contains a character that is not allowed in a text");
}

static void check_settings(struct ttb__problems *problems, const struct ttb__key *key,
                           const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           const struct ttb__path *path)
{
    struct ttb__error error = {0};
    size_t count = ttb__message_count(message, field);

    for (size_t i = 0; i < count; i++) {
        const Ttb__Scenario__Setting *setting = ttb__message_element(message, field, i);
        const char *name = setting->name ? setting->name : "";
        const struct ttb__path *below = TTB__FIELD(path, name);

        if (key->check && key->check(name, &error) == -EINVAL)
            ttb__problem(problems, below, TTB__AT_KEY, "%s", error.text);
        if (!setting->value)
            ttb__problem(problems, below, 0, "a value is missing");
        else if (ttb__utf8_check(setting->value, strlen(setting->value)) != strlen(setting->value))
            ttb__problem(problems, below, 0,
                         "it contains a character that is not allowed in a text");
        /* In a text, keys are unique. */
        for (size_t j = 0; j < i && !problems->root; j++) {
            const Ttb__Scenario__Setting *other = ttb__message_element(message, field, j);

            if (strcmp(other->name ? other->name : "", name) == 0) {
                ttb__problem(problems, below, TTB__AT_KEY, "it is given twice");
                break;
            }
        }
    }
}

static void check_position(struct ttb__problems *problems, const struct ttb__key *key,
                           const Ttb__Scenario__Position *position, const struct ttb__path *path)
{
    const int64_t axes[] = {position->x_mm, position->y_mm, position->z_mm};
    struct ttb__error error = {0};
    struct ttb__key axis = {.kind = TTB__SIGNED, .quantity = TTB__QUANTITY_LENGTH, .max = key->max};

    for (size_t i = 0; i < 3; i++) {
        bool negative = axes[i] < 0;
        uint64_t value = negative ? -(uint64_t)axes[i] : (uint64_t)axes[i];

        if (ttb__value_check_number(&axis, negative, value, &error) < 0)
            ttb__problem(problems, TTB__ELEMENT(path, i), 0, "%s", error.text);
    }
}

static void check_range(struct ttb__problems *problems, const Ttb__Scenario__Range *range,
                        const struct ttb__path *path)
{
    if (range->has_min && range->has_max && range->min > range->max)
        ttb__problem(problems, path, 0, "nothing lies between %" PRIu64 " and %" PRIu64, range->min,
                     range->max);
}

/* A singular field that is there. */
static void check_one(struct ttb__problems *problems, const struct ttb__key *key,
                      const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      const struct ttb__path *path)
{
    struct ttb__error error = {0};
    ProtobufCBinaryData bytes;
    uint64_t number;

    switch (key->kind) {
    case TTB__TEXT:
        check_text(problems, key, ttb__message_string(message, field), path);
        break;
    case TTB__NUMBER:
    case TTB__DATE:
    case TTB__OCTAL:
        if (ttb__value_check_number(key, false, ttb__message_number(message, field), &error) < 0)
            ttb__problem(problems, path, 0, "%s", error.text);
        break;
    case TTB__WORD:
    case TTB__LINK_TYPE:
        number = ttb__message_number(message, field);
        if (!ttb__schema_word(key->words, (int)number) &&
            (key->kind == TTB__WORD || number != TTB__SCENARIO__LINK__TYPE__OTHER))
            ttb__problem(problems, path, 0, "this version of ttb does not know the value %d",
                         (int)number);
        break;
    case TTB__MAC:
        bytes = ttb__message_bytes(message, field);
        if (ttb__value_check_mac(bytes.data, bytes.len, &error) < 0)
            ttb__problem(problems, path, 0, "%s", error.text);
        break;
    case TTB__HEX:
        bytes = ttb__message_bytes(message, field);
        if (bytes.len != key->max)
            ttb__problem(problems, path, 0, "it has %zu bytes instead of %" PRIu64, bytes.len,
                         key->max);
        break;
    case TTB__CONTENT:
        bytes = ttb__message_bytes(message, field);
        if (bytes.len < key->min)
            ttb__problem(problems, path, 0, "it is empty");
        break;
    case TTB__RANGE:
        check_range(problems, (const Ttb__Scenario__Range *)ttb__message_child(message, field),
                    path);
        break;
    case TTB__POSITION:
        check_position(problems, key,
                       (const Ttb__Scenario__Position *)ttb__message_child(message, field), path);
        break;
    case TTB__OBJECT:
        validate_object(problems, key->object, ttb__message_child(message, field), path);
        break;
    default:
        break;
    }
}

static void check_names(struct ttb__problems *problems, const struct ttb__key *key,
                        const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                        const struct ttb__path *path)
{
    const struct ttb__object *object = key->object;
    size_t count = ttb__message_count(message, field);
    struct ttb__error error = {0};

    for (size_t i = 0; i < count; i++) {
        const ProtobufCMessage *element = ttb__message_element(message, field, i);
        const ProtobufCFieldDescriptor *name_field =
            ttb__message_field(element, object->name_field);
        const char *name = ttb__message_string(element, name_field);
        const struct ttb__path *below = TTB__FIELD(path, name ? name : "");

        if (object->name_check(name ? name : "", &error) == -EINVAL)
            ttb__problem(problems, below, TTB__AT_KEY, "%s", error.text);
        for (size_t j = 0; j < i && name; j++) {
            const char *other =
                ttb__message_string(ttb__message_element(message, field, j), name_field);

            if (other && strcmp(other, name) == 0) {
                ttb__problem(problems, below, TTB__AT_KEY, "it is given twice");
                break;
            }
        }
        validate_object(problems, object, element, below);
    }
}

static void check_key(struct ttb__problems *problems, const struct ttb__key *key,
                      const ProtobufCMessage *message, const struct ttb__path *path)
{
    const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);
    size_t count =
        field->label == PROTOBUF_C_LABEL_REPEATED ? ttb__message_count(message, field) : 0;

    if (!ttb__message_has(message, field)) {
        char missing[64];

        snprintf(missing, sizeof(missing), "\"%s\" is missing", key->key);
        /* What was given and could not be read has been reported. */
        if (key->required && !ttb__problems_has_text(problems, path))
            ttb__problem_missing(problems, path->up, missing);
        else if (key->required && field->label == PROTOBUF_C_LABEL_REPEATED &&
                 problems->errors == 0)
            ttb__problem(problems, path, 0, "it is empty");
        return;
    }
    if (count > (key->count_max ? key->count_max : TTB__YAML_ITEMS_MAX)) {
        ttb__problem(problems, path, 0, "it has %zu elements, more than %zu", count,
                     key->count_max ? key->count_max : (size_t)TTB__YAML_ITEMS_MAX);
        return;
    }
    if (key->kind == TTB__SETTINGS) {
        check_settings(problems, key, message, field, path);
    } else if (key->shape == TTB__MAP) {
        check_names(problems, key, message, field, path);
    } else if (key->shape == TTB__LIST) {
        for (size_t i = 0; i < count; i++) {
            const struct ttb__path *below = TTB__ELEMENT(path, i);
            void *element = ttb__message_element(message, field, i);

            if (key->kind == TTB__TEXT)
                check_text(problems, key, element, below);
            else
                validate_object(problems, key->object, element, below);
        }
    } else {
        check_one(problems, key, message, field, path);
    }
}

static void validate_object(struct ttb__problems *problems, const struct ttb__object *object,
                            const ProtobufCMessage *message, const struct ttb__path *path)
{
    if (message->n_unknown_fields > 0)
        ttb__problem(problems, path, 0,
                     "this version of ttb does not know the field with number %" PRIu32,
                     message->unknown_fields[0].tag);
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        /* Of two ways to write one field, the first stands for both. */
        if (key->kind != TTB__BASE64)
            check_key(problems, key, message, TTB__FIELD(path, key->key));
    }
}

void ttb__validate(const Ttb__Scenario *scenario, struct ttb__problems *problems)
{
    validate_object(problems, &ttb__scenario_object, &scenario->base, NULL);
}
