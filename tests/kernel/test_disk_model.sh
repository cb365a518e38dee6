#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Disks that take simulated time (ubd<n>.latency=) and that keep an undo file (ubd<n>.undo=).

. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar od
grep -q 'ubd<n>.latency=' "$kernel" || skip "$kernel has no model of disks"

# uptime in hundredths of a second before and after what is done to the disk, one line each.
new_node "$t/time" <<'EOT'
uptime() { read -r up rest < /proc/uptime; echo "$1 ${up%.*}${up#*.}"; }
uptime start
dd if=/dev/ubdc of=/dev/null bs=4k count=10 iflag=direct 2>/dev/null
uptime read
dd if=/dev/zero of=/dev/ubdc bs=32k count=4 oflag=direct conv=notrunc 2>/dev/null
uptime write
sync /dev/ubdc
uptime flush
dd if=/dev/ubdd of=/dev/null bs=4k count=10 iflag=direct 2>/dev/null
uptime other
EOT
truncate -s 1M "$t/time/disk" "$t/time/other"
took() { # FROM TO: in hundredths of a second
    awk -v from="$1" -v to="$2" '$1 == from { a = $2 } $1 == to { print $2 - a }' \
        "$t/time/console"
}
near() { [ "$1" -ge $(($2 - 1)) ] && [ "$1" -le $(($2 + 1)) ]; }

# 100 ms and 10 ms for each KiB; a flush 1 s.
boot "$t/time" ubd2d=disk ubd3d=other ubd2.latency=100000000:10000000:0:1000000000
check_equal "the node ends" 0 $?
check_equal "a disk without a latency takes no time" 0 "$(took flush other)"
read=$(took start read)
check "10 reads of 4 KiB take 10 * (100 + 4 * 10) ms (${read}0 ms)" near "$read" 140
write=$(took read write)
check "128 KiB written take 128 * 10 ms and 100 ms for each request (${write}0 ms)" \
    [ "$write" -ge 138 ]
check "... of which there are 4 at most" [ "$write" -le 169 ]
flush=$(took write flush)
check "a flush takes 1 s (${flush}0 ms)" near "$flush" 100

# Nothing but the jitter: it repeats.
boot "$t/time" ubd2d=disk ubd3d=other ubd2.latency=0:0:500000000
# shellcheck disable=SC2086 # one line of several
first=$(grep -E '^(read|write|flush|other)' "$t/time/console")
check "jitter takes time ($(printf '%s ' $first))" [ "$(took start other)" -gt 100 ]
same=0
for i in 1 2 3 4 5; do
    boot "$t/time" ubd2d=disk ubd3d=other ubd2.latency=0:0:500000000
    [ "$(grep -E '^(read|write|flush|other)' "$t/time/console")" != "$first" ] || same=$((same + 1))
done
check_equal "5 of 5 runs take the same time" 5 $same
usual=$mode
mode=$(printf '%s\n' "$mode" | sed 's/seed=1/seed=2/')
boot "$t/time" ubd2d=disk ubd3d=other ubd2.latency=0:0:500000000
check "another seed is another time" \
    [ "$(grep -E '^(read|write|flush|other)' "$t/time/console")" != "$first" ]
mode=$usual

# A slow root is as right as a fast one.
new_node "$t/root" <<'EOT'
cd /root && dd if=/dev/urandom of=f bs=64k count=32 conv=fsync 2>/dev/null
sync; echo 3 > /proc/sys/vm/drop_caches
cat f f > g && cmp -n 2097152 f g && echo equal
EOT
boot "$t/root" ubd0.latency=1000000:1000:1000000:5000000 ubd0.undo=undo
check_match "a file on a slow root is right" '^equal' "$t/root/console"

# --- The undo file: what was there, from the layer or from the base, since the last flush.
awk 'BEGIN { for (i = 0; i < 256; i++) printf "%-511s\n", "base " i }' > "$t/base"
new_node "$t/undo" <<'EOT'
put() { printf '%-511s\n' "$1" | dd of=/dev/ubdc bs=512 seek="$2" conv=notrunc oflag=direct 2>&1; }
put gone 3; put layer 9; sync /dev/ubdc
put new 8; put new 9; put newer 9
EOT
boot "$t/undo" ubd2=layer,../base ubd2.undo=undo
# Lines of the file's text, in order, up to the end of the epoch.
tr -s '\0' '\n' < "$t/undo/undo" | grep -a -o -e '^base [0-9]*' -e '^layer' -e '^new' -e '^newer' \
    > "$t/undo/text"
check_match "what a write replaces is saved from the base" '^base 8' "$t/undo/text"
check_match "... and from the layer" '^layer' "$t/undo/text"
check_match "... also that of a second write to a sector" '^new$' "$t/undo/text"
check "... but not what was flushed" [ "$(grep -c '^base 3$' "$t/undo/text")" -le 1 ]
check_equal "the file has the magic number first" ubdundo1 "$(head -c 8 "$t/undo/undo")"

# --- Errors.
new_node "$t/bad" <<'EOT'
echo it boots
EOT
for bad in latency=x latency=1:2:3:4:5 latency=1000000000001 latency=-1 undo= nonsense=1 latency; do
    boot "$t/bad" "ubd0.$bad"
    check_match "ubd0.$bad is reported" 'Failed to initialize device with' "$t/bad/console"
    check_match "... and does not disturb" '^it boots' "$t/bad/console"
done
truncate -s 1M "$t/bad/disk"
boot "$t/bad" ubd2d=disk ubd2.undo=nodirectory/undo
check_match "an undo file that cannot be made is reported" \
    "Failed to initialize ubd device 2 :Couldn't open the undo file" "$t/bad/console"
finish
