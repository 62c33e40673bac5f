#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh current|1.24               builds etcd, kube-apiserver, kube-controller-manager and kubectl once from
#                                     the modules in that folder; prints the folder they are in as its last line
# build.sh --print-dir current|1.24   prints the folder, builds nothing
#
# They lie outside the tree, under ${KOUPLELESS_CACHE:-~/.cache/koupleless}/kube/VERSION, each put there whole,
# with a stamp of what they were built from: unchanged sources are never built again, from whatever clone.
# $KUBEBUILDER_ASSETS, a folder with such programs as envtest knows it, wins where it is set; for 1.24 where it
# holds a server of 1.24. Exit 77: Go, or a module, can't be had here.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
go=$here/../../../scripts/go.sh
cache=${KOUPLELESS_CACHE:-${HOME:-/tmp}/.cache/koupleless}/kube

# Package, and the folder whose modules it is built from. One etcd and one kubectl serve both versions.
programs="go.etcd.io/etcd/server/v3 current
    k8s.io/kubernetes/cmd/kube-apiserver FOLDER
    k8s.io/kubernetes/cmd/kube-controller-manager FOLDER
    k8s.io/kubernetes/cmd/kubectl current"

# What nothing here uses, and a fifth of the time would go into: debug information, and clients of cloud providers (1.24).
quick=(-gcflags=all=-dwarf=false -tags=providerless)

say() { echo "kube: $*" >&2; }
cannot() { say "$*"; say "Kubernetes $folder can't be built here"; exit 77; }

version_of() { sed -nE 's|^(require)?[[:space:]]*k8s.io/kubernetes v([0-9.]+).*|\2|p' "$here/$1/go.mod"; }

# What the programs tell as their version; without it /version says v0.0.0 and kubectl complains.
link_flags() { # VERSION
    local major minor package
    IFS=. read -r major minor _ <<< "$1"
    printf %s "-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        printf ' -X %s' "$package.gitVersion=v$1" "$package.gitMajor=$major" "$package.gitMinor=$minor" \
            "$package.gitTreeState=clean" "$package.gitCommit=0000000000000000000000000000000000000000" \
            "$package.buildDate=1970-01-01T00:00:00Z"
    done
}

# Runs Go in a folder of modules with its output in the log; counts the lines of it that match a pattern.
follow() { # WHAT PATTERN TOTAL FOLDER ARGUMENTS...
    local what=$1 pattern=$2 total=$3 count shown=0 pid
    (cd "$here/$4" && shift 4 && CGO_ENABLED=0 exec "$go" "$@") > "$log" 2>&1 9>&- &
    pid=$!
    trap 'kill $pid 2> /dev/null' EXIT
    while kill -0 $pid 2> /dev/null; do
        sleep 0.2
        count=$(grep -cE "$pattern" "$log" || true)
        if [ "$count" -ge $((shown + 100)) ]; then
            say "$what: $count of $total"
            shown=$count
        fi
    done
    trap - EXIT
    wait $pid || failed $?
}

failed() { # EXIT CODE
    tail -n 5 "$log" >&2
    [ "$1" -ne 77 ] || cannot "there is no Go for it"
    if grep -qE 'dial tcp|lookup .* on |no such host|proxyconnect|[Tt]imeout|connection re|GOPROXY=off' "$log"; then
        cannot "Go could not download a module; all it said is in $log"
    fi
    say "Go failed; all it said is in $log"
    exit 1
}

build() { # PACKAGE FOLDER NAME STEP
    local total
    # This downloads what is missing, and nothing else.
    follow "$4 $3, modules fetched" '^go: downloading' "about 300" "$2" list -deps -tags=providerless "$1"
    total=$(grep -vc '^go: ' "$log")
    say "$4 $3: $total packages, those that were compiled before are taken as they are"
    follow "$4 $3, packages compiled" '^[a-z].*[^:]$' "$total" "$2" \
        build -v -trimpath "${quick[@]}" -ldflags "$(link_flags "$(version_of "$2")")" -o "$dir/.$3" "$1"
    mv "$dir/.$3" "$dir/$3"
}

[ "${1:-}" = --print-dir ] && print_only=true && shift || print_only=false
folder=${1:-}
[ -f "$here/$folder/go.mod" ] || { say "usage: build.sh [--print-dir] current|1.24"; exit 2; }
assets=${KUBEBUILDER_ASSETS:-}
holds_version() { "$1/kube-apiserver" --version 2> /dev/null | grep -q " v$folder\."; }
if [ -n "$assets" ] && { [ "$folder" = current ] || holds_version "$assets"; }; then
    if [ ! -x "$assets/etcd" ] || [ ! -x "$assets/kube-apiserver" ]; then
        say "KUBEBUILDER_ASSETS: no etcd and kube-apiserver in $assets"
        exit 1
    fi
    echo "$assets"
    exit 0
fi
dir=$cache/$(version_of "$folder")
stamp=$(cat "$here/build.sh" "$here"/{current,"$folder"}/go.{mod,sum} | sha256sum | cut -c1-16)
if ! $print_only && [ "$(cat "$dir/stamp" 2> /dev/null)" != "$stamp" ]; then
    mkdir -p "$dir"
    exec 9> "$dir/lock"
    flock -n 9 || { say "waiting for another build of the same"; flock 9; }
fi
if ! $print_only && [ "$(cat "$dir/stamp" 2> /dev/null)" != "$stamp" ]; then
    log=$dir/build.log
    say "building Kubernetes $(version_of "$folder") from its sources: about 8 min on 2 processors the first time"
    step=0
    while read -r package modules; do
        name=${package##*/}
        build "$package" "${modules/FOLDER/$folder}" "${name/v3/etcd}" "[$((step += 1))/4]"
    done <<< "$programs"
    echo "$stamp" > "$dir/.stamp"
    mv "$dir/.stamp" "$dir/stamp"
    rm -f "$log"
    say "done: $dir"
fi
echo "$dir"
