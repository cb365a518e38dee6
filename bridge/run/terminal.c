/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The human's terminal, attached to a node: a shell in the node, on a pseudo terminal there that the
 * agent serves (guest/session.c). What is typed is put in as input (input.c) when everything stands
 * still; what the shell shows, and what the node prints on its console, appears as it comes.
 *
 * Keys are taken as they come, also while nodes run: a node that computes without end takes no simulated
 * time, so nothing would ever stand still, and the human must have a way out.
 *
 * Standard input may be a pipe as well: then nothing is set up, and its end is Ctrl-D.
 */
#include "run/internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE      0x1d /* Ctrl-] */
#define END_OF_FILE 0x04 /* Ctrl-D */

#define DEFAULT_SIZE TTB__CONTROL_SIZE(24, 80)

/*
 * Invariants:
 * - raw: the terminal's settings are ours, and `saved` holds its own.
 * - asked: in this life of the node, it was told of the terminal.
 */
struct ttb__terminal {
    struct ttb__run_node *node;
    bool in_is_terminal, raw;
    struct termios saved;
    bool attached;
    bool asked;
    bool at_end;  /* of standard input */
    bool escaped; /* the last key was the escape key */
    bool leaving; /* the human detaches, when everything stands still */
    uint32_t size;
    char typed[TTB__INPUT_MAX]; /* the node does not have it yet */
    size_t typed_bytes;
    uint64_t shown_bytes; /* of the node's console */
    struct ttb_watch
        *watch; /* NULL: keys are not taken now, or it is a file, which needs no watch */
};

/* -------------------------------------------------------------------------------------- output */

static void put(const void *data, size_t len_bytes)
{
    const char *next = data;

    fflush(stdout);
    while (len_bytes) {
        ssize_t written = write(STDOUT_FILENO, next, len_bytes);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            struct pollfd polled = {.fd = STDOUT_FILENO, .events = POLLOUT};

            poll(&polled, 1, -1);
            continue;
        }
        if (written <= 0)
            return; /* nobody looks any more */
        next += written;
        len_bytes -= (size_t)written;
    }
}

/* A raw terminal does not go back to the first column by itself. */
static void put_text(const struct ttb__terminal *terminal, const char *text, size_t len_bytes)
{
    while (len_bytes) {
        const char *end = terminal->raw ? memchr(text, '\n', len_bytes) : NULL;
        size_t part = end ? (size_t)(end - text) : len_bytes;

        put(text, part);
        if (end) {
            put("\r\n", 2);
            part++;
        }
        text += part;
        len_bytes -= part;
    }
}

void ttb__terminal_say(struct ttb__run *run, const char *format, ...)
{
    const struct ttb__terminal *terminal = run->terminal;
    bool raw = terminal && terminal->raw;
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ttb__progress_hide(run);
    fflush(stdout);
    fprintf(stderr, "%s%s%s\n", raw ? "\r\n" : "", text, raw ? "\r" : "");
    fflush(stderr);
}

void ttb__terminal_show(struct ttb__run *run, const struct ttb__run_node *node, const void *data,
                        size_t len_bytes)
{
    const struct ttb__terminal *terminal = run->terminal;

    if (terminal && terminal->attached && terminal->node == node)
        put(data, len_bytes);
}

void ttb__terminal_show_console(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    const struct ttb_lab_node *node;
    char data[4096];
    int64_t got;

    if (!terminal || !terminal->attached)
        return;
    node = terminal->node->lab_node;
    while (ttb_lab_node_console_len_bytes(node) > terminal->shown_bytes) {
        got = ttb_lab_node_read_console(node, terminal->shown_bytes, data, sizeof(data));
        if (got <= 0)
            return;
        put_text(terminal, data, (size_t)got);
        terminal->shown_bytes += (uint64_t)got;
    }
}

/* ---------------------------------------------------------------------------------- raw or not */

