/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the segment of a participant says: where it is, when it wants to run, what it has kicked; and what is
 * left there for it. Everything is checked, as if it had come in a message.
 */
#include "timetravel/state.h"

#include <errno.h>
#include <inttypes.h>

/*
 * UML sets its capability bit while it handles the ACK of START, before anything else it does
 * (time_travel_setup_shm()), so a participant that has done something since and has not set the bit
 * uses messages: `is_last_chance`.
 */
void ttb__controller_learn_mode(struct ttb__controller *controller, bool is_last_chance)
{
    uint32_t capa;

    if (controller->mode_is_known)
        return;
    capa = ttb__segment_capa(&controller->segment);
    if (controller->mode != TTB__CONTROLLER_MESSAGES && (capa & TTB__SCHEDSHM_CAPA_TIME_SHARE)) {
        controller->is_shared = true;
        controller->mode_is_known = true;
        controller->takes_calls = controller->offers_notify && (capa & TTB__SCHEDSHM_CAPA_CALLS);
        controller->logs_kicks = controller->offers_notify && (capa & TTB__SCHEDSHM_CAPA_KICKS);
        controller->hands_over = controller->offers_notify && (capa & TTB__SCHEDSHM_CAPA_HANDOVER);
    } else if (is_last_chance) {
        controller->mode_is_known = true;
        if (controller->mode == TTB__CONTROLLER_SHARED)
            ttb__controller_fail(
                controller, -EPROTO,
                "it has not taken the shared segment (capa bit 0 is clear), which was required");
    }
}

int ttb__controller_check_time(struct ttb__controller *controller, const char *what, uint64_t time)
{
    if (time < controller->time)
        return ttb__controller_fail(controller, -EPROTO,
                                    "%s is %" PRIu64 " ns, before its clock, %" PRIu64 " ns", what,
                                    time, controller->time);
    if (time > controller->time && time >= controller->bound)
        return ttb__controller_fail(
            controller, -EPROTO, "%s is %" PRIu64 " ns, but it may run only before %" PRIu64 " ns",
            what, time, controller->bound);
    return 0;
}

/* Take over current_time from the segment of a participant that is blocked. */
int ttb__controller_read_time(struct ttb__controller *controller)
{
    uint64_t time;
    int rc;

    if (!controller->is_shared)
        return 0;
    time = ttb__segment_current_time(&controller->segment);
    rc = ttb__controller_check_time(controller, "current_time in the segment", time);
    if (rc == 0)
        controller->time = time;
    return rc;
}

int ttb__controller_check_request(struct ttb__controller *controller, const char *what,
                                  uint64_t time, uint64_t floor)
{
    if (time > TTB__LOCAL_NEVER)
        return ttb__controller_fail(controller, -EPROTO,
                                    "%s is %" PRIu64 " ns, beyond the end of time, %" PRIu64 " ns",
                                    what, time, TTB__LOCAL_NEVER);
    if (time < floor)
        return ttb__controller_fail(controller, -EPROTO,
                                    "%s is %" PRIu64 " ns, before its clock, %" PRIu64 " ns", what,
                                    time, floor);
    return 0;
}

/* The request of a WAITING participant. */
int ttb__controller_read_request(struct ttb__controller *controller, uint64_t *request)
{
    *request = controller->request;
    if (!controller->is_shared)
        return 0;
    if (!ttb__segment_request(&controller->segment, request)) {
        *request = TTB__LOCAL_NEVER;
        return 0;
    }
    return ttb__controller_check_request(controller, "req_time in the segment", *request,
                                         controller->time);
}

/* ------------------------------------------------------------------------------- notifications */

int ttb__controller_find_queue(struct ttb__controller *controller, uint64_t ring)
{
    ttb__controller_learn_mode(controller, true);
    if (!controller->takes_calls && !controller->logs_kicks)
        return -ENOENT;
    return ttb__notify_find(&controller->segment.notify, ring);
}

bool ttb__controller_takes_calls(const struct ttb__controller *controller)
{
    return controller->takes_calls;
}

void ttb__controller_set_queue(struct ttb__controller *controller, unsigned slot,
                               const struct ttb__controller_queue *queue)
{
    struct ttb__notify *notify = &controller->segment.notify;
    uint32_t flags = 0;

    if (!notify->header)
        return;
    if (queue->may_log && controller->logs_kicks)
        flags |= TTB__NOTIFY_QUEUE_LOG;
    if (queue->rearm)
        flags |= TTB__NOTIFY_QUEUE_REARM;
    ttb__notify_set_queue(notify, slot, flags, queue->horizon_ns);
}

int ttb__controller_call(struct ttb__controller *controller, unsigned slot)
{
    if (controller->state != TTB__CONTROLLER_WAITING || !controller->takes_calls)
        return -EINVAL;
    return ttb__notify_call(&controller->segment.notify, slot);
}

static int check_kick(struct ttb__controller *controller, const struct ttb__notify_kick *kick)
{
    if (kick->time < controller->kick_time)
        return ttb__controller_fail(controller, -EPROTO,
                                    "a logged kick is of %" PRIu64
                                    " ns, but it has run since %" PRIu64 " ns",
                                    kick->time, controller->kick_time);
    if (kick->time > controller->kick_time && kick->time >= controller->bound)
        return ttb__controller_fail(controller, -EPROTO,
                                    "a logged kick is of %" PRIu64
                                    " ns, but it may run only before %" PRIu64 " ns",
                                    kick->time, controller->bound);
    return 0;
}

int ttb__controller_serve_kicks(struct ttb__controller *controller)
{
    struct ttb__notify_kick kick;
    struct ttb__error error;
    int rc = 0;

    if (!controller->logs_kicks || controller->serving ||
        controller->state != TTB__CONTROLLER_RUNNING)
        return 0;
    controller->serving = true;
    while (rc == 0 && controller->state == TTB__CONTROLLER_RUNNING) {
        rc = ttb__notify_take_kick(&controller->segment.notify, &kick, &error);
        if (rc == 0)
            break;
        if (rc < 0) {
            ttb__controller_fail(controller, rc, "%s", error.text);
            break;
        }
        rc = check_kick(controller, &kick);
        if (rc)
            break;
        controller->kick_time = kick.time;
        controller->ops->kick(controller->user, kick.queue, ttb__to_bridge(controller, kick.time),
                              kick.avail_idx);
    }
    controller->serving = false;
    return controller->state == TTB__CONTROLLER_RUNNING ? 0 : controller->closed_err;
}

/* -------------------------------------------------------------------------------- handing over */

bool ttb__controller_watch(struct ttb__controller *controller, bool on)
{
    on = on && controller->hands_over;
    if (controller->hands_over && on != controller->is_watched)
        ttb__notify_watch(&controller->segment.notify, on);
    controller->is_watched = on;
    return on;
}

int ttb__controller_await(struct ttb__controller *controller, unsigned timeout_ms)
{
    struct ttb__notify *notify = &controller->segment.notify;

    if (controller->state != TTB__CONTROLLER_RUNNING || !controller->is_watched)
        return -ENOTCONN;
    if (ttb__notify_await(notify, timeout_ms)) {
        controller->waits_quietly = true;
        ttb__controller_note_wait(controller);
        return 1;
    }
    controller->is_watched = ttb__notify_is_watched(notify);
    return controller->is_watched ? 0 : -ENOTCONN;
}
