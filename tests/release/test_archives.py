# SPDX-License-Identifier: Apache-2.0
"""A program of preset release has its libraries in it (docs/design/008)."""
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
AGENT = TOP / "build" / "release" / "bin" / "koupleless-agent"
OF_THE_SYSTEM = re.compile(r"lib[cm]\.so\.6|ld-linux.*")
SIZE_MAX = 13_000_000


def run(*command):
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="session", name="agent")
def fixture_agent():
    if "No archives of libcurl" in run("cmake", "--preset", "release"):
        pytest.skip("the sources of libcurl and cJSON can't be had here")
    run("cmake", "--build", "build/release", "--target", "koupleless-agent")
    return AGENT


def test_needs_only_the_c_library(agent):
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", str(agent)))
    assert needed and [name for name in needed if not OF_THE_SYSTEM.fullmatch(name)] == []


def test_size(agent, tmp_path):
    run("strip", "-o", str(tmp_path / "agent"), str(agent))
    assert (tmp_path / "agent").stat().st_size <= SIZE_MAX


def test_starts(agent):
    assert run(str(agent), "--version").startswith("koupleless-agent ")
