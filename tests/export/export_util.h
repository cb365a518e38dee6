/* SPDX-License-Identifier: BSD-3-Clause */
/* Exports a trace and hands over what came out; and traces to export. */
#ifndef TTB_TESTS_EXPORT_UTIL_H
#define TTB_TESTS_EXPORT_UTIL_H

#include "../record/fixture.h"

#include <ttbridge/export.h>

struct exported {
    int rc;
    char text[1024]; /* the sentence */
    uint8_t *data;   /* zero terminated */
    size_t len_bytes;
};

/* opts->size is set here. Free `data`. */
void export_trace(const char *path, struct ttb_export_opts opts, struct exported *exported);

/* The same, expecting success. */
void export_format(const char *path, enum ttb_export_format format, struct exported *exported);

/* A program's standard output and error together, zero terminated, and its exit status (-1: it could
 * not be run). The caller frees `output`. */
int run_program(const char *line, char **output);

/* True if there is such a program. */
bool have_program(const char *name);

#define assert_contains(text, part)                                                 \
    do {                                                                            \
        if (!strstr((const char *)(text), part))                                    \
            fail_msg("\"%s\" does not contain \"%s\"", (const char *)(text), part); \
    } while (0)

/* A UDP datagram in an Ethernet frame, checksums right. `source` and `destination` are the last bytes
 * of 10.0.0.x and of the MACs 02:74:74:00:x-1:00. @return its length */
size_t make_udp(uint8_t frame[1514], uint8_t source, uint8_t destination, uint16_t source_port,
                uint16_t destination_port, size_t data_bytes);

/* A frame at a place with a packet id of its own. */
void write_packet(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t place,
                  enum ttb_trace_what what, uint64_t packet, const uint8_t *frame,
                  size_t len_bytes);

#endif
