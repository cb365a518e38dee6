/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An animation for NetAnim 3.108 (ns-3's animation module writes the same elements): where nodes are and
 * go, their links and addresses, frames on their way from node to node, nodes that come up, end and
 * fail, and how many of their frames went nowhere.
 *
 * Positions are the scenario's. What has none is put on a circle, so that there is something to see; it
 * says so in its description.
 */
#include "export/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <ttbridge/scenario.pb-c.h>

#include "export/flying.h"
#include "export/text.h"

/* A node that moves is shown this often, and at most so many times on each straight line. */
#define STEP_NS   UINT64_C(250000000)
#define STEPS_MAX 1000

#define COUNTER_DROPPED 0

struct color {
    unsigned r, g, b;
};

static const struct color of_network = {60, 90, 200}, of_idle = {150, 150, 150},
                          of_up = {30, 150, 60}, of_failed = {200, 40, 40};

/* A node, switch, router or host. Linux nodes have the ids of the trace, the others those above. */
struct body {
    uint32_t id;
    char *name;                        /* its own */
    const Ttb__Scenario__Place *place; /* NULL: nowhere */
    size_t leg;                        /* of its way: the waypoint that it goes to */
    uint64_t next_ns;                  /* when it is to be shown again; UINT64_MAX: never */
    uint64_t dropped;
};

struct state {
    Ttb__Scenario *scenario; /* NULL: the trace has none */
    struct body *bodies;
    size_t body_count, body_room;
    size_t known_nodes; /* of the tables, which are bodies */
    struct ttb__flying_table *flying;
};

static void put_time(struct ttb__stream *stream, const char *attribute, uint64_t time_ns)
{
    ttb__stream_format(stream, " %s=\"%" PRIu64 ".%09" PRIu64 "\"", attribute, time_ns / 1000000000,
                       time_ns % 1000000000);
}

static void put_text(struct ttb__stream *stream, const char *attribute, const char *text)
{
    ttb__stream_format(stream, " %s=\"", attribute);
    ttb__xml_text(stream, text, strlen(text));
    ttb__stream_char(stream, '"');
}

static void put_millis(struct ttb__stream *stream, const char *attribute, int64_t value)
{
    uint64_t positive = value < 0 ? -(uint64_t)value : (uint64_t)value;

    ttb__stream_format(stream, " %s=\"%s%" PRIu64 ".%03" PRIu64 "\"", attribute,
                       value < 0 ? "-" : "", positive / 1000, positive % 1000);
}

/* ----------------------------------------------------------------------------------- positions */

/* Where something of the scenario is on its way. */
static void position_at(const struct body *body, uint64_t time_ns, int64_t *x_mm, int64_t *y_mm)
{
    const Ttb__Scenario__Place *place = body->place;
    const Ttb__Scenario__Position *from = place->position, *to;
    uint64_t from_ns = 0, to_ns;

    *x_mm = from ? from->x_mm : 0;
    *y_mm = from ? from->y_mm : 0;
    for (size_t i = 0; i < place->n_waypoints; i++) {
        to = place->waypoints[i]->position;
        to_ns = place->waypoints[i]->at_ns;
        if (!to)
            continue;
        if (time_ns < to_ns) {
            double part =
                to_ns > from_ns ? (double)(time_ns - from_ns) / (double)(to_ns - from_ns) : 0;

            *x_mm += (int64_t)((double)(to->x_mm - *x_mm) * part);
            *y_mm += (int64_t)((double)(to->y_mm - *y_mm) * part);
            return;
        }
        from_ns = to_ns;
        *x_mm = to->x_mm;
        *y_mm = to->y_mm;
    }
}

static bool is_same(const Ttb__Scenario__Position *a, const Ttb__Scenario__Position *b)
{
    return (a ? a->x_mm : 0) == (b ? b->x_mm : 0) && (a ? a->y_mm : 0) == (b ? b->y_mm : 0);
}

/* When it is to be shown next, having been shown at time_ns. */
static uint64_t next_step_ns(struct body *body, uint64_t time_ns)
{
    const Ttb__Scenario__Place *place = body->place;
    const Ttb__Scenario__Position *from = place ? place->position : NULL;
    uint64_t begin_ns = 0, end_ns, step_ns;

    /* Past the legs that are over, or on which it stands still. */
    for (; place && body->leg < place->n_waypoints; body->leg++) {
        if (body->leg) {
            from = place->waypoints[body->leg - 1]->position;
            begin_ns = place->waypoints[body->leg - 1]->at_ns;
        }
        if (place->waypoints[body->leg]->at_ns > time_ns &&
            !is_same(from, place->waypoints[body->leg]->position))
            break;
    }
    if (!place || body->leg == place->n_waypoints)
        return UINT64_MAX;
    end_ns = place->waypoints[body->leg]->at_ns;
    if (begin_ns > end_ns) /* a scenario from anybody */
        begin_ns = time_ns;
    if (time_ns < begin_ns)
        time_ns = begin_ns;
    step_ns = (end_ns - begin_ns) / STEPS_MAX;
    if (step_ns < STEP_NS)
        step_ns = STEP_NS;
    return end_ns - time_ns < step_ns ? end_ns : time_ns + step_ns;
}

/* Everything that has moved since the last record. Elements stand in the order of their times, as far as
 * those of the records do. */
static void show_moves(struct ttb_export *export, uint64_t time_ns)
{
    struct state *state = export->state;
    int64_t x_mm, y_mm;

    for (;;) {
        struct body *next = NULL;

        for (size_t i = 0; i < state->body_count; i++) {
            struct body *body = &state->bodies[i];

            if (body->next_ns <= time_ns && (!next || body->next_ns < next->next_ns))
                next = body;
        }
        if (!next)
            return;
        position_at(next, next->next_ns, &x_mm, &y_mm);
        ttb__stream_text(&export->stream, "<nu p=\"p\"");
        put_time(&export->stream, "t", next->next_ns);
        ttb__stream_format(&export->stream, " id=\"%" PRIu32 "\"", next->id);
        put_millis(&export->stream, "x", x_mm);
        put_millis(&export->stream, "y", y_mm);
        ttb__stream_text(&export->stream, " />\n");
        next->next_ns = next_step_ns(next, next->next_ns);
    }
}

/* -------------------------------------------------------------------------------------- bodies */

static void show_color(struct ttb_export *export, uint32_t id, uint64_t time_ns,
                       const struct color *color)
{
    ttb__stream_text(&export->stream, "<nu p=\"c\"");
    put_time(&export->stream, "t", time_ns);
    ttb__stream_format(&export->stream, " id=\"%" PRIu32 "\" r=\"%u\" g=\"%u\" b=\"%u\" />\n", id,
                       color->r, color->g, color->b);
}

/* Without a position: on a circle of as many places as bodies are expected. */
static void circle(size_t number, size_t count, int64_t *x_mm, int64_t *y_mm)
{
    double angle = 2 * M_PI * (double)number / (double)(count ? count : 1);

    *x_mm = (int64_t)(50000 * cos(angle)) + 50000;
    *y_mm = (int64_t)(50000 * sin(angle)) + 50000;
}

static int add_body(struct ttb_export *export, uint32_t id, const char *name,
                    const Ttb__Scenario__Place *place, size_t of, const struct color *color)
{
    struct state *state = export->state;
    struct ttb__stream *stream = &export->stream;
    bool is_placed = place && (place->position || place->n_waypoints);
    struct body *body;
    int64_t x_mm, y_mm;

    if (state->body_count == state->body_room) {
        size_t room = state->body_room ? 2 * state->body_room : 32;
        struct body *grown = realloc(state->bodies, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        state->bodies = grown;
        state->body_room = room;
    }
    body = &state->bodies[state->body_count];
    *body = (struct body){.id = id, .name = strdup(name), .place = is_placed ? place : NULL};
    if (!body->name)
        return -ENOMEM;
    state->body_count++;
    body->next_ns = next_step_ns(body, 0);
    if (is_placed)
        position_at(body, 0, &x_mm, &y_mm);
    else
        circle(state->body_count - 1, of, &x_mm, &y_mm);
    ttb__stream_format(stream, "<node id=\"%" PRIu32 "\" sysId=\"0\"", id);
    put_millis(stream, "locX", x_mm);
    put_millis(stream, "locY", y_mm);
    ttb__stream_text(stream, " />\n<nu p=\"d\" t=\"0\"");
    ttb__stream_format(stream, " id=\"%" PRIu32 "\"", id);
    put_text(stream, "descr", name);
    ttb__stream_text(stream, " />\n");
    show_color(export, id, 0, color);
    return 0;
}

static struct body *find_body(struct state *state, uint32_t id)
{
    for (size_t i = 0; i < state->body_count; i++) {
        if (state->bodies[i].id == id)
            return &state->bodies[i];
    }
    return NULL;
}

static struct body *find_name(struct state *state, const char *name)
{
    for (size_t i = 0; i < state->body_count; i++) {
        if (strcmp(state->bodies[i].name, name) == 0)
            return &state->bodies[i];
    }
    return NULL;
}

/* -------------------------------------------------------------------------- links and addresses */

/* Calls fn for everything in the scenario that is on the link. */
static void for_ends(struct ttb_export *export, const Ttb__Scenario__Link *link,
                     void (*fn)(struct ttb_export *export, struct body *body,
                                const Ttb__Scenario__Interface *interface, void *user),
                     void *user)
{
    struct state *state = export->state;
    const Ttb__Scenario *scenario = state->scenario;

    for (size_t i = 0; i < scenario->n_nodes; i++) {
        for (size_t j = 0; j < scenario->nodes[i]->n_interfaces; j++) {
            const Ttb__Scenario__Interface *interface = scenario->nodes[i]->interfaces[j];

            if (interface->link && strcmp(interface->link, link->name) == 0)
                fn(export, find_name(state, scenario->nodes[i]->name), interface, user);
        }
    }
    for (size_t i = 0; i < scenario->n_switches; i++) {
        for (size_t j = 0; j < scenario->switches[i]->n_links; j++) {
            if (strcmp(scenario->switches[i]->links[j], link->name) == 0)
                fn(export, find_name(state, scenario->switches[i]->name), NULL, user);
        }
    }
    for (int kind = 0; kind < 2; kind++) {
        size_t count = kind ? scenario->n_hosts : scenario->n_routers;
        Ttb__Scenario__Host **hosts = kind ? scenario->hosts : scenario->routers;

        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < hosts[i]->n_interfaces; j++) {
                const Ttb__Scenario__Interface *interface = hosts[i]->interfaces[j];

                if (interface->link && strcmp(interface->link, link->name) == 0)
                    fn(export, find_name(state, hosts[i]->name), interface, user);
            }
        }
    }
}

