#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian or Ubuntu packages that the project needs, says which, and is silent where all are
# there already.
#
#   scripts/install-deps.sh [--for GROUP[,GROUP...]] [--list]
#
#   build   compile everything and its unit tests
#   test    the Python tests, their gRPC client, and what Kubernetes is built and run with (scripts/go.sh: Go itself
#           comes from Go's module proxy where it isn't on the path, as Debian's is too old)
#   demo    a JVM and Maven, for real bases
#   lint    clang and the checkers
#   coverage   what reads the counts of gcov
#
# Without --for: all groups. --list prints the packages and installs nothing.
set -euo pipefail

build="gcc libc6-dev make cmake ninja-build ccache pkg-config git
    protobuf-compiler protobuf-c-compiler libprotobuf-dev libprotobuf-c-dev libgrpc-dev
    libcurl4-openssl-dev libssl-dev libevent-dev libyaml-dev libcjson-dev libsqlite3-dev
    libminizip-dev zlib1g-dev libnghttp2-dev libcmocka-dev dpkg-dev"
test="python3 python3-pytest python3-grpcio python3-protobuf python3-yaml protobuf-compiler-grpc
    procps nghttp2-client openssl util-linux iproute2 curl ca-certificates faketime"
demo="openjdk-17-jdk-headless maven curl ca-certificates"
lint="clang clang-tidy clang-format libclang-rt-dev shellcheck python3 curl ca-certificates"
coverage="gcovr python3"

fail()
{
    echo "install-deps: $*" >&2
    exit 1
}

groups="build,test,demo,lint,coverage"
list=false
while [ $# -gt 0 ]; do
    case $1 in
    --for) groups=${2:?--for needs a group}; shift ;;
    --list) list=true ;;
    *) fail "unknown argument $1 (--for GROUP[,GROUP...], --list)" ;;
    esac
    shift
done

wanted=""
for group in ${groups//,/ }; do
    case $group in
    build) wanted+=" $build" ;;
    test) wanted+=" $test" ;;
    demo) wanted+=" $demo" ;;
    lint) wanted+=" $lint" ;;
    coverage) wanted+=" $coverage" ;;
    *) fail "unknown group $group (build, test, demo, lint, coverage)" ;;
    esac
done
if $list; then
    echo "$wanted" | xargs -n 1
    exit 0
fi

# A tool that is on the path by other means (a JDK of one's own, say) need not come from a package.
present()
{
    case $1 in
    openjdk-17-jdk-headless) command -v javac > /dev/null && java_is_new_enough && return 0 ;;
    maven) command -v mvn > /dev/null && return 0 ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

java_is_new_enough()
{
    local major
    major=$(javac -version 2>&1 | sed -nE 's/^javac ([0-9]+).*/\1/p')
    [ "${major:-0}" -ge 17 ]
}

command -v dpkg-query > /dev/null || fail "needs a Debian or Ubuntu machine; the packages: $wanted"
missing=""
for package in $wanted; do
    present "$package" || missing+=" $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || fail "not root and no sudo; install these first:$missing"
    as_root="sudo --preserve-env=DEBIAN_FRONTEND"
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing$missing"
$as_root apt-get update -q
# Where the package is unknown, the sanitizers' runtime comes with clang itself.
case $missing in
*libclang-rt-dev*) apt-cache show libclang-rt-dev > /dev/null 2>&1 || missing=${missing/libclang-rt-dev/} ;;
esac
# shellcheck disable=SC2086 # both are lists
$as_root apt-get install -q -y --no-install-recommends $missing
