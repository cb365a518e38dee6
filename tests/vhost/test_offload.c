/* SPDX-License-Identifier: BSD-3-Clause */
/* What a card would put on the wire of a frame that is left to it, and segments merged for a driver. */
#include <stdlib.h>
#include <string.h>

#include "front_end.h"
#include "vhost/merge.h"
#include "vhost/segment.h"

#define ALL                                                                            \
    (TTB__BIT(TTB__VIRTIO_NET_F_CSUM) | TTB__BIT(TTB__VIRTIO_NET_F_GUEST_CSUM) |       \
     TTB__BIT(TTB__VIRTIO_NET_F_GUEST_TSO4) | TTB__BIT(TTB__VIRTIO_NET_F_GUEST_TSO6) | \
     TTB__BIT(TTB__VIRTIO_NET_F_HOST_TSO4) | TTB__BIT(TTB__VIRTIO_NET_F_HOST_TSO6) |   \
     TTB__BIT(TTB__VIRTIO_NET_F_HOST_ECN))
#define MAX_BYTES   1514u
#define FRAME_BYTES (64u << 10)
#define SEQ         0xfffffc00u /* wraps on the way */
#define ID          0xfffeu

/* A packet as Linux hands it over: the checksum's field has the sum of the pseudo-header. */
struct super {
    struct ttb__net_header header;
    size_t len_bytes, l3, l4, payload;
    bool ipv6;
    uint8_t frame[FRAME_BYTES];
};

