/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux nodes from the scenario. What a node is told: its interfaces by the lab, and by a script here
 * what the lab does not know (routes, sysctls, /etc/hosts), which ends by becoming the agent.
 */
#include "run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

extern const unsigned char ttb__agent_begin[], ttb__agent_end[];

/* --------------------------------------------------------------------------------- the script */

static void put_quoted(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", script);
        else
            fputc(*text, script);
    }
    fputc('\'', script);
}

static bool is_ipv6(const char *address)
{
    return strchr(address, ':') != NULL;
}

static void put_default_routes(FILE *script, const Ttb__Scenario__Interface *interface)
{
    for (size_t i = 0; i < interface->n_gateways; i++) {
        const char *gateway = interface->gateways[i];

        fprintf(script, "$b ip %sroute add default via %s dev %s || broken 'no default route'\n",
                is_ipv6(gateway) ? "-6 " : "", gateway, interface->name);
    }
}

static void put_route(FILE *script, const Ttb__Scenario__Route *route)
{
    fprintf(script, "$b ip %sroute add %s", is_ipv6(route->to) ? "-6 " : "", route->to);
    if (route->via)
        fprintf(script, " via %s", route->via);
    if (route->interface)
        fprintf(script, " dev %s", route->interface);
    if (route->has_metric)
        fprintf(script, " metric %" PRIu32, route->metric);
    fprintf(script, " || broken 'cannot add the route to %s'\n", route->to);
}

/* "net.ipv4.ip_forward"; slashes stand for dots in names, as for sysctl(8). */
static void put_sysctl(FILE *script, const char *name, const char *value)
{
    char *path = strdup(name);

    if (!path)
        return; /* shows at the end: the stream fails likewise */
    for (char *at = path; *at; at++)
        *at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
    fputs("echo ", script);
    put_quoted(script, value);
    fputs(" > ", script);
    fputs("/proc/sys/", script);
    put_quoted(script, path);
    fputs(" || broken 'cannot set a sysctl'\n", script);
    free(path);
}

static int make_script(const struct ttb__run_node *node, char **text, size_t *len_bytes)
{
    const Ttb__Scenario__Node *given = node->given;
    FILE *script = open_memstream(text, len_bytes);
    bool failed;

    if (!script)
        return -ENOMEM;
    fputs("b=/bin/busybox\n"
          "broken() {\n"
          "    echo \"ttb-start: $*\"\n"
          "    exit 126\n"
          "}\n",
          script);
    if (given->forwarding) {
        put_sysctl(script, "net.ipv4.ip_forward", "1");
        fputs("[ ! -d /proc/sys/net/ipv6 ] || ", script);
        put_sysctl(script, "net.ipv6.conf.all.forwarding", "1");
    }
    for (size_t i = 0; i < given->n_sysctls; i++)
        put_sysctl(script, given->sysctls[i]->name, given->sysctls[i]->value);
    for (size_t i = 0; i < given->n_interfaces; i++)
        put_default_routes(script, given->interfaces[i]);
    for (size_t i = 0; i < given->n_routes; i++)
        put_route(script, given->routes[i]);
    /* The interface to the runner is the last device on the kernel's command line; where interfaces
     * were renamed, the lab has put it out of their way (lab/script.c). */
    fprintf(script,
            "control=eth%zu\n"
            "[ ! -d /sys/class/net/ttb-extra ] || control=ttb-extra\n"
            "exec " TTB__GUEST_FOLDER TTB__GUEST_AGENT " $control\n",
            given->n_interfaces);
    failed = ferror(script);
    return fclose(script) != 0 || failed ? -ENOMEM : 0;
}

static void put_env(FILE *script, Ttb__Scenario__Setting **env, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(script, "export %s=", env[i]->name);
        put_quoted(script, env[i]->value);
        fputc('\n', script);
    }
}

static int make_command(const Ttb__Scenario__Node *node, const Ttb__Scenario__Command *command,
                        char **text, size_t *len_bytes)
{
    FILE *script = open_memstream(text, len_bytes);
    bool failed;

    if (!script)
        return -ENOMEM;
    put_env(script, node->env, node->n_env);
    put_env(script, command->env, command->n_env);
    fprintf(script, "%s\n", command->command);
    failed = ferror(script);
    return fclose(script) != 0 || failed ? -ENOMEM : 0;
}

/* ---------------------------------------------------------------------------------- /etc/hosts */

static void put_host(FILE *hosts, const char *name, Ttb__Scenario__Interface **interfaces,
                     size_t count)
{
    bool has4 = false, has6 = false;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < interfaces[i]->n_addresses; j++) {
            const char *address = interfaces[i]->addresses[j];
            bool *has = is_ipv6(address) ? &has6 : &has4;

            if (!*has)
                fprintf(hosts, "%.*s\t%s\n", (int)strcspn(address, "/"), address, name);
            *has = true;
        }
    }
}

