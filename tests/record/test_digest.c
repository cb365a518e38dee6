/* SPDX-License-Identifier: BSD-3-Clause */
/* Digests: equal for equal runs, different when anything is, and made as the format says. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>
#include <time.h>
#include <sys/stat.h>
#include <fcntl.h>

/* One run; what is to be changed in it. */
struct change {
    const char *name;
    enum {
        BEHAVIOUR = 1,
        SCHEDULE = 2,
        NETWORK = 4
    } streams;      /* of the run that must differ */
    unsigned nodes; /* bit by id: whose `all` must differ */
    enum {
        NOTHING,
        SEED,
        GRANT_TIME,
        GRANT_NODE,
        GRANT_LEFT_OUT,
        GRANT_LATER, /* after the next record, at the same time */
        FRAME_TIME,
        FRAME_BYTE,
        FRAME_LENGTH,
        FRAME_SHORTENED, /* same length, less of it recorded */
        FRAME_PLACE,
        FRAME_ORDER,
        DELIVERED_TIME,
        DELIVERED_NOT,
        DROP_REASON,
        CONSOLE_BYTE,
        CONSOLE_TIME,
        CONSOLE_LINE_END,
        CONSOLE_SPLIT,
        STATE,
        STATE_WAIT,
        STATE_EXIT,
        STATE_EXIT_GONE,
        EVENT_ACTION,
        EVENT_TARGET,
        EVENT_BORDER, /* the same bytes, otherwise divided */
        LOST_REASON,
        LOST_LEFT_OUT,
        PACKET_ID,
        EXPECTATION,
        COST,
        WHY,
        GRANT_UNTIL,
    } what;
};

static void run_it(struct ttb_trace_writer *writer, int what)
{
    uint8_t frame[PING_BYTES], other[PING_BYTES];
    bool swap = what == FRAME_ORDER;

    make_ping(frame, 1);
    make_ping(other, 2);
    if (what == FRAME_BYTE)
        frame[97]++;
    write_grant(writer, 0, 0);
    if (what != GRANT_LEFT_OUT && what != GRANT_LATER)
        write_record(writer,
                     &(struct ttb_trace_record){.kind = TTB_TRACE_GRANT,
                                                .time_ns = what == GRANT_TIME ? 2 : 1,
                                                .node = what == GRANT_NODE,
                                                .grant = {.until_ns = what == GRANT_UNTIL}});
    for (int i = 0; i < 2; i++) {
        write_record(
            writer, &(struct ttb_trace_record){
                        .kind = TTB_TRACE_FRAME,
                        .time_ns = what == FRAME_TIME && i == 0 ? 9 : 10,
                        .node = 0,
                        .frame = {.what = TTB_TRACE_TRANSMITTED,
                                  .place = what == FRAME_PLACE ? 2 : 0,
                                  .packet = what == PACKET_ID ? 100 + (uint64_t)i : 0,
                                  .len_bytes = PING_BYTES + (what == FRAME_LENGTH),
                                  .payload = {.data = (i == 0) != swap ? frame : other,
                                              .len_bytes = PING_BYTES - (what == FRAME_SHORTENED)}},
                    });
    }
    if (what == GRANT_LATER)
        write_grant(writer, 1, 0);
    if (what != DELIVERED_NOT)
        write_frame(writer, what == DELIVERED_TIME ? 21 : 20, 1, TTB_TRACE_DELIVERED, other,
                    PING_BYTES);
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = 25,
                             .node = 1,
                             .frame = {.what = TTB_TRACE_DROPPED,
                                       .place = 1,
                                       .port_reason = what == DROP_REASON ? TTB_DROP_NO_BUFFER
                                                                          : TTB_DROP_PORT_DOWN},
                         });
    if (what == CONSOLE_SPLIT) {
        write_record(writer, &(struct ttb_trace_record){.kind = TTB_TRACE_CONSOLE,
                                                        .time_ns = 30,
                                                        .console = {.data = bytes_of("a")}});
        write_line(writer, 30, 0, "b");
    } else {
        write_record(writer, &(struct ttb_trace_record){
                                 .kind = TTB_TRACE_CONSOLE,
                                 .time_ns = what == CONSOLE_TIME ? 31 : 30,
                                 .console = {.data = bytes_of(what == CONSOLE_BYTE ? "ac" : "ab"),
                                             .line_end = what != CONSOLE_LINE_END},
                             });
    }
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EVENT,
                             .time_ns = 40,
                             .node = TTB_TRACE_NONE,
                             .event = {.action = bytes_of(what == EVENT_ACTION ? "losses" : "loss"),
                                       .target = bytes_of(what == EVENT_TARGET   ? "wan"
                                                          : what == EVENT_BORDER ? "lan1"
                                                                                 : "lan"),
                                       .detail = bytes_of(what == EVENT_BORDER ? "0%" : "10%")},
                         });
    if (what != LOST_LEFT_OUT)
        write_record(writer,
                     &(struct ttb_trace_record){
                         .kind = TTB_TRACE_FRAME,
                         .time_ns = 45,
                         .node = TTB_TRACE_NONE,
                         .frame = {.what = TTB_TRACE_LOST,
                                   .place = 0,
                                   .reason = bytes_of(what == LOST_REASON ? "loss" : "queue")},
                     });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_STATE,
                             .time_ns = 50,
                             .node = 1,
                             .state = {.state = what == STATE ? TTB_NODE_FAILED : TTB_NODE_STOPPED,
                                       .has_wait_status = true,
                                       .wait_status = what == STATE_WAIT,
                                       .has_exit_status = what != STATE_EXIT_GONE,
                                       .exit_status = what == STATE_EXIT,
                                       .why = bytes_of(what == WHY ? "after 3 s" : "")},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EXPECTATION,
                             .node = TTB_TRACE_NONE,
                             .expectation = {.met = what == EXPECTATION},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_COST, .node = 0, .cost = {.wall_ns = what == COST}});
}

