#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which branches of the engines do their unit tests and the fixed seeds of tests/sim take?

    scripts/coverage.py          a table; exit code 1 under 95 % of the branches, or where LEFT is not what is left
    scripts/coverage.py --list   what LEFT lists, after a look whether all of it is there
    scripts/coverage.py --html   pages of it, too, in build/coverage/html

Builds preset coverage (gcc; gcovr reads what gcov counts) and runs only the test programs of the engines and each seed.
A branch is what gcov means by it: each outcome of each part of a condition. Not counted:

- lines that are ASSERT(): their other branch ends the process;
- lines that are a VEC_...() macro: the branches are those of lib/base/vec.h, whose own tests take them;
- what gcovr leaves out of itself with --exclude-unreachable-branches and --exclude-throw-branches.

The numbers are those of Debian 12's gcc.

What is not taken stands in LEFT with its reason. That is no licence: the 95 % hold with those branches counted. A branch
that is missing there fails, and so does an entry whose branches are taken by now.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build" / "coverage"
CONTROLLER, SCHEDULER = "services/controller/engine", "services/scheduler/engine"
LIBRARIES = {CONTROLLER: "controller_engine", SCHEDULER: "scheduler_engine"}
SEEDS = 1000  # of tests/sim/test_sim.py
ENOUGH = 95.0  # % of the branches
NOT_COUNTED = r"\s*(ASSERT|VEC_[A-Z_]+)\("

# file -> (line, how many of its branches are not taken, why not). A line that is there twice is counted together.
LEFT = {
    f"{CONTROLLER}/action.c": [
        ("} else if (action->type == ACTION_REQUEUE) {", 1,
         "the last of all types: behind it is UNREACHABLE()"),
    ],
    f"{CONTROLLER}/forecast.c": [
        ("if (!instance->gone)", 1,
         "an instance goes by its own plan, in which nothing else makes it due again"),
        ("if (!f->md->spec.pause || release->progress != PROGRESS_PAUSED || f->md->meta.deletion_ms)", 1,
         "a deletion has been planned by then: it is Terminating, never Paused"),
        ("else if (!str_eq(release->reason, REASON_WAITING_FOR_CONFIRMATION))", 1,
         "the deployment has been planned by then: what spec.pause holds says one of these two reasons"),
        ("while (!f->removed && !f->given_up && f->effort < EFFORT_MAX) {", 1,
         "so much effort is made only by a rule that comes to no end: there is none"),
        ("f->effort >= EFFORT_MAX;", 1, "as above"),
        ("switch (timer.type) {", 2,
         "a base is looked at again after an install that failed, and none fails here; and there is no other type"),
    ],
    f"{CONTROLLER}/forecast_answer.c": [
        ("for (size_t i = 0; i < f->revisions.len; i++)", 1,
         "the revision of a question is there until the answer: behind the loop is ASSERT()"),
    ],
    f"{CONTROLLER}/plan_module.c": [
        ("return p->view->wanted && successor && !instance_deleting(successor) &&", 1,
         "a successor that goes has given back what it replaced (link_replacement() of the cache)"),
    ],
    f"{CONTROLLER}/release_status.c": [
        ("for (size_t i = 0; i < revision->instances.len; i++) {", 1,
         "a revision that counts failed instances has one: the loop ends there"),
    ],
}


class File:
    """What gcovr says of one."""

    def __init__(self, found):
        self.name = found["file"]
        self.text = (TOP / self.name).read_text(encoding="utf-8").split("\n")
        counted = [line for line in found["lines"] if not line.get("gcovr/noncode")]
        self.lines = len(counted)
        self.lines_run = sum(line["count"] > 0 for line in counted)
        self.branches = sum(len(line["branches"]) for line in counted)
        self.left = {}  # line -> (branches not taken, number of the first such line)
        for line in counted:
            missed = sum(branch["count"] == 0 for branch in line["branches"])
            if missed:
                text, number = self.text[line["line_number"] - 1].strip(), line["line_number"]
                before, first = self.left.get(text, (0, number))
                self.left[text] = before + missed, first

    @property
    def taken(self):
        return self.branches - sum(missed for missed, _ in self.left.values())

    def complaints(self):
        """Where LEFT and what is left differ."""
        told = {line: missed for line, missed, _ in LEFT.get(self.name, [])}
        for line, (missed, number) in self.left.items():
            if missed > told.get(line, 0):
                yield (f"{self.name}:{number}: {missed} not taken"
                       f"{f', {told[line]} listed' if line in told else ''}: {line}")
        for line, missed in told.items():
            if missed > self.left.get(line, (0, 0))[0]:
                yield f"{self.name}: {missed} listed, {self.left.get(line, (0, 0))[0]} not taken: {line}"


