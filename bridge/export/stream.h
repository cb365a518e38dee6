/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file stream.h
 * Buffered output to a descriptor. Errors stick: callers write on and ask once in a while.
 */
#ifndef TTB_EXPORT_STREAM_H
#define TTB_EXPORT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TTB__STREAM_BYTES ((size_t)256 << 10)

struct ttb__stream {
    int fd;
    int status; /* 0 or a negative errno */
    size_t used;
    uint8_t *data; /* TTB__STREAM_BYTES */
};

/* @return 0; -ENOMEM */
int ttb__stream_open(struct ttb__stream *stream, int fd);
void ttb__stream_free(struct ttb__stream *stream);

/* Write what was collected. @return the status */
int ttb__stream_flush(struct ttb__stream *stream);

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

static inline void ttb__stream_char(struct ttb__stream *stream, char c)
{
    if (stream->used == TTB__STREAM_BYTES)
        ttb__stream_flush(stream);
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
