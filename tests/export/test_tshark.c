/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures as tshark and capinfos read them. */
#include "tshark_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void tshark_sees_what_the_trace_has(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    char capture[128];

    write_sample(writer, 1000);
    close_writer(writer, 20 * S);
    make_capture(f->directory, capture);
    assert_int_equal(compare_capture(f->directory, capture), 2002);
    /* Why two of them went no further; what was printed; which way they went. */
    assert_int_equal(count_matches(capture, "frame.comment == \"dropped: too short\""), 1);
    assert_int_equal(count_matches(capture, "frame.comment == \"lost: queue full\""), 1);
    assert_int_equal(count_matches(capture, "systemd_journal.message contains \"hello\" && "
                                            "systemd_journal.hostname == \"client\""),
                     1);
    assert_int_equal(count_matches(capture, "frame.packet_flags_direction == 2"), 1000);
    assert_int_equal(count_matches(capture, "frame.packet_id == 77"), 2);
    unlink(capture);
}

static void times_after_a_hundred_years_are_exact(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    uint8_t frame[1514];
    char capture[128];
    size_t len_bytes = make_udp(frame, 1, 2, 7, 8, 1000);

    for (uint64_t i = 0; i < 64; i++)
        write_frame(writer, i * 50000000000000001ULL, i % 2, TTB_TRACE_TRANSMITTED, frame,
                    len_bytes);
    close_writer(writer, 64 * 50000000000000001ULL);
    make_capture(f->directory, capture);
    assert_int_equal(compare_capture(f->directory, capture), 64);
    unlink(capture);
}

static void an_empty_run_is_an_empty_capture(void **state)
{
    struct fixture *f = *state;
    char capture[128];

    close_writer(open_writer(f, 9), 0);
    make_capture(f->directory, capture);
    assert_int_equal(compare_capture(f->directory, capture), 0);
    unlink(capture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tshark_sees_what_the_trace_has),
        TEST(times_after_a_hundred_years_are_exact),
        TEST(an_empty_run_is_an_empty_capture),
    };

    if (!have_wireshark())
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
