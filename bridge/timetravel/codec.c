/* SPDX-License-Identifier: BSD-3-Clause */
#include "timetravel/codec.h"

#include <string.h>

static const char *const op_names[TTB__OP_COUNT] = {
    [TTB__OP_ACK] = "ACK",         [TTB__OP_START] = "START",
    [TTB__OP_REQUEST] = "REQUEST", [TTB__OP_WAIT] = "WAIT",
    [TTB__OP_GET] = "GET",         [TTB__OP_UPDATE] = "UPDATE",
    [TTB__OP_RUN] = "RUN",         [TTB__OP_FREE_UNTIL] = "FREE_UNTIL",
    [TTB__OP_GET_TOD] = "GET_TOD", [TTB__OP_BROADCAST] = "BROADCAST",
};

const char *ttb__op_name(uint32_t op)
{
    return op < TTB__OP_COUNT ? op_names[op] : "an unknown operation";
}

void *ttb__inbox_room(struct ttb__inbox *inbox, size_t *len_bytes)
{
    size_t partial = ttb__inbox_partial_bytes(inbox);

    assert(partial < sizeof(struct ttb__message));
    memmove(inbox->bytes, inbox->bytes + inbox->taken, partial);
    inbox->taken = 0;
    inbox->filled = partial;
    *len_bytes = sizeof(inbox->bytes) - partial;
    return inbox->bytes + partial;
}

void ttb__inbox_add(struct ttb__inbox *inbox, size_t len_bytes)
{
    assert(len_bytes <= sizeof(inbox->bytes) - inbox->filled);
    inbox->filled += len_bytes;
}

bool ttb__inbox_take(struct ttb__inbox *inbox, struct ttb__message *message)
{
    if (ttb__inbox_partial_bytes(inbox) < sizeof(*message))
        return false;
    memcpy(message, inbox->bytes + inbox->taken, sizeof(*message));
    inbox->taken += sizeof(*message);
    return true;
}

size_t ttb__inbox_partial_bytes(const struct ttb__inbox *inbox)
{
    return inbox->filled - inbox->taken;
}
