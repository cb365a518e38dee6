/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/socket.h"
#include "core/internal.h"

/* Numbers that are no descriptors: nothing here is a file. */
#define FIRST_FD 1000000

/* Descriptor tables of a device's queues, and their slots in shared memory. */
#define MODEL_RX_RING 0x1000
#define MODEL_TX_RING 0x2000
#define MODEL_RX_SLOT 4
#define MODEL_TX_SLOT 5

struct ttb__controller {
    struct model_node *node;
    const struct ttb__controller_ops *ops;
    void *user;
};

struct ttb__netdev {
    struct model_node *node;
    const struct ttb__netdev_ops *ops;
    void *user;
    bool holds; /* frames wait for ttb__netdev_release() */
    bool has_call, calling, owes_reply;
};

static void transmit(struct ttb__netdev *netdev, const struct model_frame *frame)
{
    struct ttb_frame *made = ttb_frame_new(frame, sizeof(*frame));

    assert(made);
    netdev->ops->transmit(netdev->user, made);
    ttb_frame_release(made);
}

static void add_event(struct model_node *node, uint64_t time_ns, uint8_t origin, uint8_t ttl)
{
    unsigned at = node->event_count++;

    if (node->event_count > MODEL_EVENTS_MAX)
        model_broken("n%u has too much to do", node->index);
    for (; at > 0 && node->events[at - 1].time_ns > time_ns; at--)
        node->events[at] = node->events[at - 1];
    node->events[at] = (struct model_event){.time_ns = time_ns, .origin = origin, .ttl = ttl};
}

static void say(struct model_node *node, const char *what, unsigned origin, unsigned ttl)
{
    char line[64], *grown;
    int len_bytes =
        snprintf(line, sizeof(line), "%" PRIu64 " %s %u %u\n", node->now_ns, what, origin, ttl);

    grown = realloc(node->said, node->said_bytes + (size_t)len_bytes + 1);
    assert(grown);
    memcpy(grown + node->said_bytes, line, (size_t)len_bytes + 1);
    node->said = grown;
    node->said_bytes += (size_t)len_bytes;
}

uint64_t model_next_ns(const struct model_node *node)
{
    return node->event_count ? node->events[0].time_ns : TTB_TIME_NEVER;
}

/* ---------------------------------------------------------------------------- what a node does */

static void read_ring(struct model_node *node)
{
    unsigned visible = node->ring_count - node->held_count;

    node->read_ns = TTB_TIME_NEVER;
    for (unsigned i = 0; i < visible; i++) {
        const struct model_frame *frame = &node->ring[i];

        say(node, "got", frame->sender, frame->ttl);
        if (frame->ttl)
            add_event(node, node->now_ns + node->script.think_ns, frame->origin,
                      (uint8_t)(frame->ttl - 1));
    }
    memmove(node->ring, node->ring + visible, node->held_count * sizeof(*node->ring));
    node->ring_count = node->held_count;
}

/* A kick that the node does not wait for: it stops by itself where something may come of it. */
static void log_kick(struct model_node *node, const struct model_frame *frame)
{
    if (node->log_count == MODEL_EVENTS_MAX)
        model_broken("n%u has kicked %u times", node->index, node->log_count);
    node->log[node->log_count++] = (struct model_kick){.time_ns = node->now_ns, .frame = *frame};
    if (node->horizon_ns < node->bound_ns - node->now_ns)
        node->bound_ns = node->now_ns + node->horizon_ns;
    node->quiet = !node->rearms;
}

