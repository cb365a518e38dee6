/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a run. Simulated time passes in steps: the network is run up to the next action (an event of
 * the scenario, the time of a command) or until a node has something to say, and what is to be done
 * then is done while everything stands still. The boundaries of the steps depend on the scenario and on
 * what the nodes do, never on wall time: they are visible in the grants.
 */
#include "run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/traced.h"

/* For limits of wall time: 24 days. */
#define NEVER_MS INT32_MAX

int ttb__run_fail(struct ttb__run *run, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(run->error, sizeof(run->error), format, args);
    va_end(args);
    return code;
}

uint64_t ttb__run_wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

struct ttb__run_node *ttb__run_find_node(struct ttb__run *run, const char *name)
{
    for (size_t i = 0; i < run->node_count; i++) {
        if (strcmp(run->nodes[i].given->name, name) == 0)
            return &run->nodes[i];
    }
    return NULL;
}

size_t ttb__run_find_link(const Ttb__Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->n_links; i++) {
        if (strcmp(scenario->links[i]->name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

uint64_t ttb__run_now_ns(const struct ttb__run *run)
{
    return run->lab ? ttb_bridge_now_ns(ttb_lab_bridge(run->lab)) : 0;
}

const char *ttb__run_directory(const struct ttb__run *run)
{
    return run->directory;
}

struct ttb_trace_writer *ttb__run_writer(const struct ttb__run *run)
{
    return run->writer;
}

const char *ttb__run_error(const struct ttb__run *run)
{
    return run->error;
}

void ttb__run_interrupt(struct ttb__run *run)
{
    run->interrupted = 1;
}

void ttb__run_restore_terminal(struct ttb__run *run)
{
    ttb__terminal_give_back(run);
}

/* --------------------------------------------------------------------------- what callbacks note */

static void on_state(void *user, struct ttb_node *bridge_node, enum ttb_node_state state,
                     uint64_t time_ns, const char *why)
{
    struct ttb__run *run = user;
    struct ttb__run_node *node = ttb__run_find_node(run, ttb_node_name(bridge_node));

    if (run->writer)
        ttb_trace_note_state(run->writer, bridge_node, state, time_ns, why);
    if (node && (state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED))
        ttb__command_note(
            run, &(struct ttb__note){.kind = TTB__NOTE_ENDED, .node = node, .time_ns = time_ns});
}

static void on_line(void *user, struct ttb_lab_node *lab_node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct ttb__run *run = user;
    struct ttb__run_node *node =
        ttb__run_find_node(run, ttb_node_name(ttb_lab_node_as_node(lab_node)));

    if (run->writer)
        ttb_trace_note_line(run->writer, lab_node, time_ns, text, len_bytes);
    if (node)
        ttb__console_watch_line(run, node, time_ns, text, len_bytes);
}

/* Sees every grant and frame, so it is also where a run can be ended from. */
static void on_record(void *user, const struct ttb_trace_tables *tables,
                      const struct ttb_trace_record *record)
{
    struct ttb__run *run = user;

    if (run->sink)
        run->sink(run->sink_user, tables, record);
    if (run->player)
        ttb__player_note(run->player, record);
    if (record->kind == TTB_TRACE_FRAME && record->frame.what == TTB_TRACE_TRANSMITTED)
        run->frames++;
    ttb__progress_show(run);
    ttb__freeze_record(run, tables, record);
    if (run->interrupted && run->network) {
        run->ops->stop(run->network);
        ttb_bridge_interrupt(ttb_lab_bridge(run->lab));
    }
}

void ttb__run_record_event(struct ttb__run *run, const char *action, const char *target,
                           const char *detail)
{
    const struct ttb_trace_record record = {
        .kind = TTB_TRACE_EVENT,
        .time_ns = ttb__run_now_ns(run),
        .node = TTB_TRACE_NONE,
        .event = {.action = {action, strlen(action)},
                  .target = {target, strlen(target)},
                  .detail = {detail, strlen(detail)}},
    };

    if (run->writer)
        ttb_trace_write(run->writer, &record);
}

/* -------------------------------------------------------------------------------------- set-up */

static const struct ttb__network_ops *engine(const Ttb__Scenario *scenario)
{
    if (scenario->engine == TTB__SCENARIO__ENGINE__BUILT_IN)
        return &ttb__network_built_in;
#ifdef TTB_HAVE_NS3
    return &ttb__network_ns3;
#else
    return NULL;
#endif
}

int ttb__run_check(const Ttb__Scenario *scenario, char *error, size_t error_size)
{
    const struct ttb__network_ops *ops = engine(scenario);

    if (!ops) {
        snprintf(error, error_size,
                 "engine: ns-3 is not in this build of ttb; \"engine: builtin\" is");
        return -EOPNOTSUPP;
    }
    return ops->check(scenario, error, error_size);
}

static void log_line(void *user, enum ttb_log_level level, const char *text)
{
    struct ttb__run *run = user;

    if (level < TTB_LOG_WARNING)
        return;
    ttb__progress_free(run);
    ttb__terminal_say(run, "ttb: %s%s", level == TTB_LOG_WARNING ? "warning: " : "", text);
}

static int open_lab(struct ttb__run *run, const struct ttb__run_opts *opts)
{
    const struct ttb_bridge_opts bridge_opts = {
        .size = sizeof(bridge_opts),
        .epoch_ns = run->scenario->epoch_ns,
        .jobs = opts->jobs,
        .no_pin = opts->no_pin,
        .no_look_ahead = run->no_look_ahead,
        /* One node alone is let run as it was recorded. */
        .look_ahead_ns = opts->only_node ? 0 : run->scenario->look_ahead_ns,
        .log = log_line,
        .log_user = run,
        .connect_timeout_ms = opts->debuggable ? NEVER_MS : 0,
        .hang_report_ms = opts->debuggable ? NEVER_MS : 0,
        .hang_kill_ms = opts->debuggable ? NEVER_MS : 0,
    };
    const struct ttb_lab_opts lab_opts = {
        .size = sizeof(lab_opts),
        .directory = opts->directory,
        .seed = run->scenario->seed,
        .bridge = &bridge_opts,
        .debuggable = opts->debuggable,
    };
    int rc = ttb_lab_new(&lab_opts, &run->lab, run->error, sizeof(run->error));

    if (rc)
        return rc;
    run->directory = strdup(ttb_lab_directory(run->lab));
    return run->directory ? 0 : ttb__run_fail(run, -ENOMEM, "out of memory");
}

static int write_scenario(struct ttb__run *run, const char *file)
{
    char path[4200], *text = NULL, piece[65536];
    size_t len_bytes = 0, got;
    FILE *from = NULL, *to;
    int rc = 0;

    snprintf(path, sizeof(path), "%s/scenario.yaml", run->directory);
    if (file)
        from = fopen(file, "re");
    else
        rc = ttb_scenario_print(run->scenario, &text, &len_bytes);
    to = rc ? NULL : fopen(path, "we");
    if (!to || (file && !from))
        rc = rc ? rc : -errno;
    if (!rc && text)
        fwrite(text, 1, len_bytes, to);
    while (!rc && from && (got = fread(piece, 1, sizeof(piece), from)) > 0)
        fwrite(piece, 1, got, to);
    if (to && (fclose(to) != 0) && !rc)
        rc = -errno;
    if (from)
        fclose(from);
    free(text);
    return rc ? ttb__run_fail(run, rc, "cannot write %s: %s", path, strerror(-rc)) : 0;
}

/* ---------------------------------------------------------------------------------------- trace */

struct artifacts {
    struct ttb_trace_artifact *list;
    size_t count;
    struct texts {
        char path[4096], version[64];
    } * texts; /* of each */
};

/* Position of the file in the list, put there if it is new. */
static uint32_t add_artifact(struct artifacts *artifacts, enum ttb_trace_artifact_kind kind,
                             const char *path)
{
    struct ttb_lab_kernel_info info = {.size = sizeof(info)};
    struct ttb_trace_artifact *made;
    struct texts *texts;

    for (size_t i = 0; i < artifacts->count; i++) {
        if (strcmp(artifacts->list[i].path, path) == 0)
            return (uint32_t)i;
    }
    made = &artifacts->list[artifacts->count];
    texts = &artifacts->texts[artifacts->count];
    snprintf(texts->path, sizeof(texts->path), "%s", path);
    *made = (struct ttb_trace_artifact){.kind = kind, .path = texts->path};
    if (kind == TTB_TRACE_KERNEL && ttb_lab_inspect_kernel(path, &info, NULL, 0) == 0) {
        snprintf(texts->version, sizeof(texts->version), "%s", info.version);
        made->version = texts->version;
    }
    ttb_trace_hash_file_once(made->path, made);
    return (uint32_t)artifacts->count++;
}

static int declare_nodes(struct ttb__run *run, const struct ttb_trace_node *nodes)
{
    int rc = 0;

    for (size_t i = 0; i < run->node_count && !rc; i++)
        rc = ttb_trace_writer_add_node(run->writer, &nodes[i]);
    return rc;
}

static int open_trace(struct ttb__run *run)
{
    const Ttb__Scenario *scenario = run->scenario;
    struct ttb_trace_node *nodes = calloc(run->node_count + 1, sizeof(*nodes));
    struct artifacts artifacts = {
        .list = calloc(2 * run->node_count + 1, sizeof(*artifacts.list)),
        .texts = calloc(2 * run->node_count + 1, sizeof(*artifacts.texts)),
    };
    struct ttb_trace_header header = {
        .scenario_name = scenario->name,
        .seed = scenario->seed,
        .epoch_ns = scenario->epoch_ns,
        .no_look_ahead = run->no_look_ahead,
        .ports_only = !run->record_devices,
        .ns3_version = run->ops && run->ops->ns3_version ? run->ops->ns3_version() : NULL};
    struct ttb_trace_writer_opts opts = {
        .size = sizeof(opts), .directory = run->directory, .header = &header};
    uint8_t *packed = NULL;
    size_t packed_bytes = 0;
    int rc = nodes && artifacts.list && artifacts.texts
                 ? ttb_scenario_pack(scenario, &packed, &packed_bytes)
                 : -ENOMEM;

    for (size_t i = 0; i < run->node_count && !rc; i++) {
        const Ttb__Scenario__Node *given = run->nodes[i].given;
        char path[4096];

        nodes[i] = (struct ttb_trace_node){.id = ttb_node_id(run->nodes[i].node),
                                           .name = given->name,
                                           .kernel = TTB_TRACE_NONE,
                                           .image = TTB_TRACE_NONE,
                                           .memory_bytes = given->memory_bytes,
                                           .start_ns = given->start_ns};
        if (ttb_lab_find_kernel(ttb__setup_kernel(given), path, sizeof(path), NULL, 0) == 0)
            nodes[i].kernel = add_artifact(&artifacts, TTB_TRACE_KERNEL, path);
        if (ttb_lab_find_image(ttb__setup_image(given), path, sizeof(path), NULL, 0) == 0)
            nodes[i].image = add_artifact(&artifacts, TTB_TRACE_IMAGE, path);
    }
    header.scenario =
        run->packed.len_bytes ? run->packed : (struct ttb_trace_bytes){packed, packed_bytes};
    header.artifacts = artifacts.list;
    header.artifact_count = artifacts.count;
    if (!rc) {
        rc = ttb_trace_writer_open(&opts, &run->writer, run->error, sizeof(run->error));
        if (!rc)
            rc = declare_nodes(run, nodes);
        if (!rc)
            rc = ttb_trace_writer_attach_lab(run->writer, run->lab);
        run->trace_attached = !rc;
        if (rc && !run->error[0])
            ttb__run_fail(run, rc, "cannot record the run: %s", strerror(-rc));
    }
    if (!rc)
        ttb_trace_writer_set_sink(run->writer, on_record, run);
    if (!rc && run->sink_begin)
        run->sink_begin(run->sink_user, ttb_trace_writer_header(run->writer));
    free(packed);
    free(nodes);
    free(artifacts.list);
    free(artifacts.texts);
    return rc;
}

/* ----------------------------------------------------------------------------------- new, free */

static struct ttb_port *find_port(void *user, size_t node, size_t interface)
{
    struct ttb__run *run = user;

    return run->nodes[node].ports[interface];
}

/* Exports leave them out. */
static int declare_control(struct ttb__run *run)
{
    int rc = 0;

    for (size_t i = 0; i < run->node_count && !rc; i++) {
        const struct ttb__run_node *node = &run->nodes[i];
        const struct ttb_trace_place place = {.kind = TTB_TRACE_PORT,
                                              .name = TTB__CONTROL_PORT,
                                              .node = ttb_node_id(node->node),
                                              .link = TTB_TRACE_NONE,
                                              .description = "ttb and its agent",
                                              .is_control = true};

        rc = ttb_trace_writer_add_place(run->writer, &place, NULL);
    }
    return rc;
}

static int build_network(struct ttb__run *run)
{
    const struct ttb__network_plan plan = {
        .scenario = run->scenario,
        .bridge = ttb_lab_bridge(run->lab),
        .directory = run->directory,
        .writer = run->writer,
        .record_devices = run->record_devices,
        .port = find_port,
        .user = run,
    };
    int rc = ttb__traced_declare(run->writer, run->scenario, find_port, run);

    if (rc)
        return ttb__run_fail(run, rc, "cannot record the network: %s", strerror(-rc));
    rc = run->ops->build(&plan, &run->network);
    if (rc)
        return ttb__run_fail(run, rc, "%s",
                             run->network ? run->ops->error(run->network) : "out of memory");
    rc = declare_control(run);
    return rc ? ttb__run_fail(run, rc, "cannot record the network: %s", strerror(-rc)) : 0;
}

int ttb__run_new(const struct ttb__run_opts *opts, struct ttb__run **made, char *error,
                 size_t error_size)
{
    struct ttb__run *run = calloc(1, sizeof(*run));
    int rc;

    *made = NULL;
    if (!run) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    run->scenario = opts->scenario;
    run->sink = opts->sink;
    run->sink_user = opts->sink_user;
    run->sink_begin = opts->sink_begin;
    run->sink_end = opts->sink_end;
    run->packed = opts->packed;
    run->only_node = opts->only_node;
    run->no_look_ahead =
        opts->no_look_ahead || (run->scenario->has_look_ahead_ns && !run->scenario->look_ahead_ns);
    run->record_devices = !opts->ports_only;
    run->ops = engine(run->scenario);
    rc = run->only_node ? 0 : ttb__run_check(run->scenario, run->error, sizeof(run->error));
    if (!rc)
        rc = ttb__limits_raise(run);
    if (!rc)
        rc = open_lab(run, opts);
    if (!rc)
        rc = write_scenario(run, opts->scenario_file);
    if (!rc)
        rc = ttb__console_watch_new(run);
    if (!rc)
        rc = ttb__setup_nodes(run);
    if (!rc)
        rc = open_trace(run);
    if (!rc) {
        ttb_bridge_on_node_state(ttb_lab_bridge(run->lab), on_state, run);
        ttb_lab_on_console_line(run->lab, on_line, run);
        if (!run->only_node)
            rc = build_network(run);
    }
    if (!rc && !run->only_node)
        rc = ttb__action_add_events(run);
    if (!rc)
        rc = ttb__freeze_new(run, opts);
    if (!rc && opts->progress && !opts->console)
        rc = ttb__progress_new(run);
    if (rc) {
        snprintf(error, error_size, "%s", run->error);
        ttb__run_free(run);
        return rc;
    }
    *made = run;
    return 0;
}

void ttb__run_close_trace(struct ttb__run *run, const struct ttb_trace_end *end)
{
    if (!run->writer)
        return;
    if (run->trace_attached)
        ttb_trace_writer_detach(run->writer);
    if (run->sink_end)
        run->sink_end(run->sink_user);
    run->sink_end = NULL;
    ttb_bridge_on_node_state(ttb_lab_bridge(run->lab), NULL, NULL);
    ttb_lab_on_console_line(run->lab, NULL, NULL);
    if (ttb_trace_writer_close(run->writer, end))
        fprintf(stderr, "ttb: warning: the trace is not complete\n");
    run->writer = NULL;
}

void ttb__run_free(struct ttb__run *run)
{
    if (!run)
        return;
    ttb__progress_free(run);
    ttb__run_close_trace(run, NULL);
    if (run->lab) {
        ttb_bridge_on_node_state(ttb_lab_bridge(run->lab), NULL, NULL);
        ttb_lab_on_console_line(run->lab, NULL, NULL);
    }
    if (run->network)
        run->ops->free(run->network);
    ttb__freeze_free(run);
    ttb_lab_free(run->lab);
    ttb__input_free(run);
    ttb__console_watch_free(run);
    ttb__setup_free(run);
    for (size_t i = 0; i < run->outcome_count; i++) {
        free(run->outcomes[i].what);
        free(run->outcomes[i].found);
    }
    for (size_t i = 0; i < run->trouble_count; i++)
        free(run->troubles[i]);
    free(run->outcomes);
    free(run->troubles);
    free(run->notes);
    free(run->actions);
    free(run->directory);
    free(run);
}

/* ------------------------------------------------------------------------------------ the loop */

static bool node_is_done(const struct ttb__run_node *node)
{
    enum ttb_node_state state = ttb_node_get_state(node->node);

    if (state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED)
        return true;
    /* One that powers off by itself is waited for. */
    return node->listening && !node->stopping && ttb__command_is_done(node);
}

static bool all_is_done(const struct ttb__run *run)
{
    if (run->events_left || run->inputs_left || ttb__terminal_holds(run))
        return false;
    for (size_t i = 0; i < run->node_count; i++) {
        if (!node_is_done(&run->nodes[i]) || run->nodes[i].console_open)
            return false;
    }
    return true;
}

static int run_network(struct ttb__run *run, uint64_t until_ns)
{
    int rc = run->ops->run(run->network, until_ns);

    if (rc)
        return ttb__run_fail(run, rc, "%s", run->ops->error(run->network));
    return 0;
}

static bool is_over(struct ttb__run *run)
{
    if (run->interrupted)
        run->ending = TTB_TRACE_STOPPED;
    else if (run->scenario->end == TTB__SCENARIO__END__WHEN_DONE && all_is_done(run))
        run->ending = TTB_TRACE_DONE;
    else if (ttb__run_now_ns(run) >= run->scenario->duration_ns)
        run->ending = TTB_TRACE_DURATION;
    return run->ending != 0;
}

static int step(struct ttb__run *run)
{
    uint64_t next_ns, duration_ns = run->scenario->duration_ns;
    int rc = 0;

    do {
        rc = ttb__command_handle_notes(run);
        if (!rc)
            rc = ttb__action_carry_out(run, ttb__run_now_ns(run));
    } while (!rc && run->note_count);
    if (rc || is_over(run))
        return rc;
    rc = ttb__freeze_attend(run);
    if (rc || run->interrupted)
        return rc;
    next_ns = ttb__action_next_ns(run);
    return run_network(run, next_ns < duration_ns ? next_ns : duration_ns);
}

static bool has_files(const struct ttb__run *run)
{
    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];

        if (node->listening && !node->paused && node->file_count)
            return true;
    }
    return false;
}

/* How long it takes until nobody is ahead of now any more. */
static uint64_t reach_ns(const struct ttb__run *run)
{
    uint64_t reach_ns = TTB__COLLECT_DELAY_NS, way_ns;

    for (size_t i = 0; i < run->node_count; i++) {
        for (size_t j = 0; j < run->node_count; j++) {
            if (ttb_bridge_latency(ttb_lab_bridge(run->lab), run->nodes[i].node, run->nodes[j].node,
                                   &way_ns) == 0 &&
                way_ns != TTB_TIME_NEVER && way_ns > reach_ns)
                reach_ns = way_ns;
        }
    }
    return reach_ns;
}

/* Whatever nodes send meanwhile. */
static int run_network_for(struct ttb__run *run, uint64_t span_ns)
{
    uint64_t until_ns = run->end_ns + span_ns;
    int rc = 0;

    while (!rc && ttb__run_now_ns(run) < until_ns)
        rc = run_network(run, until_ns);
    return rc;
}

/* After the end: nodes hand out their files. Everything else goes on meanwhile, for a moment. */
static bool begin_collecting(struct ttb__run *run)
{
    bool any = false;

    for (size_t i = 0; i < run->node_count; i++) {
        struct ttb__run_node *node = &run->nodes[i];

        if (!node->listening || node->paused || !node->file_count)
            continue;
        node->collecting = any = true;
        if (!node->stopping)
            ttb__command_tell(node, TTB__CONTROL_COLLECT, 0);
    }
    return any;
}

static bool somebody_collects(const struct ttb__run *run)
{
    for (size_t i = 0; i < run->node_count; i++) {
        if (run->nodes[i].collecting)
            return true;
    }
    return false;
}

static int collect(struct ttb__run *run)
{
    uint64_t deadline_ns;
    int rc;

    if (!has_files(run))
        return 0;
    rc = run->ending == TTB_TRACE_DONE ? run_network_for(run, reach_ns(run)) : 0;
    deadline_ns = ttb__run_now_ns(run) + TTB__COLLECT_GRACE_NS;
    if (rc || !begin_collecting(run))
        return rc;
    while (!rc && somebody_collects(run) && ttb__run_now_ns(run) < deadline_ns) {
        rc = run_network(run, deadline_ns);
        if (!rc)
            rc = ttb__command_handle_notes(run);
    }
    return rc;
}

int ttb__run_execute(struct ttb__run *run)
{
    int rc = 0;

    run->wall_start_ns = ttb__run_wall_ns();
    while (!rc && !run->ending)
        rc = step(run);
    run->end_ns = ttb__run_now_ns(run);
    ttb__freeze_end(run);
    /* A second interrupt is for the impatient: it ends the program. */
    if (!rc && run->ending != TTB_TRACE_STOPPED)
        rc = collect(run);
    if (rc) {
        run->failed = rc;
        run->ending = TTB_TRACE_FAILED;
    }
    run->wall_end_ns = ttb__run_wall_ns();
    ttb__progress_free(run);
    return rc;
}

/* ---------------------------------------------------------------------------------- conclusion */

static void add_trouble(struct ttb__run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_trouble(struct ttb__run *run, const char *format, ...)
{
    char **grown = realloc(run->troubles, (run->trouble_count + 1) * sizeof(*grown));
    va_list args;

    if (!grown)
        return;
    run->troubles = grown;
    va_start(args, format);
    if (vasprintf(&run->troubles[run->trouble_count], format, args) >= 0)
        run->trouble_count++;
    va_end(args);
}

static bool failure_is_expected(const struct ttb__run *run, const struct ttb__run_node *node)
{
    for (size_t i = 0; i < run->scenario->n_expect; i++) {
        const Ttb__Scenario__Expectation *expectation = run->scenario->expect[i];

        if (expectation->node && strcmp(expectation->node, node->given->name) == 0 &&
            expectation->has_state &&
            expectation->state == TTB__SCENARIO__EXPECTATION__STATE__FAILED)
            return true;
    }
    return false;
}

static void find_troubles(struct ttb__run *run)
{
    if (run->failed)
        add_trouble(run, "%s", run->error[0] ? run->error : strerror(-run->failed));
    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];
        enum ttb_node_state state = ttb_node_get_state(node->node);

        if (state == TTB_NODE_FAILED && !failure_is_expected(run, node))
            add_trouble(run, "node %s failed: %s", node->given->name, ttb_node_failure(node->node));
        else if (state == TTB_NODE_STOPPED && node->never_answered)
            add_trouble(run,
                        "node %s ended before it could run anything; last console line: \"%s\"",
                        node->given->name, ttb_lab_node_last_line(node->lab_node));
    }
}

