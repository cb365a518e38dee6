/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing what runs have shown, as text. */
#ifndef LINK_SAME_H
#define LINK_SAME_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a: stands for a frame's bytes in a line of text. */
uint64_t hash_of(const void *data, size_t len_bytes);

/* Fails with the first line that differs. `what` says which texts these are. */
void assert_same_text(const char *what, const char *expected, const char *got);

#endif
