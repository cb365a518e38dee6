/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the traces that the report's tests look at:
 *   report_traces sample|hostile|truncated|connection DIRECTORY
 *   report_traces large DIRECTORY FRAMES
 *   report_traces chatty DIRECTORY LINES
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ttbridge/trace.h>

#define MS 1000000ULL
#define S  1000000000ULL

#define MUST(expression)                                              \
    do {                                                              \
        int rc_ = (expression);                                       \
        if (rc_) {                                                    \
            fprintf(stderr, "%s: %s\n", #expression, strerror(-rc_)); \
            exit(1);                                                  \
        }                                                             \
    } while (0)

static struct ttb_trace_bytes text(const char *string)
{
    return (struct ttb_trace_bytes){.data = string, .len_bytes = strlen(string)};
}

static struct ttb_trace_writer *open_trace(const char *directory, const char *name)
{
    struct ttb_trace_header header = {.scenario_name = name, .seed = UINT64_MAX};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = directory, .header = &header};
    struct ttb_trace_writer *writer;
    char error[256];

    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        fprintf(stderr, "%s: %s\n", directory, strerror(errno));
        exit(1);
    }
    if (ttb_trace_writer_open(&opts, &writer, error, sizeof(error))) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    return writer;
}

static void add_node(struct ttb_trace_writer *writer, uint32_t id, const char *name)
{
    MUST(ttb_trace_writer_add_node(
        writer, &(struct ttb_trace_node){
                    .id = id, .name = name, .kernel = TTB_TRACE_NONE, .image = TTB_TRACE_NONE}));
}

static void add_link(struct ttb_trace_writer *writer, uint32_t id, const char *name)
{
    MUST(ttb_trace_writer_add_link(
        writer,
        &(struct ttb_trace_link){
            .id = id, .name = name, .type = "ethernet", .rate_bps = 100000000, .delay_ns = MS}));
}

static void add_port(struct ttb_trace_writer *writer, uint32_t node, const char *name,
                     uint32_t link)
{
    MUST(ttb_trace_writer_add_place(
        writer,
        &(struct ttb_trace_place){
            .kind = TTB_TRACE_PORT, .name = name, .node = node, .link = link, .mtu_bytes = 1500},
        NULL));
}

static void put(struct ttb_trace_writer *writer, struct ttb_trace_record record)
{
    MUST(ttb_trace_write(writer, &record));
}

static void frame(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t place, uint32_t node,
                  enum ttb_trace_what what, uint64_t packet, const uint8_t *data,
                  size_t known_bytes, size_t len_bytes)
{
    put(writer,
        (struct ttb_trace_record){
            .kind = TTB_TRACE_FRAME,
            .time_ns = time_ns,
            .node = node,
            .frame = {.what = what,
                      .place = place,
                      .packet = packet,
                      .len_bytes = (uint32_t)len_bytes,
                      .payload = {.data = data, .len_bytes = known_bytes},
                      .port_reason = what == TTB_TRACE_DROPPED ? TTB_DROP_NO_BUFFER : TTB_DROP_NONE,
                      .reason = text(what == TTB_TRACE_LOST ? "queue full" : "")}});
}

static void queue(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t place,
                  uint32_t frames)
{
    put(writer, (struct ttb_trace_record){.kind = TTB_TRACE_QUEUE,
                                          .time_ns = time_ns,
                                          .node = TTB_TRACE_NONE,
                                          .queue = {.place = place, .frames = frames}});
}

static void console(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node,
                    const char *line)
{
    put(writer, (struct ttb_trace_record){.kind = TTB_TRACE_CONSOLE,
                                          .time_ns = time_ns,
                                          .node = node,
                                          .console = {.data = text(line), .line_end = true}});
}

static void grant(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node)
{
    put(writer,
        (struct ttb_trace_record){.kind = TTB_TRACE_GRANT, .time_ns = time_ns, .node = node});
}

static void state(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node,
                  enum ttb_node_state value, const char *why)
{
    put(writer, (struct ttb_trace_record){.kind = TTB_TRACE_STATE,
                                          .time_ns = time_ns,
                                          .node = node,
                                          .state = {.state = value, .why = text(why)}});
}

