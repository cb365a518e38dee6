/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzzes the vhost-user device from the front end's side: the input is a program of messages,
 * changes of guest memory, kicks, frames and replies.
 *
 * With libFuzzer:  clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Ibridge
 *                  -Ibridge/include fuzz/fuzz_vhost.c bridge/vhost/[a-z]*.c bridge/base/[a-z]*.c
 * Without:         add -DTTB_FUZZ_MAIN (any compiler); it runs the files that are named.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ttbridge/loop.h>

#include "base/socket.h"
#include "vhost/netdev.h"
#include "vhost/wire.h"

#define MEMORY_BYTES (256u << 10)
#define GUEST        0x100000ULL
#define USER         0x7f0000000000ULL
#define NUM          64u
#define QUEUE_BYTES  0x4000u /* rings of queue i lie at i * QUEUE_BYTES */
#define USED_AT      0x2000u
#define AVAIL_AT     0x1000u

struct fuzz {
    struct ttb_loop loop;
    struct ttb__netdev *netdev;
    int socket, backend, memory_fd;
    uint8_t *memory;
    bool closed;
    const uint8_t *next, *end;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void on_transmit(void *user, struct ttb_frame *frame)
{
    struct fuzz *fuzz = user;

    if (frame->len_bytes < 14 || frame->len_bytes > 1518)
        abort();
    ttb__netdev_receive(fuzz->netdev, frame);
}

static bool on_kicked(void *user, unsigned sent, bool calls_wanted)
{
    (void)user;
    return sent % 2 || calls_wanted;
}

static void on_closed(void *user, int err, const char *why)
{
    struct fuzz *fuzz = user;

    if (fuzz->closed || (err != 0 && why[0] == '\0'))
        abort();
    fuzz->closed = true;
}

static const struct ttb__netdev_ops ops = {
    .transmit = on_transmit,
    .kicked = on_kicked,
    .closed = on_closed,
};

static uint8_t take8(struct fuzz *fuzz)
{
    return fuzz->next < fuzz->end ? *fuzz->next++ : 0;
}

static uint16_t take16(struct fuzz *fuzz)
{
    uint16_t low = take8(fuzz);

    return (uint16_t)(low | take8(fuzz) << 8);
}

static size_t take(struct fuzz *fuzz, uint8_t *to, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        to[i] = take8(fuzz);
    return len_bytes;
}

/* Turns are bounded: a device that is busy for ever shows as a timeout of the fuzzer. */
static void turn(struct fuzz *fuzz)
{
    uint8_t sink[4096];

    while (fuzz->loop.ops->turn(fuzz->loop.impl, 0) > 0)
        continue;
    while (recv(fuzz->socket, sink, sizeof(sink), MSG_DONTWAIT) > 0)
        continue;
    if (ttb__netdev_owes_reply(fuzz->netdev))
        ttb__netdev_reply(fuzz->netdev);
}

static void message(struct fuzz *fuzz, uint32_t request, uint32_t flags, const void *payload,
                    uint32_t len_bytes, const int *fds, size_t fd_count)
{
    uint8_t data[sizeof(struct ttb__vhost_header) + 512];
    struct ttb__vhost_header header = {request, flags, len_bytes};

    memcpy(data, &header, sizeof(header));
    if (len_bytes)
        memcpy(data + sizeof(header), payload, len_bytes);
    ttb__socket_send(fuzz->socket, data, sizeof(header) + len_bytes, fds, fd_count, 0);
    turn(fuzz);
}

/* What virtio_uml does before the first frame. */
static void attach(struct fuzz *fuzz, uint64_t features, uint64_t protocol_features)
{
    struct ttb__vhost_mem_table table = {
        .count = 2,
        .regions = {{GUEST, MEMORY_BYTES / 2, USER, 0},
                    {GUEST + MEMORY_BYTES / 2, MEMORY_BYTES / 2, USER + MEMORY_BYTES / 2,
                     MEMORY_BYTES / 2}},
    };
    int fds[2] = {fuzz->memory_fd, fuzz->memory_fd};

    message(fuzz, TTB__VHOST_SET_PROTOCOL_FEATURES, TTB__VHOST_VERSION, &protocol_features, 8, NULL,
            0);
    message(fuzz, TTB__VHOST_SET_FEATURES, TTB__VHOST_VERSION, &features, 8, NULL, 0);
    if (protocol_features & TTB__BIT(TTB__VHOST_P_BACKEND_REQ)) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
            fuzz->backend = pair[0];
            message(fuzz, TTB__VHOST_SET_BACKEND_REQ_FD, TTB__VHOST_VERSION, NULL, 0, &pair[1], 1);
            close(pair[1]);
        }
    }
    message(fuzz, TTB__VHOST_SET_MEM_TABLE, TTB__VHOST_VERSION, &table, 72, fds, 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct ttb__vhost_vring_state num = {i, NUM}, enable = {i, 1};
        struct ttb__vhost_vring_addr addr = {
            .index = i,
            .desc = USER + i * QUEUE_BYTES,
            .avail = USER + i * QUEUE_BYTES + AVAIL_AT,
            .used = USER + i * QUEUE_BYTES + USED_AT,
        };

        message(fuzz, TTB__VHOST_SET_VRING_NUM, TTB__VHOST_VERSION, &num, 8, NULL, 0);
        message(fuzz, TTB__VHOST_SET_VRING_ADDR, TTB__VHOST_VERSION, &addr, 40, NULL, 0);
        message(fuzz, TTB__VHOST_SET_VRING_ENABLE, TTB__VHOST_VERSION, &enable, 8, NULL, 0);
    }
}

