/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of this machine belongs in a header, and hashes of files.
 */
#include "record/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <zstd.h>

/* Flags by which libraries in the guest choose code, or whose instructions give what no model
 * controls. Others come and go with the host's kernel. */
static const char *const flags_that_matter[] = {
    "adx",     "aes",      "avx",        "avx2",       "avx512bw", "avx512cd", "avx512dq",
    "avx512f", "avx512vl", "avx512vbmi", "avx_vnni",   "bmi1",     "bmi2",     "clflushopt",
    "clwb",    "cx16",     "erms",       "f16c",       "fma",      "fsrm",     "gfni",
    "lzcnt",   "abm",      "movbe",      "pclmulqdq",  "popcnt",   "rdrand",   "rdseed",
    "rdtscp",  "sha_ni",   "sse3",       "pni",        "sse4_1",   "sse4_2",   "sse4a",
    "ssse3",   "tsc",      "vaes",       "vpclmulqdq", "xsave",    "xsavec",   "xsaveopt",
};

#define FLAGS_THAT_MATTER (sizeof(flags_that_matter) / sizeof(flags_that_matter[0]))

_Static_assert(FLAGS_THAT_MATTER <= TTB__HOST_FLAGS_MAX, "room for all flags");

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_flags(struct ttb__host *host, char *list)
{
    char *rest = NULL;

    for (char *word = strtok_r(list, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
        for (size_t i = 0; i < FLAGS_THAT_MATTER; i++) {
            if (host->cpu_flag_count < TTB__HOST_FLAGS_MAX &&
                strcmp(word, flags_that_matter[i]) == 0)
                host->cpu_flags[host->cpu_flag_count++] = flags_that_matter[i];
        }
    }
    qsort(host->cpu_flags, host->cpu_flag_count, sizeof(host->cpu_flags[0]), by_name);
}

void ttb__trace_host_read(struct ttb__host *host)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    struct utsname name;
    size_t room = 0;
    char *line = NULL, *value;

    *host = (struct ttb__host){0};
    /* The first processor speaks for all. */
    while (file && getline(&line, &room, file) > 1) {
        value = strchr(line, ':');
        if (!value)
            continue;
        value += 1 + strspn(value + 1, " ");
        if (strncmp(line, "model name", 10) == 0)
            snprintf(host->cpu_model, sizeof(host->cpu_model), "%.*s", (int)strcspn(value, "\n"),
                     value);
        else if (strncmp(line, "flags", 5) == 0)
            read_flags(host, value);
    }
    free(line);
    if (file)
        fclose(file);
    if (uname(&name) == 0)
        snprintf(host->kernel, sizeof(host->kernel), "%s %s %s", name.sysname, name.release,
                 name.machine);
    snprintf(host->zstd, sizeof(host->zstd), "libzstd %s", ZSTD_versionString());
}

int ttb_trace_hash_file(const char *path, struct ttb_trace_artifact *artifact)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    size_t room_bytes = 256 * 1024;
    uint8_t *data = malloc(room_bytes);
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    uint64_t len_bytes = 0;
    ssize_t got = 0;

    if (fd < 0)
        rc = -errno;
    else if (!data || !sha || !EVP_DigestInit_ex(sha, EVP_sha256(), NULL))
        rc = -ENOMEM;
    while (!rc && (got = read(fd, data, room_bytes)) != 0) {
        if (got < 0 && errno != EINTR)
            rc = -errno;
        if (got > 0) {
            EVP_DigestUpdate(sha, data, (size_t)got);
            len_bytes += (uint64_t)got;
        }
    }
    if (!rc) {
        artifact->len_bytes = len_bytes;
        EVP_DigestFinal_ex(sha, artifact->sha256, NULL);
    }
    EVP_MD_CTX_free(sha);
    free(data);
    if (fd >= 0)
        close(fd);
    return rc;
}
