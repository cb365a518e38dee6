/* SPDX-License-Identifier: BSD-3-Clause */
/* Run directories, and the description of nodes: what is accepted, refused, made and left. */
#include "lab_util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fake_kernel;

static void lab_fails(const char *directory, int code, const char *why)
{
    struct ttb_lab_opts opts = {.size = sizeof(opts), .directory = directory};
    struct ttb_lab *lab;
    char error[512] = "";

    assert_int_equal(ttb_lab_new(&opts, &lab, error, sizeof(error)), code);
    assert_null(lab);
    assert_contains(error, why);
}

static void test_it_is_made_with_all_above_and_private(void **state)
{
    char *scratch = scratch_new(), *run = in(scratch, "a/b/run"), *nodes = in(run, "nodes");
    struct ttb_lab *lab = open_lab(run, NULL, NULL, NULL);
    struct stat status;

    (void)state;
    assert_string_equal(ttb_lab_directory(lab), run);
    assert_int_equal(stat(run, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(nodes, &status), 0);
    assert_int_equal(count_sockets(run), 1);
    ttb_lab_free(lab);
    assert_int_equal(count_sockets(run), 0);
    free(nodes);
    free(run);
    scratch_free(scratch);
}

static void test_a_directory_of_its_own_goes_with_the_lab(void **state)
{
    struct ttb_lab *lab = open_lab(NULL, NULL, NULL, NULL);
    char *path = strdup(ttb_lab_directory(lab));

    (void)state;
    assert_int_equal(access(path, F_OK), 0);
    ttb_lab_free(lab);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void test_it_is_one_runs_at_a_time(void **state)
{
    char *scratch = scratch_new(), own[32];
    struct ttb_lab *lab = open_lab(scratch, NULL, NULL, NULL);

    (void)state;
    snprintf(own, sizeof(own), "(process %d)", (int)getpid());
    lab_fails(scratch, -EBUSY, "is in use by another run");
    lab_fails(scratch, -EBUSY, own);
    /* The refused one has not disturbed the first. */
    assert_int_equal(count_sockets(scratch), 1);
    ttb_lab_free(lab);
    ttb_lab_free(open_lab(scratch, NULL, NULL, NULL));
    scratch_free(scratch);
}

static void test_one_that_cannot_be_made_is_named(void **state)
{
    char *scratch = scratch_new(), *file = in(scratch, "file"), *below = in(file, "run");

    (void)state;
    write_file(file, "x", 1, 0600);
    lab_fails(file, -ENOTDIR, file);
    lab_fails(below, -ENOTDIR, below);
    lab_fails("", -ENOENT, "run directory");
    lab_fails("/proc/nowhere", -ENOENT, "/proc/nowhere");
    free(below);
    free(file);
    scratch_free(scratch);
}

static void test_deep_directories_work(void **state)
{
    char *scratch = scratch_new(), name[180], *run;
    struct ttb_lab *lab;

    (void)state;
    memset(name, 'd', sizeof(name));
    name[sizeof(name) - 1] = 0;
    run = in(scratch, name);
    lab = open_lab(run, NULL, NULL, NULL);
    assert_int_equal(count_sockets(run), 1);
    ttb_lab_free(lab);
    assert_int_equal(count_sockets(run), 0);
    free(run);
    scratch_free(scratch);
}

static void node_fails(struct ttb_lab *lab, const struct ttb_lab_node_opts *opts, int code,
                       const char *why)
{
    struct ttb_lab_node *node;
    int rc = ttb_lab_add_node(lab, opts, &node);

    if (rc != code)
        fail_msg("%d instead of %d: %s", rc, code, ttb_lab_error(lab));
    assert_null(node);
    assert_contains(ttb_lab_error(lab), why);
}

static void test_nodes_that_cannot_be_are_refused_by_field(void **state)
{
    static const char *const words[] = {"quiet", "two words", NULL};
    char *scratch = scratch_new(), *none = in(scratch, "none");
    struct ttb_lab_opts lab_opts = {.kernel = fake_kernel, .image = "/bin/busybox"};
    struct ttb_lab *lab = open_lab(scratch, &lab_opts, NULL, NULL);
    struct ttb_lab_node_opts opts = {.size = sizeof(opts), .name = "a"};

    (void)state;
    opts.name = "a b";
    node_fails(lab, &opts, -EINVAL, "\"a b\"");
    opts.name = "";
    node_fails(lab, &opts, -EINVAL, "\"\"");
    opts.name = "../a";
    node_fails(lab, &opts, -EINVAL, "\"../a\"");
    opts.name = "a";
    opts.memory_mib = 5;
    node_fails(lab, &opts, -EINVAL, "node a: memory_mib 5 is not in 16 to");
    opts.memory_mib = 0;
    opts.kernel = none;
    node_fails(lab, &opts, -ENOENT, none);
    opts.kernel = "/bin/busybox";
    node_fails(lab, &opts, -ENOEXEC, "not a User-Mode Linux kernel");
    opts.kernel = NULL;
    opts.image = none;
    node_fails(lab, &opts, -ENOENT, none);
    opts.image = "/dev/null";
    node_fails(lab, &opts, -EINVAL, "node a: image /dev/null: is not a disk image");
    opts.image = NULL;
    opts.kernel_arguments = words;
    node_fails(lab, &opts, -EINVAL, "kernel argument \"two words\" is not one word");
    opts.kernel_arguments = NULL;
    /* A name whose description failed is free; one that is taken is not, and stays intact. */
    add_node(lab, "a", "true", NULL);
    node_fails(lab, &opts, -EEXIST, "node a already");
    assert_non_null(ttb_lab_find_node(lab, "a"));
    assert_null(ttb_lab_find_node(lab, "b"));
    ttb_lab_free(lab);
    free(none);
    scratch_free(scratch);
}

static void test_a_kernel_without_time_travel_is_refused(void **state)
{
    char *scratch = scratch_new(), *old;
    struct ttb_lab_opts lab_opts = {.image = "/bin/busybox"};
    struct ttb_lab_node_opts opts = {.size = sizeof(opts), .name = "a"};
    struct ttb_lab *lab;

    (void)state;
    assert_true(asprintf(&old, "%s_old", fake_kernel) > 0);
    lab_opts.kernel = old;
    lab = open_lab(scratch, &lab_opts, NULL, NULL);
    node_fails(lab, &opts, -ENOEXEC, "Linux 9.8.7-fake has no time travel");
    assert_contains(ttb_lab_error(lab), "ttb kernel build");
    ttb_lab_free(lab);
    free(old);
    scratch_free(scratch);
}

static void file_fails(struct ttb_lab *lab, const struct ttb_lab_file *file, int code,
                       const char *why)
{
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts), .name = "f", .files = file, .file_count = 1};

    node_fails(lab, &opts, code, why);
}