/* A descriptor, an available entry and the index, as a driver would, but with the input's numbers. */
static void add_chain(struct fuzz *fuzz)
{
    uint32_t queue = take8(fuzz) % 2, slot = take8(fuzz) % NUM;
    uint8_t *rings = fuzz->memory + queue * QUEUE_BYTES;
    uint16_t *avail = (uint16_t *)(rings + AVAIL_AT);
    struct ttb__ring_desc desc = {
        .addr = GUEST + take16(fuzz) * 4u,
        .len_bytes = take16(fuzz),
        .flags = take8(fuzz),
        .next = take8(fuzz),
    };

    memcpy(rings + slot * sizeof(desc), &desc, sizeof(desc));
    if (desc.flags & 0x80)
        return; /* the middle of a chain */
    avail[2 + avail[1] % NUM] = (uint16_t)slot;
    avail[1]++;
}

static void step(struct fuzz *fuzz)
{
    struct ttb__vhost_vring_state state = {0};
    uint8_t data[512], op = take8(fuzz);
    int fds[4] = {fuzz->memory_fd, fuzz->socket, fuzz->memory_fd, fuzz->memory_fd};
    uint32_t request, flags;
    size_t len_bytes, fd_count;

    switch (op % 10) {
    case 0:
        request = take8(fuzz);
        flags = take8(fuzz);
        fd_count = take8(fuzz) % 5;
        len_bytes = take8(fuzz) * 2u;
        take(fuzz, data, len_bytes);
        message(fuzz, request, flags, data, (uint32_t)len_bytes, fds, fd_count);
        break;
    case 1:
        len_bytes = take8(fuzz) % 32;
        take(fuzz, data, len_bytes);
        ttb__socket_send(fuzz->socket, data, len_bytes, NULL, 0, 0);
        break;
    case 2:
        len_bytes = take16(fuzz) * 4u;
        fuzz->memory[len_bytes % MEMORY_BYTES] = take8(fuzz);
        break;
    case 3:
    case 4:
        add_chain(fuzz);
        break;
    case 5:
        memset(data, op, sizeof(data));
        ttb__netdev_receive_copy(fuzz->netdev, data, take16(fuzz) % sizeof(data));
        break;
    case 6:
        state.index = take8(fuzz) % 2;
        message(fuzz, TTB__VHOST_VRING_KICK, TTB__VHOST_VERSION | TTB__VHOST_NEED_REPLY, &state, 8,
                NULL, 0);
        break;
    case 7:
        ttb__netdev_flush_calls(fuzz->netdev);
        ttb__netdev_set_carrier(fuzz->netdev, op & 0x80);
        break;
    case 8:
        len_bytes = take8(fuzz) % 64;
        take(fuzz, data, len_bytes);
        if (fuzz->backend >= 0)
            send(fuzz->backend, data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    default:
        turn(fuzz);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct fuzz fuzz = {.backend = -1, .next = data, .end = data + size_bytes};
    struct ttb__netdev_opts opts = {.mtu = 1500, .backlog_frames = 8};
    uint64_t features = TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES);
    uint8_t choice = take8(&fuzz);
    int pair[2];

    if (size_bytes > 8192 || ttb_loop_open_epoll(&fuzz.loop))
        return 0;
    opts.wall_clock = choice & 1;
    if (choice & 2)
        features |= TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF);
    if (choice & 4)
        features |= TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX);
    if (choice & 8)
        features |= TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC);
    if (choice & 16)
        features |= TTB__BIT(TTB__VIRTIO_F_VERSION_1) | TTB__BIT(TTB__VIRTIO_NET_F_STATUS);
    fuzz.memory_fd = memfd_create("fuzz", 0);
    if (fuzz.memory_fd < 0 || ftruncate(fuzz.memory_fd, MEMORY_BYTES) ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        abort();
    fuzz.memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fuzz.memory_fd, 0);
    fuzz.socket = pair[0];
    if (fuzz.memory == MAP_FAILED ||
        ttb__netdev_new(&fuzz.loop, pair[1], &opts, &ops, &fuzz, &fuzz.netdev))
        abort();
    if (!(choice & 32))
        attach(&fuzz, features,
               TTB__BIT(TTB__VHOST_P_REPLY_ACK) | TTB__BIT(TTB__VHOST_P_BACKEND_REQ) |
                   TTB__BIT(TTB__VHOST_P_CONFIG) | TTB__BIT(TTB__VHOST_P_CONFIGURE_MEM_SLOTS) |
                   (opts.wall_clock ? 0 : TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS)));
    while (fuzz.next < fuzz.end && !fuzz.closed)
        step(&fuzz);
    turn(&fuzz);
    ttb__netdev_free(fuzz.netdev);
    ttb_loop_close(&fuzz.loop);
    munmap(fuzz.memory, MEMORY_BYTES);
    close(fuzz.memory_fd);
    close(fuzz.socket);
    if (fuzz.backend >= 0)
        close(fuzz.backend);
    return 0;
}

#ifdef TTB_FUZZ_MAIN
int main(int argc, char **argv)
{
    static uint8_t data[8192];

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");

        if (!file) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
            return 2;
        }
        LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
        fclose(file);
    }
    return 0;
}
#endif
