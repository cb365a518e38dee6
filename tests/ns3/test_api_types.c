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

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ttbridge/ns3.h>

#define TYPES_MAX      2000
#define NAME_MAX_BYTES 96

static const char *const nonsense[] = {
    "",   "-1", "banana", "1e999", "10.0.0.banana", "{1, 2", "ns3::NoSuchType", "ns3::Node[Id=1",
    "|[", "0x"};

/* What children found out; shared with them. */
struct tally {
    unsigned created, read, written, refused;
    char doing[256];
};

struct types {
    char names[TYPES_MAX][NAME_MAX_BYTES];
    size_t count;
};

struct subject {
    struct ttb_ns3 *ns3;
    struct ttb_ns3_object *object;
    const char *type;
    struct tally *tally;
};

static void note_type(void *user, const struct ttb_ns3_type_info *type)
{
    struct types *types = user;

    assert_true(types->count < TYPES_MAX && strlen(type->name) < NAME_MAX_BYTES);
    if (type->constructible)
        strcpy(types->names[types->count++], type->name);
}

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

static void try_type(struct ttb_ns3 *ns3, const char *type, struct tally *tally)
{
    struct subject subject = {.ns3 = ns3, .type = type, .tally = tally};

    snprintf(tally->doing, sizeof(tally->doing), "creating %s", type);
    if (ttb_ns3_create(ns3, type, NULL, &subject.object))
        return;
    tally->created++;
    ttb_ns3_each_attribute(ns3, type, try_attribute, &subject);
    snprintf(tally->doing, sizeof(tally->doing), "releasing %s", type);
    ttb_ns3_object_release(subject.object);
}

static void every_type_can_be_used_and_misused(void **state)
{
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .simulator = "ns3::DefaultSimulatorImpl"};
    struct types *types = calloc(1, sizeof(*types));
    struct tally *tally =
        mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct ttb_ns3 *ns3;
    const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    unsigned bad = 0;

    (void)state;
    assert_non_null(types);
    assert_true(tally != MAP_FAILED);
    assert_int_equal(ttb_ns3_new(&opts, &ns3), 0);
    assert_int_equal(ttb_ns3_load_all_modules(ns3), 0);
    assert_int_equal(ttb_ns3_each_type(ns3, note_type, types), 0);
    for (size_t i = 0; i < types->count; i++) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
            /* cmocka's handlers would go on with the test in the child. */
            for (size_t k = 0; k < sizeof(deadly) / sizeof(deadly[0]); k++)
                signal(deadly[k], SIG_DFL);
            alarm(60); /* endless loops */
            if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
                _exit(5);
            try_type(ns3, types->names[i], tally);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
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
    ttb_ns3_free(ns3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_can_be_used_and_misused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
