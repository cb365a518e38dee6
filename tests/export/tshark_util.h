/* SPDX-License-Identifier: BSD-3-Clause */
/* Holds a capture against the trace it was made of, in the eyes of tshark and capinfos. */
#ifndef TTB_TESTS_TSHARK_UTIL_H
#define TTB_TESTS_TSHARK_UTIL_H

#include "export_util.h"

#define SKIPPED 77

/* False, with a sentence, if tshark or capinfos is missing. */
bool have_wireshark(void);

/* False, with a sentence, if that, jq, or a kernel and an image for nodes are missing. */
bool have_nodes_and_wireshark(void);

/* Export the run in `directory` to a new file, whose path goes to `capture`; unlink() it. */
void make_capture(const char *directory, char capture[128]);

/* Frames of the capture and of the trace are the same in number, order, place, time, length and
 * packet id, and no tool says anything else than what it was asked for. @return their number */
unsigned compare_capture(const char *directory, const char *capture);

/* Lines that tshark prints for `filter`. */
unsigned count_matches(const char *capture, const char *filter);

#endif