static int make_hosts(const Ttb__Scenario *scenario, char **text, size_t *len_bytes)
{
    FILE *hosts = open_memstream(text, len_bytes);
    bool failed;

    if (!hosts)
        return -ENOMEM;
    fputs("127.0.0.1\tlocalhost\n::1\tlocalhost\n", hosts);
    for (size_t i = 0; i < scenario->n_nodes; i++)
        put_host(hosts, scenario->nodes[i]->name, scenario->nodes[i]->interfaces,
                 scenario->nodes[i]->n_interfaces);
    for (size_t i = 0; i < scenario->n_routers; i++)
        put_host(hosts, scenario->routers[i]->name, scenario->routers[i]->interfaces,
                 scenario->routers[i]->n_interfaces);
    for (size_t i = 0; i < scenario->n_hosts; i++)
        put_host(hosts, scenario->hosts[i]->name, scenario->hosts[i]->interfaces,
                 scenario->hosts[i]->n_interfaces);
    failed = ferror(hosts);
    return fclose(hosts) != 0 || failed ? -ENOMEM : 0;
}

/* --------------------------------------------------------------------------------------- files */

/* What goes into a node; texts that were made for it are freed with it. */
struct input {
    struct ttb_lab_file *files;
    size_t count;
    char **made; /* texts and paths */
    size_t made_count;
};

static int input_new(struct input *input, size_t files_max)
{
    input->files = calloc(files_max, sizeof(*input->files));
    input->made = calloc(2 * files_max, sizeof(*input->made));
    return input->files && input->made ? 0 : -ENOMEM;
}

static void input_free(struct input *input)
{
    for (size_t i = 0; i < input->made_count; i++)
        free(input->made[i]);
    free(input->made);
    free(input->files);
}

static void put_file(struct input *input, const char *path, const void *content, size_t len_bytes,
                     uint32_t mode)
{
    input->files[input->count++] = (struct ttb_lab_file){
        .path = path, .content = content, .len_bytes = len_bytes, .mode = mode};
}

static int put_commands(struct input *input, const struct ttb__run_node *node)
{
    for (size_t i = 0; i < node->command_count; i++) {
        char *path, *text = NULL;
        size_t len_bytes;
        int rc = make_command(node->given, node->commands[i].given, &text, &len_bytes);

        input->made[input->made_count++] = text;
        if (rc)
            return rc;
        if (asprintf(&path, TTB__GUEST_COMMANDS "/%zu", i) < 0)
            return -ENOMEM;
        input->made[input->made_count++] = path;
        put_file(input, path, text, len_bytes, 0644);
    }
    return 0;
}

static bool has_file(const Ttb__Scenario__Node *node, const char *path)
{
    for (size_t i = 0; i < node->n_files; i++) {
        if (strcmp(node->files[i]->path, path) == 0)
            return true;
    }
    return false;
}