static void test_files_that_cannot_be_are_refused_by_name(void **state)
{
    char *scratch = scratch_new(), long_name[400];
    struct ttb_lab_opts lab_opts = {.kernel = fake_kernel, .image = "/bin/busybox"};
    struct ttb_lab *lab = open_lab(scratch, &lab_opts, NULL, NULL);

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    long_name[0] = '/';
    long_name[sizeof(long_name) - 1] = 0;
    file_fails(lab, &(struct ttb_lab_file){.path = "/etc/../passwd"}, -EINVAL, "/etc/../passwd");
    file_fails(lab, &(struct ttb_lab_file){.path = ""}, -EINVAL, "node f: file path \"\"");
    file_fails(lab, &(struct ttb_lab_file){.path = "/"}, -EINVAL, "\"/\"");
    file_fails(lab, &(struct ttb_lab_file){.path = "a//b"}, -EINVAL, "\"a//b\"");
    file_fails(lab, &(struct ttb_lab_file){.path = "dir/"}, -EINVAL, "\"dir/\"");
    file_fails(lab, &(struct ttb_lab_file){.path = "start"}, -EINVAL, "\"start\"");
    file_fails(lab, &(struct ttb_lab_file){.path = "a", .mode = 010000}, -EINVAL, "mode 010000");
    file_fails(lab, &(struct ttb_lab_file){.path = long_name}, -ENAMETOOLONG, "too long");
    file_fails(lab, &(struct ttb_lab_file){.path = "a", .host_path = "/nowhere/b"}, -ENOENT,
               "file a from /nowhere/b: No such file");
    file_fails(lab, &(struct ttb_lab_file){.path = "a", .host_path = "/dev"}, -EISDIR, "/dev");
    file_fails(lab, &(struct ttb_lab_file){.path = "a", .host_path = "/dev/zero"}, -EINVAL,
               "not a regular file");
    ttb_lab_free(lab);
    scratch_free(scratch);
}

static void interface_fails(struct ttb_lab_node *node, struct ttb_lab *lab,
                            struct ttb_lab_interface_opts opts, int code, const char *why)
{
    struct ttb_port *port;

