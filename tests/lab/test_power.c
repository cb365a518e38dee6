/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real nodes whose power fails while they write a log: what was synced is there when they come back,
 * of the rest a part that only the seed decides on.
 */
#include "lab_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define CUT_NS    (SECOND_NS / 2)
#define RECORDS   120

/* Writes records of two sectors, acknowledges each one, and, in its next life, says which are there. A
 * record is found only if it is whole; if only one of its sectors is there it is half a one. */
static const char writer[] =
    "n=%d sync=%s\n"
    "if [ -f /root/log ]; then\n"
    "    i=0\n"
    "    while [ $i -lt $n ]; do\n"
    "        dd if=/root/log of=/tmp/r bs=1024 skip=$i count=1 2>/dev/null\n"
    "        if printf '%%-511s\\n%%-511s\\n' \"record $i\" \"end $i\" | cmp -s - /tmp/r; then\n"
    "            echo found $i\n"
    "        elif grep -q -e \"^record $i \" -e \"^end $i \" /tmp/r; then\n"
    "            echo half $i\n"
    "        fi\n"
    /* What reads no disk takes no time, and of less than a grant a kernel without shared memory (6.1)
     * says nothing: on a busy host that looks as if it hung. */
    "        usleep 100000\n"
    "        i=$((i + 1))\n"
    "    done\n"
    "    exit 0\n"
    "fi\n"
    "dd if=/dev/zero of=/root/new bs=1024 count=$n 2>/dev/null\n"
    "sync; mv /root/new /root/log; sync\n"
    /* Without fsync, too, data shall go to the disk soon, but nothing shall flush it. */
    "echo 1 > /proc/sys/vm/dirty_expire_centisecs\n"
    "echo 1 > /proc/sys/vm/dirty_writeback_centisecs\n"
    "mount -o remount,noatime,commit=1000 /\n"
    "i=0\n"
    "while [ $i -lt $n ]; do\n"
    "    printf '%%-511s\\n%%-511s\\n' \"record $i\" \"end $i\" |\n"
    "        dd of=/root/log bs=1024 seek=$i conv=notrunc$sync 2>/dev/null && echo ack $i\n"
    "    usleep 5000\n"
    "    i=$((i + 1))\n"
    "done\n"
    "sleep 1000\n";

struct outcome {
    bool acknowledged[RECORDS], found[RECORDS], half[RECORDS];
    unsigned acknowledged_count, found_count, lost_count, half_count;
    char log[4096];
};

static void count(const char *text, const char *word, bool *seen)
{
    char key[32];

    for (unsigned i = 0; i < RECORDS; i++) {
        snprintf(key, sizeof(key), "\n%s %u\n", word, i);
        seen[i] = strstr(text, key) != NULL;
    }
}

static void write_log_and_lose_power(bool sync, enum ttb_disk_survivors survivors, uint64_t seed,
                                     uint64_t cut_ns, struct outcome *outcome)
{
    struct ttb_lab_opts lab_opts = {.seed = seed};
    struct ttb_bridge_opts bridge_opts = {.size = sizeof(bridge_opts), .hang_kill_ms = 300000};
    struct ttb_lab_node_opts opts = {.size = sizeof(opts), .name = "writer"};
    struct notes notes = {.keep = true};
    char *scratch = scratch_new(), *commands;
    struct ttb_lab_node *node;
    struct ttb_lab *lab = open_lab(scratch, &lab_opts, &bridge_opts, &notes);
    int status;

    memset(outcome, 0, sizeof(*outcome));
    assert_true(asprintf(&commands, writer, RECORDS, sync ? ",fsync" : "") > 0);
    opts.commands = commands;
    opts.disk = (struct ttb_lab_disk_opts){
        .latency_ns = 100000,
        .per_kib_ns = 1000,
        .jitter_ns = 50000,
        .flush_ns = 1000000,
        .survivors = survivors,
    };
    if (ttb_lab_add_node(lab, &opts, &node))
        fail_msg("%s", ttb_lab_error(lab));
    run_until(lab, cut_ns);
    assert_int_equal(ttb_node_stop(ttb_lab_node_as_node(node)), 0);
    assert_int_equal(ttb_node_restart(ttb_lab_node_as_node(node), cut_ns + SECOND_NS), 0);
    run_until(lab, TTB_TIME_NEVER);
    if (ttb_lab_node_exit_status(node, &status) || status != 0) {
        fail_msg("the node is %s: %s\n%s%s",
                 ttb_node_state_name(ttb_node_get_state(ttb_lab_node_as_node(node))),
                 ttb_node_failure(ttb_lab_node_as_node(node)), notes.log, notes.text);
    }
    count(notes.text, "ack", outcome->acknowledged);
    count(notes.text, "found", outcome->found);
    count(notes.text, "half", outcome->half);
    for (unsigned i = 0; i < RECORDS; i++) {
        outcome->acknowledged_count += outcome->acknowledged[i];
        outcome->found_count += outcome->found[i];
        outcome->half_count += outcome->half[i];
        outcome->lost_count += outcome->acknowledged[i] && !outcome->found[i];
    }
    snprintf(outcome->log, sizeof(outcome->log), "%s", notes.log);
    print_message("%s, %s, seed %u, cut at %.3f s: %u acknowledged, %u found, %u lost, "
                  "%u half\n",
                  sync ? "fsync" : "no fsync", ttb_disk_survivors_name(survivors), (unsigned)seed,
                  (double)cut_ns / 1e9, outcome->acknowledged_count, outcome->found_count,
                  outcome->lost_count, outcome->half_count);
    ttb_lab_free(lab);
    free(notes.text);
    free(commands);
    scratch_free(scratch);
}

