/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The lock guards what follows it. */
struct ttb__stream_thread {
    pthread_t id;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t given, written;
    uint8_t *data; /* the other buffer: the thread's while len_bytes is not 0 */
    size_t len_bytes;
    int status;
    bool stop;
};

int ttb__stream_open(struct ttb__stream *stream, int fd)
{
    *stream = (struct ttb__stream){.fd = fd, .data = malloc(TTB__STREAM_BYTES)};
    return stream->data ? 0 : -ENOMEM;
}

/* @return 0 or a negative errno */
static int write_all(int fd, const uint8_t *data, size_t len_bytes)
{
    while (len_bytes) {
        ssize_t written = write(fd, data, len_bytes);

        if (written >= 0) {
            data += written;
            len_bytes -= (size_t)written;
        } else if (errno == EAGAIN) {
            /* A pipe that somebody made non-blocking. */
            struct pollfd ready = {.fd = fd, .events = POLLOUT};

            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                return -errno;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* -------------------------------------------------------------------------------------- thread */

static void *run_thread(void *user)
{
    struct ttb__stream_thread *thread = user;
    size_t len_bytes;
    int rc;

    pthread_mutex_lock(&thread->lock);
    for (;;) {
        while (!thread->len_bytes && !thread->stop)
            pthread_cond_wait(&thread->given, &thread->lock);
        if (!thread->len_bytes)
            break;
        len_bytes = thread->len_bytes;
        rc = thread->status;
        pthread_mutex_unlock(&thread->lock);
        if (!rc)
            rc = write_all(thread->fd, thread->data, len_bytes);
        pthread_mutex_lock(&thread->lock);
        thread->status = rc;
        thread->len_bytes = 0;
        pthread_cond_signal(&thread->written);
    }
    pthread_mutex_unlock(&thread->lock);
    return NULL;
}

/* Without memory, or a thread, the stream does it alone. */
static void start_thread(struct ttb__stream *stream)
{
    struct ttb__stream_thread *thread = calloc(1, sizeof(*thread));
    sigset_t all, before;
    int rc = -1;

    if (thread)
        thread->data = malloc(TTB__STREAM_BYTES);
    if (thread && thread->data) {
        thread->fd = stream->fd;
        pthread_mutex_init(&thread->lock, NULL);
        pthread_cond_init(&thread->given, NULL);
        pthread_cond_init(&thread->written, NULL);
        /* Signals are for the program's own threads; it inherits this mask. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        rc = pthread_create(&thread->id, NULL, run_thread, thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (rc == 0) {
        stream->thread = thread;
    } else if (thread) {
        free(thread->data);
        free(thread);
    }
}

/* Wait until it has nothing to write; give it the stream's buffer, if there is anything in it, and take
 * the one that it has written. */
static void change_buffers(struct ttb__stream *stream)
{
    struct ttb__stream_thread *thread = stream->thread;
    uint8_t *written;

    pthread_mutex_lock(&thread->lock);
    while (thread->len_bytes)
        pthread_cond_wait(&thread->written, &thread->lock);
    if (!stream->status)
        stream->status = thread->status;
    if (stream->used && !stream->status) {
        written = thread->data;
        thread->data = stream->data;
        thread->len_bytes = stream->used;
        stream->data = written;
        pthread_cond_signal(&thread->given);
    }
    pthread_mutex_unlock(&thread->lock);
    stream->used = 0;
}

static void stop_thread(struct ttb__stream_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->stop = true;
    pthread_cond_signal(&thread->given);
    pthread_mutex_unlock(&thread->lock);
    pthread_join(thread->id, NULL);
    pthread_cond_destroy(&thread->written);
    pthread_cond_destroy(&thread->given);
    pthread_mutex_destroy(&thread->lock);
    free(thread->data);
    free(thread);
}

/* ----------------------------------------------------------------------------------- the stream */

void ttb__stream_free(struct ttb__stream *stream)
{
    if (stream->thread)
        stop_thread(stream->thread);
    stream->thread = NULL;
    free(stream->data);
    stream->data = NULL;
}

void ttb__stream_pass(struct ttb__stream *stream)
{
    if (!stream->thread)
        start_thread(stream);
    if (stream->thread)
        change_buffers(stream);
    else
        ttb__stream_flush(stream);
}

int ttb__stream_flush(struct ttb__stream *stream)
{
    if (stream->thread) {
        change_buffers(stream);
        change_buffers(stream); /* once more, to wait for what was given the first time */
    } else if (!stream->status) {
        stream->status = write_all(stream->fd, stream->data, stream->used);
    }
    stream->used = 0;
    return stream->status;
}

void ttb__stream_put_slowly(struct ttb__stream *stream, const void *data, size_t len_bytes)
{
    if (len_bytes > TTB__STREAM_BYTES) {
        if (!ttb__stream_flush(stream))
            stream->status = write_all(stream->fd, data, len_bytes);
    } else {
        ttb__stream_pass(stream);
        ttb__stream_put(stream, data, len_bytes);
    }
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