struct pair {
    unsigned count;
    const struct body *bodies[2];
    const char *addresses[2];
};

static void note_pair(struct ttb_export *export, struct body *body,
                      const Ttb__Scenario__Interface *interface, void *user)
{
    struct pair *pair = user;

    (void)export;
    if (pair->count < 2) {
        pair->bodies[pair->count] = body;
        pair->addresses[pair->count] =
            interface && interface->n_addresses ? interface->addresses[0] : "";
    }
    pair->count++;
}

static void show_shared(struct ttb_export *export, struct body *body,
                        const Ttb__Scenario__Interface *interface, void *user)
{
    const Ttb__Scenario__Link *link = user;

    if (!body)
        return;
    ttb__stream_format(&export->stream, "<nonp2plinkproperties id=\"%" PRIu32 "\"", body->id);
    put_text(&export->stream, "ipAddress",
             interface && interface->n_addresses ? interface->addresses[0] : "");
    put_text(&export->stream, "channelType", link->name);
    ttb__stream_text(&export->stream, " />\n");
}

static void show_link(struct ttb_export *export, const Ttb__Scenario__Link *link)
{
    struct ttb__stream *stream = &export->stream;
    struct pair pair = {.count = 0};

    for_ends(export, link, note_pair, &pair);
    if (pair.count != 2 || link->type == TTB__SCENARIO__LINK__TYPE__WIFI || !pair.bodies[0] ||
        !pair.bodies[1]) {
        for_ends(export, link, show_shared, (void *)link);
        return;
    }
    ttb__stream_format(stream, "<link fromId=\"%" PRIu32 "\" toId=\"%" PRIu32 "\"",
                       pair.bodies[0]->id, pair.bodies[1]->id);
    put_text(stream, "fd", pair.addresses[0]);
    put_text(stream, "td", pair.addresses[1]);
    put_text(stream, "ld", link->name);
    ttb__stream_text(stream, " />\n");
}

