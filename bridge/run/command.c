/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which command of a node runs when. Decided here, on the host: the agent in the node only does what
 * it is told (guest/control.h).
 *
 * What nodes say comes from within the bridge's callbacks, where nothing may be changed. It is noted,
 * the network is made to return, and the notes are handled then, at the same simulated time.
 */
#include "run/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- notes */

void ttb__command_note(struct ttb__run *run, const struct ttb__note *note)
{
    if (run->note_count == run->note_capacity) {
        size_t capacity = run->note_capacity ? 2 * run->note_capacity : 64;
        struct ttb__note *grown = realloc(run->notes, capacity * sizeof(*grown));

        if (!grown) {
            run->out_of_memory = true;
            return;
        }
        run->notes = grown;
        run->note_capacity = capacity;
    }
    run->notes[run->note_count++] = *note;
    if (run->network)
        run->ops->stop(run->network);
    ttb_bridge_interrupt(ttb_lab_bridge(run->lab)); /* the end of a node would not make it return */
}

void ttb__command_transmitted(void *user, struct ttb_port *port, uint64_t time_ns,
                              const void *frame, size_t len_bytes)
{
    static const uint8_t ethertype[2] = {TTB__CONTROL_ETHERTYPE >> 8,
                                         TTB__CONTROL_ETHERTYPE & 0xff};
    struct ttb__run_node *node = user;
    struct ttb__control_message message;

    (void)port;
    if (len_bytes < sizeof(message))
        return;
    memcpy(&message, frame, sizeof(message));
    if (memcmp(message.ethertype, ethertype, sizeof(ethertype)) != 0)
        return;
    if (message.op == TTB__CONTROL_OUTPUT) {
        /* For a human's eyes only: nothing that happens depends on it. */
        if (message.number <= len_bytes - sizeof(message))
            ttb__terminal_show(node->run, node, (const uint8_t *)frame + sizeof(message),
                               message.number);
        return;
    }
    ttb__command_note(node->run, &(struct ttb__note){.kind = TTB__NOTE_MESSAGE,
                                                     .node = node,
                                                     .time_ns = time_ns,
                                                     .op = message.op,
                                                     .number = message.number,
                                                     .value = message.value});
}

void ttb__command_tell_data(struct ttb__run_node *node, enum ttb__control_op op, uint32_t number,
                            const void *data, size_t len_bytes)
{
    struct ttb__control_data frame = {
        .message = {.source = {0x02, 0x74, 0x74, 0xff, 0xff, 0xff},
                    .ethertype = {TTB__CONTROL_ETHERTYPE >> 8, TTB__CONTROL_ETHERTYPE & 0xff},
                    .op = (uint8_t)op,
                    .number = number},
    };

    if (!node->listening)
        return;
    if (len_bytes)
        memcpy(frame.data, data, len_bytes);
    ttb_port_get_mac(node->control, frame.message.destination);
    /* A frame that does not get through is one to a node that is ending, which will be noted. */
    ttb_port_deliver(node->control, &frame, sizeof(frame.message) + len_bytes);
}

void ttb__command_tell(struct ttb__run_node *node, enum ttb__control_op op, uint32_t number)
{
    ttb__command_tell_data(node, op, number, NULL, 0);
}

/* ------------------------------------------------------------------------------------ commands */

static uint64_t now_ns(const struct ttb__run_node *node)
{
    return ttb_bridge_now_ns(ttb_lab_bridge(node->run->lab));
}

static void start(struct ttb__run_node *node, size_t number)
{
    struct ttb__run_command *command = &node->commands[number];

    command->state = TTB__COMMAND_RUNNING;
    command->start_ns = now_ns(node);
    ttb__command_tell(node, TTB__CONTROL_RUN, (uint32_t)number);
}

bool ttb__command_is_done(const struct ttb__run_node *node)
{
    if (node->turn < node->given->n_run)
        return false;
    for (size_t i = node->given->n_run; i < node->command_count; i++) {
        const struct ttb__run_command *command = &node->commands[i];

        if (!command->given->background &&
            (command->state == TTB__COMMAND_RUNNING || command->state == TTB__COMMAND_QUEUED))
            return false;
    }
    return true;
}

static void shut_down(struct ttb__run_node *node)
{
    node->stopping = true;
    ttb__command_tell(node, TTB__CONTROL_SHUTDOWN, 0);
}

