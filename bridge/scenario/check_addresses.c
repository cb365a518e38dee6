/* SPDX-License-Identifier: BSD-3-Clause */
/* Hardware and IP addresses, gateways, routes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/check.h"

#define IPV6_MTU_MIN 1280 /* RFC 8200, section 5 */

/* An address that an interface has. */
struct address {
    struct ttb__inet inet;
    const struct ttb__end *end;
    size_t index;  /* of the address in the interface */
    size_t domain; /* TTB__NO_NAME: not on a link that exists */
    const char *text;
};

struct addresses {
    struct address *all; /* by end */
    struct address *sorted;
    size_t count;
};

static const char *owner_of(const struct address *address)
{
    return address->end->owner_name ? address->end->owner_name : "";
}

/* `room` and the result are valid as long as the caller's. */
struct address_path {
    struct ttb__end_path end;
    struct ttb__path steps[2];
};

static const struct ttb__path *address_path(const struct address *address,
                                            struct address_path *room)
{
    room->steps[0] =
        (struct ttb__path){.up = ttb__end_path(address->end, &room->end), .name = "address"};
    room->steps[1] = (struct ttb__path){.up = &room->steps[0], .index = address->index};
    return &room->steps[1];
}

/* The bits that are the network's. */
static struct ttb__inet network_of(const struct ttb__inet *inet)
{
    struct ttb__inet network = *inet;

    for (unsigned bit = inet->prefix_bits; bit < 128; bit++)
        network.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return network;
}

static int collect(const struct ttb__model *model, struct addresses *addresses)
{
    size_t count = 0;

    for (size_t i = 0; i < model->end_count; i++)
        count += model->ends[i].interface ? model->ends[i].interface->n_addresses : 0;
    addresses->all = calloc(count ? count : 1, sizeof(*addresses->all));
    addresses->sorted = calloc(count ? count : 1, sizeof(*addresses->sorted));
    if (!addresses->all || !addresses->sorted)
        return -ENOMEM;
    for (size_t i = 0; i < model->end_count; i++) {
        const struct ttb__end *end = &model->ends[i];

        for (size_t k = 0; end->interface && k < end->interface->n_addresses; k++) {
            struct address *address = &addresses->all[addresses->count];

            *address = (struct address){
                .end = end,
                .index = k,
                .domain = end->link == TTB__NO_NAME ? TTB__NO_NAME : model->domain[end->link],
                .text = end->interface->addresses[k]};
            /* One that cannot be read has been reported. */
            if (ttb__inet_parse(TTB__INET_INTERFACE, address->text, &address->inet, NULL) == 0)
                addresses->count++;
        }
    }
    if (addresses->count)
        memcpy(addresses->sorted, addresses->all, addresses->count * sizeof(*addresses->all));
    return 0;
}

static int compare_domain_family(const struct address *a, const struct address *b)
{
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    return (int)a->inet.is_ipv6 - (int)b->inet.is_ipv6;
}

/* The order of the file, to make reports independent of qsort(). */
static int compare_file(const struct address *a, const struct address *b)
{
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_address(const void *x, const void *y)
{
    const struct address *a = x, *b = y;
    int order = compare_domain_family(a, b);

    if (order == 0)
        order = memcmp(a->inet.bytes, b->inet.bytes, sizeof(a->inet.bytes));
    return order ? order : compare_file(a, b);
}

/* Larger networks before those in them. */
static int by_network(const void *x, const void *y)
{
    const struct address *a = x, *b = y;
    struct ttb__inet net_a = network_of(&a->inet), net_b = network_of(&b->inet);
    int order = compare_domain_family(a, b);

    if (order == 0)
        order = memcmp(net_a.bytes, net_b.bytes, sizeof(net_a.bytes));
    if (order == 0)
        order = (int)a->inet.prefix_bits - (int)b->inet.prefix_bits;
    return order ? order : compare_file(a, b);
}

static bool same_place(const struct address *a, const struct address *b)
{
    return a->domain != TTB__NO_NAME && a->domain == b->domain &&
           a->inet.is_ipv6 == b->inet.is_ipv6;
}

/* One address twice where both would answer for it. */
static void check_duplicates(const struct ttb__model *model, struct addresses *addresses)
{
    const struct address *first = addresses->sorted;

    qsort(addresses->sorted, addresses->count, sizeof(*addresses->sorted), by_address);
    for (size_t i = 1; i < addresses->count; i++) {
        const struct address *address = &addresses->sorted[i];
        struct address_path room;

        if (same_place(address, first) &&
            memcmp(address->inet.bytes, first->inet.bytes, sizeof(first->inet.bytes)) == 0)
            ttb__problem(model->problems, address_path(address, &room), 0,
                         "%s has the address \"%s\", too, and hears the same frames",
                         owner_of(first), first->text);
        else
            first = address;
    }
}

/* Two networks of which one is a part of the other: hosts of the smaller one are asked for by those of the
 * larger one and have no route back, or the other way round. */
static void check_prefixes(const struct ttb__model *model, struct addresses *addresses)
{
    const struct address *outer = addresses->sorted;

    qsort(addresses->sorted, addresses->count, sizeof(*addresses->sorted), by_network);
    for (size_t i = 1; i < addresses->count; i++) {
        const struct address *address = &addresses->sorted[i];
        unsigned bits = outer->inet.prefix_bits;
        struct address_path room;

        if (!same_place(address, outer) || ttb__inet_is_link_local(&address->inet) ||
            !ttb__inet_same_prefix(&address->inet, &outer->inet, bits)) {
            outer = address;
            continue;
        }
        /* Host addresses of their own (/32, /128) are a common way to number loopbacks. */
        if (address->inet.prefix_bits != bits &&
            address->inet.prefix_bits < (address->inet.is_ipv6 ? 128U : 32U))
            ttb__problem(model->problems, address_path(address, &room), 0,
                         "prefixes of length %u here and %u in \"%s\" of %s do not fit together",
                         address->inet.prefix_bits, bits, outer->text, owner_of(outer));
    }
}

/* What a domain's ends have, for warnings about those that cannot talk to anybody. */
struct tally {
    size_t ends;      /* interfaces on it */
    size_t addressed; /* those with an address */
    size_t with[2];   /* those with an IPv4, an IPv6 address */
    const struct address *one[2];
};

static void warn_lonely_networks(const struct ttb__model *model, const struct addresses *addresses,
                                 const struct tally *tallies)
{
    static const char *const families[] = {"IPv4", "IPv6"};

    /* Sorted by network: runs of one network are together. */
    for (size_t i = 0, next; i < addresses->count; i = next) {
        const struct address *address = &addresses->sorted[i];
        const struct tally *tally;
        struct address_path room;
        bool alone = true;
        int family = address->inet.is_ipv6;

        for (next = i + 1;
             next < addresses->count && same_place(&addresses->sorted[next], address) &&
             ttb__inet_same_prefix(&addresses->sorted[next].inet, &address->inet,
                                   address->inet.prefix_bits);
             next++)
            alone = alone && addresses->sorted[next].end == address->end;
        if (address->domain == TTB__NO_NAME || !alone || ttb__inet_is_link_local(&address->inet))
            continue;
        tally = &tallies[address->domain];
        /* Ends without an address may get one while the run goes on. */
        if (tally->ends < 2 || tally->addressed < tally->ends)
            continue;
        if (tally->with[family] == 1)
            ttb__problem(model->problems, address_path(address, &room), TTB__WARNING,
                         "nobody else on link \"%s\" has an %s address",
                         model->scenario->links[address->end->link]->name, families[family]);
        else if (address->inet.prefix_bits < (address->inet.is_ipv6 ? 128U : 32U))
            ttb__problem(model->problems, address_path(address, &room), TTB__WARNING,
                         "nobody else on link \"%s\" is in the network of \"%s\"",
                         model->scenario->links[address->end->link]->name, address->text);
    }
}

static int check_loneliness(const struct ttb__model *model, const struct addresses *addresses)
{
    size_t links = model->scenario->n_links;
    struct tally *tallies = calloc(links ? links : 1, sizeof(*tallies));
    const struct ttb__end *last[2] = {NULL, NULL}, *last_any = NULL;

    if (!tallies)
        return -ENOMEM;
    for (size_t i = 0; i < model->end_count; i++) {
        if (model->ends[i].interface && model->ends[i].link != TTB__NO_NAME)
            tallies[model->domain[model->ends[i].link]].ends++;
    }
    for (size_t i = 0; i < addresses->count; i++) {
        const struct address *address = &addresses->all[i];
        int family = address->inet.is_ipv6;

        if (address->domain == TTB__NO_NAME)
            continue;
        if (address->end != last_any)
            tallies[address->domain].addressed++;
        if (address->end != last[family])
            tallies[address->domain].with[family]++;
        last_any = last[family] = address->end;
    }
    warn_lonely_networks(model, addresses, tallies);
    free(tallies);
    return 0;
}

/* --------------------------------------------------------------------- one owner's interfaces */

struct owned {
    const struct address *addresses;
    size_t count;
};

/* The addresses of an owner: they stand together. */
static struct owned owned_by(const struct addresses *addresses, size_t vertex)
{
    struct owned owned = {0};
    size_t low = 0, high = addresses->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (addresses->all[middle].end->vertex < vertex)
            low = middle + 1;
        else
            high = middle;
    }
    owned.addresses = addresses->all + low;
    while (low + owned.count < addresses->count &&
           addresses->all[low + owned.count].end->vertex == vertex)
        owned.count++;
    return owned;
}

