#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Layers point one way: fails when a folder of bridge/ includes a header of a folder that it may not
# know. Also: the public headers include nothing but each other and libc, C code no C++.
#   tools/check-layers.sh [ROOT]
set -eu
cd "${1:-$(dirname -- "$0")/..}/bridge"

# LAYER: the layers it may include. The public headers may be included by all but base/, which
# implements one of them.
rules='
base:
calendar: base
timetravel: base calendar
vhost: base
core: base calendar timetravel vhost
link: base calendar
lab: base
scenario: base
record: base
export: base
ns3: base
cli: base run
run:
'

status=0
complain() {
    printf '%s\n' "$*"
    status=1
}

for directory in */; do
    layer=${directory%/}
    [ "$layer" != include ] || continue
    rule=$(printf '%s' "$rules" | sed -n "s/^$layer://p")
    if ! printf '%s' "$rules" | grep -q "^$layer:"; then
        complain "bridge/$layer: no rule for this layer in tools/check-layers.sh"
        continue
    fi
    # file:line:header of every #include "layer/header"
    includes=$(grep -rnE --include='*.[ch]' --include='*.cc' --include='*.cpp' \
        '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$layer" || :)
    while IFS= read -r found; do
        [ -n "$found" ] || continue
        header=$(printf '%s' "$found" | sed 's/^[^"]*"\([^"]*\)".*/\1/')
        at=$(printf '%s' "$found" | cut -d: -f1,2)
        case "$header" in
            *../*) complain "bridge/$at: includes \"$header\": name it from bridge/ on" ;;
            ttbridge/*) complain "bridge/$at: includes \"$header\": public headers go in <>" ;;
            */*)
                case " $layer $rule " in
                    *" ${header%%/*} "*) ;;
                    *) complain "bridge/$at: $layer may not include \"$header\"" ;;
                esac
                ;;
        esac
    done <<EOT
$includes
EOT
done

while IFS= read -r found; do
    [ -z "$found" ] || complain "bridge/$found: a public header may include <> headers only"
done <<EOT
$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' include || :)
EOT
exit "$status"
