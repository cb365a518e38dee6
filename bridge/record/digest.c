/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digests and counts. What is hashed is told in doc/trace-format.md, independent of how records are
 * encoded: a fixed serialisation of each, in which a frame is represented by the SHA-256 of its bytes.
 *
 * For the run and for each node there are three streams. Grants are kept apart because they say how
 * the run was scheduled: a bridge that schedules otherwise may still give the same behaviour. Each grant
 * carries the number of behaviour records before it, so their order is part of the digest as well.
 */
#include "record/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "record/wire.h"

/* Serialisations are collected and hashed together: a call of libcrypto costs more than the hash of
 * a few bytes. */
#define STREAM_BYTES 1024

struct stream {
    EVP_MD_CTX *sha;
    size_t used;
    uint8_t data[STREAM_BYTES];
};

struct scope {
    struct stream behaviour, schedule, network;
    uint64_t behaviour_records;
    struct ttb_trace_counts counts;
    bool has_state;
    struct ttb_trace_state state;
    char *state_why;
    uint64_t state_ns;
};

struct ttb__digest {
    EVP_MD *sha256;
    EVP_MD_CTX *frame; /* reused for each */
    uint64_t seed;
    struct scope run;
    struct scope **nodes; /* by id; NULL: nothing happened to it yet */
    size_t node_room;
};

/* ------------------------------------------------------------------------------------- streams */

static void stream_drain(struct stream *stream)
{
    if (stream->used)
        EVP_DigestUpdate(stream->sha, stream->data, stream->used);
    stream->used = 0;
}

static void stream_add(struct stream *stream, const void *data, size_t len_bytes)
{
    if (len_bytes > STREAM_BYTES - stream->used)
        stream_drain(stream);
    if (len_bytes > STREAM_BYTES) {
        EVP_DigestUpdate(stream->sha, data, len_bytes);
        return;
    }
    if (len_bytes)
        memcpy(stream->data + stream->used, data, len_bytes);
    stream->used += len_bytes;
}

static int stream_start(struct stream *stream, const EVP_MD *sha256, const char *name,
                        uint32_t node, const uint64_t *seed)
{
    uint8_t head[64];
    size_t len_bytes = (size_t)snprintf((char *)head, sizeof(head), "ttb digest 1 %s\n", name);

    stream->sha = EVP_MD_CTX_new();
    if (!stream->sha || !EVP_DigestInit_ex2(stream->sha, sha256, NULL))
        return -ENOMEM;
    ttb__put_u32(head + len_bytes, node);
    len_bytes += 4;
    if (seed) {
        ttb__put_u64(head + len_bytes, *seed);
        len_bytes += 8;
    }
    stream_add(stream, head, len_bytes);
    return 0;
}

/* The stream can go on afterwards. */
static int stream_get(const struct stream *stream, uint8_t out[TTB_TRACE_SHA256_BYTES])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    int rc = -ENOMEM;

    if (copy && EVP_MD_CTX_copy_ex(copy, stream->sha) &&
        EVP_DigestUpdate(copy, stream->data, stream->used) && EVP_DigestFinal_ex(copy, out, NULL))
        rc = 0;
    EVP_MD_CTX_free(copy);
    return rc;
}

static int scope_start(struct scope *scope, const EVP_MD *sha256, uint32_t node,
                       const uint64_t *seed)
{
    if (stream_start(&scope->behaviour, sha256, "behaviour", node, seed) ||
        stream_start(&scope->schedule, sha256, "schedule", node, seed) ||
        stream_start(&scope->network, sha256, "network", node, seed))
        return -ENOMEM;
    return 0;
}

static void scope_clear(struct scope *scope)
{
    EVP_MD_CTX_free(scope->behaviour.sha);
    EVP_MD_CTX_free(scope->schedule.sha);
    EVP_MD_CTX_free(scope->network.sha);
    free(scope->state_why);
}

