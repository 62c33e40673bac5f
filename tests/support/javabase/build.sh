#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh [LINE]              builds the Java base and its module once; prints the folder as its last line
# build.sh --print-dir [LINE]  prints the folder, builds nothing
#
# LINE is the line of Koupleless: current (the default), or legacy, whose states are in upper case (see pom.xml).
# The folder lies outside the tree, under ${KOUPLELESS_CACHE:-~/.cache/koupleless}/javabase, and is
# named by a hash of the sources here: unchanged sources are never built again, from whatever clone.
# It holds base.jar with lib/, base.jsa (class data archive), module.jar and bindto.so.
# $MVN_FLAGS goes to Maven, for example "-o". Exit 77: Java or Maven can't be had here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${KOUPLELESS_CACHE:-${HOME:-/tmp}/.cache/koupleless}/javabase

# start.sh counts as a source: the class data archive fits only the flags it was made with.
sources() {
    cd "$here" && find pom.xml base module bindto.c build.sh start.sh -type f ! -path '*/target/*' | LC_ALL=C sort
}
print_only=''
if [ "${1:-}" = --print-dir ]; then
    print_only=yes
    shift
fi
line=${1:-current}
case $line in
current) profile='' ;;
legacy) profile=-Plegacy ;;
*) sed -n '4,5p' "$0" | cut -c3- >&2; exit 2 ;;
esac
hash=$(cd "$here" && sources | xargs sha256sum | sha256sum | cut -c1-16)-$line
dir=$cache/$hash

say() { echo "javabase: $*" >&2; }
cannot() { say "$*"; say "no real base can be had here"; exit 77; }

check_tools() {
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    command -v "$java" >/dev/null || cannot "java is not installed (Debian: openjdk-17-jdk-headless)"
    command -v "${java}c" >/dev/null || cannot "javac is not installed (Debian: openjdk-17-jdk-headless)"
    command -v mvn >/dev/null || cannot "Maven is not installed (Debian: maven)"
    major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge 17 ] || cannot "Java 17 or newer is needed, this is ${major:-unknown}"
}

# Says every few seconds how far Maven is: the first time it downloads about 93 MB.
follow() { # LOG PID
    shown=-1
    while kill -0 "$2" 2>/dev/null; do
        sleep 1
        count=$(grep -c 'Downloaded from' "$1" || true)
        if [ "$count" -ge $((shown + 100)) ] || [ "$shown" -lt 0 ]; then
            say "[1/3] Maven: $count files downloaded"
            shown=$count
        fi
    done
}

run_maven() { # SOURCES
    log=$cache/maven-$hash.log
    # shellcheck disable=SC2086 # MVN_FLAGS is a list of flags, profile one or none
    (cd "$1" && exec mvn -B $profile ${MVN_FLAGS:-} package) >"$log" 2>&1 &
    pid=$!
    follow "$log" $pid
    if ! wait $pid; then
        grep '^\[ERROR\]' "$log" | head -5 >&2
        if grep -qE 'Could not (transfer|find) artifact|Non-resolvable|Unknown host|in offline mode' "$log"; then
            cannot "Maven could not download what the base needs; all it said is in $log"
        fi
        say "Maven failed; all it said is in $log"
        exit 1
    fi
    rm -f "$log"
}

# The archive takes a third off each start. It is bound to the final path of base.jar, and made by
# a first start there; a base starts without it too, so a failure is no error.
make_archive() {
    run=$(mktemp -d)
    if "$here/start.sh" --archive --line "$line" --address 127.77.0.1 --dir "$run" >/dev/null; then
        "$here/stop.sh" --dir "$run" >&2
    else
        say "no class data archive, bases will start slower; see $run/log"
        return
    fi
    rm -rf "$run"
}

if [ -n "$print_only" ]; then
    echo "$dir"
    exit 0
fi
if [ ! -f "$dir/complete" ]; then
    check_tools
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock -n 9 || { say "waiting for another build of the same"; flock 9; }
fi
if [ ! -f "$dir/complete" ]; then
    work=$cache/work-$hash
    rm -rf "$work" "$dir" && mkdir -p "$work" "$dir"
    (sources) | (cd "$here" && xargs cp --parents -t "$work")
    say "[1/3] compiling the base and the module (about 1 min the first time, 10 s later)"
    run_maven "$work"
    mv "$work/base/target/base.jar" "$work/base/target/lib" "$dir"
    mv "$work/module/target/module.jar" "$dir"
    say "[2/3] compiling bindto.so"
    "${CC:-cc}" -O2 -Wall -Wextra -shared -fPIC -o "$dir/bindto.so" "$work/bindto.c"
    say "[3/3] starting a base once for its class data archive (about 10 s)"
    make_archive 9>&-
    rm -rf "$work"
    touch "$dir/complete"
    say "done: $dir"
fi
echo "$dir"
