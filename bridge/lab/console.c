/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's console is a regular file: UML writes to it without ever waiting for us (a full pipe
 * would block the guest while we wait for the guest), and we read it whenever the guest is blocked,
 * a piece at a time. UML makes console output synchronous in these time-travel modes
 * (need_output_blocking() in arch/um/drivers/chan_kern.c), so all that was written before the node
 * blocked is in the file, and none of what it writes later.
 */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES 65536

int ttb__console_open(struct ttb_lab_node *node)
{
    node->console.fd = openat(node->directory_fd, "console.log",
                              O_RDONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return node->console.fd < 0 ? -errno : 0;
}

void ttb__console_close(struct ttb_lab_node *node)
{
    if (node->console.fd >= 0)
        close(node->console.fd);
    node->console.fd = -1;
}

void ttb__console_clean(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

static void keep_last(struct ttb__console *console)
{
    size_t len_bytes = console->line_len_bytes;

    if (strspn(console->line, " \t\r") == strlen(console->line))
        return;
    if (len_bytes > TTB__LAST_LINE_MAX)
        len_bytes = TTB__LAST_LINE_MAX;
    memcpy(console->last_line, console->line, len_bytes);
    console->last_line[len_bytes] = 0;
}

static void hand_out(struct ttb_lab_node *node, uint64_t time_ns)
{
    struct ttb__console *console = &node->console;

    /* The terminal turns every end of line into two characters. */
    if (console->line_len_bytes && console->line[console->line_len_bytes - 1] == '\r')
        console->line_len_bytes--;
    console->line[console->line_len_bytes] = 0;
    keep_last(console);
    if (node->lab->line)
        node->lab->line(node->lab->line_user, node, time_ns, console->line,
                        console->line_len_bytes);
    console->line_len_bytes = 0;
}

static void cut(struct ttb_lab_node *node, uint64_t time_ns, const char *data, size_t len_bytes)
{
    struct ttb__console *console = &node->console;

    while (len_bytes) {
        size_t room = TTB_LAB_LINE_MAX - console->line_len_bytes;
        size_t part = len_bytes < room ? len_bytes : room;
        const char *end = memchr(data, '\n', part);

        if (end)
            part = (size_t)(end - data);
        memcpy(console->line + console->line_len_bytes, data, part);
        console->line_len_bytes += part;
        data += part;
        len_bytes -= part;
        if (end) {
            data++;
            len_bytes--;
        }
        if (end || console->line_len_bytes == TTB_LAB_LINE_MAX)
            hand_out(node, time_ns);
    }
}

void ttb__console_drain(struct ttb_lab_node *node, uint64_t time_ns)
{
    struct ttb__console *console = &node->console;
    char data[PIECE_BYTES];
    ssize_t got;

    if (console->fd < 0)
        return;
    for (;;) {
        got = pread(console->fd, data, sizeof(data), (off_t)console->read_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        console->read_bytes += (uint64_t)got;
        cut(node, time_ns, data, (size_t)got);
        if ((size_t)got < sizeof(data))
            return;
    }
}

void ttb__console_finish(struct ttb_lab_node *node, uint64_t time_ns)
{
    ttb__console_drain(node, time_ns);
    if (node->console.line_len_bytes)
        hand_out(node, time_ns);
}

void ttb__console_peek_last(const struct ttb_lab_node *node, char *text, size_t size_bytes)
{
    const struct ttb__console *console = &node->console;
    char data[TTB_LAB_LINE_MAX + 1], *end;
    off_t len_bytes, start;
    ssize_t got;

    text[0] = 0;
    if (console->fd < 0)
        return;
    len_bytes = lseek(console->fd, 0, SEEK_END);
    start = len_bytes > TTB_LAB_LINE_MAX ? len_bytes - TTB_LAB_LINE_MAX : 0;
    got = pread(console->fd, data, TTB_LAB_LINE_MAX, start);
    if (got <= 0)
        return;
    for (end = data + got; end > data && strchr(" \t\r\n", end[-1]); end--)
        ;
    *end = 0;
    end = strrchr(data, '\n');
    end = end ? end + 1 : data;
    ttb__console_clean(end);
    strncat(text, end, size_bytes - 1);
}