static struct scope *node_scope(struct ttb__digest *digest, uint32_t node)
{
    if (node >= TTB_TRACE_TABLE_MAX)
        return NULL;
    if (node >= digest->node_room) {
        size_t room = digest->node_room ? digest->node_room : 16;
        struct scope **grown;

        while (room <= node)
            room *= 2;
        grown = realloc(digest->nodes, room * sizeof(*grown));
        if (!grown)
            return NULL;
        memset(grown + digest->node_room, 0, (room - digest->node_room) * sizeof(*grown));
        digest->nodes = grown;
        digest->node_room = room;
    }
    if (!digest->nodes[node]) {
        struct scope *scope = calloc(1, sizeof(*scope));

        if (!scope || scope_start(scope, digest->sha256, node, NULL)) {
            if (scope)
                scope_clear(scope);
            free(scope);
            return NULL;
        }
        digest->nodes[node] = scope;
    }
    return digest->nodes[node];
}

int ttb__trace_digest_new(uint64_t seed, struct ttb__digest **made)
{
    struct ttb__digest *digest = calloc(1, sizeof(*digest));

    *made = NULL;
    if (!digest)
        return -ENOMEM;
    digest->seed = seed;
    digest->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    digest->frame = EVP_MD_CTX_new();
    if (!digest->sha256 || !digest->frame ||
        !EVP_DigestInit_ex2(digest->frame, digest->sha256, NULL) ||
        scope_start(&digest->run, digest->sha256, TTB_TRACE_NONE, &seed)) {
        ttb__trace_digest_free(digest);
        return -ENOMEM;
    }
    *made = digest;
    return 0;
}

void ttb__trace_digest_free(struct ttb__digest *digest)
{
    if (!digest)
        return;
    for (size_t i = 0; i < digest->node_room; i++) {
        if (digest->nodes[i])
            scope_clear(digest->nodes[i]);
        free(digest->nodes[i]);
    }
    free(digest->nodes);
    scope_clear(&digest->run);
    EVP_MD_CTX_free(digest->frame);
    EVP_MD_free(digest->sha256);
    free(digest);
}

/* ------------------------------------------------------------------------------- serialisation */

/* A serialised record: `head`, then possibly longer data that is not copied. */
struct serial {
    uint8_t head[512];
    size_t head_bytes;
    struct ttb_trace_bytes more[3];
    unsigned more_count;
};

static void add_u8(struct serial *serial, uint8_t value)
{
    serial->head[serial->head_bytes++] = value;
}

static void add_u32(struct serial *serial, uint32_t value)
{
    ttb__put_u32(serial->head + serial->head_bytes, value);
    serial->head_bytes += 4;
}

static void add_u64(struct serial *serial, uint64_t value)
{
    ttb__put_u64(serial->head + serial->head_bytes, value);
    serial->head_bytes += 8;
}

static void add_status(struct serial *serial, bool has, int status)
{
    add_u8(serial, has);
    add_u32(serial, has ? (uint32_t)status : 0);
}

/* A length of two bytes and at most 255 bytes: names, which are short. */
static void add_name(struct serial *serial, const char *name)
{
    size_t len_bytes = strnlen(name, 255);

    ttb__put_u16(serial->head + serial->head_bytes, (uint16_t)len_bytes);
    memcpy(serial->head + serial->head_bytes + 2, name, len_bytes);
    serial->head_bytes += 2 + len_bytes;
}

/* The same frame at several places is hashed once, where the writer has its bytes at hand. */
static int hash_payload(struct ttb__digest *digest, const struct ttb_trace_frame *frame,
                        struct ttb__packets *packets, uint8_t to[TTB_TRACE_SHA256_BYTES])
{
    bool is_known = false;
    uint8_t *kept = packets ? ttb__trace_packets_sha256(packets, &is_known) : NULL;

    if (is_known) {
        memcpy(to, kept, TTB_TRACE_SHA256_BYTES);
        return 0;
    }
    if (!EVP_DigestInit_ex2(digest->frame, NULL, NULL) ||
        !EVP_DigestUpdate(digest->frame, frame->payload.data, frame->payload.len_bytes) ||
        !EVP_DigestFinal_ex(digest->frame, to, NULL))
        return -ENOMEM;
    if (kept)
        memcpy(kept, to, TTB_TRACE_SHA256_BYTES);
    return 0;
}

static int add_frame(struct ttb__digest *digest, struct serial *serial,
                     const struct ttb_trace_frame *frame, const struct ttb_trace_place *place,
                     struct ttb__packets *packets)
{
    bool internal = ttb__is_internal(frame);

