/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where "ttb kernel build" and "ttb image build" keep their results: directories NAME-HASH in
 * ${TTB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ttbridge}/kernels and .../images (images/cache.sh).
 */
#include "lab/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_LENGTH 12

struct kind {
    const char *what;     /* for people */
    const char *folder;   /* in the cache */
    const char *file;     /* in NAME-HASH */
    const char *variable; /* of the environment */
    const char *name;     /* if nobody says */
    bool any;             /* if nobody says and `name` is not there, any will do */
    const char *command;
};

/* A kernel that somebody builds for one scenario must not become that of all others: hence a name. */
static const struct kind kernels = {"kernel", "kernels", "linux", "TTB_KERNEL",
                                    "6.12",   true,      "kernel"};
static const struct kind images = {"image",   "images", "image.ext4", "TTB_IMAGE",
                                   "busybox", false,    "image"};

static int fail(char *error, size_t error_size, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(char *error, size_t error_size, int code, const char *format, ...)
{
    va_list args;

    if (error && error_size) {
        va_start(args, format);
        vsnprintf(error, error_size, format, args);
        va_end(args);
    }
    return code;
}

int ttb__copy_path(char *path, size_t path_size, const char *from)
{
    int len_bytes = snprintf(path, path_size, "%s", from);

    return len_bytes < 0 || (size_t)len_bytes >= path_size ? -ENAMETOOLONG : 0;
}

/* Never NULL for a set, non-empty variable: an empty one counts as unset, as in the scripts. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static int cache_folder(const struct kind *kind, char *path, size_t path_size)
{
    const char *base;
    int len_bytes;

    if ((base = environment("TTB_CACHE")))
        len_bytes = snprintf(path, path_size, "%s/%s", base, kind->folder);
    else if ((base = environment("XDG_CACHE_HOME")))
        len_bytes = snprintf(path, path_size, "%s/ttbridge/%s", base, kind->folder);
    else if ((base = environment("HOME")))
        len_bytes = snprintf(path, path_size, "%s/.cache/ttbridge/%s", base, kind->folder);
    else
        return -ENOENT;
    return len_bytes < 0 || (size_t)len_bytes >= path_size ? -ENAMETOOLONG : 0;
}

/* "6.12-0123456789ab" is version 6.12; names may have hyphens of their own. Nobody gets a kernel
 * without our patches who does not ask for it. */
static bool is_result(const char *entry, const char *name)
{
    const char *hash = strrchr(entry, '-');

    if (entry[0] == '.' || !hash || strlen(hash + 1) != HASH_LENGTH ||
        strspn(hash + 1, "0123456789abcdef") != HASH_LENGTH)
        return false;
    if (!name)
        return strncmp(entry, "unpatched-", strlen("unpatched-")) != 0;
    return strlen(name) == (size_t)(hash - entry) &&
           strncmp(entry, name, (size_t)(hash - entry)) == 0;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* The one that was built last, of `name` or of all (NULL). */
static int find_built(const struct kind *kind, const char *name, char *path, size_t path_size)
{
    char folder[PATH_MAX], newest[NAME_MAX + 1] = "";
    struct timespec newest_time = {0};
    const struct dirent *entry;
    int rc = cache_folder(kind, folder, sizeof(folder));
    int len_bytes;
    DIR *dir;

    if (rc)
        return rc;
    dir = opendir(folder);
    if (!dir)
        return -ENOENT;
    while ((entry = readdir(dir))) {
        char file[NAME_MAX + 32];
        struct stat status;

        if (!is_result(entry->d_name, name))
            continue;
        snprintf(file, sizeof(file), "%s/%s", entry->d_name, kind->file);
        if (fstatat(dirfd(dir), file, &status, 0) < 0 || !S_ISREG(status.st_mode))
            continue;
        if (newest[0] && !is_later(&status.st_ctim, &newest_time))
            continue;
        newest_time = status.st_ctim;
        snprintf(newest, sizeof(newest), "%s", entry->d_name);
    }
    closedir(dir);
    if (!newest[0])
        return -ENOENT;
    len_bytes = snprintf(path, path_size, "%s/%s/%s", folder, newest, kind->file);
    return len_bytes < 0 || (size_t)len_bytes >= path_size ? -ENAMETOOLONG : 0;
}

static int find_path(const struct kind *kind, const char *wanted, char *path, size_t path_size,
                     char *error, size_t error_size)
{
    char resolved[PATH_MAX];

    if (!realpath(wanted, resolved))
        return fail(error, error_size, -errno, "%s %s: %s", kind->what, wanted, strerror(errno));
    if (ttb__copy_path(path, path_size, resolved))
        return fail(error, error_size, -ENAMETOOLONG, "%s %s: path too long", kind->what, wanted);
    return 0;
}

static int find(const struct kind *kind, const char *wanted, char *path, size_t path_size,
                char *error, size_t error_size)
{
    const char *value;
    int rc;

    if (!wanted && (value = environment(kind->variable))) {
        rc = find_path(kind, value, path, path_size, error, error_size);
        if (rc)
            return fail(error, error_size, rc, "%s %s (from the environment variable %s): %s",
                        kind->what, value, kind->variable, strerror(-rc));
        return 0;
    }
    if (wanted && strchr(wanted, '/'))
        return find_path(kind, wanted, path, path_size, error, error_size);
    rc = find_built(kind, wanted ? wanted : kind->name, path, path_size);
    if (rc == -ENOENT && !wanted && kind->any)
        rc = find_built(kind, NULL, path, path_size);
    if (!rc)
        return 0;
    if (wanted || !kind->any)
        return fail(error, error_size, rc,
                    "%s \"%s\": none has been built under that name; build it with: ttb %s build "
                    "%s, or give a path with a slash",
                    kind->what, wanted ? wanted : kind->name, kind->command,
                    wanted ? wanted : kind->name);
    return fail(error, error_size, rc,
                "no %s: build one with: ttb %s build, or set %s to the path of one", kind->what,
                kind->command, kind->variable);
}

int ttb_lab_find_kernel(const char *wanted, char *path, size_t path_size, char *error,
                        size_t error_size)
{
    return find(&kernels, wanted, path, path_size, error, error_size);
}

int ttb_lab_find_image(const char *wanted, char *path, size_t path_size, char *error,
                       size_t error_size)
{
    return find(&images, wanted, path, path_size, error, error_size);
}
