/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A 4-ary heap of pointers. Four children instead of two halve the depth, and an entry is moved (a
 * node's next time changes) far more often than one is taken out. Each entry knows its position, so
 * that it can be moved and removed without a search.
 */
#include "calendar/calendar.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ARITY       4
#define FIRST_SLOTS 16

int ttb__key_compare(const struct ttb__key *a, const struct ttb__key *b)
{
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    return 0;
}

static bool before(const struct ttb__calendar_entry *a, const struct ttb__calendar_entry *b)
{
    return ttb__key_compare(&a->key, &b->key) < 0;
}

static void put(struct ttb__calendar *calendar, size_t index, struct ttb__calendar_entry *entry)
{
    calendar->heap[index] = entry;
    entry->position = index + 1;
}

static void sift_up(struct ttb__calendar *calendar, size_t index, struct ttb__calendar_entry *entry)
{
    while (index > 0) {
        size_t parent = (index - 1) / ARITY;

        if (!before(entry, calendar->heap[parent]))
            break;
        put(calendar, index, calendar->heap[parent]);
        index = parent;
    }
    put(calendar, index, entry);
}

/* Index of the earliest of the children of `index`, or count if it has none. */
static size_t earliest_child(const struct ttb__calendar *calendar, size_t index)
{
    size_t child = index * ARITY + 1;
    size_t end = child + ARITY, best = child;

    if (child >= calendar->count)
        return calendar->count;
    if (end > calendar->count)
        end = calendar->count;
    while (++child < end) {
        if (before(calendar->heap[child], calendar->heap[best]))
            best = child;
    }
    return best;
}

static void sift_down(struct ttb__calendar *calendar, size_t index,
                      struct ttb__calendar_entry *entry)
{
    for (;;) {
        size_t child = earliest_child(calendar, index);

        if (child == calendar->count || before(entry, calendar->heap[child]))
            break;
        put(calendar, index, calendar->heap[child]);
        index = child;
    }
    put(calendar, index, entry);
}

/* Put `entry` where its key belongs, starting at the free slot `index`. */
static void settle(struct ttb__calendar *calendar, size_t index, struct ttb__calendar_entry *entry)
{
    if (index > 0 && before(entry, calendar->heap[(index - 1) / ARITY]))
        sift_up(calendar, index, entry);
    else
        sift_down(calendar, index, entry);
}

void ttb__calendar_clear(struct ttb__calendar *calendar)
{
    free(calendar->heap);
    *calendar = (struct ttb__calendar){0};
}

int ttb__calendar_insert(struct ttb__calendar *calendar, struct ttb__calendar_entry *entry,
                         uint64_t time_ns, enum ttb__class class, uint32_t id)
{
    assert(!ttb__calendar_holds(entry));
    if (calendar->count == calendar->capacity) {
        size_t capacity = calendar->capacity ? 2 * calendar->capacity : FIRST_SLOTS;
        struct ttb__calendar_entry **heap =
            reallocarray(calendar->heap, capacity, sizeof(*calendar->heap));

        if (!heap)
            return -ENOMEM;
        calendar->heap = heap;
        calendar->capacity = capacity;
    }
    entry->key = (struct ttb__key){
        .time_ns = time_ns,
        .class = class,
        .id = id,
        .sequence = calendar->next_sequence++,
    };
    sift_up(calendar, calendar->count++, entry);
    return 0;
}

void ttb__calendar_move(struct ttb__calendar *calendar, struct ttb__calendar_entry *entry,
                        uint64_t time_ns)
{
    assert(ttb__calendar_holds(entry) && calendar->heap[entry->position - 1] == entry);
    if (entry->key.time_ns == time_ns)
        return;
    entry->key.time_ns = time_ns;
    entry->key.sequence = calendar->next_sequence++;
    settle(calendar, entry->position - 1, entry);
}

void ttb__calendar_remove(struct ttb__calendar *calendar, struct ttb__calendar_entry *entry)
{
    struct ttb__calendar_entry *last;
    size_t index = entry->position - 1;

    if (!ttb__calendar_holds(entry))
        return;
    assert(index < calendar->count && calendar->heap[index] == entry);
    last = calendar->heap[--calendar->count];
    entry->position = 0;
    if (last != entry)
        settle(calendar, index, last);
}

struct ttb__calendar_entry *ttb__calendar_first(const struct ttb__calendar *calendar)
{
    return calendar->count ? calendar->heap[0] : NULL;
}

static void visit_below(const struct ttb__calendar *calendar, size_t index,
                        ttb__calendar_visit_fn visit, void *user)
{
    size_t child = index * ARITY + 1, end = child + ARITY;

    if (index >= calendar->count || !visit(user, calendar->heap[index]))
        return;
    for (; child < end && child < calendar->count; child++)
        visit_below(calendar, child, visit, user);
}

void ttb__calendar_visit(const struct ttb__calendar *calendar, ttb__calendar_visit_fn visit,
                         void *user)
{
    visit_below(calendar, 0, visit, user);
}
