/* SPDX-License-Identifier: BSD-3-Clause */
/* A learning switch (IEEE 802.1Q, 8.8: the learning process and forwarding; no spanning tree). */
#include "link/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGEING_DEFAULT_NS    UINT64_C(300000000000)
#define ADDRESSES_DEFAULT    4096u
#define ADDRESSES_MAX        (1u << 20)
#define NOBODY               UINT32_MAX
#define GROUP_BIT            0x01
#define SWITCH_PORTS_LOG_MAX 10 /* digits of a port's index in its name */

/* What is known of an address. Links between entries are indices into the table, NOBODY at ends. */
struct address {
    uint8_t mac[TTB__ETHERNET_ADDRESS];
    struct ttb_net_end *port;
    uint64_t seen_ns;
    uint32_t next_in_bucket;
    uint32_t older, newer;
};

/*
 * Invariant: entries 0 to used-1 hold addresses, each in one bucket and in the list from oldest to
 * newest by seen_ns, so whatever has aged is at its beginning.
 */
struct ttb_net_switch {
    struct ttb_net *net;
    char name[TTB_NAME_MAX + 1];
    uint64_t ageing_ns;
    struct ttb_net_end *ports, **ports_end; /* in the order in which they were made */
    uint32_t port_count;
    struct address *table;
    uint32_t table_size, used;
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint32_t oldest, newest;
    struct ttb_net_switch_stats stats;
    struct ttb_net_switch *next;
};

static uint32_t *bucket_of(const struct ttb_net_switch *sw, const uint8_t *mac)
{
    uint64_t value = 0;

    for (int i = 0; i < TTB__ETHERNET_ADDRESS; i++)
        value = value << 8 | mac[i];
    /* Fibonacci hashing: the upper bits of the product depend on all bits of the address. */
    return &sw->buckets[(uint32_t)(value * UINT64_C(0x9e3779b97f4a7c15) >> 32) & sw->bucket_mask];
}

static uint32_t find(const struct ttb_net_switch *sw, const uint8_t *mac)
{
    uint32_t index = *bucket_of(sw, mac);

    while (index != NOBODY && memcmp(sw->table[index].mac, mac, TTB__ETHERNET_ADDRESS) != 0)
        index = sw->table[index].next_in_bucket;
    return index;
}

static bool has_aged(const struct ttb_net_switch *sw, const struct address *address)
{
    return sw->net->now_ns - address->seen_ns >= sw->ageing_ns;
}

static void list_remove(struct ttb_net_switch *sw, uint32_t index)
{
    struct address *address = &sw->table[index];

    if (address->older == NOBODY)
        sw->oldest = address->newer;
    else
        sw->table[address->older].newer = address->newer;
    if (address->newer == NOBODY)
        sw->newest = address->older;
    else
        sw->table[address->newer].older = address->older;
}

static void list_append(struct ttb_net_switch *sw, uint32_t index)
{
    struct address *address = &sw->table[index];

    address->older = sw->newest;
    address->newer = NOBODY;
    if (sw->newest == NOBODY)
        sw->oldest = index;
    else
        sw->table[sw->newest].newer = index;
    sw->newest = index;
}

static void bucket_remove(struct ttb_net_switch *sw, uint32_t index)
{
    uint32_t *link = bucket_of(sw, sw->table[index].mac);

    while (*link != index)
        link = &sw->table[*link].next_in_bucket;
    *link = sw->table[index].next_in_bucket;
}

/* An entry for a new address: one never used, or the oldest if it has aged. */
static uint32_t take_entry(struct ttb_net_switch *sw)
{
    uint32_t index = sw->oldest;

    if (sw->used < sw->table_size)
        return sw->used++;
    if (!has_aged(sw, &sw->table[index]))
        return NOBODY;
    bucket_remove(sw, index);
    list_remove(sw, index);
    return index;
}

static void learn(struct ttb_net_switch *sw, const uint8_t *mac, struct ttb_net_end *port)
{
    uint32_t index;

    if (mac[0] & GROUP_BIT)
        return; /* no station's address */
    index = find(sw, mac);
    if (index != NOBODY) {
        list_remove(sw, index);
    } else {
        uint32_t *bucket = bucket_of(sw, mac);

        index = take_entry(sw);
        if (index == NOBODY) {
            sw->stats.unlearned++;
            return;
        }
        memcpy(sw->table[index].mac, mac, TTB__ETHERNET_ADDRESS);
        sw->table[index].next_in_bucket = *bucket;
        *bucket = index;
    }
    sw->table[index].port = port;
    sw->table[index].seen_ns = sw->net->now_ns;
    list_append(sw, index);
}

