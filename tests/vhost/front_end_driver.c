/* SPDX-License-Identifier: BSD-3-Clause */
/* The front end's driver: memory, rings, and frames in them. */
#include "front_end.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ----------------------------------------------------------------------------------- rings */

uint64_t fe_guest_addr(struct front_end *fe, uint64_t offset)
{
    uint64_t size_bytes = fe->regions[0].size_bytes;

    return fe->regions[offset / size_bytes].guest_addr + offset % size_bytes;
}

uint64_t fe_alloc(struct front_end *fe, uint64_t len_bytes, uint64_t align)
{
    uint64_t at = (fe->next_free + align - 1) / align * align;

    /* Buffers go round: tests that run long have few in flight. */
    if (at + len_bytes > FE_MEMORY_BYTES)
        at = FE_MEMORY_BYTES / 4;
    fe->next_free = at + len_bytes;
    return fe_guest_addr(fe, at);
}

static const struct ttb__vhost_region *find_region(struct front_end *fe, uint64_t guest_addr)
{
    for (unsigned i = 0; i < fe->region_count; i++) {
        const struct ttb__vhost_region *region = &fe->regions[i];

        if (guest_addr >= region->guest_addr &&
            guest_addr - region->guest_addr < region->size_bytes)
            return region;
    }
    fail_msg("address 0x%llx is not ours", (unsigned long long)guest_addr);
    return NULL;
}

void *fe_at(struct front_end *fe, uint64_t guest_addr)
{
    const struct ttb__vhost_region *region = find_region(fe, guest_addr);

    return fe->memory + (region->mmap_offset - FE_FILE_OFFSET) + (guest_addr - region->guest_addr);
}

uint64_t fe_user_addr(struct front_end *fe, uint64_t guest_addr)
{
    const struct ttb__vhost_region *region = find_region(fe, guest_addr);

    return region->user_addr + (guest_addr - region->guest_addr);
}

void fe_ring_init(struct front_end *fe, unsigned index, uint16_t num)
{
    struct fe_queue *queue = &fe->queues[index];

    fe_ring_free(fe, index);
    queue->num = num;
    queue->desc_addr = fe_alloc(fe, TTB__RING_DESC_BYTES(num), 4096);
    queue->avail_addr = fe_alloc(fe, TTB__RING_AVAIL_BYTES(num), 2);
    queue->used_addr = fe_alloc(fe, TTB__RING_USED_BYTES(num), 4096);
    queue->desc = fe_at(fe, queue->desc_addr);
    queue->avail = fe_at(fe, queue->avail_addr);
    queue->used = fe_at(fe, queue->used_addr);
    memset(queue->desc, 0, TTB__RING_DESC_BYTES(num));
    memset(queue->avail, 0, TTB__RING_AVAIL_BYTES(num));
    memset(queue->used, 0, TTB__RING_USED_BYTES(num));
    queue->avail_idx = queue->kicked_idx = queue->last_used = 0;
    queue->next_desc = 0;
    queue->free_descs = num;
    queue->chains = calloc(num, sizeof(*queue->chains));
}

void fe_ring_free(struct front_end *fe, unsigned index)
{
    struct fe_queue *queue = &fe->queues[index];

    if (queue->chains) {
        for (unsigned i = 0; i < queue->num; i++)
            free(queue->chains[i].buffers);
        free(queue->chains);
        queue->chains = NULL;
    }
    if (queue->kick_fd >= 0)
        close(queue->kick_fd);
    if (queue->call_fd >= 0)
        close(queue->call_fd);
    queue->kick_fd = queue->call_fd = -1;
}

static void fill_desc(struct ttb__ring_desc *desc, const struct fe_buffer *buffer, bool write,
                      bool last, uint16_t next)
{
    *desc = (struct ttb__ring_desc){
        .addr = buffer->addr,
        .len_bytes = buffer->len_bytes,
        .flags = (uint16_t)((write ? TTB__DESC_WRITE : 0) | (last ? 0 : TTB__DESC_NEXT)),
        .next = last ? 0 : next,
    };
}

