#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Two nodes on one clock (disk_nodes.c), each with a load that verifies its data on a file, a plain disk
# and a layer on a base: right, and the same in every run, in simulated times, in what they print, and
# in every byte of their disks, whether the host is idle or busy.
#
#     test_disk_nodes.sh [DISK_NODES]      the program; default: that in build/
#
# TTB_TEST_RUNS further runs of each kind, 1 by default; TTB_TEST_OPERATIONS per disk, 60 by default.
# TTB_KERNEL_VERSION_B gives the second node another kernel than the first.

. "$(dirname -- "$0")/lib.sh"
find_node
need tar sha256sum cc
program=${1:-$top/build/tests/kernel/disk_nodes}
[ -x "$program" ] || skip "there is no $program"
runs=${TTB_TEST_RUNS:-1}
operations=${TTB_TEST_OPERATIONS:-60}
kernel_b=$kernel
if [ -n "${TTB_KERNEL_VERSION_B:-}" ]; then
    kernel_b=$("$top/uml-patches/build.sh" --print "$TTB_KERNEL_VERSION_B" 2>/dev/null) ||
        skip "kernel $TTB_KERNEL_VERSION_B is not built; run: uml-patches/build.sh" \
            "$TTB_KERNEL_VERSION_B"
fi
cc -static -O2 -D_GNU_SOURCE -o "$t/disk_load" "$here/disk_load.c" 2>/dev/null ||
    skip "cannot build a static program"
mkdir "$t/run"
awk 'BEGIN { for (i = 0; i < 8192; i++) printf "%-511s\n", "base " i }' > "$t/run/base"
export TTB_IMAGE="$image"
TMPDIR=$t
export TMPDIR

# One line: everything that must be the same.
run() { # LATENCY
    timeout 280 "$program" "$t/run" "$t/disk_load" base "$operations" "$1" "$kernel" "$kernel_b" \
        > "$t/out" 2> "$t/err" || cat "$t/err" >&2
    (
        cd "$t/run/nodes" && cat "$t/out" a/plain a/layer a/cow b/plain b/layer b/cow | sha256sum
    )
}

# "N of M": of M further runs, N are equal to $first.
repeat() { # LATENCY
    same=0
    for repeat_run in $(seq "$runs"); do
        [ "$(run "$1")" != "$first" ] || same=$((same + 1))
    done
    printf '%d of %d' "$same" "$runs"
}

kind() { # TEXT LATENCY
    first=$(run "$2")
    check_equal "$1: all six disks hold what was written" 6 \
        "$(grep -c ' disk_load: right' "$t/out")"
    sed -n 's/^[0-9]* \(. disk_load: right.*\)/        \1/p' "$t/out" | sed -n 2p
    check_equal "$1: every ping is answered" 2 \
        "$(grep -c '300 packets transmitted, 300 packets received' "$t/out")"
    sed -n 's/^\([0-9]*\) \([ab]\) ttb-init: exit.*/        \2 ends at \1 ns/p' "$t/out"
    check_equal "$1: further runs are equal" "$runs of $runs" "$(repeat "$2")"
    host_is_busy
    busy=$(repeat "$2")
    host_is_idle
    check_equal "$1: and equal on a busy host" "$runs of $runs" "$busy"
}

kind "in no time" 0
kind "with latency" 1
finish
