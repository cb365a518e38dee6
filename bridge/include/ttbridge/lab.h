/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file lab.h
 * Real Linux nodes: User-Mode Linux processes, their disks, consoles and results.
 *
 * A lab is a run directory, a bridge whose sockets live in it, and nodes that the bridge starts, ends
 * and schedules. A node is described before it starts (kernel, image, interfaces, files, a shell
 * script); the rest of the program sees only bridge.h: ports, frames, and one clock.
 *
 *     struct ttb_lab_opts opts = {.size = sizeof(opts), .directory = "run", .seed = 1};
 *     ttb_lab_new(&opts, &lab);
 *     ttb_lab_add_node(lab, &(struct ttb_lab_node_opts){.size = sizeof(struct ttb_lab_node_opts),
 *                                                       .name = "client",
 *                                                       .commands = "ping -c 5 10.0.0.2"}, &client);
 *     ttb_lab_node_add_interface(client, &(struct ttb_lab_interface_opts){
 *                                    .size = sizeof(struct ttb_lab_interface_opts),
 *                                    .name = "eth0", .addresses = {"10.0.0.1/24"}}, &port);
 *     ... connect the ports, ttb_bridge_advance(ttb_lab_bridge(lab), ...) until the nodes have ended
 *     ttb_lab_node_exit_status(client, &status);
 *     ttb_lab_free(lab);
 *
 * Run directory. Made with mode 0700 if it does not exist, locked against a second run for as long as
 * the lab lives:
 *
 *     lock                       held with flock(2)
 *     calendar.sock, NODE.PORT   sockets, removed by ttb_lab_free()
 *     nodes/NAME/console.log     what the node printed
 *     nodes/NAME/cow             its copy-on-write layer over the image
 *     nodes/NAME/undo            what it has overwritten there since the last FLUSH, if asked for
 *     nodes/NAME/input.tar       what it was told to do: disk ubdb in the guest
 *     nodes/NAME/result          what came back: disk ubdc in the guest
 *
 * Repeatable. Nothing that a node can see depends on where the run directory is, on host addresses,
 * on the environment or on time: nodes are started inside the run directory with relative paths, a
 * fixed environment and without address space randomisation.
 *
 * Ends. A node's processes end with it, with the lab, and with the program, even one that is killed.
 * The thread that runs the bridge is the nodes' parent: when it ends, they do.
 *
 * Threading: as for the bridge, one thread. Errors: 0 or a negative errno, and ttb_lab_error() has a
 * sentence that names node, field, value and remedy.
 */
#ifndef TTBRIDGE_LAB_H
#define TTBRIDGE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>
#include <ttbridge/disk.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Addresses that one interface may be given here; scripts may add more. */
#define TTB_LAB_ADDRESSES_MAX 8

/** Longest piece of console output that is handed out as one line, in bytes. */
#define TTB_LAB_LINE_MAX 4096

/** Memory of a node if nobody says otherwise, and the bounds, in MiB. */
#define TTB_LAB_MEMORY_DEFAULT_MIB 64
#define TTB_LAB_MEMORY_MIN_MIB     16
#define TTB_LAB_MEMORY_MAX_MIB     16384

struct ttb_lab;
struct ttb_lab_node;

/** Options of a lab. Set `size`; everything else may be zero. Strings are copied. */
struct ttb_lab_opts {
    size_t size;           /**< sizeof(struct ttb_lab_opts) */
    const char *directory; /**< the run directory; NULL: a new one in $TMPDIR or /tmp, which
                                ttb_lab_free() removes with all that is in it */
    const char *kernel;    /**< default for nodes, see ttb_lab_find_kernel() */
    const char *image;     /**< default for nodes, see ttb_lab_find_image() */
    uint32_t memory_mib;   /**< default for nodes; 0: TTB_LAB_MEMORY_DEFAULT_MIB */
    uint64_t seed;         /**< of everything that is random in the nodes; 0 is a seed as well */
    const char *memory_directory; /**< where nodes' memory files go, a tmpfs that allows execution;
                                       NULL: /dev/shm */
    bool
        debuggable; /**< processes of the same user may attach to nodes with ptrace(2), also where the
                          host allows it to a process' ancestors only (Yama) */
    const struct ttb_bridge_opts *bridge; /**< options of the bridge, `directory` being ignored;
                                               NULL: defaults */
};

/**
 * Make a lab: its run directory and its bridge. Remains of an earlier run in the same directory
 * (sockets, node directories of equal names) are replaced.
 * @param error  gets the sentence on failure, cut to `error_size` bytes; may be NULL
 * @return 0 and *lab, owned by the caller (ttb_lab_free()); -EBUSY: another run has the directory;
 *         -EINVAL; or what the system says
 */
