/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frame is the same as one seen before. */
#include "fixture.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct seen {
    uint64_t packets[64];
    size_t count;
};

static void collect(void *user, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record)
{
    struct seen *seen = user;

    (void)tables;
    if (record->kind == TTB_TRACE_FRAME && seen->count < 64)
        seen->packets[seen->count++] = record->frame.packet;
}

/* A frame at a place, in short: T transmitted, D delivered, X dropped by the port, L lost, S sent, R received; in lower case
 * the id is given, else found. */
struct step {
    char what;
    uint32_t place;
    uint8_t content;
    uint64_t expected;
};

static void check(const struct step *steps, size_t count)
{
    struct ttb_trace_writer *writer = open_writer(NULL, 1);
    struct ttb_trace_place place = {
        .kind = TTB_TRACE_DEVICE, .name = "device", .node = TTB_TRACE_NONE, .link = TTB_TRACE_NONE};
    struct seen seen = {.count = 0};

    for (uint32_t i = 2; i < 8; i++)
        assert_int_equal(ttb_trace_writer_add_place(writer, &place, NULL), 0);
    ttb_trace_writer_set_sink(writer, collect, &seen);
    for (size_t i = 0; i < count; i++) {
        static const char letters[] = "?TDXSRL";
        uint8_t frame[60];

        memset(frame, steps[i].content, sizeof(frame));
        write_record(writer, &(struct ttb_trace_record){
                                 .kind = TTB_TRACE_FRAME,
                                 .time_ns = i,
                                 .node = TTB_TRACE_NONE,
                                 .frame = {.what = (enum ttb_trace_what)(
                                               strchr(letters, toupper(steps[i].what)) - letters),
                                           .place = steps[i].place,
                                           .packet = islower(steps[i].what) ? steps[i].expected : 0,
                                           .len_bytes = sizeof(frame),
                                           .payload = {.data = frame, .len_bytes = sizeof(frame)}},
                             });
        if (seen.packets[i] != steps[i].expected)
            fail_msg("step %zu: packet %llu instead of %llu", i,
                     (unsigned long long)seen.packets[i], (unsigned long long)steps[i].expected);
    }
    ttb_trace_writer_close(writer, NULL);
}

#define CHECK(...)                                        \
    do {                                                  \
        static const struct step steps[] = {__VA_ARGS__}; \
        check(steps, sizeof(steps) / sizeof(steps[0]));   \
    } while (0)

static void a_frame_keeps_its_id_wherever_it_is_seen(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'S', 2, 'a', 1}, {'R', 3, 'a', 1}, {'D', 1, 'a', 1});
}

static void each_transmission_is_a_new_frame(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'D', 1, 'a', 1}, {'T', 0, 'a', 2}, {'D', 1, 'a', 2});
}

static void a_broadcast_is_one_frame_at_all_its_receivers(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'D', 1, 'a', 1}, {'D', 2, 'a', 1}, {'D', 3, 'a', 1});
}

static void equal_frames_in_flight_arrive_in_order(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'T', 0, 'a', 2}, {'T', 0, 'a', 3}, {'D', 1, 'a', 1}, {'D', 2, 'a', 1},
          {'D', 1, 'a', 2}, {'D', 1, 'a', 3}, {'D', 2, 'a', 2}, {'D', 2, 'a', 3});
}

static void a_lost_frame_is_not_the_one_that_arrives(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'L', 0, 'a', 1}, {'T', 0, 'a', 2}, {'D', 1, 'a', 2});
    /* On a shared medium, one receiver lost it. */
    CHECK({'T', 0, 'a', 1}, {'L', 2, 'a', 1}, {'D', 1, 'a', 1});
}

static void a_frame_that_has_arrived_is_not_the_one_that_is_lost(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'D', 1, 'a', 1}, {'T', 0, 'a', 2}, {'L', 2, 'a', 2}, {'T', 0, 'a', 3},
          {'D', 1, 'a', 3});
    /* But on a shared medium one may lose what another one got. */
    CHECK({'T', 0, 'a', 1}, {'D', 1, 'a', 1}, {'L', 2, 'a', 1});
}

static void a_frame_that_a_port_did_not_take_does_not_arrive_there_later(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'X', 1, 'a', 1}, {'D', 2, 'a', 1}, {'T', 0, 'a', 2}, {'D', 1, 'a', 2},
          {'D', 2, 'a', 2});
}

static void a_frame_from_nowhere_gets_an_id_too(void **state)
{
    (void)state;
    CHECK({'D', 1, 'a', 1}, {'D', 2, 'a', 1}, {'D', 1, 'a', 2}, {'T', 0, 'b', 3});
}

static void a_given_id_is_used_and_not_used_again(void **state)
{
    (void)state;
    CHECK({'T', 0, 'a', 1}, {'T', 0, 'a', 2}, {'d', 1, 'a', 2}, {'t', 0, 'b', 50},
          {'T', 0, 'c', 51}, {'D', 1, 'b', 50});
}

/* However many equal frames there are, the work for each is bounded, and the result repeats. */
static void floods_of_equal_frames_are_no_burden(void **state)
{
    struct ttb_trace_writer *writer = open_writer(NULL, 1);
    uint8_t frame[60] = {0};
    struct ttb_trace_counts counts;

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        write_frame(writer, i, 0, TTB_TRACE_TRANSMITTED, frame, sizeof(frame));
    for (unsigned i = 0; i < 100000; i++)
        write_frame(writer, i, 1, TTB_TRACE_DELIVERED, frame, sizeof(frame));
    assert_int_equal(ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, NULL, &counts), 0);
    assert_int_equal(counts.delivered_frames, 100000);
    ttb_trace_writer_close(writer, NULL);
}

