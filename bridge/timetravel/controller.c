/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state machine of one participant's connection.
 *
 * What arrives is handled in batches: all messages that one recv() brought, then one send() for the
 * answers and for whatever the callbacks wanted to be sent. Outside of a batch a function sends at
 * once.
 *
 * Failures found outside of the loop's turn (a segment that makes no sense, say) only shut the socket
 * down; that makes it readable, and the next turn reports them.
 */
#include "timetravel/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/socket.h"

/* --------------------------------------------------------------------------------- failing */

/* The connection is over; `closed` follows from the loop's turn. */
static void end(struct ttb__controller *controller, int err)
{
    controller->closed_err = err;
    controller->state = TTB__CONTROLLER_CLOSED;
    controller->out_count = 0;
    shutdown(controller->fd, SHUT_RDWR);
}

int ttb__controller_fail(struct ttb__controller *controller, int err, const char *format, ...)
{
    char text[TTB__ERROR_MAX - TTB__NAME_BYTES - 2];
    va_list args;

    if (controller->state == TTB__CONTROLLER_CLOSED)
        return err;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ttb__fail(&controller->closed_why, err, "%s: %s", controller->name, text);
    end(controller, err);
    return err;
}

/* --------------------------------------------------------------------------------- sending */

static int flush(struct ttb__controller *controller)
{
    size_t len_bytes = controller->out_count * sizeof(controller->out[0]);
    ssize_t sent;

    controller->out_count = 0;
    if (len_bytes == 0 || controller->state == TTB__CONTROLLER_CLOSED)
        return 0;
    if (controller->is_gone)
        return -EPIPE;
    do {
        sent = send(controller->fd, controller->out, len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)len_bytes) {
        if (controller->waits_quietly)
            ttb__notify_wake(&controller->segment.notify);
        return 0;
    }
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
        controller->is_gone = true;
        return -EPIPE;
    }
    if (sent < 0 && errno != EAGAIN)
        return ttb__controller_fail(controller, -errno, "sending failed: %s", strerror(errno));
    /* At most a few messages are ever in flight to a participant that reads. */
    return ttb__controller_fail(
        controller, -ENOBUFS,
        "it does not read: %zu bytes of messages do not fit into its socket's buffer",
        len_bytes - (size_t)(sent < 0 ? 0 : sent));
}

static void queue(struct ttb__controller *controller, uint32_t op, uint32_t seq, uint64_t time)
{
    if (controller->out_count == TTB__BATCH)
        flush(controller);
    controller->out[controller->out_count++] =
        (struct ttb__message){.op = op, .seq = seq, .time = time};
}

static void queue_ack(struct ttb__controller *controller, const struct ttb__message *message,
                      uint64_t time)
{
    queue(controller, TTB__OP_ACK, message->seq, time);
}

/* A message of ours that the participant is to acknowledge. */
static void queue_tracked(struct ttb__controller *controller, uint32_t op, uint64_t time)
{
    uint32_t seq = controller->next_seq++;

    assert(controller->unacknowledged_count < TTB__UNACKNOWLEDGED_MAX);
    controller->unacknowledged[controller->unacknowledged_count++] =
        (struct ttb__sent){.op = op, .seq = seq};
    queue(controller, op, seq, time);
}

static int flush_unless_in_batch(struct ttb__controller *controller)
{
    return controller->in_batch ? 0 : flush(controller);
}

