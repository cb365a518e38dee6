/* SPDX-License-Identifier: BSD-3-Clause */
/* What is in a capture, block by block. */
#include "export_util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EPOCH_NS (1735689600 * S) /* of the fixture */

/* A block of the capture. */
struct block {
    uint32_t type, len_bytes;
    const uint8_t *body; /* behind type and length */
    size_t body_bytes;
};

static uint32_t u16_at(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t u32_at(const uint8_t *at)
{
    return u16_at(at) | u16_at(at + 2) << 16;
}

/* The next block; checks its form. @return false at the end */
static bool next_block(const struct exported *exported, size_t *offset, struct block *block)
{
    const uint8_t *at = exported->data + *offset;

    if (*offset == exported->len_bytes)
        return false;
    assert_true(exported->len_bytes - *offset >= 12);
    block->type = u32_at(at);
    block->len_bytes = u32_at(at + 4);
    assert_true(block->len_bytes >= 12 && block->len_bytes % 4 == 0);
    assert_true(block->len_bytes <= exported->len_bytes - *offset);
    assert_int_equal(u32_at(at + block->len_bytes - 4), block->len_bytes);
    block->body = at + 8;
    block->body_bytes = block->len_bytes - 12;
    *offset += block->len_bytes;
    return true;
}

/* An option from the list that starts at `at`; NULL: not there. Checks the list's form. */
static const uint8_t *find_option(const struct block *block, size_t at, uint32_t code,
                                  size_t *len_bytes)
{
    const uint8_t *found = NULL;

    while (at < block->body_bytes) {
        uint32_t this_code = u16_at(block->body + at), len = u16_at(block->body + at + 2);

        assert_true(at + 4 + len <= block->body_bytes);
        if (this_code == 0) {
            assert_int_equal(at + 4, block->body_bytes);
            return found;
        }
        if (this_code == code && !found) {
            found = block->body + at + 4;
            *len_bytes = len;
        }
        at += 4 + ((len + 3) & ~3u);
    }
    fail_msg("no end of options in a block of type %u", block->type);
    return NULL;
}

static void assert_option_text(const struct block *block, size_t at, uint32_t code,
                               const char *text)
{
    size_t len_bytes;
    const uint8_t *found = find_option(block, at, code, &len_bytes);

    assert_non_null(found);
    assert_int_equal(len_bytes, strlen(text));
    assert_memory_equal(found, text, len_bytes);
}

static size_t packet_options(const struct block *block)
{
    return 20 + ((u32_at(block->body + 12) + 3) & ~3u);
}

static uint64_t packet_time_ns(const struct block *block)
{
    return (uint64_t)u32_at(block->body + 4) << 32 | u32_at(block->body + 8);
}

static void assert_packet_id(const struct block *block, uint64_t packet)
{
    size_t len_bytes;
    const uint8_t *id = find_option(block, packet_options(block), 5, &len_bytes);

    assert_non_null(id);
    assert_int_equal(len_bytes, 8);
    assert_int_equal(u32_at(id), packet);
    assert_int_equal(u32_at(id + 4), packet >> 32);
}

static void assert_direction(const struct block *block, uint32_t flags)
{
    size_t len_bytes;
    const uint8_t *found = find_option(block, packet_options(block), 2, &len_bytes);

    assert_non_null(found);
    assert_int_equal(u32_at(found), flags);
}

static void each_place_is_an_interface_with_all_that_is_known_of_it(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    struct block block;
    const uint8_t *found;
    size_t offset = 0, len_bytes;

    write_sample(writer, 1);
    close_writer(writer, 6 * S);
    export_format(f->directory, TTB_EXPORT_PCAPNG, &exported);

    assert_true(next_block(&exported, &offset, &block));
    assert_int_equal(block.type, 0x0a0d0d0a);
    assert_int_equal(u32_at(block.body), 0x1a2b3c4d);
    assert_option_text(&block, 16, 2, "Some CPU");
    assert_option_text(&block, 16, 3, "Linux 6.1 x86_64");
    found = find_option(&block, 16, 1, &len_bytes);
    assert_non_null(found);
    assert_memory_equal(found, "sample: seed 9;", 15);
    assert_non_null(
        memmem(found, len_bytes, "; nodes run Linux 6.12.48 (sha256 0102030000000000)", 51));

    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t mac[6] = {2, 0x74, 0x74, 0, i, 0};

        assert_true(next_block(&exported, &offset, &block));
        assert_int_equal(block.type, 1);
        assert_int_equal(u16_at(block.body), 1);
        assert_option_text(&block, 8, 2, i ? "server.eth0" : "client.eth0");
        assert_option_text(&block, 8, 3, "port of a node; link lan, csma, delay 1 ms");
        assert_option_text(&block, 8, 12, "Linux 6.12.48");
        assert_option_text(&block, 8, 15, "User-Mode Linux, 64 MiB");
        found = find_option(&block, 8, 6, &len_bytes);
        assert_true(found && len_bytes == 6);
        assert_memory_equal(found, mac, 6);
        found = find_option(&block, 8, 8, &len_bytes);
        assert_true(found && len_bytes == 8);
        assert_int_equal(u32_at(found), 100000000);
        found = find_option(&block, 8, 9, &len_bytes);
        assert_true(found && len_bytes == 1 && *found == 9);
    }
    free(exported.data);
}

