/* SPDX-License-Identifier: BSD-3-Clause */
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SILENCE_MS 180000

static void become(int in, int out, bool terminal, const char *program, const char *directory,
                   const char *line)
{
    setsid();
    if (terminal)
        ioctl(in, TIOCSCTTY, 0);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    if (in > 2)
        close(in);
    if (out > 2 && out != in)
        close(out);
    setenv("TTB", program, 1);
    setenv("TERM", "vt100", 1);
    if (chdir(directory) == 0)
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(126);
}

static void open_terminal(struct talk *talk, int *in, int *out)
{
    struct winsize size = {.ws_row = 31, .ws_col = 97};
    char path[64];

    talk->in = talk->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(talk->in >= 0);
    assert_int_equal(unlockpt(talk->in), 0);
    assert_int_equal(ptsname_r(talk->in, path, sizeof(path)), 0);
    *in = *out = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*in >= 0);
    assert_int_equal(ioctl(*in, TIOCSWINSZ, &size), 0);
}

void talk_start(struct talk *talk, bool terminal, const char *program, const char *directory,
                const char *line)
{
    int in, out;

    *talk = (struct talk){.heard = calloc(1, 1)};
    assert_non_null(talk->heard);
    if (terminal) {
        open_terminal(talk, &in, &out);
    } else {
        int to[2], from[2];

        assert_int_equal(pipe2(to, O_CLOEXEC), 0);
        assert_int_equal(pipe2(from, O_CLOEXEC), 0);
        in = to[0];
        talk->in = to[1];
        talk->out = from[0];
        out = from[1];
    }
    talk->pid = fork();
    assert_true(talk->pid >= 0);
    if (talk->pid == 0)
        become(in, out, terminal, program, directory, line);
    close(in);
    if (out != in)
        close(out);
}

void talk_say(const struct talk *talk, const char *text)
{
    size_t len_bytes = strlen(text);

    if (write(talk->in, text, len_bytes) != (ssize_t)len_bytes)
        fail_msg("cannot say \"%s\": %s; heard: %s", text, strerror(errno), talk->heard);
}

/* False when there is nothing more to hear. */
static bool hear(struct talk *talk)
{
    struct pollfd polled = {.fd = talk->out, .events = POLLIN};
    char data[4096];
    ssize_t got;

    if (poll(&polled, 1, SILENCE_MS) == 0) {
        kill(-talk->pid, SIGKILL);
        fail_msg("silence after: %s", talk->heard);
    }
    got = read(talk->out, data, sizeof(data));
    if (got <= 0)
        return false; /* a terminal that nobody has open gives EIO */
    talk->heard = realloc(talk->heard, talk->heard_bytes + (size_t)got + 1);
    assert_non_null(talk->heard);
    for (ssize_t i = 0; i < got; i++) {
        if (data[i])
            talk->heard[talk->heard_bytes++] = data[i];
    }
    talk->heard[talk->heard_bytes] = 0;
    return true;
}

void talk_await(struct talk *talk, const char *text)
{
    for (;;) {
        const char *found = strstr(talk->heard + talk->seen_bytes, text);

        if (found) {
            talk->seen_bytes = (size_t)(found - talk->heard) + strlen(text);
            return;
        }
        if (!hear(talk))
            fail_msg("never heard \"%s\" in: %s", text, talk->heard + talk->seen_bytes);
    }
}

void talk_hang_up(struct talk *talk)
{
    close(talk->in);
    if (talk->out == talk->in)
        talk->out = -1;
    talk->in = -1;
}

int talk_finish(struct talk *talk)
{
    int status;

    while (talk->out >= 0 && hear(talk))
        ;
    assert_int_equal(waitpid(talk->pid, &status, 0), talk->pid);
    return status;
}

void talk_expect_exit(struct talk *talk, int status)
{
    int got = talk_finish(talk);

    if (!WIFEXITED(got) || WEXITSTATUS(got) != status)
        fail_msg("wait status 0x%x, not exit status %d; said: %s", (unsigned)got, status,
                 talk->heard);
}

void talk_free(struct talk *talk)
{
    if (talk->in >= 0)
        close(talk->in);
    if (talk->out >= 0 && talk->out != talk->in)
        close(talk->out);
    free(talk->heard);
}
