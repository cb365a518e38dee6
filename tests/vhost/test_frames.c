/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in both directions, in every layout that a driver may lawfully choose. */
#include "front_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const size_t frame_sizes[] = {14, 15, 42, 60, 64, 590, 1513, 1514};
#define SIZES (sizeof(frame_sizes) / sizeof(frame_sizes[0]))

static void send_each_layout(struct front_end *fe)
{
    uint8_t frame[1514];
    unsigned seed = 0;

    for (unsigned layout = 0; layout < FE_LAYOUTS; layout++) {
        for (unsigned i = 0; i < SIZES; i++) {
            for (unsigned indirect = 0; indirect < 2; indirect++) {
                if (indirect && !(fe->features & TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC)))
                    continue;
                fe_make_frame(frame, frame_sizes[i], ++seed);
                fe_queue_frame(fe, frame, frame_sizes[i], layout, indirect);
                fe_kick(fe, FE_TX);
                fe_assert_sent(fe, 0, frame, frame_sizes[i]);
                assert_int_equal(fe->sent_count, 1);
                assert_int_equal(fe->last_sent, 1);
                assert_int_equal(fe_reap_transmitted(fe), 1);
                fe_forget_sent(fe);
            }
        }
    }
    assert_int_equal(fe->queues[FE_TX].free_descs, fe->num);
}

static void receive_each_layout(struct front_end *fe)
{
    uint8_t frame[1514];
    unsigned seed = 0;

    for (unsigned layout = 0; layout < FE_LAYOUTS; layout++) {
        for (unsigned i = 0; i < SIZES; i++) {
            for (unsigned indirect = 0; indirect < 2; indirect++) {
                struct fe_frame got;
                unsigned buffers;

                if (indirect && !(fe->features & TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC)))
                    continue;
                fe_make_frame(frame, frame_sizes[i], ++seed);
                fe_post(fe, fe_header_bytes(fe) + 1514, layout, indirect);
                assert_int_equal(ttb__netdev_receive_copy(fe->netdev, frame, frame_sizes[i]), 0);
                assert_true(fe_take_frame(fe, &got, &buffers));
                assert_int_equal(buffers, 1);
                assert_int_equal(got.len_bytes, frame_sizes[i]);
                assert_memory_equal(got.data, frame, frame_sizes[i]);
                free(got.data);
            }
        }
    }
}

/* Every combination of features that changes where bytes lie. */
static void every_layout_under_every_feature_set(void **state)
{
    static const uint64_t choices[] = {
        TTB__BIT(TTB__VIRTIO_F_VERSION_1),
        TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF),
        TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX),
        TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC),
    };

    (void)state;
    for (unsigned mask = 0; mask < 16; mask++) {
        struct front_end fe;

        fe_init(&fe);
        fe.num = 2048; /* room for a chain of single bytes */
        for (unsigned i = 0; i < 4; i++) {
            if (mask & (1u << i))
                fe.features &= ~choices[i];
        }
        fe_connect(&fe);
        send_each_layout(&fe);
        receive_each_layout(&fe);
        fe_close(&fe);
    }
}

/* The table of a chain may have more entries than the ring (virtio_ring.c allows it). */
static void an_indirect_table_may_be_longer_than_the_ring(void **state)
{
    uint8_t frame[1514];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.num = 4;
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_BYTES, true);
    fe_kick(&fe, FE_TX);
    fe_assert_sent(&fe, 0, frame, sizeof(frame));
    fe_close(&fe);
}

/* virtio 1.2, 2.7.5.3.2: normal descriptors may precede the one that refers to a table. */
static void direct_descriptors_may_precede_an_indirect_one(void **state)
{
    uint8_t frame[200];
    struct fe_buffer header;
    struct front_end fe;
    struct fe_queue *queue;
    struct ttb__ring_desc *table;
    uint64_t table_at, data_at;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 9);
    queue = &fe.queues[FE_TX];
    header = (struct fe_buffer){fe_alloc(&fe, 12, 1), 12};
    memset(fe_at(&fe, header.addr), 0, 12);
    data_at = fe_alloc(&fe, sizeof(frame), 1);
    memcpy(fe_at(&fe, data_at), frame, sizeof(frame));
    table_at = fe_alloc(&fe, 32, 16);
    table = fe_at(&fe, table_at);
    table[0] = (struct ttb__ring_desc){data_at, 100, TTB__DESC_NEXT, 1};
    table[1] = (struct ttb__ring_desc){data_at + 100, 100, 0, 0};
    fe_add(&fe, FE_TX, &header, 1, 0, false);
    /* "Write-only" on the reference itself is to be ignored. */
    queue->desc[0].flags = TTB__DESC_NEXT;
    queue->desc[0].next = 1;
    queue->desc[1] = (struct ttb__ring_desc){table_at, 32, TTB__DESC_INDIRECT | TTB__DESC_WRITE, 0};
    fe_kick(&fe, FE_TX);
    fe_assert_sent(&fe, 0, frame, sizeof(frame));
    fe_close(&fe);
}

