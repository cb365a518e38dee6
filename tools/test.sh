#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs the tests of a build directory; further arguments go to ctest.
#   tools/test.sh BUILD-DIRECTORY [CTEST-ARGUMENT...]
#
# ctest counts a skipped test as passed. Here the kernels are at hand, so a test that boots nodes
# (label "uml", and those that $others names) and says that it cannot has failed.
set -u -o pipefail

build=$1
shift
tools=$(dirname -- "$0")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

names() { ctest --test-dir "$build" -N "$@" | sed -n 's/^ *Test *#[0-9]*: //p'; }

# The Debian images that tests and examples boot; made once.
for packages in '' "$(cat "$tools/../examples/debian-packages")"; do
    # shellcheck disable=SC2086 # a list of words
    "$build/ttb" image build debian $packages > "$log" || { cat "$log"; exit 1; }
done

# Beside the usual kernel an older one, and the usual one without patches to compare with, if tests that
# were asked for want them. The newest one takes as long again and changes under us: what is there of it
# is tested, and "make test-kernels" builds it.
asked=$(names "$@")
on_old=$(grep -E '^kernel_.*_6\.1$' <<< "$asked" | grep -vE '^kernel_(unpatched|patches)_')
compared=$(grep -E '^kernel_unpatched_6\.12$' <<< "$asked")
# shellcheck disable=SC2086 # a list of words
built=$("$tools/build-kernels.sh" ${on_old:+6.12 6.1} ${compared:+6.12 unpatched-6.12}) || exit 1
others=
grep -qxF 6.1 <<< "$built" && others=$on_old
grep -qxF unpatched-6.12 <<< "$built" && others="$others
$compared"

ctest --test-dir "$build" --output-on-failure "$@" 2>&1 | tee "$log"
status=$?

skipped=$(sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) .*\*\*\*Skipped.*/\1/p' "$log")
needed=$(names -L '^uml$'; printf '%s\n' "$others")
for name in $skipped; do
    if grep -qxF -- "$name" <<< "$needed"; then
        printf 'test: %s was skipped although a kernel is there\n' "$name" >&2
        status=1
    fi
done
exit "$status"
