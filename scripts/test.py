#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs groups of tests and counts every single test of them.

    scripts/test.py GROUP...                 these groups
    scripts/test.py --what test|rest|check   what `make test` runs, what `make check` adds, both
    scripts/test.py --list                   the groups

The last line is "N passed, N failed", with ", N skipped" where any were. The exit code is 0 only when
nothing failed and every group ran a test. Logs and counts stay in build/results/.

--jobs N runs N groups at once, for they wait more than they work; each line of output begins with its group then.

A group is a preset whose unit tests run under ctest, or a folder of pytest. Tests are counted one by one:
ctest's programs speak TAP (cmocka), pytest is read line by line. What a crashed or stuck group did not
get to is counted as failed.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
RESULTS = TOP / "build" / "results"
PYTHON = "/usr/bin/python3"  # the one that Debian's python3-grpcio belongs to


class Group:
    """One row of the summary."""

    def __init__(self, name, about, limit_s, preset=None, folder=None, env=None):
        self.name = name
        self.about = about
        self.limit_s = limit_s  # for all of it, a watchdog
        self.preset = preset  # unit tests of this preset ...
        self.folder = folder  # ... or the pytest tests of this folder, against preset dev
        self.env = env or {}


# Sanitizers stop at the first finding; gRPC and the C library are not instrumented for TSan.
ASAN = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
TSAN = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1:halt_on_error=1"}
KUBE_1_24 = {"PYTEST_ADDOPTS": "--kube-version=1.24"}
KUBE_BOTH = {"PYTEST_ADDOPTS": "--kube-version=both"}

GROUPS = [
    Group("unit", "unit tests", 1200, preset="dev"),
    Group("asan", "unit tests, ASan + UBSan", 1800, preset="asan", env=ASAN),
    Group("checks", "layers, banned calls, links", 300, folder="tests/checks"),
    Group("base", "simulator and real base alike", 1200, folder="tests/base"),
    Group("scheduler", "scheduler over gRPC", 300, folder="tests/scheduler"),
    Group("agent", "agent over gRPC, before both bases", 600, folder="tests/agent"),
    Group("cli", "the command line", 300, folder="tests/cli"),
    Group("rpc", "gRPC clients without our code", 300, folder="tests/rpc"),
    Group("e2e", "end to end", 2400, folder="tests/e2e"),
    Group("sim", "simulated worlds, from fixed seeds", 900, folder="tests/sim"),
    Group("kube", "Kubernetes API server, as of today", 3000, folder="tests/kube"),
    Group("lint", "layout, clang-tidy, shell", 1800, folder="tests/lint"),
    Group("protos", "proto lint, breaking changes", 900, folder="tests/protos"),
    Group("chart", "Helm chart, on both versions", 2400, folder="tests/chart", env=KUBE_BOTH),
    Group("clang", "unit tests, built by clang", 1800, preset="dev-clang"),
    Group("tsan", "unit tests, ThreadSanitizer", 2400, preset="tsan", env=TSAN),
    Group("release", "what releases are linked with", 1200, folder="tests/release"),
    Group("fuzz", "fuzz targets, some seconds each", 1200, folder="tests/fuzz"),
    Group("kube-1.24", "the same on Kubernetes 1.24", 3000, folder="tests/kube", env=KUBE_1_24),
]
WHAT = {
    "test": ["unit", "asan", "checks", "base", "scheduler", "agent", "cli", "rpc", "e2e", "sim", "kube"],
    "rest": ["lint", "protos", "chart", "clang", "tsan", "release", "fuzz", "kube-1.24"],
}
WHAT["check"] = WHAT["test"] + WHAT["rest"]


class Outcome:
    """Counts of one group."""

    def __init__(self, passed=0, failed=0, skipped=0, seconds=0.0, notes=None):
        self.passed = passed
        self.failed = failed
        self.skipped = skipped
        self.seconds = seconds
        self.notes = notes or []  # one line each, shown under the table

    def fail(self, note):
        self.failed += 1
        self.notes.append(note)


class Log:
    """Output of one group: into its file, and on to ours."""

    def __init__(self, file, name):
        self.file, self.begin = file, f"{name}: " if name else ""

    def write(self, line, show=True):
        self.file.write(line)
        if show:
            sys.stdout.write(self.begin + line)
            sys.stdout.flush()


