#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What the patches are for: the same nodes, with the same command lines, on a kernel without them and on
# one with them. Needs both (uml-patches/build.sh --unpatched VERSION); TTB_KERNEL_VERSION names the version,
# 6.12 by default.

TTB_KERNEL_VERSION=${TTB_KERNEL_VERSION:-6.12}
. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar cc
patched=$kernel
unpatched=$("$top/uml-patches/build.sh" --print --unpatched "$TTB_KERNEL_VERSION" 2>/dev/null) ||
    skip "there is no kernel without patches; run: uml-patches/build.sh --unpatched" \
        "$TTB_KERNEL_VERSION"
printf 'without %s\n' "$unpatched"

# both DIR [ARGUMENT...]: boots DIR/old without and DIR/new with the patches. The script is on
# standard input.
both() { both_with "$unpatched" "$patched" "$@"; }

both_with() { # KERNEL KERNEL DIR [ARGUMENT...]
    both_old=$1
    both_new=$2
    both_dir=$3
    shift 3
    new_node "$both_dir/old"
    cp -R "$both_dir/old" "$both_dir/new"
    kernel=$both_old
    boot "$both_dir/old" "$@"
    kernel=$both_new
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

# --- Flush (0002). strace cannot follow the I/O thread beside a kernel that traces its own processes,
# so what the kernel calls is replaced by something that leaves a mark.
cat > "$t/syncs.c" <<'EOT'
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int mark(long number, int fd)
{
    int file = open("syncs", O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (write(file, "x", 1) != 1)
        return -1;
    close(file);
    return (int)syscall(number, fd);
}

int fsync(int fd) { return mark(SYS_fsync, fd); }
int fdatasync(int fd) { return mark(SYS_fdatasync, fd); }
EOT
cc -shared -fPIC -O2 -o "$t/syncs.so" "$t/syncs.c" || exit 1
printf '#!/bin/sh\nLD_PRELOAD=%s exec "%s" "$@"\n' "$t/syncs.so" "$unpatched" > "$t/marking-old"
printf '#!/bin/sh\nLD_PRELOAD=%s exec "%s" "$@"\n' "$t/syncs.so" "$patched" > "$t/marking-new"
chmod +x "$t/marking-old" "$t/marking-new"
for count in 0 5; do
    both_with "$t/marking-old" "$t/marking-new" "$t/flush$count" <<EOT
cd /root
for i in \$(seq $count); do dd if=/dev/zero of=f\$i bs=4096 count=1 conv=fsync 2>/dev/null; done
EOT
done
marks() { cat "$1/syncs" 2>/dev/null | wc -c; }
old=$(($(marks "$t/flush5/old") - $(marks "$t/flush0/old")))
new=$(($(marks "$t/flush5/new") - $(marks "$t/flush0/new")))
printf '        fsync of the host for 5 in the node: %s without, %s with the patches\n' "$old" "$new"
check_equal "without them no fsync reaches the host" 0 "$old"
check "with them each one does" [ "$new" -ge 5 ]

# --- Reads that mix layer and base (0003), and a base that ends in the middle of a sector (0004).
awk 'BEGIN { for (i = 0; i < 2048; i++) printf "%-511s\n", "base " i }' > "$t/data"
printf 'the end' >> "$t/data"
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

# --- What becomes of its processes when the kernel is killed (0007).
if command -v strace > /dev/null; then
    wrap="strace -o trace -e trace=ptrace"
    both "$t/options" <<'EOT'
echo it runs
EOT
    wrap=
    check_equal "without them the host is not asked to kill the node's processes" 0 \
        "$(grep -c PTRACE_O_EXITKILL "$t/options/old/trace")"
    check_match "with them it is" 'SETOPTIONS.*PTRACE_O_EXITKILL' "$t/options/new/trace"
else
    printf 'SKIPPED processes of a killed node: there is no strace\n'
fi

# --- Options of disks (the last two): what a slow disk costs, and its undo file.
mkdir -p "$t/disk/old"
truncate -s 1M "$t/disk/old/disk"
both "$t/disk" ubd2d=disk ubd2.latency=100000000 ubd2.undo=undo <<'EOT'
uptime() { read -r up rest < /proc/uptime; echo "$1 ${up%.*}${up#*.}"; }
uptime start
dd if=/dev/ubdc of=/dev/null bs=4k count=10 iflag=direct 2>/dev/null
uptime end
EOT
check "without them there is no undo file" [ ! -e "$t/disk/old/undo" ]
check_equal "with them there is one" ubdundo1 "$(head -c 8 "$t/disk/new/undo")"
check_equal "with them 10 reads of 100 ms take 1 s" 100 \
    "$(awk '$1 == "start" { a = $2 } $1 == "end" { print $2 - a }' "$t/disk/new/console")"
finish
