/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine "builtin": ttbridge/link.h. Ethernet links and switches. */
#include <ttbridge/link.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/network.h"
#include "run/pcap.h"
#include "run/queues.h"
#include "run/traced.h"

struct end {
    struct ttb_net_end *end;
    const Ttb__Scenario__Interface *interface; /* NULL: of a switch */
    const char *owner;                         /* the switch */
    struct ttb_port *port;                     /* if interface, as the next two */
    size_t node, number;
    struct ttb__queue queue;
};

/* A link of the scenario, and the two ends on it. */
struct link {
    const Ttb__Scenario__Link *given;
    struct ttb_net_link *link;
    struct end ends[2];
    unsigned end_count;
    bool is_up, interface_is_down[2];
    struct ttb__pcap *pcap;
};

/* An end of the network's is which end of which link. */
struct known_end {
    const struct ttb_net_end *end;
    struct link *link;
    unsigned side;
};

struct ttb__network {
    const Ttb__Scenario *scenario;
    struct ttb_trace_writer *writer;
    struct ttb_net *net;
    struct link *links;
    struct known_end *known; /* by address: to be found, and nothing else */
    size_t known_count;
    struct ttb__queues queues;
    bool any_pcap;
    char error[TTB__NETWORK_ERROR_MAX];
};

static int fail(struct ttb__network *network, int code, const char *text)
{
    snprintf(network->error, sizeof(network->error), "%s", text);
    return code;
}

static int fail_net(struct ttb__network *network, int code)
{
    return fail(network, code, ttb_net_error(network->net));
}

/* --------------------------------------------------------------------------------------- check */

static int refuse(char *error, size_t error_size, const char *format, const char *name)
{
    snprintf(error, error_size, format, name);
    return -EOPNOTSUPP;
}

static int check(const Ttb__Scenario *scenario, char *error, size_t error_size)
{
    for (size_t i = 0; i < scenario->n_links; i++) {
        const Ttb__Scenario__Link *link = scenario->links[i];

        if (link->type != TTB__SCENARIO__LINK__TYPE__ETHERNET)
            return refuse(error, error_size,
                          "links.%s.type: the engine builtin has ethernet links only", link->name);
        if (link->error_model)
            return refuse(error, error_size, "links.%s.error_model: the engine builtin has none",
                          link->name);
        if (link->n_attributes)
            return refuse(error, error_size,
                          "links.%s.attributes: only links of the engine ns-3 have them",
                          link->name);
    }
    if (scenario->n_routers)
        return refuse(error, error_size, "routers.%s: the engine builtin has no routers",
                      scenario->routers[0]->name);
    if (scenario->n_hosts)
        return refuse(error, error_size, "hosts.%s: the engine builtin has no hosts",
                      scenario->hosts[0]->name);
    return 0;
}

/* --------------------------------------------------------------------------------------- build */

static struct link *find_link(struct ttb__network *network, const char *name)
{
    for (size_t i = 0; i < network->scenario->n_links; i++) {
        if (strcmp(network->links[i].given->name, name) == 0)
            return &network->links[i];
    }
    return NULL;
}

static int add_end(struct ttb__network *network, const char *link_name, const struct end *end)
{
    struct link *link = find_link(network, link_name);

    if (!link || link->end_count == 2) {
        snprintf(network->error, sizeof(network->error),
                 "links.%s: an ethernet link has exactly two ends", link_name);
        return -EINVAL;
    }
    link->ends[link->end_count++] = *end;
    return 0;
}

