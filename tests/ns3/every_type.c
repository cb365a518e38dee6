/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "every_type.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void note_type(void *user, const struct ttb_ns3_type_info *type)
{
    struct types *types = user;

    assert_true(types->count < TYPES_MAX && strlen(type->name) < TYPE_NAME_BYTES);
    if (type->constructible || !types->constructible_only)
        strcpy(types->names[types->count++], type->name);
}

struct ttb_ns3 *list_types(bool constructible_only, struct types **types)
{
    struct ttb_ns3_opts opts = {.size = sizeof(opts), .simulator = "ns3::DefaultSimulatorImpl"};
    struct ttb_ns3 *ns3;

    *types = calloc(1, sizeof(**types));
    assert_non_null(*types);
    (*types)->constructible_only = constructible_only;
    assert_int_equal(ttb_ns3_new(&opts, &ns3), 0);
    assert_int_equal(ttb_ns3_load_all_modules(ns3), 0);
    assert_int_equal(ttb_ns3_each_type(ns3, note_type, *types), 0);
    return ns3;
}

void *share_memory(size_t size_bytes)
{
    void *memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

int in_a_child(void (*try)(void *user), void *user)
{
    const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        /* cmocka's handlers would go on with the test in the child. */
        for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
            signal(deadly[i], SIG_DFL);
        alarm(60); /* endless loops */
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(5);
        try(user);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}