static int fill_input(struct input *input, const struct ttb__run_node *node)
{
    const Ttb__Scenario__Node *given = node->given;
    char *text = NULL;
    size_t len_bytes;
    int rc = input_new(input, given->n_files + node->command_count + 3);

    if (rc)
        return rc;
    put_file(input, TTB__GUEST_AGENT, ttb__agent_begin, (size_t)(ttb__agent_end - ttb__agent_begin),
             0755);
    rc = put_commands(input, node);
    if (rc)
        return rc;
    if (node->file_count) {
        rc = ttb__collect_list(node, &text, &len_bytes);
        input->made[input->made_count++] = text;
        if (rc)
            return rc;
        put_file(input, TTB__GUEST_COLLECT, text, len_bytes, 0644);
    }
    if (given->etc_hosts && !has_file(given, "/etc/hosts")) {
        text = NULL;
        rc = make_hosts(node->run->scenario, &text, &len_bytes);
        input->made[input->made_count++] = text;
        if (rc)
            return rc;
        put_file(input, "/etc/hosts", text, len_bytes, 0644);
    }
    for (size_t i = 0; i < given->n_files; i++) {
        const Ttb__Scenario__File *file = given->files[i];

        put_file(input, file->path, file->content.data, file->content.len, file->mode);
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- node */

/* The default, "busybox", gives way to $TTB_IMAGE, which a name would override. */
const char *ttb__setup_image(const Ttb__Scenario__Node *node)
{
    return strcmp(node->image, "busybox") == 0 ? NULL : node->image;
}

const char *ttb__setup_kernel(const Ttb__Scenario__Node *node)
{
    return node->kernel && node->kernel[0] ? node->kernel : NULL;
}

static enum ttb_clock_mode clock_mode(Ttb__Scenario__Clock clock)
{
    switch (clock) {
    case TTB__SCENARIO__CLOCK__CLOCK_MESSAGES:
        return TTB_CLOCK_MESSAGES;
    case TTB__SCENARIO__CLOCK__CLOCK_SHARED:
        return TTB_CLOCK_SHARED;
    default:
        return TTB_CLOCK_AUTO;
    }
}

static enum ttb_disk_survivors survivors(Ttb__Scenario__Disk__Unflushed unflushed)
{
    switch (unflushed) {
    case TTB__SCENARIO__DISK__UNFLUSHED__NONE_STAY:
        return TTB_DISK_NONE;
    case TTB__SCENARIO__DISK__UNFLUSHED__SOME_STAY:
        return TTB_DISK_SOME;
    case TTB__SCENARIO__DISK__UNFLUSHED__TORN_STAY:
        return TTB_DISK_TORN;
    default:
        return TTB_DISK_ALL;
    }
}

static struct ttb_lab_disk_opts disk_of(const Ttb__Scenario__Disk *given)
{
    if (!given)
        return (struct ttb_lab_disk_opts){0};
    return (struct ttb_lab_disk_opts){
        .latency_ns = given->latency_ns,
        .per_kib_ns = given->per_kib_ns,
        .jitter_ns = given->jitter_ns,
        .flush_ns = given->flush_ns,
        .survivors = survivors(given->unflushed),
    };
}

static int add_to_lab(struct ttb__run_node *node, const struct input *input, const char *script)
{
    const Ttb__Scenario__Node *given = node->given;
    char control[2 * TTB_NAME_MAX + 40], output[TTB_NAME_MAX + 40];
    const char **arguments = calloc(given->n_kernel_args + 3, sizeof(*arguments));
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = given->name,
        .kernel = ttb__setup_kernel(given),
        .image = ttb__setup_image(given),
        .memory_mib = (uint32_t)(given->memory_bytes / MIB),
        .start_ns = given->start_ns,
        .clock_mode = clock_mode(given->clock),
        .commands = script,
        .files = input->files,
        .file_count = input->count,
        .kernel_arguments = arguments,
        .disk = disk_of(given->disk),
        .trusted = given->trusted,
    };
    int rc;

    if (!arguments)
        return ttb__run_fail(node->run, -ENOMEM, "out of memory");
    snprintf(control, sizeof(control), "virtio_uml.device=%s." TTB__CONTROL_PORT ":1", given->name);
    snprintf(output, sizeof(output), "ubd3=nodes/%s/output", given->name);
    arguments[0] = control;
    if (node->file_count)
        arguments[1] = output;
    for (size_t i = 0; i < given->n_kernel_args; i++)
        arguments[(node->file_count ? 2 : 1) + i] = given->kernel_args[i];
    rc = ttb_lab_add_node(node->run->lab, &opts, &node->lab_node);
    free(arguments);
    if (rc)
        return ttb__run_fail(node->run, rc, "%s", ttb_lab_error(node->run->lab));
    node->node = ttb_lab_node_as_node(node->lab_node);
    return 0;
}

static int add_interface(struct ttb__run_node *node, size_t number)
{
    const Ttb__Scenario__Interface *given = node->given->interfaces[number];
    struct ttb_lab_interface_opts opts = {
        .size = sizeof(opts),
        .name = given->name,
        .mtu = (uint16_t)given->mtu_bytes,
        .offload = given->offload,
        .coalesce_ns = given->coalesce_ns,
        .coalesce_frames = given->coalesce_frames,
    };
    int rc;

    for (size_t i = 0; i < given->n_addresses && i < TTB_LAB_ADDRESSES_MAX; i++)
        opts.addresses[i] = given->addresses[i];
    if (given->has_mac && given->mac.len == sizeof(opts.mac))
        memcpy(opts.mac, given->mac.data, sizeof(opts.mac));
    rc = ttb_lab_node_add_interface(node->lab_node, &opts, &node->ports[number]);
    if (rc)
        return ttb__run_fail(node->run, rc, "%s", ttb_lab_error(node->run->lab));
    return 0;
}

/* Not by the lab: it would give it a place among the node's interfaces, and bring it up. */
static int add_control(struct ttb__run_node *node)
{
    struct ttb_port_opts opts = {.size = sizeof(opts), .name = TTB__CONTROL_PORT};
    int rc = ttb_node_add_port(node->node, &opts, &node->control);

    if (rc)
        return ttb__run_fail(node->run, rc, "%s", ttb_bridge_error(ttb_lab_bridge(node->run->lab)));
    ttb_port_set_isolated(node->control);
    ttb_port_on_transmit(node->control, ttb__command_transmitted, node);
    return 0;
}

static int list_commands(struct ttb__run_node *node)
{
    const Ttb__Scenario *scenario = node->run->scenario;
    size_t count = node->given->n_run;

    for (size_t i = 0; i < scenario->n_events; i++) {
        if (scenario->events[i]->exec && strcmp(scenario->events[i]->node, node->given->name) == 0)
            count++;
    }
    node->commands = calloc(count + 1, sizeof(*node->commands));
    if (!node->commands)
        return ttb__run_fail(node->run, -ENOMEM, "out of memory");
    for (size_t i = 0; i < node->given->n_run; i++)
        node->commands[node->command_count++].given = node->given->run[i];
    for (size_t i = 0; i < scenario->n_events; i++) {
        const Ttb__Scenario__Event *event = scenario->events[i];

        if (event->exec && strcmp(event->node, node->given->name) == 0)
            node->commands[node->command_count++] =
                (struct ttb__run_command){.given = event->exec, .is_exec = true};
    }
    return 0;
}

static int add_node(struct ttb__run_node *node)
{
    struct input input = {0};
    char *script = NULL;
    size_t script_bytes;
    int rc = list_commands(node);

    if (!rc)
        rc = ttb__collect_prepare(node);
    node->ports = calloc(node->given->n_interfaces + 1, sizeof(struct ttb_port *));
    if (rc || !node->ports)
        return rc ? rc : ttb__run_fail(node->run, -ENOMEM, "out of memory");
    rc = fill_input(&input, node);
    if (!rc)
        rc = make_script(node, &script, &script_bytes);
    if (rc)
        ttb__run_fail(node->run, rc, "node %s: out of memory", node->given->name);
    else
        rc = add_to_lab(node, &input, script);
    for (size_t i = 0; !rc && i < node->given->n_interfaces; i++)
        rc = add_interface(node, i);
    if (!rc)
        rc = add_control(node);
    free(script);
    input_free(&input);
    return rc;
}

/* Where one node is started alone, the others are names, so that it has the id that it has among them:
 * ids are part of what a node sees (its addresses, its random numbers). */
static int add_name(struct ttb__run_node *node)
{
    const struct ttb_node_opts opts = {
        .size = sizeof(opts), .name = node->given->name, .start_ns = INT64_MAX - 1};
    struct ttb_bridge *bridge = ttb_lab_bridge(node->run->lab);
    int rc = ttb_bridge_add_node(bridge, &opts, &node->node);

    return rc ? ttb__run_fail(node->run, rc, "%s", ttb_bridge_error(bridge)) : 0;
}

static int make_output(struct ttb__run_node *node)
{
    char path[PATH_MAX];
    int fd, rc = 0;

    if (!node->file_count)
        return 0;
    snprintf(path, sizeof(path), "%s/nodes/%s/output", node->run->directory, node->given->name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)TTB__OUTPUT_BYTES) < 0)
        rc = -errno;
    if (fd >= 0)
        close(fd);
    return rc ? ttb__run_fail(node->run, rc, "cannot make %s: %s", path, strerror(-rc)) : 0;
}

