#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds kernels, VERSION or unpatched-VERSION, one after another, and prints the names of those that are
# there then, one line each. One whose source cannot be had is skipped, which is said.
#   tools/build-kernels.sh NAME...
set -u
cd "$(dirname -- "$0")/.." || exit 1

for name; do
    case $name in
        unpatched-*) uml-patches/build.sh --unpatched "${name#unpatched-}" ;;
        *) uml-patches/build.sh "$name" ;;
    esac > /dev/null
    case $? in
        0) printf '%s\n' "$name" ;;
        77) printf 'SKIPPED: the tests on Linux %s, its source cannot be had\n' "$name" >&2 ;;
        *) exit 1 ;;
    esac
done
