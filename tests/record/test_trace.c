/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written is what is read; equal runs give equal files. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include <ttbridge/trace.pb-c.h>

static void assert_bytes(const struct ttb_trace_bytes *bytes, const char *text)
{
    assert_int_equal(bytes->len_bytes, strlen(text));
    if (bytes->len_bytes)
        assert_memory_equal(bytes->data, text, bytes->len_bytes);
}

static void header_and_tables_come_back_whole(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_reader *reader;
    const struct ttb_trace_header *header;
    const struct ttb_trace_tables *tables;

    struct ttb_trace_writer *writer = open_writer(f, 42);
    write_sample(writer, 1);
    close_writer(writer, 6 * S);
    reader = open_reader(f->directory, false);
    header = ttb_trace_reader_header(reader);
    assert_string_equal(header->scenario_name, "sample");
    assert_bytes(&header->scenario, "\x08\x01");
    assert_int_equal(header->seed, 42);
    assert_int_equal(header->epoch_ns, 1735689600 * S);
    assert_int_equal(header->artifact_count, 2);
    assert_string_equal(header->artifacts[0].path, "linux");
    assert_string_equal(header->artifacts[0].version, "6.12.48");
    assert_int_equal(header->artifacts[0].sha256[2], 3);
    assert_int_equal(header->artifacts[1].kind, TTB_TRACE_IMAGE);
    assert_null(header->artifacts[1].version);
    assert_string_equal(header->cpu_model, "Some CPU");
    assert_int_equal(header->cpu_flag_count, 2);
    assert_string_equal(header->cpu_flags[1], "avx2");
    assert_string_equal(header->ns3_version, "3.37");
    assert_string_equal(header->host_kernel, "Linux 6.1 x86_64");
    assert_non_null(header->ttb_version);
    assert_int_equal(header->component_count, 1);
    assert_true(header->no_look_ahead);
    assert_true(header->ports_only);
    /* Nothing of the wall clock in run.ttb. */
    assert_int_equal(header->started_wall_ns, 0);

    tables = ttb_trace_reader_tables(reader);
    assert_int_equal(tables->node_count, 2);
    assert_string_equal(ttb_trace_find_node(tables, 1)->name, "server");
    assert_int_equal(ttb_trace_find_node(tables, 1)->start_ns, 1);
    assert_int_equal(ttb_trace_find_node(tables, 1)->memory_bytes, 64 << 20);
    assert_null(ttb_trace_find_node(tables, 2));
    assert_int_equal(tables->link_count, 1);
    assert_string_equal(ttb_trace_find_link(tables, 0)->type, "csma");
    assert_int_equal(tables->place_count, 2);
    assert_int_equal(tables->places[1].mac[4], 1);
    assert_int_equal(tables->places[1].mtu_bytes, 1500);
    assert_int_equal(tables->places[1].link, 0);
    assert_int_equal(tables->places[1].speed_bps, 100000000);
    ttb_trace_reader_free(reader);
}

