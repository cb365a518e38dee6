/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fds(struct ttb__vhost_message *message)
{
    for (size_t i = 0; i < message->fd_count; i++) {
        if (message->fds[i] >= 0)
            close(message->fds[i]);
    }
    message->fd_count = 0;
}

static void close_backend(struct ttb__connection *connection)
{
    if (connection->backend_fd < 0)
        return;
    connection->loop.ops->remove(connection->loop.impl, connection->backend_watch);
    close(connection->backend_fd);
    connection->backend_fd = -1;
    connection->backend_got_bytes = 0;
    connection->outstanding = 0;
}

void ttb__connection_close(struct ttb__connection *connection)
{
    if (connection->fd < 0)
        return;
    close_backend(connection);
    close_fds(&connection->message);
    connection->loop.ops->remove(connection->loop.impl, connection->watch);
    close(connection->fd);
    connection->fd = -1;
}

void ttb__connection_fail(struct ttb__connection *connection, int err, const char *format, ...)
{
    va_list args;

    if (connection->failed || connection->fd < 0)
        return;
    va_start(args, format);
    vsnprintf(connection->error.text, sizeof(connection->error.text), format, args);
    va_end(args);
    connection->failed = true;
    connection->err = err;
    /* Tells the front end, and makes our own watch report a hang-up in the next turn. */
    shutdown(connection->fd, SHUT_RDWR);
}

static void finish(struct ttb__connection *connection)
{
    /* Closing may come from within `lost`, too. */
    struct ttb__error error = connection->error;

    ttb__connection_close(connection);
    connection->ops->lost(connection->user, connection->err, error.text);
}

static void gone(struct ttb__connection *connection)
{
    ttb__connection_fail(connection, 0, "the front end closed the connection");
}

/* ----------------------------------------------------------------------------- from the front end */

/* Read what is missing of the message. 1: complete; 0: not yet; -1: the connection has failed. */
static int read_message(struct ttb__connection *connection)
{
    struct ttb__vhost_message *message = &connection->message;
    const size_t header_bytes = sizeof(message->header);

    for (;;) {
        size_t want_bytes, fd_count = 0;
        uint8_t *to;
        ssize_t got;

        if (connection->got_bytes < header_bytes) {
            to = (uint8_t *)&message->header + connection->got_bytes;
            want_bytes = header_bytes - connection->got_bytes;
        } else {
            size_t have_bytes = connection->got_bytes - header_bytes;

            if (message->header.size_bytes > sizeof(message->payload)) {
                ttb__connection_fail(
                    connection, -EPROTO, "message %u has a payload of %u bytes, more than %zu",
                    message->header.request, message->header.size_bytes, sizeof(message->payload));
                return -1;
            }
            want_bytes = message->header.size_bytes - have_bytes;
            if (want_bytes == 0)
                return 1;
            to = message->payload.bytes + have_bytes;
        }
        /* Never more than this message: descriptors that come belong to it. */
        got = ttb__socket_receive(connection->fd, to, want_bytes, message->fds + message->fd_count,
                                  TTB__FDS_MAX - message->fd_count, &fd_count);
        message->fd_count += fd_count;
        if (got == -EAGAIN)
            return 0;
        /* A front end that was killed with our reply unread resets the connection. */
        if (got == -ECONNRESET || (got == 0 && connection->got_bytes == 0)) {
            gone(connection);
            return -1;
        }
        if (got == 0) {
            ttb__connection_fail(connection, -EPROTO,
                                 "the front end ended within a message (%zu bytes)",
                                 connection->got_bytes);
            return -1;
        }
        if (got < 0) {
            ttb__connection_fail(connection, (int)got, "cannot receive: %s", strerror((int)-got));
            return -1;
        }
        connection->got_bytes += (size_t)got;
    }
}

static void watch_input(struct ttb__connection *connection, bool on)
{
    int rc;

    if (connection->watching == on)
        return;
    rc = connection->loop.ops->modify(connection->loop.impl, connection->watch, on ? POLLIN : 0);
    if (rc)
        ttb__connection_fail(connection, rc, "cannot watch the socket: %s", strerror(-rc));
    connection->watching = on;
}

/* Something happened while we owe a reply. The front end should be waiting for it. */
static void on_event_while_paused(struct ttb__connection *connection, uint32_t events)
{
    char byte;
    ssize_t got = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got == 0 || (events & (POLLHUP | POLLERR)))
        gone(connection);
    else
        watch_input(connection, false);
}

static void on_socket(void *user, uint32_t events)
{
    struct ttb__connection *connection = user;

    if (connection->busy)
        return; /* the loop was turned from within a callback of ours */
    if (!connection->failed)
        connection->ops->arrived(connection->user);
    if (!connection->failed && connection->paused) {
        on_event_while_paused(connection, events);
    } else if (!connection->failed && read_message(connection) == 1) {
        connection->busy = true;
        connection->ops->message(connection->user, &connection->message);
        connection->busy = false;
        close_fds(&connection->message);
        connection->got_bytes = 0;
    }
    if (connection->failed)
        finish(connection);
}

void ttb__connection_pause(struct ttb__connection *connection, bool on)
{
    connection->paused = on;
    if (!on && connection->fd >= 0)
        watch_input(connection, true);
}

static int send_failed(struct ttb__connection *connection, const char *what, int rc)
{
    if (rc == -EPIPE || rc == -ECONNRESET)
        gone(connection);
    else if (rc == -ETIMEDOUT)
        ttb__connection_fail(connection, rc, "the front end does not read its %s", what);
    else
        ttb__connection_fail(connection, rc, "cannot send %s: %s", what, strerror(-rc));
    return rc;
}

