#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs every fuzzer of a build directory for so many seconds each; what it finds worth keeping stays in
# BUILD-DIRECTORY/corpus. Inputs that crash are left in BUILD-DIRECTORY/crashes.
#   tools/fuzz.sh BUILD-DIRECTORY SECONDS
set -eu
build=$1 seconds=$2
root=$(cd "$(dirname -- "$0")/.." && pwd)

status=0
mkdir -p "$build/crashes"
for fuzzer in "$build"/fuzz/fuzz_*; do
    [ -f "$fuzzer" ] || continue
    [ -x "$fuzzer" ] || continue
    name=${fuzzer##*/}
    seeds=$root/fuzz/corpus/$name
    [ -d "$seeds" ] || seeds=
    mkdir -p "$build/corpus/$name"
    printf 'fuzz: %s, %s s\n' "$name" "$seconds"
    # shellcheck disable=SC2086 # none or one
    if ! "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
        "$build/corpus/$name" $seeds > "$build/$name.log" 2>&1; then
        tail -n 60 "$build/$name.log"
        printf 'fuzz: %s failed; the input is in %s\n' "$name" "$build/crashes"
        status=1
    else
        sed -n 's/^stat::number_of_executed_units: */      executions: /p' "$build/$name.log"
    fi
done
exit "$status"
