# SPDX-License-Identifier: Apache-2.0
"""What the code can say or take stands in docs/, and the other way round: reasons, metrics, options; and tests."""

import re

ERRORS, OPERATIONS, DEFECTS = "docs/errors.md", "docs/operations.md", "docs/v1-defects.md"
REQUIREMENTS = "docs/requirements.md"

# Where reasons are made: files, and what a reason looks like there. "A,B" is two of them.
REASONS = [
    (r"(lib|services)/.*\.c", r"\berr_reason\(&?\w+,\s*\"([A-Z_]+)\"\)"),
    (r"services/controller/api/.*\.c", r"\brefuse\(\s*err,\s*\"([A-Z_]+)\""),
    (r"lib/base/err\.h", r"\bX\(ERR_\w+, \"([A-Z_]+)\""),
    (r"services/agent/engine/failure\.c", r"\{\"[\w.]+\", \"([A-Z_]+)\""),
    (r"services/.*\.c", r"\"((?:Arklet|User|ModuleController|OtherUpstream)\.\w+)\""),
    (r"services/controller/engine/.*\.c", r"\"([A-Z][A-Za-z]+(?:,[A-Z][A-Za-z]+)*)\""),
    (r"services/controller/engine/plan_service\.h", r"#define CONDITION_\w+ \"(\w+)\""),
    (r"services/controller/[^/]*\.c", r"\"([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:: %s)?\""),
    (r"services/controller/store/kubernetes/pod\.c", r"\bnot_ready\(\w+, \"(\w+)\""),
    (r"services/controller/store/kubernetes/overlay\.c", r"restarted\[\] = \"(\w+)\""),
    (r"services/agent/engine/base_health\.c", r"\"([A-Z][a-z]+(?:[A-Z][a-z]+)+)\""),
    (r"services/scheduler/engine/place\.h", r"\bX\(REFUSED_\w+, \"(\w+)\"\)"),
    (r"lib/model/module_deployment\.h", r"#define REASON_\w+ \"(\w+)\""),
]
# Words that look like reasons and are values of a condition or of a Service, or names of kinds or methods.
NO_REASONS = {"True", "False", "NodePort", "TCP", "Pod", "InstallModule", "UninstallModule", "SwitchModule", "GetOperation",
              "PrefetchModule"}

METRICS = [(r"(lib|services)/.*\.c", r"\"(koupleless_[a-z_]+)\"")]

OPTIONS = [
    (r"services/\w+/main\.c", r"\.name = \"([a-z-]+)\""),
    (r"services/\w+/main\.c", r"\b(?:TEXT|DURATION)\(\"([a-z-]+)\""),
    (r"lib/service/service\.h", r"\.name = \"([a-z-]+)\""),
    (r"clients/cli/cli\.c", r"\.name = \"([a-z-]+)\""),
]
NO_OPTIONS = {"help", "version"}  # they have no row


def made(tree, sources, others=()):
    """What the code has -> where."""
    found = {}
    for path, text in tree.files.items():
        for files, pattern in sources:
            if path.endswith("_test.c") or not re.fullmatch(files, path):
                continue
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                for name in match.group(1).split(","):
                    found.setdefault(name, f"{path}:{line}")
    return {name: place for name, place in found.items() if name not in others}


def missing(tree, page, known, pattern):
    """Names that the code has and @page does not tell."""
    told = set(re.findall(pattern, tree.files.get(page, "")))
    return [f"{place}: {name} is not in {page}" for name, place in known.items() if name not in told]


def surplus(tree, page, known, pattern):
    """Names that rows of tables in @page begin with, and no code has."""
    for number, line in enumerate(tree.files.get(page, "").split("\n"), 1):
        cells = line.split(" | ")
        for name in re.findall(pattern, cells[0]) if line.startswith("| ") else []:
            if name not in known:
                yield f"{page}:{number}: no code has {name}"


def reasons(tree):
    """docs/errors.md explains each reason that the code gives, and no other."""
    known, pattern = made(tree, REASONS, NO_REASONS), r"`([\w.]+)`"
    return missing(tree, ERRORS, known, pattern) + list(surplus(tree, ERRORS, known, pattern))


def metrics(tree):
    """docs/operations.md lists each metric, and no other."""
    known, pattern = made(tree, METRICS), r"`(koupleless_[a-z_]+)"
    return missing(tree, OPERATIONS, known, pattern) + list(surplus(tree, OPERATIONS, known, pattern))


def options(tree):
    """docs/operations.md lists each option of the programs, and no other."""
    known, pattern = made(tree, OPTIONS), r"`--([a-z-]+)"
    rows = {**known, **dict.fromkeys(NO_OPTIONS)}
    return missing(tree, OPERATIONS, known, pattern) + list(surplus(tree, OPERATIONS, rows, pattern))


def is_test(path, text, name):
    """Whether a file has this test: a function, or in quotation marks a row of a table."""
    if name.startswith('"'):
        return path.endswith("_test.c") and name in text
    words = "def" if path.endswith(".py") else "static void"
    return re.search(rf"^{words} {re.escape(name)}\(", text, re.MULTILINE) is not None


def named_tests(tree):
    """docs/v1-defects.md and docs/requirements.md name tests that are there."""
    for page in (DEFECTS, REQUIREMENTS):
        for number, line in enumerate(tree.files.get(page, "").split("\n"), 1):
            for file, name in re.findall(r"`([\w./-]+)::([^`]+)`", line):
                if not any(f"/{path}".endswith(f"/{file}") and is_test(path, text, name)
                           for path, text in tree.files.items()):
                    yield f"{page}:{number}: there is no {file}::{name}"


def numbered(tree):
    """docs/v1-defects.md numbers its rows, and each of them and of docs/requirements.md names a test."""
    row = 0
    for page in (DEFECTS, REQUIREMENTS):
        for number, line in enumerate(tree.files.get(page, "").split("\n"), 1):
            if not re.match(r"\| \d", line):
                continue
            row += page == DEFECTS
            if "::" not in line or (page == DEFECTS and not line.startswith(f"| {row} |")):
                yield f"{page}:{number}: it is wrongly numbered, or names no test"


def requirements(tree):
    """What code and tests call a requirement or an invariant has a row in docs/requirements.md."""
    known = re.findall(r"^\| (\d+\.\d+|I\d+) \|", tree.files.get(REQUIREMENTS, ""), re.MULTILINE)
    for path, text in tree.files.items():
        if not path.endswith((".c", ".h", ".proto")):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            spoken = re.findall(r"[Rr]equirements? (\d+\.\d+)", line) + re.findall(r"[Ii]nvariants? (I\d+)", line)
            for name in spoken:
                if name not in known:
                    yield f"{path}:{number}: {REQUIREMENTS} has no {name}"


RULES = [reasons, metrics, options, named_tests, numbered, requirements]
