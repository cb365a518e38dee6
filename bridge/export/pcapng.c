/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pcapng (draft-ietf-opsawg-pcapng): one section, little endian. Each place is an interface with
 * nanoseconds; console lines, states and events are systemd journal export blocks, which Wireshark shows
 * in their place among the frames and which other readers of pcapng skip. Journal entries know
 * microseconds, so they carry the simulated time besides.
 */
#include "export/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/hostnames.h"
#include "export/text.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_NAMES      4u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u
#define BLOCK_JOURNAL    9u

#define LINKTYPE_ETHERNET 1u

#define OPT_END      0u
#define OPT_COMMENT  1u
#define SHB_HARDWARE 2u
#define SHB_OS       3u
#define SHB_PROGRAM  4u
#define IF_NAME      2u
#define IF_DESC      3u
#define IF_MAC       6u
#define IF_SPEED     8u
#define IF_TSRESOL   9u
#define IF_OS        12u
#define IF_HARDWARE  15u
#define EPB_FLAGS    2u
#define EPB_PACKETID 5u
#define ISB_START    2u
#define ISB_END      3u
#define ISB_RECEIVED 4u
#define ISB_DROPPED  5u

#define FLAG_INBOUND   1u
#define FLAG_OUTBOUND  2u
#define FLAG_UNICAST   (1u << 2)
#define FLAG_MULTICAST (2u << 2)
#define FLAG_BROADCAST (3u << 2)

/* Longest text in an option. */
#define OPTION_TEXT_MAX 4096

/* Why a frame was dropped, with every byte escaped or cut; and what else is around a frame. */
#define REASON_MAX       1000
#define FRAME_AROUND_MAX 128

/* Journal entries: a piece of console output with every byte escaped, and what is around it. */
#define BLOCK_MAX (4 * TTB_TRACE_CONSOLE_MAX + 4096)

struct interface {
    bool exists;
    uint32_t index;
    uint64_t frames, dropped;
};

struct state {
    struct interface *places; /* by id; the last one is that of frames at no place */
    size_t place_room, known_places;
    struct interface nowhere;
    uint32_t interface_count;
    bool named;
    struct ttb__hostnames *names; /* learned; NULL: the scenario has told all names */
    uint8_t *block;               /* BLOCK_MAX bytes: the one being made, unless it is a frame's */
    size_t used;
};

/* -------------------------------------------------------------------------------------- blocks */

static void put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value);
    put_u16(at + 2, value >> 16);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

static size_t padding(size_t len_bytes)
{
    return -len_bytes & 3;
}

static void add(struct state *state, const void *data, size_t len_bytes)
{
    if (len_bytes > BLOCK_MAX - 64 - state->used)
        len_bytes = BLOCK_MAX - 64 - state->used;
    if (len_bytes)
        memcpy(state->block + state->used, data, len_bytes);
    state->used += len_bytes;
}

static void add_text(struct state *state, const char *text)
{
    add(state, text, strlen(text));
}

static void add_u16(struct state *state, uint32_t value)
{
    uint8_t bytes[2];

    put_u16(bytes, value);
    add(state, bytes, sizeof(bytes));
}

static void add_u32(struct state *state, uint32_t value)
{
    uint8_t bytes[4];

    put_u32(bytes, value);
    add(state, bytes, sizeof(bytes));
}

static void add_u64(struct state *state, uint64_t value)
{
    add_u32(state, (uint32_t)value);
    add_u32(state, (uint32_t)(value >> 32));
}

static void add_padding(struct state *state)
{
    add(state, "\0\0\0", padding(state->used));
}

static void begin_block(struct state *state, uint32_t type)
{
    state->used = 0;
    add_u32(state, type);
    add_u32(state, 0);
}

static void end_block(struct ttb_export *export)
{
    struct state *state = export->state;

    add_padding(state);
    put_u32(state->block + 4, (uint32_t)state->used + 4);
    add_u32(state, (uint32_t)state->used + 4);
    ttb__stream_put(&export->stream, state->block, state->used);
}

static void add_option(struct state *state, uint32_t code, const void *data, size_t len_bytes)
{
    add_u16(state, code);
    add_u16(state, (uint32_t)len_bytes);
    add(state, data, len_bytes);
    add_padding(state);
}

static void add_option_u64(struct state *state, uint32_t code, uint64_t value)
{
    uint8_t bytes[8];

    put_u64(bytes, value);
    add_option(state, code, bytes, sizeof(bytes));
}