static enum ttb__verdict judge(const struct ttb__run *run)
{
    if (run->trouble_count || run->ending == TTB_TRACE_STOPPED)
        return TTB__RUN_BROKEN;
    return run->unmet_count ? TTB__RUN_UNEXPECTED : TTB__RUN_AS_EXPECTED;
}

static void record_outcomes(struct ttb__run *run)
{
    for (size_t i = 0; i < run->outcome_count && run->writer; i++) {
        const struct ttb__outcome *outcome = &run->outcomes[i];
        char text[TTB_TRACE_TEXT_MAX];
        struct ttb_trace_record record = {
            .kind = TTB_TRACE_EXPECTATION, .time_ns = run->end_ns, .node = TTB_TRACE_NONE};

        snprintf(text, sizeof(text), "%s%s%s", outcome->what, outcome->found[0] ? ": " : "",
                 outcome->found);
        record.expectation.number = (uint32_t)i;
        record.expectation.met = outcome->met;
        record.expectation.text = (struct ttb_trace_bytes){text, strlen(text)};
        if (record.time_ns < ttb__run_now_ns(run))
            record.time_ns = ttb__run_now_ns(run);
        ttb_trace_write(run->writer, &record);
    }
}

enum ttb__verdict ttb__run_conclude(struct ttb__run *run)
{
    bool whole = !ttb__run_has_come_to_stop(run);
    int rc = run->ops->finish(run->network, whole);

    if (rc && !run->failed) {
        run->failed = rc;
        ttb__run_fail(run, rc, "%s", run->ops->error(run->network));
    }
    /* What is expected is expected of a whole run. */
    rc = whole ? ttb__expect_check(run) : 0;
    if (rc && !run->failed) {
        run->failed = rc;
        ttb__run_fail(run, rc, "out of memory");
    }
    find_troubles(run);
    run->verdict = judge(run);
    record_outcomes(run);
    if (run->writer)
        run->has_digest = ttb_trace_writer_get_digest(run->writer, TTB_TRACE_NONE, &run->digest,
                                                      &run->counts) == 0;
    ttb__run_close_trace(run, &(struct ttb_trace_end){
                                  .end_ns = ttb__run_now_ns(run),
                                  .ending = run->ending,
                                  .why = run->trouble_count ? run->troubles[0] : "",
                              });
    rc = ttb__result_write(run);
    if (rc) {
        add_trouble(run, "cannot write summary.json: %s", strerror(-rc));
        run->verdict = TTB__RUN_BROKEN;
    }
    return run->verdict;
}
