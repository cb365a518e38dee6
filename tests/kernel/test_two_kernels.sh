#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Nodes of one scenario with different kernels: "ttb run" twice, and the runs are equal.
#
#     test_two_kernels.sh [TTB]     the program; default: that in build/
#
# TTB_KERNEL_VERSION names the kernel of the second node, 6.1 by default.

TTB_KERNEL_VERSION=${TTB_KERNEL_VERSION:-6.1}
. "$(dirname -- "$0")/lib.sh"
find_node
ttb=${1:-$top/build/ttb}
[ -x "$ttb" ] || skip "there is no $ttb"
unset TTB_KERNEL
usual=$("$ttb" kernel path 6.12 2>/dev/null) || skip "kernel 6.12 is not built; run: ttb kernel build"
export TTB_IMAGE="$image"

cat > "$t/scenario.yaml" <<EOT
name: two-kernels
engine: builtin
duration: 60s
links:
  lan: {type: ethernet, rate: 10Mbps, delay: 1ms}
nodes:
  usual:
    kernel: "6.12"
    interfaces: [{link: lan, address: 10.0.0.1/24}]
    run: ["uname -r; ping -c 5 10.0.0.2"]
  other:
    kernel: "$TTB_KERNEL_VERSION"
    interfaces: [{link: lan, address: 10.0.0.2/24}]
    run: ["uname -r; dd if=/dev/urandom of=/root/f bs=64k count=8 conv=fsync 2>/dev/null; sleep 10"]
expect:
  - {node: usual, exit: 0}
  - {node: other, exit: 0}
  - {node: usual, console: "5 packets received"}
EOT
"$ttb" run "$t/scenario.yaml" -o "$t/one" --quiet
check_equal "a scenario with two kernels runs as expected" 0 $?
check_match "one node has the usual kernel" \
    "^$("$usual" --version | sed 's/[.]/[.]/g')" "$t/one/nodes/usual/console.log"
check_match "the other another one" \
    "^$("$kernel" --version | sed 's/[.]/[.]/g')" "$t/one/nodes/other/console.log"
"$ttb" run "$t/scenario.yaml" -o "$t/two" --quiet
check "a second run is equal" "$ttb" diff "$t/one" "$t/two"
finish
