/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file schema.h
 * The language of scenario files, as data.
 *
 * One table describes every key: where its value goes in the message, how it is written, what it may be,
 * what it is if absent, and what it means. Everything else follows from the table: reading, checking,
 * defaults, writing, the JSON Schema, the reference.
 */
#ifndef TTB_SCENARIO_SCHEMA_H
#define TTB_SCENARIO_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "scenario/units.h"

/* How one value is written, and what type its field has. */
enum ttb__kind {
    TTB__TEXT,      /* string */
    TTB__BOOL,      /* true, false */
    TTB__NUMBER,    /* a quantity with its unit, or a whole number: key->quantity */
    TTB__SIGNED,    /* the same with a sign */
    TTB__WORD,      /* one of key->words: an enumeration */
    TTB__OCTAL,     /* permission bits */
    TTB__DATE,      /* time of day, in ns since 1970 */
    TTB__MAC,       /* "02:00:00:00:00:01": six bytes */
    TTB__HEX,       /* key->max bytes in hexadecimal digits */
    TTB__CONTENT,   /* bytes, written as text */
    TTB__BASE64,    /* the same bytes, written as base64; only one of the two is given */
    TTB__RANGE,     /* message Range, "5", ">=5", "2..5" */
    TTB__POSITION,  /* message Position, [x, y, z] */
    TTB__SETTINGS,  /* repeated Setting, a mapping of names to values */
    TTB__OBJECT,    /* message described by key->object */
    TTB__LINK_TYPE, /* Link.type, or "ns3:TypeId": Link.device */
};

enum ttb__shape {
    TTB__ONE,
    TTB__LIST, /* a list; one value is taken for a list of one */
    TTB__MAP,  /* a mapping of names (field object->name_field) to objects */
};

struct ttb__word {
    const char *word;
    int value;
    const char *doc;
};

struct ttb__object;

/* Is a text what it should be? If not, a sentence that begins with the text. 0 or -EINVAL. */
typedef int (*ttb__text_check)(const char *text, struct ttb__error *error);

struct ttb__key {
    const char *key;   /* in files */
    const char *field; /* in the message */
    enum ttb__kind kind;
    enum ttb__shape shape;
    enum ttb__quantity quantity;      /* NUMBER, SIGNED, RANGE */
    const struct ttb__object *object; /* OBJECT */
    const struct ttb__word *words;    /* WORD, LINK_TYPE; ends with a NULL word */
    uint64_t min, max;     /* NUMBER, DATE: bounds; SIGNED: +-max; TEXT, CONTENT: bytes */
    size_t count_max;      /* LIST, MAP, SETTINGS; 0: what the YAML reader allows */
    ttb__text_check check; /* TEXT; SETTINGS: of names */
    const char *pattern;   /* TEXT: the same for the JSON Schema, as far as a regular
                                         expression can; may be NULL */
    bool required;
    const char *fallback;     /* what absence means, as written in a file; filled in */
    const char *fallback_doc; /* the same in words, where it depends */
    const char *value_doc;    /* how the value is written, if the kind does not say it all */
    const char *doc;          /* what it means; Markdown, one paragraph */
};

struct ttb__object {
    const char *title; /* "link": for headings and messages */
    const ProtobufCMessageDescriptor *message;
    const struct ttb__key *keys; /* ends with a NULL key */
    const char *name_field;      /* MAP: the field that gets the name */
    ttb__text_check name_check;
    const char *name_pattern; /* for the JSON Schema */
    const char *name_doc;
    const char
        *shorthand; /* a scalar stands for an object with this key alone; NULL: it does not */
    const char *doc;
};

/* The whole file. */
extern const struct ttb__object ttb__scenario_object;

/* The key of an object by its name, or by its field; NULL if there is none. */
const struct ttb__key *ttb__schema_key(const struct ttb__object *object, const char *key);
const struct ttb__key *ttb__schema_field(const struct ttb__object *object, const char *field);

/* The word of a value; NULL if there is none. */
const struct ttb__word *ttb__schema_word(const struct ttb__word *words, int value);

#endif
