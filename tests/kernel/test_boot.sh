#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A node boots from a copy-on-write layer, runs what it is given, and ends; an ordinary user can do
# that, and nothing is left behind.

. "$(dirname -- "$0")/lib.sh"
find_node
need setarch timeout tar

new_node "$t/a" <<'EOT'
cat /proc/uptime
date -u +%s
hostname
ip -o addr show dev lo | grep -o '127.0.0.1/8'
mount | grep -c -e '^proc on /proc ' -e '^sysfs on /sys ' -e '^devtmpfs on /dev ' \
    -e '^devpts on /dev/pts ' -e '^tmpfs on /tmp ' -e '^tmpfs on /run '
env | grep -c -e '^mem=' -e '^uml_dir='
readlink /proc/self/fd/0
before=$(cut -d' ' -f1 /proc/uptime)
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do usleep 1000; done
echo $before $(cut -d' ' -f1 /proc/uptime)
echo written > /root/file
exit 42
EOT
before=$(find "$memory" -maxdepth 1 | sort)
boot "$t/a"
check_equal "the process ends with status 0 when the node powers off" 0 $?
check_equal "it leaves no memory file" "$before" "$(find "$memory" -maxdepth 1 | sort)"
tr -d '\r' < "$t/a/console" > "$t/a/lines"
check_equal "disk accesses take no time: the script runs after the first tick" "0.01 0.00" \
    "$(sed -n 1p "$t/a/lines" | sed 's/ .*/ 0.00/')"
check_equal "timers are exact from the start" "0.01 0.02" "$(sed -n 8p "$t/a/lines")"
check_equal "the clock starts where the command line says" 1700000000 "$(sed -n 2p "$t/a/lines")"
check_equal "the host name is that of the command line" node "$(sed -n 3p "$t/a/lines")"
check_equal "lo is up" 127.0.0.1/8 "$(sed -n 4p "$t/a/lines")"
check_equal "all file systems are mounted" 6 "$(sed -n 5p "$t/a/lines")"
check_equal "kernel options are not in the environment" 0 "$(sed -n 6p "$t/a/lines")"
check_equal "standard input is /dev/null" /dev/null "$(sed -n 7p "$t/a/lines")"
check_match "the exit status of the script is printed" '^ttb-init: exit 42$' "$t/a/lines"
check_equal "nothing is left in the run directory but the layer and the output" \
    "base console cow errors input input.tar lines " \
    "$(cd "$t/a" && printf '%s ' *)"

new_node "$t/broken" <<'EOT'
EOT
rm "$t/broken/input/start"
tar -cf "$t/broken/input.tar" -C "$t/broken/input" .
boot "$t/broken"
check_match "an archive without a start file is reported" '^ttb-init: no file named start' \
    "$t/broken/console"
check_match "... and ends the node with status 127" '^ttb-init: exit 127' "$t/broken/console"
head -c 10240 /dev/zero | tr '\0' x > "$t/broken/input.tar"
boot "$t/broken"
check_match "a disk that holds no archive is reported" 'does not hold a tar archive' \
    "$t/broken/console"

# An ordinary user, an image that belongs to somebody else, a pipe for the output.
if [ "$(id -u)" = 0 ]; then
    need setpriv
    mkdir "$t/user"
    cp -- "$kernel" "$t/user/linux"
    cp --sparse=always -- "$image" "$t/user/base"
    chmod 0755 "$t" "$t/user/linux"
    chmod 0444 "$t/user/base"
    new_node "$t/user" <<'EOT'
echo it runs
EOT
    chmod 0777 "$t/user"
    rm -f "$t/user/console"
    kernel=$t/user/linux
    wrap='setpriv --reuid=65534 --regid=65534 --clear-groups'
    boot "$t/user"
    check_equal "an ordinary user can run a node" 0 $?
    check_match "... from an image that belongs to root and is read-only" '^it runs' \
        "$t/user/console"
    check_equal "... with a layer of its own" 65534 "$(stat -c %u "$t/user/cow")"
    check "the image is not changed" cmp -s "$t/user/base" "$image"
else
    printf 'SKIPPED running as another user: needs root\n'
fi
finish
