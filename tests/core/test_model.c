/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scheduler, explored exhaustively for small cases: the real bridge over nodes that follow scripts
 * (model.h), on a network of fixed latencies. Each scenario is run once for every order in which nodes
 * can answer wherever the bridge waits for more than one, for every number of jobs. (A run that comes to a
 * state that was seen before is not branched further: what follows has been explored. The state is all that
 * nodes, bridge, calendar and network are, and what nodes and network have seen so far.) In each run
 *
 *   - RUN goes only to a node that waits, with nothing unanswered, at exactly its request;
 *   - a node's ring, its calls and its clock are touched only while it is blocked;
 *   - no frame is delivered in a node's past, and frames enter the network in the order of time;
 *   - somebody can always answer when the bridge waits, and at the end all has been done: no deadlock;
 *   - nodes and network see exactly what they see one node at a time without look-ahead;
 *   - observers are told the same grants in the same order as with look-ahead and one job.
 *
 * TTB_MODEL=full explores more scenarios than the test suite has time for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

#include "model.h"

#define HORIZON_NS   14
#define CHOICES_MAX  512
#define ARRIVALS_MAX 256
#define GRANTS_MAX   512

#define NEVER TTB_TIME_NEVER

struct scenario {
    unsigned node_count;
    uint64_t latency_ns[MODEL_NODES_MAX][MODEL_NODES_MAX]; /* [from][to]; NEVER: no link */
    struct model_script scripts[MODEL_NODES_MAX];
};

struct variant {
    uint32_t jobs;
    bool no_look_ahead;
    uint32_t flap_rounds; /* automatic jobs, between one and so many */
    bool no_shared_notifications;
};

static const struct variant variants[] = {
    {.jobs = 1, .no_look_ahead = true}, /* what the others are compared with */
    {.jobs = 1},
    {.jobs = 2},
    {.jobs = 3},
    {.jobs = TTB_JOBS_AUTO, .flap_rounds = 1},
    {.jobs = 2, .no_shared_notifications = true},
};

#define VARIANTS (sizeof(variants) / sizeof(*variants))

struct arrival {
    uint64_t time_ns;
    unsigned to;
    struct model_frame frame;
};

/* One run, and the decisions in it: those of `length` are given, then the first possible ones follow. */
struct run {
    const struct scenario *scenario;
    const struct variant *variant;
    struct explorer *explorer;
    struct model model;
    struct ttb_bridge *bridge;
    struct arrival arrivals[ARRIVALS_MAX]; /* in the order of their times */
    unsigned arrival_count;
    bool is_known;    /* it has come to a state that was explored before */
    uint64_t sent_ns; /* of the frame that entered the network last */
    char seen[16384]; /* by the network */
    size_t seen_bytes;
    uint64_t grants[GRANTS_MAX]; /* as told to observers: time and node */
    unsigned grant_count;
};

struct explorer {
    uint8_t choices[CHOICES_MAX], widths[CHOICES_MAX];
    unsigned depth, length;
    uint64_t *states; /* hash set; 0: free */
    size_t state_room, state_count;
    uint64_t scenarios, runs, decisions;
    unsigned longest;
    struct run *run; /* under way */
};

/* ------------------------------------------------------------------------------------- telling */

static struct explorer *exploring;

static void print_scenario(const struct run *run)
{
    const struct scenario *scenario = run->scenario;

    print_error("jobs %u%s%s%s\n", run->variant->jobs,
                run->variant->no_look_ahead ? ", without look-ahead" : "",
                run->variant->flap_rounds ? ", changing" : "",
                run->variant->no_shared_notifications ? ", notifications are messages" : "");
    for (unsigned i = 0; i < scenario->node_count; i++) {
        const struct model_script *script = &scenario->scripts[i];

        print_error("n%u: sends at 0x%x, ttl %u, thinks %u ns, coalesces %u ns%s%s%s%s; latencies",
                    i, script->timers, script->ttl, script->think_ns, script->coalesce_ns,
                    script->late ? ", late" : "", script->by_messages ? ", by messages" : "",
                    script->shares ? ", shares" : "", script->mixes ? ", mixes" : "");
        for (unsigned j = 0; j < scenario->node_count; j++)
            print_error(" %" PRId64, (int64_t)scenario->latency_ns[i][j]);
        print_error("\n");
    }
    print_error("decisions:");
    for (unsigned i = 0; i < run->explorer->depth; i++)
        print_error(" %u/%u", run->explorer->choices[i], run->explorer->widths[i]);
    print_error("\nthe network saw:\n%s", run->seen);
    for (unsigned i = 0; i < scenario->node_count; i++)
        print_error("n%u saw:\n%s", i, run->model.nodes[i].said ? run->model.nodes[i].said : "");
}

