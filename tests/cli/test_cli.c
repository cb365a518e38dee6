/* SPDX-License-Identifier: BSD-3-Clause */
/* What the program says and how it exits, without a kernel. */
#include "run.h"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static const char *program, *source;

static void expect(const char *line, int status, const char *out, const char *err)
{
    expect_of(program, line, status, out, err);
}

static void test_help_is_everywhere_and_goes_to_standard_output(void **state)
{
    (void)state;
    expect("$TTB --help", 0, "usage: ttb COMMAND", "");
    expect("$TTB -h", 0, "doctor", "");
    expect("$TTB help", 0, "Exit status", "");
    expect("$TTB kernel --help", 0, "usage: ttb kernel build", "");
    expect("$TTB kernel build --help", 0, "usage: ttb kernel build", "");
    expect("$TTB image -h", 0, "usage: ttb image build", "");
    expect("$TTB doctor --help", 0, "usage: ttb doctor", "");
    expect("$TTB --version", 0, "ttb 0.", "");
}

static void test_wrong_usage_is_named_and_exits_with_2(void **state)
{
    (void)state;
    expect("$TTB", 2, "", "usage: ttb COMMAND");
    expect("$TTB krenel", 2, "", "ttb: there is no command \"krenel\"\ntry: ttb --help");
    expect("$TTB --frob", 2, "", "there is no option \"--frob\"");
    expect("$TTB kernel", 2, "", "ttb kernel: build, list or path?");
    expect("$TTB kernel frob", 2, "", "ttb kernel: there is no \"frob\"\ntry: ttb kernel --help");
    expect("$TTB kernel path 6.12 6.1", 2, "", "\"6.1\" is one argument too many");
    expect("$TTB kernel list all", 2, "", "\"all\" is one argument too many");
    expect("$TTB image path a b", 2, "", "\"b\" is one argument too many");
    expect("$TTB image list all", 2, "", "\"all\" is one argument too many");
    expect("$TTB doctor now", 2, "", "\"now\" is one argument too many");
}

static void test_missing_kernels_and_images_come_with_the_remedy(void **state)
{
    (void)state;
    expect("TTB_KERNEL= TTB_CACHE=/nowhere $TTB kernel path", 3, "", "ttb kernel build");
    expect("TTB_KERNEL= TTB_CACHE=/nowhere $TTB kernel path 6.12", 3, "", "\"6.12\"");
    expect("TTB_KERNEL=/nowhere/linux $TTB kernel path", 3, "", "/nowhere/linux");
    expect("TTB_IMAGE= TTB_CACHE=/nowhere $TTB image path", 3, "", "ttb image build busybox");
    expect("TTB_IMAGE=$TTB $TTB image path", 0, "/ttb\n", "");
    expect("TTB_KERNEL=$TTB $TTB kernel path", 0, "/ttb\n", "");
}

static void test_scripts_are_found_and_what_they_say_is_passed_on(void **state)
{
    struct said said;

    (void)state;
    unsetenv("TTB_DATADIR");
    run(program, "TTB_CACHE=/nowhere $TTB kernel list", &said);
    assert_int_equal(said.status, 0);
    assert_string_equal(said.out, "");
    expect("TTB_CACHE=/nowhere $TTB kernel build 1.2.3", 2, "", "1.2.3");
    expect("TTB_DATADIR=/nowhere $TTB kernel list", 3, "",
           "TTB_DATADIR is /nowhere, where there is no uml-patches/build.sh");
}

/* A data directory of ours, whose script does what the test says. */
static char *make_data(const char *script)
{
    static const char *const folders[] = {"uml-patches", "images"};
    char *data = strdup("/tmp/ttb-test-XXXXXX"), path[200];

    assert_non_null(data);
    assert_non_null(mkdtemp(data));
    for (size_t i = 0; i < 2; i++) {
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", data, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        strcat(path, "/build.sh");
        file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "#!/bin/sh\n%s\n", script);
        fclose(file);
        assert_int_equal(chmod(path, 0700), 0);
    }
    setenv("TTB_DATADIR", data, 1);
    return data;
}

static void drop_data(char *data)
{
    char path[200];

    snprintf(path, sizeof(path), "rm -rf -- '%s'", data);
    assert_int_equal(system(path), 0);
    unsetenv("TTB_DATADIR");
    free(data);
}

