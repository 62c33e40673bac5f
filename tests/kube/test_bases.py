# SPDX-License-Identifier: Apache-2.0
"""Bases are Pods: what the store shows of a base Deployment on a real API server."""
import os
import queue
import re
import subprocess
import threading

import basekit
import pytest
from kubeapi import path


class Bases:
    """watch_bases on one Deployment: its lines, and calls to it. Use as a context."""

    def __init__(self, cluster, namespace, deployment):
        env = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        command = [str(basekit.find_program("watch_bases")), namespace, deployment]
        self.process = subprocess.Popen(command, env=env, text=True, bufsize=1, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def wait(self, pattern):
        """The next line that matches; those before it are forgotten."""
        self.seen = []
        while not self.seen or not re.fullmatch(pattern, self.seen[-1]):
            try:
                self.seen.append(self.lines.get(timeout=basekit.WATCHDOG_S))
            except queue.Empty:
                pytest.fail(f"no line {pattern!r}; there were {self.seen}")
        return self.seen[-1]

    def call(self, line):
        self.process.stdin.write(line + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        try:
            assert self.process.wait(basekit.WATCHDOG_S) == 0 or exc[0]
        finally:
            self.process.kill()
            self.process.wait()


def deployment(name, replicas=1, app="stock"):
    labels = {"app": app}
    return {"metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels},
                                  "spec": {"containers": [{"name": "base", "image": "base"}]}}}}


@pytest.fixture
def stock(kube_cluster, kube_node, kube_namespace):
    """The Deployment "stock" with one Pod, followed: (bases, name of the Pod)."""
    where = path("deployments", kube_namespace)
    kube_cluster.api.post(where, deployment("stock"))
    with Bases(kube_cluster, kube_namespace, "stock") as bases:
        bases.wait("state listed found")
        pods = kube_node.wait_pods(kube_namespace, "app=stock", 1)
        yield bases, pods[0]["metadata"]["name"]


def test_a_deployment_that_comes_and_scales(kube_cluster, kube_node, kube_namespace):
    """Before it is there that is said; then each Pod is a base as soon as it is ready, and while it is there."""
    where = path("deployments", kube_namespace)
    with Bases(kube_cluster, kube_namespace, "stock") as bases:
        bases.wait("state listed absent")
        kube_cluster.api.post(where, deployment("stock"))
        bases.wait("state listed found")
        name = kube_node.wait_pods(kube_namespace, "app=stock", 1)[0]["metadata"]["name"]
        kube_cluster.api.patch(path("deployments", kube_namespace, "stock"), {"spec": {"replicas": 2}})
        bases.wait(r"MODIFIED (?!" + name + r")\S+ Ready - 127\.\d+\.\d+\.\d+:1239")
        kube_cluster.api.patch(path("deployments", kube_namespace, "stock"), {"spec": {"replicas": 0}})
        bases.wait("DELETED .*")
        bases.wait("DELETED .*")


def test_a_pod_that_is_not_ready(kube_node, kube_namespace, stock):
    bases, name = stock
    kube_node.set_ready(kube_namespace, name, False)
    bases.wait(f"MODIFIED {name} NotReady PodNotReady .*")
    kube_node.set_ready(kube_namespace, name, True)
    bases.wait(f"MODIFIED {name} Ready .*")


def test_a_container_restarts(kube_node, kube_namespace, stock):
    """The JVM is another one: what its agent said before counts no more."""
    bases, name = stock
    bases.call(f"report {name} Ready")
    bases.wait(f"reported {name}")
    kube_node.restart_container(kube_namespace, name)
    bases.wait(f"MODIFIED {name} NotReady BaseRestarted .*")


def test_labels_and_reports(kube_cluster, kube_namespace, stock):
    """A label is written to the Pod; of a report nothing is."""
    bases, name = stock
    where = path("pods", kube_namespace, name)
    before = kube_cluster.api.get(where)["metadata"]["resourceVersion"]
    bases.call(f"report {name} NotReady")
    bases.wait(f"MODIFIED {name} NotReady .*")
    assert kube_cluster.api.get(where)["metadata"]["resourceVersion"] == before
    bases.call(f"label {name} true")
    bases.wait(f"labelled {name}")
    assert kube_cluster.api.get(where)["metadata"]["labels"]["module.koupleless.alipay.com/pay"] == "true"


def test_a_base_that_is_removed(kube_cluster, kube_namespace, stock):
    """The Pod is left alone, and is a base again with the next report."""
    bases, name = stock
    bases.call(f"remove {name}")
    bases.wait(f"DELETED {name} .*")
    assert kube_cluster.api.find(path("pods", kube_namespace, name))
    bases.call(f"report {name} Ready")
    bases.wait(f"ADDED {name} Ready .*")


def test_the_deployment_goes(kube_cluster, kube_namespace, stock):
    """With its Pods, which are bases until they are gone."""
    bases, name = stock
    kube_cluster.api.delete(path("deployments", kube_namespace, "stock"), propagationPolicy="Background")
    bases.wait("state listed absent")
    bases.wait(f"DELETED {name} .*")
