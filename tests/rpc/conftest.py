# SPDX-License-Identifier: Apache-2.0
"""A foreign gRPC client without any code of ours, against the real controller.

    /usr/bin/python3 -m pytest tests/rpc
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import programkit  # noqa: E402
import reflectkit  # noqa: E402


@pytest.fixture(scope="session")
def controller(tmp_path_factory):
    """A running controller with an empty store."""
    folder = tmp_path_factory.mktemp("controller")
    with programkit.Program("koupleless-controller", folder, "--insecure",
                            "--store", "embedded", "--data-dir", str(folder / "data")) as program:
        yield program


@pytest.fixture(params=[reflectkit.V1ALPHA, reflectkit.V1])
def client(request, controller):
    """A client that has learned nothing yet, of either version of the reflection protocol."""
    with reflectkit.Client(controller.grpc, request.param) as fresh:
        yield fresh
