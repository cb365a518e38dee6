/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of the character at `s`, 0 if it is none (RFC 3629: shortest form, no surrogates). */
static size_t character(const unsigned char *s, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t value;

    if (length == 0 || s[0] > 0xf4 || length > left)
        return 0;
    if (length == 1)
        return (s[0] >= 0x20 && s[0] != 0x7f) || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
    value = s[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    return length;
}

size_t ttb__utf8_check(const char *text, size_t len_bytes)
{
    size_t at = 0, length;

    while (at < len_bytes) {
        length = character((const unsigned char *)text + at, len_bytes - at);
        if (!length)
            break;
        at += length;
    }
    return at;
}

void ttb__utf8_position(const char *text, size_t offset, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}
