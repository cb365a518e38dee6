/* SPDX-License-Identifier: BSD-3-Clause */
/* What a node is made of, as scenarios say it: a disk that takes time and loses power, a kernel. */
#include "rig.h"

/* 64 blocks of zeros are on the disk for sure, then others are written over them, and the power goes. What
 * the node finds when it is back is how many of the others' bytes there are. */
static const char power_cut[] =
    "engine: builtin\n"
    "duration: 60s\n"
    "nodes:\n"
    "  db:\n"
    "    run:\n"
    "      - name: go\n"
    "        command: |\n"
    "          if [ -f /root/f ]; then\n"
    "              echo \"left: $(tr -d '\\0' < /root/f | wc -c)\"\n"
    "              exit\n"
    "          fi\n"
    "          dd if=/dev/zero of=/root/f bs=4096 count=64 2>/dev/null\n"
    "          sync\n"
    "          tr '\\0' x < /root/f > /tmp/x\n"
    "          dd if=/tmp/x of=/root/f bs=4096 count=64 oflag=direct conv=notrunc 2>/dev/null\n"
    "          sleep 100\n"
    "events:\n"
    "  - {at: 5s, node: db, action: kill}\n"
    "  - {at: 6s, node: db, action: restart}\n"
    "expect: [{node: db, command: go, exit: 0}]\n";

/* Runs it with a disk; how many bytes were left of 262144. */
static unsigned long left_on(const char *disk)
{
    struct said said;
    char line[300];

    snprintf(line, sizeof(line), "rm -rf 1; $TTB run -q s.yaml -o 1 --set 'defaults.disk=%s'",
             disk);
    run_in_work(line, &said);
    expect_status(&said, 0);
    run_in_work("sed -n 's/^left: //p' 1/nodes/db/console.log", &said);
    assert_true(said.out[0]);
    return strtoul(said.out, NULL, 10);
}

static void a_power_cut_takes_what_was_not_flushed_as_the_scenario_says(void **state)
{
    unsigned long left;

    (void)state;
    write_scenario(power_cut);
    assert_int_equal(left_on("{unflushed: all}"), 262144);
    assert_int_equal(left_on("{unflushed: none}"), 0);
    left = left_on("{unflushed: some}");
    assert_true(left > 0 && left < 262144 && left % 4096 == 0);
    left = left_on("{unflushed: torn}");
    assert_true(left > 0 && left < 262144 && left % 4096 != 0 && left % 512 == 0);
}

static void what_a_power_cut_takes_follows_from_the_seed(void **state)
{
    struct said said;

    (void)state;
    write_scenario(power_cut);
    run_in_work("set -- --set 'nodes.db.disk={unflushed: torn}'; $TTB run -q s.yaml -o 1 \"$@\" && "
                "$TTB run -q s.yaml -o 2 \"$@\" && $TTB run -q s.yaml -o 3 --seed 3 \"$@\" && "
                "cmp 1/run.ttb 2/run.ttb",
                &said);
    expect_status(&said, 0);
    run_in_work(
        "sed -n 's/^left: //p' 1/nodes/db/console.log 3/nodes/db/console.log | uniq | wc -l",
        &said);
    assert_string_equal(said.out, "2\n");
}

/* 64 blocks of 4 KiB, each 1 ms and 4 times 10 us, and a FLUSH of 50 ms at the end of each `sync`. */
static void a_disk_takes_the_time_that_it_was_given(void **state)
{
    static const char command[] =
        "jq '.nodes[].commands[1] | .end_ns - .start_ns' 1/summary.json 2/summary.json "
        "3/summary.json";
    struct said said;
    unsigned long long plain, slow, jittery;

    (void)state;
    write_scenario("engine: builtin\n"
                   "nodes:\n"
                   "  a:\n"
                   "    run:\n"
                   "      - dd if=/dev/zero of=/root/f bs=4096 count=64 2>/dev/null; sync\n"
                   "      - dd if=/dev/zero of=/root/f bs=4096 count=64 oflag=direct conv=notrunc "
                   "2>/dev/null\n");
    run_in_work(
        "$TTB run -q s.yaml -o 1 &&"
        "$TTB run -q s.yaml -o 2 --set 'nodes.a.disk={latency: 1ms, per_kib: 10us}' &&"
        "$TTB run -q s.yaml -o 3 --set 'nodes.a.disk={latency: 1ms, per_kib: 10us, jitter: 4ms}'",
        &said);
    expect_status(&said, 0);
    run_in_work(command, &said);
    if (sscanf(said.out, "%llu %llu %llu", &plain, &slow, &jittery) != 3)
        fail_msg("%s: %s%s", command, said.out, said.err);
    assert_true(plain < 2000000);
    assert_true(slow >= plain / 2 + 66560000 && slow < plain + 68000000);
    /* 2 ms on average: far from both ends. */
    assert_true(jittery > slow + 64000000 && jittery < slow + 192000000);
}

static void nodes_with_different_kernels_are_in_one_run(void **state)
{
    struct said said;

    (void)state;
    write_scenario("engine: builtin\n"
                   "links: {l: {type: ethernet, delay: 1ms}}\n"
                   "nodes:\n"
                   "  a:\n"
                   "    kernel: \"6.12\"\n"
                   "    interfaces: [{link: l, address: 10.0.0.1/24}]\n"
                   "    run: [uname -r, {command: ping -c 2 b, at: 1s, exit: 0}]\n"
                   "  b:\n"
                   "    kernel: ./another\n"
                   "    clock: messages\n"
                   "    interfaces: [{link: l, address: 10.0.0.2/24}]\n"
                   "    run: [uname -r]\n");
    /* One that is really another, if there is one. */
    run_in_work(
        "other=$(\"$TTB\" kernel list | sed -n 's,^6\\.1-.* \\(/.*\\)$,\\1,p' | head -n 1); "
        "cp \"${other:-${TTB_KERNEL:-$($TTB kernel path)}}\" another && "
        "$TTB run s.yaml -o 1 && $TTB run -q s.yaml -o 2 && cmp 1/run.ttb 2/run.ttb && "
        "$TTB replay 1 && $TTB show 1 && echo other=$other; cat 1/nodes/?/console.log",
        &said);
    expect_status(&said, 0);
    assert_says(said.out, "/another (");
    if (strstr(said.out, "other=/"))
        assert_says(said.out, "\n6.1.");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_power_cut_takes_what_was_not_flushed_as_the_scenario_says),
        WITH_FOLDER(what_a_power_cut_takes_follows_from_the_seed),
        WITH_FOLDER(a_disk_takes_the_time_that_it_was_given),
        WITH_FOLDER(nodes_with_different_kernels_are_in_one_run),
    };

    if (argc != 2) {
        fputs("usage: test_machines TTB\n", stderr);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