static struct ttb_trace_writer *run_changed(int what)
{
    struct ttb_trace_writer *writer = open_writer(NULL, what == SEED ? 2 : 1);
    struct ttb_trace_place place = {
        .kind = TTB_TRACE_PORT, .name = "eth1", .node = 0, .link = TTB_TRACE_NONE};

    assert_int_equal(ttb_trace_writer_add_place(writer, &place, NULL), 0);
    run_it(writer, what);
    return writer;
}

static void digests_change_when_anything_does_and_only_where_it_does(void **state)
{
    static const struct change changes[] = {
        {"nothing", 0, 0, NOTHING},
        {"seed", BEHAVIOUR | SCHEDULE | NETWORK, 0, SEED},
        {"time of a grant", SCHEDULE, 1, GRANT_TIME},
        {"node of a grant", SCHEDULE, 3, GRANT_NODE},
        {"a grant left out", SCHEDULE, 1, GRANT_LEFT_OUT},
        {"order of a grant and a frame", SCHEDULE, 1, GRANT_LATER},
        {"time of a frame", BEHAVIOUR, 1, FRAME_TIME},
        {"byte of a frame", BEHAVIOUR, 1, FRAME_BYTE},
        {"length of a frame", BEHAVIOUR, 1, FRAME_LENGTH},
        {"recorded length of a frame", BEHAVIOUR, 1, FRAME_SHORTENED},
        {"port of a frame", BEHAVIOUR, 1, FRAME_PLACE},
        {"order of frames", BEHAVIOUR, 1, FRAME_ORDER},
        {"time of a delivery", BEHAVIOUR, 2, DELIVERED_TIME},
        {"a delivery left out", BEHAVIOUR, 2, DELIVERED_NOT},
        {"reason of a drop", BEHAVIOUR, 2, DROP_REASON},
        {"byte printed", BEHAVIOUR, 1, CONSOLE_BYTE},
        {"time of a line", BEHAVIOUR, 1, CONSOLE_TIME},
        {"end of a line", BEHAVIOUR, 1, CONSOLE_LINE_END},
        {"a line in two pieces", BEHAVIOUR, 1, CONSOLE_SPLIT},
        {"state", BEHAVIOUR, 2, STATE},
        {"wait status", BEHAVIOUR, 2, STATE_WAIT},
        {"exit status", BEHAVIOUR, 2, STATE_EXIT},
        {"exit status that is not there", BEHAVIOUR, 2, STATE_EXIT_GONE},
        {"action of an event", BEHAVIOUR, 0, EVENT_ACTION},
        {"target of an event", BEHAVIOUR, 0, EVENT_TARGET},
        {"border between an event's texts", BEHAVIOUR, 0, EVENT_BORDER},
        {"reason of a loss", NETWORK, 0, LOST_REASON},
        {"a loss left out", NETWORK, 0, LOST_LEFT_OUT},
        /* What is not part of the run. */
        {"packet ids", 0, 0, PACKET_ID},
        {"expectation", 0, 0, EXPECTATION},
        {"cost", 0, 0, COST},
        {"why a node failed", 0, 0, WHY},
        {"end of a grant", 0, 0, GRANT_UNTIL},
    };
    struct ttb_trace_writer *plain = run_changed(NOTHING);
    struct ttb_trace_digest run, nodes[2];

    (void)state;
    assert_int_equal(ttb_trace_writer_get_digest(plain, TTB_TRACE_NONE, &run, NULL), 0);
    for (uint32_t id = 0; id < 2; id++)
        assert_int_equal(ttb_trace_writer_get_digest(plain, id, &nodes[id], NULL), 0);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *change = &changes[i];
        struct ttb_trace_writer *writer = run_changed(change->what);
        struct ttb_trace_digest digest;
        unsigned streams = 0, differing = 0;

        assert_int_equal(ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, &digest, NULL), 0);
        if (memcmp(digest.behaviour, run.behaviour, 32) != 0)
            streams |= BEHAVIOUR;
        if (memcmp(digest.schedule, run.schedule, 32) != 0)
            streams |= SCHEDULE;
        if (memcmp(digest.network, run.network, 32) != 0)
            streams |= NETWORK;
        /* How many records of behaviour there are shows in the schedule. */
        if ((streams & BEHAVIOUR) && !(change->streams & SCHEDULE))
            streams &= ~(unsigned)SCHEDULE;
        if (streams != change->streams)
            fail_msg("%s: streams %u instead of %u", change->name, streams, change->streams);
        assert_int_equal(memcmp(digest.all, run.all, 32) != 0, change->streams != 0);
        for (uint32_t id = 0; id < 2; id++) {
            assert_int_equal(ttb_trace_writer_get_digest(writer, id, &digest, NULL), 0);
            if (memcmp(digest.all, nodes[id].all, 32) != 0)
                differing |= 1u << id;
        }
        if (differing != change->nodes)
            fail_msg("%s: nodes %u instead of %u", change->name, differing, change->nodes);
        ttb_trace_writer_close(writer, NULL);
    }
    ttb_trace_writer_close(plain, NULL);
}

