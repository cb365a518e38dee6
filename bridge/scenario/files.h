/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file files.h
 * Files of the host: scenario files, and what they put into nodes.
 */
#ifndef TTB_SCENARIO_FILES_H
#define TTB_SCENARIO_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A file that is read as a whole. */
struct ttb__host_file {
    uint8_t *data; /* to be freed with free() */
    size_t len_bytes;
    uint32_t mode; /* permission bits */
};

/* Is there a regular file that can be read? `directory` is where a relative path starts.
 * @return 0, or a negative errno and a sentence */
int ttb__host_file_check(const char *directory, const char *path, struct ttb__error *error);

/* Read a file ("-": standard input, which may be a pipe) of at most `max_bytes`.
 * @return 0; -EFBIG; -EISDIR; what the system says; a sentence with it */
int ttb__host_file_read(const char *directory, const char *path, size_t max_bytes,
                        struct ttb__host_file *file, struct ttb__error *error);

#endif
