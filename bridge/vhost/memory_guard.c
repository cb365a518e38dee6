/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Surviving a front end that takes its memory away.
 *
 * UML's physical memory is an unsealed file in /dev/shm, so nothing stops its owner from truncating
 * it, and no check that we make before an access holds during the access. What is left is the
 * signal: the handler replaces the lost region by zeroed private pages, the access goes on and reads
 * zeros, and the device is closed right afterwards.
 *
 * A signal handler is the process's, not a bridge's, hence the only process-wide state in this
 * layer: the handler that was there before, which gets every SIGBUS that is not ours, and, per
 * thread, the stack of memories being accessed. A program that sets a handler of its own later does
 * without this protection until the next region is mapped.
 */
#include "vhost/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* serialises installation */
static struct sigaction previous;

/* initial-exec: reading it in the handler must not allocate. */
static _Thread_local struct ttb__memory_guard *innermost __attribute__((tls_model("initial-exec")));

/* Handlers may have been chained in a circle: somebody saved ours, and we saved theirs. */
static _Thread_local volatile sig_atomic_t passing_on __attribute__((tls_model("initial-exec")));

static bool replace(uint8_t *fault)
{
    for (struct ttb__memory_guard *guard = innermost; guard; guard = guard->outer) {
        for (unsigned i = 0; i < guard->memory->count; i++) {
            struct ttb__memory_region *region = &guard->memory->regions[i];
            uint8_t *map = region->map;

            if (fault < map || fault >= map + region->map_bytes)
                continue;
            if (mmap(map, region->map_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
                return false;
            region->lost = 1;
            return true;
        }
    }
    return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    bool ours = replace(info->si_addr);

    errno = saved_errno;
    if (ours)
        return;
    if (!passing_on && (previous.sa_flags & SA_SIGINFO)) {
        passing_on = 1;
        previous.sa_sigaction(number, info, context);
        passing_on = 0;
    } else if (!passing_on && previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        passing_on = 1;
        previous.sa_handler(number);
        passing_on = 0;
    } else {
        /* As without us: the access is made again, and ends the process. */
        struct sigaction fatal = {.sa_handler = SIG_DFL};

        sigaction(SIGBUS, &fatal, NULL);
    }
}

int ttb__memory_guard_init(void)
{
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction current;
    int rc = 0;

    pthread_mutex_lock(&lock);
    if (sigaction(SIGBUS, NULL, &current) < 0) {
        rc = -errno;
    } else if (!(current.sa_flags & SA_SIGINFO) || current.sa_sigaction != on_sigbus) {
        previous = current;
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGBUS, &action, NULL) < 0)
            rc = -errno;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

void ttb__memory_enter(struct ttb__memory_guard *guard, struct ttb__memory *memory)
{
    guard->memory = memory;
    guard->outer = innermost;
    innermost = guard;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

int ttb__memory_leave(struct ttb__memory_guard *guard, struct ttb__error *error)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    innermost = guard->outer;
    for (unsigned i = 0; i < guard->memory->count; i++) {
        const struct ttb__memory_region *region = &guard->memory->regions[i];

        if (region->lost)
            return ttb__fail(error, -EFAULT,
                             "memory region %u at guest address 0x%" PRIx64
                             " was truncated while mapped",
                             i, region->guest_addr);
    }
    return 0;
}
