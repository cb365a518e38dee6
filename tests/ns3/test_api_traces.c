/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every trace source of every type of every module that is installed: connected to a C function, or in the
 * list of those that cannot be, which is checked in. Each type in a process of its own.
 *   test_ns3_api_traces FOLDER     has untraceable-VERSION.txt, VERSION being ns-3's
 *   test_ns3_api_traces --print    prints that list, as it is found to be
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "every_type.h"

#define SOURCES_MAX 2000
#define NAME_BYTES  TYPE_NAME_BYTES

enum verdict {
    NO_OBJECT, /* no object that has it can be made by its type's name alone */
    CONNECTED,
    OBSOLETE, /* ns-3 refuses it */
    NO_HEIR, /* the type is not derived from the one whose trace source it claims to have inherited */
    SIGNATURE,
};

static const char *const verdicts[] = {"no object", NULL, "obsolete", "no heir", "signature"};

/* Of a type: its own trace source, or one that it inherits. */
struct source {
    char type[NAME_BYTES], declared_by[NAME_BYTES], name[NAME_BYTES];
    enum verdict verdict;
};

/* Shared with the children. */
struct sources {
    struct source all[SOURCES_MAX];
    size_t count;
};

struct subject {
    struct ttb_ns3 *ns3;
    struct ttb_ns3_object *object;
    const char *type;
    struct sources *sources;
};

static const char *folder;

static void note_source(void *user, const struct ttb_ns3_trace_info *info)
{
    struct subject *subject = user;
    struct source *source = &subject->sources->all[subject->sources->count++];

    assert_true(subject->sources->count <= SOURCES_MAX);
    snprintf(source->type, NAME_BYTES, "%s", subject->type);
    snprintf(source->declared_by, NAME_BYTES, "%s", info->type);
    snprintf(source->name, NAME_BYTES, "%s", info->name);
}

static void ignore_record(void *user, const struct ttb_ns3_record *record)
{
    (void)user;
    (void)record;
}

static void try_source(struct subject *subject, struct source *source)
{
    struct ttb_ns3_trace *trace;
    const char *why;

    if (ttb_ns3_trace_connect(subject->object, source->name, ignore_record, NULL, &trace) == 0) {
        source->verdict = ttb_ns3_trace_disconnect(trace) ? SIGNATURE : CONNECTED;
        return;
    }
    why = ttb_ns3_error(subject->ns3);
    source->verdict = strstr(why, "is obsolete")                  ? OBSOLETE
                      : strstr(why, "claims to inherit")          ? NO_HEIR
                      : strstr(why, "not among those that C can") ? SIGNATURE
                                                                  : NO_OBJECT;
    if (source->verdict == NO_OBJECT)
        _exit(3);
}

static void try_type(void *user)
{
    struct subject *subject = user;

    if (ttb_ns3_create(subject->ns3, subject->type, NULL, &subject->object))
        return;
    for (size_t i = 0; i < subject->sources->count; i++) {
        struct source *source = &subject->sources->all[i];

        if (strcmp(source->type, subject->type) == 0)
            try_source(subject, source);
    }
}

/* An abstract type's trace sources are those of the types that are derived from it. */
static void take_from_heirs(struct sources *sources, struct source *source)
{
    for (size_t i = 0; source->verdict == NO_OBJECT && i < sources->count; i++) {
        const struct source *heir = &sources->all[i];

        if (strcmp(heir->declared_by, source->declared_by) == 0 &&
            strcmp(heir->name, source->name) == 0 && heir->verdict != NO_HEIR)
            source->verdict = heir->verdict;
    }
}

static struct sources *try_all(char *version, size_t version_bytes)
{
    struct sources *sources = share_memory(sizeof(*sources));
    struct subject subject = {.sources = sources};
    struct types *types;

    subject.ns3 = list_types(false, &types);
    snprintf(version, version_bytes, "%s", ttb_ns3_version());
    for (size_t i = 0; i < types->count; i++) {
        subject.type = types->names[i];
        assert_int_equal(ttb_ns3_each_trace(subject.ns3, subject.type, note_source, &subject), 0);
    }
    for (size_t i = 0; i < types->count; i++) {
        int status;

        subject.type = types->names[i];
        status = in_a_child(try_type, &subject);
        if (status)
            print_error("%s: wait status %#x\n", subject.type, (unsigned)status);
        assert_int_equal(status, 0);
    }
    for (size_t i = 0; i < sources->count; i++)
        take_from_heirs(sources, &sources->all[i]);
    ttb_ns3_free(subject.ns3);
    free(types);
    return sources;
}

/* One line for each that is not connected. Of those that no object can be made of: where they are declared. */
static void print_list(const struct sources *sources, FILE *file)
{
    fputs(
        "# SPDX-License-Identifier: BSD-3-Clause\n"
        "# Trace sources that cannot be connected to C functions (tests/ns3/test_api_traces.c).\n",
        file);
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = &sources->all[i];

        if (source->verdict == CONNECTED ||
            (source->verdict == NO_OBJECT && strcmp(source->type, source->declared_by) != 0))
            continue;
        fprintf(file, "%s %s: %s\n", source->type, source->name, verdicts[source->verdict]);
    }
}

static void every_trace_source_connects_but_those_in_the_list(void **state)
{
    char version[32], path[4096], *found = NULL, *listed;
    unsigned declared = 0, connected = 0;
    size_t len_bytes = 0;
    FILE *file = open_memstream(&found, &len_bytes);
    struct sources *sources = try_all(version, sizeof(version));

    (void)state;
    assert_non_null(file);
    print_list(sources, file);
    fclose(file);
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = &sources->all[i];
        bool is_own = strcmp(source->type, source->declared_by) == 0;

        declared += is_own;
        connected += is_own && source->verdict == CONNECTED;
    }
    print_message("%u trace sources are declared, %u of them connect\n", declared, connected);
    assert_true(declared > 300 && connected * 8 > declared * 7);

    snprintf(path, sizeof(path), "%s/untraceable-%s.txt", folder, version);
    file = fopen(path, "r");
    if (file) {
        listed = calloc(1, len_bytes + 4096);
        assert_non_null(listed);
        assert_true(fread(listed, 1, len_bytes + 4095, file) > 0);
        fclose(file);
        assert_string_equal(listed, found);
        free(listed);
    } else {
        print_message("there is no list for ns-3 %s; not connected are:\n%s", version, found);
    }
    free(found);
    munmap(sources, sizeof(*sources));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trace_source_connects_but_those_in_the_list),
    };

    if (argc != 2)
        return 2;
    if (strcmp(argv[1], "--print") == 0) {
        char version[32];

        print_list(try_all(version, sizeof(version)), stdout);
        return 0;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
