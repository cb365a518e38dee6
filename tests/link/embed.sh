#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The embedding example does what its README says, twice the same.
#   embed.sh PROGRAM
set -eu
if [ -z "${TTB_KERNEL-}" ] || [ -z "${TTB_IMAGE-}" ]; then
    echo "skipped: TTB_KERNEL and TTB_IMAGE are not set"
    exit 77
fi
first=$("$1")
again=$("$1")
printf '%s\n' "$first"
[ "$first" = "$again" ] || { printf 'the second time:\n%s\n' "$again"; exit 1; }
[ "$(printf '%s\n' "$first" | grep -c ' time=[23]0\.00[0-3] ms$')" = 6 ]