static void an_indirect_table_need_not_be_aligned(void **state)
{
    uint8_t frame[200];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    for (unsigned i = 0; i < 16; i++) {
        struct fe_queue *queue = &fe.queues[FE_TX];
        uint64_t odd;
        uint16_t head;

        fe_make_frame(frame, sizeof(frame), i);
        fe_queue_frame(&fe, frame, sizeof(frame), FE_HEADER_SPLIT, true);
        head = queue->avail[2 + ((queue->avail_idx - 1) & (queue->num - 1))];
        odd = fe_alloc(&fe, queue->desc[head].len_bytes + 16, 16) + i;
        memcpy(fe_at(&fe, odd), fe_at(&fe, queue->desc[head].addr), queue->desc[head].len_bytes);
        queue->desc[head].addr = odd;
        fe_kick(&fe, FE_TX);
        fe_assert_sent(&fe, i, frame, sizeof(frame));
    }
    fe_close(&fe);
}

static void frames_span_memory_regions(void **state)
{
    uint8_t frame[1514];

    (void)state;
    for (unsigned regions = 2; regions <= 8; regions *= 2) {
        struct front_end fe;
        uint64_t region_bytes = FE_MEMORY_BYTES / regions;

        fe_init(&fe);
        fe.region_count = regions;
        fe_connect(&fe);
        for (unsigned i = 1; i < regions; i++) {
            for (unsigned before = 1; before < 1526; before += 61) {
                struct fe_frame got;

                fe_make_frame(frame, sizeof(frame), i + before);
                fe.next_free = i * region_bytes - before;
                fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
                fe_kick(&fe, FE_TX);
                fe_assert_sent(&fe, 0, frame, sizeof(frame));
                fe_forget_sent(&fe);
                fe_reap_transmitted(&fe);
                fe.next_free = i * region_bytes - before;
                fe_post(&fe, 1526, FE_TOGETHER, false);
                assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
                assert_true(fe_take_frame(&fe, &got, NULL));
                assert_int_equal(got.len_bytes, sizeof(frame));
                assert_memory_equal(got.data, frame, sizeof(frame));
                free(got.data);
            }
        }
        fe_close(&fe);
    }
}

/* An indirect table, too, may lie across the boundary of two regions, even within an entry. */
static void an_indirect_table_spans_memory_regions(void **state)
{
    uint8_t frame[64];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.region_count = 2;
    fe_connect(&fe);
    for (unsigned before = 1; before < 80; before++) {
        struct fe_queue *queue = &fe.queues[FE_TX];
        uint64_t at = fe.regions[1].guest_addr - before;
        uint16_t head;

        fe.next_free = 1u << 20;
        fe_make_frame(frame, sizeof(frame), before);
        fe_queue_frame(&fe, frame, sizeof(frame), FE_HEADER_SPLIT, true);
        head = queue->avail[2 + ((queue->avail_idx - 1) & (queue->num - 1))];
        memcpy(fe_at(&fe, at), fe_at(&fe, queue->desc[head].addr), queue->desc[head].len_bytes);
        queue->desc[head].addr = at;
        fe_kick(&fe, FE_TX);
        fe_assert_sent(&fe, 0, frame, sizeof(frame));
        fe_forget_sent(&fe);
        fe_reap_transmitted(&fe);
    }
    fe_close(&fe);
}

static void a_long_frame_is_merged_over_several_buffers(void **state)
{
    uint8_t frame[9014];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.opts.mtu = 9000;
    fe.num = 1024;
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 3);
    for (size_t buffer_bytes = 12; buffer_bytes <= 9026; buffer_bytes = buffer_bytes * 3 / 2 + 1) {
        size_t need = (sizeof(frame) + 12 + buffer_bytes - 1) / buffer_bytes;
        struct fe_frame got;
        unsigned buffers;

        for (size_t i = 0; i < need; i++)
            fe_post(&fe, buffer_bytes, i % 2 ? FE_TOGETHER : FE_HEADER_ALONE, i % 3 == 0);
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
        assert_true(fe_take_frame(&fe, &got, &buffers));
        assert_int_equal(buffers, need);
        assert_int_equal(got.len_bytes, sizeof(frame));
        assert_memory_equal(got.data, frame, sizeof(frame));
        free(got.data);
        assert_false(fe_take_frame(&fe, &got, NULL));
    }
    fe_close(&fe);
}