int ttb__setup_nodes(struct ttb__run *run)
{
    int rc = 0;

    run->nodes = calloc(run->scenario->n_nodes + 1, sizeof(*run->nodes));
    if (!run->nodes)
        return ttb__run_fail(run, -ENOMEM, "out of memory");
    for (size_t i = 0; i < run->scenario->n_nodes && !rc; i++) {
        struct ttb__run_node *node = &run->nodes[run->node_count++];

        node->run = run;
        node->given = run->scenario->nodes[i];
        node->number = i;
        if (run->only_node && strcmp(run->only_node, node->given->name) != 0) {
            rc = add_name(node);
            continue;
        }
        rc = add_node(node);
        if (!rc)
            rc = make_output(node);
    }
    return rc;
}

void ttb__setup_free(struct ttb__run *run)
{
    for (size_t i = 0; i < run->node_count; i++) {
        struct ttb__run_node *node = &run->nodes[i];

        if (node->file_count && node->lab_node) {
            /* What was in it has been taken out; a copy of a run need not have such a large one. */
            char path[PATH_MAX];

            snprintf(path, sizeof(path), "%s/nodes/%s/output", run->directory, node->given->name);
            unlink(path);
        }
        for (size_t j = 0; j < node->file_count; j++)
            free(node->files[j].host_path);
        free(node->files);
        free(node->commands);
        free(node->ports);
    }
    free(run->nodes);
}
