/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file message.h
 * Messages by the names of their fields: reflection over what protobuf-c generates.
 */
#ifndef TTB_SCENARIO_MESSAGE_H
#define TTB_SCENARIO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* A new message of a type, to be freed with protobuf_c_message_free_unpacked(); NULL: no memory. */
ProtobufCMessage *ttb__message_new(const ProtobufCMessageDescriptor *type);

/* The field of that name. The names come from our own tables: it exists. */
const ProtobufCFieldDescriptor *ttb__message_field(const ProtobufCMessage *message,
                                                   const char *name);

/* True if a singular field is present, or a repeated one has elements. */
bool ttb__message_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Numbers, booleans and enumeration values, as 64 bits; signed ones sign-extended. */
uint64_t ttb__message_number(const ProtobufCMessage *message,
                             const ProtobufCFieldDescriptor *field);
void ttb__message_set_number(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                             uint64_t value);

/* Singular string, NULL if absent. */
const char *ttb__message_string(const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field);

/* Singular bytes; len 0 if absent. */
ProtobufCBinaryData ttb__message_bytes(const ProtobufCMessage *message,
                                       const ProtobufCFieldDescriptor *field);

/* Singular message, NULL if absent. */
ProtobufCMessage *ttb__message_child(const ProtobufCMessage *message,
                                     const ProtobufCFieldDescriptor *field);

/* Elements of a repeated field of strings or messages. */
size_t ttb__message_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
void *ttb__message_element(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           size_t index);

/* Set or, if repeated, append; the value is copied. @return 0 or -ENOMEM */
int ttb__message_put_string(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                            const char *text);
int ttb__message_put_bytes(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           const void *data, size_t len_bytes);

/* Set or append a message, which then belongs to this one; on failure it is freed. 0 or -ENOMEM */
int ttb__message_put_child(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                           ProtobufCMessage *child);

/* A deep copy; NULL: no memory. */
ProtobufCMessage *ttb__message_copy(const ProtobufCMessage *message);

#endif