/* True if others wait now for what comes of it. */
static bool send_first(struct model_node *node)
{
    struct ttb__netdev *netdev = node->netdev;
    struct model_frame frame = {.origin = node->events[0].origin,
                                .sender = (uint8_t)node->index,
                                .ttl = node->events[0].ttl};

    memmove(node->events, node->events + 1, --node->event_count * sizeof(*node->events));
    say(node, "sent", frame.origin, frame.ttl);
    if (node->quiet) {
        node->unseen[node->unseen_count++] = frame;
        return true;
    }
    if (node->may_log && !(node->script.mixes && node->kick_count++ % 2)) {
        log_kick(node, &frame);
        return false;
    }
    netdev->ops->arrived(netdev->user);
    if (node->log_count)
        model_broken("n%u: a kick is looked at before %u earlier ones", node->index,
                     node->log_count);
    netdev->ops->kick(netdev->user);
    transmit(netdev, &frame);
    node->quiet = netdev->holds;
    netdev->owes_reply = netdev->ops->kicked(netdev->user, 1, false);
    if (netdev->owes_reply != (node->does == MODEL_OBEYS))
        model_broken("n%u: a kick's reply is %s while the bound %s", node->index,
                     netdev->owes_reply ? "held back" : "sent",
                     node->does == MODEL_OBEYS ? "does not hold yet" : "holds");
    return true;
}

static void serve_kicks(struct model_node *node)
{
    struct ttb__controller *controller = node->controller;
    unsigned count = node->log_count;

    for (unsigned i = 0; i < count; i++) {
        node->log_count = count - i - 1;
        controller->ops->kick(controller->user, MODEL_TX_SLOT, node->log[i].time_ns, (uint16_t)i);
    }
}

/* Up to and including what makes others wait for an answer or for it. */
static void run(struct model_node *node)
{
    struct ttb__controller *controller = node->controller;

    if (!node->netdev) {
        node->connecting = true;
        node->accept(node->accept_user, 1);
        node->netdev->ops->link(node->netdev->user, true);
    }
    for (;;) {
        uint64_t next_ns = model_next_ns(node);

        if (node->read_ns <= node->now_ns || next_ns <= node->now_ns)
            read_ring(node);
        next_ns = model_next_ns(node);
        if (node->read_ns < next_ns)
            next_ns = node->read_ns;
        if (next_ns >= node->bound_ns) {
            node->request_ns = next_ns;
            break;
        }
        if (node->now_ns < next_ns)
            node->now_ns = next_ns;
        if (node->read_ns > node->now_ns && send_first(node))
            return;
    }
    serve_kicks(node);
    node->does = MODEL_NOTHING;
    controller->ops->waiting(controller->user);
}

static void answer_call(struct model_node *node)
{
    struct ttb__controller *controller = node->controller;
    struct ttb__netdev *netdev = node->netdev;
    uint64_t serve_ns = node->now_ns + (node->script.late ? 1 : 0);

    node->does = MODEL_NOTHING;
    netdev->calling = false;
    if (serve_ns < node->request_ns)
        node->request_ns = serve_ns;
    if (node->script.by_messages)
        controller->ops->request(controller->user);
    netdev->ops->calls_done(netdev->user);
}

static void step(struct model_node *node)
{
    switch (node->does) {
    case MODEL_CONNECTS:
        node->does = MODEL_NOTHING;
        node->controller = calloc(1, sizeof(*node->controller));
        assert(node->controller);
        node->controller->node = node;
        ttb__node_join(node->node, node->controller);
        break;
    case MODEL_RUNS:
        run(node);
        break;
    case MODEL_OBEYS:
        node->does = MODEL_RUNS;
        node->controller->ops->acknowledged(node->controller->user);
        if (node->netdev->owes_reply)
            model_broken("n%u: a kick is not answered when the bound holds", node->index);
        break;
    case MODEL_ANSWERS:
        answer_call(node);
        break;
    case MODEL_NOTHING:
        break;
    }
}

/* ------------------------------------------------------------------------------------- the loop */

struct ttb_watch {
    char unused;
};

static int loop_add(void *impl, int fd, uint32_t events, ttb_watch_fn fn, void *user,
                    struct ttb_watch **watch)
{
    struct model *model = impl;
    unsigned index = (unsigned)(fd - FIRST_FD);

    (void)events;
    /* The first is the calendar's, which nobody needs; then the ports', in their order. */
    if (index > 0 && index <= model->node_count) {
        model->nodes[index - 1].accept = fn;
        model->nodes[index - 1].accept_user = user;
    }
    *watch = calloc(1, sizeof(**watch));
    return *watch ? 0 : -ENOMEM;
}