/* NetAnim wants an element for each family, with all addresses in it, without their lengths. */
static void show_addresses(struct ttb_export *export, const struct body *body, size_t count,
                           Ttb__Scenario__Interface *const *interfaces)
{
    struct ttb__stream *stream = &export->stream;

    for (int v6 = 0; v6 < 2; v6++) {
        bool has_any = false;

        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < interfaces[i]->n_addresses; j++) {
                const char *address = interfaces[i]->addresses[j];

                if ((strchr(address, ':') != NULL) != v6)
                    continue;
                if (!has_any)
                    ttb__stream_format(stream, "<%s n=\"%" PRIu32 "\" >", v6 ? "ipv6" : "ip",
                                       body->id);
                has_any = true;
                ttb__stream_text(stream, "<address>");
                ttb__xml_text(stream, address, strcspn(address, "/"));
                ttb__stream_text(stream, "</address>");
            }
        }
        if (has_any)
            ttb__stream_text(stream, v6 ? "</ipv6>\n" : "</ip>\n");
    }
}

/* ------------------------------------------------------------------------------------- records */

static const Ttb__Scenario__Node *find_given(const struct state *state, const char *name)
{
    for (size_t i = 0; state->scenario && i < state->scenario->n_nodes; i++) {
        if (strcmp(state->scenario->nodes[i]->name, name) == 0)
            return state->scenario->nodes[i];
    }
    return NULL;
}

