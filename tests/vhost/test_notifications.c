/* SPDX-License-Identifier: BSD-3-Clause */
/* Kicks, calls, and the replies to both; in-band and by event descriptors. */
#include "front_end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost/virtqueue.h"

static uint8_t frame[100] = {[12] = 0x88, [13] = 0xb5};

/* --------------------------------------------------------------------------------------- kicks */

static void a_kick_is_told_before_and_after(void **state)
{
    struct ttb__netdev_stats stats;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_kick(&fe, FE_TX);
    assert_int_equal(fe.kicks, 1);
    assert_int_equal(fe.kicked, 1);
    assert_int_equal(fe.last_sent, 2);
    assert_true(fe.last_calls_wanted);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    fe_kick(&fe, FE_TX);
    assert_int_equal(fe.kicks, 2);
    assert_int_equal(fe.last_sent, 0);
    assert_false(fe.last_calls_wanted);
    ttb__netdev_get_stats(fe.netdev, &stats);
    assert_int_equal(stats.kicks, 2);
    fe_close(&fe);
}

static void a_reply_can_be_held_back(void **state)
{
    union ttb__vhost_payload reply;
    size_t reply_bytes;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe.hold = true;
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_kick_async(&fe, FE_TX);
    fe_turn(&fe);
    assert_int_equal(fe.sent_count, 1);
    assert_true(ttb__netdev_owes_reply(fe.netdev));
    assert_false(fe_reply(&fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes));
    assert_int_equal(ttb__netdev_reply(fe.netdev), 0);
    assert_false(ttb__netdev_owes_reply(fe.netdev));
    assert_true(fe_reply(&fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes));
    assert_int_equal(reply.u64, 0);
    assert_int_equal(ttb__netdev_reply(fe.netdev), -EALREADY);
    fe_close(&fe);
}

/* A front end that does not wait is served in order, and the loop does not spin meanwhile. */
static void messages_behind_a_held_reply_wait(void **state)
{
    union ttb__vhost_payload reply;
    size_t reply_bytes;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe.hold = true;
    for (unsigned i = 0; i < 3; i++) {
        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        fe_kick_async(&fe, FE_TX);
    }
    fe_send(&fe, TTB__VHOST_GET_FEATURES, 0, NULL, 0, NULL, 0);
    for (unsigned i = 1; i <= 3; i++) {
        fe_turn(&fe); /* returns only if nothing is ready */
        assert_int_equal(fe.kicks, i);
        assert_true(ttb__netdev_owes_reply(fe.netdev));
        assert_false(fe_reply(&fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes));
        assert_int_equal(ttb__netdev_reply(fe.netdev), 0);
        assert_true(fe_reply(&fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes));
    }
    fe_turn(&fe);
    assert_true(fe_reply(&fe, TTB__VHOST_GET_FEATURES, &reply, &reply_bytes));
    fe_close(&fe);
}

static void a_front_end_may_die_while_its_reply_is_held(void **state)
{
    struct front_end fe;

    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        fe_init(&fe);
        fe_connect(&fe);
        fe.hold = true;
        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        fe_kick_async(&fe, FE_TX);
        fe_turn(&fe);
        assert_true(ttb__netdev_owes_reply(fe.netdev));
        if (more)
            fe_kick_async(&fe, FE_TX);
        fe_turn(&fe);
        close(fe.socket);
        fe.socket = -1;
        fe_expect_closed(&fe, 0, "the front end closed the connection");
        assert_false(ttb__netdev_owes_reply(fe.netdev));
        assert_int_equal(ttb__netdev_reply(fe.netdev), -EALREADY);
        fe_close(&fe);
    }
}