running = set()  # processes of all groups


def run(command, log, limit_s, env=None, on_line=None):
    """Runs a command in the top folder, its output into log; the exit code, or None when it was stopped at
    limit_s. Its children end with it. @on_line: whether a line is shown too."""
    process = subprocess.Popen(
        command, cwd=TOP, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True)
    running.add(process)
    stopped = threading.Event()

    def stop():
        stopped.set()
        os.killpg(process.pid, signal.SIGINT)  # pytest then runs its cleanup
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)

    watchdog = threading.Timer(limit_s, stop)
    watchdog.start()
    try:
        for line in process.stdout:
            log.write(line, not on_line or on_line(line))
        code = process.wait()
    finally:
        watchdog.cancel()
        running.discard(process)
    return None if stopped.is_set() else code


building = collections.defaultdict(threading.Lock)
built = {}  # preset -> whether that went well


def build(preset, log, limit_s):
    """Configures and builds a preset, once; True when that went well."""
    with building[preset]:
        if preset not in built:
            built[preset] = build_now(preset, log, limit_s)
        return built[preset]


def build_now(preset, log, limit_s):
    jobs = str(os.cpu_count() or 2)
    configured = run(["cmake", "--preset", preset, "--log-level=WARNING"], log, limit_s,
                     on_line=lambda line: not line.startswith(("Preset", "  ", "\n")))
    return configured == 0 and run(
        ["cmake", "--build", f"build/{preset}", "-j", jobs], log, limit_s, on_line=quiet_ninja()) == 0


def quiet_ninja():
    """Of ninja's progress shows one line in fifty; of all else everything."""
    shown = [0]

    def show(line):
        progress = re.match(r"\[(\d+)/(\d+)\]", line)
        if not progress:
            return True
        step = int(progress.group(1)) // 50
        if step == shown[0] and progress.group(1) != progress.group(2):
            return False
        shown[0] = step
        return True

    return show


def count_tap(text):
    """Counts one test program's TAP: passed, failed, skipped, names of those that failed. Planned tests
    that did not report (a crash) count as failed."""
    passed, skipped, failed, names = 0, 0, 0, []
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", text, re.MULTILINE))
    for verdict, rest in re.findall(r"^(ok|not ok) \d+(.*)$", text, re.MULTILINE):
        if "# SKIP" in rest:
            skipped += 1
        elif verdict == "ok":
            passed += 1
        else:
            failed += 1
            names.append(rest.strip(" -"))
    lost = planned - passed - failed - skipped
    if lost > 0:
        failed += lost
        names.append(f"{lost} that did not report")
    return passed, failed, skipped, names


def run_units(group, log):
    outcome = Outcome()
    if not build(group.preset, log, group.limit_s):
        outcome.fail("does not build")
        return outcome
    junit = RESULTS / f"{group.name}.xml"
    junit.unlink(missing_ok=True)
    jobs = str(os.cpu_count() or 2)
    code = run(["ctest", "--test-dir", f"build/{group.preset}", "--output-on-failure", "-j", jobs,
                "--test-output-size-passed", "4000000", "--test-output-size-failed", "4000000",
                "--output-junit", str(junit)],
               log, group.limit_s, env={"CMOCKA_MESSAGE_OUTPUT": "TAP", **group.env})
    if code is None:
        outcome.fail(f"stopped after {group.limit_s} s")
    if not junit.exists():
        outcome.fail("ctest left no results")
        return outcome
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        text = case.findtext("system-out") or ""
        passed, failed, skipped, names = count_tap(text)
        if case.get("status") != "run" and failed == 0:
            failed, names = 1, ["the program failed, its tests did not"]
        elif passed + failed + skipped == 0:
            failed, names = 1, ["ran no test"]
        outcome.passed += passed
        outcome.failed += failed
        outcome.skipped += skipped
        outcome.notes += [f"{case.get('name')}: {name}" for name in names]
    return outcome


PYTEST_LINE = re.compile(r"^(\S+::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")


