/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams: cut into pieces anywhere, which is nobody's fault; that end anywhere; that flood; and
 * that are random.
 */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "base/socket.h"
#include "timetravel/wire.h"

#define NEVER ((uint64_t)INT64_MAX)

/* ------------------------------------------------------------------------ pieces and ends */

/* A whole session in message mode, to a controller that grants every WAIT at once, for 100 ns. Our
 * messages to it count from 0: FREE_UNTIL 0, RUN 1, FREE_UNTIL 2, RUN 3. */
static const struct ttb__message session[] = {
    {TTB__OP_START, 1, 7},       {TTB__OP_GET_TOD, 2, 0},     {TTB__OP_GET, 3, 0},
    {TTB__OP_REQUEST, 4, 10},    {TTB__OP_WAIT, 5, 0},        {TTB__OP_ACK, 0, 0},
    {TTB__OP_ACK, 1, 0},         {TTB__OP_UPDATE, 6, 50},     {TTB__OP_BROADCAST, 7, 99},
    {TTB__OP_REQUEST, 8, 12345}, {TTB__OP_WAIT, 9, 0},        {TTB__OP_ACK, 2, 0},
    {TTB__OP_ACK, 3, 0},         {TTB__OP_UPDATE, 10, 12399},
};

/* Our answers, each with its sequence number. */
static const struct ttb__message answers[] = {
    {TTB__OP_ACK, 1, 0},     {TTB__OP_ACK, 2, 1000}, {TTB__OP_ACK, 3, 0},
    {TTB__OP_ACK, 4, 0},     {TTB__OP_ACK, 5, 0},    {TTB__OP_FREE_UNTIL, 0, 110},
    {TTB__OP_RUN, 1, 10},    {TTB__OP_ACK, 6, 0},    {TTB__OP_ACK, 7, 0},
    {TTB__OP_ACK, 8, 0},     {TTB__OP_ACK, 9, 0},    {TTB__OP_FREE_UNTIL, 2, 12445},
    {TTB__OP_RUN, 3, 12345}, {TTB__OP_ACK, 10, 0},
};

static void open_for_session(struct rig *rig)
{
    rig_open(rig, FLAVOUR_MESSAGES, TTB__CONTROLLER_MESSAGES);
    rig->start_at_once = true;
    rig->grant_ns = 100;
    rig->time_of_day_ns = 1000;
}

static void send_bytes(struct rig *rig, size_t from, size_t to)
{
    if (from == to)
        return;
    assert_int_equal(send(rig->uml.fd, (const char *)session + from, to - from, MSG_NOSIGNAL),
                     to - from);
    rig_turn(rig);
}

static void assert_answers(struct rig *rig)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct ttb__message message;

        assert_int_equal(recv(rig->uml.fd, &message, sizeof(message), MSG_DONTWAIT),
                         sizeof(message));
        assert_memory_equal(&message, &answers[i], sizeof(message));
    }
    assert_int_equal(recv(rig->uml.fd, &(char){0}, 1, MSG_DONTWAIT), -1);
    assert_int_equal(rig->closed, 0);
    assert_int_equal(ttb__controller_time_ns(rig->controller), 12399);
}

static void a_stream_may_be_split_anywhere(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= sizeof(session); cut++) {
        struct rig rig;

        open_for_session(&rig);
        send_bytes(&rig, 0, cut);
        send_bytes(&rig, cut, sizeof(session));
        assert_answers(&rig);
        rig_close(&rig);
    }
}

static void a_stream_may_come_byte_by_byte(void **state)
{
    struct rig rig;

    (void)state;
    open_for_session(&rig);
    for (size_t i = 0; i < sizeof(session); i++)
        send_bytes(&rig, i, i + 1);
    assert_answers(&rig);
    rig_close(&rig);
}

