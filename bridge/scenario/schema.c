/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/schema_tables.h"

#include <string.h>

const struct ttb__word ttb__clock_words[] = {
    {"auto", TTB__SCENARIO__CLOCK__CLOCK_AUTO,
     "shared memory where the kernel has it, else messages"},
    {"messages", TTB__SCENARIO__CLOCK__CLOCK_MESSAGES, "messages only"},
    {"shared", TTB__SCENARIO__CLOCK__CLOCK_SHARED, "a kernel without shared memory is refused"},
    {NULL, 0, NULL},
};

static const struct ttb__word end_words[] = {
    {"done", TTB__SCENARIO__END__WHEN_DONE,
     "when the foreground commands of all nodes have ended and no event is left, or at `duration`; "
     "without any commands and events, at `duration`"},
    {"duration", TTB__SCENARIO__END__AT_DURATION, "at `duration`"},
    {NULL, 0, NULL},
};

static const struct ttb__word engine_words[] = {
    {"ns3", TTB__SCENARIO__ENGINE__NS3, "ns-3"},
    {"builtin", TTB__SCENARIO__ENGINE__BUILT_IN,
     "ttb's own small network: `ethernet` links and switches only"},
    {NULL, 0, NULL},
};

static const struct ttb__key defaults_keys[] = {
    {.key = "kernel",
     .field = "kernel",
     .kind = TTB__TEXT,
     .max = 4096,
     .fallback = "\"\"",
     .value_doc = "version or path",
     .doc =
         "The nodes' kernel: a version that `ttb kernel build` has built, or a path (with a `/` in "
         "it). Empty: 6.12, or else the newest that was built."},
    {.key = "image",
     .field = "image",
     .kind = TTB__TEXT,
     .min = 1,
     .max = 4096,
     .fallback = "busybox",
     .value_doc = "name or path",
     .doc = "The nodes' disk image: a name that `ttb image build` knows, or a path (with a `/` in "
            "it)."},
    {.key = "memory",
     .field = "memory_bytes",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_BYTES,
     .min = 16 * TTB__MIB,
     .max = 16384 * TTB__MIB,
     .fallback = "64M",
     .doc = "The nodes' memory, in whole MiB."},
    {.key = "clock",
     .field = "clock",
     .kind = TTB__WORD,
     .words = ttb__clock_words,
     .fallback = "auto",
     .doc = "How a node shares the simulated clock."},
    {.key = "pcap",
     .field = "pcap",
     .kind = TTB__BOOL,
     .fallback = "false",
     .doc = "Write what passes on a link to `LINK.pcap` in the run directory."},
    {.key = "etc_hosts",
     .field = "etc_hosts",
     .kind = TTB__BOOL,
     .fallback = "true",
     .doc = "Give nodes an `/etc/hosts` that names all nodes, routers and hosts by their first "
            "addresses, unless their `files` have one."},
    {.key = "disk",
     .field = "disk",
     .kind = TTB__OBJECT,
     .object = &ttb__disk_object,
     .doc = "How the nodes' disks behave."},
    {.key = "trusted",
     .field = "trusted",
     .kind = TTB__BOOL,
     .fallback = "false",
     .doc = "The nodes' programs are trusted: kernels that can (7.x) run them faster, by seccomp "
            "instead of ptrace, but do not keep them from each other ([security](security.md))."},
    {.key = NULL},
};

const struct ttb__object ttb__defaults_object = {
    .title = "defaults",
    .message = &ttb__scenario__defaults__descriptor,
    .keys = defaults_keys,
    .doc = "What nodes and links have that do not say otherwise.",
};

static const struct ttb__key ns3_keys[] = {
    {.key = "modules",
     .field = "modules",
     .kind = TTB__TEXT,
     .shape = TTB__LIST,
     .count_max = 100,
     .max = 100,
     .check = ttb__check_module,
     .value_doc = "names",
     .doc = "Modules of ns-3 to load besides those that links of known types need, so that their "
            "types can be used, e.g. `olsr`."},
    {.key = "defaults",
     .field = "defaults",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_ns3_default,
     .doc =
         "Values that attributes of new objects begin with, as `Config::SetDefault()` sets them, "
         "e.g. `\"ns3::TcpSocket::SegmentSize\": 1448`."},
    {.key = "globals",
     .field = "globals",
     .kind = TTB__SETTINGS,
     .count_max = 1000,
     .check = ttb__check_attribute,
     .doc = "Global values, as `GlobalValue::Bind()` sets them, e.g. `ChecksumEnabled: true`."},
    {.key = NULL},
};

const struct ttb__object ttb__ns3_object = {
    .title = "ns3",
    .message = &ttb__scenario__ns3_settings__descriptor,
    .keys = ns3_keys,
    .doc = "Settings of ns-3 as a whole.",
};