int ttb__connection_reply(struct ttb__connection *connection, uint32_t request, const void *payload,
                          size_t len_bytes)
{
    struct {
        struct ttb__vhost_header header;
        uint8_t payload[TTB__VHOST_PAYLOAD_MAX];
    } __attribute__((packed)) reply;
    int rc;

    assert(len_bytes <= sizeof(reply.payload));
    if (connection->fd < 0 || connection->failed)
        return -ENOTCONN;
    reply.header = (struct ttb__vhost_header){
        .request = request,
        .flags = TTB__VHOST_VERSION | TTB__VHOST_REPLY,
        .size_bytes = (uint32_t)len_bytes,
    };
    memcpy(reply.payload, payload, len_bytes);
    rc = ttb__socket_send(connection->fd, &reply, sizeof(reply.header) + len_bytes, NULL, 0, 0);
    return rc ? send_failed(connection, "replies", rc) : 0;
}

/* ----------------------------------------------------------------------------- to the front end */

/* Check one whole reply to a call. Its value is not ours to judge: UML answers 1 when the driver has
 * just given the queue up. */
static bool check_backend_reply(struct ttb__connection *connection)
{
    const struct ttb__vhost_header *header = &connection->backend_reply.header;

    if ((header->flags & (TTB__VHOST_VERSION_MASK | TTB__VHOST_REPLY)) !=
            (TTB__VHOST_VERSION | TTB__VHOST_REPLY) ||
        header->size_bytes != sizeof(uint64_t)) {
        ttb__connection_fail(connection, -EPROTO,
                             "backend channel: reply to call %u has flags 0x%x and %u bytes",
                             header->request, header->flags, header->size_bytes);
        return false;
    }
    if (connection->outstanding == 0) {
        ttb__connection_fail(connection, -EPROTO,
                             "backend channel: a reply (request %u) that nothing asked for",
                             header->request);
        return false;
    }
    return true;
}

static void on_backend(void *user, uint32_t events)
{
    struct ttb__connection *connection = user;
    uint8_t *reply = (uint8_t *)&connection->backend_reply;
    const size_t reply_bytes = sizeof(connection->backend_reply);
    bool answered = false;

    (void)events;
    if (connection->failed)
        return; /* on_socket() is about to end it all */
    /* At most as many as are outstanding, and one more to find out about a stray one. */
    for (unsigned i = 0; i <= TTB__CALLS_MAX; i++) {
        ssize_t got =
            ttb__socket_receive(connection->backend_fd, reply + connection->backend_got_bytes,
                                reply_bytes - connection->backend_got_bytes, NULL, 0, NULL);

        if (got == -EAGAIN)
            break;
        if (got <= 0) {
            /* UML closes this channel before the other one. */
            if (connection->outstanding)
                ttb__connection_fail(connection, 0,
                                     "the front end closed the backend channel with %u calls "
                                     "unanswered",
                                     connection->outstanding);
            close_backend(connection);
            return;
        }
        connection->backend_got_bytes += (size_t)got;
        if (connection->backend_got_bytes < reply_bytes)
            break;
        connection->backend_got_bytes = 0;
        if (!check_backend_reply(connection))
            return;
        if (--connection->outstanding == 0) {
            answered = true;
            break;
        }
    }
    if (answered)
        connection->ops->calls_answered(connection->user);
}

int ttb__connection_set_backend(struct ttb__connection *connection, int fd)
{
    struct stat status;
    struct ttb_watch *watch;
    int rc;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISSOCK(status.st_mode))
        return -ENOTSOCK;
    rc = connection->loop.ops->add(connection->loop.impl, fd, POLLIN, on_backend, connection,
                                   &watch);
    if (rc)
        return rc;
    close_backend(connection);
    connection->backend_fd = fd;
    connection->backend_watch = watch;
    return 0;
}

int ttb__connection_call(struct ttb__connection *connection, const struct ttb__call *calls,
                         unsigned count, bool need_replies)
{
    uint8_t data[TTB__CALLS_MAX *
                 (sizeof(struct ttb__vhost_header) + sizeof(struct ttb__vhost_vring_state))];
    size_t len_bytes = 0;
    int rc;

    assert(count <= TTB__CALLS_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct ttb__vhost_vring_state state = {.index = calls[i].index};
        struct ttb__vhost_header header = {
            .request = calls[i].request,
            .flags = TTB__VHOST_VERSION | (need_replies ? TTB__VHOST_NEED_REPLY : 0),
        };

        if (calls[i].request == TTB__VHOST_BACKEND_VRING_CALL)
            header.size_bytes = sizeof(state);
        memcpy(data + len_bytes, &header, sizeof(header));
        len_bytes += sizeof(header);
        memcpy(data + len_bytes, &state, header.size_bytes);
        len_bytes += header.size_bytes;
    }
    rc = ttb__socket_send(connection->backend_fd, data, len_bytes, NULL, 0, 0);
    if (rc)
        return send_failed(connection, "calls", rc);
    if (need_replies)
        connection->outstanding += count;
    return 0;
}

int ttb__connection_open(struct ttb__connection *connection, const struct ttb_loop *loop, int fd,
                         const struct ttb__connection_ops *ops, void *user)
{
    int flags = fcntl(fd, F_GETFL);
    int rc;

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    *connection = (struct ttb__connection){
        .loop = *loop, .ops = ops, .user = user, .fd = fd, .backend_fd = -1, .watching = true};
    rc = loop->ops->add(loop->impl, fd, POLLIN, on_socket, connection, &connection->watch);
    if (rc)
        connection->fd = -1;
    return rc;
}
