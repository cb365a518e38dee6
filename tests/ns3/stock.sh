#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A simulation with ns-3's own simulator implementation and with ours: it prints and writes the same, but
# for the name of the implementation.
#   stock.sh PROGRAM NAME
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
for type in ns3::DefaultSimulatorImpl ttb::TimeTravelSimulatorImpl; do
    mkdir "$root/${type%%:*}"
    cd "$root/${type%%:*}"
    "$1" "$2" --SimulatorImplementationType="$type" > output
    grep -q "events, by $type\$" output || { cat output; echo "not run by $type"; exit 1; }
    sed -i 's/, by .*//' output
done
cat output
ls -l "$root/ttb" | awk 'NR > 1 { print $5, $NF }'
# 24 bytes are the header of a file without frames.
[ -n "$(find "$root/ttb" -name '*.pcap' -size +24c)" ] || { echo "no frame was captured"; exit 1; }
diff -r "$root/ns3" "$root/ttb" || { echo "the results differ"; exit 1; }
