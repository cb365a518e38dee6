/* SPDX-License-Identifier: BSD-3-Clause */
/* The network: its event loop, timers and ends. */
#include "link/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ttb__net_fail(struct ttb_net *net, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(net->error.text, sizeof(net->error.text), format, args);
    va_end(args);
    return code;
}

void ttb__net_break(struct ttb_net *net, int code, const char *format, ...)
{
    va_list args;

    if (net->failed)
        return;
    va_start(args, format);
    vsnprintf(net->error.text, sizeof(net->error.text), format, args);
    va_end(args);
    net->failed = code;
}

void ttb__net_tap(struct ttb_net *net, enum ttb_net_tap_event event, enum ttb_net_drop reason,
                  const struct ttb_net_end *end, uint64_t time_ns, const struct ttb__frame *frame)
{
    struct ttb_net_tap_record record = {
        .time_ns = time_ns,
        .event = event,
        .reason = reason,
        .end = end,
        .frame = frame->data,
        .len_bytes = frame->len_bytes,
        .mark = frame->mark,
    };

    if (net->tap)
        net->tap(net->tap_user, &record);
}

/* ------------------------------------------------------------------------------------ network */

int ttb_net_new(struct ttb_bridge *bridge, const struct ttb_net_opts *opts, struct ttb_net **net)
{
    struct ttb_net *made;

    if (!bridge || (opts && opts->size < sizeof(*opts)))
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->bridge = bridge;
    made->seed = opts ? opts->seed : 0;
    made->now_ns = ttb_bridge_now_ns(bridge);
    *net = made;
    return 0;
}

void ttb_net_free(struct ttb_net *net)
{
    if (!net)
        return;
    ttb__link_free_all(net);
    while (net->timers)
        ttb_net_timer_cancel(net->timers);
    while (net->ends) {
        struct ttb_net_end *end = net->ends;

        net->ends = end->next;
        if (end->port)
            ttb_port_on_transmit(end->port, NULL, NULL);
        free(end);
    }
    ttb__switch_free_all(net);
    ttb__calendar_clear(&net->calendar);
    free(net);
}

const char *ttb_net_error(const struct ttb_net *net)
{
    return net->error.text[0] ? net->error.text : ttb_bridge_error(net->bridge);
}

uint64_t ttb_net_now_ns(const struct ttb_net *net)
{
    return net->now_ns;
}

struct ttb_bridge *ttb_net_bridge(const struct ttb_net *net)
{
    return net->bridge;
}

void ttb_net_stop(struct ttb_net *net)
{
    net->stopping = true;
}

void ttb_net_set_tap(struct ttb_net *net, ttb_net_tap_fn fn, void *user)
{
    net->tap = fn;
    net->tap_user = user;
}

int ttb_net_set_marks(struct ttb_net *net, const struct ttb_net_marks *marks, void *user)
{
    if (marks && marks->size < sizeof(*marks))
        return ttb__net_fail(net, -EINVAL, "marks: size %zu is too small", marks->size);
    net->marks = marks ? *marks : (struct ttb_net_marks){.size = 0};
    net->marks_user = user;
    return 0;
}

static void mark(const struct ttb_net_end *end, struct ttb__frame *frame)
{
    const struct ttb_net *net = end->net;

    if (net->marks.sent)
        frame->mark = net->marks.sent(net->marks_user, end);
}

void ttb_net_watch_queues(struct ttb_net *net, ttb_net_queue_fn fn, void *user)
{
    net->queue_told = fn;
    net->queue_user = user;
}

/* --------------------------------------------------------------------------------- event loop */

static uint64_t next_ns(const struct ttb_net *net)
{
    const struct ttb__calendar_entry *first = ttb__calendar_first(&net->calendar);

    return first ? first->key.time_ns : TTB_TIME_NEVER;
}

static void fire(struct ttb_net_timer *timer)
{
    struct ttb_net_timer fired = *timer;

    ttb_net_timer_cancel(timer); /* it is over before its callback begins */
    fired.fn(fired.user, fired.net->now_ns);
}

static void execute_first(struct ttb_net *net)
{
    struct ttb__calendar_entry *first = ttb__calendar_first(&net->calendar);

    if (first->key.id == TTB__NET_ID_TIMER)
        fire(TTB__CONTAINER(first, struct ttb_net_timer, entry));
    else
        ttb__lane_step(TTB__CONTAINER(first, struct ttb__lane, entry));
}

/* Everything that is due at the network's clock. */
static void execute_instant(struct ttb_net *net)
{
    unsigned executed = 0;

    while (!net->stopping && !net->failed && next_ns(net) <= net->now_ns) {
        if (++executed > TTB__NET_INSTANT_MAX) {
            ttb__net_break(net, -ELOOP,
                           "more than %u events at %" PRIu64
                           " ns: frames circulate without time passing",
                           TTB__NET_INSTANT_MAX, net->now_ns);
            return;
        }
        execute_first(net);
    }
}

