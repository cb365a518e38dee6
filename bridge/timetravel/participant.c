/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A participant in message mode. Every call sends one message and reads until its ACK; RUN,
 * FREE_UNTIL and BROADCAST that come meanwhile are handled and acknowledged at once, as UML does.
 * Unlike UML we remember a RUN that comes while we await another ACK, so nothing hangs.
 */
#include <ttbridge/participant.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/socket.h"
#include "timetravel/codec.h"

#define FOREVER_MS (-1)

/*
 * Invariants:
 * - free_until_ns > now_ns only while we run: waiting clears it, as in UML.
 * - is_granted: a RUN has come and wait has not told yet; its time is now_ns.
 * - broken: 0, or the negative errno that every further call returns.
 */
struct ttb_participant {
    int fd, broken;
    uint32_t seq;
    uint64_t now_ns, told_ns, free_until_ns, request_ns;
    bool is_waiting, is_granted;
    struct ttb__inbox inbox;
    ttb_participant_broadcast_fn broadcast;
    void *broadcast_user;
};

static int break_with(struct ttb_participant *participant, int code)
{
    if (!participant->broken)
        participant->broken = code;
    return participant->broken;
}

static int send_message(struct ttb_participant *participant, uint32_t op, uint32_t seq,
                        uint64_t time)
{
    struct ttb__message message = {.op = op, .seq = seq, .time = time};
    int rc = ttb__socket_send(participant->fd, &message, sizeof(message), NULL, 0, FOREVER_MS);

    if (rc == -EPIPE)
        rc = -ECONNRESET;
    return rc ? break_with(participant, rc) : 0;
}

/* Wait for one message. Descriptors that come along (the segment we do not take) are closed by the
 * kernel, because we give it no room for them. */
static int receive_message(struct ttb_participant *participant, struct ttb__message *message,
                           bool may_block)
{
    while (!ttb__inbox_take(&participant->inbox, message)) {
        struct pollfd ready = {.fd = participant->fd, .events = POLLIN};
        size_t room_bytes;
        void *room = ttb__inbox_room(&participant->inbox, &room_bytes);
        ssize_t received = recv(participant->fd, room, room_bytes, may_block ? 0 : MSG_DONTWAIT);

        if (received > 0)
            ttb__inbox_add(&participant->inbox, (size_t)received);
        else if (received == 0)
            return break_with(participant, -ECONNRESET);
        else if (errno == EAGAIN && !may_block)
            return -EAGAIN;
        else if (errno == EAGAIN)
            poll(&ready, 1, FOREVER_MS); /* the caller's socket may be non-blocking */
        else if (errno != EINTR)
            return break_with(participant, -errno);
    }
    return 0;
}

static int on_run(struct ttb_participant *participant, uint64_t time_ns)
{
    if (!participant->is_waiting || participant->is_granted || time_ns < participant->now_ns ||
        time_ns > participant->request_ns || time_ns >= TTB__LOCAL_NEVER)
        return break_with(participant, -EPROTO);
    participant->now_ns = participant->told_ns = time_ns;
    participant->is_granted = true;
    return 0;
}

/* Act on a message that is no ACK, and acknowledge it. */
static int handle(struct ttb_participant *participant, const struct ttb__message *message)
{
    int rc = 0;

    switch (message->op) {
    case TTB__OP_RUN:
        rc = on_run(participant, message->time);
        break;
    case TTB__OP_FREE_UNTIL:
        participant->free_until_ns = message->time;
        break;
    case TTB__OP_BROADCAST:
        break;
    default:
        rc = break_with(participant, -EPROTO);
    }
    if (!rc)
        rc = send_message(participant, TTB__OP_ACK, message->seq, 0);
    if (!rc && message->op == TTB__OP_BROADCAST && participant->broadcast)
        participant->broadcast(participant->broadcast_user, message->time);
    return rc;
}

/* Send a message, wait for its ACK, whose time goes to *ack_value unless that is NULL. */
static int call(struct ttb_participant *participant, uint32_t op, uint64_t value,
                uint64_t *ack_value)
{
    struct ttb__message message;
    uint32_t seq;
    int rc;

    if (participant->broken)
        return participant->broken;
    seq = ++participant->seq;
    rc = send_message(participant, op, seq, value);
    while (!rc) {
        rc = receive_message(participant, &message, true);
        if (rc)
            break;
        if (message.op != TTB__OP_ACK) {
            rc = handle(participant, &message);
            continue;
        }
        if (message.seq != seq)
            return break_with(participant, -EPROTO);
        if (ack_value)
            *ack_value = message.time;
        return 0;
    }
    return rc;
}

int ttb_participant_attach(int fd, uint64_t id, struct ttb_participant **participant)
{
    struct ttb_participant *made = calloc(1, sizeof(*made));
    int rc;

    if (!made) {
        close(fd);
        return -ENOMEM;
    }
    made->fd = fd;
    made->request_ns = TTB__LOCAL_NEVER;
    rc = call(made, TTB__OP_START, id, NULL);
    if (rc) {
        ttb_participant_free(made);
        return rc;
    }
    *participant = made;
    return 0;
}

