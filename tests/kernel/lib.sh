# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# What the tests of kernel and image share. Sourced. A test prints what it checks and what it found,
# and exits with 0, with 1, or with 77 if it could not be run here.
#
# TTB_KERNEL and TTB_IMAGE name a kernel and an image; by default those in the cache (TTB_CACHE).
# TTB_KERNEL_VERSION=6.1 takes the kernel of that version from the cache, whatever TTB_KERNEL says.

LC_ALL=C
export LC_ALL

here=$(dirname -- "$(readlink -f -- "$0")")
top=$(readlink -f -- "$here/../..")
failures=0
# Kernels that panic abort.
ulimit -c 0
t=$(mktemp -d "${TMPDIR:-/tmp}/ttb-kernel-test.XXXXXX") || exit 1
trap 'chmod -R u+rwX "$t" 2>/dev/null; rm -rf "$t"' EXIT
trap 'exit 1' HUP INT TERM

pass() { printf 'ok      %s\n' "$*"; }

fail() {
    printf 'FAILED  %s\n' "$*"
    failures=$((failures + 1))
}

skip() {
    printf 'SKIPPED %s\n' "$*"
    exit 77
}

# check TEXT COMMAND...
check() {
    check_text=$1
    shift
    if "$@"; then pass "$check_text"; else fail "$check_text"; fi
}

# check_equal TEXT WANTED GOT
check_equal() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1: expected '$2', got '$3'"; fi
}

# check_match TEXT PATTERN FILE
check_match() {
    if grep -q -e "$2" "$3"; then
        pass "$1"
    else
        fail "$1: no line matches '$2' in:"
        sed 's/^/        | /' "$3" | tail -n 20
    fi
}

# Another process on each core, and one on the disk, until host_is_idle.
host_is_busy() {
    hogs=
    for hog in 1 2; do
        (while :; do :; done) &
        hogs="$hogs $!"
    done
    (while :; do dd if=/dev/zero of="$t/hog" bs=1M count=64 conv=fsync 2>/dev/null; done) &
    hogs="$hogs $!"
}

host_is_idle() {
    # shellcheck disable=SC2086 # a list of words
    kill $hogs
    # shellcheck disable=SC2086
    wait $hogs 2>/dev/null
}

finish() {
    [ "$failures" = 0 ] || printf '%d checks failed\n' "$failures"
    [ "$failures" = 0 ]
    exit
}

need() {
    for need_tool; do
        command -v "$need_tool" > /dev/null || skip "there is no $need_tool"
    done
}

find_node() {
    if [ -n "${TTB_KERNEL_VERSION:-}" ]; then
        kernel=$("$top/uml-patches/build.sh" --print "$TTB_KERNEL_VERSION" 2>/dev/null) ||
            skip "kernel $TTB_KERNEL_VERSION is not built; run: uml-patches/build.sh" \
                "$TTB_KERNEL_VERSION"
    else
        kernel=${TTB_KERNEL:-$("$top/uml-patches/build.sh" --print 6.12 2>/dev/null)} ||
            skip "no kernel is built; run: uml-patches/build.sh"
    fi
    image=${TTB_IMAGE:-$("$top/images/build.sh" --print busybox 2>/dev/null)} ||
        skip "no image is built; run: images/build.sh"
    printf 'kernel  %s\nimage   %s\n' "$kernel" "$image"
}

# new_node DIR: a run directory whose node runs the script on standard input.
new_node() {
    mkdir -p "$1/input"
    cat > "$1/input/start"
    tar -cf "$1/input.tar" -C "$1/input" .
    [ -e "$1/base" ] || ln -s "$image" "$1/base"
}

# boot DIR [ARGUMENT...]: runs a node to its end and returns its exit status. Output is in
# DIR/console and DIR/errors. The mode of time is $mode, a command to run it with is $wrap.
mode='time-travel=inf-cpu time-travel-start=1700000000000000000 time-travel-seed=1:0'
wrap=
boot() {
    boot_dir=$1
    shift
    # shellcheck disable=SC2086 # lists of words
    (
        cd "$boot_dir" || exit 1
        rm -f cow
        exec timeout --kill-after=5 "${limit:-300}" $wrap setarch -R env -i TMPDIR="$memory" \
            PATH=/usr/bin:/bin "$kernel" mem=64M $mode ubd0=cow,base ubd1r=input.tar \
            root=/dev/ubda rw init=/sbin/ttb-init ttb.name=node norandmaps quiet con0=null,fd:1 \
            con=null uml_dir=. umid=uml "$@" < /dev/null > console 2> errors
    )
}

memory=/tmp
[ ! -d /dev/shm ] || memory=/dev/shm
