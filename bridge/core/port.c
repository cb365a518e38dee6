/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: frames in and out of nodes, and when a guest may see that its rings have changed.
 *
 * A kick blocks the guest until we reply. In it the frames are taken at the guest's own time, and the
 * guest's bound is lowered to that instant: what the network makes of the frame may come back at it.
 * Calls (interrupts) are collected and sent when the guest is blocked and everything else that
 * belongs to the instant has been done; the guest then asks for a grant at this instant.
 */
#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/socket.h"
#include "base/time.h"

#define ETHERNET_HEADER_BYTES 14
#define DEFAULT_MTU           1500
#define DEFAULT_BACKLOG       1000
#define DEFAULT_COALESCE      256
#define COALESCE_MAX_NS       1000000000

/* ------------------------------------------------------------------------------------ calls */

/* A node that is ahead of the bridge's clock is interrupted where it is. */
void ttb__port_queue_call(struct ttb_port *port, uint64_t time_ns)
{
    struct ttb_node *node = port->node;

    if (port->queued || port->closed || !port->netdev || !ttb__netdev_has_calls(port->netdev) ||
        node->paused)
        return;
    port->queued = true;
    port->next_call = NULL;
    *node->calls_end = port;
    node->calls_end = &port->next_call;
    if (node->calls == port) {
        uint64_t own_ns = ttb__controller_time_ns(node->controller);

        node->call_ns = time_ns > own_ns ? time_ns : own_ns;
    }
    ttb__node_schedule(node);
}

static bool node_is_calling(const struct ttb_node *node)
{
    for (uint32_t i = 0; i < node->port_count; i++) {
        if (node->ports[i]->calling)
            return true;
    }
    return false;
}

static bool all_calls_answered(const struct ttb_bridge *bridge)
{
    return bridge->calls_unanswered == 0;
}

static void send_calls(struct ttb_port *port)
{
    struct ttb_node *node = port->node;
    int rc;

    if (port->closed || !port->netdev || node->ending || ttb__shared_call(port))
        return;
    rc = ttb__controller_set_time(node->controller, node->call_ns);
    if (rc) {
        ttb__node_note_end(node, rc, "it cannot be interrupted at the bridge's time");
        return; /* if it has failed by itself already, that cause counts */
    }
    rc = ttb__netdev_flush_calls(port->netdev);
    if (rc <= 0)
        return; /* nothing to wait for, or it has failed and says so itself */
    node->stats.calls++;
    port->bridge->placement.window.hand_overs++;
    port->calling = true;
    port->bridge->calls_unanswered++;
}

static bool send_next_calls(struct ttb_node *node)
{
    struct ttb_port *port = node->calls;

    if (!port)
        return false;
    node->calls = port->next_call;
    if (!node->calls)
        node->calls_end = &node->calls;
    port->queued = false;
    send_calls(port);
    return true;
}

/*
 * A node with several ports is called by one after the other: two descriptors that become readable
 * at once would leave the order of its interrupts to the host.
 */
int ttb__port_settle_calls(struct ttb_bridge *bridge)
{
    bool any;

    for (uint32_t i = 0; i < bridge->round_count; i++)
        ttb__coalesce_settle(bridge->round[i], bridge->round[i]->entry.key.time_ns);
    do {
        int rc;

        any = false;
        for (uint32_t i = 0; i < bridge->round_count; i++) {
            if (send_next_calls(bridge->round[i]))
                any = true;
        }
        rc = ttb__bridge_wait(bridge, all_calls_answered, node_is_calling);
        if (rc)
            return rc;
        ttb__bridge_sweep(bridge);
    } while (any);
    return 0;
}

static void call_answered(struct ttb_port *port)
{
    if (!port->calling)
        return;
    port->calling = false;
    port->bridge->calls_unanswered--;
}

static void unqueue_call(struct ttb_port *port)
{
    struct ttb_node *node = port->node;

    if (!port->queued)
        return;
    for (struct ttb_port **link = &node->calls; *link; link = &(*link)->next_call) {
        if (*link != port)
            continue;
        *link = port->next_call;
        if (!*link)
            node->calls_end = link;
        break;
    }
    port->queued = false;
}

