/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int make_address(const char *path, struct sockaddr_un *address)
{
    size_t len_bytes = strlen(path);

    if (len_bytes == 0)
        return -EINVAL;
    if (len_bytes >= sizeof(address->sun_path))
        return -ENAMETOOLONG;
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len_bytes + 1);
    return 0;
}

int ttb__socket_connect(const char *path)
{
    struct sockaddr_un address;
    int fd, rc = make_address(path, &address);

    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    do {
        rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/*
 * -EPROTOTYPE if a stream socket is bound to the file, -ECONNREFUSED if its owner has gone. A
 * connection of the wrong type finds out (unix_find_bsd() in Linux's net/unix/af_unix.c) without the
 * listener seeing anything, and without waiting when the listener's backlog is full.
 */
static int probe(const struct sockaddr_un *address)
{
    int rc, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    rc = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

/* A socket file whose owner is dead may go. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
    struct stat status;
    int rc;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    rc = probe(address);
    if (rc == 0 || rc == -EPROTOTYPE) /* 0: a live datagram socket */
        return -EADDRINUSE;
    if (rc != -ECONNREFUSED)
        return rc;
    return unlink(path) < 0 ? -errno : 0;
}

int ttb__socket_listen(const char *path)
{
    struct sockaddr_un address;
    int fd, rc = make_address(path, &address);

    if (rc)
        return rc;
    rc = remove_stale(path, &address);
    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* On Linux, fchmod() before bind() sets the mode that the socket file is created with: there
     * is no moment at which others could connect. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    if (listen(fd, 16) < 0) {
        rc = -errno;
        unlink(path);
        close(fd);
        return rc;
    }
    return fd;
}

int ttb__socket_accept(int listener)
{
    int fd;

    do {
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? -errno : fd;
}

int ttb__socket_send(int fd, const void *data, size_t len_bytes, const int *fds, size_t fd_count,
                     int timeout_ms)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * TTB__FDS_MAX)];
    } control;
    const char *next = data;

    if (fd_count > TTB__FDS_MAX)
        return -EINVAL;
    while (len_bytes) {
        struct iovec part = {.iov_base = (void *)next, .iov_len = len_bytes};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t sent;

        if (fd_count) {
            memset(&control, 0, sizeof(control));
            message.msg_control = &control;
            message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
            control.header.cmsg_level = SOL_SOCKET;
            control.header.cmsg_type = SCM_RIGHTS;
            control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
            memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
        }
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            int rc = poll(&ready, 1, timeout_ms);

            if (rc == 0)
                return -ETIMEDOUT;
            if (rc < 0 && errno != EINTR)
                return -errno;
            continue;
        }
        if (sent < 0)
            return -errno;
        next += sent;
        len_bytes -= (size_t)sent;
        fd_count = 0;
    }
    return 0;
}

static void keep_fds(struct cmsghdr *header, int *fds, size_t fds_max, size_t *fd_count)
{
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < count; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
        if (fds && *fd_count < fds_max)
            fds[(*fd_count)++] = fd;
        else
            close(fd);
    }
}

ssize_t ttb__socket_receive(int fd, void *data, size_t len_bytes, int *fds, size_t fds_max,
                            size_t *fd_count)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * TTB__FDS_MAX)];
    } control;
    struct iovec part = {.iov_base = data, .iov_len = len_bytes};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    size_t kept = 0;
    ssize_t received;

    do {
        received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received >= 0) {
        for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
             header = CMSG_NXTHDR(&message, header)) {
            if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
                keep_fds(header, fds, fds_max, &kept);
        }
    }
    if (fd_count)
        *fd_count = kept;
    return received < 0 ? -errno : received;
}
