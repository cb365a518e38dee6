/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the guest is told to do: an archive on its second disk, unpacked to /run/ttb by images/init,
 * which then runs `start` from it.
 *
 *   start      generated: interfaces, files with absolute paths, the commands, the result
 *   commands   as given
 *   root/...   files that go to /...
 *   ...        other files as given
 *
 * The guest-side programs are busybox's, which every image has: what the generated script does must
 * not depend on what else is in the image.
 */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/tar.h"

#define ARCHIVE "input.tar"

/* --------------------------------------------------------------------------------------- files */

/* No empty, "." or ".." component: what is put in stays where it is said to be. */
static bool is_plain(const char *path)
{
    if (*path == '/')
        path++;
    for (;;) {
        size_t len_bytes = strcspn(path, "/");

        if (len_bytes == 0 || (len_bytes == 1 && path[0] == '.') ||
            (len_bytes == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += len_bytes;
        if (*path == 0)
            return true;
        path++;
    }
}

static bool is_reserved(const char *path)
{
    return strcmp(path, "start") == 0 || strcmp(path, "commands") == 0 ||
           strcmp(path, "root") == 0 || strncmp(path, "root/", 5) == 0;
}

static int remember_placed(struct ttb_lab_node *node, const char *path)
{
    struct ttb__placed_file *placed = calloc(1, sizeof(*placed));

    if (!placed)
        return -ENOMEM;
    placed->path = strdup(path);
    if (!placed->path) {
        free(placed);
        return -ENOMEM;
    }
    *node->placed_end = placed;
    node->placed_end = &placed->next;
    return 0;
}

static int add_host_file(int archive, const char *name, const struct ttb_lab_file *file)
{
    struct stat status;
    int rc, source = open(file->host_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (source < 0)
        return -errno;
    rc = fstat(source, &status) < 0 ? -errno : 0;
    if (!rc) {
        /* Group and others get what the owner has, but may not write: the host's umask is no
         * property of the scenario. */
        mode_t owner = (status.st_mode & 0700) | 0400;
        mode_t mode =
            file->mode ? file->mode : owner | ((owner & 0500) >> 3) | ((owner & 0500) >> 6);

        rc = ttb__tar_add_fd(archive, name, mode, source);
    }
    close(source);
    return rc;
}

static int add_file(struct ttb_lab_node *node, int archive, const struct ttb_lab_file *file)
{
    bool absolute = file->path && file->path[0] == '/';
    char name[PATH_MAX];
    int rc = 0;

    if (!file->path || !is_plain(file->path) || strlen(file->path) >= sizeof(name) - 8 ||
        (!absolute && is_reserved(file->path))) {
        return ttb__lab_fail(node->lab, -EINVAL,
                             "node %s: file path \"%.200s\" cannot be used: empty, has \"..\" or "
                             "empty parts, or is one of start, commands, root",
                             node->name, file->path ? file->path : "");
    }
    if (file->mode > 07777)
        return ttb__lab_fail(node->lab, -EINVAL, "node %s: file %s: mode 0%o is not in 0 to 07777",
                             node->name, file->path, file->mode);
    snprintf(name, sizeof(name), "%s%s", absolute ? "root" : "", file->path);
    if (absolute)
        rc = remember_placed(node, file->path);
    if (!rc && file->host_path)
        rc = add_host_file(archive, name, file);
    else if (!rc)
        rc = ttb__tar_add(archive, name, file->mode ? file->mode : 0644, file->content,
                          file->len_bytes);
    if (!rc)
        return 0;
    return ttb__lab_fail(node->lab, rc, "node %s: file %s%s%s: %s", node->name, file->path,
                         file->host_path ? " from " : "", file->host_path ? file->host_path : "",
                         rc == -ENAMETOOLONG ? "its path is too long for the archive (255 bytes)"
                         : rc == -EINVAL     ? "not a regular file"
                                             : ttb__lab_reason(rc));
}

int ttb__input_begin(struct ttb_lab_node *node, const struct ttb_lab_file *files, size_t count)
{
    int rc = 0, archive = openat(node->directory_fd, ARCHIVE,
                                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (archive < 0)
        return ttb__lab_fail(node->lab, -errno, "node %s: cannot create %s/%s: %s", node->name,
                             node->directory, ARCHIVE, ttb__lab_reason(-errno));
    for (size_t i = 0; i < count && !rc; i++)
        rc = add_file(node, archive, &files[i]);
    close(archive);
    return rc;
}

/* -------------------------------------------------------------------------------------- script */

/* In single quotes, where only the quote itself is special. */
static void put_quoted(FILE *script, const char *text, size_t len_bytes)
{
    fputc('\'', script);
    for (; len_bytes; text++, len_bytes--) {
        if (*text == '\'')
            fputs("'\\''", script);
        else
            fputc(*text, script);
    }
    fputc('\'', script);
}

static const char prologue[] = "#!/bin/busybox sh\n"
                               "# Made by ttbridge.\n"
                               "b=/bin/busybox\n"
                               "result() {\n"
                               "    echo \"exit $1\" > /dev/ubdc\n"
                               "    exit \"$1\"\n"
                               "}\n"
                               "broken() {\n"
                               "    echo \"ttb-start: $*\"\n"
                               "    exit 126\n"
                               "}\n"
                               "usable() {\n"
                               "    tries=0\n"
                               "    while read -r carrier < /sys/class/net/$1/carrier &&\n"
                               "          read -r state < /sys/class/net/$1/operstate &&\n"
                               "          [ \"$carrier $state\" != '1 up' ] &&\n"
                               "          [ \"$carrier\" = 1 ] && [ $tries -lt 120 ]; do\n"
                               /* 6.1 may take a second; every look costs a process. */
                               "        pause=0.001\n"
                               "        [ $tries -lt 20 ] || pause=0.02\n"
                               "        $b sleep $pause\n"
                               "        tries=$((tries + 1))\n"
                               "    done\n"
                               "}\n"
                               "[ -b /dev/ubdc ] || broken 'there is no result disk /dev/ubdc'\n";

static const char epilogue[] =
    "status=0\n"
    "if [ -f /run/ttb/commands ]; then\n"
    "    $b env -i PATH=\"$PATH\" HOME=\"$HOME\" TERM=\"$TERM\" /bin/sh /run/ttb/commands"
    " < /dev/null\n"
    "    status=$?\n"
    "fi\n"
    "result \"$status\"\n";

/* The kernel calls them eth0, eth1, ... in the order of its command line. */
static void put_names(FILE *script, const struct ttb_lab_node *node)
{
    bool renamed = false;

    for (uint32_t i = 0; i < node->interface_count; i++) {
        char kernel_name[16];

        snprintf(kernel_name, sizeof(kernel_name), "eth%u", i);
        fprintf(script,
                "[ -d /sys/class/net/%s ] || broken 'interface %s is missing: its driver found no "
                "device'\n",
                kernel_name, node->interfaces[i].name);
        renamed = renamed || strcmp(kernel_name, node->interfaces[i].name) != 0;
    }
    if (!renamed)
        return;
    /* A device that came by the kernel's extra arguments has the next name, which may be wanted. */
    fprintf(script,
            "[ ! -d /sys/class/net/eth%u ] || $b ip link set dev eth%u name ttb-extra || "
            "broken 'cannot rename eth%u'\n",
            node->interface_count, node->interface_count, node->interface_count);
    /* In two steps, since names may have been exchanged. */
    for (uint32_t i = 0; i < node->interface_count; i++)
        fprintf(script, "$b ip link set dev eth%u name ttb-%u || broken 'cannot rename eth%u'\n", i,
                i, i);
    for (uint32_t i = 0; i < node->interface_count; i++) {
        const char *name = node->interfaces[i].name;

        fprintf(script, "$b ip link set dev ttb-%u name %s || broken 'cannot name interface %s'\n",
                i, name, name);
    }
}

static void put_interface(FILE *script, const struct ttb__interface *interface)
{
    const char *name = interface->name;
    bool has_ipv6 = false;

    for (unsigned i = 0; i < interface->address_count; i++)
        has_ipv6 = has_ipv6 || interface->addresses[i].is_ipv6;
    if (has_ipv6) {
        /* The addresses are the scenario's: nobody else has them, and waiting a second until the
         * kernel believes it would make every scenario wait. */
        fprintf(script, "echo 0 > /proc/sys/net/ipv6/conf/%s/accept_dad\n", name);
        fprintf(script, "echo 0 > /proc/sys/net/ipv6/conf/%s/dad_transmits\n", name);
    }
    for (unsigned i = 0; i < interface->address_count; i++) {
        const struct ttb__address *address = &interface->addresses[i];

        fprintf(script, "$b ip addr add %s%s dev %s || broken 'cannot give %s the address %s'\n",
                address->text, address->is_ipv6 ? "" : " broadcast +", name, name, address->text);
    }
    fprintf(script, "$b ip link set dev %s up || broken 'cannot bring up %s'\n", name, name);
}

/* The kernel lets an interface send only when its link watch has seen the carrier, a moment later
 * (net/core/link_watch.c); what is sent before is lost without a word. */
static void put_wait(FILE *script, const struct ttb__interface *interface)
{
    fprintf(script, "usable %s\n", interface->name);
}

static void put_gateway(FILE *script, const struct ttb__interface *interface)
{
    if (!interface->gateway.text[0])
        return;
    fprintf(script,
            "$b ip %sroute add default via %s dev %s || "
            "broken 'cannot route through the gateway %s of %s'\n",
            interface->gateway.is_ipv6 ? "-6 " : "", interface->gateway.text, interface->name,
            interface->gateway.text, interface->name);
}

static void put_placed(FILE *script, const char *path)
{
    size_t folder_bytes = (size_t)(strrchr(path, '/') - path);

    if (folder_bytes) {
        fputs("$b mkdir -p ", script);
        put_quoted(script, path, folder_bytes);
        fputs(" && ", script);
    }
    fputs("$b mv -f /run/ttb/root", script);
    put_quoted(script, path, strlen(path));
    fputc(' ', script);
    put_quoted(script, path, strlen(path));
    fputs(" || broken 'cannot put a file in place'\n", script);
}

static int make_script(const struct ttb_lab_node *node, char **text, size_t *len_bytes)
{
    FILE *script = open_memstream(text, len_bytes);
    bool failed;

    if (!script)
        return -errno;
    fputs(prologue, script);
    put_names(script, node);
    for (uint32_t i = 0; i < node->interface_count; i++)
        put_interface(script, &node->interfaces[i]);
    for (uint32_t i = 0; i < node->interface_count; i++)
        put_gateway(script, &node->interfaces[i]);
    for (uint32_t i = 0; i < node->interface_count; i++)
        put_wait(script, &node->interfaces[i]);
    for (const struct ttb__placed_file *placed = node->placed; placed; placed = placed->next)
        put_placed(script, placed->path);
    fputs(epilogue, script);
    failed = ferror(script);
    if (fclose(script) != 0 || failed) {
        free(*text);
        *text = NULL;
        return -ENOMEM;
    }
    return 0;
}

int ttb__input_end(struct ttb_lab_node *node)
{
    int rc,
        archive = openat(node->directory_fd, ARCHIVE, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    char *text = NULL;
    size_t len_bytes;

    if (archive < 0)
        return -errno;
    rc = make_script(node, &text, &len_bytes);
    if (!rc && node->commands && *node->commands)
        rc = ttb__tar_add(archive, "commands", 0644, node->commands, strlen(node->commands));
    if (!rc)
        rc = ttb__tar_add(archive, "start", 0755, text, len_bytes);
    if (!rc)
        rc = ttb__tar_end(archive);
    free(text);
    close(archive);
    return rc;
}
