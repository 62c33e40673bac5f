# SPDX-License-Identifier: Apache-2.0
"""Simulated worlds from fixed seeds, what a seed promises, and scenarios in which each call fails once."""

import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
SIM = Path(os.environ.get("KOUPLELESS_BUILD_DIR", TOP / "build" / "dev")) / "bin" / "koupleless-sim"
CHUNK = 100
CHUNKS = 10


def run(*args):
    return subprocess.run([SIM, *args], capture_output=True, text=True, check=False, timeout=600)


@pytest.mark.parametrize("first", range(1, CHUNK * CHUNKS, CHUNK))
def test_invariants_hold(first):
    """On all processors; a seed that fails is told, and how to see it again."""
    result = run(f"--from={first}", f"--seeds={CHUNK}")
    failed = re.findall(r"^seed (\d+): .*", result.stdout, re.MULTILINE)
    assert result.returncode == 0, f"{result.stdout}{result.stderr}\nbuild/dev/bin/koupleless-sim --seed {failed[0] if failed else '?'}"
    assert f"{CHUNK} seeds from {first}, 0 failed" in result.stdout


@pytest.mark.parametrize("seed, without", [
    (526364, "jvms,pods-go,fails,modules,net-cuts,slow"),  # I2: a new version takes the place of one that nobody had heard of
    (533929, "jvms,pods-go,fails,modules,net-cuts,slow"),  # I2: ... of one that was away, and came back
    (150, ""),  # a plan that asked to be made again at a time that had passed
])
def test_what_has_broken_once(seed, without):
    result = run(f"--seed={seed}", *([f"--without={without}"] if without else []))
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_call_may_fail():
    """Of each scenario each call, in each way; on all processors. The last line counts the stories."""
    result = run("--each-call")
    counted = re.findall(r"^(\S+) +(\d+) calls: ", result.stdout, re.MULTILINE)
    stories = 3 * sum(int(calls) for _, calls in counted)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(counted) >= 10 and stories > 1000
    assert f"{stories} stories from 0, 0 failed" in result.stdout


def test_a_story_that_fails_is_told():
    """And how to see it again."""
    result = run("--scenario=install", "--at-call=12", "--fate=crash", "--print")
    assert result.returncode == 0
    assert "call 12: crash" in result.stdout and "controller: life 2" in result.stdout


def test_who_crashes_is_who_has_called():
    """The controller, or an agent with a command to its Arklet."""
    calls = int(re.search(r"^install +(\d+) calls", run("--scenario=install", "--each-call").stdout, re.MULTILINE).group(1))
    stories = [run("--scenario=install", f"--at-call={call}", "--fate=crash", "--print").stdout for call in range(1, calls + 1)]
    crashed = [("controller: life 2" in story, "agent starts anew" in story) for story in stories]
    assert set(crashed) == {(True, False), (False, True)}
    assert crashed.count((False, True)) >= 2


def test_a_controller_that_is_late_is_refused():
    """By agents that know of the one that leads now; and one that stood still ends."""
    result = run("--scenario=deposed", "--print")
    assert result.returncode == 0
    assert "after the end of controller-" in result.stdout and "another controller leads" in result.stdout
    assert result.stdout.index("stands still") < result.stdout.index("leads no more")


@pytest.mark.parametrize(("option", "message"), [("--scenario=none", 'no scenario is called "none"'), ("--fate=none-such", 'no fate is called "none-such"')])
def test_unknown_names_are_refused(option, message):
    result = run("--seed=1", option)
    assert result.returncode != 0
    assert message in result.stderr


@pytest.mark.parametrize("seed", [3, 17, 42])
def test_a_seed_is_one_history(seed):
    """Line by line, in another process, too."""
    first, second = run(f"--seed={seed}", "--print"), run(f"--seed={seed}", "--print")
    assert first.returncode == 0, first.stdout[-2000:]
    assert first.stdout == second.stdout
    assert re.search(r"hash [0-9a-f]{16}", first.stdout)


def test_another_seed_is_another_history():
    hashes = {re.search(r"hash ([0-9a-f]{16})", run(f"--seed={seed}").stdout).group(1) for seed in range(1, 6)}
    assert len(hashes) == 5


def test_a_world_without_faults_has_none():
    result = run("--seed=5", "--only=none", "--print")
    assert result.returncode == 0
    assert "crashes" not in result.stdout and "starts anew" not in result.stdout


def test_an_unknown_fault_is_refused():
    result = run("--seed=1", "--only=locusts")
    assert result.returncode != 0
    assert 'no fault is called "locusts"' in result.stderr