/* One network on two links that are not connected: which one a packet leaves by is chance. */
static void check_owned(const struct ttb__model *model, const struct owned *owned)
{
    for (size_t i = 1; i < owned->count; i++) {
        const struct address *address = &owned->addresses[i];

        for (size_t j = 0; j < i; j++) {
            const struct address *other = &owned->addresses[j];
            unsigned bits = address->inet.prefix_bits < other->inet.prefix_bits
                                ? address->inet.prefix_bits
                                : other->inet.prefix_bits;
            struct address_path room;

            if (other->end == address->end || other->domain == address->domain ||
                ttb__inet_is_link_local(&address->inet) ||
                !ttb__inet_same_prefix(&address->inet, &other->inet, bits))
                continue;
            ttb__problem(model->problems, address_path(address, &room), 0,
                         "its network overlaps with that of \"%s\" on interface \"%s\", which is "
                         "on another link",
                         other->text, other->end->interface->name);
            break;
        }
    }
}

/* Is the next hop in a network of one of the owner's interfaces (of `end` only, if there is one)? */
static const struct address *reachable(const struct owned *owned, const struct ttb__end *end,
                                       const struct ttb__inet *hop)
{
    for (size_t i = 0; i < owned->count; i++) {
        const struct address *address = &owned->addresses[i];

        if ((!end || address->end == end) &&
            ttb__inet_same_prefix(&address->inet, hop, address->inet.prefix_bits))
            return address;
    }
    return NULL;
}

static bool is_own(const struct owned *owned, const struct ttb__inet *hop)
{
    for (size_t i = 0; i < owned->count; i++) {
        if (owned->addresses[i].inet.is_ipv6 == hop->is_ipv6 &&
            memcmp(owned->addresses[i].inet.bytes, hop->bytes, sizeof(hop->bytes)) == 0)
            return true;
    }
    return false;
}

static bool forwards(const struct ttb__model *model, const struct ttb__end *end)
{
    const Ttb__Scenario__Node *node;

    if (end->owner != TTB__OWNER_NODE)
        return end->owner == TTB__OWNER_ROUTER;
    node = model->scenario->nodes[end->owner_index];
    /* Those who set it by other means know what they do. */
    return node->forwarding || node->n_sysctls > 0 || node->n_run > 0;
}

/* Somebody should be there, and pass packets on. */
static void check_next_hop(const struct ttb__model *model,
                           const struct addresses *by_address_sorted, size_t domain,
                           const struct ttb__inet *hop, const char *text,
                           const struct ttb__path *path)
{
    size_t low = 0, high = by_address_sorted->count;
    struct address key = {.inet = *hop, .domain = domain};
    const struct address *found;

    if (ttb__inet_is_link_local(hop))
        return;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct address *at = &by_address_sorted->sorted[middle];
        int order = compare_domain_family(at, &key);

        if (order == 0)
            order = memcmp(at->inet.bytes, hop->bytes, sizeof(hop->bytes));
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    found = low < by_address_sorted->count ? &by_address_sorted->sorted[low] : NULL;
    if (!found || compare_domain_family(found, &key) != 0 ||
        memcmp(found->inet.bytes, hop->bytes, sizeof(hop->bytes)) != 0)
        ttb__problem(model->problems, path, TTB__WARNING, "nobody there has the address \"%s\"",
                     text);
    else if (!forwards(model, found->end))
        ttb__problem(model->problems, path, TTB__WARNING,
                     "%s has the address \"%s\" but does not forward packets", owner_of(found),
                     text);
}

