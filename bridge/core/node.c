/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a node: due at its start time, launched and connected, then running and waiting by turns,
 * until it ends by itself, is stopped, or fails. It can then be started again.
 */
#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/socket.h"
#include "base/time.h"

const char *ttb_node_state_name(enum ttb_node_state state)
{
    static const char *const names[] = {
        [TTB_NODE_IDLE] = "idle",       [TTB_NODE_STARTING] = "starting",
        [TTB_NODE_WAITING] = "waiting", [TTB_NODE_RUNNING] = "running",
        [TTB_NODE_STOPPED] = "stopped", [TTB_NODE_FAILED] = "failed",
    };

    return state <= TTB_NODE_FAILED ? names[state] : "unknown";
}

static void set_state(struct ttb_node *node, enum ttb_node_state state, const char *why)
{
    struct ttb_bridge *bridge = node->bridge;
    bool tell = state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED ||
                (state == TTB_NODE_WAITING && !node->up);
    /* Where it was, which may be ahead of the others. */
    uint64_t time_ns = node->granted_ns > bridge->now_ns ? node->granted_ns : bridge->now_ns;

    node->state = state;
    if (state == TTB_NODE_WAITING)
        node->up = true;
    if (tell && bridge->node_state) {
        bool busy = bridge->busy;

        enum ttb_wall_part part = ttb__wall_enter(bridge, TTB_WALL_RECORDING);

        bridge->busy = true;
        bridge->node_state(bridge->node_state_user, node, state, time_ns, why);
        bridge->busy = busy;
        ttb__wall_enter(bridge, part);
    }
}

/* When a waiting node's turn comes; TTB_TIME_NEVER for a sleeper without a request. */
static uint64_t turn_ns(const struct ttb_node *node)
{
    uint64_t turn_ns = ttb__controller_request_ns(node->controller);

    if (node->calls)
        turn_ns = ttb__time_earlier(turn_ns, node->call_ns);
    return ttb__time_earlier(turn_ns, node->due_ns);
}

int ttb__node_enter_calendar(struct ttb_node *node)
{
    int rc = ttb__calendar_insert(&node->bridge->calendar, &node->entry, turn_ns(node),
                                  TTB__CLASS_NODE, TTB__ENTRY_TURN(node));

    if (rc)
        ttb__node_note_end(node, rc, "out of memory");
    return rc;
}

void ttb__node_schedule(struct ttb_node *node)
{
    if (node->state == TTB_NODE_WAITING && !node->ending && ttb__calendar_holds(&node->entry))
        ttb__calendar_move(&node->bridge->calendar, &node->entry, turn_ns(node));
}

void ttb__node_stops_running(struct ttb_node *node)
{
    if (!node->runs)
        return;
    node->runs = false;
    if (node->bridge->watched == node)
        node->bridge->watched = NULL;
    node->bridge->running_count--;
    ttb__wall_node_stops(node);
    node->round_ns = node->wall_stop_ns - node->wall_start_ns;
    if (node->bridge->running_count == 0)
        node->bridge->placement.busy_ns +=
            node->wall_stop_ns - node->bridge->placement.busy_from_ns;
}

/* ------------------------------------------------------------------- the controller's callbacks */

static void on_waiting(void *user)
{
    struct ttb_node *node = user;

    if (node->ending)
        return;
    ttb__node_stops_running(node);
    node->state = TTB_NODE_WAITING;
    node->blocked = true;
    node->ran_to_ns = node->bound_ns;
    ttb__shared_waiting(node);
    ttb__node_enter_calendar(node);
}

void ttb__node_tell(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;

    if (node->granted && bridge->observer.granted) {
        enum ttb_wall_part part = ttb__wall_enter(bridge, TTB_WALL_RECORDING);

        bridge->observer.granted(bridge->observer_user, node, node->granted_ns);
        ttb__wall_enter(bridge, part);
    }
    node->granted = false;
    if (node->blocked) {
        node->blocked = false;
        set_state(node, TTB_NODE_WAITING, "");
        if (node->ops && node->ops->blocked)
            node->ops->blocked(node->ops_user, node, node->granted_ns);
    }
    ttb__node_sweep(node);
}

static void on_request(void *user)
{
    ttb__node_schedule(user);
}

static void on_acknowledged(void *user)
{
    ttb__port_release_replies(user);
}

