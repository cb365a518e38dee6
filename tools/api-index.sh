#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The indices of the public C functions, from the headers' comments: header by header, each function with the
# beginning of its comment. doc/api.md is that of libttbridge, doc/ns3-api.md that of the C functions over ns-3.
#   tools/api-index.sh            prints them
#   tools/api-index.sh --update   writes them
#   tools/api-index.sh --check    fails if one of them is not up to date, or a function has no comment
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname -- "$0")/.."

head_of() {
    echo "<!-- SPDX-License-Identifier: BSD-3-Clause -->"
    echo "<!-- Made by tools/api-index.sh from the headers' comments. -->"
    case $1 in
        doc/api.md) cat <<'EOT' ;;
# Index of libttbridge's functions

The headers are the manual: parameters, units, errors, ownership and threading stand there, and structures with what
each member means. This is where to look. Functions over ns-3 have [an index of their own](ns3-api.md); the C++
classes for ns-3 scripts are described in [ns3-helpers.md](ns3-helpers.md) and in their headers, `ttbridge/ns3/*.h`.
What to begin with: [README.md](../README.md), [examples/embed](../examples/embed).
EOT
        *) cat <<'EOT' ;;
# Index of the C functions over ns-3

The headers are the manual: parameters, units, errors, ownership and threading stand there, what holds for all
functions in `ttbridge/ns3.h`, which includes the others. This is where to look. `doc/ns3.md` is the guide.
EOT
    esac
}

headers_of() {
    case $1 in
        doc/api.md) find bridge/include/ttbridge -name '*.h' ! -name 'ns3*' | sort ;;
        *) find bridge/include/ttbridge -name 'ns3*.h' | sort -t . -k 1,1 ;;
    esac
}

index() {
    head_of "$1"
    for header in $(headers_of "$1"); do
        awk -v header="ttbridge/${header##*/}" '
            # One comment, or one declaration, at a time; macros and bodies of structs are skipped. A comment holds
            # for all functions that follow it without an empty line between, that of a type for those that follow it.
            /^$/ { group = "" }
            function begin() { doc = ""; taken = 0 }
            /^#/ { next }
            in_doc {
                line = $0
                if (line ~ /\*\//) { in_doc = 0; sub(/ *\*\/.*/, "", line) }
                sub(/^ *\* ?/, "", line)
                if (line == "") doc = doc " \001"
                else doc = doc " " line
                next
            }
            /^\/\*\*/ {
                begin()
                line = $0
                sub(/^\/\*\* ?/, "", line)
                if (line !~ /\*\//) in_doc = 1
                sub(/ *\*\/.*/, "", line)
                doc = line
                next
            }
            depth > 0 || /^(struct|enum|union)[^()]*\{/ {
                if (depth == 0) type = $1 " " $2
                depth += gsub(/\{/, "{") - gsub(/\}/, "}")
                if (depth == 0) { begin(); group = "see `" type "`" }
                next
            }
            /^extern/ { next }
            /^typedef|^static/ {
                if (match($0, /\(\*[a-z0-9_]+\)/))
                    group = "see `" substr($0, RSTART + 2, RLENGTH - 3) "`"
                in_typedef = ($0 !~ /;/)
                begin()
                next
            }
            in_typedef { if ($0 ~ /;/) in_typedef = 0; next }
            /^[a-z].*ttb_[a-z0-9_]+\(/ {
                match($0, /ttb_[a-z0-9_]+\(/)
                name = substr($0, RSTART, RLENGTH - 1)
                text = doc
                if (text ~ /@file/) text = ""
                sub(/\001.*/, "", text)
                sub(/ *@(param|return).*/, "", text)
                # The first sentence.
                gsub(/e\.g\. /, "e.g.\002", text)
                if (match(text, /[.:;] +[A-Z"@`]/)) text = substr(text, 1, RSTART)
                gsub(/\002/, " ", text)
                gsub(/^ +| +$/, "", text)
                gsub(/  +/, " ", text)
                sub(/[.:;]$/, "", text)
                gsub(/\|/, "\\|", text)
                if (text == "" && doc ~ /@return/) { text = doc; sub(/.*@return /, "returns ", text) }
                if (text == "" && group != "") text = group
                group = text ~ /^(with|see) / ? text : "with `" name "()`"
                if (!printed++) printf "\n## %s\n\n| function | |\n|---|---|\n", header
                printf "| `%s()` | %s |\n", name, text
                begin()
            }
        ' "$header"
    done
}

status=0
check() { # FILE
    if index "$1" | grep '| *|$' | grep '^| `'; then
        echo "The above have no comment in their header."
        status=1
    fi
    index "$1" | diff -u "$1" - || {
        echo "$1 is not up to date: tools/api-index.sh --update"
        status=1
    }
}

for file in doc/api.md doc/ns3-api.md; do
    case ${1-} in
        '') index $file ;;
        --update) index $file > $file ;;
        --check) check $file ;;
        *) echo "usage: tools/api-index.sh [--update|--check]" >&2; exit 2 ;;
    esac
done
exit "$status"
