/* SPDX-License-Identifier: BSD-3-Clause */
/* The doctor boots a node for real. */
#include "run.h"

static const char *program;

static void test_a_healthy_machine_boots_a_node(void **state)
{
    struct said said;

    (void)state;
    run(program, "$TTB doctor", &said);
    if (said.status != 0)
        fail_msg("exit status %d: %s", said.status, said.out);
    assert_string_equal(said.err, "");
    assert_null(strstr(said.out, "FAIL"));
    assert_says(said.out, "ok    kernel     Linux ");
    assert_says(said.out, "ok    ptrace     is permitted");
    assert_says(said.out, "ok    boot       Linux ");
    assert_says(said.out, "1000 simulated seconds of sleep took ");
}

static void test_an_image_that_does_not_boot_is_said(void **state)
{
    struct said said;

    (void)state;
    run(program, "TTB_IMAGE=/bin/busybox $TTB doctor", &said);
    assert_int_equal(said.status, 3);
    assert_says(said.out, "ok    image");
    assert_says(said.out, "FAIL  boot       ");
    assert_says(said.out, "last console line: \"");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_healthy_machine_boots_a_node),
        cmocka_unit_test(test_an_image_that_does_not_boot_is_said),
    };

    if (argc < 2)
        return 2;
    program = argv[1];
    if (!getenv("TTB_KERNEL") || !getenv("TTB_IMAGE")) {
        fprintf(stderr,
                "SKIPPED: TTB_KERNEL and TTB_IMAGE do not name a UML kernel and an image\n");
        return 77;
    }
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