static void on_broadcast(void *user, uint64_t value)
{
    struct ttb_node *from = user;
    struct ttb_bridge *bridge = from->bridge;

    ttb_bridge_log(bridge, TTB_LOG_DEBUG, "node %s: broadcast 0x%" PRIx64, from->name, value);
    for (uint32_t i = 0; i < bridge->node_count; i++) {
        struct ttb_node *node = bridge->nodes[i];

        if (node != from && node->state == TTB_NODE_WAITING && !node->ending)
            ttb__controller_broadcast(node->controller, value);
    }
}

/* An interrupted node asks for the time of the interrupt; one that runs may be ahead of the bridge. */
static uint64_t on_get_now(void *user)
{
    const struct ttb_node *node = user;
    uint64_t now_ns = node->bridge->now_ns;

    return node->call_ns > now_ns ? node->call_ns : now_ns;
}

static uint64_t on_get_time_of_day(void *user)
{
    const struct ttb_node *node = user;
    uint64_t now_ns = on_get_now(user), own_ns = ttb__controller_time_ns(node->controller);

    return node->bridge->epoch_ns + (own_ns > now_ns ? own_ns : now_ns);
}

static void on_kick(void *user, unsigned slot, uint64_t time_ns, uint16_t avail_idx)
{
    struct ttb_node *node = user;

    if (node->ending && !node->ending_err)
        return;
    ttb__shared_kicked(node, slot, time_ns, avail_idx);
}

static void on_closed(void *user, int err, const char *why)
{
    ttb__node_note_end(user, err, why);
}

static const struct ttb__controller_ops controller_ops = {
    .waiting = on_waiting,
    .request = on_request,
    .acknowledged = on_acknowledged,
    .broadcast = on_broadcast,
    .kick = on_kick,
    .now_ns = on_get_now,
    .time_of_day_ns = on_get_time_of_day,
    .closed = on_closed,
};

void ttb__node_join(struct ttb_node *node, struct ttb__controller *controller)
{
    static const enum ttb__controller_mode modes[] = {
        [TTB_CLOCK_AUTO] = TTB__CONTROLLER_AUTO,
        [TTB_CLOCK_MESSAGES] = TTB__CONTROLLER_MESSAGES,
        [TTB_CLOCK_SHARED] = TTB__CONTROLLER_SHARED,
    };
    int rc = ttb__controller_adopt(controller, node->name, modes[node->clock_mode], &controller_ops,
                                   node);

    node->controller = controller;
    node->connected = true;
    if (rc)
        ttb__node_note_end(node, rc, "out of memory");
}

/* ---------------------------------------------------------------------------------------- ends */

void ttb__node_note_end(struct ttb_node *node, int err, const char *why)
{
    if (node->ending)
        return; /* the first cause counts */
    node->ending = true;
    node->ending_err = err;
    snprintf(node->ending_why.text, sizeof(node->ending_why.text), "%s", why);
    ttb__node_stops_running(node);
    node->bridge->sweep_due = true;
}

void ttb__node_end(struct ttb_node *node, enum ttb_node_state state, const char *why)
{
    struct ttb_bridge *bridge = node->bridge;

    ttb__node_stops_running(node);
    node->ending = false;
    node->connected = false;
    node->paused = false;
    node->called = false;
    ttb__calendar_remove(&bridge->calendar, &node->entry);
    ttb__controller_free(node->controller);
    node->controller = NULL;
    for (uint32_t i = 0; i < node->port_count; i++)
        ttb__port_close(node->ports[i]);
    snprintf(node->failure.text, sizeof(node->failure.text), "%s",
             state == TTB_NODE_FAILED ? why : "");
    if (state == TTB_NODE_FAILED)
        ttb_bridge_log(bridge, TTB_LOG_ERROR, "node %s failed: %s", node->name, why);
    set_state(node, state, node->failure.text);
}

static int reap(struct ttb_node *node, bool force)
{
    int rc;

    node->exit_status = -1;
    if (!node->launched)
        return 0;
    node->launched = false;
    rc = node->ops->reap ? node->ops->reap(node->ops_user, node, force, &node->exit_status) : 0;
    if (rc)
        node->exit_status = -1;
    return rc;
}

static void describe_exit(const struct ttb_node *node, char *text, size_t size_bytes)
{
    int status = node->exit_status;

    if (status == -1)
        snprintf(text, size_bytes, "it closed its connection");
    else if (WIFSIGNALED(status))
        snprintf(text, size_bytes, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size_bytes, "exited with status %d", WEXITSTATUS(status));
}

static void describe(struct ttb_node *node, char *text, size_t size_bytes)
{
    text[0] = 0;
    if (node->ops && node->ops->describe)
        node->ops->describe(node->ops_user, node, text, size_bytes);
}

/* The node's connection is over. It ended well if it did so while it ran and its process, if we
 * know it, exited with status 0. */