int ttb__command_step(struct ttb__run_node *node)
{
    while (node->listening && !node->stopping && node->turn < node->given->n_run) {
        struct ttb__run_command *command = &node->commands[node->turn];

        if (command->state == TTB__COMMAND_RUNNING)
            return 0; /* in the foreground: its end is waited for */
        if (command->given->has_at_ns && command->given->at_ns > now_ns(node))
            return ttb__action_add(node->run,
                                   &(struct ttb__action){.time_ns = command->given->at_ns,
                                                         .kind = TTB__ACTION_TURN,
                                                         .number = node->number,
                                                         .life = node->lives});
        start(node, node->turn);
        if (!command->given->background)
            return 0;
        node->turn++;
    }
    if (node->listening && !node->stopping && node->given->poweroff && ttb__command_is_done(node))
        shut_down(node);
    return 0;
}

int ttb__command_exec(struct ttb__run_node *node, size_t number)
{
    struct ttb__run_command *command = &node->commands[number];
    enum ttb_node_state state = ttb_node_get_state(node->node);

    if (node->listening && !node->stopping)
        start(node, number);
    else if (!node->listening && !node->stopping && state != TTB_NODE_STOPPED &&
             state != TTB_NODE_FAILED)
        command->state = TTB__COMMAND_QUEUED; /* it boots */
    else
        command->state = TTB__COMMAND_CUT;
    return 0;
}

void ttb__command_cut(struct ttb__run_node *node, uint64_t time_ns)
{
    node->listening = false;
    node->collecting = false;
    node->console_open = false;
    ttb__terminal_closed(node->run, node, "the node has ended");
    for (size_t i = 0; i < node->command_count; i++) {
        struct ttb__run_command *command = &node->commands[i];

        if (command->state != TTB__COMMAND_RUNNING && command->state != TTB__COMMAND_QUEUED)
            continue;
        if (command->state == TTB__COMMAND_QUEUED)
            command->start_ns = time_ns;
        command->state = TTB__COMMAND_CUT;
        command->end_ns = time_ns;
    }
}

/* ------------------------------------------------------------------------------------- handling */

static int on_hello(struct ttb__run_node *node)
{
    node->listening = true;
    node->lives++;
    if (node->stopping) {
        ttb__command_tell(node, TTB__CONTROL_SHUTDOWN, 0);
        return 0;
    }
    for (size_t i = node->given->n_run; i < node->command_count; i++) {
        if (node->commands[i].state == TTB__COMMAND_QUEUED)
            start(node, i);
    }
    return ttb__command_step(node);
}

static int on_ended(struct ttb__run_node *node, const struct ttb__note *note)
{
    struct ttb__run_command *command;

    if (note->number >= node->command_count)
        return 0; /* the node made it up */
    command = &node->commands[note->number];
    if (command->state != TTB__COMMAND_RUNNING)
        return 0;
    command->state = TTB__COMMAND_ENDED;
    command->end_ns = note->time_ns;
    command->status = note->value > 255 ? 255 : note->value;
    if (!command->is_exec && !command->given->background) {
        node->foreground_end_ns = note->time_ns;
        if (note->number == node->turn)
            node->turn++;
    }
    return ttb__command_step(node);
}

static int handle(const struct ttb__note *note)
{
    struct ttb__run_node *node = note->node;

    if (note->kind == TTB__NOTE_ENDED) {
        node->never_answered = !node->listening && !node->stopped_by_us;
        node->paused = false;
        ttb__command_cut(node, note->time_ns);
        return 0;
    }
    switch (note->op) {
    case TTB__CONTROL_HELLO:
        return on_hello(node);
    case TTB__CONTROL_ENDED:
        return on_ended(node, note);
    case TTB__CONTROL_COLLECTED:
        node->collecting = false;
        return ttb__collect_take(node);
    case TTB__CONTROL_CLOSED:
        node->console_open = false;
        ttb__terminal_closed(node->run, node, "the shell has ended");
        return 0;
    default:
        return 0;
    }
}

int ttb__command_handle_notes(struct ttb__run *run)
{
    int rc = 0;

    if (run->out_of_memory)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    /* Handling makes no callbacks, but may append. */
    for (size_t i = 0; i < run->note_count && !rc; i++) {
        struct ttb__note note = run->notes[i];

        rc = handle(&note);
    }
    run->note_count = 0;
    return rc;
}
