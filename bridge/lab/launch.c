/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operations that the bridge starts, watches and ends a node with. What a node is started with
 * is described in doc/nodes.md.
 */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* Wall time that a node gets to exit after it has closed its time socket. */
#define EXIT_TIMEOUT_MS 5000

#define MIB (1024ULL * 1024)

#define ARGUMENTS_MAX 256
#define UML_DIRECTORY "uml"

/* ---------------------------------------------------------------------------------- preconditions */

int ttb_lab_probe_ptrace(void)
{
    int status, rc = 0;
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
            _exit(errno & 0x7f);
        raise(SIGSTOP);
        _exit(0);
    }
    while (waitpid(pid, &status, WUNTRACED) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status) ? -WEXITSTATUS(status) : -EPERM;
    /* A kernel that lets a child be traced may still refuse the tracer. */
    if (!WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0)
        rc = WIFSTOPPED(status) ? -errno : -EPERM;
    if (!WIFSIGNALED(status)) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    return rc;
}

static bool uses_seccomp(const struct ttb_lab_node *node)
{
    for (size_t i = 0; node->arguments[i]; i++) {
        if (strcmp(node->arguments[i], "seccomp=on") == 0)
            return true;
    }
    return false;
}

static int check_ptrace(struct ttb_lab_node *node)
{
    struct ttb_lab *lab = node->lab;
    int rc;

    if (lab->ptrace_probed || uses_seccomp(node))
        return 0;
    rc = ttb_lab_probe_ptrace();
    if (rc)
        return ttb__fail(
            &node->failure, rc,
            "ptrace is not permitted here (%s), and its kernel needs it: in a "
            "container allow it (--cap-add=SYS_PTRACE or a seccomp profile), on a host "
            "set /proc/sys/kernel/yama/ptrace_scope below 3",
            strerror(-rc));
    lab->ptrace_probed = true;
    return 0;
}

/* The memory file is sparse: what does not fit later is a bus error in the middle of the run. */
static int check_memory(struct ttb_lab_node *node)
{
    struct ttb_lab *lab = node->lab;
    uint64_t free_mib, size_mib, sum_mib = node->memory_mib;
    struct statvfs status;

    if (statvfs(lab->memory_directory, &status) < 0)
        return ttb__fail(&node->failure, -errno, "memory directory %s: %s", lab->memory_directory,
                         strerror(errno));
    if (access(lab->memory_directory, W_OK | X_OK) < 0)
        return ttb__fail(&node->failure, -errno, "memory directory %s: %s", lab->memory_directory,
                         strerror(errno));
    if (status.f_flag & ST_NOEXEC)
        return ttb__fail(&node->failure, -EACCES,
                         "memory directory %s is mounted noexec, but a node executes code from its "
                         "memory; remount it: mount -o remount,exec %s",
                         lab->memory_directory, lab->memory_directory);
    free_mib = (uint64_t)status.f_bavail * status.f_frsize / MIB;
    size_mib = (uint64_t)status.f_blocks * status.f_frsize / MIB;
    if (free_mib < node->memory_mib)
        return ttb__fail(&node->failure, -ENOSPC,
                         "its %" PRIu32 " MiB of memory do not fit into %s, which has %" PRIu64
                         " of %" PRIu64 " MiB free; give it less memory, or make room: mount -o "
                         "remount,size=... %s (in a container: --shm-size)",
                         node->memory_mib, lab->memory_directory, free_mib, size_mib,
                         lab->memory_directory);
    for (const struct ttb_lab_node *other = lab->nodes; other; other = other->next)
        sum_mib += other->process.pid > 0 ? other->memory_mib : 0;
    if (sum_mib > size_mib && !lab->warned_memory) {
        lab->warned_memory = true;
        ttb_bridge_log(lab->bridge, TTB_LOG_WARNING,
                       "the nodes' memories together (%" PRIu64 " MiB) are larger than %s (%" PRIu64
                       " MiB): if they use it all, nodes will die of bus errors",
                       sum_mib, lab->memory_directory, size_mib);
    }
    return 0;
}

/* ----------------------------------------------------------------------------------- command line */

struct command_line {
    char *words[ARGUMENTS_MAX + 1];
    unsigned count;
    size_t len_bytes;
    bool out_of_memory;
};

static void put(struct command_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct command_line *line, const char *format, ...)
{
    va_list args;
    char *word;
    int len_bytes;

    va_start(args, format);
    len_bytes = vasprintf(&word, format, args);
    va_end(args);
    if (len_bytes < 0 || line->count == ARGUMENTS_MAX) {
        if (len_bytes >= 0)
            free(word);
        line->out_of_memory = true;
        return;
    }
    line->words[line->count++] = word;
    line->len_bytes += (size_t)len_bytes + 1;
}

static void clear(struct command_line *line)
{
    for (unsigned i = 0; i < line->count; i++)
        free(line->words[i]);
}

/*
 * Everything here is mixed into the guest's random numbers, so it must not depend on where the run
 * directory is. Paths are relative to it.
 */
static void make_command_line(const struct ttb_lab_node *node, struct command_line *line)
{
    const struct ttb_lab *lab = node->lab;
    const struct ttb_lab_disk_opts *disk = &node->disk;
    const char *name = node->name;
    uint32_t id = ttb_node_id(node->node);

    put(line, "linux");
    put(line, "mem=%uM", node->memory_mib);
    put(line, "ubd0=nodes/%s/cow,nodes/%s/image", name, name);
    put(line, "ubd1r=nodes/%s/input.tar", name);
    put(line, "ubd2=nodes/%s/result", name);
    if (disk->latency_ns || disk->per_kib_ns || disk->jitter_ns || disk->flush_ns)
        put(line, "ubd0.latency=%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64, disk->latency_ns,
            disk->per_kib_ns, disk->jitter_ns, disk->flush_ns);
    if (disk->survivors != TTB_DISK_ALL)
        put(line, "ubd0.undo=nodes/%s/undo", name);
    put(line, "root=/dev/ubda");
    put(line, "rw");
    put(line, "init=/sbin/ttb-init");
    put(line, "ttb.name=%s", name);
    put(line, "time-travel=ext:%u:%s", id, ttb__base_name(ttb_node_socket_path(node->node)));
    put(line, "time-travel-start=%" PRIu64, lab->epoch_ns + ttb_bridge_now_ns(lab->bridge));
    if (node->kernel_info.seeded)
        put(line, "time-travel-seed=%" PRIu64 ":%u", lab->seed, id);
    if (node->trusted && node->kernel_info.seccomp)
        put(line, "seccomp=on");
    put(line, "norandmaps");
    put(line, "quiet");
    put(line, "noreboot");
    /* A port takes what it is sent at once; interrupts that say so would only wake the node. */
    put(line, "virtio_net.napi_tx=0");
    /* Input would be outside of simulated time. */
    put(line, "con0=null,fd:1");
    put(line, "con=null");
    put(line, "uml_dir=nodes/%s/%s", name, UML_DIRECTORY);
    put(line, "umid=%s", name);
    for (uint32_t i = 0; i < node->interface_count; i++)
        put(line, "virtio_uml.device=%s:1",
            ttb__base_name(ttb_port_socket_path(node->interfaces[i].port)));
    for (size_t i = 0; node->arguments[i]; i++)
        put(line, "%s", node->arguments[i]);
}

/* ----------------------------------------------------------------------------------------- launch */

static void process_ended(void *user, uint32_t events)
{
    struct ttb_lab_node *node = user;
    const struct ttb_loop *loop = ttb_bridge_loop(node->lab->bridge);

    (void)events;
    loop->ops->remove(loop->impl, node->process_watch);
    node->process_watch = NULL;
    ttb_node_process_ended(node->node);
}

static int prepare(struct ttb_lab_node *node)
{
    int rc = 0;

    if (!node->prepared)
        rc = ttb__input_end(node);
    if (!rc)
        rc = ttb__result_prepare(node);
    if (!rc) {
        ttb__remove_tree(node->directory_fd, UML_DIRECTORY);
        rc = mkdirat(node->directory_fd, UML_DIRECTORY, 0700) < 0 ? -errno : 0;
    }
    if (rc)
        return ttb__fail(&node->failure, rc, "cannot prepare its directory %s: %s", node->directory,
                         ttb__lab_reason(rc));
    node->prepared = true;
    return 0;
}

