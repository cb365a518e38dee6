/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->directory, "/tmp/ttb-record-XXXXXX");
    if (!mkdtemp(f->directory))
        return -1;
    snprintf(f->run, sizeof(f->run), "%s/run.ttb", f->directory);
    snprintf(f->tail, sizeof(f->tail), "%s/run.ttb.tail", f->directory);
    snprintf(f->wall, sizeof(f->wall), "%s/wall.ttb", f->directory);
    *state = f;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    char wall_tail[128];

    snprintf(wall_tail, sizeof(wall_tail), "%s.tail", f->wall);
    unlink(f->run);
    unlink(f->tail);
    unlink(f->wall);
    unlink(wall_tail);
    if (rmdir(f->directory) < 0) {
        print_error("%s is not empty\n", f->directory);
        return -1;
    }
    free(f);
    return 0;
}

uint8_t *read_file(const char *path, size_t *len_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    uint8_t *data;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    data = malloc((size_t)status.st_size + 1);
    assert_non_null(data);
    assert_int_equal(read(fd, data, (size_t)status.st_size), status.st_size);
    close(fd);
    *len_bytes = (size_t)status.st_size;
    return data;
}

void write_file(const char *path, const void *data, size_t len_bytes)
{
    int fd;

    /* A new one: some file systems flush a file that is truncated and written again. */
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len_bytes), len_bytes);
    close(fd);
}

void make_ping(uint8_t frame[PING_BYTES], uint16_t seq)
{
    static const uint8_t head[42] = {
        0x02, 0x74, 0x74, 0,  1, 0, 0x02, 0x74, 0x74, 0, 0,    0,    0x08, 0x00, /* Ethernet */
        0x45, 0,    0,    84, 0, 0, 0x40, 0,    64,   1, 0x26, 0xa7, 10,   0,
        0,    1,    10,   0,  0, 2,          /* IPv4 */
        8,    0,    0,    0,  0, 1, 0,    0, /* ICMP echo request, id 1 */
    };

    memcpy(frame, head, sizeof(head));
    for (size_t i = sizeof(head); i < PING_BYTES; i++)
        frame[i] = (uint8_t)i;
    frame[40] = (uint8_t)(seq >> 8);
    frame[41] = (uint8_t)seq;
}

struct ttb_trace_bytes bytes_of(const char *text)
{
    return (struct ttb_trace_bytes){.data = text, .len_bytes = strlen(text)};
}

struct ttb_trace_writer *open_writer(struct fixture *f, uint64_t seed)
{
    static const struct ttb_trace_artifact artifacts[] = {
        {.kind = TTB_TRACE_KERNEL,
         .path = "linux",
         .len_bytes = 4,
         .sha256 = {1, 2, 3},
         .version = "6.12.48"},
        {.kind = TTB_TRACE_IMAGE, .path = "busybox.ext4", .len_bytes = 5, .sha256 = {4}},
    };
    static const char *const flags[] = {"aes", "avx2"};
    struct ttb_trace_header header = {
        .scenario_name = "sample",
        .scenario = {.data = "\x08\x01", .len_bytes = 2},
        .seed = seed,
        .epoch_ns = 1735689600 * S,
        .artifacts = artifacts,
        .artifact_count = 2,
        .cpu_model = "Some CPU",
        .cpu_flags = flags,
        .cpu_flag_count = 2,
        .host_kernel = "Linux 6.1 x86_64",
        .ns3_version = "3.37",
        .no_look_ahead = true,
        .ports_only = true,
    };
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts),
        .directory = f ? f->directory : NULL,
        .header = &header,
    };
    struct ttb_trace_link link = {
        .id = 0, .name = "lan", .type = "csma", .rate_bps = 100000000, .delay_ns = MS};
    struct ttb_trace_writer *writer;
    char error[256];
    uint32_t id;

    if (ttb_trace_writer_open(&opts, &writer, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(ttb_trace_writer_add_link(writer, &link), 0);
    for (uint32_t i = 0; i < 2; i++) {
        struct ttb_trace_node node = {
            .id = i,
            .name = i ? "server" : "client",
            .kernel = 0,
            .image = 1,
            .memory_bytes = 64 << 20,
            .start_ns = i,
        };
        struct ttb_trace_place place = {
            .kind = TTB_TRACE_PORT,
            .name = "eth0",
            .node = i,
            .has_mac = true,
            .mac = {2, 0x74, 0x74, 0, (uint8_t)i, 0},
            .mtu_bytes = 1500,
            .link = 0,
            .speed_bps = 100000000,
        };

        assert_int_equal(ttb_trace_writer_add_node(writer, &node), 0);
        assert_int_equal(ttb_trace_writer_add_place(writer, &place, &id), 0);
        assert_int_equal(id, i);
    }
    return writer;
}

void write_record(struct ttb_trace_writer *writer, const struct ttb_trace_record *record)
{
    assert_int_equal(ttb_trace_write(writer, record), 0);
}

void write_grant(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node)
{
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_GRANT, .time_ns = time_ns, .node = node});
}

