/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3-trace.h
 * ns-3 from C: trace sources. Include <ttbridge/ns3.h>, which says what holds for all of them.
 *
 *     static void on_drop(void *user, const struct ttb_ns3_record *record)
 *     {
 *         printf("%s lost %u bytes\n", record->context, record->values[0].packet.len_bytes);
 *     }
 *     ttb_ns3_trace_connect_path(ns3, "/NodeList/0/DeviceList/0/$ns3::CsmaNetDevice/MacTxDrop",
 *                                on_drop, NULL, NULL);
 *
 * ns-3 has some 130 signatures of trace sources. All of them become one record here: a list of values,
 * each with its kind. Those of other kinds than numbers, times, packets and objects have a text
 * (headers, addresses, states). "ttb ns3 traces TYPE" lists the trace sources of a type.
 */
#ifndef TTBRIDGE_NS3_TRACE_H
#define TTBRIDGE_NS3_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/ns3-object.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a value is. */
enum ttb_ns3_value_kind {
    TTB_NS3_TEXT,   /**< ttb_ns3_record_text() has it */
    TTB_NS3_BOOL,   /**< boolean */
    TTB_NS3_INT,    /**< number; states and reasons as well, as ns-3 numbers them */
    TTB_NS3_UINT,   /**< count */
    TTB_NS3_DOUBLE, /**< real */
    TTB_NS3_TIME,   /**< number, in nanoseconds */
    TTB_NS3_PACKET, /**< packet; ttb_ns3_record_packet() has its bytes. Also what carries one: an item
                         of a queue, an MPDU */
    TTB_NS3_OBJECT, /**< ttb_ns3_record_object() has a handle */
};

/** A value that a trace source reports. */
struct ttb_ns3_value {
    enum ttb_ns3_value_kind kind;
    const char *type; /**< its C++ type */
    union {           /**< which one: by `kind` */
        bool boolean;
        int64_t number;
        uint64_t count;
        double real;
        struct {
            uint64_t uid;       /**< ns-3's number of the packet */
            uint32_t len_bytes; /**< of the packet, without what has not been added yet */
        } packet;
    };
};

/** What a trace source reports. Valid until the callback returns. */
struct ttb_ns3_record {
    uint64_t time_ns;      /**< simulated time */
    const char *source;    /**< name of the trace source: "MacTxDrop" */
    const char *signature; /**< ns-3's name for what it reports: "ns3::Packet::TracedCallback" */
    const char *context;   /**< path of the trace source; "" if it was connected by its object */
    size_t value_count;
    const struct ttb_ns3_value *values; /**< a traced variable has two: before and after */
};

/** Gets what a trace source reports, in ns-3's order. It may call everything that a scheduled call may,
 * ttb_ns3_trace_disconnect() of its own connection included; but remember that it stands in the middle
 * of what ns-3 is doing. */
typedef void (*ttb_ns3_trace_fn)(void *user, const struct ttb_ns3_record *record);

/** One or more trace sources, connected. */
struct ttb_ns3_trace;

/**
 * Connect a trace source of an object.
 * @param trace  gets a handle, valid until ttb_ns3_trace_disconnect(); may be NULL
 * @return 0; -ENOENT: no such trace source; -EOPNOTSUPP: its signature has types of a module that this
 *         library is not linked with (UAN, DSR), or the type claims to inherit it from a class that it is
 *         not derived from; -EIO: ns-3 calls it obsolete
 */
int ttb_ns3_trace_connect(struct ttb_ns3_object *object, const char *source, ttb_ns3_trace_fn fn,
                          void *user, struct ttb_ns3_trace **trace);

/**
 * Connect the trace sources that a path leads to, as ttb_ns3_config_set(): those that there are now.
 * Records have the path, with all that was left open filled in, as context.
 * @return 0; -ENOENT: nothing matches; as ttb_ns3_trace_connect()
 */
int ttb_ns3_trace_connect_path(struct ttb_ns3 *ns3, const char *path, ttb_ns3_trace_fn fn,
                               void *user, struct ttb_ns3_trace **trace);

/** No more records. @return 0; -EBADF: it was disconnected before */
int ttb_ns3_trace_disconnect(struct ttb_ns3_trace *trace);

/** Copy a value of any kind as text: "10.0.0.1:9", "64 bytes"; "?" where ns-3 cannot write it.
 * @return 0; -EBADF: the callback has returned; -ERANGE: no such value; -ENOSPC */
int ttb_ns3_record_text(const struct ttb_ns3_record *record, size_t index, char *text, size_t size);

/**
 * Copy the bytes of a packet.
 * @param size       room; what is longer is cut off
 * @param len_bytes  gets the number of bytes copied; may be NULL
 * @return 0; -EINVAL: no packet; as ttb_ns3_record_text()
 */
int ttb_ns3_record_packet(const struct ttb_ns3_record *record, size_t index, void *bytes,
                          size_t size, size_t *len_bytes);

/** A handle of an object. @return 0 and *object; -EINVAL: no object; as ttb_ns3_record_text() */
int ttb_ns3_record_object(const struct ttb_ns3_record *record, size_t index,
                          struct ttb_ns3_object **object);

#ifdef __cplusplus
}
#endif
#endif
