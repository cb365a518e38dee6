/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels and images are found by path, name or environment; what cannot be used is told apart. */
#include "lab_util.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fake_kernel, *fake_kernel_old;

static void inspect_fails(const char *path, int code, const char *why)
{
    struct ttb_lab_kernel_info info = {.size = sizeof(info)};
    char error[512] = "";

    assert_int_equal(ttb_lab_inspect_kernel(path, &info, error, sizeof(error)), code);
    assert_contains(error, path);
    assert_contains(error, why);
}

static void test_a_kernel_is_read_without_running_it(void **state)
{
    struct ttb_lab_kernel_info info = {.size = sizeof(info)};
    char error[512] = "";

    (void)state;
    assert_int_equal(ttb_lab_inspect_kernel(fake_kernel, &info, error, sizeof(error)), 0);
    assert_string_equal(info.version, "9.8.7-fake");
    assert_true(info.time_travel && info.virtio && info.seeded && info.seccomp);
    assert_int_equal(ttb_lab_inspect_kernel(fake_kernel_old, &info, error, sizeof(error)), 0);
    assert_true(info.virtio && !info.time_travel && !info.seeded && !info.seccomp);
}

static void test_what_is_no_kernel_is_told_apart(void **state)
{
    char *scratch = scratch_new(), *script = in(scratch, "script"), *plain = in(scratch, "plain");
    char *empty = in(scratch, "empty"), *none = in(scratch, "none");

    (void)state;
    write_file(script, "#!/bin/sh\n", 10, 0700);
    write_file(plain, "#!/bin/sh\n", 10, 0600);
    write_file(empty, "", 0, 0700);
    inspect_fails(none, -ENOENT, "No such file");
    inspect_fails(scratch, -EISDIR, "is a directory");
    inspect_fails(plain, -EACCES, "not executable");
    inspect_fails(script, -ENOEXEC, "not a program for x86-64");
    inspect_fails(empty, -ENOEXEC, "not a program");
    inspect_fails("/bin/busybox", -ENOEXEC, "not a User-Mode Linux kernel");
    free(script);
    free(plain);
    free(empty);
    free(none);
    scratch_free(scratch);
}

/* Makes CACHE/kernels/NAME/linux. */
static void make_result(const char *cache, const char *folder, const char *name, const char *file)
{
    char *a = in(cache, folder), *b = in(a, name), *c = in(b, file);

    mkdir(a, 0700);
    assert_int_equal(mkdir(b, 0700), 0);
    write_file(c, "x", 1, 0700);
    free(a);
    free(b);
    free(c);
    usleep(20000); /* the next one is newer by the file system's clock */
}

static void finds(int (*find)(const char *, char *, size_t, char *, size_t), const char *wanted,
                  const char *end)
{
    char path[PATH_MAX], error[512] = "";

    if (find(wanted, path, sizeof(path), error, sizeof(error)))
        fail_msg("%s: %s", wanted ? wanted : "(default)", error);
    assert_int_equal(path[0], '/');
    assert_contains(path, end);
}

static void fails_to_find(int (*find)(const char *, char *, size_t, char *, size_t),
                          const char *wanted, int code, const char *why)
{
    char path[PATH_MAX], error[512] = "";

    assert_int_equal(find(wanted, path, sizeof(path), error, sizeof(error)), code);
    assert_contains(error, why);
}

static void test_built_kernels_are_found_by_version(void **state)
{
    char *cache = scratch_new();

    (void)state;
    unsetenv("TTB_KERNEL");
    setenv("TTB_CACHE", cache, 1);
    fails_to_find(ttb_lab_find_kernel, NULL, -ENOENT, "ttb kernel build");
    fails_to_find(ttb_lab_find_kernel, "6.12", -ENOENT, "ttb kernel build 6.12");
    make_result(cache, "kernels", "6.12-000000000001", "linux");
    make_result(cache, "kernels", "6.1-000000000002", "linux");
    make_result(cache, "kernels", "6.12-000000000003", "linux");
    make_result(cache, "kernels", "7.2-000000000004", "linux");
    make_result(cache, "kernels", ".tmp.123456", "linux");
    make_result(cache, "kernels", "6.12-00000000000x", "linux");
    make_result(cache, "kernels", "6.12-000000000005", "config");
    finds(ttb_lab_find_kernel, "6.12", "/kernels/6.12-000000000003/linux");
    finds(ttb_lab_find_kernel, "6.1", "/kernels/6.1-000000000002/linux");
    finds(ttb_lab_find_kernel, NULL, "/kernels/6.12-000000000003/linux");
    fails_to_find(ttb_lab_find_kernel, "6", -ENOENT, "\"6\"");
    fails_to_find(ttb_lab_find_kernel, "", -ENOENT, "\"\"");
    unsetenv("TTB_CACHE");
    scratch_free(cache);
}

