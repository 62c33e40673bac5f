# SPDX-License-Identifier: Apache-2.0
"""CustomResourceDefinitions that are not those of this version, or that go while the controller runs: it names what is
wrong, waits, and goes on by itself when they are mended. Nothing is installed twice, lost or left behind."""
import itertools

import basekit
import faultfleet
import kubekit
import manifestkit
import pytest
from kubeapi import path

KINDS = ["moduledeployments", "modulereplicasets", "moduletemplates", "modules"]
PROBES = "probes"  # a namespace that the controller does not look at
MODULE = {"name": "probe", "version": "1.0.0", "url": "http://127.0.0.1/probe.jar"}
SPECS = {"moduledeployments": {"baseDeploymentName": "none", "template": {"spec": {"module": MODULE}}},
         "modulereplicasets": {"template": {"spec": {"module": MODULE}}}, "modules": {"module": MODULE}}
VALUES = {"integer": 1, "string": "x"}
_serial = itertools.count(1)


@pytest.fixture(name="cluster", scope="module")
def fixture_cluster(kube_cluster, tmp_path_factory):
    """One whose definitions may be hurt."""
    with kubekit.Cluster(tmp_path_factory.mktemp("schemas"), kube_cluster.version, controllers=True) as cluster:
        manifestkit.install_crds(cluster)
        for namespace in ("schemas", PROBES):
            cluster.api.post(path("namespaces"), {"metadata": {"name": namespace}})
        yield cluster


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(cluster, tmp_path_factory):
    with faultfleet.FaultFleet(tmp_path_factory.mktemp("fleet"), cluster, "schemas", bases=2) as fleet:
        yield fleet


@pytest.fixture(name="name")
def fixture_name(fleet):
    """Of a ModuleDeployment; whatever the test has done to the definitions is mended after it."""
    name = f"pay{next(_serial)}"
    yield name
    manifestkit.install_crds(fleet.cluster)
    fleet.kubectl("delete", "moduledeployment", name, "--ignore-not-found", "--timeout=60s")


def release(fleet, name, version="1.0.0"):
    fleet.apply_document(fleet.document(name, fleet.jar(name, version), replicas=2))


def check_released(fleet, name, version="1.0.0", installs=2):
    """All is as if nothing had been."""
    fleet.wait_completed(name)
    fleet.wait_for(name, lambda md: all(c.reason != "WriteRefused" for c in md.status.conditions), "it to be forgotten")
    fleet.check_names(name)
    assert set(fleet.available(name).values()) == {version}
    assert fleet.installs(name) == installs
    assert fleet.traffic(name) == sorted(fleet.pods())


# -- fields that are not there --


def schema_of(definition):
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]


def put(cluster, definition, part, field):
    """Has the server take a definition, which another object of the kind shows by whether it keeps the field."""
    plural = definition["spec"]["names"]["plural"]
    ours = schema_of(manifestkit.definition(cluster, plural))[part]["properties"][field]
    known = field in schema_of(definition)[part]["properties"]
    version = f"{definition['spec']['group']}/v1alpha1"
    if not cluster.api.find(path(plural, PROBES, "probe")):
        cluster.api.post(path(plural, PROBES), {"apiVersion": version, "kind": definition["spec"]["names"]["kind"],
                                                "metadata": {"name": "probe"}, "spec": SPECS[plural]})
    manifestkit.replace_crd(cluster, definition)
    probe = path(plural, PROBES, "probe", "status" if part == "status" else None, dryRun="All", fieldValidation="Ignore")
    basekit.wait_until(
        lambda: (field in cluster.api.patch(probe, {part: {field: VALUES[ours["type"]]}}).get(part, {})) == known,
        f"the definition of {plural} to be taken")


def said_of(cluster, part, field):
    """How the server's way with a field that it does not know is told."""
    return f"drops {part}.{field}" if cluster.version == "1.24" else f'unknown field "{part}.{field}"'


