/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file calendar.h
 * Time order: who is next, and when. Pure: no I/O, no clock, no allocation but its own array.
 *
 * Every entry has the key (time, class, id, sequence), so that two keys are never equal and the
 * order of events never depends on anything but the simulation. The sequence is given out by the
 * calendar when an entry is inserted: of two entries with equal time, class and id, the one that
 * was inserted first comes first.
 *
 * Cost: peek O(1); insert, move and remove O(log n).
 */
#ifndef TTB_CALENDAR_H
#define TTB_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** At one instant, the classes act in this order. */
enum ttb__class {
    TTB__CLASS_NETWORK,
    TTB__CLASS_NODE,
    TTB__CLASS_OBSERVER,
};

struct ttb__key {
    uint64_t time_ns;
    enum ttb__class class;
    uint32_t id;
    uint64_t sequence;
};

/** Order of two keys: negative, zero or positive as `a` comes before, is, or comes after `b`. */
int ttb__key_compare(const struct ttb__key *a, const struct ttb__key *b);

/**
 * An entry, embedded in whatever it stands for. Zero-initialised it is in no calendar.
 * Invariant: in a calendar, `position` is its index in the heap plus one; else 0.
 */
struct ttb__calendar_entry {
    struct ttb__key key;
    size_t position;
};

/** Zero-initialised it is an empty calendar. Holds pointers to entries, owns none of them. */
struct ttb__calendar {
    struct ttb__calendar_entry **heap;
    size_t count, capacity;
    uint64_t next_sequence;
};

/** Free the calendar's memory; entries still in it are forgotten, not touched. */
void ttb__calendar_clear(struct ttb__calendar *calendar);

/** Insert an entry that is in no calendar. @return 0 or -ENOMEM */
int ttb__calendar_insert(struct ttb__calendar *calendar, struct ttb__calendar_entry *entry,
                         uint64_t time_ns, enum ttb__class class, uint32_t id);

/** Give an entry of this calendar another time; it gets a new sequence unless the time is the same. */
void ttb__calendar_move(struct ttb__calendar *calendar, struct ttb__calendar_entry *entry,
                        uint64_t time_ns);

/** Take an entry out; does nothing if it is in none. */
void ttb__calendar_remove(struct ttb__calendar *calendar, struct ttb__calendar_entry *entry);

/** The earliest entry, NULL if empty. */
struct ttb__calendar_entry *ttb__calendar_first(const struct ttb__calendar *calendar);

/**
 * Visit entries, each before those that may only come later. `visit` returns whether those below this
 * one (none of them earlier) are of interest; it must not change the calendar. The order depends on
 * how the heap came about: only results that do not depend on it may be drawn from a visit.
 */
typedef bool (*ttb__calendar_visit_fn)(void *user, struct ttb__calendar_entry *entry);
void ttb__calendar_visit(const struct ttb__calendar *calendar, ttb__calendar_visit_fn visit,
                         void *user);

static inline bool ttb__calendar_holds(const struct ttb__calendar_entry *entry)
{
    return entry->position != 0;
}

#endif
