/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is a trace whole, and is its footer right?
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "record/internal.h"

/* Which part of two digests differs; NULL if none does. */
static const char *differing_part(const struct ttb_trace_digest *a,
                                  const struct ttb_trace_digest *b)
{
    if (memcmp(a->behaviour, b->behaviour, sizeof(a->behaviour)) != 0)
        return "behaviour";
    if (memcmp(a->schedule, b->schedule, sizeof(a->schedule)) != 0)
        return "schedule";
    if (memcmp(a->network, b->network, sizeof(a->network)) != 0)
        return "network";
    if (memcmp(a->all, b->all, sizeof(a->all)) != 0)
        return "all";
    return NULL;
}

static int check_scope(struct ttb_trace_reader *reader, uint32_t node, const char *name,
                       const struct ttb_trace_digest *said, const struct ttb_trace_counts *counted,
                       struct ttb__trace_text *text)
{
    struct ttb_trace_digest digest;
    struct ttb_trace_counts counts;
    const char *part;
    int rc = ttb_trace_reader_get_digest(reader, node, &digest, &counts);

    if (rc == -ENOENT) {
        ttb__trace_text_add(text, "the footer tells of a node %u that was not declared", node);
        return -EBADMSG;
    }
    if (rc)
        return rc;
    part = differing_part(&digest, said);
    if (part) {
        ttb__trace_text_add(text, "digest.%s of %s is not that of the records", part, name);
        return -EBADMSG;
    }
    if (memcmp(&counts, counted, sizeof(counts)) != 0) {
        ttb__trace_text_add(text, "the counts of %s are not those of the records", name);
        return -EBADMSG;
    }
    return 0;
}

static int check(struct ttb_trace_reader *reader, struct ttb__trace_text *text)
{
    const struct ttb_trace_footer *footer = ttb_trace_reader_footer(reader);
    int rc = check_scope(reader, TTB_TRACE_NONE, "the run", &footer->digest, &footer->counts, text);

    for (size_t i = 0; !rc && i < footer->node_count; i++) {
        const struct ttb_trace_node *node =
            ttb_trace_find_node(ttb_trace_reader_tables(reader), footer->nodes[i].id);
        char name[64];

        snprintf(name, sizeof(name), "node %.40s", node ? node->name : "?");
        rc = check_scope(reader, footer->nodes[i].id, name, &footer->nodes[i].digest,
                         &footer->nodes[i].counts, text);
    }
    if (!rc) {
        ttb__trace_text_add(text, "complete and right: %llu records",
                            (unsigned long long)footer->counts.records);
    }
    return rc;
}

int ttb_trace_verify(const char *path, char *buffer, size_t size_bytes)
{
    struct ttb_trace_reader_opts opts = {.size = sizeof(opts), .digests = true};
    struct ttb_trace_reader *reader;
    struct ttb_trace_record record;
    struct ttb__error error;
    char spare[1];
    struct ttb__trace_text text = {.at = buffer, .room_bytes = size_bytes};
    int rc;

    if (!buffer || !size_bytes)
        text = (struct ttb__trace_text){.at = spare, .room_bytes = sizeof(spare)};
    text.at[0] = 0;
    rc = ttb_trace_reader_open(path, &opts, &reader, error.text, sizeof(error.text));
    if (rc) {
        ttb__trace_text_add(&text, "%s", error.text);
        return rc;
    }
    do
        rc = ttb_trace_reader_next(reader, &record);
    while (rc > 0);
    if (rc < 0 || ttb_trace_reader_end(reader, NULL) != TTB_TRACE_COMPLETE) {
        ttb__trace_text_add(&text, "%s", ttb_trace_reader_error(reader));
        if (!rc)
            rc = -ENODATA;
    } else {
        ttb__trace_text_add(&text, "trace %s: ", path);
        rc = check(reader, &text);
    }
    ttb_trace_reader_free(reader);
    return rc;
}
