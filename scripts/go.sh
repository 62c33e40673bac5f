#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs go, the one on the path where that is new enough, else one that comes from Go's module proxy, as newer
# Gos fetch theirs, and is kept in KOUPLELESS_CACHE (default ~/.cache/koupleless). What is built with Go here
# are tools and servers for tests, nothing of our own. Exit code 77: no such Go can be had.
#
#   scripts/go.sh build -o out ./...
set -euo pipefail

version=1.26.7 # what go.mod of buf asks for; Kubernetes is content with less
cache=${KOUPLELESS_CACHE:-${HOME:-/tmp}/.cache/koupleless}/go

cannot()
{
    echo "go: $*" >&2
    exit 77
}

is_new_enough()
{
    local have
    have=$(GOTOOLCHAIN=local go env GOVERSION 2> /dev/null) || return 1
    [ "$(printf '%s\n' "$version" "${have#go}" | sort -V | head -n 1)" = "$version" ]
}

# Unpacks the toolchain into $1.
fetch()
{
    local machine sum name proxy
    case $(uname -m) in
    x86_64) machine=amd64 sum=478883fe531df5785b9186e7a39ecf2f67da37aaf81e3c9718e9c04e643ff5d1 ;;
    aarch64) machine=arm64 sum=419d4f55c682419a5f91839e3a9cff6d866ed00b4bad1800fecfbc10f37de522 ;;
    *) cannot "no Go $version, and none to fetch for $(uname -m)" ;;
    esac
    proxy=${GOPROXY:-https://proxy.golang.org}
    name=v0.0.1-go$version.linux-$machine
    rm -rf "$1" && mkdir -p "$1"
    echo "Fetching Go $version" >&2
    curl -fsSL --retry 3 -o "$1/go.zip" "${proxy%%[,|]*}/golang.org/toolchain/@v/$name.zip" ||
        cannot "Go $version can't be fetched"
    echo "$sum  $1/go.zip" | sha256sum --quiet -c >&2 || cannot "Go $version is not what it was"
    python3 -m zipfile -e "$1/go.zip" "$1"
    rm "$1/go.zip"
    mv "$1/golang.org/toolchain@$name"/* "$1"
    # A zip of a module holds no go.mod but its own, and no permissions.
    find "$1" -name _go.mod -execdir mv {} go.mod \;
    find "$1" \( -path '*/bin/*' -o -path '*/pkg/tool/*' \) -type f -exec chmod +x {} +
}

if ! is_new_enough; then
    root=$cache/$version
    mkdir -p "$cache"
    exec 9> "$cache/lock"
    flock 9
    if [ ! -d "$root" ]; then
        fetch "$cache/.fetched"
        mv "$cache/.fetched" "$root"
    fi
    exec 9>&-
    export PATH=$root/bin:$PATH GOROOT=$root
    # Modules and objects go with the toolchain, and can be removed with it.
    export GOMODCACHE=$cache/modules GOCACHE=$cache/objects GOFLAGS="-modcacherw ${GOFLAGS:-}"
fi
export GOTOOLCHAIN=local
exec go "$@"
