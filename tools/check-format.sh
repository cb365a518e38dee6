#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Compares the sources with what clang-format makes of them (.clang-format); --fix writes it.
# Exit status: 0 formatted, 1 not, 77 skipped: another clang-format than Debian 12's formats some
# lines differently, so only version 14 decides.
set -eu
cd "$(dirname -- "$0")/.."

version=14
tool=
for candidate in "clang-format-$version" clang-format; do
    if "$candidate" --version 2> /dev/null | grep -q "version $version\."; then
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    printf 'check-format: skipped: no clang-format of version %s here\n' "$version"
    exit 77
fi

files() { find bridge tests examples bench fuzz -name '*.[ch]' -o -name '*.cc' -o -name '*.cpp'; }
if [ "${1-}" = --fix ]; then
    files 2> /dev/null | xargs "$tool" -i
    exit
fi
# bridge/ns3 follows the style of ns-3, by a .clang-format of its own.
if ! files 2> /dev/null | xargs "$tool" --dry-run --Werror; then
    printf "check-format: the above is not formatted; 'make format' does it\n"
    exit 1
fi
