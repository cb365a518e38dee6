/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that nodes hand out. The agent writes them to a disk of the node, one after the other
 * (guest/control.h). What is there was written by the node: nothing is believed. A file's place on the
 * host follows from the scenario, not from what the node says.
 */
#include "run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ttb__run_file *find_file(struct ttb__run_node *node, const char *path)
{
    for (size_t i = 0; i < node->file_count; i++) {
        if (strcmp(node->files[i].path, path) == 0)
            return &node->files[i];
    }
    node->files[node->file_count] = (struct ttb__run_file){.path = path};
    return &node->files[node->file_count++];
}

int ttb__collect_prepare(struct ttb__run_node *node)
{
    const Ttb__Scenario *scenario = node->run->scenario;

    node->files = calloc(node->given->n_collect + scenario->n_expect + 1, sizeof(*node->files));
    if (!node->files)
        return ttb__run_fail(node->run, -ENOMEM, "out of memory");
    for (size_t i = 0; i < node->given->n_collect; i++)
        find_file(node, node->given->collect[i]->path)->wanted = !node->given->collect[i]->optional;
    for (size_t i = 0; i < scenario->n_expect; i++) {
        const Ttb__Scenario__Expectation *expectation = scenario->expect[i];

        if (expectation->file && strcmp(expectation->node, node->given->name) == 0)
            find_file(node, expectation->file);
    }
    return 0;
}

int ttb__collect_list(const struct ttb__run_node *node, char **list, size_t *len_bytes)
{
    FILE *out = open_memstream(list, len_bytes);
    bool failed;

    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < node->file_count; i++)
        fwrite(node->files[i].path, 1, strlen(node->files[i].path) + 1, out);
    failed = ferror(out);
    return fclose(out) != 0 || failed ? -ENOMEM : 0;
}

/* Folders above `path`, all of which lie in the run directory. */
static int make_folders(char *path, size_t root_bytes)
{
    for (char *slash = path + root_bytes; (slash = strchr(slash + 1, '/'));) {
        int rc;

        *slash = 0;
        rc = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
        *slash = '/';
        if (rc)
            return rc;
    }
    return 0;
}

static int copy_content(int disk, uint64_t offset, uint64_t len_bytes, const char *path)
{
    static const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    char piece[65536];
    int rc = 0, fd = open(path, flags, 0600);

    if (fd < 0)
        return -errno;
    while (len_bytes && !rc) {
        size_t wanted = len_bytes < sizeof(piece) ? (size_t)len_bytes : sizeof(piece);
        ssize_t got = pread(disk, piece, wanted, (off_t)offset);

        if (got <= 0 || write(fd, piece, (size_t)got) != got)
            rc = got <= 0 ? -EIO : -errno;
        offset += (uint64_t)got;
        len_bytes -= (uint64_t)got;
    }
    if (close(fd) < 0 && !rc)
        rc = -errno;
    return rc;
}

static int take_file(struct ttb__run_node *node, int disk, const struct ttb__output_header *header,
                     uint64_t offset)
{
    struct ttb__run_file *file = &node->files[header->number];
    struct ttb_trace_artifact hash = {0};
    char hex[65];
    size_t root_bytes;
    int rc;

    free(file->host_path);
    file->host_path = NULL;
    file->is_there = false;
    file->error = (int)header->error;
    if (header->error)
        return 0;
    if (asprintf(&file->host_path, "%s/nodes/%s/files%s", node->run->directory, node->given->name,
                 file->path) < 0) {
        file->host_path = NULL;
        return ttb__run_fail(node->run, -ENOMEM, "out of memory");
    }
    root_bytes = strlen(node->run->directory);
    rc = make_folders(file->host_path, root_bytes);
    if (!rc)
        rc = copy_content(disk, offset, header->len_bytes, file->host_path);
    if (!rc)
        rc = ttb_trace_hash_file(file->host_path, &hash);
    if (rc)
        return ttb__run_fail(node->run, rc, "cannot write %s: %s", file->host_path, strerror(-rc));
    file->is_there = true;
    file->len_bytes = header->len_bytes;
    memcpy(file->sha256, hash.sha256, sizeof(file->sha256));
    ttb_trace_hex(hash.sha256, hex);
    ttb__run_record_event(node->run, "collect", node->given->name, file->path);
    ttb__run_record_event(node->run, "sha256", node->given->name, hex);
    return 0;
}

static int take_all(struct ttb__run_node *node, int disk)
{
    struct ttb__output_header header;
    uint64_t offset = 0;

    for (size_t i = 0; i <= node->file_count; i++) {
        int rc;

        if (pread(disk, &header, sizeof(header), (off_t)offset) != (ssize_t)sizeof(header) ||
            header.magic != TTB__OUTPUT_MAGIC || header.number == TTB__OUTPUT_END)
            return 0;
        offset += sizeof(header);
        if (header.number >= node->file_count || header.len_bytes > TTB__OUTPUT_BYTES ||
            offset + header.len_bytes > TTB__OUTPUT_BYTES)
            return 0;
        rc = take_file(node, disk, &header, offset);
        if (rc)
            return rc;
        offset += (header.len_bytes + 7) / 8 * 8;
    }
    return 0;
}

int ttb__collect_take(struct ttb__run_node *node)
{
    char path[4300];
    int disk, rc;

    if (!node->file_count)
        return 0;
    for (size_t i = 0; i < node->file_count; i++)
        node->files[i].error = EIO; /* unless the disk says otherwise */
    snprintf(path, sizeof(path), "%s/nodes/%s/output", node->run->directory, node->given->name);
    disk = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (disk < 0)
        return ttb__run_fail(node->run, -errno, "cannot read %s: %s", path, strerror(errno));
    rc = take_all(node, disk);
    close(disk);
    return rc;
}
