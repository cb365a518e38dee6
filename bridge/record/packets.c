/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which frames are the same one. A network hands a frame to ttb_port_deliver() without saying where it
 * came from, so frames are told by their content, among the last few thousand. Which of several
 * equal ones was delivered: links do not reorder, so the oldest that has not been seen at this place yet;
 * one that was reported lost only if there is no other (a medium that several share loses a frame for
 * one and delivers it to another).
 *
 * All of it depends on the frames' order and content only. A wrong guess gives a wrong id and nothing
 * else: payloads are compared byte by byte before one is left out.
 */
#include "record/internal.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

/* Powers of two. */
#define ENTRIES 4096
#define BUCKETS 8192
#define SEEN    16384

/* Longest walk over frames with the same content or bucket. */
#define WALK_MAX 64

#define NO_BLOCK UINT64_MAX

/* Ordinals count entries from 1; the entry of an ordinal is there until ENTRIES later ones have
 * come. */
struct entry {
    uint64_t hash;
    uint64_t ordinal, previous; /* previous in the bucket, 0: none */
    uint64_t packet;
    uint64_t block; /* that has its payload, at `offset`; NO_BLOCK: none */
    uint32_t offset;
    uint32_t len_bytes;
    bool lost;
};

struct ttb__packets {
    struct entry entries[ENTRIES];
    uint64_t buckets[BUCKETS]; /* ordinal of the newest */
    uint64_t seen[SEEN];       /* keys of (packet, place, what), direct-mapped */
    uint64_t ordinal;          /* of the newest entry */
    uint64_t packet;           /* the highest id given */
    uint64_t last_transmitted;
    struct entry *current;
};

struct ttb__packets *ttb__trace_packets_new(void)
{
    return calloc(1, sizeof(struct ttb__packets));
}

void ttb__trace_packets_free(struct ttb__packets *packets)
{
    free(packets);
}

static struct entry *entry_at(struct ttb__packets *packets, uint64_t ordinal)
{
    struct entry *entry = &packets->entries[ordinal % ENTRIES];

    return ordinal && entry->ordinal == ordinal ? entry : NULL;
}

/* 0 stands for an empty slot; that one key in 2^64 is missed does no harm. */
static uint64_t seen_key(uint64_t packet, const struct ttb_trace_frame *frame)
{
    uint64_t key[3] = {packet, frame->place, frame->what};

    return XXH3_64bits(key, sizeof(key));
}

static bool was_seen(const struct ttb__packets *packets, uint64_t key)
{
    return packets->seen[key % SEEN] == key;
}

static struct entry *add(struct ttb__packets *packets, uint64_t hash, uint64_t packet,
                         uint32_t len_bytes)
{
    uint64_t ordinal = ++packets->ordinal;
    struct entry *entry = &packets->entries[ordinal % ENTRIES];
    uint64_t *bucket = &packets->buckets[hash % BUCKETS];

    *entry = (struct entry){
        .hash = hash,
        .ordinal = ordinal,
        .previous = *bucket,
        .packet = packet,
        .block = NO_BLOCK,
        .len_bytes = len_bytes,
    };
    *bucket = ordinal;
    if (packet > packets->packet)
        packets->packet = packet;
    return entry;
}

/* A frame whose id is known, by its id. */
static struct entry *find_known(struct ttb__packets *packets, uint64_t hash, uint64_t packet)
{
    struct entry *entry = entry_at(packets, packets->buckets[hash % BUCKETS]);

    for (int walk = 0; entry && walk < WALK_MAX; walk++) {
        if (entry->hash == hash && entry->packet == packet)
            return entry;
        entry = entry_at(packets, entry->previous);
    }
    return NULL;
}

static struct entry *find(struct ttb__packets *packets, uint64_t hash,
                          const struct ttb_trace_frame *frame)
{
    struct entry *entry = entry_at(packets, packets->buckets[hash % BUCKETS]);
    struct entry *oldest = NULL, *oldest_lost = NULL;

    for (int walk = 0; entry && walk < WALK_MAX; walk++) {
        if (entry->hash == hash) {
            if (was_seen(packets, seen_key(entry->packet, frame)))
                break;
            if (entry->lost)
                oldest_lost = entry;
            else
                oldest = entry;
        }
        entry = entry_at(packets, entry->previous);
    }
    return oldest ? oldest : oldest_lost;
}

bool ttb__trace_packets_identify(struct ttb__packets *packets, struct ttb_trace_frame *frame,
                                 uint64_t block, const uint8_t *base)
{
    uint64_t hash = XXH3_64bits(frame->payload.data, frame->payload.len_bytes);
    struct entry *entry = NULL;
    uint64_t key;

    if (frame->packet)
        entry = find_known(packets, hash, frame->packet);
    else if (frame->what != TTB_TRACE_TRANSMITTED)
        entry = find(packets, hash, frame);
    if (!entry) {
        uint64_t packet = frame->packet ? frame->packet : packets->packet + 1;

        entry = add(packets, hash, packet, (uint32_t)frame->payload.len_bytes);
    }
    frame->packet = entry->packet;
    if (frame->what == TTB_TRACE_TRANSMITTED)
        packets->last_transmitted = entry->packet;
    if (frame->what == TTB_TRACE_LOST)
        entry->lost = true;
    key = seen_key(entry->packet, frame);
    packets->seen[key % SEEN] = key;

    packets->current = entry;
    return entry->block == block && entry->len_bytes == frame->payload.len_bytes &&
           (!entry->len_bytes ||
            memcmp(base + entry->offset, frame->payload.data, entry->len_bytes) == 0);
}

void ttb__trace_packets_note_payload(struct ttb__packets *packets, uint64_t block, size_t offset)
{
    packets->current->block = block;
    packets->current->offset = (uint32_t)offset;
}

uint64_t ttb__trace_packets_last(const struct ttb__packets *packets)
{
    return packets->last_transmitted;
}