static void every_kind_of_record_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    uint8_t ping[PING_BYTES];

    write_sample(writer, 1);
    close_writer(writer, 6 * S);
    make_ping(ping, 0);
    reader = open_reader(f->run, false);
    for (uint32_t i = 0; i < 2; i++) {
        next_record(reader, &record);
        assert_int_equal(record.kind, TTB_TRACE_GRANT);
        assert_int_equal(record.node, i);
        assert_int_equal(record.number, i);
    }
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_STATE);
    assert_int_equal(record.state.state, TTB_NODE_WAITING);
    assert_false(record.state.has_wait_status);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_CONSOLE);
    assert_int_equal(record.time_ns, MS);
    assert_bytes(&record.console.data, "hello \xc3\xa9 \x01");
    assert_true(record.console.line_end);
    next_record(reader, &record);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_FRAME);
    assert_int_equal(record.frame.what, TTB_TRACE_TRANSMITTED);
    assert_int_equal(record.frame.place, 0);
    assert_int_equal(record.frame.packet, 1);
    assert_int_equal(record.frame.payload.len_bytes, PING_BYTES);
    assert_memory_equal(record.frame.payload.data, ping, PING_BYTES);
    next_record(reader, &record);
    assert_int_equal(record.frame.what, TTB_TRACE_DELIVERED);
    assert_int_equal(record.frame.packet, 1);
    assert_memory_equal(record.frame.payload.data, ping, PING_BYTES);
    next_record(reader, &record);
    assert_int_equal(record.frame.port_reason, TTB_DROP_TOO_SHORT);
    assert_int_equal(record.frame.packet, 2);
    next_record(reader, &record);
    assert_int_equal(record.frame.what, TTB_TRACE_LOST);
    assert_int_equal(record.frame.len_bytes, 1500);
    assert_int_equal(record.frame.payload.len_bytes, 20);
    assert_int_equal(record.frame.place, TTB_TRACE_NONE);
    assert_int_equal(record.node, TTB_TRACE_NONE);
    assert_bytes(&record.frame.reason, "queue full");
    next_record(reader, &record);
    assert_bytes(&record.event.action, "kill");
    assert_bytes(&record.event.target, "server");
    assert_bytes(&record.event.detail, "as told");
    next_record(reader, &record);
    assert_int_equal(record.state.state, TTB_NODE_FAILED);
    assert_int_equal(record.state.wait_status, 9);
    assert_false(record.state.has_exit_status);
    assert_bytes(&record.state.why, "it was killed");
    next_record(reader, &record);
    assert_int_equal(record.state.exit_status, 3);
    assert_int_equal(record.state.wait_status, 0);
    assert_true(record.state.has_wait_status);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_EXPECTATION);
    assert_true(record.expectation.met);
    assert_bytes(&record.expectation.text, "exit 3");
    assert_int_equal(ttb_trace_reader_end(reader, NULL), TTB_TRACE_READING);
    assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
    assert_int_equal(ttb_trace_reader_end(reader, NULL), TTB_TRACE_COMPLETE);
    ttb_trace_reader_free(reader);
}

static void the_footer_has_counts_and_last_states(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    const struct ttb_trace_footer *footer;
    struct ttb_trace_reader *reader;

    write_sample(writer, 10);
    close_writer(writer, 7 * S);
    reader = open_reader(f->run, false);
    /* Known before the first record, by the trailer. */
    footer = ttb_trace_reader_footer(reader);
    assert_non_null(footer);
    assert_int_equal(footer->end_ns, 7 * S);
    assert_int_equal(footer->ending, TTB_TRACE_DONE);
    assert_string_equal(footer->why, "");
    assert_int_equal(footer->counts.grants, 12);
    assert_int_equal(footer->counts.transmitted_frames, 10);
    assert_int_equal(footer->counts.transmitted_bytes, 10 * PING_BYTES);
    assert_int_equal(footer->counts.delivered_frames, 10);
    assert_int_equal(footer->counts.dropped_frames, 1);
    assert_int_equal(footer->counts.lost_frames, 1);
    assert_int_equal(footer->counts.console_lines, 1);
    assert_int_equal(footer->counts.console_bytes, 11);
    assert_int_equal(footer->counts.events, 1);
    assert_int_equal(footer->node_count, 2);
    assert_int_equal(footer->nodes[0].counts.transmitted_frames, 10);
    assert_int_equal(footer->nodes[1].counts.delivered_frames, 10);
    assert_int_equal(footer->nodes[0].state.state, TTB_NODE_STOPPED);
    assert_int_equal(footer->nodes[0].state.exit_status, 3);
    assert_int_equal(footer->nodes[1].state.state, TTB_NODE_FAILED);
    assert_int_equal(footer->nodes[1].state_ns, 5 * S);
    ttb_trace_reader_free(reader);
}

static void equal_runs_give_equal_bytes(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    size_t first_bytes, second_bytes;
    uint8_t *first, *second;

    write_sample(writer, 20000);
    close_writer(writer, 6 * S);
    first = read_file(f->run, &first_bytes);
    usleep(20000); /* another time of day */
    writer = open_writer(f, 1);
    write_sample(writer, 20000);
    close_writer(writer, 6 * S);
    second = read_file(f->run, &second_bytes);
    assert_int_equal(first_bytes, second_bytes);
    assert_memory_equal(first, second, first_bytes);
    free(first);
    free(second);
}

