/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file segment.h
 * The schedshm segment of one participant, and the log descriptor that goes with it.
 *
 * One segment per participant, with one slot: a participant applies its own offset to the fields of
 * a segment but not to RUN, and takes `running_id` for its licence to write current_time
 * (arch/um/kernel/time.c), so sharing one would break late joiners and forbid two to run at once.
 * With running_id 0 for ever, the participant's requests are memory accesses, never messages.
 *
 * The participant can write anything anywhere at any time: each accessor loads once, and what it
 * returns is to be validated. The size is sealed, so that no truncation can make us fault.
 */
#ifndef TTB_TIMETRAVEL_SEGMENT_H
#define TTB_TIMETRAVEL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "timetravel/notify.h"
#include "timetravel/wire.h"

struct ttb__segment {
    struct ttb__schedshm *shm; /* mapped; NULL: none */
    struct ttb__notify notify; /* in it, if it was asked for */
};

/*
 * Make and map a segment with current_time 0 and the given bound; `version` other than
 * TTB__SCHEDSHM_VERSION makes participants decline it; with_notify: with a notification area. fds are what
 * goes with the ACK of START: {segment, log}; the caller closes them once sent. 0 or a negative errno.
 */
int ttb__segment_open(struct ttb__segment *segment, uint32_t version, uint64_t name,
                      uint64_t free_until, bool with_notify, int fds[TTB__START_FDS]);
/* Unmap; does nothing if none is mapped. */
void ttb__segment_close(struct ttb__segment *segment);

/* TTB__SCHEDSHM_CAPA_*: what the participant uses. */
uint32_t ttb__segment_capa(const struct ttb__segment *segment);
void ttb__segment_set_free_until(struct ttb__segment *segment, uint64_t time);
void ttb__segment_set_current_time(struct ttb__segment *segment, uint64_t time);
uint64_t ttb__segment_current_time(const struct ttb__segment *segment);
/* True and *time if the participant has a request. */
bool ttb__segment_request(const struct ttb__segment *segment, uint64_t *time);

#endif
