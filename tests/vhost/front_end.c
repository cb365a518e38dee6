/* SPDX-License-Identifier: BSD-3-Clause */
#include "front_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/socket.h"

#define GUEST_BASE 0x10000000ULL
#define USER_BASE  0x550000000000ULL
/* Regions are neither adjacent in user space nor in file order there. */
#define USER_GAP    0x40000000ULL
#define FILE_OFFSET 0x3000ULL
#define TURNS_MAX   10000

int fe_count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* ------------------------------------------------------------------------- the layer above */

static void on_kick(void *user)
{
    ((struct front_end *)user)->kicks++;
}

static void on_transmit(void *user, const void *frame, size_t len_bytes)
{
    struct front_end *fe = user;
    struct fe_frame *slot;

    if (fe->on_transmit) {
        fe->on_transmit(fe, frame, len_bytes);
        return;
    }
    assert_true(fe->sent_count < FE_FRAMES_MAX);
    slot = &fe->sent[fe->sent_count++];
    slot->len_bytes = len_bytes;
    slot->data = malloc(len_bytes);
    memcpy(slot->data, frame, len_bytes);
}

static void on_transmit_dropped(void *user, const char *why)
{
    struct front_end *fe = user;

    fe->tx_dropped++;
    snprintf(fe->dropped_why, sizeof(fe->dropped_why), "%s", why);
}

static bool on_kicked(void *user, unsigned sent, bool calls_wanted)
{
    struct front_end *fe = user;

    fe->kicked++;
    fe->last_sent = sent;
    fe->last_calls_wanted = calls_wanted;
    return fe->hold;
}

static void on_calls_done(void *user)
{
    ((struct front_end *)user)->calls_done++;
}

static void on_link(void *user, bool up)
{
    struct front_end *fe = user;

    if (up)
        fe->links_up++;
    else
        fe->links_down++;
}

static void on_closed(void *user, int err, const char *why)
{
    struct front_end *fe = user;

    fe->closed++;
    fe->closed_err = err;
    snprintf(fe->closed_why, sizeof(fe->closed_why), "%s", why);
}

static const struct ttb__netdev_ops netdev_ops = {
    .kick = on_kick,
    .transmit = on_transmit,
    .transmit_dropped = on_transmit_dropped,
    .kicked = on_kicked,
    .calls_done = on_calls_done,
    .link = on_link,
    .closed = on_closed,
};

/* ------------------------------------------------------------------------------------ life */

void fe_init(struct front_end *fe)
{
    memset(fe, 0, sizeof(*fe));
    fe->features = TTB__BIT(TTB__VIRTIO_NET_F_MAC) | TTB__BIT(TTB__VIRTIO_NET_F_STATUS) |
                   TTB__BIT(TTB__VIRTIO_NET_F_MTU) | TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF) |
                   TTB__BIT(TTB__VIRTIO_F_ANY_LAYOUT) | TTB__BIT(TTB__VIRTIO_F_VERSION_1) |
                   TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC) |
                   TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX) |
                   TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES);
    fe->protocol_features = FE_DEFAULT_PROTOCOL;
    fe->num = 256;
    fe->region_count = 1;
    fe->opts = (struct ttb__netdev_opts){
        .name = "eth0",
        .mac = {2, 0x74, 0x74, 0, 1, 0},
        .mtu = 1500,
        .carrier = true,
        .backlog_frames = 16,
    };
    fe->socket = fe->backend = fe->memory_fd = -1;
    fe->fds_before = fe_count_fds();
}

