/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix sockets: who may listen where, and descriptors that travel with data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/socket.h"

struct fixture {
    char directory[32];
    char path[64];
    int pair[2];
    size_t bytes_read;
    unsigned fds_read;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    strcpy(fixture.directory, "/tmp/ttb-socket-XXXXXX");
    assert_non_null(mkdtemp(fixture.directory));
    snprintf(fixture.path, sizeof(fixture.path), "%s/socket", fixture.directory);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture.pair), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->pair[0]);
    close(fixture->pair[1]);
    unlink(fixture->path);
    assert_int_equal(rmdir(fixture->directory), 0);
    return 0;
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

static void somebody_who_connects_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    int listener = ttb__socket_listen(fixture->path), client, server;
    char byte = 0;

    assert_true(listener >= 0);
    assert_int_equal(ttb__socket_accept(listener), -EAGAIN);
    client = ttb__socket_connect(fixture->path);
    assert_true(client >= 0);
    server = ttb__socket_accept(listener);
    assert_true(server >= 0);
    assert_int_equal(fcntl(server, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(server, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(client, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(listener, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(ttb__socket_receive(server, &byte, 1, NULL, 0, NULL), 1);
    assert_int_equal(byte, 'x');
    close(client);
    close(server);
    close(listener);
}

static void nobody_else_may_connect(void **state)
{
    struct fixture *fixture = *state;
    mode_t umask_before = umask(0);
    int listener = ttb__socket_listen(fixture->path);
    struct stat status;

    umask(umask_before);
    assert_true(listener >= 0);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    close(listener);
}

static void a_socket_file_whose_owner_is_dead_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    int dead = ttb__socket_listen(fixture->path), listener, client;

    assert_true(dead >= 0);
    close(dead);
    assert_int_equal(access(fixture->path, F_OK), 0);
    listener = ttb__socket_listen(fixture->path);
    assert_true(listener >= 0);
    client = ttb__socket_connect(fixture->path);
    assert_true(client >= 0);
    close(client);
    close(listener);
}

static void a_socket_that_somebody_listens_on_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int listener = ttb__socket_listen(fixture->path), client;

    assert_true(listener >= 0);
    assert_int_equal(ttb__socket_listen(fixture->path), -EADDRINUSE);
    /* Its owner has seen nothing of it. */
    assert_int_equal(ttb__socket_accept(listener), -EAGAIN);
    client = ttb__socket_connect(fixture->path);
    assert_true(client >= 0);
    close(client);
    close(listener);
}

/* A probe that connected would wait here for ever. */
static void a_live_socket_whose_backlog_is_full_is_refused_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = ttb__socket_listen(fixture->path), clients[64], count = 0;

    assert_true(listener >= 0);
    strcpy(address.sun_path, fixture->path);
    for (; count < 64; count++) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(clients[count], (struct sockaddr *)&address, sizeof(address)) < 0)
            break;
    }
    assert_in_range(count, 1, 63);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(ttb__socket_listen(fixture->path), -EADDRINUSE);
    for (; count >= 0; count--)
        close(clients[count]);
    close(listener);
}

static void a_file_that_is_no_socket_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int fd = open(fixture->path, O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(ttb__socket_listen(fixture->path), -EEXIST);
    assert_int_equal(access(fixture->path, F_OK), 0);
}

static void a_path_that_is_too_long_or_empty_is_refused(void **state)
{
    char path[200];
    struct sockaddr_un address;

    (void)state;
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = 0;
    assert_int_equal(ttb__socket_listen(path), -ENAMETOOLONG);
    assert_int_equal(ttb__socket_connect(path), -ENAMETOOLONG);
    path[sizeof(address.sun_path)] = 0;
    assert_int_equal(ttb__socket_listen(path), -ENAMETOOLONG);
    assert_int_equal(ttb__socket_listen(""), -EINVAL);
    assert_int_equal(ttb__socket_connect(""), -EINVAL);
}

static void a_path_of_the_greatest_length_works(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un address;
    char path[sizeof(address.sun_path)];
    size_t len_bytes = (size_t)snprintf(path, sizeof(path), "%s/", fixture->directory);
    int listener, client;

    memset(path + len_bytes, 'b', sizeof(path) - len_bytes);
    path[sizeof(path) - 1] = 0;
    listener = ttb__socket_listen(path);
    assert_true(listener >= 0);
    client = ttb__socket_connect(path);
    assert_true(client >= 0);
    close(client);
    close(listener);
    assert_int_equal(unlink(path), 0);
}

static void connecting_where_nobody_is_fails(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ttb__socket_connect(fixture->path), -ENOENT);
}

