# SPDX-License-Identifier: Apache-2.0
"""Good and bad ModuleDeployments at the controller: tests/e2e/samples/inputs.yaml, as tests/kube has them for the
API server."""
import json

import manifestkit
import pytest

CASES = manifestkit.cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_apply_says_what_is_wrong(cli, case):
    """The controller takes what is good, and refuses all else with the words of the table."""
    text = json.dumps(case.document)
    if case.controller:
        assert cli.fails("apply", "-f", "-", stdin=text) == f"stdin: document 1: {case.controller}"
    else:
        assert cli.ok("apply", "-f", "-", stdin=text) == "moduledeployment/sample created\n"
        cli.ok("delete", "moduledeployment", "sample", "--wait")


def test_who_refuses_what():
    """The API server refuses nothing that the controller takes, and all but a few of what it refuses."""
    server = {case.name for case in CASES if case.kubectl}
    controller = {case.name for case in CASES if case.controller}
    plain = {case.name for case in CASES if case.plain}
    assert plain <= server <= controller
    assert controller - server == {"a base selector with a key that is none"}
    assert server - plain == {"a Service without a port", "a Service that can have no name",
                              "maxUnavailable in both places, not the same"}