static void a_reader_computes_the_writers_digests(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 1);
    struct ttb_trace_digest written[3], read;
    static const uint32_t scopes[] = {TTB_TRACE_NONE, 0, 1};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;

    write_sample(writer, 5000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ttb_trace_writer_get_digest(writer, scopes[i], &written[i], NULL), 0);
    close_writer(writer, 0);
    reader = open_reader(f->run, true);
    while (ttb_trace_reader_next(reader, &record) > 0)
        ;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ttb_trace_reader_get_digest(reader, scopes[i], &read, NULL), 0);
        assert_memory_equal(&read, &written[i], sizeof(read));
    }
    assert_memory_equal(&ttb_trace_reader_footer(reader)->digest, &written[0], sizeof(read));
    assert_memory_equal(&ttb_trace_reader_footer(reader)->nodes[1].digest, &written[2],
                        sizeof(read));
    ttb_trace_reader_free(reader);
}

/* Bytes put together by hand from doc/trace-format.md. */
struct bytes {
    uint8_t data[1024];
    size_t len_bytes;
};

static void put(struct bytes *bytes, const void *data, size_t len_bytes)
{
    memcpy(bytes->data + bytes->len_bytes, data, len_bytes);
    bytes->len_bytes += len_bytes;
}

static void put_number(struct bytes *bytes, uint64_t value, unsigned len_bytes)
{
    for (unsigned i = 0; i < len_bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));

        put(bytes, &byte, 1);
    }
}

