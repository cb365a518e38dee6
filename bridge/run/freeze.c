/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Simulated time stands still for a human, or keeps pace with the wall clock. Both is done between two
 * acts, where the bridge asks before time goes on (ttb_gate_fn), and changes nothing of what happens: the
 * trace of a run that was frozen is that of one that was not.
 */
#include "run/freeze.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Wall time between two looks at a terminal while nodes are busy. */
#define LOOK_NS UINT64_C(10000000)

/* A run that is so much late by its pace does not try to catch up. */
#define LATE_NS UINT64_C(200000000)

static uint64_t pause_ns(const struct ttb__freeze *freeze)
{
    uint64_t next_ns =
        freeze->pause < freeze->pause_count ? freeze->pauses[freeze->pause] : TTB_TIME_NEVER;

    return next_ns < freeze->target_ns ? next_ns : freeze->target_ns;
}

/* ---------------------------------------------------------------------------------------- pace */

static bool has_pace(const struct ttb__run *run)
{
    return run->freeze->pace > 0 && (run->freeze->pace_stays || ttb__terminal_is_attached(run));
}

static void start_pace(struct ttb__run *run, uint64_t now_ns)
{
    run->freeze->base_ns = now_ns;
    run->freeze->base_wall_ns = ttb__run_wall_ns();
}

/* Wall time that is left until simulated time_ns is due. */
static uint64_t wall_left_ns(struct ttb__run *run, uint64_t time_ns)
{
    struct ttb__freeze *freeze = run->freeze;
    uint64_t gone_ns = ttb__run_wall_ns() - freeze->base_wall_ns;
    double due_ns =
        time_ns > freeze->base_ns ? (double)(time_ns - freeze->base_ns) / freeze->pace : 0;

    if (due_ns > (double)gone_ns)
        return due_ns - (double)gone_ns > 1e18 ? UINT64_C(1000000000000000000)
                                               : (uint64_t)(due_ns - (double)gone_ns) + 1;
    if ((double)gone_ns - due_ns > (double)LATE_NS)
        start_pace(run, time_ns);
    return 0;
}

uint64_t ttb__freeze_present_ns(const struct ttb__run *run)
{
    const struct ttb__freeze *freeze = run->freeze;
    double gone_ns;

    if (!has_pace(run) || !freeze->base_wall_ns || freeze->next_ns < freeze->base_ns)
        return 0;
    gone_ns = (double)(ttb__run_wall_ns() - freeze->base_wall_ns) * freeze->pace;
    if (gone_ns > (double)(freeze->next_ns - freeze->base_ns))
        return freeze->next_ns;
    return freeze->base_ns + (uint64_t)gone_ns;
}

/* -------------------------------------------------------------------------------------- the gate */

static enum ttb__hold must_hold(struct ttb__run *run)
{
    struct ttb__freeze *freeze = run->freeze;
    uint64_t wall_ns;

    if (freeze->next_ns >= freeze->stop_ns)
        return TTB__HOLD_STOP;
    if (freeze->now || freeze->next_ns >= pause_ns(freeze))
        return TTB__HOLD_FROZEN;
    ttb__terminal_show_console(run);
    if (has_pace(run) && wall_left_ns(run, freeze->next_ns) > 0)
        return TTB__HOLD_EARLY;
    if (!ttb__terminal_is_attached(run))
        return TTB__HOLD_NONE;
    wall_ns = ttb__run_wall_ns();
    if (wall_ns - freeze->looked_wall_ns < LOOK_NS)
        return TTB__HOLD_NONE;
    freeze->looked_wall_ns = wall_ns;
    return TTB__HOLD_LOOK;
}

static bool gate(void *user, uint64_t next_ns, uint64_t until_ns)
{
    struct ttb__run *run = user;
    struct ttb__freeze *freeze = run->freeze;

    if (run->ending)
        return true; /* files are collected: nothing of the scenario's */
    freeze->next_ns = next_ns;
    freeze->until_ns = until_ns;
    if (!run->interrupted) {
        freeze->hold = must_hold(run);
        if (freeze->hold == TTB__HOLD_NONE)
            return true;
    }
    run->ops->stop(run->network);
    return false;
}

/* -------------------------------------------------------------------------------------- waiting */

int ttb__freeze_wait(struct ttb__run *run, struct pollfd *polled, nfds_t count, uint64_t timeout_ns)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                               .tv_nsec = (long)(timeout_ns % 1000000000)};
    sigset_t blocked, before;
    int rc = -1;

    /* A signal that comes after the look at `interrupted` must end the wait. */
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaddset(&blocked, signals[i]);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    errno = EINTR;
    if (!run->interrupted)
        rc = ppoll(polled, count, timeout_ns == TTB_TIME_NEVER ? NULL : &timeout, &before);
    if (rc < 0 && errno != EINTR)
        rc = 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void wait_until_due(struct ttb__run *run)
{
    struct pollfd polled = {.fd = ttb__terminal_fd(run), .events = POLLIN};
    uint64_t left_ns = wall_left_ns(run, run->freeze->next_ns);

    /* After a stop by a signal the shell has set up the terminal for itself. */
    if (left_ns && ttb__freeze_wait(run, &polled, 1, left_ns) < 0)
        ttb__terminal_take(run);
}

