/* SPDX-License-Identifier: BSD-3-Clause */
/* What must be true at the end of the run, and what was found instead. */
#include "run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ttb__expect_add(struct ttb__run *run, bool met, char *what, char *found)
{
    struct ttb__outcome *grown =
        realloc(run->outcomes, (run->outcome_count + 1) * sizeof(*run->outcomes));

    if (grown)
        run->outcomes = grown;
    if (!grown || !what || !found) {
        free(what);
        free(found);
        return -ENOMEM;
    }
    run->outcomes[run->outcome_count++] =
        (struct ttb__outcome){.met = met, .what = what, .found = found};
    run->unmet_count += !met;
    return 0;
}

/* One expectation being checked: sentences are collected, "; " between them. */
struct check {
    struct ttb__run *run;
    const Ttb__Scenario__Expectation *given;
    struct ttb__run_node *node;
    FILE *what, *found;
    bool met, any;
    bool found_any;
};

__attribute__((format(printf, 2, 3))) static void find(struct check *check, const char *format, ...)
{
    va_list args;

    if (check->found_any)
        fputs("; ", check->found);
    check->found_any = true;
    va_start(args, format);
    vfprintf(check->found, format, args);
    va_end(args);
}

__attribute__((format(printf, 2, 3))) static void want(struct check *check, const char *format, ...)
{
    va_list args;

    fputs(check->any ? ", " : " ", check->what);
    check->any = true;
    va_start(args, format);
    vfprintf(check->what, format, args);
    va_end(args);
}

static void hold(struct check *check, bool met)
{
    check->met = check->met && met;
}

static void print_range(char *text, size_t size_bytes, const Ttb__Scenario__Range *range)
{
    uint64_t min = range->has_min ? range->min : 0;

    if (!range->has_max || range->max == UINT64_MAX)
        snprintf(text, size_bytes, "at least %" PRIu64, min);
    else if (min == range->max)
        snprintf(text, size_bytes, "%" PRIu64, min);
    else if (min == 0)
        snprintf(text, size_bytes, "at most %" PRIu64, range->max);
    else
        snprintf(text, size_bytes, "%" PRIu64 " to %" PRIu64, min, range->max);
}

static bool is_in(const Ttb__Scenario__Range *range, uint64_t value)
{
    return (!range->has_min || value >= range->min) && (!range->has_max || value <= range->max);
}

static void check_range(struct check *check, const char *what, const Ttb__Scenario__Range *range,
                        uint64_t value)
{
    char text[64];

    if (!range)
        return;
    print_range(text, sizeof(text), range);
    want(check, "%s %s", what, text);
    find(check, "%s %" PRIu64, what, value);
    hold(check, is_in(range, value));
}

/* time_ns TTB_TIME_NEVER: it did not happen. */
static void check_time(struct check *check, uint64_t time_ns)
{
    const Ttb__Scenario__Expectation *given = check->given;

    if (!given->has_after_ns && !given->has_before_ns)
        return;
    if (given->has_after_ns)
        want(check, "after %.9g s", (double)given->after_ns / 1e9);
    if (given->has_before_ns)
        want(check, "before %.9g s", (double)given->before_ns / 1e9);
    if (time_ns == TTB_TIME_NEVER) {
        find(check, "never");
        hold(check, false);
        return;
    }
    find(check, "at %.9f s", (double)time_ns / 1e9);
    hold(check, !given->has_after_ns || time_ns >= given->after_ns);
    hold(check, !given->has_before_ns || time_ns <= given->before_ns);
}

/* ------------------------------------------------------------------------------------- commands */

static void check_status(struct check *check, const struct ttb__run_command *command,
                         uint32_t wanted)
{
    want(check, "exit %" PRIu32, wanted);
    if (command->state == TTB__COMMAND_ENDED)
        find(check, "exit %" PRIu32, command->status);
    else
        find(check, "%s", ttb__result_command_state(command->state));
    hold(check, command->state == TTB__COMMAND_ENDED && command->status == wanted);
}

static void check_command(struct check *check)
{
    const struct ttb__run_command *command = NULL;

    for (size_t i = 0; i < check->node->command_count; i++) {
        const char *name = check->node->commands[i].given->name;

        if (name && strcmp(name, check->given->command) == 0)
            command = &check->node->commands[i];
    }
    if (!command) {
        find(check, "no such command");
        hold(check, false);
        return;
    }
    if (check->given->has_exit)
        check_status(check, command, check->given->exit);
    check_time(check, command->state == TTB__COMMAND_ENDED ? command->end_ns : TTB_TIME_NEVER);
}

