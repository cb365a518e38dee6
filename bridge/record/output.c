/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file of blocks being written, and its tail.
 *
 * Records are collected until a block is full. When that is may depend on the records only, or equal
 * runs would give different files; so nothing can be written early for the sake of a crash. Instead the
 * block being collected is memory that is mapped from a file, FILE.tail: what a killed program had put
 * there is still there, without a system call for it. When a block has been written the tail begins
 * anew; a reader that finds a tail whose block is in the file ignores it.
 */
#include "record/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

#include "record/wire.h"

#define RAW_BYTES  (TTB__BLOCK_BYTES + TTB__RECORD_MAX + 16)
#define TAIL_BYTES (TTB__TAIL_HEADER_BYTES + RAW_BYTES)

struct ttb__trace_out {
    int fd, directory_fd;
    char *path, *name, *tail_name; /* path: for messages */
    uint64_t offset;               /* where the next block goes */
    uint32_t sequence;             /* of the next block */
    bool started;

    uint8_t *tail;    /* mapped, or of malloc's */
    bool tail_mapped; /* and so there is a file tail_name */
    uint8_t *raw;     /* behind the tail's header */
    size_t used;
    uint32_t record_count;
    uint64_t first_ns, last_ns;

    ZSTD_CCtx *zstd;
    uint8_t *stored; /* a block's header and stored bytes */
    size_t stored_room;

    struct ttb__index index;
    uint64_t stride;         /* every so many blocks have an entry */
    uint64_t records_blocks; /* RECORDS blocks written */
    uint64_t records;        /* in them */
    uint64_t latest_ns;      /* of all of them */

    bool failed;
    struct ttb__error error;
};

/* ---------------------------------------------------------------------------------------- tail */

/* Readers look at it only when its writer is dead, so the order of stores matters, not of loads. */
static void tail_commit(struct ttb__trace_out *output)
{
    if (output->tail_mapped) {
        atomic_signal_fence(memory_order_release);
        *(volatile uint32_t *)(output->tail + TTB__TAIL_USED) = (uint32_t)output->used;
    }
}

static void tail_begin(struct ttb__trace_out *output)
{
    output->used = 0;
    output->record_count = 0;
    if (!output->tail_mapped)
        return;
    tail_commit(output);
    atomic_signal_fence(memory_order_release);
    ttb__put_u64(output->tail + TTB__TAIL_OFFSET, output->offset);
    ttb__put_u32(output->tail + TTB__TAIL_SEQUENCE, output->sequence);
    atomic_signal_fence(memory_order_release);
}

