/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file fake_uml.h
 * A scripted client that does on its time-travel socket what a UML kernel does (behaviour of Linux
 * 6.12's arch/um/kernel/time.c and, for kicks and calls, arch/um/drivers/virtio_uml.c), and notices
 * when a calendar does something that would make the kernel panic, hang or lose time.
 *
 * It lives in the test's thread. Where the kernel blocks, the fake lets the test's event loop turn
 * (`pump`); when the loop has nothing to do either, the kernel would hang for ever, and that is a
 * panic here as well. So no test needs a timeout to find a hang.
 *
 * It knows the layout of the segment by byte offsets of its own, not from wire.h, so that an error
 * there shows.
 */
#ifndef TTB_TESTS_FAKE_UML_H
#define TTB_TESTS_FAKE_UML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_UML_EVENTS 8

struct fake_uml {
    int fd;             /* the time-travel socket; the fake's to close */
    int vhost_fd;       /* stands for a virtio device's sockets: 'K' and 'R'eply; -1: none */
    bool knows_segment; /* 6.12; false: 6.1 */
    bool knows_notify;  /* 6.12 with our patches */
    int (*pump)(void *user);
    void *pump_user;
    /* Called when the kernel has begun to wait and its SIGIO handlers may run; NULL: nothing. */
    void (*while_waiting)(void *user);
    bool is_in_wait_hook;

    char panic[256]; /* "": all is well */

    /* As in time.c. */
    uint64_t time, shm_offset, last_propagated;
    bool prev_request_valid;
    uint64_t prev_request;
    uint64_t own_free_until;
    const uint64_t *free_until;
    unsigned waiting;
    uint32_t seq;
    uint8_t *shm, *shm_client;
    size_t shm_bytes;
    struct {
        uint64_t time;
        bool is_irq;
    } events[FAKE_UML_EVENTS];
    size_t event_count;

    /* For tests. */
    unsigned waits, runs, irqs, acks_sent, broadcasts;
    uint64_t broadcast, start_ack;
    unsigned start_fds;
    uint8_t *notify; /* the notification area; NULL: not offered, or not known */
    uint32_t run;    /* as last seen there */
    bool waits_quietly;
    unsigned calls;     /* that were found there */
    uint16_t called[8]; /* of these, the slots of the last ones */
};

/* Take over a connected socket. */
void fake_uml_init(struct fake_uml *uml, int fd, bool knows_segment, int (*pump)(void *),
                   void *pump_user);
/* Close, unmap: what the host does when the process ends. */
void fake_uml_exit(struct fake_uml *uml);

/* What follows returns false once the kernel has panicked (see uml->panic). */

/* START comes in two halves, since its ACK may be held back. */
bool fake_uml_send_start(struct fake_uml *uml, uint64_t id);
bool fake_uml_finish_start(struct fake_uml *uml);

/* Any request of the kernel's, with its ACK unless there is none; *ack may be NULL. */
bool fake_uml_req(struct fake_uml *uml, uint32_t op, uint64_t time, uint64_t *ack);

/* time_travel_ext_update_request(): as a timer that is set does. */
bool fake_uml_update_request(struct fake_uml *uml, uint64_t time);
/* Add an event, as a timer does: the request follows the earliest event. */
bool fake_uml_add_event(struct fake_uml *uml, uint64_t time);
/* Forget an event, as a timer that is deleted does: the calendar is not told. */
void fake_uml_del_event(struct fake_uml *uml, uint64_t time);

/* time_travel_ext_wait() in its two halves. */
bool fake_uml_begin_wait(struct fake_uml *uml);
bool fake_uml_end_wait(struct fake_uml *uml);

/* Let time pass up to `time`: time_travel_update_time(), deliveries included; UINT64_MAX for the
 * idle loop's sleep without end, which is over once an event has been delivered. */
bool fake_uml_pass_to(struct fake_uml *uml, uint64_t time);
/* Read the clock, which costs 256 ns. */
bool fake_uml_read_clock(struct fake_uml *uml);
/* time_travel_set_start(): asks for time of day and time; the time of day at its own time 0. */
bool fake_uml_set_start(struct fake_uml *uml, uint64_t *start_ns);

/* Tell our time, kick, and serve the time socket until the reply has come. */
bool fake_uml_kick(struct fake_uml *uml);
/* The SIGIO handler: a call has come. Get the time, add an interrupt now, reply. */
bool fake_uml_take_call(struct fake_uml *uml);

/* The notification area: enter a queue, as when it is set up; and log a kick of it, now. False as well if the
 * kick has to be a message. */
void fake_uml_add_queue(struct fake_uml *uml, unsigned slot, uint64_t ring);
bool fake_uml_log_kick(struct fake_uml *uml, unsigned slot, uint16_t avail_idx);

/* The segment, for tests that corrupt it. */
void fake_uml_poke_u64(struct fake_uml *uml, size_t offset, uint64_t value);
uint64_t fake_uml_peek_u64(const struct fake_uml *uml, size_t offset);
void fake_uml_poke_u32(struct fake_uml *uml, size_t offset, uint32_t value);
uint32_t fake_uml_peek_u32(const struct fake_uml *uml, size_t offset);

enum fake_uml_offset {
    SHM_VERSION = 0,
    SHM_LEN = 4,
    SHM_FREE_UNTIL = 8,
    SHM_CURRENT_TIME = 16,
    SHM_RUNNING_ID = 24,  /* u16 */
    SHM_MAX_CLIENTS = 26, /* u16 */
    SHM_CLIENTS = 4096,
    CLIENT_CAPA = 0,
    CLIENT_FLAGS = 4,
    CLIENT_REQ_TIME = 8,
    CLIENT_NAME = 16,
    CLIENT_NOTIFY = 24,
    CLIENT_BYTES = 128,
    /* of client 0, from the start */
    SHM_CAPA = SHM_CLIENTS + CLIENT_CAPA,
    SHM_FLAGS = SHM_CLIENTS + CLIENT_FLAGS,
    SHM_REQ_TIME = SHM_CLIENTS + CLIENT_REQ_TIME,
    SHM_NOTIFY = SHM_CLIENTS + CLIENT_BYTES,
    /* from the start of the area */
    NOTIFY_FEATURES = 0,
    NOTIFY_QUEUES = 4, /* u16 */
    NOTIFY_KICKS = 6,  /* u16 */
    NOTIFY_CALL_COUNT = 8,
    NOTIFY_KICK_HEAD = 12,
    NOTIFY_KICK_TAIL = 16,
    NOTIFY_RUN = 20,
    NOTIFY_RINGS = 24,
    NOTIFY_WAITING = 28,
    NOTIFY_WATCHED = 32,
    NOTIFY_BYTES = 64,
    /* of a queue's slot and a kick */
    QUEUE_RING = 0,
    QUEUE_HORIZON = 8,
    QUEUE_FLAGS = 16,
    QUEUE_BYTES = 32,
    KICK_TIME = 0,
    KICK_QUEUE = 8,      /* u16 */
    KICK_AVAIL_IDX = 10, /* u16 */
    KICK_BYTES = 16,
};

/* Offsets from the start of the segment. */
size_t fake_uml_queue(const struct fake_uml *uml, unsigned slot);
size_t fake_uml_kick_at(const struct fake_uml *uml, unsigned index);

#endif
