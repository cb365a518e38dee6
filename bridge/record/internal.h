/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * Trace writer and reader, shared by the files of this folder only.
 *
 *   wire.h        protocol buffers' wire format
 *   codec.c       records to and from bytes
 *   messages.c    header, footer, index, declarations to and from the generated messages
 *   tables.c      nodes, links, places
 *   digest.c      digests and counts
 *   packets.c     which frame is the same as one seen before (writer)
 *   block.c       blocks: compression, checksum, limits
 *   output.c      a file of blocks being written; its tail; its end
 *   writer.c      the writer; attach.c and attach_lab.c connect it to a run
 *   input.c       a file of blocks being read
 *   reader.c      the reader; verify.c
 *   compare.c     two traces, record by record; diff.c their headers
 *   describe.c    records as text; frame_text.c frames as text
 *   host.c        what of this machine belongs in a header; hashes of files; hash_cache.c keeps them
 */
#ifndef TTB_RECORD_INTERNAL_H
#define TTB_RECORD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ttbridge/trace.h>
#include <ttbridge/trace.pb-c.h>

#include "base/error.h"

/* ------------------------------------------------------------------------------------- limits */

/* A block of records is written when it has this many bytes or records. Its boundaries decide nothing
 * but must not depend on time, for equal runs to give equal files. */
#define TTB__BLOCK_BYTES       (256 * 1024)
#define TTB__BLOCK_RECORDS_MAX 16384

/* Longest record: a frame with its payload and a reason, or an event with three texts. */
#define TTB__RECORD_MAX (TTB_FRAME_MAX + 4 * TTB_TRACE_TEXT_MAX + 1024)

/* What a reader accepts; larger than what this writer makes, since later ones may differ. */
#define TTB__BLOCK_RAW_MAX     (4 * 1024 * 1024)
#define TTB__MESSAGE_RAW_MAX   (64 * 1024 * 1024) /* header, footer, index */
#define TTB__UNPACK_MEMORY_MAX (512 * 1024 * 1024)

/* Entries of an index; when there are more blocks, every second one is dropped. */
#ifndef TTB__INDEX_MAX
#define TTB__INDEX_MAX 65536
#endif

/* ------------------------------------------------------------------------------------- tables */

/* Invariants: node_at[id] is the position + 1 of node id in view.nodes, 0 if there is none; likewise
 * link_at. All strings are the tables' own. */
struct ttb__tables {
    struct ttb_trace_tables view;
    struct ttb_trace_node *nodes;
    struct ttb_trace_link *links;
    struct ttb_trace_place *places;
    size_t node_room, link_room, place_room;
    uint32_t *node_at, *link_at;
    size_t node_at_room, link_at_room;
    size_t artifact_count; /* of the header, to which nodes refer */
};

void ttb__trace_tables_free(struct ttb__tables *tables);
/* Add, or replace one that has the same id. Strings are copied.
 * @return 0; -EINVAL: id out of bounds; -ENOMEM */
int ttb__trace_tables_set_node(struct ttb__tables *tables, const struct ttb_trace_node *node);
int ttb__trace_tables_set_link(struct ttb__tables *tables, const struct ttb_trace_link *link);
/* place->id is at most place_count. */
int ttb__trace_tables_set_place(struct ttb__tables *tables, const struct ttb_trace_place *place);

static inline const struct ttb_trace_node *ttb__trace_tables_node(const struct ttb__tables *tables,
                                                                  uint32_t id)
{
    return id < tables->node_at_room && tables->node_at[id]
               ? &tables->nodes[tables->node_at[id] - 1]
               : NULL;
}

static inline const struct ttb_trace_link *ttb__trace_tables_link(const struct ttb__tables *tables,
                                                                  uint32_t id)
{
    return id < tables->link_at_room && tables->link_at[id]
               ? &tables->links[tables->link_at[id] - 1]
               : NULL;
}

/* -------------------------------------------------------------------------------------- codec */

/* Encode a record. Kinds that declare something are encoded by ttb__encode_declaration().
 * @param with_payload  for frames: put the payload in
 * @param to  room for TTB__RECORD_MAX bytes and the length prefix
 * @param payload_offset  gets where the payload begins in `to`, 0 if it is not there
 * @return bytes, length prefix included */