/* Nothing if there is no text. */
static void add_option_text(struct state *state, uint32_t code, const char *text)
{
    char plain[OPTION_TEXT_MAX];

    if (text && *text)
        add_option(state, code, plain, ttb__text_plain(text, strlen(text), plain, sizeof(plain)));
}

static void end_options(struct state *state)
{
    add_u16(state, OPT_END);
    add_u16(state, 0);
}

/* Nodes' time of day. */
static uint64_t timestamp(const struct ttb_export *export, uint64_t time_ns)
{
    return export->header->epoch_ns + time_ns;
}

/* ------------------------------------------------------------------------- section, interfaces */

/* "; nodes run Linux 6.12.48 (sha256 2dc4b2e8b7cd9891)", and so on for other kernels. */
static void add_kernels(const struct ttb_trace_header *header, char *text, size_t size_bytes)
{
    size_t used = strlen(text);
    const char *before = "; nodes run";

    for (size_t i = 0; i < header->artifact_count && used < size_bytes; i++) {
        const struct ttb_trace_artifact *artifact = &header->artifacts[i];
        char hex[65];

        if (artifact->kind != TTB_TRACE_KERNEL)
            continue;
        ttb_trace_hex(artifact->sha256, hex);
        snprintf(text + used, size_bytes - used, "%s Linux%s%.60s (sha256 %.16s)", before,
                 artifact->version ? " " : "", artifact->version ? artifact->version : "", hex);
        used += strlen(text + used);
        before = ",";
    }
}

static void write_section(struct ttb_export *export)
{
    const struct ttb_trace_header *header = export->header;
    struct state *state = export->state;
    char text[1024];

    begin_block(state, BLOCK_SECTION);
    add_u32(state, 0x1a2b3c4d);
    add_u16(state, 1);
    add_u16(state, 0);
    add_u64(state, UINT64_MAX); /* length of the section: not known */
    snprintf(text, sizeof(text),
             "%s%sseed %" PRIu64 "; simulated time 0 is %" PRIu64 ".%09" PRIu64
             " s after 1970-01-01T00:00:00Z",
             header->scenario_name ? header->scenario_name : "", header->scenario_name ? ": " : "",
             header->seed, header->epoch_ns / 1000000000, header->epoch_ns % 1000000000);
    add_kernels(header, text, sizeof(text));
    add_option_text(state, OPT_COMMENT, text);
    add_option_text(state, SHB_HARDWARE, header->cpu_model);
    add_option_text(state, SHB_OS, header->host_kernel);
    snprintf(text, sizeof(text), "ttb %s%s%s", header->ttb_version ? header->ttb_version : "",
             header->ns3_version ? ", ns-3 " : "", header->ns3_version ? header->ns3_version : "");
    add_option_text(state, SHB_PROGRAM, text);
    end_options(state);
    end_block(export);
}

static void add_node_options(struct ttb_export *export, const struct ttb_trace_node *node)
{
    const struct ttb_trace_header *header = export->header;
    struct state *state = export->state;
    char text[256];

    if (node->kernel < header->artifact_count && header->artifacts[node->kernel].version) {
        snprintf(text, sizeof(text), "Linux %s", header->artifacts[node->kernel].version);
        add_option_text(state, IF_OS, text);
    }
    if (node->memory_bytes)
        snprintf(text, sizeof(text), "User-Mode Linux, %" PRIu64 " MiB", node->memory_bytes >> 20);
    else
        snprintf(text, sizeof(text), "User-Mode Linux");
    add_option_text(state, IF_HARDWARE, text);
}

/* In the largest unit that it is a whole number of. */
static void format_delay(uint64_t delay_ns, char text[32])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    unsigned unit = 0;

    for (; delay_ns && delay_ns % 1000 == 0 && unit < 3; unit++)
        delay_ns /= 1000;
    snprintf(text, 32, "%" PRIu64 " %s", delay_ns, units[unit]);
}

static void describe_place(const struct ttb_trace_tables *tables,
                           const struct ttb_trace_place *place, char *text, size_t size_bytes)
{
    static const char *const kinds[] = {[TTB_TRACE_PORT] = "port of a node",
                                        [TTB_TRACE_DEVICE] = "device in the network",
                                        [TTB_TRACE_LINK_PLACE] = "lost on the way"};
    const struct ttb_trace_link *link =
        place->link != TTB_TRACE_NONE ? ttb_trace_find_link(tables, place->link) : NULL;
    const char *what = place->description;
    char delay[32];
    int len;

    if (!what)
        what = (size_t)place->kind < 4 && kinds[place->kind] ? kinds[place->kind] : "place";
    if (place->kind == TTB_TRACE_PORT && place->node == TTB_TRACE_NONE && !place->description)
        what = "wall-clock port";
    len = snprintf(text, size_bytes, "%s", what);
    if (link && len >= 0 && (size_t)len < size_bytes) {
        format_delay(link->delay_ns, delay);
        snprintf(text + len, size_bytes - (size_t)len, "; link %s%s%s, delay %s", link->name,
                 link->type ? ", " : "", link->type ? link->type : "", delay);
    }
}

