/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <ttbridge/lab.h>

#define SCRIPT "images/build.sh"

static const char help[] =
    "usage: ttb image build [busybox]\n"
    "       ttb image build debian [PACKAGE...]\n"
    "       ttb image list\n"
    "       ttb image path [NAME|PATH]\n"
    "\n"
    "Disk images for nodes. Nodes never write to an image but to a layer of their own.\n"
    "\n"
    "  build   make an image with busybox alone, or one with Debian packages; the last line that\n"
    "          it prints is the path. One that exists already is found in no time.\n"
    "  list    what has been made\n"
    "  path    the image that nodes get: the last one made under NAME, by default busybox\n"
    "\n"
    "Images are kept in $TTB_CACHE/images, by default ~/.cache/ttbridge/images.\n"
    "TTB_IMAGE overrides the default of nodes with the path of another one.\n";

static int print_path(int argc, char **argv)
{
    char path[PATH_MAX], error[512];

    if (argc > 2)
        return usage_error("image", "path: \"%s\" is one argument too many", argv[2]);
    if (ttb_lab_find_image(argc > 1 ? argv[1] : NULL, path, sizeof(path), error, sizeof(error))) {
        fprintf(stderr, "ttb image: %s\n", error);
        return EXIT_BROKEN;
    }
    puts(path);
    return EXIT_AS_EXPECTED;
}

int command_image(int argc, char **argv)
{
    static char list[] = "--list";

    if (argc < 2)
        return usage_error("image", "build, list or path?");
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
            return usage_error("image", "list: \"%s\" is one argument too many", argv[2]);
        return run_script(SCRIPT, arguments);
    }
    return usage_error("image", "there is no \"%s\"", argv[1]);
}