static int loop_modify(void *impl, struct ttb_watch *watch, uint32_t events)
{
    (void)impl;
    (void)watch;
    (void)events;
    return 0;
}

static void loop_remove(void *impl, struct ttb_watch *watch)
{
    (void)impl;
    free(watch);
}

static int loop_turn(void *impl, int timeout_ms)
{
    struct model *model = impl;
    struct model_node *agents[MODEL_NODES_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < model->node_count; i++) {
        if (model->nodes[i].does != MODEL_NOTHING)
            agents[count++] = &model->nodes[i];
    }
    if (count == 0 && timeout_ms == 0)
        return 0; /* it looks whether somebody was killed */
    if (count == 0)
        model_broken("deadlock: the bridge waits, and nobody has anything to say");
    step(agents[count > 1 ? model->choose(model->choose_user, count) : 0]);
    return 1;
}

static const struct ttb_loop_ops loop_ops = {loop_add, loop_modify, loop_remove, loop_turn};

/* ------------------------------------------------------------------------- in place of sockets */

/* The bridge makes its own socket first, then those of the ports. */
static _Thread_local struct model *current;

int ttb__socket_listen(const char *path)
{
    (void)path;
    return FIRST_FD + (int)current->listeners++;
}

int ttb__socket_accept(int listener)
{
    struct model_node *node = &current->nodes[listener - FIRST_FD - 1];

    if (!node->connecting)
        return -EAGAIN;
    node->connecting = false;
    return FIRST_FD + 100 + (int)node->index;
}

/* ---------------------------------------------------------------------- in place of timetravel */

int ttb__controller_new(const struct ttb_loop *loop, int fd, const char *name,
                        enum ttb__controller_mode mode, const struct ttb__controller_ops *ops,
                        void *user, struct ttb__controller **controller)
{
    (void)loop;
    (void)fd;
    (void)name;
    (void)mode;
    (void)ops;
    (void)user;
    (void)controller;
    return -ENOSYS; /* nodes join by themselves */
}

void ttb__controller_free(struct ttb__controller *controller)
{
    if (controller)
        controller->node->controller = NULL;
    free(controller);
}

int ttb__controller_adopt(struct ttb__controller *controller, const char *name,
                          enum ttb__controller_mode mode, const struct ttb__controller_ops *ops,
                          void *user)
{
    (void)name;
    (void)mode;
    controller->ops = ops;
    controller->user = user;
    return 0;
}

int ttb__controller_start(struct ttb__controller *controller, uint64_t origin_ns)
{
    struct model_node *node = controller->node;

    if (node->does != MODEL_NOTHING || node->now_ns != TTB_TIME_NEVER)
        model_broken("n%u: START is answered twice", node->index);
    node->now_ns = node->read_ns = origin_ns;
    node->bound_ns = origin_ns + 1;
    node->does = MODEL_RUNS;
    return 0;
}

int ttb__controller_run(struct ttb__controller *controller, uint64_t time_ns,
                        uint64_t free_until_ns)
{
    struct model_node *node = controller->node;

    if (node->does != MODEL_NOTHING || node->now_ns == TTB_TIME_NEVER)
        model_broken("n%u: RUN while it does not wait (%d)", node->index, (int)node->does);
    if (node->is_called ? time_ns > node->request_ns : time_ns != node->request_ns)
        model_broken("n%u: RUN at %" PRIu64 ", its request is %" PRIu64, node->index, time_ns,
                     node->request_ns);
    if (time_ns < node->now_ns || free_until_ns <= time_ns)
        model_broken("n%u is at %" PRIu64 ": RUN at %" PRIu64 " up to %" PRIu64, node->index,
                     node->now_ns, time_ns, free_until_ns);
    node->now_ns = time_ns;
    node->bound_ns = free_until_ns;
    node->does = MODEL_RUNS;
    /* An interrupt that has not been served yet takes further ones with it. */
    if (!node->is_called || !node->script.late)
        node->read_ns = time_ns;
    else if (node->read_ns > time_ns)
        node->read_ns = time_ns + 1;
    node->is_called = false;
    return 0;
}

