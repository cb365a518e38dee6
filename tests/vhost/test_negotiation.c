/* SPDX-License-Identifier: BSD-3-Clause */
/* What a front end may ask for before, between and after frames; and how often it may come back. */
#include "front_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void negotiates_as_uml_does(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(fe.protocol_features, FE_DEFAULT_PROTOCOL);
    assert_true(fe.offered & TTB__BIT(TTB__VIRTIO_F_VERSION_1));
    assert_true(fe.offered & TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX));
    /* No offload: bits 0, 1 (checksum), 7 to 14 (segmentation). */
    assert_int_equal(fe.offered & 0x7f83, 0);
    assert_int_equal(fe.links_up, 1);
    assert_true(ttb__netdev_is_up(fe.netdev));
    assert_false(ttb__netdev_has_calls(fe.netdev));
    fe_close(&fe);
}

static void tells_mac_status_and_mtu(void **state)
{
    struct front_end fe;
    uint8_t mac[6];
    uint16_t word;

    (void)state;
    fe_init(&fe);
    fe.opts.mtu = 1400;
    fe_connect(&fe);
    fe_get_config(&fe, 0, mac, 6);
    assert_memory_equal(mac, fe.opts.mac, 6);
    fe_get_config(&fe, 6, &word, 2);
    assert_int_equal(word, TTB__NET_S_LINK_UP);
    fe_get_config(&fe, 8, &word, 2);
    assert_int_equal(word, 1);
    fe_get_config(&fe, 10, &word, 2);
    assert_int_equal(word, 1400);
    ttb__netdev_set_carrier(fe.netdev, false);
    fe_get_config(&fe, 6, &word, 2);
    assert_int_equal(word, 0);
    fe_close(&fe);
}

static void config_beyond_what_exists_reads_as_zero(void **state)
{
    struct front_end fe;
    uint8_t data[200];

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_get_config(&fe, 12, data, sizeof(data));
    for (unsigned i = 0; i < sizeof(data); i++)
        assert_int_equal(data[i], 0);
    fe_close(&fe);
}

static uint64_t write_config(struct front_end *fe, uint32_t offset, const void *data,
                             uint32_t len_bytes)
{
    struct ttb__vhost_config config = {.offset = offset, .size_bytes = len_bytes};

    memcpy(config.data, data, len_bytes);
    return fe_request_status(fe, TTB__VHOST_SET_CONFIG, &config,
                             TTB__VHOST_CONFIG_HEADER + len_bytes, NULL, 0);
}

static void a_legacy_driver_may_write_its_mac(void **state)
{
    const uint8_t mac[6] = {2, 1, 2, 3, 4, 5};
    uint8_t got[6];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.features &= ~TTB__BIT(TTB__VIRTIO_F_VERSION_1);
    fe_connect(&fe);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(write_config(&fe, i, &mac[i], 1), 0);
    fe_get_config(&fe, 0, got, 6);
    assert_memory_equal(got, mac, 6);
    /* The link state is not its to write. */
    assert_int_equal(write_config(&fe, 6, mac, 2), 1);
    fe_close(&fe);
}

static void a_modern_driver_may_not_write_its_mac(void **state)
{
    const uint8_t mac[6] = {2, 1, 2, 3, 4, 5};
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(write_config(&fe, 0, mac, 6), 1);
    fe_close(&fe);
}

/* ip link set down and up, unbind and bind: vu_del_vqs() and vu_find_vqs() again. */
static void attaches_again_and_again(void **state)
{
    uint8_t frame[200];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    for (unsigned i = 1; i <= 20; i++) {
        struct fe_frame got;

        fe_forget_sent(&fe);
        fe_transmit(&fe, frame, sizeof(frame));
        fe_assert_sent(&fe, 0, frame, sizeof(frame));
        fe_post(&fe, 1600, FE_TOGETHER, false);
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
        assert_true(fe_take_frame(&fe, &got, NULL));
        assert_memory_equal(got.data, frame, sizeof(frame));
        free(got.data);
        fe_stop(&fe);
        assert_int_equal(fe.links_down, i);
        assert_false(ttb__netdev_is_up(fe.netdev));
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), -ENETDOWN);
        /* The driver's next life may choose other features and sizes. */
        fe.features ^= TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX);
        fe.features ^= TTB__BIT(TTB__VIRTIO_NET_F_MRG_RXBUF);
        fe.num = (uint16_t)(64u << (i % 3));
        fe_request(&fe, TTB__VHOST_SET_FEATURES, &fe.features, sizeof(fe.features), NULL, 0);
        fe_start(&fe);
        assert_int_equal(fe.links_up, i + 1);
    }
    fe_close(&fe);
}

