/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file live.h
 * "ttb run --pcap": a capture that is written while the run goes on.
 *
 * A reader that is slow makes the run slow, one that goes away ends the capture: neither changes what
 * happens in the run, which knows no other time than its own.
 */
#ifndef TTB_CLI_LIVE_H
#define TTB_CLI_LIVE_H

#include <ttbridge/export.h>

struct live {
    const char *output;            /* a file, a FIFO, "-"; NULL: no capture is wanted */
    struct ttb_export_opts filter; /* node, link, time range, frames_only */

    int fd;
    struct ttb_export *export;
    bool told;  /* that it cannot be written on */
    int status; /* 0, or why it is not complete, other than that its reader went away */
};

/* Open the output; "-" takes standard output away from everybody else, whose output then goes to
 * standard error. Waits for the reader of a FIFO. @return 0, or the exit status after a sentence on
 * standard error */
int live_open(struct live *live);

/* For the run; `user` is the capture. */
void live_begin(void *user, const struct ttb_trace_header *header);
void live_sink(void *user, const struct ttb_trace_tables *tables,
               const struct ttb_trace_record *record);
void live_end(void *user);

/* Close the output, if live_end() has not. */
void live_close(struct live *live);

#endif
