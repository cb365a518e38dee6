/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include "clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Simulated time at which whatever should have ended by itself hangs. */
#define LAST_NS (3600 * S)

struct rig {
    const struct setup *setup;
    struct outcome *outcome;
    struct ttb_lab *lab;
    struct ttb_net *net;
    struct ttb_lab_node *nodes[RIG_NODES_MAX];
    struct ttb_net_end *ends[RIG_NODES_MAX];
    struct ttb_port *ports[RIG_NODES_MAX];
    double start_s, from_s;
};

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(3);
}

static double processor_s(void)
{
    double sum = 0;

    for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
        struct rusage usage;

        getrusage(who, &usage);
        sum += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    }
    return sum;
}

/* ------------------------------------------------------------------------------------- memory */

static long parent_of(const char *pid)
{
    char path[300], text[512];
    const char *after;
    long parent = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "r");
    if (!file)
        return -1;
    /* The name, in parentheses, may contain anything. */
    if (fgets(text, sizeof(text), file) && (after = strrchr(text, ')')))
        sscanf(after, ") %*c %ld", &parent);
    fclose(file);
    return parent;
}

static bool is_below_us(const char *pid)
{
    char text[32];
    long parent = parent_of(pid);

    for (int depth = 0; parent > 1 && depth < 8; depth++) {
        if (parent == getpid())
            return true;
        snprintf(text, sizeof(text), "%ld", parent);
        parent = parent_of(text);
    }
    return false;
}

static double pss_of(const char *pid)
{
    char path[300], line[256];
    double kib = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", pid);
    file = fopen(path, "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Pss: %lf", &kib) == 1)
            break;
    }
    fclose(file);
    return kib / 1024;
}

static double pss_of_nodes(void)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    double mib = 0;

    while (directory && (entry = readdir(directory))) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_below_us(entry->d_name))
            mib += pss_of(entry->d_name);
    }
    if (directory)
        closedir(directory);
    return mib;
}

/* ------------------------------------------------------------------------------------ network */

static void add_node(struct rig *rig, unsigned i)
{
    char name[16], address[32], commands[512] = "sleep 1000000";
    const char *arguments[] = {rig->setup->kernel_argument, NULL};
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = name,
        .commands = commands,
        .kernel_arguments = arguments,
    };
    struct ttb_lab_interface_opts interface = {
        .size = sizeof(interface),
        .addresses = {address},
        .offload = rig->setup->offload,
        .coalesce_ns = rig->setup->coalesce_ns,
        .coalesce_frames = rig->setup->coalesce_frames,
    };

    snprintf(name, sizeof(name), "n%u", i);
    snprintf(address, sizeof(address), "10.0.%u.%u/16", i / 250, i % 250 + 1);
    if (rig->setup->commands)
        rig->setup->commands(i, commands, sizeof(commands));
    if (ttb_lab_add_node(rig->lab, &opts, &rig->nodes[i]))
        give_up("node", ttb_lab_error(rig->lab));
    if (rig->setup->topology == ALONE)
        return;
    if (ttb_lab_node_add_interface(rig->nodes[i], &interface, &rig->ports[i]) ||
        ttb_net_add_port(rig->net, rig->ports[i], &rig->ends[i]))
        give_up("interface", ttb_lab_error(rig->lab));
}

static void connect_all(struct rig *rig)
{
    const struct setup *setup = rig->setup;
    struct ttb_net_switch *sw = NULL;

    if (setup->topology == STAR && ttb_net_add_switch(rig->net, NULL, &sw))
        give_up("switch", ttb_net_error(rig->net));
    for (unsigned i = 0; i < setup->node_count && setup->topology != ALONE; i++) {
        struct ttb_net_end *other = i % 2 ? rig->ends[i - 1] : NULL;

        if (sw && ttb_net_switch_add_port(sw, &other))
            give_up("switch", ttb_net_error(rig->net));
        if (other && ttb_net_connect(rig->net, rig->ends[i], other, &setup->params, NULL, NULL))
            give_up("link", ttb_net_error(rig->net));
    }
}

static void add_up(struct rig *rig, int sign)
{
    struct outcome *outcome = rig->outcome;

    for (unsigned i = 0; i < rig->setup->node_count; i++) {
        struct ttb_node_stats stats;
        struct ttb_port_stats port = {0};

        ttb_node_get_stats(ttb_lab_node_as_node(rig->nodes[i]), &stats);
        if (rig->ports[i])
            ttb_port_get_stats(rig->ports[i], &port);
        outcome->grants += (uint64_t)sign * stats.grants;
        outcome->kicks += (uint64_t)sign * stats.kicks;
        outcome->calls += (uint64_t)sign * stats.calls;
        outcome->shared += (uint64_t)sign * (stats.shared_kicks + stats.shared_calls);
        outcome->frames += (uint64_t)sign * port.tx_frames;
        outcome->bytes += (uint64_t)sign * port.tx_bytes;
    }
}

static void begin(void *user, uint64_t time_ns)
{
    struct rig *rig = user;

    (void)time_ns;
    rig->outcome->boot_s = now_s() - rig->start_s;
    rig->outcome->pss_mib = pss_of_nodes();
    add_up(rig, -1);
    rig->from_s = now_s();
}

static void check_nodes(const struct rig *rig)
{
    for (unsigned i = 0; i < rig->setup->node_count; i++) {
        const struct ttb_node *node = ttb_lab_node_as_node(rig->nodes[i]);
        int status = 0;

        if (ttb_node_get_state(node) == TTB_NODE_FAILED)
            give_up(ttb_node_name(node), ttb_node_failure(node));
        if (ttb_lab_node_exit_status(rig->nodes[i], &status) && !rig->setup->until_ns)
            give_up(ttb_node_name(node), "its commands have not ended");
        if (status)
            give_up(ttb_node_name(node), ttb_lab_node_last_line(rig->nodes[i]));
    }
}

void rig_run(const struct setup *setup, struct outcome *outcome)
{
    struct ttb_bridge_opts bridge = {
        .size = sizeof(bridge),
        .jobs = setup->jobs,
        .no_look_ahead = setup->no_look_ahead,
        .no_shared_notifications = setup->no_shared_notifications,
    };
    struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1, .bridge = &bridge};
    struct rig *rig = calloc(1, sizeof(*rig));
    double processor_before_s = processor_s();
    char error[512];

    if (!rig)
        give_up("rig", "out of memory");
    *outcome = (struct outcome){0};
    rig->setup = setup;
    rig->outcome = outcome;
    rig->start_s = now_s();
    if (ttb_lab_new(&opts, &rig->lab, error, sizeof(error)))
        give_up("lab", error);
    if (ttb_net_new(ttb_lab_bridge(rig->lab), NULL, &rig->net))
        give_up("network", "out of memory");
    for (unsigned i = 0; i < setup->node_count; i++)
        add_node(rig, i);
    connect_all(rig);
    if (ttb_net_call_at(rig->net, setup->from_ns, begin, rig, NULL) ||
        ttb_net_run(rig->net, setup->until_ns ? setup->until_ns : LAST_NS))
        give_up("run", ttb_net_error(rig->net));
    outcome->wall_s = now_s() - rig->from_s;
    outcome->simulated_ns = ttb_net_now_ns(rig->net) - setup->from_ns;
    add_up(rig, 1);
    check_nodes(rig);
    ttb_net_free(rig->net);
    ttb_lab_free(rig->lab);
    outcome->processor_s = processor_s() - processor_before_s;
    free(rig);
}