/* Too few buffers for the whole frame: nothing is marked used until there are enough. */
static void a_merged_frame_waits_for_enough_buffers(void **state)
{
    uint8_t frame[1514];
    struct fe_frame got;
    unsigned buffers;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 3);
    fe_post(&fe, 600, FE_TOGETHER, false);
    fe_post(&fe, 600, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_false(fe_take_frame(&fe, &got, NULL));
    assert_false(ttb__netdev_has_calls(fe.netdev));
    fe_needs_kick(&fe, FE_RX);
    fe_post(&fe, 600, FE_TOGETHER, false);
    assert_true(fe_needs_kick(&fe, FE_RX));
    fe_kick(&fe, FE_RX);
    assert_true(fe_take_frame(&fe, &got, &buffers));
    assert_int_equal(buffers, 3);
    assert_memory_equal(got.data, frame, sizeof(frame));
    free(got.data);
    assert_true(ttb__netdev_has_calls(fe.netdev));
    fe_close(&fe);
}

static void a_frame_that_can_never_fit_is_dropped(void **state)
{
    uint8_t frame[1514];
    struct fe_frame got;
    struct front_end fe;

    (void)state;
    /* Without merging: the buffer is too small. */
    fe_init(&fe);
    fe.features &= ~TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 3);
    fe_post(&fe, 500, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), -EMSGSIZE);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 488), 0);
    assert_true(fe_take_frame(&fe, &got, NULL));
    assert_int_equal(got.len_bytes, 488);
    free(got.data);
    fe_close(&fe);
    /* With merging: the whole ring is too small. */
    fe_init(&fe);
    fe.num = 4;
    fe_connect(&fe);
    for (unsigned i = 0; i < 4; i++)
        fe_post(&fe, 100, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), -EMSGSIZE);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 388), 0);
    assert_true(fe_take_frame(&fe, &got, NULL));
    assert_int_equal(got.len_bytes, 388);
    free(got.data);
    fe_close(&fe);
}

/* 70,000 frames each way: the indexes wrap at 65536 and chains wrap around the ring's end. */
static void indexes_and_chains_wrap(void **state)
{
    static const uint16_t sizes[] = {4, 256, 32768};

    (void)state;
    for (unsigned s = 0; s < 3; s++) {
        for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
            uint8_t frame[100];
            struct front_end fe;

            fe_init(&fe);
            fe.num = sizes[s];
            if (!event_idx)
                fe.features &= ~TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX);
            fe_connect(&fe);
            for (unsigned i = 0; i < 70000; i++) {
                struct fe_frame got;

                fe_make_frame(frame, sizeof(frame), i);
                /* Three descriptors each: sizes are no multiple, so chains wrap. */
                fe_queue_frame(&fe, frame, sizeof(frame), FE_HEADER_SPLIT, fe.num == 4);
                assert_true(fe_needs_kick(&fe, FE_TX));
                fe_kick(&fe, FE_TX);
                fe_assert_sent(&fe, 0, frame, sizeof(frame));
                fe_forget_sent(&fe);
                assert_int_equal(fe_reap_transmitted(&fe), 1);
                fe_post(&fe, 112, FE_HEADER_ALONE, false);
                /* After the first one, the device wants no kicks for buffers. */
                if (fe_needs_kick(&fe, FE_RX))
                    assert_int_equal(i, 0);
                assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
                assert_true(fe_take_frame(&fe, &got, NULL));
                assert_int_equal(got.len_bytes, sizeof(frame));
                assert_memory_equal(got.data, frame, sizeof(frame));
                free(got.data);
            }
            fe_close(&fe);
        }
    }
}

static void a_full_ring_is_taken_with_one_kick_in_order(void **state)
{
    uint8_t frame[64];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 256; i++) {
            fe_make_frame(frame, sizeof(frame), i);
            fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        }
        assert_true(fe_needs_kick(&fe, FE_TX));
        fe_kick(&fe, FE_TX);
        assert_int_equal(fe.sent_count, 256);
        assert_int_equal(fe.last_sent, 256);
        for (unsigned i = 0; i < 256; i++) {
            fe_make_frame(frame, sizeof(frame), i);
            fe_assert_sent(&fe, i, frame, sizeof(frame));
        }
        assert_int_equal(fe_reap_transmitted(&fe), 256);
        fe_forget_sent(&fe);
    }
    assert_int_equal(fe.kicks, 3);
    fe_close(&fe);
}

