#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Makes the disk images of ttbridge's nodes; see --help and doc/images.md.

set -eu
LC_ALL=C
export LC_ALL

# Part of every image's hash: to be raised with any change below that alters an image.
recipe=1
debian_packages='busybox-static ethtool iperf3 iproute2 iputils-ping tcpdump'
# All times in an image: 2000-01-01, so that no file is from the future of a simulation.
epoch=946684800

# shellcheck disable=SC2034 # used by cache.sh
prog=ttb-image
kind=images
here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=cache.sh
. "$here/cache.sh"

help() {
    cat <<EOT
usage: $0 [busybox]                     make (or find) the image with busybox alone
       $0 debian [PACKAGE...]           one with Debian packages and what they depend on
       $0 --print busybox|debian [PACKAGE...]
                                        print its path if it exists, else exit with status 1
       $0 --list                        what exists, one line each
       $0 --help

Makes a read-only ext4 image whose first process is /sbin/ttb-init. Needs no root. The last line of
the output is the path of the image. What exists already is found in no time.

Packages of the image "debian", if none are named: $debian_packages.
They are unpacked, not installed: no maintainer script is run. They come from the archive that the
host itself uses; TTB_DEBIAN_SOURCES names another file in the format of sources.list(5), and
TTB_DEBIAN_SUITE another suite.

Results are in $cache/NAME-HASH:
  image.ext4    the image
  manifest      versions and hashes of all that went into it

HASH covers the init script, the names of the packages and, for busybox, the version of the package
busybox-static. A Debian image keeps the versions it was made with until its directory is removed.
The environment variable TTB_CACHE names another directory than $(dirname -- "$cache").
EOT
}

# Sets name (empty if it cannot be known), key, and what the image is made from: packages, and
# source_version for busybox, or sources and suite for Debian.
find_name() {
    name=
    tools=$(PATH=$PATH:/usr/sbin:/sbin mke2fs -V 2>&1 | sed -n '1s/^mke2fs \([^ ]*\).*/\1/p') || :
    key_lines="recipe $recipe
init $(hash_of < "$here/init")
mke2fs $tools"
    case $1 in
        busybox)
            packages="busybox-static"
            source_version=$(package_version busybox-static)
            key=$(printf '%s\n' "$key_lines" | hash_of)
            if [ -n "$source_version" ]; then
                name=busybox-$(printf '%s\n' "$source_version" "$key" | hash_of | cut -c1-12)
            else
                name=$(newest_similar busybox "$key")
            fi
            ;;
        debian)
            suite=${TTB_DEBIAN_SUITE:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
            find_sources
            source_version=$suite
            key=$(printf '%s\n' "$key_lines" "suite $suite" "packages $packages" | hash_of)
            name=debian-$(printf '%s' "$key" | cut -c1-12)
            ;;
    esac
}

# Sets sources to the host's own list of Debian's archives, or leaves it empty for mmdebstrap's
# default.
find_sources() {
    sources=${TTB_DEBIAN_SOURCES:-}
    [ -z "$sources" ] || return 0
    for sources_file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        if [ -s "$sources_file" ]; then
            sources=$sources_file
            return 0
        fi
    done
}

is_built() { [ -n "$name" ] && [ -f "$cache/$name/image.ext4" ] && [ -f "$cache/$name/manifest" ]; }

