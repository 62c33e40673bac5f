#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# podns.sh FOLDER COMMAND...   runs a command to which FOLDER is what a Pod finds of its ServiceAccount in
#                              /var/run/secrets/kubernetes.io/serviceaccount: token, ca.crt, namespace
#
# No rights are needed, and nobody else sees it. Exit code 77: the kernel gives no such mounts here.
set -eu

if ! unshare --map-root-user --mount true 2> /dev/null; then
    echo "podns: no mount namespace can be made here" >&2
    exit 77
fi
# shellcheck disable=SC2016 # expanded inside
exec unshare --map-root-user --mount sh -euc '
    mount -t tmpfs none /run
    mkdir -p /var/run/secrets/kubernetes.io
    ln -s "$1" /var/run/secrets/kubernetes.io/serviceaccount
    shift
    exec "$@"' podns "$@"
