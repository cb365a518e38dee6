/* SPDX-License-Identifier: BSD-3-Clause */
/* Talks to a program as a human does, at a terminal or through a pipe: says something when it has seen
 * something. Nothing is gated on time but that a program which says nothing at all for minutes fails. */
#ifndef TESTS_RUN_TALK_H
#define TESTS_RUN_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/types.h>

struct talk {
    pid_t pid;
    int in, out; /* the same for a terminal */
    char *heard; /* all of it, zero-terminated */
    size_t heard_bytes;
    size_t seen_bytes; /* up to here talk_await() has looked */
};

/* Start `line` with the shell in `directory`, $TTB being `program`. */
void talk_start(struct talk *talk, bool terminal, const char *program, const char *directory,
                const char *line);
void talk_say(const struct talk *talk, const char *text);
/* Wait until the program says this, after what was awaited before. */
void talk_await(struct talk *talk, const char *text);
/* No more input; of a terminal: it is gone. */
void talk_hang_up(struct talk *talk);
/* Hear the program out. @return its wait status */
int talk_finish(struct talk *talk);
/* Hear it out; it must end by itself with this exit status. */
void talk_expect_exit(struct talk *talk, int status);
void talk_free(struct talk *talk);

#endif
