/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file trace.h
 * The trace of a run: written while it happens, read and compared afterwards or meanwhile.
 *
 * A run directory has two traces. run.ttb holds what repeats: grants, frames, console output, ends of
 * nodes, faults, each with its simulated time; two runs of one scenario give the same bytes. wall.ttb
 * holds what the run cost in wall time. The format is told in doc/trace-format.md.
 *
 * Writing:
 *
 *     struct ttb_trace_header header = {.scenario_name = "two-nodes", .seed = 1};
 *     ttb_trace_writer_open(&(struct ttb_trace_writer_opts){.size = sizeof(struct ttb_trace_writer_opts),
 *                               .directory = "run", .header = &header}, &writer, error, sizeof(error));
 *     ttb_trace_writer_attach_lab(writer, lab);      // or ttb_trace_writer_attach_bridge()
 *     ... the run ...
 *     ttb_trace_writer_close(writer, &(struct ttb_trace_end){.end_ns = now_ns,
 *                                                            .ending = TTB_TRACE_DONE});
 *
 * Reading:
 *
 *     ttb_trace_reader_open("run", NULL, &reader, error, sizeof(error));
 *     while ((rc = ttb_trace_reader_next(reader, &record)) > 0)
 *         ...
 *     if (rc < 0) puts(ttb_trace_reader_error(reader));
 *     ttb_trace_reader_free(reader);
 *
 * Memory. A writer uses a few MiB however long the run is, a reader likewise; both keep a table of the
 * nodes, links and places.
 *
 * Crashes. While a block of records is being collected it lives in a file of its own, run.ttb.tail,
 * mapped into memory, so a program that is killed loses no record that was complete. Readers pick it
 * up by themselves. (A host that loses power loses what it had not written to its disk.)
 *
 * Untrusted input. A reader accepts any bytes: lengths, counts and references are checked against
 * limits, and what is wrong gives -EBADMSG and a sentence with offset, field and value.
 *
 * Threading: one object, one thread at a time; different objects share nothing.
 */
#ifndef TTBRIDGE_TRACE_H
#define TTBRIDGE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/bridge.h>
#include <ttbridge/lab.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Names of the two traces in a run directory. */
#define TTB_TRACE_RUN_FILE  "run.ttb"
#define TTB_TRACE_WALL_FILE "wall.ttb"

/** "No node", "no place", "no link", "no artifact". */
#define TTB_TRACE_NONE UINT32_MAX

/** Longest text in a record (reasons, events, expectations), in bytes; longer ones are cut. */
#define TTB_TRACE_TEXT_MAX 4096

/** Longest piece of console output in one record, in bytes; longer ones are split. */
#define TTB_TRACE_CONSOLE_MAX 32768

/** Most nodes, links, places and artifacts of one trace, each. */
#define TTB_TRACE_TABLE_MAX (1 << 20)

#define TTB_TRACE_SHA256_BYTES 32

/** A part of something else's memory; not zero terminated. */
struct ttb_trace_bytes {
    const void *data;
    size_t len_bytes;
};

/* -------------------------------------------------------------------- what a run was made of */

/** A file that nodes were made of. */
enum ttb_trace_artifact_kind {
    TTB_TRACE_KERNEL = 1,
    TTB_TRACE_IMAGE = 2,
    TTB_TRACE_FILE = 3,
};
struct ttb_trace_artifact {
    enum ttb_trace_artifact_kind kind;
    const char *path;
    uint64_t len_bytes;
    uint8_t sha256[TTB_TRACE_SHA256_BYTES]; /**< all zero: not known */
    const char *version;                    /**< NULL: unknown or none */
};

/** A Linux node. */
struct ttb_trace_node {
    uint32_t id; /**< ttb_node_id() */
    const char *name;
    uint32_t kernel, image; /**< positions in ttb_trace_header.artifacts, or TTB_TRACE_NONE */
    uint64_t memory_bytes;  /**< 0: unknown */
    uint64_t start_ns;
};

/** A link, or another medium that places share. */
struct ttb_trace_link {
    uint32_t id; /**< chosen by whoever declares it; unique */
    const char *name;
    const char *type;  /**< "csma", "ethernet"; NULL: unknown */
    uint64_t rate_bps; /**< 0: unlimited or unknown */
    uint64_t delay_ns;
};