static void a_participant_may_end_at_every_byte(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= sizeof(session); cut++) {
        size_t partial = cut % sizeof(struct ttb__message);
        bool is_started = cut >= sizeof(struct ttb__message);
        char expected[96] = "";
        struct rig rig;

        if (partial)
            snprintf(expected, sizeof(expected),
                     "a: closed the connection after %zu of the 16 bytes of a message", partial);
        else if (!is_started)
            strcpy(expected, "a: closed the connection before START");
        open_for_session(&rig);
        send_bytes(&rig, 0, cut);
        shutdown(rig.uml.fd, SHUT_WR);
        rig_turn(&rig);
        assert_int_equal(rig.closed, 1);
        assert_string_equal(rig.closed_why, expected);
        assert_int_equal(rig.closed_err, partial ? -EPROTO : is_started ? 0 : -ECONNRESET);
        rig_close(&rig);
    }
}

/* As when the host kills the process: the socket is closed with our messages unread. */
static void a_participant_that_is_killed_has_ended(void **state)
{
    (void)state;
    for (int flavour = 0; flavour < FLAVOUR_COUNT; flavour++) {
        struct rig rig;

        rig_open_booted(&rig, flavour, 0);
        rig_wait_for(&rig, 100);
        assert_int_equal(ttb__controller_run(rig.controller, 100, 200), 0);
        fake_uml_exit(&rig.uml);
        rig_turn(&rig);
        assert_int_equal(rig.closed, 1);
        assert_int_equal(rig.closed_err, 0);
        assert_string_equal(rig.closed_why, "");
        rig_close(&rig);
    }
}

static void sending_to_one_that_has_gone_is_an_error_and_its_end_follows(void **state)
{
    (void)state;
    for (int flavour = 0; flavour < FLAVOUR_COUNT; flavour++) {
        struct rig rig;

        rig_open_booted(&rig, flavour, 0);
        rig_wait_for(&rig, 100);
        fake_uml_exit(&rig.uml);
        assert_int_equal(ttb__controller_run(rig.controller, 100, 200), -EPIPE);
        assert_int_equal(rig.closed, 0);
        rig_turn(&rig);
        assert_int_equal(rig.closed, 1);
        assert_int_equal(rig.closed_err, 0);
        rig_close(&rig);
    }
}

static void one_that_has_gone_before_the_ack_of_start_is_no_crash(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, FLAVOUR_MESSAGES, TTB__CONTROLLER_MESSAGES);
    fake_uml_send_start(&rig.uml, 7);
    rig_turn(&rig);
    assert_int_equal(ttb__controller_get_state(rig.controller), TTB__CONTROLLER_STARTED);
    fake_uml_exit(&rig.uml);
    assert_int_equal(ttb__controller_start(rig.controller, 0), -EPIPE);
    rig_turn(&rig);
    assert_int_equal(rig.closed, 1);
    rig_close(&rig);
}

/* ---------------------------------------------------------------------- floods and garbage */

