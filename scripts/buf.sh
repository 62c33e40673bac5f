#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs buf, the linter of protos, at the version pinned here. The first run builds it (scripts/go.sh, about two
# minutes) into KOUPLELESS_CACHE (default ~/.cache/koupleless). Exit code 77: buf can't be had.
#
#   scripts/buf.sh lint proto
#   scripts/buf.sh breaking proto --against proto/baseline/image.binpb
set -euo pipefail

version=v1.75.0
cache=${KOUPLELESS_CACHE:-${HOME:-/tmp}/.cache/koupleless}
buf=$cache/bin/buf-$version

cannot()
{
    echo "buf: $*" >&2
    exit 77
}

build()
{
    echo "Building buf $version" >&2
    GOBIN=$1 "$(dirname "$0")/go.sh" install "github.com/bufbuild/buf/cmd/buf@$version" ||
        cannot "buf $version can't be built"
}

if [ ! -x "$buf" ]; then
    building=$cache/bin/.buf-$$
    trap 'rm -rf "$building"' EXIT
    mkdir -p "$building"
    build "$building"
    mv "$building/buf" "$buf"
    rm -rf "$building"
    trap - EXIT
fi
exec "$buf" "$@"
