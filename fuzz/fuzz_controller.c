/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzzes the time-travel controller from both of its sides: the input is a program of the
 * participant's messages and stores into the segment, and of the bridge's calls. Whatever comes, the
 * participant is never told a time that goes backwards or is the end of time.
 *
 * With libFuzzer:  clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Ibridge
 *                  -Ibridge/include fuzz/fuzz_controller.c bridge/timetravel/[a-z]*.c
 *                  bridge/base/[a-z]*.c
 * Without:         add -DTTB_FUZZ_MAIN (any compiler); it runs the files that are named.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ttbridge/loop.h>

#include "base/socket.h"
#include "timetravel/controller.h"
#include "timetravel/wire.h"

#define SEGMENT_BYTES (2 * sizeof(struct ttb__schedshm))
#define CLIENT_BYTES  sizeof(struct ttb__schedshm)

struct fuzz {
    struct ttb_loop loop;
    struct ttb__controller *controller;
    int fd;
    uint8_t *shm; /* the participant's mapping, NULL: none */
    uint64_t origin_ns, now_ns, run_local;
    unsigned closed;
    const uint8_t *next, *end;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static uint8_t take(struct fuzz *fuzz)
{
    return fuzz->next < fuzz->end ? *fuzz->next++ : 0;
}

/* A time: mostly near the participant's, else any 64 bits. */
static uint64_t take_time(struct fuzz *fuzz)
{
    uint8_t kind = take(fuzz);
    uint64_t time = 0;

    if (kind < 128)
        return fuzz->run_local + kind;
    if (kind < 160)
        return (uint64_t)INT64_MAX - (kind - 144);
    for (int i = 0; i < 8; i++)
        time = time << 8 | take(fuzz);
    return time;
}

static void on_waiting(void *user)
{
    struct fuzz *fuzz = user;
    uint64_t request_ns = ttb__controller_request_ns(fuzz->controller);

    if (take(fuzz) % 2)
        ttb__controller_run(fuzz->controller, request_ns, request_ns + 1 + take(fuzz));
}

static void on_broadcast(void *user, uint64_t value)
{
    ttb__controller_broadcast(((struct fuzz *)user)->controller, value);
}

static uint64_t on_now(void *user)
{
    return ((struct fuzz *)user)->now_ns;
}

static void on_closed(void *user, int err, const char *why)
{
    struct fuzz *fuzz = user;

    if (fuzz->closed++ || (err != 0) != (why[0] != 0))
        abort();
}

static const struct ttb__controller_ops ops = {
    .waiting = on_waiting,
    .broadcast = on_broadcast,
    .now_ns = on_now,
    .time_of_day_ns = on_now,
    .closed = on_closed,
};

static void say(struct fuzz *fuzz, uint32_t op, uint32_t seq, uint64_t time)
{
    struct ttb__message message = {op, seq, time};

    (void)!send(fuzz->fd, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Read what the controller says, and acknowledge it or not. */
static void hear(struct fuzz *fuzz, bool acknowledge, bool share)
{
    struct ttb__message message;
    int fds[TTB__FDS_MAX];
    size_t count;

    while (ttb__socket_receive(fuzz->fd, &message, sizeof(message), fds, TTB__FDS_MAX, &count) ==
           sizeof(message)) {
        if (count) {
            void *shm = mmap(NULL, SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);

            if (count != TTB__START_FDS || shm == MAP_FAILED)
                abort();
            fuzz->shm = shm;
            fuzz->shm[CLIENT_BYTES] = share;
            close(fds[0]);
            close(fds[1]);
        }
        if (message.op == TTB__OP_RUN) {
            if (message.time < fuzz->run_local || message.time >= TTB__LOCAL_NEVER)
                abort();
            fuzz->run_local = message.time;
        }
        if (message.op != TTB__OP_ACK && acknowledge)
            say(fuzz, TTB__OP_ACK, message.seq, 0);
    }
}

static void poke(struct fuzz *fuzz)
{
    static const uint16_t usual[] = {8, 16, CLIENT_BYTES + 8, CLIENT_BYTES + 4};
    uint8_t where = take(fuzz);
    size_t offset = where < 128 ? usual[where % 4] : (where * 131u) % (SEGMENT_BYTES - 8);
    uint64_t value = where % 4 == 3 ? 1 : take_time(fuzz);

    if (fuzz->shm)
        memcpy(fuzz->shm + offset, &value, where % 4 == 3 ? 4 : sizeof(value));
}

static void step(struct fuzz *fuzz)
{
    struct ttb__controller *controller = fuzz->controller;
    uint64_t request_ns = ttb__controller_request_ns(controller);
    uint32_t op, seq;

    switch (take(fuzz) % 12) {
    case 0:
    case 1:
        op = take(fuzz) % 16;
        seq = take(fuzz);
        say(fuzz, op, seq, take_time(fuzz));
        break;
    case 2:
        op = take(fuzz); /* bytes that are no whole message */
        (void)!send(fuzz->fd, fuzz->next, op < fuzz->end - fuzz->next ? op : 0,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
        break;
    case 3:
        say(fuzz, TTB__OP_START, 1, take(fuzz));
        fuzz->loop.ops->turn(fuzz->loop.impl, 0);
        fuzz->origin_ns = take(fuzz) < 128 ? 0 : take_time(fuzz);
        if (ttb__controller_start(controller, fuzz->origin_ns) == 0)
            fuzz->now_ns = fuzz->origin_ns;
        break;
    case 4:
        ttb__controller_run(controller, request_ns, request_ns + 1 + take(fuzz));
        break;
    case 5:
        request_ns = take_time(fuzz);
        ttb__controller_run(controller, request_ns, take_time(fuzz));
        break;
    case 6:
        ttb__controller_limit(controller, fuzz->origin_ns + take_time(fuzz));
        break;
    case 7:
        ttb__controller_set_time(controller, fuzz->origin_ns + take_time(fuzz));
        break;
    case 8:
        poke(fuzz);
        break;
    case 9:
        fuzz->now_ns = fuzz->origin_ns + take_time(fuzz);
        break;
    case 10:
        if (take(fuzz) == 0)
            shutdown(fuzz->fd, SHUT_WR);
        break;
    default:
        fuzz->loop.ops->turn(fuzz->loop.impl, 0);
        op = take(fuzz);
        hear(fuzz, op & 3, op & 4);
    }
    ttb__controller_time_ns(controller);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct fuzz fuzz = {.next = data, .end = data + size_bytes};
    int fds[2];

    if (ttb_loop_open_epoll(&fuzz.loop) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        abort();
    fuzz.fd = fds[1];
    if (ttb__controller_new(&fuzz.loop, fds[0], "fuzz", take(&fuzz) % 3, &ops, &fuzz,
                            &fuzz.controller))
        abort();
    while (fuzz.next < fuzz.end && !fuzz.closed)
        step(&fuzz);
    close(fuzz.fd);
    while (!fuzz.closed) {
        if (fuzz.loop.ops->turn(fuzz.loop.impl, 0) <= 0)
            abort(); /* its end was not noticed */
    }
    ttb__controller_free(fuzz.controller);
    if (fuzz.shm)
        munmap(fuzz.shm, SEGMENT_BYTES);
    ttb_loop_close(&fuzz.loop);
    return 0;
}

#ifdef TTB_FUZZ_MAIN
int main(int argc, char **argv)
{
    static uint8_t data[1 << 16];

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");

        if (!file) {
            perror(argv[i]);
            return 1;
        }
        LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
        fclose(file);
    }
    return 0;
}
#endif
