/* SPDX-License-Identifier: BSD-3-Clause */
/* The first difference between two runs, and between two environments. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Changes to one record of many. */
enum change {
    SAME,
    OTHER_BYTE,
    OTHER_LENGTH,
    OTHER_TIME,
    OTHER_NODE,
    OTHER_KIND,
    OTHER_WHAT,
    OTHER_TEXT,
    OTHER_EXIT,
    OTHER_STATE,
    OTHER_TARGET,
    OTHER_REASON,
    LEFT_OUT_AT_END,
    ONE_MORE,
    OTHER_PACKET_IDS,
    OTHER_EXPECTATION,
    LOSS_LEFT_OUT,
    GRANT_LEFT_OUT,
};

static void write_run(struct ttb_trace_writer *writer, enum change change)
{
    uint8_t frame[PING_BYTES];

    for (unsigned i = 0; i < 20; i++) {
        bool here = i == 10;

        make_ping(frame, (uint16_t)i);
        if (!(here && change == GRANT_LEFT_OUT))
            write_grant(writer, i * MS, here && change == OTHER_NODE);
        if (here && change == OTHER_BYTE)
            frame[50] ^= 0xff;
        if (here && change == OTHER_KIND)
            write_line(writer, i * MS, 0, "kind");
        write_record(writer,
                     &(struct ttb_trace_record){
                         .kind = TTB_TRACE_FRAME,
                         .time_ns = i * MS + (here && change == OTHER_TIME),
                         .node = 0,
                         .frame = {.what = here && change == OTHER_WHAT ? TTB_TRACE_DELIVERED
                                                                        : TTB_TRACE_TRANSMITTED,
                                   .place = 0,
                                   .packet = change == OTHER_PACKET_IDS ? 1000 + i : 0,
                                   .len_bytes = PING_BYTES + (here && change == OTHER_LENGTH),
                                   .payload = {.data = frame, .len_bytes = PING_BYTES}},
                     });
        if (!(here && change == LOSS_LEFT_OUT))
            write_record(writer, &(struct ttb_trace_record){
                                     .kind = TTB_TRACE_FRAME,
                                     .time_ns = i * MS + 5,
                                     .node = TTB_TRACE_NONE,
                                     .frame = {.what = TTB_TRACE_LOST,
                                               .place = 1,
                                               .len_bytes = PING_BYTES,
                                               .payload = {.data = frame, .len_bytes = PING_BYTES},
                                               .reason = bytes_of(here && change == OTHER_REASON
                                                                      ? "collision"
                                                                      : "queue full")},
                                 });
        write_line(writer, i * MS + 6, 1,
                   here && change == OTHER_TEXT ? "line with an error" : "line with a word");
    }
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EVENT,
                             .time_ns = 30 * MS,
                             .node = TTB_TRACE_NONE,
                             .event = {.action = bytes_of("link-down"),
                                       .target = bytes_of(change == OTHER_TARGET ? "wan" : "lan")},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EXPECTATION,
                             .node = TTB_TRACE_NONE,
                             .expectation = {.met = change == OTHER_EXPECTATION},
                         });
    if (change != LEFT_OUT_AT_END)
        write_record(writer, &(struct ttb_trace_record){
                                 .kind = TTB_TRACE_STATE,
                                 .time_ns = 40 * MS,
                                 .node = 0,
                                 .state = {.state = change == OTHER_STATE ? TTB_NODE_FAILED
                                                                          : TTB_NODE_STOPPED,
                                           .has_exit_status = true,
                                           .exit_status = change == OTHER_EXIT ? 1 : 0},
                             });
    if (change == ONE_MORE)
        write_grant(writer, 50 * MS, 1);
}

/* The expected run is in the file, the other one as it happens. */
static int compare_live(struct fixture *f, enum change change,
                        const struct ttb_trace_compare_opts *opts,
                        struct ttb_trace_compare **compare, struct ttb_trace_reader **reader)
{
    struct ttb_trace_writer *writer = open_writer(f, 1);

    write_run(writer, SAME);
    close_writer(writer, 0);
    *reader = open_reader(f->directory, false);
    assert_int_equal(ttb_trace_compare_new(*reader, opts, compare), 0);
    writer = open_writer(NULL, 1);
    ttb_trace_writer_set_sink(writer, ttb_trace_compare_sink, *compare);
    write_run(writer, change);
    ttb_trace_writer_close(writer, NULL);
    return ttb_trace_compare_finish(*compare);
}