_Noreturn void model_broken(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (exploring && exploring->run)
        print_scenario(exploring->run);
    fail_msg("%s", text);
    abort(); /* fail_msg() does not return, but does not say so */
}

/* ------------------------------------------------------------------------------------- deciding */

/* False if it is an old one. */
static bool add_state(struct explorer *explorer, uint64_t hash)
{
    size_t at;

    if (2 * explorer->state_count >= explorer->state_room) {
        size_t room = explorer->state_room ? 2 * explorer->state_room : 1 << 16;
        uint64_t *states = calloc(room, sizeof(*states));

        assert_non_null(states);
        for (size_t i = 0; i < explorer->state_room; i++) {
            if (!explorer->states[i])
                continue;
            for (at = explorer->states[i] % room; states[at]; at = (at + 1) % room)
                ;
            states[at] = explorer->states[i];
        }
        free(explorer->states);
        explorer->states = states;
        explorer->state_room = room;
    }
    hash = hash ? hash : 1;
    for (at = hash % explorer->state_room; explorer->states[at];
         at = (at + 1) % explorer->state_room) {
        if (explorer->states[at] == hash)
            return false;
    }
    explorer->states[at] = hash;
    explorer->state_count++;
    return true;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 32;
}

static uint64_t hash_node(uint64_t hash, const struct ttb_node *node)
{
    hash = mix(hash, (uint64_t)node->state << 8 | (uint64_t)node->runs << 4 |
                         (uint64_t)node->granted << 3 | (uint64_t)node->blocked << 2 |
                         (uint64_t)ttb__calendar_holds(&node->entry) << 1 | (node->calls != NULL));
    hash = mix(hash, node->entry.key.time_ns);
    hash = mix(hash, node->bound_ns);
    hash = mix(hash, node->call_ns);
    hash = mix(hash, node->due_ns);
    hash = mix(hash, node->kick_ns);
    hash = mix(hash, node->granted_ns);
    hash = mix(hash, ttb__transmit_return_ns(node));
    return mix(hash, node->sent ? node->sent_entry.key.time_ns : TTB_TIME_NEVER);
}

/* Of the bridge all that is not wall time, the arrangement of its calendar included. */
static uint64_t hash_bridge(uint64_t hash, const struct ttb_bridge *bridge)
{
    hash = mix(hash, bridge->now_ns);
    hash = mix(hash, (uint64_t)bridge->jobs << 32 | bridge->running_limit);
    hash = mix(hash, (uint64_t)bridge->round_count << 32 | bridge->round_left);
    hash = mix(hash, bridge->placement.rounds);
    for (uint32_t i = 0; i < bridge->round_count; i++)
        hash = mix(hash, bridge->round[i]->id);
    for (size_t i = 0; i < bridge->calendar.count; i++)
        hash = mix(hash, bridge->calendar.heap[i]->key.id);
    for (uint32_t i = 0; i < bridge->node_count; i++)
        hash = hash_node(hash, bridge->nodes[i]);
    return hash;
}

static uint64_t hash_run(const struct run *run)
{
    uint64_t hash = run->explorer->scenarios * VARIANTS + (uint64_t)(run->variant - variants);

    hash = model_hash(&run->model, mix(1, hash));
    hash = hash_bridge(hash, run->bridge);
    for (unsigned i = 0; i < run->arrival_count; i++)
        hash = mix(hash, run->arrivals[i].time_ns << 8 | run->arrivals[i].to);
    for (size_t i = 0; i < run->seen_bytes; i++)
        hash = mix(hash, (unsigned char)run->seen[i]);
    for (unsigned i = 0; i < run->grant_count; i++)
        hash = mix(hash, run->grants[i]);
    return hash;
}

static unsigned choose(void *user, unsigned count)
{
    struct run *run = user;
    struct explorer *explorer = run->explorer;

    explorer->decisions++;
    if (run->is_known)
        return 0;
    if (explorer->depth == explorer->length) {
        run->is_known = !add_state(explorer, hash_run(run));
        if (run->is_known)
            return 0;
        if (explorer->length == CHOICES_MAX)
            model_broken("more than %d decisions", CHOICES_MAX);
        explorer->choices[explorer->length] = 0;
        explorer->widths[explorer->length++] = (uint8_t)count;
    }
    if (explorer->widths[explorer->depth] != count)
        model_broken("the same decisions lead to something else");
    return explorer->choices[explorer->depth++];
}

