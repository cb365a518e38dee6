/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A trace of anybody's making, read in every way there is. The first byte says what the rest is: a
 * whole file; or the content of a header, records, footer or index block, which is given a right
 * checksum, so that what is behind it is reached; the blocks before it are fine ones.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void put(int fd, const void *data, size_t len_bytes)
{
    if (write(fd, data, len_bytes) != (ssize_t)len_bytes)
        abort();
}

static void put_block(int fd, uint8_t kind, uint32_t sequence, const uint8_t *raw, size_t len_bytes)
{
    struct ttb__block block = {
        .kind = kind,
        .stored_bytes = (uint32_t)len_bytes,
        .raw_bytes = (uint32_t)len_bytes,
        .sequence = sequence,
    };
    uint8_t header[TTB__BLOCK_HEADER_BYTES];

    ttb__trace_block_put(header, &block);
    block.checksum = ttb__trace_block_checksum(header, raw, len_bytes);
    ttb__trace_block_put(header, &block);
    put(fd, header, sizeof(header));
    put(fd, raw, len_bytes);
}

static void put_good_header(int fd)
{
    const struct ttb_trace_header header = {.seed = 1};
    struct ttb__tables tables = {0};
    uint8_t *packed;
    size_t len_bytes;

    for (uint32_t id = 0; id < 3; id++) {
        struct ttb_trace_node node = {
            .id = id, .name = "node", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
        struct ttb_trace_place place = {
            .id = id, .kind = TTB_TRACE_PORT, .name = "eth0", .node = id, .link = TTB_TRACE_NONE};

        if (ttb__trace_tables_set_node(&tables, &node) ||
            ttb__trace_tables_set_place(&tables, &place))
            abort();
    }
    if (ttb__pack_header(&header, &tables, false, &packed, &len_bytes))
        abort();
    put_block(fd, TTB__BLOCK_HEADER, 0, packed, len_bytes);
    free(packed);
    ttb__trace_tables_free(&tables);
}

static void put_trailer(int fd, uint64_t footer_offset)
{
    uint8_t trailer[TTB__TRAILER_BYTES];

    for (int i = 0; i < 8; i++)
        trailer[i] = (uint8_t)(footer_offset >> (8 * i));
    memcpy(trailer + 8, TTB__TRAILER_MAGIC, 8);
    put(fd, trailer, sizeof(trailer));
}

static void read_it(int fd, bool digests)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .digests = digests};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    char text[512];

    if (ttb_trace_reader_open_fd(fd, "fuzz", &opts, &reader, text, sizeof(text)))
        return;
    ttb_trace_reader_seek(reader, 1000);
    while (ttb_trace_reader_next(reader, &record) > 0)
        ttb_trace_describe(ttb_trace_reader_tables(reader), &record, text, sizeof(text));
    ttb_trace_reader_seek(reader, 0);
    while (ttb_trace_reader_next(reader, &record) > 0)
        ;
    ttb_trace_diff_headers(ttb_trace_reader_header(reader), ttb_trace_reader_header(reader), NULL,
                           NULL);
    ttb_trace_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    uint64_t footer_offset;
    uint8_t mode;

    if (fd < 0)
        abort();
    if (!len_bytes) {
        close(fd);
        return 0;
    }
    mode = data[0] % 5;
    data++;
    len_bytes--;
    if (mode)
        put(fd, TTB__FILE_MAGIC, TTB__FILE_MAGIC_BYTES);
    switch (mode) {
    case 0:
        put(fd, data, len_bytes);
        break;
    case 1:
        put_block(fd, TTB__BLOCK_HEADER, 0, data, len_bytes);
        break;
    case 2:
        put_good_header(fd);
        /* Twice, for what refers to what came before. */
        put_block(fd, TTB__BLOCK_RECORDS, 1, data, len_bytes);
        put_block(fd, TTB__BLOCK_RECORDS, 2, data, len_bytes);
        break;
    default:
        put_good_header(fd);
        footer_offset = (uint64_t)lseek(fd, 0, SEEK_CUR);
        put_block(fd, mode == 3 ? TTB__BLOCK_FOOTER : TTB__BLOCK_INDEX, 1, data, len_bytes);
        put_block(fd, TTB__BLOCK_INDEX, 2, data, len_bytes);
        put_trailer(fd, footer_offset);
        break;
    }
    read_it(fd, false);
    read_it(fd, true);
    close(fd);
    return 0;
}
