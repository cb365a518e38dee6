/* SPDX-License-Identifier: BSD-3-Clause */
/* What a front end must not do, and the sentence that each of it earns. In every case the device
 * closes, once, and nothing is leaked (fe_close() counts). */
#include "front_end.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------- messages */

enum stage {
    OPEN,
    NEGOTIATED,
    STARTED,
};

/* Descriptors that a message may carry. */
enum kind {
    NONE,
    MEMORY, /* the front end's memory */
    TWO,    /* the same, twice */
    FILE_,  /* an ordinary file: the program itself */
    SOCKET,
};

struct message_case {
    enum stage stage;
    uint32_t request, flags, size_bytes;
    enum kind fds;
    union ttb__vhost_payload payload;
    const char *why;
    int err; /* 0: -EPROTO */
};

#define REGION(guest, size, user, offset)                                                         \
    {                                                                                             \
        .guest_addr = (guest), .size_bytes = (size), .user_addr = (user), .mmap_offset = (offset) \
    }
#define ONE_REGION(...)   .payload.table = {.count = 1, .regions = {REGION(__VA_ARGS__)}}
#define TWO_REGIONS(a, b) .payload.table = {.count = 2, .regions = {a, b}}
#define STATE(i, n)       .payload.state = {.index = (i), .num = (n)}
#define V                 TTB__VHOST_VERSION

