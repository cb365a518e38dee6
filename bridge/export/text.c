/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/text.h"

#include <stdio.h>
#include <string.h>

size_t ttb__utf8_len(const uint8_t *at, size_t len_bytes)
{
    uint32_t value, least;
    size_t need;

    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        need = 2;
        value = at[0] & 0x1fu;
        least = 0x80;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        need = 3;
        value = at[0] & 0x0fu;
        least = 0x800;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        need = 4;
        value = at[0] & 0x07u;
        least = 0x10000;
    } else {
        return 0;
    }
    if (len_bytes < need)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    return need;
}

bool ttb__is_utf8(const void *data, size_t len_bytes)
{
    const uint8_t *at = data;

    while (len_bytes) {
        size_t step = ttb__utf8_len(at, len_bytes);

        if (!step)
            return false;
        at += step;
        len_bytes -= step;
    }
    return true;
}

/* What stands for the character at `at`: itself or \xNN, in `text` of at least 4 bytes.
 * @return its length; *used: bytes of the character */
static size_t plain_character(const uint8_t *at, size_t len_bytes, char *text, size_t *used)
{
    static const char digits[] = "0123456789abcdef";
    size_t step = ttb__utf8_len(at, len_bytes);

    if (step && (step > 1 || at[0] == '\t' || (at[0] >= ' ' && at[0] != 0x7f))) {
        memcpy(text, at, step);
        *used = step;
        return step;
    }
    text[0] = '\\';
    text[1] = 'x';
    text[2] = digits[at[0] >> 4];
    text[3] = digits[at[0] & 15];
    *used = 1;
    return 4;
}

size_t ttb__text_plain(const void *data, size_t len_bytes, char *text, size_t size_bytes)
{
    const uint8_t *at = data;
    size_t filled = 0;

    while (len_bytes) {
        char character[4];
        size_t used, len = plain_character(at, len_bytes, character, &used);

        if (len > size_bytes - filled)
            break;
        memcpy(text + filled, character, len);
        filled += len;
        at += used;
        len_bytes -= used;
    }
    return filled;
}

void ttb__csv_field(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    const uint8_t *at = data;
    bool quoted = false;

    for (size_t i = 0; i < len_bytes && !quoted; i++)
        quoted = at[i] == '"' || at[i] == ',';
    /* Readers may strip blanks at the ends of a field that has no quotes. */
    if (len_bytes && (at[0] == ' ' || at[len_bytes - 1] == ' '))
        quoted = true;
    if (quoted)
        ttb__stream_char(stream, '"');
    while (len_bytes) {
        char character[4];
        size_t used, len = plain_character(at, len_bytes, character, &used);

        if (*at == '"' || *at == '\\')
            ttb__stream_char(stream, (char)*at);
        ttb__stream_put(stream, character, len);
        at += used;
        len_bytes -= used;
    }
    if (quoted)
        ttb__stream_char(stream, '"');
}

static void json_string(struct ttb__stream *stream, const void *data, size_t len_bytes,
                        bool in_html)
{
    const uint8_t *at = data;

    ttb__stream_char(stream, '"');
    while (len_bytes) {
        size_t step = ttb__utf8_len(at, len_bytes);

        if (!step) {
            ttb__stream_text(stream, "\\ufffd");
            step = 1;
        } else if (*at == '"' || *at == '\\') {
            ttb__stream_char(stream, '\\');
            ttb__stream_char(stream, (char)*at);
        } else if (*at < ' ' || *at == 0x7f || (in_html && *at == '<')) {
            ttb__stream_text(stream, "\\u00");
            ttb__stream_hex(stream, at, 1);
        } else {
            ttb__stream_put(stream, at, step);
        }
        at += step;
        len_bytes -= step;
    }
    ttb__stream_char(stream, '"');
}

void ttb__json_string(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    json_string(stream, data, len_bytes, false);
}

void ttb__html_json_string(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    json_string(stream, data, len_bytes, true);
}

void ttb__xml_text(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    const uint8_t *at = data;

    while (len_bytes) {
        size_t step = ttb__utf8_len(at, len_bytes);

        if (!step || *at < ' ' || *at == 0x7f) {
            ttb__stream_text(stream, "\xef\xbf\xbd");
            step = 1;
        } else if (*at == '<') {
            ttb__stream_text(stream, "&lt;");
        } else if (*at == '&') {
            ttb__stream_text(stream, "&amp;");
        } else if (*at == '"') {
            ttb__stream_text(stream, "&quot;");
        } else {
            ttb__stream_put(stream, at, step);
        }
        at += step;
        len_bytes -= step;
    }
}