/* Slow and obvious: RFC 1071 word by word. */
static uint16_t sum_of(const uint8_t *data, size_t len_bytes, uint32_t sum)
{
    for (size_t i = 0; i < len_bytes; i++)
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint16_t pseudo_sum(const uint8_t *frame, size_t l3, bool ipv6, uint8_t protocol,
                           size_t len_bytes)
{
    uint32_t sum = protocol + (uint32_t)len_bytes;

    return ipv6 ? sum_of(frame + l3 + 8, 32, sum) : sum_of(frame + l3 + 12, 8, sum);
}

static void make(struct super *super, bool ipv6, bool vlan, size_t data_bytes, unsigned flags,
                 uint16_t gso_size)
{
    static const uint8_t options[12] = {1, 1, 8, 10, 0, 0, 1, 2, 3, 4, 5, 6};
    uint8_t *frame = super->frame, *ip, *tcp;

    memset(super, 0, sizeof(*super));
    super->ipv6 = ipv6;
    super->l3 = vlan ? 18 : 14;
    super->l4 = super->l3 + (ipv6 ? 40 : 20);
    super->payload = super->l4 + 32;
    super->len_bytes = super->payload + data_bytes;
    assert_true(super->len_bytes <= sizeof(super->frame));
    memcpy(frame, "\x02\x74\x74\x00\x00\x01\x02\x74\x74\x00\x00\x02", 12);
    if (vlan)
        memcpy(frame + 12, "\x81\x00\x00\x2a", 4);
    ttb__put16(frame + super->l3 - 2, ipv6 ? 0x86dd : 0x0800);
    ip = frame + super->l3;
    tcp = frame + super->l4;
    if (ipv6) {
        ttb__put32(ip, 0x60012345);
        ttb__put16(ip + 4, (uint16_t)(super->len_bytes - super->l4));
        ip[6] = 6;
        ip[7] = 64;
        for (int i = 8; i < 40; i++)
            ip[i] = (uint8_t)(i * 37);
    } else {
        ttb__put16(ip, 0x4502);
        ttb__put16(ip + 2, (uint16_t)(super->len_bytes - super->l3));
        ttb__put16(ip + 4, ID);
        ttb__put16(ip + 6, 0x4000);
        ip[8] = 64;
        ip[9] = 6;
        memcpy(ip + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
        ttb__put16(ip + 10, (uint16_t)~sum_of(ip, 20, 0));
    }
    ttb__put16(tcp, 40000);
    ttb__put16(tcp + 2, 80);
    ttb__put32(tcp + 4, SEQ);
    ttb__put32(tcp + 8, 0x01020304);
    tcp[12] = 8 << 4;
    tcp[13] = (uint8_t)flags;
    ttb__put16(tcp + 14, 500);
    memcpy(tcp + 20, options, sizeof(options));
    for (size_t i = 0; i < data_bytes; i++)
        frame[super->payload + i] = (uint8_t)(i * 7 + (i >> 8));
    ttb__put16(tcp + 16, pseudo_sum(frame, super->l3, ipv6, 6, super->len_bytes - super->l4));
    super->header = (struct ttb__net_header){
        .flags = TTB__NET_F_NEEDS_CSUM,
        .gso_type = ipv6 ? TTB__NET_GSO_TCPV6 : TTB__NET_GSO_TCPV4,
        .hdr_len = (uint16_t)super->payload,
        .gso_size = gso_size,
        .csum_start = (uint16_t)super->l4,
        .csum_offset = 16,
    };
}

/* Everything about segment `i` that can be said without knowing how it was made. */
static void check_segment(const struct super *super, unsigned i, bool last, unsigned flags,
                          const uint8_t *frame, size_t len_bytes)
{
    const uint8_t *ip = frame + super->l3, *tcp = frame + super->l4;
    size_t from = (size_t)i * super->header.gso_size;

    assert_memory_equal(frame, super->frame, super->l3);
    if (super->ipv6) {
        assert_int_equal(ttb__get16(ip + 4), len_bytes - super->l4);
        assert_memory_equal(ip, super->frame + super->l3, 4);
        assert_memory_equal(ip + 6, super->frame + super->l3 + 6, 34);
    } else {
        assert_int_equal(ttb__get16(ip + 2), len_bytes - super->l3);
        assert_int_equal(ttb__get16(ip + 4), (uint16_t)(ID + i));
        assert_int_equal(sum_of(ip, 20, 0), 0xffff);
        assert_memory_equal(ip + 12, super->frame + super->l3 + 12, 8);
    }
    assert_int_equal(ttb__get32(tcp + 4), (uint32_t)(SEQ + from));
    if (!last)
        flags &= ~0x09u;
    if (i > 0)
        flags &= ~0x80u;
    assert_int_equal(tcp[13], flags);
    assert_memory_equal(tcp + 20, super->frame + super->l4 + 20, 12);
    assert_int_equal(sum_of(tcp, len_bytes - super->l4,
                            pseudo_sum(frame, super->l3, super->ipv6, 6, len_bytes - super->l4)),
                     0xffff);
    assert_memory_equal(frame + super->payload, super->frame + super->payload + from,
                        len_bytes - super->payload);
}

static void segments_are_what_a_card_sends(void **state)
{
    static const struct {
        size_t data_bytes;
        uint16_t gso_size;
    } sizes[] = {{65000, 1428}, {1428, 1428}, {1429, 1428}, {2856, 1428}, {0, 1428},
                 {700, 1},      {200, 64},    {1, 1428},    {60000, 31}};
    static struct super super, work;

    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
            const unsigned flags = 0x10 | 0x08 | 0x01 | 0x80;
            size_t data_bytes = sizes[s].data_bytes, done_bytes = 0, len_bytes;
            struct ttb__segmenter segmenter;
            struct ttb__error why = {""};
            unsigned count = 0, expected;
            uint8_t frame[MAX_BYTES + 4];

            make(&super, kind & 1, kind & 2, data_bytes, flags, sizes[s].gso_size);
            super.header.gso_type |= TTB__NET_GSO_ECN;
            work = super;
            expected = data_bytes ? (unsigned)((data_bytes - 1) / sizes[s].gso_size + 1) : 1;
            assert_int_equal(ttb__segment_begin(&segmenter, &work.header, ALL, work.frame,
                                                work.len_bytes, MAX_BYTES + 4, &why),
                             0);
            while ((len_bytes = ttb__segment_next_bytes(&segmenter)) > 0) {
                assert_true(len_bytes <= MAX_BYTES + 4);
                ttb__segment_next(&segmenter, frame);
                check_segment(&super, count, count + 1 == expected, flags, frame, len_bytes);
                done_bytes += len_bytes - super.payload;
                count++;
            }
            assert_int_equal(count, expected);
            assert_int_equal(done_bytes, data_bytes);
        }
    }
}

