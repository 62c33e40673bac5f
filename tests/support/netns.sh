#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# netns.sh COMMAND...   runs a command in a network of its own, in which every address of 10.99.0.0/16 can be
#                       listened on, and no other machine is reached; KOUPLELESS_TEST_NETWORK is 10.99 in there
#
# For tests whose pods need addresses that Endpoints take: those of loopback are refused there. No rights are
# needed. Exit code 77: the kernel gives no such network here.
set -eu

if ! unshare --map-root-user --net true 2> /dev/null; then
    echo "netns: no network namespace can be made here" >&2
    exit 77
fi
# shellcheck disable=SC2016 # expanded inside
exec unshare --map-root-user --net sh -euc '
    ip link set lo up
    ip route add local 10.99.0.0/16 dev lo
    export KOUPLELESS_TEST_NETWORK=10.99
    exec "$@"' netns "$@"