static void a_payload_is_stored_once_in_each_block(void **state)
{
    struct fixture *f = *state;
    uint8_t frame[1500];
    size_t len_bytes[2];

    for (int many = 0; many < 2; many++) {
        struct ttb_trace_writer *writer = open_writer(f, 1);
        struct ttb_trace_place place = {.kind = TTB_TRACE_DEVICE,
                                        .name = "device",
                                        .node = TTB_TRACE_NONE,
                                        .link = TTB_TRACE_NONE};
        struct ttb_trace_reader *reader;
        struct ttb_trace_record record;
        unsigned frames = 0;
        uint8_t *data;

        for (uint32_t i = 2; i < 12; i++)
            assert_int_equal(ttb_trace_writer_add_place(writer, &place, NULL), 0);
        srand(1);
        for (unsigned i = 0; i < 1000; i++) {
            for (size_t at = 0; at < sizeof(frame); at++)
                frame[at] = (uint8_t)rand();
            write_frame(writer, i, 0, TTB_TRACE_TRANSMITTED, frame, sizeof(frame));
            for (uint32_t at = 2; many && at < 12; at++)
                write_frame(writer, i, at, TTB_TRACE_RECEIVED, frame, sizeof(frame));
        }
        close_writer(writer, 0);
        data = read_file(f->run, &len_bytes[many]);
        free(data);
        /* All of them have it. */
        reader = open_reader(f->run, false);
        srand(1);
        while (ttb_trace_reader_next(reader, &record) > 0) {
            bool next = frames++ % (many ? 11 : 1) == 0;

            for (size_t at = 0; next && at < sizeof(frame); at++)
                frame[at] = (uint8_t)rand();
            assert_int_equal(record.frame.payload.len_bytes, sizeof(frame));
            assert_memory_equal(record.frame.payload.data, frame, sizeof(frame));
        }
        assert_int_equal(frames, many ? 11000 : 1000);
        ttb_trace_reader_free(reader);
    }
    assert_true(len_bytes[1] < len_bytes[0] * 11 / 10);
}

/* Bytes of a packet at a moment: a device pads it, a router changes it, and back again. */
static size_t make_version(unsigned step, uint64_t packet, uint8_t frame[100])
{
    static const uint8_t versions[] = {0, 1, 1, 0, 2, 2, 1, 0};
    unsigned version = versions[step % sizeof(versions)];

    memset(frame, (int)(packet % 251), 100);
    frame[20] = (uint8_t)(version == 2);
    return version == 0 ? 42 : 60;
}

static void a_packet_whose_bytes_change_has_each_of_them(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    uint8_t frame[100];
    char text[256];
    uint64_t first = ttb_trace_writer_new_packet(writer);
    unsigned count = 0;

    assert_int_equal(ttb_trace_writer_new_packet(writer), first + 1);
    /* Enough for several blocks, and ids that meet wherever something is looked up by them. */
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t packet = first + i / 16 % 2 * 4096 + i / 3000;
        size_t len_bytes = make_version(i, packet, frame);

        write_record(writer, &(struct ttb_trace_record){
                                 .kind = TTB_TRACE_FRAME,
                                 .time_ns = i,
                                 .node = TTB_TRACE_NONE,
                                 .frame = {.what = TTB_TRACE_SENT,
                                           .place = i % 2,
                                           .packet = packet,
                                           .len_bytes = (uint32_t)len_bytes,
                                           .payload = {.data = frame, .len_bytes = len_bytes}},
                             });
    }
    close_writer(writer, 0);
    /* The digests are computed anew from what is read. */
    if (ttb_trace_verify(f->run, text, sizeof(text)) != 0)
        fail_msg("%s", text);
    reader = open_reader(f->run, false);
    while (ttb_trace_reader_next(reader, &record) > 0) {
        uint64_t packet = first + count / 16 % 2 * 4096 + count / 3000;
        size_t len_bytes = make_version(count, packet, frame);

        assert_int_equal(record.frame.packet, packet);
        assert_int_equal(record.frame.payload.len_bytes, len_bytes);
        assert_memory_equal(record.frame.payload.data, frame, len_bytes);
        count++;
    }
    assert_int_equal(count, 30000);
    ttb_trace_reader_free(reader);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(a_frame_keeps_its_id_wherever_it_is_seen),
        T(each_transmission_is_a_new_frame),
        T(a_broadcast_is_one_frame_at_all_its_receivers),
        T(equal_frames_in_flight_arrive_in_order),
        T(a_lost_frame_is_not_the_one_that_arrives),
        T(a_frame_that_has_arrived_is_not_the_one_that_is_lost),
        T(a_frame_that_a_port_did_not_take_does_not_arrive_there_later),
        T(a_frame_from_nowhere_gets_an_id_too),
        T(a_given_id_is_used_and_not_used_again),
        T(floods_of_equal_frames_are_no_burden),
        T(a_payload_is_stored_once_in_each_block),
        T(a_packet_whose_bytes_change_has_each_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