static void costs_go_to_the_other_file(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .wall = true};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;

    write_sample(writer, 1);
    close_writer(writer, 6 * S);
    assert_int_equal(ttb_trace_reader_open(f->directory, &opts, &reader, NULL, 0), 0);
    assert_true(ttb_trace_reader_header(reader)->started_wall_ns > 1600000000 * S);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_COST);
    assert_int_equal(record.cost.part, TTB_TRACE_PART_NETWORK);
    assert_int_equal(record.cost.at_wall_ns, 77);
    assert_int_equal(record.cost.wall_ns, 55);
    assert_int_equal(record.cost.activations, 3);
    assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
    assert_int_equal(ttb_trace_reader_end(reader, NULL), TTB_TRACE_COMPLETE);
    ttb_trace_reader_free(reader);
}

static void what_is_declared_late_is_known_from_then_on(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_node node = {
        .id = 7, .name = "late", .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE};
    struct ttb_trace_place place = {.kind = TTB_TRACE_DEVICE,
                                    .name = "switch/1",
                                    .node = TTB_TRACE_NONE,
                                    .link = 3,
                                    .description = "a device"};
    struct ttb_trace_link link = {.id = 3, .name = "wan", .delay_ns = 5};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    size_t len_bytes;
    uint8_t *data;
    uint32_t id;

    write_grant(writer, 5, 0);
    assert_int_equal(ttb_trace_writer_add_node(writer, &node), 0);
    assert_int_equal(ttb_trace_writer_add_node(writer, &node), -EEXIST);
    assert_int_equal(ttb_trace_writer_add_link(writer, &link), 0);
    assert_int_equal(ttb_trace_writer_add_link(writer, &link), -EEXIST);
    assert_int_equal(ttb_trace_writer_add_place(writer, &place, &id), 0);
    assert_int_equal(id, 2);
    write_grant(writer, 6, 7);
    close_writer(writer, 6);

    /* Without the end of the file, the reader knows only what it has read. */
    data = read_file(f->run, &len_bytes);
    write_file(f->run, data, len_bytes - 1);
    free(data);
    reader = open_reader(f->run, true);
    assert_null(ttb_trace_find_node(ttb_trace_reader_tables(reader), 7));
    next_record(reader, &record);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_NODE_DECLARED);
    assert_string_equal(record.declared_node->name, "late");
    assert_int_equal(record.declared_node->kernel, TTB_TRACE_NONE);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_LINK_DECLARED);
    assert_int_equal(record.declared_link->delay_ns, 5);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_PLACE_DECLARED);
    assert_string_equal(record.declared_place->description, "a device");
    assert_int_equal(record.declared_place->link, 3);
    assert_string_equal(ttb_trace_find_node(ttb_trace_reader_tables(reader), 7)->name, "late");
    next_record(reader, &record);
    assert_int_equal(record.node, 7);
    assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
    ttb_trace_reader_free(reader);
}

static void a_promise_that_changes_is_declared_again(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_place place = {.kind = TTB_TRACE_PORT,
                                    .name = "eth7",
                                    .node = 0,
                                    .link = TTB_TRACE_NONE,
                                    .mtu_bytes = 1400,
                                    .has_way_back = true,
                                    .way_back_ns = UINT64_MAX};
    const struct ttb_trace_place *found;
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    uint32_t id, again;

    write_grant(writer, 5, 0);
    assert_int_equal(ttb_trace_writer_add_place(writer, &place, &id), 0);
    /* What it does not tell stays, and to tell the same tells nothing. */
    place.mtu_bytes = 0;
    assert_int_equal(ttb_trace_writer_add_place(writer, &place, &again), 0);
    place.way_back_ns = 0;
    assert_int_equal(ttb_trace_writer_add_place(writer, &place, &again), 0);
    assert_int_equal(again, id);
    close_writer(writer, 5);

    reader = open_reader(f->run, false);
    next_record(reader, &record);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_PLACE_DECLARED);
    assert_true(record.declared_place->has_way_back);
    assert_true(record.declared_place->way_back_ns == UINT64_MAX);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_PLACE_DECLARED);
    found = ttb_trace_find_place(ttb_trace_reader_tables(reader), id);
    assert_true(found->has_way_back);
    assert_int_equal(found->way_back_ns, 0);
    assert_int_equal(found->mtu_bytes, 1400);
    assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
    ttb_trace_reader_free(reader);
}