/* virtio_uml_suspend() disables the queues and keeps everything else. */
static void a_suspended_queue_goes_on_where_it_stopped(void **state)
{
    uint8_t frame[100];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    for (unsigned i = 0; i < 10; i++)
        fe_transmit(&fe, frame, sizeof(frame));
    for (unsigned i = 0; i < FE_QUEUES; i++)
        fe_vring_state(&fe, TTB__VHOST_SET_VRING_ENABLE, i, 0);
    /* A frame queued meanwhile: UML's vu_notify() does not kick, and does not repeat it. */
    fe_make_frame(frame, sizeof(frame), 2);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_kick(&fe, FE_TX); /* even a kick does nothing */
    assert_int_equal(fe.sent_count, 10);
    for (unsigned i = 0; i < FE_QUEUES; i++)
        fe_vring_state(&fe, TTB__VHOST_SET_VRING_ENABLE, i, 1);
    assert_int_equal(fe.sent_count, 11);
    fe_assert_sent(&fe, 10, frame, sizeof(frame));
    assert_int_equal(fe_reap_transmitted(&fe), 11);
    fe_close(&fe);
}

static void get_vring_base_stops_and_tells_where(void **state)
{
    struct ttb__vhost_vring_state base = {.index = FE_TX};
    union ttb__vhost_payload reply;
    size_t reply_bytes;
    uint8_t frame[100];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    for (unsigned i = 0; i < 300; i++) {
        fe_transmit(&fe, frame, sizeof(frame));
        fe_reap_transmitted(&fe);
    }
    fe_send(&fe, TTB__VHOST_GET_VRING_BASE, 0, &base, sizeof(base), NULL, 0);
    fe_turn(&fe);
    assert_true(fe_reply(&fe, TTB__VHOST_GET_VRING_BASE, &reply, &reply_bytes));
    assert_int_equal(reply_bytes, sizeof(base));
    assert_int_equal(reply.state.num, 300);
    assert_int_equal(fe.links_down, 1);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_kick(&fe, FE_TX);
    assert_int_equal(fe.sent_count, 300);
    /* Another front end takes over there. */
    fe_vring_state(&fe, TTB__VHOST_SET_VRING_BASE, FE_TX, 300);
    fe_vring_state(&fe, TTB__VHOST_SET_VRING_ENABLE, FE_TX, 1);
    assert_int_equal(fe.sent_count, 301);
    fe_close(&fe);
}

static void reset_device_forgets_the_rings(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.protocol_features |= TTB__BIT(TTB__VHOST_P_RESET_DEVICE);
    fe_connect(&fe);
    fe_request(&fe, TTB__VHOST_RESET_DEVICE, NULL, 0, NULL, 0);
    assert_int_equal(fe.links_down, 1);
    fe_request(&fe, TTB__VHOST_SET_FEATURES, &fe.features, sizeof(fe.features), NULL, 0);
    fe_start(&fe);
    assert_int_equal(fe.links_up, 2);
    fe_close(&fe);
}

static void a_request_that_was_not_offered_is_refused_politely(void **state)
{
    uint64_t value = 0;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(fe_request_status(&fe, 31, &value, sizeof(value), NULL, 0), 1);
    assert_int_equal(fe_request_status(&fe, 4711, &value, sizeof(value), NULL, 0), 1);
    assert_int_equal(fe_request_status(&fe, TTB__VHOST_SEND_RARP, &value, sizeof(value), NULL, 0),
                     1);
    assert_int_equal(
        fe_request_status(&fe, TTB__VHOST_SET_LOG_BASE, &value, sizeof(value), &fe.memory_fd, 1),
        1);
    assert_int_equal(fe_request_status(&fe, TTB__VHOST_SET_LOG_FD, NULL, 0, &fe.memory_fd, 1), 1);
    assert_int_equal(fe.closed, 0);
    fe_close(&fe);
}

static void an_mtu_above_the_ports_is_refused(void **state)
{
    uint64_t mtu;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.protocol_features |= TTB__BIT(TTB__VHOST_P_NET_MTU);
    fe_connect(&fe);
    mtu = 1500;
    assert_int_equal(fe_request_status(&fe, TTB__VHOST_NET_SET_MTU, &mtu, 8, NULL, 0), 0);
    mtu = 1501;
    assert_int_equal(fe_request_status(&fe, TTB__VHOST_NET_SET_MTU, &mtu, 8, NULL, 0), 1);
    mtu = 67;
    assert_int_equal(fe_request_status(&fe, TTB__VHOST_NET_SET_MTU, &mtu, 8, NULL, 0), 1);
    fe_close(&fe);
}

static void one_queue_pair(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(fe_get_u64(&fe, TTB__VHOST_GET_QUEUE_NUM), 1);
    fe_close(&fe);
}

