/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static void ignore(int number)
{
    (void)number;
}

static int take_stdout(struct live *live)
{
    if (isatty(STDOUT_FILENO))
        return usage_error("run", "--pcap -: a capture is no text for a terminal");
    live->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (live->fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        fprintf(stderr, "ttb run: --pcap -: %s\n", strerror(errno));
        return EXIT_BROKEN;
    }
    return 0;
}

int live_open(struct live *live)
{
    /* A handler, not SIG_IGN, which the nodes would inherit. */
    const struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};

    sigaction(SIGPIPE, &action, NULL);
    live->fd = -1;
    if (strcmp(live->output, "-") == 0)
        return take_stdout(live);
    live->fd = open(live->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (live->fd < 0) {
        fprintf(stderr, "ttb run: --pcap: cannot write %s: %s\n", live->output, strerror(errno));
        return EXIT_BROKEN;
    }
    return 0;
}

static void tell(struct live *live, int rc)
{
    if (live->told)
        return;
    live->told = true;
    if (rc != -EPIPE)
        live->status = rc;
    /* The line is cleared for those who see the progress. */
    fprintf(stderr, "%sttb run: warning: --pcap: %s: %s; the run goes on without it\n",
            isatty(STDERR_FILENO) ? "\r\033[K" : "", live->output,
            rc == -EPIPE ? "its reader has gone" : strerror(-rc));
}

void live_begin(void *user, const struct ttb_trace_header *header)
{
    struct live *live = user;
    struct ttb_export_opts opts = live->filter;
    int rc;

    opts.size = sizeof(opts);
    opts.format = TTB_EXPORT_PCAPNG;
    opts.flush = true;
    rc = ttb_export_open(&opts, header, live->fd, &live->export, NULL, 0);
    if (rc)
        tell(live, rc);
}

void live_sink(void *user, const struct ttb_trace_tables *tables,
               const struct ttb_trace_record *record)
{
    struct live *live = user;
    int rc = live->export ? ttb_export_feed(live->export, tables, record) : 0;

    if (rc)
        tell(live, rc);
}

void live_end(void *user)
{
    struct live *live = user;
    int rc = ttb_export_close(live->export, NULL, 0);

    live->export = NULL;
    /* -ESRCH: the node or link that was asked for is in the scenario, and has not occurred. */
    if (rc && rc != -ESRCH)
        tell(live, rc);
    live_close(live);
}

void live_close(struct live *live)
{
    if (live->fd >= 0 && close(live->fd) < 0)
        tell(live, -errno);
    live->fd = -1;
}
