/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file stream.h
 * Buffered output to a descriptor. Errors stick: callers write on and ask once in a while.
 *
 * What fills more than one buffer is written by a thread of the stream's own, while the caller fills the
 * other buffer: copying to the page cache takes as long as making what is copied. The thread has nothing
 * to do but write(2), one buffer at a time, and takes no signals.
 */
#ifndef TTB_EXPORT_STREAM_H
#define TTB_EXPORT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TTB__STREAM_BYTES ((size_t)1 << 20)

struct ttb__stream_thread;

struct ttb__stream {
    int fd;
    int status; /* 0 or a negative errno, of a buffer written in the meantime perhaps */
    size_t used;
    uint8_t *data;                     /* TTB__STREAM_BYTES */
    struct ttb__stream_thread *thread; /* NULL: not needed so far */
};

/* @return 0; -ENOMEM */
int ttb__stream_open(struct ttb__stream *stream, int fd);
/* What was not flushed is gone. */
void ttb__stream_free(struct ttb__stream *stream);

/* Write what was collected, to the last byte. @return the status */
int ttb__stream_flush(struct ttb__stream *stream);

/* The buffer is full: have it written. Afterwards it is empty. */
void ttb__stream_pass(struct ttb__stream *stream);

void ttb__stream_put_slowly(struct ttb__stream *stream, const void *data, size_t len_bytes);

static inline void ttb__stream_put(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    if (len_bytes > TTB__STREAM_BYTES - stream->used) {
        ttb__stream_put_slowly(stream, data, len_bytes);
        return;
    }
    if (len_bytes)
        memcpy(stream->data + stream->used, data, len_bytes);
    stream->used += len_bytes;
}

/* Room for up to `len_bytes`, at most TTB__STREAM_BYTES, to be written to at once; what of it was used
 * is then added by ttb__stream_advance(). */
static inline uint8_t *ttb__stream_reserve(struct ttb__stream *stream, size_t len_bytes)
{
    if (len_bytes > TTB__STREAM_BYTES - stream->used)
        ttb__stream_pass(stream);
    return stream->data + stream->used;
}

static inline void ttb__stream_advance(struct ttb__stream *stream, size_t len_bytes)
{
    stream->used += len_bytes;
}

static inline void ttb__stream_char(struct ttb__stream *stream, char c)
{
    if (stream->used == TTB__STREAM_BYTES)
        ttb__stream_pass(stream);
    stream->data[stream->used++] = (uint8_t)c;
}

static inline void ttb__stream_text(struct ttb__stream *stream, const char *text)
{
    ttb__stream_put(stream, text, strlen(text));
}

void ttb__stream_number(struct ttb__stream *stream, uint64_t value);
void ttb__stream_hex(struct ttb__stream *stream, const void *data, size_t len_bytes);

/* At most 511 bytes; for what is not written often. */
void ttb__stream_format(struct ttb__stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
