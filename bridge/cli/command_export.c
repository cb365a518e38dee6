/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"
#include "run/time_text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/export.h>

static const char help[] =
    "usage: ttb export DIRECTORY|TRACE -f FORMAT [-o FILE] [OPTION...]\n"
    "\n"
    "A run's trace in the format of another tool.\n"
    "\n"
    "  -f, --format FORMAT   pcapng       frames, console and events for Wireshark and tshark\n"
    "                        csv          one table, by default frames\n"
    "                        jsonl        one JSON object a line\n"
    "                        flows        statistics of flows, CSV\n"
    "                        flowmonitor  the same in ns-3's FlowMonitor XML\n"
    "                        perfetto     a timeline for ui.perfetto.dev\n"
    "                        html         a page that shows the run in any browser\n"
    "                        netanim      an animation for ns-3's NetAnim\n"
    "  -o, --output FILE     where to; - is standard output, the default\n"
    "      --node NAME       only this node's; or at the devices of a switch, router or host\n"
    "      --link NAME       only this link's\n"
    "      --from TIME       nothing earlier, e.g. 1.5s, 20ms, 7us, 100ns, 3 (seconds)\n"
    "      --to TIME         only what is earlier\n"
    "      --table TABLE     csv, jsonl: frames, grants, console, states, events, expectations,\n"
    "                        queues\n"
    "      --payload         csv, jsonl: frames with their bytes\n"
    "      --frames-only     pcapng: neither console nor events\n"
    "      --ports           frames at nodes' ports, and lost ones: not at devices in between\n"
    "      --control         also what ttb and its agents in the nodes say to each other\n"
    "\n"
    "Exit status: 0; 1 the run goes on, or its trace is truncated or damaged, and what is there\n"
    "was exported; 2 wrong usage, no such node or link; 3 the trace cannot be read or the output\n"
    "not written.\n";

/* True, with a sentence, if the output would overwrite what is read. */
static bool is_the_trace(const char *path, const char *output)
{
    struct stat trace, out;
    char inside[4096];

    if (stat(output, &out) < 0)
        return false;
    snprintf(inside, sizeof(inside), "%s/" TTB_TRACE_RUN_FILE, path);
    return (stat(path, &trace) == 0 && trace.st_dev == out.st_dev && trace.st_ino == out.st_ino) ||
           (stat(inside, &trace) == 0 && trace.st_dev == out.st_dev && trace.st_ino == out.st_ino);
}

/* Before the output is made, or what was there is overwritten: a trace that is none. A pipe can be read but
 * once. */
static int check_trace(const char *path)
{
    struct ttb_trace_reader *reader;
    struct stat about;
    char text[1024];

    if (stat(path, &about) == 0 && !S_ISDIR(about.st_mode) && !S_ISREG(about.st_mode))
        return 0;
    if (ttb_trace_reader_open(path, NULL, &reader, text, sizeof(text))) {
        fprintf(stderr, "ttb export: %s\n", text);
        return EXIT_BROKEN;
    }
    ttb_trace_reader_free(reader);
    return 0;
}

static int export_to(const char *path, const struct ttb_export_opts *opts, int fd,
                     const char *output)
{
    char text[1024];
    int rc;

    if (opts->format != TTB_EXPORT_CSV && opts->format != TTB_EXPORT_JSONL &&
        opts->format != TTB_EXPORT_FLOWS && opts->format != TTB_EXPORT_FLOWMONITOR &&
        opts->format != TTB_EXPORT_NETANIM && isatty(fd))
        return usage_error("export", "%s is no text for a terminal: where to, -o FILE?",
                           ttb_export_format_name(opts->format));
    rc = ttb_export_trace(path, opts, fd, text, sizeof(text));
    switch (rc) {
    case 0:
        return EXIT_AS_EXPECTED;
    case -ENODATA:
    case -EBADMSG:
    case -EFBIG:
        fprintf(stderr, "ttb export: warning: %s\n", text);
        return EXIT_DIFFERS;
    case -ESRCH:
    case -EINVAL:
        fprintf(stderr, "ttb export: %s\n", text);
        return EXIT_USAGE;
    default:
        fprintf(stderr, "ttb export: %s: %s\n", output, text);
        return EXIT_BROKEN;
    }
}

