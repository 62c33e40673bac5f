# SPDX-License-Identifier: Apache-2.0
"""Base Deployments come, go, change and are exchanged: what runs on their Pods follows by itself."""
import json

import basekit
import kubeapi
import pytest
from bases_kit import PREFIX, follows, modules_on, on_every_pod, settled


def patch(fleet, name, **spec):
    fleet.kubectl("patch", "moduledeployment", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def apply_on(fleet, name, base_deployment, jar=None, **spec):
    document = fleet.document(name, jar or fleet.jar(name), **spec)
    document["spec"]["baseDeploymentName"] = base_deployment
    fleet.apply_document(document)


def wait_not_found(fleet, name, base_deployment):
    md = fleet.wait_for(name, lambda md: md.status.release_status.reason == "BaseDeploymentNotFound", "it to be missed")
    assert base_deployment in md.status.release_status.message


def wait_other_pods(fleet, before, count):
    basekit.wait_until(lambda: not set(before) & set(fleet.pods()), "other pods")
    return fleet.wait_pods(count)


def wait_traffic(fleet, name, pods):
    basekit.wait_until(lambda: fleet.traffic(name) == sorted(pods), f"traffic on {pods} alone")


def roll(fleet):
    """Another pod template: a new ReplicaSet, whose pods take the place of those of the old one."""
    fleet.kubectl("rollout", "restart", "deployment", fleet.base_deployment)


def test_a_rolling_update_of_the_base(new_fleet):
    fleet = new_fleet(bases=3)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    apply_on(fleet, "two", fleet.base_deployment, replicas=2)
    on_every_pod(fleet, "every")
    fleet.wait_completed("two")
    before = fleet.pods()
    with follows(fleet):
        roll(fleet)
        wait_other_pods(fleet, before, 3)
        on_every_pod(fleet, "every")
        fleet.wait_for("two", lambda md: md.status.available_replicas == 2, "two again")
        settled(fleet, "every", "two")
    assert not [pod for pod in before if modules_on(fleet, pod)]


def test_a_base_that_is_scaled_to_nothing_and_back(new_fleet):
    fleet = new_fleet(bases=2)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    apply_on(fleet, "one", fleet.base_deployment, replicas=1)
    on_every_pod(fleet, "every")
    fleet.wait_completed("one")
    with follows(fleet):
        fleet.kubectl("scale", "deployment", fleet.base_deployment, "--replicas=0")
        basekit.wait_until(lambda: not fleet.objects("modules"), "all Modules to go")
        fleet.wait_for("one", lambda md: md.status.available_replicas == 0, "none")
        fleet.kubectl("scale", "deployment", fleet.base_deployment, "--replicas=2")
        fleet.wait_pods(2)
        on_every_pod(fleet, "every")
        fleet.wait_for("one", lambda md: md.status.available_replicas == 1, "one again")
        settled(fleet, "every", "one")


@pytest.mark.parametrize("replicas", [-1, 2])
def test_a_base_deployment_that_is_deleted(new_fleet, replicas):
    """That is told; what is declared waits for another of its name, and can be deleted."""
    fleet = new_fleet(bases=2)
    for name in ("waits", "goes"):
        apply_on(fleet, name, fleet.base_deployment, replicas=replicas)
        fleet.wait_for(name, lambda md: md.status.available_replicas == 2, "two")
    fleet.kubectl("delete", "deployment", fleet.base_deployment)
    for name in ("waits", "goes"):
        wait_not_found(fleet, name, fleet.base_deployment)
    basekit.wait_until(lambda: not fleet.objects("modules"), "all Modules to go")
    fleet.kubectl("delete", "moduledeployment", "goes", "--timeout=60s")
    fleet.create_base_deployment(fleet.base_deployment, 2)
    fleet.wait_pods(2)
    on_every_pod(fleet, "waits")


def test_a_base_deployment_that_comes_later(fleet):
    apply_on(fleet, "early", "later", replicas=-1)
    wait_not_found(fleet, "early", "later")
    apply_on(fleet, "gone", "later", replicas=-1)
    wait_not_found(fleet, "gone", "later")
    fleet.kubectl("delete", "moduledeployment", "gone", "--timeout=60s")
    fleet.create_base_deployment("later", 1)
    fleet.wait_pods(1, "later")
    on_every_pod(fleet, "early", "later")


def test_another_base_deployment_is_a_release_in_batches(fleet):
    fleet.create_base_deployment("other", 2)
    fleet.wait_pods(2, "other")
    jar = fleet.jar("moves")
    apply_on(fleet, "moves", fleet.base_deployment, jar, replicas=2)
    fleet.wait_completed("moves")
    patch(fleet, "moves", baseDeploymentName="other", operationStrategy={"batchCount": 2, "needConfirm": True})
    fleet.wait_waiting("moves", 1)
    here, there = fleet.pods(), fleet.pods("other")
    now = list(fleet.available("moves"))
    assert [len(now), len(set(now) & set(here)), len(set(now) & set(there))] == [2, 1, 1]
    patch(fleet, "moves", pause=False)
    on_every_pod(fleet, "moves", "other")
    assert not [pod for pod in here if modules_on(fleet, pod, "moves")]
    fleet.kubectl("delete", "moduledeployment", "moves", "--timeout=60s")
    fleet.kubectl("delete", "deployment", "other")


def test_a_base_deployment_with_another_selector(new_fleet):
    """A selector can't be edited: the Deployment is deleted and made again, its old pods go."""
    fleet = new_fleet(bases=2)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    on_every_pod(fleet, "every")
    before = fleet.pods()
    where = kubeapi.path("deployments", fleet.namespace)
    spec = fleet.cluster.api.get(f"{where}/{fleet.base_deployment}")["spec"]
    spec["selector"]["matchLabels"]["side"] = spec["template"]["metadata"]["labels"]["side"] = "new"
    fleet.kubectl("delete", "deployment", fleet.base_deployment)
    fleet.cluster.api.post(where, {"metadata": {"name": fleet.base_deployment}, "spec": spec})
    wait_other_pods(fleet, before, 2)
    on_every_pod(fleet, "every")


def test_pods_that_another_selector_leaves_behind(new_fleet):
    """The Deployment is deleted without its pods, which serve on; of the one that takes its name they are none."""
    fleet = new_fleet(bases=2)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    on_every_pod(fleet, "every")
    before = fleet.pods()
    where = kubeapi.path("deployments", fleet.namespace)
    spec = fleet.cluster.api.get(f"{where}/{fleet.base_deployment}")["spec"]
    spec["selector"]["matchLabels"]["side"] = spec["template"]["metadata"]["labels"]["side"] = "new"
    fleet.kubectl("delete", "deployment", fleet.base_deployment, "--cascade=orphan")
    wait_not_found(fleet, "every", fleet.base_deployment)
    assert fleet.traffic("every") == sorted(before)
    fleet.cluster.api.post(where, {"metadata": {"name": fleet.base_deployment}, "spec": spec})
    new = fleet.node.wait_pods(fleet.namespace, "side=new", 2)
    wait_traffic(fleet, "every", [pod["metadata"]["name"] for pod in new])
    assert not [pod for pod in before if modules_on(fleet, pod)]
    fleet.kubectl("delete", "replicaset", "-l", "side!=new")
    wait_other_pods(fleet, before, 2)
    on_every_pod(fleet, "every")


def test_a_pod_that_is_taken_aside_while_nobody_looks(new_fleet):
    """As before the eyes of the controller: it is no base and gets no traffic, and what is installed there runs on."""
    fleet = new_fleet(bases=2)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    on_every_pod(fleet, "every")
    aside = min(fleet.pods())
    fleet.stop_one("controller")
    fleet.kubectl("label", "pod", aside, "app-")
    others = fleet.wait_pods(2)
    fleet.start("controller")
    wait_traffic(fleet, "every", others)
    basekit.wait_until(lambda: not modules_on(fleet, aside), "its Module to go")
    assert "every:1.0.0" in fleet.active()[aside]
    fleet.kubectl("delete", "pod", aside)
    on_every_pod(fleet, "every")


def test_a_pod_whose_name_is_anothers_now(new_fleet):
    """While nobody looks, as that of a StatefulSet: the Module of the one before is let go, and the new one is not
    touched."""
    fleet = new_fleet(bases=2)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    on_every_pod(fleet, "every")
    gone = min(fleet.pods())
    fleet.stop_one("controller")
    fleet.kubectl("delete", "pod", gone)
    others = fleet.wait_pods(2)
    fleet.node.create_pod(fleet.namespace, gone, {f"module.{PREFIX}every": "true"})
    fleet.node.wait_ready(fleet.namespace, gone)
    fleet.start("controller")
    basekit.wait_until(lambda: not modules_on(fleet, gone), "its Module to go")
    wait_traffic(fleet, "every", [gone, *others])
    fleet.kubectl("delete", "pod", gone)
    on_every_pod(fleet, "every")


def test_a_base_deployment_that_leaves_its_pods_while_nobody_looks(new_fleet):
    """Whose they are nobody knows after a restart: they get no traffic, until a Deployment has them again; what is
    installed there is found then."""
    fleet = new_fleet(bases=2)
    apply_on(fleet, "every", fleet.base_deployment, replicas=-1)
    on_every_pod(fleet, "every")
    before, installs = fleet.pods(), fleet.installs("every")
    fleet.stop_one("controller")
    fleet.kubectl("delete", "deployment", fleet.base_deployment, "--cascade=orphan")
    fleet.start("controller")
    wait_not_found(fleet, "every", fleet.base_deployment)
    wait_traffic(fleet, "every", [])
    basekit.wait_until(lambda: not fleet.objects("modules"), "all Modules to go")
    fleet.create_base_deployment(fleet.base_deployment, 2)
    on_every_pod(fleet, "every")
    assert fleet.pods().keys() == before.keys()
    assert fleet.installs("every") == installs


def test_new_pods_while_a_release_waits_get_the_newest_url(new_fleet):
    """All pods are exchanged after the first batch: each version is where it was to be, from the url declared last."""
    fleet = new_fleet(bases=2)
    apply_on(fleet, "both", fleet.base_deployment, fleet.jar("both"), replicas=2)
    fleet.wait_completed("both")
    apply_on(fleet, "both", fleet.base_deployment, fleet.jar("both", "2.0.0"), replicas=2,
             strategy={"batchCount": 2, "needConfirm": True})
    fleet.wait_waiting("both", 1)
    newest = fleet.jar("both", "2.0.0", Test_Mark="newest")
    patch(fleet, "both", template={"spec": {"module": {"url": newest.as_uri()}}})
    before = fleet.pods()
    roll(fleet)
    wait_other_pods(fleet, before, 2)
    basekit.wait_until(lambda: sorted(fleet.available("both").values()) == ["1.0.0", "2.0.0"], "both versions")
    assert not set(before) & set(fleet.available("both"))
    fleet.wait_waiting("both", 1)
    patch(fleet, "both", pause=False)
    on_every_pod(fleet, "both")
    modules = fleet.objects("modules", f"{PREFIX}module-name=both").values()
    assert [module["status"]["digest"] for module in modules] == [newest.sha256] * 2


def test_two_module_deployments_on_one_base(fleet):
    """Each has its own module; a module that is another's is not touched, until that has gone."""
    for name in ("left", "right"):
        apply_on(fleet, name, fleet.base_deployment, replicas=-1)
    for name in ("left", "right"):
        on_every_pod(fleet, name)
    apply_on(fleet, "usurper", fleet.base_deployment, fleet.jar("left", "2.0.0"), replicas=1)
    md = fleet.wait_for("usurper", lambda md: md.status.release_status.reason == "OwnedByAnother", "it to be refused")
    assert "left" in md.status.release_status.message
    assert not fleet.modules("usurper")
    on_every_pod(fleet, "left")
    fleet.kubectl("delete", "moduledeployment", "left", "--timeout=60s")
    fleet.wait_completed("usurper")
    fleet.wait_agreement("usurper")
    assert fleet.traffic("left") == sorted(fleet.available("usurper"))
    for name in ("right", "usurper"):
        fleet.kubectl("delete", "moduledeployment", name, "--timeout=60s")
    assert fleet.traffic("left") == fleet.traffic("right") == []
