/* SPDX-License-Identifier: BSD-3-Clause */
/* One direction of a link. */
#include "link/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define NS_PER_S UINT64_C(1000000000)

/* IEEE 802.3-2018, 3.1.1 and 4.4.2; in bytes. */
#define PREAMBLE_BYTES  8 /* with the start frame delimiter */
#define FCS_BYTES       4
#define MIN_FRAME_BYTES 60 /* without FCS */
#define GAP_BYTES       12

struct ttb__frame *ttb__frame_new(struct ttb_frame *content)
{
    struct ttb__frame *frame = content ? malloc(sizeof(*frame)) : NULL;

    if (!frame) {
        ttb_frame_release(content);
        return NULL;
    }
    *frame = (struct ttb__frame){
        .references = 1,
        .content = content,
        .len_bytes = ttb_frame_len_bytes(content),
        .data = ttb_frame_data(content),
    };
    return frame;
}

void ttb__frame_release(struct ttb__frame *frame)
{
    if (--frame->references > 0)
        return;
    ttb_frame_release(frame->content);
    free(frame);
}

/* ---------------------------------------------------------------------------- lists of frames */

static void append(struct ttb__flights *flights, struct ttb__flight *flight)
{
    flight->next = NULL;
    if (!flights->first)
        flights->end = &flights->first;
    *flights->end = flight;
    flights->end = &flight->next;
}

static struct ttb__flight *take(struct ttb__flights *flights)
{
    struct ttb__flight *flight = flights->first;

    if (flight)
        flights->first = flight->next;
    return flight;
}

static struct ttb__flight *flight_new(struct ttb_net *net, struct ttb__frame *frame)
{
    struct ttb__flight *flight;

    if (net->flight_count >= TTB__NET_FRAMES_MAX) {
        ttb__net_break(net, -ELOOP, "more than %u frames are on their way: a loop of switches?",
                       TTB__NET_FRAMES_MAX);
        return NULL;
    }
    flight = calloc(1, sizeof(*flight));
    if (!flight) {
        ttb__net_break(net, -ENOMEM, "no memory for a frame");
        return NULL;
    }
    net->flight_count++;
    frame->references++;
    flight->frame = frame;
    return flight;
}

static void flight_free(struct ttb_net *net, struct ttb__flight *flight)
{
    net->flight_count--;
    ttb__frame_release(flight->frame);
    free(flight);
}

static void drop(struct ttb__lane *lane, struct ttb__frame *frame, enum ttb_net_drop reason)
{
    struct ttb_net *net = lane->link->net;

    lane->from->stats.dropped[reason]++;
    ttb__net_tap(net, TTB_NET_TAP_DROP, reason, lane->from, net->now_ns, frame);
}

/* --------------------------------------------------------------------------------- the line */

static uint64_t moment_ceil(const struct ttb__moment *moment)
{
    return ttb__time_after(moment->ns, moment->part != 0);
}

/* `start` plus the time of so many bytes. bytes * 8e9 + part stays below 2^64: frames have less than
 * 2^17 bytes, rates at most 10^18. */
static struct ttb__moment moment_after(struct ttb__moment start, size_t bytes, uint64_t rate_bps)
{
    uint64_t parts = (uint64_t)bytes * 8 * NS_PER_S + start.part;

    return (struct ttb__moment){
        .ns = ttb__time_after(start.ns, parts / rate_bps),
        .part = parts % rate_bps,
        .whole = rate_bps,
    };
}

static size_t transmitted_bytes(enum ttb_net_framing framing, size_t frame_bytes)
{
    if (framing != TTB_NET_FRAMING_ETHERNET)
        return frame_bytes;
    if (frame_bytes < MIN_FRAME_BYTES)
        frame_bytes = MIN_FRAME_BYTES;
    return PREAMBLE_BYTES + frame_bytes + FCS_BYTES;
}

uint64_t ttb__lane_least_ns(const struct ttb__lane *lane)
{
    const struct ttb_net_params *params = &lane->params;
    struct ttb__moment start = {.whole = 1};
    size_t bytes = transmitted_bytes(params->framing, TTB__ETHERNET_HEADER);

    if (params->rate_bps == 0)
        return params->delay_ns;
    return ttb__time_after(moment_after(start, bytes, params->rate_bps).ns, params->delay_ns);
}

/* When the next transmission can begin: the very moment at which the line becomes free if a frame has
 * waited for it, else now. */
static struct ttb__moment transmission_start(const struct ttb__lane *lane, bool waited)
{
    struct ttb__moment now = {.ns = lane->link->net->now_ns, .part = 0, .whole = 1};

    if (!waited || lane->params.rate_bps == 0)
        return now;
    if (lane->free.whole != lane->params.rate_bps) {
        /* The rate has changed, and with it the unit of the fraction. */
        return (struct ttb__moment){.ns = moment_ceil(&lane->free), .part = 0, .whole = 1};
    }
    return lane->free;
}

