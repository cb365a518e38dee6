/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * A run, shared by the files of this folder only.
 *
 *   run.c       life of a run: the loop that lets simulated time pass from one action to the next
 *   play.c      the other loop: one node lives through what was recorded of it; debugger.c: gdb
 *   setup.c     Linux nodes from the scenario
 *   action.c    what is done at which simulated time; events
 *   command.c   which command runs when; talking to the agents (guest/)
 *   collect.c   files that nodes hand out
 *   limits.c    what a run needs of the host's limits
 *   input.c     what a human does to a node, at a simulated time
 *   terminal.c  the human's terminal
 *   freeze.c    simulated time stands still, or keeps pace; prompt.c the prompt; look.c what it shows
 *   console.c   text on consoles that somebody expects
 *   expect.c    expectations
 *   result.c    the verdict, summary.json; report.c for people; junit.c for CI systems
 *   progress.c  the line on the terminal
 *   traced.c    links and losses for the trace
 *   network_*.c engines
 */
#ifndef TTB_RUN_INTERNAL_H
#define TTB_RUN_INTERNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/lab.h>

#include "run/guest/control.h"
#include "run/network.h"
#include "run/run.h"

#define TTB__RUN_ERROR_MAX 1024

/* A folder's worth of files; sparse on the host. */
#define TTB__OUTPUT_BYTES (UINT64_C(1) << 30)

/* Where the end came about by what a node did, others may be ahead of it: simulated time after which
 * all can be told. The same for every look-ahead up to this. */
#define TTB__COLLECT_DELAY_NS UINT64_C(100000000)

/* Simulated time that nodes have after the end of the run for handing out their files. Disks and the
 * processor take no simulated time, so a node that needs longer does not answer at all. */
#define TTB__COLLECT_GRACE_NS UINT64_C(1000000000)

enum ttb__command_state {
    TTB__COMMAND_PENDING, /* its turn has not come */
    TTB__COMMAND_QUEUED,  /* an exec whose node has not booted yet */
    TTB__COMMAND_RUNNING,
    TTB__COMMAND_ENDED,
    TTB__COMMAND_CUT, /* the node ended before it did */
};

struct ttb__run_command {
    const Ttb__Scenario__Command *given;
    bool is_exec; /* of an event, not of `run` */
    enum ttb__command_state state;
    uint64_t start_ns, end_ns;
    uint32_t status; /* ENDED */
};

struct ttb__run_file {
    const char *path; /* in the node */
    bool wanted;      /* in the list to be collected, and not optional */
    bool is_there;    /* was collected */
    int error;        /* errno in the node; 0 if is_there */
    uint64_t len_bytes;
    uint8_t sha256[32];
    char *host_path; /* absolute; NULL unless is_there */
};

/*
 * Invariants:
 * - `listening` from HELLO on until the node's end; only then frames go to the agent.
 * - `turn` is the command of `run` whose turn it is; all before it have been started.
 */
struct ttb__run_node {
    struct ttb__run *run;
    const Ttb__Scenario__Node *given;
    size_t number;
    struct ttb_lab_node *lab_node;
    struct ttb_node *node;
    struct ttb_port *control;
    struct ttb_port **ports; /* by interface */
    struct ttb__run_command *commands;
    size_t command_count, turn;
    bool listening;
    bool paused;
    bool stopping;       /* SHUTDOWN was sent */
    bool stopped_by_us;  /* killed, or told to stop */
    bool collecting;     /* COLLECTED has not come */
    bool never_answered; /* it ended without HELLO in the last life */
    bool console_open;   /* a shell runs on a terminal of the runner's */
    unsigned lives;      /* HELLOs */
    struct ttb__run_file *files;
    size_t file_count;
    uint64_t foreground_end_ns; /* when the last foreground command ended */
};

enum ttb__action_kind {
    TTB__ACTION_EVENT, /* an event of the scenario */
    TTB__ACTION_TURN,  /* a command's time has come */
    TTB__ACTION_INPUT, /* of a human; after the others of its time, whenever it was put in */
};

struct ttb__action {
    uint64_t time_ns;
    uint64_t order; /* of those at one time */
    enum ttb__action_kind kind;
    size_t number; /* event, node, or input */
    size_t command;
    unsigned life; /* TURN: valid in this life of the node */
};

/* Something that a callback noted; handled when the network has returned. */
struct ttb__note {
    enum {
        TTB__NOTE_MESSAGE,
        TTB__NOTE_ENDED,
    } kind;
    struct ttb__run_node *node;
    uint64_t time_ns;
    enum ttb__control_op op;
    uint32_t number, value;
};

/* What came of an expectation, or of a command's `exit`. */
struct ttb__outcome {
    bool met;
    char *what;  /* "client: exit 0" */
    char *found; /* "exit 1" */
};

/* Bytes of one input: its event's detail has four characters for each at worst. */
#define TTB__INPUT_MAX 1000

enum ttb__input_kind {
    TTB__INPUT_ATTACH, /* a terminal, with a shell on it */
    TTB__INPUT_TYPED,
    TTB__INPUT_RESIZE,
    TTB__INPUT_DETACH,
    TTB__INPUT_KINDS
};