static void put_start(struct bytes *bytes, const char *stream)
{
    put(bytes, "ttb digest 1 ", 13);
    put(bytes, stream, strlen(stream));
    put(bytes, "\n", 1);
    put_number(bytes, UINT32_MAX, 4);
    put_number(bytes, 0x1122334455667788, 8);
}

static void digests_are_made_as_the_format_says(void **state)
{
    struct ttb_trace_writer *writer = open_writer(NULL, 0x1122334455667788);
    struct bytes behaviour = {{0}, 0}, schedule = {{0}, 0}, network = {{0}, 0}, all = {{0}, 0};
    uint8_t frame[PING_BYTES], hash[32];
    struct ttb_trace_digest digest;

    (void)state;
    make_ping(frame, 1);
    put_start(&behaviour, "behaviour");
    put_start(&schedule, "schedule");
    put_start(&network, "network");

    write_frame(writer, 0x0102030405, 1, TTB_TRACE_DELIVERED, frame, sizeof(frame));
    SHA256(frame, sizeof(frame), hash);
    put_number(&behaviour, 9, 1);
    put_number(&behaviour, 0x0102030405, 8);
    put_number(&behaviour, 1, 4);
    put_number(&behaviour, 2, 1); /* delivered */
    put_number(&behaviour, 0, 1); /* no reason */
    put_number(&behaviour, 4, 2);
    put(&behaviour, "eth0", 4);
    put_number(&behaviour, PING_BYTES, 4);
    put_number(&behaviour, PING_BYTES, 4);
    put(&behaviour, hash, 32);

    write_grant(writer, 7, 0);
    put_number(&schedule, 8, 1);
    put_number(&schedule, 7, 8);
    put_number(&schedule, 0, 4);
    put_number(&schedule, 1, 8); /* one record of behaviour before it */

    write_line(writer, 8, 0, "hi");
    put_number(&behaviour, 10, 1);
    put_number(&behaviour, 8, 8);
    put_number(&behaviour, 0, 4);
    put_number(&behaviour, 1, 1);
    put_number(&behaviour, 2, 4);
    put(&behaviour, "hi", 2);

    write_record(
        writer,
        &(struct ttb_trace_record){
            .kind = TTB_TRACE_STATE,
            .time_ns = 9,
            .node = 1,
            .state = {.state = TTB_NODE_STOPPED, .has_wait_status = true, .wait_status = 256},
        });
    put_number(&behaviour, 11, 1);
    put_number(&behaviour, 9, 8);
    put_number(&behaviour, 1, 4);
    put_number(&behaviour, 4, 1);
    put_number(&behaviour, 1, 1);
    put_number(&behaviour, 256, 4);
    put_number(&behaviour, 0, 5);

    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EVENT,
                             .time_ns = 10,
                             .node = TTB_TRACE_NONE,
                             .event = {.action = bytes_of("a"), .detail = bytes_of("bc")},
                         });
    put_number(&behaviour, 12, 1);
    put_number(&behaviour, 10, 8);
    put_number(&behaviour, UINT32_MAX, 4);
    put_number(&behaviour, 1, 4);
    put_number(&behaviour, 0, 4);
    put_number(&behaviour, 2, 4);
    put(&behaviour, "abc", 3);

    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = 11,
                             .node = TTB_TRACE_NONE,
                             .frame = {.what = TTB_TRACE_LOST,
                                       .place = TTB_TRACE_NONE,
                                       .len_bytes = 60,
                                       .reason = bytes_of("full")},
                         });
    SHA256((const uint8_t *)"", 0, hash);
    put_number(&network, 9, 1);
    put_number(&network, 11, 8);
    put_number(&network, UINT32_MAX, 4);
    put_number(&network, 6, 1);
    put_number(&network, 0, 1);
    put_number(&network, 0, 2);
    put_number(&network, 60, 4);
    put_number(&network, 0, 4);
    put(&network, hash, 32);
    put_number(&network, 4, 4);
    put(&network, "full", 4);

    assert_int_equal(ttb_trace_writer_get_digest(writer, TTB_TRACE_NONE, &digest, NULL), 0);
    put(&all, "ttb digest 1 all\n", 17);
    SHA256(behaviour.data, behaviour.len_bytes, hash);
    assert_memory_equal(hash, digest.behaviour, 32);
    put(&all, hash, 32);
    SHA256(schedule.data, schedule.len_bytes, hash);
    assert_memory_equal(hash, digest.schedule, 32);
    put(&all, hash, 32);
    SHA256(network.data, network.len_bytes, hash);
    assert_memory_equal(hash, digest.network, 32);
    put(&all, hash, 32);
    SHA256(all.data, all.len_bytes, hash);
    assert_memory_equal(hash, digest.all, 32);
    ttb_trace_writer_close(writer, NULL);
}

