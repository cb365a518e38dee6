#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# uml-patches/build.sh, with a "kernel" that is made in no time: a package of a source tree whose
# Makefile knows the three targets, and an apt that offers it. What it does with the real source is
# seen by the other tests, which run the result.

. "$(dirname -- "$0")/lib.sh"
need dpkg-deb xz patch gcc flock setsid

# --- The package, version 1.
make_package() { # VERSION
    rm -rf "$t/tree" "$t/deb"
    mkdir -p "$t/tree/linux-source-9.9" "$t/deb/DEBIAN" "$t/deb/usr/src"
    cat > "$t/tree/linux-source-9.9/Makefile" <<'EOT'
tinyconfig: ; echo CONFIG_TINY=y > .config
olddefconfig: ; sed -i '/LOST/d' .config
linux: main.c
	test "$(ARCH)" = um
	echo compiled >> $(COUNT)
	sleep $(SLEEP)
	gcc $(KCFLAGS) -g -o vmlinux main.c
	touch System.map
EOT
    printf 'COUNT = %s\nSLEEP = $(shell cat %s)\n' "$t/count" "$t/sleep" \
        >> "$t/tree/linux-source-9.9/Makefile"
    cat > "$t/tree/linux-source-9.9/main.c" <<'EOT'
#include <stdio.h>

int main(void)
{
	puts("unpatched");
	return 0;
}
EOT
    tar -cJf "$t/deb/usr/src/linux-source-9.9.tar.xz" -C "$t/tree" linux-source-9.9
    printf 'Package: linux-source-9.9\nVersion: %s\nArchitecture: all\n%s\n%s\n' "$1" \
        'Maintainer: test <test@example.org>' 'Description: test' > "$t/deb/DEBIAN/control"
    dpkg-deb -b "$t/deb" "$t/linux-source-9.9_$1_all.deb" > /dev/null
    printf 'linux-source-9.9:\n  Installed: (none)\n  Candidate: %s\n' "$1" > "$t/policy"
}
mkdir "$t/bin"
cat > "$t/bin/apt-cache" <<EOT
#!/bin/sh
if [ "\$1 \$2" = 'policy linux-source-9.9' ]; then
    cat $t/policy
elif [ "\$1" = pkgnames ] && [ -n "\$APT_CONFIG" ] && grep -q ' sid main' "\${APT_CONFIG%/*}/sources.list"; then
    printf 'linux-source-%s\n' 9 9.8 9.9 9.9-rt
fi
EOT
cat > "$t/bin/apt-get" <<EOT
#!/bin/sh
echo "apt-get \$*"
case \$1 in
    update) [ ! -e $t/offline ] || { echo 'cannot resolve'; exit 100; } ;;
    *) cp $t/*_"\${2#*=}"_all.deb . ;;
esac
EOT
chmod +x "$t/bin"/*
make_package 1
echo 0 > "$t/sleep"

# --- Patches and configuration.
mkdir -p "$t/p/uml-patches/9.9"
cp -r "$top/images" "$t/p/images"
cp "$top/uml-patches/build.sh" "$t/p/uml-patches/"
build=$t/p/uml-patches/build.sh
printf '# a comment\nCONFIG_ONE=y\n# CONFIG_TWO is not set\nCONFIG_TEXT="a b"\n' \
    > "$t/p/uml-patches/config"
printf '# the order\n0001-one.patch\n' > "$t/p/uml-patches/9.9/series"
cat > "$t/p/uml-patches/9.9/0001-one.patch" <<'EOT'
--- a/main.c
+++ b/main.c
@@ -2,6 +2,6 @@
 
 int main(void)
 {
-	puts("unpatched");
+	puts("patched");
 	return 0;
 }
EOT
patch1=$(cat "$t/p/uml-patches/9.9/0001-one.patch")

run_build() { # ARGUMENT...
    PATH="$t/bin:$PATH" TTB_CACHE="$t/cache" "$build" "$@" > "$t/out" 2> "$t/err"
}
compiled() { wc -l < "$t/count"; }
left() { find "$t/cache/kernels" -mindepth 1 -maxdepth 1 -name '.tmp*'; }

run_build --print 9.9
check_equal "--print before the build fails" 1 $?
run_build 9.9
check_equal "the kernel is built" 0 $?
first=$(tail -n 1 "$t/out")
check "the last line is the path of the binary" [ -x "$first" ]
check_equal "it is built from patched source" patched "$("$first")"
check_match "phases are reported, with times" 'compile with .* jobs *[0-9]* s$' "$t/err"
check_match "the manifest names the source" '^source-version: 1$' "${first%/*}/manifest"
check_match "... and the hash of the binary" "^sha256: $(sha256sum < "$first" | cut -d' ' -f1)$" \
    "${first%/*}/manifest"
check_match "the configuration is kept" '^CONFIG_TEXT="a b"$' "${first%/*}/config"
check "symbols are kept apart" [ -s "${first%/*}/linux.debug" ]
check_equal "nothing temporary is left" "" "$(left)"

run_build 9.9
check_equal "the second call prints the same path" "$first" "$(cat "$t/out")"
check_equal "... at once, with nothing to report" "" "$(cat "$t/err")"
check_equal "... without compiling" 1 "$(compiled)"
run_build --print 9.9
check_equal "--print prints it" "$first" "$(cat "$t/out")"
run_build --list
check_match "--list lists it" "$first" "$t/out"

# --- Without patches, and sources only.
run_build --print --unpatched 9.9
check_equal "a patched kernel is no unpatched one" 1 $?
run_build --unpatched 9.9
check_equal "--unpatched builds without patches" unpatched "$("$(tail -n 1 "$t/out")")"
check_match "... under another name" '/unpatched-9.9-[0-9a-f]*/linux$' "$t/out"
run_build --print 9.9
check_equal "... and leaves the other as it is" "$first" "$(cat "$t/out")"
run_build --source "$t/source" 9.9
check_match "--source makes a tree with the patches" '"patched"' "$t/source/main.c"
run_build --source "$t/source" 9.9
check_match "... but not over another" 'source exists already' "$t/err"
run_build --source "$t/source2" --unpatched 9.9
check_match "... or one without them" '"unpatched"' "$t/source2/main.c"
check_equal "nothing temporary is left" "" "$(left)"