static void a_checksum_is_filled_in_for_udp(void **state)
{
    static struct super super;
    struct ttb__segmenter segmenter;
    struct ttb__error why;
    size_t len_bytes = 14 + 20 + 8 + 3;
    uint8_t frame[MAX_BYTES], *udp = super.frame + 34, *out_udp = frame + 34;

    (void)state;
    make(&super, false, false, 100, 0x10, 0);
    super.frame[23] = 17;
    memset(udp, 0, 8 + 3);
    ttb__put16(udp, 1000);
    ttb__put16(udp + 4, 11);
    memcpy(udp + 8, "abc", 3);
    ttb__put16(udp + 6, pseudo_sum(super.frame, 14, false, 17, 11));
    super.header = (struct ttb__net_header){
        .flags = TTB__NET_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    assert_int_equal(
        ttb__segment_begin(&segmenter, &super.header, ALL, super.frame, len_bytes, MAX_BYTES, &why),
        0);
    assert_int_equal(ttb__segment_next_bytes(&segmenter), len_bytes);
    ttb__segment_next(&segmenter, frame);
    assert_int_equal(sum_of(out_udp, 11, pseudo_sum(frame, 14, false, 17, 11)), 0xffff);
    assert_int_equal(ttb__segment_next_bytes(&segmenter), 0);
    /* Data that makes the sum 0: it is sent as 0xffff, for 0 means that there is none. */
    ttb__put16(udp + 6, 0);
    ttb__put16(udp + 8, 0);
    udp[10] = 0;
    ttb__put16(udp + 6, (uint16_t)~sum_of(udp, 11, 0));
    assert_int_equal(
        ttb__segment_begin(&segmenter, &super.header, ALL, super.frame, len_bytes, MAX_BYTES, &why),
        0);
    ttb__segment_next(&segmenter, frame);
    assert_int_equal(ttb__get16(out_udp + 6), 0xffff);
}

/* ------------------------------------------------------------------------------- hostile guests */

struct refusal {
    const char *why;
    void (*spoil)(struct super *super);
    uint64_t without; /* feature bits that were not negotiated */
};

#define SPOIL(name, statement)            \
    static void name(struct super *super) \
    {                                     \
        statement;                        \
    }
SPOIL(nothing, (void)super)
SPOIL(no_checksum, super->header.flags = 0)
SPOIL(udp_type, super->header.gso_type = 3)
SPOIL(other_type, super->header.gso_type = TTB__NET_GSO_TCPV6)
SPOIL(ecn_type, super->header.gso_type |= TTB__NET_GSO_ECN)
SPOIL(size_0, super->header.gso_size = 0)
SPOIL(size_1, super->header.gso_size = 1)
SPOIL(size_large, super->header.gso_size = 1449)
SPOIL(hdr_len_large, super->header.hdr_len = 65535)
SPOIL(start_0, super->header.csum_start = 0)
SPOIL(start_large, super->header.csum_start = 65535)
SPOIL(start_wrong, super->header.csum_start = 35)
SPOIL(offset_large, super->header.csum_offset = 65535)
SPOIL(offset_wrong, super->header.csum_offset = 6)
SPOIL(arp, ttb__put16(super->frame + 12, 0x0806))
SPOIL(version_6, super->frame[14] = 0x65)
SPOIL(ihl_4, super->frame[14] = 0x44)
SPOIL(ihl_15, super->len_bytes = 60; super->header.hdr_len = 0; super->frame[14] = 0x4f)
SPOIL(total_large, ttb__put16(super->frame + 16, 65535))
SPOIL(total_small, ttb__put16(super->frame + 16, 1000))
SPOIL(fragment, ttb__put16(super->frame + 20, 0x2000))
SPOIL(protocol_17, super->frame[23] = 17)
SPOIL(doff_4, super->frame[46] = 4 << 4)
SPOIL(syn, super->frame[47] = 0x12)
SPOIL(reset, super->frame[47] = 0x14)
SPOIL(cut_short, super->len_bytes = 40; super->header.hdr_len = 0)
SPOIL(cut_tcp, super->len_bytes = 50; super->header.hdr_len = 0; ttb__put16(super->frame + 16, 36);
      super->header.csum_offset = 0)
SPOIL(double_tag, ttb__put16(super->frame + 12, 0x8100); super->len_bytes = 16;
      super->header.csum_start = 14; super->header.csum_offset = 0)

static const struct refusal refusals[] = {
    {NULL, nothing, 0},
    {"flags 0x1 asks for a checksum, an offload that was not negotiated", nothing,
     TTB__BIT(TTB__VIRTIO_NET_F_CSUM)},
    {"gso_type 0x1 is an offload that was not negotiated", nothing,
     TTB__BIT(TTB__VIRTIO_NET_F_HOST_TSO4)},
    {"gso_type 0x81 is an offload that was not negotiated", ecn_type,
     TTB__BIT(TTB__VIRTIO_NET_F_HOST_ECN)},
    {"gso_type 0x3 is an offload that was not negotiated", udp_type, 0},
    {"gso_type 0x1 without NEEDS_CSUM (flags 0x0)", no_checksum, 0},
    {"gso_type 0x4, but the packet is IPv4", other_type, 0},
    {"gso_size 0 with gso_type 0x1", size_0, 0},
    {"gso_size 1 cuts 65000 bytes into more than 2048 segments", size_1, 0},
    {"gso_size 1449 and headers of 66 bytes make frames longer than 1514", size_large, 0},
    {"hdr_len 65535 exceeds the frame's 65066 bytes", hdr_len_large, 0},
    {"csum_start 0 lies outside of the frame of 65066 bytes", start_0, 0},
    {"csum_start 65535 lies outside of the frame of 65066 bytes", start_large, 0},
    {"csum_start 35 and csum_offset 16, but TCP has them at 34 and 16", start_wrong, 0},
    {"csum_offset 65535 behind csum_start 34 lies outside of the frame of 65066 bytes",
     offset_large, 0},
    {"csum_start 34 and csum_offset 6, but TCP has them at 34 and 16", offset_wrong, 0},
    {"gso_type 0x1, but the Ethernet type is 0x0806, neither IPv4 nor IPv6", arp, 0},
    {"gso_type 0x1, but IPv4's version is 6", version_6, 0},
    {"gso_type 0x1, but IPv4's header length is 16 of 65052 bytes", ihl_4, 0},
    {"gso_type 0x1, but IPv4's header length is 60 of 46 bytes", ihl_15, 0},
    {"gso_type 0x1, but IPv4's total length is 65535 of 65052 bytes", total_large, 0},
    {"the IP packet has 1000 bytes, but 65052 follow the headers", total_small, 0},
    {"gso_type 0x1, but IPv4's fragment field is 0x2000: a fragment", fragment, 0},
    {"gso_type 0x1, but IPv4's protocol is 17, not TCP", protocol_17, 0},
    {"gso_type 0x1, but TCP's header length is 16 of 65032 bytes", doff_4, 0},
    {"TCP's flags are 0x12: SYN and RST cannot be segmented", syn, 0},
    {"TCP's flags are 0x14: SYN and RST cannot be segmented", reset, 0},
    {"csum_offset 16 behind csum_start 34 lies outside of the frame of 40 bytes", cut_short, 0},
    {"gso_type 0x1, but 16 bytes are left for the TCP header", cut_tcp, 0},
    {"gso_type 0x1, but a frame of 16 bytes ends within its VLAN tag", double_tag, 0},
};

static void what_makes_no_sense_is_refused_with_field_and_value(void **state)
{
    static struct super super;

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct ttb__segmenter segmenter;
        struct ttb__error why = {""};
        int rc;

        make(&super, false, false, 65000, 0x18, 1448);
        refusals[i].spoil(&super);
        rc = ttb__segment_begin(&segmenter, &super.header, ALL & ~refusals[i].without, super.frame,
                                super.len_bytes, MAX_BYTES, &why);
        assert_string_equal(why.text, refusals[i].why ? refusals[i].why : "");
        assert_int_equal(rc, refusals[i].why ? -22 : 0);
    }
}