void ttb__controller_offer_notifications(struct ttb__controller *controller)
{
    controller->node->offered = true;
}

int ttb__controller_find_queue(struct ttb__controller *controller, uint64_t ring)
{
    const struct model_node *node = controller->node;

    if (!node->script.shares || !node->offered)
        return -ENOENT;
    return ring == MODEL_RX_RING ? MODEL_RX_SLOT : MODEL_TX_SLOT;
}

void ttb__controller_set_queue(struct ttb__controller *controller, unsigned slot,
                               const struct ttb__controller_queue *queue)
{
    struct model_node *node = controller->node;

    if (slot != MODEL_TX_SLOT || queue->horizon_ns == 0)
        model_broken("n%u: slot %u, with a horizon of %" PRIu64, node->index, slot,
                     queue->horizon_ns);
    node->may_log = queue->may_log;
    node->rearms = queue->rearm;
    node->horizon_ns = queue->horizon_ns;
}

bool ttb__controller_takes_calls(const struct ttb__controller *controller)
{
    return controller->node->script.shares && controller->node->offered;
}

int ttb__controller_call(struct ttb__controller *controller, unsigned slot)
{
    struct model_node *node = controller->node;

    if (node->does != MODEL_NOTHING || slot != MODEL_RX_SLOT)
        model_broken("n%u: a call is left in slot %u while it is not blocked (%d)", node->index,
                     slot, (int)node->does);
    node->is_called = true;
    return 0;
}

int ttb__controller_serve_kicks(struct ttb__controller *controller)
{
    serve_kicks(controller->node);
    return 0;
}

bool ttb__controller_watch(struct ttb__controller *controller, bool on)
{
    if (on)
        model_broken("n%u is watched in a loop that is not the bridge's own",
                     controller->node->index);
    return false;
}

int ttb__controller_await(struct ttb__controller *controller, unsigned timeout_ms)
{
    model_broken("n%u is awaited for %u ms", controller->node->index, timeout_ms);
}

int ttb__controller_limit(struct ttb__controller *controller, uint64_t free_until_ns)
{
    struct model_node *node = controller->node;

    if (node->does != MODEL_RUNS || free_until_ns <= node->now_ns)
        model_broken("n%u at %" PRIu64 " is bounded to %" PRIu64, node->index, node->now_ns,
                     free_until_ns);
    if (free_until_ns < node->bound_ns)
        node->bound_ns = free_until_ns;
    if (!node->script.by_messages)
        return 0;
    node->does = MODEL_OBEYS;
    return 1;
}

int ttb__controller_set_time(struct ttb__controller *controller, uint64_t now_ns)
{
    struct model_node *node = controller->node;

    if (node->does != MODEL_NOTHING || now_ns < node->now_ns || now_ns > node->request_ns)
        model_broken("n%u at %" PRIu64 ", with a request for %" PRIu64 ", is set to %" PRIu64,
                     node->index, node->now_ns, node->request_ns, now_ns);
    node->now_ns = now_ns;
    return 0;
}

void ttb__controller_shift(struct ttb__controller *controller, uint64_t by_ns)
{
    model_broken("n%u is shifted by %" PRIu64, controller->node->index, by_ns);
}

int ttb__controller_broadcast(struct ttb__controller *controller, uint64_t value)
{
    model_broken("n%u gets a broadcast of %" PRIu64, controller->node->index, value);
}

uint64_t ttb__controller_time_ns(struct ttb__controller *controller)
{
    return controller->node->now_ns;
}

uint64_t ttb__controller_request_ns(struct ttb__controller *controller)
{
    return controller->node->request_ns;
}

/* --------------------------------------------------------------------------- in place of vhost */