static int run(struct ttb_net *net, uint64_t until_ns)
{
    while (!net->stopping && !net->failed) {
        uint64_t due_ns = next_ns(net), now_ns;
        uint64_t target_ns = due_ns < until_ns ? due_ns : until_ns;
        int rc = ttb__net_promise(net);

        if (rc)
            return net->failed = rc;
        rc = ttb_bridge_advance(net->bridge, target_ns, &now_ns);
        if (rc) {
            /* Copied: the bridge's sentence lives until the next call only. */
            ttb__net_break(net, rc, "%s", ttb_bridge_error(net->bridge));
            break;
        }
        if (now_ns == TTB_TIME_NEVER)
            return 0; /* nothing will ever happen any more */
        net->now_ns = now_ns;
        if (now_ns >= until_ns)
            return net->failed;
        execute_instant(net);
    }
    return net->failed;
}

int ttb_net_run(struct ttb_net *net, uint64_t until_ns)
{
    int rc;

    if (net->running)
        return ttb__net_fail(net, -EBUSY, "ttb_net_run() from a callback");
    if (net->failed)
        return net->failed;
    if (until_ns < net->now_ns) {
        return ttb__net_fail(
            net, -EINVAL, "ttb_net_run(): until_ns %" PRIu64 " lies before the clock (%" PRIu64 ")",
            until_ns, net->now_ns);
    }
    net->running = true;
    net->stopping = false;
    rc = run(net, until_ns);
    net->running = false;
    return rc;
}

/* ------------------------------------------------------------------------------------- timers */

int ttb_net_call_at(struct ttb_net *net, uint64_t time_ns, ttb_net_timer_fn fn, void *user,
                    struct ttb_net_timer **timer)
{
    struct ttb_net_timer *made;
    int rc;

    if (!fn || time_ns == TTB_TIME_NEVER || time_ns < net->now_ns) {
        return ttb__net_fail(net, -EINVAL,
                             "timer: needs a function and a time that is not over (%" PRIu64
                             " ns, the clock is at %" PRIu64 " ns)",
                             time_ns, net->now_ns);
    }
    made = calloc(1, sizeof(*made));
    if (!made)
        return ttb__net_fail(net, -ENOMEM, "no memory for a timer");
    made->net = net;
    made->fn = fn;
    made->user = user;
    rc = ttb__calendar_insert(&net->calendar, &made->entry, time_ns, TTB__CLASS_NETWORK,
                              TTB__NET_ID_TIMER);
    if (rc) {
        free(made);
        return ttb__net_fail(net, rc, "no memory for a timer");
    }
    made->next = net->timers;
    made->link = &net->timers;
    if (made->next)
        made->next->link = &made->next;
    net->timers = made;
    if (timer)
        *timer = made;
    return 0;
}

void ttb_net_timer_cancel(struct ttb_net_timer *timer)
{
    if (!timer)
        return;
    ttb__calendar_remove(&timer->net->calendar, &timer->entry);
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    free(timer);
}

/* --------------------------------------------------------------------------------------- ends */

int ttb__net_new_end(struct ttb_net *net, enum ttb__end_kind kind, struct ttb_net_end **end)
{
    struct ttb_net_end *made = calloc(1, sizeof(*made));

    if (!made)
        return ttb__net_fail(net, -ENOMEM, "no memory for an end");
    made->net = net;
    made->kind = kind;
    made->next = net->ends;
    net->ends = made;
    net->promises_stale = true;
    *end = made;
    return 0;
}

static void count_unlinked(struct ttb_net_end *end, const struct ttb__frame *frame,
                           uint64_t time_ns)
{
    struct ttb_net *net = end->net;

    end->stats.offered_frames++;
    end->stats.offered_bytes += frame->len_bytes;
    end->stats.dropped[TTB_NET_DROP_NO_LINK]++;
    ttb__net_tap(net, TTB_NET_TAP_SEND, TTB_NET_DROP_NONE, end, time_ns, frame);
    ttb__net_tap(net, TTB_NET_TAP_DROP, TTB_NET_DROP_NO_LINK, end, time_ns, frame);
}

/* A node has sent. This is within advance(), where nothing may be done but to take note. */
static void port_transmitted(void *user, struct ttb_port *port, uint64_t time_ns, const void *data,
                             size_t len_bytes)
{
    struct ttb_net_end *end = user;
    struct ttb__frame *frame =
        ttb__frame_new(ttb_frame_hold(ttb_bridge_transmitting(end->net->bridge)));

    (void)port;
    (void)data;
    (void)len_bytes;
    if (!frame) {
        ttb__net_break(end->net, -ENOMEM, "no memory for a frame");
        return;
    }
    mark(end, frame);
    if (end->lane)
        ttb__lane_send_at(end->lane, frame, time_ns);
    else
        count_unlinked(end, frame, time_ns);
    ttb__frame_release(frame);
}