size_t ttb__encode_record(const struct ttb_trace_record *record, bool with_payload, uint8_t *to,
                          size_t *payload_offset);

/* Decode a record, without its length prefix. What it points to lies in the input. Declarations come
 * out as `declaration`, the bytes of their message.
 * @param readable_bytes  from `data` on, the record's own included: the more, the sooner it is done
 * @return 0: a record; 1: none of a known kind; -EBADMSG and a sentence */
int ttb__decode_record(const uint8_t *data, size_t len_bytes, size_t readable_bytes,
                       struct ttb_trace_record *record, struct ttb_trace_bytes *declaration,
                       struct ttb__error *error);

/* ----------------------------------------------------------------------------------- messages */

/* A header that owns all that it points to. */
struct ttb__header {
    struct ttb_trace_header view;
    char **strings;
    size_t string_count, string_room;
    void *scenario;
    struct ttb_trace_artifact *artifacts;
    const char **cpu_flags, **components;
};

int ttb__trace_header_copy(struct ttb__header *to, const struct ttb_trace_header *from);
void ttb__trace_header_free(struct ttb__header *header);

/* A footer likewise. */
struct ttb__footer {
    struct ttb_trace_footer view;
    char *why, *lost_why;
    struct ttb_trace_node_summary *nodes;
    char **node_whys;
};
void ttb__trace_footer_free(struct ttb__footer *footer);

/* Pack into a buffer of malloc's, with its length in front. @return 0 or -ENOMEM */
int ttb__pack_header(const struct ttb_trace_header *header, const struct ttb__tables *tables,
                     bool wall, uint8_t **data, size_t *len_bytes);
int ttb__pack_footer(const struct ttb_trace_footer *footer, const struct ttb__tables *tables,
                     uint8_t **data, size_t *len_bytes);
/* Pack as a whole record. */
int ttb__pack_declaration(const struct ttb_trace_record *record, uint8_t **data, size_t *len_bytes);

/* Unpack, checking every field. @return 0; -EBADMSG, -EPROTONOSUPPORT, -ENOMEM and a sentence */
int ttb__unpack_header(const uint8_t *data, size_t len_bytes, struct ttb__header *header,
                       struct ttb__tables *tables, bool *wall, struct ttb__error *error);
int ttb__unpack_footer(const uint8_t *data, size_t len_bytes, struct ttb__footer *footer,
                       struct ttb__tables *tables, struct ttb__error *error);
/* Puts what is declared into the tables and a pointer to it into the record. */
int ttb__unpack_declaration(const struct ttb_trace_bytes *message, struct ttb_trace_record *record,
                            struct ttb__tables *tables, struct ttb__error *error);

/* Where in a file which time is. Entry i is about the i-th block that has one. */
struct ttb__index {
    uint64_t *offset_bytes, *before_ns, *record;
    size_t count;
};
void ttb__trace_index_free(struct ttb__index *index);
int ttb__pack_index(const struct ttb__index *index, uint8_t **data, size_t *len_bytes);
int ttb__unpack_index(const uint8_t *data, size_t len_bytes, struct ttb__index *index,
                      struct ttb__error *error);

/* ------------------------------------------------------------------------------------- digest */

struct ttb__digest;
struct ttb__packets;

int ttb__trace_digest_new(uint64_t seed, struct ttb__digest **digest);
void ttb__trace_digest_free(struct ttb__digest *digest);
/* @param place    of a frame; NULL: none
 * @param packets  has identified the frame and may know the SHA-256 of its payload; NULL: not so
 * @return 0 or -ENOMEM */
int ttb__trace_digest_add(struct ttb__digest *digest, const struct ttb_trace_record *record,
                          const struct ttb_trace_place *place, struct ttb__packets *packets);
int ttb__trace_digest_get(const struct ttb__digest *digest, uint32_t node,
                          struct ttb_trace_digest *out, struct ttb_trace_counts *counts);
/* The last state recorded of a node; false if there is none. */
bool ttb__trace_digest_get_state(const struct ttb__digest *digest, uint32_t node,
                                 struct ttb_trace_state *state, uint64_t *time_ns);

