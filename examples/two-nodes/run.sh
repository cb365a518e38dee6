#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What "make demo" runs: run.sh BUILD-DIRECTORY [OPTIONS]
set -eu
build=$1
shift
exec "$build/examples/two-nodes/two-nodes" "$@"
