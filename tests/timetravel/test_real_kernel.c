/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A real UML kernel against the controller alone: it boots, sleeps 1000 simulated seconds, and
 * powers off. When it asked and when it was let run must be the same in every run, with messages and
 * with the segment, whether it joins at simulated time 0 or later.
 *
 * TTB_KERNEL and TTB_IMAGE are the paths of kernel and busybox image; without them the test is
 * skipped (status 77).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ttbridge/loop.h>

#include "base/socket.h"
#include "timetravel/controller.h"

#define S               1000000000ULL
#define SILENCE_MS      30000 /* of wall time: a kernel that says nothing for so long hangs */
#define CONSOLE_BYTES   16384
#define TAR_BLOCK_BYTES 512

/* What the guest does. The clock it reads is simulated. */
static const char start_script[] = "echo uptime-before $(cat /proc/uptime)\n"
                                   "sleep 1000\n"
                                   "echo uptime-after $(cat /proc/uptime)\n"
                                   "exit 3\n";

/* One grant: its time, which is that of the request, and the strict bound; from the origin on. */
struct grant {
    uint64_t time_ns, bound_ns;
};

struct run {
    char directory[32];
    pid_t pid;
    struct ttb_loop loop;
    struct ttb__controller *controller;
    uint64_t origin_ns, now_ns, slice_ns;
    struct grant *grants;
    size_t grant_count, grant_room;
    unsigned times_of_day;
    bool is_shared, is_over, sleeps_for_ever;
    int closed_err;
    char closed_why[512];
    char console[CONSOLE_BYTES];
    uint64_t wall_ns;
    int status;
};

static uint64_t wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec;
}

/* ------------------------------------------------------------------------------ the calendar */

static void on_started(void *user, uint64_t id)
{
    struct run *run = user;

    assert_int_equal(id, 7);
    assert_int_equal(ttb__controller_start(run->controller, run->origin_ns), 0);
}

static void on_waiting(void *user)
{
    struct run *run = user;
    uint64_t time_ns = ttb__controller_request_ns(run->controller);

    run->is_shared = ttb__controller_is_shared(run->controller);
    if (time_ns == TTB__TIME_NEVER) {
        run->sleeps_for_ever = true;
        return;
    }
    if (run->grant_count == run->grant_room) {
        run->grant_room = run->grant_room ? 2 * run->grant_room : 1024;
        run->grants = realloc(run->grants, run->grant_room * sizeof(*run->grants));
        assert_non_null(run->grants);
    }
    run->grants[run->grant_count++] =
        (struct grant){time_ns - run->origin_ns, time_ns + run->slice_ns - run->origin_ns};
    run->now_ns = time_ns;
    assert_int_equal(ttb__controller_run(run->controller, time_ns, time_ns + run->slice_ns), 0);
}

static uint64_t on_now(void *user)
{
    return ((struct run *)user)->now_ns;
}

static uint64_t on_time_of_day(void *user)
{
    struct run *run = user;

    run->times_of_day++;
    /* The same for every origin: a guest that reads another date lives another life. */
    return 1700000000 * S + run->now_ns - run->origin_ns;
}

static void on_closed(void *user, int err, const char *why)
{
    struct run *run = user;

    run->is_over = true;
    run->closed_err = err;
    snprintf(run->closed_why, sizeof(run->closed_why), "%s", why);
}

static const struct ttb__controller_ops ops = {
    .started = on_started,
    .waiting = on_waiting,
    .now_ns = on_now,
    .time_of_day_ns = on_time_of_day,
    .closed = on_closed,
};

/* -------------------------------------------------------------------------------- the kernel */

static void path_in(const struct run *run, const char *name, char *path, size_t size_bytes)
{
    assert_true(snprintf(path, size_bytes, "%s/%s", run->directory, name) < (int)size_bytes);
}

