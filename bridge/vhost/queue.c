/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting and stopping queues, and the descriptors they are notified by (eventfd mode). */
#include "vhost/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* How often queues are looked at that have no kick descriptor. */
#define POLL_INTERVAL_NS 1000000

void ttb__queue_init(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    *queue = (struct ttb__queue){.netdev = netdev, .kick_fd = -1, .call_fd = -1, .err_fd = -1};
}

/* ------------------------------------------------------------------------------------- running */

static void update_link(struct ttb__netdev *netdev)
{
    bool up = netdev->queues[TTB__RX].running && netdev->queues[TTB__TX].running;

    if (up == netdev->link_up)
        return;
    netdev->link_up = up;
    if (netdev->ops->link)
        netdev->ops->link(netdev->user, up);
}

static void stop(struct ttb__queue *queue)
{
    if (!queue->running)
        return;
    queue->running = false;
    queue->call = false;
    if (ttb__queue_index(queue) == TTB__RX)
        ttb__netdev_drop_backlog(queue->netdev);
    update_link(queue->netdev);
}

int ttb__queue_remap(struct ttb__queue *queue)
{
    struct ttb__netdev *netdev = queue->netdev;
    int rc = ttb__virtqueue_map(&queue->ring, &netdev->memory, &netdev->error);

    if (rc)
        return ttb__netdev_fail(netdev, rc, "queue %u: %s", ttb__queue_index(queue),
                                netdev->error.text);
    return 0;
}

/* Simulated time needs to know when a kick happened, and when a call has been noticed. */
static int check_notifications(struct ttb__netdev *netdev)
{
    const uint64_t need = TTB__BIT(TTB__VHOST_P_REPLY_ACK) | TTB__BIT(TTB__VHOST_P_BACKEND_REQ) |
                          TTB__BIT(TTB__VHOST_P_INBAND_NOTIFICATIONS);

    if (netdev->wall_clock || (netdev->protocol_features & need) == need)
        return 0;
    return ttb__netdev_fail(netdev, -EPROTO,
                            "the front end accepted protocol features 0x%llx, but a port in "
                            "simulated time needs 0x%llx (REPLY_ACK, BACKEND_REQ, "
                            "INBAND_NOTIFICATIONS)",
                            (unsigned long long)netdev->protocol_features,
                            (unsigned long long)need);
}

static int start(struct ttb__queue *queue)
{
    struct ttb__netdev *netdev = queue->netdev;
    struct ttb__memory_guard guard;
    unsigned index = ttb__queue_index(queue);
    int rc;

    if (queue->ring.num == 0)
        return ttb__netdev_fail(netdev, -EPROTO, "queue %u: started before SET_VRING_NUM", index);
    if (!queue->ring.has_addr)
        return ttb__netdev_fail(netdev, -EPROTO, "queue %u: started before SET_VRING_ADDR", index);
    rc = check_notifications(netdev);
    if (!rc)
        rc = ttb__queue_remap(queue);
    if (rc)
        return rc;
    if (index == TTB__RX) {
        struct ttb__ring_used_elem *used =
            realloc(netdev->rx_used, queue->ring.num * sizeof(*used));

        if (!used)
            return ttb__netdev_fail(netdev, -ENOMEM, "queue %u: out of memory", index);
        netdev->rx_used = used;
    }
    queue->ring.event_idx = ttb__netdev_has(netdev, TTB__VIRTIO_F_RING_EVENT_IDX);
    queue->ring.indirect = ttb__netdev_has(netdev, TTB__VIRTIO_F_RING_INDIRECT_DESC);
    ttb__memory_enter(&guard, &netdev->memory);
    ttb__virtqueue_start(&queue->ring);
    rc = ttb__memory_leave(&guard, &netdev->error);
    if (rc)
        return ttb__netdev_fail(netdev, rc, "%s", netdev->error.text);
    queue->running = true;
    update_link(netdev);
    return 0;
}

int ttb__queue_update(struct ttb__queue *queue)
{
    bool run = queue->enabled && queue->started;

    if (run == queue->running)
        return 0;
    if (run)
        return start(queue);
    stop(queue);
    return 0;
}

void ttb__queue_reset(struct ttb__queue *queue)
{
    queue->started = queue->enabled = false;
    stop(queue);
    queue->ring = (struct ttb__virtqueue){0};
    ttb__queue_set_kick_fd(queue, -1);
}

void ttb__queue_close(struct ttb__queue *queue)
{
    ttb__queue_reset(queue);
    ttb__queue_set_call_fd(queue, -1);
    ttb__queue_set_err_fd(queue, -1);
}

/* --------------------------------------------------------------------------------- descriptors */

/* Kinds of descriptors that can be written and read without waiting: an event descriptor (which has
 * no file type), a pipe, a socket. */
static int check_kind(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if ((status.st_mode & S_IFMT) != 0 && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode))
        return -EINVAL;
    return 0;
}