int ttb_lab_new(const struct ttb_lab_opts *opts, struct ttb_lab **lab, char *error,
                size_t error_size);

/** End everything: nodes, bridge, sockets. Logs and disks stay (see opts.directory). NULL is
 * allowed. Whatever else uses the bridge (links, a simulator's adapter) must be gone before. */
void ttb_lab_free(struct ttb_lab *lab);

/** The bridge; belongs to the lab. */
struct ttb_bridge *ttb_lab_bridge(struct ttb_lab *lab);

/** The sentence that goes with the last error of this lab or its bridge's; never NULL. */
const char *ttb_lab_error(const struct ttb_lab *lab);

/** The run directory, as an absolute path. Valid as long as the lab. */
const char *ttb_lab_directory(const struct ttb_lab *lab);

/* ------------------------------------------------------------------------------------- nodes */

/** A file that is put into a node before its commands run. */
struct ttb_lab_file {
    const char *path;      /**< in the guest; absolute, or relative to /run/ttb */
    const char *host_path; /**< its content is this file's; NULL: `content` */
    const void *content;
    size_t len_bytes;
    uint32_t mode; /**< permission bits; 0: 0644, or those of host_path's owner */
};

/**
 * How a node's disk, ubda in the guest, behaves. All zero: its accesses take no simulated time, and
 * what is written stays even if the node is killed. Anything else needs a kernel of uml-patches/.
 */
struct ttb_lab_disk_opts {
    uint64_t latency_ns; /**< simulated time that each request takes; they are served in order */
    uint64_t per_kib_ns; /**< on top for each KiB that is read or written */
    uint64_t jitter_ns;  /**< on top, at random (seeded) from 0 to this */
    uint64_t flush_ns;   /**< of a FLUSH instead of latency_ns; 0: latency_ns */
    enum ttb_disk_survivors
        survivors; /**< what is left of unflushed writes when the node is killed,
                                            ttb_node_stop() included; seeded by the lab's seed, the
                                            node's id and how many times it has been started */
};

/** Options of a node. Set `size` and `name`. Everything is copied, files when the node is added. */
struct ttb_lab_node_opts {
    size_t size;         /**< sizeof(struct ttb_lab_node_opts) */
    const char *name;    /**< as for a bridge's node; also its host name */
    const char *kernel;  /**< NULL: the lab's */
    const char *image;   /**< NULL: the lab's */
    uint32_t memory_mib; /**< 0: the lab's */
    uint64_t start_ns;   /**< simulated time at which it is switched on */
    enum ttb_clock_mode clock_mode;
    const char *commands; /**< shell script (/bin/sh), run when the interfaces are up; the node
                               powers off when it ends. NULL or "": it only boots and powers off */
    const struct ttb_lab_file *files;
    size_t file_count;
    const char *const *kernel_arguments; /**< appended to the kernel's command line; each one word;
                                              NULL-terminated list or NULL */
    struct ttb_lab_disk_opts disk;
    bool
        trusted; /**< run its programs by seccomp instead of ptrace where the kernel can: faster, but
                       they can read and write all memory of their kernel, and what that may do on the
                       host they may (doc/security.md). Kernels that cannot go on with ptrace. */
};

/**
 * Add a node to the lab and its bridge. Kernel and image are looked at now: one that is missing or
 * cannot be used is an error here, not at boot.
 * @return 0 and *node, owned by the lab; -EINVAL, -EEXIST (name), -ENOENT, -ENOEXEC (not a UML
 *         kernel with time travel), -EACCES, -ENAMETOOLONG (guest path), ...
 */
int ttb_lab_add_node(struct ttb_lab *lab, const struct ttb_lab_node_opts *opts,
                     struct ttb_lab_node **node);

/** Options of a network interface. Set `size`; NULL and zero mean defaults. */
struct ttb_lab_interface_opts {
    size_t size;      /**< sizeof(struct ttb_lab_interface_opts) */
    const char *name; /**< interface name in the guest and the port's name; NULL: eth0, eth1, ... by
                           order. At most 15 bytes. */
    /** "10.0.0.1/24", "2001:db8::1/64"; up to the first NULL. The interface is brought up in any
     * case. Addresses given here are usable at once: duplicate address detection is off for them. */
    const char *addresses[TTB_LAB_ADDRESSES_MAX];
    const char *gateway;     /**< default route, an address without length; NULL: none */
    uint8_t mac[6];          /**< all zero: see struct ttb_port_opts */
    uint16_t mtu;            /**< 0: 1500 */
    uint32_t backlog_frames; /**< see struct ttb_port_opts, also for the following */
    bool offload;
    uint64_t coalesce_ns;
    uint32_t coalesce_frames;
};