list() {
    for list_dir in "$cache"/*; do
        [ -f "$list_dir/manifest" ] || continue
        printf '%-22s %-18s %s  %s\n' "$(basename -- "$list_dir")" \
            "$(manifest_value "$list_dir/manifest" source-version)" \
            "$(manifest_value "$list_dir/manifest" built | cut -c1-10)" "$list_dir/image.ext4"
    done
}

unpack_busybox() {
    mkdir -p "$work/tree/bin"
    busybox=/bin/busybox
    if ! dpkg-query -S "$busybox" 2>/dev/null | grep -q '^busybox-static:'; then
        download_package busybox-static "$source_version" "$work/deb"
        busybox=$work/deb/bin/busybox
        [ -f "$busybox" ] || busybox=$work/deb/usr/bin/busybox
    fi
    cp -- "$busybox" "$work/tree/bin/busybox"
}

unpack_debian() {
    phase "unpack Debian $suite packages"
    include=$(printf '%s' "$packages" | tr ' ' ,)
    # shellcheck disable=SC2016 # mmdebstrap's shell expands $1
    # chrootless: nothing is run in the tree, so neither root nor name spaces are needed.
    run env SOURCE_DATE_EPOCH=$epoch TMPDIR="$work" mmdebstrap --quiet --mode=chrootless \
        --variant=extract --include="$include" \
        --extract-hook='cd "$1/var/cache/apt/archives" && sha256sum -- *.deb >&2' \
        "$suite" "$work/tree.tar" ${sources:+"$sources"} ||
        fail "mmdebstrap cannot unpack the packages"
    # Lines "SHA256  NAME_VERSION_ARCHITECTURE.deb" of the hook; apt writes an epoch's colon as %3a.
    sed -n 's/^\([0-9a-f]\{64\}\)  \(.*\)\.deb$/package: \2 \1/p' "$log" | sed 's/%3a/:/' \
        > "$work/debs"
    mkdir "$work/tree"
    phase_done
}

# Adds what packages and busybox do not bring. Never replaces a program.
add_base() {
    tree=$1
    for base_dir in bin dev etc mnt proc root run sbin sys tmp usr/bin usr/sbin var/tmp; do
        mkdir -p "$tree/$base_dir"
    done
    chmod 0700 "$tree/root"
    chmod 1777 "$tree/tmp" "$tree/var/tmp"
    [ -e "$tree/var/run" ] || ln -s /run "$tree/var/run"

    # mmdebstrap copies the host's name and resolver.
    rm -rf -- "$tree/etc/hostname" "$tree/etc/fstab" "$tree/etc/apt" "$tree/etc/machine-id"
    for base_file in doc info lintian locale man; do
        rm -rf -- "${tree:?}/usr/share/$base_file"
    done
    rm -rf -- "$tree"/var/lib/apt "$tree"/var/cache/* "$tree"/var/log/*
    find "$tree/dev" -mindepth 1 -delete
    : > "$tree/etc/resolv.conf"
    cat > "$tree/etc/passwd" <<'EOT'
root:x:0:0:root:/root:/bin/sh
tcpdump:x:101:101::/nonexistent:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
EOT
    cat > "$tree/etc/group" <<'EOT'
root:x:0:
tty:x:5:
tcpdump:x:101:
nogroup:x:65534:
EOT
    cat > "$tree/etc/hosts" <<'EOT'
127.0.0.1 localhost
::1 localhost ip6-localhost
EOT
    printf '/bin/sh\n' > "$tree/etc/shells"
    printf 'PS1="\\h:\\w\\$ "\n' > "$tree/etc/profile"
    ln -sf /proc/mounts "$tree/etc/mtab"
    cp -- "$here/init" "$tree/sbin/ttb-init"
    chmod 0755 "$tree/sbin/ttb-init"

    # dash brings it in some releases, and makes it when it is installed in others.
    if [ -x "$tree/bin/dash" ]; then
        ln -sf dash "$tree/bin/sh"
    fi
    base_busybox=/bin/busybox
    [ -x "$tree/bin/busybox" ] || base_busybox=/usr/bin/busybox
    "$tree$base_busybox" --list-full | while read -r applet; do
        applet_name=${applet##*/}
        for applet_dir in bin sbin usr/bin usr/sbin; do
            if [ -e "$tree/$applet_dir/$applet_name" ] || [ -L "$tree/$applet_dir/$applet_name" ]
            then
                continue 2
            fi
        done
        mkdir -p "$tree/$(dirname -- "$applet")"
        ln -s "$base_busybox" "$tree/$applet"
    done
    # ttb-init runs with this shell, whatever else there is.
    [ -x "$tree/bin/busybox" ] || ln -s /usr/bin/busybox "$tree/bin/busybox"
}

