/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake kernel notices what would make a real one panic, hang or lose time. Here the calendar is
 * a script of raw messages that does one thing wrong; without these tests the others could not fail.
 */
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "timetravel/wire.h"

struct script {
    struct fake_uml uml;
    int fd;
};

static int nothing_happens(void *user)
{
    (void)user;
    return 0;
}

static void say(struct script *script, uint32_t op, uint32_t seq, uint64_t time)
{
    struct ttb__message message = {.op = op, .seq = seq, .time = time};

    assert_int_equal(send(script->fd, &message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
}

/* The ACK of START with so many descriptors, all of one file with the given size and version. */
static void acknowledge_start(struct script *script, unsigned fd_count, size_t size_bytes,
                              uint32_t version, uint32_t len)
{
    struct ttb__message message = {.op = TTB__OP_ACK, .seq = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {.iov_base = &message, .iov_len = sizeof(message)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    int fd = memfd_create("segment", MFD_CLOEXEC);
    struct ttb__schedshm shm = {.version = version, .len = len, .max_clients = 1};
    int fds[2] = {fd, fd};

    assert_true(fd >= 0);
    assert_true(pwrite(fd, &shm, sizeof(shm), 0) == sizeof(shm));
    assert_int_equal(ftruncate(fd, (off_t)size_bytes), 0);
    if (fd_count) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
    }
    assert_int_equal(sendmsg(script->fd, &header, 0), sizeof(message));
    close(fd);
}

static void begin(struct script *script, bool is_shared)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    script->fd = fds[0];
    fake_uml_init(&script->uml, fds[1], true, nothing_happens, NULL);
    fake_uml_send_start(&script->uml, 0);
    acknowledge_start(script, 2, 8192, is_shared ? TTB__SCHEDSHM_VERSION : 0, 4224);
    fake_uml_finish_start(&script->uml);
    assert_string_equal(script->uml.panic, "");
    assert_int_equal(script->uml.shm != NULL, is_shared);
}

static void end(struct script *script, const char *panic)
{
    assert_string_equal(script->uml.panic, panic);
    fake_uml_exit(&script->uml);
    close(script->fd);
}

static void a_run_before_the_ack_of_wait_is_consumed(void **state)
{
    struct script script;

    (void)state;
    begin(&script, false);
    say(&script, TTB__OP_RUN, 1, 0);
    say(&script, TTB__OP_ACK, 2, 0);
    assert_false(fake_uml_begin_wait(&script.uml));
    end(&script, "RUN consumed while awaiting WAIT: the next wait would hang");
}

static void a_run_while_a_kick_is_served_is_consumed(void **state)
{
    struct script script;
    int vhost[2];

    (void)state;
    begin(&script, true);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, vhost), 0);
    script.uml.vhost_fd = vhost[0];
    say(&script, TTB__OP_RUN, 1, 0);
    assert_false(fake_uml_kick(&script.uml));
    close(vhost[0]);
    close(vhost[1]);
    end(&script, "RUN consumed while awaiting a kick's reply: the next wait would hang");
}

static void a_run_at_another_time_than_requested_is_a_bug(void **state)
{
    struct script script;

    (void)state;
    begin(&script, true);
    say(&script, TTB__OP_RUN, 1, 9);
    assert_false(fake_uml_pass_to(&script.uml, 10));
    end(&script, "BUG_ON: woken at 9 for the event of 10");
}

static void a_run_that_goes_backwards_panics(void **state)
{
    struct script script;

    (void)state;
    begin(&script, true);
    script.uml.time = 10;
    say(&script, TTB__OP_RUN, 1, 9);
    assert_false(fake_uml_pass_to(&script.uml, 10));
    end(&script, "time goes backwards 10 -> 9");
}

static void a_get_that_goes_backwards_panics(void **state)
{
    struct script script;

    (void)state;
    begin(&script, false);
    script.uml.time = 10;
    say(&script, TTB__OP_ACK, 2, 9);
    assert_false(fake_uml_req(&script.uml, TTB__OP_GET, 0, NULL));
    end(&script, "time goes backwards 10 -> 9");
}