/* Where the file system cannot do it, memory of our own serves, and a crash costs a block. */
static int tail_open(struct ttb__trace_out *output)
{
    int fd = openat(output->directory_fd, output->tail_name,
                    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

    /* Allocated now: a store into a hole of a full disk would be a SIGBUS. */
    if (fd >= 0 && posix_fallocate(fd, 0, TAIL_BYTES) == 0) {
        void *map = mmap(NULL, TAIL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (map != MAP_FAILED) {
            output->tail = map;
            output->tail_mapped = true;
            memcpy(output->tail, TTB__TAIL_MAGIC, 8);
        }
    }
    if (fd >= 0)
        close(fd);
    if (!output->tail_mapped) {
        if (fd >= 0)
            unlinkat(output->directory_fd, output->tail_name, 0);
        output->tail = malloc(TAIL_BYTES);
        if (!output->tail)
            return -ENOMEM;
    }
    output->raw = output->tail + TTB__TAIL_HEADER_BYTES;
    return 0;
}

/* ---------------------------------------------------------------------------------- open, free */

static void output_free(struct ttb__trace_out *output)
{
    if (output->tail_mapped)
        munmap(output->tail, TAIL_BYTES);
    else
        free(output->tail);
    if (output->fd >= 0)
        close(output->fd);
    if (output->directory_fd >= 0)
        close(output->directory_fd);
    ZSTD_freeCCtx(output->zstd);
    ttb__trace_index_free(&output->index);
    free(output->stored);
    free(output->path);
    free(output->name);
    free(output->tail_name);
    free(output);
}

static int allocate(struct ttb__trace_out *output, const char *directory, const char *name,
                    int level)
{
    output->name = strdup(name);
    if (asprintf(&output->path, "%s/%s", directory, name) < 0)
        output->path = NULL;
    if (asprintf(&output->tail_name, "%s.tail", name) < 0)
        output->tail_name = NULL;
    output->stored_room = TTB__BLOCK_HEADER_BYTES + ZSTD_compressBound(RAW_BYTES);
    output->stored = malloc(output->stored_room);
    output->zstd = ZSTD_createCCtx();
    output->index.offset_bytes = malloc(TTB__INDEX_MAX * sizeof(uint64_t));
    output->index.before_ns = malloc(TTB__INDEX_MAX * sizeof(uint64_t));
    output->index.record = malloc(TTB__INDEX_MAX * sizeof(uint64_t));
    output->stride = 1;
    if (!output->name || !output->path || !output->tail_name || !output->stored || !output->zstd ||
        !output->index.offset_bytes || !output->index.before_ns || !output->index.record)
        return -ENOMEM;
    ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_compressionLevel, level);
    return 0;
}

int ttb__trace_out_open(int directory_fd, const char *directory, const char *name, int level,
                        struct ttb__trace_out **made, struct ttb__error *error)
{
    struct ttb__trace_out *output = calloc(1, sizeof(*output));
    int rc;

    *made = NULL;
    if (!output)
        return ttb__fail(error, -ENOMEM, "out of memory");
    output->fd = -1;
    output->directory_fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 0);
    rc = output->directory_fd < 0 ? -errno : allocate(output, directory, name, level);
    if (rc) {
        output_free(output);
        return ttb__fail(error, rc, "trace %s/%s: %s", directory, name, strerror(-rc));
    }
    /* Anew, not truncated: whoever reads the one before, or has a link to it, keeps it. */
    unlinkat(output->directory_fd, output->tail_name, 0);
    unlinkat(output->directory_fd, name, 0);
    output->fd = openat(output->directory_fd, name,
                        O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (output->fd < 0) {
        rc = -errno;
        ttb__fail(error, rc, "trace %s: cannot be made: %s", output->path, strerror(-rc));
    } else {
        rc = tail_open(output);
        if (rc)
            ttb__fail(error, rc, "trace %s: %s", output->path, strerror(-rc));
    }
    if (rc) {
        output_free(output);
        return rc;
    }
    *made = output;
    return 0;
}

/* ------------------------------------------------------------------------------------- writing */

static int write_at(int fd, const uint8_t *data, size_t len_bytes, uint64_t offset)
{
    while (len_bytes) {
        ssize_t put = pwrite(fd, data, len_bytes, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        if (put == 0)
            return -EIO;
        data += put;
        len_bytes -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

static int fail(struct ttb__trace_out *output, int rc)
{
    output->failed = true;
    ttb__fail(&output->error, rc,
              "trace %s: cannot be written beyond %llu bytes: %s; what is there stays readable",
              output->path, (unsigned long long)output->offset, strerror(-rc));
    /* Half a block is no use to anybody; where this fails too, readers see that it is half. */
    if (ftruncate(output->fd, (off_t)output->offset) < 0)
        return rc;
    return rc;
}

/* Compress and write a block. */
static int write_block(struct ttb__trace_out *output, struct ttb__block block, const uint8_t *raw,
                       size_t raw_bytes)
{
    size_t wanted = TTB__BLOCK_HEADER_BYTES + ZSTD_compressBound(raw_bytes), got;
    int rc;

    if (wanted > output->stored_room) {
        uint8_t *grown = realloc(output->stored, wanted);

        if (!grown)
            return fail(output, -ENOMEM);
        output->stored = grown;
        output->stored_room = wanted;
    }
    got = ZSTD_compress2(output->zstd, output->stored + TTB__BLOCK_HEADER_BYTES,
                         output->stored_room - TTB__BLOCK_HEADER_BYTES, raw, raw_bytes);
    block.compression = TTB__BLOCK_ZSTD;
    if (ZSTD_isError(got) || got >= raw_bytes) {
        block.compression = TTB__BLOCK_PLAIN;
        memcpy(output->stored + TTB__BLOCK_HEADER_BYTES, raw, raw_bytes);
        got = raw_bytes;
    }
    block.raw_bytes = (uint32_t)raw_bytes;
    block.stored_bytes = (uint32_t)got;
    block.sequence = output->sequence;
    ttb__trace_block_put(output->stored, &block);
    block.checksum =
        ttb__trace_block_checksum(output->stored, output->stored + TTB__BLOCK_HEADER_BYTES, got);
    ttb__trace_block_put(output->stored, &block);
    rc = write_at(output->fd, output->stored, TTB__BLOCK_HEADER_BYTES + got, output->offset);
    if (rc)
        return fail(output, rc);
    if (block.kind == TTB__BLOCK_HEADER && output->tail_mapped)
        ttb__put_u64(output->tail + TTB__TAIL_IDENTITY, block.checksum);
    output->offset += TTB__BLOCK_HEADER_BYTES + got;
    output->sequence++;
    return 0;
}

bool ttb__trace_out_is_open(const struct ttb__trace_out *output)
{
    return output->started;
}

int ttb__trace_out_start(struct ttb__trace_out *output, const uint8_t *header, size_t len_bytes)
{
    int rc;

    output->started = true;
    if (len_bytes > TTB__MESSAGE_RAW_MAX)
        return fail(output, -EMSGSIZE);
    rc = write_at(output->fd, (const uint8_t *)TTB__FILE_MAGIC, TTB__FILE_MAGIC_BYTES, 0);
    if (rc)
        return fail(output, rc);
    output->offset = TTB__FILE_MAGIC_BYTES;
    rc = write_block(output, (struct ttb__block){.kind = TTB__BLOCK_HEADER, .record_count = 1},
                     header, len_bytes);
    if (!rc)
        tail_begin(output);
    return rc;
}

/* An entry about the RECORDS block at `offset`, unless its turn is left out. */
static void add_to_index(struct ttb__trace_out *output, uint64_t offset)
{
    struct ttb__index *index = &output->index;

    if (output->records_blocks % output->stride)
        return;
    if (index->count == TTB__INDEX_MAX) {
        for (size_t i = 0; i < TTB__INDEX_MAX / 2; i++) {
            index->offset_bytes[i] = index->offset_bytes[2 * i];
            index->before_ns[i] = index->before_ns[2 * i];
            index->record[i] = index->record[2 * i];
        }
        index->count /= 2;
        output->stride *= 2;
        if (output->records_blocks % output->stride)
            return;
    }
    index->offset_bytes[index->count] = offset;
    index->before_ns[index->count] = output->latest_ns;
    index->record[index->count] = output->records;
    index->count++;
}

int ttb__trace_out_flush(struct ttb__trace_out *output)
{
    uint64_t offset = output->offset;
    int rc;

    if (!output->record_count)
        return 0;
    rc = write_block(output,
                     (struct ttb__block){
                         .kind = TTB__BLOCK_RECORDS,
                         .record_count = output->record_count,
                         .first_ns = output->first_ns,
                         .last_ns = output->last_ns,
                     },
                     output->raw, output->used);
    if (rc)
        return rc;
    add_to_index(output, offset);
    output->records_blocks++;
    output->records += output->record_count;
    if (output->last_ns > output->latest_ns)
        output->latest_ns = output->last_ns;
    tail_begin(output);
    return 0;
}

uint8_t *ttb__trace_out_reserve(struct ttb__trace_out *output)
{
    return output->failed ? NULL : output->raw + output->used;
}

int ttb__trace_out_commit(struct ttb__trace_out *output, size_t len_bytes, uint64_t time_ns)
{
    if (!output->record_count || time_ns < output->first_ns)
        output->first_ns = time_ns;
    if (!output->record_count || time_ns > output->last_ns)
        output->last_ns = time_ns;
    output->used += len_bytes;
    output->record_count++;
    tail_commit(output);
    if (output->used >= TTB__BLOCK_BYTES || output->record_count >= TTB__BLOCK_RECORDS_MAX)
        return ttb__trace_out_flush(output);
    return 0;
}

uint64_t ttb__trace_out_block(const struct ttb__trace_out *output, const uint8_t **base)
{
    *base = output->raw;
    return output->sequence;
}

bool ttb__trace_out_has_failed(const struct ttb__trace_out *output)
{
    return output->failed;
}

const char *ttb__trace_out_error(const struct ttb__trace_out *output)
{
    return output->error.text;
}

static int write_end(struct ttb__trace_out *output, const uint8_t *footer, size_t len_bytes)
{
    uint8_t trailer[TTB__TRAILER_BYTES], *index = NULL;
    uint64_t footer_offset = output->offset;
    size_t index_bytes;
    int rc;

    if (len_bytes > TTB__MESSAGE_RAW_MAX)
        return fail(output, -EMSGSIZE);
    rc = write_block(output, (struct ttb__block){.kind = TTB__BLOCK_FOOTER, .record_count = 1},
                     footer, len_bytes);
    if (rc)
        return rc;
    rc = ttb__pack_index(&output->index, &index, &index_bytes);
    if (rc)
        return fail(output, rc);
    rc = write_block(output, (struct ttb__block){.kind = TTB__BLOCK_INDEX, .record_count = 1},
                     index, index_bytes);
    free(index);
    if (rc)
        return rc;
    ttb__put_u64(trailer, footer_offset);
    memcpy(trailer + 8, TTB__TRAILER_MAGIC, 8);
    rc = write_at(output->fd, trailer, sizeof(trailer), output->offset);
    return rc ? fail(output, rc) : 0;
}

int ttb__trace_out_finish(struct ttb__trace_out *output, const uint8_t *footer, size_t len_bytes)
{
    int rc = 0;

    if (!output)
        return 0;
    if (footer) {
        rc = ttb__trace_out_flush(output);
        if (!rc) {
            rc = write_end(output, footer, len_bytes);
            /* All records are in the file, whether the footer is or not. */
            if (output->tail_mapped)
                unlinkat(output->directory_fd, output->tail_name, 0);
        }
    }
    output_free(output);
    return rc;
}