static bool line_is_free(const struct ttb__lane *lane)
{
    return moment_ceil(&lane->free) <= lane->link->net->now_ns;
}

/* The line is free: begin to transmit. Takes the flight. */
static void transmit(struct ttb__lane *lane, struct ttb__flight *flight, bool waited)
{
    struct ttb_net *net = lane->link->net;
    const struct ttb_net_params *params = &lane->params;
    struct ttb__moment start = transmission_start(lane, waited), arrival = start;
    size_t len_bytes = transmitted_bytes(params->framing, flight->frame->len_bytes);
    size_t gap_bytes = params->framing == TTB_NET_FRAMING_ETHERNET ? GAP_BYTES : 0;

    if (params->rate_bps) {
        arrival = moment_after(start, len_bytes, params->rate_bps);
        lane->free = moment_after(start, len_bytes + gap_bytes, params->rate_bps);
    }
    /* Drawn for every frame, so that a change of the loss shifts nobody else's draw. */
    if (ttb__random_double(&lane->random) < params->loss) {
        drop(lane, flight->frame, TTB_NET_DROP_LOSS);
        flight_free(net, flight);
        return;
    }
    flight->time_ns = ttb__time_after(moment_ceil(&arrival), params->delay_ns);
    if (flight->time_ns < lane->last_arrival_ns)
        flight->time_ns = lane->last_arrival_ns;
    lane->last_arrival_ns = flight->time_ns;
    lane->from->stats.flying_frames++;
    append(&lane->flying, flight);
}

static void tell_queue(const struct ttb__lane *lane)
{
    const struct ttb_net *net = lane->link->net;

    if (net->queue_told)
        net->queue_told(net->queue_user, lane->from, net->now_ns, lane->from->stats.waiting_frames);
}

static void transmit_next(struct ttb__lane *lane)
{
    struct ttb__flight *flight = take(&lane->waiting);

    lane->from->stats.waiting_frames--;
    lane->from->stats.waiting_bytes -= flight->frame->len_bytes;
    tell_queue(lane);
    transmit(lane, flight, true);
}

/* @return why the frame may not wait */
static enum ttb_net_drop queue_verdict(const struct ttb__lane *lane, size_t len_bytes)
{
    const struct ttb_net_params *params = &lane->params;
    const struct ttb_net_stats *stats = &lane->from->stats;
    uint64_t frames_max = params->queue_frames;

    if (params->queue_frames == 0)
        frames_max = TTB_NET_QUEUE_FRAMES_DEFAULT;
    else if (params->queue_frames == TTB_NET_NO_QUEUE)
        frames_max = 0;
    if (stats->waiting_frames >= frames_max)
        return TTB_NET_DROP_QUEUE_FRAMES;
    if (params->queue_bytes && stats->waiting_bytes + len_bytes > params->queue_bytes)
        return TTB_NET_DROP_QUEUE_BYTES;
    return TTB_NET_DROP_NONE;
}

static void enqueue(struct ttb__lane *lane, struct ttb__flight *flight)
{
    struct ttb_net_stats *stats = &lane->from->stats;

    append(&lane->waiting, flight);
    stats->waiting_frames++;
    stats->waiting_bytes += flight->frame->len_bytes;
    if (stats->waiting_frames > stats->peak_frames)
        stats->peak_frames = stats->waiting_frames;
    if (stats->waiting_bytes > stats->peak_bytes)
        stats->peak_bytes = stats->waiting_bytes;
    tell_queue(lane);
}

/* ------------------------------------------------------------------------------------- events */

static void reschedule(struct ttb__lane *lane)
{
    uint64_t due_ns = TTB_TIME_NEVER;

    if (lane->flying.first)
        due_ns = lane->flying.first->time_ns;
    if (lane->waiting.first && moment_ceil(&lane->free) < due_ns)
        due_ns = moment_ceil(&lane->free);
    if (lane->coming.first && lane->coming.first->time_ns < due_ns)
        due_ns = lane->coming.first->time_ns;
    assert(due_ns >= lane->link->net->now_ns);
    ttb__calendar_move(&lane->link->net->calendar, &lane->entry, due_ns);
}

