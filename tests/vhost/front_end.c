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
#define USER_GAP  0x40000000ULL
#define TURNS_MAX 10000

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

/* Mappings of any front end's memory: memfd_create() below gives it the name. */
static int count_mappings(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    int count = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        count += strstr(line, "memfd:front-end") != NULL;
    fclose(maps);
    return count;
}

/* ------------------------------------------------------------------------- the layer above */

static void on_kick(void *user)
{
    ((struct front_end *)user)->kicks++;
}

static void on_transmit(void *user, struct ttb_frame *frame)
{
    struct front_end *fe = user;
    struct fe_frame *slot;
    size_t len_bytes = frame->len_bytes;

    if (fe->on_transmit) {
        fe->on_transmit(fe, frame->data, len_bytes);
        return;
    }
    assert_true(fe->sent_count < FE_FRAMES_MAX);
    slot = &fe->sent[fe->sent_count++];
    slot->len_bytes = len_bytes;
    slot->data = malloc(len_bytes);
    memcpy(slot->data, frame->data, len_bytes);
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

    fe->memory_fd = memfd_create("front-end", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fe->memory_fd >= 0);
    assert_int_equal(ftruncate(fe->memory_fd, FE_FILE_OFFSET + FE_MEMORY_BYTES), 0);
    fe->memory = mmap(NULL, FE_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fe->memory_fd,
                      FE_FILE_OFFSET);
    assert_true(fe->memory != MAP_FAILED);
    for (unsigned i = 0; i < fe->region_count; i++) {
        uint64_t size_bytes = FE_MEMORY_BYTES / fe->region_count;

        fe->regions[i] = (struct ttb__vhost_region){
            .guest_addr = GUEST_BASE + i * size_bytes,
            .size_bytes = size_bytes,
            .user_addr = USER_BASE + (fe->region_count - i) * USER_GAP,
            .mmap_offset = FE_FILE_OFFSET + i * size_bytes,
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
    if (fe->fds_before >= 0) {
        assert_int_equal(fe_count_fds(), fe->fds_before);
        assert_int_equal(count_mappings(), 0);
    }
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

void fe_await_reply(struct front_end *fe, uint32_t request, union ttb__vhost_payload *payload,
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
    fe_await_reply(fe, request, &reply, &reply_bytes);
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
    fe_await_reply(fe, request, &reply, &reply_bytes);
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
    fe_await_reply(fe, TTB__VHOST_GET_CONFIG, &reply, &reply_bytes);
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

bool fe_in_band(const struct front_end *fe)
{
    return fe->protocol_features & TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS);
}

static void setup_ring(struct front_end *fe, unsigned index)
{
    struct fe_queue *queue = &fe->queues[index];

    fe_ring_init(fe, index, fe->num);
    if (!fe_in_band(fe)) {
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
