/* SPDX-License-Identifier: BSD-3-Clause */
/* ttb run: read a scenario, check it, run it. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ttbridge/scenario.h>

#include "cli.h"
#include "live.h"
#include "run/run.h"
#include "run/time_text.h"

/* Run directories of one name that are looked at. */
#define NUMBER_MAX 1000000

struct request {
    const char *file;
    const char *directory;
    const char *junit;
    const char **overrides;
    size_t override_count;
    const char *console;
    uint64_t *pauses;
    size_t pause_count;
    bool has_seed, check, quiet, has_pace;
    bool no_pin, no_look_ahead, ports_only;
    uint64_t seed;
    uint32_t jobs;
    double pace;
    struct live pcap;
};

static void help(void)
{
    fputs(
        "usage: ttb run SCENARIO [OPTION...]\n"
        "\n"
        "Runs a scenario (a YAML file; \"-\": standard input): starts its nodes on its network,\n"
        "runs their commands, does what is to be done to them at its simulated times, and\n"
        "checks what is expected.\n"
        "\n"
        "  --check            only check the scenario, and print what was understood\n"
        "  -o, --output DIR   the run directory; default: runs/NAME-N with the next free N\n"
        "  --seed N           another seed than the scenario's\n"
        "  --set KEY=VALUE    change a field, e.g. links.lan.delay=5ms; may be repeated\n"
        "  --jobs N           let up to N nodes run at the same time, on as many cores, where the\n"
        "                     network's latencies allow it. Default: auto, one core, or all while\n"
        "                     nodes compute so much that it pays. The run is the same\n"
        "  --no-pin           do not bind the run to cores\n"
        "  --no-look-ahead    do not let nodes run ahead of each other: slower, the same frames\n"
        "  --record WHAT      what the trace has of the network: \"devices\": frames at nodes' "
        "ports\n"
        "                     and at the devices of ns-3 on their way, and queues (default);\n"
        "                     \"ports\": frames at ports, and those lost\n"
        "  --pcap FILE        write a capture (pcapng) while the run goes on: to a file or FIFO;\n"
        "                     \"-\": standard output, and everything else to standard error\n"
        "  --pcap-node NAME   only this node's frames, console and events\n"
        "  --pcap-link NAME   only frames at places on this link, and events about it\n"
        "  --pcap-from TIME   nothing earlier, e.g. 1.5s, 20ms, 3 (seconds)\n"
        "  --pcap-to TIME     only what is earlier\n"
        "  --pcap-frames-only neither console nor events\n"
        "  --console NODE     a shell in NODE on this terminal, and what NODE prints; Ctrl-] and\n"
        "                     then \"?\" for more. What is typed is recorded, and repeated by "
        "replay\n"
        "  --pause-at TIME    freeze simulated time at TIME (1.5s) with a prompt; may be repeated\n"
        "  --pace X           X seconds of simulated time per second, at most; \"max\": no limit.\n"
        "                     Default: 1 while a console is attached, else max\n"
        "  --junit FILE       write the result for CI systems as well\n"
        "  -q, --quiet        no progress line, and no result if it is as expected\n"
        "\n"
        "Kernel and image: what the scenario names, else $TTB_KERNEL and $TTB_IMAGE, else what\n"
        "\"ttb kernel build\" and \"ttb image build\" made.\n"
        "\n"
        "Exit status: 0 as expected; 1 an expectation failed; 2 usage or scenario error; 3 the\n"
        "run broke: a node crashed or hung, something of the host is missing, or it was\n"
        "interrupted.\n",
        stdout);
}

/* ------------------------------------------------------------------------------- command line */

enum {
    CHECK = 256,
    SEED,
    SET,
    JOBS,
    NO_PIN,
    NO_LOOK_AHEAD,
    RECORD,
    JUNIT,
    PCAP,
    PCAP_NODE,
    PCAP_LINK,
    PCAP_FROM,
    PCAP_TO,
    PCAP_FRAMES_ONLY,
    CONSOLE,
    PAUSE_AT,
    PACE
};

static int parse_pcap(int option, struct live *pcap)
{
    uint64_t *time_ns = option == PCAP_FROM ? &pcap->filter.from_ns : &pcap->filter.to_ns;

    switch (option) {
    case PCAP:
        pcap->output = optarg;
        break;
    case PCAP_NODE:
        pcap->filter.node = optarg;
        break;
    case PCAP_LINK:
        pcap->filter.link = optarg;
        break;
    case PCAP_FRAMES_ONLY:
        pcap->filter.frames_only = true;
        break;
    default:
        if (!ttb__time_parse(optarg, time_ns) || (option == PCAP_TO && !*time_ns))
            return usage_error("run", "--pcap-%s: \"%s\" is no time",
                               option == PCAP_FROM ? "from" : "to", optarg);
        break;
    }
    return 0;
}

