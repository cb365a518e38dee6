/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const void *at(const ProtobufCMessage *message, size_t offset)
{
    return (const char *)message + offset;
}

static void *at_mutable(ProtobufCMessage *message, size_t offset)
{
    return (char *)message + offset;
}

ProtobufCMessage *ttb__message_new(const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = malloc(type->sizeof_message);

    if (message)
        protobuf_c_message_init(type, message);
    return message;
}

const ProtobufCFieldDescriptor *ttb__message_field(const ProtobufCMessage *message,
                                                   const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field);
    return field;
}

bool ttb__message_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return ttb__message_count(message, field) > 0;
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)at(message, field->offset) != NULL;
    return *(const protobuf_c_boolean *)at(message, field->quantifier_offset);
}

uint64_t ttb__message_number(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *place = at(message, field->offset);

    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
        return *(const uint64_t *)place;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)place;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)place != 0;
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t)(int64_t) * (const int *)place;
    default:
        assert(!"a number");
        return 0;
    }
}

void ttb__message_set_number(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                             uint64_t value)
{
    void *place = at_mutable(message, field->offset);

    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
        *(uint64_t *)place = value;
        break;
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)place = (uint32_t)value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)place = value != 0;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)place = (int)value;
        break;
    default:
        assert(!"a number");
    }
    *(protobuf_c_boolean *)at_mutable(message, field->quantifier_offset) = 1;
}

const char *ttb__message_string(const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field)
{
    return *(char *const *)at(message, field->offset);
}

ProtobufCBinaryData ttb__message_bytes(const ProtobufCMessage *message,
                                       const ProtobufCFieldDescriptor *field)
{
    if (!ttb__message_has(message, field))
        return (ProtobufCBinaryData){0};
    return *(const ProtobufCBinaryData *)at(message, field->offset);
}

ProtobufCMessage *ttb__message_child(const ProtobufCMessage *message,
                                     const ProtobufCFieldDescriptor *field)
{
    return *(ProtobufCMessage *const *)at(message, field->offset);
}

size_t ttb__message_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)at(message, field->quantifier_offset);
}

void *ttb__message_element(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           size_t index)
{
    return (*(void **const *)at(message, field->offset))[index];
}

/* Appends a pointer. protobuf-c's arrays know no capacity: those that it has unpacked are full. */
static int append(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, void *element)
{
    size_t *count = at_mutable(message, field->quantifier_offset);
    void ***elements = at_mutable(message, field->offset);
    void **grown = realloc(*elements, (*count + 1) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    *elements = grown;
    grown[(*count)++] = element;
    return 0;
}

int ttb__message_put_string(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                            const char *text)
{
    char *copy = strdup(text), **place = at_mutable(message, field->offset);

    if (!copy)
        return -ENOMEM;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        free(*place);
        *place = copy;
        return 0;
    }
    if (append(message, field, copy) == 0)
        return 0;
    free(copy);
    return -ENOMEM;
}

int ttb__message_put_bytes(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           const void *data, size_t len_bytes)
{
    ProtobufCBinaryData *place = at_mutable(message, field->offset);
    protobuf_c_boolean *has = at_mutable(message, field->quantifier_offset);
    /* One byte at least: malloc(0) may be NULL, which here is no memory. */
    uint8_t *copy = malloc(len_bytes ? len_bytes : 1);

    if (!copy)
        return -ENOMEM;
    if (len_bytes)
        memcpy(copy, data, len_bytes);
    free(place->data);
    *place = (ProtobufCBinaryData){.len = len_bytes, .data = copy};
    *has = 1;
    return 0;
}

int ttb__message_put_child(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           ProtobufCMessage *child)
{
    ProtobufCMessage **place = at_mutable(message, field->offset);

    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (*place)
            protobuf_c_message_free_unpacked(*place, NULL);
        *place = child;
        return 0;
    }
    if (append(message, field, child) == 0)
        return 0;
    protobuf_c_message_free_unpacked(child, NULL);
    return -ENOMEM;
}

ProtobufCMessage *ttb__message_copy(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = malloc(size ? size : 1);
    ProtobufCMessage *copy = NULL;

    if (data) {
        protobuf_c_message_pack(message, data);
        copy = protobuf_c_message_unpack(message->descriptor, NULL, size, data);
    }
    free(data);
    return copy;
}
