#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the engines on purpose and requires their unit tests to notice: are the tests any good?

    scripts/mutants.py              all mutants; the last line is "N of N caught", exit code 1 where one survived
    scripts/mutants.py WORD...      those whose name or file contains one of the words
    scripts/mutants.py --list       their names

A mutant (mutants_table.py) is an exact text of a file and what stands in its place. The text must be there exactly
once, so whoever changes such a line looks at its mutants too. The tree is copied to build/mutants/ and broken there,
one mutant after the other; only the test programs of that engine are built and run, the likely ones first, up to the
first that fails. One that does not compile is wrong, one whose tests hang is caught.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from mutants_table import CONTROLLER, MUTANTS, SCHEDULER

TOP = Path(__file__).resolve().parent.parent
COPY = TOP / "build" / "mutants"
BUILD = COPY / "build" / "dev"
HANGS_S = 120  # of a test program: all of them together take a few seconds
LAST = "simulation_test"  # what takes longest runs last

LIBRARIES = {CONTROLLER: "controller_engine", SCHEDULER: "scheduler_engine"}


class Mutant:
    """One way to break one file."""

    def __init__(self, file, name, text, instead):
        self.file, self.name, self.text, self.instead = file, name, text, instead
        self.engine = str(Path(file).parent)
        self.label = f"{Path(file).name}: {name}"

    def broken(self, folder):
        """The file below a folder, with the change."""
        source = (folder / self.file).read_text(encoding="utf-8")
        if source.count(self.text) != 1:
            sys.exit(f"mutants: {self.label}: its text is there {source.count(self.text)} times, not once")
        return source.replace(self.text, self.instead)


def chosen(words):
    found = [Mutant(file, *row) for file, rows in MUTANTS.items() for row in rows]
    return [one for one in found if not words or any(word in f"{one.file} {one.name}" for word in words)]


def run(*command, **options):
    return subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **options)


def copy_tree():
    """Brings the copy up to date; what has not changed keeps its time, so that it is not compiled again."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=TOP, check=True,
                            capture_output=True).stdout.decode().split("\0")
    names = {name for name in listed if name and (TOP / name).is_file()}
    for name in names:
        target, content = COPY / name, (TOP / name).read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod((TOP / name).stat().st_mode)
    for old in COPY.rglob("*.[ch]"):
        name = old.relative_to(COPY)
        if name.parts[0] != "build" and str(name) not in names:
            old.unlink()


def test_names(engine, of=""):
    """The test programs of an engine whose subject begins so, in the order in which they run."""
    names = [f"{LIBRARIES[engine]}_{path.stem}" for path in sorted((COPY / engine).glob(f"{of}*_test.c"))]
    return sorted(names, key=lambda name: name.endswith(LAST))


def build(names):
    """What the compiler says where it does not take it, else None."""
    done = run("ninja", "-C", str(BUILD), "-j2", *names)
    return done.stdout if done.returncode else None


def failing_test(names):
    """The first test that fails, or None."""
    for name in names:
        try:
            done = run(str(BUILD / "tests" / name), timeout=HANGS_S)
        except subprocess.TimeoutExpired:
            return f"{name} hangs"
        if done.returncode:
            failed = re.search(r"^not ok \d+ - (\S+)|^\[  FAILED  \] (\S+)$", done.stdout, re.MULTILINE)
            return f"{name}, {failed.group(1) or failed.group(2)}" if failed else f"{name} ended with {done.returncode}"
    return None


def prepare(engines):
    """A copy that is built and whose tests pass as it is."""
    copy_tree()
    configured = run("cmake", "--preset", "dev", "--log-level=WARNING", "-DCMAKE_C_FLAGS_DEBUG=-O1")
    if configured.returncode:
        sys.exit(f"mutants: cmake failed\n{configured.stdout}")
    for engine in engines:
        wrong = build(test_names(engine)) or failing_test(test_names(engine))
        if wrong:
            sys.exit(f"mutants: {engine} is not well before it is broken\n{wrong}")


def try_one(mutant):
    """Breaks, tries and mends: (what became of it, by whom or why)."""
    file = COPY / mutant.file
    sound = file.read_bytes()
    file.write_text(mutant.broken(COPY), encoding="utf-8")
    try:
        own = test_names(mutant.engine, Path(mutant.file).stem) or test_names(mutant.engine, "plan_deployment")
        for names in (own, test_names(mutant.engine)):  # the likely ones first: most are not linked then
            wrong = build(names)
            if wrong:
                return "IS WRONG", f"it does not compile\n{wrong}"
            by = failing_test(names)
            if by:
                return "caught", by
        return "SURVIVED", "no test fails"
    finally:
        file.write_bytes(sound)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("words", nargs="*", metavar="WORD", help="of names or files (default all)")
    options = parser.parse_args()
    mutants = chosen(options.words)
    for mutant in mutants:
        mutant.broken(TOP)  # all of them are there before any work is done
    if options.list:
        print("\n".join(mutant.label for mutant in mutants))
        return 0
    if not mutants:
        sys.exit("mutants: there is none of that name")
    prepare(dict.fromkeys(mutant.engine for mutant in mutants))
    left = []
    for mutant in mutants:
        outcome, why = try_one(mutant)
        print(f"{outcome:9} {mutant.label} ({why})", flush=True)
        if outcome != "caught":
            left.append(f"{outcome}: {mutant.label}")
    for line in left:
        print(line)
    print(f"{len(mutants) - len(left)} of {len(mutants)} caught")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