/* Linux nodes that have been declared meanwhile. */
static int learn_nodes(struct ttb_export *export, const struct ttb_trace_tables *tables)
{
    struct state *state = export->state;
    int rc = 0;

    for (; state->known_nodes < tables->node_count && !rc; state->known_nodes++) {
        const struct ttb_trace_node *node = &tables->nodes[state->known_nodes];
        const Ttb__Scenario__Node *given = find_given(state, node->name);

        if (!find_body(state, node->id))
            rc = add_body(export, node->id, node->name, given ? given->place : NULL,
                          tables->node_count, &of_idle);
    }
    return rc;
}

static void show_state(struct ttb_export *export, const struct ttb_trace_record *record)
{
    const struct color *color = &of_idle;

    if (record->state.state == TTB_NODE_FAILED)
        color = &of_failed;
    else if (record->state.state == TTB_NODE_WAITING || record->state.state == TTB_NODE_RUNNING)
        color = &of_up;
    if (find_body(export->state, record->node))
        show_color(export, record->node, record->time_ns, color);
}

static void count_drop(struct ttb_export *export, uint32_t node, uint64_t time_ns)
{
    struct body *body = find_body(export->state, node);

    if (!body)
        return;
    ttb__stream_format(&export->stream, "<nc c=\"%d\" i=\"%" PRIu32 "\"", COUNTER_DROPPED, node);
    put_time(&export->stream, "t", time_ns);
    ttb__stream_format(&export->stream, " v=\"%" PRIu64 "\" />\n", ++body->dropped);
}

