/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file session.h
 * A shell on a pseudo terminal, for a human at the runner's end.
 */
#ifndef TTB_RUN_SESSION_GUEST_H
#define TTB_RUN_SESSION_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What was typed and the terminal has not taken yet: a program that does not read. More is lost, as on
 * a serial line. */
#define SESSION_PENDING_MAX 65536

struct session {
    int terminal; /* the master; -1: none */
    bool over;    /* nobody has the terminal open any more; the end of the shell will tell */
    pid_t pid;    /* the shell */
    uint8_t pending[SESSION_PENDING_MAX];
    size_t pending_bytes;
};

/* Hands out what the terminal shows. */
typedef void (*session_show_fn)(void *user, const void *data, size_t len_bytes);

/* @param type  for TERM, not empty. @return 0, or -1 with errno */
int session_open(struct session *session, uint32_t size, const char *type);

/* Ends it; the shell gets SIGHUP. */
void session_close(struct session *session);

void session_resize(const struct session *session, uint32_t size);
void session_type(struct session *session, const void *data, size_t len_bytes);

/* What poll(2) is to wait for. */
struct pollfd;
void session_prepare(const struct session *session, struct pollfd *polled);

/* The terminal is ready. */
void session_serve(struct session *session, session_show_fn show, void *user);

#endif
