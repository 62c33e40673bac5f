#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs helm, at the version that scripts/helm/go.mod pins with all its modules. The first run builds it
# (scripts/go.sh, some minutes) into KOUPLELESS_CACHE (default ~/.cache/koupleless). Exit code 77: helm can't be had.
#
#   scripts/helm.sh lint --strict deploy/helm/koupleless
#   scripts/helm.sh --print-path         builds it where it is missing, and prints where it is
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${KOUPLELESS_CACHE:-${HOME:-/tmp}/.cache/koupleless}

version_of() { sed -nE "s|^[^/]*$1 (v[0-9.]+).*|\1|p" "$here/helm/go.mod"; }

version=$(version_of "helm.sh/helm/v3")
helm=$cache/bin/helm-$version

cannot()
{
    echo "helm: $*" >&2
    exit 77
}

# Without these helm takes itself for another version, and an unnamed cluster for an old one.
link_flags()
{
    local package minor
    minor=$(version_of "k8s.io/client-go" | cut -d. -f2)
    printf %s "-s -w -X helm.sh/helm/v3/internal/version.version=$version"
    for package in chartutil lint/rules; do
        printf ' -X %s' "helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1" \
            "helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$minor"
    done
}

build()
{
    echo "Building helm $version" >&2
    (cd "$here/helm" && CGO_ENABLED=0 "$here/go.sh" build -trimpath -ldflags "$(link_flags)" -o "$1" \
        helm.sh/helm/v3/cmd/helm >&2) || cannot "helm $version can't be built"
}

if [ ! -x "$helm" ]; then
    building=$cache/bin/.helm-$$
    trap 'rm -rf "$building"' EXIT
    mkdir -p "$building"
    build "$building/helm"
    mv "$building/helm" "$helm"
    rm -rf "$building"
    trap - EXIT
fi
if [ "${1:-}" = --print-path ]; then
    echo "$helm"
    exit 0
fi
exec "$helm" "$@"