static uint64_t on_wire_ns(const struct ttb_trace_tables *tables, uint32_t place,
                           uint32_t len_bytes)
{
    const struct ttb_trace_place *declared = ttb_trace_find_place(tables, place);
    uint64_t speed_bps = declared ? ttb__place_speed(tables, declared) : 0;

    return speed_bps ? (uint64_t)((unsigned __int128)len_bytes * 8 * 1000000000 / speed_bps) : 0;
}

static void show_frame(struct ttb_export *export, const struct ttb_trace_tables *tables,
                       const struct ttb_trace_record *record, const struct ttb__flying *sent)
{
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb__stream *stream = &export->stream;
    uint32_t from = (uint32_t)sent->sequence;
    uint64_t first_ns = sent->time_ns, last_ns = record->time_ns;
    uint64_t tx_ns = on_wire_ns(tables, sent->flow, frame->len_bytes);
    uint64_t rx_ns = on_wire_ns(tables, frame->place, frame->len_bytes);
    char text[256];

    /* A frame does not arrive before it was sent, whatever the speeds say. */
    if (tx_ns > last_ns - first_ns)
        tx_ns = last_ns - first_ns;
    if (rx_ns > last_ns - first_ns)
        rx_ns = last_ns - first_ns;
    ttb_trace_describe_frame(frame->payload.data, frame->payload.len_bytes, frame->len_bytes, text,
                             sizeof(text));
    ttb__stream_format(stream, "<p fId=\"%" PRIu32 "\"", from);
    put_time(stream, "fbTx", first_ns);
    put_time(stream, "lbTx", first_ns + tx_ns);
    put_text(stream, "meta-info", text);
    ttb__stream_format(stream, " tId=\"%" PRIu32 "\"", record->node);
    put_time(stream, "fbRx", last_ns - rx_ns);
    put_time(stream, "lbRx", last_ns);
    ttb__stream_text(stream, " />\n");
}

/* Frames between Linux nodes. One is shown when it arrives, by the filter of either place. */
static void add_frame(struct ttb_export *export, const struct ttb_trace_tables *tables,
                      const struct ttb_trace_record *record)
{
    struct state *state = export->state;
    const struct ttb_trace_frame *frame = &record->frame;
    struct ttb__flying *sent, evicted;
    bool is_in_time = record->time_ns >= export->opts.from_ns &&
                      (!export->opts.to_ns || record->time_ns < export->opts.to_ns);

    if (!frame->packet)
        return;
    if (frame->what == TTB_TRACE_TRANSMITTED) {
        sent = ttb__flying_put(state->flying, frame->packet, &evicted);
        sent->time_ns = record->time_ns;
        sent->flow = frame->place;
        sent->sequence = record->node;
        return;
    }
    sent = ttb__flying_find(state->flying, frame->packet);
    if (!sent || !is_in_time || record->time_ns < sent->time_ns ||
        !(ttb__export_wants_place(export, tables, sent->flow) ||
          ttb__export_wants_place(export, tables, frame->place)))
        return;
    if (frame->what == TTB_TRACE_LOST)
        count_drop(export, (uint32_t)sent->sequence, record->time_ns);
    else if (frame->what == TTB_TRACE_DROPPED)
        count_drop(export, record->node, record->time_ns);
    else if (frame->what == TTB_TRACE_DELIVERED && record->node != TTB_TRACE_NONE &&
             sent->sequence != TTB_TRACE_NONE)
        show_frame(export, tables, record, sent);
}

static int netanim_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                          const struct ttb_trace_record *record)
{
    int rc = learn_nodes(export, tables);

    if (rc)
        return rc;
    show_moves(export, record->time_ns);
    if (record->kind == TTB_TRACE_STATE)
        show_state(export, record);
    else if (record->kind == TTB_TRACE_FRAME)
        add_frame(export, tables, record);
    return 0;
}

/* ------------------------------------------------------------------------------------ the whole */

