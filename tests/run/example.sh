#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# An example's scenario runs as it says, twice with one digest:
#   example.sh TTB SCENARIO [DEBIAN-PACKAGE...]
# With packages: skipped (77) unless the Debian image that has them was made.
set -eu
ttb=$1
scenario=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

"$ttb" kernel path > /dev/null || exit 77
if [ $# -gt 0 ]; then
    image=$("$(dirname -- "$0")/../../images/build.sh" --print debian "$@" 2> /dev/null) || {
        echo "skipped: make the image first: ttb image build debian $*"
        exit 77
    }
    set -- --set "defaults.image=$image"
fi
for run in 1 2; do
    "$ttb" run "$scenario" -o "$work/$run" "$@" > "$work/said" 2>&1 || {
        status=$?
        cat "$work/said"
        exit "$status"
    }
    sed -n 's/^digest //p' "$work/said" > "$work/digest$run"
done
cat "$work/said"
[ -s "$work/digest1" ]
cmp "$work/digest1" "$work/digest2"
cmp "$work/1/run.ttb" "$work/2/run.ttb"
for log in "$work"/1/nodes/*/console.log; do
    node=$(basename "$(dirname "$log")")
    cmp "$log" "$work/2/nodes/$node/console.log"
done