/* A frame seen inside the network, not at a port. */
static inline bool ttb__is_internal(const struct ttb_trace_frame *frame)
{
    return frame->what != TTB_TRACE_TRANSMITTED && frame->what != TTB_TRACE_DELIVERED &&
           frame->what != TTB_TRACE_DROPPED;
}

/* ------------------------------------------------------------------------------------- packets */

struct ttb__packets *ttb__trace_packets_new(void);
void ttb__trace_packets_free(struct ttb__packets *packets);
/* Give a frame its packet id if it has none.
 * @return true if the block holds its payload already (`block` is what note_payload() was told, and
 *         `base` where its bytes begin) */
bool ttb__trace_packets_identify(struct ttb__packets *packets, struct ttb_trace_frame *frame,
                                 uint64_t block, const uint8_t *base);
/* Where the SHA-256 of the payload of the frame identified last is kept. If it is not known, the caller
 * puts it there. */
uint8_t *ttb__trace_packets_sha256(struct ttb__packets *packets, bool *is_known);
/* The payload of the frame identified last begins at `offset` in block `block`. */
void ttb__trace_packets_note_payload(struct ttb__packets *packets, uint64_t block, size_t offset,
                                     size_t len_bytes);
/* The id given last to a transmitted frame; 0 if there was none. */
uint64_t ttb__trace_packets_last(const struct ttb__packets *packets);
/* An id that no frame has yet. */
uint64_t ttb__trace_packets_new_id(struct ttb__packets *packets);

/* -------------------------------------------------------------------------------------- blocks */

/* Bytes 0 to 7 of a trace. As in PNG: a byte that is no ASCII, both kinds of line ends, and a ^Z,
 * so that a transfer that takes it for text shows at once. */
#define TTB__FILE_MAGIC       "\x89TTB\r\n\x1a\n"
#define TTB__FILE_MAGIC_BYTES 8

enum ttb__trace_block_kind {
    TTB__BLOCK_HEADER = 1,
    TTB__BLOCK_RECORDS = 2,
    TTB__BLOCK_FOOTER = 3,
    TTB__BLOCK_INDEX = 4,
};

#define TTB__BLOCK_HEADER_BYTES 48
#define TTB__BLOCK_PLAIN        0
#define TTB__BLOCK_ZSTD         1

/* What stands in front of a block, see doc/trace-format.md. */
struct ttb__block {
    uint8_t kind;
    uint8_t compression;
    uint32_t stored_bytes, raw_bytes;
    uint32_t record_count;
    uint32_t sequence;
    uint64_t first_ns, last_ns;
    uint64_t checksum;
};

void ttb__trace_block_put(uint8_t to[TTB__BLOCK_HEADER_BYTES], const struct ttb__block *block);
/* Checks everything but the checksum. @return 0; -EBADMSG and a sentence about the field */
int ttb__trace_block_get(const uint8_t from[TTB__BLOCK_HEADER_BYTES], struct ttb__block *block,
                         struct ttb__error *error);
uint64_t ttb__trace_block_checksum(const uint8_t header[TTB__BLOCK_HEADER_BYTES],
                                   const void *stored, size_t len_bytes);

/* The end of a file that was closed: where its footer is. */
#define TTB__TRAILER_BYTES 16
#define TTB__TRAILER_MAGIC "TTBend\r\n"

/* The tail: FILE.tail, the block being collected, so that it outlives its writer. */
#define TTB__TAIL_MAGIC        "TTBtail1"
#define TTB__TAIL_HEADER_BYTES 64
#define TTB__TAIL_OFFSET       8  /* u64: where in FILE its block will be */
#define TTB__TAIL_IDENTITY     16 /* u64: checksum of FILE's header block */
#define TTB__TAIL_SEQUENCE     24 /* u32: of its block */
#define TTB__TAIL_USED         28 /* u32: bytes of whole records */

/* -------------------------------------------------------------------------------------- output */

/*
 * A file of blocks being written.
 *
 * Invariants:
 * - Bytes before `offset` in the file are whole blocks; bytes after it are rubbish that nobody
 *   keeps.
 * - `raw` has room for TTB__BLOCK_BYTES + TTB__RECORD_MAX + 16.
 * - once `failed`, nothing is written any more but by ttb__trace_out_finish(), and `raw` and tail keep
 *   the block that could not be written.
 */
