/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file wire.h
 * Messages of the vhost-user protocol and the split ring of virtio, as they lie in sockets and in
 * the front end's memory. Numbers: QEMU docs/interop/vhost-user; virtio 1.2, 2.7 and 5.1.
 *
 * Everything is little-endian; so are the hosts that ttbridge runs on (bridge/vhost refuses to build
 * elsewhere), and so fields are used as they are.
 */
#ifndef TTB_VHOST_WIRE_H
#define TTB_VHOST_WIRE_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "virtio rings are little-endian, and nothing here swaps bytes"
#endif

/* Regions of a memory table: what VHOST_USER_SET_MEM_TABLE can carry in one message. */
#define TTB__VHOST_REGIONS_MAX 8
/* Bytes of configuration space that one message can carry. */
#define TTB__VHOST_CONFIG_MAX 256
/* Largest payload that is accepted; the largest meaningful one is a SET_CONFIG with 268 bytes. */
#define TTB__VHOST_PAYLOAD_MAX 512

/* Message flags. */
#define TTB__VHOST_VERSION_MASK 0x3u
#define TTB__VHOST_VERSION      0x1u
#define TTB__VHOST_REPLY        0x4u
#define TTB__VHOST_NEED_REPLY   0x8u

/* u64 payload of SET_VRING_KICK, CALL and ERR. */
#define TTB__VHOST_INDEX_MASK 0xffu
#define TTB__VHOST_NO_FD      0x100u

/* flags of SET_VRING_ADDR */
#define TTB__VHOST_ADDR_LOG 0x1u

enum ttb__vhost_request {
    TTB__VHOST_GET_FEATURES = 1,
    TTB__VHOST_SET_FEATURES = 2,
    TTB__VHOST_SET_OWNER = 3,
    TTB__VHOST_RESET_OWNER = 4,
    TTB__VHOST_SET_MEM_TABLE = 5,
    TTB__VHOST_SET_LOG_BASE = 6,
    TTB__VHOST_SET_LOG_FD = 7,
    TTB__VHOST_SET_VRING_NUM = 8,
    TTB__VHOST_SET_VRING_ADDR = 9,
    TTB__VHOST_SET_VRING_BASE = 10,
    TTB__VHOST_GET_VRING_BASE = 11,
    TTB__VHOST_SET_VRING_KICK = 12,
    TTB__VHOST_SET_VRING_CALL = 13,
    TTB__VHOST_SET_VRING_ERR = 14,
    TTB__VHOST_GET_PROTOCOL_FEATURES = 15,
    TTB__VHOST_SET_PROTOCOL_FEATURES = 16,
    TTB__VHOST_GET_QUEUE_NUM = 17,
    TTB__VHOST_SET_VRING_ENABLE = 18,
    TTB__VHOST_SEND_RARP = 19,
    TTB__VHOST_NET_SET_MTU = 20,
    TTB__VHOST_SET_BACKEND_REQ_FD = 21,
    TTB__VHOST_GET_CONFIG = 24,
    TTB__VHOST_SET_CONFIG = 25,
    TTB__VHOST_RESET_DEVICE = 34,
    TTB__VHOST_VRING_KICK = 35,
    TTB__VHOST_GET_MAX_MEM_SLOTS = 36,
    TTB__VHOST_ADD_MEM_REG = 37,
    TTB__VHOST_REM_MEM_REG = 38,
};

/* On the backend channel, from us to the front end. */
enum ttb__vhost_backend_request {
    TTB__VHOST_BACKEND_CONFIG_CHANGE = 2,
    TTB__VHOST_BACKEND_VRING_CALL = 4,
};

/* Bits of GET_PROTOCOL_FEATURES. */
enum ttb__vhost_protocol_bit {
    TTB__VHOST_P_RARP = 2,
    TTB__VHOST_P_REPLY_ACK = 3,
    TTB__VHOST_P_NET_MTU = 4,
    TTB__VHOST_P_BACKEND_REQ = 5,
    TTB__VHOST_P_CONFIG = 9,
    TTB__VHOST_P_RESET_DEVICE = 13,
    TTB__VHOST_P_INBAND_NOTIFICATIONS = 14,
    TTB__VHOST_P_CONFIGURE_MEM_SLOTS = 15,
};

