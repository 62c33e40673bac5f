# SPDX-License-Identifier: Apache-2.0
"""What the original ModuleController leaves in a cluster, for tests: its custom resource definitions and objects.

The objects have its names, labels, owners, finalizers and statuses, under either prefix.
"""
import json

import kubeapi

KINDS = {"moduledeployments": "ModuleDeployment", "modulereplicasets": "ModuleReplicaSet", "modules": "Module",
         "moduletemplates": "ModuleTemplate"}
GROUP = "koupleless.alipay.com"
DOCUMENTED, LAST = GROUP, "koupleless.io"  # prefixes of labels and finalizers


def definitions(group=GROUP):
    """Its definitions in a group: so many fields as it has are all taken."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything, "template": anything}}
    return [{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
             "metadata": {"name": f"{plural}.{group}"},
             "spec": {"group": group, "scope": "Namespaced",
                      "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
                      "versions": [{"name": "v1alpha1", "served": True, "storage": True,
                                    "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}]}}
            for plural, kind in KINDS.items()]


class Left:
    """The objects of one ModuleDeployment that the original left, made one by one.

    @prefix: DOCUMENTED or LAST; @group: of the objects, those too.
    """

    def __init__(self, api, namespace, name, module, prefix=DOCUMENTED, group=GROUP):
        self.api, self.namespace, self.name, self.module = api, namespace, name, module
        self.prefix, self.version = prefix, f"{group}/v1alpha1"

    def _labels(self, revision, **more):
        labels = {"module-name": self.module, "module-deployment": self.name,
                  "module-scheduling-strategy": "scatter", "module-replicaset-revision": str(revision), **more}
        return {f"{self.prefix}/{key.replace('_', '-')}": value for key, value in labels.items()}

    def _make(self, plural, metadata, spec, status):
        place = f"/apis/{self.version}/namespaces/{self.namespace}/{plural}"
        body = {"apiVersion": self.version, "kind": KINDS[plural], "metadata": metadata, "spec": spec}
        made = self.api.post(place, body)
        self.api.patch(f"{place}/{made['metadata']['name']}/status", {"status": status})
        return made

    def deployment(self, base, spec, progress="Completed", batch=1):
        """@base: the base Deployment as an object; @spec: of the ModuleDeployment."""
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": base["metadata"]["name"],
                 "uid": base["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}
        release = {"updateRevision": f"{self.name}-replicas-1", "currentBatch": batch, "realBatchCount": 1,
                   "originalDeltaReplicas": 1, "progress": progress, "batchProgress": "Completed",
                   "lastTransitionTime": "2024-06-01T00:00:00Z", "nextReconcileTime": "2024-06-01T00:00:00Z"}
        conditions = [{"type": "Progressing", "status": "True", "last_transition_time": "2024-06-01T00:00:00Z",
                       "message": f"deployment release: curbatch {number}"} for number in (0, 1)]
        self.md = self._make("moduledeployments", {
            "name": self.name, "ownerReferences": [owner], "labels": {"team": "shop", **self._labels(1)},
            "finalizers": [f"{self.prefix}/module-replicaset-existed", f"{self.prefix}/module-existed"]},
            spec, {"releaseStatus": release, "conditions": conditions})

    def replicaset(self, revision, jar, replicas):
        owner = {"apiVersion": self.version, "kind": "ModuleDeployment", "name": self.name,
                 "uid": self.md["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}
        self._make("modulereplicasets", {
            "name": f"{self.name}-replicas-{revision}", "ownerReferences": [owner], "labels": self._labels(revision),
            "finalizers": [f"{self.prefix}/module-existed"]},
            {"selector": {"matchLabels": {"app": "base"}}, "replicas": replicas, "minReadySeconds": 0,
             "template": {"metadata": {}, "spec": {"selector": {}, "module": _module(jar)}},
             "operationStrategy": {"batchCount": 1}, "schedulingStrategy": {"schedulingPolicy": "scatter"}},
            {"replicas": replicas, "currentReplicas": replicas, "availableReplicas": replicas})

    def instance(self, revision, jar, pod=None, status="Available", **labels):
        """A Module, on a Pod that is labelled for it, or on none yet."""
        rs = f"{self.name}-replicas-{revision}"
        metadata = {"generateName": f"{rs}-{self.module}-",
                    "finalizers": [f"{self.prefix}/allocate-pod"] if pod else [],
                    "labels": self._labels(revision, module_replicaset=rs, module_version=jar.version, **labels)}
        if pod:
            name = pod["metadata"]["name"]
            metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": name,
                                            "uid": pod["metadata"]["uid"], "blockOwnerDeletion": True}]
            metadata["labels"] |= {f"{self.prefix}/base-instance-name": name,
                                   f"{self.prefix}/base-instance-ip": pod["status"]["podIP"]}
            self.api.patch(kubeapi.path("pods", self.namespace, name), {"metadata": {"labels": {
                f"module.{self.prefix}/{self.module}": "true", f"{self.prefix}/module-instance-count": "1"}}})
        return self._make("modules", metadata, {"selector": {}, "module": _module(jar),
                                                "upgradePolicy": "install_then_uninstall"},
                          {"status": status, "last_transition_time": "2024-06-01T00:00:00Z"})

    def service(self, port):
        return self.api.post(kubeapi.path("services", self.namespace), {
            "metadata": {"name": f"{self.module}-service"},
            "spec": {"type": "NodePort", "selector": {f"module.{self.prefix}/{self.module}": "true"},
                     "ports": [{"name": "http", "protocol": "TCP", "port": port, "targetPort": port}]}})


def marks_in(objects):
    """What is left of the original in objects: names, finalizers, owners and labels that only it has."""
    found = []
    for item in objects:
        meta = item["metadata"]
        found += [meta["name"]] if "-replicas-" in meta["name"] and item["kind"].startswith("Module") else []
        found += [one for one in meta.get("finalizers", []) if one.endswith(("-existed", "allocate-pod"))
                  and not one.endswith("/modules-existed")]
        found += [json.dumps(one) for one in meta.get("ownerReferences", [])
                  if one["kind"] == "Deployment"]
        found += [key for key in meta.get("labels", {}) if LAST in key or key.endswith(
            ("module-instance-count", "module-scheduling-strategy", "delete-module"))]
    return found


def _module(jar):
    return {"name": jar.module, "version": jar.version, "url": jar.as_uri()}