/* The first foreground command that ended with another status than its own `exit`, 0 if none did. */
static void check_node_exit(struct check *check)
{
    const struct ttb__run_node *node = check->node;
    uint32_t status = 0;

    want(check, "exit %" PRIu32, check->given->exit);
    for (size_t i = 0; i < node->given->n_run; i++) {
        const struct ttb__run_command *command = &node->commands[i];
        uint32_t own = command->given->has_exit ? command->given->exit : 0;
        char name[80];

        if (command->given->background)
            continue;
        ttb__result_command_name(node, i, name, sizeof(name));
        if (command->state != TTB__COMMAND_ENDED) {
            find(check, "\"%s\" %s", name, ttb__result_command_state(command->state));
            hold(check, false);
            return;
        }
        if (command->status != own) {
            status = command->status;
            find(check, "exit %" PRIu32 " of \"%s\"", status, name);
            hold(check, status == check->given->exit);
            return;
        }
    }
    find(check, "exit 0");
    hold(check, check->given->exit == 0);
}

/* Last foreground command's end, if all have ended. */
static uint64_t foreground_end_ns(const struct ttb__run_node *node)
{
    return node->turn < node->given->n_run ? TTB_TIME_NEVER : node->foreground_end_ns;
}

/* --------------------------------------------------------------------------------------- nodes */

static void check_console(struct check *check, size_t number)
{
    const Ttb__Scenario__Expectation *given = check->given;
    uint64_t first_ns, count = ttb__console_watch_count(check->run, number, &first_ns);
    char why[128];

    want(check, "console %s\"%s\"", given->console ? "" : "matches ",
         given->console ? given->console : given->console_matches);
    if (ttb__console_watch_gave_up(check->run, number, why, sizeof(why))) {
        find(check, "gave up on a line that takes the pattern too long: %s", why);
        hold(check, false);
        return;
    }
    if (given->times) {
        check_range(check, "lines", given->times, count);
    } else {
        find(check, "lines %" PRIu64, count);
        hold(check, count > 0);
    }
    check_time(check, count ? first_ns : TTB_TIME_NEVER);
}