int ttb__netdev_new(const struct ttb_loop *loop, int fd, const struct ttb__netdev_opts *opts,
                    const struct ttb__netdev_ops *ops, void *user, struct ttb__netdev **netdev)
{
    struct model_node *node = &current->nodes[fd - FIRST_FD - 100];

    (void)loop;
    node->netdev = calloc(1, sizeof(*node->netdev));
    assert(node->netdev);
    *node->netdev =
        (struct ttb__netdev){.node = node, .ops = ops, .user = user, .holds = opts->hold};
    *netdev = node->netdev;
    return 0;
}

void ttb__netdev_free(struct ttb__netdev *netdev)
{
    if (netdev)
        netdev->node->netdev = NULL;
    free(netdev);
}

int ttb__netdev_receive(struct ttb__netdev *netdev, struct ttb_frame *frame)
{
    return ttb__netdev_receive_copy(netdev, frame->data, frame->len_bytes);
}

int ttb__netdev_receive_copy(struct ttb__netdev *netdev, const void *frame, size_t len_bytes)
{
    struct model_node *node = netdev->node;

    if (node->does != MODEL_NOTHING)
        model_broken("n%u: its ring changes while it is not blocked (%d)", node->index,
                     (int)node->does);
    if (len_bytes != sizeof(struct model_frame) || node->ring_count == MODEL_EVENTS_MAX)
        model_broken("n%u: a frame of %zu bytes, with %u in its ring", node->index, len_bytes,
                     node->ring_count);
    memcpy(&node->ring[node->ring_count++], frame, len_bytes);
    if (netdev->holds)
        node->held_count++;
    else
        netdev->has_call = true;
    return 0;
}

uint32_t ttb__netdev_held(const struct ttb__netdev *netdev)
{
    return netdev->node->held_count;
}

void ttb__netdev_release(struct ttb__netdev *netdev)
{
    if (netdev->node->does != MODEL_NOTHING)
        model_broken("n%u gets what was held while it is not blocked (%d)", netdev->node->index,
                     (int)netdev->node->does);
    netdev->has_call = netdev->has_call || netdev->node->held_count;
    netdev->node->held_count = 0;
}

bool ttb__netdev_is_quiet(const struct ttb__netdev *netdev)
{
    return netdev->node->quiet;
}

int ttb__netdev_poll(struct ttb__netdev *netdev)
{
    struct model_node *node = netdev->node;
    int sent = (int)node->unseen_count;

    if (node->does != MODEL_NOTHING)
        model_broken("n%u: its ring is looked at while it is not blocked (%d)", node->index,
                     (int)node->does);
    for (int i = 0; i < sent; i++)
        transmit(netdev, &node->unseen[i]);
    node->unseen_count = 0;
    node->quiet = node->quiet && sent > 0;
    return sent;
}

bool ttb__netdev_has_calls(const struct ttb__netdev *netdev)
{
    return netdev->has_call;
}

uint64_t ttb__netdev_rx_ring(const struct ttb__netdev *netdev)
{
    (void)netdev;
    return MODEL_RX_RING;
}

uint64_t ttb__netdev_tx_ring(const struct ttb__netdev *netdev)
{
    (void)netdev;
    return MODEL_TX_RING;
}

bool ttb__netdev_take_calls(struct ttb__netdev *netdev, bool *rx, bool *tx)
{
    *rx = netdev->has_call;
    *tx = netdev->has_call = false;
    return true;
}

void ttb__netdev_serve_kick(struct ttb__netdev *netdev, uint16_t avail_idx)
{
    transmit(netdev, &netdev->node->log[avail_idx].frame);
    netdev->ops->kicked(netdev->user, 1, false);
}

int ttb__netdev_flush_calls(struct ttb__netdev *netdev)
{
    struct model_node *node = netdev->node;

    if (node->does != MODEL_NOTHING)
        model_broken("n%u is called while it is not blocked (%d)", node->index, (int)node->does);
    if (!netdev->has_call)
        return 0;
    netdev->has_call = false;
    netdev->calling = true;
    node->does = MODEL_ANSWERS;
    return 1;
}

bool ttb__netdev_is_calling(const struct ttb__netdev *netdev)
{
    return netdev->calling;
}

