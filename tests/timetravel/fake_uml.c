/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_uml.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define S64_MAX       ((uint64_t)INT64_MAX)
#define CLOCK_READ_NS 256
#define SHM_VERSION_2 2
#define CAPA_SHARE    1u
#define CAPA_NOTIFY   (2u | 4u | 8u) /* calls, kicks, handing over */
#define FEATURES      7u
#define FLAG_REQ_RUN  1u
#define QUEUE_LOG     1u
#define IN_WAIT       UINT32_MAX /* awaiting RUN, not an ACK */
#define IN_KICK       (UINT32_MAX - 1)

enum {
    ACK,
    START,
    REQUEST,
    WAIT,
    GET,
    UPDATE,
    RUN,
    FREE_UNTIL,
    GET_TOD,
    BROADCAST
};

struct message {
    uint32_t op, seq;
    uint64_t time;
};

__attribute__((format(printf, 2, 3))) static bool panic(struct fake_uml *uml, const char *format,
                                                        ...)
{
    va_list args;

    if (uml->panic[0])
        return false;
    va_start(args, format);
    vsnprintf(uml->panic, sizeof(uml->panic), format, args);
    va_end(args);
    return false;
}

void fake_uml_init(struct fake_uml *uml, int fd, bool knows_segment, int (*pump)(void *),
                   void *pump_user)
{
    *uml = (struct fake_uml){
        .fd = fd,
        .vhost_fd = -1,
        .knows_segment = knows_segment,
        .pump = pump,
        .pump_user = pump_user,
    };
}

void fake_uml_exit(struct fake_uml *uml)
{
    if (uml->fd >= 0)
        close(uml->fd);
    uml->fd = -1;
    if (uml->shm)
        munmap(uml->shm, uml->shm_bytes);
    uml->shm = uml->shm_client = uml->notify = NULL;
    uml->free_until = NULL;
}

/* ------------------------------------------------------------------------------- the segment */

void fake_uml_poke_u64(struct fake_uml *uml, size_t offset, uint64_t value)
{
    __atomic_store_n((uint64_t *)(uml->shm + offset), value, __ATOMIC_SEQ_CST);
}

uint64_t fake_uml_peek_u64(const struct fake_uml *uml, size_t offset)
{
    return __atomic_load_n((uint64_t *)(uml->shm + offset), __ATOMIC_SEQ_CST);
}

void fake_uml_poke_u32(struct fake_uml *uml, size_t offset, uint32_t value)
{
    __atomic_store_n((uint32_t *)(uml->shm + offset), value, __ATOMIC_SEQ_CST);
}

uint32_t fake_uml_peek_u32(const struct fake_uml *uml, size_t offset)
{
    return __atomic_load_n((uint32_t *)(uml->shm + offset), __ATOMIC_SEQ_CST);
}

static uint16_t peek_u16(const struct fake_uml *uml, size_t offset)
{
    uint16_t value;

    memcpy(&value, uml->shm + offset, sizeof(value));
    return value;
}

static uint32_t notify_u32(const struct fake_uml *uml, size_t offset)
{
    return __atomic_load_n((uint32_t *)(uml->notify + offset), __ATOMIC_SEQ_CST);
}

static void set_notify_u32(struct fake_uml *uml, size_t offset, uint32_t value)
{
    __atomic_store_n((uint32_t *)(uml->notify + offset), value, __ATOMIC_SEQ_CST);
}

size_t fake_uml_queue(const struct fake_uml *uml, unsigned slot)
{
    return (size_t)(uml->notify - uml->shm) + NOTIFY_BYTES + slot * QUEUE_BYTES;
}

size_t fake_uml_kick_at(const struct fake_uml *uml, unsigned index)
{
    unsigned queues = peek_u16(uml, (size_t)(uml->notify - uml->shm) + NOTIFY_QUEUES);

    return fake_uml_queue(uml, queues) + 2 * (size_t)queues + index * KICK_BYTES;
}

