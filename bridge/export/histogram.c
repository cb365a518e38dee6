/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/histogram.h"

#include <errno.h>
#include <stdlib.h>

/* Row 0 has the values 0 to 31, one each; row r those from 2^(r+4) on, in classes of 2^(r-1). */
static unsigned row_of(uint64_t value)
{
    return value < TTB__HISTOGRAM_CLASSES ? 0 : (unsigned)(63 - __builtin_clzll(value)) - 4;
}

int ttb__histogram_add(struct ttb__histogram *histogram, uint64_t value)
{
    unsigned row = row_of(value), at;

    if (!histogram->rows[row]) {
        histogram->rows[row] = calloc(TTB__HISTOGRAM_CLASSES, sizeof(*histogram->rows[row]));
        if (!histogram->rows[row])
            return -ENOMEM;
    }
    at = (unsigned)(row ? value >> (row - 1) : value) & (TTB__HISTOGRAM_CLASSES - 1);
    if (histogram->rows[row][at] != UINT32_MAX)
        histogram->rows[row][at]++;
    histogram->count++;
    return 0;
}

void ttb__histogram_clear(struct ttb__histogram *histogram)
{
    for (unsigned row = 0; row < TTB__HISTOGRAM_ROWS; row++)
        free(histogram->rows[row]);
    *histogram = (struct ttb__histogram){.count = 0};
}

uint64_t ttb__histogram_quantile(const struct ttb__histogram *histogram, unsigned permille)
{
    /* The k-th smallest, k counted from 1: nearest rank. */
    uint64_t wanted =
        (histogram->count / 1000) * permille + ((histogram->count % 1000) * permille + 999) / 1000;
    uint64_t seen = 0;

    if (!wanted)
        wanted = 1;
    for (unsigned row = 0; row < TTB__HISTOGRAM_ROWS; row++) {
        for (unsigned at = 0; histogram->rows[row] && at < TTB__HISTOGRAM_CLASSES; at++) {
            uint64_t width = row > 1 ? 1ULL << (row - 1) : 1;

            seen += histogram->rows[row][at];
            if (seen >= wanted && histogram->count)
                return (row ? (uint64_t)(TTB__HISTOGRAM_CLASSES + at) << (row - 1) : at) +
                       (width - 1) / 2;
        }
    }
    return 0;
}
