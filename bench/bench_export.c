/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What exporting costs: a million frames (half a million sent, and delivered) in each format, against
 * reading and writing as many bytes, as cp does. Both are done in turn, several times, so that what else
 * the machine does concerns both; medians are shown: of the time it took, and of the
 * processor time in parentheses.
 *
 *     bench_export [-b BYTES] [FORMAT...]     frames of so many bytes; else of 98, then of 1514
 *
 * What is compared: the trace is in the page cache, as the file that is copied is, since both have just been
 * written; both outputs are new files beside them (in TMPDIR, else /tmp), and nobody waits for the disk
 * (no fsync). The copy reads and writes 128 KiB at a time, as cp does where it cannot leave the copying to
 * the file system.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/export.h>

#include "clock.h"
#include "row.h"

#ifndef ROUNDS
#define ROUNDS 500000
#endif
#define TURNS 9

/* What all threads of this process and the kernel for them have used. */
static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_export: %s\n", what);
    return -1;
}

static int write_trace(const char *directory, size_t frame_bytes)
{
    struct ttb_trace_header header = {.scenario_name = "bench", .seed = 1};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = directory, .header = &header};
    struct ttb_trace_end end = {.ending = TTB_TRACE_DONE};
    uint8_t frame[1514] = {2, 0,    0, 0,  0,  1, 2, 0,  0, 0, 0, 0,  8, 0, 0x45, 0, 0, 84, 0,
                           0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,    1, 1, 2,  2};
    struct ttb_trace_writer *writer;
    uint32_t noise = 1;

    if (ttb_trace_writer_open(&opts, &writer, NULL, 0))
        return fail("cannot write a trace");
    for (uint32_t i = 0; i < 2; i++) {
        struct ttb_trace_node node = {
            .id = i, .name = i ? "b" : "a", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
        struct ttb_trace_place place = {
            .kind = TTB_TRACE_PORT, .name = "eth0", .node = i, .link = TTB_TRACE_NONE};

        ttb_trace_writer_add_node(writer, &node);
        ttb_trace_writer_add_place(writer, &place, NULL);
    }
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        struct ttb_trace_record record = {
            .kind = TTB_TRACE_FRAME,
            .time_ns = i * 1000ULL,
            .node = i % 2,
            .frame = {.what = i % 2 ? TTB_TRACE_DELIVERED : TTB_TRACE_TRANSMITTED,
                      .place = i % 2,
                      .len_bytes = (uint32_t)frame_bytes,
                      .payload = {.data = frame, .len_bytes = frame_bytes}},
        };

        /* Half of each frame is noise. */
        for (size_t at = 42; i % 2 == 0 && at + 4 <= frame_bytes / 2 + 42 && at + 4 <= frame_bytes;
             at += 4) {
            noise = noise * 1664525u + 1013904223u;
            memcpy(frame + at, &noise, 4);
        }
        if (ttb_trace_write(writer, &record))
            return fail("impossible record");
    }
    return ttb_trace_writer_close(writer, &end);
}

/* Read one file and write another, as cp does. */
static double copy_s(const char *from, const char *to)
{
    static char buffer[128 << 10];
    double start_s;
    ssize_t got;
    int in = open(from, O_RDONLY), out;

    unlink(to);
    start_s = now_s();
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while ((got = read(in, buffer, sizeof(buffer))) > 0) {
        if (write(out, buffer, (size_t)got) != got)
            fail("cannot write");
    }
    close(in);
    close(out);
    return now_s() - start_s;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

/* Export once. Negative: it failed. */
static double export_s(const char *directory, enum ttb_export_format format, const char *path)
{
    struct ttb_export_opts opts = {.size = sizeof(opts), .format = format};
    char text[256];
    double start_s;
    int fd, rc;

    unlink(path);
    start_s = now_s();
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    rc = ttb_export_trace(directory, &opts, fd, text, sizeof(text));
    close(fd);
    return rc ? fail(text) : now_s() - start_s;
}

static int bench_format(const char *directory, size_t frame_bytes, enum ttb_export_format format)
{
    double took_s[TURNS], took_cpu_s[TURNS], cp_s[TURNS], cp_cpu_s[TURNS], start_s;
    unsigned turns = format == TTB_EXPORT_PCAPNG ? TURNS : 1, middle = turns / 2;
    char path[256], copy[256], figure[64];
    struct stat status;

    snprintf(path, sizeof(path), "%s/export", directory);
    snprintf(copy, sizeof(copy), "%s/copy", directory);
    for (unsigned i = 0; i < turns; i++) {
        start_s = cpu_s();
        took_s[i] = export_s(directory, format, path);
        took_cpu_s[i] = cpu_s() - start_s;
        if (took_s[i] < 0)
            return -1;
        start_s = cpu_s();
        cp_s[i] = copy_s(path, copy);
        cp_cpu_s[i] = cpu_s() - start_s;
    }
    stat(path, &status);
    qsort(took_s, turns, sizeof(*took_s), by_value);
    qsort(took_cpu_s, turns, sizeof(*took_s), by_value);
    qsort(cp_s, turns, sizeof(*cp_s), by_value);
    qsort(cp_cpu_s, turns, sizeof(*cp_s), by_value);
    snprintf(figure, sizeof(figure), "export %s, 1 M frames of %zu bytes",
             ttb_export_format_name(format), frame_bytes);
    bench_row(figure, took_s[middle], "s", cp_s[middle], 0);
    snprintf(figure, sizeof(figure), "  processor time, %.0f MB", (double)status.st_size / 1e6);
    bench_row(figure, took_cpu_s[middle], "s", cp_cpu_s[middle], 0);
    unlink(path);
    unlink(copy);
    return 0;
}

static bool is_wanted(enum ttb_export_format format, char **names)
{
    for (char **name = names; *name; name++) {
        if (strcmp(*name, ttb_export_format_name(format)) == 0)
            return true;
    }
    return !*names;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"run.ttb", "wall.ttb"};
    const char *where = getenv("TMPDIR");
    size_t sizes[] = {98, 1514}, size_count = 2;
    char directory[128], path[256];
    struct rusage usage;
    int rc = 0;

    if (argc > 2 && strcmp(argv[1], "-b") == 0) {
        sizes[0] = strtoul(argv[2], NULL, 10);
        size_count = 1;
        argv += 2;
        if (sizes[0] < 60 || sizes[0] > 1514) {
            fprintf(stderr, "bench_export: frames have 60 to 1514 bytes\n");
            return 2;
        }
    }
    snprintf(directory, sizeof(directory), "%.100s/ttb-bench-XXXXXX", where ? where : "/tmp");
    if (!mkdtemp(directory))
        return 3;
    for (size_t i = 0; i < size_count && !rc; i++) {
        rc = write_trace(directory, sizes[i]);
        for (int format = TTB_EXPORT_PCAPNG;
             ttb_export_format_name((enum ttb_export_format)format) && !rc; format++) {
            if (is_wanted((enum ttb_export_format)format, argv + 1))
                rc = bench_format(directory, sizes[i], (enum ttb_export_format)format);
        }
    }
    getrusage(RUSAGE_SELF, &usage);
    bench_row("export: peak memory", (double)usage.ru_maxrss / 1024, "MiB", 0, 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
    return rc ? 3 : 0;
}