static bool is_unacknowledged(const struct ttb__controller *controller, uint32_t op)
{
    for (size_t i = 0; i < controller->unacknowledged_count; i++) {
        if (controller->unacknowledged[i].op == op)
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ what the participant says */

static void on_start(struct ttb__controller *controller, const struct ttb__message *message)
{
    controller->state = TTB__CONTROLLER_STARTED;
    controller->id = message->time;
    controller->start_seq = message->seq;
    if (controller->ops->started)
        controller->ops->started(controller->user, message->time);
}

static void on_ack(struct ttb__controller *controller, const struct ttb__message *message)
{
    struct ttb__sent *sent = controller->unacknowledged;
    size_t i = 0, count = controller->unacknowledged_count;

    while (i < count && sent[i].seq != message->seq)
        i++;
    if (i == count) {
        ttb__controller_fail(controller, -EPROTO,
                             "ACK has sequence number %" PRIu32 ", which no message %s",
                             message->seq, count ? "that waits for one has" : "waits for");
        return;
    }
    memmove(&sent[i], &sent[i + 1], (count - i - 1) * sizeof(*sent));
    controller->unacknowledged_count--;
    if (count == 1 && controller->ops->acknowledged)
        controller->ops->acknowledged(controller->user);
}

static void on_request(struct ttb__controller *controller, const struct ttb__message *message)
{
    /* One that has crossed our RUN was made while it waited, at the time it had then. */
    bool crossed = is_unacknowledged(controller, TTB__OP_RUN);
    uint64_t floor = crossed ? controller->time_before_run : controller->time;

    if (ttb__controller_check_request(controller, "REQUEST time", message->time, floor))
        return;
    controller->request = message->time > controller->time ? message->time : controller->time;
    queue_ack(controller, message, 0);
    if (controller->state == TTB__CONTROLLER_WAITING && controller->ops->request)
        controller->ops->request(controller->user);
}

void ttb__controller_note_wait(struct ttb__controller *controller)
{
    uint64_t request;

    if (ttb__controller_serve_kicks(controller))
        return;
    if (controller->is_shared && (ttb__controller_read_time(controller) ||
                                  ttb__controller_read_request(controller, &request)))
        return;
    controller->state = TTB__CONTROLLER_WAITING;
    if (controller->is_shared) /* nothing that waits lets time pass */
        controller->bound = controller->time + 1;
    if (controller->ops->waiting)
        controller->ops->waiting(controller->user);
}

static void on_wait(struct ttb__controller *controller, const struct ttb__message *message)
{
    if (controller->state == TTB__CONTROLLER_WAITING) {
        ttb__controller_fail(controller, -EPROTO,
                             "WAIT (sequence number %" PRIu32 ") while it waits already",
                             message->seq);
        return;
    }
    if (is_unacknowledged(controller, TTB__OP_RUN)) {
        ttb__controller_fail(controller, -EPROTO,
                             "WAIT (sequence number %" PRIu32 ") before the ACK of RUN",
                             message->seq);
        return;
    }
    if (!controller->is_shared)
        queue_ack(controller, message, 0);
    ttb__controller_note_wait(controller);
}

static void on_get(struct ttb__controller *controller, const struct ttb__message *message)
{
    uint64_t time = ttb__to_local(controller, controller->ops->now_ns(controller->user));

    /* Going backwards, reaching S64_MAX (time_travel_set_time()), and passing its own request (whose
     * RUN would then go backwards) panic. */
    if (controller->state == TTB__CONTROLLER_WAITING && time > controller->request)
        time = controller->request;
    if (time < controller->time)
        time = controller->time;
    if (time >= TTB__LOCAL_NEVER)
        time = TTB__LOCAL_NEVER - 1;
    controller->time = time;
    queue_ack(controller, message, time);
}

static void on_update(struct ttb__controller *controller, const struct ttb__message *message)
{
    if (ttb__controller_check_time(controller, "UPDATE time", message->time))
        return;
    controller->time = message->time;
    queue_ack(controller, message, 0);
}

static void on_broadcast(struct ttb__controller *controller, const struct ttb__message *message)
{
    queue_ack(controller, message, 0);
    if (controller->ops->broadcast)
        controller->ops->broadcast(controller->user, message->time);
}

typedef void (*message_fn)(struct ttb__controller *, const struct ttb__message *);

/* Operations that a participant may send; in shared mode the others are memory accesses. */
static const struct {
    message_fn fn;
    bool in_shared_mode;
} handlers[TTB__OP_COUNT] = {
    [TTB__OP_ACK] = {on_ack, true},
    [TTB__OP_START] = {on_start, true},
    [TTB__OP_REQUEST] = {on_request, false},
    [TTB__OP_WAIT] = {on_wait, true},
    [TTB__OP_GET] = {on_get, false},
    [TTB__OP_UPDATE] = {on_update, false},
    [TTB__OP_RUN] = {NULL, false},
    [TTB__OP_FREE_UNTIL] = {NULL, false},
    [TTB__OP_GET_TOD] = {NULL, true}, /* see handle() */
    [TTB__OP_BROADCAST] = {on_broadcast, true},
};

static void handle(struct ttb__controller *controller, const struct ttb__message *message)
{
    const char *op = ttb__op_name(message->op);

    if (message->op >= TTB__OP_COUNT)
        ttb__controller_fail(controller, -EPROTO,
                             "unknown operation %" PRIu32 " (sequence number %" PRIu32
                             ", time %" PRIu64 ")",
                             message->op, message->seq, message->time);
    else if (message->op == TTB__OP_RUN || message->op == TTB__OP_FREE_UNTIL)
        ttb__controller_fail(controller, -EPROTO,
                             "%s with time %" PRIu64 ", which only a calendar sends", op,
                             message->time);
    else if (controller->state == TTB__CONTROLLER_NEW && message->op != TTB__OP_START)
        ttb__controller_fail(controller, -EPROTO, "%s with time %" PRIu64 " before START", op,
                             message->time);
    else if (controller->state == TTB__CONTROLLER_STARTED && message->op != TTB__OP_START)
        ttb__controller_fail(controller, -EPROTO,
                             "%s with time %" PRIu64 " before the ACK of START", op, message->time);
    else if (controller->state != TTB__CONTROLLER_NEW && message->op == TTB__OP_START)
        ttb__controller_fail(controller, -EPROTO,
                             "a second START, with id %" PRIu64 " (the first: %" PRIu64 ")",
                             message->time, controller->id);
    if (controller->state == TTB__CONTROLLER_CLOSED)
        return;

    if (message->op != TTB__OP_START)
        ttb__controller_learn_mode(controller, true);
    if (controller->state == TTB__CONTROLLER_CLOSED)
        return;
    if (controller->is_shared && !handlers[message->op].in_shared_mode)
        ttb__controller_fail(controller, -EPROTO,
                             "%s with time %" PRIu64
                             " as a message, but it has taken the shared segment",
                             op, message->time);
    else if (message->op == TTB__OP_GET_TOD)
        queue_ack(controller, message, controller->ops->time_of_day_ns(controller->user));
    else
        handlers[message->op].fn(controller, message);
}

static void on_eof(struct ttb__controller *controller)
{
    size_t partial = ttb__inbox_partial_bytes(&controller->inbox);

    if (ttb__controller_serve_kicks(controller))
        return;
    if (partial)
        ttb__controller_fail(controller, -EPROTO,
                             "closed the connection after %zu of the %zu bytes of a message",
                             partial, sizeof(struct ttb__message));
    else if (controller->state == TTB__CONTROLLER_NEW)
        ttb__controller_fail(controller, -ECONNRESET, "closed the connection before START");
    else if (controller->state == TTB__CONTROLLER_STARTED)
        ttb__controller_fail(controller, -ECONNRESET,
                             "closed the connection before the ACK of START");
    else
        end(controller, 0);
}

/* --------------------------------------------------------------------------- the loop's turn */

static void receive(struct ttb__controller *controller)
{
    struct ttb__message message;
    size_t room_bytes;
    void *room = ttb__inbox_room(&controller->inbox, &room_bytes);
    /* Without a control buffer, descriptors that come along are closed by the kernel. */
    ssize_t received = recv(controller->fd, room, room_bytes, MSG_DONTWAIT);

    if (received == 0 || (received < 0 && errno == ECONNRESET)) {
        on_eof(controller);
    } else if (received < 0) {
        if (errno != EAGAIN && errno != EINTR)
            ttb__controller_fail(controller, -errno, "receiving failed: %s", strerror(errno));
    } else {
        ttb__inbox_add(&controller->inbox, (size_t)received);
        while (controller->state != TTB__CONTROLLER_CLOSED &&
               ttb__inbox_take(&controller->inbox, &message))
            handle(controller, &message);
    }
}

static void finish(struct ttb__controller *controller)
{
    controller->loop.ops->remove(controller->loop.impl, controller->watch);
    controller->watch = NULL;
    close(controller->fd);
    controller->fd = -1;
    ttb__segment_close(&controller->segment);
    /* Last: the controller may be freed from within. */
    controller->ops->closed(controller->user, controller->closed_err, controller->closed_why.text);
}

static void on_ready(void *user, uint32_t events)
{
    struct ttb__controller *controller = user;

    (void)events; /* recv() tells what is the matter */
    assert(!controller->in_batch && "a callback has turned the loop");
    if (controller->state != TTB__CONTROLLER_CLOSED) {
        controller->in_batch = true;
        receive(controller);
        flush(controller);
        controller->in_batch = false;
    }
    if (controller->state == TTB__CONTROLLER_CLOSED)
        finish(controller);
}

/* ------------------------------------------------------------------------------- interface */

static void set_name(struct ttb__controller *controller, const char *name)
{
    snprintf(controller->name, sizeof(controller->name), "%s", name);
}

int ttb__controller_new(const struct ttb_loop *loop, int fd, const char *name,
                        enum ttb__controller_mode mode, const struct ttb__controller_ops *ops,
                        void *user, struct ttb__controller **controller)
{
    struct ttb__controller *made = calloc(1, sizeof(*made));
    int rc, flags = fcntl(fd, F_GETFL);

    if (!made) {
        close(fd);
        return -ENOMEM;
    }
    made->loop = *loop;
    made->fd = fd;
    made->mode = mode;
    made->ops = ops;
    made->user = user;
    made->request = TTB__LOCAL_NEVER;
    set_name(made, name);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        rc = -errno;
    else
        rc = loop->ops->add(loop->impl, fd, POLLIN, on_ready, made, &made->watch);
    if (rc) {
        made->watch = NULL;
        ttb__controller_free(made);
        return rc;
    }
    *controller = made;
    return 0;
}

void ttb__controller_free(struct ttb__controller *controller)
{
    if (!controller)
        return;
    assert(!controller->in_batch && "freed from within its own callback");
    if (controller->watch)
        controller->loop.ops->remove(controller->loop.impl, controller->watch);
    if (controller->fd >= 0)
        close(controller->fd);
    ttb__segment_close(&controller->segment);
    free(controller);
}

int ttb__controller_adopt(struct ttb__controller *controller, const char *name,
                          enum ttb__controller_mode mode, const struct ttb__controller_ops *ops,
                          void *user)
{
    if (controller->state != TTB__CONTROLLER_STARTED)
        return -EINVAL;
    set_name(controller, name);
    controller->mode = mode;
    controller->ops = ops;
    controller->user = user;
    return 0;
}

enum ttb__controller_state ttb__controller_get_state(const struct ttb__controller *controller)
{
    return controller->state;
}

bool ttb__controller_is_shared(const struct ttb__controller *controller)
{
    if (!controller->mode_is_known && controller->mode != TTB__CONTROLLER_MESSAGES)
        return ttb__segment_capa(&controller->segment) & TTB__SCHEDSHM_CAPA_TIME_SHARE;
    return controller->is_shared;
}

void ttb__controller_offer_notifications(struct ttb__controller *controller)
{
    controller->offers_notify = true;
}

int ttb__controller_start(struct ttb__controller *controller, uint64_t origin_ns)
{
    struct ttb__message ack = {.op = TTB__OP_ACK, .seq = controller->start_seq};
    int fds[TTB__START_FDS], rc;

    if (controller->state != TTB__CONTROLLER_STARTED || origin_ns == TTB__TIME_NEVER)
        return -EINVAL;
    rc = ttb__segment_open(
        &controller->segment,
        controller->mode == TTB__CONTROLLER_MESSAGES ? TTB__SCHEDSHM_VERSION_NONE
                                                     : TTB__SCHEDSHM_VERSION,
        controller->id, 1,
        controller->offers_notify && controller->mode != TTB__CONTROLLER_MESSAGES, fds);
    if (rc)
        return rc;
    controller->origin_ns = origin_ns;
    controller->bound = 1;
    controller->state = TTB__CONTROLLER_RUNNING;
    /* Also in message mode: 6.12 closes both of the numbers in its receive buffer, which are not
     * initialised (time_travel_handle_message()). */
    rc = ttb__socket_send(controller->fd, &ack, sizeof(ack), fds, TTB__START_FDS, 0);
    close(fds[0]);
    close(fds[1]);
    if (rc == -EPIPE || rc == -ECONNRESET)
        controller->is_gone = true;
    else if (rc)
        ttb__controller_fail(controller, rc, "sending the ACK of START failed: %s", strerror(-rc));
    return rc;
}

int ttb__controller_run(struct ttb__controller *controller, uint64_t time_ns,
                        uint64_t free_until_ns)
{
    uint64_t request, time, bound;
    bool has_calls;
    int rc;

    if (controller->state != TTB__CONTROLLER_WAITING || free_until_ns <= time_ns ||
        time_ns < controller->origin_ns)
        return -EINVAL;
    rc = ttb__controller_read_request(controller, &request);
    if (rc)
        return rc;
    time = ttb__to_local(controller, time_ns);
    bound = ttb__to_local(controller, free_until_ns);
    has_calls = ttb__notify_calls(&controller->segment.notify) > 0;
    if (time >= TTB__LOCAL_NEVER || time < controller->time ||
        (has_calls ? time > request : time != request))
        return -EINVAL;

    ttb__notify_calls_taken(&controller->segment.notify);
    controller->time_before_run = controller->time;
    controller->kick_time = time;
    controller->time = time;
    controller->bound = bound;
    controller->request = TTB__LOCAL_NEVER;
    controller->state = TTB__CONTROLLER_RUNNING;
    if (controller->is_shared) {
        ttb__segment_set_current_time(&controller->segment, time);
        ttb__segment_set_free_until(&controller->segment, bound);
        if (controller->waits_quietly) {
            controller->waits_quietly = false;
            ttb__notify_hand_over(&controller->segment.notify);
            return 0;
        }
        queue(controller, TTB__OP_RUN, controller->next_seq++, time);
    } else {
        /* WAIT made it forget the last bound (time_travel_ext_wait()). */
        queue_tracked(controller, TTB__OP_FREE_UNTIL, bound);
        queue_tracked(controller, TTB__OP_RUN, time);
    }
    return flush_unless_in_batch(controller);
}

int ttb__controller_limit(struct ttb__controller *controller, uint64_t free_until_ns)
{
    uint64_t bound = ttb__to_local(controller, free_until_ns), floor;
    int rc;

    if (controller->state != TTB__CONTROLLER_RUNNING)
        return -EINVAL;
    ttb__controller_learn_mode(controller,
                               true); /* it is blocked, so it has read the ACK of START */
    if (controller->state == TTB__CONTROLLER_CLOSED)
        return controller->closed_err;
    if (controller->serving) {
        /* It is past the kick that is served: what it has heeded since is checked kick by kick. */
        floor = controller->kick_time;
    } else {
        rc = ttb__controller_read_time(controller);
        if (rc)
            return rc;
        floor = controller->time;
    }
    if (bound < floor)
        bound = floor;
    if (bound >= controller->bound)
        return 0;
    if (!controller->is_shared &&
        controller->unacknowledged_count + TTB__GRANT_MESSAGES >= TTB__UNACKNOWLEDGED_MAX)
        return -ENOBUFS;
    controller->bound = bound;
    if (controller->is_shared) {
        ttb__segment_set_free_until(&controller->segment, bound);
        return 0;
    }
    queue_tracked(controller, TTB__OP_FREE_UNTIL, bound);
    rc = flush_unless_in_batch(controller);
    return rc ? rc : 1;
}

int ttb__controller_set_time(struct ttb__controller *controller, uint64_t now_ns)
{
    uint64_t request, time;
    int rc;

    if (controller->state != TTB__CONTROLLER_WAITING || now_ns < controller->origin_ns)
        return -EINVAL;
    rc = ttb__controller_read_request(controller, &request);
    if (rc)
        return rc;
    time = ttb__to_local(controller, now_ns);
    if (time < controller->time || time > request || time >= TTB__LOCAL_NEVER)
        return -EINVAL;
    if (!controller->is_shared)
        return 0;
    controller->time = time; /* its bound stays behind it: it is not to pass any more */
    ttb__segment_set_current_time(&controller->segment, time);
    return 0;
}

void ttb__controller_shift(struct ttb__controller *controller, uint64_t by_ns)
{
    controller->origin_ns += by_ns;
}

int ttb__controller_broadcast(struct ttb__controller *controller, uint64_t value)
{
    if (controller->state != TTB__CONTROLLER_RUNNING &&
        controller->state != TTB__CONTROLLER_WAITING)
        return -EINVAL;
    if (controller->unacknowledged_count + TTB__GRANT_MESSAGES >= TTB__UNACKNOWLEDGED_MAX)
        return -ENOBUFS;
    queue_tracked(controller, TTB__OP_BROADCAST, value);
    return flush_unless_in_batch(controller);
}

uint64_t ttb__controller_time_ns(struct ttb__controller *controller)
{
    if (controller->state == TTB__CONTROLLER_RUNNING ||
        controller->state == TTB__CONTROLLER_WAITING) {
        ttb__controller_learn_mode(controller, false);
        ttb__controller_read_time(controller);
    }
    return ttb__to_bridge(controller, controller->time);
}

uint64_t ttb__controller_request_ns(struct ttb__controller *controller)
{
    uint64_t request;

    if (controller->state != TTB__CONTROLLER_WAITING ||
        ttb__controller_read_request(controller, &request))
        return TTB__TIME_NEVER;
    return ttb__to_bridge(controller, request);
}

bool ttb__controller_has_unacknowledged(const struct ttb__controller *controller)
{
    return controller->unacknowledged_count != 0;
}
