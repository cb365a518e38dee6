#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The index of the C functions over ns-3, from the headers' comments: header by header, each function with the
# beginning of its comment.
#   tools/api-index.sh            prints it
#   tools/api-index.sh --update   writes doc/ns3-api.md
#   tools/api-index.sh --check    fails if doc/ns3-api.md is not up to date, or a function has no comment
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname -- "$0")/.."

index() {
    cat <<'EOT'
<!-- SPDX-License-Identifier: BSD-3-Clause -->
<!-- Made by tools/api-index.sh from the headers' comments. -->
# Index of the C functions over ns-3

The headers are the manual: parameters, units, errors, ownership and threading stand there, what holds for all
functions in `ttbridge/ns3.h`, which includes the others. This is where to look. `doc/ns3.md` is the guide.
EOT
    for header in bridge/include/ttbridge/ns3.h bridge/include/ttbridge/ns3-*.h; do
        awk -v header="ttbridge/${header##*/}" '
            # One comment, or one declaration, at a time; macros and bodies of structs are skipped.
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
                depth += gsub(/\{/, "{") - gsub(/\}/, "}")
                if (depth == 0) begin()
                next
            }
            /^extern/ { next }
            /^typedef|^static/ { in_typedef = ($0 !~ /;/); begin(); next }
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
                if (!printed++) printf "\n## %s\n\n| function | |\n|---|---|\n", header
                printf "| `%s()` | %s |\n", name, text
                begin()
            }
        ' "$header"
    done
}

case ${1-} in
    '') index ;;
    --update) index > doc/ns3-api.md ;;
    --check)
        status=0
        if index | grep '| *|$' | grep '^| `'; then
            echo "The above have no comment in their header."
            status=1
        fi
        index | diff -u doc/ns3-api.md - || {
            echo "doc/ns3-api.md is not up to date: tools/api-index.sh --update"
            status=1
        }
        exit "$status"
        ;;
    *) echo "usage: tools/api-index.sh [--update|--check]" >&2; exit 2 ;;
esac
