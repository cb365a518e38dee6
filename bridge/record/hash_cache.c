/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes of kernels and images that have been made before. Hashing them takes a second, and every run
 * needs them; they hardly ever change.
 *
 * A hash is believed for the same device, inode, size, and times of modification and of status change
 * in nanoseconds. The latter cannot be set by programs, so a file whose time of modification was put
 * back is hashed anew. A file that has been changed a moment ago could be changed again without its
 * times showing it (they are as coarse as the kernel's tick), so its hash is not kept. What the times
 * do not show is not seen: writes through a shared mapping after the first to a page, and writes to a
 * disk below its file system.
 *
 * One file for each slot, in a folder of the user's alone: as many as there are slots at most.
 */
#include "record/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLOTS      1024
#define ENTRY_MAX  256
#define SETTLED_NS 2000000000LL

static int64_t as_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* As the scripts and the lab have it (lab/find.c). */
static int open_folder(void)
{
    const char *cache = getenv("TTB_CACHE"), *base = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char path[PATH_MAX];
    struct stat status;
    int len_bytes, fd;

    if (cache && *cache)
        len_bytes = snprintf(path, sizeof(path), "%s/hashes", cache);
    else if (base && *base)
        len_bytes = snprintf(path, sizeof(path), "%s/ttbridge/hashes", base);
    else if (home && *home)
        len_bytes = snprintf(path, sizeof(path), "%s/.cache/ttbridge/hashes", home);
    else
        return -1;
    if (len_bytes < 0 || (size_t)len_bytes >= sizeof(path))
        return -1;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
        (status.st_mode & 077) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1; /* others could have written there */
}

/* What an entry says of its file; the hash follows. */
static void make_key(const struct stat *status, char key[ENTRY_MAX])
{
    snprintf(key, ENTRY_MAX, "1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " ",
             (uint64_t)status->st_dev, (uint64_t)status->st_ino, (uint64_t)status->st_size,
             as_ns(&status->st_mtim), as_ns(&status->st_ctim));
}

static void make_name(const struct stat *status, char name[16])
{
    uint64_t mixed = (status->st_ino ^ (uint64_t)status->st_dev << 32) * 0x9e3779b97f4a7c15ULL;

    snprintf(name, 16, "%03x", (unsigned)(mixed >> 32) % SLOTS);
}

static bool read_hex(const char *hex, uint8_t sha256[TTB_TRACE_SHA256_BYTES])
{
    for (unsigned i = 0; i < TTB_TRACE_SHA256_BYTES; i++) {
        unsigned byte;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        sha256[i] = (uint8_t)byte;
    }
    return true;
}

static bool find(int folder, const struct stat *status, struct ttb_trace_artifact *artifact)
{
    char key[ENTRY_MAX], entry[ENTRY_MAX + 80], name[16];
    size_t key_bytes;
    ssize_t got;
    int fd;

    make_name(status, name);
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    got = read(fd, entry, sizeof(entry) - 1);
    close(fd);
    entry[got > 0 ? got : 0] = 0;
    make_key(status, key);
    key_bytes = strlen(key);
    if (strncmp(entry, key, key_bytes) != 0 ||
        strspn(entry + key_bytes, "0123456789abcdef") != 2 * TTB_TRACE_SHA256_BYTES ||
        !read_hex(entry + key_bytes, artifact->sha256))
        return false;
    artifact->len_bytes = (uint64_t)status->st_size;
    return true;
}

/* Best effort: what cannot be kept is made again. */
static void keep(int folder, const struct stat *status, const struct ttb_trace_artifact *artifact)
{
    char key[ENTRY_MAX], hex[65], name[16], fresh[48];
    bool written;
    int fd;

    make_key(status, key);
    make_name(status, name);
    ttb_trace_hex(artifact->sha256, hex);
    snprintf(fresh, sizeof(fresh), "%s.%ld", name, (long)getpid());
    fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    written = dprintf(fd, "%s%s\n", key, hex) > 0;
    if (close(fd) < 0 || !written || renameat(folder, fresh, folder, name) < 0)
        unlinkat(folder, fresh, 0);
}

static bool is_settled(const struct stat *status)
{
    int64_t latest_ns = as_ns(&status->st_mtim);
    struct timespec now;

    if (as_ns(&status->st_ctim) > latest_ns)
        latest_ns = as_ns(&status->st_ctim);
    clock_gettime(CLOCK_REALTIME, &now);
    return latest_ns < as_ns(&now) - SETTLED_NS;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    char key_a[ENTRY_MAX], key_b[ENTRY_MAX];

    make_key(a, key_a);
    make_key(b, key_b);
    return strcmp(key_a, key_b) == 0;
}

int ttb_trace_hash_file_once(const char *path, struct ttb_trace_artifact *artifact)
{
    struct stat before, after;
    int folder, rc;

    if (stat(path, &before) < 0 || !S_ISREG(before.st_mode))
        return ttb_trace_hash_file(path, artifact);
    folder = open_folder();
    if (folder >= 0 && find(folder, &before, artifact)) {
        close(folder);
        return 0;
    }
    rc = ttb_trace_hash_file(path, artifact);
    if (!rc && folder >= 0 && stat(path, &after) == 0 && is_same(&before, &after) &&
        is_settled(&before))
        keep(folder, &before, artifact);
    if (folder >= 0)
        close(folder);
    return rc;
}
