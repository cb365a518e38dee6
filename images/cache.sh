# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# What uml-patches/build.sh and images/build.sh share: a cache of build results that are named by
# the hash of what went into them. Sourced, not run; the caller sets $prog and $kind first.
#
# A result is a directory ${cache}/<name>-<hash12>. It is made in ${cache}/.tmp.XXXXXX and renamed
# when it is complete, so whatever has a final name is complete. A build holds ${cache}/.lock; the
# processes it starts inherit the lock, so a temporary directory that is found while holding the
# lock belongs to nobody and is removed.

cache=${TTB_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/ttbridge}/$kind

work=    # temporary directory of this run, or empty
child=   # process group of the running step, or empty
log=     # output of the steps
phase_start=

say() { printf '%s: %s\n' "$prog" "$*" >&2; }

die() {
    [ -z "$phase_start" ] || printf '\n' >&2
    phase_start=
    say "$*"
    exit 1
}

usage_error() {
    say "$*"
    say "try '$0 --help'"
    exit 2
}

now_s() { date +%s; }

# phase TEXT: starts a line on standard error; phase_done ends it with the seconds it took.
phase() {
    phase_start=$(now_s)
    printf '%s: %-44s ' "$prog" "$*" >&2
}

phase_done() {
    printf '%4d s\n' "$(($(now_s) - phase_start))" >&2
    phase_start=
}

# run COMMAND...: runs it in a process group of its own with its output in the log. In the
# background, since a shell runs a trap only between two foreground commands.
run() {
    printf '+ %s\n' "$*" >> "$log"
    setsid "$@" < /dev/null >> "$log" 2>&1 &
    child=$!
    run_status=0
    wait "$child" || run_status=$?
    child=
    return "$run_status"
}

# fail TEXT: ends a phase that failed, with the end of the log.
fail() {
    printf 'failed\n' >&2
    phase_start=
    say "$*; the end of the log:"
    tail -n 25 "$log" | sed 's/^/    /' >&2
    kept=$cache/last-failure.log
    if cp "$log" "$kept" 2>/dev/null; then
        say "the whole log is in $kept"
    fi
    exit 1
}

clean_up() {
    clean_up_status=$?
    trap '' HUP INT TERM
    if [ -n "$child" ]; then
        kill -s TERM -- "-$child" 2>/dev/null || :
        wait "$child" 2>/dev/null || :
        kill -s KILL -- "-$child" 2>/dev/null || :
    fi
    [ -z "$work" ] || remove_tree "$work"
    exit "$clean_up_status"
}

interrupted() {
    [ -z "$phase_start" ] || printf 'interrupted\n' >&2
    phase_start=
    exit "$1"
}

# Directories without write permission occur in unpacked packages.
remove_tree() {
    rm -rf -- "$1" 2>/dev/null || {
        chmod -R u+rwX -- "$1" 2>/dev/null || :
        rm -rf -- "$1"
    }
}

# begin: takes the lock, removes what an interrupted build left, makes $work and $log.
begin() {
    mkdir -p -- "$cache" || die "cannot create $cache"
    exec 9> "$cache/.lock" || die "cannot write $cache/.lock"
    if ! flock -n 9; then
        say "waiting for another build in $cache"
        flock 9
    fi
    for begin_left in "$cache"/.tmp.*; do
        [ ! -e "$begin_left" ] || remove_tree "$begin_left"
    done
    trap clean_up EXIT
    trap 'interrupted 129' HUP
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
    work=$(mktemp -d "$cache/.tmp.XXXXXX") || die "cannot create a directory in $cache"
    log=$work/log
    : > "$log"
}

# publish DIR NAME: gives the finished directory its name; on disk before it is visible.
publish() {
    find "$1" -type f -exec sync -- {} +
    mv -T -- "$1" "$cache/$2" || die "cannot move the result to $cache/$2"
}

# need_tools PACKAGE:COMMAND...: one line that names all packages to install.
need_tools() {
    need_missing=
    for need_pair; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${need_pair#*:}" > /dev/null 2>&1 && continue
        case " $need_missing " in
            *" ${need_pair%%:*} "*) ;;
            *) need_missing="$need_missing ${need_pair%%:*}" ;;
        esac
    done
    [ -z "$need_missing" ] || die "tools are missing; install them with: apt-get install$need_missing"
}

# manifest_value FILE KEY: prints the value of a line "KEY: VALUE".
manifest_value() { sed -n "s/^$2: //p" "$1"; }

# newest_similar NAME KEY: prints the directory name of the newest result for NAME whose manifest has
# this key, that is which differs at most in the version of the package it is made from.
newest_similar() {
    for similar_manifest in "$cache/$1"-*/manifest; do
        [ -f "$similar_manifest" ] || continue
        [ "$(manifest_value "$similar_manifest" key)" = "$2" ] || continue
        printf '%s %s\n' "$(manifest_value "$similar_manifest" source-version)" \
            "$(basename -- "$(dirname -- "$similar_manifest")")"
    done | sort -V | sed -n '$s/^[^ ]* //p'
}

# package_version PACKAGE: prints the installed version, else the one that apt would install, else
# nothing.
package_version() {
    version_found=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null |
        sed -n 's/^installed //p') || :
    [ -n "$version_found" ] || version_found=$(candidate_version "$1")
    printf '%s\n' "$version_found"
}

candidate_version() {
    apt-cache policy "$1" 2>/dev/null | sed -n -e '/(none)/d' -e 's/^  Candidate: //p'
}

# download_package PACKAGE VERSION DIR: unpacks the package to DIR. apt checks the archive's hash.
download_package() {
    phase "download $1 $2"
    mkdir "$3"
    # shellcheck disable=SC2016 # the inner shell expands them
    run sh -c 'cd "$1" && apt-get download "$2=$3"' sh "$3" "$1" "$2" ||
        fail "cannot download $1 $2"
    # shellcheck disable=SC2016
    run sh -c 'dpkg-deb -x "$1"/*.deb "$1"' sh "$3" || fail "cannot unpack the package of $1"
    phase_done
}

hash_of() { sha256sum | cut -c1-64; }
