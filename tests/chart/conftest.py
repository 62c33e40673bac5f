# SPDX-License-Identifier: Apache-2.0
"""The Helm chart, by helm itself.

    /usr/bin/python3 -m pytest tests/chart [--kube-version current|1.24|both]
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import helmkit  # noqa: E402
import kubefixture  # noqa: E402
import kubekit  # noqa: E402

pytest_addoption = kubefixture.add_option
pytest_generate_tests = kubefixture.parametrize
kube_version = kubefixture.kube_version
kube_cluster = kubefixture.kube_cluster
kube_namespace = kubefixture.kube_namespace


def pytest_collection_finish(session):
    """Builds helm and the servers before the first test, so that what that takes is told."""
    kubefixture.build(session)
    if session.config.option.collectonly:
        return
    with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        try:
            helmkit.build()
        except basekit.Unavailable:
            pass


def helm_or_skip(folder, kubeconfig=None):
    try:
        return helmkit.Helm(folder, kubeconfig)
    except basekit.Unavailable as error:
        return pytest.skip(str(error))


@pytest.fixture(scope="session")
def helm(tmp_path_factory):
    """helm without a cluster."""
    return helm_or_skip(tmp_path_factory.mktemp("helm"))


@pytest.fixture
def kube_helm(kube_cluster, tmp_path):
    """helm as the admin of the shared cluster. Custom resources stay there from one test to the next, since a server
    does not always get done with deleting some that it has just begun to serve: install with TAKE."""
    return helm_or_skip(tmp_path, kube_cluster.kubeconfig)


@pytest.fixture
def own_cluster(kube_cluster, tmp_path):
    """A server that knows nothing of ours yet, without controllers."""
    with kubekit.Cluster(tmp_path / "own", kube_cluster.version) as cluster:
        yield cluster


@pytest.fixture
def own_helm(own_cluster, tmp_path):
    """helm as its admin."""
    return helm_or_skip(tmp_path, own_cluster.kubeconfig)
