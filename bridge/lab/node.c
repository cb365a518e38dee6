/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

static bool is_name(const char *name, size_t max_bytes)
{
    size_t len_bytes = name ? strlen(name) : 0;

    return len_bytes > 0 && len_bytes <= max_bytes && strspn(name, name_characters) == len_bytes;
}

const char *ttb__base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

struct ttb_lab_node *ttb_lab_find_node(struct ttb_lab *lab, const char *name)
{
    for (struct ttb_lab_node *node = lab->nodes; node; node = node->next) {
        if (strcmp(node->name, name) == 0)
            return node;
    }
    return NULL;
}

struct ttb_node *ttb_lab_node_as_node(const struct ttb_lab_node *node)
{
    return node->node;
}

int ttb_lab_node_pid(const struct ttb_lab_node *node)
{
    return node->process.pid > 0 ? node->process.pid : 0;
}

const char *ttb_lab_node_kernel_path(const struct ttb_lab_node *node)
{
    return node->kernel;
}

const char *ttb_lab_node_console_path(const struct ttb_lab_node *node)
{
    return node->console_path;
}

uint64_t ttb_lab_node_console_len_bytes(const struct ttb_lab_node *node)
{
    return node->console.read_bytes;
}

int64_t ttb_lab_node_read_console(const struct ttb_lab_node *node, uint64_t offset_bytes,
                                  void *data, size_t size_bytes)
{
    uint64_t len_bytes = node->console.read_bytes;
    ssize_t got;

    if (offset_bytes >= len_bytes)
        return 0;
    if (size_bytes > len_bytes - offset_bytes)
        size_bytes = (size_t)(len_bytes - offset_bytes);
    got = pread(node->console.fd, data, size_bytes, (off_t)offset_bytes);
    return got < 0 ? -errno : got;
}

const char *ttb_lab_node_last_line(const struct ttb_lab_node *node)
{
    return node->console.last_line;
}

/* ------------------------------------------------------------------------------ kernel and image */

static int choose_kernel(struct ttb_lab_node *node, const char *wanted)
{
    struct ttb_lab *lab = node->lab;
    struct ttb__error why = {0};
    int rc;

    if (!wanted)
        wanted = lab->kernel;
    rc =
        ttb_lab_find_kernel(wanted, node->kernel, sizeof(node->kernel), why.text, sizeof(why.text));
    if (rc)
        return ttb__lab_fail(lab, rc, "node %s: %s", node->name, why.text);
    node->kernel_info.size = sizeof(node->kernel_info);
    /* Usually all nodes have the same one: no need to read it again and again. */
    for (const struct ttb_lab_node *other = lab->nodes; other; other = other->next) {
        if (strcmp(other->kernel, node->kernel) == 0) {
            node->kernel_info = other->kernel_info;
            return 0;
        }
    }
    rc = ttb_lab_inspect_kernel(node->kernel, &node->kernel_info, why.text, sizeof(why.text));
    if (rc)
        return ttb__lab_fail(lab, rc, "node %s: %s", node->name, why.text);
    if (!node->kernel_info.time_travel)
        return ttb__lab_fail(lab, -ENOEXEC,
                             "node %s: kernel %s: Linux %s has no time travel "
                             "(CONFIG_UML_TIME_TRAVEL_SUPPORT); build one with: ttb kernel build",
                             node->name, node->kernel, node->kernel_info.version);
    if (!node->kernel_info.seeded && !lab->warned_unseeded) {
        lab->warned_unseeded = true;
        ttb_bridge_log(lab->bridge, TTB_LOG_WARNING,
                       "node %s: kernel %s: has no seeded entropy, so runs will differ; build one "
                       "with: ttb kernel build",
                       node->name, node->kernel);
    }
    return 0;
}

