/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings, descriptors, messages and memory that are random, with fixed seeds: the device may close,
 * and must do nothing else that is visible. The sanitizers do the looking; without them the test
 * still shows that nothing crashes, hangs or leaks.
 */
#include "front_end.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"

#define ROUNDS 400
#define STEPS  100

static uint8_t frame[1514] = {[12] = 0x88, [13] = 0xb5};

static void ignore(struct front_end *fe, const void *data, size_t len_bytes)
{
    uint32_t sum = 0;

    (void)fe;
    for (size_t i = 0; i < len_bytes; i++)
        sum += ((const uint8_t *)data)[i];
    assert_true(len_bytes >= 14 && len_bytes <= 1518 && sum <= 255u * 1518);
}

/* A number that is often at some border. */
static uint64_t odd_number(struct ttb__random *random, uint64_t base)
{
    static const uint64_t borders[] = {0, 1, 255, 256, 32768, 65535, 0xffffffff, UINT64_MAX};

    switch (ttb__random_u32(random) % 6) {
    case 0:
        return borders[ttb__random_u32(random) % 8];
    case 1:
        return base + ttb__random_u32(random) % 64 - 32;
    case 2:
        return base + ttb__random_u32(random) % FE_MEMORY_BYTES;
    case 3:
        return ttb__random_u32(random) % 300;
    case 4:
        return ((uint64_t)ttb__random_u32(random) << 32) | ttb__random_u32(random);
    default:
        return base;
    }
}

static void spoil_desc(struct ttb__random *random, struct ttb__ring_desc *desc, uint64_t base)
{
    switch (ttb__random_u32(random) % 5) {
    case 0:
        desc->addr = odd_number(random, base);
        break;
    case 1:
        desc->len_bytes = (uint32_t)odd_number(random, desc->len_bytes);
        break;
    case 2:
        desc->flags = (uint16_t)(ttb__random_u32(random) % 8);
        break;
    case 3:
        desc->next = (uint16_t)odd_number(random, desc->next);
        break;
    default:
        *desc = (struct ttb__ring_desc){
            .addr = base + ttb__random_u32(random) % FE_MEMORY_BYTES,
            .len_bytes = ttb__random_u32(random) % 3000,
            .flags = (uint16_t)(ttb__random_u32(random) % 8),
            .next = (uint16_t)(ttb__random_u32(random) % 256),
        };
    }
}

static void spoil(struct front_end *fe, struct ttb__random *random)
{
    struct fe_queue *queue = &fe->queues[ttb__random_u32(random) % 2];
    uint64_t base = fe->regions[0].guest_addr;
    struct ttb__ring_desc *table;

    switch (ttb__random_u32(random) % 8) {
    case 0:
        queue->avail[1] += (uint16_t)(ttb__random_u32(random) % 4);
        break;
    case 1:
        if (ttb__random_u32(random) % 16 == 0)
            queue->avail[1] = (uint16_t)odd_number(random, queue->avail[1]);
        break;
    case 2:
        queue->avail[2 + ttb__random_u32(random) % queue->num] =
            (uint16_t)(ttb__random_u32(random) % (queue->num + 2));
        break;
    case 3:
        queue->used[1] = (uint16_t)ttb__random_u32(random);
        break;
    case 4:
        /* Most tables of indirect descriptors lie here and there in memory. */
        table = (struct ttb__ring_desc *)(fe->memory +
                                          (ttb__random_u32(random) % FE_MEMORY_BYTES & ~15u));
        spoil_desc(random, table, base);
        break;
    default:
        spoil_desc(random, &queue->desc[ttb__random_u32(random) % queue->num], base);
    }
}

static void lawful(struct front_end *fe, struct ttb__random *random)
{
    struct fe_queue *queue = &fe->queues[ttb__random_u32(random) % 2];
    size_t len_bytes = 14 + ttb__random_u32(random) % 1500;
    enum fe_layout layout = ttb__random_u32(random) % FE_LAYOUTS;

    if (layout == FE_BYTES || queue->num < 16)
        layout = FE_TOGETHER;
    /* The bookkeeping of our driver is beyond repair, so descriptors are taken as free. */
    queue->free_descs = queue->num;
    for (unsigned i = 0; i < queue->num; i++) {
        free(queue->chains[i].buffers);
        queue->chains[i].buffers = NULL;
    }
    queue->avail_idx = queue->avail[1];
    if (queue == &fe->queues[FE_TX])
        fe_queue_frame(fe, frame, len_bytes, layout, ttb__random_u32(random) % 2);
    else
        fe_post(fe, len_bytes + 12, layout, ttb__random_u32(random) % 2);
}

