/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records to and from bytes, see proto/trace.proto.
 */
#include "record/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "record/wire.h"

/* ------------------------------------------------------------------------------------ encoding */

static void add_text(struct ttb__fields *fields, unsigned number, struct ttb_trace_bytes text)
{
    if (text.len_bytes)
        ttb__add_bytes(fields, number, text.data, text.len_bytes);
}

static void add_nonzero(struct ttb__fields *fields, unsigned number, uint64_t value)
{
    if (value)
        ttb__add_varint(fields, number, value);
}

static void add_frame(struct ttb__fields *fields, const struct ttb_trace_frame *frame,
                      bool with_payload)
{
    ttb__add_varint(fields, 1, frame->what);
    if (frame->place != TTB_TRACE_NONE)
        ttb__add_varint(fields, 2, frame->place);
    add_nonzero(fields, 3, frame->packet);
    ttb__add_varint(fields, 4, frame->len_bytes);
    /* Last of those that every frame has, so that the payload's place is known: see encode. */
    if (with_payload && frame->payload.len_bytes)
        ttb__add_bytes(fields, 5, frame->payload.data, frame->payload.len_bytes);
    add_nonzero(fields, 6, frame->port_reason);
    add_text(fields, 7, frame->reason);
}

static void add_state(struct ttb__fields *fields, const struct ttb_trace_state *state)
{
    ttb__add_varint(fields, 1, state->state);
    if (state->has_wait_status)
        ttb__add_varint(fields, 2, ttb__zigzag(state->wait_status));
    if (state->has_exit_status)
        ttb__add_varint(fields, 3, ttb__zigzag(state->exit_status));
    add_text(fields, 4, state->why);
}

static void add_cost(struct ttb__fields *fields, const struct ttb_trace_cost *cost)
{
    ttb__add_varint(fields, 1, cost->part);
    ttb__add_varint(fields, 2, cost->at_wall_ns);
    ttb__add_varint(fields, 3, cost->wall_ns);
    add_nonzero(fields, 4, cost->activations);
    add_nonzero(fields, 5, cost->kicks);
    add_nonzero(fields, 6, cost->calls);
    add_nonzero(fields, 7, cost->waited_ns);
    add_nonzero(fields, 8, cost->awaited_ns);
}

size_t ttb__encode_record(const struct ttb_trace_record *record, bool with_payload, uint8_t *to,
                          size_t *payload_offset)
{
    struct ttb__fields outer = {0}, inner = {0};
    uint8_t *at = to;

    switch (record->kind) {
    case TTB_TRACE_GRANT:
        add_nonzero(&inner, 1, record->grant.until_ns);
        break;
    case TTB_TRACE_FRAME:
        add_frame(&inner, &record->frame, with_payload);
        break;
    case TTB_TRACE_CONSOLE:
        add_text(&inner, 1, record->console.data);
        add_nonzero(&inner, 2, record->console.line_end);
        break;
    case TTB_TRACE_STATE:
        add_state(&inner, &record->state);
        break;
    case TTB_TRACE_EVENT:
        add_text(&inner, 1, record->event.action);
        add_text(&inner, 2, record->event.target);
        add_text(&inner, 3, record->event.detail);
        break;
    case TTB_TRACE_EXPECTATION:
        ttb__add_varint(&inner, 1, record->expectation.number);
        ttb__add_varint(&inner, 2, record->expectation.met);
        add_text(&inner, 3, record->expectation.text);
        break;
    case TTB_TRACE_QUEUE:
        ttb__add_varint(&inner, 1, record->queue.place);
        ttb__add_varint(&inner, 2, record->queue.frames);
        break;
    default:
        add_cost(&inner, &record->cost);
        break;
    }
    ttb__add_varint(&outer, 1, record->time_ns);
    if (record->node != TTB_TRACE_NONE)
        ttb__add_varint(&outer, 2, record->node);
    /* The tag of the inner message and its length; then the message itself. */
    outer.len_bytes += record->kind < 16 ? 1 : 2;
    outer.len_bytes += ttb__varint_len(inner.len_bytes) + inner.len_bytes;

    at = ttb__put_varint(at, outer.len_bytes);
    at = ttb__put_fields(at, &outer);
    at = ttb__put_varint(at, (uint64_t)record->kind << 3 | TTB__WIRE_BYTES);
    at = ttb__put_varint(at, inner.len_bytes);
    *payload_offset = 0;
    if (record->kind == TTB_TRACE_FRAME && with_payload && record->frame.payload.len_bytes) {
        size_t after = 0;

        for (unsigned i = inner.count; i-- > 0 && inner.list[i].number > 5;) {
            after += 1 + ttb__varint_len(inner.list[i].value);
            if (inner.list[i].type == TTB__WIRE_BYTES)
                after += inner.list[i].value;
        }
        *payload_offset =
            (size_t)(at - to) + inner.len_bytes - after - record->frame.payload.len_bytes;
    }
    at = ttb__put_fields(at, &inner);
    return (size_t)(at - to);
}