/* ------------------------------------------------------------------------------------- merging */

static struct {
    size_t len_bytes;
    uint8_t data[MAX_BYTES + 4];
} pieces[64];

static unsigned cut(struct super *super)
{
    struct ttb__segmenter segmenter;
    struct ttb__error why;
    unsigned count = 0;
    size_t len_bytes;

    assert_int_equal(ttb__segment_begin(&segmenter, &super->header, ALL, super->frame,
                                        super->len_bytes, MAX_BYTES + 4, &why),
                     0);
    while ((len_bytes = ttb__segment_next_bytes(&segmenter)) > 0) {
        assert_in_range(count, 0, 63);
        pieces[count].len_bytes = len_bytes;
        ttb__segment_next(&segmenter, pieces[count++].data);
    }
    return count;
}

/* How many of the pieces join into one. */
static unsigned joined(unsigned count, uint64_t features, struct super *out)
{
    struct ttb__merger merger;
    unsigned i = 1, part_count;
    const struct iovec *parts;
    size_t done_bytes = 0;

    ttb__merge_begin(&merger, features, pieces[0].data, pieces[0].len_bytes, false);
    while (i < count && ttb__merge_add(&merger, pieces[i].data, pieces[i].len_bytes, false))
        i++;
    memset(out, 0, sizeof(*out));
    parts = ttb__merge_finish(&merger, &out->header, &part_count, &out->len_bytes);
    for (unsigned k = 0; k < part_count; k++) {
        assert_true(done_bytes + parts[k].iov_len <= sizeof(out->frame));
        memcpy(out->frame + done_bytes, parts[k].iov_base, parts[k].iov_len);
        done_bytes += parts[k].iov_len;
    }
    assert_int_equal(done_bytes, out->len_bytes);
    return i;
}