void ttb__port_pause(struct ttb_port *port)
{
    unqueue_call(port);
}

void ttb__port_resume(struct ttb_port *port)
{
    ttb__coalesce_resume(port);
    ttb__port_queue_call(port, port->bridge->now_ns);
}

/* ---------------------------------------------------------------------- the device's callbacks */

/* What it has kicked before comes first. */
static void on_arrived(void *user)
{
    struct ttb_port *port = user;
    struct ttb_node *node = port->node;

    if (node && node->runs && !node->ending)
        ttb__controller_serve_kicks(node->controller);
}

static void on_kick(void *user)
{
    struct ttb_port *port = user;
    struct ttb_node *node = port->node;

    if (!node || node->ending)
        return;
    if (!node->runs) {
        char why[128];

        snprintf(why, sizeof(why), "port %s: VRING_KICK while the node has no grant", port->name);
        ttb__node_note_end(node, -EPROTO, why);
        return;
    }
    node->stats.kicks++;
    port->bridge->placement.window.hand_overs++;
    node->kick_ns = ttb__controller_time_ns(node->controller);
}

static void on_transmit(void *user, struct ttb_frame *frame)
{
    struct ttb_port *port = user;
    struct ttb_bridge *bridge = port->bridge;
    bool busy = bridge->busy;

    if (port->node && port->node->ending)
        return;
    port->stats.tx_frames++;
    port->stats.tx_bytes += frame->len_bytes;
    if (port->node) {
        if (ttb__transmit_add(port, port->node->kick_ns, frame))
            ttb__node_note_end(port->node, -ENOMEM, "out of memory");
        return;
    }
    bridge->transmitted = true;
    bridge->busy = true; /* this may be called outside advance() */
    bridge->transmitting = frame;
    if (bridge->observer.transmitted)
        bridge->observer.transmitted(bridge->observer_user, port, bridge->now_ns, frame->data,
                                     frame->len_bytes);
    if (port->transmit)
        port->transmit(port->transmit_user, port, bridge->now_ns, frame->data, frame->len_bytes);
    bridge->transmitting = NULL;
    bridge->busy = busy;
}

static void on_transmit_dropped(void *user, const char *why)
{
    struct ttb_port *port = user;

    if (port->stats.tx_dropped++ == 0) {
        ttb_bridge_log(port->bridge, TTB_LOG_WARNING,
                       "node %s port %s: a frame was not sent: %s (further ones are only counted)",
                       port->node ? port->node->name : "(none)", port->name, why);
    }
}

static bool on_kicked(void *user, unsigned sent, bool calls_wanted)
{
    struct ttb_port *port = user;
    struct ttb_node *node = port->node;
    uint64_t bound_ns;
    int rc;

    if (!node) {
        ttb__netdev_flush_calls(
            port->netdev); /* eventfds: nobody is blocked, nothing to wait for */
        return false;
    }
    if (node->ending || !node->runs)
        return false;
    bound_ns = node->kick_ns + 1;
    if (node->serving || (!calls_wanted && !ttb__netdev_has_calls(port->netdev))) {
        /* Only what it has sent can come back to it; kicks before have lowered the bound already. */
        bound_ns = sent ? ttb__port_return_ns(port, node->kick_ns) : TTB_TIME_NEVER;
    }
    if (!node->serving)
        ttb__port_queue_call(port, node->kick_ns);
    if (port->coalesce_ns)
        bound_ns = ttb__time_earlier(bound_ns, ttb__coalesce_sent(port, node->kick_ns));
    if (bound_ns >= node->bound_ns)
        return false;
    node->bound_ns = bound_ns;
    rc = ttb__controller_limit(node->controller, node->bound_ns);
    return rc == 1;
}

static void on_calls_done(void *user)
{
    struct ttb_port *port = user;

    call_answered(port);
    if (port->node)
        ttb__node_schedule(port->node);
}

static void on_link(void *user, bool up)
{
    struct ttb_port *port = user;

    ttb_bridge_log(port->bridge, TTB_LOG_DEBUG, "node %s port %s: driver %s",
                   port->node ? port->node->name : "(none)", port->name,
                   up ? "attached" : "detached");
    if (up)
        ttb__shared_attach(port);
    else
        ttb__shared_detach(port);
}