/* "0.5", "2", "max". */
static bool parse_pace(const char *text, double *pace)
{
    char *end;

    if (strcmp(text, "max") == 0) {
        *pace = 0;
        return true;
    }
    *pace = strtod(text, &end);
    return *text >= '0' && *text <= '9' && *end == 0 &&
           strspn(text, "0123456789.") == strlen(text) && *pace >= 1e-6 && *pace <= 1e6;
}

/* Returns 0, or the exit status, negated: -1 for help. */
static int parse(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, CHECK},
        {"output", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, SEED},
        {"set", required_argument, NULL, SET},
        {"jobs", required_argument, NULL, JOBS},
        {"no-pin", no_argument, NULL, NO_PIN},
        {"no-look-ahead", no_argument, NULL, NO_LOOK_AHEAD},
        {"record", required_argument, NULL, RECORD},
        {"junit", required_argument, NULL, JUNIT},
        {"pcap", required_argument, NULL, PCAP},
        {"pcap-node", required_argument, NULL, PCAP_NODE},
        {"pcap-link", required_argument, NULL, PCAP_LINK},
        {"pcap-from", required_argument, NULL, PCAP_FROM},
        {"pcap-to", required_argument, NULL, PCAP_TO},
        {"pcap-frames-only", no_argument, NULL, PCAP_FRAMES_ONLY},
        {"console", required_argument, NULL, CONSOLE},
        {"pause-at", required_argument, NULL, PAUSE_AT},
        {"pace", required_argument, NULL, PACE},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, status;

    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "o:qh", options, NULL)) != -1) {
        switch (option) {
        case CHECK:
            request->check = true;
            break;
        case 'o':
            request->directory = optarg;
            break;
        case SEED:
            if (!parse_number(optarg, &request->seed))
                return usage_error("run", "--seed: \"%s\" is not a number from 0 to 2^64-1",
                                   optarg);
            request->has_seed = true;
            break;
        case SET:
            if (!strchr(optarg, '=') || *optarg == '=')
                return usage_error("run", "--set: \"%s\" is not KEY=VALUE", optarg);
            request->overrides[request->override_count++] = optarg;
            break;
        case JOBS:
            status = parse_jobs("run", optarg, &request->jobs);
            if (status)
                return status;
            break;
        case NO_PIN:
            request->no_pin = true;
            break;
        case NO_LOOK_AHEAD:
            request->no_look_ahead = true;
            break;
        case RECORD:
            request->ports_only = strcmp(optarg, "ports") == 0;
            if (!request->ports_only && strcmp(optarg, "devices") != 0)
                return usage_error("run", "--record: \"%s\" is neither \"devices\" nor \"ports\"",
                                   optarg);
            break;
        case JUNIT:
            request->junit = optarg;
            break;
        case PCAP:
        case PCAP_NODE:
        case PCAP_LINK:
        case PCAP_FROM:
        case PCAP_TO:
        case PCAP_FRAMES_ONLY:
            status = parse_pcap(option, &request->pcap);
            if (status)
                return status;
            break;
        case CONSOLE:
            if (request->console)
                return usage_error("run", "--console: one node at a time, not also \"%s\"", optarg);
            request->console = optarg;
            break;
        case PAUSE_AT:
            if (!ttb__time_parse(optarg, &request->pauses[request->pause_count++]))
                return usage_error("run", "--pause-at: \"%s\" is no time; e.g. 1.5s, 20ms", optarg);
            break;
        case PACE:
            if (!parse_pace(optarg, &request->pace))
                return usage_error(
                    "run",
                    "--pace: \"%s\" is neither \"max\" nor a number from 0.000001 to "
                    "1000000",
                    optarg);
            request->has_pace = true;
            break;
        case 'q':
            request->quiet = true;
            break;
        case 'h':
            help();
            return -1;
        default:
            return usage_error("run",
                               optind > 0 && argv[optind - 1][0] == '-'
                                   ? "there is no option \"%s\", or it lacks its value"
                                   : "\"%s\"",
                               argv[optind - 1]);
        }
    }
    if (optind == argc)
        return usage_error("run", "which scenario?");
    if (optind + 1 != argc)
        return usage_error("run", "one scenario at a time, not also \"%s\"", argv[optind + 1]);
    request->file = argv[optind];
    if (!request->pcap.output &&
        (request->pcap.filter.node || request->pcap.filter.link || request->pcap.filter.from_ns ||
         request->pcap.filter.to_ns || request->pcap.filter.frames_only))
        return usage_error("run", "what --pcap-... asks for needs --pcap FILE");
    if (request->pcap.filter.to_ns && request->pcap.filter.to_ns <= request->pcap.filter.from_ns)
        return usage_error("run", "--pcap-to is not after --pcap-from");
    if ((request->console || request->pause_count) && strcmp(request->file, "-") == 0)
        return usage_error("run", "standard input cannot be both the scenario and a console");
    return 0;
}