static int choose_image(struct ttb_lab_node *node, const char *wanted)
{
    struct ttb_lab *lab = node->lab;
    struct ttb__error why = {0};
    struct stat status;
    int rc, fd;

    if (!wanted)
        wanted = lab->image;
    rc = ttb_lab_find_image(wanted, node->image, sizeof(node->image), why.text, sizeof(why.text));
    if (rc)
        return ttb__lab_fail(lab, rc, "node %s: %s", node->name, why.text);
    fd = open(node->image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return ttb__lab_fail(lab, rc, "node %s: image %s: %s", node->name, node->image,
                             ttb__lab_reason(rc));
    }
    close(fd);
    if (!S_ISREG(status.st_mode) || status.st_size < TTB__RESULT_BYTES)
        return ttb__lab_fail(lab, -EINVAL, "node %s: image %s: is not a disk image", node->name,
                             node->image);
    return 0;
}

/* ----------------------------------------------------------------------------------------- node */

static int copy_arguments(struct ttb_lab_node *node, const char *const *arguments)
{
    size_t count = 0;

    while (arguments && arguments[count])
        count++;
    node->arguments = calloc(count + 1, sizeof(char *));
    if (!node->arguments)
        return ttb__lab_fail(node->lab, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (!arguments[i][0] || strpbrk(arguments[i], " \t\n"))
            return ttb__lab_fail(node->lab, -EINVAL,
                                 "node %s: kernel argument \"%.200s\" is not one word", node->name,
                                 arguments[i]);
        node->arguments[i] = strdup(arguments[i]);
        if (!node->arguments[i])
            return ttb__lab_fail(node->lab, -ENOMEM, "out of memory");
    }
    return 0;
}