/** Somewhere frames are seen. */
enum ttb_trace_place_kind {
    TTB_TRACE_PORT = 1,       /**< port of a node, or a wall-clock port */
    TTB_TRACE_DEVICE = 2,     /**< inside the network, e.g. an ns-3 net device */
    TTB_TRACE_LINK_PLACE = 3, /**< a link, where no device can be told */
};
struct ttb_trace_place {
    uint32_t id; /**< given by ttb_trace_writer_add_place(): 0, 1, ... */
    enum ttb_trace_place_kind kind;
    const char *name;
    uint32_t node; /**< TTB_TRACE_NONE: none */
    bool has_mac;
    uint8_t mac[6];
    uint32_t mtu_bytes;      /**< 0: unknown */
    uint32_t link;           /**< TTB_TRACE_NONE: none, or unknown */
    uint64_t speed_bps;      /**< 0: unlimited or unknown */
    const char *description; /**< NULL: none */
    bool has_way_back;
    uint64_t way_back_ns; /**< ttb_port_way_back_ns() */
    uint64_t nearest_ns;  /**< ttb_port_nearest_ns(), if has_way_back */
    bool is_control;      /**< a port that only the runner and its agent use */
};

/** What has been declared so far, in the order in which it was; places[i].id is i. Ids of nodes and
 * links are below TTB_TRACE_TABLE_MAX. */
struct ttb_trace_tables {
    const struct ttb_trace_node *nodes;
    size_t node_count;
    const struct ttb_trace_link *links;
    size_t link_count;
    const struct ttb_trace_place *places;
    size_t place_count;
};

/** By id; NULL if it was not declared. */
const struct ttb_trace_node *ttb_trace_find_node(const struct ttb_trace_tables *tables,
                                                 uint32_t id);
const struct ttb_trace_link *ttb_trace_find_link(const struct ttb_trace_tables *tables,
                                                 uint32_t id);
const struct ttb_trace_place *ttb_trace_find_place(const struct ttb_trace_tables *tables,
                                                   uint32_t id);

/** What stands at the beginning of a trace. Strings may be NULL: unknown or none. */
struct ttb_trace_header {
    const char *ttb_version; /**< writers: NULL means this library's */
    const char *scenario_name;
    struct ttb_trace_bytes scenario; /**< a serialised ttb.Scenario (scenario.proto) */
    uint64_t seed;
    uint64_t epoch_ns; /**< nodes' time of day at simulated time 0 */
    const struct ttb_trace_artifact *artifacts;
    size_t artifact_count;
    const char *cpu_model; /**< writers: NULL means this machine, for this and the next two */
    const char *const *cpu_flags;
    size_t cpu_flag_count;
    const char *host_kernel;
    const char *ns3_version;
    const char *const *components; /**< writers: those of the trace's own are added */
    size_t component_count;
    /** wall.ttb only: when the run began, ns since 1970. Writers ignore it. */
    uint64_t started_wall_ns;
    bool no_look_ahead; /**< as in struct ttb_bridge_opts: it shows in the grants */
    bool ports_only;    /**< the trace leaves out what goes on at devices and in queues */
};

/** Size and SHA-256 of a file, into len_bytes and sha256. @return 0, or what the system says */
int ttb_trace_hash_file(const char *path, struct ttb_trace_artifact *artifact);

/** The same; what has been hashed before, and has not changed by its inode, size and times since, is
 * remembered in the user's cache ($TTB_CACHE, else ttbridge in $XDG_CACHE_HOME or ~/.cache). For
 * files that are large and used often, as kernels and images are. */
int ttb_trace_hash_file_once(const char *path, struct ttb_trace_artifact *artifact);

/* ---------------------------------------------------------------------------------- records */

/** What a record is about. The values are those of the fields in trace.proto. */
enum ttb_trace_kind {
    TTB_TRACE_GRANT = 8,
    TTB_TRACE_FRAME = 9,
    TTB_TRACE_CONSOLE = 10,
    TTB_TRACE_STATE = 11,
    TTB_TRACE_EVENT = 12,
    TTB_TRACE_EXPECTATION = 13,
    TTB_TRACE_NODE_DECLARED = 14,
    TTB_TRACE_LINK_DECLARED = 15,
    TTB_TRACE_PLACE_DECLARED = 16,
    TTB_TRACE_COST = 17,
    TTB_TRACE_QUEUE = 18,
};