int ttb__netdev_reply(struct ttb__netdev *netdev)
{
    netdev->owes_reply = false;
    return 0;
}

bool ttb__netdev_owes_reply(const struct ttb__netdev *netdev)
{
    return netdev->owes_reply;
}

void ttb__netdev_set_carrier(struct ttb__netdev *netdev, bool on)
{
    model_broken("n%u: carrier %d", netdev->node->index, on);
}

bool ttb__netdev_is_up(const struct ttb__netdev *netdev)
{
    (void)netdev;
    return true;
}

void ttb__netdev_get_stats(const struct ttb__netdev *netdev, struct ttb__netdev_stats *stats)
{
    (void)netdev;
    *stats = (struct ttb__netdev_stats){0};
}

/* ------------------------------------------------------------------------------------- the model */

static int launch(void *user, struct ttb_node *unused)
{
    struct model_node *node = user;

    (void)unused;
    node->does = MODEL_CONNECTS;
    return 0;
}

static int reap(void *user, struct ttb_node *node, bool force, int *exit_status)
{
    (void)user;
    (void)node;
    (void)force;
    *exit_status = 0;
    return 0;
}

static const struct ttb_node_ops node_ops = {.launch = launch, .reap = reap};

void model_begin(struct model *model, unsigned node_count)
{
    current = model;
    model->node_count = node_count;
    model->loop = (struct ttb_loop){.ops = &loop_ops, .impl = model};
    for (unsigned i = 0; i < node_count; i++) {
        struct model_node *node = &model->nodes[i];

        node->model = model;
        node->index = i;
        node->now_ns = TTB_TIME_NEVER;
        node->read_ns = TTB_TIME_NEVER;
        for (unsigned t = 0; t < 32; t++) {
            if (node->script.timers & 1U << t)
                add_event(node, t, (uint8_t)i, node->script.ttl);
        }
    }
}

void model_end(struct model *model)
{
    for (unsigned i = 0; i < model->node_count; i++)
        free(model->nodes[i].said);
    current = NULL;
}

void model_add_nodes(struct model *model, struct ttb_bridge *bridge)
{
    for (unsigned i = 0; i < model->node_count; i++) {
        struct model_node *node = &model->nodes[i];
        struct ttb_node_opts opts = {.size = sizeof(opts),
                                     .name = (char[]){'n', (char)('0' + i), 0},
                                     .ops = &node_ops,
                                     .ops_user = node};
        struct ttb_port_opts port_opts = {.size = sizeof(port_opts),
                                          .name = "eth0",
                                          .coalesce_ns = node->script.coalesce_ns,
                                          .coalesce_frames = 2};

        if (ttb_bridge_add_node(bridge, &opts, &node->node) ||
            ttb_node_add_port(node->node, &port_opts, &node->port))
            model_broken("%s", ttb_bridge_error(bridge));
    }
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value + UINT64_C(0x9e3779b97f4a7c15) + (hash << 6) + (hash >> 2);
    return hash * UINT64_C(0xff51afd7ed558ccd);
}

uint64_t model_hash(const struct model *model, uint64_t seed)
{
    uint64_t hash = seed;

    for (unsigned i = 0; i < model->node_count; i++) {
        const struct model_node *node = &model->nodes[i];

        hash = mix(hash, node->does);
        hash = mix(hash, node->now_ns);
        hash = mix(hash, node->bound_ns);
        hash = mix(hash, node->request_ns);
        hash = mix(hash, node->read_ns);
        hash = mix(hash, (uint64_t)node->kick_count << 1 | node->is_called);
        hash = mix(hash, (uint64_t)node->held_count << 32 | node->ring_count);
        hash = mix(hash, (uint64_t)node->unseen_count << 1 | node->quiet);
        for (size_t j = 0; j < node->said_bytes; j++)
            hash = mix(hash, (unsigned char)node->said[j]);
        for (unsigned j = 0; j < node->event_count; j++)
            hash = mix(hash, node->events[j].time_ns << 16 | node->events[j].origin << 8 |
                                 node->events[j].ttl);
    }
    return hash;
}
