/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader: records out of blocks, payloads for those that share one, what comes at the end, seeking.
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

#include "record/wire.h"

/* Where in the block a packet's payload is. Slots of earlier blocks are told by their generation. */
struct slot {
    uint64_t packet;
    uint32_t offset, len_bytes;
    uint32_t generation;
};

struct ttb_trace_reader {
    struct ttb__trace_in input;
    struct ttb__header header;
    struct ttb__tables tables;
    struct ttb__footer footer;
    bool has_footer, wall;
    struct ttb__index index;
    bool has_index;
    uint64_t first_offset; /* of the block after the header */
    uint32_t first_sequence;

    struct ttb__wire wire; /* what is left of the current block */
    bool in_block;
    struct slot *slots; /* room: a power of two */
    size_t slot_room, slot_count;
    uint32_t generation;

    bool has_pending; /* found by seek() */
    struct ttb_trace_record pending;
    uint64_t number; /* of the next record */
    uint64_t latest_ns;
    struct ttb__digest *digest;
    enum ttb_trace_reader_end end;
    struct ttb__error error;
};

/* ------------------------------------------------------------------------------------ payloads */

static size_t slot_of(const struct ttb_trace_reader *reader, uint64_t packet)
{
    /* Ids are given one after the other: this way neighbours are neighbours in memory, too. */
    size_t slot = packet & (reader->slot_room - 1);

    while (reader->slots[slot].generation == reader->generation &&
           reader->slots[slot].packet != packet)
        slot = (slot + 1) & (reader->slot_room - 1);
    return slot;
}

static int grow_slots(struct ttb_trace_reader *reader)
{
    size_t old_room = reader->slot_room, room = old_room ? 2 * old_room : 1024;
    struct slot *old = reader->slots, *grown = calloc(room, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    reader->slots = grown;
    reader->slot_room = room;
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].generation == reader->generation)
            grown[slot_of(reader, old[i].packet)] = old[i];
    }
    free(old);
    return 0;
}