static void a_grant_of_the_end_of_time_panics(void **state)
{
    struct script script;

    (void)state;
    begin(&script, true);
    say(&script, TTB__OP_RUN, 1, INT64_MAX);
    assert_false(fake_uml_pass_to(&script.uml, UINT64_MAX));
    end(&script, "going to sleep forever");
}

static void a_wrong_sequence_number_panics(void **state)
{
    struct script script;

    (void)state;
    begin(&script, false);
    say(&script, TTB__OP_ACK, 3, 0);
    assert_false(fake_uml_req(&script.uml, TTB__OP_REQUEST, 5, NULL));
    end(&script, "ACK message has different seqno! op=2, seq=3 != 2");
}

static void an_ack_that_never_comes_is_a_hang(void **state)
{
    struct script script;

    (void)state;
    begin(&script, false);
    assert_false(fake_uml_req(&script.uml, TTB__OP_REQUEST, 5, NULL));
    end(&script, "hangs: waits for REQUEST for ever");
}

static void an_ack_of_a_shared_run_would_be_unexpected_by_it(void **state)
{
    struct script script;
    struct ttb__message message;

    (void)state;
    begin(&script, true);
    say(&script, TTB__OP_RUN, 1, 5);
    assert_true(fake_uml_pass_to(&script.uml, 5));
    /* It has said START and WAIT, and nothing else. */
    assert_int_equal(recv(script.fd, &message, sizeof(message), 0), sizeof(message));
    assert_int_equal(message.op, TTB__OP_START);
    assert_int_equal(recv(script.fd, &message, sizeof(message), 0), sizeof(message));
    assert_int_equal(message.op, TTB__OP_WAIT);
    assert_int_equal(recv(script.fd, &message, sizeof(message), MSG_DONTWAIT), -1);
    end(&script, "");
}

static void a_broken_link_panics(void **state)
{
    struct script script;

    (void)state;
    begin(&script, false);
    shutdown(script.fd, SHUT_WR);
    assert_false(fake_uml_req(&script.uml, TTB__OP_GET, 0, NULL));
    end(&script, "time-travel external link is broken");
}

/* ACKs of START that are wrong in one way each. */
static void start_with(unsigned fd_count, size_t size_bytes, uint32_t len, const char *panic)
{
    struct script script;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    script.fd = fds[0];
    fake_uml_init(&script.uml, fds[1], true, nothing_happens, NULL);
    fake_uml_send_start(&script.uml, 0);
    acknowledge_start(&script, fd_count, size_bytes, TTB__SCHEDSHM_VERSION, len);
    assert_false(fake_uml_finish_start(&script.uml));
    end(&script, panic);
}

static void fewer_than_two_descriptors_panic(void **state)
{
    (void)state;
    start_with(0, 8192, 4224, "the ACK of START has 0 descriptors: closes uninitialised numbers");
    start_with(1, 8192, 4224, "the ACK of START has 1 descriptors: closes uninitialised numbers");
}

static void a_segment_that_is_too_small_panics(void **state)
{
    (void)state;
    start_with(2, 0, 4224, "the segment has 0 bytes, its header has 4096");
    start_with(2, 4096, 4224, "the segment has 4096 bytes, its len says 4224");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_before_the_ack_of_wait_is_consumed),
        cmocka_unit_test(a_run_while_a_kick_is_served_is_consumed),
        cmocka_unit_test(a_run_at_another_time_than_requested_is_a_bug),
        cmocka_unit_test(a_run_that_goes_backwards_panics),
        cmocka_unit_test(a_get_that_goes_backwards_panics),
        cmocka_unit_test(a_grant_of_the_end_of_time_panics),
        cmocka_unit_test(a_wrong_sequence_number_panics),
        cmocka_unit_test(an_ack_that_never_comes_is_a_hang),
        cmocka_unit_test(an_ack_of_a_shared_run_would_be_unexpected_by_it),
        cmocka_unit_test(a_broken_link_panics),
        cmocka_unit_test(fewer_than_two_descriptors_panic),
        cmocka_unit_test(a_segment_that_is_too_small_panics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
