#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs a command with TTB_KERNEL and TTB_IMAGE set, building kernel and image where they are missing:
#   tools/with-nodes.sh BUILD-DIRECTORY COMMAND...
# Either may be given from outside; then it is used as it is.
set -eu
cd "$(dirname -- "$0")/.."

ttb=$1/ttb
shift
: "${TTB_KERNEL:=$("$ttb" kernel build | tail -n 1)}"
: "${TTB_IMAGE:=$("$ttb" image build | tail -n 1)}"
export TTB_KERNEL TTB_IMAGE
for file in "$TTB_KERNEL" "$TTB_IMAGE"; do
    [ -f "$file" ] || { printf 'with-nodes: no such file: "%s"\n' "$file" >&2; exit 1; }
done
exec "$@"