/* Bits of GET_FEATURES: virtio's and, in a gap, vhost-user's own. */
enum ttb__virtio_feature_bit {
    TTB__VIRTIO_NET_F_CSUM = 0,
    TTB__VIRTIO_NET_F_GUEST_CSUM = 1,
    TTB__VIRTIO_NET_F_MTU = 3,
    TTB__VIRTIO_NET_F_MAC = 5,
    TTB__VIRTIO_NET_F_GUEST_TSO4 = 7,
    TTB__VIRTIO_NET_F_GUEST_TSO6 = 8,
    TTB__VIRTIO_NET_F_HOST_TSO4 = 11,
    TTB__VIRTIO_NET_F_HOST_TSO6 = 12,
    TTB__VIRTIO_NET_F_HOST_ECN = 13,
    TTB__VIRTIO_NET_F_MRG_RXBUF = 15,
    TTB__VIRTIO_NET_F_STATUS = 16,
    TTB__VIRTIO_F_ANY_LAYOUT = 27,
    TTB__VIRTIO_F_RING_INDIRECT_DESC = 28,
    TTB__VIRTIO_F_RING_EVENT_IDX = 29,
    TTB__VHOST_F_PROTOCOL_FEATURES = 30,
    TTB__VIRTIO_F_VERSION_1 = 32,
};

#define TTB__BIT(n) (UINT64_C(1) << (n))

struct ttb__vhost_header {
    uint32_t request;
    uint32_t flags;
    uint32_t size_bytes; /* of the payload that follows */
} __attribute__((packed));

struct ttb__vhost_vring_state {
    uint32_t index;
    uint32_t num;
} __attribute__((packed));

struct ttb__vhost_vring_addr {
    uint32_t index;
    uint32_t flags;
    uint64_t desc, used, avail; /* the front end's own (user) addresses */
    uint64_t log;
} __attribute__((packed));

struct ttb__vhost_region {
    uint64_t guest_addr;
    uint64_t size_bytes;
    uint64_t user_addr;
    uint64_t mmap_offset;
} __attribute__((packed));

struct ttb__vhost_mem_table {
    uint32_t count;
    uint32_t padding;
    struct ttb__vhost_region regions[TTB__VHOST_REGIONS_MAX];
} __attribute__((packed));

struct ttb__vhost_mem_reg {
    uint64_t padding;
    struct ttb__vhost_region region;
} __attribute__((packed));

struct ttb__vhost_config {
    uint32_t offset;
    uint32_t size_bytes;
    uint32_t flags;
    uint8_t data[TTB__VHOST_CONFIG_MAX];
} __attribute__((packed));

#define TTB__VHOST_CONFIG_HEADER 12u

union ttb__vhost_payload {
    uint64_t u64;
    struct ttb__vhost_vring_state state;
    struct ttb__vhost_vring_addr addr;
    struct ttb__vhost_mem_table table;
    struct ttb__vhost_mem_reg reg;
    struct ttb__vhost_config config;
    uint8_t bytes[TTB__VHOST_PAYLOAD_MAX];
};

/* A message with a u64 payload: every reply to a call, and most replies to the front end. */
struct ttb__vhost_u64_message {
    struct ttb__vhost_header header;
    uint64_t value;
} __attribute__((packed));

/* ---------------------------------------------------------------------------- split virtqueue */

#define TTB__RING_NUM_MAX 32768u

/* flags of a descriptor */
#define TTB__DESC_NEXT     0x1u
#define TTB__DESC_WRITE    0x2u
#define TTB__DESC_INDIRECT 0x4u

/* flags of the rings */
#define TTB__AVAIL_NO_INTERRUPT 0x1u
#define TTB__USED_NO_NOTIFY     0x1u

struct ttb__ring_desc {
    uint64_t addr; /* guest address */
    uint32_t len_bytes;
    uint16_t flags;
    uint16_t next;
};

struct ttb__ring_used_elem {
    uint32_t id;
    uint32_t len_bytes;
};

/* avail: flags, idx, ring[num], used_event; used: flags, idx, elements[num], avail_event. */
#define TTB__RING_DESC_ALIGN       16u
#define TTB__RING_AVAIL_ALIGN      2u
#define TTB__RING_USED_ALIGN       4u
#define TTB__RING_DESC_BYTES(num)  ((uint64_t)(num)*16u)
#define TTB__RING_AVAIL_BYTES(num) (6u + (uint64_t)(num)*2u)
#define TTB__RING_USED_BYTES(num)  (6u + (uint64_t)(num)*8u)

/* ------------------------------------------------------------------------------- virtio network */

/* num_buffers is there with MRG_RXBUF or VERSION_1 only. */
struct ttb__net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};

#define TTB__NET_HEADER_SHORT 10u
#define TTB__NET_HEADER_LONG  12u
#define TTB__NET_F_NEEDS_CSUM 0x1u
#define TTB__NET_GSO_NONE     0x0u
#define TTB__NET_GSO_TCPV4    0x1u
#define TTB__NET_GSO_TCPV6    0x4u
#define TTB__NET_GSO_ECN      0x80u
#define TTB__NET_S_LINK_UP    0x1u

struct ttb__net_config {
    uint8_t mac[6];
    uint16_t status;
    uint16_t max_virtqueue_pairs;
    uint16_t mtu;
} __attribute__((packed));

#endif
