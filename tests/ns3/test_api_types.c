/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every type of every module that is installed: created, each attribute read, written back, set to
 * nonsense, released. Each in a process of its own, so that one that brings the program down is named and does
 * not hide the others. (Trace sources: test_api_traces.c.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "every_type.h"

static const char *const nonsense[] = {
    "",   "-1", "banana", "1e999", "10.0.0.banana", "{1, 2", "ns3::NoSuchType", "ns3::Node[Id=1",
    "|[", "0x"};

/* What children found out; shared with them. */
struct tally {
    unsigned created, read, written, refused;
    char doing[256];
};

struct subject {
    struct ttb_ns3 *ns3;
    struct ttb_ns3_object *object;
    const char *type;
    struct tally *tally;
};

static void try_attribute(void *user, const struct ttb_ns3_attribute_info *attribute)
{
    struct subject *subject = user;
    char value[4096];
    int rc;

    snprintf(subject->tally->doing, sizeof(subject->tally->doing), "reading %s::%s", subject->type,
             attribute->name);
    rc = ttb_ns3_object_get(subject->object, attribute->name, value, sizeof(value));
    if (rc == 0)
        subject->tally->read++;
    else if (!*ttb_ns3_error(subject->ns3))
        _exit(3);
    snprintf(subject->tally->doing, sizeof(subject->tally->doing), "writing %s::%s", subject->type,
             attribute->name);
    if (rc == 0 && ttb_ns3_object_set(subject->object, attribute->name, value) == 0)
        subject->tally->written++;
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        snprintf(subject->tally->doing, sizeof(subject->tally->doing), "writing \"%s\" to %s::%s",
                 nonsense[i], subject->type, attribute->name);
        if (ttb_ns3_object_set(subject->object, attribute->name, nonsense[i]))
            subject->tally->refused++;
    }
}

static void try_type(void *user)
{
    struct subject *subject = user;
    struct tally *tally = subject->tally;

    snprintf(tally->doing, sizeof(tally->doing), "creating %s", subject->type);
    if (ttb_ns3_create(subject->ns3, subject->type, NULL, &subject->object))
        return;
    tally->created++;
    ttb_ns3_each_attribute(subject->ns3, subject->type, try_attribute, subject);
    snprintf(tally->doing, sizeof(tally->doing), "releasing %s", subject->type);
    ttb_ns3_object_release(subject->object);
}

static void every_type_can_be_used_and_misused(void **state)
{
    struct tally *tally = share_memory(sizeof(*tally));
    struct subject subject = {.tally = tally};
    struct types *types;
    unsigned bad = 0;

    (void)state;
    subject.ns3 = list_types(true, &types);
    for (size_t i = 0; i < types->count; i++) {
        int status;

        subject.type = types->names[i];
        status = in_a_child(try_type, &subject);
        if (status != 0) {
            print_error("wait status %#x while %s\n", (unsigned)status, tally->doing);
            bad++;
        }
    }
    print_message("%zu types, %u created; attributes: %u read, %u written back, %u refusals\n",
                  types->count, tally->created, tally->read, tally->written, tally->refused);
    assert_int_equal(bad, 0);
    /* Most of them can be used at all. */
    assert_true(types->count > 300 && tally->created * 10 > types->count * 9);
    assert_true(tally->written > tally->created);
    munmap(tally, sizeof(*tally));
    free(types);
    ttb_ns3_free(subject.ns3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_can_be_used_and_misused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
