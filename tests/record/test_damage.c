/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces that are cut off, damaged, or whose writer died or met a full disk. */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_HEADER 48

struct outcome {
    int rc; /* of open, else of the last next */
    unsigned records;
    uint64_t until_ns;
    enum ttb_trace_reader_end end;
    char error[512];
};

static struct outcome read_all(const char *path)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .digests = true};
    struct outcome outcome = {0};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    char line[512];

    outcome.rc = ttb_trace_reader_open(path, &opts, &reader, outcome.error, sizeof(outcome.error));
    if (outcome.rc)
        return outcome;
    while ((outcome.rc = ttb_trace_reader_next(reader, &record)) > 0) {
        outcome.records++;
        /* Touches all that the record points to. */
        ttb_trace_describe(ttb_trace_reader_tables(reader), &record, line, sizeof(line));
    }
    outcome.end = ttb_trace_reader_end(reader, &outcome.until_ns);
    snprintf(outcome.error, sizeof(outcome.error), "%s", ttb_trace_reader_error(reader));
    ttb_trace_reader_free(reader);
    return outcome;
}

static uint8_t *make_sample(struct fixture *f, unsigned rounds, size_t *len_bytes)
{
    struct ttb_trace_writer *writer = open_writer(f, 1);

    write_sample(writer, rounds);
    close_writer(writer, 6 * S);
    return read_file(f->run, len_bytes);
}

/* Offset of the n-th block from 0. */
static size_t block_at(const uint8_t *data, unsigned n)
{
    size_t at = 8;

    while (n--) {
        uint32_t stored;

        memcpy(&stored, data + at + 8, 4);
        at += BLOCK_HEADER + stored;
    }
    return at;
}

static void a_trace_cut_off_anywhere_is_read_up_to_its_last_whole_block(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes, header_end, records_end, footer_end;
    uint8_t *data = make_sample(f, 3, &len_bytes);

    header_end = block_at(data, 1);
    records_end = block_at(data, 2);
    footer_end = block_at(data, 3);
    for (size_t cut = 0; cut <= len_bytes; cut++) {
        struct outcome outcome;

        write_file(f->run, data, cut);
        outcome = read_all(f->run);
        if (cut < header_end) {
            assert_int_equal(outcome.rc, -EBADMSG);
            assert_non_null(strstr(outcome.error, "offset "));
            continue;
        }
        assert_int_equal(outcome.rc, 0);
        assert_int_equal(outcome.records, cut < records_end ? 0 : 19);
        assert_int_equal(outcome.until_ns, cut < records_end ? 0 : 6 * S);
        assert_int_equal(outcome.end, cut < footer_end ? TTB_TRACE_TRUNCATED : TTB_TRACE_COMPLETE);
        if (cut < footer_end)
            assert_non_null(strstr(outcome.error, cut < records_end ? "it ends at 0.000000000 s"
                                                                    : "it ends at 6.000000000 s"));
        if (cut > header_end && cut < records_end)
            assert_non_null(strstr(outcome.error, "bytes are missing"));
    }
    free(data);
}

static void every_flipped_bit_is_noticed(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes, footer_end;
    uint8_t *data = make_sample(f, 3, &len_bytes);

    footer_end = block_at(data, 3);
    for (size_t bit = 0; bit < 8 * len_bytes; bit++) {
        struct outcome outcome;

        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(f->run, data, len_bytes);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        outcome = read_all(f->run);
        /* Index and trailer are only for seeking. */
        if (bit / 8 >= footer_end) {
            assert_int_equal(outcome.rc, 0);
            assert_int_equal(outcome.end, TTB_TRACE_COMPLETE);
            continue;
        }
        if (outcome.rc == 0) {
            /* A length that now reaches past the end of the file. */
            assert_int_equal(outcome.end, TTB_TRACE_TRUNCATED);
            assert_non_null(strstr(outcome.error, "bytes are missing"));
        } else {
            assert_int_equal(outcome.rc, -EBADMSG);
            assert_non_null(strstr(outcome.error, "offset "));
        }
    }
    free(data);
}

/* A tail has no checksum: what is behind one is reached. */
static void bytes_changed_behind_the_checksum_do_no_harm(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    unsigned fine = 0, wrong = 0;
    size_t len_bytes;
    uint32_t used, random = 1;
    uint8_t *data;

    write_sample(writer, 2);
    ttb_trace_writer_close(writer, NULL);
    data = read_file(f->tail, &len_bytes);
    memcpy(&used, data + 28, 4);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *copy = malloc(64 + used);
        struct outcome outcome;

        memcpy(copy, data, 64 + used);
        for (unsigned change = 0; change < 1 + i % 3; change++) {
            random = random * 1664525u + 1013904223u;
            copy[64 + (random >> 8) % used] = (uint8_t)(random >> 24);
        }
        write_file(f->tail, copy, 64 + used);
        free(copy);
        outcome = read_all(f->run);
        if (outcome.rc == 0) {
            fine++;
        } else {
            assert_int_equal(outcome.rc, -EBADMSG);
            assert_non_null(strstr(outcome.error, "record "));
            wrong++;
        }
    }
    free(data);
    assert_true(fine > 1000 && wrong > 1000);
}

