#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# In the image "debian" a script gets the programs of the packages, not busybox's of the same name,
# and they run without having been installed.

. "$(dirname -- "$0")/lib.sh"
unset TTB_IMAGE
find_node
image=$("$top/images/build.sh" --print debian 2>/dev/null) ||
    skip "no Debian image is made; run: images/build.sh debian"
printf 'image   %s\n' "$image"

new_node "$t/n" <<'EOT'
ip -V
ping -V | head -n 1
ethtool --version
ping -c 2 127.0.0.1
tc qdisc add dev lo root netem delay 1ms && ping -c 1 127.0.0.1
tcpdump -i lo -c 2 -nn -w /tmp/x.pcap 2>/dev/null &
sleep 1; ping -c 1 ::1 > /dev/null; wait
tcpdump -nn -r /tmp/x.pcap 2>/dev/null
iperf3 -s -1 -D; sleep 1; iperf3 -c 127.0.0.1 -n 1M
vi --help 2>&1 | head -n 1
EOT
boot "$t/n"
check_equal "the node ends with status 0" 0 $?
c=$t/n/console
check_match "ip is that of iproute2" '^ip utility, iproute2' "$c"
check_match "ping is that of iputils" '^ping from iputils' "$c"
check_match "ethtool runs" '^ethtool version' "$c"
check_match "a ping to itself takes no time" '64 bytes .* time=0.00[01] ms' "$c"
check_match "netem delays by what it is told, both ways" 'time=2.0[0-9]* ms' "$c"
check_match "tcpdump sees packets" 'IP6 ::1 > ::1: ICMP6, echo reply' "$c"
check_match "iperf3 transfers" '1.00 MBytes .*sender' "$c"
check_match "what the packages lack is busybox's" '^BusyBox v' "$c"
finish
