#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Shows that runs repeat: each example's scenario is run many times, first alone, then with every core
# kept busy, then once with two nodes at a time (--jobs 2), and all traces must be equal byte for byte; with
# another seed the digest must be another. Examples that are programs are run many times likewise, and all
# that they print (but wall times) and all captures, consoles and traces that they leave must be equal.
#   tools/evidence.sh [--runs N] [--ttb PROGRAM] [--keep DIRECTORY] [SCENARIO|PROGRAM...]
#
#   --runs N   so many alone and so many with load (20)
#   --ttb      default build/ttb
#   --keep     where runs that differ are left (else nowhere)
#   SCENARIO   NAME/scenario.yaml; default: examples/*/scenario.yaml and the programs that were built from
#              examples/, each of which is run in a folder of its own
#
# Prints one line for each. Exit status: 0; 1 if anything differed or was not as expected; 77 if
# a scenario needs a Debian image that has not been made (tools/test.sh makes it) and nothing failed.
set -u -o pipefail
root=$(cd "$(dirname -- "$0")/.." && pwd)

usage() {
    printf 'usage: tools/evidence.sh [--runs N] [--ttb PROGRAM] [--keep DIRECTORY] [SCENARIO|PROGRAM...]\n' >&2
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
ttb=$(readlink -f -- "$ttb")
[ -x "$ttb" ] || { printf 'evidence: there is no program %s\n' "$ttb" >&2; exit 2; }
"$ttb" kernel path > /dev/null || exit 77
if [ $# = 0 ]; then
    set -- "$root"/examples/*/scenario.yaml
    for name in embed two-nodes ns3-csma ns3-wifi-adhoc ns3-wifi-dumbbell wifi-roaming; do
        program=$(dirname -- "$ttb")/examples/$name/$name
        [ ! -x "$program" ] || set -- "$@" "$program"
    done
fi

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
    for ((core = 0; core < $(nproc); core++)); do
        sh -c 'while :; do :; done' &
        load+=($!)
    done
}

failures=0
complain() {
    printf 'evidence: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# A program's run into $work/$1. What is compared is left there, and its SHA-256 takes a digest's place.
run_program() {
    local name=$1 series=$2 status start option=
    mkdir "$work/$name"
    # It removes its run directory unless it is told where that shall be.
    [ "$title" != two-nodes ] || option='-o run'
    start=$(date +%s%N)
    # shellcheck disable=SC2086 # words
    (cd "$work/$name" && "$scenario" $option > output 2> "$work/errors")
    status=$?
    awk "BEGIN { printf \"%.2f\\n\", ($(date +%s%N) - $start) / 1e9 }" >> "$work/wall-$series"
    sed -i '/^wall time /d' "$work/$name/output"
    # Not what nodes were started with, and no warning that one takes long on a busy host.
    find "$work/$name" -type f ! -name output ! -name '*.pcap' ! -name '*.xml' ! -name console.log \
        ! -name run.ttb -delete
    find "$work/$name" ! -type d ! -type f -delete
    cat "$work/$name/output" "$work/errors" > "$work/said"
    (cd "$work/$name" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum |
        sha256sum | sed 's/^/digest /') >> "$work/said"
    return "$status"
}

# One run into $work/$1; its wall time is added to the file $work/wall-$2.
run_once() {
    local name=$1 series=$2 status
    if [ "$is_program" = yes ]; then
        run_program "$name" "$series"
        return
    fi
    shift 2
    "$ttb" run "$scenario" -o "$work/$name" "${image[@]}" "$@" > "$work/said" 2>&1
    status=$?
    sed -n 's/.* of simulated time, \([0-9.]*\) s of wall time.*/\1/p' "$work/said" >> "$work/wall-$series"
    return "$status"
}

digest_of() {
    sed -n 's/^digest //p' "$work/said" | tail -n 1
}

median() {
    sort -n "$work/wall-$1" | awk '{ wall[NR] = $1 } END { printf "%.2f", wall[int((NR + 1) / 2)] }'
}

# The first run is what all others are compared with.
compare() {
    if [ "$is_program" = yes ]; then
        diff -r "$work/first" "$work/other" > "$work/differ" && return 0
        complain "$title: this run differs from the first ($1):"
        head -n 20 "$work/differ" >&2
        return 1
    fi
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
    scenario=$(readlink -f -- "$scenario")
    title=$(basename "$(dirname -- "$scenario")")
    image=()
    is_program=yes
    case $scenario in *.yaml) is_program=no ;; esac
    if [ $is_program = no ] && grep -q 'image: debian' "$scenario"; then
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
    count=$((2 * runs)) seed=-
    if [ "$failures" = "$before" ] && [ $is_program = no ]; then
        several_cores && other_seed
        count=$((count + 1)) seed=differs
    fi
    if [ "$failures" = "$before" ]; then
        printf '%-20s %6s %7s %10s s %10s s %8s  %.16s\n' "$title" "$count" \
            "$(sort -u "$work/digests" | wc -l)" "$(median alone)" "$(median busy)" $seed \
            "$(head -n 1 "$work/digests")"
    else
        printf '%-20s FAILED\n' "$title"
    fi
done
[ "$failures" = 0 ] || exit 1
[ "$skipped" = 0 ] || exit 77
