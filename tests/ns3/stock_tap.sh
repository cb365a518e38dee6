#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Turns ns-3's own scripts with tap bridges into scripts with Linux nodes: at most five lines each. Builds
# them against an installed ttbridge, and runs each twice: equal output and equal pcap files.
#   stock_tap.sh NS3-SOURCE PREFIX STANDARD [COMPILER]
# NS3-SOURCE: ns-3's source tree ("apt-get source ns3"); PREFIX: where ttbridge is installed (its lib and
# include folders); STANDARD: the C++ standard that this ns-3 needs, e.g. 17
set -eu
source=$(cd "$1" && pwd) prefix=$2 standard=$3 compiler=${4:-c++}
here=$(cd "$(dirname -- "$0")" && pwd)
stock=$source/src/tap-bridge/examples
[ -d "$stock" ] || { printf 'no %s\n' "$stock"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The lines that all have in common. A sed script for each: then commands, which a script with tap
# bridges leaves to whoever starts the containers.
common='
s|^#include "ns3/tap-bridge-module.h"|#include <ttbridge/ns3/uml-net-device-helper.h>|
s|"ns3::RealtimeSimulatorImpl"|"ttb::TimeTravelSimulatorImpl"|
s|^    TapBridgeHelper tapBridge|    ttb::UmlNetDeviceHelper tapBridge|
'
pair='
/StringValue("tap-left")/i\
    tapBridge.SetCommands("ip addr add 10.0.0.1/24 dev tap-left; sleep 1; ping -c 5 10.0.0.2");
/StringValue("tap-right")/i\
    tapBridge.SetCommands("ip addr add 10.0.0.2/24 dev tap-right; sleep 20");
'
# tap-wifi-dumbbell ends with an error of its own in ns-3 3.37, before it comes to its tap: its rate control
# does not know the standard that had become ns-3's default.
repair='
/WifiHelper wifi;/a\
    wifi.SetStandard(WIFI_STANDARD_80211g);
'
single='
/StringValue(tapName)/i\
    tapBridge.SetCommands("sleep 3; ping -c 5 ADDRESS");
'
libdir=$(dirname "$(find "$prefix" -name libttbridge-ns3.so | head -n 1)")

convert() { # NAME COMMANDS [REPAIR]
    name=$1
    printf '%s%s' "$common" "$2" > "$work/sed"
    printf '%s' "${3-}" > "$work/repair"
    sed -f "$work/repair" "$stock/$name.cc" > "$work/stock.cc"
    sed -f "$work/sed" "$work/stock.cc" > "$work/$name.cc"
    changed=$(diff "$work/stock.cc" "$work/$name.cc" | grep -c '^>' || :)
    printf '%s: %s lines changed or added\n' "$name" "$changed"
    [ "$changed" -le 5 ] || exit 1
    # shellcheck disable=SC2046 # a list of words
    "$compiler" "-std=c++$standard" -DNS3_LOG_ENABLE -I"$prefix/include" -o "$work/$name" \
        "$work/$name.cc" -L"$libdir" -lttbridge-ns3 -lttbridge -Wl,-rpath,"$libdir" \
        $(for module in core network csma wifi internet applications point-to-point mobility propagation; do
            find /usr/lib /usr/local/lib -name "libns3*-$module.so" | head -n 1
        done)
    no_pcap=
    grep -q EnablePcap "$work/$name.cc" || no_pcap=--no-pcap
    # shellcheck disable=SC2086 # none or one
    (cd "$work" && "$here/twice.sh" $no_pcap "$work/$name") > "$work/output" || { cat "$work/output"; exit 1; }
    grep -E 'packets transmitted' "$work/output" | sed 's/^/    /'
    grep -q '5 packets transmitted, 5 packets received' "$work/output"
}

convert tap-csma "$(printf '%s' "$single" | sed 's/ADDRESS/10.1.1.2/')"
convert tap-wifi-dumbbell "$(printf '%s' "$single" | sed 's/ADDRESS/10.1.1.4/')" "$repair"
convert tap-wifi-virtual-machine "$pair"
convert tap-csma-virtual-machine "$pair"
