/* SPDX-License-Identifier: BSD-3-Clause */
/* A scenario as YAML, in canonical form. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.h>

#include "scenario/message.h"
#include "scenario/schema.h"
#include "scenario/utf8.h"
#include "scenario/values.h"

#define INDENT 2

struct printer {
    FILE *out;
    bool failed;
};

static void print_object(struct printer *printer, const struct ttb__object *object,
                         const ProtobufCMessage *message, unsigned indent, bool in_list);

static void pad(struct printer *printer, unsigned indent)
{
    fprintf(printer->out, "%*s", (int)indent, "");
}

/* ------------------------------------------------------------------------------------- texts */

/* A text that means nothing but itself without quotes, to every YAML reader. */
static bool is_plain(const char *text, size_t len_bytes)
{
    static const char *const words[] = {"null", "true", "false", "yes",  "no",  "on",
                                        "off",  "y",    "n",     ".nan", ".inf"};
    bool has_letter = false;

    if (len_bytes == 0 || len_bytes > 200)
        return false;
    for (size_t i = 0; i < len_bytes; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        has_letter = has_letter || letter || c == '/' || c == '_';
        if (letter || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '.')
            continue;
        if (i == 0 || i + 1 == len_bytes || !strchr("-+:%@=", c))
            return false;
    }
    /* Numbers, in whatever notation, would be numbers to other readers: "6.12", "1e3", "0x10". */
    if (!has_letter || (text[0] >= '0' && text[0] <= '9') || text[0] == '.')
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strlen(words[i]) == len_bytes && strncasecmp(words[i], text, len_bytes) == 0)
            return false;
    }
    return true;
}