/* The next sequence of decisions; false if there is none. */
static bool next(struct explorer *explorer)
{
    if (explorer->length > explorer->longest)
        explorer->longest = explorer->length;
    while (explorer->length > 0) {
        unsigned last = explorer->length - 1;

        if (explorer->choices[last] + 1U < explorer->widths[last]) {
            explorer->choices[last]++;
            return true;
        }
        explorer->length--;
    }
    return false;
}

/* ---------------------------------------------------------------------------------- the network */

static void note(struct run *run, const char *what, unsigned node, const struct model_frame *frame)
{
    int len_bytes = snprintf(run->seen + run->seen_bytes, sizeof(run->seen) - run->seen_bytes,
                             "%" PRIu64 " %s n%u: from n%u, ttl %u\n",
                             ttb_bridge_now_ns(run->bridge), what, node, frame->sender, frame->ttl);

    run->seen_bytes += (size_t)len_bytes;
    if (run->seen_bytes >= sizeof(run->seen))
        model_broken("too many frames");
}

static void on_transmit(void *user, struct ttb_port *port, uint64_t time_ns, const void *data,
                        size_t len_bytes)
{
    struct run *run = user;
    const struct scenario *scenario = run->scenario;
    unsigned from = ttb_node_id(ttb_port_node(port));
    struct model_frame frame;

    assert_int_equal(len_bytes, sizeof(frame));
    memcpy(&frame, data, sizeof(frame));
    if (time_ns != ttb_bridge_now_ns(run->bridge) || time_ns < run->sent_ns)
        model_broken("a frame of %" PRIu64 " enters the network after one of %" PRIu64, time_ns,
                     run->sent_ns);
    run->sent_ns = time_ns;
    note(run, "sent by", from, &frame);
    for (unsigned to = 0; to < scenario->node_count; to++) {
        uint64_t latency_ns = scenario->latency_ns[from][to];
        unsigned at = run->arrival_count;

        if (to == from || latency_ns == NEVER)
            continue;
        if (run->arrival_count++ == ARRIVALS_MAX)
            model_broken("too many frames under way");
        for (; at > 0 && run->arrivals[at - 1].time_ns > time_ns + latency_ns; at--)
            run->arrivals[at] = run->arrivals[at - 1];
        run->arrivals[at] =
            (struct arrival){.time_ns = time_ns + latency_ns, .to = to, .frame = frame};
    }
}

static void deliver_first(struct run *run)
{
    struct arrival arrival = run->arrivals[0];
    struct model_node *node = &run->model.nodes[arrival.to];
    int rc;

    memmove(run->arrivals, run->arrivals + 1, --run->arrival_count * sizeof(*run->arrivals));
    if (node->now_ns != TTB_TIME_NEVER && node->now_ns > arrival.time_ns)
        model_broken("n%u is at %" PRIu64 " when a frame of %" PRIu64 " is delivered to it",
                     arrival.to, node->now_ns, arrival.time_ns);
    rc = ttb_port_deliver(node->port, &arrival.frame, sizeof(arrival.frame));
    if (rc && node->netdev)
        model_broken("a frame to n%u is refused: %d %s", arrival.to, rc,
                     ttb_bridge_error(run->bridge));
    note(run, rc ? "lost before" : "delivered to", arrival.to, &arrival.frame);
}

static void promise_latencies(struct run *run)
{
    for (unsigned i = 0; i < run->scenario->node_count; i++) {
        for (unsigned j = 0; j < run->scenario->node_count; j++) {
            uint64_t latency_ns = i == j ? NEVER : run->scenario->latency_ns[i][j];

            if (ttb_bridge_set_latency(run->bridge, run->model.nodes[i].port,
                                       run->model.nodes[j].port, latency_ns))
                model_broken("%s", ttb_bridge_error(run->bridge));
        }
    }
}

/* -------------------------------------------------------------------------------------- one run */