static void event(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node,
                  const char *action, const char *target, const char *detail)
{
    put(writer,
        (struct ttb_trace_record){
            .kind = TTB_TRACE_EVENT,
            .time_ns = time_ns,
            .node = node,
            .event = {.action = text(action), .target = text(target), .detail = text(detail)}});
}

static void expectation(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t number,
                        bool met, const char *what)
{
    put(writer, (struct ttb_trace_record){
                    .kind = TTB_TRACE_EXPECTATION,
                    .time_ns = time_ns,
                    .node = TTB_TRACE_NONE,
                    .expectation = {.number = number, .met = met, .text = text(what)}});
}

static void cost(struct ttb_trace_writer *writer, uint64_t time_ns, uint32_t node,
                 uint64_t at_wall_ns, uint64_t wall_ns)
{
    put(writer, (struct ttb_trace_record){.kind = TTB_TRACE_COST,
                                          .time_ns = time_ns,
                                          .node = node,
                                          .cost = {.part = TTB_TRACE_PART_NODE,
                                                   .at_wall_ns = at_wall_ns,
                                                   .wall_ns = wall_ns,
                                                   .activations = 100,
                                                   .kicks = 7,
                                                   .calls = 9,
                                                   .waited_ns = wall_ns / 5}});
}

static void part_cost(struct ttb_trace_writer *writer, enum ttb_trace_part part, uint64_t wall_ns)
{
    put(writer,
        (struct ttb_trace_record){
            .kind = TTB_TRACE_COST,
            .time_ns = 2 * S,
            .node = TTB_TRACE_NONE,
            .cost = {.part = part, .at_wall_ns = S, .wall_ns = wall_ns, .activations = 50}});
}

/* ------------------------------------------------------------------------------------- frames */

static void be16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void be32(uint8_t *at, uint32_t value)
{
    be16(at, value >> 16);
    be16(at + 2, value);
}

/* Ethernet and IPv4 from 10.0.0.`from` to 10.0.0.`to`, len_bytes in all. */
static void ipv4(uint8_t *data, uint8_t from, uint8_t to, uint8_t protocol, size_t len_bytes)
{
    memset(data, 0, 64);
    memcpy(data, (uint8_t[]){2, 0x74, 0x74, 0, to, 0, 2, 0x74, 0x74, 0, from, 0, 8, 0, 0x45}, 15);
    be16(data + 16, (uint32_t)len_bytes - 14);
    data[22] = 64;
    data[23] = protocol;
    memcpy(data + 26, (uint8_t[]){10, 0, 0, from, 10, 0, 0, to}, 8);
}

static void echo(uint8_t data[98], uint8_t from, uint8_t to, bool is_reply, uint16_t sequence)
{
    ipv4(data, from, to, 1, 98);
    data[34] = is_reply ? 0 : 8;
    be16(data + 38, 1);
    be16(data + 40, sequence);
    for (size_t i = 42; i < 98; i++)
        data[i] = (uint8_t)i;
}

static void udp(uint8_t *data, uint8_t from, uint8_t to, uint16_t port, size_t len_bytes)
{
    ipv4(data, from, to, 17, len_bytes);
    be16(data + 34, 40000);
    be16(data + 36, port);
    be16(data + 38, (uint32_t)len_bytes - 34);
}

static void tcp(uint8_t *data, uint8_t from, uint8_t to, uint16_t from_port, uint16_t to_port,
                uint32_t seq, uint32_t ack, uint8_t flags, size_t data_bytes)
{
    ipv4(data, from, to, 6, 54 + data_bytes);
    be16(data + 34, from_port);
    be16(data + 36, to_port);
    be32(data + 38, seq);
    be32(data + 42, ack);
    data[46] = 0x50;
    data[47] = flags;
    be16(data + 48, 65535);
}

/* ------------------------------------------------------------------------------------- traces */