/* time_travel_setup_notify() */
static bool set_up_notify(struct fake_uml *uml)
{
    uint32_t offset, kicks;
    size_t end_bytes;

    memcpy(&offset, uml->shm_client + CLIENT_NOTIFY, sizeof(offset));
    if (!uml->knows_notify || offset == 0)
        return true;
    if (offset % 8 || offset + NOTIFY_BYTES > uml->shm_bytes)
        return panic(uml, "no room for a notification area at offset %" PRIu32 " of %zu bytes",
                     offset, uml->shm_bytes);
    uml->notify = uml->shm + offset;
    kicks = peek_u16(uml, offset + NOTIFY_KICKS);
    end_bytes = fake_uml_kick_at(uml, kicks);
    if (kicks == 0 || (kicks & (kicks - 1)) || peek_u16(uml, offset + NOTIFY_QUEUES) % 4 ||
        end_bytes > uml->shm_bytes)
        return panic(uml, "invalid notification area: %" PRIu32 " kicks, ends at %zu of %zu bytes",
                     kicks, end_bytes, uml->shm_bytes);
    if (notify_u32(uml, NOTIFY_FEATURES) != FEATURES)
        return panic(uml, "notification area with features %" PRIu32,
                     notify_u32(uml, NOTIFY_FEATURES));
    *(uint32_t *)(uml->shm_client + CLIENT_CAPA) |= CAPA_NOTIFY;
    return true;
}

/* time_travel_setup_shm(). Where the kernel would fault, this panics. */
static bool set_up_segment(struct fake_uml *uml, int fd, uint16_t id)
{
    struct stat status;
    uint32_t len_bytes;

    if (fstat(fd, &status) < 0 || status.st_size < SHM_CLIENTS)
        return panic(uml, "the segment has %lld bytes, its header has 4096",
                     (long long)status.st_size);
    uml->shm = mmap(NULL, SHM_CLIENTS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (uml->shm == MAP_FAILED) {
        uml->shm = NULL;
        return panic(uml, "the segment cannot be mapped: %s", strerror(errno));
    }
    len_bytes = fake_uml_peek_u32(uml, SHM_LEN);
    if (fake_uml_peek_u32(uml, SHM_VERSION) != SHM_VERSION_2 ||
        len_bytes < SHM_CLIENTS + (id + 1u) * CLIENT_BYTES) {
        munmap(uml->shm, SHM_CLIENTS);
        uml->shm = NULL;
        return true;
    }
    if (status.st_size < len_bytes)
        return panic(uml, "the segment has %lld bytes, its len says %" PRIu32,
                     (long long)status.st_size, len_bytes);
    if (id >= peek_u16(uml, SHM_MAX_CLIENTS))
        return panic(uml, "the segment has %d slots, ours is %d", peek_u16(uml, SHM_MAX_CLIENTS),
                     id);
    uml->shm = mremap(uml->shm, SHM_CLIENTS, len_bytes, MREMAP_MAYMOVE);
    uml->shm_bytes = len_bytes;
    uml->shm_client = uml->shm + SHM_CLIENTS + id * CLIENT_BYTES;
    if (peek_u16(uml, SHM_RUNNING_ID) != id)
        return panic(uml, "running_id is %d, we are %d", peek_u16(uml, SHM_RUNNING_ID), id);
    uml->shm_offset = fake_uml_peek_u64(uml, SHM_CURRENT_TIME);
    *(uint32_t *)(uml->shm_client + CLIENT_CAPA) |= CAPA_SHARE;
    uml->free_until = (uint64_t *)(uml->shm + SHM_FREE_UNTIL);
    return set_up_notify(uml);
}

/* -------------------------------------------------------------------------------- messages */

static bool is_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&ready, 1, 0) == 1;
}

/* Block until one of the two can be read: 0 or 1, the first first; -1 if that would never be. */
static int await(struct fake_uml *uml, int first, int second, const char *what)
{
    for (;;) {
        if (is_readable(first))
            return 0;
        if (is_readable(second))
            return 1;
        if (uml->pump(uml->pump_user) <= 0) {
            panic(uml, "hangs: waits for %s for ever", what);
            return -1;
        }
    }
}

