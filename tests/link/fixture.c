/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct delayed {
    struct fixture *fixture;
    int from, to;
    uint32_t tag;
    size_t len_bytes;
};

static void received(void *user, struct ttb_net_end *host, uint64_t time_ns, const void *frame,
                     size_t len_bytes)
{
    struct host_user *me = user;
    struct fixture *fixture = me->fixture;
    struct record *record = &fixture->records[fixture->record_count++];

    assert_ptr_equal(host, fixture->hosts[me->index]);
    assert_in_range(fixture->record_count, 1, RECORDS_MAX);
    assert_int_equal(time_ns, ttb_net_now_ns(fixture->net));
    assert_int_equal(time_ns, ttb_bridge_now_ns(fixture->bridge));
    *record = (struct record){.time_ns = time_ns, .host = me->index, .len_bytes = len_bytes};
    memcpy(&record->tag, (const char *)frame + 14, sizeof(record->tag));
}

void fixture_open(struct fixture *fixture, uint64_t seed)
{
    struct ttb_bridge_opts bridge_opts = {.size = sizeof(bridge_opts), .no_pin = true};
    struct ttb_net_opts opts = {.size = sizeof(opts), .seed = seed};

    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ttb-link-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    bridge_opts.directory = fixture->directory;
    assert_int_equal(ttb_bridge_new(&bridge_opts, &fixture->bridge), 0);
    assert_int_equal(ttb_net_new(fixture->bridge, &opts, &fixture->net), 0);
    assert_ptr_equal(ttb_net_bridge(fixture->net), fixture->bridge);
}

void fixture_close(struct fixture *fixture)
{
    for (int i = 0; i < fixture->host_count; i++)
        expect_balance(fixture->hosts[i]);
    ttb_net_free(fixture->net);
    ttb_bridge_free(fixture->bridge);
    assert_int_equal(rmdir(fixture->directory), 0);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture_open(fixture, 1);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

struct ttb_net_end *add_host(struct fixture *fixture)
{
    int index = fixture->host_count++;
    char name[16];

    assert_in_range(index, 0, HOSTS_MAX - 1);
    snprintf(name, sizeof(name), "host%d", index);
    fixture->users[index] = (struct host_user){.fixture = fixture, .index = index};
    assert_int_equal(ttb_net_add_host(fixture->net, name, received, &fixture->users[index],
                                      &fixture->hosts[index]),
                     0);
    assert_string_equal(ttb_net_end_name(fixture->hosts[index]), name);
    return fixture->hosts[index];
}

struct ttb_net_link *connect_ends(struct fixture *fixture, struct ttb_net_end *a,
                                  struct ttb_net_end *b, const struct ttb_net_params *params)
{
    struct ttb_net_link *link = NULL;
    int rc = ttb_net_connect(fixture->net, a, b, params, NULL, &link);

    if (rc)
        fail_msg("connect: %s", ttb_net_error(fixture->net));
    return link;
}

void send_frame(struct fixture *fixture, int from, int to, uint32_t tag, size_t len_bytes)
{
    unsigned char *frame = calloc(1, len_bytes);

    assert_non_null(frame);
    assert_true(len_bytes >= 14 + sizeof(tag));
    if (to == 255)
        memset(frame, 0xff, 6);
    else
        frame[0] = 2, frame[5] = (unsigned char)to;
    frame[6] = 2;
    frame[11] = (unsigned char)from;
    memcpy(frame + 14, &tag, sizeof(tag));
    assert_int_equal(ttb_net_host_send(fixture->hosts[from], frame, len_bytes), 0);
    free(frame);
}

static void send_now(void *user, uint64_t time_ns)
{
    struct delayed *delayed = user;

    (void)time_ns;
    send_frame(delayed->fixture, delayed->from, delayed->to, delayed->tag, delayed->len_bytes);
    free(delayed);
}

void send_frame_at(struct fixture *fixture, uint64_t time_ns, int from, int to, uint32_t tag,
                   size_t len_bytes)
{
    struct delayed *delayed = malloc(sizeof(*delayed));

    assert_non_null(delayed);
    *delayed = (struct delayed){fixture, from, to, tag, len_bytes};
    assert_int_equal(ttb_net_call_at(fixture->net, time_ns, send_now, delayed, NULL), 0);
}

void run_until(struct fixture *fixture, uint64_t until_ns)
{
    int rc = ttb_net_run(fixture->net, until_ns);

    if (rc)
        fail_msg("run: %d: %s", rc, ttb_net_error(fixture->net));
}

void expect_record(const struct fixture *fixture, size_t index, uint64_t time_ns, int host,
                   uint32_t tag)
{
    const struct record *record = &fixture->records[index];

    assert_in_range(index, 0, fixture->record_count - 1);
    if (record->time_ns != time_ns || record->host != host || record->tag != tag) {
        fail_msg("event %zu: tag %u at host %d at %llu ns; expected tag %u at host %d at %llu ns",
                 index, record->tag, record->host, (unsigned long long)record->time_ns, tag, host,
                 (unsigned long long)time_ns);
    }
}

void expect_balance(const struct ttb_net_end *end)
{
    struct ttb_net_stats stats;
    uint64_t dropped = 0;

    ttb_net_end_get_stats(end, &stats);
    for (int i = 0; i < TTB_NET_DROP_COUNT; i++)
        dropped += stats.dropped[i];
    assert_int_equal(stats.offered_frames,
                     stats.delivered_frames + dropped + stats.flying_frames + stats.waiting_frames);
}
