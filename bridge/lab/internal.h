/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file internal.h
 * The lab's objects, shared by the files of this folder only.
 *
 *   lab.c       run directory, lock, bridge
 *   node.c      describing a node: options, files, interfaces
 *   script.c    the archive and the script that tell the guest what to do
 *   launch.c    struct ttb_node_ops: starting and ending a UML process
 *   console.c   what a node printed, line by line with simulated times
 *   results.c   what the node wrote to its result disk
 *   find.c      kernels and images by name; inspect.c looks into a kernel
 *   process.c   fork, exec, kill; bind.c to which core; guard.c the same after our own death
 *   disk.c      what a loss of power leaves on a disk; power.c does it to a node
 *   tar.c, address.c  formats
 */
#ifndef TTB_LAB_INTERNAL_H
#define TTB_LAB_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ttbridge/lab.h>

#include "base/error.h"
#include "lab/address.h"
#include "lab/guard.h"
#include "lab/process.h"

/* IFNAMSIZ - 1 */
#define TTB__INTERFACE_NAME_MAX 15

/* As many ports as a bridge's node may have. */
#define TTB__INTERFACES_MAX 64

/* COMMAND_LINE_SIZE, arch/um/include/asm/setup.h, with the terminating zero. */
#define TTB__COMMAND_LINE_MAX 4096

/* The result disk: one sector is enough for a status, a page for the guest's block cache. */
#define TTB__RESULT_BYTES 4096

/* Longest last line that is kept for messages. */
#define TTB__LAST_LINE_MAX 200

struct ttb__interface {
    char name[TTB__INTERFACE_NAME_MAX + 1];
    struct ttb_port *port;
    struct ttb__address addresses[TTB_LAB_ADDRESSES_MAX];
    unsigned address_count;
    struct ttb__address gateway; /* text "": none */
};

/* A file with an absolute path in the guest: unpacked under /run/ttb/root, then moved there. */
struct ttb__placed_file {
    char *path;
    struct ttb__placed_file *next;
};

/*
 * Invariants:
 * - bytes before read_bytes have been cut into lines or are in `line`; the file may be longer.
 * - line_len_bytes < TTB_LAB_LINE_MAX
 */
struct ttb__console {
    int fd; /* for reading; -1: not made yet */
    uint64_t read_bytes;
    char line[TTB_LAB_LINE_MAX + 1];
    size_t line_len_bytes;
    char last_line[TTB__LAST_LINE_MAX + 1];
};

struct ttb_lab_node {
    struct ttb_lab *lab;
    struct ttb_lab_node *next;
    struct ttb_node *node; /* the bridge's */
    char name[TTB_NAME_MAX + 1];
    char *directory; /* absolute */
    int directory_fd;
    char *console_path;
    char kernel[PATH_MAX];
    char image[PATH_MAX];
    struct ttb_lab_kernel_info kernel_info;
    uint32_t memory_mib;
    struct ttb_lab_disk_opts disk;
    bool trusted;
    uint64_t lives; /* times it was started */
    char *commands;
    char **arguments; /* NULL-terminated; extra kernel arguments */
    struct ttb__placed_file *placed, **placed_end;
    struct ttb__interface interfaces[TTB__INTERFACES_MAX];
    uint32_t interface_count;
    bool prepared; /* disks are made: the node has been launched before */

    struct ttb__process process;
    struct ttb_watch *process_watch;
    struct ttb__console console;
    struct ttb__error failure; /* why it could not be launched */
    int wait_status;           /* of the life that ended last; -1 */
    bool has_exit_status;
    int exit_status; /* of the commands */
};

struct ttb_lab {
    char *directory; /* absolute */
    int directory_fd;
    int lock_fd;
    bool temporary;
    struct ttb__guard guard;
    char *kernel, *image; /* NULL: defaults */
    uint32_t memory_mib;
    uint64_t seed;
    char *memory_directory;
    uint64_t epoch_ns;
    struct ttb_bridge *bridge;
    struct ttb_lab_node *nodes, **nodes_end; /* in the order they were added */
    ttb_lab_line_fn line;
    void *line_user;
    bool debuggable;
    bool ptrace_probed;
    bool warned_unseeded, warned_memory;
    struct ttb__error error;
};

/* lab.c */
int ttb__lab_fail(struct ttb_lab *lab, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What a negative errno means, with the remedy where strerror(3) does not suggest it. */
const char *ttb__lab_reason(int code);
/* Remove a directory and what is in it, links not followed. Best effort. */
void ttb__remove_tree(int directory_fd, const char *name);

/* node.c */
void ttb__lab_node_free(struct ttb_lab_node *node);
/* Path of a port's socket as seen from the run directory. */
const char *ttb__base_name(const char *path);

/* script.c: the archive nodes/NAME/input.tar, begun when the node is added, ended at first launch. */
int ttb__input_begin(struct ttb_lab_node *node, const struct ttb_lab_file *files, size_t count);
int ttb__input_end(struct ttb_lab_node *node);

/* launch.c */
extern const struct ttb_node_ops ttb__lab_node_ops;

/* console.c */
int ttb__console_open(struct ttb_lab_node *node);
void ttb__console_close(struct ttb_lab_node *node);
/* Hand out the lines that are new. */
void ttb__console_drain(struct ttb_lab_node *node, uint64_t time_ns);
/* The node has ended: what has no end of line is a line as well. */
void ttb__console_finish(struct ttb_lab_node *node, uint64_t time_ns);
/* The last line that is not empty, whether it has been drained or not. */
void ttb__console_peek_last(const struct ttb_lab_node *node, char *text, size_t size_bytes);
/* Printable: control characters become spaces. In place. */
void ttb__console_clean(char *text);

/* power.c: this node has been killed, which is what a loss of power is to its disk. */
void ttb__power_cut(struct ttb_lab_node *node);

/* results.c */
int ttb__result_prepare(struct ttb_lab_node *node);
void ttb__result_collect(struct ttb_lab_node *node);

/* find.c */
int ttb__copy_path(char *path, size_t path_size, const char *from);

#endif
