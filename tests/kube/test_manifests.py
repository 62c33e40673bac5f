# SPDX-License-Identifier: Apache-2.0
"""deploy/manifests: the plain resources of the documentation (requirement 10.1)."""
import kubeapi
import kubekit
import manifestkit
import pytest
import yaml
from kubeapi import path

ACCOUNT = "system:serviceaccount:default:koupleless-controller"
MD, RS, MODULE = "moduledeployments", "modulereplicasets", "modules"
ALLOWED = {
    **{resource: "get list watch create patch delete" for resource in (MD, MODULE, "services")},
    RS: "list watch create patch delete",
    **{f"{resource}/status": "patch" for resource in (MD, RS, MODULE)},
    "moduletemplates": "list watch", "deployments": "list watch",
    "pods": "list watch patch", "events": "list create patch",
    "leases": "get create patch",  # of that name
}
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
OTHERS = [f"{MD}/scale", f"{MD}/finalizers", "secrets", "configmaps", "nodes", "pods/exec", "deployments/scale", "endpoints"]


@pytest.fixture(name="installed", scope="module", params=["one namespace", "cluster-wide"])
def fixture_installed(request, kube_cluster, tmp_path_factory):
    """The eight files, applied in order to a cluster of their own, which had nothing of them."""
    with kubekit.Cluster(tmp_path_factory.mktemp("manifests"), kube_cluster.version) as cluster:
        files = manifestkit.files(cluster.version, request.param == "cluster-wide")
        assert len(files) == 8
        for file in files:
            said = cluster.kubectl("apply", "--validate=strict", "-f", file).splitlines()
            assert said and all(line.endswith(" created") for line in said), said
        yield request.param, cluster, files


def test_10_1_eight_files_in_order_are_enough(installed):
    """Roles and custom resources are there and usable; a second apply and a diff find nothing to do."""
    _, cluster, files = installed
    for file in files:
        said = cluster.kubectl("apply", "-f", file).splitlines()
        assert all(line.endswith(" unchanged") for line in said), said
        assert cluster.kubectl("diff", "-f", file) == ""
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *[f"--filename={file}" for file in files[:4]])
    crds = cluster.api.get(path("customresourcedefinitions"))["items"]
    assert len(crds) == 4
    for crd in crds:
        conditions = {item["type"]: item["status"] for item in crd["status"]["conditions"]}
        assert conditions.get("NonStructuralSchema", "False") == "False"
    sample = manifestkit.SAMPLES / "documentation.yaml"
    cluster.kubectl("apply", "-f", sample)
    cluster.kubectl("delete", "-f", sample)


def test_the_rights_are_those_that_are_used(installed):
    """Each right of the table, and none beside it, in the namespace and elsewhere."""
    where, cluster, _ = installed
    everywhere = where == "cluster-wide"
    for namespace, within in (("default", True), ("kube-public", everywhere)):
        for resource in [*ALLOWED, *OTHERS]:
            allowed = [verb for verb in VERBS if may(cluster, namespace, verb, resource)]
            expected = ALLOWED.get(resource, "").split() if within else []
            assert sorted(allowed) == sorted(expected), (namespace, resource)


GROUPS = {"pods": "", "services": "", "events": "", "secrets": "", "configmaps": "", "nodes": "", "endpoints": "", "deployments": "apps",
          "leases": "coordination.k8s.io"}


def may(cluster, namespace, verb, resource):
    resource, _, subresource = resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "resource": resource, "subresource": subresource,
                  "name": "koupleless-controller" if resource == "leases" else "",
                  "group": GROUPS.get(resource, "koupleless.alipay.com")}
    answer = cluster.api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        "spec": {"user": ACCOUNT, "groups": ["system:serviceaccounts"], "resourceAttributes": attributes}})
    return answer["status"]["allowed"]


