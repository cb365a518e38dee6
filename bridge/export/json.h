/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file json.h
 * JSON inside a <script> of an HTML page, member by member. `first` says whether a member is its
 * object's first one, and is false from then on.
 */
#ifndef TTB_EXPORT_JSON_H
#define TTB_EXPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "export/stream.h"
#include "export/text.h"

/* A comma unless it is the first. */
static inline void ttb__json_separate(struct ttb__stream *stream, bool *first)
{
    if (!*first)
        ttb__stream_char(stream, ',');
    *first = false;
}

/* @param name  at most 500 bytes that need no escaping */
static inline void ttb__json_key(struct ttb__stream *stream, const char *name, bool *first)
{
    ttb__json_separate(stream, first);
    ttb__stream_format(stream, "\"%s\":", name);
}

static inline void ttb__json_number(struct ttb__stream *stream, const char *name, uint64_t value,
                                    bool *first)
{
    ttb__json_key(stream, name, first);
    ttb__stream_number(stream, value);
}

/* NULL: the member is left out. */
static inline void ttb__json_text(struct ttb__stream *stream, const char *name, const char *text,
                                  bool *first)
{
    if (!text)
        return;
    ttb__json_key(stream, name, first);
    ttb__html_json_string(stream, text, strlen(text));
}

#endif
