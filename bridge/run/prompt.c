/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prompt of a run that stands still. Commands are lines on standard input, a terminal or a pipe; answers
 * go to standard output. The end of input ends the run, as "quit" does: nobody is left to let it go on.
 */
#include "run/freeze.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/time_text.h"

#define LINE_MAX_BYTES 256
#define CONSOLE_LINES  20

/* What comes of a command. */
enum answer {
    STAY, /* the next command, please */
    GO,   /* time goes on */
};

struct command {
    const char *name;
    const char *usage; /* after the name */
    const char *help;
    enum answer (*act)(struct ttb__run *run, const char *argument);
};

/* ------------------------------------------------------------------------------------- commands */

static enum answer act_step(struct ttb__run *run, const char *argument)
{
    struct ttb__freeze *freeze = run->freeze;

    if (*argument) {
        printf("step: takes nothing after it, not \"%s\"\n", argument);
        return STAY;
    }
    freeze->target_ns = freeze->next_ns + 1;
    freeze->stepping = true;
    return GO;
}

static enum answer act_run(struct ttb__run *run, const char *argument)
{
    char now[TTB__TIME_TEXT];
    bool relative = *argument == '+';
    uint64_t time_ns, now_ns = run->freeze->frozen_ns;

    if (!*argument) {
        puts("run: until when? A time, e.g. \"run 1.5s\"; or \"run +10ms\", from now");
        return STAY;
    }
    if (!ttb__time_parse(argument + relative, &time_ns) ||
        (relative && __builtin_add_overflow(time_ns, now_ns, &time_ns))) {
        printf("run: \"%s\" is no time; e.g. 1.5s, 20ms, +7us\n", argument);
        return STAY;
    }
    if (time_ns <= now_ns) {
        printf("run: \"%s\" is over: it is %s\n", argument, ttb__look_time(now_ns, now));
        return STAY;
    }
    run->freeze->target_ns = time_ns;
    return GO;
}

static enum answer act_continue(struct ttb__run *run, const char *argument)
{
    (void)run;
    if (*argument) {
        printf("continue: takes nothing after it, not \"%s\"; \"run TIME\" stops again\n",
               argument);
        return STAY;
    }
    return GO;
}

static enum answer act_nodes(struct ttb__run *run, const char *argument)
{
    (void)argument;
    ttb__look_at_nodes(run);
    return STAY;
}

static enum answer act_events(struct ttb__run *run, const char *argument)
{
    (void)argument;
    if (ttb__look_at_events(run))
        puts("events: out of memory");
    return STAY;
}

/* NULL, after a sentence. */
static struct ttb__run_node *find_node(struct ttb__run *run, const char *command, const char *name)
{
    struct ttb__run_node *node;

    if (!*name) {
        printf("%s: which node? \"nodes\" lists them\n", command);
        return NULL;
    }
    node = ttb__run_find_node(run, name);
    if (!node)
        printf("%s: there is no node \"%s\"; \"nodes\" lists them\n", command, name);
    return node;
}

static enum answer act_gdb(struct ttb__run *run, const char *argument)
{
    const struct ttb__run_node *node = find_node(run, "gdb", argument);

    if (node)
        ttb__look_with_gdb(node);
    return STAY;
}

static enum answer act_console(struct ttb__run *run, const char *argument)
{
    char name[LINE_MAX_BYTES];
    size_t name_bytes = strcspn(argument, " ");
    const struct ttb__run_node *node;
    unsigned long lines = CONSOLE_LINES;

    snprintf(name, sizeof(name), "%.*s", (int)name_bytes, argument);
    argument += name_bytes + strspn(argument + name_bytes, " ");
    if (*argument) {
        char *end;

        lines = strtoul(argument, &end, 10);
        if (*end || *argument < '1' || *argument > '9' || lines > 1000000) {
            printf("console: \"%s\" is no number of lines\n", argument);
            return STAY;
        }
    }
    node = find_node(run, "console", name);
    if (node)
        ttb__look_at_console(node, (unsigned)lines);
    return STAY;
}

static enum answer act_quit(struct ttb__run *run, const char *argument)
{
    (void)argument;
    ttb__run_interrupt(run);
    return GO;
}

static enum answer act_help(struct ttb__run *run, const char *argument);

static const struct command commands[] = {
    {"step", "", "do what comes next, show it, and freeze again", act_step},
    {"run", "TIME", "go on until TIME (1.5s), or for a while (+10ms)", act_run},
    {"continue", "", "go on until the next --pause-at, or the end", act_continue},
    {"nodes", "", "list nodes: state, clock, what they wait for, process", act_nodes},
    {"events", "", "list what is to come", act_events},
    {"console", "NODE [LINES]", "show what a node printed last", act_console},
    {"gdb", "NODE", "tell how to look at a node with gdb", act_gdb},
    {"help", "", "this list", act_help},
    {"quit", "", "end the run; its trace is complete up to here", act_quit},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum answer act_help(struct ttb__run *run, const char *argument)
{
    (void)run;
    (void)argument;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char what[40];

        snprintf(what, sizeof(what), "%s %s", commands[i].name, commands[i].usage);
        printf("  %-21s %s\n", what, commands[i].help);
    }
    puts("Names may be shortened. An empty line after \"step\" is another one.");
    return STAY;
}