/* Places: 0 client.eth0, 1 router.eth0, 2 router.eth1, 3 server.eth0. */
static struct ttb_trace_writer *open_sample(const char *directory)
{
    struct ttb_trace_writer *writer = open_trace(directory, "sample");

    add_link(writer, 0, "left");
    add_link(writer, 1, "right");
    add_node(writer, 0, "client");
    add_node(writer, 1, "router");
    add_node(writer, 2, "server");
    add_port(writer, 0, "eth0", 0);
    add_port(writer, 1, "eth0", 0);
    add_port(writer, 1, "eth1", 1);
    add_port(writer, 2, "eth0", 1);
    return writer;
}

static void write_sample(struct ttb_trace_writer *writer)
{
    uint8_t data[1514];
    uint64_t packet = 0, time_ns = 10 * MS;
    uint32_t seq = 1000;
    char line[64];

    memset(data, 0, sizeof(data));
    for (uint32_t node = 0; node < 3; node++) {
        grant(writer, 0, node);
        state(writer, 0, node, TTB_NODE_WAITING, "");
        snprintf(line, sizeof(line), "node %" PRIu32 " is up", node);
        console(writer, 1 * MS, node, line);
    }
    /* 20 echo requests from client to router, each with its reply: 4 records each. */
    for (uint16_t i = 1; i <= 20; i++, time_ns += 10 * MS) {
        grant(writer, time_ns, 0);
        echo(data, 1, 2, false, i);
        frame(writer, time_ns, 0, 0, TTB_TRACE_TRANSMITTED, ++packet, data, 98, 98);
        frame(writer, time_ns + MS, 1, 1, TTB_TRACE_DELIVERED, packet, data, 98, 98);
        grant(writer, time_ns + MS, 1);
        echo(data, 2, 1, true, i);
        frame(writer, time_ns + MS, 1, 1, TTB_TRACE_TRANSMITTED, ++packet, data, 98, 98);
        frame(writer, time_ns + 2 * MS, 0, 0, TTB_TRACE_DELIVERED, packet, data, 98, 98);
        snprintf(line, sizeof(line), "64 bytes from 10.0.0.2: seq=%u", i);
        console(writer, time_ns + 2 * MS, 0, line);
    }
    event(writer, 300 * MS, TTB_TRACE_NONE, "loss", "right", "10%");
    /* 50 segments from router to server; every tenth is lost; the others are acknowledged. */
    for (time_ns = 300 * MS; time_ns < 800 * MS; time_ns += 10 * MS, seq += 1000) {
        memset(data, 'x', sizeof(data));
        tcp(data, 2, 3, 5000, 80, seq, 1, 0x18, 1000);
        frame(writer, time_ns, 2, 1, TTB_TRACE_TRANSMITTED, ++packet, data, 1054, 1054);
        if (time_ns / (10 * MS) % 10 == 9) {
            frame(writer, time_ns, 2, TTB_TRACE_NONE, TTB_TRACE_LOST, packet, data, 1054, 1054);
            continue;
        }
        frame(writer, time_ns + 3 * MS, 3, 2, TTB_TRACE_DELIVERED, packet, data, 1054, 1054);
        tcp(data, 3, 2, 80, 5000, 1, seq + 1000, 0x10, 0);
        frame(writer, time_ns + 3 * MS, 3, 2, TTB_TRACE_TRANSMITTED, ++packet, data, 54, 54);
        frame(writer, time_ns + 6 * MS, 2, 1, TTB_TRACE_DELIVERED, packet, data, 54, 54);
    }
    /* 10 datagrams from server to router that its port drops. */
    for (time_ns = 900 * MS; time_ns < S; time_ns += 10 * MS) {
        udp(data, 3, 2, 7, 142);
        frame(writer, time_ns, 3, 2, TTB_TRACE_TRANSMITTED, ++packet, data, 142, 142);
        frame(writer, time_ns + MS, 2, 1, TTB_TRACE_DROPPED, packet, data, 142, 142);
    }
    event(writer, S, 2, "kill", "", "");
    state(writer, S, 2, TTB_NODE_FAILED, "killed");
    console(writer, 1500 * MS, 0, "goodbye");
    expectation(writer, 2 * S, 0, true, "client: exit 0");
    expectation(writer, 2 * S, 1, false, "server: console \"ready\", which never came");
    for (uint32_t node = 0; node < 3; node++)
        cost(writer, 2 * S, node, S, (node + 1) * S / 10);
    part_cost(writer, TTB_TRACE_PART_NODES, S / 2);
    part_cost(writer, TTB_TRACE_PART_BARRIER, S / 10);
    part_cost(writer, TTB_TRACE_PART_NETWORK, S / 4);
}