static void the_first_difference_is_named(void **state)
{
    static const struct {
        enum change change;
        const char *field, *summary;
    } cases[] = {
        {OTHER_BYTE, "payload", "payload: from byte 50 on, expected \"23456789:"},
        {OTHER_LENGTH, "length", "length: expected 98, found 99"},
        {OTHER_TIME, "time", "time: expected 0.010000000 s, found 0.010000001 s"},
        {OTHER_NODE, "node", "node (-1: none): expected 0, found 1"},
        {OTHER_KIND, "kind", "kind: expected a frame, found a console line"},
        {OTHER_WHAT, "what", "what: expected transmitted, found delivered"},
        {OTHER_TEXT, "console", "console: from byte 11 on, expected \" word\", found \"n error\""},
        {OTHER_EXIT, "exit status", "exit status (-1: none): expected 0, found 1"},
        {OTHER_STATE, "state", "state: expected stopped, found failed"},
        {OTHER_TARGET, "target", "target: from byte 0 on, expected \"lan\", found \"wan\""},
        {OTHER_REASON, "reason", "reason: from byte 0 on, expected \"queue full\""},
        {LEFT_OUT_AT_END, "end", "end: this run has ended, the expected one goes on"},
        {ONE_MORE, "end", "end: the expected run has ended, this one goes on"},
        {SAME, NULL, NULL},
        {OTHER_PACKET_IDS, NULL, NULL},
        {OTHER_EXPECTATION, NULL, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ttb_trace_difference *difference;
        struct ttb_trace_compare *compare;
        struct ttb_trace_reader *reader;
        int rc = compare_live(f, cases[i].change, NULL, &compare, &reader);

        assert_int_equal(rc, cases[i].field != NULL);
        difference = ttb_trace_compare_difference(compare);
        if (cases[i].field) {
            assert_non_null(difference);
            assert_string_equal(difference->field, cases[i].field);
            if (strncmp(difference->summary, cases[i].summary, strlen(cases[i].summary)) != 0)
                fail_msg("\"%s\" does not begin with \"%s\"", difference->summary,
                         cases[i].summary);
            assert_int_equal(difference->expected == NULL, cases[i].change == ONE_MORE);
            assert_int_equal(difference->actual == NULL, cases[i].change == LEFT_OUT_AT_END);
        } else {
            assert_null(difference);
        }
        ttb_trace_compare_free(compare);
        ttb_trace_reader_free(reader);
    }
}

static void both_sides_and_what_came_before_are_shown(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_compare_opts opts = {.size = sizeof(opts), .context = 3};
    const struct ttb_trace_difference *difference;
    struct ttb_trace_compare *compare;
    struct ttb_trace_reader *reader;

    assert_int_equal(compare_live(f, OTHER_TIME, &opts, &compare, &reader), 1);
    difference = ttb_trace_compare_difference(compare);
    assert_string_equal(difference->expected,
                        "0.010000000 s  client.eth0  transmitted  #11 10.0.0.1 > 10.0.0.2: ICMP "
                        "echo request, id 1, seq 10, 98 bytes");
    assert_string_equal(difference->actual,
                        "0.010000001 s  client.eth0  transmitted  #11 10.0.0.1 > 10.0.0.2: ICMP "
                        "echo request, id 1, seq 10, 98 bytes");
    assert_int_equal(difference->time_ns, 10 * MS);
    assert_int_equal(difference->compared, 41);
    assert_int_equal(difference->expected_number, 41);
    assert_int_equal(difference->before_count, 3);
    assert_non_null(strstr(difference->before[0], "eth0  lost"));
    assert_string_equal(difference->before[1], "0.009000006 s  server  prints  line with a word");
    assert_string_equal(difference->before[2], "0.010000000 s  client  runs");
    /* Fed on, it stays with the first. */
    assert_int_equal(ttb_trace_compare_finish(compare), 1);
    ttb_trace_compare_free(compare);
    ttb_trace_reader_free(reader);
}

static void what_is_left_out_is_not_compared(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum change change;
        struct ttb_trace_compare_opts opts;
        int differs;
    } cases[] = {
        {GRANT_LEFT_OUT, {.size = sizeof(cases[0].opts)}, 1},
        {GRANT_LEFT_OUT, {.size = sizeof(cases[0].opts), .without_schedule = true}, 0},
        {LOSS_LEFT_OUT, {.size = sizeof(cases[0].opts)}, 1},
        {LOSS_LEFT_OUT, {.size = sizeof(cases[0].opts), .without_network = true}, 0},
        {OTHER_TEXT, {.size = sizeof(cases[0].opts), .one_node = true, .only_node = 0}, 0},
        {OTHER_TEXT, {.size = sizeof(cases[0].opts), .one_node = true, .only_node = 1}, 1},
        {OTHER_BYTE, {.size = sizeof(cases[0].opts), .one_node = true, .only_node = 1}, 0},
        {OTHER_TEXT, {.size = sizeof(cases[0].opts), .kinds = 1 << TTB_TRACE_FRAME}, 0},
        {OTHER_TEXT, {.size = sizeof(cases[0].opts), .kinds = 1 << TTB_TRACE_CONSOLE}, 1},
        {OTHER_TIME, {.size = sizeof(cases[0].opts), .without_times = true}, 0},
        {OTHER_BYTE, {.size = sizeof(cases[0].opts), .without_times = true}, 1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ttb_trace_compare *compare;
        struct ttb_trace_reader *reader;

        assert_int_equal(compare_live(f, cases[i].change, &cases[i].opts, &compare, &reader),
                         cases[i].differs);
        ttb_trace_compare_free(compare);
        ttb_trace_reader_free(reader);
    }
}

/* The run was stopped at a time: what would have come by then is missing, what later, is not. */
static void a_run_that_was_stopped_has_all_that_came_before(void **state)
{
    static const struct {
        uint64_t time_ns;
        int differs;
    } cases[] = {{7 * MS, 0}, {10 * MS, 0}, {10 * MS + 1, 1}};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);

    write_grant(writer, 5 * MS, 0);
    write_line(writer, 5 * MS, 0, "printed after the stop");
    write_grant(writer, 10 * MS, 0);
    close_writer(writer, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ttb_trace_reader *reader = open_reader(f->directory, false);
        struct ttb_trace_compare *compare;

        assert_int_equal(ttb_trace_compare_new(reader, NULL, &compare), 0);
        writer = open_writer(NULL, 1);
        ttb_trace_writer_set_sink(writer, ttb_trace_compare_sink, compare);
        write_grant(writer, 5 * MS, 0);
        ttb_trace_writer_close(writer, NULL);
        assert_int_equal(ttb_trace_compare_finish_at(compare, cases[i].time_ns), cases[i].differs);
        ttb_trace_compare_free(compare);
        ttb_trace_reader_free(reader);
    }
}

