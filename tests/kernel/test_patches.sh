#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Each patch of a series as a maintainer would look at it: checkpatch.pl --strict of its kernel has
# nothing to say, the message says why and how it was tested, and after each patch the files it touches
# compile without a warning, with and without time travel.
#
#     test_patches.sh VERSION
#
# Unpacks and configures a whole kernel, which takes minutes: only if TTB_TEST_PATCHES is set.

. "$(dirname -- "$0")/lib.sh"
version=${1:-${TTB_KERNEL_VERSION:-6.12}}
[ -n "${TTB_TEST_PATCHES:-}" ] || skip "takes minutes; run: TTB_TEST_PATCHES=1 $0 $version"
need perl make gcc bc flex bison patch
jobs=$(nproc)
patches=$top/uml-patches/$version

TTB_CACHE=$t/cache "$top/uml-patches/build.sh" --source "$t/src" --unpatched "$version" 2> "$t/err"
status=$?
[ $status != 77 ] || skip "$(cat "$t/err")"
[ $status = 0 ] || {
    cat "$t/err"
    exit 1
}

series() { sed -e 's/#.*//' -e '/^$/d' "$patches/series"; }

kernel_make() { # CONFIGURATION TARGET...
    make_config=$1
    shift
    make -C "$t/src" ARCH=um O="$t/$make_config" -j "$jobs" "$@" > "$t/log" 2>&1
}

# --- What it says.
for patch in $(series); do
    # Whether a commit exists it can only tell in a git repository.
    (cd "$t/src" && perl scripts/checkpatch.pl --strict --quiet --ignore UNKNOWN_COMMIT_ID \
        "$patches/$patch") > "$t/checkpatch"
    check_equal "$patch: checkpatch.pl --strict is content" "" "$(cat "$t/checkpatch")"
    for line in '^Subject: \[PATCH\] ' '^Signed-off-by: ' '^Tested ' '^---$'; do
        grep -q -e "$line" "$patches/$patch" || fail "$patch has no line $line"
    done
done

# --- That it compiles.
for config in with without; do
    mkdir "$t/$config"
    kernel_make $config tinyconfig || fail "tinyconfig: $(tail -n 5 "$t/log")"
    cat "$top/uml-patches/config" >> "$t/$config/.config"
    [ ! -f "$patches/config" ] || cat "$patches/config" >> "$t/$config/.config"
    [ $config = with ] ||
        sed -i 's/^CONFIG_UML_TIME_TRAVEL_SUPPORT=y/# CONFIG_UML_TIME_TRAVEL_SUPPORT is not set/' \
            "$t/$config/.config"
    kernel_make $config olddefconfig
    # Once before, so that what the untouched files warn of is not held against a patch.
    kernel_make $config prepare arch/um/ || fail "the unpatched kernel: $(tail -n 5 "$t/log")"
done
check_equal "the two configurations differ in time travel" 1 \
    "$(grep -l '^CONFIG_UML_TIME_TRAVEL_SUPPORT=y' "$t/with/.config" "$t/without/.config" | wc -l)"
for patch in $(series); do
    patch -d "$t/src" -p1 --fuzz=0 --batch --no-backup-if-mismatch -i "$patches/$patch" \
        > "$t/log" 2>&1 || fail "$patch does not apply: $(cat "$t/log")"
    objects=$(sed -n 's#^+++ b/\(.*\)\.c$#\1.o#p' "$patches/$patch" | grep -v '^arch/um/')
    for config in with without; do
        # shellcheck disable=SC2086 # a list of words
        kernel_make $config arch/um/ $objects || fail "$patch, $config: $(tail -n 9 "$t/log")"
        check_equal "$patch: no warning, $config time travel" "" \
            "$(grep -i -e 'warning:' -e 'error:' "$t/log")"
    done
done
finish