/* ---------------------------------------------------------------------------------- directory */

/* runs/NAME-N: the first that does not exist, made so that two runs do not take the same. */
static int choose_directory(const char *name, char *path, size_t path_size)
{
    char clean[64];

    snprintf(clean, sizeof(clean), "%s", name);
    for (char *at = clean; *at; at++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *at))
            *at = '-';
    }
    if (mkdir("runs", 0777) < 0 && errno != EEXIST)
        return -errno;
    for (int number = 1; number < NUMBER_MAX; number++) {
        snprintf(path, path_size, "runs/%s-%d", clean, number);
        if (mkdir(path, 0700) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

/* ----------------------------------------------------------------------------------------- run */

/* What signals end; a signal handler has no argument. Set while they are installed. */
static struct ttb__run *volatile signalled_run;

/* The second signal that asks for the end, or a crash: the program ends by it, and ttb-guard then ends the
 * nodes. */
static void on_fatal_signal(int number)
{
    if (signalled_run)
        ttb__run_restore_terminal(signalled_run);
    /* Delivered when this one returns: its action is the default again (SA_RESETHAND). */
    raise(number);
}

static void on_signal(int number)
{
    struct sigaction fatal = {.sa_handler = on_fatal_signal, .sa_flags = SA_RESETHAND};

    ttb__run_interrupt(signalled_run);
    sigaction(number, &fatal, NULL);
}

/* It ends a wait; whoever waits looks what has changed. */
static void on_change(int number)
{
    (void)number;
}

/* The crashes matter only to a terminal that must be given back; sanitizers have handlers of their own. */
static void watch_signals(struct ttb__run *run, bool has_console)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    static const int crashes[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPIPE};
    static const int changes[] = {SIGWINCH, SIGCONT};
    struct sigaction end = {.sa_handler = run ? on_signal : SIG_DFL};
    struct sigaction crash = {.sa_handler = run ? on_fatal_signal : SIG_DFL,
                              .sa_flags = SA_RESETHAND};
    struct sigaction change = {.sa_handler = run ? on_change : SIG_DFL}, before;

    signalled_run = run;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        /* One that is ignored (nohup) stays so. */
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(ends[i], &end, NULL);
    }
    for (size_t i = 0; has_console && i < sizeof(crashes) / sizeof(crashes[0]); i++) {
        if (sigaction(crashes[i], NULL, &before) == 0 &&
            (before.sa_handler == SIG_DFL || before.sa_handler == on_fatal_signal))
            sigaction(crashes[i], &crash, NULL);
    }
    for (size_t i = 0; has_console && i < sizeof(changes) / sizeof(changes[0]); i++)
        sigaction(changes[i], &change, NULL);
}

/* 0, or the exit status after a sentence. */
static int check_pcap_names(const struct request *request, const Ttb__Scenario *scenario)
{
    const char *node = request->pcap.filter.node, *link = request->pcap.filter.link;
    bool has_node = !node, has_link = !link;

    for (size_t i = 0; i < scenario->n_nodes && !has_node; i++)
        has_node = strcmp(scenario->nodes[i]->name, node) == 0;
    for (size_t i = 0; i < scenario->n_links && !has_link; i++)
        has_link = strcmp(scenario->links[i]->name, link) == 0;
    if (!has_node || !has_link)
        return usage_error("run", "--pcap-%s: %s has no %s \"%s\"", has_node ? "link" : "node",
                           request->file, has_node ? "link" : "node", has_node ? link : node);
    return 0;
}