static void check_gateways(const struct ttb__model *model, const struct addresses *addresses,
                           const struct ttb__end *end, const struct owned *owned, bool seen[2])
{
    for (size_t i = 0; i < end->interface->n_gateways; i++) {
        const char *text = end->interface->gateways[i];
        struct ttb__end_path room;
        const struct ttb__path *path =
            TTB__ELEMENT(TTB__FIELD(ttb__end_path(end, &room), "gateway"), i);
        struct ttb__inet hop;

        if (ttb__inet_parse(TTB__INET_BARE, text, &hop, NULL) < 0)
            continue;
        if (seen[hop.is_ipv6])
            ttb__problem(model->problems, path, 0,
                         "%s has another default gateway for %s; give routes with metrics instead",
                         end->owner_name ? end->owner_name : "", hop.is_ipv6 ? "IPv6" : "IPv4");
        seen[hop.is_ipv6] = true;
        if (is_own(owned, &hop))
            ttb__problem(model->problems, path, 0, "\"%s\" is an address of %s itself", text,
                         end->owner_name ? end->owner_name : "");
        else if (!ttb__inet_is_link_local(&hop) && !reachable(owned, end, &hop))
            ttb__problem(model->problems, path, 0,
                         "\"%s\" is in no network of this interface's addresses", text);
        else if (end->link != TTB__NO_NAME)
            check_next_hop(model, addresses, model->domain[end->link], &hop, text, path);
    }
}

/* ------------------------------------------------------------------------------------ routes */

static const struct ttb__end *find_interface(const struct ttb__model *model, size_t vertex,
                                             const char *name)
{
    size_t low = 0, high = model->end_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (model->ends[middle].vertex < vertex)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < model->end_count && model->ends[low].vertex == vertex; low++) {
        const Ttb__Scenario__Interface *interface = model->ends[low].interface;

        if (interface && interface->name && strcmp(interface->name, name) == 0)
            return &model->ends[low];
    }
    return NULL;
}

static void check_route(const struct ttb__model *model, const struct addresses *addresses,
                        const Ttb__Scenario__Route *route, size_t vertex, const struct owned *owned,
                        const struct ttb__path *path)
{
    const struct ttb__end *end = NULL;
    const struct address *on;
    struct ttb__inet to, via;
    bool has_to;

    if (route->interface) {
        end = find_interface(model, vertex, route->interface);
        if (!end)
            ttb__problem(model->problems, TTB__FIELD(path, "interface"), 0,
                         "there is no interface \"%.80s\"", route->interface);
    }
    has_to = route->to && ttb__inet_parse(TTB__INET_PREFIX, route->to, &to, NULL) == 0;
    if (!route->via) {
        if (!route->interface &&
            !ttb__problems_has_text(model->problems, TTB__FIELD(path, "via")) &&
            !ttb__problems_has_text(model->problems, TTB__FIELD(path, "interface")))
            ttb__problem_missing(model->problems, path, "\"via\" or \"interface\" is missing");
        return;
    }
    if (ttb__inet_parse(TTB__INET_BARE, route->via, &via, NULL) < 0)
        return;
    if (has_to && via.is_ipv6 != to.is_ipv6)
        ttb__problem(model->problems, TTB__FIELD(path, "via"), 0,
                     "\"%s\" is an %s address, \"%s\" is not", route->via,
                     via.is_ipv6 ? "IPv6" : "IPv4", route->to);
    else if (is_own(owned, &via))
        ttb__problem(model->problems, TTB__FIELD(path, "via"), 0,
                     "\"%s\" is an address of the node itself", route->via);
    else if (ttb__inet_is_link_local(&via)) {
        if (!route->interface)
            ttb__problem_missing(
                model->problems, path,
                "\"interface\" is missing: a link-local next hop is on every link");
    } else if (!route->interface || end) {
        on = reachable(owned, end, &via);
        if (!on)
            ttb__problem(model->problems, TTB__FIELD(path, "via"), 0,
                         "\"%s\" is in no network of %s", route->via,
                         end ? "that interface's addresses" : "the node's interfaces");
        else if (on->domain != TTB__NO_NAME)
            check_next_hop(model, addresses, on->domain, &via, route->via, TTB__FIELD(path, "via"));
    }
}

/* ----------------------------------------------------------------------------- hardware addresses */

