/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading ahead changes nothing of what is read: whole traces, cut and damaged ones, from anywhere. */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 20000

static void write_trace(struct fixture *f)
{
    struct ttb_trace_writer *writer = open_writer(f, 1);
    uint8_t frame[PING_BYTES];
    uint32_t noise = 1;

    /* Frames that do not compress, so that there are many blocks. */
    for (unsigned i = 0; i < FRAMES; i++) {
        make_ping(frame, (uint16_t)i);
        for (unsigned at = 50; at + 4 <= PING_BYTES; at += 4) {
            noise = noise * 1664525u + 1013904223u;
            memcpy(frame + at, &noise, 4);
        }
        write_frame(writer, i * MS, 0, TTB_TRACE_TRANSMITTED, frame, sizeof(frame));
        write_frame(writer, i * MS + 5, 1, TTB_TRACE_DELIVERED, frame, sizeof(frame));
    }
    close_writer(writer, FRAMES * MS);
}

static struct ttb_trace_reader *open_both(struct fixture *f, bool ahead)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .ahead = ahead};
    struct ttb_trace_reader *reader;
    char error[512];

    if (ttb_trace_reader_open(f->run, &opts, &reader, error, sizeof(error)))
        return NULL;
    return reader;
}

/* Read both on to the end, or so many records. */
static void compare(struct ttb_trace_reader *plain, struct ttb_trace_reader *ahead, unsigned max)
{
    struct ttb_trace_record left, right;
    uint64_t left_ns, right_ns;
    int rc;

    do {
        rc = ttb_trace_reader_next(plain, &left);
        assert_int_equal(ttb_trace_reader_next(ahead, &right), rc);
        if (rc <= 0)
            break;
        assert_int_equal(left.kind, right.kind);
        assert_int_equal(left.number, right.number);
        assert_int_equal(left.time_ns, right.time_ns);
        if (left.kind == TTB_TRACE_FRAME) {
            assert_int_equal(left.frame.packet, right.frame.packet);
            assert_int_equal(left.frame.payload.len_bytes, right.frame.payload.len_bytes);
            assert_memory_equal(left.frame.payload.data, right.frame.payload.data,
                                left.frame.payload.len_bytes);
        }
    } while (--max);
    assert_int_equal(ttb_trace_reader_end(plain, &left_ns), ttb_trace_reader_end(ahead, &right_ns));
    assert_int_equal(left_ns, right_ns);
    assert_string_equal(ttb_trace_reader_error(plain), ttb_trace_reader_error(ahead));
}

static void compare_all(struct fixture *f)
{
    struct ttb_trace_reader *plain = open_both(f, false), *ahead = open_both(f, true);

    assert_int_equal(plain == NULL, ahead == NULL);
    if (plain)
        compare(plain, ahead, 0);
    ttb_trace_reader_free(plain);
    ttb_trace_reader_free(ahead);
}

static void a_whole_trace_is_the_same(void **state)
{
    struct fixture *f = *state;

    write_trace(f);
    compare_all(f);
}

static void a_trace_that_is_cut_or_damaged_is_so_at_the_same_place(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes, cut_bytes;
    uint8_t *data;

    write_trace(f);
    data = read_file(f->run, &len_bytes);
    for (unsigned i = 1; i <= 12; i++) {
        cut_bytes = len_bytes / 13 * i + i;
        write_file(f->run, data, cut_bytes);
        compare_all(f);
        data[cut_bytes] ^= 0x40;
        write_file(f->run, data, len_bytes);
        compare_all(f);
        data[cut_bytes] ^= 0x40;
    }
    free(data);
}

static void a_reader_that_seeks_goes_on_there(void **state)
{
    static const unsigned to_ms[] = {15000, 3, FRAMES - 1, 0, 7777};
    struct fixture *f = *state;
    struct ttb_trace_reader *plain, *ahead;

    write_trace(f);
    plain = open_both(f, false);
    ahead = open_both(f, true);
    for (unsigned i = 0; i < sizeof(to_ms) / sizeof(to_ms[0]); i++) {
        assert_int_equal(ttb_trace_reader_seek(plain, to_ms[i] * MS), 0);
        assert_int_equal(ttb_trace_reader_seek(ahead, to_ms[i] * MS), 0);
        compare(plain, ahead, 5000);
    }
    /* One that is let go in the middle of a trace takes its thread along. */
    ttb_trace_reader_free(plain);
    ttb_trace_reader_free(ahead);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(a_whole_trace_is_the_same),
        T(a_trace_that_is_cut_or_damaged_is_so_at_the_same_place),
        T(a_reader_that_seeks_goes_on_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
