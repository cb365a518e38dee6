/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file codec.h
 * Messages out of a byte stream and into it. No I/O.
 */
#ifndef TTB_TIMETRAVEL_CODEC_H
#define TTB_TIMETRAVEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "timetravel/wire.h"

/* Messages that one recv() or send() can move. A lawful participant has few in flight; one that
 * floods us is served in slices of this size. */
#define TTB__BATCH 64

/* "RUN", "FREE_UNTIL", ...; "an unknown operation" for others. */
const char *ttb__op_name(uint32_t op);

/* Bytes that have come, of which [taken, filled) are not yet messages. */
struct ttb__inbox {
    uint8_t bytes[TTB__BATCH * sizeof(struct ttb__message)];
    size_t taken, filled;
};

/* Where the next recv() may put how many bytes; at least one message fits. All whole messages must
 * have been taken. */
void *ttb__inbox_room(struct ttb__inbox *inbox, size_t *len_bytes);
void ttb__inbox_add(struct ttb__inbox *inbox, size_t len_bytes);
/* Take the next whole message; false if there is none. */
bool ttb__inbox_take(struct ttb__inbox *inbox, struct ttb__message *message);
/* Bytes of a message whose rest has not come. */
size_t ttb__inbox_partial_bytes(const struct ttb__inbox *inbox);

#endif