int ttb_participant_connect(const char *path, uint64_t id, struct ttb_participant **participant)
{
    int fd = ttb__socket_connect(path);

    return fd < 0 ? fd : ttb_participant_attach(fd, id, participant);
}

void ttb_participant_free(struct ttb_participant *participant)
{
    if (!participant)
        return;
    close(participant->fd);
    free(participant);
}

int ttb_participant_request(struct ttb_participant *participant, uint64_t time_ns)
{
    int rc;

    if (time_ns < participant->now_ns)
        return -EINVAL;
    if (time_ns > TTB__LOCAL_NEVER)
        time_ns = TTB__LOCAL_NEVER;
    /* A RUN may come before the ACK: it is then for the request before. */
    rc = call(participant, TTB__OP_REQUEST, time_ns, NULL);
    if (!rc)
        participant->request_ns = time_ns;
    return rc;
}

int ttb_participant_begin_wait(struct ttb_participant *participant)
{
    if (participant->is_waiting)
        return participant->broken;
    participant->is_waiting = true;
    participant->free_until_ns = 0;
    return call(participant, TTB__OP_WAIT, UINT64_MAX, NULL);
}

static int end_wait(struct ttb_participant *participant, bool may_block, uint64_t *now_ns)
{
    int rc = ttb_participant_begin_wait(participant);

    while (!rc && !participant->is_granted) {
        struct ttb__message message;

        rc = receive_message(participant, &message, may_block);
        if (!rc) /* an ACK is not due now, and is refused like any unknown operation */
            rc = handle(participant, &message);
    }
    if (rc)
        return rc;
    participant->is_waiting = participant->is_granted = false;
    participant->request_ns = TTB__LOCAL_NEVER;
    *now_ns = participant->now_ns;
    return 0;
}

int ttb_participant_try_wait(struct ttb_participant *participant, uint64_t *now_ns)
{
    return end_wait(participant, false, now_ns);
}

int ttb_participant_wait(struct ttb_participant *participant, uint64_t *now_ns)
{
    return end_wait(participant, true, now_ns);
}

int ttb_participant_run_to(struct ttb_participant *participant, uint64_t time_ns)
{
    uint64_t now_ns;
    int rc = participant->broken;

    if (time_ns < participant->now_ns || time_ns >= TTB__LOCAL_NEVER)
        return -EINVAL;
    while (!rc && participant->now_ns < time_ns) {
        if (!participant->is_waiting && time_ns < participant->free_until_ns) {
            participant->now_ns = time_ns;
            break;
        }
        rc = ttb_participant_request(participant, time_ns);
        if (!rc)
            rc = ttb_participant_wait(participant, &now_ns);
    }
    return rc;
}

uint64_t ttb_participant_now_ns(const struct ttb_participant *participant)
{
    return participant->now_ns;
}

uint64_t ttb_participant_free_until_ns(const struct ttb_participant *participant)
{
    return participant->free_until_ns > participant->now_ns ? participant->free_until_ns
                                                            : participant->now_ns;
}

int ttb_participant_get(struct ttb_participant *participant, uint64_t *now_ns)
{
    uint64_t time_ns;
    /* The calendar does not know how far we have run freely, and might answer with an earlier time. */
    int rc = ttb_participant_update(participant);

    if (!rc)
        rc = call(participant, TTB__OP_GET, UINT64_MAX, &time_ns);
    if (rc)
        return rc;
    if (time_ns < participant->now_ns || time_ns >= TTB__LOCAL_NEVER)
        return break_with(participant, -EPROTO);
    participant->now_ns = participant->told_ns = time_ns;
    *now_ns = time_ns;
    return 0;
}

int ttb_participant_update(struct ttb_participant *participant)
{
    int rc;

    if (participant->told_ns == participant->now_ns)
        return participant->broken;
    rc = call(participant, TTB__OP_UPDATE, participant->now_ns, NULL);
    if (!rc)
        participant->told_ns = participant->now_ns;
    return rc;
}

int ttb_participant_time_of_day(struct ttb_participant *participant, uint64_t *time_ns)
{
    return call(participant, TTB__OP_GET_TOD, UINT64_MAX, time_ns);
}

int ttb_participant_broadcast(struct ttb_participant *participant, uint64_t value)
{
    return call(participant, TTB__OP_BROADCAST, value, NULL);
}

void ttb_participant_on_broadcast(struct ttb_participant *participant,
                                  ttb_participant_broadcast_fn fn, void *user)
{
    participant->broadcast = fn;
    participant->broadcast_user = user;
}

int ttb_participant_fd(const struct ttb_participant *participant)
{
    return participant->fd;
}