static const struct message_case message_cases[] = {
    /* framing */
    {OPEN, TTB__VHOST_GET_FEATURES, V, 513, NONE,
     .why = "message 1 has a payload of 513 bytes, more than 512"},
    {OPEN, TTB__VHOST_GET_FEATURES, V, 0xffffffff, NONE,
     .why = "message 1 has a payload of 4294967295 bytes, more than 512"},
    {OPEN, TTB__VHOST_GET_FEATURES, 0, 0, NONE,
     .why = "GET_FEATURES: flags 0x0 are not those of a request of version 1"},
    {OPEN, TTB__VHOST_GET_FEATURES, 2, 0, NONE,
     .why = "GET_FEATURES: flags 0x2 are not those of a request of version 1"},
    {OPEN, TTB__VHOST_GET_FEATURES, V | TTB__VHOST_REPLY, 0, NONE,
     .why = "GET_FEATURES: flags 0x5 are not those of a request of version 1"},
    {OPEN, 99, V, 0, NONE,
     .why = "message 99: belongs to a protocol feature that was not accepted"},
    {OPEN, 0, V, 0, NONE, .why = "message 0: belongs to a protocol feature that was not accepted"},
    {OPEN, TTB__VHOST_VRING_KICK, V, 8, NONE, STATE(0, 0),
     .why = "VRING_KICK: belongs to a protocol feature that was not accepted"},
    {OPEN, TTB__VHOST_GET_FEATURES, V, 8, NONE,
     .why = "GET_FEATURES: a payload of 8 bytes, expected 0 to 0"},
    {OPEN, TTB__VHOST_SET_FEATURES, V, 4, NONE,
     .why = "SET_FEATURES: a payload of 4 bytes, expected 8 to 8"},
    {OPEN, TTB__VHOST_GET_FEATURES, V, 0, MEMORY,
     .why = "GET_FEATURES: 1 descriptors, expected at most 0"},

    /* negotiation */
    {OPEN, TTB__VHOST_SET_FEATURES, V, 8, NONE, .payload.u64 = 0x100000001,
     .why = "SET_FEATURES: features 0x1 were not offered"},
    {OPEN, TTB__VHOST_SET_PROTOCOL_FEATURES, V, 8, NONE, .payload.u64 = 0x4029,
     .why = "SET_PROTOCOL_FEATURES: protocol features 0x1 were not offered"},

    /* memory */
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 264, MEMORY, .payload.table.count = 9,
     .why = "SET_MEM_TABLE: 9 regions, more than 8"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 4, NONE,
     .why = "SET_MEM_TABLE: a payload of 4 bytes, expected 8 to 264"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, TWO, .payload.table.count = 2,
     .why = "SET_MEM_TABLE: 2 regions in a payload of 40 bytes"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, NONE, ONE_REGION(0, 4096, 0, 0),
     .why = "SET_MEM_TABLE: 1 regions, but 0 descriptors"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, TWO, ONE_REGION(0, 4096, 0, 0),
     .why = "SET_MEM_TABLE: 1 regions, but 2 descriptors"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, MEMORY, ONE_REGION(0, 0, 0, 0),
     .why = "SET_MEM_TABLE: region 0: memory size is 0"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, MEMORY,
     ONE_REGION(0xfffffffffffff000, 0x2000, 0, 0),
     .why = "SET_MEM_TABLE: region 0: guest address 0xfffffffffffff000 plus size 0x2000 overflows"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, MEMORY,
     ONE_REGION(0, 0x2000, 0xfffffffffffff000, 0),
     .why = "SET_MEM_TABLE: region 0: user address 0xfffffffffffff000 plus size 0x2000 overflows"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, MEMORY,
     ONE_REGION(0, 0x2000, 0, 0x7ffffffffffff000),
     .why = "SET_MEM_TABLE: region 0: file offset 0x7ffffffffffff000 plus size 0x2000 overflows"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, MEMORY, ONE_REGION(0, 0x8000000000000000, 0, 0),
     .why = "SET_MEM_TABLE: region 0: file offset 0x0 plus size 0x8000000000000000 overflows"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, MEMORY, ONE_REGION(0, 0x1000000, 0, 0x3001),
     .why = "SET_MEM_TABLE: region 0: file has 0x1003000 bytes, but the region ends at 0x1003001"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, SOCKET, ONE_REGION(0, 4096, 0, 0),
     .why = "SET_MEM_TABLE: region 0: descriptor is not a file that can be shared memory"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 40, FILE_, ONE_REGION(0, 4096, 0, 0),
     .why = "SET_MEM_TABLE: region 0: cannot map 0x1000 bytes at offset 0x0: Permission denied"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 72, TWO,
     TWO_REGIONS(REGION(0x1000, 0x2000, 0x10000, 0), REGION(0x2fff, 0x1000, 0x20000, 0)),
     .why = "SET_MEM_TABLE: region 1: guest addresses from 0x2fff overlap those of another region "
            "from 0x1000"},
    {NEGOTIATED, TTB__VHOST_SET_MEM_TABLE, V, 72, TWO,
     TWO_REGIONS(REGION(0x1000, 0x2000, 0x10000, 0), REGION(0x3000, 0x1000, 0x11000, 0)),
     .why = "SET_MEM_TABLE: region 1: user addresses from 0x11000 overlap those of another region "
            "from 0x10000"},

    /* queues */
    {NEGOTIATED, TTB__VHOST_SET_VRING_NUM, V, 8, NONE, STATE(0, 0),
     .why = "SET_VRING_NUM: queue 0: size 0 is no power of two up to 32768"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_NUM, V, 8, NONE, STATE(1, 100),
     .why = "SET_VRING_NUM: queue 1: size 100 is no power of two up to 32768"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_NUM, V, 8, NONE, STATE(1, 65536),
     .why = "SET_VRING_NUM: queue 1: size 65536 is no power of two up to 32768"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_NUM, V, 8, NONE, STATE(2, 256),
     .why = "SET_VRING_NUM: queue 2 of 2"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_BASE, V, 8, NONE, STATE(0, 65536),
     .why = "SET_VRING_BASE: queue 0: index 65536 is above 65535"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_ADDR, V, 40, NONE, .payload.addr = {.flags = 1},
     .why = "SET_VRING_ADDR: queue 0: logging was not offered"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_ADDR, V, 40, NONE, .payload.addr = {.index = 0xffffffff},
     .why = "SET_VRING_ADDR: queue 4294967295 of 2"},
    {NEGOTIATED, TTB__VHOST_GET_VRING_BASE, V, 8, NONE, STATE(3, 0),
     .why = "GET_VRING_BASE: queue 3 of 2"},
    {STARTED, TTB__VHOST_SET_VRING_ENABLE, V, 8, NONE, STATE(0, 2),
     .why = "SET_VRING_ENABLE: queue 0: value 2 is neither 0 nor 1"},
    {STARTED, TTB__VHOST_SET_VRING_ENABLE, V, 8, NONE, STATE(7, 1),
     .why = "SET_VRING_ENABLE: queue 7 of 2"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_ENABLE, V, 8, NONE, STATE(0, 1),
     .why = "queue 0: started before SET_VRING_NUM"},
    {STARTED, TTB__VHOST_SET_VRING_NUM, V, 8, NONE, STATE(0, 128),
     .why = "SET_VRING_NUM: queue 0 is running"},
    {STARTED, TTB__VHOST_SET_VRING_BASE, V, 8, NONE, STATE(1, 0),
     .why = "SET_VRING_BASE: queue 1 is running"},
    {STARTED, TTB__VHOST_SET_VRING_ADDR, V, 40, NONE, .payload.addr = {.desc = 0x1000},
     .err = -EINVAL,
     .why = "queue 0: descriptor table at user address 0x1000 is in no memory region"},
    {STARTED, TTB__VHOST_VRING_KICK, V, 8, NONE, STATE(2, 0), .why = "VRING_KICK: queue 2 of 2"},

    /* descriptors */
    {NEGOTIATED, TTB__VHOST_SET_VRING_KICK, V, 8, SOCKET, .payload.u64 = 0x200,
     .why = "SET_VRING_KICK: unknown bits in 0x200"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_KICK, V, 8, SOCKET, .payload.u64 = 2,
     .why = "SET_VRING_KICK: queue 2 of 2"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_KICK, V, 8, NONE, .payload.u64 = 1,
     .why = "SET_VRING_KICK: queue 1: value 0x1 with 0 descriptors"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_CALL, V, 8, SOCKET, .payload.u64 = 0x100,
     .why = "SET_VRING_CALL: queue 0: value 0x100 with 1 descriptors"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_KICK, V, 8, SOCKET, .payload.u64 = 0,
     .why = "SET_VRING_KICK: queue 0: a descriptor, though kicks are in-band"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_CALL, V, 8, FILE_, .payload.u64 = 0,
     .why = "SET_VRING_CALL: queue 0: descriptor is no event descriptor, pipe or socket: Invalid "
            "argument"},
    {NEGOTIATED, TTB__VHOST_SET_VRING_ERR, V, 8, MEMORY, .payload.u64 = 0,
     .why = "SET_VRING_ERR: queue 0: descriptor is no event descriptor, pipe or socket: Invalid "
            "argument"},
    {NEGOTIATED, TTB__VHOST_SET_BACKEND_REQ_FD, V, 0, NONE,
     .why = "SET_BACKEND_REQ_FD: 0 descriptors, expected 1"},
    {NEGOTIATED, TTB__VHOST_SET_BACKEND_REQ_FD, V, 0, MEMORY,
     .why = "SET_BACKEND_REQ_FD: descriptor is no socket that replies can come from: Socket "
            "operation on non-socket"},

    /* configuration */
    {NEGOTIATED, TTB__VHOST_GET_CONFIG, V, 18, NONE, .payload.config = {.size_bytes = 7},
     .why = "GET_CONFIG: offset 0 and size 7 in a payload of 18 bytes"},
    {NEGOTIATED, TTB__VHOST_GET_CONFIG, V, 18, NONE,
     .payload.config = {.offset = 251, .size_bytes = 6},
     .why = "GET_CONFIG: offset 251 and size 6 in a payload of 18 bytes"},
    {NEGOTIATED, TTB__VHOST_GET_CONFIG, V, 18, NONE,
     .payload.config = {.offset = 0xfffffffe, .size_bytes = 6},
     .why = "GET_CONFIG: offset 4294967294 and size 6 in a payload of 18 bytes"},
    {NEGOTIATED, TTB__VHOST_SET_CONFIG, V, 13, NONE, .payload.config = {.size_bytes = 2},
     .why = "SET_CONFIG: offset 0 and size 2 in a payload of 13 bytes"},
    {NEGOTIATED, TTB__VHOST_GET_CONFIG, V, 300, NONE,
     .why = "GET_CONFIG: a payload of 300 bytes, expected 12 to 268"},
};