/* The front end made it, perhaps blocking (UML's kick descriptors are). The flag is shared with it;
 * nobody who uses such descriptors as they are meant notices. */
static int make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        return -errno;
    return 0;
}

static void on_kick_fd(void *user, uint32_t events)
{
    struct ttb__queue *queue = user;
    struct ttb__netdev *netdev = queue->netdev;
    uint64_t count;
    ssize_t got = read(queue->kick_fd, &count, sizeof(count));

    (void)events;
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        /* The other end is closed: no kick will ever come. Reported for ever if we kept it. */
        ttb__queue_set_kick_fd(queue, -1);
        return;
    }
    if (got < 0 || netdev->connection.failed)
        return;
    netdev->stats.kicks++;
    ttb__netdev_serve(netdev, queue);
}

int ttb__queue_set_kick_fd(struct ttb__queue *queue, int fd)
{
    const struct ttb_loop *loop = &queue->netdev->connection.loop;
    struct ttb_watch *watch = NULL;
    int rc = 0;

    if (fd >= 0) {
        rc = check_kind(fd);
        if (!rc)
            rc = make_nonblocking(fd);
        if (!rc)
            rc = loop->ops->add(loop->impl, fd, POLLIN, on_kick_fd, queue, &watch);
        if (rc)
            return rc;
    }
    if (queue->kick_fd >= 0) {
        loop->ops->remove(loop->impl, queue->kick_watch);
        close(queue->kick_fd);
    }
    queue->kick_fd = fd;
    queue->kick_watch = watch;
    return 0;
}

static int set_out_fd(int *slot, int fd)
{
    int rc = 0;

    if (fd >= 0) {
        rc = check_kind(fd);
        if (!rc)
            rc = make_nonblocking(fd);
        if (rc)
            return rc;
    }
    if (*slot >= 0)
        close(*slot);
    *slot = fd;
    return 0;
}

int ttb__queue_set_call_fd(struct ttb__queue *queue, int fd)
{
    return set_out_fd(&queue->call_fd, fd);
}

int ttb__queue_set_err_fd(struct ttb__queue *queue, int fd)
{
    return set_out_fd(&queue->err_fd, fd);
}

void ttb__queue_notify_fd(int fd)
{
    const struct timespec no_time = {0};
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    const uint64_t one = 1;
    sigset_t pipe_signal, before, pending;
    bool was_pending;
    ssize_t sent;

    /* A socket (UML's os_pipe() makes socket pairs) knows how to be quiet. */
    sent = send(fd, &one, sizeof(one), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != ENOTSOCK)
        return;
    /* Full means that the front end has calls waiting already: nothing is lost. */
    if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
        return;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    sent = write(fd, &one, sizeof(one));
    if (sent < 0 && errno == EPIPE && !was_pending)
        sigtimedwait(&pipe_signal, NULL, &no_time);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --------------------------------------------------------------------------------------- timer */

static bool polls(const struct ttb__queue *queue)
{
    return queue->running && queue->kick_fd < 0;
}

static void arm(struct ttb__netdev *netdev, long value_ns)
{
    struct itimerspec when = {.it_value.tv_nsec = value_ns};

    timerfd_settime(netdev->timer_fd, 0, &when, NULL);
}

static void on_timer(void *user, uint32_t events)
{
    struct ttb__netdev *netdev = user;
    bool poll_on = false;
    uint64_t count;

    (void)events;
    if (read(netdev->timer_fd, &count, sizeof(count)) < 0)
        return;
    /* First, so that serve() can have us come back at once. */
    for (unsigned i = 0; i < TTB__QUEUES; i++)
        poll_on = poll_on || polls(&netdev->queues[i]);
    if (poll_on)
        arm(netdev, POLL_INTERVAL_NS);
    for (unsigned i = 0; i < TTB__QUEUES; i++) {
        if (netdev->queues[i].running && !netdev->connection.failed)
            ttb__netdev_serve(netdev, &netdev->queues[i]);
    }
}

void ttb__netdev_resume_later(struct ttb__netdev *netdev)
{
    const struct ttb_loop *loop = &netdev->connection.loop;

    if (netdev->timer_fd < 0) {
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        int rc = fd < 0 ? -errno : 0;

        if (!rc)
            rc = loop->ops->add(loop->impl, fd, POLLIN, on_timer, netdev, &netdev->timer_watch);
        if (rc) {
            if (fd >= 0)
                close(fd);
            ttb__netdev_fail(netdev, rc, "cannot make a timer: %s", strerror(-rc));
            return;
        }
        netdev->timer_fd = fd;
    }
    arm(netdev, 1);
}

void ttb__netdev_close_timer(struct ttb__netdev *netdev)
{
    const struct ttb_loop *loop = &netdev->connection.loop;

    if (netdev->timer_fd < 0)
        return;
    loop->ops->remove(loop->impl, netdev->timer_watch);
    close(netdev->timer_fd);
    netdev->timer_fd = -1;
}
