#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A shared library exports what NAME.exports beside its map lists, which is what the public headers declare; and each
# symbol carries the library's version.
#   symbols.sh LIBRARY SOURCE-FOLDER [--update]
set -eu
LC_ALL=C
export LC_ALL
library=$1 source=$2
name=$(basename "$library")
name=${name%%.so*}
case $name in
    libttbridge) list=bridge/$name.exports ;;
    libttbridge-ns3) list=bridge/ns3/$name.exports ;;
    *) printf 'symbols.sh: %s?\n' "$library" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort > "$work/versioned"
case $name in
    libttbridge)
        # What protobuf-c generates follows proto/ and is not listed.
        sed 's/@.*//' "$work/versioned" | grep -v '^ttb__.*__' > "$work/exported" || :
        ;;
    libttbridge-ns3)
        # Ours: C functions, and C++ names without parameters, whose types differ with ns-3's version. What is
        # made of templates, ns-3's and libstdc++'s, and of inline functions differs with the compiler.
        nm -DC --defined-only "$library" | sed 's/@.*//' | cut -d ' ' -f 2- |
            sed -nE -e 's/^. (ttb_[a-z0-9_]+)$/\1/p' -e 's/^[^VWu] (ttb::[A-Za-z0-9_:~]+).*/\1/p' \
                -e 's/^. ((typeinfo|vtable) for ttb::[A-Za-z0-9_:]+)$/\1/p' | sort -u > "$work/exported"
        nm -DC --defined-only "$library" | cut -d ' ' -f 3- |
            sed -nE 's/^(([a-z]+ )+|[^<(]* for )?ttb::([A-Za-z]+).*/\3/p' | sort -u > "$work/classes"
        ;;
esac

if [ "${3-}" = --update ]; then
    cp "$work/exported" "$source/$list"
    exit
fi
status=0
if ! diff -u "$source/$list" "$work/exported"; then
    printf 'The library does not export what %s lists (- list, + library).\n' "$list"
    printf 'If that is right: tests/install/symbols.sh %s . --update\n' "$library"
    status=1
fi
if grep -v -e '@@TTBRIDGE_' -e '^__odr_asan' "$work/versioned"; then
    printf 'The above have no version.\n'
    status=1
fi

complain() { # FILE TEXT
    [ -s "$1" ] || return 0
    printf '%s:\n' "$2"
    cat "$1"
    status=1
}
# Functions of the public C headers; those over ns-3 are the other library's.
for header in "$source"/bridge/include/ttbridge/*.h; do
    case $name:${header##*/} in
        libttbridge:ns3*) continue ;;
        libttbridge:* | libttbridge-ns3:ns3*) ;;
        *) continue ;;
    esac
    # Comments go first: they have examples.
    tr '\n' ' ' < "$header" | sed -e 's|/\*|\n/*|g' -e 's|\*/|*/\n|g' | grep -v '^/\*' |
        grep -oE '[^(,]\bttb_[a-z0-9_]+\(' | grep -oE 'ttb_[a-z0-9_]+'
done | sort -u > "$work/declared"
grep '^ttb_' "$work/exported" > "$work/functions"
comm -23 "$work/declared" "$work/functions" > "$work/undefined"
complain "$work/undefined" 'Declared in a public header, but not exported'
comm -13 "$work/declared" "$work/functions" > "$work/undeclared"
complain "$work/undeclared" 'Exported, but declared in no public header'

if [ "$name" = libttbridge-ns3 ]; then
    grep -hoE '^(class|struct) [A-Za-z]+ *(:|$)' "$source"/bridge/ns3/include/ttbridge/ns3/*.h |
        sed -E 's/^[a-z]+ ([A-Za-z]+).*/\1/' | sort -u > "$work/public"
    comm -23 "$work/public" "$work/classes" > "$work/hidden"
    complain "$work/hidden" 'Classes of ttbridge/ns3/, but not exported (bridge/ns3/libttbridge-ns3.map)'
    comm -13 "$work/public" "$work/classes" > "$work/internal"
    complain "$work/internal" 'Classes of no header in ttbridge/ns3/, but exported'
    # Scripts derive from what is an ns-3 object, and ask for it by dynamic_cast.
    grep -hoE '^class [A-Za-z]+ : public' "$source"/bridge/ns3/include/ttbridge/ns3/*.h |
        sed -E 's/^class ([A-Za-z]+).*/typeinfo for ttb::\1\nvtable for ttb::\1/' | sort -u > "$work/polymorphic"
    comm -23 "$work/polymorphic" "$work/exported" > "$work/untyped"
    complain "$work/untyped" 'Not exported (bridge/ns3/libttbridge-ns3.map)'
    # Fatal errors are trapped by it.
    grep -q '^_ZN3ns39FatalImpl12FlushStreamsEv@@' "$work/versioned" ||
        { printf 'ns3::FatalImpl::FlushStreams() is not exported\n'; status=1; }
fi
exit "$status"