static void random_features(struct front_end *fe, struct ttb__random *random)
{
    static const unsigned bits[] = {
        TTB__VIRTIO_F_VERSION_1,
        TTB__VIRTIO_NET_F_MRG_RXBUF,
        TTB__VIRTIO_F_RING_EVENT_IDX,
        TTB__VIRTIO_F_RING_INDIRECT_DESC,
    };

    for (unsigned i = 0; i < 4; i++) {
        if (ttb__random_u32(random) % 4 == 0)
            fe->features &= ~TTB__BIT(bits[i]);
    }
    fe->num = (uint16_t)(1u << (1 + ttb__random_u32(random) % 9));
    fe->region_count = 1u << (ttb__random_u32(random) % 4);
    fe->wall_clock = ttb__random_u32(random) % 4 == 0;
}

static void random_rings_never_do_harm(void **state)
{
    unsigned closed = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct ttb__random random;
        struct front_end fe;

        ttb__random_seed(&random, round, 1);
        fe_init(&fe);
        random_features(&fe, &random);
        fe.on_transmit = ignore;
        fe_connect(&fe);
        fe.next_free = FE_MEMORY_BYTES / 4;
        for (unsigned step = 0; step < STEPS && !fe.closed; step++) {
            unsigned changes = ttb__random_u32(&random) % 3;

            lawful(&fe, &random);
            for (unsigned i = 0; i < changes; i++)
                spoil(&fe, &random);
            if (ttb__random_u32(&random) % 2)
                ttb__netdev_receive_copy(fe.netdev, frame, 14 + ttb__random_u32(&random) % 1501);
            fe_turn(&fe);
            if (fe.closed)
                break;
            fe_kick_async(&fe, ttb__random_u32(&random) % 2);
            fe_turn(&fe);
            if (!fe.closed)
                ttb__netdev_flush_calls(fe.netdev);
            if (fe.backend >= 0)
                fe_answer_calls(&fe);
            fe_turn(&fe);
        }
        assert_true(fe.closed <= 1);
        if (fe.closed)
            assert_true(fe.closed_why[0] != '\0');
        closed += fe.closed;
        fe_close(&fe);
    }
    /* Not everything is harmless, and not everything fatal. */
    assert_in_range(closed, ROUNDS / 4, ROUNDS - 1);
}

static void random_messages_never_do_harm(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct {
            struct ttb__vhost_header header;
            uint8_t payload[TTB__VHOST_PAYLOAD_MAX];
        } __attribute__((packed)) message;
        struct ttb__random random;
        struct front_end fe;

        ttb__random_seed(&random, round, 2);
        fe_init(&fe);
        if (round % 4)
            fe_connect(&fe);
        else
            fe_open(&fe);
        for (unsigned step = 0; step < 20 && !fe.closed; step++) {
            static const uint32_t sizes[] = {0, 4, 8, 12, 20, 40, 72, 264};
            int fds[8];
            unsigned fd_count = ttb__random_u32(&random) % 3 ? 0 : ttb__random_u32(&random) % 9;

            memset(&message, 0, sizeof(message));
            message.header.request = ttb__random_u32(&random) % 40;
            message.header.flags =
                ttb__random_u32(&random) % 8 ? TTB__VHOST_VERSION : ttb__random_u32(&random) % 16;
            if (ttb__random_u32(&random) % 2)
                message.header.flags |= TTB__VHOST_NEED_REPLY;
            message.header.size_bytes = sizes[ttb__random_u32(&random) % 8];
            for (unsigned i = 0; i < message.header.size_bytes / 8; i++) {
                uint64_t value =
                    odd_number(&random, ttb__random_u32(&random) % 2 ? fe.regions[0].user_addr
                                                                     : fe.regions[0].guest_addr);

                if (ttb__random_u32(&random) % 2)
                    value = ttb__random_u32(&random) % 3;
                memcpy(message.payload + i * 8, &value, 8);
            }
            for (unsigned i = 0; i < fd_count; i++)
                fds[i] = ttb__random_u32(&random) % 4 ? fe.memory_fd : fe.socket;
            fe_send_raw(&fe, &message, sizeof(message.header) + message.header.size_bytes, fds,
                        fd_count);
            fe_turn(&fe);
            ttb__netdev_receive_copy(fe.netdev, frame, 100);
            fe_turn(&fe);
        }
        fe_close(&fe);
    }
}

/* A guest that changes its rings while the device reads them, as fast as it can. Which values are
 * seen is up to the scheduler; that they do no harm is not. */
struct racer {
    struct front_end *fe;
    uint64_t seed;
    bool stop;
};

