#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs the Debian packages that building and testing needs, those that are missing only.
#   tools/setup.sh           install (with sudo if not root)
#   tools/setup.sh --check   name what is missing; exit status 1 if anything is
#   tools/setup.sh --list    name everything
#   tools/setup.sh --for test    install what "make test" needs besides: npm, which builds the HTML
#                                report's page, a browser that tries it, and the source of an older
#                                kernel
#   tools/setup.sh --for fuzz    install what "make fuzz" needs
set -eu

usage() {
    printf 'usage: tools/setup.sh [--check | --list | --for test | --for fuzz]\n' >&2
    exit 2
}

# Compilers, build tools, libraries.
packages="gcc g++ libc6-dev make cmake ninja-build pkg-config libcmocka-dev clang-format"
# Scenarios and traces.
packages="$packages libyaml-dev libpcre2-dev libprotobuf-c-dev protobuf-c-compiler libjansson-dev"
# Traces: compression, checksums, SHA-256.
packages="$packages libzstd-dev libxxhash-dev libssl-dev"
# Traces: HTML reports.
packages="$packages zlib1g-dev"
# ns-3. Its CMake and pkg-config files name the last three, on which libns3-dev does not depend.
packages="$packages libns3-dev libgsl-dev libsqlite3-dev libxml2-dev"
# The nodes' kernel.
packages="$packages linux-source-6.12 bc bison flex patch perl xz-utils"
# The nodes' disk images.
packages="$packages busybox-static e2fsprogs fakeroot mmdebstrap"
# What tests look with: at captures, system calls, results.
packages="$packages tshark gdb strace jq libxml2-utils"

die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

case "${1-}" in
    '' | --check) ;;
    --list) printf '%s\n' "$packages" | tr ' ' '\n'; exit ;;
    --for)
        case "${2-}" in
            fuzz) packages="$packages clang libclang-rt-dev" ;;
            test)
                # Either program may be there from elsewhere, and then cannot always have Debian's beside it.
                command -v npm > /dev/null || packages="$packages npm"
                # Debian 12 has it; elsewhere the tests on it are skipped.
                ! grep -q '^VERSION_ID="12"' /etc/os-release || packages="$packages linux-source-6.1"
                command -v chromium > /dev/null || packages="$packages chromium-headless-shell"
                ;;
            *) usage ;;
        esac
        ;;
    *) usage ;;
esac

command -v dpkg-query > /dev/null || die "this is not Debian: install what these packages hold," \
    "then use SETUP=no: $packages"

missing=
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
missing=${missing# }
if [ "${1-}" = --check ]; then
    printf 'setup: missing: %s\n' "$missing" >&2
    exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "no sudo here; as root, run: apt-get install $missing"
    as_root=sudo
fi

printf 'setup: installing %s\n' "$missing" >&2
# A source of packages that cannot be reached matters only if it has one of ours.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
    printf 'setup: apt-get update failed; trying with the package lists at hand\n' >&2
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends $missing ||
    die "apt-get could not install: $missing"
