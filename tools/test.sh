#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs the tests of a build directory; further arguments go to ctest.
#   tools/test.sh BUILD-DIRECTORY [CTEST-ARGUMENT...]
#
# ctest counts a skipped test as passed. Here the kernel is at hand, so a test that boots nodes
# (label "uml") and says that it cannot has failed.
set -u -o pipefail

build=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The Debian images that tests and examples boot; made once.
for packages in '' "$(cat "$(dirname -- "$0")/../examples/debian-packages")"; do
    # shellcheck disable=SC2086 # a list of words
    "$build/ttb" image build debian $packages > "$log" || { cat "$log"; exit 1; }
done

ctest --test-dir "$build" --output-on-failure "$@" 2>&1 | tee "$log"
status=$?

skipped=$(sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) .*\*\*\*Skipped.*/\1/p' "$log")
needed=$(ctest --test-dir "$build" -N -L '^uml$' | sed -n 's/^ *Test *#[0-9]*: //p')
for name in $skipped; do
    if grep -qxF -- "$name" <<< "$needed"; then
        printf 'test: %s was skipped although a kernel is there\n' "$name" >&2
        status=1
    fi
done
exit "$status"
