/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Frames in a row, before others get their turn. */
#define BURST 64

static void become_shell(const char *slave, const struct winsize *size, const char *type)
{
    /* Login shells: $0 begins with a hyphen. */
    static const char *const shells[][2] = {{"/bin/bash", "-bash"}, {"/bin/sh", "-sh"}};
    sigset_t none;
    int fd;

    setsid();
    fd = open(slave, O_RDWR); /* becomes the controlling terminal */
    if (fd < 0)
        _exit(126);
    ioctl(fd, TIOCSWINSZ, size);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("TERM", type, 1);
    if (chdir("/root") < 0 && chdir("/") < 0)
        _exit(126);
    for (unsigned i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        execl(shells[i][0], shells[i][1], (char *)NULL);
    fprintf(stderr, "ttb-agent: /bin/sh: %s\n", strerror(errno));
    _exit(127);
}

static struct winsize as_winsize(uint32_t size)
{
    return (struct winsize){.ws_row = TTB__CONTROL_ROWS(size),
                            .ws_col = TTB__CONTROL_COLUMNS(size)};
}

int session_open(struct session *session, uint32_t size, const char *type)
{
    struct winsize winsize = as_winsize(size);
    char slave[64];
    int error;

    session->pending_bytes = 0;
    session->over = false;
    session->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (session->terminal < 0)
        return -1;
    if (unlockpt(session->terminal) < 0 || ptsname_r(session->terminal, slave, sizeof(slave)) != 0)
        goto error;
    session->pid = fork();
    if (session->pid < 0)
        goto error;
    if (session->pid == 0)
        become_shell(slave, &winsize, type);
    return 0;

error:
    error = errno;
    session_close(session);
    errno = error;
    return -1;
}

void session_close(struct session *session)
{
    if (session->terminal >= 0)
        close(session->terminal);
    session->terminal = -1;
    session->pid = 0;
}

void session_resize(const struct session *session, uint32_t size)
{
    struct winsize winsize = as_winsize(size);

    if (session->terminal >= 0)
        ioctl(session->terminal, TIOCSWINSZ, &winsize);
}

static void pass_on(struct session *session)
{
    while (session->pending_bytes) {
        ssize_t taken = write(session->terminal, session->pending, session->pending_bytes);

        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return;
        session->pending_bytes -= (size_t)taken;
        memmove(session->pending, session->pending + taken, session->pending_bytes);
    }
}

void session_type(struct session *session, const void *data, size_t len_bytes)
{
    size_t room = SESSION_PENDING_MAX - session->pending_bytes;

    if (session->terminal < 0)
        return;
    if (len_bytes > room)
        len_bytes = room;
    memcpy(session->pending + session->pending_bytes, data, len_bytes);
    session->pending_bytes += len_bytes;
    pass_on(session);
}

void session_prepare(const struct session *session, struct pollfd *polled)
{
    /* One that is over would be ready all the time. */
    polled->fd = session->over ? -1 : session->terminal;
    polled->events = session->pending_bytes ? POLLIN | POLLOUT : POLLIN;
    polled->revents = 0;
}

void session_serve(struct session *session, session_show_fn show, void *user)
{
    uint8_t data[TTB__CONTROL_DATA_MAX];

    if (session->terminal < 0)
        return;
    pass_on(session);
    for (int i = 0; i < BURST; i++) {
        ssize_t got = read(session->terminal, data, sizeof(data));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            session->over = got == 0 || errno != EAGAIN; /* EIO */
            return;
        }
        show(user, data, (size_t)got);
    }
}
