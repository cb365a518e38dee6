#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the UML kernel of ttbridge's nodes; see --help and doc/uml-patches.md.

set -eu
LC_ALL=C
export LC_ALL

# Part of every kernel's hash: to be raised with any change below that alters the binary.
recipe=1
default_version=6.12

# shellcheck disable=SC2034 # used by cache.sh
prog=ttb-kernel
kind=kernels
here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=../images/cache.sh
. "$here/../images/cache.sh"

help() {
    cat <<EOT
usage: $0 [-j JOBS] [--unpatched] [VERSION]    build (or find) the kernel, by default $default_version
       $0 --print [--unpatched] VERSION   print its path if it is built, else exit with status 1
       $0 --source DIRECTORY [--unpatched] VERSION   only make a source tree, patched or not
       $0 --list                          what is built, one line each
       $0 --help

VERSION is one of: $(versions | tr '\n' ' ')
7.x is the newest of Debian's unstable distribution (sid). If this machine's apt does not know it, the
package lists of sid are fetched to a directory that is removed again; nothing is installed. When its
source cannot be had, or has become newer than what the patches are for and they do not fit any more, the
exit status is 77. One that is built is kept until it is removed by hand.

--unpatched leaves the patches out, to see what they are for. Such a kernel is named unpatched-VERSION,
and no node gets it that does not ask for it.

Takes Debian's package linux-source-VERSION (the installed one, or downloads it with apt-get; needs
no root), applies the patches in uml-patches/VERSION, configures tinyconfig + uml-patches/config (and
uml-patches/VERSION/config, if there is one) and builds for ARCH=um. The last line of the output is the
path of the binary. What is built already is found in no time.

Results are in $cache/VERSION-HASH:
  linux         the kernel, an ordinary program
  linux.debug   its symbols; gdb finds them by itself
  config        the complete configuration
  System.map
  manifest      versions and hashes of all that went into it

HASH covers the version of the source package, the patches and the configuration. The environment
variable TTB_CACHE names another directory than $(dirname -- "$cache").
EOT
}