static int by_mac(const void *x, const void *y)
{
    const struct ttb__end *const *a = x, *const *b = y;
    int order = memcmp((*a)->interface->mac.data, (*b)->interface->mac.data, 6);

    return order ? order : *a < *b ? -1 : *a > *b;
}

static int check_macs(const struct ttb__model *model)
{
    const struct ttb__end **ends =
        calloc(model->end_count ? model->end_count : 1, sizeof(const struct ttb__end *));
    size_t count = 0, first = 0;

    if (!ends)
        return -ENOMEM;
    for (size_t i = 0; i < model->end_count; i++) {
        if (model->ends[i].interface && model->ends[i].interface->mac.len == 6)
            ends[count++] = &model->ends[i];
    }
    qsort(ends, count, sizeof(const struct ttb__end *), by_mac);
    for (size_t i = 1; i < count; i++) {
        struct ttb__end_path room;
        const struct ttb__path *path = TTB__FIELD(ttb__end_path(ends[i], &room), "mac");

        if (memcmp(ends[i]->interface->mac.data, ends[first]->interface->mac.data, 6) != 0)
            first = i;
        else
            ttb__problem(model->problems, path, 0,
                         "interface \"%s\" of %s has this hardware address, too",
                         ends[first]->interface->name ? ends[first]->interface->name : "",
                         ends[first]->owner_name ? ends[first]->owner_name : "");
    }
    free(ends);
    return 0;
}

/* -------------------------------------------------------------------------------------- all of it */

static void check_mtu(const struct ttb__model *model, const struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct address *address = &addresses->all[i];
        const Ttb__Scenario__Interface *interface = address->end->interface;
        struct address_path room;

        if (address->inet.is_ipv6 && interface->has_mtu_bytes &&
            interface->mtu_bytes < IPV6_MTU_MIN)
            ttb__problem(model->problems, address_path(address, &room), 0,
                         "IPv6 needs an MTU of %d, here it is %u", IPV6_MTU_MIN,
                         interface->mtu_bytes);
    }
}

static void check_owner(const struct ttb__model *model, const struct addresses *addresses,
                        size_t vertex, enum ttb__owner owner, const char *name,
                        Ttb__Scenario__Route **routes, size_t route_count)
{
    struct owned owned = owned_by(addresses, vertex);
    const struct ttb__path *path =
        TTB__FIELD(TTB__FIELD(NULL, ttb__owner_key(owner)), name ? name : "");

    check_owned(model, &owned);
    for (size_t i = 0; i < route_count; i++)
        check_route(model, addresses, routes[i], vertex, &owned,
                    TTB__ELEMENT(TTB__FIELD(path, "routes"), i));
}

int ttb__check_addresses(const struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;
    struct addresses addresses = {0};
    size_t hosts = s->n_nodes + s->n_switches;
    bool seen[2] = {false, false};
    size_t last = TTB__NO_NAME;
    int rc = collect(model, &addresses);

    if (rc == 0)
        rc = check_macs(model);
    if (rc < 0)
        goto out;
    check_mtu(model, &addresses);
    check_prefixes(model, &addresses);
    rc = check_loneliness(model, &addresses);
    /* This sorts by address, which the next hops are looked up by. */
    check_duplicates(model, &addresses);
    for (size_t i = 0; i < model->end_count && rc == 0; i++) {
        const struct ttb__end *end = &model->ends[i];
        struct owned owned = owned_by(&addresses, end->vertex);

        if (end->vertex != last)
            seen[0] = seen[1] = false;
        last = end->vertex;
        if (end->interface)
            check_gateways(model, &addresses, end, &owned, seen);
    }
    for (size_t i = 0; i < s->n_nodes && rc == 0; i++)
        check_owner(model, &addresses, i, TTB__OWNER_NODE, s->nodes[i]->name, s->nodes[i]->routes,
                    s->nodes[i]->n_routes);
    for (size_t i = 0; i < s->n_routers && rc == 0; i++)
        check_owner(model, &addresses, hosts + i, TTB__OWNER_ROUTER, s->routers[i]->name,
                    s->routers[i]->routes, s->routers[i]->n_routes);
    for (size_t i = 0; i < s->n_hosts && rc == 0; i++)
        check_owner(model, &addresses, hosts + s->n_routers + i, TTB__OWNER_HOST, s->hosts[i]->name,
                    s->hosts[i]->routes, s->hosts[i]->n_routes);
out:
    free(addresses.all);
    free(addresses.sorted);
    return rc;
}