static void drive(struct run *run)
{
    uint64_t now_ns = 0;

    while (now_ns < HORIZON_NS) {
        uint64_t until_ns = HORIZON_NS;

        if (run->arrival_count && run->arrivals[0].time_ns < until_ns)
            until_ns = run->arrivals[0].time_ns;
        if (ttb_bridge_advance(run->bridge, until_ns, &now_ns))
            model_broken("advance(): %s", ttb_bridge_error(run->bridge));
        if (now_ns > until_ns)
            model_broken("advance(%" PRIu64 ") went to %" PRIu64, until_ns, now_ns);
        while (run->arrival_count && now_ns == until_ns && now_ns < HORIZON_NS &&
               run->arrivals[0].time_ns == now_ns)
            deliver_first(run);
    }
    for (unsigned i = 0; i < run->model.node_count; i++) {
        const struct model_node *node = &run->model.nodes[i];

        if (ttb_node_get_state(node->node) != TTB_NODE_WAITING)
            model_broken("n%u is %s at the end: %s", i,
                         ttb_node_state_name(ttb_node_get_state(node->node)),
                         ttb_node_failure(node->node));
        if (node->ring_count && !node->script.coalesce_ns && !node->script.late)
            model_broken("n%u has not read %u frames", i, node->ring_count);
        if (model_next_ns(node) < HORIZON_NS)
            model_broken("n%u has not done what it had to do at %" PRIu64, i, model_next_ns(node));
    }
}

static void on_granted(void *user, struct ttb_node *node, uint64_t time_ns)
{
    struct run *run = user;

    if (run->grant_count == GRANTS_MAX)
        model_broken("too many grants");
    run->grants[run->grant_count++] = time_ns << 8 | ttb_node_id(node);
}

static const struct ttb_observer observer = {.size = sizeof(observer), .granted = on_granted};