/* SET_VRING_ENABLE can uncover frames; its reply is held like a kick's. */
static void enabling_a_queue_with_frames_in_it_is_a_kick(void **state)
{
    struct ttb__vhost_vring_state enable = {.index = FE_TX, .num = 1};
    union ttb__vhost_payload reply;
    size_t reply_bytes;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_vring_state(&fe, TTB__VHOST_SET_VRING_ENABLE, FE_TX, 0);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe.hold = true;
    fe_send(&fe, TTB__VHOST_SET_VRING_ENABLE, TTB__VHOST_NEED_REPLY, &enable, sizeof(enable), NULL,
            0);
    fe_turn(&fe);
    assert_int_equal(fe.sent_count, 1);
    assert_int_equal(fe.kicks, 1);
    assert_true(ttb__netdev_owes_reply(fe.netdev));
    assert_int_equal(ttb__netdev_reply(fe.netdev), 0);
    assert_true(fe_reply(&fe, TTB__VHOST_SET_VRING_ENABLE, &reply, &reply_bytes));
    fe_close(&fe);
}

static void a_kick_without_need_reply_gets_none_and_is_not_held(void **state)
{
    struct ttb__vhost_vring_state kick = {.index = FE_TX};
    union ttb__vhost_payload reply;
    size_t reply_bytes;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe.hold = true;
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_send(&fe, TTB__VHOST_VRING_KICK, 0, &kick, sizeof(kick), NULL, 0);
    fe_turn(&fe);
    assert_int_equal(fe.sent_count, 1);
    assert_false(ttb__netdev_owes_reply(fe.netdev));
    assert_false(fe_reply(&fe, TTB__VHOST_VRING_KICK, &reply, &reply_bytes));
    fe_close(&fe);
}

/* --------------------------------------------------------------------------------------- calls */

/* Flush, answer, and check that calls_done follows, and not from within the flush. */
static unsigned flush(struct front_end *fe)
{
    unsigned done = fe->calls_done, answered;
    int outstanding = ttb__netdev_flush_calls(fe->netdev);

    assert_true(outstanding >= 0);
    assert_int_equal(fe->calls_done, done);
    assert_int_equal(ttb__netdev_is_calling(fe->netdev), outstanding > 0);
    answered = fe_answer_calls(fe);
    assert_int_equal(answered, outstanding);
    fe_turn(fe);
    assert_int_equal(fe->calls_done, done + (outstanding > 0));
    assert_false(ttb__netdev_is_calling(fe->netdev));
    assert_false(ttb__netdev_has_calls(fe->netdev));
    return answered;
}