static void files_are_hashed_whole(void **state)
{
    struct fixture *f = *state;
    struct ttb_trace_artifact artifact = {.kind = TTB_TRACE_IMAGE};
    size_t len_bytes = 1000003;
    uint8_t *data = malloc(len_bytes), hash[32];
    char hex[65];

    for (size_t i = 0; i < len_bytes; i++)
        data[i] = (uint8_t)(i * 7);
    write_file(f->run, data, len_bytes);
    SHA256(data, len_bytes, hash);
    assert_int_equal(ttb_trace_hash_file(f->run, &artifact), 0);
    assert_int_equal(artifact.len_bytes, len_bytes);
    assert_memory_equal(artifact.sha256, hash, 32);
    free(data);
    write_file(f->run, "abc", 3);
    assert_int_equal(ttb_trace_hash_file(f->run, &artifact), 0);
    ttb_trace_hex(artifact.sha256, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(ttb_trace_hash_file("/nonexistent", &artifact), -2);
    assert_int_equal(ttb_trace_hash_file("/tmp", &artifact), -21);
}

/* Puts another digit into what is remembered: shows whether it is used. */
static void forge(const char *folder)
{
    char line[512];

    snprintf(line, sizeof(line), "sed -i 's/ba7816bf/0a7816bf/' '%s'/hashes/*", folder);
    assert_int_equal(system(line), 0);
}

static uint8_t first_byte(const char *path)
{
    struct ttb_trace_artifact artifact = {.kind = TTB_TRACE_IMAGE};

    assert_int_equal(ttb_trace_hash_file_once(path, &artifact), 0);
    assert_int_equal(artifact.len_bytes, 3);
    return artifact.sha256[0];
}

static void hashes_are_remembered_until_the_file_changes(void **state)
{
    struct fixture *f = *state;
    const struct timespec settle = {.tv_sec = 2, .tv_nsec = 200000000};
    char folder[300], line[700];
    struct stat status;

    snprintf(folder, sizeof(folder), "%s/cache", f->directory);
    assert_int_equal(mkdir(folder, 0700), 0);
    setenv("TTB_CACHE", folder, 1);
    write_file(f->run, "abc", 3);
    assert_int_equal(first_byte(f->run), 0xba);
    /* It could change again within the same tick. */
    snprintf(line, sizeof(line), "[ -z \"$(ls '%s/hashes')\" ]", folder);
    assert_int_equal(system(line), 0);
    nanosleep(&settle, NULL);
    assert_int_equal(first_byte(f->run), 0xba);
    forge(folder);
    assert_int_equal(first_byte(f->run), 0x0a);
    /* As long as before, and its time of modification put back. */
    assert_int_equal(stat(f->run, &status), 0);
    write_file(f->run, "abd", 3);
    assert_int_equal(
        utimensat(AT_FDCWD, f->run, (struct timespec[]){status.st_atim, status.st_mtim}, 0), 0);
    assert_int_equal(first_byte(f->run), 0xa5);
    /* A folder that others can write to is not believed. */
    write_file(f->run, "abc", 3);
    nanosleep(&settle, NULL);
    assert_int_equal(first_byte(f->run), 0xba);
    forge(folder);
    snprintf(line, sizeof(line), "%s/hashes", folder);
    assert_int_equal(chmod(line, 0777), 0);
    assert_int_equal(first_byte(f->run), 0xba);
    unsetenv("TTB_CACHE");
    snprintf(line, sizeof(line), "rm -r '%s'", folder);
    assert_int_equal(system(line), 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        T(digests_change_when_anything_does_and_only_where_it_does),
        T(a_reader_computes_the_writers_digests),
        T(digests_are_made_as_the_format_says),
        T(files_are_hashed_whole),
        T(hashes_are_remembered_until_the_file_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
