/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab/tar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK      512
#define COPY_BYTES 65536

struct header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char uname[32];
    char gname[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a ustar header is one block");

static int write_all(int fd, const void *data, size_t len_bytes)
{
    const char *next = data;

    while (len_bytes) {
        ssize_t written = write(fd, next, len_bytes);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        next += written;
        len_bytes -= (size_t)written;
    }
    return 0;
}

/* Names of more than 100 bytes are cut at a slash: prefix, "/", name. */
static int set_name(struct header *header, const char *name)
{
    size_t len_bytes = strlen(name);

    if (len_bytes == 0)
        return -EINVAL;
    if (len_bytes <= sizeof(header->name)) {
        memcpy(header->name, name, len_bytes);
        return 0;
    }
    for (size_t cut = len_bytes - 1; cut > 0; cut--) {
        size_t rest = len_bytes - cut - 1;

        if (name[cut] != '/' || rest == 0 || cut > sizeof(header->prefix))
            continue;
        if (rest > sizeof(header->name))
            break;
        memcpy(header->prefix, name, cut);
        memcpy(header->name, name + cut + 1, rest);
        return 0;
    }
    return -ENAMETOOLONG;
}

static int add_header(int fd, const char *name, mode_t mode, uint64_t len_bytes)
{
    struct header header;
    char size[sizeof(header.size) + 1];
    unsigned sum = 0;
    int rc;

    memset(&header, 0, sizeof(header));
    rc = set_name(&header, name);
    if (rc)
        return rc;
    if (len_bytes > TTB__TAR_FILE_MAX)
        return -EFBIG;
    snprintf(header.mode, sizeof(header.mode), "%07o", (unsigned)(mode & 07777));
    memcpy(header.uid, "0000000", sizeof(header.uid));
    memcpy(header.gid, "0000000", sizeof(header.gid));
    snprintf(size, sizeof(size), "%011llo", (unsigned long long)len_bytes);
    memcpy(header.size, size, sizeof(header.size));
    memcpy(header.mtime, "00000000000", sizeof(header.mtime));
    header.type = '0';
    memcpy(header.magic, "ustar", sizeof(header.magic));
    memcpy(header.version, "00", sizeof(header.version));
    memcpy(header.uname, "root", 5);
    memcpy(header.gname, "root", 5);
    /* The checksum counts its own field as spaces. */
    memset(header.checksum, ' ', sizeof(header.checksum));
    for (size_t i = 0; i < sizeof(header); i++)
        sum += ((const unsigned char *)&header)[i];
    snprintf(header.checksum, sizeof(header.checksum), "%06o", sum);
    return write_all(fd, &header, sizeof(header));
}

static int pad(int fd, uint64_t len_bytes)
{
    static const char zeros[BLOCK];
    size_t rest = (size_t)(len_bytes % BLOCK);

    return rest ? write_all(fd, zeros, BLOCK - rest) : 0;
}

int ttb__tar_add(int fd, const char *name, mode_t mode, const void *content, size_t len_bytes)
{
    int rc = add_header(fd, name, mode, len_bytes);

    if (!rc)
        rc = write_all(fd, content, len_bytes);
    return rc ? rc : pad(fd, len_bytes);
}

int ttb__tar_add_fd(int fd, const char *name, mode_t mode, int source)
{
    char data[COPY_BYTES];
    struct stat status;
    uint64_t done = 0;
    int rc;

    if (fstat(source, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    rc = add_header(fd, name, mode, (uint64_t)status.st_size);
    while (!rc && done < (uint64_t)status.st_size) {
        uint64_t left = (uint64_t)status.st_size - done;
        ssize_t got =
            pread(source, data, left < sizeof(data) ? (size_t)left : sizeof(data), (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -EIO;
        rc = write_all(fd, data, (size_t)got);
        done += (uint64_t)got;
    }
    return rc ? rc : pad(fd, done);
}

int ttb__tar_end(int fd)
{
    static const char zeros[2 * BLOCK];

    return write_all(fd, zeros, sizeof(zeros));
}
