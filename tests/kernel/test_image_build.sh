#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# images/build.sh: the same image whoever makes it and wherever; found at once the second time.

. "$(dirname -- "$0")/lib.sh"
need mke2fs debugfs e2fsck sha256sum
build=$top/images/build.sh

make_image() { # CACHE COMMAND...: in a shell of its own
    image_cache=$1
    shift
    TTB_CACHE=$image_cache "$@" 2> "$t/errors" > "$t/out"
}

make_image "$t/a" "$build"
check_equal "the busybox image is made" 0 $?
first=$(tail -n 1 "$t/out")
check "the last line is the path of the image" [ -f "$first" ]
check_equal "it is read-only" 444 "$(stat -c %a "$first")"
check "it is a sound file system" e2fsck -fn "$first"
check_equal "no temporary file is left" "busybox-" "$(ls "$t/a/images" | sed 's/-.*/-/')"
check_match "the manifest has its hash" "^sha256: $(sha256sum < "$first" | cut -d' ' -f1)" \
    "${first%/*}/manifest"

start=$(date +%s%N)
make_image "$t/a" "$build" busybox
elapsed_ms=$((($(date +%s%N) - start) / 1000000))
check_equal "the second call prints the same path" "$first" "$(cat "$t/out")"
check "... at once ($elapsed_ms ms)" [ "$elapsed_ms" -lt 500 ]
check_equal "... and nothing else" "" "$(cat "$t/errors")"
check_equal "--print prints the path" "$first" "$(TTB_CACHE=$t/a "$build" --print busybox)"
check_match "--list lists it" "$first" - << EOT
$(TTB_CACHE=$t/a "$build" --list)
EOT
check "--print of what does not exist fails" \
    [ "$(TTB_CACHE=$t/none "$build" --print busybox 2>/dev/null; echo $?)" = 1 ]

sleep 1
make_image "$t/b" "$build"
second=$(tail -n 1 "$t/out")
check "an image made elsewhere and later has the same bytes" cmp -s "$first" "$second"
if [ "$(id -u)" = 0 ] && command -v fakeroot > /dev/null && command -v setpriv > /dev/null; then
    mkdir "$t/user"
    chmod 0777 "$t/user"
    chmod 0755 "$t"
    cp -r "$top/images" "$t/images"
    make_image "$t/user" setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent \
        "$t/images/build.sh"
    check "one made by an ordinary user has the same bytes" cmp -s "$first" "$(tail -n 1 "$t/out")"
else
    printf 'SKIPPED an image made by another user: needs root and fakeroot\n'
fi

debugfs -R 'ls -l /sbin' "$first" > "$t/ls" 2>/dev/null
check_match "/sbin/ttb-init is root's and executable" ' 100755 (1)  *0  *0 .* ttb-init *$' "$t/ls"
debugfs -R 'cat /sbin/ttb-init' "$first" > "$t/init" 2>/dev/null
check "it is images/init" cmp -s "$t/init" "$top/images/init"

for wrong in nosuchimage 'busybox tcpdump' --nosuchoption 'debian Bad_Name'; do
    # shellcheck disable=SC2086
    TTB_CACHE=$t/a "$build" $wrong > "$t/out" 2>&1
    check_equal "'$wrong' is a usage error" 2 $?
done

# Interrupted: nothing is left that looks finished, and the next call cleans up.
TTB_CACHE=$t/c "$build" > /dev/null 2>&1 &
pid=$!
while [ -z "$(find "$t/c" -name out 2>/dev/null)" ]; do
    kill -0 $pid 2>/dev/null || break
done
kill -TERM $pid 2>/dev/null
wait $pid
check_equal "a build that gets SIGTERM says so" 143 $?
check_equal "... and leaves nothing" "" "$(ls "$t/c/images")"
mkdir "$t/c/images/.tmp.killed"
make_image "$t/c" "$build"
check "what a killed build left is removed by the next one" [ ! -e "$t/c/images/.tmp.killed" ]
check "... which makes the image" cmp -s "$first" "$(tail -n 1 "$t/out")"
finish