static void *race(void *user)
{
    struct racer *racer = user;
    struct ttb__random random;

    ttb__random_seed(&random, racer->seed, 3);
    while (!__atomic_load_n(&racer->stop, __ATOMIC_RELAXED)) {
        for (unsigned i = 0; i < FE_QUEUES; i++) {
            struct fe_queue *queue = &racer->fe->queues[i];
            struct ttb__ring_desc *desc = &queue->desc[ttb__random_u32(&random) % queue->num];
            uint16_t used = __atomic_load_n(&queue->used[1], __ATOMIC_RELAXED);

            uint16_t ahead = (uint16_t)(1 + ttb__random_u32(&random) % queue->num);

            /* At times further ahead than is lawful: right for a device that has just popped some. */
            if (ttb__random_u32(&random) % 4 == 0)
                ahead = (uint16_t)(ahead + queue->num);
            __atomic_store_n(&queue->avail[1], (uint16_t)(used + ahead), __ATOMIC_RELAXED);
            __atomic_store_n(&desc->len_bytes, 12 + ttb__random_u32(&random) % 60,
                             __ATOMIC_RELAXED);
            __atomic_store_n(&desc->next, (uint16_t)(ttb__random_u32(&random) % queue->num),
                             __ATOMIC_RELAXED);
            __atomic_store_n(&desc->flags,
                             (uint16_t)((i == FE_RX ? TTB__DESC_WRITE : 0) |
                                        (ttb__random_u32(&random) % 4 == 0)),
                             __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

static void rings_may_change_while_they_are_read(void **state)
{
    unsigned frames = 0;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct front_end fe;
        struct racer racer = {.fe = &fe, .seed = round};
        pthread_t thread;

        fe_init(&fe);
        fe.num = 4;
        fe.on_transmit = ignore;
        fe_connect(&fe);
        for (unsigned i = 0; i < FE_QUEUES; i++) {
            for (unsigned k = 0; k < fe.num; k++) {
                fe.queues[i].desc[k] = (struct ttb__ring_desc){
                    .addr = fe_guest_addr(&fe, (1u << 20) + k * 4096),
                    .len_bytes = 60,
                    .flags = i == FE_RX ? TTB__DESC_WRITE : 0,
                };
                fe.queues[i].avail[2 + k] = (uint16_t)k;
            }
        }
        assert_int_equal(pthread_create(&thread, NULL, race, &racer), 0);
        for (unsigned step = 0; step < 300 && !fe.closed; step++) {
            /* 600 bytes need more buffers than the ring has descriptors, were it not for new ones. */
            if (ttb__netdev_receive_copy(fe.netdev, frame, step % 2 ? 600 : 60) == 0)
                frames++;
            fe_turn(&fe);
            if (fe.closed)
                break;
            fe_kick_async(&fe, FE_TX);
            fe_turn(&fe);
        }
        __atomic_store_n(&racer.stop, true, __ATOMIC_RELAXED);
        pthread_join(thread, NULL);
        fe_close(&fe);
    }
    assert_true(frames > 0);
}

static void a_front_end_that_truncates_its_memory_is_told_so(void **state)
{
    static const char why[] = "memory region 0 at guest address 0x10000000 was truncated while "
                              "mapped";

    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct front_end fe;

        fe_init(&fe);
        fe_connect(&fe);
        fe_post(&fe, 1600, FE_TOGETHER, false);
        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        assert_int_equal(ftruncate(fe.memory_fd, 0), 0);
        if (how == 0)
            assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 100), -ECONNRESET);
        else if (how == 1)
            fe_kick_async(&fe, FE_TX);
        else
            fe_kick_async(&fe, FE_RX);
        if (how < 2) {
            fe_expect_closed(&fe, -EFAULT, why);
        } else {
            fe_turn(&fe);
            assert_int_equal(fe.closed, 1);
            assert_string_equal(fe.closed_why, why);
        }
        fe_close(&fe);
    }
}

/* Two devices, one frame from one to the other, and the receiver's memory is gone: only that one
 * closes. */
static struct front_end *other;

static void pass_on(struct front_end *fe, const void *data, size_t len_bytes)
{
    (void)fe;
    assert_int_equal(ttb__netdev_receive_copy(other->netdev, data, len_bytes), -ECONNRESET);
}

static void truncation_within_a_transmission_closes_the_right_device(void **state)
{
    struct front_end from, to;

    (void)state;
    fe_init(&to);
    fe_connect(&to);
    fe_init(&from);
    from.on_transmit = pass_on;
    other = &to;
    fe_connect(&from);
    fe_post(&to, 1600, FE_TOGETHER, false);
    assert_int_equal(ftruncate(to.memory_fd, 0), 0);
    fe_transmit(&from, frame, sizeof(frame));
    fe_turn(&from);
    fe_turn(&to);
    assert_int_equal(from.closed, 0);
    assert_int_equal(to.closed, 1);
    assert_int_equal(fe_reap_transmitted(&from), 1);
    from.fds_before = -1; /* it was opened while `to` was: only the last one can count */
    fe_close(&from);
    fe_close(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rings_never_do_harm),
        cmocka_unit_test(random_messages_never_do_harm),
        cmocka_unit_test(rings_may_change_while_they_are_read),
        cmocka_unit_test(a_front_end_that_truncates_its_memory_is_told_so),
        cmocka_unit_test(truncation_within_a_transmission_closes_the_right_device),
    };

    return cmocka_run_group_tests_name("vhost corruption", tests, NULL, NULL);
}
