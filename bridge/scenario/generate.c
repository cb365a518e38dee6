/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made from the table for others: a JSON Schema for editors, a reference for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.h>

#include "scenario/schema_tables.h"

#define OBJECTS_MAX 64

/* All objects that are reachable from the root, each once, in the order of the reference. */
struct objects {
    const struct ttb__object *all[OBJECTS_MAX];
    size_t count;
};

static void collect(struct objects *objects, const struct ttb__object *object)
{
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->all[i] == object)
            return;
    }
    if (objects->count == OBJECTS_MAX)
        return;
    objects->all[objects->count++] = object;
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        if (key->object)
            collect(objects, key->object);
    }
}

static int finish(FILE *out, char **text, const size_t *length, size_t *len_bytes)
{
    bool failed = ferror(out) != 0;

    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
        return -ENOMEM;
    }
    if (len_bytes)
        *len_bytes = *length;
    return 0;
}

/* ------------------------------------------------------------------------------- JSON Schema */

static void json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

/* An identifier from a title: "ns-3 object" is "ns-3-object". */
static void json_reference(FILE *out, const struct ttb__object *object)
{
    fputs("{\"$ref\": \"#/definitions/", out);
    for (const char *at = object->title; *at; at++)
        fputc(*at == ' ' ? '-' : *at, out);
    fputs("\"}", out);
}

static void json_words(FILE *out, const struct ttb__word *words)
{
    fputs("\"enum\": [", out);
    for (const struct ttb__word *word = words; word->word; word++) {
        fputs(word == words ? "" : ", ", out);
        json_string(out, word->word);
    }
    fputc(']', out);
}

/* A pattern, or something that {n} makes lawful (expand.h). */
static void json_pattern(FILE *out, const char *pattern)
{
    char either[256];

    snprintf(either, sizeof(either), "%s|\\{n", pattern);
    fputs("\"pattern\": ", out);
    json_string(out, either);
}

/* What numbers without quotes look like to an editor: where "5" is lawful, 5 is. */
static void json_quantity(FILE *out, const struct ttb__key *key)
{
    bool bare = key->quantity != TTB__QUANTITY_TIME && key->quantity != TTB__QUANTITY_RATE;

    if (key->quantity == TTB__QUANTITY_COUNT && key->kind == TTB__NUMBER) {
        fprintf(out, "\"type\": \"integer\", \"minimum\": %" PRIu64 ", \"maximum\": %" PRIu64,
                key->min, key->max);
        return;
    }
    fprintf(out, "\"type\": [\"string\", \"%s\"], ", bare ? "number" : "integer");
    json_pattern(out, ttb__quantity_regex(key->quantity));
    /* Without a unit only 0 is a time. */
    if (!bare)
        fprintf(out, ", \"maximum\": 0, \"minimum\": 0");
}