static void carry_out_end(struct ttb_node *node)
{
    bool ran = node->state == TTB_NODE_RUNNING;
    char said[TTB__ERROR_MAX / 2], how[TTB__ERROR_MAX / 4], why[2 * TTB__ERROR_MAX];

    reap(node, node->ending_err != 0);
    /* What it had sent before somebody else ended it. */
    if (node->controller)
        ttb__controller_serve_kicks(node->controller);
    describe(node, said, sizeof(said));
    if (node->ending_err) {
        snprintf(why, sizeof(why), "%s%s%s", node->ending_why.text, said[0] ? "; " : "", said);
        ttb__node_end(node, TTB_NODE_FAILED, why);
        return;
    }
    if (ran && (node->exit_status == -1 || node->exit_status == 0)) {
        ttb__node_end(node, TTB_NODE_STOPPED, "");
        return;
    }
    describe_exit(node, how, sizeof(how));
    snprintf(why, sizeof(why), "%s while it was %s%s%s", how, ttb_node_state_name(node->state),
             said[0] ? "; " : "", said);
    ttb__node_end(node, TTB_NODE_FAILED, why);
}

void ttb__node_sweep(struct ttb_node *node)
{
    /* What it sent before it ended by itself comes first. */
    if (node->ending && (node->ending_err || !node->sent))
        carry_out_end(node);
    for (uint32_t i = 0; i < node->port_count; i++)
        ttb__port_sweep(node->ports[i]);
}

void ttb_node_process_ended(struct ttb_node *node)
{
    /* Once connected, EOF on the sockets tells, in order with what was sent before. */
    if (node->state == TTB_NODE_STARTING && !node->connected)
        ttb__node_note_end(node, 0, "");
}

void ttb__node_free(struct ttb_node *node)
{
    if (node->launched)
        reap(node, true);
    ttb__calendar_remove(&node->bridge->calendar, &node->entry);
    ttb__transmit_discard(node);
    ttb__controller_free(node->controller);
    for (uint32_t i = 0; i < node->port_count; i++)
        ttb__port_close(node->ports[i]);
    for (uint32_t i = 0; i < node->port_count; i++)
        ttb__port_free(node->ports[i]);
    ttb__listener_close(node->bridge, &node->listener);
    free(node);
}

/* ------------------------------------------------------------------------------------- running */

static bool is_connecting(const struct ttb_node *node)
{
    return node->state == TTB_NODE_STARTING && !node->connected && !node->ending;
}

static bool nobody_connects(const struct ttb_bridge *bridge)
{
    for (uint32_t i = 0; i < bridge->node_count; i++) {
        if (is_connecting(bridge->nodes[i]))
            return false;
    }
    return true;
}

static void launch(struct ttb_node *node)
{
    int rc;

    node->up = false;
    node->exit_status = -1;
    node->failure.text[0] = 0;
    node->state = TTB_NODE_STARTING;
    if (!node->ops || !node->ops->launch)
        return;
    ttb__placement_begin_launch(node);
    rc = node->ops->launch(node->ops_user, node);
    ttb__placement_end_launch(node);
    if (rc) {
        char said[TTB__ERROR_MAX / 2], why[TTB__ERROR_MAX];

        describe(node, said, sizeof(said));
        snprintf(why, sizeof(why), "cannot be started: %s", said[0] ? said : strerror(-rc));
        ttb__node_note_end(node, rc, why);
        return;
    }
    node->launched = true;
}

/* All that are due at this instant are launched together and waited for together; then they get
 * their first grants one after the other, in the order of their ids. */
int ttb__node_bring_up(struct ttb_bridge *bridge)
{
    enum ttb_wall_part part = ttb__wall_enter(bridge, TTB_WALL_WAITING);
    int rc;

    for (uint32_t i = 0; i < bridge->node_count; i++) {
        struct ttb_node *node = bridge->nodes[i];

        if (node->state == TTB_NODE_IDLE && ttb__calendar_holds(&node->entry) &&
            node->entry.key.time_ns == bridge->now_ns)
            launch(node);
    }
    rc = ttb__bridge_wait(bridge, nobody_connects, is_connecting);
    ttb__wall_enter(bridge, part);
    return rc;
}

