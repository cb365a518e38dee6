/* SPDX-License-Identifier: BSD-3-Clause */
/* More blocks than an index has entries; built with a small index. */
#include "fixture.h"

#include <stdlib.h>

#include "record/internal.h"

static void an_index_stays_bounded_and_finds_every_time(void **state)
{
    struct fixture *f = *state;
    /* About eight to a block. */
    const unsigned lines = 20 * TTB__INDEX_MAX * 8;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    char *text = calloc(1, TTB_TRACE_CONSOLE_MAX);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;

    for (unsigned i = 0; i < lines; i++)
        write_record(writer,
                     &(struct ttb_trace_record){
                         .kind = TTB_TRACE_CONSOLE,
                         .time_ns = i,
                         .console = {.data = {.data = text, .len_bytes = TTB_TRACE_CONSOLE_MAX}}});
    close_writer(writer, 0);
    free(text);
    reader = open_reader(f->run, false);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t time_ns = (uint64_t)(lines - 1) * i / 99;

        assert_int_equal(ttb_trace_reader_seek(reader, time_ns), 0);
        next_record(reader, &record);
        assert_int_equal(record.time_ns, time_ns);
        assert_int_equal(record.number, time_ns);
    }
    ttb_trace_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_index_stays_bounded_and_finds_every_time, fixture_set_up,
                                        fixture_tear_down),
    };

    _Static_assert(TTB__INDEX_MAX <= 16, "this test is built with a small index");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