static void on_closed(void *user, int err, const char *why)
{
    struct ttb_port *port = user;
    struct ttb_node *node = port->node;

    call_answered(port);
    port->closed = true;
    port->bridge->sweep_due = true;
    if (err == 0)
        return;
    if (node) {
        char text[TTB__ERROR_MAX];

        snprintf(text, sizeof(text), "port %s: %s", port->name, why);
        ttb__node_note_end(node, err, text);
    } else {
        ttb_bridge_log(port->bridge, TTB_LOG_WARNING, "port %s: %s", port->name, why);
    }
}

static const struct ttb__netdev_ops netdev_ops = {
    .arrived = on_arrived,
    .kick = on_kick,
    .transmit = on_transmit,
    .transmit_dropped = on_transmit_dropped,
    .kicked = on_kicked,
    .calls_done = on_calls_done,
    .link = on_link,
    .closed = on_closed,
};

void ttb__port_release_replies(struct ttb_node *node)
{
    for (uint32_t i = 0; i < node->port_count; i++) {
        struct ttb_port *port = node->ports[i];

        if (port->netdev && !port->closed && ttb__netdev_owes_reply(port->netdev))
            ttb__netdev_reply(port->netdev);
    }
}

/* --------------------------------------------------------------------------------- connections */

static void attach(struct ttb_port *port, int fd)
{
    const struct ttb__netdev_opts opts = {
        .pool = port->bridge->frames,
        .mac = {port->mac[0], port->mac[1], port->mac[2], port->mac[3], port->mac[4], port->mac[5]},
        .mtu = port->mtu,
        .carrier = port->carrier,
        .wall_clock = !port->node,
        .backlog_frames = port->backlog_frames,
        .offload = port->offload,
        .hold = port->coalesce_ns > 0,
    };
    int rc = ttb__netdev_new(&port->bridge->loop, fd, &opts, &netdev_ops, port, &port->netdev);

    if (rc) {
        ttb_bridge_log(port->bridge, TTB_LOG_WARNING, "port %s: cannot take a connection: %s",
                       port->name, strerror(-rc));
    }
}

static void on_accept(void *user, uint32_t events)
{
    struct ttb_port *port = user;
    int fd;

    (void)events;
    while ((fd = ttb__socket_accept(port->listener.fd)) >= 0) {
        ttb__port_sweep(port); /* its predecessor's end may not have been carried out yet */
        if (!port->netdev && (!port->node || port->node->runs)) {
            attach(port, fd);
            continue;
        }
        ttb_bridge_log(port->bridge, TTB_LOG_WARNING, "port %s: refused a connection: %s",
                       port->name,
                       port->netdev ? "a driver is attached already" : "its node does not run");
        close(fd);
    }
}

/* Close the connection, if any; the port listens on for the node's next life. */
void ttb__port_close(struct ttb_port *port)
{
    call_answered(port);
    unqueue_call(port);
    ttb__coalesce_clear(port);
    port->closed = false;
    if (!port->netdev)
        return;
    ttb__netdev_free(port->netdev);
    port->netdev = NULL;
    port->rx_slot = port->tx_slot = -1;
}

void ttb__port_sweep(struct ttb_port *port)
{
    if (port->closed)
        ttb__port_close(port);
}

void ttb__port_free(struct ttb_port *port)
{
    ttb__port_close(port);
    ttb__listener_close(port->bridge, &port->listener);
    free(port);
}

/* -------------------------------------------------------------------------------------- public */

static void choose_mac(struct ttb_port *port, const uint8_t mac[6])
{
    static const uint8_t none[6];
    uint32_t id = port->node ? port->node->id : 0xffff;

    if (memcmp(mac, none, sizeof(none)) != 0) {
        memcpy(port->mac, mac, sizeof(port->mac));
        return;
    }
    /* locally administered, unicast; "tt" */
    memcpy(port->mac,
           (uint8_t[6]){0x02, 0x74, 0x74, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)port->index},
           6);
}

