/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which frames are the same one, and where in the block their bytes are. A network that knows the packet's
 * id says it. One that does not hands a frame to ttb_port_deliver() without saying where it came from, so
 * frames are told by their content, among the last few thousand. Which of several
 * equal ones was delivered: links do not reorder, so the oldest that has not been seen at this place yet;
 * one that was reported lost only if there is no other (a medium that several share loses a frame for
 * one and delivers it to another). Likewise, which one was lost: one that has arrived somewhere only if
 * there is no other.
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
#define PLACED  4096

/* Longest walk over frames with the same content or bucket. */
#define WALK_MAX 64

#define NO_BLOCK UINT64_MAX

/* Ordinals count entries from 1; the entry of an ordinal is there until ENTRIES later ones have
 * come. */
struct entry {
    uint64_t hash;
    uint64_t ordinal, previous; /* previous in the bucket, 0: none */
    uint64_t packet;
    bool lost, arrived;
};

/* The payload that a packet was last seen with: that which a record without one has, for a reader. */
struct placed {
    uint64_t packet, ordinal; /* of the entry; 0: none */
    uint64_t block;           /* that has the payload, at `offset`; NO_BLOCK: none */
    uint32_t offset;
    uint32_t len_bytes;
    bool has_sha256;
    uint8_t sha256[TTB_TRACE_SHA256_BYTES];
};

struct ttb__packets {
    struct entry entries[ENTRIES];
    uint64_t buckets[BUCKETS]; /* ordinal of the newest */
    uint64_t seen[SEEN];       /* keys of (packet, place, what), direct-mapped */
    uint64_t ordinal;          /* of the newest entry */
    uint64_t packet;           /* the highest id given */
    uint64_t last_transmitted;
    struct placed placed[PLACED]; /* by packet id, direct-mapped */
    struct placed *current;
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
    /* What a port did not take has arrived there, too. */
    enum ttb_trace_what what = frame->what == TTB_TRACE_DROPPED ? TTB_TRACE_DELIVERED : frame->what;
    uint64_t key[3] = {packet, frame->place, what};

    return XXH3_64bits(key, sizeof(key));
}

static bool was_seen(const struct ttb__packets *packets, uint64_t key)
{
    return packets->seen[key % SEEN] == key;
}

static struct entry *add(struct ttb__packets *packets, uint64_t hash, uint64_t packet)
{
    uint64_t ordinal = ++packets->ordinal;
    struct entry *entry = &packets->entries[ordinal % ENTRIES];
    uint64_t *bucket = &packets->buckets[hash % BUCKETS];

    *entry = (struct entry){
        .hash = hash,
        .ordinal = ordinal,
        .previous = *bucket,
        .packet = packet,
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
    struct entry *oldest = NULL, *oldest_unlikely = NULL;
    bool is_lost = frame->what == TTB_TRACE_LOST;

    for (int walk = 0; entry && walk < WALK_MAX; walk++) {
        if (entry->hash == hash) {
            if (was_seen(packets, seen_key(entry->packet, frame)))
                break;
            if (entry->lost || (is_lost && entry->arrived))
                oldest_unlikely = entry;
            else
                oldest = entry;
        }
        entry = entry_at(packets, entry->previous);
    }
    return oldest ? oldest : oldest_unlikely;
}

static struct entry *identify(struct ttb__packets *packets, struct ttb_trace_frame *frame)
{
    uint64_t hash = XXH3_64bits(frame->payload.data, frame->payload.len_bytes);
    struct entry *entry = NULL;

    if (frame->packet)
        entry = find_known(packets, hash, frame->packet);
    else if (frame->what != TTB_TRACE_TRANSMITTED)
        entry = find(packets, hash, frame);
    return entry ? entry : add(packets, hash, frame->packet ? frame->packet : packets->packet + 1);
}

static bool is_placed(const struct placed *placed, const struct ttb_trace_frame *frame,
                      uint64_t block, const uint8_t *base)
{
    return placed->packet == frame->packet && placed->block == block &&
           placed->len_bytes == frame->payload.len_bytes &&
           (!placed->len_bytes ||
            memcmp(base + placed->offset, frame->payload.data, placed->len_bytes) == 0);
}

bool ttb__trace_packets_identify(struct ttb__packets *packets, struct ttb_trace_frame *frame,
                                 uint64_t block, const uint8_t *base)
{
    struct placed *placed = &packets->placed[frame->packet % PLACED];
    struct entry *entry = NULL;
    bool is_there = frame->packet && is_placed(placed, frame, block, base);
    uint64_t key;

    if (is_there)
        entry = entry_at(packets, placed->ordinal);
    if (!entry)
        entry = identify(packets, frame);
    frame->packet = entry->packet;
    if (frame->what == TTB_TRACE_TRANSMITTED)
        packets->last_transmitted = entry->packet;
    if (frame->what == TTB_TRACE_LOST)
        entry->lost = true;
    else if (frame->what == TTB_TRACE_DELIVERED || frame->what == TTB_TRACE_DROPPED)
        entry->arrived = true;
    key = seen_key(entry->packet, frame);
    packets->seen[key % SEEN] = key;

    placed = &packets->placed[frame->packet % PLACED];
    is_there = is_there || is_placed(placed, frame, block, base);
    if (!is_there)
        *placed = (struct placed){.packet = frame->packet, .block = NO_BLOCK};
    placed->ordinal = entry->ordinal;
    packets->current = placed;
    return is_there;
}

uint8_t *ttb__trace_packets_sha256(struct ttb__packets *packets, bool *is_known)
{
    *is_known = packets->current->has_sha256;
    packets->current->has_sha256 = true;
    return packets->current->sha256;
}

void ttb__trace_packets_note_payload(struct ttb__packets *packets, uint64_t block, size_t offset,
                                     size_t len_bytes)
{
    packets->current->block = block;
    packets->current->offset = (uint32_t)offset;
    packets->current->len_bytes = (uint32_t)len_bytes;
}

uint64_t ttb__trace_packets_last(const struct ttb__packets *packets)
{
    return packets->last_transmitted;
}

uint64_t ttb__trace_packets_new_id(struct ttb__packets *packets)
{
    return ++packets->packet;
}