/** What happened to a frame. */
enum ttb_trace_what {
    TTB_TRACE_TRANSMITTED = 1, /**< a node sent it from its port */
    TTB_TRACE_DELIVERED = 2,   /**< a port took it for its node */
    TTB_TRACE_DROPPED = 3,     /**< a port did not take it: port_reason */
    TTB_TRACE_SENT = 4,        /**< a device inside the network put it on the medium */
    TTB_TRACE_RECEIVED = 5,    /**< a device inside the network took it from the medium */
    TTB_TRACE_LOST = 6,        /**< it went no further inside the network: reason */
};

struct ttb_trace_frame {
    enum ttb_trace_what what;
    uint32_t place;
    uint64_t packet;    /**< the same frame at several places has the same; 0: unknown. Writers:
                             0 means that the writer finds it out by the frame's content */
    uint32_t len_bytes; /**< of the frame; Ethernet header and payload */
    struct ttb_trace_bytes payload; /**< the frame; shorter than len_bytes if only its beginning is
                                         known */
    enum ttb_drop port_reason;
    struct ttb_trace_bytes reason;
};

struct ttb_trace_grant {
    uint64_t until_ns; /**< 0: unknown */
};

struct ttb_trace_console {
    struct ttb_trace_bytes data;
    bool line_end;
};

struct ttb_trace_state {
    enum ttb_node_state state;
    bool has_wait_status, has_exit_status;
    int wait_status; /**< of the process, wait(2) */
    int exit_status; /**< of the node's commands, 0 to 255 */
    struct ttb_trace_bytes why;
};

struct ttb_trace_event {
    struct ttb_trace_bytes action; /**< "link-down", "loss", "kill", ... */
    struct ttb_trace_bytes target;
    struct ttb_trace_bytes detail;
};

struct ttb_trace_expectation {
    uint32_t number; /**< in the scenario, from 0 */
    bool met;
    struct ttb_trace_bytes text;
};

/** Whose wall time a cost record counts. */
enum ttb_trace_part {
    TTB_TRACE_PART_NODE = 1,
    TTB_TRACE_PART_NETWORK = 2,
    TTB_TRACE_PART_BRIDGE = 3,
    TTB_TRACE_PART_RECORDING = 4,
    TTB_TRACE_PART_WAITING = 5,
    TTB_TRACE_PART_NODES = 6,   /**< all nodes: those that run at the same time count once */
    TTB_TRACE_PART_BARRIER = 7, /**< nodes that are done with their window wait for others */
};

/** What a part of the program cost since the record before of the same part (and node). */
struct ttb_trace_cost {
    enum ttb_trace_part part;
    uint64_t at_wall_ns; /**< since the run began; writers: 0 means now */
    uint64_t wall_ns;
    uint64_t activations;
    uint64_t kicks, calls;
    uint64_t waited_ns;  /**< of a node: wall time at barriers, for others */
    uint64_t awaited_ns; /**< of a node: part of wall_ns in which others waited for it */
};

/** More or fewer frames wait than when this was last recorded of the place: in the queue of a device, or for
 * the line of the built-in network that begins at a port or at a switch. */
struct ttb_trace_queue {
    uint32_t place;
    uint32_t frames;
};

/** One record. What it points to is valid until the next call into reader or writer. */
struct ttb_trace_record {
    enum ttb_trace_kind kind;
    uint64_t time_ns;
    uint32_t node;   /**< TTB_TRACE_NONE: none */
    uint64_t number; /**< position in the trace, from 0; writers set it */
    union {
        struct ttb_trace_grant grant;
        struct ttb_trace_frame frame;
        struct ttb_trace_console console;
        struct ttb_trace_state state;
        struct ttb_trace_event event;
        struct ttb_trace_expectation expectation;
        struct ttb_trace_cost cost;
        struct ttb_trace_queue queue;
        const struct ttb_trace_node *declared_node;
        const struct ttb_trace_link *declared_link;
        const struct ttb_trace_place *declared_place;
    };
};

/** Names, e.g. "frame", "delivered"; "unknown" for other values. Never NULL. */
const char *ttb_trace_kind_name(enum ttb_trace_kind kind);
const char *ttb_trace_what_name(enum ttb_trace_what what);
const char *ttb_trace_part_name(enum ttb_trace_part part);

/**
 * One line for people:
 *   "0.005083440 s  server.eth0  delivered  #7 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 3, 98 bytes"
 * Bytes that are not printable ASCII come out as \xNN. Cut to size_bytes.
 * @param tables  for names; NULL: numbers
 */
