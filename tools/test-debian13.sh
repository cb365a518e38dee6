#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds what has been committed in a Debian 13 root, against its compiler and its ns-3 (3.43), and runs the
# tests there that need no nodes. Needs root, for chroot; the root folder is made with mmdebstrap if it
# does not exist, and stays.
#   tools/test-debian13.sh ROOT [SUITE]
# SUITE: trixie, or sid for the newest ns-3 there is
# TARGETS (environment): what to build; default: everything
# TESTS (environment): names of tests, a regular expression; default: all without nodes
set -eu
cd "$(dirname -- "$0")/.."
[ $# -ge 1 ] || { sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 2; }
root=$1 suite=${2:-trixie}

if [ ! -x "$root/usr/bin/cmake" ]; then
    # What tools/setup.sh installs, without what makes kernels and images.
    packages=$(tools/setup.sh --list | grep -vE '^(linux-source|clang-format|mmdebstrap|tshark|fakeroot)' |
        paste -sd,)
    mmdebstrap --variant=apt --include="$packages,libns3-dev" "$suite" "$root"
fi
mkdir -p "$root/ttbridge"
git archive HEAD | tar -x -C "$root/ttbridge"

# shellcheck disable=SC2329 # called by the trap
unmount() {
    for point in proc dev/shm dev; do
        umount "$root/$point" 2> /dev/null || :
    done
}
trap unmount EXIT
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/shm "$root/dev/shm"

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C "$@"; }

in_root dpkg-query -W -f '${Package} ${Version}\n' libns3-dev gcc cmake
launcher=
[ ! -x "$root/usr/bin/ccache" ] ||
    launcher='-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache'
# shellcheck disable=SC2086 # lists of words
in_root cmake -S /ttbridge -B /build -G Ninja $launcher
# shellcheck disable=SC2086
in_root cmake --build /build -j "${JOBS:-2}" ${TARGETS:+--target $TARGETS}
in_root ctest --test-dir /build --output-on-failure -LE uml ${TESTS:+-R "$TESTS"}
