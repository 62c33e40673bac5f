# SPDX-License-Identifier: Apache-2.0
"""Good and bad ModuleDeployments at the API server: tests/e2e/samples/inputs.yaml."""
import json

import kubeapi
import kubekit
import manifestkit
import pytest

CASES = manifestkit.cases()


@pytest.fixture(name="cluster", scope="module")
def fixture_cluster(kube_cluster):
    manifestkit.install_crds(kube_cluster)
    return kube_cluster


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_kubectl_says_what_is_wrong(cluster, case):
    """What the server can check it refuses with the words of the table; all else it takes."""
    expected = case.plain if cluster.version == "1.24" else case.kubectl
    try:
        cluster.kubectl("apply", "--dry-run=server", "-f", "-", input=json.dumps(case.document))
        said = None
    except kubekit.KubectlFailed as error:
        said = error.stderr
    if expected is None:
        assert said is None
    else:
        assert said and expected in said


@pytest.mark.parametrize("case", [case for case in CASES if not case.controller],
                         ids=[case.name for case in CASES if not case.controller])
def test_what_is_good_is_stored_as_it_was_given(cluster, kube_namespace, case):
    """Only the documented defaults are added; null is the same as absent."""
    stored = cluster.api.post(kubeapi.path("moduledeployments", kube_namespace), case.document)["spec"]
    defaults = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
    assert stored == {**defaults, **without_nulls(case.document["spec"])}


def without_nulls(value):
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None}