static int port_new(struct ttb_bridge *bridge, struct ttb_node *node, uint32_t index,
                    const struct ttb_port_opts *opts, struct ttb_port **made)
{
    char socket_name[2 * TTB_NAME_MAX + 2];
    struct ttb_port *port;
    int rc;

    if (opts->mac[0] & 1) {
        return ttb__bridge_fail(bridge, -EINVAL, "port %s: mac %02x:..: is a group address",
                                opts->name, opts->mac[0]);
    }
    if (opts->mtu && opts->mtu < 68) {
        return ttb__bridge_fail(bridge, -EINVAL,
                                "port %s: mtu %u is less than IPv4's minimum of 68", opts->name,
                                opts->mtu);
    }
    if (opts->coalesce_ns > COALESCE_MAX_NS || (opts->coalesce_ns && !node)) {
        return ttb__bridge_fail(bridge, -EINVAL,
                                "port %s: coalesce_ns %" PRIu64
                                " is more than a second, or the port is in wall-clock time",
                                opts->name, opts->coalesce_ns);
    }
    port = calloc(1, sizeof(*port));
    if (!port)
        return ttb__bridge_fail(bridge, -ENOMEM, "out of memory");
    *port = (struct ttb_port){
        .bridge = bridge,
        .node = node,
        .index = index,
        .mtu = opts->mtu ? opts->mtu : DEFAULT_MTU,
        .backlog_frames = opts->backlog_frames ? opts->backlog_frames : DEFAULT_BACKLOG,
        .offload = opts->offload,
        .coalesce_ns = opts->coalesce_ns,
        .coalesce_frames = opts->coalesce_frames ? opts->coalesce_frames : DEFAULT_COALESCE,
        .rx_slot = -1,
        .tx_slot = -1,
        .due_ns = TTB_TIME_NEVER,
        .tx_due_ns = TTB_TIME_NEVER,
        .carrier = true,
        .listener = {.fd = -1},
    };
    if (port->coalesce_frames > port->backlog_frames)
        port->coalesce_frames = port->backlog_frames;
    strcpy(port->name, opts->name);
    if (node)
        port->slot = bridge->port_slots++;
    bridge->look_ahead.stale = true;
    choose_mac(port, opts->mac);
    snprintf(socket_name, sizeof(socket_name), "%s%s%s", node ? node->name : "", node ? "." : "",
             port->name);
    rc = ttb__bridge_listen(bridge, &port->listener, socket_name, on_accept, port);
    if (rc) {
        free(port);
        return rc;
    }
    *made = port;
    return 0;
}

int ttb_node_add_port(struct ttb_node *node, const struct ttb_port_opts *opts,
                      struct ttb_port **port)
{
    struct ttb_bridge *bridge = node->bridge;
    int rc;

    if (opts->size < sizeof(*opts) || !ttb__name_is_valid(opts->name)) {
        return ttb__bridge_fail(bridge, -EINVAL,
                                "node %s: port name \"%s\" is not 1 to %d of [A-Za-z0-9_-]",
                                node->name, opts->name ? opts->name : "", TTB_NAME_MAX);
    }
    if (bridge->busy || (node->state != TTB_NODE_IDLE && node->state != TTB_NODE_STOPPED &&
                         node->state != TTB_NODE_FAILED)) {
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: ports are added before it starts",
                                node->name);
    }
    if (node->port_count == TTB__PORTS_MAX) {
        return ttb__bridge_fail(bridge, -EINVAL, "node %s: more than %d ports", node->name,
                                TTB__PORTS_MAX);
    }
    for (uint32_t i = 0; i < node->port_count; i++) {
        if (strcmp(node->ports[i]->name, opts->name) == 0) {
            return ttb__bridge_fail(bridge, -EEXIST, "node %s: there is a port %s already",
                                    node->name, opts->name);
        }
    }
    rc = port_new(bridge, node, node->port_count, opts, port);
    if (rc)
        return rc;
    node->ports[node->port_count++] = *port;
    return 0;
}

int ttb_bridge_add_wall_clock_port(struct ttb_bridge *bridge, const struct ttb_port_opts *opts,
                                   struct ttb_port **port)
{
    struct ttb_port **grown;
    int rc;

