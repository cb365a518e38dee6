/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file tar.h
 * Writes ustar archives (POSIX.1-2008, pax, "ustar Interchange Format") that depend on nothing but
 * names, modes and contents: owner 0:0, time 0.
 *
 * A node gets its files as a plain tar on a disk: needs no file system, no root, and the same
 * bytes come out every time.
 */
#ifndef TTB_LAB_TAR_H
#define TTB_LAB_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The size field has 11 octal digits. */
#define TTB__TAR_FILE_MAX 077777777777ULL

/*
 * Append a regular file to the archive that is being written to `fd`.
 * @return 0; -ENAMETOOLONG: `name` does not fit the format (at most 255 bytes, split at a slash into
 *         at most 155 and 100); -EINVAL: empty name; or what write(2) says
 */
int ttb__tar_add(int fd, const char *name, mode_t mode, const void *content, size_t len_bytes);

/* The same with the content of the regular file behind `source`, from its start.
 * -EFBIG: too large for the format; -EIO: its size changed meanwhile. */
int ttb__tar_add_fd(int fd, const char *name, mode_t mode, int source);

/* Write the end of the archive, which is also padded to whole sectors of a disk. */
int ttb__tar_end(int fd);

#endif