/* Frames of the sample: a ping sent and delivered, one dropped, one lost in the network. */
static void frames_have_time_direction_id_and_the_reason_of_their_loss(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    struct block block, frames[5];
    size_t offset = 0, count = 0;
    uint8_t ping[PING_BYTES];

    write_sample(writer, 1);
    close_writer(writer, 6 * S);
    export_format(f->directory, TTB_EXPORT_PCAPNG, &exported);
    while (next_block(&exported, &offset, &block)) {
        if (block.type == 6) {
            assert_true(count < 4);
            frames[count++] = block;
        }
    }
    assert_int_equal(count, 4);
    make_ping(ping, 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(u32_at(frames[i].body), i);
        assert_int_equal(packet_time_ns(&frames[i]), EPOCH_NS + 10 * MS + i * MS);
        assert_int_equal(u32_at(frames[i].body + 12), PING_BYTES);
        assert_int_equal(u32_at(frames[i].body + 16), PING_BYTES);
        assert_memory_equal(frames[i].body + 20, ping, PING_BYTES);
        assert_packet_id(&frames[i], 1);
    }
    assert_direction(&frames[0], 2);
    assert_direction(&frames[1], 1 | 1 << 2);
    assert_option_text(&frames[2], packet_options(&frames[2]), 1, "dropped: too short");
    assert_option_text(&frames[3], packet_options(&frames[3]), 1, "lost: queue full");
    /* Its place is not known, and of its 1500 bytes only 20 are. */
    assert_int_equal(u32_at(frames[3].body), 2);
    assert_int_equal(u32_at(frames[3].body + 12), 20);
    assert_int_equal(u32_at(frames[3].body + 16), 1500);
    free(exported.data);
}

static void times_beyond_32_bits_of_seconds_and_nanoseconds_are_exact(void **state)
{
    static const uint64_t times_ns[] = {(1ULL << 32) - 1, 1ULL << 32, (1ULL << 32) * 1000 + 1,
                                        100ULL * 365 * 86400 * S + 7};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    struct block block;
    uint8_t ping[PING_BYTES];
    size_t offset = 0, count = 0;

    make_ping(ping, 0);
    for (size_t i = 0; i < 4; i++)
        write_frame(writer, times_ns[i], 0, TTB_TRACE_TRANSMITTED, ping, sizeof(ping));
    close_writer(writer, times_ns[3]);
    export_format(f->directory, TTB_EXPORT_PCAPNG, &exported);
    while (next_block(&exported, &offset, &block)) {
        if (block.type == 6)
            assert_int_equal(packet_time_ns(&block), EPOCH_NS + times_ns[count++]);
    }
    assert_int_equal(count, 4);
    free(exported.data);
}

static void console_lines_and_events_are_journal_entries(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    struct block block;
    size_t offset = 0, count = 0;
    char text[1024];

    write_sample(writer, 1);
    close_writer(writer, 6 * S);
    export_format(f->directory, TTB_EXPORT_PCAPNG, &exported);
    while (next_block(&exported, &offset, &block)) {
        if (block.type != 9)
            continue;
        snprintf(text, sizeof(text), "%.*s", (int)block.body_bytes, (const char *)block.body);
        switch (count++) {
        case 0:
            assert_contains(text, "SYSLOG_IDENTIFIER=state\n");
            assert_contains(text, "MESSAGE=is up\n");
            break;
        case 1:
            assert_string_equal(text, "__REALTIME_TIMESTAMP=1735689600001000\n_HOSTNAME=client\n"
                                      "SYSLOG_IDENTIFIER=console\nPRIORITY=6\nTTB_TIME_NS=1000000\n"
                                      "MESSAGE=hello \xc3\xa9 \\x01\n");
            break;
        case 2:
            assert_contains(text, "_HOSTNAME=server\nSYSLOG_IDENTIFIER=event\nPRIORITY=4\n");
            assert_contains(text, "MESSAGE=kill server: as told\n");
            break;
        case 3:
            assert_contains(text, "PRIORITY=3\n");
            assert_contains(text, "it was killed\n");
            break;
        default:
            break;
        }
    }
    assert_int_equal(count, 6);
    free(exported.data);

    export_trace(f->directory,
                 (struct ttb_export_opts){.format = TTB_EXPORT_PCAPNG, .frames_only = true},
                 &exported);
    for (offset = 0; next_block(&exported, &offset, &block);)
        assert_int_not_equal(block.type, 9);
    free(exported.data);
}

static unsigned count_frames(const char *path, struct ttb_export_opts opts)
{
    struct exported exported;
    struct block block;
    size_t offset = 0;
    unsigned count = 0;

    opts.format = TTB_EXPORT_PCAPNG;
    export_trace(path, opts, &exported);
    assert_int_equal(exported.rc, 0);
    while (next_block(&exported, &offset, &block))
        count += block.type == 6;
    free(exported.data);
    return count;
}

