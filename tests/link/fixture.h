/* SPDX-License-Identifier: BSD-3-Clause */
/* A bridge without nodes, a network over it, and hosts that write down what they get. */
#ifndef TTB_TESTS_LINK_FIXTURE_H
#define TTB_TESTS_LINK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ttbridge/link.h>

#define HOSTS_MAX   8
#define RECORDS_MAX 4096

struct record {
    uint64_t time_ns;
    int host; /* who got it; -1: a timer */
    uint32_t tag;
    size_t len_bytes;
};

struct fixture {
    char directory[64];
    struct ttb_bridge *bridge;
    struct ttb_net *net;
    struct ttb_net_end *hosts[HOSTS_MAX];
    struct host_user {
        struct fixture *fixture;
        int index;
    } users[HOSTS_MAX];
    int host_count;
    struct record records[RECORDS_MAX];
    size_t record_count;
    struct ttb_net_link *link; /* of what a test is about */
    struct ttb_net_params params;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Another network with a seed, over a bridge of its own. */
void fixture_open(struct fixture *fixture, uint64_t seed);
void fixture_close(struct fixture *fixture);

struct ttb_net_end *add_host(struct fixture *fixture);
struct ttb_net_link *connect_ends(struct fixture *fixture, struct ttb_net_end *a,
                                  struct ttb_net_end *b, const struct ttb_net_params *params);
/* A frame from host `from`, 02:00:00:00:00:<from>, to host `to` (255: broadcast); its payload begins
 * with a tag. At least 18 bytes. */
void send_frame(struct fixture *fixture, int from, int to, uint32_t tag, size_t len_bytes);
/* The same, at a time. */
void send_frame_at(struct fixture *fixture, uint64_t time_ns, int from, int to, uint32_t tag,
                   size_t len_bytes);
void run_until(struct fixture *fixture, uint64_t until_ns);
void expect_record(const struct fixture *fixture, size_t index, uint64_t time_ns, int host,
                   uint32_t tag);
void expect_balance(const struct ttb_net_end *end);

#define PARAMS(...) (&(struct ttb_net_params){.size = sizeof(struct ttb_net_params), __VA_ARGS__})

#endif