# --- The newest of a suite that this machine's apt does not know.
mkdir "$t/p/uml-patches/9.x"
cp "$t/p/uml-patches/9.9"/* "$t/p/uml-patches/9.x/"
echo sid > "$t/p/uml-patches/9.x/suite"
: > "$t/offline"
run_build 9.x
check_equal "when a suite cannot be reached the status is 77" 77 $?
check_match "... which is said" 'the source of Linux 9.x cannot be had: the package lists of sid' \
    "$t/err"
check_match "... with what apt says" 'cannot resolve' "$t/err"
rm "$t/offline"
run_build 9.x
check_match "else its newest version is built" '/9.x-[0-9a-f]*/linux$' "$t/out"
check_match "... which the manifest names" '^source-package: linux-source-9.9$' \
    "$(dirname -- "$(tail -n 1 "$t/out")")/manifest"
: > "$t/offline"
newest=$(tail -n 1 "$t/out")
run_build 9.x
check_equal "... and found again without asking anybody" "$newest" "$(cat "$t/out")"
printf '# a comment\n0.1\n' > "$t/p/uml-patches/9.x/known"
rm "$t/offline"
sed -i 's/unpatched/neither/' "$t/p/uml-patches/9.x/0001-one.patch"
run_build 9.x
check_equal "when it has become newer and a patch does not fit the status is 77, too" 77 $?
check_match "... which is said" 'does not apply to linux-source-9.9 1, and the patches are for 0.1' \
    "$t/err"
echo 1 > "$t/p/uml-patches/9.x/known"
run_build 9.x
check_equal "... but with the version that they are for that is an error" 1 $?
rm -r "$t/p/uml-patches/9.x" "${newest%/*}" "$t/cache/kernels"/unpatched-*
echo compiled > "$t/count"

# --- What makes another kernel.
cached() { find "$t/cache/kernels" -maxdepth 1 -name '9.9-*' | wc -l; }
echo 'CONFIG_THREE=y' >> "$t/p/uml-patches/config"
run_build 9.9
check_equal "another configuration is another kernel" 2 "$(cached)"
printf '%s\n' "$patch1" | sed 's/"patched"/"patched twice"/' \
    > "$t/p/uml-patches/9.9/0001-one.patch"
run_build 9.9
check_equal "another patch is another kernel" 3 "$(cached)"
check_equal "... made from it" "patched twice" "$("$(tail -n 1 "$t/out")")"
make_package 2
run_build 9.9
check_equal "another version of the source is another kernel" 4 "$(cached)"
newest=$(tail -n 1 "$t/out")
: > "$t/policy"
run_build 9.9
check_equal "without package lists the newest that fits is found" "$newest" "$(cat "$t/out")"
echo 'CONFIG_FOUR=y' >> "$t/p/uml-patches/config"
run_build 9.9
check_equal "... and if none fits the status is 77" 77 $?
check_match "... that says what to do" 'neither installed nor known to apt; run: apt-get update' \
    "$t/err"