def run(*command, **options):
    done = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"coverage: {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def build():
    tests = [f"{library}_{path.stem}" for engine, library in LIBRARIES.items()
             for path in sorted((TOP / engine).glob("*_test.c"))]
    run("cmake", "--preset", "coverage", "--log-level=WARNING")
    run("cmake", "--build", "--preset", "coverage", "--target", "koupleless-sim", *tests)


def run_tests(jobs):
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    run("ctest", "--test-dir", str(BUILD), "--output-on-failure", f"-j{jobs}",
        "-R", f"^({'|'.join(LIBRARIES.values())})\\.")


def run_seeds(jobs):
    """Each in a process that ends by itself: gcov writes its counts then, and a worker of the swarm has none to write."""
    def one(seed):
        run(str(BUILD / "bin" / "koupleless-sim"), f"--seed={seed}", timeout=120)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(one, range(1, SEEDS + 1)):
            pass


def read(html):
    """All files of the engines, from gcovr."""
    told = BUILD / "engines.json"
    outputs = ["--json", str(told)]
    if html:
        (BUILD / "html").mkdir(exist_ok=True)
        outputs += ["--html-details", str(BUILD / "html" / "index.html")]
    run("gcovr", "--root", str(TOP), *outputs, "--exclude-unreachable-branches", "--exclude-throw-branches",
        "--exclude-branches-by-pattern", NOT_COUNTED, "--exclude", r".*_test\.c$", "--exclude", r".*\.h$",
        *(str(BUILD / engine) for engine in LIBRARIES),
        *(f"--filter={re.escape(str(TOP / engine))}/" for engine in LIBRARIES))
    files = [File(found) for found in json.loads(told.read_text(encoding="utf-8"))["files"]]
    there = {str(path.relative_to(TOP)) for engine in LIBRARIES for path in (TOP / engine).glob("*.c")
             if not path.stem.endswith("_test")}
    missing = there - {file.name for file in files}
    if missing:
        sys.exit(f"coverage: gcovr tells nothing of {', '.join(sorted(missing))}")
    return sorted(files, key=lambda file: file.name)


def percent(some, of):
    return 100.0 * some / of if of else 100.0


def show(files):
    """The table; the share of the branches that are taken."""
    row = "{:<50} {:>11} {:>7} {:>11} {:>7}".format
    print(row("", "lines", "", "branches", ""))
    for file in files:
        print(row(file.name, f"{file.lines_run}/{file.lines}", f"{percent(file.lines_run, file.lines):.1f}%",
                  f"{file.taken}/{file.branches}", f"{percent(file.taken, file.branches):.1f}%"))
    lines_run, lines = sum(file.lines_run for file in files), sum(file.lines for file in files)
    taken, branches = sum(file.taken for file in files), sum(file.branches for file in files)
    print(row("all", f"{lines_run}/{lines}", f"{percent(lines_run, lines):.1f}%", f"{taken}/{branches}",
              f"{percent(taken, branches):.1f}%"))
    return percent(taken, branches)


def look():
    """What LEFT lists is in the files, each line once in it, and has a reason."""
    for name, entries in LEFT.items():
        lines = [line.strip() for line in (TOP / name).read_text(encoding="utf-8").split("\n")]
        for line, missed, why in entries:
            if line not in lines:
                sys.exit(f"coverage: {name} has no line: {line}")
            if missed < 1 or not why or sum(other == line for other, _, _ in entries) > 1:
                sys.exit(f"coverage: not one entry with a number and a reason: {name}: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--list", action="store_true", help="what is known not to be taken, and why")
    parser.add_argument("--html", action="store_true", help="pages in build/coverage/html, too")
    options = parser.parse_args()
    look()
    if options.list:
        for name, entries in LEFT.items():
            for line, missed, why in entries:
                print(f"{name}: {missed}: {line}\n    {why}")
        return 0
    jobs = os.cpu_count() or 1
    build()
    run_tests(jobs)
    run_seeds(jobs)
    files = read(options.html)
    share = show(files)
    complaints = [line for file in files for line in file.complaints()]
    for line in complaints:
        print(line)
    if share < ENOUGH:
        print(f"coverage: {share:.2f} % of the branches, {ENOUGH} % are asked for")
    return 1 if complaints or share < ENOUGH else 0


if __name__ == "__main__":
    sys.exit(main())