static bool file_contains(const struct ttb__run_file *file, const ProtobufCBinaryData *wanted)
{
    bool found = false;
    void *content;
    int fd;

    if (file->len_bytes < wanted->len)
        return false;
    fd = open(file->host_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    content = mmap(NULL, file->len_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (content != MAP_FAILED) {
        found = memmem(content, file->len_bytes, wanted->data, wanted->len) != NULL;
        munmap(content, file->len_bytes);
    }
    close(fd);
    return found;
}

static void check_file(struct check *check)
{
    const Ttb__Scenario__Expectation *given = check->given;
    const struct ttb__run_file *file = NULL;

    for (size_t i = 0; i < check->node->file_count; i++) {
        if (strcmp(check->node->files[i].path, given->file) == 0)
            file = &check->node->files[i];
    }
    want(check, "file %s", given->file);
    if (!file || !file->is_there) {
        if (file && file->error)
            find(check, "not collected: %s", strerror(file->error));
        else
            find(check, "not collected: the node did not hand it out");
        hold(check, false);
        return;
    }
    if (given->has_sha256) {
        char wanted[65], found[65];

        ttb_trace_hex(given->sha256.data, wanted);
        ttb_trace_hex(file->sha256, found);
        want(check, "sha256 %s", wanted);
        find(check, "sha256 %s", found);
        hold(check, memcmp(file->sha256, given->sha256.data, sizeof(file->sha256)) == 0);
    }
    if (given->has_contains) {
        bool there = file_contains(file, &given->contains);

        want(check, "contains \"%.*s\"", (int)(given->contains.len < 60 ? given->contains.len : 60),
             (const char *)given->contains.data);
        find(check, there ? "contains it" : "does not contain it");
        hold(check, there);
    }
    check_range(check, "bytes", given->size_bytes, file->len_bytes);
    if (!check->found_any)
        find(check, "%" PRIu64 " bytes", file->len_bytes);
}

static void check_state(struct check *check)
{
    static const char *const names[] = {
        [TTB__SCENARIO__EXPECTATION__STATE__RUNNING] = "running",
        [TTB__SCENARIO__EXPECTATION__STATE__STOPPED] = "stopped",
        [TTB__SCENARIO__EXPECTATION__STATE__FAILED] = "failed",
        [TTB__SCENARIO__EXPECTATION__STATE__PAUSED] = "paused",
    };
    const char *found = ttb__result_state(check->node), *wanted = names[check->given->state];

    want(check, "state %s", wanted);
    find(check, "state %s", found);
    hold(check, strcmp(found, wanted) == 0);
}

static void check_interface(struct check *check)
{
    const struct ttb__run_node *node = check->node;
    struct ttb_port_stats stats = {0};
    uint64_t dropped = 0;

    for (size_t i = 0; i < node->given->n_interfaces; i++) {
        if (strcmp(node->given->interfaces[i]->name, check->given->interface) == 0)
            ttb_port_get_stats(node->ports[i], &stats);
    }
    for (unsigned i = 0; i < TTB_DROP_COUNT; i++)
        dropped += stats.dropped[i];
    check_range(check, "sent frames", check->given->sent_frames, stats.tx_frames);
    check_range(check, "received frames", check->given->received_frames, stats.rx_frames);
    check_range(check, "dropped frames", check->given->dropped_frames, dropped);
}

static void check_link(struct check *check)
{
    const Ttb__Scenario__Expectation *given = check->given;
    struct ttb__link_counters counters;
    uint64_t dropped;

    check->run->ops->count_link(check->run->network,
                                ttb__run_find_link(check->run->scenario, given->link), &counters);
    dropped = counters.lost + counters.queue_full + counters.down + counters.other;
    if (given->has_drop && given->drop == TTB__SCENARIO__EXPECTATION__DROP__LOSS)
        dropped = counters.lost;
    else if (given->has_drop && given->drop == TTB__SCENARIO__EXPECTATION__DROP__QUEUE)
        dropped = counters.queue_full;
    else if (given->has_drop && given->drop == TTB__SCENARIO__EXPECTATION__DROP__DOWN)
        dropped = counters.down;
    check_range(check, "sent frames", given->sent_frames, counters.sent);
    check_range(check, "received frames", given->received_frames, counters.received);
    check_range(check, "dropped frames", given->dropped_frames, dropped);
}

static void check_node(struct check *check, size_t number)
{
    const Ttb__Scenario__Expectation *given = check->given;
    bool timed = given->has_after_ns || given->has_before_ns;

    if (given->has_exit)
        check_node_exit(check);
    if (given->console || given->console_matches)
        check_console(check, number);
    else if (timed)
        check_time(check, foreground_end_ns(check->node));
    if (given->file)
        check_file(check);
    if (given->has_state)
        check_state(check);
}

/* ---------------------------------------------------------------------------------------- all */

static int check_one(struct ttb__run *run, size_t number)
{
    const Ttb__Scenario__Expectation *given = run->scenario->expect[number];
    struct check check = {.run = run, .given = given, .met = true};
    char *what = NULL, *found = NULL;
    size_t len_bytes;

    check.what = open_memstream(&what, &len_bytes);
    check.found = open_memstream(&found, &len_bytes);
    if (!check.what || !check.found)
        return -ENOMEM;
    if (given->node)
        check.node = ttb__run_find_node(run, given->node);
    fprintf(check.what, "%s%s%s%s:",
            given->node   ? given->node
            : given->link ? given->link
                          : "run",
            given->command || given->interface ? "." : "", given->command ? given->command : "",
            given->interface ? given->interface : "");
    if (given->command)
        check_command(&check);
    else if (given->interface)
        check_interface(&check);
    else if (given->link)
        check_link(&check);
    else if (given->node)
        check_node(&check, number);
    else
        check_time(&check, run->end_ns);
    if (fclose(check.what) != 0 || fclose(check.found) != 0)
        return -ENOMEM;
    return ttb__expect_add(run, check.met, what, found);
}

/* A command's own `exit` is an expectation as well. */
static int check_own_exit(struct ttb__run *run, const struct ttb__run_node *node, size_t number)
{
    const struct ttb__run_command *command = &node->commands[number];
    bool ended = command->state == TTB__COMMAND_ENDED;
    char name[80], *what, *found;

    if (!command->given->has_exit)
        return 0;
    ttb__result_command_name(node, number, name, sizeof(name));
    if (asprintf(&what, "%s: \"%s\" exit %" PRIu32, node->given->name, name, command->given->exit) <
        0)
        return -ENOMEM;
    if ((ended ? asprintf(&found, "exit %" PRIu32, command->status)
               : asprintf(&found, "%s", ttb__result_command_state(command->state))) < 0)
        found = NULL;
    return ttb__expect_add(run, ended && command->status == command->given->exit, what, found);
}

static int check_wanted(struct ttb__run *run, const struct ttb__run_node *node,
                        const struct ttb__run_file *file)
{
    char *what, *found;

    if (!file->wanted || file->is_there)
        return 0;
    if (asprintf(&what, "%s: collect %s", node->given->name, file->path) < 0)
        return -ENOMEM;
    found = strdup(file->error ? strerror(file->error) : "the node did not hand it out");
    return ttb__expect_add(run, false, what, found);
}

int ttb__expect_check(struct ttb__run *run)
{
    int rc = 0;

    for (size_t i = 0; i < run->scenario->n_expect && !rc; i++)
        rc = check_one(run, i);
    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];

        for (size_t j = 0; j < node->command_count && !rc; j++)
            rc = check_own_exit(run, node, j);
        for (size_t j = 0; j < node->file_count && !rc; j++)
            rc = check_wanted(run, node, &node->files[j]);
    }
    return rc;
}
