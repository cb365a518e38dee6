/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file connection.h
 * The two channels of a vhost-user connection: messages from the front end and replies to them, and
 * (once the front end has sent a descriptor for it) calls to the front end and replies to those.
 *
 * Nothing here ever waits. A front end that does not read its replies until the socket is full has
 * the connection closed.
 */
#ifndef TTB_VHOST_CONNECTION_H
#define TTB_VHOST_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/loop.h>

#include "base/error.h"
#include "base/socket.h"
#include "vhost/wire.h"

/* Calls that one ttb__connection_call() can send: two queues and a configuration change. */
#define TTB__CALLS_MAX 3

struct ttb__vhost_message {
    struct ttb__vhost_header header;
    union ttb__vhost_payload payload;
    int fds[TTB__FDS_MAX]; /* a handler that keeps one writes -1 in its place */
    size_t fd_count;
};

struct ttb__connection_ops {
    /* Something has come, a message, a part of one or EOF, and will be looked at now. */
    void (*arrived)(void *user);
    /* One whole message. Descriptors that are not taken are closed afterwards. */
    void (*message)(void *user, struct ttb__vhost_message *message);
    /* The last outstanding call has been answered. */
    void (*calls_answered)(void *user);
    /* It is over: everything here is closed. Called once, last, and only from the loop's turn. */
    void (*lost)(void *user, int err, const char *why);
};

struct ttb__connection {
    struct ttb_loop loop;
    const struct ttb__connection_ops *ops;
    void *user;

    int fd; /* -1 once closed */
    struct ttb_watch *watch;
    bool watching; /* for input: not while paused and more has come */
    bool paused;   /* a reply is held back: take no further message */
    bool busy;     /* a message is being handled */
    size_t got_bytes;
    struct ttb__vhost_message message;

    int backend_fd; /* -1: none */
    struct ttb_watch *backend_watch;
    size_t backend_got_bytes;
    struct ttb__vhost_u64_message backend_reply;
    unsigned outstanding; /* calls not answered yet */

    bool failed;
    int err;
    struct ttb__error error;
};

/* Take over `fd`. On failure it stays the caller's. */
int ttb__connection_open(struct ttb__connection *connection, const struct ttb_loop *loop, int fd,
                         const struct ttb__connection_ops *ops, void *user);

/* Close without a callback. Idempotent. */
void ttb__connection_close(struct ttb__connection *connection);

/* End the connection with a sentence (of the first failure; later ones change nothing). The front
 * end sees EOF at once; `lost` follows from the loop's turn. err 0: the front end went away. */
void ttb__connection_fail(struct ttb__connection *connection, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reply to a message. 0 or a negative errno (the connection has failed then). */
int ttb__connection_reply(struct ttb__connection *connection, uint32_t request, const void *payload,
                          size_t len_bytes);

/* Take no messages, or take them again. */
void ttb__connection_pause(struct ttb__connection *connection, bool on);

/* Take over the descriptor of the backend channel. */
int ttb__connection_set_backend(struct ttb__connection *connection, int fd);

struct ttb__call {
    uint32_t request;
    uint32_t index;
};

/* Send calls, with one system call. @return 0 or a negative errno (the connection has failed) */
int ttb__connection_call(struct ttb__connection *connection, const struct ttb__call *calls,
                         unsigned count, bool need_replies);

#endif