/* A frame reaches the lane now. Takes the flight. */
static void enter(struct ttb__lane *lane, struct ttb__flight *flight)
{
    struct ttb_net *net = lane->link->net;
    struct ttb__frame *frame = flight->frame;
    enum ttb_net_drop reason;

    lane->from->stats.offered_frames++;
    lane->from->stats.offered_bytes += frame->len_bytes;
    ttb__net_tap(net, TTB_NET_TAP_SEND, TTB_NET_DROP_NONE, lane->from, net->now_ns, frame);
    if (!lane->link->up) {
        drop(lane, frame, TTB_NET_DROP_LINK_DOWN);
        flight_free(net, flight);
        return;
    }
    /* What leaves the queue at this instant leaves it before the frame is looked at. */
    while (lane->waiting.first && line_is_free(lane))
        transmit_next(lane);
    if (line_is_free(lane)) {
        transmit(lane, flight, false);
        return;
    }
    reason = queue_verdict(lane, frame->len_bytes);
    if (reason == TTB_NET_DROP_NONE) {
        enqueue(lane, flight);
        return;
    }
    drop(lane, frame, reason);
    flight_free(net, flight);
}

static void arrive(struct ttb__lane *lane)
{
    struct ttb_net *net = lane->link->net;
    struct ttb__flight *flight = take(&lane->flying);
    struct ttb_net_stats *stats = &lane->from->stats;

    stats->flying_frames--;
    if (ttb__end_receive(lane->to, flight->frame)) {
        stats->delivered_frames++;
        stats->delivered_bytes += flight->frame->len_bytes;
    } else {
        stats->dropped[TTB_NET_DROP_RECEIVER]++;
        ttb__net_tap(net, TTB_NET_TAP_DROP, TTB_NET_DROP_RECEIVER, lane->to, net->now_ns,
                     flight->frame);
    }
    flight_free(net, flight);
}

void ttb__lane_step(struct ttb__lane *lane)
{
    uint64_t now_ns = lane->link->net->now_ns;

    if (lane->flying.first && lane->flying.first->time_ns <= now_ns)
        arrive(lane);
    else if (lane->waiting.first && line_is_free(lane))
        transmit_next(lane);
    else if (lane->coming.first && lane->coming.first->time_ns <= now_ns)
        enter(lane, take(&lane->coming));
    reschedule(lane);
}

void ttb__lane_send(struct ttb__lane *lane, struct ttb__frame *frame)
{
    struct ttb__flight *flight = flight_new(lane->link->net, frame);

    if (!flight)
        return;
    enter(lane, flight);
    reschedule(lane);
}

void ttb__lane_send_at(struct ttb__lane *lane, struct ttb__frame *frame, uint64_t time_ns)
{
    struct ttb__flight *flight = flight_new(lane->link->net, frame);

    if (!flight)
        return;
    flight->time_ns = time_ns;
    append(&lane->coming, flight);
    reschedule(lane);
}

/* ------------------------------------------------------------------------------- life of a lane */

int ttb__lane_init(struct ttb__lane *lane, struct ttb_net_link *link, struct ttb_net_end *from,
                   struct ttb_net_end *to, const struct ttb_net_params *params)
{
    struct ttb_net *net = link->net;
    uint32_t number = net->lane_count;
    int rc;

    *lane = (struct ttb__lane){
        .link = link,
        .from = from,
        .to = to,
        .params = *params,
        .free = {.whole = 1},
    };
    rc = ttb__calendar_insert(&net->calendar, &lane->entry, TTB_TIME_NEVER, TTB__CLASS_NETWORK,
                              TTB__NET_ID_LANE(number));
    if (rc)
        return rc;
    ttb__random_seed(&lane->random, net->seed, number);
    net->lane_count++;
    return 0;
}

static void clear(struct ttb_net *net, struct ttb__flights *flights)
{
    struct ttb__flight *flight;

    while ((flight = take(flights)))
        flight_free(net, flight);
}

void ttb__lane_clear(struct ttb__lane *lane)
{
    struct ttb_net *net = lane->link->net;

    clear(net, &lane->coming);
    clear(net, &lane->waiting);
    clear(net, &lane->flying);
    ttb__calendar_remove(&net->calendar, &lane->entry);
}

static void lose(struct ttb__lane *lane, struct ttb__flights *flights)
{
    struct ttb__flight *flight;

    while ((flight = take(flights))) {
        drop(lane, flight->frame, TTB_NET_DROP_LINK_DOWN);
        flight_free(lane->link->net, flight);
    }
}

void ttb__lane_cut(struct ttb__lane *lane)
{
    struct ttb_net_stats *stats = &lane->from->stats;

    stats->flying_frames = 0;
    lose(lane, &lane->flying);
    if (stats->waiting_frames) {
        stats->waiting_frames = 0;
        stats->waiting_bytes = 0;
        tell_queue(lane);
    }
    lose(lane, &lane->waiting);
    /* What is repaired is a line on which nothing is. */
    lane->free = (struct ttb__moment){.whole = 1};
    lane->last_arrival_ns = 0;
    reschedule(lane);
}

void ttb__lane_set(struct ttb__lane *lane, const struct ttb_net_params *params)
{
    lane->params = *params;
    lane->link->net->promises_stale = true;
}
