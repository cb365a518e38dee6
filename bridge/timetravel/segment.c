/* SPDX-License-Identifier: BSD-3-Clause */
#include "timetravel/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The header is a page on every machine that UML runs on (x86: 4 KiB); after it the slot, and the
 * notification area. */
#define PAGE_BYTES    sizeof(struct ttb__schedshm)
#define NOTIFY_OFFSET (sizeof(struct ttb__schedshm) + sizeof(struct ttb__schedshm_client))
#define USED_BYTES    (NOTIFY_OFFSET + TTB__NOTIFY_BYTES)
#define SEGMENT_BYTES ((USED_BYTES + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES)

static_assert(NOTIFY_OFFSET % 8 == 0, "alignment");

/* The participant may write its log there, and nobody reads it. */
static int open_log(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int map(struct ttb__segment *segment, int fd)
{
    void *address;

    if (ftruncate(fd, SEGMENT_BYTES) < 0)
        return -errno;
    /* Without the seals a participant could shrink the file under our feet: SIGBUS. */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    address = mmap(NULL, SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED)
        return -errno;
    segment->shm = address;
    return 0;
}

int ttb__segment_open(struct ttb__segment *segment, uint32_t version, uint64_t name,
                      uint64_t free_until, bool with_notify, int fds[TTB__START_FDS])
{
    struct ttb__schedshm *shm;
    int rc, log_fd, fd = memfd_create("ttb-schedshm", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -errno;
    log_fd = open_log();
    rc = log_fd < 0 ? log_fd : map(segment, fd);
    if (rc) {
        if (log_fd >= 0)
            close(log_fd);
        close(fd);
        return rc;
    }
    shm = segment->shm;
    shm->version = version;
    shm->len = with_notify ? USED_BYTES : NOTIFY_OFFSET;
    shm->free_until = free_until;
    shm->max_clients = 1;
    shm->clients[0].name = name;
    if (with_notify) {
        ttb__notify_open(&segment->notify, (char *)shm + NOTIFY_OFFSET);
        shm->clients[0].notify = NOTIFY_OFFSET;
    }
    fds[0] = fd;
    fds[1] = log_fd;
    return 0;
}

void ttb__segment_close(struct ttb__segment *segment)
{
    if (segment->shm)
        munmap(segment->shm, SEGMENT_BYTES);
    *segment = (struct ttb__segment){0};
}

/*
 * Ordering. A participant that blocks has sent a message (or a kick) after its stores, and we have
 * received it before we load: acquire loads keep ours behind that. What we store it loads after it
 * has received our RUN or reply: release stores keep ours before the send.
 */
uint32_t ttb__segment_capa(const struct ttb__segment *segment)
{
    return segment->shm ? __atomic_load_n(&segment->shm->clients[0].capa, __ATOMIC_ACQUIRE) : 0;
}

void ttb__segment_set_free_until(struct ttb__segment *segment, uint64_t time)
{
    __atomic_store_n(&segment->shm->free_until, time, __ATOMIC_RELEASE);
}

void ttb__segment_set_current_time(struct ttb__segment *segment, uint64_t time)
{
    __atomic_store_n(&segment->shm->current_time, time, __ATOMIC_RELEASE);
}

uint64_t ttb__segment_current_time(const struct ttb__segment *segment)
{
    return __atomic_load_n(&segment->shm->current_time, __ATOMIC_ACQUIRE);
}

bool ttb__segment_request(const struct ttb__segment *segment, uint64_t *time)
{
    const struct ttb__schedshm_client *client = &segment->shm->clients[0];

    if (!(__atomic_load_n(&client->flags, __ATOMIC_ACQUIRE) & TTB__SCHEDSHM_FLAG_REQ_RUN))
        return false;
    *time = __atomic_load_n(&client->req_time, __ATOMIC_ACQUIRE);
    return true;
}