static void a_received_frame_makes_one_call(void **state)
{
    struct front_end fe;
    struct fe_frame got;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    for (unsigned i = 0; i < 4; i++)
        fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(flush(&fe), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_true(ttb__netdev_has_calls(fe.netdev));
    assert_int_equal(flush(&fe), 1);
    assert_int_equal(fe.calls[FE_RX], 1);
    assert_int_equal(fe.calls[FE_TX], 0);
    /* The driver has not asked for another: used_event still lies behind. */
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_false(ttb__netdev_has_calls(fe.netdev));
    for (unsigned i = 0; i < 4; i++) {
        assert_true(fe_take_frame(&fe, &got, NULL));
        free(got.data);
    }
    fe_close(&fe);
}

static void calls_of_both_queues_and_a_carrier_change_go_out_together(void **state)
{
    struct ttb__netdev_stats stats;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_true(fe.last_calls_wanted);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    ttb__netdev_set_carrier(fe.netdev, false);
    assert_int_equal(flush(&fe), 3);
    assert_int_equal(fe.calls[FE_RX], 1);
    assert_int_equal(fe.calls[FE_TX], 1);
    assert_int_equal(fe.config_changes, 1);
    ttb__netdev_get_stats(fe.netdev, &stats);
    assert_int_equal(stats.calls, 2);
    fe_close(&fe);
}

static void a_carrier_change_is_told_once_and_only_to_a_driver_that_cares(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    ttb__netdev_set_carrier(fe.netdev, true); /* no change */
    assert_int_equal(flush(&fe), 0);
    ttb__netdev_set_carrier(fe.netdev, false);
    assert_int_equal(flush(&fe), 1);
    assert_int_equal(fe.config_changes, 1);
    fe_stop(&fe);
    ttb__netdev_set_carrier(fe.netdev, true); /* it will read the new state when it attaches */
    assert_false(ttb__netdev_has_calls(fe.netdev));
    fe.features &= ~TTB__BIT(TTB__VIRTIO_NET_F_STATUS);
    fe_request(&fe, TTB__VHOST_SET_FEATURES, &fe.features, sizeof(fe.features), NULL, 0);
    fe_start(&fe);
    ttb__netdev_set_carrier(fe.netdev, false);
    assert_false(ttb__netdev_has_calls(fe.netdev));
    fe_close(&fe);
}

/*
 * Completion calls, against a model: the driver wants one when the used index passes used_event, and
 * nothing else counts. Frames go out in batches, the event lies all over the place, and the index
 * wraps.
 */
static void completion_calls_come_exactly_when_wanted(void **state)
{
    uint32_t random = 12345;
    uint16_t used = 0;
    struct front_end fe;
    unsigned wanted_total = 0;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    for (unsigned i = 0; i < 30000; i++) {
        unsigned batch, before = fe.calls[FE_TX];
        uint16_t event;
        bool wanted = false;

        random = random * 1664525 + 1013904223;
        batch = 1 + (random >> 16) % 8;
        event = (uint16_t)(used + (random >> 8) % 16 - 6);
        if ((random >> 27) == 0)
            event = (uint16_t)(random >> 8);
        fe_set_used_event(&fe, FE_TX, event);
        for (unsigned k = 0; k < batch; k++) {
            fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
            wanted = wanted || (uint16_t)(used + k) == event;
        }
        used = (uint16_t)(used + batch);
        fe_kick(&fe, FE_TX);
        assert_int_equal(fe.last_calls_wanted, wanted);
        assert_int_equal(ttb__netdev_has_calls(fe.netdev), wanted);
        flush(&fe);
        assert_int_equal(fe.calls[FE_TX] - before, wanted);
        assert_int_equal(fe_reap_transmitted(&fe), batch);
        fe_forget_sent(&fe);
        wanted_total += wanted;
    }
    assert_true(wanted_total > 1000 && wanted_total < 29000);
    fe_close(&fe);
}

/* The false call of a comparison with used_event alone: the event lies behind by less than a ring,
 * was answered long ago, and completions go on. */
static void an_event_that_was_signalled_is_not_signalled_again(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_set_used_event(&fe, FE_TX, 0);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_int_equal(flush(&fe), 1);
    for (unsigned i = 0; i < 100; i++) {
        fe_transmit(&fe, frame, sizeof(frame));
        assert_false(fe.last_calls_wanted);
        assert_false(ttb__netdev_has_calls(fe.netdev));
        fe_reap_transmitted(&fe);
    }
    fe_close(&fe);
}

static void the_no_interrupt_flag_counts_without_event_indexes(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.features &= ~TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX);
    fe_connect(&fe);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_true(fe.last_calls_wanted);
    assert_int_equal(flush(&fe), 1);
    fe_set_no_interrupt(&fe, FE_TX, true);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_false(fe.last_calls_wanted);
    assert_int_equal(flush(&fe), 0);
    fe_set_no_interrupt(&fe, FE_TX, false);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_int_equal(flush(&fe), 1);
    fe_close(&fe);
}

static void the_front_end_may_talk_while_calls_are_in_flight(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    /* An interrupt handler that sends before it replies, and asks this and that. */
    fe_transmit(&fe, frame, sizeof(frame));
    assert_int_equal(fe.sent_count, 1);
    assert_int_equal(fe_get_u64(&fe, TTB__VHOST_GET_QUEUE_NUM), 1);
    assert_true(ttb__netdev_is_calling(fe.netdev));
    assert_int_equal(fe.calls_done, 0);
    fe_answer_calls(&fe);
    fe_turn(&fe);
    assert_int_equal(fe.calls_done, 1);
    /* The completion is pending now. */
    assert_int_equal(flush(&fe), 1);
    fe_close(&fe);
}

static void more_calls_may_follow_before_the_first_are_answered(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    ttb__netdev_set_carrier(fe.netdev, false);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 2);
    assert_int_equal(fe_answer_calls(&fe), 2);
    fe_turn(&fe);
    assert_int_equal(fe.calls_done, 1);
    fe_close(&fe);
}

