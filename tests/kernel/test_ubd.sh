#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The block device, served synchronously: data of layers on base images, in requests of any shape;
# flushes that reach the host; errors; discard; the I/O thread where it is still used.

. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar awk cmp

# A base in which every sector says which one it is, and which does not end with a whole sector.
awk 'BEGIN { for (i = 0; i < 2048; i++) printf "%-511s\n", "base " i }' > "$t/data"
printf 'the end' >> "$t/data"

# --- Reads that mix layer and base. Sector numbers are written to $1, as "layer N" sectors.
sectors='1 11 20 62 63 64 127 130 300 301 302 303 304 305 306 307 308 1000 2047'
new_node "$t/mix" <<EOT
for s in $sectors; do
    printf '%-511s\n' "layer \$s" > /tmp/sector
    dd if=/tmp/sector of=/dev/ubdc bs=512 seek=\$s oflag=direct conv=notrunc 2>/dev/null || echo bad
done
sync
for size in 512 1024 4096 32768 131072; do
    echo 3 > /proc/sys/vm/drop_caches
    echo "buffered \$size \$(dd if=/dev/ubdc bs=\$size 2>/dev/null | md5sum)"
done
for size in 512 4096 32768; do
    echo "direct \$size \$(dd if=/dev/ubdc bs=\$size count=\$((1048576 / size)) iflag=direct \
        2>/dev/null | md5sum)"
done
EOT
# What the guest should see: the last sector is filled up with zeroes.
cp "$t/data" "$t/want"
for s in $sectors; do
    printf '%-511s\n' "layer $s" | dd of="$t/want" bs=512 seek="$s" conv=notrunc 2>/dev/null
done
truncate -s $((2049 * 512)) "$t/want"
whole=$(md5sum < "$t/want")
first=$(head -c 1048576 "$t/want" | md5sum)
sum=$(md5sum < "$t/data")
boot "$t/mix" "ubd2=data.cow,../data"
for size in 512 1024 4096 32768 131072; do
    check_match "buffered reads of $size bytes see layer and base in their places" \
        "^buffered $size $whole" "$t/mix/console"
done
for size in 512 4096 32768; do
    check_match "direct reads of $size bytes see layer and base in their places" \
        "^direct $size $first" "$t/mix/console"
done
check_equal "the base is not changed" "$sum" "$(md5sum < "$t/data")"

# The layer on the host holds them, too: a second node reads it.
new_node "$t/again" <<'EOT'
echo "again $(md5sum < /dev/ubdc)"
EOT
cp "$t/mix/data.cow" "$t/again/"
boot "$t/again" "ubd2=data.cow,../data"
check_match "a node that is started again finds what was written" "^again $whole" \
    "$t/again/console"

# --- Discard and write zeroes, in the layer and in a plain file.
new_node "$t/trim" <<'EOT'
for disk in ubdc ubdd; do
    blkdiscard -o 8192 -l 16384 /dev/$disk && echo "$disk discard $?"
    dd if=/dev/$disk bs=4096 count=8 iflag=direct 2>/dev/null | md5sum
done
mkdir /tmp/m
mke2fs -q /dev/ubde && mount /dev/ubde /tmp/m && cd /tmp/m && dd if=/dev/urandom of=f bs=64k \
    count=20 2>/dev/null && rm f && fstrim /tmp/m && echo trimmed
EOT
cp "$t/data" "$t/trim/plain"
truncate -s 16M "$t/trim/ext2"
boot "$t/trim" ubd2=data.cow,../data ubd3=plain ubd4=ext2
check_equal "the node survives discards" 0 $?
{
    head -c 8192 "$t/data"
    head -c 16384 /dev/zero
    tail -c +24577 "$t/data" | head -c 8192
} > "$t/hole"
check_equal "discarded blocks read as zeroes, from a layer and from a file" 2 \
    "$(grep -c "^$(md5sum < "$t/hole")" "$t/trim/console")"
check_match "a file system can be trimmed" '^trimmed' "$t/trim/console"

