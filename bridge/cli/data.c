/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool try_path(const char *folder, const char *between, const char *name, char *path,
                     size_t path_size)
{
    int len_bytes = snprintf(path, path_size, "%s%s/%s", folder, between, name);

    return len_bytes > 0 && (size_t)len_bytes < path_size && access(path, F_OK) == 0;
}

/* The line in the file that the build leaves beside the program. */
static bool source_folder(const char *program_folder, char *folder, size_t folder_size)
{
    char path[PATH_MAX];
    FILE *file;
    bool ok;

    if (!try_path(program_folder, "", "ttb.datadir", path, sizeof(path)))
        return false;
    file = fopen(path, "r");
    if (!file)
        return false;
    ok = fgets(folder, (int)folder_size, file) != NULL;
    fclose(file);
    if (ok)
        folder[strcspn(folder, "\n")] = 0;
    return ok && folder[0];
}

bool find_data(const char *name, char *path, size_t path_size)
{
    const char *wanted = getenv("TTB_DATADIR");
    char program[PATH_MAX], source[PATH_MAX], *slash;
    ssize_t len_bytes;

    if (wanted && *wanted) {
        if (try_path(wanted, "", name, path, path_size))
            return true;
        fprintf(stderr, "ttb: TTB_DATADIR is %s, where there is no %s\n", wanted, name);
        return false;
    }
    len_bytes = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (len_bytes <= 0) {
        fprintf(stderr, "ttb: /proc/self/exe: %s\n", strerror(errno));
        return false;
    }
    program[len_bytes] = 0;
    slash = strrchr(program, '/');
    if (slash)
        *slash = 0;
    if (try_path(program, "/../share/ttbridge", name, path, path_size))
        return true;
    if (source_folder(program, source, sizeof(source)) &&
        try_path(source, "", name, path, path_size))
        return true;
    fprintf(stderr,
            "ttb: cannot find %s in %s/../share/ttbridge; set TTB_DATADIR to the folder that has "
            "it\n",
            name, program);
    return false;
}
