# SPDX-License-Identifier: Apache-2.0
"""The chart on a real API server: installed, upgraded, rolled back, uninstalled."""
import json
import shutil

import helmkit
import kubeapi
import manifestkit
import pytest
import yaml
from helmkit import TAKE
from kubeapi import path

NAME = "koupleless-controller"
KINDS = ["moduledeployments", "modulereplicasets", "modules", "moduletemplates"]


def established(cluster):
    return [resource for resource in KINDS if crd(cluster, resource)]


def crd(cluster, resource):
    return cluster.api.find(path("customresourcedefinitions", None, f"{resource}.koupleless.alipay.com"))


def fields(cluster, resource="moduledeployments"):
    version, = crd(cluster, resource)["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


def arguments(cluster, namespace):
    controller, _ = cluster.api.get(path("deployments", namespace, NAME))["spec"]["template"]["spec"]["containers"]
    return controller["args"]


def make_object(cluster, namespace, name="kept"):
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/moduledeployments.koupleless.alipay.com")
    document = dict(manifestkit.cases()[0].document, metadata={"name": name})
    cluster.kubectl("-n", namespace, "apply", "-f", "-", input=json.dumps(document))


def earlier_chart(folder):
    """A chart whose ModuleDeployments do not know the field `pause`."""
    chart = shutil.copytree(helmkit.CHART, folder / "earlier" / "koupleless")
    for file in chart.glob("manifests/**/01-*.yaml"):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        del document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["pause"]
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return chart


@pytest.mark.parametrize("values", [{}, {"scope": "cluster", "controller": {"options": {"agent-port": 1300}},
                                         "pod": {"tolerations": [{"operator": "Exists"}]}}], ids=["default", "cluster"])
def test_the_server_knows_every_field(kube_cluster, kube_helm, values):
    """A strict dry run of all that is rendered for it, and of the example of a base."""
    version = kube_cluster.api.get("/version")["gitVersion"]
    rendered = kube_helm.render(values, "--kube-version", version)
    for document in rendered:
        kube_cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-",
                             input=json.dumps(document))
    kube_cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f",
                         helmkit.CHART / "examples" / "base-deployment.yaml")


def test_install_upgrade_rollback_uninstall(own_cluster, own_helm, tmp_path):
    """Custom resources follow the chart in both directions, and stay with their objects in the end."""
    own_helm.install("default", chart=earlier_chart(tmp_path),
                      values={"controller": {"options": {"agent-port": 1300}}})
    assert "pause" not in fields(own_cluster)
    make_object(own_cluster, "default")
    own_helm.upgrade("default", "--reset-then-reuse-values",
                      values={"controller": {"options": {"log-level": "debug"}}})
    assert "pause" in fields(own_cluster)
    assert {"--agent-port=1300", "--log-level=debug"} <= set(arguments(own_cluster, "default"))
    own_helm.run("rollback", "koupleless", "--namespace", "default")
    assert "pause" not in fields(own_cluster)
    assert "--log-level=debug" not in arguments(own_cluster, "default")
    own_helm.upgrade("default")
    said = own_helm.run("uninstall", "koupleless", "--namespace", "default")
    assert "kept due to the resource policy" in said
    kept = own_cluster.kubectl("get", "crd", "-l", "app.kubernetes.io/part-of=koupleless", "-o", "name")
    assert len(kept.splitlines()) == len(established(own_cluster)) == 4
    assert own_cluster.api.get(path("moduledeployments", "default", "kept"))
    for resource in ("deployments", "services", "serviceaccounts", "roles", "rolebindings"):
        assert own_cluster.api.find(path(resource, "default", NAME)) is None
    own_helm.install("default")  # the same release has them again
    assert own_cluster.api.get(path("moduledeployments", "default", "kept"))


def test_an_upgrade_with_wrong_values_touches_nothing(kube_cluster, kube_helm, kube_namespace):
    def generations():
        deployment = kube_cluster.api.get(path("deployments", kube_namespace, NAME))
        return [item["metadata"]["generation"] for item in (deployment, crd(kube_cluster, "modules"))]

    kube_helm.install(kube_namespace, TAKE)
    before = generations()
    with pytest.raises(helmkit.HelmFailed, match="additional properties 'tls' not allowed"):
        kube_helm.upgrade(kube_namespace, values={"tls": {"secret": "x"}})
    assert generations() == before


def test_the_scope_can_be_changed(kube_cluster, kube_helm, kube_namespace):
    """The rights of the other scope are taken away."""
    def rights():
        return [bool(kube_cluster.api.find(where)) for where in (
            path("roles", kube_namespace, NAME), path("rolebindings", kube_namespace, NAME),
            path("clusterroles", None, NAME), path("clusterrolebindings", None, NAME))]

    kube_helm.install(kube_namespace, TAKE)
    assert rights() == [True, True, False, False]
    kube_helm.upgrade(kube_namespace, values={"scope": "cluster"})
    assert rights() == [False, False, True, True]
    kube_helm.run("uninstall", "koupleless", "--namespace", kube_namespace)
    assert rights() == [False] * 4


