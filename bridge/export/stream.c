/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int ttb__stream_open(struct ttb__stream *stream, int fd)
{
    *stream = (struct ttb__stream){.fd = fd, .data = malloc(TTB__STREAM_BYTES)};
    return stream->data ? 0 : -ENOMEM;
}

void ttb__stream_free(struct ttb__stream *stream)
{
    free(stream->data);
    stream->data = NULL;
}

static void write_all(struct ttb__stream *stream, const uint8_t *data, size_t len_bytes)
{
    while (len_bytes && !stream->status) {
        ssize_t written = write(stream->fd, data, len_bytes);

        if (written >= 0) {
            data += written;
            len_bytes -= (size_t)written;
        } else if (errno == EAGAIN) {
            /* A pipe that somebody made non-blocking. */
            struct pollfd ready = {.fd = stream->fd, .events = POLLOUT};

            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                stream->status = -errno;
        } else if (errno != EINTR) {
            stream->status = -errno;
        }
    }
}

int ttb__stream_flush(struct ttb__stream *stream)
{
    write_all(stream, stream->data, stream->used);
    stream->used = 0;
    return stream->status;
}

void ttb__stream_put_slowly(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    ttb__stream_flush(stream);
    if (len_bytes > TTB__STREAM_BYTES)
        write_all(stream, data, len_bytes);
    else
        ttb__stream_put(stream, data, len_bytes);
}

void ttb__stream_number(struct ttb__stream *stream, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    ttb__stream_put(stream, digits + at, sizeof(digits) - at);
}

void ttb__stream_hex(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len_bytes; i++) {
        ttb__stream_char(stream, digits[bytes[i] >> 4]);
        ttb__stream_char(stream, digits[bytes[i] & 15]);
    }
}

void ttb__stream_format(struct ttb__stream *stream, const char *format, ...)
{
    char text[512];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len > 0)
        ttb__stream_put(stream, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}