static int add_ports(struct ttb__network *network, const struct ttb__network_plan *plan)
{
    const Ttb__Scenario *scenario = plan->scenario;

    for (size_t i = 0; i < scenario->n_nodes; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_interfaces; j++) {
            struct end end = {.interface = scenario->nodes[i]->interfaces[j],
                              .port = plan->port(plan->user, i, j),
                              .node = i,
                              .number = j};
            int rc = ttb_net_add_port(network->net, end.port, &end.end);

            if (rc)
                return fail_net(network, rc);
            rc = add_end(network, end.interface->link, &end);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static int add_switches(struct ttb__network *network)
{
    const Ttb__Scenario *scenario = network->scenario;

    for (size_t i = 0; i < scenario->n_switches; i++) {
        const struct ttb_net_switch_opts opts = {.size = sizeof(opts),
                                                 .name = scenario->switches[i]->name};
        struct ttb_net_switch *sw;
        int rc = ttb_net_add_switch(network->net, &opts, &sw);

        for (size_t j = 0; !rc && j < scenario->switches[i]->n_links; j++) {
            struct end end = {.owner = scenario->switches[i]->name};

            rc = ttb_net_switch_add_port(sw, &end.end);
            if (!rc && add_end(network, scenario->switches[i]->links[j], &end))
                return -EINVAL;
        }
        if (rc)
            return fail_net(network, rc);
    }
    return 0;
}

/* What frames that this end sends meet. */
static struct ttb_net_params params_of(const struct link *link, const struct end *end)
{
    const Ttb__Scenario__Interface *own = end->interface;
    uint32_t loss_ppb = own && own->has_loss_ppb ? own->loss_ppb : link->given->loss_ppb;

    return (struct ttb_net_params){
        .size = sizeof(struct ttb_net_params),
        .rate_bps = own && own->has_rate_bps ? own->rate_bps : link->given->rate_bps,
        .delay_ns = own && own->has_delay_ns ? own->delay_ns : link->given->delay_ns,
        .queue_frames =
            own && own->has_queue_frames ? own->queue_frames : link->given->queue_frames,
        .loss = (double)loss_ppb / TTB_SCENARIO_PPB,
    };
}

static int connect_link(struct ttb__network *network, struct link *link, const char *directory)
{
    struct ttb_net_params to_b, to_a;
    char path[4200];
    int rc;

    if (link->end_count != 2) {
        snprintf(network->error, sizeof(network->error),
                 "links.%s: an ethernet link has exactly two ends", link->given->name);
        return -EINVAL;
    }
    to_b = params_of(link, &link->ends[0]);
    to_a = params_of(link, &link->ends[1]);
    rc = ttb_net_connect(network->net, link->ends[0].end, link->ends[1].end, &to_b, &to_a,
                         &link->link);
    if (rc)
        return fail_net(network, rc);
    if (!link->given->pcap)
        return 0;
    snprintf(path, sizeof(path), "%s/%s.pcap", directory, link->given->name);
    rc = ttb__pcap_open(path, &link->pcap);
    if (rc)
        snprintf(network->error, sizeof(network->error), "cannot make %.300s: %s", path,
                 strerror(-rc));
    return rc;
}

/* ---------------------------------------------------------------------------------------- taps */

static int by_address(const void *a, const void *b)
{
    const struct known_end *left = a, *right = b;

    return left->end < right->end ? -1 : left->end > right->end;
}

static int know_ends(struct ttb__network *network)
{
    network->known = calloc(2 * network->scenario->n_links + 1, sizeof(*network->known));
    if (!network->known)
        return fail(network, -ENOMEM, "out of memory");
    for (size_t i = 0; i < network->scenario->n_links; i++) {
        struct link *link = &network->links[i];

        for (unsigned side = 0; side < link->end_count; side++)
            network->known[network->known_count++] =
                (struct known_end){.end = link->ends[side].end, .link = link, .side = side};
    }
    qsort(network->known, network->known_count, sizeof(*network->known), by_address);
    return 0;
}

/* NULL: it is on no link */
static const struct known_end *find_end(const struct ttb__network *network,
                                        const struct ttb_net_end *end)
{
    const struct known_end wanted = {.end = end};

    return bsearch(&wanted, network->known, network->known_count, sizeof(wanted), by_address);
}

static void on_tap(void *user, const struct ttb_net_tap_record *record)
{
    struct ttb__network *network = user;
    const struct known_end *known;

    ttb__queues_settle_before(&network->queues, record->time_ns);
    /* What a port did not take, its own record tells. */
    if (record->event == TTB_NET_TAP_RECEIVE ||
        (record->event == TTB_NET_TAP_SEND && !network->any_pcap) ||
        (record->event == TTB_NET_TAP_DROP && record->reason == TTB_NET_DROP_RECEIVER))
        return;
    known = find_end(network, record->end);
    if (known && record->event == TTB_NET_TAP_DROP)
        ttb__traced_lost(network->writer, (size_t)(known->link - network->links), record->time_ns,
                         ttb_net_drop_name(record->reason), record->mark, record->frame,
                         record->len_bytes);
    else if (known && known->link->pcap)
        ttb__pcap_write(known->link->pcap, record->time_ns, record->frame, record->len_bytes);
}

/* A frame's mark is its packet's id in the trace. */
static uint64_t on_sent(void *user, const struct ttb_net_end *end)
{
    const struct ttb__network *network = user;

    (void)end;
    return ttb_trace_writer_last_packet(network->writer);
}

static void on_arrival(void *user, const struct ttb_net_end *end, uint64_t mark)
{
    const struct ttb__network *network = user;

    (void)end;
    ttb_trace_writer_next_packet(network->writer, mark);
}

static void on_queue(void *user, const struct ttb_net_end *end, uint64_t time_ns, uint64_t frames)
{
    struct ttb__network *network = user;
    const struct known_end *known = find_end(network, end);

    if (known)
        ttb__queues_note(&network->queues, &known->link->ends[known->side].queue, time_ns,
                         (uint32_t)frames);
}

/* A node's frames wait at its port; those of a switch in a place of its own. */
static int watch_queue(struct ttb__network *network, size_t link, struct end *end)
{
    struct ttb_trace_place place = {
        .kind = TTB_TRACE_DEVICE, .node = TTB_TRACE_NONE, .link = (uint32_t)link};
    char name[2 * TTB_NAME_MAX + 2];

    if (end->port) {
        place.kind = TTB_TRACE_PORT;
        place.name = ttb_port_name(end->port);
        place.node = ttb_node_id(ttb_port_node(end->port));
    } else {
        snprintf(name, sizeof(name), "%s/%s", end->owner, network->links[link].given->name);
        place.name = name;
    }
    return ttb_trace_writer_add_place(network->writer, &place, &end->queue.place);
}

static int watch_queues(struct ttb__network *network, const struct ttb__network_plan *plan)
{
    int rc = 0;

    if (!plan->writer || !plan->record_devices)
        return 0;
    network->queues.writer = plan->writer;
    for (size_t i = 0; !rc && i < plan->scenario->n_links; i++) {
        for (unsigned side = 0; !rc && side < 2; side++)
            rc = watch_queue(network, i, &network->links[i].ends[side]);
    }
    ttb_net_watch_queues(network->net, on_queue, network);
    return rc ? fail(network, rc, "the trace takes no more places") : 0;
}

static int build(const struct ttb__network_plan *plan, struct ttb__network **made)
{
    const struct ttb_net_opts opts = {.size = sizeof(opts), .seed = plan->scenario->seed};
    const struct ttb_net_marks marks = {
        .size = sizeof(marks), .sent = on_sent, .arrives = on_arrival};
    struct ttb__network *network = calloc(1, sizeof(*network));
    int rc;

    *made = network;
    if (!network)
        return -ENOMEM;
    network->scenario = plan->scenario;
    network->writer = plan->writer;
    network->links = calloc(plan->scenario->n_links + 1, sizeof(*network->links));
    if (!network->links || ttb_net_new(plan->bridge, &opts, &network->net))
        return fail(network, -ENOMEM, "out of memory");
    for (size_t i = 0; i < plan->scenario->n_links; i++) {
        network->links[i].given = plan->scenario->links[i];
        network->links[i].is_up = true;
        network->any_pcap = network->any_pcap || plan->scenario->links[i]->pcap;
    }
    rc = add_ports(network, plan);
    if (!rc)
        rc = add_switches(network);
    for (size_t i = 0; !rc && i < plan->scenario->n_links; i++)
        rc = connect_link(network, &network->links[i], plan->directory);
    if (!rc)
        rc = know_ends(network);
    if (!rc)
        rc = watch_queues(network, plan);
    ttb_net_set_tap(network->net, on_tap, network);
    if (!rc && network->writer)
        rc = ttb_net_set_marks(network->net, &marks, network);
    return rc;
}

/* ------------------------------------------------------------------------------------------ run */

static int run(struct ttb__network *network, uint64_t until_ns)
{
    int rc = ttb_net_run(network->net, until_ns);

    return rc ? fail_net(network, rc) : 0;
}

static void stop(struct ttb__network *network)
{
    ttb_net_stop(network->net);
}

static uint64_t now_ns(const struct ttb__network *network)
{
    return ttb_net_now_ns(network->net);
}

static int settle(struct ttb__network *network, struct link *link)
{
    bool up = link->is_up && !link->interface_is_down[0] && !link->interface_is_down[1];
    int rc = ttb_net_link_set_up(link->link, up);

    return rc ? fail_net(network, rc) : 0;
}

static int change_direction(struct ttb__network *network, struct link *link,
                            const struct ttb_net_end *from, const Ttb__Scenario__Change *change)
{
    struct ttb_net_params params = {.size = sizeof(params)};
    int rc = ttb_net_link_get(link->link, from, &params);

    if (change->has_rate_bps)
        params.rate_bps = change->rate_bps;
    if (change->has_delay_ns)
        params.delay_ns = change->delay_ns;
    if (change->has_loss_ppb)
        params.loss = (double)change->loss_ppb / TTB_SCENARIO_PPB;
    if (change->has_queue_frames)
        params.queue_frames = change->queue_frames;
    if (!rc)
        rc = ttb_net_link_set(link->link, from, &params);
    return rc ? fail_net(network, rc) : 0;
}

static int change_link(struct ttb__network *network, size_t number,
                       const Ttb__Scenario__Change *change)
{
    struct link *link = &network->links[number];
    int rc = 0;

    for (unsigned i = 0; i < 2 && !rc; i++)
        rc = change_direction(network, link, link->ends[i].end, change);
    if (!rc && change->has_up) {
        link->is_up = change->up;
        rc = settle(network, link);
    }
    return rc;
}

static int set_interface(struct ttb__network *network, size_t node, size_t number, bool up)
{
    for (size_t i = 0; i < network->scenario->n_links; i++) {
        for (unsigned j = 0; j < 2; j++) {
            struct link *link = &network->links[i];

            if (!link->ends[j].interface || link->ends[j].node != node ||
                link->ends[j].number != number)
                continue;
            link->interface_is_down[j] = !up;
            return settle(network, link);
        }
    }
    return fail(network, -EINVAL, "no such interface");
}

static void count_link(struct ttb__network *network, size_t number,
                       struct ttb__link_counters *counters)
{
    const struct link *link = &network->links[number];

    memset(counters, 0, sizeof(*counters));
    for (unsigned i = 0; i < 2; i++) {
        struct ttb_net_stats stats;

        ttb_net_end_get_stats(link->ends[i].end, &stats);
        counters->sent += stats.offered_frames;
        counters->received += stats.delivered_frames;
        counters->lost += stats.dropped[TTB_NET_DROP_LOSS];
        counters->queue_full +=
            stats.dropped[TTB_NET_DROP_QUEUE_FRAMES] + stats.dropped[TTB_NET_DROP_QUEUE_BYTES];
        counters->down += stats.dropped[TTB_NET_DROP_LINK_DOWN];
        counters->other += stats.dropped[TTB_NET_DROP_RECEIVER];
    }
}

static uint64_t under_way(struct ttb__network *network, size_t number)
{
    struct ttb__link_counters counters;

    count_link(network, number, &counters);
    return counters.sent - counters.received - counters.lost - counters.queue_full - counters.down -
           counters.other;
}

static int close_files(struct ttb__network *network)
{
    int rc = 0;

    for (size_t i = 0; i < network->scenario->n_links; i++) {
        int closed = ttb__pcap_close(network->links[i].pcap);

        network->links[i].pcap = NULL;
        if (closed && !rc)
            rc = fail(network, closed, "a pcap file could not be written");
    }
    return rc;
}

static int finish(struct ttb__network *network, bool whole)
{
    if (whole)
        ttb__queues_settle(&network->queues);
    network->queues.writer = NULL;
    return close_files(network);
}

static const char *get_error(const struct ttb__network *network)
{
    return network->error;
}

static void free_network(struct ttb__network *network)
{
    network->queues.writer = NULL; /* it may be over */
    if (network->links)
        close_files(network);
    ttb_net_free(network->net);
    free(network->links);
    free(network->known);
    free(network);
}

const struct ttb__network_ops ttb__network_built_in = {
    .name = "builtin",
    .check = check,
    .build = build,
    .run = run,
    .stop = stop,
    .now_ns = now_ns,
    .change_link = change_link,
    .set_interface = set_interface,
    .count_link = count_link,
    .under_way = under_way,
    .finish = finish,
    .error = get_error,
    .free = free_network,
};