void ttb__node_grant(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;
    uint64_t time_ns = node->entry.key.time_ns;
    enum ttb_node_state before = node->state;
    int rc;

    if (before == TTB_NODE_WAITING) /* an interrupt may have put it off */
        time_ns = node->called ? node->call_ns : ttb__controller_request_ns(node->controller);
    node->called = false;
    ttb__shared_update(node);
    node->granted_ns = time_ns;
    node->stats.grants++;
    node->runs = true;
    bridge->running_count++;
    ttb__wall_node_runs(node);
    if (bridge->running_count == 1)
        bridge->placement.busy_from_ns = node->wall_start_ns;
    bridge->placement.window.hand_overs++;
    node->granted = true;
    node->was_held = false;
    node->state = TTB_NODE_RUNNING;
    if (before == TTB_NODE_STARTING && !bridge->no_shared_notifications)
        ttb__controller_offer_notifications(node->controller);
    /* In somebody else's loop there is more to look at. */
    if (ttb__controller_watch(node->controller, bridge->owns_loop && bridge->jobs == 1))
        bridge->watched = node;
    if (before == TTB_NODE_STARTING)
        rc = ttb__controller_start(node->controller, time_ns);
    else
        rc = ttb__controller_run(node->controller, time_ns, node->bound_ns);
    if (rc == -EPIPE || rc == -ECONNRESET) {
        /* It has gone before it could run: what it exited with tells why. */
        node->state = before;
        ttb__node_note_end(node, 0, "");
    } else if (rc) {
        ttb__node_note_end(node, rc, "it cannot be let run: its connection is broken");
    }
}

/* -------------------------------------------------------------------------------------- public */

int ttb_bridge_add_node(struct ttb_bridge *bridge, const struct ttb_node_opts *opts,
                        struct ttb_node **made)
{
    struct ttb_node *node;
    int rc;

    if (opts->size < sizeof(*opts) || !ttb__name_is_valid(opts->name)) {
        return ttb__bridge_fail(bridge, -EINVAL, "node name \"%s\" is not 1 to %d of [A-Za-z0-9_-]",
                                opts->name ? opts->name : "", TTB_NAME_MAX);
    }
    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: added from a callback", opts->name);
    if (ttb_bridge_find_node(bridge, opts->name))
        return ttb__bridge_fail(bridge, -EEXIST, "there is a node %s already", opts->name);
    if (opts->start_ns < bridge->now_ns || opts->start_ns >= INT64_MAX) {
        return ttb__bridge_fail(bridge, -EINVAL,
                                "node %s: start_ns %" PRIu64 " lies before the clock (%" PRIu64
                                ") or is too large",
                                opts->name, opts->start_ns, bridge->now_ns);
    }
    if (opts->clock_mode > TTB_CLOCK_SHARED) {
        return ttb__bridge_fail(bridge, -EINVAL, "node %s: clock_mode %d is unknown", opts->name,
                                (int)opts->clock_mode);
    }
    if (bridge->node_count == TTB__NODES_MAX)
        return ttb__bridge_fail(bridge, -EINVAL, "more than %d nodes", TTB__NODES_MAX);
    if (bridge->node_count == bridge->node_capacity) {
        uint32_t capacity = bridge->node_capacity ? 2 * bridge->node_capacity : 16;
        struct ttb_node **grown = realloc(bridge->nodes, capacity * sizeof(struct ttb_node *));

        if (!grown)
            return ttb__bridge_fail(bridge, -ENOMEM, "out of memory");
        bridge->nodes = grown;
        bridge->node_capacity = capacity;
    }
    node = calloc(1, sizeof(*node));
    if (!node)
        return ttb__bridge_fail(bridge, -ENOMEM, "out of memory");
    node->bridge = bridge;
    node->id = bridge->node_count;
    node->lane = node->id % bridge->placement.lane_count;
    strcpy(node->name, opts->name);
    node->clock_mode = opts->clock_mode;
    node->ops = opts->ops;
    node->ops_user = opts->ops_user;
    node->listener.fd = -1;
    node->exit_status = -1;
    node->calls_end = &node->calls;
    node->due_ns = TTB_TIME_NEVER;
    node->patience_ms = bridge->hang_report_ms;
    rc = ttb__calendar_insert(&bridge->calendar, &node->entry, opts->start_ns, TTB__CLASS_NODE,
                              TTB__ENTRY_TURN(node));
    if (rc) {
        free(node);
        return ttb__bridge_fail(bridge, rc, "out of memory");
    }
    if (opts->own_socket) {
        char name[TTB_NAME_MAX + 4];

        snprintf(name, sizeof(name), "%s.tt", node->name);
        rc = ttb__bridge_listen(bridge, &node->listener, name, ttb__join_accept_own, node);
        if (rc) {
            ttb__node_free(node);
            return rc;
        }
    }
    bridge->nodes[bridge->node_count++] = node;
    bridge->look_ahead.stale = true;
    *made = node;
    return 0;
}

