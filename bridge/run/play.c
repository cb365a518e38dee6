/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The player: one node, and what was recorded of it, in place of all others and their network. It is a
 * simulator like any other to the bridge: it lets the node run up to a time, and hands it frames.
 *
 * Of a node's records, those are its input that came from outside: frames at its ports, what was done
 * to it and to its carriers, and the grants, which tell when it was let run and how far. All else is its
 * output and nothing to us; whoever compares gets it from the trace's sink.
 *
 * How far. The recorded bound of a grant is what was known when it began. Frames that the node sends
 * meanwhile bound it as well, by the promises that its ports have, which are recorded, too.
 *
 * Order. A node that ran ahead of the others did so before its frames entered the network. Alone, it
 * finds them in the order of time. So what it did (grants, console, states) and what was seen of it
 * (frames, events) are two sequences, each of which is the same again, and no more than that.
 */
#include "run/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/debugger.h"

/* An input, out of the reach of the reader. */
struct step {
    enum ttb_trace_kind kind; /* 0: there is none */
    uint64_t time_ns;
    uint64_t until_ns;        /* GRANT; 0: unknown */
    enum ttb_trace_what what; /* FRAME */
    struct ttb_port *port;
    enum ttb_action_kind action; /* EVENT */
    uint64_t start_ns;           /* of TTB_ACTION_START */
    uint8_t *frame;              /* room for the longest */
    size_t len_bytes;
};

struct ttb__player {
    struct ttb__run *run;
    struct ttb__run_node *node;
    struct ttb_bridge *bridge;
    struct ttb_trace_reader *reader;
    struct step step;    /* to be taken */
    bool places_changed; /* declared since the last grant */
    uint64_t until_ns;
    bool arrived;         /* there */
    bool granted;         /* the node has been let run since advance() was called */
    uint64_t seen, taken; /* TRANSMITTED: that came, and steps about them */
    bool ended;           /* the node does not do what is recorded: nothing more to be done */
    const char *const *gdb;
    bool attached;
    struct ttb__debugger debugger;
    struct ttb_watch *watch; /* of gdb's end */
};

static int fail_bridge(struct ttb__player *player, int rc)
{
    return ttb__run_fail(player->run, rc, "%s", ttb_bridge_error(player->bridge));
}

/* --------------------------------------------------------------------------------------- input */

static struct ttb_port *find_port(const struct ttb__player *player, const char *name)
{
    const struct ttb__run_node *node = player->node;

    for (size_t i = 0; i < node->given->n_interfaces; i++) {
        if (strcmp(ttb_port_name(node->ports[i]), name) == 0)
            return node->ports[i];
    }
    return strcmp(ttb_port_name(node->control), name) == 0 ? node->control : NULL;
}

static bool says(const struct ttb_trace_bytes *text, const char *word)
{
    return text->len_bytes == strlen(word) && memcmp(text->data, word, text->len_bytes) == 0;
}

static void take_frame(struct ttb__player *player, const struct ttb_trace_tables *tables,
                       const struct ttb_trace_record *record, struct step *step)
{
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, record->frame.place);

    step->what = record->frame.what;
    if (step->what == TTB_TRACE_TRANSMITTED)
        step->kind = TTB_TRACE_FRAME;
    if (step->what != TTB_TRACE_DELIVERED && step->what != TTB_TRACE_DROPPED)
        return;
    step->port = place && place->name ? find_port(player, place->name) : NULL;
    if (!step->port)
        return;
    step->kind = TTB_TRACE_FRAME;
    step->len_bytes = record->frame.payload.len_bytes;
    if (step->len_bytes)
        memcpy(step->frame, record->frame.payload.data, step->len_bytes);
}

static void take_event(struct ttb__player *player, const struct ttb_trace_record *record,
                       struct step *step)
{
    const struct ttb_trace_event *event = &record->event;
    char text[64];