static int diff_data(struct fixture *f, const uint8_t *a, size_t a_bytes, const uint8_t *b,
                     size_t b_bytes, char error[512])
{
    struct ttb_trace_reader *expected, *actual;
    struct ttb_trace_compare *compare;
    char path[128];
    int rc;

    snprintf(path, sizeof(path), "%s/other", f->directory);
    write_file(f->run, a, a_bytes);
    write_file(path, b, b_bytes);
    expected = open_reader(f->run, false);
    actual = open_reader(path, false);
    rc = ttb_trace_diff(expected, actual, NULL, &compare);
    snprintf(error, 512, "%s", ttb_trace_compare_error(compare));
    ttb_trace_compare_free(compare);
    ttb_trace_reader_free(expected);
    ttb_trace_reader_free(actual);
    unlink(path);
    return rc;
}

static void two_traces_are_compared_as_far_as_both_go(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    size_t same_bytes, other_bytes;
    uint8_t *same, *other;
    char error[512];

    write_run(writer, SAME);
    close_writer(writer, 0);
    same = read_file(f->run, &same_bytes);
    writer = open_writer(f, 1);
    write_run(writer, OTHER_BYTE);
    close_writer(writer, 0);
    other = read_file(f->run, &other_bytes);

    assert_int_equal(diff_data(f, same, same_bytes, same, same_bytes, error), 0);
    assert_int_equal(diff_data(f, same, same_bytes, other, other_bytes, error), 1);
    /* The footer is gone, so nobody knows what else there was. */
    assert_int_equal(diff_data(f, same, same_bytes, same, same_bytes - 600, error), -ENODATA);
    assert_non_null(strstr(error, "other: is truncated"));
    assert_int_equal(diff_data(f, same, same_bytes - 600, same, same_bytes, error), -ENODATA);
    assert_non_null(strstr(error, "run.ttb: is truncated"));
    other[other_bytes / 2] ^= 1;
    assert_int_equal(diff_data(f, same, same_bytes, other, other_bytes, error), -EBADMSG);
    assert_non_null(strstr(error, "other: offset "));
    free(same);
    free(other);
}