/* Tell the observer what is being done to a node. */
static void tell(struct ttb_node *node, enum ttb_action_kind kind, uint64_t start_ns)
{
    ttb__bridge_tell(node->bridge, &(struct ttb_action){.kind = kind,
                                                        .node = node,
                                                        .time_ns = node->bridge->now_ns,
                                                        .start_ns = start_ns});
}

int ttb_node_stop(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;

    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: stopped from a callback", node->name);
    ttb__bridge_sweep(bridge);
    if (node->state == TTB_NODE_STOPPED || node->state == TTB_NODE_FAILED)
        return -EALREADY;
    tell(node, TTB_ACTION_STOP, 0);
    reap(node, true);
    ttb__transmit_discard(node);
    ttb__node_end(node, TTB_NODE_STOPPED, "");
    return 0;
}

int ttb_node_pause(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;

    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: paused from a callback", node->name);
    ttb__bridge_sweep(bridge);
    if (node->state != TTB_NODE_WAITING || node->paused)
        return -EALREADY;
    tell(node, TTB_ACTION_PAUSE, 0);
    node->paused = true;
    node->paused_ns = ttb__controller_time_ns(node->controller);
    if (node->paused_ns < bridge->now_ns)
        node->paused_ns = bridge->now_ns;
    ttb__calendar_remove(&bridge->calendar, &node->entry);
    for (uint32_t i = 0; i < node->port_count; i++)
        ttb__port_pause(node->ports[i]);
    return 0;
}

int ttb_node_resume(struct ttb_node *node)
{
    struct ttb_bridge *bridge = node->bridge;

    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: resumed from a callback", node->name);
    ttb__bridge_sweep(bridge);
    if (!node->paused)
        return -EALREADY;
    tell(node, TTB_ACTION_RESUME, 0);
    node->paused = false;
    if (bridge->now_ns > node->paused_ns)
        ttb__controller_shift(node->controller, bridge->now_ns - node->paused_ns);
    if (ttb__node_enter_calendar(node))
        return ttb__bridge_fail(bridge, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < node->port_count; i++)
        ttb__port_resume(node->ports[i]);
    return 0;
}

int ttb_node_restart(struct ttb_node *node, uint64_t start_ns)
{
    struct ttb_bridge *bridge = node->bridge;

    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: restarted from a callback", node->name);
    ttb__bridge_sweep(bridge);
    if (node->state != TTB_NODE_STOPPED && node->state != TTB_NODE_FAILED) {
        return ttb__bridge_fail(bridge, -EBUSY, "node %s: cannot be started again while it is %s",
                                node->name, ttb_node_state_name(node->state));
    }
    if (start_ns < bridge->now_ns || start_ns >= INT64_MAX) {
        return ttb__bridge_fail(bridge, -EINVAL,
                                "node %s: start_ns %" PRIu64 " lies before the clock (%" PRIu64
                                ") or is too large",
                                node->name, start_ns, bridge->now_ns);
    }
    tell(node, TTB_ACTION_START, start_ns);
    node->state = TTB_NODE_IDLE;
    node->up = false;
    return ttb__calendar_insert(&bridge->calendar, &node->entry, start_ns, TTB__CLASS_NODE,
                                TTB__ENTRY_TURN(node));
}

struct ttb_node *ttb_bridge_find_node(struct ttb_bridge *bridge, const char *name)
{
    for (uint32_t i = 0; i < bridge->node_count; i++) {
        if (strcmp(bridge->nodes[i]->name, name) == 0)
            return bridge->nodes[i];
    }
    return NULL;
}

uint32_t ttb_node_id(const struct ttb_node *node)
{
    return node->id;
}

const char *ttb_node_name(const struct ttb_node *node)
{
    return node->name;
}

enum ttb_node_state ttb_node_get_state(const struct ttb_node *node)
{
    return node->state;
}

struct ttb_bridge *ttb_node_bridge(const struct ttb_node *node)
{
    return node->bridge;
}

const char *ttb_node_socket_path(const struct ttb_node *node)
{
    return node->listener.fd >= 0 ? node->listener.path : node->bridge->listener.path;
}

int ttb_node_exit_status(const struct ttb_node *node)
{
    return node->exit_status;
}

uint64_t ttb_node_bound_ns(const struct ttb_node *node)
{
    return node->bound_ns;
}

const char *ttb_node_failure(const struct ttb_node *node)
{
    return node->failure.text;
}

void ttb_node_get_stats(const struct ttb_node *node, struct ttb_node_stats *stats)
{
    *stats = node->stats;
}
