/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file wire.h
 * Protocol buffers' wire format, as far as records need it: varints and length-delimited fields.
 *
 * Records are made and read by hand because there are millions of them: the generated code allocates
 * for each. It is used for headers and footers, and tests hold both against each other.
 */
#ifndef TTB_RECORD_WIRE_H
#define TTB_RECORD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TTB__WIRE_VARINT 0
#define TTB__WIRE_64BIT  1
#define TTB__WIRE_BYTES  2
#define TTB__WIRE_32BIT  5

static inline void ttb__put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void ttb__put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline void ttb__put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t ttb__get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t ttb__get_u64(const uint8_t *at)
{
    return ttb__get_u32(at) | (uint64_t)ttb__get_u32(at + 4) << 32;
}

static inline size_t ttb__varint_len(uint64_t value)
{
    /* One byte for each seven bits. */
    return value ? (size_t)(63 - __builtin_clzll(value)) / 7 + 1 : 1;
}

static inline uint8_t *ttb__put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* What is left to be read. */
struct ttb__wire {
    const uint8_t *at, *end;
};

/* @return false if it does not end, or has more than 64 bits */
static inline bool ttb__get_varint(struct ttb__wire *wire, uint64_t *value)
{
    uint64_t got = 0;

    for (unsigned shift = 0; shift < 64 && wire->at < wire->end; shift += 7) {
        uint8_t byte = *wire->at++;

        if (shift == 63 && byte > 1)
            return false;
        got |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = got;
            return true;
        }
    }
    return false;
}

/* A field: a value for varints, a part of the input for bytes. Fixed-size ones are passed over by
 * ttb__get_field() with type set and no value. */
struct ttb__field {
    uint32_t number;
    uint8_t type;
    uint64_t value;
    struct ttb__wire bytes;
};

/* @return false if there is no whole field */
static inline bool ttb__get_field(struct ttb__wire *wire, struct ttb__field *field)
{
    uint64_t tag, len_bytes;

    if (!ttb__get_varint(wire, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    field->number = (uint32_t)(tag >> 3);
    field->type = (uint8_t)(tag & 7);
    field->value = 0;
    field->bytes = (struct ttb__wire){0};
    switch (field->type) {
    case TTB__WIRE_VARINT:
        return ttb__get_varint(wire, &field->value);
    case TTB__WIRE_64BIT:
        len_bytes = 8;
        break;
    case TTB__WIRE_32BIT:
        len_bytes = 4;
        break;
    case TTB__WIRE_BYTES:
        if (!ttb__get_varint(wire, &len_bytes))
            return false;
        break;
    default: /* groups are not used by any version of these messages */
        return false;
    }
    if (len_bytes > (uint64_t)(wire->end - wire->at))
        return false;
    field->bytes = (struct ttb__wire){.at = wire->at, .end = wire->at + len_bytes};
    wire->at += len_bytes;
    return true;
}

/* A message being made: its fields are collected, so that its length is known before it is written.
 * What the fields point to stays the caller's. */
#define TTB__FIELDS_MAX 12

struct ttb__fields {
    unsigned count;
    size_t len_bytes; /* of the message */
    struct {
        uint8_t number; /* below 16: tags of one byte; above, of two */
        uint8_t type;
        uint64_t value; /* length, for bytes */
        const void *data;
    } list[TTB__FIELDS_MAX];
};

static inline void ttb__add_varint(struct ttb__fields *fields, unsigned number, uint64_t value)
{
    unsigned i = fields->count++;

    fields->list[i].number = (uint8_t)number;
    fields->list[i].type = TTB__WIRE_VARINT;
    fields->list[i].value = value;
    fields->len_bytes += (number < 16 ? 1 : 2) + ttb__varint_len(value);
}

static inline void ttb__add_bytes(struct ttb__fields *fields, unsigned number, const void *data,
                                  size_t len_bytes)
{
    unsigned i = fields->count++;

    fields->list[i].number = (uint8_t)number;
    fields->list[i].type = TTB__WIRE_BYTES;
    fields->list[i].value = len_bytes;
    fields->list[i].data = data;
    fields->len_bytes += (number < 16 ? 1 : 2) + ttb__varint_len(len_bytes) + len_bytes;
}

/* sint32's form. */
static inline uint64_t ttb__zigzag(int32_t value)
{
    return ((uint32_t)value << 1) ^ (uint32_t)(value >> 31);
}

static inline int32_t ttb__unzigzag(uint64_t value)
{
    return (int32_t)((uint32_t)(value >> 1) ^ (0U - (uint32_t)(value & 1)));
}

static inline uint8_t *ttb__put_fields(uint8_t *at, const struct ttb__fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++) {
        at = ttb__put_varint(at, (unsigned)fields->list[i].number << 3 | fields->list[i].type);
        at = ttb__put_varint(at, fields->list[i].value);
        if (fields->list[i].type == TTB__WIRE_BYTES && fields->list[i].value) {
            memcpy(at, fields->list[i].data, fields->list[i].value);
            at += fields->list[i].value;
        }
    }
    return at;
}

#endif