static void test_what_was_synced_is_never_lost(void **state)
{
    static const enum ttb_disk_survivors kinds[] = {TTB_DISK_NONE, TTB_DISK_SOME, TTB_DISK_TORN};
    struct outcome outcome;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        write_log_and_lose_power(true, kinds[i], i, CUT_NS + i * 23456789, &outcome);
        assert_in_range(outcome.acknowledged_count, 20, RECORDS - 1);
        assert_int_equal(outcome.lost_count, 0);
        /* Not even of the one that it was writing, but if the cut tears. */
        assert_in_range(outcome.half_count, 0, kinds[i] == TTB_DISK_TORN);
    }
}

static void test_what_was_not_synced_is_lost_in_part_and_the_seed_says_which(void **state)
{
    struct outcome first, again, other;

    (void)state;
    write_log_and_lose_power(false, TTB_DISK_SOME, 1, CUT_NS, &first);
    write_log_and_lose_power(false, TTB_DISK_SOME, 1, CUT_NS, &again);
    write_log_and_lose_power(false, TTB_DISK_SOME, 2, CUT_NS, &other);
    assert_in_range(first.acknowledged_count, 20, RECORDS - 1);
    assert_in_range(first.lost_count, 1, first.acknowledged_count);
    assert_true(first.found_count > 0);
    assert_memory_equal(first.found, again.found, sizeof(first.found));
    assert_memory_not_equal(first.found, other.found, sizeof(first.found));
    assert_contains(first.log, "requests were not flushed");
    /* A request is pages. */
    assert_int_equal(first.half_count, 0);
    assert_int_equal(other.half_count, 0);
}

static void test_a_disk_may_keep_nothing_that_was_not_flushed_or_everything(void **state)
{
    struct outcome none, all;

    (void)state;
    write_log_and_lose_power(false, TTB_DISK_NONE, 1, CUT_NS, &none);
    write_log_and_lose_power(false, TTB_DISK_ALL, 1, CUT_NS, &all);
    assert_int_equal(none.found_count, 0);
    /* But for those that the guest itself had not yet handed to its disk. */
    assert_in_range(all.lost_count, 0, 10);
    assert_null(strstr(all.log, "not flushed"));
}

static void test_torn_records_are_seen(void **state)
{
    struct outcome torn, again;

    (void)state;
    write_log_and_lose_power(false, TTB_DISK_TORN, 5, CUT_NS, &torn);
    write_log_and_lose_power(false, TTB_DISK_TORN, 5, CUT_NS, &again);
    assert_true(torn.lost_count > 0 && torn.found_count > 0);
    assert_true(torn.half_count > 0);
    assert_memory_equal(torn.found, again.found, sizeof(torn.found));
    assert_memory_equal(torn.half, again.half, sizeof(torn.half));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_synced_is_never_lost),
        cmocka_unit_test(test_what_was_not_synced_is_lost_in_part_and_the_seed_says_which),
        cmocka_unit_test(test_a_disk_may_keep_nothing_that_was_not_flushed_or_everything),
        cmocka_unit_test(test_torn_records_are_seen),
    };

    need_kernel();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
