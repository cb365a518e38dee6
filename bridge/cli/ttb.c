/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"run", "SCENARIO", "run a scenario", command_run},
    {"replay", "RUN", "repeat a run and compare", command_replay},
    {"show", "RUN", "what happened in a run", command_show},
    {"diff", "A B", "the first difference between two runs", command_diff},
    {"export", "RUN", "a run for Wireshark, Perfetto, spreadsheets", command_export},
    {"kernel", "build|list|path", "build and find kernels for nodes", command_kernel},
    {"image", "build|list|path", "make and find disk images for nodes", command_image},
    {"ns3", "types|attributes|traces", "types of ns-3, and what they have", command_ns3},
    {"doctor", "", "check everything that a run needs", command_doctor},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fputs("usage: ttb COMMAND [ARGUMENT...]\n"
          "       ttb --help | --version\n"
          "\n"
          "Real Linux nodes over a modelled network, in simulated time.\n"
          "\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char synopsis[64];

        snprintf(synopsis, sizeof(synopsis), "%s %s", commands[i].name, commands[i].usage);
        fprintf(out, "  %-28s %s\n", synopsis, commands[i].summary);
    }
    fputs("\n"
          "\"ttb COMMAND --help\" tells more.\n"
          "\n"
          "Exit status: 0 as expected; 1 an expectation or comparison failed; 2 usage or scenario\n"
          "error; 3 something that is needed is missing or failed.\n",
          out);
}

bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

int usage_error(const char *command, const char *format, ...)
{
    const char *space = *command ? " " : "";
    va_list args;

    fprintf(stderr, "ttb%s%s: ", space, command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\ntry: ttb%s%s --help\n", space, command);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    int status;

    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        status = EXIT_AS_EXPECTED;
    } else if (strcmp(argv[1], "--version") == 0) {
        puts("ttb " TTB_VERSION);
        status = EXIT_AS_EXPECTED;
    } else {
        const struct command *command = NULL;

        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            if (strcmp(commands[i].name, argv[1]) == 0)
                command = &commands[i];
        }
        if (!command)
            return usage_error("", "there is no %s \"%s\"",
                               argv[1][0] == '-' ? "option" : "command", argv[1]);
        status = command->run(argc - 1, argv + 1);
    }
    /* What nobody could read has not been said. */
    if (fflush(stdout) == EOF || ferror(stdout)) {
        fprintf(stderr, "ttb: cannot write to standard output: %s\n", strerror(errno));
        return EXIT_BROKEN;
    }
    return status;
}