static const char *name_of(uint32_t op)
{
    static const char *const names[] = {"an ACK", "START", "REQUEST",    "WAIT",    "GET",
                                        "UPDATE", "RUN",   "FREE_UNTIL", "GET_TOD", "BROADCAST"};

    if (op == IN_WAIT)
        return "RUN";
    if (op == IN_KICK)
        return "a kick's reply";
    return op <= BROADCAST ? names[op] : "?";
}

static bool set_time(struct fake_uml *uml, uint64_t time)
{
    if (time < uml->time)
        return panic(uml, "time goes backwards %" PRIu64 " -> %" PRIu64, uml->time, time);
    if (time >= S64_MAX)
        return panic(uml, "going to sleep forever");
    uml->time = time;
    return true;
}

static bool receive_start_ack(struct fake_uml *uml, struct message *message, ssize_t *received)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
    struct cmsghdr *first;
    int fds[2];
    bool ok;

    *received = recvmsg(uml->fd, &header, 0);
    first = CMSG_FIRSTHDR(&header);
    uml->start_fds = 0;
    if (*received > 0 && first && first->cmsg_type == SCM_RIGHTS) {
        uml->start_fds = (unsigned)((first->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(first), uml->start_fds * sizeof(int));
    }
    if (*received != sizeof(*message))
        return true;
    if (uml->start_fds != 2)
        return panic(uml, "the ACK of START has %u descriptors: closes uninitialised numbers",
                     uml->start_fds);
    ok = set_up_segment(uml, fds[0], (uint16_t)message->time);
    close(fds[0]);
    if (close(fds[1]) < 0)
        return panic(uml, "the log descriptor is not open");
    return ok;
}

/* time_travel_handle_message(), while the ACK of `awaited` (or RUN, or a kick's reply) is awaited. */
static bool handle_message(struct fake_uml *uml, struct message *message, uint32_t awaited)
{
    struct message ack = {.op = ACK};
    ssize_t received;

    if (uml->panic[0] || await(uml, uml->fd, -1, name_of(awaited)) < 0)
        return false;
    if (awaited == START && uml->knows_segment) {
        if (!receive_start_ack(uml, message, &received))
            return false;
    } else {
        received = recv(uml->fd, message, sizeof(*message), 0);
    }
    if (received <= 0)
        return panic(uml, "time-travel external link is broken");
    if (received != sizeof(*message))
        return panic(uml, "invalid time-travel message - %zd bytes", received);

    switch (message->op) {
    case ACK:
        return true;
    case RUN:
        if (awaited != IN_WAIT)
            return panic(uml, "RUN consumed while awaiting %s: the next wait would hang",
                         name_of(awaited));
        if (!set_time(uml, message->time))
            return false;
        uml->runs++;
        if (uml->shm) {
            *(uint32_t *)(uml->shm_client + CLIENT_FLAGS) &= ~FLAG_REQ_RUN;
            return true;
        }
        break;
    case FREE_UNTIL:
        if (uml->shm)
            break;
        uml->free_until = &uml->own_free_until;
        uml->own_free_until = message->time;
        break;
    case BROADCAST:
        uml->broadcasts++;
        uml->broadcast = message->time;
        break;
    default:
        return panic(uml, "unexpected message %" PRIu32, message->op);
    }
    ack.seq = message->seq;
    uml->acks_sent++;
    if (send(uml->fd, &ack, sizeof(ack), MSG_NOSIGNAL) != sizeof(ack))
        return panic(uml, "time-travel external link is broken");
    return true;
}

/* time_travel_ring() */
static void ring(struct fake_uml *uml)
{
    if (uml->notify && notify_u32(uml, NOTIFY_WATCHED))
        set_notify_u32(uml, NOTIFY_RINGS, notify_u32(uml, NOTIFY_RINGS) + 1);
}