void fe_open(struct front_end *fe)
{
    int pair[2];

    fe->opts.wall_clock = fe->wall_clock;
    assert_int_equal(ttb_loop_open_epoll(&fe->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fe->socket = pair[0];
    assert_int_equal(ttb__netdev_new(&fe->loop, pair[1], &fe->opts, &netdev_ops, fe, &fe->netdev),
                     0);

    fe->memory_fd = memfd_create("front end", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fe->memory_fd >= 0);
    assert_int_equal(ftruncate(fe->memory_fd, FILE_OFFSET + FE_MEMORY_BYTES), 0);
    fe->memory =
        mmap(NULL, FE_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fe->memory_fd, FILE_OFFSET);
    assert_true(fe->memory != MAP_FAILED);
    for (unsigned i = 0; i < fe->region_count; i++) {
        uint64_t size_bytes = FE_MEMORY_BYTES / fe->region_count;

        fe->regions[i] = (struct ttb__vhost_region){
            .guest_addr = GUEST_BASE + i * size_bytes,
            .size_bytes = size_bytes,
            .user_addr = USER_BASE + (fe->region_count - i) * USER_GAP,
            .mmap_offset = FILE_OFFSET + i * size_bytes,
        };
    }
    for (unsigned i = 0; i < FE_QUEUES; i++)
        fe->queues[i].kick_fd = fe->queues[i].call_fd = -1;
}

void fe_turn(struct front_end *fe)
{
    while (fe->loop.ops->turn(fe->loop.impl, 0) > 0)
        continue;
}

void fe_close(struct front_end *fe)
{
    ttb__netdev_free(fe->netdev);
    ttb_loop_close(&fe->loop);
    fe_forget_sent(fe);
    for (unsigned i = 0; i < FE_QUEUES; i++)
        fe_ring_free(fe, i);
    if (fe->socket >= 0)
        close(fe->socket);
    if (fe->backend >= 0)
        close(fe->backend);
    munmap(fe->memory, FE_MEMORY_BYTES);
    close(fe->memory_fd);
    if (fe->fds_before >= 0)
        assert_int_equal(fe_count_fds(), fe->fds_before);
}

void fe_expect_closed(struct front_end *fe, int err, const char *why)
{
    for (int i = 0; i < 16 && !fe->closed; i++)
        fe_turn(fe);
    assert_int_equal(fe->closed, 1);
    assert_string_equal(fe->closed_why, why);
    assert_int_equal(fe->closed_err, err);
    fe_turn(fe);
    assert_int_equal(fe->closed, 1);
}

/* -------------------------------------------------------------------------------- messages */

void fe_send_raw(struct front_end *fe, const void *data, size_t len_bytes, const int *fds,
                 size_t fd_count)
{
    int rc = ttb__socket_send(fe->socket, data, len_bytes, fds, fd_count, 1000);

    /* Some tests go on talking to a device that has hung up. */
    if (rc != -EPIPE || !fe->closed)
        assert_int_equal(rc, 0);
}

void fe_send(struct front_end *fe, uint32_t request, uint32_t flags, const void *payload,
             size_t len_bytes, const int *fds, size_t fd_count)
{
    struct {
        struct ttb__vhost_header header;
        uint8_t payload[1024];
    } __attribute__((packed)) message;

    assert_true(len_bytes <= sizeof(message.payload));
    message.header = (struct ttb__vhost_header){
        .request = request,
        .flags = TTB__VHOST_VERSION | flags,
        .size_bytes = (uint32_t)len_bytes,
    };
    if (len_bytes)
        memcpy(message.payload, payload, len_bytes);
    fe_send_raw(fe, &message, sizeof(message.header) + len_bytes, fds, fd_count);
}

bool fe_reply(struct front_end *fe, uint32_t request, union ttb__vhost_payload *payload,
              size_t *len_bytes)
{
    struct ttb__vhost_header header;
    ssize_t got = recv(fe->socket, &header, sizeof(header), MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return false;
    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
        fe_turn(fe);
        fail_msg("no reply to %u: closed with \"%s\"", request, fe->closed_why);
    }
    assert_int_equal(got, sizeof(header));
    assert_int_equal(header.request, request);
    /* vhost_user_recv_resp() in virtio_uml.c is as strict. */
    assert_int_equal(header.flags, TTB__VHOST_VERSION | TTB__VHOST_REPLY);
    assert_true(header.size_bytes <= sizeof(*payload));
    assert_int_equal(recv(fe->socket, payload, header.size_bytes, MSG_DONTWAIT), header.size_bytes);
    *len_bytes = header.size_bytes;
    return true;
}

static void await_reply(struct front_end *fe, uint32_t request, union ttb__vhost_payload *payload,
                        size_t *len_bytes)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        fe->loop.ops->turn(fe->loop.impl, 0);
        if (fe_reply(fe, request, payload, len_bytes))
            return;
    }
    fail_msg("no reply to request %u", request);
}

uint64_t fe_request_status(struct front_end *fe, uint32_t request, const void *payload,
                           size_t len_bytes, const int *fds, size_t fd_count)
{
    union ttb__vhost_payload reply;
    size_t reply_bytes;

    if (!(fe->protocol_features & TTB__BIT(TTB__VHOST_P_REPLY_ACK)) ||
        request == TTB__VHOST_SET_OWNER) {
        fe_send(fe, request, 0, payload, len_bytes, fds, fd_count);
        fe_turn(fe);
        return 0;
    }
    fe_send(fe, request, TTB__VHOST_NEED_REPLY, payload, len_bytes, fds, fd_count);
    await_reply(fe, request, &reply, &reply_bytes);
    assert_int_equal(reply_bytes, sizeof(uint64_t));
    return reply.u64;
}