# --- Errors of the host reach the guest, as what they are.
new_node "$t/errors" <<'EOT'
dd if=/dev/zero of=/dev/ubdc bs=4096 count=1 2>/dev/null; echo "read-only write $?"
for op in read write sync trim; do
    case $op in
        read) dd if=/dev/ubdd of=/dev/null bs=32k count=1 iflag=direct ;;
        write) dd if=/dev/zero of=/dev/ubdd bs=32k count=1 oflag=direct ;;
        sync) dd if=/dev/zero of=/dev/ubdd bs=32k count=1 conv=fsync ;;
        trim) blkdiscard /dev/ubdd ;;
    esac > /tmp/out 2>&1
    echo "$op $? $(cat /tmp/out | grep -o -e 'No space.*' -e 'Input/output.*' -e '.*supported')"
done
cat /sys/block/ubdd/queue/discard_max_bytes
EOT
boot "$t/errors" ubd2r=../data
check_match "a disk with the flag r cannot be written to" '^read-only write 1' "$t/errors/console"
if command -v strace > /dev/null; then
    errors_with() { # SYSTEM-CALL ERROR
        truncate -s 8M "$t/errors/disk"
        wrap="strace -o /dev/null -P $t/errors/disk -e trace=$1 -e inject=$1:error=$2"
        boot "$t/errors" ubd2r=../data ubd3d=disk
        wrap=
    }
    errors_with pwrite64 ENOSPC
    check_match "a full host disk is a full disk" '^write 1 No space left' "$t/errors/console"
    check_match "... and does not disturb reads" '^read 0' "$t/errors/console"
    errors_with pread64 EIO
    check_match "a read error is a read error" '^read 1 Input/output error' "$t/errors/console"
    errors_with fdatasync EIO
    check_match "a failed flush is a failed fsync" '^sync 1 .*Input/output error' \
        "$t/errors/console"
    errors_with fallocate EOPNOTSUPP
    check_match "a discard that the host refuses is turned off" '^0.\{0,1\}$' "$t/errors/console"
    errors_with fallocate ENOSPC
    check_match "... which other errors do not do" '^[1-9][0-9]*.\{0,1\}$' "$t/errors/console"
else
    printf 'SKIPPED errors of the host: there is no strace\n'
fi

# --- Flush.
if command -v strace > /dev/null; then
    new_node "$t/flush" <<'EOT'
cd /root
dd if=/dev/zero of=f bs=4096 count=1 2>/dev/null
EOT
    wrap="strace -o trace -e trace=fsync,fdatasync,pwrite64,openat"
    boot "$t/flush"
    layer=$(sed -n 's/^openat([^,]*, "cow", O_RDWR|O_CREAT.* = \([0-9]*\)$/\1/p' \
        "$t/flush/trace" | tail -n 1)
    few=$(grep -c "^fdatasync($layer)" "$t/flush/trace")
    new_node "$t/flush" <<'EOT'
cd /root
for i in 1 2 3 4 5; do dd if=/dev/zero of=f$i bs=4096 count=1 conv=fsync 2>/dev/null; done
EOT
    boot "$t/flush"
    many=$(grep -c "^fdatasync($layer)" "$t/flush/trace")
    check "5 fsync in the guest are 5 on the host at least, on the layer ($few and $many seen)" \
        [ $((many - few)) -ge 5 ]
    check "no request is served by another process" \
        [ "$(grep -c ^pwrite64 "$t/flush/trace")" -gt 10 ]
    wrap=
else
    printf 'SKIPPED flush: there is no strace\n'
fi

# --- The other mode.
mode=
new_node "$t/thread" <<'EOT'
grep -w ubd /proc/interrupts
cd /root && dd if=/dev/urandom of=f bs=64k count=16 conv=fsync 2>/dev/null
sync; echo 3 > /proc/sys/vm/drop_caches
cat f f > g && cmp -n 1048576 f g && echo equal
EOT
boot "$t/thread"
check_match "without time travel the I/O thread serves requests" '[1-9][0-9]* *SIGIO *ubd' \
    "$t/thread/console"
check_match "... and they are right" '^equal' "$t/thread/console"
finish
