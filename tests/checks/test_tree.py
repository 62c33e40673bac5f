# SPDX-License-Identifier: Apache-2.0
"""Each rule, on the tree."""

import subprocess
from pathlib import Path

import documented
import habits
import layers
import pytest
import source

RULES = {rule.__name__: rule for rule in layers.RULES + habits.RULES + documented.RULES}


@pytest.fixture(scope="module", name="tree")
def fixture_tree():
    return source.real_tree()


@pytest.mark.parametrize("name", RULES)
def test_rule(tree, name):
    violations = list(RULES[name](tree))
    assert not violations, f"{RULES[name].__doc__}\n" + "\n".join(violations)


def test_tree_is_seen(tree):
    """The rules would pass on an empty tree: make sure that this one is not."""
    assert len(tree.code) > 50
    assert any("/engine/" in path for path in tree.code)
    assert any(include.name.startswith("sqlite3") for found in tree.includes.values() for include in found)


def shell_scripts():
    return [path for path, text in source.real_tree().files.items()
            if path.endswith(".sh") or text.startswith(("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash"))]


@pytest.mark.parametrize("path", shell_scripts())
def test_shell_parses(path):
    result = subprocess.run(["bash", "-n", path], cwd=source.TOP, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", shell_scripts())
def test_shell_is_executable(path):
    """What starts with #! can be run; what is sourced has none."""
    text = Path(source.TOP / path).read_text(encoding="utf-8")
    mode = Path(source.TOP / path).stat().st_mode
    assert text.startswith("#!") == bool(mode & 0o100)


def test_each_mutant_breaks_a_line_that_is_there():
    """Whoever changes a line of the engines that a mutant is made of changes that, too."""
    listed = subprocess.run([source.TOP / "scripts" / "mutants.py", "--list"], capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr


def test_each_branch_that_is_listed_as_not_taken_is_there():
    """... and of those that scripts/coverage.py gives a reason for."""
    listed = subprocess.run([source.TOP / "scripts" / "coverage.py", "--list"], capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr
