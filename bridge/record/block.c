/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stands in front of a block:
 *
 *   0  u32  mark "TTBk"          16  u32  number of records
 *   4  u8   kind                 20  u32  sequence, from 0
 *   5  u8   compression          24  u64  earliest time of its records, ns
 *   6  u16  0                    32  u64  latest time
 *   8  u32  stored bytes         40  u64  checksum: XXH3-64 of the stored bytes, its seed
 *  12  u32  bytes decompressed            being XXH3-64 of bytes 0 to 39
 *
 * All integers are little-endian.
 */
#include "record/internal.h"

#include <errno.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "record/wire.h"

#define BLOCK_MARK      0x6b425454U /* "TTBk" */
#define CHECKSUM_OFFSET 40

void ttb__trace_block_put(uint8_t to[TTB__BLOCK_HEADER_BYTES], const struct ttb__block *block)
{
    ttb__put_u32(to, BLOCK_MARK);
    to[4] = block->kind;
    to[5] = block->compression;
    ttb__put_u16(to + 6, 0);
    ttb__put_u32(to + 8, block->stored_bytes);
    ttb__put_u32(to + 12, block->raw_bytes);
    ttb__put_u32(to + 16, block->record_count);
    ttb__put_u32(to + 20, block->sequence);
    ttb__put_u64(to + 24, block->first_ns);
    ttb__put_u64(to + 32, block->last_ns);
    ttb__put_u64(to + CHECKSUM_OFFSET, block->checksum);
}

int ttb__trace_block_get(const uint8_t from[TTB__BLOCK_HEADER_BYTES], struct ttb__block *block,
                         struct ttb__error *error)
{
    size_t raw_max;

    *block = (struct ttb__block){
        .kind = from[4],
        .compression = from[5],
        .stored_bytes = ttb__get_u32(from + 8),
        .raw_bytes = ttb__get_u32(from + 12),
        .record_count = ttb__get_u32(from + 16),
        .sequence = ttb__get_u32(from + 20),
        .first_ns = ttb__get_u64(from + 24),
        .last_ns = ttb__get_u64(from + 32),
        .checksum = ttb__get_u64(from + CHECKSUM_OFFSET),
    };
    if (ttb__get_u32(from) != BLOCK_MARK) {
        return ttb__fail(error, -EBADMSG, "block mark: 0x%08x is not 0x%08x", ttb__get_u32(from),
                         BLOCK_MARK);
    }
    raw_max = block->kind == TTB__BLOCK_RECORDS ? TTB__BLOCK_RAW_MAX : TTB__MESSAGE_RAW_MAX;
    if (block->raw_bytes > raw_max) {
        return ttb__fail(error, -EBADMSG, "raw_bytes: %u is more than %zu", block->raw_bytes,
                         raw_max);
    }
    if (block->stored_bytes > ZSTD_compressBound(raw_max)) {
        return ttb__fail(error, -EBADMSG, "stored_bytes: %u is more than %zu", block->stored_bytes,
                         ZSTD_compressBound(raw_max));
    }
    if (block->compression != TTB__BLOCK_PLAIN && block->compression != TTB__BLOCK_ZSTD) {
        return ttb__fail(error, -EBADMSG, "compression: %u is neither 0 (none) nor 1 (zstd)",
                         block->compression);
    }
    if (block->compression == TTB__BLOCK_PLAIN && block->stored_bytes != block->raw_bytes) {
        return ttb__fail(error, -EBADMSG, "stored_bytes: %u, uncompressed, is not raw_bytes %u",
                         block->stored_bytes, block->raw_bytes);
    }
    return 0;
}

uint64_t ttb__trace_block_checksum(const uint8_t header[TTB__BLOCK_HEADER_BYTES],
                                   const void *stored, size_t len_bytes)
{
    return XXH3_64bits_withSeed(stored, len_bytes, XXH3_64bits(header, CHECKSUM_OFFSET));
}