/* A TCP connection whose sequence numbers begin near their end, over links that queue, with a switch between them
 * whose ports see nothing; and a cable that is pulled. Places: 0 client.eth0, 1 server.eth0, 2 sw/left,
 * 3 sw/right, 4 left, 5 right. */
static void write_connection(const char *directory)
{
    struct ttb_trace_writer *writer = open_trace(directory, "connection");
    uint8_t data[1514] = {0};

    add_link(writer, 0, "left");
    add_link(writer, 1, "right");
    add_node(writer, 0, "client");
    add_node(writer, 1, "server");
    add_port(writer, 0, "eth0", 0);
    add_port(writer, 1, "eth0", 1);
    for (uint32_t link = 0; link < 2; link++)
        MUST(ttb_trace_writer_add_place(
            writer,
            &(struct ttb_trace_place){.kind = TTB_TRACE_DEVICE,
                                      .name = link ? "sw/right" : "sw/left",
                                      .node = TTB_TRACE_NONE,
                                      .link = link},
            NULL));
    for (uint32_t link = 0; link < 2; link++)
        MUST(ttb_trace_writer_add_place(writer,
                                        &(struct ttb_trace_place){.kind = TTB_TRACE_LINK_PLACE,
                                                                  .name = link ? "right" : "left",
                                                                  .node = TTB_TRACE_NONE,
                                                                  .link = link},
                                        NULL));
    state(writer, 0, 0, TTB_NODE_WAITING, "");
    state(writer, 0, 1, TTB_NODE_WAITING, "");
    tcp(data, 1, 2, 40000, 80, 4294967290, 0, 0x02, 0);
    frame(writer, 10 * MS, 0, 0, TTB_TRACE_TRANSMITTED, 1, data, 54, 54);
    frame(writer, 11 * MS, 1, 1, TTB_TRACE_DELIVERED, 1, data, 54, 54);
    tcp(data, 2, 1, 80, 40000, 7000, 4294967291, 0x12, 0);
    frame(writer, 11 * MS, 1, 1, TTB_TRACE_TRANSMITTED, 2, data, 54, 54);
    frame(writer, 12 * MS, 0, 0, TTB_TRACE_DELIVERED, 2, data, 54, 54);
    for (uint32_t i = 0; i < 10; i++) {
        tcp(data, 1, 2, 40000, 80, 4294967291 + 100 * i, 7001, 0x18, 100);
        frame(writer, 20 * MS, 0, 0, TTB_TRACE_TRANSMITTED, 3 + i, data, 154, 154);
    }
    queue(writer, 20 * MS, 0, 9);
    queue(writer, 21 * MS, 0, 4);
    queue(writer, 21 * MS, 3, 5);
    queue(writer, 22 * MS, 0, 0);
    queue(writer, 23 * MS, 3, 1);
    for (uint32_t i = 0; i < 10; i++) {
        tcp(data, 1, 2, 40000, 80, 4294967291 + 100 * i, 7001, 0x18, 100);
        frame(writer, (24 + i) * MS, 1, 1, TTB_TRACE_DELIVERED, 3 + i, data, 154, 154);
    }
    event(writer, 50 * MS, TTB_TRACE_NONE, "set", "left", "delay 1500000 ns rate 20000000 bit/s");
    event(writer, 52 * MS, 1, "carrier-off", "eth0", "");
    /* The client is started again, and gets an answer to what it had asked before. */
    echo(data, 1, 2, false, 1);
    frame(writer, 70 * MS, 0, 0, TTB_TRACE_TRANSMITTED, 14, data, 98, 98);
    frame(writer, 71 * MS, 1, 1, TTB_TRACE_DELIVERED, 14, data, 98, 98);
    state(writer, 80 * MS, 0, TTB_NODE_STOPPED, "");
    state(writer, 90 * MS, 0, TTB_NODE_WAITING, "");
    echo(data, 2, 1, true, 1);
    frame(writer, 95 * MS, 1, 1, TTB_TRACE_TRANSMITTED, 15, data, 98, 98);
    frame(writer, 96 * MS, 0, 0, TTB_TRACE_DELIVERED, 15, data, 98, 98);
    /* One that is under way much longer than the others. */
    udp(data, 1, 2, 7, 142);
    frame(writer, 97 * MS, 0, 0, TTB_TRACE_TRANSMITTED, 13, data, 142, 142);
    frame(writer, 290 * MS, 1, 1, TTB_TRACE_DELIVERED, 13, data, 142, 142);
    MUST(ttb_trace_writer_close(
        writer, &(struct ttb_trace_end){.end_ns = 300 * MS, .ending = TTB_TRACE_DONE}));
}