static void the_mtu_bounds_frames_both_ways(void **state)
{
    uint8_t frame[1600];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    fe_post(&fe, 1600, FE_TOGETHER, false);
    fe_post(&fe, 1600, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 1515), -EMSGSIZE);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 13), -EINVAL);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 1514), 0);
    fe_transmit(&fe, frame, 1515);
    assert_int_equal(fe.sent_count, 0);
    assert_string_equal(fe.dropped_why, "a frame of 1515 bytes is too long for an MTU of 1500");
    fe_transmit(&fe, frame, 13);
    assert_string_equal(fe.dropped_why, "a frame of 13 bytes is shorter than an Ethernet header");
    assert_int_equal(fe.tx_dropped, 2);
    /* A VLAN tag comes on top. */
    frame[12] = 0x81;
    frame[13] = 0x00;
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 1518), 0);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, 1519), -EMSGSIZE);
    fe_transmit(&fe, frame, 1518);
    assert_int_equal(fe.sent_count, 1);
    fe_transmit(&fe, frame, 1519);
    assert_int_equal(fe.sent_count, 1);
    /* Dropped frames are marked used like others. */
    assert_int_equal(fe_reap_transmitted(&fe), 4);
    fe_close(&fe);
}

static void a_frame_of_65535_bytes_of_payload_passes(void **state)
{
    static uint8_t frame[65549];
    struct front_end fe;
    struct fe_frame got;

    (void)state;
    fe_init(&fe);
    fe.opts.mtu = 65535;
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_kick(&fe, FE_TX);
    fe_assert_sent(&fe, 0, frame, sizeof(frame));
    for (unsigned i = 0; i < 40; i++)
        fe_post(&fe, 1700, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_true(fe_take_frame(&fe, &got, NULL));
    assert_int_equal(got.len_bytes, sizeof(frame));
    assert_memory_equal(got.data, frame, sizeof(frame));
    free(got.data);
    fe_close(&fe);
}

static void malformed_frames_are_dropped_and_the_device_goes_on(void **state)
{
    uint8_t frame[60];
    struct fe_buffer buffer;
    struct front_end fe;
    uint8_t *header;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    /* A buffer shorter than the header. */
    buffer = (struct fe_buffer){fe_alloc(&fe, 12, 1), 11};
    fe_add(&fe, FE_TX, &buffer, 1, 0, false);
    fe_kick(&fe, FE_TX);
    assert_string_equal(fe.dropped_why, "a buffer of 11 bytes is shorter than its header of 12");
    /* Offloads that were not offered. */
    for (unsigned i = 0; i < 2; i++) {
        struct fe_queue *queue = &fe.queues[FE_TX];

        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        header = fe_at(
            &fe, queue->desc[queue->avail[2 + ((queue->avail_idx - 1) & (queue->num - 1))]].addr);
        header[i] = 1;
        fe_kick(&fe, FE_TX);
    }
    assert_string_equal(fe.dropped_why,
                        "the virtio header: gso_type 0x1 is an offload that was not "
                        "negotiated");
    /* Longer than any frame. */
    buffer = (struct fe_buffer){fe_alloc(&fe, 1u << 20, 1), 1u << 20};
    memset(fe_at(&fe, buffer.addr), 0, 12);
    fe_add(&fe, FE_TX, &buffer, 1, 0, false);
    fe_kick(&fe, FE_TX);
    assert_string_equal(fe.dropped_why, "a frame of 1048564 bytes is longer than any can be");
    assert_int_equal(fe.tx_dropped, 4);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_int_equal(fe.sent_count, 1);
    assert_int_equal(fe_reap_transmitted(&fe), 5);
    fe_close(&fe);
}

static void reflect(struct front_end *fe, const void *frame, size_t len_bytes)
{
    fe->sent_count = 0;
    assert_int_equal(ttb__netdev_receive_copy(fe->netdev, frame, len_bytes), 0);
}

static void a_frame_may_be_received_while_one_is_sent(void **state)
{
    uint8_t frame[900];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.on_transmit = reflect;
    fe_connect(&fe);
    for (unsigned i = 0; i < 50; i++) {
        struct fe_frame got;

        fe_make_frame(frame, sizeof(frame), i);
        fe_post(&fe, 500, FE_TOGETHER, false);
        fe_post(&fe, 500, FE_TOGETHER, false);
        fe_transmit(&fe, frame, sizeof(frame));
        assert_int_equal(fe_reap_transmitted(&fe), 1);
        assert_true(fe_take_frame(&fe, &got, NULL));
        assert_int_equal(got.len_bytes, sizeof(frame));
        assert_memory_equal(got.data, frame, sizeof(frame));
        free(got.data);
    }
    fe_close(&fe);
}

static void frames_without_buffers_wait_in_order(void **state)
{
    uint8_t frame[100];
    struct front_end fe;
    struct fe_frame got;

    (void)state;
    fe_init(&fe);
    fe.opts.backlog_frames = 5;
    fe_connect(&fe);
    for (unsigned i = 0; i < 5; i++) {
        fe_make_frame(frame, sizeof(frame), i);
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    }
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), -ENOBUFS);
    assert_false(ttb__netdev_has_calls(fe.netdev));
    /* Two at a kick, one at the next receive (which itself waits), one at a flush. */
    fe_post(&fe, 200, FE_TOGETHER, false);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_true(fe_needs_kick(&fe, FE_RX));
    fe_kick(&fe, FE_RX);
    assert_true(fe.last_calls_wanted);
    fe_post(&fe, 200, FE_TOGETHER, false);
    fe_make_frame(frame, sizeof(frame), 5);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_true(ttb__netdev_flush_calls(fe.netdev) > 0);
    fe_answer_calls(&fe);
    fe_turn(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_true(fe_needs_kick(&fe, FE_RX));
    fe_kick(&fe, FE_RX);
    for (unsigned i = 0; i < 6; i++) {
        fe_make_frame(frame, sizeof(frame), i);
        assert_true(fe_take_frame(&fe, &got, NULL));
        assert_memory_equal(got.data, frame, sizeof(frame));
        free(got.data);
    }
    /* Nothing waits any more: no more kicks for buffers. */
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_false(fe_needs_kick(&fe, FE_RX));
    fe_close(&fe);
}