static void sentences_name_offset_field_and_value(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t at; /* in the block header */
        uint8_t value;
        const char *text;
    } cases[] = {
        {0, 0, "offset 8: block mark: 0x6b425400"},
        {5, 7, "offset 8: compression: 7 is neither"},
        {11, 0xff, "stored_bytes: 42"},
        {15, 0xff, "offset 8: raw_bytes: 42"},
        {20, 9, "offset 8: checksum: the block's bytes give "},
    };
    size_t len_bytes;
    uint8_t *data = make_sample(f, 1, &len_bytes);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t before = data[8 + cases[i].at];
        struct outcome outcome;

        data[8 + cases[i].at] = cases[i].value;
        write_file(f->run, data, len_bytes);
        data[8 + cases[i].at] = before;
        outcome = read_all(f->run);
        assert_int_equal(outcome.rc, -EBADMSG);
        if (!strstr(outcome.error, cases[i].text) || !strstr(outcome.error, f->run))
            fail_msg("\"%s\" does not say \"%s\"", outcome.error, cases[i].text);
    }
    free(data);
    write_file(f->run, "#!/bin/sh\n", 10);
    assert_non_null(strstr(read_all(f->run).error, "is no trace"));
    write_file(f->run, "", 0);
    assert_non_null(strstr(read_all(f->run).error, "is no trace"));
    unlink(f->run);
    assert_int_equal(read_all(f->run).rc, -ENOENT);
    assert_non_null(strstr(read_all(f->run).error, "No such file"));
    assert_int_equal(read_all("/dev/null").rc, -EBADMSG);
}

/* Blocks in another order, or one left out: right checksums, wrong sequence. */
static void blocks_that_are_missing_or_swapped_are_noticed(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes, first, second, third;
    uint8_t *data = make_sample(f, 10000, &len_bytes), *cut;

    first = block_at(data, 1);
    second = block_at(data, 2);
    third = block_at(data, 3);
    cut = malloc(len_bytes);
    memcpy(cut, data, first);
    memcpy(cut + first, data + second, len_bytes - second);
    write_file(f->run, cut, len_bytes - (second - first));
    assert_non_null(strstr(read_all(f->run).error, "sequence: 2 where 1 is expected"));
    memcpy(cut + first, data + second, third - second);
    memcpy(cut + first + third - second, data + first, second - first);
    write_file(f->run, cut, third);
    assert_non_null(strstr(read_all(f->run).error, "sequence: 2 where 1 is expected"));
    free(cut);
    free(data);
}

static void verify_tells_right_from_truncated_from_damaged(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes;
    uint8_t *data = make_sample(f, 3, &len_bytes);
    char text[512];

    assert_int_equal(ttb_trace_verify(f->directory, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "complete and right: 19 records"));
    write_file(f->run, data, block_at(data, 2));
    assert_int_equal(ttb_trace_verify(f->run, text, sizeof(text)), -ENODATA);
    assert_non_null(strstr(text, "truncated"));
    data[block_at(data, 1) + 60] ^= 1;
    write_file(f->run, data, len_bytes);
    assert_int_equal(ttb_trace_verify(f->run, text, sizeof(text)), -EBADMSG);
    free(data);
}

/* The records of another run between header and footer. */
static void verify_notices_records_that_are_not_the_footers(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer;
    uint8_t *one, *other, *mixed;
    size_t one_bytes, other_bytes, at, end;
    char text[512];

    one = make_sample(f, 3, &one_bytes);
    writer = open_writer(f, 1);
    write_sample(writer, 2);
    write_grant(writer, 7 * S, 0);
    close_writer(writer, 6 * S);
    other = read_file(f->run, &other_bytes);
    mixed = malloc(one_bytes + other_bytes);
    at = block_at(one, 1);
    end = block_at(other, 2);
    memcpy(mixed, one, at);
    memcpy(mixed + at, other + block_at(other, 1), end - block_at(other, 1));
    at += end - block_at(other, 1);
    memcpy(mixed + at, one + block_at(one, 2), one_bytes - block_at(one, 2));
    at += one_bytes - block_at(one, 2);
    write_file(f->run, mixed, at);
    assert_int_equal(ttb_trace_verify(f->run, text, sizeof(text)), -EBADMSG);
    assert_non_null(strstr(text, "digest.behaviour of the run is not that of the records"));
    free(one);
    free(other);
    free(mixed);
}

