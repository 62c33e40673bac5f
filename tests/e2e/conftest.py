# SPDX-License-Identifier: Apache-2.0
"""The real programs together.

    /usr/bin/python3 -m pytest tests/e2e
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import systemkit  # noqa: E402


@pytest.fixture
def new_system(tmp_path):
    """Starts systems: new_system(bases=3). At the end of a good test they end well, and no base has
    installed anything twice."""
    started = []

    def start(**options):
        started.append(systemkit.System(tmp_path / f"system-{len(started)}", **options))
        return started[-1]

    yield start
    try:
        for system in started:
            system.check_operations()
            system.stop()
    finally:
        for system in started:
            system.abandon()


@pytest.fixture
def system(new_system):
    """Three simulated bases."""
    return new_system(bases=3)
