#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Fails when a source file does not say its licence in its first lines, or says one that its folder
# does not have: GPL-2.0-only in bridge/ns3/ and uml-patches/, BSD-3-Clause elsewhere.
#   tools/check-spdx.sh [ROOT]
set -eu
cd "${1:-$(dirname -- "$0")/..}"

status=0
# Formats without comments, and text for people, have none.
for file in $(find . -path ./.git -prune -o -path './build*' -prune -o -type f -size +0 \
    ! -path './LICENSES/*' ! -path './doc/*.svg' ! -name '*.md' ! -name '*.patch' ! -name series \
    ! -name '*.exports' ! -name package.json ! -name package-lock.json ! -name .gitignore ! -name '*.pcap' ! -name '*.bin' ! -name '*.png' ! -path ./examples/debian-packages \
    ! -path './fuzz/corpus/*' -print | sort); do
    case "$file" in
        ./bridge/ns3/* | ./uml-patches/*) licence=GPL-2.0-only ;;
        *) licence=BSD-3-Clause ;;
    esac
    said=$(head -n 5 -- "$file" | sed -n 's/.*SPDX-License-Identifier: *\([A-Za-z0-9.-]*\).*/\1/p' |
        head -n 1)
    if [ -z "$said" ]; then
        # .clang-format and the like: comment lines allowed, none required.
        case "$file" in */.clang-format) continue ;; esac
        printf '%s: no SPDX-License-Identifier in its first lines\n' "$file"
        status=1
    elif [ "$said" != "$licence" ]; then
        printf '%s: says %s, its folder is %s\n' "$file" "$said" "$licence"
        status=1
    fi
done
exit "$status"
