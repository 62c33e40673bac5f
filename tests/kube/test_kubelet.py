# SPDX-License-Identifier: Apache-2.0
"""Pods without a real kubelet: made by controllers or by hand, Ready, restarted, lost, gone."""
import basekit
import kubelet
import pytest
from kubeapi import path

LABELS = {"app": "base"}


def deployment(name, replicas, version="1"):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": LABELS},
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "base", "image": version}]}}}}


def addresses(pods):
    return {pod["status"]["podIP"] for pod in pods}


def ready_condition(pod):
    condition, = [one for one in pod["status"]["conditions"] if one["type"] == "Ready"]
    return condition["status"]


def container(node, namespace, name):
    status, = node.pod(namespace, name)["status"]["containerStatuses"]
    return status


def test_a_deployment_becomes_a_replicaset_and_ready_pods_on_loopback(kube_cluster, kube_node, kube_namespace):
    kube_cluster.api.post(path("deployments", kube_namespace), deployment("base", 3))
    pods = kube_node.wait_pods(kube_namespace, "app=base", 3)
    assert len(addresses(pods)) == 3 and all(ip.startswith("127.") for ip in addresses(pods))
    replica_set, = kube_cluster.api.get(path("replicasets", kube_namespace))["items"]
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods} == {replica_set["metadata"]["uid"]}
    kube_cluster.kubectl("wait", "-n", kube_namespace, "--for=condition=Available", "deployment/base")


def test_a_deployment_scales_rolls_and_takes_its_pods_with_it(kube_cluster, kube_node, kube_namespace):
    where = path("deployments", kube_namespace, "base")
    kube_cluster.api.post(path("deployments", kube_namespace), deployment("base", 3))
    old = kube_node.wait_pods(kube_namespace, "app=base", 3)
    kube_cluster.api.patch(where, {"spec": {"replicas": 2}})
    kube_node.wait_pods(kube_namespace, "app=base", 2)
    kube_cluster.api.patch(where, deployment("base", 2, "2"))
    kube_cluster.kubectl("rollout", "status", "-n", kube_namespace, "deployment/base")
    new = kube_node.wait_pods(kube_namespace, "app=base", 2)
    assert not {pod["metadata"]["uid"] for pod in old} & {pod["metadata"]["uid"] for pod in new}
    kube_cluster.api.delete(where, propagationPolicy="Background")
    kube_node.wait_pods(kube_namespace, "app=base", 0)


def test_a_pod_by_hand_gets_the_address_that_it_asks_for(kube_node, kube_namespace):
    kube_node.create_pod(kube_namespace, "p", LABELS, ip="127.66.6.6")
    pod = kube_node.wait_ready(kube_namespace, "p")
    assert (pod["status"]["phase"], addresses([pod])) == ("Running", {"127.66.6.6"})
    assert pod["spec"]["nodeName"] == kube_node.name


def test_a_deleted_pod_goes_and_its_address_is_free_again(kube_cluster, kube_namespace):
    with kubelet.Kubelet(kube_cluster, "small", schedules=False, addresses=["127.66.7.1"]) as small:
        for name in ("first", "second"):
            small.create_pod(kube_namespace, name)
            pod = small.wait_ready(kube_namespace, name)
            assert addresses([pod]) == {"127.66.7.1"}
            kube_cluster.kubectl("delete", "pod", name, "-n", kube_namespace)
            small.wait_gone(kube_namespace, name)


def test_what_is_held_stays_between(kube_cluster, kube_node, kube_namespace):
    with kube_node.held("end"):
        for name in ("held", "later"):
            kube_node.create_pod(kube_namespace, name)
            kube_node.wait_ready(kube_namespace, name)
            kube_cluster.api.delete(path("pods", kube_namespace, name))
        pod = kube_node.pod(kube_namespace, "held")  # "later" is Ready, so this deletion was seen
        assert pod["metadata"]["deletionTimestamp"] and not kubelet.is_ready(pod)
        with kube_node.held("start"):
            kube_node.create_pod(kube_namespace, "pending")
        kube_node.wait_ready(kube_namespace, "pending")
    kube_node.wait_gone(kube_namespace, "held")


