/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done at which simulated time. */
#include "run/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ the heap */

static bool is_before(const struct ttb__action *a, const struct ttb__action *b)
{
    bool a_is_input = a->kind == TTB__ACTION_INPUT, b_is_input = b->kind == TTB__ACTION_INPUT;

    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns;
    return a_is_input != b_is_input ? b_is_input : a->order < b->order;
}

static void swap(struct ttb__action *a, struct ttb__action *b)
{
    struct ttb__action kept = *a;

    *a = *b;
    *b = kept;
}

int ttb__action_add(struct ttb__run *run, const struct ttb__action *action)
{
    size_t at = run->action_count;

    if (run->action_count == run->action_capacity) {
        size_t capacity = run->action_capacity ? 2 * run->action_capacity : 64;
        struct ttb__action *grown = realloc(run->actions, capacity * sizeof(*grown));

        if (!grown)
            return ttb__run_fail(run, -ENOMEM, "out of memory");
        run->actions = grown;
        run->action_capacity = capacity;
    }
    run->actions[run->action_count++] = *action;
    run->actions[at].order = run->action_order++;
    while (at && is_before(&run->actions[at], &run->actions[(at - 1) / 2])) {
        swap(&run->actions[at], &run->actions[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return 0;
}

static struct ttb__action take_first(struct ttb__run *run)
{
    struct ttb__action first = run->actions[0];
    size_t at = 0;

    run->actions[0] = run->actions[--run->action_count];
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < run->action_count; child++) {
            if (is_before(&run->actions[child], &run->actions[least]))
                least = child;
        }
        if (least == at)
            return first;
        swap(&run->actions[at], &run->actions[least]);
        at = least;
    }
}

uint64_t ttb__action_next_ns(const struct ttb__run *run)
{
    return run->action_count ? run->actions[0].time_ns : TTB_TIME_NEVER;
}

int ttb__action_add_events(struct ttb__run *run)
{
    int rc = 0;

    for (size_t i = 0; i < run->scenario->n_events && !rc; i++) {
        const struct ttb__action action = {
            .time_ns = run->scenario->events[i]->at_ns, .kind = TTB__ACTION_EVENT, .number = i};

        rc = ttb__action_add(run, &action);
    }
    run->events_left = run->scenario->n_events;
    return rc;
}

/* -------------------------------------------------------------------------------------- events */

static const char *const action_names[] = {
    [TTB__SCENARIO__EVENT__ACTION__KILL] = "kill",
    [TTB__SCENARIO__EVENT__ACTION__STOP] = "stop",
    [TTB__SCENARIO__EVENT__ACTION__RESTART] = "restart",
    [TTB__SCENARIO__EVENT__ACTION__PAUSE] = "pause",
    [TTB__SCENARIO__EVENT__ACTION__RESUME] = "resume",
};

static void describe_change(const Ttb__Scenario__Change *change, char *text, size_t size_bytes)
{
    int used = 0;

    text[0] = 0;
#define PUT(...)                                                                             \
    used += snprintf(text + used, (size_t)used < size_bytes ? size_bytes - (size_t)used : 0, \
                     __VA_ARGS__)
    if (change->has_rate_bps)
        PUT(" rate %" PRIu64 " bit/s", change->rate_bps);
    if (change->has_delay_ns)
        PUT(" delay %" PRIu64 " ns", change->delay_ns);
    if (change->has_loss_ppb)
        PUT(" loss %" PRIu32 " ppb", change->loss_ppb);
    if (change->has_queue_frames)
        PUT(" queue %" PRIu32, change->queue_frames);
    if (change->has_up)
        PUT(" %s", change->up ? "up" : "down");
#undef PUT
}

static int change_link(struct ttb__run *run, const Ttb__Scenario__Event *event)
{
    char detail[200];
    int rc;

    describe_change(event->set, detail, sizeof(detail));
    ttb__run_record_event(run, "set", event->link, detail[0] ? detail + 1 : "");
    rc = run->ops->change_link(run->network, ttb__run_find_link(run->scenario, event->link),
                               event->set);
    if (rc)
        return ttb__run_fail(run, rc, "link %s:%s: %s", event->link, detail,
                             run->ops->error(run->network));
    return 0;
}

static int set_interface(struct ttb__run *run, struct ttb__run_node *node,
                         const Ttb__Scenario__Event *event)
{
    char target[80];
    size_t number = 0;
    int rc;

    while (number < node->given->n_interfaces &&
           strcmp(node->given->interfaces[number]->name, event->interface) != 0)
        number++;
    snprintf(target, sizeof(target), "%s.%s", event->node, event->interface);
    ttb__run_record_event(run, "set", target, event->set->up ? "up" : "down");
    rc = run->ops->set_interface(run->network, node->number, number, event->set->up);
    if (rc)
        return ttb__run_fail(run, rc, "%s: %s", target, run->ops->error(run->network));
    return 0;
}

static int kill_node(struct ttb__run_node *node, uint64_t now_ns)
{
    int rc = ttb_node_stop(node->node);

    if (rc == -EALREADY)
        return 0;
    if (rc)
        return ttb__run_fail(node->run, rc, "%s", ttb_bridge_error(ttb_lab_bridge(node->run->lab)));
    node->stopped_by_us = true;
    node->paused = false;
    ttb__command_cut(node, now_ns);
    return 0;
}

static int restart_node(struct ttb__run_node *node, uint64_t now_ns)
{
    enum ttb_node_state state = ttb_node_get_state(node->node);
    int rc = 0;

    if (state != TTB_NODE_STOPPED && state != TTB_NODE_FAILED)
        rc = kill_node(node, now_ns);
    if (rc)
        return rc;
    /* All that it will do is done anew; execs are not, they had their time. */
    for (size_t i = 0; i < node->given->n_run; i++)
        node->commands[i] = (struct ttb__run_command){.given = node->commands[i].given};
    node->turn = 0;
    node->stopping = node->stopped_by_us = node->never_answered = false;
    rc = ttb_node_restart(node->node, now_ns);
    if (rc)
        return ttb__run_fail(node->run, rc, "%s", ttb_bridge_error(ttb_lab_bridge(node->run->lab)));
    return 0;
}

static int pause_node(struct ttb__run_node *node, bool pause)
{
    int rc = pause ? ttb_node_pause(node->node) : ttb_node_resume(node->node);

    if (rc == -EALREADY)
        return 0; /* it does not run, or is what it shall be */
    if (rc)
        return ttb__run_fail(node->run, rc, "%s", ttb_bridge_error(ttb_lab_bridge(node->run->lab)));
    node->paused = pause;
    return 0;
}

static int act_on_node(struct ttb__run *run, struct ttb__run_node *node,
                       Ttb__Scenario__Event__Action action, uint64_t now_ns)
{
    ttb__run_record_event(run, action_names[action], node->given->name, "");
    switch (action) {
    case TTB__SCENARIO__EVENT__ACTION__KILL:
        return kill_node(node, now_ns);
    case TTB__SCENARIO__EVENT__ACTION__STOP:
        node->stopped_by_us = true;
        node->stopping = true;
        /* One that has not booted yet is told when it has. */
        ttb__command_tell(node, TTB__CONTROL_SHUTDOWN, 0);
        return 0;
    case TTB__SCENARIO__EVENT__ACTION__RESTART:
        return restart_node(node, now_ns);
    case TTB__SCENARIO__EVENT__ACTION__PAUSE:
    case TTB__SCENARIO__EVENT__ACTION__RESUME:
    default:
        return pause_node(node, action == TTB__SCENARIO__EVENT__ACTION__PAUSE);
    }
}

static int carry_out_event(struct ttb__run *run, size_t number, uint64_t now_ns)
{
    const Ttb__Scenario__Event *event = run->scenario->events[number];
    struct ttb__run_node *node = event->node ? ttb__run_find_node(run, event->node) : NULL;

    run->events_left--;
    if (event->link)
        return change_link(run, event);
    if (event->interface)
        return set_interface(run, node, event);
    if (event->exec) {
        size_t command = node->given->n_run;

        while (node->commands[command].given != event->exec)
            command++;
        ttb__run_record_event(run, "exec", event->node, event->exec->command);
        return ttb__command_exec(node, command);
    }
    return act_on_node(run, node, event->action, now_ns);
}

int ttb__action_carry_out(struct ttb__run *run, uint64_t now_ns)
{
    int rc = 0;

    while (!rc && ttb__action_next_ns(run) <= now_ns) {
        struct ttb__action action = take_first(run);

        if (action.kind == TTB__ACTION_EVENT)
            rc = carry_out_event(run, action.number, now_ns);
        else if (action.kind == TTB__ACTION_INPUT)
            rc = ttb__input_carry_out(run, action.number);
        else if (run->nodes[action.number].lives == action.life)
            rc = ttb__command_step(&run->nodes[action.number]);
    }
    return rc;
}

/* -------------------------------------------------------------------------------- for people */

static void describe_event(const Ttb__Scenario__Event *event, char *text, size_t size_bytes)
{
    char detail[200] = "";

    if (event->set)
        describe_change(event->set, detail, sizeof(detail));
    if (event->link)
        snprintf(text, size_bytes, "event: link %s:%s", event->link, detail);
    else if (event->interface)
        snprintf(text, size_bytes, "event: interface %s.%s:%s", event->node, event->interface,
                 detail);
    else if (event->exec)
        snprintf(text, size_bytes, "event: node %s: exec \"%s\"", event->node,
                 event->exec->name ? event->exec->name : event->exec->command);
    else
        snprintf(text, size_bytes, "event: node %s: %s", event->node, action_names[event->action]);
}

void ttb__action_describe(const struct ttb__run *run, const struct ttb__action *action, char *text,
                          size_t size_bytes)
{
    const struct ttb__run_node *node;
    char name[80];

    switch (action->kind) {
    case TTB__ACTION_EVENT:
        describe_event(run->scenario->events[action->number], text, size_bytes);
        break;
    case TTB__ACTION_INPUT:
        node = &run->nodes[run->inputs[action->number]->node];
        snprintf(text, size_bytes, "node %s: input", node->given->name);
        break;
    default:
        node = &run->nodes[action->number];
        if (node->turn < node->given->n_run)
            ttb__result_command_name(node, node->turn, name, sizeof(name));
        else
            snprintf(name, sizeof(name), "(none)");
        snprintf(text, size_bytes, "node %s: command \"%s\"", node->given->name, name);
        break;
    }
}
