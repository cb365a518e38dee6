#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs a script for ns-3 twice, in folders of its own: it must succeed, and print and write the same,
# at least one pcap file with frames in it.
#   twice.sh [--no-pcap] PROGRAM [ARGUMENT...]
# --no-pcap: it writes none
set -eu
pcap=yes
if [ "$1" = --no-pcap ]; then
    pcap=no
    shift
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fail() {
    printf '%s\n' "$*"
    exit 1
}
for run in first second; do
    mkdir "$root/$run"
    (cd "$root/$run" && "$@" > output 2> errors) || {
        status=$?
        cat "$root/$run/output" "$root/$run/errors"
        fail "the $run run ended with status $status"
    }
done
cat "$root/first/output"
[ -s "$root/first/output" ] || fail "nothing was printed"
# 24 bytes are the header of a file without frames.
[ $pcap = no ] || [ -n "$(find "$root/first" -name '*.pcap' -size +24c)" ] || fail "no frame was captured"
diff -r "$root/first" "$root/second" || fail "the runs differ"
