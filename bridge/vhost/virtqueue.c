/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost/virtqueue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RING_FLAGS 0 /* index into avail and used seen as u16 */
#define RING_IDX   1
#define RING_DATA  2

/* -------------------------------------------------------------------------------------- chains */

void ttb__chain_free(struct ttb__chain *chain)
{
    free(chain->parts);
    *chain = (struct ttb__chain){0};
}

struct ttb__chain_cursor ttb__chain_out(const struct ttb__chain *chain)
{
    return (struct ttb__chain_cursor){.part = chain->parts, .end = chain->parts + chain->out_parts};
}

struct ttb__chain_cursor ttb__chain_in(const struct ttb__chain *chain)
{
    const struct iovec *first = chain->parts + chain->out_parts;

    return (struct ttb__chain_cursor){.part = first, .end = first + chain->in_parts};
}

enum direction {
    FROM_CHAIN,
    TO_CHAIN,
    NOWHERE,
};

static size_t walk(struct ttb__chain_cursor *cursor, uint8_t *data, size_t len_bytes,
                   enum direction direction)
{
    size_t done_bytes = 0;

    while (done_bytes < len_bytes && cursor->part < cursor->end) {
        uint8_t *at = (uint8_t *)cursor->part->iov_base + cursor->offset;
        size_t part_bytes = cursor->part->iov_len - cursor->offset;

        if (part_bytes > len_bytes - done_bytes)
            part_bytes = len_bytes - done_bytes;
        if (direction == FROM_CHAIN)
            memcpy(data + done_bytes, at, part_bytes);
        else if (direction == TO_CHAIN)
            memcpy(at, data + done_bytes, part_bytes);
        done_bytes += part_bytes;
        cursor->offset += part_bytes;
        if (cursor->offset == cursor->part->iov_len) {
            cursor->part++;
            cursor->offset = 0;
        }
    }
    return done_bytes;
}

size_t ttb__chain_read(struct ttb__chain_cursor *cursor, void *data, size_t len_bytes)
{
    return walk(cursor, data, len_bytes, FROM_CHAIN);
}

size_t ttb__chain_write(struct ttb__chain_cursor *cursor, const void *data, size_t len_bytes)
{
    return walk(cursor, (uint8_t *)data, len_bytes, TO_CHAIN);
}

size_t ttb__chain_skip(struct ttb__chain_cursor *cursor, size_t len_bytes)
{
    return walk(cursor, NULL, len_bytes, NOWHERE);
}

static int add_part(struct ttb__chain *chain, void *base, size_t len_bytes)
{
    unsigned count = chain->out_parts + chain->in_parts;

    if (count == chain->capacity) {
        /* Bounded: pop() refuses chains of more than twice RING_NUM_MAX descriptors, and a
         * descriptor spans at most all regions. */
        unsigned capacity = chain->capacity ? chain->capacity * 2 : 32;
        struct iovec *parts = realloc(chain->parts, capacity * sizeof(*parts));

        if (!parts)
            return -ENOMEM;
        chain->parts = parts;
        chain->capacity = capacity;
    }
    chain->parts[count] = (struct iovec){.iov_base = base, .iov_len = len_bytes};
    return 0;
}

