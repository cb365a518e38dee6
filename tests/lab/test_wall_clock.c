/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest of the wall clock on a simulated network: a UML kernel without time travel attaches to a
 * wall-clock port and pings a node that lives in simulated time. The program lets simulated time keep
 * pace with wall time, as a program with such a port has to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ttbridge/lab.h>
#include <ttbridge/link.h>

#define MS            1000000ULL
#define WALL_LIMIT_MS 60000

static const char guest_script[] =
    "ip addr add 10.0.0.1/24 dev eth0\n"
    "ip link set eth0 up\n"
    /* The link watch lets the first frame out only then. */
    "for i in $(seq 100); do\n"
    "    [ \"$(cat /sys/class/net/eth0/operstate)\" = up ] && break\n"
    "    sleep 0.05\n"
    "done\n"
    "ping -c 20 -i 0.05 10.0.0.2\n";

static uint64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / MS;
}

/* The guest's files are in the directory `guest` of the run directory. */
static void prepare_guest(const char *directory)
{
    char path[PATH_MAX], command[PATH_MAX * 2 + 64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/guest", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/guest/start", directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(guest_script, file);
    fclose(file);
    snprintf(command, sizeof(command), "tar -cf %s/guest/work.tar -C %s/guest ./start", directory,
             directory);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof(path), "%s/guest/base.ext4", directory);
    assert_int_equal(symlink(getenv("TTB_IMAGE"), path), 0);
}

static pid_t launch_guest(const char *directory)
{
    char path[PATH_MAX];
    pid_t child = fork();

    assert_true(child >= 0);
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    snprintf(path, sizeof(path), "%s/guest", directory);
    if (chdir(path) < 0)
        _exit(126);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(open("output", O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    dup2(1, 2);
    execl(getenv("TTB_KERNEL"), "linux", "mem=64M", "virtio_uml.device=../outside:1:0",
          "ubd0=cow,base.ext4", "ubd1r=work.tar", "root=/dev/ubda", "rw", "con0=null,fd:1",
          "con=null", "console=tty0", "quiet", "uml_dir=.", "umid=uml", "init=/sbin/ttb-init",
          NULL);
    _exit(127);
}

static bool output_has(const char *directory, const char *text, bool show)
{
    char path[PATH_MAX], line[512];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof(path), "%s/guest/output", directory);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        found = found || strstr(line, text);
        if (show)
            print_message("%s", line);
    }
    if (file)
        fclose(file);
    return found;
}

static void a_guest_of_the_wall_clock_pings_a_simulated_node(void **state)
{
    struct ttb_lab_opts opts = {.size = sizeof(opts)};
    struct ttb_lab_node_opts node_opts = {
        .size = sizeof(node_opts), .name = "inside", .commands = "sleep 1000"};
    struct ttb_lab_interface_opts eth0 = {.size = sizeof(eth0), .addresses = {"10.0.0.2/24"}};
    struct ttb_port_opts outside_opts = {.size = sizeof(outside_opts), .name = "outside"};
    struct ttb_net_opts net_opts = {.size = sizeof(net_opts)};
    struct ttb_net_params line = {.size = sizeof(line), .delay_ns = MS};
    struct ttb_lab *lab;
    struct ttb_lab_node *inside;
    struct ttb_port *port, *outside;
    struct ttb_net *net;
    struct ttb_net_end *a, *b;
    struct ttb_net_link *link;
    struct ttb_port_stats stats;
    const struct ttb_loop *loop;
    char error[512];
    uint64_t start_ms;
    pid_t guest;
    int status = -1;

    (void)state;
    if (ttb_lab_new(&opts, &lab, error, sizeof(error)))
        fail_msg("%s", error);
    if (ttb_lab_add_node(lab, &node_opts, &inside) ||
        ttb_lab_node_add_interface(inside, &eth0, &port))
        fail_msg("%s", ttb_lab_error(lab));
    assert_int_equal(ttb_bridge_add_wall_clock_port(ttb_lab_bridge(lab), &outside_opts, &outside),
                     0);
    assert_int_equal(ttb_net_new(ttb_lab_bridge(lab), &net_opts, &net), 0);
    assert_int_equal(ttb_net_add_port(net, port, &a), 0);
    assert_int_equal(ttb_net_add_port(net, outside, &b), 0);
    assert_int_equal(ttb_net_connect(net, a, b, &line, &line, &link), 0);
    prepare_guest(ttb_lab_directory(lab));

    /* The simulated node boots in no simulated time; from then on the clocks go together. */
    assert_int_equal(ttb_net_run(net, 100 * MS), 0);
    guest = launch_guest(ttb_lab_directory(lab));
    loop = ttb_bridge_loop(ttb_lab_bridge(lab));
    start_ms = wall_ms();
    while (waitpid(guest, &status, WNOHANG) == 0 && wall_ms() - start_ms < WALL_LIMIT_MS) {
        loop->ops->turn(loop->impl, 2);
        assert_int_equal(ttb_net_run(net, (100 + wall_ms() - start_ms) * MS), 0);
    }
    kill(-guest, SIGKILL);
    if (status == -1)
        waitpid(guest, &status, 0);

    if (!output_has(ttb_lab_directory(lab), "20 packets received", false))
        output_has(ttb_lab_directory(lab), "", true);
    assert_true(output_has(ttb_lab_directory(lab), "20 packets received", false));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ttb_port_get_stats(outside, &stats);
    assert_true(stats.tx_frames >= 21 && stats.rx_frames >= 21); /* the pings and an ARP */
    assert_int_equal(ttb_node_get_state(ttb_lab_node_as_node(inside)), TTB_NODE_WAITING);
    assert_false(ttb_port_is_up(outside));
    ttb_net_free(net);
    ttb_lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_of_the_wall_clock_pings_a_simulated_node),
    };

    if (!getenv("TTB_KERNEL") || !getenv("TTB_IMAGE")) {
        printf("skipped: TTB_KERNEL and TTB_IMAGE are not set\n");
        return 77;
    }
    return cmocka_run_group_tests_name("wall-clock port", tests, NULL, NULL);
}
