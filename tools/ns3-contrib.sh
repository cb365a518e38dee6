#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Makes the ns-3 adapter a module of an ns-3 source tree: contrib/ttbridge, with its test suites and examples.
#   tools/ns3-contrib.sh [--copy] NS3-TREE [BUILD-DIRECTORY]
#   tools/ns3-contrib.sh --remove NS3-TREE
# BUILD-DIRECTORY: where this ttbridge has been built; default: build. Without one, the module takes an installed
# libttbridge. --copy: copies instead of links to this folder, for a tree that goes elsewhere.
#
# Then, in NS3-TREE (lists of modules and the other options are your choice):
#   ./ns3 configure --enable-modules=ttbridge --enable-tests --enable-examples
#   ./ns3 build
#   ./test.py -s 'ttbridge-*'
#   ./ns3 run ns3-csma
set -eu
home=$(cd "$(dirname -- "$0")/.." && pwd)

usage() {
    sed -n '4,15s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
die() {
    printf 'ns3-contrib: %s\n' "$*" >&2
    exit 1
}

mode="link"
case ${1-} in
    --copy | --remove) mode=${1#--}; shift ;;
    -*) usage ;;
esac
case $# in
    1 | 2) ;;
    *) usage ;;
esac
tree=$1 build=${2:-$home/build}
{ [ -f "$tree/VERSION" ] && [ -d "$tree/src/core" ] && [ -d "$tree/contrib" ]; } ||
    die "\"$tree\" is not an ns-3 source tree: no VERSION, src/core and contrib in it"
module=$(cd "$tree/contrib" && pwd)/ttbridge
# What is there must be ours before it goes.
if [ -e "$module" ] || [ -L "$module" ]; then
    grep -q 'tools/ns3-contrib.sh' "$module/CMakeLists.txt" 2> /dev/null ||
        die "\"$module\" is there already, and is not made by this script"
    rm -rf "$module"
fi
[ "$mode" != remove ] || exit 0

put() { # WHAT WHERE
    mkdir -p "$(dirname -- "$module/$2")"
    if [ "$mode" = copy ]; then
        cp -R "$home/$1" "$module/$2"
    else
        ln -s "$home/$1" "$module/$2"
    fi
}
put bridge/ns3/contrib/CMakeLists.txt CMakeLists.txt
put bridge/ns3/contrib/examples.cmake examples/CMakeLists.txt
for example in ns3-csma ns3-wifi-adhoc ns3-wifi-dumbbell; do
    put "examples/$example" "examples/$example"
done
put bridge/ns3 model
put bridge/ns3/include include
put bridge/include bridge/include
if [ -e "$build/bridge/libttbridge.so" ]; then
    mkdir -p "$module/bridge/lib"
    library=$(cd "$build/bridge" && pwd)/libttbridge.so
    # By all its names, for programs remember the folder.
    if [ "$mode" = copy ]; then
        cp -P "$library"* "$module/bridge/lib/"
    else
        ln -s "$library"* "$module/bridge/lib/"
    fi
    printf 'ns3-contrib: %s, with %s\n' "$module" "$library"
else
    printf 'ns3-contrib: %s, for an installed libttbridge (nothing is built in "%s")\n' "$module" "$build"
fi
