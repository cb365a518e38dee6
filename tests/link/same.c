/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "same.h"

uint64_t hash_of(const void *data, size_t len_bytes)
{
    const uint8_t *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len_bytes; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void assert_same_text(const char *what, const char *expected, const char *got)
{
    for (int line = 1; *expected || *got; line++) {
        size_t expected_len = strcspn(expected, "\n"), got_len = strcspn(got, "\n");

        if (!*expected || !*got || expected_len != got_len || memcmp(expected, got, got_len) != 0)
            fail_msg("%s, line %d: \"%.*s\" instead of \"%.*s\"", what, line, (int)got_len, got,
                     (int)expected_len, expected);
        expected += expected_len + (expected[expected_len] != 0);
        got += got_len + (got[got_len] != 0);
    }
}
