/* SPDX-License-Identifier: BSD-3-Clause */
/* summary.json: the result for machines. Everything but "wall" repeats. */
#include "run/internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char *ttb__result_state(const struct ttb__run_node *node)
{
    switch (ttb_node_get_state(node->node)) {
    case TTB_NODE_STOPPED:
    case TTB_NODE_IDLE:
        return "stopped";
    case TTB_NODE_FAILED:
        return "failed";
    default:
        return node->paused ? "paused" : "running";
    }
}

const char *ttb__result_verdict(enum ttb__verdict verdict)
{
    switch (verdict) {
    case TTB__RUN_AS_EXPECTED:
        return "as expected";
    case TTB__RUN_UNEXPECTED:
        return "not as expected";
    case TTB__RUN_IMPOSSIBLE:
        return "impossible";
    default:
        return "broken";
    }
}

const char *ttb__result_command_state(enum ttb__command_state state)
{
    switch (state) {
    case TTB__COMMAND_RUNNING:
        return "had not ended";
    case TTB__COMMAND_ENDED:
        return "ended";
    case TTB__COMMAND_CUT:
        return "was cut short: the node ended";
    default:
        return "was not started";
    }
}

void ttb__result_command_name(const struct ttb__run_node *node, size_t command, char *text,
                              size_t size_bytes)
{
    const Ttb__Scenario__Command *given = node->commands[command].given;
    const char *source = given->name ? given->name : given->command;
    size_t len_bytes = strcspn(source, "\n");

    if (len_bytes > 40)
        snprintf(text, size_bytes, "%.37s...", source);
    else
        snprintf(text, size_bytes, "%.*s", (int)len_bytes, source);
}

static json_t *seconds(uint64_t time_ns)
{
    return json_real((double)time_ns / 1e9);
}

