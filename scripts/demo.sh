#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows the main job on this machine, without Kubernetes: a module comes online on real Java bases, is
# released in batches with a person confirming, rolled back, scaled, replaced, and goes offline. Prints each
# step as the command that a user types, and its result. Cleans up after itself.
#
#   scripts/demo.sh          the tour
#   KEEP=1 scripts/demo.sh   leaves everything running at the end, and says what to type next
#   scripts/demo.sh --stop   ends what KEEP=1 left
#
# Where Java or Maven can't be had, simulated bases take the place of the real ones.
set -euo pipefail
cd "$(dirname "$0")/.."

network=127.88.0
controller=$network.1:9090
bases=3
module=provider
release=moduledeployment-sample
state=${TMPDIR:-/tmp}/koupleless-demo-$(id -u)
programs=$PWD/build/dev/bin
javabase=tests/support/javabase
begin_s=$SECONDS

export PATH=$programs:$PATH KOUPLELESS_SERVER=$controller KOUPLELESS_INSECURE=true
export no_proxy='*'

# -- what runs --

say() { printf '\n\033[1m# %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }

# Prints a command as its user types it, and runs it.
run()
{
    echo "\$ $*"
    "$@"
}

start()
{
    local name=$1
    shift
    "$@" > "$state/$name.log" 2>&1 &
    echo $! > "$state/$name.pid"
}

stop_all()
{
    local pid file
    for file in "$state"/*.pid; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2> /dev/null || true
    done
    for file in "$state"/base-*/pid; do
        [ -f "$file" ] && "$javabase/stop.sh" --dir "$(dirname "$file")" > /dev/null 2>&1
    done
    for file in "$state"/*.pid; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        for _ in $(seq 100); do
            kill -0 "$pid" 2> /dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2> /dev/null || true
    done
    rm -rf "${state:?}"
}

failed()
{
    echo "demo: $*" >&2
    tail -n 5 "$state"/*.log >&2 2> /dev/null || true
    exit 1
}

# Asks again until the command succeeds; its output is what it said last.
eventually()
{
    local deadline_s=$((SECONDS + 60))
    until "$@" > "$state/answer" 2>&1; do
        [ $SECONDS -lt $deadline_s ] || failed "still not there after 60 s: $*"
        sleep 0.1
    done
}

ready_bases_are() { [ "$(koupleless get bases | grep -c ' Ready ')" -eq "$1" ]; }
release_is() { koupleless get mddeploy $release -o json | grep -q "\"progress\":[[:space:]]*\"$1\""; }
instances_are() { [ "$(koupleless get modules | grep -c " Available ")" -eq "$1" ]; }
asked_for() { curl -sf -m 5 "http://$network.$1:8080/$module/version"; }

# -- bases --

prepare_bases()
{
    real=yes
    local built status=0
    built=$("$javabase/build.sh") || status=$?
    if [ "$status" -eq 77 ]; then
        echo "No Java base can be had here: the bases are simulated."
        real=no
    elif [ "$status" -ne 0 ]; then
        failed "the Java base does not build"
    else
        template=$(echo "$built" | tail -n 1)/module.jar
    fi
}

make_module()
{
    local jar=$state/jars/$module-$1.jar
    mkdir -p "$state/jars"
    if [ "$real" = yes ]; then
        "$javabase/mkbiz.py" --template "$template" "$jar" "$module" "$1" "$module"
    else
        "$javabase/mkbiz.py" "$jar" "$module" "$1" "$module"
    fi
}

start_base() { "$javabase/start.sh" --address "$network.1$1" --dir "$state/base-$1" > /dev/null; }

start_bases()
{
    local i starting=()
    if [ "$real" = no ]; then
        start arklet-sim arklet-sim --first "$network.11" --bases $bases --arklet-port 1238 --http-port 8080
        return
    fi
    for i in $(seq $bases); do
        start_base "$i" &
        starting+=($!)
    done
    wait "${starting[@]}" || failed "a base does not start"
}

kill_base()
{
    if [ "$real" = yes ]; then
        run kill -9 "$(cat "$state/base-$1/pid")"
    else
        run curl -sf -d '{"ms":500}' "http://$network.1$1:8080/sim/restart"
    fi
}

restart_base()
{
    [ "$real" = no ] || start_base "$1"
}

# -- the three processes --

start_processes()
{
    local i address
    start controller koupleless-controller --insecure --store embedded --data-dir "$state/data" \
        --listen $controller --http-listen $network.1:8080 --scheduler $network.1:9091
    start scheduler koupleless-scheduler --insecure --listen $network.1:9091 --http-listen $network.1:8081
    for i in $(seq $bases); do
        address=$network.1$i
        start "agent-$i" koupleless-agent --insecure --controller $controller \
            --listen "$address:1239" --http-listen "$address:1240" \
            --arklet "http://$address:1238" --health-url "http://$address:8080/actuator/health" \
            --pod-name "base-$i" --pod-ip "$address" --base-deployment dynamic-stock-deployment \
            --cache-dir "$state/jars-of-$i" --poll-interval 500ms
    done
    eventually ready_bases_are $bases
}

# The documentation's own sample, with a module that was built here.
write_deployment()
{
    sed -e "s|^\( *\)url:.*|\1url: file://$state/jars/$module-1.0.0.jar|" \
        -e "s|^\( *\)version:.*|\1version: 1.0.0|" tests/e2e/samples/documentation.yaml > "$state/provider.yaml"
    sed -e 's/1\.0\.0/2.0.0/g' -e 's/needConfirm: true/needConfirm: false/' \
        -e 's/useBeta: false/useBeta: true/' "$state/provider.yaml" > "$state/provider-2.yaml"
}

# -- the tour --

tour()
{
    local gone
    say "The bases: long-running JVMs that host modules"
    run koupleless get bases

    say "Online, in 2 batches, a person confirms"
    run koupleless apply -f "$state/provider.yaml"
    eventually release_is Paused
    run koupleless status $release
    run koupleless confirm $release
    run koupleless status $release --watch --timeout 60s

    say "Which module runs where, and what it answers"
    run koupleless get modules -o wide
    for i in 1 2 3; do
        koupleless agent --address "$network.1$i:1239" list > "$state/list" 2> /dev/null || true
        grep -q $module "$state/list" || continue
        run koupleless agent --address "$network.1$i:1239" list
        run curl -s "http://$network.1$i:8080/$module/version"
    done

    say "Release 2.0.0: a beta batch of one instance first"
    run koupleless apply -f "$state/provider-2.yaml"
    run koupleless status $release --watch --timeout 60s
    run koupleless get modules

    say "Roll back"
    run koupleless undo $release
    run koupleless status $release --watch --timeout 60s
    run koupleless history $release

    say "Scale to 3"
    run koupleless scale $release --replicas 3
    run koupleless status $release --watch --timeout 60s

    say "Replace one instance"
    gone=$(koupleless get modules -o name | head -n 1 | cut -d / -f 2)
    run koupleless delete module "$gone"
    eventually instances_are 3
    run koupleless get modules

    say "A base dies and comes back: its module is installed again"
    kill_base 1
    eventually ready_bases_are 2
    run koupleless get bases
    restart_base 1
    eventually ready_bases_are 3
    eventually instances_are 3
    eventually asked_for 11
    run koupleless get modules

    if [ -n "${KEEP:-}" ]; then
        leave_running
        return
    fi
    say "Offline"
    run koupleless delete moduledeployment $release --wait
    run koupleless get modules
}

leave_running()
{
    kept=yes
    say "Left running. To go on:"
    cat << END
export PATH=$programs:\$PATH KOUPLELESS_SERVER=$controller KOUPLELESS_INSECURE=true
koupleless get bases
koupleless status $release --watch
koupleless scale $release --replicas 1
koupleless delete moduledeployment $release --wait
scripts/demo.sh --stop
END
}

main()
{
    if [ "${1:-}" = --stop ]; then
        stop_all
        return
    fi
    [ ! -d "$state" ] || failed "a demo runs already, or was left behind: scripts/demo.sh --stop"
    kept=no
    trap '[ "$kept" = yes ] || stop_all' EXIT
    trap 'exit 130' INT TERM
    mkdir -p "$state"

    echo "Building the programs."
    cmake --preset dev --log-level=WARNING > "$state/build.log"
    cmake --build --preset dev >> "$state/build.log" 2>&1 || failed "the build failed"
    echo "Building a Java base and a module (the first time, Maven downloads 93 MB)."
    prepare_bases
    make_module 1.0.0
    make_module 2.0.0
    write_deployment
    echo "Starting $bases bases, controller, scheduler and an agent for each base."
    start_bases
    start_processes
    tour
    say "Done: $module went online, was released, rolled back, scaled, replaced and survived a dead base, in $((SECONDS - begin_s)) s."
}

main "$@"
