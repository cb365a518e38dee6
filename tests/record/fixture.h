/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory for traces, and a small run with every kind of record in it. */
#ifndef TTB_TESTS_RECORD_FIXTURE_H
#define TTB_TESTS_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ttbridge/trace.h>

#define MS 1000000ULL
#define S  1000000000ULL

struct fixture {
    char directory[64];
    char run[96], tail[96], wall[96]; /* paths */
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* A whole file; the caller frees it. */
uint8_t *read_file(const char *path, size_t *len_bytes);
void write_file(const char *path, const void *data, size_t len_bytes);

/* An Ethernet frame with an ICMP echo request from 10.0.0.1 to 10.0.0.2. */
#define PING_BYTES 98
void make_ping(uint8_t frame[PING_BYTES], uint16_t seq);

struct ttb_trace_bytes bytes_of(const char *text);

/* A writer in the directory; nodes 0 client and 1 server with a port each (places 0 and 1), link 0. */
struct ttb_trace_writer *open_writer(struct fixture *f, uint64_t seed);
void write_record(struct ttb_trace_writer *writer, const struct ttb_trace_record *record);
void write_grant(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node);
void write_frame(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t place,
                 enum ttb_trace_what what, const uint8_t *frame, size_t len_bytes);
void write_line(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node, const char *text);
void close_writer(struct ttb_trace_writer *writer, uint64_t end_ns);

/* One of each kind, and `rounds` pings there and back. */
void write_sample(struct ttb_trace_writer *writer, unsigned rounds);

/* Open the run for reading; fails the test if it cannot. */
struct ttb_trace_reader *open_reader(const char *path, bool digests);
void next_record(struct ttb_trace_reader *reader, struct ttb_trace_record *record);

#endif