def wait_told(fleet, name, *parts):
    """Until the ModuleDeployment itself says so."""

    def told():
        degraded = fleet.condition(name, "Degraded")
        return degraded.get("reason") == "WriteRefused" and all(part in degraded["message"] for part in parts)

    basekit.wait_until(told, f"the refusal in the status: {parts}")


# Kind, part and field; how the request begins.
FIELDS = [
    ("moduledeployments", "spec", "scaleReplicas", "patch moduledeployments "),
    ("moduledeployments", "status", "observedGeneration", "patch moduledeployments/status "),
    ("modulereplicasets", "spec", "replicas", " modulereplicasets "),
    ("modules", "spec", "baseName", "create modules "),
    ("modules", "status", "status", "patch modules/status "),
]


@pytest.mark.parametrize("plural,part,field,request_said", FIELDS, ids=[f"{f[0]}-{f[1]}-{f[2]}" for f in FIELDS])
def test_a_field_that_the_definition_lacks(fleet, name, plural, part, field, request_said):
    """A server before 1.25 drops it, one after refuses it: either way it is an error, tried again until it is there."""
    cluster = fleet.cluster
    older = manifestkit.definition(cluster, plural)
    del schema_of(older)[part]["properties"][field]
    put(cluster, older, part, field)
    release(fleet, name)
    told = [request_said, said_of(cluster, part, field), f"CustomResourceDefinition {plural}.koupleless.alipay.com"]
    line = basekit.wait_until(lambda: fleet.said("write failed, planned anew", *told), "the field in the log")[0]
    # A status that is refused as a whole can't tell it.
    if cluster.version == "1.24" or (plural, part) != ("moduledeployments", "status"):
        wait_told(fleet, name, *told)

    def attempts():
        return [one for one in fleet.said("write failed, planned anew", *told) if one["key"] == line["key"]]

    basekit.wait_until(lambda: len(attempts()) >= 4, "four attempts")
    put(cluster, manifestkit.definition(cluster, plural), part, field)
    check_released(fleet, name)


# -- definitions that go --


def wait_named(fleet, plural):
    return basekit.wait_until(lambda: fleet.said(
        "watch lost, tried again", f"v1alpha1 of {plural}.koupleless.alipay.com", "is its CustomResourceDefinition there?"),
        f"{plural} to be missed")


def nothing_runs(fleet, name):
    return not any(name in key for keys in fleet.active().values() for key in keys)


@pytest.mark.parametrize("gone", [KINDS, ["modules"]], ids=["all", "modules"])
def test_definitions_that_are_deleted_take_their_objects_along(fleet, name, gone):
    """As kubectl delete of each object: what runs is uninstalled. When they are back, it goes on."""
    release(fleet, name)
    fleet.wait_completed(name)
    fleet.kubectl("delete", "crd", *[f"{plural}.koupleless.alipay.com" for plural in gone], "--timeout=60s")
    basekit.wait_until(lambda: nothing_runs(fleet, name), "all to be uninstalled")
    assert fleet.traffic(name) == []
    for plural in gone:
        wait_named(fleet, plural)
    if "moduledeployments" not in gone:
        wait_told(fleet, name, "create modules", "is its CustomResourceDefinition there?")
    manifestkit.install_crds(fleet.cluster)
    release(fleet, name)
    check_released(fleet, name, installs=4)


def test_another_version_that_is_served_instead(fleet, name):
    """Nothing is known of the objects meanwhile, and nothing done to them."""
    release(fleet, name)
    fleet.wait_completed(name)
    for plural in KINDS:
        manifestkit.serve(fleet.cluster, plural, "v1beta9")
    for plural in KINDS:
        wait_named(fleet, plural)
    assert fleet.traffic(name) == sorted(fleet.pods())
    assert not nothing_runs(fleet, name)
    for plural in KINDS:
        manifestkit.serve(fleet.cluster, plural)
    release(fleet, name, "2.0.0")
    check_released(fleet, name, "2.0.0", installs=4)
