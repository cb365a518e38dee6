/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The bridge's own default, spelled out because nodes are told it as well. */
#define DEFAULT_EPOCH_NS 1735689600000000000ULL

#define DEFAULT_MEMORY_DIRECTORY "/dev/shm"
#define LOCK_FILE                "lock"

/* "/NODE.PORT" */
#define SOCKET_NAME_BYTES (2 * (TTB_NAME_MAX + 1))

int ttb__lab_fail(struct ttb_lab *lab, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(lab->error.text, sizeof(lab->error.text), format, args);
    va_end(args);
    return code;
}

const char *ttb__lab_reason(int code)
{
    /* A node takes about ten descriptors, so this is what large labs meet first. */
    if (code == -EMFILE)
        return "too many open files; raise the limit: ulimit -n";
    return strerror(-code);
}

const char *ttb_lab_error(const struct ttb_lab *lab)
{
    return lab->error.text;
}

const char *ttb_lab_directory(const struct ttb_lab *lab)
{
    return lab->directory;
}

struct ttb_bridge *ttb_lab_bridge(struct ttb_lab *lab)
{
    return lab->bridge;
}

void ttb_lab_on_console_line(struct ttb_lab *lab, ttb_lab_line_fn fn, void *user)
{
    lab->line = fn;
    lab->line_user = user;
}

/* ------------------------------------------------------------------------------- run directory */

void ttb__remove_tree(int directory_fd, const char *name)
{
    const struct dirent *entry;
    int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        if (fd >= 0)
            close(fd);
        unlinkat(directory_fd, name, 0);
        return;
    }
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ttb__remove_tree(fd, entry->d_name);
    }
    closedir(dir);
    unlinkat(directory_fd, name, AT_REMOVEDIR);
}

/* Makes `path` and what is missing above it; only what is new gets the mode. */
static int make_directories(char *path)
{
    for (char *slash = path + 1;; slash++) {
        char kept = *slash;

        if (kept != '/' && kept != 0)
            continue;
        *slash = 0;
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            int rc = -errno;

            *slash = kept;
            return rc;
        }
        *slash = kept;
        if (kept == 0)
            return 0;
    }
}

