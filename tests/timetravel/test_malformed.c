/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a controller makes of a participant that does not keep to the protocol: the connection ends
 * with a sentence that says what was wrong, and nothing else happens.
 */
#include "rig.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/socket.h"
#include "timetravel/wire.h"

#define NEVER ((uint64_t)INT64_MAX)

/* ------------------------------------------------------------------- one wrong thing at a time */

/* How far the participant has come before it does something wrong. */
enum stage {
    FRESH,   /* connected */
    PARKED,  /* START sent, its ACK held back */
    BOOTED,  /* running at 0, never granted anything */
    RUNNING, /* granted: at 100, may run before 200 */
    WAITING, /* at 100, asks for 300 */
    GRANTED, /* 300 granted, nothing acknowledged: messages 2 (FREE_UNTIL 400) and 3 (RUN) */
};

#define MESSAGES 2

struct wrong {
    enum stage stage;
    struct ttb__message messages[MESSAGES];
    size_t count;
    size_t tail_bytes; /* of another message, and then the end */
    bool eof;
    const char *sentence;
};

#define ONE(stage, op, seq, time, sentence)                             \
    {                                                                   \
        stage, {{TTB__OP_##op, seq, time}}, 1, 0, false, "a: " sentence \
    }
#define TWO(stage, op1, time1, op2, time2, sentence)                                  \
    {                                                                                 \
        stage, {{TTB__OP_##op1, 91, time1}, {TTB__OP_##op2, 92, time2}}, 2, 0, false, \
            "a: " sentence                                                            \
    }
#define RAW(stage, op, seq, time, sentence)                   \
    {                                                         \
        stage, {{op, seq, time}}, 1, 0, false, "a: " sentence \
    }
#define CUT(stage, tail_bytes, sentence)                  \
    {                                                     \
        stage, {{0}}, 0, tail_bytes, true, "a: " sentence \
    }

static const struct wrong wrongs[] = {
    ONE(FRESH, ACK, 1, 0, "ACK with time 0 before START"),
    ONE(FRESH, REQUEST, 1, 5, "REQUEST with time 5 before START"),
    ONE(FRESH, WAIT, 1, UINT64_MAX, "WAIT with time 18446744073709551615 before START"),
    ONE(FRESH, GET, 1, 0, "GET with time 0 before START"),
    ONE(FRESH, UPDATE, 1, 7, "UPDATE with time 7 before START"),
    ONE(FRESH, RUN, 1, 7, "RUN with time 7, which only a calendar sends"),
    ONE(FRESH, FREE_UNTIL, 1, 7, "FREE_UNTIL with time 7, which only a calendar sends"),
    ONE(FRESH, GET_TOD, 1, 0, "GET_TOD with time 0 before START"),
    ONE(FRESH, BROADCAST, 1, 3, "BROADCAST with time 3 before START"),
    RAW(FRESH, 10, 4, 6, "unknown operation 10 (sequence number 4, time 6)"),
    RAW(FRESH, UINT32_MAX, UINT32_MAX, UINT64_MAX,
        "unknown operation 4294967295 (sequence number 4294967295, time 18446744073709551615)"),
    CUT(FRESH, 0, "closed the connection before START"),
    CUT(FRESH, 1, "closed the connection after 1 of the 16 bytes of a message"),
    CUT(FRESH, 15, "closed the connection after 15 of the 16 bytes of a message"),

    ONE(PARKED, START, 2, 9, "a second START, with id 9 (the first: 7)"),
    ONE(PARKED, WAIT, 2, 0, "WAIT with time 0 before the ACK of START"),
    ONE(PARKED, REQUEST, 2, 5, "REQUEST with time 5 before the ACK of START"),
    ONE(PARKED, GET, 2, 0, "GET with time 0 before the ACK of START"),
    ONE(PARKED, ACK, 1, 0, "ACK with time 0 before the ACK of START"),
    ONE(PARKED, BROADCAST, 2, 1, "BROADCAST with time 1 before the ACK of START"),
    CUT(PARKED, 0, "closed the connection before the ACK of START"),
    CUT(PARKED, 4, "closed the connection after 4 of the 16 bytes of a message"),

    ONE(BOOTED, UPDATE, 2, 1, "UPDATE time is 1 ns, but it may run only before 1 ns"),
    ONE(BOOTED, ACK, 0, 0, "ACK has sequence number 0, which no message waits for"),
    ONE(BOOTED, ACK, UINT32_MAX, 0,
        "ACK has sequence number 4294967295, which no message waits for"),
    ONE(BOOTED, START, 2, UINT64_MAX,
        "a second START, with id 18446744073709551615 (the first: 7)"),

    ONE(RUNNING, REQUEST, 9, 99, "REQUEST time is 99 ns, before its clock, 100 ns"),
    ONE(RUNNING, REQUEST, 9, NEVER + 1,
        "REQUEST time is 9223372036854775808 ns, beyond the end of time, 9223372036854775807 ns"),
    ONE(RUNNING, REQUEST, 9, UINT64_MAX,
        "REQUEST time is 18446744073709551615 ns, beyond the end of time, 9223372036854775807 ns"),
    ONE(RUNNING, UPDATE, 9, 99, "UPDATE time is 99 ns, before its clock, 100 ns"),
    ONE(RUNNING, UPDATE, 9, 200, "UPDATE time is 200 ns, but it may run only before 200 ns"),
    ONE(RUNNING, UPDATE, 9, UINT64_MAX,
        "UPDATE time is 18446744073709551615 ns, but it may run only before 200 ns"),
    ONE(RUNNING, ACK, 1, 0, "ACK has sequence number 1, which no message waits for"),
    ONE(RUNNING, RUN, 9, 150, "RUN with time 150, which only a calendar sends"),
    ONE(RUNNING, FREE_UNTIL, 9, 150, "FREE_UNTIL with time 150, which only a calendar sends"),
    ONE(RUNNING, START, 9, 7, "a second START, with id 7 (the first: 7)"),
    RAW(RUNNING, 0x01000000, 9, 1, "unknown operation 16777216 (sequence number 9, time 1)"),
    TWO(RUNNING, UPDATE, 150, UPDATE, 149, "UPDATE time is 149 ns, before its clock, 150 ns"),
    TWO(RUNNING, UPDATE, 150, REQUEST, 149, "REQUEST time is 149 ns, before its clock, 150 ns"),
    TWO(RUNNING, WAIT, 0, WAIT, 0, "WAIT (sequence number 92) while it waits already"),
    CUT(RUNNING, 8, "closed the connection after 8 of the 16 bytes of a message"),

    ONE(WAITING, WAIT, 9, 0, "WAIT (sequence number 9) while it waits already"),
    ONE(WAITING, REQUEST, 9, 99, "REQUEST time is 99 ns, before its clock, 100 ns"),
    ONE(WAITING, UPDATE, 9, 99, "UPDATE time is 99 ns, before its clock, 100 ns"),
    ONE(WAITING, UPDATE, 9, 200, "UPDATE time is 200 ns, but it may run only before 200 ns"),
    ONE(WAITING, ACK, 9, 0, "ACK has sequence number 9, which no message waits for"),
    TWO(WAITING, GET, 0, REQUEST, 109, "REQUEST time is 109 ns, before its clock, 110 ns"),

    ONE(GRANTED, ACK, 4, 0, "ACK has sequence number 4, which no message that waits for one has"),
    ONE(GRANTED, WAIT, 9, 0, "WAIT (sequence number 9) before the ACK of RUN"),
    ONE(GRANTED, REQUEST, 9, 99, "REQUEST time is 99 ns, before its clock, 100 ns"),
    ONE(GRANTED, UPDATE, 9, 299, "UPDATE time is 299 ns, before its clock, 300 ns"),
    ONE(GRANTED, UPDATE, 9, 400, "UPDATE time is 400 ns, but it may run only before 400 ns"),
};

static void send_messages(struct rig *rig, const struct ttb__message *messages, size_t count)
{
    size_t len_bytes = count * sizeof(*messages);

    assert_int_equal(send(rig->uml.fd, messages, len_bytes, MSG_NOSIGNAL), len_bytes);
}

static void come_to(struct rig *rig, enum stage stage)
{
    rig_open(rig, FLAVOUR_MESSAGES, TTB__CONTROLLER_MESSAGES);
    if (stage == PARKED) {
        fake_uml_send_start(&rig->uml, 7);
        rig_turn(rig);
        assert_int_equal(ttb__controller_get_state(rig->controller), TTB__CONTROLLER_STARTED);
    } else if (stage >= BOOTED) {
        rig_boot(rig, 7, 0);
    }
    if (stage >= RUNNING) {
        rig_wait_for(rig, 100);
        rig_run(rig, 100, 200);
    }
    if (stage >= WAITING)
        rig_wait_for(rig, 300);
    if (stage == GRANTED)
        assert_int_equal(ttb__controller_run(rig->controller, 300, 400), 0);
    rig->now_ns = 110;
}

static void each_wrong_message_ends_the_connection_with_a_sentence(void **state)
{
    (void)state;
    assert_true(sizeof(wrongs) / sizeof(wrongs[0]) >= 30);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *wrong = &wrongs[i];
        struct rig rig;
        char zeros[16] = "";

        come_to(&rig, wrong->stage);
        if (wrong->count)
            send_messages(&rig, wrong->messages, wrong->count);
        if (wrong->tail_bytes)
            assert_int_equal(send(rig.uml.fd, zeros, wrong->tail_bytes, MSG_NOSIGNAL),
                             wrong->tail_bytes);
        if (wrong->eof)
            shutdown(rig.uml.fd, SHUT_WR);
        rig_turn(&rig);
        assert_string_equal(rig.closed_why, wrong->sentence);
        assert_int_equal(rig.closed, 1);
        assert_true(rig.closed_err < 0);
        rig_close(&rig);
    }
}

/* After a failure every function is harmless. */
static void a_closed_controller_refuses_everything(void **state)
{
    struct rig rig;

    (void)state;
    come_to(&rig, WAITING);
    send_messages(&rig, &(struct ttb__message){77, 0, 0}, 1);
    rig_turn(&rig);
    assert_int_equal(rig.closed, 1);
    assert_int_equal(ttb__controller_get_state(rig.controller), TTB__CONTROLLER_CLOSED);
    assert_int_equal(ttb__controller_start(rig.controller, 0), -EINVAL);
    assert_int_equal(ttb__controller_run(rig.controller, 300, 400), -EINVAL);
    assert_int_equal(ttb__controller_limit(rig.controller, 150), -EINVAL);
    assert_int_equal(ttb__controller_set_time(rig.controller, 150), -EINVAL);
    assert_int_equal(ttb__controller_broadcast(rig.controller, 1), -EINVAL);
    assert_int_equal(ttb__controller_time_ns(rig.controller), 100);
    assert_true(ttb__controller_request_ns(rig.controller) == TTB__TIME_NEVER);
    rig_turn(&rig);
    assert_int_equal(rig.closed, 1);
    rig_close(&rig);
}

/* ------------------------------------------------------------------------- a wrong segment */

struct bad_value {
    size_t offset;
    uint64_t value;
    const char *sentence;
};

/* For a participant at 100 that may run before 200, and has asked for 300. */
static const struct bad_value bad_values[] = {
    {SHM_CURRENT_TIME, 99, "a: current_time in the segment is 99 ns, before its clock, 100 ns"},
    {SHM_CURRENT_TIME, 0, "a: current_time in the segment is 0 ns, before its clock, 100 ns"},
    {SHM_CURRENT_TIME, 200,
     "a: current_time in the segment is 200 ns, but it may run only before 200 ns"},
    {SHM_CURRENT_TIME, UINT64_MAX,
     "a: current_time in the segment is 18446744073709551615 ns, but it may run only before 200 "
     "ns"},
    {SHM_REQ_TIME, 99, "a: req_time in the segment is 99 ns, before its clock, 100 ns"},
    {SHM_REQ_TIME, NEVER + 1,
     "a: req_time in the segment is 9223372036854775808 ns, beyond the end of time, "
     "9223372036854775807 ns"},
    {SHM_REQ_TIME, UINT64_MAX,
     "a: req_time in the segment is 18446744073709551615 ns, beyond the end of time, "
     "9223372036854775807 ns"},
};

static void run_shared(struct rig *rig)
{
    rig_open_booted(rig, FLAVOUR_SHARED, 0);
    rig_wait_for(rig, 100);
    rig_run(rig, 100, 200);
    assert_true(fake_uml_update_request(&rig->uml, 300));
}

static void each_wrong_value_in_the_segment_ends_the_connection_at_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        struct rig rig;

        run_shared(&rig);
        fake_uml_poke_u64(&rig.uml, bad_values[i].offset, bad_values[i].value);
        fake_uml_begin_wait(&rig.uml);
        rig_turn(&rig);
        assert_string_equal(rig.closed_why, bad_values[i].sentence);
        assert_int_equal(rig.closed, 1);
        assert_int_equal(rig.closed_err, -EPROTO);
        assert_int_equal(rig.waiting, 1);
        rig_close(&rig);
    }
}

/* The functions that look into the segment, for a participant that waits. */
static int look_by_time(struct ttb__controller *controller)
{
    assert_int_equal(ttb__controller_time_ns(controller), 100);
    return 0;
}

static int look_by_request(struct ttb__controller *controller)
{
    assert_true(ttb__controller_request_ns(controller) == TTB__TIME_NEVER);
    return 0;
}

static int look_by_run(struct ttb__controller *controller)
{
    return ttb__controller_run(controller, 300, 400);
}

static int look_by_set_time(struct ttb__controller *controller)
{
    return ttb__controller_set_time(controller, 250);
}

static void a_value_that_turns_wrong_later_is_reported_from_the_loops_turn(void **state)
{
    static const struct {
        int (*look)(struct ttb__controller *);
        size_t offset;
        int rc;
        const char *sentence;
    } looks[] = {
        {look_by_time, SHM_CURRENT_TIME, 0,
         "a: current_time in the segment is 1 ns, before its clock, 100 ns"},
        {look_by_request, SHM_REQ_TIME, 0,
         "a: req_time in the segment is 1 ns, before its clock, 100 ns"},
        {look_by_run, SHM_REQ_TIME, -EPROTO,
         "a: req_time in the segment is 1 ns, before its clock, 100 ns"},
        {look_by_set_time, SHM_REQ_TIME, -EPROTO,
         "a: req_time in the segment is 1 ns, before its clock, 100 ns"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        struct rig rig;

        run_shared(&rig);
        rig_wait_for(&rig, 300);
        fake_uml_poke_u64(&rig.uml, looks[i].offset, 1);
        assert_int_equal(looks[i].look(rig.controller), looks[i].rc);
        /* It is over at once, and told in the next turn. */
        assert_int_equal(ttb__controller_get_state(rig.controller), TTB__CONTROLLER_CLOSED);
        assert_int_equal(rig.closed, 0);
        rig_turn(&rig);
        assert_int_equal(rig.closed, 1);
        assert_int_equal(rig.closed_err, -EPROTO);
        assert_string_equal(rig.closed_why, looks[i].sentence);
        rig_close(&rig);
    }
}

static void time_does_not_pass_for_a_participant_that_waits(void **state)
{
    struct rig rig;

    (void)state;
    run_shared(&rig);
    rig_wait_for(&rig, 300);
    fake_uml_poke_u64(&rig.uml, SHM_CURRENT_TIME, 101);
    assert_int_equal(ttb__controller_time_ns(rig.controller), 100);
    rig_turn(&rig);
    assert_string_equal(
        rig.closed_why,
        "a: current_time in the segment is 101 ns, but it may run only before 101 ns");
    rig_close(&rig);
}

static void a_limit_of_a_running_participant_checks_its_time(void **state)
{
    struct rig rig;

    (void)state;
    run_shared(&rig);
    fake_uml_poke_u64(&rig.uml, SHM_CURRENT_TIME, 5000);
    assert_int_equal(ttb__controller_limit(rig.controller, 150), -EPROTO);
    rig_turn(&rig);
    assert_string_equal(
        rig.closed_why,
        "a: current_time in the segment is 5000 ns, but it may run only before 200 ns");
    rig_close(&rig);
}

/* What the participant does to the controller's fields does not count. */
static void the_participant_cannot_raise_its_own_bound(void **state)
{
    struct rig rig;

    (void)state;
    run_shared(&rig);
    fake_uml_poke_u64(&rig.uml, SHM_FREE_UNTIL, UINT64_MAX);
    fake_uml_poke_u64(&rig.uml, SHM_CURRENT_TIME, 250);
    rig.uml.time = 250;
    fake_uml_begin_wait(&rig.uml);
    rig_turn(&rig);
    assert_string_equal(
        rig.closed_why,
        "a: current_time in the segment is 250 ns, but it may run only before 200 ns");
    rig_close(&rig);
}

static void a_participant_cannot_shrink_or_grow_the_segment(void **state)
{
    struct rig rig;
    struct ttb__message message = {.op = TTB__OP_START, .seq = 1};
    int fds[2] = {-1, -1};
    size_t count;

    (void)state;
    rig_open(&rig, FLAVOUR_SHARED, TTB__CONTROLLER_AUTO);
    send_messages(&rig, &message, 1);
    rig_turn(&rig);
    assert_int_equal(ttb__controller_start(rig.controller, 0), 0);
    assert_int_equal(ttb__socket_receive(rig.uml.fd, &message, sizeof(message), fds, 2, &count),
                     sizeof(message));
    assert_int_equal(count, 2);
    assert_int_equal(ftruncate(fds[0], 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fds[0], 1 << 20), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(write(fds[1], "log", 3), 3);
    close(fds[0]);
    close(fds[1]);
    rig_close(&rig);
}

static void memory_accesses_do_not_come_as_messages(void **state)
{
    static const struct {
        uint32_t op;
        const char *sentence;
    } ops[] = {
        {TTB__OP_REQUEST, "a: REQUEST with time 150 as a message, but it has taken the shared "
                          "segment"},
        {TTB__OP_GET, "a: GET with time 150 as a message, but it has taken the shared segment"},
        {TTB__OP_UPDATE,
         "a: UPDATE with time 150 as a message, but it has taken the shared segment"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        struct rig rig;

        run_shared(&rig);
        send_messages(&rig, &(struct ttb__message){ops[i].op, 50, 150}, 1);
        rig_turn(&rig);
        assert_string_equal(rig.closed_why, ops[i].sentence);
        rig_close(&rig);
    }
}

/* It was told that there is nothing to share. */
static void a_participant_that_takes_a_segment_of_no_version_still_uses_messages(void **state)
{
    struct rig rig;
    struct ttb__message message = {.op = TTB__OP_START, .seq = 1};
    int fds[2] = {-1, -1};
    uint8_t *shm;

    (void)state;
    rig_open(&rig, FLAVOUR_MESSAGES, TTB__CONTROLLER_MESSAGES);
    rig.start_at_once = true;
    send_messages(&rig, &message, 1);
    rig_turn(&rig);
    assert_int_equal(ttb__socket_receive(rig.uml.fd, &message, sizeof(message), fds, 2, NULL),
                     sizeof(message));
    shm = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
    assert_true(shm != MAP_FAILED);
    shm[SHM_CAPA] = 1;
    send_messages(&rig, &(struct ttb__message){TTB__OP_WAIT, 2, 0}, 1);
    rig_turn(&rig);
    assert_false(ttb__controller_is_shared(rig.controller));
    assert_int_equal(recv(rig.uml.fd, &message, sizeof(message), MSG_DONTWAIT), sizeof(message));
    assert_int_equal(message.op, TTB__OP_ACK);
    munmap(shm, 8192);
    close(fds[0]);
    close(fds[1]);
    rig_close(&rig);
}

static void a_participant_that_must_share_and_does_not_is_refused(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, FLAVOUR_OLD, TTB__CONTROLLER_SHARED);
    rig_boot(&rig, 7, 0);
    send_messages(&rig, &(struct ttb__message){TTB__OP_GET_TOD, 2, 0}, 1);
    rig_turn(&rig);
    assert_string_equal(rig.closed_why, "a: it has not taken the shared segment (capa bit 0 is "
                                        "clear), which was required");
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_message_ends_the_connection_with_a_sentence),
        cmocka_unit_test(a_closed_controller_refuses_everything),
        cmocka_unit_test(each_wrong_value_in_the_segment_ends_the_connection_at_wait),
        cmocka_unit_test(a_value_that_turns_wrong_later_is_reported_from_the_loops_turn),
        cmocka_unit_test(time_does_not_pass_for_a_participant_that_waits),
        cmocka_unit_test(a_limit_of_a_running_participant_checks_its_time),
        cmocka_unit_test(the_participant_cannot_raise_its_own_bound),
        cmocka_unit_test(a_participant_cannot_shrink_or_grow_the_segment),
        cmocka_unit_test(memory_accesses_do_not_come_as_messages),
        cmocka_unit_test(a_participant_that_takes_a_segment_of_no_version_still_uses_messages),
        cmocka_unit_test(a_participant_that_must_share_and_does_not_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