static bool send_req(struct fake_uml *uml, uint32_t op, uint64_t time)
{
    struct message message = {.op = op, .seq = ++uml->seq, .time = time};

    if (uml->panic[0])
        return false;
    if (send(uml->fd, &message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
        return panic(uml, "time-travel external link is broken");
    ring(uml);
    return true;
}

static bool await_ack(struct fake_uml *uml, uint32_t op, uint64_t *ack)
{
    struct message message = {.op = op};
    uint32_t seq = uml->seq;

    while (message.op != ACK) {
        if (!handle_message(uml, &message, op))
            return false;
    }
    if (message.seq != seq)
        return panic(uml,
                     "ACK message has different seqno! op=%" PRIu32 ", seq=%" PRIu32 " != %" PRIu32,
                     op, message.seq, seq);
    if (ack)
        *ack = message.time;
    return op != GET || set_time(uml, message.time);
}

bool fake_uml_req(struct fake_uml *uml, uint32_t op, uint64_t time, uint64_t *ack)
{
    if (!send_req(uml, op, time))
        return false;
    if (op == WAIT && uml->shm)
        return true;
    return await_ack(uml, op, ack);
}

bool fake_uml_send_start(struct fake_uml *uml, uint64_t id)
{
    return send_req(uml, START, id);
}

bool fake_uml_finish_start(struct fake_uml *uml)
{
    return await_ack(uml, START, &uml->start_ack);
}

/* ---------------------------------------------------------------------- requests and events */

static bool may_run_freely(const struct fake_uml *uml, uint64_t time)
{
    return !uml->waiting && uml->free_until && time < *uml->free_until - uml->shm_offset;
}

bool fake_uml_update_request(struct fake_uml *uml, uint64_t time)
{
    if (uml->panic[0])
        return false;
    if (uml->prev_request_valid && time == uml->prev_request)
        return true;
    if (may_run_freely(uml, time))
        return true;
    uml->prev_request = time;
    uml->prev_request_valid = true;
    if (uml->shm) {
        const uint8_t *running =
            uml->shm + SHM_CLIENTS + peek_u16(uml, SHM_RUNNING_ID) * CLIENT_BYTES;

        if (*(const uint32_t *)(running + CLIENT_CAPA) & CAPA_SHARE) {
            *(uint32_t *)(uml->shm_client + CLIENT_FLAGS) |= FLAG_REQ_RUN;
            time += uml->shm_offset;
            *(uint64_t *)(uml->shm_client + CLIENT_REQ_TIME) = time;
            if (time < fake_uml_peek_u64(uml, SHM_FREE_UNTIL))
                fake_uml_poke_u64(uml, SHM_FREE_UNTIL, time);
            return true;
        }
    }
    return fake_uml_req(uml, REQUEST, time, NULL);
}

static size_t first_event(const struct fake_uml *uml)
{
    size_t first = 0;

    for (size_t i = 1; i < uml->event_count; i++) {
        if (uml->events[i].time < uml->events[first].time)
            first = i;
    }
    return first;
}

static bool add_event(struct fake_uml *uml, uint64_t time, bool is_irq)
{
    if (uml->event_count == FAKE_UML_EVENTS)
        return panic(uml, "too many events for the fake");
    uml->events[uml->event_count].time = time;
    uml->events[uml->event_count++].is_irq = is_irq;
    return fake_uml_update_request(uml, uml->events[first_event(uml)].time);
}

bool fake_uml_add_event(struct fake_uml *uml, uint64_t time)
{
    return add_event(uml, time, false);
}

static void del_event(struct fake_uml *uml, size_t index)
{
    memmove(&uml->events[index], &uml->events[index + 1],
            (--uml->event_count - index) * sizeof(uml->events[0]));
}

void fake_uml_del_event(struct fake_uml *uml, uint64_t time)
{
    for (size_t i = 0; i < uml->event_count; i++) {
        if (uml->events[i].time == time) {
            del_event(uml, i);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------- passing time */

bool fake_uml_begin_wait(struct fake_uml *uml)
{
    uml->prev_request_valid = false;
    if (!uml->shm)
        uml->free_until = NULL;
    uml->waiting++;
    uml->waits++;
    uml->waits_quietly = uml->notify && notify_u32(uml, NOTIFY_WATCHED);
    if (uml->waits_quietly) {
        if (uml->panic[0])
            return false;
        uml->run = notify_u32(uml, NOTIFY_RUN);
        set_notify_u32(uml, NOTIFY_WAITING, 1);
        ring(uml);
        return true;
    }
    return fake_uml_req(uml, WAIT, UINT64_MAX, NULL);
}

/* time_travel_take_calls() */
static bool take_calls(struct fake_uml *uml)
{
    uint32_t count = uml->notify ? notify_u32(uml, NOTIFY_CALL_COUNT) : 0;
    size_t list =
        count ? fake_uml_queue(uml, peek_u16(uml, (size_t)(uml->notify - uml->shm) + NOTIFY_QUEUES))
              : 0;

    for (uint32_t i = 0; i < count; i++) {
        uml->called[uml->calls++ % 8] = peek_u16(uml, list + 2 * (size_t)i);
        if (!add_event(uml, uml->time, true))
            return false;
    }
    if (count)
        set_notify_u32(uml, NOTIFY_CALL_COUNT, 0);
    return true;
}

/* time_travel_hand_over() */
static bool await_hand_over(struct fake_uml *uml)
{
    struct message message;

    for (;;) {
        while (notify_u32(uml, NOTIFY_RUN) == uml->run) {
            if (uml->pump(uml->pump_user) <= 0)
                return panic(uml, "hangs: waits for `run` for ever");
        }
        uml->run++;
        if (!notify_u32(uml, NOTIFY_WAITING))
            break;
        if (!handle_message(uml, &message, IN_WAIT))
            return false;
    }
    if (!set_time(uml, fake_uml_peek_u64(uml, SHM_CURRENT_TIME) - uml->shm_offset))
        return false;
    uml->runs++;
    *(uint32_t *)(uml->shm_client + CLIENT_FLAGS) &= ~FLAG_REQ_RUN;
    return true;
}

bool fake_uml_end_wait(struct fake_uml *uml)
{
    struct message message = {.op = ACK};

    if (uml->panic[0] || (uml->waits_quietly && !await_hand_over(uml)))
        return false;
    while (!uml->waits_quietly && message.op != RUN) {
        if (!handle_message(uml, &message, IN_WAIT))
            return false;
    }
    uml->waiting--;
    uml->prev_request_valid = false;
    return take_calls(uml);
}

/* __time_travel_update_time() */
static bool step_to(struct fake_uml *uml, uint64_t time)
{
    if (may_run_freely(uml, time))
        return set_time(uml, time);
    if (!fake_uml_update_request(uml, time) || !fake_uml_begin_wait(uml))
        return false;
    if (uml->while_waiting && !uml->is_in_wait_hook) {
        uml->is_in_wait_hook = true;
        uml->while_waiting(uml->pump_user);
        uml->is_in_wait_hook = false;
    }
    return fake_uml_end_wait(uml);
}

bool fake_uml_pass_to(struct fake_uml *uml, uint64_t time)
{
    bool idle = time == UINT64_MAX, delivered = false;

    if (idle)
        time = S64_MAX;
    /* The sleep itself is the last of the events of its time. */
    for (;;) {
        size_t first = uml->event_count ? first_event(uml) : SIZE_MAX;
        uint64_t next =
            first != SIZE_MAX && uml->events[first].time <= time ? uml->events[first].time : time;

        if (!step_to(uml, next))
            return false;
        /* An interrupt may have put an event before the one that was waited for. */
        if (uml->event_count && uml->events[first_event(uml)].time < next) {
            first = first_event(uml);
        } else {
            if (uml->time != next && uml->notify)
                continue; /* calls let us run earlier, and no event has come of them */
            if (uml->time != next)
                return panic(uml, "BUG_ON: woken at %" PRIu64 " for the event of %" PRIu64,
                             uml->time, next);
            if (first == SIZE_MAX || uml->events[first].time > next)
                return true; /* our own time has come */
            uml->irqs += uml->events[first].is_irq;
            del_event(uml, first);
            delivered = true;
        }
        if (uml->event_count && !fake_uml_update_request(uml, uml->events[first_event(uml)].time))
            return false;
        if (idle && delivered)
            return true;
    }
}

bool fake_uml_read_clock(struct fake_uml *uml)
{
    return fake_uml_pass_to(uml, uml->time + CLOCK_READ_NS);
}

/* time_travel_ext_get_time() */
static bool get_time(struct fake_uml *uml)
{
    if (uml->shm)
        return set_time(uml, fake_uml_peek_u64(uml, SHM_CURRENT_TIME) - uml->shm_offset);
    return fake_uml_req(uml, GET, UINT64_MAX, NULL);
}

bool fake_uml_set_start(struct fake_uml *uml, uint64_t *start_ns)
{
    if (!fake_uml_req(uml, GET_TOD, UINT64_MAX, start_ns) || !get_time(uml))
        return false;
    *start_ns -= uml->time;
    return true;
}

/* --------------------------------------------------------------------------- kicks and calls */

/* __time_travel_propagate_time() */
static bool propagate_time(struct fake_uml *uml)
{
    if (uml->shm) {
        if (uml->shm_client !=
            uml->shm + SHM_CLIENTS + peek_u16(uml, SHM_RUNNING_ID) * CLIENT_BYTES)
            return panic(uml, "setting time while not running");
        fake_uml_poke_u64(uml, SHM_CURRENT_TIME, uml->time + uml->shm_offset);
        return true;
    }
    if (uml->last_propagated == uml->time)
        return true;
    if (!fake_uml_req(uml, UPDATE, uml->time, NULL))
        return false;
    uml->last_propagated = uml->time;
    return true;
}

bool fake_uml_kick(struct fake_uml *uml)
{
    struct message message;
    char byte = 'K';

    if (!propagate_time(uml))
        return false;
    if (send(uml->vhost_fd, &byte, 1, MSG_NOSIGNAL) != 1)
        return panic(uml, "the device has gone");
    for (;;) {
        /* The device's socket first: a reply that is there is taken before a bound that is. */
        int ready = await(uml, uml->vhost_fd, uml->fd, name_of(IN_KICK));

        if (ready < 0)
            return false;
        if (ready == 0)
            break;
        if (!handle_message(uml, &message, IN_KICK))
            return false;
    }
    if (recv(uml->vhost_fd, &byte, 1, 0) != 1)
        return panic(uml, "the device has gone");
    return true;
}

void fake_uml_add_queue(struct fake_uml *uml, unsigned slot, uint64_t ring_addr)
{
    fake_uml_poke_u64(uml, fake_uml_queue(uml, slot) + QUEUE_RING, ring_addr);
}

bool fake_uml_log_kick(struct fake_uml *uml, unsigned slot, uint16_t avail_idx)
{
    size_t queue = fake_uml_queue(uml, slot), kick;
    uint32_t head = notify_u32(uml, NOTIFY_KICK_HEAD);
    uint32_t size = peek_u16(uml, (size_t)(uml->notify - uml->shm) + NOTIFY_KICKS);
    uint64_t now = uml->time + uml->shm_offset, until, horizon;

    if (!propagate_time(uml) || !(fake_uml_peek_u32(uml, queue + QUEUE_FLAGS) & QUEUE_LOG) ||
        head - notify_u32(uml, NOTIFY_KICK_TAIL) >= size)
        return false;
    kick = fake_uml_kick_at(uml, head & (size - 1));
    fake_uml_poke_u64(uml, kick + KICK_TIME, now);
    memcpy(uml->shm + kick + KICK_QUEUE, &(uint16_t){(uint16_t)slot}, 2);
    memcpy(uml->shm + kick + KICK_AVAIL_IDX, &avail_idx, 2);
    set_notify_u32(uml, NOTIFY_KICK_HEAD, head + 1);
    until = fake_uml_peek_u64(uml, SHM_FREE_UNTIL);
    horizon = fake_uml_peek_u64(uml, queue + QUEUE_HORIZON);
    if (until > now && horizon < until - now)
        fake_uml_poke_u64(uml, SHM_FREE_UNTIL, now + horizon);
    return true;
}

bool fake_uml_take_call(struct fake_uml *uml)
{
    char byte = 'R';

    if (!get_time(uml) || !add_event(uml, uml->time, true))
        return false;
    if (send(uml->vhost_fd, &byte, 1, MSG_NOSIGNAL) != 1)
        return panic(uml, "the device has gone");
    return true;
}