struct ttb__trace_out;

int ttb__trace_out_open(int directory_fd, const char *directory, const char *name, int level,
                        struct ttb__trace_out **output, struct ttb__error *error);
bool ttb__trace_out_is_open(const struct ttb__trace_out *output); /* has its header */
int ttb__trace_out_start(struct ttb__trace_out *output, const uint8_t *header, size_t len_bytes);
/* Room for one record; NULL once failed. */
uint8_t *ttb__trace_out_reserve(struct ttb__trace_out *output);
/* The record in the reserved room is complete. @return 0, or what went wrong the first time */
int ttb__trace_out_commit(struct ttb__trace_out *output, size_t len_bytes, uint64_t time_ns);
/* Number of the block being collected, and where its bytes begin. */
uint64_t ttb__trace_out_block(const struct ttb__trace_out *output, const uint8_t **base);
bool ttb__trace_out_has_failed(const struct ttb__trace_out *output);
const char *ttb__trace_out_error(const struct ttb__trace_out *output);
/* Write what is left; then `footer`, index and trailer unless NULL; close and free.
 * Where the file could not be written on, it is tried once more.
 * @return 0, or why not everything was written */
int ttb__trace_out_flush(struct ttb__trace_out *output);
int ttb__trace_out_finish(struct ttb__trace_out *output, const uint8_t *footer, size_t len_bytes);

/* --------------------------------------------------------------------------------------- input */

/* A file of blocks being read. */
struct ttb__trace_in {
    int fd;
    bool owns_fd, seekable;
    char *name;      /* for messages */
    char *path;      /* NULL: not known, so no tail */
    uint64_t offset; /* where the next block begins */
    uint64_t size_bytes;
    uint64_t identity; /* checksum of the header block */
    uint32_t sequence; /* of the next block */

    struct ttb__block block;
    uint64_t block_offset; /* where the current one begins */
    bool tail;             /* it comes from the tail */
    const uint8_t *data;   /* its bytes, decompressed */
    uint8_t *stored, *raw;
    size_t stored_room, raw_room;
    struct ZSTD_DCtx_s *zstd;
    struct ttb__trace_ahead *ahead; /* NULL: blocks are loaded when they are asked for */
};

int ttb__trace_in_open(struct ttb__trace_in *input, int fd, bool owns_fd, const char *name,
                       const char *path, struct ttb__error *error);
void ttb__trace_in_close(struct ttb__trace_in *input);
/* Load the next block of a known kind.
 * @return 1; 0: the file ends here, or within a block, and error has a sentence if it is within;
 *         -EBADMSG; ... */
int ttb__trace_in_next(struct ttb__trace_in *input, struct ttb__error *error);
/* The same, at once and in this thread. */
int ttb__trace_in_load(struct ttb__trace_in *input, struct ttb__error *error);
/* Load the tail as the next block. @return 1; 0: there is none that fits */
int ttb__trace_in_tail(struct ttb__trace_in *input);
void ttb__trace_in_seek(struct ttb__trace_in *input, uint64_t offset, uint32_t sequence);

/* ahead.c: from now on a few blocks are loaded by a thread while those before are used; if there is no memory,
 * or no thread, or the input is a pipe, all stays as it is. */
void ttb__trace_ahead_start(struct ttb__trace_in *input);
void ttb__trace_ahead_stop(struct ttb__trace_in *input);
/* The input goes elsewhere: what was loaded is of no use. */
void ttb__trace_ahead_forget(struct ttb__trace_in *input);
int ttb__trace_ahead_next(struct ttb__trace_in *input, struct ttb__error *error);

/* ---------------------------------------------------------------------------------------- text */

/* Text being put together in a buffer; cut, never overrun. */
struct ttb__trace_text {
    char *at;
    size_t room_bytes; /* with the terminating zero; at least 1 */
};

void ttb__trace_text_add(struct ttb__trace_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes that are not printable ASCII come out as \xNN. */
void ttb__trace_text_add_bytes(struct ttb__trace_text *text, const void *data, size_t len_bytes);

const char *ttb__trace_version(void);

#endif