# make_fs WORK: everything for which files must look as if they belonged to root. Called below in a
# process of its own, under fakeroot unless we are root.
make_fs() {
    PATH=$PATH:/usr/sbin:/sbin
    if [ -f "$1/tree.tar" ]; then
        tar -C "$1/tree" --numeric-owner --exclude='./dev/*' -xpf "$1/tree.tar"
    fi
    add_base "$1/tree"
    # Everything is root's: mmdebstrap keeps other owners only if it is run by root, and an image
    # is not to depend on who made it.
    chown -R -h 0:0 "$1/tree"
    find "$1/tree" -exec touch -h -d "@$epoch" -- {} +

    make_mb=$(du -sm --apparent-size "$1/tree" | cut -f1)
    # Room to write, which costs nothing: images and the layers on top are sparse.
    make_mb=$(((make_mb + make_mb / 4 + 192 + 63) / 64 * 64))

    # Neither mke2fs.conf nor the clock nor chance has a say.
    make_uuid=7474622d-0000-4000-8000-$(printf '%012d' "$recipe")
    E2FSPROGS_FAKE_TIME=$epoch MKE2FS_CONFIG=/dev/null mke2fs -q -F -t ext4 -L ttbridge \
        -b 4096 -I 256 -i 8192 -m 0 -J size=4 -e panic -O "$(printf '%s' none,has_journal, \
            ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file, \
            dir_nlink,extra_isize,metadata_csum)" -U "$make_uuid" -E "$(printf '%s' \
            "hash_seed=$make_uuid,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0")" \
        -d "$1/tree" "$1/out/image.ext4" "${make_mb}M"

    # mke2fs copies the change time, which cannot be set, and access times that it may have caused.
    (cd "$1/tree" && find . -printf '%P\n') | while IFS= read -r make_path; do
        for make_field in ctime atime; do
            printf 'sif "/%s" %s @%s\n' "$make_path" "$make_field" "$epoch"
        done
    done > "$1/times"
    E2FSPROGS_FAKE_TIME=$epoch debugfs -w -f "$1/times" "$1/out/image.ext4" > "$1/debugfs" 2>&1
    if grep -v -e '^debugfs' "$1/debugfs"; then
        echo 'debugfs could not set times'
        return 1
    fi
    e2fsck -fn "$1/out/image.ext4"
}

build() {
    PATH=$PATH:/usr/sbin:/sbin
    need_tools e2fsprogs:mke2fs e2fsprogs:debugfs e2fsprogs:e2fsck util-linux:setsid \
        util-linux:flock
    [ "$(id -u)" = 0 ] || need_tools fakeroot:fakeroot
    if [ "$1" = debian ]; then
        need_tools mmdebstrap:mmdebstrap
        [ -n "$suite" ] || die "/etc/os-release has no VERSION_CODENAME; set TTB_DEBIAN_SUITE"
    elif [ -z "$source_version" ]; then
        die "busybox-static is neither installed nor known to apt; run: apt-get update"
    fi

    begin
    if is_built; then # by the one we waited for
        return
    fi
    mkdir "$work/out"
    "unpack_$1"

    phase "make the file system"
    set -- "$0" --make-fs "$work"
    [ "$(id -u)" = 0 ] || set -- fakeroot -- "$@"
    run "$@" || fail "cannot make the file system"
    touch -d "@$epoch" "$work/out/image.ext4"
    chmod 0444 "$work/out/image.ext4"
    {
        cat <<EOT
source-version: $source_version
packages: $packages
init: $(hash_of < "$here/init")
mke2fs: $tools
key: $key
sha256: $(hash_of < "$work/out/image.ext4")
built: $(date -u +%Y-%m-%dT%H:%M:%SZ)
EOT
        [ ! -f "$work/debs" ] || cat "$work/debs"
    } > "$work/out/manifest"
    publish "$work/out" "$name"
    phase_done
}

if [ "${1:-}" = --make-fs ]; then
    make_fs "$2"
    exit
fi

mode=build
image=
packages=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) help; exit 0 ;;
        --list) mode=list ;;
        --print) mode=print ;;
        -*) usage_error "unknown option '$1'" ;;
        *[!a-z0-9+.-]*) usage_error "'$1' is not the name of a package" ;;
        *)
            if [ -z "$image" ]; then
                image=$1
            else
                packages="$packages$1
"
            fi
            ;;
    esac
    shift
done

if [ "$mode" = list ]; then
    list
    exit 0
fi

if [ -z "$image" ]; then
    [ "$mode" != print ] || usage_error "--print needs a name"
    image=busybox
fi
case $image in
    busybox)
        [ -z "$packages" ] || usage_error "packages can be added to the image 'debian' only"
        ;;
    debian)
        [ -n "$packages" ] || packages=$(printf '%s\n' "$debian_packages" | tr ' ' '\n')
        # ttb-init needs busybox. dash is for everything else: Debian's busybox, as a shell, prefers
        # its own ip and ping to those of the packages. Sorted, as the order makes no difference.
        packages=$(printf '%s\nbusybox-static\ndash\n' "$packages" | sed '/^$/d' | sort -u |
            tr '\n' ' ')
        packages=${packages% }
        ;;
    *) usage_error "there is no image '$image', only: busybox, debian" ;;
esac

find_name "$image"
if ! is_built; then
    if [ "$mode" = print ]; then
        say "$image is not built"
        exit 1
    fi
    build "$image"
fi
printf '%s\n' "$cache/$name/image.ext4"
