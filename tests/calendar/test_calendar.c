/* SPDX-License-Identifier: BSD-3-Clause */
/* The calendar against a sorted array, under many random operations; and its ties one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "calendar/calendar.h"

#define ENTRIES 200
#define ROUNDS  60000

/* ------------------------------------------------------------------------- ties, one by one */

struct event {
    struct ttb__calendar_entry entry;
    char name;
};

static void insert(struct ttb__calendar *calendar, struct event *event, char name, uint64_t time_ns,
                   enum ttb__class class, uint32_t id)
{
    event->name = name;
    assert_int_equal(ttb__calendar_insert(calendar, &event->entry, time_ns, class, id), 0);
}

/* Take everything out and compare the names' order. */
static void assert_order(struct ttb__calendar *calendar, const char *names)
{
    struct ttb__calendar_entry *entry;

    while ((entry = ttb__calendar_first(calendar)) != NULL) {
        assert_int_equal(((struct event *)entry)->name, *names);
        names++;
        ttb__calendar_remove(calendar, entry);
        assert_false(ttb__calendar_holds(entry));
    }
    assert_int_equal(*names, 0);
    ttb__calendar_clear(calendar);
}

struct walk {
    uint64_t end_ns; /* entries from here on, and what is below them, are left out */
    size_t count;
};

static bool walk_on(void *user, struct ttb__calendar_entry *entry)
{
    struct walk *walk = user;

    if (entry->key.time_ns >= walk->end_ns)
        return false;
    walk->count++;
    return true;
}

static size_t visited_before(const struct ttb__calendar *calendar, uint64_t end_ns)
{
    struct walk walk = {.end_ns = end_ns};

    ttb__calendar_visit(calendar, walk_on, &walk);
    return walk.count;
}

static bool count(void *user, struct ttb__calendar_entry *entry)
{
    (void)entry;
    ++*(size_t *)user;
    return true;
}

static size_t visited(const struct ttb__calendar *calendar)
{
    size_t entries = 0;

    ttb__calendar_visit(calendar, count, &entries);
    return entries;
}

static void an_empty_calendar_has_no_first(void **state)
{
    struct ttb__calendar calendar = {0};

    (void)state;
    assert_null(ttb__calendar_first(&calendar));
    assert_int_equal(visited(&calendar), 0);
    ttb__calendar_clear(&calendar);
}

static void a_single_entry_is_first(void **state)
{
    struct ttb__calendar calendar = {0};
    struct event a = {0};

    (void)state;
    insert(&calendar, &a, 'a', 1, TTB__CLASS_NODE, 0);
    assert_ptr_equal(ttb__calendar_first(&calendar), &a.entry);
    assert_int_equal(visited(&calendar), 1);
    ttb__calendar_clear(&calendar);
}

static void time_comes_before_class_before_id_before_sequence(void **state)
{
    struct ttb__calendar calendar = {0};
    struct event events[7] = {0};

    (void)state;
    insert(&calendar, &events[0], 'f', 10, TTB__CLASS_OBSERVER, 0);
    insert(&calendar, &events[1], 'd', 10, TTB__CLASS_NODE, 2);
    insert(&calendar, &events[2], 'c', 10, TTB__CLASS_NODE, 1);
    insert(&calendar, &events[3], 'e', 10, TTB__CLASS_NODE, 2);
    insert(&calendar, &events[4], 'b', 10, TTB__CLASS_NETWORK, 9);
    insert(&calendar, &events[5], 'a', 9, TTB__CLASS_OBSERVER, 9);
    insert(&calendar, &events[6], 'g', UINT64_MAX, TTB__CLASS_NETWORK, 0);
    assert_order(&calendar, "abcdefg");
}

static void an_entry_moved_to_a_tie_comes_after_those_that_were_there(void **state)
{
    struct ttb__calendar calendar = {0};
    struct event events[3] = {0};

    (void)state;
    insert(&calendar, &events[0], 'c', 5, TTB__CLASS_NODE, 0);
    insert(&calendar, &events[1], 'a', 7, TTB__CLASS_NODE, 0);
    insert(&calendar, &events[2], 'b', 7, TTB__CLASS_NODE, 0);
    ttb__calendar_move(&calendar, &events[0].entry, 7);
    assert_order(&calendar, "abc");
}

static void an_entry_moved_to_its_own_time_keeps_its_place(void **state)
{
    struct ttb__calendar calendar = {0};
    struct event events[2] = {0};

    (void)state;
    insert(&calendar, &events[0], 'a', 7, TTB__CLASS_NODE, 0);
    insert(&calendar, &events[1], 'b', 7, TTB__CLASS_NODE, 0);
    ttb__calendar_move(&calendar, &events[0].entry, 7);
    assert_order(&calendar, "ab");
}

static void removing_what_is_not_in_the_calendar_does_nothing(void **state)
{
    struct ttb__calendar calendar = {0};
    struct event a = {0}, b = {0};

    (void)state;
    insert(&calendar, &a, 'a', 1, TTB__CLASS_NODE, 0);
    ttb__calendar_remove(&calendar, &b.entry);
    assert_order(&calendar, "a");
    ttb__calendar_remove(&calendar, &a.entry);
}