/* ----------------------------------------------------------------------------- writers that die */

static unsigned write_and_die(struct fixture *f, unsigned rounds)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        write_sample(open_writer(f, 1), rounds);
        kill(getpid(), SIGKILL);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return 4 + 3 * rounds + 6;
}

static void a_killed_writer_loses_no_record(void **state)
{
    struct fixture *f = *state;
    static const unsigned rounds[] = {0, 3, 5000, 20000};

    for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
        unsigned records = write_and_die(f, rounds[i]);
        struct outcome outcome = read_all(f->directory);

        assert_int_equal(outcome.rc, 0);
        assert_int_equal(outcome.end, TTB_TRACE_TRUNCATED);
        assert_int_equal(outcome.records, records);
        assert_int_equal(outcome.until_ns,
                         rounds[i] > 600 ? 10 * MS + (rounds[i] - 1) * 10 * MS + MS : 6 * S);
    }
}

/* It died while it wrote a block: the tail still has it. */
static void half_a_block_is_made_up_for_by_the_tail(void **state)
{
    struct fixture *f = *state;
    unsigned records = write_and_die(f, 3);
    struct outcome outcome;
    size_t len_bytes;
    uint8_t *data = read_file(f->run, &len_bytes), *half = calloc(1, len_bytes + 100);

    memcpy(half, data, len_bytes);
    memcpy(half + len_bytes, "TTBk\2\1\0\0\x80", 9);
    write_file(f->run, half, len_bytes + 60);
    outcome = read_all(f->run);
    assert_int_equal(outcome.rc, 0);
    assert_int_equal(outcome.records, records);
    free(data);
    free(half);
}

static void a_tail_of_another_run_is_ignored(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer;
    uint8_t *tail, *data;
    size_t tail_bytes, len_bytes;
    char copy[128];

    write_and_die(f, 3);
    tail = read_file(f->tail, &tail_bytes);
    /* Another seed: another header. */
    writer = open_writer(f, 2);
    write_grant(writer, 0, 0);
    ttb_trace_writer_close(writer, NULL);
    assert_int_equal(read_all(f->run).records, 1);
    write_file(f->tail, tail, tail_bytes);
    assert_int_equal(read_all(f->run).records, 0);

    /* A tail whose block has been written. */
    writer = open_writer(f, 1);
    write_sample(writer, 3);
    close_writer(writer, 0);
    assert_int_equal(access(f->tail, F_OK), -1);
    data = read_file(f->run, &len_bytes);
    write_file(f->run, data, block_at(data, 2));
    write_file(f->tail, tail, tail_bytes);
    assert_int_equal(read_all(f->run).records, 19);
    /* Without its tail beside it, a copy has what it has. */
    snprintf(copy, sizeof(copy), "%s/copy", f->directory);
    write_file(copy, data, block_at(data, 1));
    assert_int_equal(read_all(copy).records, 0);
    unlink(copy);
    free(tail);
    free(data);
}

static void a_malformed_tail_is_no_danger(void **state)
{
    struct fixture *f = *state;
    size_t len_bytes;
    uint8_t *tail;

    write_and_die(f, 3);
    tail = read_file(f->tail, &len_bytes);
    for (size_t cut = 0; cut < 700; cut++) {
        write_file(f->tail, tail, cut);
        assert_int_equal(read_all(f->run).rc, 0);
    }
    memset(tail + 28, 0xff, 4); /* more bytes than there are */
    write_file(f->tail, tail, len_bytes);
    assert_int_equal(read_all(f->run).records, 0);
    unlink(f->tail);
    assert_int_equal(mkfifo(f->tail, 0600), 0);
    assert_int_equal(read_all(f->run).rc, 0);
    free(tail);
}

/* ------------------------------------------------------------------------------------ full disks */

static void count_failures(void *user, const char *why)
{
    assert_non_null(strstr(why, "cannot be written beyond"));
    ++*(unsigned *)user;
}