/* place: NULL for frames at no place */
static void write_interface(struct ttb_export *export, const struct ttb_trace_tables *tables,
                            const struct ttb_trace_place *place, struct interface *interface)
{
    struct state *state = export->state;
    const struct ttb_trace_node *node = NULL;
    const uint8_t nanoseconds = 9;
    char text[512];
    uint64_t speed_bps;

    *interface = (struct interface){.exists = true, .index = state->interface_count++};
    begin_block(state, BLOCK_INTERFACE);
    add_u16(state, LINKTYPE_ETHERNET);
    add_u16(state, 0);
    add_u32(state, 0); /* frames are not cut */
    ttb__place_name(tables, place ? place->id : TTB_TRACE_NONE, text, sizeof(text));
    add_option_text(state, IF_NAME, text);
    add_option(state, IF_TSRESOL, &nanoseconds, 1);
    if (place) {
        describe_place(tables, place, text, sizeof(text));
        add_option_text(state, IF_DESC, text);
        if (place->has_mac)
            add_option(state, IF_MAC, place->mac, sizeof(place->mac));
        speed_bps = ttb__place_speed(tables, place);
        if (speed_bps)
            add_option_u64(state, IF_SPEED, speed_bps);
        if (place->node != TTB_TRACE_NONE)
            node = ttb_trace_find_node(tables, place->node);
    } else {
        add_option_text(state, IF_DESC, "frames of which no place is known");
    }
    if (node)
        add_node_options(export, node);
    end_options(state);
    end_block(export);
}

