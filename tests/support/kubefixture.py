# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server for a whole test run, for conftest.py: pick what is needed by name.

    pytest_addoption, pytest_collection_finish, pytest_generate_tests = ...      # this module's functions
    kube_version, kube_cluster, kube_node, kube_namespace = ...                  # its fixtures
"""
import itertools

import pytest

import kubeapi
import kubekit
import kubelet

serial = itertools.count(1)


def add_option(parser):
    parser.addoption("--kube-version", choices=[*kubekit.VERSIONS, "both"], default="current",
                     help="which version of Kubernetes the tests run against")


def versions(config):
    """The versions that --kube-version asks for."""
    wanted = config.getoption("--kube-version")
    return kubekit.VERSIONS if wanted == "both" else [wanted]


def parametrize(metafunc):
    """For pytest_generate_tests: each test that needs a cluster, on each version."""
    if "kube_version" in metafunc.fixturenames:
        metafunc.parametrize("kube_version", versions(metafunc.config), indirect=True, scope="session")


def build(session):
    """For pytest_collection_finish: builds the servers before the first test, so that what that takes is told.
    Where they can't be had, kube_cluster skips."""
    needed = any("kube_version" in getattr(item, "fixturenames", ()) for item in session.items)
    if not needed or session.config.option.collectonly:
        return
    with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        for version in versions(session.config):
            try:
                kubekit.build(version)
            except kubekit.Unavailable:
                pass


@pytest.fixture(scope="session")
def kube_version(request):
    """"current" or "1.24"."""
    return request.param


@pytest.fixture(scope="session")
def kube_cluster(kube_version, tmp_path_factory):
    """One that all tests of a version share, with controllers and an audit log."""
    try:
        cluster = kubekit.Cluster(tmp_path_factory.mktemp("kube"), kube_version, controllers=True, audit=True)
    except kubekit.Unavailable as error:
        pytest.skip(str(error))
    with cluster:
        yield cluster


@pytest.fixture(scope="session")
def kube_node(kube_cluster):
    """A node of it that runs every pod."""
    with kubelet.Kubelet(kube_cluster) as node:
        yield node


@pytest.fixture
def kube_namespace(kube_cluster):
    """The name of a namespace of this test alone. Its deletion is begun at the end."""
    name = f"test-{next(serial)}"
    kube_cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": name}})
    yield name
    kube_cluster.api.delete(kubeapi.path("namespaces", None, name))
