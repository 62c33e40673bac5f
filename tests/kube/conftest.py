# SPDX-License-Identifier: Apache-2.0
"""Real Kubernetes API servers.

    /usr/bin/python3 -m pytest tests/kube [--kube-version current|1.24|both]
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import fleetkit  # noqa: E402
import kubeapi  # noqa: E402
import kubefixture  # noqa: E402
import kubekit  # noqa: E402

pytest_addoption = kubefixture.add_option
pytest_collection_finish = kubefixture.build
pytest_generate_tests = kubefixture.parametrize
kube_version = kubefixture.kube_version
kube_cluster = kubefixture.kube_cluster
kube_node = kubefixture.kube_node
kube_namespace = kubefixture.kube_namespace


@pytest.fixture(scope="module")
def own_cluster(kube_cluster, tmp_path_factory):
    """Beside the shared one: a server that a test may hurt, without controllers. Watches of ConfigMaps go to etcd: its
    cache would begin with its start, and whatever the server writes meanwhile, of any kind, would have made every
    older version expire."""
    options = {"kube-apiserver": ["--watch-cache-sizes=configmaps#0"]}
    with kubekit.Cluster(tmp_path_factory.mktemp("own"), kube_cluster.version, options=options) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kube_definitions(kube_cluster):
    """The shared cluster with our custom resources."""
    fleetkit.install_definitions(kube_cluster)
    return kube_cluster


def start_fleets(cluster, folder):
    """Starts fleets, each in a namespace of its own: start(bases=3). At the end of a good test they end well, and no
    base has installed anything twice."""
    started = []

    def start(namespace=None, **options):
        namespace = namespace or f"fleet-{next(kubefixture.serial)}"
        cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": namespace}})
        started.append(fleetkit.Fleet(folder / namespace, cluster, namespace, **options))
        return started[-1]

    yield start
    try:
        for fleet in started:
            fleet.check_operations()
            fleet.stop()
    finally:
        for fleet in started:
            fleet.abandon()


@pytest.fixture
def new_fleet(kube_definitions, tmp_path):
    yield from start_fleets(kube_definitions, tmp_path)


@pytest.fixture(scope="module")
def module_fleet(kube_definitions, tmp_path_factory):
    """Starts fleets for all tests of a module."""
    yield from start_fleets(kube_definitions, tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def fleet(module_fleet):
    """Three bases, for all tests of a module: each has a ModuleDeployment and a module of its own."""
    return module_fleet(bases=3)