static int make_run_directory(struct ttb_lab *lab, const char *wanted)
{
    char *path;
    int rc = 0;

    if (wanted) {
        path = strdup(wanted);
    } else {
        const char *base = getenv("TMPDIR");

        if (asprintf(&path, "%s/ttb-XXXXXX", base && *base ? base : "/tmp") < 0)
            path = NULL;
    }
    if (!path)
        return ttb__lab_fail(lab, -ENOMEM, "out of memory");
    if (wanted)
        rc = *path ? make_directories(path) : -ENOENT;
    else if (!mkdtemp(path))
        rc = -errno;
    lab->temporary = !wanted && !rc;
    if (!rc) {
        lab->directory = realpath(path, NULL);
        lab->directory_fd =
            lab->directory ? open(lab->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (lab->directory_fd < 0)
            rc = -errno;
    }
    if (!rc && faccessat(lab->directory_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        rc = -errno;
    if (rc)
        ttb__lab_fail(lab, rc, "cannot create the run directory %s: %s", path, strerror(-rc));
    free(path);
    return rc;
}

/* The lock is on a file of its own, and names its holder for people. */
static int lock_run_directory(struct ttb_lab *lab)
{
    char holder[32] = "";
    int rc;

    lab->lock_fd =
        openat(lab->directory_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lab->lock_fd < 0)
        return ttb__lab_fail(lab, -errno, "cannot create %s/%s: %s", lab->directory, LOCK_FILE,
                             strerror(errno));
    if (flock(lab->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return ttb__lab_fail(lab, -errno, "cannot lock %s/%s: %s", lab->directory, LOCK_FILE,
                                 strerror(errno));
        if (pread(lab->lock_fd, holder, sizeof(holder) - 1, 0) > 0)
            holder[strspn(holder, "0123456789")] = 0;
        return ttb__lab_fail(lab, -EBUSY,
                             "run directory %s is in use by another run (process %s); take another "
                             "directory",
                             lab->directory, holder[0] ? holder : "unknown");
    }
    snprintf(holder, sizeof(holder), "%ld\n", (long)getpid());
    rc = ftruncate(lab->lock_fd, 0);
    if (rc == 0)
        rc = pwrite(lab->lock_fd, holder, strlen(holder), 0) < 0 ? -1 : 0;
    if (rc < 0)
        return ttb__lab_fail(lab, -errno, "cannot write %s/%s: %s", lab->directory, LOCK_FILE,
                             strerror(errno));
    if (mkdirat(lab->directory_fd, "nodes", 0700) < 0 && errno != EEXIST)
        return ttb__lab_fail(lab, -errno, "cannot create %s/nodes: %s", lab->directory,
                             strerror(errno));
    return 0;
}

/* ------------------------------------------------------------------------------------ new, free */

static int make_bridge(struct ttb_lab *lab, const struct ttb_bridge_opts *wanted)
{
    struct ttb_bridge_opts opts = {.size = sizeof(opts)};
    char through_fd[32];
    int rc;

    if (wanted) {
        if (wanted->size < sizeof(opts))
            return ttb__lab_fail(lab, -EINVAL, "options of the bridge: size %zu is too small",
                                 wanted->size);
        opts = *wanted;
        opts.size = sizeof(opts);
    }
    if (!opts.epoch_ns)
        opts.epoch_ns = DEFAULT_EPOCH_NS;
    lab->epoch_ns = opts.epoch_ns;
    /* Socket paths have at most 107 bytes, run directories may be deep. Nodes are told paths
     * relative to the run directory in any case. */
    opts.directory = lab->directory;
    if (strlen(lab->directory) + SOCKET_NAME_BYTES >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        snprintf(through_fd, sizeof(through_fd), "/proc/self/fd/%d", lab->directory_fd);
        opts.directory = through_fd;
    }
    rc = ttb_bridge_new(&opts, &lab->bridge);
    if (rc)
        return ttb__lab_fail(lab, rc, "cannot make a bridge in %s: %s", lab->directory,
                             ttb__lab_reason(rc));
    return 0;
}

static int copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -ENOMEM : 0;
}

static int open_lab(struct ttb_lab *lab, const struct ttb_lab_opts *opts)
{
    const char *memory_directory =
        opts->memory_directory ? opts->memory_directory : DEFAULT_MEMORY_DIRECTORY;
    int rc;

    lab->seed = opts->seed;
    lab->debuggable = opts->debuggable;
    lab->memory_mib = opts->memory_mib ? opts->memory_mib : TTB_LAB_MEMORY_DEFAULT_MIB;
    if (lab->memory_mib < TTB_LAB_MEMORY_MIN_MIB || lab->memory_mib > TTB_LAB_MEMORY_MAX_MIB)
        return ttb__lab_fail(lab, -EINVAL, "memory_mib %u is not in %d to %d", lab->memory_mib,
                             TTB_LAB_MEMORY_MIN_MIB, TTB_LAB_MEMORY_MAX_MIB);
    if (copy_text(&lab->kernel, opts->kernel) || copy_text(&lab->image, opts->image) ||
        copy_text(&lab->memory_directory, memory_directory))
        return ttb__lab_fail(lab, -ENOMEM, "out of memory");
    rc = make_run_directory(lab, opts->directory);
    if (!rc)
        rc = lock_run_directory(lab);
    if (rc)
        return rc;
    rc = ttb__guard_start(&lab->guard, lab->directory_fd, lab->lock_fd);
    if (rc)
        return ttb__lab_fail(lab, rc, "cannot start the guard process: %s", strerror(-rc));
    return make_bridge(lab, opts->bridge);
}

int ttb_lab_new(const struct ttb_lab_opts *opts, struct ttb_lab **made, char *error,
                size_t error_size)
{
    struct ttb_lab *lab;
    int rc;

    *made = NULL;
    if (!opts || opts->size < sizeof(*opts)) {
        if (error && error_size)
            snprintf(error, error_size, "options of the lab: size is too small");
        return -EINVAL;
    }
    lab = calloc(1, sizeof(*lab));
    if (!lab)
        return -ENOMEM;
    lab->directory_fd = lab->lock_fd = lab->guard.fd = -1;
    lab->nodes_end = &lab->nodes;
    rc = open_lab(lab, opts);
    if (!rc) {
        *made = lab;
        return 0;
    }
    if (error && error_size)
        snprintf(error, error_size, "%s", lab->error.text);
    ttb_lab_free(lab);
    return rc;
}

void ttb_lab_free(struct ttb_lab *lab)
{
    if (!lab)
        return;
    /* Ends the nodes through our operations, so before the nodes go. */
    ttb_bridge_free(lab->bridge);
    while (lab->nodes) {
        struct ttb_lab_node *node = lab->nodes;

        lab->nodes = node->next;
        ttb__lab_node_free(node);
    }
    ttb__guard_stop(&lab->guard);
    if (lab->temporary)
        ttb__remove_tree(AT_FDCWD, lab->directory);
    if (lab->lock_fd >= 0)
        close(lab->lock_fd);
    if (lab->directory_fd >= 0)
        close(lab->directory_fd);
    free(lab->directory);
    free(lab->kernel);
    free(lab->image);
    free(lab->memory_directory);
    free(lab);
}
