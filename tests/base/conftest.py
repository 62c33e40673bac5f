# SPDX-License-Identifier: Apache-2.0
"""One suite for the wire of a base, run against the simulator and against a real JVM.

    /usr/bin/python3 -m pytest tests/base [--bases sim|jvm|both]
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basefixture  # noqa: E402
import basekit  # noqa: E402

session_bases = basefixture.session_bases


def pytest_addoption(parser):
    basefixture.add_option(parser, "shared tests")


def pytest_generate_tests(metafunc):
    if "base_kind" in metafunc.fixturenames:
        metafunc.parametrize("base_kind", basefixture.kinds(metafunc.config), scope="session")


@pytest.fixture
def base(base_kind, session_bases):
    """A ready base without modules."""
    one = session_bases(base_kind)
    one.clean()
    yield one


@pytest.fixture
def simulator(tmp_path):
    """Starts simulators with options of their own: simulator("--keep-failed") gives one."""
    started = []

    def start_simulator(*options, count=1):
        started.append(basekit.Simulator(tmp_path / str(len(started)), *options, count=count))
        return started[-1]

    yield start_simulator
    for one in started:
        one.__exit__()