static void replies_to_calls_may_come_in_pieces_and_refuse(void **state)
{
    struct ttb__vhost_u64_message reply = {
        .header = {TTB__VHOST_BACKEND_VRING_CALL, TTB__VHOST_VERSION | TTB__VHOST_REPLY, 8},
        .value = 1, /* UML: no such queue any more */
    };
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    for (size_t i = 0; i < sizeof(reply); i++) {
        assert_int_equal(fe.calls_done, 0);
        assert_int_equal(send(fe.backend, (uint8_t *)&reply + i, 1, 0), 1);
        fe_turn(&fe);
    }
    assert_int_equal(fe.calls_done, 1);
    fe_close(&fe);
}

static void a_reply_that_nobody_asked_for_ends_it(void **state)
{
    struct ttb__vhost_u64_message reply = {
        .header = {TTB__VHOST_BACKEND_VRING_CALL, TTB__VHOST_VERSION | TTB__VHOST_REPLY, 8},
    };
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(send(fe.backend, &reply, sizeof(reply), 0), sizeof(reply));
    fe_expect_closed(&fe, -EPROTO, "backend channel: a reply (request 4) that nothing asked for");
    fe_close(&fe);
}

static void a_malformed_reply_to_a_call_ends_it(void **state)
{
    struct ttb__vhost_u64_message reply = {
        .header = {TTB__VHOST_BACKEND_VRING_CALL, TTB__VHOST_VERSION, 8},
    };
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    assert_int_equal(send(fe.backend, &reply, sizeof(reply), 0), sizeof(reply));
    fe_expect_closed(&fe, -EPROTO, "backend channel: reply to call 4 has flags 0x1 and 8 bytes");
    fe_close(&fe);
}

static void a_closed_backend_channel_with_calls_in_flight_ends_it(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    fe_answer_calls(&fe);
    fe_turn(&fe);
    fe_set_used_event(&fe, FE_RX, 1);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    close(fe.backend);
    fe.backend = -1;
    fe_expect_closed(&fe, 0, "the front end closed the backend channel with 1 calls unanswered");
    assert_int_equal(fe.calls_done, 1);
    fe_close(&fe);
}

/* UML closes it first when a device goes (virtio_uml_release_dev()). */
static void a_closed_backend_channel_at_rest_is_no_error(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    close(fe.backend);
    fe.backend = -1;
    fe_turn(&fe);
    assert_int_equal(fe.closed, 0);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 0);
    fe_close(&fe);
}

static void a_pending_call_goes_with_its_queue(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_true(ttb__netdev_has_calls(fe.netdev));
    fe_stop(&fe);
    assert_false(ttb__netdev_has_calls(fe.netdev));
    fe_close(&fe);
}

/* ------------------------------------------------------------------------------- eventfd mode */

static uint64_t read_calls(struct front_end *fe, unsigned index)
{
    uint64_t count;
    ssize_t got = read(fe->queues[index].call_fd, &count, sizeof(count));

    if (got < 0) {
        assert_int_equal(errno, EAGAIN);
        return 0;
    }
    assert_int_equal(got, sizeof(count));
    return count;
}

static void event_descriptors_carry_kicks_and_calls(void **state)
{
    struct front_end fe;
    struct fe_frame got;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe_connect(&fe);
    fe_turn(&fe);
    read_calls(&fe, FE_RX);
    read_calls(&fe, FE_TX);
    fe_transmit(&fe, frame, sizeof(frame));
    assert_int_equal(fe.sent_count, 1);
    assert_true(fe.last_calls_wanted);
    fe_post(&fe, 200, FE_TOGETHER, false);
    assert_int_equal(ttb__netdev_receive_copy(fe.netdev, frame, sizeof(frame)), 0);
    assert_int_equal(read_calls(&fe, FE_RX), 0);
    /* Nothing to wait for. */
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 0);
    assert_int_equal(fe.calls_done, 0);
    assert_int_equal(read_calls(&fe, FE_RX), 1);
    assert_int_equal(read_calls(&fe, FE_TX), 1);
    assert_true(fe_take_frame(&fe, &got, NULL));
    free(got.data);
    fe_close(&fe);
}