/* Whatever a guest, a scenario or a forged trace may say. */
static void write_hostile(const char *directory)
{
    static const char evil[] =
        "</script><img src=x onerror=\"window.pwned=1\"><!--data--><script>window.pwned=1</script>";
    static const char bytes[] = "\x1b[31mred\x1b[0m \xff\xfe \xe2\x80\xae"
                                "gnp.exe \x01 &lt;b&gt;";
    struct ttb_trace_writer *writer = open_trace(directory, evil);
    uint8_t data[98];

    add_link(writer, 0, evil);
    add_node(writer, 0, evil);
    add_node(writer, 1, "__proto__");
    add_port(writer, 0, evil, 0);
    add_port(writer, 1, "constructor", 0);
    /* Two links that are shared by three. */
    add_link(writer, 1, "toString");
    add_node(writer, 2, "");
    add_port(writer, 2, "", 0);
    for (uint32_t node = 0; node < 3; node++)
        add_port(writer, node, "\xff", 1);
    state(writer, 0, 0, TTB_NODE_WAITING, "");
    console(writer, 1 * MS, 0, evil);
    console(writer, 2 * MS, 1, bytes);
    event(writer, 3 * MS, TTB_TRACE_NONE, evil, evil, evil);
    for (uint16_t i = 1; i <= 5; i++) {
        echo(data, 1, 2, false, i);
        memcpy(data + 42, "</script><b>", 12);
        frame(writer, (10 + i) * MS, 0, 0, TTB_TRACE_TRANSMITTED, i, data, 98, 98);
        frame(writer, (11 + i) * MS, 1, 1, TTB_TRACE_DELIVERED, i, data, 98, 98);
    }
    put(writer, (struct ttb_trace_record){.kind = TTB_TRACE_FRAME,
                                          .time_ns = 30 * MS,
                                          .node = TTB_TRACE_NONE,
                                          .frame = {.what = TTB_TRACE_LOST,
                                                    .place = 0,
                                                    .packet = 1,
                                                    .len_bytes = 98,
                                                    .reason = text(evil)}});
    /* Nonsense in each header. */
    for (unsigned i = 0; i < 64; i++) {
        memset(data, (int)(i * 37), sizeof(data));
        memcpy(data + 12, (uint8_t[]){8, 0, 0x4f}, 3);
        data[23] = (uint8_t[]){1, 6, 17, 58}[i % 4];
        frame(writer, (40 + i) * MS, 0, 0, TTB_TRACE_TRANSMITTED, 100 + i, data, i + 10, 98);
    }
    state(writer, 200 * MS, 0, TTB_NODE_FAILED, evil);
    expectation(writer, 200 * MS, 0, false, evil);
    MUST(ttb_trace_writer_close(
        writer,
        &(struct ttb_trace_end){.end_ns = 200 * MS, .ending = TTB_TRACE_FAILED, .why = evil}));
}