uint16_t fe_add(struct front_end *fe, unsigned index, const struct fe_buffer *buffers, unsigned out,
                unsigned in, bool indirect)
{
    struct fe_queue *queue = &fe->queues[index];
    unsigned count = out + in, descs = indirect ? 1 : count;
    uint16_t head = (uint16_t)queue->next_desc;
    struct fe_chain *chain = &queue->chains[head];

    assert_true(descs <= queue->free_descs);
    if (indirect) {
        uint64_t at = fe_alloc(fe, count * sizeof(struct ttb__ring_desc), 16);
        struct ttb__ring_desc *table = fe_at(fe, at);

        for (unsigned i = 0; i < count; i++)
            fill_desc(&table[i], &buffers[i], i >= out, i + 1 == count, (uint16_t)(i + 1));
        queue->desc[head] = (struct ttb__ring_desc){
            .addr = at,
            .len_bytes = count * (uint32_t)sizeof(struct ttb__ring_desc),
            .flags = TTB__DESC_INDIRECT,
        };
    } else {
        for (unsigned i = 0; i < count; i++)
            fill_desc(&queue->desc[(head + i) % queue->num], &buffers[i], i >= out, i + 1 == count,
                      (uint16_t)((head + i + 1) % queue->num));
    }
    chain->head = head;
    chain->descs = descs;
    chain->buffers = malloc(count * sizeof(*buffers));
    memcpy(chain->buffers, buffers, count * sizeof(*buffers));
    chain->buffer_count = count;
    queue->free_descs -= descs;
    queue->next_desc = (queue->next_desc + descs) % queue->num;
    queue->avail[2 + (queue->avail_idx & (queue->num - 1))] = head;
    queue->avail_idx++;
    __atomic_store_n(&queue->avail[1], queue->avail_idx, __ATOMIC_RELEASE);
    return head;
}

bool fe_needs_kick(struct front_end *fe, unsigned index)
{
    struct fe_queue *queue = &fe->queues[index];
    uint16_t old = queue->kicked_idx, new = queue->avail_idx;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue->kicked_idx = new;
    if (fe->features & TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX)) {
        uint16_t event = queue->used[2 + 4 * queue->num];

        return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
    }
    return new != old && !(queue->used[0] & TTB__USED_NO_NOTIFY);
}

void fe_kick_async(struct front_end *fe, unsigned index)
{
    struct ttb__vhost_vring_state state = {.index = index};
    const uint64_t one = 1;

    if (fe_in_band(fe))
        fe_send(fe, TTB__VHOST_VRING_KICK,
                fe->protocol_features & TTB__BIT(TTB__VHOST_P_REPLY_ACK) ? TTB__VHOST_NEED_REPLY
                                                                         : 0,
                &state, sizeof(state), NULL, 0);
    else
        assert_int_equal(write(fe->queues[index].kick_fd, &one, sizeof(one)), sizeof(one));
}

void fe_kick(struct front_end *fe, unsigned index)
{
    union ttb__vhost_payload reply;
    size_t reply_bytes;

    fe_kick_async(fe, index);
    if (!fe_in_band(fe) || !(fe->protocol_features & TTB__BIT(TTB__VHOST_P_REPLY_ACK))) {
        fe_turn(fe);
        return;
    }
    fe_await_reply(fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes);
    assert_int_equal(reply.u64, 0);
}

bool fe_get_used(struct front_end *fe, unsigned index, struct fe_chain *chain, uint32_t *len_bytes)
{
    struct fe_queue *queue = &fe->queues[index];
    struct ttb__ring_used_elem *elem;

    if (__atomic_load_n(&queue->used[1], __ATOMIC_ACQUIRE) == queue->last_used)
        return false;
    elem = (struct ttb__ring_used_elem *)&queue->used[2] + (queue->last_used & (queue->num - 1));
    assert_true(elem->id < queue->num);
    assert_non_null(queue->chains[elem->id].buffers);
    *chain = queue->chains[elem->id];
    *len_bytes = elem->len_bytes;
    queue->chains[elem->id].buffers = NULL;
    queue->free_descs += chain->descs;
    queue->last_used++;
    return true;
}

