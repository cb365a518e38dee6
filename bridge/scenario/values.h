/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file values.h
 * Single values: from text into a message, and back.
 */
#ifndef TTB_SCENARIO_VALUES_H
#define TTB_SCENARIO_VALUES_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "scenario/schema.h"

/**
 * Parse a text as the value of a key, and put it into the message (append it, if the field is repeated).
 * For all kinds but those that are no single text: POSITION, SETTINGS, OBJECT.
 * @return 0; -EINVAL: the sentence begins with the text; -ENOMEM
 */
int ttb__value_put(ProtobufCMessage *message, const struct ttb__key *key, const char *text,
                   size_t len_bytes, struct ttb__error *error);

/* Is a number within the key's bounds? */
int ttb__value_check_number(const struct ttb__key *key, bool negative, uint64_t value,
                            struct ttb__error *error);

/* Is it a hardware address that one interface can have? */
int ttb__value_check_mac(const uint8_t *mac, size_t len_bytes, struct ttb__error *error);

/* Largest piece that ttb__value_print() needs, but for the kinds that are longer: TEXT, CONTENT, BASE64,
 * which are not its business. */
#define TTB__VALUE_TEXT 256

/* Write the value of a present singular field as text. */
void ttb__value_print(const ProtobufCMessage *message, const struct ttb__key *key,
                      char text[TTB__VALUE_TEXT]);

/* Base64 of bytes, zero terminated; to be freed. NULL: no memory. */
char *ttb__base64_encode(const uint8_t *data, size_t len_bytes);

#endif