/* Twenty nodes that send to each other by TCP: two records for each frame, 10 us apart, and
 * one of the sender's queue. */
static void write_large(const char *directory, uint64_t frames)
{
    struct ttb_trace_writer *writer = open_trace(directory, "large");
    static uint8_t data[1514];
    char line[64];

    add_link(writer, 0, "lan");
    for (uint32_t node = 0; node < 20; node++) {
        snprintf(line, sizeof(line), "node%02" PRIu32, node);
        add_node(writer, node, line);
        add_port(writer, node, "eth0", 0);
        state(writer, 0, node, TTB_NODE_WAITING, "");
    }
    for (uint64_t i = 0; i < frames / 2; i++) {
        uint64_t time_ns = i * 10000;
        uint32_t from = (uint32_t)(i * 7 / 3 % 20), to = (uint32_t)((from + 1 + i % 19) % 20);

        /* Bytes that do not compress well, as most traffic has them. */
        for (size_t at = 54; at < 128; at += 8) {
            uint64_t noise = (i * 16 + at) * 0x9e3779b97f4a7c15ULL;

            noise ^= noise >> 29;
            memcpy(data + at, &noise, 8);
        }
        tcp(data, (uint8_t)(from + 1), (uint8_t)(to + 1), (uint16_t)(1024 + from), 80,
            (uint32_t)i * 1000, (uint32_t)i, 0x10, 1000 + i % 400);
        if (i % 4 == 0)
            grant(writer, time_ns, from);
        queue(writer, time_ns, from, (uint32_t)(i % 13));
        frame(writer, time_ns, from, from, TTB_TRACE_TRANSMITTED, i + 1, data, 128, 1054 + i % 400);
        if (i % 200 != 199)
            frame(writer, time_ns + 9000, to, to, TTB_TRACE_DELIVERED, i + 1, data, 128,
                  1054 + i % 400);
        if (i % 50 == 0) {
            snprintf(line, sizeof(line), "line %" PRIu64, i / 50);
            console(writer, time_ns + 9000, from, line);
        }
    }
    MUST(ttb_trace_writer_close(writer, &(struct ttb_trace_end){.end_ns = frames / 2 * 10000,
                                                                .ending = TTB_TRACE_DURATION}));
}

/* A node that prints a lot. */
static void write_chatty(const char *directory, uint64_t lines)
{
    struct ttb_trace_writer *writer = open_trace(directory, "chatty");

    add_node(writer, 0, "node");
    for (uint64_t i = 0; i < lines; i++)
        console(writer, i, 0, "again");
    MUST(ttb_trace_writer_close(
        writer, &(struct ttb_trace_end){.end_ns = lines, .ending = TTB_TRACE_DONE}));
}

int main(int argc, char **argv)
{
    struct ttb_trace_writer *writer;

    if (argc == 3 && (strcmp(argv[1], "sample") == 0 || strcmp(argv[1], "truncated") == 0)) {
        writer = open_sample(argv[2]);
        write_sample(writer);
        MUST(ttb_trace_writer_close(
            writer, strcmp(argv[1], "sample") == 0
                        ? &(struct ttb_trace_end){.end_ns = 2 * S, .ending = TTB_TRACE_DONE}
                        : NULL));
    } else if (argc == 3 && strcmp(argv[1], "hostile") == 0) {
        write_hostile(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "connection") == 0) {
        write_connection(argv[2]);
    } else if (argc == 4 && strcmp(argv[1], "large") == 0) {
        write_large(argv[2], strtoull(argv[3], NULL, 10));
    } else if (argc == 4 && strcmp(argv[1], "chatty") == 0) {
        write_chatty(argv[2], strtoull(argv[3], NULL, 10));
    } else {
        fprintf(stderr, "usage: report_traces sample|hostile|truncated|connection DIRECTORY\n"
                        "       report_traces large DIRECTORY FRAMES\n"
                        "       report_traces chatty DIRECTORY LINES\n");
        return 2;
    }
    return 0;
}