static void keys_compare_field_by_field(void **state)
{
    const struct ttb__key low = {1, TTB__CLASS_NODE, 1, 1};
    struct ttb__key high = low;

    (void)state;
    assert_int_equal(ttb__key_compare(&low, &low), 0);
    high.sequence = UINT64_MAX;
    assert_true(ttb__key_compare(&low, &high) < 0);
    assert_true(ttb__key_compare(&high, &low) > 0);
    high.sequence = 0;
    high.id = UINT32_MAX;
    assert_true(ttb__key_compare(&low, &high) < 0);
    high.id = 0;
    high.class = TTB__CLASS_OBSERVER;
    assert_true(ttb__key_compare(&low, &high) < 0);
    high.class = TTB__CLASS_NETWORK;
    high.time_ns = UINT64_MAX;
    assert_true(ttb__key_compare(&low, &high) < 0);
    assert_true(ttb__key_compare(&high, &low) > 0);
}

/* ------------------------------------------------------------------ against a sorted array */

/* The model: entries in order, each with a stamp that grows as the calendar's sequence should. */
struct model {
    struct slot {
        struct ttb__calendar_entry *entry;
        uint64_t time_ns, stamp;
        enum ttb__class class;
        uint32_t id;
    } slots[ENTRIES];
    size_t count;
    uint64_t stamp;
};

static int compare_slots(const struct slot *a, const struct slot *b)
{
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    if (a->class != b->class)
        return (int)a->class - (int)b->class;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->stamp < b->stamp ? -1 : 1;
}

static void model_insert(struct model *model, struct slot slot)
{
    size_t i = model->count++;

    while (i > 0 && compare_slots(&slot, &model->slots[i - 1]) < 0) {
        model->slots[i] = model->slots[i - 1];
        i--;
    }
    model->slots[i] = slot;
}

static struct slot model_take(struct model *model, const struct ttb__calendar_entry *entry)
{
    struct slot taken;
    size_t i = 0;

    while (model->slots[i].entry != entry)
        i++;
    taken = model->slots[i];
    memmove(&model->slots[i], &model->slots[i + 1], (--model->count - i) * sizeof(taken));
    return taken;
}

static size_t model_before(const struct model *model, uint64_t end_ns)
{
    size_t count = 0;

    while (count < model->count && model->slots[count].entry->key.time_ns < end_ns)
        count++;
    return count;
}

static void assert_same_front(const struct ttb__calendar *calendar, const struct model *model)
{
    assert_int_equal(calendar->count, model->count);
    assert_ptr_equal(ttb__calendar_first(calendar),
                     model->count > 0 ? model->slots[0].entry : NULL);
    assert_int_equal(visited(calendar), model->count);
    assert_int_equal(visited_before(calendar, 8), model_before(model, 8));
}

static uint64_t some_time(struct ttb__random *random)
{
    switch (ttb__random_u32(random) % 8) {
    case 0:
        return UINT64_MAX;
    case 1:
        return (uint64_t)ttb__random_u32(random) << 32;
    default:
        return ttb__random_u32(random) % 16; /* many ties */
    }
}

static void step(struct ttb__calendar *calendar, struct model *model,
                 struct ttb__calendar_entry *entry, struct ttb__random *random)
{
    struct slot slot = {.entry = entry};

    if (!ttb__calendar_holds(entry)) {
        slot.time_ns = some_time(random);
        slot.class = ttb__random_u32(random) % 3;
        slot.id = ttb__random_u32(random) % 3;
        slot.stamp = model->stamp++;
        assert_int_equal(ttb__calendar_insert(calendar, entry, slot.time_ns, slot.class, slot.id),
                         0);
        model_insert(model, slot);
    } else if (ttb__random_u32(random) % 3) {
        uint64_t time_ns = some_time(random);

        ttb__calendar_move(calendar, entry, time_ns);
        slot = model_take(model, entry);
        if (slot.time_ns != time_ns)
            slot.stamp = model->stamp++;
        slot.time_ns = time_ns;
        model_insert(model, slot);
    } else {
        ttb__calendar_remove(calendar, entry);
        model_take(model, entry);
        assert_false(ttb__calendar_holds(entry));
    }
}

static void it_behaves_as_a_sorted_array_under_random_operations(void **state)
{
    static struct ttb__calendar_entry entries[ENTRIES];
    static struct model model;
    struct ttb__calendar calendar = {0};
    struct ttb__random random;
    size_t wide;

    (void)state;
    ttb__random_seed(&random, 2025, 1);
    for (int round = 0; round < ROUNDS; round++) {
        /* Phases with few and with many entries. */
        wide = round / 5000 % 2 ? ENTRIES : 6;
        step(&calendar, &model, &entries[ttb__random_u32(&random) % wide], &random);
        assert_same_front(&calendar, &model);
    }
    while (model.count) {
        struct ttb__calendar_entry *first = ttb__calendar_first(&calendar);

        assert_same_front(&calendar, &model);
        model_take(&model, first);
        ttb__calendar_remove(&calendar, first);
    }
    assert_same_front(&calendar, &model);
    ttb__calendar_clear(&calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_calendar_has_no_first),
        cmocka_unit_test(a_single_entry_is_first),
        cmocka_unit_test(time_comes_before_class_before_id_before_sequence),
        cmocka_unit_test(an_entry_moved_to_a_tie_comes_after_those_that_were_there),
        cmocka_unit_test(an_entry_moved_to_its_own_time_keeps_its_place),
        cmocka_unit_test(removing_what_is_not_in_the_calendar_does_nothing),
        cmocka_unit_test(keys_compare_field_by_field),
        cmocka_unit_test(it_behaves_as_a_sorted_array_under_random_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