static void filters_leave_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;

    write_sample(writer, 100);
    close_writer(writer, 6 * S);
    assert_int_equal(count_frames(f->directory, (struct ttb_export_opts){0}), 202);
    assert_int_equal(count_frames(f->directory, (struct ttb_export_opts){.node = "client"}), 100);
    assert_int_equal(count_frames(f->directory, (struct ttb_export_opts){.node = "server"}), 101);
    assert_int_equal(count_frames(f->directory, (struct ttb_export_opts){.link = "lan"}), 201);
    /* From 20 ms on, and before 40 ms: two pings there and one arrival of each. */
    assert_int_equal(
        count_frames(f->directory, (struct ttb_export_opts){.from_ns = 20 * MS, .to_ns = 40 * MS}),
        4);
    assert_int_equal(
        count_frames(f->directory, (struct ttb_export_opts){.from_ns = 20 * MS, .to_ns = 31 * MS}),
        3);
    export_trace(f->directory,
                 (struct ttb_export_opts){.format = TTB_EXPORT_PCAPNG, .node = "nobody"},
                 &exported);
    assert_int_equal(exported.rc, -ESRCH);
    assert_string_equal(exported.text, "export: the trace has no node \"nobody\"");
    free(exported.data);
    export_trace(f->directory, (struct ttb_export_opts){.format = TTB_EXPORT_PCAPNG, .link = "wan"},
                 &exported);
    assert_int_equal(exported.rc, -ESRCH);
    free(exported.data);
}

static void a_truncated_trace_is_exported_as_far_as_it_goes(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    struct block block;
    size_t offset = 0;
    unsigned count = 0;

    write_sample(writer, 100);
    assert_int_equal(ttb_trace_writer_close(writer, NULL), 0);
    export_trace(f->directory, (struct ttb_export_opts){.format = TTB_EXPORT_PCAPNG}, &exported);
    assert_int_equal(exported.rc, -ENODATA);
    assert_contains(exported.text, "exported up to 6.000000000 s");
    while (next_block(&exported, &offset, &block))
        count += block.type == 6;
    assert_int_equal(count, 202);
    free(exported.data);
}

static void addresses_that_nodes_claim_get_their_names(void **state)
{
    /* An ARP request: 10.0.0.1 asks for 10.0.0.2. */
    static const uint8_t arp[42] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0x74, 0x74, 0, 0, 0, 8, 6, 0, 1, 8, 0,  6, 4, 0,
        1,    2,    0x74, 0x74, 0,    0,    0, 10,   0,    0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);
    struct exported exported;
    struct block block;
    size_t offset = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < 3; i++)
        write_frame(writer, i * MS, 0, TTB_TRACE_TRANSMITTED, arp, sizeof(arp));
    close_writer(writer, 6 * S);
    export_format(f->directory, TTB_EXPORT_PCAPNG, &exported);
    while (next_block(&exported, &offset, &block)) {
        if (block.type != 4)
            continue;
        count++;
        assert_int_equal(u16_at(block.body), 1);
        assert_int_equal(u16_at(block.body + 2), 11);
        assert_memory_equal(block.body + 4, "\x0a\0\0\1client", 11);
    }
    assert_int_equal(count, 1);
    free(exported.data);
}

static void a_run_can_be_watched_while_it_goes_on(void **state)
{
    struct ttb_export_opts opts = {
        .size = sizeof(opts), .format = TTB_EXPORT_PCAPNG, .flush = true};
    struct ttb_trace_header header = {.scenario_name = "live", .seed = 1};
    struct ttb_trace_writer *writer = open_writer(NULL, 9);
    struct ttb_export *export;
    uint8_t ping[PING_BYTES], data[4096];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ttb_export_open(&opts, &header, ends[1], &export, NULL, 0), 0);
    assert_true(read(ends[0], data, sizeof(data)) > 28);
    ttb_trace_writer_set_sink(writer, ttb_export_sink, export);
    make_ping(ping, 0);
    write_frame(writer, 5, 0, TTB_TRACE_TRANSMITTED, ping, sizeof(ping));
    /* Both interfaces and the frame are there before the next record. */
    assert_true(read(ends[0], data, sizeof(data)) > 300);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(ttb_export_close(export, NULL, 0), -EBADF);
    ttb_trace_writer_set_sink(writer, NULL, NULL);
    close_writer(writer, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_place_is_an_interface_with_all_that_is_known_of_it),
        TEST(frames_have_time_direction_id_and_the_reason_of_their_loss),
        TEST(times_beyond_32_bits_of_seconds_and_nanoseconds_are_exact),
        TEST(console_lines_and_events_are_journal_entries),
        TEST(filters_leave_what_was_asked_for),
        TEST(a_truncated_trace_is_exported_as_far_as_it_goes),
        TEST(addresses_that_nodes_claim_get_their_names),
        TEST(a_run_can_be_watched_while_it_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