    step->action = 0;
    while (step->action < TTB_ACTION_COUNT && !says(&event->action, ttb_action_name(step->action)))
        step->action++;
    if (step->action == TTB_ACTION_COUNT)
        return;
    snprintf(text, sizeof(text), "%.*s", (int)event->target.len_bytes,
             (const char *)event->target.data);
    step->port = event->target.len_bytes ? find_port(player, text) : NULL;
    if (event->target.len_bytes && !step->port)
        return;
    snprintf(text, sizeof(text), "%.*s", (int)event->detail.len_bytes,
             (const char *)event->detail.data);
    step->start_ns = record->time_ns;
    sscanf(text, "start_ns=%" SCNu64, &step->start_ns);
    step->kind = TTB_TRACE_EVENT;
}

/* The node's next step. At the end of the recording, whole or cut off, there is none. */
static int read_step(struct ttb__player *player)
{
    struct ttb_trace_reader *reader = player->reader;
    struct step *step = &player->step;
    uint32_t id = ttb_node_id(player->node->node);
    struct ttb_trace_record record;
    int rc = 0;

    step->kind = 0;
    while (!step->kind && (rc = ttb_trace_reader_next(reader, &record)) > 0) {
        player->places_changed |= record.kind == TTB_TRACE_PLACE_DECLARED;
        if (record.node != id)
            continue;
        step->time_ns = record.time_ns;
        step->port = NULL;
        if (record.kind == TTB_TRACE_GRANT) {
            step->kind = TTB_TRACE_GRANT;
            step->until_ns = record.grant.until_ns;
        } else if (record.kind == TTB_TRACE_FRAME) {
            take_frame(player, ttb_trace_reader_tables(reader), &record, step);
        } else if (record.kind == TTB_TRACE_EVENT) {
            take_event(player, &record, step);
        }
    }
    return rc < 0 ? ttb__run_fail(player->run, rc, "%s", ttb_trace_reader_error(reader)) : 0;
}

static bool is_output(const struct step *step)
{
    return step->kind == TTB_TRACE_FRAME && step->what == TTB_TRACE_TRANSMITTED;
}

/* ------------------------------------------------------------------------------------ debugging */

static void on_gdb_ended(void *user, uint32_t events)
{
    struct ttb__player *player = user;
    const struct ttb_loop *loop = ttb_bridge_loop(player->bridge);

    (void)events;
    loop->ops->remove(loop->impl, player->watch);
    player->watch = NULL;
    ttb__run_interrupt(player->run);
    ttb_bridge_interrupt(player->bridge);
}

static void attach_gdb(struct ttb__player *player)
{
    const struct ttb_loop *loop = ttb_bridge_loop(player->bridge);
    const char *kernel = ttb_lab_node_kernel_path(player->node->lab_node);
    pid_t pid = ttb_lab_node_pid(player->node->lab_node);
    int rc;

    player->attached = true;
    fprintf(stderr, "ttb replay: %.9f s: node %s is process %ld\n",
            (double)ttb_bridge_now_ns(player->bridge) / 1e9, player->node->given->name, (long)pid);
    rc = ttb__debugger_start(&player->debugger, pid, kernel, player->gdb);
    if (!rc && ttb__debugger_hold(&player->debugger))
        rc = loop->ops->add(loop->impl, player->debugger.pidfd, POLLIN, on_gdb_ended, player,
                            &player->watch);
    else
        ttb__run_interrupt(player->run);
    if (rc) {
        player->run->failed =
            ttb__run_fail(player->run, rc, "gdb: %s%s", strerror(-rc),
                          rc == -ENOENT ? " (on Debian: apt-get install gdb)" : "");
    }
}

static bool gdb_is_due(const struct ttb__player *player)
{
    return player->gdb && !player->attached && ttb_lab_node_pid(player->node->lab_node) > 0;
}

static void end_gdb(struct ttb__player *player)
{
    const struct ttb_loop *loop = ttb_bridge_loop(player->bridge);

    if (player->watch)
        loop->ops->remove(loop->impl, player->watch);
    player->watch = NULL;
    if (ttb__debugger_is_over(&player->debugger))
        return;
    fprintf(stderr, "ttb replay: %s here, at %.9f s\n",
            player->run->interrupted || player->ended ? "the node differs from the recording"
                                                      : "the recording ends",
            (double)ttb_bridge_now_ns(player->bridge) / 1e9);
    ttb__debugger_finish(&player->debugger);
}

