#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The shared library exports what bridge/libttbridge.exports lists, which is what the public headers
# declare; and each symbol carries the library's version.
#   symbols.sh LIBRARY SOURCE-FOLDER [--update]
set -eu
LC_ALL=C
export LC_ALL
library=$1 source=$2
list=$source/bridge/libttbridge.exports

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort > "$work/versioned"
# What protobuf-c generates follows proto/ and is not listed.
sed 's/@.*//' "$work/versioned" | grep -v '^ttb__.*__' > "$work/exported" || :

if [ "${3-}" = --update ]; then
    cp "$work/exported" "$list"
    exit
fi
status=0
if ! diff -u "$list" "$work/exported"; then
    printf 'The library does not export what bridge/libttbridge.exports lists (- list, + library).\n'
    printf 'If that is right: tests/install/symbols.sh %s . --update\n' "$library"
    status=1
fi
if grep -v '@@TTBRIDGE_' "$work/versioned"; then
    printf 'The above have no version.\n'
    status=1
fi
# Functions of the public headers; the adapter's are in another library.
for header in "$source"/bridge/include/ttbridge/*.h; do
    case ${header##*/} in ns3*) continue ;; esac
    # Comments go first: they have examples.
    tr '\n' ' ' < "$header" | sed -e 's|/\*|\n/*|g' -e 's|\*/|*/\n|g' | grep -v '^/\*' |
        grep -oE '[^(,]\bttb_[a-z0-9_]+\(' | grep -oE 'ttb_[a-z0-9_]+'
done | sort -u > "$work/declared"
undefined=$(comm -23 "$work/declared" "$work/exported")
if [ -n "$undefined" ]; then
    printf 'Declared in a public header, but not exported:\n%s\n' "$undefined"
    status=1
fi
undeclared=$(comm -13 "$work/declared" "$work/exported")
if [ -n "$undeclared" ]; then
    printf 'Exported, but declared in no public header:\n%s\n' "$undeclared"
    status=1
fi
exit "$status"