void ttb_trace_describe(const struct ttb_trace_tables *tables,
                        const struct ttb_trace_record *record, char *text, size_t size_bytes);

/**
 * What a frame is, in one line: Ethernet, VLAN tags, ARP, IPv4, IPv6, ICMP, ICMPv6, UDP, TCP:
 *   "10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 3, 98 bytes"
 * @param frame      any bytes, known_bytes of them
 * @param len_bytes  length of the whole frame
 */
void ttb_trace_describe_frame(const void *frame, size_t known_bytes, size_t len_bytes, char *text,
                              size_t size_bytes);

/* ---------------------------------------------------------------------------------- digests */

/** SHA-256 of what happened, see doc/trace-format.md. */
struct ttb_trace_digest {
    uint8_t all[TTB_TRACE_SHA256_BYTES];       /**< over the next three */
    uint8_t behaviour[TTB_TRACE_SHA256_BYTES]; /**< frames at ports, console, states, events */
    uint8_t schedule[TTB_TRACE_SHA256_BYTES];  /**< grants */
    uint8_t network[TTB_TRACE_SHA256_BYTES];   /**< inside the network, as far as recorded */
};

/** Hexadecimal form of 32 bytes, lower case, 64 characters and a zero. */
void ttb_trace_hex(const uint8_t sha256[TTB_TRACE_SHA256_BYTES], char text[65]);

struct ttb_trace_counts {
    uint64_t records;
    uint64_t grants;
    uint64_t transmitted_frames, transmitted_bytes;
    uint64_t delivered_frames, delivered_bytes;
    uint64_t dropped_frames; /**< TTB_TRACE_DROPPED */
    uint64_t lost_frames;    /**< TTB_TRACE_LOST */
    uint64_t network_frames; /**< TTB_TRACE_SENT and TTB_TRACE_RECEIVED */
    uint64_t console_bytes, console_lines;
    uint64_t events;
};

/** How a run ended. */
enum ttb_trace_ending {
    TTB_TRACE_DONE = 1,     /**< all nodes had ended, or nothing would ever happen any more */
    TTB_TRACE_DURATION = 2, /**< simulated time had reached the scenario's duration */
    TTB_TRACE_STOPPED = 3,  /**< somebody asked for it */
    TTB_TRACE_FAILED = 4,   /**< an error of the run or the host: why */
    TTB_TRACE_DIFFERED = 5, /**< a replay met its first difference */
};
const char *ttb_trace_ending_name(enum ttb_trace_ending ending);

struct ttb_trace_node_summary {
    uint32_t id;
    struct ttb_trace_digest digest;
    struct ttb_trace_counts counts;
    struct ttb_trace_state state; /**< the last one recorded; `why` included */
    uint64_t state_ns;
};

/** What stands at the end of a trace that was closed. */
struct ttb_trace_footer {
    uint64_t end_ns;
    enum ttb_trace_ending ending;
    const char *why; /**< "" if there is nothing to say */
    struct ttb_trace_digest digest;
    struct ttb_trace_counts counts;
    const struct ttb_trace_node_summary *nodes; /**< ordered by id */
    size_t node_count;
    uint64_t lost_records; /**< made but not written, all after those that were */
    const char *lost_why;
};

/* ----------------------------------------------------------------------------------- writer */

struct ttb_trace_writer;

/** Gets every record as it is made, e.g. to compare or export a run while it goes on. It must not
 * call the writer. Records and tables are valid during the call. */
typedef void (*ttb_trace_sink_fn)(void *user, const struct ttb_trace_tables *tables,
                                  const struct ttb_trace_record *record);

/** Options of a writer. Set `size` and `header`. */
struct ttb_trace_writer_opts {
    size_t size;           /**< sizeof(struct ttb_trace_writer_opts) */
    const char *directory; /**< run.ttb and wall.ttb are made in it, replacing older ones; NULL:
                                nothing is written, only digests and sinks are served */
    const struct ttb_trace_header *header; /**< copied */
    int level;                             /**< of zstd, 1 to 19; 0: 1 */
    /** Called once, with a sentence, if the trace cannot be written on. The run need not care. */
    void (*failed)(void *user, const char *why);
    void *failed_user;
};

/**
 * Make a writer.
 * @param error  gets the sentence on failure; may be NULL
 * @return 0 and *writer, owned by the caller (ttb_trace_writer_close()); -EINVAL; or what the system
 *         says
 */