static void the_memory_table_is_replaced_while_rings_run(void **state)
{
    uint8_t frame[600];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    for (unsigned i = 0; i < 8; i++) {
        struct fe_frame got;

        fe_make_frame(frame, sizeof(frame), i);
        fe_transmit(&fe, frame, sizeof(frame));
        fe_assert_sent(&fe, i, frame, sizeof(frame));
        fe_post(&fe, 1600, FE_TOGETHER, false);
        fe_send_mem_table(&fe);
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
        assert_true(fe_take_frame(&fe, &got, NULL));
        assert_memory_equal(got.data, frame, sizeof(frame));
        free(got.data);
    }
    assert_int_equal(fe.links_up, 1);
    fe_close(&fe);
}

static void a_memory_table_without_the_running_rings_ends_it(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe.regions[0].user_addr += 0x100000000ULL;
    fe.protocol_features &= ~TTB__BIT(TTB__VHOST_P_REPLY_ACK); /* do not wait for an answer */
    fe_send_mem_table(&fe);
    fe_expect_closed(&fe, -EINVAL,
                     "queue 0: descriptor table at user address 0x550040000000 is in no memory "
                     "region");
    fe_close(&fe);
}

static void memory_comes_and_goes_in_slots(void **state)
{
    struct ttb__vhost_mem_reg reg = {0};
    uint8_t frame[600];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.region_count = 2;
    fe.protocol_features |= TTB__BIT(TTB__VHOST_P_CONFIGURE_MEM_SLOTS);
    fe_connect(&fe);
    assert_int_equal(fe_get_u64(&fe, TTB__VHOST_GET_MAX_MEM_SLOTS), 8);
    /* The rings lie in the first region, buffers will lie in the second. */
    reg.region = fe.regions[1];
    fe_request(&fe, TTB__VHOST_REM_MEM_REG, &reg, sizeof(reg), NULL, 0);
    fe_request(&fe, TTB__VHOST_ADD_MEM_REG, &reg, sizeof(reg), &fe.memory_fd, 1);
    fe.next_free = FE_MEMORY_BYTES / 2 + 100;
    fe_make_frame(frame, sizeof(frame), 1);
    fe_transmit(&fe, frame, sizeof(frame));
    fe_assert_sent(&fe, 0, frame, sizeof(frame));
    fe_close(&fe);
}

static void a_front_end_without_protocol_features_works_in_wall_clock_time(void **state)
{
    uint8_t frame[100];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe.features &= ~TTB__BIT(TTB__VHOST_F_PROTOCOL_FEATURES);
    fe_connect(&fe);
    fe_make_frame(frame, sizeof(frame), 1);
    fe_transmit(&fe, frame, sizeof(frame));
    fe_assert_sent(&fe, 0, frame, sizeof(frame));
    fe_close(&fe);
}

static void simulated_time_needs_in_band_notifications(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.protocol_features = TTB__BIT(TTB__VHOST_P_CONFIG);
    fe_open(&fe);
    fe_negotiate(&fe);
    fe_start(&fe);
    fe_expect_closed(&fe, -EPROTO,
                     "the front end accepted protocol features 0x200, but a port in simulated time "
                     "needs 0x4028 (REPLY_ACK, BACKEND_REQ, INBAND_NOTIFICATIONS)");
    fe_close(&fe);
}

static void wall_clock_time_does_not_offer_in_band_notifications(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe_connect(&fe);
    assert_false(fe.offered_protocol & TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS));
    fe_close(&fe);
}

static void rarp_is_sent_in_wall_clock_time(void **state)
{
    const uint8_t mac[8] = {2, 3, 4, 5, 6, 7};
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe.protocol_features |= TTB__BIT(TTB__VHOST_P_RARP);
    fe_connect(&fe);
    fe_request(&fe, TTB__VHOST_SEND_RARP, mac, sizeof(mac), NULL, 0);
    assert_int_equal(fe.sent_count, 1);
    assert_int_equal(fe.sent[0].len_bytes, 60);
    assert_int_equal(fe.sent[0].data[0], 0xff);
    assert_memory_equal(fe.sent[0].data + 6, mac, 6);
    assert_int_equal(fe.sent[0].data[12] << 8 | fe.sent[0].data[13], 0x8035);
    fe_close(&fe);
}

static void end_of_file_is_told_once(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    close(fe.socket);
    fe.socket = -1;
    fe_expect_closed(&fe, 0, "the front end closed the connection");
    assert_int_equal(fe.links_down, 1);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, "12345678901234", 14), -ENETDOWN);
    assert_false(ttb__netdev_has_calls(fe.netdev));
    assert_true(ttb__netdev_flush_calls(fe.netdev) < 0);
    fe_close(&fe);
}

