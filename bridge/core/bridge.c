/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * advance(): who runs next, until when. Everything that decides about order is here, in node.c's
 * grant and in the calendar; see doc/architecture.md.
 */
#include "core/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/socket.h"

#define DEFAULT_EPOCH_NS           1735689600000000000ULL /* 2025-01-01T00:00:00Z */
#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define DEFAULT_HANG_REPORT_MS     1000
#define DEFAULT_HANG_KILL_MS       30000
#define CALENDAR_SOCKET            "calendar.sock"
#define NS_PER_MS                  1000000ULL

uint64_t ttb__wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

bool ttb__name_is_valid(const char *name)
{
    size_t len_bytes = name ? strlen(name) : 0;

    if (len_bytes == 0 || len_bytes > TTB_NAME_MAX)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
           len_bytes;
}

/* ------------------------------------------------------------------------------- log and errors */

static void log_to_stderr(void *user, enum ttb_log_level level, const char *text)
{
    (void)user;
    if (level >= TTB_LOG_WARNING)
        fprintf(stderr, "ttbridge: %s%s\n", level == TTB_LOG_WARNING ? "warning: " : "", text);
}

void ttb_bridge_log(struct ttb_bridge *bridge, enum ttb_log_level level, const char *format, ...)
{
    char text[2 * TTB__ERROR_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    bridge->log(bridge->log_user, level, text);
}

int ttb__bridge_fail(struct ttb_bridge *bridge, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(bridge->error.text, sizeof(bridge->error.text), format, args);
    va_end(args);
    return code;
}

const char *ttb_bridge_error(const struct ttb_bridge *bridge)
{
    return bridge->error.text;
}

/* ------------------------------------------------------------------------------------ listeners */

int ttb__bridge_listen(struct ttb_bridge *bridge, struct ttb__listener *listener, const char *name,
                       ttb_watch_fn accept, void *user)
{
    int rc;

    *listener = (struct ttb__listener){.fd = -1};
    if (asprintf(&listener->path, "%s/%s", bridge->directory, name) < 0)
        return ttb__bridge_fail(bridge, -ENOMEM, "out of memory");
    rc = ttb__socket_listen(listener->path);
    if (rc < 0) {
        ttb__bridge_fail(bridge, rc, "cannot listen on socket %s: %s%s", listener->path,
                         strerror(-rc),
                         rc == -ENAMETOOLONG ? " (unix socket paths have at most 107 bytes)" : "");
        free(listener->path);
        listener->path = NULL;
        return rc;
    }
    listener->fd = rc;
    rc = bridge->loop.ops->add(bridge->loop.impl, listener->fd, POLLIN, accept, user,
                               &listener->watch);
    if (rc) {
        listener->watch = NULL;
        ttb__bridge_fail(bridge, rc, "cannot watch socket %s: %s", listener->path, strerror(-rc));
        ttb__listener_close(bridge, listener);
        return rc;
    }
    return 0;
}

void ttb__listener_close(struct ttb_bridge *bridge, struct ttb__listener *listener)
{
    if (listener->fd < 0)
        return;
    if (listener->watch)
        bridge->loop.ops->remove(bridge->loop.impl, listener->watch);
    unlink(listener->path);
    close(listener->fd);
    free(listener->path);
    *listener = (struct ttb__listener){.fd = -1};
}

/* ------------------------------------------------------------------------------------- new, free */

static int check_directory(struct ttb_bridge *bridge)
{
    struct stat status;

    if (stat(bridge->directory, &status) < 0) {
        return ttb__bridge_fail(bridge, -errno, "directory %s: %s", bridge->directory,
                                strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return ttb__bridge_fail(bridge, -ENOTDIR, "directory %s: is not a directory",
                                bridge->directory);
    }
    return 0;
}

int ttb_bridge_new(const struct ttb_bridge_opts *opts, struct ttb_bridge **made)
{
    struct ttb_bridge *bridge;
    int rc;

    *made = NULL;
    if (!opts || opts->size < sizeof(*opts))
        return -EINVAL;
    bridge = calloc(1, sizeof(*bridge));
    if (!bridge)
        return -ENOMEM;
    bridge->listener.fd = -1;
    bridge->epoch_ns = opts->epoch_ns ? opts->epoch_ns : DEFAULT_EPOCH_NS;
    bridge->connect_timeout_ms =
        opts->connect_timeout_ms ? opts->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    bridge->hang_report_ms = opts->hang_report_ms ? opts->hang_report_ms : DEFAULT_HANG_REPORT_MS;
    bridge->hang_kill_ms = opts->hang_kill_ms ? opts->hang_kill_ms : DEFAULT_HANG_KILL_MS;
    bridge->no_look_ahead = opts->no_look_ahead;
    bridge->no_shared_notifications = opts->no_shared_notifications;
    bridge->look_ahead_ns = opts->look_ahead_ns ? opts->look_ahead_ns : TTB_TIME_NEVER;
    ttb__placement_init(bridge, opts->jobs, opts->no_pin);
    bridge->log = opts->log ? opts->log : log_to_stderr;
    bridge->log_user = opts->log_user;
    bridge->directory = strdup(opts->directory ? opts->directory : ".");
    bridge->frames = ttb__frame_pool_new();
    if (!bridge->directory || !bridge->frames) {
        rc = -ENOMEM;
        goto error;
    }
    if (opts->loop) {
        bridge->loop = *opts->loop;
    } else {
        rc = ttb_loop_open_epoll(&bridge->loop);
        if (rc)
            goto error;
        bridge->owns_loop = true;
    }
    rc = check_directory(bridge);
    if (!rc) {
        rc = ttb__bridge_listen(bridge, &bridge->listener, CALENDAR_SOCKET, ttb__join_accept,
                                bridge);
    }
    if (rc) {
        /* Nobody can ask a bridge that is not there for its error. */
        ttb_bridge_log(bridge, TTB_LOG_ERROR, "%s", bridge->error.text);
        goto error;
    }
    *made = bridge;
    return 0;

error:
    ttb_bridge_free(bridge);
    return rc;
}

void ttb_bridge_free(struct ttb_bridge *bridge)
{
    if (!bridge)
        return;
    ttb__join_sweep(bridge, true);
    for (uint32_t i = 0; i < bridge->node_count; i++)
        ttb__node_free(bridge->nodes[i]);
    for (uint32_t i = 0; i < bridge->wall_port_count; i++)
        ttb__port_free(bridge->wall_ports[i]);
    free(bridge->nodes);
    free(bridge->wall_ports);
    free(bridge->round);
    ttb__look_ahead_clear(bridge);
    ttb__calendar_clear(&bridge->calendar);
    ttb__listener_close(bridge, &bridge->listener);
    ttb__placement_restore(bridge);
    if (bridge->owns_loop)
        ttb_loop_close(&bridge->loop);
    ttb__frame_pool_close(bridge->frames);
    free(bridge->directory);
    free(bridge);
}

/* -------------------------------------------------------------------------------------- waiting */

void ttb__bridge_sweep(struct ttb_bridge *bridge)
{
    if (!bridge->sweep_due || bridge->sweep_held)
        return;
    bridge->sweep_due = false;
    ttb__join_sweep(bridge, false);
    for (uint32_t i = 0; i < bridge->node_count; i++)
        ttb__node_sweep(bridge->nodes[i]);
    for (uint32_t i = 0; i < bridge->wall_port_count; i++)
        ttb__port_sweep(bridge->wall_ports[i]);
}

static uint64_t now_ms(void)
{
    return ttb__wall_ns() / NS_PER_MS;
}

static int turn_loop(struct ttb_bridge *bridge, int timeout_ms)
{
    int rc = bridge->loop.ops->turn(bridge->loop.impl, timeout_ms);

    bridge->last_look_ms = now_ms();
    return rc;
}

/* One node runs, and says in shared memory when it is done or has sent a message. Everything else, its end
 * included, can wait for some milliseconds. */
static int await_watched(struct ttb_bridge *bridge, int timeout_ms)
{
    int rc;

    if (timeout_ms > TTB__WATCH_MS)
        timeout_ms = TTB__WATCH_MS;
    rc = ttb__controller_await(bridge->watched->controller, (unsigned)timeout_ms);
    if (rc == 1)
        return 0;
    if (rc < 0)
        bridge->watched = NULL; /* it ends, and only its sockets will tell */
    /* One thing may lead to another: a connection that is accepted to its first message. */
    do {
        rc = turn_loop(bridge, 0);
    } while (rc > 0 && bridge->watched);
    return rc;
}

static int turn(struct ttb_bridge *bridge, int timeout_ms)
{
    int rc = bridge->watched ? await_watched(bridge, timeout_ms) : turn_loop(bridge, timeout_ms);

    if (rc == -EINTR)
        rc = 0;
    if (rc < 0)
        return ttb__bridge_fail(bridge, rc, "the event loop failed: %s", strerror(-rc));
    ttb__bridge_sweep(bridge);
    return 0;
}

static void report_hang(struct ttb_node *node, uint64_t hung_ms)
{
    char said[TTB__ERROR_MAX];

    if (hung_ms < node->patience_ms)
        return;
    node->patience_ms *= 2;
    said[0] = 0;
    if (node->ops && node->ops->describe)
        node->ops->describe(node->ops_user, node, said, sizeof(said));
    ttb_bridge_log(node->bridge, TTB_LOG_WARNING,
                   "node %s: %" PRIu64 ".%" PRIu64 " s of wall time without simulated progress, "
                   "%s, at %" PRIu64 " ns%s%s",
                   node->name, hung_ms / 1000, hung_ms / 100 % 10, ttb_node_state_name(node->state),
                   node->bridge->now_ns, said[0] ? "; " : "", said);
}

static void end_hung(struct ttb_node *node, uint64_t hung_ms)
{
    bool was_held = node->was_held;
    char why[TTB__ERROR_MAX / 2];

    /* One that was let go a moment ago has the whole time before it from now. */
    node->was_held = node->ops && node->ops->is_held && node->ops->is_held(node->ops_user, node);
    if (node->was_held || was_held)
        return;
    if (node->state == TTB_NODE_STARTING)
        snprintf(why, sizeof(why), "did not connect within %" PRIu32 " ms",
                 node->bridge->connect_timeout_ms);
    else
        snprintf(why, sizeof(why),
                 "hung: no simulated progress for %" PRIu64 ".%" PRIu64 " s of wall time",
                 hung_ms / 1000, hung_ms / 100 % 10);
    ttb__node_note_end(node, -ETIMEDOUT, why);
}

static int for_suspects(struct ttb_bridge *bridge, bool (*suspect)(const struct ttb_node *),
                        void (*act)(struct ttb_node *, uint64_t), uint64_t hung_ms)
{
    int count = 0;

    for (uint32_t i = 0; i < bridge->node_count; i++) {
        if (!suspect(bridge->nodes[i]))
            continue;
        act(bridge->nodes[i], hung_ms);
        count++;
    }
    return count;
}

/* A sum that changes with every sign of simulated life of a running node. */
static uint64_t progress(const struct ttb_bridge *bridge)
{
    uint64_t sum = bridge->now_ns + bridge->running_count;

    for (uint32_t i = 0; i < bridge->round_count; i++) {
        const struct ttb_node *node = bridge->round[i];

        if (node->runs && node->controller)
            sum += ttb__controller_time_ns(node->controller);
    }
    return sum;
}

int ttb__bridge_wait(struct ttb_bridge *bridge, bool (*done)(const struct ttb_bridge *),
                     bool (*suspect)(const struct ttb_node *))
{
    uint64_t start_ms, progress_ns, hung_ms = 0, report_ms = bridge->hang_report_ms;
    uint32_t kill_ms;
    bool connecting;

    if (done(bridge))
        return 0;
    connecting = bridge->running_count == 0 && bridge->calls_unanswered == 0;
    kill_ms = connecting ? bridge->connect_timeout_ms : bridge->hang_kill_ms;
    start_ms = now_ms();
    progress_ns = progress(bridge);
    while (!done(bridge)) {
        uint64_t limit_ms = connecting || report_ms > kill_ms ? kill_ms : report_ms;
        int rc = turn(bridge, hung_ms < limit_ms ? (int)(limit_ms - hung_ms) : 0);

        if (rc || done(bridge))
            return rc;
        hung_ms = now_ms() - start_ms;
        if (hung_ms < limit_ms)
            continue;
        if (progress(bridge) != progress_ns) {
            progress_ns = progress(bridge);
            start_ms += hung_ms;
            hung_ms = 0;
            report_ms = bridge->hang_report_ms;
        } else if (hung_ms >= kill_ms) {
            if (for_suspects(bridge, suspect, end_hung, hung_ms) == 0)
                return ttb__bridge_fail(bridge, -ETIMEDOUT, "nothing happens for %" PRIu64 " ms",
                                        hung_ms);
            ttb__bridge_sweep(bridge);
            start_ms += hung_ms; /* for those that are held */
            hung_ms = 0;
            report_ms = bridge->hang_report_ms;
        } else {
            for_suspects(bridge, suspect, report_hang, hung_ms);
            report_ms = hung_ms + bridge->hang_report_ms;
        }
    }
    return 0;
}

/* -------------------------------------------------------------------------------------- advance */

/* Nodes that nobody waits for may have been killed, and wall-clock ports may have something to say. */
static int look_around(struct ttb_bridge *bridge)
{
    if (bridge->wall_port_count == 0 && now_ms() - bridge->last_look_ms < TTB__LOOK_AROUND_MS)
        return 0;
    return turn(bridge, 0);
}

static int do_first(struct ttb_bridge *bridge, struct ttb__calendar_entry *first, uint64_t until_ns)
{
    struct ttb_node *node = ttb__entry_node(bridge, first);

    if (first == &node->sent_entry) {
        ttb__transmit_release(node);
        return 0;
    }
    if (node->state == TTB_NODE_IDLE) {
        bridge->now_ns = first->key.time_ns;
        ttb__placement_pin(bridge);
        return ttb__node_bring_up(bridge);
    }
    return ttb__round_run(bridge, first, until_ns);
}

static int advance(struct ttb_bridge *bridge, uint64_t until_ns, uint64_t *now_ns)
{
    int rc = look_around(bridge);

    ttb__bridge_sweep(bridge);
    if (!rc)
        rc = ttb__look_ahead_update(bridge);
    while (!rc) {
        struct ttb__calendar_entry *first;

        if (bridge->transmitted || bridge->now_ns == until_ns) {
            /* Nodes act at this instant when the network has done all of it. */
            *now_ns = bridge->now_ns;
            return 0;
        }
        if (!ttb__gate_is_open(bridge, until_ns))
            break;
        first = ttb__calendar_first(&bridge->calendar);
        if (!first || first->key.time_ns >= until_ns) {
            if (until_ns != TTB_TIME_NEVER)
                bridge->now_ns = until_ns;
            *now_ns = until_ns;
            return 0;
        }
        rc = do_first(bridge, first, until_ns);
        ttb__bridge_sweep(bridge);
    }
    *now_ns = bridge->now_ns;
    return rc;
}

int ttb_bridge_advance(struct ttb_bridge *bridge, uint64_t until_ns, uint64_t *now_ns)
{
    enum ttb_wall_part part;
    int rc;

    *now_ns = bridge->now_ns;
    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "advance() from a callback");
    if (until_ns < bridge->now_ns) {
        return ttb__bridge_fail(
            bridge, -EINVAL, "advance(): until_ns %" PRIu64 " lies before the clock (%" PRIu64 ")",
            until_ns, bridge->now_ns);
    }
    ttb__wall_begin(bridge);
    part = ttb__wall_enter(bridge, TTB_WALL_BRIDGE);
    bridge->busy = true;
    rc = advance(bridge, until_ns, now_ns);
    bridge->busy = false;
    ttb__wall_enter(bridge, part);
    bridge->transmitted = false;
    return rc;
}

void ttb_bridge_interrupt(struct ttb_bridge *bridge)
{
    if (bridge->busy)
        bridge->transmitted = true;
}

/* -------------------------------------------------------------------------------------- getters */

uint64_t ttb_bridge_now_ns(const struct ttb_bridge *bridge)
{
    return bridge->now_ns;
}

uint64_t ttb_bridge_next_ns(const struct ttb_bridge *bridge)
{
    struct ttb__calendar_entry *first = ttb__calendar_first(&bridge->calendar);

    /* A gate is asked before everything that the network does, too. */
    if (bridge->gate)
        return bridge->now_ns;
    return first ? first->key.time_ns : TTB_TIME_NEVER;
}

const struct ttb_loop *ttb_bridge_loop(const struct ttb_bridge *bridge)
{
    return &bridge->loop;
}

const char *ttb_bridge_socket_path(const struct ttb_bridge *bridge)
{
    return bridge->listener.path;
}

void ttb_bridge_on_node_state(struct ttb_bridge *bridge, ttb_node_state_fn fn, void *user)
{
    bridge->node_state = fn;
    bridge->node_state_user = user;
}

int ttb_bridge_observe(struct ttb_bridge *bridge, const struct ttb_observer *observer, void *user)
{
    if (bridge->busy)
        return ttb__bridge_fail(bridge, -EBUSY, "observe() from a callback");
    if (observer && observer->size < sizeof(*observer))
        return ttb__bridge_fail(bridge, -EINVAL, "observer: size %zu is too small", observer->size);
    bridge->observer = observer ? *observer : (struct ttb_observer){0};
    bridge->observer_user = user;
    return 0;
}

void ttb__bridge_tell(struct ttb_bridge *bridge, const struct ttb_action *action)
{
    bool busy = bridge->busy;

    if (!bridge->observer.acted)
        return;
    bridge->busy = true;
    bridge->observer.acted(bridge->observer_user, action);
    bridge->busy = busy;
}