static void test_arguments_and_statuses_of_scripts(void **state)
{
    char *data = make_data("for a; do echo \"[$a]\"; done; exit ${STATUS:-0}");

    (void)state;
    expect("$TTB kernel build -j 3 6.12", 0, "[-j]\n[3]\n[6.12]\n", "");
    expect("$TTB kernel build", 0, "", "");
    expect("$TTB kernel list", 0, "[--list]\n", "");
    expect("$TTB image build debian 'a b'", 0, "[debian]\n[a b]\n", "");
    expect("$TTB image list", 0, "[--list]\n", "");
    /* 1 means a failed expectation to our callers, which a failed build is not. */
    expect("STATUS=1 $TTB kernel build", 3, "", "");
    expect("STATUS=2 $TTB kernel build", 2, "", "");
    expect("STATUS=130 $TTB image build", 130, "", "");
    drop_data(data);
}

static void test_a_signal_reaches_the_script_and_is_waited_for(void **state)
{
    char *data = make_data("trap 'echo cleaned; exit 143' TERM; echo $$ > $MARK; sleep 60 & wait");
    char mark[64];
    struct said said;

    (void)state;
    snprintf(mark, sizeof(mark), "/tmp/ttb-test-mark-%d", (int)getpid());
    setenv("MARK", mark, 1);
    run(program,
        "$TTB kernel build & pid=$!; while [ ! -s $MARK ]; do sleep 0.02; done; kill -TERM $pid; "
        "wait $pid; status=$?; kill -0 $(cat $MARK) 2> /dev/null && echo alive; exit $status",
        &said);
    assert_int_equal(said.status, 143);
    assert_string_equal(said.out, "cleaned\n");
    unlink(mark);
    unsetenv("MARK");
    drop_data(data);
}

static void test_output_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    expect("$TTB --help > /dev/full", 3, "", "cannot write to standard output: No space left");
}

static void test_the_doctor_names_all_that_is_missing_at_once(void **state)
{
    struct said said;

    (void)state;
    run(program, "TTB_KERNEL=/nowhere/k TTB_IMAGE=/nowhere/i $TTB doctor", &said);
    assert_int_equal(said.status, 3);
    assert_string_equal(said.err, "");
    assert_says(said.out, "FAIL  kernel     kernel /nowhere/k");
    assert_says(said.out, "FAIL  image      image /nowhere/i");
    assert_says(said.out, "FAIL  boot       not tried: there is no kernel");
    assert_says(said.out, "ok    host");
    run(program, "TTB_KERNEL=/bin/busybox $TTB doctor", &said);
    assert_int_equal(said.status, 3);
    assert_says(said.out,
                "busybox: is not a User-Mode Linux kernel; build one with: ttb kernel build");
}

static void test_completion_offers_commands_and_what_was_built(void **state)
{
    char line[1000];
    struct said said;

    (void)state;
    snprintf(
        line, sizeof(line),
        "mkdir -p $CACHE/kernels/6.12-0123456789ab && > $CACHE/kernels/6.12-0123456789ab/manifest"
        "\nTTB_CACHE=$CACHE bash -c '. %s/share/completion/bash/ttb\n"
        "COMP_WORDS=(ttb ke) COMP_CWORD=1; _ttb; echo \"${COMPREPLY[*]}\"\n"
        "COMP_WORDS=(ttb image \"\") COMP_CWORD=2; _ttb; echo \"${COMPREPLY[*]}\"\n"
        "COMP_WORDS=(ttb kernel path 6) COMP_CWORD=3; _ttb; echo \"${COMPREPLY[*]}\"'\n"
        "rm -r $CACHE",
        source);
    {
        char cache[64];

        snprintf(cache, sizeof(cache), "/tmp/ttb-test-cache-%d", (int)getpid());
        setenv("CACHE", cache, 1);
    }
    run(program, line, &said);
    assert_string_equal(said.err, "");
    assert_string_equal(said.out, "kernel\nbuild list path --help\n6.12\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_is_everywhere_and_goes_to_standard_output),
        cmocka_unit_test(test_wrong_usage_is_named_and_exits_with_2),
        cmocka_unit_test(test_missing_kernels_and_images_come_with_the_remedy),
        cmocka_unit_test(test_scripts_are_found_and_what_they_say_is_passed_on),
        cmocka_unit_test(test_arguments_and_statuses_of_scripts),
        cmocka_unit_test(test_a_signal_reaches_the_script_and_is_waited_for),
        cmocka_unit_test(test_output_that_cannot_be_written_is_an_error),
        cmocka_unit_test(test_the_doctor_names_all_that_is_missing_at_once),
        cmocka_unit_test(test_completion_offers_commands_and_what_was_built),
    };

    if (argc < 3)
        return 2;
    program = argv[1];
    source = argv[2];
    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
