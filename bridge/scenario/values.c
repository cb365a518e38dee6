/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.h>

#include "scenario/message.h"
#include "scenario/nearest.h"
#include "scenario/texts.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ------------------------------------------------------------------------------------ checks */

int ttb__value_check_number(const struct ttb__key *key, bool negative, uint64_t value,
                            struct ttb__error *error)
{
    char text[TTB__QUANTITY_TEXT], bound[TTB__QUANTITY_TEXT];
    bool too_small = key->kind == TTB__SIGNED ? negative && value > key->max : value < key->min;

    if (!too_small && value <= key->max)
        return 0;
    if (key->kind == TTB__DATE) {
        ttb__date_print(value, text);
        ttb__date_print(key->max, bound);
    } else {
        ttb__quantity_print(key->quantity, negative, value, text);
        ttb__quantity_print(key->quantity, negative && too_small,
                            too_small && key->kind != TTB__SIGNED ? key->min : key->max, bound);
    }
    return ttb__fail(error, -EINVAL, "%s is %s than %s", text, too_small ? "less" : "more", bound);
}

int ttb__value_check_mac(const uint8_t *mac, size_t len_bytes, struct ttb__error *error)
{
    static const uint8_t zeros[6];

    if (len_bytes != 6)
        return ttb__fail(error, -EINVAL, "it has %zu bytes instead of 6", len_bytes);
    if (memcmp(mac, zeros, 6) == 0)
        return ttb__fail(error, -EINVAL, "\"00:00:00:00:00:00\" is no hardware address");
    if (mac[0] & 1)
        return ttb__fail(error, -EINVAL,
                         "\"%02x:%02x:%02x:%02x:%02x:%02x\" is a group address: the first byte of "
                         "an interface's is even",
                         mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return 0;
}

/* ----------------------------------------------------------------------------------- parsing */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int put_mac(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                   const char *text, struct ttb__error *error)
{
    uint8_t mac[6];
    int rc;

    for (size_t i = 0; i < 6; i++) {
        const char *at = text + 3 * i;
        int high, low;

        /* One at a time: the text may end anywhere. */
        high = hex_digit(at[0]);
        low = high < 0 ? -1 : hex_digit(at[1]);
        if (low < 0 || at[2] != (i < 5 ? ':' : 0))
            return ttb__fail(error, -EINVAL,
                             "\"%.80s\" is not a hardware address such as \"02:00:00:00:00:01\"",
                             text);
        mac[i] = (uint8_t)(high << 4 | low);
    }
    rc = ttb__value_check_mac(mac, 6, error);
    return rc < 0 ? rc : ttb__message_put_bytes(message, field, mac, 6);
}

static int put_hex(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                   const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    uint8_t bytes[64];
    size_t length = strlen(text);

    if (length != 2 * key->max)
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" has %zu characters instead of %" PRIu64 " hexadecimal digits",
                         text, length, 2 * key->max);
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(text[i]);

        if (digit < 0)
            return ttb__fail(error, -EINVAL, "\"%.80s\": \"%c\" is not a hexadecimal digit", text,
                             text[i] > ' ' && text[i] < 0x7f ? text[i] : '?');
        bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] | digit : digit << 4);
    }
    return ttb__message_put_bytes(message, field, bytes, (size_t)key->max);
}

static int put_base64(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      const char *text, struct ttb__error *error)
{
    uint8_t *data = malloc(strlen(text) / 4 * 3 + 3);
    size_t length = 0, digits = 0, padding = 0;
    uint32_t group = 0;
    int rc;

    if (!data)
        return -ENOMEM;
    for (; *text; text++) {
        const char *digit = strchr(base64_digits, *text);

        if (strchr(" \t\r\n", *text))
            continue;
        if (*text == '=' && digits % 4 >= 2) {
            padding++;
            digits++;
            group <<= 6;
        } else if (!digit || padding) {
            free(data);
            return ttb__fail(error, -EINVAL, "it is not base64");
        } else {
            digits++;
            group = group << 6 | (uint32_t)(digit - base64_digits);
        }
        if (digits % 4 == 0) {
            data[length++] = (uint8_t)(group >> 16);
            data[length++] = (uint8_t)(group >> 8);
            data[length++] = (uint8_t)group;
            group = 0;
        }
    }
    /* Bits of the last digit beyond the last byte are lost silently by many; what is so written has two
     * spellings, which does no harm here. */
    if (digits % 4 != 0 || padding > 2) {
        free(data);
        return ttb__fail(error, -EINVAL, "it is not base64: its end is missing");
    }
    rc = ttb__message_put_bytes(message, field, data, length - padding);
    free(data);
    return rc;
}

