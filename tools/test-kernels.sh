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
tools/build-kernels.sh 6.12 unpatched-6.12 6.1 unpatched-6.1 7.x unpatched-7.x || exit 1
export TTB_TEST_PATCHES=1
exec ctest --test-dir "$build" --output-on-failure -R '^(kernel|lab_power|lab_kernels)' "$@"