/* ------------------------------------------------------------------------------------ decoding */

/* Where in a record we are, for sentences. */
struct place {
    const char *message;
    struct ttb__error *error;
};

static int bad_field(const struct place *place, const char *field, const char *format,
                     uint64_t value)
{
    char text[128];

    snprintf(text, sizeof(text), format, value);
    return ttb__fail(place->error, -EBADMSG, "%s.%s: %s", place->message, field, text);
}

/* The value of a varint field, checked. */
static int number(const struct place *place, const struct ttb__field *field, const char *name,
                  uint64_t max, uint64_t *value)
{
    if (field->type != TTB__WIRE_VARINT)
        return bad_field(place, name, "wire type %" PRIu64 " is not that of a number", field->type);
    if (field->value > max)
        return bad_field(place, name, "%" PRIu64 " is too large", field->value);
    *value = field->value;
    return 0;
}

static int number_u32(const struct place *place, const struct ttb__field *field, const char *name,
                      uint32_t max, uint32_t *value)
{
    uint64_t wide;
    int rc = number(place, field, name, max, &wide);

    if (!rc)
        *value = (uint32_t)wide;
    return rc;
}

static int boolean(const struct place *place, const struct ttb__field *field, const char *name,
                   bool *value)
{
    uint64_t wide;
    int rc = number(place, field, name, UINT64_MAX, &wide);

    if (!rc)
        *value = wide != 0;
    return rc;
}

static int text(const struct place *place, const struct ttb__field *field, const char *name,
                size_t max_bytes, struct ttb_trace_bytes *value)
{
    size_t len_bytes = (size_t)(field->bytes.end - field->bytes.at);

    if (field->type != TTB__WIRE_BYTES)
        return bad_field(place, name, "wire type %" PRIu64 " is not that of bytes", field->type);
    if (len_bytes > max_bytes)
        return bad_field(place, name, "%" PRIu64 " bytes are too long", len_bytes);
    *value = (struct ttb_trace_bytes){.data = field->bytes.at, .len_bytes = len_bytes};
    return 0;
}

/* The first field of a number is taken as an enumeration: values that are not known yet are kept. */
static int enumeration(const struct place *place, const struct ttb__field *field, const char *name,
                       int *value)
{
    uint32_t wide = 0;
    int rc = number_u32(place, field, name, INT32_MAX, &wide);

    *value = (int)wide;
    return rc;
}

static int status(const struct place *place, const struct ttb__field *field, const char *name,
                  int *value)
{
    uint64_t wide = 0;
    int rc = number(place, field, name, UINT32_MAX, &wide);

    *value = ttb__unzigzag(wide);
    return rc;
}

static int decode_grant(const struct place *place, const struct ttb__field *field,
                        struct ttb_trace_record *record)
{
    if (field->number == 1)
        return number(place, field, "until_ns", UINT64_MAX, &record->grant.until_ns);
    return 0;
}

static int decode_frame(const struct place *place, const struct ttb__field *field,
                        struct ttb_trace_record *record)
{
    struct ttb_trace_frame *frame = &record->frame;
    int value = 0, rc;