static void what_was_cut_is_merged_again(void **state)
{
    static struct super super, whole, out;

    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        unsigned count;

        make(&super, kind & 1, kind & 2, 59900, 0x18, 1428);
        whole = super;
        count = cut(&super);
        assert_int_equal(count, 42);
        assert_int_equal(joined(count, ALL, &out), 42);
        assert_int_equal(out.len_bytes, whole.len_bytes);
        assert_memory_equal(out.frame, whole.frame, whole.len_bytes);
        assert_memory_equal(&out.header, &whole.header, sizeof(out.header));
        /* A driver that has not asked for it gets them one by one. */
        assert_int_equal(joined(count, 0, &out), 1);
        assert_int_equal(out.header.gso_type, TTB__NET_GSO_NONE);
        assert_int_equal(out.header.flags, 0);
        assert_memory_equal(out.frame, pieces[0].data, pieces[0].len_bytes);
    }
}

/* Something about piece 5 that Linux's own merging would not pass over (offsets of IPv4 without tag). */
static void set_checksums(unsigned i)
{
    uint8_t *frame = pieces[i].data;
    size_t tcp_bytes = pieces[i].len_bytes - 34;

    ttb__put16(frame + 24, 0);
    ttb__put16(frame + 24, (uint16_t)~sum_of(frame + 14, 20, 0));
    ttb__put16(frame + 50, 0);
    ttb__put16(frame + 50, (uint16_t)~sum_of(frame + 34, tcp_bytes,
                                             pseudo_sum(frame, 14, false, 6, tcp_bytes)));
}