/* ----------------------------------------------------------------------------------------- steps */

void ttb__player_note(struct ttb__player *player, const struct ttb_trace_record *record)
{
    if (record->kind == TTB_TRACE_FRAME && record->frame.what == TTB_TRACE_TRANSMITTED)
        player->seen++;
    if (record->kind != TTB_TRACE_GRANT)
        return;
    /* At its start its process waits for this. */
    if (gdb_is_due(player) && (player->arrived || player->until_ns == TTB_TIME_NEVER))
        attach_gdb(player);
    /* One grant at a time: the next may have another bound. */
    player->granted = true;
    ttb_bridge_interrupt(player->bridge);
}

static bool is_over(const struct ttb__player *player)
{
    return player->ended || player->run->interrupted || player->run->failed;
}

/* Up to a time at which something comes from outside. A node that wants to run before does what is not
 * recorded, which those who compare have seen by then. */
static int reach(struct ttb__player *player, uint64_t time_ns)
{
    uint64_t now_ns = ttb_bridge_now_ns(player->bridge);
    int rc = 0;

    while (!rc && now_ns < time_ns && !is_over(player))
        rc = ttb_bridge_advance(player->bridge, time_ns, &now_ns);
    if (!rc && now_ns > time_ns)
        player->ended = true;
    return rc ? fail_bridge(player, rc) : 0;
}

/* What the network promises now to this node's ports. Reading has come to just before the grant. */
static int promise(struct ttb__player *player)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(player->reader);
    uint32_t id = ttb_node_id(player->node->node);
    int rc = 0;

    if (!player->places_changed)
        return 0;
    player->places_changed = false;
    for (size_t i = 0; i < tables->place_count && !rc; i++) {
        const struct ttb_trace_place *place = &tables->places[i];
        struct ttb_port *port;

        if (place->kind != TTB_TRACE_PORT || place->node != id || !place->has_way_back)
            continue;
        port = find_port(player, place->name);
        if (port)
            rc = ttb_bridge_set_latency(player->bridge, port, port, place->way_back_ns);
    }
    return rc ? fail_bridge(player, rc) : 0;
}

static int grant(struct ttb__player *player, const struct step *step)
{
    uint64_t now_ns, until_ns = step->until_ns;
    int rc = promise(player);

    if (rc)
        return rc;
    if (!until_ns)
        return ttb__run_fail(player->run, -EOPNOTSUPP,
                             "the recording does not tell how far grants went: it was made by an "
                             "older ttb, and can be repeated as a whole only");
    if (until_ns <= step->time_ns)
        until_ns = step->time_ns + 1;
    if (!player->arrived && until_ns > player->until_ns)
        until_ns = player->until_ns;
    now_ns = ttb_bridge_now_ns(player->bridge);
    player->granted = false;
    /* It returns when frames that were sent before enter the network, too. */
    while (!rc && !player->granted && now_ns < until_ns && !is_over(player))
        rc = ttb_bridge_advance(player->bridge, until_ns, &now_ns);
    /* Beyond a stop in the midst of a grant, the node needs one more, and they are out of step. */
    if (!rc && !player->granted && !player->arrived)
        player->ended = true;
    return rc ? fail_bridge(player, rc) : 0;
}

static int act(struct ttb__player *player, const struct step *step)
{
    struct ttb_node *node = player->node->node;
    int rc = -EINVAL;

    switch (step->action) {
    case TTB_ACTION_STOP:
        rc = ttb_node_stop(node);
        break;
    case TTB_ACTION_START:
        rc = ttb_node_restart(node, step->start_ns);
        break;
    case TTB_ACTION_PAUSE:
        rc = ttb_node_pause(node);
        break;
    case TTB_ACTION_RESUME:
        rc = ttb_node_resume(node);
        break;
    default:
        if (step->port)
            rc = ttb_port_set_carrier(step->port, step->action == TTB_ACTION_CARRIER_ON);
        break;
    }
    if (rc) /* it is not in the state in which it was: it differs */
        player->ended = true;
    return 0;
}

/* A frame of the node's enters the network, at the bridge's time; not at once with what comes at the
 * same time, but after or before it, as it was. */