void write_frame(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t place,
                 enum ttb_trace_what what, const uint8_t *frame, size_t len_bytes)
{
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = time_ns,
                             .node = place < 2 ? place : TTB_TRACE_NONE,
                             .frame = {.what = what,
                                       .place = place,
                                       .len_bytes = (uint32_t)len_bytes,
                                       .payload = {.data = frame, .len_bytes = len_bytes}},
                         });
}

void write_line(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node, const char *text)
{
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_CONSOLE,
                             .time_ns = time_ns,
                             .node = node,
                             .console = {.data = bytes_of(text), .line_end = true},
                         });
}

void close_writer(struct ttb_trace_writer *writer, uint64_t end_ns)
{
    struct ttb_trace_end end = {.end_ns = end_ns, .ending = TTB_TRACE_DONE};

    assert_int_equal(ttb_trace_writer_close(writer, &end), 0);
}

static void write_ending(struct ttb_trace_writer *writer)
{
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EVENT,
                             .time_ns = 5 * S,
                             .node = 1,
                             .event = {.action = bytes_of("kill"),
                                       .target = bytes_of("server"),
                                       .detail = bytes_of("as told")},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_STATE,
                             .time_ns = 5 * S,
                             .node = 1,
                             .state = {.state = TTB_NODE_FAILED,
                                       .has_wait_status = true,
                                       .wait_status = 9,
                                       .why = bytes_of("it was killed")},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_STATE,
                             .time_ns = 6 * S,
                             .node = 0,
                             .state = {.state = TTB_NODE_STOPPED,
                                       .has_wait_status = true,
                                       .has_exit_status = true,
                                       .exit_status = 3},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_EXPECTATION,
                             .time_ns = 6 * S,
                             .node = TTB_TRACE_NONE,
                             .expectation = {.number = 0, .met = true, .text = bytes_of("exit 3")},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_COST,
                             .time_ns = 6 * S,
                             .node = TTB_TRACE_NONE,
                             .cost = {.part = TTB_TRACE_PART_NETWORK,
                                      .at_wall_ns = 77,
                                      .wall_ns = 55,
                                      .activations = 3},
                         });
}

void write_sample(struct ttb_trace_writer *writer, unsigned rounds)
{
    uint8_t frame[PING_BYTES];

    write_grant(writer, 0, 0);
    write_grant(writer, 0, 1);
    write_record(writer, &(struct ttb_trace_record){.kind = TTB_TRACE_STATE,
                                                    .time_ns = 0,
                                                    .node = 0,
                                                    .state = {.state = TTB_NODE_WAITING}});
    write_line(writer, 1 * MS, 0, "hello \xc3\xa9 \x01");
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t time_ns = 10 * MS + i * 10 * MS;

        make_ping(frame, (uint16_t)i);
        write_grant(writer, time_ns, 0);
        write_frame(writer, time_ns, 0, TTB_TRACE_TRANSMITTED, frame, sizeof(frame));
        write_frame(writer, time_ns + MS, 1, TTB_TRACE_DELIVERED, frame, sizeof(frame));
    }
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = 3 * S,
                             .node = 1,
                             .frame = {.what = TTB_TRACE_DROPPED,
                                       .place = 1,
                                       .len_bytes = 5,
                                       .payload = bytes_of("short"),
                                       .port_reason = TTB_DROP_TOO_SHORT},
                         });
    write_record(writer, &(struct ttb_trace_record){
                             .kind = TTB_TRACE_FRAME,
                             .time_ns = 4 * S,
                             .node = TTB_TRACE_NONE,
                             .frame = {.what = TTB_TRACE_LOST,
                                       .place = TTB_TRACE_NONE,
                                       .len_bytes = 1500,
                                       .payload = {.data = frame, .len_bytes = 20},
                                       .reason = bytes_of("queue full")},
                         });
    write_ending(writer);
}

struct ttb_trace_reader *open_reader(const char *path, bool digests)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .digests = digests};
    struct ttb_trace_reader *reader;
    char error[512];

    if (ttb_trace_reader_open(path, &opts, &reader, error, sizeof(error)))
        fail_msg("%s", error);
    return reader;
}

void next_record(struct ttb_trace_reader *reader, struct ttb_trace_record *record)
{
    if (ttb_trace_reader_next(reader, record) != 1)
        fail_msg("no record: %s", ttb_trace_reader_error(reader));
}