    if (opts->size < sizeof(*opts) || !ttb__name_is_valid(opts->name)) {
        return ttb__bridge_fail(bridge, -EINVAL, "port name \"%s\" is not 1 to %d of [A-Za-z0-9_-]",
                                opts->name ? opts->name : "", TTB_NAME_MAX);
    }
    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "port %s: added from a callback", opts->name);
    grown = realloc(bridge->wall_ports, (bridge->wall_port_count + 1) * sizeof(struct ttb_port *));
    if (!grown)
        return ttb__bridge_fail(bridge, -ENOMEM, "out of memory");
    bridge->wall_ports = grown;
    rc = port_new(bridge, NULL, bridge->wall_port_count, opts, port);
    if (rc)
        return rc;
    bridge->wall_ports[bridge->wall_port_count++] = *port;
    return 0;
}

void ttb_port_on_transmit(struct ttb_port *port, ttb_transmit_fn fn, void *user)
{
    port->transmit = fn;
    port->transmit_user = user;
}

const char *ttb_drop_name(enum ttb_drop reason)
{
    static const char *const names[TTB_DROP_COUNT] = {
        [TTB_DROP_NONE] = "none",           [TTB_DROP_PORT_DOWN] = "port down",
        [TTB_DROP_NO_BUFFER] = "no buffer", [TTB_DROP_TOO_LONG] = "too long",
        [TTB_DROP_TOO_SHORT] = "too short",
    };

    return reason >= 0 && reason < TTB_DROP_COUNT ? names[reason] : "unknown";
}

const char *ttb_action_name(enum ttb_action_kind kind)
{
    static const char *const names[TTB_ACTION_COUNT] = {
        [TTB_ACTION_STOP] = "power-off",        [TTB_ACTION_START] = "power-on",
        [TTB_ACTION_PAUSE] = "pause",           [TTB_ACTION_RESUME] = "resume",
        [TTB_ACTION_CARRIER_ON] = "carrier-on", [TTB_ACTION_CARRIER_OFF] = "carrier-off",
    };

    return kind < TTB_ACTION_COUNT ? names[kind] : "unknown";
}

/* Hand the frame to the driver, if there is one and it can take it. */
/* A frame, or, if there is none, bytes that are to be copied if they have to wait. */
static int receive(struct ttb_port *port, struct ttb_frame *frame, const void *data,
                   size_t len_bytes, enum ttb_drop *drop)
{
    int rc;

    *drop = TTB_DROP_TOO_SHORT;
    if (len_bytes < ETHERNET_HEADER_BYTES)
        return -EINVAL;
    *drop = TTB_DROP_PORT_DOWN;
    if (!port->netdev || port->closed || !port->carrier || (port->node && port->node->ending))
        return -ENETDOWN;
    rc = frame ? ttb__netdev_receive(port->netdev, frame)
               : ttb__netdev_receive_copy(port->netdev, data, len_bytes);
    if (rc == 0)
        *drop = TTB_DROP_NONE;
    else if (rc == -ENOBUFS)
        *drop = TTB_DROP_NO_BUFFER;
    else if (rc == -EMSGSIZE)
        *drop = TTB_DROP_TOO_LONG;
    else
        rc = -ENETDOWN;
    return rc;
}

/* Let the driver know what has changed: a node when its turn comes, anybody else at once. */
static void notify(struct ttb_port *port)
{
    if (!port->node) {
        ttb__netdev_flush_calls(port->netdev);
        return;
    }
    ttb__port_queue_call(port, port->bridge->now_ns);
}

/* How far it may have run is how far nothing could reach it by what was promised. */
static int check_latency(const struct ttb_port *port)
{
    const struct ttb_node *node = port->node;
    struct ttb_bridge *bridge = port->bridge;

    if (!bridge->look_ahead.closure || !node || node->state != TTB_NODE_WAITING || node->ending ||
        node->ran_to_ns <= bridge->now_ns + 1) /* it has been strictly before */
        return 0;
    return ttb__bridge_fail(bridge, -ETIME,
                            "node %s port %s: a frame at %" PRIu64
                            " ns, but the node may have run up to %" PRIu64
                            " ns already: a shorter latency has to be promised",
                            node->name, port->name, bridge->now_ns, node->ran_to_ns - 1);
}