versions() {
    for versions_dir in "$here"/*/series; do
        [ ! -f "$versions_dir" ] || basename -- "$(dirname -- "$versions_dir")"
    done | sort -V
}

# Names of the patches for version $1, in order.
series() { [ -n "$unpatched" ] || sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' "$here/$1/series"; }

check_series() {
    for check_patch in $(series "$1"); do
        [ -f "$here/$1/$check_patch" ] ||
            die "$here/$1/series names $check_patch, which does not exist"
    done
}

# What the patches do; what they say above the line "---" does not make another kernel.
series_hash() {
    for hash_patch in $(series "$1"); do
        printf '== %s\n' "$hash_patch"
        if grep -q '^---$' "$here/$1/$hash_patch"; then
            sed '1,/^---$/d' "$here/$1/$hash_patch"
        else
            cat -- "$here/$1/$hash_patch"
        fi
    done | hash_of
}

# The configuration of version $1: the common one, then what is different in this version.
fragment() {
    cat -- "$here/config"
    [ ! -f "$here/$1/config" ] || cat -- "$here/$1/config"
}

# Sets name, under which version $1 is or will be cached (empty if that cannot be known), and what
# it is made from: source_package, source_version (empty if apt and dpkg know of none), source_tar
# (empty if it is not installed), hash_series, hash_config.
find_name() {
    source_package=$(find_package "$1")
    source_tar=/usr/src/$source_package.tar.xz
    if [ -f "$source_tar" ]; then
        source_version=$(package_version "$source_package")
    else
        source_tar=
        source_version=$(candidate_version "$source_package")
    fi
    hash_series=$(series_hash "$1")
    hash_config=$(fragment "$1" | hash_of)
    label=$unpatched$1
    key=$(printf '%s\n' "recipe $recipe" "series $hash_series" "config $hash_config" | hash_of)
    if [ -n "$source_version" ]; then
        set_name
    else
        # No package lists, as is usual in containers: take the newest that was ever built.
        name=$(newest_similar "$label" "$key")
    fi
}

set_name() {
    name=$label-$(printf '%s\n' "$source_package $source_version" "$key" | hash_of | cut -c1-12)
}

# Of the names on standard input: the newest linux-source package of version $1, which may end with x.
newest_package() {
    case $1 in
        *.x) newest_pattern="linux-source-${1%.x}\\.[0-9][0-9]*" ;;
        *) newest_pattern=linux-source-$1 ;;
    esac
    sed -n "s/^\($newest_pattern\)\$/\1/p" | sort -V | tail -n 1
}

# The package that version $1 is made from, as far as this machine knows.
find_package() {
    case $1 in
        *.x)
            find_found=$(for find_tar in /usr/src/linux-source-"${1%x}"*.tar.xz; do
                basename -- "$find_tar" .tar.xz
            done | newest_package "$1")
            [ -n "$find_found" ] ||
                find_found=$(apt-cache pkgnames "linux-source-${1%x}" 2>/dev/null |
                    newest_package "$1")
            printf '%s\n' "${find_found:-linux-source-$1}"
            ;;
        *) printf 'linux-source-%s\n' "$1" ;;
    esac
}

# Lets apt work on package lists of its own, those of Debian's suite $2, and finds version $1 there.
# Files are verified as ever, but lists may be as old as they like: what they name is authentic.
use_suite() {
    phase "fetch the package lists of $2"
    suite_dir=$work/apt
    mkdir -p "$suite_dir/lists/partial" "$suite_dir/cache/archives/partial"
    : > "$suite_dir/status"
    printf 'deb [signed-by=%s check-valid-until=no] %s %s main\n' \
        /usr/share/keyrings/debian-archive-keyring.gpg \
        "${TTB_DEBIAN_MIRROR:-http://deb.debian.org/debian}" "$2" > "$suite_dir/sources.list"
    cat > "$suite_dir/apt.conf" <<EOT
Dir::Etc::SourceList "$suite_dir/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$suite_dir/lists";
Dir::State::Status "$suite_dir/status";
Dir::Cache "$suite_dir/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
EOT
    APT_CONFIG=$suite_dir/apt.conf
    export APT_CONFIG
    run apt-get update --error-on=any || unavailable "$1" "the package lists of $2 cannot be fetched"
    source_package=$(apt-cache pkgnames "linux-source-${1%x}" | newest_package "$1")
    [ -n "$source_package" ] || unavailable "$1" "$2 has no such package"
    source_version=$(candidate_version "$source_package")
    set_name
    phase_done
}

unavailable() {
    [ -z "$phase_start" ] || printf 'failed\n' >&2
    phase_start=
    say "the source of Linux $1 cannot be had: $2"
    [ -z "$log" ] || tail -n 3 "$log" | sed 's/^/    /' >&2
    exit 77
}

# fail, unless the source of version $1 is another than that which its patches are known to be for.
misfit() {
    misfit_known=
    [ ! -f "$here/$1/known" ] || misfit_known=$(sed '/^#/d' "$here/$1/known")
    [ -n "$misfit_known" ] && [ "$misfit_known" != "$source_version" ] || fail "$2"
    unavailable "$1" "$2, and the patches are for $misfit_known"
}

is_built() { [ -n "$name" ] && [ -x "$cache/$name/linux" ] && [ -f "$cache/$name/manifest" ]; }

list() {
    for list_dir in "$cache"/*; do
        [ -f "$list_dir/manifest" ] || continue
        printf '%-22s %-18s %s  %s\n' "$(basename -- "$list_dir")" \
            "$(manifest_value "$list_dir/manifest" source-version)" \
            "$(manifest_value "$list_dir/manifest" built | cut -c1-10)" "$list_dir/linux"
    done
}

unpack_source() {
    phase "unpack $source_package $source_version"
    mkdir "$work/src"
    run tar -C "$work/src" --strip-components=1 --no-same-owner -xf "$source_tar" ||
        fail "cannot unpack $source_tar"
    phase_done
}

apply_series() {
    phase "apply $(series "$1" | wc -l) patches"
    for apply_patch in $(series "$1"); do
        run patch -d "$work/src" -p1 --fuzz=0 --batch --forward --no-backup-if-mismatch \
            -i "$here/$1/$apply_patch" ||
            misfit "$1" "$1/$apply_patch does not apply to $source_package $source_version"
    done
    phase_done
}

# The environment decides nothing: neither options of a make that called us nor anybody's CFLAGS.
kernel_make() {
    run env -i PATH="$PATH" HOME="$work" LC_ALL=C \
        KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_USER=ttbridge \
        KBUILD_BUILD_HOST=ttbridge KBUILD_BUILD_VERSION=1 \
        make -C "$work/src" ARCH=um LOCALVERSION= \
        KCFLAGS="-ffile-prefix-map=$work/src=/usr/src/linux" \
        KAFLAGS="-ffile-prefix-map=$work/src=/usr/src/linux" "$@"
}

configure() {
    phase "configure"
    kernel_make tinyconfig || fail "make tinyconfig failed"
    fragment "$1" > "$work/fragment"
    cat -- "$work/fragment" >> "$work/src/.config"
    kernel_make olddefconfig || fail "make olddefconfig failed"

    # An option whose dependencies are not met is dropped without a word.
    lost=$(sed -n -e 's/^\(CONFIG_[^ ]*\)=.*/\1/p' -e 's/^# \(CONFIG_[^ ]*\) is not set$/\1/p' \
        "$work/fragment" | while read -r option; do
            want=$(grep -E "^($option=|# $option is not set$)" "$work/fragment" | tail -n 1)
            have=$(grep -E "^($option=|# $option is not set$)" "$work/src/.config" || :)
            case $want in
                '#'*) [ -z "${have%%#*}" ] || printf ' %s' "$option" ;;
                *) [ "$want" = "$have" ] || printf ' %s' "$option" ;;
            esac
        done)
    if [ -n "$lost" ]; then
        printf 'failed\n' >&2
        phase_start=
        die "these options of $here/config (and $1/config) do not come out as written:$lost"
    fi
    phase_done
}