static const struct ttb__key scenario_keys[] = {
    {.key = "format",
     .field = "format",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_COUNT,
     .min = 1,
     .max = 1,
     .fallback = "1",
     .doc = "Version of this language."},
    {.key = "name",
     .field = "name",
     .kind = TTB__TEXT,
     .min = 1,
     .max = 63,
     .check = ttb__check_line,
     .fallback_doc = "the file's name without `.yaml`",
     .value_doc = "one line",
     .doc = "A name for people."},
    {.key = "description",
     .field = "description",
     .kind = TTB__TEXT,
     .max = 65536,
     .doc = "What the scenario is there to show, for people."},
    {.key = "seed",
     .field = "seed",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_COUNT,
     .max = UINT64_MAX,
     .fallback = "1",
     .doc = "Root of everything random: losses, back-offs, the nodes' entropy. `--seed` overrides "
            "it."},
    {.key = "duration",
     .field = "duration_ns",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_TIME,
     .min = 1,
     .max = TTB__TIME_MAX,
     .fallback = "60s",
     .doc = "Simulated time at which the run ends at the latest."},
    {.key = "end",
     .field = "end",
     .kind = TTB__WORD,
     .words = end_words,
     .fallback = "done",
     .doc = "When the run ends."},
    {.key = "epoch",
     .field = "epoch_ns",
     .kind = TTB__DATE,
     .max = UINT64_C(9000000000000000000),
     .fallback = "2025-01-01T00:00:00Z",
     .doc = "The nodes' time of day at simulated time 0."},
    {.key = "look_ahead",
     .field = "look_ahead_ns",
     .kind = TTB__NUMBER,
     .quantity = TTB__QUANTITY_TIME,
     .max = TTB__TIME_MAX,
     .fallback_doc = "what the network allows",
     .doc =
         "How far nodes may run ahead of each other at most. It can only be lowered: more than the "
         "smallest latency between interfaces of two nodes is refused. `0s`: not at all."},
    {.key = "engine",
     .field = "engine",
     .kind = TTB__WORD,
     .words = engine_words,
     .fallback = "ns3",
     .doc = "What carries the frames."},
    {.key = "defaults",
     .field = "defaults",
     .kind = TTB__OBJECT,
     .object = &ttb__defaults_object,
     .doc = "What nodes and links have that do not say otherwise."},
    {.key = "ns3",
     .field = "ns3",
     .kind = TTB__OBJECT,
     .object = &ttb__ns3_object,
     .doc = "Settings of ns-3 as a whole."},
    {.key = "links",
     .field = "links",
     .kind = TTB__OBJECT,
     .shape = TTB__MAP,
     .object = &ttb__link_object,
     .count_max = 4096,
     .doc = "What interfaces are connected by."},
    {.key = "nodes",
     .field = "nodes",
     .kind = TTB__OBJECT,
     .shape = TTB__MAP,
     .object = &ttb__node_object,
     .count_max = 4096,
     .doc = "The Linux nodes."},
    {.key = "switches",
     .field = "switches",
     .kind = TTB__OBJECT,
     .shape = TTB__MAP,
     .object = &ttb__switch_object,
     .count_max = 4096,
     .doc = "Learning switches in the network."},
    {.key = "routers",
     .field = "routers",
     .kind = TTB__OBJECT,
     .shape = TTB__MAP,
     .object = &ttb__router_object,
     .count_max = 4096,
     .doc = "Nodes of ns-3 that forward IP packets between their interfaces."},
    {.key = "hosts",
     .field = "hosts",
     .kind = TTB__OBJECT,
     .shape = TTB__MAP,
     .object = &ttb__host_object,
     .count_max = 4096,
     .doc = "Nodes of ns-3 with an IP stack and applications."},
    {.key = "events",
     .field = "events",
     .kind = TTB__OBJECT,
     .shape = TTB__LIST,
     .object = &ttb__event_object,
     .doc = "What is done at which time. Those at the same time happen in this order."},
    {.key = "expect",
     .field = "expect",
     .kind = TTB__OBJECT,
     .shape = TTB__LIST,
     .object = &ttb__expectation_object,
     .doc = "What must be true in the end."},
    {.key = NULL},
};

const struct ttb__object ttb__scenario_object = {
    .title = "scenario",
    .message = &ttb__scenario__descriptor,
    .keys = scenario_keys,
    .doc = "The keys of the file itself.",
};

const struct ttb__key *ttb__schema_key(const struct ttb__object *object, const char *key)
{
    for (const struct ttb__key *at = object->keys; at->key; at++) {
        if (strcmp(at->key, key) == 0)
            return at;
    }
    return NULL;
}

const struct ttb__key *ttb__schema_field(const struct ttb__object *object, const char *field)
{
    for (const struct ttb__key *at = object->keys; at->key; at++) {
        if (strcmp(at->field, field) == 0)
            return at;
    }
    return NULL;
}

const struct ttb__word *ttb__schema_word(const struct ttb__word *words, int value)
{
    for (; words->word; words++) {
        if (words->value == value)
            return words;
    }
    return NULL;
}