static int take(struct ttb_port *port, struct ttb_frame *frame, const void *data, size_t len_bytes)
{
    struct ttb_bridge *bridge = port->bridge;
    enum ttb_drop drop;
    int rc = receive(port, frame, data, len_bytes, &drop);

    if (rc) {
        port->stats.dropped[drop]++;
    } else {
        port->stats.rx_frames++;
        port->stats.rx_bytes += len_bytes;
        if (port->coalesce_ns)
            ttb__coalesce_note(port);
        notify(port);
    }
    if (bridge->observer.delivered) {
        ttb__wall_enter(bridge, TTB_WALL_RECORDING);
        bridge->busy = true;
        bridge->observer.delivered(bridge->observer_user, port, bridge->now_ns, data, len_bytes,
                                   drop);
        bridge->busy = false;
    }
    return rc;
}

static int deliver(struct ttb_port *port, struct ttb_frame *frame, const void *data,
                   size_t len_bytes)
{
    enum ttb_wall_part part;
    bool is_timed;
    int rc;

    if (port->bridge->busy)
        return ttb__bridge_fail(port->bridge, -EBUSY, "port %s: deliver() from a callback",
                                port->name);
    rc = check_latency(port);
    if (rc)
        return rc;
    is_timed = ttb__wall_delivery_begins(port->bridge, &part);
    rc = take(port, frame, data, len_bytes);
    if (is_timed)
        ttb__wall_delivery_ends(port->bridge, part);
    return rc;
}

int ttb_port_deliver(struct ttb_port *port, const void *frame, size_t len_bytes)
{
    return deliver(port, NULL, frame, len_bytes);
}

int ttb_port_deliver_frame(struct ttb_port *port, struct ttb_frame *frame)
{
    return deliver(port, frame, frame->data, frame->len_bytes);
}

struct ttb_frame *ttb_bridge_transmitting(const struct ttb_bridge *bridge)
{
    return bridge->transmitting;
}

int ttb_port_set_carrier(struct ttb_port *port, bool on)
{
    if (port->bridge->busy) {
        return ttb__bridge_fail(port->bridge, -EBUSY, "port %s: set_carrier() from a callback",
                                port->name);
    }
    if (on != port->carrier) {
        ttb__bridge_tell(port->bridge,
                         &(struct ttb_action){
                             .kind = on ? TTB_ACTION_CARRIER_ON : TTB_ACTION_CARRIER_OFF,
                             .node = port->node,
                             .port = port,
                             .time_ns = port->bridge->now_ns,
                         });
    }
    port->carrier = on;
    if (!port->netdev || port->closed)
        return 0;
    ttb__netdev_set_carrier(port->netdev, on);
    notify(port);
    return 0;
}

struct ttb_port *ttb_node_port(const struct ttb_node *node, uint32_t index)
{
    return index < node->port_count ? node->ports[index] : NULL;
}

uint64_t ttb_port_way_back_ns(const struct ttb_port *port)
{
    return port->way_back_ns;
}

uint64_t ttb_port_nearest_ns(const struct ttb_port *port)
{
    return port->nearest_ns;
}

const char *ttb_port_name(const struct ttb_port *port)
{
    return port->name;
}

struct ttb_node *ttb_port_node(const struct ttb_port *port)
{
    return port->node;
}

const char *ttb_port_socket_path(const struct ttb_port *port)
{
    return port->listener.path;
}

void ttb_port_get_mac(const struct ttb_port *port, uint8_t mac[6])
{
    memcpy(mac, port->mac, sizeof(port->mac));
}

uint16_t ttb_port_mtu(const struct ttb_port *port)
{
    return port->mtu;
}

bool ttb_port_is_up(const struct ttb_port *port)
{
    return port->netdev && !port->closed && port->carrier && ttb__netdev_is_up(port->netdev);
}

void ttb_port_get_stats(const struct ttb_port *port, struct ttb_port_stats *stats)
{
    *stats = port->stats;
}