static json_t *commands_json(const struct ttb__run_node *node)
{
    json_t *list = json_array();

    for (size_t i = 0; i < node->command_count; i++) {
        const struct ttb__run_command *command = &node->commands[i];
        json_t *entry = json_object();
        bool started =
            command->state != TTB__COMMAND_PENDING && command->state != TTB__COMMAND_QUEUED;

        if (command->given->name)
            json_object_set_new(entry, "name", json_string(command->given->name));
        json_object_set_new(entry, "command", json_string(command->given->command));
        json_object_set_new(entry, "state", json_string(ttb__result_command_state(command->state)));
        if (started)
            json_object_set_new(entry, "start_ns", json_integer((json_int_t)command->start_ns));
        if (command->state == TTB__COMMAND_ENDED || command->state == TTB__COMMAND_CUT)
            json_object_set_new(entry, "end_ns", json_integer((json_int_t)command->end_ns));
        if (command->state == TTB__COMMAND_ENDED)
            json_object_set_new(entry, "exit", json_integer(command->status));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *interfaces_json(const struct ttb__run_node *node)
{
    json_t *list = json_array();

    for (size_t i = 0; i < node->given->n_interfaces; i++) {
        struct ttb_port_stats stats;
        json_t *entry = json_object(), *dropped = json_object();

        ttb_port_get_stats(node->ports[i], &stats);
        json_object_set_new(entry, "name", json_string(node->given->interfaces[i]->name));
        json_object_set_new(entry, "link", json_string(node->given->interfaces[i]->link));
        json_object_set_new(entry, "sent_frames", json_integer((json_int_t)stats.tx_frames));
        json_object_set_new(entry, "sent_bytes", json_integer((json_int_t)stats.tx_bytes));
        json_object_set_new(entry, "received_frames", json_integer((json_int_t)stats.rx_frames));
        json_object_set_new(entry, "received_bytes", json_integer((json_int_t)stats.rx_bytes));
        for (unsigned j = TTB_DROP_NONE + 1; j < TTB_DROP_COUNT; j++) {
            if (stats.dropped[j])
                json_object_set_new(dropped, ttb_drop_name(j),
                                    json_integer((json_int_t)stats.dropped[j]));
        }
        json_object_set_new(entry, "dropped_frames", dropped);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *files_json(const struct ttb__run_node *node)
{
    json_t *list = json_array();

    for (size_t i = 0; i < node->file_count; i++) {
        const struct ttb__run_file *file = &node->files[i];
        json_t *entry = json_object();
        char hex[65];

        json_object_set_new(entry, "path", json_string(file->path));
        if (file->is_there) {
            ttb_trace_hex(file->sha256, hex);
            json_object_set_new(entry, "size_bytes", json_integer((json_int_t)file->len_bytes));
            json_object_set_new(entry, "sha256", json_string(hex));
        } else {
            json_object_set_new(
                entry, "error",
                json_string(file->error ? strerror(file->error) : "not handed out"));
        }
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *nodes_json(const struct ttb__run *run)
{
    json_t *list = json_array();

    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];
        json_t *entry = json_object();
        const char *failure = ttb_node_failure(node->node);

        json_object_set_new(entry, "name", json_string(node->given->name));
        json_object_set_new(entry, "state", json_string(ttb__result_state(node)));
        if (failure[0])
            json_object_set_new(entry, "failure", json_string(failure));
        json_object_set_new(entry, "boots", json_integer(node->lives));
        json_object_set_new(entry, "commands", commands_json(node));
        json_object_set_new(entry, "interfaces", interfaces_json(node));
        json_object_set_new(entry, "files", files_json(node));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *links_json(struct ttb__run *run)
{
    json_t *list = json_array();

    for (size_t i = 0; i < run->scenario->n_links; i++) {
        struct ttb__link_counters counters;
        json_t *entry = json_object();

        run->ops->count_link(run->network, i, &counters);
        json_object_set_new(entry, "name", json_string(run->scenario->links[i]->name));
        json_object_set_new(entry, "sent_frames", json_integer((json_int_t)counters.sent));
        json_object_set_new(entry, "received_frames", json_integer((json_int_t)counters.received));
        json_object_set_new(entry, "dropped_frames",
                            json_pack("{s:I, s:I, s:I, s:I}", "loss", (json_int_t)counters.lost,
                                      "queue", (json_int_t)counters.queue_full, "down",
                                      (json_int_t)counters.down, "other",
                                      (json_int_t)counters.other));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *outcomes_json(const struct ttb__run *run)
{
    json_t *list = json_array();

    for (size_t i = 0; i < run->outcome_count; i++)
        json_array_append_new(list,
                              json_pack("{s:b, s:s, s:s}", "met", run->outcomes[i].met, "expected",
                                        run->outcomes[i].what, "found", run->outcomes[i].found));
    return list;
}

static json_t *digest_json(const struct ttb__run *run)
{
    json_t *digests = json_object();
    char hex[65];

    ttb_trace_hex(run->digest.all, hex);
    json_object_set_new(digests, "all", json_string(hex));
    ttb_trace_hex(run->digest.behaviour, hex);
    json_object_set_new(digests, "behaviour", json_string(hex));
    ttb_trace_hex(run->digest.schedule, hex);
    json_object_set_new(digests, "schedule", json_string(hex));
    ttb_trace_hex(run->digest.network, hex);
    json_object_set_new(digests, "network", json_string(hex));
    return digests;
}

/* Where the wall time went; nodes that run at the same time add up to more than there is. */
static json_t *wall_json(struct ttb__run *run)
{
    static const char *const names[TTB_WALL_PARTS] = {
        [TTB_WALL_NETWORK] = "network",     [TTB_WALL_NODES] = "nodes",
        [TTB_WALL_BARRIER] = "barrier",     [TTB_WALL_BRIDGE] = "bridge",
        [TTB_WALL_RECORDING] = "recording", [TTB_WALL_WAITING] = "waiting",
    };
    json_t *wall = json_object(), *parts = json_object(), *nodes = json_object();
    struct ttb_bridge_wall spent = {.size = sizeof(spent)};

    ttb_bridge_get_wall(ttb_lab_bridge(run->lab), &spent);
    for (unsigned i = 0; i < TTB_WALL_PARTS; i++)
        json_object_set_new(parts, names[i], seconds(spent.parts[i].wall_ns));
    for (size_t i = 0; i < run->node_count; i++) {
        struct ttb_node_stats stats;
        json_t *node = json_object();

        ttb_node_get_stats(run->nodes[i].node, &stats);
        json_object_set_new(node, "seconds", seconds(stats.wall_ns));
        json_object_set_new(node, "waited", seconds(stats.waited_ns));
        json_object_set_new(node, "awaited", seconds(stats.awaited_ns));
        json_object_set_new(nodes, run->nodes[i].given->name, node);
    }
    json_object_set_new(wall, "seconds", seconds(run->wall_end_ns - run->wall_start_ns));
    json_object_set_new(wall, "parts", parts);
    json_object_set_new(wall, "nodes", nodes);
    return wall;
}

int ttb__result_write(struct ttb__run *run)
{
    json_t *troubles = json_array(), *summary = json_object();
    char path[4200];
    int rc;

    for (size_t i = 0; i < run->trouble_count; i++)
        json_array_append_new(troubles, json_string(run->troubles[i]));
    json_object_set_new(summary, "name", json_string(run->scenario->name));
    json_object_set_new(summary, "seed", json_integer((json_int_t)run->scenario->seed));
    json_object_set_new(summary, "engine", json_string(run->ops->name));
    json_object_set_new(summary, "exit_status", json_integer(run->verdict));
    json_object_set_new(summary, "result", json_string(ttb__result_verdict(run->verdict)));
    json_object_set_new(summary, "ending", json_string(ttb_trace_ending_name(run->ending)));
    json_object_set_new(summary, "end_ns", json_integer((json_int_t)run->end_ns));
    json_object_set_new(summary, "troubles", troubles);
    /* What a human did at a console: the digest is of a run with that. */
    json_object_set_new(summary, "interactive",
                        json_pack("{s:I, s:I}", "actions",
                                  (json_int_t)(run->input_count - run->inputs_left), "typed_bytes",
                                  (json_int_t)run->input_bytes));
    json_object_set_new(summary, "expectations", outcomes_json(run));
    json_object_set_new(summary, "nodes", nodes_json(run));
    json_object_set_new(summary, "links", links_json(run));
    if (run->has_digest)
        json_object_set_new(summary, "digest", digest_json(run));
    json_object_set_new(summary, "wall", wall_json(run));
    snprintf(path, sizeof(path), "%s/summary.json", run->directory);
    rc = json_dump_file(summary, path, JSON_INDENT(2));
    json_decref(summary);
    return rc ? -EIO : 0;
}