static int freeze_here(struct ttb__run *run)
{
    struct ttb__freeze *freeze = run->freeze;
    int rc;

    freeze->frozen_ns = ttb__run_now_ns(run);
    if (freeze->pause < freeze->pause_count && freeze->pauses[freeze->pause] <= freeze->next_ns)
        freeze->frozen_ns = freeze->pauses[freeze->pause++];
    else if (!freeze->stepping && freeze->target_ns <= freeze->next_ns)
        freeze->frozen_ns = freeze->target_ns;
    ttb__terminal_give_back(run);
    if (ttb__terminal_is_attached(run))
        putchar('\n'); /* the shell's line is not ended */
    freeze->now = false;
    freeze->stepping = false;
    freeze->target_ns = TTB_TIME_NEVER;
    rc = ttb__prompt(run);
    ttb__terminal_take(run);
    start_pace(run, freeze->next_ns);
    return rc;
}

int ttb__freeze_attend(struct ttb__run *run)
{
    struct ttb__freeze *freeze = run->freeze;
    enum ttb__hold hold;
    int rc;

    if (!freeze)
        return 0;
    if (!freeze->base_wall_ns) {
        start_pace(run, 0);
        ttb__terminal_take(run);
    }
    hold = freeze->hold;
    freeze->hold = TTB__HOLD_NONE;
    if (hold == TTB__HOLD_STOP) {
        freeze->stopped = true;
        ttb__run_interrupt(run);
        return 0;
    }
    if (hold == TTB__HOLD_FROZEN) {
        rc = freeze_here(run);
        if (rc)
            return rc;
    }
    rc = ttb__terminal_attend(run);
    if (!rc && hold == TTB__HOLD_EARLY && !freeze->now && has_pace(run))
        wait_until_due(run);
    return rc;
}

void ttb__freeze_now(struct ttb__run *run)
{
    run->freeze->now = true;
}

bool ttb__freeze_is_due(const struct ttb__run *run)
{
    return run->freeze->now;
}

void ttb__freeze_record(struct ttb__run *run, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record)
{
    char text[400];

    if (!run->freeze || !run->freeze->stepping)
        return;
    ttb__progress_hide(run);
    ttb_trace_describe(tables, record, text, sizeof(text));
    printf("  %s\n", text);
    fflush(stdout);
}

/* ----------------------------------------------------------------------------------------- life */

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

int ttb__freeze_new(struct ttb__run *run, const struct ttb__run_opts *opts)
{
    struct ttb__freeze *freeze;
    int rc;

    if (!opts->console && !opts->pause_count && !opts->has_pace && !opts->has_stop)
        return 0;
    if (opts->console) {
        rc = ttb__terminal_new(run, opts->console);
        if (rc)
            return rc;
    }
    freeze = calloc(1, sizeof(*freeze));
    run->freeze = freeze;
    if (freeze)
        freeze->pauses = calloc(opts->pause_count + 1, sizeof(*freeze->pauses));
    if (!freeze || !freeze->pauses)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    for (size_t i = 0; i < opts->pause_count; i++)
        freeze->pauses[freeze->pause_count++] = opts->pauses[i];
    qsort(freeze->pauses, freeze->pause_count, sizeof(*freeze->pauses), compare_times);
    freeze->target_ns = TTB_TIME_NEVER;
    freeze->stop_ns = opts->has_stop ? opts->stop_ns : TTB_TIME_NEVER;
    freeze->pace = opts->has_pace ? opts->pace : 1;
    freeze->pace_stays = opts->has_pace;
    ttb_bridge_set_gate(ttb_lab_bridge(run->lab), gate, run);
    return 0;
}

bool ttb__run_has_come_to_stop(const struct ttb__run *run)
{
    return run->freeze && run->freeze->stopped;
}

void ttb__freeze_end(struct ttb__run *run)
{
    const struct ttb__freeze *freeze = run->freeze;
    char time[TTB__TIME_TEXT];

    if (!freeze)
        return;
    ttb__terminal_show_console(run);
    ttb__terminal_give_back(run);
    for (size_t i = freeze->pause; i < freeze->pause_count && run->ending != TTB_TRACE_STOPPED; i++)
        ttb__terminal_say(run, "ttb: the run was over before %s, where it was to be frozen",
                          ttb__look_time(freeze->pauses[i], time));
}

void ttb__freeze_free(struct ttb__run *run)
{
    ttb__terminal_free(run);
    if (!run->freeze)
        return;
    ttb_bridge_set_gate(ttb_lab_bridge(run->lab), NULL, NULL);
    free(run->freeze->pauses);
    free(run->freeze);
    run->freeze = NULL;
}
