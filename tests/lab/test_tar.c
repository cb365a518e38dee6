/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives are what POSIX says ustar is, and depend on names, modes and contents only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lab/tar.h"

static int memory_file(void)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static unsigned char *content(int fd, size_t *len_bytes)
{
    unsigned char *data;

    *len_bytes = (size_t)lseek(fd, 0, SEEK_END);
    data = malloc(*len_bytes + 1);
    assert_non_null(data);
    assert_int_equal(pread(fd, data, *len_bytes, 0), *len_bytes);
    data[*len_bytes] = 0;
    return data;
}

static void test_one_file_byte_for_byte(void **state)
{
    int fd = memory_file();
    unsigned char *data;
    unsigned sum = 0;
    size_t len_bytes;

    (void)state;
    assert_int_equal(ttb__tar_add(fd, "dir/file", 0640, "hello", 5), 0);
    assert_int_equal(ttb__tar_end(fd), 0);
    data = content(fd, &len_bytes);
    assert_int_equal(len_bytes, 512 + 512 + 1024);
    assert_string_equal((char *)data, "dir/file");
    assert_memory_equal(data + 100, "0000640", 8);
    assert_memory_equal(data + 108, "0000000", 8);
    assert_memory_equal(data + 116, "0000000", 8);
    assert_memory_equal(data + 124, "00000000005", 12);
    assert_memory_equal(data + 136, "00000000000", 12);
    assert_int_equal(data[156], '0');
    assert_memory_equal(data + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : data[i];
    assert_int_equal(strtoul((char *)data + 148, NULL, 8), sum);
    assert_string_equal((char *)data + 512, "hello");
    for (size_t i = 512 + 5; i < len_bytes; i++)
        assert_int_equal(data[i], 0);
    free(data);
    close(fd);
}

static void test_long_names_are_split_at_a_slash(void **state)
{
    char name[300];
    unsigned char *data;
    size_t len_bytes;
    int fd = memory_file();

    (void)state;
    memset(name, 'a', sizeof(name));
    name[120] = '/';
    name[200] = 0;
    assert_int_equal(ttb__tar_add(fd, name, 0644, "", 0), 0);
    data = content(fd, &len_bytes);
    assert_int_equal(len_bytes, 512);
    assert_int_equal(strlen((char *)data), 79);
    assert_int_equal(strlen((char *)data + 345), 120);
    free(data);
    close(fd);
}

static void test_names_that_do_not_fit_are_refused(void **state)
{
    char name[300];
    int fd = memory_file();

    (void)state;
    memset(name, 'a', sizeof(name));
    name[101] = 0; /* no slash */
    assert_int_equal(ttb__tar_add(fd, name, 0644, "", 0), -ENAMETOOLONG);
    name[101] = 'a';
    name[160] = '/'; /* prefix too long */
    name[200] = 0;
    assert_int_equal(ttb__tar_add(fd, name, 0644, "", 0), -ENAMETOOLONG);
    name[160] = 'a';
    name[20] = '/'; /* rest too long */
    assert_int_equal(ttb__tar_add(fd, name, 0644, "", 0), -ENAMETOOLONG);
    assert_int_equal(ttb__tar_add(fd, "", 0644, "", 0), -EINVAL);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    close(fd);
}

static void test_a_hundred_bytes_of_name_need_no_split(void **state)
{
    char name[101];
    unsigned char *data;
    size_t len_bytes;
    int fd = memory_file();

    (void)state;
    memset(name, 'b', 100);
    name[100] = 0;
    assert_int_equal(ttb__tar_add(fd, name, 0644, "", 0), 0);
    data = content(fd, &len_bytes);
    assert_memory_equal(data, name, 100);
    assert_int_equal(data[345], 0);
    free(data);
    close(fd);
}

static void test_contents_of_descriptors_are_copied(void **state)
{
    static char big[200000];
    int source = memory_file(), fd = memory_file(), again = memory_file();
    unsigned char *data, *data_again;
    size_t len_bytes, len_again;

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 % 251);
    assert_int_equal(write(source, big, sizeof(big)), sizeof(big));
    assert_int_equal(ttb__tar_add_fd(fd, "big", 0755, source), 0);
    assert_int_equal(ttb__tar_add(again, "big", 0755, big, sizeof(big)), 0);
    data = content(fd, &len_bytes);
    data_again = content(again, &len_again);
    assert_int_equal(len_bytes, 512 + (sizeof(big) + 511) / 512 * 512);
    assert_int_equal(len_again, len_bytes);
    assert_memory_equal(data, data_again, len_bytes);
    free(data);
    free(data_again);
    close(source);
    close(fd);
    close(again);
}

static void test_tar_reads_it(void **state)
{
    char command[200], listing[200] = "";
    int fd = memory_file();
    FILE *tar;

    (void)state;
    assert_int_equal(ttb__tar_add(fd, "start", 0755, "#!/bin/sh\n", 10), 0);
    assert_int_equal(ttb__tar_add(fd, "root/etc/x y", 0600, "", 0), 0);
    assert_int_equal(ttb__tar_end(fd), 0);
    snprintf(command, sizeof(command), "TZ=UTC tar --numeric-owner -tvf /proc/%d/fd/%d 2>&1",
             (int)getpid(), fd);
    tar = popen(command, "r");
    assert_non_null(tar);
    assert_true(fread(listing, 1, sizeof(listing) - 1, tar) > 0);
    assert_int_equal(pclose(tar), 0);
    assert_non_null(strstr(listing, "-rwxr-xr-x 0/0              10 1970-01-01 00:00 start"));
    assert_non_null(
        strstr(listing, "-rw------- 0/0               0 1970-01-01 00:00 root/etc/x y"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_file_byte_for_byte),
        cmocka_unit_test(test_long_names_are_split_at_a_slash),
        cmocka_unit_test(test_names_that_do_not_fit_are_refused),
        cmocka_unit_test(test_a_hundred_bytes_of_name_need_no_split),
        cmocka_unit_test(test_contents_of_descriptors_are_copied),
        cmocka_unit_test(test_tar_reads_it),
    };

    return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