/* Killed with a reply unread: the socket reports a reset, which must not look different. */
static void a_killed_front_end_is_end_of_file_too(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_send(&fe, TTB__VHOST_GET_FEATURES, 0, NULL, 0, NULL, 0);
    fe_turn(&fe);
    close(fe.socket);
    fe.socket = -1;
    fe_expect_closed(&fe, 0, "the front end closed the connection");
    fe_close(&fe);
}

static void a_message_may_come_in_pieces(void **state)
{
    struct ttb__vhost_header header = {TTB__VHOST_GET_FEATURES, TTB__VHOST_VERSION, 0};
    union ttb__vhost_payload reply;
    size_t reply_bytes;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_open(&fe);
    for (size_t i = 0; i < sizeof(header); i++) {
        assert_false(fe_reply(&fe, TTB__VHOST_GET_FEATURES, &reply, &reply_bytes));
        fe_send_raw(&fe, (uint8_t *)&header + i, 1, NULL, 0);
        fe_turn(&fe);
    }
    assert_true(fe_reply(&fe, TTB__VHOST_GET_FEATURES, &reply, &reply_bytes));
    fe_close(&fe);
}

static void messages_may_come_many_at_once(void **state)
{
    struct front_end fe;
    union ttb__vhost_payload reply;
    size_t reply_bytes;

    (void)state;
    fe_init(&fe);
    fe_open(&fe);
    for (unsigned i = 0; i < 100; i++)
        fe_send(&fe, TTB__VHOST_GET_FEATURES, 0, NULL, 0, NULL, 0);
    fe_turn(&fe);
    for (unsigned i = 0; i < 100; i++)
        assert_true(fe_reply(&fe, TTB__VHOST_GET_FEATURES, &reply, &reply_bytes));
    fe_close(&fe);
}

static void a_front_end_that_does_not_read_is_cut_off(void **state)
{
    struct ttb__vhost_header header = {TTB__VHOST_GET_FEATURES, TTB__VHOST_VERSION, 0};
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_open(&fe);
    for (unsigned i = 0; i < 100000 && !fe.closed; i++) {
        send(fe.socket, &header, sizeof(header), MSG_NOSIGNAL | MSG_DONTWAIT);
        fe.loop.ops->turn(fe.loop.impl, 0);
    }
    fe_expect_closed(&fe, -ETIMEDOUT, "the front end does not read its replies");
    fe_close(&fe);
}

static void a_device_can_be_freed_at_any_moment(void **state)
{
    (void)state;
    for (unsigned stage = 0; stage < 4; stage++) {
        struct front_end fe;

        fe_init(&fe);
        fe_open(&fe);
        if (stage > 0)
            fe_negotiate(&fe);
        if (stage > 1)
            fe_start(&fe);
        if (stage > 2)
            fe_stop(&fe);
        fe_close(&fe);
        assert_int_equal(fe.closed, 0);
    }
    ttb__netdev_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negotiates_as_uml_does),
        cmocka_unit_test(tells_mac_status_and_mtu),
        cmocka_unit_test(config_beyond_what_exists_reads_as_zero),
        cmocka_unit_test(a_legacy_driver_may_write_its_mac),
        cmocka_unit_test(a_modern_driver_may_not_write_its_mac),
        cmocka_unit_test(attaches_again_and_again),
        cmocka_unit_test(a_suspended_queue_goes_on_where_it_stopped),
        cmocka_unit_test(get_vring_base_stops_and_tells_where),
        cmocka_unit_test(reset_device_forgets_the_rings),
        cmocka_unit_test(a_request_that_was_not_offered_is_refused_politely),
        cmocka_unit_test(an_mtu_above_the_ports_is_refused),
        cmocka_unit_test(one_queue_pair),
        cmocka_unit_test(the_memory_table_is_replaced_while_rings_run),
        cmocka_unit_test(a_memory_table_without_the_running_rings_ends_it),
        cmocka_unit_test(memory_comes_and_goes_in_slots),
        cmocka_unit_test(a_front_end_without_protocol_features_works_in_wall_clock_time),
        cmocka_unit_test(simulated_time_needs_in_band_notifications),
        cmocka_unit_test(wall_clock_time_does_not_offer_in_band_notifications),
        cmocka_unit_test(rarp_is_sent_in_wall_clock_time),
        cmocka_unit_test(end_of_file_is_told_once),
        cmocka_unit_test(a_killed_front_end_is_end_of_file_too),
        cmocka_unit_test(a_message_may_come_in_pieces),
        cmocka_unit_test(messages_may_come_many_at_once),
        cmocka_unit_test(a_front_end_that_does_not_read_is_cut_off),
        cmocka_unit_test(a_device_can_be_freed_at_any_moment),
    };

    return cmocka_run_group_tests_name("vhost negotiation", tests, NULL, NULL);
}
