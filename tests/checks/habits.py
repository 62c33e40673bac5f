# SPDX-License-Identifier: Apache-2.0
"""Habits of the house: banned functions, licences, lengths, links, words."""

import os
import re

# Function -> what to use. One line each, with the reason where it is not plain.
BANNED = {
    "strtok": "str_split: strtok keeps state between calls",
    "sprintf": "mem_printf or str_printf: no bound",
    "vsprintf": "mem_vprintf: no bound",
    "strcpy": "mem_strdup: no bound",
    "stpcpy": "str_append: no bound",
    "strcat": "str_append: no bound",
    "strncat": "str_append: its length means something else",
    "strncpy": "mem_strndup: may leave no terminator",
    "gets": "no bound",
    "scanf": "it has undefined behaviour on overflow",
    "sscanf": "it has undefined behaviour on overflow",
    "atoi": "str_to_int: it can't report errors",
    "atol": "str_to_int: it can't report errors",
    "atof": "strtod: it can't report errors",
    "alloca": "mem_alloc: the stack has a limit of its own",
    "gmtime": "gmtime_r: shared result",
    "localtime": "gmtime_r: shared result, and times are UTC",
    "ctime": "time_format",
    "asctime": "time_format",
    "tmpnam": "mkstemp: a race",
    "mktemp": "mkstemp: a race",
    "system": "posix_spawn: a shell between",
    "popen": "posix_spawn: a shell between",
    "rand": "struct rand: randomness is passed in",
    "srand": "struct rand",
    "random": "struct rand",
}
# Only lib/base/mem.c allocates; what other libraries allocate is freed by their own free.
ALLOCATE = ["malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "asprintf", "vasprintf"]
# Programs end by returning from main; a child after fork uses _exit.
ENDING = ["exit", "abort", "quick_exit"]

LINES_MAX = 700
COLUMNS_MAX = 128

SPDX = ("SPDX-License-Identifier: Apache-2.0",)
SPDX_SUFFIXES = (".c", ".h", ".S", ".py", ".sh", ".proto", ".cmake", ".java")


def calls(tree, names, skip=lambda path: False):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for path, code in tree.code.items():
        if skip(path):
            continue
        for number, line in enumerate(code.split("\n"), 1):
            for match in pattern.finditer(line):
                yield path, number, match.group(1)


def banned(tree):
    """Nobody calls the functions that have a safe sister."""
    for path, number, name in calls(tree, BANNED):
        yield f"{path}:{number}: {name}(); {BANNED[name]}"


def allocation(tree):
    """Memory comes from lib/base/mem.h."""
    for path, number, name in calls(tree, ALLOCATE, lambda path: path == "lib/base/mem.c"):
        yield f"{path}:{number}: {name}(); use lib/base/mem.h, which never returns NULL"


def ending(tree):
    """A library never ends the process; only main.c, assertions and tests do."""
    allowed = ("lib/base/mem.c", "lib/base/assert.c")
    for path, number, name in calls(
            tree, ENDING, lambda path: path in allowed or path.endswith(("main.c", "_test.c"))
            or path.startswith("tests/")):
        yield f"{path}:{number}: {name}() in a library; errors climb to main"


def clocks(tree):
    """Time is read through struct clock. Waiting for a condition needs the system's: its deadline is a time."""
    names = ["clock_gettime", "gettimeofday", "time", "nanosleep", "usleep", "sleep"]
    for path, number, name in calls(
            tree, names, lambda path: path == "lib/base/clock.c" or path.startswith("tests/")):
        if name != "clock_gettime" or "pthread_cond_timedwait" not in tree.code[path]:
            yield f"{path}:{number}: {name}(); time is injected (lib/base/clock.h)"


def licence(tree):
    """Each source file names its licence in the first three lines."""
    for path, text in tree.files.items():
        head = "\n".join(text.split("\n")[:3])
        source = path.endswith(SPDX_SUFFIXES) or text.startswith("#!") or path.endswith("CMakeLists.txt")
        if source and not any(line in head for line in SPDX):
            yield f"{path}: no SPDX-License-Identifier: Apache-2.0"


def guards(tree):
    """Each header has a guard of the form ..._H."""
    for path in tree.code:
        text = tree.files[path]
        if path.endswith(".h") and not re.search(r"#ifndef ([A-Z]\w+_H)\n#define \1\n", text):
            yield f"{path}: no guard ..._H"


def guards_differ(tree):
    """No two headers share a guard."""
    seen = {}
    for path in tree.code:
        match = re.search(r"#ifndef ([A-Z]\w+_H)\n", tree.files[path]) if path.endswith(".h") else None
        if match and match.group(1) in seen:
            yield f"{path}: its guard {match.group(1)} is that of {seen[match.group(1)]}"
        elif match:
            seen[match.group(1)] = path


def length(tree):
    """No source file is longer than 700 lines: by then it has two subjects."""
    for path, text in tree.files.items():
        lines = text.count("\n")
        if path.endswith((".c", ".h", ".py", ".sh", ".proto")) and lines > LINES_MAX:
            yield f"{path}: {lines} lines; split it by subject"


def width(tree):
    """No line of C is wider than 128 characters, comments too, but where it holds a link."""
    for path, text in tree.files.items():
        for number, line in enumerate(text.split("\n"), 1):
            if path.endswith((".c", ".h")) and len(line) > COLUMNS_MAX and "://" not in line:
                yield f"{path}:{number}: {len(line)} characters"


def whitespace(tree):
    """No tab in C and Python, no trailing blank, a newline at the end."""
    for path, text in tree.files.items():
        if not path.endswith((".c", ".h", ".py", ".proto", ".md", ".sh", ".cmake", "CMakeLists.txt")):
            continue
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{number}: trailing blank"
            elif "\t" in line and path.endswith((".c", ".h", ".py", ".proto")):
                yield f"{path}:{number}: tab"


def unfinished(tree):
    """Nothing is marked as to be done later."""
    pattern = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
    for path, text in tree.files.items():
        for number, line in enumerate(text.split("\n"), 1):
            if pattern.search(line) and path != "LICENSE":
                yield f"{path}:{number}: {line.strip()[:80]}"


def machine_paths(tree):
    """No path of somebody's machine: /home/..., /root/..., /Users/..., /work/..."""
    pattern = re.compile(r"(?<![\w.$}/-])/(home|root|Users|work)/\w")
    for path, text in tree.files.items():
        for number, line in enumerate(text.split("\n"), 1):
            if pattern.search(line) and not path.startswith("tests/checks/"):
                yield f"{path}:{number}: {line.strip()[:80]}"


def links(tree):
    """Links in Markdown lead to files of the tree; links to a heading, to one that is there."""
    for path, text in tree.files.items():
        if not path.endswith(".md"):
            continue
        prose = re.sub(r"```.*?```", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.DOTALL)
        for match in re.finditer(r"\[[^\]]+\]\(([^)\s]+)\)", prose):
            target, _, anchor = match.group(1).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            resolved = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            line = prose.count("\n", 0, match.start()) + 1
            if not tree.exists(resolved):
                yield f"{path}:{line}: no {target}"
            elif anchor and anchor not in headings(tree.files.get(resolved, "")):
                yield f"{path}:{line}: no heading #{anchor} in {resolved}"


def headings(text):
    """Anchors of a Markdown file, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def unused_headers(tree):
    """Each header of a folder is included by somebody."""
    included = {include.name for includes in tree.includes.values() for include in includes}
    for path in tree.code:
        if path.endswith(".h") and path not in included:
            yield f"{path}: nobody includes it"


def sleeps_in_tests(tree):
    """Tests wait for what they wait for, not for a time."""
    for path, text in tree.files.items():
        if not re.match(r"tests/(e2e|base|agent|scheduler|rpc|kube)/.*\.py$", path):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\btime\.sleep\(", line) and "poll" not in line:
                yield f"{path}:{number}: sleep; wait for the state (a poll helper says `# poll` beside it)"


RULES = [banned, allocation, ending, clocks, licence, guards, guards_differ, length, width, whitespace, unfinished,
         machine_paths, links, unused_headers, sleeps_in_tests]