/* A tar of one file, "start": ustar header, contents, two empty blocks. */
static void write_work(const struct run *run)
{
    char path[64], blocks[5 * TAR_BLOCK_BYTES] = "", checksum[8];
    size_t len_bytes = strlen(start_script);
    unsigned sum = 0;
    FILE *file;

    assert_true(len_bytes <= TAR_BLOCK_BYTES);
    strcpy(blocks, "./start");
    strcpy(blocks + 100, "0000755");
    strcpy(blocks + 108, "0000000");
    strcpy(blocks + 116, "0000000");
    snprintf(blocks + 124, 12, "%011zo", len_bytes);
    strcpy(blocks + 136, "00000000000");
    memset(blocks + 148, ' ', 8);
    blocks[156] = '0';
    memcpy(blocks + 257, "ustar\00000", 8);
    for (int i = 0; i < TAR_BLOCK_BYTES; i++)
        sum += (unsigned char)blocks[i];
    snprintf(checksum, sizeof(checksum), "%06o", sum);
    memcpy(blocks + 148, checksum, 7);
    memcpy(blocks + TAR_BLOCK_BYTES, start_script, len_bytes);
    path_in(run, "work.tar", path, sizeof(path));
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(blocks, sizeof(blocks), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void exec_kernel(const struct run *run, const char *kernel)
{
    const char *arguments[] = {"linux",
                               "mem=64M",
                               "time-travel=ext:7:t",
                               "time-travel-seed=1:2",
                               "ubd0=cow,base.ext4",
                               "ubd1r=work.tar",
                               "root=/dev/ubda",
                               "rw",
                               "con0=null,fd:1",
                               "con=null",
                               "console=tty0",
                               "quiet",
                               "uml_dir=.",
                               "umid=uml",
                               "norandmaps",
                               "ttb.name=a",
                               "init=/sbin/ttb-init",
                               NULL};
    const char *environment[] = {"TMPDIR=/dev/shm", NULL};
    int null = open("/dev/null", O_RDONLY), console;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    if (chdir(run->directory) < 0)
        _exit(120);
    console = open("console.log", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    dup2(null, 0);
    dup2(console, 1);
    dup2(console, 2);
    personality(ADDR_NO_RANDOMIZE);
    execve(kernel, (char **)arguments, (char **)environment);
    _exit(121);
}

static void launch(struct run *run, enum ttb__controller_mode mode)
{
    char path[64], kernel[PATH_MAX], image[PATH_MAX];
    struct pollfd ready = {.events = POLLIN};

    assert_non_null(realpath(getenv("TTB_KERNEL"), kernel));
    assert_non_null(realpath(getenv("TTB_IMAGE"), image));
    strcpy(run->directory, "/tmp/ttb-kernel-XXXXXX");
    assert_non_null(mkdtemp(run->directory));
    path_in(run, "base.ext4", path, sizeof(path));
    assert_int_equal(symlink(image, path), 0);
    write_work(run);
    path_in(run, "t", path, sizeof(path));
    ready.fd = ttb__socket_listen(path);
    assert_true(ready.fd >= 0);
    run->pid = fork();
    if (run->pid == 0)
        exec_kernel(run, kernel);
    assert_true(run->pid > 0);
    assert_int_equal(poll(&ready, 1, SILENCE_MS), 1);
    assert_int_equal(ttb__controller_new(&run->loop, ttb__socket_accept(ready.fd), "a", mode, &ops,
                                         run, &run->controller),
                     0);
    close(ready.fd);
}

static void read_console(struct run *run)
{
    char path[64];
    FILE *file;
    size_t len_bytes;

    path_in(run, "console.log", path, sizeof(path));
    file = fopen(path, "r");
    assert_non_null(file);
    len_bytes = fread(run->console, 1, sizeof(run->console) - 1, file);
    run->console[len_bytes] = 0;
    fclose(file);
}

static void remove_directory(const struct run *run)
{
    char command[96];

    snprintf(command, sizeof(command), "rm -rf %s", run->directory);
    assert_int_equal(system(command), 0);
}

static void take_run(struct run *run, enum ttb__controller_mode mode, uint64_t origin_ns,
                     uint64_t slice_ns)
{
    uint64_t start_ns = wall_ns();

    *run = (struct run){.origin_ns = origin_ns, .now_ns = origin_ns, .slice_ns = slice_ns};
    assert_int_equal(ttb_loop_open_epoll(&run->loop), 0);
    launch(run, mode);
    while (!run->is_over && !run->sleeps_for_ever) {
        if (run->loop.ops->turn(run->loop.impl, SILENCE_MS) == 0)
            break;
    }
    run->wall_ns = wall_ns() - start_ns;
    if (!run->is_over)
        kill(-run->pid, SIGKILL);
    assert_int_equal(waitpid(run->pid, &run->status, 0), run->pid);
    kill(-run->pid, SIGKILL); /* its threads for user space, if any are left */
    ttb__controller_free(run->controller);
    ttb_loop_close(&run->loop);
    read_console(run);
    remove_directory(run);
}

/* The whole life, as the guest saw it and as the controller saw it. */
static void assert_lived_and_died_well(const struct run *run)
{
    const struct grant *last = &run->grants[run->grant_count - 1];

    assert_string_equal(run->closed_why, "");
    assert_true(run->is_over && !run->sleeps_for_ever);
    assert_int_equal(run->closed_err, 0);
    assert_true(WIFEXITED(run->status));
    if (!strstr(run->console, "ttb-init: exit 3"))
        fail_msg("the guest's console is:\n%s", run->console);
    assert_non_null(strstr(run->console, "uptime-before 0."));
    assert_non_null(strstr(run->console, "uptime-after 1000."));
    assert_int_equal(run->times_of_day, 1);
    assert_true(run->grant_count > 2);
    assert_in_range(last->time_ns, 1000 * S, 1001 * S);
}

static void assert_same_grants(const struct run *a, const struct run *b)
{
    for (size_t i = 0; i < a->grant_count && i < b->grant_count; i++) {
        if (a->grants[i].time_ns != b->grants[i].time_ns)
            fail_msg("grant %zu is at %" PRIu64 " ns and at %" PRIu64 " ns", i,
                     a->grants[i].time_ns, b->grants[i].time_ns);
        assert_true(a->grants[i].bound_ns == b->grants[i].bound_ns);
    }
    assert_int_equal(a->grant_count, b->grant_count);
    assert_string_equal(a->console, b->console);
}

static void free_run(struct run *run)
{
    free(run->grants);
    run->grants = NULL;
}

static struct run runs[2];

static void take_two(enum ttb__controller_mode mode_a, uint64_t origin_a_ns,
                     enum ttb__controller_mode mode_b, uint64_t origin_b_ns, uint64_t slice_ns)
{
    take_run(&runs[0], mode_a, origin_a_ns, slice_ns);
    assert_lived_and_died_well(&runs[0]);
    take_run(&runs[1], mode_b, origin_b_ns, slice_ns);
    assert_lived_and_died_well(&runs[1]);
    for (int i = 0; i < 2; i++)
        print_message("%s, %zu grants, %" PRIu64 " ms\n", runs[i].is_shared ? "shared" : "messages",
                      runs[i].grant_count, runs[i].wall_ns / 1000000);
    assert_int_equal(runs[0].is_shared, mode_a == TTB__CONTROLLER_SHARED);
    assert_int_equal(runs[1].is_shared, mode_b == TTB__CONTROLLER_SHARED);
    assert_same_grants(&runs[0], &runs[1]);
    free_run(&runs[0]);
    free_run(&runs[1]);
}

#define WIDE   (10 * S / 1000) /* 10 ms: many events in each grant */
#define NARROW 1               /* every event asks */

static void with_the_segment_two_runs_are_equal(void **state)
{
    (void)state;
    take_two(TTB__CONTROLLER_SHARED, 0, TTB__CONTROLLER_SHARED, 0, WIDE);
}

static void with_messages_two_runs_are_equal(void **state)
{
    (void)state;
    take_two(TTB__CONTROLLER_MESSAGES, 0, TTB__CONTROLLER_MESSAGES, 0, WIDE);
}

static void with_messages_and_with_the_segment_runs_are_equal(void **state)
{
    (void)state;
    take_two(TTB__CONTROLLER_MESSAGES, 0, TTB__CONTROLLER_SHARED, 0, WIDE);
}

static void with_a_bound_of_one_nanosecond_runs_are_equal_in_both_modes(void **state)
{
    (void)state;
    take_two(TTB__CONTROLLER_MESSAGES, 0, TTB__CONTROLLER_SHARED, 0, NARROW);
}

static void a_late_joiner_lives_the_same_life_in_its_own_time(void **state)
{
    (void)state;
    take_two(TTB__CONTROLLER_SHARED, 0, TTB__CONTROLLER_SHARED, 777 * S, WIDE);
    take_two(TTB__CONTROLLER_MESSAGES, 777 * S, TTB__CONTROLLER_SHARED, 5, WIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_the_segment_two_runs_are_equal),
        cmocka_unit_test(with_messages_two_runs_are_equal),
        cmocka_unit_test(with_messages_and_with_the_segment_runs_are_equal),
        cmocka_unit_test(with_a_bound_of_one_nanosecond_runs_are_equal_in_both_modes),
        cmocka_unit_test(a_late_joiner_lives_the_same_life_in_its_own_time),
    };

    if (!getenv("TTB_KERNEL") || !getenv("TTB_IMAGE")) {
        printf("skipped: TTB_KERNEL and TTB_IMAGE must be the paths of a kernel and an image\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