def test_the_pods_of_the_deployment_are_confined(installed):
    """It meets the strictest Pod Security level, and its Service leads to its gRPC port."""
    _, cluster, _ = installed
    found = cluster.api.get(path("deployments", "default", "koupleless-controller"))
    pod = found["spec"]["template"]
    cluster.api.post(path("namespaces"), {"metadata": {
        "name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    try:
        cluster.api.post(path("pods", "strict") + "?dryRun=All", {"metadata": {"name": "p"}, "spec": pod["spec"]})
        loose = {"containers": [{"name": "c", "image": "i"}]}
        with pytest.raises(kubeapi.ApiError, match="PodSecurity"):  # the level is enforced
            cluster.api.post(path("pods", "strict") + "?dryRun=All", {"metadata": {"name": "p"}, "spec": loose})
    finally:
        cluster.api.delete(path("namespaces", None, "strict"))
        cluster.api.call("PUT", "/api/v1/namespaces/strict/finalize", {
            "metadata": {"name": "strict"}, "spec": {"finalizers": []}})  # there are no controllers
    service = cluster.api.get(path("services", "default", "koupleless-controller"))["spec"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"]
             for container in pod["spec"]["containers"] for port in container["ports"]}
    assert [(port["port"], ports[port["targetPort"]]) for port in service["ports"]] == [(9090, 9090)]
    for container in pod["spec"]["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["livenessProbe"]["httpGet"]["port"] in ports
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


# -- objects of the first ModuleController --

def test_objects_of_earlier_versions_can_be_read_and_written(kube_cluster, tmp_path_factory):
    """What the first ModuleController left is no obstacle: finalizers, labels and status of it can be changed."""
    with kubekit.Cluster(tmp_path_factory.mktemp("v1"), kube_cluster.version) as cluster:
        for file in manifestkit.crds(cluster.version):
            crd = yaml.safe_load(file.read_text(encoding="utf-8"))
            version = crd["spec"]["versions"][0]
            version["schema"]["openAPIV3Schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            version["subresources"] = {"status": {}}
            cluster.api.post(path("customresourcedefinitions"), crd)
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        for resource, left in EARLIER.items():
            cluster.api.post(path(resource, "default"), left)
            if "status" in left:
                cluster.api.patch(path(resource, "default", "old", "status"), {"status": left["status"]})
        manifestkit.install_crds(cluster)
        for resource in EARLIER:
            check_usable(cluster, resource)


def check_usable(cluster, resource):
    at = path(resource, "default", "old")
    found = cluster.api.patch(at, {"metadata": {"finalizers": None, "labels": {"new": "label"}}})
    assert "finalizers" not in found["metadata"] and found["metadata"]["labels"]["new"] == "label"
    if resource != "moduletemplates":
        status = {"replicas": 1} if resource != MODULE else {"status": "Available"}
        found = cluster.api.patch(at + "/status", {"status": status})
        assert found["status"].items() >= status.items()
    cluster.api.delete(at)
    assert cluster.api.find(at) is None


OLD_MODULE = {"name": "provider", "version": "1.0.2", "url": "http://jars/p.jar", "type": "", "md5": ""}
CONDITION = {"type": "Executing", "status": "True", "reason": "", "message": "", "lastTransitionTime": None}
SELECTOR = {"matchLabels": {"app": "stock"}}
STRATEGY = {"needConfirm": True, "batchCount": 2, "upgradePolicy": "install_then_uninstall", "maxUnavailable": 0,
            "grayTimeBetweenBatchSeconds": 0, "serviceStrategy": {}, "useBeta": False}


def earlier(kind, **body):
    return {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": kind,
            "metadata": {"name": "old", "finalizers": ["koupleless.alipay.com/allocate-pod"]}, **body}


EARLIER = {
    MD: earlier("ModuleDeployment", spec={
        "baseDeploymentName": "stock", "replicas": 2, "template": {"metadata": {"creationTimestamp": None},
                                                                   "spec": {"module": OLD_MODULE}},
        "operationStrategy": STRATEGY, "schedulingStrategy": {"schedulingPolicy": "scatter"}, "confirmBatchNum": 0},
        status={"conditions": [CONDITION, CONDITION], "collisionCount": None, "releaseStatus": {
            "progress": "WaitingForConfirmation", "updateRevision": "1", "batchProgress": "Executing",
            "nextReconcileTime": None}}),
    RS: earlier("ModuleReplicaSet", spec={
        "selector": SELECTOR, "replicas": 2, "template": {"spec": {"module": OLD_MODULE}},
        "operationStrategy": STRATEGY, "schedulingStrategy": {}, "minReadySeconds": 0},
        status={"replicas": 2, "currentReplicas": 2, "availableReplicas": 2}),
    MODULE: earlier("Module", spec={"selector": SELECTOR, "module": OLD_MODULE, "upgradePolicy": ""},
                    status={"status": "", "last_transition_time": "2024-06-01T00:00:00Z"}),
    "moduletemplates": earlier("ModuleTemplate", template={"metadata": {}, "spec": {"module": OLD_MODULE}}),
}