def test_a_second_namespace(kube_cluster, kube_helm, kube_namespace):
    """Two releases share the custom resources, which belong to the first."""
    kube_helm.install(kube_namespace, TAKE)
    other = f"{kube_namespace}-other"
    kube_cluster.api.post(path("namespaces"), {"metadata": {"name": other}})
    with pytest.raises(helmkit.HelmFailed, match="invalid ownership metadata"):
        kube_helm.install(other)
    without = {"crds": {"install": False}}
    kube_helm.install(other, values=without)
    notes = kube_helm.run("get", "notes", "koupleless", "--namespace", other)
    assert "who looks after them upgrades them" in notes
    kube_helm.upgrade(other, values=without)
    kube_helm.run("uninstall", "koupleless", "--namespace", other)
    assert established(kube_cluster) == KINDS
    kube_cluster.api.delete(path("namespaces", None, other))


def test_giving_the_custom_resources_up_keeps_them(kube_cluster, kube_helm, kube_namespace):
    """An upgrade with crds.install=false does not delete what the release had."""
    kube_helm.install(kube_namespace, TAKE)
    make_object(kube_cluster, kube_namespace)
    kube_helm.upgrade(kube_namespace, values={"crds": {"install": False}})
    assert kube_cluster.api.get(path("moduledeployments", kube_namespace, "kept"))


def test_kept_no_longer(own_cluster, own_helm):
    """crds.keep=false: they go with the release, and that is said."""
    assert "ALL objects of these kinds" in own_helm.install("default", values={"crds": {"keep": False}})
    own_helm.run("uninstall", "koupleless", "--namespace", "default")
    left = [crd(own_cluster, resource) for resource in KINDS]  # some may be on their way
    assert all("deletionTimestamp" in one["metadata"] for one in left if one)


def test_from_the_plain_files(own_cluster, own_helm):
    """As docs/operations.md says it."""
    for file in manifestkit.files(own_cluster.version):
        own_cluster.kubectl("apply", "-f", file)
    make_object(own_cluster, "default")
    with pytest.raises(helmkit.HelmFailed, match="invalid ownership metadata"):
        own_helm.install("default")
    own_cluster.kubectl("-n", "default", "delete", "deployment", NAME)
    own_helm.install("default", TAKE)
    assert own_cluster.api.get(path("moduledeployments", "default", "kept"))
    assert own_cluster.api.get(path("deployments", "default", NAME))
    own_helm.upgrade("default")


def test_the_notes_and_the_example_show_the_same_sidecar(kube_cluster, kube_helm):
    """And its pod may run where the strictest Pod Security level is enforced, as far as it is ours."""
    kube_cluster.api.post(path("namespaces"), {"metadata": {"name": "strict", "labels": {
        "pod-security.kubernetes.io/enforce": "restricted"}}})
    notes = kube_helm.install("default", "--dry-run=client", TAKE)
    told = helmkit.sidecar(notes.split("\nNOTES:\n")[1])
    example = yaml.safe_load((helmkit.CHART / "examples" / "base-deployment.yaml").read_text(encoding="utf-8"))
    spec = example["spec"]["template"]["spec"]
    base, agent = spec["containers"]
    told_base, told_agent = told["containers"]
    told_agent["env"][0]["value"] = example["metadata"]["name"]
    assert (told_agent, told["volumes"]) == (agent, spec["volumes"])
    assert told_base["volumeMounts"] == base["volumeMounts"] == agent["volumeMounts"]
    pod = {**spec, "containers": [agent], "securityContext": {"runAsNonRoot": True}}
    kube_cluster.api.post(path("pods", "strict") + "?dryRun=All", {"metadata": {"name": "p"}, "spec": pod})
    with pytest.raises(kubeapi.ApiError, match="PodSecurity"):  # the level is enforced
        kube_cluster.api.post(path("pods", "strict") + "?dryRun=All", {"metadata": {"name": "p"}, "spec": {
            **pod, "containers": [{"name": "c", "image": "i"}]}})
    kube_cluster.api.delete(path("namespaces", None, "strict"))


def test_values_of_the_release_reach_the_sidecar(kube_cluster, kube_helm, kube_namespace):
    """Its notes are of this release: address, port, image and options."""
    kube_helm.install(kube_namespace, TAKE, release="shop", values={
        "images": {"registry": "r", "tag": "2", "pullPolicy": "Never"}, "service": {"port": 19090},
        "controller": {"options": {"agent-port": 1300}},
        "agent": {"image": "a", "cacheDir": "/jars", "options": {"max-module-count": 2000000, "health-url": ""}}})
    told = helmkit.sidecar(kube_helm.run("get", "notes", "shop", "--namespace", kube_namespace))
    base, agent = told["containers"]
    assert (agent["image"], agent["imagePullPolicy"]) == ("r/a:2", "Never")
    assert {"--listen=0.0.0.0:1300", f"--controller=shop-{NAME}.{kube_namespace}.svc:19090", "--cache-dir=/jars",
            "--max-module-count=2000000", "--health-url="} <= set(agent["args"])
    assert agent["ports"][0]["containerPort"] == 1300
    assert base["volumeMounts"][0]["mountPath"] == agent["volumeMounts"][0]["mountPath"] == "/jars"
    service = kube_cluster.api.get(path("services", kube_namespace, f"shop-{NAME}"))
    assert service["spec"]["ports"][0]["port"] == 19090