static void descriptors_travel_with_the_data(void **state)
{
    struct fixture *fixture = *state;
    unsigned before = open_descriptors();
    int ends[2], got[2] = {-1, -1};
    size_t count = 99;
    char data[8] = "", byte;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(ttb__socket_send(fixture->pair[0], "hello", 6, ends, 2, 0), 0);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(ttb__socket_receive(fixture->pair[1], data, sizeof(data), got, 2, &count), 6);
    assert_string_equal(data, "hello");
    assert_int_equal(count, 2);
    assert_int_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(got[1], "y", 1), 1);
    assert_int_equal(read(got[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(got[0]);
    close(got[1]);
    assert_int_equal(open_descriptors(), before);
}

static void descriptors_that_nobody_wants_are_closed(void **state)
{
    struct fixture *fixture = *state;
    unsigned before = open_descriptors();
    int fds[TTB__FDS_MAX], got = -1;
    size_t count = 99;
    char data[8];

    for (int i = 0; i < TTB__FDS_MAX; i++)
        fds[i] = fixture->pair[0];
    assert_int_equal(ttb__socket_send(fixture->pair[0], "a", 1, fds, TTB__FDS_MAX, 0), 0);
    assert_int_equal(ttb__socket_receive(fixture->pair[1], data, sizeof(data), NULL, 0, NULL), 1);
    assert_int_equal(open_descriptors(), before);

    assert_int_equal(ttb__socket_send(fixture->pair[0], "a", 1, fds, TTB__FDS_MAX, 0), 0);
    assert_int_equal(ttb__socket_receive(fixture->pair[1], data, sizeof(data), &got, 1, &count), 1);
    assert_int_equal(count, 1);
    assert_int_equal(open_descriptors(), before + 1);
    close(got);

    assert_int_equal(ttb__socket_send(fixture->pair[0], "a", 1, fds, TTB__FDS_MAX + 1, 0), -EINVAL);
}

#define LONG_BYTES (4u << 20)

static void *read_long(void *user)
{
    struct fixture *fixture = user;
    struct pollfd ready = {.fd = fixture->pair[1], .events = POLLIN};
    size_t len_bytes = 0;
    static char data[65536];

    while (len_bytes < LONG_BYTES && poll(&ready, 1, 10000) == 1) {
        int fds[TTB__FDS_MAX];
        size_t count = 0;
        ssize_t received =
            ttb__socket_receive(fixture->pair[1], data, sizeof(data), fds, TTB__FDS_MAX, &count);

        if (received <= 0)
            break;
        len_bytes += (size_t)received;
        fixture->fds_read += (unsigned)count;
        while (count)
            close(fds[--count]);
    }
    fixture->bytes_read = len_bytes;
    return NULL;
}

static void what_does_not_fit_at_once_follows_and_descriptors_go_only_once(void **state)
{
    struct fixture *fixture = *state;
    char *data = calloc(1, LONG_BYTES);
    pthread_t reader;

    assert_non_null(data);
    fixture->bytes_read = fixture->fds_read = 0;
    assert_int_equal(pthread_create(&reader, NULL, read_long, fixture), 0);
    assert_int_equal(
        ttb__socket_send(fixture->pair[0], data, LONG_BYTES, &fixture->pair[0], 1, 10000), 0);
    pthread_join(reader, NULL);
    assert_int_equal(fixture->bytes_read, LONG_BYTES);
    assert_int_equal(fixture->fds_read, 1);
    free(data);
}

static void receiving_does_not_wait_and_sees_the_end(void **state)
{
    struct fixture *fixture = *state;
    char data[8];
    size_t count = 99;

    assert_int_equal(ttb__socket_receive(fixture->pair[1], data, sizeof(data), NULL, 0, &count),
                     -EAGAIN);
    assert_int_equal(count, 0);
    close(fixture->pair[0]);
    fixture->pair[0] = dup(fixture->pair[1]);
    assert_int_equal(ttb__socket_receive(fixture->pair[1], data, sizeof(data), NULL, 0, NULL), 0);
}

static void sending_to_somebody_who_has_gone_is_an_error_and_no_signal(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->pair[1]);
    assert_int_equal(ttb__socket_send(fixture->pair[0], "a", 1, NULL, 0, 0), -EPIPE);
    fixture->pair[1] = dup(fixture->pair[0]);
}

static void sending_to_somebody_who_does_not_read_times_out(void **state)
{
    struct fixture *fixture = *state;
    size_t len_bytes = 4u << 20;
    char *data = calloc(1, len_bytes);

    assert_non_null(data);
    assert_int_equal(ttb__socket_send(fixture->pair[0], data, len_bytes, NULL, 0, 0), -ETIMEDOUT);
    assert_int_equal(ttb__socket_send(fixture->pair[0], data, len_bytes, NULL, 0, 1), -ETIMEDOUT);
    free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(somebody_who_connects_is_accepted),
        TEST(nobody_else_may_connect),
        TEST(a_socket_file_whose_owner_is_dead_is_replaced),
        TEST(a_socket_that_somebody_listens_on_is_refused_and_left_alone),
        TEST(a_live_socket_whose_backlog_is_full_is_refused_at_once),
        TEST(a_file_that_is_no_socket_is_refused_and_left_alone),
        TEST(a_path_that_is_too_long_or_empty_is_refused),
        TEST(a_path_of_the_greatest_length_works),
        TEST(connecting_where_nobody_is_fails),
        TEST(descriptors_travel_with_the_data),
        TEST(descriptors_that_nobody_wants_are_closed),
        TEST(what_does_not_fit_at_once_follows_and_descriptors_go_only_once),
        TEST(receiving_does_not_wait_and_sees_the_end),
        TEST(sending_to_somebody_who_has_gone_is_an_error_and_no_signal),
        TEST(sending_to_somebody_who_does_not_read_times_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
