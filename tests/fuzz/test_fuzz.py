# SPDX-License-Identifier: Apache-2.0
"""Each fuzz target for some seconds, as a smoke test; `make fuzz` takes its time."""

import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
SECONDS = 10
TARGETS = sorted(path.name[:-len("_fuzz.c")] for path in Path(__file__).parent.glob("*_fuzz.c"))


@pytest.fixture(scope="session", name="output")
def fixture_output():
    """What the script printed; it runs the targets side by side."""
    return subprocess.run([TOP / "scripts" / "fuzz.sh", str(SECONDS)], cwd=TOP, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_target(output, target):
    assert f"\n{target}: clean" in output, output[-8000:]


@pytest.mark.parametrize("target", TARGETS)
def test_seeds(target):
    """A target without seeds finds its way into deep code by chance only."""
    assert list((TOP / "tests" / "fuzz" / "seeds" / target).iterdir())
