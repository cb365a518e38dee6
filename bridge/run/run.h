/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file run.h
 * Running a scenario: what "ttb run" does, for the program ttb.
 *
 *     struct ttb__run_opts opts = {.scenario = scenario, .directory = "runs/two-nodes-1"};
 *     struct ttb__run *run;
 *     if (ttb__run_new(&opts, &run, error, sizeof(error)) == 0) {
 *         ttb__run_execute(run);
 *         status = ttb__run_conclude(run);
 *         ttb__run_print(run, stdout);
 *     }
 *     ttb__run_free(run);
 *
 * Threading: one thread, and one run in a process at a time if its engine is ns-3 (ns3.h). ttb__run_
 * interrupt() may be called from a signal handler.
 */
#ifndef TTB_RUN_RUN_H
#define TTB_RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <ttbridge/scenario.h>
#include <ttbridge/trace.h>

struct ttb__run;

/* How a run came out; the exit statuses of "ttb run". */
enum ttb__verdict {
    TTB__RUN_AS_EXPECTED = 0,
    TTB__RUN_UNEXPECTED = 1, /* an expectation, or a command's exit, was not met */
    TTB__RUN_IMPOSSIBLE = 2, /* the scenario asks for what there is not */
    TTB__RUN_BROKEN = 3,     /* a node crashed or hung, or something of the host failed */
};

struct ttb__run_opts {
    const Ttb__Scenario *scenario; /* complete, files embedded; must live as long as the run */
    /* What the trace shall have as its scenario; none: `scenario`. For one whose kernels and images have
     * been found already. */
    struct ttb_trace_bytes packed;
    const char *directory;     /* the run directory; made if it is not there. NULL: one that
                                      ttb__run_free() removes */
    const char *scenario_file; /* "given as": its bytes go to scenario.yaml; NULL: printed */
    bool progress;             /* a line on standard error */
    const char *only_node;     /* start this node only, and no network: for ttb__run_play().
                                      NULL: all */
    bool debuggable;           /* debuggers may attach, and nobody is ended for taking long */
    const char *console;       /* attach standard input and output to this node; NULL: to none */
    const uint64_t *pauses;    /* times at which to freeze, in any order; there is a prompt then */
    size_t pause_count;
    bool has_stop; /* end before anything happens that happens at stop_ns or later */
    uint64_t stop_ns;
    bool has_pace; /* simulated time in wall time; else 1 while a console is attached */
    double pace;   /* 0: as fast as it can */
    uint32_t jobs; /* see struct ttb_bridge_opts, also for the next two */
    bool no_pin, no_look_ahead;
    bool
        ports_only; /* of frames, record those at ports and those lost, and not those at devices inside
                        the network */
    ttb_trace_sink_fn sink; /* gets all records as they are made; NULL: none */
    void *sink_user;
    /* Before the sink's first record, and after its last one while all that records refer to is still
     * there. The header is valid in between. Either may be NULL. */
    void (*sink_begin)(void *sink_user, const struct ttb_trace_header *header);
    void (*sink_end)(void *sink_user);
};

/*
 * Set everything up; nothing has been started then.
 * @return 0 and *run, to be freed by ttb__run_free(); -EINVAL or -EOPNOTSUPP: the scenario asks for
 *         what there is not; another negative errno: something of the host is missing. In either case
 *         the sentence is in `error`.
 */
int ttb__run_new(const struct ttb__run_opts *opts, struct ttb__run **run, char *error,
                 size_t error_size);

/* Run until the end, or until ttb__run_interrupt(). @return 0, or a negative errno: the run broke;
 * ttb__run_conclude() says why. */
int ttb__run_execute(struct ttb__run *run);

/* How to play a node (opts.only_node). */
struct ttb__play_opts {
    const char *trace; /* the recording: a trace or a run directory */
    uint64_t until_ns; /* stop there; TTB_TIME_NEVER: at the end of the recording */
    const char *const
        *gdb; /* attach gdb when until_ns has been reached, with these arguments (ending
                               with NULL), and play on as it lets the node go on; if until_ns is
                               TTB_TIME_NEVER, before the node does anything. NULL: no gdb */
};

/*
 * Instead of ttb__run_execute(): let the node live through what is recorded of it. It gets its frames,
 * and everything else that was done to it, at their times, and runs when and as far as it ran. Whether
 * it does the same is for the sink to see. Closes the trace.
 * @return 0, also after ttb__run_interrupt(); or a negative errno, see ttb__run_error()
 */
int ttb__run_play(struct ttb__run *run, const struct ttb__play_opts *opts);

/* The sentence that goes with the last error. */
const char *ttb__run_error(const struct ttb__run *run);

/* Whether the run has ended because it has come to opts.stop_ns: all before that has happened. */
bool ttb__run_has_come_to_stop(const struct ttb__run *run);

/* End soon. From signal handlers and sinks. */
void ttb__run_interrupt(struct ttb__run *run);

/* What a human typed in the run of this trace is typed again, at its times. Between ttb__run_new() and
 * ttb__run_execute(). @return 0; a negative errno and a sentence */
int ttb__run_repeat_input(struct ttb__run *run, const char *trace, char *error, size_t error_size);

/* Give the terminal back as it was; when the program is about to end by a signal. */
void ttb__run_restore_terminal(struct ttb__run *run);

/* Check the expectations, close the trace, write summary.json. To be called once after
 * ttb__run_execute(). */
enum ttb__verdict ttb__run_conclude(struct ttb__run *run);

/* The result for people. */
void ttb__run_print(const struct ttb__run *run, FILE *out);

/* The result for CI systems. @return 0 or a negative errno */
int ttb__run_write_junit(const struct ttb__run *run, const char *path);

/* The run directory, absolute; valid as long as the run. */
const char *ttb__run_directory(const struct ttb__run *run);

/* Simulated time. */
uint64_t ttb__run_now_ns(const struct ttb__run *run);

/* The writer of the trace: tables for a sink. */
struct ttb_trace_writer *ttb__run_writer(const struct ttb__run *run);

/* Ends all nodes. NULL is allowed. */
void ttb__run_free(struct ttb__run *run);

/* Whether this build has the engine, and knows what the scenario asks of it; for --check, and before
 * anything is made. @return 0; -EOPNOTSUPP and a sentence */
int ttb__run_check(const Ttb__Scenario *scenario, char *error, size_t error_size);

#endif