/* The limit stands for a full disk. In a process of its own, since limits are. */
static int run_into_limit(struct fixture *f, rlim_t limit_bytes, unsigned rounds)
{
    struct rlimit limit = {.rlim_cur = limit_bytes, .rlim_max = RLIM_INFINITY};
    struct ttb_trace_header header = {.seed = 1};
    unsigned failures = 0;
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts),
        .directory = f->directory,
        .header = &header,
        .failed = count_failures,
        .failed_user = &failures,
    };
    struct ttb_trace_node node = {.name = "a", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
    struct ttb_trace_end end = {.end_ns = 1, .ending = TTB_TRACE_DONE};
    struct ttb_trace_writer *writer;
    struct ttb_trace_counts counts;
    int rc;

    signal(SIGXFSZ, SIG_IGN);
    if (ttb_trace_writer_open(&opts, &writer, NULL, 0) ||
        ttb_trace_writer_add_node(writer, &node) || setrlimit(RLIMIT_FSIZE, &limit))
        return 10;
    for (unsigned i = 0; i < rounds; i++) {
        struct ttb_trace_record record = {.kind = TTB_TRACE_GRANT, .time_ns = i * i, .node = 0};

        if (ttb_trace_write(writer, &record))
            return 11;
    }
    if (ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, NULL, &counts) ||
        counts.grants != rounds)
        return 12;
    if (failures != 1 || !ttb_trace_writer_error(writer)[0])
        return 13;
    rc = ttb_trace_writer_close(writer, &end);
    return rc ? 0 : 14;
}

static void a_full_disk_is_told_once_and_what_was_written_stays_readable(void **state)
{
    struct fixture *f = *state;
    static const rlim_t limits[] = {100, 1000, 30000, 100000};
    unsigned before = 0;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        pid_t child = fork();
        struct outcome outcome;
        int status;

        if (child == 0)
            _exit(run_into_limit(f, limits[i], 200000));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        outcome = read_all(f->run);
        if (limits[i] < 200) {
            /* Not even the header. */
            assert_int_equal(outcome.rc, -EBADMSG);
            continue;
        }
        assert_int_equal(outcome.rc, 0);
        assert_int_equal(outcome.end, TTB_TRACE_TRUNCATED);
        /* The block that did not fit is in the tail. */
        assert_true(outcome.records >= 16384 && outcome.records < 200000);
        assert_true(outcome.records >= before);
        before = outcome.records;
    }
    assert_true(before > 2 * 16384);
}

/* Room was made before the end: the footer tells what is missing. */
static void a_footer_tells_what_was_lost(void **state)
{
    struct fixture *f = *state;
    struct rlimit limit, old;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    const struct ttb_trace_footer *footer;
    struct ttb_trace_reader *reader;
    struct ttb_trace_end end = {.ending = TTB_TRACE_STOPPED, .why = "enough"};
    struct outcome outcome;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 30000;
    setrlimit(RLIMIT_FSIZE, &limit);
    for (unsigned i = 0; i < 200000; i++)
        write_grant(writer, i * i, 0);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    assert_int_equal(ttb_trace_writer_close(writer, &end), -EIO);
    outcome = read_all(f->run);
    assert_int_equal(outcome.end, TTB_TRACE_TRUNCATED);
    assert_non_null(strstr(outcome.error, "records could not be written"));
    reader = open_reader(f->run, false);
    footer = ttb_trace_reader_footer(reader);
    assert_int_equal(footer->counts.grants, 200000);
    assert_int_equal(footer->lost_records, 200000 - outcome.records);
    assert_string_equal(footer->why, "enough");
    assert_non_null(strstr(footer->lost_why, "File too large"));
    ttb_trace_reader_free(reader);
    assert_int_equal(ttb_trace_verify(f->run, NULL, 0), -ENODATA);
}

static void a_directory_that_is_not_there_is_an_error_with_a_sentence(void **state)
{
    struct ttb_trace_header header = {0};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = "/nonexistent", .header = &header};
    struct ttb_trace_writer *writer;
    char error[256];

    (void)state;
    assert_int_equal(ttb_trace_writer_open(&opts, &writer, error, sizeof(error)), -ENOENT);
    assert_null(writer);
    assert_string_equal(error, "run directory /nonexistent: No such file or directory");
    opts.size--;
    assert_int_equal(ttb_trace_writer_open(&opts, &writer, error, sizeof(error)), -EINVAL);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(a_trace_cut_off_anywhere_is_read_up_to_its_last_whole_block),
        T(every_flipped_bit_is_noticed),
        T(bytes_changed_behind_the_checksum_do_no_harm),
        T(sentences_name_offset_field_and_value),
        T(blocks_that_are_missing_or_swapped_are_noticed),
        T(verify_tells_right_from_truncated_from_damaged),
        T(verify_notices_records_that_are_not_the_footers),
        T(a_killed_writer_loses_no_record),
        T(half_a_block_is_made_up_for_by_the_tail),
        T(a_tail_of_another_run_is_ignored),
        T(a_malformed_tail_is_no_danger),
        T(a_full_disk_is_told_once_and_what_was_written_stays_readable),
        T(a_footer_tells_what_was_lost),
        T(a_directory_that_is_not_there_is_an_error_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
