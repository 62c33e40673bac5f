#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# start.sh --address IP --dir DIR [--http-port N] [--arklet-port N] [--wait SECONDS] [--line current|legacy] [--no-wait] [-- JAVA-FLAG...]
#
# Starts one real base on its own loopback address and waits until it is ready, unless told not to. DIR (made if absent)
# gets log, pid, operations (what was done with modules, see OperationsLog.java) and the JVM's
# temporary files. Flags of interest after --: -Dsofa.ark.auto.uninstall.when.failed.enable=false,
# -Dactivate.new.module=true, -Dtestbase.readiness=true. $JAVA_OPTS replaces the memory flags.
# Prints "pid N, ready in N ms". Stop it by stop.sh --dir DIR. Exit 77: build.sh can't build a base here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
address='' dir='' http=8080 arklet=1238 wait_s=60 archive='' line=current

usage() { sed -n '4p' "$0" | cut -c3- >&2; exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
    --address) address=${2:?}; shift 2 ;;
    --dir) dir=${2:?}; shift 2 ;;
    --http-port) http=${2:?}; shift 2 ;;
    --arklet-port) arklet=${2:?}; shift 2 ;;
    --wait) wait_s=${2:?}; shift 2 ;;
    --line) line=${2:?}; shift 2 ;; # see build.sh
    --no-wait) wait_s=0; shift ;;
    --archive) archive=yes; shift ;; # build.sh's first start
    --) shift; break ;;
    *) usage ;;
    esac
done
if [ -z "$address" ] || [ -z "$dir" ]; then usage; fi

if [ -n "$archive" ]; then base=$("$here/build.sh" --print-dir "$line"); else base=$("$here/build.sh" "$line"); fi
mkdir -p "$dir/tmp"
dir=$(cd "$dir" && pwd)
# A zombie, which nobody has waited for yet, is no running base.
runs() { ps -o stat= -p "$1" 2>/dev/null | grep -qv '^Z'; }
if [ -f "$dir/pid" ] && runs "$(cat "$dir/pid")"; then
    echo "start.sh: a base already runs in $dir" >&2
    exit 1
fi

# A base killed hard leaves its unpacked modules behind; nothing of them is wanted.
rm -rf "${dir:?}/tmp/"*

# Soft references would keep classes of uninstalled modules alive until the small heap is full.
memory=${JAVA_OPTS:--Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:SoftRefLRUPolicyMSPerMB=0}
if [ -n "$archive" ]; then
    memory="$memory -XX:ArchiveClassesAtExit=$base/base.jsa"
elif [ -f "$base/base.jsa" ]; then
    memory="$memory -XX:SharedArchiveFile=$base/base.jsa"
fi

# server.* are JVM properties and no arguments: modules would not see arguments, and open a Tomcat of their own.
begin_ns=$(date +%s%N)
# shellcheck disable=SC2086 # memory is a list of flags
LD_PRELOAD=$base/bindto.so BIND_TO=$address setsid "${JAVA_HOME:+$JAVA_HOME/bin/}java" $memory \
    -Djava.net.preferIPv4Stack=true -Djava.io.tmpdir="$dir/tmp" \
    -Dsofa.ark.telnet.server.enable=false -Dkoupleless.arklet.http.port="$arklet" \
    -Dserver.address="$address" -Dserver.port="$http" -Dtestbase.operations="$dir/operations" \
    "$@" -jar "$base/base.jar" >"$dir/log" 2>&1 </dev/null &
pid=$!
echo $pid >"$dir/pid"
[ "$wait_s" -gt 0 ] || exit 0

fail() {
    echo "start.sh: the base on $address $*; end of $dir/log:" >&2
    tail -n 15 "$dir/log" >&2
    kill $pid 2>/dev/null || true
    exit 1
}

deadline_s=$(($(date +%s) + wait_s))
until curl -sf --noproxy '*' -m 2 -o /dev/null "http://$address:$http/actuator/health/readiness"; do
    kill -0 $pid 2>/dev/null || fail "died while starting"
    [ "$(date +%s)" -lt $deadline_s ] || fail "was not ready within $wait_s s"
    sleep 0.05
done
echo "pid $pid, ready in $((($(date +%s%N) - begin_ns) / 1000000)) ms"