    add_u8(serial, (uint8_t)frame->what);
    add_u8(serial, internal ? 0 : (uint8_t)frame->port_reason);
    add_name(serial, place ? place->name : "");
    add_u32(serial, frame->len_bytes);
    add_u32(serial, (uint32_t)frame->payload.len_bytes);
    if (hash_payload(digest, frame, packets, serial->head + serial->head_bytes))
        return -ENOMEM;
    serial->head_bytes += TTB_TRACE_SHA256_BYTES;
    if (internal) {
        add_u32(serial, (uint32_t)frame->reason.len_bytes);
        serial->more[serial->more_count++] = frame->reason;
    }
    return 0;
}

static int serialise(struct ttb__digest *digest, struct serial *serial,
                     const struct ttb_trace_record *record, const struct ttb_trace_place *place,
                     struct ttb__packets *packets)
{
    serial->head_bytes = 0;
    serial->more_count = 0;
    add_u8(serial, (uint8_t)record->kind);
    add_u64(serial, record->time_ns);
    add_u32(serial, record->node);
    switch (record->kind) {
    case TTB_TRACE_FRAME:
        return add_frame(digest, serial, &record->frame, place, packets);
    case TTB_TRACE_CONSOLE:
        add_u8(serial, record->console.line_end);
        add_u32(serial, (uint32_t)record->console.data.len_bytes);
        serial->more[serial->more_count++] = record->console.data;
        break;
    case TTB_TRACE_STATE:
        add_u8(serial, (uint8_t)record->state.state);
        add_status(serial, record->state.has_wait_status, record->state.wait_status);
        add_status(serial, record->state.has_exit_status, record->state.exit_status);
        break;
    case TTB_TRACE_EVENT:
        add_u32(serial, (uint32_t)record->event.action.len_bytes);
        add_u32(serial, (uint32_t)record->event.target.len_bytes);
        add_u32(serial, (uint32_t)record->event.detail.len_bytes);
        serial->more[0] = record->event.action;
        serial->more[1] = record->event.target;
        serial->more[2] = record->event.detail;
        serial->more_count = 3;
        break;
    default:
        break;
    }
    return 0;
}

/* -------------------------------------------------------------------------------------- adding */

static void count_frame(struct ttb_trace_counts *counts, const struct ttb_trace_frame *frame)
{
    switch (frame->what) {
    case TTB_TRACE_TRANSMITTED:
        counts->transmitted_frames++;
        counts->transmitted_bytes += frame->len_bytes;
        break;
    case TTB_TRACE_DELIVERED:
        counts->delivered_frames++;
        counts->delivered_bytes += frame->len_bytes;
        break;
    case TTB_TRACE_DROPPED:
        counts->dropped_frames++;
        break;
    case TTB_TRACE_LOST:
        counts->lost_frames++;
        break;
    default:
        counts->network_frames++;
        break;
    }
}

static void count(struct ttb_trace_counts *counts, const struct ttb_trace_record *record)
{
    counts->records++;
    switch (record->kind) {
    case TTB_TRACE_GRANT:
        counts->grants++;
        break;
    case TTB_TRACE_FRAME:
        count_frame(counts, &record->frame);
        break;
    case TTB_TRACE_CONSOLE:
        counts->console_bytes += record->console.data.len_bytes + record->console.line_end;
        counts->console_lines += record->console.line_end;
        break;
    case TTB_TRACE_EVENT:
        counts->events++;
        break;
    default:
        break;
    }
}

static void keep_state(struct scope *scope, const struct ttb_trace_record *record)
{
    scope->has_state = true;
    scope->state = record->state;
    scope->state_ns = record->time_ns;
    free(scope->state_why);
    scope->state_why = record->state.why.len_bytes
                           ? strndup(record->state.why.data, record->state.why.len_bytes)
                           : NULL;
    scope->state.why = (struct ttb_trace_bytes){
        .data = scope->state_why,
        .len_bytes = scope->state_why ? strlen(scope->state_why) : 0,
    };
}

static void add_to(struct scope *scope, const struct ttb_trace_record *record,
                   struct serial *serial)
{
    struct stream *stream;
    size_t len_bytes = serial->head_bytes;

