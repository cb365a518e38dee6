#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the ns-3 adapter inside ns-3's source tree (tools/ns3-contrib.sh), and lets ns-3's test runner run the
# suites there; then two runs of an example, to be equal. The first time it builds the modules of ns-3 that the
# adapter needs, afterwards only the adapter.
#   tools/test-contrib.sh BUILD-DIRECTORY [FOLDER]
# BUILD-DIRECTORY: where this ttbridge has been built
# FOLDER: for ns-3's tree; default: ~/.cache/ttbridge/ns3-tree. If there is none in it, what "apt-get source ns3" gets
# is unpacked there; NS3_ARCHIVE (environment) names a file to unpack instead.
# TTB_KERNEL, TTB_IMAGE: as tools/with-nodes.sh sets them; without, the suite and the example with nodes are not run.
# NS3_MODULES: further modules of ns-3, for more examples: "wifi;point-to-point;applications" (long to build)
# JOBS: processes that compile; default: 2
set -eu
case $# in
    1 | 2) ;;
    *) sed -n '4,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
home=$(cd "$(dirname -- "$0")/.." && pwd)
build=$(cd "$1" && pwd)
folder=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/ttbridge/ns3-tree}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
tree=$folder/tree

# Of the Debian that runs, by the mirror that it uses; with lists of our own, so nobody has to be root.
fetch() {
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ -f "$key" ]; then key="[signed-by=$key] "; else key=; fi
    # shellcheck disable=SC2016 # apt's, not the shell's
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
        awk -v codename="$codename" -v key="$key" '$2 == codename && $3 == "main" {
            print "deb-src " key $0; exit }' > "$folder/apt/sources.list"
    [ -s "$folder/apt/sources.list" ] || { echo "test-contrib: no Debian mirror: set NS3_ARCHIVE"; exit 1; }
    set -- -q -o Dir::Etc::sourcelist="$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache="$folder/apt/cache"
    apt-get "$@" update
    (cd "$folder" && apt-get "$@" source --download-only ns3)
    NS3_ARCHIVE=$(find "$folder" -maxdepth 1 -name 'ns3_*.orig.tar.*' | head -n 1)
}

if [ ! -d "$tree" ]; then
    [ -n "${NS3_ARCHIVE-}" ] || fetch
    rm -rf "$folder/unpacked"
    mkdir "$folder/unpacked"
    tar -xf "$NS3_ARCHIVE" -C "$folder/unpacked"
    # The archive has ns-3 beside other programs, or nothing else.
    mv "$(dirname "$(find "$folder/unpacked" -maxdepth 3 -path '*/ns-3*/VERSION' | head -n 1)")" "$tree"
    rm -rf "$folder/unpacked"
fi

# ns-3's CMake files write into ccache's configuration: not into the user's.
CCACHE_CONFIGPATH=$folder/ccache.conf
export CCACHE_CONFIGPATH
printf 'base_dir = %s\nhash_dir = false\nmax_size = 5G\n' "$folder" > "$CCACHE_CONFIGPATH"

# Links may lead to another folder than the last time, with files that are older than what was made of the others.
rm -rf "$tree/cmake-cache/contrib"
"$home/tools/ns3-contrib.sh" "$tree" "$build"
# What "./ns3 configure" does, which will not be run by root. Without what the modules do not need, and with ns-3's
# assertions, which Debian's libraries do not have.
generator=
! command -v ninja > /dev/null || generator='-G Ninja'
configure() {
    # shellcheck disable=SC2086 # none or two words
    cmake -S "$tree" -B "$tree/cmake-cache" $generator -DCMAKE_BUILD_TYPE=default \
        -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -DNS3_ASSERT=ON -DNS3_LOG=ON -DNS3_WARNINGS_AS_ERRORS=OFF \
        "-DNS3_ENABLED_MODULES=ttbridge${NS3_MODULES:+;$NS3_MODULES}" \
        -DNS3_FILTER_MODULE_EXAMPLES_AND_TESTS=ttbridge -DNS3_PYTHON_BINDINGS=OFF -DNS3_GTK3=OFF \
        -DNS3_SQLITE=OFF -DNS3_VISUALIZER=OFF -DNS3_TAP=OFF -DNS3_EMU=OFF "$@" \
        > "$folder/configure.log" 2>&1 || { cat "$folder/configure.log"; exit 1; }
}
make_targets() {
    nice cmake --build "$tree/cmake-cache" -j "${JOBS:-2}" --target "$@"
}

# Not both at once: ns-3 compiles its core otherwise then.
configure -DNS3_TESTS=ON -DNS3_EXAMPLES=OFF
make_targets test-runner
cd "$tree"
printf 'ns-3 %s\n' "$(cat VERSION)"
./test.py --no-build -s 'ttbridge-*' > "$folder/test.log" 2>&1 || { cat "$folder/test.log"; exit 1; }
cat "$folder/test.log"
for suite in ethernet-link look-ahead simulator uml-node; do
    grep -q "^\[.*PASS.*TestSuite ttbridge-$suite" "$folder/test.log" ||
        { printf 'test-contrib: suite ttbridge-%s was not run\n' "$suite"; exit 1; }
done
if [ -z "${TTB_KERNEL-}" ] || [ -z "${TTB_IMAGE-}" ]; then
    echo "test-contrib: TTB_KERNEL and TTB_IMAGE are not set: no nodes"
    exit 0
fi

configure -DNS3_TESTS=OFF -DNS3_EXAMPLES=ON
examples=$(cmake --build "$tree/cmake-cache" --target help |
    sed -nE 's/^(\.\.\. )?(ns3-(csma|wifi-adhoc|wifi-dumbbell))(:.*)?$/\2/p' | sort)
# shellcheck disable=SC2086 # a list of words
make_targets $examples
for example in $examples; do
    program=$(find "$tree/build/contrib" -type f -name "ns3*-$example-*" | head -n 1)
    "$home/tests/ns3/twice.sh" "$program" > "$folder/$example.log" || { cat "$folder/$example.log"; exit 1; }
    printf '%s: two equal runs, %s answers to ping\n' "$example" "$(grep -c 'bytes from' "$folder/$example.log")"
done