void ttb__terminal_take(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    struct termios raw;

    if (!terminal || !terminal->attached || !terminal->in_is_terminal)
        return;
    if (!terminal->raw && tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
        return;
    raw = terminal->saved;
    cfmakeraw(&raw);
    terminal->raw = true; /* before it is, so that a signal in between gives it back */
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* Async-signal-safe. */
void ttb__terminal_give_back(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;

    if (!terminal || !terminal->raw)
        return;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal->saved);
    terminal->raw = false;
}

static uint32_t get_size(const struct ttb__terminal *terminal)
{
    struct winsize size;

    if (!terminal->in_is_terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row ||
        !size.ws_col)
        return DEFAULT_SIZE;
    return TTB__CONTROL_SIZE(size.ws_row, size.ws_col);
}

/* ---------------------------------------------------------------------------------- what is put in */

static int put_in(struct ttb__run *run, struct ttb__input *input)
{
    input->time_ns = ttb__input_time_ns(run);
    input->node = run->terminal->node->number;
    return ttb__input_add(run, input);
}

/* The type is told to programs in the node: it becomes part of the run, so only a sane one. */
static void get_type(const struct ttb__terminal *terminal, struct ttb__input *input)
{
    const char *type = terminal->in_is_terminal ? getenv("TERM") : NULL;

    if (!type || !*type || strlen(type) > 40 ||
        strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_") !=
            strlen(type))
        type = "dumb";
    input->len_bytes = strlen(type);
    memcpy(input->data, type, input->len_bytes + 1);
}

static int ask(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    struct ttb__input input = {.kind = TTB__INPUT_ATTACH, .size = get_size(terminal)};

    terminal->asked = true;
    terminal->size = input.size;
    get_type(terminal, &input);
    return put_in(run, &input);
}

static int flush(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    struct ttb__input input = {.kind = TTB__INPUT_TYPED, .len_bytes = terminal->typed_bytes};

    /* What is typed ahead waits for the shell. */
    if (!terminal->typed_bytes || !terminal->node->console_open)
        return 0;
    memcpy(input.data, terminal->typed, input.len_bytes);
    terminal->typed_bytes = 0;
    return put_in(run, &input);
}

static int follow_size(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    struct ttb__input input = {.kind = TTB__INPUT_RESIZE, .size = get_size(terminal)};

    if (!terminal->node->console_open || input.size == terminal->size)
        return 0;
    terminal->size = input.size;
    return put_in(run, &input);
}

/* The terminal is the user's again when this is read. */
__attribute__((format(printf, 2, 3))) static void leave(struct ttb__run *run, const char *format,
                                                        ...)
{
    bool was_raw = run->terminal->raw;
    char why[256];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    ttb__terminal_give_back(run);
    run->terminal->attached = false;
    ttb__terminal_say(run, "%s[%s]", was_raw ? "\n" : "", why);
}

/* Not while nodes run. */
static int detach(struct ttb__run *run)
{
    struct ttb__input input = {.kind = TTB__INPUT_DETACH};
    int rc = put_in(run, &input);

    leave(run, "detached from %s; the run goes on", run->terminal->node->given->name);
    return rc;
}

/* ---------------------------------------------------------------------------------------- keys */

/* Returns false when what follows is not for the node. */
static bool on_escape(struct ttb__run *run, char key)
{
    struct ttb__terminal *terminal = run->terminal;

    switch (key) {
    case ESCAPE:
        terminal->typed[terminal->typed_bytes++] = ESCAPE;
        return true;
    case 'd':
    case '.':
        terminal->leaving = true;
        return false;
    case 'p':
        ttb__freeze_now(run);
        return false;
    case 'q':
        ttb__run_interrupt(run);
        raise(SIGTERM); /* the second time that is the end of the program, if a node computes on */
        return false;
    default:
        ttb__terminal_say(run, "[Ctrl-] and then: d detach, p freeze and prompt, q end the run, "
                               "Ctrl-] type a Ctrl-]]");
        return true;
    }
}

static void hang_up(struct ttb__run *run)
{
    ttb__terminal_say(run, "ttb: the terminal has gone: the run ends");
    run->terminal->attached = false;
    run->terminal->raw = false;
    ttb__run_interrupt(run);
}

static void on_end(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;

    if (terminal->in_is_terminal) {
        hang_up(run);
        return;
    }
    terminal->at_end = true;
    if (terminal->typed_bytes < sizeof(terminal->typed))
        terminal->typed[terminal->typed_bytes++] = END_OF_FILE;
}

static bool wants_keys(const struct ttb__run *run)
{
    const struct ttb__terminal *terminal = run->terminal;

    /* Room for the end as well. What comes after a key that opens the prompt is the prompt's. */
    return terminal->attached && !terminal->leaving && !terminal->at_end &&
           !ttb__freeze_is_due(run) && terminal->typed_bytes + 1 < sizeof(terminal->typed);
}

static void take_keys(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};

    while (wants_keys(run) && poll(&polled, 1, 0) > 0) {
        char key;
        ssize_t got = read(STDIN_FILENO, &key, 1);

        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0) {
            on_end(run);
        } else if (terminal->escaped) {
            terminal->escaped = false;
            if (!on_escape(run, key))
                break;
        } else if (key == ESCAPE) {
            terminal->escaped = true;
        } else {
            terminal->typed[terminal->typed_bytes++] = key;
        }
    }
}