    if (record->kind == TTB_TRACE_GRANT) {
        stream = &scope->schedule;
        add_u64(serial, scope->behaviour_records);
    } else if (record->kind == TTB_TRACE_FRAME && ttb__is_internal(&record->frame)) {
        stream = &scope->network;
    } else {
        stream = &scope->behaviour;
        scope->behaviour_records++;
    }
    stream_add(stream, serial->head, serial->head_bytes);
    for (unsigned i = 0; i < serial->more_count; i++)
        stream_add(stream, serial->more[i].data, serial->more[i].len_bytes);
    serial->head_bytes = len_bytes;
}

int ttb__trace_digest_add(struct ttb__digest *digest, const struct ttb_trace_record *record,
                          const struct ttb_trace_place *place, struct ttb__packets *packets)
{
    struct scope *node = NULL;
    struct serial serial;
    int rc;

    if (record->node != TTB_TRACE_NONE) {
        node = node_scope(digest, record->node);
        if (!node)
            return -ENOMEM;
        count(&node->counts, record);
    }
    count(&digest->run.counts, record);
    switch (record->kind) {
    case TTB_TRACE_GRANT:
    case TTB_TRACE_FRAME:
    case TTB_TRACE_CONSOLE:
    case TTB_TRACE_EVENT:
        break;
    case TTB_TRACE_STATE:
        if (node)
            keep_state(node, record);
        break;
    default:
        return 0;
    }
    rc = serialise(digest, &serial, record, place, packets);
    if (rc)
        return rc;
    add_to(&digest->run, record, &serial);
    /* A node knows nothing of what happens inside the network. */
    if (node && !(record->kind == TTB_TRACE_FRAME && ttb__is_internal(&record->frame)))
        add_to(node, record, &serial);
    return 0;
}

/* ------------------------------------------------------------------------------------- results */

static int finish(const struct ttb__digest *digest, struct ttb_trace_digest *out)
{
    static const char head[] = "ttb digest 1 all\n";
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    int rc = -ENOMEM;

    if (sha && EVP_DigestInit_ex2(sha, digest->sha256, NULL) &&
        EVP_DigestUpdate(sha, head, sizeof(head) - 1) &&
        EVP_DigestUpdate(sha, out->behaviour, TTB_TRACE_SHA256_BYTES) &&
        EVP_DigestUpdate(sha, out->schedule, TTB_TRACE_SHA256_BYTES) &&
        EVP_DigestUpdate(sha, out->network, TTB_TRACE_SHA256_BYTES) &&
        EVP_DigestFinal_ex(sha, out->all, NULL))
        rc = 0;
    EVP_MD_CTX_free(sha);
    return rc;
}

static int get(const struct ttb__digest *digest, const struct scope *scope,
               struct ttb_trace_digest *out, struct ttb_trace_counts *counts)
{
    if (counts)
        *counts = scope->counts;
    if (!out)
        return 0;
    if (stream_get(&scope->behaviour, out->behaviour) ||
        stream_get(&scope->schedule, out->schedule) || stream_get(&scope->network, out->network))
        return -ENOMEM;
    return finish(digest, out);
}

int ttb__trace_digest_get(const struct ttb__digest *digest, uint32_t node,
                          struct ttb_trace_digest *out, struct ttb_trace_counts *counts)
{
    struct scope *empty;
    int rc;

    if (node == TTB_TRACE_NONE)
        return get(digest, &digest->run, out, counts);
    if (node < digest->node_room && digest->nodes[node])
        return get(digest, digest->nodes[node], out, counts);
    /* A node to which nothing has happened has digests as well. */
    empty = calloc(1, sizeof(*empty));
    if (!empty)
        return -ENOMEM;
    rc = scope_start(empty, digest->sha256, node, NULL);
    if (!rc)
        rc = get(digest, empty, out, counts);
    scope_clear(empty);
    free(empty);
    return rc;
}

bool ttb__trace_digest_get_state(const struct ttb__digest *digest, uint32_t node,
                                 struct ttb_trace_state *state, uint64_t *time_ns)
{
    const struct scope *scope = node < digest->node_room ? digest->nodes[node] : NULL;

    if (!scope || !scope->has_state)
        return false;
    *state = scope->state;
    *time_ns = scope->state_ns;
    return true;
}

void ttb_trace_hex(const uint8_t sha256[TTB_TRACE_SHA256_BYTES], char text[65])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < TTB_TRACE_SHA256_BYTES; i++) {
        text[2 * i] = digits[sha256[i] >> 4];
        text[2 * i + 1] = digits[sha256[i] & 15];
    }
    text[64] = 0;
}