static void what_differs_is_not_merged(void **state)
{
    static const struct {
        size_t offset;
        unsigned expected;
    } changes[] = {{0, 5},     /* another destination */
                   {15, 5},    /* ECN mark */
                   {19, 5},    /* identification */
                   {20, 5},    /* fragments allowed */
                   {22, 5},    /* TTL */
                   {29, 5},    /* source */
                   {35, 5},    /* port */
                   {41, 5},    /* sequence number */
                   {45, 5},    /* acknowledgement */
                   {49, 5},    /* window */
                   {58, 5},    /* time stamp */
                   {100, 42}}; /* data: nothing that merging looks at */
    static struct super super, out;

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        make(&super, false, false, 59900, 0x18, 1428);
        cut(&super);
        pieces[5].data[changes[i].offset] ^= 1;
        set_checksums(5);
        assert_int_equal(joined(42, ALL, &out), changes[i].expected);
    }
    /* Flags: PSH ends, CWR, URG, SYN and RST never join. */
    for (unsigned bit = 0; bit < 8; bit++) {
        static const unsigned expected[8] = {6, 5, 5, 6, 5, 5, 5, 5};

        make(&super, false, false, 59900, 0x18, 1428);
        cut(&super);
        pieces[5].data[47] ^= (uint8_t)(1u << bit);
        set_checksums(5);
        assert_int_equal(joined(42, ALL, &out), expected[bit]);
    }
    /* Damaged on the way: for the driver to find. */
    for (unsigned i = 0; i < 2; i++) {
        make(&super, false, false, 59900, 0x18, 1428);
        cut(&super);
        pieces[5 * i].data[1000] ^= 1;
        assert_int_equal(joined(42, ALL, &out), i ? 5 : 1);
        assert_memory_equal(out.frame, pieces[0].data, i ? 16 : pieces[0].len_bytes);
    }
}

/* ---------------------------------------------------------------------------------- the device */

static void open_device(struct front_end *fe, uint64_t features)
{
    fe_init(fe);
    fe->opts.offload = true;
    fe->opts.backlog_frames = 100;
    fe->features |= features;
    fe_connect(fe);
    assert_int_equal(fe->offered & ALL, ALL);
}

static void a_driver_hands_over_one_frame_and_segments_are_sent(void **state)
{
    static struct super super;
    struct front_end fe;

    (void)state;
    open_device(&fe, ALL);
    make(&super, false, false, 59900, 0x18, 1428);
    fe.tx_header = super.header;
    for (unsigned layout = 0; layout < FE_LAYOUTS; layout++) {
        fe_queue_frame(&fe, super.frame, super.len_bytes, layout, true);
        fe_kick(&fe, FE_TX);
        assert_int_equal(fe.sent_count, 42);
        assert_int_equal(fe.last_sent, 42);
        for (unsigned i = 0; i < 42; i++)
            check_segment(&super, i, i == 41, 0x18, fe.sent[i].data, fe.sent[i].len_bytes);
        assert_int_equal(fe_reap_transmitted(&fe), 1);
        fe_forget_sent(&fe);
        if (layout + 1 == FE_BYTES) /* more buffers than a table has descriptors */
            layout++;
    }
    /* What cannot be cut up is dropped, and the next is sent. */
    fe.tx_header.gso_size = 0;
    fe_queue_frame(&fe, super.frame, super.len_bytes, FE_TOGETHER, false);
    fe.tx_header = super.header;
    fe_queue_frame(&fe, super.frame, super.len_bytes, FE_TOGETHER, false);
    fe_kick(&fe, FE_TX);
    assert_string_equal(fe.dropped_why, "the virtio header: gso_size 0 with gso_type 0x1");
    assert_int_equal(fe.tx_dropped, 1);
    assert_int_equal(fe.sent_count, 42);
    assert_int_equal(fe_reap_transmitted(&fe), 2);
    fe_close(&fe);
}

