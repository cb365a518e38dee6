/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file socket.h
 * Unix sockets: listening, connecting, and messages that carry descriptors.
 */
#ifndef TTB_BASE_SOCKET_H
#define TTB_BASE_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* Most descriptors that one message may carry here (a vhost-user memory table has 8 regions). */
#define TTB__FDS_MAX 8

/* Make a listening unix stream socket at `path` (mode 0600 by umask-free chmod), non-blocking and
 * close-on-exec. A stale socket that nobody listens on is replaced; a live one is -EADDRINUSE.
 * @return descriptor or a negative errno (-ENAMETOOLONG: path longer than sun_path) */
int ttb__socket_listen(const char *path);

/* Accept one connection, non-blocking and close-on-exec; -EAGAIN if none waits. */
int ttb__socket_accept(int listener);

/* Connect to a unix stream socket, blocking and close-on-exec. */
int ttb__socket_connect(const char *path);

/* Send all of `data`, waiting (poll) while the peer's buffer is full, at most timeout_ms; with the
 * first byte go the descriptors, which stay the caller's.
 * @return 0; -EPIPE, -ECONNRESET, -ETIMEDOUT, ... never SIGPIPE */
int ttb__socket_send(int fd, const void *data, size_t len_bytes, const int *fds, size_t fd_count,
                     int timeout_ms);

/* Receive up to len_bytes without waiting. Descriptors that come along are stored (close-on-exec) in
 * fds[0..*fd_count); more than fit are closed. fds may be NULL: then all are closed.
 * @return bytes, 0 at EOF, -EAGAIN, or another negative errno */
ssize_t ttb__socket_receive(int fd, void *data, size_t len_bytes, int *fds, size_t fds_max,
                            size_t *fd_count);

#endif