static void impossible_records_are_refused(void **state)
{
    struct ttb_trace_writer *writer = open_writer(NULL, 1);
    uint8_t frame[4] = {0};
    const struct ttb_trace_record wrong[] = {
        {.kind = (enum ttb_trace_kind)3, .node = TTB_TRACE_NONE},
        {.kind = TTB_TRACE_NODE_DECLARED, .node = TTB_TRACE_NONE},
        {.kind = TTB_TRACE_GRANT, .node = 2},
        {.kind = TTB_TRACE_FRAME, .node = 0, .frame = {.place = 0}},
        {.kind = TTB_TRACE_FRAME, .node = 0, .frame = {.what = TTB_TRACE_SENT, .place = 2}},
        {.kind = TTB_TRACE_FRAME,
         .node = 0,
         .frame = {.what = TTB_TRACE_SENT,
                   .place = 0,
                   .len_bytes = 3,
                   .payload = {.data = frame, .len_bytes = 4}}},
        {.kind = TTB_TRACE_FRAME,
         .node = 0,
         .frame = {.what = TTB_TRACE_SENT, .place = 0, .len_bytes = TTB_FRAME_MAX + 1}},
    };
    struct ttb_trace_counts counts;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ttb_trace_write(writer, &wrong[i]), -EINVAL);
    assert_int_equal(ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, NULL, &counts), 0);
    assert_int_equal(counts.records, 0);
    ttb_trace_writer_close(writer, NULL);
}

static void long_console_output_is_split_and_long_text_cut(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    size_t len_bytes = 2 * TTB_TRACE_CONSOLE_MAX + 10;
    char *text = malloc(len_bytes);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;

    memset(text, 'x', len_bytes);
    write_record(writer,
                 &(struct ttb_trace_record){
                     .kind = TTB_TRACE_CONSOLE,
                     .console = {.data = {.data = text, .len_bytes = len_bytes}, .line_end = true},
                 });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EVENT,
                             .node = TTB_TRACE_NONE,
                             .event = {.detail = {.data = text, .len_bytes = len_bytes}},
                         });
    close_writer(writer, 0);
    free(text);
    reader = open_reader(f->run, false);
    for (int i = 0; i < 3; i++) {
        next_record(reader, &record);
        assert_int_equal(record.console.data.len_bytes, i < 2 ? TTB_TRACE_CONSOLE_MAX : 10);
        assert_int_equal(record.console.line_end, i == 2);
    }
    next_record(reader, &record);
    assert_int_equal(record.event.detail.len_bytes, TTB_TRACE_TEXT_MAX);
    ttb_trace_reader_free(reader);
}

static void the_longest_frames_fit(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    uint8_t *frame = calloc(1, TTB_FRAME_MAX);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;

    for (unsigned i = 0; i < 40; i++) {
        memset(frame, (int)i, TTB_FRAME_MAX);
        write_frame(writer, i, i % 2, TTB_TRACE_TRANSMITTED, frame, TTB_FRAME_MAX);
    }
    close_writer(writer, 0);
    reader = open_reader(f->run, true);
    for (unsigned i = 0; i < 40; i++) {
        next_record(reader, &record);
        memset(frame, (int)i, TTB_FRAME_MAX);
        assert_int_equal(record.frame.payload.len_bytes, TTB_FRAME_MAX);
        assert_memory_equal(record.frame.payload.data, frame, TTB_FRAME_MAX);
    }
    assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
    ttb_trace_reader_free(reader);
    free(frame);
}

