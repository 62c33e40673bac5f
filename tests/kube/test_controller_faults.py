# SPDX-License-Identifier: Apache-2.0
"""A controller whose API server lacks something, refuses it, goes away, or has forgotten: it says what is wrong,
waits, and goes on by itself."""
import contextlib
import itertools
import signal

import basekit
import kubeapi
import manifestkit
import programkit
import pytest
from kubeapi import path

KINDS = ["moduledeployments", "modulereplicasets", "modules", "moduletemplates"]
_serial = itertools.count(1)


class Controller(programkit.Program):
    """A controller on a cluster, without a scheduler: nothing is placed."""

    def __init__(self, folder, kubeconfig, *options):
        super().__init__("koupleless-controller", folder, "--insecure", "--store", "kubernetes",
                         "--kubeconfig", str(kubeconfig), *options)


@pytest.fixture
def run(own_cluster, tmp_path):
    """Starts controllers; all are ended, well, after the test."""
    with contextlib.ExitStack() as running:
        def start(*options, kubeconfig=own_cluster.kubeconfig):
            folder = tmp_path / f"controller-{next(_serial)}"
            return running.enter_context(Controller(folder, kubeconfig, *options))
        yield start


@pytest.fixture
def namespace(own_cluster):
    """A namespace with a base Deployment without Pods; there is nobody who would empty it after the test."""
    name = f"faults-{next(_serial)}"
    own_cluster.api.post(path("namespaces"), {"metadata": {"name": name}})
    labels = {"app": "stock"}
    own_cluster.api.post(path("deployments", name), {"metadata": {"name": "stock"}, "spec": {
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "base", "image": "base"}]}}}})
    return name


@pytest.fixture
def crds(own_cluster):
    manifestkit.install_crds(own_cluster)


def deployment(name):
    return {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleDeployment", "metadata": {"name": name},
            "spec": {"baseDeploymentName": "stock", "replicas": 1, "template": {"spec": {"module": {
                "name": name, "version": "1.0.0", "url": "http://127.0.0.1/provider.jar"}}}}}


def make(cluster, namespace, name):
    return cluster.api.post(path("moduledeployments", namespace), deployment(name))


def wait_taken(cluster, namespace, name):
    """Until the controller has written the status of the object: it has seen it, and may write. (There is no base.)"""
    return basekit.wait_until(
        lambda: cluster.api.get(path("moduledeployments", namespace, name)).get("status", {}).get("observedGeneration"),
        f"{name} to be taken up")


def test_custom_resources_that_are_missing_are_named_and_waited_for(own_cluster, run):
    # First of this file: the server has none yet.
    controller = run()
    for kind in KINDS:
        said = controller.wait_said("list failed, tried again", f"{kind}.koupleless.alipay.com")
        assert "is its CustomResourceDefinition there?" in said[0]["error"]
    assert not controller.is_ready()
    manifestkit.install_crds(own_cluster)
    controller.wait_ready()


def test_custom_resources_of_another_version_are_as_if_missing(own_cluster, run, crds):
    try:
        for kind in KINDS:
            manifestkit.serve(own_cluster, kind, "v1beta9")
        controller = run()
        for kind in KINDS:
            controller.wait_said("list failed, tried again", f"does not serve v1alpha1 of {kind}.koupleless.alipay.com")
        assert not controller.is_ready()
    finally:
        for kind in KINDS:
            manifestkit.serve(own_cluster, kind)
    controller.wait_ready()


def test_rights_that_are_missing_are_named_and_waited_for(own_cluster, run, crds, namespace):
    own_cluster.service_account(namespace, "limited", [
        {"apiGroups": ["koupleless.alipay.com"], "resources": ["moduledeployments"], "verbs": ["list", "watch"]}])
    controller = run("--namespace", namespace, kubeconfig=own_cluster.kubeconfig_of(namespace, "limited"))
    controller.wait_said("list failed, tried again", f'list modules in namespace "{namespace}"',
                         'cannot list resource "modules"')
    assert not controller.said("list failed, tried again", "list moduledeployments")
    assert not controller.is_ready()

    role = path("roles", namespace, f"{namespace}-limited")
    rules = [{"apiGroups": ["koupleless.alipay.com"], "resources": ["*"], "verbs": ["list", "watch"]},
             {"apiGroups": ["", "apps"], "resources": ["events", "services", "pods", "deployments"],
              "verbs": ["list", "watch"]}]
    own_cluster.api.patch(role, {"rules": rules})
    controller.wait_ready()
    make(own_cluster, namespace, "md")
    controller.wait_said("write failed, planned anew", 'patch moduledeployments/status "md"', "cannot patch resource")
    rules[0]["verbs"] = ["*"]
    own_cluster.api.patch(role, {"rules": rules})
    wait_taken(own_cluster, namespace, "md")


def test_a_server_that_restarts_is_followed_again(own_cluster, run, crds, namespace):
    controller = run("--namespace", namespace)
    controller.wait_ready()
    own_cluster.restart("kube-apiserver")
    make(own_cluster, namespace, "after")
    wait_taken(own_cluster, namespace, "after")


def test_changes_of_a_forgotten_time_are_found_by_listing_again(own_cluster, run, crds, namespace):
    controller = run("--namespace", namespace)
    controller.wait_ready()
    make(own_cluster, namespace, "stays")
    wait_taken(own_cluster, namespace, "stays")
    controller.process.send_signal(signal.SIGSTOP)
    try:
        make(own_cluster, namespace, "missed")
        own_cluster.kill("kube-apiserver")
        own_cluster.compact()
        own_cluster.start("kube-apiserver")
        own_cluster.api.patch(path("moduledeployments", namespace, "missed"), {"metadata": {"labels": {"a": "1"}}})
    finally:
        controller.process.send_signal(signal.SIGCONT)
    wait_taken(own_cluster, namespace, "missed")


def test_a_namespace_that_is_being_deleted_takes_nothing_new(own_cluster, run, crds, namespace):
    controller = run("--namespace", namespace)
    controller.wait_ready()
    # Nobody empties it: it is Terminating as long as the test likes.
    own_cluster.api.delete(path("namespaces", None, namespace))
    late = itertools.count(1)

    def refusal():
        """The server looks at its copies of namespaces, which may be a moment older."""
        try:
            make(own_cluster, namespace, f"late{next(late)}")
        except kubeapi.ApiError as error:
            return error
        return None

    refused = basekit.wait_until(refusal, "the namespace to take nothing")
    assert refused.code == 403 and "being terminated" in str(refused)
    assert controller.is_ready()


def test_a_hanging_server_does_not_hold_the_end(own_cluster, run, crds, namespace):
    controller = run("--namespace", namespace)
    controller.wait_ready()
    make(own_cluster, namespace, "md")
    wait_taken(own_cluster, namespace, "md")
    own_cluster.freeze("kube-apiserver")
    try:
        assert controller.stop() == 0
    finally:
        own_cluster.thaw("kube-apiserver")


def test_a_kubeconfig_that_is_wrong_is_told(own_cluster, tmp_path):
    wrong = tmp_path / "config"
    wrong.write_text("apiVersion: v1\nkind: Config\ncurrent-context: none\n", encoding="utf-8")
    for file, part in [(wrong, "none"), (tmp_path / "absent", "absent")]:
        ended = programkit.run("koupleless-controller", "--insecure", "--listen", "127.0.0.1:0", "--http-listen",
                               "127.0.0.1:0", "--store", "kubernetes", "--kubeconfig", str(file))
        assert ended.returncode == 1
        assert "--store kubernetes" in ended.stderr.splitlines()[-1] and part in ended.stderr.splitlines()[-1]
