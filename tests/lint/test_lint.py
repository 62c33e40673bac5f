# SPDX-License-Identifier: Apache-2.0
"""Checkers of others: clang-format (.clang-format), clang-tidy (.clang-tidy), shellcheck."""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("KOUPLELESS_BUILD_DIR", TOP / "build" / "dev"))


def listed(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=TOP, check=True,
                         capture_output=True, text=True).stdout.split()
    return sorted(path for path in out if (TOP / path).is_file())


def run(tool, *args):
    if not shutil.which(tool):
        pytest.skip(f"no {tool} (scripts/install-deps.sh --for lint)")
    return subprocess.run([tool, *args], cwd=TOP, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", listed("*.c", "*.h"))
def test_layout(path):
    result = run("clang-format", "--style=file", "--dry-run", "-Werror", path)
    assert result.returncode == 0, f"`make format` lays it out\n{result.stderr}"


def compiled():
    """Our own files in the compilation database of the build."""
    database = BUILD / "compile_commands.json"
    if not database.exists():
        return []
    files = {entry["file"] for entry in json.loads(database.read_text())}
    ours = set(listed("*.c"))
    return sorted(path for path in ours if str(TOP / path) in files)


def tidy(path):
    # The database is gcc's, with some warnings that only gcc has.
    return run("clang-tidy", "-p", str(BUILD), "--quiet", "--extra-arg=-Wno-unknown-warning-option", path)


@pytest.fixture(scope="session", name="tidied")
def fixture_tidied(request):
    """Path -> outcome to come. Some seconds each: as many at once as there are processors."""
    paths = [item.callspec.params["path"] for item in request.session.items
             if item.function is test_clang_tidy]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {path: pool.submit(tidy, path) for path in paths}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("path", compiled())
def test_clang_tidy(tidied, path):
    result = tidied[path].result()
    assert result.returncode == 0, result.stdout


def shell_scripts():
    found = []
    for path in listed(":!tests/fuzz/seeds"):
        with open(TOP / path, "rb") as file:
            first = file.readline()
        if first.startswith(b"#!") and b"sh" in first.split(b"/")[-1]:
            found.append(path)
    return found


@pytest.mark.parametrize("path", shell_scripts())
def test_shellcheck(path):
    result = run("shellcheck", "-x", path)
    assert result.returncode == 0, result.stdout