static void collect(void *user, const char *text)
{
    strcat(strcat(user, text), "\n");
}

static void environments_that_differ_are_named(void **state)
{
    static const char *const flags[] = {"aes", "avx2"}, *const other_flags[] = {"aes", "sha_ni"};
    struct ttb_trace_artifact artifacts[] = {
        {.kind = TTB_TRACE_KERNEL, .path = "/a/linux", .len_bytes = 10, .sha256 = {1}},
        {.kind = TTB_TRACE_IMAGE, .path = "/a/image", .len_bytes = 20, .sha256 = {2}},
    };
    struct ttb_trace_artifact others[] = {
        {.kind = TTB_TRACE_KERNEL, .path = "/elsewhere/linux", .len_bytes = 10, .sha256 = {1}},
        {.kind = TTB_TRACE_IMAGE, .path = "/a/image", .len_bytes = 20, .sha256 = {2, 1}},
    };
    const struct ttb_trace_artifact kernels[] = {
        {.kind = TTB_TRACE_KERNEL, .path = "k", .len_bytes = 1, .version = "6.12.48"},
        {.kind = TTB_TRACE_KERNEL, .path = "k", .len_bytes = 2, .version = "7.2"},
    };
    struct ttb_trace_header a = {
        .ttb_version = "0.1.0",
        .seed = 1,
        .artifacts = artifacts,
        .artifact_count = 2,
        .cpu_model = "one",
        .cpu_flags = flags,
        .cpu_flag_count = 2,
        .ns3_version = "3.37",
        .scenario = {.data = "ab", .len_bytes = 2},
    };
    struct ttb_trace_header b = a;
    char text[4096] = "";

    (void)state;
    assert_int_equal(ttb_trace_diff_headers(&a, &b, collect, text), 0);
    b.seed = 2;
    b.artifacts = others;
    b.cpu_model = "two\n";
    b.cpu_flags = other_flags;
    b.ns3_version = NULL;
    b.ttb_version = "0.2.0";
    b.scenario.data = "ac";
    b.no_look_ahead = true;
    assert_int_equal(ttb_trace_diff_headers(&a, &b, collect, text), 8);
    assert_string_equal(
        text, "seed: expected 1, found 2\n"
              "scenario: its content differs\n"
              "look-ahead: expected on, found off\n"
              "image: expected /a/image (20 bytes, sha256 0200000000000000...), found /a/image (20 "
              "bytes, sha256 0201000000000000...)\n"
              "cpu: expected one, found two\\x0a\n"
              "cpu flags: missing here: avx2; only here: sha_ni\n"
              "ttb: expected 0.1.0, found 0.2.0\n"
              "ns-3: expected 3.37, found none\n");
    text[0] = 0;
    b = a;
    a.artifacts = &kernels[0];
    b.artifacts = &kernels[1];
    a.artifact_count = b.artifact_count = 1;
    assert_int_equal(ttb_trace_diff_headers(&a, &b, collect, text), 1);
    assert_string_equal(text, "kernel: expected k (6.12.48, 1 bytes, sha256 0000000000000000...), "
                              "found k (7.2, 2 bytes, sha256 0000000000000000...)\n");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(the_first_difference_is_named),      T(both_sides_and_what_came_before_are_shown),
        T(what_is_left_out_is_not_compared),   T(two_traces_are_compared_as_far_as_both_go),
        T(environments_that_differ_are_named), T(a_run_that_was_stopped_has_all_that_came_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