static void a_call_descriptor_may_be_a_pipe_even_a_full_or_closed_one(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe.call_by_pipe = true;
    fe.features &= ~TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX); /* a call for every completion */
    fe_connect(&fe);
    for (unsigned i = 0; i < 20000; i++) {
        fe_transmit(&fe, frame, sizeof(frame));
        assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 0);
        fe_reap_transmitted(&fe);
        fe_forget_sent(&fe);
    }
    assert_int_equal(read_calls(&fe, FE_TX), 1); /* 8-byte ones */
    close(fe.queues[FE_TX].call_fd);
    fe.queues[FE_TX].call_fd = -1;
    fe_transmit(&fe, frame, sizeof(frame));
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 0); /* and no SIGPIPE */
    assert_int_equal(fe.closed, 0);
    fe_close(&fe);
}

static void frames_queued_before_the_kick_descriptor_came_are_sent(void **state)
{
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe_connect(&fe);
    fe_vring_state(&fe, TTB__VHOST_SET_VRING_ENABLE, FE_TX, 0);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_vring_state(&fe, TTB__VHOST_SET_VRING_ENABLE, FE_TX, 1);
    for (unsigned i = 0; i < 100 && fe.sent_count == 0; i++)
        fe.loop.ops->turn(fe.loop.impl, 10);
    assert_int_equal(fe.sent_count, 1);
    fe_close(&fe);
}

static void queues_without_a_kick_descriptor_are_polled(void **state)
{
    uint64_t no_kick = FE_TX | TTB__VHOST_NO_FD;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe_connect(&fe);
    fe_request(&fe, TTB__VHOST_SET_VRING_KICK, &no_kick, sizeof(no_kick), NULL, 0);
    for (unsigned round = 1; round <= 3; round++) {
        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        for (unsigned i = 0; i < 100 && fe.sent_count < round; i++)
            fe.loop.ops->turn(fe.loop.impl, 10);
        assert_int_equal(fe.sent_count, round);
    }
    fe_close(&fe);
}

