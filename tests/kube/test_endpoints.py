# SPDX-License-Identifier: Apache-2.0
"""Services with pods behind them, as kube-controller-manager sees them. Endpoints refuse addresses of loopback, so what
has real programs behind its pods runs in a network of its own."""
import os
import pathlib
import subprocess
import sys

import basekit
import kubelet
import pytest
from kubeapi import path

NETNS = str(basekit.SUPPORT / "netns.sh")


def service(name):
    return {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}}


def endpoints(cluster, namespace, name):
    """Addresses of a Service: those that are ready."""
    slices = cluster.api.get(path("endpointslices", namespace, labelSelector=f"kubernetes.io/service-name={name}"))
    return {address for one in slices["items"] for endpoint in one.get("endpoints") or []
            if endpoint["conditions"]["ready"] for address in endpoint["addresses"]}


def test_a_service_leads_to_its_ready_pods(kube_cluster, kube_namespace):
    ips = ["10.99.0.1", "10.99.0.2"]
    kube_cluster.api.post(path("services", kube_namespace), service("pay"))
    with kubelet.Kubelet(kube_cluster, "routed", schedules=False, addresses=ips) as node:
        for name in ("p1", "p2"):
            node.create_pod(kube_namespace, name, {"app": "pay"})
        node.wait_ready(kube_namespace, "p1", "p2")
        basekit.wait_until(lambda: endpoints(kube_cluster, kube_namespace, "pay") == set(ips), "both pods")
        node.set_ready(kube_namespace, "p1", False)
        basekit.wait_until(lambda: len(endpoints(kube_cluster, kube_namespace, "pay")) == 1, "one pod")
        kube_cluster.api.patch(path("pods", kube_namespace, "p2"), {"metadata": {"labels": {"app": None}}})
        basekit.wait_until(lambda: not endpoints(kube_cluster, kube_namespace, "pay"), "no pod")


def in_a_network_of_its_own(*command):
    done = subprocess.run([NETNS, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=3 * basekit.WATCHDOG_S, check=False)
    if done.returncode == 77:
        pytest.skip(done.stderr)
    return done


def test_addresses_that_are_not_of_loopback_can_be_listened_on_in_a_network_of_its_own():
    script = ("import socket; server = socket.create_server(('10.99.3.4', 80))\n"
              "socket.create_connection(server.getsockname()); print('ok')")
    done = in_a_network_of_its_own(sys.executable, "-c", script)
    assert done.stdout == "ok\n", done.stderr
    outside = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Cannot assign requested address" in outside.stderr


INSIDE = pytest.mark.skipif("KOUPLELESS_TEST_NETWORK" not in os.environ,
                            reason="runs inside test_in_a_network_of_its_own")


@INSIDE
def test_7_2_the_service_of_a_module_leads_to_where_it_serves(new_fleet):
    """Online, release in batches, scale, replace, offline: its endpoints are the pods where it is Available."""
    fleet = new_fleet(bases=3)
    strategy = {"serviceStrategy": {"enableModuleService": True, "port": 8080, "targetPort": 8081},
                "batchCount": 2, "needConfirm": True}

    def wait_endpoints(count):
        def agree():
            available = fleet.available("pay")
            there = {pod["status"]["podIP"] for name, pod in fleet.pods().items() if name in available}
            return len(there) == count and endpoints(fleet.cluster, fleet.namespace, "pay-service") == there
        basekit.wait_until(agree, f"{count} endpoints, where it is Available")

    def confirm():
        fleet.wait_waiting("pay", 1)
        fleet.kubectl("patch", "moduledeployment", "pay", "--type=merge", "-p", '{"spec":{"pause":false}}')
        fleet.wait_completed("pay")

    fleet.apply_document(fleet.document("pay", fleet.jar("pay"), replicas=2, strategy=strategy))
    fleet.wait_waiting("pay", 1)
    wait_endpoints(1)
    confirm()
    wait_endpoints(2)
    fleet.apply_document(fleet.document("pay", fleet.jar("pay", "2.0.0"), replicas=2, strategy=strategy))
    confirm()
    wait_endpoints(2)
    fleet.kubectl("scale", "moduledeployment/pay", "--replicas=3")
    wait_endpoints(3)
    fleet.wait_completed("pay")
    fleet.kubectl("delete", "pod", next(iter(fleet.available("pay"))))
    fleet.wait_pods(3)
    wait_endpoints(3)
    fleet.kubectl("delete", "moduledeployment", "pay", "--timeout=60s")
    basekit.wait_until(lambda: not endpoints(fleet.cluster, fleet.namespace, "pay-service"), "no endpoint")


def test_in_a_network_of_its_own(kube_cluster):
    test = "test_7_2_the_service_of_a_module_leads_to_where_it_serves"
    done = in_a_network_of_its_own(
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", f"--kube-version={kube_cluster.version}",
        f"{pathlib.Path(__file__)}::{test}[{kube_cluster.version}]")
    assert "1 passed" in done.stdout, done.stdout