/* The members of one value's schema, without braces. */
static void json_value(FILE *out, const struct ttb__key *key)
{
    switch (key->kind) {
    case TTB__BOOL:
        fputs("\"type\": \"boolean\"", out);
        break;
    case TTB__WORD:
        json_words(out, key->words);
        break;
    case TTB__LINK_TYPE:
        fputs("\"anyOf\": [{", out);
        json_words(out, key->words);
        fputs("}, {\"type\": \"string\", ", out);
        json_pattern(out, "^ns3:");
        fputs("}]", out);
        break;
    case TTB__NUMBER:
    case TTB__SIGNED:
        json_quantity(out, key);
        break;
    case TTB__OCTAL:
        fputs("\"type\": [\"string\", \"integer\"], ", out);
        json_pattern(out, "^(0o)?[0-7]{1,6}$");
        break;
    case TTB__DATE:
        fputs("\"type\": \"string\", ", out);
        json_pattern(out, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z$");
        break;
    case TTB__MAC:
        fputs("\"type\": \"string\", ", out);
        json_pattern(out, "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$");
        break;
    case TTB__HEX:
        fputs("\"type\": \"string\", ", out);
        fprintf(out, "\"pattern\": \"^[0-9A-Fa-f]{%" PRIu64 "}$|\\\\{n\"", 2 * key->max);
        break;
    case TTB__BASE64:
        fputs("\"type\": \"string\", ", out);
        json_pattern(out, "^[A-Za-z0-9+/=\\s]*$");
        break;
    case TTB__RANGE:
        fputs("\"type\": [\"string\", \"integer\"], \"minimum\": 0, ", out);
        json_pattern(out, "^((==|>=|<=|>|<)? *[0-9][^.]*|[0-9].*\\.\\.[0-9].*)$");
        break;
    case TTB__POSITION:
        fputs("\"type\": \"array\", \"minItems\": 2, \"maxItems\": 3, \"items\": "
              "{\"type\": [\"string\", \"number\"], ",
              out);
        json_pattern(out, ttb__quantity_regex(TTB__QUANTITY_LENGTH));
        fputc('}', out);
        break;
    case TTB__SETTINGS:
        fputs("\"type\": [\"object\", \"null\"], \"additionalProperties\": "
              "{\"type\": [\"string\", \"number\", \"boolean\"]}",
              out);
        break;
    case TTB__TEXT:
    case TTB__CONTENT:
        fputs("\"type\": [\"string\", \"number\", \"boolean\"]", out);
        if (key->pattern) {
            fputs(", ", out);
            json_pattern(out, key->pattern);
        }
        break;
    case TTB__OBJECT:
        break;
    }
}

static void json_element(FILE *out, const struct ttb__key *key)
{
    if (key->kind == TTB__OBJECT) {
        json_reference(out, key->object);
        return;
    }
    fputc('{', out);
    json_value(out, key);
    fputc('}', out);
}

static void json_key(FILE *out, const struct ttb__key *key)
{
    fputs("        ", out);
    json_string(out, key->key);
    fputs(": {\"description\": ", out);
    json_string(out, key->doc);
    if (key->fallback && key->kind != TTB__LINK_TYPE) {
        fputs(", \"default\": ", out);
        if (key->kind == TTB__BOOL ||
            (key->kind == TTB__NUMBER && key->quantity == TTB__QUANTITY_COUNT))
            fputs(key->fallback, out);
        else
            json_string(out, strcmp(key->fallback, "\"\"") == 0 ? "" : key->fallback);
    }
    if (key->shape == TTB__MAP) {
        fputs(",\n          \"type\": [\"object\", \"null\"], \"additionalProperties\": false, "
              "\"patternProperties\": {",
              out);
        json_string(out, key->object->name_pattern);
        fputs(": ", out);
        json_reference(out, key->object);
        /* worker{1..20} */
        if (key->object->name_check == ttb__check_name) {
            fputs(", ", out);
            json_string(out, "^[A-Za-z0-9_-]*\\{[0-9]+\\.\\.[0-9]+\\}[A-Za-z0-9_-]*$");
            fputs(": ", out);
            json_reference(out, key->object);
        }
        fputc('}', out);
    } else if (key->shape == TTB__LIST) {
        fputs(",\n          \"anyOf\": [{\"type\": \"array\", \"items\": ", out);
        json_element(out, key);
        fputs("}, ", out);
        json_element(out, key);
        fputs(", {\"type\": \"null\"}]", out);
    } else if (key->kind == TTB__OBJECT) {
        fputs(",\n          \"anyOf\": [", out);
        json_reference(out, key->object);
        fputs("]", out);
    } else {
        fputs(",\n          ", out);
        json_value(out, key);
    }
    fputc('}', out);
}

static void json_object(FILE *out, const struct ttb__object *object)
{
    const char *separator = "";
    bool any_required = false;

    fputs("      \"type\": [\"object\", \"null\"],\n      \"additionalProperties\": false,\n", out);
    for (const struct ttb__key *key = object->keys; key->key; key++)
        any_required = any_required || key->required;
    if (any_required) {
        fputs("      \"required\": [", out);
        for (const struct ttb__key *key = object->keys; key->key; key++) {
            if (!key->required)
                continue;
            fputs(separator, out);
            json_string(out, key->key);
            separator = ", ";
        }
        fputs("],\n", out);
    }
    fputs("      \"properties\": {\n", out);
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        json_key(out, key);
        fputs(key[1].key ? ",\n" : "\n", out);
    }
    fputs("      }", out);
}

static void json_definition(FILE *out, const struct ttb__object *object)
{
    fputs("    \"", out);
    for (const char *at = object->title; *at; at++)
        fputc(*at == ' ' ? '-' : *at, out);
    fputs("\": {\n      \"description\": ", out);
    json_string(out, object->doc);
    fputs(",\n", out);
    if (!object->shorthand) {
        json_object(out, object);
        fputs("\n    }", out);
        return;
    }
    fputs("      \"anyOf\": [{", out);
    json_value(out, ttb__schema_key(object, object->shorthand));
    fputs("}, {\n", out);
    json_object(out, object);
    fputs("\n      }]\n    }", out);
}

int ttb_scenario_json_schema(char **text, size_t *len_bytes)
{
    struct objects objects = {0};
    size_t length;
    FILE *out;

    *text = NULL;
    out = open_memstream(text, &length);
    if (!out)
        return -ENOMEM;
    collect(&objects, &ttb__scenario_object);
    /* The licence is split: a tool that looks for it here would take it for this file's, too. */
    fputs("{\n  \"$comment\": \"SPDX-"
          "License-Identifier: BSD-3-Clause, made by ttb-schema from the table of keys\",\n"
          "  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
          "  \"title\": \"ttbridge scenario\",\n",
          out);
    fputs("  \"definitions\": {\n", out);
    for (size_t i = 1; i < objects.count; i++) {
        json_definition(out, objects.all[i]);
        fputs(i + 1 < objects.count ? ",\n" : "\n", out);
    }
    fputs("  },\n", out);
    json_object(out, objects.all[0]);
    fputs("\n}\n", out);
    return finish(out, text, &length, len_bytes);
}

/* --------------------------------------------------------------------------------- reference */

