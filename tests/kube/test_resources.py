# SPDX-License-Identifier: Apache-2.0
"""The custom resources as users of kubectl see them."""
import json

import kubeapi
import kubekit
import manifestkit
import pytest
import yaml
from kubeapi import path

KINDS = ["moduledeployments", "modulereplicasets", "moduletemplates", "modules"]
MODULE = {"name": "provider", "version": "1.0.2", "url": "file:///jars/p.jar"}
TIME = "2026-01-02T03:04:05Z"


@pytest.fixture(name="cluster", scope="module")
def fixture_cluster(kube_cluster):
    manifestkit.install_crds(kube_cluster)
    return kube_cluster


def deployment(name="shop", **spec):
    return {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleDeployment", "metadata": {"name": name},
            "spec": {"baseDeploymentName": "stock", "template": {"spec": {"module": MODULE}}, **spec}}


def made(cluster, namespace, kind, name, spec, status=None, labels=None):
    """An object with its status, as the controller writes it."""
    api_object = {"apiVersion": "koupleless.alipay.com/v1alpha1", "metadata": {"name": name, "labels": labels or {}}}
    resource = kind.lower() + "s"
    stored = cluster.api.post(path(resource, namespace), {**api_object, "kind": kind, "spec": spec})
    if status:
        stored = cluster.api.patch(path(resource, namespace, name, "status"), {"status": status})
        assert stored["status"] == status
    return stored


# -- the documentation --

DOCUMENTATION = sorted(manifestkit.SAMPLES.glob("documentation*.yaml"))


