#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs a build below a folder of its own, and builds and runs a program against it: with CMake's
# package and with pkg-config, shared and static.
set -eu
cmake=$1 build=$2 source=$3 cc=$4 libdir=$5 flags=$6 ns3=$7

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fail() {
    printf 'install: %s\n' "$*"
    exit 1
}
quietly() {
    "$@" > "$root/log" 2>&1 || { cat "$root/log"; fail "failed: $*"; }
}
expect_output() {
    (cd "$root" && "$@") > "$root/output" || fail "$* ended with status $?"
    [ "$(cat "$root/output")" = "60 bytes at 5576 ns" ] || fail "$* printed: $(cat "$root/output")"
}

# Staged, and then moved: nothing may depend on where the tree was put.
DESTDIR=$root/stage quietly "$cmake" --install "$build"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:[A-Z]*=//p' "$build/CMakeCache.txt")
mv "$root/stage$prefix" "$root/moved"
leftovers=$(find "$root/stage" ! -type d)
[ -z "$leftovers" ] || fail "installed outside the prefix: $leftovers"
prefix=$root/moved
for name in "$libdir/libttbridge.so" "$libdir/libttbridge.a" include/ttbridge/bridge.h \
    share/ttbridge/uml-patches/config; do
    [ -e "$prefix/$name" ] || fail "$name was not installed"
done
# No path of the machine that built it, in what people read, link or run. Sanitizers name the sources,
# whatever the compiler is told, and nobody installs them.
[ -n "$flags" ] || ! grep -rlF -e "$build" -e "${source%/tests/install}" "$prefix" ||
    fail "these name a folder of the build machine"

quietly "$cmake" -S "$source/consumer" -B "$root/cmake" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$prefix" -DWANT_NS3="$ns3"
quietly "$cmake" --build "$root/cmake"
expect_output "$root/cmake/consumer-ttbridge"
expect_output "$root/cmake/consumer-ttbridge-static"

PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # lists of words
quietly "$cc" $flags -o "$root/shared" "$source/consumer/consumer.c" \
    $(pkg-config --cflags --libs ttbridge)
LD_LIBRARY_PATH=$prefix/$libdir expect_output "$root/shared"
# All of the archive, so that whatever it needs must be named.
# shellcheck disable=SC2046,SC2086
quietly "$cc" $flags -o "$root/static" "$source/consumer/consumer.c" \
    $(pkg-config --cflags ttbridge) \
    -Wl,--whole-archive "$prefix/$libdir/libttbridge.a" -Wl,--no-whole-archive \
    $(pkg-config --libs-only-l --static ttbridge | sed 's/-lttbridge//')
expect_output "$root/static"
# The example of a project outside the tree, from where it was installed. With it, all headers in one C++ file.
if [ "$ns3" = 1 ]; then
    cp -r "$prefix"/share/doc/*/examples/project "$root/project"
    (cd "$prefix/include" && find ttbridge -name '*.h' | sort | sed 's/.*/#include <&>/') > "$root/project/all.cc"
    [ "$(wc -l < "$root/project/all.cc")" -gt 20 ] || fail "headers are missing: $(cat "$root/project/all.cc")"
    cat >> "$root/project/CMakeLists.txt" <<'EOT'
add_library(headers OBJECT all.cc)
target_link_libraries(headers PRIVATE ttbridge::ns3)
target_compile_options(headers PRIVATE -Wall -Wextra -Werror)
EOT
    quietly "$cmake" -S "$root/project" -B "$root/project/build" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$prefix"
    quietly "$cmake" --build "$root/project/build"
    "$root/project/build/echo" > "$root/said" || fail "echo ended with status $?"
    "$root/project/build/device" >> "$root/said" || fail "device ended with status $?"
    sed -n 's/^    \([0-9.]* n*s .*\)/\1/p' "$root/project/README.md" | diff - "$root/said" ||
        fail "the example project printed something else than its README says"
    quietly make -C "$root/project" CC="$cc" CFLAGS="$flags"
    LD_LIBRARY_PATH=$prefix/$libdir quietly "$root/project/echo"
fi
if [ -e "$prefix/bin/ttb" ]; then
    quietly "$prefix/bin/ttb" --help
fi
