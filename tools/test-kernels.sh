#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds every kernel there are patches for, with and without them, and runs the tests of kernels on all
# of them, the patches' own included; further arguments go to ctest. A version whose source cannot be had
# is skipped.
#   tools/test-kernels.sh BUILD-DIRECTORY [CTEST-ARGUMENT...]
set -u
cd "$(dirname -- "$0")/.." || exit 1

build=$1
shift
for version in 6.12 6.1 7.x; do
    for variant in '' --unpatched; do
        # shellcheck disable=SC2086 # none or one
        uml-patches/build.sh $variant $version
        case $? in
            0) ;;
            77) printf 'test-kernels: SKIPPED: %s, its source cannot be had\n' "$version" >&2 ;;
            *) exit 1 ;;
        esac
    done
done
export TTB_TEST_PATCHES=1
exec ctest --test-dir "$build" --output-on-failure -R '^(kernel|lab_power|lab_kernels)' "$@"
