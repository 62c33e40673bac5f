# SPDX-License-Identifier: Apache-2.0
"""Plays scheduler and kubelet of one node, for tests: pods get the node, an address of loopback, and a status.

    with kubelet.Kubelet(cluster) as node:
        node.create_pod("shop", "p1", labels={"app": "base"})      # or a Deployment, by whatever client
        node.wait_ready("shop", "p1")
        node.set_ready("shop", "p1", False)
        node.restart_container("shop", "p1")

A pod becomes Running and Ready as soon as it is seen; one that is deleted is gone at once, its grace period
notwithstanding. held() stops either, so that a test can look at what is between.
"""
import collections
import contextlib
import datetime
import http.client
import threading
import uuid

import basekit
import kubeapi
from kubeapi import path

IP_ANNOTATION = "test/pod-ip"  # of a pod: its address, instead of the next free one
_AWAY = (OSError, http.client.HTTPException)  # nobody answers, or not to the end


class Kubelet:
    """One node and its pods. Use as a context.

    @name: of the Node. Pods without a node are bound to it where @schedules.
    @addresses: those that its pods get, in this order and again when they are free; by default 250 of a network of
    their own, on which nothing listens yet.
    @on_start: called with a pod and its address before it is Ready, to start what serves there; @on_stop: with a
    pod before it is gone. Both in the thread of this kubelet.
    """

    def __init__(self, cluster, name="node-1", schedules=True, addresses=None, on_start=None, on_stop=None):
        self.api, self.name, self._host = cluster.client(certificate="admin"), name, cluster.host
        self._schedules, self._on_start, self._on_stop = schedules, on_start, on_stop
        if addresses is None:
            addresses = basekit.addresses(basekit.free_address(), 250)
        self._addresses = collections.deque(addresses)
        self._given = {}  # uid of a pod that runs here -> its address
        self._started = {}  # uid of it -> the pod
        self._held = set()
        self._lock = threading.Lock()
        self._watch, self._stopping, self._error = None, threading.Event(), None
        if not self.api.find(path("nodes", None, name)):
            self.api.post(path("nodes"), {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
        self._set_node("True")
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    # -- what a test does --

    def create_pod(self, namespace, name, labels=None, ip=None, annotations=None, owner=None, containers=("base",)):
        """A pod that belongs to no Deployment, on this node; @owner: an ownerReference."""
        notes = {**(annotations or {}), **({IP_ANNOTATION: ip} if ip else {})}
        metadata = {"name": name, "labels": labels or {}, "annotations": notes,
                    "ownerReferences": [owner] if owner else []}
        return self.api.post(path("pods", namespace), {"metadata": metadata, "spec": {
            "nodeName": self.name, "containers": [{"name": one, "image": one} for one in containers]}})

    def pod(self, namespace, name):
        return self.api.find(path("pods", namespace, name))

    def pods(self, namespace, selector=""):
        """Pods that match a label selector, as objects."""
        return self.api.get(path("pods", namespace, labelSelector=selector))["items"]

    def wait_ready(self, namespace, *names):
        """Waits until these pods are Ready; the last of them."""
        for name in names:
            found = basekit.wait_until(lambda one=name: self._ready(namespace, one), f"pod {name} to be ready")
        return found

    def _ready(self, namespace, name):
        self._check()
        pod = self.pod(namespace, name)
        return pod if pod and is_ready(pod) else None

    def wait_pods(self, namespace, selector, count):
        """Waits until exactly so many pods match, all of them Ready and none Terminating; these."""

        def settled():
            self._check()
            pods = self.pods(namespace, selector)
            return (pods,) if len(pods) == count and all(map(is_ready, pods)) else None

        return basekit.wait_until(settled, f"{count} ready pods of {selector}")[0]

    def wait_gone(self, namespace, name):
        basekit.wait_until(lambda: self.pod(namespace, name) is None, f"pod {name} to be gone")

    def set_ready(self, namespace, name, ready):
        """As its readiness probe would."""
        pod = self.pod(namespace, name)
        containers = [{**status, "ready": ready} for status in pod["status"]["containerStatuses"]]
        self._set_status(pod, conditions=_conditions(ready), containerStatuses=containers)

    def set_phase(self, namespace, name, phase):
        """"Succeeded" or "Failed": its containers have ended; it stays until it is deleted."""
        pod = self.pod(namespace, name)
        ended = {"terminated": {"exitCode": int(phase == "Failed"), "finishedAt": _now()}}
        containers = [{**status, "ready": False, "started": False, "state": ended}
                      for status in pod["status"]["containerStatuses"]]
        self._set_status(pod, phase=phase, conditions=_conditions(False), containerStatuses=containers)

    def restart_container(self, namespace, name, container=None, ready=True):
        """A container, or all, died and runs again in the same pod: new id and start, one more restart."""
        pod = self.pod(namespace, name)
        containers = [status if container not in (None, status["name"]) else
                      _running(status, status["restartCount"] + 1, ready)
                      for status in pod["status"]["containerStatuses"]]
        self._set_status(pod, conditions=_conditions(ready), containerStatuses=containers)

    @contextlib.contextmanager
    def held(self, *what):
        """A context without "start" (pods stay Pending) or without "end" (deleted pods stay Terminating). At its end
        what was held is made up for."""
        self._held.update(what)
        try:
            yield
        finally:
            self._held.difference_update(what)
            self._look_again()

    @contextlib.contextmanager
    def lost(self):
        """A context in which the node is gone, and the cluster has noticed: node and pods are not ready, deleted pods
        stay Terminating. At its end the node is back with its pods, which ran on."""
        with self.held("start", "end"):
            self._set_node("Unknown")
            self._set_readiness(False)
            yield
            self._set_readiness(True)
            self._set_node("True")

    def _set_readiness(self, ready):
        for pod in self.api.get(path("pods", fieldSelector=f"spec.nodeName={self.name}"))["items"]:
            if pod["metadata"]["uid"] in self._given:
                self._set_status(pod, conditions=_conditions(ready))

    # -- what it does by itself --

    def _run(self):
        while not self._stopping.is_set():
            try:
                self._follow()
            except _AWAY:
                self._stopping.wait(0.05)  # the server is being restarted
            except kubeapi.ApiError as error:
                if error.code not in (410, 429, 500, 503, 504):
                    self._error = error
                    return
            except Exception as error:  # handed to the test by wait_...() and stop()
                self._error = error
                return

    def _follow(self):
        """Looks at all pods, then at each that changes, until the watch ends."""
        listed = self.api.get(path("pods"))
        with self._lock:
            self._watch = self.api.watch(path("pods"), listed["metadata"]["resourceVersion"], timeoutSeconds=3600)
            if self._stopping.is_set():
                return self._watch.close()
        for uid in set(self._given) - {pod["metadata"]["uid"] for pod in listed["items"]}:
            self._stop(uid)
        for pod in listed["items"]:
            self._look(pod)
        for event in self._watch:
            if event["type"] == "DELETED":
                self._stop(event["object"]["metadata"]["uid"])
            elif event["type"] in ("ADDED", "MODIFIED"):
                self._look(event["object"])
        return None

    def _look_again(self):
        with self._lock:
            if self._watch:
                self._watch.close()

    def _look(self, pod):
        try:
            node = pod["spec"].get("nodeName")
            if pod["metadata"].get("deletionTimestamp"):
                if node == self.name and "end" not in self._held:
                    self._end(pod)
            elif not node and self._schedules and "start" not in self._held:
                self._bind(pod)
            elif node == self.name and "start" not in self._held and not pod["status"].get("podIP"):
                self._start(pod)
        except kubeapi.ApiError as error:
            if error.code not in (404, 409):  # it has changed meanwhile, and is looked at again
                raise

    def _bind(self, pod):
        metadata = pod["metadata"]
        self.api.post(path("pods", metadata["namespace"], metadata["name"], "binding"), {
            "metadata": {"name": metadata["name"]}, "target": {"apiVersion": "v1", "kind": "Node", "name": self.name}})

    def _start(self, pod):
        uid, notes = pod["metadata"]["uid"], pod["metadata"].get("annotations", {})
        if uid not in self._given:
            self._given[uid] = notes.get(IP_ANNOTATION) or self._free_address()
            self._started[uid] = pod
            if self._on_start:
                self._on_start(pod, self._given[uid])
        ip = self._given[uid]
        containers = [_running({"name": one["name"], "image": one["image"], "imageID": one["image"]}, 0, True)
                      for one in pod["spec"]["containers"]]
        self._set_status(pod, phase="Running", startTime=_now(), hostIP=self._host, podIP=ip, podIPs=[{"ip": ip}],
                         conditions=_conditions(True), containerStatuses=containers)

    def _end(self, pod):
        metadata = pod["metadata"]
        self._stop(metadata["uid"])
        self.api.delete(path("pods", metadata["namespace"], metadata["name"]), gracePeriodSeconds=0,
                        preconditions={"uid": metadata["uid"]})

    def _stop(self, uid):
        """What runs for a pod ends; of one that was deleted by force on a lost node, when that is back."""
        if uid in self._given and "end" not in self._held:
            if self._on_stop:
                self._on_stop(self._started[uid])
            del self._given[uid], self._started[uid]

    def _free_address(self):
        used = set(self._given.values())
        for _ in range(len(self._addresses)):
            self._addresses.rotate(-1)
            if self._addresses[-1] not in used:
                return self._addresses[-1]
        raise AssertionError(f"{self.name} has no address for another pod")

    def _set_status(self, pod, **status):
        metadata = pod["metadata"]
        self.api.patch(path("pods", metadata["namespace"], metadata["name"], "status"),
                       {"metadata": {"uid": metadata["uid"]}, "status": status})

    def _set_node(self, ready):
        condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": _now(), "lastTransitionTime": _now()}
        self.api.patch(path("nodes", None, self.name, "status"), {"status": {
            "conditions": [condition], "addresses": [{"type": "InternalIP", "address": self._host}],
            "capacity": {"cpu": "64", "memory": "1Ti", "pods": "10000"}}})

    def _check(self):
        if self._error:
            raise self._error

    def stop(self):
        """It plays no more; node and pods stay as they are."""
        self._stopping.set()
        self._look_again()
        self._thread.join(basekit.WATCHDOG_S)
        self._check()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def is_ready(pod):
    """Ready, and not Terminating."""
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _conditions(ready):
    state = {"Initialized": "True", "PodScheduled": "True", "ContainersReady": str(ready), "Ready": str(ready)}
    return [{"type": kind, "status": status, "lastTransitionTime": _now()} for kind, status in state.items()]


def _running(status, restarts, ready):
    return {**status, "containerID": f"containerd://{uuid.uuid4().hex}", "restartCount": restarts, "ready": ready,
            "started": True, "state": {"running": {"startedAt": _now()}}}