def test_a_pod_is_not_ready_where_the_test_says_so(kube_node, kube_namespace):
    kube_node.create_pod(kube_namespace, "p")
    kube_node.wait_ready(kube_namespace, "p")
    kube_node.set_ready(kube_namespace, "p", False)
    assert ready_condition(kube_node.pod(kube_namespace, "p")) == "False"
    assert container(kube_node, kube_namespace, "p")["ready"] is False
    kube_node.set_ready(kube_namespace, "p", True)
    assert kubelet.is_ready(kube_node.pod(kube_namespace, "p"))
    kube_node.set_phase(kube_namespace, "p", "Failed")
    failed = kube_node.pod(kube_namespace, "p")
    assert (failed["status"]["phase"], ready_condition(failed)) == ("Failed", "False")


def test_a_restarted_container_is_another_one_in_the_same_pod(kube_node, kube_namespace):
    kube_node.create_pod(kube_namespace, "p")
    before = kube_node.wait_ready(kube_namespace, "p")
    first = container(kube_node, kube_namespace, "p")
    kube_node.restart_container(kube_namespace, "p")
    second = container(kube_node, kube_namespace, "p")
    assert (first["restartCount"], second["restartCount"]) == (0, 1)
    assert first["containerID"] != second["containerID"]
    after = kube_node.pod(kube_namespace, "p")
    assert kubelet.is_ready(after)
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and addresses([after]) == addresses([before])


def test_pods_of_a_lost_node_are_not_ready_and_do_not_end(kube_cluster, kube_namespace):
    with kubelet.Kubelet(kube_cluster, "far", schedules=False) as far:
        for name in ("kept", "deleted"):
            far.create_pod(kube_namespace, name)
        far.wait_ready(kube_namespace, "kept", "deleted")
        with far.lost():
            assert {ready_condition(pod) for pod in far.pods(kube_namespace)} == {"False"}
            kube_cluster.api.delete(path("pods", kube_namespace, "deleted"))
            assert "deletionTimestamp" in far.pod(kube_namespace, "deleted")["metadata"]
        far.wait_gone(kube_namespace, "deleted")
        far.wait_ready(kube_namespace, "kept")


def test_what_serves_in_a_pod_is_started_before_it_is_ready_and_stopped_before_it_is_gone(
        kube_cluster, kube_namespace):
    calls = []
    node = kubelet.Kubelet(kube_cluster, "calling", schedules=False,
                           on_start=lambda pod, ip: calls.append(("start", pod["metadata"]["name"], ip)),
                           on_stop=lambda pod: calls.append(("stop", pod["metadata"]["name"])))
    with node:
        node.create_pod(kube_namespace, "p", ip="127.66.8.1")
        node.wait_ready(kube_namespace, "p")
        assert calls == [("start", "p", "127.66.8.1")]
        kube_cluster.api.delete(path("pods", kube_namespace, "p"))
        node.wait_gone(kube_namespace, "p")
    assert calls[1:] == [("stop", "p")]


def test_what_fails_in_a_pod_fails_the_test(kube_cluster, kube_namespace):
    def fail(_pod, _ip):
        raise RuntimeError("no such program")

    node = kubelet.Kubelet(kube_cluster, "failing", schedules=False, on_start=fail)
    node.create_pod(kube_namespace, "p")
    with pytest.raises(RuntimeError, match="no such program"):
        node.wait_ready(kube_namespace, "p")
    with pytest.raises(RuntimeError, match="no such program"):
        node.stop()


def test_a_node_goes_on_after_a_restart_of_the_server(own_cluster):
    own_cluster.api.post(path("namespaces"), {"metadata": {"name": "restarted"}})
    with kubelet.Kubelet(own_cluster) as node:
        node.create_pod("restarted", "before")
        node.wait_ready("restarted", "before")
        own_cluster.kill("kube-apiserver")
        own_cluster.start("kube-apiserver")
        node.create_pod("restarted", "after")
        node.wait_ready("restarted", "after")
        for name in ("before", "after"):
            own_cluster.api.delete(path("pods", "restarted", name))
            node.wait_gone("restarted", name)
    assert basekit.wait_until(lambda: own_cluster.api.find(path("nodes", None, "node-1")), "the node")