/* The first that begins so: "c" is "continue". */
static const struct command *find_command(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strncmp(commands[i].name, name, name_bytes) == 0)
            return &commands[i];
    }
    fputs("there is no command \"", stdout);
    for (size_t i = 0; i < name_bytes; i++)
        putchar(name[i] < ' ' || name[i] > '~' ? '?' : name[i]);
    puts("\"; \"help\" lists them");
    return NULL;
}

static enum answer obey(struct ttb__run *run, char *line)
{
    const struct command *command;
    size_t len_bytes, name_bytes;

    line += strspn(line, " \t");
    for (len_bytes = strlen(line); len_bytes && strchr(" \t\r", line[len_bytes - 1]); len_bytes--)
        line[len_bytes - 1] = 0;
    name_bytes = strcspn(line, " \t");
    if (!name_bytes)
        return STAY;
    command = find_command(line, name_bytes);
    if (!command)
        return STAY;
    line += name_bytes;
    return command->act(run, line + strspn(line, " \t"));
}

/* ---------------------------------------------------------------------------------------- deaths */

/* Processes of nodes: [0] is standard input, [1 + i] that of node i. */
static struct pollfd *watch(const struct ttb__run *run)
{
    struct pollfd *polled = calloc(run->node_count + 1, sizeof(*polled));

    if (!polled)
        return NULL;
    polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (size_t i = 0; i < run->node_count; i++) {
        int pid = ttb_lab_node_pid(run->nodes[i].lab_node);

        polled[1 + i] = (struct pollfd){.fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1,
                                        .events = POLLIN};
    }
    return polled;
}

static void unwatch(const struct ttb__run *run, struct pollfd *polled)
{
    for (size_t i = 0; i < run->node_count; i++) {
        if (polled[1 + i].fd >= 0)
            close(polled[1 + i].fd);
    }
    free(polled);
}

static void report_death(const struct ttb__run_node *node, int pidfd)
{
    siginfo_t info = {0};

    printf("\nnode %s has died while time stands still", node->given->name);
    /* It stays to be waited for by the lab. */
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
        if (info.si_code == CLD_EXITED)
            printf(": exited with status %d", info.si_status);
        else
            printf(": killed by signal %d (%s)", info.si_status, strsignal(info.si_status));
    }
    puts("; the run will see it when time goes on");
}

/* ----------------------------------------------------------------------------------------- lines */

static void prompt(void)
{
    fputs("ttb> ", stdout);
    fflush(stdout);
}

enum reading {
    LINE,
    LINE_TOO_LONG,
    END, /* of input */
};

/* A character at a time: what comes after the line may be for a node's terminal. */
static enum reading read_line(struct ttb__run *run, struct pollfd *polled, char *line)
{
    size_t used = 0;
    bool too_long = false;

    for (;;) {
        char c;
        ssize_t got;

        if (run->interrupted)
            return END;
        if (ttb__freeze_wait(run, polled, run->node_count + 1, TTB_TIME_NEVER) < 0)
            continue;
        for (size_t i = 0; i < run->node_count; i++) {
            if (polled[1 + i].fd < 0 || !polled[1 + i].revents)
                continue;
            report_death(&run->nodes[i], polled[1 + i].fd);
            close(polled[1 + i].fd);
            polled[1 + i].fd = -1;
            prompt();
        }
        if (!polled[0].revents)
            continue;
        got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0 && !used)
            return END;
        if (got <= 0 || c == '\n')
            break;
        if (used + 1 < LINE_MAX_BYTES)
            line[used++] = c ? c : '?';
        else
            too_long = true;
    }
    line[used] = 0;
    return too_long ? LINE_TOO_LONG : LINE;
}

static enum answer talk(struct ttb__run *run, struct pollfd *polled, bool was_step)
{
    char line[LINE_MAX_BYTES];
    enum answer answer = STAY;

    while (answer == STAY) {
        prompt();
        switch (read_line(run, polled, line)) {
        case END:
            if (!run->interrupted)
                puts("\nend of input: the run ends");
            else
                putchar('\n');
            ttb__run_interrupt(run);
            return GO;
        case LINE_TOO_LONG:
            printf("a line of more than %d bytes is no command\n", LINE_MAX_BYTES - 1);
            break;
        default:
            if (was_step && !line[0])
                strcpy(line, "step");
            was_step = false;
            answer = obey(run, line);
            break;
        }
        fflush(stdout);
    }
    return answer;
}

int ttb__prompt(struct ttb__run *run)
{
    struct ttb__freeze *freeze = run->freeze;
    struct pollfd *polled = watch(run);
    char at[TTB__TIME_TEXT], next[200];

    if (!polled)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    ttb__progress_hide(run);
    ttb__look_next(run, next, sizeof(next));
    printf("frozen at %s; next: %s\n", ttb__look_time(freeze->frozen_ns, at), next);
    talk(run, polled, freeze->was_step);
    freeze->was_step = freeze->stepping;
    unwatch(run, polled);
    return 0;
}