@pytest.mark.parametrize("file", DOCUMENTATION, ids=[file.stem for file in DOCUMENTATION])
def test_samples_of_the_documentation_are_accepted(cluster, kube_namespace, file):
    """What they say is stored as it stands, and a second apply changes nothing."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    for word in ("created", "unchanged"):
        said = cluster.kubectl("apply", "-n", kube_namespace, "-f", file)
        assert said.split()[-1] == word
    stored = cluster.api.get(path("moduledeployments", kube_namespace, document["metadata"]["name"]))["spec"]
    assert {**stored, **document["spec"]} == stored


# -- names, columns, explanations --

@pytest.mark.parametrize("name", ["moduledeployments", "moduledeployment", "mddeploy", "modulereplicasets",
                                  "modulereplicaset", "mdrs", "modules", "module", "md", "moduletemplates",
                                  "moduletemplate", "mdtemplate", "koupleless"])
def test_each_name_of_a_kind_is_known(cluster, kube_namespace, name):
    assert cluster.kubectl_json("get", name, "-n", kube_namespace)["items"] == []


def columns(cluster, namespace, resource, *options):
    """Titles of what kubectl prints, and the cells of the only row, "" where empty."""
    title, row = cluster.kubectl("get", resource, "-n", namespace, *options).splitlines()
    at = [start for start in range(len(title)) if title[start] != " " and (start == 0 or title[start - 1] == " ")]
    ends = at[1:] + [max(len(title), len(row))]
    return title.split(), [row[start:end].strip() for start, end in zip(at, ends)]


def test_columns_of_a_moduledeployment(cluster, kube_namespace):
    """What runs, whether it is well, and where the release is."""
    made(cluster, kube_namespace, "ModuleDeployment", "shop", deployment(replicas=3)["spec"], {
        "observedGeneration": 1, "replicas": 3, "updatedReplicas": 2, "readyReplicas": 3, "availableReplicas": 2,
        "unavailableReplicas": 1, "updatedReadyReplicas": 2, "updatedAvailableReplicas": 1,
        "labelSelector": "koupleless.alipay.com/module-deployment=shop",
        "conditions": [{"type": "Available", "status": "False", "reason": "NotAll", "message": "2 of 3",
                        "lastTransitionTime": TIME},
                       {"type": "Degraded", "status": "True", "reason": "NoCapacity", "message": "1 of 2 placed",
                        "lastTransitionTime": TIME}],
        "releaseStatus": {"progress": "Paused", "reason": "WaitingForConfirmation", "message": "batch 1 of 2 is done",
                          "updateRevision": "shop-5f", "currentBatch": 1, "realBatchCount": 2,
                          "batchProgress": "Completed", "originalDeltaReplicas": 3, "originalUpdatedReplicas": 0,
                          "targetReplicas": 3, "plannedBatchCount": 2, "plannedUseBeta": True,
                          "lastTransitionTime": TIME, "nextReconcileTime": TIME}})
    titles, cells = columns(cluster, kube_namespace, "mddeploy")
    assert titles == ["NAME", "MODULE", "VERSION", "DESIRED", "AVAILABLE", "UPDATED", "PROGRESS", "REASON", "HEALTH",
                      "BATCH", "BATCHES", "AGE"]
    assert cells[:-1] == ["shop", "provider", "1.0.2", "3", "2", "1", "Paused", "WaitingForConfirmation", "NoCapacity",
                          "1", "2"]
    titles, cells = columns(cluster, kube_namespace, "mddeploy", "-o", "wide")
    assert titles[12:] == ["BASE", "POLICY", "REVISION", "MESSAGE"]
    assert cells[12:] == ["stock", "", "shop-5f", "batch 1 of 2 is done"]
    cluster.kubectl("wait", "-n", kube_namespace, "--for=condition=Available=false", "mddeploy/shop")


def test_columns_of_a_modulereplicaset(cluster, kube_namespace):
    made(cluster, kube_namespace, "ModuleReplicaSet", "shop-5f", {
        "baseDeploymentName": "stock", "template": {"spec": {"module": MODULE}}, "replicas": 3},
         {"replicas": 2, "availableReplicas": 1}, {"koupleless.alipay.com/module-replicaset-revision": "7",
                                                   "koupleless.alipay.com/module-deployment": "shop"})
    titles, cells = columns(cluster, kube_namespace, "mdrs", "-o", "wide")
    assert titles == ["NAME", "REVISION", "MODULE", "VERSION", "DESIRED", "CURRENT", "AVAILABLE", "AGE", "DEPLOYMENT",
                      "BASE", "URL"]
    assert cells[:7] + cells[8:] == ["shop-5f", "7", "provider", "1.0.2", "3", "2", "1", "shop", "stock",
                                     "file:///jars/p.jar"]


def test_columns_of_a_module(cluster, kube_namespace):
    made(cluster, kube_namespace, "Module", "shop-5f-1", {
        "module": MODULE, "baseName": "stock-1", "baseUid": "u", "replaces": "shop-4e-1", "upgradeWay": "InPlace",
        "upgradeWayReason": "WebPathInUse"}, {
            "status": "Failed", "reason": "Arklet.InstallBizFailed", "message": "no memory", "attempts": 2,
            "lastTransitionTime": TIME, "installDurationMs": 12, "digest": "ab"}, {
                "koupleless.alipay.com/base-instance-ip": "10.0.0.7",
                "koupleless.alipay.com/module-deployment": "shop"})
    titles, cells = columns(cluster, kube_namespace, "modules", "-l", "koupleless.alipay.com/base-instance-ip=10.0.0.7")
    assert titles == ["NAME", "MODULE", "VERSION", "BASE", "STATUS", "REASON", "AGE"]
    assert cells[:-1] == ["shop-5f-1", "provider", "1.0.2", "stock-1", "Failed", "Arklet.InstallBizFailed"]
    titles, cells = columns(cluster, kube_namespace, "modules", "-o", "wide")
    assert titles[7:] == ["IP", "DEPLOYMENT", "ATTEMPTS", "WAY", "MESSAGE"]
    assert cells[7:] == ["10.0.0.7", "shop", "2", "InPlace", "no memory"]


def test_columns_of_a_moduletemplate(cluster, kube_namespace):
    """In both of its shapes; the second has its module elsewhere."""
    made(cluster, kube_namespace, "ModuleTemplate", "shared", {"module": MODULE})
    titles, cells = columns(cluster, kube_namespace, "mdtemplate", "-o", "wide")
    assert titles == ["NAME", "MODULE", "VERSION", "AGE", "URL"]
    assert cells[:3] + cells[4:] == ["shared", "provider", "1.0.2", "file:///jars/p.jar"]
    old = {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleTemplate", "metadata": {"name": "old"},
           "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"module": MODULE}}}
    assert cluster.api.post(path("moduletemplates", kube_namespace), old)["template"] == old["template"]
    both = {**old, "metadata": {"name": "both"}, "spec": {"module": MODULE}}
    with pytest.raises(kubeapi.ApiError, match="oneOf|either spec or template"):
        cluster.api.post(path("moduletemplates", kube_namespace), both)


@pytest.mark.parametrize("field, told", [
    ("moduledeployment", "which version of a module runs on how many pods"),
    ("moduledeployment.spec.replicas", "-1 is symmetric"),
    ("moduledeployment.spec.operationStrategy.upgradePolicy", "scaleUpThenScaleDown"),
    ("moduledeployment.status.releaseStatus.progress", "Init, Executing, Paused"),
    ("module.status.status", "Pending, Prepare, Upgrading"),
    ("modulereplicaset.spec.template.spec.module.url", "file:///"),
    ("moduletemplate.spec.baseSelector", "Labels that a base must have"),
])
def test_kubectl_explains(cluster, field, told):
    assert told in " ".join(cluster.kubectl("explain", field).split())


# -- scale --

def test_scale(cluster, kube_namespace):
    """kubectl scale says how many, the status how many there are; spec.replicas is the controller's to change."""
    made(cluster, kube_namespace, "ModuleDeployment", "shop", deployment(replicas=-1)["spec"],
         {"replicas": 4, "labelSelector": "a=b"})
    said = cluster.kubectl("scale", "moduledeployment/shop", "--replicas=5", "-n", kube_namespace)
    assert said.strip().endswith("scaled")
    scale = cluster.api.get(path("moduledeployments", kube_namespace, "shop", "scale"))
    assert (scale["spec"], scale["status"]) == ({"replicas": 5}, {"replicas": 4, "selector": "a=b"})
    spec = cluster.api.get(path("moduledeployments", kube_namespace, "shop"))["spec"]
    assert (spec["replicas"], spec["scaleReplicas"]) == (-1, 5)


