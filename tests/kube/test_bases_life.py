# SPDX-License-Identifier: Apache-2.0
"""Bases are Pods, and Pods come, go and fall ill: modules and traffic follow at once, and nobody asks the API server
for a list again."""
import itertools
import json

import basekit
import kubeapi
import pytest
from bases_kit import PREFIX, follows, modules_on, on_every_pod, settled, wait_module
from fleetkit import AGENT, BASE

_serial = itertools.count(1)


@pytest.fixture
def every(fleet):
    """A ModuleDeployment with an instance on every base, which runs; its name, and that of its module."""
    name = f"every-{next(_serial)}"
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=-1))
    on_every_pod(fleet, name)
    yield name
    fleet.kubectl("delete", "moduledeployment", name, "--timeout=60s")
    assert not fleet.objects("modules", f"{PREFIX}module-deployment={name}")
    assert fleet.traffic(name) == []
    assert not [key for keys in fleet.active().values() for key in keys if key.startswith(f"{name}:")]


def evict(fleet, pod):
    fleet.cluster.api.post(kubeapi.path("pods", fleet.namespace, pod, "eviction"), {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": fleet.namespace}})


def delete(fleet, pod):
    fleet.kubectl("delete", "pod", pod)


def unready(fleet, pod):
    """The pod's module is not Available, and gets no traffic."""
    module = wait_module(fleet, pod, lambda module: module["status"]["status"] == "Unavailable")
    basekit.wait_until(lambda: pod not in fleet.traffic(module["metadata"]["labels"][f"{PREFIX}module-name"]),
                       "it to be out of traffic")
    return module


@pytest.mark.parametrize("ends", [delete, evict])
def test_a_pod_that_is_replaced(fleet, every, ends):
    gone = min(fleet.pods())
    with follows(fleet):
        ends(fleet, gone)
        basekit.wait_until(lambda: gone not in fleet.pods(), "the pod to go")
        fleet.wait_pods(3)
        on_every_pod(fleet, every)
    assert not modules_on(fleet, gone)


def test_a_pod_that_takes_its_time_to_end(fleet, every):
    """From the moment it is being deleted it is in nobody's way: out of traffic, and replaced."""
    gone = min(fleet.pods())
    with fleet.node.held("end"), follows(fleet):
        fleet.kubectl("delete", "pod", gone, "--wait=false")
        unready(fleet, gone)
        others = basekit.wait_until(lambda: [pod for pod in fleet.traffic(every)] if len(fleet.traffic(every)) == 3
                                    else None, "another in its place")
        assert gone not in others
    basekit.wait_until(lambda: gone not in fleet.pods(), "the pod to go")
    on_every_pod(fleet, every)
    assert not modules_on(fleet, gone)


def test_a_node_that_is_lost_and_found(fleet, every):
    """Its modules are out of traffic, and kept: when it is back they ran on."""
    before, installs = fleet.objects("modules", f"{PREFIX}module-name={every}"), fleet.installs(every)
    with follows(fleet):
        with fleet.node.lost():
            basekit.wait_until(lambda: fleet.traffic(every) == [], "no traffic")
            fleet.wait_for(every, lambda md: md.status.available_replicas == 0, "none to be available")
        on_every_pod(fleet, every)
    assert fleet.objects("modules", f"{PREFIX}module-name={every}").keys() == before.keys()
    assert fleet.installs(every) == installs


def test_a_pod_that_is_deleted_while_its_node_is_lost(fleet, every):
    gone = min(fleet.pods())
    with fleet.node.lost():
        fleet.kubectl("delete", "pod", gone, "--wait=false")
        unready(fleet, gone)
        fleet.kubectl("delete", "pod", gone, "--grace-period=0", "--force")
        basekit.wait_until(lambda: not modules_on(fleet, gone), "its modules to go")
    fleet.wait_pods(3)
    on_every_pod(fleet, every)


@pytest.mark.parametrize("containers, installs", [((BASE,), 2), ((AGENT,), 1), ((BASE, AGENT), 2)],
                         ids=["jvm", "agent", "both"])
def test_containers_that_restart_in_their_pod(fleet, every, containers, installs):
    """The same Modules; what the JVM lost is installed again, and only that."""
    pod = min(fleet.pods())
    before = {name: module["metadata"]["uid"] for name, module in modules_on(fleet, pod).items()}
    boot = fleet.base_objects()[pod].status.boot_id
    with follows(fleet):
        fleet.restart_containers(pod, *containers)
        if BASE in containers:
            basekit.wait_until(lambda: fleet.base_objects()[pod].status.boot_id != boot, "another JVM")
            basekit.wait_until(lambda: len(fleet.operations_of(every)[pod]) == installs, "it to be installed anew")
        on_every_pod(fleet, every)
    assert {name: module["metadata"]["uid"] for name, module in modules_on(fleet, pod).items()} == before
    assert fleet.operations_of(every)[pod] == ["install 1.0.0"] * installs


def test_a_pod_that_is_not_ready_for_a_while(fleet, every):
    pod = min(fleet.pods())
    before = fleet.operations_of(every)
    with follows(fleet):
        fleet.node.set_ready(fleet.namespace, pod, False)
        module = unready(fleet, pod)
        fleet.node.set_ready(fleet.namespace, pod, True)
        on_every_pod(fleet, every)
    assert list(modules_on(fleet, pod, every)) == [module["metadata"]["name"]]
    assert fleet.operations_of(every) == before


def test_a_pod_that_waits_for_a_node(fleet, every):
    """Pending, and without an address: nothing is done there until it runs."""
    with follows(fleet):
        with fleet.node.held("start"):
            fleet.kubectl("scale", "deployment", fleet.base_deployment, "--replicas=4")
            pending = basekit.wait_until(lambda: [name for name, pod in fleet.pods().items()
                                                  if pod["status"]["phase"] == "Pending"], "the fourth pod")[0]
            basekit.wait_until(lambda: fleet.base_objects().get(pending), "the base to be seen")
            base = fleet.base_objects()[pending]
            assert (base.status.phase, base.status.reason) == ("NotReady", "PodPending")
            assert len(fleet.traffic(every)) == 3
        fleet.wait_pods(4)
        on_every_pod(fleet, every)
    fleet.kubectl("scale", "deployment", fleet.base_deployment, "--replicas=3")
    fleet.wait_pods(3)
    on_every_pod(fleet, every)


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_has_ended(fleet, every, phase):
    """Nothing runs there any more: its Modules go, though the Pod is still to be seen."""
    ended = min(fleet.pods())
    with follows(fleet):
        fleet.node.set_phase(fleet.namespace, ended, phase)
        basekit.wait_until(lambda: not modules_on(fleet, ended), "its modules to go")
        basekit.wait_until(lambda: len(fleet.traffic(every)) == 3 and ended not in fleet.traffic(every), "the others")
        fleet.kubectl("delete", "pod", ended)
        fleet.wait_pods(3)
        on_every_pod(fleet, every)


def test_an_address_that_is_another_pods_now(fleet, every):
    """A Pod whose address is out of date is asked for, and another answers: it refuses, and nothing is done there."""
    other = fleet.pods()[min(fleet.pods())]
    before = fleet.operations_of(every)
    with fleet.node.held("start"):
        fleet.kubectl("scale", "deployment", fleet.base_deployment, "--replicas=4")
        new = basekit.wait_until(lambda: [name for name, pod in fleet.pods().items()
                                          if pod["status"]["phase"] == "Pending"], "the fourth pod")[0]
        status = {key: other["status"][key] for key in ("phase", "podIP", "podIPs", "conditions")}
        where = kubeapi.path("pods", fleet.namespace, new, "status")
        fleet.cluster.api.patch(where, {"status": status})
        module = wait_module(fleet, new, lambda module: module["status"].get("reason") == "AgentNotAnswering")
        assert other["metadata"]["name"] in module["status"]["message"], module["status"]
        assert fleet.operations_of(every) == before
        assert new not in fleet.traffic(every)
        fleet.cluster.api.patch(where, {"status": {"phase": "Pending", "podIP": None, "podIPs": None,
                                                   "conditions": None}})
    fleet.wait_pods(4)
    on_every_pod(fleet, every)
    fleet.kubectl("scale", "deployment", fleet.base_deployment, "--replicas=3")
    fleet.wait_pods(3)
    on_every_pod(fleet, every)


def test_the_limit_of_a_pod_is_edited(fleet, every):
    """What is there stays; what comes is counted."""
    pod = min(fleet.pods())
    late = f"{every}-late"
    fleet.kubectl("label", "pod", pod, f"{PREFIX}max-module-count=0")
    fleet.apply_document(fleet.document(late, fleet.jar(late), replicas=-1))
    basekit.wait_until(lambda: len(fleet.available(late)) == 2, "the other pods to have it")
    assert not modules_on(fleet, pod, late) and modules_on(fleet, pod, every)
    with follows(fleet):
        fleet.kubectl("label", "--overwrite", "pod", pod, f"{PREFIX}max-module-count=many")  # ignored
        on_every_pod(fleet, late)
    fleet.kubectl("label", "pod", pod, f"{PREFIX}max-module-count-")
    fleet.kubectl("delete", "moduledeployment", late, "--timeout=60s")
    on_every_pod(fleet, every)


def test_a_pod_that_is_taken_aside(fleet, every):
    """To look at it in peace: without the labels of its Deployment it is no base, and gets no traffic; it runs on."""
    aside = min(fleet.pods())
    with follows(fleet):
        fleet.kubectl("label", "pod", aside, "app-")
        fleet.wait_pods(3)
        basekit.wait_until(lambda: len(fleet.available(every)) == 3 and aside not in fleet.traffic(every),
                           "another in its place")
        assert f"{every}:1.0.0" in fleet.active()[aside]
        fleet.kubectl("delete", "pod", aside)
        on_every_pod(fleet, every)


def test_what_is_no_value_of_a_label(fleet):
    """An IPv6 address and a version are told in full by an annotation; what can't be reached goes with its Pod."""
    fleet.create_base_deployment("v6", 0)
    name = "unlabelable"
    with fleet.node.held("start"):
        fleet.kubectl("scale", "deployment", "v6", "--replicas=1")
        (pod,) = basekit.wait_until(lambda: fleet.pods("v6"), "the pod")
        ready = next(iter(fleet.pods().values()))["status"]["conditions"]
        fleet.cluster.api.patch(kubeapi.path("pods", fleet.namespace, pod, "status"), {"status": {
            "phase": "Running", "podIP": "fd00::17", "podIPs": [{"ip": "fd00::17"}], "conditions": ready}})
        document = fleet.document(name, fleet.jar(name, "1.0.0+2"), replicas=1)
        document["spec"]["baseDeploymentName"] = "v6"
        fleet.apply_document(document)
        metadata = wait_module(fleet, pod, lambda module: True)["metadata"]
        for key, value in (("base-instance-ip", "fd00::17"), ("module-version", "1.0.0+2")):
            assert metadata["annotations"][PREFIX + key] == value, json.dumps(metadata)
            assert metadata["labels"][PREFIX + key] not in ("", value)
        fleet.kubectl("delete", "moduledeployment", name, "--wait=false")
        fleet.kubectl("delete", "deployment", "v6")
        fleet.wait_gone(name)
    settled(fleet)


def test_the_port_of_an_agent_by_annotation(fleet):
    fleet.create_base_deployment("ported", 1, annotations={f"{PREFIX}agent-port": "1300"})
    (pod,) = fleet.wait_pods(1, "ported")
    document = fleet.document("ported", fleet.jar("ported"), replicas=-1)
    document["spec"]["baseDeploymentName"] = "ported"
    fleet.apply_document(document)
    on_every_pod(fleet, "ported", "ported")
    assert fleet.base_objects()[pod].spec.agent_address.endswith(":1300")
    fleet.kubectl("delete", "moduledeployment", "ported", "--timeout=60s")
    fleet.kubectl("delete", "deployment", "ported")
