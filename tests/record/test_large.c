/* SPDX-License-Identifier: BSD-3-Clause */
/* Long runs take no more memory than short ones. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define ASAN 1
#else
#define ASAN 0
#endif

static long rss_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long size, resident = 0;

    if (file && fscanf(file, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void write_million(struct ttb_trace_writer *writer, unsigned from, unsigned count)
{
    uint8_t frame[PING_BYTES];

    for (unsigned i = from; i < from + count / 2; i++) {
        make_ping(frame, (uint16_t)i);
        memcpy(frame + 50, &i, sizeof(i));
        write_frame(writer, i * 1000ULL, 0, TTB_TRACE_TRANSMITTED, frame, sizeof(frame));
        write_frame(writer, i * 1000ULL + 5, 1, TTB_TRACE_DELIVERED, frame, sizeof(frame));
    }
}

static void a_million_records_take_no_memory(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    unsigned records = 0;
    long before_kib;

    write_million(writer, 0, 50000);
    before_kib = rss_kib();
    write_million(writer, 25000, 1000000);
    if (!ASAN)
        assert_in_range(rss_kib() - before_kib + 256, 0, 512);
    close_writer(writer, 0);

    reader = open_reader(f->run, true);
    before_kib = 0;
    while (ttb_trace_reader_next(reader, &record) > 0) {
        if (++records == 50000)
            before_kib = rss_kib();
    }
    if (!ASAN)
        assert_in_range(rss_kib() - before_kib + 256, 0, 512);
    assert_int_equal(records, 1050000);
    assert_int_equal(ttb_trace_reader_end(reader, NULL), TTB_TRACE_COMPLETE);
    ttb_trace_reader_free(reader);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(a_million_records_take_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