void fe_request(struct front_end *fe, uint32_t request, const void *payload, size_t len_bytes,
                const int *fds, size_t fd_count)
{
    assert_int_equal(fe_request_status(fe, request, payload, len_bytes, fds, fd_count), 0);
}

uint64_t fe_get_u64(struct front_end *fe, uint32_t request)
{
    union ttb__vhost_payload reply;
    size_t reply_bytes;

    fe_send(fe, request, 0, NULL, 0, NULL, 0);
    await_reply(fe, request, &reply, &reply_bytes);
    assert_int_equal(reply_bytes, sizeof(uint64_t));
    return reply.u64;
}

void fe_vring_state(struct front_end *fe, uint32_t request, uint32_t index, uint32_t num)
{
    struct ttb__vhost_vring_state state = {.index = index, .num = num};

    fe_request(fe, request, &state, sizeof(state), NULL, 0);
}

void fe_send_mem_table(struct front_end *fe)
{
    struct ttb__vhost_mem_table table = {.count = fe->region_count};
    int fds[FE_REGIONS_MAX];
    size_t len_bytes = 8 + fe->region_count * sizeof(table.regions[0]);

    for (unsigned i = 0; i < fe->region_count; i++) {
        table.regions[i] = fe->regions[i];
        fds[i] = fe->memory_fd;
    }
    /* As UML does: room for two, one filled. */
    if (fe->region_count == 1)
        len_bytes += sizeof(table.regions[0]);
    fe_request(fe, TTB__VHOST_SET_MEM_TABLE, &table, len_bytes, fds, fe->region_count);
}

void fe_send_vring_addr(struct front_end *fe, unsigned index)
{
    const struct fe_queue *queue = &fe->queues[index];
    struct ttb__vhost_vring_addr addr = {
        .index = index,
        .desc = fe_user_addr(fe, queue->desc_addr),
        .avail = fe_user_addr(fe, queue->avail_addr),
        .used = fe_user_addr(fe, queue->used_addr),
        .log = UINT64_MAX,
    };

    fe_request(fe, TTB__VHOST_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
}

void fe_get_config(struct front_end *fe, uint32_t offset, void *data, uint32_t len_bytes)
{
    /* UML always asks from 0 on. */
    struct ttb__vhost_config config = {.offset = 0, .size_bytes = offset + len_bytes};
    union ttb__vhost_payload reply;
    size_t reply_bytes, want_bytes = TTB__VHOST_CONFIG_HEADER + offset + len_bytes;

    fe_send(fe, TTB__VHOST_GET_CONFIG, 0, &config, want_bytes, NULL, 0);
    await_reply(fe, TTB__VHOST_GET_CONFIG, &reply, &reply_bytes);
    assert_int_equal(reply_bytes, want_bytes);
    assert_int_equal(reply.config.size_bytes, offset + len_bytes);
    memcpy(data, reply.config.data + offset, len_bytes);
}

static void make_backend_channel(struct front_end *fe)
{
    int pair[2];

    if (fe->backend >= 0)
        close(fe->backend);
    /* os_pipe() of UML is a stream socket pair. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fe->backend = pair[0];
    fe_request(fe, TTB__VHOST_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1);
    close(pair[1]);
}

void fe_negotiate(struct front_end *fe)
{
    uint64_t protocol;

    fe_request(fe, TTB__VHOST_SET_OWNER, NULL, 0, NULL, 0);
    fe->offered = fe_get_u64(fe, TTB__VHOST_GET_FEATURES);
    if (fe->offered & fe->features & TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES)) {
        fe->offered_protocol = fe_get_u64(fe, TTB__VHOST_GET_PROTOCOL_FEATURES);
        protocol = fe->protocol_features & fe->offered_protocol;
        fe->protocol_features = protocol;
        fe_request(fe, TTB__VHOST_SET_PROTOCOL_FEATURES, &protocol, sizeof(protocol), NULL, 0);
        if (protocol & TTB__BIT(TTB__VHOST_P_BACKEND_REQ))
            make_backend_channel(fe);
    } else {
        fe->protocol_features = 0;
    }
    fe->features &= fe->offered;
    fe_request(fe, TTB__VHOST_SET_FEATURES, &fe->features, sizeof(fe->features), NULL, 0);
}

static void set_vring_fd(struct front_end *fe, uint32_t request, unsigned index, int fd)
{
    uint64_t value = index;

    fe_request(fe, request, &value, sizeof(value), &fd, 1);
}

static bool in_band(const struct front_end *fe)
{
    return fe->protocol_features & TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS);
}

static void setup_ring(struct front_end *fe, unsigned index)
{
    struct fe_queue *queue = &fe->queues[index];

    fe_ring_init(fe, index, fe->num);
    if (!in_band(fe)) {
        queue->kick_fd = eventfd(0, EFD_CLOEXEC); /* blocking, as UML's */
        if (fe->call_by_pipe) {
            int fds[2];

            assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
            queue->call_fd = fds[0];
            assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
            set_vring_fd(fe, TTB__VHOST_SET_VRING_CALL, index, fds[1]);
            close(fds[1]);
        } else {
            queue->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            set_vring_fd(fe, TTB__VHOST_SET_VRING_CALL, index, queue->call_fd);
        }
    }
    fe_vring_state(fe, TTB__VHOST_SET_VRING_NUM, index, fe->num);
    fe_vring_state(fe, TTB__VHOST_SET_VRING_BASE, index, 0);
    fe_send_vring_addr(fe, index);
}

