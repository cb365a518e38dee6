/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a UML kernel can do is written in it: the help text of every option is in the binary, which is
 * an ordinary, uncompressed ELF program. Looking there costs milliseconds and runs nothing.
 */
#include "lab/internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(char *error, size_t error_size, int code, const char *path, const char *why)
{
    if (error && error_size)
        snprintf(error, error_size, "kernel %s: %s", path, why);
    return code;
}

static bool has(const char *data, size_t len_bytes, const char *text)
{
    return memmem(data, len_bytes, text, strlen(text)) != NULL;
}

/* The banner, init/version.c: "Linux version 6.12.48 (...". */
static void find_version(const char *data, size_t len_bytes, char *version, size_t size_bytes)
{
    static const char banner[] = "Linux version ";
    const char *found = memmem(data, len_bytes, banner, sizeof(banner) - 1), *end;
    size_t left, i;

    version[0] = 0;
    if (!found)
        return;
    found += sizeof(banner) - 1;
    end = data + len_bytes;
    left = (size_t)(end - found);
    for (i = 0; i < left && i + 1 < size_bytes && found[i] > ' ' && found[i] < 0x7f; i++)
        version[i] = found[i];
    version[i] = 0;
}

static bool is_program(const char *data, size_t len_bytes)
{
    Elf64_Ehdr header;

    if (len_bytes < sizeof(header))
        return false;
    memcpy(&header, data, sizeof(header));
    return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_machine == EM_X86_64 && (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

static int inspect(const char *path, const char *data, size_t len_bytes,
                   struct ttb_lab_kernel_info *info, char *error, size_t error_size)
{
    if (!is_program(data, len_bytes))
        return fail(error, error_size, -ENOEXEC, path, "is not a program for x86-64");
    find_version(data, len_bytes, info->version, sizeof(info->version));
    if (!info->version[0] || !has(data, len_bytes, "umid=") || !has(data, len_bytes, "ubd<n>"))
        return fail(error, error_size, -ENOEXEC, path,
                    "is not a User-Mode Linux kernel; build one with: ttb kernel build");
    info->time_travel = has(data, len_bytes, "time-travel=ext");
    info->virtio = has(data, len_bytes, "virtio_uml.device");
    info->seeded = has(data, len_bytes, "time-travel-seed");
    info->disk_model =
        has(data, len_bytes, "ubd<n>.latency=") && has(data, len_bytes, "ubd<n>.undo=");
    info->seccomp = has(data, len_bytes, "seccomp=<on/auto/off>");
    return 0;
}

int ttb_lab_inspect_kernel(const char *path, struct ttb_lab_kernel_info *info, char *error,
                           size_t error_size)
{
    size_t size = info->size;
    struct stat status;
    void *data;
    int fd, rc;

    if (size < sizeof(*info))
        return -EINVAL;
    memset(info, 0, sizeof(*info));
    info->size = size;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(error, error_size, -errno, path, strerror(errno));
    if (fstat(fd, &status) < 0) {
        rc = fail(error, error_size, -errno, path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        rc = fail(error, error_size, S_ISDIR(status.st_mode) ? -EISDIR : -ENOEXEC, path,
                  S_ISDIR(status.st_mode) ? "is a directory" : "is not a program");
        goto out;
    }
    if (access(path, X_OK) < 0) {
        rc = fail(error, error_size, -EACCES, path, "is not executable; try: chmod +x");
        goto out;
    }
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        rc = fail(error, error_size, -errno, path, strerror(errno));
        goto out;
    }
    rc = inspect(path, data, (size_t)status.st_size, info, error, error_size);
    munmap(data, (size_t)status.st_size);
out:
    close(fd);
    return rc;
}
