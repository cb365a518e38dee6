/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the program as a user would, and keeps what it says. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct said {
    int status; /* exit status; 1000 + signal if killed */
    char out[16384], err[16384];
};

static inline void take(int fd, char *text, size_t size_bytes)
{
    ssize_t got = pread(fd, text, size_bytes - 1, 0);

    text[got > 0 ? got : 0] = 0;
    close(fd);
}

/* `line` goes to the shell, with $TTB set to the program. */
static inline void run(const char *program, const char *line, struct said *said)
{
    int out = memfd_create("out", 0), err = memfd_create("err", 0), status;
    pid_t pid = fork();

    assert_true(pid >= 0 && out >= 0 && err >= 0);
    if (pid == 0) {
        setenv("TTB", program, 1);
        dup2(out, 1);
        dup2(err, 2);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(126);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    said->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    take(out, said->out, sizeof(said->out));
    take(err, said->err, sizeof(said->err));
}

#define assert_says(text, part)                                     \
    do {                                                            \
        if (!strstr(text, part))                                    \
            fail_msg("\"%s\" does not contain \"%s\"", text, part); \
    } while (0)

/* How `line` ended, and a part of each of what it said. */
static inline void assert_said(const char *line, const struct said *said, int status,
                               const char *out, const char *err)
{
    if (said->status != status)
        fail_msg("%s: exit status %d instead of %d; said \"%s\" and \"%s\"", line, said->status,
                 status, said->out, said->err);
    assert_says(said->out, out);
    assert_says(said->err, err);
}

/* What was asked for goes to one, what went wrong to the other, and nothing else to either. */
static inline void expect_of(const char *program, const char *line, int status, const char *out,
                             const char *err)
{
    struct said said;

    run(program, line, &said);
    assert_said(line, &said, status, out, err);
    if (!*out)
        assert_string_equal(said.out, "");
    if (!*err)
        assert_string_equal(said.err, "");
}

#endif