static const char *quantity_doc(enum ttb__quantity quantity)
{
    static const char *const docs[] = {
        [TTB__QUANTITY_TIME] = "time",     [TTB__QUANTITY_RATE] = "rate",
        [TTB__QUANTITY_BYTES] = "size",    [TTB__QUANTITY_FRACTION] = "fraction",
        [TTB__QUANTITY_LENGTH] = "length", [TTB__QUANTITY_COUNT] = "number",
    };

    return docs[quantity];
}

/* "link" in the singular; the anchor that Markdown makes of the heading. */
static void object_link(FILE *out, const struct ttb__object *object)
{
    fprintf(out, "[%s](#", object->title);
    for (const char *at = object->title; *at; at++)
        fputc(*at == ' ' ? '-' : *at, out);
    fputc(')', out);
}

static void doc_bounds(FILE *out, const struct ttb__key *key)
{
    char min[TTB__QUANTITY_TEXT], max[TTB__QUANTITY_TEXT];

    ttb__quantity_print(key->quantity, false, key->min, min);
    ttb__quantity_print(key->quantity, false, key->max, max);
    fputs(quantity_doc(key->quantity), out);
    if (key->min == key->max)
        fprintf(out, ", %s", min);
    else if (key->max == UINT64_MAX || key->quantity == TTB__QUANTITY_FRACTION)
        ;
    else if (key->quantity == TTB__QUANTITY_TIME)
        ; /* The same bound everywhere; it is given with the notation. */
    else
        fprintf(out, ", %s to %s", min, max);
}

static void doc_value(FILE *out, const struct ttb__key *key)
{
    switch (key->kind) {
    case TTB__OBJECT:
        object_link(out, key->object);
        if (key->shape == TTB__LIST)
            fputs(", or a list of them", out);
        else if (key->shape == TTB__MAP)
            fputs(" by name", out);
        return;
    case TTB__NUMBER:
    case TTB__SIGNED:
        doc_bounds(out, key);
        break;
    case TTB__WORD:
    case TTB__LINK_TYPE:
        for (const struct ttb__word *word = key->words; word->word; word++)
            fprintf(out, "%s`%s`", word == key->words ? "" : ", ", word->word);
        if (key->kind == TTB__LINK_TYPE)
            fputs(", `ns3:TYPE`", out);
        break;
    case TTB__BOOL:
        fputs("`true`, `false`", out);
        break;
    case TTB__OCTAL:
        fputs("octal number", out);
        break;
    case TTB__DATE:
        fputs("date", out);
        break;
    case TTB__MAC:
        fputs("hardware address", out);
        break;
    case TTB__HEX:
        fprintf(out, "%" PRIu64 " hexadecimal digits", 2 * key->max);
        break;
    case TTB__BASE64:
        fputs("base64", out);
        break;
    case TTB__RANGE:
        fprintf(out, "range of %ss", quantity_doc(key->quantity));
        break;
    case TTB__POSITION:
        fputs("position", out);
        break;
    case TTB__SETTINGS:
        fputs("mapping of names to values", out);
        break;
    default:
        fputs(key->value_doc ? key->value_doc : "text", out);
        if (key->shape == TTB__LIST)
            fputs(", or a list of them", out);
        break;
    }
}

static void doc_default(FILE *out, const struct ttb__key *key)
{
    if (key->required)
        fputs("*required*", out);
    else if (key->fallback_doc)
        fputs(key->fallback_doc, out);
    else if (key->fallback && strcmp(key->fallback, "\"\"") == 0)
        fputs("empty", out);
    else if (key->fallback)
        fprintf(out, "`%s`", key->fallback);
    else
        fputs("none", out);
}

static void doc_words(FILE *out, const struct ttb__object *object)
{
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        if (!key->words)
            continue;
        fprintf(out, "\n`%s` is one of:\n\n", key->key);
        for (const struct ttb__word *word = key->words; word->word; word++)
            fprintf(out, "- `%s`: %s\n", word->word, word->doc);
    }
}

int ttb_scenario_reference(char **text, size_t *len_bytes)
{
    struct objects objects = {0};
    size_t length;
    FILE *out;

    *text = NULL;
    out = open_memstream(text, &length);
    if (!out)
        return -ENOMEM;
    collect(&objects, &ttb__scenario_object);
    for (size_t i = 0; i < objects.count; i++) {
        const struct ttb__object *object = objects.all[i];

        fprintf(out, "%s### %s\n\n%s", i ? "\n" : "", object->title, object->doc);
        if (object->name_doc)
            fprintf(out, " Its name: %s.", object->name_doc);
        fputs("\n\n| key | value | default | meaning |\n|---|---|---|---|\n", out);
        for (const struct ttb__key *key = object->keys; key->key; key++) {
            fprintf(out, "| `%s` | ", key->key);
            doc_value(out, key);
            fputs(" | ", out);
            doc_default(out, key);
            fprintf(out, " | %s |\n", key->doc);
        }
        doc_words(out, object);
    }
    return finish(out, text, &length, len_bytes);
}
