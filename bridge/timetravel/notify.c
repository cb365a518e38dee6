/* SPDX-License-Identifier: BSD-3-Clause */
#include "timetravel/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static_assert(TTB__NOTIFY_QUEUES % 4 == 0, "kicks are aligned");
static_assert((TTB__NOTIFY_KICKS_LOGGED & (TTB__NOTIFY_KICKS_LOGGED - 1)) == 0, "a power of two");

void ttb__notify_open(struct ttb__notify *notify, void *memory)
{
    struct ttb__notify_header *header = memory;

    header->features = TTB__NOTIFY_CALLS | TTB__NOTIFY_KICKS | TTB__NOTIFY_HANDOVER;
    header->queue_count = TTB__NOTIFY_QUEUES;
    header->kick_count = TTB__NOTIFY_KICKS_LOGGED;
    *notify = (struct ttb__notify){
        .header = header,
        .queues = (struct ttb__notify_queue *)(header + 1),
    };
    notify->calls = (uint16_t *)(notify->queues + TTB__NOTIFY_QUEUES);
    notify->kicks = (struct ttb__notify_kick *)(notify->calls + TTB__NOTIFY_QUEUES);
}

int ttb__notify_find(const struct ttb__notify *notify, uint64_t ring)
{
    for (unsigned slot = 0; ring && slot < TTB__NOTIFY_QUEUES; slot++) {
        if (__atomic_load_n(&notify->queues[slot].ring, __ATOMIC_ACQUIRE) == ring)
            return (int)slot;
    }
    return -ENOENT;
}

void ttb__notify_set_queue(struct ttb__notify *notify, unsigned slot, uint32_t flags,
                           uint64_t horizon)
{
    __atomic_store_n(&notify->queues[slot].horizon, horizon, __ATOMIC_RELAXED);
    __atomic_store_n(&notify->queues[slot].flags, flags, __ATOMIC_RELEASE);
}

int ttb__notify_call(struct ttb__notify *notify, unsigned slot)
{
    if (notify->call_count == TTB__NOTIFY_QUEUES)
        return -ENOBUFS;
    __atomic_store_n(&notify->calls[notify->call_count++], (uint16_t)slot, __ATOMIC_RELAXED);
    __atomic_store_n(&notify->header->call_count, notify->call_count, __ATOMIC_RELEASE);
    return 0;
}

void ttb__notify_calls_taken(struct ttb__notify *notify)
{
    notify->call_count = 0;
}

void ttb__notify_watch(struct ttb__notify *notify, bool on)
{
    __atomic_store_n(&notify->header->watched, on, __ATOMIC_RELEASE);
}

bool ttb__notify_is_watched(const struct ttb__notify *notify)
{
    return __atomic_load_n(&notify->header->watched, __ATOMIC_ACQUIRE) == 1;
}

bool ttb__notify_await(struct ttb__notify *notify, unsigned timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    uint32_t *rings = &notify->header->rings;

    /* Whatever ends it, and if it does not even begin: the caller looks what there is. */
    if (__atomic_load_n(rings, __ATOMIC_ACQUIRE) == notify->rings)
        syscall(SYS_futex, rings, FUTEX_WAIT, notify->rings, &timeout, NULL, 0);
    notify->rings = __atomic_load_n(rings, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&notify->header->waiting, __ATOMIC_ACQUIRE) == 1;
}

void ttb__notify_wake(struct ttb__notify *notify)
{
    __atomic_store_n(&notify->header->run, ++notify->run, __ATOMIC_RELEASE);
    syscall(SYS_futex, &notify->header->run, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void ttb__notify_hand_over(struct ttb__notify *notify)
{
    __atomic_store_n(&notify->header->waiting, 0, __ATOMIC_RELAXED);
    ttb__notify_wake(notify);
}

int ttb__notify_take_kick(struct ttb__notify *notify, struct ttb__notify_kick *kick,
                          struct ttb__error *error)
{
    uint32_t head = __atomic_load_n(&notify->header->kick_head, __ATOMIC_ACQUIRE);
    const struct ttb__notify_kick *logged;

    if (head == notify->kick_tail)
        return 0;
    if (head - notify->kick_tail > TTB__NOTIFY_KICKS_LOGGED)
        return ttb__fail(error, -EPROTO,
                         "kick_head in the segment went from %" PRIu32 " to %" PRIu32
                         ", in a log of %d kicks",
                         notify->kick_tail, head, TTB__NOTIFY_KICKS_LOGGED);
    logged = &notify->kicks[notify->kick_tail & (TTB__NOTIFY_KICKS_LOGGED - 1)];
    kick->time = __atomic_load_n(&logged->time, __ATOMIC_RELAXED);
    kick->queue = __atomic_load_n(&logged->queue, __ATOMIC_RELAXED);
    kick->avail_idx = __atomic_load_n(&logged->avail_idx, __ATOMIC_RELAXED);
    if (kick->queue >= TTB__NOTIFY_QUEUES)
        return ttb__fail(error, -EPROTO, "logged kick %" PRIu32 " is of queue %u of %d",
                         notify->kick_tail, kick->queue, TTB__NOTIFY_QUEUES);
    notify->kick_tail++;
    __atomic_store_n(&notify->header->kick_tail, notify->kick_tail, __ATOMIC_RELEASE);
    return 1;
}