static int put_bool(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                    const char *text, struct ttb__error *error)
{
    bool value = strcmp(text, "true") == 0;

    if (!value && strcmp(text, "false") != 0)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is neither true nor false", text);
    ttb__message_set_number(message, field, value);
    return 0;
}

static int unknown_word(const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    struct ttb__nearest nearest;
    char hint[64], list[256] = "";
    size_t used = 0;

    ttb__nearest_init(&nearest, text);
    for (const struct ttb__word *word = key->words; word->word; word++) {
        ttb__nearest_try(&nearest, word->word);
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
                                 word->word);
    }
    if (key->kind == TTB__LINK_TYPE)
        snprintf(list + used, sizeof(list) - used, ", ns3:TYPE");
    ttb__nearest_hint(&nearest, hint, sizeof(hint));
    if (*hint)
        return ttb__fail(error, -EINVAL, "there is no \"%.80s\"%s", text, hint);
    return ttb__fail(error, -EINVAL, "\"%.80s\" is not one of %s", text, list);
}

static int put_word(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                    const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    for (const struct ttb__word *word = key->words; word->word; word++) {
        if (strcmp(word->word, text) == 0) {
            ttb__message_set_number(message, field, (uint64_t)word->value);
            return 0;
        }
    }
    return unknown_word(key, text, error);
}

static int put_link_type(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                         const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    char type[256];
    int rc;

    if (strncmp(text, "ns3:", 4) != 0)
        return put_word(message, field, key, text, error);
    /* ns3:Name, ns3:ns3::Name and ns3::Name are the same. */
    text += text[4] == ':' ? 5 : 4;
    snprintf(type, sizeof(type), "%s%.200s", strncmp(text, "ns3::", 5) == 0 ? "" : "ns3::", text);
    rc = ttb__check_type_id(type, error);
    if (rc < 0)
        return rc;
    ttb__message_set_number(message, field, TTB__SCENARIO__LINK__TYPE__OTHER);
    return ttb__message_put_string(message, ttb__message_field(message, "device"), type);
}

static int put_octal(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                     const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    const char *digits = strncmp(text, "0o", 2) == 0 ? text + 2 : text;
    unsigned value = 0;

    if (!*digits || strlen(digits) > 6 || digits[strspn(digits, "01234567")])
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not a mode in octal such as \"0644\"", text);
    for (; *digits; digits++)
        value = value * 8 + (unsigned)(*digits - '0');
    if (value > key->max)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is more than 07777", text);
    ttb__message_set_number(message, field, value);
    return 0;
}

static int put_number(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    bool negative = false;
    uint64_t value;
    int rc;

    if (key->kind == TTB__DATE)
        rc = ttb__date_parse(text, &value, error);
    else
        rc = ttb__quantity_parse(key->quantity, text, key->kind == TTB__SIGNED ? &negative : NULL,
                                 &value, error);
    if (rc == 0)
        rc = ttb__value_check_number(key, negative, value, error);
    if (rc == 0)
        ttb__message_set_number(message, field, negative ? -value : value);
    return rc;
}

static int put_range(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                     const struct ttb__key *key, const char *text, struct ttb__error *error)
{
    Ttb__Scenario__Range *range;
    uint64_t min, max;
    int rc = ttb__range_parse(key->quantity, text, &min, &max, error);

    if (rc < 0)
        return rc;
    range = (Ttb__Scenario__Range *)ttb__message_new(&ttb__scenario__range__descriptor);
    if (!range)
        return -ENOMEM;
    range->has_min = range->has_max = 1;
    range->min = min;
    range->max = max;
    return ttb__message_put_child(message, field, &range->base);
}