/* What a human does to a node. */
struct ttb__input {
    uint64_t time_ns;
    enum ttb__input_kind kind;
    size_t node;
    uint32_t size;                 /* ATTACH, RESIZE: of the terminal */
    size_t len_bytes;              /* TYPED, ATTACH */
    char data[TTB__INPUT_MAX + 1]; /* TYPED: what; ATTACH: the terminal's type */
};

struct ttb__console_watch; /* console.c */
struct ttb__terminal;      /* terminal.c */
struct ttb__freeze;        /* freeze.c */
struct ttb__progress;      /* progress.c */
struct ttb__player;        /* play.c */

struct ttb__run {
    const Ttb__Scenario *scenario;
    char *directory; /* absolute */
    char *scenario_text;
    size_t scenario_text_bytes;
    struct ttb_lab *lab;
    const struct ttb__network_ops *ops;
    struct ttb__network *network;
    struct ttb_trace_writer *writer;
    bool trace_attached;
    ttb_trace_sink_fn sink;
    void *sink_user;
    void (*sink_begin)(void *sink_user, const struct ttb_trace_header *header);
    void (*sink_end)(void *sink_user); /* NULL once it has been called */

    struct ttb__run_node *nodes;
    size_t node_count;
    struct ttb__action *actions; /* a heap by (time_ns, order) */
    size_t action_count, action_capacity;
    uint64_t action_order;
    size_t events_left;
    struct ttb__note *notes;
    size_t note_count, note_capacity;
    struct ttb__console_watch *watches; /* by expectation */
    struct ttb__progress *progress;
    struct ttb__terminal *terminal; /* NULL: none */
    struct ttb__freeze *freeze;     /* NULL: time goes on as fast as it can */
    struct ttb__input **inputs;     /* in the order in which they were put in */
    size_t input_count, inputs_left;
    uint64_t input_bytes;          /* typed, so far */
    uint64_t frames;               /* that nodes sent, those to the runner included */
    struct ttb_trace_bytes packed; /* none: pack `scenario` */
    const char *only_node;         /* NULL: all; else the others are but names */
    struct ttb__player *player;    /* NULL: none */
    bool no_look_ahead;
    bool record_devices; /* frames at devices inside the network, too */

    volatile sig_atomic_t interrupted;
    bool out_of_memory;
    int failed; /* negative errno */
    char error[TTB__RUN_ERROR_MAX];
    uint64_t end_ns;
    enum ttb_trace_ending ending;
    uint64_t wall_start_ns, wall_end_ns;
    struct ttb__outcome *outcomes;
    size_t outcome_count, unmet_count;
    char **troubles; /* why the verdict is BROKEN */
    size_t trouble_count;
    enum ttb__verdict verdict;
    struct ttb_trace_digest digest;
    struct ttb_trace_counts counts;
    bool has_digest;
};

