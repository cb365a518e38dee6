/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer as listener of a lab: consoles and exit statuses. Apart from attach.c, so that programs
 * with a bridge and no lab need not link one.
 */
#include "record/writer.h"

#include <errno.h>

void ttb_trace_note_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                         size_t len_bytes)
{
    struct ttb_trace_record record = {
        .kind = TTB_TRACE_CONSOLE,
        .time_ns = time_ns,
        .node = ttb_node_id(ttb_lab_node_as_node(node)),
        .console =
            {
                .data = {.data = text, .len_bytes = len_bytes},
                /* Longer lines come in pieces of this size. */
                .line_end = len_bytes < TTB_LAB_LINE_MAX,
            },
    };

    ttb_trace_write(user, &record);
}

static int exit_status(struct ttb_lab *lab, const struct ttb_node *node, int *status)
{
    const struct ttb_lab_node *found = ttb_lab_find_node(lab, ttb_node_name(node));

    return found ? ttb_lab_node_exit_status(found, status) : -ENOENT;
}

static void detach(struct ttb_lab *lab)
{
    ttb_lab_on_console_line(lab, NULL, NULL);
}

int ttb_trace_writer_attach_lab(struct ttb_trace_writer *writer, struct ttb_lab *lab)
{
    int rc = ttb_trace_writer_attach_bridge(writer, ttb_lab_bridge(lab));

    if (rc)
        return rc;
    ttb_lab_on_console_line(lab, ttb_trace_note_line, writer);
    writer->lab = lab;
    writer->detach_lab = detach;
    writer->exit_status = exit_status;
    return 0;
}