struct ttb_net_end *ttb_net_switch_find(const struct ttb_net_switch *sw, const uint8_t mac[6])
{
    uint32_t index = mac[0] & GROUP_BIT ? NOBODY : find(sw, mac);

    if (index == NOBODY || has_aged(sw, &sw->table[index]))
        return NULL;
    return sw->table[index].port;
}

void ttb__switch_receive(struct ttb_net_end *port, struct ttb__frame *frame)
{
    struct ttb_net_switch *sw = port->sw;
    const uint8_t *destination = frame->data;
    struct ttb_net_end *out;

    learn(sw, frame->data + TTB__ETHERNET_ADDRESS, port);
    out = ttb_net_switch_find(sw, destination);
    if (out == port) {
        sw->stats.filtered++;
        return;
    }
    if (out) {
        sw->stats.forwarded++;
        ttb__end_send(out, frame);
        return;
    }
    sw->stats.flooded++;
    for (out = sw->ports; out; out = out->next_in_switch) {
        if (out != port)
            ttb__end_send(out, frame);
    }
}

/* ------------------------------------------------------------------------- life of a switch */

static void switch_free(struct ttb_net_switch *sw)
{
    free(sw->table);
    free(sw->buckets);
    free(sw);
}

int ttb_net_add_switch(struct ttb_net *net, const struct ttb_net_switch_opts *opts,
                       struct ttb_net_switch **sw)
{
    static const struct ttb_net_switch_opts defaults = {.size = sizeof(defaults)};
    struct ttb_net_switch *made;
    const char *name;
    uint32_t buckets = 16;

    if (!opts)
        opts = &defaults;
    name = opts->name ? opts->name : "switch";
    if (opts->size < sizeof(*opts) || !name[0] || strlen(name) > TTB_NAME_MAX ||
        opts->addresses > ADDRESSES_MAX) {
        return ttb__net_fail(net, -EINVAL,
                             "switch: size must be set, the name have 1 to %d bytes, and addresses "
                             "be at most %u",
                             TTB_NAME_MAX, ADDRESSES_MAX);
    }
    made = calloc(1, sizeof(*made));
    if (!made)
        return ttb__net_fail(net, -ENOMEM, "no memory for a switch");
    made->net = net;
    made->ageing_ns = opts->ageing_ns ? opts->ageing_ns : AGEING_DEFAULT_NS;
    made->table_size = opts->addresses ? opts->addresses : ADDRESSES_DEFAULT;
    made->oldest = made->newest = NOBODY;
    made->ports_end = &made->ports;
    snprintf(made->name, sizeof(made->name), "%s", name);
    while (buckets < made->table_size)
        buckets *= 2;
    made->bucket_mask = buckets - 1;
    made->table = calloc(made->table_size, sizeof(*made->table));
    made->buckets = malloc(buckets * sizeof(*made->buckets));
    if (!made->table || !made->buckets) {
        switch_free(made);
        return ttb__net_fail(net, -ENOMEM, "no memory for a switch");
    }
    memset(made->buckets, 0xff, buckets * sizeof(*made->buckets)); /* NOBODY */
    made->next = net->switches;
    net->switches = made;
    *sw = made;
    return 0;
}

int ttb_net_switch_add_port(struct ttb_net_switch *sw, struct ttb_net_end **end)
{
    struct ttb_net_end *made;
    int rc = ttb__net_new_end(sw->net, TTB__END_SWITCH, &made);

    _Static_assert(TTB_NET_NAME_MAX >= TTB_NAME_MAX + 1 + SWITCH_PORTS_LOG_MAX, "name may be cut");
    if (rc)
        return rc;
    snprintf(made->name, sizeof(made->name), "%s.%u", sw->name, sw->port_count++);
    made->sw = sw;
    *sw->ports_end = made;
    sw->ports_end = &made->next_in_switch;
    *end = made;
    return 0;
}

struct ttb_net_end *ttb__switch_ports(const struct ttb_net_switch *sw)
{
    return sw->ports;
}

void ttb__switch_free_all(struct ttb_net *net)
{
    while (net->switches) {
        struct ttb_net_switch *sw = net->switches;

        net->switches = sw->next;
        switch_free(sw);
    }
}

void ttb_net_switch_get_stats(const struct ttb_net_switch *sw, struct ttb_net_switch_stats *stats)
{
    *stats = sw->stats;
}
