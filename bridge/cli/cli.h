/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file cli.h
 * The program ttb: one table of subcommands (ttb.c), one file for each.
 */
#ifndef TTB_CLI_H
#define TTB_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <ttbridge/trace.h>
#include <stdint.h>

/* Exit statuses of every subcommand. */
enum exit_status {
    EXIT_AS_EXPECTED = 0,
    EXIT_DIFFERS = 1, /* an expectation or comparison failed */
    EXIT_USAGE = 2,   /* the command line or the scenario is wrong */
    EXIT_BROKEN = 3,  /* something that is needed is missing or failed */
};

struct command {
    const char *name;
    const char *usage; /* arguments, for the list in --help */
    const char *summary;
    /* argv[0] is the subcommand's name. Returns the exit status. */
    int (*run)(int argc, char **argv);
};

int command_run(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_kernel(int argc, char **argv);
int command_image(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_show(int argc, char **argv);
int command_diff(int argc, char **argv);
int command_export(int argc, char **argv);
int command_ns3(int argc, char **argv);

/* profile.c: print where the wall time of a run went; returns the exit status. */
int show_profile(const char *path);

/* "ttb COMMAND: sentence" on standard error; returns EXIT_USAGE, after a hint at --help. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool is_help(const char *argument);

/* arguments.c: decimal, octal or hexadecimal, up to 2^64-1. False: it is something else. */
bool parse_number(const char *text, uint64_t *value);
/* Of --jobs. Returns 0, or what usage_error() does. */
int parse_jobs(const char *command, const char *text, uint32_t *jobs);

/* made_of.c: a line on each thing that two runs were made of and that differs, fields of their
 * scenarios included, after the title. False: there was nothing to print. */
bool print_made_of(const struct ttb_trace_header *expected, const struct ttb_trace_header *actual,
                   const char *title);

/* data.c: the path of a file that belongs to the installation, e.g. "images/build.sh".
 * TTB_DATADIR, the installation that the program is part of, its build's source: the first that is
 * set or exists. False, with a sentence on standard error, if there is none. */
bool find_data(const char *name, char *path, size_t path_size);

/* script.c: run a script of ours with these arguments (NULL-terminated, argv[0] being replaced),
 * pass signals on to it, and return the exit status for ours: 0, EXIT_USAGE, 128 + signal, or
 * EXIT_BROKEN. */
int run_script(const char *name, char **argv);

#endif
