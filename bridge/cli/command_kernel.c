/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <ttbridge/lab.h>

#define SCRIPT "uml-patches/build.sh"

static const char help[] =
    "usage: ttb kernel build [-j JOBS] [--unpatched] [VERSION]\n"
    "       ttb kernel build --source DIRECTORY [--unpatched] VERSION\n"
    "       ttb kernel list\n"
    "       ttb kernel path [VERSION|PATH]\n"
    "\n"
    "User-Mode Linux kernels for nodes.\n"
    "\n"
    "  build   build a kernel from Debian's sources with our patches; the last line that it\n"
    "          prints is the path. One that is built already is found in no time.\n"
    "            -j JOBS       compile with so many jobs; default: one per processor\n"
    "            --unpatched   without our patches, to see what they are for; its name is\n"
    "                          unpatched-VERSION, and it is nobody's default\n"
    "            --source DIRECTORY   only make the source tree it is built from\n"
    "            VERSION is 6.12 (the default), 6.1, or 7.x: the newest in Debian's unstable\n"
    "            distribution\n"
    "  list    what has been built\n"
    "  path    the kernel that nodes get: the one that was built last, of VERSION if given\n"
    "\n"
    "Kernels are kept in $TTB_CACHE/kernels, by default ~/.cache/ttbridge/kernels.\n"
    "TTB_KERNEL overrides the default of nodes with the path of another one.\n";

static int print_path(int argc, char **argv)
{
    char path[PATH_MAX], error[512];

    if (argc > 2)
        return usage_error("kernel", "path: \"%s\" is one argument too many", argv[2]);
    if (ttb_lab_find_kernel(argc > 1 ? argv[1] : NULL, path, sizeof(path), error, sizeof(error))) {
        fprintf(stderr, "ttb kernel: %s\n", error);
        return EXIT_BROKEN;
    }
    puts(path);
    return EXIT_AS_EXPECTED;
}

int command_kernel(int argc, char **argv)
{
    static char list[] = "--list";

    if (argc < 2)
        return usage_error("kernel", "build, list or path?");
    if (is_help(argv[1]) || (argc == 3 && is_help(argv[2]))) {
        fputs(help, stdout);
        return EXIT_AS_EXPECTED;
    }
    if (strcmp(argv[1], "build") == 0)
        return run_script(SCRIPT, argv + 1);
    if (strcmp(argv[1], "path") == 0)
        return print_path(argc - 1, argv + 1);
    if (strcmp(argv[1], "list") == 0) {
        char *arguments[] = {NULL, list, NULL};

        if (argc > 2)
            return usage_error("kernel", "list: \"%s\" is one argument too many", argv[2]);
        return run_script(SCRIPT, arguments);
    }
    return usage_error("kernel", "there is no \"%s\"", argv[1]);
}