int ttb_net_add_port(struct ttb_net *net, struct ttb_port *port, struct ttb_net_end **end)
{
    struct ttb_node *node = ttb_port_node(port);
    struct ttb_net_end *made;
    int rc;

    if (node && ttb_node_bridge(node) != net->bridge) {
        return ttb__net_fail(net, -EINVAL, "port %s.%s belongs to another bridge",
                             ttb_node_name(node), ttb_port_name(port));
    }
    for (made = net->ends; made; made = made->next) {
        if (made->port == port)
            return ttb__net_fail(net, -EEXIST, "port %s has an end already", made->name);
    }
    rc = ttb__net_new_end(net, TTB__END_PORT, &made);
    if (rc)
        return rc;
    made->port = port;
    snprintf(made->name, sizeof(made->name), "%s%s%s", node ? ttb_node_name(node) : "",
             node ? "." : "", ttb_port_name(port));
    ttb_port_on_transmit(port, port_transmitted, made);
    *end = made;
    return 0;
}

int ttb_net_add_host(struct ttb_net *net, const char *name, ttb_net_receive_fn receive, void *user,
                     struct ttb_net_end **end)
{
    struct ttb_net_end *made;
    int rc;

    if (!name || !name[0] || strlen(name) > TTB_NET_NAME_MAX) {
        return ttb__net_fail(net, -EINVAL, "host: a name of 1 to %d bytes is needed",
                             TTB_NET_NAME_MAX);
    }
    rc = ttb__net_new_end(net, TTB__END_HOST, &made);
    if (rc)
        return rc;
    snprintf(made->name, sizeof(made->name), "%s", name);
    made->receive = receive;
    made->receive_user = user;
    *end = made;
    return 0;
}

void ttb__end_send(struct ttb_net_end *end, struct ttb__frame *frame)
{
    if (end->lane)
        ttb__lane_send(end->lane, frame);
    else
        count_unlinked(end, frame, end->net->now_ns);
}

int ttb_net_host_send(struct ttb_net_end *host, const void *data, size_t len_bytes)
{
    struct ttb_net *net = host->net;
    struct ttb__frame *frame;

    if (host->kind != TTB__END_HOST)
        return ttb__net_fail(net, -EINVAL, "%s is no host: it sends by itself", host->name);
    if (len_bytes < TTB__ETHERNET_HEADER) {
        return ttb__net_fail(net, -EINVAL, "%s: a frame of %zu bytes has no Ethernet header",
                             host->name, len_bytes);
    }
    if (len_bytes > TTB_FRAME_MAX) {
        return ttb__net_fail(net, -EMSGSIZE, "%s: a frame of %zu bytes exceeds %d", host->name,
                             len_bytes, TTB_FRAME_MAX);
    }
    frame = ttb__frame_new(ttb_frame_new(data, len_bytes));
    if (!frame)
        return ttb__net_fail(net, -ENOMEM, "no memory for a frame");
    mark(host, frame);
    ttb__end_send(host, frame);
    ttb__frame_release(frame);
    return net->failed;
}

bool ttb__end_receive(struct ttb_net_end *end, struct ttb__frame *frame)
{
    struct ttb_net *net = end->net;

    if (end->kind == TTB__END_PORT && net->marks.arrives)
        net->marks.arrives(net->marks_user, end, frame->mark);
    if (end->kind == TTB__END_PORT && ttb_port_deliver_frame(end->port, frame->content))
        return false;
    ttb__net_tap(net, TTB_NET_TAP_RECEIVE, TTB_NET_DROP_NONE, end, net->now_ns, frame);
    if (end->kind == TTB__END_SWITCH)
        ttb__switch_receive(end, frame);
    else if (end->kind == TTB__END_HOST && end->receive)
        end->receive(end->receive_user, end, net->now_ns, frame->data, frame->len_bytes);
    return true;
}

const char *ttb_net_end_name(const struct ttb_net_end *end)
{
    return end->name;
}

struct ttb_port *ttb_net_end_port(const struct ttb_net_end *end)
{
    return end->port;
}

void ttb_net_end_get_stats(const struct ttb_net_end *end, struct ttb_net_stats *stats)
{
    *stats = end->stats;
}

const char *ttb_net_drop_name(enum ttb_net_drop reason)
{
    static const char *const names[TTB_NET_DROP_COUNT] = {
        [TTB_NET_DROP_NONE] = "none",
        [TTB_NET_DROP_NO_LINK] = "no link",
        [TTB_NET_DROP_LINK_DOWN] = "link down",
        [TTB_NET_DROP_QUEUE_FRAMES] = "queue full (frames)",
        [TTB_NET_DROP_QUEUE_BYTES] = "queue full (bytes)",
        [TTB_NET_DROP_LOSS] = "lost",
        [TTB_NET_DROP_RECEIVER] = "refused by the receiver",
    };

    if ((unsigned)reason >= TTB_NET_DROP_COUNT)
        return "unknown";
    return names[reason];
}
