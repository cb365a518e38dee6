#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# time-travel-seed= decides all random numbers, and only where simulated time makes sense of that.

. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar

base_mode='time-travel=inf-cpu time-travel-start=1700000000000000000'
random() { # SEED-OPTION
    new_node "$t/n" <<'EOT'
od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; echo
EOT
    mode="$base_mode $1"
    boot "$t/n"
    sed -n 1p "$t/n/console" | tr -d '\r'
}

one=$(random time-travel-seed=1:2)
check_equal "a node draws 32 random bytes" 64 "${#one}"
check_equal "equal seed and node, equal numbers" "$one" "$(random time-travel-seed=1:2)"
check_equal "a number may be hexadecimal" "$one" "$(random time-travel-seed=0x1:0x2)"
for other in 2:2 1:3 2:1 0x100000001:2 1:0x100000002; do
    check "$other gives others than 1:2" [ "$one" != "$(random time-travel-seed=$other)" ]
done
max=$(random time-travel-seed=18446744073709551615:18446744073709551615)
check_equal "the largest numbers are accepted" 64 "${#max}"
check "without a seed two runs differ" [ "$(random)" != "$(random)" ]

new_node "$t/first" <<'EOT'
dd if=/dev/urandom of=/dev/null bs=64k count=8 2>/dev/null
cut -d' ' -f1 /proc/uptime
EOT
mode="$base_mode time-travel-seed=1:2"
boot "$t/first"
check_equal "random numbers take no simulated time" 0.01 "$(tr -d '\r' < "$t/first/console" | sed -n 1p)"

for bad in '' 1 : 1: :2 1:2:3 -1:2 1:x 18446744073709551616:1 '1:2 ' \
    000000000000000000000000000000000000000001:2; do
    (cd "$t" && timeout 20 "$kernel" "time-travel-seed=$bad" $base_mode < /dev/null > out 2>&1)
    status=$?
    check_equal "'$bad' is refused" 1 "$status"
    check_match "... with a message" \
        "^time-travel-seed: expected <seed>:<node>, two unsigned 64-bit integers, not '$bad'" \
        "$t/out"
done

(cd "$t" && timeout 20 "$kernel" time-travel-seed=1:2 time-travel-seed=1:2 $base_mode \
    < /dev/null > out 2>&1)
check_equal "two seeds are refused" 1 $?

for wrong in '' time-travel; do
    # shellcheck disable=SC2086
    (cd "$t" && timeout 20 "$kernel" time-travel-seed=1:2 $wrong uml_dir=. < /dev/null > out 2>&1)
    check "no seed in mode '$wrong'" [ $? -ne 0 ]
    check_match "... with a message" \
        'time-travel-seed= needs time-travel=inf-cpu or time-travel=ext:' "$t/out"
done

mode="$base_mode time-travel-seed=5:6"
new_node "$t/log" <<'EOT'
dmesg | grep -i entropy
grep -c time-travel-seed /proc/cmdline
EOT
boot "$t/log"
check_match "the log says that keys are not secret" 'seed 5, node 6, no key made here is secret' \
    "$t/log/console"
"$kernel" --help > "$t/help" 2>&1
check_match "--help explains the option" '^time-travel-seed=<seed>:<node>$' "$t/help"
finish
