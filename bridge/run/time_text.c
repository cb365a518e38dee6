/* SPDX-License-Identifier: BSD-3-Clause */
#include "run/time_text.h"

#include <string.h>

bool ttb__time_parse(const char *text, uint64_t *time_ns)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    uint64_t whole = 0, fraction = 0, scale = 1, unit_ns = 0;
    const char *at = text;

    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
            return false;
    }
    if (*at == '.') {
        for (at++; *at >= '0' && *at <= '9'; at++) {
            if (scale == 1000000000)
                return false;
            fraction = fraction * 10 + (uint64_t)(*at - '0');
            scale *= 10;
        }
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(at, units[i].unit) == 0)
            unit_ns = units[i].ns;
    }
    /* No fractions of a nanosecond. */
    if (!unit_ns || fraction * unit_ns % scale || __builtin_mul_overflow(whole, unit_ns, &whole))
        return false;
    return !__builtin_add_overflow(whole, fraction * unit_ns / scale, time_ns);
}
