/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state machine of one participant's connection.
 *
 * All times in struct ttb__controller are the participant's own (local): 0 at its START. They are
 * translated at the functions of controller.h, so that messages and segment never hold bridge times.
 *
 * What arrives is handled in batches: all messages that one recv() brought, then one send() for the
 * answers and for whatever the callbacks wanted to be sent. Outside of a batch a function sends at
 * once.
 *
 * Failures found outside of the loop's turn (a segment that makes no sense, say) only shut the socket
 * down; that makes it readable, and the next turn reports them.
 */
#include "timetravel/controller.h"

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

#include "base/error.h"
#include "base/socket.h"
#include "timetravel/codec.h"
#include "timetravel/segment.h"

#define NAME_BYTES 64

/* Messages to the participant that it has not acknowledged. A grant takes two places, which limits
 * and broadcasts leave free. */
#define UNACKNOWLEDGED_MAX 64
#define GRANT_MESSAGES     2

struct sent {
    uint32_t op, seq;
};

/*
 * Invariants:
 * - time is where the participant is known to have been; it may be anywhere in [time, bound) while it
 *   runs, and is at time once it has been read while it waits.
 * - request is TTB__LOCAL_NEVER if there is none; unused in shared mode, where it is in the segment.
 * - unacknowledged[0..unacknowledged_count) in the order sent.
 * - out is empty outside of a batch.
 */
struct ttb__controller {
    struct ttb_loop loop;
    struct ttb_watch *watch;
    int fd;
    char name[NAME_BYTES];
    enum ttb__controller_mode mode;
    const struct ttb__controller_ops *ops;
    void *user;

    enum ttb__controller_state state;
    bool is_shared, mode_is_known;
    uint64_t id;
    uint32_t start_seq;
    uint64_t origin_ns;
    uint64_t time, bound, request;
    uint64_t time_before_run; /* what a request that crossed our RUN is compared with */
    struct ttb__segment segment;

    struct ttb__inbox inbox;
    struct ttb__message out[TTB__BATCH];
    size_t out_count;
    struct sent unacknowledged[UNACKNOWLEDGED_MAX];
    size_t unacknowledged_count;
    uint32_t next_seq;
    bool in_batch;
    bool is_gone; /* sending says that nobody is there: EOF will follow */

    int closed_err;
    struct ttb__error closed_why;
};

/* ------------------------------------------------------------------------------------- times */

static uint64_t to_local(const struct ttb__controller *controller, uint64_t time_ns)
{
    uint64_t local = time_ns <= controller->origin_ns ? 0 : time_ns - controller->origin_ns;

    if (time_ns == TTB__TIME_NEVER || local > TTB__LOCAL_NEVER)
        return TTB__LOCAL_NEVER;
    return local;
}

static uint64_t to_bridge(const struct ttb__controller *controller, uint64_t local)
{
    if (local >= TTB__LOCAL_NEVER || local > TTB__TIME_NEVER - controller->origin_ns)
        return TTB__TIME_NEVER;
    return controller->origin_ns + local;
}

/* --------------------------------------------------------------------------------- failing */

/* The connection is over; `closed` follows from the loop's turn. */
static void end(struct ttb__controller *controller, int err)
{
    controller->closed_err = err;
    controller->state = TTB__CONTROLLER_CLOSED;
    controller->out_count = 0;
    shutdown(controller->fd, SHUT_RDWR);
}