static void print_quoted(struct printer *printer, const char *text, size_t len_bytes)
{
    fputc('"', printer->out);
    for (size_t i = 0; i < len_bytes; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            fprintf(printer->out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", printer->out);
        else if (c == '\t')
            fputs("\\t", printer->out);
        else if (c == '\r')
            fputs("\\r", printer->out);
        /* Line separators of Unicode, a byte order mark and the like would be read differently. */
        else if (c == 0xc2 && i + 1 < len_bytes && (unsigned char)text[i + 1] < 0xa0)
            fprintf(printer->out, "\\x%02x", (unsigned char)text[++i]);
        else if (c == 0xe2 && i + 2 < len_bytes && (unsigned char)text[i + 1] == 0x80 &&
                 ((unsigned char)text[i + 2] & 0xfe) == 0xa8)
            fprintf(printer->out, "\\u20%02x", (unsigned char)text[i + 2] - 0x80), i += 2;
        else if (c == 0xef && i + 2 < len_bytes && (unsigned char)text[i + 1] == 0xbb &&
                 (unsigned char)text[i + 2] == 0xbf)
            fputs("\\ufeff", printer->out), i += 2;
        else if (c < 0x20 || c == 0x7f)
            fprintf(printer->out, "\\x%02x", c);
        else
            fputc(c, printer->out);
    }
    fputc('"', printer->out);
}

/* A text of several lines that a literal block keeps as it is. */
static bool is_block(const char *text, size_t len_bytes)
{
    bool line_start = true;

    if (len_bytes < 2 || !memchr(text, '\n', len_bytes - 1))
        return false;
    if (text[0] == ' ' || text[0] == '\n' || text[0] == '\t')
        return false;
    if (len_bytes >= 2 && text[len_bytes - 1] == '\n' && text[len_bytes - 2] == '\n')
        return false;
    for (size_t i = 0; i < len_bytes; i++) {
        unsigned char c = (unsigned char)text[i];

        /* Characters beyond ASCII may be line breaks to some; blanks at ends of lines are not seen. */
        if (c >= 0x7f || (c < 0x20 && c != '\n' && c != '\t'))
            return false;
        if (c == '\n' && !line_start && (text[i - 1] == ' ' || text[i - 1] == '\t'))
            return false;
        if (c == '\t' && line_start)
            return false;
        line_start = c == '\n';
    }
    return text[len_bytes - 1] != ' ' && text[len_bytes - 1] != '\t';
}

static void print_block(struct printer *printer, const char *text, size_t len_bytes,
                        unsigned indent)
{
    bool ends = text[len_bytes - 1] == '\n';
    const char *end = text + len_bytes - ends;

    fputs(ends ? "|" : "|-", printer->out);
    while (text <= end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = newline ? (size_t)(newline - text) : (size_t)(end - text);

        fputc('\n', printer->out);
        if (length) {
            pad(printer, indent);
            fwrite(text, 1, length, printer->out);
        }
        text += length + 1;
    }
}

static void print_text(struct printer *printer, const char *text, size_t len_bytes, unsigned indent)
{
    if (is_plain(text, len_bytes))
        fwrite(text, 1, len_bytes, printer->out);
    else if (is_block(text, len_bytes))
        print_block(printer, text, len_bytes, indent);
    else
        print_quoted(printer, text, len_bytes);
}

static void print_name(struct printer *printer, const char *name)
{
    /* In keys, a ':' would end them. */
    if (name && is_plain(name, strlen(name)) && !strchr(name, ':'))
        fputs(name, printer->out);
    else
        print_quoted(printer, name ? name : "", name ? strlen(name) : 0);
}

/* ------------------------------------------------------------------------------------ values */

static void print_settings(struct printer *printer, const ProtobufCMessage *message,
                           const ProtobufCFieldDescriptor *field, unsigned indent)
{
    for (size_t i = 0; i < ttb__message_count(message, field); i++) {
        const Ttb__Scenario__Setting *setting = ttb__message_element(message, field, i);
        const char *value = setting->value ? setting->value : "";

        fputc('\n', printer->out);
        pad(printer, indent);
        print_name(printer, setting->name);
        fputs(": ", printer->out);
        print_text(printer, value, strlen(value), indent + INDENT);
    }
}

static void print_position(struct printer *printer, const Ttb__Scenario__Position *position)
{
    const int64_t axes[] = {position->x_mm, position->y_mm, position->z_mm};
    char text[TTB__QUANTITY_TEXT];

    for (size_t i = 0; i < 3; i++) {
        bool negative = axes[i] < 0;

        ttb__quantity_print(TTB__QUANTITY_LENGTH, negative,
                            negative ? -(uint64_t)axes[i] : (uint64_t)axes[i], text);
        fprintf(printer->out, "%s%s", i ? ", " : " [", text);
    }
    fputc(']', printer->out);
}

/* Bytes are text if they can be, else base64 under the other key. */
static bool is_text(ProtobufCBinaryData bytes)
{
    return ttb__utf8_check((const char *)bytes.data, bytes.len) == bytes.len;
}

/* The value of a singular field, after its key and ':'. */
static void print_one(struct printer *printer, const struct ttb__key *key,
                      const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      unsigned indent)
{
    char text[TTB__VALUE_TEXT];
    ProtobufCBinaryData bytes;
    const char *string;
    char *base64;

    switch (key->kind) {
    case TTB__SETTINGS:
        print_settings(printer, message, field, indent + INDENT);
        return;
    case TTB__OBJECT:
        print_object(printer, key->object, ttb__message_child(message, field), indent + INDENT,
                     false);
        return;
    case TTB__POSITION:
        print_position(printer,
                       (const Ttb__Scenario__Position *)ttb__message_child(message, field));
        return;
    default:
        break;
    }
    fputc(' ', printer->out);
    switch (key->kind) {
    case TTB__TEXT:
        string = ttb__message_string(message, field);
        print_text(printer, string, strlen(string), indent + INDENT);
        break;
    case TTB__CONTENT:
        bytes = ttb__message_bytes(message, field);
        print_text(printer, (const char *)bytes.data, bytes.len, indent + INDENT);
        break;
    case TTB__BASE64:
        bytes = ttb__message_bytes(message, field);
        base64 = ttb__base64_encode(bytes.data, bytes.len);
        printer->failed |= !base64;
        print_quoted(printer, base64 ? base64 : "", base64 ? strlen(base64) : 0);
        free(base64);
        break;
    case TTB__MAC:
    case TTB__HEX:
    case TTB__RANGE:
        ttb__value_print(message, key, text);
        print_quoted(printer, text, strlen(text));
        break;
    default:
        ttb__value_print(message, key, text);
        /* "5", "true", "10ms", "csma" and "10%" are what they are. */
        fputs(text, printer->out);
        break;
    }
}

static void print_list(struct printer *printer, const struct ttb__key *key,
                       const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       unsigned indent)
{
    for (size_t i = 0; i < ttb__message_count(message, field); i++) {
        void *element = ttb__message_element(message, field, i);

        fputc('\n', printer->out);
        pad(printer, indent);
        fputs("- ", printer->out);
        if (key->kind == TTB__TEXT)
            print_text(printer, element, strlen(element), indent + INDENT);
        else
            print_object(printer, key->object, element, indent + INDENT, true);
    }
}

static void print_map(struct printer *printer, const struct ttb__key *key,
                      const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      unsigned indent)
{
    for (size_t i = 0; i < ttb__message_count(message, field); i++) {
        const ProtobufCMessage *element = ttb__message_element(message, field, i);

        fputc('\n', printer->out);
        pad(printer, indent);
        print_name(printer, ttb__message_string(
                                element, ttb__message_field(element, key->object->name_field)));
        fputc(':', printer->out);
        print_object(printer, key->object, element, indent + INDENT, false);
    }
}

/* Does this key have the value, or the other one of the two for bytes? */
static bool is_printed(const struct ttb__key *key, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field)
{
    if (!ttb__message_has(message, field))
        return false;
    if (message->descriptor == &ttb__scenario__file__descriptor &&
        (key->kind == TTB__CONTENT || key->kind == TTB__BASE64)) {
        /* What `from` names is not repeated. */
        if (((const Ttb__Scenario__File *)message)->from)
            return false;
        return is_text(ttb__message_bytes(message, field)) == (key->kind == TTB__CONTENT);
    }
    return true;
}

static void print_object(struct printer *printer, const struct ttb__object *object,
                         const ProtobufCMessage *message, unsigned indent, bool in_list)
{
    bool first = true;

    for (const struct ttb__key *key = object->keys; key->key; key++) {
        const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);

        if (!is_printed(key, message, field))
            continue;
        /* The first key of a list's element stands behind the "- ". */
        if (!first || !in_list) {
            if (!first || indent)
                fputc('\n', printer->out);
            pad(printer, indent);
        }
        first = false;
        fprintf(printer->out, "%s:", key->key);
        if (key->shape == TTB__LIST)
            print_list(printer, key, message, field, indent + INDENT);
        else if (key->shape == TTB__MAP)
            print_map(printer, key, message, field, indent + INDENT);
        else
            print_one(printer, key, message, field, indent);
    }
    if (first)
        fputs(in_list ? "{}" : " {}", printer->out);
}

int ttb_scenario_print(const Ttb__Scenario *scenario, char **text, size_t *len_bytes)
{
    struct printer printer = {0};
    size_t length;

    *text = NULL;
    printer.out = open_memstream(text, &length);
    if (!printer.out)
        return -ENOMEM;
    print_object(&printer, &ttb__scenario_object, &scenario->base, 0, false);
    fputc('\n', printer.out);
    printer.failed |= ferror(printer.out) != 0;
    if (fclose(printer.out) != 0 || printer.failed) {
        free(*text);
        *text = NULL;
        return -ENOMEM;
    }
    if (len_bytes)
        *len_bytes = length;
    return 0;
}
