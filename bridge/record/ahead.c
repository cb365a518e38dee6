/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The next block of a file, read, checked and decompressed by a thread while the records of the one at hand
 * are looked at. The thread has an input of its own, of the same file, and loads one block when it is told
 * to; then the two inputs exchange their buffers. What comes out is what would have come out without it.
 */
#include "record/internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* The lock guards `state`. has_thread and asked are the owner's; the rest is the thread's while the state is
 * GO, and else the owner's. */
struct ttb__trace_ahead {
    bool has_thread;
    bool asked; /* for a block that has not been taken */
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum {
        IDLE, /* the thread waits; what it has loaded is there */
        GO,   /* it loads */
        STOP,
    } state;
    struct ttb__trace_in input;
    struct ttb__error error;
    int rc;
};

static void set_state(struct ttb__trace_ahead *ahead, int state)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->state = state;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

/* Until the thread has done what it was told. */
static void wait_for(struct ttb__trace_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->state == GO)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
}

static void *run_thread(void *user)
{
    struct ttb__trace_ahead *ahead = user;

    pthread_mutex_lock(&ahead->lock);
    for (;;) {
        while (ahead->state == IDLE)
            pthread_cond_wait(&ahead->changed, &ahead->lock);
        if (ahead->state == STOP)
            break;
        pthread_mutex_unlock(&ahead->lock);
        ahead->error.text[0] = 0;
        ahead->rc = ttb__trace_in_load(&ahead->input, &ahead->error);
        pthread_mutex_lock(&ahead->lock);
        ahead->state = IDLE;
        pthread_cond_broadcast(&ahead->changed);
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
    pthread_cond_init(&ahead->changed, NULL);
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

void ttb__trace_ahead_stop(struct ttb__trace_in *input)
{
    struct ttb__trace_ahead *ahead = input->ahead;

    if (!ahead)
        return;
    input->ahead = NULL;
    if (ahead->has_thread) {
        wait_for(ahead);
        set_state(ahead, STOP);
        pthread_join(ahead->id, NULL);
    }
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    ttb__trace_in_close(&ahead->input);
    free(ahead);
}

void ttb__trace_ahead_forget(struct ttb__trace_in *input)
{
    wait_for(input->ahead);
    input->ahead->asked = false;
}

/* Have the block loaded at which the input stands. */
static void go(struct ttb__trace_ahead *ahead, const struct ttb__trace_in *input)
{
    ahead->input.offset = input->offset;
    ahead->input.sequence = input->sequence;
    ahead->input.identity = input->identity;
    ahead->asked = true;
    set_state(ahead, GO);
}

static void exchange(uint8_t **a, size_t *a_room, uint8_t **b, size_t *b_room)
{
    uint8_t *data = *a;
    size_t room = *a_room;

    *a = *b;
    *a_room = *b_room;
    *b = data;
    *b_room = room;
}

int ttb__trace_ahead_next(struct ttb__trace_in *input, struct ttb__error *error)
{
    struct ttb__trace_ahead *ahead = input->ahead;
    struct ttb__trace_in *loaded = &ahead->input;
    int rc;

    if (!ahead->asked)
        go(ahead, input);
    wait_for(ahead);
    exchange(&input->stored, &input->stored_room, &loaded->stored, &loaded->stored_room);
    exchange(&input->raw, &input->raw_room, &loaded->raw, &loaded->raw_room);
    input->data = loaded->data;
    input->block = loaded->block;
    input->block_offset = loaded->block_offset;
    input->offset = loaded->offset;
    input->sequence = loaded->sequence;
    input->identity = loaded->identity;
    if (ahead->error.text[0])
        *error = ahead->error;
    ahead->asked = false;
    rc = ahead->rc;
    if (rc == 1)
        go(ahead, input);
    return rc;
}