int ttb_trace_writer_open(const struct ttb_trace_writer_opts *opts,
                          struct ttb_trace_writer **writer, char *error, size_t error_size);

/**
 * Declare nodes, links and places. What is declared before the first record stands in the header.
 * Nodes and ports that nobody declared are declared when they are first seen. Strings are copied.
 * add_place: `place->id` is ignored; *id gets the one that it has from now on, and may be NULL. A port
 * (kind, node, name) that exists already keeps its id and gets what is new.
 * add_node: a node (id) that exists already gets what is new, as long as there was no record.
 * @return 0; -EINVAL; -EEXIST; -ENOSPC: more than TTB_TRACE_TABLE_MAX; -ENOMEM
 */
int ttb_trace_writer_add_node(struct ttb_trace_writer *writer, const struct ttb_trace_node *node);
int ttb_trace_writer_add_link(struct ttb_trace_writer *writer, const struct ttb_trace_link *link);
int ttb_trace_writer_add_place(struct ttb_trace_writer *writer, const struct ttb_trace_place *place,
                               uint32_t *id);

/** What stands at the beginning of the trace, completed by what the library knows of the machine. Valid
 * as long as the writer. */
const struct ttb_trace_header *ttb_trace_writer_header(const struct ttb_trace_writer *writer);
/** What has been declared so far. Valid until the next call. */
const struct ttb_trace_tables *ttb_trace_writer_tables(const struct ttb_trace_writer *writer);

/**
 * Record what happens in a bridge: takes its observer and its node state callback. The writer must
 * not be closed before the bridge has been freed or ttb_trace_writer_detach() called.
 */
int ttb_trace_writer_attach_bridge(struct ttb_trace_writer *writer, struct ttb_bridge *bridge);

/** The same for a lab's bridge, and its console lines and exit statuses: takes the lab's line callback
 * as well. */
int ttb_trace_writer_attach_lab(struct ttb_trace_writer *writer, struct ttb_lab *lab);

/** Give the callbacks back. Both objects must still be there. */
void ttb_trace_writer_detach(struct ttb_trace_writer *writer);

/** For programs that need those callbacks themselves: call these from within them, `user` being the
 * writer. (Call attach first, then install your own.) */
void ttb_trace_note_state(void *user, struct ttb_node *node, enum ttb_node_state state,
                          uint64_t time_ns, const char *why);
void ttb_trace_note_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                         size_t len_bytes);

/**
 * Add a record: what the bridge does not know (frames inside the network, faults, expectations,
 * costs). `record->number` is ignored. Cost records go to wall.ttb; the declared kinds are refused.
 * Costs no system call except when a block is full. A trace that can no longer be written is no
 * error here.
 * @return 0; -EINVAL: impossible record
 */
int ttb_trace_write(struct ttb_trace_writer *writer, const struct ttb_trace_record *record);

/**
 * Packet ids. The writer gives every frame that a node transmits a new id, and finds the id of one
 * that is delivered by its content: the oldest equal frame that was transmitted, not lost and has not yet
 * arrived at that port, taken or not; of one that is lost, the oldest that has not arrived anywhere. A
 * network that knows better reads the id in its transmit callback (last_packet),
 * gives frames that begin inside it one that no frame had before (new_packet), records what happens to
 * them under their ids, and announces the id before ttb_port_deliver() (next_packet; 0: not known).
 */
uint64_t ttb_trace_writer_last_packet(const struct ttb_trace_writer *writer);
uint64_t ttb_trace_writer_new_packet(struct ttb_trace_writer *writer);
void ttb_trace_writer_next_packet(struct ttb_trace_writer *writer, uint64_t packet);

/** Set the sink, NULL: none. */
void ttb_trace_writer_set_sink(struct ttb_trace_writer *writer, ttb_trace_sink_fn fn, void *user);

/** Digest and counts so far, of a node or (TTB_TRACE_NONE) of the run. Either pointer may be NULL.
 * @return 0; -ENOENT: no such node */
int ttb_trace_writer_get_digest(struct ttb_trace_writer *writer, uint32_t node,
                                struct ttb_trace_digest *digest, struct ttb_trace_counts *counts);

/** Why the trace cannot be written on; "" if it can. */
const char *ttb_trace_writer_error(const struct ttb_trace_writer *writer);

