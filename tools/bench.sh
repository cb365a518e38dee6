#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs the benchmarks of a build directory, whose target "benches" has been built, and prints one table:
# figure, floor, ratio, target. With --base, builds another revision beside it, runs both by turns, and
# prints what each measured.
#   tools/bench.sh [--base REVISION] [--turns N] BUILD-DIRECTORY [BENCHMARK...]
#
#   --base     a git revision, built in BUILD-DIRECTORY/bench-base with a kernel and image of its own
#   --turns    times that each benchmark of both is run with --base, of which the least counts (2)
#   BENCHMARK  only these; default: all. See the list below.
#
# Exit status: 0; 1 if a benchmark failed; 2 usage; 3 if the other revision cannot be built.
set -u -o pipefail
root=$(cd "$(dirname -- "$0")/.." && pwd)

all=(ping bulk parallel scale boot idle ns3_ping ns3 net record record_ping export)

usage() {
    printf 'usage: tools/bench.sh [--base REVISION] [--turns N] BUILD-DIRECTORY [BENCHMARK...]\n' >&2
    printf 'benchmarks: %s\n' "${all[*]}" >&2
    exit 2
}

base=
turns=2
while [ $# -gt 0 ]; do
    case $1 in
        --base) base=${2-}; shift 2 || usage ;;
        --turns) turns=${2-}; shift 2 || usage ;;
        -*) usage ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || usage
[[ $turns =~ ^[1-9][0-9]*$ ]] || usage
build=$(cd "$1" && pwd) || exit 2
shift
[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
    [[ " ${all[*]} " == *" $name "* ]] || usage
done

# run_one BUILD BENCHMARK: the rows of one benchmark; nothing if that build does not have it.
run_one() {
    local folder=$1/bench
    case $2 in
        ping | bulk | parallel | scale | boot | idle)
            [ ! -x "$folder/bench_nodes" ] || "$folder/bench_nodes" "$2" ;;
        ns3_ping) [ ! -x "$folder/bench_ns3_ping" ] || "$folder/bench_ns3_ping" "$1/ttb" ;;
        export) [ ! -x "$folder/bench_export" ] || "$folder/bench_export" pcapng ;;
        *) [ ! -x "$folder/bench_$2" ] || "$folder/bench_$2" ;;
    esac
}

failed=0
if [ -z "$base" ]; then
    printf '%-44s %10s %-8s %10s %7s  %s\n' figure measured '' floor ratio 'target ratio'
    for name in "$@"; do
        run_one "$build" "$name" || { printf 'bench: %s failed\n' "$name" >&2; failed=1; }
    done
    exit $failed
fi

# ------------------------------------------------------------------------ against another revision

commit=$(git -C "$root" rev-parse --verify --quiet "$base^{commit}") || {
    printf 'bench: "%s" is no revision\n' "$base" >&2
    exit 2
}
work=$build/bench-base
source=$work/source
mkdir -p "$work"
if [ "$(git -C "$source" rev-parse HEAD 2> /dev/null)" != "$commit" ]; then
    git -C "$root" worktree remove --force "$source" 2> /dev/null
    rm -rf "$source"
    git -C "$root" worktree prune
    git -C "$root" worktree add --quiet --detach "$source" "$commit" || exit 3
fi
printf 'building %s in %s\n' "$base" "$work" >&2
ns3=$(sed -n 's/^TTB_NS3:BOOL=//p' "$build/CMakeCache.txt")
launcher=$(sed -n 's/^CMAKE_C_COMPILER_LAUNCHER:[A-Z]*=//p' "$build/CMakeCache.txt")
{
    cmake -S "$source" -B "$work/build" -DTTB_NS3="${ns3:-ON}" -DTTB_TESTS=ON \
        -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" &&
        cmake --build "$work/build" -j "$(nproc)" --target ttb || exit 3
    # What that revision has of them; before there was a target for all they were built one by one.
    cmake --build "$work/build" -j "$(nproc)" --target benches ||
        for name in nodes net record record_ping export ns3 ns3_ping; do
            cmake --build "$work/build" -j "$(nproc)" --target "bench_$name"
        done
} > "$work/build.log" 2>&1
[ -x "$work/build/bench/bench_nodes" ] || { printf 'bench: see %s\n' "$work/build.log" >&2; exit 3; }
base_kernel=$("$work/build/ttb" kernel build | tail -n 1)
base_image=$("$work/build/ttb" image build | tail -n 1)

rm -f "$work/rows."*
for name in "$@"; do
    for ((turn = 0; turn < turns; turn++)); do
        TTB_KERNEL=$base_kernel TTB_IMAGE=$base_image run_one "$work/build" "$name" \
            >> "$work/rows.base" || failed=1
        run_one "$build" "$name" >> "$work/rows.now" || failed=1
    done
done

printf '%-44s %10s %10s %-8s %7s\n' figure "${base:0:10}" now '' ratio
# Columns as bench/row.c prints them: 44 of the figure, 10 of the value, the unit.
awk '
    { name = substr($0, 1, 44); value = substr($0, 46, 10) + 0; unit = substr($0, 57, 8) }
    FNR == 1 { file++ }
    substr($0, 46, 10) !~ /^ *[0-9.]+$/ { next }
    file == 1 && (!(name in base) || value < base[name]) { base[name] = value }
    file == 2 {
        if (!(name in now)) { order[++count] = name; units[name] = unit }
        if (!(name in now) || value < now[name]) now[name] = value
    }
    END {
        for (i = 1; i <= count; i++) {
            name = order[i]
            if (!(name in base)) {
                printf "%-44s %10s %10.2f %-8s\n", name, "-", now[name], units[name]
            } else if (base[name] > 0) {
                printf "%-44s %10.2f %10.2f %-8s %7.2f\n", name, base[name], now[name], units[name],
                    now[name] / base[name]
            } else {
                printf "%-44s %10.2f %10.2f %-8s\n", name, base[name], now[name], units[name]
            }
        }
    }' "$work/rows.base" "$work/rows.now"
exit $failed
