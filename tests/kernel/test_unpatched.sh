#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What the patches are for: the same nodes, with the same command lines, on a kernel without them and on
# one with them. Needs both (uml-patches/build.sh --unpatched VERSION); TTB_KERNEL_VERSION names the
# version, 6.12 by default.

TTB_KERNEL_VERSION=${TTB_KERNEL_VERSION:-6.12}
. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar strace
patched=$kernel
unpatched=$("$top/uml-patches/build.sh" --print --unpatched "$TTB_KERNEL_VERSION" 2>/dev/null) ||
    skip "there is no kernel without patches; run: uml-patches/build.sh --unpatched" \
        "$TTB_KERNEL_VERSION"
printf 'without %s\n' "$unpatched"

# both DIR [ARGUMENT...]: boots DIR/old without and DIR/new with the patches. The script is on
# standard input.
both() {
    both_dir=$1
    shift
    new_node "$both_dir/old"
    cp -R "$both_dir/old" "$both_dir/new"
    kernel=$unpatched
    boot "$both_dir/old" "$@"
    kernel=$patched
    boot "$both_dir/new" "$@"
}
line() { tr -d '\r' < "$1/console" | sed -n "$2p"; }

# --- Disks and the clock (0001).
both "$t/time" <<'EOT'
cut -d. -f1 /proc/uptime
EOT
old=$(line "$t/time/old" 1)
new=$(line "$t/time/new" 1)
printf '        uptime when the first program starts: %s s without, %s s with the patches\n' "$old" "$new"
check "without them the clock jumps while the node boots" [ "${old:-0}" -ge 100 ]
check_equal "with them booting takes no time" 0 "$new"

# --- Flush (0002).
mkdir -p "$t/flush"
wrap='strace -f -o trace -e trace=fsync,fdatasync'
both "$t/flush" <<'EOT'
cd /root
for i in 1 2 3 4 5; do dd if=/dev/zero of=f$i bs=4096 count=1 conv=fsync 2>/dev/null; done
EOT
wrap=
old=$(grep -c 'f.*sync(' "$t/flush/old/trace")
new=$(grep -c 'f.*sync(' "$t/flush/new/trace")
printf '        fsync of the host for 5 in the node: %s without, %s with the patches\n' "$old" "$new"
check_equal "without them no fsync reaches the host" 0 "$old"
check "with them each one does" [ "$new" -ge 5 ]

# --- Reads that mix layer and base (0003), and a base that ends in the middle of a sector (0004).
awk 'BEGIN { for (i = 0; i < 2048; i++) printf "%-511s\n", "base " i }' > "$t/data"
printf 'the end' >> "$t/data"
mkdir -p "$t/mix"
both "$t/mix" "ubd2=layer,../../data" <<'EOT'
printf '%-511s\n' changed | dd of=/dev/ubdc bs=512 seek=1 oflag=direct 2>/dev/null
dd if=/dev/ubdc bs=32k count=1 iflag=direct 2>/dev/null | md5sum
dd if=/dev/ubdc bs=512 skip=2048 count=1 iflag=direct 2>/dev/null | md5sum
EOT
printf '%-511s\n' changed | dd of="$t/data" bs=512 seek=1 conv=notrunc 2>/dev/null
truncate -s $((2049 * 512)) "$t/data"
wanted="$(head -c 32768 "$t/data" | md5sum)"
check "without them a read of many sectors gets wrong ones" [ "$(line "$t/mix/old" 1)" != "$wanted" ]
check_equal "with them the right ones" "$wanted" "$(line "$t/mix/new" 1)"
wanted="$(tail -c 512 "$t/data" | md5sum)"
check "without them the last sector is filled up with repetitions" \
    [ "$(line "$t/mix/old" 2)" != "$wanted" ]
check_equal "with them with zeroes" "$wanted" "$(line "$t/mix/new" 2)"

# --- Entropy (0005).
for again in 1 2; do
    both "$t/random$again" <<'EOT'
od -An -v -tx1 -N16 /dev/urandom
EOT
done
check "without them two runs draw different random numbers" \
    [ "$(line "$t/random1/old" 1)" != "$(line "$t/random2/old" 1)" ]
check_equal "with them equal ones" "$(line "$t/random1/new" 1)" "$(line "$t/random2/new" 1)"
finish