/** How the run ended. */
struct ttb_trace_end {
    uint64_t end_ns;
    enum ttb_trace_ending ending;
    const char *why; /**< NULL or "": nothing to say */
};

/**
 * Write the footer and free the writer.
 * @param end  NULL: no footer, as if the program had been killed
 * @return 0; or why not everything was written. The writer is gone in any case. NULL is allowed.
 */
int ttb_trace_writer_close(struct ttb_trace_writer *writer, const struct ttb_trace_end *end);

/* ----------------------------------------------------------------------------------- reader */

struct ttb_trace_reader;

/** Options of a reader. Set `size`; everything else may be zero. */
struct ttb_trace_reader_opts {
    size_t size;  /**< sizeof(struct ttb_trace_reader_opts) */
    bool digests; /**< recompute digests and counts on the way; takes reading from the start */
    bool wall;    /**< given a directory: open wall.ttb */
    bool ahead; /**< of a file: a thread of the reader's own reads and decompresses the next blocks
                       meanwhile; it takes no signals and ends with the reader */
};

/**
 * Open a trace: a file or a run directory. *reader is owned by the caller (ttb_trace_reader_free()).
 * @param opts   NULL: defaults
 * @param error  gets the sentence on failure; may be NULL
 * @return 0; -EBADMSG: no trace, or its header is damaged; -EPROTONOSUPPORT: of a format that this
 *         version does not know; or what the system says
 */
int ttb_trace_reader_open(const char *path, const struct ttb_trace_reader_opts *opts,
                          struct ttb_trace_reader **reader, char *error, size_t error_size);

/** The same from a descriptor, which may be a pipe; it stays the caller's and must stay open. `name`
 * is for messages. */
int ttb_trace_reader_open_fd(int fd, const char *name, const struct ttb_trace_reader_opts *opts,
                             struct ttb_trace_reader **reader, char *error, size_t error_size);
/** End a reader. NULL is allowed. */
void ttb_trace_reader_free(struct ttb_trace_reader *reader);

/** Valid as long as the reader. */
const struct ttb_trace_header *ttb_trace_reader_header(const struct ttb_trace_reader *reader);

/** What has been declared up to the record read last. Valid until the next call. */
const struct ttb_trace_tables *ttb_trace_reader_tables(const struct ttb_trace_reader *reader);

/**
 * The next record.
 * @return 1 and *record, valid until the next call; 0 at the end, see ttb_trace_reader_end();
 *         -EBADMSG: the trace is damaged from here on; or what the system says
 */
int ttb_trace_reader_next(struct ttb_trace_reader *reader, struct ttb_trace_record *record);

/**
 * Go to a time: the next record will be the first in the trace with a time of at least `time_ns`.
 * Fast when the trace has an index. Not with opts.digests, and not in a pipe (-ESPIPE).
 */
int ttb_trace_reader_seek(struct ttb_trace_reader *reader, uint64_t time_ns);

/** What came after the last record. */
enum ttb_trace_reader_end {
    TTB_TRACE_READING,  /**< the end has not been reached */
    TTB_TRACE_COMPLETE, /**< the footer */
    TTB_TRACE_TRUNCATED, /**< nothing: the file ends here, or the footer says that records were lost */
    TTB_TRACE_DAMAGED, /**< something unreadable */
};

/** How the trace ends. @param until_ns  the latest time of all records read; may be NULL */
enum ttb_trace_reader_end ttb_trace_reader_end(const struct ttb_trace_reader *reader,
                                               uint64_t *until_ns);

/** The footer: at the end, or from the start if the file has an index. NULL: there is none, or it is
 * not known yet. Valid as long as the reader. */
const struct ttb_trace_footer *ttb_trace_reader_footer(const struct ttb_trace_reader *reader);

/** Digest and counts recomputed over the records read so far (opts.digests), as for a writer. */
int ttb_trace_reader_get_digest(struct ttb_trace_reader *reader, uint32_t node,
                                struct ttb_trace_digest *digest, struct ttb_trace_counts *counts);

/** The sentence that goes with the last error, or says how a trace was truncated; "" if there is
 * nothing to say. Never NULL. */
const char *ttb_trace_reader_error(const struct ttb_trace_reader *reader);

/**
 * Read a whole trace and compare its digests and counts with its footer.
 * @param text  gets a sentence on what was found, in any case; may be NULL
 * @return 0: complete and right; -ENODATA: truncated, right as far as it goes; -EBADMSG: damaged, or
 *         the digests differ; or what the system says
 */