/* Keep the payload of a frame that has one, give it to one that has none. */
static int share_payload(struct ttb_trace_reader *reader, struct ttb_trace_frame *frame)
{
    struct slot *slot;

    if (!frame->packet || !frame->len_bytes)
        return 0;
    if (2 * reader->slot_count >= reader->slot_room && grow_slots(reader))
        return -ENOMEM;
    slot = &reader->slots[slot_of(reader, frame->packet)];
    if (frame->payload.len_bytes) {
        if (slot->generation != reader->generation)
            reader->slot_count++;
        *slot = (struct slot){
            .packet = frame->packet,
            .offset = (uint32_t)((const uint8_t *)frame->payload.data - reader->input.data),
            .len_bytes = (uint32_t)frame->payload.len_bytes,
            .generation = reader->generation,
        };
    } else if (slot->generation == reader->generation) {
        frame->payload.data = reader->input.data + slot->offset;
        frame->payload.len_bytes =
            slot->len_bytes < frame->len_bytes ? slot->len_bytes : frame->len_bytes;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- open */

static int load_header(struct ttb_trace_reader *reader)
{
    struct ttb__trace_in *input = &reader->input;
    struct ttb__error why;
    int rc = ttb__trace_in_next(input, &reader->error);

    if (rc < 0)
        return rc;
    if (rc == 0) {
        return ttb__fail(&reader->error, -EBADMSG,
                         "trace %s: offset %" PRIu64 ": the file ends before its header",
                         input->name, input->offset);
    }
    if (input->block.kind != TTB__BLOCK_HEADER) {
        return ttb__fail(&reader->error, -EBADMSG,
                         "trace %s: offset %" PRIu64 ": kind: %u where the header (1) is expected",
                         input->name, input->block_offset, input->block.kind);
    }
    rc = ttb__unpack_header(input->data, input->block.raw_bytes, &reader->header, &reader->tables,
                            &reader->wall, &why);
    if (rc)
        return ttb__fail(&reader->error, rc, "trace %s: offset %" PRIu64 ": %s", input->name,
                         input->block_offset, why.text);
    reader->first_offset = input->offset;
    reader->first_sequence = input->sequence;
    return 0;
}

static int load_footer(struct ttb_trace_reader *reader)
{
    struct ttb__trace_in *input = &reader->input;
    struct ttb__error why;
    int rc;

    if (reader->has_footer)
        return 0;
    rc = ttb__unpack_footer(input->data, input->block.raw_bytes, &reader->footer, &reader->tables,
                            &why);
    if (rc)
        return ttb__fail(&reader->error, rc, "trace %s: offset %" PRIu64 ": %s", input->name,
                         input->block_offset, why.text);
    reader->has_footer = true;
    return 0;
}

/* Look for footer and index at the end of the file. They are a convenience: what is wrong with them is
 * found again, and said, when reading comes there. */
static void look_ahead(struct ttb_trace_reader *reader)
{
    struct ttb__trace_in *input = &reader->input;
    uint8_t trailer[TTB__TRAILER_BYTES], header[TTB__BLOCK_HEADER_BYTES];
    struct ttb__block block;
    struct ttb__error why;
    uint64_t offset;

    if (!input->seekable || input->size_bytes < reader->first_offset + sizeof(trailer) ||
        pread(input->fd, trailer, sizeof(trailer), (off_t)(input->size_bytes - sizeof(trailer))) !=
            (ssize_t)sizeof(trailer) ||
        memcmp(trailer + 8, TTB__TRAILER_MAGIC, 8) != 0)
        return;
    offset = ttb__get_u64(trailer);
    if (offset < reader->first_offset || offset > input->size_bytes - sizeof(trailer) ||
        pread(input->fd, header, sizeof(header), (off_t)offset) != (ssize_t)sizeof(header) ||
        ttb__trace_block_get(header, &block, &why))
        return;
    ttb__trace_in_seek(input, offset, block.sequence);
    if (ttb__trace_in_next(input, &why) == 1 && input->block.kind == TTB__BLOCK_FOOTER &&
        load_footer(reader) == 0 && ttb__trace_in_next(input, &why) == 1 &&
        input->block.kind == TTB__BLOCK_INDEX &&
        ttb__unpack_index(input->data, input->block.raw_bytes, &reader->index, &why) == 0)
        reader->has_index = true;
    reader->error.text[0] = 0;
    ttb__trace_in_seek(input, reader->first_offset, reader->first_sequence);
}

static int open_fd(int fd, bool owns_fd, const char *name, const char *path,
                   const struct ttb_trace_reader_opts *opts, struct ttb_trace_reader **made,
                   char *error_text, size_t error_size)
{
    struct ttb_trace_reader *reader = NULL;
    struct ttb__error error = {{0}};
    int rc = 0;

    if (opts && opts->size < sizeof(*opts))
        rc = ttb__fail(&error, -EINVAL, "trace %s: options: size %zu is too small", name,
                       opts->size);
    if (!rc) {
        reader = calloc(1, sizeof(*reader));
        rc = reader ? 0 : ttb__fail(&error, -ENOMEM, "trace %s: out of memory", name);
    }
    if (rc) {
        if (owns_fd)
            close(fd);
        goto out;
    }
    reader->generation = 1;
    rc = ttb__trace_in_open(&reader->input, fd, owns_fd, name, path, &reader->error);
    if (!rc)
        rc = load_header(reader);
    if (!rc && opts && opts->digests &&
        ttb__trace_digest_new(reader->header.view.seed, &reader->digest))
        rc = ttb__fail(&reader->error, -ENOMEM, "trace %s: out of memory", name);
    if (rc) {
        error = reader->error;
        ttb_trace_reader_free(reader);
        goto out;
    }
    look_ahead(reader);
    if (opts && opts->ahead)
        ttb__trace_ahead_start(&reader->input);
    *made = reader;
    return 0;

out:
    if (error_text && error_size)
        snprintf(error_text, error_size, "%s", error.text);
    return rc;
}

int ttb_trace_reader_open_fd(int fd, const char *name, const struct ttb_trace_reader_opts *opts,
                             struct ttb_trace_reader **reader, char *error, size_t error_size)
{
    *reader = NULL;
    return open_fd(fd, false, name, NULL, opts, reader, error, error_size);
}

int ttb_trace_reader_open(const char *path, const struct ttb_trace_reader_opts *opts,
                          struct ttb_trace_reader **reader, char *error, size_t error_size)
{
    const char *file = opts && opts->wall ? TTB_TRACE_WALL_FILE : TTB_TRACE_RUN_FILE;
    char *inside = NULL;
    struct stat status;
    int fd, rc;

    *reader = NULL;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        if (asprintf(&inside, "%s/%s", path, file) < 0)
            return -ENOMEM;
        path = inside;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rc = -errno;
        if (error && error_size)
            snprintf(error, error_size, "trace %s: %s", path, strerror(-rc));
    } else {
        rc = open_fd(fd, true, path, path, opts, reader, error, error_size);
    }
    free(inside);
    return rc;
}

void ttb_trace_reader_free(struct ttb_trace_reader *reader)
{
    if (!reader)
        return;
    ttb__trace_in_close(&reader->input);
    ttb__trace_header_free(&reader->header);
    ttb__trace_tables_free(&reader->tables);
    ttb__trace_footer_free(&reader->footer);
    ttb__trace_index_free(&reader->index);
    ttb__trace_digest_free(reader->digest);
    free(reader->slots);
    free(reader);
}

/* ------------------------------------------------------------------------------------- reading */

static int damaged(struct ttb_trace_reader *reader, int rc)
{
    reader->end = TTB_TRACE_DAMAGED;
    reader->in_block = false;
    return rc;
}

/* The file ended without a footer. A sentence about half a block may be there already. */
static int truncated(struct ttb_trace_reader *reader)
{
    struct ttb__error half = reader->error;

    reader->end = TTB_TRACE_TRUNCATED;
    ttb__fail(&reader->error, 0,
              "trace %s: is truncated: it ends at %" PRIu64 ".%09" PRIu64
              " s of simulated time, without a footer%s%s",
              reader->input.name, reader->latest_ns / 1000000000, reader->latest_ns % 1000000000,
              half.text[0] ? "; " : "", half.text);
    return 0;
}

static int complete(struct ttb_trace_reader *reader)
{
    const struct ttb_trace_footer *footer = &reader->footer.view;

    reader->end = TTB_TRACE_COMPLETE;
    if (footer->lost_records) {
        reader->end = TTB_TRACE_TRUNCATED;
        ttb__fail(&reader->error, 0,
                  "trace %s: is truncated: it ends at %" PRIu64 ".%09" PRIu64
                  " s of simulated time, %" PRIu64 " records could not be written: %s",
                  reader->input.name, reader->latest_ns / 1000000000,
                  reader->latest_ns % 1000000000, footer->lost_records, footer->lost_why);
    }
    return 0;
}

/* @return 1: there are records; 0: the end */
static int next_block(struct ttb_trace_reader *reader)
{
    struct ttb__trace_in *input = &reader->input;
    int rc;

    reader->error.text[0] = 0;
    rc = input->tail ? 0 : ttb__trace_in_next(input, &reader->error);
    if (rc < 0)
        return damaged(reader, rc);
    if (rc == 0 && !ttb__trace_in_tail(input))
        return truncated(reader);
    switch (input->block.kind) {
    case TTB__BLOCK_RECORDS:
        reader->wire = (struct ttb__wire){
            .at = input->data,
            .end = input->data + input->block.raw_bytes,
        };
        reader->in_block = true;
        reader->generation++;
        reader->slot_count = 0;
        return 1;
    case TTB__BLOCK_FOOTER:
        rc = load_footer(reader);
        return rc ? damaged(reader, rc) : complete(reader);
    default:
        return damaged(reader, ttb__fail(&reader->error, -EBADMSG,
                                         "trace %s: offset %" PRIu64
                                         ": kind: %u where records (2) or the footer (3) are "
                                         "expected",
                                         input->name, input->block_offset, input->block.kind));
    }
}

static int bad_record(struct ttb_trace_reader *reader, const uint8_t *at, const char *why)
{
    struct ttb__trace_in *input = &reader->input;

    ttb__fail(&reader->error, -EBADMSG,
              "trace %s: offset %" PRIu64 ": block %u, byte %zu, record %" PRIu64 ": %s",
              input->name, input->block_offset, input->block.sequence, (size_t)(at - input->data),
              reader->number, why);
    return damaged(reader, -EBADMSG);
}

static int check_references(const struct ttb_trace_reader *reader,
                            const struct ttb_trace_record *record, struct ttb__error *error)
{
    if (record->node != TTB_TRACE_NONE && !ttb__trace_tables_node(&reader->tables, record->node))
        return ttb__fail(error, -EBADMSG, "node: %u was not declared", record->node);
    if (record->kind == TTB_TRACE_FRAME && record->frame.place != TTB_TRACE_NONE &&
        record->frame.place >= reader->tables.view.place_count)
        return ttb__fail(error, -EBADMSG, "frame.place: %u was not declared", record->frame.place);
    if (record->kind == TTB_TRACE_QUEUE && record->queue.place >= reader->tables.view.place_count)
        return ttb__fail(error, -EBADMSG, "queue.place: %u was not declared", record->queue.place);
    return 0;
}

/* @return 1: a record; 0: one of a kind that is not known */
static int read_record(struct ttb_trace_reader *reader, struct ttb_trace_record *record)
{
    struct ttb_trace_bytes declaration;
    const uint8_t *start = reader->wire.at;
    struct ttb__error why; /* large, so it is not cleared for each record */
    uint64_t len_bytes;
    int rc;

    why.text[0] = 0;
    if (*start < 0x80) {
        len_bytes = *start;
        reader->wire.at++;
    } else if (!ttb__get_varint(&reader->wire, &len_bytes)) {
        len_bytes = UINT64_MAX;
    }
    if (len_bytes > (uint64_t)(reader->wire.end - reader->wire.at))
        return bad_record(reader, start, "its length does not fit the block");
    rc = ttb__decode_record(reader->wire.at, (size_t)len_bytes,
                            (size_t)(reader->wire.end - reader->wire.at), record, &declaration,
                            &why);
    reader->wire.at += len_bytes;
    if (rc < 0)
        return bad_record(reader, start, why.text);
    record->number = reader->number++;
    if (rc > 0)
        return 0;
    if (declaration.data)
        rc = ttb__unpack_declaration(&declaration, record, &reader->tables, &why);
    if (!rc)
        rc = check_references(reader, record, &why);
    if (!rc && record->kind == TTB_TRACE_FRAME && share_payload(reader, &record->frame))
        rc = ttb__fail(&why, -ENOMEM, "out of memory");
    if (!rc && reader->digest)
        rc = ttb__trace_digest_add(
            reader->digest, record,
            record->kind == TTB_TRACE_FRAME
                ? ttb_trace_find_place(&reader->tables.view, record->frame.place)
                : NULL,
            NULL);
    if (rc)
        return bad_record(reader, start, why.text);
    if (record->time_ns > reader->latest_ns)
        reader->latest_ns = record->time_ns;
    return 1;
}

int ttb_trace_reader_next(struct ttb_trace_reader *reader, struct ttb_trace_record *record)
{
    int rc;

    if (reader->has_pending) {
        *record = reader->pending;
        reader->has_pending = false;
        return 1;
    }
    for (;;) {
        if (reader->in_block && reader->wire.at != reader->wire.end) {
            rc = read_record(reader, record);
            if (rc)
                return rc;
            continue;
        }
        if (reader->end == TTB_TRACE_DAMAGED)
            return -EBADMSG;
        if (reader->end != TTB_TRACE_READING)
            return 0;
        reader->in_block = false;
        rc = next_block(reader);
        if (rc <= 0)
            return rc;
    }
}

/* ------------------------------------------------------------------------------------- seeking */

int ttb_trace_reader_seek(struct ttb_trace_reader *reader, uint64_t time_ns)
{
    const struct ttb__index *index = &reader->index;
    uint64_t offset = reader->first_offset, number = 0;
    struct ttb__block block = {.sequence = reader->first_sequence};
    uint8_t header[TTB__BLOCK_HEADER_BYTES];
    struct ttb_trace_record record;
    struct ttb__error why;
    size_t low = 0, high;
    int rc;

    if (reader->digest)
        return ttb__fail(&reader->error, -EINVAL, "trace %s: digests need all records",
                         reader->input.name);
    if (!reader->input.seekable)
        return ttb__fail(&reader->error, -ESPIPE, "trace %s: cannot seek in a pipe",
                         reader->input.name);
    /* The last block before which everything is too early. */
    high = reader->has_index ? index->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->before_ns[middle] < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 1) {
        offset = index->offset_bytes[low - 1];
        number = index->record[low - 1];
        if (offset < reader->first_offset || offset >= reader->input.size_bytes ||
            pread(reader->input.fd, header, sizeof(header), (off_t)offset) !=
                (ssize_t)sizeof(header) ||
            ttb__trace_block_get(header, &block, &why))
            return damaged(reader, ttb__fail(&reader->error, -EBADMSG,
                                             "trace %s: index.offset_bytes: there is no block at "
                                             "%" PRIu64,
                                             reader->input.name, offset));
    }
    ttb__trace_in_seek(&reader->input, offset, block.sequence);
    reader->number = number;
    reader->in_block = false;
    reader->has_pending = false;
    reader->end = TTB_TRACE_READING;
    reader->error.text[0] = 0;
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0) {
        if (record.time_ns >= time_ns) {
            reader->pending = record;
            reader->has_pending = true;
            return 0;
        }
    }
    return rc;
}