def test_minus_one_is_no_scale(cluster, kube_namespace):
    """Symmetric is asked for by spec.replicas: kubectl and the server refuse it as a scale."""
    cluster.api.post(path("moduledeployments", kube_namespace), deployment())
    with pytest.raises(kubekit.KubectlFailed, match="COUNT must be greater than or equal to 0"):
        cluster.kubectl("scale", "mddeploy/shop", "--replicas=-1", "-n", kube_namespace)
    with pytest.raises(kubeapi.ApiError, match="greater than or equal to 0"):
        cluster.api.patch(path("moduledeployments", kube_namespace, "shop", "scale"), {"spec": {"replicas": -1}})
    cluster.kubectl("patch", "mddeploy/shop", "-n", kube_namespace, "--type=merge", "-p", '{"spec":{"replicas":-1}}')
    assert cluster.api.get(path("moduledeployments", kube_namespace, "shop"))["spec"]["replicas"] == -1


# -- apply, diff, status --

@pytest.mark.parametrize("spec", [{}, {"replicas": 3, "maxUnavailable": "50%", "operationStrategy": {"batchCount": 2}}])
def test_server_side_apply_and_diff_are_quiet(cluster, kube_namespace, tmp_path, spec):
    """Nothing that the server fills in is a change: not at the second apply, not in the diff."""
    file = tmp_path / "md.json"
    file.write_text(json.dumps(deployment(**spec)), encoding="utf-8")
    versions = []
    for _ in range(2):
        cluster.kubectl("apply", "--server-side", "-n", kube_namespace, "-f", file)
        found = cluster.api.get(path("moduledeployments", kube_namespace, "shop"))
        versions.append((found["metadata"]["resourceVersion"], found["metadata"]["generation"]))
    assert versions[0] == versions[1]
    assert cluster.kubectl("diff", "--server-side", "-n", kube_namespace, "-f", file) == ""
    assert cluster.kubectl("diff", "-n", kube_namespace, "-f", file) == ""


def test_an_apply_without_replicas_leaves_a_scale_alone(cluster, kube_namespace):
    text = json.dumps(deployment())
    cluster.kubectl("apply", "-n", kube_namespace, "-f", "-", input=text)
    cluster.api.patch(path("moduledeployments", kube_namespace, "shop"), {"spec": {"replicas": 7}})
    cluster.kubectl("apply", "-n", kube_namespace, "-f", "-", input=text)
    assert cluster.api.get(path("moduledeployments", kube_namespace, "shop"))["spec"]["replicas"] == 7


@pytest.mark.parametrize("kind, spec", [
    ("ModuleDeployment", deployment()["spec"]),
    ("ModuleReplicaSet", {"template": {"spec": {"module": MODULE}}}),
    ("Module", {"module": MODULE}),
])
def test_status_is_written_by_its_subresource_alone(cluster, kube_namespace, kind, spec):
    resource = kind.lower() + "s"
    stored = made(cluster, kube_namespace, kind, "one", spec)
    change = {"metadata": {"labels": {"new": "label"}}, "spec": {"baseDeploymentName": "other", "baseName": "other"}}
    wanted = {"status": "Available"} if kind == "Module" else {"replicas": 2}
    after = cluster.api.patch(path(resource, kube_namespace, "one", "status"), {**change, "status": wanted})
    assert (after["spec"], after["status"]) == (stored["spec"], wanted)
    assert "labels" not in after["metadata"]
    assert after["metadata"]["generation"] == 1
    after = cluster.api.patch(path(resource, kube_namespace, "one"), {**change, "status": {"replicas": 9}})
    assert after["status"] == wanted
    assert after["metadata"]["generation"] == 2
