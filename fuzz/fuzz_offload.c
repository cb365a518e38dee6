/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzzes what is done to frames that a guest leaves to its card: the input is a virtio header, 14 bits of
 * features, and a frame. What is cut up must fit the wire, and what follows must merge or be left alone
 * without a byte being touched that is not its own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vhost/merge.h"
#include "vhost/segment.h"

#define FRAME_BYTES_MAX 1514u
#define KEPT            8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/* The merger gets copies of their exact size, so that a look beyond one is seen; so is all that comes of it. */
static void merge(uint8_t *const *frames, const size_t *lens, unsigned count, uint64_t features)
{
    struct ttb__net_header header;
    struct ttb__merger merger;
    const struct iovec *parts;
    size_t len_bytes, sum_bytes = 0;
    unsigned part_count;
    uint8_t *merged;

    if (!count)
        return;
    ttb__merge_begin(&merger, features, frames[0], lens[0], false);
    for (unsigned i = 1; i < count && ttb__merge_add(&merger, frames[i], lens[i], i % 2); i++)
        ;
    parts = ttb__merge_finish(&merger, &header, &part_count, &len_bytes);
    merged = malloc(len_bytes ? len_bytes : 1);
    for (unsigned i = 0; merged && i < part_count; i++) {
        memcpy(merged + sum_bytes, parts[i].iov_base, parts[i].iov_len);
        sum_bytes += parts[i].iov_len;
    }
    if (merged && sum_bytes != len_bytes)
        abort();
    free(merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    uint8_t *frame, *kept[KEPT];
    size_t lens[KEPT], len_bytes;
    struct ttb__segmenter segmenter;
    struct ttb__net_header header;
    struct ttb__error why;
    unsigned count = 0;
    uint16_t features;

    if (size_bytes < sizeof(header) + sizeof(features))
        return 0;
    memcpy(&header, data, sizeof(header));
    memcpy(&features, data + sizeof(header), sizeof(features));
    data += sizeof(header) + sizeof(features);
    size_bytes -= sizeof(header) + sizeof(features);
    if (size_bytes > 65553)
        return 0;
    frame = malloc(size_bytes ? size_bytes : 1);
    if (!frame)
        return 0;
    memcpy(frame, data, size_bytes);
    if (!ttb__segment_begin(&segmenter, &header, features, frame, size_bytes, FRAME_BYTES_MAX,
                            &why)) {
        while ((len_bytes = ttb__segment_next_bytes(&segmenter)) > 0) {
            uint8_t *out = malloc(len_bytes);

            if (header.gso_type && len_bytes > FRAME_BYTES_MAX && len_bytes != size_bytes)
                abort();
            if (!out)
                break;
            ttb__segment_next(&segmenter, out);
            if (count == KEPT) {
                free(out);
                continue;
            }
            lens[count] = len_bytes;
            kept[count++] = out;
        }
    }
    merge(kept, lens, count, features);
    while (count)
        free(kept[--count]);
    free(frame);
    return 0;
}
