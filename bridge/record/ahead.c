/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The next blocks of a file, read, checked and decompressed by a thread while the records of the one at hand
 * are looked at. The thread has an input of its own, of the same file, and loads a few blocks at a time:
 * changing between threads costs as much as a hundred records. What comes out is what would have come
 * out without it.
 */
#include "record/internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* Blocks that are loaded and not asked for yet: so many at most, and fewer if they are large. */
#define LOADED_MAX       4
#define LOADED_MAX_BYTES ((size_t)2 << 20)

/* What ttb__trace_in_load() made of one block. Buffers go round: each belongs to one of these, to the
 * reader's input, or to the thread's. */
struct loaded {
    int rc;
    struct ttb__error error;
    struct ttb__trace_in input; /* without what loading needs; it owns stored and raw */
};

/*
 * The lock guards everything but `input`, which is the thread's while `is_going`, and the owner's otherwise.
 * `loaded` is a ring: `count` of them from `first` on are the owner's to be taken, the others are the thread's.
 */
struct ttb__trace_ahead {
    bool has_thread;
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t more,
        room;      /* there is something to take; something was taken, or is to be done */
    bool is_asked; /* the thread is to load on; until it was told to stop or has come to an end */
    bool is_going; /* it does */
    bool is_stopped;
    struct loaded loaded[LOADED_MAX];
    unsigned first, count;
    size_t loaded_bytes;
    struct ttb__trace_in input;
};

static size_t bytes_of(const struct loaded *loaded)
{
    return loaded->rc == 1
               ? (size_t)loaded->input.block.stored_bytes + loaded->input.block.raw_bytes
               : 0;
}

static void exchange(struct ttb__trace_in *a, struct ttb__trace_in *b)
{
    uint8_t *stored = a->stored, *raw = a->raw;
    size_t stored_room = a->stored_room, raw_room = a->raw_room;

    a->stored = b->stored;
    a->stored_room = b->stored_room;
    a->raw = b->raw;
    a->raw_room = b->raw_room;
    b->stored = stored;
    b->stored_room = stored_room;
    b->raw = raw;
    b->raw_room = raw_room;
}

/* Where the next block begins, and what is known of this one; with the buffers. */
static void pass(struct ttb__trace_in *from, struct ttb__trace_in *to)
{
    exchange(from, to);
    to->data = from->data;
    to->block = from->block;
    to->block_offset = from->block_offset;
    to->offset = from->offset;
    to->sequence = from->sequence;
    to->identity = from->identity;
}

/* -------------------------------------------------------------------------------------- thread */

static bool has_room(const struct ttb__trace_ahead *ahead)
{
    return ahead->count < LOADED_MAX && (!ahead->count || ahead->loaded_bytes < LOADED_MAX_BYTES);
}

static void *run_thread(void *user)
{
    struct ttb__trace_ahead *ahead = user;

    pthread_mutex_lock(&ahead->lock);
    while (!ahead->is_stopped) {
        struct loaded *loaded = &ahead->loaded[(ahead->first + ahead->count) % LOADED_MAX];

        if (!ahead->is_asked || !has_room(ahead)) {
            ahead->is_going = false;
            pthread_cond_signal(&ahead->more); /* to who waits for it to have stopped */
            pthread_cond_wait(&ahead->room, &ahead->lock);
            continue;
        }
        ahead->is_going = true;
        pthread_mutex_unlock(&ahead->lock);
        loaded->error.text[0] = 0;
        loaded->rc = ttb__trace_in_load(&ahead->input, &loaded->error);
        pass(&ahead->input, &loaded->input);
        pthread_mutex_lock(&ahead->lock);
        ahead->loaded_bytes += bytes_of(loaded);
        if (loaded->rc != 1)
            ahead->is_asked = false;
        if (!ahead->count++)
            pthread_cond_signal(&ahead->more);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

void ttb__trace_ahead_start(struct ttb__trace_in *input)
{
    struct ttb__trace_ahead *ahead;
    struct ttb__error error;
    sigset_t all, before;
    int rc;

    if (!input->seekable || input->ahead)
        return;
    ahead = calloc(1, sizeof(*ahead));
    if (!ahead)
        return;
    if (ttb__trace_in_open(&ahead->input, input->fd, false, input->name, NULL, &error)) {
        ttb__trace_in_close(&ahead->input);
        free(ahead);
        return;
    }
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->more, NULL);
    pthread_cond_init(&ahead->room, NULL);
    /* Signals are for the program's own threads; it inherits this mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&ahead->id, NULL, run_thread, ahead);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ahead->has_thread = rc == 0;
    input->ahead = ahead;
    if (rc)
        ttb__trace_ahead_stop(input);
}

/* --------------------------------------------------------------------------------------- owner */

/* The thread does nothing any more, and what it has loaded is given up. */
static void halt(struct ttb__trace_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->is_asked = false;
    while (ahead->is_going) {
        pthread_cond_signal(&ahead->room);
        pthread_cond_wait(&ahead->more, &ahead->lock);
    }
    ahead->first = ahead->count = 0;
    ahead->loaded_bytes = 0;
    pthread_mutex_unlock(&ahead->lock);
}

void ttb__trace_ahead_stop(struct ttb__trace_in *input)
{
    struct ttb__trace_ahead *ahead = input->ahead;

    if (!ahead)
        return;
    input->ahead = NULL;
    if (ahead->has_thread) {
        pthread_mutex_lock(&ahead->lock);
        ahead->is_stopped = true;
        pthread_cond_signal(&ahead->room);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->id, NULL);
    }
    pthread_cond_destroy(&ahead->more);
    pthread_cond_destroy(&ahead->room);
    pthread_mutex_destroy(&ahead->lock);
    for (unsigned i = 0; i < LOADED_MAX; i++) {
        free(ahead->loaded[i].input.stored);
        free(ahead->loaded[i].input.raw);
    }
    ttb__trace_in_close(&ahead->input);
    free(ahead);
}

void ttb__trace_ahead_forget(struct ttb__trace_in *input)
{
    halt(input->ahead);
}

/* Have blocks loaded from where the input stands. The lock is held, and the thread does nothing. */
static void go(struct ttb__trace_ahead *ahead, const struct ttb__trace_in *input)
{
    ahead->input.offset = input->offset;
    ahead->input.sequence = input->sequence;
    ahead->input.identity = input->identity;
    ahead->is_asked = true;
    ahead->is_going = true;
    pthread_cond_signal(&ahead->room);
}

int ttb__trace_ahead_next(struct ttb__trace_in *input, struct ttb__error *error)
{
    struct ttb__trace_ahead *ahead = input->ahead;
    struct loaded *loaded;
    int rc;

    pthread_mutex_lock(&ahead->lock);
    /* At first, after a seek, and after an end to see whether there is more by now. */
    if (!ahead->count && !ahead->is_asked)
        go(ahead, input);
    while (!ahead->count)
        pthread_cond_wait(&ahead->more, &ahead->lock);
    loaded = &ahead->loaded[ahead->first];
    ahead->loaded_bytes -= bytes_of(loaded);
    rc = loaded->rc;
    if (loaded->error.text[0])
        *error = loaded->error;
    pass(&loaded->input, input);
    ahead->first = (ahead->first + 1) % LOADED_MAX;
    /* Not for each that is taken: it is to load several when it runs. */
    if (--ahead->count <= LOADED_MAX / 2 && ahead->is_asked && !ahead->is_going) {
        ahead->is_going = true;
        pthread_cond_signal(&ahead->room);
    }
    pthread_mutex_unlock(&ahead->lock);
    return rc;
}