static int let_out(struct ttb__player *player, const struct step *step)
{
    uint64_t now_ns = ttb_bridge_now_ns(player->bridge);
    int rc = 0;

    player->taken++;
    while (!rc && player->seen < player->taken && now_ns <= step->time_ns && !is_over(player))
        rc = ttb_bridge_advance(player->bridge, step->time_ns + 1, &now_ns);
    if (player->seen < player->taken && !player->arrived)
        player->ended = true;
    return rc ? fail_bridge(player, rc) : 0;
}

static int take_step(struct ttb__player *player)
{
    const struct step *step = &player->step;
    int rc;

    if (step->kind == TTB_TRACE_GRANT)
        return grant(player, step);
    if (is_output(step))
        return let_out(player, step);
    rc = reach(player, step->time_ns);
    if (rc || is_over(player))
        return rc;
    if (step->kind == TTB_TRACE_EVENT)
        return act(player, step);
    ttb_port_deliver(step->port, step->frame, step->len_bytes); /* dropped or not: it is recorded */
    return 0;
}

/* The time has come at which to stop, or to hand over to gdb. */
static int arrive(struct ttb__player *player)
{
    int rc = 0;

    if (ttb_bridge_now_ns(player->bridge) < player->until_ns)
        rc = reach(player, player->until_ns);
    player->arrived = true;
    if (!rc && !is_over(player) && gdb_is_due(player))
        attach_gdb(player); /* else when it is switched on */
    return rc;
}

static int play(struct ttb__player *player)
{
    const struct ttb_trace_footer *footer;
    int rc = read_step(player);

    while (!rc && !is_over(player) && player->step.kind) {
        player->run->note_count = 0; /* what its agent says is answered by the recording */
        if (player->arrived || player->step.time_ns < player->until_ns) {
            rc = take_step(player);
            if (!rc && !is_over(player))
                rc = read_step(player);
            continue;
        }
        rc = arrive(player);
        if (!player->gdb)
            return rc;
    }
    footer = ttb_trace_reader_footer(player->reader);
    if (!rc && footer && !is_over(player)) {
        uint64_t end_ns = player->arrived || footer->end_ns < player->until_ns ? footer->end_ns
                                                                               : player->until_ns;

        /* A node that was ahead at the end is there already. */
        if (ttb_bridge_now_ns(player->bridge) < end_ns)
            rc = reach(player, end_ns);
    }
    if (!rc && !is_over(player) && gdb_is_due(player))
        attach_gdb(player);
    return rc;
}

/* ---------------------------------------------------------------------------------------- public */

static int open_player(struct ttb__player *player, const struct ttb__play_opts *opts)
{
    struct ttb__run *run = player->run;

    player->node = ttb__run_find_node(run, run->only_node);
    player->bridge = ttb_lab_bridge(run->lab);
    player->until_ns = opts->until_ns;
    player->gdb = opts->gdb;
    player->places_changed = true; /* by the header */
    player->step.frame = malloc(TTB_FRAME_MAX);
    if (!player->step.frame)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    /* What it sends at one port comes back at another by the recording only. */
    ttb_port_set_isolated(player->node->control);
    for (size_t i = 0; i < player->node->given->n_interfaces; i++)
        ttb_port_set_isolated(player->node->ports[i]);
    return ttb_trace_reader_open(opts->trace, NULL, &player->reader, run->error,
                                 sizeof(run->error));
}

int ttb__run_play(struct ttb__run *run, const struct ttb__play_opts *opts)
{
    struct ttb__player player = {.run = run, .debugger = {.pidfd = -1}};
    int rc = open_player(&player, opts);

    run->player = &player;
    if (!rc)
        rc = play(&player);
    if (!rc)
        rc = run->failed;
    end_gdb(&player);
    run->player = NULL;
    ttb__progress_free(run);
    ttb__run_close_trace(run, &(struct ttb_trace_end){
                                  .end_ns = ttb__run_now_ns(run),
                                  .ending = rc ? TTB_TRACE_FAILED : TTB_TRACE_STOPPED,
                                  .why = rc ? run->error : "",
                              });
    ttb_trace_reader_free(player.reader);
    free(player.step.frame);
    return rc;
}
