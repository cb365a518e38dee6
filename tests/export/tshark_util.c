/* SPDX-License-Identifier: BSD-3-Clause */
#include "tshark_util.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As root, it says on standard error that this could be dangerous. Nothing else may be said. */
#define QUIETLY "2>&1 | { grep -v '^Running as user' || :; }"

bool have_wireshark(void)
{
    if (have_program("tshark") && have_program("capinfos"))
        return true;
    fprintf(stderr, "skipped: tshark or capinfos is missing\n");
    return false;
}

bool have_nodes_and_wireshark(void)
{
    if (!getenv("TTB_KERNEL") || !getenv("TTB_IMAGE")) {
        fprintf(stderr, "skipped: TTB_KERNEL and TTB_IMAGE are not set\n");
        return false;
    }
    if (!have_program("jq")) {
        fprintf(stderr, "skipped: jq is missing\n");
        return false;
    }
    return have_wireshark();
}

void make_capture(const char *directory, char capture[128])
{
    struct ttb_export_opts opts = {.size = sizeof(opts), .format = TTB_EXPORT_PCAPNG};
    char text[1024];
    int fd;

    snprintf(capture, 128, "/tmp/ttb-capture-XXXXXX");
    fd = mkstemp(capture);
    assert_true(fd >= 0);
    if (ttb_export_trace(directory, &opts, fd, text, sizeof(text)))
        fail_msg("%s", text);
    close(fd);
}

unsigned count_matches(const char *capture, const char *filter)
{
    char line[512], *output, *at;
    unsigned count = 0;

    snprintf(line, sizeof(line), "tshark -n -r %s -Y '%s' -T fields -e frame.number " QUIETLY,
             capture, filter);
    assert_int_equal(run_program(line, &output), 0);
    for (at = output; *at; at++) {
        if (*at != '\n' && (*at < '0' || *at > '9'))
            fail_msg("tshark says: %s", output);
        count += *at == '\n';
    }
    free(output);
    return count;
}

/* The next line of `at`, zero terminated; NULL at the end. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *end = 0;
    *at = end + 1;
    return line;
}

static void expected_line(const struct ttb_trace_reader *reader, uint64_t epoch_ns,
                          const struct ttb_trace_record *record, char *line, size_t size_bytes)
{
    const struct ttb_trace_tables *tables = ttb_trace_reader_tables(reader);
    const struct ttb_trace_place *place = ttb_trace_find_place(tables, record->frame.place);
    uint64_t time_ns = epoch_ns + record->time_ns;
    const struct ttb_trace_node *node =
        place && place->node != TTB_TRACE_NONE ? ttb_trace_find_node(tables, place->node) : NULL;
    char packet[32] = "";

    if (record->frame.packet)
        snprintf(packet, sizeof(packet), "%" PRIu64, record->frame.packet);
    snprintf(line, size_bytes, "%s%s%s\t%" PRIu64 ".%09" PRIu64 "\t%u\t%zu\t%s",
             node    ? node->name
             : place ? ""
                     : "network",
             node ? "." : "", place ? place->name : "", time_ns / 1000000000, time_ns % 1000000000,
             record->frame.len_bytes, record->frame.payload.len_bytes, packet);
}

static void compare_totals(const char *capture, unsigned frames)
{
    char line[512], text[64], *output;

    snprintf(line, sizeof(line), "capinfos -M -c -d -S -a %s 2>&1", capture);
    assert_int_equal(run_program(line, &output), 0);
    snprintf(text, sizeof(text), "Number of packets:   %u\n", frames);
    if (!strstr(output, text))
        fail_msg("capinfos does not say %u packets but %s", frames, output);
    free(output);
}

/* What the runner says to its agents is left out. */
static bool is_exported(const struct ttb_trace_reader *reader,
                        const struct ttb_trace_record *record)
{
    const struct ttb_trace_place *place =
        record->kind == TTB_TRACE_FRAME
            ? ttb_trace_find_place(ttb_trace_reader_tables(reader), record->frame.place)
            : NULL;

    return record->kind == TTB_TRACE_FRAME && !(place && place->is_control);
}

unsigned compare_capture(const char *directory, const char *capture)
{
    struct ttb_trace_reader *reader = open_reader(directory, false);
    uint64_t epoch_ns = ttb_trace_reader_header(reader)->epoch_ns;
    struct ttb_trace_record record;
    char line[512], *output, *at, *got;
    unsigned count = 0;
    int rc;

    snprintf(line, sizeof(line),
             "tshark -n -r %s -Y '!systemd_journal' -T fields -e frame.interface_name "
             "-e frame.time_epoch -e frame.len -e frame.cap_len -e frame.packet_id " QUIETLY,
             capture);
    assert_int_equal(run_program(line, &output), 0);
    at = output;
    while ((rc = ttb_trace_reader_next(reader, &record)) > 0) {
        if (!is_exported(reader, &record))
            continue;
        expected_line(reader, epoch_ns, &record, line, sizeof(line));
        got = next_line(&at);
        if (!got)
            fail_msg("frame %u is missing: %s", count, line);
        assert_string_equal(got, line);
        count++;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(at, "");
    free(output);
    ttb_trace_reader_free(reader);
    compare_totals(capture, count);
    return count;
}
