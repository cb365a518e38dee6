/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file utf8.h
 * Is it text?
 */
#ifndef TTB_SCENARIO_UTF8_H
#define TTB_SCENARIO_UTF8_H

#include <stddef.h>

/* Offset of the first byte that is no UTF-8, or is a control character other than tab and line end;
 * len_bytes if there is none. */
size_t ttb__utf8_check(const char *text, size_t len_bytes);

/* Line and column, from 1, in characters, of an offset up to which the text is UTF-8. */
void ttb__utf8_position(const char *text, size_t offset, unsigned *line, unsigned *column);

#endif