    opts.size = sizeof(opts);
    assert_int_equal(ttb_lab_node_add_interface(node, &opts, &port), code);
    assert_null(port);
    assert_contains(ttb_lab_error(lab), why);
}

static void test_interfaces_are_checked_and_named_by_order(void **state)
{
    char *scratch = scratch_new();
    struct ttb_lab_opts lab_opts = {.kernel = fake_kernel, .image = "/bin/busybox"};
    struct ttb_lab *lab = open_lab(scratch, &lab_opts, NULL, NULL);
    struct ttb_lab_node *node = add_node(lab, "n", NULL, NULL);
    struct ttb_lab_interface_opts opts = {.size = sizeof(opts)};
    struct ttb_port *port;

    (void)state;
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.name = "much-too-long-name"},
                    -EINVAL, "\"much-too-long-name\"");
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.name = "lo"}, -EINVAL, "\"lo\"");
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.name = "a;b"}, -EINVAL, "\"a;b\"");
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.addresses = {"10.0.0.1"}}, -EINVAL,
                    "node n: interface eth0: address \"10.0.0.1\"");
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.addresses = {"10.0.0.1/8", "x/8"}},
                    -EINVAL, "address \"x/8\"");
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.gateway = "10.0.0.1/8"}, -EINVAL,
                    "gateway");
    assert_int_equal(ttb_lab_node_add_interface(node, &opts, &port), 0);
    assert_string_equal(ttb_port_name(port), "eth0");
    assert_int_equal(ttb_lab_node_add_interface(node, &opts, &port), 0);
    assert_string_equal(ttb_port_name(port), "eth1");
    interface_fails(node, lab, (struct ttb_lab_interface_opts){.name = "eth1"}, -EEXIST, "eth1");
    ttb_lab_free(lab);
    scratch_free(scratch);
}

static void test_the_limit_of_open_files_is_named(void **state)
{
    char *scratch = scratch_new(), name[16];
    struct ttb_lab_opts lab_opts = {.kernel = fake_kernel, .image = "/bin/busybox"};
    struct ttb_lab *lab = open_lab(scratch, &lab_opts, NULL, NULL);
    struct ttb_lab_node_opts opts = {.size = sizeof(opts), .name = name};
    struct rlimit before, low;
    struct ttb_lab_node *node;
    int rc = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 40;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int i = 0; i < 40 && !rc; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        rc = ttb_lab_add_node(lab, &opts, &node);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(rc, -EMFILE);
    assert_contains(ttb_lab_error(lab), name);
    assert_contains(ttb_lab_error(lab), "ulimit -n");
    ttb_lab_free(lab);
    scratch_free(scratch);
}

static void test_remains_of_an_earlier_run_are_replaced(void **state)
{
    char *scratch = scratch_new(), *console = in(scratch, "nodes/a/console.log");
    char *stale = in(scratch, "nodes/a/cow"), *text;
    struct ttb_lab_opts lab_opts = {.kernel = fake_kernel, .image = "/bin/busybox"};
    struct ttb_lab *lab = open_lab(scratch, &lab_opts, NULL, NULL);

    (void)state;
    add_node(lab, "a", NULL, NULL);
    write_file(console, "old", 3, 0600);
    write_file(stale, "old", 3, 0600);
    ttb_lab_free(lab);
    lab = open_lab(scratch, &lab_opts, NULL, NULL);
    add_node(lab, "a", NULL, NULL);
    text = read_text(console);
    assert_string_equal(text, "");
    assert_int_equal(access(stale, F_OK), -1);
    ttb_lab_free(lab);
    free(text);
    free(stale);
    free(console);
    scratch_free(scratch);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_made_with_all_above_and_private),
        cmocka_unit_test(test_a_directory_of_its_own_goes_with_the_lab),
        cmocka_unit_test(test_it_is_one_runs_at_a_time),
        cmocka_unit_test(test_one_that_cannot_be_made_is_named),
        cmocka_unit_test(test_deep_directories_work),
        cmocka_unit_test(test_nodes_that_cannot_be_are_refused_by_field),
        cmocka_unit_test(test_a_kernel_without_time_travel_is_refused),
        cmocka_unit_test(test_files_that_cannot_be_are_refused_by_name),
        cmocka_unit_test(test_interfaces_are_checked_and_named_by_order),
        cmocka_unit_test(test_the_limit_of_open_files_is_named),
        cmocka_unit_test(test_remains_of_an_earlier_run_are_replaced),
    };

    if (argc < 2)
        return 2;
    fake_kernel = argv[1];
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