static void a_participant_that_never_reads_is_cut_off_and_nothing_blocks(void **state)
{
    static struct ttb__message gets[64];
    struct rig rig;

    (void)state;
    rig_open_booted(&rig, FLAVOUR_MESSAGES, 0);
    for (size_t i = 0; i < 64; i++)
        gets[i] = (struct ttb__message){TTB__OP_GET, (uint32_t)i, 0};
    for (int i = 0; i < 100000 && !rig.closed; i++) {
        if (send(rig.uml.fd, gets, sizeof(gets), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            assert_int_equal(errno, EPIPE);
        rig_turn(&rig);
    }
    assert_int_equal(rig.closed, 1);
    assert_int_equal(rig.closed_err, -ENOBUFS);
    assert_non_null(strstr(rig.closed_why, "a: it does not read: "));
    rig_close(&rig);
}

static unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void descriptors_that_come_along_are_closed(void **state)
{
    struct rig rig;
    struct ttb__message message = {TTB__OP_START, 1, 7};
    unsigned before;
    int fds[4];

    (void)state;
    rig_open(&rig, FLAVOUR_MESSAGES, TTB__CONTROLLER_MESSAGES);
    before = open_descriptors();
    for (int i = 0; i < 4; i++)
        fds[i] = rig.uml.fd;
    assert_int_equal(ttb__socket_send(rig.uml.fd, &message, sizeof(message), fds, 4, 0), 0);
    rig_turn(&rig);
    assert_int_equal(rig.started, 1);
    assert_int_equal(open_descriptors(), before);
    rig_close(&rig);
}

/*
 * Random sessions of plausible nonsense, with the calendar's side random as well. Whatever comes, the
 * controller neither crashes nor sends a time that goes backwards or reaches the end of time.
 */
struct garbage {
    struct rig rig;
    struct ttb__random random;
    uint8_t *shm;
    uint64_t last_time; /* that the participant was told */
    uint64_t clock;     /* where it more or less is */
    uint32_t counter;
    unsigned sent, sessions, granted, shared;
};

#define GARBAGE_MESSAGES 100000

static uint32_t below(struct garbage *garbage, uint32_t limit)
{
    return ttb__random_u32(&garbage->random) % limit;
}

static uint64_t some_time(struct garbage *garbage)
{
    switch (below(garbage, 200)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX - below(garbage, 3);
    case 2:
        return NEVER - 1 + below(garbage, 3);
    case 3:
        return ((uint64_t)ttb__random_u32(&garbage->random) << 32) |
               ttb__random_u32(&garbage->random);
    default:
        return garbage->clock + below(garbage, 50);
    }
}

/* Mostly what would be lawful now. */
static uint32_t some_op(struct garbage *garbage)
{
    static const uint32_t usual[] = {TTB__OP_REQUEST, TTB__OP_REQUEST, TTB__OP_UPDATE,
                                     TTB__OP_GET,     TTB__OP_GET_TOD, TTB__OP_BROADCAST};
    bool waits = ttb__controller_get_state(garbage->rig.controller) == TTB__CONTROLLER_WAITING;

    if (below(garbage, 100) == 0)
        return below(garbage, 12);
    if (!garbage->rig.started)
        return TTB__OP_START;
    if (!waits && below(garbage, 2))
        return TTB__OP_WAIT;
    if (garbage->shm)
        return below(garbage, 2) ? TTB__OP_GET_TOD : TTB__OP_BROADCAST;
    return usual[below(garbage, 6)];
}

/* The sequence number tells the operation, so that its ACK can be told. */
static void send_garbage(struct garbage *garbage)
{
    struct ttb__message message = {.op = some_op(garbage), .time = some_time(garbage)};
    size_t len_bytes = sizeof(message);

    if (message.op == TTB__OP_UPDATE && below(garbage, 20))
        message.time = garbage->clock + below(garbage, 2);
    if (message.op == TTB__OP_UPDATE)
        garbage->clock = message.time;
    message.seq = garbage->counter++ << 4 | (message.op & 15);
    if (message.op == TTB__OP_ACK)
        message.seq = below(garbage, 20);
    if (below(garbage, 500) == 0)
        len_bytes = below(garbage, 15) + 1;
    /* It may be closed already. */
    (void)!send(garbage->rig.uml.fd, &message, len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (len_bytes < sizeof(message)) /* what follows would be read at an offset */
        shutdown(garbage->rig.uml.fd, SHUT_WR);
    garbage->sent++;
}

static void read_answers(struct garbage *garbage)
{
    struct ttb__message message;
    int fds[2];
    size_t count;

    while (ttb__socket_receive(garbage->rig.uml.fd, &message, sizeof(message), fds, 2, &count) ==
           sizeof(message)) {
        bool tells_time = message.op == TTB__OP_RUN ||
                          (message.op == TTB__OP_ACK && (message.seq & 15) == TTB__OP_GET);

        if (count == 2) {
            if (below(garbage, 2) && garbage->rig.flavour == FLAVOUR_SHARED) {
                garbage->shm = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
                assert_true(garbage->shm != MAP_FAILED);
                garbage->shm[SHM_CAPA] = 1;
                garbage->shared++;
            }
            close(fds[0]);
            close(fds[1]);
        }
        if (tells_time) {
            assert_true(message.time >= garbage->last_time);
            assert_true(message.time < NEVER);
            garbage->last_time = garbage->clock = message.time;
        }
        if (message.op != TTB__OP_ACK && !(message.op == TTB__OP_RUN && garbage->shm) &&
            below(garbage, 300)) {
            struct ttb__message ack = {TTB__OP_ACK, message.seq, 0};

            (void)!send(garbage->rig.uml.fd, &ack, sizeof(ack), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    }
}

static void scribble(struct garbage *garbage)
{
    static const size_t offsets[] = {SHM_FREE_UNTIL, SHM_CURRENT_TIME, SHM_REQ_TIME};
    uint64_t time = some_time(garbage);
    uint32_t flags = below(garbage, 8) ? TTB__SCHEDSHM_FLAG_REQ_RUN : 0;

    memcpy(garbage->shm + SHM_FLAGS, &flags, sizeof(flags));
    if (below(garbage, 20))
        memcpy(garbage->shm + SHM_REQ_TIME, &time, sizeof(time));
    else
        memcpy(garbage->shm + offsets[below(garbage, 3)], &time, sizeof(time));
}

static void act_at_random(struct garbage *garbage)
{
    struct ttb__controller *controller = garbage->rig.controller;
    uint64_t request_ns = ttb__controller_request_ns(controller);
    uint64_t time_ns = ttb__controller_time_ns(controller);

    garbage->rig.now_ns = time_ns + below(garbage, 20);
    switch (below(garbage, 10)) {
    case 0:
        ttb__controller_limit(controller, some_time(garbage));
        break;
    case 1:
        ttb__controller_broadcast(controller, 1);
        break;
    case 2:
        ttb__controller_set_time(controller, some_time(garbage));
        break;
    case 3:
        ttb__controller_run(controller, some_time(garbage), some_time(garbage));
        break;
    case 4:
        ttb__controller_start(controller, some_time(garbage) / 2);
        break;
    case 5:
        ttb__controller_start(controller, 0);
        break;
    default:
        if (ttb__controller_run(controller, request_ns, request_ns + 1 + below(garbage, 100)) == 0)
            garbage->granted++;
    }
}

static void begin_session(struct garbage *garbage)
{
    garbage->last_time = garbage->clock = 0;
    garbage->shm = NULL;
    garbage->sessions++;
    rig_open(&garbage->rig, below(garbage, 2) ? FLAVOUR_SHARED : FLAVOUR_OLD,
             below(garbage, 8) ? TTB__CONTROLLER_AUTO : below(garbage, 3));
}

static void end_session(struct garbage *garbage)
{
    if (garbage->shm)
        munmap(garbage->shm, 8192);
    rig_close(&garbage->rig);
}

static void random_garbage_is_survived(void **state)
{
    static struct garbage garbage;

    (void)state;
    garbage = (struct garbage){0};
    ttb__random_seed(&garbage.random, 6, 12);
    begin_session(&garbage);
    while (garbage.sent < GARBAGE_MESSAGES) {
        send_garbage(&garbage);
        if (garbage.shm && below(&garbage, 2))
            scribble(&garbage);
        if (below(&garbage, 8))
            rig_turn(&garbage.rig);
        act_at_random(&garbage);
        read_answers(&garbage);
        if (garbage.rig.closed || below(&garbage, 2000) == 0) {
            assert_true(garbage.rig.closed <= 1);
            end_session(&garbage);
            begin_session(&garbage);
        }
    }
    end_session(&garbage);
    /* It was not refused at the door all the time. */
    print_message("%u sessions, %u shared, %u grants\n", garbage.sessions, garbage.shared,
                  garbage.granted);
    assert_true(garbage.granted > 5000);
    assert_true(garbage.shared > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_may_be_split_anywhere),
        cmocka_unit_test(a_stream_may_come_byte_by_byte),
        cmocka_unit_test(a_participant_may_end_at_every_byte),
        cmocka_unit_test(a_participant_that_is_killed_has_ended),
        cmocka_unit_test(sending_to_one_that_has_gone_is_an_error_and_its_end_follows),
        cmocka_unit_test(one_that_has_gone_before_the_ack_of_start_is_no_crash),
        cmocka_unit_test(a_participant_that_never_reads_is_cut_off_and_nothing_blocks),
        cmocka_unit_test(descriptors_that_come_along_are_closed),
        cmocka_unit_test(random_garbage_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