    switch (field->number) {
    case 1:
        rc = enumeration(place, field, "what", &value);
        frame->what = (enum ttb_trace_what)value;
        return rc;
    case 2:
        return number_u32(place, field, "place", TTB_TRACE_NONE - 1, &frame->place);
    case 3:
        return number(place, field, "packet", UINT64_MAX, &frame->packet);
    case 4:
        return number_u32(place, field, "len_bytes", TTB_FRAME_MAX, &frame->len_bytes);
    case 5:
        return text(place, field, "payload", TTB_FRAME_MAX, &frame->payload);
    case 6:
        rc = enumeration(place, field, "port_reason", &value);
        frame->port_reason = (enum ttb_drop)value;
        return rc;
    case 7:
        return text(place, field, "reason", TTB_TRACE_TEXT_MAX, &frame->reason);
    default:
        return 0;
    }
}

static int decode_console(const struct place *place, const struct ttb__field *field,
                          struct ttb_trace_record *record)
{
    if (field->number == 1)
        return text(place, field, "data", TTB_TRACE_CONSOLE_MAX, &record->console.data);
    if (field->number == 2)
        return boolean(place, field, "line_end", &record->console.line_end);
    return 0;
}

static int decode_state(const struct place *place, const struct ttb__field *field,
                        struct ttb_trace_record *record)
{
    struct ttb_trace_state *state = &record->state;
    int value = 0, rc;

    switch (field->number) {
    case 1:
        rc = enumeration(place, field, "state", &value);
        state->state = (enum ttb_node_state)value;
        return rc;
    case 2:
        state->has_wait_status = true;
        return status(place, field, "wait_status", &state->wait_status);
    case 3:
        state->has_exit_status = true;
        return status(place, field, "exit_status", &state->exit_status);
    case 4:
        return text(place, field, "why", TTB_TRACE_TEXT_MAX, &state->why);
    default:
        return 0;
    }
}

static int decode_event(const struct place *place, const struct ttb__field *field,
                        struct ttb_trace_record *record)
{
    switch (field->number) {
    case 1:
        return text(place, field, "action", TTB_TRACE_TEXT_MAX, &record->event.action);
    case 2:
        return text(place, field, "target", TTB_TRACE_TEXT_MAX, &record->event.target);
    case 3:
        return text(place, field, "detail", TTB_TRACE_TEXT_MAX, &record->event.detail);
    default:
        return 0;
    }
}

static int decode_expectation(const struct place *place, const struct ttb__field *field,
                              struct ttb_trace_record *record)
{
    struct ttb_trace_expectation *expectation = &record->expectation;

    switch (field->number) {
    case 1:
        return number_u32(place, field, "number", UINT32_MAX, &expectation->number);
    case 2:
        return boolean(place, field, "met", &expectation->met);
    case 3:
        return text(place, field, "text", TTB_TRACE_TEXT_MAX, &expectation->text);
    default:
        return 0;
    }
}

static int decode_cost(const struct place *place, const struct ttb__field *field,
                       struct ttb_trace_record *record)
{
    struct ttb_trace_cost *cost = &record->cost;
    int value = 0, rc;

    switch (field->number) {
    case 1:
        rc = enumeration(place, field, "part", &value);
        cost->part = (enum ttb_trace_part)value;
        return rc;
    case 2:
        return number(place, field, "at_wall_ns", UINT64_MAX, &cost->at_wall_ns);
    case 3:
        return number(place, field, "wall_ns", UINT64_MAX, &cost->wall_ns);
    case 4:
        return number(place, field, "activations", UINT64_MAX, &cost->activations);
    case 5:
        return number(place, field, "kicks", UINT64_MAX, &cost->kicks);
    case 6:
        return number(place, field, "calls", UINT64_MAX, &cost->calls);
    case 7:
        return number(place, field, "waited_ns", UINT64_MAX, &cost->waited_ns);
    case 8:
        return number(place, field, "awaited_ns", UINT64_MAX, &cost->awaited_ns);
    default:
        return 0;
    }
}

