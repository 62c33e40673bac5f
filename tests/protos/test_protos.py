# SPDX-License-Identifier: Apache-2.0
"""buf's rules on the protos (proto/buf.yaml), and that no change breaks who speaks the committed image."""

import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
IMAGE = "proto/baseline/image.binpb"


@pytest.fixture(scope="session", name="buf")
def fixture_buf():
    """Calls buf; skips where this machine's Go is too old to build it."""
    def call(*args):
        result = subprocess.run([TOP / "scripts" / "buf.sh", *args], cwd=TOP, capture_output=True, text=True,
                                check=False)
        if result.returncode == 77:
            pytest.skip(result.stderr.strip().split("\n")[-1])
        return result

    return call


def test_lint(buf):
    result = buf("lint", "proto")
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_breaks(buf):
    result = buf("breaking", "proto", "--against", IMAGE)
    assert result.returncode == 0, f"see proto/README.md\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("old, new", [
    ("string boot_id = 5;", "string boot_id = 6;"),
    ("string boot_id = 5;", "int32 boot_id = 5;"),
    ("rpc ListCommands(", "rpc ListAllCommands("),
])
def test_a_break_is_found(buf, tmp_path, old, new):
    """The check has teeth: each of these changes would break a client."""
    copy = tmp_path / "proto"
    subprocess.run(["cp", "-r", TOP / "proto", copy], check=True)
    agent = copy / "koupleless" / "agent" / "v1" / "agent.proto"
    text = agent.read_text(encoding="utf-8")
    assert old in text
    agent.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = buf("breaking", str(copy), "--against", IMAGE)
    assert result.returncode == 100, result.stdout + result.stderr
