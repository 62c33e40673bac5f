#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stop.sh --dir DIR: stops the base that start.sh started in DIR and waits until it is gone.
# No base there is no error.
set -eu

if [ "${1:-}" != --dir ] || [ -z "${2:-}" ]; then
    sed -n '4p' "$0" | cut -c3- >&2
    exit 2
fi
[ -f "$2/pid" ] || exit 0
pid=$(cat "$2/pid")
kill "$pid" 2>/dev/null || true
tries=0
while kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || kill -9 "$pid" 2>/dev/null || true # 10 s are enough for any shutdown hook
    sleep 0.05
done
rm -f "$2/pid"