# --- Errors.
make_package 3
before=$(cached)
printf '%s\n' "$patch1" | sed 's/int main/int mein/' > "$t/p/uml-patches/9.9/0001-one.patch"
run_build 9.9
check_equal "a patch that needs fuzz is refused" 1 $?
check_match "... by name" '9.9/0001-one.patch does not apply to linux-source-9.9 3' "$t/err"
echo 0002-two.patch >> "$t/p/uml-patches/9.9/series"
run_build 9.9
check_match "a patch that does not exist is named" 'names 0002-two.patch, which does not exist' \
    "$t/err"
echo 0001-one.patch > "$t/p/uml-patches/9.9/series"
printf '%s\n' "$patch1" | sed 's/puts("patched")/puts(nonsense)/' \
    > "$t/p/uml-patches/9.9/0001-one.patch"
run_build 9.9
check_equal "an error of the compiler is an error" 1 $?
check_match "... and shown" 'nonsense.* undeclared' "$t/err"
printf '%s\n' "$patch1" > "$t/p/uml-patches/9.9/0001-one.patch"
cp "$t/p/uml-patches/config" "$t/config"
printf 'CONFIG_LOST_A=y\nCONFIG_LOST_B="x"\n' >> "$t/p/uml-patches/config"
run_build 9.9
check_equal "options that do not survive are an error" 1 $?
check_match "... that names them all" ': CONFIG_LOST_A CONFIG_LOST_B$' "$t/err"
cp "$t/config" "$t/p/uml-patches/config"
mkdir "$t/tools"
for tool in sh dirname readlink sed sort cat cut tail sha256sum dpkg-query basename make gcc ld flex \
    tar xz patch setsid flock nproc date tr mkdir grep; do
    ln -s "$(command -v "$tool")" "$t/tools/$tool"
done
ln -s "$t/bin/apt-cache" "$t/tools/apt-cache"
PATH=$t/tools TTB_CACHE=$t/cache "$build" 9.9 > "$t/out" 2> "$t/err"
check_match "missing tools are named in one line" 'install them with: apt-get install bison bc$' \
    "$t/err"
run_build 1.0
check_equal "an unknown version is a usage error" 2 $?
run_build -j x 9.9
check_equal "so is a number of jobs that is none" 2 $?
check_equal "none of this leaves anything" "$before" "$(cached)$(left)"

# --- Interruptions. The compiler sleeps for a time that is nobody else's.
nap=300.$$
start_build() { # returns when the compiler runs
    echo $nap > "$t/sleep"
    wanted=$(($(compiled) + 1))
    # A shell lets its background processes ignore INT.
    PATH="$t/bin:$PATH" TTB_CACHE="$t/cache" env --default-signal=INT "$build" 9.9 \
        > "$t/out" 2> "$t/err" &
    pid=$!
    while [ "$(compiled)" -lt $wanted ] || [ -z "$(compilers)" ]; do
        kill -0 $pid 2>/dev/null || return
        sleep 0.05
    done
}
compilers() { ps -e -o pid= -o args= | sed -n "s/^ *\([0-9]*\) sleep $nap\$/\1/p"; }
for signal in TERM:143 INT:130 HUP:129; do
    start_build
    kill -s "${signal%:*}" $pid
    wait $pid
    check_equal "SIG${signal%:*} ends the build" "${signal#*:}" $?
    check_equal "... and leaves nothing" "$before" "$(cached)$(left)"
    check_equal "... nor a compiler" "" "$(compilers)"
done
start_build
kill -KILL $pid
wait $pid 2>/dev/null
check "SIGKILL leaves a temporary directory" [ -n "$(left)" ]
kill "$(compilers)"
echo 0 > "$t/sleep"
run_build 9.9
check_equal "... which the next build removes, and succeeds" 0 $?
check_equal "... with nothing left" "" "$(left)"

# --- Two at once.
echo 'CONFIG_FIVE=y' >> "$t/p/uml-patches/config"
echo 2 > "$t/sleep"
before=$(compiled)
for i in 1 2; do
    PATH="$t/bin:$PATH" TTB_CACHE="$t/cache" "$build" 9.9 > "$t/out$i" 2> "$t/err$i" &
done
wait
check "two builds at once print one path" cmp -s "$t/out1" "$t/out2"
check "... that exists" [ -x "$(tail -n 1 "$t/out1")" ]
check_equal "... and compile once" $((before + 1)) "$(compiled)"
check_match "... the second one saying why it waits" 'waiting for another build' - << EOT
$(cat "$t/err1" "$t/err2")
EOT
finish