static void the_backlog_works_with_flags_instead_of_event_indexes(void **state)
{
    uint8_t frame[100];
    struct front_end fe;
    struct fe_frame got;

    (void)state;
    fe_init(&fe);
    fe.features &= ~TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_true(fe_needs_kick(&fe, FE_RX));
    fe_kick(&fe, FE_RX);
    assert_true(fe_take_frame(&fe, &got, NULL));
    free(got.data);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_false(fe_needs_kick(&fe, FE_RX));
    fe_close(&fe);
}

static void the_backlog_goes_with_the_driver(void **state)
{
    uint8_t frame[100] = {0};
    struct front_end fe;
    struct fe_frame got;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    fe_stop(&fe);
    fe_start(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    fe_kick(&fe, FE_RX);
    assert_false(fe_take_frame(&fe, &got, NULL));
    fe_close(&fe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_under_every_feature_set),
        cmocka_unit_test(an_indirect_table_may_be_longer_than_the_ring),
        cmocka_unit_test(direct_descriptors_may_precede_an_indirect_one),
        cmocka_unit_test(an_indirect_table_need_not_be_aligned),
        cmocka_unit_test(frames_span_memory_regions),
        cmocka_unit_test(an_indirect_table_spans_memory_regions),
        cmocka_unit_test(a_long_frame_is_merged_over_several_buffers),
        cmocka_unit_test(a_merged_frame_waits_for_enough_buffers),
        cmocka_unit_test(a_frame_that_can_never_fit_is_dropped),
        cmocka_unit_test(indexes_and_chains_wrap),
        cmocka_unit_test(a_full_ring_is_taken_with_one_kick_in_order),
        cmocka_unit_test(the_mtu_bounds_frames_both_ways),
        cmocka_unit_test(a_frame_of_65535_bytes_of_payload_passes),
        cmocka_unit_test(malformed_frames_are_dropped_and_the_device_goes_on),
        cmocka_unit_test(a_frame_may_be_received_while_one_is_sent),
        cmocka_unit_test(frames_without_buffers_wait_in_order),
        cmocka_unit_test(the_backlog_works_with_flags_instead_of_event_indexes),
        cmocka_unit_test(the_backlog_goes_with_the_driver),
    };

    return cmocka_run_group_tests_name("vhost frames", tests, NULL, NULL);
}