int ttb__value_put(ProtobufCMessage *message, const struct ttb__key *key, const char *text,
                   size_t len_bytes, struct ttb__error *error)
{
    const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);

    if (key->kind == TTB__CONTENT)
        return ttb__message_put_bytes(message, field, text, len_bytes);
    if (memchr(text, 0, len_bytes))
        return ttb__fail(error, -EINVAL, "it contains a zero byte");
    switch (key->kind) {
    case TTB__TEXT:
        return ttb__message_put_string(message, field, text);
    case TTB__BOOL:
        return put_bool(message, field, text, error);
    case TTB__NUMBER:
    case TTB__SIGNED:
    case TTB__DATE:
        return put_number(message, field, key, text, error);
    case TTB__WORD:
        return put_word(message, field, key, text, error);
    case TTB__LINK_TYPE:
        return put_link_type(message, field, key, text, error);
    case TTB__OCTAL:
        return put_octal(message, field, key, text, error);
    case TTB__MAC:
        return put_mac(message, field, text, error);
    case TTB__HEX:
        return put_hex(message, field, key, text, error);
    case TTB__BASE64:
        return put_base64(message, field, text, error);
    case TTB__RANGE:
        return put_range(message, field, key, text, error);
    default:
        return ttb__fail(error, -EINVAL, "it is no single value");
    }
}

/* ---------------------------------------------------------------------------------- printing */

static void print_hex(ProtobufCBinaryData bytes, const char *separator, char text[TTB__VALUE_TEXT])
{
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < bytes.len && used + 8 < TTB__VALUE_TEXT; i++)
        used += (size_t)snprintf(text + used, TTB__VALUE_TEXT - used, "%s%02x", i ? separator : "",
                                 bytes.data[i]);
}

static void print_link_type(const ProtobufCMessage *message, const struct ttb__key *key, int value,
                            char text[TTB__VALUE_TEXT])
{
    const struct ttb__word *word = ttb__schema_word(key->words, value);
    const char *device = ((const Ttb__Scenario__Link *)message)->device;

    if (word)
        snprintf(text, TTB__VALUE_TEXT, "%s", word->word);
    else
        snprintf(text, TTB__VALUE_TEXT, "ns3:%s",
                 device && strncmp(device, "ns3::", 5) == 0 ? device + 5
                 : device                                   ? device
                                                            : "");
}

void ttb__value_print(const ProtobufCMessage *message, const struct ttb__key *key,
                      char text[TTB__VALUE_TEXT])
{
    const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);
    const struct ttb__word *word;
    const Ttb__Scenario__Range *range;
    uint64_t value = 0;
    bool negative = false;

    if (key->kind != TTB__MAC && key->kind != TTB__HEX && key->kind != TTB__RANGE)
        value = ttb__message_number(message, field);
    switch (key->kind) {
    case TTB__BOOL:
        snprintf(text, TTB__VALUE_TEXT, "%s", value ? "true" : "false");
        break;
    case TTB__SIGNED:
        negative = (int64_t)value < 0;
        ttb__quantity_print(key->quantity, negative, negative ? -value : value, text);
        break;
    case TTB__NUMBER:
        ttb__quantity_print(key->quantity, false, value, text);
        break;
    case TTB__DATE:
        ttb__date_print(value, text);
        break;
    case TTB__OCTAL:
        snprintf(text, TTB__VALUE_TEXT, "0%03o", (unsigned)value);
        break;
    case TTB__WORD:
        word = ttb__schema_word(key->words, (int)value);
        snprintf(text, TTB__VALUE_TEXT, "%s", word ? word->word : "?");
        break;
    case TTB__LINK_TYPE:
        print_link_type(message, key, (int)value, text);
        break;
    case TTB__MAC:
        print_hex(ttb__message_bytes(message, field), ":", text);
        break;
    case TTB__HEX:
        print_hex(ttb__message_bytes(message, field), "", text);
        break;
    case TTB__RANGE:
        range = (const Ttb__Scenario__Range *)ttb__message_child(message, field);
        ttb__range_print(key->quantity, range->has_min ? range->min : 0,
                         range->has_max ? range->max : UINT64_MAX, text);
        break;
    default:
        text[0] = 0;
        break;
    }
}

char *ttb__base64_encode(const uint8_t *data, size_t len_bytes)
{
    char *text = malloc((len_bytes + 2) / 3 * 4 + 1), *out = text;

    if (!text)
        return NULL;
    for (size_t i = 0; i < len_bytes; i += 3) {
        size_t left = len_bytes - i;
        uint32_t group = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                         (left > 2 ? data[i + 2] : 0);

        *out++ = base64_digits[group >> 18];
        *out++ = base64_digits[group >> 12 & 63];
        *out++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_digits[group & 63] : '=';
    }
    *out = 0;
    return text;
}