/* nodes/NAME, empty, with a link to the image: its real path shall not be in the command line. */
static int make_node_directory(struct ttb_lab_node *node)
{
    struct ttb_lab *lab = node->lab;
    int rc, nodes_fd = openat(lab->directory_fd, "nodes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (nodes_fd < 0)
        return ttb__lab_fail(lab, -errno, "cannot open %s/nodes: %s", lab->directory,
                             ttb__lab_reason(-errno));
    ttb__remove_tree(nodes_fd, node->name);
    if (mkdirat(nodes_fd, node->name, 0700) == 0)
        node->directory_fd = openat(nodes_fd, node->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = node->directory_fd < 0 ? -errno : 0;
    close(nodes_fd);
    if (!rc && symlinkat(node->image, node->directory_fd, "image") < 0)
        rc = -errno;
    if (!rc)
        rc = ttb__console_open(node);
    if (rc)
        return ttb__lab_fail(lab, rc, "node %s: cannot make its directory in %s/nodes: %s",
                             node->name, lab->directory, ttb__lab_reason(rc));
    if (asprintf(&node->directory, "%s/nodes/%s", lab->directory, node->name) < 0) {
        node->directory = NULL;
        return ttb__lab_fail(lab, -ENOMEM, "out of memory");
    }
    if (asprintf(&node->console_path, "%s/console.log", node->directory) < 0) {
        node->console_path = NULL;
        return ttb__lab_fail(lab, -ENOMEM, "out of memory");
    }
    return 0;
}

/* As the kernel's UBD_LATENCY_MAX. */
#define LATENCY_MAX_NS (UINT64_C(1000) * 1000000000)

static int copy_disk(struct ttb_lab_node *node, const struct ttb_lab_disk_opts *disk)
{
    bool delays = disk->latency_ns || disk->per_kib_ns || disk->jitter_ns || disk->flush_ns;

    if (disk->latency_ns > LATENCY_MAX_NS || disk->per_kib_ns > LATENCY_MAX_NS ||
        disk->jitter_ns > LATENCY_MAX_NS || disk->flush_ns > LATENCY_MAX_NS)
        return ttb__lab_fail(node->lab, -EINVAL, "node %s: disk: a latency is above 1000 s",
                             node->name);
    if ((unsigned)disk->survivors > TTB_DISK_TORN)
        return ttb__lab_fail(node->lab, -EINVAL,
                             "node %s: disk: survivors %d is not one of its values", node->name,
                             (int)disk->survivors);
    if ((delays || disk->survivors != TTB_DISK_ALL) && !node->kernel_info.disk_model)
        return ttb__lab_fail(node->lab, -ENOEXEC,
                             "node %s: kernel %s: Linux %s has no model of disks (latency, loss of "
                             "power); build one with: ttb kernel build",
                             node->name, node->kernel, node->kernel_info.version);
    node->disk = *disk;
    if (!disk->flush_ns)
        node->disk.flush_ns = disk->latency_ns;
    return 0;
}

static int describe_node(struct ttb_lab_node *node, const struct ttb_lab_node_opts *opts)
{
    struct ttb_lab *lab = node->lab;
    int rc;

    node->memory_mib = opts->memory_mib ? opts->memory_mib : lab->memory_mib;
    if (node->memory_mib < TTB_LAB_MEMORY_MIN_MIB || node->memory_mib > TTB_LAB_MEMORY_MAX_MIB)
        return ttb__lab_fail(lab, -EINVAL, "node %s: memory_mib %u is not in %d to %d", node->name,
                             node->memory_mib, TTB_LAB_MEMORY_MIN_MIB, TTB_LAB_MEMORY_MAX_MIB);
    node->commands = opts->commands ? strdup(opts->commands) : NULL;
    if (opts->commands && !node->commands)
        return ttb__lab_fail(lab, -ENOMEM, "out of memory");
    node->trusted = opts->trusted;
    rc = copy_arguments(node, opts->kernel_arguments);
    if (!rc)
        rc = choose_kernel(node, opts->kernel);
    if (!rc)
        rc = choose_image(node, opts->image);
    if (!rc)
        rc = copy_disk(node, &opts->disk);
    if (!rc)
        rc = make_node_directory(node);
    if (!rc)
        rc = ttb__input_begin(node, opts->files, opts->file_count);
    return rc;
}

int ttb_lab_add_node(struct ttb_lab *lab, const struct ttb_lab_node_opts *opts,
                     struct ttb_lab_node **made)
{
    struct ttb_node_opts bridge_opts;
    struct ttb_lab_node *node;
    int rc;

    *made = NULL;
    if (opts->size < sizeof(*opts))
        return ttb__lab_fail(lab, -EINVAL, "options of a node: size %zu is too small", opts->size);
    if (!is_name(opts->name, TTB_NAME_MAX))
        return ttb__lab_fail(lab, -EINVAL, "node name \"%.80s\" is not 1 to %d of [A-Za-z0-9_-]",
                             opts->name ? opts->name : "", TTB_NAME_MAX);
    /* Before its directory is touched. */
    if (ttb_bridge_find_node(lab->bridge, opts->name))
        return ttb__lab_fail(lab, -EEXIST, "there is a node %s already", opts->name);
    node = calloc(1, sizeof(*node));
    if (!node)
        return ttb__lab_fail(lab, -ENOMEM, "out of memory");
    node->lab = lab;
    strcpy(node->name, opts->name);
    node->directory_fd = node->console.fd = -1;
    node->process.pidfd = node->process.alive_fd = -1;
    node->wait_status = -1;
    node->placed_end = &node->placed;
    rc = describe_node(node, opts);
    if (rc)
        goto error;
    bridge_opts = (struct ttb_node_opts){
        .size = sizeof(bridge_opts),
        .name = node->name,
        .start_ns = opts->start_ns,
        .clock_mode = opts->clock_mode,
        .ops = &ttb__lab_node_ops,
        .ops_user = node,
    };
    /* Last: a node cannot be taken out of a bridge. */
    rc = ttb_bridge_add_node(lab->bridge, &bridge_opts, &node->node);
    if (rc) {
        ttb__lab_fail(lab, rc, "%s", ttb_bridge_error(lab->bridge));
        goto error;
    }
    *lab->nodes_end = node;
    lab->nodes_end = &node->next;
    *made = node;
    return 0;

error:
    ttb__lab_node_free(node);
    return rc;
}

void ttb__lab_node_free(struct ttb_lab_node *node)
{
    while (node->placed) {
        struct ttb__placed_file *placed = node->placed;

        node->placed = placed->next;
        free(placed->path);
        free(placed);
    }
    for (size_t i = 0; node->arguments && node->arguments[i]; i++)
        free(node->arguments[i]);
    free(node->arguments);
    ttb__console_close(node);
    if (node->directory_fd >= 0)
        close(node->directory_fd);
    free(node->commands);
    free(node->console_path);
    free(node->directory);
    free(node);
}

/* ------------------------------------------------------------------------------------ interfaces */

static int parse_interface(struct ttb_lab_node *node, const struct ttb_lab_interface_opts *opts,
                           struct ttb__interface *interface)
{
    struct ttb__error why;
    int rc;

    if (opts->name)
        snprintf(interface->name, sizeof(interface->name), "%s", opts->name);
    else
        snprintf(interface->name, sizeof(interface->name), "eth%u", node->interface_count);
    for (unsigned i = 0; i < TTB_LAB_ADDRESSES_MAX && opts->addresses[i]; i++) {
        rc = ttb__address_parse(opts->addresses[i], true, &interface->addresses[i], &why);
        if (rc)
            return ttb__lab_fail(node->lab, rc, "node %s: interface %s: %s", node->name,
                                 interface->name, why.text);
        interface->address_count++;
    }
    if (!opts->gateway)
        return 0;
    rc = ttb__address_parse(opts->gateway, false, &interface->gateway, &why);
    if (rc)
        return ttb__lab_fail(node->lab, rc, "node %s: interface %s: gateway: %s", node->name,
                             interface->name, why.text);
    return 0;
}

int ttb_lab_node_add_interface(struct ttb_lab_node *node, const struct ttb_lab_interface_opts *opts,
                               struct ttb_port **port)
{
    struct ttb__interface *interface = &node->interfaces[node->interface_count];
    struct ttb_port_opts port_opts = {.size = sizeof(port_opts)};
    struct ttb_lab *lab = node->lab;
    int rc;

    *port = NULL;
    if (opts->size < sizeof(*opts))
        return ttb__lab_fail(lab, -EINVAL, "options of an interface: size %zu is too small",
                             opts->size);
    if (node->interface_count == TTB__INTERFACES_MAX)
        return ttb__lab_fail(lab, -EINVAL, "node %s: more than %d interfaces", node->name,
                             TTB__INTERFACES_MAX);
    if (opts->name && (!is_name(opts->name, TTB__INTERFACE_NAME_MAX) ||
                       strcmp(opts->name, "lo") == 0 || strncmp(opts->name, "ttb-", 4) == 0))
        return ttb__lab_fail(
            lab, -EINVAL,
            "node %s: interface name \"%.80s\" is not 1 to %d of [A-Za-z0-9_-], or "
            "is one of lo and ttb-*",
            node->name, opts->name, TTB__INTERFACE_NAME_MAX);
    if (!node->kernel_info.virtio)
        return ttb__lab_fail(lab, -ENOEXEC,
                             "node %s: kernel %s: Linux %s has no virtio devices "
                             "(CONFIG_VIRTIO_UML), so no interfaces",
                             node->name, node->kernel, node->kernel_info.version);
    memset(interface, 0, sizeof(*interface));
    rc = parse_interface(node, opts, interface);
    if (rc)
        return rc;
    port_opts.name = interface->name;
    memcpy(port_opts.mac, opts->mac, sizeof(port_opts.mac));
    port_opts.mtu = opts->mtu;
    port_opts.backlog_frames = opts->backlog_frames;
    port_opts.offload = opts->offload;
    port_opts.coalesce_ns = opts->coalesce_ns;
    port_opts.coalesce_frames = opts->coalesce_frames;
    rc = ttb_node_add_port(node->node, &port_opts, &interface->port);
    if (rc)
        return ttb__lab_fail(lab, rc, "%s", ttb_bridge_error(lab->bridge));
    node->interface_count++;
    *port = interface->port;
    return 0;
}
