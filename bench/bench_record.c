/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What recording costs: per record, by kind and size of frame, into a file and with digests only;
 * what reading costs; how many bytes a record takes; and how much memory writer and reader use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/trace.h>

#include "clock.h"
#include "row.h"

#define ROUNDS 400000

static long peak_rss_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_record: %s\n", what);
    return -1;
}

static struct ttb_trace_writer *open_writer(const char *directory)
{
    static const struct ttb_trace_header header = {.scenario_name = "bench", .seed = 1};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = directory, .header = &header};
    struct ttb_trace_writer *writer;
    char error[256];

    if (ttb_trace_writer_open(&opts, &writer, error, sizeof(error))) {
        fail(error);
        return NULL;
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct ttb_trace_node node = {
            .id = i, .name = i ? "b" : "a", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
        struct ttb_trace_place place = {
            .kind = TTB_TRACE_PORT, .name = "eth0", .node = i, .link = TTB_TRACE_NONE};

        if (ttb_trace_writer_add_node(writer, &node) ||
            ttb_trace_writer_add_place(writer, &place, NULL)) {
            ttb_trace_writer_close(writer, NULL);
            return NULL;
        }
    }
    return writer;
}

/* A grant, a frame sent, the frame delivered: three records a round. */
static int write_rounds(struct ttb_trace_writer *writer, size_t frame_bytes)
{
    uint8_t frame[1514];
    struct ttb_trace_record record;
    uint32_t noise = 1;

    /* Half of each frame is like the one before, half is noise. */
    memset(frame, 0, sizeof(frame));
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (size_t at = 14; at + 4 <= frame_bytes / 2; at += 4) {
            noise = noise * 1664525u + 1013904223u;
            memcpy(frame + at, &noise, 4);
        }
        record = (struct ttb_trace_record){
            .kind = TTB_TRACE_GRANT, .time_ns = i * 1000000ULL, .node = i % 2};
        if (ttb_trace_write(writer, &record))
            return -1;
        if (!frame_bytes)
            continue;
        for (uint32_t end = 0; end < 2; end++) {
            record = (struct ttb_trace_record){
                .kind = TTB_TRACE_FRAME,
                .time_ns = i * 1000000ULL + end * 500,
                .node = end,
                .frame = {.what = end ? TTB_TRACE_DELIVERED : TTB_TRACE_TRANSMITTED,
                          .place = end,
                          .len_bytes = (uint32_t)frame_bytes,
                          .payload = {.data = frame, .len_bytes = frame_bytes}},
            };
            if (ttb_trace_write(writer, &record))
                return -1;
        }
    }
    return 0;
}

static void row(const char *what, size_t frame_bytes, double value, const char *unit)
{
    char figure[64];

    if (frame_bytes)
        snprintf(figure, sizeof(figure), "a record, %zu byte frames: %s", frame_bytes, what);
    else
        snprintf(figure, sizeof(figure), "a record without frame: %s", what);
    bench_row(figure, value, unit, 0, 0);
}

static int bench_reading(const char *directory, size_t frame_bytes, bool digests)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .digests = digests};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    double start_s = now_s();
    unsigned records = 0;
    char error[256];
    int rc;

    if (ttb_trace_reader_open(directory, &opts, &reader, error, sizeof(error)))
        return fail(error);
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0)
        records++;
    if (rc < 0)
        fail(ttb_trace_reader_error(reader));
    else
        row(digests ? "read, with digests" : "read", frame_bytes,
            (now_s() - start_s) * 1e9 / records, "ns");
    ttb_trace_reader_free(reader);
    return rc;
}

static int bench_size(const char *directory, size_t frame_bytes)
{
    unsigned records = frame_bytes ? 3 * ROUNDS : ROUNDS;
    char path[256];
    struct stat status;

    for (int to_file = 0; to_file < 2; to_file++) {
        struct ttb_trace_end end = {.ending = TTB_TRACE_DONE};
        struct ttb_trace_writer *writer = open_writer(to_file ? directory : NULL);
        double start_s = now_s();

        if (!writer || write_rounds(writer, frame_bytes) || ttb_trace_writer_close(writer, &end))
            return fail("cannot write");
        row(to_file ? "write" : "digests only", frame_bytes, (now_s() - start_s) * 1e9 / records,
            "ns");
    }
    snprintf(path, sizeof(path), "%s/" TTB_TRACE_RUN_FILE, directory);
    if (stat(path, &status) < 0)
        return fail("there is no trace");
    row("in the file", frame_bytes, (double)status.st_size / records, "bytes");
    return bench_reading(directory, frame_bytes, false) ||
           bench_reading(directory, frame_bytes, true);
}

int main(void)
{
    static const size_t sizes[] = {0, 98, 1514};
    char directory[] = "/tmp/ttb-bench-XXXXXX", path[256];
    int rc = 0;

    if (!mkdtemp(directory))
        return 3;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !rc; i++)
        rc = bench_size(directory, sizes[i]);
    bench_row("records: peak memory", (double)peak_rss_kib() / 1024, "MiB", 0, 0);
    snprintf(path, sizeof(path), "%s/" TTB_TRACE_RUN_FILE, directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/" TTB_TRACE_WALL_FILE, directory);
    unlink(path);
    rmdir(directory);
    return rc ? 3 : 0;
}
