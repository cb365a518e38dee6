#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A test of another folder on another kernel than the usual one:
#
#     TTB_KERNEL_VERSION=6.1 test_program.sh PROGRAM [ARGUMENT...]

. "$(dirname -- "$0")/lib.sh"
find_node
TTB_KERNEL=$kernel TTB_IMAGE=$image "$@"
