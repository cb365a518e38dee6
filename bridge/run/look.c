/* SPDX-License-Identifier: BSD-3-Clause */
/* What the prompt shows of a run that stands still. */
#include "run/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a console's end; more is in console.log. */
#define TAIL_BYTES 262144

const char *ttb__look_time(uint64_t time_ns, char text[TTB__TIME_TEXT])
{
    if (time_ns == TTB_TIME_NEVER)
        snprintf(text, TTB__TIME_TEXT, "never");
    else
        snprintf(text, TTB__TIME_TEXT, "%" PRIu64 ".%09" PRIu64 " s", time_ns / 1000000000,
                 time_ns % 1000000000);
    return text;
}

/* --------------------------------------------------------------------------------------- nodes */

static struct ttb_node_outlook outlook_of(const struct ttb__run_node *node)
{
    struct ttb_node_outlook outlook = {.size = sizeof(outlook)};

    if (ttb_node_get_outlook(node->node, &outlook))
        outlook.request_ns = TTB_TIME_NEVER;
    return outlook;
}

static const char *state_of(const struct ttb__run_node *node,
                            const struct ttb_node_outlook *outlook)
{
    if (outlook->is_paused)
        return "paused";
    return ttb_node_state_name(ttb_node_get_state(node->node));
}

void ttb__look_at_nodes(struct ttb__run *run)
{
    printf("%-16s %-9s %8s  %-22s %s\n", "node", "state", "pid", "clock", "acts at");
    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];
        struct ttb_node_outlook outlook = outlook_of(node);
        char clock[TTB__TIME_TEXT], request[TTB__TIME_TEXT], pid[16];
        int process = ttb_lab_node_pid(node->lab_node);
        const char *failure = ttb_node_failure(node->node);

        snprintf(pid, sizeof(pid), "%d", process);
        printf("%-16s %-9s %8s  %-22s %s%s\n", node->given->name, state_of(node, &outlook),
               process ? pid : "-", outlook.time_ns ? ttb__look_time(outlook.time_ns, clock) : "-",
               outlook.request_ns == TTB_TIME_NEVER ? "-"
                                                    : ttb__look_time(outlook.request_ns, request),
               outlook.has_calls ? " (interrupt)" : "");
        if (failure[0])
            printf("%-16s %s\n", "", failure);
    }
}

/* -------------------------------------------------------------------------------------- events */

struct pending {
    uint64_t time_ns;
    size_t order;
    char text[200];
};

struct list {
    struct pending *entries;
    size_t count;
};

static void put(struct list *list, uint64_t time_ns, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct list *list, uint64_t time_ns, const char *format, ...)
{
    struct pending *entry = &list->entries[list->count];
    va_list args;

    entry->time_ns = time_ns;
    entry->order = list->count++;
    va_start(args, format);
    vsnprintf(entry->text, sizeof(entry->text), format, args);
    va_end(args);
}

static int compare(const void *a, const void *b)
{
    const struct pending *x = a, *y = b;

    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* At one instant: the network, nodes in their order, what the scenario does. */
static int collect(struct ttb__run *run, struct list *list)
{
    const struct ttb__freeze *freeze = run->freeze;
    uint64_t duration_ns = run->scenario->duration_ns, bound_ns = ttb__action_next_ns(run);

    list->count = 0;
    list->entries = calloc(2 * run->node_count + run->action_count + 2, sizeof(*list->entries));
    if (!list->entries)
        return -ENOMEM;
    if (duration_ns < bound_ns)
        bound_ns = duration_ns;
    if (freeze->until_ns < bound_ns)
        put(list, freeze->until_ns, "network (%s): its next event", run->ops->name);
    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];
        struct ttb_node_outlook outlook = outlook_of(node);
        bool starts = ttb_node_get_state(node->node) == TTB_NODE_IDLE;

        if (outlook.sent_ns != TTB_TIME_NEVER)
            put(list, outlook.sent_ns, "node %s: its frame enters the network", node->given->name);
        if (outlook.request_ns != TTB_TIME_NEVER && !outlook.is_paused)
            put(list, outlook.request_ns, "node %s: %s", node->given->name,
                starts              ? "is switched on"
                : outlook.has_calls ? "is interrupted"
                                    : "acts");
    }
    for (size_t i = 0; i < run->action_count; i++) {
        const struct ttb__action *action = &run->actions[i];
        char text[180];

        if (action->kind == TTB__ACTION_TURN && run->nodes[action->number].lives != action->life)
            continue; /* of an earlier life: nothing will come of it */
        ttb__action_describe(run, action, text, sizeof(text));
        put(list, action->time_ns, "%s", text);
    }
    put(list, duration_ns, "the run's duration is over");
    qsort(list->entries, list->count, sizeof(*list->entries), compare);
    return 0;
}

