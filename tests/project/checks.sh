#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The checks of the source tree fail on trees that break the rules, and pass on one that does not.
set -eu
tools=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
status=0

# licence FILE: begins a source file with its SPDX line. Split, lest this file seem to have two.
licence() {
    printf '/* SPDX-''License-Identifier: %s */\n' "$2" > "$root/$1"
}

# expect STATUS CHECK WHAT
expect() {
    got=0
    "$tools/$2" "$root" > "$root.out" 2>&1 || got=$?
    if [ "$got" != "$1" ]; then
        printf '%s: status %s instead of %s: %s\n' "$2" "$got" "$1" "$3"
        cat "$root.out"
        status=1
    fi
    rm -f "$root.out"
}

mkdir -p "$root/bridge/base" "$root/bridge/calendar" "$root/bridge/link" "$root/bridge/ns3" \
    "$root/bridge/include/ttbridge"
licence bridge/link/link.c BSD-3-Clause
licence bridge/include/ttbridge/link.h BSD-3-Clause
licence bridge/ns3/device.cc GPL-2.0-only
printf '#include <stdint.h>\n#include "link/net.h"\n#include "calendar/calendar.h"\n' \
    >> "$root/bridge/link/link.c"
expect 0 check-layers.sh "a tree in order"
expect 0 check-spdx.sh "a tree in order"

licence bridge/calendar/calendar.c BSD-3-Clause
printf '#include "core/internal.h"\n' >> "$root/bridge/calendar/calendar.c"
expect 1 check-layers.sh "an include of an upper layer"
licence bridge/calendar/calendar.c BSD-3-Clause
printf '#  include "../core/internal.h"\n' >> "$root/bridge/calendar/calendar.c"
expect 1 check-layers.sh "an include of an upper layer by a relative path"
licence bridge/calendar/calendar.c BSD-3-Clause
printf '#include "base/error.h"\n' >> "$root/bridge/include/ttbridge/link.h"
expect 1 check-layers.sh "a public header that needs a private one"
licence bridge/include/ttbridge/link.h BSD-3-Clause
mkdir "$root/bridge/unheard-of"
expect 1 check-layers.sh "a layer without a rule"
rmdir "$root/bridge/unheard-of"
expect 0 check-layers.sh "the tree in order again"

printf 'int x;\n' > "$root/bridge/base/bare.c"
expect 1 check-spdx.sh "a file without a licence"
licence bridge/base/bare.c GPL-2.0-only
expect 1 check-spdx.sh "GPL where everything is BSD"
licence bridge/base/bare.c BSD-3-Clause
licence bridge/ns3/device.cc BSD-3-Clause
expect 1 check-spdx.sh "BSD where everything is GPL"
exit "$status"
