# SPDX-License-Identifier: Apache-2.0
"""Services with pods behind them, as kube-controller-manager sees them."""
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


def test_a_server_runs_in_a_network_of_its_own(kube_cluster):
    test = "test_a_service_leads_to_its_ready_pods"
    done = in_a_network_of_its_own(
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", test,
        f"--kube-version={kube_cluster.version}", str(pathlib.Path(__file__)))
    assert "1 passed" in done.stdout, done.stdout