static int add_buffer(struct ttb__chain *chain, const struct ttb__memory *memory,
                      const struct ttb__ring_desc *desc, struct ttb__error *error)
{
    bool writable = desc->flags & TTB__DESC_WRITE;
    uint64_t addr = desc->addr;
    uint64_t left_bytes = desc->len_bytes;

    if (left_bytes == 0)
        return ttb__fail(error, -EINVAL, "a descriptor of length 0 at address 0x%" PRIx64, addr);
    if (!writable && chain->in_parts)
        return ttb__fail(error, -EINVAL,
                         "a device-readable descriptor (address 0x%" PRIx64
                         ") after a device-writable one",
                         addr);
    while (left_bytes) {
        uint64_t part_bytes;
        void *base = ttb__memory_guest(memory, addr, &part_bytes);
        int rc;

        if (!base)
            return ttb__fail(error, -EINVAL,
                             "a descriptor (address 0x%" PRIx64
                             ", length %u) reaches address 0x%" PRIx64
                             ", which is in no memory region",
                             desc->addr, desc->len_bytes, addr);
        if (part_bytes > left_bytes)
            part_bytes = left_bytes;
        rc = add_part(chain, base, part_bytes);
        if (rc)
            return ttb__fail(error, rc, "out of memory");
        if (writable) {
            chain->in_parts++;
            chain->in_bytes += part_bytes;
        } else {
            chain->out_parts++;
            chain->out_bytes += part_bytes;
        }
        addr += part_bytes;
        left_bytes -= part_bytes;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- rings */

static uint16_t load(const uint16_t *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void store(uint16_t *at, uint16_t value)
{
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

/* The driver's last word: below which used index it wants no call. */
static uint16_t load_used_event(const struct ttb__virtqueue *queue)
{
    return load(&queue->avail[RING_DATA + queue->num]);
}

static void store_avail_event(struct ttb__virtqueue *queue, uint16_t value)
{
    store(&queue->used[RING_DATA + 4 * queue->num], value);
}

static struct ttb__ring_used_elem *used_elem(struct ttb__virtqueue *queue, uint16_t idx)
{
    struct ttb__ring_used_elem *elems = (struct ttb__ring_used_elem *)&queue->used[RING_DATA];

    return &elems[idx & (queue->num - 1)];
}

static int map_ring(const struct ttb__memory *memory, const char *what, uint64_t addr,
                    uint64_t need_bytes, unsigned align, void **base, struct ttb__error *error)
{
    uint64_t have_bytes;
    void *at = ttb__memory_user(memory, addr, &have_bytes);

    if (!at)
        return ttb__fail(error, -EINVAL, "%s at user address 0x%" PRIx64 " is in no memory region",
                         what, addr);
    if (have_bytes < need_bytes)
        return ttb__fail(error, -EINVAL,
                         "%s at user address 0x%" PRIx64 " needs %" PRIu64
                         " bytes, but its memory region ends after %" PRIu64,
                         what, addr, need_bytes, have_bytes);
    /* It is our address that must be aligned for our accesses; the guest's is what the driver
     * chose. They differ by whole pages with every sane front end. */
    if (addr % align || (uintptr_t)at % align)
        return ttb__fail(error, -EINVAL, "%s at user address 0x%" PRIx64 " is not aligned to %u",
                         what, addr, align);
    *base = at;
    return 0;
}

int ttb__virtqueue_map(struct ttb__virtqueue *queue, const struct ttb__memory *memory,
                       struct ttb__error *error)
{
    void *desc, *avail, *used;
    int rc;

    rc = map_ring(memory, "descriptor table", queue->desc_addr, TTB__RING_DESC_BYTES(queue->num),
                  TTB__RING_DESC_ALIGN, &desc, error);
    if (!rc)
        rc = map_ring(memory, "available ring", queue->avail_addr,
                      TTB__RING_AVAIL_BYTES(queue->num), TTB__RING_AVAIL_ALIGN, &avail, error);
    if (!rc)
        rc = map_ring(memory, "used ring", queue->used_addr, TTB__RING_USED_BYTES(queue->num),
                      TTB__RING_USED_ALIGN, &used, error);
    if (rc)
        return rc;
    queue->desc = desc;
    queue->avail = avail;
    queue->used = used;
    return 0;
}

void ttb__virtqueue_start(struct ttb__virtqueue *queue)
{
    queue->seen_avail = queue->next_avail;
    queue->limited = false;
    /* The used index is nowhere in the messages; it lives in the ring. */
    queue->next_used = load(&queue->used[RING_IDX]);
    queue->signalled_used = queue->next_used;
}

bool ttb__virtqueue_has_avail(struct ttb__virtqueue *queue)
{
    /* Acquire: the ring entries and descriptors below the index are visible after it. */
    if (!queue->limited)
        queue->seen_avail = __atomic_load_n(&queue->avail[RING_IDX], __ATOMIC_ACQUIRE);
    return queue->seen_avail != queue->next_avail;
}

int ttb__virtqueue_limit(struct ttb__virtqueue *queue, uint16_t avail_idx, struct ttb__error *error)
{
    uint16_t driver_idx = __atomic_load_n(&queue->avail[RING_IDX], __ATOMIC_ACQUIRE);
    uint16_t wanted = (uint16_t)(avail_idx - queue->next_avail);

    if (wanted > queue->num || wanted > (uint16_t)(driver_idx - queue->next_avail))
        return ttb__fail(error, -EINVAL,
                         "a kick up to available index %u, but it goes from %u to %u", avail_idx,
                         queue->next_avail, driver_idx);
    queue->seen_avail = avail_idx;
    queue->limited = true;
    return 0;
}

void ttb__virtqueue_unlimit(struct ttb__virtqueue *queue)
{
    queue->limited = false;
}

static struct ttb__ring_desc copy_desc(const struct ttb__ring_desc *desc)
{
    return (struct ttb__ring_desc){
        .addr = __atomic_load_n(&desc->addr, __ATOMIC_RELAXED),
        .len_bytes = __atomic_load_n(&desc->len_bytes, __ATOMIC_RELAXED),
        .flags = __atomic_load_n(&desc->flags, __ATOMIC_RELAXED),
        .next = __atomic_load_n(&desc->next, __ATOMIC_RELAXED),
    };
}

static int add_indirect(const struct ttb__ring_desc *table, const struct ttb__memory *memory,
                        struct ttb__chain *chain, struct ttb__error *error)
{
    uint32_t entries = table->len_bytes / sizeof(struct ttb__ring_desc);
    uint32_t i = 0;

    if (entries == 0 || table->len_bytes % sizeof(struct ttb__ring_desc))
        return ttb__fail(error, -EINVAL, "an indirect table of %u bytes, not a multiple of 16",
                         table->len_bytes);
    if (entries > TTB__RING_NUM_MAX)
        return ttb__fail(error, -EINVAL, "an indirect table of %u descriptors, more than %u",
                         entries, TTB__RING_NUM_MAX);
    for (uint32_t visited = 0; visited < entries; visited++) {
        struct ttb__ring_desc desc;
        uint64_t at = table->addr + (uint64_t)i * sizeof(desc);
        int rc;

        if (at < table->addr || !ttb__memory_read_guest(memory, at, &desc, sizeof(desc)))
            return ttb__fail(error, -EINVAL,
                             "an indirect table (address 0x%" PRIx64
                             ", %u descriptors) that is in no memory region",
                             table->addr, entries);
        if (desc.flags & TTB__DESC_INDIRECT)
            return ttb__fail(error, -EINVAL, "an indirect table within an indirect table");
        rc = add_buffer(chain, memory, &desc, error);
        if (rc)
            return rc;
        if (!(desc.flags & TTB__DESC_NEXT))
            return 0;
        if (desc.next >= entries)
            return ttb__fail(error, -EINVAL,
                             "next descriptor %u in an indirect table of %u descriptors", desc.next,
                             entries);
        i = desc.next;
    }
    return ttb__fail(error, -EINVAL, "a loop in an indirect table of %u descriptors", entries);
}

static int add_chain(struct ttb__virtqueue *queue, const struct ttb__memory *memory,
                     struct ttb__chain *chain, struct ttb__error *error)
{
    uint32_t i = chain->head;

    for (uint32_t visited = 0; visited < queue->num; visited++) {
        struct ttb__ring_desc desc = copy_desc(&queue->desc[i]);
        int rc;

        if (desc.flags & TTB__DESC_INDIRECT) {
            if (!queue->indirect)
                return ttb__fail(error, -EINVAL,
                                 "an indirect descriptor, which was not negotiated");
            if (desc.flags & TTB__DESC_NEXT)
                return ttb__fail(error, -EINVAL, "an indirect descriptor with a next one");
            /* Whether the table itself is "writable" is to be ignored (2.7.5.3.2). */
            return add_indirect(&desc, memory, chain, error);
        }
        rc = add_buffer(chain, memory, &desc, error);
        if (rc)
            return rc;
        if (!(desc.flags & TTB__DESC_NEXT))
            return 0;
        if (desc.next >= queue->num)
            return ttb__fail(error, -EINVAL, "next descriptor %u of %u", desc.next, queue->num);
        i = desc.next;
    }
    return ttb__fail(error, -EINVAL, "a loop, or more than %u descriptors", queue->num);
}

int ttb__virtqueue_pop(struct ttb__virtqueue *queue, const struct ttb__memory *memory,
                       struct ttb__chain *chain, struct ttb__error *error)
{
    struct ttb__error why;
    uint16_t waiting, head;
    int rc;

    if (queue->seen_avail == queue->next_avail && !ttb__virtqueue_has_avail(queue))
        return 0;
    waiting = (uint16_t)(queue->seen_avail - queue->next_avail);
    if (waiting > queue->num)
        return ttb__fail(error, -EINVAL,
                         "available index went from %u to %u in a ring of %u descriptors",
                         queue->next_avail, queue->seen_avail, queue->num);
    head = load(&queue->avail[RING_DATA + (queue->next_avail & (queue->num - 1))]);
    if (head >= queue->num)
        return ttb__fail(error, -EINVAL, "available entry %u holds descriptor %u of %u",
                         queue->next_avail, head, queue->num);
    chain->head = head;
    chain->out_parts = chain->in_parts = 0;
    chain->out_bytes = chain->in_bytes = 0;
    rc = add_chain(queue, memory, chain, &why);
    if (rc)
        return ttb__fail(error, rc, "chain at descriptor %u has %s", head, why.text);
    queue->next_avail++;
    return 1;
}

void ttb__virtqueue_unpop(struct ttb__virtqueue *queue, unsigned count)
{
    queue->next_avail = (uint16_t)(queue->next_avail - count);
}

void ttb__virtqueue_push(struct ttb__virtqueue *queue, const struct ttb__ring_used_elem *elems,
                         unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct ttb__ring_used_elem *elem = used_elem(queue, (uint16_t)(queue->next_used + i));

        __atomic_store_n(&elem->id, elems[i].id, __ATOMIC_RELAXED);
        __atomic_store_n(&elem->len_bytes, elems[i].len_bytes, __ATOMIC_RELAXED);
    }
    queue->next_used = (uint16_t)(queue->next_used + count);
    /* Release: data and elements are visible before the index. */
    __atomic_store_n(&queue->used[RING_IDX], queue->next_used, __ATOMIC_RELEASE);
}

bool ttb__virtqueue_wants_call(struct ttb__virtqueue *queue)
{
    uint16_t from = queue->signalled_used, to = queue->next_used;

    if (from == to)
        return false;
    queue->signalled_used = to;
    /* Our used index must be visible before we read what the driver wants: it stores that first and
     * looks at the index afterwards (virtqueue_enable_cb() in drivers/virtio/virtio_ring.c). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!queue->event_idx)
        return !(load(&queue->avail[RING_FLAGS]) & TTB__AVAIL_NO_INTERRUPT);
    /* Has the index passed the event, that is: is the event in [from, to)? (2.7.7.2) Comparing the
     * event with `to` alone gives a false call whenever it lies further behind. */
    return (uint16_t)(to - load_used_event(queue) - 1) < (uint16_t)(to - from);
}

void ttb__virtqueue_ask_kicks(struct ttb__virtqueue *queue, bool on)
{
    uint16_t avail = __atomic_load_n(&queue->avail[RING_IDX], __ATOMIC_ACQUIRE);

    if (queue->event_idx) {
        /* One behind the driver's index is the event that it passes last, 65535 chains from now.
         * Whoever wants no kicks calls again long before that. */
        store_avail_event(queue, on ? queue->seen_avail : (uint16_t)(avail - 1));
    } else {
        store(&queue->used[RING_FLAGS], on ? 0 : TTB__USED_NO_NOTIFY);
    }
    /* The driver adds a chain and then looks here; we say so here and then look for chains. */
    if (on)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