static void test_without_the_usual_kernel_the_newest_is_taken(void **state)
{
    char *cache = scratch_new();

    (void)state;
    unsetenv("TTB_KERNEL");
    setenv("TTB_CACHE", cache, 1);
    make_result(cache, "kernels", "7.2-000000000001", "linux");
    make_result(cache, "kernels", "6.1-000000000002", "linux");
    make_result(cache, "kernels", "unpatched-7.2-000000000003", "linux");
    finds(ttb_lab_find_kernel, NULL, "/kernels/6.1-000000000002/linux");
    finds(ttb_lab_find_kernel, "unpatched-7.2", "/kernels/unpatched-7.2-000000000003/linux");
    unsetenv("TTB_CACHE");
    scratch_free(cache);
}

static void test_the_environment_names_the_default(void **state)
{
    char *cache = scratch_new();

    (void)state;
    setenv("TTB_CACHE", cache, 1);
    setenv("TTB_KERNEL", fake_kernel, 1);
    finds(ttb_lab_find_kernel, NULL, "lab_fake_kernel");
    setenv("TTB_KERNEL", "/nowhere/linux", 1);
    fails_to_find(ttb_lab_find_kernel, NULL, -ENOENT, "TTB_KERNEL");
    setenv("TTB_KERNEL", "", 1); /* as if unset */
    fails_to_find(ttb_lab_find_kernel, NULL, -ENOENT, "ttb kernel build");
    unsetenv("TTB_KERNEL");
    unsetenv("TTB_CACHE");
    scratch_free(cache);
}

static void test_a_slash_makes_it_a_path(void **state)
{
    (void)state;
    finds(ttb_lab_find_kernel, fake_kernel, "lab_fake_kernel");
    fails_to_find(ttb_lab_find_kernel, "./6.12", -ENOENT, "./6.12");
    fails_to_find(ttb_lab_find_image, "/nowhere/image", -ENOENT, "image /nowhere/image");
}

static void test_the_default_image_is_busybox(void **state)
{
    char *cache = scratch_new();

    (void)state;
    unsetenv("TTB_IMAGE");
    unsetenv("TTB_CACHE");
    setenv("XDG_CACHE_HOME", cache, 1);
    fails_to_find(ttb_lab_find_image, NULL, -ENOENT, "ttb image build busybox");
    unsetenv("XDG_CACHE_HOME");
    scratch_free(cache);
}

static void test_a_path_that_does_not_fit_is_an_error(void **state)
{
    char path[8], error[512];

    (void)state;
    assert_int_equal(ttb_lab_find_kernel(fake_kernel, path, sizeof(path), error, sizeof(error)),
                     -ENAMETOOLONG);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kernel_is_read_without_running_it),
        cmocka_unit_test(test_what_is_no_kernel_is_told_apart),
        cmocka_unit_test(test_built_kernels_are_found_by_version),
        cmocka_unit_test(test_without_the_usual_kernel_the_newest_is_taken),
        cmocka_unit_test(test_the_environment_names_the_default),
        cmocka_unit_test(test_a_slash_makes_it_a_path),
        cmocka_unit_test(test_the_default_image_is_busybox),
        cmocka_unit_test(test_a_path_that_does_not_fit_is_an_error),
    };

    if (argc < 3)
        return 2;
    fake_kernel = argv[1];
    fake_kernel_old = argv[2];
    return cmocka_run_group_tests_name("find", tests, NULL, NULL);
}
