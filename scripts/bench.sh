#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/bench.sh [tests/bench/FILE...]
#
# Builds preset release and runs benchmarks: those that are named, or tests/bench/*_bench.c and then
# tests/bench/*_bench.py. Each prints its figures beside their goal and ends with 1 where it misses it.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release --log-level=WARNING > /dev/null
cmake --build build/release
export KOUPLELESS_BUILD_DIR=$PWD/build/release

missed=""
[ $# -gt 0 ] || set -- tests/bench/*_bench.c tests/bench/*_bench.py
for bench in "$@"; do
    [ -e "$bench" ] || continue
    name=$(basename "${bench%.*}")
    echo "== $name"
    case $bench in
    *.c) build/release/bin/"$name" || missed+=" $name" ;;
    *.py) /usr/bin/python3 "$bench" || missed+=" $name" ;;
    esac
done
[ -z "$missed" ] || { echo "below the goal:$missed" >&2; exit 1; }