void fe_start(struct front_end *fe)
{
    fe->next_free = 0;
    fe_send_mem_table(fe);
    for (unsigned i = 0; i < FE_QUEUES; i++)
        setup_ring(fe, i);
    for (unsigned i = 0; i < FE_QUEUES; i++) {
        if (fe->queues[i].kick_fd >= 0)
            set_vring_fd(fe, TTB__VHOST_SET_VRING_KICK, i, fe->queues[i].kick_fd);
        if (fe->features & TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES))
            fe_vring_state(fe, TTB__VHOST_SET_VRING_ENABLE, i, 1);
    }
}

void fe_stop(struct front_end *fe)
{
    for (unsigned i = FE_QUEUES; i-- > 0;)
        fe_vring_state(fe, TTB__VHOST_SET_VRING_ENABLE, i, 0);
    fe_get_u64(fe, TTB__VHOST_GET_FEATURES);
    for (unsigned i = 0; i < FE_QUEUES; i++)
        fe_ring_free(fe, i);
}

void fe_connect(struct front_end *fe)
{
    fe_open(fe);
    fe_negotiate(fe);
    fe_start(fe);
    assert_int_equal(fe->links_up, 1);
}

unsigned fe_answer_calls(struct front_end *fe)
{
    unsigned count = 0;

    for (;;) {
        struct ttb__vhost_header header;
        struct ttb__vhost_vring_state state = {0};
        struct ttb__vhost_u64_message reply;
        ssize_t got = recv(fe->backend, &header, sizeof(header), MSG_DONTWAIT);

        if (got <= 0)
            return count;
        assert_int_equal(got, sizeof(header));
        /* vhost_user_recv_req() in virtio_uml.c */
        assert_int_equal(header.flags & ~TTB__VHOST_NEED_REPLY, TTB__VHOST_VERSION);
        assert_true(header.size_bytes <= sizeof(state));
        if (header.size_bytes)
            assert_int_equal(recv(fe->backend, &state, header.size_bytes, MSG_DONTWAIT),
                             header.size_bytes);
        if (header.request == TTB__VHOST_BACKEND_VRING_CALL) {
            assert_true(state.index < FE_QUEUES);
            fe->calls[state.index]++;
        } else {
            assert_int_equal(header.request, TTB__VHOST_BACKEND_CONFIG_CHANGE);
            fe->config_changes++;
        }
        count++;
        if (!(header.flags & TTB__VHOST_NEED_REPLY))
            continue;
        reply = (struct ttb__vhost_u64_message){
            .header = {.request = header.request,
                       .flags = TTB__VHOST_VERSION | TTB__VHOST_REPLY,
                       .size_bytes = sizeof(reply.value)},
        };
        assert_int_equal(send(fe->backend, &reply, sizeof(reply), MSG_NOSIGNAL), sizeof(reply));
    }
}

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

    return fe->memory + (region->mmap_offset - FILE_OFFSET) + (guest_addr - region->guest_addr);
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

    if (in_band(fe))
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
    if (!in_band(fe) || !(fe->protocol_features & TTB__BIT(TTB__VHOST_P_REPLY_ACK))) {
        fe_turn(fe);
        return;
    }
    await_reply(fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes);
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

    memset(fe_at(fe, at), 0, header_bytes);
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
    assert_int_equal(header.flags, 0);
    assert_int_equal(header.gso_type, 0);
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
