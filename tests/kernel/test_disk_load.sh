#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A load that verifies its data (disk_load.c), on a file, a plain disk, and a layer on a base: right,
# and the same in every run, in simulated time, console and every byte of the images, whether the host
# is idle or busy. TTB_TEST_RUNS says how many runs of each kind, 3 by default.

. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar sha256sum cc
runs=${TTB_TEST_RUNS:-3}
cc -static -O2 -D_GNU_SOURCE -o "$t/disk_load" "$here/disk_load.c" 2>/dev/null ||
    skip "cannot build a static program"

new_node "$t/a" <<'EOT'
load=/run/ttb/disk_load
dd if=/dev/urandom of=/root/file bs=256k count=16 2>/dev/null; sync
$load /root/file 4194304 400 1 || exit 1
$load /dev/ubdc 4194304 400 2 discard || exit 1
$load /dev/ubdd 4194304 400 3 discard || exit 1
cat /proc/uptime
sha256sum /root/file /dev/ubdc /dev/ubdd
EOT
cp "$t/disk_load" "$t/a/input/"
tar -cf "$t/a/input.tar" --mtime=@0 --sort=name -C "$t/a/input" .
awk 'BEGIN { for (i = 0; i < 8192; i++) printf "%-511s\n", "base " i }' > "$t/base"

# One line: everything that must be the same.
run() {
    rm -f "$t/a/plain" "$t/a/layer"
    truncate -s 4M "$t/a/plain"
    limit=200 boot "$t/a" ubd2d=plain ubd3=layer,../base "$@"
    # The layer begins with the name and the time of its base, and its own file name is in the path:
    # both are the same in each run here.
    (cd "$t/a" && cat console plain layer cow | sha256sum)
}

kind() { # TEXT ARGUMENT...
    kind_text=$1
    shift
    first=$(run "$@")
    check_equal "$kind_text: file, plain disk and layer hold what was written" 3 \
        "$(grep -c '^disk_load: right' "$t/a/console")"
    grep '^disk_load: right' "$t/a/console" | sed -n '2s/^/        /p'
    same=1
    while [ $same -lt "$runs" ] && [ "$(run "$@")" = "$first" ]; do same=$((same + 1)); done
    check_equal "$kind_text: runs are equal" "$runs" $same
    host_is_busy
    same=0
    while [ $same -lt "$runs" ] && [ "$(run "$@")" = "$first" ]; do same=$((same + 1)); done
    host_is_idle
    check_equal "$kind_text: and equal on a busy host" "$runs" $same
}

kind "in no time"
grep -q 'ubd<n>.latency=' "$kernel" || finish
kind "with latency" ubd0.latency=100000:1000:50000:2000000 ubd2.latency=100000:1000:50000:2000000 \
    ubd3.latency=1000000:0:1000000 ubd3.undo=undo
finish
