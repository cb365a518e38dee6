/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests that try every type of every module that is installed, each in a process of its own. Include after cmocka.h. */
#ifndef TTB_TESTS_EVERY_TYPE_H
#define TTB_TESTS_EVERY_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include <ttbridge/ns3.h>

#define TYPES_MAX       2000
#define TYPE_NAME_BYTES 96

struct types {
    char names[TYPES_MAX][TYPE_NAME_BYTES];
    size_t count;
    bool constructible_only;
};

/* A simulation with all modules; the names of its types go to `types`. Free both. */
struct ttb_ns3 *list_types(bool constructible_only, struct types **types);

/* Memory that children share, of zeroes; munmap() it. */
void *share_memory(size_t size_bytes);

/* Calls try(user) in a child, which says nothing and may take a minute. @return its wait status */
int in_a_child(void (*try)(void *user), void *user);

#endif