static void quiet(void *user, enum ttb_log_level level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

static void run_once(struct run *run)
{
    struct ttb_bridge_opts opts = {
        .size = sizeof(opts),
        .loop = &run->model.loop,
        .jobs = run->variant->jobs,
        .no_look_ahead = run->variant->no_look_ahead,
        .no_shared_notifications = run->variant->no_shared_notifications,
        .no_pin = true,
        .hang_report_ms = INT32_MAX, /* whoever has not answered was not asked */
        .hang_kill_ms = INT32_MAX,
        .connect_timeout_ms = INT32_MAX,
        .log = quiet,
    };

    for (unsigned i = 0; i < run->scenario->node_count; i++)
        run->model.nodes[i].script = run->scenario->scripts[i];
    model_begin(&run->model, run->scenario->node_count);
    run->model.choose = choose;
    run->model.choose_user = run;
    if (ttb_bridge_new(&opts, &run->bridge))
        model_broken("no bridge");
    if (run->variant->flap_rounds)
        ttb__placement_flap(run->bridge, run->variant->flap_rounds);
    model_add_nodes(&run->model, run->bridge);
    for (unsigned i = 0; i < run->model.node_count; i++)
        ttb_port_on_transmit(run->model.nodes[i].port, on_transmit, run);
    promise_latencies(run);
    assert_int_equal(ttb_bridge_observe(run->bridge, &observer, run), 0);
    drive(run);
    ttb_bridge_free(run->bridge);
}

/* ------------------------------------------------------------------------------------- all runs */

static void compare(const struct run *reference, const struct run *run)
{
    if (strcmp(reference->seen, run->seen) != 0) {
        print_error("the network should have seen:\n%s", reference->seen);
        model_broken("the network saw something else");
    }
    for (unsigned i = 0; i < run->model.node_count; i++) {
        const char *expected = reference->model.nodes[i].said, *said = run->model.nodes[i].said;

        if (strcmp(expected ? expected : "", said ? said : "") != 0) {
            print_error("n%u should have seen:\n%s", i, expected ? expected : "");
            model_broken("n%u saw something else", i);
        }
    }
}

static void compare_grants(const struct run *reference, const struct run *run)
{
    if (reference->grant_count != run->grant_count ||
        memcmp(reference->grants, run->grants, run->grant_count * sizeof(*run->grants)) != 0)
        model_broken("observers were told other grants, or in another order");
}

static void explore(struct explorer *explorer, const struct scenario *scenario)
{
    /* too large for the stack of some hosts */
    static struct run reference, run, with_look_ahead;

    exploring = explorer;
    for (size_t i = 0; i < VARIANTS; i++) {
        explorer->length = 0;
        do {
            struct run *now = i == 0 ? &reference : &run;

            explorer->depth = 0;
            memset(now, 0, sizeof(*now));
            now->scenario = scenario;
            now->variant = &variants[i];
            now->explorer = explorer;
            explorer->run = now;
            run_once(now);
            explorer->runs++;
            if (i > 0) {
                compare(&reference, now);
                if (i == 1)
                    with_look_ahead = *now;
                else if (!now->variant->no_shared_notifications)
                    compare_grants(&with_look_ahead, now);
                model_end(&now->model);
            }
        } while (next(explorer) && i > 0);
    }
    model_end(&reference.model);
    explorer->run = NULL;
    exploring = NULL;
    explorer->scenarios++;
}

static void report(struct explorer *explorer)
{
    print_message("%" PRIu64 " scenarios, %" PRIu64 " runs, %" PRIu64 " decisions, %zu states in "
                  "which somebody could decide, at most %u decisions in a run\n",
                  explorer->scenarios, explorer->runs, explorer->decisions, explorer->state_count,
                  explorer->longest);
    free(explorer->states);
}

static bool in_full(void)
{
    const char *wanted = getenv("TTB_MODEL");

    return wanted && strcmp(wanted, "full") == 0;
}

/* ------------------------------------------------------------------------------------ scenarios */

static const struct model_script manners[] = {
    {.ttl = 1, .think_ns = 0},
    {.ttl = 2, .think_ns = 1, .by_messages = true},
    {.ttl = 1, .think_ns = 2, .late = true},
    {.ttl = 1, .think_ns = 0, .coalesce_ns = 2},
    {.ttl = 1, .think_ns = 0, .shares = true},
    {.ttl = 2, .think_ns = 1, .shares = true, .mixes = true},
    {.ttl = 1, .think_ns = 2, .shares = true, .late = true},
    {.ttl = 1, .think_ns = 0, .shares = true, .coalesce_ns = 2},
};

#define MANNERS (sizeof(manners) / sizeof(*manners))

static void two_nodes(void **state)
{
    static const uint64_t latencies_ns[] = {0, 1, 3, NEVER};
    static const uint32_t timers[] = {0x0, 0x1, 0x2, 0x4, 0x5, 0x12, 0x6};
    struct explorer explorer = {0};

    (void)state;
    for (unsigned i = 0; i < 4 * 4; i++) {
        for (unsigned j = 0; j < 7 * 7; j++) {
            for (unsigned k = 0; k < MANNERS * MANNERS; k++) {
                struct scenario scenario = {.node_count = 2};

                if (!in_full() && k % MANNERS != k / MANNERS)
                    continue;
                scenario.latency_ns[0][1] = latencies_ns[i % 4];
                scenario.latency_ns[1][0] = latencies_ns[i / 4];
                scenario.scripts[0] = manners[k % MANNERS];
                scenario.scripts[1] = manners[k / MANNERS];
                scenario.scripts[0].timers = timers[j % 7];
                scenario.scripts[1].timers = timers[j / 7];
                explore(&explorer, &scenario);
            }
        }
    }
    report(&explorer);
}

static void three_nodes(void **state)
{
    static const uint64_t latencies_ns[] = {0, 1, 3, NEVER};
    static const uint32_t timers[] = {0x0, 0x1, 0x2, 0x5};
    struct explorer explorer = {0};

    (void)state;
    for (unsigned i = 0; i < 4 * 4 * 4; i++) {
        for (unsigned j = 0; j < 4 * 4 * 4; j++) {
            for (unsigned k = 0; k < MANNERS; k++) {
                struct scenario scenario = {.node_count = 3};
                unsigned links[] = {i % 4, i / 4 % 4, i / 16};

                if (!in_full() && (i * 64 + j) % MANNERS != k)
                    continue;
                for (unsigned n = 0; n < 3; n++) {
                    unsigned next_node = (n + 1) % 3;

                    scenario.latency_ns[n][next_node] = latencies_ns[links[n]];
                    scenario.latency_ns[next_node][n] = latencies_ns[links[n]];
                    scenario.scripts[n] = manners[k];
                    scenario.scripts[n].ttl = 1;
                }
                scenario.scripts[0].timers = timers[j % 4];
                scenario.scripts[1].timers = timers[j / 4 % 4];
                scenario.scripts[2].timers = timers[j / 16];
                explore(&explorer, &scenario);
            }
        }
    }
    report(&explorer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_nodes),
        cmocka_unit_test(three_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