# What is needed to get the source of version $1; sets suite (empty if apt need not be told).
check_source() {
    suite=
    [ ! -f "$here/$1/suite" ] || suite=$(sed "/^#/d" "$here/$1/suite")
    [ -n "$source_version$suite" ] ||
        unavailable "$1" "$source_package is neither installed nor known to apt; run: apt-get update"
    need_tools xz-utils:xz patch:patch util-linux:setsid util-linux:flock
    check_series "$1"
}

# Makes $work/src: downloads the source if it is not installed, unpacks, and patches it.
get_source() {
    [ -n "$source_version" ] || use_suite "$1" "$suite"
    if [ -z "$source_tar" ]; then
        download_package "$source_package" "$source_version" "$work/deb"
        source_tar=$work/deb/usr/src/$source_package.tar.xz
        [ -f "$source_tar" ] || die "$source_package holds no $source_package.tar.xz"
    fi
    unpack_source
    apply_series "$1"
}

make_source() { # VERSION DIRECTORY
    check_source "$1"
    [ ! -e "$2" ] || die "$2 exists already"
    begin
    get_source "$1"
    mv -T -- "$work/src" "$2" || die "cannot move the source to $2"
}

build() {
    need_tools make:make gcc:gcc binutils:ld flex:flex bison:bison bc:bc
    check_source "$1"
    begin
    if is_built; then # by the one we waited for
        return
    fi
    build_start=$(now_s)
    get_source "$1"
    configure "$1"

    phase "compile with $jobs jobs"
    kernel_make -j "$jobs" linux ||
        misfit "$1" "the compiler reports an error in $source_package $source_version"
    phase_done

    phase "install"
    out=$work/out
    mkdir "$out"
    {
        cp -- "$work/src/.config" "$out/config" &&
            cp -- "$work/src/System.map" "$out/System.map" &&
            run objcopy --only-keep-debug "$work/src/vmlinux" "$out/linux.debug" &&
            run sh -c 'cd "$1" && objcopy --strip-all --add-gnu-debuglink=linux.debug "$2" linux' \
                sh "$out" "$work/src/vmlinux" &&
            chmod 0755 "$out/linux" && chmod 0644 "$out/linux.debug"
    } || fail "cannot copy the results"
    release=$("$out/linux" --version) || fail "the new kernel does not start"
    cat > "$out/manifest" <<EOT
release: $release
source-package: $source_package
source-version: $source_version
series: $hash_series
config: $hash_config
key: $key
compiler: $(gcc --version | head -n 1)
linker: $(ld --version | head -n 1)
sha256: $(hash_of < "$out/linux")
built: $(date -u +%Y-%m-%dT%H:%M:%SZ)
patches: $(series "$1" | tr '\n' ' ')
EOT
    publish "$out" "$name"
    phase_done
    say "built $name in $(($(now_s) - build_start)) s"
}

mode=build
version=
unpatched=
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) help; exit 0 ;;
        --list) mode=list ;;
        --print) mode=print ;;
        --unpatched) unpatched=unpatched- ;;
        --source)
            [ $# -ge 2 ] || usage_error "--source needs a directory"
            shift
            mode=source
            directory=$1
            ;;
        -j)
            [ $# -ge 2 ] || usage_error "-j needs a number"
            shift
            jobs=$1
            ;;
        -j*) jobs=${1#-j} ;;
        -*) usage_error "unknown option '$1'" ;;
        *)
            [ -z "$version" ] || usage_error "one version at a time"
            version=$1
            ;;
    esac
    shift
done

if [ "$mode" = list ]; then
    list
    exit 0
fi

case $jobs in
    '' | *[!0-9]* | 0) usage_error "-j needs a positive number, not '$jobs'" ;;
esac
if [ -z "$version" ]; then
    [ "$mode" != print ] || usage_error "--print needs a version"
    version=$default_version
fi
versions | grep -qxF -- "$version" ||
    usage_error "there are no patches for version '$version', only for: $(versions | tr '\n' ' ')"

find_name "$version"
if [ "$mode" = source ]; then
    make_source "$version" "$directory"
    exit 0
fi
if ! is_built; then
    if [ "$mode" = print ]; then
        say "$unpatched$version is not built"
        exit 1
    fi
    build "$version"
fi
printf '%s\n' "$cache/$name/linux"