static void receive_pieces(struct front_end *fe, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct ttb_frame *frame = ttb_frame_new(pieces[i].data, pieces[i].len_bytes);

        assert_int_equal(ttb__netdev_receive(fe->netdev, frame), 0);
        ttb_frame_release(frame);
    }
}

static void segments_that_come_together_are_one_for_the_driver(void **state)
{
    static struct super super, whole;
    struct fe_frame frame;
    struct front_end fe;
    unsigned buffers;

    (void)state;
    open_device(&fe, ALL);
    make(&super, false, false, 59900, 0x18, 1428);
    whole = super;
    cut(&super);
    for (unsigned i = 0; i < 40; i++)
        fe_post(&fe, 4096, FE_TOGETHER, false);
    receive_pieces(&fe, 0, 42);
    assert_false(fe_take_frame(&fe, &frame, NULL));
    assert_true(ttb__netdev_has_calls(fe.netdev));
    assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
    fe_answer_calls(&fe);
    assert_true(fe_take_frame(&fe, &frame, &buffers));
    assert_int_equal(buffers, 15);
    assert_int_equal(frame.len_bytes, whole.len_bytes);
    assert_memory_equal(frame.data, whole.frame, whole.len_bytes);
    whole.header.num_buffers = 15;
    assert_memory_equal(&fe.rx_header, &whole.header, sizeof(whole.header));
    free(frame.data);
    assert_false(fe_take_frame(&fe, &frame, NULL));
    assert_false(ttb__netdev_has_calls(fe.netdev));
    fe_close(&fe);
}

static void segments_too_many_for_the_buffers_come_one_by_one(void **state)
{
    static struct super super;
    struct fe_frame frame;
    struct front_end fe;

    (void)state;
    fe_init(&fe);
    fe.opts.offload = true;
    fe.opts.backlog_frames = 100;
    fe.features |= ALL;
    fe.num = 8; /* 8 x 2048 bytes: too few for the whole, in whatever time */
    fe_connect(&fe);
    make(&super, false, false, 59900, 0x18, 1428);
    cut(&super);
    for (unsigned i = 0; i < 8; i++)
        fe_post(&fe, 2048, FE_TOGETHER, false);
    receive_pieces(&fe, 0, 42);
    for (unsigned i = 0; i < 42; i++) {
        fe_turn(&fe);
        ttb__netdev_flush_calls(fe.netdev);
        fe_answer_calls(&fe);
        assert_true(fe_take_frame(&fe, &frame, NULL));
        if (frame.len_bytes == pieces[i].len_bytes)
            assert_memory_equal(frame.data, pieces[i].data, frame.len_bytes);
        else
            i += (unsigned)(frame.len_bytes - 67) / 1428; /* the last ones fit together */
        free(frame.data);
        fe_post(&fe, 2048, FE_TOGETHER, false);
        if (fe_needs_kick(&fe, FE_RX))
            fe_kick(&fe, FE_RX);
    }
    fe_close(&fe);
}