/**
 * Add an interface to a node that has not started.
 * @return 0 and *port, the bridge's port behind it; -EINVAL, -EEXIST, -EBUSY (it has started)
 */
int ttb_lab_node_add_interface(struct ttb_lab_node *node, const struct ttb_lab_interface_opts *opts,
                               struct ttb_port **port);

/** The bridge's view of the node: its state, failure, ports, wait status. */
struct ttb_node *ttb_lab_node_as_node(const struct ttb_lab_node *node);

/** The process of the node, e.g. for a debugger; 0 while there is none. */
int ttb_lab_node_pid(const struct ttb_lab_node *node);

/** Path of its kernel. Valid as long as the node. */
const char *ttb_lab_node_kernel_path(const struct ttb_lab_node *node);

/** Node by name, NULL if there is none. */
struct ttb_lab_node *ttb_lab_find_node(struct ttb_lab *lab, const char *name);

/* ----------------------------------------------------------------------------------- results */

/**
 * How the commands ended: the shell's exit status, as the node wrote it to its result disk (nothing
 * that is printed on the console can be mistaken for it).
 * @return 0 and *status; -ENODATA: they have not ended, or were cut short (power off, crash)
 */
int ttb_lab_node_exit_status(const struct ttb_lab_node *node, int *status);

/** Path of console.log. Valid as long as the node. */
const char *ttb_lab_node_console_path(const struct ttb_lab_node *node);

/** Bytes printed so far, as of the last time the node was blocked. All lives of the node count. */
uint64_t ttb_lab_node_console_len_bytes(const struct ttb_lab_node *node);

/** Read a part of what was printed so far. @return bytes read (0: nothing at or after the offset), or
 * a negative errno */
int64_t ttb_lab_node_read_console(const struct ttb_lab_node *node, uint64_t offset_bytes,
                                  void *data, size_t size_bytes);

/** The last line printed that is not empty, "" if there is none. Valid until the node runs on. */
const char *ttb_lab_node_last_line(const struct ttb_lab_node *node);

/**
 * A node has printed a line. Called, in order, when it is blocked after having printed it.
 * @param time_ns  simulated time at which the node was last given the clock before the line's end:
 *                 repeats exactly
 * @param text     without end of line, zero terminated (it may contain zeros itself); valid during
 *                 the call. Longer lines come in pieces of TTB_LAB_LINE_MAX; what stands at the end of
 *                 a node's life without an end of line comes as well.
 * The callback may read anything, and call nothing that changes lab or bridge.
 */
typedef void (*ttb_lab_line_fn)(void *user, struct ttb_lab_node *node, uint64_t time_ns,
                                const char *text, size_t len_bytes);
void ttb_lab_on_console_line(struct ttb_lab *lab, ttb_lab_line_fn fn, void *user);

/* ------------------------------------------------------------------------- kernels and images */

/**
 * Find a kernel: `wanted` is a path if it has a slash in it, else a version that was built by "ttb
 * kernel build", e.g. "6.12". NULL: $TTB_KERNEL, else 6.12, else the newest that was built.
 * @param path   gets an absolute path
 * @param error  gets a sentence with the remedy; may be NULL
 * @return 0; -ENOENT; -ENAMETOOLONG
 */
int ttb_lab_find_kernel(const char *wanted, char *path, size_t path_size, char *error,
                        size_t error_size);

/** Find an image, the same way: path or name ("ttb image build"). NULL: $TTB_IMAGE, else "busybox". */
int ttb_lab_find_image(const char *wanted, char *path, size_t path_size, char *error,
                       size_t error_size);

/** What was found in a kernel binary. */
struct ttb_lab_kernel_info {
    size_t size;      /**< sizeof(struct ttb_lab_kernel_info), set by the caller */
    char version[64]; /**< e.g. "6.12.48"; "" if unknown */
    bool time_travel; /**< CONFIG_UML_TIME_TRAVEL_SUPPORT with an external calendar */
    bool virtio;      /**< CONFIG_VIRTIO_UML */
    bool seeded;      /**< has the seeded entropy patch: without it runs differ */
    bool disk_model;  /**< has those of struct ttb_lab_disk_opts */
    bool seccomp;     /**< can run programs by seccomp instead of ptrace */
};

/** Look into a kernel binary without running it. @return 0; -ENOENT, -EACCES; -ENOEXEC: not a UML
 * kernel for this machine; the sentence goes to `error`, which may be NULL */
int ttb_lab_inspect_kernel(const char *path, struct ttb_lab_kernel_info *info, char *error,
                           size_t error_size);

/** True if this process may be traced by its children's parent, as UML needs (ptrace mode).
 * Forks a child to try. @return 0; -EPERM; ... */
int ttb_lab_probe_ptrace(void);

#ifdef __cplusplus
}
#endif
#endif