/* Returns `err`, so that `return fail(...)` reads well. The first failure counts. */
__attribute__((format(printf, 3, 4))) static int fail(struct ttb__controller *controller, int err,
                                                      const char *format, ...)
{
    char text[TTB__ERROR_MAX - NAME_BYTES - 2];
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
    if (sent == (ssize_t)len_bytes)
        return 0;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
        controller->is_gone = true;
        return -EPIPE;
    }
    if (sent < 0 && errno != EAGAIN)
        return fail(controller, -errno, "sending failed: %s", strerror(errno));
    /* At most a few messages are ever in flight to a participant that reads. */
    return fail(controller, -ENOBUFS,
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

    assert(controller->unacknowledged_count < UNACKNOWLEDGED_MAX);
    controller->unacknowledged[controller->unacknowledged_count++] =
        (struct sent){.op = op, .seq = seq};
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

/* ------------------------------------------------------------------- what the segment says */

/*
 * UML sets its capability bit while it handles the ACK of START, before anything else it does
 * (time_travel_setup_shm()), so a participant that has done something since and has not set the bit
 * uses messages: `is_last_chance`.
 */
static void learn_mode(struct ttb__controller *controller, bool is_last_chance)
{
    if (controller->mode_is_known)
        return;
    if (controller->mode != TTB__CONTROLLER_MESSAGES &&
        ttb__segment_is_taken(&controller->segment)) {
        controller->is_shared = true;
        controller->mode_is_known = true;
    } else if (is_last_chance) {
        controller->mode_is_known = true;
        if (controller->mode == TTB__CONTROLLER_SHARED)
            fail(controller, -EPROTO,
                 "it has not taken the shared segment (capa bit 0 is clear), which was required");
    }
}

static int check_time(struct ttb__controller *controller, const char *what, uint64_t time)
{
    if (time < controller->time)
        return fail(controller, -EPROTO, "%s is %" PRIu64 " ns, before its clock, %" PRIu64 " ns",
                    what, time, controller->time);
    if (time > controller->time && time >= controller->bound)
        return fail(controller, -EPROTO,
                    "%s is %" PRIu64 " ns, but it may run only before %" PRIu64 " ns", what, time,
                    controller->bound);
    return 0;
}

/* Take over current_time from the segment of a participant that is blocked. */
static int read_time(struct ttb__controller *controller)
{
    uint64_t time;
    int rc;

    if (!controller->is_shared)
        return 0;
    time = ttb__segment_current_time(&controller->segment);
    rc = check_time(controller, "current_time in the segment", time);
    if (rc == 0)
        controller->time = time;
    return rc;
}

static int check_request(struct ttb__controller *controller, const char *what, uint64_t time,
                         uint64_t floor)
{
    if (time > TTB__LOCAL_NEVER)
        return fail(controller, -EPROTO,
                    "%s is %" PRIu64 " ns, beyond the end of time, %" PRIu64 " ns", what, time,
                    TTB__LOCAL_NEVER);
    if (time < floor)
        return fail(controller, -EPROTO, "%s is %" PRIu64 " ns, before its clock, %" PRIu64 " ns",
                    what, time, floor);
    return 0;
}

/* The request of a WAITING participant. */
static int read_request(struct ttb__controller *controller, uint64_t *request)
{
    *request = controller->request;
    if (!controller->is_shared)
        return 0;
    if (!ttb__segment_request(&controller->segment, request)) {
        *request = TTB__LOCAL_NEVER;
        return 0;
    }
    return check_request(controller, "req_time in the segment", *request, controller->time);
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
    struct sent *sent = controller->unacknowledged;
    size_t i = 0, count = controller->unacknowledged_count;

    while (i < count && sent[i].seq != message->seq)
        i++;
    if (i == count) {
        fail(controller, -EPROTO, "ACK has sequence number %" PRIu32 ", which no message %s",
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

    if (check_request(controller, "REQUEST time", message->time, floor))
        return;
    controller->request = message->time > controller->time ? message->time : controller->time;
    queue_ack(controller, message, 0);
    if (controller->state == TTB__CONTROLLER_WAITING && controller->ops->request)
        controller->ops->request(controller->user);
}

static void on_wait(struct ttb__controller *controller, const struct ttb__message *message)
{
    uint64_t request;

    if (controller->state == TTB__CONTROLLER_WAITING) {
        fail(controller, -EPROTO, "WAIT (sequence number %" PRIu32 ") while it waits already",
             message->seq);
        return;
    }
    if (is_unacknowledged(controller, TTB__OP_RUN)) {
        fail(controller, -EPROTO, "WAIT (sequence number %" PRIu32 ") before the ACK of RUN",
             message->seq);
        return;
    }
    if (controller->is_shared) {
        if (read_time(controller) || read_request(controller, &request))
            return;
    } else {
        queue_ack(controller, message, 0);
    }
    controller->state = TTB__CONTROLLER_WAITING;
    if (controller->is_shared) /* nothing that waits lets time pass */
        controller->bound = controller->time + 1;
    if (controller->ops->waiting)
        controller->ops->waiting(controller->user);
}

static void on_get(struct ttb__controller *controller, const struct ttb__message *message)
{
    uint64_t time = to_local(controller, controller->ops->now_ns(controller->user));

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
    if (check_time(controller, "UPDATE time", message->time))
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
        fail(controller, -EPROTO,
             "unknown operation %" PRIu32 " (sequence number %" PRIu32 ", time %" PRIu64 ")",
             message->op, message->seq, message->time);
    else if (message->op == TTB__OP_RUN || message->op == TTB__OP_FREE_UNTIL)
        fail(controller, -EPROTO, "%s with time %" PRIu64 ", which only a calendar sends", op,
             message->time);
    else if (controller->state == TTB__CONTROLLER_NEW && message->op != TTB__OP_START)
        fail(controller, -EPROTO, "%s with time %" PRIu64 " before START", op, message->time);
    else if (controller->state == TTB__CONTROLLER_STARTED && message->op != TTB__OP_START)
        fail(controller, -EPROTO, "%s with time %" PRIu64 " before the ACK of START", op,
             message->time);
    else if (controller->state != TTB__CONTROLLER_NEW && message->op == TTB__OP_START)
        fail(controller, -EPROTO, "a second START, with id %" PRIu64 " (the first: %" PRIu64 ")",
             message->time, controller->id);
    if (controller->state == TTB__CONTROLLER_CLOSED)
        return;

    if (message->op != TTB__OP_START)
        learn_mode(controller, true);
    if (controller->state == TTB__CONTROLLER_CLOSED)
        return;
    if (controller->is_shared && !handlers[message->op].in_shared_mode)
        fail(controller, -EPROTO,
             "%s with time %" PRIu64 " as a message, but it has taken the shared segment", op,
             message->time);
    else if (message->op == TTB__OP_GET_TOD)
        queue_ack(controller, message, controller->ops->time_of_day_ns(controller->user));
    else
        handlers[message->op].fn(controller, message);
}

static void on_eof(struct ttb__controller *controller)
{
    size_t partial = ttb__inbox_partial_bytes(&controller->inbox);

    if (partial)
        fail(controller, -EPROTO, "closed the connection after %zu of the %zu bytes of a message",
             partial, sizeof(struct ttb__message));
    else if (controller->state == TTB__CONTROLLER_NEW)
        fail(controller, -ECONNRESET, "closed the connection before START");
    else if (controller->state == TTB__CONTROLLER_STARTED)
        fail(controller, -ECONNRESET, "closed the connection before the ACK of START");
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
            fail(controller, -errno, "receiving failed: %s", strerror(errno));
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
        return ttb__segment_is_taken(&controller->segment);
    return controller->is_shared;
}

int ttb__controller_start(struct ttb__controller *controller, uint64_t origin_ns)
{
    struct ttb__message ack = {.op = TTB__OP_ACK, .seq = controller->start_seq};
    int fds[TTB__START_FDS], rc;

    if (controller->state != TTB__CONTROLLER_STARTED || origin_ns == TTB__TIME_NEVER)
        return -EINVAL;
    rc = ttb__segment_open(&controller->segment,
                           controller->mode == TTB__CONTROLLER_MESSAGES ? TTB__SCHEDSHM_VERSION_NONE
                                                                        : TTB__SCHEDSHM_VERSION,
                           controller->id, 1, fds);
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
        fail(controller, rc, "sending the ACK of START failed: %s", strerror(-rc));
    return rc;
}

int ttb__controller_run(struct ttb__controller *controller, uint64_t time_ns,
                        uint64_t free_until_ns)
{
    uint64_t request, time, bound;
    int rc;

    if (controller->state != TTB__CONTROLLER_WAITING || free_until_ns <= time_ns ||
        time_ns < controller->origin_ns)
        return -EINVAL;
    rc = read_request(controller, &request);
    if (rc)
        return rc;
    time = to_local(controller, time_ns);
    bound = to_local(controller, free_until_ns);
    if (time >= TTB__LOCAL_NEVER || time != request || time < controller->time)
        return -EINVAL;

    controller->time_before_run = controller->time;
    controller->time = time;
    controller->bound = bound;
    controller->request = TTB__LOCAL_NEVER;
    controller->state = TTB__CONTROLLER_RUNNING;
    if (controller->is_shared) {
        ttb__segment_set_current_time(&controller->segment, time);
        ttb__segment_set_free_until(&controller->segment, bound);
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
    uint64_t bound = to_local(controller, free_until_ns);
    int rc;

    if (controller->state != TTB__CONTROLLER_RUNNING)
        return -EINVAL;
    learn_mode(controller, true); /* it is blocked, so it has read the ACK of START */
    if (controller->state == TTB__CONTROLLER_CLOSED)
        return controller->closed_err;
    rc = read_time(controller);
    if (rc)
        return rc;
    if (bound < controller->time)
        bound = controller->time;
    if (bound >= controller->bound)
        return 0;
    if (!controller->is_shared &&
        controller->unacknowledged_count + GRANT_MESSAGES >= UNACKNOWLEDGED_MAX)
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
    rc = read_request(controller, &request);
    if (rc)
        return rc;
    time = to_local(controller, now_ns);
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
    if (controller->unacknowledged_count + GRANT_MESSAGES >= UNACKNOWLEDGED_MAX)
        return -ENOBUFS;
    queue_tracked(controller, TTB__OP_BROADCAST, value);
    return flush_unless_in_batch(controller);
}

uint64_t ttb__controller_time_ns(struct ttb__controller *controller)
{
    if (controller->state == TTB__CONTROLLER_RUNNING ||
        controller->state == TTB__CONTROLLER_WAITING) {
        learn_mode(controller, false);
        read_time(controller);
    }
    return to_bridge(controller, controller->time);
}

uint64_t ttb__controller_request_ns(struct ttb__controller *controller)
{
    uint64_t request;

    if (controller->state != TTB__CONTROLLER_WAITING || read_request(controller, &request))
        return TTB__TIME_NEVER;
    return to_bridge(controller, request);
}

bool ttb__controller_has_unacknowledged(const struct ttb__controller *controller)
{
    return controller->unacknowledged_count != 0;
}