static int show_scenario(struct ttb_export *export)
{
    struct state *state = export->state;
    const Ttb__Scenario *scenario = state->scenario;
    size_t of = scenario->n_nodes + scenario->n_switches + scenario->n_routers + scenario->n_hosts;
    uint32_t id = 0;
    int rc = 0;

    /* A node's id in the trace is its place in the scenario. */
    for (size_t i = 0; i < scenario->n_nodes && !rc; i++)
        rc = add_body(export, id++, scenario->nodes[i]->name, scenario->nodes[i]->place, of,
                      &of_idle);
    for (size_t i = 0; i < scenario->n_switches && !rc; i++)
        rc = add_body(export, id++, scenario->switches[i]->name, scenario->switches[i]->place, of,
                      &of_network);
    for (size_t i = 0; i < scenario->n_routers && !rc; i++)
        rc = add_body(export, id++, scenario->routers[i]->name, scenario->routers[i]->place, of,
                      &of_network);
    for (size_t i = 0; i < scenario->n_hosts && !rc; i++)
        rc = add_body(export, id++, scenario->hosts[i]->name, scenario->hosts[i]->place, of,
                      &of_network);
    for (size_t i = 0; i < scenario->n_links && !rc; i++)
        show_link(export, scenario->links[i]);
    for (size_t i = 0; i < scenario->n_nodes && !rc; i++)
        show_addresses(export, &state->bodies[i], scenario->nodes[i]->n_interfaces,
                       scenario->nodes[i]->interfaces);
    return rc;
}

static bool has_names(const Ttb__Scenario *scenario)
{
    bool has = true;

    for (size_t i = 0; i < scenario->n_nodes; i++)
        has = has && scenario->nodes[i]->name;
    for (size_t i = 0; i < scenario->n_switches; i++)
        has = has && scenario->switches[i]->name;
    for (size_t i = 0; i < scenario->n_routers; i++)
        has = has && scenario->routers[i]->name;
    for (size_t i = 0; i < scenario->n_hosts; i++)
        has = has && scenario->hosts[i]->name;
    for (size_t i = 0; i < scenario->n_links; i++)
        has = has && scenario->links[i]->name;
    return has;
}

static int netanim_begin(struct ttb_export *export)
{
    const struct ttb_trace_bytes *serialised = &export->header->scenario;
    struct state *state = export->state;
    int rc = ttb__flying_new(&state->flying);

    ttb__stream_text(&export->stream, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                      "<anim ver=\"netanim-3.108\" filetype=\"animation\" >\n");
    if (serialised->len_bytes)
        state->scenario = ttb__scenario__unpack(NULL, serialised->len_bytes, serialised->data);
    /* A trace may come from anybody. */
    if (state->scenario && !has_names(state->scenario)) {
        ttb__scenario__free_unpacked(state->scenario, NULL);
        state->scenario = NULL;
    }
    if (!rc && state->scenario)
        rc = show_scenario(export);
    ttb__stream_format(&export->stream,
                       "<ncs ncId=\"%d\" n=\"frames dropped or lost\" t=\"UINT32\" />\n",
                       COUNTER_DROPPED);
    return rc;
}

static int netanim_end(struct ttb_export *export)
{
    int rc = export->tables ? learn_nodes(export, export->tables) : 0;

    show_moves(export, export->latest_ns);
    ttb__stream_text(&export->stream, "</anim>\n");
    return rc;
}

static void netanim_clear(struct ttb_export *export)
{
    struct state *state = export->state;

    if (state->scenario)
        ttb__scenario__free_unpacked(state->scenario, NULL);
    for (size_t i = 0; i < state->body_count; i++)
        free(state->bodies[i].name);
    ttb__flying_free(state->flying);
    free(state->bodies);
}

const struct ttb__format ttb__format_netanim = {
    .state_bytes = sizeof(struct state),
    .whole = true,
    .begin = netanim_begin,
    .record = netanim_record,
    .end = netanim_end,
    .clear = netanim_clear,
};
