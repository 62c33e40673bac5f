#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs each fuzz target for some seconds, from its seeds and from what earlier runs found; as many at once as
# there are processors. A finding is kept in build/fuzz/findings/ and ends the run with 1;
# `build/fuzz/fuzz/x_fuzz FILE` repeats it. What a target prints is kept in build/fuzz/logs/.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."

# What runs one target, in a process of its own.
if [ "${1:-}" = --one ]; then
    seconds=$2 target=$3 log=build/fuzz/logs/$3.log
    corpus=build/fuzz/corpus/$target
    mkdir -p "$corpus"
    status=0
    build/fuzz/fuzz/"${target}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/findings/$target-" \
        "$corpus" "tests/fuzz/seeds/$target" > "$log" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        echo "$target: clean, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
    else
        echo "$target: FOUND SOMETHING"
        tail -n 60 "$log"
    fi
    exit "$status"
fi

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for source in tests/fuzz/*_fuzz.c; do
        targets+=("$(basename "$source" _fuzz.c)")
    done
fi
mkdir -p build/fuzz/findings build/fuzz/logs
cmake --preset fuzz --log-level=WARNING > build/fuzz/logs/configure || { cat build/fuzz/logs/configure; exit 1; }
cmake --build build/fuzz --target fuzz_targets
echo "${#targets[@]} targets, $seconds s each"
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} scripts/fuzz.sh --one "$seconds" {}
