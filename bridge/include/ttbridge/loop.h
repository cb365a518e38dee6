/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file loop.h
 * The event loop that a bridge waits in.
 *
 * A bridge never blocks anywhere but in loop->ops->turn(). Leave the loop out when you create a
 * bridge and it owns an epoll loop; pass one in and the bridge fits into your program's loop (GLib,
 * libuv, QEMU, ...): four functions are all it needs.
 *
 * Threading: a loop belongs to the thread that runs its bridge.
 *
 *     struct ttb_loop loop;
 *     ttb_loop_open_epoll(&loop);
 *     struct ttb_bridge_opts opts = {.size = sizeof(opts), .loop = &loop, .directory = "run"};
 *     ttb_bridge_new(&opts, &bridge);
 *     ...
 *     ttb_bridge_free(bridge);
 *     ttb_loop_close(&loop);
 */
#ifndef TTBRIDGE_LOOP_H
#define TTBRIDGE_LOOP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One watched descriptor; made by the loop's add(), opaque to the bridge. */
struct ttb_watch;

/**
 * Called by the loop when a watched descriptor is ready.
 * @param user    as given to add()
 * @param events  the poll(2) bits that are set: POLLIN, POLLOUT, POLLHUP, POLLERR
 * It may call add() and remove(), also for its own watch and for others that are ready as well.
 */
typedef void (*ttb_watch_fn)(void *user, uint32_t events);

/** What a loop must be able to do. `impl` is the loop's own state. */
struct ttb_loop_ops {
    /**
     * Watch `fd` for `events` (POLLIN, POLLOUT; POLLHUP and POLLERR are always reported),
     * level-triggered. The descriptor stays the caller's and is open until remove().
     * @return 0 and *watch, or a negative errno
     */
    int (*add)(void *impl, int fd, uint32_t events, ttb_watch_fn fn, void *user,
               struct ttb_watch **watch);
    /** Change what a watch waits for. @return 0 or a negative errno */
    int (*modify)(void *impl, struct ttb_watch *watch, uint32_t events);
    /** Stop watching; the callback is never called again, not even in the current turn. */
    void (*remove)(void *impl, struct ttb_watch *watch);
    /**
     * Wait until a descriptor is ready, at most `timeout_ms` (-1: for ever, 0: do not wait), and
     * call the callbacks of those that are.
     * @return number of callbacks made, 0 on timeout, or a negative errno (-EINTR is allowed)
     */
    int (*turn)(void *impl, int timeout_ms);
};

/** A loop: operations and state. Copied by value; `impl` must outlive every bridge that uses it. */
struct ttb_loop {
    const struct ttb_loop_ops *ops;
    void *impl;
};

/** Make an epoll(7) loop. @return 0 or a negative errno; end it with ttb_loop_close(). */
int ttb_loop_open_epoll(struct ttb_loop *loop);

/** End a loop made by ttb_loop_open_epoll(). Every watch must have been removed. */
void ttb_loop_close(struct ttb_loop *loop);

#ifdef __cplusplus
}
#endif
#endif