static int decode_queue(const struct place *place, const struct ttb__field *field,
                        struct ttb_trace_record *record)
{
    if (field->number == 1)
        return number_u32(place, field, "place", TTB_TRACE_NONE - 1, &record->queue.place);
    if (field->number == 2)
        return number_u32(place, field, "frames", UINT32_MAX, &record->queue.frames);
    return 0;
}

/* Fields by kind. Declarations have none: they are decoded by the generated code. */
static const struct {
    const char *name;
    int (*decode)(const struct place *place, const struct ttb__field *field,
                  struct ttb_trace_record *record);
} kinds[] = {
    [TTB_TRACE_GRANT] = {"grant", decode_grant},
    [TTB_TRACE_FRAME] = {"frame", decode_frame},
    [TTB_TRACE_CONSOLE] = {"console", decode_console},
    [TTB_TRACE_STATE] = {"state", decode_state},
    [TTB_TRACE_EVENT] = {"event", decode_event},
    [TTB_TRACE_EXPECTATION] = {"expectation", decode_expectation},
    [TTB_TRACE_NODE_DECLARED] = {"node_declared", NULL},
    [TTB_TRACE_LINK_DECLARED] = {"link_declared", NULL},
    [TTB_TRACE_PLACE_DECLARED] = {"place_declared", NULL},
    [TTB_TRACE_COST] = {"cost", decode_cost},
    [TTB_TRACE_QUEUE] = {"queue", decode_queue},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static int decode_inner(struct ttb__wire wire, struct ttb_trace_record *record,
                        struct ttb_trace_bytes *declaration, struct ttb__error *error)
{
    struct place place = {.message = kinds[record->kind].name, .error = error};
    struct ttb__field field;
    int rc;

    if (!kinds[record->kind].decode) {
        *declaration = (struct ttb_trace_bytes){
            .data = wire.at,
            .len_bytes = (size_t)(wire.end - wire.at),
        };
        return 0;
    }
    if (record->kind == TTB_TRACE_FRAME)
        record->frame.place = TTB_TRACE_NONE;
    while (wire.at < wire.end) {
        if (!ttb__get_field(&wire, &field))
            return ttb__fail(error, -EBADMSG, "%s: a field is cut off or malformed", place.message);
        rc = kinds[record->kind].decode(&place, &field, record);
        if (rc)
            return rc;
    }
    if (record->kind == TTB_TRACE_FRAME &&
        record->frame.payload.len_bytes > record->frame.len_bytes) {
        return ttb__fail(error, -EBADMSG, "frame.payload: %zu bytes of a frame of len_bytes %u",
                         record->frame.payload.len_bytes, record->frame.len_bytes);
    }
    return 0;
}

/* More than the fields of a frame that stand around its payload can have. */
#define PLAIN_BYTES 96

/* A varint where eight bytes can be read: of one byte, or of up to eight at a time. @return what follows it;
 * NULL: it is longer, or `at` was NULL */
static inline __attribute__((always_inline)) const uint8_t *plain_varint(const uint8_t *at,
                                                                         uint64_t *value)
{
    uint64_t word, ends;
    unsigned last_bit;

    if (*at < 0x80) {
        *value = *at;
        return at + 1;
    }
    word = ttb__get_u64(at);
    ends = ~word & 0x8080808080808080;
    if (!ends)
        return NULL;
    /* Up to the first byte without the upper bit; then seven bits of each byte are put together. */
    last_bit = (unsigned)__builtin_ctzll(ends);
    word &= (2ULL << last_bit) - 1;
    word &= 0x7f7f7f7f7f7f7f7f;
    word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
    word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
    *value = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
    return at + last_bit / 8 + 1;
}

#define PLAIN(number, type) ((number) << 3 | (type))

/* The next field must be this one, or the frame is none that can be read here. */
#define TAKE(number, value)                                                                   \
    do {                                                                                      \
        if (*at != PLAIN(number, TTB__WIRE_VARINT) || !(at = plain_varint(at + 1, &(value)))) \
            return false;                                                                     \
    } while (0)

/*
 * Frames are nearly everything that a trace has. This reads those whose fields stand as ttb__encode_
 * record() puts them, and whose values are all allowed; the others are left to the code below, which
 * knows every order and says what is wrong. Whether a field ends where the record does is looked at once,
 * at the end: `readable_bytes` reach farther than all fields can.
 */
static bool decode_plain_frame(const uint8_t *data, size_t len_bytes, size_t readable_bytes,
                               struct ttb_trace_record *record)
{
    const uint8_t *at = data, *end = data + len_bytes, *payload = NULL;
    uint64_t node = TTB_TRACE_NONE, time_ns, what, place, packet, frame_bytes, payload_bytes = 0;
    uint64_t inner_bytes;

    if (readable_bytes < PLAIN_BYTES)
        return false;
    TAKE(1, time_ns);
    if (*at == PLAIN(2, TTB__WIRE_VARINT) &&
        (!(at = plain_varint(at + 1, &node)) || node >= TTB_TRACE_NONE))
        return false;
    if (*at != PLAIN(TTB_TRACE_FRAME, TTB__WIRE_BYTES) ||
        !(at = plain_varint(at + 1, &inner_bytes)))
        return false;
    if (at > end || inner_bytes != (uint64_t)(end - at))
        return false;
    TAKE(1, what);
    TAKE(2, place);
    TAKE(3, packet);
    TAKE(4, frame_bytes);
    if (what > INT32_MAX || place >= TTB_TRACE_NONE || frame_bytes > TTB_FRAME_MAX || at > end)
        return false;
    if (at != end) {
        if (*at != PLAIN(5, TTB__WIRE_BYTES) || !(at = plain_varint(at + 1, &payload_bytes)))
            return false;
        if (at > end || payload_bytes > frame_bytes || payload_bytes != (uint64_t)(end - at))
            return false;
        payload = at;
    }
    /* Field by field: clearing the whole would cost more than all of the above. */
    record->kind = TTB_TRACE_FRAME;
    record->time_ns = time_ns;
    record->node = (uint32_t)node;
    record->number = 0;
    record->frame.what = (enum ttb_trace_what)what;
    record->frame.place = (uint32_t)place;
    record->frame.packet = packet;
    record->frame.len_bytes = (uint32_t)frame_bytes;
    record->frame.payload.data = payload;
    record->frame.payload.len_bytes = payload_bytes;
    record->frame.port_reason = TTB_DROP_NONE;
    record->frame.reason.data = NULL;
    record->frame.reason.len_bytes = 0;
    return true;
}

#undef TAKE

int ttb__decode_record(const uint8_t *data, size_t len_bytes, size_t readable_bytes,
                       struct ttb_trace_record *record, struct ttb_trace_bytes *declaration,
                       struct ttb__error *error)
{
    struct place place = {.message = "record", .error = error};
    struct ttb__wire wire = {.at = data, .end = data + len_bytes}, inner = {0};
    struct ttb__field field;
    int rc = 0;

    *declaration = (struct ttb_trace_bytes){0};
    if (decode_plain_frame(data, len_bytes, readable_bytes, record))
        return 0;
    memset(record, 0, sizeof(*record));
    record->node = TTB_TRACE_NONE;
    while (wire.at < wire.end) {
        if (!ttb__get_field(&wire, &field))
            return ttb__fail(error, -EBADMSG, "record: a field is cut off or malformed");
        if (field.number == 1) {
            rc = number(&place, &field, "time_ns", UINT64_MAX, &record->time_ns);
        } else if (field.number == 2) {
            rc = number_u32(&place, &field, "node", TTB_TRACE_NONE - 1, &record->node);
        } else if (field.number < KIND_COUNT && kinds[field.number].name) {
            if (field.type != TTB__WIRE_BYTES)
                rc = bad_field(&place, kinds[field.number].name,
                               "wire type %" PRIu64 " is not that of a message", field.type);
            else if (record->kind)
                rc = bad_field(&place, kinds[field.number].name,
                               "a second kind, after field %" PRIu64, record->kind);
            record->kind = (enum ttb_trace_kind)field.number;
            inner = field.bytes;
        }
        if (rc)
            return rc;
    }
    if (!record->kind)
        return 1;
    return decode_inner(inner, record, declaration, error);
}
