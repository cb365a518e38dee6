/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result disk, ubdc in the guest: the script writes "exit STATUS" and a newline to its start
 * (script.c). The disk is made of zeros, so a node that was cut short leaves no result.
 */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RESULT "result"

int ttb__result_prepare(struct ttb_lab_node *node)
{
    int rc = 0;
    int fd = openat(node->directory_fd, RESULT,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -errno;
    if (ftruncate(fd, TTB__RESULT_BYTES) < 0)
        rc = -errno;
    close(fd);
    node->has_exit_status = false;
    return rc;
}

/* "exit ", one to three digits of a number up to 255, newline. The node wrote it: trust nothing. */
static bool parse(const char *text, int *status)
{
    static const char word[] = "exit ";
    int value = 0, digits = 0;

    if (strncmp(text, word, sizeof(word) - 1) != 0)
        return false;
    for (text += sizeof(word) - 1; *text >= '0' && *text <= '9'; text++) {
        value = 10 * value + (*text - '0');
        if (++digits > 3)
            return false;
    }
    *status = value;
    return digits > 0 && value <= 255 && *text == '\n';
}

void ttb__result_collect(struct ttb_lab_node *node)
{
    char text[32];
    ssize_t got;
    int fd = openat(node->directory_fd, RESULT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return;
    got = pread(fd, text, sizeof(text) - 1, 0);
    close(fd);
    if (got <= 0)
        return;
    text[got] = 0;
    if (parse(text, &node->exit_status))
        node->has_exit_status = true;
}

int ttb_lab_node_exit_status(const struct ttb_lab_node *node, int *status)
{
    if (!node->has_exit_status)
        return -ENODATA;
    *status = node->exit_status;
    return 0;
}