int ttb__look_at_events(struct ttb__run *run)
{
    struct list list;
    int rc = collect(run, &list);

    for (size_t i = 0; !rc && i < list.count; i++) {
        char time[TTB__TIME_TEXT];

        printf("%20s  %s\n", ttb__look_time(list.entries[i].time_ns, time), list.entries[i].text);
    }
    free(list.entries);
    for (size_t i = 0; run->ops->under_way && i < run->scenario->n_links; i++) {
        uint64_t frames = run->ops->under_way(run->network, i);

        if (frames)
            printf("%20s  link %s: %" PRIu64 " frame%s under way\n", "",
                   run->scenario->links[i]->name, frames, frames == 1 ? "" : "s");
    }
    return rc;
}

void ttb__look_next(struct ttb__run *run, char *text, size_t size_bytes)
{
    struct list list;
    char time[TTB__TIME_TEXT];

    if (collect(run, &list))
        snprintf(text, size_bytes, "(out of memory)");
    else
        snprintf(text, size_bytes, "%s at %s", list.entries[0].text,
                 ttb__look_time(list.entries[0].time_ns, time));
    free(list.entries);
}

/* ------------------------------------------------------------------------------------- console */

void ttb__look_at_console(const struct ttb__run_node *node, unsigned lines)
{
    uint64_t len_bytes = ttb_lab_node_console_len_bytes(node->lab_node);
    uint64_t start = len_bytes > TAIL_BYTES ? len_bytes - TAIL_BYTES : 0;
    char *text = malloc(TAIL_BYTES + 1), *from;
    int64_t got;

    if (!text) {
        puts("console: out of memory");
        return;
    }
    got = ttb_lab_node_read_console(node->lab_node, start, text, TAIL_BYTES);
    if (got < 0) {
        printf("console: %s: %s\n", ttb_lab_node_console_path(node->lab_node), strerror((int)-got));
    } else if (got == 0) {
        puts("(nothing)");
    } else {
        bool ended = text[got - 1] == '\n';

        from = text + got - ended;
        while (from > text && (from[-1] != '\n' || --lines))
            from--;
        fwrite(from, 1, (size_t)(text + got - from), stdout);
        if (!ended)
            putchar('\n');
    }
    free(text);
}

/* ----------------------------------------------------------------------------------------- gdb */

/* Whether only ancestors of a process may trace it (Documentation/admin-guide/LSM/Yama.rst). */
static bool needs_privilege(void)
{
    int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
    char scope = '0';

    if (fd >= 0) {
        if (read(fd, &scope, 1) != 1)
            scope = '0';
        close(fd);
    }
    return scope != '0' && geteuid() != 0;
}

void ttb__look_with_gdb(const struct ttb__run_node *node)
{
    int pid = ttb_lab_node_pid(node->lab_node);

    if (!pid) {
        printf("gdb: node %s has no process: it is %s\n", node->given->name,
               ttb_node_state_name(ttb_node_get_state(node->node)));
        return;
    }
    /* The kernel takes page faults of its own as SIGSEGV and interrupts as SIGIO and SIGALRM
     * (arch/um/os-Linux/signal.c). */
    printf("In another terminal:\n"
           "  %sgdb -p %d -ex 'handle SIGSEGV SIGBUS SIGIO SIGALRM SIGUSR1 SIGWINCH nostop noprint "
           "pass' %s\n"
           "Set breakpoints there, \"continue\" there, and let time go on here. \"detach\" there "
           "before "
           "the run ends.\n",
           needs_privilege() ? "sudo " : "", pid, ttb_lab_node_kernel_path(node->lab_node));
}