/* ------------------------------------------------------------------------------------- getters */

const struct ttb_trace_header *ttb_trace_reader_header(const struct ttb_trace_reader *reader)
{
    return &reader->header.view;
}

const struct ttb_trace_tables *ttb_trace_reader_tables(const struct ttb_trace_reader *reader)
{
    return &reader->tables.view;
}

enum ttb_trace_reader_end ttb_trace_reader_end(const struct ttb_trace_reader *reader,
                                               uint64_t *until_ns)
{
    if (until_ns)
        *until_ns = reader->latest_ns;
    return reader->end;
}

const struct ttb_trace_footer *ttb_trace_reader_footer(const struct ttb_trace_reader *reader)
{
    return reader->has_footer ? &reader->footer.view : NULL;
}

int ttb_trace_reader_get_digest(struct ttb_trace_reader *reader, uint32_t node,
                                struct ttb_trace_digest *digest, struct ttb_trace_counts *counts)
{
    if (!reader->digest)
        return -EINVAL;
    if (node != TTB_TRACE_NONE && !ttb__trace_tables_node(&reader->tables, node))
        return -ENOENT;
    return ttb__trace_digest_get(reader->digest, node, digest, counts);
}

const char *ttb_trace_reader_error(const struct ttb_trace_reader *reader)
{
    return reader->error.text;
}