static int spawn(struct ttb_lab_node *node, const struct command_line *line)
{
    struct ttb_lab *lab = node->lab;
    const char *environment[] = {"HOME=/", "PATH=/usr/bin:/bin", "LC_ALL=C", NULL, NULL};
    char *temporary;
    struct ttb__spawn what = {
        .program = node->kernel,
        .arguments = line->words,
        .environment = environment,
        .directory = lab->directory_fd,
        .guard = &lab->guard,
        .debuggable = lab->debuggable,
    };
    struct ttb__error why;
    int rc;

    if (asprintf(&temporary, "TMPDIR=%s", lab->memory_directory) < 0)
        return ttb__fail(&node->failure, -ENOMEM, "out of memory");
    environment[3] = temporary;
    what.output =
        openat(node->directory_fd, "console.log", O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (what.output < 0) {
        rc = ttb__fail(&node->failure, -errno, "%s: %s", node->console_path,
                       ttb__lab_reason(-errno));
    } else {
        rc = ttb__process_start(&what, &node->process, &why);
        if (rc)
            ttb__fail(&node->failure, rc, "kernel %s: %s", node->kernel, why.text);
        close(what.output);
    }
    free(temporary);
    return rc;
}

static int launch(void *user, struct ttb_node *unused)
{
    struct ttb_lab_node *node = user;
    const struct ttb_loop *loop = ttb_bridge_loop(node->lab->bridge);
    struct command_line line = {0};
    int rc;

    (void)unused;
    node->failure.text[0] = 0;
    node->wait_status = -1;
    rc = check_ptrace(node);
    if (!rc)
        rc = check_memory(node);
    if (!rc)
        rc = prepare(node);
    if (rc)
        return rc;
    make_command_line(node, &line);
    if (line.out_of_memory || line.len_bytes >= TTB__COMMAND_LINE_MAX)
        rc = ttb__fail(&node->failure, -E2BIG,
                       "its kernel command line would have %zu bytes in %u words, more than %d "
                       "bytes in %d words: fewer interfaces, shorter names",
                       line.len_bytes, line.count, TTB__COMMAND_LINE_MAX - 1, ARGUMENTS_MAX);
    if (!rc)
        rc = spawn(node, &line);
    clear(&line);
    if (rc)
        return rc;
    node->lives++;
    rc = loop->ops->add(loop->impl, node->process.pidfd, POLLIN, process_ended, node,
                        &node->process_watch);
    if (rc) {
        int status;

        node->process_watch = NULL;
        ttb__process_end(&node->process, &node->lab->guard, 0, &status);
        return ttb__fail(&node->failure, rc, "cannot watch its process: %s", strerror(-rc));
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------ ends */

static int reap(void *user, struct ttb_node *unused, bool force, int *exit_status)
{
    struct ttb_lab_node *node = user;
    struct ttb_lab *lab = node->lab;
    const struct ttb_loop *loop = ttb_bridge_loop(lab->bridge);
    int rc;

    (void)unused;
    if (node->process_watch)
        loop->ops->remove(loop->impl, node->process_watch);
    node->process_watch = NULL;
    rc = ttb__process_end(&node->process, &lab->guard, force ? 0 : EXIT_TIMEOUT_MS,
                          &node->wait_status);
    if (rc == -ETIMEDOUT)
        ttb_bridge_log(lab->bridge, TTB_LOG_ERROR,
                       "node %s: its process does not end, not even by SIGKILL", node->name);
    if (rc)
        node->wait_status = -1;
    ttb__console_finish(node, ttb_bridge_now_ns(lab->bridge));
    ttb__result_collect(node);
    if (force || (WIFSIGNALED(node->wait_status) && WTERMSIG(node->wait_status) == SIGKILL))
        ttb__power_cut(node);
    ttb__remove_tree(node->directory_fd, UML_DIRECTORY);
    *exit_status = node->wait_status;
    return rc;
}

static void blocked(void *user, struct ttb_node *unused, uint64_t time_ns)
{
    (void)unused;
    ttb__console_drain(user, time_ns);
}

/* A debugger traces it. (UML traces its own children, and is traced by nobody.) */
static bool is_held(void *user, struct ttb_node *unused)
{
    const struct ttb_lab_node *node = user;
    char path[40], line[128];
    int tracer = 0;
    FILE *file;

    (void)unused;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)node->process.pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    }
    if (file)
        fclose(file);
    return tracer > 0;
}

static void describe(void *user, struct ttb_node *unused, char *text, size_t size_bytes)
{
    struct ttb_lab_node *node = user;
    char last[TTB__LAST_LINE_MAX + 1];
    struct statvfs memory;
    int used;

    (void)unused;
    if (node->failure.text[0]) {
        snprintf(text, size_bytes, "%s", node->failure.text);
        return;
    }
    ttb__console_peek_last(node, last, sizeof(last));
    if (last[0])
        used = snprintf(text, size_bytes, "last console line: \"%s\"", last);
    else
        used = snprintf(text, size_bytes, "it has printed nothing");
    if (used < 0 || (size_t)used >= size_bytes)
        return;
    /* The commonest reason for a node to die without a word. */
    if (statvfs(node->lab->memory_directory, &memory) == 0 && memory.f_bavail == 0)
        snprintf(text + used, size_bytes - (size_t)used, "; %s is full",
                 node->lab->memory_directory);
}

static int place(void *user, struct ttb_node *unused, unsigned core)
{
    const struct ttb_lab_node *node = user;

    (void)unused;
    return ttb__process_bind(&node->process, core);
}

const struct ttb_node_ops ttb__lab_node_ops = {
    .launch = launch,
    .reap = reap,
    .blocked = blocked,
    .place = place,
    .is_held = is_held,
    .describe = describe,
};
