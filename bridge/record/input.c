/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file of blocks being read, from a file or a pipe. Everything in it is untrusted.
 */
#include "record/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "record/wire.h"

/* Memory is taken as a block asks for it, in steps, so that a lie about its size costs nothing when
 * the file is shorter. */
#define STEP_BYTES (1024 * 1024)

/* @return bytes, fewer only at the end of the file */
static ssize_t read_up_to(struct ttb__trace_in *input, uint8_t *data, size_t len_bytes,
                          uint64_t offset)
{
    size_t got = 0;

    while (got < len_bytes) {
        ssize_t part = input->seekable
                           ? pread(input->fd, data + got, len_bytes - got, (off_t)(offset + got))
                           : read(input->fd, data + got, len_bytes - got);

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -errno;
        if (part == 0)
            break;
        got += (size_t)part;
    }
    return (ssize_t)got;
}

static int make_room(uint8_t **data, size_t *room, size_t wanted)
{
    uint8_t *grown;

    if (wanted <= *room)
        return 0;
    grown = realloc(*data, wanted);
    if (!grown)
        return -ENOMEM;
    *data = grown;
    *room = wanted;
    return 0;
}

int ttb__trace_in_open(struct ttb__trace_in *input, int fd, bool owns_fd, const char *name,
                       const char *path, struct ttb__error *error)
{
    uint8_t magic[TTB__FILE_MAGIC_BYTES];
    struct stat status;
    ssize_t got;
    int rc;

    *input = (struct ttb__trace_in){.fd = fd, .owns_fd = owns_fd};
    input->name = strdup(name);
    input->path = path ? strdup(path) : NULL;
    input->zstd = ZSTD_createDCtx();
    /* So that even a block without bytes has an address. */
    if (!input->name || (path && !input->path) || !input->zstd ||
        make_room(&input->stored, &input->stored_room, 1))
        return ttb__fail(error, -ENOMEM, "trace %s: out of memory", name);
    if (fstat(fd, &status) < 0)
        return ttb__fail(error, -errno, "trace %s: %s", name, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return ttb__fail(error, -EISDIR, "trace %s: is a directory", name);
    input->seekable = S_ISREG(status.st_mode);
    input->size_bytes = input->seekable ? (uint64_t)status.st_size : 0;
    got = read_up_to(input, magic, sizeof(magic), 0);
    if (got < 0) {
        rc = (int)got;
        return ttb__fail(error, rc, "trace %s: %s", name, strerror(-rc));
    }
    if (got < (ssize_t)sizeof(magic) || memcmp(magic, TTB__FILE_MAGIC, sizeof(magic)) != 0) {
        return ttb__fail(error, -EBADMSG,
                         "trace %s: offset 0: is no trace: it does not begin as one", name);
    }
    input->offset = sizeof(magic);
    return 0;
}

void ttb__trace_in_close(struct ttb__trace_in *input)
{
    ttb__trace_ahead_stop(input);
    if (input->owns_fd && input->fd >= 0)
        close(input->fd);
    ZSTD_freeDCtx(input->zstd);
    free(input->name);
    free(input->path);
    free(input->stored);
    free(input->raw);
    *input = (struct ttb__trace_in){.fd = -1};
}

void ttb__trace_in_seek(struct ttb__trace_in *input, uint64_t offset, uint32_t sequence)
{
    if (input->ahead)
        ttb__trace_ahead_forget(input);
    input->offset = offset;
    input->sequence = sequence;
    input->tail = false;
}

static int cut_off(struct ttb__trace_in *input, const char *where, uint64_t missing_bytes,
                   struct ttb__error *error)
{
    ttb__fail(error, 0,
              "trace %s: offset %" PRIu64 ": the file ends within a block's %s, %" PRIu64
              " bytes are missing",
              input->name, input->offset, where, missing_bytes);
    return 0;
}

static int read_stored(struct ttb__trace_in *input, uint64_t offset, struct ttb__error *error)
{
    size_t left = input->block.stored_bytes, have = 0;
    ssize_t got;

    while (left) {
        size_t part = left < STEP_BYTES ? left : STEP_BYTES;

        if (make_room(&input->stored, &input->stored_room, have + part))
            return ttb__fail(error, -ENOMEM, "trace %s: out of memory", input->name);
        got = read_up_to(input, input->stored + have, part, offset + have);
        if (got < 0)
            return ttb__fail(error, (int)got, "trace %s: offset %" PRIu64 ": %s", input->name,
                             offset + have, strerror((int)-got));
        if ((size_t)got < part)
            return cut_off(input, "data", left - (size_t)got, error);
        have += part;
        left -= part;
    }
    return 1;
}

static int decompress(struct ttb__trace_in *input, struct ttb__error *error)
{
    const struct ttb__block *block = &input->block;
    unsigned long long claimed;
    size_t got;

    if (block->compression == TTB__BLOCK_PLAIN) {
        input->data = input->stored;
        return 0;
    }
    claimed = ZSTD_getFrameContentSize(input->stored, block->stored_bytes);
    if (claimed != block->raw_bytes) {
        return ttb__fail(error, -EBADMSG,
                         "trace %s: offset %" PRIu64 ": raw_bytes: %u is not the size that its "
                         "compressed data names",
                         input->name, input->offset, block->raw_bytes);
    }
    if (make_room(&input->raw, &input->raw_room, block->raw_bytes + 1))
        return ttb__fail(error, -ENOMEM, "trace %s: out of memory", input->name);
    got = ZSTD_decompressDCtx(input->zstd, input->raw, block->raw_bytes, input->stored,
                              block->stored_bytes);
    if (ZSTD_isError(got) || got != block->raw_bytes) {
        return ttb__fail(
            error, -EBADMSG, "trace %s: offset %" PRIu64 ": the compressed data is damaged: %s",
            input->name, input->offset, ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
    }
    input->data = input->raw;
    return 0;
}

/* The block at `offset`, whatever kind it has. */
static int load(struct ttb__trace_in *input, struct ttb__error *error)
{
    uint8_t header[TTB__BLOCK_HEADER_BYTES];
    struct ttb__error why;
    uint64_t checksum;
    ssize_t got = read_up_to(input, header, sizeof(header), input->offset);
    int rc;

    if (got < 0)
        return ttb__fail(error, (int)got, "trace %s: offset %" PRIu64 ": %s", input->name,
                         input->offset, strerror((int)-got));
    if (got == 0)
        return 0;
    if (got < (ssize_t)sizeof(header))
        return cut_off(input, "header", sizeof(header) - (size_t)got, error);
    rc = ttb__trace_block_get(header, &input->block, &why);
    if (rc)
        return ttb__fail(error, rc, "trace %s: offset %" PRIu64 ": %s", input->name, input->offset,
                         why.text);
    rc = read_stored(input, input->offset + sizeof(header), error);
    if (rc <= 0)
        return rc;
    checksum = ttb__trace_block_checksum(header, input->stored, input->block.stored_bytes);
    if (checksum != input->block.checksum) {
        return ttb__fail(error, -EBADMSG,
                         "trace %s: offset %" PRIu64 ": checksum: the block's bytes give "
                         "%016" PRIx64 ", it says %016" PRIx64,
                         input->name, input->offset, checksum, input->block.checksum);
    }
    if (input->block.sequence != input->sequence) {
        return ttb__fail(error, -EBADMSG,
                         "trace %s: offset %" PRIu64 ": sequence: %u where %u is expected",
                         input->name, input->offset, input->block.sequence, input->sequence);
    }
    rc = decompress(input, error);
    return rc ? rc : 1;
}

static bool is_known(uint8_t kind)
{
    return kind >= TTB__BLOCK_HEADER && kind <= TTB__BLOCK_INDEX;
}

int ttb__trace_in_next(struct ttb__trace_in *input, struct ttb__error *error)
{
    return input->ahead ? ttb__trace_ahead_next(input, error) : ttb__trace_in_load(input, error);
}

int ttb__trace_in_load(struct ttb__trace_in *input, struct ttb__error *error)
{
    int rc;

    /* Kinds of blocks that later versions may have are passed over. */
    do {
        input->block_offset = input->offset;
        rc = load(input, error);
        if (rc <= 0)
            return rc;
        input->offset += TTB__BLOCK_HEADER_BYTES + input->block.stored_bytes;
        input->sequence++;
        if (input->block.kind == TTB__BLOCK_HEADER)
            input->identity = input->block.checksum;
    } while (!is_known(input->block.kind));
    return 1;
}

/* ---------------------------------------------------------------------------------------- tail */

static int read_tail(struct ttb__trace_in *input, int fd)
{
    struct ttb__trace_in file = {.fd = fd, .seekable = true};
    uint8_t header[TTB__TAIL_HEADER_BYTES];
    uint32_t used;

    if (read_up_to(&file, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        memcmp(header, TTB__TAIL_MAGIC, 8) != 0 ||
        ttb__get_u64(header + TTB__TAIL_OFFSET) != input->offset ||
        ttb__get_u64(header + TTB__TAIL_IDENTITY) != input->identity ||
        ttb__get_u32(header + TTB__TAIL_SEQUENCE) != input->sequence)
        return 0;
    used = ttb__get_u32(header + TTB__TAIL_USED);
    if (!used || used > TTB__BLOCK_RAW_MAX)
        return 0;
    if (make_room(&input->raw, &input->raw_room, used) ||
        read_up_to(&file, input->raw, used, sizeof(header)) != (ssize_t)used)
        return 0;
    input->block = (struct ttb__block){
        .kind = TTB__BLOCK_RECORDS,
        .raw_bytes = used,
        .sequence = input->sequence,
        .last_ns = UINT64_MAX,
    };
    input->block_offset = input->offset;
    input->data = input->raw;
    input->tail = true;
    return 1;
}

int ttb__trace_in_tail(struct ttb__trace_in *input)
{
    char *path;
    int fd, rc;

    if (!input->path || input->tail || asprintf(&path, "%s.tail", input->path) < 0)
        return 0;
    /* A pipe there must not hang us. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    free(path);
    if (fd < 0)
        return 0;
    rc = read_tail(input, fd);
    close(fd);
    return rc;
}