static int grow_places(struct state *state, size_t count)
{
    size_t room = state->place_room ? state->place_room : 64;
    struct interface *grown;

    while (room < count)
        room *= 2;
    grown = realloc(state->places, room * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memset(grown + state->place_room, 0, (room - state->place_room) * sizeof(*grown));
    state->places = grown;
    state->place_room = room;
    return 0;
}

/* Interfaces for places that are new in the tables. */
static int write_new_interfaces(struct ttb_export *export, const struct ttb_trace_tables *tables)
{
    struct state *state = export->state;

    if (tables->place_count > state->place_room && grow_places(state, tables->place_count))
        return -ENOMEM;
    for (; state->known_places < tables->place_count; state->known_places++) {
        const struct ttb_trace_place *place = &tables->places[state->known_places];

        /* That of a link itself is written when a frame is lost there. What is no device of ns-3's
         * has no address: it is where frames wait in the built-in network's switches. */
        if ((place->kind == TTB_TRACE_PORT || place->has_mac) &&
            ttb__export_wants_place(export, tables, place->id))
            write_interface(export, tables, place, &state->places[place->id]);
    }
    return 0;
}

/* --------------------------------------------------------------------------------------- names */

static void write_name(void *user, const struct ttb__hostname *name)
{
    struct ttb_export *export = user;
    struct state *state = export->state;
    size_t address_bytes = name->v6 ? 16 : 4, name_bytes;
    char plain[256];

    name_bytes = ttb__text_plain(name->name, strlen(name->name), plain, sizeof(plain));
    begin_block(state, BLOCK_NAMES);
    add_u16(state, name->v6 ? 2 : 1);
    add_u16(state, (uint32_t)(address_bytes + name_bytes + 1));
    add(state, name->address, address_bytes);
    add(state, plain, name_bytes);
    add(state, "", 1);
    add_padding(state);
    add_u32(state, 0); /* no more records */
    end_block(export);
}

static int write_scenario_names(struct ttb_export *export)
{
    struct state *state = export->state;

    state->named = true;
    if (ttb__hostnames_of_scenario(&export->header->scenario, write_name, export) > 0)
        return 0;
    return ttb__hostnames_new(&state->names);
}

/* -------------------------------------------------------------------------------------- frames */

static uint32_t direction(const struct ttb_trace_frame *frame)
{
    const uint8_t *mac = frame->payload.data;

    switch (frame->what) {
    case TTB_TRACE_TRANSMITTED:
    case TTB_TRACE_SENT:
        return FLAG_OUTBOUND;
    case TTB_TRACE_DELIVERED:
    case TTB_TRACE_DROPPED:
    case TTB_TRACE_RECEIVED:
        break;
    default:
        return 0;
    }
    if (frame->payload.len_bytes < 6)
        return FLAG_INBOUND;
    if (memcmp(mac, "\xff\xff\xff\xff\xff\xff", 6) == 0)
        return FLAG_INBOUND | FLAG_BROADCAST;
    return FLAG_INBOUND | (mac[0] & 1 ? FLAG_MULTICAST : FLAG_UNICAST);
}

/* Why it went no further: the comment's text. @return its length */
static size_t write_reason(const struct ttb_trace_frame *frame, struct ttb_trace_bytes reason,
                           char text[REASON_MAX])
{
    const char *what = ttb_trace_what_name(frame->what);
    size_t len_bytes = 0;

    /* "lost: queue full", but not "lost: lost". */
    if (reason.len_bytes != strlen(what) || memcmp(reason.data, what, reason.len_bytes) != 0)
        len_bytes = (size_t)sprintf(text, "%s: ", what);
    return len_bytes +
           ttb__text_plain(reason.data, reason.len_bytes, text + len_bytes, REASON_MAX - len_bytes);
}

/* Made in the stream's buffer at once: there are millions of them. */
static void write_frame(struct ttb_export *export, const struct ttb_trace_record *record,
                        struct interface *interface)
{
    const struct ttb_trace_frame *frame = &record->frame;
    uint64_t time = timestamp(export, record->time_ns);
    size_t data_bytes = frame->payload.len_bytes, total_bytes;
    uint8_t *block =
        ttb__stream_reserve(&export->stream, data_bytes + REASON_MAX + FRAME_AROUND_MAX);
    uint8_t *at = block + 28;

    if (data_bytes)
        memcpy(at, frame->payload.data, data_bytes);
    at += data_bytes;
    put_u32(at, 0); /* padding, to be overwritten by what is no padding */
    at += padding(data_bytes);
    put_u32(at, EPB_FLAGS | 4 << 16);
    put_u32(at + 4, direction(frame));
    at += 8;
    if (frame->packet) {
        put_u32(at, EPB_PACKETID | 8 << 16);
        put_u64(at + 4, frame->packet);
        at += 12;
    }
    if (frame->what == TTB_TRACE_DROPPED || frame->what == TTB_TRACE_LOST ||
        frame->reason.len_bytes) {
        struct ttb_trace_bytes reason = ttb__frame_reason(frame);
        size_t len_bytes = write_reason(frame, reason, (char *)at + 4);

        put_u32(at, OPT_COMMENT | (uint32_t)len_bytes << 16);
        memset(at + 4 + len_bytes, 0, padding(len_bytes));
        at += 4 + len_bytes + padding(len_bytes);
        interface->dropped++;
    }
    put_u32(at, OPT_END);
    at += 4;
    interface->frames++;

    total_bytes = (size_t)(at - block) + 4;
    put_u32(block, BLOCK_PACKET);
    put_u32(block + 4, (uint32_t)total_bytes);
    put_u32(block + 8, interface->index);
    put_u32(block + 12, (uint32_t)(time >> 32));
    put_u32(block + 16, (uint32_t)time);
    put_u32(block + 20, (uint32_t)data_bytes);
    put_u32(block + 24, frame->len_bytes);
    put_u32(at, (uint32_t)total_bytes);
    ttb__stream_advance(&export->stream, total_bytes);
}

static int add_frame(struct ttb_export *export, const struct ttb_trace_tables *tables,
                     const struct ttb_trace_record *record)
{
    struct state *state = export->state;
    uint32_t id = record->frame.place;
    struct interface *interface = id < state->known_places ? &state->places[id] : &state->nowhere;

    if (!interface->exists)
        write_interface(export, tables, ttb_trace_find_place(tables, id), interface);
    if (state->names && record->frame.what == TTB_TRACE_TRANSMITTED &&
        interface != &state->nowhere) {
        int rc = ttb__hostnames_learn(state->names, tables, &tables->places[id], &record->frame,
                                      write_name, export);

        if (rc)
            return rc;
    }
    write_frame(export, record, interface);
    return 0;
}

/* ----------------------------------------------------------------------- console lines, events */

/* `priority`: of syslog, 3 an error to 6 information. */
static void write_note(struct ttb_export *export, const struct ttb_trace_tables *tables,
                       const struct ttb_trace_record *record, const char *identifier, int priority,
                       const void *message, size_t len_bytes)
{
    struct state *state = export->state;
    const struct ttb_trace_node *node =
        record->node != TTB_TRACE_NONE ? ttb_trace_find_node(tables, record->node) : NULL;
    char text[256];

    begin_block(state, BLOCK_JOURNAL);
    snprintf(text, sizeof(text), "__REALTIME_TIMESTAMP=%" PRIu64 "\n",
             timestamp(export, record->time_ns) / 1000);
    add_text(state, text);
    if (node) {
        add_text(state, "_HOSTNAME=");
        state->used += ttb__text_plain(node->name, strlen(node->name),
                                       (char *)state->block + state->used, 256);
        add_text(state, "\n");
    }
    snprintf(text, sizeof(text),
             "SYSLOG_IDENTIFIER=%s\nPRIORITY=%d\nTTB_TIME_NS=%" PRIu64 "\nMESSAGE=", identifier,
             priority, record->time_ns);
    add_text(state, text);
    state->used += ttb__text_plain(message, len_bytes, (char *)state->block + state->used,
                                   BLOCK_MAX - 128 - state->used);
    add_text(state, "\n");
    end_block(export);
}

static void write_described(struct ttb_export *export, const struct ttb_trace_tables *tables,
                            const struct ttb_trace_record *record, const char *identifier,
                            int priority)
{
    char text[2 * TTB_TRACE_TEXT_MAX];
    const char *words = ttb__record_words(tables, record, text, sizeof(text));

    write_note(export, tables, record, identifier, priority, words, strlen(words));
}

static int pcapng_record(struct ttb_export *export, const struct ttb_trace_tables *tables,
                         const struct ttb_trace_record *record)
{
    struct state *state = export->state;
    int rc = 0;

    if (!state->named)
        rc = write_scenario_names(export);
    if (!rc && state->known_places < tables->place_count)
        rc = write_new_interfaces(export, tables);
    if (rc)
        return rc;
    if (record->kind == TTB_TRACE_FRAME)
        return add_frame(export, tables, record);
    if (export->opts.frames_only)
        return 0;
    switch (record->kind) {
    case TTB_TRACE_CONSOLE:
        write_note(export, tables, record, "console", 6, record->console.data.data,
                   record->console.data.len_bytes);
        break;
    case TTB_TRACE_STATE:
        write_described(export, tables, record, "state",
                        record->state.state == TTB_NODE_FAILED ? 3 : 5);
        break;
    case TTB_TRACE_EVENT:
        write_described(export, tables, record, "event", 4);
        break;
    case TTB_TRACE_EXPECTATION:
        write_described(export, tables, record, "expectation", record->expectation.met ? 6 : 3);
        break;
    default:
        break;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------ the whole */

static int pcapng_begin(struct ttb_export *export)
{
    struct state *state = export->state;

    state->block = malloc(BLOCK_MAX);
    if (!state->block)
        return -ENOMEM;
    write_section(export);
    return 0;
}

static void write_statistics(struct ttb_export *export, const struct interface *interface)
{
    struct state *state = export->state;
    uint64_t start = timestamp(export, export->opts.from_ns);
    uint64_t end = timestamp(export, export->latest_ns);

    begin_block(state, BLOCK_STATISTICS);
    add_u32(state, interface->index);
    add_u32(state, (uint32_t)(end >> 32));
    add_u32(state, (uint32_t)end);
    /* Unlike other numbers of 64 bits, times have their upper half first. */
    add_option_u64(state, ISB_START, start >> 32 | start << 32);
    add_option_u64(state, ISB_END, end >> 32 | end << 32);
    add_option_u64(state, ISB_RECEIVED, interface->frames);
    add_option_u64(state, ISB_DROPPED, interface->dropped);
    end_options(state);
    end_block(export);
}

static int pcapng_end(struct ttb_export *export)
{
    struct state *state = export->state;
    int rc = 0;

    if (!state->named)
        rc = write_scenario_names(export);
    if (!rc && export->tables)
        rc = write_new_interfaces(export, export->tables);
    for (size_t i = 0; i < state->known_places; i++) {
        if (state->places[i].exists)
            write_statistics(export, &state->places[i]);
    }
    if (state->nowhere.exists)
        write_statistics(export, &state->nowhere);
    return rc;
}

static void pcapng_clear(struct ttb_export *export)
{
    struct state *state = export->state;

    ttb__hostnames_free(state->names);
    free(state->places);
    free(state->block);
}

const struct ttb__format ttb__format_pcapng = {
    .state_bytes = sizeof(struct state),
    .begin = pcapng_begin,
    .record = pcapng_record,
    .end = pcapng_end,
    .clear = pcapng_clear,
};
