/* SPDX-License-Identifier: BSD-3-Clause */
#include "wall_clock_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/socket.h"

static void on_transmit(void *user, struct ttb_frame *frame)
{
    struct wall_clock_port *port = user;
    uint8_t answer[1514];
    size_t answer_bytes = responder_answer(&port->responder, frame->data, frame->len_bytes, answer);

    port->frames++;
    if (answer_bytes)
        assert_int_equal(ttb__netdev_receive_copy(port->netdev, answer, answer_bytes), 0);
}

static void on_transmit_dropped(void *user, const char *why)
{
    struct wall_clock_port *port = user;

    port->dropped++;
    print_message("dropped: %s\n", why);
}

static bool on_kicked(void *user, unsigned sent, bool calls_wanted)
{
    struct wall_clock_port *port = user;

    (void)sent;
    (void)calls_wanted;
    /* Event descriptors answer nothing; in-band calls are answered once the guest goes on. */
    if (port->in_band)
        assert_true(ttb__netdev_flush_calls(port->netdev) >= 0);
    else
        assert_int_equal(ttb__netdev_flush_calls(port->netdev), 0);
    return false;
}

static void on_link(void *user, bool up)
{
    struct wall_clock_port *port = user;

    port->links_up += up;
    port->links_down += !up;
}

static void on_closed(void *user, int err, const char *why)
{
    struct wall_clock_port *port = user;

    port->closed++;
    port->closed_err = err;
    snprintf(port->closed_why, sizeof(port->closed_why), "%s", why);
}

static const struct ttb__netdev_ops ops = {
    .transmit = on_transmit,
    .transmit_dropped = on_transmit_dropped,
    .kicked = on_kicked,
    .link = on_link,
    .closed = on_closed,
};

static void on_accept(void *user, uint32_t events)
{
    struct wall_clock_port *port = user;
    const struct ttb__netdev_opts opts = {
        .mac = {0x02, 0x74, 0x74, 0, 0, 1},
        .mtu = 1500,
        .carrier = true,
        .wall_clock = !port->in_band,
        .backlog_frames = 64,
    };
    int fd = ttb__socket_accept(port->listener);

    (void)events;
    if (fd < 0)
        return;
    ttb__netdev_free(port->netdev);
    port->netdev = NULL;
    assert_int_equal(ttb__netdev_new(&port->loop, fd, &opts, &ops, port, &port->netdev), 0);
}

void port_open(struct wall_clock_port *port)
{
    *port = (struct wall_clock_port){
        .responder = {.mac = {0x02, 0, 0, 0, 0, 0xfe},
                      .address = {10, 0, 0, 254},
                      .lease = {10, 0, 0, 15}},
        .child = -1,
    };
    snprintf(port->directory, sizeof(port->directory), "/tmp/ttb-vhost-XXXXXX");
    assert_non_null(mkdtemp(port->directory));
    snprintf(port->path, sizeof(port->path), "%s/port", port->directory);
    snprintf(port->output, sizeof(port->output), "%s/output", port->directory);
    assert_int_equal(ttb_loop_open_epoll(&port->loop), 0);
    port->listener = ttb__socket_listen(port->path);
    assert_true(port->listener >= 0);
    assert_int_equal(
        port->loop.ops->add(port->loop.impl, port->listener, POLLIN, on_accept, port, &port->watch),
        0);
}

void port_launch(struct wall_clock_port *port, const char *const argv[])
{
    port->child = fork();
    assert_true(port->child >= 0);
    if (port->child == 0) {
        int out = open(port->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int in = open("/dev/null", O_RDONLY);

        /* A test that dies takes its program along. A group of its own: UML has helpers. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        dup2(in, 0);
        dup2(out, 1);
        dup2(out, 2);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    setpgid(port->child, port->child);
}

bool port_serve(struct wall_clock_port *port, bool (*done)(struct wall_clock_port *port),
                unsigned timeout_s)
{
    time_t end = time(NULL) + (time_t)timeout_s;

    while (time(NULL) < end) {
        siginfo_t info = {0};

        port->loop.ops->turn(port->loop.impl, 100);
        if (done && done(port))
            return true;
        if (port->child > 0 &&
            waitid(P_PID, (id_t)port->child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == port->child) {
            while (port->loop.ops->turn(port->loop.impl, 0) > 0)
                continue;
            return done && done(port);
        }
    }
    return false;
}

void port_end_child(struct wall_clock_port *port, int *status)
{
    int ignored;

    if (port->child <= 0)
        return;
    kill(-port->child, SIGKILL);
    waitpid(port->child, status ? status : &ignored, 0);
    port->child = -1;
}

void port_show_output(struct wall_clock_port *port)
{
    char line[256];
    FILE *file = fopen(port->output, "r");

    while (file && fgets(line, sizeof(line), file))
        print_message("| %s", line);
    if (file)
        fclose(file);
}

void port_close(struct wall_clock_port *port)
{
    port_end_child(port, NULL);
    ttb__netdev_free(port->netdev);
    port->loop.ops->remove(port->loop.impl, port->watch);
    close(port->listener);
    ttb_loop_close(&port->loop);
    unlink(port->path);
    unlink(port->output);
    rmdir(port->directory);
}