static void seeking_finds_the_first_record_of_a_time(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    size_t len_bytes;
    uint8_t *data;

    /* Several blocks; one line in a thousand is told late. */
    for (unsigned i = 0; i < 100000; i++) {
        write_grant(writer, i * 1000, i % 2);
        if (i % 1000 == 999)
            write_line(writer, (i - 500) * 1000, 0, "late");
    }
    close_writer(writer, 0);
    data = read_file(f->run, &len_bytes);
    for (int index = 1; index >= 0; index--) {
        static const uint64_t times_ns[] = {0,      1,        50000000, 99999000,
                                            123456, 16384000, 98304000, 50000001};

        if (!index) /* the same without trailer */
            write_file(f->run, data, len_bytes - 1);
        reader = open_reader(f->run, false);
        for (size_t i = 0; i < sizeof(times_ns) / sizeof(times_ns[0]); i++) {
            uint64_t expected_ns = (times_ns[i] + 999) / 1000 * 1000;

            assert_int_equal(ttb_trace_reader_seek(reader, times_ns[i]), 0);
            next_record(reader, &record);
            assert_int_equal(record.time_ns, expected_ns);
            assert_int_equal(record.kind, TTB_TRACE_GRANT);
            /* Numbers count from the start however one came here. */
            assert_int_equal(record.number, expected_ns / 1000 + expected_ns / 1000000);
        }
        assert_int_equal(ttb_trace_reader_seek(reader, 100000000), 0);
        assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
        assert_int_equal(ttb_trace_reader_end(reader, NULL), TTB_TRACE_COMPLETE);
        ttb_trace_reader_free(reader);
    }
    free(data);
}

static void a_pipe_is_read_like_a_file(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    uint8_t *data;
    size_t len_bytes;
    int fds[2], rc, count = 0;

    write_sample(writer, 10);
    close_writer(writer, 0);
    data = read_file(f->run, &len_bytes);
    assert_true(len_bytes < 65536); /* fits the pipe */
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], data, len_bytes), len_bytes);
    close(fds[1]);
    free(data);
    assert_int_equal(ttb_trace_reader_open_fd(fds[0], "pipe", NULL, &reader, NULL, 0), 0);
    assert_null(ttb_trace_reader_footer(reader));
    assert_int_equal(ttb_trace_reader_seek(reader, 5), -ESPIPE);
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0)
        count++;
    assert_int_equal(rc, 0);
    assert_int_equal(count, 4 + 30 + 6);
    assert_non_null(ttb_trace_reader_footer(reader));
    ttb_trace_reader_free(reader);
    close(fds[0]);
}

/* A reader in another language sees only bytes: here, one made of generated code. */
static void the_generated_code_reads_what_is_written_by_hand(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    uint8_t *data, *raw = malloc(1 << 20);
    size_t len_bytes, at = 8, records = 0, payloads = 0;

    write_sample(writer, 10);
    close_writer(writer, 0);
    data = read_file(f->run, &len_bytes);
    while (at + 48 < len_bytes) {
        uint32_t stored, raw_bytes;
        size_t inside = 0;

        memcpy(&stored, data + at + 8, 4);
        memcpy(&raw_bytes, data + at + 12, 4);
        if (data[at + 5])
            assert_int_equal(ZSTD_decompress(raw, 1 << 20, data + at + 48, stored), raw_bytes);
        else
            memcpy(raw, data + at + 48, raw_bytes);
        while (data[at + 4] == 2 && inside < raw_bytes) {
            size_t len = raw[inside] & 0x7f;
            Ttb__TraceRecord *record;

            if (raw[inside++] & 0x80)
                len |= (size_t)raw[inside++] << 7;
            record = ttb__trace_record__unpack(NULL, len, raw + inside);
            assert_non_null(record);
            assert_true(record->has_time_ns);
            assert_int_equal(record->base.n_unknown_fields, 0);
            if (record->frame) {
                assert_int_equal(record->frame->base.n_unknown_fields, 0);
                assert_true(record->frame->has_what && record->frame->has_len_bytes);
                payloads += record->frame->has_payload;
            }
            if (record->state && record->state->state == TTB__TRACE_STATE__STATE__FAILED)
                assert_int_equal(record->state->wait_status, 9);
            /* What the generated code makes of it are the same bytes. */
            assert_int_equal(ttb__trace_record__get_packed_size(record), len);
            ttb__trace_record__free_unpacked(record, NULL);
            inside += len;
            records++;
        }
        at += 48 + stored;
    }
    assert_int_equal(at + 16, len_bytes);
    assert_int_equal(records, 4 + 30 + 6);
    /* Each ping once, and two others. */
    assert_int_equal(payloads, 12);
    free(raw);
    free(data);
}