static void send_case(struct front_end *fe, const struct message_case *one)
{
    struct {
        struct ttb__vhost_header header;
        union ttb__vhost_payload payload;
    } __attribute__((packed)) message = {
        .header = {one->request, one->flags, one->size_bytes},
        .payload = one->payload,
    };
    size_t size_bytes = one->size_bytes <= sizeof(message.payload) ? one->size_bytes : 0;
    int pair[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fds[0] = one->fds == FILE_ ? file : one->fds == SOCKET ? pair[0] : fe->memory_fd;
    fds[1] = fds[0];
    fe_send_raw(fe, &message, sizeof(message.header) + size_bytes, fds,
                one->fds == NONE  ? 0
                : one->fds == TWO ? 2
                                  : 1);
    close(pair[0]);
    close(pair[1]);
    close(file);
}

static void every_malformed_message_ends_it_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(message_cases) / sizeof(message_cases[0]); i++) {
        const struct message_case *one = &message_cases[i];
        struct front_end fe;

        fe_init(&fe);
        fe_open(&fe);
        if (one->stage >= NEGOTIATED)
            fe_negotiate(&fe);
        if (one->stage >= STARTED)
            fe_start(&fe);
        send_case(&fe, one);
        fe_expect_closed(&fe, one->err ? one->err : -EPROTO, one->why);
        fe_close(&fe);
    }
}

