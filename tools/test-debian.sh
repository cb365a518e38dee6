#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds what has been committed on another Debian, with its compiler and its ns-3, and runs the tests there.
# Needs root, for chroot; the other Debian is a folder, made with mmdebstrap if it does not exist, and stays.
#   tools/test-debian.sh SUITE [FOLDER]
# SUITE: trixie (Debian 13, ns-3 3.43) or sid (whatever is newest)
# FOLDER: default ~/.cache/ttbridge/debian-SUITE
# Environment:
#   CMAKE_ARGS  for cmake, e.g. -DCMAKE_BUILD_TYPE=Debug
#   TARGETS  what to build; default: everything
#   TESTS    names of tests, a regular expression; default: all
#   TTB_KERNEL, TTB_IMAGE  a kernel and an image for tests that boot nodes (tools/with-nodes.sh sets both); these
#            tests are left out without
#   JOBS     processes that compile; default: 2
#   OLD_MIRROR=1  takes a mirror whose index has not been renewed in time
set -eu
case $# in
    1 | 2) ;;
    *) sed -n '4,16s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
suite=$1 root=$(realpath -m -- "${2:-${XDG_CACHE_HOME:-$HOME/.cache}/ttbridge/debian-$1}")
cd "$(dirname -- "$0")/.."
[ "$(id -u)" = 0 ] || { echo "test-debian: only root can chroot" >&2; exit 2; }

if [ ! -d "$root" ]; then
    # What tools/setup.sh installs, without what makes kernels and images or looks at sources.
    packages=$(tools/setup.sh --list | grep -vE '^(linux-source|clang-format|mmdebstrap|tshark|fakeroot)' |
        paste -sd,)
    mkdir -p "$(dirname -- "$root")"
    rm -rf "$root.part"
    mmdebstrap --variant=apt --include="$packages,ccache" \
        ${OLD_MIRROR:+"--aptopt=Acquire::Check-Valid-Until \"false\""} "$suite" "$root.part"
    mv "$root.part" "$root"
fi
rm -rf "$root/ttbridge"
mkdir "$root/ttbridge"
git archive HEAD | tar -x -C "$root/ttbridge"

mounted=
# shellcheck disable=SC2329 # called by the trap
unmount() {
    for point in $mounted; do
        umount "$root/$point" || :
    done
}
trap unmount EXIT
trap 'exit 1' INT TERM
for point in proc dev dev/shm; do
    mount --bind "/$point" "$root/$point"
    mounted="$point $mounted"
done

exclude='-LE uml' nodes=
if [ -n "${TTB_KERNEL-}" ] && [ -n "${TTB_IMAGE-}" ]; then
    cp "$TTB_KERNEL" "$root/linux"
    cp "$TTB_IMAGE" "$root/image"
    exclude='' nodes='TTB_KERNEL=/linux TTB_IMAGE=/image'
fi
in_root() {
    # shellcheck disable=SC2086 # a list of words
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C $nodes "$@"
}

in_root dpkg-query -W -f '${Package} ${Version}\n' libns3-dev gcc cmake
# shellcheck disable=SC2086 # lists of words
in_root cmake -S /ttbridge -B /build -G Ninja \
    -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache ${CMAKE_ARGS-}
# shellcheck disable=SC2086
in_root cmake --build /build -j "${JOBS:-2}" ${TARGETS:+--target $TARGETS}
# shellcheck disable=SC2086
in_root ctest --test-dir /build --output-on-failure $exclude ${TESTS:+-R "$TESTS"}