static int run_export(const char *path, const struct ttb_export_opts *opts, const char *output)
{
    int fd = STDOUT_FILENO, status;

    /* A reader that has seen enough is told apart from a crash. */
    signal(SIGPIPE, SIG_IGN);
    status = check_trace(path);
    if (status)
        return status;
    if (strcmp(output, "-") == 0)
        return export_to(path, opts, fd, "standard output");
    if (is_the_trace(path, output))
        return usage_error("export", "\"%s\" is the trace itself", output);
    fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        fprintf(stderr, "ttb export: cannot write %s: %s\n", output, strerror(errno));
        return EXIT_BROKEN;
    }
    status = export_to(path, opts, fd, output);
    if (close(fd) < 0 && status < EXIT_USAGE) {
        fprintf(stderr, "ttb export: cannot write %s: %s\n", output, strerror(errno));
        status = EXIT_BROKEN;
    }
    return status;
}

enum {
    OPTION_NODE = 256,
    OPTION_LINK,
    OPTION_FROM,
    OPTION_TO,
    OPTION_TABLE,
    OPTION_PAYLOAD,
    OPTION_FRAMES_ONLY,
    OPTION_PORTS,
    OPTION_CONTROL
};

static int take_option(int option, struct ttb_export_opts *opts, const char **output)
{
    switch (option) {
    case 'f':
        if (ttb_export_format_find(optarg, &opts->format))
            return usage_error("export", "--format: there is no format \"%s\"", optarg);
        break;
    case 'o':
        *output = optarg;
        break;
    case OPTION_NODE:
        opts->node = optarg;
        break;
    case OPTION_LINK:
        opts->link = optarg;
        break;
    case OPTION_FROM:
        if (!ttb__time_parse(optarg, &opts->from_ns))
            return usage_error("export", "--from: \"%s\" is no time", optarg);
        break;
    case OPTION_TO:
        if (!ttb__time_parse(optarg, &opts->to_ns))
            return usage_error("export", "--to: \"%s\" is no time", optarg);
        if (!opts->to_ns)
            return usage_error("export", "--to: nothing is earlier than 0");
        break;
    case OPTION_TABLE:
        if (ttb_export_table_find(optarg, &opts->table))
            return usage_error("export", "--table: there is no table \"%s\"", optarg);
        break;
    case OPTION_PAYLOAD:
        opts->payload = true;
        break;
    case OPTION_FRAMES_ONLY:
        opts->frames_only = true;
        break;
    case OPTION_PORTS:
        opts->ports_only = true;
        break;
    case OPTION_CONTROL:
        opts->control = true;
        break;
    case ':':
        return usage_error("export", "an argument is missing at the end");
    default:
        return usage_error("export", "there is an option that it does not know");
    }
    return 0;
}

int command_export(int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"node", required_argument, NULL, OPTION_NODE},
        {"link", required_argument, NULL, OPTION_LINK},
        {"from", required_argument, NULL, OPTION_FROM},
        {"to", required_argument, NULL, OPTION_TO},
        {"table", required_argument, NULL, OPTION_TABLE},
        {"payload", no_argument, NULL, OPTION_PAYLOAD},
        {"frames-only", no_argument, NULL, OPTION_FRAMES_ONLY},
        {"ports", no_argument, NULL, OPTION_PORTS},
        {"control", no_argument, NULL, OPTION_CONTROL},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct ttb_export_opts opts = {.size = sizeof(opts)};
    const char *output = "-";
    int option, status;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":f:o:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_AS_EXPECTED;
        }
        if (option == '?' || option == ':')
            return usage_error("export",
                               option == ':' ? "%s needs an argument" : "there is no option \"%s\"",
                               argv[optind - 1]);
        status = take_option(option, &opts, &output);
        if (status)
            return status;
    }
    if (optind == argc)
        return usage_error("export", "which run directory?");
    if (argc - optind > 1)
        return usage_error("export", "\"%s\" is one argument too many", argv[optind + 1]);
    if (!opts.format)
        return usage_error("export", "which --format?");
    if (opts.to_ns && opts.to_ns <= opts.from_ns)
        return usage_error("export", "--to is not after --from");
    if (opts.table && opts.format != TTB_EXPORT_CSV && opts.format != TTB_EXPORT_JSONL)
        return usage_error("export", "--table is for csv and jsonl");
    return run_export(argv[optind], &opts, output);
}