/* run.c */
int ttb__run_fail(struct ttb__run *run, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t ttb__run_wall_ns(void);
struct ttb__run_node *ttb__run_find_node(struct ttb__run *run, const char *name);
/* Position of a link, or SIZE_MAX. */
size_t ttb__run_find_link(const Ttb__Scenario *scenario, const char *name);
/* An event record in the trace. */
void ttb__run_record_event(struct ttb__run *run, const char *action, const char *target,
                           const char *detail);

/* Close the trace, if it is open. NULL: without a footer. */
void ttb__run_close_trace(struct ttb__run *run, const struct ttb_trace_end *end);

/* play.c: a record has been made. */
void ttb__player_note(struct ttb__player *player, const struct ttb_trace_record *record);

/* setup.c */
int ttb__setup_nodes(struct ttb__run *run);
/* What to ask the lab for: a path or name, NULL for its default. */
const char *ttb__setup_kernel(const Ttb__Scenario__Node *node);
const char *ttb__setup_image(const Ttb__Scenario__Node *node);
void ttb__setup_free(struct ttb__run *run);

/* action.c */
int ttb__action_add(struct ttb__run *run, const struct ttb__action *action);
/* All events of the scenario. */
int ttb__action_add_events(struct ttb__run *run);
/* Time of the next action, TTB_TIME_NEVER. */
uint64_t ttb__action_next_ns(const struct ttb__run *run);
/* Carry out those that are due at now_ns. */
int ttb__action_carry_out(struct ttb__run *run, uint64_t now_ns);
/* What an action is, for people. */
void ttb__action_describe(const struct ttb__run *run, const struct ttb__action *action, char *text,
                          size_t size_bytes);

/* command.c */
void ttb__command_transmitted(void *node, struct ttb_port *port, uint64_t time_ns,
                              const void *frame, size_t len_bytes);
void ttb__command_note(struct ttb__run *run, const struct ttb__note *note);
int ttb__command_handle_notes(struct ttb__run *run);
/* The node's turn: start what can be started. */
int ttb__command_step(struct ttb__run_node *node);
int ttb__command_exec(struct ttb__run_node *node, size_t command);
/* Send a message to a node's agent, with at most TTB__CONTROL_DATA_MAX bytes. */
void ttb__command_tell(struct ttb__run_node *node, enum ttb__control_op op, uint32_t number);
void ttb__command_tell_data(struct ttb__run_node *node, enum ttb__control_op op, uint32_t number,
                            const void *data, size_t len_bytes);
/* The node is ending or has ended: its commands are cut. */
void ttb__command_cut(struct ttb__run_node *node, uint64_t time_ns);
/* True when nothing in the foreground is to come from this node. */
bool ttb__command_is_done(const struct ttb__run_node *node);

/* collect.c */
int ttb__collect_prepare(struct ttb__run_node *node);
/* Take the files out of the output disk. */
int ttb__collect_take(struct ttb__run_node *node);
/* Paths in the guest, each ended by a zero byte; to be freed. */
int ttb__collect_list(const struct ttb__run_node *node, char **list, size_t *len_bytes);

/* console.c */
int ttb__console_watch_new(struct ttb__run *run);
void ttb__console_watch_line(struct ttb__run *run, const struct ttb__run_node *node,
                             uint64_t time_ns, const char *text, size_t len_bytes);
uint64_t ttb__console_watch_count(const struct ttb__run *run, size_t expectation,
                                  uint64_t *first_ns);
/* True if the pattern was given up on a line; `why` gets what PCRE2 says. */
bool ttb__console_watch_gave_up(const struct ttb__run *run, size_t expectation, char *why,
                                size_t size_bytes);
void ttb__console_watch_free(struct ttb__run *run);

/* limits.c */

/* Make sure that so many files can be open as the run will need. */
int ttb__limits_raise(struct ttb__run *run);

/* input.c */
/* The instant at which input from now can reach nodes: the present by the pace, but no node has done anything at or after it, so that grants
 * that end there are what they would have been had it been known from the start. */
uint64_t ttb__input_time_ns(const struct ttb__run *run);
/* Copied. */
int ttb__input_add(struct ttb__run *run, const struct ttb__input *input);
int ttb__input_carry_out(struct ttb__run *run, size_t number);
void ttb__input_free(struct ttb__run *run);

/* terminal.c */
int ttb__terminal_new(struct ttb__run *run, const char *node);
/* Whether the run must not end because of it. */
bool ttb__terminal_holds(const struct ttb__run *run);
bool ttb__terminal_is_attached(const struct ttb__run *run);
/* Take it from the human's hands (raw mode), or give it back. */
void ttb__terminal_take(struct ttb__run *run);
void ttb__terminal_give_back(struct ttb__run *run);
/* Show what a node's terminal shows; from callbacks. */
void ttb__terminal_show(struct ttb__run *run, const struct ttb__run_node *node, const void *data,
                        size_t len_bytes);
/* Show what the node has printed since the last time. */
void ttb__terminal_show_console(struct ttb__run *run);
/* The shell or its node has ended. */
void ttb__terminal_closed(struct ttb__run *run, const struct ttb__run_node *node, const char *why);
/* The descriptor to wait for, -1: none. */
int ttb__terminal_fd(const struct ttb__run *run);
/* Everything stands still: take what was typed, and put it in. */
int ttb__terminal_attend(struct ttb__run *run);
void ttb__terminal_free(struct ttb__run *run);
/* A line of ours, on the terminal if one is attached, else on standard error. */
void ttb__terminal_say(struct ttb__run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* freeze.c */
int ttb__freeze_new(struct ttb__run *run, const struct ttb__run_opts *opts);
/* Everything stands still, and may do so for longer: for a human, or to keep pace. */
int ttb__freeze_attend(struct ttb__run *run);
/* Freeze as soon as everything stands still. */
void ttb__freeze_now(struct ttb__run *run);
bool ttb__freeze_is_due(const struct ttb__run *run);
/* Simulated time by the wall clock, when that is kept pace with; else 0. Not after what comes next. */
uint64_t ttb__freeze_present_ns(const struct ttb__run *run);
/* A record was made. */
void ttb__freeze_record(struct ttb__run *run, const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record);
/* The run is over. */
void ttb__freeze_end(struct ttb__run *run);
void ttb__freeze_free(struct ttb__run *run);

/* expect.c */
int ttb__expect_check(struct ttb__run *run);
int ttb__expect_add(struct ttb__run *run, bool met, char *what, char *found);

/* result.c */
int ttb__result_write(struct ttb__run *run);
/* Name of a node's state at the end: "running", "stopped", "failed", "paused". */
const char *ttb__result_state(const struct ttb__run_node *node);
const char *ttb__result_verdict(enum ttb__verdict verdict);
const char *ttb__result_command_state(enum ttb__command_state state);
/* What to call a command: its name, or its beginning. */
void ttb__result_command_name(const struct ttb__run_node *node, size_t command, char *text,
                              size_t size_bytes);

/* progress.c */
int ttb__progress_new(struct ttb__run *run);
void ttb__progress_show(struct ttb__run *run);
/* Before something else is printed. */
void ttb__progress_hide(struct ttb__run *run);
void ttb__progress_free(struct ttb__run *run);

#endif
