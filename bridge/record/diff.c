/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of two environments differs.
 */
#include <stdio.h>
#include <string.h>

#include "record/internal.h"

struct out {
    ttb_trace_line_fn fn;
    void *user;
    unsigned count;
};

static void say(struct out *out, const char *line)
{
    out->count++;
    if (out->fn)
        out->fn(out->user, line);
}

static void add_quoted(struct ttb__trace_text *text, const char *value)
{
    if (!value) {
        ttb__trace_text_add(text, "none");
        return;
    }
    ttb__trace_text_add_bytes(text, value, strlen(value));
}

static void compare_text(struct out *out, const char *what, const char *expected,
                         const char *actual)
{
    char line[1024];
    struct ttb__trace_text text = {.at = line, .room_bytes = sizeof(line)};

    if (strcmp(expected ? expected : "", actual ? actual : "") == 0)
        return;
    ttb__trace_text_add(&text, "%s: expected ", what);
    add_quoted(&text, expected);
    ttb__trace_text_add(&text, ", found ");
    add_quoted(&text, actual);
    say(out, line);
}

static void compare_number(struct out *out, const char *what, uint64_t expected, uint64_t actual)
{
    char line[128];

    if (expected == actual)
        return;
    snprintf(line, sizeof(line), "%s: expected %llu, found %llu", what,
             (unsigned long long)expected, (unsigned long long)actual);
    say(out, line);
}

static void add_artifact(struct ttb__trace_text *text, const struct ttb_trace_artifact *artifact)
{
    char hex[65];

    ttb_trace_hex(artifact->sha256, hex);
    add_quoted(text, artifact->path);
    ttb__trace_text_add(text, " (");
    if (artifact->version) {
        add_quoted(text, artifact->version);
        ttb__trace_text_add(text, ", ");
    }
    ttb__trace_text_add(text, "%llu bytes, sha256 %.16s...)",
                        (unsigned long long)artifact->len_bytes, hex);
}

static const char *kind_name(enum ttb_trace_artifact_kind kind)
{
    return kind == TTB_TRACE_KERNEL ? "kernel" : kind == TTB_TRACE_IMAGE ? "image" : "file";
}

/* By content: where a file is does not matter. */
static void compare_artifact(struct out *out, const struct ttb_trace_artifact *expected,
                             const struct ttb_trace_artifact *actual)
{
    char line[1024];
    struct ttb__trace_text text = {.at = line, .room_bytes = sizeof(line)};

    if (expected->kind == actual->kind && expected->len_bytes == actual->len_bytes &&
        memcmp(expected->sha256, actual->sha256, sizeof(actual->sha256)) == 0)
        return;
    ttb__trace_text_add(&text, "%s: expected ", kind_name(expected->kind));
    add_artifact(&text, expected);
    ttb__trace_text_add(&text, ", found ");
    add_artifact(&text, actual);
    say(out, line);
}

static bool has_flag(const struct ttb_trace_header *header, const char *flag)
{
    for (size_t i = 0; i < header->cpu_flag_count; i++) {
        if (strcmp(header->cpu_flags[i], flag) == 0)
            return true;
    }
    return false;
}

static bool add_missing(struct ttb__trace_text *text, const char *what,
                        const struct ttb_trace_header *has, const struct ttb_trace_header *lacks)
{
    bool any = false;

    for (size_t i = 0; i < has->cpu_flag_count; i++) {
        if (has_flag(lacks, has->cpu_flags[i]))
            continue;
        ttb__trace_text_add(text, "%s", any ? " " : what);
        ttb__trace_text_add_bytes(text, has->cpu_flags[i], strlen(has->cpu_flags[i]));
        any = true;
    }
    return any;
}

static void compare_flags(struct out *out, const struct ttb_trace_header *expected,
                          const struct ttb_trace_header *actual)
{
    char line[1024];
    struct ttb__trace_text text = {.at = line, .room_bytes = sizeof(line)};
    bool any;

    ttb__trace_text_add(&text, "cpu flags:");
    any = add_missing(&text, " missing here: ", expected, actual);
    any |= add_missing(&text, any ? "; only here: " : " only here: ", actual, expected);
    if (any)
        say(out, line);
}

unsigned ttb_trace_diff_headers(const struct ttb_trace_header *expected,
                                const struct ttb_trace_header *actual, ttb_trace_line_fn fn,
                                void *user)
{
    struct out out = {.fn = fn, .user = user};
    size_t common = expected->artifact_count < actual->artifact_count ? expected->artifact_count
                                                                      : actual->artifact_count;

    compare_number(&out, "seed", expected->seed, actual->seed);
    compare_text(&out, "scenario", expected->scenario_name, actual->scenario_name);
    if (expected->scenario.len_bytes != actual->scenario.len_bytes ||
        (expected->scenario.len_bytes &&
         memcmp(expected->scenario.data, actual->scenario.data, actual->scenario.len_bytes) != 0))
        say(&out, "scenario: its content differs");
    compare_number(&out, "epoch in ns", expected->epoch_ns, actual->epoch_ns);
    compare_text(&out, "look-ahead", expected->no_look_ahead ? "off" : "on",
                 actual->no_look_ahead ? "off" : "on");
    compare_number(&out, "number of kernels, images and files", expected->artifact_count,
                   actual->artifact_count);
    for (size_t i = 0; i < common; i++)
        compare_artifact(&out, &expected->artifacts[i], &actual->artifacts[i]);
    compare_text(&out, "cpu", expected->cpu_model, actual->cpu_model);
    compare_flags(&out, expected, actual);
    compare_text(&out, "ttb", expected->ttb_version, actual->ttb_version);
    compare_text(&out, "ns-3", expected->ns3_version, actual->ns3_version);
    compare_text(&out, "host kernel", expected->host_kernel, actual->host_kernel);
    return out.count;
}