void fe_set_used_event(struct front_end *fe, unsigned index, uint16_t value)
{
    struct fe_queue *queue = &fe->queues[index];

    queue->avail[2 + queue->num] = value;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void fe_set_no_interrupt(struct front_end *fe, unsigned index, bool on)
{
    fe->queues[index].avail[0] = on ? TTB__AVAIL_NO_INTERRUPT : 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* --------------------------------------------------------------------------------- network */

unsigned fe_header_bytes(const struct front_end *fe)
{
    return fe->features &
                   (TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF) | TTB__BIT(TTB__VIRTIO_F_VERSION_1))
               ? 12
               : 10;
}

/* Cut `total_bytes` of guest memory from `at` on into buffers. Returns how many. */
static unsigned cut(const struct front_end *fe, uint64_t at, size_t total_bytes,
                    enum fe_layout layout, struct fe_buffer *buffers)
{
    static const size_t odd[] = {1, 7, 64, 333, 5, 1000};
    size_t done_bytes = 0;
    unsigned count = 0;

    while (done_bytes < total_bytes) {
        size_t left_bytes = total_bytes - done_bytes, part_bytes = left_bytes;

        if (layout == FE_HEADER_ALONE && count == 0)
            part_bytes = fe_header_bytes(fe);
        else if (layout == FE_BYTES)
            part_bytes = 1;
        else if (layout == FE_HEADER_SPLIT)
            part_bytes = count == 0 ? 3 : odd[count % 6];
        if (part_bytes > left_bytes)
            part_bytes = left_bytes;
        buffers[count++] = (struct fe_buffer){at + done_bytes, (uint32_t)part_bytes};
        done_bytes += part_bytes;
    }
    return count;
}

void fe_queue_frame(struct front_end *fe, const void *frame, size_t len_bytes,
                    enum fe_layout layout, bool indirect)
{
    unsigned header_bytes = fe_header_bytes(fe);
    uint64_t at = fe_alloc(fe, header_bytes + len_bytes, 1);
    struct fe_buffer *buffers = malloc((header_bytes + len_bytes) * sizeof(*buffers));

    memcpy(fe_at(fe, at), &fe->tx_header, header_bytes);
    memcpy((uint8_t *)fe_at(fe, at) + header_bytes, frame, len_bytes);
    fe_add(fe, FE_TX, buffers, cut(fe, at, header_bytes + len_bytes, layout, buffers), 0, indirect);
    free(buffers);
}

void fe_transmit(struct front_end *fe, const void *frame, size_t len_bytes)
{
    fe_queue_frame(fe, frame, len_bytes, FE_HEADER_ALONE, false);
    fe_kick(fe, FE_TX);
}

unsigned fe_reap_transmitted(struct front_end *fe)
{
    struct fe_chain chain;
    uint32_t len_bytes;
    unsigned count = 0;

    while (fe_get_used(fe, FE_TX, &chain, &len_bytes)) {
        free(chain.buffers);
        /* The device has written nothing. */
        assert_int_equal(len_bytes, 0);
        count++;
    }
    return count;
}

void fe_post(struct front_end *fe, size_t len_bytes, enum fe_layout layout, bool indirect)
{
    uint64_t at = fe_alloc(fe, len_bytes, 1);
    struct fe_buffer *buffers = malloc(len_bytes * sizeof(*buffers));

    memset(fe_at(fe, at), 0xee, len_bytes);
    fe_add(fe, FE_RX, buffers, 0, cut(fe, at, len_bytes, layout, buffers), indirect);
    free(buffers);
}

/* Append what the device wrote into a chain. */
static void gather(struct front_end *fe, struct fe_chain *chain, uint32_t used_bytes,
                   struct fe_frame *frame)
{
    for (unsigned i = 0; i < chain->buffer_count && used_bytes; i++) {
        uint32_t part_bytes = chain->buffers[i].len_bytes;

        if (part_bytes > used_bytes)
            part_bytes = used_bytes;
        frame->data = realloc(frame->data, frame->len_bytes + part_bytes);
        memcpy(frame->data + frame->len_bytes, fe_at(fe, chain->buffers[i].addr), part_bytes);
        frame->len_bytes += part_bytes;
        used_bytes -= part_bytes;
    }
    assert_int_equal(used_bytes, 0);
    free(chain->buffers);
}

bool fe_take_frame(struct front_end *fe, struct fe_frame *frame, unsigned *buffers)
{
    unsigned header_bytes = fe_header_bytes(fe);
    struct ttb__net_header header = {0};
    struct fe_chain chain;
    uint32_t used_bytes;

    *frame = (struct fe_frame){0};
    if (!fe_get_used(fe, FE_RX, &chain, &used_bytes))
        return false;
    gather(fe, &chain, used_bytes, frame);
    assert_true(frame->len_bytes >= header_bytes);
    memcpy(&header, frame->data, header_bytes);
    if (!fe->opts.offload) {
        assert_int_equal(header.flags, 0);
        assert_int_equal(header.gso_type, 0);
    }
    fe->rx_header = header;
    if (header_bytes == 12)
        assert_true(header.num_buffers >= 1);
    else
        header.num_buffers = 1;
    for (unsigned i = 1; i < header.num_buffers; i++) {
        assert_true(fe_get_used(fe, FE_RX, &chain, &used_bytes));
        gather(fe, &chain, used_bytes, frame);
    }
    frame->len_bytes -= header_bytes;
    memmove(frame->data, frame->data + header_bytes, frame->len_bytes);
    if (buffers)
        *buffers = header.num_buffers;
    return true;
}

void fe_make_frame(uint8_t *frame, size_t len_bytes, unsigned seed)
{
    for (size_t i = 0; i < len_bytes; i++)
        frame[i] = (uint8_t)(i * 31 + seed * 7 + (i >> 8));
    if (len_bytes > 13) {
        frame[12] = 0x88; /* local experimental EtherType */
        frame[13] = 0xb5;
    }
}

void fe_assert_sent(struct front_end *fe, unsigned which, const void *frame, size_t len_bytes)
{
    assert_true(which < fe->sent_count);
    assert_int_equal(fe->sent[which].len_bytes, len_bytes);
    assert_memory_equal(fe->sent[which].data, frame, len_bytes);
}

void fe_forget_sent(struct front_end *fe)
{
    for (unsigned i = 0; i < fe->sent_count; i++)
        free(fe->sent[i].data);
    fe->sent_count = 0;
}