static int conclude(struct ttb__run *run, const struct request *request)
{
    enum ttb__verdict verdict = ttb__run_conclude(run);
    int rc = request->junit ? ttb__run_write_junit(run, request->junit) : 0;

    if (!request->quiet || verdict != TTB__RUN_AS_EXPECTED)
        ttb__run_print(run, stdout);
    if (rc) {
        fprintf(stderr, "ttb run: cannot write %s: %s\n", request->junit, strerror(-rc));
        return EXIT_BROKEN;
    }
    return request->pcap.status ? EXIT_BROKEN : (int)verdict;
}

static int execute(struct request *request, const Ttb__Scenario *scenario)
{
    char chosen[128], error[1200];
    struct ttb__run_opts opts = {
        .scenario = scenario,
        .directory = request->directory,
        .scenario_file = strcmp(request->file, "-") == 0 ? NULL : request->file,
        .progress = !request->quiet && isatty(STDERR_FILENO),
        .console = request->console,
        .pauses = request->pauses,
        .pause_count = request->pause_count,
        .has_pace = request->has_pace,
        .pace = request->pace,
        .jobs = request->jobs,
        .no_pin = request->no_pin,
        .no_look_ahead = request->no_look_ahead,
        .ports_only = request->ports_only,
    };
    struct ttb__run *run;
    int rc;

    if (request->pcap.output) {
        rc = check_pcap_names(request, scenario);
        if (!rc)
            rc = live_open(&request->pcap);
        if (rc)
            return rc;
        opts.sink = live_sink;
        opts.sink_user = &request->pcap;
        opts.sink_begin = live_begin;
        opts.sink_end = live_end;
    }
    if (!opts.directory) {
        rc = choose_directory(scenario->name, chosen, sizeof(chosen));
        if (rc) {
            fprintf(stderr, "ttb run: cannot make a run directory in runs/: %s; use -o DIR\n",
                    strerror(-rc));
            return EXIT_BROKEN;
        }
        opts.directory = chosen;
    }
    rc = ttb__run_new(&opts, &run, error, sizeof(error));
    if (rc) {
        fprintf(stderr, "ttb run: %s: %s\n", request->file, error);
        if (request->pcap.output)
            live_close(&request->pcap);
        return rc == -EINVAL || rc == -EOPNOTSUPP ? EXIT_USAGE : EXIT_BROKEN;
    }
    watch_signals(run, request->console);
    ttb__run_execute(run);
    watch_signals(NULL, request->console);
    rc = conclude(run, request);
    ttb__run_free(run);
    return rc;
}

/* The scenario with everything filled in, as a file that means the same. */
static int show_understood(const struct request *request, const Ttb__Scenario *scenario)
{
    char *text;

    if (request->quiet)
        return EXIT_AS_EXPECTED;
    if (ttb_scenario_print(scenario, &text, NULL) < 0) {
        fprintf(stderr, "ttb run: %s: no memory\n", request->file);
        return EXIT_BROKEN;
    }
    fputs(text, stdout);
    fprintf(stderr, "%s: %zu nodes, %zu links, %zu events, %zu expectations: no mistakes\n",
            request->file, scenario->n_nodes, scenario->n_links, scenario->n_events,
            scenario->n_expect);
    free(text);
    return EXIT_AS_EXPECTED;
}

static int read_and_run(struct request *request)
{
    const struct ttb_scenario_opts opts = {
        .size = sizeof(opts),
        .overrides = request->overrides,
        .has_seed = request->has_seed,
        .seed = request->seed,
    };
    Ttb__Scenario *scenario;
    char error[600];
    int status = EXIT_AS_EXPECTED;

    if (ttb_scenario_load(request->file, &opts, &scenario) < 0)
        return EXIT_USAGE;
    if (ttb__run_check(scenario, error, sizeof(error)) < 0) {
        fprintf(stderr, "ttb run: %s: %s\n", request->file, error);
        status = EXIT_USAGE;
    } else if (request->check) {
        status = show_understood(request, scenario);
    } else {
        status = execute(request, scenario);
    }
    ttb_scenario_free(scenario);
    return status;
}

int command_run(int argc, char **argv)
{
    struct request request = {0};
    int status;

    request.overrides = calloc((size_t)argc + 1, sizeof(*request.overrides));
    request.pauses = calloc((size_t)argc + 1, sizeof(*request.pauses));
    if (!request.overrides || !request.pauses) {
        fputs("ttb run: out of memory\n", stderr);
        return EXIT_BROKEN;
    }
    status = parse(argc, argv, &request);
    if (!status)
        status = read_and_run(&request);
    free(request.overrides);
    free(request.pauses);
    return status < 0 ? EXIT_AS_EXPECTED : status;
}
