#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Twenty runs with equal command lines print the same bytes: time, entropy, addresses, process ids,
# and files on disk with all their times. RUNS=N changes the number.

. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar md5sum

script() {
    cat <<'EOT'
date; cat /proc/uptime
head -c 4096 /dev/urandom | md5sum
od -An -tx8 -N16 /dev/random
cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id
ip link add veth0 type veth peer name veth1; ip link show veth0
cat /proc/self/maps | md5sum
cd /root
i=0
while [ $i -lt 20 ]; do
    dd if=/dev/urandom of=file$i bs=1000 count=$((i * 7 + 1)) conv=fsync 2>/dev/null
    i=$((i + 1))
done
sleep 7
mkdir d; mv file1* d; rm d/file13; ln file2 link
usleep 1234567
ls -la --full-time . d
sync; echo 3 > /proc/sys/vm/drop_caches
find . -type f | sort | xargs md5sum
stat /root/file3 | grep -v Device
(sleep 3; echo background $$) & (sleep 2; echo other) & wait
date +%s; cat /proc/uptime; cat /proc/diskstats | grep ubda; cat /proc/interrupts
dmesg
EOT
}

runs=${RUNS:-20}
i=1
while [ "$i" -le "$runs" ]; do
    script | new_node "$t/run$i"
    # The files differ, the command lines are equal.
    boot "$t/run$i" || fail "run $i ended with status $?"
    sha256sum < "$t/run$i/console"
    if [ "$i" -gt 1 ] && ! cmp -s "$t/run1/console" "$t/run$i/console"; then
        fail "run $i differs from run 1:"
        diff -a "$t/run1/console" "$t/run$i/console" | head -n 20
    fi
    [ "$i" = 1 ] || rm -rf "$t/run$i"
    i=$((i + 1))
done > "$t/sums"
grep -a -v '^[0-9a-f]\{64\}  -$' "$t/sums"
failures=$(grep -a -c '^FAILED' "$t/sums")
check_match "the script came to its end" 'ttb-init: exit 0' "$t/run1/console"
check_match "... with all of its files" ' file0' "$t/run1/console"
check_equal "$runs runs printed $(wc -l < "$t/run1/console") equal lines" 1 \
    "$(grep -a '^[0-9a-f]\{64\}  -$' "$t/sums" | sort -u | wc -l)"

# A console that nobody reads for a while stops the node, not its clock.
new_node "$t/file" <<'EOT'
i=0
while [ $i -lt 3000 ]; do
    echo "$i $(cat /proc/uptime) a line that is long enough to fill a pipe with few of its kind"
    i=$((i + 1))
done
EOT
mkdir "$t/pipe"
cp -r "$t/file/." "$t/pipe/"
boot "$t/file"
mkfifo "$t/pipe/console"
{ sleep 2; cat; } < "$t/pipe/console" > "$t/read" &
boot "$t/pipe"
wait
check "a slow reader of a pipe gets what a file gets" cmp "$t/file/console" "$t/read"
check_match "... and that is everything" '^2999 ' "$t/read"
finish
