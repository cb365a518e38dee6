/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file text.h
 * Text of unknown origin in formats that want UTF-8.
 */
#ifndef TTB_EXPORT_TEXT_H
#define TTB_EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/stream.h"

/* Bytes of the character at `at`: 1 to 4, or 0 if it is not UTF-8 (RFC 3629). len_bytes > 0. */
size_t ttb__utf8_len(const uint8_t *at, size_t len_bytes);

bool ttb__is_utf8(const void *data, size_t len_bytes);

/* UTF-8 as it is; control characters other than tab, and what is not UTF-8, as \xNN. Never cuts a
 * character in two. @return the length in `text`, which is not zero terminated */
size_t ttb__text_plain(const void *data, size_t len_bytes, char *text, size_t size_bytes);

/* A field of CSV, RFC 4180: as ttb__text_plain() with each backslash doubled, in quotes where the RFC
 * wants them. */
void ttb__csv_field(struct ttb__stream *stream, const void *data, size_t len_bytes);

/* A JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void ttb__json_string(struct ttb__stream *stream, const void *data, size_t len_bytes);

/* The same for a <script> in an HTML page: without any '<', which might end it. */
void ttb__html_json_string(struct ttb__stream *stream, const void *data, size_t len_bytes);

/* The same in XML, without quotes, for text and attributes; control characters become U+FFFD. */
void ttb__xml_text(struct ttb__stream *stream, const void *data, size_t len_bytes);

#endif