/* A guest that adds frames as fast as they are taken. */
static void add_another(struct front_end *fe, const void *data, size_t len_bytes)
{
    (void)data;
    (void)len_bytes;
    if (++fe->sent_count < 1000)
        fe_queue_frame(fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe->queues[FE_TX].free_descs = fe->num; /* reaped elsewhere */
    for (unsigned i = 0; i < fe->num; i++) {
        if (i == fe->queues[FE_TX].next_desc) {
            free(fe->queues[FE_TX].chains[i].buffers);
            fe->queues[FE_TX].chains[i].buffers = NULL;
        }
    }
}

static void a_guest_that_never_stops_sending_does_not_keep_the_loop(void **state)
{
    struct front_end fe;
    unsigned turns = 0;

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe.num = 16;
    fe_connect(&fe);
    fe_turn(&fe);
    fe.on_transmit = add_another;
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    fe_kick_async(&fe, FE_TX);
    while (fe.sent_count < 1000 && turns < 1000) {
        unsigned before = fe.sent_count;

        fe.loop.ops->turn(fe.loop.impl, 100);
        assert_true(fe.sent_count - before <= 16);
        turns++;
    }
    assert_int_equal(fe.sent_count, 1000);
    assert_true(turns >= 60);
    fe.sent_count = 0;
    fe_close(&fe);
}

static void a_closed_kick_pipe_does_not_spin(void **state)
{
    uint64_t value = FE_TX;
    struct front_end fe;
    int fds[2];

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe_connect(&fe);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fe_request(&fe, TTB__VHOST_SET_VRING_KICK, &value, sizeof(value), &fds[0], 1);
    close(fds[0]);
    fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
    assert_int_equal(write(fds[1], "12345678", 8), 8);
    fe_turn(&fe);
    assert_int_equal(fe.sent_count, 1);
    close(fds[1]);
    fe_turn(&fe); /* returns only if nothing is ready */
    assert_int_equal(fe.closed, 0);
    fe_close(&fe);
}

static void a_broken_ring_is_told_on_the_error_descriptor(void **state)
{
    uint64_t value = FE_TX, count;
    struct front_end fe;
    int err_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    (void)state;
    fe_init(&fe);
    fe.wall_clock = true;
    fe_connect(&fe);
    fe_request(&fe, TTB__VHOST_SET_VRING_ERR, &value, sizeof(value), &err_fd, 1);
    fe.queues[FE_TX].avail[2] = 999;
    fe.queues[FE_TX].avail[1] = 1;
    fe_kick_async(&fe, FE_TX);
    fe_expect_closed(&fe, -EINVAL, "transmit queue: available entry 0 holds descriptor 999 of 256");
    assert_int_equal(read(err_fd, &count, sizeof(count)), sizeof(count));
    fe_close(&fe);
    close(err_fd);
}

/* ------------------------------------------------------------------------ decision, by itself */

static void the_call_decision_equals_its_definition(void **state)
{
    static uint16_t avail[3 + 4], used[3 + 16];
    struct ttb__virtqueue ring = {.num = 4, .avail = avail, .used = used, .event_idx = true};

    (void)state;
    for (unsigned from = 65520; from < 65560; from++) {
        for (unsigned step = 0; step <= 4; step++) {
            for (unsigned event = 65500; event < 65600; event++) {
                bool passed = false;

                ring.signalled_used = (uint16_t)from;
                ring.next_used = (uint16_t)(from + step);
                avail[2 + 4] = (uint16_t)event;
                for (unsigned k = 0; k < step; k++)
                    passed = passed || (uint16_t)(from + k) == (uint16_t)event;
                assert_int_equal(ttb__virtqueue_wants_call(&ring), passed);
                assert_int_equal(ring.signalled_used, ring.next_used);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kick_is_told_before_and_after),
        cmocka_unit_test(a_reply_can_be_held_back),
        cmocka_unit_test(messages_behind_a_held_reply_wait),
        cmocka_unit_test(a_front_end_may_die_while_its_reply_is_held),
        cmocka_unit_test(enabling_a_queue_with_frames_in_it_is_a_kick),
        cmocka_unit_test(a_kick_without_need_reply_gets_none_and_is_not_held),
        cmocka_unit_test(a_received_frame_makes_one_call),
        cmocka_unit_test(calls_of_both_queues_and_a_carrier_change_go_out_together),
        cmocka_unit_test(a_carrier_change_is_told_once_and_only_to_a_driver_that_cares),
        cmocka_unit_test(completion_calls_come_exactly_when_wanted),
        cmocka_unit_test(an_event_that_was_signalled_is_not_signalled_again),
        cmocka_unit_test(the_no_interrupt_flag_counts_without_event_indexes),
        cmocka_unit_test(the_front_end_may_talk_while_calls_are_in_flight),
        cmocka_unit_test(more_calls_may_follow_before_the_first_are_answered),
        cmocka_unit_test(replies_to_calls_may_come_in_pieces_and_refuse),
        cmocka_unit_test(a_reply_that_nobody_asked_for_ends_it),
        cmocka_unit_test(a_malformed_reply_to_a_call_ends_it),
        cmocka_unit_test(a_closed_backend_channel_with_calls_in_flight_ends_it),
        cmocka_unit_test(a_closed_backend_channel_at_rest_is_no_error),
        cmocka_unit_test(a_pending_call_goes_with_its_queue),
        cmocka_unit_test(event_descriptors_carry_kicks_and_calls),
        cmocka_unit_test(a_call_descriptor_may_be_a_pipe_even_a_full_or_closed_one),
        cmocka_unit_test(frames_queued_before_the_kick_descriptor_came_are_sent),
        cmocka_unit_test(queues_without_a_kick_descriptor_are_polled),
        cmocka_unit_test(a_guest_that_never_stops_sending_does_not_keep_the_loop),
        cmocka_unit_test(a_closed_kick_pipe_does_not_spin),
        cmocka_unit_test(a_broken_ring_is_told_on_the_error_descriptor),
        cmocka_unit_test(the_call_decision_equals_its_definition),
    };

    return cmocka_run_group_tests_name("vhost notifications", tests, NULL, NULL);
}