static void held_frames_wait_for_their_release(void **state)
{
    static struct super super;
    struct fe_frame frame;
    struct front_end fe;

    (void)state;
    for (unsigned offload = 0; offload < 2; offload++) {
        fe_init(&fe);
        fe.opts.offload = offload;
        fe.opts.hold = true;
        fe.opts.backlog_frames = 4;
        fe.features |= offload ? ALL : 0;
        fe_connect(&fe);
        make(&super, false, false, 59900, 0x18, 1428);
        cut(&super);
        for (unsigned i = 0; i < 20; i++)
            fe_post(&fe, 4096, FE_TOGETHER, false);
        receive_pieces(&fe, 0, 4);
        assert_int_equal(ttb__netdev_held(fe.netdev), 4);
        assert_int_equal(ttb__netdev_receive_copy(fe.netdev, pieces[4].data, pieces[4].len_bytes),
                         -105);
        /* Neither a kick nor a flush for another reason gives them away. */
        fe_kick(&fe, FE_RX);
        assert_false(ttb__netdev_has_calls(fe.netdev));
        assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 0);
        assert_false(fe_take_frame(&fe, &frame, NULL));
        ttb__netdev_release(fe.netdev);
        assert_int_equal(ttb__netdev_held(fe.netdev), 0);
        assert_true(ttb__netdev_has_calls(fe.netdev));
        /* One that comes now is held again: there is room for it as the others go. */
        receive_pieces(&fe, 4, 5);
        assert_int_equal(ttb__netdev_held(fe.netdev), 1);
        assert_int_equal(ttb__netdev_flush_calls(fe.netdev), 1);
        fe_answer_calls(&fe);
        for (unsigned i = 0; i < (offload ? 1 : 4); i++) {
            assert_true(fe_take_frame(&fe, &frame, NULL));
            assert_int_equal(frame.len_bytes, offload ? 66 + 4 * 1428 : 66 + 1428);
            free(frame.data);
        }
        assert_false(fe_take_frame(&fe, &frame, NULL));
        assert_int_equal(ttb__netdev_held(fe.netdev), 1);
        fe_close(&fe);
    }
}

static void after_a_frame_no_kick_is_asked_for_until_a_look_finds_none(void **state)
{
    uint8_t frame[100];
    struct front_end fe;

    (void)state;
    for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
        fe_init(&fe);
        fe.opts.hold = true;
        if (!event_idx)
            fe.features &= ~TTB__BIT(TTB__VIRTIO_F_RING_EVENT_IDX);
        fe_connect(&fe);
        fe_make_frame(frame, sizeof(frame), 1);
        assert_false(ttb__netdev_is_quiet(fe.netdev));
        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        assert_true(fe_needs_kick(&fe, FE_TX));
        fe_kick(&fe, FE_TX);
        assert_int_equal(fe.sent_count, 1);
        assert_true(ttb__netdev_is_quiet(fe.netdev));
        for (unsigned i = 0; i < 3; i++) {
            fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
            assert_false(fe_needs_kick(&fe, FE_TX));
        }
        assert_int_equal(fe.sent_count, 1);
        assert_int_equal(ttb__netdev_poll(fe.netdev), 3);
        assert_int_equal(fe.sent_count, 4);
        assert_true(ttb__netdev_is_quiet(fe.netdev));
        assert_int_equal(ttb__netdev_poll(fe.netdev), 0);
        assert_false(ttb__netdev_is_quiet(fe.netdev));
        fe_queue_frame(&fe, frame, sizeof(frame), FE_TOGETHER, false);
        assert_true(fe_needs_kick(&fe, FE_TX));
        fe_kick(&fe, FE_TX);
        assert_int_equal(fe.sent_count, 5);
        /* Nobody looks where there is no driver any more. */
        fe_stop(&fe);
        assert_false(ttb__netdev_is_quiet(fe.netdev));
        assert_int_equal(ttb__netdev_poll(fe.netdev), 0);
        fe_close(&fe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_what_a_card_sends),
        cmocka_unit_test(a_checksum_is_filled_in_for_udp),
        cmocka_unit_test(what_makes_no_sense_is_refused_with_field_and_value),
        cmocka_unit_test(what_was_cut_is_merged_again),
        cmocka_unit_test(what_differs_is_not_merged),
        cmocka_unit_test(a_driver_hands_over_one_frame_and_segments_are_sent),
        cmocka_unit_test(segments_that_come_together_are_one_for_the_driver),
        cmocka_unit_test(segments_too_many_for_the_buffers_come_one_by_one),
        cmocka_unit_test(held_frames_wait_for_their_release),
        cmocka_unit_test(after_a_frame_no_kick_is_asked_for_until_a_look_finds_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