def run_pytest(group, log):
    outcome = Outcome()
    if not (TOP / group.folder).is_dir():
        outcome.fail(f"no folder {group.folder}")
        return outcome
    if not build("dev", log, group.limit_s):
        outcome.fail("does not build")
        return outcome

    def on_line(line):
        match = PYTEST_LINE.match(line)
        if match and match.group(2) in ("PASSED", "XFAIL"):
            outcome.passed += 1
        elif match and match.group(2) == "SKIPPED":
            outcome.skipped += 1
        elif match:
            outcome.fail(match.group(1))
        return True

    code = run([PYTHON, "-u", "-m", "pytest", "-v", "--tb=short", "-p", "no:cacheprovider", "--color=no",
                group.folder], log, group.limit_s,
               env={"KOUPLELESS_BUILD_DIR": str(TOP / "build" / "dev"), "COLUMNS": "200",
                    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **group.env},
               on_line=on_line)
    if code is None:
        outcome.fail(f"stopped after {group.limit_s} s")
    elif code not in (0, 1, 5) or (code == 1 and outcome.failed == 0):
        outcome.fail(f"pytest ended with {code}")
    return outcome


def run_group(group, beside):
    """@beside: others run at the same time."""
    print(f"\n== {group.name}: {group.about}", flush=True)
    begin = time.monotonic()
    with open(RESULTS / f"{group.name}.log", "w", encoding="utf-8") as file:
        log = Log(file, group.name if beside else None)
        outcome = run_units(group, log) if group.preset else run_pytest(group, log)
    outcome.seconds = time.monotonic() - begin
    if outcome.passed + outcome.failed == 0:
        outcome.fail("ran no test")
    return outcome


def run_groups(groups, jobs):
    """name -> Outcome. On Ctrl-C everything that runs is ended, so that its cleanup is done."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        order = sorted(groups, key=lambda group: -group.limit_s) if jobs > 1 else groups  # the longest first
        futures = {group.name: pool.submit(run_group, group, jobs > 1) for group in order}
        try:
            return {name: future.result() for name, future in futures.items()}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                os.killpg(process.pid, signal.SIGTERM)
            raise


def summary(outcomes, seconds):
    """Prints the table; the exit code."""
    print(f"\n{'group':<9} {'passed':>7} {'failed':>7} {'skipped':>8} {'time':>8}  what")
    for group in GROUPS:
        outcome = outcomes.get(group.name)
        if outcome:
            print(f"{group.name:<9} {outcome.passed:>7} {outcome.failed:>7} {outcome.skipped:>8} "
                  f"{outcome.seconds:>6.0f} s  {group.about}")
    for name, outcome in outcomes.items():
        for note in outcome.notes[:40]:
            print(f"FAILED {name}: {note}")
    passed, failed, skipped = (sum(getattr(o, field) for o in outcomes.values())
                               for field in ("passed", "failed", "skipped"))
    print(f"\nLogs in build/results/. {seconds:.0f} s in all.")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--what", choices=WHAT)
    parser.add_argument("--with-last", choices=WHAT, help="count its last run too, as run just before")
    parser.add_argument("--jobs", type=int, default=1, help="groups that run at once")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    unknown = set(options.groups) - {group.name for group in GROUPS}
    if unknown or not (options.groups or options.what or options.list):
        parser.error(f"unknown group {', '.join(unknown)}" if unknown else "which groups?")
    return options


def last(what):
    """Outcomes of the last run of `what`; one failure where there was none."""
    try:
        stored = json.loads((RESULTS / f"{what}.json").read_text())
    except (OSError, ValueError):
        return {what: Outcome(failed=1, notes=["was not run before"])}
    return {name: Outcome(**fields) for name, fields in stored.items()}


def main():
    options = arguments()
    if options.list:
        for group in GROUPS:
            print(f"{group.name:<9} {group.about}")
        return 0
    RESULTS.mkdir(parents=True, exist_ok=True)
    outcomes = last(options.with_last) if options.with_last else {}
    begin = time.monotonic()
    if options.what:
        (RESULTS / f"{options.what}.json").unlink(missing_ok=True)
    chosen = options.groups or WHAT[options.what]
    mine = run_groups([group for group in GROUPS if group.name in chosen], max(1, options.jobs))
    if options.what:
        (RESULTS / f"{options.what}.json").write_text(
            json.dumps({name: vars(outcome) for name, outcome in mine.items()}))
    return summary({**outcomes, **mine}, time.monotonic() - begin)


if __name__ == "__main__":
    sys.exit(main())
