/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop that a bridge owns when none is injected: epoll(7), level-triggered. */
#include <ttbridge/loop.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64

/*
 * Invariant: a watch that is removed while a turn dispatches is marked dead and stays in `graveyard`
 * until the turn is over, because later events of the same turn may point to it.
 */
struct ttb_watch {
    int fd;
    bool dead;
    uint32_t wanted; /* as of now: a turn may hold events from before modify() */
    ttb_watch_fn fn;
    void *user;
    struct ttb_watch *next_dead;
};

struct epoll_loop {
    int fd;
    unsigned depth; /* turns in progress: callbacks may turn the loop themselves */
    struct ttb_watch *graveyard;
};

/* poll(2) and epoll(7) agree on the values of IN, OUT, ERR and HUP. */
static int loop_add(void *impl, int fd, uint32_t events, ttb_watch_fn fn, void *user,
                    struct ttb_watch **watch)
{
    struct epoll_loop *loop = impl;
    struct ttb_watch *made = calloc(1, sizeof(*made));
    struct epoll_event event = {.events = events, .data.ptr = made};

    if (!made)
        return -ENOMEM;
    *made = (struct ttb_watch){.fd = fd, .wanted = events, .fn = fn, .user = user};
    if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        int rc = -errno;

        free(made);
        return rc;
    }
    *watch = made;
    return 0;
}

static int loop_modify(void *impl, struct ttb_watch *watch, uint32_t events)
{
    struct epoll_loop *loop = impl;
    struct epoll_event event = {.events = events, .data.ptr = watch};

    if (epoll_ctl(loop->fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        return -errno;
    watch->wanted = events;
    return 0;
}

static void loop_remove(void *impl, struct ttb_watch *watch)
{
    struct epoll_loop *loop = impl;

    epoll_ctl(loop->fd, EPOLL_CTL_DEL, watch->fd, NULL);
    if (loop->depth == 0) {
        free(watch);
        return;
    }
    watch->dead = true;
    watch->next_dead = loop->graveyard;
    loop->graveyard = watch;
}

static void bury(struct epoll_loop *loop)
{
    while (loop->graveyard) {
        struct ttb_watch *watch = loop->graveyard;

        loop->graveyard = watch->next_dead;
        free(watch);
    }
}

static int loop_turn(void *impl, int timeout_ms)
{
    struct epoll_loop *loop = impl;
    struct epoll_event events[EVENTS_PER_TURN];
    int called = 0;
    int count = epoll_wait(loop->fd, events, EVENTS_PER_TURN, timeout_ms);

    if (count < 0)
        return -errno;
    loop->depth++;
    for (int i = 0; i < count; i++) {
        struct ttb_watch *watch = events[i].data.ptr;
        uint32_t ready;

        if (watch->dead)
            continue;
        ready = events[i].events & (watch->wanted | EPOLLERR | EPOLLHUP);
        if (!ready)
            continue;
        watch->fn(watch->user, ready);
        called++;
    }
    if (--loop->depth == 0)
        bury(loop);
    return called;
}

static const struct ttb_loop_ops epoll_ops = {
    .add = loop_add,
    .modify = loop_modify,
    .remove = loop_remove,
    .turn = loop_turn,
};

int ttb_loop_open_epoll(struct ttb_loop *loop)
{
    struct epoll_loop *impl = calloc(1, sizeof(*impl));

    if (!impl)
        return -ENOMEM;
    impl->fd = epoll_create1(EPOLL_CLOEXEC);
    if (impl->fd < 0) {
        int rc = -errno;

        free(impl);
        return rc;
    }
    *loop = (struct ttb_loop){.ops = &epoll_ops, .impl = impl};
    return 0;
}

void ttb_loop_close(struct ttb_loop *loop)
{
    struct epoll_loop *impl = loop->impl;

    if (!impl)
        return;
    bury(impl);
    close(impl->fd);
    free(impl);
    *loop = (struct ttb_loop){0};
}
