#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Shows that runs repeat: each example's scenario is run many times, first alone, then with every core
# kept busy, then once with two nodes at a time (--jobs 2), and all traces must be equal byte for byte; with
# another seed the digest must be another.
#   tools/evidence.sh [--runs N] [--ttb PROGRAM] [--keep DIRECTORY] [SCENARIO...]
#
#   --runs N   so many alone and so many with load (20)
#   --ttb      default build/ttb
#   --keep     where runs that differ are left (else nowhere)
#   SCENARIO   default: examples/*/scenario.yaml
#
# Prints one line for each scenario. Exit status: 0; 1 if anything differed or was not as expected; 77 if
# a scenario needs a Debian image that has not been made (tools/test.sh makes it) and nothing failed.
set -u -o pipefail
root=$(cd "$(dirname -- "$0")/.." && pwd)

usage() {
    printf 'usage: tools/evidence.sh [--runs N] [--ttb PROGRAM] [--keep DIRECTORY] [SCENARIO...]\n' >&2
    exit 2
}

runs=20
ttb=$root/build/ttb
keep=
while [ $# -gt 0 ]; do
    case $1 in
        --runs) runs=${2-}; shift 2 || usage ;;
        --ttb) ttb=${2-}; shift 2 || usage ;;
        --keep) keep=${2-}; shift 2 || usage ;;
        -*) usage ;;
        *) break ;;
    esac
done
case $runs in '' | *[!0-9]* | 0) usage ;; esac
[ $# -gt 0 ] || set -- "$root"/examples/*/scenario.yaml
[ -x "$ttb" ] || { printf 'evidence: there is no program %s\n' "$ttb" >&2; exit 2; }
"$ttb" kernel path > /dev/null || exit 77

work=$(mktemp -d)
load=()
stop_load() {
    [ ${#load[@]} = 0 ] || kill "${load[@]}" 2> /dev/null
    [ ${#load[@]} = 0 ] || wait "${load[@]}" 2> /dev/null
    load=()
}
trap 'stop_load; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

start_load() {
    local core
    for ((core = 0; core < 2 * $(nproc); core++)); do
        sh -c 'while :; do :; done' &
        load+=($!)
    done
}

failures=0
complain() {
    printf 'evidence: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# One run into $work/$1; its wall time is added to the file $work/wall-$2.
run_once() {
    local name=$1 series=$2 status
    shift 2
    "$ttb" run "$scenario" -o "$work/$name" "${image[@]}" "$@" > "$work/said" 2>&1
    status=$?
    sed -n 's/.* of simulated time, \([0-9.]*\) s of wall time.*/\1/p' "$work/said" >> "$work/wall-$series"
    return "$status"
}

digest_of() {
    sed -n 's/^digest //p' "$work/said"
}

median() {
    sort -n "$work/wall-$1" | awk '{ wall[NR] = $1 } END { printf "%.2f", wall[int((NR + 1) / 2)] }'
}

# The first run is what all others are compared with.
compare() {
    cmp -s "$work/first/run.ttb" "$work/other/run.ttb" && return 0
    complain "$title: this run differs from the first ($1):"
    "$ttb" diff "$work/first" "$work/other" >&2
    if [ -n "$keep" ]; then
        mkdir -p "$keep"
        cp -r --sparse=always "$work/first" "$keep/$title-first"
        cp -r --sparse=always "$work/other" "$keep/$title-$1"
    fi
    return 1
}

several_cores() {
    rm -rf "$work/other"
    run_once other jobs --jobs 2 || { complain "$title with --jobs 2:" "$(cat "$work/said")"; return 1; }
    digest_of >> "$work/digests"
    compare jobs
}

series() {
    local kind=$1 number
    for ((number = 1; number <= runs; number++)); do
        rm -rf "$work/other"
        run_once other "$kind" || { complain "$title, $kind run $number:" "$(cat "$work/said")"; return 1; }
        digest_of >> "$work/digests"
        [ -d "$work/first" ] || mv "$work/other" "$work/first"
        [ ! -d "$work/other" ] || compare "$kind-$number" || return 1
    done
}

other_seed() {
    rm -rf "$work/other"
    # What is expected was written for the scenario's own seed: only that it comes to an end matters.
    run_once other seed --seed 4711
    [ $? -le 1 ] || { complain "$title with another seed:" "$(cat "$work/said")"; return 1; }
    grep -qxF -- "$(digest_of)" "$work/digests" || return 0
    complain "$title: another seed has given the same digest"
    return 1
}

printf '%-20s %6s %7s %12s %12s %8s  %s\n' scenario runs digests 'wall, alone' 'wall, busy' 'seed' digest
skipped=0
for scenario; do
    title=$(basename "$(dirname -- "$scenario")")
    image=()
    if grep -q 'image: debian' "$scenario"; then
        # shellcheck disable=SC2046 # a list of words
        path=$("$root/images/build.sh" --print debian $(cat "$root/examples/debian-packages") 2> /dev/null) || {
            printf '%-20s skipped: it needs: ttb image build debian %s\n' "$title" \
                "$(cat "$root/examples/debian-packages")"
            skipped=1
            continue
        }
        image=(--set "defaults.image=$path")
    fi
    rm -rf "${work:?}"/*
    before=$failures
    series alone && start_load && series busy
    stop_load
    [ "$failures" != "$before" ] || several_cores
    [ "$failures" != "$before" ] || other_seed
    if [ "$failures" = "$before" ]; then
        printf '%-20s %6s %7s %10s s %10s s %8s  %.16s\n' "$title" "$((2 * runs + 1))" \
            "$(sort -u "$work/digests" | wc -l)" "$(median alone)" "$(median busy)" differs \
            "$(head -n 1 "$work/digests")"
    else
        printf '%-20s FAILED\n' "$title"
    fi
done
[ "$failures" = 0 ] || exit 1
[ "$skipped" = 0 ] || exit 77