static void collect(void *user, const struct ttb_trace_tables *tables,
                    const struct ttb_trace_record *record)
{
    char line[256], *text = user;

    ttb_trace_describe(tables, record, line, sizeof(line));
    strcat(strcat(text, line), "\n");
}

static void a_sink_sees_each_record_and_they_read_well(void **state)
{
    struct ttb_trace_writer *writer = open_writer(NULL, 1);
    char text[4096] = "";

    (void)state;
    ttb_trace_writer_set_sink(writer, collect, text);
    write_sample(writer, 1);
    assert_string_equal(
        text, "0.000000000 s  client  runs\n"
              "0.000000000 s  server  runs\n"
              "0.000000000 s  client  is up\n"
              "0.001000000 s  client  prints  hello \\xc3\\xa9 \\x01\n"
              "0.010000000 s  client  runs\n"
              "0.010000000 s  client.eth0  transmitted  #1 10.0.0.1 > 10.0.0.2: ICMP echo request, "
              "id 1, seq 0, 98 bytes\n"
              "0.011000000 s  server.eth0  delivered  #1 10.0.0.1 > 10.0.0.2: ICMP echo request, "
              "id 1, seq 0, 98 bytes\n"
              "3.000000000 s  server.eth0  dropped (too short)  #2 no Ethernet header, 5 bytes\n"
              "4.000000000 s  -  lost (queue full)  #3 IPv4, malformed, 1500 bytes\n"
              "5.000000000 s  server  event  kill server: as told\n"
              "5.000000000 s  server  failed, process killed by signal 9: it was killed\n"
              "6.000000000 s  client  stopped, process exited with 0, commands exited with 3\n"
              "6.000000000 s  -  expectation 0 met: exit 3\n");
    ttb_trace_writer_close(writer, NULL);
}

static void queue_lengths_are_read_as_written(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_record record = {.kind = TTB_TRACE_QUEUE,
                                      .time_ns = 7,
                                      .node = TTB_TRACE_NONE,
                                      .queue = {.place = 1, .frames = UINT32_MAX}};
    struct ttb_trace_digest before, after;
    struct ttb_trace_reader *reader;
    char text[128];

    ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, &before, NULL);
    write_record(writer, &record);
    record.time_ns = 5;
    record.queue = (struct ttb_trace_queue){.place = 0, .frames = 0};
    write_record(writer, &record);
    record.queue.place = 2;
    assert_int_equal(ttb_trace_write(writer, &record), -EINVAL);
    /* The frames say it all already. */
    ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, &after, NULL);
    assert_memory_equal(&before, &after, sizeof(before));
    close_writer(writer, 10);

    reader = open_reader(f->run, false);
    next_record(reader, &record);
    assert_int_equal(record.kind, TTB_TRACE_QUEUE);
    assert_int_equal(record.time_ns, 7);
    assert_int_equal(record.queue.place, 1);
    assert_int_equal(record.queue.frames, UINT32_MAX);
    ttb_trace_describe(ttb_trace_reader_tables(reader), &record, text, sizeof(text));
    assert_non_null(strstr(text, "eth0  4294967295 frames wait"));
    next_record(reader, &record);
    assert_int_equal(record.queue.place, 0);
    assert_int_equal(record.queue.frames, 0);
    assert_int_equal(ttb_trace_reader_next(reader, &record), 0);
    ttb_trace_reader_free(reader);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(header_and_tables_come_back_whole),
        T(every_kind_of_record_comes_back_whole),
        T(the_footer_has_counts_and_last_states),
        T(equal_runs_give_equal_bytes),
        T(costs_go_to_the_other_file),
        T(queue_lengths_are_read_as_written),
        T(what_is_declared_late_is_known_from_then_on),
        T(a_promise_that_changes_is_declared_again),
        T(impossible_records_are_refused),
        T(long_console_output_is_split_and_long_text_cut),
        T(the_longest_frames_fit),
        T(seeking_finds_the_first_record_of_a_time),
        T(a_pipe_is_read_like_a_file),
        T(the_generated_code_reads_what_is_written_by_hand),
        T(a_sink_sees_each_record_and_they_read_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
