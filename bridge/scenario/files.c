/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens what must not block: a FIFO in place of a file is found out, not waited for. */
static int open_file(const char *directory, const char *path, struct stat *status,
                     struct ttb__error *error)
{
    char full[PATH_MAX];
    int fd, rc;

    if (strcmp(path, "-") == 0 && !directory) {
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        if (fd < 0 || fstat(fd, status) < 0) {
            rc = -errno;
            if (fd >= 0)
                close(fd);
            return ttb__fail(error, rc, "standard input cannot be read: %s", strerror(-rc));
        }
        return fd;
    }
    if (*path == '/' || !directory || strcmp(directory, ".") == 0)
        directory = "";
    if ((size_t)snprintf(full, sizeof(full), "%s%s%s", directory, *directory ? "/" : "", path) >=
        sizeof(full))
        return ttb__fail(error, -ENAMETOOLONG, "the path is too long");
    fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, status) < 0) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return ttb__fail(error, rc, "\"%.300s\" cannot be read: %s", full, strerror(-rc));
    }
    if (!S_ISREG(status->st_mode)) {
        close(fd);
        return ttb__fail(error, S_ISDIR(status->st_mode) ? -EISDIR : -EINVAL,
                         "\"%.300s\" is %s, not a file", full,
                         S_ISDIR(status->st_mode) ? "a folder" : "something else");
    }
    return fd;
}

int ttb__host_file_check(const char *directory, const char *path, struct ttb__error *error)
{
    struct stat status;
    int fd = open_file(directory, path, &status, error);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

int ttb__host_file_read(const char *directory, const char *path, size_t max_bytes,
                        struct ttb__host_file *file, struct ttb__error *error)
{
    size_t capacity = 65536, used = 0;
    struct stat status;
    uint8_t *data, *grown;
    ssize_t got;
    int fd = open_file(directory, path, &status, error), rc = 0;

    if (fd < 0)
        return fd;
    data = malloc(capacity);
    while (data) {
        if (used == capacity) {
            grown = realloc(data, 2 * capacity);
            if (!grown) {
                free(data);
                data = NULL;
                break;
            }
            data = grown;
            capacity *= 2;
        }
        got = read(fd, data + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rc = -errno;
            ttb__fail(error, rc, "\"%.300s\" cannot be read: %s", path, strerror(-rc));
            break;
        }
        used += (size_t)got;
        if (used > max_bytes) {
            rc = ttb__fail(error, -EFBIG, "\"%.300s\" is longer than %zu bytes", path, max_bytes);
            break;
        }
        if (got == 0)
            break;
    }
    close(fd);
    if (!data)
        return ttb__fail(error, -ENOMEM, "there is no memory for \"%.300s\"", path);
    if (rc < 0) {
        free(data);
        return rc;
    }
    *file = (struct ttb__host_file){
        .data = data, .len_bytes = used, .mode = (uint32_t)status.st_mode & 07777};
    return 0;
}