/* ---------------------------------------------------------------------------------------- rings */

/* Addresses are offsets into an area of the front end's memory, unless ABSOLUTE is set. */
#define ABSOLUTE (UINT64_C(1) << 63)
#define TABLE    0x8000 /* where the indirect table goes */
#define N        TTB__DESC_NEXT
#define W        TTB__DESC_WRITE
#define I        TTB__DESC_INDIRECT

struct ring_case {
    unsigned queue;
    uint16_t avail_idx, head;
    struct ttb__ring_desc descs[3], table[3];
    uint64_t features_off;
    const char *why;
};

static const struct ring_case ring_cases[] = {
    {FE_TX,
     257,
     0,
     {{0, 64, 0, 0}},
     .why = "transmit queue: available index went from 0 to 257 in a "
            "ring of 256 descriptors"},
    {FE_TX,
     65535,
     0,
     {{0, 64, 0, 0}},
     .why = "transmit queue: available index went from 0 to 65535 "
            "in a ring of 256 descriptors"},
    {FE_TX,
     1,
     256,
     {{0, 64, 0, 0}},
     .why = "transmit queue: available entry 0 holds descriptor 256 of 256"},
    {FE_TX,
     1,
     0,
     {{0, 12, N, 256}},
     .why = "transmit queue: chain at descriptor 0 has next descriptor 256 of 256"},
    {FE_TX,
     1,
     0,
     {{0, 12, N, 1}, {64, 64, N, 0}},
     .why = "transmit queue: chain at descriptor 0 has a loop, or more than 256 descriptors"},
    {FE_TX,
     1,
     2,
     {[2] = {0, 12, N, 2}},
     .why = "transmit queue: chain at descriptor 2 has a loop, or more than 256 descriptors"},
    {FE_TX,
     1,
     0,
     {{ABSOLUTE | 0x1000, 12, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has a descriptor (address 0x1000, length 12) "
            "reaches address 0x1000, which is in no memory region"},
    {FE_TX,
     1,
     0,
     {{ABSOLUTE | 0x10fffff0, 0x20, 0, 0}},
     .why =
         "transmit queue: chain at descriptor 0 has a descriptor (address 0x10fffff0, length 32) "
         "reaches address 0x11000000, which is in no memory region"},
    {FE_TX,
     1,
     0,
     {{0, 0xffffffff, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has a descriptor (address 0x10100000, length "
            "4294967295) reaches address 0x11000000, which is in no memory region"},
    {FE_TX,
     1,
     0,
     {{0, 0, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has a descriptor of length 0 at address "
            "0x10100000"},
    {FE_TX,
     1,
     0,
     {{0, 76, N, 1}, {128, 4, W, 0}},
     .why = "transmit queue: chain at descriptor 0 has device-writable descriptors"},
    {FE_TX,
     1,
     0,
     {{0, 76, N | W, 1}, {128, 4, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has a device-readable descriptor (address "
            "0x10100080) after a device-writable one"},
    {FE_TX,
     1,
     0,
     {{TABLE, 16, I, 0}},
     {{0, 76, 0, 0}},
     .features_off = TTB__BIT(TTB__VIRTIO_F_RING_INDIRECT_DESC),
     .why = "transmit queue: chain at descriptor 0 has an indirect descriptor, which was not "
            "negotiated"},
    {FE_TX,
     1,
     0,
     {{TABLE, 16, I | N, 1}, {0, 76, 0, 0}},
     {{0, 76, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has an indirect descriptor with a next one"},
    {FE_TX,
     1,
     0,
     {{TABLE, 0, I, 0}},
     {{0, 76, 0, 0}},
     .why =
         "transmit queue: chain at descriptor 0 has an indirect table of 0 bytes, not a multiple "
         "of 16"},
    {FE_TX,
     1,
     0,
     {{TABLE, 17, I, 0}},
     {{0, 76, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has an indirect table of 17 bytes, not a "
            "multiple of 16"},
    {FE_TX,
     1,
     0,
     {{TABLE, 16 * 32769, I, 0}},
     {{0, 76, 0, 0}},
     .why =
         "transmit queue: chain at descriptor 0 has an indirect table of 32769 descriptors, more "
         "than 32768"},
    {FE_TX,
     1,
     0,
     {{ABSOLUTE | 0x10fffff8, 32, I, 0}},
     {{0, 76, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has an indirect table (address 0x10fffff8, 2 "
            "descriptors) that is in no memory region"},
    {FE_TX,
     1,
     0,
     {{TABLE, 32, I, 0}},
     {{0, 12, N, 1}, {TABLE, 32, I, 0}},
     .why = "transmit queue: chain at descriptor 0 has an indirect table within an indirect table"},
    {FE_TX,
     1,
     0,
     {{TABLE, 32, I, 0}},
     {{0, 12, N, 2}, {0, 12, 0, 0}},
     .why = "transmit queue: chain at descriptor 0 has next descriptor 2 in an indirect table of 2 "
            "descriptors"},
    {FE_TX,
     1,
     0,
     {{TABLE, 32, I, 0}},
     {{0, 12, N, 1}, {0, 12, N, 0}},
     .why = "transmit queue: chain at descriptor 0 has a loop in an indirect table of 2 "
            "descriptors"},
    {FE_RX,
     1,
     0,
     {{0, 2000, 0, 0}},
     .why = "receive queue: chain at descriptor 0 has device-readable descriptors"},
    {FE_RX,
     1,
     0,
     {{0, 11, W, 0}},
     .why = "receive queue: chain at descriptor 0 has 11 bytes, less than a header of 12"},
    {FE_RX,
     300,
     0,
     {{0, 2000, W, 0}},
     .why = "receive queue: available index went from 0 to 300 in "
            "a ring of 256 descriptors"},
    {FE_RX,
     1,
     300,
     {{0, 2000, W, 0}},
     .why = "receive queue: available entry 0 holds descriptor 300 of 256"},
};

static void place(struct ttb__ring_desc *to, const struct ttb__ring_desc *from, uint64_t area)
{
    for (unsigned i = 0; i < 3; i++) {
        to[i] = from[i];
        to[i].addr = to[i].addr & ABSOLUTE ? to[i].addr & ~ABSOLUTE : to[i].addr + area;
    }
}

static void every_malformed_ring_ends_it_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ring_cases) / sizeof(ring_cases[0]); i++) {
        const struct ring_case *one = &ring_cases[i];
        struct fe_queue *queue;
        uint64_t area;
        struct front_end fe;

        fe_init(&fe);
        fe.features &= ~one->features_off;
        fe_connect(&fe);
        queue = &fe.queues[one->queue];
        area = fe_guest_addr(&fe, 1u << 20);
        memset(fe_at(&fe, area), 0, 4096);
        place(queue->desc, one->descs, area);
        place(fe_at(&fe, area + TABLE), one->table, area);
        queue->avail[2] = one->head;
        queue->avail[1] = one->avail_idx;
        if (one->queue == FE_TX)
            fe_kick_async(&fe, FE_TX);
        else
            assert_int_equal(ttb__netdev_receive_copy(fe.netdev, "12345678901234", 14),
                             -ECONNRESET);
        assert_int_equal(fe.sent_count, 0);
        fe_expect_closed(&fe, -EINVAL, one->why);
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, "12345678901234", 14), -ENETDOWN);
        fe_close(&fe);
    }
}

/* Ring addresses are checked when the queue starts. */
static void every_misplaced_ring_ends_it_with_a_sentence(void **state)
{
    static const struct {
        uint64_t desc, avail, used;
        const char *why;
    } cases[] = {
        {0x1000, 0x10000, 0x20000, NULL}, /* fine */
        {0x1008, 0x10000, 0x20000,
         "queue 0: descriptor table at user address 0x550040001008 is not aligned to 16"},
        {0x1000, 0x10001, 0x20000,
         "queue 0: available ring at user address 0x550040010001 is not aligned to 2"},
        {0x1000, 0x10000, 0x20002,
         "queue 0: used ring at user address 0x550040020002 is not aligned to 4"},
        {0x1000000, 0x10000, 0x20000,
         "queue 0: descriptor table at user address 0x550041000000 is in no memory region"},
        {0xfff010, 0x10000, 0x20000,
         "queue 0: descriptor table at user address 0x550040fff010 needs 4096 bytes, but its "
         "memory "
         "region ends after 4080"},
        {0x1000, 0xfffe00, 0x20000,
         "queue 0: available ring at user address 0x550040fffe00 needs 518 bytes, but its memory "
         "region ends after 512"},
        {0x1000, 0x10000, 0xfff7fc,
         "queue 0: used ring at user address 0x550040fff7fc needs 2054 bytes, but its memory "
         "region "
         "ends after 2052"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ttb__vhost_vring_state enable = {.index = 0, .num = 1};
        struct ttb__vhost_vring_addr addr = {.index = 0};
        struct front_end fe;

        fe_init(&fe);
        fe_open(&fe);
        fe_negotiate(&fe);
        fe_send_mem_table(&fe);
        fe_vring_state(&fe, TTB__VHOST_SET_VRING_NUM, 0, 256);
        addr.desc = fe.regions[0].user_addr + cases[i].desc;
        addr.avail = fe.regions[0].user_addr + cases[i].avail;
        addr.used = fe.regions[0].user_addr + cases[i].used;
        fe_request(&fe, TTB__VHOST_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
        fe_send(&fe, TTB__VHOST_SET_VRING_ENABLE, 0, &enable, sizeof(enable), NULL, 0);
        if (cases[i].why)
            fe_expect_closed(&fe, -EINVAL, cases[i].why);
        else
            fe_turn(&fe);
        assert_int_equal(fe.closed, cases[i].why != NULL);
        fe_close(&fe);
    }
}

static void a_queue_without_addresses_ends_it(void **state)
{
    struct ttb__vhost_vring_state enable = {.index = 1, .num = 1};
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_open(&fe);
    fe_negotiate(&fe);
    fe_vring_state(&fe, TTB__VHOST_SET_VRING_NUM, 1, 256);
    fe_send(&fe, TTB__VHOST_SET_VRING_ENABLE, 0, &enable, sizeof(enable), NULL, 0);
    fe_expect_closed(&fe, -EPROTO, "queue 1: started before SET_VRING_ADDR");
    fe_close(&fe);
}

static void an_end_within_a_message_is_an_error(void **state)
{
    struct ttb__vhost_header header = {TTB__VHOST_SET_FEATURES, V, 8};
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_open(&fe);
    fe_send_raw(&fe, &header, sizeof(header), NULL, 0);
    shutdown(fe.socket, SHUT_WR);
    fe_expect_closed(&fe, -EPROTO, "the front end ended within a message (12 bytes)");
    fe_close(&fe);
}

/* Descriptors that come in excess or in pieces must not pile up. */
static void descriptors_of_refused_messages_are_closed(void **state)
{
    int fds[8];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_connect(&fe);
    for (unsigned i = 0; i < 8; i++)
        fds[i] = fe.memory_fd;
    for (unsigned i = 0; i < 500; i++) {
        int before = fe_count_fds();

        assert_int_equal(fe_request_status(&fe, TTB__VHOST_SET_LOG_FD, NULL, 0, fds, 1), 1);
        assert_int_equal(fe_request_status(&fe, 4711, NULL, 0, fds, 8), 1);
        assert_int_equal(fe_count_fds(), before);
    }
    fe_close(&fe);
}

static void descriptors_spread_over_a_message_are_kept_together_up_to_a_limit(void **state)
{
    struct ttb__vhost_header header = {TTB__VHOST_SET_MEM_TABLE, V, 264};
    struct ttb__vhost_mem_table table = {.count = 8};
    int fds[8];
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe_open(&fe);
    fe_negotiate(&fe);
    for (unsigned i = 0; i < 8; i++) {
        fds[i] = fe.memory_fd;
        table.regions[i] = (struct ttb__vhost_region)REGION(i * 4096, 4096, i * 4096, i * 4096);
    }
    fe_send_raw(&fe, &header, sizeof(header), fds, 5);
    fe_turn(&fe);
    fe_send_raw(&fe, &table, 100, fds, 3);
    fe_turn(&fe);
    fe_send_raw(&fe, (char *)&table + 100, 164, fds, 8); /* more than there can be: closed */
    fe_turn(&fe);
    assert_int_equal(fe.closed, 0);
    fe_close(&fe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_malformed_message_ends_it_with_a_sentence),
        cmocka_unit_test(every_malformed_ring_ends_it_with_a_sentence),
        cmocka_unit_test(every_misplaced_ring_ends_it_with_a_sentence),
        cmocka_unit_test(a_queue_without_addresses_ends_it),
        cmocka_unit_test(an_end_within_a_message_is_an_error),
        cmocka_unit_test(descriptors_of_refused_messages_are_closed),
        cmocka_unit_test(descriptors_spread_over_a_message_are_kept_together_up_to_a_limit),
    };

    return cmocka_run_group_tests_name("vhost malformed input", tests, NULL, NULL);
}