int ttb_trace_verify(const char *path, char *text, size_t size_bytes);

/* ---------------------------------------------------------------------------------- compare */

/** Options of a comparison. Set `size`; everything else may be zero. */
struct ttb_trace_compare_opts {
    size_t size;           /**< sizeof(struct ttb_trace_compare_opts) */
    unsigned context;      /**< records before the difference that are kept; 0: 5, at most 100 */
    bool without_schedule; /**< leave grants out */
    bool without_network;  /**< leave out what happened inside the network */
    bool
        without_times; /**< when something happened makes no difference, only what and in which order */
    uint32_t kinds;     /**< 1 << kind for each kind of record that is compared; 0: all */
    uint32_t only_node; /**< with `one_node`: leave out all but this node's records */
    bool one_node;
};

/** The first difference. Sentences are made by ttb_trace_describe(). */
struct ttb_trace_difference {
    const char *field;   /**< what differs first: "time", "node", "kind", "payload", "console", ...;
                               "end" when one side has ended */
    const char *summary; /**< a sentence that names field and both values */
    uint64_t time_ns;    /**< the earlier one of both records */
    uint64_t compared;   /**< records that were equal */
    const char *expected; /**< the record, in one line; NULL: that side had ended */
    const char *actual;
    uint64_t expected_number, actual_number; /**< ttb_trace_record.number of each */
    const char *const *before;               /**< up to `context` records before, oldest first */
    size_t before_count;
};

struct ttb_trace_compare;

/**
 * Compare records as they come with those of a trace. Packet ids, expectations, declarations and costs
 * are not compared, nor anything else that digests leave out.
 * @param expected  is read on by the comparison and stays the caller's
 */
int ttb_trace_compare_new(struct ttb_trace_reader *expected,
                          const struct ttb_trace_compare_opts *opts,
                          struct ttb_trace_compare **compare);
void ttb_trace_compare_free(struct ttb_trace_compare *compare);

/** Compare the next record. @return 0: equal or not compared; 1: the first difference, or after it; or
 * the error of the reader (ttb_trace_compare_error()) */
int ttb_trace_compare_feed(struct ttb_trace_compare *compare, const struct ttb_trace_tables *tables,
                           const struct ttb_trace_record *record);

/** There are no more records. @return as feed; 1 if the trace has more */
int ttb_trace_compare_finish(struct ttb_trace_compare *compare);

/** There are no more records because this run was stopped when its clock had come to `time_ns`. @return
 * as feed; 1 if the trace has more before that time, what a node printed last excepted: it may have been
 * stopped before it did. */
int ttb_trace_compare_finish_at(struct ttb_trace_compare *compare, uint64_t time_ns);

/** feed() as a sink, `user` being the comparison. Ask ttb_trace_compare_result() now and then. */
void ttb_trace_compare_sink(void *user, const struct ttb_trace_tables *tables,
                            const struct ttb_trace_record *record);

/** What feed() or finish() returned last. */
int ttb_trace_compare_result(const struct ttb_trace_compare *compare);

/** NULL if there is none. Valid as long as the comparison. */
const struct ttb_trace_difference *ttb_trace_compare_difference(
    const struct ttb_trace_compare *compare);
/** The sentence that goes with the last error; "" if there was none. Valid until the next call. */
const char *ttb_trace_compare_error(const struct ttb_trace_compare *compare);

/**
 * Compare two traces, reading both.
 * @param compare  gets the comparison, owned by the caller; NULL if none could be made
 * @return 0: equal; 1: they differ; -ENODATA: equal as far as the shorter, truncated one goes; or an
 *         error of a reader
 */
int ttb_trace_diff(struct ttb_trace_reader *expected, struct ttb_trace_reader *actual,
                   const struct ttb_trace_compare_opts *opts, struct ttb_trace_compare **compare);

/** Gets a line on each thing that differs. */
typedef void (*ttb_trace_line_fn)(void *user, const char *text);

/** What of two environments differs: seed, scenario, kernels, images, CPU, ns-3, ttb, host kernel.
 * @return the number of lines */
unsigned ttb_trace_diff_headers(const struct ttb_trace_header *expected,
                                const struct ttb_trace_header *actual, ttb_trace_line_fn fn,
                                void *user);

#ifdef __cplusplus
}
#endif
#endif