static void unwatch(struct ttb__run *run)
{
    const struct ttb_loop *loop = ttb_bridge_loop(ttb_lab_bridge(run->lab));

    if (run->terminal->watch)
        loop->ops->remove(loop->impl, run->terminal->watch);
    run->terminal->watch = NULL;
}

static void on_keys(void *user, uint32_t events)
{
    struct ttb__run *run = user;

    (void)events;
    take_keys(run);
    if (!wants_keys(run))
        unwatch(run);
}

static void watch(struct ttb__run *run)
{
    const struct ttb_loop *loop = ttb_bridge_loop(ttb_lab_bridge(run->lab));
    struct ttb__terminal *terminal = run->terminal;

    if (terminal->watch || !wants_keys(run))
        return;
    if (loop->ops->add(loop->impl, STDIN_FILENO, POLLIN, on_keys, run, &terminal->watch))
        terminal->watch = NULL; /* a file: always ready */
}

int ttb__terminal_fd(const struct ttb__run *run)
{
    const struct ttb__terminal *terminal = run->terminal;

    return terminal && wants_keys(run) ? STDIN_FILENO : -1;
}

int ttb__terminal_attend(struct ttb__run *run)
{
    struct ttb__terminal *terminal = run->terminal;
    int rc = 0;

    if (!terminal || !terminal->attached)
        return 0;
    ttb__terminal_show_console(run);
    if (!terminal->asked && terminal->node->listening && !terminal->node->stopping)
        rc = ask(run);
    take_keys(run);
    if (!rc)
        rc = flush(run);
    if (!rc)
        rc = follow_size(run);
    if (!rc && terminal->leaving)
        rc = detach(run);
    if (wants_keys(run))
        watch(run);
    else
        unwatch(run);
    return rc;
}

/* --------------------------------------------------------------------------------------- life */

int ttb__terminal_new(struct ttb__run *run, const char *name)
{
    struct ttb__run_node *node = ttb__run_find_node(run, name);
    struct ttb__terminal *terminal;

    if (!node)
        return ttb__run_fail(run, -EINVAL, "--console: there is no node \"%s\" in the scenario",
                             name);
    terminal = calloc(1, sizeof(*terminal));
    if (!terminal)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    terminal->node = node;
    terminal->attached = true;
    terminal->in_is_terminal = isatty(STDIN_FILENO);
    run->terminal = terminal;
    return 0;
}

bool ttb__terminal_is_attached(const struct ttb__run *run)
{
    return run->terminal && run->terminal->attached;
}

bool ttb__terminal_holds(const struct ttb__run *run)
{
    enum ttb_node_state state;

    if (!ttb__terminal_is_attached(run))
        return false;
    state = ttb_node_get_state(run->terminal->node->node);
    return state != TTB_NODE_STOPPED && state != TTB_NODE_FAILED;
}

void ttb__terminal_closed(struct ttb__run *run, const struct ttb__run_node *node, const char *why)
{
    struct ttb__terminal *terminal = run->terminal;

    if (!ttb__terminal_is_attached(run) || terminal->node != node || !terminal->asked)
        return;
    ttb__terminal_show_console(run);
    terminal->asked = false;
    if (node->listening)
        leave(run, "%s: %s", node->given->name, why);
    else
        ttb__terminal_say(run, "[%s: %s]", node->given->name, why);
}

void ttb__terminal_free(struct ttb__run *run)
{
    if (!run->terminal)
        return;
    ttb__terminal_give_back(run);
    unwatch(run);
    free(run->terminal);
    run->terminal = NULL;
}
